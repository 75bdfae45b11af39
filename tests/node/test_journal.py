"""The journal: what was synced comes back, in order, until it has ended (N6, CP21, CP22, I3)."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mvchain.core.errors import BadRequest, BrokenStorage
from mvchain.core.hashing import sha256
from mvchain.node.files import LocalDisk
from mvchain.node.journal import Journal
from mvchain.node.memory import MemoryDisk
from mvchain.node.ports import Disk
from tests.node.storage_helpers import SeamDisk, crashes

HERE = Path("journal")


def tx(n: int) -> bytes:
    return n.to_bytes(4, "big") * 25


def txs(*numbers: int) -> list[bytes]:
    return [tx(n) for n in numbers]


def hashes(*numbers: int) -> list[Any]:
    return [sha256(tx(n)) for n in numbers]


def replayed(disk: Disk, segment_bytes: int = 1 << 20) -> list[int]:
    return [int.from_bytes(raw[:4], "big") for raw in Journal(HERE, disk, segment_bytes).replay()]


def segments(disk: Disk) -> list[int]:
    return [int(name.removesuffix(".journal")) for name in disk.names(HERE)]


def test_what_was_synced_comes_back_in_order() -> None:
    disk = MemoryDisk()
    journal = Journal(HERE, disk)
    journal.append(txs(3, 1))
    journal.append(txs(2))
    journal.sync()
    journal.append(txs(9))
    disk.crash(lambda n: 0)
    assert replayed(disk) == [3, 1, 2]
    assert replayed(disk) == [3, 1, 2]


def test_on_the_local_disk_too_and_appending_goes_on(tmp_path: Path) -> None:
    disk = LocalDisk()
    for n in range(3):
        journal = Journal(tmp_path, disk)
        journal.append(txs(n))
        journal.sync()
        journal.close()
    assert list(Journal(tmp_path, disk).replay()) == txs(0, 1, 2)


def test_one_that_waits_already_is_not_written_again() -> None:
    seam = SeamDisk(MemoryDisk())
    journal = Journal(HERE, seam)
    journal.append(txs(1, 2, 1))
    seam.calls.clear()
    journal.append(txs(2, 1))
    assert seam.calls == []
    journal.append(txs(2, 3))
    journal.sync()
    assert replayed(seam) == [1, 2, 3]


def test_one_that_comes_again_after_it_had_ended_is_kept_again() -> None:
    disk = MemoryDisk()
    journal = Journal(HERE, disk, segment_bytes=1)
    journal.append(txs(1, 2))
    journal.sync()
    journal.ended(hashes(1))
    journal.append(txs(1))
    journal.sync()
    journal.ended(hashes(2))
    assert replayed(disk) == [1]


def test_one_that_comes_again_in_the_same_segment_is_replayed_once_and_frees_it() -> None:
    disk = MemoryDisk()
    journal = Journal(HERE, disk)
    journal.append(txs(1))
    journal.ended(hashes(1))
    journal.append(txs(1))
    journal.sync()
    again = Journal(HERE, disk, segment_bytes=1)
    assert list(again.replay()) == txs(1)
    again.sync()
    assert segments(disk) == [1, 2]
    again.ended(hashes(1))
    assert segments(disk) == [2]


def test_segments_go_when_all_of_theirs_has_ended() -> None:
    disk = MemoryDisk()
    journal = Journal(HERE, disk, segment_bytes=1)
    for n in (1, 2, 3):
        journal.append(txs(n, 10 + n))
        journal.sync()
    assert segments(disk) == [1, 2, 3, 4]
    journal.ended(hashes(2, 12, 1, 99))
    assert segments(disk) == [1, 3, 4]
    journal.ended(hashes(11))
    assert segments(disk) == [3, 4]
    assert replayed(disk, 1) == [3, 13]


def test_a_segment_that_had_ended_when_it_was_closed_goes_too() -> None:
    disk = MemoryDisk()
    journal = Journal(HERE, disk, segment_bytes=1)
    journal.append(txs(1))
    journal.ended(hashes(1))
    assert segments(disk) == [1]
    journal.sync()
    assert segments(disk) == [2]


def test_one_that_waits_long_does_not_keep_its_segment_large() -> None:
    """A ballot of a paused poll among many that go through: the bound holds, and the order of receipt too."""
    disk = MemoryDisk()
    journal = Journal(HERE, disk, segment_bytes=2_000, max_bytes=20_000)
    waiting = []
    for start in range(0, 2_000, 10):
        batch = range(start, start + 10)
        journal.append(txs(*batch))
        journal.sync()
        keep = start if start % 200 == 0 else None
        journal.ended(hashes(*(n for n in batch if n != keep)))
        if keep is not None:
            waiting.append(keep)
        assert sum(len(disk.read(HERE / name) or b"") for name in disk.names(HERE)) <= 20_000
    found = replayed(disk)
    assert [n for n in found if n in waiting] == waiting
    assert len(found) < 60  # beside those, only what shares the last segments


def test_a_full_journal_refuses_and_takes_again_once_something_has_ended() -> None:
    journal = Journal(HERE, MemoryDisk(), segment_bytes=500, max_bytes=2_000)
    taken: list[int] = []

    def take_until_full() -> None:
        for n in range(100):
            journal.append(txs(n))
            journal.sync()
            taken.append(n)

    with pytest.raises(BadRequest, match=r"MV-4041: .* full at 2000 bytes"):
        take_until_full()
    assert len(taken) >= 10
    journal.ended(hashes(*taken))
    journal.append(txs(1000))


def test_after_any_crash_all_that_was_synced_and_has_not_ended_comes_back() -> None:
    promised: list[int] = []

    def act(disk: Disk) -> None:
        promised.clear()
        journal = Journal(HERE, disk, segment_bytes=300, max_bytes=1_500)
        for batch in ([1, 2], [3, 4], [5, 6, 7], [8], [9, 10, 11], [12, 13], [14, 15]):
            journal.append(txs(*batch))
            journal.sync()
            promised.extend(batch)
            done = [n for n in batch if n % 4]
            promised[:] = [n for n in promised if n not in done]
            journal.ended(hashes(*done))

    for what, disk in crashes(lambda disk: None, act):
        found = replayed(disk, 300)
        assert found == sorted(set(found)), what
        assert set(promised) <= set(found), what
        assert set(found) <= set(range(1, 16)), what
        # and it can be used
        journal = Journal(HERE, disk, 300)
        journal.append(txs(99))
        journal.sync()
        disk.crash(lambda n: 0)
        assert replayed(disk)[-1] == 99, what
        assert all(name.endswith(".journal") for name in disk.names(HERE)), what


def two_segments(directory: Path) -> list[Path]:
    journal = Journal(directory, LocalDisk(), segment_bytes=200)
    for batch in ((1,), (2,), (3,), (4,)):
        journal.append(txs(*batch))
        journal.sync()
    journal.append(txs(5))
    journal.append(txs(6))
    journal.sync()
    journal.append(txs(7))
    journal.sync()
    journal.close()
    return sorted(directory.iterdir())


def test_a_torn_tail_is_cut_in_the_last_segment_only(tmp_path: Path) -> None:
    paths = two_segments(tmp_path)
    last = paths[-1]
    last.write_bytes(last.read_bytes()[:-1])
    journal = Journal(tmp_path, LocalDisk())
    assert list(journal.replay()) == txs(1, 2, 3, 4, 5, 6)
    journal.append(txs(8))
    journal.sync()
    journal.close()
    assert list(Journal(tmp_path, LocalDisk()).replay()) == txs(1, 2, 3, 4, 5, 6, 8)
    paths[0].write_bytes(paths[0].read_bytes()[:-1])
    with pytest.raises(BrokenStorage, match=r"MV-4006: .*0000000001\.journal .* a part of it is missing"):
        Journal(tmp_path, LocalDisk())


def test_older_damage_stops_with_the_remedy(tmp_path: Path) -> None:
    path = two_segments(tmp_path)[0]
    data = bytearray(path.read_bytes())
    data[data.index(tx(1))] ^= 1
    path.write_bytes(data)
    with pytest.raises(BrokenStorage, match=r"MV-4005: Record 1 of .* Set the file aside"):
        Journal(tmp_path, LocalDisk())


def test_damage_at_the_end_of_a_closed_segment_is_older_damage(tmp_path: Path) -> None:
    path = two_segments(tmp_path)[0]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(BrokenStorage, match="MV-4006"):
        Journal(tmp_path, LocalDisk())


class WaitingDisk(SeamDisk):
    """Its fsync says that it has begun, and ends when it is told to."""

    def __init__(self, inner: Disk) -> None:
        super().__init__(inner)
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def fsync(self, file: Any) -> None:
        self.begun.set()
        assert self.go_on.wait(10)
        self._inner.fsync(file)


def test_appending_and_ending_go_on_while_another_thread_syncs() -> None:
    inner = MemoryDisk()
    disk = WaitingDisk(inner)
    journal = Journal(HERE, disk)
    journal.append(txs(1))
    disk.begun.clear()
    disk.go_on.clear()
    thread = threading.Thread(target=journal.sync)
    thread.start()
    assert disk.begun.wait(10)
    journal.append(txs(2))  # would never return if the lock were held
    journal.ended(hashes(1))
    assert thread.is_alive()
    disk.go_on.set()
    thread.join()
    disk.begun.clear()
    journal.sync()  # what came during the first sync is not taken for synced
    assert disk.begun.is_set()
    inner.crash(lambda n: 0)
    assert 2 in replayed(inner)


class HookedDisk(SeamDisk):
    """Does something else once, right after an fsync or before a rename: what another thread could do then."""

    def __init__(self, inner: Disk) -> None:
        super().__init__(inner)
        self.hooks: dict[str, Callable[[], None]] = {}

    def fsync(self, file: Any) -> None:
        self._inner.fsync(file)
        self.hooks.pop("fsync", lambda: None)()

    def replace(self, source: Path, target: Path) -> None:
        self.hooks.pop("replace", lambda: None)()
        self._inner.replace(source, target)


def test_what_comes_while_a_segment_is_being_closed_is_synced_with_it() -> None:
    inner = MemoryDisk()
    disk = HookedDisk(inner)
    journal = Journal(HERE, disk, segment_bytes=1)
    journal.append(txs(1))
    disk.hooks["fsync"] = lambda: journal.append(txs(2))
    journal.sync()
    assert segments(disk) == [1, 2]
    journal.append(txs(3))
    journal.sync()
    inner.crash(lambda n: n // 2)
    assert replayed(inner, 1) == [1, 2, 3]


def test_a_segment_that_ends_while_it_is_rewritten_does_not_come_back() -> None:
    disk = HookedDisk(MemoryDisk())
    journal = Journal(HERE, disk, segment_bytes=500, max_bytes=2_000)
    journal.append(txs(*range(10)))
    journal.sync()
    journal.ended(hashes(*range(1, 10)))
    disk.hooks["replace"] = lambda: journal.ended(hashes(0))
    journal.append(txs(*range(20, 25)))
    journal.sync()
    assert not disk.hooks, "the segment was rewritten"
    assert segments(disk) == [2, 3]
    assert replayed(disk) == [20, 21, 22, 23, 24]


def test_threads_that_append_sync_and_end_at_once_lose_nothing() -> None:
    disk = MemoryDisk()
    journal = Journal(HERE, disk, segment_bytes=1_000, max_bytes=40_000)
    stop = threading.Event()

    def sync_all_the_time() -> None:
        while not stop.is_set():
            journal.sync()

    thread = threading.Thread(target=sync_all_the_time)
    thread.start()
    try:
        for n in range(1_000):
            journal.append(txs(n))
            if n >= 50 and (n - 50) % 100:
                journal.ended(hashes(n - 50))
            if n % 10 == 0:
                journal.sync()  # as a submitter does who waits for his answer
    finally:
        stop.set()
        thread.join()
    journal.sync()
    disk.crash(lambda n: 0)
    found = replayed(disk)
    assert found == sorted(found)
    assert {n for n in range(1_000) if n % 100 == 0 or n >= 950} <= set(found)
