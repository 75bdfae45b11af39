"""The table of bounds names what is there."""

import re
from importlib import import_module, resources
from pathlib import Path

import pytest

TABLE = resources.files("mvchain.core").joinpath("BOUNDS.md").read_text("utf-8")
TESTS = Path(__file__).parents[1]
NAMED = sorted(set(re.findall(r"`((?:core|node|api|ledger)\.\w+\.\w+)`", TABLE)))
SHOWN = sorted(set(re.findall(r"`((?:node|api|ledger|consensus)/test_\w+\.py)(?:::(\w+))?`", TABLE)))


def test_every_row_has_a_test() -> None:
    assert len(NAMED) > 30
    for row in re.findall(r"^\| .* \|$", TABLE.partition("## What waits")[2], re.MULTILINE):
        assert "test" in row, row


@pytest.mark.parametrize("name", NAMED)
def test_every_bound_is_there(name: str) -> None:
    module, _, attribute = f"mvchain.{name}".rpartition(".")
    assert hasattr(import_module(module), attribute)


@pytest.mark.parametrize(("file", "test"), SHOWN)
def test_every_test_is_there(file: str, test: str) -> None:
    text = (TESTS / file).read_text("utf-8")
    assert re.search(rf"^(async )?def {test or 'test_'}", text, re.MULTILINE)
