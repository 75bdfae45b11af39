"""mvchain.interop.liar: the truth but for the lie of the moment, in front of a node that is played on a socket."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest_asyncio
from aiohttp import web

from mvchain.interop.liar import Liar
from mvchain.interop.lies import Lie
from mvchain.interop.rpc import Answer, Rpc


async def played_node(request: web.Request) -> web.Response:
    asked = await request.json()
    answer: dict[str, Any] = {"jsonrpc": "2.0", "id": asked["id"]}
    if asked["method"] == "missing":
        return web.json_response(answer | {"error": {"code": -32603, "message": "Internal error", "data": "none"}})
    return web.json_response(answer | {"result": {"method": asked["method"], "params": asked["params"], "code": 0}})


@pytest_asyncio.fixture
async def liar() -> AsyncIterator[Liar]:
    application = web.Application()
    application.add_routes([web.post("/", played_node)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    async with Liar(f"http://{host}:{port}") as running:
        yield running
    await runner.cleanup()


def tell(result: Any) -> None:
    result["code"] = 1


LIE = Lie("a code", "tx", tell, "")


async def test_only_the_method_of_the_lie_is_lied_about(liar: Liar) -> None:
    async with Rpc(liar.url) as client:
        truth = Answer({"method": "tx", "params": {"hash": "AA=="}, "code": 0}, None)
        assert await client.ask("tx", {"hash": "AA=="}) == truth
        liar.begin(LIE)
        assert await client.ask("tx", {"hash": "AA=="}) == Answer({**truth.result, "code": 1}, None)
        assert (await client.ask("block", {})).result["code"] == 0
        assert liar.told == 1
        liar.begin(None)
        assert await client.ask("tx", {"hash": "AA=="}) == truth


async def test_an_error_stays_what_it_is(liar: Liar) -> None:
    liar.begin(Lie("nothing", "missing", tell, ""))
    async with Rpc(liar.url) as client:
        assert await client.ask("missing", {}) == Answer(None, "Internal error none")
    assert liar.told == 0


async def test_a_lie_that_changes_nothing_was_not_told(liar: Liar) -> None:
    liar.begin(Lie("nothing", "tx", lambda _result: None, ""))
    async with Rpc(liar.url) as client:
        await client.ask("tx", {})
    assert liar.told == 0


async def test_a_websocket_is_taken(liar: Liar) -> None:
    """The proxy of CometBFT ends if it is not (C96)."""
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{liar.url}/websocket") as socket:
        await socket.send_str(json.dumps({"anything": 1}))
        assert not socket.closed
