"""In-memory twins of the disk and the store, for tests and the simulator.

Log, guard, journal and keystore have no twins of their own: they run as they are on a `MemoryDisk`, which keeps apart
what was synced and what was not, so that a crash can take any part of the latter (faults SIM1, S14 to S16).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BrokenStorage
from mvchain.core.types import Hash, Height
from mvchain.ledger.block_id import BlockID
from mvchain.node.ports import Disk, File, StoredBlock

_FREE_BYTES = 1 << 40


@dataclass(slots=True, eq=False)
class _Content:
    data: bytearray
    durable: bytes
    mode: int


@dataclass(frozen=True, slots=True, eq=False)
class _MemoryFile:
    path: Path
    content: _Content


class MemoryDisk:
    """See `ports.Disk`. Every directory exists. Renames and removals survive a crash in the order they were made."""

    def __init__(self) -> None:
        self._files: dict[Path, _Content] = {}
        self._durable: dict[Path, _Content] = {}
        self._pending: list[dict[Path, _Content | None]] = []
        self._locks: set[Path] = set()

    def crash(self, pick: Callable[[int], int]) -> None:
        """Lose the power and start again.

        Args:
            pick: given n, says how many of n unsynced bytes of a file, or of n pending changes to directories, are
                on the disk all the same: 0 to n.
        """
        for change in self._pending[: pick(len(self._pending))]:
            _apply(change, self._durable)
        self._pending.clear()
        self._files = dict(self._durable)
        self._locks.clear()
        for content in self._files.values():
            kept = len(content.durable)
            if content.data.startswith(content.durable):
                kept += pick(len(content.data) - kept)
                content.durable = bytes(content.data[:kept])
            elif pick(1):  # it was cut
                content.durable = bytes(content.data)
            content.data = bytearray(content.durable)

    def read(self, path: Path) -> bytes | None:
        """The whole file; None if there is none."""
        content = self._files.get(path)
        return None if content is None else bytes(content.data)

    def mode(self, path: Path) -> int:
        """Permission bits of an existing file."""
        return self._files[path].mode

    def names(self, directory: Path) -> list[str]:
        """Names in a directory, ascending."""
        return sorted(path.name for path in self._files if path.parent == directory)

    def free_bytes(self, path: Path) -> int:
        """Plenty."""
        return _FREE_BYTES

    def make_directory(self, directory: Path) -> None:
        """Nothing: every directory exists."""

    def lock(self, path: Path) -> File:
        """Hold the lock file; BadConfiguration if it is held."""
        if path in self._locks:
            raise BadConfiguration(codes.FILE_IN_USE, path=path)
        self._locks.add(path)
        return _MemoryFile(path, _Content(bytearray(), b"", 0o600))

    def create(self, path: Path, mode: int = 0o600) -> File:
        """A new, empty file, in place of any that is there."""
        content = _Content(bytearray(), b"", mode)
        self._change({path: content})
        return _MemoryFile(path, content)

    def open(self, path: Path) -> File:
        """An existing file, to append to."""
        return _MemoryFile(path, self._files[path])

    def write(self, file: File, data: bytes) -> None:
        """Append all of `data`."""
        _content(file).data += data

    def truncate(self, file: File, size: int) -> None:
        """Cut to `size` bytes."""
        del _content(file).data[size:]

    def fsync(self, file: File) -> None:
        """Make the content durable."""
        content = _content(file)
        content.durable = bytes(content.data)

    def close(self, file: File) -> None:
        """Let go of it; frees a lock."""
        self._locks.discard(file.path)

    def replace(self, source: Path, target: Path) -> None:
        """Rename within a directory."""
        self._change({target: self._files[source], source: None})

    def remove(self, path: Path) -> None:
        """Remove a file."""
        self._change({path: None})

    def fsync_dir(self, directory: Path) -> None:
        """Make creations, renames and removals in it durable."""
        later = []
        for change in self._pending:
            if any(path.parent == directory for path in change):
                _apply(change, self._durable)
            else:
                later.append(change)
        self._pending = later

    def commit(self, path: Path, write: Callable[[], None]) -> None:
        """Run one all-or-nothing write."""
        write()

    def _change(self, change: dict[Path, _Content | None]) -> None:
        _apply(change, self._files)
        self._pending.append(change)


def _apply(change: Mapping[Path, _Content | None], files: dict[Path, _Content]) -> None:
    for path, content in change.items():
        if content is None:
            files.pop(path, None)
        else:
            files[path] = content


def _content(file: File) -> _Content:
    assert isinstance(file, _MemoryFile)
    return file.content


class _MemoryReading:
    """What can be read of state and transactions."""

    def __init__(self, state: dict[bytes, bytes], blocks: dict[Height, StoredBlock]) -> None:
        self._state = state
        self._blocks = blocks

    def get(self, key: bytes) -> bytes | None:
        """The value of a key of the state."""
        return self._state.get(key)

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys of the state from `start` to before `stop`, ascending, with their values."""
        return iter(sorted(item for item in self._state.items() if start <= item[0] < stop))

    def transaction_at(self, height: Height, index: int) -> bytes:
        """The bytes of a transaction of a saved block."""
        block = self._blocks.get(height)
        if block is None or index >= len(block.txs):
            raise BrokenStorage(codes.TRANSACTION_MISSING, height=height, index=index)
        return block.txs[index]


class MemoryFrozenStore(_MemoryReading):
    """See `ports.FrozenStore`."""

    def close(self) -> None:
        """Let go of it."""


class MemoryStore(_MemoryReading):
    """See `ports.BlockStore`: plain dictionaries, which outlive a crash of the disk they are counted on.

    Args:
        disk: whose `commit` every write goes through, so that a test can crash before or after it.
    """

    def __init__(self, disk: Disk) -> None:
        super().__init__({}, {})
        self._disk = disk
        self._heights: dict[bytes, Height] = {}
        self._locations: dict[Hash, tuple[Height, int]] = {}
        self._rejections: dict[Hash, str] = {}

    @property
    def last_height(self) -> Height:
        """Of the newest block; 0 if there is none."""
        return max(self._blocks, default=Height(0))

    @property
    def base_height(self) -> Height:
        """Of the oldest block; 0 if there is none."""
        return min(self._blocks, default=Height(0))

    def save_block(
        self,
        *,
        height: Height,
        header: bytes,
        txs: Sequence[bytes],
        tx_hashes: Sequence[Hash],
        last_commit: bytes,
        commit: bytes,
        block_id: bytes,
        groups: bytes,
        result_numbers: Sequence[int],
        state_writes: Mapping[bytes, bytes | None],
        evidence: bytes,
    ) -> None:
        """Save the block above the last one, or below the first. A state write of None deletes the key."""
        assert not self._blocks or height in (self.last_height + 1, self.base_height - 1)
        assert len(txs) == len(tx_hashes) == len(result_numbers)
        numbers = tuple(result_numbers)
        block = StoredBlock(height, header, tuple(txs), evidence, last_commit, commit, block_id, groups, numbers)

        def write() -> None:
            self._blocks[height] = block
            self._heights[BlockID.decode(block_id).hash] = height
            self._locations.update((tx_hash, (height, i)) for i, tx_hash in enumerate(tx_hashes))
            self._update(state_writes)

        self._disk.commit(Path(), write)

    def write_state(self, writes: Mapping[bytes, bytes | None]) -> None:
        """Write some of the state without a block."""
        self._disk.commit(Path(), lambda: self._update(writes))

    def wipe(self) -> None:
        """Remove everything."""

        def write() -> None:
            for table in (self._state, self._blocks, self._heights, self._locations, self._rejections):
                table.clear()

        self._disk.commit(Path(), write)

    def frozen(self) -> MemoryFrozenStore:
        """All as it is now."""
        return MemoryFrozenStore(dict(self._state), dict(self._blocks))

    def block(self, height: Height) -> StoredBlock | None:
        """A whole block; None if it is not here."""
        return self._blocks.get(height)

    def header(self, height: Height) -> bytes | None:
        """The header of a block."""
        block = self._blocks.get(height)
        return None if block is None else block.header

    def commit(self, height: Height) -> bytes | None:
        """The precommits that decided a block."""
        block = self._blocks.get(height)
        return None if block is None else block.commit

    def last_commit(self, height: Height) -> bytes | None:
        """The commit for the block before, as the block at this height carries it."""
        block = self._blocks.get(height)
        return None if block is None else block.last_commit

    def evidence(self, height: Height) -> bytes | None:
        """The evidence in a block: its EvidenceList (C57)."""
        block = self._blocks.get(height)
        return None if block is None else block.evidence

    def groups(self, height: Height) -> tuple[bytes, tuple[int, ...]] | None:
        """The roots of a block's groups and its result numbers."""
        block = self._blocks.get(height)
        return None if block is None else (block.groups, block.result_numbers)

    def transactions(self, height: Height, start: int, stop: int) -> tuple[bytes, ...]:
        """The transactions of a saved block from one index to before another."""
        block = self._blocks.get(height)
        return () if block is None else block.txs[start:stop]

    def height_of_block_hash(self, block_hash: Hash) -> Height | None:
        """Where the block with this hash is."""
        return self._heights.get(block_hash)

    def tx_hashes_between(self, low: bytes, high: bytes, limit: int) -> tuple[Hash, ...]:
        """Hashes of up to `limit` committed transactions, those whose first 8 bytes are from `low` to `high`."""
        return tuple(sorted(tx_hash for tx_hash in self._locations if low <= tx_hash[:8] <= high)[:limit])

    def tx_location(self, tx_hash: Hash) -> tuple[Height, int] | None:
        """Height and index of a committed transaction."""
        return self._locations.get(tx_hash)

    def tx_hashes(self, height: Height) -> tuple[Hash, ...]:
        """Of the transactions of a block, in order; none if it is not here."""
        found = [(index, tx_hash) for tx_hash, (at, index) in self._locations.items() if at == height]
        return tuple(tx_hash for _, tx_hash in sorted(found))

    def put_rejection(self, tx_hash: Hash, code: str) -> None:
        """Remember why a received transaction ended without a block."""
        self._rejections[tx_hash] = code

    def drop_rejection(self, tx_hash: Hash) -> None:
        """Forget it again."""
        self._rejections.pop(tx_hash, None)

    def rejections(self) -> Iterator[tuple[Hash, str]]:
        """All that is remembered."""
        return iter(list(self._rejections.items()))

    def _update(self, writes: Mapping[bytes, bytes | None]) -> None:
        for key, value in writes.items():
            if value is None:
                self._state.pop(key, None)
            else:
                self._state[key] = value
