"""Counting after closing: over several blocks, disputed, interrupted."""

import pytest

from mvchain.core.merkle import EMPTY_ROOT
from mvchain.core.types import PollNumber
from mvchain.ledger.records import PollState, Tally
from mvchain.ledger.transactions import Approve, PollVoid
from tests.ledger.state_helpers import World

POLL = PollNumber(1)
VOTERS = [f"voter{n}" for n in range(100)]


@pytest.fixture
def world() -> World:
    made = World()
    made.staff()
    return made


def test_counting_takes_as_many_blocks_as_its_units_ask_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvchain.ledger.counting.MAX_COUNTING_UNITS", 40)
    first = world.open_poll(VOTERS[:100])
    second = world.open_poll(VOTERS[:30])
    world.block(*(world.ballot(first, voter, n % 3) for n, voter in enumerate(VOTERS[:100])))
    world.block(*(world.ballot(second, voter, 2) for voter in VOTERS[:30]))
    world.block(after_ms=2_000)
    assert world.state.counting_polls() == [first, second]
    finals = []
    while world.state.counting:
        world.block()
        finals.append([n for n in (first, second) if world.poll(n).state is PollState.FINAL])
    # 100 + 30 units at 40 a block: the first poll ends within block 3, the second within block 4.
    assert finals == [[], [], [first], [first, second]]
    one, two = world.state.stored.tally(first), world.state.stored.tally(second)
    assert one is not None
    assert two is not None
    assert one.kept.questions[0].totals == (34, 33, 33)
    assert two.kept.questions[0].totals == (0, 0, 30)


def test_a_ballot_larger_than_all_counting_units_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvchain.ledger.counting.MAX_COUNTING_UNITS", 0)
    world.open_poll(["a", "b"])
    world.block(world.ballot(1, "a", 0), world.ballot(1, "b", 1))
    world.block(after_ms=2_000)
    assert world.blocks_until_counted() == 2
    tally = world.state.stored.tally(POLL)
    assert tally is not None
    assert tally.kept.questions[0].totals == (1, 1, 0)


def test_a_poll_without_ballots(world: World) -> None:
    world.open_poll(["a"])
    world.block(after_ms=2_000)
    world.block()
    poll = world.poll(1)
    assert (poll.state, poll.counted_root, poll.ballots_root) == (PollState.FINAL, EMPTY_ROOT, EMPTY_ROOT)


def test_two_different_counts_make_the_poll_disputed_and_the_chain_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.open_poll(["a", "b"])
    world.block(world.ballot(1, "a", 0), world.ballot(1, "b", 0))
    monkeypatch.setattr("mvchain.ledger.recount.Recount.add", _count_nothing)
    world.block(after_ms=2_000)
    outcome = world.block()
    poll, tally = world.poll(1), world.state.stored.tally(POLL)
    assert (poll.state, poll.disputed, outcome.disputed) == (PollState.FINAL, True, (POLL,))
    assert tally is not None
    assert tally.recounted is not None
    assert (tally.kept.ballots, tally.recounted.ballots) == (2, 0)
    assert Tally.decode(tally.encode()) == tally
    assert world.block().disputed == ()


def _count_nothing(*_: object) -> None:
    """A recount that has gone wrong."""


def test_voiding_in_the_middle_of_the_counting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvchain.ledger.counting.MAX_COUNTING_UNITS", 1)
    world.open_poll(["a", "b"])
    world.block(world.ballot(1, "a", 0), world.ballot(1, "b", 0))
    world.block(after_ms=2_000)
    ask = world.tx(PollVoid(world.sequence("op1a"), POLL, "error"), "op1a")
    world.block(ask)
    world.block(world.tx(Approve(world.sequence("op1b"), ask.hash), "op1b"))
    assert (world.poll(1).state, world.state.counting) == (PollState.VOID, False)
    assert (world.state.stored.tally(POLL), world.poll(1).ballots_size) == (None, 2)


def test_polls_with_many_totals_are_counted_in_as_many_blocks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ballots too: reading, comparing and writing the totals is the work (consensus N2)."""
    # Three totals each, a unit for each: two polls fit 7 units, the third does not.
    monkeypatch.setattr("mvchain.ledger.tally.TALLY_NUMBERS_PER_UNIT", 1)
    numbers = [world.open_poll([voter]) for voter in VOTERS[:5]]
    world.block(after_ms=5_000)
    assert world.state.counting_polls() == numbers
    monkeypatch.setattr("mvchain.ledger.counting.MAX_COUNTING_UNITS", 7)
    left = []
    while world.state.counting:
        world.block()
        left.append(len(world.state.counting_polls()))
    assert left == [3, 1, 0]


def test_a_poll_whose_totals_alone_are_too_much_is_counted_ballot_by_ballot(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mvchain.ledger.tally.TALLY_NUMBERS_PER_UNIT", 1)
    for voters in (["a", "b"], ["c"]):
        world.open_poll(voters)
    world.block(world.ballot(1, "a", 0), world.ballot(1, "b", 1), world.ballot(2, "c", 2))
    world.block(after_ms=5_000)
    monkeypatch.setattr("mvchain.ledger.counting.MAX_COUNTING_UNITS", 1)
    assert world.blocks_until_counted() == 3
    kept = [tally.kept.questions[0].totals for n in (1, 2) if (tally := world.state.stored.tally(PollNumber(n)))]
    assert kept == [(1, 1, 0), (0, 0, 1)]
