"""A state from a snapshot is the state of whoever executed every block, and a wrong snapshot makes none."""

from collections.abc import Mapping

import pytest

from mvchain.core import codec, codes
from mvchain.core.errors import BadProof
from mvchain.core.types import Height, PollNumber
from mvchain.ledger import restoring
from mvchain.ledger.snapshot import VERSION, snapshot_chunks
from mvchain.ledger.state import State
from mvchain.ledger.transactions import PollClose, PollResume, RollSeal
from tests.ledger.snapshot_helpers import VOTERS, busy_world, restored
from tests.ledger.state_helpers import MemoryStore, World, key_of, roll_root, state_facts

LEFT_OUT = b"dfeglnouvqs"
"""Tables that differ: of polls that have ended, of the past, and what is still to be filled in."""


def tables(store: MemoryStore, without: bytes = b"") -> dict[bytes, bytes]:
    return {key: value for key, value in store.scan(b"", b"\xff") if key[:1] not in [bytes((t,)) for t in without]}


@pytest.fixture(scope="module")
def world() -> World:
    return busy_world()


def test_the_state_is_the_same(world: World) -> None:
    state = State.load(restored(world), MemoryStore())
    assert state_facts(state) == state_facts(world.state)


def test_the_store_holds_what_the_chain_goes_on_with(world: World) -> None:
    store = restored(world)
    assert tables(store, LEFT_OUT) == tables(world.store, LEFT_OUT)
    for table in b"eglnv":
        ours, theirs = (dict(s.scan(bytes((table,)), bytes((table + 1,)))) for s in (store, world.store))
        assert ours.items() <= theirs.items(), chr(table)
    running = {key for key in tables(world.store) if key[:1] == b"l" and key[1:5] in (b"\0\0\0\3", b"\0\0\0\4")}
    assert {b"l" + key[1:] for key in tables(store) if key[:1] == b"s"} == running


def test_both_go_on_alike_to_the_end_of_the_polls() -> None:
    """Second ballots, weights, an unsealed roll, counting, the final records: the same writes, block by block."""
    world = busy_world()
    twin = World(agencies=2, approvals=1)
    twin.store = restored(world)
    twin.state = State.load(twin.store, twin.store)
    twin.now_ms = world.now_ms
    twin._sequences = dict(world._sequences)
    entries = sorted((key_of(voter).tagged, 1) for voter in VOTERS[:100])
    roll = world.state.roll_count

    def go_on(one: World) -> list[dict[bytes, bytes | None]]:
        first = len(one.outcomes)
        four, three = PollNumber(4), PollNumber(3)
        one.block(*(one.ballot(4, voter, 0, revision=3) for voter in VOTERS[:3]))
        one.block(*(one.ballot(4, voter, 0, revision=1) for voter in VOTERS[80:]))
        one.block(one.tx(RollSeal(one.sequence("op1a"), roll, roll_root(entries), 100), "op1a"))  # type: ignore[arg-type]
        one.block(one.tx(PollResume(one.sequence("op1a"), three, "on"), "op1a"))
        one.block(one.ballot(3, VOTERS[66], 2))
        for poll in (three, four):
            one.block(one.tx(PollClose(one.sequence("op1a"), poll, "enough"), "op1a"))
        one.block(after_ms=1_000)
        one.blocks_until_counted()
        assert {one.poll(3).state.name, one.poll(4).state.name} == {"FINAL"}
        assert not one.poll(3).disputed
        assert not one.poll(4).disputed
        # What a block replaced is removed 1,000 blocks later, and the twin never wrote the older ones.
        return [outcome.writes for outcome in one.outcomes[first:]]

    assert go_on(twin) == go_on(world)


def test_its_own_snapshot_is_the_same(world: World) -> None:
    """So a node can hand on what it joined by before its past is whole."""
    assert list(snapshot_chunks(restored(world))) == list(snapshot_chunks(world.store))


def test_proofs_reach_into_ballots_that_are_beside_the_blocks(world: World) -> None:
    state = State.load(restored(world), MemoryStore())
    for poll, size in ((3, 65), (4, 233)):
        ours, theirs = (one.stored.ballots_log(PollNumber(poll), size) for one in (state, world.state))
        assert [ours.inclusion(n) for n in range(size)] == [theirs.inclusion(n) for n in range(size)]


def test_chunks_may_be_cut_anywhere(world: World) -> None:
    whole = b"".join(snapshot_chunks(world.store))
    for size in (1, 7, 1_000, len(whole)):
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert tables(restored(world, pieces)) == tables(restored(world))


def test_any_changed_byte_is_found(world: World) -> None:
    """Of every item at least one: lengths, records, definitions, entries, ballots."""
    whole = b"".join(snapshot_chunks(world.store))
    for at in range(0, len(whole), 331):
        changed = bytearray(whole)
        changed[at] ^= 1
        with pytest.raises(BadProof) as caught:
            restored(world, [bytes(changed)])
        assert caught.value.cause is codes.SNAPSHOT_WRONG, at


@pytest.mark.parametrize("cut", [1, 4, 5, 200, 5_000])
def test_a_cut_or_longer_one_is_found(world: World, cut: int) -> None:
    whole = b"".join(snapshot_chunks(world.store))
    for wrong in ([whole[:-cut]], [whole, bytes(cut)], [b""], []):
        with pytest.raises(BadProof) as caught:
            restored(world, wrong)
        assert caught.value.cause is codes.SNAPSHOT_WRONG


def test_the_snapshot_of_another_state_is_refused(world: World) -> None:
    other = busy_world()
    other.block()
    other.block(other.ballot(4, VOTERS[81], 0, revision=1))
    with pytest.raises(BadProof, match="another app hash"):
        restored(world, snapshot_chunks(other.store))


def test_a_giant_item_is_refused_by_its_length(world: World) -> None:
    store, written = MemoryStore(), []
    with pytest.raises(BadProof, match="more than"):
        restoring.restore([b"\xff\xff\xff\xff"], world.state.height, world.state.app_hash, store, written.append)
    assert written == []


def test_large_records_of_a_liar_do_not_pile_up_in_memory() -> None:
    """I7: they are written as they come, and their app hash shows at the end what they are worth."""
    record, count = bytes(100 * 1024), 100
    head = codec.encode((VERSION, (0, 0, 0, count, 0, 0, 0)))
    items = b"".join(len(item).to_bytes(4, "big") + item for item in (head, *[record] * count))
    written: list[int] = []

    def write(writes: Mapping[bytes, bytes | None]) -> None:
        written.append(sum(len(value or b"") for value in writes.values()))

    with pytest.raises(BadProof):
        restoring.restore([items], Height(1), bytes(32), MemoryStore(), write)
    assert sum(written) >= 8 * 1024 * 1024
    assert max(written) < 4 * 1024 * 1024 + len(record)
