"""A network that held polls, nodes that serve what it knows, and lies about it."""

import asyncio
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from mvchain.core.errors import BadPeer
from mvchain.core.types import AgencyNumber, PollNumber
from mvchain.ledger.past import PastBlock as Past
from mvchain.ledger.proposals import RemoveAgency
from mvchain.ledger.records import PollState
from mvchain.ledger.snapshot import Manifest
from mvchain.light.blocks import decode_light_block
from mvchain.node.join import Join
from mvchain.node.joining import settle
from mvchain.node.memory import MemoryDisk, MemoryStore
from mvchain.node.message import Message
from mvchain.node.serving import Serving
from mvchain.node.snapshots import Snapshots
from mvchain.node.wire_past import ANSWERS, GetLightBlock, GetPastBlock, Question
from tests.api.test_changed_chain import Stage
from tests.node.cluster import Cluster, Election, Node

POLL = PollNumber(1)
VOTERS = 20
SERVED = Path("served")

Lie = Callable[[Question, Message], Message | None]
"""What a bad node makes of its answer; None for silence."""


@cache
def held_network() -> Node:
    """A node of four, some blocks above the snapshot that is to be taken: an open poll with ballots."""
    cluster = Cluster(4, seed=3)
    cluster.boot()
    node = cluster.nodes[0]
    election = Election(cluster.genesis, VOTERS, open_ms=3_600_000)
    node.submit(*election.set_up)
    cluster.run(lambda: (poll := node.replica.state.poll(POLL)) is not None and poll.state is PollState.OPEN)
    node.submit(*(election.ballot(i) for i in range(VOTERS)))
    cluster.run(lambda: node.replica.state.poll(POLL).ballots_size == VOTERS)  # type: ignore[union-attr]
    node.snapshot = take(node)  # type: ignore[attr-defined]
    height = node.height
    node.submit(*(election.ballot(i, 1, 1) for i in range(3)))
    cluster.run(lambda: node.height >= height + 3)
    return node


@cache
def ended_network() -> Node:
    """A node of four whose poll is final, some blocks above the snapshot of that state."""
    cluster = Cluster(4, seed=4)
    cluster.boot()
    node = cluster.nodes[0]
    election = Election(cluster.genesis, VOTERS, open_ms=3_000)
    node.submit(*election.set_up)
    cluster.run(lambda: (poll := node.replica.state.poll(POLL)) is not None and poll.state is PollState.OPEN)
    node.submit(*(election.ballot(i) for i in range(VOTERS)))
    cluster.run(lambda: node.replica.state.poll(POLL).ballots_size == VOTERS)  # type: ignore[union-attr]
    node.submit(*(election.ballot(i, 1, 1) for i in range(3)))
    cluster.run(lambda: node.replica.state.stored.tally(POLL) is not None)
    height = node.height
    cluster.run(lambda: node.height > height, limit_ms=200_000)  # the header that the final proof leads to
    node.snapshot = take(node)  # type: ignore[attr-defined]
    height = node.height
    cluster.run(lambda: node.height >= height + 1, limit_ms=200_000)
    return node


@cache
def changed_network() -> Node:
    """A node of four whose validators changed three times before the snapshot."""
    cluster = Cluster(4).boot()
    stage = Stage(cluster, Election(cluster.genesis, 6))
    node = cluster.nodes[0]
    node.submit(*stage.election.set_up)
    cluster.run(lambda: (poll := node.replica.state.poll(POLL)) is not None and poll.state is PollState.OPEN)
    stage.cast(0)
    stage.change(stage.addition())
    stage.cast(0, revision=1)
    stage.change(RemoveAgency(AgencyNumber(5)))
    stage.change(stage.replacement())
    stage.cast(1)
    node.snapshot = take(node)  # type: ignore[attr-defined]
    height = node.height
    stage.cast(2)
    cluster.run(lambda: node.height >= height + 3, limit_ms=600_000)
    return node


def joined(node: Node, store: MemoryStore) -> None:
    """Let the store hold the state of the node's snapshot, as after `Join`."""
    manifest, kept = manifest_of(node), snapshots_of(node)
    height = manifest.height
    chunks = (kept.chunk(height, index) or b"" for index in range(len(manifest.chunks)))
    serving = Serving(node.replica, kept)
    answer = serving.answer(GetPastBlock(height))
    light = [serving.answer(GetLightBlock(height + above)) for above in (0, 1)]
    signed, above = (decode_light_block(one.data) for one in light)  # type: ignore[attr-defined]
    settle(store, chunks, Past.verify(answer.block, answer.numbers, above.header), signed, above.header)  # type: ignore[attr-defined]


def take(node: Node) -> MemoryDisk:
    """A disk with the snapshot of the node's state."""
    disk = MemoryDisk()
    frozen = node.store.frozen()
    for _ in Snapshots(SERVED, disk).take(node.replica.tip.height, frozen):
        pass
    return disk


def snapshots_of(node: Node) -> Snapshots:
    """That were taken by `held_network`."""
    return Snapshots(SERVED, node.snapshot)  # type: ignore[attr-defined]


def manifest_of(node: Node) -> Manifest:
    """Of the one."""
    return snapshots_of(node).manifests[0]


class Served:
    """A peer as `Join` sees it, which answers out of a real node's store."""

    def __init__(self, name: str, node: Node, lie: Lie = lambda _, answer: answer) -> None:
        self.name = name
        self.asked: list[Question] = []
        self.dropped: BadPeer | None = None
        self.lie = lie
        self.join: Join | None = None
        self._serving = Serving(node.replica, snapshots_of(node))

    def send(self, question: Question) -> bool:
        self.asked.append(question)
        answer = self.lie(question, self._serving.answer(question))
        if answer is not None:
            assert type(answer) in ANSWERS.values()
            asyncio.get_running_loop().call_soon(self.deliver, answer)
        return True

    def deliver(self, answer: Message) -> None:
        assert self.join is not None
        if self.dropped is None:
            self.join.on_message(self, answer)  # type: ignore[arg-type]

    def close(self, error: BadPeer) -> None:
        self.dropped = error


class Wires:
    """Stands for the transport: connects these peers and leaves them."""

    def __init__(self, peers: Sequence[Served]) -> None:
        self.peers = peers

    async def run(self, join: Join) -> None:
        for peer in self.peers:
            peer.join = join
            join.on_connect(peer)  # type: ignore[arg-type]
        await asyncio.get_running_loop().create_future()
