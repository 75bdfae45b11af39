"""The wires between nodes: a TCP proxy for each pair, which can slow, lose, hold and cut what passes.

Node i reaches node j through a port of its own, so every byte from one node to another passes one `Way`. A way that is
held does what a packet filter does that drops everything: nothing arrives, nobody is told, and once it is open again
what was sent arrives, as TCP sends it anew. What waits is bounded; beyond it, the sender waits as it does for TCP.
"""

import asyncio
import contextlib
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from mvchain.localnet import HOST

SEGMENT_BYTES: Final = 1_448
"""What one packet carries; a loss concerns one."""
MAX_WAITING: Final = 1_024
"""Segments of one connection that wait in one direction: some 1.5 MB."""
RETRANSMISSION_S: Final = 0.2
"""By how much a lost segment and all behind it are late: the least that Linux waits before it sends anew."""


@dataclass(slots=True)
class Way:
    """How bytes get from one node to another; may be changed while they are under way."""

    delay_s: float = 0.0
    bytes_per_s: float = 0.0
    """0: as many as there are."""
    loss: float = 0.0
    """Chance of each segment."""
    passing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.passing.set()

    def latency_s(self) -> float:
        """Of the next segment."""
        lost = self.loss > 0 and random.random() < self.loss
        return self.delay_s + (RETRANSMISSION_S if lost else 0.0)

    def clear(self) -> None:
        """As it was at first."""
        self.delay_s = self.bytes_per_s = self.loss = 0.0
        self.passing.set()


class Wires:
    """All ways between nodes; an async context manager.

    Args:
        ports: where the nodes listen, by number.
    """

    def __init__(self, ports: Mapping[int, int]) -> None:
        self._ports = ports
        self._ways: dict[tuple[int, int], Way] = {}
        self._servers: list[asyncio.Server] = []
        self._carrying: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Wires":
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for server in self._servers:
            server.close()
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def lay(self, source: int, target: int) -> int:
        """A port at which `source` reaches `target`."""
        for pair in ((source, target), (target, source)):
            self._ways.setdefault(pair, Way())

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._carry(source, target, reader, writer))
            self._carrying.add(task)
            task.add_done_callback(self._carrying.discard)

        server = await asyncio.start_server(accept, HOST, 0, limit=SEGMENT_BYTES)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def way(self, source: int, target: int) -> Way:
        """From one node to another."""
        return self._ways[source, target]

    def ways_of(self, number: int) -> list[Way]:
        """All to and from a node."""
        return [way for pair, way in self._ways.items() if number in pair]

    def hold(self, sources: Collection[int], targets: Collection[int]) -> None:
        """Let nothing from the first get to the second; the other direction is as it was."""
        for (source, target), way in self._ways.items():
            if source in sources and target in targets:
                way.passing.clear()

    def heal(self) -> None:
        """Everything passes, at once."""
        for way in self._ways.values():
            way.clear()

    async def _carry(
        self, source: int, target: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there, back = self.way(source, target), self.way(target, source)
        far: asyncio.StreamWriter | None = None
        try:
            # The packets that open a connection need both ways.
            await there.passing.wait()
            await back.passing.wait()
            far_reader, far = await asyncio.open_connection(HOST, self._ports[target], limit=SEGMENT_BYTES)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, far, there))
                both.create_task(_pump(far_reader, writer, back))
        except* OSError:
            pass  # one side is gone, and closing tells the other
        finally:
            for end in filter(None, (writer, far)):
                end.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
    """Bytes in one direction until their end, which takes the same way as they."""
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(MAX_WAITING)
    async with asyncio.TaskGroup() as ends:
        ends.create_task(_take(reader, waiting, way))
        ends.create_task(_give(waiting, writer, way))


async def _take(reader: asyncio.StreamReader, waiting: asyncio.Queue[tuple[float, bytes]], way: Way) -> None:
    clock = asyncio.get_running_loop().time
    while segment := await reader.read(SEGMENT_BYTES):
        await waiting.put((clock() + way.latency_s(), segment))
    await waiting.put((clock() + way.latency_s(), b""))


async def _give(waiting: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, way: Way) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        due, segment = await waiting.get()
        if (left := due - clock()) > 0:
            await asyncio.sleep(left)
        await way.passing.wait()
        if not segment:
            with contextlib.suppress(OSError):
                writer.write_eof()
            return
        if way.bytes_per_s:
            await asyncio.sleep(len(segment) / way.bytes_per_s)
        writer.write(segment)
        await writer.drain()
