"""Phases with and without readers, while ballots come in, and what the nodes did meanwhile (consensus N10)."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from mvchain.bench.asking import Question
from mvchain.bench.crowd import GATHERING_S, Reading, read_together
from mvchain.bench.figures import percentile
from mvchain.bench.stage import Stage, Use
from mvchain.bench.stream import Acknowledged

READ: Final = 1
"""The node that is read, and that is asked for the times of the blocks."""
NOBODY: Final = Reading(answered=0, busy=0, failed=0, example="", dropped=0, late_s=0.0, cpu_s=0.0, answer_ms=())


class Phase(NamedTuple):
    """What was seen from `start_at` to `stop_at`, as `time.time()` tells them."""

    start_at: float
    stop_at: float
    use: Use
    reading: Reading


async def phase(
    stage: Stage, seconds: float, urls: Sequence[str], questions: Sequence[Question], readers: int
) -> Phase:
    """A phase of so many seconds, with so many readers of the nodes at these URLs or with none."""
    start_at = time.time() + GATHERING_S
    stop_at = start_at + seconds

    async def read() -> Reading:
        return await read_together(urls, questions, readers, start_at, stop_at) if readers else NOBODY

    use, reading = await asyncio.gather(stage.use(start_at, stop_at), read())
    return Phase(start_at, stop_at, use, reading)


@dataclass(frozen=True, slots=True)
class PhaseFigures:
    """Of one phase. Processor times are in seconds per second: 1 is one core all of the time."""

    interval_ms: float
    """Between blocks, in the median."""
    interval_p90_ms: float
    ballots_per_s: float
    """Acknowledged."""
    acknowledged_ms: float
    """From the first sending to the promise, in the median."""
    acknowledged_p90_ms: float
    answered_per_s: float
    """Of the readers' questions; so are the next four."""
    busy_per_s: float
    failed: float
    dropped: float
    answer_ms: float
    node_cpu: float
    """Of the node READ."""
    other_nodes_cpu: float
    """Of the others together."""
    readers_cpu: float
    load_cpu: float
    """Of this process, which casts the ballots."""
    strangers_cpu: float
    """Of everything else on the machine and its host: near zero where the figures can be trusted."""

    @classmethod
    def of(cls, phase: Phase, block_times: Iterable[float], acknowledged: Iterable[Acknowledged]) -> "PhaseFigures":
        """Made of the times of all blocks, ascending, and of all ballots that were acknowledged at any time."""
        start_at, stop_at, use, reading = phase
        seconds = stop_at - start_at
        intervals = intervals_ms(block_times, start_at, stop_at)
        found = [one.took_ms for one in acknowledged if start_at <= one.sent_at < stop_at]
        # Whatever did not happen in this phase took all of it, or longer.
        took_ms = found or [seconds * 1_000]
        nodes = sum(use.nodes.values())
        return cls(
            interval_ms=percentile(intervals, 50),
            interval_p90_ms=percentile(intervals, 90),
            ballots_per_s=len(found) / seconds,
            acknowledged_ms=percentile(took_ms, 50),
            acknowledged_p90_ms=percentile(took_ms, 90),
            answered_per_s=reading.answered / seconds,
            busy_per_s=reading.busy / seconds,
            failed=reading.failed,
            dropped=reading.dropped,
            answer_ms=reading.median_ms,
            node_cpu=use.nodes[READ] / seconds,
            other_nodes_cpu=(nodes - use.nodes[READ]) / seconds,
            readers_cpu=reading.cpu_s / seconds,
            load_cpu=use.this / seconds,
            strangers_cpu=(use.machine - nodes - reading.cpu_s - use.this) / seconds,
        )


def intervals_ms(block_times: Iterable[float], start_at: float, stop_at: float) -> list[float]:
    """From each block of this time to the next one, whenever that came; the whole time if there was none."""
    found = [(after - at) * 1_000 for at, after in pairwise(block_times) if start_at <= at < stop_at]
    return found or [(stop_at - start_at) * 1_000]
