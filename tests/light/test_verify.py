"""What a receipt proves, and that nothing else passes for one (ledger L10, L11)."""

import string
from collections.abc import Iterator
from hashlib import sha256

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadProof
from mvchain.light.receipts import OpenReceipt
from mvchain.light.verify import VerifiedReceipt, verify_receipt
from tests.light.forgeries import BLOCKS, CHAIN, RECEIPT, attackers_own_block, both, signatures
from tests.light.helpers import (
    FIRST_NUMBER,
    HEIGHT,
    MIDNIGHT,
    code_of,
    make_blocks,
    make_chain,
    resigned,
    seeded,
)


def verify(receipt: OpenReceipt) -> VerifiedReceipt:
    return verify_receipt(receipt.encode(), CHAIN.genesis)


# --- what holds ---


@pytest.mark.parametrize(("agencies", "quorum"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (40, 27)])
def test_claims(agencies: int, quorum: int) -> None:
    """More than two thirds: 27 of 40, but 3 of 3 (N1)."""
    chain = make_chain(agencies)
    receipt = make_blocks(chain, 7).receipt(3)
    verified = verify_receipt(receipt.encode(), chain.genesis)
    assert verified.ballot == sha256(make_blocks(chain, 7).ballots[3]).digest()
    assert (verified.height, verified.time_ns) == (HEIGHT, MIDNIGHT + 123_400_000)
    assert verified.accepted.poll == 3
    assert verified.accepted.number == FIRST_NUMBER + 3
    assert verified.accepted.voter == seeded("voter 3").tagged
    assert verified.vouchers.agencies == agencies
    assert len(verified.vouchers.vouching) == quorum
    signed = {chain.keys[i].public for i in range(quorum)}
    assert {agency.validator_key for agency in verified.vouchers.vouching} == signed


def test_agencies_are_named_in_order_of_number() -> None:
    """The set is ordered by address: here agencies 4, 2, 3, 1. The last three of it signed."""
    order = [[agency.validator_key for agency in CHAIN.genesis.agencies].index(key.public) for key in CHAIN.keys]
    assert [n + 1 for n in order] == [4, 2, 3, 1]
    verified = verify(BLOCKS.receipt(3, signers=(1, 2, 3)))
    assert [agency.name_en for agency in verified.vouchers.vouching] == [
        "Seoul City",
        "Gangnam District",
        "Seoul Office of Education",
    ]


@pytest.mark.parametrize("signers", [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)])
def test_any_quorum_vouches(signers: tuple[int, ...]) -> None:
    assert len(verify(BLOCKS.receipt(3, signers)).vouchers.vouching) == 3


@pytest.mark.parametrize("ballots", [1, 2, 3, 8, 9, 100])
def test_every_ballot_of_a_block(ballots: int) -> None:
    blocks = make_blocks(CHAIN, ballots)
    for index in range(ballots):
        assert verify(blocks.receipt(index)).accepted.number == FIRST_NUMBER + index


# --- no byte of it can change ---


def edited(data: bytes) -> Iterator[bytes]:
    """The file with one byte changed, added or taken away, or cut off, at every position."""
    digits = string.hexdigits.encode()
    for at, byte in enumerate(data):
        head, tail = data[:at], data[at + 1 :]
        others = {byte ^ 0x01, byte ^ 0x20, byte ^ 0x80, ord(" ")}
        if byte in digits:
            # Another digit, and the same one in upper case.
            others |= {ord("0") if byte != ord("0") else ord("7"), ord("e"), byte & ~0x20 | 0x10}
        for other in others - {byte}:
            yield head + bytes([other]) + tail
        for added in b"0 ":
            yield head + bytes([added]) + data[at:]
        yield head + data[at : at + 1] + data[at:]
        yield head + tail
        yield head


def test_no_byte_can_be_changed_added_or_removed() -> None:
    file = make_blocks(CHAIN, 2).receipt(1).encode()
    verify_receipt(file, CHAIN.genesis)
    accepted = [changed for changed in edited(file) if holds(changed)]
    assert accepted == []


def holds(data: bytes) -> bool:
    """Whether it verifies; any error but a BadProof ends the test."""
    try:
        verify_receipt(data, CHAIN.genesis)
    except BadProof:
        return False
    return True


# --- what nearly holds (see test_forgeries) ---


def test_only_a_quorum_is_lacking_where_a_quorum_is_lacking() -> None:
    """The forgeries are good work: with the signatures of a quorum they verify."""
    assert verify(attackers_own_block((0, 1, 3))).ballot == bytes(32)
    assert verify(signatures(1, 2, 3)).ballot == RECEIPT.ballot
    assert verify(resigned(CHAIN, RECEIPT, (0, 1, 2))) == verify(RECEIPT)


def turns(index: int, total: int) -> list[str]:
    """On which side the aunts stand, from the leaf up, by the recursion of C19."""
    if total == 1:
        return []
    half = 1 << (total - 1).bit_length() - 1
    return [*turns(index, half), "right"] if index < half else [*turns(index - half, total - half), "left"]


def test_a_lie_about_the_total_proves_the_same_or_nothing() -> None:
    """Roots do not bind the total (C19). Whatever both paths say alike, they lead to the same leaf of both trees.

    So of all 7-leaf places that a forger may name instead, those pass that turn like the true one, and what they
    prove is the truth.
    """
    proved = []
    for index in range(7):
        receipt = BLOCKS.receipt(index)
        for total in range(1, 20):
            for lie in range(total):
                forged = both(receipt, index=lie, total=total).encode()
                if turns(lie, total) == turns(index, 7):
                    assert verify_receipt(forged, CHAIN.genesis) == verify(receipt)
                    proved.append((lie, total) != (index, 7))
                else:
                    assert code_of(verify_receipt, forged, CHAIN.genesis) == codes.RECEIPT_NOT_INCLUDED.code
    assert any(proved)
