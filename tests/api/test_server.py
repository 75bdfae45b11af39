"""Bad HTTP and its answer: a problem document or a closed connection, never an echo (security 3.1)."""

import asyncio
import gzip
import json

import msgpack
import pytest
import pytest_asyncio
from aiohttp import http_parser

from mvchain.api.server import ApiServer
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from tests.api.conftest import Serve
from tests.api.helpers import HttpAnswer, MemoryNode, RawClient, post, request

MARK = b"zq7-do-not-repeat-me"
"""Put into requests; must not come back."""


def check_problem(answer: HttpAnswer, status: int, code: str) -> None:
    assert (answer.status, answer.json()["code"]) == (status, code)
    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["status"] == status
    assert document["type"] == f"/v1/errors/{code}"
    assert document.keys() >= {"title", "detail", "remedy", "retryable"}
    check_headers(answer)


def check_headers(answer: HttpAnswer) -> None:
    """H15, H16, H25, and nothing echoed."""
    assert answer.headers["server"] == "mvchain"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"]
    assert all(rule in policy for rule in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"))
    cross_origin = {name: value for name, value in answer.headers.items() if name.startswith("access-control")}
    assert cross_origin in ({}, {"access-control-allow-origin": "*"})
    assert b"aiohttp" not in answer.head.lower()
    assert b"python" not in answer.head.lower()
    assert MARK not in answer.head + answer.body


MARKED = MARK.decode()

POST = b"POST /v1/transactions HTTP/1.1\r\nHost: x\r\n"

NOT_HTTP = {
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + MARK,
    "garbage": MARK + b"\r\n\r\n",
    "no host": b"GET /v1/status HTTP/1.1\r\nX: " + MARK + b"\r\n\r\n",
    "unknown method": b"BREW /v1/status HTTP/1.1\r\nHost: x\r\n\r\n",
    "bad version": b"GET /v1/status HTTP/9.1\r\nHost: x\r\n\r\n",
    "space before colon": b"GET /v1/status HTTP/1.1\r\nHost : x\r\n\r\n",
    "nul in header": b"GET /v1/status HTTP/1.1\r\nHost: x\r\nX: a\x00" + MARK + b"\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "huge length": POST + b"Content-Length: 1180591620717411303424\r\n\r\n",
    "negative length": POST + b"Content-Length: -1\r\n\r\n",
    "length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown transfer encoding": POST + b"Transfer-Encoding: " + MARK + b"\r\n\r\n",
    "too many headers": b"GET /v1/status HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 65 + b"\r\n",
}


@pytest.mark.parametrize("sent", NOT_HTTP.values(), ids=NOT_HTTP)
async def test_what_is_not_http_is_answered_and_closed(raw: RawClient, sent: bytes) -> None:
    await raw.send(sent)
    answer = await raw.answer()
    check_problem(answer, 400, "MV-6001")
    assert answer.headers.get("connection") != "keep-alive"
    assert await raw.closed() == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /" + MARK * 400 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\nHost: x\r\nX: " + MARK * 400 + b"\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\nHost: x\r\n" + MARK * 400 + b": x\r\n\r\n",
    ],
    ids=["path", "header value", "header name"],
)
async def test_lines_beyond_their_bound_are_answered_and_closed(raw: RawClient, sent: bytes) -> None:
    await raw.send(sent)
    check_problem(await raw.answer(), 431, "MV-6002")
    assert await raw.closed() == b""


async def test_ten_thousand_headers_are_not_read_to_the_end(raw: RawClient) -> None:
    await raw.send(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n" + b"X-Header: some value\r\n" * 10_000 + b"\r\n")
    # Closing with unread bytes resets the connection, which may overtake the answer.
    said = await raw.closed()
    assert said == b"" or b"MV-6001" in said


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (request("GET", f"/{MARKED}"), 404, "MV-6003"),
        (request("GET", "/v1"), 404, "MV-6003"),
        (request("GET", "/v1/polls/"), 404, "MV-6003"),
        (request("GET", "/v1/polls/1/"), 404, "MV-6003"),
        (request("GET", "/v1/polls/1/2"), 404, "MV-6003"),
        (request("GET", "/v1/../v1/status"), 404, "MV-6003"),
        (request("GET", "/v1/%73tatus"), 404, "MV-6003"),
        (request("OPTIONS", "*"), 404, "MV-6003"),
        (request("GET", f"/v1/status?{MARKED}=1"), 400, "MV-6010"),
        (request("GET", f"/v1/polls?limit=1&limit={MARKED}"), 400, "MV-6011"),
        (request("GET", f"/v1/polls?limit={MARKED}"), 400, "MV-6012"),
        (request("GET", "/v1/polls?limit=101"), 400, "MV-6012"),
        (request("GET", "/v1/polls?limit=-1"), 400, "MV-6012"),
        (request("GET", "/v1/polls?limit=%31"), 400, "MV-6012"),
        (request("GET", "/v1/polls?after=1180591620717411303424"), 400, "MV-6012"),
        (request("GET", f"/v1/polls/{MARKED}"), 400, "MV-6012"),
        (request("GET", "/v1/polls/0"), 400, "MV-6012"),
        (request("GET", "/v1/polls/01"), 400, "MV-6012"),
        (request("GET", "/v1/polls/1180591620717411303424"), 400, "MV-6012"),
        (request("GET", "/v1/polls/2"), 404, "MV-6021"),
        (request("GET", "/v1/blocks/1"), 404, "MV-6022"),
        (request("GET", "/v1/transactions/" + "AB" * 32), 400, "MV-6012"),
        (request("GET", "/v1/transactions/" + "ab" * 31), 400, "MV-6012"),
        (request("GET", "/v1/transactions/" + "ab" * 32 + "?wait=finalised"), 400, "MV-6012"),
        (request("GET", "/v1/transactions/" + "ab" * 32 + "?timeout=11"), 400, "MV-6012"),
        (request("GET", "/v1/transactions/" + "ab" * 32), 404, "MV-6020"),
        (request("GET", "/v1/proofs/ballots/" + "ab" * 32), 404, "MV-6023"),
        (request("GET", f"/v1/errors/{MARKED}"), 404, "MV-6025"),
        (request("GET", "/v1/errors/MV-9999"), 404, "MV-6025"),
        (request("GET", "/v1/rolls/2"), 404, "MV-6090"),
        (request("GET", "/v1/signers/" + "01" * 33), 404, codes.SIGNER_UNKNOWN.code),
        (request("GET", "/v1/signers/" + "01" * 32), 400, "MV-6012"),
        (request("GET", "/v1/status", b"body"), 400, "MV-6009"),
        (post(MARK, "text/plain"), 415, "MV-6005"),
        (post(MARK, MARKED), 415, "MV-6005"),
        (request("POST", "/v1/transactions", MARK), 415, "MV-6005"),
        (post(MARK, "multipart/form-data; boundary=x"), 415, "MV-6005"),
        (post(MARK, "application/json; charset=euc-kr"), 415, "MV-6005"),
        (post(gzip.compress(b"[]"), Content_Encoding="gzip"), 415, "MV-6006"),
        (post(b"[]", Content_Encoding=MARKED), 415, "MV-6006"),
        (post(b"[]", Expect=MARKED), 417, "MV-6018"),
        (
            request("POST", "/v1/transactions?wait=committed", b"[]", Content_Type="application/json"),
            400,
            "MV-6010",
        ),
    ],
)
async def test_what_cannot_be_answered(raw: RawClient, sent: bytes, status: int, code: str) -> None:
    await raw.send(sent)
    check_problem(await raw.answer(), status, code)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_reads_take_get_and_head_alone(raw: RawClient, method: str) -> None:
    await raw.send(request(method, "/v1/status"))
    answer = await raw.answer()
    check_problem(answer, 405, "MV-6004")
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"])
async def test_submissions_take_post_alone(raw: RawClient, method: str) -> None:
    await raw.send(request(method, "/v1/transactions"))
    answer = await raw.answer(head_only=method == "HEAD")
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"
    check_headers(answer)


async def test_head_is_get_without_a_body(raw: RawClient) -> None:
    await raw.send(request("HEAD", "/v1/status") + request("GET", "/v1/status"))
    head, full = await raw.answer(head_only=True), await raw.answer()
    assert head.status == full.status == 200
    assert head.headers["content-length"] == full.headers["content-length"] == str(len(full.body))


async def test_connect_opens_no_tunnel(raw: RawClient) -> None:
    await raw.send(b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n" + MARK)
    check_problem(await raw.answer(), 404, "MV-6003")


async def test_an_upgrade_is_not_taken_up(raw: RawClient) -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
    await raw.send(request("GET", "/v1/status", **upgrade) + request("GET", "/livez"))
    assert [(await raw.answer()).status, (await raw.answer()).status] == [200, 200]


# --- bodies ---

BODIES = {
    "empty": (b"", "MV-1001"),
    "not json": (MARK, "MV-1001"),
    "bad utf-8": (b'{"transactions": ["\xff"]}', "MV-1004"),
    "lone surrogate": (b'{"transactions": ["\\ud800"]}', "MV-1004"),
    "nested": (b"[" * 16_000, "MV-1005"),
    "nested very deep": (b"[" * 100_000, "MV-1001"),
    "nested objects": (b'{"a":' * 33 + b"1" + b"}" * 33, "MV-1005"),
    "NaN": (b'{"transactions": NaN}', "MV-1007"),
    "Infinity": (b'{"transactions": -Infinity}', "MV-1007"),
    "fraction": (b'{"transactions": 1.5}', "MV-1007"),
    "2^70": (b'{"transactions": 1180591620717411303424}', "MV-1007"),
    "a number of a megabyte": (b'{"transactions": ' + b"9" * 900_000 + b"}", "MV-1007"),
    "duplicate keys": (b'{"transactions": [], "transactions": []}', "MV-1006"),
    "an array": (b'["QQ=="]', "MV-6013"),
    "unknown field": (b'{"transactions": ["QQ=="], "' + MARK + b'": 1}', "MV-6013"),
    "no field": (b"{}", "MV-6013"),
    "not an array": (b'{"transactions": "QQ=="}', "MV-1001"),
    "no transactions": (b'{"transactions": []}', "MV-6014"),
    "too many": (b'{"transactions": [' + b",".join([b'""'] * 1_001) + b"]}", "MV-6014"),
    "not base64": (b'{"transactions": ["' + MARK + b'"]}', "MV-6015"),
    "url base64": (b'{"transactions": ["__8="]}', "MV-6015"),
    "not a text": (b'{"transactions": [1]}', "MV-6015"),
}


@pytest.mark.parametrize(("body", "code"), BODIES.values(), ids=BODIES)
async def test_json_that_cannot_be_taken(raw: RawClient, body: bytes, code: str) -> None:
    await raw.send(post(body))
    check_problem(await raw.answer(), 400, code)


PACKED = {
    "empty": (b"", "MV-1001"),
    "a map": (msgpack.packb({b"a": 1}), "MV-1001"),
    "an extension": (msgpack.packb([msgpack.ExtType(1, b"x")]), "MV-1001"),
    "trailing bytes": (msgpack.packb([b"a"]) + b"\x00", "MV-1001"),
    "not canonical": (b"\xdc\x00\x01\xc4\x01a", "MV-1003"),
    "claims 2^32 items": (b"\xdd\xff\xff\xff\xff", "MV-1001"),
    "a float beyond 32 bits": (msgpack.packb([1e300]), "MV-1001"),
    "texts": (msgpack.packb(["a"]), "MV-1001"),
    "a transaction alone": (msgpack.packb(b"a"), "MV-1001"),
    "no transactions": (msgpack.packb([]), "MV-6014"),
    "too many": (msgpack.packb([b""] * 1_001), "MV-6014"),
}


@pytest.mark.parametrize(("body", "code"), PACKED.values(), ids=PACKED)
async def test_msgpack_that_cannot_be_taken(raw: RawClient, body: bytes, code: str) -> None:
    await raw.send(post(body, "application/msgpack"))
    check_problem(await raw.answer(), 400, code)


async def test_a_giant_body_is_refused_by_its_length(serve: Serve) -> None:
    client = await serve(linger_s=0.1)
    await client.send(post(b"x" * 1_000_001)[:-1_000_001])
    check_problem(await client.answer(), 413, "MV-6007")
    assert await client.closed() == b""


async def test_a_giant_body_is_refused_while_it_comes(raw: RawClient) -> None:
    head = post(b"")[:-4].replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"\r\n\r\n"
    await raw.send(head + b"".join(b"10000\r\n" + b"x" * 65_536 + b"\r\n" for _ in range(20)) + b"0\r\n\r\n")
    check_problem(await raw.answer(), 413, "MV-6007")
    assert await raw.closed() == b""


async def test_the_bodies_of_all_together_are_bounded(serve: Serve) -> None:
    """H21: many large bodies at once are memory that no limit of a single one bounds; each gives its share back."""
    first = await serve(max_bodies=150_000)
    head = request("POST", "/v1/transactions", None, Content_Type="application/json", Content_Length="100001")
    await first.send(head + b"[" * 100_000)
    second = await RawClient.connect(first.server)
    while first.server._held_bytes < 100_000:  # noqa: ASYNC110 - the server reads it by and by
        await asyncio.sleep(0.001)
    await second.send(head + b"[" * 100_001)
    busy = await second.answer()
    check_problem(busy, 503, codes.NODE_BUSY.code)
    assert busy.headers["retry-after"] == "1"
    await second.close()
    await first.send(b"[")
    check_problem(await first.answer(), 400, "MV-1001")
    assert first.server._held_bytes == 0


async def test_a_body_in_tiny_chunks_is_taken_or_refused_but_answered(raw: RawClient) -> None:
    head = post(b"")[:-4].replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"\r\n\r\n"
    await raw.send(head + b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n")
    assert (await raw.answer()).status in (400, 408)


async def test_a_broken_chunk_is_refused(raw: RawClient) -> None:
    head = post(b"")[:-4].replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"\r\n\r\n"
    await raw.send(head)
    await raw.send(b"5\r\nabcde\r\n" + MARK + b"\r\n")
    check_problem(await raw.answer(), 400, "MV-6001")
    assert await raw.closed() == b""


async def test_a_client_that_leaves_within_its_body_harms_nobody(raw: RawClient) -> None:
    leaver = await RawClient.connect(raw.server)
    await leaver.send(post(b"x" * 1_000)[:-500])
    await leaver.close()
    await raw.send(request("GET", "/v1/status"))
    assert (await raw.answer()).status == 200


async def test_a_body_held_back_is_asked_for(raw: RawClient, node: MemoryNode) -> None:
    whole = post(msgpack.packb([node.ballot(0)]), "application/msgpack", Expect="100-continue")
    head, _, body = whole.partition(b"\r\n\r\n")
    await raw.send(head + b"\r\n\r\n")
    assert await raw.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await raw.send(body)
    assert (await raw.answer()).status == 202


# --- the node behind it ---


async def test_a_failure_of_ours_is_told_in_general_words(
    raw: RawClient, node: MemoryNode, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError(MARKED)

    monkeypatch.setattr(node, "status", fail)
    await raw.send(request("GET", "/v1/status"))
    check_problem(await raw.answer(), 500, "MV-6030")
    assert MARKED in caplog.text


async def test_a_node_that_does_not_finish_is_answered_for_with_the_id(serve: Serve, node: MemoryNode) -> None:
    client = await serve(answer_s=0.2)
    node.stuck = asyncio.Event()
    sent = post(msgpack.packb([node.ballot(0)]), "application/msgpack")
    await client.send(sent)
    late = await client.answer()
    check_problem(late, 503, "MV-6017")
    node.stuck = None
    await client.send(sent)
    assert (await client.answer()).json()["results"][0]["txid"] == late.json()["txid"]


@pytest_asyncio.fixture
async def busy(serve: Serve) -> RawClient:
    """A server whose reads have used up their share: one read costs them days."""
    client = await serve(read_share=1e-9, read_queue_s=0.01)
    await client.send(request("GET", "/v1/status"))
    assert (await client.answer()).status == 200
    return client


async def test_reads_beyond_their_share_are_refused(busy: RawClient) -> None:
    await busy.send(request("GET", "/v1/polls/1"))
    answer = await busy.answer()
    check_problem(answer, 503, "MV-6016")
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["retryable"] is True


async def test_submissions_and_watchdogs_are_answered_beside_too_many_reads(busy: RawClient, node: MemoryNode) -> None:
    await busy.send(request("GET", "/livez") + request("GET", "/readyz"))
    assert [(await busy.answer()).status, (await busy.answer()).status] == [200, 200]
    await busy.send(post(msgpack.packb([node.ballot(0)]), "application/msgpack"))
    assert (await busy.answer()).status == 202


async def test_watchdogs_beyond_their_share_are_refused_and_take_nothing_from_reads(serve: Serve) -> None:
    client = await serve(watch_share=1e-9, read_queue_s=0.01)
    await client.send(request("GET", "/readyz"))
    assert (await client.answer()).status == 200
    await client.send(request("GET", "/livez"))
    check_problem(await client.answer(), 503, "MV-6016")
    await client.send(request("GET", "/v1/status"))
    assert (await client.answer()).status == 200


async def test_pipelined_requests_are_answered_in_order(raw: RawClient) -> None:
    await raw.send(request("GET", "/livez") + request("GET", "/v1/nothing") + request("GET", "/v1/polls/1"))
    assert [(await raw.answer()).status for _ in range(3)] == [200, 404, 200]


async def test_two_servers_cannot_share_an_address(raw: RawClient, node: MemoryNode) -> None:
    with pytest.raises(BadConfiguration) as caught:
        await ApiServer(node).start(*raw.server.address)
    assert caught.value.code == "MV-6032"


def test_the_python_parser_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_parser, "HttpRequestParser", http_parser.HttpRequestParserPy)
    with pytest.raises(BadConfiguration) as caught:
        ApiServer(MemoryNode(voters=0))
    assert caught.value.code == "MV-6031"


async def test_every_problem_is_valid_json_of_one_line(raw: RawClient) -> None:
    await raw.send(request("GET", "/v1/nothing"))
    body = (await raw.answer()).body
    assert body.endswith(b"}\n")
    assert body.count(b"\n") == 1
    assert json.loads(body)["title"] == "Not Found"
