"""Disks that crash or record, for the tests of storage (faults section 4)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mvchain.core.hashing import sha256
from mvchain.core.types import Height
from mvchain.ledger.block_id import BlockID, PartSetHeader
from mvchain.node.memory import MemoryDisk
from mvchain.node.ports import BlockStore, Disk, StoredBlock

PERSISTENCE = ("create", "write", "truncate", "fsync", "replace", "remove", "fsync_dir", "commit")

LOST: tuple[str, Callable[[int], int]] = ("all unsynced is lost", lambda n: 0)
KEPT: tuple[str, Callable[[int], int]] = ("all unsynced is kept", lambda n: n)
TORN: tuple[str, Callable[[int], int]] = ("half of the unsynced is kept", lambda n: n // 2)
AFTERMATHS = (LOST, KEPT, TORN)


class Crash(BaseException):
    """The power goes; nobody catches this."""


class SeamDisk:
    """Passes everything on to `inner` and notes the persistence calls; crashes before or after the one `at`."""

    def __init__(self, inner: Disk, at: int | None = None, *, after: bool = False) -> None:
        self._inner = inner
        self.at = at
        self._after = after
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._inner, name)
        if name not in PERSISTENCE:
            return call

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            here = len(self.calls) - 1 == self.at
            if here and not self._after:
                raise Crash
            result = call(*args, **kwargs)
            if here:
                raise Crash
            return result

        return counted


def crashes(prepare: Callable[[Disk], None], act: Callable[[Disk], None]) -> Iterator[tuple[str, MemoryDisk]]:
    """Every way in which `act`, on a disk that `prepare` filled, can be cut short; yields the disk as it is found
    at the next start. `prepare` itself is taken as durable. Last comes the crash after `act` was through.
    """
    counting = MemoryDisk()
    prepare(counting)
    seam = SeamDisk(counting)
    act(seam)
    for at in range(len(seam.calls) + 1):
        for after in (False, True):
            for what, pick in AFTERMATHS:
                disk = MemoryDisk()
                prepare(disk)
                disk.crash(lambda n: n)
                try:
                    act(SeamDisk(disk, at, after=after))
                except Crash:
                    pass
                else:
                    assert at == len(seam.calls)
                disk.crash(pick)
                yield f"call {at} of {seam.calls}, {'after' if after else 'before'} it, {what}", disk


def block_id(height: int) -> bytes:
    """The encoded id of a block whose hash is its height, 32 times."""
    return BlockID(bytes([height]) * 32, PartSetHeader(1, bytes(32))).encode()


def save(
    store: BlockStore,
    height: int,
    state_writes: Mapping[bytes, bytes | None] | None = None,
    txs: Sequence[bytes] | None = None,
) -> StoredBlock:
    """Saves a block of this height, of three transactions if none are given; returns what must be read back."""
    body = [b"%d-%d" % (height, n) * 20 for n in range(3)] if txs is None else list(txs)
    block = StoredBlock(
        height=Height(height),
        header=b"header %d" % height,
        txs=tuple(body),
        evidence=b"",
        last_commit=b"commit %d" % (height - 1),
        commit=b"commit %d" % height,
        block_id=block_id(height),
        groups=b"groups of %d" % height,
        result_numbers=tuple(range(len(body))),
    )
    store.save_block(
        height=block.height,
        header=block.header,
        txs=block.txs,
        tx_hashes=[sha256(tx) for tx in body],
        last_commit=block.last_commit,
        commit=block.commit,
        block_id=block.block_id,
        groups=block.groups,
        result_numbers=block.result_numbers,
        evidence=b"",
        state_writes=state_writes or {},
    )
    return block
