"""The state of earlier heights: what it was, that its proofs hold, and for how long it is kept."""

from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core.errors import BrokenStorage
from mvchain.core.types import Height, PollNumber
from mvchain.ledger import history, keyspace
from mvchain.ledger.history import decode_undo, encode_undo
from mvchain.ledger.records import Poll, PollState
from mvchain.ledger.state import State
from mvchain.ledger.state_tree import STORES, record_key, verify_state_proof
from tests.ledger.state_helpers import World


def seen(world: World) -> tuple[bytes, dict[tuple[str, int], bytes]]:
    """App hash and records of the state as it is now."""
    state = world.state
    records: dict[tuple[str, int], bytes] = {("chain", 1): world.store.get(keyspace.CHAIN_KEY) or b""}
    records |= {("agencies", agency.number): agency.encode() for agency in state.agencies}
    for n in range(1, state.poll_count + 1):
        records["polls", n] = world.poll(n).encode()
        tally = state.tally(PollNumber(n))
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
    kept = [keyspace.undo_height(key) for key, _ in world.store.scan(*keyspace.table_scan(keyspace.UNDO))]
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
    height, proof = world.state.final_proof(PollNumber(1))
    app_hash, records = facts[height]
    record = world.poll(1)
    assert record.state is PollState.FINAL
    assert verify_state_proof(app_hash, "polls", record_key(1), record.encode(), proof)
    assert Poll.decode(facts[height - 1][1]["polls", 1]).state is PollState.COUNTING
    assert records["polls", 1] == record.encode()
    with pytest.raises(BrokenStorage, match="MV-4081"):
        world.state.final_proof(PollNumber(3))


def test_a_block_that_changes_nothing_writes_no_history() -> None:
    world = World()
    world.staff()
    assert keyspace.undo_key(Height(1)) in world.outcomes[-1].writes
    world.block()
    assert not any(key.startswith(keyspace.UNDO) for key in world.outcomes[-1].writes)


def test_a_lost_record_is_named() -> None:
    world, _ = grown()
    height = next(keyspace.undo_height(key) for key, _ in world.store.scan(*keyspace.table_scan(keyspace.UNDO)))
    world.store.write({keyspace.undo_key(height): None})
    with pytest.raises(BrokenStorage, match="MV-4081"):
        world.state.prove_at(Height(0), "agencies", 1)


values = st.none() | st.binary(max_size=20)


@given(st.dictionaries(st.sampled_from(STORES), st.dictionaries(st.integers(1, 9), values, min_size=1)))
def test_what_was_replaced_is_read_again(replaced: dict[str, dict[int, bytes | None]]) -> None:
    assert decode_undo(encode_undo(replaced)) == replaced


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_our_error(data: bytes) -> None:
    try:
        replaced = decode_undo(data)
    except BrokenStorage:
        return
    # Rows in another order are one value too: nothing but the own disk ever holds them.
    assert decode_undo(encode_undo(replaced)) == replaced
