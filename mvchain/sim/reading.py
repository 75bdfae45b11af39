"""The checkers' own reader of signed messages, commits and transactions (faults section 1).

It shares no code with what it checks: a fault in the node's codec, commit rules or counting must not be repeated
here. Only the signature function is the node's, since it is the simulator's to replace (SIM7).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgpack

from mvchain.core.keys import Purpose, verify

PREVOTE: Final = 1
PRECOMMIT: Final = 2
PROPOSAL: Final = 32
NAMES: Final = {PREVOTE: "prevote", PRECOMMIT: "precommit", PROPOSAL: "proposal"}
_ABSENT, _FOR_BLOCK = 1, 2
_BALLOT_KIND = 0
_HASH_BYTES: Final = 32
_MAX_INT64: Final = (1 << 63) - 1


class Signed(NamedTuple):
    """A proposal, prevote or precommit, as far as the checkers look at it."""

    type: int
    height: int
    round: int
    block_id: bytes
    """Encoded; empty for nil."""
    value: bytes
    """All that was signed, with the signature: an honest key signs one of these for each type, height and round."""
    address: bytes
    """Of the signer; empty in a proposal."""


def read_endorsement(data: bytes) -> Signed:
    """A prevote or precommit; ValueError if the bytes are none."""
    try:
        f = _fields(data)
        numbers = type_, height, round_ = _int(f, 1), _int(f, 2), _int(f, 3)
        block_id = _one(f, 4, b"")
        value = block_id + _one(f, 5, b"") + _one(f, 8, b"")
        address = _one(f, 6, b"")
    except (IndexError, AssertionError):
        raise ValueError("no prevote or precommit") from None
    if max(numbers) > _MAX_INT64:
        raise ValueError("a number out of range")
    return Signed(type_, height, round_, _or_nil(block_id), value, address)


def read_proposal(data: bytes) -> Signed:
    """A proposal of an honest node."""
    f = _fields(data)
    block_id = _one(f, 5, b"")
    value = block_id + _one(f, 6, b"") + _int(f, 4).to_bytes(8, "big") + f[7][0]
    return Signed(PROPOSAL, _int(f, 2), _int(f, 3), block_id, value, b"")


def is_well_formed(endorsement: bytes, index: int) -> bool:
    """Whether a prevote or precommit is for nil or for a whole block id, and names this index of its validator."""
    try:
        f = _fields(endorsement)
        block_id = _fields(_one(f, 4, b""))
        parts = _fields(_one(block_id, 2, b""))
        nothing = not block_id.get(1) and not parts
        whole = len(_one(block_id, 1, b"")) == len(_one(parts, 2, b"")) == _HASH_BYTES and _int(parts, 1) > 0
        return (nothing or whole) and _int(f, 7) == index
    except (IndexError, AssertionError):
        return False


def signature_holds(endorsement: bytes, public_key: bytes, chain_id: str) -> bool:
    """Whether an encoded prevote or precommit is signed by this key."""
    f = _fields(endorsement)
    block_id = _or_nil(_one(f, 4, b""))
    message = _canonical(_int(f, 2), _int(f, 3), block_id, _one(f, 5, b""), chain_id, _int(f, 1))
    return verify(Purpose.CONSENSUS, public_key, message, _one(f, 8, b""))


def bad_commit(
    data: bytes, keys_by_address: dict[bytes, bytes], chain_id: str, height: int, block_id: bytes
) -> str | None:
    """Why this commit does not prove the block, or None: every signature in it holds, and more than two thirds of
    the validators, each counted once, signed this block (I1).

    Args:
        keys_by_address: the validators of that height, each of the same power.
        block_id: encoded.
    """
    f = _fields(data)
    round_, named = _int(f, 2), _one(f, 3, b"")
    if (_int(f, 1), named) != (height, block_id):
        return "it is for another block"
    signers: set[bytes] = set()
    seen: set[bytes] = set()
    for entry in map(_fields, f.get(4, [])):
        flag = _int(entry, 1)
        if flag == _ABSENT:
            continue
        address = _one(entry, 2, b"")
        if address in seen:
            return f"{address.hex()} is in it twice"
        seen.add(address)
        if address not in keys_by_address:
            return f"{address.hex()} is no validator"
        signed_for = block_id if flag == _FOR_BLOCK else b""
        message = _canonical(height, round_, signed_for, _one(entry, 3, b""), chain_id)
        if not verify(Purpose.CONSENSUS, keys_by_address[address], message, _one(entry, 4, b"")):
            return f"the signature of {address.hex()} does not hold"
        if flag == _FOR_BLOCK:
            signers.add(address)
    if 3 * len(signers) <= 2 * len(keys_by_address):
        return f"only {len(signers)} of {len(keys_by_address)} signed it"
    return None


class Accusation(NamedTuple):
    """What a piece of evidence says: who signed twice, what, and when."""

    address: bytes
    type: int
    height: int
    round: int


def read_accusations(evidence: bytes) -> Iterator[tuple[Accusation, tuple[bytes, bytes]]]:
    """What the evidence of a block says, and the two messages that have to prove it."""
    for item in _fields(evidence).get(1, []):
        pair = _fields(_fields(item)[1][0])
        f = _fields(pair[1][0])
        yield Accusation(_one(f, 6, b""), _int(f, 1), _int(f, 2), _int(f, 3)), (pair[1][0], pair[2][0])


def bad_accusation(said: Accusation, pair: tuple[bytes, bytes], public_key: bytes, chain_id: str) -> str | None:
    """Why two messages do not convict this key of signing twice, or None (I8)."""
    block_ids = set()
    for f in map(_fields, pair):
        block_id = _or_nil(_one(f, 4, b""))
        block_ids.add(block_id)
        if Accusation(_one(f, 6, b""), _int(f, 1), _int(f, 2), _int(f, 3)) != said:
            return "its messages are not of one signer, kind, height and round"
        message = _canonical(said.height, said.round, block_id, _one(f, 5, b""), chain_id, said.type)
        if not verify(Purpose.CONSENSUS, public_key, message, _one(f, 8, b"")):
            return "a signature does not hold"
    return None if len(block_ids) == 2 else "both messages are for one block"


def signers(commit: bytes) -> set[bytes]:
    """Whose signatures are in a commit."""
    entries = map(_fields, _fields(commit).get(4, []))
    return {_one(entry, 2, b"") for entry in entries if _int(entry, 1) != _ABSENT}


def commit_round(data: bytes) -> int:
    """The round in which a block was decided."""
    return _int(_fields(data), 2)


@dataclass(frozen=True, slots=True)
class CastBallot:
    """A ballot as it lies in a block."""

    poll: int
    signer: bytes
    revision: int
    answers: tuple[Any, ...]


def read_ballot(raw: bytes) -> CastBallot | None:
    """The ballot in a transaction; None if it is another one."""
    payload_bytes, signer, _ = msgpack.unpackb(raw)
    payload = msgpack.unpackb(payload_bytes)
    if payload[0] != _BALLOT_KIND:
        return None
    poll, revision, answers = payload[1:4]
    return CastBallot(poll, signer, revision, tuple(answers))


def _canonical(  # noqa: PLR0917 - in the order of C40
    height: int, round_: int, block_id: bytes, time: bytes, chain_id: str, kind: int = PRECOMMIT
) -> bytes:
    """The bytes that a prevote or precommit signs (C40)."""
    chain = chain_id.encode()
    body = bytes((8, kind)) + b"\x11" + height.to_bytes(8, "little")
    if round_:
        body += b"\x19" + round_.to_bytes(8, "little")
    if block_id:
        body += b"\x22" + _sized(block_id)
    body += b"\x2a" + _sized(time) + b"\x32" + _sized(chain)
    return _sized(body)


def _sized(data: bytes) -> bytes:
    assert len(data) < 1 << 14
    size = len(data)
    return (bytes((size,)) if size < 128 else bytes((size & 127 | 128, size >> 7))) + data


def _fields(data: bytes) -> dict[int, list[Any]]:
    """A protobuf message: integers and byte strings by field number."""
    found: dict[int, list[Any]] = {}
    for number, value in _each_field(data):
        found.setdefault(number, []).append(value)
    return found


def _each_field(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        value, at = _varint(data, at)
        if tag & 7 == 2:
            value, at = data[at : at + value], at + value  # type: ignore[assignment]
        yield tag >> 3, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _int(fields: dict[int, list[Any]], number: int) -> int:
    value = fields.get(number, [0])[0]
    assert isinstance(value, int)
    return value


def _one(fields: dict[int, list[Any]], number: int, default: bytes) -> bytes:
    value = fields.get(number, [default])[0]
    assert isinstance(value, bytes)
    return value


def _or_nil(block_id: bytes) -> bytes:
    """Nil is written as an id of empty parts (C46)."""
    return block_id if len(block_id) > 8 else b""
