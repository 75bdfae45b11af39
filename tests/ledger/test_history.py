"""The state of earlier heights: what it was, that its proofs hold, and for how long it is kept."""

from unittest import mock

import pytest

from mvchain.core.errors import BrokenStorage
from mvchain.core.types import Height, PollNumber
from mvchain.ledger import history, keyspace
from mvchain.ledger.history import History
from mvchain.ledger.records import Poll, PollState
from mvchain.ledger.state import State
from mvchain.ledger.state_tree import STORES, StateTree, record_key, verify_state_proof
from tests.ledger.state_helpers import MemoryStore, World


def seen(world: World) -> tuple[bytes, dict[tuple[str, int], bytes]]:
    """App hash and records of the state as it is now."""
    state = world.state
    records: dict[tuple[str, int], bytes] = {("chain", 1): world.store.get(keyspace.CHAIN_KEY) or b""}
    records |= {("agencies", agency.number): agency.encode() for agency in state.agencies}
    for n in range(1, state.poll_count + 1):
        records["polls", n] = world.poll(n).encode()
        tally = state.stored.tally(PollNumber(n))
        records["tallies", n] = b"" if tally is None else tally.encode()
    for n in range(1, state.roll_count + 1):
        records["rolls", n] = state.roll(n).encode()  # type: ignore[arg-type, union-attr]
    return state.app_hash, records


def grown(after_each: object = None) -> tuple[World, dict[int, tuple[bytes, dict[tuple[str, int], bytes]]]]:
    """A chain with two polls from registration to the end, and what was seen after each block."""
    world = World()
    facts = {0: seen(world)}
    block = world.block

    def recording(*txs, **times):  # type: ignore[no-untyped-def]
        outcome = block(*txs, **times)
        facts[world.state.height] = seen(world)
        return outcome

    with mock.patch.object(world, "block", recording):
        world.staff()
        world.open_poll(["a", "b"])
        world.block(world.ballot(1, "a", 0))
        world.block()
        world.open_poll(["a"])
        world.block(world.ballot(1, "b", 1), world.ballot(2, "a", 0))
        world.block(after_ms=2_000)
        world.blocks_until_counted()
        world.block()
    return world, facts


def check(state: State, facts: dict[int, tuple[bytes, dict[tuple[str, int], bytes]]]) -> None:
    for height in range(state.oldest_provable, state.height + 1):
        app_hash, records = facts[height]
        for store in STORES:
            for number in range(1, 4):
                found = state.prove_at(Height(height), store, number)
                assert (None if found is None else found[0]) == records.get((store, number)), (height, store, number)
                if found is not None:
                    assert verify_state_proof(app_hash, store, record_key(number), *found)


def test_every_height_is_proved_as_it_was() -> None:
    world, facts = grown()
    assert (world.state.oldest_provable, len(facts)) == (0, world.state.height + 1)
    check(world.state, facts)
    check(State.load(world.store, world.store), facts)


def test_old_heights_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PROVABLE_HEIGHTS", 3)
    world, facts = grown()
    assert world.state.oldest_provable == world.state.height - 3
    check(world.state, facts)
    kept = [keyspace.undone(key)[0] for key, _ in world.store.scan(*keyspace.table_scan(keyspace.UNDO))]
    assert kept
    assert all(world.state.height - 3 < height <= world.state.height for height in kept)
    with pytest.raises(AssertionError):
        world.state.prove_at(Height(world.state.height - 4), "polls", 1)
    with pytest.raises(AssertionError):
        world.state.prove_at(Height(world.state.height + 1), "polls", 1)


def test_a_final_poll_is_proved_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PROVABLE_HEIGHTS", 1)
    world, facts = grown()
    for _ in range(5):
        world.block()
    height, proof = world.state.stored.final_proof(PollNumber(1))
    app_hash, records = facts[height]
    record = world.poll(1)
    assert record.state is PollState.FINAL
    assert verify_state_proof(app_hash, "polls", record_key(1), record.encode(), proof)
    assert Poll.decode(facts[height - 1][1]["polls", 1]).state is PollState.COUNTING
    assert records["polls", 1] == record.encode()
    with pytest.raises(BrokenStorage, match="MV-4081"):
        world.state.stored.final_proof(PollNumber(3))


def test_a_block_that_changes_nothing_writes_no_history() -> None:
    world = World()
    world.staff()
    assert any(key.startswith(keyspace.UNDO) for key in world.outcomes[-1].writes)
    world.block()
    assert not any(key.startswith(keyspace.UNDO) for key in world.outcomes[-1].writes)


def test_a_lost_record_is_named() -> None:
    world, _ = grown()
    key = next(key for key, _ in world.store.scan(*keyspace.table_scan(keyspace.UNDO)))
    _, store, number = keyspace.undone(key)
    world.store.write({key: None})
    with pytest.raises(BrokenStorage, match="MV-4081"):
        world.state.prove_at(Height(0), STORES[store], number)


def test_a_damaged_record_is_named() -> None:
    world, _ = grown()
    key = next(key for key, _ in world.store.scan(*keyspace.table_scan(keyspace.UNDO)))
    world.store.write({key: b"\x02"})
    with pytest.raises(BrokenStorage, match="MV-1001"):
        State.load(world.store, world.store)


def test_many_changes_leave_room_for_fewer_heights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is on changed records: the memory of the trees, whatever the blocks do."""
    monkeypatch.setattr(history, "MAX_PROVABLE_CHANGES", 5)
    world, facts = grown()
    assert 0 < world.state.oldest_provable < world.state.height
    check(world.state, facts)
    again = State.load(world.store, world.store)
    assert again.oldest_provable == world.state.oldest_provable
    check(again, facts)
    changes = [keyspace.undone(key)[0] for key, _ in world.store.scan(*keyspace.table_scan(keyspace.UNDO))]
    assert 0 < len(changes) <= 5
    assert min(changes) > world.state.oldest_provable


def test_a_block_may_replace_more_records_than_an_array_has_items() -> None:
    """4,200 polls end in one block: 8,400 records change, above MAX_ARRAY_ITEMS; the node starts again."""
    replaced: dict[str, dict[int, bytes | None]] = {
        store: {n: b"%d" % n for n in range(1, 4_201)} for store in ("polls", "tallies")
    }
    after = StateTree({store: [b"new"] * 4_200 for store in ("polls", "tallies")})
    store = MemoryStore()
    store.write(History(store, Height(8), after).writes(Height(9), replaced))
    read = History(store, Height(9), after)
    before = StateTree({name: list(values.values()) for name, values in replaced.items()})  # type: ignore[arg-type]
    for name, number in (("polls", 1), ("tallies", 4_200)):
        found = read.prove(Height(8), name, number)
        assert found is not None
        assert found[0] == b"%d" % number
        assert verify_state_proof(before.app_hash, name, record_key(number), *found)
