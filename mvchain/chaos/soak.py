"""R15: faults at random on one network for a long time, and how the memory of a node grows that none of them ends."""

from collections.abc import Sequence
from statistics import linear_regression
from typing import Final

from mvchain.chaos import clocks, crashes, disks, partitions
from mvchain.chaos.fault import Extent, Fault
from mvchain.chaos.stage import Stage
from mvchain.chaos.watch import MIB, Use

POOL: Final = (
    Fault("R1", "kill -9 one", crashes.kill_one, Extent(1, 0)),
    Fault("R3", "stopped", crashes.stand_still, Extent(1, 10)),
    Fault("R4", "one cut off", partitions.isolate, Extent(1, 10)),
    Fault("R4", "halves", partitions.halve, Extent(1, 10)),
    Fault("R4", "one way only", partitions.one_way, Extent(1, 10)),
    Fault("R4", "flapping", partitions.flap, Extent(1, 12)),
    Fault("R5", "1 KB/s", partitions.thin, Extent(1, 10)),
    Fault("R5", "5 % loss", partitions.lossy, Extent(1, 10)),
    Fault("R6", "file limit", disks.limit_files, Extent(1, 0)),
    Fault("R7", "cut and changed files", disks.damage, Extent(1, 0)),
    Fault("R9", "yesterday's data", disks.put_back, Extent(1, 0)),
    Fault("R10", "clock an hour ahead", clocks.ahead, Extent(1, 0)),
)
SPARED: Final = 1
"""The node that no fault ends, for its memory."""
WARM_SHARE: Final = 0.25
"""Of the samples, at the beginning: caches and pools fill up."""
MAX_SLOPE_BYTES_PER_H: Final = 64 * MIB
"""Less than a node could keep up for a day within its cap; allocators and caches of the chain account for some."""
LEAST_S: Final = 600.0
"""Below, a slope says nothing."""


async def strike_at_random(stage: Stage, _seconds: float) -> None:
    """One fault of the pool, at any node but the spared one."""
    stage.spared = SPARED
    fault = stage.random.choice(POOL)
    stage.note(fault.name)
    await fault.strike(stage, fault.full.seconds)


def slope_bytes_per_h(samples: Sequence[Use]) -> float:
    """How the memory grows after the node has warmed up, by least squares."""
    warm = samples[int(len(samples) * WARM_SHARE) :]
    slope, _ = linear_regression([use.at for use in warm], [use.resident_bytes for use in warm])
    return slope * 3_600


def conclude(stage: Stage) -> None:
    """Keep the slope as a note, and as a fault if it is too steep."""
    samples = stage.watch.samples[SPARED]
    slope = slope_bytes_per_h(samples)
    stage.note(f"memory of node {SPARED}: {slope / MIB:+.1f} MiB/h")
    if samples[-1].at - samples[0].at >= LEAST_S:
        stage.expect(slope <= MAX_SLOPE_BYTES_PER_H, f"I7: memory grows by {slope / MIB:.0f} MiB an hour")


SOAK: Final = Fault("R15", "soak", strike_at_random, Extent(1, 0), conclude=conclude)
