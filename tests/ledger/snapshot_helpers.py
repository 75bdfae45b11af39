"""A chain with a poll in every state, and the store that its snapshot makes."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mvchain.core.types import PollNumber, RollNumber
from mvchain.ledger import restoring
from mvchain.ledger.snapshot import snapshot_chunks
from mvchain.ledger.transactions import PollPause, PollVoid, RollAppend, RollCreate
from tests.ledger.state_helpers import MemoryStore, World, key_of
from tests.ledger.test_convictions import evidence

VOTERS = [f"voter{n}" for n in range(150)]


def busy_world() -> World:
    """Polls 1 final, 2 void, 3 paused, 4 open with weights and second ballots, 5 registered; a sixth roll, unsealed.

    Both agencies are convicted of double signing.
    """
    world = World(agencies=2, approvals=1)
    world.staff()
    one = world.open_poll(VOTERS[:70])
    world.block(*(world.ballot(one, voter, n % 3) for n, voter in enumerate(VOTERS[:66])))
    world.block(*(world.ballot(one, voter, 2, revision=1) for voter in VOTERS[:5]))
    world.block(after_ms=2_000)
    world.blocks_until_counted()
    two = world.open_poll(VOTERS[:3])
    world.block(world.ballot(two, VOTERS[0], 1))
    world.block(world.tx(PollVoid(world.sequence("op1a"), two, "moved"), "op1a"))
    three = world.open_poll(VOTERS[:70], revote=False, closes_at_ms=world.now_ms + 10_000_000)
    world.block(*(world.ballot(three, voter, 0) for voter in VOTERS[:65]))
    world.block(world.tx(PollPause(world.sequence("op1a"), three, "wait"), "op1a"))
    roll = world.sealed_roll(VOTERS, {VOTERS[0]: 5, VOTERS[100]: 7})
    world.block(world.register(world.definition(roll, closes_at_ms=world.now_ms + 10_000_000)))
    world.block(after_ms=100)
    four = PollNumber(4)
    world.block(*(world.ballot(four, voter, n % 3) for n, voter in enumerate(VOTERS)))
    world.block(*(world.ballot(four, voter, 1, revision=1) for voter in VOTERS[:80]))
    world.block(*(world.ballot(four, voter, 2, revision=2) for voter in VOTERS[:3]))
    later = world.now_ms + 5_000_000
    roll = world.sealed_roll(VOTERS[:2])
    first = world.definition(roll, opens_at_ms=later, closes_at_ms=later + 1_000)
    world.block(world.register(first))
    world.block(world.register(replace(first, title=(("en", "Another park"),)), poll=5))
    open_roll = RollNumber(world.state.roll_count + 1)
    keys = b"".join(sorted(key_of(voter).tagged for voter in VOTERS[:100]))
    world.block(
        world.tx(RollCreate(world.sequence("op1a"), "growing"), "op1a"),
        world.tx(RollAppend(world.sequence("op1a"), open_roll, keys, ()), "op1a"),
    )
    world.block(evidence=[evidence(world, agency) for agency in (1, 2)])
    return world


def restored(world: World, chunks: Iterable[bytes] | None = None) -> MemoryStore:
    """The store of a node that took the snapshot of this world; it has none of the blocks."""
    store, state = MemoryStore(), world.state
    given: Sequence[bytes] = list(snapshot_chunks(world.store) if chunks is None else chunks)
    restoring.restore(given, state.height, state.app_hash, store, store.write)
    store.write(restoring.conclusion(state.height, state.time_ns))
    return store
