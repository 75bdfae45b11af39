"""mvchain.interop.cometbft: two answers are compared, and a proxy is there once it says so; all played here."""

import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.interop.checkers import Trust
from mvchain.interop.cometbft import compare, light_proxy
from mvchain.interop.questions import Question
from mvchain.interop.rpc import Rpc

TRUST = Trust("chain", 1, bytes(range(32)))


@asynccontextmanager
async def server(results: Mapping[str, Any]) -> AsyncIterator[str]:
    """Answers each method with its result, and any other with an error; notes the parameters."""

    async def answer(request: web.Request) -> web.Response:
        asked = await request.json()
        told: dict[str, Any] = {"jsonrpc": "2.0", "id": asked["id"]}
        if asked["method"] not in results:
            return web.json_response(told | {"error": {"code": -32603, "message": "Internal error", "data": "unknown"}})
        return web.json_response(told | {"result": {**results[asked["method"]], "asked": asked["params"]}})

    application = web.Application()
    application.add_routes([web.post("/", answer)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    yield f"http://{host}:{port}"
    await runner.cleanup()


async def faults(
    of_proxy: Mapping[str, Any], of_node: Mapping[str, Any], *questions: Question
) -> list[tuple[str, int, list[str]]]:
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(server(results)) for results in (of_proxy, of_node)]
        proxy, node = [await stack.enter_async_context(Rpc(url)) for url in urls]
        outcomes = await compare(proxy, node, questions, "mode")
    return [(outcome.what, outcome.count, list(outcome.faults)) for outcome in outcomes]


async def test_equal_answers_are_counted_by_method() -> None:
    same = {"block": {"height": "1"}, "commit": {"height": "1"}}
    questions = [Question("block", {"height": "1"}), Question("commit", {}), Question("block", {"height": "2"})]
    assert await faults(same, same, *questions) == [("block, mode", 2, []), ("commit, mode", 1, [])]


@pytest.mark.parametrize(
    ("of_proxy", "of_node", "fault"),
    [
        ({"block": {"height": "2"}}, {"block": {"height": "1"}}, 'the result.height is "2" and not "1"'),
        ({}, {"block": {}}, "the client refuses: Internal error unknown"),
        ({"block": {}}, {}, "the node refuses: Internal error unknown"),
        ({}, {}, "the node refuses: Internal error unknown"),
    ],
)
async def test_whatever_is_not_equal_is_a_fault(
    of_proxy: Mapping[str, Any], of_node: Mapping[str, Any], fault: str
) -> None:
    ((_, _, found),) = await faults(of_proxy, of_node, Question("block", {"height": "1"}))
    assert found == [f"{{'height': '1'}}: {fault}"]


async def test_a_node_is_asked_in_its_own_encoding() -> None:
    both = {"header_by_hash": {}}
    ((_, _, found),) = await faults(both, both, Question("header_by_hash", {"hash": "AA=="}, {"hash": "00"}))
    assert found == ["{'hash': 'AA=='}: the result.asked.hash is \"AA==\" and not \"00\""]


def program(directory: Path, script: str) -> Path:
    file = directory / "cometbft"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


async def test_a_proxy_is_asked_where_it_says_that_it_listens(tmp_path: Path) -> None:
    script = 'echo "$@"; echo \'I[2026] serve msg="Starting RPC HTTP server on 127.0.0.1:4321"\'; exec sleep 3600'
    binary = program(tmp_path, script)
    place = tmp_path / "here"
    async with light_proxy(binary, TRUST, "http://one", "http://two", place, "--sequential") as proxy:
        assert proxy.url == "http://127.0.0.1:4321"
    said = place.with_suffix(".log").read_text().splitlines()[0].split()
    assert said[:2] == ["light", "chain"]
    assert set(said[2:]) == {
        "--primary=http://one",
        "--witnesses=http://two",
        "--height=1",
        f"--hash={bytes(range(32)).hex().upper()}",
        f"--home-dir={place}",
        "--laddr=tcp://127.0.0.1:0",
        "--sequential",
    }


async def test_a_proxy_that_ends_tells_why(tmp_path: Path) -> None:
    binary = program(tmp_path, "echo Creating; echo 'can not start client' >&2; exit 1")
    with pytest.raises(BadConfiguration) as caught:
        async with light_proxy(binary, TRUST, "http://one", "http://two", tmp_path / "here"):
            pass
    assert caught.value.cause is codes.INTEROP_CHECKER
    assert "can not start client" in caught.value.detail
