"""ALGORITHM.md keeps what it promises: every line of the paper has a test, and every test named there exists."""

import re
from pathlib import Path

import mvchain.consensus
from tests.consensus import test_machine

TEXT = (Path(mvchain.consensus.__file__).parent / "ALGORITHM.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.partition("## Lines and tests")[2].splitlines()
    if line.startswith("| ")
][1:]


def test_every_line_of_the_paper_is_in_the_table() -> None:
    covered: set[int] = set()
    for lines, _, _ in ROWS:
        if match := re.fullmatch(r"(\d+)(?:-(\d+))?", lines):
            covered |= set(range(int(match[1]), int(match[2] or match[1]) + 1))
    assert covered == set(range(1, 68))


def test_every_rule_of_our_own_is_in_the_table() -> None:
    rules = set(re.findall(r"\*\*(K\d+) ", TEXT))
    assert rules == {f"K{i}" for i in range(1, 10)}
    assert rules <= {rule for lines, _, _ in ROWS for rule in lines.split(", ")}


def test_the_tests_named_exist() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    for _, _, tests in ROWS:
        for name in re.findall(r"\btest_\w+\b(?!\.py)", tests):
            assert f"def {name}(" in source, name
        for table in re.findall(r'"([^"]+)"', tests):
            known = [name for name in test_machine.TABLES if name.startswith(table.removesuffix("…").strip())]
            assert known, table
            assert table.endswith("…") or table in test_machine.TABLES, table
