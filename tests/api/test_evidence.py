"""Evidence in the API: taken as CometBFT's clients send it, shown with the name of the agency (I8, C66, C108, C175)."""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.api import rpc_json
from mvchain.api.rpc_evidence import evidence_from_json
from mvchain.core import merkle
from mvchain.core.errors import BadProof
from mvchain.core.hashing import sha256
from mvchain.core.types import Height, Round, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID
from mvchain.ledger.blocks import Block
from mvchain.ledger.convictions import Conviction
from mvchain.ledger.endorsements import Endorsement, Kind
from mvchain.ledger.evidence import DuplicateEndorsementEvidence, build_evidence
from tests.api.chain_node import ChainNode
from tests.ledger.chain_helpers import BLOCK, CHAIN_ID, NOW, OTHER_BLOCK, endorse, make_keys, make_set, sign
from tests.ledger.state_helpers import key_of

KEYS = make_keys(4)
SET = make_set(KEYS)
GOOD = build_evidence(endorse(KEYS[1], 1, BLOCK), endorse(KEYS[1], 1, OTHER_BLOCK), SET, NOW)
OF_NIL = build_evidence(endorse(KEYS[1], 1, NIL_BLOCK_ID), endorse(KEYS[1], 1, OTHER_BLOCK), SET, NOW)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[ChainNode]:
    """Of one agency, with some blocks; it goes on signing with a key that is convicted, to make more of them."""
    found = await ChainNode(tmp_path).start()
    found.running.replica.signing.contradicted = lambda _message: None  # type: ignore[method-assign]
    await found.open_poll()
    yield found
    await found.stop()


def against(node: ChainNode, height: int = 1, **changes: Any) -> DuplicateEndorsementEvidence:
    """What the key of the only validator signed twice at a height."""
    validators = node.chain.validators(Height(height))
    values = {"height": Height(height), "round": Round(0), **changes}
    a, b = (
        sign(key_of("validator1"), endorse(key_of("validator1"), 0, block, **values), node.genesis.chain_id)
        for block in (BLOCK, OTHER_BLOCK)
    )
    return build_evidence(a, b, validators, node.chain.header(Height(height)).time_ns)


# --- the typed value ---


def test_evidence_is_written_as_cometbft_writes_it() -> None:
    """C105, C107, C108: heights and powers as texts, addresses in upper-case hex, signatures in base64."""
    first = GOOD.first
    assert rpc_json.evidence(GOOD) == {
        "type": "tendermint/DuplicateVoteEvidence",
        "value": {
            "vote_a": {
                "type": 2,
                "height": "7",
                "round": 1,
                "block_id": {"hash": "01" * 32, "parts": {"total": 1, "hash": "65" * 32}},
                "timestamp": "2026-09-21T14:13:21Z",
                "validator_address": first.address.hex().upper(),
                "validator_index": 1,
                "signature": b64encode(first.signature).decode(),
                "extension": None,
                "extension_signature": None,
            },
            "vote_b": rpc_json.evidence(GOOD)["value"]["vote_b"],  # type: ignore[index]
            "TotalVotingPower": "40",
            "ValidatorPower": "10",
            "Timestamp": "2026-09-21T14:13:20Z",
        },
    }
    nil = rpc_json.evidence(OF_NIL)["value"]["vote_a"]["block_id"]  # type: ignore[index]
    assert nil == {"hash": "", "parts": {"total": 0, "hash": ""}}


@pytest.mark.parametrize("evidence", [GOOD, OF_NIL])
def test_what_is_written_can_be_read(evidence: DuplicateEndorsementEvidence) -> None:
    assert evidence_from_json(json.loads(json.dumps(rpc_json.evidence(evidence)))) == evidence


@given(st.data())
def test_a_misfit_anywhere_is_our_error(data: st.DataObject) -> None:
    document = json.loads(json.dumps(rpc_json.evidence(GOOD)))
    at: Any = document
    while True:
        name = data.draw(st.sampled_from(sorted(at)))
        if isinstance(at[name], dict) and data.draw(st.booleans()):
            at = at[name]
        else:
            break
    if name.startswith("extension"):
        return  # not read: this chain has none (C41)
    at[name] = data.draw(st.sampled_from((None, -1, 1 << 64, "", "x", [], {}, True, 0.5, "9" * 30)))
    with suppress(BadProof):
        assert evidence_from_json(document) != GOOD


# --- a running node ---


async def test_evidence_from_the_rpc_gets_into_a_block_and_is_shown_by_name(node: ChainNode) -> None:
    """ATK13, ATK28: the same bytes in the block, the state, the RPC and the REST interface."""
    evidence = against(node)
    found = await node.call("broadcast_evidence", evidence=rpc_json.evidence(evidence))
    assert b64decode(found["hash"]) == sha256(evidence.encode())
    shown = (await node.get("/v1/evidence")).json()
    assert shown["counts"] == {"committed": 0, "pending": 1, "duplicate_proposals": 0, "forks": 0}
    assert shown["pending"][0] == {
        "number": None,
        "agency": {"number": 1, "name": {"ko": "기관 1", "en": "Agency 1"}},
        "validator": evidence.first.address.hex(),
        "height": 1,
        "round": 0,
        "kind": "precommit",
        "block_height": None,
        "hash": sha256(evidence.encode()).hex(),
    }
    height = await node.cast(0)
    block = (await node.call("block", height=str(height)))["block"]
    assert block["evidence"]["evidence"] == [rpc_json.evidence(evidence)]
    assert block["header"]["evidence_hash"] == merkle.root([evidence.encode()]).hex().upper()
    shown = (await node.get("/v1/evidence?messages")).json()
    assert shown["counts"]["committed"] == 1
    assert (shown["pending"], shown["next"]) == ([], None)
    (record,) = shown["committed"]
    assert (record["number"], record["block_height"], record["agency"]["name"]["en"]) == (1, height, "Agency 1")
    assert [Endorsement.decode(bytes.fromhex(m["encoded"])) for m in record["messages"]] == [
        evidence.first,
        evidence.second,
    ]
    key = (1).to_bytes(8, "big").hex()
    answer = await node.call("abci_query", path="/store/evidence/key", data=key, prove=True)
    stored = Conviction.decode(b64decode(answer["response"]["value"]))
    assert (stored.agency, stored.offence, stored.block_height) == (1, evidence.offence, height)
    assert (await node.get("/v1/status")).json()["evidence"]["committed"] == 1
    checks = {check["name"]: check for check in (await node.get("/readyz?verbose")).json()["checks"]}
    assert checks["one chain"] == {"name": "one chain", "ok": True, "detail": "1 double signing: see mvchain evidence"}
    encoded = node.view.block_bytes(height)
    assert encoded is not None
    assert Block.decode(encoded[0]).evidence == (evidence,)


async def test_what_is_known_is_answered_and_not_kept_twice(node: ChainNode) -> None:
    evidence = against(node)
    for _ in range(2):
        await node.call("broadcast_evidence", evidence=rpc_json.evidence(evidence))
        assert node.view.status().evidence.pending == 1
    await node.cast(0)
    await node.call("broadcast_evidence", evidence=rpc_json.evidence(evidence))
    assert node.view.status().evidence[:2] == (1, 0)


async def test_evidence_comes_in_a_url_as_well(node: ChainNode) -> None:
    typed = quote(json.dumps(rpc_json.evidence(against(node))))
    assert (await node.get(f"/broadcast_evidence?evidence={typed}")).json()["result"].keys() == {"hash"}
    assert (await node.get("/broadcast_evidence?evidence=x")).json()["error"]["code"] == -32602


@pytest.mark.parametrize("kind", list(Kind))
async def test_forged_evidence_names_nobody(node: ChainNode, kind: Kind) -> None:
    """ATK12, ATK13: each signature, the powers, the time, the index and the chain."""
    good = against(node, kind=kind)
    stranger = sign(key_of("stranger"), good.second, node.genesis.chain_id)
    elsewhere = sign(key_of("validator1"), good.first, CHAIN_ID)
    moved = replace(good, first=replace(good.first, index=1), second=replace(good.second, index=1))
    for forged, code in (
        (replace(good, second=stranger), "MV-2034"),
        (replace(good, first=elsewhere), "MV-2034"),
        (replace(good, total_power=11), "MV-2033"),
        (replace(good, time_ns=TimeNs(good.time_ns + 1)), "MV-2033"),
        (replace(good, first=good.second, second=good.first), "MV-2031"),
        (replace(good, second=good.first), "MV-2031"),
        (moved, "MV-2032"),
    ):
        text = await node.failure("broadcast_evidence", evidence=rpc_json.evidence(forged))
        assert text.startswith(code), (text, code)
    assert node.view.status().evidence == (0, 0, 0, 0)


async def test_the_future_proves_nothing(node: ChainNode) -> None:
    newest = node.chain.height
    today = against(node, newest)
    first, second = (replace(message, height=Height(newest + 1)) for message in (today.first, today.second))
    evidence = replace(today, first=first, second=second)
    text = await node.failure("broadcast_evidence", evidence=rpc_json.evidence(evidence))
    assert text.startswith("MV-2152")


async def test_an_attack_on_light_clients_is_answered_with_an_error(node: ChainNode) -> None:
    """C132, C175."""
    for evidence in ({"type": "tendermint/LightClientAttackEvidence", "value": {}}, {"type": "x"}):
        assert (await node.failure("broadcast_evidence", evidence=evidence)).startswith("MV-6078: ")
    assert (await node.failure("broadcast_evidence")).startswith("MV-2155: ")


async def test_pages_of_records(node: ChainNode) -> None:
    for round_ in range(5):
        await node.call("broadcast_evidence", evidence=rpc_json.evidence(against(node, round=Round(round_))))
    await node.cast(0)
    first = (await node.get("/v1/evidence?limit=3")).json()
    assert ([item["round"] for item in first["committed"]], first["next"]) == ([0, 1, 2], 3)
    second = (await node.get("/v1/evidence?limit=3&after=3")).json()
    assert ([item["number"] for item in second["committed"]], second["next"]) == ([4, 5], None)
    assert (await node.get("/v1/evidence?after=5")).json()["committed"] == []
    assert (await node.get("/v1/evidence?limit=101")).status == 400
