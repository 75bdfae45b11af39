"""Blocks and state in LevelDB: one synced batch a block, one scan to read it, damage named (CP2 to CP8, S16, S17).

What a store answers is tested in `test_memory`, for this one and its twin alike.
"""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plyvel
import pytest

from mvchain.core import codec
from mvchain.core.errors import BadConfiguration, BrokenStorage
from mvchain.core.hashing import sha256
from mvchain.core.limits import MIN_FREE_DISK_BYTES
from mvchain.core.types import Height
from mvchain.node import store as store_module
from mvchain.node.files import LocalDisk
from mvchain.node.store import Store
from tests.node.storage_helpers import Crash, SeamDisk, block_id, save


class CountingDB:
    """Passes on to LevelDB, and notes each write batch and iterator."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._db = plyvel_db(*args, **kwargs)
        self.options = kwargs
        self.batches: list[dict[str, Any]] = []
        self.iterators: list[dict[str, Any]] = []
        self.gets: list[dict[str, Any]] = []

    def write_batch(self, **kwargs: Any) -> Any:
        self.batches.append(kwargs)
        return self._db.write_batch(**kwargs)

    def iterator(self, **kwargs: Any) -> Any:
        self.iterators.append(kwargs)
        return self._db.iterator(**kwargs)

    def get(self, key: bytes, **kwargs: Any) -> Any:
        self.gets.append(kwargs)
        return self._db.get(key, **kwargs)

    def close(self) -> None:
        self._db.close()


plyvel_db = plyvel.DB


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Store, CountingDB]:
    made: list[CountingDB] = []

    def make(*args: Any, **kwargs: Any) -> CountingDB:
        made.append(CountingDB(*args, **kwargs))
        return made[-1]

    monkeypatch.setattr(store_module.plyvel, "DB", make)
    store = Store(tmp_path / "chain", LocalDisk())
    return store, made[0]


def test_every_consensus_write_is_one_synced_batch(counted: tuple[Store, CountingDB]) -> None:
    store, db = counted
    assert db.batches == [{"sync": True}]  # the format; CountingDB has no way to write but a batch
    store.write_state({b"a": b"1"})
    for height in (1, 2, 3):
        save(store, height, {b"a": b"%d" % height})
    assert db.batches == [{"sync": True}] * 5


def test_a_block_is_read_with_one_scan_and_one_get(counted: tuple[Store, CountingDB]) -> None:
    store, db = counted
    for height in (1, 2, 3):
        save(store, height)
    db.iterators.clear()
    db.gets.clear()
    assert store.block(Height(2)) is not None
    assert len(db.iterators) == 1
    assert len(db.gets) == 1  # its result numbers


def test_every_read_checks_checksums(counted: tuple[Store, CountingDB]) -> None:
    store, db = counted
    save(store, 1)
    db.iterators.clear()
    store.block(Height(1))
    store.commit(Height(1))
    store.tx_location(sha256(b"absent"))
    list(store.scan(b"a", b"z"))
    assert all(kwargs["verify_checksums"] for kwargs in db.gets + db.iterators)
    assert db.options["paranoid_checks"]


def test_it_is_all_there_when_it_is_opened_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "chain", LocalDisk())
    store.write_state({b"c": b"chain"})
    saved = [save(store, height, {b"p": b"%d" % height}) for height in range(5, 9)]
    store.put_rejection(sha256(b"late"), "MV-1203")
    store.close()
    again = Store(tmp_path / "chain", LocalDisk())
    assert (again.base_height, again.last_height) == (5, 8)
    assert [again.block(block.height) for block in saved] == saved
    assert (again.get(b"c"), again.get(b"p")) == (b"chain", b"8")
    assert dict(again.rejections()) == {sha256(b"late"): "MV-1203"}
    again.close()


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_before_or_after_the_batch_leaves_the_block_out_or_whole(tmp_path: Path, after: bool) -> None:
    disk = SeamDisk(LocalDisk(), after=after)
    store = Store(tmp_path / "chain", disk)
    save(store, 1, {b"p": b"1"})
    assert disk.calls[-2:] == ["commit", "commit"]  # the format and the block: no write goes past the seam
    disk.at = len(disk.calls)
    with pytest.raises(Crash):
        save(store, 2, {b"p": b"2"})
    store.close()
    again = Store(tmp_path / "chain", LocalDisk())
    height = 2 if after else 1
    assert again.last_height == height
    assert again.get(b"p") == b"%d" % height
    assert (again.block(Height(2)) is not None) == after
    again.close()


def copies_with_damage(source: Path, name: str, change: Callable[[bytes], bytes], target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    path = target / name
    path.write_bytes(change(path.read_bytes()))
    return target


@pytest.fixture
def three_blocks(tmp_path: Path) -> tuple[Path, str, list[int]]:
    """A database that was never closed in order: its path, the name of its log, and the log's size after each block."""
    path = tmp_path / "chain"
    store = Store(path, LocalDisk())
    log = next(name for name in os.listdir(path) if name.endswith(".log"))
    sizes = []
    for height in (1, 2, 3):
        save(store, height, {b"p": b"%d" % height})
        sizes.append((path / log).stat().st_size)
    killed = tmp_path / "killed"
    shutil.copytree(path, killed)
    store.close()
    return killed, log, sizes


def test_a_torn_batch_counts_as_not_written(three_blocks: tuple[Path, str, list[int]], tmp_path: Path) -> None:
    path, log, sizes = three_blocks
    for cut in [*range(sizes[1], sizes[2], 41), sizes[2] - 1]:
        torn = copies_with_damage(path, log, lambda data, cut=cut: data[:cut], tmp_path / "torn")  # type: ignore[misc]
        store = Store(torn, LocalDisk())
        assert store.last_height == 2, cut
        assert store.get(b"p") == b"2"
        assert store.block(Height(3)) is None
        save(store, 3, {b"p": b"3"})
        store.close()


def test_damage_in_an_older_batch_stops_with_the_remedy(
    three_blocks: tuple[Path, str, list[int]], tmp_path: Path
) -> None:
    path, log, sizes = three_blocks
    for at in range(sizes[0] + 8, sizes[1], 37):
        damaged = copies_with_damage(
            path,
            log,
            lambda data, at=at: data[:at] + bytes((data[at] ^ 16,)) + data[at + 1 :],  # type: ignore[misc]
            tmp_path / "damaged",
        )
        with pytest.raises(BrokenStorage, match=r"MV-4011.*Corruption: .*Set the directory aside"):
            Store(damaged, LocalDisk())


def test_damage_in_a_table_is_named_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "chain"
    store = Store(path, LocalDisk())
    txs = [b"".join(sha256(bytes([n, i])) for i in range(30)) for n in range(100)]  # these do not compress
    save(store, 1, txs=txs)
    store._db.compact_range()
    store.close()
    table = next(entry for entry in path.iterdir() if entry.suffix == ".ldb")
    data = bytearray(table.read_bytes())
    data[data.index(txs[50])] ^= 1
    table.write_bytes(data)
    store = Store(path, LocalDisk())
    for read in (lambda: store.block(Height(1)), lambda: store.transaction_at(Height(1), 50)):
        with pytest.raises(BrokenStorage, match=r"MV-4011.*checksum"):
            read()
    assert store.transaction_at(Height(1), 0) == txs[0]
    store.close()


@pytest.mark.parametrize("name", ["CURRENT", "MANIFEST"])
def test_a_missing_file_is_not_taken_for_a_new_database(tmp_path: Path, name: str) -> None:
    path = tmp_path / "chain"
    store = Store(path, LocalDisk())
    save(store, 1)
    store.close()
    for entry in path.glob(name + "*"):
        entry.unlink()
    with pytest.raises(BrokenStorage, match="MV-4011"):
        Store(path, LocalDisk())


def test_a_first_start_that_was_cut_short_is_completed(tmp_path: Path) -> None:
    """CP24."""
    path = tmp_path / "chain"
    plyvel.DB(str(path), create_if_missing=True).close()
    store = Store(path, LocalDisk())
    save(store, 1)
    store.close()
    again = Store(path, LocalDisk())
    assert again.last_height == 1
    again.close()


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        (b"something", b"else", "MV-4012"),
        (b"F", codec.encode(("other", 1)), "MV-4012"),
        (b"F", codec.encode(("mvchain-store", 2)), "MV-4008"),
        (b"F", codec.encode(("mvchain-store", 4)), "MV-4003"),
        (b"F", b"\xc1", "MV-4011"),
    ],
)
def test_databases_of_other_versions_are_refused(tmp_path: Path, key: bytes, value: bytes, code: str) -> None:
    path = tmp_path / "chain"
    db = plyvel.DB(str(path), create_if_missing=True)
    db.put(key, value)
    db.close()
    for _ in range(2):  # the second time shows that the lock was given back
        with pytest.raises(BrokenStorage, match=code):
            Store(path, LocalDisk())


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "chain", LocalDisk())
    with pytest.raises(BadConfiguration, match="MV-4004"):
        Store(tmp_path / "chain", LocalDisk())
    store.close()
    Store(tmp_path / "chain", LocalDisk()).close()


class SmallDisk(LocalDisk):
    """Says how much room it has."""

    free = MIN_FREE_DISK_BYTES

    def free_bytes(self, path: Path) -> int:
        return self.free


def test_it_stops_while_there_is_still_room_to_stop(tmp_path: Path) -> None:
    disk = SmallDisk()
    store = Store(tmp_path / "chain", disk)
    save(store, 1)
    disk.free -= 1
    with pytest.raises(BrokenStorage, match=f"MV-4002.*has {MIN_FREE_DISK_BYTES - 1} bytes left"):
        save(store, 2)
    assert store.last_height == 1
    store.close()
    with pytest.raises(BrokenStorage, match="MV-4002"):
        Store(tmp_path / "chain", disk)
    disk.free += 1
    again = Store(tmp_path / "chain", disk)
    save(again, 2)
    again.close()


class FailingBatch:
    def put(self, key: bytes, value: bytes) -> None: ...

    def delete(self, key: bytes) -> None: ...

    def write(self) -> None:
        raise plyvel.IOError("IO error: " + os.strerror(errno.EIO))


def test_a_failed_write_is_final(counted: tuple[Store, CountingDB]) -> None:
    store, db = counted
    save(store, 1)
    write_batch = db.write_batch
    db.write_batch = lambda **kwargs: FailingBatch()  # type: ignore[method-assign]
    with pytest.raises(BrokenStorage, match=r"MV-4001: .* Input/output error"):
        save(store, 2)
    db.write_batch = write_batch  # type: ignore[method-assign]
    with pytest.raises(BrokenStorage, match="MV-4001"):
        save(store, 2)
    assert store.last_height == 1


def test_a_damaged_record_of_a_block_is_named(tmp_path: Path) -> None:
    path = tmp_path / "chain"
    store = Store(path, LocalDisk())
    save(store, 1)
    whole = codec.encode((b"", b"", b"", b"", block_id(1), (0, 1)))
    for record in (b"", whole[:-1], codec.encode(()), codec.encode((1, 2, 3, 4, 5, 6)), whole):
        store._db.put(b"X" + (1).to_bytes(6, "big"), record)
        with pytest.raises(BrokenStorage, match="MV-4011"):
            store.block(Height(1))


def test_state_keys_cannot_reach_the_blocks(tmp_path: Path) -> None:
    store = Store(tmp_path / "chain", LocalDisk())
    for key in (b"X", b"F", b"T" + bytes(32)):
        with pytest.raises(AssertionError):
            store.write_state({key: b"x"})
