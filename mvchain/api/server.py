"""The public API on a socket: which request goes to which route, and what may not pass (security 3.1).

Built on aiohttp's low-level server: one handler, no middleware, so that a submission costs little more than
its parsing, and every byte that leaves is written here or in `api.connection`.
"""

import asyncio
import logging
from collections.abc import Mapping

from aiohttp import web

from mvchain.api import params, rest
from mvchain.api.answer import Answer
from mvchain.api.budget import ReadBudget
from mvchain.api.chain_view import ChainView
from mvchain.api.connection import HEADERS, READING, Connection, to_response
from mvchain.api.errors import problem
from mvchain.api.events import EventFeed
from mvchain.api.limits import ApiLimits
from mvchain.api.rpc import Rpc
from mvchain.api.rpc_methods import METHODS
from mvchain.api.site import Site
from mvchain.api.views import NodeView
from mvchain.api.websocket import WebSockets
from mvchain.core import codes
from mvchain.core.errors import BadRequest, BrokenStorage

_log = logging.getLogger(__name__)

RPC_PATH = "/"
WEBSOCKET_PATH = "/websocket"
"""Of the JSON-RPC (C97, C136); `/METHOD` is a call in a URL (C100)."""


class ApiServer:
    """Serves one node's view on one address. TLS is the business of a proxy before it (H14).

    Args:
        chain: what the JSON-RPC reads; without it there is none.
    """

    def __init__(self, view: NodeView, limits: ApiLimits | None = None, chain: ChainView | None = None) -> None:
        self._view = view
        self._limits = limits or ApiLimits()
        self._reads = ReadBudget(self._limits.read_share, self._limits.read_queue_s)
        self._watch = ReadBudget(self._limits.watch_share, self._limits.read_queue_s)
        self._rpc: Rpc | None = None
        self._sockets: WebSockets | None = None
        if chain is not None:
            max_body, answer_s = self._limits.max_body, self._limits.answer_s
            self._rpc = Rpc(view, chain, self._reads, max_body=max_body, answer_s=answer_s)
            self._sockets = WebSockets(self._rpc, EventFeed(chain, self._reads), max_body)
        # "/v1/polls/{number}" is found under "/v1/polls/".
        self._fixed = {route.path: route for route in rest.ROUTES if not route.path.endswith("}")}
        self._by_prefix = {
            route.path[: route.path.index("{")]: route for route in rest.ROUTES if route.path.endswith("}")
        }
        self._site = Site(self._handle, self._limits)
        self._held_bytes = 0
        """Of bodies, by all requests that have not been answered."""

    async def start(self, host: str, port: int) -> None:
        """Listens on `host` and `port` (0: any free one); raises BadConfiguration if it cannot."""
        await self._site.start(host, port)
        if self._sockets is not None:
            self._sockets.start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it listens on."""
        return self._site.address

    async def stop(self) -> None:
        """Takes no more connections, lets requests under way end for a moment, and closes the rest."""
        if self._sockets is not None:
            await self._sockets.stop()
        await self._site.stop()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, Connection)
        connection.begin_answer()
        try:
            if self._sockets is not None and request.method == "GET" and request.rel_url.raw_path == WEBSOCKET_PATH:
                return await self._sockets.serve(request, connection.source, HEADERS)
            answer = await self._answer(request, connection.source)
        except BadRequest as error:
            answer = problem(error)
        except ConnectionError:
            # The client left in the middle of its body; nobody reads what follows.
            answer = problem(BadRequest(codes.NOT_HTTP))
        except BrokenStorage as error:
            self._view.storage_broke(error)
            answer = problem(BadRequest(codes.INTERNAL))
        except Exception:
            _log.exception("a request to the public API failed")
            answer = problem(BadRequest(codes.INTERNAL))
        finally:
            self._held_bytes -= connection.held_bytes
            connection.held_bytes = 0
        response = to_response(answer, request.method)
        if not request.content.is_eof():
            response.force_close()
        return response

    async def _answer(self, request: web.BaseRequest, source: str) -> Answer:
        path = request.rel_url.raw_path
        method = request.method
        if path == rest.SUBMIT_PATH:
            if method != "POST":
                return _method_not_allowed("POST")
            return await self._submit(request, source)
        if self._rpc is not None:
            if path == RPC_PATH and method == "POST":
                return await self._post_rpc(self._rpc, request, source)
            if path == WEBSOCKET_PATH:
                return _method_not_allowed("GET")
            if path[1:] in METHODS:
                if method not in READING:
                    return _method_not_allowed("GET, HEAD")
                if request.body_exists:
                    raise BadRequest(codes.BODY_UNEXPECTED)
                return await self._rpc.get(path[1:], request.rel_url.raw_query_string, source)
        return await self._read(request, path, method)

    async def _read(self, request: web.BaseRequest, path: str, method: str) -> Answer:
        route = self._fixed.get(path)
        argument = ""
        if route is None:
            prefix, slash, argument = path.rpartition("/")
            route = self._by_prefix.get(prefix + slash)
        if route is None or (not argument and path not in self._fixed):
            raise BadRequest(codes.ROUTE_UNKNOWN)
        if method not in READING:
            return _method_not_allowed("GET, HEAD")
        if request.body_exists:
            raise BadRequest(codes.BODY_UNEXPECTED)
        query = params.parse_query(request.rel_url.raw_query_string, route.query)
        call = rest.Call(argument, query, request.headers.get("Accept", ""))
        if route.wait is not None:
            await route.wait(self._view, call)
        budget = self._watch if route.watch else self._reads
        await budget.admit()
        with budget.charge():
            return route.read(self._view, call)

    async def _submit(self, request: web.BaseRequest, source: str) -> Answer:
        params.parse_query(request.rel_url.raw_query_string, frozenset())
        media_type, body = await self._typed_body(request, rest.SUBMIT_TYPES)
        raw_txs = rest.decode_batch(body, media_type, self._limits.max_body)
        return await rest.submit(self._view, raw_txs, source, self._limits.answer_s)

    async def _post_rpc(self, rpc: Rpc, request: web.BaseRequest, source: str) -> Answer:
        try:
            _, body = await self._typed_body(request, rest.JSON_TYPES)
        except BadRequest as error:
            if error.cause is not codes.BODY_TOO_LARGE:
                raise
            return rpc.unread(error)
        return await rpc.post(body, source)

    async def _typed_body(self, request: web.BaseRequest, types: Mapping[str, str]) -> tuple[str, bytes]:
        """The media type that its Content-Type stands for, and the body."""
        headers = request.headers
        if "Content-Encoding" in headers:
            raise BadRequest(codes.BODY_ENCODED)
        media_type = types.get(headers.get("Content-Type", "").replace(" ", "").lower())
        if media_type is None:
            raise BadRequest(codes.MEDIA_TYPE_UNKNOWN, allowed=" and ".join(sorted(set(types.values()), reverse=True)))
        if (request.content_length or 0) > self._limits.max_body:
            raise BadRequest(codes.BODY_TOO_LARGE, limit=self._limits.max_body)
        if (expect := headers.get("Expect")) is not None:
            await _continue(request, expect)
        return media_type, await self._body(request)

    def _hold(self, request: web.BaseRequest, size: int) -> None:
        """Count so many more bytes of its body until it is answered; raises BadRequest(NODE_BUSY)."""
        assert isinstance(request.protocol, Connection)
        request.protocol.held_bytes += size
        self._held_bytes += size
        if self._held_bytes > self._limits.max_bodies:
            raise BadRequest(codes.NODE_BUSY)

    async def _body(self, request: web.BaseRequest) -> bytes:
        """The whole body, within its size, its deadline and its rate (LIM01, LIM04)."""
        limits, content = self._limits, request.content
        if content.is_eof():
            # It came with its headers, as a single ballot does; `decode_batch` checks its size.
            body = content.read_nowait()
            self._hold(request, len(body))
            return body
        chunks: list[bytes] = []
        size = 0
        started = asyncio.get_running_loop().time()
        end = started + limits.body_s
        try:
            async with asyncio.timeout_at(min(end, started + limits.slow_start_s)) as deadline:
                while chunk := await content.readany():
                    chunks.append(chunk)
                    size += len(chunk)
                    self._hold(request, len(chunk))
                    if size > limits.max_body:
                        raise BadRequest(codes.BODY_TOO_LARGE, limit=limits.max_body)
                    enough_until = started + limits.slow_start_s + size / limits.min_bytes_per_s
                    deadline.reschedule(min(end, enough_until))
        except TimeoutError:
            raise BadRequest(codes.BODY_TOO_SLOW, seconds=limits.body_s, bytes_per_s=limits.min_bytes_per_s) from None
        except web.RequestPayloadError:
            raise BadRequest(codes.NOT_HTTP) from None
        return b"".join(chunks)


def _method_not_allowed(allowed: str) -> Answer:
    return problem(BadRequest(codes.METHOD_NOT_ALLOWED, allowed=allowed), headers={"Allow": allowed})


async def _continue(request: web.BaseRequest, expect: str) -> None:
    """Asks for the body that a client holds back (RFC 9110 §10.1.1)."""
    if expect.lower() != "100-continue":
        raise BadRequest(codes.EXPECTATION_UNKNOWN)
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # The interim answer does not count as the beginning of the final one.
    request.writer.output_size = 0
