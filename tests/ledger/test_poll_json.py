"""Poll definitions as JSON: the same definition both ways, and what may be left out (ledger L6)."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import codes, strict_json
from mvchain.core.errors import BadTransaction, Cause
from mvchain.ledger.poll_json import definition_from_json, definition_to_json
from mvchain.ledger.polls import (
    PointsRule,
    PollDefinition,
    RankedRule,
    Release,
    ScoreRule,
    SingleRule,
    TieRule,
)
from tests.ledger.document_helpers import GROUPED, make_poll, make_question, polls

ALL_TYPES = make_poll(
    make_question(SingleRule(), blank=True),
    GROUPED,
    make_question(RankedRule(1, 3, (3, 2, 2))),
    make_question(PointsRule(4, 2, 6)),
    make_question(ScoreRule(10)),
)


def shortest() -> dict[str, Any]:
    """A poll with everything left out that may be."""
    options = [{"id": "a", "title": {"en": "Option 0"}}, {"id": "b", "title": {"en": "Option 1"}}]
    question = {"type": "single", "title": {"en": "Which?"}, "options": options, "blank_allowed": False}
    return {
        "agency": 1,
        "title": {"ko": "공원", "en": "Park"},
        "questions": [question],
        "opens_at_ms": 1_000,
        "closes_at_ms": 2_000,
        "roll": 1,
        "revote": True,
        "release": "after_closing",
    }


def test_names_of_the_members() -> None:
    shown = definition_to_json(replace(ALL_TYPES, release=Release.LIVE, tie_rule=TieRule.BY_LOT))
    assert shown["title"] == {"en": "Park", "ko": "공원"}
    assert (shown["release"], shown["tie_rule"]) == ("live", "by_lot")
    assert [question["type"] for question in shown["questions"]] == [
        "single",
        "approval",
        "ranked",
        "points",
        "score",
    ]
    assert [question["rule"] for question in shown["questions"]] == [
        {},
        {
            "min": 1,
            "max": 3,
            "quotas": [{"group": "x", "min": 1, "max": 1}, {"group": "y", "min": 0, "max": 2}],
            "max_cost": 100,
        },
        {"min": 1, "max": 3, "weights": [3, 2, 2]},
        {"option_cap": 4, "min_sum": 2, "max_sum": 6},
        {"max_mark": 10},
    ]


@given(polls)
def test_any_poll_comes_back_through_json(poll: PollDefinition) -> None:
    text = strict_json.canonical(definition_to_json(poll))
    decoded = strict_json.loads(text, "poll", max_bytes=1 << 20, error=BadTransaction)
    assert definition_from_json(decoded) == poll


def test_all_types_and_a_picture_come_back() -> None:
    [first, *others] = ALL_TYPES.questions
    pictured = replace(first, options=(replace(first.options[0], image_hash=bytes(range(32))), *first.options[1:]))
    poll = replace(ALL_TYPES, questions=(pictured, *others))
    assert definition_from_json(definition_to_json(poll)) == poll


def test_what_may_be_left_out() -> None:
    assert definition_from_json(shortest()) == make_poll(make_question(SingleRule(), 2))


def test_quotas_in_any_order() -> None:
    shown = definition_to_json(make_poll(GROUPED))
    shown["questions"][0]["rule"]["quotas"].reverse()
    assert definition_from_json(shown) == make_poll(GROUPED)


@pytest.mark.parametrize(
    "member", ["agency", "title", "questions", "opens_at_ms", "closes_at_ms", "roll", "revote", "release"]
)
def test_what_may_not_be_left_out(member: str) -> None:
    poll = shortest()
    del poll[member]
    with pytest.raises(BadTransaction) as caught:
        definition_from_json(poll)
    assert caught.value.cause is codes.MISSING_MEMBER
    assert caught.value.data["member"] == member


@pytest.mark.parametrize(
    ("path", "value", "cause"),
    [
        ((), [], codes.WRONG_MEMBER),
        (("colour",), "red", codes.UNKNOWN_MEMBER),
        (("agency",), True, codes.WRONG_MEMBER),
        (("agency",), "1", codes.WRONG_MEMBER),
        (("agency",), 1 << 64, codes.MALFORMED),
        (("agency",), 0, codes.MALFORMED),
        (("revote",), 1, codes.WRONG_MEMBER),
        (("title",), "Park", codes.WRONG_MEMBER),
        (("title",), {}, codes.TEXT_MISSING),
        (("title", "en"), 5, codes.WRONG_MEMBER),
        (("title", "en"), "\ud800", codes.MALFORMED),
        (("release",), "soon", codes.WRONG_MEMBER),
        (("tie_rule",), "EQUAL_RANK", codes.WRONG_MEMBER),
        (("questions",), {}, codes.WRONG_MEMBER),
        (("questions", 0), "Which?", codes.WRONG_MEMBER),
        (("questions", 0, "type"), "essay", codes.WRONG_MEMBER),
        (("questions", 0, "type"), "score", codes.MISSING_MEMBER),
        (("questions", 0, "rule"), {"max": 1}, codes.UNKNOWN_MEMBER),
        (("questions", 0, "options", 0, "price"), 5, codes.UNKNOWN_MEMBER),
        (("questions", 0, "options", 0, "image_hash"), "xyz", codes.WRONG_MEMBER),
        (("questions", 0, "options", 0, "image_hash"), "00", codes.BAD_IMAGE_HASH),
        (("closes_at_ms",), 1_000, codes.POLL_TIMES),
    ],
)
def test_faults(path: tuple[Any, ...], value: Any, cause: Cause) -> None:
    poll: Any = shortest()
    holder = {"poll": poll}
    where: Any = holder
    for member in ("poll", *path)[:-1]:
        where = where[member]
    where[("poll", *path)[-1]] = value
    with pytest.raises(BadTransaction) as caught:
        definition_from_json(holder["poll"])
    assert caught.value.cause is cause
    assert caught.value.detail
    assert caught.value.remedy


@pytest.mark.parametrize("weight", [1.5, {}, None, "1", object(), 1 << 70])
def test_a_list_may_not_hide_another_type(weight: object) -> None:
    shown = definition_to_json(make_poll(make_question(RankedRule(1, 1, (1,)))))
    shown["questions"][0]["rule"]["weights"] = [weight]
    with pytest.raises(BadTransaction) as caught:
        definition_from_json(shown)
    assert caught.value.cause is codes.MALFORMED


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(anything, st.sampled_from(sorted(definition_to_json(ALL_TYPES))), anything)
def test_anything_gives_a_poll_or_our_error(value: Any, member: str, other: Any) -> None:
    for candidate in (value, {**definition_to_json(ALL_TYPES), member: other}):
        try:
            definition_from_json(candidate)
        except BadTransaction as error:
            assert error.detail  # noqa: PT017 - it may also be a poll
