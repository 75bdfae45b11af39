"""Whole blocks: the life of polls from registration to the final tally, and what a refusal leaves behind."""

from collections import Counter

import pytest

from mvchain.core import codec, codes
from mvchain.core.errors import BadTransaction
from mvchain.core.merkle import root
from mvchain.core.types import BallotNumber, PollNumber, TaggedKey
from mvchain.ledger import keyspace
from mvchain.ledger.blocks import results_hash
from mvchain.ledger.keyspace import counted_item
from mvchain.ledger.polls import SingleRule
from mvchain.ledger.records import PollState
from mvchain.ledger.tally import tally_hash
from mvchain.ledger.transactions import (
    Ballot,
    PollPause,
    PollResume,
    PollVoid,
    RollAppend,
    RollCreate,
    decode_transaction,
)
from tests.ledger.document_helpers import make_question
from tests.ledger.state_helpers import START_MS, World, key_of

POLL = PollNumber(1)
VOTERS = [f"voter{n}" for n in range(300)]


@pytest.fixture
def world() -> World:
    made = World()
    made.staff()
    return made


def test_a_whole_poll(world: World) -> None:
    weights = {voter: n % 7 + 1 for n, voter in enumerate(VOTERS)}
    roll = world.sealed_roll(VOTERS, weights)
    world.block(world.register(world.definition(roll)))
    assert world.poll(1).state is PollState.REGISTERED
    opening = world.now_ms + 99
    outcome = world.block(after_ms=98)
    assert (world.poll(1).state, world.state.next_due_ms()) == (PollState.REGISTERED, opening)
    assert outcome.turned_polls == frozenset()
    outcome = world.block()
    assert (world.poll(1).state, world.poll(1).opened_at_ms) == (PollState.OPEN, opening)
    assert outcome.turned_polls == {POLL}

    # 250 of 300 take part; every fifth of them answers again with the next option, some in the same block.
    chosen: dict[str, int | None] = {}
    hashes = []
    for start in range(0, 250, 50):
        txs = []
        for n in range(start, start + 50):
            answer = None if n % 11 == 0 else n % 3
            chosen[VOTERS[n]] = answer
            txs.append(world.ballot(1, VOTERS[n], answer))
        for n in [*range(start, start + 50, 10), *range(max(0, start - 45), start, 10)]:
            chosen[VOTERS[n]] = answer = (n + 1) % 3
            txs.append(world.ballot(1, VOTERS[n], answer, revision=1))
        outcome = world.block(*txs)
        assert outcome.numbers == tuple(range(len(hashes), len(hashes) + len(txs)))
        assert outcome.results_hash == results_hash(outcome.results)
        for tx, result, number in zip(txs, outcome.results, outcome.numbers, strict=True):
            assert (result.code, result.gas_used) == (0, 1)
            assert codec.decode(result.data, "result", max_bytes=100) == (1, number, tx.signer)
        hashes += [tx.hash for tx in txs]
        assert (world.poll(1).ballots_root, world.poll(1).ballots_size) == (root(hashes), len(hashes))
    live = world.state.live_tally(POLL)
    assert (world.poll(1).tally_hash, world.state.stored.tally(POLL)) == (b"", None)

    # Closing: at closes_at nothing happens yet, at closes_at + grace the counting begins.
    due = world.poll(1).closes_at_ms + 50
    world.block(after_ms=due - world.now_ms - 1)
    assert world.poll(1).state is PollState.OPEN
    late = world.ballot(1, VOTERS[299], 0)
    world.block(late)
    assert (world.poll(1).state, world.poll(1).closed_at_ms) == (PollState.COUNTING, due)
    chosen[VOTERS[299]] = 0
    hashes.append(late.hash)
    assert world.blocks_until_counted() == 1

    poll, tally = world.poll(1), world.state.stored.tally(POLL)
    assert tally is not None
    assert tally.recounted is None
    totals: Counter[int | None] = Counter()
    for voter, option in chosen.items():
        totals[option] += weights[voter]
    (question,) = tally.kept.questions
    assert (tally.kept.ballots, tally.kept.weight) == (251, sum(totals.values()))
    assert (question.blanks, *question.totals) == (totals[None], totals[0], totals[1], totals[2])
    assert live is not None
    assert live.ballots == 250
    assert (poll.state, poll.disputed) == (PollState.FINAL, False)
    assert poll.tally_hash == tally_hash(tally.encode())
    latest = {tx_signer: n for n, tx_signer in enumerate(_signers(world))}
    counted = [counted_item(voter, number) for voter, number in sorted(latest.items())]
    assert (poll.counted_root, poll.counted_size) == (root(counted), 251)
    assert (poll.ballots_root, poll.ballots_size) == (root(hashes), len(hashes))
    assert [world.store.transaction_at(*place) for place in _places(world)] == [
        raw for raws in world.store.blocks.values() for raw in raws if _is_ballot(raw)
    ]


def _is_ballot(raw: bytes) -> bool:
    return isinstance(decode_transaction(raw).payload, Ballot)


def _signers(world: World) -> list[TaggedKey]:
    numbers = range(world.poll(1).ballots_size)
    return [decode_transaction(world.state.stored.ballot(POLL, BallotNumber(n))).signer for n in numbers]


def _places(world: World) -> list[tuple[int, int]]:
    places = (keyspace.ballot_key(POLL, BallotNumber(n)) for n in (0, world.poll(1).ballots_size))
    values = [value for _, value in world.store.scan(*places)]
    return [keyspace.unpack_place(value) for value in values]


def test_re_voting_up_to_the_last_revision(world: World) -> None:
    world.open_poll(["v"])
    for revision in range(16):
        world.block(world.ballot(1, "v", revision % 3, revision=revision))
        totals = [0, 0, 0]
        totals[revision % 3] = 1
        live = world.state.live_tally(POLL)
        assert live is not None
        assert (live.ballots, live.questions[0].totals) == (1, tuple(totals))
    with pytest.raises(BadTransaction) as caught:
        world.block(world.ballot(1, "v", 0, revision=15))
    assert caught.value.cause is codes.TOO_MANY_REVISIONS


def test_a_paused_poll_takes_nothing_and_closes_on_time(world: World) -> None:
    world.open_poll(["a", "b"])
    world.block(world.tx(PollPause(world.sequence("op1a"), POLL, "fire alarm"), "op1a"))
    assert world.poll(1).state is PollState.PAUSED
    with pytest.raises(BadTransaction) as caught:
        world.block(world.ballot(1, "a", 0))
    assert caught.value.cause is codes.POLL_NOT_OPEN
    world.block(world.tx(PollResume(world.sequence("op1b"), POLL, "false alarm"), "op1b"))
    world.block(world.ballot(1, "a", 0))
    world.block(world.tx(PollPause(world.sequence("service1"), POLL, "again"), "service1"))
    world.block(after_ms=2_000)
    assert world.poll(1).state is PollState.COUNTING


def test_a_poll_whose_whole_life_passed_in_a_standstill_is_open_for_one_block(world: World) -> None:
    roll = world.sealed_roll(["a"])
    world.block(world.register(world.definition(roll)))
    world.block(after_ms=10_000)
    assert world.poll(1).state is PollState.OPEN
    world.block(world.ballot(1, "a", 0))
    assert (world.poll(1).state, world.poll(1).ballots_size) == (PollState.COUNTING, 1)


def test_a_block_that_changes_nothing_leaves_the_app_hash(world: World) -> None:
    world.open_poll(["a"])
    before = world.state.app_hash
    outcome = world.block()
    assert outcome.app_hash == before
    assert list(outcome.writes) == [b"b"]


def test_a_refusal_leaves_no_trace(world: World) -> None:
    world.open_poll(["a", "b"], revote=False)
    good = [world.ballot(1, "a", 0), world.tx(RollCreate(world.sequence("op1a"), "next"), "op1a")]
    plain, disturbed = world.execution(), world.execution()
    bad = [
        world.ballot(1, "a", 1),
        world.ballot(1, "b", 7),
        world.ballot(1, "b", 0, revision=1),
        world.ballot(1, "stranger", 0),
        world.tx(RollCreate(9, "sequence"), "op1a"),
        world.tx(PollVoid(1, POLL, "no"), "stranger"),
        world.tx(
            RollAppend(world.state.signer(key_of("op1b").tagged)[1].sequence + 1, 1, key_of("z").tagged, ()), "op1b"
        ),
    ]
    for tx in good:
        plain.apply(tx)
        assert disturbed.apply(tx).code == 0
        for refused in bad:
            with pytest.raises(BadTransaction):
                disturbed.apply(refused)
    assert plain.units_left == disturbed.units_left
    one, other = plain.finish(), disturbed.finish()
    assert (one.writes, one.app_hash, one.results) == (other.writes, other.app_hash, other.results)
    assert codec.decode(one.results[1].data, "result", max_bytes=100) == (2,)
    assert one.numbers == (0, 2)  # the first ballot of the poll, the second roll


def test_two_executions_stand_on_one_state(world: World) -> None:
    world.open_poll(["a", "b"])
    abandoned = world.execution()
    abandoned.apply(world.ballot(1, "a", 2))
    abandoned.finish()
    world.block(world.ballot(1, "b", 0), world.ballot(1, "a", 1))
    live = world.state.live_tally(POLL)
    assert live is not None
    assert live.questions[0].totals == (1, 1, 0)


def test_units_bound_a_block_and_are_fewer_while_counting_goes_on(world: World) -> None:
    world.open_poll(["a"])
    execution = world.execution()
    assert execution.units_left == 5_000
    execution.units_left = 1
    execution.apply(world.ballot(1, "a", 0))
    with pytest.raises(BadTransaction) as caught:
        execution.apply(world.tx(RollCreate(world.sequence("op1a"), "next"), "op1a"))
    assert caught.value.cause is codes.BLOCK_FULL
    world.block(after_ms=2_000)
    assert world.execution().units_left == 2_500


def test_no_administrative_act_can_be_posted_twice(world: World) -> None:
    act = world.tx(RollCreate(world.sequence("op1a"), "once"), "op1a")
    world.block(act)
    with pytest.raises(BadTransaction) as caught:
        world.block(act)
    assert caught.value.cause is codes.WRONG_SEQUENCE
    assert world.state.roll_count == 1


def test_the_first_block_has_the_time_of_genesis() -> None:
    world = World()
    world.block(after_ms=0)
    assert world.state.time_ms == START_MS
    with pytest.raises(AssertionError):
        world.block(after_ms=0)


def test_the_first_ballot_of_a_poll_in_a_block_pays_for_its_totals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a block of one ballot for each of a thousand large polls would be executed for minutes (consensus N2)."""
    world = World()
    world.staff()
    for voters in (["a", "b"], ["c"], ["d"]):
        world.open_poll(voters)
    # Three totals each, a unit for each.
    monkeypatch.setattr("mvchain.ledger.tally.TALLY_NUMBERS_PER_UNIT", 1)
    execution = world.execution()
    execution.units_left = 11
    taken = [world.ballot(1, "a", 0), world.ballot(1, "b", 0), world.ballot(2, "c", 0)]
    left = []
    for tx in taken:
        assert execution.apply(tx).gas_used == 1
        left.append(execution.units_left)
    assert left == [7, 6, 2]
    with pytest.raises(BadTransaction) as caught:
        execution.apply(world.ballot(3, "d", 0))
    assert caught.value.cause is codes.BLOCK_FULL
    assert (execution.units_left, execution.finish().numbers) == (2, (0, 1, 0))


def test_polls_with_many_totals_open_one_after_the_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvchain.ledger.tally.TALLY_NUMBERS_PER_UNIT", 1)
    rolls = [world.sealed_roll([voter]) for voter in "abcd"]
    long = (make_question(SingleRule(), 5),)
    for roll, changes in zip(rolls, ({"questions": long}, {"questions": long}, {}, {}), strict=True):
        world.block(world.register(world.definition(roll, **changes)))
    monkeypatch.setattr("mvchain.ledger.execution.MAX_OPENING_UNITS", 10)
    opened = []
    for after_ms in (200, 1, 1, 1):
        world.block(after_ms=after_ms)
        opened.append([n for n in range(1, 5) if world.poll(n).state is PollState.OPEN])
    # 3 + 3 units, then 5 + 5: the smaller first, and the others stay due.
    assert opened == [[3, 4], [1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4]]


def test_a_poll_with_more_totals_than_open_in_a_block_opens_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mvchain.ledger.tally.TALLY_NUMBERS_PER_UNIT", 1)
    rolls = [world.sealed_roll([voter]) for voter in "ab"]
    for roll in rolls:
        world.block(world.register(world.definition(roll)))
    monkeypatch.setattr("mvchain.ledger.execution.MAX_OPENING_UNITS", 2)
    world.block(after_ms=200)
    assert [world.poll(n).state for n in (1, 2)] == [PollState.OPEN, PollState.REGISTERED]
    assert world.state.next_due_ms() == world.poll(2).opens_at_ms
    world.block()
    assert world.poll(2).state is PollState.OPEN
