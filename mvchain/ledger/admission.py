"""Admission: which transactions the next block may hold (ledger L3, L4 to L7).

One pure predicate, used by the mempool, the proposer and every validator alike: whatever it lets through can
be executed, whatever is in a block was let through. The signature of a transaction is not its business, `context_of`
says what a ballot's must be over; the proof of a key that is registered is (security ED03).

| transaction | who | when |
|---|---|---|
| operator.register, operator.revoke | agency key | key proven by itself, never registered before; key in force |
| service.authorise, service.revoke | agency key, operator | likewise |
| approve | operator of the agency | the action waits, and this key has not approved it |
| roll.create, .append, .seal | operator, service with roll scope | own roll, unsealed, keys ascending |
| poll.register | operator, service with poll scope | own sealed unused roll; replacing: while registered |
| governance.propose, .approve, .withdraw | agency key | `mvchain.ledger.governance` |
| poll.pause, .resume, .extend, .close, .void | operator, service with poll scope | `lifecycle.ALLOWED_IN` |
| ballot | a key on the poll's roll | the poll is open, the answers fit, the revision is next |
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol, TypeAlias

from mvchain.core import codes
from mvchain.core.errors import BadTransaction
from mvchain.core.keys import TAGGED_KEY_BYTES
from mvchain.core.limits import (
    MAX_PENDING_ACTIONS,
    MAX_REVISIONS,
    MAX_ROLL_SIZE,
    MAX_RUNNING_UNITS,
    MAX_SIGNERS_PER_AGENCY,
)
from mvchain.core.types import AgencyNumber, Hash, PollNumber, PublicKey, RollNumber, TaggedKey
from mvchain.ledger import governance, keyspace
from mvchain.ledger.ballots import check_answers
from mvchain.ledger.lifecycle import action_name, check_step
from mvchain.ledger.polls import PollDefinition, decode_definition
from mvchain.ledger.records import Action, Agency, Poll, PollState, Roll, Signer
from mvchain.ledger.registration import verify_registration
from mvchain.ledger.tally import running_units
from mvchain.ledger.transactions import (
    NO_CONTEXT,
    Approve,
    Ballot,
    GovernanceApprove,
    GovernancePropose,
    GovernanceWithdraw,
    Kind,
    OperatorRegister,
    OperatorRevoke,
    PollClose,
    PollExtend,
    PollPause,
    PollRegister,
    PollResume,
    PollVoid,
    Role,
    RollAppend,
    RollCreate,
    RollSeal,
    Scope,
    ServiceAuthorise,
    ServiceRevoke,
    Transaction,
)

PollStep: TypeAlias = PollPause | PollResume | PollExtend | PollClose | PollVoid
AdminPayload: TypeAlias = (
    OperatorRegister
    | OperatorRevoke
    | ServiceAuthorise
    | ServiceRevoke
    | Approve
    | RollCreate
    | RollAppend
    | RollSeal
    | PollRegister
    | PollStep
    | GovernancePropose
    | GovernanceApprove
    | GovernanceWithdraw
)


class Target(NamedTuple):
    """The poll or roll that a waiting action is about."""

    is_poll: bool
    number: int


class View(governance.View, Protocol):
    """What the predicate reads: the committed state, or the draft of a block being executed."""

    def poll(self, number: PollNumber) -> Poll | None:
        """The record of a poll."""

    def roll(self, number: RollNumber) -> Roll | None:
        """The record of a roll."""

    def definition(self, name: Hash) -> PollDefinition:
        """The definition with this hash, which some poll record names."""

    def action(self, action_hash: Hash) -> tuple[Target, Action] | None:
        """A waiting action by its hash."""

    def running_units(self, agency: AgencyNumber, without: PollNumber) -> int:
        """What the agency's polls but one take that have not ended (`tally.running_units`)."""

    def get(self, key: bytes) -> bytes | None:
        """The value of a key of the tables `e` (roll entries) and `v` (voters)."""


def check(view: View, tx: Transaction) -> None:
    """Raise BadTransaction, with a code per fault, unless the transaction is admissible (L3)."""
    payload = tx.payload
    if isinstance(payload, Ballot):
        check_ballot(view, tx.signer, payload)
    else:
        _check_admin(view, tx, payload)


def context_of(view: View, tx: Transaction) -> Hash:
    """The context that the signature must be over (L2). Raises BadTransaction if there is no such poll."""
    if isinstance(tx.payload, Ballot):
        return _poll(view, tx.payload.poll).definition_hash
    return NO_CONTEXT


# --- ballots ---


class Standing(NamedTuple):
    """What checking a ballot has found out; executing it needs the same."""

    definition: PollDefinition
    weight: int
    previous: bytes | None
    """Value of the voter's record, None before the first ballot."""


_OPEN = (PollState.OPEN,)


def check_ballot(view: View, voter: TaggedKey, ballot: Ballot) -> Standing:
    """Raise BadTransaction unless the ballot is admissible (L7)."""
    standing = check_standing(view, voter, ballot)
    check_answers(standing.definition, ballot.answers)
    return standing


def check_standing(view: View, voter: TaggedKey, ballot: Ballot, states: tuple[PollState, ...] = _OPEN) -> Standing:
    """All of it but the answers, in a poll that is in one of `states`: what can change while a ballot waits."""
    number = ballot.poll
    poll = _poll(view, number)
    if poll.state not in states:
        raise BadTransaction(codes.POLL_NOT_OPEN, poll=number, state=poll.state.name.lower())
    weight = eligible_weight(view, poll, voter)
    if weight is None:
        raise BadTransaction(codes.NOT_ON_ROLL, poll=number, roll=poll.roll)
    definition = view.definition(poll.definition_hash)
    previous = view.get(keyspace.voter_key(number, voter))
    expected = 0
    if previous is not None:
        if not definition.revote:
            raise BadTransaction(codes.REVOTE_NOT_ALLOWED, poll=number)
        expected = keyspace.unpack_voter(previous)[0] + 1
        if expected == MAX_REVISIONS:
            raise BadTransaction(codes.TOO_MANY_REVISIONS, poll=number, limit=MAX_REVISIONS)
    if ballot.revision != expected:
        raise BadTransaction(codes.WRONG_REVISION, poll=number, revision=ballot.revision, expected=expected)
    return Standing(definition, weight, previous)


def eligible_weight(view: View, poll: Poll, voter: TaggedKey) -> int | None:
    """The weight of the voter's ballot, None if the voter has none: the one place that decides it (L5)."""
    entry = view.get(keyspace.entry_key(poll.roll, voter))
    return None if entry is None else keyspace.unpack_entry(entry)[1]


# --- everything else ---

_NO_SCOPE = Scope(0)
_STAFF = (Role.OPERATOR, Role.SERVICE)
_PERMITTED: Mapping[Kind, tuple[tuple[Role, ...], Scope]] = {
    Kind.OPERATOR_REGISTER: ((Role.AGENCY,), _NO_SCOPE),
    Kind.OPERATOR_REVOKE: ((Role.AGENCY,), _NO_SCOPE),
    Kind.SERVICE_AUTHORISE: ((Role.AGENCY, Role.OPERATOR), _NO_SCOPE),
    Kind.SERVICE_REVOKE: ((Role.AGENCY, Role.OPERATOR), _NO_SCOPE),
    Kind.APPROVE: ((Role.OPERATOR,), _NO_SCOPE),
    Kind.ROLL_CREATE: (_STAFF, Scope.ROLLS),
    Kind.ROLL_APPEND: (_STAFF, Scope.ROLLS),
    Kind.ROLL_SEAL: (_STAFF, Scope.ROLLS),
    Kind.POLL_REGISTER: (_STAFF, Scope.POLLS),
    Kind.POLL_PAUSE: (_STAFF, Scope.POLLS),
    Kind.POLL_RESUME: (_STAFF, Scope.POLLS),
    Kind.POLL_EXTEND: (_STAFF, Scope.POLLS),
    Kind.POLL_CLOSE: (_STAFF, Scope.POLLS),
    Kind.POLL_VOID: (_STAFF, Scope.POLLS),
    Kind.GOVERNANCE_PROPOSE: ((Role.AGENCY,), _NO_SCOPE),
    Kind.GOVERNANCE_APPROVE: ((Role.AGENCY,), _NO_SCOPE),
    Kind.GOVERNANCE_WITHDRAW: ((Role.AGENCY,), _NO_SCOPE),
}
"""Roles that may sign each kind, and the scope that a service needs for it (L4)."""

NEEDS_APPROVAL = (Kind.ROLL_SEAL, Kind.POLL_EXTEND, Kind.POLL_CLOSE, Kind.POLL_VOID)
"""What takes effect only with the approvals that the agency or poll demands (L4)."""


LEFT_TO_REMOVED = (
    Kind.OPERATOR_REVOKE,
    Kind.SERVICE_REVOKE,
    Kind.APPROVE,
    Kind.POLL_PAUSE,
    Kind.POLL_RESUME,
    Kind.POLL_CLOSE,
    Kind.POLL_VOID,
)
"""What the keys of an agency that was removed may still sign: enough to bring its polls to their end, nothing new."""


def poll_argument(payload: PollStep) -> int:
    """The argument of `lifecycle.check_step` in a payload."""
    return payload.closes_at_ms if isinstance(payload, PollExtend) else 0


def _check_admin(view: View, tx: Transaction, payload: AdminPayload) -> None:
    found = view.signer(tx.signer)
    if found is None:
        raise BadTransaction(codes.UNKNOWN_SIGNER, signer=tx.signer.hex())
    agency, signer = found
    if not signer.active:
        raise BadTransaction(codes.SIGNER_REVOKED, signer=tx.signer.hex())
    if signer.suspended:
        raise BadTransaction(codes.SERVICE_SUSPENDED, signer=tx.signer.hex())
    kind = payload.kind
    if not agency.in_force and kind not in LEFT_TO_REMOVED:
        raise BadTransaction(codes.AGENCY_REMOVED, agency=agency.number)
    roles, scope = _PERMITTED[kind]
    if signer.role not in roles:
        raise BadTransaction(codes.NOT_PERMITTED, role=signer.role.name.lower(), action=action_name(kind))
    if signer.role is Role.SERVICE and not signer.scopes & scope:
        raise BadTransaction(codes.OUT_OF_SCOPE, action=action_name(kind))
    expected = signer.sequence + 1
    if payload.sequence != expected:
        raise BadTransaction(codes.WRONG_SEQUENCE, sequence=payload.sequence, expected=expected)
    match payload:
        case OperatorRegister() | ServiceAuthorise():
            _check_new_key(view, agency, payload)
        case OperatorRevoke():
            _check_key_in_force(agency, payload.key, Role.OPERATOR)
        case ServiceRevoke():
            _check_key_in_force(agency, payload.key, Role.SERVICE)
        case Approve():
            _check_approval(view, agency, signer, payload)
        case RollAppend():
            _check_append(view, agency, payload)
        case RollSeal():
            _check_seal(view, agency, signer, payload)
        case PollRegister():
            _check_register(view, agency, payload)
        case PollPause() | PollResume() | PollExtend() | PollClose() | PollVoid():
            _check_poll_step(view, agency, signer, payload)
        case GovernancePropose():
            governance.check_proposal(view, agency, payload.action)
        case GovernanceApprove():
            governance.check_approval(view, agency, payload.proposal)
        case GovernanceWithdraw():
            governance.check_withdrawal(view, agency, payload.proposal)
        case RollCreate():
            pass


def _check_new_key(view: View, agency: Agency, payload: OperatorRegister | ServiceAuthorise) -> None:
    key, role = payload.key, payload.role
    owner = view.owner_of(PublicKey(key[1:]))
    if owner is not None:
        raise BadTransaction(codes.KEY_ALREADY_REGISTERED, key=key.hex(), agency=owner)
    if len(agency.signers) >= MAX_SIGNERS_PER_AGENCY:
        raise BadTransaction(codes.TOO_MANY_SIGNERS, limit=MAX_SIGNERS_PER_AGENCY)
    if not verify_registration(key, payload.proof, view.genesis_hash, agency.number, role):
        raise BadTransaction(codes.KEY_NOT_PROVEN, key=key.hex(), agency=agency.number, role=role.name.lower())


def _check_key_in_force(agency: Agency, key: TaggedKey, role: Role) -> None:
    if not any(s.key == key and s.role is role and s.active for s in agency.signers):
        raise BadTransaction(codes.NO_SUCH_SIGNER, role=role.name.lower(), key=key.hex())


def _check_approval(view: View, agency: Agency, signer: Signer, payload: Approve) -> None:
    found = view.action(payload.action_hash)
    if found is None:
        raise BadTransaction(codes.NO_SUCH_ACTION, action=payload.action_hash.hex())
    target, action = found
    if not agency.in_force and action.kind not in LEFT_TO_REMOVED:
        raise BadTransaction(codes.AGENCY_REMOVED, agency=agency.number)
    if target.is_poll:
        _own_poll(view, agency, PollNumber(target.number))
    else:
        _own_roll(view, agency, RollNumber(target.number))
    if signer.key in action.approvers:
        raise BadTransaction(codes.ALREADY_APPROVED, action=payload.action_hash.hex())


def _check_append(view: View, agency: Agency, payload: RollAppend) -> None:
    roll = _unsealed_roll(view, agency, payload.roll)
    # Order within the chunk, and the keys themselves, were checked when the transaction was decoded.
    if payload.keys[:TAGGED_KEY_BYTES] <= roll.last_key:
        raise BadTransaction(codes.ROLL_ORDER, roll=payload.roll)
    size = roll.size + len(payload.keys) // TAGGED_KEY_BYTES
    if size > MAX_ROLL_SIZE:
        raise BadTransaction(codes.ROLL_FULL, roll=payload.roll, size=size, limit=MAX_ROLL_SIZE)


def _check_seal(view: View, agency: Agency, signer: Signer, payload: RollSeal) -> None:
    number = payload.roll
    roll = _unsealed_roll(view, agency, number)
    if roll.size == 0:
        raise BadTransaction(codes.ROLL_EMPTY, roll=number)
    if (payload.root, payload.size) != (roll.root, roll.size):
        raise BadTransaction(codes.ROLL_MISMATCH, roll=number, size=roll.size, root=roll.root.hex())
    _check_room(view, signer, f"Roll {number}", roll.pending)


def _check_register(view: View, agency: Agency, payload: PollRegister) -> None:
    definition = decode_definition(payload.definition)
    if definition.agency != agency.number:
        raise BadTransaction(codes.DEFINITION_OF_OTHER_AGENCY, named=definition.agency, agency=agency.number)
    if payload.poll:
        poll = _own_poll(view, agency, payload.poll)
        check_step(payload.poll, poll, Kind.POLL_REGISTER, 0)
    roll = _own_roll(view, agency, definition.roll)
    if not roll.sealed:
        raise BadTransaction(codes.ROLL_NOT_SEALED, roll=definition.roll)
    if roll.poll not in (0, payload.poll):
        raise BadTransaction(codes.ROLL_IN_USE, roll=definition.roll, poll=roll.poll)
    units = view.running_units(agency.number, payload.poll) + running_units(payload.definition, definition)
    if units > MAX_RUNNING_UNITS:
        raise BadTransaction(codes.TOO_MUCH_RUNNING, agency=agency.number, units=units, limit=MAX_RUNNING_UNITS)
    if definition.closes_at_ms <= view.time_ms:
        raise BadTransaction(codes.POLL_ENDED_ALREADY, closes_at_ms=definition.closes_at_ms, time_ms=view.time_ms)


def _check_poll_step(view: View, agency: Agency, signer: Signer, payload: PollStep) -> None:
    poll = _own_poll(view, agency, payload.poll)
    check_step(payload.poll, poll, payload.kind, poll_argument(payload))
    if payload.kind in NEEDS_APPROVAL:
        _check_room(view, signer, f"Poll {payload.poll}", poll.pending)


def _check_room(view: View, signer: Signer, what: str, pending: tuple[Action, ...]) -> None:
    full = len(pending) >= MAX_PENDING_ACTIONS
    if full and (signer.role is not Role.OPERATOR or giving_way(view, pending) is None):
        raise BadTransaction(codes.TOO_MANY_PENDING, what=what, limit=MAX_PENDING_ACTIONS)


def giving_way(view: View, pending: tuple[Action, ...]) -> Action | None:
    """The oldest action that no operator in force stands behind: where there is no room, an operator's takes its place.

    So neither a stolen service key nor an operator who was revoked keeps the others from closing a poll.
    """
    return next((a for a in pending if not any(is_in_force(view, key) for key in a.approvers)), None)


def is_in_force(view: View, key: TaggedKey) -> bool:
    """Whether this signer's key is not revoked."""
    found = view.signer(key)
    return found is not None and found[1].active


def _poll(view: View, number: PollNumber) -> Poll:
    poll = view.poll(number)
    if poll is None:
        raise BadTransaction(codes.NO_SUCH_POLL, poll=number)
    return poll


def _own_poll(view: View, agency: Agency, number: PollNumber) -> Poll:
    poll = _poll(view, number)
    _check_owner(f"Poll {number}", poll.agency, agency)
    return poll


def _own_roll(view: View, agency: Agency, number: RollNumber) -> Roll:
    roll = view.roll(number)
    if roll is None:
        raise BadTransaction(codes.NO_SUCH_ROLL, roll=number)
    _check_owner(f"Roll {number}", roll.agency, agency)
    return roll


def _unsealed_roll(view: View, agency: Agency, number: RollNumber) -> Roll:
    roll = _own_roll(view, agency, number)
    if roll.sealed:
        raise BadTransaction(codes.ROLL_SEALED, roll=number)
    return roll


def _check_owner(what: str, owner: AgencyNumber, agency: Agency) -> None:
    if owner != agency.number:
        raise BadTransaction(codes.OTHER_AGENCY, what=what, owner=owner, agency=agency.number)
