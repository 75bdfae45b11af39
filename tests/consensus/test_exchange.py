"""Whatever was lost heals by telling what is held, also between nodes in different rounds."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mvchain.consensus.exchange import Contested, Holdings, known, missing_for
from mvchain.consensus.keeper import Keeper
from mvchain.core.limits import MAX_ROUNDS_AHEAD, MAX_ROUNDS_BEHIND
from mvchain.core.types import Height, Round
from mvchain.ledger.endorsements import Endorsement, Kind, Proposal
from tests.consensus.helpers import FOUR, NIL, A, B, block, endorse, propose, validator_set


def keeper(at: int = 0, *messages: Endorsement | Proposal, valid_round: int = -1) -> Keeper:
    kept = Keeper(Height(1), FOUR)
    kept.advance(Round(at), Round(valid_round))
    tell(kept, *messages)
    return kept


def tell(kept: Keeper, *messages: Endorsement | Proposal) -> None:
    for message in messages:
        if isinstance(message, Proposal):
            kept.add_proposal(message)
        else:
            kept.add_endorsement(message)


def pull(to: Keeper, source: Keeper) -> int:
    """One exchange; returns how many messages it took."""
    missing = missing_for(source, known(to))
    tell(to, *missing.proposals, *missing.endorsements)
    return len(missing.proposals) + len(missing.endorsements)


def test_what_is_told() -> None:
    kept = keeper(0, propose(0, A).proposal, endorse(Kind.PREVOTE, 0, 0, A), endorse(Kind.PRECOMMIT, 3, 1, NIL))
    assert known(kept) == Holdings(Height(1), Round(0), (Round(0),), ((Round(0), b"\x01"),), ((Round(1), b"\x08"),), ())
    tell(kept, endorse(Kind.PREVOTE, 1, 0, NIL), endorse(Kind.PREVOTE, 3, 0, A))
    assert known(kept).prevotes == ((Round(0), b"\x0b"),)
    assert known(kept).contested == (Contested(Round(0), Kind.PREVOTE, A, b"\x09"),)


def test_bitmaps_have_a_byte_for_each_eight_validators() -> None:
    many = validator_set(40)
    kept = Keeper(Height(1), many)
    for index in (0, 7, 8, 39):
        kept.add_endorsement(endorse(Kind.PREVOTE, index, 0, A, validators=many))
    assert known(kept).prevotes == ((Round(0), b"\x81\x01\x00\x00\x80"),)
    other = Keeper(Height(1), many)
    assert [e.index for e in missing_for(kept, known(other)).endorsements] == [0, 7, 8, 39]
    assert missing_for(kept, known(kept)).endorsements == ()


def test_nothing_is_sent_twice_once_it_is_told() -> None:
    full = keeper(0, propose(0, A).proposal, *(endorse(Kind.PREVOTE, i, 0, A) for i in range(4)))
    empty = keeper()
    assert pull(empty, full) == 5
    assert pull(empty, full) == 0
    assert pull(full, empty) == 0


def test_a_peer_at_another_height_gets_nothing() -> None:
    other = Keeper(Height(2), FOUR)
    assert pull(other, keeper(0, endorse(Kind.PREVOTE, 0, 0, A))) == 0


def test_a_peer_in_an_earlier_round_gets_its_round_and_mine() -> None:
    """Its own, to end it; mine, to skip to (L55); the ones between do no harm."""
    ahead = keeper(
        3,
        *(endorse(Kind.PRECOMMIT, i, 1, NIL) for i in range(3)),
        propose(3, B).proposal,
        *(endorse(Kind.PREVOTE, i, 3, B) for i in range(2)),
    )
    behind = keeper(1)
    assert pull(behind, ahead) == 6
    assert behind.later_round() == 3
    assert behind.precommits(Round(1)).quorum == NIL


def test_a_peer_far_behind_gets_my_round_and_skips_to_it() -> None:
    ahead = keeper(90, *(endorse(Kind.PREVOTE, i, 90, NIL) for i in range(2)), propose(90, A).proposal)
    tell(ahead, propose(88, B).proposal, endorse(Kind.PREVOTE, 3, 89, NIL))
    behind = keeper(1)
    assert pull(behind, ahead) == 3, "not the rounds between"
    assert list(behind.endorsements()) == [], "too far ahead to keep"
    skipped = behind.later_round()
    assert skipped == 90
    behind.advance(skipped, Round(-1))
    assert pull(behind, ahead) == 5
    assert pull(behind, ahead) == 0


def test_a_peer_in_a_later_round_gets_what_it_still_keeps() -> None:
    behind = keeper(1, endorse(Kind.PRECOMMIT, 0, 1, A), endorse(Kind.PREVOTE, 0, 1, A))
    assert pull(keeper(1 + MAX_ROUNDS_BEHIND), behind) == 2
    assert pull(keeper(2 + MAX_ROUNDS_BEHIND), behind) == 0


def test_a_proposal_comes_with_the_prevotes_that_it_refers_to() -> None:
    """Also when both nodes have long left that round (L28), and through a third one (a ring)."""
    prevotes = [endorse(Kind.PREVOTE, i, 2, A) for i in range(3)]
    proposer = keeper(2, *prevotes)
    proposer.advance(Round(60), Round(2))
    tell(proposer, propose(60, A, 2).proposal)
    between, peer = keeper(60), keeper(60)
    assert pull(between, proposer) == 4
    assert pull(peer, between) == 4
    assert peer.prevotes(Round(2)).quorum == A
    assert pull(peer, proposer) == 0


def test_a_peer_gets_the_prevotes_of_a_round_that_it_lists() -> None:
    """It holds a proposal that refers to them, and this node does not."""
    peer = keeper(60, propose(60, A, 2).proposal)
    assert known(peer).prevotes == ((Round(2), b"\x00"),)
    source = keeper(2, *(endorse(Kind.PREVOTE, i, 2, A) for i in range(3)))
    source.advance(Round(60), Round(2))
    assert pull(peer, source) == 3
    assert peer.prevotes(Round(2)).quorum == A


def test_k3_a_second_prevote_goes_where_the_first_one_hides_it() -> None:
    quorum = keeper(0, *(endorse(Kind.PREVOTE, i, 0, A) for i in (0, 1, 3)))
    deceived = keeper(0, endorse(Kind.PREVOTE, 3, 0, NIL), endorse(Kind.PREVOTE, 0, 0, A))
    assert pull(deceived, quorum) == 1, "the honest prevote first: now f+1 stand behind A"
    assert pull(deceived, quorum) == 1
    assert deceived.prevotes(Round(0)).quorum == A
    assert pull(deceived, quorum) == 0


def test_rounds_and_bitmaps_that_lie_cost_no_more_than_an_answer() -> None:
    """ATK02, ATK07: any numbers, lengths and repetitions."""
    full = keeper(
        4,
        *(endorse(kind, i, r, A) for kind in Kind for i in range(4) for r in range(3, 6)),
        propose(4, A, 3).proposal,
    )
    everything = 24 + 1
    rounds = [-(1 << 63), -1, 0, 3, 4, 1 << 31, 1 << 63]
    bitmaps = [b"", b"\x00", b"\xff", bytes(100), b"\xff" * 100]
    for at in rounds:
        for bitmap in bitmaps:
            told = tuple((Round(r), bitmap) for r in rounds) * 2
            contested = tuple(Contested(Round(r), Kind.PREVOTE, A, bitmap) for r in rounds)
            liar = Holdings(Height(1), Round(at), tuple(map(Round, rounds)), told, told, contested)
            missing = missing_for(full, liar)
            assert len(missing.proposals) + len(missing.endorsements) <= everything


def test_what_is_told_is_bounded() -> None:
    """S10: a status stays small whatever validators sign; 38 rounds, see the limits of wire messages."""
    kept = keeper(40)
    for r in range(100):
        tell(kept, propose(r, A, r // 3 - 1).proposal)
        tell(kept, *(endorse(kind, i, r, block(f"{i} {r}")) for kind in Kind for i in range(4)))
    told = known(kept)
    near = MAX_ROUNDS_AHEAD + MAX_ROUNDS_BEHIND + 1
    assert len(told.proposals) == near
    assert len(told.prevotes) <= 2 * near + 4
    assert len(told.precommits) <= 2 * near + 4


Said = tuple[Kind, int, int, int]


@given(
    st.lists(
        st.tuples(st.sampled_from(list(Kind)), st.integers(0, 3), st.integers(0, 4), st.integers(0, 2)),
        max_size=60,
    ),
    st.lists(st.integers(0, 4), min_size=3, max_size=3),
    st.integers(0, 1 << 32),
)
def test_a_chain_of_nodes_levels_out(said: list[Said], rounds: list[int], seed: int) -> None:
    """Messages scattered over three nodes in a row, each in its own round: in the end all hold the same.

    The same as anyone who heard everything: the same validators in each round, and the same quorums.
    """
    random = Random(seed)
    nodes = [keeper(r) for r in rounds]
    everything = keeper()
    for kind, index, r, which in said:
        # Validator 3 alone contradicts itself.
        message = endorse(kind, index, r, (NIL, A, B)[which if index == 3 else r % 3])
        tell(random.choice(nodes), message)
        tell(everything, message)
    for _ in range(4):
        for one, other in ((0, 1), (1, 2), (1, 0), (2, 1)):
            pull(nodes[other], nodes[one])
    for node in nodes:
        for r in map(Round, range(5)):
            for held, all_held in (
                (node.prevotes(r), everything.prevotes(r)),
                (node.precommits(r), everything.precommits(r)),
            ):
                assert held.bitmap() == all_held.bitmap()
    for r in map(Round, range(5)):
        for of_kind in (Keeper.prevotes, Keeper.precommits):
            quorums = {of_kind(node, r).quorum for node in nodes}
            assert quorums <= {None, NIL} or len(quorums) == 1, "a quorum for a block is seen by all"
    for one, other in ((0, 1), (1, 2), (1, 0), (2, 1)):
        assert pull(nodes[other], nodes[one]) == 0, "and then it is quiet"
