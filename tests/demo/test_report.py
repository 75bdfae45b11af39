"""mvchain.demo.report: when a run has gone well, and how it is shown."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from mvchain.demo import elections
from mvchain.demo.report import Measures, Report

ELECTION = elections.shipped()
MEASURES = Measures(
    committed_per_s=2_000.0,
    verifications_per_s=16_000.0,
    limit_per_s=4_000.0,
    max_resident_bytes=70_000_000,
    disk_bytes_per_ballot=230.0,
    transaction_bytes=115.0,
)
GOOD = Report(
    definition=ELECTION.definition,
    expected=ELECTION.totals,
    totals=ELECTION.totals,
    blanks=[8, 0],
    chain_id="localnet-" + "0" * 32,
    ballots=400,
    seconds=12.3456,
    height=20,
    app_hashes={1: "aa" * 32, 2: "aa" * 32},
    receipts_checked=20,
    receipts_valid=20,
    stranger="MV-6023: No accepted ballot has this id.",
    measures=MEASURES,
)


def printed(report: Report, width: int = 200) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    report.print(console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(
    "fault",
    [
        {"totals": ({**ELECTION.totals[0], "mini": 66}, ELECTION.totals[1])},
        {"app_hashes": {1: "aa" * 32, 2: "ab" * 32}},
        {"receipts_valid": 19},
        {"stranger": None},
    ],
)
def test_each_check_can_fail_the_run(fault: dict[str, Any]) -> None:
    assert GOOD.ok
    bad = replace(GOOD, **fault)
    assert not bad.ok
    assert sum("아님 / NOT" in line for line in printed(bad)) == 1
    assert not any("아님 / NOT" in line for line in printed(GOOD))


def test_the_json_has_what_was_agreed() -> None:
    assert GOOD.to_json() == {
        "nodes": 2,
        "chain_id": "localnet-" + "0" * 32,
        "ballots": 400,
        "seconds": 12.346,
        "height": 20,
        "app_hash": {"1": "aa" * 32, "2": "aa" * 32},
        "questions": [
            {"type": "single", "totals": ELECTION.totals[0]},
            {"type": "approval", "totals": ELECTION.totals[1]},
        ],
        "receipts": {"checked": 20, "valid": 20},
    }


def test_it_fits_80_columns() -> None:
    assert max(cell_len(line) for line in printed(GOOD)) <= 80


def test_no_line_ends_with_spaces() -> None:
    assert [line for line in printed(GOOD) if line != line.rstrip()] == []


def test_equal_totals_share_a_rank_and_bars_are_in_proportion() -> None:
    totals = (
        {"saessak": 48, "kkoma": 24, "mini": 24, "ssingssing": 2, "tongtong": 0, "banjjak": 0},
        ELECTION.totals[1],
    )
    lines = printed(replace(GOOD, totals=totals))
    rows = [line.split() for line in lines if any(name in line for name in ("Sprout", "Tiny", "Mini", "Whizz"))]
    assert [row[0] for row in rows] == ["1", "2", "2", "4"]
    assert [row[-1].count("█") for row in rows] == [24, 12, 12, 1]


def test_blank_answers_have_a_row_where_there_are_any() -> None:
    assert sum("기권 / Blank" in line for line in printed(GOOD)) == 1


def test_measures_are_stated_with_their_limit() -> None:
    lines = "\n".join(printed(GOOD))
    assert "cannot commit more than L" in lines
    assert "2,000 ballots/s" in lines
    assert "0.50" in lines
    assert "70 MB" in lines
    assert MEASURES.ratio == 0.5
