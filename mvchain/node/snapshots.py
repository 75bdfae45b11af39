"""The snapshots that a node has for others (`mvchain.ledger.snapshot`): when they are made, and where they lie.

    DIR/1000.0, DIR/1000.1, ...   chunks of the snapshot of height 1,000
    DIR/1000.manifest             the hashes of all of them

The manifest is written last, when all chunks are durable, so what lies here without one is a snapshot that was not
finished, and is removed (faults CP18). The newest KEPT_SNAPSHOTS are kept.

Snapshots are made at the same heights by all nodes, so that their chunks can be had from any of them. One is made from
a frozen view of the store, a chunk at a time, whenever its driver likes: the chain goes on meanwhile.
"""

import logging
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from mvchain.core.errors import BrokenStorage
from mvchain.core.hashing import sha256
from mvchain.core.limits import (
    KEPT_SNAPSHOTS,
    MAX_SNAPSHOT_CHUNKS,
    MIN_FREE_DISK_BYTES,
)
from mvchain.core.types import Hash, Height
from mvchain.ledger.snapshot import Manifest, snapshot_chunks
from mvchain.node.files import atomic_write
from mvchain.node.ports import Disk, FrozenStore

if TYPE_CHECKING:
    from mvchain.node.replica import Replica

logger = logging.getLogger(__name__)

FIRST_HEIGHT = 100
"""Of the first snapshot, where it is less than the others' distance: a chain can have a million ballots soon."""
_MANIFEST = "manifest"


def is_due(height: Height, every_blocks: int) -> bool:
    """Whether a snapshot is to be made at this height, or as soon after it as no poll is being counted."""
    return bool(every_blocks) and (height % every_blocks == 0 or height == min(FIRST_HEIGHT, every_blocks))


class Snapshots:
    """The directory; what is not finished in it is removed."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._directory = directory
        self._disk = disk
        disk.make_directory(directory)
        self._manifests: dict[Height, Manifest] = {}
        for name in disk.names(directory):
            height, _, kind = name.partition(".")
            if kind == _MANIFEST and height.isdecimal():
                self._read(Height(int(height)))
        self._remove_others()

    @property
    def manifests(self) -> list[Manifest]:
        """Those of the whole snapshots, the newest first."""
        return [self._manifests[height] for height in sorted(self._manifests, reverse=True)]

    def manifest(self, height: Height) -> Manifest | None:
        """Of the snapshot of this height, if it is here and whole."""
        return self._manifests.get(height)

    def chunk(self, height: Height, index: int) -> bytes | None:
        """One chunk of it."""
        manifest = self._manifests.get(height)
        if manifest is None or index >= len(manifest.chunks):
            return None
        chunk = self._disk.read(self._path(height, str(index)))
        if chunk is None or sha256(chunk) != manifest.chunks[index]:
            logger.warning("chunk %d of the snapshot of height %d is damaged", index, height)
            return None  # who asked would take this node for a liar
        return chunk

    def take(self, height: Height, source: FrozenStore) -> Generator[None, None, None]:
        """Make the snapshot of the state after block `height`, which `source` shows, one chunk a step.

        It is here once this has come to its end, unless the disk has no room for it, or it would be too large.
        """
        hashes: list[Hash] = []
        for index, chunk in enumerate(snapshot_chunks(source)):
            if index == MAX_SNAPSHOT_CHUNKS or self._disk.free_bytes(self._directory) < 2 * MIN_FREE_DISK_BYTES:
                logger.warning("no snapshot of height %d: %d MiB have no room", height, index)
                self._remove_others()
                return
            self._write(self._path(height, str(index)), chunk)
            hashes.append(sha256(chunk))
            yield
        self._disk.fsync_dir(self._directory)
        manifest = Manifest(height, tuple(hashes))
        atomic_write(self._disk, self._path(height, _MANIFEST), manifest.encode())
        self._manifests[height] = manifest
        self._remove_others()
        logger.info("snapshot of height %d: %d chunks", height, len(hashes))

    def _read(self, height: Height) -> None:
        try:
            manifest = Manifest.decode(self._disk.read(self._path(height, _MANIFEST)) or b"", BrokenStorage)
        except BrokenStorage as error:
            logger.warning("the snapshot of height %d is damaged: %s", height, error)
            return
        if manifest.height == height:
            self._manifests[height] = manifest

    def _write(self, path: Path, data: bytes) -> None:
        file = self._disk.create(path)
        self._disk.write(file, data)
        self._disk.fsync(file)
        self._disk.close(file)

    def _path(self, height: Height, kind: str) -> Path:
        return self._directory / f"{height}.{kind}"

    def _remove_others(self) -> None:
        """Manifests first: chunks without one are no snapshot, a manifest without its chunks would be a wrong one."""
        for old in sorted(self._manifests)[:-KEPT_SNAPSHOTS]:
            del self._manifests[old]
        kept = {str(height) for height in self._manifests}
        others = [name for name in self._disk.names(self._directory) if name.partition(".")[0] not in kept]
        for name in sorted(others, key=lambda name: not name.endswith(_MANIFEST)):
            self._disk.remove(self._directory / name)
            if name.endswith(_MANIFEST):
                self._disk.fsync_dir(self._directory)
        if others:
            self._disk.fsync_dir(self._directory)


class SnapshotMaker:
    """Makes the snapshots of one node; `block_saved` hears of each block before anything else happens.

    Args:
        every_blocks: how far apart they are; 0 for none.
    """

    def __init__(self, snapshots: Snapshots, replica: "Replica", every_blocks: int) -> None:
        self.snapshots = snapshots
        self._replica = replica
        self._every_blocks = every_blocks
        self._is_due = False
        self._frozen: tuple[Height, FrozenStore] | None = None
        replica.on_block = self.block_saved

    def block_saved(self) -> None:
        """Keep a view of the state if its snapshot is due; not while the last one waits to be made."""
        height = self._replica.tip.height
        self._is_due = self._is_due or is_due(height, self._every_blocks)
        if self._is_due and not self._replica.state.counting:
            self._is_due = False
            if self._frozen is None:
                self._frozen = height, self._replica.store.frozen()

    @property
    def is_waiting(self) -> bool:
        """Whether a snapshot is to be made."""
        return self._frozen is not None

    def steps(self) -> Generator[None, None, None]:
        """Make the snapshot that waits, see `Snapshots.take`; from the first step on the view is let go in the end."""
        assert self._frozen is not None
        (height, frozen), self._frozen = self._frozen, None
        return self._make(height, frozen)

    def _make(self, height: Height, frozen: FrozenStore) -> Generator[None, None, None]:
        try:
            yield from self.snapshots.take(height, frozen)
        finally:
            frozen.close()
