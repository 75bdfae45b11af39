"""The tables of codes hold together: they are an interface (architecture A5)."""

import re
import string
from collections import Counter

import pytest

from mvchain.core import codes
from mvchain.core.errors import Cause

ROWS = {name: row for name, row in vars(codes).items() if isinstance(row, Cause)}


def test_each_code_is_given_out_once() -> None:
    counted = Counter(row.code for row in ROWS.values())
    assert [code for code, times in counted.items() if times > 1] == []


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_a_code_and_two_sentences(name: str) -> None:
    row = ROWS[name]
    assert re.fullmatch(r"MV-[1-6]\d{3}", row.code)
    assert row.title.endswith((".", "}"))  # a list of faults or another error's sentence may come last
    assert row.remedy.endswith((".", "}"))
    for template in (row.title, row.remedy):
        fields = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
        assert all(field.isidentifier() for field in fields)
