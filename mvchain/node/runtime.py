"""The asyncio shell of a node: moves messages, timers and requests between the replica and the world.

It contains no rules. What peers send goes to the replica, the mempool's intake or the catch-up; what the replica
hands out goes to peers and timers. A broken disk or a bug ends `run`, and with it the process; a bad peer ends its
connection.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from mvchain.core import codes
from mvchain.core.errors import BadPeer, BadProof, BadTransaction, MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.timestamps import NS_PER_MS
from mvchain.core.types import Hash, Height, PublicKey, TimeNs
from mvchain.ledger.transactions import Transaction
from mvchain.node.answers import Answers
from mvchain.node.catchup import CatchUp
from mvchain.node.gossip import TxGossip
from mvchain.node.intake import Intake, Known, Received, Refused, Verdict
from mvchain.node.outputs import Broadcast, Committed, FetchTransactions, Output, StartTimer
from mvchain.node.peer import Peer
from mvchain.node.ports import Journal
from mvchain.node.rejoin import Rejoin
from mvchain.node.replica import Replica
from mvchain.node.store import Store
from mvchain.node.transport import Transport
from mvchain.node.wire import (
    AskOwn,
    BlockResponse,
    CompactProposal,
    Endorsements,
    GetBlocks,
    HaveTransactions,
    Message,
    NoBlock,
    OwnMessages,
    Status,
    Transactions,
    WantTransactions,
)

logger = logging.getLogger(__name__)

TICK_S = 0.1
"""How often gossip retries, the catch-up and the clock are looked at; the happy path waits for none of them."""
STATUS_EVERY_TICKS = 20
"""A status goes out on every change, and this often without one, so that a lost one heals."""
RESTORE_BATCH = 100
"""Transactions of the journal taken up at once; each batch is a submitter of its own to the pool, so that its rule
of fairness refuses none of what was acknowledged."""
RESTORE_PAUSE_S = 1.0
"""How often it is tried again to take up what the pool had no room for."""
MAX_REMEMBERED_REJECTIONS = 100_000
ANSWERS_PER_S = 150
"""What a peer may ask for: an honest one shows at most 20 statuses a second, and fetches 80 blocks while it is behind.
Small questions with long answers would else let one agency keep the others busy (I7)."""
ANSWERS_AT_ONCE = 300
OWN_MESSAGES_COST = 10
"""Reading the last commits for `AskOwn` takes about as long as this many statuses."""
ANNOUNCE_S = 0.005
"""How long announcements wait for company (N8)."""


def now_ns() -> TimeNs:
    """The wall clock, in nanoseconds since the epoch."""
    return TimeNs(time.time_ns())


def now_ms() -> int:
    """The wall clock, in milliseconds since the epoch."""
    return time.time_ns() // NS_PER_MS


def clock_ms() -> int:
    """Milliseconds of a clock that never goes back, for deadlines."""
    return time.monotonic_ns() // NS_PER_MS


class Allowance:
    """How much one peer may still ask for; fills up again with time. What is beyond it is not answered, nor blamed."""

    def __init__(self, moment_ms: int) -> None:
        self._left = float(ANSWERS_AT_ONCE)
        self._moment_ms = moment_ms

    def take(self, cost: int, moment_ms: int) -> bool:
        """Use up `cost`, if so much is left."""
        self._left = min(self._left + (moment_ms - self._moment_ms) * ANSWERS_PER_S / 1000, ANSWERS_AT_ONCE)
        self._moment_ms = moment_ms
        if self._left < cost:
            return False
        self._left -= cost
        return True


class Runtime:
    """A running node: owns the tasks, and is what the API's view is made of."""

    def __init__(
        self,
        replica: Replica,
        store: Store,
        journal: Journal,
        intake: Intake,
        rejoin: Rejoin | None,
        *,
        vouched: bool,
    ) -> None:
        self.replica = replica
        self.store = store
        self.intake = intake
        self._rejections: OrderedDict[Hash, MvchainError] = OrderedDict()
        self.answers = Answers(replica)
        self.catch_up = CatchUp()
        self._journal = journal
        self._rejoin = rejoin
        self._vouched = vouched
        self._gossip = TxGossip(self._send_to, self._transaction_bytes)
        self._flush_timer: asyncio.TimerHandle | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._peers: dict[str, Peer] = {}
        self._allowances: dict[str, Allowance] = {}
        self._waiting: dict[Hash, list[asyncio.Future[None]]] = {}
        self._new_block = asyncio.Event()
        self._status_sent: bytes = b""
        self._status_timer: asyncio.TimerHandle | None = None
        self._ticks = 0
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
                left = await self._restore_journal(self._unended())
                tasks.create_task(self._restore_rest(left))
                tasks.create_task(transport.run(self))
                if self._rejoin is None:
                    self._start(Height(0), may_sign=False)
                else:
                    self._conclude_rejoin()
                tasks.create_task(self._tick())
                await on_ready()
                await failed
        finally:
            failed.cancel()  # timers that come later do nothing

    def _unended(self) -> list[bytes]:
        """What the journal holds and no block does; the journal need not keep the rest."""
        journaled = [(sha256(raw), raw) for raw in self._journal.replay()]
        committed = {tx_hash for tx_hash, _ in journaled if self.store.tx_location(tx_hash) is not None}
        self._journal.ended(committed)
        return [raw for tx_hash, raw in journaled if tx_hash not in committed]

    async def _restore_journal(self, raw: Sequence[bytes]) -> list[bytes]:
        """Take up again what was acknowledged before the restart (N6).

        Returns what the pool has no room for, and all behind it: that may build on it, and is not judged without it.
        """
        for start in range(0, len(raw), RESTORE_BATCH):
            batch = raw[start : start + RESTORE_BATCH]
            verdicts = await self.intake.from_journal(batch, f"journal:{start}")
            self._gossip.add_own(verdict.transaction.hash for verdict in verdicts if isinstance(verdict, Received))
            for i, verdict in enumerate(verdicts):
                if isinstance(verdict, Refused):
                    if verdict.error.cause is codes.POOL_FULL:
                        return list(raw[start + i :])
                    self._reject(verdict.tx_hash, verdict.error)
        return []

    async def _restore_rest(self, left: list[bytes]) -> None:
        while left:
            await asyncio.sleep(RESTORE_PAUSE_S)
            left = await self._restore_journal(left)

    def _start(self, silent_until: Height, *, may_sign: bool) -> None:
        self._guarded(lambda: self.replica.start(may_sign=may_sign, silent_until=silent_until))

    def _conclude_rejoin(self) -> None:
        assert self._rejoin is not None
        verdict = self._rejoin.verdict(self.replica.machine.height)
        if verdict is None:
            return  # peers that connect are asked (N4)
        if verdict.silent_until and not self._vouched:
            logger.warning(
                "the sign guard is missing or older than %s; this validator signs nothing up to height %d. "
                "If no other copy of its key has signed, start it with --vouch-no-other-copy-signed.",
                verdict.beyond,
                verdict.silent_until,
            )
        self._rejoin = None
        self._start(Height(0) if self._vouched else verdict.silent_until, may_sign=True)

    def signing(self) -> tuple[bool, str]:
        """Whether this node signs, and why not."""
        if self._rejoin is not None:
            return False, "asks the other agencies for its own earlier messages"
        return self.replica.signing()

    def connected_keys(self) -> set[PublicKey]:
        """Node keys of the connected peers."""
        return {peer.key for peer in self._peers.values()}

    def missing_agencies(self) -> list[str]:
        """Names of agencies whose nodes are not connected."""
        connected = self.connected_keys()
        return [
            agency.name_en
            for agency in self.replica.state.agencies
            if agency.node_key not in connected and not self.replica.is_own(agency)
        ]

    # --- the replica's outputs -------------------------------------------------------------------------------

    def _guarded(self, act: Callable[[], object], peer: Peer | None = None) -> None:
        """Act, and carry out what the replica hands back. A fault of the peer costs the peer, any other the node."""
        if self._failed is None or self._failed.done():
            return
        try:
            try:
                act()
            except (BadPeer, BadProof, BadTransaction) as error:
                if peer is None:
                    raise
                peer.close(BadPeer(error.cause, **error.data))
            for output in self.replica.take_outputs():
                self._carry_out(output)
        except Exception as error:
            self._failed.set_exception(error)
        self._status_soon()

    def _carry_out(self, output: Output) -> None:
        match output:
            case Broadcast(message):
                self._broadcast(message)
            case StartTimer():
                self._start_timer(output)
            case FetchTransactions(source, hashes):
                self._gossip.want(source, hashes, clock_ms())
            case Committed():
                self._after_commit(output)

    def _broadcast(self, message: Message) -> None:
        for peer in self._peers.values():
            peer.send(message)

    def _start_timer(self, timer: StartTimer) -> None:
        asyncio.get_running_loop().call_later(
            timer.delay_ms / 1000,
            lambda: self._guarded(lambda: self.replica.timer_fired(timer.kind, timer.height, timer.round)),
        )

    def _after_commit(self, committed: Committed) -> None:
        self._gossip.finished(committed.tx_hashes)
        self._journal.ended(committed.tx_hashes)
        for tx_hash in committed.tx_hashes:
            self._wake(tx_hash)
        for tx_hash, error in committed.rejected:
            self._reject(tx_hash, error)
        self._new_block.set()  # wakes all who wait
        self._new_block.clear()

    def _reject(self, tx_hash: Hash, error: MvchainError) -> None:
        """A transaction that was received has ended without being committed; its submitter can see why (N6)."""
        self._gossip.forget([tx_hash])
        self._journal.ended([tx_hash])
        self._rejections[tx_hash] = error
        self.store.put_rejection(tx_hash, error.code)
        if len(self._rejections) > MAX_REMEMBERED_REJECTIONS:
            self._rejections.popitem(last=False)
        self._wake(tx_hash)

    # --- transactions ----------------------------------------------------------------------------------------

    async def submit(self, raw: Sequence[bytes], source: str) -> list[Verdict]:
        """Take transactions from the public API; see `Intake.submit`."""
        return await self.intake.submit(raw, source, self._spread)

    def _spread(self, taken: list[Transaction]) -> None:
        for transaction in taken:
            self._rejections.pop(transaction.hash, None)
        self._gossip.add_own(transaction.hash for transaction in taken)
        self._guarded(self._gossip.flush)
        self._guarded(lambda: self.replica.transactions_arrived(taken))

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

    def rejection(self, tx_hash: Hash) -> MvchainError | None:
        """Why a received transaction ended without a block, as far as this node remembers."""
        error = self._rejections.get(tx_hash)
        if error is not None:
            return error
        code = self.store.get_rejection(tx_hash)
        return None if code is None else BadTransaction(replace(codes.REJECTED_EARLIER, code=code))

    def _wake(self, tx_hash: Hash) -> None:
        for waiting in self._waiting.pop(tx_hash, ()):
            if not waiting.done():
                waiting.set_result(None)

    def _take_batch(self, peer: Peer, raw: tuple[bytes, ...]) -> None:
        assert self._tasks is not None
        if not self.intake.has_room(peer.name, len(raw)):
            return  # what is needed of it is asked for again
        new = self._gossip.arrived(peer.name, raw)
        if new:
            self._tasks.create_task(self._judge_batch(peer.name, new))

    async def _judge_batch(self, peer: str, raw: Sequence[bytes]) -> None:
        verdicts = await self.intake.from_peer(raw, peer)
        received = [verdict.transaction for verdict in verdicts if isinstance(verdict, Received)]
        refused = [verdict for verdict in verdicts if isinstance(verdict, Refused)]
        known = [verdict.tx_hash for verdict in verdicts if isinstance(verdict, Known)]
        self._gossip.admitted(transaction.hash for transaction in received)
        self._gossip.forget(verdict.tx_hash for verdict in refused)
        self._gossip.admitted(tx_hash for tx_hash in known if tx_hash in self.replica.mempool)
        self._gossip.forget(tx_hash for tx_hash in known if tx_hash not in self.replica.mempool)  # committed long ago
        self._flush_soon()
        for_blocks = [verdict.transaction for verdict in refused if verdict.transaction is not None]
        self._guarded(lambda: self.replica.transactions_arrived(received + for_blocks))

    def _flush_soon(self) -> None:
        """Announcements of a few milliseconds go together (N8)."""
        if self._flush_timer is None:
            self._flush_timer = asyncio.get_running_loop().call_later(ANNOUNCE_S, self._flush)

    def _flush(self) -> None:
        self._flush_timer = None
        self._guarded(self._gossip.flush)

    def _transaction_bytes(self, tx_hash: Hash) -> bytes | None:
        transaction = self.answers.transaction(tx_hash)
        if transaction is not None:
            return transaction.raw
        place = self.store.tx_location(tx_hash)
        return None if place is None else self.store.transaction_at(*place)

    def _send_to(self, name: str, message: Message) -> bool:
        peer = self._peers.get(name)
        return peer is not None and peer.send(message)

    # --- peers -----------------------------------------------------------------------------------------------

    def on_connect(self, peer: Peer) -> None:
        """Greet a new peer."""
        self._peers[peer.name] = peer
        self._allowances[peer.name] = Allowance(clock_ms())
        self._gossip.connected(peer.name)
        peer.send(self.answers.status())
        self._gossip.want(peer.name, self.replica.blocks.lacking(), clock_ms())
        if self._rejoin is not None:
            peer.send(AskOwn(self._rejoin.me))

    def on_disconnect(self, peer: Peer) -> None:
        """Forget a peer; what was asked of it is asked of others."""
        del self._peers[peer.name], self._allowances[peer.name]
        self._gossip.disconnected(peer.name)
        self.catch_up.peer_gone(peer.name)

    def on_message(self, peer: Peer, message: Message) -> None:
        """Dispatch one message of a peer."""
        self._guarded(lambda: self._dispatch(peer, message), peer)

    def _dispatch(self, peer: Peer, message: Message) -> None:
        match message:
            case Status():
                self.catch_up.peer_status(peer.name, message.height, message.base_height)
                if self._may_ask(peer, 1):
                    for answer in self.answers.missing_for(message):
                        peer.send(answer)
            case CompactProposal():
                self.replica.receive_proposal(peer.name, message)
            case Endorsements(items):
                self.replica.receive_endorsements(items)
            case Transactions(items):
                self._take_batch(peer, items)
            case HaveTransactions(hashes):
                self._gossip.have(peer.name, hashes, clock_ms())
            case WantTransactions(hashes):
                self._gossip.wanted(peer.name, hashes)
            case GetBlocks(height, count) if self._may_ask(peer, count):
                self._serve_blocks(peer, height, count)
            case BlockResponse(height, block, commit):
                if self.catch_up.arrived(peer.name, height, block, commit):
                    self._apply_fetched()
            case NoBlock(height):
                self.catch_up.refused(peer.name, height, clock_ms())
            case AskOwn(address) if self._may_ask(peer, OWN_MESSAGES_COST):
                peer.send(self.answers.own_messages(address))
            case OwnMessages(proposals, endorsements):
                self._learn_own(peer, proposals, endorsements)
            case _:
                pass  # evidence is kept by nobody yet; and what asks for too much

    def _may_ask(self, peer: Peer, cost: int) -> bool:
        return self._allowances[peer.name].take(cost, clock_ms())

    def _learn_own(self, peer: Peer, proposals: Sequence[bytes], endorsements: Sequence[bytes]) -> None:
        address = self.answers.validator_of_node(peer.key)
        if self._rejoin is not None and address is not None:
            self._rejoin.answer(address, proposals, endorsements)
            self._conclude_rejoin()

    # --- blocks for and from peers ---------------------------------------------------------------------------

    def _serve_blocks(self, peer: Peer, height: int, count: int) -> None:
        for wanted in range(height, height + count):
            found = self.answers.block(Height(wanted))
            if found is None:
                peer.send(NoBlock(Height(wanted)))
            elif not peer.send(BlockResponse(Height(wanted), *found)):
                return  # its queue is full: it asks again

    def _apply_fetched(self) -> None:
        while (fetched := self.catch_up.take(self.replica.machine.height)) is not None:
            try:
                self.replica.receive_block(self.replica.machine.height, fetched.block, fetched.commit)
            except (BadProof, BadTransaction) as error:
                logger.warning("peer %s sent a wrong block: %s", fetched.peer, error)
                self.catch_up.wrong(fetched.peer, clock_ms())
                if fetched.peer in self._peers:
                    self._peers[fetched.peer].close(BadPeer(error.cause, **error.data))
                return

    # --- time ------------------------------------------------------------------------------------------------

    def _status_soon(self) -> None:
        """Tell peers of a change, but not of every single one."""
        if self._status_timer is None:
            self._status_timer = asyncio.get_running_loop().call_later(0.05, self._send_status, False)

    def _send_status(self, always: bool) -> None:
        if not always:
            self._status_timer = None
        status = self.answers.status()
        encoded = status.body()
        if always or encoded != self._status_sent:
            self._status_sent = encoded
            self._broadcast(status)

    def _catch_up_and_work(self) -> None:
        self._apply_fetched()  # blocks that came before the one below them was decided here
        self.replica.work_arrived()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._ticks += 1
            moment_ms = clock_ms()
            self._guarded(self._catch_up_and_work)
            requests = self.catch_up.requests(self.replica.machine.height, moment_ms)
            for name, height in requests:
                self._send_to(name, GetBlocks(Height(height), 1))
            self._gossip.tick(moment_ms)
            if self._ticks % STATUS_EVERY_TICKS == 0:
                self._send_status(True)
                if self._rejoin is not None:
                    self._broadcast(AskOwn(self._rejoin.me))
