"""The methods of the JSON-RPC on a running chain (C111 to C135): shapes against the answers of a CometBFT node, proofs
against the headers, submitting, and the exact texts of errors."""

import json
from base64 import b64decode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mvchain.api import rpc_methods
from mvchain.api.rpc_params import RpcError
from mvchain.core import codec, merkle
from mvchain.core.hashing import sha256
from mvchain.core.keys import SigningKey
from mvchain.core.merkle import Proof
from mvchain.core.types import Height
from mvchain.ledger.blocks import TxResult, consensus_hash
from mvchain.ledger.commits import verify_commit_full
from mvchain.ledger.state_tree import ProofOp, record_key, verify_state_proof
from mvchain.ledger.validators import Validator, ValidatorSet, address_of
from tests.api.chain_node import ChainNode, b64
from tests.api.conftest import StartChain
from tests.api.test_rpc_json import read_block, read_block_id, read_commit, read_header
from tests.ledger.state_helpers import key_of

# --- shapes ---


def differences(ours: Any, theirs: Any, where: str = "$") -> list[str]:
    """Members and JSON types that are not the same. Empty lists and nulls for lists or texts (C107) fit all."""
    if ours is None or theirs is None:
        known = [value for value in (ours, theirs) if value is not None]
        return [] if all(isinstance(value, (list, str)) for value in known) else [f"{where}: {ours!r}, {theirs!r}"]
    if type(ours) is not type(theirs):
        return [f"{where}: {type(ours).__name__}, not {type(theirs).__name__}"]
    if isinstance(ours, dict):
        found = [f"{where}: {ours.keys() ^ theirs.keys()}"] if ours.keys() != theirs.keys() else []
        return found + [
            each
            for name in ours.keys() & theirs.keys()
            for each in differences(ours[name], theirs[name], f"{where}.{name}")
        ]
    if isinstance(ours, list) and ours and theirs:
        return [each for value in ours for each in differences(value, theirs[0], f"{where}[]")]
    return []


async def test_answers_have_the_members_and_types_of_a_cometbft_node(voting: ChainNode, shared_dir: Path) -> None:
    recorded = json.loads((shared_dir / "vectors/cometbft/rpc_v0_38_kvstore.json").read_text())["responses"]
    tx = voting.election.ballot(0)
    asked: dict[str, tuple[str, dict[str, object]]] = {
        "status": ("status", {}),
        "genesis": ("genesis", {}),
        "net_info": ("net_info", {}),
        "abci_info": ("abci_info", {}),
        "consensus_params": ("consensus_params", {"height": "1"}),
        "block_at_height_1": ("block", {"height": "1"}),
        "block_at_height_10": ("block", {"height": "2"}),
        "block_by_hash": (
            "block_by_hash",
            {"hash": b64(bytes.fromhex((await voting.call("block", height="2"))["block_id"]["hash"]))},
        ),
        "blockchain_from_1_to_10": ("blockchain", {}),
        "block_results_at_height_10": ("block_results", {"height": "2"}),
        "commit_at_height_10": ("commit", {"height": "1"}),
        "broadcast_tx_async": ("broadcast_tx_async", {"tx": b64(voting.election.ballot(3))}),
        "broadcast_tx_sync": ("broadcast_tx_sync", {"tx": b64(voting.election.ballot(4))}),
        "broadcast_tx_commit": ("broadcast_tx_commit", {"tx": b64(voting.election.ballot(5))}),
        "abci_query_with_existing_key": ("abci_query", {"path": "/store/polls/key", "data": "00" * 7 + "01"}),
        "abci_query_with_non_existent_key": ("abci_query", {"path": "/store/polls/key", "data": "00" * 7 + "02"}),
    }
    for name, (method, params) in asked.items():
        ours, theirs = await voting.call(method, **params), recorded[name]["result"]
        if method == "genesis":
            assert ours["genesis"].pop("app_state") == json.loads(voting.genesis.encode())
        assert differences(ours, theirs, name) == []
    one, theirs = (
        await voting.call("tx", hash=b64(sha256(tx)), prove=True),
        recorded["tx_search_with_prove"]["result"]["txs"],
    )
    assert differences(one, theirs[0], "tx") == []
    one, theirs = await voting.call("tx", hash=b64(sha256(tx))), recorded["tx_search_no_prove"]["result"]["txs"]
    assert differences(one, theirs[0], "tx") == []


# --- what the answers say ---


async def test_status(voting: ChainNode) -> None:
    found = await voting.call("status")
    info, sync = found["node_info"], found["sync_info"]
    assert info["id"] == sha256(key_of("node1").public)[:20].hex()
    assert info["version"].startswith("0.38.")
    assert (info["network"], info["moniker"]) == (voting.genesis.chain_id, "Agency 1")
    assert (info["listen_addr"], info["other"]["rpc_address"]) == ("tcp://127.0.0.1:1", "tcp://127.0.0.1:2")
    assert sync["earliest_block_height"] == "1"
    assert not sync["catching_up"]
    newest = await voting.call("block")
    assert sync["latest_block_height"] == newest["block"]["header"]["height"]
    assert sync["latest_block_hash"] == newest["block_id"]["hash"]
    assert sync["latest_block_time"] == newest["block"]["header"]["time"]
    assert sync["latest_app_hash"] == newest["block"]["header"]["app_hash"]
    assert found["validator_info"]["voting_power"] == "10"
    assert found["validator_info"]["address"] == address_of(key_of("validator1").public).hex().upper()


async def test_a_chain_without_blocks(start_chain: StartChain) -> None:
    node = await start_chain()
    sync = (await node.call("status"))["sync_info"]
    assert (sync["latest_block_height"], sync["latest_block_time"]) == ("0", "0001-01-01T00:00:00Z")
    assert await node.failure("block") == "height must be greater than 0, but got 0"
    assert (await node.call("validators"))["block_height"] == "1"
    assert "last_block_height" not in (await node.call("abci_info"))["response"]
    assert len((await node.call("genesis"))["genesis"]["validators"]) == 1


async def test_every_block_is_its_id_and_its_commit_holds(voting: ChainNode) -> None:
    newest = int((await voting.call("status"))["sync_info"]["latest_block_height"])
    assert newest >= 4
    members = ValidatorSet((Validator(key_of("validator1").public),))
    for height in range(1, newest + 1):
        found = await voting.call("block", height=str(height))
        block, block_id = read_block(found["block"]), read_block_id(found["block_id"])
        assert block.header.hash() == block_id.hash
        signed = await voting.call("commit", height=str(height))
        assert read_header(signed["signed_header"]["header"]) == block.header
        commit = read_commit(signed["signed_header"]["commit"])
        verify_commit_full(commit, voting.genesis.chain_id, members, Height(height), block_id)
        assert signed["canonical"] == (height < newest)
        if height < newest:
            following = read_block((await voting.call("block", height=str(height + 1)))["block"])
            assert following.last_commit == commit
            assert following.header.last_commit_hash == commit.hash()
        assert await voting.call("header", height=str(height)) == {"header": found["block"]["header"]}
        by_hash = {"hash": found["block_id"]["hash"]}
        assert await voting.call("header_by_hash", **by_hash) == {"header": found["block"]["header"]}
        assert await voting.call("block_by_hash", hash=b64(bytes.fromhex(by_hash["hash"]))) == found


async def test_block_metas(voting: ChainNode) -> None:
    found = await voting.call("blockchain", minHeight="1", maxHeight="0")
    heights = [int(meta["header"]["height"]) for meta in found["block_metas"]]
    newest = int(found["last_height"])
    assert heights == list(range(newest, 0, -1))
    for meta in found["block_metas"]:
        block = read_block((await voting.call("block", height=meta["header"]["height"]))["block"])
        assert int(meta["block_size"]) == len(block.encode())
        assert int(meta["num_txs"]) == len(block.txs)
    few = await voting.call("blockchain", minHeight="2", maxHeight="3")
    assert [meta["header"]["height"] for meta in few["block_metas"]] == ["3", "2"]


async def test_results_are_those_of_the_next_header(voting: ChainNode) -> None:
    found = await voting.call("block_results", height=str(voting.cast_at))
    results = [
        TxResult(each["code"], b64decode(each["data"]), int(each["gas_wanted"]), int(each["gas_used"]))
        for each in found["txs_results"]
    ]
    following = await voting.call("header", height=str(voting.cast_at + 1))
    assert (
        merkle.root([result.encode() for result in results]).hex().upper() == following["header"]["last_results_hash"]
    )
    assert b64decode(found["app_hash"]).hex().upper() == following["header"]["app_hash"]
    numbers = [each["events"][0]["attributes"][1] for each in found["txs_results"]]
    assert [number["value"] for number in numbers] == [str(i) for i in range(3 - len(results), 3)]
    newest = await voting.call("block_results")
    assert b64decode(newest["app_hash"]) == voting.running.replica.state.app_hash


async def test_a_transaction_is_proved(voting: ChainNode) -> None:
    raw = voting.election.ballot(1)
    found = await voting.call("tx", hash=b64(sha256(raw)), prove=True)
    assert b64decode(found["tx"]) == b64decode(found["proof"]["data"]) == raw
    header = (await voting.call("header", height=found["height"]))["header"]
    value = found["proof"]["proof"]
    proof = Proof(
        int(value["total"]), int(value["index"]), b64decode(value["leaf_hash"]), tuple(map(b64decode, value["aunts"]))
    )
    assert found["proof"]["root_hash"] == header["data_hash"]
    assert merkle.verify_inclusion(proof, bytes.fromhex(header["data_hash"]), sha256(raw))
    assert proof.index == found["index"]
    assert codec.decode(b64decode(found["tx_result"]["data"]), "it", max_bytes=100) == (
        1,
        1,
        voting.election.voters[1].tagged,
    )


async def test_a_record_of_the_state_is_proved(voting: ChainNode) -> None:
    newest = voting.chain.height
    for height in ("0", str(newest - 1), "2"):
        asked = {"path": "/store/agencies/key", "data": record_key(1).hex(), "height": height, "prove": True}
        found = (await voting.call("abci_query", **asked))["response"]
        assert found["height"] == (height if height != "0" else str(newest - 1))
        ops = [ProofOp.decode_data(b64decode(op["key"]), b64decode(op["data"])) for op in found["proofOps"]["ops"]]
        header = (await voting.call("header", height=str(int(found["height"]) + 1)))["header"]
        app_hash, value = bytes.fromhex(header["app_hash"]), b64decode(found["value"])
        assert verify_state_proof(app_hash, "agencies", record_key(1), value, ops)
    unproved = (await voting.call("abci_query", path="/store/agencies/key", data=record_key(1).hex()))["response"]
    assert (unproved["height"], unproved["proofOps"]) == (str(newest), None)


@pytest.mark.parametrize(
    ("asked", "code", "log"),
    [
        ({"path": "/store/agencies/key", "data": "00" * 7 + "02"}, 0, "does not exist"),
        ({"path": "/store/agencies/key", "data": "00" * 8}, 0, "does not exist"),
        ({"path": "/store/agencies/key", "data": "01"}, 0, "does not exist"),
        ({"path": "/store/agencies/key", "data": "00" * 8 + "01"}, 0, "does not exist"),
        ({"path": "/store/agencies/key", "data": "ff" * 8}, 0, "does not exist"),
        ({"path": "/store/votes/key", "data": "00" * 7 + "01"}, 6076, "MV-6076: "),
        ({"path": "/store/agencies/subspace"}, 6076, "MV-6076: "),
        ({"path": ""}, 6076, "MV-6076: "),
        ({}, 6076, "MV-6076: "),
        ({"path": "/store/agencies/key", "data": "00" * 7 + "01", "height": "-1"}, 6077, "MV-6077: "),
        ({"path": "/store/agencies/key", "data": "00" * 7 + "01", "height": "1000"}, 6077, "MV-6077: "),
    ],
)
async def test_queries_without_an_answer(
    start_chain: StartChain, asked: dict[str, object], code: int, log: str
) -> None:
    found = (await (await start_chain()).call("abci_query", **asked))["response"]
    assert (found["code"], found["value"], found["proofOps"]) == (code, None, None)
    assert found["log"].startswith(log)
    assert found["codespace"] == ("mvchain" if code else "")


async def test_the_newest_state_is_not_proved_before_its_header(voting: ChainNode) -> None:
    """C148: header H + 1 has to be there."""
    asked = {"path": "/store/agencies/key", "data": record_key(1).hex(), "height": str(voting.chain.height)}
    assert (await voting.call("abci_query", **asked))["response"]["code"] == 0
    assert (await voting.call("abci_query", **asked, prove=True))["response"]["code"] == 6077


async def test_validators_and_parameters_are_those_of_the_headers(voting: ChainNode) -> None:
    """C113: by default of the height after the newest."""
    newest = voting.chain.height
    for height, expected in ((None, newest + 1), (str(newest + 1), newest + 1), ("1", 1)):
        found = await voting.call("validators", height=height)
        assert (found["block_height"], found["count"], found["total"]) == (str(expected), "1", "1")
        assert (await voting.call("consensus_params", height=height))["block_height"] == str(expected)
    header = read_header((await voting.call("header"))["header"])
    key = b64decode(found["validators"][0]["pub_key"]["value"])
    assert header.validators_hash == ValidatorSet((Validator(key),)).hash  # type: ignore[arg-type]
    params = (await voting.call("consensus_params"))["consensus_params"]
    sizes = int(params["block"]["max_bytes"]), int(params["block"]["max_gas"])
    assert header.consensus_hash == consensus_hash(*sizes)


def test_validators_come_in_pages() -> None:
    members = ValidatorSet(tuple(Validator(SigningKey.from_seed(bytes((n,)) * 32).public) for n in range(35)))
    chain: Any = SimpleNamespace(height=4, base_height=1, catching_up=False, validators=lambda _height: members)

    def page(**asked: int) -> list[str]:
        found: Any = rpc_methods.validators(chain, **asked)
        assert (found["total"], found["count"]) == ("35", str(len(found["validators"])))
        return [each["address"] for each in found["validators"]]

    everybody = [member.address.hex().upper() for member in members]
    assert page() == everybody[:30] == page(per_page=0) == page(per_page=-5)
    assert page(page=2) == everybody[30:]
    assert page(per_page=100) == everybody == page(per_page=1_000_000)
    assert page(page=4, per_page=10) == everybody[30:]
    for wrong in (0, -1, 3):
        with pytest.raises(RpcError) as caught:
            page(page=wrong)
        assert caught.value.data["text"] == f"page should be within [1, 2] range, given {wrong}"


def test_validators_are_known_one_height_ahead_unless_the_node_is_behind() -> None:
    members = ValidatorSet((Validator(key_of("validator1").public),))
    chain: Any = SimpleNamespace(height=4, base_height=3, catching_up=True, validators=lambda _height: members)
    found: Any = rpc_methods.validators(chain)
    assert found["block_height"] == "4"
    with pytest.raises(RpcError) as caught:
        rpc_methods.validators(chain, height=5)
    assert caught.value.data["text"] == "height 5 must be less than or equal to the current blockchain height 4"
    with pytest.raises(RpcError) as caught:
        rpc_methods.validators(chain, height=2)
    assert caught.value.data["text"] == "height 2 is not available, lowest height is 3"


# --- texts of errors (C134, C135) ---


async def test_heights_that_are_not_there(voting: ChainNode) -> None:
    newest = voting.chain.height
    for method in ("block", "commit", "header", "block_results"):
        above = str(newest + 1)
        text = f"height {above} must be less than or equal to the current blockchain height {newest}"
        assert await voting.failure(method, height=above) == text
        assert await voting.failure(method, height="0") == "height must be greater than 0, but got 0"
        assert await voting.failure(method, height="-3") == "height must be greater than 0, but got -3"
    for method in ("validators", "consensus_params"):
        above = str(newest + 2)
        text = f"height {above} must be less than or equal to the current blockchain height {newest + 1}"
        assert await voting.failure(method, height=above) == text


async def test_other_texts(voting: ChainNode) -> None:
    assert await voting.failure("tx", hash=b64(b"\xab" * 32)) == f"tx ({'AB' * 32}) not found"
    assert await voting.failure("tx") == "tx () not found"
    assert await voting.failure("blockchain", minHeight="-1") == "heights must be non-negative"
    assert await voting.failure("blockchain", minHeight="3", maxHeight="2") == (
        "min height 3 can't be greater than max height 2"
    )
    assert await voting.failure("validators", page="2") == "page should be within [1, 1] range, given 2"
    assert (await voting.failure("broadcast_evidence", evidence={"type": "x"})).startswith("MV-6078: ")
    assert await voting.failure("genesis_chunked", chunk="1") == "there are 1 chunks, 1 is invalid"


async def test_unknown_hashes_are_null(voting: ChainNode) -> None:
    nothing = {"hash": "", "parts": {"total": 0, "hash": ""}}
    assert await voting.call("block_by_hash", hash=b64(b"\xab" * 32)) == {"block_id": nothing, "block": None}
    assert await voting.call("block_by_hash") == {"block_id": nothing, "block": None}
    assert await voting.call("header_by_hash", hash="ab" * 32) == {"header": None}


async def test_the_genesis_in_one_chunk(voting: ChainNode) -> None:
    found = await voting.call("genesis_chunked")
    assert (found["chunk"], found["total"]) == ("0", "1")
    assert json.loads(b64decode(found["data"])) == (await voting.call("genesis"))["genesis"]


# --- submitting ---


async def test_broadcast_sync_promises_and_commit_waits(voting: ChainNode) -> None:
    first, second = voting.election.ballot(3), voting.election.ballot(4)
    taken = await voting.call("broadcast_tx_sync", tx=b64(first))
    assert taken == {"code": 0, "data": "", "log": "", "codespace": "", "hash": sha256(first).hex().upper()}
    assert first in list(voting.running.journal.replay()) or voting.running.has(first)
    found = await voting.call("broadcast_tx_commit", tx=b64(second))
    assert (found["check_tx"]["code"], found["tx_result"]["code"]) == (0, 0)
    assert found["hash"] == sha256(second).hex().upper()
    committed = await voting.call("tx", hash=b64(sha256(second)))
    assert (committed["height"], committed["tx_result"]) == (found["height"], found["tx_result"])
    await voting.running.until(lambda: voting.running.has(first))
    for method in ("broadcast_tx_sync", "broadcast_tx_async", "broadcast_tx_commit"):
        assert await voting.failure(method, tx=b64(first)) == "tx already exists in cache"


async def test_what_is_not_admissible_has_our_code(voting: ChainNode) -> None:
    again = voting.election.ballot(0, answer=1)
    refused = await voting.call("broadcast_tx_sync", tx=b64(again))
    assert refused["code"] > 1000
    assert refused["codespace"] == "mvchain"
    assert refused["log"].startswith(f"MV-{refused['code']}: ")
    waited = await voting.call("broadcast_tx_commit", tx=b64(again))
    assert waited["check_tx"]["code"] == refused["code"]
    assert waited["check_tx"]["log"] == refused["log"]
    assert (waited["height"], waited["tx_result"]["code"]) == ("0", 0)
    assert (await voting.call("broadcast_tx_async", tx=b64(again)))["code"] == 0
    checked = await voting.call("check_tx", tx=b64(again))
    assert checked["code"] == refused["code"]
    assert (await voting.call("broadcast_tx_sync"))["code"] == 1001


async def test_a_check_keeps_nothing(voting: ChainNode) -> None:
    ballot = voting.election.ballot(5)
    assert (await voting.call("check_tx", tx=b64(ballot)))["code"] == 0
    assert len(voting.running.replica.mempool) == 0
    forged = ballot[:-1] + bytes((ballot[-1] ^ 1,))
    assert (await voting.call("check_tx", tx=b64(forged)))["code"] == 1391
    assert (await voting.call("check_tx", tx=b64(b"x")))["code"] == 1001


async def test_too_large_and_full(start_chain: StartChain) -> None:
    node = await start_chain()
    assert (
        await node.failure("broadcast_tx_sync", tx=b64(bytes(65_537)))
        == "Tx too large. Max size is 65536, but got 65537"
    )
    pool = node.running.replica.mempool
    pool.max_bytes = 10
    assert await node.failure("broadcast_tx_sync", tx=b64(node.election.set_up[0])) == (
        "mempool is full: number of txs 0 (max: 200000), total txs bytes 0 (max: 10)"
    )


async def test_a_commit_that_does_not_come(start_chain: StartChain, monkeypatch: pytest.MonkeyPatch) -> None:
    node = await start_chain(answer_s=0.3)
    monkeypatch.setattr(node.running.replica, "_has_work", lambda: False)
    text = await node.failure("broadcast_tx_commit", tx=b64(node.election.set_up[0]))
    assert text == "timed out waiting for tx to be included in a block"
    waiting = await node.call("unconfirmed_txs")
    raw = node.election.set_up[0]
    assert waiting == {"n_txs": "1", "total": "1", "total_bytes": str(len(raw)), "txs": [b64(raw)]}
    assert await node.call("num_unconfirmed_txs") == {**waiting, "txs": None}
