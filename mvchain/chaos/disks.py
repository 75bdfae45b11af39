"""R6, R7 and R9: disks that are full, damaged, or put back to what they were."""

import asyncio
import contextlib
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mvchain.chaos.blocks import FLAG_COMMIT, read_block
from mvchain.chaos.cluster import Launch
from mvchain.chaos.linux import mount_small_disk, unmount
from mvchain.chaos.stage import HEIGHTS, READY_S, Stage
from mvchain.chaos.watch import MIB
from mvchain.core.limits import BALLOT_FREE_DISK_BYTES, MIN_FREE_DISK_BYTES
from mvchain.node.config import Home
from mvchain.node.rejoin import SILENT_HEIGHTS

SMALL_DISK_BYTES: Final = BALLOT_FREE_DISK_BYTES + 128 * MIB
FILE_BYTES: Final = 192 * 1024
"""To which files may grow under a file limit: reached by the log of the database within a few hundred blocks."""
FULL_S: Final = 180.0
"""Within which a node whose disk is full has ended."""
MAX_CUT_BYTES: Final = MIB
"""Jepsen cuts off as much."""
RESYNC_S: Final = 300.0
"""Within which a node has fetched all blocks anew, on a machine that has other things to do as well."""
LAST_LINE: Final = re.compile(r"^MV-\d{4}: .+")
"""What a node says before it ends with status 1."""
OLDER_HEIGHTS: Final = 25
"""How much older than the chain a data directory is that is put back: more than a node stays silent for."""


# --- R6 ---


async def fill(stage: Stage, _seconds: float) -> None:
    """R6: a disk fills: the node takes no ballots, then it ends in order; others go on; with space it is back."""
    number = stage.some_node()
    home = stage.cluster.homes[number].path
    data, aside = home / "data", home / "data.aside"
    await stage.cluster.stop(number)
    data.rename(aside)
    data.mkdir()
    try:
        mount_small_disk(data, SMALL_DISK_BYTES)
    except OSError as error:
        data.rmdir()
        aside.rename(data)
        await stage.cluster.start(number)
        stage.note(f"not possible here: {error}")
        return
    try:
        shutil.copytree(aside, data, dirs_exist_ok=True)
        await stage.cluster.start(number)
        await stage.ready(number)
        filler = data / "filler"
        _fill(filler, (BALLOT_FREE_DISK_BYTES + MIN_FREE_DISK_BYTES) // 2)
        await stage.ails(number, "disk", READY_S)
        await stage.reach(await stage.top() + HEIGHTS, stage.numbers)
        _fill(filler, 0)
        await _ends_alone(stage, number)
        filler.unlink()
        await stage.cluster.start(number)
        await stage.ready(number)
        await stage.cluster.stop(number)
        shutil.rmtree(aside)
        shutil.copytree(data, aside)
    finally:
        if number in stage.cluster.running:
            await stage.cluster.kill(number)
        unmount(data)
    data.rmdir()
    aside.rename(data)
    await stage.cluster.start(number)


def _fill(filler: Path, left_bytes: int) -> None:
    """Until so much is free, or not a byte."""
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while shutil.disk_usage(filler).free > left_bytes or not left_bytes:
            file.write(bytes(MIB))


async def limit_files(stage: Stage, _seconds: float) -> None:
    """R6: no file of one node may grow any more (RLIMIT_FSIZE, which is there without rights)."""
    number = stage.some_node()
    await stage.restart(number, Launch(file_bytes=FILE_BYTES))
    await _ends_alone(stage, number)
    await stage.cluster.start(number)


async def _ends_alone(stage: Stage, number: int) -> None:
    """The node ends in order, with a reason, and the others make blocks without it."""
    mark = stage.cluster.log_size(number)
    status = await stage.ended(number, FULL_S)
    others = [other for other in stage.numbers if other != number]
    _expect_reason(stage, number, status, mark)
    await stage.reach(max((await stage.heights(others)).values()) + HEIGHTS, others)


def _expect_reason(stage: Stage, number: int, status: int | None, mark: int) -> str:
    """That a node ended with status 1 and a line with a code; the line."""
    last = ["", *stage.cluster.log_since(number, mark).splitlines()][-1]
    stage.expect(status == 1, f"I7: node {number} ended with status {status}: {last}")
    stage.expect(bool(LAST_LINE.match(last)), f"I7: node {number} ended without a reason: {last}")
    return last


# --- R7 ---


async def damage(stage: Stage, _seconds: float) -> None:
    """R7: a file of a node that was killed is cut or changed; the node repairs it, or refuses and its remedy helps."""
    number = stage.some_node()
    home = stage.cluster.homes[number]
    await stage.cluster.kill(number)
    what = spoil(home, stage.random)
    outcome = "repaired"
    mark = stage.cluster.log_size(number)
    await stage.cluster.start(number)
    if not await _comes_up(stage, number):
        last = _expect_reason(stage, number, stage.cluster.take_end(number), mark)
        code = last[:7]
        outcome = f"refused with {code}"
        set_aside(home, last)
        await stage.cluster.start(number)
        await stage.ready(number, RESYNC_S)
    stage.note(f"{what}: {outcome}")


async def _comes_up(stage: Stage, number: int) -> bool:
    """Whether the node is ready and can read all that it has; False if it ends instead."""
    asker = stage.askers[number]
    loop = asyncio.get_running_loop()
    until = loop.time() + READY_S
    while number in stage.cluster.running and loop.time() < until:
        if await asker.ready():
            break
        await asyncio.sleep(0.1)
    height = await asker.height() or 0
    for at in range(1, height + 1):
        if number not in stage.cluster.running:
            break
        with contextlib.suppress(Exception):
            await asker.rpc("block", height=str(at))
    return number in stage.cluster.running


def spoil(home: Home, rand: random.Random) -> str:
    """Cut or change one file of a node that is not running; which kind of file, and how."""
    kinds = {
        "log": list(home.log.glob("*.wal")),
        "guard": [home.guard],
        "journal": list(home.journal.glob("*.journal")),
        "MANIFEST": list(home.store.glob("MANIFEST-*")),
        "database log": list(home.store.glob("*.log")),
        "database table": list(home.store.glob("*.ldb")),
    }
    kind = rand.choice([name for name, paths in kinds.items() if any(_has_bytes(path) for path in paths)])
    path = rand.choice([path for path in kinds[kind] if _has_bytes(path)])
    content = bytearray(path.read_bytes())
    if rand.random() < 0.5:
        cut = rand.randint(1, min(len(content), MAX_CUT_BYTES))
        path.write_bytes(content[: len(content) - cut])
        return f"{kind} cut"
    place = rand.randrange(len(content))
    content[place] ^= 1 << rand.randrange(8)
    path.write_bytes(content)
    return f"{kind} changed"


def _has_bytes(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def set_aside(home: Home, reason: str) -> None:
    """What the remedy says: put away what the node named, and with the log its guard (N4, N5)."""
    for path in _named(home, reason):
        if path.exists():
            path.rename(path.with_name(f"{path.name}.aside-{random.randrange(2**32):08x}"))


def _named(home: Home, reason: str) -> Iterator[Path]:
    if str(home.log) in reason:
        yield from (home.log, home.guard)
    elif str(home.guard) in reason:
        yield home.guard
    elif str(home.journal) in reason:
        yield home.journal
    elif str(home.store) in reason:
        yield home.store


# --- R9 ---


async def put_back(stage: Stage, _seconds: float) -> None:
    """R9: a data directory of some time ago, sign guard included, over a live key: silent until it may sign (N4)."""
    number = stage.some_node()
    home = stage.cluster.homes[number]
    backup = home.path / "yesterday"
    await stage.cluster.stop(number)
    shutil.copytree(home.path / "data", backup)
    shutil.copy(home.guard, backup / "guard")
    await stage.cluster.start(number)
    await stage.ready(number)
    await stage.reach(await stage.top() + OLDER_HEIGHTS, stage.numbers)
    await stage.cluster.kill(number)
    shutil.rmtree(home.path / "data")
    shutil.copy(backup / "guard", home.guard)
    (backup / "guard").unlink()
    backup.rename(home.path / "data")
    others = [other for other in stage.numbers if other != number]
    killed_at = max((await stage.heights(others)).values())
    await stage.cluster.start(number)
    await stage.ready(number)
    await _signed_nothing(stage, number, killed_at + 2)


async def _signed_nothing(stage: Stage, number: int, height: int) -> None:
    """None of its precommits is in the commits of the heights that it had to be silent for.

    Args:
        height: of the first commit in which nothing can be from before the node was killed.
    """
    agency = stage.cluster.network.genesis.agencies[number - 1]
    address = next(a for a, key in stage.validators.keys.items() if key == agency.validator_key)
    asker = stage.askers[number]
    for at in range(height, height + SILENT_HEIGHTS - 2):
        commit = read_block(await asker.rpc("block", height=str(at + 1))).last_commit
        signed = any(entry.address == address and entry.flag == FLAG_COMMIT for entry in commit.entries)
        stage.expect(not signed, f"I2: node {number} signed block {at} with yesterday's guard")
