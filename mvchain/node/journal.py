"""The journal: transactions this node has acknowledged and that have not ended, on disk (N6, CP21, CP22).

Segments `<number>.journal` hold batches of transactions in order of receipt; only the last one grows. A segment goes
when all its transactions have ended. One transaction that waits long, as a ballot of a paused poll does, would keep
16 MiB with it, so once half of the bound is used, closed segments are rewritten in place with what still waits.

Endings are not written down. After a restart `replay` may return transactions that have ended: those in blocks are
known to the store, the others are judged anew, which a refusal allows (N6).
"""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from mvchain.core import codec, codes
from mvchain.core.errors import BadRequest, BrokenStorage, MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.limits import (
    JOURNAL_SEGMENT_BYTES,
    MAX_ARRAY_ITEMS,
    MAX_JOURNAL_BYTES,
    MAX_STORED_RECORD_BYTES,
)
from mvchain.core.types import Hash
from mvchain.node.files import NEW_SUFFIX, atomic_write
from mvchain.node.framing import MARKER_BYTES, Contents, Format, file_header, parse, record
from mvchain.node.ports import Disk, File

_SUFFIX = ".journal"
_BATCH = 1
_FORMAT = Format(
    b"mvchjnl",
    1,
    "Set the file aside and start again: its ballots that are not in a block yet are lost here, so keep it to show "
    "which ones were received.",
)


@dataclass(slots=True)
class _Segment:
    number: int
    path: Path
    marker: bytes
    size: int
    count: int = 0
    """Transactions in it."""
    live: int = 0
    """Of which have not ended."""


class Journal:
    """See `ports.Journal`. `sync` runs in one other thread; appending goes on meanwhile.

    Args:
        segment_bytes: size from which a segment is closed.
        max_bytes: bound on all segments together; more is refused, and from half of it segments are rewritten.

    Raises:
        BrokenStorage: something other than the tail of the last segment is damaged, or the disk failed.
    """

    def __init__(
        self,
        directory: Path,
        disk: Disk,
        segment_bytes: int = JOURNAL_SEGMENT_BYTES,
        max_bytes: int = MAX_JOURNAL_BYTES,
    ) -> None:
        disk.make_directory(directory)
        self._directory = directory
        self._disk = disk
        self._segment_bytes = segment_bytes
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._syncing = threading.Lock()
        self._segments: dict[int, _Segment] = {}
        self._live: dict[Hash, int] = {}
        self._unsynced = True  # what survived a kill may still be in the page cache only
        self._current, self._file = self._open()

    def append(self, txs: Sequence[bytes]) -> None:
        """Add transactions; those that wait already are left out.

        Raises:
            BadRequest: it is full.
        """
        with self._lock:
            fresh = {tx_hash: tx for tx_hash, tx in ((sha256(tx), tx) for tx in txs) if tx_hash not in self._live}
            if not fresh:
                return
            data = _batch(self._current.marker, list(fresh.values()))
            if len(data) + self._bytes() > self._max_bytes:
                raise BadRequest(codes.JOURNAL_FULL, limit=self._max_bytes)
            self._disk.write(self._file, data)
            self._unsynced = True
            segment = self._current
            segment.size += len(data)
            segment.count += len(fresh)
            segment.live += len(fresh)
            self._live.update(dict.fromkeys(fresh, segment.number))

    def sync(self) -> None:
        """Make all that was appended before this call durable; meant for another thread than the event loop's.

        The lock is not held while the disk works, except when a segment is closed: then appending waits for three
        more syncs, once in `segment_bytes`.
        """
        with self._syncing:
            with self._lock:
                file, unsynced, self._unsynced = self._file, self._unsynced, False
            if unsynced:
                self._disk.fsync(file)
            with self._lock:
                full = self._current.size >= self._segment_bytes
                if full:
                    self._next_segment()
            if full:
                self._compact()

    def ended(self, tx_hashes: Iterable[Hash]) -> None:
        """These are committed or rejected and need not be kept; unknown ones are ignored."""
        with self._lock:
            for tx_hash in tx_hashes:
                number = self._live.pop(tx_hash, None)
                if number is not None:
                    segment = self._segments[number]
                    segment.live -= 1
                    self._drop_if_done(segment)

    def replay(self) -> Iterator[bytes]:
        """At start: all that may not have ended, in order of receipt."""
        returned: set[Hash] = set()
        for segment in list(self._segments.values()):
            contents = self._read(segment.number)
            assert contents is not None, "it was whole when the journal was opened"
            for tx in chain.from_iterable(_batches(contents, segment.path)):
                tx_hash = sha256(tx)
                if tx_hash in self._live and tx_hash not in returned:
                    returned.add(tx_hash)
                    yield tx

    def close(self) -> None:
        """Let go of the file."""
        self._disk.close(self._file)

    # --- opening ---------------------------------------------------------------------------------------------

    def _open(self) -> tuple[_Segment, File]:
        names = self._disk.names(self._directory)
        for name in names:
            if name.endswith(_SUFFIX + NEW_SUFFIX):
                self._disk.remove(self._directory / name)  # a rewriting that a crash interrupted
        stems = [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)]
        numbers = sorted(int(stem) for stem in stems if stem.isdecimal())
        torn = False
        if numbers and self._read(numbers[-1]) is None:
            # A segment is synced before anything is written behind its header: this one never held anything.
            self._disk.remove(self._path(numbers.pop()))
        for number in numbers:
            torn = self._load(number, last=number == numbers[-1])
        if numbers:
            current = self._segments[numbers[-1]]
            file = self._disk.open(current.path)
            if torn:
                self._disk.truncate(file, current.size)
        else:
            current, file = self._create(1)
        for segment in list(self._segments.values()):
            if segment is not current and not segment.live:
                del self._segments[segment.number]
                self._disk.remove(segment.path)
        return current, file

    def _load(self, number: int, *, last: bool) -> bool:
        """Register a segment; True if it is the last one and its tail is torn."""
        path = self._path(number)
        contents = self._read(number)
        if contents is None or contents.number != number or (contents.torn and not last):
            raise _damaged(path, "a part of it is missing")
        segment = _Segment(number, path, contents.marker, contents.intact_bytes)
        for tx in chain.from_iterable(_batches(contents, path)):
            segment.count += 1
            tx_hash = sha256(tx)
            if tx_hash not in self._live:  # received again after it had ended, it counts where it stands first
                self._live[tx_hash] = number
                segment.live += 1
        self._segments[number] = segment
        return contents.torn

    # --- segments --------------------------------------------------------------------------------------------

    def _create(self, number: int) -> tuple[_Segment, File]:
        """An empty segment, durable before anything is written to it, so that only its own tail can be torn."""
        segment = _Segment(number, self._path(number), os.urandom(MARKER_BYTES), 0)
        header = file_header(_FORMAT, number, segment.marker)
        file = self._disk.create(segment.path)
        self._disk.write(file, header)
        self._disk.fsync(file)
        self._disk.fsync_dir(self._directory)
        segment.size = len(header)
        self._segments[number] = segment
        return segment, file

    def _next_segment(self) -> None:
        if self._unsynced:
            self._disk.fsync(self._file)  # else a later segment could survive a crash that tears this one
            self._unsynced = False
        self._disk.close(self._file)
        former = self._current
        self._current, self._file = self._create(former.number + 1)
        self._drop_if_done(former)

    def _drop_if_done(self, segment: _Segment) -> None:
        if not segment.live and segment is not self._current:
            del self._segments[segment.number]
            self._disk.remove(segment.path)

    def _compact(self) -> None:
        """Rewrite closed segments of which less than half still waits, if half of the bound is used."""
        with self._lock:
            if self._bytes() <= self._max_bytes // 2:
                return
            sparse = [
                segment
                for segment in self._segments.values()
                if segment is not self._current and 2 * segment.live < segment.count
            ]
        for segment in sparse:
            self._rewrite(segment)

    def _rewrite(self, segment: _Segment) -> None:
        contents = self._read(segment.number)
        if contents is None:
            return  # ended as a whole meanwhile
        batches = [[(sha256(tx), tx) for tx in batch] for batch in _batches(contents, segment.path)]
        with self._lock:
            waiting = [[tx for tx_hash, tx in batch if self._live.get(tx_hash) == segment.number] for batch in batches]
        data = file_header(_FORMAT, segment.number, segment.marker) + b"".join(
            _batch(segment.marker, batch) for batch in waiting if batch
        )
        atomic_write(self._disk, segment.path, data)
        with self._lock:
            segment.size, segment.count = len(data), sum(map(len, waiting))
            if segment.number not in self._segments:  # ended, and removed, before it was put back
                self._disk.remove(segment.path)

    def _bytes(self) -> int:
        return sum(segment.size for segment in self._segments.values())

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:010d}{_SUFFIX}"

    def _read(self, number: int) -> Contents | None:
        path = self._path(number)
        return parse(_FORMAT, self._disk.read(path) or b"", path)


def _batch(marker: bytes, txs: Sequence[bytes]) -> bytes:
    assert len(txs) <= MAX_ARRAY_ITEMS, len(txs)
    return record(marker, _BATCH, codec.encode(txs))


def _batches(contents: Contents, path: Path) -> Iterator[list[bytes]]:
    for _, payload in contents.records:
        try:
            value = codec.decode(payload, "a batch", max_bytes=MAX_STORED_RECORD_BYTES)
        except MvchainError as error:
            raise _damaged(path, error.detail) from None
        if not isinstance(value, tuple):
            raise _damaged(path, "a batch is not an array")
        batch = [tx for tx in value if isinstance(tx, bytes)]
        if len(batch) != len(value):
            raise _damaged(path, "a batch holds something other than transactions")
        yield batch


def _damaged(path: Path, why: str) -> BrokenStorage:
    return BrokenStorage(codes.FILE_DAMAGED, path=path, why=why, remedy=_FORMAT.remedy)
