"""The recount at closing: every counted ballot read once more, in the plainest way (ledger L8).

A second implementation of the table in `mvchain.ledger.tally`, from the definition and the ballots alone.
Each answer is first written out as facts, (option, measure, amount), and equal facts are summed; only the
result puts the sums into the rows of the tally. Where the two ever differ the poll is disputed, so they share
no code but the class of the result.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any, Self

from mvchain.core import codec, codes
from mvchain.core.codec import Fields
from mvchain.core.errors import BrokenStorage
from mvchain.core.limits import (
    MAX_ARRAY_ITEMS,
    MAX_OPTIONS,
    MAX_POSITION_MATRIX_OPTIONS,
    MAX_QUESTIONS,
    MAX_TALLY_BYTES,
)
from mvchain.ledger.polls import (
    ApprovalRule,
    PointsRule,
    PollDefinition,
    Question,
    RankedRule,
    ScoreRule,
    SingleRule,
)
from mvchain.ledger.tally import QuestionTally, TallyResult

_NO_OPTION = -1
_TOTAL, _COUNT, _RANK = 0, 1, 2
"""Measures of a fact; rank r, from 0, is measure _RANK + r."""

_MAX_SUM = (1 << 53) - 1


class Recount:
    """Sums of facts, over as many blocks as the counting takes. Order of the ballots does not matter."""

    __slots__ = ("_ballots", "_sums", "_weight")

    def __init__(self) -> None:
        self._ballots = 0
        self._weight = 0
        self._sums: dict[tuple[int, int], dict[int, int]] = {}
        """(question, option), each from 0, to measure to the sum of the amounts."""

    def add(self, definition: PollDefinition, answers: tuple[Any, ...], weight: int) -> None:
        """Count the one ballot of a voter that counts, superseded ones left out by the caller."""
        self._ballots += 1
        self._weight += weight
        for number, question in enumerate(definition.questions):
            for option, measure, amount in _facts(question, answers[number]):
                sums = self._sums.setdefault((number, option), {})
                sums[measure] = sums.get(measure, 0) + amount * weight

    def result(self, definition: PollDefinition) -> TallyResult:
        """The totals of the ballots so far."""
        return TallyResult(
            ballots=self._ballots,
            weight=self._weight,
            questions=tuple(
                self._question_result(number, question) for number, question in enumerate(definition.questions)
            ),
        )

    def _question_result(self, number: int, question: Question) -> QuestionTally:
        sums_of_each = [self._sums.get((number, option), {}) for option in range(len(question.options))]

        def of_each_option(measure: int) -> tuple[int, ...]:
            return tuple([sums.get(measure, 0) for sums in sums_of_each])

        by_rank = [of_each_option(_RANK + rank) for rank in range(_matrix_ranks(question))]
        return QuestionTally(
            type=question.type,
            blanks=self._sums.get((number, _NO_OPTION), {}).get(_COUNT, 0),
            totals=of_each_option(_TOTAL),
            counts=() if isinstance(question.rule, SingleRule | ApprovalRule) else of_each_option(_COUNT),
            positions=tuple(zip(*by_rank, strict=True)),
        )

    def encode(self) -> bytes:
        """Progress so far, to go on with later: [ballots, weight, [[question, option, sums], ...]].

        The sums of an option are [measure, amount, measure, amount, ...]. A poll can have 400,000, which are read and
        written once in each block of its counting.
        """
        rows = [
            (*place, tuple(chain.from_iterable(sorted(sums.items())))) for place, sums in sorted(self._sums.items())
        ]
        return codec.encode((self._ballots, self._weight, rows))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The inverse; raises BrokenStorage."""
        value = codec.decode(data, "recount", max_bytes=MAX_TALLY_BYTES, error=BrokenStorage)
        f = Fields(value, 3, "recount", error=BrokenStorage)
        recount = cls()
        recount._ballots = f.int(0, "ballots", 0, _MAX_SUM)
        recount._weight = f.int(1, "weight", 0, _MAX_SUM)
        for row in f.array(2, "rows", MAX_ARRAY_ITEMS):
            r = Fields(row, 3, "row of a recount", error=BrokenStorage)
            number = r.int(0, "question", 0, MAX_QUESTIONS - 1)
            option = r.int(1, "option", _NO_OPTION, MAX_OPTIONS - 1)
            sums: Any = r.array(2, "sums", MAX_ARRAY_ITEMS)
            if not sums or len(sums) % 2 or any(type(value) is not int or not 0 <= value <= _MAX_SUM for value in sums):
                raise BrokenStorage(codes.MALFORMED, what="row of a recount", why="its sums are no pairs of numbers")
            recount._sums[number, option] = dict(zip(sums[::2], sums[1::2], strict=True))
        if recount.encode() != data:
            raise BrokenStorage(codes.NOT_CANONICAL, what="recount")
        return recount


def _matrix_ranks(question: Question) -> int:
    """Ranks of the position matrix; 0 where none is kept."""
    rule = question.rule
    if isinstance(rule, RankedRule) and len(question.options) <= MAX_POSITION_MATRIX_OPTIONS:
        return rule.max_count
    return 0


def _facts(question: Question, answer: Any) -> Iterator[tuple[int, int, int]]:
    """What one answer says, as (option, measure, amount) for a voter of weight 1."""
    if answer is None:
        yield _NO_OPTION, _COUNT, 1
        return
    match question.rule:
        case SingleRule():
            yield answer, _TOTAL, 1
        case ApprovalRule():
            yield from ((option, _TOTAL, 1) for option in answer)
        case RankedRule(weights=weights):
            ranks = _matrix_ranks(question)
            for rank, (option, points) in enumerate(zip(answer, weights, strict=False)):
                yield option, _TOTAL, points
                yield option, _COUNT, 1
                if rank < ranks:
                    yield option, _RANK + rank, 1
        case PointsRule():
            for option, points in answer:
                yield option, _TOTAL, points
                yield option, _COUNT, 1
        case ScoreRule():
            for option, mark in enumerate(answer):
                if mark is not None:
                    yield option, _TOTAL, mark
                    yield option, _COUNT, 1
