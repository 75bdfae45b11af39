"""Proofs in the transactions and results of a block, against the trees of the whole block."""

import pytest

from mvchain.api.block_trees import BlockTrees
from mvchain.core import merkle
from mvchain.core.hashing import sha256
from mvchain.core.merkle import Tree, leaf_hash
from mvchain.core.types import Hash, Height
from mvchain.ledger.block_groups import BlockGroups, block_groups
from mvchain.ledger.results import accepted
from mvchain.ledger.transactions import decode_transaction
from mvchain.ledger.units import transaction_units
from mvchain.node.memory import MemoryDisk, MemoryStore
from tests.ledger.state_helpers import World

SIZES = (1, 63, 64, 65, 150)
"""Transactions of the blocks at heights 6, 7, 8...; each number of groups and of leaves in the last one."""


@pytest.fixture(scope="module")
def chain() -> tuple[World, MemoryStore]:
    """A poll whose ballots are in blocks of these sizes, and the store with what the replica saves of each."""
    world = World()
    world.staff()
    world.open_poll([f"v{n}" for n in range(sum(SIZES))])
    voters = iter(range(sum(SIZES)))
    for size in SIZES:
        world.block(*(world.ballot(1, f"v{next(voters)}", 0) for _ in range(size)))
    store = MemoryStore(MemoryDisk())
    for outcome in world.outcomes:
        txs = world.store.blocks[outcome.height]
        store.save_block(
            height=outcome.height,
            header=b"header",
            txs=txs,
            tx_hashes=[Hash(sha256(tx)) for tx in txs],
            last_commit=b"",
            commit=b"",
            block_id=b"\n\x20" + bytes(31) + bytes((outcome.height,)) + b"\x12\x24\x08\x01\x12\x20" + bytes(32),
            groups=outcome.groups.encode(),
            result_numbers=outcome.numbers,
            evidence=b"",
            state_writes={},
        )
    return world, store


@pytest.mark.parametrize("height", range(6, 6 + len(SIZES)))
def test_proofs_are_those_of_the_whole_block(chain: tuple[World, MemoryStore], height: int) -> None:
    world, store = chain
    txs = world.store.blocks[height]
    assert len(txs) == SIZES[height - 6]
    outcome = world.outcomes[height - 1]
    included = Tree(leaf_hash(sha256(tx)) for tx in txs)
    results = Tree(leaf_hash(result.encode()) for result in outcome.results)
    assert results.root() == outcome.results_hash
    trees = BlockTrees(store)
    assert trees.numbers(Height(height)) == outcome.numbers
    for index in range(len(txs)):
        assert trees.included(Height(height), index) == included.prove(index)
        assert trees.accepted(Height(height), index) == results.prove(index)


def test_a_full_block_hashes_one_group_of_each_tree() -> None:
    """5,000 transactions are 78 groups of 64 and one of 8; the trees above them are of 79 roots."""
    hashes = [Hash(sha256(b"%d" % n)) for n in range(5_000)]
    groups = block_groups(hashes, [])
    assert len(groups.transactions) == 79
    assert merkle.root_of_leaf_hashes(groups.transactions) == merkle.root(hashes)
    assert BlockGroups.decode(BlockGroups(groups.transactions, groups.transactions).encode()).results == (
        groups.transactions
    )


def test_an_empty_block_has_no_groups() -> None:
    groups = block_groups([], [])
    assert (groups.encode(), BlockGroups.decode(b"")) == (b"", groups)


def test_results_follow_from_transactions_and_numbers(chain: tuple[World, MemoryStore]) -> None:
    world, _ = chain
    outcome = world.outcomes[-1]
    made = [
        accepted(tx, number, transaction_units(tx))
        for tx, number in zip(map(decode_transaction, world.store.blocks[outcome.height]), outcome.numbers, strict=True)
    ]
    assert tuple(made) == outcome.results
