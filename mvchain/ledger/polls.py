"""Poll definitions: what is asked, of whom, when, and how answers are checked and counted (ledger L6).

A definition is canonical msgpack, an array of

    [version = 1, agency, title, description, questions, opens_at_ms, closes_at_ms, grace_ms, roll, revote,
     release, approvals, tie_rule, min_turnout]
    question = [type, title, description, options, rule, blank_allowed]
    option = [id, title, description, cost, group, image hash]
    texts = [[language, text], ...] ascending by language; at least one in a title, maybe none elsewhere

and a rule by the type of the question:

| type | rule |
|---|---|
| 0 single | [] |
| 1 approval | [min, max, [[group, min, max], ...] ascending by group, max cost (0: no cap)] |
| 2 ranked | [min, max, [weight of rank 1, weight of rank 2, ... to max], never rising] |
| 3 points | [cap of one option, min sum, max sum] |
| 4 score | [highest mark] |

It is immutable once registered and named by its hash, which is the context of every ballot (L2). Decoding
also checks that it fits together: a poll that nobody could answer is refused when it is registered, not when
voters come. `mvchain.ledger.poll_json` shows the same definition with names.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from mvchain.core import codec, codes
from mvchain.core.codec import Fields
from mvchain.core.errors import BadTransaction
from mvchain.core.hashing import tagged_hash
from mvchain.core.limits import (
    MAX_APPROVALS,
    MAX_COST,
    MAX_GRACE_MS,
    MAX_LANGUAGES,
    MAX_NUMBER,
    MAX_OPTION_ID_BYTES,
    MAX_OPTIONS,
    MAX_POINTS,
    MAX_QUESTIONS,
    MAX_ROLL_SIZE,
    MAX_TEXT_BYTES,
    MAX_TIME_MS,
    MAX_TITLE_BYTES,
    MAX_TRANSACTION_BYTES,
)
from mvchain.core.types import AgencyNumber, Hash, RollNumber, TimeMs

VERSION = 1
_LANGUAGE_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz-")

Texts: TypeAlias = tuple[tuple[str, str], ...]
"""(language, text) pairs, ascending by language."""


class QuestionType(IntEnum):
    """The first item of an encoded question."""

    SINGLE = 0
    APPROVAL = 1
    RANKED = 2
    POINTS = 3
    SCORE = 4


class Release(IntEnum):
    """When totals may be served."""

    LIVE = 0
    AFTER_CLOSING = 1


class TieRule(IntEnum):
    """What follows when two options have equal totals."""

    EQUAL_RANK = 0
    BY_LOT = 1
    EARLIER_OPTION_FIRST = 2


@dataclass(frozen=True, slots=True)
class SingleRule:
    """Exactly one option."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How many options of one group an answer takes."""

    group: str
    min_count: int
    max_count: int


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """A set of options, bounded in number, by group and in summed cost (`max_cost` 0: no cap)."""

    min_count: int
    max_count: int
    quotas: tuple[Quota, ...]
    max_cost: int
    demanding: tuple[Quota, ...] = field(init=False, repr=False, compare=False)
    """The quotas with a least number."""
    quota_of: Mapping[str, Quota] = field(init=False, repr=False, compare=False)
    """The quotas by group; both so that checking a short answer takes short however many quotas there are."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "demanding", tuple(quota for quota in self.quotas if quota.min_count))
        object.__setattr__(self, "quota_of", {quota.group: quota for quota in self.quotas})


@dataclass(frozen=True, slots=True)
class RankedRule:
    """Options in order of preference; `weights[r]` is what rank r (from 0) adds to an option's Borda sum."""

    min_count: int
    max_count: int
    weights: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PointsRule:
    """Points spread over options, at most `option_cap` on one, in sum `min_sum` to `max_sum`."""

    option_cap: int
    min_sum: int
    max_sum: int


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """A mark from 0 to `max_mark`, or none, for every option."""

    max_mark: int


Rule: TypeAlias = SingleRule | ApprovalRule | RankedRule | PointsRule | ScoreRule

TYPE_OF_RULE: dict[type[Rule], QuestionType] = {
    SingleRule: QuestionType.SINGLE,
    ApprovalRule: QuestionType.APPROVAL,
    RankedRule: QuestionType.RANKED,
    PointsRule: QuestionType.POINTS,
    ScoreRule: QuestionType.SCORE,
}


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose; its position in the question is what ballots name."""

    id: str
    title: Texts
    description: Texts = ()
    cost: int = 0
    group: str = ""
    image_hash: bytes = b""
    """SHA-256 of the picture shown with the option, or empty."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question; its type follows from its rule."""

    title: Texts
    description: Texts
    options: tuple[Option, ...]
    rule: Rule
    blank_allowed: bool

    @property
    def type(self) -> QuestionType:
        """The type that goes with the rule."""
        return TYPE_OF_RULE[type(self.rule)]


@dataclass(frozen=True, slots=True)
class PollDefinition:
    """A whole poll. Times are block times in milliseconds since the Unix epoch (L6, L12)."""

    agency: AgencyNumber
    title: Texts
    description: Texts
    questions: tuple[Question, ...]
    opens_at_ms: TimeMs
    closes_at_ms: TimeMs
    grace_ms: int
    """After `closes_at_ms`, the time in which blocks still take ballots that nodes received before it."""
    roll: RollNumber
    revote: bool
    """Whether a voter may replace the ballot while the poll is open (L7)."""
    release: Release
    approvals: int
    """Operators who must agree to extend, close early or void the poll (L4)."""
    tie_rule: TieRule
    min_turnout: int
    """Voters below which the result does not stand; 0 for none."""


def definition_hash(data: bytes) -> Hash:
    """Name of the definition with the canonical bytes `data` (L6): the context of its ballots."""
    return tagged_hash("mvchain.poll.v1", data)


# --- encoding ---


def encode_definition(definition: PollDefinition) -> bytes:
    """The canonical bytes; any definition that `decode_definition` gave comes back as it was."""
    return codec.encode(
        (
            VERSION,
            definition.agency,
            definition.title,
            definition.description,
            tuple(_question_array(question) for question in definition.questions),
            definition.opens_at_ms,
            definition.closes_at_ms,
            definition.grace_ms,
            definition.roll,
            definition.revote,
            int(definition.release),
            definition.approvals,
            int(definition.tie_rule),
            definition.min_turnout,
        )
    )


def _question_array(question: Question) -> tuple[object, ...]:
    options = tuple(
        (option.id, option.title, option.description, option.cost, option.group, option.image_hash)
        for option in question.options
    )
    return (
        int(question.type),
        question.title,
        question.description,
        options,
        _rule_array(question.rule),
        question.blank_allowed,
    )


def _rule_array(rule: Rule) -> tuple[object, ...]:
    match rule:
        case SingleRule():
            return ()
        case ApprovalRule():
            quotas = tuple((quota.group, quota.min_count, quota.max_count) for quota in rule.quotas)
            return (rule.min_count, rule.max_count, quotas, rule.max_cost)
        case RankedRule():
            return (rule.min_count, rule.max_count, rule.weights)
        case PointsRule():
            return (rule.option_cap, rule.min_sum, rule.max_sum)
        case ScoreRule():
            return (rule.max_mark,)


# --- decoding ---


@lru_cache(maxsize=4)
def decode_definition(data: bytes) -> PollDefinition:
    """The definition in `data`, well formed and consistent; raises BadTransaction with a code per fault.

    A large one takes 20 ms, so the last few are remembered: registering reads it to check it and again to take it.
    """
    value = codec.decode(data, "poll definition", max_bytes=MAX_TRANSACTION_BYTES)
    if isinstance(value, tuple) and value and type(value[0]) is int and value[0] != VERSION:
        raise BadTransaction(codes.UNKNOWN_DEFINITION_VERSION, version=value[0])
    fields = Fields(value, 14, "poll definition")
    fields.int(0, "version", VERSION, VERSION)
    questions = fields.array(4, "questions", MAX_QUESTIONS)
    if not questions:
        raise BadTransaction(codes.NO_QUESTIONS)
    definition = PollDefinition(
        agency=AgencyNumber(fields.int(1, "agency", 1, MAX_NUMBER)),
        title=_title(fields, 2, "the poll's title"),
        description=_texts(fields, 3, "the poll's description", MAX_TEXT_BYTES),
        questions=tuple(_question(number, value) for number, value in enumerate(questions, 1)),
        opens_at_ms=TimeMs(fields.int(5, "opens_at_ms", 0, MAX_TIME_MS)),
        closes_at_ms=TimeMs(fields.int(6, "closes_at_ms", 0, MAX_TIME_MS)),
        grace_ms=fields.int(7, "grace_ms", 0, MAX_GRACE_MS),
        roll=RollNumber(fields.int(8, "roll", 1, MAX_NUMBER)),
        revote=fields.bool(9, "revote"),
        release=Release(fields.int(10, "release", 0, max(Release))),
        approvals=fields.int(11, "approvals", 1, MAX_APPROVALS),
        tie_rule=TieRule(fields.int(12, "tie_rule", 0, max(TieRule))),
        min_turnout=fields.int(13, "min_turnout", 0, MAX_ROLL_SIZE),
    )
    opens_at_ms, closes_at_ms, grace_ms = definition.opens_at_ms, definition.closes_at_ms, definition.grace_ms
    if not opens_at_ms < closes_at_ms <= MAX_TIME_MS - grace_ms:
        raise BadTransaction(codes.POLL_TIMES, opens_at_ms=opens_at_ms, closes_at_ms=closes_at_ms, grace_ms=grace_ms)
    return definition


def _texts(fields: Fields, i: int, where: str, max_bytes: int) -> Texts:
    pairs = []
    for value in fields.array(i, where, MAX_LANGUAGES):
        pair = Fields(value, 2, where)
        language = pair.text(0, "language", 8)
        if len(language) < 2 or not _LANGUAGE_CHARACTERS.issuperset(language):
            raise BadTransaction(codes.BAD_LANGUAGE, where=where, language=language)
        text = pair.text(1, "text", max_bytes)
        if not text:
            raise BadTransaction(codes.TEXT_MISSING, where=where)
        pairs.append((language, text))
    if any(first[0] >= second[0] for first, second in pairwise(pairs)):
        raise BadTransaction(codes.LANGUAGES_NOT_ASCENDING, where=where)
    return tuple(pairs)


def _title(fields: Fields, i: int, where: str) -> Texts:
    texts = _texts(fields, i, where, MAX_TITLE_BYTES)
    if not texts:
        raise BadTransaction(codes.TEXT_MISSING, where=where)
    return texts


def _question(number: int, value: codec.Value) -> Question:
    what = f"question {number}"
    fields = Fields(value, 6, what)
    options = tuple(_option(number, option) for option in fields.array(3, "options", MAX_OPTIONS))
    if not options:
        raise BadTransaction(codes.NO_OPTIONS, question=number)
    for option, times in Counter(option.id for option in options).items():
        if times > 1:
            raise BadTransaction(codes.OPTION_ID_REPEATED, question=number, option=option)
    return Question(
        title=_title(fields, 1, f"the title of {what}"),
        description=_texts(fields, 2, f"the description of {what}", MAX_TEXT_BYTES),
        options=options,
        rule=_rule(number, fields.int(0, "type", 0, MAX_NUMBER), fields.array(4, "rule", 4), options),
        blank_allowed=fields.bool(5, "blank_allowed"),
    )


def _option(number: int, value: codec.Value) -> Option:
    what = f"an option of question {number}"
    fields = Fields(value, 6, what)
    option = Option(
        id=fields.text(0, "id", MAX_OPTION_ID_BYTES),
        title=_title(fields, 1, f"the title of {what}"),
        description=_texts(fields, 2, f"the description of {what}", MAX_TEXT_BYTES),
        cost=fields.int(3, "cost", 0, MAX_COST),
        group=fields.text(4, "group", MAX_OPTION_ID_BYTES),
        image_hash=fields.blob(5, "image hash", 32),
    )
    if not option.id:
        raise BadTransaction(codes.OPTION_ID_EMPTY, question=number)
    if len(option.image_hash) not in (0, 32):
        raise BadTransaction(codes.BAD_IMAGE_HASH, question=number, option=option.id, size=len(option.image_hash))
    return option


# --- rules ---


def _rule(number: int, question_type: int, value: codec.Value, options: tuple[Option, ...]) -> Rule:
    what = f"the rule of question {number}"
    match question_type:
        case QuestionType.SINGLE:
            Fields(value, 0, what)
            return SingleRule()
        case QuestionType.APPROVAL:
            return _approval_rule(number, Fields(value, 4, what), options)
        case QuestionType.RANKED:
            return _ranked_rule(number, Fields(value, 3, what), options)
        case QuestionType.POINTS:
            return _points_rule(number, Fields(value, 3, what), options)
        case QuestionType.SCORE:
            return ScoreRule(Fields(value, 1, what).int(0, "highest mark", 1, MAX_POINTS))
        case _:
            raise BadTransaction(codes.UNKNOWN_QUESTION_TYPE, question=number, type=question_type)


def _count_bounds(number: int, fields: Fields, options: tuple[Option, ...]) -> tuple[int, int]:
    min_count = fields.int(0, "min", 0, MAX_OPTIONS)
    max_count = fields.int(1, "max", 0, MAX_OPTIONS)
    if not min_count <= max_count <= len(options) or max_count == 0:
        raise BadTransaction(
            codes.COUNT_BOUNDS,
            question=number,
            min_count=min_count,
            max_count=max_count,
            options=len(options),
        )
    return min_count, max_count


def _ranked_rule(number: int, fields: Fields, options: tuple[Option, ...]) -> RankedRule:
    min_count, max_count = _count_bounds(number, fields, options)
    array = fields.array(2, "weights", MAX_OPTIONS)
    if len(array) != max_count:
        raise BadTransaction(codes.RANK_WEIGHTS_COUNT, question=number, max_count=max_count, weights=len(array))
    ranks = Fields(array, max_count, f"the weights of question {number}")
    weights = tuple(ranks.int(rank, f"weight {rank + 1}", 0, MAX_POINTS) for rank in range(max_count))
    if any(better < worse for better, worse in pairwise(weights)):
        raise BadTransaction(codes.RANK_WEIGHTS_RISING, question=number)
    return RankedRule(min_count, max_count, weights)


def _points_rule(number: int, fields: Fields, options: tuple[Option, ...]) -> PointsRule:
    rule = PointsRule(
        option_cap=fields.int(0, "cap", 1, MAX_POINTS),
        min_sum=fields.int(1, "min sum", 0, MAX_POINTS * MAX_OPTIONS),
        max_sum=fields.int(2, "max sum", 1, MAX_POINTS * MAX_OPTIONS),
    )
    if not (rule.min_sum <= rule.max_sum <= rule.option_cap * len(options) and rule.option_cap <= rule.max_sum):
        raise BadTransaction(
            codes.POINTS_BOUNDS,
            question=number,
            min_sum=rule.min_sum,
            max_sum=rule.max_sum,
            option_cap=rule.option_cap,
            options=len(options),
        )
    return rule


def _approval_rule(number: int, fields: Fields, options: tuple[Option, ...]) -> ApprovalRule:
    min_count, max_count = _count_bounds(number, fields, options)
    quotas = []
    for value in fields.array(2, "quotas", MAX_OPTIONS):
        quota = Fields(value, 3, f"a quota of question {number}")
        quotas.append(
            Quota(
                quota.text(0, "group", MAX_OPTION_ID_BYTES),
                quota.int(1, "min", 0, MAX_OPTIONS),
                quota.int(2, "max", 0, MAX_OPTIONS),
            )
        )
    rule = ApprovalRule(min_count, max_count, tuple(quotas), fields.int(3, "max cost", 0, (1 << 53) - 1))
    _check_quotas(number, rule, options)
    _check_cost(number, rule, options)
    return rule


def _check_quotas(number: int, rule: ApprovalRule, options: tuple[Option, ...]) -> None:
    """Each quota fits its group, and together they leave room for `min_count` to `max_count` options."""
    if any(first.group >= second.group for first, second in pairwise(rule.quotas)):
        raise BadTransaction(codes.QUOTAS_NOT_ASCENDING, question=number)
    sizes = Counter(option.group for option in options)
    for quota in rule.quotas:
        if not sizes[quota.group]:
            raise BadTransaction(codes.QUOTA_GROUP_UNKNOWN, question=number, group=quota.group)
        if not quota.min_count <= quota.max_count <= sizes[quota.group]:
            raise BadTransaction(
                codes.QUOTA_BOUNDS,
                question=number,
                group=quota.group,
                min_count=quota.min_count,
                max_count=quota.max_count,
                options=sizes[quota.group],
            )
    least = sum(quota.min_count for quota in rule.quotas)
    most = len(options) - sum(sizes[quota.group] - quota.max_count for quota in rule.quotas)
    if least > rule.max_count or most < rule.min_count:
        raise BadTransaction(
            codes.QUOTAS_UNSATISFIABLE,
            question=number,
            min_count=rule.min_count,
            max_count=rule.max_count,
        )


def _check_cost(number: int, rule: ApprovalRule, options: tuple[Option, ...]) -> None:
    """Some answer keeps to the cap: each group's minimum at its cheapest, then the cheapest of what is left.

    Taking the cheapest is exact here: quotas bound the groups one by one, so no choice spoils a later one.
    """
    if not rule.max_cost:
        return
    taken: Counter[str] = Counter()
    cheapest, free = 0, []
    for option in sorted(options, key=lambda option: option.cost):
        quota = rule.quota_of.get(option.group)
        rank = taken[option.group]
        taken[option.group] += 1
        if quota is not None and rank < quota.min_count:
            cheapest += option.cost
        elif quota is None or rank < quota.max_count:
            free.append(option.cost)
    needed = rule.min_count - sum(quota.min_count for quota in rule.quotas)
    cheapest += sum(free[: max(needed, 0)])
    if cheapest > rule.max_cost:
        raise BadTransaction(codes.COST_UNSATISFIABLE, question=number, cheapest=cheapest, max_cost=rule.max_cost)
