"""Slow, silent and greedy clients (security 3.2, LIM03-LIM07); each test waits for the close.

Only the deadline under test is short, so that a busy machine fails none of them.
"""

import asyncio
import socket

import pytest

from mvchain.api.connection import Connection, Listener, network_of
from mvchain.api.limits import ApiLimits
from tests.api.conftest import Serve
from tests.api.helpers import MemoryNode, RawClient, post, request

STATUS = request("GET", "/v1/status")
ENDLESS_HEADER = STATUS[:-2] + b"X-Long: " + b"x" * 4_000


async def test_a_silent_connection_is_cut(serve: Serve) -> None:
    client = await serve(header_s=0.2)
    assert await client.closed() == b""


async def test_half_a_header_and_then_nothing_is_cut(serve: Serve) -> None:
    client = await serve(header_s=0.2)
    await client.send(STATUS[:20])
    assert await client.closed() == b""


async def test_a_dripping_header_is_cut(serve: Serve) -> None:
    client = await serve(header_s=0.2)
    assert await client.drip(ENDLESS_HEADER) == b""


async def test_the_header_of_a_later_request_has_the_same_deadline(serve: Serve) -> None:
    client = await serve(header_s=0.5)
    await client.send(STATUS)
    assert (await client.answer()).status == 200
    assert await client.drip(ENDLESS_HEADER) == b""


async def test_an_idle_connection_is_cut_after_its_answer(serve: Serve) -> None:
    client = await serve(idle_s=0.2)
    await client.send(STATUS)
    assert (await client.answer()).status == 200
    assert await client.closed() == b""


async def test_between_requests_no_header_is_late(raw: RawClient) -> None:
    await raw.send(STATUS)
    await raw.answer()
    (connection,) = open_connections(raw)
    connection.abort_if_overdue(asyncio.get_running_loop().time() + 3_600)
    await raw.send(STATUS)
    assert (await raw.answer()).status == 200


def open_connections(client: RawClient) -> list[Connection]:
    listener = client.server._site._listener
    assert listener is not None
    return list(listener._open)


async def test_a_dripping_body_is_answered_and_cut(serve: Serve) -> None:
    client = await serve(slow_start_s=0.2, linger_s=0.1)
    await client.send(post(b"x" * 10_000)[:-10_000])
    said = await client.drip(b"x" * 10_000)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"MV-6008" in said
    assert await client.closed() == b""


async def test_a_body_that_stops_is_answered_and_cut(serve: Serve) -> None:
    # At 1,000 bytes/s these would be in time for a quarter of an hour: the deadline itself ends it.
    client = await serve(body_s=0.3, linger_s=0.1)
    await client.send(post(b"x" * 900_000)[:-1])
    answer = await client.answer()
    assert answer.status == 408
    assert answer.headers["connection"] == "close"
    assert await client.closed() == b""


async def test_a_client_that_never_reads_is_cut(
    serve: Serve, node: MemoryNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.genesis_document = b" " * 32_000_000
    cut = asyncio.Event()
    release = Listener.release

    def released(listener: Listener, connection: Connection) -> None:
        release(listener, connection)
        cut.set()

    server = (await serve(answer_s=0.3)).server
    monkeypatch.setattr(Listener, "release", released)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(deaf, server.address)
        await loop.sock_sendall(deaf, request("GET", "/v1/genesis"))
        await cut.wait()
        taken = 0
        while chunk := await loop.sock_recv(deaf, 1_000_000):
            taken += len(chunk)
    assert taken < 32_000_000


async def test_a_client_that_reads_gets_a_large_answer(raw: RawClient, node: MemoryNode) -> None:
    node.genesis_document = b" " * 32_000_000
    await raw.send(request("GET", "/v1/genesis"))
    assert len((await raw.answer()).body) == 32_000_000


class Wire(asyncio.Transport):
    """A transport of which only the waiting bytes matter."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = 0
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.parametrize(
    ("waiting_at", "cut"),
    [
        ({0: 0, 9: 0, 100: 0}, False),
        # Waits for 10 s without a byte taken.
        ({0: 50_000, 9: 50_000}, False),
        ({0: 50_000, 10: 50_000}, True),
        # Takes 1,000 bytes per second, then less.
        ({0: 50_000, 5: 45_000, 10: 40_000, 15: 35_000, 19: 31_000}, False),
        ({0: 50_000, 10: 40_000, 20: 30_001}, True),
        # Takes everything now and then.
        ({0: 50_000, 9: 0, 10: 50_000, 19: 50_000}, False),
        # Asks for more and takes nothing.
        ({0: 50_000, 5: 60_000, 10: 70_000}, True),
    ],
)
async def test_answers_are_taken_at_a_thousand_bytes_a_second(waiting_at: dict[int, int], cut: bool) -> None:
    async def unused(_request: object) -> None:
        raise NotImplementedError

    limits = ApiLimits(answer_s=10, min_bytes_per_s=1_000)
    connection = Listener(unused, limits)()  # type: ignore[arg-type]
    connection._wire = wire = Wire()
    for now, waiting in waiting_at.items():
        assert not wire.aborted
        wire.waiting = waiting
        connection.abort_if_overdue(now)
    assert wire.aborted is cut


async def test_too_much_that_waits_costs_those_for_whom_most_waits() -> None:
    async def unused(_request: object) -> None:
        raise NotImplementedError

    listener = Listener(unused, ApiLimits(max_unsent=100))  # type: ignore[arg-type]
    wires = {waiting: Wire() for waiting in (10, 50, 20, 40)}
    for waiting, wire in wires.items():
        connection = listener()
        connection._wire, wire.waiting = wire, waiting
        listener.admit(connection)
    listener._bound_unsent()
    assert [waiting for waiting, wire in wires.items() if wire.aborted] == [50]
    wires[50].waiting, wires[20].waiting = 0, 50
    listener._bound_unsent()
    assert not wires[20].aborted


async def test_one_address_gets_its_places_and_no_more(serve: Serve) -> None:
    first = await serve(per_address=2, idle_s=0.5)
    second = await RawClient.connect(first.server)
    await first.send(STATUS)
    await second.send(STATUS)
    assert [(await first.answer()).status, (await second.answer()).status] == [200, 200]
    third = await RawClient.connect(first.server)
    assert await third.closed() == b""
    # A place that is given back can be taken.
    await first.closed()
    fourth = await RawClient.connect(first.server)
    await fourth.send(STATUS)
    assert (await fourth.answer()).status == 200
    for client in (second, third, fourth):
        await client.close()


async def test_all_addresses_together_get_their_places_and_no_more(serve: Serve) -> None:
    first = await serve(connections=1)
    await first.send(STATUS)
    assert (await first.answer()).status == 200
    second = await RawClient.connect(first.server)
    assert await second.closed() == b""
    await second.close()


async def test_stopping_closes_open_connections(raw: RawClient) -> None:
    await raw.send(STATUS)
    await raw.answer()
    await raw.server.stop()
    assert await raw.closed() == b""
    assert open_connections(raw) == []


@pytest.mark.parametrize(
    ("peername", "counted_for"),
    [
        (("192.0.2.7", 4711), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 4711, 0, 0), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:ffff::1", 4711, 0, 0), "2001:db8:1:2::/64"),
        (("::ffff:192.0.2.7", 4711, 0, 0), "192.0.2.7"),
        (("fe80::1%eth0", 4711, 0, 2), "fe80::/64"),
        ("", ""),
        (None, ""),
    ],
)
def test_whom_a_connection_is_counted_for(peername: object, counted_for: str) -> None:
    assert network_of(peername) == counted_for
