"""Blocks as a node shows them over JSON-RPC, read and verified by code that shares nothing with nodes (faults I1, I5).

What is signed is put together here from the specification (C12, C40), and signatures are checked by libsodium itself.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final, NamedTuple

import nacl.exceptions
import nacl.signing

FLAG_COMMIT: Final = 2
FLAG_NIL: Final = 3
_PRECOMMIT: Final = 2
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Precommit:
    """One entry of a commit."""

    flag: int
    address: str
    """Hex; "" if absent."""
    time: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class ShownCommit:
    """Who signed a block."""

    height: int
    round: int
    block_hash: str
    parts_total: int
    parts_hash: str
    entries: tuple[Precommit, ...]


class Accusation(NamedTuple):
    """What a piece of evidence says: who signed twice, where, and prevotes (1) or precommits (2)."""

    address: str
    height: int
    round: int
    kind: int


@dataclass(frozen=True, slots=True)
class ShownBlock:
    """One block; hashes and addresses in upper-case hex."""

    height: int
    hash: str
    last_hash: str
    time: str
    app_hash: str
    """After the block before it."""
    validators_hash: str
    proposer: str
    txs: tuple[bytes, ...]
    accusations: tuple[Accusation, ...]
    """One for each piece of its evidence."""
    last_commit: ShownCommit


def read_block(result: Mapping[str, Any]) -> ShownBlock:
    """From the result of the method `block`. Raises KeyError, TypeError, ValueError: it is none."""
    block = result["block"]
    header = block["header"]
    return ShownBlock(
        height=int(header["height"]),
        hash=result["block_id"]["hash"],
        last_hash=header["last_block_id"]["hash"],
        time=header["time"],
        app_hash=header["app_hash"],
        validators_hash=header["validators_hash"],
        proposer=header["proposer_address"],
        txs=tuple(map(base64.b64decode, block["data"]["txs"])),
        accusations=tuple(_accusation(piece["value"]["vote_a"]) for piece in block["evidence"]["evidence"]),
        last_commit=read_commit(block["last_commit"]),
    )


def _accusation(first: Mapping[str, Any]) -> Accusation:
    return Accusation(first["validator_address"], int(first["height"]), int(first["round"]), int(first["type"]))


def read_commit(shown: Mapping[str, Any]) -> ShownCommit:
    """From a commit as JSON. Raises as `read_block`."""
    return ShownCommit(
        height=int(shown["height"]),
        round=int(shown["round"]),
        block_hash=shown["block_id"]["hash"],
        parts_total=int(shown["block_id"]["parts"]["total"]),
        parts_hash=shown["block_id"]["parts"]["hash"],
        entries=tuple(
            Precommit(
                int(entry["block_id_flag"]),
                entry["validator_address"],
                entry["timestamp"],
                base64.b64decode(entry["signature"] or ""),
            )
            for entry in shown["signatures"]
        ),
    )


@dataclass(frozen=True, slots=True)
class Validators:
    """The agencies' validator keys, by address, as the genesis file has them."""

    chain_id: str
    keys: Mapping[str, bytes]

    @classmethod
    def of(cls, chain_id: str, keys: Sequence[bytes]) -> "Validators":
        """An address is the first 20 bytes of the key's SHA-256."""
        return cls(chain_id, {hashlib.sha256(key).hexdigest()[:40].upper(): key for key in keys})

    @property
    def quorum(self) -> int:
        """Signers that a block needs: more than two thirds."""
        return 2 * len(self.keys) // 3 + 1


def faults_of_chain(blocks: Sequence[ShownBlock], tip_commit: ShownCommit, validators: Validators) -> Iterator[str]:
    """What is wrong with blocks 1, 2, 3 and on, in words, and with the commit for the last."""
    if [block.height for block in blocks] != list(range(1, len(blocks) + 1)):
        yield "I1: the heights are not 1, 2, 3 and on"
        return
    for before, block in pairwise(blocks):
        if block.last_hash != before.hash:
            yield f"I1: block {block.height} does not follow block {before.height}"
        if _ns(block.time) <= _ns(before.time):
            yield f"I1: the time of block {block.height} is not after that of the block before"
        yield from faults_of_commit(block.last_commit, before, validators)
    yield from faults_of_commit(tip_commit, blocks[-1], validators)
    if len({block.validators_hash for block in blocks}) > 1:
        yield "I5: the validator set changed, which nobody asked for"


def faults_of_commit(commit: ShownCommit, block: ShownBlock, validators: Validators) -> Iterator[str]:
    """What is wrong with the commit for a block: a quorum of distinct validators, every signature in order (I1)."""
    where = f"the commit of block {block.height}"
    if (commit.height, commit.block_hash) != (block.height, block.hash):
        yield f"I1: {where} is for another block"
    signers: list[str] = []
    for entry in commit.entries:
        if entry.flag not in (FLAG_COMMIT, FLAG_NIL):
            continue
        key = validators.keys.get(entry.address)
        if key is None:
            yield f"I1: {where} has an entry of {entry.address}, which is no validator"
        elif not _signed(key, _sign_bytes(commit, entry, validators.chain_id), entry.signature):
            yield f"I1: {where} has a signature of {entry.address} that does not verify"
        elif entry.flag == FLAG_COMMIT:
            signers.append(entry.address)
    if len(signers) != len(set(signers)):
        yield f"I1: {where} has a signer twice"
    if len(set(signers)) < validators.quorum:
        yield f"I1: {where} has {len(set(signers))} signers and needs {validators.quorum}"


def _signed(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        nacl.signing.VerifyKey(key).verify(message, signature)
    except (nacl.exceptions.BadSignatureError, nacl.exceptions.ValueError):
        return False
    return True


# --- the bytes that a precommit signs (C12, C40) ---


def _sign_bytes(commit: ShownCommit, entry: Precommit, chain_id: str) -> bytes:
    block_id = b""
    if entry.flag == FLAG_COMMIT:
        parts = _number(1, commit.parts_total) + _bytes(2, bytes.fromhex(commit.parts_hash))
        block_id = _bytes(4, _bytes(1, bytes.fromhex(commit.block_hash)) + _bytes(2, parts))
    seconds, nanos = divmod(_ns(entry.time), _NS)
    body = (
        _number(1, _PRECOMMIT)
        + _fixed(2, commit.height)
        + _fixed(3, commit.round)
        + block_id
        + _bytes(5, _number(1, seconds) + _number(2, nanos))
        + _bytes(6, chain_id.encode())
    )
    return _varint(len(body)) + body


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes((value & 0x7F | 0x80,))
        value >>= 7
    return out + bytes((value,))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value) if value else b""


def _fixed(field: int, value: int) -> bytes:
    return _varint(field << 3 | 1) + value.to_bytes(8, "little") if value else b""


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _ns(time: str) -> int:
    """Nanoseconds since the Unix epoch of an RFC 3339 time in UTC with up to nine digits behind the point."""
    whole, _, fraction = time.removesuffix("Z").partition(".")
    moment = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return int(moment.timestamp()) * _NS + int(fraction.ljust(9, "0") or 0)
