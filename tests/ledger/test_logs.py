"""Proofs in long logs, against trees of all their leaves."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvchain.core.errors import BrokenStorage
from mvchain.core.hashing import sha256
from mvchain.core.merkle import (
    CompactRange,
    Tree,
    consistency_proof,
    leaf_hash,
    root,
    root_in,
    verify_consistency,
    verify_inclusion,
)
from mvchain.core.types import BallotNumber, Hash, PollNumber, RollNumber, TaggedKey
from mvchain.ledger import keyspace
from mvchain.ledger.logs import GroupedLog, finished_writes
from tests.ledger.state_helpers import MemoryStore, World, key_of

LEAVES = [leaf_hash(b"%d" % n) for n in range(9_000)]
"""More than two subtrees of the second level, 64 times 64."""
POLL = PollNumber(1)


def stored(size: int) -> tuple[MemoryStore, CompactRange]:
    """What is stored of a log of this size that grew leaf by leaf."""
    store, entries = MemoryStore(), CompactRange()
    for leaf in LEAVES[:size]:
        entries.append(leaf)
    store.write(finished_writes(b"b", 7, entries))
    return store, entries


STORE, _ = stored(len(LEAVES))


def grouped(size: int) -> GroupedLog:
    def nodes(level: int, start: int, stop: int) -> Sequence[Hash]:
        first, last = (keyspace.node_key(b"b", 7, level, index) for index in (start, stop))
        return [Hash(value) for _, value in STORE.scan(first, last)]

    return GroupedLog(size, nodes, lambda group: LEAVES[group * 64 : (group + 1) * 64])


@settings(max_examples=150)
@given(st.data())
def test_inclusion_is_that_of_the_whole_tree(data: st.DataObject) -> None:
    """Also in a log that has grown since: the proof is of the first `size` leaves."""
    size = data.draw(st.one_of(st.integers(1, 300), st.sampled_from([4095, 4096, 4097, 8191, 8192, 8193, 9000])))
    index = data.draw(st.integers(0, size - 1))
    assert grouped(size).inclusion(index) == Tree(LEAVES[:size]).prove(index)


@settings(max_examples=100)
@given(st.data())
def test_consistency_is_that_of_the_whole_tree(data: st.DataObject) -> None:
    size2 = data.draw(st.one_of(st.integers(1, 300), st.sampled_from([4096, 4097, 8192, 9000])))
    size1 = data.draw(st.integers(1, size2))
    log = grouped(size2)
    proof = log.consistency(size1)
    assert proof == consistency_proof(root_in(LEAVES), size1, size2)
    assert verify_consistency(size1, size2, grouped(size1).root_of(0, size1), log.root_of(0, size2), proof)


def test_a_node_is_written_once_for_each_full_subtree() -> None:
    """9,000 leaves fill 140 groups of 64, and 2 of 64 groups."""
    levels = [key[6] for key, _ in STORE.scan(b"n", b"o")]
    assert (levels.count(6), levels.count(12), len(levels)) == (140, 2, 142)


def test_a_missing_node_is_named() -> None:
    store, _ = stored(200)
    store.write({keyspace.node_key(b"b", 7, 6, 1): None})
    log = GroupedLog(200, lambda level, start, stop: list(STORE.scan(b"x", b"y")), lambda group: LEAVES)  # type: ignore[arg-type]
    with pytest.raises(BrokenStorage, match="MV-4081"):
        log.inclusion(150)


def test_a_proof_reads_few_hashes() -> None:
    """Of 8,192 leaves: one group, and at most 63 nodes of each level."""
    read = []

    def nodes(level: int, start: int, stop: int) -> Sequence[Hash]:
        read.append(stop - start)
        return [Hash(STORE.get(keyspace.node_key(b"b", 7, level, at)) or b"") for at in range(start, stop)]

    log = GroupedLog(8_192, nodes, lambda group: LEAVES[group * 64 : (group + 1) * 64])
    assert log.inclusion(5_000) == Tree(LEAVES[:8_192]).prove(5_000)
    assert sum(read) <= 2 * 63


# --- the logs of a chain ---


@pytest.fixture(scope="module")
def world() -> World:
    """A roll of 150 voters, of whom 130 answer, 40 of them twice; and the poll is final."""
    world = World()
    world.staff()
    voters = [f"v{n}" for n in range(150)]
    world.open_poll(voters)
    for start in (0, 65):
        world.block(*(world.ballot(1, voter, 0) for voter in voters[start : start + 65]))
    world.block(*(world.ballot(1, voter, 1, revision=1) for voter in voters[:40]))
    world.block(after_ms=2_000)
    world.blocks_until_counted()
    return world


def test_the_roll_of_a_chain(world: World) -> None:
    roll = world.state.roll(RollNumber(1))
    assert roll is not None
    keys = sorted(key_of(f"v{n}").tagged for n in range(150))
    log = world.state.stored.roll_log(RollNumber(1), roll.size)
    for index in (0, 63, 64, 127, 128, 149):
        assert verify_inclusion(log.inclusion(index), roll.root, keyspace.roll_item(keys[index], 1))


def test_the_ballots_of_a_chain(world: World) -> None:
    poll = world.poll(1)
    hashes = [sha256(raw) for height in (6, 7, 8) for raw in world.store.blocks[height]]
    assert (poll.ballots_size, poll.ballots_root) == (170, root(hashes))
    log = world.state.stored.ballots_log(POLL, 170)
    for index in (0, 64, 129, 130, 169):
        assert verify_inclusion(log.inclusion(index), poll.ballots_root, hashes[index])
    assert verify_consistency(65, 170, root(hashes[:65]), poll.ballots_root, log.consistency(65))


def test_the_counted_ballots_of_a_chain(world: World) -> None:
    """Voter n's latest ballot is number n, or 130 + n of those who answered twice."""
    poll = world.poll(1)
    latest = {key_of(f"v{n}").tagged: BallotNumber(130 + n if n < 40 else n) for n in range(130)}
    counted = sorted(latest.items())
    log = world.state.stored.counted_log(POLL, poll.counted_size)
    assert log.size == 130
    for index, (voter, number) in enumerate(counted):
        assert (log.rank(voter), log.at(index)) == (index, (voter, number))
        assert verify_inclusion(log.inclusion(index), poll.counted_root, keyspace.counted_item(voter, number))
        between = TaggedKey(voter[:-1] + bytes((voter[-1] ^ 1,)))
        assert log.rank(between) == sum(key < between for key, _ in counted)
    assert log.rank(TaggedKey(bytes(33))) == 0
    assert log.rank(TaggedKey(b"\xff" * 33)) == 130


def test_a_poll_without_ballots() -> None:
    world = World()
    world.staff()
    world.open_poll(["v"])
    world.block(after_ms=2_000)
    world.blocks_until_counted()
    log = world.state.stored.counted_log(POLL, world.poll(1).counted_size)
    assert (log.size, log.rank(key_of("v").tagged)) == (0, 0)
