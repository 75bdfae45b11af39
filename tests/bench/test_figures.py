"""mvchain.bench.figures: percentiles, medians of runs, tables."""

import pytest

from mvchain.bench.figures import Runs, Target, percentile, rounded, short, table


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7], 50, 7),
        ([3, 1, 2], 50, 2),
        ([4, 1, 3, 2], 50, 2),
        (range(1, 11), 90, 9),
        (range(1, 101), 99, 99),
        (range(1, 101), 100, 100),
        ([5, 6], 1, 5),
    ],
)
def test_a_percentile_is_the_nearest_rank(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected


def test_of_several_runs_the_median_counts() -> None:
    runs = Runs((3.0, 1.0, 2.00004))
    assert runs.median == 2.00004
    assert runs.to_json() == {"median": 2.0, "least": 1.0, "most": 3.0, "runs": [3.0, 1.0, 2.0]}
    assert Runs((1.0, 4.0)).median == 2.5
    assert str(runs) == "2.00"


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.4, "goal"), (0.5, "goal"), (0.51, "floor"), (2.0, "floor"), (2.01, "MISSED")]
)
def test_less_is_better(value: float, verdict: str) -> None:
    target = Target(2, 0.5)
    assert target.verdict(value) == verdict
    assert target.to_json(value) == {"floor": 2, "goal": 0.5, "verdict": verdict}


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (0.0, "0"), (0.01234, "0.012"), (0.5, "0.500"), (1.234, "1.23"), (98.76, "98.8"), (12_345.6, "12,346")],
)
def test_people_see_three_digits(value: float, shown: str) -> None:
    assert short(value) == shown


def test_programs_see_four_digits_and_whole_numbers_whole() -> None:
    assert rounded(12_345) == 12_345
    assert (rounded(1.23456), rounded(0.000123456), rounded(98_765.4)) == (1.235, 0.0001235, 98_770.0)


def test_a_table_has_its_numbers_to_the_right() -> None:
    assert table(["what", "ms", ""], [["one", "1.00", "goal"], ["another", "12.0", ""]]) == [
        "what       ms",
        "-------  ----  ----",
        "one      1.00  goal",
        "another  12.0",
    ]
