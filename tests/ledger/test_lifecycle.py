"""The life of a poll, as tables."""

from dataclasses import replace

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadTransaction
from mvchain.core.types import PollNumber, TimeMs
from mvchain.ledger.lifecycle import action_name, check_step, due_ms, stepped, turned, without_outdated
from mvchain.ledger.records import Action, Poll, PollState
from mvchain.ledger.transactions import Kind
from tests.ledger.test_records import HASH, RECORDS

N = PollNumber(1)
REGISTERED, OPEN, PAUSED, COUNTING, FINAL, VOID = PollState
STEPS = {
    # step: state -> next state, for every state in which it is possible (L6)
    Kind.POLL_PAUSE: {OPEN: PAUSED},
    Kind.POLL_RESUME: {PAUSED: OPEN},
    Kind.POLL_EXTEND: {REGISTERED: REGISTERED, OPEN: OPEN, PAUSED: PAUSED},
    Kind.POLL_CLOSE: {OPEN: OPEN, PAUSED: PAUSED},
    Kind.POLL_VOID: {REGISTERED: VOID, OPEN: VOID, PAUSED: VOID, COUNTING: VOID},
}


def poll(state: PollState, **changes: object) -> Poll:
    """Opens at 100, closes at 200, 50 of grace."""
    (base,) = (record for record in RECORDS if isinstance(record, Poll))
    times = {"opens_at_ms": TimeMs(100), "closes_at_ms": TimeMs(200), "grace_ms": 50, "pending": ()}
    return replace(base, state=state, **{**times, **changes})


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("state", PollState)
def test_steps(kind: Kind, state: PollState) -> None:
    allowed = STEPS[kind]
    if state not in allowed:
        with pytest.raises(BadTransaction) as caught:
            check_step(N, poll(state), kind, 300)
        assert caught.value.cause is codes.WRONG_POLL_STATE
        assert action_name(kind) in caught.value.detail
        return
    check_step(N, poll(state), kind, 300)
    after = stepped(N, poll(state), kind, 300, TimeMs(150))
    closes_at = {Kind.POLL_EXTEND: 300, Kind.POLL_CLOSE: 150}.get(kind, 200)
    assert after == poll(allowed[state], closes_at_ms=TimeMs(closes_at))


def test_closing_early_never_moves_the_closing_later() -> None:
    after = stepped(N, poll(OPEN), Kind.POLL_CLOSE, 0, TimeMs(230))
    assert after.closes_at_ms == 200


@pytest.mark.parametrize(("argument", "later"), [(199, False), (200, False), (201, True)])
def test_extensions_are_later(argument: int, later: bool) -> None:
    if later:
        check_step(N, poll(OPEN), Kind.POLL_EXTEND, argument)
    else:
        with pytest.raises(BadTransaction) as caught:
            check_step(N, poll(OPEN), Kind.POLL_EXTEND, argument)
        assert caught.value.cause is codes.EXTENSION_NOT_LATER


@pytest.mark.parametrize(
    ("state", "time_ms", "after"),
    [
        (REGISTERED, 99, REGISTERED),
        (REGISTERED, 100, OPEN),
        (REGISTERED, 10_000, OPEN),
        (OPEN, 249, OPEN),
        (OPEN, 250, COUNTING),
        (PAUSED, 249, PAUSED),
        (PAUSED, 250, COUNTING),
        (COUNTING, 10_000, COUNTING),
        (FINAL, 10_000, FINAL),
        (VOID, 10_000, VOID),
    ],
)
def test_turns(state: PollState, time_ms: int, after: PollState) -> None:
    before = poll(state)
    found = turned(N, before, TimeMs(time_ms))
    times = {}
    if after is not state:
        times = {"opened_at_ms": time_ms} if after is OPEN else {"closed_at_ms": time_ms}
    assert found == poll(after, **times)


def test_due_times() -> None:
    due = [due_ms(poll(state)) for state in PollState]
    assert due == [100, 250, 250, None, None, None]


def test_actions_that_became_impossible_are_dropped() -> None:
    waiting = tuple(
        Action(HASH, kind, argument, ())
        for kind, argument in (
            (Kind.POLL_EXTEND, 200),
            (Kind.POLL_EXTEND, 201),
            (Kind.POLL_CLOSE, 0),
            (Kind.POLL_VOID, 0),
        )
    )
    for state, left in ((REGISTERED, (1, 3)), (OPEN, (1, 2, 3)), (COUNTING, (3,)), (FINAL, ()), (VOID, ())):
        found = without_outdated(N, poll(state, pending=waiting))
        assert found.pending == tuple(waiting[i] for i in left)
