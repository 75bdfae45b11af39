"""A node that lies: it passes requests on to an honest one and changes what comes back."""

import json
from typing import Final, Self

import aiohttp
from aiohttp import WSMsgType, web

from mvchain.interop.lies import Lie
from mvchain.interop.rpc import REQUEST_S, read_bounded
from mvchain.localnet import HOST

MAX_REQUEST_BYTES: Final = 1_000_000


class Liar:
    """JSON-RPC as the node at `upstream` speaks it, but for the lie of the moment; an async context manager."""

    def __init__(self, upstream: str) -> None:
        self.url = ""
        self.lie: Lie | None = None
        """Told until it is changed; None for the truth."""
        self.told = 0
        """How often the lie of the moment changed an answer."""
        self._upstream = upstream
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    def begin(self, lie: Lie | None) -> None:
        """Tell this from now on."""
        self.lie, self.told = lie, 0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_S))
        application = web.Application(client_max_size=MAX_REQUEST_BYTES)
        application.add_routes([web.post("/", self._answer), web.get("/websocket", self._websocket)])
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _answer(self, request: web.Request) -> web.Response:
        assert self._session is not None
        asked = json.loads(await request.read())
        async with self._session.post(self._upstream, json=asked) as response:
            document = json.loads(await read_bounded(response))
        if self.lie is not None and asked.get("method") == self.lie.method and "result" in document:
            before = json.dumps(document)
            self.lie.tell(document["result"])
            self.told += json.dumps(document) != before
        return web.json_response(document)

    @staticmethod
    async def _websocket(request: web.Request) -> web.WebSocketResponse:
        """Taken, and nothing is said on it: the proxy opens it and asks nothing there (C96)."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.ERROR:
                break
        return socket
