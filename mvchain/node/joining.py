"""Joining a chain by a snapshot of others: which one to take, what has come of it, and how it becomes the store.

    DIR/<hash in hex>    a chunk, as soon as it has come; checked by its hash whenever it is read

A store without a tip is no state (`replica.TIP_KEY`). The tip is written last, in one batch with the block of the
snapshot's height, so a crash before it leaves nothing that could be taken for one: the next run starts over with the
chunks that are here (faults CP17, CP18).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mvchain.core import codes
from mvchain.core.errors import BrokenStorage
from mvchain.core.hashing import sha256
from mvchain.core.limits import MIN_FREE_DISK_BYTES, SNAPSHOT_CHUNK_BYTES
from mvchain.core.types import Hash, Height
from mvchain.ledger.blocks import Header, encode_evidence_list
from mvchain.ledger.keyspace import WHOLE_STATE
from mvchain.ledger.past import PastBlock
from mvchain.ledger.restoring import conclusion, restore
from mvchain.ledger.snapshot import Manifest
from mvchain.light.blocks import LightBlock
from mvchain.node.candidates import Tip
from mvchain.node.ports import BlockStore, Disk
from mvchain.node.replica import TIP_KEY


@dataclass(frozen=True, slots=True)
class Offer:
    """A snapshot, and who says that it has it."""

    height: Height
    manifest_hash: Hash
    peers: tuple[str, ...]


def ranked(offers: Mapping[str, Sequence[tuple[Height, Hash]]]) -> list[Offer]:
    """All that peers offer: what most of them offer first, of these the newest. So no height is believed alone."""
    peers: dict[tuple[Height, Hash], list[str]] = defaultdict(list)
    for peer, offered in offers.items():
        for one in dict.fromkeys(offered):
            peers[one].append(peer)
    found = [Offer(height, name, tuple(names)) for (height, name), names in peers.items()]
    return sorted(found, key=lambda offer: (-len(offer.peers), -offer.height, offer.manifest_hash))


class Arrived:
    """The chunks that are here."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._directory = directory
        self._disk = disk
        disk.make_directory(directory)

    def missing(self, manifest: Manifest) -> list[int]:
        """Which chunks are not; what belongs to other snapshots is removed."""
        wanted = {name.hex() for name in manifest.chunks}
        self._remove(name for name in self._disk.names(self._directory) if name not in wanted)
        return [index for index, name in enumerate(manifest.chunks) if self._read(name) is None]

    def check_room(self, chunks: int) -> None:
        """That there is room for so many more, for the store that is made of them, and for going on.

        Raises:
            BrokenStorage: there is not.
        """
        free, least = self._disk.free_bytes(self._directory), MIN_FREE_DISK_BYTES + 3 * chunks * SNAPSHOT_CHUNK_BYTES
        if free < least:
            raise BrokenStorage(codes.DISK_FULL, path=self._directory, free=free, least=least)

    def put(self, chunk: bytes) -> None:
        """Keep a chunk."""
        file = self._disk.create(self._directory / sha256(chunk).hex())
        self._disk.write(file, chunk)
        self._disk.fsync(file)
        self._disk.close(file)

    def chunks(self, manifest: Manifest) -> Iterator[bytes]:
        """All of a snapshot, in order.

        Raises:
            BrokenStorage: one is not what was kept.
        """
        for index, name in enumerate(manifest.chunks):
            chunk = self._read(name)
            if chunk is None:
                raise BrokenStorage(codes.CHUNK_DAMAGED, index=index, path=self._directory)
            yield chunk

    def clear(self) -> None:
        """Nothing of it is needed any more."""
        self._remove(iter(self._disk.names(self._directory)))

    def _read(self, name: Hash) -> bytes | None:
        chunk = self._disk.read(self._directory / name.hex())
        return chunk if chunk is not None and sha256(chunk) == name else None

    def _remove(self, names: Iterator[str]) -> None:
        for name in names:
            self._disk.remove(self._directory / name)
        self._disk.fsync_dir(self._directory)


def is_empty(store: BlockStore) -> bool:
    """Whether there is no state in the store, nor a part of one."""
    return next(store.scan(*WHOLE_STATE), None) is None


def settle(store: BlockStore, chunks: Iterator[bytes], block: PastBlock, signed: LightBlock, above: Header) -> None:
    """Make the snapshot after `block` the state of a store that has none.

    Args:
        signed: the light block of the same height.
        above: the trusted header of the next height, which binds all of it.

    Raises:
        BadProof: SNAPSHOT_WRONG; the store is as good as empty.
        BrokenStorage: a chunk or the disk is damaged.
    """
    assert store.get(TIP_KEY) is None
    if not is_empty(store):
        store.wipe()
    height, header = signed.height, block.block.header
    restore(chunks, height, above.app_hash, store, store.write_state)
    tip = Tip(
        height=height,
        block_id=block.block_id,
        time_ns=header.time_ns,
        results_hash=Hash(above.last_results_hash),
        changed_state=bool(block.transactions) or above.app_hash != header.app_hash,
    )
    save_past(store, block, signed.commit.encode(), {**conclusion(height, header.time_ns), TIP_KEY: tip.encode()})


def save_past(store: BlockStore, block: PastBlock, commit: bytes, state_writes: Mapping[bytes, bytes | None]) -> None:
    """Save a verified block with the precommits that decided it."""
    store.save_block(
        height=block.block.header.height,
        header=block.block.header.encode(),
        txs=block.block.txs,
        tx_hashes=[transaction.hash for transaction in block.transactions],
        last_commit=block.block.last_commit.encode(),
        commit=commit,
        block_id=block.block_id.encode(),
        groups=block.groups.encode(),
        result_numbers=block.numbers,
        state_writes=state_writes,
        evidence=encode_evidence_list(block.block.evidence),
    )
