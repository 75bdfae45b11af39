"""mvchain.interop.rpc: what counts as an answer, and what as a difference."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from mvchain.interop import rpc
from mvchain.interop.rpc import Answer, Rpc, difference, read_answer

BLOCK = {"height": "5", "txs": ["AA==", "AQ=="], "index": 0, "proof": None}


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (BLOCK, None),
        ({**BLOCK, "height": "6"}, 'it.height is "6" and not "5"'),
        ({**BLOCK, "height": 5}, 'it.height is 5 and not "5"'),
        ({**BLOCK, "index": False}, "it.index is false and not 0"),
        ({**BLOCK, "proof": []}, "it.proof is [] and not null"),
        ({**BLOCK, "txs": ["AA==", "AA=="]}, 'it.txs[1] is "AA==" and not "AQ=="'),
        ({**BLOCK, "txs": ["AA=="]}, "it.txs has 1 items and not 2"),
        ({**BLOCK, "more": 1}, "it has more"),
        ({name: value for name, value in BLOCK.items() if name != "index"}, "it lacks index"),
        ([BLOCK], f"it is {json.dumps([BLOCK])} and not {json.dumps(BLOCK)}"),
    ],
)
def test_the_first_difference_is_named(found: Any, why: str | None) -> None:
    assert difference(found, BLOCK, "it") == why


@pytest.mark.parametrize(("found", "same"), [({"a": []}, True), ({"a": None}, True), ({}, True), ({"a": [1]}, False)])
def test_an_empty_list_may_be_null_or_left_out(found: Any, same: bool) -> None:
    assert (difference(found, {"a": []}, "it") is None) is same


def test_what_is_shown_of_a_long_value_is_short() -> None:
    assert len(difference("x" * 10_000, "y" * 10_000) or "") < 400


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        ({"jsonrpc": "2.0", "id": 3, "result": {}}, Answer({}, None)),
        ({"jsonrpc": "2.0", "id": 3, "result": None}, Answer(None, None)),
        (
            {"jsonrpc": "2.0", "id": 3, "error": {"code": -32603, "message": "Internal error", "data": "no such"}},
            Answer(None, "Internal error no such"),
        ),
        ({"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}}, Answer(None, "Parse error")),
        (
            {"jsonrpc": "2.0", "id": "3", "result": {}},
            Answer(None, 'not a JSON-RPC response: {"jsonrpc": "2.0", "id": "3", "result": {}}'),
        ),
        ([], Answer(None, "not a JSON-RPC response: []")),
    ],
)
def test_a_response_is_a_result_or_an_error(document: Any, answer: Answer) -> None:
    assert read_answer(document, 3) == answer


class Server:
    """Answers with what it is given."""

    def __init__(self) -> None:
        self.body = b""
        self.asked: list[Any] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        return web.Response(body=self.body)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    served = Server()
    application = web.Application()
    application.add_routes([web.post("/", served.answer)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    yield served, f"http://{host}:{port}"
    await runner.cleanup()


async def test_a_request_is_answered_by_its_id(server: tuple[Server, str]) -> None:
    served, url = server
    served.body = b'{"jsonrpc": "2.0", "id": 1, "result": "first"}'
    async with Rpc(url) as client:
        assert await client.ask("block", {"height": "7"}) == Answer("first", None)
        # The answer to the first request is none to the second.
        assert (await client.ask("block", {})).error is not None
    assert served.asked[0] == {"jsonrpc": "2.0", "id": 1, "method": "block", "params": {"height": "7"}}
    assert served.asked[1]["id"] == 2


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff"])
async def test_what_is_no_json_is_an_error(server: tuple[Server, str], body: bytes) -> None:
    served, url = server
    served.body = body
    async with Rpc(url) as client:
        answer = await client.ask("health", {})
    assert answer.result is None
    assert answer.error is not None
    assert answer.error.startswith("no answer: ")


async def test_an_answer_beyond_the_bound_is_not_read(
    server: tuple[Server, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    served, url = server
    served.body = b'{"jsonrpc": "2.0", "id": 1, "result": "' + bytes(1_000).hex().encode() + b'"}'
    monkeypatch.setattr(rpc, "MAX_ANSWER_BYTES", 1_000)
    async with Rpc(url) as client:
        assert (await client.ask("block", {})).error == "no answer: ValueError more than 1000 bytes"


async def test_a_server_that_is_not_there_is_an_error() -> None:
    async with Rpc("http://127.0.0.1:1") as client:
        answer = await client.ask("health", {})
    assert answer.error is not None
    assert answer.error.startswith("no answer: ")
