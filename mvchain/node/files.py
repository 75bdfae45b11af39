"""The one place that changes files: every persistence call of a node goes through a `LocalDisk`.

It is the counted seam of faults section 4 (tests wrap it and crash at the k-th call), and where S17 is kept: the first
call that fails is fatal. After a failed fsync the kernel may have dropped the data and call the next fsync a success,
so nothing is tried again.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BrokenStorage
from mvchain.node.ports import Disk, File

NEW_SUFFIX = ".new"
"""Of a file that will replace another; a crash may leave it behind."""
_DIRECTORY_MODE = 0o700


def atomic_write(disk: Disk, path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file as a whole: after a crash it is the old one or the new one, never a part (CP11–CP13, CP20).

    Durable when it returns. A leftover of an earlier crash beside it is overwritten.

    Raises:
        BrokenStorage: the disk failed; which of the two is there is open.
    """
    new = path.with_name(path.name + NEW_SUFFIX)
    file = disk.create(new, mode)
    disk.write(file, data)
    disk.fsync(file)
    disk.close(file)
    disk.replace(new, path)
    disk.fsync_dir(path.parent)


@dataclass(frozen=True, slots=True)
class LocalFile:
    """An open file of the operating system."""

    path: Path
    descriptor: int


class LocalDisk:
    """The disk of this machine; see `ports.Disk`. One for all parts of a node, so that one failure stops them all."""

    def __init__(self) -> None:
        self._failure: BrokenStorage | None = None

    def read(self, path: Path) -> bytes | None:
        """The whole file; None if there is none."""
        with self._calling("read", path):
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return None

    def mode(self, path: Path) -> int:
        """Permission bits of an existing file."""
        with self._calling("look at", path):
            return path.stat().st_mode & 0o777

    def names(self, directory: Path) -> list[str]:
        """Names in an existing directory, ascending."""
        with self._calling("list", directory):
            return sorted(os.listdir(directory))

    def free_bytes(self, path: Path) -> int:
        """Room left where `path`, an existing directory, lies."""
        with self._calling("look at", path):
            return shutil.disk_usage(path).free

    def make_directory(self, directory: Path) -> None:
        """Make sure it exists, with its parents, for this account alone."""
        if directory.is_dir():
            return
        self.make_directory(directory.parent)
        with self._calling("make", directory):
            directory.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)
        self.fsync_dir(directory.parent)

    def lock(self, path: Path) -> File:
        """Hold the lock file; BadConfiguration if another process, or this one, holds it (KEY07)."""
        file = self._open(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close(file)
            raise BadConfiguration(codes.FILE_IN_USE, path=path) from None
        return file

    def create(self, path: Path, mode: int = 0o600) -> File:
        """A new, empty file, in place of any that is there."""
        file = self._open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, mode)
        with self._calling("set the mode of", path):
            os.fchmod(file.descriptor, mode)  # the umask, or a leftover file, may have given another
        return file

    def open(self, path: Path) -> File:
        """An existing file, to append to."""
        return self._open(path, os.O_WRONLY | os.O_APPEND)

    def write(self, file: File, data: bytes) -> None:
        """Append all of `data`."""
        with self._calling("write", file.path):
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(_descriptor(file), rest) :]

    def truncate(self, file: File, size: int) -> None:
        """Cut to `size` bytes."""
        with self._calling("cut", file.path):
            os.ftruncate(_descriptor(file), size)

    def fsync(self, file: File) -> None:
        """Make the content durable."""
        with self._calling("sync", file.path):
            os.fsync(_descriptor(file))

    def close(self, file: File) -> None:
        """Let go of it; makes nothing durable."""
        os.close(_descriptor(file))

    def replace(self, source: Path, target: Path) -> None:
        """Rename within a directory."""
        with self._calling("replace", target):
            os.replace(source, target)

    def link(self, source: Path, target: Path) -> bool:
        """A second name for the same file; False if `source` is gone."""
        with self._calling("link", target):
            try:
                os.link(source, target, follow_symlinks=False)
            except FileNotFoundError:
                return False
            return True

    def remove(self, path: Path) -> None:
        """Remove a file."""
        with self._calling("remove", path):
            path.unlink()

    def fsync_dir(self, directory: Path) -> None:
        """Make creations, renames and removals in it durable."""
        with self._calling("sync", directory):
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def commit(self, path: Path, write: Callable[[], None]) -> None:
        """Run one all-or-nothing write of the database at `path`; it raises OSError if it fails."""
        with self._calling("write", path):
            write()

    def _open(self, path: Path, flags: int, mode: int = 0o600) -> LocalFile:
        with self._calling("open", path):
            # A link in place of a file could point a write anywhere.
            return LocalFile(path, os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, mode))

    @contextlib.contextmanager
    def _calling(self, operation: str, path: Path) -> Iterator[None]:
        if self._failure is not None:
            raise BrokenStorage(self._failure.cause, **self._failure.data)
        try:
            yield
        except OSError as error:
            why = error.strerror or str(error)
            self._failure = BrokenStorage(codes.DISK_FAILED, operation=operation, path=path, why=why)
            raise self._failure from error


def _descriptor(file: File) -> int:
    assert isinstance(file, LocalFile)
    return file.descriptor
