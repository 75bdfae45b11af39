"""The running tally: integer counts, kept while ballots arrive (ledger L8).

What is counted, every ballot times the weight of its voter on the roll:

| question | totals, per option | counts, per option | positions, per option |
|---|---|---|---|
| single, approval | ballots that chose it | - | - |
| ranked | Borda sum with the declared weights | ballots that rank it | ballots per rank, up to 100 options |
| points | points | ballots that give it points | - |
| score | marks | ballots that mark it | - |

Bounds of weight (2^16), roll (2^26), points, marks and Borda weights (2^10) keep every number below 2^53
(L6). At closing `mvchain.ledger.recount` counts all over again and must find the same; the two share
`TallyResult` and nothing else.
"""

from dataclasses import dataclass
from typing import Any, Self

from mvchain.core import codec, codes
from mvchain.core.codec import Fields
from mvchain.core.errors import BadProof, MvchainError
from mvchain.core.hashing import tagged_hash
from mvchain.core.limits import (
    DEFINITION_BYTES_PER_UNIT,
    MAX_OPTIONS,
    MAX_POSITION_MATRIX_OPTIONS,
    MAX_QUESTIONS,
    MAX_TALLY_BYTES,
    TALLY_NUMBERS_PER_UNIT,
)
from mvchain.core.types import Hash
from mvchain.ledger.polls import (
    ApprovalRule,
    PointsRule,
    PollDefinition,
    Question,
    QuestionType,
    RankedRule,
    ScoreRule,
    SingleRule,
)

_MAX_TOTAL = (1 << 53) - 1


@dataclass(frozen=True, slots=True)
class QuestionTally:
    """Numbers of one question, as in the table above; a dash there is an empty tuple here."""

    type: QuestionType
    blanks: int
    totals: tuple[int, ...]
    counts: tuple[int, ...]
    positions: tuple[tuple[int, ...], ...]
    """`positions[option][rank]`."""


@dataclass(frozen=True, slots=True)
class TallyResult:
    """Numbers of a poll."""

    ballots: int
    """Voters with a counted ballot."""
    weight: int
    """The sum of their weights."""
    questions: tuple[QuestionTally, ...]

    def encode(self) -> bytes:
        """Canonical msgpack [ballots, weight, [[type, blanks, totals, counts, positions], ...]]."""
        questions = tuple(
            (int(question.type), question.blanks, question.totals, question.counts, question.positions)
            for question in self.questions
        )
        return codec.encode((self.ballots, self.weight, questions))

    @classmethod
    def decode(cls, data: bytes, error: type[MvchainError] = BadProof) -> Self:
        """The inverse; raises `error`."""
        value = codec.decode(data, "tally", max_bytes=MAX_TALLY_BYTES, error=error)
        f = Fields(value, 3, "tally", error=error)
        questions = tuple(_question_tally(value, error) for value in f.array(2, "questions", MAX_QUESTIONS))
        return cls(f.int(0, "ballots", 0, _MAX_TOTAL), f.int(1, "weight", 0, _MAX_TOTAL), questions)


def _question_tally(value: codec.Value, error: type[MvchainError]) -> QuestionTally:
    f = Fields(value, 5, "tally of a question", error=error)
    tally = QuestionTally(
        QuestionType(f.int(0, "type", 0, max(QuestionType))),
        f.int(1, "blanks", 0, _MAX_TOTAL),
        _numbers(f.array(2, "totals", MAX_OPTIONS), error),
        _numbers(f.array(3, "counts", MAX_OPTIONS), error),
        tuple(_numbers(row, error) for row in f.array(4, "positions", MAX_POSITION_MATRIX_OPTIONS)),
    )
    options = len(tally.totals)
    if len(tally.counts) not in (0, options) or len(tally.positions) not in (0, options):
        raise error(codes.MALFORMED, what="tally of a question", why="its arrays differ in length")
    return tally


def _numbers(value: codec.Value, error: type[MvchainError]) -> tuple[int, ...]:
    n = len(value) if isinstance(value, tuple) else 0
    f = Fields(value, n, "numbers of a tally", error=error)
    return tuple(f.int(i, "a number", 0, _MAX_TOTAL) for i in range(n))


def tally_hash(data: bytes) -> Hash:
    """Name of the tally with the canonical bytes `data`: stands in the poll's final record (L9)."""
    return tagged_hash("mvchain.tally.v1", data)


def tally_units(definition: PollDefinition) -> int:
    """Work units of carrying a poll's totals through one block: of copying and writing them, whatever changes in them.

    0 for a poll of everyday size.
    """
    numbers = 0
    for question in definition.questions:
        options, rule = len(question.options), question.rule
        numbers += options if isinstance(rule, SingleRule | ApprovalRule) else 2 * options
        if isinstance(rule, RankedRule) and options <= MAX_POSITION_MATRIX_OPTIONS:
            numbers += options * rule.max_count
    return numbers // TALLY_NUMBERS_PER_UNIT


def running_units(data: bytes, definition: PollDefinition) -> int:
    """What a poll takes until it has ended of what its agency may have running; `data` are the definition's bytes."""
    return 1 + len(data) // DEFINITION_BYTES_PER_UNIT + tally_units(definition)


def tally_to_json(definition: PollDefinition, tally: TallyResult) -> dict[str, Any]:
    """The tally with the option ids of its poll, for the API and the command line."""
    return {
        "ballots": tally.ballots,
        "weight": tally.weight,
        "questions": [
            _question_to_json(question, numbers)
            for question, numbers in zip(definition.questions, tally.questions, strict=True)
        ],
    }


def _question_to_json(question: Question, numbers: QuestionTally) -> dict[str, Any]:
    options = []
    for position, option in enumerate(question.options):
        shown: dict[str, Any] = {"id": option.id, "total": numbers.totals[position]}
        if numbers.counts:
            shown["count"] = numbers.counts[position]
        if numbers.positions:
            shown["positions"] = list(numbers.positions[position])
        options.append(shown)
    return {"type": question.type.name.lower(), "blanks": numbers.blanks, "options": options}


class _Counter:
    """The numbers of one question while they change."""

    __slots__ = ("blanks", "counts", "positions", "totals", "type")

    def __init__(self, tally: QuestionTally) -> None:
        self.type = tally.type
        self.blanks = tally.blanks
        self.totals = list(tally.totals)
        self.counts = list(tally.counts)
        self.positions = [list(row) for row in tally.positions]

    def freeze(self) -> QuestionTally:
        return QuestionTally(
            self.type,
            self.blanks,
            tuple(self.totals),
            tuple(self.counts),
            tuple(tuple(row) for row in self.positions),
        )


def _zeros(question: Question) -> QuestionTally:
    rule, zeros = question.rule, (0,) * len(question.options)
    counts = () if isinstance(rule, SingleRule | ApprovalRule) else zeros
    positions: tuple[tuple[int, ...], ...] = ()
    if isinstance(rule, RankedRule) and len(zeros) <= MAX_POSITION_MATRIX_OPTIONS:
        positions = ((0,) * rule.max_count,) * len(zeros)
    return QuestionTally(question.type, 0, zeros, counts, positions)


class RunningTally:
    """Mutable totals of one poll. Answers given to it fit the poll's definition (ballots.check_answers)."""

    __slots__ = ("_ballots", "_counters", "_weight")

    def __init__(self, start: TallyResult) -> None:
        """Go on from totals found before."""
        self._ballots = start.ballots
        self._weight = start.weight
        self._counters = [_Counter(question) for question in start.questions]

    @classmethod
    def empty(cls, definition: PollDefinition) -> Self:
        """The tally before the first ballot."""
        return cls(TallyResult(0, 0, tuple(_zeros(question) for question in definition.questions)))

    @property
    def ballots(self) -> int:
        """Voters with a counted ballot so far."""
        return self._ballots

    def result(self) -> TallyResult:
        """The totals as they stand."""
        return TallyResult(self._ballots, self._weight, tuple(counter.freeze() for counter in self._counters))

    def copy(self) -> "RunningTally":
        """An independent tally with the same totals: a block is executed on it before it is decided."""
        return RunningTally(self.result())

    def add(self, definition: PollDefinition, answers: tuple[Any, ...], weight: int) -> None:
        """Count one ballot. Runs for each ballot on each node."""
        self._ballots += 1
        self._shift(definition, answers, weight)

    def remove(self, definition: PollDefinition, answers: tuple[Any, ...], weight: int) -> None:
        """Take back one ballot counted before, because a later one of its voter supersedes it (L7)."""
        self._ballots -= 1
        self._shift(definition, answers, -weight)

    def _shift(self, definition: PollDefinition, answers: tuple[Any, ...], weight: int) -> None:
        """Move every total that the answers name by `weight`, which is negative for a removal."""
        self._weight += weight
        for question, answer, counter in zip(definition.questions, answers, self._counters, strict=True):
            rule = question.rule
            if answer is None:
                counter.blanks += weight
            elif isinstance(rule, SingleRule):
                counter.totals[answer] += weight
            elif isinstance(rule, ApprovalRule):
                totals = counter.totals
                for option in answer:
                    totals[option] += weight
            elif isinstance(rule, PointsRule):
                for option, points in answer:
                    counter.totals[option] += points * weight
                    counter.counts[option] += weight
            elif isinstance(rule, ScoreRule):
                for option, mark in enumerate(answer):
                    if mark is not None:
                        counter.totals[option] += mark * weight
                        counter.counts[option] += weight
            else:
                _shift_ranked(counter, rule, answer, weight)


def _shift_ranked(counter: _Counter, rule: RankedRule, answer: tuple[int, ...], weight: int) -> None:
    for rank, option in enumerate(answer):
        counter.totals[option] += rule.weights[rank] * weight
        counter.counts[option] += weight
        if counter.positions:
            counter.positions[option][rank] += weight
