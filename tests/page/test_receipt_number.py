"""The page writes and reads receipt numbers as Python does."""

from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from mvchain.core.errors import BadRequest
from mvchain.core.types import Hash
from mvchain.light.receipt_number import ALPHABET, parse_receipt_number, receipt_number
from tests.page.node import Refused, ask_page

HASHES = [bytes(32), b"\xff" * 32, *(sha256(b"%d" % n).digest() for n in range(500))]
GOOD = receipt_number(Hash(sha256(b"a ballot").digest()))
TYPED = [
    GOOD,
    GOOD.lower(),
    GOOD.replace("-", ""),
    GOOD.replace("-", " "),
    f"\t {GOOD} \r\n",
    GOOD.replace("-", "\u2013"),
    GOOD.replace("-", "\u2212"),
    GOOD.replace("-", "\uff0d"),
    GOOD.replace("-", "\u3000"),
    "".join(chr(ord(char) + 0xFEE0) for char in GOOD),
    "".join(chr(ord(char) + 0xFEE0) for char in GOOD.lower()),
    GOOD[:-1],
    GOOD + "2",
    GOOD[:-1] + ("3" if GOOD[-1] != "3" else "4"),
    "O" + GOOD[1:],
    "0" + GOOD[1:],
    "i" + GOOD[1:],
    "l" + GOOD[1:],
    "1" + GOOD[1:],
    "가" + GOOD[1:],
    "ﬁ" + GOOD[2:],
    "🗳" + GOOD[1:],
    "ß" + GOOD[1:],
    "",
    "-",
    "a" * 10_000,
    "\u0301" * 300,
    HASHES[2].hex(),
]


def in_python(text: str) -> object:
    try:
        found = parse_receipt_number(text)
    except BadRequest as error:
        return Refused(error.code)
    return {"text": found.text, "low": found.low, "high": found.high}


def test_numbers_of_hashes_and_back() -> None:
    numbers = ask_page([{"do": "write receipt number", "hash": one} for one in HASHES])
    assert numbers == [receipt_number(Hash(one)) for one in HASHES]
    found = ask_page([{"do": "read receipt number", "text": one} for one in numbers])
    assert found == [in_python(one) for one in numbers]


def test_numbers_as_people_type_them() -> None:
    found = ask_page([{"do": "read receipt number", "text": one} for one in TYPED])
    assert found == [in_python(one) for one in TYPED]
    assert sum(not isinstance(one, Refused) for one in found) == 11


@settings(max_examples=10, deadline=None)
@given(st.lists(st.text(ALPHABET, min_size=13, max_size=13) | st.text(max_size=15), min_size=100, max_size=100))
def test_any_text(texts: list[str]) -> None:
    assert ask_page([{"do": "read receipt number", "text": one} for one in texts]) == [in_python(one) for one in texts]
