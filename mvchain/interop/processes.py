"""Programs that are not ours, each run with a deadline, its words in a file, and none of its processes left behind."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

STOP_S: Final = 5.0
"""How long a program may take to stop in order; then it is killed."""
MAX_OUTPUT_BYTES: Final = 1024 * 1024
"""What is kept in memory of what a program says; all of it is in its log."""


class Ended(NamedTuple):
    """What became of a program."""

    status: int
    output: str
    """Standard output and standard error, the end of them if it is long."""


@asynccontextmanager
async def started(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """A program in a process group of its own; none of the group is left afterwards.

    Its output is one pipe that has to be read; it has no input.
    """
    merged = {**os.environ, **(environment or {})}
    process = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env=merged, start_new_session=True
    )
    try:
        yield process
    finally:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await process.wait()
        _signal(process, signal.SIGKILL)
        await process.wait()


def _signal(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


async def run(
    command: Sequence[str | Path], log: Path, deadline_s: float, environment: Mapping[str, str] | None = None
) -> Ended:
    """Run a program to its end; what it says is added to `log`.

    Raises:
        TimeoutError: it was not done after `deadline_s`.
    """
    output = b""
    with log.open("ab") as file:
        async with asyncio.timeout(deadline_s), started(command, environment) as process:
            assert process.stdout is not None
            while chunk := await process.stdout.read(65_536):
                file.write(chunk)
                output = (output + chunk)[-MAX_OUTPUT_BYTES:]
            status = await process.wait()
    return Ended(status, output.decode(errors="replace"))
