"""Connections between nodes on 127.0.0.1: who gets in, what ends a connection, and in which order things go."""

import asyncio
import contextlib
import logging
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from mvchain.core import codes, limits
from mvchain.core.errors import BadConfiguration, BadPeer
from mvchain.core.keys import SigningKey
from mvchain.core.types import Address, Hash, Height, PublicKey
from mvchain.node import peer as peer_module
from mvchain.node import wire
from mvchain.node.handshake import Dialler, Local, SecureChannel
from mvchain.node.peer import Peer, PeerLimits
from mvchain.node.transport import PeerAddress, Transport, TransportLimits
from mvchain.node.wire import (
    AskOwn,
    BlockResponse,
    GetBlocks,
    Goodbye,
    HaveTransactions,
    Message,
    NoBlock,
    OwnMessages,
    Ping,
    Transactions,
)

GENESIS = Hash(b"g" * 32)
HOST = "127.0.0.1"
KEYS = sorted((SigningKey.from_seed(bytes((i,)) * 32) for i in range(1, 6)), key=lambda key: key.public)
SMALL, LARGE, THIRD = KEYS[0], KEYS[1], KEYS[2]
STRANGER = SigningKey.from_seed(b"s" * 32)
NAMES = {key.public: f"agency {i}" for i, key in enumerate(KEYS)}
QUICK = TransportLimits(first_pause_s=0.001, longest_pause_s=0.01)


def name_of(key: PublicKey) -> str | None:
    return NAMES.get(key)


@dataclass
class Node:
    """A transport that notes what happens."""

    transport: Transport
    port: int
    events: asyncio.Queue[tuple[str, Peer, Message | None]] = field(default_factory=asyncio.Queue)
    greeting: tuple[Message, ...] = ()
    fault: Exception | None = None
    running: asyncio.Task[None] | None = None

    def on_connect(self, peer: Peer) -> None:
        for message in self.greeting:
            assert peer.send(message)
        self.events.put_nowait(("connect", peer, None))

    def on_message(self, peer: Peer, message: Message) -> None:
        if self.fault is not None:
            raise self.fault
        self.events.put_nowait(("message", peer, message))

    def on_disconnect(self, peer: Peer) -> None:
        self.events.put_nowait(("disconnect", peer, None))

    async def next(self, kind: str) -> tuple[Peer, Message | None]:
        found, peer, message = await self.events.get()
        assert found == kind, (found, kind, message)
        return peer, message


StartNode = Callable[..., Awaitable[Node]]


@pytest.fixture
async def start() -> AsyncIterator[StartNode]:
    """Starts nodes; stops them at the end and checks that nothing is left over."""
    nodes: list[Node] = []

    async def start(
        key: SigningKey,
        *dial: tuple[SigningKey, int],
        limits: TransportLimits = QUICK,
        genesis: Hash = GENESIS,
        greeting: tuple[Message, ...] = (),
        port: int = 0,
    ) -> Node:
        addresses = [PeerAddress(HOST, port, other.public) for other, port in dial]
        transport = Transport(lambda: Local(key, genesis), addresses, name_of, limits)
        node = Node(transport, await transport.listen(HOST, port), greeting=greeting)
        node.running = asyncio.create_task(transport.run(node))
        nodes.append(node)
        while transport._server is None or not transport._server.is_serving():  # noqa: ASYNC110
            await asyncio.sleep(0)
        return node

    async with asyncio.timeout(60):
        yield start
        for node in nodes:
            await stop(node)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def stop(node: Node) -> None:
    assert node.running is not None
    node.running.cancel()
    with contextlib.suppress(asyncio.CancelledError, BaseExceptionGroup):
        await node.running


class Raw:
    """The other end of a connection, free to do anything."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.channel: SecureChannel | None = None

    @classmethod
    async def connect(cls, node: Node) -> "Raw":
        return cls(*await asyncio.open_connection(HOST, node.port))

    @classmethod
    async def peer(cls, node: Node, node_key: SigningKey, key: SigningKey) -> "Raw":
        """Connected, with the handshake done."""
        raw = await cls.connect(node)
        dialler = Dialler(Local(key, GENESIS), random.randbytes(32), node_key.public)
        raw.frame(dialler.start())
        try:
            while dialler.result is None:
                reply = dialler.receive(await raw.read_frame())
                if reply:
                    raw.frame(reply)
        except BadPeer:
            await raw.ended()
            raise
        raw.channel = dialler.result[1]
        return raw

    def frame(self, data: bytes) -> None:
        self.writer.write(len(data).to_bytes(4, "big") + data)

    def sealed(self, data: bytes) -> None:
        assert self.channel is not None
        self.frame(self.channel.seal(data))

    def send(self, message: Message) -> None:
        self.sealed(wire.encode(message))

    async def read_frame(self) -> bytes:
        return await self.reader.readexactly(int.from_bytes(await self.reader.readexactly(4), "big"))

    async def read(self) -> Message:
        assert self.channel is not None
        return wire.decode(self.channel.open(await self.read_frame()))

    async def refusal(self) -> str:
        """The code of the Goodbye, which has to be the last message."""
        message = await self.read()
        while isinstance(message, Ping):
            message = await self.read()
        assert isinstance(message, Goodbye), message
        await self.ended()
        return message.code

    async def ended(self) -> None:
        """Wait until the other side has closed; what comes before that is left out."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        self.writer.close()


async def drop_writer(raw: Raw) -> None:
    raw.writer.close()
    with contextlib.suppress(ConnectionError):
        await raw.writer.wait_closed()


async def test_messages_arrive_in_order_both_ways(start: StartNode) -> None:
    a = await start(SMALL)
    b = await start(LARGE, (SMALL, a.port))
    at_a, _ = await a.next("connect")
    at_b, _ = await b.next("connect")
    assert (at_a.key, at_a.name, at_a.dialled) == (LARGE.public, "agency 1", False)
    assert (at_b.key, at_b.name, at_b.dialled) == (SMALL.public, "agency 0", True)
    assert a.transport.peers == (at_a,)
    sent = [Transactions((random.Random(i).randbytes(i * 997 % 60_000),)) for i in range(100)]
    for i in range(0, 100, 10):
        for message in sent[i : i + 10]:
            assert at_a.send(message)
            assert at_b.send(message)
        for message in sent[i : i + 10]:
            assert (await a.next("message"))[1] == message
            assert (await b.next("message"))[1] == message
    await stop(b)
    assert (await a.next("disconnect"))[0] is at_a
    assert not a.transport.peers


async def test_the_largest_message_passes(start: StartNode) -> None:
    a = await start(SMALL)
    b = await start(LARGE, (SMALL, a.port))
    at_a, _ = await a.next("connect")
    at_b, _ = await b.next("connect")
    block = BlockResponse(Height(1), random.Random(1).randbytes(limits.MAX_BLOCK_BYTES), b"c" * limits.MAX_COMMIT_BYTES)
    assert at_a.send(GetBlocks(Height(1), 1))
    await b.next("message")
    assert at_b.send(block)
    assert (await a.next("message"))[1] == block


async def test_two_nodes_that_dial_each_other_keep_one_connection() -> None:
    """Both dial in the same moment, so there are two connections; the smaller key's is kept at both ends."""
    small_local, large_local = Local(SMALL, GENESIS), Local(LARGE, GENESIS)
    with socket.create_server((HOST, 0)) as reserved:
        small_port = reserved.getsockname()[1]
    large = Transport(lambda: large_local, [PeerAddress(HOST, small_port, SMALL.public)], name_of, QUICK)
    large_port = await large.listen(HOST, 0)
    small = Transport(lambda: small_local, [PeerAddress(HOST, large_port, LARGE.public)], name_of, QUICK)
    await small.listen(HOST, small_port)
    nodes = [Node(small, small_port), Node(large, large_port)]
    async with asyncio.timeout(30):
        for node in nodes:
            node.running = asyncio.create_task(node.transport.run(node))
        for node, by_small in zip(nodes, (True, False), strict=True):
            while [peer.dialled for peer in node.transport.peers] != [by_small]:
                await node.events.get()
        for sender, receiver in (nodes, nodes[::-1]):
            message = HaveTransactions((Hash(b"h" * 32),))
            assert sender.transport.peers[0].send(message)
            while (await receiver.events.get())[2] != message:
                pass
        for node in nodes:
            await stop(node)


async def test_a_later_connection_in_the_same_direction_counts(start: StartNode) -> None:
    """A node that lost a connection dials again before the other side has noticed."""
    small = await start(SMALL)
    first = await Raw.peer(small, SMALL, LARGE)
    inbound, _ = await small.next("connect")
    second = await Raw.peer(small, SMALL, LARGE)
    assert (await small.next("disconnect"))[0] is inbound
    again, _ = await small.next("connect")
    assert await first.refusal() == "MV-2133"
    assert small.transport.peers == (again,)
    await drop_writer(second)


def peers_of(own: SigningKey, other: SigningKey) -> tuple[Transport, Callable[[bool], Peer]]:
    transport = Transport(lambda: Local(own, GENESIS), (), name_of)

    def make(dialled: bool) -> Peer:
        peer = object.__new__(Peer)
        peer.key, peer.dialled = other.public, dialled
        return peer

    return transport, make


@pytest.mark.parametrize(("own", "other"), [(SMALL, LARGE), (LARGE, SMALL)])
def test_both_sides_prefer_the_same_connection(own: SigningKey, other: SigningKey) -> None:
    transport, make = peers_of(own, other)
    by_smaller = make(own is SMALL)
    by_larger = make(own is LARGE)
    assert transport._replaces(by_smaller, by_larger)
    assert not transport._replaces(by_larger, by_smaller)
    assert transport._replaces(by_smaller, make(own is SMALL))


async def test_strangers_are_told_why(start: StartNode, caplog: pytest.LogCaptureFixture) -> None:
    a = await start(SMALL)
    with pytest.raises(BadPeer, match="MV-2112"):
        await Raw.peer(a, SMALL, STRANGER)
    assert "MV-2112" in caplog.text
    assert a.events.empty()


async def test_why_a_node_is_not_let_in_is_logged_once(start: StartNode, caplog: pytest.LogCaptureFixture) -> None:
    a = await start(SMALL)
    await start(STRANGER, (SMALL, a.port))
    while a.transport._refused < 3:  # noqa: ASYNC110 - it dials again and again
        await asyncio.sleep(0.001)
    told = [record.message for record in caplog.records if "no connection to" in record.message]
    assert len(told) == 1
    assert told[0].startswith(f"no connection to {HOST} port {a.port}: MV-2135: ")


async def test_another_chain_is_told_why(start: StartNode) -> None:
    a = await start(SMALL, genesis=Hash(b"h" * 32))
    with pytest.raises(BadPeer, match="MV-2111"):
        await Raw.peer(a, SMALL, LARGE)


async def test_a_node_that_dials_itself(start: StartNode, caplog: pytest.LogCaptureFixture) -> None:
    a = await start(SMALL)
    with pytest.raises(BadPeer, match="MV-2113"):
        await Raw.peer(a, SMALL, SMALL)
    assert a.events.empty()


async def test_a_node_to_dial_that_is_no_longer_known_is_dropped(start: StartNode) -> None:
    NAMES[STRANGER.public] = "removed"
    stranger = await start(STRANGER)
    a = await start(SMALL, (STRANGER, stranger.port))
    await a.next("connect")
    await stop(a)
    await stranger.next("connect")
    await stranger.next("disconnect")
    del NAMES[STRANGER.public]
    stranger.transport._name_of = {SMALL.public: "agency 0"}.get
    b = await start(SMALL, (STRANGER, stranger.port))
    await stranger.next("connect")
    await stranger.next("disconnect")
    assert b.events.empty()


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00",
        b"\x00\x00\x02\x00" + b"x" * 512,
        random.Random(3).randbytes(1000),
    ],
)
async def test_garbage_before_the_handshake(start: StartNode, data: bytes) -> None:
    a = await start(SMALL)
    raw = await Raw.connect(a)
    raw.writer.write(data)
    await raw.ended()
    assert a.events.empty()


async def test_a_handshake_has_a_deadline(start: StartNode) -> None:
    """Half open, or byte by byte (R11): closed with the reason, however slowly it goes on."""
    a = await start(SMALL, limits=TransportLimits(handshake_s=0.05))
    raw = await Raw.connect(a)
    raw.writer.write(b"\x00\x00\x00\x43\xf0")
    told = wire.decode(await raw.read_frame())
    assert isinstance(told, Goodbye)
    assert told.code == "MV-2130"
    await raw.ended()


async def test_honest_nodes_get_through_half_open_connections(start: StartNode) -> None:
    """The oldest gives way, so the places are never taken for good (R11, ATK25)."""
    a = await start(SMALL, limits=TransportLimits(handshake_s=1000, max_handshakes=4, max_handshakes_per_address=100))
    half_open = [await Raw.connect(a) for _ in range(50)]
    honest = await Raw.peer(a, SMALL, LARGE)
    await a.next("connect")
    for raw in half_open[:46]:
        await raw.ended()
    assert len(a.transport._unproved) <= 4
    for raw in half_open[46:]:
        await drop_writer(raw)
    await drop_writer(honest)
    await a.next("disconnect")


async def test_places_per_address(start: StartNode, caplog: pytest.LogCaptureFixture) -> None:
    a = await start(SMALL, limits=TransportLimits(max_handshakes_per_address=2))
    raws = [await Raw.connect(a) for _ in range(3)]
    await raws[2].ended()
    assert "MV-2134" in caplog.text
    await drop_writer(raws[0])
    await drop_writer(raws[1])


async def test_a_flood_of_refusals_does_not_fill_the_log(start: StartNode, caplog: pytest.LogCaptureFixture) -> None:
    a = await start(SMALL, limits=TransportLimits(quiet_s=1e9))
    for _ in range(50):
        raw = await Raw.connect(a)
        raw.writer.write(b"\xff" * 4)
        await raw.ended()
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 1


def too_large(type_: type[Message]) -> bytes:
    return bytes((type_.TYPE,)) + bytes(type_.MAX_BYTES + 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "MV-2120"),
        (b"\x63", "MV-2101"),
        (too_large(HaveTransactions), "MV-1002"),
        (too_large(Goodbye), "MV-1002"),
        (b"\x0d\x91\xc0", "MV-1002"),
        (b"\x0d\xc0", "MV-1001"),
        (wire.encode(BlockResponse(Height(1), b"", b"")), "MV-2102"),
        (wire.encode(NoBlock(Height(1))), "MV-2102"),
        (wire.encode(OwnMessages((), ())), "MV-2102"),
        (too_large(BlockResponse)[:-1], "MV-2102"),
    ],
)
async def test_bad_messages_cost_the_connection(start: StartNode, data: bytes, code: str) -> None:
    a = await start(SMALL)
    raw = await Raw.peer(a, SMALL, LARGE)
    await a.next("connect")
    raw.sealed(data)
    assert await raw.refusal() == code
    await a.next("disconnect")


async def test_answers_are_taken_once_per_question(start: StartNode) -> None:
    a = await start(SMALL, greeting=(GetBlocks(Height(1), 2), AskOwn(Address(b"a" * 20))))
    raw = await Raw.peer(a, SMALL, LARGE)
    await a.next("connect")
    answers = [BlockResponse(Height(1), b"b", b"c"), NoBlock(Height(2)), OwnMessages((), ())]
    for answer in answers:
        raw.send(answer)
        assert (await a.next("message"))[1] == answer
    assert {type(await raw.read()) for _ in range(2)} == {GetBlocks, AskOwn}
    raw.send(NoBlock(Height(3)))
    assert await raw.refusal() == "MV-2102"


@pytest.mark.parametrize("size", [0, 16, peer_module.MAX_FRAME_BYTES + 1, 2**32 - 1])
async def test_lengths_out_of_bounds_are_refused_unread(start: StartNode, size: int) -> None:
    a = await start(SMALL)
    raw = await Raw.peer(a, SMALL, LARGE)
    await a.next("connect")
    raw.writer.write(size.to_bytes(4, "big"))
    assert await raw.refusal() == "MV-2120"
    await a.next("disconnect")


@pytest.mark.parametrize("altered", [True, False])
async def test_altered_and_repeated_frames(start: StartNode, altered: bool) -> None:
    a = await start(SMALL)
    raw = await Raw.peer(a, SMALL, LARGE)
    await a.next("connect")
    assert raw.channel is not None
    frame = raw.channel.seal(wire.encode(HaveTransactions(())))
    if altered:
        frame = frame[:-1] + bytes((frame[-1] ^ 1,))
    else:
        raw.frame(frame)
        await a.next("message")
    raw.frame(frame)
    assert await raw.refusal() == "MV-2121"
    await a.next("disconnect")


async def test_frames_may_come_byte_by_byte(start: StartNode) -> None:
    a = await start(SMALL)
    raw = await Raw.peer(a, SMALL, LARGE)
    await a.next("connect")
    assert raw.channel is not None
    message = HaveTransactions((Hash(b"h" * 32),))
    sealed = raw.channel.seal(wire.encode(message))
    for byte in len(sealed).to_bytes(4, "big") + sealed:
        raw.writer.write(bytes((byte,)))
        await raw.writer.drain()
    assert (await a.next("message"))[1] == message
    await drop_writer(raw)
    await a.next("disconnect")


async def test_a_silent_peer_is_dropped_and_gets_pings_before(start: StartNode) -> None:
    quick = PeerLimits(ping_s=0.01, silence_s=0.1)
    a = await start(SMALL, limits=TransportLimits(peer=quick))
    raw = await Raw.peer(a, SMALL, LARGE)
    await a.next("connect")
    assert isinstance(await raw.read(), Ping)
    assert await raw.refusal() == "MV-2131"
    await a.next("disconnect")


async def test_two_idle_nodes_keep_their_connection(start: StartNode) -> None:
    """Over several times the bound of silence, told by the pings that were sent."""
    quick = TransportLimits(peer=PeerLimits(ping_s=0.02, silence_s=10))
    a = await start(SMALL, limits=quick)
    raw = await Raw.peer(a, SMALL, LARGE)
    await a.next("connect")
    for _ in range(5):
        assert isinstance(await raw.read(), Ping)
        raw.send(Ping())
    assert a.events.empty()
    await drop_writer(raw)
    await a.next("disconnect")


async def test_a_frame_has_a_deadline_although_bytes_keep_coming(start: StartNode) -> None:
    a = await start(SMALL, limits=TransportLimits(peer=PeerLimits(silence_s=30, frame_s=0.1)))
    raw = await Raw.peer(a, SMALL, LARGE)
    await a.next("connect")
    raw.writer.write((100_000).to_bytes(4, "big"))

    async def trickle() -> None:
        while not raw.writer.is_closing():
            raw.writer.write(b"x")
            await asyncio.sleep(0.01)

    trickling = asyncio.create_task(trickle())
    assert await raw.refusal() == "MV-2131"
    trickling.cancel()
    await a.next("disconnect")


async def test_a_peer_that_takes_nothing_is_dropped(start: StartNode, caplog: pytest.LogCaptureFixture) -> None:
    a = await start(SMALL, limits=TransportLimits(peer=PeerLimits(silence_s=0.3, ping_s=10)))
    raw = await Raw.peer(a, SMALL, LARGE)
    at_a, _ = await a.next("connect")
    raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
    batch = Transactions((bytes(60_000),) * 4)

    async def fill() -> None:
        """Keep the queue full, and the connection from being silent in the other direction."""
        while not at_a.is_closing():
            while at_a.send(batch):
                pass
            assert at_a.queued_bytes <= sum(peer_module.QUEUE_BYTES.values())
            raw.send(Ping())
            await asyncio.sleep(0.01)

    await fill()
    await a.next("disconnect")
    assert "MV-2132" in caplog.text
    raw.writer.transport.abort()


async def test_queues_are_bounded_apart_from_each_other(start: StartNode) -> None:
    """A flood of transactions takes no room from consensus, nor from blocks."""
    a = await start(SMALL)
    raw = await Raw.peer(a, SMALL, LARGE)
    at_a, _ = await a.next("connect")
    batch = Transactions((bytes(60_000),) * 4)
    sent = 0
    while at_a.send(batch):  # nothing is written before this test waits
        sent += 1
    assert sent * len(wire.encode(batch)) <= peer_module.QUEUE_BYTES[wire.Priority.TRANSACTIONS]
    assert at_a.send(GetBlocks(Height(1), 1))
    assert at_a.send(AskOwn(Address(b"a" * 20)))
    assert at_a.queued_bytes > sent * 240_000
    order = [type(await raw.read()) for _ in range(sent + 2)]
    assert order == [AskOwn, GetBlocks] + [Transactions] * sent
    assert at_a.queued_bytes == 0
    await drop_writer(raw)
    await a.next("disconnect")
    assert not at_a.send(AskOwn(Address(b"a" * 20)))


async def test_one_message_of_any_type_fits_an_empty_queue() -> None:
    for cls in wire._CLASSES.values():
        assert peer_module.QUEUE_BYTES[cls.PRIORITY] >= 1 + cls.MAX_BYTES


async def test_the_rate_of_a_peer_is_bounded(start: StartNode) -> None:
    """30 small frames count 1,024 bytes each: 20,480 beyond what is free take 0.2 s at least, by arithmetic."""
    peer_limits = PeerLimits(bytes_per_s=100_000, burst_bytes=10_240)
    a = await start(SMALL, limits=TransportLimits(peer=peer_limits))
    raw = await Raw.peer(a, SMALL, LARGE)
    await a.next("connect")
    clock = asyncio.get_running_loop().time
    began = clock()
    for _ in range(31):
        raw.send(HaveTransactions(()))
        await a.next("message")  # so that each frame comes in a chunk of its own
    assert clock() - began >= 20_480 / 100_000 - 0.02
    await drop_writer(raw)
    await a.next("disconnect")


async def test_a_handler_that_refuses_a_message_costs_the_peer(start: StartNode) -> None:
    a = await start(SMALL)
    a.fault = BadPeer(codes.MALFORMED, what="status", why="it is forged")
    raw = await Raw.peer(a, SMALL, LARGE)
    await a.next("connect")
    raw.send(HaveTransactions(()))
    raw.send(HaveTransactions(()))
    assert await raw.refusal() == "MV-1001"
    await a.next("disconnect")


@pytest.mark.parametrize("fault", [RuntimeError("a bug"), OSError("disk"), TimeoutError("disk")])
async def test_a_bug_of_the_handler_stops_the_node(start: StartNode, fault: Exception) -> None:
    a = await start(SMALL)
    a.fault = fault
    raw = await Raw.peer(a, SMALL, LARGE)
    await a.next("connect")
    raw.send(HaveTransactions(()))
    assert a.running is not None
    with pytest.raises(BaseExceptionGroup) as caught:
        await a.running
    assert caught.value.subgroup(lambda error: error is fault) is not None
    await raw.ended()


async def test_close_tells_why_and_stops_delivery(start: StartNode) -> None:
    a = await start(SMALL)
    raw = await Raw.peer(a, SMALL, LARGE)
    at_a, _ = await a.next("connect")
    at_a.close(BadPeer(codes.UNKNOWN_NODE_KEY, key="ab"))
    at_a.close(BadPeer(codes.SELF_CONNECTION))
    raw.send(HaveTransactions(()))
    assert await raw.refusal() == "MV-2112"
    await a.next("disconnect")
    assert a.events.empty()


async def test_a_goodbye_is_logged_without_its_line_breaks(start: StartNode, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    a = await start(SMALL)
    raw = await Raw.peer(a, SMALL, LARGE)
    await a.next("connect")
    raw.send(Goodbye("MV-1\n", "line\nforged"))
    await raw.ended()
    await a.next("disconnect")
    assert "forged" in caplog.text
    assert "\nforged" not in caplog.text


async def test_a_node_that_comes_back_is_found_again(start: StartNode) -> None:
    a = await start(SMALL)
    b = await start(LARGE, (SMALL, a.port))
    await b.next("connect")
    await stop(a)
    await b.next("disconnect")
    again = await start(SMALL, port=a.port)
    await b.next("connect")
    await again.next("connect")


async def test_three_nodes_form_a_mesh(start: StartNode) -> None:
    a = await start(SMALL)
    b = await start(LARGE, (SMALL, a.port))
    c = await start(THIRD, (SMALL, a.port), (LARGE, b.port))
    for node in (a, b, c):
        assert {(await node.next("connect"))[0].key for _ in range(2)} == {
            key.public for key in (SMALL, LARGE, THIRD)
        } - {node.transport._local().key.public}


async def test_a_node_whose_key_was_replaced_is_dialled_with_the_present_one(start: StartNode) -> None:
    """A dial list that names an older key of an agency goes on to work (N7)."""
    b = await start(LARGE)
    addresses = [PeerAddress(HOST, b.port, SMALL.public)]

    def present(key: PublicKey) -> PublicKey:
        return LARGE.public if key == SMALL.public else key

    transport = Transport(lambda: Local(THIRD, GENESIS), addresses, name_of, QUICK, present)
    a = Node(transport, await transport.listen(HOST, 0))
    a.running = asyncio.create_task(transport.run(a))
    assert (await a.next("connect"))[0].key == LARGE.public
    assert (await b.next("connect"))[0].key == THIRD.public
    await stop(a)
    await b.next("disconnect")


async def test_who_may_not_be_connected_any_more_is_dropped_and_not_taken_again(start: StartNode) -> None:
    """As when the agencies remove one, or replace its node key."""
    known = {key.public: str(n) for n, key in enumerate((SMALL, LARGE, THIRD))}
    transport = Transport(lambda: Local(SMALL, GENESIS), (), known.get, QUICK)
    a = Node(transport, await transport.listen(HOST, 0))
    a.running = asyncio.create_task(transport.run(a))
    b = await start(LARGE, (SMALL, a.port))
    c = await start(THIRD, (SMALL, a.port))
    for node in (a, a, b, c):
        await node.next("connect")
    del known[LARGE.public]
    transport.drop_strangers()
    assert (await a.next("disconnect"))[0].key == LARGE.public
    await b.next("disconnect")
    assert [peer.key for peer in transport.peers] == [THIRD.public]
    with pytest.raises(BadPeer):
        await Raw.peer(a, SMALL, LARGE)
    assert [peer.key for peer in transport.peers] == [THIRD.public]
    for node in (b, c, a):
        await stop(node)


async def test_an_address_in_use(start: StartNode) -> None:
    a = await start(SMALL)
    with pytest.raises(BadConfiguration, match="MV-2136"):
        await start(LARGE, port=a.port)
