"""The open receipt (ledger L11): a self-contained file that proves that one ballot was included and accepted.

It holds the hash of the ballot, not the ballot: to show a receipt is not to show the choice. Pure: bytes in, value
or `BadProof` out.

    {
      "accepted":    {"index", "total", "aunts", "result": {"poll", "number", "voter", "units"}},
      "ballot":      hash of the ballot's transaction,
      "chain_id":    the chain,
      "commit":      {"round", "parts": {"total", "hash"}, "signatures": [[validator's index, time, signature], ...]},
      "format":      "mvchain open receipt 1",
      "header":      header of the block H that holds the ballot,
      "included":    {"index", "total", "aunts"},
      "next_header": header of block H+1, which names block H, holds its results, and is what the commit signs,
      "validators":  their keys, in the order of the set
    }

A header is {"app_hash", "app_version", "consensus_hash", "data_hash", "evidence_hash", "height", "last_block_id":
{"hash", "parts": {"total", "hash"}}, "last_commit_hash", "last_results_hash", "next_validators_hash", "proposer",
"time", "validators_hash"}; its chain id is the receipt's, and `last_block_id` is null in the first block. Hashes,
keys and signatures are lower-case hex, times RFC 3339 in UTC with as many digits as they need.

One receipt has one form: canonical JSON of exactly these members. The reader encodes what it understood and compares,
so nothing can be added, left out or written in another way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from mvchain.core import codes, merkle, strict_json
from mvchain.core.errors import BadProof
from mvchain.core.keys import KEY_BYTES, SIGNATURE_BYTES, TAGGED_KEY_BYTES
from mvchain.core.limits import (
    MAX_AUNTS,
    MAX_BLOCK_PARTS,
    MAX_BLOCK_UNITS,
    MAX_NUMBER,
    MAX_RECEIPT_BYTES,
    MAX_REVISIONS,
    MAX_ROLL_SIZE,
    MAX_ROUND,
    MAX_VALIDATORS,
)
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
from mvchain.ledger.block_id import HASH_BYTES, NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.blocks import MAX_CHAIN_ID_CHARS, Header
from mvchain.ledger.genesis import MAX_APP_VERSION
from mvchain.ledger.validators import ADDRESS_BYTES

FORMAT = "mvchain open receipt 1"

_WHAT = "the receipt"
_MAX_HEIGHT = 2**53 - 1
"""The largest integer of strict JSON; at a block a second, 285 million years."""
_MAX_TIME_CHARS = len("2026-03-09T01:02:03.123456789Z")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Path:
    """An inclusion proof without its leaf: position, size of the tree, and the hashes beside the way up (C19).

    Index and total are no claims by themselves: they tell on which side each aunt stands, and a root does not bind
    the total. Trees of one size that are asked about the same index and total answer about the same leaf.
    """

    index: int
    total: int
    aunts: tuple[Hash, ...]

    def proves(self, item: bytes, root: bytes) -> bool:
        """Whether the way up from `item` ends in `root`."""
        proof = merkle.Proof(self.total, self.index, merkle.leaf_hash(item), self.aunts)
        return merkle.verify_inclusion(proof, root, item)


@dataclass(frozen=True, slots=True)
class AcceptedBallot:
    """What the result of an accepted ballot says (ledger L3): of which poll it is, which one there, and whose."""

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
    """Of the validator, in the order of the set (C35)."""
    time_ns: TimeNs
    signature: bytes


@dataclass(frozen=True, slots=True)
class OpenReceipt:
    """A receipt as it was read, nothing of it verified. See the module's docstring for the members of the file."""

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
        result = self.result
        accepted = _path_to_json(self.accepted)
        accepted["result"] = {
            "poll": result.poll,
            "number": result.number,
            "voter": result.voter.hex(),
            "units": result.units,
        }
        commit: Json = {
            "round": self.commit_round,
            "parts": _parts_to_json(self.commit_parts),
            "signatures": [[one.index, format_rfc3339(one.time_ns), one.signature.hex()] for one in self.signatures],
        }
        return strict_json.canonical(
            {
                "format": FORMAT,
                "chain_id": self.chain_id,
                "ballot": self.ballot.hex(),
                "header": _header_to_json(self.header),
                "next_header": _header_to_json(self.next_header),
                "included": _path_to_json(self.included),
                "accepted": accepted,
                "commit": commit,
                "validators": [key.hex() for key in self.validators],
            }
        )


def decode_receipt(data: bytes) -> OpenReceipt:
    """Read a receipt file.

    Raises:
        BadProof: it is no open receipt, or not in its one form.
    """
    top = _Members(strict_json.loads(data, _WHAT, max_bytes=MAX_RECEIPT_BYTES, error=BadProof), "")
    form = top.text("format", 64)
    if form != FORMAT:
        raise BadProof(codes.UNKNOWN_RECEIPT_FORMAT, form=form, known=FORMAT)
    chain_id = top.text("chain_id", MAX_CHAIN_ID_CHARS)
    accepted = top.members("accepted")
    result = accepted.members("result")
    commit = top.members("commit")
    receipt = OpenReceipt(
        chain_id=chain_id,
        ballot=Hash(top.hex("ballot", HASH_BYTES)),
        header=_header_from_json(top.members("header"), chain_id),
        next_header=_header_from_json(top.members("next_header"), chain_id),
        included=_path_from_json(top.members("included")),
        accepted=_path_from_json(accepted),
        result=AcceptedBallot(
            poll=PollNumber(result.integer("poll", 1, MAX_NUMBER)),
            number=BallotNumber(result.integer("number", 0, MAX_ROLL_SIZE * MAX_REVISIONS - 1)),
            voter=TaggedKey(result.hex("voter", TAGGED_KEY_BYTES)),
            units=result.integer("units", 1, MAX_BLOCK_UNITS),
        ),
        commit_round=Round(commit.integer("round", 0, MAX_ROUND)),
        commit_parts=_parts_from_json(commit.members("parts")),
        signatures=commit.array("signatures", MAX_VALIDATORS, _precommit_from_json),
        validators=top.array("validators", MAX_VALIDATORS, _key_from_json),
    )
    if receipt.encode() != data:
        raise BadProof(codes.NOT_CANONICAL, what=_WHAT)
    return receipt


def _header_to_json(header: Header) -> Json:
    """All fields but the chain id, which the receipt says once, and the block protocol, which never changes (C3)."""
    last = header.last_block_id
    return {
        "app_version": header.version_app,
        "height": header.height,
        "time": format_rfc3339(header.time_ns),
        "last_block_id": None if last.is_nil else {"hash": last.hash.hex(), "parts": _parts_to_json(last.parts)},
        "last_commit_hash": header.last_commit_hash.hex(),
        "data_hash": header.data_hash.hex(),
        "validators_hash": header.validators_hash.hex(),
        "next_validators_hash": header.next_validators_hash.hex(),
        "consensus_hash": header.consensus_hash.hex(),
        "app_hash": header.app_hash.hex(),
        "last_results_hash": header.last_results_hash.hex(),
        "evidence_hash": header.evidence_hash.hex(),
        "proposer": header.proposer_address.hex(),
    }


def _header_from_json(members: "_Members", chain_id: str) -> Header:
    return Header(
        version_app=members.integer("app_version", 0, MAX_APP_VERSION),
        chain_id=chain_id,
        height=Height(members.integer("height", 1, _MAX_HEIGHT)),
        time_ns=members.time("time"),
        last_block_id=_last_block_id_from_json(members),
        last_commit_hash=members.hex("last_commit_hash", HASH_BYTES),
        data_hash=members.hex("data_hash", HASH_BYTES),
        validators_hash=members.hex("validators_hash", HASH_BYTES),
        next_validators_hash=members.hex("next_validators_hash", HASH_BYTES),
        consensus_hash=members.hex("consensus_hash", HASH_BYTES),
        app_hash=members.hex("app_hash", HASH_BYTES),
        last_results_hash=members.hex("last_results_hash", HASH_BYTES),
        evidence_hash=members.hex("evidence_hash", HASH_BYTES),
        proposer_address=Address(members.hex("proposer", ADDRESS_BYTES)),
    )


def _last_block_id_from_json(header: "_Members") -> BlockID:
    if header.value("last_block_id") is None:
        return NIL_BLOCK_ID
    last = header.members("last_block_id")
    return BlockID(last.hex("hash", HASH_BYTES), _parts_from_json(last.members("parts")))


def _parts_to_json(parts: PartSetHeader) -> Json:
    return {"total": parts.total, "hash": parts.hash.hex()}


def _parts_from_json(members: "_Members") -> PartSetHeader:
    return PartSetHeader(members.integer("total", 1, MAX_BLOCK_PARTS), members.hex("hash", HASH_BYTES))


def _path_to_json(path: Path) -> dict[str, Json]:
    return {"index": path.index, "total": path.total, "aunts": [aunt.hex() for aunt in path.aunts]}


def _path_from_json(members: "_Members") -> Path:
    # A transaction takes at least one unit, so no block holds more of them than units (N2).
    return Path(
        index=members.integer("index", 0, MAX_BLOCK_UNITS - 1),
        total=members.integer("total", 1, MAX_BLOCK_UNITS),
        aunts=members.array("aunts", MAX_AUNTS, _aunt_from_json),
    )


def _aunt_from_json(value: Json, where: str) -> Hash:
    return Hash(_unhex(value, HASH_BYTES, where))


def _key_from_json(value: Json, where: str) -> PublicKey:
    return PublicKey(_unhex(value, KEY_BYTES, where))


def _precommit_from_json(value: Json, where: str) -> Precommit:
    match value:
        case [int(index), time, signature] if type(index) is int and 0 <= index < MAX_VALIDATORS:
            return Precommit(index, _time(time, where), _unhex(signature, SIGNATURE_BYTES, where))
    raise _malformed(where, f"it is not [index below {MAX_VALIDATORS}, time, signature]")


class _Members:
    """Typed access to the members of one object; raises BadProof on a misfit.

    Members that nobody asks for are not looked at here: the comparison at the end of `decode_receipt` refuses them.
    """

    __slots__ = ("_values", "_where")

    def __init__(self, value: Json, where: str) -> None:
        if not isinstance(value, dict):
            raise _malformed(where or "its beginning", "it is not an object")
        self._values = value
        self._where = where

    def value(self, name: str) -> Json:
        if name not in self._values:
            raise _malformed(self._place(name), "it is missing")
        return self._values[name]

    def members(self, name: str) -> "_Members":
        return _Members(self.value(name), self._place(name))

    def integer(self, name: str, low: int, high: int) -> int:
        value = self.value(name)
        if type(value) is not int or not low <= value <= high:
            raise _malformed(self._place(name), f"it is not an integer from {low} to {high}")
        return value

    def text(self, name: str, max_chars: int) -> str:
        value = self.value(name)
        if not isinstance(value, str) or len(value) > max_chars:
            raise _malformed(self._place(name), f"it is not a text of at most {max_chars} characters")
        return value

    def hex(self, name: str, size: int) -> bytes:
        return _unhex(self.value(name), size, self._place(name))

    def time(self, name: str) -> TimeNs:
        return _time(self.value(name), self._place(name))

    def array(self, name: str, most: int, read: Callable[[Json, str], T]) -> tuple[T, ...]:
        value, place = self.value(name), self._place(name)
        if not isinstance(value, list) or len(value) > most:
            raise _malformed(place, f"it is not an array of at most {most}")
        return tuple([read(item, f"{place}[{at}]") for at, item in enumerate(value)])

    def _place(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name


def _unhex(value: Json, size: int, where: str) -> bytes:
    try:
        if not isinstance(value, str) or len(value) != 2 * size:
            raise ValueError
        return bytes.fromhex(value)
    except ValueError:
        raise _malformed(where, f"it is not {size} bytes in hex") from None


def _time(value: Json, where: str) -> TimeNs:
    if not isinstance(value, str) or len(value) > _MAX_TIME_CHARS:
        raise _malformed(where, "it is not a time")
    return parse_rfc3339(value, f"{_WHAT} at {where}")


def _malformed(name: str, why: str) -> BadProof:
    return BadProof(codes.MALFORMED_RECEIPT, name=name, why=why)
