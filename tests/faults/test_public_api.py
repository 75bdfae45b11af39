"""The public API against what others' APIs fell to (faults ATK21, ATK22, ATK32, ATK37, ATK39), on a real node."""

import asyncio
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from itertools import product
from typing import Final

from mvchain.api import rest
from mvchain.api.rpc_methods import METHODS
from mvchain.core import codes
from mvchain.core.hashing import sha256
from tests.api.chain_node import ChainNode, rpc_request
from tests.api.helpers import HttpAnswer, RawClient, post, request
from tests.ledger.state_helpers import key_of

# --- ATK37 ---

PATHS: Final = {
    "/livez",
    "/readyz",
    "/v1/openapi.json",
    "/v1/status",
    "/v1/nodes",
    "/v1/genesis",
    "/v1/polls",
    "/v1/polls/{number}",
    "/v1/rolls/{number}",
    "/v1/signers/{key}",
    "/v1/agencies",
    "/v1/blocks",
    "/v1/blocks/{height}",
    "/v1/transactions/{hash}",
    "/v1/proofs/ballots/{hash}",
    "/v1/proofs/polls/{number}",
    "/v1/light_blocks/{height}",
    "/v1/receipts/{number}",
    "/v1/errors/{code}",
    "/v1/evidence",
    "/v1/governance/proposals",
    "/v1/governance/proposals/{number}",
    "/",
    "/verify",
    "/receipts/{number}",
}
"""What anybody may read. Everything on the public listener is for anybody: there is no role that could be guessed."""
CALLS: Final = {
    "health",
    "status",
    "net_info",
    "genesis",
    "genesis_chunked",
    "abci_info",
    "abci_query",
    "header",
    "header_by_hash",
    "block",
    "block_by_hash",
    "block_results",
    "blockchain",
    "commit",
    "validators",
    "consensus_params",
    "tx",
    "check_tx",
    "num_unconfirmed_txs",
    "unconfirmed_txs",
    "broadcast_evidence",
    "broadcast_tx_sync",
    "broadcast_tx_async",
    "broadcast_tx_commit",
    "subscribe",
    "unsubscribe",
    "unsubscribe_all",
}
UNSAFE: Final = [
    "dial_seeds",
    "dial_peers",
    "unsafe_flush_mempool",
    "unsafe_start_cpu_profiler",
    "unsafe_stop_cpu_profiler",
    "unsafe_write_heap_profile",
    "dump_consensus_state",
    "consensus_state",
    "remove_tx",
    "qbft_proposeValidatorVote",
    "admin_addPeer",
    "admin_peers",
    "debug_traceTransaction",
    "personal_unlockAccount",
    "miner_start",
    "wallet",
]
ELSEWHERE: Final = [
    "/metrics",
    "/admin",
    "/admin/log_level",
    "/debug",
    "/debug/pprof",
    "/debug/vars",
    "/config",
    "/peers",
    "/v1/peers",
    "/v1/keys",
    "/v1/admin",
    "/v1/validators",
    "/wallet/add/00",
    "/.git/config",
    "/.env",
    "/static/verify.js",
    "/server-status",
    "/actuator",
    "/healthz",
]


OTHER_METHODS: Final = ["POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "OPTIONS", "PROPFIND"]


async def one_answer(chain: ChainNode, sent: bytes, *, head_only: bool = False) -> HttpAnswer:
    """The first answer on a connection of its own."""
    client = await RawClient.connect(chain.server)
    await client.send(sent)
    answer = await client.answer(head_only)
    await client.close()
    return answer


def test_atk37_every_route_is_listed_with_who_may_use_it() -> None:
    """faults ATK37: a call that was added for operators was open to all; a new route fails here until it is listed."""
    assert {route.path for route in rest.ROUTES} == PATHS
    assert set(METHODS) == CALLS
    assert rest.SUBMIT_PATH == "/v1/transactions"


async def test_atk37_no_route_of_an_operator_is_on_the_public_listener(chain: ChainNode) -> None:
    """faults ATK37: what changes or shows the inside of a node is not there under any name that others use."""
    for path in ELSEWHERE:
        assert (await chain.get(path)).status == 404, path
    for method in UNSAFE:
        assert (await chain.get(f"/{method}")).status == 404, method
        document = await chain.answer(method)
        assert document["error"]["code"] == -32601, method


async def test_atk37_reading_routes_take_no_other_method(chain: ChainNode) -> None:
    """faults ATK37: the second half of the matrix, methods by routes: nothing is written but transactions."""
    for path, method in product(sorted(PATHS - {"/"}), OTHER_METHODS):
        answer = await one_answer(chain, request(method, path.replace("{number}", "1").replace("{height}", "1")))
        assert answer.status in {400, 404, 405}, (method, path)


# --- ATK22 ---

MARK: Final = "m4rk-3d"
HEADERS: Final = [
    "Host",
    "Origin",
    "Referer",
    "User-Agent",
    "Accept",
    "Accept-Language",
    "Accept-Encoding",
    "Accept-Charset",
    "Authorization",
    "Cookie",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Prefix",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Request-Id",
    "X-Real-IP",
    "Via",
    "From",
    "If-None-Match",
    "If-Match",
    "If-Modified-Since",
    "Range",
    "Prefer",
    "Access-Control-Request-Method",
    "Access-Control-Request-Headers",
    "Sec-WebSocket-Protocol",
    "Upgrade-Insecure-Requests",
    "X-Http-Method-Override",
    "Connection",
]


def targets(chain: ChainNode) -> Iterator[str]:
    """Every path that is read, with arguments that are there and one that is not."""
    ballot = sha256(chain.election.ballot(0)).hex()
    arguments = {
        "{number}": ("1", "999"),
        "{height}": ("1", "999"),
        "{key}": (key_of("operator").tagged.hex(), "01" * 33),
        "{hash}": (ballot, "00" * 32),
        "{code}": ("MV-1001", "MV-9999"),
    }
    for path in sorted(PATHS):
        name = re.search(r"\{\w+\}", path)
        for argument in arguments[name[0]] if name else ("",):
            yield path.replace(name[0], argument) if name else path
    yield from (f"/{method}" for method in sorted(CALLS - {"subscribe", "unsubscribe", "unsubscribe_all"}))
    yield from ("/nowhere", "/v1/polls?limit=0", "/websocket")


async def test_atk22_no_header_of_a_request_is_in_any_answer(chain: ChainNode) -> None:
    """faults ATK22: a page showed the Host header of the request, and with it whatever an attacker put there."""
    lines = "".join(f"{name}: {MARK}\r\n" for name in HEADERS)
    bodies = [b"", b'{"transactions":["AA=="]}', b'{"jsonrpc":"2.0","id":1,"method":"status"}', b"{"]
    for target in targets(chain):
        for method in ("GET", "HEAD"):
            sent = f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode()
            answer = await one_answer(chain, sent, head_only=method == "HEAD")
            assert MARK.encode() not in answer.head + answer.body, target
    for target in ("/v1/transactions", "/"):
        for body in bodies:
            ends = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            answer = await one_answer(chain, f"POST {target} HTTP/1.1\r\n{lines}{ends}".encode() + body)
            assert MARK.encode() not in answer.head + answer.body, (target, body)


async def test_atk22_the_host_of_an_absolute_target_is_nobodys_business(chain: ChainNode) -> None:
    """faults ATK22: the other way to name a host; it is read as nothing and shown to nobody."""
    for host in (MARK, f"{MARK}:99999", f"user:{MARK}@x", f"[::1{MARK}", f'{MARK}"><script>'):
        answer = await one_answer(chain, f"GET http://{host}/v1/nodes HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert MARK.encode() not in answer.head + answer.body, host


# --- ATK21 ---


async def test_atk21_a_call_with_a_number_that_others_read_otherwise_is_not_made(chain: ChainNode) -> None:
    """faults ATK21: large ids of two calls became one id, so that an answer went to the wrong question."""
    for number in ["1.0", "1e2", "NaN", "-Infinity", "9007199254740993", "9223372036854775808", "1e400", "01", "-0.0"]:
        for body in (
            f'{{"jsonrpc":"2.0","id":{number},"method":"status"}}',
            f'{{"jsonrpc":"2.0","id":1,"method":"block","params":{{"height":{number}}}}}',
            f'{{"jsonrpc":"2.0","id":1,"method":"block","params":[{number}]}}',
        ):
            document = (await chain.post(body.encode())).json()
            assert "result" not in document, body
        for target in (f"/v1/blocks/{number}", f"/block?height={number}", f"/v1/polls?after={number}"):
            assert (await chain.get(target)).status != 200, target


async def test_atk21_each_id_comes_back_as_it_is(chain: ChainNode) -> None:
    """faults ATK21: at the ends of the range no two ids fall together."""
    ids = [2**53 - 1, 2**53 - 2, -(2**53) + 1, 0, "9007199254740993", "9007199254740992", ""]
    calls = [{"jsonrpc": "2.0", "id": call_id, "method": "health"} for call_id in ids]
    assert [answer["id"] for answer in (await chain.post(calls)).json()] == ids


# --- ATK32 ---


async def test_atk32_every_route_stands_a_tight_loop_while_ballots_are_cast(chain: ChainNode) -> None:
    """faults ATK32: showing a peer's state over RPC called itself without end, and one request ended the process."""
    tasks = len(asyncio.all_tasks())
    found: dict[str, HttpAnswer] = {}

    async def loop(turns: int) -> None:
        client = await RawClient.connect(chain.server)
        for _ in range(turns):
            for target in targets(chain):
                await client.send(request("GET", target))
                answer = await client.answer()
                # A call in a URL that fails is a 500, as CometBFT answers it; our own failure has its own code.
                assert answer.status < 500 or target[1:] in CALLS, target
                assert codes.INTERNAL.code.encode() not in answer.body, target
                found[target] = answer
        await client.close()

    await asyncio.gather(*(loop(3) for _ in range(4)), chain.cast(3, 4, 5))
    assert found["/v1/status"].status == found["/net_info"].status == found["/readyz"].status == 200
    assert len(json.dumps(found["/net_info"].json())) < 5_000
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) <= tasks + 4  # one for each client's connection may still be ending
    assert chain.running.task is not None
    assert not chain.running.task.done()


# --- ATK39 ---


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n", head: str = "") -> bytes:
    """A post in chunks; each comes with its size line."""
    lines = f"POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{head}"
    return f"{lines}Transfer-Encoding: chunked\r\n\r\n".encode() + b"".join(chunks) + end


BODY: Final = b'{"transactions":["AA=="]}'
CHUNK: Final = b"%x\r\n%s\r\n" % (len(BODY), BODY)
HIDDEN: Final = b"GET /v1/nodes HTTP/1.1\r\nHost: hidden\r\n\r\n"
SMUGGLED: Final = {
    "trailer": chunked(CHUNK, end=b"0\r\nContent-Length: 5\r\nHost: evil\r\n\r\n"),
    "request in a trailer": chunked(CHUNK, end=b"0\r\nX: " + HIDDEN.replace(b"\r\n", b"\\r\\n") + b"\r\n\r\n"),
    "chunk extension": chunked(CHUNK.replace(b"\r\n", b";x=" + b"y" * 50 + b"\r\n", 1)),
    "extension with a line feed": chunked(b"%x;a\nxx\r\n%s\r\n" % (len(BODY), BODY)),
    "extension with a request": chunked(b"%x;\n%s\r\n%s\r\n" % (len(BODY), HIDDEN, BODY)),
    "size with a sign": chunked(CHUNK.replace(b"19", b"+19", 1)),
    "size with an underscore": chunked(CHUNK.replace(b"19", b"1_9", 1)),
    "size with 0x": chunked(CHUNK.replace(b"19", b"0x19", 1)),
    "bare line feed": chunked(CHUNK.replace(b"19\r\n", b"19\n", 1)),
    "length and chunks": chunked(CHUNK, head=f"Content-Length: {len(CHUNK) + 5}\r\n"),
    "chunked twice": chunked(CHUNK, head="Transfer-Encoding: chunked\r\n"),
    "chunked, but not last": post(BODY, Transfer_Encoding="chunked, identity"),
    "two lengths": post(BODY, Content_length="3"),
    "length with a sign": post(BODY).replace(b"Content-Length: 25", b"Content-Length: +25"),
    "folded header": post(BODY).replace(b"Host: node", b"Host: node\r\n Transfer-Encoding: chunked"),
    "space before the colon": post(BODY).replace(b"Content-Length:", b"Content-Length :"),
}


async def test_atk39_one_request_is_one_request(chain: ChainNode) -> None:
    """faults ATK39: trailers, chunk extensions and doubtful lengths hid a second request from the proxy in front."""
    for name, sent in SMUGGLED.items():
        client = await RawClient.connect(chain.server)
        await client.send(sent + request("GET", "/livez", Connection="close"))
        said = await client.closed()
        await client.close()
        first, *others = [int(found) for found in re.findall(rb"^HTTP/1\.[01] (\d+)", said, re.MULTILINE)]
        assert first in {400, 422}, name  # the transaction of one zero byte is none
        assert others in ([], [200]), name
        assert b'"others"' not in said, name
        assert not others or said.rstrip().endswith(b'{"live":true}'), name


BOMB: Final = b"[" + b" " * 20_000_000 + b"]"
PACKED: Final = {
    "gzip": gzip.compress(BOMB),
    "deflate": zlib.compress(BOMB),
    "br": b"\x1b" * 1000,
    "zstd": b"\x28\xb5\x2f\xfd" * 100,
    "gzip, gzip": gzip.compress(gzip.compress(BOMB)),
    "identity": BODY,
    "": BODY,
}
WRITTEN: Final = ("/v1/transactions", "/")
"""The paths that take a body."""
FORMS: Final = ("multipart/form-data; boundary=x", "multipart/mixed", "application/x-www-form-urlencoded")


async def test_atk39_no_body_is_unpacked(chain: ChainNode) -> None:
    """faults ATK39: a few kilobytes that unpack to gigabytes; nothing is unpacked, whatever it is called."""
    for path, (coding, body) in product(WRITTEN, PACKED.items()):
        sent = request("POST", path, body, Content_Type="application/json", Content_Encoding=coding)
        answer = await one_answer(chain, sent)
        assert (answer.status, answer.json()["code"]) == (415, codes.BODY_ENCODED.code), (path, coding)


async def test_atk39_no_form_is_read(chain: ChainNode) -> None:
    """faults ATK39: one multipart body kept a server in a loop for ever, another one filled its memory."""
    for path, media_type in product(WRITTEN, FORMS):
        sent = request("POST", path, b"--x\r\n\r\n" * 1000, Content_Type=media_type)
        assert (await one_answer(chain, sent)).status == 415, (path, media_type)


async def test_atk39_a_large_payload_is_refused_by_what_it_says_and_by_what_comes(chain: ChainNode) -> None:
    """faults ATK39: a large payload was gathered in memory before anybody asked how large it was."""
    limit = chain.limits.max_body
    endless = b"%x\r\n%s\r\n" % (1 << 16, b" " * (1 << 16)) * (limit // (1 << 16) + 2)
    for path in WRITTEN:
        said = request("POST", path, None, Content_Type="application/json", Content_Length=str(limit + 1))
        for sent in (said, chunked(endless).replace(b"/v1/transactions", path.encode())):
            answer = await one_answer(chain, sent)
            assert codes.BODY_TOO_LARGE.code.encode() in answer.body, path


async def test_atk39_a_call_in_an_unpacked_body_still_works(chain: ChainNode) -> None:
    """faults ATK39: what the tests above refuse is the wrapping."""
    await chain.client.send(rpc_request(b'{"jsonrpc":"2.0","id":1,"method":"health"}'))
    assert (await chain.client.answer()).json()["result"] == {}
