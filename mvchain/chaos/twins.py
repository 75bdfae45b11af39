"""R8: one validator key on two machines. The second refuses; one that does not is convicted, and nothing forks."""

import asyncio
from pathlib import Path
from typing import Final

from mvchain.chaos.cluster import Launch
from mvchain.chaos.stage import HEIGHTS, Stage
from mvchain.core import codes

NOTICED_S: Final = 120.0
"""Within which a copy of a key notices that another one signs, and a contradiction is in a block."""
RECKLESS: Final = """\
from mvchain.core.types import Height
from mvchain.ledger.block_id import NIL_BLOCK_ID
from mvchain.node.rejoin import Rejoin, Verdict
from mvchain.node.signing import Signing

endorse = Signing.endorse


def endorse_nil(self, kind, height, round_, block, base_ns, index):
    return endorse(self, kind, height, round_, NIL_BLOCK_ID, base_ns, index)


Signing.endorse = endorse_nil
Signing._give_up = lambda self, message: None
Rejoin.verdict = lambda self, next_height: Verdict(Height(0), None)
"""
"""What makes a dishonest node of one: it asks nobody before it signs, and endorses nil whatever is proposed."""


async def second_copy(stage: Stage, _seconds: float) -> None:
    """R8: the home of a node, copied while it was off, is started a second time: the copy gives up and says why."""
    number = stage.some_node()
    twin = await _copied(stage, number)
    mark = stage.cluster.log_size(twin)
    await stage.cluster.start(twin)
    try:
        await _notices(stage, twin, mark)
        others = [other for other in stage.numbers if other != number]
        await stage.reach(await stage.top() + HEIGHTS, others)
    finally:
        await stage.cluster.kill(twin)
    stage.note(f"the second copy gave up with {codes.KEY_USED_TWICE.code}")


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
    stage.cluster.wires.split([[number, *others[:half]], [twin, *others[half:]]])
    await stage.cluster.start(twin, Launch(directory=_reckless(stage.cluster.directory)))
    try:
        before = await stage.heights()
        await asyncio.sleep(seconds)
        after = await stage.heights()
        stage.expect(max(after.values()) <= max(before.values()) + 1, f"I1: a half committed: {before} to {after}")
        stage.cluster.wires.heal()
        await stage.reach(await stage.top() + HEIGHTS, others)
        await _notices(stage, number, mark)
        await stage.reach(await stage.top() + 2 * HEIGHTS, others)
    finally:
        stage.cluster.wires.heal()
        await stage.cluster.kill(twin)
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


async def _notices(stage: Stage, number: int, mark: int) -> None:
    """The node says that its key is in use elsewhere, and signs no more."""
    loop = asyncio.get_running_loop()
    until = loop.time() + NOTICED_S
    while loop.time() < until:
        if codes.KEY_USED_TWICE.code in stage.cluster.log_since(number, mark):
            return
        await asyncio.sleep(0.2)
    stage.expect(False, f"R8: node {number} did not notice within {NOTICED_S:.0f} s that its key is used twice")


def _reckless(directory: Path) -> Path:
    place = directory / "reckless"
    place.mkdir(exist_ok=True)
    (place / "sitecustomize.py").write_text(RECKLESS)
    return place
