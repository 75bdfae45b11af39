"""The asyncio shell of a node: tasks, timers, queues of peers, and those who wait for an answer.

It contains no rules: what is done with a message, a tick or an output is in `node.dispatch`, whose port this is. A
broken disk or a bug ends `run`, and with it the process; a bad peer ends its connection.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing

from mvchain.core.errors import BadPeer, BadProof
from mvchain.core.hashing import sha256
from mvchain.core.timestamps import NS_PER_MS
from mvchain.core.types import Hash, Height, TimeNs
from mvchain.ledger.evidence import DuplicateEndorsementEvidence
from mvchain.ledger.transactions import Transaction
from mvchain.node.dispatch import TICK_MS, Dispatch
from mvchain.node.intake import Intake
from mvchain.node.judge import Refused, Verdict
from mvchain.node.message import Message
from mvchain.node.peer import Peer
from mvchain.node.ports import Journal
from mvchain.node.replica import Replica
from mvchain.node.snapshots import SnapshotMaker
from mvchain.node.transport import Transport
from mvchain.node.vitals import Vitals

RESTORE_BATCH = 100
"""Transactions of the journal taken up at once; each batch is a submitter of its own to the pool, so that its rule
of fairness refuses none of what was acknowledged."""
RESTORE_PAUSE_S = 1.0
"""How often it is tried again to take up what the pool had no room for."""
SNAPSHOT_REST = 4
"""How many times as long as it works the making of a snapshot rests: it takes a fifth of a processor."""
LOOK_EVERY_TICKS = 10
"""How often disk, clock and progress are looked at: once a second."""
_END = object()


def now_ns() -> TimeNs:
    """The wall clock, in nanoseconds since the epoch."""
    return TimeNs(time.time_ns())


def now_ms() -> int:
    """The wall clock, in milliseconds since the epoch."""
    return time.time_ns() // NS_PER_MS


def clock_ms() -> int:
    """Milliseconds of a clock that never goes back, for deadlines."""
    return time.monotonic_ns() // NS_PER_MS


class Runtime:
    """A running node: owns the tasks, and is what the API's view is made of. Implements `shell.Shell`."""

    def __init__(
        self,
        replica: Replica,
        journal: Journal,
        intake: Intake,
        *,
        maker: SnapshotMaker,
        vitals: Vitals,
        vouched: bool,
    ) -> None:
        self.replica = replica
        self.intake = intake
        self.dispatch = Dispatch(replica, journal, self, snapshots=maker.snapshots, vouched=vouched)
        self.vitals = vitals
        self._maker = maker
        self._making: asyncio.Task[None] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._transport: Transport | None = None
        self._peers: dict[str, Peer] = {}
        self._waiting: dict[Hash, list[asyncio.Future[None]]] = {}
        self._new_block = asyncio.Event()
        self._failed: asyncio.Future[None] | None = None

    # --- life ------------------------------------------------------------------------------------------------

    async def run(self, transport: Transport, on_ready: Callable[[], Awaitable[None]]) -> None:
        """Run until cancelled; `on_ready` is awaited once the node takes part.

        Raises:
            BrokenStorage: the disk failed, or this node cannot follow the chain.
        """
        failed = self._failed = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self.intake.keep_journal_synced())
                left = await self._restore_journal(self.dispatch.unended())
                tasks.create_task(self._restore_rest(left))
                self._transport = transport
                tasks.create_task(transport.run(self))
                self._guarded(self.dispatch.start)
                self._guarded(self._look)
                tasks.create_task(self._tick())
                await on_ready()
                await failed
        finally:
            failed.cancel()  # timers that come later do nothing

    async def _restore_journal(self, raw: Sequence[bytes]) -> list[bytes]:
        """Take up again what was acknowledged before the restart (N6); returns what the pool has no room for."""
        for start in range(0, len(raw), RESTORE_BATCH):
            batch = raw[start : start + RESTORE_BATCH]
            count = self.dispatch.restored(await self.intake.from_journal(batch, f"journal:{start}"))
            if count < len(batch):
                return list(raw[start + count :])
        return []

    async def _restore_rest(self, left: list[bytes]) -> None:
        while left:
            await asyncio.sleep(RESTORE_PAUSE_S)
            left = await self._restore_journal(left)

    async def _tick(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(TICK_MS / 1000)
            self._guarded(self.dispatch.tick)
            ticks += 1
            if ticks % LOOK_EVERY_TICKS == 0:
                self._guarded(self._look)

    def _look(self) -> None:
        self.vitals.look(self.dispatch.missing_agencies())
        self.dispatch.backfill.is_paused = self.vitals.refusal is not None

    def _guarded(self, act: Callable[[], object]) -> None:
        """Act; what fails is the node's end, and after it nothing is done any more."""
        if self._failed is None or self._failed.done():
            return
        try:
            act()
        except Exception as error:
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """End the node for this reason, unless it ends already."""
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    # --- transactions ----------------------------------------------------------------------------------------

    async def submit(self, raw: Sequence[bytes], source: str) -> list[Verdict]:
        """Take transactions from the public API; see `Intake.submit`."""
        refusal = self.vitals.refusal
        if refusal is not None:
            return [Refused(sha256(item), refusal) for item in raw]
        return await self.intake.submit(raw, source, self._spread)

    def _spread(self, taken: list[Transaction]) -> None:
        self._guarded(lambda: self.dispatch.spread(taken))

    async def wait_ended(self, tx_hash: Hash, timeout_s: float) -> None:
        """Return when a pending transaction is committed or rejected, or after `timeout_s`."""
        if tx_hash not in self.replica.mempool:
            return
        ended = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tx_hash, []).append(ended)
        try:
            await asyncio.wait([ended], timeout=timeout_s)
        finally:
            waiting = self._waiting.get(tx_hash, [])
            if ended in waiting:
                waiting.remove(ended)
            if not waiting:
                self._waiting.pop(tx_hash, None)

    async def wait_block(self, above: Height) -> None:
        """Return once there is a block above this height."""
        while self.replica.tip.height <= above:
            await self._new_block.wait()

    def offer_evidence(self, evidence: DuplicateEndorsementEvidence) -> None:
        """Take evidence from the public API; raises BadProof, see `Replica.offer_evidence`."""
        refused: list[BadProof] = []

        def offer() -> None:
            try:
                self.dispatch.offer_evidence(evidence)
            except BadProof as error:
                refused.append(error)

        self._guarded(offer)
        if refused:
            raise refused[0]

    # --- connections -----------------------------------------------------------------------------------------

    def on_connect(self, peer: Peer) -> None:
        """A peer is there."""
        self._peers[peer.name] = peer
        self._guarded(lambda: self.dispatch.connected(peer.name, peer.key))

    def on_disconnect(self, peer: Peer) -> None:
        """A peer is gone."""
        del self._peers[peer.name]
        self._guarded(lambda: self.dispatch.disconnected(peer.name))

    def on_message(self, peer: Peer, message: Message) -> None:
        """A peer sent a message."""
        self._guarded(lambda: self.dispatch.received(peer.name, message))

    # --- what dispatch asks for ------------------------------------------------------------------------------

    def send(self, peer: str, message: Message) -> bool:
        """See `shell.Shell`."""
        found = self._peers.get(peer)
        return found is not None and found.send(message)

    def close(self, peer: str, error: BadPeer) -> None:
        """See `shell.Shell`."""
        if peer in self._peers:
            self._peers[peer].close(error)

    def call_later(self, delay_ms: int, action: Callable[[], None]) -> None:
        """See `shell.Shell`."""
        asyncio.get_running_loop().call_later(delay_ms / 1000, self._guarded, action)

    def clock_ms(self) -> int:
        """See `shell.Shell`."""
        return clock_ms()

    def has_room(self, peer: str, count: int) -> bool:
        """See `shell.Shell`."""
        return self.intake.has_room(peer, count)

    def judge(self, peer: str, raw: Sequence[bytes]) -> None:
        """See `shell.Shell`."""
        assert self._tasks is not None
        self._tasks.create_task(self._judge(peer, raw))

    async def _judge(self, peer: str, raw: Sequence[bytes]) -> None:
        verdicts = await self.intake.from_peer(raw, peer)
        self._guarded(lambda: self.dispatch.judged(peer, verdicts))

    def ended(self, tx_hash: Hash) -> None:
        """See `shell.Shell`."""
        for waiting in self._waiting.pop(tx_hash, ()):
            if not waiting.done():
                waiting.set_result(None)

    def committed(self) -> None:
        """See `shell.Shell`."""
        if self._transport is not None:
            # Not from inside of what is done with a message, which may be one of those.
            asyncio.get_running_loop().call_soon(self._transport.drop_strangers)
        self._new_block.set()  # wakes all who wait
        self._new_block.clear()
        if self._maker.is_waiting and (self._making is None or self._making.done()):
            assert self._tasks is not None
            self._making = self._tasks.create_task(self._make_snapshots())

    async def _make_snapshots(self) -> None:
        while self._maker.is_waiting:  # another may fall due meanwhile, and no block come after it for long
            await self._make_snapshot()

    async def _make_snapshot(self) -> None:
        """In another thread, which rests most of the time: blocks are made meanwhile."""
        loop = asyncio.get_running_loop()
        with closing(self._maker.steps()) as steps:
            while True:
                started = loop.time()
                step = loop.run_in_executor(None, next, steps, _END)
                try:
                    if await asyncio.shield(step) is _END:
                        return
                finally:
                    await asyncio.wait([step])  # the store is not closed below it
                await asyncio.sleep(SNAPSHOT_REST * (loop.time() - started))
