"""Headers, commits and blocks against CometBFT's vectors and recorded blocks; strict, bounded decoding."""

import base64
import json
from collections.abc import Callable
from dataclasses import fields, replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import merkle
from mvchain.core.hashing import EMPTY_HASH
from mvchain.core.proto import message_field, varint_field
from mvchain.core.timestamps import GO_ZERO_TIME_NS, parse_rfc3339
from mvchain.core.types import Address, Height, PublicKey, Round, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.blocks import (
    ABSENT_SIG,
    EMPTY_COMMIT,
    Block,
    Commit,
    CommitSig,
    Flag,
    Header,
    TxResult,
    block_id_of,
    consensus_hash,
    data_hash,
    evidence_hash,
    median_time,
    part_set_header,
    results_hash,
    validate_header_basic,
)
from mvchain.ledger.commits import verify_commit_full, verify_commit_light
from mvchain.ledger.evidence import build_evidence
from mvchain.ledger.validators import Validator, ValidatorSet
from tests.core.helpers import slow_root
from tests.ledger.chain_helpers import (
    BLOCK,
    NOW,
    OTHER_BLOCK,
    SECOND,
    code_of,
    endorse,
    make_commit,
    make_keys,
    make_set,
    mutations,
    value_or_our_error,
)

KEYS = make_keys(4)
SET = make_set(KEYS)
COMMIT = make_commit(KEYS, "cnca")
EVIDENCE = build_evidence(endorse(KEYS[0], 0, BLOCK), endorse(KEYS[0], 0, OTHER_BLOCK), SET, NOW)
HEADER = Header(
    version_app=1,
    chain_id="mvtest-00",
    height=Height(8),
    time_ns=TimeNs(NOW + 123),
    last_block_id=BLOCK,
    last_commit_hash=b"\x01" * 32,
    data_hash=b"\x02" * 32,
    validators_hash=b"\x03" * 32,
    next_validators_hash=b"\x04" * 32,
    consensus_hash=b"\x05" * 32,
    app_hash=b"\x06" * 32,
    last_results_hash=b"\x07" * 32,
    evidence_hash=b"\x08" * 32,
    proposer_address=Address(b"\x09" * 20),
)
FULL = Block(HEADER, (b"one", b"", b"three" * 30), (EVIDENCE,), COMMIT)


# --- reading the vectors ---


def read(shared_dir: Path, name: str) -> Any:
    return json.loads((shared_dir / "vectors/cometbft" / name).read_text())


def header_from_vector(item: dict[str, Any]) -> Header:
    hash_, (total, parts_hash) = item["last_block_id"]
    raw = {name: bytes.fromhex(item[name]) for name in item if name.endswith("_hash") or name == "proposer_address"}
    return Header(
        version_block=item["vb"],
        version_app=item["va"],
        chain_id=item["chain_id"],
        height=item["height"],
        time_ns=TimeNs(item["time"][0] * SECOND + item["time"][1]),
        last_block_id=BlockID(bytes.fromhex(hash_), PartSetHeader(total, bytes.fromhex(parts_hash))),
        **raw,
    )


def block_id_from_rpc(item: dict[str, Any]) -> BlockID:
    parts = item["parts"]
    return BlockID(bytes.fromhex(item["hash"]), PartSetHeader(int(parts["total"]), bytes.fromhex(parts["hash"])))


def header_from_rpc(item: dict[str, Any]) -> Header:
    raw = {name: bytes.fromhex(item[name]) for name in item if name.endswith("_hash") or name == "proposer_address"}
    return Header(
        version_block=int(item["version"]["block"]),
        version_app=int(item["version"]["app"]),
        chain_id=item["chain_id"],
        height=Height(int(item["height"])),
        time_ns=parse_rfc3339(item["time"], "a recorded time"),
        last_block_id=block_id_from_rpc(item["last_block_id"]),
        **raw,
    )


def commit_from_rpc(item: dict[str, Any]) -> Commit:
    entries = tuple(
        CommitSig(
            Flag(entry["block_id_flag"]),
            bytes.fromhex(entry["validator_address"]),
            parse_rfc3339(entry["timestamp"], "a recorded time"),
            base64.b64decode(entry["signature"] or ""),
        )
        for entry in item["signatures"]
    )
    return Commit(Height(int(item["height"])), Round(item["round"]), block_id_from_rpc(item["block_id"]), entries)


def block_from_rpc(item: dict[str, Any]) -> Block:
    assert item["evidence"]["evidence"] == []
    txs = tuple(base64.b64decode(tx) for tx in item["data"]["txs"])
    return Block(header_from_rpc(item["header"]), txs, (), commit_from_rpc(item["last_commit"]))


@pytest.fixture(scope="module")
def responses(shared_dir: Path) -> dict[str, Any]:
    recorded = read(shared_dir, "rpc_v0_38_kvstore.json")["responses"]
    return {name: answer.get("result") for name, answer in recorded.items()}


@pytest.fixture(scope="module")
def recorded_blocks(responses: dict[str, Any]) -> list[tuple[Block, BlockID]]:
    items = [responses[name] for name in ("block_at_height_1", "block_at_height_10", "block_by_hash")]
    items += responses["block_search"]["blocks"]
    items.append(responses["subscribe_newblock_0"]["data"]["value"])
    assert len(items) == 49
    return [(block_from_rpc(item["block"]), block_id_from_rpc(item["block_id"])) for item in items]


# --- CometBFT's bytes ---


def test_header_leaves_and_hash_are_cometbfts(shared_dir: Path) -> None:
    cases = read(shared_dir, "header_hash.json")["vectors"]
    assert len(cases) == 2
    for case in cases:
        header = header_from_vector(case["header"])
        assert [leaf.hex() for leaf in header.leaves()] == case["leaves_derived"], case["source"]
        assert header.hash().hex() == case["hash"], case["source"]
        assert Header.decode(header.encode()) == header


def test_recorded_blocks(recorded_blocks: list[tuple[Block, BlockID]]) -> None:
    """README point 1: header hash, part set, commit hash and data hash of 49 real blocks."""
    for block, block_id in recorded_blocks:
        encoded = block.encode()
        assert block_id_of(block.header, encoded) == block_id
        assert block.last_commit.hash() == block.header.last_commit_hash
        assert data_hash([sha256(tx).digest() for tx in block.txs]) == block.header.data_hash
        assert evidence_hash(block.evidence) == block.header.evidence_hash
        assert results_hash(()) == block.header.last_results_hash
        assert Block.decode(encoded) == block
        validate_header_basic(block.header)


def test_recorded_initial_block_is_that_of_c61(recorded_blocks: list[tuple[Block, BlockID]]) -> None:
    block, block_id = recorded_blocks[0]
    encoded = block.encode()
    assert block.last_commit == EMPTY_COMMIT
    assert len(encoded) == 322
    assert encoded[:3].hex() == "0ab502"
    assert encoded[-10:].hex() == "12001a0022041a021200"
    assert block_id.parts.hash.hex() == "f021777213f7ef77494c9b5c11d246a6f532da146d205422d1fb85600f6b479c"
    assert block.header.last_block_id == NIL_BLOCK_ID


def test_recorded_metas(responses: dict[str, Any], recorded_blocks: list[tuple[Block, BlockID]]) -> None:
    """README point 2: header hashes and sizes."""
    sizes = {block_id: len(block.encode()) for block, block_id in recorded_blocks}
    metas = responses["blockchain_from_1_to_10"]["block_metas"]
    assert len(metas) == 10
    for meta in metas:
        block_id = block_id_from_rpc(meta["block_id"])
        assert header_from_rpc(meta["header"]).hash() == block_id.hash
        assert sizes[block_id] == int(meta["block_size"])


def recorded_set(responses: dict[str, Any]) -> ValidatorSet:
    key = base64.b64decode(responses["status"]["validator_info"]["pub_key"]["value"])
    return ValidatorSet((Validator(PublicKey(key)),))


def test_recorded_commit_verifies(responses: dict[str, Any]) -> None:
    """README point 3."""
    signed = responses["commit_at_height_10"]["signed_header"]
    header, commit = header_from_rpc(signed["header"]), commit_from_rpc(signed["commit"])
    block_id = BlockID(header.hash(), commit.block_id.parts)
    validators = recorded_set(responses)
    for verify in (verify_commit_full, verify_commit_light):
        verify(commit, "dockerchain", validators, Height(10), block_id)
        assert code_of(verify, commit, "dockerchair", validators, Height(10), block_id) == "MV-2024"
    assert Commit.decode(commit.encode()) == commit


def test_recorded_times_are_the_median(responses: dict[str, Any], recorded_blocks: list[tuple[Block, BlockID]]) -> None:
    validators = recorded_set(responses)
    for block, _ in recorded_blocks:
        if block.last_commit != EMPTY_COMMIT:
            assert median_time(block.last_commit, validators) == block.header.time_ns


def test_recorded_set_and_parameters(responses: dict[str, Any], recorded_blocks: list[tuple[Block, BlockID]]) -> None:
    """README point 4."""
    header = recorded_blocks[0][0].header
    genesis = responses["genesis"]["genesis"]
    validators = ValidatorSet(
        tuple(
            Validator(PublicKey(base64.b64decode(item["pub_key"]["value"])), int(item["power"]))
            for item in genesis["validators"]
        )
    )
    params = responses["consensus_params"]["consensus_params"]["block"]
    assert validators.hash == header.validators_hash == header.next_validators_hash
    assert consensus_hash(int(params["max_bytes"]), int(params["max_gas"])) == header.consensus_hash


def test_recorded_transaction_proofs(responses: dict[str, Any]) -> None:
    """README point 5, C62 to C64."""
    found = responses["tx_search_with_prove"]["txs"]
    assert len(found) == 9
    for item in found:
        proof, root = item["proof"]["proof"], bytes.fromhex(item["proof"]["root_hash"])
        tx_hash = sha256(base64.b64decode(item["tx"])).digest()
        assert tx_hash.hex().upper() == item["hash"]
        assert data_hash([tx_hash]) == root
        assert base64.b64decode(proof["leaf_hash"]) == merkle.leaf_hash(tx_hash)
        leaf = base64.b64decode(proof["leaf_hash"])
        shown = merkle.Proof(int(proof["total"]), int(proof["index"]), leaf, ())
        assert merkle.verify_inclusion(shown, root, tx_hash)


def test_wire_vectors(shared_dir: Path) -> None:
    """The recorded block lacks the commit that every valid block has (C57): it is refused without one."""
    cases = read(shared_dir, "wire.json")
    empty = dict.fromkeys((f.name for f in fields(Header)), b"")
    header = Header(
        **{
            **empty,
            "version_app": 0,
            "version_block": 11,
            "chain_id": "",
            "height": Height(3),
            "time_ns": GO_ZERO_TIME_NS,
            "last_block_id": NIL_BLOCK_ID,
            "data_hash": bytes.fromhex(cases[2]["data_hash"]),
            "evidence_hash": EMPTY_HASH,
        }
    )
    block = Block(header, (b"Hello World",), (), EMPTY_COMMIT)
    commit = bytes.fromhex("22041a021200")
    assert block.encode().hex() == cases[2]["block_pb_derived"] + commit.hex()
    assert message_field(3, message_field(1, block.encode()[: -len(commit)])).hex() == cases[2]["hex"]
    assert Block.decode(block.encode()) == block
    assert code_of(Block.decode, bytes.fromhex(cases[2]["block_pb_derived"])) == "MV-1001"
    assert data_hash([sha256(b"Hello World").digest()]).hex() == cases[2]["data_hash"]
    assert ABSENT_SIG.encode().hex() == cases[3]["hex"]
    assert NIL_BLOCK_ID.encode().hex() == cases[4]["hex"]
    assert consensus_hash(22020096, -1).hex() == cases[5]["hex"]


# --- headers ---

OTHER_VALUES: dict[str, list[Any]] = {
    "version_app": [0, 2, 2**64 - 1],
    "version_block": [10, 12],
    "chain_id": ["mvtest-01", "mvtest-0", "x"],
    "height": [7, 9, 0, -1, 2**63 - 1],
    "time_ns": [NOW + 122, NOW + 124, NOW + 123 + SECOND, GO_ZERO_TIME_NS, 0],
    "last_block_id": [
        OTHER_BLOCK,
        NIL_BLOCK_ID,
        BlockID(BLOCK.hash, OTHER_BLOCK.parts),
        BlockID(BLOCK.hash, PartSetHeader(2, BLOCK.parts.hash)),
    ],
}


def test_every_header_field_changes_hash_and_bytes() -> None:
    """ATK14."""
    hashes, encodings = [HEADER.hash()], [HEADER.encode()]
    for field in fields(Header):
        value = getattr(HEADER, field.name)
        for other in OTHER_VALUES.get(field.name) or [b"", value[:-1], value[:-1] + b"x", b"x" + value[1:]]:
            changed = replace(HEADER, **{field.name: other})
            hashes.append(changed.hash())
            encodings.append(changed.encode())
    assert len(set(hashes)) == len(set(encodings)) == len(hashes) > 50


def test_swapped_hashes_change_the_hash() -> None:
    names = [field.name for field in fields(Header) if field.name.endswith("_hash")]
    assert len(names) == 8
    for a, b in pairwise(names):
        swapped = replace(HEADER, **{a: getattr(HEADER, b), b: getattr(HEADER, a)})
        assert swapped.hash() != HEADER.hash()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version_block", 10),
        ("version_block", 2**64 - 1),
        ("chain_id", ""),
        ("chain_id", "x" * 51),
        ("chain_id", "with space"),
        ("chain_id", "한국"),
        ("height", 0),
        ("height", -1),
        ("height", -(2**63)),
        ("last_commit_hash", b""),
        ("data_hash", bytes(31)),
        ("validators_hash", b""),
        ("next_validators_hash", bytes(33)),
        ("consensus_hash", b""),
        ("last_results_hash", bytes(20)),
        ("evidence_hash", b""),
        ("app_hash", b""),
        ("proposer_address", b""),
        ("proposer_address", bytes(19)),
        ("proposer_address", bytes(32)),
    ],
)
def test_header_basic_check(field: str, value: Any) -> None:
    changed = replace(HEADER, **{field: value})
    assert code_of(validate_header_basic, changed) == "MV-2010"
    assert code_of(validate_header_basic, Header.decode(changed.encode())) == "MV-2010"


def test_header_basic_check_passes() -> None:
    for header in (HEADER, replace(HEADER, chain_id="A-z_0.9" * 7), replace(HEADER, app_hash=b"\x00")):
        validate_header_basic(header)
        assert Header.decode(header.encode()) == header


hashes = st.binary(max_size=32)
block_ids = st.just(NIL_BLOCK_ID) | st.builds(
    BlockID,
    st.binary(min_size=32, max_size=32),
    st.builds(PartSetHeader, st.integers(1, 2**32 - 1), st.binary(min_size=32, max_size=32)),
)


@given(
    st.builds(
        Header,
        version_app=st.integers(0, 2**64 - 1),
        chain_id=st.text(max_size=20),
        height=st.integers(-(2**63), 2**63 - 1).map(Height),
        time_ns=st.integers(GO_ZERO_TIME_NS, 253_402_300_799 * SECOND).map(TimeNs),
        last_block_id=block_ids,
        last_commit_hash=hashes,
        data_hash=hashes,
        validators_hash=hashes,
        next_validators_hash=hashes,
        consensus_hash=hashes,
        app_hash=hashes,
        last_results_hash=hashes,
        evidence_hash=hashes,
        proposer_address=st.binary(max_size=20).map(Address),
        version_block=st.integers(0, 2**64 - 1),
    )
)
def test_headers_come_back(header: Header) -> None:
    assert Header.decode(header.encode()) == header


def test_nothing_hides_behind_embedded_messages() -> None:
    """C15: with all lengths right, an unknown field is refused at every depth."""
    hidden, version = b"\x98\x01\x01", varint_field(1, 11) + varint_field(2, 1)
    rest = HEADER.encode().removeprefix(message_field(1, version))
    assert Header.decode(message_field(1, version) + rest) == HEADER
    assert code_of(Header.decode, message_field(1, version + hidden) + rest) == "MV-1001"
    assert code_of(Header.decode, HEADER.encode() + hidden) == "MV-1001"
    entry = message_field(4, COMMIT.signatures[0].encode() + hidden)
    assert code_of(Commit.decode, replace(COMMIT, signatures=()).encode() + entry) == "MV-1001"
    assert code_of(Commit.decode, COMMIT.encode() + hidden) == "MV-1001"
    assert code_of(Block.decode, around(hidden)) == code_of(Block.decode, around(b"", hidden)) == "MV-1001"
    assert code_of(Block.decode, FULL.encode() + hidden) == "MV-1001"


# --- commits ---


def test_commit_entries_as_bytes() -> None:
    """C49, by hand: flag, address, time, signature."""
    entry = CommitSig(Flag.NIL, b"a" * 20, TimeNs(0), b"s" * 64)
    assert entry.encode() == b"\x08\x03\x12\x14" + b"a" * 20 + b"\x1a\x00\x22\x40" + b"s" * 64


def test_commit_hash_is_over_the_entries_alone() -> None:
    leaves = [sha256(b"\x00" + entry.encode()).digest() for entry in COMMIT.signatures]
    assert COMMIT.hash() == slow_root(leaves)
    assert replace(COMMIT, height=Height(1), round=Round(9), block_id=OTHER_BLOCK).hash() == COMMIT.hash()
    assert EMPTY_COMMIT.hash() == EMPTY_HASH
    assert EMPTY_COMMIT.encode().hex() == "1a021200"


def with_entry(index: int, **changes: Any) -> Commit:
    entries = list(COMMIT.signatures)
    entries[index] = replace(entries[index], **changes)
    return replace(COMMIT, signatures=tuple(entries))


def test_every_field_of_an_entry_changes_the_commit_hash() -> None:
    """ATK14."""
    variants = [COMMIT]
    for index in range(3):
        entry = COMMIT.signatures[index]
        other_flag = Flag.NIL if entry.flag == Flag.COMMIT else Flag.COMMIT
        variants += [
            with_entry(index, flag=other_flag),
            with_entry(index, address=b"x" * 20),
            with_entry(index, time_ns=TimeNs(entry.time_ns + 1)),
            with_entry(index, signature=entry.signature[:-1] + b"x"),
        ]
    variants.append(replace(COMMIT, signatures=COMMIT.signatures[:3]))
    variants.append(replace(COMMIT, signatures=COMMIT.signatures[::-1]))
    assert len({commit.hash() for commit in variants}) == len(variants)


@pytest.mark.parametrize(
    "commit",
    [
        replace(COMMIT, height=Height(0)),
        replace(COMMIT, height=Height(-1)),
        replace(COMMIT, height=Height(-(2**63))),
        replace(COMMIT, round=Round(-1)),
        replace(COMMIT, round=Round(1_000_001)),
        replace(COMMIT, block_id=NIL_BLOCK_ID),
        replace(COMMIT, signatures=()),
        replace(EMPTY_COMMIT, round=Round(1)),
        replace(EMPTY_COMMIT, block_id=BLOCK),
        replace(EMPTY_COMMIT, signatures=(ABSENT_SIG,)),
    ],
)
def test_commit_basic_check(commit: Commit) -> None:
    """C52, C54, ATK07."""
    assert code_of(Commit.decode, commit.encode()) == "MV-2011"


@pytest.mark.parametrize(
    "commit",
    [
        with_entry(0, flag=0),
        with_entry(0, flag=4),
        with_entry(0, flag=2**63),
        with_entry(0, flag=Flag.ABSENT),
        with_entry(0, address=b""),
        with_entry(0, address=bytes(19)),
        with_entry(0, address=bytes(21)),
        with_entry(0, signature=b""),
        with_entry(0, signature=bytes(63)),
        with_entry(0, signature=bytes(65)),
        with_entry(1, signature=b""),
        with_entry(3, address=bytes(20)),
        with_entry(3, time_ns=NOW),
        with_entry(3, signature=bytes(64)),
    ],
)
def test_commit_entries_keep_to_the_table_of_c49(commit: Commit) -> None:
    assert code_of(Commit.decode, commit.encode()) == "MV-2012"


def test_commit_round_beyond_its_type() -> None:
    for round_ in (2**31, 2**63 - 1):
        assert code_of(Commit.decode, replace(COMMIT, round=Round(round_)).encode()) == "MV-1001"


def test_commit_bounds() -> None:
    """ATK16: a hundred entries and no more; size first."""
    entry = COMMIT.signatures[0]
    most = replace(COMMIT, signatures=(entry,) * 100)
    assert Commit.decode(most.encode()) == most
    assert code_of(Commit.decode, replace(COMMIT, signatures=(entry,) * 101).encode()) == "MV-1001"
    assert code_of(Commit.decode, bytes(24 * 1024 + 1)) == "MV-1002"


@given(mutations(COMMIT.encode()))
def test_commit_decoder_gives_a_value_or_our_error(data: bytes) -> None:
    value_or_our_error(Commit.decode, data)


@given(mutations(HEADER.encode()))
def test_header_decoder_gives_a_value_or_our_error(data: bytes) -> None:
    value_or_our_error(Header.decode, data)


# --- blocks ---


def test_blocks_come_back() -> None:
    for block in (FULL, replace(FULL, txs=()), replace(FULL, evidence=(), last_commit=EMPTY_COMMIT)):
        assert Block.decode(block.encode()) == block


@given(mutations(FULL.encode()))
def test_block_decoder_gives_a_value_or_our_error(data: bytes) -> None:
    value_or_our_error(Block.decode, data)


def around(txs: bytes = b"", evidence: bytes = b"") -> bytes:
    """A block with this data and evidence list."""
    return (
        message_field(1, HEADER.encode())
        + message_field(2, txs)
        + message_field(3, evidence)
        + message_field(4, COMMIT.encode())
    )


def test_block_bounds() -> None:
    """ATK03, ATK16, ATK20: bytes, number of transactions, their size, number of pieces of evidence."""
    empty_tx, wrapped = message_field(1, b""), message_field(1, message_field(1, EVIDENCE.encode()))
    assert len(Block.decode(around(empty_tx * 5000)).txs) == 5000
    assert len(Block.decode(around(b"", wrapped * 50)).evidence) == 50
    assert len(Block.decode(around(message_field(1, bytes(65536)))).txs[0]) == 65536
    assert code_of(Block.decode, bytes(4 * 1024 * 1024 + 1)) == "MV-1002"
    assert code_of(Block.decode, around(empty_tx * 5001)) == "MV-1001"
    assert code_of(Block.decode, around(b"", wrapped * 51)) == "MV-1001"
    assert code_of(Block.decode, around(message_field(1, bytes(65537)))) == "MV-1002"
    huge = message_field(1, message_field(1, EVIDENCE.encode() + bytes(1024)))
    assert code_of(Block.decode, around(b"", huge)) == "MV-1002"


def test_evidence_of_another_kind_is_refused() -> None:
    """C68: the oneof's second case, LightClientAttackEvidence, is not made here."""
    other = message_field(1, message_field(2, EVIDENCE.encode()))
    both = message_field(1, message_field(1, EVIDENCE.encode()) * 2)
    assert code_of(Block.decode, around(b"", other)) == "MV-1001"
    assert code_of(Block.decode, around(b"", both)) == "MV-1001"


@pytest.mark.parametrize("size", [1, 65535, 65536, 65537, 131072, 131073, 200_000])
def test_part_sets_of_several_parts(size: int) -> None:
    """C58, by the recursive definition."""
    data = bytes(i % 251 for i in range(size))
    parts = [data[at : at + 65536] for at in range(0, size, 65536)]
    found = part_set_header(data)
    assert found.total == len(parts) == (size - 1) // 65536 + 1
    assert found.hash == slow_root([sha256(b"\x00" + part).digest() for part in parts])


def test_evidence_hash_is_over_the_unwrapped_message() -> None:
    """C65."""
    assert evidence_hash((EVIDENCE,)) == sha256(b"\x00" + EVIDENCE.encode()).digest()
    assert evidence_hash(()) == EMPTY_HASH


# --- results ---


def test_results_hash() -> None:
    """C70: its example, the empty result, and none at all."""
    example = TxResult(code=5, data=b"\x0a\x0b", gas_wanted=10, gas_used=7)
    nothing = TxResult(code=0, data=b"", gas_wanted=0, gas_used=0)
    assert example.encode().hex() == "080512020a0b280a3007"
    assert nothing.encode() == b""
    assert results_hash(()) == EMPTY_HASH
    assert results_hash((nothing,)).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    leaves = [sha256(b"\x00" + result.encode()).digest() for result in (example, nothing, example)]
    assert results_hash((example, nothing, example)) == slow_root(leaves)


@given(st.lists(st.builds(TxResult, *[st.integers(0, 9), st.binary(max_size=3)], st.just(1), st.just(1))))
def test_results_hash_changes_with_every_field(results: list[TxResult]) -> None:
    """ATK14."""
    changes: list[Callable[[TxResult], TxResult]] = [
        lambda r: replace(r, code=r.code + 1),
        lambda r: replace(r, data=r.data + b"x"),
        lambda r: replace(r, gas_wanted=2),
        lambda r: replace(r, gas_used=2),
    ]
    before = results_hash(results)
    for index, result in enumerate(results):
        for change in changes:
            assert results_hash([*results[:index], change(result), *results[index + 1 :]]) != before


def test_consensus_hash_preimage() -> None:
    """C69."""
    preimage = varint_field(1, 4 * 1024 * 1024) + varint_field(2, 5000)
    assert preimage.hex() == "08808080021088" + "27"
    assert consensus_hash(4 * 1024 * 1024, 5000) == sha256(preimage).digest()


# --- time ---


def timed_commit(*entries: tuple[str, int]) -> tuple[Commit, ValidatorSet]:
    """A commit with the given marks and times in seconds, unsigned: the median trusts a verified one."""
    flags = {"c": Flag.COMMIT, "n": Flag.NIL}
    keys = make_keys(len(entries))
    signatures = tuple(
        ABSENT_SIG if mark == "a" else CommitSig(flags[mark], b"a" * 20, TimeNs(time), b"s" * 64)
        for mark, time in entries
    )
    return Commit(Height(7), Round(0), BLOCK, signatures), make_set(keys)


@pytest.mark.parametrize(
    ("times", "median"),
    [
        ([5], 5),
        ([9, 1], 1),
        ([3, 1, 2], 2),
        ([4, 3, 2, 1], 2),
        ([1, 1, 1, 10**9], 1),
        ([7, 100, 6, -100, 8], 7),
    ],
)
def test_median_is_the_lower_true_one(times: list[int], median: int) -> None:
    """C76: with equal power, the sorted time number (k - 1) // 2."""
    assert sorted(times)[(len(times) - 1) // 2] == median
    assert median_time(*timed_commit(*(("c", time) for time in times))) == median


def test_median_ignores_nil_and_absent_entries() -> None:
    """ledger L12, ATK18: only precommits for the block count, whatever the nil ones say."""
    nil_heavy = timed_commit(("c", 10), ("n", 99), ("c", 11), ("n", 98), ("c", 12), ("a", 0), ("n", 97))
    assert median_time(*nil_heavy) == 11


@given(st.lists(st.integers(0, 100), min_size=4, max_size=13), st.data())
def test_less_than_a_third_of_bad_clocks_cannot_bend_time(honest: list[int], data: st.DataObject) -> None:
    """S18: with at most f of 3f+1 entries wrong the median lies between honest times."""
    f = (len(honest) - 1) // 3
    bad = data.draw(st.lists(st.integers(-(10**6), 10**6), min_size=f, max_size=f))
    times = honest[f:]
    found = median_time(*timed_commit(*(("c", time) for time in data.draw(st.permutations(times + bad)))))
    assert min(times) <= found <= max(times)


def test_weighted_median() -> None:
    """C75 by hand: powers 50, 20, 10; the half of 80 lies within the first."""
    keys = make_keys(3)
    commit, _ = timed_commit(("c", 3), ("c", 1), ("c", 2))
    validators = make_set(keys, [50, 20, 10])
    assert [validator.power for validator in validators] == [50, 20, 10]
    assert median_time(commit, validators) == 3
