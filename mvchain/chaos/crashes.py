"""R1 to R3: nodes that are killed, alone and all at once, and nodes that stand still and go on."""

import asyncio

from mvchain.chaos.stage import HEIGHTS, Stage

BETWEEN_S = (1.0, 6.0)
"""From one kill to the next, beside the time that the recovery takes."""


async def kill_one(stage: Stage, _seconds: float) -> None:
    """R1: kill -9 a random node while ballots come in, and start it at once."""
    await asyncio.sleep(stage.random.uniform(*BETWEEN_S))
    await stage.restart(stage.some_node())


async def kill_all(stage: Stage, _seconds: float) -> None:
    """R2: kill -9 all at once, and start them again."""
    await asyncio.sleep(stage.random.uniform(*BETWEEN_S))
    await asyncio.gather(*(stage.cluster.kill(number) for number in stage.numbers))
    for number in stage.numbers:
        await stage.cluster.start(number)


async def stand_still(stage: Stage, seconds: float) -> None:
    """R3: SIGSTOP one node and go on later; the others make blocks meanwhile."""
    number = stage.some_node()
    others = [other for other in stage.numbers if other != number]
    stage.cluster.pause(number)
    try:
        top = max((await stage.heights(others)).values())
        await asyncio.sleep(seconds)
        await stage.reach(top + HEIGHTS, others)
    finally:
        stage.cluster.resume(number)
