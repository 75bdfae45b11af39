"""HTTP with nodes that may be hostile: bounded in bytes and time, and what comes of it is an answer or our error."""

import itertools
import socket
import threading
from collections.abc import Callable

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BadRequest, Cause
from mvchain.light import transport
from mvchain.light.transport import exchange, parse_address
from tests.light.little_server import Handler, answering, read_request, respond, serving

LIMIT = 1_000


def get(url: str) -> tuple[int, bytes]:
    return exchange(parse_address(url), "GET", "/x", LIMIT)


def refusal(handle: Handler) -> tuple[Cause, str]:
    with serving(handle) as url, pytest.raises(BadRequest) as caught:
        get(url)
    return caught.value.cause, caught.value.detail


# --- addresses ---


@pytest.mark.parametrize(
    ("url", "host", "port", "secure", "prefix"),
    [
        ("http://127.0.0.1:26680", "127.0.0.1", 26680, False, ""),
        ("http://node.example/", "node.example", 80, False, ""),
        ("https://node.example", "node.example", 443, True, ""),
        ("https://node.example:8443/mvchain/", "node.example", 8443, True, "/mvchain"),
        ("http://[::1]:26680", "::1", 26680, False, ""),
    ],
)
def test_addresses(url: str, host: str, port: int, secure: bool, prefix: str) -> None:
    address = parse_address(url)
    assert (address.host, address.port, address.secure, address.prefix) == (host, port, secure, prefix)
    assert address.url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:26680",
        "node.example",
        "ftp://node.example",
        "file:///etc/passwd",
        "unix:/run/node.sock",
        "http://",
        "http:///v1",
        "http://node.example:port",
        "http://node.example:99999",
        "http://user:secret@node.example",
        "http://node.example/?query",
        "http://node.example/#part",
        "http://[::1",
        f"http://{'a' * 64}.example",
        "http://node\n.example",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        parse_address(url)
    assert caught.value.cause is codes.BAD_NODE_ADDRESS


# --- answers ---


def test_an_answer() -> None:
    with serving(answering(b"hello")) as url:
        assert get(url) == (200, b"hello")


def test_the_request() -> None:
    asked = []

    def handle(connection: socket.socket) -> None:
        asked.append(read_request(connection))
        respond(connection, b"")

    with serving(handle) as url:
        exchange(parse_address(url + "/under/"), "POST", "/x?y=1", LIMIT, body=b"{}")
    assert asked == [("POST /under/x?y=1", b"{}")]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    visits = []

    def elsewhere(connection: socket.socket) -> None:
        visits.append(read_request(connection))
        respond(connection, b"elsewhere")

    with serving(elsewhere) as other, serving(answering(b"", status, f"Location: {other}/\r\n")) as url:
        assert get(url) == (status, b"")
    assert visits == []


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(b"direct")) as url, serving(answering(b"proxy")) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        assert get(url) == (200, b"direct")


def test_an_answer_at_its_bound() -> None:
    with serving(answering(b"a" * LIMIT)) as url:
        assert get(url) == (200, b"a" * LIMIT)
    assert refusal(answering(b"a" * (LIMIT + 1)))[0] is codes.ANSWER_TOO_LARGE


def sending(make: Callable[[], "itertools.chain[bytes] | list[bytes]"]) -> Handler:
    """Sends these pieces for as long as somebody takes them."""

    def handle(connection: socket.socket) -> None:
        read_request(connection)
        for piece in make():
            connection.sendall(piece)

    return handle


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"\r\n",
        HEAD + b"Content-Length: 99999999999999\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    ],
)
def test_an_endless_body(head: bytes) -> None:
    cause, _ = refusal(sending(lambda: itertools.chain([head], itertools.repeat(b"a" * 4_096))))
    assert cause is codes.ANSWER_TOO_LARGE


NO_HTTP: dict[str, list[bytes]] = {
    "nothing": [],
    "another protocol": [b"SSH-2.0-OpenSSH_9.2\r\n"],
    "bytes": [b"\x16\x03\x01\x00\xff" * 50],
    "a status that is none": [b"HTTP/1.1 OK 200\r\n\r\n"],
    "a status of many digits": [b"HTTP/1.1 " + b"2" * 5_000 + b" OK\r\n\r\n"],
    "a long header": [HEAD, b"X: ", b"a" * 70_000, b"\r\n\r\n"],
    "many headers": [HEAD, *[b"X: a\r\n"] * 1_000, b"\r\n"],
    "a chunk without size": [HEAD, b"Transfer-Encoding: chunked\r\n\r\n", b"size\r\nhello\r\n"],
    "a chunk that ends early": [HEAD, b"Transfer-Encoding: chunked\r\n\r\n", b"40\r\nhello"],
    "a chunk size of many digits": [HEAD, b"Transfer-Encoding: chunked\r\n\r\n", b"f" * 70_000],
}


@pytest.mark.parametrize("name", NO_HTTP)
def test_what_is_no_http(name: str) -> None:
    cause, detail = refusal(sending(lambda: NO_HTTP[name]))
    assert cause is codes.SERVER_UNREACHABLE
    assert "127.0.0.1" in detail


def test_odd_answers_that_still_are_some() -> None:
    """A length that is no number counts as none; a body that ends early is for its reader to refuse."""
    with serving(sending(lambda: [HEAD, b"Content-Length: many\r\n\r\n", b"hello"])) as url:
        assert get(url) == (200, b"hello")
    with serving(sending(lambda: [HEAD, b"Content-Type: app"])) as url:
        assert get(url) == (200, b"")
    with serving(sending(lambda: [HEAD, b"Content-Length: 100\r\n\r\n", b"hello"])) as url:
        assert get(url) == (200, b"hello")


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(BadRequest) as caught:
        get(f"http://127.0.0.1:{port}")
    assert caught.value.cause is codes.SERVER_UNREACHABLE
    assert "refused" in caught.value.detail


def test_a_name_that_nobody_has() -> None:
    with pytest.raises(BadRequest) as caught:
        get("http://no-such-node.invalid")
    assert caught.value.cause is codes.SERVER_UNREACHABLE


def test_plain_text_where_encryption_is_asked_for() -> None:
    with serving(lambda connection: respond(connection, b"hello")) as url, pytest.raises(BadRequest) as caught:
        get(url.replace("http:", "https:"))
    assert caught.value.cause is codes.SERVER_UNREACHABLE


# --- time: none of these would ever end by itself ---


def dripping(stop: threading.Event, before: bytes, drop: bytes) -> Handler:
    """Sends `before`, and then a drop now and then: every single wait for it is short."""

    def handle(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(before)
        while not stop.wait(0.02):
            connection.sendall(drop)

    return handle


@pytest.mark.parametrize(
    ("before", "drop"),
    [
        (b"", b"H"),
        (HEAD, b"X: a\r\n"),
        (HEAD + b"X: ", b"a"),
        (HEAD + b"\r\n", b"a"),
        (HEAD + b"Content-Length: 900\r\n\r\n", b"a"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_a_slow_drip_is_cut_off(before: bytes, drop: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline is for the whole exchange, not for each piece."""
    monkeypatch.setattr(transport, "DEADLINE_S", 0.3)
    stop = threading.Event()
    try:
        cause, detail = refusal(dripping(stop, before, drop))
    finally:
        stop.set()
    assert cause is codes.SERVER_UNREACHABLE
    assert "longer than 0.3 s" in detail


def test_silence_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "DEADLINE_S", 0.1)
    end = threading.Event()

    def handle(connection: socket.socket) -> None:
        end.wait()

    with serving(handle) as url:
        for scheme in ("http", "https"):
            with pytest.raises(BadRequest) as caught:
                get(url.replace("http", scheme))
            assert "longer than 0.1 s" in caught.value.detail
        end.set()


def test_a_node_that_takes_no_request_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "DEADLINE_S", 0.2)
    end = threading.Event()

    def handle(connection: socket.socket) -> None:
        end.wait()

    with serving(handle) as url:
        with pytest.raises(BadRequest) as caught:
            exchange(parse_address(url), "POST", "/", LIMIT, body=bytes(64 * 1024 * 1024))
        end.set()
    assert "longer than 0.2 s" in caught.value.detail
