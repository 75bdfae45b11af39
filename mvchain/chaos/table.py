"""The table for people: fault, runs, result, recovery; at most 80 columns."""

import textwrap
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from mvchain.chaos.fault import Result

WIDTH: Final = 80
SHOWN_FAULTS: Final = 5
"""Of one row; the JSON has all."""
_ROW: Final = "{:<32} {:>5} {:<6} {:>8} {:>6} {:>8} {:>6}"


def lines(results: Sequence[Result], seconds: float) -> Iterator[str]:
    """The table, what is wrong below it, and the verdict."""
    yield _ROW.format("fault", "runs", "result", "median s", "max s", "ballots", "load")
    yield _ROW.format("-" * 32, "-" * 5, "-" * 6, "-" * 8, "-" * 6, "-" * 8, "-" * 6)
    for result in results:
        times = result.recoveries_s
        figures = (f"{median(times):.1f}", f"{max(times):.1f}") if times else ("-", "-")
        yield _ROW.format(
            result.name, len(times), result.verdict, *figures, result.ballots, f"{result.load_average:.1f}"
        )
    for result in results:
        for fault in result.faults[:SHOWN_FAULTS]:
            yield from textwrap.wrap(f"{result.name}: {fault}", WIDTH, subsequent_indent="    ")
        if (left := len(result.faults) - SHOWN_FAULTS) > 0:
            yield f"{result.name}: and {left} more"
        for note in result.notes:
            yield from textwrap.wrap(f"{result.name}: {note}", WIDTH, subsequent_indent="    ")
    runs = sum(len(result.recoveries_s) for result in results)
    wrong = sum(bool(result.faults) for result in results)
    begun = sum(not result.ok and not result.faults for result in results)
    verdict = f"{wrong} faults were NOT survived as promised" if wrong else "nothing is wrong"
    if begun:
        verdict += f"; {begun} not finished"
    yield f"{len(results)} faults, {runs} runs in {seconds:.0f} s: {verdict}"
