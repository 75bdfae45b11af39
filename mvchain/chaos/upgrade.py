"""R14: a rolling restart with a newer version, one node at a time, while old and new ones decide together."""

import re
import shutil
from pathlib import Path
from typing import Final

import mvchain
from mvchain.chaos.cluster import Launch
from mvchain.chaos.stage import HEIGHTS, Stage

PACKAGE: Final = Path(mvchain.__file__).parent


def newer_version(directory: Path, version: str) -> Launch:
    """To start a node of a copy of this package that says it is of this version."""
    copy = directory / f"mvchain-{version}"
    shutil.copytree(PACKAGE, copy / "mvchain", ignore=shutil.ignore_patterns("__pycache__"))
    init = copy / "mvchain" / "__init__.py"
    text, count = re.subn(r'__version__ = ".*"', f'__version__ = "{version}"', init.read_text())
    assert count == 1, init
    init.write_text(text)
    return Launch(directory=copy)


async def roll(stage: Stage, _seconds: float) -> None:
    """R14: every node in turn is stopped in order and started with another version."""
    version = f"{stage.random.randrange(1, 2**16)}.0.0"
    launch = newer_version(stage.cluster.directory, version)
    for number in stage.random.sample(stage.numbers, len(stage.numbers)):
        status = await stage.cluster.stop(number)
        stage.expect(status == 0, f"I7: node {number} stopped with status {status}")
        await stage.cluster.start(number, launch)
        await stage.ready(number)
        shown = (await stage.askers[number].rpc("abci_info"))["response"]["version"]
        stage.expect(shown == version, f"R14: node {number} is of version {shown} and not {version}")
        await stage.reach(await stage.top() + HEIGHTS, stage.numbers)
