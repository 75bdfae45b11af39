"""Figures of a measurement: percentiles, medians of runs, and what people see of them in 80 columns."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 80
_GAP: Final = 2
"""Spaces between two columns of a table."""


def percentile(values: Iterable[float], percent: float) -> float:
    """The least of the values, at least one, that so many percent of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    assert ordered, "no value"
    assert 0 < percent <= 100, percent
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]


@dataclass(frozen=True, slots=True)
class Runs:
    """One figure as it came out of each run: the median counts, the least and the most say how far to trust it."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The figure (performance P5)."""
        return statistics.median(self.values)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        least, most, runs = min(self.values), max(self.values), list(map(rounded, self.values))
        return {"median": rounded(self.median), "least": rounded(least), "most": rounded(most), "runs": runs}

    def __str__(self) -> str:
        return short(self.median)


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure is to reach, both in its unit; less is better (performance P3)."""

    floor: float
    goal: float

    def verdict(self, value: float) -> str:
        """How far the value comes."""
        if value <= self.goal:
            return "goal"
        return "floor" if value <= self.floor else "MISSED"

    def to_json(self, value: float) -> dict[str, Any]:
        """For programs, with what this value reaches."""
        return {"floor": self.floor, "goal": self.goal, "verdict": self.verdict(value)}


def rounded(value: float) -> float:
    """With four digits, which is more than any measurement here is worth; whole numbers as they are."""
    return value if isinstance(value, int) else float(f"{value:.4g}")


def short(value: float) -> str:
    """For people: three digits, or all that a whole number has."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{value:.{min(digits, 3)}f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table with a rule below its head: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for row in (head, ["-" * width for width in widths], *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append((" " * _GAP).join(cells).rstrip())
    return lines
