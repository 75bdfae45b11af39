"""Every number of the catalogue of faults has a test, and every test that is named for one is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.faults import index

TESTS = Path(__file__).resolve().parents[1]
TABLES = (
    index.ATTACKS,
    index.SIMULATION,
    index.MUTANTS,
    index.SCHEDULES,
    index.CRASH_POINTS,
    index.REAL_PROCESSES,
)
NUMBERS = (
    *(f"ATK{n:02}" for n in range(1, 40)),
    *(f"S{n}" for n in range(1, 26)),
    *(f"M{n}" for n in range(1, 7)),
    *(f"NS{n}" for n in range(1, 10)),
    *(f"CP{n}" for n in range(1, 25)),
    *(f"R{n}" for n in range(1, 15)),
)
"""Of the catalogue as it stood when this was written; R15 and R16 are runs of hours, not tests."""
RUNS_OF_HOURS = frozenset({"R15", "R16"})


@cache
def functions(path: Path) -> dict[str, str]:
    """The tests of a file, with their docstrings."""
    if not path.is_file():
        return {}
    found = ast.walk(ast.parse(path.read_text()))
    definitions = (node for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name: ast.get_docstring(node) or "" for node in definitions if node.name.startswith("test_")}


def named_here() -> dict[str, list[str]]:
    """By class of attack, the tests of this folder that have its number in their name."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.glob("faults/test_*.py")):
        for name in functions(path):
            for number in re.findall(r"atk\d\d", name):
                found.setdefault(number.upper(), []).append(f"faults/{path.name}::{name}")
    return found


def all_for(number: str) -> list[str]:
    listed = [test for table in TABLES for test in table.get(number, ())]
    return listed + named_here().get(number, [])


def is_there(test: str) -> bool:
    path, _, name = test.partition("::")
    return name in functions(TESTS / path)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_number_has_a_test_that_exists(number: str) -> None:
    found = all_for(number)
    assert all(map(is_there, found)), f"{number} names tests that do not exist"
    assert found or number in index.EXPECTED, f"{number} has no test"


def test_what_is_expected_is_there_as_soon_as_its_file_is() -> None:
    for number, tests in index.EXPECTED.items():
        written = [test for test in tests if (TESTS / test.partition("::")[0]).is_file()]
        assert all(map(is_there, written)), f"{number} names tests that do not exist"


def test_nothing_is_listed_that_is_no_number_or_comes_twice() -> None:
    listed = [number for table in TABLES for number in table]
    assert len(listed) == len(set(listed))
    assert set(listed) | set(index.EXPECTED) <= set(NUMBERS)
    done = [number for number in index.EXPECTED if all_for(number)]
    assert not done, f"{done} have tests now: take them out of EXPECTED"


def test_each_test_of_an_attack_says_in_a_sentence_what_was_done() -> None:
    for number, tests in named_here().items():
        for test in tests:
            path, _, name = test.partition("::")
            text = functions(TESTS / path)[name]
            assert text.startswith("faults "), test
            assert number in text, test


def test_the_numbers_are_those_of_the_catalogue(shared_dir: Path) -> None:
    catalogue = shared_dir / "design/faults.md"
    if not catalogue.is_file():
        pytest.skip("the catalogue is not here; the numbers above are what it had")
    text = catalogue.read_text()
    cases = re.findall(r"^- \*\*((?:ATK|S|R)\d+)(?: [^*]*)?\*\*", text, re.MULTILINE)
    rows = re.findall(r"^\| ((?:CP|M)\d+) \|", text, re.MULTILINE)
    schedules = re.findall(r"\b(NS\d+)\b", text)
    assert {*cases, *rows, *schedules} - RUNS_OF_HOURS == set(NUMBERS)
