"""What a fault is, and what came of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

from mvchain.chaos.stage import Stage


class Extent(NamedTuple):
    """How much of a fault there is."""

    runs: int
    seconds: float
    """Of one run, for faults that last."""
    minutes: float = 0.0
    """For which runs go on, instead of their number; 0: their number counts."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table."""

    code: str
    """Of the catalogue: `R1`."""
    what: str
    strike: Callable[[Stage, float], Awaitable[None]]
    """Does it and undoes it, in so many seconds; keeps on the stage what is wrong."""
    full: Extent
    quick: Extent | None = None
    """In the short selection; None if it is not in it."""
    nodes: int = 4
    per_s: float | None = None
    """Ballots; None for the rate that the command line says."""
    namespaces: bool = False
    """Whether the nodes have to be in network namespaces of their own."""
    conclude: Callable[[Stage], None] | None = None
    """What is looked at after all runs, beside what always is."""

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.code} {self.what}" if self.nodes == 4 else f"{self.code} {self.what} (n={self.nodes})"


@dataclass
class Result:
    """What came of one fault."""

    name: str
    wanted: int
    """Runs."""
    recoveries_s: list[float] = field(default_factory=list)
    """Of the runs that were done."""
    faults: list[str] = field(default_factory=list)
    most: Mapping[str, int] = field(default_factory=dict)
    """What a node used at most."""
    notes: Sequence[str] = ()
    load_average: float = 0.0
    """Of the machine in the last minute, when the runs were done: more than its cores makes recoveries slow."""
    blocks: int = 0
    ballots: int = 0
    """Acknowledged."""

    @property
    def ok(self) -> bool:
        """Whether all runs were done and nothing is wrong."""
        return not self.faults and len(self.recoveries_s) == self.wanted

    @property
    def verdict(self) -> str:
        """In a word; "-" if it was interrupted before anything was wrong."""
        return "FAILED" if self.faults else "ok" if self.ok else "-"

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "fault": self.name,
            "ok": self.ok,
            "runs": len(self.recoveries_s),
            "runs_wanted": self.wanted,
            "recoveries_s": [round(each, 2) for each in self.recoveries_s],
            "recovery_median_s": round(median(self.recoveries_s), 2) if self.recoveries_s else None,
            "recovery_max_s": round(max(self.recoveries_s), 2) if self.recoveries_s else None,
            "faults": self.faults,
            "most_of_a_node": dict(self.most),
            "load_average": round(self.load_average, 1),
            "blocks": self.blocks,
            "ballots_acknowledged": self.ballots,
            "notes": list(self.notes),
        }
