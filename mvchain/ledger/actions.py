"""What administrative transactions do to the state (ledger L4 to L6); `admission` has let them through.

An action that needs approvals stands in its poll's or roll's record until distinct operators of the agency in
sufficient number agree. The operator who asks for it agrees by that; a service does not.
"""

from dataclasses import replace

from mvchain.core.limits import MAX_PENDING_ACTIONS
from mvchain.core.merkle import EMPTY_ROOT, GROUP, CompactRange, leaf_hash
from mvchain.core.types import AgencyNumber, Hash, PollNumber, RollNumber, TaggedKey, TimeMs
from mvchain.ledger import keyspace, settling
from mvchain.ledger.admission import NEEDS_APPROVAL, AdminPayload, Target, giving_way, is_in_force, poll_argument
from mvchain.ledger.draft import Draft
from mvchain.ledger.lifecycle import stepped
from mvchain.ledger.polls import decode_definition, definition_hash
from mvchain.ledger.records import NO_HASH, Action, Poll, PollState, Roll, Signer
from mvchain.ledger.results import NO_NUMBER
from mvchain.ledger.tally import running_units
from mvchain.ledger.transactions import (
    Approve,
    GovernanceApprove,
    GovernancePropose,
    GovernanceWithdraw,
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

_NO_POLL = PollNumber(0)
_NOT_YET = TimeMs(0)


def apply_admin(draft: Draft, tx: Transaction, payload: AdminPayload) -> int:
    """The effects of an admissible transaction; never refuses. What got a number returns it, else NO_NUMBER."""
    found = draft.signer(tx.signer)
    assert found is not None, tx.hash.hex()
    agency, signer = found
    draft.put_signer(agency.number, replace(signer, sequence=payload.sequence))
    match payload:
        case OperatorRegister():
            draft.put_signer(
                agency.number, Signer(payload.key, payload.role, Scope(0), 0, active=True, suspended=False)
            )
        case ServiceAuthorise():
            draft.put_signer(
                agency.number, Signer(payload.key, payload.role, payload.scopes, 0, active=True, suspended=False)
            )
        case OperatorRevoke() | ServiceRevoke():
            _revoke(draft, payload.key)
        case Approve():
            _approve(draft, payload.action_hash, signer)
        case RollCreate():
            return _create_roll(draft, agency.number, payload.title)
        case RollAppend():
            _append(draft, payload)
        case RollSeal():
            _ask(draft, Target(False, payload.roll), Action(tx.hash, payload.kind, 0, ()), signer)
        case PollRegister():
            return _register(draft, agency.number, payload)
        case GovernancePropose():
            return settling.propose(draft, agency.number, payload.action)
        case GovernanceApprove():
            settling.approve(draft, agency.number, payload.proposal)
        case GovernanceWithdraw():
            settling.withdraw(draft, payload.proposal)
        case PollPause() | PollResume() | PollExtend() | PollClose() | PollVoid():
            action = Action(tx.hash, payload.kind, poll_argument(payload), ())
            if payload.kind in NEEDS_APPROVAL:
                _ask(draft, Target(True, payload.poll), action, signer)
            else:
                _take_effect(draft, Target(True, payload.poll), action)
    return NO_NUMBER


def _revoke(draft: Draft, key: TaggedKey) -> None:
    found = draft.signer(key)
    assert found is not None, key.hex()
    agency, signer = found
    draft.put_signer(agency.number, replace(signer, active=False))


# --- approvals ---


def required_approvals(draft: Draft, target: Target) -> int:
    """How many operators must agree to an action on this poll or roll (L4)."""
    record = _record(draft, target)
    approvals = draft.agency(record.agency).approvals
    if isinstance(record, Roll):
        return approvals
    return max(approvals, draft.definition(record.definition_hash).approvals)


def _ask(draft: Draft, target: Target, action: Action, signer: Signer) -> None:
    record = _record(draft, target)
    waiting = list(record.pending)
    if len(waiting) >= MAX_PENDING_ACTIONS:
        gone = giving_way(draft, record.pending)
        assert gone is not None, target
        waiting.remove(gone)
    _put(draft, target, replace(record, pending=(*waiting, action)))
    if signer.role is Role.OPERATOR:
        _approve(draft, action.hash, signer)


def _approve(draft: Draft, action_hash: Hash, signer: Signer) -> None:
    found = draft.action(action_hash)
    assert found is not None, action_hash.hex()
    target, action = found
    record = _record(draft, target)
    # An approval ends with the key that gave it: whoever revokes a stolen key must not race its approvals.
    in_force = [key for key in action.approvers if is_in_force(draft, key)]
    approved = replace(action, approvers=(*in_force, signer.key))
    enough = len(approved.approvers) >= required_approvals(draft, target)
    still_waiting = [approved if a.hash == action_hash else a for a in record.pending]
    if enough:
        still_waiting.remove(approved)
    _put(draft, target, replace(record, pending=tuple(still_waiting)))
    if enough:
        _take_effect(draft, target, approved)


def _take_effect(draft: Draft, target: Target, action: Action) -> None:
    record = _record(draft, target)
    if isinstance(record, Roll):
        _put(draft, target, replace(record, sealed=True, pending=()))
    else:
        number = PollNumber(target.number)
        draft.put_poll(number, stepped(number, record, action.kind, action.argument, draft.time_ms))


def _record(draft: Draft, target: Target) -> Poll | Roll:
    record = draft.poll(PollNumber(target.number)) if target.is_poll else draft.roll(RollNumber(target.number))
    assert record is not None, target
    return record


def _put(draft: Draft, target: Target, record: Poll | Roll) -> None:
    if isinstance(record, Poll):
        draft.put_poll(PollNumber(target.number), record)
    else:
        draft.put_roll(RollNumber(target.number), record)


# --- rolls and registration ---


def _create_roll(draft: Draft, agency: AgencyNumber, title: str) -> RollNumber:
    number = draft.next_roll()
    draft.put_roll(number, Roll(agency, title, False, EMPTY_ROOT, 0, b"", _NO_POLL, ()))
    draft.changes.ranges[number] = CompactRange()
    return number


def _append(draft: Draft, payload: RollAppend) -> None:
    number = payload.roll
    roll = draft.roll(number)
    assert roll is not None, number
    entries = draft.roll_range(number)
    key = roll.last_key
    for key, weight in payload.entries():
        if entries.size % GROUP == 0:
            draft.writes[keyspace.group_key(keyspace.ROLL_LOG, number, entries.size // GROUP)] = key
        draft.writes[keyspace.entry_key(number, key)] = keyspace.pack_entry(entries.size, weight)
        entries.append(leaf_hash(keyspace.roll_item(key, weight)))
    # A seal that waits for approval names a root that is no longer the roll's.
    draft.put_roll(number, replace(roll, root=entries.root(), size=entries.size, last_key=key, pending=()))


def _register(draft: Draft, agency: AgencyNumber, payload: PollRegister) -> PollNumber:
    definition = decode_definition(payload.definition)
    name = definition_hash(payload.definition)
    number = payload.poll or draft.next_poll()
    replaced = draft.poll(number)
    if replaced is not None:
        # Nobody has voted yet, so the keys of the former roll are tied to nothing.
        _serve(draft, replaced.roll, _NO_POLL)
    roll = _serve(draft, definition.roll, number)
    draft.writes[keyspace.definition_key(name)] = payload.definition
    draft.changes.definitions[name] = definition
    draft.put_running(number, agency, running_units(payload.definition, definition))
    draft.put_poll(
        number,
        Poll(
            agency=agency,
            definition_hash=name,
            state=PollState.REGISTERED,
            opens_at_ms=definition.opens_at_ms,
            closes_at_ms=definition.closes_at_ms,
            grace_ms=definition.grace_ms,
            opened_at_ms=_NOT_YET,
            closed_at_ms=_NOT_YET,
            roll=definition.roll,
            roll_root=roll.root,
            roll_size=roll.size,
            ballots_root=EMPTY_ROOT,
            ballots_size=0,
            counted_root=NO_HASH,
            counted_size=0,
            tally_hash=NO_HASH,
            disputed=False,
            pending=(),
        ),
    )
    return number


def _serve(draft: Draft, number: RollNumber, poll: PollNumber) -> Roll:
    roll = draft.roll(number)
    assert roll is not None, number
    roll = replace(roll, poll=poll)
    draft.put_roll(number, roll)
    return roll
