"""What receipts, proofs and light blocks have in common: JSON of headers, commits and paths (ledger L11). Pure.

A header is {"app_hash", "app_version", "consensus_hash", "data_hash", "evidence_hash", "height", "last_block_id":
{"hash", "parts": {"total", "hash"}}, "last_commit_hash", "last_results_hash", "next_validators_hash", "proposer",
"time", "validators_hash"}; its chain id is the document's, and `last_block_id` is null in the first block. A commit is
{"parts": {"total", "hash"}, "round", "signatures": [[validator's index, time, signature], ...]}, a path {"aunts",
"index", "total"}. Hashes, keys and signatures are lower-case hex, times RFC 3339 in UTC with as many digits as they
need. How genesis leads to the set that signed, where it is another, stands in `handovers` (`mvchain.light.handovers`).

A reader takes the members that it knows. What else stands there, and another way to write the same, is refused by
encoding what was understood and comparing: each document has one form.
"""

import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from mvchain.core import merkle
from mvchain.core.errors import BadProof, Cause
from mvchain.core.keys import KEY_BYTES, SIGNATURE_BYTES
from mvchain.core.limits import MAX_AUNTS, MAX_BLOCK_PARTS, MAX_ROUND, MAX_VALIDATORS
from mvchain.core.strict_json import Json
from mvchain.core.timestamps import format_rfc3339, parse_rfc3339
from mvchain.core.types import Address, Hash, Height, PublicKey, Round, TimeNs
from mvchain.ledger.block_id import HASH_BYTES, NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.blocks import Header
from mvchain.ledger.genesis import MAX_APP_VERSION
from mvchain.ledger.validators import ADDRESS_BYTES

MAX_HEIGHT = 2**53 - 1
"""The largest integer of strict JSON; at a block a second, 285 million years."""
_MAX_TIME_CHARS = len("2026-03-09T01:02:03.123456789Z")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """How errors name a document."""

    what: str
    """As in "the receipt"."""
    malformed: Cause
    """Refuses a value of the wrong kind; its template names `name` (where) and `why`."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value in a document, and where it stands. Every reader raises BadProof on a misfit."""

    json: Json
    kind: DocumentKind
    where: str = ""

    def __getitem__(self, name: str) -> "Value":
        """The member of this name."""
        if not isinstance(self.json, dict):
            raise self.malformed("it is not an object")
        member = Value(None, self.kind, f"{self.where}.{name}" if self.where else name)
        if name not in self.json:
            raise member.malformed("it is missing")
        return Value(self.json[name], self.kind, member.where)

    def __contains__(self, name: str) -> bool:
        """Whether it has a member of this name; which few documents leave open."""
        return isinstance(self.json, dict) and name in self.json

    def integer(self, low: int, high: int) -> int:
        """An integer from `low` to `high`."""
        if type(self.json) is not int or not low <= self.json <= high:
            raise self.malformed(f"it is not an integer from {low} to {high}")
        return self.json

    def text(self, max_chars: int) -> str:
        """A text."""
        if not isinstance(self.json, str) or len(self.json) > max_chars:
            raise self.malformed(f"it is not a text of at most {max_chars} characters")
        return self.json

    def hex(self, size: int) -> bytes:
        """Exactly `size` bytes."""
        try:
            if not isinstance(self.json, str) or len(self.json) != 2 * size:
                raise ValueError
            return bytes.fromhex(self.json)
        except ValueError:
            raise self.malformed(f"it is not {size} bytes in hex") from None

    def hex_blob(self, most: int) -> bytes:
        """At most `most` bytes in hex."""
        text = self.text(2 * most)
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise self.malformed("it is not hex") from None

    def base64(self, most: int) -> bytes:
        """At most `most` bytes in base64."""
        text = self.text((most + 2) // 3 * 4)
        try:
            if len(text) % 4:  # which not every Python refuses
                raise ValueError
            return binascii.a2b_base64(text, strict_mode=True)
        except ValueError:
            raise self.malformed("it is not base64") from None

    def hash(self) -> Hash:
        """32 bytes."""
        return Hash(self.hex(HASH_BYTES))

    def public_key(self) -> PublicKey:
        """A bare Ed25519 key of 32 bytes."""
        return PublicKey(self.hex(KEY_BYTES))

    def time(self) -> TimeNs:
        """A point in time."""
        if not isinstance(self.json, str) or len(self.json) > _MAX_TIME_CHARS:
            raise self.malformed("it is not a time")
        return parse_rfc3339(self.json, f"{self.kind.what} at {self.where}")

    def array(self, most: int, read: "Callable[[Value], T]") -> tuple[T, ...]:
        """At most `most` values, each read by `read`."""
        if not isinstance(self.json, list) or len(self.json) > most:
            raise self.malformed(f"it is not an array of at most {most}")
        return tuple([read(Value(item, self.kind, f"{self.where}[{at}]")) for at, item in enumerate(self.json)])

    def malformed(self, why: str) -> BadProof:
        """The error for this place."""
        return BadProof(self.kind.malformed, name=self.where or "its beginning", why=why)


# --- headers ---


def header_to_json(header: Header) -> Json:
    """All fields but the chain id, which the document says once, and the block protocol, which never changes (C3)."""
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


def header_from_json(value: Value, chain_id: str) -> Header:
    """A header of that chain; what comes out keeps to C28, but for the characters of the chain id."""
    last = value["last_block_id"]
    return Header(
        version_app=value["app_version"].integer(0, MAX_APP_VERSION),
        chain_id=chain_id,
        height=Height(value["height"].integer(1, MAX_HEIGHT)),
        time_ns=value["time"].time(),
        last_block_id=NIL_BLOCK_ID if last.json is None else BlockID(last["hash"].hash(), _parts(last["parts"])),
        last_commit_hash=value["last_commit_hash"].hash(),
        data_hash=value["data_hash"].hash(),
        validators_hash=value["validators_hash"].hash(),
        next_validators_hash=value["next_validators_hash"].hash(),
        consensus_hash=value["consensus_hash"].hash(),
        app_hash=value["app_hash"].hash(),
        last_results_hash=value["last_results_hash"].hash(),
        evidence_hash=value["evidence_hash"].hash(),
        proposer_address=Address(value["proposer"].hex(ADDRESS_BYTES)),
    )


# --- commits ---


@dataclass(frozen=True, slots=True)
class Precommit:
    """One validator's signature in a commit."""

    index: int
    """Of the validator, in the order of the set (C35)."""
    time_ns: TimeNs
    signature: bytes


@dataclass(frozen=True, slots=True)
class BriefCommit:
    """A commit beside its header and its validators: what these two do not say, and only who signed the block."""

    round: Round
    parts: PartSetHeader
    """Of the block, as it was signed with the hash of its header."""
    signatures: tuple[Precommit, ...]

    def to_json(self) -> Json:
        """See the module's docstring."""
        return {
            "round": self.round,
            "parts": _parts_to_json(self.parts),
            "signatures": [[one.index, format_rfc3339(one.time_ns), one.signature.hex()] for one in self.signatures],
        }

    @classmethod
    def from_json(cls, value: Value) -> "BriefCommit":
        """The reverse; indices are below MAX_VALIDATORS, in any order."""
        return cls(
            round=Round(value["round"].integer(0, MAX_ROUND)),
            parts=_parts(value["parts"]),
            signatures=value["signatures"].array(MAX_VALIDATORS, _precommit),
        )


def _precommit(value: Value) -> Precommit:
    match value.json:
        case [int(index), time, signature] if type(index) is int and 0 <= index < MAX_VALIDATORS:
            time_ns = Value(time, value.kind, value.where).time()
            return Precommit(index, time_ns, Value(signature, value.kind, value.where).hex(SIGNATURE_BYTES))
    raise value.malformed(f"it is not [index below {MAX_VALIDATORS}, time, signature]")


def _parts_to_json(parts: PartSetHeader) -> Json:
    return {"total": parts.total, "hash": parts.hash.hex()}


def _parts(value: Value) -> PartSetHeader:
    return PartSetHeader(value["total"].integer(1, MAX_BLOCK_PARTS), value["hash"].hash())


# --- paths ---


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
        return merkle.verify_inclusion(self._proof(item), root, item)

    def root_above(self, item: bytes) -> Hash | None:
        """Where the way up from `item` ends; None if the path has not as many steps as it needs."""
        return merkle.root_from(self._proof(item))

    def _proof(self, item: bytes) -> merkle.Proof:
        return merkle.Proof(self.total, self.index, merkle.leaf_hash(item), self.aunts)

    @classmethod
    def of(cls, proof: merkle.Proof) -> "Path":
        """The path of a whole proof."""
        return cls(proof.index, proof.total, tuple(map(Hash, proof.aunts)))

    def to_json(self) -> dict[str, Json]:
        """See the module's docstring."""
        return {"index": self.index, "total": self.total, "aunts": [aunt.hex() for aunt in self.aunts]}

    @classmethod
    def from_json(cls, value: Value, max_total: int) -> "Path":
        """The reverse, for a tree of at most `max_total` leaves; the index may be beyond the total."""
        return cls(
            index=value["index"].integer(0, max_total - 1),
            total=value["total"].integer(1, max_total),
            aunts=value["aunts"].array(MAX_AUNTS, Value.hash),
        )
