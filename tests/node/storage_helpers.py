"""Disks that crash or record, for the tests of storage (faults section 4)."""

from collections.abc import Callable, Iterator
from typing import Any

from mvchain.node.memory import MemoryDisk
from mvchain.node.ports import Disk

PERSISTENCE = ("create", "write", "truncate", "fsync", "replace", "remove", "fsync_dir", "commit")

LOST: tuple[str, Callable[[int], int]] = ("all unsynced is lost", lambda n: 0)
KEPT: tuple[str, Callable[[int], int]] = ("all unsynced is kept", lambda n: n)
TORN: tuple[str, Callable[[int], int]] = ("half of the unsynced is kept", lambda n: n // 2)
AFTERMATHS = (LOST, KEPT, TORN)


class Crash(BaseException):
    """The power goes; nobody catches this."""


class SeamDisk:
    """Passes everything on to `inner` and notes the persistence calls; crashes before or after the one `at`."""

    def __init__(self, inner: Disk, at: int | None = None, *, after: bool = False) -> None:
        self._inner = inner
        self._at = at
        self._after = after
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._inner, name)
        if name not in PERSISTENCE:
            return call

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            here = len(self.calls) - 1 == self._at
            if here and not self._after:
                raise Crash
            result = call(*args, **kwargs)
            if here:
                raise Crash
            return result

        return counted


def crashes(prepare: Callable[[Disk], None], act: Callable[[Disk], None]) -> Iterator[tuple[str, MemoryDisk]]:
    """Every way in which `act`, on a disk that `prepare` filled, can be cut short; yields the disk as it is found
    at the next start. `prepare` itself is taken as durable. Last comes the crash after `act` was through.
    """
    counting = MemoryDisk()
    prepare(counting)
    seam = SeamDisk(counting)
    act(seam)
    for at in range(len(seam.calls) + 1):
        for after in (False, True):
            for what, pick in AFTERMATHS:
                disk = MemoryDisk()
                prepare(disk)
                disk.crash(lambda n: n)
                try:
                    act(SeamDisk(disk, at, after=after))
                except Crash:
                    pass
                else:
                    assert at == len(seam.calls)
                disk.crash(pick)
                yield f"call {at} of {seam.calls}, {'after' if after else 'before'} it, {what}", disk
