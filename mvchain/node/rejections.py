"""Why received transactions ended without a block: the newest ones, in memory and in the store alike (N6, I7)."""

from collections import OrderedDict
from dataclasses import replace

from mvchain.core import codes
from mvchain.core.errors import BadTransaction, MvchainError
from mvchain.core.limits import MAX_REMEMBERED_REJECTIONS
from mvchain.core.types import Hash
from mvchain.node.ports import BlockStore


class Rejections:
    """Begins with what the store holds, of which it knows the codes alone."""

    def __init__(self, store: BlockStore) -> None:
        self._store = store
        self._errors: OrderedDict[Hash, MvchainError] = OrderedDict(
            (tx_hash, BadTransaction(replace(codes.REJECTED_EARLIER, code=code)))
            for tx_hash, code in store.rejections()
        )
        self._drop_oldest()

    def __len__(self) -> int:
        return len(self._errors)

    def get(self, tx_hash: Hash) -> MvchainError | None:
        """Why, as far as this node remembers. It binds nothing: the same bytes may wait again (N6)."""
        return self._errors.get(tx_hash)

    def add(self, tx_hash: Hash, error: MvchainError) -> None:
        """Remember one; beyond the bound the oldest is forgotten."""
        self._errors[tx_hash] = error
        self._store.put_rejection(tx_hash, error.code)
        self._drop_oldest()

    def forget(self, tx_hash: Hash) -> None:
        """It was received anew."""
        if self._errors.pop(tx_hash, None) is not None:
            self._store.drop_rejection(tx_hash)

    def _drop_oldest(self) -> None:
        while len(self._errors) > MAX_REMEMBERED_REJECTIONS:
            self._store.drop_rejection(self._errors.popitem(last=False)[0])
