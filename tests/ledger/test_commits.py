"""Commits: which convince, and every forgery that must not (C51, C55, C87; ATK01, ATK24, S11)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core.types import Address, Height, Round, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.blocks import ABSENT_SIG, EMPTY_COMMIT, Commit, CommitSig, Flag
from mvchain.ledger.commits import (
    add_precommit,
    commit_from_precommits,
    precommits_of,
    verify_commit_full,
    verify_commit_light,
)
from mvchain.ledger.endorsements import Endorsement, Kind
from mvchain.ledger.validators import ValidatorSet
from tests.ledger.chain_helpers import (
    BLOCK,
    CHAIN_ID,
    HEIGHT,
    OTHER_BLOCK,
    ROUND,
    code_of,
    endorse,
    make_commit,
    make_keys,
    make_set,
)

KEYS = make_keys(4)
SET = make_set(KEYS)
GOOD = make_commit(KEYS, "cccc")
Verify = Callable[[Commit, str, ValidatorSet, Height, BlockID], None]
both = pytest.mark.parametrize("verify", [verify_commit_full, verify_commit_light])


def check(verify: Verify, commit: Commit) -> None:
    verify(commit, CHAIN_ID, SET, HEIGHT, BLOCK)


def refusal(verify: Verify, commit: Commit) -> str:
    return code_of(verify, commit, CHAIN_ID, SET, HEIGHT, BLOCK)


def put(index: int, entry: CommitSig, commit: Commit = GOOD) -> Commit:
    entries = list(commit.signatures)
    entries[index] = entry
    return replace(commit, signatures=tuple(entries))


def entry_of(precommit: Endorsement, flag: Flag = Flag.COMMIT) -> CommitSig:
    return CommitSig(flag, precommit.address, precommit.time_ns, precommit.signature)


# --- what convinces ---


@both
@pytest.mark.parametrize("marks", ["cccc", "ccca", "cacc", "cccn", "nccc"])
def test_a_quorum_convinces(verify: Verify, marks: str) -> None:
    check(verify, make_commit(KEYS, marks))


@both
@pytest.mark.parametrize("marks", ["ccaa", "ccnn", "ccan", "nnnn", "aaaa"])
def test_less_than_a_quorum_does_not(verify: Verify, marks: str) -> None:
    """Precommits for nil add no power (C169)."""
    assert refusal(verify, make_commit(KEYS, marks)) == "MV-2025"


@both
def test_power_counts_not_heads(verify: Verify) -> None:
    keys = make_keys(4)
    heavy = make_set(keys, [70, 10, 10, 10])
    order = {validator.public_key: i for i, validator in enumerate(heavy)}
    assert order[keys[0].public] == 0
    alone = commit_from_precommits(HEIGHT, ROUND, BLOCK, heavy, [endorse(keys[0], 0)])
    verify(alone, CHAIN_ID, heavy, HEIGHT, BLOCK)
    others = [endorse(key, order[key.public]) for key in keys[1:]]
    without = commit_from_precommits(HEIGHT, ROUND, BLOCK, heavy, others)
    assert code_of(verify, without, CHAIN_ID, heavy, HEIGHT, BLOCK) == "MV-2025"


# --- forgeries ---


@both
def test_commit_of_another_height_block_or_set(verify: Verify) -> None:
    assert code_of(verify, GOOD, CHAIN_ID, SET, Height(8), BLOCK) == "MV-2020"
    assert code_of(verify, GOOD, CHAIN_ID, SET, HEIGHT, OTHER_BLOCK) == "MV-2021"
    parts = BlockID(BLOCK.hash, PartSetHeader(BLOCK.parts.total, OTHER_BLOCK.parts.hash))
    assert code_of(verify, GOOD, CHAIN_ID, SET, HEIGHT, parts) == "MV-2021"
    assert code_of(verify, GOOD, "other", SET, HEIGHT, BLOCK) == "MV-2024"
    strangers = ValidatorSet(tuple(make_set(make_keys(8)))[:4])
    assert code_of(verify, GOOD, CHAIN_ID, strangers, HEIGHT, BLOCK) in ("MV-2023", "MV-2024")


@both
def test_a_nil_commit_decides_nothing(verify: Verify) -> None:
    nil = replace(make_commit(KEYS, "cccc", NIL_BLOCK_ID), block_id=NIL_BLOCK_ID)
    assert code_of(verify, nil, CHAIN_ID, SET, HEIGHT, NIL_BLOCK_ID) == "MV-2021"
    empty = ValidatorSet(())
    assert code_of(verify, EMPTY_COMMIT, CHAIN_ID, empty, Height(0), NIL_BLOCK_ID) == "MV-2021"
    nobody = Commit(HEIGHT, ROUND, BLOCK, ())
    assert code_of(verify, nobody, CHAIN_ID, empty, HEIGHT, BLOCK) == "MV-2025"


@both
@pytest.mark.parametrize("count", [0, 1, 3, 5, 100])
def test_wrong_count(verify: Verify, count: int) -> None:
    """ATK07, ATK16."""
    commit = replace(GOOD, signatures=(GOOD.signatures * 25)[:count])
    assert refusal(verify, commit) == "MV-2022"


@both
def test_duplicate_signer(verify: Verify) -> None:
    """S11: one validator's good entry in two places counts in neither."""
    assert refusal(verify, put(1, GOOD.signatures[0])) == "MV-2023"
    twice = put(1, replace(GOOD.signatures[0], address=SET[1].address))
    assert refusal(verify, twice) == "MV-2024"


@both
def test_address_of_another_validator_on_a_valid_signature(verify: Verify) -> None:
    """ATK01."""
    for address in (SET[2].address, bytes(20), b""):
        assert refusal(verify, put(1, replace(GOOD.signatures[1], address=address))) == "MV-2023"


@both
def test_swapped_entries(verify: Verify) -> None:
    a, b, *rest = GOOD.signatures
    assert refusal(verify, replace(GOOD, signatures=(b, a, *rest))) == "MV-2023"


@both
@pytest.mark.parametrize(
    "change",
    [
        {"block_id": OTHER_BLOCK},
        {"block_id": NIL_BLOCK_ID},
        {"height": Height(6)},
        {"round": Round(0)},
        {"round": Round(2)},
        {"kind": Kind.PREVOTE},
    ],
)
def test_signature_for_something_else(verify: Verify, change: dict[str, Any]) -> None:
    """ATK23, ED06: another block, height, round or kind."""
    assert refusal(verify, put(0, entry_of(endorse(KEYS[0], 0, **change)))) == "MV-2024"


@both
def test_wrong_round(verify: Verify) -> None:
    for round_ in (0, 2, 2**31 - 1, -1):
        assert refusal(verify, replace(GOOD, round=Round(round_))) == "MV-2024"


@both
def test_moved_time(verify: Verify) -> None:
    """The time that block time is made of is signed (L12)."""
    entry = GOOD.signatures[2]
    assert refusal(verify, put(2, replace(entry, time_ns=TimeNs(entry.time_ns + 1)))) == "MV-2024"


@both
@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), bytes(65), b"\xff" * 64])
def test_garbage_beyond_the_quorum(verify: Verify, signature: bytes) -> None:
    """ATK24, M5: three good signatures do not excuse the fourth."""
    for index in range(4):
        assert refusal(verify, put(index, replace(GOOD.signatures[index], signature=signature))) == "MV-2024"


def test_full_check_looks_at_nil_entries_too() -> None:
    """C55; the light one skips them (C87)."""
    commit = make_commit(KEYS, "cccn")
    garbage = put(3, replace(commit.signatures[3], signature=bytes(64)), commit)
    assert refusal(verify_commit_full, garbage) == "MV-2024"
    check(verify_commit_light, garbage)
    misnamed = put(3, replace(commit.signatures[3], address=SET[0].address), commit)
    assert refusal(verify_commit_full, misnamed) == "MV-2023"
    for_the_block = put(3, replace(GOOD.signatures[3], flag=Flag.NIL), commit)
    assert refusal(verify_commit_full, for_the_block) == "MV-2024"


@both
@given(index=st.integers(0, 3), at=st.integers(0, 63), flip=st.integers(1, 255))
def test_any_changed_signature_byte_is_found(verify: Verify, index: int, at: int, flip: int) -> None:
    signature = bytearray(GOOD.signatures[index].signature)
    signature[at] ^= flip
    changed = put(index, replace(GOOD.signatures[index], signature=bytes(signature)))
    assert refusal(verify, changed) == "MV-2024"


# --- making commits ---


@given(st.text("cna", min_size=4, max_size=4), st.permutations(range(4)))
def test_commit_from_precommits_in_any_order(marks: str, order: list[int]) -> None:
    precommits = [endorse(KEYS[i], i, BLOCK if marks[i] == "c" else NIL_BLOCK_ID) for i in order if marks[i] != "a"]
    commit = commit_from_precommits(HEIGHT, ROUND, BLOCK, SET, precommits)
    assert commit == make_commit(KEYS, marks)
    flags = {"c": Flag.COMMIT, "n": Flag.NIL, "a": Flag.ABSENT}
    assert [entry.flag for entry in commit.signatures] == [flags[mark] for mark in marks]
    assert Commit.decode(commit.encode()) == commit


def test_precommits_for_another_block_leave_their_validator_absent() -> None:
    precommits = [*(endorse(KEYS[i], i) for i in range(3)), endorse(KEYS[3], 3, OTHER_BLOCK)]
    commit = commit_from_precommits(HEIGHT, ROUND, BLOCK, SET, precommits)
    assert commit.signatures[3] == ABSENT_SIG
    check(verify_commit_full, commit)


def test_late_precommits_are_added_once() -> None:
    commit = make_commit(KEYS, "ccca")
    late = endorse(KEYS[3], 3)
    assert add_precommit(commit, late, SET) == GOOD
    assert add_precommit(GOOD, late, SET) is GOOD
    assert add_precommit(GOOD, endorse(KEYS[3], 3, NIL_BLOCK_ID), SET) is GOOD
    assert add_precommit(commit, endorse(KEYS[3], 3, OTHER_BLOCK), SET) is commit


@pytest.mark.parametrize("index", [0, 2, 4, 99, 2**31])
def test_precommits_with_a_wrong_place_add_nothing(index: int) -> None:
    """ATK07: neither an index out of range nor one of another validator."""
    commit = make_commit(KEYS, "caaa")
    assert add_precommit(commit, endorse(KEYS[3], index), SET) is commit
    stranger = endorse(KEYS[3], 3, address=Address(bytes(20)))
    assert add_precommit(commit, stranger, SET) is commit


def test_a_precommit_in_a_commit_is_the_message_it_was() -> None:
    messages = [endorse(KEYS[0], 0), endorse(KEYS[2], 2, NIL_BLOCK_ID), endorse(KEYS[3], 3)]
    commit = commit_from_precommits(HEIGHT, ROUND, BLOCK, SET, messages)
    assert precommits_of(commit) == messages
    assert precommits_of(EMPTY_COMMIT) == []
