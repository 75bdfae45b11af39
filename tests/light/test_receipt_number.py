"""Receipt numbers: what they name, how they are typed, which mistakes are caught (ledger L11, domain section 9)."""

from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mvchain.core import codes
from mvchain.core.errors import BadRequest
from mvchain.core.types import Hash
from mvchain.light.receipt_number import ALPHABET, parse_receipt_number, receipt_number

NUMBERS = [receipt_number(Hash(sha256(b"ballot %d" % n).digest())) for n in range(5)]


def hash_from(prefix: int) -> Hash:
    """A hash that begins with these 64 bits."""
    return Hash(prefix.to_bytes(8, "big") + bytes(24))


def refusal(text: str) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse_receipt_number(text)
    assert caught.value.detail
    assert caught.value.remedy
    return caught.value


# --- what a number names ---


def test_the_alphabet_has_a_prime_number_of_characters_none_like_another() -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 31
    assert all(31 % divisor for divisor in range(2, 31))
    assert not set("0O1IL") & set(ALPHABET)
    assert set(ALPHABET) | set("0O1IL") == set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@pytest.mark.parametrize(
    ("prefix", "number"),
    [
        (0, "2222-2222-2222-2"),
        (2**64 - 1, "ZZZZ-ZZZZ-ZZZZ-H"),  # check: 30 * (1 + 2 + ... + 12) = 30 * 78 = 2340 = 75 * 31 + 15
        (2**63, "HHHH-HHHH-HHHH-S"),  # half of an odd base: 15, 15, 15...; check: 15 * 78 = 1170 = 37 * 31 + 23
        (-(-(2**64) // 31), "3222-2222-2222-3"),  # the least number of the second 31st
        (2**64 // 31, "2ZZZ-ZZZZ-ZZZZ-J"),  # the greatest of the first; check: 2340 - 30 = 2310 = 74 * 31 + 16
    ],
)
def test_a_number_is_the_place_among_all_hashes(prefix: int, number: str) -> None:
    """Twelve digits to the base 31 of prefix / 2^64, and the weighted sum of the digits mod 31."""
    digits = [ALPHABET.index(char) for char in number.replace("-", "")]
    assert digits[-1] == sum(i * digit for i, digit in enumerate(digits[:-1], 1)) % 31
    assert receipt_number(hash_from(prefix)) == number


@given(st.binary(min_size=32, max_size=32))
@example(bytes(32))
@example(b"\xff" * 32)
def test_a_number_finds_its_hash(tx_hash: bytes) -> None:
    number = receipt_number(Hash(tx_hash))
    found = parse_receipt_number(number)
    assert found.text == number
    assert found.low <= tx_hash[:8] <= found.high
    assert int.from_bytes(found.high, "big") - int.from_bytes(found.low, "big") + 1 in {23, 24}


@given(st.integers(0, 31**12 - 1))
@example(0)
@example(31**12 - 1)
def test_the_ranges_of_two_numbers_meet_and_do_not_overlap(value: int) -> None:
    """2^64 / 31^12 is 23.4: each number names 23 or 24 prefixes, and the next one goes on from there."""
    start = -(-value * 2**64 // 31**12)
    stop = -(-(value + 1) * 2**64 // 31**12)
    found = parse_receipt_number(receipt_number(hash_from(start)))
    assert (found.low, found.high) == (start.to_bytes(8, "big"), (stop - 1).to_bytes(8, "big"))
    assert receipt_number(hash_from(stop - 1)) == found.text
    if stop < 2**64:
        assert receipt_number(hash_from(stop)) != found.text


# --- typing ---


@pytest.mark.parametrize("number", NUMBERS)
def test_every_single_wrong_character_is_caught(number: str) -> None:
    """All 13 places, the check character among them, and all 30 other characters."""
    typed = number.replace("-", "")
    wrong = [typed[:at] + char + typed[at + 1 :] for at in range(13) for char in ALPHABET if char != typed[at]]
    assert len(wrong) == 13 * 30
    assert {refusal(one).cause for one in wrong} == {codes.RECEIPT_NUMBER_CHECK}


@pytest.mark.parametrize("number", NUMBERS)
def test_every_two_swapped_characters_are_caught(number: str) -> None:
    """Neighbours and others, the check character among them; equal ones swapped are no mistake."""
    typed = list(number.replace("-", ""))
    caught = 0
    for i in range(13):
        for j in range(i + 1, 13):
            swapped = typed.copy()
            swapped[i], swapped[j] = typed[j], typed[i]
            if swapped != typed:
                assert refusal("".join(swapped)).cause is codes.RECEIPT_NUMBER_CHECK
                caught += 1
    assert caught > 60


def test_why_these_mistakes_are_caught() -> None:
    """A number is good if the sum of factor times digit is 0 mod 31, the check character with factor -1.

    A wrong character at i changes it by factor_i * d, swapped ones at i and j by (factor_i - factor_j) * d, with d the
    difference of the two characters, not 0 mod 31. No such product is 0, since 31 is prime and no factor, and no
    difference of two factors, is 0 mod 31.
    """
    factors = [*range(1, 13), -1]
    assert all(factor * d % 31 for factor in factors for d in range(1, 31))
    assert all((a - b) * d % 31 for i, a in enumerate(factors) for b in factors[:i] for d in range(1, 31))


@pytest.mark.parametrize(
    "change",
    [
        str.lower,
        lambda number: number.replace("-", ""),
        lambda number: number.replace("-", " "),
        lambda number: f"\n\t{number}\u3000",
        lambda number: number.replace("-", " \u2013 "),
        lambda number: number.replace("-", "\u2212"),
        lambda number: " ".join(number.replace("-", "")),
        lambda number: "".join(chr(ord(char) + 0xFEE0) for char in number),
        lambda number: "".join(chr(ord(char) + 0xFEE0) for char in number.lower()),
    ],
)
def test_other_ways_to_type_it(change: object) -> None:
    """Spaces and dashes of any kind, lower case, and the full-width characters of a Korean keyboard."""
    assert callable(change)
    for number in NUMBERS:
        assert parse_receipt_number(change(number)) == parse_receipt_number(number)


@pytest.mark.parametrize("char", "01OIL?가\N{BALLOT BOX WITH BALLOT}")
def test_a_character_that_does_not_occur_is_named(char: str) -> None:
    error = refusal(NUMBERS[0][:6] + char + NUMBERS[0][7:])
    assert error.cause is codes.RECEIPT_NUMBER_CHARACTER
    assert error.data["char"] == char
    assert char in error.detail


@pytest.mark.parametrize(("text", "have"), [("", 0), ("2" * 12, 12), ("2" * 14, 14), ("a" * 10_000, 200)])
def test_another_length_is_told(text: str, have: int) -> None:
    error = refusal(text)
    assert error.cause is codes.RECEIPT_NUMBER_LENGTH
    assert (error.data["length"], error.data["have"]) == (13, have)


@given(st.text())
def test_any_text_is_a_number_or_a_bad_request(text: str) -> None:
    try:
        found = parse_receipt_number(text)
    except BadRequest:
        return
    assert parse_receipt_number(found.text) == found
