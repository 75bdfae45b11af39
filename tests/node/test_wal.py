"""The log of a height: what was synced is there after any crash, and damage is never skipped (N5, S14, S16)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mvchain.core.errors import BrokenStorage
from mvchain.core.types import Height
from mvchain.node.files import LocalDisk
from mvchain.node.memory import MemoryDisk
from mvchain.node.ports import Disk
from mvchain.node.wal import Log
from tests.node.storage_helpers import SeamDisk, crashes

HERE = Path("wal")
TWO_HEIGHTS = {1: [(1, b"one"), (2, b"two"), (3, b"three")], 2: [(1, b"four"), (2, b"five")]}


def wal_files(disk: Disk, directory: Path = HERE) -> list[int]:
    return [int(name.removesuffix(".wal")) for name in disk.names(directory)]


def reopened(disk: Disk) -> tuple[int, list[tuple[int, bytes]]]:
    height, records = Log(HERE, disk).records()
    return height, list(records)


def test_a_new_log_is_empty() -> None:
    assert reopened(MemoryDisk()) == (0, [])


@pytest.mark.parametrize("make", [MemoryDisk, LocalDisk], ids=["memory", "local"])
def test_what_was_appended_is_there_when_it_is_opened_again(make: Callable[[], Disk], tmp_path: Path) -> None:
    disk = make()
    log = Log(tmp_path, disk)
    log.start_height(Height(5))
    log.append(1, b"a")
    log.append(200, bytes(100_000))
    log.sync()
    log.close()
    again = Log(tmp_path, disk)
    assert again.records() == (5, [(1, b"a"), (200, bytes(100_000))])
    again.append(3, b"b")
    again.close()
    assert Log(tmp_path, disk).records() == (5, [(1, b"a"), (200, bytes(100_000)), (3, b"b")])


def test_after_any_crash_all_that_was_synced_is_there_and_nothing_else() -> None:
    synced: list[tuple[int, int]] = []

    def act(disk: Disk) -> None:
        synced[:] = [(0, 0)]
        log = Log(HERE, disk)
        for height, records in TWO_HEIGHTS.items():
            log.start_height(Height(height))
            for count, (kind, payload) in enumerate(records, 1):
                log.append(kind, payload)
                log.sync()
                synced.append((height, count))

    outcomes = set()
    for what, disk in crashes(lambda disk: None, act):
        height, records = reopened(disk)
        assert (height, len(records)) >= synced[-1], what
        assert records == TWO_HEIGHTS.get(height, [])[: len(records)], what
        outcomes.add((height, len(records)))
        # and it can be used: the log goes on at its height, or at the next
        log = Log(HERE, disk)
        log.start_height(Height(3))
        log.append(9, b"next")
        log.sync()
        assert wal_files(disk) == [3], what
        disk.crash(lambda n: 0)
        assert reopened(disk) == (3, [(9, b"next")]), what
    assert {(0, 0), (1, 1), (1, 3), (2, 1), (2, 2)} <= outcomes


def test_the_former_file_goes_after_the_new_one_is_durable() -> None:
    seam = SeamDisk(MemoryDisk())
    log = Log(HERE, seam)
    log.start_height(Height(1))
    log.append(1, b"a")
    log.sync()
    seam.calls.clear()
    log.start_height(Height(2))
    assert wal_files(seam) == [1, 2]
    log.append(1, b"b")
    log.sync()
    assert seam.calls == ["create", "write", "write", "fsync", "fsync_dir", "remove"]
    assert wal_files(seam) == [2]


def test_files_do_not_pile_up_on_a_node_that_never_syncs() -> None:
    disk = MemoryDisk()
    log = Log(HERE, disk)
    for height in range(1, 20):
        log.start_height(Height(height))
        log.append(1, b"input of an observer")
    assert wal_files(disk) == [18, 19]


def test_a_sync_without_anything_new_costs_nothing() -> None:
    seam = SeamDisk(MemoryDisk())
    log = Log(HERE, seam)
    log.sync()
    log.start_height(Height(1))
    log.sync()
    seam.calls.clear()
    log.sync()
    assert seam.calls == []


def test_what_a_kill_left_in_the_page_cache_is_synced_with_the_next_record() -> None:
    disk = MemoryDisk()
    log = Log(HERE, disk)
    log.start_height(Height(1))
    log.append(1, b"a")  # never synced, and the process is killed: the disk still shows it
    Log(HERE, disk).sync()
    disk.crash(lambda n: 0)
    assert reopened(disk) == (1, [(1, b"a")])


def test_a_height_is_begun_once_unless_it_is_empty() -> None:
    log = Log(HERE, MemoryDisk())
    log.start_height(Height(4))
    log.start_height(Height(4))
    log.append(1, b"a")
    with pytest.raises(AssertionError):
        log.start_height(Height(4))


def test_a_store_that_was_rolled_back_begins_a_lower_height() -> None:
    disk = MemoryDisk()
    log = Log(HERE, disk)
    log.start_height(Height(9))
    log.append(1, b"a")
    log.start_height(Height(8))
    log.append(1, b"b")
    log.sync()
    assert wal_files(disk) == [8]
    assert reopened(disk) == (8, [(1, b"b")])


def file_of(directory: Path) -> Path:
    log = Log(directory, LocalDisk())
    log.start_height(Height(1))
    for kind, payload in TWO_HEIGHTS[1]:
        log.append(kind, payload)
    log.sync()
    log.close()
    return next(directory.iterdir())


def test_a_torn_tail_is_cut_on_the_disk(tmp_path: Path) -> None:
    path = file_of(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    log = Log(tmp_path, LocalDisk())
    assert log.records() == (1, TWO_HEIGHTS[1][:2])
    log.append(3, b"three")
    log.close()
    assert path.read_bytes() == whole


def test_older_damage_stops_with_the_number_of_the_record_and_the_remedy(tmp_path: Path) -> None:
    path = file_of(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(b"two")] ^= 1
    path.write_bytes(data)
    with pytest.raises(BrokenStorage, match=r"Record 2 of .* Set the log and the sign guard aside") as caught:
        Log(tmp_path, LocalDisk())
    assert caught.value.code == "MV-4005"


def test_a_file_under_the_name_of_another_height_is_refused(tmp_path: Path) -> None:
    path = file_of(tmp_path)
    path.rename(path.with_name(f"{2:020d}.wal"))
    with pytest.raises(BrokenStorage, match="it is of height 1"):
        Log(tmp_path, LocalDisk())


def test_files_of_others_are_left_alone() -> None:
    disk = MemoryDisk()
    for name in ("README", "old.wal"):
        disk.create(HERE / name)
    log = Log(HERE, disk)
    log.start_height(Height(1))
    log.sync()
    assert disk.names(HERE) == [f"{1:020d}.wal", "README", "old.wal"]
