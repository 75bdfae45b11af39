"""Light blocks as documents: one form, bounds, and what each keeps to by itself."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from mvchain.core import codes, strict_json
from mvchain.core.errors import BadProof, Cause
from mvchain.core.limits import MAX_BLOCK_PARTS, MAX_LIGHT_BLOCK_BYTES, MAX_ROUND, MAX_VALIDATORS
from mvchain.ledger.blocks import ABSENT_SIG
from mvchain.light.blocks import check_light_block, decode_light_block, encode_light_block
from tests.ledger.chain_helpers import mutations
from tests.light.helpers import code_of
from tests.light.light_chain import GENESIS, KEYS, longest_light_block, make_light_chain, sign

CHAIN = make_light_chain(3)
BLOCK = CHAIN[3]
FILE = encode_light_block(BLOCK)
Document = dict[str, Any]


def rewritten(change: Callable[[Document], object]) -> bytes:
    """The file with its content changed, in canonical form again."""
    content: Document = json.loads(FILE)
    change(content)
    return strict_json.canonical(content)


# --- what it holds ---


def test_it_reads_back() -> None:
    for height in (1, 2, 3):
        assert decode_light_block(encode_light_block(CHAIN[height])) == CHAIN[height]


def test_its_members() -> None:
    content = json.loads(FILE)
    assert sorted(content) == ["chain_id", "commit", "format", "header", "validators"]
    assert content["format"] == "mvchain light block 1"
    assert content["chain_id"] == GENESIS.chain_id
    assert content["validators"] == [key.public.hex() for key in KEYS]
    assert content["header"]["height"] == 3
    assert content["header"]["last_block_id"]["hash"] == CHAIN[2].hash.hex()
    assert content["commit"]["round"] == 1
    assert [one[0] for one in content["commit"]["signatures"]] == [0, 1, 2, 3]
    assert json.loads(encode_light_block(CHAIN[1]))["header"]["last_block_id"] is None


@pytest.mark.parametrize("marks", ["ccca", "accc", "caac", "aaaa"])
def test_who_did_not_sign_is_absent(marks: str) -> None:
    block = sign(BLOCK.header, KEYS, marks)
    assert decode_light_block(encode_light_block(block)) == block


def test_precommits_for_nil_are_left_out() -> None:
    """They vouch for nothing (C169)."""
    read = decode_light_block(encode_light_block(sign(BLOCK.header, KEYS, "ncnc")))
    assert read == sign(BLOCK.header, KEYS, "acac")


def test_the_longest_one_fits_the_bound() -> None:
    file = encode_light_block(longest_light_block())
    assert 20_000 < len(file) < MAX_LIGHT_BLOCK_BYTES // 2
    assert decode_light_block(file) == longest_light_block()


# --- its one form ---

MALFORMED = codes.MALFORMED_LIGHT_BLOCK


def put(*path: str | int, value: object) -> Callable[[Document], object]:
    """Sets one value."""

    def change(content: Any) -> None:
        for step in path[:-1]:
            content = content[step]
        content[path[-1]] = value

    return change


def cut(*path: str) -> Callable[[Document], object]:
    """Removes one member."""

    def change(content: Any) -> None:
        for step in path[:-1]:
            content = content[step]
        del content[path[-1]]

    return change


SIGNATURES = json.loads(FILE)["commit"]["signatures"]
VALIDATORS = json.loads(FILE)["validators"]
FORMS: dict[str, tuple[Callable[[Document], object], Cause]] = {
    "no format": (cut("format"), MALFORMED),
    "another format": (put("format", value="mvchain light block 2"), codes.UNKNOWN_LIGHT_FORMAT),
    "a receipt": (put("format", value="mvchain open receipt 1"), codes.UNKNOWN_LIGHT_FORMAT),
    "a long format": (put("format", value="m" * 65), MALFORMED),
    "no chain": (cut("chain_id"), MALFORMED),
    "a long chain id": (put("chain_id", value="c" * 51), MALFORMED),
    "a number for a chain": (put("chain_id", value=1), MALFORMED),
    "no header": (cut("header"), MALFORMED),
    "no commit": (cut("commit"), MALFORMED),
    "no validators": (cut("validators"), MALFORMED),
    "a member too many": (put("note", value=1), codes.NOT_CANONICAL),
    "a member too many in the header": (put("header", "note", value=1), codes.NOT_CANONICAL),
    "a member too many in the commit": (put("commit", "height", value=3), codes.NOT_CANONICAL),
    "height nought": (put("header", "height", value=0), MALFORMED),
    "height as text": (put("header", "height", value="3"), MALFORMED),
    "round -1": (put("commit", "round", value=-1), MALFORMED),
    "a huge round": (put("commit", "round", value=MAX_ROUND + 1), MALFORMED),
    "no parts": (put("commit", "parts", "total", value=0), MALFORMED),
    "too many parts": (put("commit", "parts", "total", value=MAX_BLOCK_PARTS + 1), MALFORMED),
    "a signer twice": (put("commit", "signatures", 1, value=SIGNATURES[0]), codes.LIGHT_BLOCK_SIGNERS),
    "signers backwards": (put("commit", "signatures", value=SIGNATURES[::-1]), codes.LIGHT_BLOCK_SIGNERS),
    "a signer beyond the set": (put("commit", "signatures", 3, 0, value=4), codes.LIGHT_BLOCK_SIGNERS),
    "a signer beyond all sets": (put("commit", "signatures", 3, 0, value=MAX_VALIDATORS), MALFORMED),
    "a negative signer": (put("commit", "signatures", 0, 0, value=-1), MALFORMED),
    "true for signer 1": (put("commit", "signatures", 1, 0, value=True), MALFORMED),
    "half a signature": (put("commit", "signatures", 0, 2, value="00" * 32), MALFORMED),
    "five signatures": (put("commit", "signatures", value=[*SIGNATURES, SIGNATURES[3]]), codes.LIGHT_BLOCK_SIGNERS),
    "101 signatures": (put("commit", "signatures", value=[SIGNATURES[0]] * 101), MALFORMED),
    "validators backwards": (put("validators", value=VALIDATORS[::-1]), codes.LIGHT_BLOCK_ORDER),
    "two validators changed places": (
        put("validators", value=[VALIDATORS[1], VALIDATORS[0], *VALIDATORS[2:]]),
        codes.LIGHT_BLOCK_ORDER,
    ),
    "a validator twice": (put("validators", value=[*VALIDATORS, VALIDATORS[3]]), codes.VALIDATOR_TWICE),
    "101 validators": (put("validators", value=[VALIDATORS[0]] * 101), MALFORMED),
    "half a key": (put("validators", 0, value="00" * 16), MALFORMED),
    "a key in upper case": (put("validators", 0, value=VALIDATORS[0].upper()), codes.NOT_CANONICAL),
    "a time with an offset": (put("header", "time", value="2026-02-02T02:40:20+00:00"), codes.MALFORMED),
}


@pytest.mark.parametrize("name", FORMS)
def test_another_form(name: str) -> None:
    change, cause = FORMS[name]
    assert code_of(decode_light_block, rewritten(change)) == cause.code


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", codes.MALFORMED),
        (b"null", MALFORMED),
        (FILE + b"\n", codes.NOT_CANONICAL),
        (FILE + b" " * MAX_LIGHT_BLOCK_BYTES, codes.TOO_LARGE),
        (json.dumps(json.loads(FILE)).encode(), codes.NOT_CANONICAL),
        (FILE.replace(b'"height":3', b'"height":3.0'), codes.BAD_NUMBER),
        (FILE.replace(b'"height":3', b'"height":' + b"9" * 10_000), codes.BAD_NUMBER),
        (FILE.replace(b'"round":1', b'"round":1,"round":1'), codes.DUPLICATE_NAME),
        (b'{"a":' * 1_000, codes.TOO_DEEP),
    ],
)
def test_other_bytes(data: bytes, cause: Cause) -> None:
    assert code_of(decode_light_block, data) == cause.code


@given(mutations(FILE))
def test_a_light_block_in_its_one_form_or_our_error(data: bytes) -> None:
    try:
        block = decode_light_block(data)
    except BadProof as refused:
        str(refused)  # its texts must be complete
    else:
        assert encode_light_block(block) == data


# --- what it keeps to by itself (C86) ---


def test_a_sound_one() -> None:
    for height in (1, 2, 3):
        check_light_block(CHAIN[height], GENESIS.chain_id)


@pytest.mark.parametrize("marks", ["aaaa", "caaa", "nnnn"])
def test_it_says_nothing_about_who_signed(marks: str) -> None:
    check_light_block(sign(BLOCK.header, KEYS, marks), GENESIS.chain_id)


def test_absent_entries_of_read_blocks_are_well_formed() -> None:
    read = decode_light_block(encode_light_block(sign(BLOCK.header, KEYS, "caaa")))
    assert read.commit.signatures[1:] == (ABSENT_SIG,) * 3
    check_light_block(read, GENESIS.chain_id)


def test_another_chain() -> None:
    assert code_of(check_light_block, BLOCK, "other") == codes.LIGHT_BLOCK_CHAIN.code
