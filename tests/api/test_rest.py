"""What the routes answer, through a real socket, over a node in memory."""

import asyncio
import base64
import contextlib
import json
from dataclasses import replace
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.api.answer import JSON, MSGPACK
from mvchain.api.params import parse_query
from mvchain.api.rest import decode_batch
from mvchain.core import codec
from mvchain.core.errors import BadRequest
from mvchain.core.hashing import sha256
from mvchain.core.types import AgencyNumber
from mvchain.ledger.blocks import Header
from mvchain.ledger.polls import Release
from mvchain.ledger.records import PollState
from mvchain.light.receipt_number import receipt_number
from tests.api.conftest import Serve
from tests.api.helpers import OPERATOR, HttpAnswer, MemoryNode, RawClient, definition, post, request, voter

IMMUTABLE = "public, max-age=31536000, immutable"


async def get(raw: RawClient, target: str, **headers: str) -> HttpAnswer:
    await raw.send(request("GET", target, **headers))
    return await raw.answer()


async def submit(raw: RawClient, *transactions: bytes) -> HttpAnswer:
    await raw.send(post(msgpack.packb(list(transactions)), "application/msgpack"))
    return await raw.answer()


# --- submitting ---


async def test_one_ballot_is_received_and_signed_for(raw: RawClient, node: MemoryNode) -> None:
    ballot = node.ballot(0)
    answer = await submit(raw, ballot)
    txid = sha256(ballot).hex()
    assert answer.status == 202
    assert answer.headers["location"] == f"/v1/transactions/{txid}"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["results"] == [{"status": 202, "txid": txid, "state": "received"}]
    assert answer.json()["acknowledgement"]["hashes"] == [txid]


async def test_json_and_msgpack_are_the_same(raw: RawClient, node: MemoryNode) -> None:
    ballot = node.ballot(0)
    body = json.dumps({"transactions": [base64.b64encode(ballot).decode()]}).encode()
    await raw.send(post(body, "application/json; charset=UTF-8"))
    assert (await raw.answer()).status == 202
    again = await submit(raw, ballot)
    assert again.status == 200
    assert again.json()["results"][0] == {"status": 200, "txid": sha256(ballot).hex(), "state": "received"}
    assert again.json()["acknowledgement"] is None


async def test_each_of_several_gets_its_own_status_in_order(raw: RawClient, node: MemoryNode) -> None:
    known = node.ballot(0)
    await submit(raw, known)
    stranger = node.ballot(99)
    forged = bytes([*node.ballot(5)[:-1], node.ballot(5)[-1] ^ 1])
    answer = await submit(
        raw,
        known,
        node.ballot(1),
        b"junk",
        node.ballot(1, option=1),
        b"x" * 65_537,
        stranger,
        forged,
        node.ballot(2),
    )
    assert answer.status == 200
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [200, 202, 400, 409, 413, 422, 422, 202]
    assert results[3]["error"]["code"] == "MV-1302"
    assert sha256(node.ballot(1)).hex() in results[3]["error"]["detail"]
    assert results[5]["error"]["code"] == "MV-1231"
    assert [result["txid"] for result in results if result["status"] == 202] == answer.json()["acknowledgement"][
        "hashes"
    ]


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        (lambda _: b"junk", 400, "MV-1001"),
        (lambda _: b"x" * 65_537, 413, "MV-1002"),
        (lambda node: node.ballot(1, option=1), 409, "MV-1302"),
        (lambda node: node.ballot(99), 422, "MV-1231"),
        (lambda node: node.ballot(2, option=9), 422, "MV-1153"),
    ],
)
async def test_one_refused_transaction_is_a_problem_with_its_id(
    raw: RawClient, node: MemoryNode, make: Any, status: int, code: str
) -> None:
    await submit(raw, node.ballot(1))
    refused = make(node)
    answer = await submit(raw, refused)
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert answer.json()["txid"] == sha256(refused).hex()
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_full_node_asks_to_come_back(raw: RawClient, node: MemoryNode) -> None:
    node.capacity = 1
    several = await submit(raw, node.ballot(0), node.ballot(1))
    assert [result["status"] for result in several.json()["results"]] == [202, 503]
    assert several.json()["results"][1]["error"]["retryable"] is True
    assert several.headers["retry-after"] == "1"
    one = await submit(raw, node.ballot(2))
    assert (one.status, one.headers["retry-after"]) == (503, "1")


async def test_a_thousand_transactions_are_one_request(raw: RawClient, node: MemoryNode) -> None:
    answer = await submit(raw, *(number.to_bytes(2, "big") for number in range(1_000)))
    assert len(answer.json()["results"]) == 1_000
    assert node.sources == ["127.0.0.1"]


async def test_a_hundred_times_the_same_ballot_at_once_is_one(raw: RawClient, node: MemoryNode) -> None:
    """H07."""
    clients = [await RawClient.connect(raw.server) for _ in range(20)]
    answers = await asyncio.gather(*(submit(client, *[node.ballot(0)] * 5) for client in clients))
    statuses = [result["status"] for answer in answers for result in answer.json()["results"]]
    assert sorted(statuses) == [200] * 99 + [202]
    for client in clients:
        await client.close()


async def test_a_large_body_of_brackets_is_not_parsed(raw: RawClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser would take half a second for 1 MB of them (N10)."""

    def never(*_arguments: object, **_options: object) -> None:
        raise AssertionError("it was parsed")

    monkeypatch.setattr("mvchain.api.rest.strict_json.loads", never)
    for body in (b'{"transactions":[' + b"{}," * 10_000 + b"{}]}", b'{"transactions":[' + b"[]," * 10_000 + b"[]]}"):
        await raw.send(post(body, JSON))
        assert (await raw.answer()).json()["code"] == "MV-1001"


# --- transactions ---


async def test_a_transaction_is_followed_to_its_block(raw: RawClient, node: MemoryNode) -> None:
    ballots = [node.ballot(0), node.ballot(1)]
    await submit(raw, *ballots)
    target = f"/v1/transactions/{sha256(ballots[1]).hex()}"
    assert (await get(raw, target)).json()["state"] == "received"
    await node.commit_block()
    answer = await get(raw, target)
    assert answer.status == 200
    assert answer.json() == {
        "txid": sha256(ballots[1]).hex(),
        "state": "committed",
        "height": 1,
        "index": 1,
        "time_ms": 1_760_000_001_000,
        "time": "2025-10-09T08:53:21Z",
        "poll": 1,
        "number": 1,
        "proof": f"/v1/proofs/ballots/{sha256(ballots[1]).hex()}",
    }


async def test_waiting_ends_with_the_block(raw: RawClient, node: MemoryNode) -> None:
    await submit(raw, node.ballot(0))
    target = f"/v1/transactions/{sha256(node.ballot(0)).hex()}?wait=committed"
    waiting = asyncio.create_task(get(raw, target))
    # Served after it on another connection: by then the first request waits.
    other = await RawClient.connect(raw.server)
    await get(other, "/livez")
    assert not waiting.done()
    await node.commit_block()
    answer = await waiting
    assert (answer.status, answer.json()["state"]) == (200, "committed")
    await other.close()


async def test_waiting_ends_with_its_time(serve: Serve, node: MemoryNode) -> None:
    # A wait is no part of the time for headers.
    raw = await serve(header_s=0.5)
    await submit(raw, node.ballot(0))
    answer = await get(raw, f"/v1/transactions/{sha256(node.ballot(0)).hex()}?wait=committed&timeout=1")
    assert (answer.status, answer.json()["state"]) == (202, "received")
    assert answer.json()["txid"] == sha256(node.ballot(0)).hex()


async def test_a_rejected_transaction_says_why(raw: RawClient, node: MemoryNode) -> None:
    await submit(raw, node.ballot(0))
    await node.commit_block(rejected=[sha256(node.ballot(0))])
    answer = await get(raw, f"/v1/transactions/{sha256(node.ballot(0)).hex()}?wait=committed")
    assert (answer.status, answer.json()["state"]) == (200, "rejected")
    assert answer.json()["error"]["code"] == "MV-1230"


# --- polls ---


async def test_polls_come_in_pages(raw: RawClient, node: MemoryNode) -> None:
    for _ in range(34):
        node.register_poll(definition())
    first = await get(raw, "/v1/polls")
    assert [poll["poll"] for poll in first.json()["polls"]] == list(range(1, 31))
    assert first.json()["next"] == 30
    assert first.headers["link"] == '</v1/polls?after=30&limit=30>; rel="next"'
    second = await get(raw, "/v1/polls?after=30")
    assert [poll["poll"] for poll in second.json()["polls"]] == list(range(31, 36))
    assert second.json()["next"] is None
    assert "link" not in second.headers
    exact = await get(raw, "/v1/polls?after=33&limit=2")
    assert ([poll["poll"] for poll in exact.json()["polls"]], exact.json()["next"]) == ([34, 35], None)


async def test_the_list_can_be_of_one_agency_or_of_what_has_not_ended(raw: RawClient, node: MemoryNode) -> None:
    node.register_poll(definition(), PollState.FINAL)
    node.register_poll(replace(definition(), agency=AgencyNumber(3)), PollState.VOID)
    node.register_poll(replace(definition(), agency=AgencyNumber(3)), PollState.COUNTING)
    node.register_poll(definition(), PollState.REGISTERED)

    async def listed(query: str) -> list[int]:
        return [poll["poll"] for poll in (await get(raw, f"/v1/polls?{query}")).json()["polls"]]

    assert await listed("running") == [1, 4, 5]
    assert await listed("agency=3") == [3, 4]
    assert await listed("running&agency=3") == [4]
    assert await listed("running&after=1&limit=1") == [4]
    answer = await get(raw, "/v1/polls?running&agency=2&limit=1")
    assert answer.headers["link"] == '</v1/polls?after=1&limit=1&agency=2&running>; rel="next"'
    assert (await get(raw, "/v1/polls?agency=1001")).status == 400


async def test_a_poll_in_the_list_shows_how_many_of_the_roll_took_part(raw: RawClient, node: MemoryNode) -> None:
    await submit(raw, node.ballot(0), node.ballot(1))
    await node.commit_block()
    (shown,) = (await get(raw, "/v1/polls")).json()["polls"]
    assert shown["turnout"] == {"voters": 2, "eligible": 20}
    assert shown.keys() & {"tally", "ballots"} == set()


async def test_a_poll_is_shown_with_its_times_for_people_and_programs(raw: RawClient) -> None:
    answer = await get(raw, "/v1/polls/1")
    assert answer.headers["cache-control"] == "no-cache"
    found = answer.json()
    assert found["title"] == {"en": "The park", "ko": "공원"}
    assert (found["opens_at_ms"], found["opens_at"]) == (1_760_000_000_000, "2025-10-09T08:53:20Z")
    assert (found["closed_at_ms"], found["closed_at"]) == (None, None)
    assert found["state"] == "open"
    assert found["roll"]["size"] == 20


async def test_no_total_is_shown_before_its_release(raw: RawClient, node: MemoryNode) -> None:
    """Although the node's view holds it (L8)."""
    await submit(raw, node.ballot(0), node.ballot(1, option=1), node.ballot(2))
    await node.commit_block()
    for state in (PollState.OPEN, PollState.PAUSED, PollState.COUNTING, PollState.VOID):
        number = node.register_poll(definition(), state)
        assert (await get(raw, f"/v1/polls/{number}")).json()["tally"] is None
    found = (await get(raw, "/v1/polls/1")).json()
    assert found["tally"] is None
    assert found["ballots"]["size"] == 3
    node.end_poll(found["poll"])
    found = (await get(raw, "/v1/polls/1")).json()
    assert found["tally"]["ballots"] == 3
    assert [option["total"] for option in found["tally"]["questions"][0]["options"]] == [2, 1]
    assert found["tally"]["recounted"] is None


async def test_a_live_poll_shows_its_totals(raw: RawClient, node: MemoryNode) -> None:
    number = node.register_poll(definition(Release.LIVE))
    await submit(raw, node.ballot(0, number))
    await node.commit_block()
    assert (await get(raw, f"/v1/polls/{number}")).json()["tally"]["weight"] == 1


@pytest.mark.parametrize("state", [PollState.FINAL, PollState.VOID])
async def test_an_ended_poll_may_be_kept_for_ever(raw: RawClient, node: MemoryNode, state: PollState) -> None:
    number = node.register_poll(definition(), state)
    assert (await get(raw, f"/v1/polls/{number}")).headers["cache-control"] == IMMUTABLE


async def test_a_roll_is_shown_with_what_waits_for_approval(raw: RawClient, node: MemoryNode) -> None:
    view = node.roll(1)
    assert view is not None
    assert (await get(raw, "/v1/rolls/1")).json() == {
        "number": 1,
        "agency": 2,
        "title": "Residents",
        "sealed": True,
        "size": 20,
        "root": view.record.root.hex(),
        "poll": 1,
        "pending": [
            {
                "hash": sha256(b"extend").hex(),
                "kind": "poll_extend",
                "closes_at_ms": 1_760_000_000_000,
                "closes_at": "2025-10-09T08:53:20Z",
                "approvals": [OPERATOR.tagged.hex()],
            }
        ],
    }


async def test_a_signer_is_shown_with_its_last_sequence(raw: RawClient) -> None:
    key = OPERATOR.tagged.hex()
    assert (await get(raw, f"/v1/signers/{key}")).json() == {
        "key": key,
        "agency": 2,
        "role": "service",
        "scopes": ["polls", "rolls"],
        "sequence": 7,
        "active": True,
        "suspended": False,
    }


# --- blocks, proofs, the node ---


async def test_a_block_is_shown(raw: RawClient, node: MemoryNode) -> None:
    await submit(raw, node.ballot(0))
    await node.commit_block()
    answer = await get(raw, "/v1/blocks/1")
    assert answer.headers["cache-control"] == IMMUTABLE
    block = answer.json()
    view = node.block(1)
    assert view is not None
    assert isinstance(view.header, Header)
    assert block["hash"] == view.header.hash().hex()
    assert block["transactions"] == [sha256(node.ballot(0)).hex()]
    assert block["time"] == "2025-10-09T08:53:21Z"
    assert block["time_ns"] == "1760000001000000000"
    assert block["commit"]["validators"] == [(b"v" * 20).hex()]


async def test_all_agencies_are_listed_with_the_heights_at_which_they_sign(raw: RawClient) -> None:
    [agency] = (await get(raw, "/v1/agencies")).json()["agencies"]
    assert (agency["agency"], agency["name_ko"], agency["name_en"], agency["approvals"]) == (2, "기관", "Agency", 2)
    assert agency["agency_key"] == OPERATOR.tagged.hex()
    assert agency["validator_key"] == agency["node_key"] == "00" * 32
    assert [(one["from_height"], one["until_height"]) for one in agency["tenures"]] == [(1, 7), (7, None)]


async def test_blocks_come_in_pages(raw: RawClient, node: MemoryNode) -> None:
    await submit(raw, node.ballot(0), node.ballot(1))
    for _ in range(32):
        await node.commit_block()
    first = (await get(raw, "/v1/blocks")).json()
    assert [block["height"] for block in first["blocks"]] == list(range(1, 31))
    assert first["next"] == 30
    view = node.block(1)
    assert view is not None
    assert first["blocks"][0] == {
        "height": 1,
        "hash": view.header.hash().hex(),
        "time_ms": 1_760_000_001_000,
        "time": "2025-10-09T08:53:21Z",
        "transactions": 2,
        "round": 0,
        "agencies": {"proposer": 2, "members": [2], "committed": [2], "nil": []},
    }
    last = (await get(raw, "/v1/blocks?after=30&limit=2")).json()
    assert ([block["height"] for block in last["blocks"]], last["next"]) == ([31, 32], None)
    assert (await get(raw, "/v1/blocks?after=32")).json() == {"blocks": [], "next": None}
    assert (await get(raw, "/v1/blocks?limit=101")).status == 400


async def test_a_block_is_given_whole_to_who_accepts_msgpack(raw: RawClient, node: MemoryNode) -> None:
    await node.commit_block()
    answer = await get(raw, "/v1/blocks/1", Accept="application/msgpack")
    assert answer.headers["content-type"] == "application/msgpack"
    assert answer.headers["vary"] == "Accept"
    assert codec.decode(answer.body, "answer", max_bytes=10_000) == node.block_bytes(1)
    assert (await get(raw, "/v1/blocks/2", Accept="application/msgpack")).status == 404


async def test_a_receipt_is_a_file(raw: RawClient, node: MemoryNode) -> None:
    await submit(raw, node.ballot(0))
    target = f"/v1/proofs/ballots/{sha256(node.ballot(0)).hex()}"
    assert (await get(raw, target)).json()["code"] == "MV-6023"
    await node.commit_block()
    early = await get(raw, target)
    assert (early.status, early.json()["code"], early.json()["retryable"]) == (404, "MV-6024", True)
    assert early.json()["txid"] == sha256(node.ballot(0)).hex()
    assert early.headers["retry-after"] == "2"
    await node.commit_block()
    answer = await get(raw, target)
    assert answer.json()["ballot"] == sha256(node.ballot(0)).hex()
    assert answer.headers["content-disposition"].endswith('.mvreceipt.json"')
    assert answer.headers["cache-control"] == "no-cache"
    node.end_poll(node.polls(0, 1)[0].number)
    assert (await get(raw, target)).headers["cache-control"] == IMMUTABLE


async def test_a_receipt_in_the_form_that_is_asked_for(raw: RawClient, node: MemoryNode) -> None:
    await submit(raw, node.ballot(0))
    await node.commit_block()
    await node.commit_block()
    target = f"/v1/proofs/ballots/{sha256(node.ballot(0)).hex()}?form="
    assert (await get(raw, target + "open")).headers["cache-control"] == "no-cache"
    assert (await get(raw, target + "completed")).headers["cache-control"] == IMMUTABLE
    assert (await get(raw, target + "short")).json()["code"] == "MV-6012"


async def test_a_claim_reaches_the_node_with_what_it_is_about(raw: RawClient, node: MemoryNode) -> None:
    """The node in memory answers with the claim that it was asked for."""
    key = voter(0).tagged.hex()
    for query, claim in (
        ("", "question"),
        ("?claim=question", "question"),
        (f"?claim=on_roll&voter={key}", "on_roll"),
        ("?claim=recorded&size=12", "recorded 12"),
        (f"?claim=not_counted&voter={key}", "not_counted"),
    ):
        assert (await get(raw, f"/v1/proofs/polls/1{query}")).json() == {"poll": 1, "claim": claim}
    for query in (f"voter={key}", "claim=result&size=1", f"claim=recorded&size=1&voter={key}"):
        assert (await get(raw, f"/v1/proofs/polls/1?{query}")).json()["code"] == "MV-6010"
    early = await get(raw, "/v1/proofs/polls/1?claim=result")
    assert (early.status, early.json()["code"]) == (409, "MV-6034")
    node.end_poll(node.polls(0, 1)[0].number)
    final = await get(raw, "/v1/proofs/polls/1?claim=result")
    assert (final.json()["claim"], final.headers["cache-control"]) == ("result", IMMUTABLE)


async def test_a_receipt_number_in_any_writing_finds_the_ballot(raw: RawClient, node: MemoryNode) -> None:
    await submit(raw, node.ballot(0), node.ballot(1))
    ballot = sha256(node.ballot(0))
    number = receipt_number(ballot)
    assert (await get(raw, f"/v1/receipts/{number}")).json()["code"] == "MV-6038"
    await node.commit_block()
    for written in (number, number.replace("-", ""), number.lower()):
        found = await get(raw, f"/v1/receipts/{written}")
        assert found.json() == {"number": number, "ballots": [ballot.hex()]}


async def test_the_genesis_document_comes_byte_for_byte(raw: RawClient, node: MemoryNode) -> None:
    answer = await get(raw, "/v1/genesis")
    assert answer.body == node.genesis_document
    assert answer.headers["cache-control"] == IMMUTABLE


async def test_the_status_tells_where_the_node_stands(raw: RawClient, node: MemoryNode) -> None:
    await submit(raw, node.ballot(0))
    found = (await get(raw, "/v1/status")).json()
    assert (found["height"], found["pending"], found["agency"]) == (0, 1, 2)
    assert found["genesis_hash"] == node.genesis_hash.hex()


async def test_readiness(raw: RawClient, node: MemoryNode) -> None:
    assert (await get(raw, "/livez")).json() == {"live": True}
    assert (await get(raw, "/readyz")).json() == {"ready": True}
    node.ready = False
    answer = await get(raw, "/readyz?verbose")
    assert answer.status == 503
    assert answer.json() == {
        "ready": False,
        "checks": [
            {"name": "store", "ok": True, "detail": "open"},
            {"name": "synced", "ok": False, "detail": "at the newest block"},
        ],
    }
    assert (await get(raw, "/livez")).status == 200


async def test_every_problem_type_is_a_page(raw: RawClient) -> None:
    page = (await get(raw, "/v1/nothing")).json()["type"]
    assert (await get(raw, page)).json()["code"] == "MV-6003"


# --- decoders ---


@given(st.binary(max_size=400), st.sampled_from([JSON, MSGPACK]))
def test_a_body_is_transactions_or_our_error(body: bytes, media_type: str) -> None:
    try:
        found = decode_batch(body, media_type, 1_000_000)
    except BadRequest:
        return
    assert 1 <= len(found) <= 1_000
    assert all(type(item) is bytes for item in found)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("transactions") | st.text(max_size=3), inner),
    max_leaves=8,
)


@given(json_values)
def test_any_json_is_transactions_or_our_error(value: object) -> None:
    with contextlib.suppress(BadRequest):
        decode_batch(json.dumps(value).encode(), JSON, 1_000_000)


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=20))
def test_both_forms_give_back_what_was_put_in(items: list[bytes]) -> None:
    assert decode_batch(msgpack.packb(items), MSGPACK, 1_000_000) == tuple(items)
    texts = [base64.b64encode(item).decode() for item in items]
    assert decode_batch(json.dumps({"transactions": texts}).encode(), JSON, 1_000_000) == tuple(items)


@given(st.text(max_size=40))
def test_a_query_is_known_parameters_or_our_error(text: str) -> None:
    try:
        found = parse_query(text, frozenset({"a", "b"}))
    except BadRequest:
        return
    assert found.keys() <= {"a", "b"}
