"""The client against the real server, and against servers that do as they like."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from mvchain.api.client import ApiError, Client
from mvchain.core.errors import BadRequest, MvchainError
from mvchain.core.hashing import sha256
from tests.api.conftest import Serve
from tests.api.helpers import AGENCY, NODE_KEY, OPERATOR, MemoryNode, definition


@pytest_asyncio.fixture
async def client(serve: Serve) -> AsyncIterator[Client]:
    host, port = (await serve()).server.address
    async with Client(f"http://{host}:{port}/") as found:
        yield found


async def test_a_ballot_from_submission_to_receipt(client: Client, node: MemoryNode) -> None:
    ballot = node.ballot(0)
    txid = sha256(ballot)
    submitted = await client.submit([ballot])
    assert [(item.txid, item.status, item.state, item.error) for item in submitted.items] == [
        (txid, 202, "received", None)
    ]
    promise = submitted.acknowledgement
    assert promise is not None
    assert promise.agency == AGENCY
    assert promise.verify(node.genesis_hash, NODE_KEY.public)
    assert (await client.submit([ballot])).items[0].status == 200
    waiting = asyncio.create_task(client.transaction(txid, wait=True))
    await client.status()
    await node.commit_block()
    assert (await waiting)["state"] == "committed"
    with pytest.raises(ApiError) as caught:
        await client.receipt(txid)
    assert (caught.value.code, caught.value.retryable, caught.value.txid) == ("MV-6024", True, txid)
    await node.commit_block()
    assert json.loads(await client.receipt(txid))["ballot"] == txid.hex()


async def test_refusals_of_transactions_are_results(client: Client, node: MemoryNode) -> None:
    for sent in ([node.ballot(99)], [node.ballot(99), node.ballot(1)]):
        item = (await client.submit(sent)).items[0]
        assert (item.txid, item.status, item.state) == (sha256(sent[0]), 422, None)
        assert item.error is not None
        assert item.error.code == "MV-1231"
        assert "MV-1231" in str(item.error)


async def test_refusals_of_requests_are_errors(client: Client) -> None:
    with pytest.raises(ApiError) as caught:
        await client.submit([])
    assert (caught.value.status, caught.value.code, caught.value.txid) == (400, "MV-6014", None)
    with pytest.raises(ApiError) as caught:
        await client.poll(77)
    assert (caught.value.status, caught.value.code) == (404, "MV-6021")
    assert caught.value.detail == "There is no poll 77 on this chain."


async def test_all_pages_of_polls_are_read(client: Client, node: MemoryNode) -> None:
    for _ in range(249):
        node.register_poll(definition())
    assert [poll["poll"] async for poll in client.polls()] == list(range(1, 251))
    assert (await client.poll(250))["agency"] == AGENCY


async def test_blocks_and_genesis(client: Client, node: MemoryNode) -> None:
    await client.submit([node.ballot(0)])
    await node.commit_block()
    assert (await client.block(1))["transactions"] == [sha256(node.ballot(0)).hex()]
    assert await client.block_bytes(1) == node.block_bytes(1)
    assert (await client.roll(1))["size"] == 20
    assert (await client.signer(OPERATOR.tagged))["sequence"] == 7
    assert await client.genesis() == node.genesis_document


# --- servers that do as they like ---

Answering = Callable[[bytes], Awaitable[Client]]


@pytest_asyncio.fixture
async def answering() -> AsyncIterator[Answering]:
    """A client of a server that answers everything with the same bytes, and then closes."""
    async with AsyncExitStack() as stack:

        async def start(said: bytes) -> Client:
            async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(said)
                writer.close()

            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            stack.push_async_callback(server.wait_closed)
            stack.callback(server.close)
            port = server.sockets[0].getsockname()[1]
            return await stack.enter_async_context(Client(f"http://127.0.0.1:{port}"))

        yield start


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"", "MV-6050"),
        (b"SSH-2.0-x\r\n", "MV-6050"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", "MV-6050"),
        (http(b"hello"), "MV-1001"),
        (http(b"[]"), "MV-6052"),
        (http(b'{"a": 1, "a": 1}'), "MV-1006"),
        (http(b" " * 5_000_000), "MV-6051"),
        (http(b"", "301 Moved", "Location: http://192.0.2.1/"), "MV-6052"),
        (http(b"oops", "500 Internal Server Error"), "MV-6052"),
        (http(b"[]", "404 Not Found"), "MV-6052"),
        (http(b"{}", "404 Not Found"), "MV-6052"),
        (http(b'{"code":1}', "404 Not Found"), "MV-6052"),
        (
            http(b'{"code":"MV-1","detail":"","remedy":"","retryable":true,"txid":"ab"}', "404 Not Found"),
            "MV-6052",
        ),
    ],
)
async def test_a_misbehaving_server_is_told_apart(answering: Answering, said: bytes, code: str) -> None:
    client = await answering(said)
    with pytest.raises(BadRequest) as caught:
        await client.status()
    assert caught.value.code == code


async def test_nobody_there(unused_tcp_port: int) -> None:
    async with Client(f"http://127.0.0.1:{unused_tcp_port}", timeout_s=5) as client:
        with pytest.raises(BadRequest) as caught:
            await client.status()
    assert caught.value.code == "MV-6050"


async def test_the_texts_of_a_server_are_not_templates(answering: Answering) -> None:
    problem = {"code": "MV-7777" * 50, "detail": "{oops} {0} %s" + "x" * 9_000, "remedy": "{", "retryable": False}
    client = await answering(http(json.dumps(problem).encode(), "409 Conflict"))
    with pytest.raises(ApiError) as caught:
        await client.poll(1)
    assert caught.value.detail.startswith("{oops} {0} %s")
    assert caught.value.remedy == "{"
    assert len(str(caught.value)) < 2_100


GOOD = {"txid": "ab" * 32, "status": 202, "state": "received"}


@pytest.mark.parametrize(
    "document",
    [
        {"results": [GOOD, GOOD], "acknowledgement": None},
        {"results": [], "acknowledgement": None},
        {"results": [{**GOOD, "txid": "xy"}], "acknowledgement": None},
        {"results": [{**GOOD, "status": 409}], "acknowledgement": None},
        {"results": [GOOD]},
        {"results": [GOOD], "acknowledgement": {"agency": 1}},
        {"results": 7, "acknowledgement": None},
    ],
)
async def test_results_that_do_not_fit_are_malformed(answering: Answering, document: Any) -> None:
    client = await answering(http(json.dumps(document).encode()))
    with pytest.raises(BadRequest) as caught:
        await client.submit([b"tx"])
    assert caught.value.code == "MV-6052"


async def test_pages_that_do_not_end_are_malformed(answering: Answering) -> None:
    client = await answering(http(b'{"polls": [], "next": 0}'))
    with pytest.raises(BadRequest) as caught:
        assert [poll async for poll in client.polls()] == []
    assert caught.value.code == "MV-6052"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["results", "acknowledgement", "txid", "status", "error", "polls", "next"]), inner
        )
    ),
    max_leaves=10,
)


@given(json_values)
async def test_any_document_is_a_result_or_our_error(document: Any) -> None:
    class Canned(Client):
        async def _request(self, *_args: Any, **_kwargs: Any) -> bytes:
            return json.dumps(document).encode()

    canned = Canned("http://node")
    for call in (canned.submit([b"tx"]), canned.status(), canned.polls().__anext__()):
        try:
            await call
        except (MvchainError, StopAsyncIteration):
            continue
