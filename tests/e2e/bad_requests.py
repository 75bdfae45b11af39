"""Requests to the API that are malformed, oversized, slow, or ask for what there is not."""

import base64
import gzip
import json
from functools import partial
from typing import Any

from mvchain.core import codec, codes
from mvchain.core.errors import Cause
from mvchain.core.hashing import sha256
from tests.e2e.stage import OPEN, VOID, Answer, Row, Stage

LARGEST_BODY = 1_000_000
JSON = "application/json"
NOBODY = sha256(b"nobody").hex()


def get(  # noqa: PLR0917 - a row of a table
    name: str, cause: Cause, target: str, status: int = 400, method: str = "GET", headers: str = ""
) -> Row:
    """A request without a body."""
    return Row(f"request: {name}", cause, lambda s: s.http(f"{method} {target}", headers), status)


def post(  # noqa: PLR0917 - a row of a table
    name: str, cause: Cause, body: bytes, media_type: str = JSON, status: int = 400, headers: str = ""
) -> Row:
    """Transactions handed in."""
    return Row(f"request: {name}", cause, lambda s: s.post(body, media_type, headers), status)


def raw(name: str, cause: Cause, data: bytes, status: int = 400) -> Row:
    """Any bytes."""
    return Row(f"request: {name}", cause, lambda s: s.bytes_to_api(data), status)


msgpacked = partial(post, media_type="application/msgpack")


def _json(*items: str) -> bytes:
    return json.dumps({"transactions": items}).encode()


_POST = b"POST /v1/transactions HTTP/1.1\r\nHost: node\r\n"
_ONE = base64.b64encode(b"x").decode()


async def _ballot_json(stage: Stage) -> Answer:
    """A good ballot, but for one character of its base64."""
    text = base64.b64encode(stage.ballot(OPEN)).decode()
    return await stage.post(_json(text[:-1] + "*"), JSON)


async def _batch_with_bad_item(stage: Stage) -> Answer:
    """In a batch each transaction has its own result: this is the bad one's, and the good one is known already."""
    body = codec.encode((stage.accepted[0], b"\xc1"))
    known, bad = await stage.post_batch(body)
    assert known["status"] == 200, known
    error = bad["error"]
    return Answer(error["code"], f"{error['detail']} {error['remedy']}", bad["status"])


async def _receipt_of_act(stage: Stage) -> Answer:
    """The first transaction of the chain, which registered an operator."""
    height = 0
    hashes: Any = ()
    while not hashes:
        height += 1
        hashes = (await stage.client.block(height))["transactions"]
    return await stage.http(f"GET /v1/proofs/ballots/{hashes[0]}")


REQUESTS = (
    # What is not HTTP, or may be two things to two programs.
    raw("a TLS greeting", codes.NOT_HTTP, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    raw("the HTTP/2 preface", codes.NOT_HTTP, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    raw("a peer's hello", codes.NOT_HTTP, b"\x00\x00\x00\x43\xf0\x00\x01" + bytes(64) + b"\r\n\r\n"),
    raw("no host", codes.NOT_HTTP, b"GET /v1/status HTTP/1.1\r\n\r\n"),
    raw(
        "length and chunks", codes.NOT_HTTP, _POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    raw("two lengths", codes.NOT_HTTP, _POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    raw("a length below zero", codes.NOT_HTTP, _POST + b"Content-Length: -1\r\n\r\n"),
    raw(
        "a broken chunk",
        codes.NOT_HTTP,
        _POST + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ),
    get("a line of 5,000 bytes", codes.REQUEST_HEAD_TOO_LARGE, "/v1/polls?after=" + "1" * 5_000, 431),
    get("a header of 5,000 bytes", codes.REQUEST_HEAD_TOO_LARGE, "/v1/polls", 431, headers=f"X: {'y' * 5_000}\r\n"),
    get("100 headers", codes.NOT_HTTP, "/v1/polls", headers="X: y\r\n" * 100),
    # Which path and method.
    get("a path there is not", codes.ROUTE_UNKNOWN, "/v1/wallet", 404),
    get("a way out of the root", codes.ROUTE_UNKNOWN, "/v1/../../etc/passwd", 404),
    get("a path in other letters", codes.ROUTE_UNKNOWN, "/v1/%70olls", 404),
    get("an absolute address", codes.ROUTE_UNKNOWN, "http://127.0.0.1:1/x", 404),
    get("an address whose name cannot be read", codes.ROUTE_UNKNOWN, "http://xn--/x", 404),
    get("GET of what is handed in", codes.METHOD_NOT_ALLOWED, "/v1/transactions", 405),
    get("DELETE of a poll", codes.METHOD_NOT_ALLOWED, f"/v1/polls/{OPEN}", 405, "DELETE"),
    get("TRACE", codes.METHOD_NOT_ALLOWED, "/v1/status", 405, "TRACE"),
    Row(
        "request: GET with a body",
        codes.BODY_UNEXPECTED,
        lambda s: s.http("GET /v1/status", "Content-Length: 2\r\n", b"{}"),
        400,
    ),
    # Parameters.
    get("an unknown parameter", codes.PARAMETER_UNKNOWN, "/v1/polls?page=2"),
    get("a parameter where there is none", codes.PARAMETER_UNKNOWN, "/v1/status?debug=1"),
    get("a parameter twice", codes.PARAMETER_REPEATED, "/v1/polls?limit=1&limit=2"),
    get("a page of 101", codes.PARAMETER_WRONG, "/v1/polls?limit=101"),
    get("a page of -1", codes.PARAMETER_WRONG, "/v1/polls?limit=-1"),
    get("a number with a fraction", codes.PARAMETER_WRONG, "/v1/polls/1.5"),
    get("a number of 40 digits", codes.PARAMETER_WRONG, "/v1/blocks/" + "9" * 40),
    get("a hash of 63 digits", codes.PARAMETER_WRONG, f"/v1/transactions/{NOBODY[1:]}"),
    get("a hash in capitals", codes.PARAMETER_WRONG, f"/v1/proofs/ballots/{NOBODY.upper()}"),
    get("a wait for what never comes", codes.PARAMETER_WRONG, f"/v1/transactions/{NOBODY}?wait=rejected"),
    get("a wait of a day", codes.PARAMETER_WRONG, f"/v1/transactions/{NOBODY}?wait=committed&timeout=86400"),
    get("a claim there is not", codes.PARAMETER_WRONG, f"/v1/proofs/polls/{OPEN}?claim=fairness"),
    get("a claim about nobody", codes.PARAMETER_WRONG, f"/v1/proofs/polls/{OPEN}?claim=on_roll"),
    get("a claim about a short key", codes.PARAMETER_WRONG, f"/v1/proofs/polls/{OPEN}?claim=on_roll&voter=01"),
    get("a claim about no size", codes.PARAMETER_WRONG, f"/v1/proofs/polls/{OPEN}?claim=recorded"),
    get("a claim about the size 0", codes.PARAMETER_WRONG, f"/v1/proofs/polls/{OPEN}?claim=recorded&size=0"),
    get("a receipt of no form", codes.PARAMETER_WRONG, f"/v1/proofs/ballots/{NOBODY}?form=short"),
    get("light block 0", codes.PARAMETER_WRONG, "/v1/light_blocks/0"),
    get("a receipt number that is too short", codes.RECEIPT_NUMBER_LENGTH, "/v1/receipts/2222"),
    get("a receipt number with a zero", codes.RECEIPT_NUMBER_CHARACTER, "/v1/receipts/0222-2222-2222-2"),
    get("a receipt number with a mistake", codes.RECEIPT_NUMBER_CHECK, "/v1/receipts/3222-2222-2222-2"),
    # What cannot be proved.
    get("the result of an open poll", codes.POLL_NOT_FINAL, f"/v1/proofs/polls/{OPEN}?claim=result", 409),
    get("the result of a void poll", codes.POLL_NOT_FINAL, f"/v1/proofs/polls/{VOID}?claim=result", 409),
    get(
        "a stranger on a roll", codes.VOTER_NOT_ON_ROLL, f"/v1/proofs/polls/{OPEN}?claim=on_roll&voter=01{NOBODY}", 404
    ),
    get("more ballots than there are", codes.FEWER_BALLOTS, f"/v1/proofs/polls/{OPEN}?claim=recorded&size=99999"),
    get("a proof about poll 999", codes.POLL_UNKNOWN, "/v1/proofs/polls/999", 404),
    get("light block 2^53 - 1", codes.BLOCK_UNKNOWN, f"/v1/light_blocks/{2**53 - 1}", 404),
    get("a receipt number of nobody", codes.RECEIPT_NUMBER_UNKNOWN, "/v1/receipts/2222-2222-2222-2", 404),
    # What there is not.
    get("an unknown transaction", codes.TRANSACTION_UNKNOWN, f"/v1/transactions/{NOBODY}?wait=committed", 404),
    get("a receipt for a stranger", codes.BALLOT_UNKNOWN, f"/v1/proofs/ballots/{NOBODY}", 404),
    Row("request: a receipt for what is no ballot", codes.BALLOT_UNKNOWN, _receipt_of_act, 404),
    get("poll 999", codes.POLL_UNKNOWN, "/v1/polls/999", 404),
    get("roll 999", codes.ROLL_UNKNOWN, "/v1/rolls/999", 404),
    get("block 2^53 - 1", codes.BLOCK_UNKNOWN, f"/v1/blocks/{2**53 - 1}", 404),
    get(
        "block 2^53 - 1 as bytes",
        codes.BLOCK_UNKNOWN,
        f"/v1/blocks/{2**53 - 1}",
        404,
        headers="Accept: application/msgpack\r\n",
    ),
    get("a stranger's key", codes.SIGNER_UNKNOWN, "/v1/signers/01" + NOBODY, 404),
    get("a code there is not", codes.CODE_UNKNOWN, "/v1/errors/MV-9999", 404),
    # Bodies.
    post("a form", codes.MEDIA_TYPE_UNKNOWN, b"a=b", "application/x-www-form-urlencoded", 415),
    post("no media type", codes.MEDIA_TYPE_UNKNOWN, b"[]", "", 415),
    post("a packed body", codes.BODY_ENCODED, gzip.compress(b"{}"), JSON, 415, "Content-Encoding: gzip\r\n"),
    post("a wish", codes.EXPECTATION_UNKNOWN, b"{}", JSON, 417, "Expect: a miracle\r\n"),
    raw(
        "a length of 1 GB",
        codes.BODY_TOO_LARGE,
        _POST + b"Content-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n",
        413,
    ),
    raw(
        "more chunks than a body may have",
        codes.BODY_TOO_LARGE,
        _POST
        + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"8000\r\n" + b" " * 0x8000 + b"\r\n") * (LARGEST_BODY // 0x8000 + 1),
        413,
    ),
    raw(
        "a body that does not come",
        codes.BODY_TOO_SLOW,
        _POST + b"Content-Type: application/json\r\nContent-Length: 900\r\n\r\n{",
        408,
    ),
    msgpacked("no array", codes.MALFORMED, b"\x01"),
    msgpacked("an array of numbers", codes.MALFORMED, b"\x91\x01"),
    msgpacked("an array that is cut", codes.MALFORMED, b"\xdc\xff\xff"),
    msgpacked("an extension", codes.MALFORMED, b"\x91\xd4\x01\x00"),
    msgpacked("a longer form than needed", codes.NOT_CANONICAL, b"\xdc\x00\x01\xc4\x01x"),
    msgpacked("10,000 nested arrays", codes.MALFORMED, b"\x91" * 10_000 + b"\xc0"),
    msgpacked("40 nested arrays", codes.TOO_DEEP, b"\x91" * 40 + b"\xc0"),
    msgpacked("no transaction", codes.BATCH_COUNT, b"\x90"),
    msgpacked("1,001 transactions", codes.BATCH_COUNT, codec.encode((b"x",) * 1_001)),
    post("what is not JSON", codes.MALFORMED, b"{'transactions': []}"),
    post("no JSON at all", codes.MALFORMED, b""),
    post("a member too many", codes.FIELD_UNKNOWN, b'{"transactions": [], "debug": true}'),
    post("a member twice", codes.DUPLICATE_NAME, b'{"transactions": [], "transactions": []}'),
    post("NaN", codes.BAD_NUMBER, b'{"transactions": [NaN]}'),
    post("a number beyond 2^53", codes.BAD_NUMBER, b'{"transactions": [9007199254740993]}'),
    post("a number of 100,000 digits", codes.BAD_NUMBER, b'{"transactions": [' + b"9" * 100_000 + b"]}"),
    post("half a character", codes.NOT_UTF8, b'{"transactions": ["\xc3"]}'),
    post("half a surrogate pair", codes.NOT_UTF8, b'{"transactions": ["\\ud800"]}'),
    post("100,000 nested brackets", codes.MALFORMED, b'{"transactions": ' + b"[" * 100_000),
    post("40 nested brackets", codes.TOO_DEEP, b'{"transactions": ' + b"[" * 40 + b"]" * 40 + b"}"),
    post("a number for a transaction", codes.NOT_BASE64, b'{"transactions": [1]}'),
    post("base64 of the web's alphabet", codes.NOT_BASE64, _json("_-8=")),
    Row("request: a damaged character in base64", codes.NOT_BASE64, _ballot_json, 400),
    post("a transaction of one byte", codes.MALFORMED, _json(_ONE)),
    Row("request: a bad transaction beside a good one", codes.MALFORMED, _batch_with_bad_item, 400),
)
