"""mvchain.demo.preparation and .workers: ballots signed on all cores."""

import os
from itertools import chain

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.core.types import Hash, PollNumber
from mvchain.demo import preparation, workers
from mvchain.demo.preparation import SigningTask, sign_all
from mvchain.ledger.transactions import Ballot, decode_transaction, verify_signature

GENESIS, DEFINITION = Hash(b"g" * 32), Hash(b"d" * 32)


def test_every_ballot_is_signed_by_a_voter_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "BALLOTS_PER_TASK", 3)
    answers = [(number,) for number in range(10)]
    parts = dict(sign_all(SigningTask(PollNumber(7), GENESIS, DEFINITION, answers)))
    assert sorted(parts) == [0, 3, 6, 9]
    ballots = list(chain.from_iterable(parts[first] for first in sorted(parts)))
    assert len({ballot.voter for ballot in ballots}) == 10
    for ballot, expected in zip(ballots, answers, strict=True):
        transaction = decode_transaction(ballot.raw)
        assert transaction.payload == Ballot(PollNumber(7), 0, expected)
        assert transaction.signer == ballot.voter
        assert verify_signature(transaction, GENESIS, DEFINITION)


def test_a_core_verifies_something() -> None:
    assert preparation.core_rate(0.001) > 0


def double(number: int) -> int:
    return 2 * number


def die_at_two(number: int) -> int:
    if number == 2:
        os._exit(9)
    return number


@pytest.mark.parametrize("tasks", [0, 1, 7])
def test_each_task_gives_one_result_with_its_position(tasks: int) -> None:
    found = dict(workers.in_processes(double, range(tasks)))
    assert found == {position: 2 * position for position in range(tasks)}


def test_a_worker_that_is_killed_does_not_leave_us_waiting() -> None:
    with pytest.raises(BadConfiguration) as caught:
        list(workers.in_processes(die_at_two, range(5)))
    assert caught.value.cause is codes.WORKER_ENDED
    assert caught.value.data["status"] == 9
