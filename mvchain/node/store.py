"""Blocks and state in one LevelDB; the only module that knows plyvel.

| key | value |
|---|---|
| `B` block hash (32) | u48 height |
| `F` | name and version of this format |
| `N` u48 height | msgpack [groups (`ledger.block_groups`), result numbers] |
| `R` tx hash (32) | code of the rejection |
| `T` tx hash (32) | u48 height, u24 index |
| `X` u48 height | msgpack [header, evidence, last commit, commit, block id] |
| `X` u48 height, u24 index | the transaction |
| lower case | the state, see `mvchain.ledger.keyspace` |

Integers are big-endian, so a block is one range: its record, then its transactions. A block, its indexes, results and
state go into one synced batch (CP2 to CP8): LevelDB writes a batch as one checksummed log record, and a torn one at the
end of its log counts as not written.

The options, measured with 200,000 ballots of 112 bytes in blocks of 2,500, four records each:

- bloom filters, 10 bits a key: without them a get takes twice as long, absent keys included, and each ballot asks for
  its own hash before it is taken;
- write buffer 16 MiB: with 4 MiB the slowest block took 150 ms instead of 40, since compactions come more often;
- blocks of 16 KiB: 3 % less disk and faster scans than with 4 KiB, gets as fast;
- snappy: keys and signatures do not compress, but LevelDB's own bytes around each record do: 14 bytes less a ballot,
  for a time that is lost in the noise;
- cache 16 MiB: the state keeps its own; more brought nothing;
- checksums on every read, and paranoid checks when the log is read: a few percent, and damage is named instead of
  skipped (faults S16).

So a ballot costs about 6 µs and 235 bytes beside its part in the block's record, 112 of them its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import plyvel

from mvchain.core import codec, codes
from mvchain.core.errors import BrokenStorage, MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.limits import MAX_BLOCK_RECORD_BYTES, MAX_BLOCK_UNITS, MIN_FREE_DISK_BYTES
from mvchain.core.types import Hash, Height
from mvchain.ledger.block_id import BlockID
from mvchain.node.ports import Disk, StoredBlock

_FORMAT_KEY = b"F"
_FORMAT_NAME = "mvchain-store"
_VERSION = 3
_MAX_FORMAT_BYTES = 64
_BLOCK_KEY_BYTES = 7
_HASH_BYTES = 32
_WIPED_AT_ONCE = 50_000
_MIB = 1024 * 1024
_OPTIONS = {
    "create_if_missing": True,
    "paranoid_checks": True,
    "bloom_filter_bits": 10,
    "write_buffer_size": 16 * _MIB,
    "block_size": 16 * 1024,
    "lru_cache_size": 16 * _MIB,
    "compression": "snappy",
}


class _Reading:
    """What can be read at one moment: of the database as it is, or of a snapshot of LevelDB's."""

    def __init__(self, path: Path, source: Any) -> None:
        self._path = path
        self._source = source

    def get(self, key: bytes) -> bytes | None:
        """The value of a key."""
        try:
            value: bytes | None = self._source.get(key, verify_checksums=True)
        except plyvel.Error as error:
            raise self._damaged(_text(error)) from error
        return value

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys from `start` to before `stop`, ascending, with their values, as they were at the first step."""
        try:
            with self._source.iterator(start=start, stop=stop, verify_checksums=True) as items:
                yield from items
        except plyvel.Error as error:
            raise self._damaged(_text(error)) from error

    def transaction_at(self, height: Height, index: int) -> bytes:
        """The bytes of a transaction of a saved block.

        Raises:
            BrokenStorage: it is not here.
        """
        found = self.get(_block_key(height) + index.to_bytes(3, "big"))
        if found is None:
            raise BrokenStorage(codes.TRANSACTION_MISSING, height=height, index=index)
        return found

    def _damaged(self, why: str) -> BrokenStorage:
        return BrokenStorage(codes.STORE_DAMAGED, path=self._path, why=why)


class FrozenStore(_Reading):
    """See `ports.FrozenStore`."""

    def close(self) -> None:
        """Let go of it; before the store is closed."""
        self._source.close()


class Store(_Reading):
    """See `ports.BlockStore`. Holds the database, and a lock file beside it, until it is closed.

    Args:
        path: directory of the database; made if it is not there.

    Raises:
        BadConfiguration: another process holds it.
        BrokenStorage: it is damaged, foreign, of a newer format, or the disk is nearly full.
    """

    def __init__(self, path: Path, disk: Disk) -> None:
        super().__init__(path, None)
        self._disk = disk
        disk.make_directory(path)
        self._lock = disk.lock(path.with_name(path.name + ".lock"))
        try:
            self._check_room()
            self._db = self._source = self._open()
            self._check_format()
            self._base_height = self._end_of_chain(newest=False)
            self._last_height = self._end_of_chain(newest=True)
        except MvchainError:
            self.close()
            raise

    @property
    def last_height(self) -> Height:
        """Of the newest block; 0 if there is none."""
        return self._last_height

    @property
    def base_height(self) -> Height:
        """Of the oldest block; 0 if there is none."""
        return self._base_height

    def close(self) -> None:
        """Let another process have it."""
        if hasattr(self, "_db"):
            self._db.close()
        self._disk.close(self._lock)

    # --- writing ---------------------------------------------------------------------------------------------

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
        """Save the block above the last one, or below the first. A state write of None deletes the key.

        Raises:
            BrokenStorage: the disk failed or is nearly full; the block is not saved, or saved as a whole.
        """
        assert not self._last_height or height in (self._last_height + 1, self._base_height - 1), height
        assert len(txs) == len(tx_hashes) == len(result_numbers)
        self._check_room()
        batch = self._db.write_batch(sync=True)
        place = height.to_bytes(6, "big")
        batch.put(
            b"X" + place,
            codec.encode((header, evidence, last_commit, commit, block_id)),
        )
        # Apart from the rest: 5,000 numbers take longer to decode than all of it, and headers are asked for often.
        batch.put(b"N" + place, codec.encode((groups, tuple(result_numbers))))
        batch.put(b"B" + BlockID.decode(block_id).hash, place)
        for index, (tx, tx_hash) in enumerate(zip(txs, tx_hashes, strict=True)):
            location = place + index.to_bytes(3, "big")
            batch.put(b"X" + location, tx)
            batch.put(b"T" + tx_hash, location)
        _put_state(batch, state_writes)
        self._write(batch)
        self._last_height = max(height, self._last_height)
        self._base_height = min(height, self._base_height or height)

    def write_state(self, writes: Mapping[bytes, bytes | None]) -> None:
        """Write some of the state, or records of this node's own, without a block, durably."""
        batch = self._db.write_batch(sync=True)
        _put_state(batch, writes)
        self._write(batch)

    def fill(self, chunks: Iterable[Sequence[tuple[bytes, bytes]]]) -> None:
        """Write the records of a backup into a new store, which has to be opened anew after it to be durable.

        Raises:
            BrokenStorage: the disk failed or is nearly full.
        """
        for chunk in chunks:
            self._check_room()
            batch = self._db.write_batch()
            for key, value in chunk:
                batch.put(key, value)
            self._write(batch)

    def wipe(self) -> None:
        """Remove everything but the format: a state that came only in part."""
        keys = (key for key, _ in self.scan(b"", b"\xff") if key != _FORMAT_KEY)
        while some := list(islice(keys, _WIPED_AT_ONCE)):
            batch = self._db.write_batch(sync=True)
            for key in some:
                batch.delete(key)
            self._write(batch)
        self._base_height = self._last_height = Height(0)

    def frozen(self) -> FrozenStore:
        """All as it is now."""
        return FrozenStore(self._path, self._db.snapshot())

    def put_rejection(self, tx_hash: Hash, code: str) -> None:
        """Remember why a received transaction ended without a block.

        Not synced: LevelDB's log is sequential, so it is durable with the next block at the latest.
        """
        batch = self._db.write_batch()
        batch.put(b"R" + tx_hash, code.encode())
        self._write(batch)

    # --- blocks ----------------------------------------------------------------------------------------------

    def block(self, height: Height) -> StoredBlock | None:
        """A whole block; None if it is not here."""
        if not self._base_height <= height <= self._last_height:
            return None
        records = [value for _, value in self.scan(_block_key(height), _block_key(Height(height + 1)))]
        if not records:
            return None
        header, evidence, last_commit, commit, block_id = self._decode(height, records[0])
        groups, numbers = self.groups(height) or (b"", ())
        txs = tuple(records[1:])
        if len(txs) != len(numbers):
            raise self._damaged(f"block {height} has {len(txs)} transactions and {len(numbers)} results")
        return StoredBlock(height, header, txs, evidence, last_commit, commit, block_id, groups, numbers)

    def header(self, height: Height) -> bytes | None:
        """The header of a block."""
        value = self._record(height)
        return None if value is None else self._decode(height, value)[0]

    def commit(self, height: Height) -> bytes | None:
        """The precommits that decided a block."""
        value = self._record(height)
        return None if value is None else self._decode(height, value)[3]

    def last_commit(self, height: Height) -> bytes | None:
        """The commit for the block before, as the block at this height carries it."""
        value = self._record(height)
        return None if value is None else self._decode(height, value)[2]

    def evidence(self, height: Height) -> bytes | None:
        """The evidence in a block: its EvidenceList (C57)."""
        value = self._record(height)
        return None if value is None else self._decode(height, value)[1]

    def groups(self, height: Height) -> tuple[bytes, tuple[int, ...]] | None:
        """The roots of a block's groups (`ledger.block_groups`) and its result numbers."""
        if not self._base_height <= height <= self._last_height:
            return None
        value = self.get(b"N" + height.to_bytes(6, "big"))
        what = f"the result numbers of block {height}"
        if value is None:
            raise self._damaged(f"{what} are missing")
        try:
            fields = codec.Fields(codec.decode(value, what, max_bytes=MAX_BLOCK_RECORD_BYTES), 2, what)
            groups = fields.blob(0, "groups", MAX_BLOCK_RECORD_BYTES)
            numbers: tuple[Any, ...] = fields.array(1, "numbers", MAX_BLOCK_UNITS)
        except MvchainError as error:
            raise self._damaged(error.detail) from None
        if not set(map(type, numbers)) <= {int}:
            raise self._damaged(f"{what} are not all numbers")
        return groups, numbers

    def transactions(self, height: Height, start: int, stop: int) -> tuple[bytes, ...]:
        """The transactions of a saved block from one index to before another; fewer at its end."""
        first, last = (_block_key(height) + index.to_bytes(3, "big") for index in (start, stop))
        return tuple(value for _, value in self.scan(first, last))

    def height_of_block_hash(self, block_hash: Hash) -> Height | None:
        """Where the block with this hash is."""
        value = self.get(b"B" + block_hash)
        return None if value is None else Height(int.from_bytes(value, "big"))

    def tx_hashes_between(self, low: bytes, high: bytes, limit: int) -> tuple[Hash, ...]:
        """Hashes of up to `limit` committed transactions, those whose first 8 bytes are from `low` to `high`."""
        found = islice(self.scan(b"T" + low, b"T" + high + b"\xff" * _HASH_BYTES), limit)
        return tuple(Hash(key[1:]) for key, _ in found)

    def tx_location(self, tx_hash: Hash) -> tuple[Height, int] | None:
        """Height and index of a committed transaction."""
        value = self.get(b"T" + tx_hash)
        if value is None:
            return None
        return Height(int.from_bytes(value[:6], "big")), int.from_bytes(value[6:], "big")

    def tx_hashes(self, height: Height) -> tuple[Hash, ...]:
        """Of the transactions of a block, in order; none if it is not here."""
        block = self.block(height)
        return () if block is None else tuple(map(sha256, block.txs))

    def drop_rejection(self, tx_hash: Hash) -> None:
        """Forget a rejection again; not synced either."""
        batch = self._db.write_batch()
        batch.delete(b"R" + tx_hash)
        self._write(batch)

    def rejections(self) -> Iterator[tuple[Hash, str]]:
        """All rejections that are remembered."""
        for key, value in self.scan(b"R", b"S"):
            yield Hash(key[1:]), value.decode(errors="replace")

    # --- inside ----------------------------------------------------------------------------------------------

    def _record(self, height: Height) -> bytes | None:
        """A block's record; heights that callers ask for may have any size, keys have not."""
        held = self._base_height <= height <= self._last_height
        return self.get(_block_key(height)) if held else None

    def _open(self) -> Any:
        names = self._disk.names(self._path)
        if "CURRENT" not in names and any(name.endswith((".ldb", ".log")) for name in names):
            raise self._damaged("its file CURRENT is missing")  # LevelDB would begin a new one over the rest
        try:
            return plyvel.DB(str(self._path), **_OPTIONS)
        except plyvel.Error as error:
            raise self._damaged(_text(error)) from error

    def _check_format(self) -> None:
        value = self.get(_FORMAT_KEY)
        if value is None:
            if next(self.scan(b"", b"\xff"), None) is not None:
                raise BrokenStorage(codes.STORE_FOREIGN, path=self._path)
            batch = self._db.write_batch(sync=True)
            batch.put(_FORMAT_KEY, codec.encode((_FORMAT_NAME, _VERSION)))
            self._write(batch)
            return
        try:
            fields = codec.Fields(codec.decode(value, "it", max_bytes=_MAX_FORMAT_BYTES), 2, "it")
            name, version = fields.text(0, "name", _MAX_FORMAT_BYTES), fields.int(1, "version", 1, 1 << 32)
        except MvchainError as error:
            raise self._damaged(error.detail) from None
        if name != _FORMAT_NAME:
            raise BrokenStorage(codes.STORE_FOREIGN, path=self._path)
        if version > _VERSION:
            raise BrokenStorage(codes.NEWER_FORMAT, path=self._path, version=version, known=_VERSION)
        if version < _VERSION:
            raise BrokenStorage(codes.OLDER_FORMAT, path=self._path, version=version, known=_VERSION)

    def _end_of_chain(self, *, newest: bool) -> Height:
        try:
            # Checked as well: a damaged block that is once in LevelDB's cache is not checked again (S16).
            options = {"include_value": False, "verify_checksums": True}
            with self._db.iterator(prefix=b"X", reverse=newest, **options) as keys:
                key = next(keys, None)
        except plyvel.Error as error:
            raise self._damaged(_text(error)) from error
        return Height(0 if key is None else int.from_bytes(key[1:_BLOCK_KEY_BYTES], "big"))

    def _check_room(self) -> None:
        free = self._disk.free_bytes(self._path)
        if free < MIN_FREE_DISK_BYTES:
            raise BrokenStorage(codes.DISK_FULL, path=self._path, free=free, least=MIN_FREE_DISK_BYTES)

    def _write(self, batch: Any) -> None:
        def write() -> None:
            try:
                batch.write()
            except plyvel.Error as error:
                raise OSError(_text(error)) from error

        self._disk.commit(self._path, write)

    def _decode(self, height: Height, value: bytes) -> tuple[bytes, ...]:
        """The five parts of a block's record."""
        what = f"the record of block {height}"
        try:
            fields = codec.Fields(codec.decode(value, what, max_bytes=MAX_BLOCK_RECORD_BYTES), 5, what)
            return tuple(fields.blob(i, "a part", MAX_BLOCK_RECORD_BYTES) for i in range(5))
        except MvchainError as error:
            raise self._damaged(error.detail) from None


def _text(error: plyvel.Error) -> str:
    """What LevelDB says; plyvel hands it on as bytes."""
    reason = error.args[0] if error.args else ""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


def _block_key(height: Height) -> bytes:
    return b"X" + height.to_bytes(6, "big")


def _put_state(batch: Any, writes: Mapping[bytes, bytes | None]) -> None:
    for key, value in writes.items():
        assert key[0] >= 0x61, "keys of the state begin in lower case, those of blocks in upper case"
        if value is None:
            batch.delete(key)
        else:
            batch.put(key, value)
