"""A whole run: faults one after the other, each on a network with load, the check after each, and the report."""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from mvchain.chaos.fault import Extent, Fault, Result
from mvchain.chaos.stage import RECOVERY_S, Setting, Stage, on_stage
from mvchain.chaos.table import lines
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, MvchainError
from mvchain.demo.progress import Narrator

SPARE_S: Final = 15.0
"""For which there are ballots in each run, beside those for its own time: for what comes between and the recovery."""
SPARE_AT_END_S: Final = 90.0
CHECK_EVERY: Final = 10
"""Runs, beside after the last: what went wrong is found near to where it did."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    faults: Sequence[Fault]
    quick: bool
    """The short selection on as few networks as can be."""
    runs: int | None
    """Of each fault, instead of what the catalogue says."""
    seconds: float | None
    """Of each run, likewise."""
    per_s: float
    """Ballots."""
    seed: int
    json_out: Path | None
    keep: bool
    minutes: float = 0.0
    """For which runs of a fault go on, instead of their number."""

    def extent(self, fault: Fault) -> Extent:
        """How much of a fault."""
        found = fault.quick if self.quick and fault.quick else fault.full
        seconds = found.seconds if self.seconds is None else self.seconds
        return Extent(self.runs or found.runs, seconds, self.minutes)


def run_chaos(options: Options) -> bool:
    """Do all of it and print the table; whether nothing is wrong.

    Raises:
        BadConfiguration: the report cannot be written.
        KeyboardInterrupt: SIGTERM or Ctrl-C; nothing is left behind.
    """
    narrator = Narrator()
    if options.json_out is not None:
        # Now and not after a long run is the time to find out.
        _write(options.json_out, "")
    started = time.monotonic()
    results: list[Result] = []
    try:
        for group in _groups(options):
            made = [Result(fault.name, options.extent(fault).runs) for fault in group]
            results += made
            _run_group(group, made, options, narrator)
            if options.json_out is not None:
                # After every network: a long run that is ended early has something to show.
                _write(options.json_out, _report(results, time.monotonic() - started))
    finally:
        print(*lines(results, time.monotonic() - started), sep="\n")
    return all(result.ok for result in results)


def _groups(options: Options) -> Iterator[list[Fault]]:
    """Faults that share a network: in the short selection all of one size, else each has its own."""
    if not options.quick:
        yield from ([fault] for fault in options.faults)
        return
    for _, faults in groupby(sorted(options.faults, key=lambda fault: fault.nodes), key=lambda fault: fault.nodes):
        yield list(faults)


def _run_group(group: Sequence[Fault], results: Sequence[Result], options: Options, narrator: Narrator) -> None:
    with _scratch(narrator, options, results) as directory:
        try:
            asyncio.run(_on_one_network(directory, group, results, options, narrator))
        except asyncio.CancelledError:
            # By SIGTERM, which asks for the same as Ctrl-C.
            raise KeyboardInterrupt from None
    for result in results:
        narrator.say(f"{result.name}: {': '.join(filter(None, (result.verdict, '; '.join(result.faults[:3]))))}")


@contextmanager
def _scratch(narrator: Narrator, options: Options, results: Sequence[Result]) -> Iterator[Path]:
    """A directory for the nodes' files, which stay if something is wrong."""
    directory = Path(tempfile.mkdtemp(prefix="mvchain-chaos-"))
    try:
        yield directory
    finally:
        interrupted = isinstance(sys.exception(), KeyboardInterrupt)
        if options.keep or (not interrupted and not all(result.ok for result in results)):
            narrator.say(f"the logs and files of the nodes are in {directory}")
        else:
            shutil.rmtree(directory)


async def _on_one_network(
    directory: Path, group: Sequence[Fault], results: Sequence[Result], options: Options, narrator: Narrator
) -> None:
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    extents = [options.extent(fault) for fault in group]
    lasting = (extent.minutes * 60 or extent.runs * (extent.seconds + SPARE_S) for extent in extents)
    seconds = sum(lasting) + SPARE_AT_END_S
    per_s = max(fault.per_s or options.per_s for fault in group)
    setting = Setting(group[0].nodes, per_s, seconds, options.seed, group[0].namespaces)
    narrator.say(f"starting {setting.nodes} nodes")
    result = results[0]
    try:
        async with on_stage(directory / "network", setting, narrator) as stage:
            for fault, result in zip(group, results, strict=True):
                await _strike(stage, fault, result, options.extent(fault), narrator)
            await stage.count()
            result.faults += stage.faults
    except MvchainError as error:
        # What a fault has to survive did not happen: the row failed, and its network is of no more use.
        result.faults.append(str(error))
    except OSError as error:
        if not setting.namespaces:
            raise
        result.notes, result.wanted = [f"not possible here: {error}"], 0


async def _strike(stage: Stage, fault: Fault, result: Result, extent: Extent, narrator: Narrator) -> None:
    until = time.monotonic() + extent.minutes * 60
    try:
        while time.monotonic() < until if extent.minutes else len(result.recoveries_s) < extent.runs:
            stage.load.resume()
            await fault.strike(stage, extent.seconds)
            result.recoveries_s.append(took := await stage.recovery())
            run = len(result.recoveries_s)
            narrator.say(f"{fault.name}: run {run}, recovered in {took:.1f} s")
            stage.expect(took <= RECOVERY_S, f"I6: the recovery of run {run} took {took:.1f} s")
            if run % CHECK_EVERY == 0:
                await stage.check()
        await stage.check()
        if fault.conclude is not None:
            fault.conclude(stage)
        result.wanted = len(result.recoveries_s)
    finally:
        result.faults += stage.faults
        stage.faults.clear()
        result.notes = [f"{count} x {note}" for note, count in sorted(stage.notes.items())]
        stage.notes.clear()
        result.load_average = os.getloadavg()[0]
        result.most = stage.watch.most()
        result.blocks, result.ballots = len(stage.survey.blocks), len(stage.load.acknowledged)


def _report(results: Sequence[Result], seconds: float) -> str:
    document: dict[str, Any] = {
        "ok": all(result.ok for result in results),
        "seconds": round(seconds, 1),
        "faults": [result.to_json() for result in results],
    }
    return json.dumps(document, indent=2) + "\n"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise BadConfiguration(codes.CANNOT_WRITE, path=path, why=error.strerror) from None
