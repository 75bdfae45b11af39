"""Evidence of double signing: CometBFT's bytes and order, what convicts, and what must not (C65–C68)."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.cli.light import TRUSTING_HOURS
from mvchain.core.limits import EVIDENCE_MAX_AGE_NS
from mvchain.core.proto import message_field
from mvchain.core.types import Address, Height, Round, Signature, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.endorsements import Endorsement, Kind
from mvchain.ledger.evidence import DuplicateEndorsementEvidence, build_evidence
from tests.ledger.chain_helpers import (
    BLOCK,
    CHAIN_ID,
    NOW,
    OTHER_BLOCK,
    SECOND,
    code_of,
    endorse,
    make_block_id,
    make_keys,
    make_set,
    mutations,
    sign,
    value_or_our_error,
)
from tests.ledger.test_endorsements import vector_endorsement

KEYS = make_keys(4)
SET = make_set(KEYS)
A, B = endorse(KEYS[1], 1, BLOCK), endorse(KEYS[1], 1, OTHER_BLOCK)
GOOD = build_evidence(A, B, SET, NOW)


def refusal(evidence: DuplicateEndorsementEvidence) -> str:
    return code_of(evidence.verify, CHAIN_ID, SET, NOW)


def resigned(endorsement: Endorsement, **changes: Any) -> Endorsement:
    return sign(KEYS[1], replace(endorsement, **changes))


def test_bytes_are_cometbfts(shared_dir: Path) -> None:
    """The vector's two messages prove nothing (types differ, same block, unsigned): it pins the encoding."""
    case = json.loads((shared_dir / "vectors/cometbft/wire.json").read_text())[1]
    time_ns = TimeNs(1_514_170_801 * SECOND + 234_000_000)
    first, second = (vector_endorsement(kind, time_ns=time_ns) for kind in (Kind.PRECOMMIT, Kind.PREVOTE))
    evidence = DuplicateEndorsementEvidence(
        replace(first, index=56789), replace(second, index=56789), 10, 10, TimeNs(1_546_300_800 * SECOND)
    )
    assert evidence.encode().hex() == case["evidence_leaf_derived"]
    assert message_field(1, message_field(1, evidence.encode())).hex() == case["hex"]
    assert code_of(DuplicateEndorsementEvidence.decode, evidence.encode()) == "MV-2013"
    with_types_alike = replace(evidence, first=replace(second, time_ns=NOW))
    assert code_of(with_types_alike.verify, CHAIN_ID, SET, NOW) == "MV-2031"


def test_double_signing_convicts() -> None:
    GOOD.verify(CHAIN_ID, SET, NOW)
    for a, b in ((BLOCK, NIL_BLOCK_ID), (NIL_BLOCK_ID, OTHER_BLOCK)):
        for kind in Kind:
            pair = endorse(KEYS[1], 1, a, kind=kind), endorse(KEYS[1], 1, b, kind=kind, time_ns=NOW)
            build_evidence(*pair, SET, NOW).verify(CHAIN_ID, SET, NOW)


def test_order_given_does_not_matter() -> None:
    assert build_evidence(B, A, SET, NOW) == GOOD
    assert (GOOD.first, GOOD.second) == (A, B)


def test_gos_order_is_by_hash_then_part_set_bytes() -> None:
    """C66: the keys are hash || part-set header as protobuf, compared as bytes; nil comes first."""

    def block(hash_byte: int, total: int, parts_byte: int) -> BlockID:
        return BlockID(bytes([hash_byte]) * 32, PartSetHeader(total, bytes([parts_byte]) * 32))

    ascending = [
        NIL_BLOCK_ID,
        block(1, 9, 9),
        block(2, 1, 5),
        block(2, 1, 6),
        block(2, 2, 1),
        block(2, 127, 0),
        block(2, 256, 0),  # 80 02 as a varint: after 7f, before 81 01
        block(2, 129, 0),
        block(3, 1, 0),
    ]
    for low, high in pairwise(ascending):
        pair = endorse(KEYS[1], 1, high), endorse(KEYS[1], 1, low)
        evidence = build_evidence(*pair, SET, NOW)
        assert (evidence.first.block_id, evidence.second.block_id) == (low, high)
        evidence.verify(CHAIN_ID, SET, NOW)
        assert refusal(replace(evidence, first=evidence.second, second=evidence.first)) == "MV-2031"


@pytest.mark.parametrize(
    "change",
    [
        {"height": Height(8)},
        {"round": Round(2)},
        {"kind": Kind.PREVOTE},
        {"index": 2},
        {"address": Address(bytes(20))},
    ],
)
def test_pairs_that_prove_nothing(change: dict[str, Any]) -> None:
    """C67: messages of different heights, rounds, kinds or validators do not contradict each other."""
    assert refusal(replace(GOOD, second=resigned(B, **change))) == "MV-2030"
    assert refusal(replace(GOOD, first=resigned(A, **change))) == "MV-2030"


def test_two_signatures_for_one_block_prove_nothing() -> None:
    """A new time on the same block is no contradiction."""
    assert refusal(replace(GOOD, second=resigned(A, time_ns=NOW))) == "MV-2031"
    assert refusal(replace(GOOD, second=A)) == "MV-2031"


def test_strangers_are_not_convicted() -> None:
    """Neither an unknown validator nor a known one under another index (which would multiply evidence)."""
    others = make_set(make_keys(6)[2:])
    assert others.by_address(A.address) is None or others.by_address(A.address) != (1, SET[1])
    stranger = make_keys(9)[8]
    moved = [replace(one, index=2) for one in (A, B)]
    assert refusal(replace(GOOD, first=moved[0], second=moved[1])) == "MV-2032"
    if SET.by_address(Address(bytes(20))) is None:
        unknown = [endorse(stranger, 1, block, address=Address(bytes(20))) for block in (BLOCK, OTHER_BLOCK)]
        assert refusal(replace(GOOD, first=unknown[0], second=unknown[1])) == "MV-2032"


def test_an_innocent_is_not_blamed() -> None:
    """ATK13: messages that another key signed in the validator's name, both or either of them."""
    forged = [endorse(KEYS[2], 1, block, address=Address(SET[1].address)) for block in (BLOCK, OTHER_BLOCK)]
    assert refusal(replace(GOOD, first=forged[0], second=forged[1])) == "MV-2034"
    assert refusal(replace(GOOD, first=forged[0])) == "MV-2034"
    assert refusal(replace(GOOD, second=forged[1])) == "MV-2034"


def test_signatures_for_another_chain_are_no_evidence() -> None:
    assert code_of(GOOD.verify, "other", SET, NOW) == "MV-2034"


@pytest.mark.parametrize(
    "change",
    [
        {"total_power": 39},
        {"total_power": 0},
        {"total_power": -1},
        {"total_power": 2**63 - 1},
        {"validator_power": 9},
        {"validator_power": 0},
        {"validator_power": -1},
        {"time_ns": TimeNs(NOW + 1)},
        {"time_ns": TimeNs(0)},
    ],
)
def test_context_is_that_of_the_height(change: dict[str, Any]) -> None:
    """C67, ATK28: powers and time are committed ones, not the reporter's."""
    changed = replace(GOOD, **change)
    assert refusal(changed) == "MV-2033"
    assert DuplicateEndorsementEvidence.decode(changed.encode()) == changed


def test_evidence_is_small_enough_for_its_bound() -> None:
    signature = Signature(bytes(64))
    largest = replace(
        A,
        height=Height(2**63 - 1),
        round=Round(1_000_000),
        block_id=BlockID(bytes(32), PartSetHeader(2**32 - 1, bytes(32))),
        time_ns=TimeNs(-1),
        index=99,
        signature=signature,
    )
    evidence = DuplicateEndorsementEvidence(largest, largest, 2**63 - 1, 2**63 - 1, TimeNs(-1))
    assert len(evidence.encode()) <= 512
    assert DuplicateEndorsementEvidence.decode(evidence.encode()) == evidence
    assert code_of(DuplicateEndorsementEvidence.decode, bytes(1025)) == "MV-1002"


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1), st.integers(1, 9))
def test_evidence_comes_back(total: int, power: int, n: int) -> None:
    evidence = DuplicateEndorsementEvidence(
        A, replace(B, block_id=make_block_id(n)), total, power, TimeNs(n * SECOND + n)
    )
    assert DuplicateEndorsementEvidence.decode(evidence.encode()) == evidence


def test_nothing_hides_behind_the_evidence() -> None:
    """C15."""
    assert code_of(DuplicateEndorsementEvidence.decode, GOOD.encode() + b"\x98\x01\x01") == "MV-1001"


@given(mutations(GOOD.encode()))
def test_decoder_gives_a_value_or_our_error(data: bytes) -> None:
    value_or_our_error(DuplicateEndorsementEvidence.decode, data)


@given(mutations(GOOD.encode()))
def test_no_mutation_convicts(data: bytes) -> None:
    """I8: only the very evidence that was made from the validator's own two signatures convicts it."""

    def decode_and_verify(data: bytes) -> DuplicateEndorsementEvidence:
        evidence = DuplicateEndorsementEvidence.decode(data)
        evidence.verify(CHAIN_ID, SET, NOW)
        return evidence

    if data != GOOD.encode():
        code_of(decode_and_verify, data)


@pytest.mark.parametrize(
    ("blocks", "hours", "expired"),
    [(100_001, 49, True), (100_000, 49, False), (100_001, 48, False), (1, 10_000, False), (10_000_000, 1, False)],
)
def test_only_what_is_old_by_both_measures_is_expired(blocks: int, hours: int, expired: bool) -> None:
    """C67: more than 100,000 blocks and more than 48 hours."""
    height, time_ns = Height(GOOD.height + blocks), TimeNs(GOOD.time_ns + hours * 3_600 * SECOND)
    assert GOOD.is_expired(height, time_ns) == expired


def test_evidence_is_taken_as_long_as_a_light_client_trusts() -> None:
    """ATK10: who could sign two chains and be unpunished by the time a client looks would be free to do so."""
    assert EVIDENCE_MAX_AGE_NS >= TRUSTING_HOURS * 3_600 * SECOND
