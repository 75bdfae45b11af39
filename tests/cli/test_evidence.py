"""mvchain evidence, and what mvchain status says of it."""

import asyncio
import json
import urllib.request
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import pytest

from mvchain.api import rpc_json, schema
from mvchain.api.client import Client
from mvchain.cli.evidence import _print_evidence
from mvchain.cli.output import WIDTH
from mvchain.core.types import Height, Round
from mvchain.ledger.blocks import Block
from mvchain.ledger.evidence import DuplicateEndorsementEvidence, build_evidence
from mvchain.ledger.validators import Validator, ValidatorSet
from mvchain.node.config import Home
from mvchain.node.files import LocalDisk
from mvchain.node.keystore import load_plain_key
from tests.api.test_openapi import misbehaviour
from tests.cli.helpers import Chain, mvchain, new_key
from tests.ledger.chain_helpers import BLOCK, OTHER_BLOCK, endorse, sign


def signed_twice(chain: Chain) -> DuplicateEndorsementEvidence:
    """Evidence against the chain's only validator, at height 1."""

    async def block(height: int) -> Block:
        async with Client(chain.api) as client:
            return Block.decode((await client.block_bytes(height))[0])

    key = load_plain_key(Home(chain.home).key("validator"), LocalDisk())
    header = asyncio.run(block(1)).header
    a, b = (
        sign(key, endorse(key, 0, block_id, height=Height(1), round=Round(0)), header.chain_id)
        for block_id in (BLOCK, OTHER_BLOCK)
    )
    return build_evidence(a, b, ValidatorSet((Validator(key.public),)), header.time_ns)


def broadcast(chain: Chain, evidence: DuplicateEndorsementEvidence) -> Any:
    params = {"evidence": rpc_json.evidence(evidence)}
    call = {"jsonrpc": "2.0", "id": 1, "method": "broadcast_evidence", "params": params}
    request = urllib.request.Request(chain.api, json.dumps(call).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["result"]


def test_who_signed_twice_is_named(chain: Chain, tmp_path: Path) -> None:
    assert mvchain("evidence", "--api", chain.api).out == "Nobody was seen to sign twice.\n"
    assert "evidence" not in mvchain("status", "--api", chain.api).out
    evidence = signed_twice(chain)
    broadcast(chain, evidence)
    (found,) = chain.ask("evidence")["pending"]
    assert found["agency"] == {"number": 1, "name": {"ko": "서울특별시", "en": "Seoul"}}
    chain.sealed_roll(new_key(tmp_path / "voter"))  # makes blocks
    shown = mvchain("evidence", "--messages", "--api", chain.api).out
    assert "On the chain: 1 double signing" in shown
    assert "서울특별시 (Seoul)" in shown
    assert evidence.first.encode().hex() in shown
    assert evidence.second.encode().hex() in shown
    assert "1 double signing: see mvchain evidence" in mvchain("status", "--api", chain.api).out


def width(line: str) -> int:
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in line)


@pytest.mark.parametrize("after", [0, 1])
def test_everything_is_shown_in_80_columns(capsys: pytest.CaptureFixture[str], after: int) -> None:
    document: Any = schema.evidence(misbehaviour(), after)
    _print_evidence(document, messages=False, as_json=False)
    shown = capsys.readouterr().out
    assert max(map(width, shown.splitlines())) <= WIDTH
    for part in ("THE CHAIN HAS FORKED", "in one round", "On the chain: 2", "Not in a block yet: 2", "Two proposals"):
        assert part in shown


def test_a_fork_over_two_rounds_convicts_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    document: Any = schema.evidence(misbehaviour(), 0)
    document["forks"][0]["same_round"] = False
    document["forks"][0]["other"]["round"] = 4
    _print_evidence(document, messages=False, as_json=False)
    assert "in rounds 1 and 4, which alone does not convict" in capsys.readouterr().out
