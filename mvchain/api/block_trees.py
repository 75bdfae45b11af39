"""Inclusion proofs in the transactions and results of a block, from the roots of its groups (ledger L10).

Hashed anew is one group of each tree, whatever the size of the block; groups of the blocks asked for last are kept,
since voters of one block ask for their receipts at about the same time.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

from mvchain.core import merkle
from mvchain.core.merkle import GROUP, leaf_hash
from mvchain.core.types import Hash, Height
from mvchain.ledger.block_groups import BlockGroups
from mvchain.ledger.logs import GroupedLog
from mvchain.ledger.results import accepted
from mvchain.ledger.transactions import decode_transaction
from mvchain.ledger.units import transaction_units
from mvchain.node.ports import BlockStore

CACHED_BLOCKS = 64
"""Group roots of a full block take about 10 kB."""
CACHED_GROUPS = 256
"""Leaf hashes of a group take about 12 kB."""


class BlockTrees:
    """The two trees of every block in the store. Blocks never change, so nothing that is kept grows old."""

    def __init__(self, store: BlockStore) -> None:
        self._store = store
        self._block = lru_cache(maxsize=CACHED_BLOCKS)(self._read_block)
        self._leaves = lru_cache(maxsize=CACHED_GROUPS)(self._read_leaves)

    def included(self, height: Height, index: int) -> merkle.Proof:
        """Of the hash of transaction `index`, under the data hash of the block's header (C62, C64)."""
        groups, numbers = self._block(height)
        return _log(groups.transactions, len(numbers), lambda group: self._leaves(height, group)[0]).inclusion(index)

    def accepted(self, height: Height, index: int) -> merkle.Proof:
        """Of the result of transaction `index`, under the results hash of the next header (C70)."""
        groups, numbers = self._block(height)
        return _log(groups.results, len(numbers), lambda group: self._leaves(height, group)[1]).inclusion(index)

    def numbers(self, height: Height) -> tuple[int, ...]:
        """What the results of a block in the store say beside its transactions (`ledger.results`)."""
        return self._block(height)[1]

    def _read_block(self, height: Height) -> tuple[BlockGroups, tuple[int, ...]]:
        found = self._store.groups(height)
        assert found is not None, height
        return BlockGroups.decode(found[0]), found[1]

    def _read_leaves(self, height: Height, group: int) -> tuple[Sequence[Hash], Sequence[Hash]]:
        """Leaf hashes of a group: of the transactions, and of their results."""
        start, stop = group * GROUP, (group + 1) * GROUP
        transactions = [decode_transaction(raw) for raw in self._store.transactions(height, start, stop)]
        results = (
            accepted(tx, number, transaction_units(tx))
            for tx, number in zip(transactions, self.numbers(height)[start:stop], strict=True)
        )
        return [leaf_hash(tx.hash) for tx in transactions], [leaf_hash(result.encode()) for result in results]


def _log(roots: Sequence[Hash], size: int, leaves: Callable[[int], Sequence[Hash]]) -> GroupedLog:
    def nodes(level: int, start: int, stop: int) -> Sequence[Hash]:
        if level == merkle.GROUP_LEVELS:
            return roots[start:stop]
        # A block has one level of groups; the higher ones are made of it.
        span = 1 << level - merkle.GROUP_LEVELS
        return [merkle.root_of_leaf_hashes(roots[at * span : (at + 1) * span]) for at in range(start, stop)]

    return GroupedLog(size, nodes, leaves)
