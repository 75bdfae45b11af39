"""R10: clocks that are wrong by an hour: a module that Python runs first in the node moves what the node reads."""

from pathlib import Path
from typing import Final

from mvchain.chaos.cluster import Launch
from mvchain.chaos.stage import HEIGHTS, READY_S, Stage

HOUR_S: Final = 3_600
AHEAD: Final = """\
import time
_now, _now_ns = time.time, time.time_ns
time.time = lambda: _now() + {seconds}
time.time_ns = lambda: _now_ns() + {seconds} * 1_000_000_000
"""


def launch_with_clock(directory: Path, seconds: int) -> Launch:
    """To start a node whose clock is so many seconds ahead; behind if it is negative."""
    place = directory / f"clock{seconds}"
    place.mkdir(exist_ok=True)
    (place / "sitecustomize.py").write_text(AHEAD.format(seconds=seconds))
    return Launch(directory=place)


async def ahead(stage: Stage, _seconds: float) -> None:
    """R10: one node's clock is an hour ahead."""
    await _wrong(stage, HOUR_S)


async def behind(stage: Stage, _seconds: float) -> None:
    """R10: one node's clock is an hour behind."""
    await _wrong(stage, -HOUR_S)


async def _wrong(stage: Stage, seconds: int) -> None:
    """It says that its clock is wrong, and follows all the same, and so does block time, the median of the signers'."""
    number = stage.some_node()
    await stage.restart(number, launch_with_clock(stage.cluster.directory, seconds))
    await stage.reach(await stage.top() + 2 * HEIGHTS, stage.numbers)
    await stage.ails(number, "clock", READY_S)
    await stage.restart(number)
