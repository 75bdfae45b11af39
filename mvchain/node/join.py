"""The asyncio shell of joining: asks several nodes at a time, verifies by the rules of light clients, drops who lies.

Before the node itself runs, on connections of its own. What is believed is decided in `mvchain.light`, by the hashes
of the chunks, and in `mvchain.node.joining`.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BadPeer, BadProof, BadRequest, BrokenStorage, MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash, Height
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.past import PastBlock as Past
from mvchain.ledger.snapshot import Manifest
from mvchain.light.blocks import LightBlock, decode_light_block
from mvchain.light.client import Divergence, LightClient, Notice, Source
from mvchain.light.driver import Driver
from mvchain.light.rules import Rules
from mvchain.light.trust import TrustStore
from mvchain.node.joining import Arrived, Offer, ranked, settle
from mvchain.node.message import Message
from mvchain.node.peer import Peer
from mvchain.node.ports import BlockStore
from mvchain.node.transport import Transport
from mvchain.node.wire_past import (
    ANSWERS,
    GetLightBlock,
    GetPastBlock,
    GetSnapshotPart,
    GetSnapshots,
    LightBlockResponse,
    PastBlock,
    Question,
    SnapshotPart,
    Snapshots,
)

logger = logging.getLogger(__name__)

CONNECT_S = 15.0
"""How long the first node may take to be connected."""
OTHERS_S = 3.0
"""How long the others may take from then on; those that are there then have to do."""
ANSWER_S = 20.0
"""For one answer; a chunk of 1 MiB then comes at 200 kB/s where four are under way."""
PATIENCE_S = 120.0
"""For the chunks of one snapshot while others offer another one, and each time twice as long: how many there are is
only what the peers say who offer it, and a false one that comes slowly would stand before a good one for hours."""
CHUNKS_PER_PEER = 4
"""Asked of one peer at a time."""
ASKERS_PER_CHUNK = 2
"""Towards the end, so that a silent peer does not hold up the last chunks."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the download is."""

    height: Height
    done: int
    """Chunks."""
    total: int


class Join:
    """One attempt to get a state; implements `transport.PeerHandler`.

    Args:
        expected: how many nodes are dialled.
        report: hears how far it is.
    """

    def __init__(
        self,
        genesis: Genesis,
        store: BlockStore,
        arrived: Arrived,
        expected: int,
        report: Callable[[Progress], None],
    ) -> None:
        self._genesis = genesis
        self._store = store
        self._arrived = arrived
        self._expected = expected
        self._report = report
        self._peers: dict[str, Peer] = {}
        self._dropped: set[str] = set()
        self._connected, self._all_connected = asyncio.Event(), asyncio.Event()
        self._waiting: dict[tuple[str, type[Message], Any], asyncio.Future[Message]] = {}

    # --- connections ---

    def on_connect(self, peer: Peer) -> None:
        """See `PeerHandler`."""
        if peer.name in self._dropped:
            return
        self._peers[peer.name] = peer
        self._connected.set()
        if len(self._peers) == self._expected:
            self._all_connected.set()

    def on_disconnect(self, peer: Peer) -> None:
        """See `PeerHandler`; what it owes will not come."""
        self._peers.pop(peer.name, None)
        for (name, *_), answer in self._waiting.items():
            if name == peer.name and not answer.done():
                answer.cancel()

    def on_message(self, peer: Peer, message: Message) -> None:
        """Take an answer; a running node sends other things too, which are of no use here."""
        answer = self._waiting.get((peer.name, type(message), _subject(message)))
        if answer is not None and not answer.done():
            answer.set_result(message)

    async def _ask(self, peer: str, question: Question) -> Any:
        """The answer of a peer.

        Raises:
            BadRequest: there is none in time.
        """
        key = peer, ANSWERS[type(question)], _subject(question)
        if peer not in self._peers or key in self._waiting:
            raise BadRequest(codes.PEER_NO_ANSWER, peer=peer)
        answer = self._waiting[key] = asyncio.get_running_loop().create_future()
        try:
            if not self._peers[peer].send(question):
                raise BadRequest(codes.PEER_NO_ANSWER, peer=peer)
            await asyncio.wait([answer], timeout=ANSWER_S)
            if answer.cancelled() or not answer.done():
                raise BadRequest(codes.PEER_NO_ANSWER, peer=peer)
            return answer.result()
        finally:
            del self._waiting[key]

    def _drop(self, peer: str, error: MvchainError) -> None:
        """It lied: it is asked for nothing any more."""
        self._dropped.add(peer)
        if peer in self._peers:
            self._peers.pop(peer).close(BadPeer(error.cause, **error.data))

    # --- the way to a state ---

    async def run(self, transport: Transport) -> Height | None:
        """The height whose state is in the store now; None if no peer has a snapshot that holds.

        Raises:
            BadConfiguration: no node could be reached.
            Divergence: the chain has two truths; nothing was taken.
            BrokenStorage: the disk is damaged or full.
        """
        connections = asyncio.create_task(transport.run(self))
        work = asyncio.create_task(self._run())
        try:
            await asyncio.wait([connections, work], return_when=asyncio.FIRST_COMPLETED)
            if connections.done():
                await connections
            return await work
        finally:
            for task in (work, connections):
                task.cancel()
            await asyncio.gather(work, connections, return_exceptions=True)

    async def _run(self) -> Height | None:
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_S):
                await self._connected.wait()
            async with asyncio.timeout(OTHERS_S):
                await self._all_connected.wait()
        if not self._peers:
            raise BadConfiguration(codes.NOBODY_TO_JOIN)
        sources = [Source(name) for name in self._peers]
        client = LightClient(TrustStore(self._genesis), sources, Rules(), _note)
        loop = asyncio.get_running_loop()
        driver = Driver({source: _PeerSource(self, source, loop) for source in sources})
        no_room: BrokenStorage | None = None
        offers, patience_s = deque(ranked(await self._offers(sources))), PATIENCE_S
        while offers:
            offer = offers.popleft()
            others = any(set(other.peers) - set(offer.peers) for other in offers)
            try:
                await self._take(offer, client, driver, patience_s if others else None)
            except Divergence:
                raise
            except TimeoutError:
                logger.warning("the snapshot of height %d comes slowly; others are tried meanwhile", offer.height)
                offers.append(offer)
                patience_s *= 2
            except (BadProof, BadRequest, BrokenStorage) as error:
                if isinstance(error, BrokenStorage):
                    if error.cause is not codes.DISK_FULL:
                        raise
                    no_room = error  # so many chunks may be a lie, and another offer smaller
                logger.warning("the snapshot of height %d cannot be had: %s", offer.height, error)
            else:
                return offer.height
        if no_room is not None:
            raise no_room
        return None

    async def _offers(self, peers: Sequence[str]) -> dict[str, Sequence[tuple[Height, Hash]]]:
        answers = await asyncio.gather(*(self._ask(peer, GetSnapshots()) for peer in peers), return_exceptions=True)
        return {
            peer: answer.offers for peer, answer in zip(peers, answers, strict=True) if isinstance(answer, Snapshots)
        }

    async def _take(self, offer: Offer, client: LightClient, driver: Driver, patience_s: float | None) -> None:
        """Verify the header above first: without one that holds, nothing of the snapshot is worth fetching.

        Raises:
            BadProof, BadRequest: it cannot be had.
            TimeoutError: its chunks take longer than `patience_s`.
        """
        above = await driver.run(client.block_at(Height(offer.height + 1)))
        signed = await driver.run(client.block_at(offer.height))
        manifest = await self._manifest(offer)
        block = await self._block(offer, above)
        await self._fetch(offer, manifest, patience_s)
        try:
            await asyncio.to_thread(settle, self._store, self._arrived.chunks(manifest), block, signed, above.header)
        except BadProof as error:
            for peer in offer.peers:
                self._drop(peer, error)
            raise
        self._arrived.clear()

    async def _manifest(self, offer: Offer) -> Manifest:
        for peer in offer.peers:
            try:
                part: SnapshotPart = await self._ask(peer, GetSnapshotPart(offer.height, 0))
            except BadRequest:
                continue
            if not part.data:
                continue
            if sha256(part.data) == offer.manifest_hash:
                manifest = Manifest.decode(part.data)
                if manifest.height == offer.height:
                    return manifest
            self._drop(peer, BadProof(codes.SNAPSHOT_WRONG, why="the manifest is not the one that was offered"))
        raise BadRequest(codes.SNAPSHOT_GONE, height=offer.height)

    async def _block(self, offer: Offer, above: LightBlock) -> Past:
        """The block of the snapshot's height, from whoever has it."""
        for peer in (*offer.peers, *(name for name in self._peers if name not in offer.peers)):
            try:
                answer: PastBlock = await self._ask(peer, GetPastBlock(offer.height))
            except BadRequest:
                continue
            if not answer.block:
                continue
            try:
                return Past.verify(answer.block, answer.numbers, above.header)
            except BadProof as error:
                self._drop(peer, error)
        raise BadRequest(codes.SNAPSHOT_GONE, height=offer.height)

    # --- chunks ---

    async def _fetch(self, offer: Offer, manifest: Manifest, patience_s: float | None) -> None:
        """All chunks that are not here, from all who offer them.

        Raises:
            BadRequest: nobody is left who has them.
            TimeoutError: they take too long.
        """
        missing = await asyncio.to_thread(self._arrived.missing, manifest)
        self._arrived.check_room(len(missing))
        download = _Download(manifest, missing, self._arrived, self._report)
        try:
            async with asyncio.timeout(patience_s), asyncio.TaskGroup() as tasks:
                for peer in offer.peers:
                    for _ in range(CHUNKS_PER_PEER):
                        tasks.create_task(self._fetch_from(peer, download))
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None  # the disk
        if download.missing:
            raise BadRequest(codes.SNAPSHOT_GONE, height=manifest.height)

    async def _fetch_from(self, peer: str, download: "_Download") -> None:
        """One chunk after the other, until nothing is left to ask, or the peer fails."""
        height = download.manifest.height
        while peer in self._peers and download.has_for(peer):
            index = download.next_for(peer)
            if index is None:
                await download.let_go_of_one()
                continue
            try:
                part: SnapshotPart = await self._ask(peer, GetSnapshotPart(height, index + 1))
            except BadRequest:
                return
            finally:
                download.let_go(index)
            if not part.data:
                return
            if not download.take(index, part.data):
                self._drop(peer, BadProof(codes.SNAPSHOT_WRONG, why=f"chunk {index} is not the one that was offered"))


class _Download:
    """What is still missing, and who is asked for it."""

    def __init__(
        self, manifest: Manifest, missing: Sequence[int], arrived: Arrived, report: Callable[[Progress], None]
    ) -> None:
        self.manifest = manifest
        self.missing = dict.fromkeys(missing)
        self._arrived = arrived
        self._report = report
        self._askers: Counter[int] = Counter()
        self._asked: set[tuple[str, int]] = set()
        self._let_go = asyncio.Event()
        self._tell()

    def has_for(self, peer: str) -> bool:
        """Whether a chunk is missing that this peer was not asked for."""
        return any((peer, index) not in self._asked for index in self.missing)

    def next_for(self, peer: str) -> int | None:
        """The chunk to ask of this peer: one that nobody is asked for, or else one that few are."""
        for askers in range(ASKERS_PER_CHUNK):
            for index in self.missing:
                if self._askers[index] == askers and (peer, index) not in self._asked:
                    self._askers[index] += 1
                    self._asked.add((peer, index))
                    return index
        return None

    def let_go(self, index: int) -> None:
        """Who was asked has answered, or does not."""
        self._askers[index] -= 1
        self._let_go.set()
        self._let_go = asyncio.Event()

    async def let_go_of_one(self) -> None:
        """Return once another chunk may be asked for."""
        await self._let_go.wait()

    def take(self, index: int, chunk: bytes) -> bool:
        """Keep a chunk; False if it is another one."""
        if sha256(chunk) != self.manifest.chunks[index]:
            return False
        if index in self.missing:
            self._arrived.put(chunk)
            del self.missing[index]
            self._tell()
        return True

    def _tell(self) -> None:
        total = len(self.manifest.chunks)
        self._report(Progress(self.manifest.height, total - len(self.missing), total))


class _PeerSource:
    """A peer as the light client asks it, from another thread."""

    def __init__(self, join: Join, peer: str, loop: asyncio.AbstractEventLoop) -> None:
        self._join = join
        self._peer = peer
        self._loop = loop

    def light_block(self, height: Height | None) -> LightBlock:
        """See `driver.Fetcher`."""
        asking = self._join._ask(self._peer, GetLightBlock(height or 0))
        answer: LightBlockResponse = asyncio.run_coroutine_threadsafe(asking, self._loop).result()
        if not answer.data:
            raise BadRequest(codes.BLOCK_UNKNOWN, height=height)
        return decode_light_block(answer.data)


def _subject(message: Message) -> Any:
    """What ties an answer to its question."""
    match message:
        case GetSnapshotPart(height, part) | SnapshotPart(height, part, _):
            return height, part
        case GetLightBlock(height) | LightBlockResponse(height, _) | GetPastBlock(height) | PastBlock(height, _, _):
            return height
    return None


def _note(notice: Notice) -> None:
    if notice.reason is not None:
        logger.warning("peer %s: %s", notice.source, notice.reason)
