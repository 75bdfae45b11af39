"""The life of a poll: what may happen in which state, and what it makes of the record (ledger L6, L8).

registered -> open -> (paused <-> open) -> counting -> final, or void before it is final. Opening and closing
follow block time; a paused poll closes on time too. Functions from record to record.
"""

from collections.abc import Mapping
from dataclasses import replace

from mvchain.core import codes
from mvchain.core.errors import BadTransaction
from mvchain.core.types import PollNumber, TimeMs
from mvchain.ledger.records import Poll, PollState
from mvchain.ledger.transactions import Kind

ALLOWED_IN: Mapping[Kind, tuple[PollState, ...]] = {
    Kind.POLL_REGISTER: (PollState.REGISTERED,),
    Kind.POLL_PAUSE: (PollState.OPEN,),
    Kind.POLL_RESUME: (PollState.PAUSED,),
    Kind.POLL_EXTEND: (PollState.REGISTERED, PollState.OPEN, PollState.PAUSED),
    Kind.POLL_CLOSE: (PollState.OPEN, PollState.PAUSED),
    Kind.POLL_VOID: (PollState.REGISTERED, PollState.OPEN, PollState.PAUSED, PollState.COUNTING),
}
"""The states in which each action on a poll is possible; registering means replacing the definition."""

_TAKES_BALLOTS = (PollState.OPEN, PollState.PAUSED)


def check_step(number: PollNumber, poll: Poll, kind: Kind, argument: int) -> None:
    """Raise BadTransaction unless the action is possible in the poll as it is.

    `argument` is the new closing time in ms of an extension, else 0.
    """
    allowed = ALLOWED_IN[kind]
    if poll.state not in allowed:
        raise BadTransaction(
            codes.WRONG_POLL_STATE,
            poll=number,
            state=poll.state.name.lower(),
            action=action_name(kind),
            allowed=" or ".join(state.name.lower() for state in allowed),
        )
    if kind is Kind.POLL_EXTEND and argument <= poll.closes_at_ms:
        raise BadTransaction(
            codes.EXTENSION_NOT_LATER, poll=number, closes_at_ms=poll.closes_at_ms, requested_ms=argument
        )


def action_name(kind: Kind) -> str:
    """As people read it: `poll.close`."""
    return kind.name.lower().replace("_", ".", 1)


def stepped(number: PollNumber, poll: Poll, kind: Kind, argument: int, time_ms: TimeMs) -> Poll:
    """The poll after an action that `check_step` allows, in a block of this time."""
    if kind is Kind.POLL_PAUSE:
        poll = replace(poll, state=PollState.PAUSED)
    elif kind is Kind.POLL_RESUME:
        poll = replace(poll, state=PollState.OPEN)
    elif kind is Kind.POLL_EXTEND:
        poll = replace(poll, closes_at_ms=TimeMs(argument))
    elif kind is Kind.POLL_CLOSE:
        # Ballots received until now still have the grace time to get into a block (L6).
        poll = replace(poll, closes_at_ms=min(poll.closes_at_ms, time_ms))
    else:
        assert kind is Kind.POLL_VOID, kind
        poll = replace(poll, state=PollState.VOID)
    return without_outdated(number, poll)


def without_outdated(number: PollNumber, poll: Poll) -> Poll:
    """The poll without the waiting actions that have become impossible; none can approve them any more."""
    possible = []
    for action in poll.pending:
        try:
            check_step(number, poll, action.kind, action.argument)
        except BadTransaction:
            continue
        possible.append(action)
    return poll if len(possible) == len(poll.pending) else replace(poll, pending=tuple(possible))


def due_ms(poll: Poll) -> TimeMs | None:
    """The block time at which the poll opens or closes next by itself; None if it does neither."""
    if poll.state is PollState.REGISTERED:
        return poll.opens_at_ms
    if poll.state in _TAKES_BALLOTS:
        return TimeMs(poll.closes_at_ms + poll.grace_ms)
    return None


def turned(number: PollNumber, poll: Poll, time_ms: TimeMs) -> Poll:
    """The poll at the end of a block of this time: opened or closed if that is due, never both.

    A poll whose whole life passed while the chain stood still is open for one block, so that ballots which
    nodes received in time get in.
    """
    due = due_ms(poll)
    if due is None or time_ms < due:
        return poll
    if poll.state is PollState.REGISTERED:
        poll = replace(poll, state=PollState.OPEN, opened_at_ms=time_ms)
    else:
        poll = replace(poll, state=PollState.COUNTING, closed_at_ms=time_ms)
    return without_outdated(number, poll)
