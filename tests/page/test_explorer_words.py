"""The explorer's words are all there in both languages, and each is said somewhere."""

import re
from collections.abc import Iterable
from enum import Enum
from importlib import resources

from mvchain.api.views import TxState
from mvchain.ledger.polls import QuestionType, Release, TieRule
from mvchain.ledger.records import PollState
from mvchain.ledger.transactions import Kind

STATIC = resources.files("mvchain.api").joinpath("static")
WORDS = STATIC.joinpath("explorer", "words.js").read_text(encoding="utf-8")
MODULES = "".join(
    [STATIC.joinpath("explorer.js").read_text(encoding="utf-8")]
    + [
        path.read_text(encoding="utf-8")
        for path in STATIC.joinpath("explorer").iterdir()
        if path.name.endswith(".js") and path.name != "words.js"
    ]
)
ENTRIES = dict(re.findall(r"^  (\w+): (.*?)(?=^  \w+: |^  //|^};)", WORDS, re.MULTILINE | re.DOTALL))
NAMED = set(re.findall(r'"(\w+)"', MODULES))
MADE = tuple(re.findall(r"say\(`(\w+_)\$\{", MODULES))
"""Beginnings of names whose end comes from the ledger: a state, the type of a question."""


def test_what_is_said_by_name_is_there() -> None:
    said = {name for call in re.findall(r"\bsay\(([^()`]*)", MODULES) for name in re.findall(r'"(\w+)"', call)}
    assert len(said) > 100
    assert said <= ENTRIES.keys()


def test_nothing_is_left_over() -> None:
    assert {name for name in ENTRIES if name not in NAMED and not name.startswith(MADE)} == set()


def test_korean_comes_first_and_english_second() -> None:
    for name, entry in ENTRIES.items():
        korean = re.search("[가-힣]", entry)
        english = re.search(r"[A-Za-z][^가-힣]*$", entry)
        if name != "otherLanguage":
            assert korean is not None, name
            assert english is not None, name
            assert korean.start() < english.start(), name


def test_every_state_and_type_of_the_ledger_has_its_words() -> None:
    wanted = [
        *_named("state", PollState),
        *(name for word in ("rule", "total", "countingRule") for name in _named(word, QuestionType)),
        *_named("count", (QuestionType.RANKED, QuestionType.POINTS, QuestionType.SCORE)),
        *_named("tie", TieRule),
        *_named("release", Release),
        *_named("action", (Kind.POLL_EXTEND, Kind.POLL_CLOSE, Kind.POLL_VOID)),
        *_named("transaction", TxState),
    ]
    assert set(wanted) <= ENTRIES.keys()


def _named(word: str, values: Iterable[Enum]) -> list[str]:
    return [f"{word}_{value.name.lower()}" for value in values]
