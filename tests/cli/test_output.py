"""Times, tables and bars as people see them."""

import time

import pytest

from mvchain.cli.output import bars, counted, facts, local_time, table


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("Asia/Seoul", "2026-03-02 09:00:00 +09:00"), ("UTC", "2026-03-02 00:00:00 +00:00")],
)
def test_times_are_in_the_zone_of_this_machine(monkeypatch: pytest.MonkeyPatch, zone: str, expected: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert local_time(1_772_409_600_999) == expected
    monkeypatch.undo()
    time.tzset()


def test_a_time_that_has_not_come() -> None:
    assert local_time(None) == local_time(0) == "-"


def test_counts_have_commas_and_numbers() -> None:
    assert [counted(n, "ballot") for n in (0, 1, 2, 1_234_567)] == [
        "0 ballots",
        "1 ballot",
        "2 ballots",
        "1,234,567 ballots",
    ]


def test_facts_stand_in_two_columns() -> None:
    assert facts((("a", 1), ("long", "x"))) == "a     1\nlong  x"


def test_bars_are_in_proportion_and_fit_80_columns() -> None:
    shown = bars([("가" * 60, 1_000), ("둘 [b]", 500), ("셋", 0)])
    lengths = [line.count("█") for line in shown.splitlines()]
    assert sum(lengths[:-2]) == 24
    assert lengths[-2:] == [12, 0]
    assert "둘 [b]" in shown
    assert bars([]) == ""
    assert bars([("none", 0)]).count("█") == 0


def test_tables_take_what_they_are_given_literally() -> None:
    shown = table(("no.", "poll"), [(1, "[red]공원[/red]")])
    assert "[red]공원[/red]" in shown
    assert not shown.startswith("\n")
