"""Answers against questions: the table of ledger L6, row by row."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import codes
from mvchain.core.errors import BadTransaction, Cause
from mvchain.ledger.ballots import answer_entries, answers_from_ids, answers_to_ids, check_answers
from mvchain.ledger.polls import (
    ApprovalRule,
    PointsRule,
    PollDefinition,
    Question,
    RankedRule,
    ScoreRule,
    SingleRule,
)
from tests.ledger.document_helpers import (
    GROUPED,
    answers_to,
    make_poll,
    make_question,
    polls,
    questions,
    values,
)

SINGLE = make_question(SingleRule(), 3)
APPROVAL = make_question(ApprovalRule(1, 3, (), 0))
RANKED = make_question(RankedRule(2, 3, (3, 2, 1)))
POINTS = make_question(PointsRule(4, 2, 6))
SCORE = make_question(ScoreRule(10), 3)
FREE_APPROVAL = make_question(ApprovalRule(0, 2, (), 0))
FREE_POINTS = make_question(PointsRule(4, 0, 6))
BLANK = make_question(SingleRule(), 3, blank=True)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (SINGLE, 0),
        (SINGLE, 2),
        (BLANK, None),
        (BLANK, 1),
        (APPROVAL, (4,)),
        (APPROVAL, (0, 2, 4)),
        (FREE_APPROVAL, ()),
        (GROUPED, (0,)),
        (GROUPED, (0, 2, 3)),  # 10 + 30 + 40
        (GROUPED, (1, 2, 4)),  # 20 + 30 + 50 = 100, the cap itself
        (RANKED, (4, 0)),
        (RANKED, (2, 0, 1)),
        (POINTS, ((0, 2),)),
        (POINTS, ((1, 4), (3, 2))),
        (FREE_POINTS, ()),
        (SCORE, (0, 10, None)),
        (SCORE, (None, None, 0)),
    ],
)
def test_answers_that_fit(question: Question, answer: Any) -> None:
    check_answers(make_poll(question), (answer,))


@pytest.mark.parametrize(
    ("question", "answer", "cause"),
    [
        (SINGLE, None, codes.BLANK_NOT_ALLOWED),
        (SCORE, None, codes.BLANK_NOT_ALLOWED),
        (SINGLE, 3, codes.NO_SUCH_OPTION),
        (SINGLE, -1, codes.NO_SUCH_OPTION),
        (SINGLE, True, codes.WRONG_ANSWER_SHAPE),
        (SINGLE, (1,), codes.WRONG_ANSWER_SHAPE),
        (SINGLE, "a", codes.WRONG_ANSWER_SHAPE),
        (APPROVAL, 1, codes.WRONG_ANSWER_SHAPE),
        (APPROVAL, (0, True), codes.WRONG_ANSWER_SHAPE),
        (APPROVAL, (0, "b"), codes.WRONG_ANSWER_SHAPE),
        (APPROVAL, (0, (1,)), codes.WRONG_ANSWER_SHAPE),
        (APPROVAL, (), codes.TOO_FEW_OPTIONS),
        (APPROVAL, (0, 1, 2, 3), codes.TOO_MANY_OPTIONS),
        (APPROVAL, (1, 1), codes.OPTION_REPEATED),
        (APPROVAL, (2, 1), codes.OPTIONS_NOT_ASCENDING),
        (APPROVAL, (4, 5), codes.NO_SUCH_OPTION),
        (APPROVAL, (-1, 2), codes.NO_SUCH_OPTION),
        (GROUPED, (2, 3), codes.QUOTA_MISSED),
        (GROUPED, (0, 1), codes.QUOTA_EXCEEDED),
        (GROUPED, (0, 3, 4), None),  # 10 + 40 + 50 = 100
        (GROUPED, (1, 3, 4), codes.COST_EXCEEDED),  # 110
        (RANKED, 0, codes.WRONG_ANSWER_SHAPE),
        (RANKED, (0, None), codes.WRONG_ANSWER_SHAPE),
        (RANKED, (0, False), codes.WRONG_ANSWER_SHAPE),
        (RANKED, (0,), codes.TOO_FEW_OPTIONS),
        (RANKED, (0, 1, 2, 3), codes.TOO_MANY_OPTIONS),
        (RANKED, (3, 1, 3), codes.OPTION_REPEATED),
        (RANKED, (0, 5), codes.NO_SUCH_OPTION),
        (RANKED, (-1, 0), codes.NO_SUCH_OPTION),
        (POINTS, 2, codes.WRONG_ANSWER_SHAPE),
        (POINTS, (0, 2), codes.WRONG_ANSWER_SHAPE),
        (POINTS, ((0, 2, 3),), codes.WRONG_ANSWER_SHAPE),
        (POINTS, ((0, True),), codes.WRONG_ANSWER_SHAPE),
        (POINTS, ((0, 5),), codes.POINTS_OUT_OF_RANGE),
        (POINTS, ((0, 0), (1, 2)), codes.POINTS_OUT_OF_RANGE),
        (POINTS, ((0, -2), (1, 4)), codes.POINTS_OUT_OF_RANGE),
        (POINTS, ((0, 1),), codes.TOO_FEW_POINTS),
        (POINTS, ((0, 4), (1, 3)), codes.TOO_MANY_POINTS),
        (POINTS, ((1, 1), (1, 1)), codes.OPTION_REPEATED),
        (POINTS, ((2, 1), (1, 1)), codes.OPTIONS_NOT_ASCENDING),
        (POINTS, ((5, 3),), codes.NO_SUCH_OPTION),
        (POINTS, ((-1, 3),), codes.NO_SUCH_OPTION),
        (SCORE, 3, codes.WRONG_ANSWER_SHAPE),
        (SCORE, (0, 1, True), codes.WRONG_ANSWER_SHAPE),
        (SCORE, (0, 1), codes.WRONG_MARK_COUNT),
        (SCORE, (0, 1, 2, 3), codes.WRONG_MARK_COUNT),
        (SCORE, (None, None, None), codes.NO_MARK),
        (SCORE, (11, None, 0), codes.MARK_OUT_OF_RANGE),
        (SCORE, (0, -1, 0), codes.MARK_OUT_OF_RANGE),
    ],
)
def test_answers_that_do_not_fit(question: Question, answer: Any, cause: Cause | None) -> None:
    poll = make_poll(BLANK, question)
    if cause is None:
        check_answers(poll, (None, answer))
        return
    with pytest.raises(BadTransaction) as caught:
        check_answers(poll, (None, answer))
    assert caught.value.cause is cause
    assert caught.value.data["question"] == 2
    assert caught.value.detail
    assert caught.value.remedy


@pytest.mark.parametrize("answers", [(), (0,), (0, 0, 0)])
def test_every_question_is_answered(answers: tuple[object, ...]) -> None:
    with pytest.raises(BadTransaction) as caught:
        check_answers(make_poll(SINGLE, SINGLE), answers)
    assert caught.value.cause is codes.WRONG_ANSWER_COUNT


def test_a_cause_never_shows_the_choice() -> None:
    """Causes end in logs: they hold bounds and sums, never the options (here 7,777 and 8,888)."""
    poll = make_poll(APPROVAL)
    for answer in [(7_777, 8_888), (8_888, 7_777), (7_777, 7_777)]:
        with pytest.raises(BadTransaction) as caught:
            check_answers(poll, (answer,))
        assert not {7_777, 8_888} & set(caught.value.data.values())


def fits(question: Question, answer: Any) -> bool:
    """The table of L6 once more, as plainly as possible."""

    def is_option(value: Any) -> bool:
        return type(value) is int and value in range(len(question.options))

    if answer is None:
        return question.blank_allowed
    rule = question.rule
    if isinstance(rule, SingleRule):
        return is_option(answer)
    if type(answer) is not tuple:
        return False
    match rule:
        case ApprovalRule():
            return (
                all(map(is_option, answer))
                and list(answer) == sorted(set(answer))
                and rule.min_count <= len(answer) <= rule.max_count
            )
        case RankedRule():
            return (
                all(map(is_option, answer))
                and len(set(answer)) == len(answer)
                and rule.min_count <= len(answer) <= rule.max_count
            )
        case PointsRule():
            if not all(type(pair) is tuple and len(pair) == 2 for pair in answer):
                return False
            chosen, points = [pair[0] for pair in answer], [pair[1] for pair in answer]
            return (
                all(map(is_option, chosen))
                and chosen == sorted(set(chosen))
                and all(type(value) is int and 1 <= value <= rule.option_cap for value in points)
                and rule.min_sum <= sum(points) <= rule.max_sum
            )
        case ScoreRule():
            return (
                len(answer) == len(question.options)
                and any(mark is not None for mark in answer)
                and all(mark is None or (type(mark) is int and 0 <= mark <= rule.max_mark) for mark in answer)
            )


near_misses = (
    values
    | st.lists(st.integers(-1, 9), max_size=9).map(tuple)
    | st.lists(st.none() | st.integers(-1, 30), max_size=9).map(tuple)
    | st.lists(st.tuples(st.integers(-1, 9), st.integers(-1, 22)), max_size=5).map(tuple)
    | st.lists(st.tuples(st.integers(0, 7), st.integers(1, 5)), max_size=3, unique_by=lambda pair: pair[0]).map(
        lambda pairs: tuple(sorted(pairs))
    )
)


@given(questions(), near_misses)
def test_a_plain_reading_of_the_table_agrees(question: Question, answer: Any) -> None:
    try:
        check_answers(make_poll(question), (answer,))
        accepted = True
    except BadTransaction:
        accepted = False
    assert accepted == fits(question, answer)


@given(st.data(), polls)
def test_ids_and_back(data: st.DataObject, poll: PollDefinition) -> None:
    answers = data.draw(answers_to(poll))
    check_answers(poll, answers)
    assert answers_from_ids(poll, answers_to_ids(poll, answers)) == answers


def test_ids_as_people_write_them() -> None:
    poll = make_poll(BLANK, SINGLE, APPROVAL, RANKED, POINTS, SCORE)
    answers = (None, 2, (0, 4), (4, 0), ((1, 3), (2, 1)), (None, 7, 0))
    written = [None, "c", ["a", "e"], ["e", "a"], {"b": 3, "c": 1}, {"b": 7, "c": 0}]
    assert answers_to_ids(poll, answers) == written
    in_any_order = [None, "c", ["e", "a"], ["e", "a"], {"c": 1, "b": 3}, {"c": 0, "b": 7}]
    assert answers_from_ids(poll, in_any_order) == answers


@pytest.mark.parametrize(
    ("question", "answer", "cause"),
    [
        (SINGLE, "z", codes.UNKNOWN_OPTION_ID),
        (SINGLE, 0, codes.UNKNOWN_OPTION_ID),
        (APPROVAL, "a", codes.WRONG_ANSWER_SHAPE),
        (APPROVAL, ["a", "a"], codes.OPTION_REPEATED),
        (APPROVAL, [["a"]], codes.UNKNOWN_OPTION_ID),
        (RANKED, ["a", "b", "a"], codes.OPTION_REPEATED),
        (POINTS, ["a"], codes.WRONG_ANSWER_SHAPE),
        (POINTS, {"z": 2}, codes.UNKNOWN_OPTION_ID),
        (POINTS, {"a": "2"}, codes.WRONG_ANSWER_SHAPE),
        (SCORE, {}, codes.NO_MARK),
    ],
)
def test_bad_ids(question: Question, answer: object, cause: Cause) -> None:
    with pytest.raises(BadTransaction) as caught:
        answers_from_ids(make_poll(question), [answer])
    assert caught.value.cause is cause


def test_ids_for_another_number_of_questions() -> None:
    with pytest.raises(BadTransaction) as caught:
        answers_from_ids(make_poll(SINGLE), ["a", "a"])
    assert caught.value.cause is codes.WRONG_ANSWER_COUNT


@pytest.mark.parametrize(
    ("answers", "entries"),
    [
        ((3,), 1),
        ((None,), 1),
        (((),), 1),
        (((0, 1, 2), 4), 4),
        ((((0, 2), (1, 3)), None), 3),
        (("x" * 99,), 1),
    ],
)
def test_entries(answers: tuple[object, ...], entries: int) -> None:
    assert answer_entries(answers) == entries
