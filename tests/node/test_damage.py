"""Damaged files of a node that is down, and disks that fail under it (faults S16, S17, R7).

Each cut and each flipped byte ends in one of three ways: all is there, the chain is shorter and whole, or the store
refuses and names itself and the remedy. Never a traceback, never a hole, never an older state under newer blocks.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mvchain.core.errors import BrokenStorage
from mvchain.node.files import LocalDisk
from mvchain.node.store import Store
from mvchain.sim.disk import Failure
from mvchain.sim.signatures import provider
from tests.node.cluster import GUARD, LOG, Cluster, Node, chain_of, grow, signs_at
from tests.node.storage_helpers import save
from tests.node.test_crashes import cast, finished

HEIGHTS = 12


@pytest.fixture(autouse=True)
def _cheap_signatures() -> Iterator[None]:
    with provider(real=False):
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a database with tables and a log: each opening makes a table of what the log held."""
    path = tmp_path_factory.mktemp("made") / "store"
    for first in range(1, HEIGHTS, 4):
        store = Store(path, LocalDisk())
        for height in range(first, first + 4):
            save(store, height, {b"height": b"%d" % height, b"k%03d" % height: bytes(200)})
        store.close()
    files = {file.name: file.read_bytes() for file in path.iterdir() if not file.name.startswith(("LOG", "LOCK"))}
    assert {name.partition("-")[0].rpartition(".")[2] for name in files} == {"CURRENT", "MANIFEST", "ldb", "log"}
    return files


def damages(data: bytes, step: int) -> Iterator[bytes]:
    """Cut and flipped everywhere, a step apart; every byte near the ends."""
    near = 40
    at = {*range(0, len(data), step), *range(min(near, len(data))), *range(max(0, len(data) - near), len(data))}
    for place in sorted(at):
        yield data[:place]
        yield data[:place] + bytes((data[place] ^ 0x10,)) + data[place + 1 :]


def look(path: Path) -> int:
    """Open it and read all; its height. What is there has to be whole and of one moment."""
    store = Store(path, LocalDisk())
    try:
        height = store.last_height
        for each in range(1, height + 1):
            block = store.block(each)  # type: ignore[arg-type]
            assert block is not None, f"block {each} of {height} is missing"
            assert block.header == b"header %d" % each
            assert store.get(b"k%03d" % each) == bytes(200)
        state = store.get(b"height")
        assert (state or b"0") == b"%d" % height, "state and blocks are of different moments"
        return int(height)
    finally:
        store.close()


def height_or_refusal(path: Path) -> int | BrokenStorage:
    try:
        return look(path)
    except BrokenStorage as error:
        return error


@pytest.mark.parametrize("kind", ["CURRENT", "MANIFEST", "log", "ldb"])
def test_a_damaged_database_is_whole_shorter_or_refused_by_name(
    made: dict[str, bytes], tmp_path: Path, kind: str
) -> None:
    refused = 0
    for name in [name for name in made if kind in name][:2]:
        for number, data in enumerate(damages(made[name], 1 + len(made[name]) // 40)):
            path = tmp_path / f"{name} {number}" / "store"
            path.mkdir(parents=True)
            for other, content in made.items():
                (path / other).write_bytes(data if other == name else content)
            found = height_or_refusal(path)
            if isinstance(found, BrokenStorage):
                refused += 1
                assert found.code == "MV-4011", found
                assert str(path) in found.detail
                assert "the node fetches the blocks from the other agencies" in found.remedy
            else:
                assert found <= HEIGHTS
    assert refused or kind == "log"


# --- whole nodes ---


@pytest.mark.parametrize("failure", [Failure.NO_SPACE, Failure.IO_ERROR])
def test_a_disk_that_fails_at_any_call_stops_the_node_at_once_and_it_comes_back(failure: Failure) -> None:
    """S17: a failed fsync is the end; nothing is tried again, and the restart loses nothing that was received."""
    start = Cluster(4).node(1).disk.calls
    calls = failing(None, failure).node(1).disk.calls - start
    for at in range(1, calls + 1, 7):
        cluster = failing(at, failure)
        halted = [node for node in cluster.nodes if node.incarnation > 1]
        assert halted == [cluster.node(1)], at


def failing(at: int | None, failure: Failure) -> Cluster:
    cluster = Cluster(4, seed=1)
    stops: list[BrokenStorage] = []
    stopped = cluster.stopped

    def note(node: Node) -> None:
        assert node.halted is not None
        stops.append(node.halted)
        stopped(node)

    cluster.stopped = note  # type: ignore[method-assign]
    if at is not None:
        cluster.node(1).disk.fail_in(at, failure)
    cluster.boot()
    cast(cluster)
    cluster.run(lambda: finished(cluster), limit_ms=120_000)
    assert [stop.code for stop in stops] == ([] if at is None else ["MV-4001"])
    return cluster


def flipped(node: Node, path: Path, place: int) -> None:
    """A byte of a file has changed while the node was down."""
    data = node.disk.read(path)
    assert data is not None
    changed = data[:place] + bytes((data[place] ^ 0x10,)) + data[place + 1 :]
    file = node.disk.create(path, 0o600)
    node.disk.write(file, changed)
    node.disk.fsync(file)
    node.disk.fsync_dir(path.parent)


def log_of(node: Node) -> Path:
    return LOG / node.disk.names(LOG)[-1]


@pytest.mark.parametrize("which", [lambda node: GUARD, log_of], ids=["guard", "log"])
def test_a_changed_byte_is_refused_or_harmless_and_the_remedy_helps(which: Callable[[Node], Path]) -> None:
    """S16: no second signature (watched); where it is refused, setting log and guard aside brings it back, silent."""
    refused = 0
    for tenth in range(10):
        cluster = Cluster(4, seed=2).boot()
        node = cluster.node(3)
        election = chain_of(cluster, 5)
        node.go_down(lambda n: 0)
        cluster.restart_ms = 1 << 30  # an operator looks first
        path = which(node)
        data = node.disk.read(path)
        assert data is not None
        flipped(node, path, len(data) * tenth // 10)
        node.boot()
        if node.halted is not None:
            refused += 1
            assert node.halted.code in {"MV-4005", "MV-4006", "MV-4032", "MV-4003"}
            assert str(path) in str(node.halted)
            node.disk.remove(GUARD)
            for name in node.disk.names(LOG):
                node.disk.remove(LOG / name)
            node.boot()
            before = signs_at(cluster, node)
            cluster.run_for(3_000)
            assert signs_at(cluster, node) == before
        grow(cluster, election, node.height + 3)
    assert refused > 3
