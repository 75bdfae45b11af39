"""Whoever signs twice is convicted, once, on all nodes; nobody else ever is (I8, faults S3, S4, CP16)."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import pytest

from mvchain.api.evidence_view import EvidenceOfReplica
from mvchain.core.errors import BadProof
from mvchain.core.keys import Purpose
from mvchain.core.types import Height, Round, Signature, TimeNs
from mvchain.ledger import convictions as convictions_module
from mvchain.ledger import evidence as evidence_module
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.blocks import Block, Commit, block_id_of, evidence_hash
from mvchain.ledger.commits import commit_from_precommits, precommits_of
from mvchain.ledger.convictions import Conviction
from mvchain.ledger.endorsements import NO_ROUND, Endorsement, Kind, Proposal, proposal_sign_bytes
from mvchain.ledger.evidence import DuplicateEndorsementEvidence, Offence, build_evidence
from mvchain.node import watch
from mvchain.node.candidates import judge, make_block
from mvchain.node.memory import MemoryStore
from mvchain.node.replica import Replica
from mvchain.node.wire import CompactProposal, Endorsements, Evidence, Message
from mvchain.sim.signatures import provider
from tests.node.cluster import Cluster, Election, Node, act, chain_of, grow
from tests.node.test_one_key import image, put_image

SIG = Signature(bytes(64))
OTHER_2 = BlockID(b"\x5b" * 32, PartSetHeader(1, b"\x5b" * 32))
OTHER = BlockID(b"\x5a" * 32, PartSetHeader(1, b"\x5a" * 32))


@pytest.fixture(autouse=True)
def _cheap_signatures() -> Iterator[None]:
    with provider(real=False):
        yield


class SigningTwice:
    """A faulty validator, for `Node.alter`: with own messages of these kinds goes one that contradicts them."""

    def __init__(self, node: Node, kinds: Collection[Kind]) -> None:
        self.node = node
        self.kinds = kinds
        self.offences: set[Offence] = set()
        node.cluster.faulty.add(node.address)  # type: ignore[attr-defined]
        node.alter = self
        node.replica.signing.contradicted = lambda _message: None  # it does not stop when it is found out

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


def shown(node: Node, evidence: Sequence[DuplicateEndorsementEvidence | bytes], source: Node) -> None:
    """A peer sends evidence, as its dispatch takes it."""
    items = tuple(piece if isinstance(piece, bytes) else piece.encode() for piece in evidence)
    act(node, lambda: node.replica.receive_evidence(items), source)


def evidence_of(cluster: Cluster, node: Node, height: int, *, round_: int = 0) -> DuplicateEndorsementEvidence:
    """What a validator could have signed twice at a decided height; made with its key."""
    replica = cluster.nodes[0].replica
    validators = replica.state.validators_at(Height(height))
    found = validators.by_address(node.address)
    assert found is not None
    time_ns = replica.base().time_at(Height(height))
    assert time_ns is not None
    nil = Endorsement(
        Kind.PREVOTE, Height(height), Round(round_), NIL_BLOCK_ID, time_ns, node.address, found[0], Signature(bytes(64))
    )
    other = contradiction(node, nil)
    return build_evidence(resigned(node, nil), other, validators, time_ns)


def resigned(node: Node, endorsement: Endorsement) -> Endorsement:
    message = endorsement.sign_bytes(node.cluster.genesis.chain_id)
    return replace(endorsement, signature=node.key.sign(Purpose.CONSENSUS, message))


def test_evidence_of_one_node_gets_to_all_and_into_one_block() -> None:
    """I8, CP16: once, whoever proposes next, although all of them hold it; who was away has it from the block."""
    cluster = Cluster(4, seed=3).boot()
    election = chain_of(cluster, 3)
    evidence = evidence_of(cluster, cluster.node(4), 2)
    cluster.faulty.add(cluster.node(4).address)
    away = cluster.nodes[2]
    cluster.node(4).replica.signing.contradicted = lambda _message: None  # type: ignore[method-assign]
    shown(cluster.nodes[0], [evidence], cluster.nodes[1])
    cluster.run_for(500)
    assert all(node.replica.watch.pending == (evidence,) for node in cluster.nodes)
    away.go_down(lambda n: 0)
    grow(cluster, election, 6)
    away.boot()  # it finds the evidence in a block that it fetches
    cluster.reach(6)
    for node in cluster.nodes:
        assert [record.offence for record in convictions(node)] == [evidence.offence]
        assert not node.replica.watch.pending
    shown(cluster.nodes[0], [evidence], cluster.nodes[1])
    assert not cluster.nodes[0].replica.watch.pending
    assert not any(node.blamed for node in cluster.nodes)


def test_evidence_survives_a_crash_and_is_sent_again() -> None:
    """CP16: stored and not gossiped; committed and gone from what waits."""
    cluster = Cluster(4, seed=3).boot()
    election = chain_of(cluster, 3)
    cluster.faulty.add(cluster.node(4).address)
    evidence = evidence_of(cluster, cluster.node(4), 2)
    holder = cluster.nodes[0]
    holder.alter = lambda message, _to: () if isinstance(message, Evidence) else (message,)
    shown(holder, [evidence], cluster.nodes[1])
    holder.go_down(lambda n: 0)
    holder.alter = None
    assert not any(node.replica.watch.pending for node in cluster.nodes[1:])
    holder.boot()
    cluster.run(lambda: all(node.replica.watch.pending == (evidence,) for node in cluster.nodes), 10_000)
    grow(cluster, election, 6)
    assert [record.offence for record in convictions(holder)] == [evidence.offence]
    for node in cluster.nodes:
        node.go_down(lambda n: 0)
        node.boot()
        assert not node.replica.watch.pending
        assert len(convictions(node)) == 1


def test_what_was_seen_before_a_crash_convicts_after_it() -> None:
    """N5: the log has both messages, so the height may be decided by a node that has forgotten the rest."""
    cluster = Cluster(4, seed=3).boot()
    chain_of(cluster, 3)
    cluster.run_for(3_000)
    evil, node = cluster.node(4), cluster.nodes[0]
    cluster.faulty.add(evil.address)
    evil.go_down(lambda n: n)
    height = Height(node.height + 1)
    found = node.replica.state.validators.by_address(evil.address)
    assert found is not None
    time_ns = TimeNs(node.now_ns())
    nil = Endorsement(
        Kind.PREVOTE, height, Round(0), NIL_BLOCK_ID, time_ns, evil.address, found[0], Signature(bytes(64))
    )
    for message in (resigned(evil, nil), contradiction(evil, nil)):
        act(node, lambda message=message: node.replica.receive_endorsements([message.encode()]))  # type: ignore[misc]
    node.guarded(node.log.sync)
    node.go_down(lambda n: 0)
    node.boot()
    cluster.reach(height + 2, cluster.nodes[:3], limit_ms=200_000)
    assert [record.offence for record in convictions(node)] == [offence_of(nil)]


def test_what_comes_after_the_decision_convicts_too() -> None:
    """A precommit that contradicts one in the commit of the last height, and one that contradicts it in the next."""
    cluster = Cluster(4, seed=3).boot()
    chain_of(cluster, 3)
    cluster.run_for(3_000)
    evil, node = cluster.node(4), cluster.nodes[0]
    cluster.faulty.add(evil.address)
    held = next(sig for sig in precommits_of(node.replica._last_commit) if sig.address == evil.address)
    late = contradiction(evil, held)
    act(node, lambda: node.replica.receive_endorsements([late.encode()]))
    assert [evidence.offence for evidence in node.replica.watch.pending] == [offence_of(held)]
    act(node, lambda: node.replica.receive_endorsements([late.encode()]))
    assert len(node.replica.watch.pending) == 1


@pytest.mark.parametrize("kind", list(Kind))
def test_the_same_block_with_another_time_convicts_nobody(kind: Kind) -> None:
    """C47, C66: nor does a message of another height, round, kind or chain (S20)."""
    cluster = Cluster(4, seed=3).boot()
    chain_of(cluster, 3)
    cluster.run_for(3_000)
    signer, node = cluster.node(4), cluster.nodes[0]
    cluster.faulty.add(signer.address)  # the checker of I2 compares times as well
    good = evidence_of(cluster, signer, 2)
    first = resigned(signer, replace(good.second, kind=kind, time_ns=TimeNs(good.time_ns + 1)))
    later = resigned(signer, replace(first, time_ns=TimeNs(good.time_ns + 2)))
    other = replace(first, block_id=NIL_BLOCK_ID)
    elsewhere = replace(other, signature=signer.key.sign(Purpose.CONSENSUS, other.sign_bytes("another chain")))
    pairs = [
        (first, later),
        (elsewhere, first),
        *((resigned(signer, replace(other, **change)), first) for change in ({"height": 3}, {"round": 1})),
        (resigned(signer, replace(other, kind=Kind(3 - kind))), first),
    ]
    for a, b in pairs:
        forged = replace(good, first=a, second=b)
        shown(node, [forged], cluster.nodes[1])
        assert cluster.nodes[1].blamed.pop().code in ("MV-2030", "MV-2031", "MV-2034")
    assert not node.replica.watch.pending


def test_forged_evidence_costs_the_peer_and_what_is_useless_does_not() -> None:
    """ATK12, ATK13, ATK28: what is behind, ahead, too old or known is left out without blame."""
    cluster = Cluster(4, seed=3).boot()
    chain_of(cluster, 3)
    cluster.run_for(3_000)
    node, peer = cluster.nodes[0], cluster.nodes[1]
    good = evidence_of(cluster, cluster.node(4), 2)
    cluster.faulty.add(cluster.node(4).address)
    ahead = replace(good, first=replace(good.first, height=Height(99)), second=replace(good.second, height=Height(99)))
    shown(node, [ahead], peer)
    assert not peer.blamed
    for junk in (
        b"",
        b"junk",
        good.encode()[:-1],
        replace(good, total_power=50),
        replace(good, validator_power=1),
        replace(good, time_ns=TimeNs(good.time_ns - 1)),
        replace(good, second=replace(good.second, signature=Signature(bytes(64)))),
        replace(good, first=resigned(cluster.node(3), good.first)),
    ):
        shown(node, [junk], peer)  # type: ignore[list-item]
        assert peer.blamed.pop()
    assert not node.replica.watch.pending
    shown(node, [good, good], peer)
    assert node.replica.watch.pending == (good,)
    assert not peer.blamed


def test_a_flood_of_true_evidence_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """I7: who signs twice in a thousand rounds fills neither memory, disk nor chain, and hides nobody else."""
    monkeypatch.setattr(watch, "MAX_PENDING_EVIDENCE", 6)
    monkeypatch.setattr(convictions_module, "MAX_CONVICTIONS", 8)
    cluster = Cluster(7, seed=3).boot()
    election = chain_of(cluster, 3)
    node, evil = cluster.nodes[0], cluster.node(4)
    cluster.faulty |= {evil.address, cluster.node(3).address}
    flood = [evidence_of(cluster, evil, 2, round_=round_) for round_ in range(40)]
    other = evidence_of(cluster, cluster.node(3), 2)
    for start in range(0, 40, 20):
        shown(node, flood[start : start + 20], cluster.nodes[1])
    shown(node, [other], cluster.nodes[1])
    assert len(node.replica.watch.pending) == 7
    grow(cluster, election, 5)
    shown(node, flood, cluster.nodes[1])
    grow(cluster, election, 8)
    shown(node, flood, cluster.nodes[1])
    grow(cluster, election, 11)
    assert Counter(record.agency for record in convictions(node)) == {3: 1, 4: 8}
    assert not node.replica.watch.pending
    assert not any(peer.blamed for peer in cluster.nodes)


def test_old_evidence_is_neither_taken_nor_put_into_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """C67, ATK10: by both measures; what waits too long is dropped."""
    cluster = Cluster(4, seed=3).boot()
    election = chain_of(cluster, 4)
    cluster.run_for(3_000)
    evil = cluster.node(4)
    cluster.faulty.add(evil.address)
    old, waiting = (evidence_of(cluster, evil, 1, round_=round_) for round_ in range(2))
    shown(cluster.nodes[0], [waiting], cluster.nodes[1])
    cluster.run_for(500)
    monkeypatch.setattr(evidence_module, "EVIDENCE_MAX_AGE_BLOCKS", 1)
    monkeypatch.setattr(evidence_module, "EVIDENCE_MAX_AGE_NS", 1)
    shown(cluster.nodes[0], [old], cluster.nodes[1])
    assert cluster.nodes[0].replica.watch.pending == (waiting,)
    grow(cluster, election, 7)
    for node in cluster.nodes:
        assert convictions(node) == []
        assert not node.replica.watch.pending
    assert not any(node.blamed for node in cluster.nodes)


def test_two_proposals_are_kept_over_a_restart() -> None:
    """S3: shown to people; there are no bytes for them in blocks (C66)."""
    cluster = Cluster(4, seed=3).boot()
    chain_of(cluster, 3)
    cluster.run_for(3_000)
    node = cluster.nodes[0]
    height = Height(node.height + 1)
    evil = cluster.proposer(height)
    blocks = [BlockID(bytes([n]) * 32, PartSetHeader(1, bytes([n]) * 32)) for n in (1, 2)]
    made = [Proposal(height, Round(0), NO_ROUND, block_id, TimeNs(5), SIG) for block_id in blocks]
    node.replica.watch.duplicate_proposal(made[0], made[1])
    node.go_down(lambda n: 0)
    node.boot()
    assert list(node.replica.watch.proposals.values()) == [(made[0], made[1])]
    (found,) = EvidenceOfReplica(node.replica).view(0, 10, messages=True).duplicate_proposals
    assert found.agency.number == evil.number


# --- above a third ---


def other_chain(cluster: Cluster, node: Node, signers: Sequence[Node]) -> tuple[Block, Commit, Block, Commit]:
    """Another block for the last height of a node, and one above it, each with a commit by these validators."""
    replica = node.replica
    height = replica.tip.height
    stored = node.store.block(height)
    assert stored is not None
    block = stored.block()
    block = replace(block, header=replace(block.header, app_hash=b"f" * 32))
    block_id = block_id_of(block.header, block.encode())
    commit = signed_commit(cluster, height, block_id, signers, replica)
    header = replace(block.header, height=Height(height + 1), last_block_id=block_id, last_commit_hash=commit.hash())
    above = Block(header, (), (), commit)
    return (
        block,
        commit,
        above,
        signed_commit(cluster, Height(height + 1), block_id_of(header, above.encode()), signers, replica),
    )


def signed_commit(
    cluster: Cluster, height: Height, block_id: BlockID, signers: Sequence[Node], replica: Replica
) -> Commit:
    validators = replica.state.validators_at(height)
    precommits = []
    for signer in signers:
        found = validators.by_address(signer.address)
        assert found is not None
        time_ns = TimeNs(replica.tip.time_ns + 1_000_000)
        unsigned = Endorsement(
            Kind.PRECOMMIT, height, Round(0), block_id, time_ns, signer.address, found[0], Signature(bytes(64))
        )
        precommits.append(resigned(signer, unsigned))
    return commit_from_precommits(height, Round(0), block_id, validators, precommits)


@pytest.mark.parametrize("way", ["catch-up", "proposal"])
def test_a_second_commit_for_a_decided_height_is_a_fork_and_is_said_loudly(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    """I1, I8: detected above a third, with the names of those who signed both; the proof survives a restart."""
    cluster = Cluster(4, seed=3).boot()
    chain_of(cluster, 3)
    cluster.run_for(3_000)
    node, faulty = cluster.nodes[0], cluster.nodes[1:]
    cluster.faulty |= {peer.address for peer in faulty}
    height = node.replica.tip.height
    _, commit, above, commit_above = other_chain(cluster, node, faulty)
    if way == "catch-up":
        act(
            node,
            lambda: node.replica.receive_block(Height(height + 1), above.encode(), commit_above.encode()) and None,
            faulty[0],
        )
    else:
        proposer = cluster.proposer(height + 1)
        block_id = block_id_of(above.header, above.encode())
        message = proposal_sign_bytes(
            Height(height + 1), Round(0), NO_ROUND, block_id, TimeNs(5), cluster.genesis.chain_id
        )
        signature = proposer.key.sign(Purpose.CONSENSUS, message)
        proposal = Proposal(Height(height + 1), Round(0), NO_ROUND, block_id, TimeNs(5), signature)
        compact = CompactProposal(proposal.encode(), above.header.encode(), (), (), commit.encode())
        act(node, lambda: node.replica.receive_proposal(faulty[0].name, compact), faulty[0])
    assert faulty[0].blamed.pop().code == "MV-2154"
    assert "THE CHAIN HAS FORKED" in caplog.text
    own = node.replica._last_commit
    both = [sig.address for sig in precommits_of(own) if sig.block_id == own.block_id and sig.address != node.address]
    assert len(both) >= 2
    for _ in range(2):
        (fork,) = EvidenceOfReplica(node.replica).view(0, 10, messages=False).forks
        assert (fork.own.block_id, fork.other) == (own.block_id, commit)
        assert {cluster.node(agency.number).address for agency in fork.signed_both} == set(both)
        node.go_down(lambda n: 0)
        node.boot()
    assert node.halted is None


def test_two_of_four_that_run_twice_fork_the_chain_and_are_named() -> None:
    """R8 above a third: two agencies run copies of their keys on both sides of a split. No honest key is named."""
    cluster = Cluster(4, seed=4).boot()
    cluster.watchers.clear()  # the fork is what they would stop at
    election = chain_of(cluster, 4)
    cluster.run_for(2_000)
    twins = [cluster.add_twin(number) for number in (3, 4)]
    for node, twin in zip(cluster.nodes[2:], twins, strict=True):
        node.go_down(lambda n: 0)
        put_image(twin, image(node))
    left = {"1", "3", "4"}

    def split(node: Node) -> None:
        def pass_on(message: Message, to: Node) -> tuple[Message, ...]:
            return (message,) if (node.name in left) == (to.name in left) else ()

        node.alter = pass_on

    for node in cluster.everybody:
        split(node)
    for node in (*cluster.nodes[2:], *twins):
        node.vouched = True
        node.boot()
    one, two = cluster.nodes[:2]
    common = one.height
    one.submit(election.ballot(28))
    two.submit(election.ballot(29))
    cluster.run(lambda: min(one.height, two.height) >= common + 2)
    assert one.store.block(Height(common + 1)) != two.store.block(Height(common + 1))
    for node in cluster.everybody:
        node.alter = None
    cluster.run(lambda: bool(one.replica.watch.forks or two.replica.watch.forks), 120_000)
    for node in (one, two):
        assert node.halted is None
        view = EvidenceOfReplica(node.replica).view(0, 100, messages=True)
        for fork in view.forks:
            assert {agency.number for agency in fork.signed_both} == {3, 4}
        assert {found.agency.number for found in (*view.committed, *view.pending)} <= {3, 4}


@pytest.mark.parametrize("lacking", [1, 2])
def test_who_lacks_the_old_block_vouches_for_nothing_and_loses_nothing(lacking: int) -> None:
    """K8: a node that joined later gives a block with older evidence no prevote, and takes what the others decide.

    Where those who can judge are too few, it costs one round of a height, and the chain goes on without the evidence.
    """
    cluster = Cluster(4, seed=3).boot()
    election = chain_of(cluster, 4)
    evidence = evidence_of(cluster, cluster.node(4), 2)
    cluster.faulty.add(cluster.node(4).address)
    cluster.node(4).replica.signing.contradicted = lambda _message: None  # type: ignore[method-assign]
    joined = cluster.nodes[:lacking]
    for node in joined:
        node.store.header = lambda height, store=node.store: (  # type: ignore[method-assign,misc]
            None if height <= 2 else MemoryStore.header(store, height)
        )
        shown(node, [evidence], cluster.nodes[2])
        assert not node.replica.watch.pending
    shown(cluster.nodes[2], [evidence], cluster.nodes[3])
    before = cluster.nodes[0].height
    grow(cluster, election, before + 8)
    assert not any(node.blamed for node in cluster.nodes)
    records = convictions(cluster.nodes[0])
    assert [record.offence for record in records] == [evidence.offence] * (lacking == 1)
    for node in joined:
        for record in records:
            key = (node.address, record.block_height, 0, "prevote")
            assert {signed.block_id for signed in cluster.signed[key]} == {b""}
    rounds = {Commit.decode(cluster.nodes[0].store.commit(Height(h)) or b"").round for h in range(1, before + 8)}
    assert max(rounds) == lacking - 1


def test_evidence_twice_in_a_block_or_in_the_chain_gets_no_prevote() -> None:
    """I8, I7: whichever two messages show it."""
    cluster = Cluster(4, seed=3).boot()
    election = chain_of(cluster, 3)
    cluster.faulty.add(cluster.node(4).address)
    evidence = evidence_of(cluster, cluster.node(4), 2)
    other = resigned(cluster.node(4), replace(evidence.second, block_id=OTHER_2))
    again = replace(evidence, second=other)
    base = cluster.nodes[0].replica.base()
    with pytest.raises(BadProof) as caught:
        make_block(base, cluster.nodes[0].address, (), [evidence, again])
    assert caught.value.code == "MV-2150"
    good = make_block(base, cluster.nodes[0].address, (), [again])
    judge(base, good.block, len(good.encoded), ())
    shown(cluster.nodes[0], [evidence], cluster.nodes[1])
    grow(cluster, election, 7)
    base = cluster.nodes[0].replica.base()
    for piece in (evidence, again):
        with pytest.raises(BadProof) as caught:
            make_block(base, cluster.nodes[0].address, (), [piece])
        assert caught.value.code == "MV-2150"
