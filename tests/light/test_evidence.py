"""What a light client hands out when it has met two truths."""

import json
from dataclasses import replace

import pytest

from mvchain.core import strict_json
from mvchain.core.types import Round
from mvchain.light.blocks import LightBlock, decode_light_block
from mvchain.light.client import Divergence
from mvchain.light.evidence import encode_evidence, evidence_in_words, evidence_name, signed_both
from mvchain.light.rules import Anchor
from tests.light.light_chain import GENESIS, KEYS, fork_of, make_light_chain, sign

CHAIN = make_light_chain(12)
FORK = fork_of(CHAIN, 10, 12)
NAMES = {agency.validator_key: agency.name_en for agency in GENESIS.agencies}


def divergence(first: LightBlock = CHAIN[12], second: LightBlock = FORK[12]) -> Divergence:
    return Divergence(Anchor.of_block(CHAIN[9]), first, second)


def signed_by(block: LightBlock, marks: str) -> LightBlock:
    return sign(block.header, KEYS, marks)


def test_the_file() -> None:
    file = encode_evidence(divergence())
    content = json.loads(file)
    assert strict_json.canonical(content) == file
    assert content["format"] == "mvchain divergence 1"
    assert content["chain_id"] == GENESIS.chain_id
    assert content["common_height"] == 9
    blocks = [decode_light_block(strict_json.canonical(block)) for block in content["conflicting"]]
    assert blocks == [CHAIN[12], FORK[12]]
    assert content["signed_both"] == sorted(key.public.hex() for key in KEYS)


def test_its_name() -> None:
    assert evidence_name(divergence()) == f"divergence-12-{FORK[12].hash.hex()[:8]}.json"


def test_who_signed_both() -> None:
    """Two quorums of four have two in common at least."""
    found = signed_both(divergence(signed_by(CHAIN[12], "ccca"), signed_by(FORK[12], "accc")))
    assert found == sorted(key.public for key in KEYS[1:3])
    assert signed_both(divergence(signed_by(CHAIN[12], "cccn"), signed_by(FORK[12], "nnnc"))) == []


def test_in_words() -> None:
    words = evidence_in_words(divergence(signed_by(CHAIN[12], "ccca"), signed_by(FORK[12], "accc")), GENESIS)
    assert "in one round" in words
    for key in KEYS:
        assert (NAMES[key.public] in words) == (key in KEYS[1:3])
    for block in (CHAIN[12], FORK[12]):
        assert block.hash.hex() in words


def test_in_words_without_names() -> None:
    words = evidence_in_words(divergence(), None)
    assert all(key.public.hex() in words for key in KEYS)


@pytest.mark.parametrize(
    "second",
    [FORK[11], replace(FORK[12], commit=replace(FORK[12].commit, round=Round(2)))],
)
def test_in_words_where_nobody_is_convicted(second: LightBlock) -> None:
    """Of other rounds or heights: an honest node may have signed one of them."""
    words = evidence_in_words(divergence(second=second), GENESIS)
    assert "no honest node" not in words
    assert "do not tell" in words
    nobody = evidence_in_words(divergence(signed_by(CHAIN[12], "ccaa"), signed_by(second, "aacc")), GENESIS)
    assert "Nobody signed both" in nobody
