"""Small polls and random ones, with answers that fit, for the tests of the documents."""

from typing import Any

from hypothesis import strategies as st

from mvchain.core.types import AgencyNumber, RollNumber, TimeMs
from mvchain.ledger.polls import (
    ApprovalRule,
    Option,
    PointsRule,
    PollDefinition,
    Question,
    Quota,
    RankedRule,
    Release,
    Rule,
    ScoreRule,
    SingleRule,
    TieRule,
)


def make_question(
    rule: Rule,
    n: int = 5,
    *,
    blank: bool = False,
    groups: str = "",
    costs: tuple[int, ...] = (),
) -> Question:
    """A question with options a, b, c, ...; `groups` has a letter, `costs` a number for each, or none."""
    options = tuple(
        Option(
            id=chr(ord("a") + i) if n <= 26 else f"o{i}",
            title=(("en", f"Option {i}"),),
            group=groups[i] if groups else "",
            cost=costs[i] if costs else 0,
        )
        for i in range(n)
    )
    return Question(title=(("en", "Which?"),), description=(), options=options, rule=rule, blank_allowed=blank)


def make_poll(*questions: Question) -> PollDefinition:
    """A poll with these questions."""
    return PollDefinition(
        agency=AgencyNumber(1),
        title=(("en", "Park"), ("ko", "공원")),
        description=(),
        questions=questions,
        opens_at_ms=TimeMs(1_000),
        closes_at_ms=TimeMs(2_000),
        grace_ms=60_000,
        roll=RollNumber(1),
        revote=True,
        release=Release.AFTER_CLOSING,
        approvals=2,
        tie_rule=TieRule.EQUAL_RANK,
        min_turnout=0,
    )


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """Any question of up to 8 options; approvals have no quotas."""
    n = draw(st.integers(1, 8))
    max_count = draw(st.integers(1, n))
    min_count = draw(st.integers(0, max_count))
    cap = draw(st.integers(1, 20))
    max_sum = draw(st.integers(cap, cap * n))
    borda = draw(st.lists(st.integers(0, 1024), min_size=max_count, max_size=max_count))
    rules: list[Rule] = [
        SingleRule(),
        ApprovalRule(min_count, max_count, (), 0),
        RankedRule(min_count, max_count, tuple(sorted(borda, reverse=True))),
        PointsRule(cap, draw(st.integers(0, max_sum)), max_sum),
        ScoreRule(draw(st.integers(1, 1024))),
    ]
    return make_question(draw(st.sampled_from(rules)), n, blank=draw(st.booleans()))


polls = st.lists(questions(), min_size=1, max_size=4).map(lambda found: make_poll(*found))


@st.composite
def answer_to(draw: st.DrawFn, question: Question) -> Any:
    """An answer that fits; written from the table of L6, not from the code."""
    if question.blank_allowed and draw(st.integers(0, 4)) == 0:
        return None
    n = len(question.options)
    match question.rule:
        case SingleRule():
            return draw(st.integers(0, n - 1))
        case ApprovalRule(min_count=least, max_count=most):
            return tuple(sorted(draw(st.permutations(range(n)))[: draw(st.integers(least, most))]))
        case RankedRule(min_count=least, max_count=most):
            return tuple(draw(st.permutations(range(n)))[: draw(st.integers(least, most))])
        case PointsRule(option_cap=cap, min_sum=least, max_sum=most):
            left = draw(st.integers(least, most))
            points = [0] * n
            for option in draw(st.permutations(range(n))):
                points[option] = min(cap, left)
                left -= points[option]
            return tuple((option, given) for option, given in enumerate(points) if given)
        case ScoreRule(max_mark=highest):
            marks = draw(st.lists(st.none() | st.integers(0, highest), min_size=n, max_size=n))
            if all(mark is None for mark in marks):
                marks[draw(st.integers(0, n - 1))] = draw(st.integers(0, highest))
            return tuple(marks)


def answers_to(poll: PollDefinition) -> st.SearchStrategy[tuple[Any, ...]]:
    """Answers to all questions of a poll, in order."""
    return st.tuples(*(answer_to(question) for question in poll.questions))


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 12) | st.binary(max_size=4) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=6).map(tuple),
    max_leaves=12,
)
"""Any decoded msgpack, small enough to come near real answers."""

GROUPED = make_question(
    ApprovalRule(1, 3, (Quota("x", 1, 1), Quota("y", 0, 2)), 100),
    groups="xxyyz",
    costs=(10, 20, 30, 40, 50),
)
"""Options a, b in group x (one of them), c, d in y (two at most), e in z; at most 3, for 100 in sum."""
