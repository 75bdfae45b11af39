"""The WebSocket at /websocket (RFC 6455, C136 to C138): the calls of the JSON-RPC, and subscriptions.

A connection takes one request after the other, so a client has at most one call under way, and one that does not read
its answers is asked nothing more; `api.connection` cuts it like any other. aiohttp answers pings and closes, and pings
a silent client.
"""

import asyncio
import logging
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from mvchain.api.events import EventFeed, Subscriber
from mvchain.api.rpc import Request, Rpc, encode, failure, read_request, result
from mvchain.api.rpc_params import Kind, from_json
from mvchain.core import codes
from mvchain.core.errors import BadRequest, MvchainError

_log = logging.getLogger(__name__)

PING_S: Final = 20.0
"""A silent client is pinged after this, and dropped after half as much again: 30 s of silence in all (C137)."""
GOODBYE_S: Final = 1.0
"""How long a client may take to answer a close."""
_QUERY: Final = {"query": Kind.TEXT}


class WebSockets:
    """The WebSocket connections of one server."""

    def __init__(self, rpc: Rpc, feed: EventFeed, max_message: int) -> None:
        self._rpc = rpc
        self._feed = feed
        self._max_message = max_message
        self._open: set[web.WebSocketResponse] = set()

    async def serve(self, request: web.BaseRequest, source: str, headers: dict[str, str]) -> web.StreamResponse:
        """Upgrades the connection and serves it until it closes; raises BadRequest if it cannot be upgraded."""
        # No compression: a short message could stand for a long one.
        socket = web.WebSocketResponse(
            heartbeat=PING_S, timeout=GOODBYE_S, compress=False, max_msg_size=self._max_message
        )
        socket.headers.update(headers)
        try:
            await socket.prepare(request)
        except web.HTTPBadRequest:
            raise BadRequest(codes.WEBSOCKET_REFUSED) from None
        assert request.transport is not None
        subscriber = Subscriber(request.transport)
        self._open.add(socket)
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                await self._rpc.turn()
                await self._take(message.data, subscriber, socket, source)
        except ConnectionError:
            pass  # the client left
        except Exception:
            _log.exception("a WebSocket failed")
        finally:
            self._feed.leave(subscriber)
            self._open.discard(socket)
        # What aiohttp closed itself, as after a message that is too long, stays as it is.
        await socket.close(code=WSCloseCode.UNSUPPORTED_DATA)
        return socket

    def start(self) -> None:
        """Follows the chain for those who will subscribe."""
        self._feed.start()

    async def stop(self) -> None:
        """Says goodbye to all."""
        self._feed.stop()
        goodbyes = [asyncio.create_task(socket.close(code=WSCloseCode.GOING_AWAY)) for socket in self._open]
        if goodbyes:
            await asyncio.wait(goodbyes, timeout=GOODBYE_S)

    async def _take(self, text: str, subscriber: Subscriber, socket: web.WebSocketResponse, source: str) -> None:
        try:
            request = read_request(await self._rpc.read_json(text.encode()))
        except BadRequest as error:
            await socket.send_frame(failure(None, error), WSMsgType.TEXT)
            return
        if request.id is None:
            return
        answer = self._subscribe(request, subscriber) or await self._rpc.message(request, source)
        await socket.send_frame(answer, WSMsgType.TEXT)

    def _subscribe(self, request: Request, subscriber: Subscriber) -> bytes | None:
        """The answer to a request about subscriptions; None for others."""
        assert request.id is not None
        try:
            match request.method:
                case "subscribe":
                    query = str(from_json(_QUERY, request.params).get("query", ""))
                    self._feed.subscribe(subscriber, query, request.id)
                case "unsubscribe":
                    self._feed.unsubscribe(subscriber, str(from_json(_QUERY, request.params).get("query", "")))
                case "unsubscribe_all":
                    self._feed.unsubscribe_all(subscriber)
                case _:
                    return None
        except MvchainError as error:
            return failure(request.id, error, over_websocket=True)
        return result(request.id, encode({}))
