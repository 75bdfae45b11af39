"""The way of a transaction into the node: decode, verify off the loop, judge, journal, acknowledge (N6, N9).

Two doors: `submit` for the public API, whose answers are promises, and `from_peer` for gossip. Both end in the
mempool, through the one predicate of `ledger.admission`. Asynchronous shell: the rules are in `node.judge`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from mvchain.core import codes
from mvchain.core.errors import BadRequest
from mvchain.core.hashing import sha256
from mvchain.ledger.transactions import Transaction
from mvchain.node.judge import Judge, Received, Refused, Verdict
from mvchain.node.ports import Journal
from mvchain.node.replica import Replica
from mvchain.node.signatures import SignaturePool

MAX_UNDER_WAY = 20_000
"""Transactions of the API being verified at once; beyond it the API answers 503 at once and cheaply."""
MAX_UNDER_WAY_OF_PEER = 8_192
"""The same for each peer by itself, so that none can shut out the API or the others (ATK38)."""

_API = ""
"""Stands for the API where peers are told apart by name."""


class Intake:
    """Leads transactions to the judge, some at a time."""

    def __init__(
        self,
        replica: Replica,
        signatures: SignaturePool,
        journal: Journal,
        now_ms: Callable[[], int],
    ) -> None:
        self._judge = Judge(replica, journal, now_ms)
        self._signatures = signatures
        self._journal = journal
        self._under_way: Counter[str] = Counter()
        self._flush_wanted = asyncio.Event()
        self._flushed: asyncio.Future[None] | None = None

    async def submit(
        self, raw: Sequence[bytes], source: str, taken: Callable[[list[Transaction]], None]
    ) -> list[Verdict]:
        """Judge untrusted byte strings from the API; one verdict for each, in order.

        What is `Received` is in the synced journal when this returns (N6), and so is what is `Known` and waits:
        its submitter reads that it was received, though it came from a peer first.

        Args:
            taken: called with what now waits here because of this call, before the journal is written: it is to
                spread whether or not the submitter gets its promise.
        """
        if self._under_way[_API] + len(raw) > MAX_UNDER_WAY:
            busy = BadRequest(codes.NODE_BUSY)
            return [Refused(sha256(item), busy) for item in raw]
        verdicts = await self._verdicts(raw, source, _API, check_clock=True)
        taken([verdict.transaction for verdict in verdicts if isinstance(verdict, Received)])
        verdicts, promised = self._judge.keep(verdicts)
        if promised:
            await self._journal_synced()
        return verdicts

    def has_room(self, peer: str, count: int) -> bool:
        """Whether so many more transactions of this peer may be judged now."""
        return self._under_way[peer] + count <= MAX_UNDER_WAY_OF_PEER

    async def from_peer(self, raw: Sequence[bytes], peer: str) -> list[Verdict]:
        """Judge transactions that a peer gossips; nothing is promised, so nothing is journaled."""
        return await self._verdicts(raw, f"peer:{peer}", peer, check_clock=False)

    async def from_journal(self, raw: Sequence[bytes], source: str) -> list[Verdict]:
        """Judge what was acknowledged before a restart, some at a time; it is in the journal already."""
        return await self._verdicts(raw, source, source, check_clock=False)

    async def keep_journal_synced(self) -> None:
        """Sync the journal whenever somebody waits for it; all who wait share one sync (group commit). Never ends."""
        try:
            await self._sync_for_ever()
        finally:
            if self._flushed is not None:
                self._flushed.cancel()  # whoever waits gets no answer, and does not wait for ever

    async def _sync_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._flush_wanted.wait()
            self._flush_wanted.clear()
            waiting, self._flushed = self._flushed, None
            assert waiting is not None
            syncing = loop.run_in_executor(None, self._journal.sync)
            try:
                await asyncio.shield(syncing)
            except BaseException:
                # Whoever waits gets no answer, and the shell stops. The thread is waited for, since the journal's
                # file is closed next.
                waiting.cancel()
                await asyncio.wait([syncing])
                raise
            waiting.set_result(None)

    async def _journal_synced(self) -> None:
        if self._flushed is None:
            self._flushed = asyncio.get_running_loop().create_future()
            self._flush_wanted.set()
        await asyncio.shield(self._flushed)

    async def _verdicts(self, raw: Sequence[bytes], source: str, door: str, *, check_clock: bool) -> list[Verdict]:
        self._under_way[door] += len(raw)
        try:
            looked = self._judge.look(raw, check_clock=check_clock)
            holds = await self._signatures.check_off_loop(looked.messages)
            return self._judge.admit(looked, holds, source)
        finally:
            self._under_way[door] -= len(raw)
            if not self._under_way[door]:
                del self._under_way[door]
