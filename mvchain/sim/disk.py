"""A disk that fails when it is told to: at a counted persistence call, in a chosen way (faults SIM4, S14 to S17)."""

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from random import Random

from mvchain.core import codes
from mvchain.core.errors import BrokenStorage
from mvchain.node.memory import MemoryDisk
from mvchain.node.ports import File


class PowerCut(BaseException):
    """The power goes; nobody catches this but the simulator."""


class Failure(Enum):
    """What happens at the call."""

    CUT_BEFORE = "the power goes before the call"
    CUT_AFTER = "the power goes after the call"
    NO_SPACE = "No space left on device"
    IO_ERROR = "Input/output error"


class SimulatedDisk(MemoryDisk):
    """A `MemoryDisk` whose persistence calls are counted; one of them can fail.

    As `files.LocalDisk`, it is of no more use once a call has failed with an error (S17); `mend` is a restart.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.forgets = False
        """Whether syncs do nothing though they report success (S16)."""
        self._at = 0
        self._failure: Failure | None = None
        self._broken: BrokenStorage | None = None

    @property
    def total_bytes(self) -> int:
        """In all files."""
        return sum(len(content.data) for content in self._files.values())

    def fail_in(self, calls: int, failure: Failure) -> None:
        """Fail at a persistence call to come, counted from 1."""
        self._at, self._failure = self.calls + calls, failure

    def damage(self, random: Random) -> None:
        """Flip a bit, or lose the last bytes, of a file at rest; call it while the node is down (S16)."""
        paths = sorted(path for path, content in self._files.items() if content.data)
        if not paths:
            return
        content = self._files[random.choice(paths)]
        if random.random() < 0.5:
            at = random.randrange(len(content.data))
            content.data[at] ^= 1 << random.randrange(8)
        else:
            del content.data[-random.randint(1, len(content.data)) :]
        content.durable = bytes(content.data)

    def mend(self) -> None:
        """The next calls succeed."""
        self._failure = self._broken = None

    def create(self, path: Path, mode: int = 0o600) -> File:
        """See `ports.Disk`."""
        self._before(path)
        file = super().create(path, mode)
        self._after()
        return file

    def write(self, file: File, data: bytes) -> None:
        """See `ports.Disk`. A write that fails for want of space has written a part."""
        try:
            self._before(file.path)
        except BrokenStorage:
            super().write(file, data[: len(data) // 2])
            raise
        super().write(file, data)
        self._after()

    def truncate(self, file: File, size: int) -> None:
        """See `ports.Disk`."""
        self._before(file.path)
        super().truncate(file, size)
        self._after()

    def fsync(self, file: File) -> None:
        """See `ports.Disk`."""
        self._before(file.path)
        if not self.forgets:
            super().fsync(file)
        self._after()

    def replace(self, source: Path, target: Path) -> None:
        """See `ports.Disk`."""
        self._before(target)
        super().replace(source, target)
        self._after()

    def remove(self, path: Path) -> None:
        """See `ports.Disk`."""
        self._before(path)
        super().remove(path)
        self._after()

    def fsync_dir(self, directory: Path) -> None:
        """See `ports.Disk`."""
        self._before(directory)
        if not self.forgets:
            super().fsync_dir(directory)
        self._after()

    def commit(self, path: Path, write: Callable[[], None]) -> None:
        """See `ports.Disk`."""
        self._before(path)
        super().commit(path, write)
        self._after()

    def _before(self, path: Path) -> None:
        if self._broken is not None:
            raise self._broken
        self.calls += 1
        if self._failure is None or self.calls != self._at:
            return
        if self._failure is Failure.CUT_BEFORE:
            self._failure = None
            raise PowerCut
        if self._failure is not Failure.CUT_AFTER:
            self._broken = BrokenStorage(codes.DISK_FAILED, operation="write", path=path, why=self._failure.value)
            raise self._broken

    def _after(self) -> None:
        if self._failure is Failure.CUT_AFTER and self.calls == self._at:
            self._failure = None
            raise PowerCut
