"""The recount against the running tally: two implementations, one result (ledger L8)."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import codec
from mvchain.core.errors import BrokenStorage
from mvchain.core.limits import MAX_WEIGHT
from mvchain.ledger.polls import PollDefinition, RankedRule, ScoreRule
from mvchain.ledger.recount import Recount
from mvchain.ledger.tally import RunningTally
from tests.ledger.document_helpers import answers_to, make_poll, make_question, polls, values
from tests.ledger.test_tally import BOTH, FIRST, POLL, SECOND


def test_by_hand() -> None:
    recount = Recount()
    recount.add(POLL, FIRST, 3)
    recount.add(POLL, SECOND, 7)
    assert recount.result(POLL) == BOTH


def test_before_the_first_ballot() -> None:
    assert Recount().result(POLL) == RunningTally.empty(POLL).result()


@given(st.data(), polls, st.lists(st.integers(1, MAX_WEIGHT), min_size=1, max_size=4))
def test_recount_equals_running_tally(data: st.DataObject, poll: PollDefinition, weights: Sequence[int]) -> None:
    """Voters of any weight ballot in any order and again; only each one's last ballot counts (L7)."""
    voters = data.draw(st.lists(st.integers(0, len(weights) - 1), max_size=10))
    tally = RunningTally.empty(poll)
    latest: dict[int, tuple[Any, ...]] = {}
    for voter in voters:
        answers = data.draw(answers_to(poll))
        if voter in latest:
            tally.remove(poll, latest[voter], weights[voter])
        tally.add(poll, answers, weights[voter])
        latest[voter] = answers
    recount = Recount()
    for voter, answers in sorted(latest.items()):
        recount.add(poll, answers, weights[voter])
        recount = Recount.decode(recount.encode())  # as if each were in a block of its own
    assert recount.result(poll) == tally.result()
    assert recount.result(poll).weight == sum(weights[voter] for voter in latest)


@pytest.mark.parametrize("options", [100, 101])
def test_long_rankings(options: int) -> None:
    """On both sides of the bound of the position matrix (L8), with more sums than one array may hold."""
    poll = make_poll(
        make_question(RankedRule(1, options, tuple(range(options, 0, -1))), options),
        make_question(ScoreRule(9), options),
    )
    tally, recount = RunningTally.empty(poll), Recount()
    for shift in range(options):
        ranking = tuple((shift + i) % options for i in range(options))
        marks = tuple((shift + i) % 10 for i in range(options))
        tally.add(poll, (ranking, marks), 1 + shift)
        recount.add(poll, (ranking, marks), 1 + shift)
    recount = Recount.decode(recount.encode())
    assert recount.result(poll) == tally.result()


@given(st.binary(max_size=60) | values.map(codec.encode))
def test_decoding_gives_a_recount_or_our_error(data: bytes) -> None:
    try:
        recount = Recount.decode(data)
    except BrokenStorage:
        return
    assert recount.encode() == data


@pytest.mark.parametrize(
    "value",
    [
        (0, 0),
        (0, 0, ((0, 0),)),
        (0, 0, ((0, 0, (0, -1)),)),
        (0, 0, ((0, 0, (0, True)),)),
        (0, 0, ((0, 0, (0,)),)),
        (0, 0, ((0, 0, ()),)),
        (0, 0, ((0, 1, (0, 1)), (0, 0, (0, 1)))),
        (0, 0, ((0, 0, (1, 1, 0, 1)),)),
        (0, 0, ((0, 0, (0, 1, 0, 2)),)),
    ],
)
def test_malformed_recounts(value: Any) -> None:
    with pytest.raises(BrokenStorage):
        Recount.decode(codec.encode(value))


def test_the_form_of_a_recount_on_disk() -> None:
    recount = Recount.decode(codec.encode((2, 5, ((0, 0, (0, 3, 1, 2)), (0, 1, (0, 2))))))
    assert codec.decode(recount.encode(), "recount", max_bytes=99) == (2, 5, ((0, 0, (0, 3, 1, 2)), (0, 1, (0, 2))))
