"""Headers and commits of the blocks that a node holds, those that were asked for last kept decoded.

What blocks carry never changes, and everybody who watches a chain asks for the same ones.
"""

from functools import lru_cache

from mvchain.core.types import Height
from mvchain.ledger.blocks import Commit, Header
from mvchain.node.ports import BlockStore

CACHED_HEADERS = 1_024
CACHED_COMMITS = 256
"""A header takes 2 kB, a commit of 40 validators 20 kB."""


class StoredBlocks:
    """Every height asked for is that of a block in the store, from its base height to its last."""

    def __init__(self, store: BlockStore) -> None:
        self._store = store
        self.header = lru_cache(maxsize=CACHED_HEADERS)(self._read_header)
        self._carried = lru_cache(maxsize=CACHED_COMMITS)(self._read_carried)

    def commit(self, height: Height) -> tuple[Commit, bool]:
        """The precommits for a block, and whether they are those that the next block carries, the same on all nodes.

        For the newest block they are those that this node saw; a moment later they may be others (C119).
        """
        if height < self._store.last_height:
            return self._carried(height), True
        seen = self._store.commit(height)
        assert seen is not None, height
        return Commit.decode(seen), False

    def _read_header(self, height: Height) -> Header:
        encoded = self._store.header(height)
        assert encoded is not None, height
        return Header.decode(encoded)

    def _read_carried(self, height: Height) -> Commit:
        encoded = self._store.last_commit(Height(height + 1))
        assert encoded is not None, height
        return Commit.decode(encoded)
