"""mvchain.bench.long_chain: the chain that is to be joined is a real one, with a snapshot of it."""

from pathlib import Path

import pytest

from mvchain.app import open_state
from mvchain.bench import long_chain as module
from mvchain.bench.long_chain import Size, build_chain
from mvchain.core.types import PollNumber
from mvchain.demo.progress import Narrator
from mvchain.ledger import restoring
from mvchain.ledger.records import PollState
from mvchain.ledger.state import State
from mvchain.node.files import LocalDisk
from mvchain.node.snapshots import Snapshots
from mvchain.node.store import Store
from tests.ledger.state_helpers import MemoryStore


def test_a_long_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPARE_BLOCKS", 40)
    size = Size(blocks=60, polls=3, voters=50, open_polls=1)
    chain = build_chain(tmp_path / "chain", tmp_path / "snapshots", size, Narrator())
    assert chain.height >= 60
    assert chain.snapshot_height == chain.height - module.ABOVE
    with_store = Store(tmp_path / "chain" / "store", LocalDisk())
    try:
        state, tip = open_state(with_store, chain.genesis)
        assert tip.height == chain.height
        polls = [state.poll(PollNumber(n)) for n in (1, 2, 3)]
        assert [poll.state for poll in polls if poll] == [PollState.OPEN, PollState.FINAL, PollState.FINAL]
        assert [poll.ballots_size for poll in polls if poll] == [50, 50, 50]
    finally:
        with_store.close()
    snapshots = Snapshots(tmp_path / "snapshots", LocalDisk())
    (manifest,) = snapshots.manifests
    chunks = [snapshots.chunk(manifest.height, index) or b"" for index in range(len(manifest.chunks))]
    assert sum(map(len, chunks)) == chain.snapshot_bytes
    store = MemoryStore()
    restoring.restore(chunks, manifest.height, state.app_hash, store, store.write)
    store.write(restoring.conclusion(manifest.height, state.time_ns))
    assert State.load(store, store).app_hash == state.app_hash
