"""R10: clocks that are wrong by an hour: a module that Python runs first in the node moves what the node reads."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Final

from mvchain.chaos.cluster import Launch
from mvchain.chaos.stage import HEIGHTS, READY_S, Stage
from mvchain.core import codes

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


async def light_client(stage: Stage, _seconds: float) -> None:
    """R10: a light client two hours behind refuses and says why; to one that is ahead, blocks are two hours old."""
    for seconds, wanted in ((-2 * HOUR_S, codes.FROM_THE_FUTURE.code), (2 * HOUR_S, "")):
        launch = launch_with_clock(stage.cluster.directory, seconds)
        nodes = [word for number in stage.numbers[:2] for word in ("--node", stage.cluster.api_url(number))]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mvchain", "light", *nodes, "--once", "0"),
            *("--genesis", stage.cluster.homes[1].genesis, "--state", stage.cluster.directory / f"trust{seconds}"),
            stdout=PIPE,
            stderr=STDOUT,
            env=launch.environment(),
            cwd=stage.cluster.directory,
        )
        async with asyncio.timeout(READY_S):
            output, _ = await process.communicate()
        said = output.decode(errors="replace")
        right = process.returncode == (1 if wanted else 0) and wanted in said
        stage.expect(right, f"R10: a light client {seconds} s ahead ended with {process.returncode}: {said[-300:]}")
