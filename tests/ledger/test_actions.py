"""Administrative effects: approvals, and what registering a poll does to rolls."""

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadTransaction
from mvchain.core.limits import MAX_PENDING_ACTIONS
from mvchain.core.types import AgencyNumber, PollNumber, TimeMs
from mvchain.ledger.polls import encode_definition
from mvchain.ledger.records import PollState
from mvchain.ledger.transactions import Approve, OperatorRevoke, PollClose, PollExtend, PollVoid
from tests.ledger.state_helpers import World, key_of

AGENCIES = (AgencyNumber(1), AgencyNumber(2))
POLL = PollNumber(1)


@pytest.fixture
def world() -> World:
    made = World()
    made.staff()
    return made


def test_early_closing_with_two_approvals(world: World) -> None:
    world.open_poll(["a"])
    ask = world.tx(PollClose(world.sequence("op1a"), POLL, "done"), "op1a")
    world.block(ask)
    (pending,) = world.poll(1).pending
    assert (pending.hash, pending.approvers) == (ask.hash, (key_of("op1a").tagged,))
    before = world.poll(1).closes_at_ms
    world.block(world.tx(Approve(world.sequence("op1b"), ask.hash), "op1b"))
    assert before > world.now_ms
    assert (world.poll(1).closes_at_ms, world.poll(1).pending) == (world.now_ms, ())
    # What was received until now still gets in, for the grace time of 50 ms.
    world.block(world.ballot(1, "a", 1), after_ms=49)
    assert world.poll(1).state is PollState.OPEN
    world.block(after_ms=1)
    assert world.poll(1).state is PollState.COUNTING
    with pytest.raises(BadTransaction) as caught:
        world.block(world.tx(Approve(world.sequence("op1b"), ask.hash), "op1b"))
    assert caught.value.cause is codes.NO_SUCH_ACTION


def test_the_poll_may_demand_more_approvals_than_its_agency() -> None:
    world = World(approvals=1)
    world.staff()
    world.open_poll(["a"], approvals=2)
    ask = world.tx(PollVoid(world.sequence("op1a"), POLL, "error"), "op1a")
    world.block(ask)
    assert world.poll(1).state is PollState.OPEN
    world.block(world.tx(Approve(world.sequence("op1b"), ask.hash), "op1b"))
    assert world.poll(1).state is PollState.VOID


def test_with_one_approval_an_operator_acts_at_once_and_a_service_waits_for_one() -> None:
    world = World(approvals=1)
    world.staff()
    world.open_poll(["a"])
    later = TimeMs(world.now_ms + 5_000)
    world.block(world.tx(PollExtend(world.sequence("op1a"), POLL, later, "snow"), "op1a"))
    assert (world.poll(1).closes_at_ms, world.poll(1).pending) == (later, ())
    ask = world.tx(PollVoid(world.sequence("service1"), POLL, "error"), "service1")
    world.block(ask)
    (pending,) = world.poll(1).pending
    assert pending.approvers == ()
    world.block(world.tx(Approve(world.sequence("op1a"), ask.hash), "op1a"))
    assert world.poll(1).state is PollState.VOID


def test_an_approval_ends_with_the_key_that_gave_it(world: World) -> None:
    world.open_poll(["a"])
    ask = world.tx(PollVoid(world.sequence("op1a"), POLL, "stolen key"), "op1a")
    world.block(ask)
    boss = "agency1"
    world.block(
        world.tx(OperatorRevoke(world.sequence(boss), key_of("op1a").tagged), boss),
        world.tx(world.registration("op1c", world.sequence(boss)), boss),
    )
    world.block(world.tx(Approve(world.sequence("op1b"), ask.hash), "op1b"))
    assert world.poll(1).state is PollState.OPEN
    assert world.poll(1).pending[0].approvers == (key_of("op1b").tagged,)
    world.block(world.tx(Approve(world.sequence("op1c"), ask.hash), "op1c"))
    assert world.poll(1).state is PollState.VOID


def test_extension_outdates_an_earlier_one(world: World) -> None:
    world.open_poll(["a"])
    closes = world.poll(1).closes_at_ms
    small, large = (
        world.tx(PollExtend(world.sequence("op1a"), POLL, TimeMs(closes + more), "queue"), "op1a")
        for more in (10, 1_000)
    )
    world.block(small, large)
    assert [action.argument - closes for action in world.poll(1).pending] == [10, 1_000]
    world.block(world.tx(Approve(world.sequence("op1b"), large.hash), "op1b"))
    assert (world.poll(1).closes_at_ms, world.poll(1).pending) == (closes + 1_000, ())
    assert world.state.action(small.hash) is None


def test_replacing_a_definition_frees_the_former_roll_and_its_approvals(world: World) -> None:
    first, second = world.sealed_roll(["a"]), world.sealed_roll(["b"])
    world.block(world.register(world.definition(first)))
    former = world.poll(1).definition_hash
    ask = world.tx(PollVoid(world.sequence("op1a"), POLL, "error"), "op1a")
    world.block(ask)
    outcome = world.block(world.register(world.definition(second), poll=1))
    assert outcome.turned_polls == {POLL}
    rolls = [world.state.roll(n) for n in (first, second)]
    assert [roll.poll for roll in rolls if roll] == [0, 1]
    assert (world.poll(1).roll, world.poll(1).pending) == (second, ())
    assert world.state.definition(former).roll == first
    world.block(world.register(world.definition(first)))
    assert world.state.poll_count == 2


def test_a_definition_may_move_from_one_poll_to_another_within_a_block(world: World) -> None:
    first, second = world.sealed_roll(["a"]), world.sealed_roll(["b"])
    definition = world.definition(first)
    world.block(world.register(definition))
    world.block(
        world.register(world.definition(second), poll=1),
        world.register(definition),
    )
    world.block(after_ms=100)
    world.block(world.ballot(2, "a", 1), world.ballot(1, "b", 2))
    assert [world.poll(n).ballots_size for n in (1, 2)] == [1, 1]


@pytest.mark.parametrize("culprit", ["service1", "op1a"])
def test_what_nobody_in_force_stands_behind_keeps_no_operator_from_acting(world: World, culprit: str) -> None:
    """A stolen service key, or an operator before the revocation, fills all places with actions nobody wants."""
    world.open_poll(["a"])
    asks = [world.tx(PollVoid(world.sequence(culprit), POLL, str(n)), culprit) for n in range(MAX_PENDING_ACTIONS)]
    world.block(*asks)
    if culprit == "op1a":
        revoke = OperatorRevoke(world.sequence("agency1"), key_of("op1a").tagged)
        world.block(world.tx(revoke, "agency1"))
    close = world.tx(PollClose(world.sequence("op1b"), POLL, "stop"), "op1b")
    world.block(close)
    assert [action.hash for action in world.poll(1).pending] == [ask.hash for ask in [*asks[1:], close]]
    assert world.state.action(asks[0].hash) is None


def test_a_service_takes_no_place_from_another_action(world: World) -> None:
    world.open_poll(["a"])
    asks = [
        world.tx(PollVoid(world.sequence("service1"), POLL, str(n)), "service1") for n in range(MAX_PENDING_ACTIONS)
    ]
    world.block(*asks)
    with pytest.raises(BadTransaction) as caught:
        world.block(world.tx(PollClose(world.sequence("service1"), POLL, "stop"), "service1"))
    assert caught.value.cause is codes.TOO_MANY_PENDING


def test_an_agency_has_only_so_much_running(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one agency could register polls until the nodes of all others run out of memory."""
    world = World(agencies=2, approvals=1)
    world.staff(1)
    world.staff(2)
    rolls = [world.sealed_roll([voter]) for voter in "abc"]
    foreign = world.sealed_roll(["d"], agency=2)
    units = 1 + len(encode_definition(world.definition(1))) // 256
    monkeypatch.setattr("mvchain.ledger.admission.MAX_RUNNING_UNITS", 2 * units)
    first, second, third = (world.register(world.definition(roll)) for roll in rolls)
    execution = world.execution()
    execution.apply(first)
    execution.apply(second)
    with pytest.raises(BadTransaction) as caught:
        execution.apply(third)
    assert caught.value.cause is codes.TOO_MUCH_RUNNING
    world.block(first, second)
    # The polls of another agency are its own affair, and a definition in place of another takes no more.
    other = world.register(world.definition(foreign, agency=AgencyNumber(2)), "op2a")
    world.block(other, world.register(world.definition(rolls[0]), "service1", poll=1))
    assert [world.state.running_units(agency, PollNumber(0)) for agency in AGENCIES] == [2 * units, units]
    # A poll that ends makes room from the next block on.
    execution = world.execution()
    void = world.tx(PollVoid(world.sequence("op1b"), PollNumber(2), "room"), "op1b")
    execution.apply(void)
    with pytest.raises(BadTransaction):
        execution.apply(third)
    world.block(void)
    world.block(third)
    assert (world.state.poll_count, world.poll(2).state) == (4, PollState.VOID)
