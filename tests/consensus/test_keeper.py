"""Counting, equivocation, and the bounds of what is kept."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.consensus.keeper import EndorsementSet, Keeper, holds_one_correct
from mvchain.core.limits import MAX_ROUND, MAX_ROUNDS_AHEAD, MAX_ROUNDS_BEHIND
from mvchain.core.types import Height, PublicKey, Round
from mvchain.ledger.endorsements import Endorsement, Kind
from mvchain.ledger.validators import Validator, ValidatorSet
from tests.consensus.helpers import FOUR, NIL, A, B, C, block, endorse, propose, validator_set

SEVEN = validator_set(7)


def test_quorum_arithmetic_against_the_definition() -> None:
    """Slow twin over the sets themselves, n = 1 to 9 of equal power, of whom f = (n - 1) // 3 may be faulty.

    A quorum has 2n // 3 + 1 members (faults, section 0): any two share a correct one, and the correct ones
    reach it alone. A set holds a correct one for certain if it has more than f members.
    """
    for n in range(1, 10):
        f, quorum = (n - 1) // 3, 2 * n // 3 + 1
        one = set(range(quorum))
        assert all(len(one & set(other)) > f for other in combinations(range(n), quorum))
        assert n - f >= quorum
        validators = validator_set(n)
        for size in range(n + 1):
            power = sum(validators[i].power for i in range(size))
            assert validators.has_quorum(power) == (size >= quorum)
            assert holds_one_correct(power, validators) == (size > f)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.data())
def test_quorum_arithmetic_with_unequal_power(powers: list[int], data: st.DataObject) -> None:
    """Faulty power below a third: two quorums share a correct one, and what may be correct holds one."""
    validators = ValidatorSet(tuple(Validator(PublicKey(bytes([i]) * 32), p) for i, p in enumerate(powers)))
    total = validators.total_power
    subsets = st.sets(st.sampled_from(range(len(powers))))
    faulty, one, other = (data.draw(subsets) for _ in range(3))

    def power_of(indexes: set[int]) -> int:
        return sum(validators[i].power for i in indexes)

    if 3 * power_of(faulty) < total:
        if validators.has_quorum(power_of(one)) and validators.has_quorum(power_of(other)):
            assert (one & other) - faulty
        if holds_one_correct(power_of(one), validators):
            assert one - faulty


def add(held: EndorsementSet, index: int, block_id: Any, kind: Kind = Kind.PREVOTE) -> Endorsement | None:
    return held.add(endorse(kind, index, 0, block_id))


def test_one_endorsement_of_each_validator_counts() -> None:
    held = EndorsementSet(FOUR)
    same = endorse(Kind.PREVOTE, 0, 0, A)
    for _ in range(3):
        assert held.add(same) is None
    assert add(held, 0, A) is None
    assert add(held, 1, A) is None
    assert held.quorum is None
    assert not held.has_quorum_of_any
    assert add(held, 2, A) is None
    assert held.quorum == A


def test_a_contradiction_is_reported_once_and_counts_once_for_any() -> None:
    held = EndorsementSet(FOUR)
    first = endorse(Kind.PREVOTE, 0, 0, A)
    held.add(first)
    assert add(held, 0, B) is first
    assert add(held, 0, B) is None
    assert add(held, 0, NIL) is None
    add(held, 1, NIL)
    assert not held.has_quorum_of_any, "two validators, whatever they say"
    add(held, 2, NIL)
    assert held.has_quorum_of_any
    assert held.quorum is None


def test_k3_a_contradiction_counts_for_a_block_with_f_plus_1_behind_it() -> None:
    held = EndorsementSet(FOUR)
    for index, block_id in ((3, NIL), (0, A)):
        add(held, index, block_id)
    assert add(held, 3, A) is not None
    assert not held.has_quorum_for(A)
    assert 3 not in held.of_block(A), "one alone may be faulty"
    add(held, 1, A)
    assert held.quorum is None
    assert add(held, 3, A) is None, "reported before"
    assert held.quorum == A
    assert sorted(held.of_block(A)) == [0, 1, 3]
    assert [(e.index, e.block_id) for e in held] == [(3, NIL), (0, A), (1, A), (3, A)]


def test_k3_two_faulty_of_seven_make_no_two_quorums() -> None:
    """All that the faulty can do: endorse everything, in any order."""
    held = EndorsementSet(SEVEN)
    for index, block_id in ((0, A), (1, A), (2, A), (3, B), (4, B)):
        held.add(endorse(Kind.PREVOTE, index, 0, block_id, validators=SEVEN))
    for index in (5, 6):
        for block_id in (C, A, B, NIL):
            held.add(endorse(Kind.PREVOTE, index, 0, block_id, validators=SEVEN))
    assert held.quorum == A
    assert not held.has_quorum_for(B)
    assert not held.has_quorum_for(C)


def test_contested_blocks_are_those_a_contradiction_could_complete() -> None:
    held = EndorsementSet(FOUR)
    add(held, 0, A)
    add(held, 1, A)
    assert list(held.contested()) == [], "nobody endorsed another one"
    add(held, 3, NIL)
    assert list(held.contested()) == [(A, 0b0011)]
    assert held.bitmap() == 0b1011
    add(held, 3, A)
    assert list(held.contested()) == [], "complete, with a contradiction"
    held = EndorsementSet(FOUR)
    for index, block_id in ((0, A), (1, A), (2, A), (3, NIL)):
        add(held, index, block_id)
    assert list(held.contested()) == [], "complete without one"
    held = EndorsementSet(FOUR)
    for index, block_id in ((0, NIL), (1, NIL), (3, A)):
        add(held, index, block_id)
    assert list(held.contested()) == [], "nobody needs a quorum for nil: the timer does the same"


def test_the_first_quorum_stays_even_beyond_the_bound() -> None:
    """NS7: two of four contradict themselves, so both blocks get 2f+1. Whatever happens, it is one answer."""
    held = EndorsementSet(FOUR)
    for index, block_id in ((0, A), (1, A), (2, B), (3, B), (2, A), (0, B)):
        add(held, index, block_id)
    assert held.has_quorum_for(A)
    assert held.has_quorum_for(B)
    assert held.quorum == A


def test_the_first_decision_stays() -> None:
    kept = keeper()
    for round_ in (1, 0):
        for index in range(3):
            kept.add_endorsement(endorse(Kind.PRECOMMIT, index, round_, A))
    assert kept.commit == (1, A)


def test_memory_of_one_round_is_bounded_however_much_is_signed() -> None:
    held = EndorsementSet(FOUR)
    for index in range(3):
        add(held, index, A)
    for number in range(1000):
        add(held, 3, block(f"spam {number}"))
    assert len(list(held)) == 4


def keeper(at: int = 0, valid_round: int = -1) -> Keeper:
    kept = Keeper(Height(1), FOUR)
    kept.advance(Round(at), Round(valid_round))
    return kept


def rounds_of(kept: Keeper) -> set[int]:
    return {round_ for round_, _, _ in kept.sets()}


def test_only_rounds_nearby_are_kept() -> None:
    kept = keeper(at=100)
    for round_ in range(200):
        kept.add_endorsement(endorse(Kind.PREVOTE, 0, round_, A))
        kept.add_proposal(propose(round_, A).proposal)
    near = set(range(100 - MAX_ROUNDS_BEHIND, 100 + MAX_ROUNDS_AHEAD + 1))
    assert rounds_of(kept) == near
    assert set(kept.proposals) == near
    kept.advance(Round(110), Round(-1))
    assert rounds_of(kept) == {round_ for round_ in near if round_ >= 110 - MAX_ROUNDS_BEHIND}
    assert set(kept.proposals) == rounds_of(kept)


def test_rounds_that_something_rests_on_are_kept() -> None:
    """The valid block's, the decision's, and those that a held proposal refers to."""
    kept = keeper(at=2)
    for index in range(3):
        kept.add_endorsement(endorse(Kind.PREVOTE, index, 2, A))
        kept.add_endorsement(endorse(Kind.PRECOMMIT, index, 3, A))
        kept.add_endorsement(endorse(Kind.PREVOTE, index, 4, B))
    kept.advance(Round(50), Round(2))
    assert rounds_of(kept) == {2, 3}
    assert kept.commit == (3, A)
    kept.add_proposal(propose(51, B, 4).proposal)
    assert rounds_of(kept) == {2, 3, 4}, "so that peers see that round 4 is wanted"
    kept.add_endorsement(endorse(Kind.PREVOTE, 0, 4, B))
    assert 0 in kept.prevotes(Round(4)).of_block(B)
    kept.advance(Round(80), Round(-1))
    assert rounds_of(kept) == {3}


def test_memory_is_bounded_however_many_rounds_are_signed() -> None:
    """S10, I7: a validator that signs everything takes the rounds nearby and one number."""
    kept = keeper()
    for round_ in range(0, MAX_ROUND, 997):
        for kind in Kind:
            kept.add_endorsement(endorse(kind, 0, round_, A))
        kept.add_proposal(propose(round_, A).proposal)
    assert len(list(kept.endorsements())) <= 2 * (MAX_ROUNDS_AHEAD + 1)
    assert len(kept.proposals) <= MAX_ROUNDS_AHEAD + 1
    assert kept.later_round() is not None, "the proposals count for all four validators"


def test_l55_counts_validators_not_messages() -> None:
    kept = keeper()
    for round_ in (1, 7, 400):
        kept.add_endorsement(endorse(Kind.PREVOTE, 0, round_, A))
    assert kept.later_round() is None
    kept.add_endorsement(endorse(Kind.PRECOMMIT, 1, 5, NIL))
    assert kept.later_round() == 5, "the highest that both reached or passed"
    kept.advance(Round(5), Round(-1))
    assert kept.later_round() is None


@pytest.mark.parametrize("number", [-(1 << 63), -2, -1, 4, 5, 1 << 31, 1 << 63])
def test_atk07_an_index_outside_the_set_is_left_out(number: int) -> None:
    kept = keeper()
    good = endorse(Kind.PREVOTE, 0, 0, A)
    bad = Endorsement(
        good.kind, good.height, good.round, good.block_id, good.time_ns, good.address, number, good.signature
    )
    assert kept.add_endorsement(bad) is None
    assert list(kept.endorsements()) == []
    assert not kept.has(bad)


def test_atk01_address_and_index_must_agree() -> None:
    kept = keeper()
    good = endorse(Kind.PRECOMMIT, 0, 0, A)
    bad = Endorsement(
        good.kind,
        good.height,
        good.round,
        A,
        good.time_ns,
        FOUR[1].address,
        0,
        good.signature,
    )
    assert kept.add_endorsement(bad) is None
    assert list(kept.endorsements()) == []
    assert not kept.heard_from_one_correct()


@pytest.mark.parametrize("round_", [-(1 << 63), -2, -1, MAX_ROUND + 1, 1 << 31, 1 << 63])
def test_atk07_rounds_outside_the_bounds_are_left_out(round_: int) -> None:
    kept = keeper()
    for index in range(3):
        assert kept.add_endorsement(endorse(Kind.PREVOTE, index, round_, A)) is None
    assert kept.add_proposal(propose(round_, A).proposal) is None
    assert kept.add_proposal(propose(1, A, round_).proposal) is None or round_ == -1
    assert list(kept.endorsements()) == []
    assert kept.later_round() is None


def test_has_spares_the_signature_check_of_what_is_known() -> None:
    kept = keeper()
    one, far = endorse(Kind.PREVOTE, 0, 0, A), endorse(Kind.PREVOTE, 0, 500, A)
    assert not kept.has(one)
    assert not kept.has(far)
    kept.add_endorsement(one)
    kept.add_endorsement(far)
    assert kept.has(one)
    assert kept.has(far)
    assert kept.has(endorse(Kind.PRECOMMIT, 0, 499, B)), "it is known to have gone further"
    assert not kept.has(endorse(Kind.PREVOTE, 0, 501, A))
    assert not kept.has(endorse(Kind.PREVOTE, 0, 0, B)), "evidence"
    assert not kept.has(endorse(Kind.PRECOMMIT, 0, 0, A))


def test_c51_a_commit_takes_the_precommit_for_the_block_even_if_it_came_second() -> None:
    kept = keeper()
    said = [(3, NIL), (2, NIL), (0, A), (1, A), (3, A), (2, B)]
    for index, block_id in said:
        kept.add_endorsement(endorse(Kind.PRECOMMIT, index, 0, block_id))
    chosen = kept.precommits_of_commit(Round(0), A)
    assert [(e.index, e.block_id) for e in chosen] == [(0, A), (1, A), (2, NIL), (3, A)]
    assert kept.commit == (0, A)


@given(
    st.lists(st.tuples(st.sampled_from(list(Kind)), st.integers(0, 3), st.sampled_from([NIL, A, B, C])), max_size=40)
)
def test_counting_against_a_slow_twin(said: list[tuple[Kind, int, Any]]) -> None:
    """The twin keeps every message and recounts from the list each time."""
    kept = keeper()
    history: list[tuple[Kind, int, Any]] = []
    counted: set[tuple[Kind, int, Any]] = set()
    for kind, index, block_id in said:
        kept.add_endorsement(endorse(kind, index, 0, block_id))
        is_first = not any(k == kind and i == index for k, i, _ in history)
        behind = {i for k, i, b in counted if (k, b) == (kind, block_id)}
        if is_first or len(behind) >= 2:
            counted.add((kind, index, block_id))
        history.append((kind, index, block_id))
        for k, held in ((Kind.PREVOTE, kept.prevotes(Round(0))), (Kind.PRECOMMIT, kept.precommits(Round(0)))):
            assert held.has_quorum_of_any == (len({i for kk, i, _ in history if kk == k}) >= 3)
            for b in (NIL, A, B, C):
                assert set(held.of_block(b)) == {i for kk, i, bb in counted if (kk, bb) == (k, b)}
                assert held.has_quorum_for(b) == (len(held.of_block(b)) >= 3)
