"""Poll definitions with names instead of positions, for people, the API and files (ledger L6).

    {"agency": 1, "title": {"en": "…", "ko": "…"}, "description": {…}, "roll": 1,
     "opens_at_ms": …, "closes_at_ms": …, "grace_ms": 60000, "revote": true, "release": "after_closing",
     "approvals": 2, "tie_rule": "equal_rank", "min_turnout": 0,
     "questions": [{"type": "approval", "title": {…}, "description": {…}, "blank_allowed": false,
                    "rule": {"min": 1, "max": 3, "max_cost": 0,
                             "quotas": [{"group": "…", "min": 0, "max": 1}]},
                    "options": [{"id": "a", "title": {…}, "description": {…}, "cost": 0, "group": "",
                                 "image_hash": "hex"}]}]}

Rules of the other types: ranked {"min", "max", "weights"}, points {"option_cap", "min_sum", "max_sum"}, score
{"max_mark"}, single none. What has a neutral value may be left out on the way in. What a voter has to know
(`revote`, `release`, `blank_allowed`) may not.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, TypeVar

from mvchain.core import codec, codes
from mvchain.core.errors import BadTransaction
from mvchain.core.limits import DEFAULT_APPROVALS, DEFAULT_GRACE_MS
from mvchain.ledger.polls import (
    VERSION,
    ApprovalRule,
    Option,
    PointsRule,
    PollDefinition,
    Question,
    QuestionType,
    RankedRule,
    Release,
    Rule,
    ScoreRule,
    SingleRule,
    TieRule,
    decode_definition,
)

_T = TypeVar("_T")
_KIND_NAMES: dict[type, str] = {
    bool: "true or false",
    int: "an integer",
    str: "a text",
    list: "a list",
    dict: "an object",
}


# --- to JSON ---


def definition_to_json(definition: PollDefinition) -> dict[str, Any]:
    """The definition as JSON; `definition_from_json` gives it back."""
    return {
        "agency": definition.agency,
        "title": dict(definition.title),
        "description": dict(definition.description),
        "questions": [question_to_json(question) for question in definition.questions],
        "opens_at_ms": definition.opens_at_ms,
        "closes_at_ms": definition.closes_at_ms,
        "grace_ms": definition.grace_ms,
        "roll": definition.roll,
        "revote": definition.revote,
        "release": definition.release.name.lower(),
        "approvals": definition.approvals,
        "tie_rule": definition.tie_rule.name.lower(),
        "min_turnout": definition.min_turnout,
    }


def question_to_json(question: Question) -> dict[str, Any]:
    """One question of a definition as JSON."""
    return {
        "type": question.type.name.lower(),
        "title": dict(question.title),
        "description": dict(question.description),
        "options": [_option_to_json(option) for option in question.options],
        "rule": _rule_to_json(question.rule),
        "blank_allowed": question.blank_allowed,
    }


def _option_to_json(option: Option) -> dict[str, Any]:
    return {
        "id": option.id,
        "title": dict(option.title),
        "description": dict(option.description),
        "cost": option.cost,
        "group": option.group,
        "image_hash": option.image_hash.hex(),
    }


def _rule_to_json(rule: Rule) -> dict[str, Any]:
    match rule:
        case SingleRule():
            return {}
        case ApprovalRule():
            quotas = [{"group": quota.group, "min": quota.min_count, "max": quota.max_count} for quota in rule.quotas]
            return {
                "min": rule.min_count,
                "max": rule.max_count,
                "quotas": quotas,
                "max_cost": rule.max_cost,
            }
        case RankedRule():
            return {"min": rule.min_count, "max": rule.max_count, "weights": list(rule.weights)}
        case PointsRule():
            return {"option_cap": rule.option_cap, "min_sum": rule.min_sum, "max_sum": rule.max_sum}
        case ScoreRule():
            return {"max_mark": rule.max_mark}


# --- from JSON ---


def definition_from_json(value: object) -> PollDefinition:
    """The definition that `value`, decoded JSON or TOML, describes; raises BadTransaction.

    It builds the array of the wire form, so that every rule of `decode_definition` is checked by it and there
    only. Languages and quotas may come in any order.
    """
    array = _Members.of(value, "The poll", _poll_array)
    try:
        data = codec.encode(array)
    except (OverflowError, TypeError, ValueError) as fault:
        # A number beyond 64 bits, half a surrogate pair, or in a list something that JSON does not have.
        raise BadTransaction(codes.MALFORMED, what="The poll", why=str(fault)) from None
    return decode_definition(data)


class _Members:
    """Members of one JSON object, each taken by name and type; what is left at the end is unknown."""

    def __init__(self, members: dict[str, Any], where: str) -> None:
        self._left = dict(members)
        self._where = where

    @classmethod
    def of(cls, value: object, where: str, read: "Callable[[_Members], _T]") -> _T:
        """What `read` makes of the object `value`, which must have no other members."""
        members = cls(_typed(value, dict, where), where)
        result = read(members)
        for member in members._left:
            raise BadTransaction(codes.UNKNOWN_MEMBER, where=where, member=member)
        return result

    def take(self, member: str, kind: type[_T], default: _T | None = None) -> _T:
        """The member, which must be there if it has no default."""
        if member not in self._left:
            if default is None:
                raise BadTransaction(codes.MISSING_MEMBER, where=self._where, member=member)
            return default
        return _typed(self._left.pop(member), kind, f"{self._where}, {member}")

    def texts(self, member: str, *, required: bool) -> list[tuple[str, str]]:
        """{language: text} as ascending pairs."""
        texts = self.take(member, dict, None if required else {})
        where = f"{self._where}, {member}"
        return sorted((_typed(language, str, where), _typed(texts[language], str, where)) for language in texts)

    def enum(self, member: str, names: type[IntEnum], default: IntEnum | None = None) -> int:
        """A value by its name in small letters."""
        name = self.take(member, str, default.name.lower() if default is not None else None)
        for value in names:
            if value.name.lower() == name:
                return int(value)
        expected = "one of " + ", ".join(value.name.lower() for value in names)
        raise BadTransaction(codes.WRONG_MEMBER, where=f"{self._where}, {member}", expected=expected)

    def objects(self, member: str, read: "Callable[[_Members], _T]", default: list[Any] | None = None) -> list[_T]:
        """A list of objects, each as `read` has it."""
        values = self.take(member, list, default)
        return [_Members.of(value, f"{self._where}, {member} {number}", read) for number, value in enumerate(values, 1)]


def _typed(value: object, kind: type[_T], where: str) -> _T:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise BadTransaction(codes.WRONG_MEMBER, where=where, expected=_KIND_NAMES[kind])
    return value


def _poll_array(poll: _Members) -> tuple[object, ...]:
    return (
        VERSION,
        poll.take("agency", int),
        poll.texts("title", required=True),
        poll.texts("description", required=False),
        poll.objects("questions", _question_array),
        poll.take("opens_at_ms", int),
        poll.take("closes_at_ms", int),
        poll.take("grace_ms", int, DEFAULT_GRACE_MS),
        poll.take("roll", int),
        poll.take("revote", bool),
        poll.enum("release", Release),
        poll.take("approvals", int, DEFAULT_APPROVALS),
        poll.enum("tie_rule", TieRule, TieRule.EQUAL_RANK),
        poll.take("min_turnout", int, 0),
    )


def _question_array(question: _Members) -> tuple[object, ...]:
    question_type = question.enum("type", QuestionType)
    rule = question.take("rule", dict, {})
    return (
        question_type,
        question.texts("title", required=True),
        question.texts("description", required=False),
        question.objects("options", _option_array),
        _Members.of(rule, "A rule", _RULE_ARRAYS[question_type]),
        question.take("blank_allowed", bool),
    )


def _option_array(option: _Members) -> tuple[object, ...]:
    image_hash = option.take("image_hash", str, "")
    try:
        image_bytes = bytes.fromhex(image_hash)
    except ValueError:
        raise BadTransaction(
            codes.WRONG_MEMBER, where=f"The image hash {image_hash!r}", expected="hexadecimal"
        ) from None
    return (
        option.take("id", str),
        option.texts("title", required=True),
        option.texts("description", required=False),
        option.take("cost", int, 0),
        option.take("group", str, ""),
        image_bytes,
    )


def _approval_array(rule: _Members) -> tuple[object, ...]:
    quotas = rule.objects("quotas", _quota_array, [])
    return (rule.take("min", int), rule.take("max", int), sorted(quotas), rule.take("max_cost", int, 0))


def _quota_array(quota: _Members) -> tuple[str, int, int]:
    return (quota.take("group", str), quota.take("min", int), quota.take("max", int))


_RULE_ARRAYS: dict[int, Callable[[_Members], tuple[object, ...]]] = {
    QuestionType.SINGLE: lambda _rule: (),
    QuestionType.APPROVAL: _approval_array,
    QuestionType.RANKED: lambda rule: (
        rule.take("min", int),
        rule.take("max", int),
        rule.take("weights", list),
    ),
    QuestionType.POINTS: lambda rule: (
        rule.take("option_cap", int),
        rule.take("min_sum", int),
        rule.take("max_sum", int),
    ),
    QuestionType.SCORE: lambda rule: (rule.take("max_mark", int),),
}
