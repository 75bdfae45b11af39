"""Many runs in worker processes: in order of their seeds, with a line of progress, to be resumed later."""

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from mvchain.sim.kinds import SHARES
from mvchain.sim.scenario import MIN_HEIGHTS, Scenario, scenario_of
from mvchain.sim.simulation import Report, simulate

PROGRESS_S: Final = 10.0
CHUNK: Final = 8
"""Seeds of one piece of work."""


@dataclass(slots=True)
class Summary:
    """What a swarm came to."""

    nodes: int
    heights: int
    seeds: int = 0
    virtual_ms: int = 0
    messages: int = 0
    crashes: int = 0
    blocks: int = 0
    seconds: float = 0.0
    violations: list[Report] = field(default_factory=list)

    def add(self, report: Report) -> None:
        """One more run."""
        self.seeds += 1
        self.virtual_ms += report.virtual_ms
        self.messages += report.messages
        self.crashes += report.crashes
        self.blocks += report.height
        if report.violation is not None:
            self.violations.append(report)

    def to_json(self) -> dict[str, Any]:
        """For programs; the violations are in `Progress`."""
        return {
            "commit": git_commit(),
            "nodes": self.nodes,
            "heights": self.heights,
            "seeds": self.seeds,
            "seconds": round(self.seconds, 1),
            "simulated_seconds": self.virtual_ms // 1000,
            "blocks": self.blocks,
            "messages": self.messages,
            "crashes": self.crashes,
        }


def run_seeds(seeds: Iterable[int], nodes: int, heights: int) -> list[Report]:
    """Simulate these seeds in this process."""
    return [simulate(scenario_of(seed, nodes, heights, SHARES)) for seed in seeds]


def swarm(
    seeds: Sequence[int],
    nodes: int,
    heights: int,
    *,
    until_s: float | None = None,
    done: Callable[[Report], None] = lambda report: None,
    tell: Callable[[str], None] = lambda line: None,
) -> Summary:
    """Simulate many seeds on all cores.

    Args:
        until_s: start no more work after so many seconds.
        done: called with each run, in the order of the seeds.
        tell: takes a line of progress now and then, and each violation at once.
    """
    summary = Summary(nodes, heights)
    start_s = last_s = time.monotonic()
    for report in _reports(seeds, nodes, heights, lambda: until_s is None or time.monotonic() - start_s < until_s):
        summary.add(report)
        done(report)
        if report.violation is not None:
            tell(f"seed {report.scenario.seed}: {report.violation}\nrepeat: {report.scenario.command}")
        now_s = time.monotonic()
        summary.seconds = now_s - start_s
        if now_s - last_s >= PROGRESS_S:
            last_s = now_s
            left_s = summary.seconds / summary.seeds * (len(seeds) - summary.seeds)
            tell(f"{summary.seeds} of {len(seeds)} seeds, {len(summary.violations)} violations, {left_s:.0f} s left")
    return summary


def _reports(seeds: Sequence[int], nodes: int, heights: int, goes_on: Callable[[], bool]) -> Iterator[Report]:
    """Reports in the order of the seeds; a few pieces of work are ahead of what is handed out."""
    workers = os.cpu_count() or 1
    pieces = iter([seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK)])
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    ahead: list[Future[list[Report]]] = []
    try:
        while True:
            while len(ahead) < 3 * workers and goes_on() and (piece := next(pieces, None)) is not None:
                ahead.append(pool.submit(run_seeds, list(piece), nodes, heights))
            if not ahead:
                return
            wait(ahead[:1], return_when=FIRST_COMPLETED)
            yield from ahead.pop(0).result()
    finally:
        pool.shutdown(cancel_futures=True)  # what has not begun when somebody interrupts it


def shrink(report: Report, run: Callable[[Scenario], Report] = simulate) -> Report:
    """A smaller scenario that violates the same invariant: fewer kinds of faults, fewer heights."""
    assert report.violation is not None
    smallest = report
    changed = True
    while changed:
        changed = False
        for smaller in _smaller(smallest.scenario):
            found = run(smaller)
            if found.violation is not None and found.violation[:2] == report.violation[:2]:
                smallest, changed = found, True
                break
    return smallest


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    for kind in scenario.kinds:
        yield replace(scenario, kinds=tuple(other for other in scenario.kinds if other != kind))
    if scenario.heights > MIN_HEIGHTS:
        yield replace(scenario, heights=scenario.heights - 1)


def git_commit() -> str | None:
    """The commit of the checkout that this runs from, if it is one."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        found = subprocess.run(  # noqa: S603 - nothing in it comes from outside
            command, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
