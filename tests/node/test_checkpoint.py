"""A copy of the database at one moment, beside a writer that goes on."""

import os
from pathlib import Path

import plyvel
import pytest

from mvchain.core.errors import BadConfiguration
from mvchain.node import checkpoint as checkpoint_module
from mvchain.node.checkpoint import checkpoint
from mvchain.node.files import LocalDisk
from mvchain.node.store import Store
from tests.node.storage_helpers import save


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "store"


def test_each_copy_is_the_database_at_one_moment_while_tables_come_and_go(path: Path) -> None:
    """A small write buffer makes LevelDB write, merge and remove tables all the time, in a thread of its own."""
    database = plyvel.DB(str(path), create_if_missing=True, write_buffer_size=100_000, paranoid_checks=True)
    merged = set()
    for batch in range(80):
        with database.write_batch(sync=True) as writes:
            for _ in range(200):
                writes.put(os.urandom(32), os.urandom(100))
            writes.put(b"batch", b"%d" % batch)
        with checkpoint(path, LocalDisk()) as copy:
            merged.update(name for name in os.listdir(copy) if name.endswith(".ldb"))
            found = plyvel.DB(str(copy), paranoid_checks=True)
            assert found.get(b"batch") == b"%d" % batch
            assert sum(1 for _ in found.iterator(verify_checksums=True)) == 200 * (batch + 1) + 1
            found.close()
    assert sum(1 for _ in database.iterator(verify_checksums=True)) == 80 * 200 + 1  # the copies harmed nothing
    assert len(merged) > 20
    database.close()


def test_a_block_is_in_a_copy_as_a_whole_or_not_at_all(path: Path) -> None:
    """CP2: here the copy takes the log with only a part of its last batch."""
    disk = LocalDisk()
    store = Store(path, disk)
    save(store, 1)
    save(store, 2)
    (log,) = path.glob("*.log")
    whole = log.read_bytes()
    for size in range(0, len(whole), 7):

        class Early(LocalDisk):
            """Reads the log as it was earlier."""

            def read(self, path: Path, size: int = size) -> bytes | None:
                data = super().read(path)
                return data[:size] if data is not None and path.suffix == ".log" else data

        with checkpoint(path, Early()) as copy:
            found = Store(copy, disk)
            height = found.last_height
            assert height == 0 or found.block(height) == store.block(height)
            found.close()
    store.close()


def test_a_copy_is_made_again_when_a_table_went_meanwhile(path: Path) -> None:
    database = plyvel.DB(str(path), create_if_missing=True)
    database.put(b"a", b"1")
    database.close()
    database = plyvel.DB(str(path))  # the log is a table now

    class Late(LocalDisk):
        """Finds the first table gone, once."""

        gone = 0

        def link(self, source: Path, target: Path) -> bool:
            self.gone += 1
            return self.gone > 1 and super().link(source, target)

    with checkpoint(path, Late()) as copy:
        assert any(name.suffix == ".ldb" for name in copy.iterdir())
    database.close()


def test_what_cannot_be_copied_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = LocalDisk()
    with pytest.raises(BadConfiguration, match="MV-3135"), checkpoint(path, disk):
        pass
    Store(path, disk).close()
    with checkpoint(path, disk), pytest.raises(BadConfiguration, match="MV-4004"), checkpoint(path, disk):
        pass
    (path / "CURRENT").write_bytes(b"../../etc/passwd\n")
    with pytest.raises(BadConfiguration, match="MV-3136"), checkpoint(path, disk):
        pass
    monkeypatch.setattr(checkpoint_module, "_TRIES", 1)
    assert sorted(os.listdir(path.parent)) == ["store", "store.copying.lock", "store.lock"]
