"""What can be proved about one poll to someone who trusts the genesis file alone (ledger L10): a self-contained file.

    {
      "chain_id":   the chain,
      "claim":      what is claimed about the poll, see below,
      "commit":     of `header`,
      "format":     "mvchain proof 1",
      "handovers":  how the set of genesis became this one; absent where it is the same (`mvchain.light.handovers`),
      "header":     of a block; its app hash is over the state that holds the poll's record,
      "poll":       {"number", "record": hex of the record, "record_path", "store_path"},
      "validators": their keys, in the order of the set
    }

Headers, commits and paths are those of `mvchain.light.documents`. `record_path` leads from the record to the root of
the store `polls`, `store_path` from there to the app hash (C141 to C144). The record holds the roots and hashes that
the claims lead to:

| claim | members beside "type" | says |
|---|---|---|
| question | definition (base64) | this is what is asked |
| on_roll | voter, weight, path | this key may answer |
| recorded | size, root, proof | the first `size` ballots, with that root, are still the first ones (RFC 6962 §2.1.2) |
| counted | ballot, number, voter, ballot_path, counted_path | it is on record, and counts: the *completed receipt* |
| superseded | those of counted, counted_number, accepted | it is on record; a later one of the same key counts |
| not_counted | voter, before, after | no ballot of this key counts: its two neighbours among those that do |
| result | definition, tally (base64) | this is the result |

A neighbour is null at the end of the list, else {"voter", "number", "path"}. `accepted` shows whose the superseded
ballot is: {"index", "total", "aunts", "units", "header": of the block after the ballot's, "commit": of that header},
with `validators` and `handovers` of its own where another set signed that header.

Pure: bytes in, value or `BadProof` out. A proof has one form: canonical JSON of exactly these members.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from mvchain.core import codes, strict_json
from mvchain.core.errors import BadProof
from mvchain.core.keys import SCHEME_ED25519, TAGGED_KEY_BYTES
from mvchain.core.limits import (
    MAX_AUNTS,
    MAX_BLOCK_UNITS,
    MAX_NUMBER,
    MAX_PROOF_BYTES,
    MAX_RECORD_BYTES,
    MAX_REVISIONS,
    MAX_ROLL_SIZE,
    MAX_TALLY_BYTES,
    MAX_TRANSACTION_BYTES,
    MAX_WEIGHT,
)
from mvchain.core.strict_json import Json
from mvchain.core.types import BallotNumber, Hash, PollNumber, PublicKey, TaggedKey
from mvchain.ledger.blocks import MAX_CHAIN_ID_CHARS, Header
from mvchain.light.documents import BriefCommit, DocumentKind, Path, Value, header_from_json, header_to_json
from mvchain.light.handovers import Handover, signers_from_json, signers_to_json

FORMAT: Final = "mvchain proof 1"

_KIND = DocumentKind("the proof", codes.MALFORMED_PROOF)
_MAX_BALLOTS = MAX_ROLL_SIZE * MAX_REVISIONS
_MAX_RECORDS = MAX_NUMBER + 1
_MAX_STORES = 16


@dataclass(frozen=True, slots=True)
class Question:
    """Claim: this is what is asked."""

    definition: bytes
    """Canonical bytes (`ledger.polls`)."""

    def to_json(self) -> dict[str, Json]:
        """See the module's docstring."""
        return {"definition": _base64(self.definition)}

    @classmethod
    def from_json(cls, value: Value, _chain_id: str) -> "Question":
        """The reverse."""
        return cls(value["definition"].base64(MAX_TRANSACTION_BYTES))


@dataclass(frozen=True, slots=True)
class OnRoll:
    """Claim: this key may answer."""

    voter: TaggedKey
    weight: int
    path: Path

    def to_json(self) -> dict[str, Json]:
        """See the module's docstring."""
        return {"voter": self.voter.hex(), "weight": self.weight, "path": self.path.to_json()}

    @classmethod
    def from_json(cls, value: Value, _chain_id: str) -> "OnRoll":
        """The reverse."""
        weight = value["weight"].integer(1, MAX_WEIGHT)
        return cls(_voter(value), weight, Path.from_json(value["path"], MAX_ROLL_SIZE))


@dataclass(frozen=True, slots=True)
class Recorded:
    """Claim: the poll's log of ballots has only grown since it had `size` ballots and this root."""

    size: int
    root: Hash
    proof: tuple[Hash, ...]

    def to_json(self) -> dict[str, Json]:
        """See the module's docstring."""
        return {"size": self.size, "root": self.root.hex(), "proof": [node.hex() for node in self.proof]}

    @classmethod
    def from_json(cls, value: Value, _chain_id: str) -> "Recorded":
        """The reverse."""
        size, proof = value["size"].integer(1, _MAX_BALLOTS), value["proof"].array(MAX_AUNTS, Value.hash)
        return cls(size, value["root"].hash(), proof)


@dataclass(frozen=True, slots=True)
class Counted:
    """Claim: this ballot, of that number in its poll, is on record for good, and the one of its voter that counts."""

    ballot: Hash
    number: BallotNumber
    voter: TaggedKey
    ballot_path: Path
    """In the log of ballots."""
    counted_path: Path
    """Of the voter's leaf in the tree over the ballots that count."""

    def to_json(self) -> dict[str, Json]:
        """See the module's docstring."""
        return {
            "ballot": self.ballot.hex(),
            "number": self.number,
            "voter": self.voter.hex(),
            "ballot_path": self.ballot_path.to_json(),
            "counted_path": self.counted_path.to_json(),
        }

    @classmethod
    def from_json(cls, value: Value, _chain_id: str) -> "Counted":
        """The reverse."""
        return cls(
            ballot=value["ballot"].hash(),
            number=_ballot_number(value["number"]),
            voter=_voter(value),
            ballot_path=Path.from_json(value["ballot_path"], _MAX_BALLOTS),
            counted_path=Path.from_json(value["counted_path"], MAX_ROLL_SIZE),
        )


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The result of a ballot, in the header after its block's: whose it is, which number it got (L3)."""

    path: Path
    units: int
    header: Header
    commit: BriefCommit
    validators: tuple[PublicKey, ...] = ()
    """Who may sign the header; empty: those of the proof."""
    handovers: tuple[Handover, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """See the module's docstring."""
        header, commit = header_to_json(self.header), self.commit.to_json()
        signers = signers_to_json(self.validators, self.handovers) if self.validators else {}
        return {**self.path.to_json(), "units": self.units, "header": header, "commit": commit, **signers}

    @classmethod
    def from_json(cls, value: Value, chain_id: str) -> "Acceptance":
        """The reverse."""
        validators, handovers = signers_from_json(value, chain_id) if "validators" in value else ((), ())
        return cls(
            path=Path.from_json(value, MAX_BLOCK_UNITS),
            units=value["units"].integer(1, MAX_BLOCK_UNITS),
            header=header_from_json(value["header"], chain_id),
            commit=BriefCommit.from_json(value["commit"]),
            validators=validators,
            handovers=handovers,
        )


@dataclass(frozen=True, slots=True)
class Superseded:
    """Claim: this ballot is on record for good, and a later one of the same voter counts in its place."""

    superseded: Counted
    """The ballot; its `counted_path` is that of the later one."""
    counted_number: BallotNumber
    """Of the later one."""
    accepted: Acceptance

    def to_json(self) -> dict[str, Json]:
        """See the module's docstring."""
        superseded, accepted = self.superseded.to_json(), self.accepted.to_json()
        return {**superseded, "counted_number": self.counted_number, "accepted": accepted}

    @classmethod
    def from_json(cls, value: Value, chain_id: str) -> "Superseded":
        """The reverse."""
        superseded, accepted = Counted.from_json(value, chain_id), Acceptance.from_json(value["accepted"], chain_id)
        return cls(superseded, _ballot_number(value["counted_number"]), accepted)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A voter whose ballot counts, next to the key that is asked about."""

    voter: TaggedKey
    number: BallotNumber
    path: Path

    def to_json(self) -> Json:
        """See the module's docstring."""
        return {"voter": self.voter.hex(), "number": self.number, "path": self.path.to_json()}

    @classmethod
    def from_json(cls, value: Value) -> "Neighbour | None":
        """The reverse; None at the end of the list."""
        if value.json is None:
            return None
        path = Path.from_json(value["path"], MAX_ROLL_SIZE)
        return cls(_voter(value), _ballot_number(value["number"]), path)


@dataclass(frozen=True, slots=True)
class NotCounted:
    """Claim: no ballot of this key counts."""

    voter: TaggedKey
    before: Neighbour | None
    after: Neighbour | None

    def to_json(self) -> dict[str, Json]:
        """See the module's docstring."""
        before, after = (None if one is None else one.to_json() for one in (self.before, self.after))
        return {"voter": self.voter.hex(), "before": before, "after": after}

    @classmethod
    def from_json(cls, value: Value, _chain_id: str) -> "NotCounted":
        """The reverse."""
        return cls(_voter(value), Neighbour.from_json(value["before"]), Neighbour.from_json(value["after"]))


@dataclass(frozen=True, slots=True)
class Result:
    """Claim: this is the result."""

    definition: bytes
    tally: bytes
    """Canonical bytes (`ledger.records.Tally`)."""

    def to_json(self) -> dict[str, Json]:
        """See the module's docstring."""
        return {"definition": _base64(self.definition), "tally": _base64(self.tally)}

    @classmethod
    def from_json(cls, value: Value, _chain_id: str) -> "Result":
        """The reverse."""
        definition = value["definition"].base64(MAX_TRANSACTION_BYTES)
        return cls(definition, value["tally"].base64(2 * MAX_TALLY_BYTES))


Claim: TypeAlias = Question | OnRoll | Recorded | Counted | Superseded | NotCounted | Result

_TYPES: Final[Mapping[str, type[Claim]]] = {
    "question": Question,
    "on_roll": OnRoll,
    "recorded": Recorded,
    "counted": Counted,
    "superseded": Superseded,
    "not_counted": NotCounted,
    "result": Result,
}
CLAIM_NAMES: Final[Mapping[type[Claim], str]] = {kind: name for name, kind in _TYPES.items()}


@dataclass(frozen=True, slots=True)
class PollProof:
    """A proof as it was read, nothing of it verified."""

    chain_id: str
    header: Header
    commit: BriefCommit
    validators: tuple[PublicKey, ...]
    poll: PollNumber
    record: bytes
    """Of the poll, as it is hashed (`ledger.records.Poll`)."""
    record_path: Path
    store_path: Path
    claim: Claim
    handovers: tuple[Handover, ...] = ()

    def encode(self) -> bytes:
        """The file."""
        claim: dict[str, Json] = {"type": CLAIM_NAMES[type(self.claim)], **self.claim.to_json()}
        poll: dict[str, Json] = {
            "number": self.poll,
            "record": self.record.hex(),
            "record_path": self.record_path.to_json(),
            "store_path": self.store_path.to_json(),
        }
        return strict_json.canonical(
            {
                "format": FORMAT,
                "chain_id": self.chain_id,
                "header": header_to_json(self.header),
                "commit": self.commit.to_json(),
                **signers_to_json(self.validators, self.handovers),
                "poll": poll,
                "claim": claim,
            }
        )


def decode_proof(data: bytes) -> PollProof:
    """Read a proof file.

    Raises:
        BadProof: it is none, or not in its one form.
    """
    return read_proof(strict_json.loads(data, _KIND.what, max_bytes=MAX_PROOF_BYTES, error=BadProof), data)


def read_proof(parsed: Json, data: bytes) -> PollProof:
    """The same of a file that was parsed already."""
    top = Value(parsed, _KIND)
    form = top["format"].text(64)
    if form != FORMAT:
        raise BadProof(codes.UNKNOWN_RECEIPT_FORMAT, form=form, known=FORMAT)
    chain_id = top["chain_id"].text(MAX_CHAIN_ID_CHARS)
    poll, claim = top["poll"], top["claim"]
    kind = _TYPES.get(claim["type"].text(64))
    if kind is None:
        raise claim["type"].malformed(f"it is none of {', '.join(_TYPES)}")
    read: Callable[[Value, str], Claim] = kind.from_json
    validators, handovers = signers_from_json(top, chain_id)
    proof = PollProof(
        chain_id=chain_id,
        header=header_from_json(top["header"], chain_id),
        commit=BriefCommit.from_json(top["commit"]),
        validators=validators,
        handovers=handovers,
        poll=PollNumber(poll["number"].integer(1, MAX_NUMBER)),
        record=poll["record"].hex_blob(MAX_RECORD_BYTES),
        record_path=Path.from_json(poll["record_path"], _MAX_RECORDS),
        store_path=Path.from_json(poll["store_path"], _MAX_STORES),
        claim=read(claim, chain_id),
    )
    if proof.encode() != data or _names_its_signers_twice(proof):
        raise BadProof(codes.NOT_CANONICAL, what=_KIND.what)
    return proof


def _names_its_signers_twice(proof: PollProof) -> bool:
    """The set of the proof, as one of the acceptance's own."""
    return isinstance(proof.claim, Superseded) and proof.claim.accepted.validators == proof.validators


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _voter(value: Value) -> TaggedKey:
    """A key that a ballot could have been signed with: that no ballot of anything else counts says nothing."""
    voter = value["voter"].hex(TAGGED_KEY_BYTES)
    if voter[0] != SCHEME_ED25519:
        raise value["voter"].malformed("it is not a key of a known scheme")
    return TaggedKey(voter)


def _ballot_number(value: Value) -> BallotNumber:
    return BallotNumber(value.integer(0, _MAX_BALLOTS - 1))
