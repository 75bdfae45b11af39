"""The WebSocket of a running chain: calls, subscriptions, bounds, and clients that misbehave (C136 to C138, LIM11)."""

import asyncio
import json
import socket
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType

from mvchain.api.budget import ReadBudget
from mvchain.api.connection import Listener
from mvchain.core.hashing import sha256
from tests.api.chain_node import ChainNode, b64
from tests.api.conftest import StartChain
from tests.api.helpers import RawClient, request
from tests.api.test_rpc_methods import differences

Connect = Callable[..., Awaitable[ClientWebSocketResponse]]

HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
"""The example of RFC 6455 §1.3."""


@pytest_asyncio.fixture
async def connect() -> AsyncIterator[Connect]:
    """Opens a WebSocket to the server of a chain."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())

        async def connect(chain: ChainNode, **options: Any) -> ClientWebSocketResponse:
            host, port = chain.server.address
            url = f"ws://{host}:{port}/websocket"
            return await stack.enter_async_context(session.ws_connect(url, **options))

        yield connect


@pytest_asyncio.fixture
async def ws(voting: ChainNode, connect: Connect) -> ClientWebSocketResponse:
    return await connect(voting)


async def ask(ws: ClientWebSocketResponse, method: str, request_id: object = 1, **params: object) -> Any:
    """The answer to one call, without the version."""
    await ws.send_json({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})
    answer = await ws.receive_json()
    assert answer.pop("jsonrpc") == "2.0"
    return answer


async def subscribe(ws: ClientWebSocketResponse, query: str, request_id: object = 1) -> None:
    assert await ask(ws, "subscribe", request_id, query=query) == {"id": request_id, "result": {}}


# --- calls ---


async def test_the_handshake_is_that_of_the_rfc(voting: ChainNode) -> None:
    await voting.client.send(request("GET", "/websocket", **HANDSHAKE))
    answer = await voting.client.answer(head_only=True)
    assert answer.status == 101
    assert answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert answer.headers["server"] == "mvchain"
    assert "sec-websocket-protocol" not in answer.headers
    assert "sec-websocket-extensions" not in answer.headers


async def test_calls_have_the_answers_of_a_post(voting: ChainNode, ws: ClientWebSocketResponse) -> None:
    for method in ("status", "header", "block", "validators", "abci_info", "health"):
        assert await ask(ws, method, "x") == {"id": "x", "result": await voting.call(method)}
    raw = voting.election.ballot(3)
    found = await ask(ws, "broadcast_tx_commit", 5, tx=b64(raw))
    assert found["result"]["hash"] == sha256(raw).hex().upper()
    assert int(found["result"]["height"]) > voting.cast_at


async def test_errors(ws: ClientWebSocketResponse) -> None:
    assert (await ask(ws, "nothing"))["error"] == {"code": -32601, "message": "Method not found"}
    error = (await ask(ws, "header", height=5))["error"]
    assert (error["code"], error["message"]) == (-32603, "Internal error")  # -32602 by POST (C133)
    assert error["data"].startswith("error converting json params to arguments: ")
    assert "current blockchain height" in (await ask(ws, "header", height="1000"))["error"]["data"]


@pytest.mark.parametrize(
    "text", ["", "{", "7", '[{"jsonrpc":"2.0","id":1,"method":"status"}]', '{"id":{},"method":"x"}']
)
async def test_what_is_not_one_request(ws: ClientWebSocketResponse, text: str) -> None:
    await ws.send_str(text)
    answer = await ws.receive_json()
    assert answer.keys() == {"jsonrpc", "error"}
    assert answer["error"]["code"] == -32700
    assert "result" in await ask(ws, "health")


async def test_every_message_waits_for_its_turn(ws: ClientWebSocketResponse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that reads nothing: taken without a pause, they would keep everything else from running (N10)."""
    admit, admitted = ReadBudget.admit, []

    async def counting(budget: ReadBudget, *, patient: bool = False) -> None:
        admitted.append(patient)
        await admit(budget, patient=patient)

    monkeypatch.setattr(ReadBudget, "admit", counting)
    for message in ('{"method":"x"}', "{", '{"id":1,"method":"x"}', '{"id":2,"method":"unsubscribe_all"}'):
        await ws.send_str(message)
    for _ in range(3):
        await ws.receive_json()
    assert admitted == [True] * 4


async def test_notifications_get_no_answer(ws: ClientWebSocketResponse) -> None:
    await ws.send_json({"method": "status"})
    await ws.send_json({"id": None, "method": "subscribe", "params": {"query": "tm.event='Tx'"}})
    assert await ask(ws, "health", 9) == {"id": 9, "result": {}}
    assert (await ask(ws, "unsubscribe_all"))["error"]["data"] == "subscription not found"


# --- subscriptions ---


async def test_new_blocks(voting: ChainNode, ws: ClientWebSocketResponse, shared_dir: Path) -> None:
    recorded = json.loads((shared_dir / "vectors/cometbft/rpc_v0_38_kvstore.json").read_text())["responses"]
    query = "tm.event = 'NewBlock'"
    await subscribe(ws, query, "id-1")
    first = voting.chain.height + 1
    await voting.cast(3)
    for height in range(first, voting.chain.height + 1):
        event = await ws.receive_json()
        assert (event["id"], event["result"]["query"]) == ("id-1", query)
        assert differences(event["result"], recorded["subscribe_newblock_0"]["result"]) == []
        value = event["result"]["data"]["value"]
        assert {"block_id": value["block_id"], "block": value["block"]} == await voting.call(
            "block", height=str(height)
        )
        app_hash = value["result_finalize_block"]["app_hash"]
        assert app_hash == (await voting.call("block_results", height=str(height)))["app_hash"]


async def test_new_headers(voting: ChainNode, ws: ClientWebSocketResponse) -> None:
    await subscribe(ws, "tm.event='NewBlockHeader'")
    height = voting.chain.height + 1
    await voting.cast(3)
    event = (await ws.receive_json())["result"]
    assert event["data"]["type"] == "tendermint/event/NewBlockHeader"
    assert event["data"]["value"] == await voting.call("header", height=str(height))
    assert event["events"] == {"tm.event": ["NewBlockHeader"]}


async def test_transactions(voting: ChainNode, ws: ClientWebSocketResponse, shared_dir: Path) -> None:
    recorded = json.loads((shared_dir / "vectors/cometbft/rpc_v0_38_kvstore.json").read_text())["responses"]
    await subscribe(ws, "tm.event='Tx'")
    await voting.cast(3, 4, 5)
    theirs = recorded["subscribe_txs_0"]["result"]
    for number in (3, 4, 5):
        event = (await ws.receive_json())["result"]
        assert event["data"].keys() == theirs["data"].keys()
        assert event["data"]["type"] == theirs["data"]["type"]
        found = event["data"]["value"]["TxResult"]
        raw = voting.election.ballot(number)
        assert b64decode(found["tx"]) == raw
        one = await voting.call("tx", hash=b64(sha256(raw)))
        assert (found["height"], found.get("index", 0)) == (one["height"], one["index"])
        assert found["result"] == {
            name: value for name, value in one["tx_result"].items() if value not in (0, "0", "", None, [])
        }
        assert event["events"] == {
            "tm.event": ["Tx"],
            "tx.hash": [sha256(raw).hex().upper()],
            "tx.height": [one["height"]],
            "ballot.poll": ["1"],
            "ballot.number": [str(number)],
        }


async def test_conditions_all_have_to_hold(voting: ChainNode, connect: Connect) -> None:
    ballots = [voting.election.ballot(voter) for voter in (3, 4, 5)]
    wanted = sha256(ballots[1]).hex().upper()
    queries = {
        f"tm.event='Tx' AND tx.hash='{wanted}'": 1,
        f"tx.hash = '{wanted}' AND ballot.poll=1": 1,
        "ballot.number='4'": 1,
        "tm.event = 'Tx'  AND  ballot.poll = '1'": 3,
        f"tm.event='Tx' AND tx.hash='{wanted}' AND ballot.poll='2'": 0,
    }
    ws = await connect(voting)
    for request_id, query in enumerate(queries):
        await subscribe(ws, query, request_id)
    await voting.cast(3, 4, 5)
    seen = [(await ws.receive_json())["id"] for _ in range(sum(queries.values()))]
    assert [seen.count(request_id) for request_id in range(len(queries))] == list(queries.values())


async def test_what_is_unsubscribed_comes_no_more(voting: ChainNode, ws: ClientWebSocketResponse) -> None:
    await subscribe(ws, "tm.event='Tx'", 1)
    await subscribe(ws, "tm.event='NewBlockHeader'", 2)
    assert "result" in await ask(ws, "unsubscribe", query="tm.event='Tx'")
    await voting.cast(3)
    assert (await ws.receive_json())["id"] == 2
    await ws.send_json({"id": 3, "method": "unsubscribe_all"})
    while (answer := await ws.receive_json())["id"] == 2:
        pass
    assert answer == {"jsonrpc": "2.0", "id": 3, "result": {}}
    await voting.cast(4)
    assert await ask(ws, "health", 4) == {"id": 4, "result": {}}


async def test_refused_subscriptions(ws: ClientWebSocketResponse) -> None:
    async def refused(method: str, query: object) -> str:
        text: str = (await ask(ws, method, query=query))["error"]["data"]
        return text

    await subscribe(ws, "tm.event='Tx'")
    assert await refused("subscribe", "tm.event='Tx'") == "already subscribed"
    assert await refused("unsubscribe", "tm.event = 'Tx'") == "subscription not found"
    assert await refused("subscribe", "tm.event='" + "x" * 502 + "'") == "maximum query length exceeded"
    for wrong in (
        "",
        "tm.event",
        "tm.event > 5",
        "tm.event='Tx' OR tx.height=5",
        "tm.event='Vote'",
        "tx.height EXISTS",
    ):
        assert (await refused("subscribe", wrong)).startswith("failed to parse query: ")
    for height in range(4):
        await subscribe(ws, f"tx.height={height}")
    assert await refused("subscribe", "tx.height=4") == "max_subscriptions_per_client 5 reached"


async def test_subscribers_are_bounded(voting: ChainNode, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvchain.api.events.MAX_SUBSCRIBERS", 2)
    sockets = [await connect(voting) for _ in range(3)]
    for ws in sockets[:2]:
        await subscribe(ws, "tm.event='Tx'")
    error = (await ask(sockets[2], "subscribe", query="tm.event='Tx'"))["error"]
    assert error["data"] == "max_subscription_clients 2 reached"
    assert "result" in await ask(sockets[2], "status")
    # A place is free again when its connection has closed, or wants no more.
    await ask(sockets[0], "unsubscribe_all")
    await subscribe(sockets[2], "tm.event='Tx'")


async def test_events_of_a_closed_connection_go_nowhere(voting: ChainNode, connect: Connect) -> None:
    gone, stays = await connect(voting), await connect(voting)
    await subscribe(gone, "tm.event='NewBlock'")
    await subscribe(stays, "tm.event='NewBlock'")
    await gone.close()
    await voting.cast(3)
    assert (await stays.receive_json())["result"]["data"]["type"] == "tendermint/event/NewBlock"


# --- clients that misbehave ---


@pytest.mark.parametrize(
    "wrong",
    [
        {"Sec_WebSocket_Version": "12"},
        {"Sec_WebSocket_Key": "zq7-do-not-repeat-me"},
        {"Upgrade": "h2c"},
        {"Connection": "close"},
    ],
)
async def test_handshakes_that_are_none(start_chain: StartChain, wrong: dict[str, str]) -> None:
    chain = await start_chain()
    await chain.client.send(request("GET", "/websocket", **(HANDSHAKE | wrong)))
    answer = await chain.client.answer()
    assert (answer.status, answer.json()["code"]) == (400, "MV-6079")
    assert b"zq7" not in answer.head + answer.body


async def test_other_methods_do_not_upgrade(start_chain: StartChain) -> None:
    chain = await start_chain()
    await chain.client.send(request("POST", "/websocket", **HANDSHAKE))
    assert (await chain.client.answer()).status == 405


async def test_binary_messages_end_the_connection(ws: ClientWebSocketResponse) -> None:
    await ws.send_bytes(b"{}")
    assert (await ws.receive()).type is WSMsgType.CLOSE
    assert ws.close_code == WSCloseCode.UNSUPPORTED_DATA


async def test_messages_that_are_too_long_end_the_connection(start_chain: StartChain, connect: Connect) -> None:
    ws = await connect(await start_chain())
    await ws.send_str("x" * 1_000_001)
    assert (await ws.receive()).type is WSMsgType.CLOSE
    assert ws.close_code == WSCloseCode.MESSAGE_TOO_BIG


async def test_pings_are_answered(ws: ClientWebSocketResponse) -> None:
    await ws.ping(b"here")
    assert "result" in await ask(ws, "health")  # in order: the pong came before


async def test_a_silent_client_is_dropped(
    start_chain: StartChain, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not even answer pings."""
    monkeypatch.setattr("mvchain.api.websocket.PING_S", 0.05)
    ws = await connect(await start_chain(), autoping=False)
    assert (await ws.receive()).type is WSMsgType.PING
    assert (await ws.receive()).type in (WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR)


async def test_a_client_that_answers_pings_stays(
    start_chain: StartChain, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than requests, their headers and their answers may take."""
    monkeypatch.setattr("mvchain.api.websocket.PING_S", 0.05)
    ws = await connect(await start_chain(header_s=0.1, answer_s=0.1, idle_s=0.1, body_s=0.1), autoping=False)
    for _ in range(5):
        message = await ws.receive()
        assert message.type is WSMsgType.PING
        await ws.pong(message.data)
    assert "result" in await ask(ws, "health")


async def test_a_client_that_takes_no_answers_is_cut(start_chain: StartChain, monkeypatch: pytest.MonkeyPatch) -> None:
    """LIM06 holds for WebSockets, too."""
    chain = await start_chain(answer_s=0.3, read_share=0.9)
    cut = asyncio.Event()
    release = Listener.release
    monkeypatch.setattr(Listener, "release", lambda listener, each: (release(listener, each), cut.set()))
    genesis_call = json.dumps({"id": "x" * 200, "method": "genesis"}).encode()
    masked = b"\x81\xfe" + len(genesis_call).to_bytes(2, "big") + bytes(4) + genesis_call
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(deaf, chain.server.address)
        await loop.sock_sendall(deaf, request("GET", "/websocket", **HANDSHAKE))
        sending = asyncio.create_task(loop.sock_sendall(deaf, masked * 20_000))
        await cut.wait()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def test_the_server_says_goodbye(start_chain: StartChain, connect: Connect) -> None:
    chain = await start_chain()
    ws = await connect(chain)
    await subscribe(ws, "tm.event='NewBlock'")
    stopping = asyncio.create_task(chain.server.stop())
    assert (await ws.receive()).type is WSMsgType.CLOSE
    assert ws.close_code == WSCloseCode.GOING_AWAY
    await stopping


async def test_a_websocket_takes_a_place(start_chain: StartChain, connect: Connect) -> None:
    chain = await start_chain(per_address=2)
    await connect(chain)
    third = await RawClient.connect(chain.server)
    assert await third.closed() == b""
    await third.close()
