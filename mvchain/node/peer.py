"""One connection to a known node: frames in, frames out, and the reason when it ends (N7).

A frame is a length (4 bytes, big-endian) and one sealed message. What is sent waits in four queues, consensus before
blocks before transactions before what joining nodes want, each bounded in bytes. Every wait has a deadline: a side that
says nothing for too long is gone, and so is one that takes nothing. Each side pings when it has nothing else to say.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from mvchain.core import codes
from mvchain.core.errors import BadPeer, MvchainError
from mvchain.core.limits import MAX_BATCH_BYTES
from mvchain.core.types import PublicKey
from mvchain.node import wire, wire_past
from mvchain.node.handshake import TAG_BYTES, SecureChannel
from mvchain.node.message import Message, Priority

logger = logging.getLogger(__name__)

LENGTH_BYTES = 4
MIN_FRAME_BYTES = 1 + TAG_BYTES
MAX_FRAME_BYTES = wire.MAX_MESSAGE_BYTES + TAG_BYTES
READ_BYTES = 64 * 1024
"""Taken from the socket at once; also what a peer can send before its turn ends."""
BUNDLE_BYTES = 256 * 1024
"""Written at once; while it waits in the socket, consensus can still overtake what is queued behind it."""
LINGER_S = 1.0
"""What a closing connection gets to deliver its Goodbye."""

_ANSWERS: dict[type[Message], type[Message]] = {
    wire.GetBlocks: wire.BlockResponse,
    wire.AskOwn: wire.OwnMessages,
    **wire_past.ANSWERS,
}
"""What a peer owes for what it is asked."""

QUEUE_BYTES = {
    Priority.CONSENSUS: 1024 * 1024,
    Priority.BLOCKS: 2 * MAX_FRAME_BYTES,
    Priority.TRANSACTIONS: 8 * MAX_BATCH_BYTES,
    Priority.PAST: 2 * MAX_FRAME_BYTES,
}
"""Bound of each queue of a peer; at least one message of any type fits."""


@dataclass(frozen=True, slots=True)
class PeerLimits:
    """Deadlines and rates of one connection; a node runs with the defaults (security LIM19, LIM20)."""

    ping_s: float = 10.0
    silence_s: float = 20.0
    """Nothing came, or nothing that is to go was taken, for so long: the peer is gone."""
    frame_s: float = 60.0
    """From the first byte of a frame to its last; the largest then needs 70 kB/s."""
    bytes_per_s: int = 5_120_000
    burst_bytes: int = 10_240_000
    frame_cost_bytes: int = 1024
    """What a frame counts at least, so that small ones are bounded in number: 5,000 a second."""


class Peer:
    """One node at the other end of an established connection.

    Args:
        key: its node key, proved in the handshake.
        name: what people call it.
        dialled: whether this side made the connection.
    """

    def __init__(
        self,
        key: PublicKey,
        name: str,
        *,
        dialled: bool,
        channel: SecureChannel,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        limits: PeerLimits,
    ) -> None:
        self.key = key
        self.name = name
        self.dialled = dialled
        self.closed = asyncio.Event()
        """Set when the connection is over."""
        self._channel = channel
        self._reader, self._writer = streams
        self._limits = limits
        self._clock = asyncio.get_running_loop().time
        self._queues: dict[Priority, deque[bytes]] = {priority: deque() for priority in Priority}
        self._queued = dict.fromkeys(Priority, 0)
        self._wake = asyncio.Event()
        self._closing = False
        self._farewell: wire.Goodbye | None = None
        self._abort: asyncio.TimerHandle | None = None
        self._owed: dict[type[Message], int] = dict.fromkeys(_ANSWERS.values(), 0)
        self._writer.transport.set_write_buffer_limits(high=BUNDLE_BYTES)

    def __repr__(self) -> str:
        return f"<Peer {self.name}>"

    @property
    def queued_bytes(self) -> int:
        """What waits to be sent."""
        return sum(self._queued.values())

    def send(self, message: Message) -> bool:
        """Queue a message; False if its queue is full or the connection is closing, and then it is not sent.

        Lost messages of consensus heal by the next status (N8); a batch of transactions is to be kept and
        offered again.
        """
        data = wire.encode(message)
        priority = message.PRIORITY
        if self._closing or self._queued[priority] + len(data) > QUEUE_BYTES[priority]:
            return False
        self._queued[priority] += len(data)
        self._queues[priority].append(data)
        self._wake.set()
        answer = _ANSWERS.get(type(message))
        if answer is not None:
            self._owed[answer] += message.count if isinstance(message, wire.GetBlocks) else 1
        return True

    def close(self, error: MvchainError) -> None:
        """End the connection and tell the peer why; what waits is not sent. Only the first call counts."""
        if not self._closing:
            logger.warning("%s peer %s dropped: %s", error.code, self.name, error.detail)
            self._farewell = wire.goodbye(error)
            self._end()

    def is_closing(self) -> bool:
        """Whether the connection is ending; then nothing is sent or delivered any more."""
        return self._closing

    async def converse(self, on_message: Callable[["Peer", Message], None]) -> None:
        """Exchange messages until the connection ends.

        Args:
            on_message: called with each message in the order of arrival. A BadPeer that it raises costs the
                peer its connection; any other exception is a bug or a broken disk and comes out here.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._receive_all(on_message))
                await self._send_all()
        finally:
            self._closing = True
            if self._abort is not None:
                self._abort.cancel()
            self._writer.transport.abort()
            self.closed.set()

    def _end(self) -> None:
        """Stop reading, let the writer come to its end, and cut it off if it does not."""
        if not self._closing:
            self._closing = True
            self._wake.set()
            self._abort = asyncio.get_running_loop().call_later(LINGER_S, self._writer.transport.abort)

    # --- receiving ---

    async def _receive_all(self, on_message: Callable[["Peer", Message], None]) -> None:
        try:
            await self._receive_frames(on_message)
        except BadPeer as error:
            self.close(error)
        if not self._closing:
            logger.info("peer %s hung up", self.name)
        self._end()

    async def _receive_frames(self, on_message: Callable[["Peer", Message], None]) -> None:
        """Deliver all messages until the stream ends."""
        limits = self._limits
        buffer = bytearray()
        frame_since = credit_since = self._clock()
        credit = float(limits.burst_bytes)
        while True:
            deadline = self._clock() + limits.silence_s
            chunk = await self._read_chunk(min(deadline, frame_since + limits.frame_s) if buffer else deadline)
            if not chunk or self.is_closing():
                return
            now = self._clock()
            starts_frame = not buffer
            buffer += chunk
            frames = self._cut_frames(buffer)
            if frames or starts_frame:
                frame_since = now
            for sealed in frames:
                self._deliver(self._channel.open(sealed), on_message)
                if self.is_closing():
                    return
            credit = min(credit + (now - credit_since) * limits.bytes_per_s, limits.burst_bytes)
            credit -= max(len(chunk), len(frames) * limits.frame_cost_bytes)
            credit_since = now
            if credit < 0:
                await asyncio.sleep(-credit / limits.bytes_per_s)

    async def _read_chunk(self, deadline: float) -> bytes:
        """What has come; nothing once the stream has ended."""
        try:
            async with asyncio.timeout_at(deadline):
                return await self._reader.read(READ_BYTES)
        except TimeoutError:
            silence, frame = self._limits.silence_s, self._limits.frame_s
            raise BadPeer(codes.PEER_SILENT, silence=silence, frame=frame) from None
        except OSError:
            return b""

    @staticmethod
    def _cut_frames(buffer: bytearray) -> list[bytes]:
        """Take the whole frames from the front; a length out of bounds is refused as soon as it is seen."""
        frames = []
        start, end = 0, len(buffer)
        with memoryview(buffer) as view:
            while end - start >= LENGTH_BYTES:
                body = start + LENGTH_BYTES
                size = int.from_bytes(view[start:body], "big")
                if not MIN_FRAME_BYTES <= size <= MAX_FRAME_BYTES:
                    raise BadPeer(codes.FRAME_SIZE, size=size, least=MIN_FRAME_BYTES, most=MAX_FRAME_BYTES)
                if end - body < size:
                    break
                frames.append(view[body : body + size].tobytes())
                start = body + size
        del buffer[:start]
        return frames

    def _deliver(self, data: bytes, on_message: Callable[["Peer", Message], None]) -> None:
        kind = wire.class_of(data)
        self._take_answer(kind)
        message = kind.parse(data[1:])
        if isinstance(message, wire.Goodbye):
            error = BadPeer(codes.GOODBYE_FROM_PEER, code=message.code, reason=message.reason)
            logger.info("%s peer %s: %s", error.code, self.name, error.detail)
            self._end()
        elif not isinstance(message, wire.Ping):
            on_message(self, message)

    def _take_answer(self, kind: type[Message]) -> None:
        """An answer that nobody asked for is refused before it is decoded (ATK16)."""
        question = wire.BlockResponse if kind is wire.NoBlock else kind
        if question in self._owed:
            if not self._owed[question]:
                raise BadPeer(codes.UNASKED_ANSWER, what=kind.WHAT)
            self._owed[question] -= 1

    # --- sending ---

    async def _send_all(self) -> None:
        """Write bundles by priority until the connection is to end; then the Goodbye, if there is one."""
        while not self._closing:
            bundle = self._next_bundle()
            if bundle:
                await self._write(bundle)
                continue
            self._wake.clear()
            try:
                async with asyncio.timeout(self._limits.ping_s):
                    await self._wake.wait()
            except TimeoutError:
                self.send(wire.Ping())
        if self._farewell is not None:
            await self._write([wire.encode(self._farewell)])
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def _next_bundle(self) -> list[bytes]:
        """Messages in order of priority, at least one if any waits, up to `BUNDLE_BYTES`."""
        bundle: list[bytes] = []
        room = BUNDLE_BYTES
        for priority, queue in self._queues.items():
            while queue and (not bundle or len(queue[0]) <= room):
                data = queue.popleft()
                self._queued[priority] -= len(data)
                room -= len(data)
                bundle.append(data)
        return bundle

    async def _write(self, bundle: list[bytes]) -> None:
        """Seal and write; waits while the socket is full, as long as the peer takes anything at all."""
        pieces: list[bytes] = []
        for data in bundle:
            sealed = self._channel.seal(data)
            pieces += (len(sealed).to_bytes(LENGTH_BYTES, "big"), sealed)
        if self._writer.is_closing():  # it broke meanwhile
            self._end()
            return
        self._writer.writelines(pieces)
        while True:
            waiting = self._writer.transport.get_write_buffer_size()
            try:
                async with asyncio.timeout(self._limits.silence_s):
                    await self._writer.drain()
                    await asyncio.sleep(0)  # lets others run although this peer takes everything at once
                    return
            except TimeoutError:
                if self._writer.transport.get_write_buffer_size() >= waiting:
                    self.close(BadPeer(codes.PEER_NOT_READING, seconds=self._limits.silence_s))
                    return
            except OSError:
                self._end()
                return
