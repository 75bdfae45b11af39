"""Nodes, network and time of one simulated run, and those who watch it."""

from collections import deque
from collections.abc import Callable, Iterable
from hashlib import blake2b
from random import Random
from typing import Protocol

from mvchain.core.errors import BadPeer
from mvchain.core.types import Hash, Height, Round
from mvchain.ledger.genesis import ConsensusParams
from mvchain.node import wire
from mvchain.node.message import Message
from mvchain.sim.clock import Clock
from mvchain.sim.election import DEFAULT_PARAMS, make_genesis
from mvchain.sim.network import Network
from mvchain.sim.node import Node

RECONNECT_MS = 300
"""After a closed connection."""


REMEMBERED = 64
REMEMBERED_SHARE = 0.2
"""So many messages of the past, and this share of all, may arrive once more much later (S20)."""
TWIN = 1_000
"""What the id of a twin is above its number."""


class Watcher(Protocol):
    """Sees all that happens; raises `Violation` for what must not."""

    def on_send(self, node: Node, data: bytes) -> None:
        """A node puts a message on the wire; once for all whom it is sent to in a row."""

    def on_arrive(self, node: Node, data: bytes) -> None:
        """A message is about to be taken by a node."""

    def on_commit(self, node: Node) -> None:
        """A node has a new block."""

    def on_acknowledged(self, node: Node, tx_hash: Hash) -> None:
        """A submitter reads that its transaction was received."""


class Cluster:
    """n nodes, and twins of some; `run` lets time pass.

    Args:
        seed: decides everything.
        trace: called with each line of what happens, for people.
    """

    def __init__(
        self,
        n: int,
        *,
        seed: int = 0,
        params: ConsensusParams = DEFAULT_PARAMS,
        trace: Callable[[str], None] | None = None,
    ) -> None:
        self.random = Random(seed)
        self.genesis = make_genesis(n, params)
        self.clock = Clock()
        self.after = self.clock.after
        self.network = Network(self.random)
        self.watchers: list[Watcher] = []
        self.restart_ms = 300
        self.pick: Callable[[int], int] = lambda n: 0
        """What a crash leaves of what was not synced."""
        self.operator: Callable[[Node], None] = lambda node: None
        """What is done to a node that ended by itself, before it starts again."""
        self.crashes = 0
        self.messages = 0
        self._old: deque[tuple[Node, Node, bytes, Message | BadPeer]] = deque(maxlen=REMEMBERED)
        self._digest = blake2b(digest_size=16)
        self._trace = trace
        self._last: tuple[bytes, Message | BadPeer] = (b"", wire.Ping())
        self.nodes = [Node(self, number, number, str(number)) for number in range(1, n + 1)]
        self._named = {node.name: node for node in self.nodes}

    @property
    def now_ms(self) -> int:
        """Time since the start."""
        return self.clock.now_ms

    @property
    def digest(self) -> str:
        """Of all that happened so far: the same seed gives the same (SIM1)."""
        return self._digest.hexdigest()

    def boot(self, *but: int) -> "Cluster":
        """Start all nodes, but not these."""
        for node in self.everybody:
            if node.number not in but:
                node.boot()
        return self

    @property
    def everybody(self) -> Iterable[Node]:
        """The nodes and their twins."""
        return self._named.values()

    def add_twin(self, number: int) -> Node:
        """A second instance with the same keys and a disk of its own (S12)."""
        twin = Node(self, TWIN + number, number, f"{number} twin")
        self._named[twin.name] = twin
        return twin

    def node(self, number: int) -> Node:
        """By its number, from 1."""
        return self.nodes[number - 1]

    def named(self, name: str) -> Node:
        """By its name, twins included."""
        return self._named[name]

    def by_address(self, address: bytes) -> Node:
        """The node of a validator."""
        return next(node for node in self.nodes if node.address == address)

    def proposer(self, height: int, round_: int = 0) -> Node:
        """Whose turn it is."""
        return self.by_address(self.genesis.validators().proposer(Height(height), Round(round_)).address)

    # --- connections -----------------------------------------------------------------------------------------

    def booted(self, node: Node) -> None:
        """A node has started: it connects to all that are up."""
        self.note(f"{node.name} is up at height {node.height}")
        for other in self.everybody:
            if other is not node:
                self._connect(node, other)

    def _connect(self, a: Node, b: Node) -> None:
        if not (a.is_up and b.is_up) or b.name in a.peers or a.name in b.peers:
            return
        a.peers.add(b.name)
        b.peers.add(a.name)
        a.guarded(lambda: a.dispatch.connected(b.name, b.node_key))
        b.guarded(lambda: b.dispatch.connected(a.name, a.node_key))

    def closed(self, node: Node, peer: Node, error: BadPeer) -> None:
        """A node has closed the connection to a peer for this reason; it may come back."""
        self.note(f"{node.name} drops {peer.name}: {error}")
        peer.blamed.append(error)
        incarnation = node.incarnation
        self.after(0, lambda: self._end(node, peer) if node.incarnation == incarnation else None)
        self.after(RECONNECT_MS, lambda: self._connect(node, peer))

    def _end(self, node: Node, peer: Node) -> None:
        node.guarded(lambda: node.dispatch.disconnected(peer.name))
        self._hang_up(peer, node)

    def _hang_up(self, node: Node, peer: Node) -> None:
        """A node finds that a peer is gone."""
        if peer.name in node.peers:
            node.peers.discard(peer.name)
            node.guarded(lambda: node.dispatch.disconnected(peer.name))

    def went_down(self, node: Node) -> None:
        """A node is gone."""
        node.peers.clear()
        for other in self.everybody:
            if other is not node and other.is_up:
                self._hang_up(other, node)

    def crashed(self, node: Node) -> None:
        """The power of a node went; it comes back."""
        self.crashes += 1
        self.note(f"the power of {node.name} goes")
        node.go_down(self.pick)
        self._boot_later(node)

    def stopped(self, node: Node) -> None:
        """A node ended by itself, its disk being broken; its operator starts it again."""
        self.note(f"{node.name} stops: {node.halted}")
        node.go_down(self.pick)
        self.operator(node)
        self._boot_later(node)

    def _boot_later(self, node: Node) -> None:
        incarnation = node.incarnation
        self.after(self.restart_ms, lambda: node.boot() if node.incarnation == incarnation else None)

    # --- messages --------------------------------------------------------------------------------------------

    def send(self, source: Node, to: Node, message: Message) -> None:
        """Put a message on the wire."""
        data = source.encoded(message)
        decoded = self._decoded(source, data)
        for delay_ms in self.network.delays_ms(source.id, to.id):
            self.after(delay_ms, lambda: self._arrive(source, to, data, decoded))
        if self.network.replays:
            self._replay(source, to, data, decoded)

    def _replay(self, source: Node, to: Node, data: bytes, message: Message | BadPeer) -> None:
        """Remember some messages, and let an old one arrive once more (S20)."""
        random = self.random.random()
        if random < self.network.replays and self._old:
            old = self._old[0]
            self.after(self.network.delay_ms, lambda: self._arrive(*old))
        if random > 1 - REMEMBERED_SHARE:
            self._old.append((source, to, data, message))

    def _decoded(self, source: Node, data: bytes) -> Message | BadPeer:
        """What the receivers read; worked out, and shown to the watchers, once for all of them."""
        if self._last[0] is not data:
            for watcher in self.watchers:
                watcher.on_send(source, data)
            try:
                self._last = (data, wire.decode(data))
            except BadPeer as error:
                self._last = (data, error)
        return self._last[1]

    def _arrive(self, source: Node, to: Node, data: bytes, message: Message | BadPeer) -> None:
        self.messages += 1
        self._digest.update(b"%d %d %d " % (self.now_ms, source.id, to.id))
        self._digest.update(data)
        if isinstance(message, BadPeer):
            to.close(source.name, message)
            return
        if self._trace is not None:
            self._trace(f"{self.now_ms:>7} {source.name} > {to.name} {message.WHAT}")
        if to.is_listening(source):
            for watcher in self.watchers:
                watcher.on_arrive(to, data)
            to.deliver(source, message)

    # --- what happens ----------------------------------------------------------------------------------------

    def committed(self, node: Node) -> None:
        """A node has a new block."""
        self.note(f"{node.name} commits height {node.height}")
        for watcher in self.watchers:
            watcher.on_commit(node)

    def acknowledged(self, node: Node, tx_hash: Hash) -> None:
        """A submitter reads that its transaction was received."""
        for watcher in self.watchers:
            watcher.on_acknowledged(node, tx_hash)

    def note(self, line: str) -> None:
        """An event worth a line of the trace."""
        self._digest.update(b"%d %s" % (self.now_ms, line.encode()))
        if self._trace is not None:
            self._trace(f"{self.now_ms:>7} {line}")

    # --- time ------------------------------------------------------------------------------------------------

    def run(self, until: Callable[[], bool], limit_ms: int = 60_000) -> None:
        """Go on until the condition holds; it has to within `limit_ms`."""
        self.clock.run(until, limit_ms)

    def run_for(self, ms: int) -> None:
        """Let time pass."""
        end_ms = self.now_ms + ms
        self.after(ms, lambda: None)
        self.run(lambda: self.now_ms >= end_ms, ms)

    def reach(self, height: int, nodes: Iterable[Node] | None = None, limit_ms: int = 60_000) -> None:
        """Until these nodes, or all, have a block of this height."""
        wanted = list(nodes or self.nodes)
        self.run(lambda: all(node.is_up and node.height >= height for node in wanted), limit_ms)
