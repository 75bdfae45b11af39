"""mvchain.interop.lies: each lie changes what it says it does, and the conspiracy would convince without a witness."""

import base64
import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from mvchain.api import rpc_json
from mvchain.core.keys import Purpose, verify
from mvchain.interop.lies import Lie, conspiracy, data_lies, flipped_base64, flipped_hex, forged_header, header_lies
from mvchain.interop.rpc import difference
from mvchain.ledger.block_id import NIL_BLOCK_ID
from mvchain.ledger.blocks import Block, Flag, Header
from mvchain.ledger.endorsements import endorsement_sign_bytes
from tests.interop.test_survey import block
from tests.ledger.chain_helpers import BLOCK, CHAIN_ID, HEIGHT, ROUND, make_commit, make_keys, make_set

KEYS = make_keys(4)
VALIDATORS = make_set(KEYS)
COMMIT = make_commit(KEYS, "ccnc")
HEADER: Header = Block.decode(block(HEIGHT, [b"tx"], make_commit(KEYS, "accc"))).header


def signed_header() -> Any:
    return {"signed_header": {"header": rpc_json.header(HEADER), "commit": rpc_json.commit(COMMIT)}, "canonical": True}


def validators() -> Any:
    return rpc_json.validators(HEIGHT, VALIDATORS, 0, 4)


SAMPLES: dict[str, Any] = {
    "tx": {"proof": {"data": "dHg=", "proof": {"aunts": ["AAEC", "AwQF"]}}, "tx": "dHg="},
    "block": {
        "block_id": rpc_json.block_id(BLOCK),
        "block": rpc_json.block(Block.decode(block(HEIGHT, [b"tx", b"yz"], make_commit(KEYS, "accc")))),
    },
    "block_results": {"height": "7", "txs_results": [{"code": 0}, {"code": 0}]},
    "abci_query": {"response": {"key": "AAE=", "value": "AgM="}},
    "consensus_params": {"block_height": "7", "consensus_params": {"block": {"max_bytes": "4194304"}}},
    "blockchain": {"block_metas": [{"block_id": rpc_json.block_id(BLOCK), "header": rpc_json.header(HEADER)}]},
    "header_by_hash": {"header": rpc_json.header(HEADER)},
    "commit": signed_header(),
    "validators": validators(),
}


def told(lie: Lie) -> Any:
    result = copy.deepcopy(SAMPLES[lie.method])
    lie.tell(result)
    return result


def changes(before: Any, after: Any) -> int:
    """How many values differ."""
    if isinstance(before, dict) and before.keys() == after.keys():
        return sum(changes(before[name], after[name]) for name in before)
    if isinstance(before, list) and len(before) == len(after):
        return sum(changes(*pair) for pair in zip(before, after, strict=True))
    return before != after


@pytest.mark.parametrize("lie", data_lies(HEADER), ids=lambda lie: lie.title)
def test_a_lie_about_data_changes_one_value_and_a_hash_of_it_at_most(lie: Lie) -> None:
    names_a_hash = lie.title in ("the app hash in a block", "the app hash in a list of headers")
    assert changes(SAMPLES[lie.method], told(lie)) == 1 + names_a_hash


def test_a_header_that_is_told_has_the_hash_that_is_told() -> None:
    lies = {lie.method: lie for lie in data_lies(HEADER) if "app hash in" in lie.title}
    for told_one, header in (
        (told(lies["block"]), told(lies["block"])["block"]["header"]),
        (told(lies["blockchain"])["block_metas"][0], told(lies["blockchain"])["block_metas"][0]["header"]),
    ):
        forged = replace(HEADER, app_hash=bytes.fromhex(header["app_hash"]))
        assert told_one["block_id"]["hash"] == forged.hash().hex().upper() != HEADER.hash().hex().upper()


def test_a_flip_is_of_one_bit() -> None:
    assert flipped_hex("0FFF") == "0EFF"
    assert base64.b64decode(flipped_base64("AP8=")) == b"\x01\xff"


def lie_titled(title: str) -> Lie:
    (found,) = [lie for lie in header_lies(HEADER) if lie.title == title]
    return found


def test_a_lie_about_a_header_leaves_other_heights_alone() -> None:
    for lie in header_lies(HEADER):
        result = copy.deepcopy(SAMPLES[lie.method])
        if lie.method == "commit":
            result["signed_header"]["header"]["height"] = "8"
        else:
            result["block_height"] = "8"
        before = copy.deepcopy(result)
        lie.tell(result)
        assert difference(result, before) is None
        assert changes(SAMPLES[lie.method], told(lie)) > 0


def test_the_forged_header_has_the_hash_that_its_commit_names() -> None:
    result = told(lie_titled("the app hash, and a commit for that header"))["signed_header"]
    assert (
        result["commit"]["block_id"]["hash"]
        == replace(HEADER, app_hash=bytes.fromhex(result["header"]["app_hash"])).hash().hex().upper()
    )


def test_two_precommits_are_left_of_four() -> None:
    entries = told(lie_titled("a commit with two precommits of four"))["signed_header"]["commit"]["signatures"]
    assert [entry["block_id_flag"] for entry in entries] == [Flag.COMMIT, Flag.COMMIT, Flag.NIL, Flag.ABSENT]


def test_the_nil_precommit_is_needed_where_it_is_said_to_be_for_the_block() -> None:
    entries = told(lie_titled("a nil precommit said to be for the block"))["signed_header"]["commit"]["signatures"]
    assert [entry["block_id_flag"] for entry in entries] == [Flag.COMMIT, Flag.COMMIT, Flag.COMMIT, Flag.ABSENT]


def test_the_false_validator_has_the_address_of_its_key() -> None:
    first = told(lie_titled("the key of a validator"))["validators"][0]
    assert first["address"] != validators()["validators"][0]["address"]
    assert json.dumps(first) != json.dumps(validators()["validators"][0])


def test_the_conspiracy_is_signed_by_all() -> None:
    result = told(conspiracy(HEADER, BLOCK, VALIDATORS, KEYS[::-1]))["signed_header"]
    forged = replace(BLOCK, hash=forged_header(HEADER).hash())
    assert forged.hash != HEADER.hash()
    assert result["commit"]["block_id"]["hash"] == forged.hash.hex().upper()
    message = endorsement_sign_bytes(2, HEIGHT, ROUND, forged, HEADER.time_ns, CHAIN_ID)
    assert len(result["commit"]["signatures"]) == 4
    for entry, validator in zip(result["commit"]["signatures"], VALIDATORS, strict=True):
        assert entry["block_id_flag"] == Flag.COMMIT
        assert entry["validator_address"] == validator.address.hex().upper()
        assert entry["timestamp"] == rpc_json.header(HEADER)["time"]
        signature = base64.b64decode(entry["signature"])
        assert verify(Purpose.CONSENSUS, validator.public_key, message, signature)
    assert not BLOCK.is_nil
    assert NIL_BLOCK_ID.is_nil
