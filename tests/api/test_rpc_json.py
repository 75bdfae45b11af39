"""The JSON of the RPC against what a CometBFT 0.38 node wrote (recorded answers), and where this chain differs."""

import json
from base64 import b64decode
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from mvchain.api import rpc_json
from mvchain.core.merkle import Proof
from mvchain.core.timestamps import parse_rfc3339
from mvchain.core.types import Address, Height, PollNumber, PublicKey, Round, TaggedKey
from mvchain.ledger.block_id import BlockID, PartSetHeader
from mvchain.ledger.blocks import Block, Commit, CommitSig, Flag, Header, TxResult, data_hash
from mvchain.ledger.genesis import ConsensusParams
from mvchain.ledger.results import accepted_ballot
from mvchain.ledger.state_tree import ProofOp, verify_state_proof
from mvchain.ledger.validators import Validator, ValidatorSet


@pytest.fixture(scope="session")
def recorded(shared_dir: Path) -> dict[str, Any]:
    """Results by the names of the recorded answers."""
    answers = json.loads((shared_dir / "vectors/cometbft/rpc_v0_38_kvstore.json").read_text())["responses"]
    return {name: answer.get("result") for name, answer in answers.items()}


# --- the reverse of what is tested, written for the tests ---


def read_block_id(value: Any) -> BlockID:
    return BlockID(
        bytes.fromhex(value["hash"]), PartSetHeader(value["parts"]["total"], bytes.fromhex(value["parts"]["hash"]))
    )


def read_header(value: Any) -> Header:
    hashes = {name: bytes.fromhex(value[name]) for name in value if name.endswith("_hash")}
    return Header(
        version_app=int(value["version"]["app"]),
        version_block=int(value["version"]["block"]),
        chain_id=value["chain_id"],
        height=Height(int(value["height"])),
        time_ns=parse_rfc3339(value["time"], "time"),
        last_block_id=read_block_id(value["last_block_id"]),
        proposer_address=Address(bytes.fromhex(value["proposer_address"])),
        **hashes,
    )


def read_commit(value: Any) -> Commit:
    entries = [
        CommitSig(
            Flag(entry["block_id_flag"]),
            bytes.fromhex(entry["validator_address"]),
            parse_rfc3339(entry["timestamp"], "timestamp"),
            b64decode(entry["signature"] or ""),
        )
        for entry in value["signatures"]
    ]
    return Commit(Height(int(value["height"])), Round(value["round"]), read_block_id(value["block_id"]), tuple(entries))


def read_block(value: Any) -> Block:
    txs = tuple(b64decode(tx) for tx in value["data"]["txs"])
    return Block(read_header(value["header"]), txs, (), read_commit(value["last_commit"]))


# --- recorded answers ---


def recorded_blocks(recorded: dict[str, Any]) -> list[Any]:
    alone = [recorded[name] for name in ("block_at_height_1", "block_at_height_10", "block_by_hash")]
    return alone + recorded["block_search"]["blocks"] + [recorded["subscribe_newblock_0"]["data"]["value"]]


def test_blocks(recorded: dict[str, Any]) -> None:
    """All 49 with the empty commit of block 1, and the hashes say that they were read right."""
    blocks = recorded_blocks(recorded)
    assert len(blocks) == 49
    for value in blocks:
        block = read_block(value["block"])
        block_id = read_block_id(value["block_id"])
        assert block.header.hash() == block_id.hash
        assert rpc_json.block(block) == value["block"]
        assert rpc_json.block_id(block_id) == value["block_id"]


def test_block_metas(recorded: dict[str, Any]) -> None:
    for meta in recorded["blockchain_from_1_to_10"]["block_metas"]:
        assert rpc_json.header(read_header(meta["header"])) == meta["header"]
        assert rpc_json.block_id(read_block_id(meta["block_id"])) == meta["block_id"]


def test_commits(recorded: dict[str, Any]) -> None:
    signed = recorded["commit_at_height_10"]["signed_header"]
    assert rpc_json.commit(read_commit(signed["commit"])) == signed["commit"]


def test_absent_and_nil_entries() -> None:
    """C117: from the specification; no recorded commit has them."""
    absent = CommitSig(Flag.ABSENT, b"", parse_rfc3339("0001-01-01T00:00:00Z", "time"), b"")
    nil = CommitSig(Flag.NIL, b"\xab" * 20, parse_rfc3339("2026-03-09T01:02:03.05Z", "time"), b"\x00" * 64)
    block_id = BlockID(b"\x01" * 32, PartSetHeader(2, b"\x02" * 32))
    assert rpc_json.commit(Commit(Height(5), Round(1), block_id, (absent, nil))) == {
        "height": "5",
        "round": 1,
        "block_id": {"hash": "01" * 32, "parts": {"total": 2, "hash": "02" * 32}},
        "signatures": [
            {"block_id_flag": 1, "validator_address": "", "timestamp": "0001-01-01T00:00:00Z", "signature": None},
            {
                "block_id_flag": 3,
                "validator_address": "AB" * 20,
                "timestamp": "2026-03-09T01:02:03.05Z",
                "signature": "A" * 86 + "==",
            },
        ],
    }


def test_keys_and_validators(recorded: dict[str, Any]) -> None:
    info = recorded["status"]["validator_info"]
    key = PublicKey(b64decode(info["pub_key"]["value"]))
    assert rpc_json.public_key(key) == info["pub_key"]
    answer = rpc_json.validators(Height(9), ValidatorSet((Validator(key),)), 0, 30)
    assert answer == {
        "block_height": "9",
        "count": "1",
        "total": "1",
        "validators": [{**info, "proposer_priority": "0"}],
    }


def test_consensus_params_have_the_recorded_members(recorded: dict[str, Any]) -> None:
    ours = rpc_json.consensus_params(ConsensusParams(max_bytes=22_020_096, max_units=7), app_version=3)
    theirs = json.loads(json.dumps(recorded["consensus_params"]["consensus_params"]))
    theirs["block"]["max_gas"] = "7"
    theirs["version"]["app"] = "3"
    theirs["evidence"]["max_bytes"] = "0"
    assert ours == theirs


def test_transaction_proofs(recorded: dict[str, Any]) -> None:
    found = recorded["tx_search_with_prove"]["txs"]
    assert len(found) == 9
    for tx in found:
        value, raw = tx["proof"]["proof"], b64decode(tx["tx"])
        proof = Proof(int(value["total"]), int(value["index"]), b64decode(value["leaf_hash"]), ())
        root = data_hash([bytes.fromhex(tx["hash"])])
        assert rpc_json.tx_proof(root, raw, proof) == tx["proof"]


def test_a_results_members_are_the_recorded_ones(recorded: dict[str, Any]) -> None:
    ours = rpc_json.tx_result(TxResult(0, b"", 0, 0))
    for tx in chain(recorded["tx_search_no_prove"]["txs"], recorded["tx_search_with_prove"]["txs"]):
        assert ours == {**tx["tx_result"], "events": []}
        for event in tx["tx_result"]["events"]:
            assert event.keys() == {"type", "attributes"}
            assert all(each.keys() == {"key", "value", "index"} for each in event["attributes"])


def test_a_ballots_result_has_its_event() -> None:
    result = accepted_ballot(PollNumber(3), 12, TaggedKey(b"\x01" * 33), 2)  # type: ignore[arg-type]
    value = rpc_json.tx_result(result)
    assert value["events"] == [
        {
            "type": "ballot",
            "attributes": [
                {"key": "poll", "value": "3", "index": True},
                {"key": "number", "value": "12", "index": True},
            ],
        }
    ]
    assert (value["gas_wanted"], value["gas_used"]) == ("2", "2")
    brief = rpc_json.tx_result_brief(result)
    assert brief.keys() == {"data", "gas_wanted", "gas_used", "events"}
    assert rpc_json.tx_result_brief(TxResult(0, b"", 0, 0)) == {}


@pytest.mark.parametrize("data", [b"", b"\x91\x05"], ids=["nothing", "the number of a new roll"])
def test_other_results_have_no_event(data: bytes) -> None:
    assert rpc_json.tx_result(TxResult(0, data, 1, 1))["events"] == []


def test_a_state_proof_is_the_derived_one(shared_dir: Path) -> None:
    """Decoded, checked and written again: the vector's own bytes (C143, C149)."""
    vector = json.loads((shared_dir / "vectors/cometbft/abci_query_proof_derived.json").read_text())
    ops = [ProofOp.decode_data(b64decode(op["key"]), b64decode(op["data"])) for op in vector["proofOps"]["ops"]]
    key, value = bytes.fromhex(vector["key"]), bytes.fromhex(vector["value"])
    assert verify_state_proof(bytes.fromhex(vector["app_hash"]), "votes", key, value, ops)
    response = rpc_json.query_response(key, value, Height(7), ops)["response"]
    assert isinstance(response, dict)
    assert response["proofOps"] == vector["proofOps"]


@pytest.mark.parametrize("name", ["abci_query_with_existing_key", "abci_query_with_non_existent_key"])
def test_queries_without_proof(recorded: dict[str, Any], name: str) -> None:
    theirs = recorded[name]["response"]
    key, value = b64decode(theirs["key"]), b64decode(theirs["value"] or "")
    ours = rpc_json.query_response(key, value, Height(int(theirs["height"])), (), log=theirs["log"])
    assert ours == {"response": theirs}
