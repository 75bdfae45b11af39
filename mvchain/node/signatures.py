"""Verifying the signatures of transactions: on threads, and each only once.

libsodium releases the interpreter lock, so two threads give twice the rate of one.
"""

import asyncio
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from mvchain.core import codes
from mvchain.core.errors import BadTransaction
from mvchain.core.keys import Purpose, verify_tagged
from mvchain.core.types import Hash, TaggedKey
from mvchain.ledger.admission import context_of
from mvchain.ledger.state import State
from mvchain.ledger.transactions import Transaction, sign_bytes
from mvchain.node.ports import SignatureChecker

Signed = tuple[bytes, bytes, bytes]
"""Tagged key, message without its tag, signature."""

CHUNK = 64
"""Signatures one thread verifies before it looks for more; about 4 ms of work."""


def _check_chunk(chunk: Sequence[Signed]) -> list[bool]:
    return [verify_tagged(Purpose.TRANSACTION, TaggedKey(key), message, signature) for key, message, signature in chunk]


class SignaturePool:
    """Verifies transaction signatures, each with the one rule of `core.keys` (security ED01, ED08)."""

    def __init__(self, threads: int | None = None) -> None:
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="verify")

    def check(self, items: Sequence[Signed]) -> list[bool]:
        """One verdict for each item, in order; waits for all of them."""
        if len(items) <= CHUNK:
            return _check_chunk(items)
        chunks = [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]
        return [verdict for verdicts in self._pool.map(_check_chunk, chunks) for verdict in verdicts]

    async def check_off_loop(self, items: Sequence[Signed]) -> list[bool]:
        """The same without holding up the event loop."""
        loop = asyncio.get_running_loop()
        chunks = [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]
        parts = await asyncio.gather(*(loop.run_in_executor(self._pool, _check_chunk, chunk) for chunk in chunks))
        return [verdict for verdicts in parts for verdict in verdicts]

    def close(self) -> None:
        """Wait for the threads to end."""
        self._pool.shutdown()


class CheckedSignatures:
    """What was verified at admission is not verified again in a block (N3).

    The verdict is remembered by transaction hash and context, never by hash alone, and only for what waits in the
    pool, which bounds it: a faulty proposer's transactions leave nothing here.
    """

    def __init__(self, checker: SignatureChecker) -> None:
        self._checker = checker
        self._contexts: dict[Hash, Hash] = {}

    def __len__(self) -> int:
        return len(self._contexts)

    def remember(self, tx_hash: Hash, context: Hash) -> None:
        """The signature of this transaction, which the pool has just taken, holds under this context."""
        self._contexts[tx_hash] = context

    def forget(self, tx_hashes: Iterable[Hash]) -> None:
        """These have left the pool."""
        for tx_hash in tx_hashes:
            self._contexts.pop(tx_hash, None)

    def check(self, state: State, transactions: Iterable[Transaction]) -> None:
        """Verify what is not known to hold under the context that `state` gives it.

        Raises:
            BadTransaction: a signature does not hold, or a ballot is for no poll.
        """
        unknown = [
            (transaction, context)
            for transaction in transactions
            if self._contexts.get(transaction.hash) != (context := context_of(state, transaction))
        ]
        messages = [
            (tx.signer, sign_bytes(state.genesis_hash, context, tx.payload_bytes), tx.signature)
            for tx, context in unknown
        ]
        for (transaction, _), holds in zip(unknown, self._checker.check(messages), strict=True):
            if not holds:
                raise BadTransaction(codes.BAD_SIGNATURE, tx=transaction.hash.hex())
