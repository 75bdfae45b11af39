"""Ed25519 verification on threads: libsodium releases the interpreter lock, so two threads give twice the rate."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from mvchain.core.keys import Purpose, verify_tagged
from mvchain.core.types import TaggedKey

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
