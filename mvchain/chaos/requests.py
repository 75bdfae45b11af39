"""R12: HTTP clients that are slow, huge, deep or ambiguous: refused or hung up on, while blocks go on as before."""

import asyncio
import contextlib
import gzip
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from mvchain.chaos.partitions import LEAST_INTERVAL_S, MAX_RATIO, interval_s
from mvchain.chaos.stage import HEIGHTS, Stage
from mvchain.chaos.watch import use_of
from mvchain.localnet import HOST

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

SLOW_CLIENTS: Final = 500
PER_SOURCE: Final = 100
"""Clients of one address; a localnet takes 200 of each."""
CUT_S: Final = 60.0
"""Within which a client that stands still is cut off: well above the deadlines of the API, up to 15 s each (LIM03 to
LIM06), since those who wait behind hundreds of others are served first."""
BUSY_CLIENTS: Final = 10
"""That send requests which are refused at once, one after the other."""
ANSWER_S: Final = 20.0
CHUNK_BYTES: Final = 65_536
HUGE_BYTES: Final = 10**9
DEPTH: Final = 100_000
PIPELINED: Final = 1_000
DEAF_BYTES: Final = 4_096
DEAF_REQUESTS: Final = 4
"""Of some 46 kB each."""

_POST: Final = b"POST /v1/transactions HTTP/1.1\r\nHost: node\r\n"
_JSON: Final = _POST + b"Content-Type: application/json\r\n"


def _with_body(body: bytes, headers: bytes = b"") -> bytes:
    return _JSON + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body


BAD_REQUESTS: Final[Mapping[str, bytes]] = {
    "10^4 headers": b"GET / HTTP/1.1\r\nHost: node\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(10_000)) + b"\r\n",
    "gzip bomb": _with_body(gzip.compress(bytes(10_000_000)), b"Content-Encoding: gzip\r\n"),
    "bad UTF-8": _with_body(b'{"transactions": ["\xff\xfe"]}'),
    "JSON nested 10^5 deep": _with_body(b"[" * DEPTH + b"]" * DEPTH),
    "NaN": _with_body(b'{"transactions": NaN}'),
    "2^70": _with_body(b'{"transactions": %d}' % 2**70),
    "duplicate keys": _with_body(b'{"transactions": [], "transactions": []}'),
    "two lengths": _POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}
"""Each is refused at once, with a status of 4xx or without a word."""


class Target:
    """The node that is asked."""

    def __init__(self, url: str, pid: int) -> None:
        self.port = urlsplit(url).port
        self.pid = pid
        self.wrong: list[str] = []
        """Answers that are no refusal, and connections that were not cut."""

    @asynccontextmanager
    async def connected(self, client: int = 0) -> AsyncIterator[Streams]:
        """A connection, of the address of this client."""
        source = f"127.0.2.{1 + client // PER_SOURCE}"
        streams = await asyncio.open_connection(HOST, self.port, local_addr=(source, 0))
        try:
            yield streams
        finally:
            streams[1].transport.abort()


async def _refused(target: Target, name: str, request: bytes) -> None:
    """One bad request."""
    async with target.connected() as (reader, writer):
        writer.write(request)
        async with asyncio.timeout(ANSWER_S):
            line = await reader.readline()
        if line and not line.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")):
            target.wrong.append(f"{name}: answered with {line!r}")


async def _huge(target: Target, head: bytes, chunk: bytes) -> None:
    """A body without an end: what the node takes of it is bounded, and it hangs up."""
    async with target.connected() as (reader, writer):
        writer.write(head)
        sent = 0
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(ANSWER_S):
                while sent < HUGE_BYTES and not reader.at_eof():
                    writer.write(chunk)
                    await writer.drain()
                    sent += len(chunk)
        if sent >= HUGE_BYTES:
            target.wrong.append(f"a body of {HUGE_BYTES:,} bytes was read to its end")


async def _gigabyte(target: Target) -> None:
    await _huge(target, _JSON + b"Content-Length: %d\r\n\r\n" % HUGE_BYTES, bytes(CHUNK_BYTES))


async def _chunks(target: Target) -> None:
    head = _JSON + b"Transfer-Encoding: chunked\r\n\r\n"
    await _huge(target, head, b"%x\r\n" % CHUNK_BYTES + bytes(CHUNK_BYTES) + b"\r\n")


async def _pipelined(target: Target) -> None:
    """A thousand requests before the first answer is read: what is answered is answered in order, or cut."""
    async with target.connected() as (reader, writer):
        with contextlib.suppress(ConnectionError):
            writer.write(b"GET /v1/status HTTP/1.1\r\nHost: node\r\n\r\n" * PIPELINED)
            async with asyncio.timeout(ANSWER_S):
                if not (await reader.readline()).startswith(b"HTTP/1.1 "):
                    target.wrong.append("pipelined requests: no answer")


ENDLESS: Final[Mapping[str, Callable[[Target], Coroutine[Any, Any, None]]]] = {
    "1 GB body": _gigabyte,
    "chunks without end": _chunks,
    "pipelining": _pipelined,
}


# --- slow clients ---


async def _half_a_header(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"GET /v1/status HTTP/1.1\r\nHost: no")
    await asyncio.get_running_loop().create_future()


async def _slow_body(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(_JSON + b"Content-Length: 10000\r\n\r\n")
    while True:
        writer.write(b" ")
        await asyncio.sleep(1)


Slow = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SLOW: Final[Mapping[str, Slow]] = {
    "half a header": _half_a_header,
    "a body at one byte a second": _slow_body,
}


async def _crowd(target: Target, name: str, act: Slow) -> int:
    """SLOW_CLIENTS at once; how many were turned away or cut, which all have to be."""

    async def one(client: int) -> bool:
        try:
            async with target.connected(client) as (reader, writer):
                acting = asyncio.ensure_future(act(reader, writer))
                try:
                    async with asyncio.timeout(CUT_S):
                        while await reader.read(CHUNK_BYTES):
                            pass
                finally:
                    acting.cancel()
                    await asyncio.gather(acting, return_exceptions=True)
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    return _all_cut(target, name, await asyncio.gather(*(one(client) for client in range(SLOW_CLIENTS))))


async def _deaf_crowd(target: Target, name: str) -> int:
    """SLOW_CLIENTS that read nothing of what they ask for: the node lets go of them, whatever its kernel holds."""
    before = use_of(target.pid).descriptors
    clients: list[socket.socket] = []
    try:
        for client in range(SLOW_CLIENTS):
            clients.append(await asyncio.to_thread(_deaf_client, target.port, client))  # noqa: PERF401 - each is closed
        until = time.monotonic() + CUT_S
        while True:
            held = max(0, use_of(target.pid).descriptors - before)
            if not held or time.monotonic() > until:
                break
            await asyncio.sleep(1)
        return _all_cut(target, name, [*[False] * held, *[True] * (SLOW_CLIENTS - held)])
    finally:
        for each in clients:
            each.close()


def _deaf_client(port: int | None, client: int) -> socket.socket:
    deaf = socket.socket()
    # Small, and never read from, so that what waits waits at the node.
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, DEAF_BYTES)
    deaf.bind((f"127.0.2.{1 + client // PER_SOURCE}", 0))
    deaf.connect((HOST, port))
    with contextlib.suppress(OSError):
        deaf.send(b"GET /v1/openapi.json HTTP/1.1\r\nHost: node\r\n\r\n" * DEAF_REQUESTS)
    return deaf


def _all_cut(target: Target, name: str, cut: Sequence[bool]) -> int:
    if left := cut.count(False):
        target.wrong.append(f"{name}: {left} of {len(cut)} clients were not cut in {CUT_S:.0f} s")
    return sum(cut)


# --- all of it ---


async def harass(stage: Stage, seconds: float) -> None:
    """R12: each kind of client at one node for so many seconds; all are refused and blocks go on."""
    number = stage.some_node()
    target = Target(stage.cluster.api_url(number), stage.cluster.pid(number))
    before_s = await interval_s(stage, stage.numbers, max(3.0, seconds))
    attacks = {name: partial(_refused, target, name, request) for name, request in BAD_REQUESTS.items()}
    attacks |= {name: partial(attack, target) for name, attack in ENDLESS.items()}
    for name, one in attacks.items():
        during_s = await _during(stage, name, one, seconds)
        most = MAX_RATIO * max(before_s, LEAST_INTERVAL_S)
        stage.expect(during_s <= most, f"R12: {name}: a block took {during_s:.2f} s, {before_s:.2f} s before")
    crowds = {name: partial(_crowd, target, name, act) for name, act in SLOW.items()}
    crowds["never reads the answer"] = partial(_deaf_crowd, target, "never reads the answer")
    for name, crowd in crowds.items():
        top = await stage.top()
        cut = await crowd()
        stage.note(f"{name}: {cut} of {SLOW_CLIENTS} clients cut off")
        await stage.reach(top + HEIGHTS, stage.numbers)
    stage.faults += [f"R12: {wrong}" for wrong in sorted(set(target.wrong))]


async def _during(stage: Stage, name: str, attack: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> float:
    """The block interval while clients do the same again and again."""
    count = 0

    async def one() -> None:
        nonlocal count
        while True:
            with contextlib.suppress(OSError):
                await attack()
            count += 1

    tasks = [asyncio.create_task(one()) for _ in range(BUSY_CLIENTS)]
    try:
        return await interval_s(stage, stage.numbers, seconds)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        stage.note(f"{name}: {count} requests")
