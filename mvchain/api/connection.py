"""Connections to the public API: caps, deadlines of our own, and aiohttp's own errors in our words.

aiohttp never cuts a body at 1 byte/s or a client that does not read its answer, and its header deadline is
its keep-alive time (security 3.2). So: one timer looks at all connections and aborts those that are overdue
with their headers (LIM03) or with taking an answer (LIM06); the body's deadline (LIM04) is in `api.server`,
which can still answer; aiohttp itself ends idle connections (LIM05).
"""

import asyncio
import ipaddress
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final, cast

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import LineTooLong
from aiohttp.http_parser import RawRequestMessage

from mvchain.api.answer import Answer
from mvchain.api.errors import problem
from mvchain.api.limits import ApiLimits
from mvchain.core import codes
from mvchain.core.errors import BadRequest

_log = logging.getLogger(__name__)

HEADERS: Final = {
    # In place of aiohttp's own, which names versions (H25).
    "Server": "mvchain",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": ("default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    "Referrer-Policy": "no-referrer",
}
"""On every answer (H15)."""
_PUBLIC: Final = {"Access-Control-Allow-Origin": "*"}
"""On answers to GET (H16): all of it is public and nothing depends on who asks, so a page that one node serves may ask
the others. Nothing else is allowed to pages of other origins."""

READING: Final = frozenset({"GET", "HEAD"})

_SWEEPS_PER_DEADLINE = 8
"""How finely deadlines are kept: they end at most an eighth late."""


def to_response(answer: Answer, method: str = "") -> web.Response:
    """The answer to a request with this method, with the headers that all answers have."""
    headers = {
        **HEADERS,
        **(_PUBLIC if method in READING else {}),
        "Content-Type": answer.media_type,
        "Cache-Control": answer.cache.value,
        **answer.headers,
    }
    return web.Response(body=answer.body, status=answer.status, headers=headers)


def network_of(peername: object) -> str:
    """Whom a connection is counted for: its IPv4 address, or its IPv6 /64, which one household has whole."""
    host = str(peername[0]) if isinstance(peername, tuple) else ""
    if ":" not in host:
        return host
    address = ipaddress.IPv6Address(host.partition("%")[0])
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, 64), strict=False))


Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Connection(web.RequestHandler):
    """One connection; aiohttp parses, this class keeps the time."""

    __slots__ = ("_answering", "_header_deadline", "_limits", "_listener", "_mark", "_wire", "held_bytes", "source")

    def __init__(self, listener: "Listener", loop: asyncio.AbstractEventLoop, limits: ApiLimits) -> None:
        super().__init__(
            listener,
            loop=loop,
            keepalive_timeout=limits.idle_s,
            lingering_time=limits.linger_s,
            max_line_size=limits.max_line,
            max_field_size=limits.max_line,
            max_headers=limits.max_headers,
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type]  # aiohttp's way to switch it off
        )
        self._listener = listener
        self._limits = limits
        self._answering = False
        self._header_deadline: float | None = None
        self._mark: tuple[float, int] | None = None
        """Since when bytes of answers have been waiting for the client, and how many waited then."""
        self._wire: asyncio.Transport | None = None
        """Like `transport`, which aiohttp forgets on closing, although unsent bytes keep the socket open."""
        self.source = ""
        """Whom this connection is counted for."""
        self.held_bytes = 0
        """Of the body of the request that is being answered."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts the header deadline, or closes at once where there are too many connections (LIM07)."""
        super().connection_made(transport)
        self._wire = cast(asyncio.Transport, transport)
        self._header_deadline = self._loop.time() + self._limits.header_s
        self.source = network_of(transport.get_extra_info("peername"))
        if not self._listener.admit(self):
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Frees its place."""
        self._wire = None
        self._listener.release(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The first byte of a request starts its header deadline."""
        if not self._answering and self._header_deadline is None:
            self._header_deadline = self._loop.time() + self._limits.header_s
        super().data_received(data)

    def begin_answer(self) -> None:
        """The headers are complete: the server takes over until the answer is written."""
        self._answering = True
        self._header_deadline = None

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Writes the answer."""
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._answering = False
            self._header_deadline = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answers what aiohttp could not parse; its own answer repeats the bytes and names versions (H25)."""
        del message
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is on its way already")
        if status >= 500:
            _log.error("a request failed outside its handler", exc_info=exc)
            cause = codes.INTERNAL
        elif isinstance(exc, LineTooLong):
            cause = codes.REQUEST_HEAD_TOO_LARGE
        else:
            cause = codes.NOT_HTTP
        response = to_response(problem(BadRequest(cause)))
        response.force_close()
        return response

    def abort_if_overdue(self, now: float) -> None:
        """Cuts the connection if its headers are late or its client does not take what was answered."""
        late = self._header_deadline is not None and now >= self._header_deadline
        if late or self._is_unread(now):
            self.abort()

    @property
    def unsent(self) -> int:
        """Bytes of answers that wait for the client."""
        return 0 if self._wire is None else self._wire.get_write_buffer_size()

    def abort(self) -> None:
        """Cuts it, whatever waits."""
        if self._wire is not None:
            # Not close(): that waits until the client has read everything.
            self._wire.abort()

    def _is_unread(self, now: float) -> bool:
        waiting = self.unsent
        if waiting == 0:
            self._mark = None
            return False
        if self._mark is None:
            self._mark = (now, waiting)
            return False
        since, waited_then = self._mark
        taken = waited_then - waiting
        if taken >= self._limits.min_bytes_per_s * self._limits.answer_s:
            self._mark = (now, waiting)
            return False
        return now >= since + self._limits.answer_s


def _make_request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: "asyncio.Task[None]",
) -> web.BaseRequest:
    """A request to a path here, whatever server its target names.

    aiohttp would decode the name, outside of every handler, and fail at some: no answer, and a traceback in the log.
    """
    if message.url.absolute:
        message = message._replace(url=message.url.relative())
    return web.BaseRequest(message, payload, protocol, writer, task, asyncio.get_running_loop())


class Listener(web.Server):
    """Makes connections, counts them and looks after their deadlines."""

    def __init__(self, handler: Handler, limits: ApiLimits) -> None:
        super().__init__(handler, request_factory=_make_request)
        self._limits = limits
        self._open: set[Connection] = set()
        self._per_source: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self) -> Connection:
        """A connection that has not been made yet."""
        return Connection(self, asyncio.get_running_loop(), self._limits)

    def admit(self, connection: Connection) -> bool:
        """Counts a connection; whether there is a place for it (LIM07)."""
        self._open.add(connection)
        self._per_source[connection.source] += 1
        return (
            len(self._open) <= self._limits.connections
            and self._per_source[connection.source] <= self._limits.per_address
        )

    def release(self, connection: Connection) -> None:
        """Gives back the place of a closed connection."""
        self._open.discard(connection)
        self._per_source[connection.source] -= 1
        if self._per_source[connection.source] <= 0:
            del self._per_source[connection.source]

    def start_deadlines(self) -> None:
        """Looks at all connections from now on."""
        interval_s = min(self._limits.header_s, self._limits.answer_s) / _SWEEPS_PER_DEADLINE
        self._timer = asyncio.get_running_loop().call_later(interval_s, self._sweep)

    def stop_deadlines(self) -> None:
        """Stops looking."""
        if self._timer is not None:
            self._timer.cancel()

    def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in tuple(self._open):
            connection.abort_if_overdue(now)
        self._bound_unsent()
        self.start_deadlines()

    def _bound_unsent(self) -> None:
        """Cuts those for whom most is waiting, where too much is: many slow readers of large blocks."""
        unsent = sum(connection.unsent for connection in self._open)
        if unsent <= self._limits.max_unsent:
            return
        for connection in sorted(self._open, key=lambda connection: connection.unsent, reverse=True):
            unsent -= connection.unsent
            connection.abort()
            if unsent <= self._limits.max_unsent:
                return
