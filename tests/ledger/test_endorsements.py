"""Prevotes, precommits and proposals: CometBFT's bytes, strict decoding, edge values (C39–C48)."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core.hashing import sha256
from mvchain.core.keys import Purpose
from mvchain.core.proto import bytes_field, message_field
from mvchain.core.timestamps import GO_ZERO_TIME_NS, MAX_TIME_NS
from mvchain.core.types import Address, Height, Round, Signature, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.endorsements import (
    NO_ROUND,
    Endorsement,
    Kind,
    Proposal,
    endorsement_sign_bytes,
    proposal_sign_bytes,
)
from tests.ledger.chain_helpers import (
    BLOCK,
    CHAIN_ID,
    NOW,
    OTHER_BLOCK,
    code_of,
    endorse,
    make_keys,
    mutations,
    value_or_our_error,
)

KEY, OTHER_KEY = make_keys(2)
PRECOMMIT = endorse(KEY, 3)


def make_proposal(**changes: Any) -> Proposal:
    values: dict[str, Any] = {
        "height": Height(7),
        "round": Round(2),
        "pol_round": NO_ROUND,
        "block_id": BLOCK,
        "time_ns": NOW,
        "signature": Signature(b""),
    }
    proposal = Proposal(**{**values, **changes})
    return replace(proposal, signature=KEY.sign(Purpose.CONSENSUS, proposal.sign_bytes(CHAIN_ID)))


PROPOSAL = make_proposal()


def block_id_from(item: list) -> BlockID:
    return BlockID(bytes.fromhex(item[0]), PartSetHeader(item[1][0], bytes.fromhex(item[1][1])))


def time_from(item: list) -> TimeNs:
    return TimeNs(item[0] * 1_000_000_000 + item[1])


# --- bytes ---


def test_sign_bytes_are_cometbfts(shared_dir: Path) -> None:
    vectors = json.loads((shared_dir / "vectors/cometbft/sign_bytes.json").read_text())
    assert (len(vectors["votes"]), len(vectors["proposals"])) == (8, 2)
    for case in vectors["votes"]:
        block_id, time_ns = block_id_from(case["block_id"]), time_from(case["timestamp"])
        found = endorsement_sign_bytes(case["type"], case["height"], case["round"], block_id, time_ns, case["chain_id"])
        assert found.hex() == case["sign_bytes"], case["source"]
    for case in vectors["proposals"]:
        block_id, time_ns = block_id_from(case["block_id"]), time_from(case["timestamp"])
        found = proposal_sign_bytes(
            case["height"], case["round"], case["pol_round"], block_id, time_ns, case["chain_id"]
        )
        assert found.hex() == case["sign_bytes"], case["source"]


def vector_endorsement(kind: Kind, **changes: Any) -> Endorsement:
    """The endorsement of wire.json, as its `what` describes it."""
    values: dict[str, Any] = {
        "kind": kind,
        "height": Height(3),
        "round": Round(2),
        "block_id": BlockID(sha256(b"blockID_hash"), PartSetHeader(1_000_000, sha256(b"blockID_part_set_header_hash"))),
        "time_ns": time_from([1_570_983_284, 0]),
        "address": Address(sha256(b"validator_address")[:20]),
        "index": 56789,
        "signature": Signature(b""),
    }
    return Endorsement(**{**values, **changes})


def test_wire_bytes_are_cometbfts(shared_dir: Path) -> None:
    """The vector carries a vote extension, which this chain has none of, and no signature."""
    case = json.loads((shared_dir / "vectors/cometbft/wire.json").read_text())[0]
    extension = b"\x4a\x09extension"
    found = vector_endorsement(Kind.PRECOMMIT).encode()
    assert (found + extension).hex() == case["vote_pb_derived"]
    assert code_of(Endorsement.decode, found + extension) == "MV-1001"
    assert code_of(Endorsement.decode, found) == "MV-2013"


def test_real_precommit_of_c45() -> None:
    block_id = BlockID(
        bytes.fromhex("00ecdac463c201ecd4bdbbaae4a53a4c80291d4051fd69ed97f6420ce1388bfe"),
        PartSetHeader(1, bytes.fromhex("ff0a320e696fd233dd4d3cc7cd82ff90f54b8fdbc9c700d9375c95a02782b062")),
    )
    time_ns = time_from([1_684_332_773, 605_374_524])
    found = endorsement_sign_bytes(Kind.PRECOMMIT, 10, 0, block_id, time_ns, "dockerchain")
    assert found.hex() == (
        "700802110a0000000000000022480a2000ecdac463c201ecd4bdbbaae4a53a4c80291d4051fd69ed97f6420ce1388bfe12240801"
        "1220ff0a320e696fd233dd4d3cc7cd82ff90f54b8fdbc9c700d9375c95a02782b0622a0c08e5c193a30610bc90d5a002320b646f"
        "636b6572636861696e"
    )


def test_proposal_is_encoded_as_c48_says() -> None:
    """Field by field, by hand: pol_round -1 takes ten bytes."""
    inner = b"\x0a\x20" + BLOCK.hash + b"\x12\x24" + b"\x08\x01\x12\x20" + BLOCK.parts.hash
    time = bytes.fromhex("0880f7c4d506")
    assert sum((byte & 0x7F) << 7 * i for i, byte in enumerate(time[1:])) == 1_790_000_000
    expected = (
        bytes.fromhex("0820 1007 1802 20 ffffffffffffffffff01")
        + b"\x2a"
        + bytes([len(inner)])
        + inner
        + b"\x32"
        + bytes([len(time)])
        + time
        + b"\x3a\x40"
        + PROPOSAL.signature
    )
    assert PROPOSAL.encode() == expected


# --- signatures ---


def test_signature_is_of_one_key_chain_and_message() -> None:
    """ED06: whatever changes, the signature holds no longer; address and index are not signed (C40)."""
    assert PRECOMMIT.is_signed_by(KEY.public, CHAIN_ID)
    assert not PRECOMMIT.is_signed_by(OTHER_KEY.public, CHAIN_ID)
    assert not PRECOMMIT.is_signed_by(KEY.public, CHAIN_ID[:-1] + "e")
    for change in (
        {"kind": Kind.PREVOTE},
        {"height": Height(8)},
        {"round": Round(0)},
        {"block_id": NIL_BLOCK_ID},
        {"block_id": OTHER_BLOCK},
        {"time_ns": TimeNs(PRECOMMIT.time_ns + 1)},
        {"signature": Signature(PRECOMMIT.signature[:63])},
    ):
        assert not replace(PRECOMMIT, **change).is_signed_by(KEY.public, CHAIN_ID), change
    moved = replace(PRECOMMIT, index=0, address=Address(bytes(20)))
    assert moved.is_signed_by(KEY.public, CHAIN_ID)


def test_proposal_signature_is_of_one_key_chain_and_message() -> None:
    proposal = make_proposal(pol_round=Round(1))
    assert proposal.is_signed_by(KEY.public, CHAIN_ID)
    assert not proposal.is_signed_by(OTHER_KEY.public, CHAIN_ID)
    assert not proposal.is_signed_by(KEY.public, "other")
    for change in (
        {"height": Height(8)},
        {"round": Round(3)},
        {"pol_round": NO_ROUND},
        {"block_id": OTHER_BLOCK},
        {"time_ns": TimeNs(NOW + 1)},
    ):
        assert not replace(proposal, **change).is_signed_by(KEY.public, CHAIN_ID), change


# --- decoding ---

times = st.integers(GO_ZERO_TIME_NS, MAX_TIME_NS).map(TimeNs)
hashes = st.binary(min_size=32, max_size=32)
complete = st.builds(BlockID, hashes, st.builds(PartSetHeader, st.integers(1, 64), hashes))
signatures = st.binary(min_size=64, max_size=64).map(Signature)


@given(
    st.builds(
        Endorsement,
        kind=st.sampled_from(Kind),
        height=st.integers(1, 2**63 - 1).map(Height),
        round=st.integers(0, 1_000_000).map(Round),
        block_id=complete | st.just(NIL_BLOCK_ID),
        time_ns=times,
        address=st.binary(min_size=20, max_size=20).map(Address),
        index=st.integers(0, 99),
        signature=signatures,
    )
)
def test_endorsements_come_back(endorsement: Endorsement) -> None:
    assert Endorsement.decode(endorsement.encode()) == endorsement


@given(st.data(), st.integers(0, 1_000_000))
def test_proposals_come_back(data: st.DataObject, round_: int) -> None:
    proposal = Proposal(
        height=Height(data.draw(st.integers(1, 2**63 - 1))),
        round=Round(round_),
        pol_round=Round(data.draw(st.integers(-1, round_ - 1))),
        block_id=data.draw(complete),
        time_ns=data.draw(times),
        signature=data.draw(signatures),
    )
    assert Proposal.decode(proposal.encode()) == proposal


@given(mutations(PRECOMMIT.encode()))
def test_endorsement_decoder_gives_a_value_or_our_error(data: bytes) -> None:
    value_or_our_error(Endorsement.decode, data)


@given(mutations(PROPOSAL.encode()))
def test_proposal_decoder_gives_a_value_or_our_error(data: bytes) -> None:
    value_or_our_error(Proposal.decode, data)


@pytest.mark.parametrize(
    "change",
    [
        {"height": 0},
        {"height": -1},
        {"height": -(2**63)},
        {"round": -1},
        {"round": 1_000_001},
        {"round": 2**31 - 1},
        {"index": -1},
        {"index": 100},
        {"index": 2**31 - 1},
        {"address": b""},
        {"address": bytes(19)},
        {"address": bytes(21)},
        {"signature": b""},
        {"signature": bytes(63)},
        {"signature": bytes(65)},
    ],
)
def test_endorsement_edge_values(change: dict[str, Any]) -> None:
    """C47 and ATK07: refused before anybody indexes or signs with them."""
    assert code_of(Endorsement.decode, replace(PRECOMMIT, **change).encode()) == "MV-2013"


@pytest.mark.parametrize("change", [{"round": 2**31}, {"round": 2**63 - 1}, {"index": 2**31}, {"index": 2**63 - 1}])
def test_integers_beyond_their_type_are_malformed(change: dict[str, Any]) -> None:
    assert code_of(Endorsement.decode, replace(PRECOMMIT, **change).encode()) == "MV-1001"


@pytest.mark.parametrize("type_", [0, 3, 32, 2**63])
def test_types_that_are_no_endorsement(type_: int) -> None:
    wrong = replace(PRECOMMIT, kind=type_)  # type: ignore[arg-type]
    assert code_of(Endorsement.decode, wrong.encode()) == "MV-2013"


@pytest.mark.parametrize(
    "change",
    [
        {"height": 0},
        {"height": -1},
        {"round": -1},
        {"round": 1_000_001},
        {"pol_round": -2},
        {"pol_round": 2},
        {"pol_round": 3},
        {"pol_round": 2**31 - 1},
        {"block_id": NIL_BLOCK_ID},
        {"signature": b""},
        {"signature": bytes(65)},
    ],
)
def test_proposal_edge_values(change: dict[str, Any]) -> None:
    """C48, ATK07; a proof-of-lock round must be an earlier one (S10)."""
    assert code_of(Proposal.decode, replace(PROPOSAL, **change).encode()) == "MV-2014"


def test_a_precommit_is_no_proposal() -> None:
    assert code_of(Proposal.decode, PRECOMMIT.encode()) == "MV-2014"
    assert code_of(Endorsement.decode, PROPOSAL.encode()) == "MV-2013"


@pytest.mark.parametrize("total", [65, 2**31, 2**32 - 1])
def test_proposal_of_more_parts_than_a_block_has(total: int) -> None:
    """ATK03: 4 MiB are 64 parts."""
    announce = BlockID(BLOCK.hash, PartSetHeader(total, BLOCK.parts.hash))
    assert code_of(Proposal.decode, make_proposal(block_id=announce).encode()) == "MV-2014"
    most = BlockID(BLOCK.hash, PartSetHeader(64, BLOCK.parts.hash))
    assert Proposal.decode(make_proposal(block_id=most).encode()).block_id == most


@pytest.mark.parametrize(
    "block_id",
    [
        BlockID(b"", BLOCK.parts),
        BlockID(BLOCK.hash, NIL_BLOCK_ID.parts),
        BlockID(BLOCK.hash, PartSetHeader(0, BLOCK.parts.hash)),
        BlockID(BLOCK.hash, PartSetHeader(1, b"")),
        BlockID(BLOCK.hash[:31], BLOCK.parts),
        BlockID(BLOCK.hash + b"x", BLOCK.parts),
        BlockID(b"", PartSetHeader(1, b"")),
    ],
)
def test_block_ids_are_nil_or_complete(block_id: BlockID) -> None:
    assert not block_id.is_nil
    assert not block_id.is_complete
    assert code_of(Endorsement.decode, replace(PRECOMMIT, block_id=block_id).encode()) == "MV-1001"


def test_nothing_hides_behind_an_embedded_message() -> None:
    """C15: with all lengths right, an unknown field is refused at every depth."""
    hash_, parts, hidden = bytes_field(1, BLOCK.hash), BLOCK.parts.encode(), b"\x98\x01\x01"
    assert BlockID.decode(hash_ + message_field(2, parts)) == BLOCK
    assert code_of(BlockID.decode, hash_ + message_field(2, parts + hidden)) == "MV-1001"
    assert code_of(BlockID.decode, hash_ + message_field(2, parts) + hidden) == "MV-1001"
    assert code_of(BlockID.decode, hash_) == "MV-1001"


def test_bounds_hold_before_decoding() -> None:
    """ATK20: size alone refuses; the largest honest messages stay far below."""
    assert code_of(Endorsement.decode, bytes(513)) == "MV-1002"
    assert code_of(Proposal.decode, bytes(513)) == "MV-1002"
    largest = replace(
        PRECOMMIT,
        height=Height(2**63 - 1),
        round=Round(1_000_000),
        index=99,
        block_id=BlockID(BLOCK.hash, PartSetHeader(2**32 - 1, BLOCK.parts.hash)),
        time_ns=TimeNs(GO_ZERO_TIME_NS + 999_999_999),
    )
    assert len(largest.encode()) <= 256
    assert Endorsement.decode(largest.encode()) == largest


def test_every_field_changes_the_encoding() -> None:
    """ATK14, for the wire form as well."""
    changes: list[dict[str, Any]] = [
        {},
        {"kind": Kind.PREVOTE},
        {"height": Height(8)},
        {"round": Round(0)},
        {"block_id": NIL_BLOCK_ID},
        {"time_ns": TimeNs(0)},
        {"address": Address(bytes(20))},
        {"index": 4},
        {"signature": Signature(bytes(64))},
    ]
    encodings = sorted(replace(PRECOMMIT, **change).encode() for change in changes)
    assert all(a != b for a, b in pairwise(encodings))
