"""What the agencies decide together: the actions, their bytes, and the record of a proposal (ledger L4).

An action is canonical msgpack: its kind, then the fields of its class below, in order. Decoding checks what can be
said of an action alone; whether it is possible depends on the state (`mvchain.ledger.governance`).
"""

from dataclasses import astuple, dataclass, fields
from enum import IntEnum
from typing import ClassVar, NamedTuple, Self, TypeAlias, get_args

from mvchain.core import codec, codes
from mvchain.core.codec import Fields
from mvchain.core.errors import BadTransaction, BrokenStorage, MvchainError
from mvchain.core.keys import KEY_BYTES, SCHEME_ED25519, SIGNATURE_BYTES, TAGGED_KEY_BYTES, is_valid_key
from mvchain.core.limits import (
    MAX_ACTION_BYTES,
    MAX_AGENCIES,
    MAX_AGENCY_NAME_BYTES,
    MAX_NUMBER,
    MAX_RECORD_BYTES,
    MAX_TIME_MS,
)
from mvchain.core.types import AgencyNumber, Height, PublicKey, Signature, TaggedKey, TimeMs
from mvchain.ledger.genesis import ConsensusParams, EntryProofs, GenesisAgency

ErrorClass: TypeAlias = type[MvchainError]
_WHAT = "the action of a proposal"


class ActionKind(IntEnum):
    """The first item of an action."""

    ADD_AGENCY = 1
    REMOVE_AGENCY = 2
    REPLACE_KEYS = 3
    SET_PARAMS = 4
    SUSPEND_SERVICE = 5
    RESUME_SERVICE = 6


class NewKey(NamedTuple):
    """A key that takes the place of another, and its proof of itself (ED03, `registration.registration_proof`)."""

    key: TaggedKey
    proof: Signature

    @property
    def public(self) -> PublicKey:
        """The 32 bytes without the scheme."""
        return PublicKey(self.key[1:])


@dataclass(frozen=True, slots=True)
class AddAgency:
    """A new agency signs blocks from two heights on."""

    kind: ClassVar = ActionKind.ADD_AGENCY
    entry: GenesisAgency
    """As in genesis, with the proofs of its three keys over the chain's name (KEY09)."""

    def items(self) -> tuple[object, ...]:
        return astuple(self.entry)

    @classmethod
    def read(cls, f: Fields, error: ErrorClass) -> Self:
        proofs = Fields(f.array(7, "proofs", 3), 3, _WHAT, error)
        names = tuple(field.name for field in fields(EntryProofs))
        return cls(
            GenesisAgency(
                _agency(f),
                f.text(2, "name_ko", MAX_AGENCY_NAME_BYTES),
                f.text(3, "name_en", MAX_AGENCY_NAME_BYTES),
                TaggedKey(f.bytes(4, "agency_key", TAGGED_KEY_BYTES)),
                PublicKey(f.bytes(5, "validator_key", KEY_BYTES)),
                PublicKey(f.bytes(6, "node_key", KEY_BYTES)),
                EntryProofs(*(Signature(proofs.bytes(i, name, SIGNATURE_BYTES)) for i, name in enumerate(names))),
                f.int(8, "approvals", 0, MAX_NUMBER),
            )
        )


@dataclass(frozen=True, slots=True)
class RemoveAgency:
    """An agency signs no more blocks from two heights on, and registers nothing from the next block on."""

    kind: ClassVar = ActionKind.REMOVE_AGENCY
    agency: AgencyNumber

    def items(self) -> tuple[object, ...]:
        return (self.agency,)

    @classmethod
    def read(cls, f: Fields, _error: ErrorClass) -> Self:
        return cls(_agency(f))


@dataclass(frozen=True, slots=True)
class ReplaceKeys:
    """Other keys for an agency, at least one: those that are None stay."""

    kind: ClassVar = ActionKind.REPLACE_KEYS
    agency: AgencyNumber
    agency_key: NewKey | None
    validator_key: NewKey | None
    node_key: NewKey | None

    def items(self) -> tuple[object, ...]:
        return (self.agency, *(new or () for new in (self.agency_key, self.validator_key, self.node_key)))

    @classmethod
    def read(cls, f: Fields, error: ErrorClass) -> Self:
        agency_key, validator_key, node_key = (_new_key(f.array(i, "new key", 2), error) for i in (2, 3, 4))
        if not (agency_key or validator_key or node_key):
            raise error(codes.MALFORMED, what=_WHAT, why="it replaces no key")
        return cls(_agency(f), agency_key, validator_key, node_key)


@dataclass(frozen=True, slots=True)
class SetParams:
    """Other consensus parameters, from the next height on."""

    kind: ClassVar = ActionKind.SET_PARAMS
    params: ConsensusParams

    def items(self) -> tuple[object, ...]:
        return astuple(self.params)

    @classmethod
    def read(cls, f: Fields, _error: ErrorClass) -> Self:
        names = (field.name for field in fields(ConsensusParams))
        return cls(ConsensusParams(*(f.int(i, name, 0, MAX_TIME_MS) for i, name in enumerate(names, 1))))


@dataclass(frozen=True, slots=True)
class SuspendService:
    """A poll service of any agency may sign nothing until the agencies lift it."""

    kind: ClassVar = ActionKind.SUSPEND_SERVICE
    key: TaggedKey

    def items(self) -> tuple[object, ...]:
        return (self.key,)

    @classmethod
    def read(cls, f: Fields, _error: ErrorClass) -> Self:
        return cls(TaggedKey(f.bytes(1, "service key", TAGGED_KEY_BYTES)))


@dataclass(frozen=True, slots=True)
class ResumeService:
    """Lifts a suspension."""

    kind: ClassVar = ActionKind.RESUME_SERVICE
    key: TaggedKey

    def items(self) -> tuple[object, ...]:
        return (self.key,)

    @classmethod
    def read(cls, f: Fields, _error: ErrorClass) -> Self:
        return cls(TaggedKey(f.bytes(1, "service key", TAGGED_KEY_BYTES)))


GovernanceAction: TypeAlias = AddAgency | RemoveAgency | ReplaceKeys | SetParams | SuspendService | ResumeService

_SIZES: dict[type[GovernanceAction], int] = {
    AddAgency: 1 + len(fields(GenesisAgency)),
    RemoveAgency: 2,
    ReplaceKeys: 5,
    SetParams: 1 + len(fields(ConsensusParams)),
    SuspendService: 2,
    ResumeService: 2,
}
_CLASSES: dict[int, type[GovernanceAction]] = {int(action.kind): action for action in get_args(GovernanceAction)}


def encode_action(action: GovernanceAction) -> bytes:
    """The canonical bytes of an action."""
    return codec.encode((int(action.kind), *action.items()))


def decode_action(data: bytes, error: ErrorClass = BadTransaction) -> GovernanceAction:
    """The reverse; raises `error`."""
    value = codec.decode(data, _WHAT, max_bytes=MAX_ACTION_BYTES, error=error)
    kind = value[0] if type(value) is tuple and value else None
    if type(kind) is not int or kind not in _CLASSES:
        raise error(codes.MALFORMED, what=_WHAT, why="it does not begin with a kind that this chain knows")
    action = _CLASSES[kind]
    return action.read(Fields(value, _SIZES[action], _WHAT, error), error)


def _agency(f: Fields) -> AgencyNumber:
    return AgencyNumber(f.int(1, "agency", 1, MAX_AGENCIES))


def _new_key(items: tuple[object, ...], error: ErrorClass) -> NewKey | None:
    if not items:
        return None
    f = Fields(items, 2, _WHAT, error)
    key = f.bytes(0, "new key", TAGGED_KEY_BYTES)
    if key[0] != SCHEME_ED25519 or not is_valid_key(key[1:]):
        raise error(codes.KEY_NOT_REGISTRABLE, key=key.hex())
    return NewKey(TaggedKey(key), Signature(f.bytes(1, "proof", SIGNATURE_BYTES)))


class ProposalState(IntEnum):
    """Where a proposal stands."""

    OPEN = 0
    EXECUTED = 1
    EXPIRED = 2
    WITHDRAWN = 3
    OVERTAKEN = 4
    """Another proposal of the same action took effect."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an agency asks the others to agree to; a record of the store `governance` (L9)."""

    agency: AgencyNumber
    """Who proposed it, and agreed by that."""
    action: bytes
    """For `decode_action`."""
    approvers: tuple[AgencyNumber, ...]
    """In the order in which they agreed; those that left since count no more."""
    proposed_at_ms: TimeMs
    expires_at_ms: TimeMs
    """Block times."""
    state: ProposalState
    ended_height: Height
    """The block that executed, expired, withdrew or overtook it; 0 while it is open."""

    def encode(self) -> bytes:
        """The fields in their order."""
        return codec.encode(
            (
                self.agency,
                self.action,
                self.approvers,
                self.proposed_at_ms,
                self.expires_at_ms,
                int(self.state),
                self.ended_height,
            )
        )

    @classmethod
    def decode(cls, data: bytes, error: ErrorClass = BrokenStorage) -> "Proposal":
        """The reverse of `encode`; raises `error`."""
        what = "the record of a proposal"
        f = Fields(codec.decode(data, what, max_bytes=MAX_RECORD_BYTES, error=error), 7, what, error)
        approvers = f.array(2, "approvers", MAX_AGENCIES)
        numbers = Fields(approvers, len(approvers), what, error)
        return cls(
            AgencyNumber(f.int(0, "agency", 1, MAX_AGENCIES)),
            f.blob(1, "action", MAX_ACTION_BYTES),
            tuple(AgencyNumber(numbers.int(i, "approver", 1, MAX_AGENCIES)) for i in range(len(approvers))),
            TimeMs(f.int(3, "proposed_at_ms", 0, MAX_TIME_MS)),
            TimeMs(f.int(4, "expires_at_ms", 0, MAX_TIME_MS * 2)),
            ProposalState(f.int(5, "state", 0, max(ProposalState))),
            Height(f.int(6, "ended_height", 0, MAX_NUMBER)),
        )
