"""One agency's node in the simulator: the production parts on a simulated disk; stands in for `node.runtime`.

It moves messages, timers and transactions in virtual time, and dies and boots again. What is done with a message, a
tick or an output is the production `Dispatch`, whose port this is; who judges transactions is the production `Judge`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mvchain.app import open_state
from mvchain.core import keys
from mvchain.core.errors import BadPeer, BrokenStorage, MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.keys import Purpose, SigningKey
from mvchain.core.timestamps import NS_PER_MS
from mvchain.core.types import Hash, TaggedKey, TimeNs
from mvchain.ledger.mempool import Mempool
from mvchain.ledger.validators import address_of
from mvchain.node import wire
from mvchain.node.dispatch import TICK_MS, Dispatch
from mvchain.node.guard import SignGuard, create_guard
from mvchain.node.journal import Journal
from mvchain.node.judge import Judge, Looked, Received, Refused, Verdict
from mvchain.node.memory import MemoryStore
from mvchain.node.message import Message
from mvchain.node.ports import Ports, Position
from mvchain.node.replica import Replica
from mvchain.node.signatures import Signed
from mvchain.node.snapshots import Snapshots
from mvchain.node.wal import Log
from mvchain.sim.disk import PowerCut, SimulatedDisk
from mvchain.sim.election import START_MS, key_of

if TYPE_CHECKING:
    from mvchain.sim.cluster import Cluster

GUARD: Final = Path("/node/guard")
LOG: Final = Path("/node/log")
JOURNAL: Final = Path("/node/journal")
SNAPSHOTS: Final = Path("/node/snapshots")
VERIFY_MS: Final = 2
"""How long signatures of transactions are verified at most; meanwhile other things happen (N9)."""


class PlainChecker:
    """`ports.SignatureChecker` on this thread; counts what it verified."""

    def __init__(self) -> None:
        self.count = 0

    def check(self, items: Sequence[Signed]) -> list[bool]:
        """One verdict for each item, in order."""
        self.count += len(items)
        return [keys.verify_tagged(Purpose.TRANSACTION, TaggedKey(key), text, sig) for key, text, sig in items]


class ShamelessGuard(SignGuard):
    """The guard of a faulty node, which does not mind that its key is used twice."""

    def give_up(self, what: Position) -> None:
        """Not this one."""


class Node:
    """A node, with the disk and the store that outlive it. Implements `shell.Shell`.

    Args:
        id_: what the network calls it.
        number: of its agency.
        name: what peers call it; a twin has another name and the same keys (S12).
    """

    def __init__(self, cluster: "Cluster", id_: int, number: int, name: str) -> None:
        self.cluster = cluster
        self.id = id_
        self.number = number
        self.name = name
        self.key: SigningKey = key_of(f"validator{number}")
        self.node_key = key_of(f"node{number}").public
        self.address = address_of(self.key.public)
        self.disk = SimulatedDisk()
        self.store = MemoryStore(self.disk)
        self.checker = PlainChecker()
        self.clock_skew_ms = 0
        """Of its wall clock."""
        self.vouched = False
        self.is_up = False
        self.incarnation = 0
        self.peers: set[str] = set()
        self.blamed: list[MvchainError] = []
        """Why others closed a connection to it."""
        self.halted: BrokenStorage | None = None
        """Why it stopped by itself, if it did."""
        self.acknowledged: set[Hash] = set()
        """Journaled and synced; its submitters read that they were received."""
        self.alter: Callable[[Message, Node], Sequence[Message]] | None = None
        """What a faulty node makes of a message to another one."""
        self.shameless = False
        """Whether a faulty node signs on once it has seen that its key is used twice."""
        self.hear: Callable[[Message], Message | None] | None = None
        """What a faulty node takes in of a message; None for nothing."""
        self._sent: tuple[Message | None, bytes] = (None, b"")
        self.keys: dict[Path, SigningKey] = {}
        """Its validator keys, by the file of the guard of each."""
        self.add_key(self.key)
        self.disk.crash(lambda n: n)

    @property
    def height(self) -> int:
        """Of its newest block."""
        return self.store.last_height

    def add_key(self, key: SigningKey) -> None:
        """Give it one more validator key that has signed nothing; it is there from the next start on."""
        path = GUARD if not self.keys else GUARD.with_name(f"{GUARD.name}.{len(self.keys) + 1}")
        create_guard(path, key.public, self.cluster.genesis.chain_id, self.disk)
        self.keys[path] = key

    # --- life ------------------------------------------------------------------------------------------------

    def boot(self) -> None:
        """Start on what the disk holds."""
        self.incarnation += 1
        self.is_up = True
        self.halted = None
        self.guarded(self._boot)

    def _boot(self) -> None:
        genesis = self.cluster.genesis
        state, tip = open_state(self.store, genesis)
        kind = ShamelessGuard if self.shameless else SignGuard
        guards = [kind(path, key, genesis.chain_id, self.disk) for path, key in self.keys.items()]
        self.guard = guards[0]
        if self.vouched:
            self.guard.vouch()
        self.log, self.journal = Log(LOG, self.disk), Journal(JOURNAL, self.disk)
        ports = Ports(self.store, self.log, guards, self.checker, self.now_ns)
        self.replica = Replica(genesis, state, tip, Mempool(), ports)
        self.judge_of = Judge(self.replica, self.journal, self._now_ms)
        snapshots = Snapshots(SNAPSHOTS, self.disk)
        self.dispatch = Dispatch(self.replica, self.journal, self, snapshots=snapshots, vouched=self.vouched)
        self.dispatch.restored(self._verdicts(self.dispatch.unended(), "journal", check_clock=False))
        self.dispatch.start()
        self.cluster.booted(self)
        self.call_later(1 + self.cluster.random.randrange(TICK_MS), self._tick)

    def go_down(self, pick: Callable[[int], int]) -> None:
        """The power goes; `pick` says how much of what was not synced is on the disk (`MemoryDisk.crash`)."""
        self.is_up = False
        self.incarnation += 1
        self.disk.mend()
        self.disk.crash(pick)
        self.cluster.went_down(self)

    def guarded(self, action: Callable[[], object]) -> None:
        """Act, if it is up. What ends the process ends it here; a bug ends the run (I7)."""
        if not self.is_up:
            return
        try:
            action()
        except PowerCut:
            self.cluster.crashed(self)
        except BrokenStorage as error:
            self.halted = error
            self.cluster.stopped(self)

    def now_ns(self) -> TimeNs:
        """Its wall clock."""
        return TimeNs(self._now_ms() * NS_PER_MS)

    def _now_ms(self) -> int:
        return START_MS + self.cluster.now_ms + self.clock_skew_ms

    def _tick(self) -> None:
        self.call_later(TICK_MS, self._tick)
        self.dispatch.tick()

    # --- transactions ----------------------------------------------------------------------------------------

    def submit(self, *raw: bytes) -> list[MvchainError | None]:
        """As the API does it; None for what its submitter reads was received."""
        verdicts: list[Verdict] = []

        def take() -> None:
            found = self._verdicts(raw, "client", check_clock=True)
            self.dispatch.spread([verdict.transaction for verdict in found if isinstance(verdict, Received)])
            kept, promised = self.judge_of.keep(found)
            if promised:
                self.journal.sync()
            self._acknowledge(raw, kept)
            verdicts.extend(kept)

        self.guarded(take)
        return [verdict.error if isinstance(verdict, Refused) else None for verdict in verdicts]

    def _acknowledge(self, raw: Sequence[bytes], verdicts: Sequence[Verdict]) -> None:
        for item, verdict in zip(raw, verdicts, strict=True):
            if not isinstance(verdict, Refused):
                self.acknowledged.add(sha256(item))
                self.cluster.acknowledged(self, sha256(item))

    def _verdicts(self, raw: Sequence[bytes], source: str, *, check_clock: bool) -> list[Verdict]:
        looked = self.judge_of.look(raw, check_clock=check_clock)
        return self.judge_of.admit(looked, self.checker.check(looked.messages), source)

    # --- messages --------------------------------------------------------------------------------------------

    def is_listening(self, peer: "Node") -> bool:
        """Whether it is up and has a connection to a peer."""
        return self.is_up and peer.name in self.peers

    def deliver(self, peer: "Node", message: Message) -> None:
        """A message of another node has arrived."""
        heard = message if self.hear is None else self.hear(message)
        if heard is not None:
            self.guarded(lambda: self.dispatch.received(peer.name, heard))

    def encoded(self, message: Message) -> bytes:
        """The bytes of a message; worked out once for all whom it is sent to."""
        if self._sent[0] is not message:
            self._sent = (message, wire.encode(message))
        return self._sent[1]

    # --- what dispatch asks for (`shell.Shell`) -----------------------------------------------------------

    def send(self, peer: str, message: Message) -> bool:
        """Put it on the wire; to a peer that is gone, not."""
        if peer not in self.peers:
            return False
        to = self.cluster.named(peer)
        if self.alter is None:
            self.cluster.send(self, to, message)
        else:
            for altered in self.alter(message, to):
                self.cluster.send(self, to, altered)
        return True

    def close(self, peer: str, error: BadPeer) -> None:
        """End the connection."""
        if peer in self.peers:
            self.peers.discard(peer)
            self.cluster.closed(self, self.cluster.named(peer), error)

    def call_later(self, delay_ms: int, action: Callable[[], None]) -> None:
        """Unless it has died in the meantime."""
        incarnation = self.incarnation

        def due() -> None:
            if self.incarnation == incarnation:
                self.guarded(action)

        self.cluster.after(delay_ms, due)

    def clock_ms(self) -> int:
        """Time since the start."""
        return self.cluster.now_ms

    def has_room(self, peer: str, count: int) -> bool:
        """Always: verification takes no time that would let batches pile up."""
        return True

    def judge(self, peer: str, raw: Sequence[bytes]) -> None:
        """Verify for a moment, then admit: the state may be another one by then."""
        looked = self.judge_of.look(raw, check_clock=False)
        self.call_later(self.cluster.random.randrange(VERIFY_MS), lambda: self._judged(peer, looked))

    def _judged(self, peer: str, looked: Looked) -> None:
        holds = self.checker.check(looked.messages)
        self.dispatch.judged(peer, self.judge_of.admit(looked, holds, f"peer:{peer}"))

    def ended(self, tx_hash: Hash) -> None:
        """Nobody waits."""

    def committed(self) -> None:
        """There is a new block."""
        self.cluster.committed(self)
