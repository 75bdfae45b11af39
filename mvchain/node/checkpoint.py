"""A copy of the database as it is at one moment, made beside a node that may be running.

It asks nothing of the node: no lock, no message, no time of its event loop. It rests on how LevelDB writes. Tables
(`.ldb`) never change once they are written, so a second name for the same file is a copy. MANIFEST and the logs only
grow at their end, and LevelDB takes a cut end for a write that a crash interrupted. Files go only after MANIFEST has
named what replaces them. So if MANIFEST has not grown between the first step and the last, everything it names was
there all the time, and the copy is the database at a moment in between; else it is done again. Logs are copied in
their order, so that the last one alone can lack its end. Every block is one batch, so none is there by half (CP2).

Only tables that MANIFEST names get a second name: LevelDB, opening the copy, gives new files the next numbers, and
would write into one that the node is just making.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.node.files import LocalDisk

_TRIES = 20
"""MANIFEST grows about once in 16 MiB of blocks, and a try takes milliseconds."""
_BLOCK_BYTES = 32_768
_HEADER_BYTES = 7
"""LevelDB's log format: blocks of records, each CRC (4), length (2), kind (1: full, 2: first, 3: middle, 4: last)."""
_FULL, _LAST = 1, 4


@contextmanager
def checkpoint(store: Path, disk: LocalDisk) -> Iterator[Path]:
    """The directory of a copy of the database at `store`, for as long as it is used; on the same disk.

    Raises:
        BadConfiguration: there is no database, another copy is being made, or the node writes too fast for one.
        BrokenStorage: the disk failed.
    """
    if not (store / "CURRENT").exists():
        raise BadConfiguration(codes.NOTHING_TO_BACK_UP, path=store)
    lock = disk.lock(store.with_name(store.name + ".copying.lock"))
    copy = store.with_name(store.name + ".copy")
    try:
        for _ in range(_TRIES):
            shutil.rmtree(copy, ignore_errors=True)  # also one that a crash left behind
            disk.make_directory(copy)
            if _copied(store, copy, disk):
                break
        else:
            raise BadConfiguration(codes.STORE_NOT_COPIED, path=store)
        yield copy
    finally:
        shutil.rmtree(copy, ignore_errors=True)
        disk.close(lock)


def _copied(store: Path, copy: Path, disk: LocalDisk) -> bool:
    """One try; False if the database moved on meanwhile."""
    before = _manifest(store, disk)
    if before is None:
        return False
    manifest, edits = before
    for number in _live_tables(edits):
        name = f"{number:06d}.ldb"
        if not disk.link(store / name, copy / name):
            return False
    logs = [name for name in disk.names(store) if name.endswith(".log") and name[:-4].isdecimal()]
    for name in sorted(logs, key=lambda name: int(name[:-4])):
        data = disk.read(store / name)
        if data is None:
            return False
        _write(disk, copy / name, data)
    _write(disk, copy / manifest, edits)
    _write(disk, copy / "CURRENT", f"{manifest}\n".encode())
    return _manifest(store, disk) == before


def _manifest(store: Path, disk: LocalDisk) -> tuple[str, bytes] | None:
    """Name and content of the present MANIFEST; None if it was just replaced, or is damaged."""
    current = disk.read(store / "CURRENT") or b""
    name = current.decode(errors="replace").strip()
    if not name.startswith("MANIFEST-") or not name[9:].isdecimal():
        return None
    data = disk.read(store / name)
    return None if data is None else (name, data)


def _write(disk: LocalDisk, path: Path, data: bytes) -> None:
    file = disk.create(path)
    disk.write(file, data)
    disk.close(file)


# --- what MANIFEST names ---------------------------------------------------------------------------------------


def _live_tables(manifest: bytes) -> set[int]:
    """Numbers of the tables that were added and not removed; checksums are LevelDB's affair when it opens the copy."""
    live: set[int] = set()
    for record in _records(manifest):
        edit = _Edit(record)
        while edit.left():
            tag = edit.number()
            if tag == 1:  # comparator
                edit.skip_text()
            elif tag in (2, 3, 4, 9):  # numbers of the log, the next file, the last write and the former log
                edit.number()
            elif tag == 5:  # where a level was compacted last: level, key
                edit.number()
                edit.skip_text()
            elif tag == 6:  # a removed table: level, number
                edit.number()
                live.discard(edit.number())
            elif tag == 7:  # an added table: level, number, size, first and last key
                edit.number()
                live.add(edit.number())
                edit.number()
                edit.skip_text()
                edit.skip_text()
            else:
                break
    return live


def _records(data: bytes) -> Iterator[bytes]:
    """Whole records; a cut one at the end does not count."""
    offset, parts = 0, b""
    while offset + _HEADER_BYTES <= len(data):
        room = _BLOCK_BYTES - offset % _BLOCK_BYTES
        if room < _HEADER_BYTES:
            offset += room
            continue
        size, kind = int.from_bytes(data[offset + 4 : offset + 6], "little"), data[offset + 6]
        offset += _HEADER_BYTES + size
        if offset > len(data):
            return
        parts += data[offset - size : offset]
        if kind in (_FULL, _LAST):
            yield parts
            parts = b""


class _Edit:
    """Reads one record of MANIFEST: varints, and texts behind their length."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    def left(self) -> bool:
        return self._offset < len(self._data)

    def number(self) -> int:
        value = shift = 0
        while self.left():
            byte = self._data[self._offset]
            self._offset += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        return value

    def skip_text(self) -> None:
        size = self.number()
        self._offset += size
