"""What a node hands to nodes that join, and that it hands out nothing it has not got."""

import pytest

from mvchain.core.hashing import sha256
from mvchain.core.types import Height, PollNumber
from mvchain.ledger.blocks import Header
from mvchain.ledger.history import decode_final_proof
from mvchain.ledger.past import PastBlock as Past
from mvchain.ledger.records import PollState
from mvchain.ledger.state_tree import record_key, verify_state_proof
from mvchain.light.blocks import decode_light_block
from mvchain.light.rules import Anchor, Rules, verify
from mvchain.node import wire
from mvchain.node.serving import Serving, weight
from mvchain.node.snapshots import SnapshotMaker, Snapshots
from mvchain.node.wire_past import (
    ANSWERS,
    FinalProof,
    GetFinalProof,
    GetLightBlock,
    GetPastBlock,
    GetSnapshotPart,
    GetSnapshots,
    LightBlockResponse,
    PastBlock,
    SnapshotPart,
)
from mvchain.node.wire_past import Snapshots as Offers
from mvchain.sim.node import SNAPSHOTS
from tests.node.cluster import Cluster, Election, Node

POLL = PollNumber(1)


@pytest.fixture(scope="module")
def node() -> Node:
    """Of a network of four that held a poll; its newest snapshot is of the last height but one."""
    cluster = Cluster(4, seed=3)
    cluster.boot()
    node = cluster.nodes[0]
    election = Election(cluster.genesis, 3, open_ms=3_000)
    node.submit(*election.set_up)
    cluster.run(lambda: (poll := node.replica.state.poll(POLL)) is not None and poll.state is PollState.OPEN)
    node.submit(*(election.ballot(i) for i in range(3)))
    cluster.run(lambda: node.replica.state.stored.tally(POLL) is not None, limit_ms=200_000)
    maker = SnapshotMaker(Snapshots(SNAPSHOTS, node.disk), node.replica, 1)
    maker.block_saved()
    list(maker.steps())
    cluster.run(lambda: node.height >= maker.snapshots.manifests[0].height + 2, limit_ms=200_000)
    return node


@pytest.fixture
def serving(node: Node) -> Serving:
    return Serving(node.replica, Snapshots(SNAPSHOTS, node.disk))


def test_every_question_has_its_answer_within_the_bounds(serving: Serving) -> None:
    for question in (
        GetSnapshots(),
        GetSnapshotPart(Height(1), 0),
        GetLightBlock(1),
        GetPastBlock(Height(1)),
        GetFinalProof(POLL),
    ):
        answer = serving.answer(question)
        assert type(answer) is ANSWERS[type(question)]
        assert wire.decode(wire.encode(answer)) == answer
        assert weight(answer) <= len(wire.encode(answer))


def test_a_snapshot_in_parts(serving: Serving, node: Node) -> None:
    offers = serving.answer(GetSnapshots())
    assert isinstance(offers, Offers)
    ((height, name),) = offers.offers
    assert height < node.height
    manifest = serving.answer(GetSnapshotPart(height, 0))
    assert isinstance(manifest, SnapshotPart)
    assert sha256(manifest.data) == name
    chunk = serving.answer(GetSnapshotPart(height, 1))
    assert isinstance(chunk, SnapshotPart)
    assert sha256(chunk.data) in manifest.data
    for missing in (GetSnapshotPart(height, 2), GetSnapshotPart(Height(height + 1), 0)):
        assert serving.answer(missing) == SnapshotPart(missing.height, missing.part, b"")


def test_a_snapshot_is_not_offered_before_a_header_has_its_app_hash(node: Node) -> None:
    snapshots = Snapshots(SNAPSHOTS, node.disk)
    for _ in snapshots.take(node.replica.tip.height, node.store.frozen()):
        pass
    offers = Serving(node.replica, snapshots).answer(GetSnapshots())
    assert isinstance(offers, Offers)
    assert [height for height, _ in offers.offers] == [snapshots.manifests[1].height]


def test_light_blocks_are_believed_from_genesis_on(serving: Serving, node: Node) -> None:
    for asked in (1, 4, 0):
        answer = serving.answer(GetLightBlock(asked))
        assert isinstance(answer, LightBlockResponse)
        block = decode_light_block(answer.data)
        assert block.height == (asked or node.height)
        verify(block, Anchor.of_genesis(node.replica.genesis), Rules(), node.now_ns())
    assert serving.answer(GetLightBlock(node.height + 1)) == LightBlockResponse(node.height + 1, b"")


def test_past_blocks_follow_from_the_header_above(serving: Serving, node: Node) -> None:
    for height in range(node.height - 1, 0, -1):
        answer = serving.answer(GetPastBlock(Height(height)))
        assert isinstance(answer, PastBlock)
        above = Header.decode(node.store.header(Height(height + 1)) or b"")
        past = Past.verify(answer.block, answer.numbers, above)
        stored = node.store.block(Height(height))
        assert stored is not None
        assert (past.block.txs, past.numbers) == (stored.txs, stored.result_numbers)
        assert past.groups.encode() == stored.groups
        assert past.block.header.encode() == stored.header
    assert serving.answer(GetPastBlock(Height(node.height + 1))) == PastBlock(Height(node.height + 1), b"", b"")


def test_the_final_proof_of_a_poll(serving: Serving, node: Node) -> None:
    answer = serving.answer(GetFinalProof(POLL))
    assert isinstance(answer, FinalProof)
    height, ops = decode_final_proof(answer.data, POLL)
    record = node.replica.state.poll(POLL)
    assert record is not None
    header = Header.decode(node.store.header(Height(height + 1)) or b"")
    assert verify_state_proof(header.app_hash, "polls", record_key(1), record.encode(), ops)
    assert serving.answer(GetFinalProof(PollNumber(2))) == FinalProof(PollNumber(2), b"")
