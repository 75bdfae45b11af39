"""The public API on a socket: which request goes to which route, and what may not pass (security 3.1).

Built on aiohttp's low-level server: one handler, no middleware, so that a submission costs little more than
its parsing, and every byte that leaves is written here or in `api.connection`.
"""

import asyncio
import logging

from aiohttp import http_parser, web

from mvchain.api import rest
from mvchain.api.answer import JSON, MSGPACK, Answer
from mvchain.api.budget import ReadBudget
from mvchain.api.connection import Connection, Listener, to_response
from mvchain.api.errors import problem
from mvchain.api.limits import ApiLimits
from mvchain.api.views import NodeView
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BadRequest

_log = logging.getLogger(__name__)

_STOP_S = 2.0
"""How long requests under way may take to end when the server stops."""


class ApiServer:
    """Serves one node's view on one address. TLS is the business of a proxy before it (H14)."""

    def __init__(self, view: NodeView, limits: ApiLimits | None = None) -> None:
        if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
            raise BadConfiguration(codes.HTTP_PARSER_MISSING)
        self._view = view
        self._limits = limits or ApiLimits()
        self._reads = ReadBudget(self._limits.read_share, self._limits.read_queue_s)
        self._watch = ReadBudget(self._limits.watch_share, self._limits.read_queue_s)
        # "/v1/polls/{number}" is found under "/v1/polls/".
        self._fixed = {route.path: route for route in rest.ROUTES if not route.path.endswith("}")}
        self._by_prefix = {
            route.path[: route.path.index("{")]: route for route in rest.ROUTES if route.path.endswith("}")
        }
        self._listener: Listener | None = None
        self._runner: web.ServerRunner | None = None

    async def start(self, host: str, port: int) -> None:
        """Listens on `host` and `port` (0: any free one); raises BadConfiguration if it cannot."""
        self._listener = Listener(self._handle, self._limits)
        self._runner = web.ServerRunner(self._listener, shutdown_timeout=_STOP_S)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise BadConfiguration(codes.CANNOT_LISTEN, host=host, port=port, why=error.strerror) from error
        self._listener.start_deadlines()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it listens on."""
        assert self._runner is not None, "not started"
        host, port = self._runner.addresses[0][:2]
        return host, port

    async def stop(self) -> None:
        """Takes no more connections, lets requests under way end for a moment, and closes the rest."""
        if self._runner is None or self._listener is None:
            return
        self._listener.stop_deadlines()
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, Connection)
        connection.begin_answer()
        try:
            answer = await self._answer(request, connection.source)
        except BadRequest as error:
            answer = problem(error)
        except ConnectionError:
            # The client left in the middle of its body; nobody reads what follows.
            answer = problem(BadRequest(codes.NOT_HTTP))
        except Exception:
            _log.exception("a request to the public API failed")
            answer = problem(BadRequest(codes.INTERNAL))
        response = to_response(answer)
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
        route = self._fixed.get(path)
        argument = ""
        if route is None:
            prefix, slash, argument = path.rpartition("/")
            route = self._by_prefix.get(prefix + slash)
        if route is None or (not argument and path not in self._fixed):
            raise BadRequest(codes.ROUTE_UNKNOWN)
        if method not in ("GET", "HEAD"):
            return _method_not_allowed("GET, HEAD")
        if request.body_exists:
            raise BadRequest(codes.BODY_UNEXPECTED)
        query = rest.parse_query(request.rel_url.raw_query_string, route.query)
        call = rest.Call(argument, query, request.headers.get("Accept", ""))
        if route.wait is not None:
            await route.wait(self._view, call)
        budget = self._watch if route.watch else self._reads
        await budget.admit()
        with budget.charge():
            return route.read(self._view, call)

    async def _submit(self, request: web.BaseRequest, source: str) -> Answer:
        rest.parse_query(request.rel_url.raw_query_string, frozenset())
        headers = request.headers
        if "Content-Encoding" in headers:
            raise BadRequest(codes.BODY_ENCODED)
        media_type = rest.SUBMIT_TYPES.get(headers.get("Content-Type", "").replace(" ", "").lower())
        if media_type is None:
            raise BadRequest(codes.MEDIA_TYPE_UNKNOWN, allowed=f"{MSGPACK} and {JSON}")
        if (request.content_length or 0) > self._limits.max_body:
            raise BadRequest(codes.BODY_TOO_LARGE, limit=self._limits.max_body)
        if (expect := headers.get("Expect")) is not None:
            await _continue(request, expect)
        body = await self._body(request)
        raw_txs = rest.decode_batch(body, media_type, self._limits.max_body)
        return await rest.submit(self._view, raw_txs, source, self._limits.answer_s)

    async def _body(self, request: web.BaseRequest) -> bytes:
        """The whole body, within its size, its deadline and its rate (LIM01, LIM04)."""
        limits, content = self._limits, request.content
        if content.is_eof():
            # It came with its headers, as a single ballot does; `decode_batch` checks its size.
            return content.read_nowait()
        chunks: list[bytes] = []
        size = 0
        started = asyncio.get_running_loop().time()
        end = started + limits.body_s
        try:
            async with asyncio.timeout_at(min(end, started + limits.slow_start_s)) as deadline:
                while chunk := await content.readany():
                    chunks.append(chunk)
                    size += len(chunk)
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
