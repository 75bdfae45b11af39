"""What nodes use while they are treated badly, as the kernel tells it, and the caps on it (faults I7)."""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Self

from mvchain.chaos.cluster import Cluster

SAMPLE_S: Final = 1.0
MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Caps:
    """What one node may use at most."""

    resident_bytes: int = 512 * MIB
    """A new node takes some 90 MiB; its mempool, journal and caches are bounded below 400 MiB together."""
    descriptors: int = 1_100
    """900 connections of the API, 256 handshakes at the peer port less what cannot be at once, and files."""
    disk_bytes: int = 64 * MIB
    """Databases and logs at rest: write buffers of LevelDB and segments of the journal, 16 MiB each."""
    disk_bytes_per_block: int = 24 * 1024
    """A commit, a header, an index, and what LevelDB writes twice before it compacts."""
    disk_bytes_per_ballot: int = 4 * 1024
    log_bytes: int = 16 * MIB
    """What a node writes for people, in one run of a fault."""


class Use(NamedTuple):
    """What a node uses at one moment."""

    at: float
    """`time.monotonic()`."""
    resident_bytes: int
    descriptors: int


class Watch:
    """Samples all running nodes from when it is entered until it is left; an async context manager."""

    def __init__(self, cluster: Cluster, caps: Caps | None = None) -> None:
        self.samples: dict[int, list[Use]] = defaultdict(list)
        self._cluster = cluster
        self._caps = caps or Caps()
        self._sampling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._sampling = asyncio.create_task(self._sample())
        return self

    async def __aexit__(self, *_exc: object) -> None:
        assert self._sampling is not None
        self._sampling.cancel()
        await asyncio.gather(self._sampling, return_exceptions=True)

    async def _sample(self) -> None:
        while True:
            for number in self._cluster.running:
                with contextlib.suppress(OSError):
                    self.samples[number].append(use_of(self._cluster.pid(number)))
            await asyncio.sleep(SAMPLE_S)

    def most(self) -> Mapping[str, int]:
        """The most that any node used, for the report."""
        uses = [use for samples in self.samples.values() for use in samples]
        return {
            "resident_bytes": max((use.resident_bytes for use in uses), default=0),
            "descriptors": max((use.descriptors for use in uses), default=0),
        }

    def faults(self, blocks: int, ballots: int) -> Iterator[str]:
        """Every cap that was passed on a chain of so many blocks and ballots."""
        for number in self._cluster.numbers:
            samples = self.samples.get(number, [])
            disk = disk_bytes(self._cluster.homes[number].path / "data")
            log = self._cluster.log_size(number)
            yield from cap_faults(number, samples, Grown(disk, log, blocks, ballots), self._caps)


class Grown(NamedTuple):
    """What a node has written, and for what."""

    disk_bytes: int
    log_bytes: int
    blocks: int
    ballots: int


def cap_faults(number: int, samples: Sequence[Use], grown: Grown, caps: Caps) -> Iterator[str]:
    """The caps that a node passed."""
    disk_cap = caps.disk_bytes + grown.blocks * caps.disk_bytes_per_block + grown.ballots * caps.disk_bytes_per_ballot
    for what, most, cap in (
        ("bytes of memory", max((use.resident_bytes for use in samples), default=0), caps.resident_bytes),
        ("open files", max((use.descriptors for use in samples), default=0), caps.descriptors),
        ("bytes on disk", grown.disk_bytes, disk_cap),
        ("bytes of log", grown.log_bytes, caps.log_bytes),
    ):
        if most > cap:
            yield f"I7: node {number} had {most:,} {what}, the cap is {cap:,}"


def use_of(pid: int) -> Use:
    """What a process uses now. Raises OSError: it is gone."""
    process = Path(f"/proc/{pid}")
    lines = (process / "status").read_text().splitlines()
    resident = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), 0)
    return Use(time.monotonic(), resident, len(list((process / "fd").iterdir())))


def disk_bytes(directory: Path) -> int:
    """Of all files in a directory and below, some of which may go meanwhile."""
    total = 0
    for path in directory.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file():
                total += path.stat().st_size
    return total
