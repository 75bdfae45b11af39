"""Poll definitions: canonical, consistent, and answerable (ledger L6)."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import codec, codes
from mvchain.core.errors import BadTransaction, Cause
from mvchain.core.hashing import sha256
from mvchain.core.limits import MAX_COST, MAX_GRACE_MS, MAX_TIME_MS, MAX_TRANSACTION_BYTES
from mvchain.core.types import TimeMs
from mvchain.ledger.ballots import check_answers
from mvchain.ledger.polls import (
    ApprovalRule,
    PointsRule,
    PollDefinition,
    Quota,
    RankedRule,
    Rule,
    ScoreRule,
    SingleRule,
    decode_definition,
    definition_hash,
    encode_definition,
)
from tests.ledger.document_helpers import GROUPED, make_poll, make_question, polls, values

POLL = make_poll(
    make_question(SingleRule(), blank=True),
    GROUPED,
    make_question(RankedRule(1, 3, (3, 2, 2))),
    make_question(PointsRule(4, 2, 6)),
    make_question(ScoreRule(10)),
)


def arrays(value: Any) -> Any:
    """The same with lists for tuples, so that a test can change it."""
    return [arrays(item) for item in value] if isinstance(value, tuple) else value


def changed(poll: PollDefinition, path: tuple[int, ...], value: Any) -> bytes:
    """The encoded poll with one item, found by its positions, replaced."""
    array = arrays(codec.decode(encode_definition(poll), "poll", max_bytes=MAX_TRANSACTION_BYTES))
    items = array
    for i in path[:-1]:
        items = items[i]
    items[path[-1]] = value
    return codec.encode(array)


def refusal(data: bytes) -> BadTransaction:
    """The error that decoding gives."""
    with pytest.raises(BadTransaction) as caught:
        decode_definition(data)
    assert caught.value.detail
    assert caught.value.remedy
    return caught.value


def test_bytes() -> None:
    """The wire form of the module docstring, spelled out."""
    question = make_question(SingleRule(), 2)
    option_a = ["a", [["en", "Option 0"]], [], 0, "", b""]
    option_b = ["b", [["en", "Option 1"]], [], 0, "", b""]
    expected = [
        1,
        1,
        [["en", "Park"], ["ko", "공원"]],
        [],
        [[0, [["en", "Which?"]], [], [option_a, option_b], [], False]],
        1_000,
        2_000,
        60_000,
        1,
        True,
        1,
        2,
        0,
        0,
    ]
    assert encode_definition(make_poll(question)) == codec.encode(expected)


def test_every_type_comes_back() -> None:
    assert decode_definition(encode_definition(POLL)) == POLL


@given(polls)
def test_any_poll_comes_back(poll: PollDefinition) -> None:
    assert decode_definition(encode_definition(poll)) == poll


def test_hash_has_its_own_tag() -> None:
    data = encode_definition(POLL)
    assert definition_hash(data) == sha256(b"mvchain.poll.v1\x00" + data)


TITLE, QUESTIONS, OPENS, CLOSES, GRACE = 2, 4, 5, 6, 7
TYPE, OPTIONS, RULE = 0, 3, 4
SINGLE, APPROVAL, RANKED, POINTS, SCORE = 0, 1, 2, 3, 4


@pytest.mark.parametrize(
    ("path", "value", "cause"),
    [
        ((0,), 2, codes.UNKNOWN_DEFINITION_VERSION),
        ((0,), True, codes.MALFORMED),
        ((1,), 0, codes.MALFORMED),
        ((TITLE,), [], codes.TEXT_MISSING),
        ((TITLE, 0), ["en"], codes.MALFORMED),
        ((TITLE, 0, 0), "e", codes.BAD_LANGUAGE),
        ((TITLE, 0, 0), "EN", codes.BAD_LANGUAGE),
        ((TITLE, 0, 0), "englishes", codes.MALFORMED),
        ((TITLE, 0, 0), "ko", codes.LANGUAGES_NOT_ASCENDING),
        ((TITLE, 0, 0), "zh", codes.LANGUAGES_NOT_ASCENDING),
        ((TITLE, 0, 1), "", codes.TEXT_MISSING),
        ((TITLE, 0, 1), "x" * 1_001, codes.MALFORMED),
        ((3,), [["en", ""]], codes.TEXT_MISSING),
        ((3,), [["en", "x" * (16 * 1024 + 1)]], codes.MALFORMED),
        ((QUESTIONS,), [], codes.NO_QUESTIONS),
        ((QUESTIONS,), [0] * 65, codes.MALFORMED),
        ((OPENS,), 2_000, codes.POLL_TIMES),
        ((CLOSES,), MAX_TIME_MS, codes.POLL_TIMES),
        ((CLOSES,), MAX_TIME_MS + 1, codes.MALFORMED),
        ((GRACE,), MAX_GRACE_MS + 1, codes.MALFORMED),
        ((8,), 0, codes.MALFORMED),
        ((9,), 1, codes.MALFORMED),
        ((10,), 2, codes.MALFORMED),
        ((11,), 0, codes.MALFORMED),
        ((11,), 17, codes.MALFORMED),
        ((12,), 3, codes.MALFORMED),
        ((13,), -1, codes.MALFORMED),
        ((QUESTIONS, SINGLE, TYPE), 5, codes.UNKNOWN_QUESTION_TYPE),
        ((QUESTIONS, SINGLE, 1), [], codes.TEXT_MISSING),
        ((QUESTIONS, SINGLE, OPTIONS), [], codes.NO_OPTIONS),
        ((QUESTIONS, SINGLE, OPTIONS), [0] * 1_001, codes.MALFORMED),
        ((QUESTIONS, SINGLE, RULE), [1], codes.MALFORMED),
        ((QUESTIONS, SINGLE, 5), None, codes.MALFORMED),
        ((QUESTIONS, SINGLE, OPTIONS, 0, 0), "b", codes.OPTION_ID_REPEATED),
        ((QUESTIONS, SINGLE, OPTIONS, 0, 0), "", codes.OPTION_ID_EMPTY),
        ((QUESTIONS, SINGLE, OPTIONS, 0, 0), "x" * 33, codes.MALFORMED),
        ((QUESTIONS, SINGLE, OPTIONS, 0, 1), [], codes.TEXT_MISSING),
        ((QUESTIONS, SINGLE, OPTIONS, 0, 3), MAX_COST + 1, codes.MALFORMED),
        ((QUESTIONS, SINGLE, OPTIONS, 0, 5), bytes(31), codes.BAD_IMAGE_HASH),
        ((QUESTIONS, SINGLE, OPTIONS, 0, 5), bytes(33), codes.MALFORMED),
        ((QUESTIONS, APPROVAL, RULE, 0), 4, codes.COUNT_BOUNDS),  # 4 to 3
        ((QUESTIONS, APPROVAL, RULE, 1), 6, codes.COUNT_BOUNDS),  # of 5
        ((QUESTIONS, APPROVAL, RULE), [0, 0, [], 0], codes.COUNT_BOUNDS),
        ((QUESTIONS, APPROVAL, RULE, 2), [["y", 0, 2], ["x", 1, 1]], codes.QUOTAS_NOT_ASCENDING),
        ((QUESTIONS, APPROVAL, RULE, 2), [["x", 1, 1], ["x", 0, 2]], codes.QUOTAS_NOT_ASCENDING),
        ((QUESTIONS, APPROVAL, RULE, 2, 0, 0), "w", codes.QUOTA_GROUP_UNKNOWN),
        ((QUESTIONS, APPROVAL, RULE, 2, 0, 1), 2, codes.QUOTA_BOUNDS),  # 2 to 1
        ((QUESTIONS, APPROVAL, RULE, 2, 0, 2), 3, codes.QUOTA_BOUNDS),  # of 2
        ((QUESTIONS, APPROVAL, RULE), [0, 1, [["x", 1, 1], ["y", 1, 2]], 0], codes.QUOTAS_UNSATISFIABLE),
        ((QUESTIONS, APPROVAL, RULE), [4, 5, [["x", 0, 1], ["y", 0, 1]], 0], codes.QUOTAS_UNSATISFIABLE),
        ((QUESTIONS, APPROVAL, RULE, 3), 9, codes.COST_UNSATISFIABLE),  # the cheapest x costs 10
        ((QUESTIONS, RANKED, RULE, 1), 2, codes.RANK_WEIGHTS_COUNT),
        ((QUESTIONS, RANKED, RULE, 2), [3, 2, 1, 0], codes.RANK_WEIGHTS_COUNT),
        ((QUESTIONS, RANKED, RULE, 2), [2, 3, 1], codes.RANK_WEIGHTS_RISING),
        ((QUESTIONS, RANKED, RULE, 2, 0), 1_025, codes.MALFORMED),
        ((QUESTIONS, RANKED, RULE, 0), 4, codes.COUNT_BOUNDS),
        ((QUESTIONS, POINTS, RULE, 0), 0, codes.MALFORMED),
        ((QUESTIONS, POINTS, RULE, 0), 1_025, codes.MALFORMED),
        ((QUESTIONS, POINTS, RULE, 0), 1, codes.POINTS_BOUNDS),  # 5 options, so 5 points, not 6
        ((QUESTIONS, POINTS, RULE, 0), 7, codes.POINTS_BOUNDS),  # a cap above the sum
        ((QUESTIONS, POINTS, RULE, 1), 7, codes.POINTS_BOUNDS),  # 7 to 6
        ((QUESTIONS, SCORE, RULE, 0), 0, codes.MALFORMED),
        ((QUESTIONS, SCORE, RULE, 0), 1_025, codes.MALFORMED),
    ],
)
def test_faults(path: tuple[int, ...], value: Any, cause: Cause) -> None:
    assert refusal(changed(POLL, path, value)).cause is cause


def test_a_fault_names_its_question() -> None:
    assert refusal(changed(POLL, (QUESTIONS, POINTS, RULE, 1), 7)).data["question"] == 4


def test_the_last_moment() -> None:
    late = replace(POLL, closes_at_ms=TimeMs(MAX_TIME_MS - POLL.grace_ms))
    assert decode_definition(encode_definition(late)) == late


def test_a_definition_fits_one_transaction() -> None:
    """1,000 options fit; what is larger than a transaction is not even decoded."""
    large = make_poll(make_question(SingleRule(), 1_000))
    assert decode_definition(encode_definition(large)) == large
    larger = make_poll(*[make_question(SingleRule(), 1_000)] * 4)
    assert refusal(encode_definition(larger)).cause is codes.TOO_LARGE


@st.composite
def grouped_approvals(draw: st.DrawFn) -> tuple[Rule, str, tuple[int, ...]]:
    """An approval rule within its groups' sizes, the group of each option and its cost."""
    n = draw(st.integers(1, 6))
    groups = "".join(draw(st.lists(st.sampled_from("xyz"), min_size=n, max_size=n)))
    costs = tuple(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)))
    quotas = []
    for group in sorted(set(groups)):
        if draw(st.booleans()):
            most = draw(st.integers(0, groups.count(group)))
            quotas.append(Quota(group, draw(st.integers(0, most)), most))
    max_count = draw(st.integers(1, n))
    min_count = draw(st.integers(0, max_count))
    return ApprovalRule(min_count, max_count, tuple(quotas), draw(st.integers(0, 20))), groups, costs


@given(grouped_approvals())
def test_a_poll_is_taken_if_and_only_if_it_can_be_answered(drawn: tuple[Rule, str, tuple[int, ...]]) -> None:
    """Against the slow way: try every set of options."""
    rule, groups, costs = drawn
    poll = make_poll(make_question(rule, len(groups), groups=groups, costs=costs))

    def is_answer(options: tuple[int, ...]) -> bool:
        try:
            check_answers(poll, (options,))
        except BadTransaction:
            return False
        return True

    sizes = range(len(groups) + 1)
    answerable = any(is_answer(options) for k in sizes for options in combinations(range(len(groups)), k))
    if answerable:
        assert decode_definition(encode_definition(poll)) == poll
    else:
        cause = refusal(encode_definition(poll)).cause
        assert cause in (codes.QUOTAS_UNSATISFIABLE, codes.COST_UNSATISFIABLE)


@given(st.binary(max_size=200) | values.map(codec.encode))
def test_any_bytes_give_a_poll_or_our_error(data: bytes) -> None:
    try:
        poll = decode_definition(data)
    except BadTransaction:
        return
    assert encode_definition(poll) == data


@given(st.data(), values)
def test_any_change_gives_a_poll_or_our_error(data: st.DataObject, value: Any) -> None:
    """Any one item at any depth replaced by anything."""
    path: list[int] = []
    items: Any = codec.decode(encode_definition(POLL), "poll", max_bytes=MAX_TRANSACTION_BYTES)
    while isinstance(items, tuple) and items and (not path or data.draw(st.booleans())):
        path.append(data.draw(st.integers(0, len(items) - 1)))
        items = items[path[-1]]
    damaged = changed(POLL, tuple(path), value)
    try:
        poll = decode_definition(damaged)
    except BadTransaction as error:
        assert error.detail  # noqa: PT017 - it may also be a poll
    else:
        assert encode_definition(poll) == damaged
