"""What a faulty proposer or a faulty neighbour can do with a block (faults S3, S8 to S11), on production replicas."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import codec, codes, keys
from mvchain.core.errors import BadPeer, BadProof, BrokenStorage
from mvchain.core.hashing import sha256
from mvchain.core.keys import Purpose
from mvchain.core.limits import MAX_BLOCK_BYTES, MAX_ROUNDS_AHEAD
from mvchain.core.types import Hash, Height, Round, Signature, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.blocks import Block, Commit, CommitSig, Flag, Header, block_id_of, data_hash
from mvchain.ledger.endorsements import (
    NO_ROUND,
    Endorsement,
    Kind,
    Proposal,
    endorsement_sign_bytes,
    proposal_sign_bytes,
)
from mvchain.ledger.records import PollState
from mvchain.ledger.transactions import Ballot, PollPause, Transaction, decode_transaction
from mvchain.node.candidates import Assembly, Tip, make_block
from mvchain.node.wire import CompactProposal
from tests.ledger.state_helpers import key_of
from tests.node.cluster import Cluster, Election, Node, act, header_of

_verify = lru_cache(1 << 16)(keys.verify)
_verify_tagged = lru_cache(1 << 16)(keys.verify_tagged)


@pytest.fixture(autouse=True)
def _verify_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All nodes of a cluster verify the same signatures; the answer is worked out once."""
    monkeypatch.setattr(keys, "verify", _verify)
    monkeypatch.setattr(keys, "verify_tagged", _verify_tagged)


class Scene:
    """Four nodes with an open poll; the proposer of the next height, `evil`, is silent and its key is ours."""

    def __init__(self) -> None:
        self.cluster = Cluster(4, seed=5).boot()
        self.election = Election(self.cluster.genesis, 8)
        self.cluster.nodes[0].submit(*self.election.set_up)
        polls = [node.replica.state.poll for node in self.cluster.nodes]
        self.cluster.run(lambda: all((p := poll(1)) is not None and p.state is PollState.OPEN for poll in polls))  # type: ignore[arg-type]
        self.cluster.run_for(3_000)
        self.height = Height(self.cluster.nodes[0].height + 1)
        self.evil = self.cluster.proposer(self.height)
        self.honest = [node for node in self.cluster.nodes if node is not self.evil]
        self.cluster.faulty.add(self.evil.address)
        self.evil.alter = lambda message, to: ()

    def ballots(self, *voters: int) -> list[Transaction]:
        return [decode_transaction(self.election.ballot(voter)) for voter in voters]

    def block(self, txs: Sequence[Transaction] = (), **changes: object) -> Block:
        """The right block of these transactions, admissible or not, with these header fields changed."""
        base = self.honest[0].replica.base()
        made = make_block(base, self.evil.address, (), ()).block
        header = replace(made.header, data_hash=data_hash([tx.hash for tx in txs]))
        return Block(replace(header, **changes), tuple(tx.raw for tx in txs), (), made.last_commit)  # type: ignore[arg-type]

    def proposal(self, block_id: BlockID, round_: int = 0, height: int | None = None) -> Proposal:
        time_ns = TimeNs(self.honest[0].now_ns())
        height = self.height if height is None else height
        message = proposal_sign_bytes(height, round_, NO_ROUND, block_id, time_ns, self.cluster.genesis.chain_id)
        signature = self.evil.key.sign(Purpose.CONSENSUS, message)
        return Proposal(Height(height), Round(round_), NO_ROUND, block_id, time_ns, signature)

    def compact(self, block: Block, block_id: BlockID | None = None, **parts: object) -> CompactProposal:
        block_id = block_id or block_id_of(block.header, block.encode())
        message = CompactProposal(
            proposal=self.proposal(block_id).encode(),
            header=block.header.encode(),
            tx_hashes=tuple(Hash(sha256(tx)) for tx in block.txs),
            evidence=(),
            last_commit=block.last_commit.encode(),
        )
        return replace(message, **parts)  # type: ignore[arg-type]

    def show(self, message: CompactProposal, txs: Sequence[Transaction] = (), to: Sequence[Node] = ()) -> None:
        for node in to or self.honest:
            act(node, lambda node=node: node.replica.receive_proposal(self.evil.name, message), self.evil)  # type: ignore[misc]
            if txs:
                act(node, lambda node=node: node.replica.transactions_arrived(list(txs)))  # type: ignore[misc]

    def work(self) -> None:
        self.honest[0].submit(self.election.ballot(7))

    def prevotes(self, round_: int = 0) -> set[bytes]:
        """Block ids that honest nodes prevoted; empty for nil."""
        found = set()
        for node in self.honest:
            for prevote in self.cluster.signed.get((node.address, self.height, round_, "prevote"), ()):
                found.add(prevote.block_id)
        return found

    def expect_nil_and_the_next_proposer(self, refused: bytes) -> None:
        self.work()
        self.cluster.reach(self.height, self.honest, limit_ms=10_000)
        assert self.prevotes() == {b""}
        assert header_of(self.honest[0], self.height).hash() != refused
        commit = Commit.decode(self.honest[0].store.commit(self.height))  # type: ignore[arg-type]
        assert commit.round == 1


OTHER = b"\x5a" * 32
MUTATIONS: dict[str, Callable[[Header], object]] = {
    "version_block": lambda h: 12,
    "version_app": lambda h: 2,
    "chain_id": lambda h: "other",
    "height": lambda h: h.height + 1,
    "time_ns": lambda h: h.time_ns + 1,
    "last_block_id": lambda h: replace(h.last_block_id, hash=OTHER),
    "last_commit_hash": lambda h: OTHER,
    "data_hash": lambda h: OTHER,
    "validators_hash": lambda h: OTHER,
    "next_validators_hash": lambda h: OTHER,
    "consensus_hash": lambda h: OTHER,
    "app_hash": lambda h: OTHER,
    "last_results_hash": lambda h: OTHER,
    "evidence_hash": lambda h: OTHER,
    "proposer_address": lambda h: OTHER[:20],
    "proposer_address of wrong size": lambda h: OTHER[:19],
}


def test_the_proposals_made_here_are_good_ones() -> None:
    """The control: unchanged, the block is prevoted and decided in round 0."""
    scene = Scene()
    txs = scene.ballots(0, 1)
    block = scene.block(txs)
    scene.show(scene.compact(block), txs)
    scene.cluster.reach(scene.height, scene.honest, limit_ms=900)
    assert header_of(scene.honest[0], scene.height) == block.header
    assert not scene.evil.blamed


@pytest.mark.parametrize("field", MUTATIONS)
def test_a_block_with_a_changed_header_gets_nil(field: str) -> None:
    """S8, each header field. What is not bound by the proposal costs whoever sent it the connection."""
    scene = Scene()
    good = scene.block()
    block = scene.block(**{field.split(maxsplit=1)[0]: MUTATIONS[field](good.header)})
    scene.show(scene.compact(block))
    scene.expect_nil_and_the_next_proposer(block.header.hash())
    assert bool(scene.evil.blamed) == (field in ("last_commit_hash", "data_hash", "evidence_hash"))


def bad_signature(scene: Scene) -> list[Transaction]:
    good = scene.ballots(0)[0]
    raw = codec.encode((good.payload_bytes, good.signer, bytes(64)))
    return [decode_transaction(raw)]


BAD_TXS: dict[str, Callable[[Scene], list[Transaction]]] = {
    "bad signature": bad_signature,
    "inadmissible: paused by a stranger": lambda s: [
        decode_transaction(s.election.signed(PollPause(1, s.election.POLL, "why"), key_of("stranger")))
    ],
    "no such poll": lambda s: [
        decode_transaction(s.election.signed(Ballot(9, 0, (0,)), s.election.voters[0], s.election.context))  # type: ignore[arg-type]
    ],
    "two ballots of one voter": lambda s: [
        decode_transaction(s.election.ballot(0, 0)),
        decode_transaction(s.election.ballot(0, 1)),
    ],
    "committed already": lambda s: [decode_transaction(s.election.set_up[1])],
}


@pytest.mark.parametrize("what", BAD_TXS)
def test_a_block_with_a_bad_transaction_gets_nil(what: str) -> None:
    """S8, L3: whatever is in a block was accepted."""
    scene = Scene()
    txs = BAD_TXS[what](scene)
    block = scene.block(txs)
    scene.show(scene.compact(block), txs)
    scene.expect_nil_and_the_next_proposer(block.header.hash())


def test_a_block_that_names_a_transaction_twice_is_refused_at_once() -> None:
    scene = Scene()
    tx = scene.ballots(0)[0]
    block = scene.block([tx, tx])
    scene.show(scene.compact(block), [tx])
    assert [error.cause for error in scene.evil.blamed] == [codes.COMPACT_PROPOSAL_MISMATCH] * 3
    scene.expect_nil_and_the_next_proposer(block.header.hash())


def test_a_block_whose_transactions_never_come_gets_nil() -> None:
    """S9: withheld parts."""
    scene = Scene()
    block = scene.block(scene.ballots(0, 1, 2))
    scene.show(scene.compact(block))
    scene.expect_nil_and_the_next_proposer(block.header.hash())


def test_a_wrong_part_set_header_does_not_hide_the_right_block() -> None:
    """One header signed with two part-set headers: whoever saw the wrong one first still follows the right one."""
    scene = Scene()
    txs = scene.ballots(0)
    block = scene.block(txs)
    wrong = BlockID(block.header.hash(), PartSetHeader(1, OTHER))
    victim, *others = scene.honest
    scene.show(scene.compact(block, wrong), txs, to=[victim])
    scene.show(scene.compact(block), txs, to=others)
    scene.cluster.reach(scene.height, scene.honest, limit_ms=10_000)
    assert victim.replica.state.app_hash == others[0].replica.state.app_hash
    assert wrong.encode() not in scene.prevotes()


def test_a_proposal_whose_block_was_lost_in_a_crash_is_asked_for_again() -> None:
    """The log has the proposal, the transactions had not come: peers send it again, and its round still decides."""
    scene = Scene()
    txs = scene.ballots(0)
    block = scene.block(txs)
    victim, *others = scene.honest
    scene.show(scene.compact(block), to=[victim])
    victim.go_down(lambda n: n)
    scene.show(scene.compact(block), txs, to=others)
    victim.boot()
    scene.cluster.reach(scene.height, scene.honest, limit_ms=900)
    assert header_of(victim, scene.height) == block.header


def test_a_neighbour_cannot_spoil_a_good_proposal() -> None:
    """The commit hash does not cover round, height and block of the last commit (C53): changing them is found out."""
    scene = Scene()
    txs = scene.ballots(0)
    block = scene.block(txs)
    right = scene.compact(block)
    commit = block.last_commit
    for altered in (
        replace(commit, round=Round(commit.round + 1)),
        replace(commit, height=Height(commit.height + 1)),
        replace(commit, block_id=replace(commit.block_id, hash=OTHER)),
    ):
        scene.show(replace(right, last_commit=altered.encode()), txs)
    assert len(scene.evil.blamed) == 9
    scene.show(right, txs)
    scene.cluster.reach(scene.height, scene.honest, limit_ms=900)
    assert header_of(scene.honest[0], scene.height) == block.header


def commit_mutations(commit: Commit, scene: Scene) -> dict[str, Commit]:
    """S11: commits that do not convince, in order of the entries."""
    entries = list(commit.signatures)
    used = [i for i, entry in enumerate(entries) if entry.flag is Flag.COMMIT]
    first, second = used[0], used[1]
    validators = scene.cluster.genesis.validators()

    def with_entry(index: int, entry: CommitSig) -> Commit:
        return replace(commit, signatures=(*entries[:index], entry, *entries[index + 1 :]))

    other_key = scene.cluster.by_address(validators[first].address).key
    message = endorsement_sign_bytes(
        Kind.PRECOMMIT,
        commit.height,
        commit.round,
        NIL_BLOCK_ID,
        entries[first].time_ns,
        scene.cluster.genesis.chain_id,
    )
    foreign = other_key.sign(Purpose.CONSENSUS, message)
    return {
        "the same signer twice": with_entry(second, entries[first]),
        "a signer outside the set": with_entry(first, replace(entries[first], address=OTHER[:20])),
        "garbage beside a quorum": with_entry(first, replace(entries[first], signature=bytes(64))),
        "a signature for nil": with_entry(first, replace(entries[first], signature=foreign)),
        "one entry too few": replace(commit, signatures=tuple(entries[:-1])),
        "no quorum": replace(
            commit, signatures=tuple(replace(e, flag=Flag.NIL) if e.flag is Flag.COMMIT else e for e in entries)
        ),
    }


@pytest.mark.parametrize(
    "what",
    [
        "the same signer twice",
        "a signer outside the set",
        "garbage beside a quorum",
        "a signature for nil",
        "one entry too few",
        "no quorum",
    ],
)
def test_a_block_with_a_last_commit_that_does_not_convince_gets_nil(what: str) -> None:
    scene = Scene()
    good = scene.block()
    commit = commit_mutations(good.last_commit, scene)[what]
    block = Block(replace(good.header, last_commit_hash=commit.hash()), (), (), commit)
    scene.show(scene.compact(block))
    scene.expect_nil_and_the_next_proposer(block.header.hash())


def test_two_proposals_in_one_round_end_in_one_block_and_are_bounded() -> None:
    """S3: block A to two, B to one, then a flood: the first two count, and the log does not grow with the rest."""
    scene = Scene()
    a, b = scene.block(scene.ballots(0)), scene.block(scene.ballots(1))
    scene.show(scene.compact(a), scene.ballots(0), to=scene.honest[:2])
    scene.show(scene.compact(b), scene.ballots(1), to=scene.honest[2:])
    node = scene.honest[0]
    scene.show(scene.compact(b), to=[node])
    log_size = len(node.log._file.content.data)  # type: ignore[union-attr]
    for i in range(2, 7):
        scene.show(scene.compact(scene.block(scene.ballots(i))), to=[node])
    assert len(node.log._file.content.data) == log_size  # type: ignore[union-attr]
    assert len(node.replica.blocks._proposed[Round(0)]) == 2
    assert not scene.evil.blamed
    scene.work()
    scene.cluster.reach(scene.height, scene.honest, limit_ms=20_000)


def test_proposals_of_far_rounds_are_not_gathered() -> None:
    """S9, S10: a proposer cannot make others fetch or execute for rounds to come, and far ones leave nothing."""
    scene = Scene()
    node = scene.honest[0]
    block = scene.block(scene.ballots(0))
    block_id = block_id_of(block.header, block.encode())
    asked = []
    node.send = lambda to, message: asked.append(message)  # type: ignore[method-assign]
    for round_ in (4, 4 * MAX_ROUNDS_AHEAD):  # both are evil's turn
        message = scene.compact(block, proposal=scene.proposal(block_id, round_).encode())
        scene.show(message, scene.ballots(0), to=[node])
    assert not asked
    assert not node.replica.blocks.candidates
    assert set(node.replica.blocks._proposed) == {4}


def test_forged_and_malformed_messages_cost_the_peer() -> None:
    scene = Scene()
    node = scene.honest[0]
    block = scene.block()
    good = scene.compact(block)
    proposal = scene.proposal(block_id_of(block.header, block.encode()))
    for bad in (
        replace(good, proposal=replace(proposal, signature=Signature(bytes(64))).encode()),
        replace(good, proposal=replace(proposal, time_ns=TimeNs(proposal.time_ns + 1)).encode()),
        replace(good, proposal=good.proposal[:-1]),
        replace(good, header=good.header[:-1]),
        replace(good, last_commit=good.last_commit[:-1]),
        replace(good, tx_hashes=(Hash(OTHER),)),
        replace(good, evidence=(b"x",)),
    ):
        before = len(scene.evil.blamed)
        scene.show(bad, to=[node])
        assert len(scene.evil.blamed) == before + 1
        assert isinstance(scene.evil.blamed[-1], BadPeer | BadProof)
    assert not node.replica.machine.keeper.proposals


def endorse(  # noqa: PLR0917
    scene: Scene, kind: Kind, round_: int, block_id: BlockID, height: int | None = None, signer: Node | None = None
) -> Endorsement:
    height, signer = scene.height if height is None else height, signer or scene.evil
    found = scene.cluster.genesis.validators().by_address(signer.address)
    assert found is not None
    time_ns = TimeNs(scene.honest[0].now_ns())
    message = endorsement_sign_bytes(kind, height, round_, block_id, time_ns, scene.cluster.genesis.chain_id)
    signature = signer.key.sign(Purpose.CONSENSUS, message)
    return Endorsement(kind, Height(height), Round(round_), block_id, time_ns, signer.address, found[0], signature)


def test_a_block_that_was_missed_is_taken_when_a_later_round_proposes_it_again() -> None:
    """K2: its quorum of prevotes came, its proposal did not; else the node never joins those who are locked on it."""
    scene = Scene()
    block = scene.block()
    block_id = block_id_of(block.header, block.encode())
    scene.cluster.network.loss = 1.0  # nobody hears anything but this
    node, *others = scene.honest
    prevotes = [endorse(scene, Kind.PREVOTE, 0, block_id, signer=signer).encode() for signer in (scene.evil, *others)]
    act(node, lambda: node.replica.receive_endorsements(prevotes))
    assert node.replica.blocks.is_needed(block_id)
    signer = scene.cluster.proposer(scene.height, 1)
    again = replace(scene.proposal(block_id, 1), pol_round=Round(0))
    signature = signer.key.sign(Purpose.CONSENSUS, again.sign_bytes(scene.cluster.genesis.chain_id))
    message = scene.compact(block, proposal=replace(again, signature=signature).encode())
    act(node, lambda: node.replica.receive_proposal(signer.name, message), signer)
    assert block_id in node.replica.blocks.candidates


def test_a_forgery_behind_a_good_endorsement_does_not_harm_the_node() -> None:
    """What came before it counts, its sender pays, and what the node signed because of it leaves synced."""
    scene = Scene()
    block = scene.block(scene.ballots(0))
    scene.show(scene.compact(block), scene.ballots(0), to=scene.honest[:2])
    node = scene.honest[0]
    good = endorse(scene, Kind.PREVOTE, 0, block_id_of(block.header, block.encode()))
    forged = replace(good, kind=Kind.PRECOMMIT)
    scene.cluster.run(lambda: node.replica.machine.keeper.prevotes(Round(0)).bitmap().bit_count() == 2)
    act(node, lambda: node.replica.receive_endorsements([good.encode(), forged.encode()]), scene.evil)
    assert [error.cause for error in scene.evil.blamed] == [codes.FORGED_SIGNATURE]
    assert (node.address, scene.height, 0, "precommit") in scene.cluster.signed
    scene.cluster.reach(scene.height, scene.honest)


@pytest.mark.parametrize(
    "change",
    [
        {"signature": Signature(bytes(64))},
        {"index": 99},
        {"address": OTHER[:20]},
        {"time_ns": TimeNs(1)},
        {"round": Round(1)},
        {"block_id": BlockID(OTHER, PartSetHeader(1, OTHER))},
    ],
)
def test_forged_endorsements_cost_the_peer(change: dict[str, object]) -> None:
    """S10, ATK01, ATK07."""
    scene = Scene()
    node = scene.honest[0]
    forged = replace(endorse(scene, Kind.PREVOTE, 0, NIL_BLOCK_ID), **change)  # type: ignore[arg-type]
    with pytest.raises(BadPeer):
        node.replica.receive_endorsements([forged.encode()])
    assert not list(node.replica.machine.keeper.endorsements())


def test_contradictions_and_far_rounds_do_not_fill_log_and_memory() -> None:
    """S4, S10, I7: one signer that says a thousand different things leaves a bounded trace."""
    scene = Scene()
    node = scene.honest[0]
    before = len(node.log._file.content.data)  # type: ignore[union-attr]
    for i in range(200):
        block_id = BlockID(sha256(bytes((i,))), PartSetHeader(1, OTHER))
        message = endorse(scene, Kind.PREVOTE, 0, block_id)
        act(node, lambda message=message: node.replica.receive_endorsements([message.encode()]))  # type: ignore[misc]
    for i in range(200):
        message = endorse(scene, Kind.PREVOTE, 1_000 + i, NIL_BLOCK_ID)
        act(node, lambda message=message: node.replica.receive_endorsements([message.encode()]))  # type: ignore[misc]
    assert len(node.log._file.content.data) - before < 20 * 300  # type: ignore[union-attr]
    scene.work()
    scene.cluster.reach(scene.height, scene.honest, limit_ms=10_000)
    assert node.replica.state.convictions.count + len(node.replica.watch.pending) == 1


def test_messages_of_other_heights_are_left_out_without_blame() -> None:
    """A4: late or early is not an error; S20: nothing of another height counts."""
    scene = Scene()
    node = scene.honest[0]
    for height in (1, scene.height + 1, 1 << 40):
        message = endorse(scene, Kind.PREVOTE, 0, NIL_BLOCK_ID, height)
        act(node, lambda message=message: node.replica.receive_endorsements([message.encode()]))  # type: ignore[misc]
        block = scene.block()
        compact = scene.compact(
            block, proposal=scene.proposal(block_id_of(block.header, block.encode()), height=height).encode()
        )
        scene.show(compact, to=[node])
    assert not list(node.replica.machine.keeper.endorsements())
    assert not node.replica.machine.keeper.proposals
    assert not scene.evil.blamed


# --- parts ---


def test_an_assembly_larger_than_a_block_is_given_up() -> None:
    """S8: the sum of what is found is bounded before anything is put together."""
    raws = [bytes([i]) * 65_000 for i in range(70)]
    txs = [Transaction(raw, sha256(raw), b"", None, b"", b"") for raw in raws]  # type: ignore[arg-type]
    assembly = Assembly("peer", NIL_BLOCK_ID, None, tuple(tx.hash for tx in txs), (), None)  # type: ignore[arg-type]
    assembly.look_up(lambda tx_hash: None)
    for tx in txs:
        assembly.supply(tx)
        if assembly.is_oversized:
            break
    assert assembly.missing
    assert assembly.is_whole
    assert MAX_BLOCK_BYTES < assembly.size <= MAX_BLOCK_BYTES + len(txs[0].raw)


tips = st.builds(
    Tip,
    height=st.integers(0, 1 << 40).map(Height),
    block_id=st.just(NIL_BLOCK_ID)
    | st.builds(BlockID, st.binary(min_size=32, max_size=32), st.just(PartSetHeader(3, OTHER))),
    time_ns=st.integers(0, 1 << 62).map(TimeNs),
    results_hash=st.binary(min_size=32, max_size=32).map(Hash),
    changed_state=st.booleans(),
)


@given(tips)
def test_a_tip_survives_the_store(tip: Tip) -> None:
    assert Tip.decode(tip.encode()) == tip


@given(st.binary(max_size=200))
def test_any_tip_record_is_a_value_or_broken_storage(data: bytes) -> None:
    with contextlib.suppress(BrokenStorage):
        Tip.decode(data)
