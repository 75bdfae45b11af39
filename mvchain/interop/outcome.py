"""What came of checks, for people and for programs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from mvchain.interop.checkers import Checker

WIDTH: Final = 100
SHOWN_FAULTS: Final = 5
"""Of one check, on the terminal; the JSON has all."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line: a client, what it was asked to do, how often, and every time it came out otherwise than it should."""

    checker: Checker
    what: str
    count: int
    faults: Sequence[str]

    @property
    def ok(self) -> bool:
        """Whether something was done and all of it came out right."""
        return self.count > 0 and not self.faults

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "client": self.checker.title,
            "version": self.checker.version,
            "what": self.what,
            "count": self.count,
            "faults": list(self.faults),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run."""

    chain_id: str
    chain: Mapping[str, int]
    """What the chain holds, counted."""
    outcomes: Sequence[Outcome]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every check came out right."""
        return all(outcome.ok for outcome in self.outcomes)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "ok": self.ok,
            "chain_id": self.chain_id,
            "chain": dict(self.chain),
            "checks": [outcome.to_json() for outcome in self.outcomes],
            "seconds": round(self.seconds, 1),
        }

    def print(self, console: Console) -> None:
        """For people."""
        console.width = min(console.width, WIDTH)
        facts = ", ".join(f"{count:,} {name}" for name, count in self.chain.items())
        console.print(f"{self.chain_id}: {facts}", markup=False, highlight=False)
        console.print(_table(self.outcomes))
        for fault in _faults(self.outcomes):
            console.print(fault, markup=False, highlight=False)
        verdict = "all came out as they should" if self.ok else "NOT all came out as they should"
        total = sum(outcome.count for outcome in self.outcomes)
        console.print(f"{total:,} checks in {self.seconds:.0f} s: {verdict}", highlight=False)


def _table(outcomes: Iterable[Outcome]) -> Table:
    table = Table("client", "version", "what", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("count", justify="right")
    table.add_column("result")
    for outcome in outcomes:
        result = "ok" if outcome.ok else f"{len(outcome.faults)} WRONG" if outcome.faults else "NOTHING DONE"
        table.add_row(outcome.checker.title, outcome.checker.version, outcome.what, f"{outcome.count:,}", result)
    return table


def _faults(outcomes: Iterable[Outcome]) -> Iterable[str]:
    for outcome in outcomes:
        for fault in outcome.faults[:SHOWN_FAULTS]:
            yield f"{outcome.checker.name}, {outcome.what}: {fault}"
        if (left := len(outcome.faults) - SHOWN_FAULTS) > 0:
            yield f"{outcome.checker.name}, {outcome.what}: and {left} more"
