"""The committed state: genesis, loading, the read cache, what proofs are made of."""

import pytest

from mvchain.core import codes
from mvchain.core.errors import BrokenStorage
from mvchain.core.merkle import root
from mvchain.core.types import AgencyNumber, BallotNumber, PollNumber, RollNumber
from mvchain.ledger import keyspace
from mvchain.ledger.state import State
from mvchain.ledger.state_tree import record_key, verify_state_proof
from mvchain.ledger.tally import tally_hash
from mvchain.ledger.transactions import Role
from tests.ledger.state_helpers import START_MS, MemoryStore, World, key_of, roll_root, state_facts

POLL = PollNumber(1)


def test_genesis() -> None:
    world = World(agencies=4, approvals=3)
    state = world.state
    assert (state.height, state.time_ms, state.genesis_hash) == (0, START_MS, world.genesis.hash)
    assert state.validators.hash == world.genesis.validators().hash == state.next_validators.hash
    assert state.params == world.genesis.params
    assert (state.poll_count, state.roll_count, state.next_due_ms(), state.counting) == (0, 0, None, False)
    for n in range(1, 5):
        found = state.signer(key_of(f"agency{n}").tagged)
        assert found is not None
        agency, signer = found
        assert (agency.number, agency.approvals, agency.name_en) == (n, 3, f"Agency {n}")
        assert (signer.role, signer.sequence, signer.active) == (Role.AGENCY, 0, True)
        assert agency.agency_key == signer.key
    assert state_facts(State.load(world.store, world.store)) == state_facts(state)


def test_other_genesis_other_app_hash() -> None:
    hashes = {World(agencies=n, approvals=a).state.app_hash for n in (1, 2) for a in (1, 2)}
    assert len(hashes) == 4


def test_an_empty_store_holds_no_state() -> None:
    store = MemoryStore()
    with pytest.raises(BrokenStorage) as caught:
        State.load(store, store)
    assert caught.value.cause is codes.NO_STATE


def test_damaged_records_are_reported() -> None:
    world = World()
    world.staff()
    world.open_poll(["a"])
    keys = [key for key, _ in world.store.scan(b"", b"\xff")]
    tables = {key[:1]: key for key in keys if key[:1] in b"abcdprw"}
    assert set(tables) == {b"a", b"b", b"c", b"d", b"p", b"r", b"w"}
    for key in tables.values():
        value = world.store.get(key)
        assert value is not None
        world.store.write({key: value[:-1]})
        with pytest.raises(BrokenStorage):
            State.load(world.store, world.store)
        world.store.write({key: value})
    world.store.write({tables[b"d"]: None})
    with pytest.raises(BrokenStorage) as caught:
        State.load(world.store, world.store)
    assert caught.value.cause is codes.STATE_RECORD_MISSING


def test_the_cache_never_shows_old_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvchain.ledger.state.MAX_STATE_CACHE_ENTRIES", 3)
    world = World()
    world.staff()
    voters = [f"v{n}" for n in range(10)]
    world.open_poll(voters)
    keys = [keyspace.voter_key(POLL, key_of(v).tagged) for v in voters]
    assert [world.state.get(key) for key in keys] == [None] * 10
    for revision in range(3):
        world.block(*(world.ballot(1, v, 0, revision=revision) for v in voters))
        for key in keys:
            assert world.state.get(key) == world.store.get(key) is not None


def test_what_proofs_are_made_of() -> None:
    world = World()
    world.staff()
    voters = [f"v{n}" for n in range(20)]
    weights = {voter: n + 1 for n, voter in enumerate(voters)}
    roll = world.sealed_roll(voters, weights)
    world.block(world.register(world.definition(roll)))
    world.block(after_ms=100)
    first = [world.ballot(1, voter, 1) for voter in voters[:5]]
    second = [world.ballot(1, voters[2], 2, revision=1)]
    world.block(*first)
    world.block(*second)
    state, poll = world.state, world.poll(1)
    places = [world.store.get(keyspace.ballot_key(POLL, BallotNumber(n))) for n in range(7)]
    assert [place and keyspace.unpack_place(place) for place in places] == [
        *[(6, 0), (6, 1), (6, 2), (6, 3), (6, 4), (7, 0)],
        None,
    ]
    assert [state.stored.ballot(POLL, BallotNumber(n)) for n in range(6)] == [tx.raw for tx in first + second]
    assert state.stored.latest_ballot(POLL, key_of(voters[2]).tagged) == (1, 5)
    assert state.stored.latest_ballot(POLL, key_of(voters[9]).tagged) is None
    numbers = {key_of(voter).tagged: n for n, voter in enumerate(voters[:5])} | {key_of(voters[2]).tagged: 5}
    assert list(state.stored.voters(POLL)) == sorted(numbers.items())
    entries = sorted((key_of(voter).tagged, weight) for voter, weight in weights.items())
    assert roll_root(entries) == poll.roll_root
    assert [state.stored.roll_entry(RollNumber(1), voter) for voter, _ in entries] == [
        (index, weight) for index, (_, weight) in enumerate(entries)
    ]
    assert state.stored.roll_entry(RollNumber(1), key_of("stranger").tagged) is None
    hashes = [tx.hash for tx in first + second]
    assert poll.ballots_root == root(hashes)
    with pytest.raises(BrokenStorage):
        state.stored.ballot(POLL, BallotNumber(6))

    world.block(after_ms=2_000)
    world.block()
    poll = world.poll(1)
    assert poll.counted_root == root([keyspace.counted_item(*pair) for pair in state.stored.voters(POLL)])
    tally = state.stored.tally(POLL)
    assert tally is not None
    for store, value in (("polls", poll.encode()), ("tallies", tally.encode())):
        assert _proved(state, store, 1) == value
    assert poll.tally_hash == tally_hash(tally.encode())
    agency = state.agency(AgencyNumber(1)).encode()
    assert _proved(state, "agencies", 1) == agency


def _proved(state: State, store: str, number: int) -> bytes:
    """The value of a record in the state as it is, whose proof holds."""
    found = state.prove_at(state.height, store, number)
    assert found is not None
    assert verify_state_proof(state.app_hash, store, record_key(number), *found)
    return found[0]


def test_no_proof_of_an_open_poll_shows_a_total() -> None:
    world = World()
    world.staff()
    world.open_poll(["a"])
    world.block(world.ballot(1, "a", 1))
    state = world.state
    assert _proved(state, "tallies", 1) == b""


def test_polls_that_end_out_of_order() -> None:
    """The store `tallies` has an entry for every poll from the start, so that its keys only grow (L9)."""
    world = World()
    world.staff()
    rolls = [world.sealed_roll(["a"]) for _ in range(2)]
    later = world.definition(rolls[0], closes_at_ms=world.now_ms + 50_000)
    world.block(world.register(later), world.register(world.definition(rolls[1])))
    world.block(after_ms=100)
    world.block(after_ms=2_000)
    world.block()
    assert [world.state.stored.tally(PollNumber(n)) is None for n in (1, 2)] == [True, False]


def test_ended_work_is_removed_from_the_store() -> None:
    world = World()
    world.staff()
    world.open_poll(["a"])
    world.block(after_ms=2_000)
    world.block()
    keys = [key for key, _ in world.store.scan(b"", b"\xff")]
    assert not [key for key in keys if key[:1] in (b"w", b"x")]
    assert world.state.definition(world.poll(1).definition_hash).roll == 1
