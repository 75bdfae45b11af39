"""R4 and R5: wires that carry nothing, in one direction or both, and wires that carry little or late."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

from mvchain.chaos.proxy import Way
from mvchain.chaos.stage import HEIGHTS, Stage

SETTLED_S = 2.0
"""After a cut: what had arrived before is dealt with."""
FLAP_S = 2.0
SLOW_BYTES_PER_S = 1_024.0
SLOW_DELAY_S = 0.5
"""In each direction: a round trip of one second."""
SLOW_LOSS = 0.05
MAX_RATIO = 2.0
"""Of the block interval with a slow peer to that before."""
LEAST_INTERVAL_S = 0.25
"""Below, the interval is that of ballots and of a machine that does other things."""


async def isolate(stage: Stage, seconds: float) -> None:
    """R4: one node is cut off from all others; it commits nothing and they go on."""
    alone = stage.some_node()
    others = [number for number in stage.numbers if number != alone]
    await _cut(stage, [[alone], others], seconds, going_on=others)


async def halve(stage: Stage, seconds: float) -> None:
    """R4: two halves, none of which has a quorum: nobody commits anything."""
    shuffled = stage.random.sample(stage.numbers, len(stage.numbers))
    half = len(shuffled) // 2
    await _cut(stage, [shuffled[:half], shuffled[half:]], seconds, going_on=())


async def one_way(stage: Stage, seconds: float) -> None:
    """R4: a node hears the others and is not heard; they go on without it."""
    mute = stage.some_node()
    others = [number for number in stage.numbers if number != mute]
    stage.cluster.links.hold([mute], others)
    try:
        await _goes_on(stage, others, seconds)
    finally:
        stage.cluster.links.heal()


async def flap(stage: Stage, seconds: float) -> None:
    """R4: a node is cut off and back again every two seconds."""
    shaky = stage.some_node()
    others = [number for number in stage.numbers if number != shaky]
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    try:
        while loop.time() < until:
            stage.cluster.split([[shaky], others])
            await asyncio.sleep(FLAP_S)
            stage.cluster.links.heal()
            await asyncio.sleep(FLAP_S)
    finally:
        stage.cluster.links.heal()


async def _cut(stage: Stage, groups: list[list[int]], seconds: float, going_on: Collection[int]) -> None:
    stage.cluster.split(groups)
    minority = [number for group in groups for number in group if number not in going_on]
    try:
        await asyncio.sleep(SETTLED_S)
        before = await stage.heights(minority)
        if going_on:
            await _goes_on(stage, going_on, seconds - SETTLED_S)
        else:
            await asyncio.sleep(seconds - SETTLED_S)
        after = await stage.heights(minority)
        stage.expect(before == after, f"I1: a minority committed: from heights {before} to {after}")
    finally:
        stage.cluster.links.heal()


async def _goes_on(stage: Stage, numbers: Collection[int], seconds: float) -> None:
    top = max((await stage.heights(numbers)).values())
    await asyncio.sleep(max(0.0, seconds))
    await stage.reach(top + HEIGHTS, numbers)


def slow(change: Callable[[Way], None]) -> Callable[[Stage, float], Awaitable[None]]:
    """R5: the wires of one node are slow; the others make blocks as before."""

    async def strike(stage: Stage, seconds: float) -> None:
        number = stage.some_node()
        others = [other for other in stage.numbers if other != number]
        before = await interval_s(stage, others, seconds / 2)
        for way in stage.cluster.wires.ways_of(number):
            change(way)
        try:
            during = await interval_s(stage, others, seconds)
        finally:
            stage.cluster.wires.heal()
        most = MAX_RATIO * max(before, LEAST_INTERVAL_S)
        stage.expect(during <= most, f"R5: a block took {during:.2f} s with a slow peer, {before:.2f} s before")

    return strike


async def interval_s(stage: Stage, numbers: Collection[int], seconds: float) -> float:
    """From block to block, on average, in so many seconds."""
    before = max((await stage.heights(numbers)).values())
    await asyncio.sleep(seconds)
    after = max((await stage.heights(numbers)).values())
    return seconds / max(1, after - before)


def _thin(way: Way) -> None:
    way.bytes_per_s = SLOW_BYTES_PER_S


def _late(way: Way) -> None:
    way.delay_s = SLOW_DELAY_S


def _lossy(way: Way) -> None:
    way.loss = SLOW_LOSS


thin, late, lossy = slow(_thin), slow(_late), slow(_lossy)
