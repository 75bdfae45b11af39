"""The page verifies a block that another node shows, as the light client does, against the agencies of genesis."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadProof, Cause
from mvchain.core.limits import MAX_RECEIPT_BYTES
from mvchain.light.blocks import LightBlock, check_light_block, decode_light_block, encode_light_block
from mvchain.light.handovers import encode_from_genesis
from mvchain.light.rules import verify_own_commit
from tests.light.bad_forms import Step
from tests.light.forgeries import ATTACKER, SAME_AGENCIES, changed_at, values_in
from tests.light.handed_over import HALF, HISTORIES, ONE_BY_ONE, handed_over
from tests.light.light_chain import GENESIS, KEYS, make_light_chain, sign
from tests.page.node import Refused, ask_page

BLOCK = make_light_chain(3)[3]
FILE = encode_light_block(BLOCK)


def read_by_page(files: Sequence[bytes]) -> list[Any]:
    return ask_page([{"do": "verify light block", "file": file, "genesis": GENESIS.encode()} for file in files])


def in_python(file: bytes) -> Refused | None:
    """None where the block holds. Its set may be any."""
    try:
        block = decode_light_block(file)
        check_light_block(block, GENESIS.chain_id)
        verify_own_commit(block)
    except BadProof as error:
        return Refused(error.code)
    return None


def test_good_blocks() -> None:
    chain = make_light_chain(3)
    signing = {"cccc": (1, 2, 3, 4), "accc": (1, 2, 3), "ccca": (2, 3, 4)}
    blocks = [*chain.blocks, *(sign(BLOCK.header, KEYS, marks) for marks in signing)]
    found = read_by_page([encode_light_block(block) for block in blocks])
    for block, shown in zip(blocks, found, strict=True):
        assert shown["height"] == block.height
        assert shown["hash"] == block.hash.hex()
        assert shown["appHash"] == block.header.app_hash.hex()
        assert shown["timeNs"] == block.time_ns
        assert (shown["later"], shown["agencies"]) == ([], 4)
    assert [[one["number"] for one in shown["vouching"]] for shown in found[3:]] == [
        list(who) for who in signing.values()
    ]
    assert found[0]["vouching"][0] == {"number": 1, "nameKo": "서울특별시", "nameEn": "Seoul City"}


@pytest.mark.parametrize("history", HISTORIES)
def test_blocks_of_later_sets_with_the_handovers_from_genesis(history: str) -> None:
    """All signatures of the block itself are shown, and none is needed of those that only lead there."""
    made = handed_over(history)
    blocks = made.chain.blocks
    files = [encode_from_genesis(block, made.way_to(block.header)) for block in blocks]
    found = read_by_page(files)
    known = {key.public for key in KEYS}
    for block, shown in zip(blocks, found, strict=True):
        assert shown["hash"] == block.hash.hex()
        assert set(shown["later"]) == {key.hex() for key in block.keys if key not in known}
        assert (len(shown["vouching"]) + len(shown["later"]), shown["agencies"]) == (len(block.keys),) * 2
    without = read_by_page([encode_light_block(block) for block in blocks])
    for block, shown in zip(blocks, without, strict=True):
        assert (shown == Refused(codes.RECEIPT_VALIDATORS.code)) == (set(block.keys) != known)


def test_handovers_that_lead_elsewhere() -> None:
    block = HALF.chain[20]
    way = HALF.way_to(block.header)
    unsigned = replace(way[0], commit=replace(way[0].commit, signatures=way[0].commit.signatures[:2]))
    other = replace(way[0], header=replace(way[0].header, app_hash=bytes(32)))
    forged = {
        "a quorum less": (encode_from_genesis(block, (unsigned,)), codes.RECEIPT_NO_QUORUM),
        "another header": (encode_from_genesis(block, (other,)), codes.COMMIT_SIGNATURE),
        "twice": (encode_from_genesis(block, (*way, *way)), codes.HANDOVER_ORDER),
        "to another set": (encode_from_genesis(ONE_BY_ONE.chain[20], way), codes.RECEIPT_VALIDATORS),
        "for nothing": (encode_from_genesis(HALF.chain[5], way), codes.HANDOVER_ORDER),
    }
    assert read_by_page([file for file, _ in forged.values()]) == [Refused(cause.code) for _, cause in forged.values()]


def expected_at(path: Step) -> Cause:
    if path[0] == "commit" and path[-1] == 0:
        return codes.LIGHT_BLOCK_SIGNERS  # 1, 2, 3, 4 for 0, 1, 2, 3: one twice, or one beyond the set
    if path[0] == "validators" or path == ("header", "validators_hash"):
        return codes.RECEIPT_VALIDATORS
    expected = {"format": codes.UNKNOWN_LIGHT_FORMAT, "chain_id": codes.LIGHT_BLOCK_CHAIN}
    return expected.get(str(path[0]), codes.COMMIT_SIGNATURE)


def test_every_value_counts() -> None:
    paths = values_in(json.loads(FILE))
    files = [changed_at(FILE, path) for path in paths]
    assert len(paths) > 30
    for path, file, found in zip(paths, files, read_by_page(files), strict=True):
        assert found == Refused(expected_at(path).code), path
        if expected_at(path) is not codes.RECEIPT_VALIDATORS:  # the light client has other words for another set
            assert in_python(file) == found, path


def of_another_chain() -> LightBlock:
    """A block of another chain of the same agencies, given the name of ours."""
    theirs = sign(replace(BLOCK.header, chain_id=SAME_AGENCIES.genesis.chain_id), KEYS)
    return replace(theirs, header=BLOCK.header, commit=replace(theirs.commit, block_id=BLOCK.commit.block_id))


def test_forged_blocks() -> None:
    attackers = replace(BLOCK.header, validators_hash=ATTACKER.validators.hash)
    forged = {
        "signed by nobody": (sign(BLOCK.header, KEYS, "aaaa"), codes.COMMIT_POWER),
        "signed by two of four": (sign(BLOCK.header, KEYS, "caca"), codes.COMMIT_POWER),
        "signed for nil by two": (sign(BLOCK.header, KEYS, "cncn"), codes.COMMIT_POWER),
        "signed by others": (sign(BLOCK.header, ATTACKER.keys), codes.RECEIPT_VALIDATORS),
        "signed by others, as the header says": (sign(attackers, ATTACKER.keys), codes.RECEIPT_VALIDATORS),
        "signed by a quorum of fewer": (sign(BLOCK.header, KEYS[:3]), codes.RECEIPT_VALIDATORS),
        "of another chain": (of_another_chain(), codes.COMMIT_SIGNATURE),
        "prevotes": (sign(BLOCK.header, KEYS, kind=1), codes.COMMIT_SIGNATURE),
        "of another round": (sign(BLOCK.header, KEYS, round_=2), codes.COMMIT_SIGNATURE),
        "of another height": (sign(BLOCK.header, KEYS, height=2), codes.COMMIT_SIGNATURE),
    }
    files = [encode_light_block(block) for block, _ in forged.values()]
    found = read_by_page(files)
    assert found == [Refused(cause.code) for _, cause in forged.values()]
    theirs = [
        in_python(file)
        for file, (_, cause) in zip(files, forged.values(), strict=True)
        if cause is not codes.RECEIPT_VALIDATORS
    ]
    assert theirs == [one for one in found if one != Refused(codes.RECEIPT_VALIDATORS.code)]


def test_other_forms() -> None:
    files = [
        b"",
        b"[]",
        b"\xff",
        FILE + b"\n",
        FILE[:-1],
        FILE + b" " * MAX_RECEIPT_BYTES,
        FILE.replace(b'"round":1', b'"round":1.0'),
    ]
    files += [
        FILE.replace(b'"height":3', b'"height":0'),
        FILE.replace(b"{", b'{"note":1,', 1),
        FILE.replace(b":", b": "),
    ]
    found = read_by_page(files)
    assert found == [in_python(file) for file in files]
    assert all(isinstance(one, Refused) for one in found)
