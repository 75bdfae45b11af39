"""The open receipt (ledger L11): a self-contained file that proves that one ballot was included and accepted.

It is canonical JSON with no field that verification ignores, and holds the hash of the ballot, not the ballot: to
show a receipt is not to show the choice. Pure: bytes in, value or `BadProof` out.

    {
      "accepted":  {"index", "total", "aunts", "result": {"poll", "number", "voter", "units"}},
      "ballot":    hash of the ballot's transaction,
      "chain_id":  the chain,
      "commit":    {"round", "parts": {"total", "hash"}, "signatures": [[validator index, time, base64], ...]},
      "format":    "mvchain open receipt 1",
      "included":  {"index", "total", "aunts"},
      "header":    header of the block H that holds the ballot,
      "next_header": header of block H+1, which holds H's results and is what the commit signs,
      "validators": their keys, in the order of the set
    }

Hashes and keys are lower-case hex. Times are RFC 3339 in UTC with nanoseconds where there are any.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from mvchain.core import codes, merkle, strict_json
from mvchain.core.errors import BadProof
from mvchain.core.limits import MAX_AUNTS, MAX_RECEIPT_BYTES, MAX_ROLL_SIZE, MAX_ROUND, MAX_VALIDATORS
from mvchain.core.strict_json import Json
from mvchain.core.timestamps import format_rfc3339, parse_rfc3339
from mvchain.core.types import (
    Address,
    BallotNumber,
    Hash,
    Height,
    PollNumber,
    PublicKey,
    Round,
    TaggedKey,
    TimeNs,
)
from mvchain.ledger.block_id import BlockID, PartSetHeader
from mvchain.ledger.blocks import Header

FORMAT = "mvchain open receipt 1"
MAX_INT = 2**53 - 1
WHAT = "the receipt"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Path:
    """An inclusion proof without its leaf: position, size of the tree, and the hashes beside the way up."""

    index: int
    total: int
    aunts: tuple[Hash, ...]

    def proves(self, item: bytes, root: bytes) -> bool:
        """Whether `item` is at this position under `root`."""
        proof = merkle.Proof(self.total, self.index, merkle.leaf_hash(item), self.aunts)
        return merkle.verify_inclusion(proof, root, item)


@dataclass(frozen=True, slots=True)
class AcceptedBallot:
    """What the result of an accepted ballot says: whose it is, and the how-manieth of its poll."""

    poll: PollNumber
    number: BallotNumber
    """From 0, in order of acceptance."""
    voter: TaggedKey
    units: int
    """Work units it took (N2); part of the hashed result."""


@dataclass(frozen=True, slots=True)
class Precommit:
    """One validator's signature in the receipt's commit."""

    index: int
    time_ns: TimeNs
    signature: bytes


@dataclass(frozen=True, slots=True)
class OpenReceipt:
    """A receipt as it was read, nothing of it verified. See the module's docstring for the fields."""

    chain_id: str
    ballot: Hash
    header: Header
    next_header: Header
    included: Path
    accepted: Path
    result: AcceptedBallot
    commit_round: Round
    commit_parts: PartSetHeader
    signatures: tuple[Precommit, ...]
    validators: tuple[PublicKey, ...]

    @property
    def block_id(self) -> BlockID:
        """What the commit signs: the next header, in the parts that were signed with it."""
        return BlockID(self.next_header.hash(), self.commit_parts)

    def encode(self) -> bytes:
        """The file."""
        return strict_json.canonical(
            {
                "format": FORMAT,
                "chain_id": self.chain_id,
                "ballot": self.ballot.hex(),
                "header": _header_to_json(self.header),
                "next_header": _header_to_json(self.next_header),
                "included": _path_to_json(self.included),
                "accepted": _path_to_json(self.accepted)
                | {
                    "result": {
                        "poll": self.result.poll,
                        "number": self.result.number,
                        "voter": self.result.voter.hex(),
                        "units": self.result.units,
                    }
                },
                "commit": {
                    "round": self.commit_round,
                    "parts": {"total": self.commit_parts.total, "hash": self.commit_parts.hash.hex()},
                    "signatures": [
                        [one.index, format_rfc3339(one.time_ns), base64.b64encode(one.signature).decode()]
                        for one in self.signatures
                    ],
                },
                "validators": [key.hex() for key in self.validators],
            }
        )


def decode_receipt(data: bytes) -> OpenReceipt:
    """Read a receipt file: canonical, nothing missing, nothing more.

    Raises:
        BadProof: it is not an open receipt of this format.
    """
    value = strict_json.loads(data, WHAT, max_bytes=MAX_RECEIPT_BYTES, error=BadProof, canonical=True)
    top = _Members(value, "")
    if (form := top.text("format", 64)) != FORMAT:
        raise BadProof(codes.UNKNOWN_RECEIPT_FORMAT, form=form, known=FORMAT)
    chain_id = top.text("chain_id", 50)
    accepted = top.members("accepted")
    commit = top.members("commit")
    parts = commit.members("parts")
    result = accepted.members("result")
    receipt = OpenReceipt(
        chain_id=chain_id,
        ballot=Hash(top.hex("ballot", 32)),
        header=_header_from_json(top.members("header"), chain_id),
        next_header=_header_from_json(top.members("next_header"), chain_id),
        included=(included := top.members("included")).path(),
        accepted=accepted.path(),
        result=AcceptedBallot(
            poll=PollNumber(result.whole("poll", 1, (1 << 32) - 1)),
            number=BallotNumber(result.whole("number", 0, MAX_ROLL_SIZE << 4)),
            voter=TaggedKey(result.hex("voter", 33)),
            units=result.whole("units", 1, 1 << 32),
        ),
        commit_round=Round(commit.whole("round", 0, MAX_ROUND)),
        commit_parts=PartSetHeader(parts.whole("total", 1, 1 << 16), parts.hex("hash", 32)),
        signatures=commit.items("signatures", MAX_VALIDATORS, _signature_from_json),
        validators=top.items("validators", MAX_VALIDATORS, _key_from_json),
    )
    for members in (top, accepted, commit, parts, result, included):
        members.end()
    return receipt


def _header_to_json(header: Header) -> dict[str, Json]:
    """All fields but the chain id, which the receipt says once."""
    last = header.last_block_id
    value: dict[str, Json] = {name: getattr(header, name).hex() for name in _HASHES}
    value["version_app"] = header.version_app
    value["height"] = header.height
    value["time"] = format_rfc3339(header.time_ns)
    value["last_block_id"] = {"hash": last.hash.hex(), "total": last.parts.total, "parts": last.parts.hash.hex()}
    value["proposer"] = header.proposer_address.hex()
    return value


_HASHES = (
    "last_commit_hash",
    "data_hash",
    "validators_hash",
    "next_validators_hash",
    "consensus_hash",
    "app_hash",
    "last_results_hash",
    "evidence_hash",
)


def _header_from_json(members: "_Members", chain_id: str) -> Header:
    last = members.members("last_block_id")
    nil = not last.peek("hash")
    header = Header(
        version_app=members.whole("version_app", 0, MAX_INT),
        chain_id=chain_id,
        height=Height(members.whole("height", 1, MAX_INT)),
        time_ns=parse_rfc3339(members.text("time", 40), WHAT),
        last_block_id=BlockID(
            last.hex("hash", 0 if nil else 32),
            PartSetHeader(last.whole("total", 0, 1 << 16), last.hex("parts", 0 if nil else 32)),
        ),
        last_commit_hash=members.hex("last_commit_hash", 32),
        data_hash=members.hex("data_hash", 32),
        validators_hash=members.hex("validators_hash", 32),
        next_validators_hash=members.hex("next_validators_hash", 32),
        consensus_hash=members.hex("consensus_hash", 32),
        app_hash=members.hex("app_hash", 32),
        last_results_hash=members.hex("last_results_hash", 32),
        evidence_hash=members.hex("evidence_hash", 32),
        proposer_address=Address(members.hex("proposer", 20)),
    )
    last.end()
    members.end()
    return header


def _path_to_json(path: Path) -> dict[str, Json]:
    return {"index": path.index, "total": path.total, "aunts": [aunt.hex() for aunt in path.aunts]}


def _signature_from_json(value: Json) -> Precommit:
    match value:
        case [int(index), str(time), str(signature)] if not isinstance(index, bool):
            if not 0 <= index < MAX_VALIDATORS:
                raise _malformed("commit.signatures", f"{index} is no validator's number")
            return Precommit(index, parse_rfc3339(time, WHAT), _base64(signature, 64))
    raise _malformed("commit.signatures", "each must be [number, time, signature]")


def _key_from_json(value: Json) -> PublicKey:
    if not isinstance(value, str):
        raise _malformed("validators", "each must be a key in hex")
    return PublicKey(_unhex(value, 32, "validators"))


def _malformed(name: str, why: str) -> BadProof:
    return BadProof(codes.MALFORMED_RECEIPT, name=name, why=why)


def _unhex(text: str, size: int, name: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise _malformed(name, "it is not hex") from None
    if len(data) != size or data.hex() != text:
        raise _malformed(name, f"it must be {size} bytes in lower-case hex")
    return data


def _base64(text: str, size: int) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _malformed("commit.signatures", "a signature is not base64") from None
    if len(data) != size or base64.b64encode(data).decode() != text:
        raise _malformed("commit.signatures", f"a signature must be {size} bytes in base64")
    return data


class _Members:
    """One JSON object, read member by member; `end` refuses what was not asked for."""

    def __init__(self, value: Json, name: str) -> None:
        if not isinstance(value, dict):
            raise _malformed(name or WHAT, "it is not an object")
        self._left = dict(value)
        self._name = name

    def whole(self, name: str, low: int, high: int) -> int:
        value = self._take(name)
        if type(value) is not int or not low <= value <= high:
            raise _malformed(self._path(name), f"it must be a whole number from {low} to {high}")
        return value

    def text(self, name: str, max_chars: int) -> str:
        value = self._take(name)
        if not isinstance(value, str) or len(value) > max_chars:
            raise _malformed(self._path(name), f"it must be a text of at most {max_chars} characters")
        return value

    def hex(self, name: str, size: int) -> bytes:
        return _unhex(self.text(name, 2 * size), size, self._path(name))

    def items(self, name: str, most: int, read: Callable[[Json], T]) -> tuple[T, ...]:
        value = self._take(name)
        if not isinstance(value, list) or len(value) > most:
            raise _malformed(self._path(name), f"it must be a list of at most {most}")
        return tuple(map(read, value))

    def members(self, name: str) -> "_Members":
        return _Members(self._take(name), self._path(name))

    def path(self) -> Path:
        return Path(
            index=self.whole("index", 0, MAX_INT),
            total=self.whole("total", 1, MAX_INT),
            aunts=self.items("aunts", MAX_AUNTS, self._aunt),
        )

    def peek(self, name: str) -> Json:
        return self._left.get(name)

    def end(self) -> None:
        if self._left:
            raise _malformed(self._path(min(self._left)), "no such field belongs here")

    def _aunt(self, value: Json) -> Hash:
        if not isinstance(value, str):
            raise _malformed(self._path("aunts"), "each must be a hash in hex")
        return Hash(_unhex(value, 32, self._path("aunts")))

    def _take(self, name: str) -> Json:
        if name not in self._left:
            raise _malformed(self._path(name), "it is missing")
        return self._left.pop(name)

    def _path(self, name: str) -> str:
        return f"{self._name}.{name}" if self._name else name
