"""What a snapshot left out, filled in from the blocks: in the end the store of whoever executed them all."""

from collections.abc import Iterator

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadProof, BrokenStorage
from mvchain.core.types import Height, PollNumber
from mvchain.ledger import keyspace
from mvchain.ledger.blocks import Header
from mvchain.ledger.filling import Filling, Writes, filled_until, is_filled
from mvchain.ledger.transactions import Ballot, decode_transaction
from tests.ledger.snapshot_helpers import busy_world, restored
from tests.ledger.state_helpers import MemoryStore, World
from tests.ledger.test_past import header_at
from tests.ledger.test_restoring import tables

PAST = b"uo"
"""What a node that joined never has: the history of the state (ledger L9)."""


@pytest.fixture(scope="module")
def world() -> World:
    return busy_world()


@pytest.fixture
def store(world: World) -> MemoryStore:
    joined = restored(world)
    joined.blocks = dict(world.store.blocks)
    return joined


def blocks(world: World, filling: Filling) -> Iterator[Writes]:
    for height in range(filling.done + 1, filling.target + 1):
        outcome = world.outcomes[height - 1]
        transactions = [decode_transaction(raw) for raw in world.store.blocks[height]]
        yield filling.block(Height(height), transactions, outcome.numbers)


def header_above(world: World, height: int) -> Header:
    return header_at(height + 1, app_hash=world.outcomes[height - 1].app_hash)


def proof_of(world: World, poll: int) -> tuple[bytes, Header]:
    data = world.store.get(keyspace.numbered(keyspace.FINAL_PROOFS, poll))
    assert data is not None
    final = next(o.height for o in world.outcomes if keyspace.numbered(keyspace.FINAL_PROOFS, poll) in o.writes)
    return data, header_above(world, final)


def counting(filling: Filling) -> Iterator[Writes]:
    while (writes := filling.step()) is not None:
        yield writes
        if writes == {keyspace.GAPS: None}:
            return


def fill(world: World, store: MemoryStore) -> None:
    """The proofs first."""
    filling = Filling(store)
    for writes in blocks(world, filling):
        store.write(writes)
    for poll in sorted(filling.lacking_proofs):
        store.write(filling.final_proof(poll, *proof_of(world, poll)))
    for writes in counting(filling):
        store.write(writes)


def test_the_store_is_that_of_a_node_which_executed_every_block(world: World, store: MemoryStore) -> None:
    assert tables(store, PAST) != tables(world.store, PAST)
    fill(world, store)
    assert tables(store, PAST) == tables(world.store, PAST)
    assert filled_until(store) is None


def test_it_goes_on_wherever_it_was_interrupted(
    world: World, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new one after every batch of writes; the counted log comes in pieces, the proofs last."""
    monkeypatch.setattr("mvchain.ledger.filling._VOTERS_AT_ONCE", 13)
    rounds = 0
    while filled_until(store) is not None:
        filling = Filling(store)
        if filling.done < filling.target:
            store.write(next(blocks(world, filling)))
        elif (writes := filling.step()) is not None:
            store.write(writes)
        else:
            poll = min(filling.lacking_proofs)
            store.write(filling.final_proof(poll, *proof_of(world, poll)))
        rounds += 1
        assert rounds < 1_000
    assert tables(store, PAST) == tables(world.store, PAST)


def test_what_is_here_and_what_is_not_yet(world: World, store: MemoryStore) -> None:
    def filled() -> list[bool]:
        polls = [world.poll(n) for n in range(1, 6)]
        return [is_filled(store, PollNumber(n), poll.roll) for n, poll in enumerate(polls, 1)]

    height = world.state.height
    assert filled_until(store) == (height, 0)
    assert filled() == [False, False, True, True, True], "the final one and the void one"
    filling = Filling(store)
    for writes in blocks(world, filling):
        store.write(writes)
    assert filled_until(store) == (height, height)
    assert filled() == [False, True, True, True, True]
    store.write(filling.final_proof(PollNumber(1), *proof_of(world, 1)))
    assert filled() == [False, True, True, True, True]
    for writes in counting(filling):
        store.write(writes)
    assert filled() == [True] * 5


def test_a_proof_of_another_height_poll_or_header_is_refused(world: World, store: MemoryStore) -> None:
    filling = Filling(store)
    assert filling.lacking_proofs == {1}
    proof, header = proof_of(world, 1)
    wrong = [
        (proof, header_above(world, header.height)),
        (proof, header_at(header.height)),
        (proof[:-1] + bytes((proof[-1] ^ 1,)), header),
        (b"", header),
        (proof + b"\0", header),
    ]
    for data, above in wrong:
        with pytest.raises(BadProof):
            filling.final_proof(PollNumber(1), data, above)
    assert filling.lacking_proofs == {1}


def test_missing_ballots_are_noticed(world: World, store: MemoryStore) -> None:
    """As if the disk had lost some: the log is never whole, and that is said."""
    filling = Filling(store)
    for height in range(1, filling.target + 1):
        transactions = [decode_transaction(raw) for raw in world.store.blocks[height]]
        pairs = [
            (tx, number)
            for tx, number in zip(transactions, world.outcomes[height - 1].numbers, strict=True)
            if not (isinstance(tx.payload, Ballot) and tx.payload.poll == 1 and number == 7)
        ]
        store.write(filling.block(Height(height), [tx for tx, _ in pairs], [number for _, number in pairs]))
    with pytest.raises(BrokenStorage) as caught:
        filling.step()
    assert caught.value.cause is codes.STATE_RECORD_MISSING
