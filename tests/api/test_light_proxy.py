"""What a light client serves: a node's answers, verified; and nothing of a node that lies."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from mvchain.api import rest
from mvchain.api.light_proxy import ROUTES, LightProxy
from mvchain.api.server import ApiServer
from mvchain.core import codec, codes, strict_json
from mvchain.core.errors import BadRequest, Cause
from mvchain.core.hashing import sha256
from mvchain.core.keys import Purpose
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import Block, Commit
from mvchain.ledger.endorsements import Kind, endorsement_sign_bytes
from mvchain.ledger.records import PollState
from mvchain.light.blocks import decode_light_block, encode_light_block
from mvchain.light.client import LightClient, Source
from mvchain.light.fetch_http import HttpNode
from mvchain.light.fetch_rpc import RpcNode
from mvchain.light.follower import Follower
from mvchain.light.proofs import Counted, decode_proof
from mvchain.light.rules import Rules
from mvchain.light.transport import parse_address
from mvchain.light.trust import TrustStore
from mvchain.light.verify import VerifiedReceipt, verify, verify_proof
from tests.api.chain_node import ChainNode
from tests.api.helpers import HttpAnswer, RawClient, request
from tests.ledger.state_helpers import key_of
from tests.light.light_chain import GENESIS as OTHER_GENESIS
from tests.light.light_chain import OTHER_KEYS, fork_of, make_light_chain, set_of, sign
from tests.light.little_server import Handler, LittleNode, read_request, respond, serving

Change = Callable[[bytes], bytes]
MSGPACK = "application/msgpack"
MAX_BYTES = 8 * 1024 * 1024


def url_of(server: ApiServer) -> str:
    host, port = server.address
    return f"http://{host}:{port}"


def between(url: str, changes: dict[str, Change]) -> Handler:
    """A node that passes on what another says, changed at some paths; of a refusal there it makes an empty answer."""
    behind = HttpNode(parse_address(url))

    def handle(connection: socket.socket) -> None:
        path = read_request(connection)[0].removeprefix("GET ")
        change = next((change for prefix, change in changes.items() if path.startswith(prefix)), None)
        try:
            answer = behind.get(path, MAX_BYTES, MSGPACK if path.startswith("/v1/blocks/") else None)
        except BadRequest as error:
            if change is None:
                respond(connection, json.dumps({"code": error.code}).encode(), 404)
                return
            answer = b""
        respond(connection, answer if change is None else change(answer))

    return handle


class Proxy:
    """A light client's API and a client of it."""

    def __init__(self, follower: Follower, client: RawClient) -> None:
        self.follower = follower
        self.client = client

    async def get(self, path: str, method: str = "GET", **headers: str) -> HttpAnswer:
        await self.client.send(request(method, path, **headers))
        return await self.client.answer()

    async def json(self, path: str) -> Any:
        answer = await self.get(path)
        assert answer.status == 200, answer
        return answer.json()

    async def refusal(self, path: str) -> tuple[int, str]:
        """HTTP status and code of a request that must be refused; nothing else is in the answer."""
        answer = await self.get(path)
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem.keys() == {"type", "title", "status", "code", "detail", "remedy", "retryable"}
        return answer.status, problem["code"]


@asynccontextmanager
async def proxying(chain: ChainNode, *urls: str, known_genesis: bool = True) -> AsyncIterator[Proxy]:
    """A light client of these nodes, asked over REST, or over JSON-RPC where rpc+ stands before the address."""
    nodes: dict[Source, HttpNode | RpcNode] = {}
    for url in urls:
        kind = RpcNode if url.startswith("rpc+") else HttpNode
        nodes[Source(url)] = kind(parse_address(url.removeprefix("rpc+")))
    client = LightClient(TrustStore(chain.genesis), tuple(nodes), Rules(), lambda _: None)
    follower = Follower(client, nodes, chain.genesis if known_genesis else None, lambda _: None)
    proxy = LightProxy(follower)
    await proxy.start("127.0.0.1", 0)
    raw = await RawClient.connect(proxy)  # type: ignore[arg-type]
    try:
        yield Proxy(follower, raw)
    finally:
        await raw.close()
        await proxy.stop()


@asynccontextmanager
async def honest(chain: ChainNode) -> AsyncIterator[Proxy]:
    """One node, asked over REST and over JSON-RPC."""
    url = url_of(chain.server)
    async with proxying(chain, url, f"rpc+{url}") as proxy:
        yield proxy


@asynccontextmanager
async def lying(chain: ChainNode, **changes: Change) -> AsyncIterator[Proxy]:
    """The only node that is asked over REST changes what it passes on; the other, over JSON-RPC, is honest."""
    url = url_of(chain.server)
    paths = {f"/v1/{name.replace('__', '/')}": change for name, change in changes.items()}
    with serving(between(url, paths)) as liar:
        async with proxying(chain, liar, f"rpc+{url}") as proxy:
            yield proxy


async def said_by(chain: ChainNode, path: str) -> bytes:
    """What the node itself answers."""
    return await asyncio.to_thread(HttpNode(parse_address(url_of(chain.server))).get, path, MAX_BYTES)


async def final(chain: ChainNode) -> None:
    """The poll of the chain is closed and counted."""
    await chain.running.runtime.submit([chain.election.close], "1.2.3.4")
    replica = chain.running.replica
    await chain.running.until(lambda: (poll := replica.state.poll(1)) and poll.state is PollState.FINAL)
    await chain.at_rest()


def ballot(chain: ChainNode, voter: int) -> bytes:
    return chain.election.ballot(voter)


def txid(chain: ChainNode, voter: int) -> str:
    return sha256(ballot(chain, voter)).hex()


# --- honest nodes: what passes ---


async def test_status(voting: ChainNode) -> None:
    async with honest(voting) as proxy:
        before = await proxy.json("/v1/status")
        assert (before["height"], before["block_hash"]) == (0, None)
        newest = await proxy.follower.advance()
        status = await proxy.json("/v1/status")
    assert status["height"] == newest.height == voting.store.last_height
    assert status["block_hash"] == newest.hash.hex()
    assert status["chain_id"] == voting.genesis.chain_id
    assert status["genesis_hash"] == voting.genesis.hash.hex()
    assert [node["standing"] for node in status["nodes"]] == ["good", "good"]


async def test_the_genesis_file(voting: ChainNode) -> None:
    async with honest(voting) as proxy:
        assert (await proxy.get("/v1/genesis")).body == voting.genesis.encode()


async def test_blocks(voting: ChainNode) -> None:
    async with honest(voting) as proxy:
        for height in range(1, voting.store.last_height + 1):
            light = decode_light_block((await proxy.get(f"/v1/light_blocks/{height}")).body)
            answer = await proxy.get(f"/v1/blocks/{height}", Accept=MSGPACK)
            encoded, commit = codec.decode(answer.body, "it", max_bytes=MAX_BYTES)  # type: ignore[misc]
            shown = await proxy.json(f"/v1/blocks/{height}")
            assert light.header == Block.decode(encoded).header  # type: ignore[arg-type]
            assert Commit.decode(commit) == light.commit  # type: ignore[arg-type]
            own = voting.view.block_bytes(height)
            assert own is not None
            assert encoded == own[0]
            assert shown["hash"] == light.hash.hex()
            assert shown["transactions"] == [sha256(tx).hex() for tx in Block.decode(own[0]).txs]


async def test_a_transaction(voting: ChainNode) -> None:
    async with honest(voting) as proxy:
        for voter in range(3):
            found = await proxy.json(f"/v1/transactions/{txid(voting, voter)}")
            block = await proxy.json(f"/v1/blocks/{found['height']}")
            assert found["state"] == "committed"
            assert block["transactions"][found["index"]] == txid(voting, voter)
            assert found["data_hash"] == block["data_hash"]
            assert found["included"]["total"] == len(block["transactions"])


async def test_an_open_poll(voting: ChainNode) -> None:
    async with honest(voting) as proxy:
        await proxy.follower.advance()
        poll = await proxy.json("/v1/polls/1")
        proof = verify_proof((await proxy.get("/v1/proofs/polls/1?claim=question")).body, voting.genesis)
    assert (poll["state"], poll["title"]) == ("open", {"en": "Park"})
    assert poll["ballots"]["size"] == 3
    assert poll["tally"] is None
    assert poll["turnout"] == {"voters": None, "eligible": 8}
    assert poll["as_of"]["height"] == proof.height == voting.store.last_height


async def test_a_final_poll(voting: ChainNode) -> None:
    await final(voting)
    async with honest(voting) as proxy:
        answer = await proxy.get("/v1/polls/1")
        receipt = (await proxy.get(f"/v1/proofs/ballots/{txid(voting, 1)}")).body
        stranger = voting.election.voters[7].tagged.hex()
        proofs = {
            name: await proxy.get(f"/v1/proofs/polls/1?claim={name}{more}")
            for name, more in {
                "question": "",
                "result": "",
                "recorded": "&size=2",
                "on_roll": f"&voter={stranger}",
                "not_counted": f"&voter={stranger}",
            }.items()
        }
    poll = answer.json()
    assert poll["state"] == "final"
    assert poll["turnout"] == {"voters": 3, "eligible": 8}
    assert [option["total"] for option in poll["tally"]["questions"][0]["options"]] == [3, 0, 0]
    assert "immutable" in answer.headers["cache-control"]
    verified = verify(receipt, voting.genesis)
    assert not isinstance(verified, VerifiedReceipt)
    assert isinstance(verified.claim, Counted)
    for name, proved in proofs.items():
        assert proved.status == 200, name
        assert verify_proof(proved.body, voting.genesis).poll == 1


@pytest.mark.parametrize("form", ["", "?form=open"])
async def test_an_open_receipt(voting: ChainNode, form: str) -> None:
    async with honest(voting) as proxy:
        receipt = await proxy.get(f"/v1/proofs/ballots/{txid(voting, 2)}{form}")
    verified = verify(receipt.body, voting.genesis)
    assert isinstance(verified, VerifiedReceipt)
    assert verified.ballot.hex() == txid(voting, 2)
    assert receipt.headers["cache-control"] == "no-cache"


async def test_what_passes_is_what_the_node_says(voting: ChainNode) -> None:
    async with honest(voting) as proxy:
        await proxy.follower.advance()
        for path in ("/v1/light_blocks/2", f"/v1/proofs/ballots/{txid(voting, 0)}", "/v1/proofs/polls/1"):
            assert (await proxy.get(path)).body == await said_by(voting, path)


# --- what is not served ---


@pytest.mark.parametrize(
    ("path", "status", "cause"),
    [
        ("/", 404, codes.ROUTE_UNKNOWN),
        ("/v1", 404, codes.ROUTE_UNKNOWN),
        ("/v1/polls", 404, codes.ROUTE_UNKNOWN),
        ("/v1/polls/", 404, codes.ROUTE_UNKNOWN),
        ("/v1/polls/1/2", 404, codes.ROUTE_UNKNOWN),
        ("/v1/status/", 404, codes.ROUTE_UNKNOWN),
        ("/v1/rolls/1", 404, codes.ROUTE_UNKNOWN),
        ("/v1/light_blocks/{height}", 400, codes.PARAMETER_WRONG),
        ("/v1/light_blocks/0", 400, codes.PARAMETER_WRONG),
        ("/v1/light_blocks/-1", 400, codes.PARAMETER_WRONG),
        ("/v1/light_blocks/9007199254740992", 400, codes.PARAMETER_WRONG),
        ("/v1/light_blocks/999999", 404, codes.BLOCK_UNKNOWN),
        ("/v1/blocks/999999", 404, codes.BLOCK_UNKNOWN),
        ("/v1/polls/0", 400, codes.PARAMETER_WRONG),
        ("/v1/polls/9", 404, codes.NODE_REFUSED),
        ("/v1/status?x=1", 400, codes.PARAMETER_UNKNOWN),
        ("/v1/transactions/abc", 400, codes.PARAMETER_WRONG),
        ("/v1/transactions/" + "00" * 32, 404, codes.NODE_REFUSED),
        ("/v1/proofs/ballots/" + "00" * 32, 404, codes.NODE_REFUSED),
        ("/v1/proofs/ballots/" + "00" * 32 + "?form=else", 400, codes.PARAMETER_WRONG),
        ("/v1/proofs/polls/1?claim=everything", 400, codes.PARAMETER_WRONG),
        ("/v1/proofs/polls/1?claim=on_roll", 400, codes.PARAMETER_WRONG),
        ("/v1/proofs/polls/1?claim=on_roll&voter=%2e%2e", 400, codes.PARAMETER_WRONG),
        ("/v1/proofs/polls/1?claim=recorded&size=x", 400, codes.PARAMETER_WRONG),
    ],
)
async def test_refusals(voting: ChainNode, path: str, status: int, cause: Cause) -> None:
    async with honest(voting) as proxy:
        assert await proxy.refusal(path) == (status, cause.code)


async def test_nothing_is_written_through_it(voting: ChainNode) -> None:
    async with honest(voting) as proxy:
        for path in ("/v1/status", "/v1/polls/1"):
            for method in ("POST", "PUT", "DELETE", "OPTIONS"):
                answer = await proxy.get(path, method)
                assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
        answer = await proxy.get("/v1/transactions", "POST")
        assert answer.status == 404


async def test_pages_of_other_origins_get_nothing(voting: ChainNode) -> None:
    async with honest(voting) as proxy:
        assert "access-control-allow-origin" not in (await proxy.get("/v1/status")).headers


async def test_without_the_genesis_file(voting: ChainNode) -> None:
    url = url_of(voting.server)
    async with proxying(voting, url, f"rpc+{url}", known_genesis=False) as proxy:
        for path in ("/v1/genesis", "/v1/polls/1", "/v1/proofs/polls/1", f"/v1/proofs/ballots/{txid(voting, 0)}"):
            assert await proxy.refusal(path) == (400, codes.NEEDS_GENESIS.code)
        assert (await proxy.get("/v1/blocks/1")).status == 200


async def test_json_rpc_alone_has_no_bodies(voting: ChainNode) -> None:
    url = f"rpc+{url_of(voting.server)}"
    async with proxying(voting, url, url + "/") as proxy:
        assert (await proxy.get("/v1/light_blocks/1")).status == 200
        assert await proxy.refusal("/v1/blocks/1") == (400, codes.NO_REST_NODE.code)


@pytest.mark.parametrize("state", ["received", "rejected"])
async def test_a_transaction_that_is_in_no_block(voting: ChainNode, state: str) -> None:
    """So the node says; it is told as that, and that nobody can verify it."""
    said = json.dumps({"state": state, "detail": "the node's own words"}).encode()
    async with lying(voting, transactions=lambda _: said) as proxy:
        answer = await proxy.get(f"/v1/transactions/{txid(voting, 0)}")
    problem = answer.json()
    assert (answer.status, problem["code"]) == (404, codes.NOT_PROVABLE.code)
    assert state in problem["detail"]
    assert "cannot be verified" in problem["detail"]
    assert "own words" not in answer.body.decode()


async def test_two_nodes_that_are_undecided(voting: ChainNode) -> None:
    """A contradiction that a node does not back may be settled later."""
    chain = make_light_chain(12)
    forged = sign(replace(chain[12].header, validators_hash=set_of(OTHER_KEYS).hash), OTHER_KEYS)
    silent = LittleNode(chain, newest=0)
    silent.says["GET /v1/light_blocks/12"] = encode_light_block(forged)
    with serving(LittleNode(chain)) as first, serving(silent) as second:
        nodes = {Source(url): HttpNode(parse_address(url)) for url in (first, second)}
        client = LightClient(TrustStore(OTHER_GENESIS), tuple(nodes), Rules(), lambda _: None)
        proxy = LightProxy(Follower(client, nodes, OTHER_GENESIS, lambda _: None))
        await proxy.start("127.0.0.1", 0)
        raw = await RawClient.connect(proxy)  # type: ignore[arg-type]
        assert await Proxy(proxy._follower, raw).refusal("/v1/light_blocks/12") == (503, codes.UNDECIDED.code)
        await raw.close()
        await proxy.stop()


# --- a node that lies: nothing passes ---


def altered(change: Callable[[Any], Any]) -> Change:
    """The document with its content changed, in canonical form again."""

    def apply(body: bytes) -> bytes:
        content = json.loads(body)
        change(content)
        return strict_json.canonical(content)

    return apply


def body_with(change: Callable[[Block], Block]) -> Change:
    """The block of a msgpack answer changed, and its header made to fit."""

    def apply(answer: bytes) -> bytes:
        encoded, commit = codec.decode(answer, "it", max_bytes=MAX_BYTES)  # type: ignore[misc]
        return codec.encode((change(Block.decode(encoded)).encode(), commit))  # type: ignore[arg-type]

    return apply


def forged_signature(content: Any) -> None:
    entry = content["commit"]["signatures"][0]
    entry[2] = "00" * 64


async def test_a_false_header(voting: ChainNode) -> None:
    """The liar is dropped, and the other alone confirms nothing; with a third node the client would go on."""
    for change in (
        lambda content: content["header"].update(app_hash="00" * 32),
        forged_signature,
        lambda content: content["header"].update(height=content["header"]["height"] + 1),
        lambda content: content.update(chain_id="other"),
    ):
        async with lying(voting, light_blocks=altered(change)) as proxy:
            status, code = await proxy.refusal("/v1/light_blocks/2")
            assert (status, code) == (503, codes.NO_WITNESS.code)
            assert (await proxy.json("/v1/status"))["height"] == 0


BODIES: dict[str, tuple[Change, Cause]] = {
    "a ballot less": (
        body_with(lambda block: replace(block, txs=block.txs[:-1])),
        codes.NOT_THE_SIGNED_BODY,
    ),
    "a ballot twice": (
        body_with(lambda block: replace(block, txs=(*block.txs, block.txs[0]))),
        codes.NOT_THE_SIGNED_BODY,
    ),
    "another header": (
        body_with(lambda block: replace(block, header=replace(block.header, app_hash=bytes(32)))),
        codes.NOT_THE_SIGNED_BODY,
    ),
    "another last commit": (
        body_with(lambda block: replace(block, last_commit=replace(block.last_commit, signatures=()))),
        codes.BAD_COMMIT_FORM,
    ),
    "another round of the last commit": (
        # No hash but that of the parts covers the round (C53).
        body_with(lambda block: replace(block, last_commit=replace(block.last_commit, round=9))),
        codes.NOT_THE_SIGNED_BODY,
    ),
    "nothing": (lambda _: b"", codes.MALFORMED),
    "something else": (lambda _: codec.encode((b"", b"", b"")), codes.MALFORMED),
    "a text": (lambda _: codec.encode("block"), codes.MALFORMED),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_false_body(voting: ChainNode, name: str) -> None:
    change, cause = BODIES[name]
    async with lying(voting, blocks=change) as proxy:
        assert await proxy.refusal(f"/v1/blocks/{voting.cast_at}") == (502, cause.code)
        assert await proxy.refusal(f"/v1/transactions/{txid(voting, 2)}") == (502, cause.code)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (lambda content: content.update(index=content["index"] + 1), codes.ANOTHER_ANSWER.code),
        (lambda content: content.update(index=-1), codes.ANOTHER_ANSWER.code),
        (lambda content: content.update(height=1), codes.ANOTHER_ANSWER.code),
        (lambda content: content.update(height=999_999), codes.ANOTHER_ANSWER.code),
        (lambda content: content.update(height=0), codes.MALFORMED.code),
        (lambda content: content.update(index=True), codes.MALFORMED.code),
        (lambda content: content.update(height="1"), codes.MALFORMED.code),
        (lambda content: content.clear(), codes.MALFORMED.code),
    ],
)
async def test_a_transaction_where_it_is_not(voting: ChainNode, said: Callable[[Any], Any], code: str) -> None:
    async with lying(voting, transactions=altered(said)) as proxy:
        assert await proxy.refusal(f"/v1/transactions/{txid(voting, 2)}") == (502, code)


PROOFS: dict[str, tuple[Callable[[Any], Any], Cause]] = {
    "another app hash": (lambda content: content["header"].update(app_hash="00" * 32), codes.PROOF_RECORD),
    "another poll": (lambda content: content["poll"].update(number=2), codes.PROOF_RECORD),
    "another record": (
        lambda content: content["poll"].update(record=content["poll"]["record"][:-2] + "91"),
        codes.PROOF_RECORD,
    ),
    "another question": (lambda content: content["claim"].update(definition="AAAA"), codes.PROOF_QUESTION),
    "a forged signature": (forged_signature, codes.COMMIT_SIGNATURE),
    "another chain": (lambda content: content.update(chain_id="other"), codes.RECEIPT_OF_ANOTHER_CHAIN),
}


@pytest.mark.parametrize("name", PROOFS)
async def test_a_false_proof(voting: ChainNode, name: str) -> None:
    change, cause = PROOFS[name]
    async with lying(voting, proofs__polls=altered(change)) as proxy:
        await proxy.follower.advance()
        for path in ("/v1/polls/1", "/v1/proofs/polls/1?claim=question"):
            assert await proxy.refusal(path) == (502, cause.code)


async def test_a_proof_of_something_else(voting: ChainNode) -> None:
    """Sound by itself, but not what was asked for."""
    voters = [voter.tagged.hex() for voter in voting.election.voters[:2]]
    other = await said_by(voting, f"/v1/proofs/polls/1?claim=on_roll&voter={voters[0]}")
    recorded = await said_by(voting, "/v1/proofs/polls/1?claim=recorded&size=1")
    for document, path in (
        (other, "/v1/polls/1"),
        (other, f"/v1/proofs/polls/1?claim=on_roll&voter={voters[1]}"),
        (other, "/v1/proofs/polls/1?claim=question"),
        (recorded, "/v1/proofs/polls/1?claim=recorded&size=2"),
    ):
        async with lying(voting, proofs__polls=lambda _, document=document: document) as proxy:  # type: ignore[misc]
            assert await proxy.refusal(path) == (502, codes.ANOTHER_ANSWER.code)


async def test_a_proof_of_the_past(voting: ChainNode) -> None:
    """What held before the last ballots: true once, and stale now."""
    old = await said_by(voting, "/v1/proofs/polls/1")
    await voting.cast(3, 4)
    async with lying(voting, proofs__polls=lambda _: old) as proxy:
        await proxy.follower.advance()
        assert await proxy.refusal("/v1/polls/1") == (503, codes.STALE_PROOF.code)


async def test_a_false_receipt(voting: ChainNode) -> None:
    other = await said_by(voting, f"/v1/proofs/ballots/{txid(voting, 1)}")
    question = await said_by(voting, "/v1/proofs/polls/1")
    for change, cause in (
        (lambda _: other, codes.ANOTHER_ANSWER),
        (lambda _: question, codes.ANOTHER_ANSWER),
        (altered(lambda content: content.update(ballot="00" * 32)), codes.RECEIPT_NOT_INCLUDED),
        (altered(forged_signature), codes.COMMIT_SIGNATURE),
        (lambda _: b"{}", codes.MALFORMED_RECEIPT),
    ):
        async with lying(voting, proofs__ballots=change) as proxy:  # type: ignore[arg-type]
            assert await proxy.refusal(f"/v1/proofs/ballots/{txid(voting, 0)}") == (502, cause.code)


def on_a_fork(document: bytes) -> bytes:
    """The proof under another header of the same height, which the one agency signed as well."""
    proof = decode_proof(document)
    header = replace(proof.header, evidence_hash=bytes(32))
    block_id, signed = BlockID(header.hash(), proof.commit.parts), proof.commit.signatures[0]
    message = endorsement_sign_bytes(
        Kind.PRECOMMIT, header.height, proof.commit.round, block_id, signed.time_ns, header.chain_id
    )
    signature = key_of("validator1").sign(Purpose.CONSENSUS, message)
    commit = replace(proof.commit, signatures=(replace(signed, signature=signature),))
    return replace(proof, header=header, commit=commit).encode()


async def test_a_proof_on_a_fork(voting: ChainNode) -> None:
    """It verifies by itself, since a quorum signed its header; the blocks that all others show do not."""
    forged = on_a_fork(await said_by(voting, "/v1/proofs/polls/1"))
    assert verify_proof(forged, voting.genesis).poll == 1
    async with lying(voting, proofs__polls=lambda _: forged) as proxy:
        for path in ("/v1/polls/1", "/v1/proofs/polls/1"):
            assert await proxy.refusal(path) == (502, codes.NOT_ON_THIS_CHAIN.code)


async def test_an_open_receipt_is_no_completed_one(voting: ChainNode) -> None:
    opened = await said_by(voting, f"/v1/proofs/ballots/{txid(voting, 0)}")
    async with lying(voting, proofs__ballots=lambda _: opened) as proxy:
        path = f"/v1/proofs/ballots/{txid(voting, 0)}?form=completed"
        assert await proxy.refusal(path) == (502, codes.ANOTHER_ANSWER.code)


async def test_another_node_answers_in_place_of_a_liar(voting: ChainNode) -> None:
    url = url_of(voting.server)
    changes = {"/v1/blocks/": lambda _: b"", "/v1/proofs/": lambda _: b"{}", "/v1/transactions/": lambda _: b"{}"}
    with serving(between(url, changes)) as liar:
        async with proxying(voting, liar, url) as proxy:
            for path in (
                f"/v1/blocks/{voting.cast_at}",
                "/v1/polls/1",
                f"/v1/transactions/{txid(voting, 0)}",
                f"/v1/proofs/ballots/{txid(voting, 0)}",
            ):
                assert (await proxy.get(path)).status == 200


async def test_after_a_divergence_nothing_is_served(voting: ChainNode) -> None:
    """Not even what was verified before."""
    chain = make_light_chain(12)
    with serving(LittleNode(chain)) as first, serving(LittleNode(fork_of(chain, 10, 12))) as second:
        nodes = {Source(url): HttpNode(parse_address(url)) for url in (first, second)}
        client = LightClient(TrustStore(OTHER_GENESIS), tuple(nodes), Rules(), lambda _: None)
        proxy = LightProxy(Follower(client, nodes, OTHER_GENESIS, lambda _: None))
        await proxy.start("127.0.0.1", 0)
        raw = await RawClient.connect(proxy)  # type: ignore[arg-type]
        asking = Proxy(proxy._follower, raw)
        assert (await asking.get("/v1/light_blocks/9")).status == 200
        assert await asking.refusal("/v1/light_blocks/12") == (502, codes.DIVERGENCE.code)
        assert await asking.refusal("/v1/light_blocks/9") == (502, codes.DIVERGENCE.code)
        await raw.close()
        await proxy.stop()


def test_every_route_is_one_of_a_node() -> None:
    known = {route.path: route.query for route in rest.ROUTES}
    for route in ROUTES:
        assert route.query <= known[route.path]
