"""The mempool: order, conflicts, parking, fairness, and rechecking against a twin that rechecks everything."""

import random

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadTransaction
from mvchain.core.limits import MAX_POOL_ADMIN_UNITS
from mvchain.core.types import Hash, PollNumber, RollNumber, TimeMs
from mvchain.ledger.admission import context_of
from mvchain.ledger.mempool import Mempool
from mvchain.ledger.outcome import Outcome
from mvchain.ledger.records import PollState
from mvchain.ledger.transactions import PollPause, PollResume, PollVoid, RollAppend, RollCreate, Transaction
from mvchain.ledger.units import transaction_units
from tests.ledger.state_helpers import World, key_of

POLL = PollNumber(1)


@pytest.fixture
def world() -> World:
    """An open poll 1 of voters v0 to v39, run with one approval."""
    made = World(approvals=1)
    made.staff()
    made.open_poll([f"v{n}" for n in range(40)], closes_at_ms=TimeMs(made.now_ms + 100_000))
    return made


def add(pool: Mempool, world: World, tx: Transaction, source: str = "s") -> None:
    pool.add(tx, context_of(world.state, tx), world.state, source, TimeMs(world.now_ms))


def refusal(pool: Mempool, world: World, tx: Transaction, source: str = "s") -> BadTransaction:
    before = (len(pool), pool.size_bytes, [waiting.hash for waiting in pool.ready()])
    with pytest.raises(BadTransaction) as caught:
        add(pool, world, tx, source)
    assert (len(pool), pool.size_bytes, [waiting.hash for waiting in pool.ready()]) == before
    return caught.value


def commit(pool: Mempool, world: World, *txs: Transaction, after_ms: int = 1) -> dict[Hash, str]:
    """A block with these transactions; what the pool rejects, with the codes."""
    outcome = world.block(*txs, after_ms=after_ms)
    return {tx_hash: cause.code for tx_hash, cause in pool.after_block(outcome, txs, world.state)}


def test_order_of_receipt(world: World) -> None:
    pool = Mempool()
    assert not pool.has_ready()
    a = "op1a"
    txs = [
        world.ballot(1, "v3", 0),
        world.tx(RollCreate(world.sequence(a), "one"), a),
        world.ballot(1, "v1", 0),
        world.tx(RollAppend(world.sequence(a), RollNumber(2), key_of("x").tagged, ()), a),
        world.ballot(1, "v2", 0),
    ]
    for n, tx in enumerate(txs):
        assert tx.hash not in pool
        add(pool, world, tx, f"peer:{n}")
        assert tx.hash in pool
        assert pool.get(tx.hash) is tx
    assert pool.has_ready()
    assert list(pool.ready()) == txs
    assert (len(pool), pool.size_bytes) == (5, sum(len(tx.raw) for tx in txs))
    assert commit(pool, world, *txs[:3]) == {}
    assert list(pool.ready()) == txs[3:]
    assert commit(pool, world, *txs[3:]) == {}
    assert (len(pool), pool.size_bytes, pool.has_ready(), pool.get(txs[0].hash)) == (0, 0, False, None)


def test_what_is_inadmissible_does_not_wait(world: World) -> None:
    pool = Mempool()
    assert refusal(pool, world, world.ballot(1, "stranger", 0)).cause is codes.NOT_ON_ROLL
    assert refusal(pool, world, world.ballot(1, "v1", 9)).cause is codes.NO_SUCH_OPTION
    assert refusal(pool, world, world.tx(RollCreate(7, "x"), "op1a")).cause is codes.WRONG_SEQUENCE
    unproven = world.registration("fresh", world.sequence("agency1"), agency=2)
    assert refusal(pool, world, world.tx(unproven, "agency1")).cause is codes.KEY_NOT_PROVEN


def test_the_same_transaction_twice(world: World) -> None:
    pool, tx = Mempool(), world.ballot(1, "v1", 0)
    add(pool, world, tx)
    assert refusal(pool, world, tx).cause is codes.ALREADY_WAITING


def test_one_waiting_ballot_per_voter(world: World) -> None:
    pool, first = Mempool(), world.ballot(1, "v1", 0)
    add(pool, world, first)
    for other in (world.ballot(1, "v1", 1), world.ballot(1, "v1", 1, revision=1)):
        error = refusal(pool, world, other)
        assert (error.cause, error.data["first"]) == (codes.BALLOT_CONFLICT, first.hash.hex())
    assert commit(pool, world, first) == {}
    add(pool, world, world.ballot(1, "v1", 1, revision=1))


def test_another_ballot_of_the_voter_was_committed(world: World) -> None:
    pool, mine, theirs = Mempool(), world.ballot(1, "v1", 0), world.ballot(1, "v1", 1)
    bystander = world.ballot(1, "v2", 0)
    add(pool, world, mine)
    add(pool, world, bystander)
    assert commit(pool, world, theirs) == {mine.hash: codes.WRONG_REVISION.code}
    assert list(pool.ready()) == [bystander]


def test_administrative_transactions_build_on_each_other(world: World) -> None:
    pool = Mempool()
    a, b = "op1a", "op1b"
    create = world.tx(RollCreate(world.sequence(a), "one"), a)
    append = world.tx(RollAppend(world.sequence(a), RollNumber(2), key_of("x").tagged, ()), a)
    assert refusal(pool, world, append).cause is codes.WRONG_SEQUENCE
    add(pool, world, create)
    add(pool, world, append)
    # Somebody else's roll gets number 2 first: theirs is sealed off from the waiting chunk by its agency or keys;
    # here it is of the same agency, so the chunk fits it and stays.
    other = world.tx(RollCreate(world.sequence(b), "two"), b)
    assert commit(pool, world, other) == {}
    assert list(pool.ready()) == [create, append]
    # The committed state goes another way: the same sequence with another content.
    rival = world.tx(RollCreate(append.payload.sequence - 1, "three"), a)  # type: ignore[union-attr]
    assert commit(pool, world, rival) == {create.hash: codes.WRONG_SEQUENCE.code}
    assert list(pool.ready()) == [append]
    assert commit(pool, world, append) == {}
    assert len(pool) == 0


def test_waiting_administration_is_bounded(world: World) -> None:
    pool = Mempool()
    a = "op1a"
    add(pool, world, world.tx(RollCreate(world.sequence(a), "x"), a))
    keys = b"".join(sorted(key_of(f"n{n}").tagged for n in range(60)))
    chunk = world.tx(RollAppend(world.sequence(a), RollNumber(2), keys, ()), a)
    assert transaction_units(chunk) == 2
    pool._admin_units = MAX_POOL_ADMIN_UNITS - 1
    assert refusal(pool, world, chunk).cause is codes.POOL_FULL
    pool._admin_units = MAX_POOL_ADMIN_UNITS - 2
    add(pool, world, chunk)


def test_time_can_end_what_waits(world: World) -> None:
    pool = Mempool()
    roll = world.sealed_roll(["x"])
    soon = world.register(world.definition(roll, opens_at_ms=TimeMs(1), closes_at_ms=TimeMs(world.now_ms + 10)))
    add(pool, world, soon)
    assert commit(pool, world, after_ms=9) == {}
    assert commit(pool, world) == {soon.hash: codes.POLL_ENDED_ALREADY.code}


def test_ballots_of_a_paused_poll_wait(world: World) -> None:
    pool, early, late = Mempool(), world.ballot(1, "v1", 0), world.ballot(1, "v2", 0)
    add(pool, world, early)
    pause = world.tx(PollPause(world.sequence("op1a"), POLL, "x"), "op1a")
    assert commit(pool, world, pause) == {}
    assert not pool.has_ready()
    add(pool, world, late)
    assert refusal(pool, world, world.ballot(1, "v3", 9)).cause is codes.NO_SUCH_OPTION
    assert (len(pool), list(pool.ready())) == (2, [])
    resume = world.tx(PollResume(world.sequence("op1a"), POLL, "x"), "op1a")
    assert commit(pool, world, resume) == {}
    assert list(pool.ready()) == [early, late]


def test_answers_are_compared_once_however_often_the_poll_turns(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Mempool()
    ballot = world.ballot(1, "v1", 0)
    add(pool, world, ballot)
    monkeypatch.setattr("mvchain.ledger.mempool.check_answers", lambda *_: pytest.fail("compared again"))
    for payload in (PollPause, PollResume, PollPause, PollResume):
        assert commit(pool, world, world.tx(payload(world.sequence("op1a"), POLL, "x"), "op1a")) == {}
        assert pool.has_ready() == (payload is PollResume)
    assert list(pool.ready()) == [ballot]


def test_ballots_of_a_due_poll_wait_for_block_time(world: World) -> None:
    pool = Mempool()
    roll = world.sealed_roll(["a"])
    world.block(world.register(world.definition(roll)))
    tx = world.ballot(2, "a", 0)
    opens = world.poll(2).opens_at_ms
    context = context_of(world.state, tx)
    with pytest.raises(BadTransaction) as caught:
        pool.add(tx, context, world.state, "s", TimeMs(opens - 1))
    assert caught.value.cause is codes.POLL_NOT_OPEN
    pool.add(tx, context, world.state, "s", opens)
    assert not pool.has_ready()
    assert commit(pool, world) == {}
    assert not pool.has_ready()
    assert commit(pool, world, after_ms=200) == {}
    assert list(pool.ready()) == [tx]


def test_a_replaced_definition_ends_what_waits_under_the_former(world: World) -> None:
    pool = Mempool()
    first = world.sealed_roll(["a"])
    definition = world.definition(first)
    world.block(world.register(definition))
    tx = world.ballot(2, "a", 0)
    context = context_of(world.state, tx)
    pool.add(tx, context, world.state, "s", definition.opens_at_ms)
    replacing = world.register(world.definition(first, grace_ms=49), poll=2)
    assert commit(pool, world, replacing) == {tx.hash: codes.DEFINITION_REPLACED.code}
    # The same if the definition changed between the check of the signature and `add`.
    with pytest.raises(BadTransaction) as caught:
        pool.add(tx, context, world.state, "s", TimeMs(definition.opens_at_ms + 100))
    assert caught.value.cause is codes.DEFINITION_REPLACED


def test_the_end_of_a_poll_ends_its_ballots(world: World) -> None:
    pool = Mempool()
    txs = [world.ballot(1, f"v{n}", 0) for n in range(5)]
    for tx in txs:
        add(pool, world, tx)
    void = world.tx(PollVoid(world.sequence("op1a"), POLL, "x"), "op1a")
    assert commit(pool, world, txs[0], void) == dict.fromkeys([tx.hash for tx in txs[1:]], codes.POLL_NOT_OPEN.code)
    assert (len(pool), pool.size_bytes, pool.has_ready()) == (0, 0, False)


def test_full_by_count_and_by_bytes(world: World) -> None:
    txs = [world.ballot(1, f"v{n}", 0) for n in range(4)]
    pool = Mempool(max_count=3)
    for n, tx in enumerate(txs[:3]):
        add(pool, world, tx, f"s{n}")
    assert refusal(pool, world, txs[3], "s3").cause is codes.POOL_FULL
    assert commit(pool, world, txs[0]) == {}
    add(pool, world, txs[3], "s3")

    sizes = [len(tx.raw) for tx in txs]
    world2 = World(approvals=1)
    world2.staff()
    world2.open_poll(["v0", "v1", "v2", "v3"])
    pool = Mempool(max_bytes=sum(sizes[:3]))
    for n, tx in enumerate(world2.ballot(1, f"v{n}", 0) for n in range(3)):
        add(pool, world2, tx, f"s{n}")
    assert refusal(pool, world2, world2.ballot(1, "v3", 0), "s3").cause is codes.POOL_FULL


def test_no_source_fills_the_pool(world: World) -> None:
    size = len(world.ballot(1, "v0", 0).raw)
    pool = Mempool(max_bytes=20 * size)
    ballots = [world.ballot(1, f"v{n}", 0) for n in range(40)]
    for tx in ballots[:11]:
        add(pool, world, tx, "greedy")
    # With eleven the pool of twenty is over half full, and all of it is the greedy one's.
    assert refusal(pool, world, ballots[11], "greedy").cause is codes.POOL_FULL
    for n in range(9):
        add(pool, world, ballots[30 + n], "modest" if n < 5 else "other")
    assert refusal(pool, world, ballots[39], "third").cause is codes.POOL_FULL
    # Room that blocks make is shared likewise: the greedy one holds more than half of what is left.
    assert commit(pool, world, *ballots[30:35]) == {}
    assert refusal(pool, world, ballots[20], "greedy").cause is codes.POOL_FULL
    add(pool, world, ballots[39], "third")
    assert commit(pool, world, *ballots[:11]) == {}
    add(pool, world, ballots[20], "greedy")


class Twin:
    """The obvious mempool: everything in order of receipt, everything judged again after every block."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Transaction, Hash]] = []

    def after_block(self, txs: tuple[Transaction, ...], world: World) -> dict[Hash, str]:
        done = {tx.hash for tx in txs}
        kept, rejected = [], {}
        fresh = Mempool()
        for tx, context in self.waiting:
            if tx.hash in done:
                continue
            far = TimeMs(10**12)
            try:
                fresh.add(tx, context, world.state, "s", far)
            except BadTransaction as cause:
                rejected[tx.hash] = cause.code
            else:
                kept.append((tx, context))
        self.waiting = kept
        self.pool = fresh
        return rejected


def test_rechecking_what_was_touched_equals_rechecking_everything() -> None:
    seen = set[str]()
    for seed in range(6):
        seen |= _compare_with_twin(random.Random(seed))
    common = (codes.POLL_NOT_OPEN, codes.WRONG_REVISION, codes.REVOTE_NOT_ALLOWED, codes.WRONG_SEQUENCE)
    assert seen >= {cause.code for cause in common}


def _compare_with_twin(choose: random.Random) -> set[str]:
    """A busy chain of three polls; the codes of what was rejected on the way."""
    world = World(approvals=1)
    world.staff()
    voters = [f"v{n}" for n in range(20)]
    for revote in (True, False, True):
        roll = world.sealed_roll(voters)
        closes = TimeMs(world.now_ms + choose.randrange(400, 900))
        world.block(world.register(world.definition(roll, revote=revote, closes_at_ms=closes)))
    pool, twin = Mempool(), Twin()
    seen = set[str]()
    for _ in range(60):
        for _ in range(choose.randrange(10)):
            tx = _random_tx(choose, world, voters)
            try:
                context = context_of(world.state, tx)
                pool.add(tx, context, world.state, "s", TimeMs(10**12))
            except BadTransaction:
                continue
            twin.waiting.append((tx, context))
        outcome, txs = _random_block(choose, world, pool, voters)
        found = {tx_hash: cause.code for tx_hash, cause in pool.after_block(outcome, txs, world.state)}
        expected = twin.after_block(txs, world)
        seen |= set(found.values())
        assert found == expected
        assert list(pool.ready()) == list(twin.pool.ready())
        assert (len(pool), pool.size_bytes) == (len(twin.pool), twin.pool.size_bytes)
        assert pool.has_ready() == any(True for _ in pool.ready())
    return seen


def _random_tx(choose: random.Random, world: World, voters: list[str]) -> Transaction:
    poll = PollNumber(choose.randrange(1, 4))
    if choose.random() < 0.9:
        voter = choose.choice(voters)
        latest = world.state.stored.latest_ballot(poll, key_of(voter).tagged)
        revision = 0 if latest is None else min(15, latest[0] + 1)
        return world.ballot(poll, voter, choose.randrange(3), revision=revision)
    signer = choose.choice(["op1a", "op1b"])
    found = world.state.signer(key_of(signer).tagged)
    assert found is not None
    sequence = found[1].sequence + choose.choice([1, 1, 2])
    if choose.random() < 0.3:
        return world.tx(RollCreate(sequence, f"roll {choose.random()}"), signer)
    if choose.random() < 0.05:
        return world.tx(PollVoid(sequence, poll, "x"), signer)
    step = PollResume if world.poll(poll).state is PollState.PAUSED else PollPause
    return world.tx(step(sequence, poll, "x"), signer)


def _random_block(
    choose: random.Random, world: World, pool: Mempool, voters: list[str]
) -> tuple[Outcome, tuple[Transaction, ...]]:
    """Some of what waits, some that this node has never seen."""
    wanted = [tx for tx in pool.ready() if choose.random() < 0.3]
    wanted += [_random_tx(choose, world, voters) for _ in range(choose.randrange(6))]
    after_ms = choose.choice([1, 1, 40])
    trial = world.execution(after_ms)
    txs = []
    for tx in wanted:
        try:
            trial.apply(tx)
        except BadTransaction:
            continue
        txs.append(tx)
    return world.block(*txs, after_ms=after_ms), tuple(txs)
