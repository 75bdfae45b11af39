"""Receipt numbers, `7K3Q-9FTX-HM4W-Q`: what a voter types or reads out to find a ballot (ledger L11, domain section 9).

Twelve digits to the base 31, then a check character. The digits write floor(v * 31^12 / 2^64), where v is the number
that the first 64 bits of the ballot's hash write; so a number names a range of hashes, of 23 or 24 values of v. The
check character writes the sum of i times digit i, i from 1 to 12, mod 31. Since 31 is prime and the factors differ, one
wrong character or two swapped ones always change the sum: by i times the difference of two digits, or by the product
of two differences. (The check character itself counts with the factor -1, which is none of 1 to 12.)
"""

from dataclasses import dataclass
from unicodedata import category, normalize

from mvchain.core import codes
from mvchain.core.errors import BadRequest
from mvchain.core.types import Hash

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0 and O, 1, I and L, which look alike."""

PREFIX_BYTES = 8
_DIGITS = 12
_BASE = len(ALPHABET)
_NUMBERS: int = _BASE**_DIGITS
_PREFIXES = 1 << 8 * PREFIX_BYTES
_MAX_TYPED_CHARS = 200


@dataclass(frozen=True, slots=True)
class ReceiptNumber:
    """A receipt number, and whose it is: of hashes whose first 8 bytes are from `low` to `high`, both included."""

    text: str
    """As it is shown."""
    low: bytes
    high: bytes


def receipt_number(tx_hash: Hash) -> str:
    """The receipt number of the ballot with this transaction hash, as `7K3Q-9FTX-HM4W-Q`."""
    return _shown(int.from_bytes(tx_hash[:PREFIX_BYTES], "big") * _NUMBERS // _PREFIXES)


def parse_receipt_number(text: str) -> ReceiptNumber:
    """Read a number as people type it: with or without hyphens and spaces, in lower case, in full-width characters.

    Raises:
        BadRequest: it has another length, a character that does not occur, or a typing mistake.
    """
    typed = "".join(c for c in normalize("NFKC", text[:_MAX_TYPED_CHARS]) if not _separates(c)).upper()
    if len(typed) != _DIGITS + 1:
        raise BadRequest(codes.RECEIPT_NUMBER_LENGTH, length=_DIGITS + 1, have=len(typed))
    for char in typed:
        if char not in ALPHABET:
            raise BadRequest(codes.RECEIPT_NUMBER_CHARACTER, char=char)
    *digits, check = map(ALPHABET.index, typed)
    if check != _check(digits):
        raise BadRequest(codes.RECEIPT_NUMBER_CHECK)
    value = 0
    for digit in digits:
        value = value * _BASE + digit
    low, high = _first_prefix(value), _first_prefix(value + 1) - 1
    return ReceiptNumber(_shown(value), low.to_bytes(PREFIX_BYTES, "big"), high.to_bytes(PREFIX_BYTES, "big"))


def _separates(character: str) -> bool:
    """Spaces and dashes of any kind, and the minus sign."""
    return character in "\t\n\v\f\r\u2212" or category(character) in {"Zs", "Zl", "Zp", "Pd"}


def _first_prefix(value: int) -> int:
    """The least number of 64 bits that has this value, or more."""
    return -(-value * _PREFIXES // _NUMBERS)


def _shown(value: int) -> str:
    digits = [value // _BASE**place % _BASE for place in reversed(range(_DIGITS))]
    characters = "".join(ALPHABET[digit] for digit in (*digits, _check(digits)))
    return "-".join(characters[at : at + 4] for at in range(0, _DIGITS + 1, 4))


def _check(digits: list[int]) -> int:
    return sum(factor * digit for factor, digit in enumerate(digits, 1)) % _BASE
