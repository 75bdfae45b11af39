"""Answers of a ballot: whether they fit the questions (ledger L6), their work units, their form in JSON.

A ballot answers every question of its poll, in order. An answer is None for a blank, or by type

| type | answer | checked |
|---|---|---|
| single | option | exists |
| approval | (option, ...) ascending | min <= count <= max, quotas of groups, cap on summed cost |
| ranked | (option, ...) best first, distinct | min <= length <= max |
| points | ((option, points), ...) ascending by option | 1 <= points <= cap, min <= sum <= max |
| score | (mark or None, ...), one per option, at least one mark | 0 <= mark <= highest |

where an option is its position in the question, from 0. An option named twice is malformed, never two picks
(security V30). No cause names an option that was chosen: causes end in logs and answers of the API.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mvchain.core import codes
from mvchain.core.errors import BadTransaction
from mvchain.ledger.polls import (
    ApprovalRule,
    PointsRule,
    PollDefinition,
    Question,
    RankedRule,
    ScoreRule,
    SingleRule,
)


def check_answers(definition: PollDefinition, answers: tuple[object, ...]) -> None:
    """Raise BadTransaction, with a code per fault, unless `answers` fit `definition`.

    Takes any decoded value. Every node runs this for every ballot: the common questions, single choice and
    approval without quotas, cost a comparison or two per option.
    """
    questions = definition.questions
    if len(answers) != len(questions):
        raise BadTransaction(codes.WRONG_ANSWER_COUNT, answers=len(answers), questions=len(questions))
    number = 0
    for question, answer in zip(questions, answers, strict=True):
        number += 1  # noqa: SIM113 - enumerate makes a pair for each question
        rule = question.rule
        if answer is None:
            if not question.blank_allowed:
                raise BadTransaction(codes.BLANK_NOT_ALLOWED, question=number)
        elif isinstance(rule, SingleRule):
            if type(answer) is not int:
                raise _wrong_shape(number, "one option")
            if not 0 <= answer < len(question.options):
                raise _no_such_option(number, question)
        elif isinstance(rule, ApprovalRule):
            _check_approval(number, question, rule, answer)
        elif isinstance(rule, RankedRule):
            _check_ranked(number, question, rule, answer)
        elif isinstance(rule, PointsRule):
            _check_points(number, question, rule, answer)
        else:
            _check_score(number, question, rule, answer)


def answer_entries(answers: tuple[object, ...]) -> int:
    """How many entries `answers` have, fit or not (N2): one for each question at least."""
    entries = 0
    for answer in answers:
        entries += len(answer) or 1 if isinstance(answer, tuple) else 1
    return entries


# --- checks by type ---


def _wrong_shape(number: int, expected: str) -> BadTransaction:
    return BadTransaction(codes.WRONG_ANSWER_SHAPE, question=number, expected=expected)


def _no_such_option(number: int, question: Question) -> BadTransaction:
    return BadTransaction(codes.NO_SUCH_OPTION, question=number, options=len(question.options))


def _check_count(number: int, count: int, rule: ApprovalRule | RankedRule) -> None:
    if count < rule.min_count:
        raise BadTransaction(codes.TOO_FEW_OPTIONS, question=number, count=count, min_count=rule.min_count)
    if count > rule.max_count:
        raise BadTransaction(codes.TOO_MANY_OPTIONS, question=number, count=count, max_count=rule.max_count)


def _check_approval(number: int, question: Question, rule: ApprovalRule, answer: object) -> None:
    if type(answer) is not tuple:
        raise _wrong_shape(number, "a list of options")
    count = len(answer)
    if not rule.min_count <= count <= rule.max_count:
        _check_count(number, count, rule)
    previous = -1
    for option in answer:
        if type(option) is not int:
            raise _wrong_shape(number, "a list of options")
        if option <= previous:
            raise _disorder(number, question, option, previous)
        previous = option
    if previous >= len(question.options):
        raise _no_such_option(number, question)
    if rule.quotas:
        _check_quotas(number, question, rule, answer)
    if rule.max_cost:
        cost = sum(question.options[option].cost for option in answer)
        if cost > rule.max_cost:
            raise BadTransaction(codes.COST_EXCEEDED, question=number, max_cost=rule.max_cost)


def _disorder(number: int, question: Question, option: int, previous: int) -> BadTransaction:
    """Why `option` cannot come after the smaller option `previous` (-1: it is the first)."""
    if option < 0:
        return _no_such_option(number, question)
    cause = codes.OPTION_REPEATED if option == previous else codes.OPTIONS_NOT_ASCENDING
    return BadTransaction(cause, question=number)


def _check_quotas(number: int, question: Question, rule: ApprovalRule, answer: tuple[int, ...]) -> None:
    counts = Counter(question.options[option].group for option in answer)
    for quota in rule.demanding:
        count = counts[quota.group]
        if count < quota.min_count:
            raise BadTransaction(
                codes.QUOTA_MISSED,
                question=number,
                group=quota.group,
                min_count=quota.min_count,
            )
    for group, count in counts.items():
        exceeded = rule.quota_of.get(group)
        if exceeded is not None and count > exceeded.max_count:
            raise BadTransaction(
                codes.QUOTA_EXCEEDED,
                question=number,
                group=group,
                max_count=exceeded.max_count,
            )


def _check_ranked(number: int, question: Question, rule: RankedRule, answer: object) -> None:
    if type(answer) is not tuple or any(type(option) is not int for option in answer):
        raise _wrong_shape(number, "a list of options")
    _check_count(number, len(answer), rule)
    if answer and not 0 <= min(answer) <= max(answer) < len(question.options):
        raise _no_such_option(number, question)
    if len(set(answer)) != len(answer):
        raise BadTransaction(codes.OPTION_REPEATED, question=number)


def _check_points(number: int, question: Question, rule: PointsRule, answer: object) -> None:
    if type(answer) is not tuple:
        raise _wrong_shape(number, "a list of option and points pairs")
    previous, total = -1, 0
    for pair in answer:
        if type(pair) is not tuple or len(pair) != 2 or type(pair[0]) is not int or type(pair[1]) is not int:
            raise _wrong_shape(number, "a list of option and points pairs")
        option, points = pair
        if option <= previous:
            raise _disorder(number, question, option, previous)
        if not 1 <= points <= rule.option_cap:
            raise BadTransaction(codes.POINTS_OUT_OF_RANGE, question=number, option_cap=rule.option_cap)
        previous = option
        total += points
    if previous >= len(question.options):
        raise _no_such_option(number, question)
    if total < rule.min_sum:
        raise BadTransaction(codes.TOO_FEW_POINTS, question=number, min_sum=rule.min_sum)
    if total > rule.max_sum:
        raise BadTransaction(codes.TOO_MANY_POINTS, question=number, max_sum=rule.max_sum)


def _check_score(number: int, question: Question, rule: ScoreRule, answer: object) -> None:
    if type(answer) is not tuple or any(mark is not None and type(mark) is not int for mark in answer):
        raise _wrong_shape(number, "a list of marks")
    if len(answer) != len(question.options):
        raise BadTransaction(codes.WRONG_MARK_COUNT, question=number, marks=len(answer), options=len(question.options))
    marks = [mark for mark in answer if mark is not None]
    if not marks:
        raise BadTransaction(codes.NO_MARK, question=number)
    if not 0 <= min(marks) <= max(marks) <= rule.max_mark:
        raise BadTransaction(codes.MARK_OUT_OF_RANGE, question=number, max_mark=rule.max_mark)


# --- answers as people and JSON write them ---


def answers_to_ids(definition: PollDefinition, answers: tuple[Any, ...]) -> list[Any]:
    """Answers that fit, as JSON with option ids: an id, a list of ids, or ids with their points or marks."""
    return [
        None if answer is None else _answer_to_ids(question, answer)
        for question, answer in zip(definition.questions, answers, strict=True)
    ]


def _answer_to_ids(question: Question, answer: Any) -> Any:
    ids = [option.id for option in question.options]
    match question.rule:
        case SingleRule():
            return ids[answer]
        case ApprovalRule() | RankedRule():
            return [ids[option] for option in answer]
        case PointsRule():
            return {ids[option]: points for option, points in answer}
        case ScoreRule():
            return {option_id: mark for option_id, mark in zip(ids, answer, strict=True) if mark is not None}


def answers_from_ids(definition: PollDefinition, answers: Sequence[object]) -> tuple[object, ...]:
    """The inverse of `answers_to_ids`, checked; approvals and points may come in any order.

    Raises BadTransaction as `check_answers` does, or with UNKNOWN_OPTION_ID.
    """
    if len(answers) != len(definition.questions):
        raise BadTransaction(codes.WRONG_ANSWER_COUNT, answers=len(answers), questions=len(definition.questions))
    found = tuple(
        None if answer is None else _answer_from_ids(number, question, answer)
        for number, (question, answer) in enumerate(zip(definition.questions, answers, strict=True), 1)
    )
    check_answers(definition, found)
    return found


def _answer_from_ids(number: int, question: Question, answer: object) -> object:
    positions = {option.id: position for position, option in enumerate(question.options)}

    def position(option_id: object) -> int:
        if not isinstance(option_id, str) or option_id not in positions:
            raise BadTransaction(codes.UNKNOWN_OPTION_ID, question=number)
        return positions[option_id]

    match question.rule:
        case SingleRule():
            return position(answer)
        case ApprovalRule() | RankedRule():
            if not isinstance(answer, list):
                raise _wrong_shape(number, "a list of option ids")
            options = [position(option_id) for option_id in answer]
            return tuple(sorted(options) if isinstance(question.rule, ApprovalRule) else options)
        case PointsRule() | ScoreRule():
            if not isinstance(answer, Mapping):
                raise _wrong_shape(number, "option ids with their numbers")
            numbers = {position(option_id): value for option_id, value in answer.items()}
            if isinstance(question.rule, PointsRule):
                return tuple(sorted(numbers.items()))
            return tuple(numbers.get(option) for option in range(len(question.options)))
