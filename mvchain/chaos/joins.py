"""R16: a node with an empty disk joins the running chain by a snapshot, and fills in the past."""

import asyncio
import sys
import time
from asyncio.subprocess import DEVNULL, STDOUT
from typing import Final

from mvchain.chaos.stage import LOOK_AGAIN_S, Stage
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.node.snapshots import FIRST_HEIGHT

JOIN_S: Final = 300.0
"""Within which it has the state of a snapshot; and, once more, all blocks."""


async def join_anew(stage: Stage, _seconds: float) -> None:
    """R16: all that one node knew is gone but its keys and settings; `mvchain join`, and it is a validator again."""
    number = stage.some_node()
    await stage.reach(FIRST_HEIGHT + 1, stage.numbers)
    await stage.cluster.kill(number)
    home = stage.cluster.homes[number]
    for path in (home.path / "data", home.guard):
        path.rename(path.with_name(f"{path.name}.lost-{time.time_ns()}"))
    with stage.cluster.log_path(number).open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mvchain", "join", "--home", str(home.path)),
            stdin=DEVNULL,
            stdout=log,
            stderr=STDOUT,
        )
    try:
        status = await asyncio.wait_for(process.wait(), JOIN_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    stage.expect(status == 0, f"R16: mvchain join ended with status {status}")
    await stage.cluster.start(number)
    await stage.ready(number)
    started = time.monotonic()
    while (await stage.askers[number].get("/v1/status"))["base_height"] != 1:
        if time.monotonic() - started > JOIN_S:
            raise BadConfiguration(codes.CHAOS_STANDSTILL, what=f"node {number} has all blocks", seconds=JOIN_S)
        await asyncio.sleep(LOOK_AGAIN_S)
