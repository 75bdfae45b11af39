"""The running tally: each question type by hand, removal, storage and bounds (ledger L8)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import codec
from mvchain.core.errors import BadProof, BrokenStorage
from mvchain.core.hashing import sha256
from mvchain.core.limits import MAX_POINTS, MAX_ROLL_SIZE, MAX_WEIGHT
from mvchain.ledger.polls import (
    ApprovalRule,
    PointsRule,
    PollDefinition,
    QuestionType,
    RankedRule,
    ScoreRule,
    SingleRule,
)
from mvchain.ledger.tally import QuestionTally, RunningTally, TallyResult, tally_hash, tally_to_json
from tests.ledger.document_helpers import answers_to, make_poll, make_question, polls, values

POLL = make_poll(
    make_question(SingleRule(), 3, blank=True),
    make_question(ApprovalRule(1, 2, (), 0), 3),
    make_question(RankedRule(1, 2, (5, 2)), 3),
    make_question(PointsRule(4, 1, 6), 3),
    make_question(ScoreRule(10), 3),
)
FIRST = (1, (0, 2), (2, 0), ((0, 4), (1, 2)), (10, None, 0))
SECOND = (None, (2,), (2,), ((1, 1),), (None, 3, 4))

BOTH = TallyResult(
    ballots=2,
    weight=10,
    questions=(
        QuestionTally(QuestionType.SINGLE, 7, (0, 3, 0), (), ()),
        QuestionTally(QuestionType.APPROVAL, 0, (3, 0, 3 + 7), (), ()),
        QuestionTally(
            QuestionType.RANKED,
            0,
            (2 * 3, 0, 5 * 3 + 5 * 7),
            (3, 0, 3 + 7),
            ((0, 3), (0, 0), (3 + 7, 0)),
        ),
        QuestionTally(QuestionType.POINTS, 0, (4 * 3, 2 * 3 + 1 * 7, 0), (3, 3 + 7, 0), ()),
        QuestionTally(QuestionType.SCORE, 0, (10 * 3, 3 * 7, 0 * 3 + 4 * 7), (3, 7, 3 + 7), ()),
    ),
)
"""FIRST from a voter of weight 3, SECOND from one of weight 7."""


def test_by_hand() -> None:
    tally = RunningTally.empty(POLL)
    tally.add(POLL, FIRST, 3)
    tally.add(POLL, SECOND, 7)
    assert tally.result() == BOTH


def test_a_superseded_ballot_leaves_nothing() -> None:
    tally = RunningTally(BOTH)
    tally.remove(POLL, FIRST, 3)
    alone = RunningTally.empty(POLL)
    alone.add(POLL, SECOND, 7)
    assert tally.result() == alone.result()


def test_a_copy_is_independent() -> None:
    tally = RunningTally(BOTH)
    copy = tally.copy()
    copy.add(POLL, FIRST, 1)
    assert tally.result() == BOTH
    assert copy.result() != BOTH


@pytest.mark.parametrize(("options", "rows"), [(100, 100), (101, 0)])
def test_positions_are_kept_for_a_hundred_options(options: int, rows: int) -> None:
    poll = make_poll(make_question(RankedRule(1, 2, (1, 0)), options))
    tally = RunningTally.empty(poll)
    tally.add(poll, ((5, 6),), 1)
    [question] = tally.result().questions
    assert len(question.positions) == rows
    assert question.totals[5:7] == (1, 0)
    assert question.counts[5:7] == (1, 1)


def test_the_greatest_totals_are_exact_in_javascript() -> None:
    """A full roll of the heaviest voters who all give the most (L6): 2^26 x 2^16 x 2^10 = 2^52."""
    poll = make_poll(
        make_question(PointsRule(MAX_POINTS, 1, MAX_POINTS), 1),
        make_question(ScoreRule(MAX_POINTS), 1),
        make_question(RankedRule(1, 1, (MAX_POINTS,)), 1),
    )
    tally = RunningTally.empty(poll)
    tally.add(poll, (((0, MAX_POINTS),), (MAX_POINTS,), (0,)), MAX_ROLL_SIZE * MAX_WEIGHT)
    result = tally.result()
    assert [question.totals for question in result.questions] == [(2**52,)] * 3
    assert TallyResult.decode(result.encode()) == result
    too_much = codec.encode((1, 1, ((0, 0, (2**53,), (), ()),)))
    with pytest.raises(BadProof):
        TallyResult.decode(too_much)


@given(st.data(), polls)
def test_storage_of_any_tally(data: st.DataObject, poll: PollDefinition) -> None:
    tally = RunningTally.empty(poll)
    for answers in data.draw(st.lists(answers_to(poll), max_size=4)):
        tally.add(poll, answers, data.draw(st.integers(1, MAX_WEIGHT)))
    result = tally.result()
    assert TallyResult.decode(result.encode()) == result
    for answer in tally_to_json(poll, result)["questions"]:
        assert all(option["total"] < 2**53 for option in answer["options"])


@given(st.binary(max_size=60) | values.map(codec.encode))
def test_decoding_gives_a_tally_or_our_error(data: bytes) -> None:
    try:
        tally = TallyResult.decode(data, BrokenStorage)
    except BrokenStorage:
        return
    assert tally.encode() == data


@pytest.mark.parametrize(
    "value",
    [
        (1, 1),
        (-1, 1, ()),
        (1, 1, ((5, 0, (1,), (), ()),)),
        (1, 1, ((3, 0, (1, 2), (1,), ()),)),
        (1, 1, ((2, 0, (1, 2), (1, 2), ((1,),)),)),
        (1, 1, ((0, 0, (True,), (), ()),)),
        (1, 1, ((2, 0, (1,), (1,), (1,)),)),
    ],
)
def test_malformed_tallies(value: Any) -> None:
    with pytest.raises(BadProof):
        TallyResult.decode(codec.encode(value))


def test_hash_has_its_own_tag() -> None:
    data = BOTH.encode()
    assert tally_hash(data) == sha256(b"mvchain.tally.v1\x00" + data)


def test_json_names_the_options() -> None:
    shown = tally_to_json(POLL, BOTH)
    assert (shown["ballots"], shown["weight"]) == (2, 10)
    assert shown["questions"][0] == {
        "type": "single",
        "blanks": 7,
        "options": [{"id": "a", "total": 0}, {"id": "b", "total": 3}, {"id": "c", "total": 0}],
    }
    assert shown["questions"][2]["options"][2] == {"id": "c", "total": 50, "count": 10, "positions": [10, 0]}
    assert shown["questions"][3]["options"][1] == {"id": "b", "total": 13, "count": 10}
