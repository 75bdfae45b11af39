"""Trees, headers, sign bytes and sets as CometBFT has them, against the vectors of others (C16 to C40)."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvchain.core.errors import BadProof
from mvchain.core.merkle import Proof, prove, root_from, verify_consistency
from mvchain.core.timestamps import GO_ZERO_TIME_NS, MAX_TIME_NS, encode_timestamp, format_rfc3339, parse_rfc3339
from mvchain.core.types import TimeNs
from mvchain.ledger.block_id import BlockID, PartSetHeader
from mvchain.ledger.blocks import BLOCK_VERSION
from tests.page.node import ask_page

SECOND = 1_000_000_000


def vectors(shared_dir: Path, name: str) -> Any:
    return json.loads((shared_dir / "vectors" / name).read_text())


def test_roots(shared_dir: Path) -> None:
    found = vectors(shared_dir, "cometbft/merkle.json")
    rfc = vectors(shared_dir, "rfc6962/rfc6962_roots.json")
    leaves = [bytes.fromhex(leaf) for leaf in rfc["leaf_inputs_hex"]]
    cases = [([bytes.fromhex(leaf) for leaf in one["leaves"]], one["root"]) for one in found["roots"]]
    cases += [(leaves[:size], root) for size, root in enumerate(rfc["root_hash_hex_by_tree_size"])]
    inner = [(bytes.fromhex(one["left"]), bytes.fromhex(one["right"])) for one in found["inner"]]
    roots = ask_page(
        [{"do": "root", "items": items} for items, _ in cases]
        + [{"do": "inner", "left": left, "right": right} for left, right in inner]
    )
    assert [root.hex() for root in roots] == [*(root for _, root in cases), *(one["hash"] for one in found["inner"])]


def test_inclusion(shared_dir: Path) -> None:
    cases = vectors(shared_dir, "rfc6962/inclusion.json")
    asked = [
        {
            "do": "root above",
            "leaf": b64decode(case["leafHash"] or ""),
            "path": {
                "index": case["leafIdx"],
                "total": case["treeSize"],
                "aunts": [b64decode(aunt) for aunt in case["proof"] or ()],
            },
        }
        for case in cases
    ]
    verdicts = [root == b64decode(case["root"] or "") for root, case in zip(ask_page(asked), cases, strict=True)]
    assert verdicts == [not case["wantErr"] for case in cases]
    assert (len(cases), verdicts.count(True)) == (98, 6)


def test_consistency(shared_dir: Path) -> None:
    cases = vectors(shared_dir, "rfc6962/consistency.json")
    asked = [
        {
            "do": "consistency",
            "sizes": [case["size1"], case["size2"]],
            "roots": [b64decode(case["root1"] or ""), b64decode(case["root2"] or "")],
            "proof": [b64decode(node) for node in case["proof"] or ()],
        }
        for case in cases
    ]
    verdicts = ask_page(asked)
    assert verdicts == [not case["wantErr"] for case in cases]
    assert (len(cases), verdicts.count(True)) == (98, 6)


def test_every_path_of_small_trees_and_lies_about_it() -> None:
    """Paths of all leaves of trees up to 17, with all indices and totals up to 18 said instead: as Python finds."""
    proofs = [prove([b"%d" % n for n in range(size)], index) for size in range(1, 18) for index in range(size)]
    lies = [
        Proof(total, index, proof.leaf_hash, proof.aunts)
        for proof in proofs[::5]
        for total in range(1, 19)
        for index in range(total + 1)
    ]
    asked = [
        {
            "do": "root above",
            "leaf": one.leaf_hash,
            "path": {"index": one.index, "total": one.total, "aunts": list(one.aunts)},
        }
        for one in [*proofs, *lies]
    ]
    assert ask_page(asked) == [root_from(one) for one in [*proofs, *lies]]


def test_sizes_beyond_31_bits() -> None:
    """The other side of 2^31, where operators on 32 bits would wrap; a tree of 2^32 leaves has paths of 32 aunts."""
    size, aunts = 2**32, [bytes([n]) * 32 for n in range(32)]
    indices = [0, 1, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1, 2**32]
    asked = [
        {"do": "root above", "leaf": bytes(32), "path": {"index": index, "total": size, "aunts": aunts}}
        for index in indices
    ]
    wanted = [root_from(Proof(size, index, bytes(32), tuple(aunts))) for index in indices]
    assert wanted[-1] is None
    assert None not in wanted[:-1]
    assert ask_page(asked) == wanted
    sizes = (2**31 + 2**30, 2**32 - 1)
    shown = {"do": "consistency", "sizes": sizes, "roots": [bytes(32)] * 2, "proof": aunts[:4]}
    assert ask_page([shown]) == [verify_consistency(*sizes, bytes(32), bytes(32), aunts[:4])]


def page_header(header: dict[str, Any]) -> dict[str, Any]:
    """A header of the vectors as the page has it."""
    block_hash, (total, parts_hash) = header["last_block_id"]
    names = {
        "lastCommitHash": "last_commit_hash",
        "dataHash": "data_hash",
        "validatorsHash": "validators_hash",
        "nextValidatorsHash": "next_validators_hash",
        "consensusHash": "consensus_hash",
        "appHash": "app_hash",
        "lastResultsHash": "last_results_hash",
        "evidenceHash": "evidence_hash",
        "proposer": "proposer_address",
    }
    return {
        "appVersion": header["va"],
        "chainId": header["chain_id"],
        "height": header["height"],
        "timeNs": str(header["time"][0] * SECOND + header["time"][1]),
        "lastBlockId": {
            "hash": bytes.fromhex(block_hash),
            "parts": {"total": total, "hash": bytes.fromhex(parts_hash)},
        },
        **{name: bytes.fromhex(header[theirs]) for name, theirs in names.items()},
    }


def test_header_hashes(shared_dir: Path) -> None:
    """The block protocol is a constant of the page; where a vector has another, only the first leaf differs."""
    cases = vectors(shared_dir, "cometbft/header_hash.json")["vectors"]
    found = ask_page([{"do": "hash header", "header": page_header(case["header"])} for case in cases])
    assert len(cases) == 2
    for case, one in zip(cases, found, strict=True):
        leaves = [leaf.hex() for leaf in one["leaves"]]
        assert leaves[1:] == case["leaves_derived"][1:]
        if case["header"]["vb"] == BLOCK_VERSION:
            assert leaves == case["leaves_derived"]
            assert one["hash"].hex() == case["hash"]
    assert any(case["header"]["vb"] == BLOCK_VERSION for case in cases)


def test_sign_bytes(shared_dir: Path) -> None:
    cases = vectors(shared_dir, "cometbft/sign_bytes.json")["votes"]
    asked = []
    for case in cases:
        block_hash, (total, parts_hash) = case["block_id"]
        asked.append(
            {
                "do": "sign bytes",
                "kind": case["type"],
                "height": case["height"],
                "round": case["round"],
                "blockId": {
                    "hash": bytes.fromhex(block_hash),
                    "parts": {"total": total, "hash": bytes.fromhex(parts_hash)},
                },
                "timeNs": str(case["timestamp"][0] * SECOND + case["timestamp"][1]),
                "chainId": case["chain_id"],
            }
        )
    assert len(cases) == 8
    assert [found.hex() for found in ask_page(asked)] == [case["sign_bytes"] for case in cases]


def test_validator_sets(shared_dir: Path) -> None:
    """Those of the vectors in which every validator has power 10, as on this chain."""
    found = vectors(shared_dir, "cometbft/validator_set.json")
    sets = [one for one in found["sets"] if all(validator["power"] == 10 for validator in one["validators"])]
    keyed = [one for one in found["addresses"] if one["type"] == "ed25519"]
    assert len(sets) == 2
    assert keyed
    asked = [[bytes.fromhex(validator["ed25519"]) for validator in one["validators"]] for one in sets]
    asked += [[bytes.fromhex(one["pubkey"])] for one in keyed]
    answers = ask_page([{"do": "validator set", "keys": keys} for keys in asked])
    assert [one["hash"].hex() for one in answers[:2]] == [one["hash"] for one in sets]
    assert [one["addresses"][0].hex() for one in answers[2:]] == [one["address"] for one in keyed]


TIMES = [
    GO_ZERO_TIME_NS,
    GO_ZERO_TIME_NS + 1,
    -1,
    0,
    1,
    SECOND - 1,
    SECOND,
    951_782_400 * SECOND,
    1_772_982_000_123_400_000,
    MAX_TIME_NS,
]
TEXTS = [
    "2026-03-09T01:02:03Z",
    "2026-03-09T01:02:03.5Z",
    "2024-02-29T00:00:00Z",
    "2023-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "0000-12-31T23:59:59Z",
    "9999-12-31T23:59:59.999999999Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-32T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T23:60:00Z",
    "2026-01-01T23:59:60Z",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00.1234567890Z",
    "2026-01-01T00:00:00z",
    "2026-01-01t00:00:00Z",
    "2026-01-01 00:00:00Z",
    "2026-01-01T00:00:00+00:00",
    "2026-01-01T00:00:00Z\n",
    " 2026-01-01T00:00:00Z",
    "２０２６-01-01T00:00:00Z",
    "",
]


def test_times() -> None:
    """Written and read as Python does; and as bytes in a header, whose leaf 3 is the timestamp."""

    def read(text: str) -> int | None:
        try:
            return parse_rfc3339(text, "it")
        except BadProof:
            return None

    written = ask_page([{"do": "write time", "timeNs": str(time)} for time in TIMES])
    assert written == [format_rfc3339(TimeNs(time)) for time in TIMES]
    texts = [*TEXTS, *written]
    assert ask_page([{"do": "read time", "text": text} for text in texts]) == [read(text) for text in texts]


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(GO_ZERO_TIME_NS, MAX_TIME_NS), min_size=200, max_size=200))
def test_any_time(times: list[int]) -> None:
    written = ask_page([{"do": "write time", "timeNs": str(time)} for time in times])
    assert written == [format_rfc3339(TimeNs(time)) for time in times]
    assert ask_page([{"do": "read time", "text": text} for text in written]) == times
    signed = ask_page([sign_bytes_at(time) for time in times])
    for time, found in zip(times, signed, strict=True):
        stamp = encode_timestamp(TimeNs(time))
        assert found[1:] == b"\x08\x02\x2a" + bytes([len(stamp)]) + stamp


def sign_bytes_at(time_ns: int) -> dict[str, Any]:
    """A precommit with nothing but its time."""
    nil = {"hash": b"", "parts": {"total": 0, "hash": b""}}
    return {
        "do": "sign bytes",
        "kind": 2,
        "height": 0,
        "round": 0,
        "blockId": nil,
        "timeNs": str(time_ns),
        "chainId": "",
    }


@pytest.mark.parametrize("total", [1, 127, 128, 300, 2**32 - 1])
def test_a_block_id(total: int) -> None:
    parts = {"total": total, "hash": bytes(range(32))}
    [found] = ask_page([{"do": "block id", "blockId": {"hash": bytes(32), "parts": parts}}])
    assert found == BlockID(bytes(32), PartSetHeader(total, bytes(range(32)))).encode()
