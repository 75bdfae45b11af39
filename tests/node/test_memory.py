"""The in-memory twins: the disk forgets what was not synced, the store answers as LevelDB's does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvchain.core.errors import BrokenStorage
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash, Height
from mvchain.node.files import LocalDisk
from mvchain.node.memory import MemoryDisk, MemoryStore
from mvchain.node.ports import BlockStore, StoredBlock
from mvchain.node.store import Store
from tests.node.storage_helpers import block_id, save

A, B = Path("d/a"), Path("d/b")


def disk_with(path: Path, data: bytes) -> MemoryDisk:
    disk = MemoryDisk()
    file = disk.create(path)
    disk.write(file, data)
    disk.fsync(file)
    disk.fsync_dir(path.parent)
    return disk


@pytest.mark.parametrize("kept", range(4))
def test_unsynced_bytes_survive_as_far_as_the_crash_allows(kept: int) -> None:
    disk = disk_with(A, b"old")
    disk.write(disk.open(A), b"new")
    disk.crash(lambda n: min(n, kept))
    assert disk.read(A) == b"oldnew"[: 3 + kept]


def test_a_new_file_is_gone_if_its_directory_was_not_synced() -> None:
    disk = MemoryDisk()
    file = disk.create(A)
    disk.write(file, b"x")
    disk.fsync(file)
    disk.crash(lambda n: 0)
    assert disk.read(A) is None
    assert disk.names(A.parent) == []


@pytest.mark.parametrize(("survived", "content"), [(0, b"old"), (1, b"new")])
def test_a_rename_survives_as_a_whole_or_not(survived: int, content: bytes) -> None:
    disk = disk_with(A, b"old")
    file = disk.create(B)
    disk.write(file, b"new")
    disk.fsync(file)
    disk.fsync_dir(B.parent)
    disk.replace(B, A)
    disk.crash(lambda n: min(n, survived))
    assert disk.read(A) == content
    assert disk.names(A.parent) == (["a"] if survived else ["a", "b"])


@pytest.mark.parametrize(("survived", "content"), [(0, b"content"), (1, None)])
def test_a_removal_survives_or_not(survived: int, content: bytes | None) -> None:
    disk = disk_with(A, b"content")
    disk.remove(A)
    disk.crash(lambda n: min(n, survived))
    assert disk.read(A) == content


@pytest.mark.parametrize(("survived", "content"), [(0, b"content"), (1, b"con")])
def test_a_cut_survives_or_not(survived: int, content: bytes) -> None:
    disk = disk_with(A, b"content")
    disk.truncate(disk.open(A), 3)
    disk.crash(lambda n: min(n, survived))
    assert disk.read(A) == content


def test_a_crash_frees_locks() -> None:
    disk = MemoryDisk()
    disk.lock(A)
    disk.crash(lambda n: 0)
    disk.lock(A)


# --- both stores -------------------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "LevelDB"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlockStore]:
    if request.param == "memory":
        yield MemoryStore(MemoryDisk())
        return
    opened = Store(tmp_path / "chain", LocalDisk())
    yield opened
    opened.close()


def test_an_empty_store(store: BlockStore) -> None:
    assert (store.base_height, store.last_height) == (0, 0)
    assert store.block(Height(1)) is None
    assert store.header(Height(1)) is None
    assert store.commit(Height(1)) is None
    assert store.tx_hashes(Height(1)) == ()
    assert store.tx_location(sha256(b"x")) is None
    assert store.height_of_block_hash(sha256(b"x")) is None
    assert not list(store.rejections())
    assert store.get(b"a") is None
    assert list(store.scan(b"a", b"z")) == []
    with pytest.raises(BrokenStorage, match="Transaction 0 of block 1"):
        store.transaction_at(Height(1), 0)


def test_what_is_saved_is_found(store: BlockStore) -> None:
    txs = [b"first", b"second", b"third"]
    store.save_block(
        height=Height(7),
        header=b"header",
        txs=txs,
        tx_hashes=[sha256(tx) for tx in txs],
        last_commit=b"last commit",
        commit=b"commit",
        block_id=block_id(7),
        groups=b"groups",
        result_numbers=[0, -1, 4_294_967_295],
        state_writes={b"p\x01": b"poll", b"r": b"roll"},
        evidence=b"evidence",
    )
    assert store.block(Height(7)) == StoredBlock(
        height=Height(7),
        header=b"header",
        txs=(b"first", b"second", b"third"),
        evidence=b"evidence",
        last_commit=b"last commit",
        commit=b"commit",
        block_id=block_id(7),
        groups=b"groups",
        result_numbers=(0, -1, 4_294_967_295),
    )
    assert (store.base_height, store.last_height) == (7, 7)
    assert store.header(Height(7)) == b"header"
    assert store.commit(Height(7)) == b"commit"
    assert store.tx_hashes(Height(7)) == tuple(map(sha256, txs))
    assert [store.transaction_at(Height(7), i) for i in range(3)] == txs
    assert [store.tx_location(sha256(tx)) for tx in txs] == [(7, 0), (7, 1), (7, 2)]
    assert store.height_of_block_hash(Hash(bytes([7]) * 32)) == 7
    with pytest.raises(BrokenStorage, match="Transaction 3 of block 7"):
        store.transaction_at(Height(7), 3)


def test_empty_and_full_blocks_keep_apart(store: BlockStore) -> None:
    many = [b"%d" % n for n in range(5_000)]
    saved = [save(store, 1, txs=[]), save(store, 2, txs=many), save(store, 3, txs=[])]
    assert [store.block(Height(height)) for height in (1, 2, 3)] == saved
    assert store.tx_location(sha256(b"4999")) == (2, 4_999)


@pytest.mark.parametrize("height", [0, 2, (1 << 48) - 1, 1 << 48, (1 << 53) - 1, (1 << 63) - 1])
def test_a_height_of_any_size_may_be_asked_for(store: BlockStore, height: int) -> None:
    save(store, 1)
    assert store.block(Height(height)) is None
    assert store.header(Height(height)) is None
    assert store.commit(Height(height)) is None


def test_heights_follow_each_other(store: BlockStore) -> None:
    save(store, 1)
    for height in (1, 3):
        with pytest.raises(AssertionError):
            save(store, height)
    save(store, 2)


def test_the_state_is_written_deleted_and_scanned_in_order(store: BlockStore) -> None:
    store.write_state({b"a\x02": b"2", b"a\x01": b"1", b"b": b"x"})
    save(store, 1, {b"a\x01": None, b"a\x03": b"3", b"c": None})
    assert list(store.scan(b"a", b"b")) == [(b"a\x02", b"2"), (b"a\x03", b"3")]
    assert list(store.scan(b"a\x02", b"a\x03")) == [(b"a\x02", b"2")]
    assert store.get(b"a\x01") is None
    assert store.get(b"b") == b"x"


def test_a_rejection_is_remembered(store: BlockStore) -> None:
    store.put_rejection(sha256(b"x"), "MV-1203")
    store.put_rejection(sha256(b"y"), "MV-1204")
    assert dict(store.rejections()) == {sha256(b"x"): "MV-1203", sha256(b"y"): "MV-1204"}
    store.drop_rejection(sha256(b"x"))
    assert dict(store.rejections()) == {sha256(b"y"): "MV-1204"}


keys = st.binary(max_size=3).map(lambda rest: b"s" + rest)
writes = st.dictionaries(keys, st.none() | st.binary(max_size=4), max_size=8)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(writes, st.lists(st.binary(min_size=1, max_size=9), max_size=4)), max_size=5), keys, keys)
def test_the_twins_agree(
    tmp_path_factory: pytest.TempPathFactory,
    blocks: list[tuple[dict[bytes, bytes | None], list[bytes]]],
    start: bytes,
    stop: bytes,
) -> None:
    level = Store(tmp_path_factory.mktemp("twins") / "chain", LocalDisk())
    memory = MemoryStore(MemoryDisk())
    for height, (state_writes, bodies) in enumerate(blocks, 1):
        txs = [bytes([height, i]) + body for i, body in enumerate(bodies)]
        for store in (level, memory):
            save(store, height, state_writes, txs)
    assert list(level.scan(b"s", b"t")) == list(memory.scan(b"s", b"t"))
    assert list(level.scan(start, stop)) == list(memory.scan(start, stop))
    assert level.get(start) == memory.get(start)
    for height in range(len(blocks) + 2):
        assert level.block(Height(height)) == memory.block(Height(height))
        assert level.tx_hashes(Height(height)) == memory.tx_hashes(Height(height))
    level.close()


def test_blocks_can_be_put_below_the_first(store: BlockStore) -> None:
    saved = [save(store, height) for height in (7, 8, 6, 5)]
    assert (store.base_height, store.last_height) == (5, 8)
    for block in saved:
        assert store.block(block.height) == block
        assert store.tx_location(sha256(block.txs[2])) == (block.height, 2)
    for wrong in (3, 6, 10):
        with pytest.raises(AssertionError):
            save(store, wrong)


def test_a_frozen_store_stays_as_it_is(store: BlockStore) -> None:
    block = save(store, 1, {b"a1": b"before", b"a2": b"gone"})
    frozen = store.frozen()
    save(store, 2, {b"a1": b"after", b"a2": None, b"a3": b"new"})
    assert [frozen.get(key) for key in (b"a1", b"a2", b"a3")] == [b"before", b"gone", None]
    assert list(frozen.scan(b"a", b"b")) == [(b"a1", b"before"), (b"a2", b"gone")]
    assert frozen.transaction_at(Height(1), 1) == block.txs[1]
    with pytest.raises(BrokenStorage):
        frozen.transaction_at(Height(2), 0)
    frozen.close()
    assert store.get(b"a1") == b"after"


def test_a_wiped_store_is_as_a_new_one(store: BlockStore) -> None:
    block = save(store, 5, {b"a%d" % n: b"value" for n in range(1_000)})
    store.put_rejection(sha256(b"x"), "MV-1203")
    store.wipe()
    assert (store.base_height, store.last_height) == (0, 0)
    assert list(store.scan(b"a", b"z")) == []
    assert store.block(Height(5)) is None
    assert store.tx_location(sha256(block.txs[0])) is None
    assert not list(store.rejections())
    save(store, 1)
    assert (store.base_height, store.last_height) == (1, 1)
