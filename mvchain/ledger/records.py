"""The records of the state tree: agencies, polls, rolls, tallies and the chain itself (ledger L4 to L9).

Each is one canonical msgpack array. `decode` raises the error family it is given: BrokenStorage for the own
disk, BadProof where a record comes with a state proof from somebody else.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import TypeAlias

from mvchain.core import codec, codes
from mvchain.core.codec import Fields
from mvchain.core.errors import BrokenStorage, MvchainError
from mvchain.core.limits import (
    MAX_AGENCIES,
    MAX_AGENCY_NAME_BYTES,
    MAX_APPROVALS,
    MAX_CHAIN_NAME_CHARS,
    MAX_GRACE_MS,
    MAX_NUMBER,
    MAX_PENDING_ACTIONS,
    MAX_RECORD_BYTES,
    MAX_SIGNERS_PER_AGENCY,
    MAX_TALLY_BYTES,
    MAX_TENURES,
    MAX_TIME_MS,
    MAX_TITLE_BYTES,
)
from mvchain.core.types import AgencyNumber, Hash, Height, PollNumber, PublicKey, RollNumber, TaggedKey, TimeMs
from mvchain.ledger.genesis import ConsensusParams
from mvchain.ledger.tally import TallyResult
from mvchain.ledger.transactions import Kind, Role, Scope

ErrorClass: TypeAlias = type[MvchainError]

NO_HASH = Hash(b"")
"""What is not there yet: an unsealed root, an unreleased tally."""


class PollState(IntEnum):
    """Where a poll stands (L6)."""

    REGISTERED = 0
    OPEN = 1
    PAUSED = 2
    COUNTING = 3
    FINAL = 4
    VOID = 5


@dataclass(frozen=True, slots=True)
class Chain:
    """What holds for the whole chain; record 1 of the store `chain`."""

    genesis_hash: Hash
    name: str
    """To which the entries of agencies are bound (KEY09)."""
    params: ConsensusParams

    def encode(self) -> bytes:
        """[genesis hash, name, [parameters in the order of ConsensusParams]]."""
        return codec.encode((self.genesis_hash, self.name, astuple(self.params)))

    @classmethod
    def decode(cls, data: bytes, error: ErrorClass = BrokenStorage) -> "Chain":
        """The reverse of `encode`; raises `error`."""
        what = "the record of the chain"
        fields = Fields(codec.decode(data, what, max_bytes=MAX_RECORD_BYTES, error=error), 3, what, error)
        count = len(ConsensusParams.__dataclass_fields__)
        params = Fields(fields.array(2, "params", count), count, what, error)
        return cls(
            Hash(fields.bytes(0, "genesis_hash", 32)),
            fields.text(1, "name", MAX_CHAIN_NAME_CHARS),
            ConsensusParams(*(params.int(i, "param", 0, MAX_TIME_MS) for i in range(count))),
        )


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that acts for an agency, with the sequence of its last accepted transaction (L2, L4)."""

    key: TaggedKey
    role: Role
    scopes: Scope
    """What a service may do; nothing for the other roles."""
    sequence: int
    active: bool
    """Until it is revoked, or another agency key takes its place."""
    suspended: bool
    """Whether the agencies together keep a service from acting."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """The heights at which one validator key of an agency signs (L4)."""

    validator_key: PublicKey
    from_height: Height
    until_height: Height
    """The first height it no longer signs; 0 as long as no end is known."""
    proven: bool
    """Whether a precommit of it has stood in the last commit of a block; a key of genesis starts proven."""

    def holds_at(self, height: Height) -> bool:
        """Whether the key is in the set of this height."""
        return self.from_height <= height and (not self.until_height or height < self.until_height)


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency and every key that ever acted for it (L4)."""

    number: AgencyNumber
    name_ko: str
    name_en: str
    tenures: tuple[Tenure, ...]
    """Of its validator keys, the present one last."""
    node_keys: tuple[PublicKey, ...]
    """The present one last."""
    approvals: int
    signers: tuple[Signer, ...]

    @property
    def in_force(self) -> bool:
        """Whether it has not been removed; one that was may sign some blocks more (C73)."""
        return self.tenures[-1].until_height == 0

    @property
    def validator_key(self) -> PublicKey:
        """The one that it signs with, or will from the height on that is fixed, or that it signed with last."""
        return self.tenures[-1].validator_key

    def validator_at(self, height: Height) -> PublicKey | None:
        """The key with which it signs at this height; None if it does not."""
        return next((tenure.validator_key for tenure in self.tenures if tenure.holds_at(height)), None)

    @property
    def node_key(self) -> PublicKey:
        """The one that its node shows to other nodes."""
        return self.node_keys[-1]

    @property
    def agency_key(self) -> TaggedKey:
        """The one that acts for the agency itself."""
        return next(signer.key for signer in reversed(self.signers) if signer.role is Role.AGENCY)

    def encode(self) -> bytes:
        """The fields in their order; a tenure as [validator key, from height, until height, proven],

        a signer as [key, role, scopes, sequence, active, suspended].
        """
        tenures = [(t.validator_key, t.from_height, t.until_height, t.proven) for t in self.tenures]
        signers = [(s.key, int(s.role), int(s.scopes), s.sequence, s.active, s.suspended) for s in self.signers]
        return codec.encode(
            (
                self.number,
                self.name_ko,
                self.name_en,
                tenures,
                self.node_keys,
                self.approvals,
                signers,
            )
        )

    @classmethod
    def decode(cls, data: bytes, error: ErrorClass = BrokenStorage) -> "Agency":
        """The reverse of `encode`; raises `error`."""
        what = "the record of an agency"
        fields = Fields(codec.decode(data, what, max_bytes=MAX_RECORD_BYTES, error=error), 7, what, error)
        return cls(
            AgencyNumber(fields.int(0, "number", 1, MAX_AGENCIES)),
            fields.text(1, "name_ko", MAX_AGENCY_NAME_BYTES),
            fields.text(2, "name_en", MAX_AGENCY_NAME_BYTES),
            _decode_tenures(fields.array(3, "tenures", MAX_TENURES), what, error),
            tuple(PublicKey(key) for key in _decode_keys(fields.array(4, "node_keys", MAX_TENURES), 32, what, error)),
            fields.int(5, "approvals", 1, MAX_APPROVALS),
            tuple(_decode_signer(item, what, error) for item in fields.array(6, "signers", MAX_SIGNERS_PER_AGENCY)),
        )


def _decode_tenures(items: Sequence[object], what: str, error: ErrorClass) -> tuple[Tenure, ...]:
    found = []
    for item in items:
        fields = Fields(item, 4, what, error)
        found.append(
            Tenure(
                PublicKey(fields.bytes(0, "validator_key", 32)),
                Height(fields.int(1, "from_height", 1, MAX_NUMBER)),
                Height(fields.int(2, "until_height", 0, MAX_NUMBER)),
                fields.bool(3, "proven"),
            )
        )
    if not found:
        raise error(codes.MALFORMED, what=what, why="it has no validator key")
    return tuple(found)


def _decode_keys(items: Sequence[object], size: int, what: str, error: ErrorClass) -> list[bytes]:
    fields = Fields(items, len(items), what, error)
    return [fields.bytes(i, "key", size) for i in range(len(items))]


def _decode_signer(item: object, what: str, error: ErrorClass) -> Signer:
    fields = Fields(item, 6, what, error)
    return Signer(
        TaggedKey(fields.bytes(0, "key", 33)),
        Role(fields.int(1, "role", 0, Role.SERVICE)),
        Scope(fields.int(2, "scopes", 0, Scope.POLLS | Scope.ROLLS)),
        fields.int(3, "sequence", 0, MAX_NUMBER),
        fields.bool(4, "active"),
        fields.bool(5, "suspended"),
    )


@dataclass(frozen=True, slots=True)
class Action:
    """An action on a poll or roll that waits for approvals (L4)."""

    hash: Hash
    """Hash of the transaction that asked for it."""
    kind: Kind
    argument: int
    """New closing time in ms of an extension, else 0."""
    approvers: tuple[TaggedKey, ...]
    """Operators, in the order in which they approved."""


def _encode_actions(actions: Sequence[Action]) -> list[tuple[object, ...]]:
    return [(a.hash, int(a.kind), a.argument, a.approvers) for a in actions]


def _decode_actions(items: Sequence[object], what: str, error: ErrorClass) -> tuple[Action, ...]:
    found = []
    for item in items:
        fields = Fields(item, 4, what, error)
        approvers = fields.array(3, "approvers", MAX_APPROVALS)
        found.append(
            Action(
                Hash(fields.bytes(0, "action hash", 32)),
                Kind(fields.int(1, "kind", 0, max(Kind))),
                fields.int(2, "argument", 0, MAX_TIME_MS),
                tuple(TaggedKey(key) for key in _decode_keys(approvers, 33, what, error)),
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Roll:
    """A list of eligible keys (L5). `poll` is the poll it serves, 0 as long as there is none."""

    agency: AgencyNumber
    title: str
    sealed: bool
    root: Hash
    size: int
    last_key: bytes
    poll: PollNumber
    pending: tuple[Action, ...]

    def encode(self) -> bytes:
        """[agency, title, sealed, root, size, last key, poll, [[hash, kind, argument, [approver]]]]."""
        return codec.encode(
            (
                self.agency,
                self.title,
                self.sealed,
                self.root,
                self.size,
                self.last_key,
                self.poll,
                _encode_actions(self.pending),
            )
        )

    @classmethod
    def decode(cls, data: bytes, error: ErrorClass = BrokenStorage) -> "Roll":
        """The reverse of `encode`; raises `error`."""
        what = "the record of a roll"
        fields = Fields(codec.decode(data, what, max_bytes=MAX_RECORD_BYTES, error=error), 8, what, error)
        return cls(
            AgencyNumber(fields.int(0, "agency", 1, MAX_AGENCIES)),
            fields.text(1, "title", MAX_TITLE_BYTES),
            fields.bool(2, "sealed"),
            Hash(fields.bytes(3, "root", 32)),
            fields.int(4, "size", 0, MAX_NUMBER),
            fields.blob(5, "last_key", 33),
            PollNumber(fields.int(6, "poll", 0, MAX_NUMBER)),
            _decode_actions(fields.array(7, "pending", MAX_PENDING_ACTIONS), what, error),
        )


@dataclass(frozen=True, slots=True)
class Poll:
    """One poll (L6). Times are block times in ms; `opened_at_ms` and `closed_at_ms` are 0 until it happens.

    `ballots` is the log of accepted ballots (leaf: transaction hash), `counted` the tree over the ballots
    that count (leaf: `keyspace.counted_item`), both RFC 6962 (L9).
    """

    agency: AgencyNumber
    definition_hash: Hash
    state: PollState
    opens_at_ms: TimeMs
    closes_at_ms: TimeMs
    grace_ms: int
    opened_at_ms: TimeMs
    closed_at_ms: TimeMs
    roll: RollNumber
    roll_root: Hash
    roll_size: int
    ballots_root: Hash
    ballots_size: int
    counted_root: Hash
    counted_size: int
    tally_hash: Hash
    disputed: bool
    pending: tuple[Action, ...]

    def encode(self) -> bytes:
        """The fields in their order; roots and hashes that are not there yet are empty."""
        return codec.encode(
            (
                self.agency,
                self.definition_hash,
                int(self.state),
                self.opens_at_ms,
                self.closes_at_ms,
                self.grace_ms,
                self.opened_at_ms,
                self.closed_at_ms,
                self.roll,
                self.roll_root,
                self.roll_size,
                self.ballots_root,
                self.ballots_size,
                self.counted_root,
                self.counted_size,
                self.tally_hash,
                self.disputed,
                _encode_actions(self.pending),
            )
        )

    @classmethod
    def decode(cls, data: bytes, error: ErrorClass = BrokenStorage) -> "Poll":
        """The reverse of `encode`; raises `error`."""
        what = "the record of a poll"
        fields = Fields(codec.decode(data, what, max_bytes=MAX_RECORD_BYTES, error=error), 18, what, error)
        return cls(
            AgencyNumber(fields.int(0, "agency", 1, MAX_AGENCIES)),
            Hash(fields.bytes(1, "definition_hash", 32)),
            PollState(fields.int(2, "state", 0, max(PollState))),
            TimeMs(fields.int(3, "opens_at_ms", 0, MAX_TIME_MS)),
            TimeMs(fields.int(4, "closes_at_ms", 0, MAX_TIME_MS)),
            fields.int(5, "grace_ms", 0, MAX_GRACE_MS),
            TimeMs(fields.int(6, "opened_at_ms", 0, MAX_TIME_MS)),
            TimeMs(fields.int(7, "closed_at_ms", 0, MAX_TIME_MS)),
            RollNumber(fields.int(8, "roll", 1, MAX_NUMBER)),
            Hash(fields.bytes(9, "roll_root", 32)),
            fields.int(10, "roll_size", 0, MAX_NUMBER),
            Hash(fields.bytes(11, "ballots_root", 32)),
            fields.int(12, "ballots_size", 0, MAX_NUMBER),
            Hash(fields.blob(13, "counted_root", 32)),
            fields.int(14, "counted_size", 0, MAX_NUMBER),
            Hash(fields.blob(15, "tally_hash", 32)),
            fields.bool(16, "disputed"),
            _decode_actions(fields.array(17, "pending", MAX_PENDING_ACTIONS), what, error),
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """The result of a poll (L8): one, or where the two ways of counting differ, both."""

    kept: TallyResult
    """Kept while the ballots arrived."""
    recounted: TallyResult | None
    """Counted again at closing, in a disputed poll only; elsewhere it is equal."""

    def encode(self) -> bytes:
        """[kept] or [kept, recounted], each an encoded TallyResult; the poll's tally hash is over this."""
        both = (self.kept,) if self.recounted is None else (self.kept, self.recounted)
        return codec.encode([result.encode() for result in both])

    @classmethod
    def decode(cls, data: bytes, error: ErrorClass = BrokenStorage) -> "Tally":
        """The reverse of `encode`; raises `error`."""
        what = "the tally of a poll"
        value = codec.decode(data, what, max_bytes=2 * MAX_TALLY_BYTES, error=error)
        count = 2 if isinstance(value, tuple) and len(value) == 2 else 1
        fields = Fields(value, count, what, error)
        results = [TallyResult.decode(fields.blob(i, "result", MAX_TALLY_BYTES), error=error) for i in range(count)]
        return cls(results[0], results[1] if count == 2 else None)
