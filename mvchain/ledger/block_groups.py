"""The two trees over a block's transactions and results, as their groups are stored for proofs (L10, C62, C70).

A block can have 5,000 of each. The roots of their groups of 64 (`merkle.GROUP`) come for nothing while the hashes of
the block are computed; with them a proof hashes one group anew and not the block.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from mvchain.core.merkle import GROUP, leaf_hash, root_of_leaf_hashes
from mvchain.core.types import Hash
from mvchain.ledger.blocks import TxResult

_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class BlockGroups:
    """Roots of the groups, in order; the last group of each tree may be shorter. None for an empty block."""

    transactions: tuple[Hash, ...]
    results: tuple[Hash, ...]

    def encode(self) -> bytes:
        """One root after the other: those over transactions, then as many over results."""
        return b"".join((*self.transactions, *self.results))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The reverse of `encode`."""
        roots = tuple(Hash(data[at : at + _HASH_BYTES]) for at in range(0, len(data), _HASH_BYTES))
        half = len(roots) // 2
        return cls(roots[:half], roots[half:])


def block_groups(tx_hashes: Sequence[Hash], results: Sequence[TxResult]) -> BlockGroups:
    """Of a block with these transactions and their results."""
    return BlockGroups(
        _group_roots([leaf_hash(tx_hash) for tx_hash in tx_hashes]),
        _group_roots([leaf_hash(result.encode()) for result in results]),
    )


def _group_roots(leaves: Sequence[Hash]) -> tuple[Hash, ...]:
    return tuple(root_of_leaf_hashes(leaves[at : at + GROUP]) for at in range(0, len(leaves), GROUP))
