"""mvchain.chaos.proxy: what passes, what does not, and what becomes of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from itertools import permutations

import pytest
import pytest_asyncio

from mvchain.chaos.proxy import SEGMENT_BYTES, Way, Wires

SHORT_S = 0.2
"""For which nothing has to come, where nothing may."""


class Far:
    """What listens behind the wire: node 2."""

    def __init__(self) -> None:
        self.connections: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self.server: asyncio.Server | None = None

    async def start(self) -> int:
        self.server = await asyncio.start_server(lambda *streams: self.connections.put_nowait(streams), "127.0.0.1", 0)
        port: int = self.server.sockets[0].getsockname()[1]
        return port


class Line:
    """A connection from node 1 to node 2: both its ends."""

    def __init__(self, wires: Wires, far: Far, port: int) -> None:
        self.wires, self.far, self.port = wires, far, port
        self.opened: list[asyncio.StreamWriter] = []

    async def open(self) -> None:
        await self.call()
        self.far_reader, self.far_writer = await self.answer()

    async def call(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.opened.append(self.writer)

    async def answer(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        streams = await self.far.connections.get()
        self.opened.append(streams[1])
        return streams

    async def close(self) -> None:
        for writer in self.opened:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@pytest_asyncio.fixture
async def line() -> AsyncIterator[Line]:
    far = Far()
    wires = Wires({2: await far.start()})
    async with wires:
        line = Line(wires, far, await wires.lay(1, 2))
        await line.open()
        yield line
        await line.close()
    assert far.server is not None
    far.server.close()


async def test_bytes_pass_in_both_directions_unchanged(line: Line) -> None:
    there, back = bytes(range(256)) * 100, b"back" * 5_000
    line.writer.write(there)
    line.far_writer.write(back)
    assert await line.far_reader.readexactly(len(there)) == there
    assert await line.reader.readexactly(len(back)) == back


async def test_the_end_of_one_side_is_told_to_the_other_and_the_other_may_go_on(line: Line) -> None:
    line.writer.write(b"last words")
    line.writer.write_eof()
    assert await line.far_reader.read() == b"last words"
    line.far_writer.write(b"heard")
    line.far_writer.close()
    assert await line.reader.read() == b"heard"


async def test_a_held_way_carries_nothing_and_the_other_direction_does(line: Line) -> None:
    line.wires.hold([1], [2])
    line.writer.write(b"unheard")
    line.far_writer.write(b"heard")
    assert await line.reader.readexactly(5) == b"heard"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(line.far_reader.read(1), SHORT_S)
    line.wires.heal()
    assert await line.far_reader.readexactly(7) == b"unheard"


async def test_nobody_connects_over_a_held_way_until_it_is_healed(line: Line) -> None:
    """Whichever direction is held: a connection needs both."""
    for pair in (([1], [2]), ([2], [1])):
        line.wires.hold(*pair)
        await line.call()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line.answer(), SHORT_S)
        line.wires.heal()
        await line.answer()


async def test_what_is_held_is_held_between_those_nodes_and_in_that_direction_alone() -> None:
    wires = Wires({})
    async with wires:
        for source, target in permutations((1, 2, 3), 2):
            await wires.lay(source, target)
        wires.hold([1, 2], [3])
        held = {pair for pair in permutations((1, 2, 3), 2) if not wires.way(*pair).passing.is_set()}
        assert held == {(1, 3), (2, 3)}
        wires.heal()
        assert all(way.passing.is_set() for way in wires.ways_of(3))


async def test_a_late_way_is_late_by_its_delay_and_keeps_the_order(line: Line) -> None:
    """No more than the least time is asserted."""
    line.wires.way(1, 2).delay_s = SHORT_S
    clock = asyncio.get_running_loop().time
    started = clock()
    for number in range(20):
        line.writer.write(bytes((number,)))
    assert await line.far_reader.readexactly(20) == bytes(range(20))
    assert clock() - started >= SHORT_S


async def test_a_thin_way_takes_its_time(line: Line) -> None:
    line.wires.way(1, 2).bytes_per_s = 10_000
    clock = asyncio.get_running_loop().time
    started = clock()
    line.writer.write(bytes(3_000))
    await line.far_reader.readexactly(3_000)
    assert clock() - started >= 0.3


async def test_a_full_way_stops_its_sender_instead_of_growing(line: Line) -> None:
    line.wires.hold([1], [2])
    line.writer.transport.set_write_buffer_limits(high=0)

    async def write_on() -> None:
        while True:
            line.writer.write(bytes(64 * SEGMENT_BYTES))
            await asyncio.wait_for(line.writer.drain(), 1)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(write_on(), 30)


async def test_a_node_that_does_not_listen_hangs_up(line: Line) -> None:
    assert line.far.server is not None
    line.far.server.close()
    await line.call()
    assert await line.reader.read() == b""


def test_a_lost_segment_is_late_by_a_retransmission_and_others_are_not() -> None:
    assert [Way(loss=0.0).latency_s(), Way(loss=1.0).latency_s(), Way(delay_s=1.0, loss=1.0).latency_s()] == [
        0.0,
        0.2,
        1.2,
    ]
