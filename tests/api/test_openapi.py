"""The description of the interface says what the code does."""

from dataclasses import replace
from typing import Any

import msgpack
import pytest

from mvchain.api.rest import ROUTES, SUBMIT_PATH
from mvchain.api.views import Accused, DuplicateProposals, EvidenceCounts, EvidenceView, ForkView
from mvchain.core.hashing import sha256
from mvchain.core.types import AgencyNumber, Height, Round, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID
from mvchain.ledger.endorsements import NO_ROUND, Proposal
from mvchain.ledger.evidence import Offence
from mvchain.ledger.records import Agency, Tenure
from mvchain.light.receipt_number import receipt_number
from tests.api.helpers import OPERATOR, MemoryNode, RawClient, misfits, post, request, voter
from tests.ledger.chain_helpers import BLOCK, OTHER_BLOCK, endorse, make_commit, make_keys


def misbehaviour() -> EvidenceView:
    """Two of everything, and a fork."""
    keys = make_keys(4)
    a, b = endorse(keys[0], 0, NIL_BLOCK_ID), endorse(keys[0], 0, BLOCK)
    tenure = Tenure(keys[0].public, Height(1), Height(0), proven=True)
    agency = Agency(AgencyNumber(1), "서울", "Seoul", (tenure,), (keys[0].public,), 1, ())
    offence = Offence(a.address, a.height, a.round, a.kind)
    accused = Accused(agency, offence, sha256(b""), 1, Height(9), (a, b))
    first, second = (
        Proposal(Height(3), Round(0), NO_ROUND, block, TimeNs(5), b.signature) for block in (BLOCK, OTHER_BLOCK)
    )
    fork = ForkView(make_commit(keys, "cccc"), make_commit(keys, "ccna", OTHER_BLOCK), [agency])
    return EvidenceView(
        EvidenceCounts(2, 2, 2, 1),
        [accused, replace(accused, number=2)],
        [replace(accused, number=None, block_height=None)] * 2,
        [DuplicateProposals(agency, (first, second))] * 2,
        [fork],
    )


@pytest.fixture
async def description(raw: RawClient) -> dict[str, Any]:
    await raw.send(request("GET", "/v1/openapi.json"))
    found: dict[str, Any] = (await raw.answer()).json()
    return found


async def test_it_has_the_paths_of_the_router(description: dict[str, Any]) -> None:
    described = {(path, method) for path, item in description["paths"].items() for method in item}
    assert described == {(route.path, "get") for route in ROUTES} | {(SUBMIT_PATH, "post")}


async def test_it_has_the_parameters_of_the_router(description: dict[str, Any]) -> None:
    for route in ROUTES:
        parameters = description["paths"][route.path]["get"].get("parameters", [])
        named = {place: {each["name"] for each in parameters if each["in"] == place} for place in ("query", "path")}
        in_path = {route.path.partition("{")[2].removesuffix("}")} - {""}
        assert named == {"query": route.query, "path": in_path}, route.path


async def test_operations_have_names_of_their_own(description: dict[str, Any]) -> None:
    names = [operation["operationId"] for item in description["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names)) == len(ROUTES) + 1
    assert description["openapi"].startswith("3.1.")


async def test_answers_are_as_described(raw: RawClient, node: MemoryNode, description: dict[str, Any]) -> None:
    async def check(sent: bytes, path: str, status: int) -> None:
        await raw.send(sent)
        answer = await raw.answer()
        assert answer.status == status
        method = "post" if path == SUBMIT_PATH else "get"
        response = description["paths"][path][method]["responses"][str(status)]
        if "$ref" in response:
            response = description["components"]["responses"]["Problem"]
        schema = response["content"][answer.headers["content-type"]]["schema"]
        assert misfits(answer.json(), schema, description) == [], path

    def packed(*transactions: bytes) -> bytes:
        return post(msgpack.packb(list(transactions)), "application/msgpack")

    async def read(path: str, argument: object = "", status: int = 200, query: str = "") -> None:
        head, brace, _ = path.partition("{")
        await check(request("GET", (head + str(argument) if brace else path) + query), path, status)

    ballot = node.ballot(0)
    txid = sha256(ballot).hex()
    await check(packed(ballot), SUBMIT_PATH, 202)
    await check(packed(ballot, node.ballot(1), b"junk"), SUBMIT_PATH, 200)
    await check(packed(node.ballot(1, option=1)), SUBMIT_PATH, 409)
    await check(post(b"", "text/plain"), SUBMIT_PATH, 415)
    await read("/v1/transactions/{hash}", txid)
    await node.commit_block(rejected=[sha256(node.ballot(1))])
    await read("/v1/transactions/{hash}", txid)
    await read("/v1/transactions/{hash}", sha256(node.ballot(1)).hex())
    await read("/v1/transactions/{hash}", sha256(b"").hex(), 404)
    await read("/v1/proofs/ballots/{hash}", txid, 404)
    await node.commit_block()
    await read("/v1/proofs/ballots/{hash}", txid)
    await read("/v1/receipts/{number}", receipt_number(sha256(ballot)))
    await read("/v1/receipts/{number}", receipt_number(sha256(b"")), 404)
    await read("/v1/proofs/polls/{number}", 1)
    await read("/v1/proofs/polls/{number}", 1, 409, query="?claim=result")
    await read("/v1/proofs/polls/{number}", 1, query=f"?claim=on_roll&voter={voter(0).tagged.hex()}")
    await read("/v1/light_blocks/{height}", 1)
    await read("/v1/light_blocks/{height}", 9, 404)
    await read("/v1/polls")
    await read("/v1/polls/{number}", 1)
    node.end_poll(node.polls(0, 1)[0].number)
    await read("/v1/polls/{number}", 1)
    await read("/v1/polls/{number}", 2, 404)
    await read("/v1/blocks")
    await read("/v1/blocks/{height}", 1)
    await read("/v1/blocks/{height}", "x", 400)
    await read("/v1/light_blocks/{height}", 1, query="?from=genesis")
    await read("/v1/light_blocks/{height}", 1, 400, query="?from=1")
    await read("/v1/agencies")
    await read("/v1/governance/proposals")
    await read("/v1/governance/proposals", query="?limit=1")
    await read("/v1/governance/proposals/{number}", 1)
    await read("/v1/governance/proposals/{number}", 3, 404)
    node.misbehaviour = misbehaviour()
    await read("/v1/evidence", query="?messages&limit=1")
    await read("/v1/evidence")
    await read("/v1/evidence", status=400, query="?limit=0")
    await read("/v1/rolls/{number}", 1)
    await read("/v1/signers/{key}", OPERATOR.tagged.hex())
    await read("/v1/errors/{code}", "MV-6003")
    for path in ("/v1/status", "/v1/genesis", "/v1/openapi.json", "/livez", "/readyz"):
        await read(path)
    node.ready = False
    await read("/readyz", status=503, query="?verbose")


def test_the_schema_checker_finds_what_is_wrong() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    assert misfits({"a": 1}, schema, {}) == []
    assert misfits({"a": "1"}, schema, {}) != []
    assert misfits({}, schema, {}) != []
    assert misfits({"a": True}, schema, {}) != []
    assert misfits({"a": 1, "b": 2}, {**schema, "additionalProperties": False}, {}) != []
