"""What the demo holds: the poll that ships with it, or a real election from a `.pb` file, with its totals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeAlias

from mvchain.core import codes, strict_json
from mvchain.core.errors import BadConfiguration, BadTransaction
from mvchain.core.types import AgencyNumber, PollNumber, RollNumber, TimeMs
from mvchain.ledger import pabulib
from mvchain.ledger.ballots import answers_from_ids, check_answers
from mvchain.ledger.poll_json import definition_from_json
from mvchain.ledger.polls import PollDefinition, Release, TieRule, decode_definition, encode_definition
from mvchain.ledger.recount import Recount

AGENCY: Final = AgencyNumber(1)
ROLL: Final = RollNumber(1)
POLL: Final = PollNumber(1)
"""The demo has a chain of its own, so its roll and poll are the first."""

GRACE_MS: Final = 1_000
"""All ballots are in blocks before the demo closes its poll, so that nothing has to be waited for."""
OPEN_MS: Final = 86_400_000
"""A day: longer than any run, which closes the poll when it is done."""

SHIPPED: Final = "bicycle_and_budget.json"
MAX_SHIPPED_BYTES: Final = 1024 * 1024
MAX_PB_BYTES: Final = 256 * 1024 * 1024
"""The largest files of Pabulib have some 100,000 ballots in 6 MB."""
PB_LANGUAGE: Final = "und"
"""BCP 47 for "undetermined": a `.pb` file does not say what language its texts are in."""

Totals: TypeAlias = tuple[Mapping[str, int], ...]
"""For each question: option id to total."""


@dataclass(frozen=True, slots=True)
class Election:
    """A poll, what its voters answer, and what must come out."""

    definition: PollDefinition
    """Its times are set when the chain is there, by `at`."""
    answers: Sequence[tuple[object, ...]]
    """One for each voter; all fit the definition."""
    totals: Totals

    def at(self, time_ms: TimeMs) -> PollDefinition:
        """The definition for a chain that starts at this time."""
        return replace(self.definition, opens_at_ms=time_ms, closes_at_ms=TimeMs(time_ms + OPEN_MS))


def shipped() -> Election:
    """The election that comes with the project: a name for a small bicycle, and a budget, in Korean and English."""
    data = resources.files("mvchain.demo").joinpath("shipped", SHIPPED).read_bytes()
    document: Any = strict_json.loads(data, SHIPPED, max_bytes=MAX_SHIPPED_BYTES, error=BadConfiguration)
    common = {
        "agency": AGENCY,
        "roll": ROLL,
        "opens_at_ms": 0,
        "closes_at_ms": OPEN_MS,
        "grace_ms": GRACE_MS,
        "revote": False,
        "release": "after_closing",
        "approvals": 1,
    }
    definition = definition_from_json(document["poll"] | common)
    answers = [answers_from_ids(definition, ids) for ids in document["ballots"]]
    return Election(definition, answers, tuple(document["totals"]))


def from_pb(path: Path) -> Election:
    """The election of a `.pb` file. Its totals are the published ones; where it has none, its ballots are counted.

    Raises:
        BadConfiguration: the file cannot be read, or one of its ballots breaks the file's own rule.
        BadTransaction: the projects do not fit a poll of this chain.
    """
    found = pabulib.parse(_read(path), PB_LANGUAGE)
    unchecked = PollDefinition(
        agency=AGENCY,
        title=found.question.title,
        description=(),
        questions=(found.question,),
        opens_at_ms=TimeMs(0),
        closes_at_ms=TimeMs(OPEN_MS),
        grace_ms=GRACE_MS,
        roll=ROLL,
        revote=False,
        release=Release.AFTER_CLOSING,
        approvals=1,
        tie_rule=TieRule.EQUAL_RANK,
        min_turnout=0,
    )
    definition = decode_definition(encode_definition(unchecked))
    answers = [ballot.answers for ballot in found.ballots]
    for number, one in enumerate(answers, 1):
        try:
            check_answers(definition, one)
        except BadTransaction as error:
            raise BadConfiguration(codes.DEMO_BALLOT, number=number, name=path.name, why=error.detail) from None
    published = found.published_totals
    totals = published if len(published) == len(found.projects) else _count(definition, answers)
    return Election(definition, answers, (totals,))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PB_BYTES + 1)
    except OSError as error:
        raise BadConfiguration(codes.CANNOT_READ_FILE, path=path, why=error.strerror) from None
    if len(data) > MAX_PB_BYTES:
        raise BadConfiguration(codes.FILE_TOO_LARGE, path=path, limit=MAX_PB_BYTES)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadConfiguration(codes.CANNOT_READ_FILE, path=path, why="it is not UTF-8") from None


def _count(definition: PollDefinition, answers: Iterable[tuple[object, ...]]) -> Mapping[str, int]:
    recount = Recount()
    for one in answers:
        recount.add(definition, one, 1)
    (question,) = recount.result(definition).questions
    ids = (option.id for option in definition.questions[0].options)
    return dict(zip(ids, question.totals, strict=True))
