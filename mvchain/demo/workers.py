"""Work on all cores, in processes that cannot outlive this one by more than the task at hand.

A worker gets all of its tasks when it starts and has nothing to wait for afterwards: once nobody reads its results,
the next one that it hands in ends it.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TypeVar

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration

Task = TypeVar("Task")
Result = TypeVar("Result")

# Not a copy of this process: a copy would hold its pipes open, and it may have threads.
_context = multiprocessing.get_context("spawn")


def cores() -> int:
    """How many processes run at the same time here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_processes(work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[tuple[int, Result]]:
    """What `work` makes of each task, with the position of the task, as they get done.

    `work` is a function of a module; tasks and results are pickled.

    Raises:
        BadConfiguration: a worker ended early, as when the system has no memory left.
    """
    count = min(cores(), len(tasks))
    workers: dict[Connection, SpawnProcess] = {}
    try:
        for first in range(count):
            receiver, sender = _context.Pipe(duplex=False)
            share = (work, tasks[first::count], range(first, len(tasks), count), sender)
            worker = _context.Process(target=_work_off, args=share, daemon=True)
            worker.start()
            # Only the worker holds the other end now, so the pipe ends with the worker.
            sender.close()
            workers[receiver] = worker
        left = len(tasks)
        while left:
            ready = wait(list(workers))
            for receiver in [receiver for receiver in workers if receiver in ready]:
                try:
                    yield receiver.recv()
                    left -= 1
                except EOFError:
                    _check_ended(workers.pop(receiver))
    finally:
        for worker in workers.values():
            worker.terminate()
            worker.join()


def _work_off(
    work: Callable[[Task], Result], tasks: Sequence[Task], positions: Sequence[int], sender: Connection
) -> None:
    """What a worker does: its share of the tasks, one after the other."""
    # Ctrl-C reaches all processes of a terminal; ending this one is then for its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for position, task in zip(positions, tasks, strict=True):
        result = work(task)
        try:
            sender.send((position, result))
        except BrokenPipeError:
            return


def _check_ended(worker: SpawnProcess) -> None:
    worker.join()
    if worker.exitcode != 0:
        raise BadConfiguration(codes.WORKER_ENDED, status=worker.exitcode)
