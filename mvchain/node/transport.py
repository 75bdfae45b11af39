"""Who is connected: listening, dialling, handshakes, and one connection for each known node (N7).

A connection counts only after its handshake; until then it has five seconds and one of a bounded number
places. When those are full the oldest gives way: an honest node needs two round trips for its handshake, so it
is through before it is the oldest, whatever a flood of half-open connections does (faults R11, ATK25).

Two nodes may dial each other at the same moment. Both then keep the connection that the node with the smaller
key dialled, whichever they saw first; of two in the same direction, the later, since nobody dials whom it has.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from nacl.utils import random as random_bytes

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BadPeer
from mvchain.core.types import PublicKey
from mvchain.node.handshake import EPHEMERAL_BYTES, MAX_HANDSHAKE_BYTES, Dialler, Listener, Local
from mvchain.node.message import Message
from mvchain.node.peer import LENGTH_BYTES, READ_BYTES, Peer, PeerLimits

logger = logging.getLogger(__name__)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """A node to dial."""

    host: str
    port: int
    key: PublicKey
    """Whoever answers has to hold it."""


@dataclass(frozen=True, slots=True)
class TransportLimits:
    """Deadlines and bounds before a connection counts; the defaults are what a node runs with."""

    dial_s: float = 3.0
    handshake_s: float = 5.0
    """LIM15."""
    max_handshakes: int = 256
    max_handshakes_per_address: int = 32
    """Places for connections that have not proved who they are (LIM16)."""
    first_pause_s: float = 0.1
    longest_pause_s: float = 5.0
    """Between attempts to dial; doubled each time, with jitter, so that a restart of all spreads out."""
    max_connections: int = 20
    connections_s: float = 20.0
    """Connections of one node that count in this time. Each costs a look at everything that waits here, so a node that
    comes and goes without end would keep this one busy; an honest one makes eight in ten seconds at most (I7)."""
    quiet_s: float = 1.0
    """Refused strangers are logged once in this time, so that they cannot fill the disk."""
    peer: PeerLimits = field(default_factory=PeerLimits)


class PeerHandler(Protocol):
    """What the shell does with peers. All are called on the event loop and return at once."""

    def on_connect(self, peer: Peer) -> None:
        """A node is there."""

    def on_message(self, peer: Peer, message: Message) -> None:
        """It sent a message. Raises BadPeer to drop it, see `Peer.converse`."""

    def on_disconnect(self, peer: Peer) -> None:
        """It is gone; once for each `on_connect`, and before the next one with the same key."""


class Transport:
    """All connections of this node to other nodes.

    Args:
        local: who this node is at the moment.
        dial: nodes to connect to, again and again.
        name_of: the name, different for each, of a node that may be connected; None for any other key.
        present: the key that a node has now, by one that it has or had: dialling goes on when it is replaced.
    """

    def __init__(
        self,
        local: Callable[[], Local],
        dial: Iterable[PeerAddress],
        name_of: Callable[[PublicKey], str | None],
        limits: TransportLimits | None = None,
        present: Callable[[PublicKey], PublicKey] = lambda key: key,
    ) -> None:
        self._local = local
        self._dial = tuple(dial)
        self._name_of = name_of
        self._present = present
        self._limits = limits or TransportLimits()
        self._peers: dict[PublicKey, Peer] = {}
        self._came_at: dict[PublicKey, deque[float]] = {}
        """When the last connections of each known node began to count."""
        self._unproved: dict[asyncio.StreamWriter, str] = {}
        """Connections to this node whose handshake goes on, oldest first, with their addresses."""
        self._server: asyncio.Server | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._handler: PeerHandler | None = None
        self._refused = 0
        self._refusals_logged_at = float("-inf")

    @property
    def peers(self) -> tuple[Peer, ...]:
        """Connected nodes."""
        return tuple(self._peers.values())

    async def listen(self, host: str, port: int) -> int:
        """Take the address; connections are answered once `run` is called. Returns the port.

        Args:
            port: 0 for any free one.

        Raises:
            BadConfiguration: the address cannot be had.
        """
        try:
            self._server = await asyncio.start_server(self._accept, host, port, limit=READ_BYTES, start_serving=False)
        except OSError as error:
            raise BadConfiguration(codes.CANNOT_LISTEN_FOR_PEERS, host=host, port=port, why=error.strerror) from error
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def run(self, handler: PeerHandler) -> None:
        """Keep connections up until cancelled. What the handler raises, other than BadPeer, comes out here."""
        self._handler = handler
        async with asyncio.TaskGroup() as tasks:
            try:
                self._tasks = tasks
                if self._server is not None:
                    await self._server.start_serving()
                for address in self._dial:
                    tasks.create_task(self._keep_dialling(address))
                await asyncio.get_running_loop().create_future()
            finally:
                self._tasks = None
                if self._server is not None:
                    self._server.close()

    def drop_strangers(self) -> None:
        """End connections to nodes that may not be connected any more: the agencies have decided so (N7)."""
        for peer in self.peers:
            if self._name_of(peer.key) is None:
                peer.close(BadPeer(codes.UNKNOWN_NODE_KEY, key=peer.key.hex()))
                self._leave(peer)

    # --- connections to this node ---

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer_name = writer.get_extra_info("peername")
        if self._tasks is None or peer_name is None:
            writer.transport.abort()
            return
        address = peer_name[0]
        if list(self._unproved.values()).count(address) >= self._limits.max_handshakes_per_address:
            self._log_refusal(address, BadPeer(codes.TOO_MANY_CONNECTIONS, address=address))
            writer.transport.abort()
            return
        if len(self._unproved) >= self._limits.max_handshakes:
            oldest = next(iter(self._unproved))
            del self._unproved[oldest]
            oldest.transport.abort()
        self._unproved[writer] = address
        self._tasks.create_task(self._answer((reader, writer), address))

    async def _answer(self, streams: Streams, address: str) -> None:
        listener = Listener(self._local(), random_bytes(EPHEMERAL_BYTES), self._may_connect)
        try:
            await self._shake_hands(listener, streams)
        except BadPeer as error:
            self._log_refusal(address, error)
            return
        except OSError:
            return
        finally:
            self._unproved.pop(streams[1], None)
            if listener.result is None:
                streams[1].close()
        await self._converse(listener, streams)

    def _may_connect(self, key: PublicKey) -> bool:
        return self._name_of(key) is not None

    def _log_refusal(self, address: str, error: BadPeer) -> None:
        """Strangers cost a line each second, not a line each."""
        self._refused += 1
        now = asyncio.get_running_loop().time()
        if now - self._refusals_logged_at >= self._limits.quiet_s:
            logger.warning(
                "%s connection from %s refused: %s (%d refused since the last such line)",
                error.code,
                address,
                error.detail,
                self._refused,
            )
            self._refused, self._refusals_logged_at = 0, now

    # --- connections from this node ---

    async def _keep_dialling(self, address: PeerAddress) -> None:
        pause = self._limits.first_pause_s
        said = ""
        loop = asyncio.get_running_loop()
        while True:
            peer = self._peers.get(self._present(address.key))
            if peer is not None:
                await peer.closed.wait()
                pause = self._limits.first_pause_s
            started = loop.time()
            level, why = logging.INFO, ""
            try:
                await self._call(address)
            except BadPeer as error:
                level, why = logging.WARNING, f"{error.code}: {error.detail}"
            except OSError as error:
                why = str(error) or "no answer in time"
            if why not in {"", said}:  # the same every few seconds would bury the rest
                logger.log(level, "no connection to %s port %d: %s", address.host, address.port, why)
            said = why
            lasted = loop.time() - started >= self._limits.longest_pause_s
            pause = self._limits.first_pause_s if lasted else min(2 * pause, self._limits.longest_pause_s)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311

    async def _call(self, address: PeerAddress) -> None:
        """Connect and talk until it is over."""
        async with asyncio.timeout(self._limits.dial_s):
            streams = await asyncio.open_connection(address.host, address.port, limit=READ_BYTES)
        dialler = Dialler(self._local(), random_bytes(EPHEMERAL_BYTES), self._present(address.key))
        try:
            await self._shake_hands(dialler, streams)
        finally:
            if dialler.result is None:
                streams[1].close()
        await self._converse(dialler, streams)

    # --- both ---

    async def _shake_hands(self, handshake: Dialler | Listener, streams: Streams) -> None:
        """Take the steps of the handshake; the other side is told of a refusal.

        Raises:
            BadPeer: either side refuses.
            OSError: the connection broke.
        """
        reader, writer = streams
        seconds = self._limits.handshake_s
        try:
            async with asyncio.timeout(seconds):
                if isinstance(handshake, Dialler):
                    _write_frame(writer, handshake.start())
                while handshake.result is None:
                    reply = handshake.receive(await _read_frame(reader))
                    if reply:
                        _write_frame(writer, reply)
        except TimeoutError:
            error = BadPeer(codes.HANDSHAKE_TIMEOUT, seconds=seconds)
            _write_frame(writer, handshake.refusal(error))
            raise error from None
        except BadPeer as error:
            if error.cause is not codes.GOODBYE_FROM_PEER:
                _write_frame(writer, handshake.refusal(error))
            raise

    async def _converse(self, handshake: Dialler | Listener, streams: Streams) -> None:
        """Make a peer of a finished handshake and talk until it is over."""
        assert handshake.result is not None
        assert self._handler is not None
        key, channel = handshake.result
        name = self._name_of(key)
        peer = Peer(
            key,
            name or key.hex(),
            dialled=isinstance(handshake, Dialler),
            channel=channel,
            streams=streams,
            limits=self._limits.peer,
        )
        rival = self._peers.get(key)
        if name is None:  # a node to dial that is no longer on the chain
            peer.close(BadPeer(codes.UNKNOWN_NODE_KEY, key=key.hex()))
        elif rival is not None and not self._replaces(peer, rival):
            peer.close(BadPeer(codes.DUPLICATE_CONNECTION))
        elif self._comes_too_often(key):
            limits = self._limits
            peer.close(BadPeer(codes.CONNECTS_TOO_OFTEN, count=limits.max_connections, seconds=limits.connections_s))
        else:
            if rival is not None:
                rival.close(BadPeer(codes.DUPLICATE_CONNECTION))
                self._leave(rival)
            self._peers[key] = peer
            logger.info("peer %s connected", peer.name)
            self._handler.on_connect(peer)
        try:
            await peer.converse(self._handler.on_message)
        finally:
            self._leave(peer)

    def _comes_too_often(self, key: PublicKey) -> bool:
        """Whether a known node has used up its connections for now; if not, this is one of them."""
        limits, now = self._limits, asyncio.get_running_loop().time()
        came_at = self._came_at.setdefault(key, deque(maxlen=limits.max_connections))
        if len(came_at) == limits.max_connections and now - came_at[0] < limits.connections_s:
            return True
        came_at.append(now)
        return False

    def _replaces(self, new: Peer, old: Peer) -> bool:
        if new.dialled == old.dialled:
            return True
        return new.dialled == (self._local().key.public < new.key)

    def _leave(self, peer: Peer) -> None:
        if self._peers.get(peer.key) is peer:
            del self._peers[peer.key]
            assert self._handler is not None
            self._handler.on_disconnect(peer)


async def _read_frame(reader: asyncio.StreamReader) -> bytes:
    """One step of a handshake; the other side has no say in how much is read."""
    try:
        size = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
        if size > MAX_HANDSHAKE_BYTES:
            raise BadPeer(codes.FRAME_SIZE, size=size, least=0, most=MAX_HANDSHAKE_BYTES)
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError:
        raise ConnectionResetError("it hung up during the handshake") from None


def _write_frame(writer: asyncio.StreamWriter, data: bytes) -> None:
    """A step of a handshake fits any socket buffer, so there is nothing to wait for."""
    writer.write(len(data).to_bytes(LENGTH_BYTES, "big") + data)
