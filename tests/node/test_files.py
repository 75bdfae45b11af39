"""The seam to the disk: whole files or none (CP11 to CP13, CP20), and a failure that is final (S17)."""

import errno
import os
import stat
from pathlib import Path

import pytest

from mvchain.core.errors import BadConfiguration, BrokenStorage
from mvchain.node import files
from mvchain.node.files import LocalDisk, atomic_write
from mvchain.node.memory import MemoryDisk
from mvchain.node.ports import Disk
from tests.node.storage_helpers import SeamDisk, crashes

PATH = Path("guard")


@pytest.mark.parametrize("old", [None, b"old content"])
def test_a_crash_anywhere_leaves_the_old_file_or_the_new_one(old: bytes | None) -> None:
    def prepare(disk: Disk) -> None:
        if old is not None:
            atomic_write(disk, PATH, old)

    found = set()
    for what, disk in crashes(prepare, lambda disk: atomic_write(disk, PATH, b"new content")):
        content = disk.read(PATH)
        assert content in (old, b"new content"), what
        found.add(content)
    assert found == {old, b"new content"}


def test_a_written_file_is_durable_when_the_call_returns() -> None:
    disk = MemoryDisk()
    atomic_write(disk, PATH, b"new content")
    disk.crash(lambda n: 0)
    assert disk.read(PATH) == b"new content"


def test_the_order_of_the_steps() -> None:
    seam = SeamDisk(MemoryDisk())
    atomic_write(seam, PATH, b"x")
    assert seam.calls == ["create", "write", "fsync", "replace", "fsync_dir"]


def test_local_file_is_replaced_with_its_mode_whatever_a_crash_left(tmp_path: Path) -> None:
    path = tmp_path / "key"
    leftover = tmp_path / "key.new"
    leftover.write_bytes(b"a longer rest of a crash")
    leftover.chmod(0o666)
    path.write_bytes(b"old")
    atomic_write(LocalDisk(), path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]


def test_local_disk_reads_lists_and_makes_directories(tmp_path: Path) -> None:
    disk = LocalDisk()
    assert disk.read(tmp_path / "none") is None
    disk.make_directory(tmp_path / "a" / "b")
    disk.make_directory(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    for name in ("y", "x"):
        atomic_write(disk, tmp_path / "a" / "b" / name, b"")
    assert disk.names(tmp_path / "a" / "b") == ["x", "y"]
    assert disk.mode(tmp_path / "a" / "b" / "x") == 0o600
    assert disk.free_bytes(tmp_path) > 0


def test_an_opened_file_grows_and_is_cut(tmp_path: Path) -> None:
    disk, path = LocalDisk(), tmp_path / "log"
    first = disk.create(path)
    disk.write(first, b"abc")
    disk.close(first)
    again = disk.open(path)
    disk.write(again, b"def")
    disk.truncate(again, 4)
    disk.write(again, b"X")
    disk.fsync(again)
    disk.close(again)
    assert disk.read(path) == b"abcdX"


def test_a_failed_sync_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, path = LocalDisk(), tmp_path / "log"
    file = disk.create(path)
    disk.write(file, b"abc")
    tried = []

    def failing(descriptor: int) -> None:
        tried.append(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", failing)
        with pytest.raises(BrokenStorage, match=r"MV-4001: The disk refused to sync .*log: Input/output error"):
            disk.fsync(file)
    for call in (
        lambda: disk.fsync(file),
        lambda: disk.write(file, b"more"),
        lambda: disk.create(tmp_path / "other"),
        lambda: disk.fsync_dir(tmp_path),
        lambda: disk.commit(tmp_path, lambda: None),
    ):
        with pytest.raises(BrokenStorage, match="refused to sync"):
            call()
    assert len(tried) == 1
    assert path.read_bytes() == b"abc"
    assert not (tmp_path / "other").exists()
    disk.close(file)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_final(tmp_path: Path) -> None:
    disk = LocalDisk()
    file = disk.open(Path("/dev/full"))
    with pytest.raises(BrokenStorage, match="No space left"):
        disk.write(file, b"x")
    with pytest.raises(BrokenStorage, match="No space left"):
        disk.create(tmp_path / "other")
    disk.close(file)


def test_a_short_write_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(files.os, "write", lambda descriptor, data: write(descriptor, data[:2]))
    disk = LocalDisk()
    file = disk.create(tmp_path / "log")
    disk.write(file, b"abcde")
    disk.close(file)
    assert (tmp_path / "log").read_bytes() == b"abcde"


@pytest.mark.parametrize("disk", [LocalDisk(), MemoryDisk()], ids=["local", "memory"])
def test_a_lock_has_one_holder(disk: Disk, tmp_path: Path) -> None:
    path = tmp_path / "key.lock"
    held = disk.lock(path)
    with pytest.raises(BadConfiguration, match="MV-4004"):
        disk.lock(path)
    disk.close(held)
    disk.close(disk.lock(path))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "key.new").symlink_to(tmp_path / "victim")
    with pytest.raises(BrokenStorage, match="open"):
        atomic_write(LocalDisk(), tmp_path / "key", b"x")
    assert (tmp_path / "victim").read_bytes() == b"precious"
