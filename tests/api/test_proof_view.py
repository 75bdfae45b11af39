"""Every claim about a poll, made by the nodes of a chain and verified against the genesis file (ledger L10)."""

from dataclasses import dataclass, field

import pytest

from mvchain.api.proof_view import ProofView
from mvchain.core.errors import BadRequest
from mvchain.core.hashing import sha256
from mvchain.core.merkle import root
from mvchain.core.types import Hash, TaggedKey
from mvchain.ledger.records import PollState
from mvchain.light.blocks import decode_light_block
from mvchain.light.proofs import Counted, NotCounted, OnRoll, Question, Recorded, Result, Superseded
from mvchain.light.verify import VerifiedProof, VerifiedReceipt, verify, verify_proof, verify_receipt
from tests.ledger.state_helpers import key_of
from tests.node.cluster import Cluster, Election

POLL = Election.POLL
VOTERS, CAST, AGAIN = 150, 130, 40
"""Of 150 on the roll 130 cast a ballot, the first 40 of them a second one."""
STRANGER = key_of("stranger").tagged


@dataclass
class Stage:
    """A chain whose poll is final, and what its first node proved on the way."""

    cluster: Cluster
    election: Election
    before: dict[str, bytes] = field(default_factory=dict)
    """Proved while the poll was open, before any ballot."""
    earlier: Recorded | None = None
    """Proved when the first ballots were in."""
    open_receipt: bytes = b""

    def view(self, number: int = 1) -> ProofView:
        return ProofView(self.cluster.node(number).replica)

    def ballot(self, voter: int) -> bytes:
        """The latest one of a voter."""
        return self.election.ballot(voter, voter % 3, 1) if voter < AGAIN else self.election.ballot(voter, voter % 3)

    def key(self, voter: int) -> TaggedKey:
        return self.election.voters[voter].tagged

    def claim(self, document: bytes) -> VerifiedProof:
        verified = verify(document, self.cluster.genesis)
        assert isinstance(verified, VerifiedProof)
        assert verified == verify_proof(document, self.cluster.genesis)
        assert [agency.number for agency in verified.vouchers.vouching] == sorted(
            agency.number for agency in verified.vouchers.vouching
        )
        assert (len(verified.vouchers.vouching), verified.vouchers.agencies, verified.poll) == (3, 4, POLL)
        return verified


@pytest.fixture(scope="module")
def stage() -> Stage:
    cluster = Cluster(4).boot()
    election = Election(cluster.genesis, VOTERS)
    stage = Stage(cluster, election)
    first = cluster.node(1)

    def poll_state() -> PollState | None:
        record = first.replica.state.poll(POLL)
        return None if record is None else record.state

    def proved(size: int) -> bool:
        """Whether that many ballots are in a block that a header behind it commits to."""
        found = first.replica.state.prove_at(first.replica.tip.height - 1, "polls", 1)
        record = first.replica.state.poll(POLL)
        return found is not None and record is not None and record.ballots_size == size and record.encode() == found[0]

    assert first.submit(*election.set_up) == [None] * 5
    cluster.run(lambda: poll_state() is PollState.OPEN and proved(0))
    stage.before = {
        "question": stage.view().question(POLL),
        "on_roll": stage.view().on_roll(POLL, stage.key(7)),
    }
    for start in (0, 65):
        assert first.submit(*(election.ballot(voter, voter % 3) for voter in range(start, start + 65))) == [None] * 65
        cluster.run(lambda start=start: proved(start + 65))
        if start == 0:
            document = stage.claim(stage.view().recorded(POLL, 65))
            assert isinstance(document.claim, Recorded)
            stage.earlier = document.claim
    assert first.submit(*(election.ballot(voter, voter % 3, 1) for voter in range(AGAIN))) == [None] * AGAIN
    cluster.run(lambda: proved(CAST + AGAIN))
    stage.open_receipt = stage.view().receipt(sha256(stage.ballot(100)), completed=None).document
    assert first.submit(election.close) == [None]
    cluster.run(lambda: poll_state() is PollState.FINAL)
    cluster.run(lambda: len({node.height for node in cluster.nodes}) == 1 and not first.replica.tip.changed_state)
    return stage


def test_the_question_before_voting(stage: Stage) -> None:
    verified = stage.claim(stage.before["question"])
    assert isinstance(verified.claim, Question)
    assert verified.definition == stage.election.definition
    assert (verified.record.state, verified.record.ballots_size) == (PollState.OPEN, 0)


def test_on_the_roll_before_voting(stage: Stage) -> None:
    claim = stage.claim(stage.before["on_roll"]).claim
    assert isinstance(claim, OnRoll)
    assert (claim.voter, claim.weight, claim.path.total) == (stage.key(7), 1, VOTERS)
    with pytest.raises(BadRequest, match="MV-6035"):
        stage.view().on_roll(POLL, STRANGER)


def test_nothing_was_removed_since(stage: Stage) -> None:
    """The log of 65 ballots of then is the beginning of the log of 170 ballots of now."""
    ballots = [sha256(stage.election.ballot(voter, voter % 3)) for voter in range(65)]
    assert stage.earlier is not None
    assert (stage.earlier.size, stage.earlier.root) == (65, root(ballots))
    verified = stage.claim(stage.view(2).recorded(POLL, 65))
    assert isinstance(verified.claim, Recorded)
    assert verified.record.ballots_size == CAST + AGAIN
    assert (verified.claim.size, verified.claim.root) == (65, stage.earlier.root)
    for size in (0, CAST + AGAIN + 1):
        with pytest.raises(BadRequest, match="MV-6036"):
            stage.view().recorded(POLL, size)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_every_ballot_has_an_open_receipt_on_every_node(stage: Stage, number: int) -> None:
    for voter in range(0, CAST, 7):
        ballot = Hash(sha256(stage.election.ballot(voter, voter % 3)))
        document = stage.view(number).receipt(ballot, completed=False).document
        verified = verify(document, stage.cluster.genesis)
        assert isinstance(verified, VerifiedReceipt)
        assert verified == verify_receipt(document, stage.cluster.genesis)
        assert (verified.ballot, verified.accepted.number, verified.accepted.voter) == (ballot, voter, stage.key(voter))


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_every_ballot_that_counts_has_a_completed_receipt(stage: Stage, number: int) -> None:
    for voter in range(0, CAST, 3):
        receipt = stage.view(number).receipt(Hash(sha256(stage.ballot(voter))), completed=None)
        assert receipt.completed
        claim = stage.claim(receipt.document).claim
        assert isinstance(claim, Counted)
        expected = CAST + voter if voter < AGAIN else voter
        assert (claim.ballot, claim.voter) == (sha256(stage.ballot(voter)), stage.key(voter))
        assert (claim.number, claim.ballot_path.index) == (expected, expected)


def test_all_nodes_complete_a_receipt_to_the_same_file(stage: Stage) -> None:
    """Once a block carries the commit for the final header; until then each shows the signatures that it saw."""
    ballot = Hash(sha256(stage.ballot(100)))
    stage.cluster.reach(stage.cluster.node(1).height + 1, limit_ms=120_000)
    documents = {stage.view(number).receipt(ballot, completed=True).document for number in (1, 2, 3, 4)}
    assert len(documents) == 1
    # The open receipt is of the same ballot, and still holds.
    assert verify_receipt(stage.open_receipt, stage.cluster.genesis).ballot == ballot


def test_a_superseded_ballot(stage: Stage) -> None:
    for voter in (0, 1, AGAIN - 1):
        first = Hash(sha256(stage.election.ballot(voter, voter % 3)))
        claim = stage.claim(stage.view(3).receipt(first, completed=None).document).claim
        assert isinstance(claim, Superseded)
        assert (claim.superseded.ballot, claim.superseded.voter) == (first, stage.key(voter))
        assert (claim.superseded.number, claim.counted_number) == (voter, CAST + voter)


def test_no_ballot_counts(stage: Stage) -> None:
    absent = [stage.key(voter) for voter in range(CAST, VOTERS)]
    for voter in (*absent, STRANGER, TaggedKey(b"\x01" + bytes(32)), TaggedKey(b"\x01" + b"\xff" * 32)):
        claim = stage.claim(stage.view().not_counted(POLL, voter)).claim
        assert isinstance(claim, NotCounted)
        assert claim.voter == voter
    with pytest.raises(BadRequest, match="MV-6037"):
        stage.view().not_counted(POLL, stage.key(0))


def test_the_result(stage: Stage) -> None:
    """130 voters of whom voter n answered n mod 3."""
    verified = stage.claim(stage.view().result(POLL))
    assert isinstance(verified.claim, Result)
    assert verified.tally is not None
    assert verified.definition == stage.election.definition
    assert verified.tally.kept.questions[0].totals == (44, 43, 43)
    assert (verified.tally.kept.ballots, verified.tally.recounted) == (CAST, None)


def test_a_light_block_of_every_height(stage: Stage) -> None:
    view, tip = stage.view(), stage.cluster.node(1).height
    assert view.light_block(0, from_genesis=False) is view.light_block(tip + 1, from_genesis=True) is None
    for height in range(1, tip + 1):
        document = view.light_block(height, from_genesis=False)
        assert document is not None
        block = decode_light_block(document)
        assert block.header.height == height
        assert block.commit.block_id.hash == block.header.hash()
        assert view.light_block(height, from_genesis=True) == document  # no handovers, no member


def test_what_cannot_be_proved_says_why() -> None:
    cluster = Cluster(4).boot()
    election = Election(cluster.genesis, 3)
    node = cluster.node(1)
    view = ProofView(node.replica)
    with pytest.raises(BadRequest, match="MV-6021"):
        view.question(POLL)
    assert node.submit(*election.set_up) == [None] * 5
    cluster.run(lambda: node.replica.state.poll(POLL) is not None)
    # The block that holds the poll is there; the one that commits to it is not yet.
    with pytest.raises(BadRequest, match="MV-6024") as caught:
        view.question(POLL)
    assert caught.value.data["retry_after_s"] == 1

    def is_open() -> bool:
        record = node.replica.state.poll(POLL)
        return record is not None and record.state is PollState.OPEN

    cluster.run(is_open)
    for ask in (view.result, lambda poll: view.not_counted(poll, STRANGER)):
        with pytest.raises(BadRequest, match="MV-6034"):
            ask(POLL)
    ballot = election.ballot(0)
    with pytest.raises(BadRequest, match="MV-6023"):
        view.receipt(Hash(sha256(ballot)), completed=None)
    assert node.submit(ballot) == [None]
    with pytest.raises(BadRequest, match="MV-6024"):
        view.receipt(Hash(sha256(ballot)), completed=None)
    cluster.run(lambda: node.store.tx_location(sha256(ballot)) is not None)
    with pytest.raises(BadRequest, match="MV-6024"):
        view.receipt(Hash(sha256(ballot)), completed=False)
    with pytest.raises(BadRequest, match="MV-6034"):
        view.receipt(Hash(sha256(ballot)), completed=True)
    with pytest.raises(BadRequest, match="MV-6023"):
        view.receipt(Hash(sha256(election.set_up[0])), completed=None)
