"""R8: one validator key on two machines. The second refuses; one that does not is convicted, and nothing forks."""

import asyncio
import time
from pathlib import Path
from typing import Final

from mvchain.chaos.asking import Asker
from mvchain.chaos.cluster import Launch
from mvchain.chaos.stage import HEIGHTS, LOOK_AGAIN_S, READY_S, Stage
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration

NOTICED_S: Final = 120.0
"""Within which a copy of a key notices that another one signs, and a contradiction is in a block."""
RECKLESS: Final = """\
from mvchain.core.types import Height
from mvchain.ledger.block_id import NIL_BLOCK_ID
from mvchain.node.rejoin import Rejoin, Verdict
from mvchain.node.signing import Signing

endorse = Signing.endorse


def endorse_nil(self, kind, round_, block, base_ns):
    return endorse(self, kind, round_, NIL_BLOCK_ID, base_ns)


Signing.endorse = endorse_nil
Signing._give_up = lambda self, message: None
Rejoin.verdict = lambda self, *_: Verdict(Height(0), None)
"""
"""What makes a dishonest node of one: it asks nobody before it signs, and endorses nil whatever is proposed."""


async def second_copy(stage: Stage, seconds: float) -> None:
    """R8: the home of a node, copied while it was off, is started a second time: the copy signs nothing or gives up."""
    number = stage.some_node()
    twin = await _copied(stage, number)
    mark = stage.cluster.log_size(twin)
    await stage.cluster.start(twin)
    others = [other for other in stage.numbers if other != number]
    try:
        async with Asker(twin, stage.cluster.api_url(twin)) as asker:
            # To each peer, the two are one node with two connections, and it keeps the later.
            gave_up = await _notices(stage, twin, mark, seconds)
            await stage.reach(await stage.top() + HEIGHTS, others)
            stage.expect(await asker.ails("signing"), f"R8: node {twin}, the second copy, signs")
    finally:
        await _end(stage, twin)
    stage.note(f"gave up with {codes.KEY_USED_TWICE.code}" if gave_up else f"had not begun to sign in {seconds:.0f} s")


async def dishonest_copy(stage: Stage, seconds: float) -> None:
    """R8: a copy without scruples signs the opposite on the other side of a split: evidence, and no fork."""
    number = stage.some_node()
    others = [other for other in stage.numbers if other != number]
    stage.random.shuffle(others)
    half = len(others) // 2
    twin = await _copied(stage, number)
    mark = stage.cluster.log_size(number)
    agency = stage.cluster.network.genesis.agencies[number - 1]
    stage.injected.add(next(a for a, key in stage.validators.keys.items() if key == agency.validator_key))
    stage.cluster.split([[number, *others[:half]], [twin, *others[half:]]])
    await stage.cluster.start(twin, Launch(directory=_reckless(stage.cluster.directory)))
    try:
        before = await stage.heights()
        await _signs(stage, twin)
        await asyncio.sleep(seconds)
        after = await stage.heights()
        stage.expect(max(after.values()) <= max(before.values()) + 1, f"I1: a half committed: {before} to {after}")
        stage.cluster.links.heal()
        await stage.reach(await stage.top() + HEIGHTS, others)
        noticed = await _notices(stage, number, mark, NOTICED_S)
        stage.expect(noticed, f"R8: node {number} did not notice in {NOTICED_S:.0f} s that its key is used twice")
        await stage.reach(await stage.top() + 2 * HEIGHTS, others)
    finally:
        stage.cluster.links.heal()
        await _end(stage, twin)
    # The copy is off: its operator may say so.
    await stage.cluster.stop(number)
    await stage.cluster.start(number, Launch(arguments=("--vouch-no-other-copy-signed",)))
    await stage.ready(number)


async def _copied(stage: Stage, number: int) -> int:
    await stage.cluster.stop(number)
    twin = await stage.cluster.copy(number)
    await stage.cluster.start(number)
    await stage.ready(number)
    return twin


async def _notices(stage: Stage, number: int, mark: int, seconds: float) -> bool:
    """Whether the node says within this time that its key is in use elsewhere."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until:
        if codes.KEY_USED_TWICE.code in stage.cluster.log_since(number, mark):
            return True
        await asyncio.sleep(0.2)
    return False


async def _signs(stage: Stage, twin: int) -> None:
    """Return once the copy is up and signs. Raises BadConfiguration: it does not."""
    started = time.monotonic()
    async with Asker(twin, stage.cluster.api_url(twin)) as asker:
        while await asker.height() is None or await asker.ails("signing"):
            if time.monotonic() - started > READY_S:
                raise BadConfiguration(codes.CHAOS_STANDSTILL, what=f"copy {twin} signs", seconds=READY_S)
            await asyncio.sleep(LOOK_AGAIN_S)


async def _end(stage: Stage, twin: int) -> None:
    """Unless it has ended by itself, which the check will tell."""
    if twin in stage.cluster.running:
        await stage.cluster.kill(twin)


def _reckless(directory: Path) -> Path:
    place = directory / "reckless"
    place.mkdir(exist_ok=True)
    (place / "sitecustomize.py").write_text(RECKLESS)
    return place
