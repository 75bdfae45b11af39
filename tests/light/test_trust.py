"""What is trusted, and that a file of it is worth no more than what its blocks prove."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from mvchain.core import codes, strict_json
from mvchain.core.errors import BadConfiguration, Cause
from mvchain.core.types import Hash, Height
from mvchain.light.blocks import LightBlock, light_block_to_json
from mvchain.light.rules import Anchor, TrustLevel
from mvchain.light.trust import MAX_NEWEST, MAX_STATE_BYTES, Checkpoint, Root, TrustStore, decode_trust
from tests.ledger.chain_helpers import mutations
from tests.light.helpers import make_chain
from tests.light.light_chain import (
    GENESIS,
    KEYS,
    OTHER_KEYS,
    LightChain,
    extend,
    fork_of,
    longest_light_block,
    make_light_chain,
    rotating_keys,
    set_of,
    sign,
)

CHAIN = make_light_chain(130)
CHECKPOINT = Checkpoint(Height(20), CHAIN[20].hash)
LEVEL = TrustLevel()


def store_of(*heights: int, root: Root = GENESIS, chain: LightChain = CHAIN) -> TrustStore:
    store = TrustStore(root)
    for height in heights:
        store.add(chain[height])
    return store


def heights(store: TrustStore) -> list[int]:
    return [block.height for block in store]


# --- in memory ---


def test_what_is_next_to_a_height() -> None:
    store = store_of(20, 30, 25)
    assert heights(store) == [20, 25, 30]
    assert store.newest == CHAIN[30]
    assert store.get(Height(25)) == CHAIN[25]
    assert store.get(Height(26)) is None
    assert store.below(Height(30)) == Anchor.of_block(CHAIN[25])
    assert store.below(Height(99)) == Anchor.of_block(CHAIN[30])
    assert store.below(Height(20)) == Anchor.of_genesis(GENESIS)
    assert store.above(Height(25)) == CHAIN[30]
    assert store.above(Height(24)) == CHAIN[25]
    assert store.above(Height(30)) is None


def test_the_genesis_document_is_below_everything() -> None:
    store = TrustStore(GENESIS)
    assert store.newest is None
    anchor = store.below(Height(1))
    assert anchor is not None
    assert (anchor.chain_id, anchor.height) == (GENESIS.chain_id, 0)
    assert TrustStore(CHECKPOINT).below(Height(20)) is None


def test_the_first_and_the_newest_are_kept() -> None:
    store = store_of(*range(1, 131))
    assert heights(store) == [1, *range(31, 131)]
    assert MAX_NEWEST == 100
    store.add(CHAIN[15])  # an old one that somebody asked for
    assert heights(store) == [1, *range(31, 131)]
    store.add(CHAIN[40])
    assert heights(store) == [1, *range(31, 131)]


# --- the file ---


@pytest.mark.parametrize(
    ("root", "kept"), [(GENESIS, ()), (GENESIS, (1, 2, 30)), (GENESIS, (7,)), (CHECKPOINT, ()), (CHECKPOINT, (20, 99))]
)
def test_it_reads_back(root: Root, kept: Sequence[int]) -> None:
    store = store_of(*kept, root=root)
    read = decode_trust(store.encode(), root, LEVEL)
    assert list(read) == list(store)
    assert read.root == root


def test_the_longest_fits_its_bound() -> None:
    block = longest_light_block()
    store = TrustStore(GENESIS)
    for height in range(2**53 - MAX_NEWEST - 1, 2**53):
        store.add(replace(block, header=replace(block.header, height=Height(height))))
    assert len(heights(store)) == MAX_NEWEST + 1
    assert len(store.encode()) < MAX_STATE_BYTES


def refusal(file: bytes, root: Root = GENESIS) -> tuple[Cause, str]:
    with pytest.raises(BadConfiguration) as caught:
        decode_trust(file, root, LEVEL)
    assert caught.value.remedy
    return caught.value.cause, caught.value.detail


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (GENESIS, CHECKPOINT),
        (CHECKPOINT, GENESIS),
        (GENESIS, make_chain(4, "other-2026").genesis),
        (CHECKPOINT, Checkpoint(Height(21), CHECKPOINT.hash)),
        (CHECKPOINT, Checkpoint(Height(20), Hash(bytes(32)))),
    ],
)
def test_another_root(written: Root, read: Root) -> None:
    assert refusal(store_of(20, root=written).encode(), read)[0] is codes.STATE_OF_ANOTHER_ROOT


def file_of(*blocks: LightBlock, root: Root = GENESIS) -> bytes:
    """A file with these blocks, whatever they are."""
    document = json.loads(TrustStore(root).encode())
    document["blocks"] = [light_block_to_json(block) for block in blocks]
    return strict_json.canonical(document)


FORK = fork_of(CHAIN, 10, 30)
CHANGED: dict[str, tuple[Callable[[], bytes], str]] = {
    "a block of too few": (lambda: file_of(sign(CHAIN[5].header, KEYS, "ccaa")), "power"),
    "a header of another block": (
        lambda: file_of(replace(CHAIN[5], header=replace(CHAIN[5].header, app_hash=bytes(32)))),
        "signature",
    ),
    "phantoms in the first block": (
        lambda: file_of(sign(replace(CHAIN[1].header, validators_hash=set_of(OTHER_KEYS).hash), OTHER_KEYS)),
        "announces",
    ),
    "phantoms right behind a sound block": (
        lambda: file_of(CHAIN[4], sign(replace(CHAIN[5].header, validators_hash=set_of(OTHER_KEYS).hash), OTHER_KEYS)),
        "announces",
    ),
    "another chain": (lambda: file_of(sign(replace(CHAIN[5].header, chain_id="other"), KEYS)), "chain"),
    "descending": (lambda: file_of(CHAIN[6], CHAIN[5]), "canonical"),
    "a block twice": (lambda: file_of(CHAIN[6], CHAIN[6]), "canonical"),
    "a checkpoint that is another block": (lambda: file_of(CHAIN[19], root=CHECKPOINT), "trusted is"),
    "a block below the checkpoint": (lambda: file_of(CHAIN[19], CHAIN[20], root=CHECKPOINT), "trusted is"),
    "another format": (lambda: TrustStore(GENESIS).encode().replace(b"blocks 1", b"blocks 2"), "format"),
    "spaces": (lambda: json.dumps(json.loads(store_of(1).encode())).encode(), "canonical"),
    "nothing": (lambda: b"", "JSON"),
    "too much": (lambda: b" " * (MAX_STATE_BYTES + 1), "bytes"),
    "too many blocks": (lambda: file_of(*(CHAIN[h] for h in range(1, MAX_NEWEST + 3))), "array"),
    "no root": (lambda: TrustStore(GENESIS).encode().replace(b'"root"', b'"roof"'), "root"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_file(name: str) -> None:
    make, word = CHANGED[name]
    cause, detail = refusal(make(), CHECKPOINT if "checkpoint" in name else GENESIS)
    assert cause is codes.STATE_NOT_VERIFIED
    assert word in detail


def test_blocks_that_do_not_follow_by_themselves_are_left_out() -> None:
    """Where what lay between was not kept: they are fetched again. So are phantoms behind a gap."""
    chain = extend(LightChain(GENESIS, ()), 90, rotating_keys)
    store = store_of(5, 15, 90, chain=chain)
    assert heights(decode_trust(store.encode(), GENESIS, LEVEL)) == [5, 15]
    phantom = sign(replace(CHAIN[9].header, validators_hash=set_of(OTHER_KEYS).hash), OTHER_KEYS)
    assert heights(decode_trust(file_of(CHAIN[1], phantom), GENESIS, LEVEL)) == [1]


@given(mutations(store_of(3, 4).encode()))
def test_a_store_or_our_error(data: bytes) -> None:
    try:
        store: Any = decode_trust(data, GENESIS, LEVEL)
    except BadConfiguration as refused:
        str(refused)
    else:
        assert store.encode() == data
