"""JSON-RPC on a running chain (C97 to C103, C133): requests, batches, URLs, too many reads, and anything at all."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mvchain.api import rpc_methods
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash
from tests.api.chain_node import ChainNode, b64, rpc_request
from tests.api.conftest import StartChain
from tests.api.helpers import request

# --- requests ---


async def test_ids_come_back_with_their_type(voting: ChainNode) -> None:
    for request_id in (1, 0, -5, 2**53 - 1, "", "a", "82d2a2c1-0c5f-4b3a-9d2f-6f4a3f0e8a11"):
        answer = (await voting.post({"jsonrpc": "2.0", "id": request_id, "method": "health"})).json()
        assert answer == {"jsonrpc": "2.0", "id": request_id, "result": {}}


@pytest.mark.parametrize("request_id", [{}, {"id": None}])
async def test_notifications_are_neither_executed_nor_answered(voting: ChainNode, request_id: dict[str, None]) -> None:
    raw = voting.election.ballot(6)
    answer = await voting.post({**request_id, "method": "broadcast_tx_commit", "params": {"tx": b64(raw)}})
    assert (answer.status, answer.body) == (200, b"")
    assert voting.view.transaction(Hash(sha256(raw))) is None


async def test_params_by_name_by_position_and_none(voting: ChainNode) -> None:
    expected = await voting.call("header", height="1")
    calls = [["1"], {"height": "1", "unknown": 5}]
    assert [(await voting.answer("header", params))["result"] for params in calls] == [expected] * 2
    newest = await voting.call("header")
    assert [(await voting.answer("header", params))["result"] for params in (None, [None], {"height": None})] == [
        newest
    ] * 3
    bare = (await voting.post({"id": 1, "method": "header", "extra": [1]})).json()
    assert bare["result"] == newest


@pytest.mark.parametrize("params", [{"height": 1}, ["1", "2"], [], "1", {"height": "x"}])
async def test_wrong_params(voting: ChainNode, params: object) -> None:
    error = (await voting.answer("header", params))["error"]
    assert (error["code"], error["message"]) == (-32602, "Invalid params")
    assert error["data"].startswith("error converting json params to arguments: ")


@pytest.mark.parametrize(
    "method", ["", "nothing", "Status", "subscribe", "unsubscribe", "unsubscribe_all", "__class__", "tx_search"]
)
async def test_unknown_methods(voting: ChainNode, method: str) -> None:
    assert await voting.answer(method) == {"error": {"code": -32601, "message": "Method not found"}}


NOT_JSON_RPC: dict[str, bytes] = {
    "empty": b"",
    "not json": b"{",
    "bad utf-8": b'{"id":1,"method":"\xff"}',
    "lone surrogate": b'{"id":1,"method":"\\ud800"}',
    "nested": b"[" * 100_000,
    "nested params": b'{"id":1,"method":"status","params":' + b"[" * 33 + b"]" * 33 + b"}",
    "fraction": b'{"id":1.5,"method":"status"}',
    "large id": b'{"id":' + b"9" * 30 + b',"method":"status"}',
    "duplicate name": b'{"id":1,"id":2,"method":"status"}',
    "a number": b"7",
    "a text": b'"status"',
    "null": b"null",
    "a batch of numbers": b"[1,2]",
    "a batch in a batch": b'[[{"id":1,"method":"status"}]]',
    "an id that is an object": b'{"id":{},"method":"status"}',
    "an id that is a boolean": b'{"id":true,"method":"status"}',
    "a long id": b'{"id":"' + b"x" * 257 + b'","method":"status"}',
    "a method that is a number": b'{"id":1,"method":7}',
}


@pytest.mark.parametrize("body", NOT_JSON_RPC.values(), ids=NOT_JSON_RPC)
async def test_what_is_not_json_rpc(start_chain: StartChain, body: bytes) -> None:
    answer = await (await start_chain()).post(body)
    assert answer.status == 500
    document = answer.json()
    assert document.keys() == {"jsonrpc", "error"}
    assert (document["error"]["code"], document["error"]["message"]) == (-32700, "Parse error. Invalid JSON")
    assert document["error"]["data"]


async def test_a_body_that_is_too_large(start_chain: StartChain) -> None:
    node = await start_chain(linger_s=0.1)
    answer = await node.post(b'"' + b"x" * 1_000_000)
    assert answer.status == 400
    assert answer.json()["error"]["code"] == -32600
    assert "id" not in answer.json()


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/json; charset=euc-kr", "multipart/form-data; boundary=x"]
)
async def test_other_media_types(start_chain: StartChain, media_type: str) -> None:
    node = await start_chain()
    await node.client.send(rpc_request(b"{}", media_type))
    answer = await node.client.answer()
    assert (answer.status, answer.json()["code"]) == (415, "MV-6005")


# --- batches (C99) ---


def calls(*methods: str) -> list[dict[str, object]]:
    return [{"jsonrpc": "2.0", "id": i, "method": method} for i, method in enumerate(methods)]


async def test_batches(voting: ChainNode) -> None:
    answers = (await voting.post(calls("health", "nothing", "header", "status"))).json()
    assert [answer["id"] for answer in answers] == [0, 1, 2, 3]
    assert ["result" in answer for answer in answers] == [True, False, True, True]
    assert len((await voting.post(calls(*["health"] * 10))).json()) == 10


async def test_one_answer_of_a_batch_is_no_array(voting: ChainNode) -> None:
    assert (await voting.post(calls("health"))).json() == {"jsonrpc": "2.0", "id": 0, "result": {}}
    quiet: list[object] = [{"method": "health"}, {"id": None, "method": "status"}]
    assert (await voting.post([*calls("health"), *quiet])).json() == {"jsonrpc": "2.0", "id": 0, "result": {}}
    for nothing in (quiet, []):
        answer = await voting.post(nothing)
        assert (answer.status, answer.body) == (200, b"")


async def test_batches_that_are_too_long(voting: ChainNode) -> None:
    answer = await voting.post(calls(*["health"] * 11))
    assert answer.status == 200
    text = "batch request exceeds maximum (10) allowed number of requests"
    error = {"code": -32600, "message": "Invalid Request", "data": text}
    assert answer.json() == {"jsonrpc": "2.0", "error": error}


async def test_the_answers_of_a_batch_are_bounded(voting: ChainNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvchain.api.rpc.MAX_BATCH_ANSWER_BYTES", 100)
    answers = (await voting.post(calls("health", "header", "health", "header"))).json()
    assert ["result" in answer for answer in answers] == [True, True, False, False]


# --- URLs (C100) ---


async def test_urls(voting: ChainNode) -> None:
    newest = await voting.call("header")
    for target, expected in {
        "/header": newest,
        "/header?": newest,
        "/header?height=": newest,
        "/header?height=1": await voting.call("header", height="1"),
        "/header?height=%221%22": await voting.call("header", height="1"),
        "/validators?page=1&per_page=5&height=1": await voting.call("validators", height="1"),
        "/tx?prove=true&hash=0x" + sha256(voting.election.ballot(0)).hex(): await voting.call(
            "tx", hash=b64(sha256(voting.election.ballot(0))), prove=True
        ),
        '/abci_query?path="/store/polls/key"&data=0x0000000000000001': await voting.call(
            "abci_query", path="/store/polls/key", data="0000000000000001"
        ),
        "/abci_query?path=%22/store/polls/key%22&data=%22%00%00%00%00%00%00%00%01%22": None,
        "/health?unknown=1": {},
    }.items():
        answer = await voting.get(target.replace('"', "%22"))
        if expected is not None:
            assert (answer.status, answer.json()) == (200, {"jsonrpc": "2.0", "id": -1, "result": expected})


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/header?height=1000", 500, -32603),
        ("/header?height=x", 500, -32602),
        ("/header?height=1&height=1", 500, -32602),
        ("/subscribe?query=%22x%22", 404, -32601),
        ("/unsubscribe_all", 404, -32601),
    ],
)
async def test_urls_that_fail(start_chain: StartChain, target: str, status: int, code: int) -> None:
    answer = await (await start_chain()).get(target)
    assert answer.status == status
    assert answer.json()["id"] == -1
    assert answer.json()["error"]["code"] == code


async def test_paths_and_methods_of_http(start_chain: StartChain) -> None:
    node = await start_chain()
    for sent, status, code in (
        (request("GET", "/nothing"), 404, "MV-6003"),
        (request("POST", "/status"), 405, "MV-6004"),
        (request("DELETE", "/status"), 405, "MV-6004"),
        (request("GET", "/status", b"body"), 400, "MV-6009"),
        (request("GET", "/status/"), 404, "MV-6003"),
        (request("PUT", "/"), 405, "MV-6004"),
    ):
        await node.client.send(sent)
        answer = await node.client.answer()
        assert (answer.status, answer.json()["code"]) == (status, code)
    await node.client.send(request("HEAD", "/status") + request("GET", "/status"))
    head, full = await node.client.answer(head_only=True), await node.client.answer()
    assert head.headers["content-length"] == full.headers["content-length"]


async def test_pages_of_other_origins_may_read_urls_alone(start_chain: StartChain) -> None:
    """H16: answers to GET are public; a POST gives a page of another origin nothing."""
    node = await start_chain()
    for target in ("/status", "/v1/status", "/header?height=9", "/v1/polls/7"):
        assert (await node.get(target)).headers["access-control-allow-origin"] == "*"
    assert not any(name.startswith("access-control") for name in (await node.post(calls("health"))).headers)


# --- load (N10) ---


async def test_reads_beyond_their_share_are_refused_and_submissions_are_not(start_chain: StartChain) -> None:
    node = await start_chain(read_share=1e-9, read_queue_s=0.01)
    assert (await node.get("/health")).status == 200
    for answer in (
        await node.get("/status"),
        await node.post(calls("status")),
        await node.post(calls("status", "health")),
    ):
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0
        body = answer.json()
        error = (body[0] if isinstance(body, list) else body)["error"]
        assert error["code"] == -32603
        # What CometBFT's light client takes for a reason to ask again (C134).
        assert "Timeout exceeded" in error["data"]
    raw = node.election.set_up[0]
    mixed = await node.post([*calls("status"), {"id": 5, "method": "broadcast_tx_sync", "params": [b64(raw)]}])
    assert mixed.status == 200
    assert mixed.json()[1]["result"]["code"] == 0
    for slow in (b'{"id":1,"method":"health","x":"' + b"x" * 200_000 + b'"}', b"[" + b"{}," * 200 + b"{}]"):
        answer = await node.post(slow)
        assert answer.status == 503
        assert "Timeout exceeded" in answer.json()["error"]["data"]


async def test_long_reads_let_others_in_between(voting: ChainNode) -> None:
    """A chain of some blocks takes a step for each; what it costs is charged in parts."""
    steps = rpc_methods.blockchain(voting.chain)
    count = sum(1 for _ in steps)
    assert count == voting.chain.height


# --- anything at all ---

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=20),
    lambda deeper: st.lists(deeper, max_size=4) | st.dictionaries(st.text(max_size=8), deeper, max_size=4),
    max_leaves=12,
)
REQUEST = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | ANY_JSON,
        "id": st.integers() | st.text(max_size=5) | ANY_JSON,
        "method": st.sampled_from(sorted(rpc_methods.METHODS)) | st.text(max_size=8),
        "params": ANY_JSON
        | st.dictionaries(
            st.sampled_from(
                ["height", "hash", "tx", "path", "data", "page", "per_page", "minHeight", "limit", "prove"]
            ),
            st.integers(-5, 100).map(str) | st.booleans() | st.text(max_size=8) | ANY_JSON,
        ),
    },
)
BODY = (REQUEST | st.lists(REQUEST, max_size=12) | ANY_JSON).map(lambda value: json.dumps(value).encode())


def check_answer(status: int, body: bytes) -> None:
    """A JSON-RPC answer, several, or none."""
    assert status in (200, 500)
    if status == 200 and not body:
        return
    document = json.loads(body)
    for answer in document if isinstance(document, list) else [document]:
        assert answer["jsonrpc"] == "2.0"
        assert ("result" in answer) != ("error" in answer)
        assert answer.keys() <= {"jsonrpc", "id", "result", "error"}
        if "error" in answer:
            assert answer["error"]["code"] in (-32700, -32600, -32601, -32602, -32603)
            assert "MV-6030" not in answer["error"].get("data", "")


async def fuzz(node: ChainNode, bodies: st.SearchStrategy[bytes], count: int) -> None:
    """Hypothesis is not asynchronous: it runs in a thread and asks the loop for each answer."""
    loop = asyncio.get_running_loop()

    @settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))
    @given(bodies)
    def ask(body: bytes) -> None:
        answer = asyncio.run_coroutine_threadsafe(node.post(body), loop).result(20)
        check_answer(answer.status, answer.body)

    await asyncio.to_thread(ask)


async def test_whatever_comes_is_answered(voting: ChainNode, caplog: pytest.LogCaptureFixture) -> None:
    await fuzz(voting, BODY, 300)
    await fuzz(voting, st.binary(max_size=300), 100)
    assert "failed" not in caplog.text
    assert (await voting.post(calls("health"))).status == 200


@pytest.mark.parametrize("method", sorted(rpc_methods.READS))
async def test_a_failure_of_ours_is_told_in_general_words(
    start_chain: StartChain, method: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    node = await start_chain()

    def fail(*_args: object, **_named: object) -> None:
        raise RuntimeError("zq7-secret")

    monkeypatch.setitem(rpc_methods.READS, method, (fail, {}))  # type: ignore[arg-type]
    answer = await node.failure(method)
    assert answer.startswith("MV-6030: ")
    assert "zq7" not in answer
    assert "zq7-secret" in caplog.text
