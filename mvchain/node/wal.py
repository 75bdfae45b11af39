"""The log of the height being decided: one file for each height, removed when the next one's is durable (N5).

The directory holds one file, or two after a crash between creating the new one and removing the former; then the
newer counts. A torn last record is cut, since it was never synced; damage further up stops the node.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from mvchain.core import codes
from mvchain.core.errors import BrokenStorage
from mvchain.core.types import Height
from mvchain.node.framing import MARKER_BYTES, Format, file_header, parse, record
from mvchain.node.ports import Disk, File

_SUFFIX = ".wal"
_FORMAT = Format(
    b"mvchlog",
    1,
    "Set the log and the sign guard aside and start again: the node then signs nothing for 10 heights (N4).",
)


class Log:
    """See `ports.Log`. Opening cuts a torn tail.

    Raises:
        BrokenStorage: an older record is damaged, or the disk failed.
    """

    def __init__(self, directory: Path, disk: Disk) -> None:
        disk.make_directory(directory)
        self._directory = directory
        self._disk = disk
        self._file: File | None = None
        self._height = Height(0)
        self._marker = b""
        self._found: list[tuple[int, bytes]] = []
        self._count = 0
        self._former: list[Path] = []
        self._new = False
        self._unsynced = False
        for height in sorted(self._heights(), reverse=True):
            if self._height:
                self._former.append(self._path(height))
            else:
                self._open(height)

    def records(self) -> tuple[Height, Sequence[tuple[int, bytes]]]:
        """The height of the log (0 if it is new) and what it held when it was opened, as (kind, payload)."""
        return self._height, self._found

    @property
    def count(self) -> int:
        """Records of this height, those that were found at opening included."""
        return self._count

    def append(self, kind: int, payload: bytes) -> None:
        """Add a record; `kind` from 1 to 255."""
        assert self._file is not None, "start_height comes first"
        self._disk.write(self._file, record(self._marker, kind, payload))
        self._count += 1
        self._unsynced = True

    def sync(self) -> None:
        """Make all appended records durable; the first time for a height, remove the files of the former ones."""
        if not self._unsynced or self._file is None:
            return
        self._disk.fsync(self._file)
        if self._new:
            self._disk.fsync_dir(self._directory)
        for path in self._former:
            self._disk.remove(path)
        self._former.clear()
        self._new = self._unsynced = False

    def start_height(self, height: Height) -> None:
        """Begin the empty log of another height; no more than that if this height's is empty."""
        if height == self._height and not self._count:
            return
        assert height != self._height, "the log of a height is begun once"
        if self._former:
            self.sync()  # heights may follow each other unsynced, on a node that signs nothing; their files go
        if self._file is not None:
            self._disk.close(self._file)
            self._former.append(self._path(self._height))
        self._marker = os.urandom(MARKER_BYTES)
        self._file = self._disk.create(self._path(height))
        self._former = [path for path in self._former if path != self._path(height)]
        self._disk.write(self._file, file_header(_FORMAT, height, self._marker))
        self._height, self._found, self._count = height, [], 0
        self._new = self._unsynced = True

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._disk.close(self._file)
            self._file = None

    def _open(self, height: Height) -> None:
        path = self._path(height)
        contents = parse(_FORMAT, self._disk.read(path) or b"", path)
        if contents is None:
            self._former.append(path)  # made, and never synced: nothing that was in it has left this machine
            return
        if contents.number != height:
            raise BrokenStorage(
                codes.FILE_DAMAGED, path=path, why=f"it is of height {contents.number}", remedy=_FORMAT.remedy
            )
        self._file = self._disk.open(path)
        if contents.torn:
            self._disk.truncate(self._file, contents.intact_bytes)
        self._height, self._marker, self._found = height, contents.marker, contents.records
        self._count = len(contents.records)
        self._new = self._unsynced = True  # what survived a kill may still be in the page cache only

    def _heights(self) -> list[Height]:
        names = [name for name in self._disk.names(self._directory) if name.endswith(_SUFFIX)]
        return [Height(int(stem)) for name in names if (stem := name.removesuffix(_SUFFIX)).isdecimal()]

    def _path(self, height: Height) -> Path:
        return self._directory / f"{height:020d}{_SUFFIX}"
