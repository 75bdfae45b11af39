"""Where a node keeps its snapshots: whole or not at all, whenever the power goes (faults CP18)."""

from collections.abc import Callable, Generator
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from mvchain.core.hashing import sha256
from mvchain.core.types import Height
from mvchain.ledger.snapshot import snapshot_chunks
from mvchain.node.memory import MemoryDisk
from mvchain.node.ports import Disk, FrozenStore
from mvchain.node.snapshots import SnapshotMaker, Snapshots, is_due
from tests.ledger.snapshot_helpers import busy_world
from tests.ledger.state_helpers import MemoryStore
from tests.node.storage_helpers import crashes

PLACE = Path("snapshots")
CHUNK_BYTES = 20_000


class Frozen(NamedTuple):
    """`ports.FrozenStore` of a world that does not change."""

    store: MemoryStore

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def source() -> FrozenStore:
    return Frozen(busy_world().store)  # type: ignore[return-value]


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvchain.ledger.snapshot.SNAPSHOT_CHUNK_BYTES", CHUNK_BYTES)


def finish(steps: Generator[None, None, None]) -> int:
    return sum(1 for _ in steps)


def take(disk: Disk, height: int, source: FrozenStore) -> Snapshots:
    snapshots = Snapshots(PLACE, disk)
    finish(snapshots.take(Height(height), source))
    return snapshots


def is_whole(snapshots: Snapshots, height: int) -> bool:
    """All of the chunks that the manifest names are there; none of them if there is no manifest."""
    manifest = snapshots.manifest(Height(height))
    if manifest is None:
        assert snapshots.chunk(Height(height), 0) is None
        return False
    for index, name in enumerate(manifest.chunks):
        chunk = snapshots.chunk(Height(height), index)
        assert chunk is not None
        assert sha256(chunk) == name
    return True


def test_a_snapshot_is_handed_out_as_it_was_made(source: FrozenStore) -> None:
    disk = MemoryDisk()
    made = Snapshots(PLACE, disk)
    chunks = list(snapshot_chunks(source))
    assert len(chunks) > 2
    assert finish(made.take(Height(7), source)) == len(chunks)
    for snapshots in (made, Snapshots(PLACE, disk)):  # and after a start
        (manifest,) = snapshots.manifests
        assert (manifest.height, manifest.chunks) == (7, tuple(map(sha256, chunks)))
        assert [snapshots.chunk(Height(7), index) for index in range(len(chunks) + 1)] == [*chunks, None]
        assert snapshots.chunk(Height(8), 0) is None


def test_the_newest_two_are_kept(source: FrozenStore) -> None:
    disk = MemoryDisk()
    for height in (10, 20, 30):
        snapshots = take(disk, height, source)
    assert [manifest.height for manifest in snapshots.manifests] == [30, 20]
    assert not [name for name in disk.names(PLACE) if name.startswith("10.")]


def test_one_that_is_not_finished_is_not_there(source: FrozenStore) -> None:
    disk = MemoryDisk()
    steps = Snapshots(PLACE, disk).take(Height(7), source)
    next(steps)
    next(steps)
    assert disk.names(PLACE) == ["7.0", "7.1"]
    assert Snapshots(PLACE, disk).manifests == []
    assert disk.names(PLACE) == []


def test_a_crash_at_any_moment_leaves_it_whole_or_not_there(source: FrozenStore) -> None:
    """CP18: the older ones stay as they are until the new one is durable."""

    def prepare(disk: Disk) -> None:
        take(disk, 10, source)
        take(disk, 20, source)

    seen = set()
    for what, disk in crashes(prepare, lambda disk: take(disk, 30, source) and None):
        snapshots = Snapshots(PLACE, disk)
        whole = tuple(height for height in (10, 20, 30) if is_whole(snapshots, height))
        assert whole in {(10, 20), (20, 30)}, what
        assert {name.partition(".")[0] for name in disk.names(PLACE)} == {str(height) for height in whole}, what
        seen.add(whole)
    assert len(seen) == 2


@pytest.mark.parametrize("name", ["7.0", "7.manifest"])
def test_a_damaged_file_is_not_handed_out(source: FrozenStore, name: str) -> None:
    disk = MemoryDisk()
    take(disk, 7, source)
    file = disk.open(PLACE / name)
    disk.truncate(file, 11)
    snapshots = Snapshots(PLACE, disk)
    assert snapshots.chunk(Height(7), 0) is None
    assert bool(snapshots.manifests) == (name == "7.0")


def test_none_is_made_without_room(source: FrozenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = MemoryDisk()
    monkeypatch.setattr(disk, "free_bytes", lambda _: 2 * 256 * 1024 * 1024 - 1)
    assert take(disk, 7, source).manifests == []
    assert disk.names(PLACE) == []


def test_when_one_is_due() -> None:
    assert [height for height in range(1, 3_100) if is_due(Height(height), 1_000)] == [100, 1_000, 2_000, 3_000]
    assert [height for height in range(1, 60) if is_due(Height(height), 20)] == [20, 40]
    assert not any(is_due(Height(height), 0) for height in range(1, 2_000))


# --- when they are made ------------------------------------------------------------------------------------------


class FakeReplica:
    """As far as `SnapshotMaker` looks at one: a chain that counts at some heights."""

    def __init__(self, source: FrozenStore, counting: set[int]) -> None:
        self.frozen: list[int] = []
        self.tip = SimpleNamespace(height=0)
        self.state = SimpleNamespace(counting=False)
        self.store = SimpleNamespace(frozen=lambda: self.frozen.append(self.tip.height) or source)
        self._counting = counting
        self.on_block: Callable[[], None] = lambda: None

    def advance(self, height: int) -> None:
        while self.tip.height < height:
            self.tip.height += 1
            self.state.counting = self.tip.height in self._counting
            self.on_block()


def make_all(maker: SnapshotMaker, replica: FakeReplica, height: int) -> list[int]:
    """The heights of the snapshots that are made, each at once."""
    made = []
    while replica.tip.height < height:
        replica.advance(replica.tip.height + 1)
        if maker.is_waiting:
            finish(maker.steps())
            made.append(maker.snapshots.manifests[0].height)
    return made


def test_snapshots_wait_for_the_end_of_a_counting(source: FrozenStore) -> None:
    """All nodes make them at the same heights: the first one from the due one on at which nothing is counted."""
    replica = FakeReplica(source, counting={9, 10, 11, 12, 20, 29, 30, 31})
    maker = SnapshotMaker(Snapshots(PLACE, MemoryDisk()), replica, 10)  # type: ignore[arg-type]
    assert make_all(maker, replica, 45) == [13, 21, 32, 40]
    assert replica.frozen == [13, 21, 32, 40]


def test_the_view_is_of_the_due_height_whenever_it_is_made(source: FrozenStore) -> None:
    replica = FakeReplica(source, counting=set())
    maker = SnapshotMaker(Snapshots(PLACE, MemoryDisk()), replica, 10)  # type: ignore[arg-type]
    replica.advance(17)
    assert maker.is_waiting
    finish(maker.steps())
    assert (replica.frozen, maker.is_waiting) == ([10], False)
    assert [manifest.height for manifest in maker.snapshots.manifests] == [10]


def test_one_that_takes_long_lets_the_next_be_left_out(source: FrozenStore) -> None:
    """A view holds on to old files of the database: never more than one waits beside the one that is made."""
    replica = FakeReplica(source, counting=set())
    maker = SnapshotMaker(Snapshots(PLACE, MemoryDisk()), replica, 10)  # type: ignore[arg-type]
    replica.advance(10)
    steps = maker.steps()
    next(steps)
    replica.advance(35)
    finish(steps)
    finish(maker.steps())
    assert replica.frozen == [10, 20]
    assert not maker.is_waiting


def test_none_are_made_with_0(source: FrozenStore) -> None:
    replica = FakeReplica(source, counting=set())
    maker = SnapshotMaker(Snapshots(PLACE, MemoryDisk()), replica, 0)  # type: ignore[arg-type]
    assert make_all(maker, replica, 2_005) == []
