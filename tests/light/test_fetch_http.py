"""Light blocks over REST: from an honest node, and what comes of the answers of any other."""

import json
import socket

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadRequest, Cause, MvchainError
from mvchain.core.limits import MAX_LIGHT_BLOCK_BYTES
from mvchain.core.types import Height
from mvchain.light import fetch_http
from mvchain.light.blocks import encode_light_block
from mvchain.light.fetch_http import MAX_STATUS_BYTES, HttpNode
from mvchain.light.transport import Deadline, parse_address
from tests.light.light_chain import make_light_chain
from tests.light.little_server import Handler, LittleNode, answering, read_request, respond, serving

CHAIN = make_light_chain(5)


def node(url: str) -> HttpNode:
    return HttpNode(parse_address(url))


def test_a_block_and_the_newest() -> None:
    with serving(LittleNode(CHAIN)) as url:
        assert node(url).light_block(Height(3)) == CHAIN[3]
        assert node(url).light_block(None) == CHAIN[5]


def test_one_deadline_for_all_of_a_light_block(monkeypatch: pytest.MonkeyPatch) -> None:
    deadlines = []

    def exchange(*_: object, deadline: Deadline, **__: object) -> tuple[int, bytes]:
        deadlines.append(deadline)
        return 200, b'{"height":5}' if len(deadlines) == 1 else encode_light_block(CHAIN[5])

    monkeypatch.setattr(fetch_http, "exchange", exchange)
    assert node("http://node.example").light_block(None) == CHAIN[5]
    first, second = deadlines
    assert first is second


def test_a_block_that_the_node_has_not_got() -> None:
    with serving(LittleNode(CHAIN, newest=4)) as url, pytest.raises(BadRequest) as caught:
        node(url).light_block(Height(5))
    assert caught.value.cause is codes.BLOCK_UNKNOWN
    assert "5" in caught.value.detail


def test_a_node_without_blocks() -> None:
    with serving(LittleNode(CHAIN, newest=0)) as url, pytest.raises(BadRequest) as caught:
        node(url).light_block(None)
    assert caught.value.cause is codes.BLOCK_UNKNOWN


def refusal(handle: Handler, height: Height | None = Height(3)) -> MvchainError:  # noqa: B008 - an integer
    with serving(handle) as url, pytest.raises(MvchainError) as caught:
        node(url).light_block(height)
    assert caught.value.detail
    return caught.value


BLOCK = encode_light_block(CHAIN[3])


@pytest.mark.parametrize(
    ("body", "status", "cause"),
    [
        (b"", 200, codes.MALFORMED),
        (b"<html>", 200, codes.MALFORMED),
        (b"\xff", 200, codes.NOT_UTF8),
        (b"{}", 200, codes.MALFORMED_LIGHT_BLOCK),
        (BLOCK[:-1], 200, codes.MALFORMED),
        (BLOCK + b"\n", 200, codes.NOT_CANONICAL),
        (BLOCK.replace(b'"height":3', b'"height":3e0'), 200, codes.BAD_NUMBER),
        (BLOCK + b" " * MAX_LIGHT_BLOCK_BYTES, 200, codes.ANSWER_TOO_LARGE),
        (BLOCK, 204, codes.NODE_REFUSED),
        (BLOCK, 500, codes.NODE_REFUSED),
        (b"", 301, codes.NODE_REFUSED),
        (b'{"code":"MV-6022"}', 404, codes.BLOCK_UNKNOWN),
        (b'{"code":"MV-9999"}', 503, codes.NODE_REFUSED),
        (b'{"code":"\\u001b[31m"}', 503, codes.NODE_REFUSED),
        (b'{"code":7}', 503, codes.NODE_REFUSED),
        (b"[]", 503, codes.NODE_REFUSED),
        (b"\xff" * 100, 503, codes.NODE_REFUSED),
    ],
)
def test_other_answers(body: bytes, status: int, cause: Cause) -> None:
    assert refusal(answering(body, status)).cause is cause


def test_a_refusal_shows_nothing_of_the_answer_but_a_code() -> None:
    told = refusal(answering(b'{"code":"MV-6010","detail":"secret"}', 503)).detail
    assert "MV-6010" in told
    assert "503" in told
    assert "secret" not in told
    assert "code none" in refusal(answering(b'{"code":"MV-6010\\n"}', 503)).detail


@pytest.mark.parametrize(
    "status",
    [
        b"",
        b"{}",
        b"[]",
        b'{"height":"5"}',
        b'{"height":true}',
        b'{"height":-1}',
        b'{"height":9007199254740993}',
        b'{"height":5.0}',
        b'{"height":' + b"9" * 1_000 + b"}",
        b'{"height":5,"height":6}',
        b'{"height":5}' + b" " * MAX_STATUS_BYTES,
    ],
)
def test_a_status_that_is_none(status: bytes) -> None:
    def handle(connection: socket.socket) -> None:
        asked, _ = read_request(connection)
        assert asked == "GET /v1/status"
        respond(connection, status)

    assert isinstance(refusal(handle, None), BadRequest)


def test_other_paths() -> None:
    little = LittleNode(CHAIN)
    little.says["GET /v1/polls/1"] = json.dumps({"poll": 1}).encode()
    with serving(little) as url:
        assert node(url).get("/v1/polls/1", 100) == b'{"poll": 1}'
        with pytest.raises(BadRequest) as caught:
            node(url).get("/v1/polls/1", 10)
    assert caught.value.cause is codes.ANSWER_TOO_LARGE
