"""Whoever signs twice is convicted, once, on all nodes; nobody else ever is (I8, faults S3, S4, CP16)."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache

import pytest

from mvchain.core import keys
from mvchain.core.keys import Purpose
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.blocks import evidence_hash
from mvchain.ledger.convictions import Conviction
from mvchain.ledger.endorsements import Endorsement, Kind
from mvchain.ledger.evidence import Offence
from mvchain.node.wire import Endorsements, Message
from tests.node.cluster import Cluster, Election, Node

_verify = lru_cache(1 << 16)(keys.verify)
_verify_tagged = lru_cache(1 << 16)(keys.verify_tagged)
OTHER = BlockID(b"\x5a" * 32, PartSetHeader(1, b"\x5a" * 32))


@pytest.fixture(autouse=True)
def _verify_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All nodes of a cluster verify the same signatures; the answer is worked out once."""
    monkeypatch.setattr(keys, "verify", _verify)
    monkeypatch.setattr(keys, "verify_tagged", _verify_tagged)


class SigningTwice:
    """A faulty validator, for `Node.alter`: with own messages of these kinds goes one that contradicts them."""

    def __init__(self, node: Node, kinds: Collection[Kind]) -> None:
        self.node = node
        self.kinds = kinds
        self.offences: set[Offence] = set()
        node.cluster.faulty.add(node.address)  # type: ignore[attr-defined]
        node.alter = self

    def __call__(self, message: Message, to: Node) -> Sequence[Message]:
        if not isinstance(message, Endorsements):
            return (message,)
        items: list[bytes] = []
        for item in message.items:
            endorsement = Endorsement.decode(item)
            items.append(item)
            if endorsement.address == self.node.address and endorsement.kind in self.kinds:
                items.append(contradiction(self.node, endorsement).encode())
                self.offences.add(offence_of(endorsement))
        return (Endorsements(tuple(items)),)


def contradiction(node: Node, endorsement: Endorsement, block_id: BlockID = OTHER) -> Endorsement:
    """What a faulty validator signs beside this one: this block, where that is for nil, else nil."""
    other = replace(endorsement, block_id=block_id if endorsement.block_id.is_nil else NIL_BLOCK_ID)
    message = other.sign_bytes(node.cluster.genesis.chain_id)
    return replace(other, signature=node.key.sign(Purpose.CONSENSUS, message))


def offence_of(endorsement: Endorsement) -> Offence:
    return Offence(endorsement.address, endorsement.height, endorsement.round, endorsement.kind)


def convictions(node: Node) -> list[Conviction]:
    return [node.replica.state.convictions.record(n) for n in range(1, node.replica.state.convictions.count + 1)]


def make_blocks(cluster: Cluster, nodes: Sequence[Node], count: int) -> int:
    """Until these nodes have so many blocks more, each with a ballot or what follows from one."""
    election = Election(cluster.genesis, count)
    target = max(node.height for node in nodes) + count
    nodes[0].submit(*election.set_up)
    for voter in range(count):
        cluster.run_for(1_000)
        nodes[0].submit(election.ballot(voter))
    cluster.reach(target, nodes)
    return target


@pytest.mark.parametrize("kinds", [(Kind.PREVOTE,), (Kind.PRECOMMIT,), (Kind.PREVOTE, Kind.PRECOMMIT)])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_double_signing_is_convicted_once_on_all_nodes(kinds: Collection[Kind], seed: int) -> None:
    """S4, ATK13: the records name the agency whose key signed, and nobody else."""
    cluster = Cluster(4, seed=seed).boot()
    evil, *honest = cluster.nodes[::-1]
    twice = SigningTwice(evil, kinds)
    make_blocks(cluster, honest, 6)
    evil.alter = None
    cluster.run_for(70_000)  # a heartbeat takes up what was left
    records = convictions(honest[0])
    assert {record.agency for record in records} == {4}
    assert {record.offence.kind for record in records} == set(kinds)
    offences = [record.offence for record in records]
    assert len(set(offences)) == len(offences)
    assert set(offences) == twice.offences
    for node in honest:
        assert convictions(node) == records
        assert not node.replica.watch.pending
        assert not node.blamed
    for record in records:
        block = honest[0].store.block(record.block_height)
        assert block is not None
        evidence = block.block().evidence
        assert record.evidence_hash in [piece.hash for piece in evidence]
        assert block.block().header.evidence_hash == evidence_hash(evidence)
