"""Reader of `.pb` files: real participatory-budget elections of Pabulib (arXiv:2012.06539).

A file has the sections META (key;value), PROJECTS and VOTES, each with a line of column names, all separated
by semicolons with quotes as in CSV. Four kinds of ballots become question types of this chain:

| vote_type | question | answer from the columns | published total |
|---|---|---|---|
| choose-1 | single | vote | votes |
| approval | approval | vote | votes |
| cumulative | points | vote and points | score |
| ordinal | ranked, Borda weights max_length ... 1 | vote | score |

Text in, data out; whoever reads the file decodes it as UTF-8.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.ledger.polls import (
    ApprovalRule,
    Option,
    PointsRule,
    Question,
    RankedRule,
    Rule,
    SingleRule,
)

_SECTIONS = ("META", "PROJECTS", "VOTES")
_KINDS = ("choose-1", "approval", "cumulative", "ordinal")

_Row = tuple[int, dict[str, str]]
"""Line number and cells by column."""


@dataclass(frozen=True, slots=True)
class Project:
    """One project, an option of the question."""

    id: str
    name: str
    cost: int
    """Whole units of the file's currency."""
    published_total: int | None
    """What the city published; None where the file does not say."""


@dataclass(frozen=True, slots=True)
class ElectionBallot:
    """One ballot: the voter's id in the file and answers that fit `Election.question`."""

    voter: str
    answers: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Election:
    """One file."""

    meta: Mapping[str, str]
    projects: tuple[Project, ...]
    ballots: tuple[ElectionBallot, ...]
    question: Question

    @property
    def published_totals(self) -> dict[str, int]:
        """Project id to published total, for the projects that have one."""
        return {project.id: project.published_total for project in self.projects if project.published_total is not None}


def parse(text: str, language: str = "en") -> Election:
    """The election in the text of a `.pb` file, its texts marked as `language`.

    Raises BadConfiguration with the line of the fault. Whether each ballot keeps to the rule is for
    `mvchain.ledger.ballots.check_answers` to say, on the question that this gives.
    """
    sections = _sections(text)
    meta = {_cell(row, "key"): _cell(row, "value") for row in sections["META"]}
    kind = meta.get("vote_type", "")
    if kind not in _KINDS:
        raise BadConfiguration(codes.ELECTION_KIND, kind=kind)
    total_column = "score" if kind in ("cumulative", "ordinal") else "votes"
    projects = _projects(sections["PROJECTS"], total_column)
    positions = {project.id: position for position, project in enumerate(projects)}
    ballots = tuple(_ballot(row, kind, positions) for row in sections["VOTES"])
    _check_announced(meta, "num_projects", "projects", len(projects))
    _check_announced(meta, "num_votes", "ballots", len(ballots))
    question = Question(
        title=((language, meta.get("description") or "Election"),),
        description=(),
        options=tuple(
            Option(id=project.id, title=((language, project.name),), cost=project.cost) for project in projects
        ),
        rule=_rule(meta, kind, len(projects)),
        blank_allowed=False,
    )
    return Election(meta, projects, ballots, question)


def _sections(text: str) -> dict[str, list[_Row]]:
    """Rows of each section, without its name and its line of column names."""
    sections: dict[str, list[_Row]] = {}
    rows: list[_Row] | None = None
    columns: list[str] | None = None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    try:
        for cells in reader:
            if len(cells) == 1 and cells[0] in _SECTIONS and cells[0] not in sections:
                rows = sections[cells[0]] = []
                columns = None
            elif rows is None:
                raise _bad_line(reader.line_num, "it comes before the first section")
            elif columns is None:
                columns = cells
            elif len(cells) != len(columns):
                raise _bad_line(reader.line_num, f"it has {len(cells)} cells for {len(columns)} columns")
            else:
                rows.append((reader.line_num, dict(zip(columns, cells, strict=True))))
    except csv.Error as fault:
        raise _bad_line(reader.line_num, str(fault)) from None
    for name in _SECTIONS:
        if name not in sections:
            raise _bad_line(reader.line_num, f"the section {name} is missing")
    return sections


def _bad_line(line: int, why: str) -> BadConfiguration:
    return BadConfiguration(codes.ELECTION_SYNTAX, line=line, why=why)


def _cell(row: _Row, column: str) -> str:
    line, cells = row
    if column not in cells:
        raise _bad_line(line, f"there is no column {column}")
    return cells[column]


def _projects(rows: list[_Row], total_column: str) -> tuple[Project, ...]:
    projects: dict[str, Project] = {}
    for row in rows:
        line, cells = row
        project_id = _cell(row, "project_id")
        if project_id in projects:
            raise _bad_line(line, f"project {project_id} was listed before")
        projects[project_id] = Project(
            id=project_id,
            name=cells.get("name") or project_id,
            cost=_whole(line, "the cost", _cell(row, "cost")),
            published_total=_whole(line, "the total", cells[total_column]) if total_column in cells else None,
        )
    return tuple(projects.values())


def _whole(line: int, name: str, text: str) -> int:
    """A number that may be written with zeros behind a point, as costs are in some files."""
    whole, _, fraction = text.partition(".")
    number = _number(whole)
    if number is None or fraction.strip("0"):
        raise _bad_line(line, f"{name} {text!r} is not a whole number")
    return number


def _number(text: str) -> int | None:
    # Narrower than int(), which also takes spaces, underscores and the digits of all scripts.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def _ballot(row: _Row, kind: str, positions: Mapping[str, int]) -> ElectionBallot:
    line = row[0]
    named = _split(_cell(row, "vote"))
    for project_id in named:
        if project_id not in positions:
            raise _bad_line(line, f"there is no project {project_id!r}")
    options = tuple(positions[project_id] for project_id in named)
    answer: object = options
    if kind == "choose-1":
        if len(options) != 1:
            raise _bad_line(line, f"it names {len(options)} projects instead of 1")
        answer = options[0]
    elif kind == "approval":
        answer = tuple(sorted(options))
    elif kind == "cumulative":
        points = [_whole(line, "the number of points", text) for text in _split(_cell(row, "points"))]
        if len(points) != len(options):
            raise _bad_line(line, f"it gives {len(points)} numbers of points to {len(options)} projects")
        answer = tuple(sorted(zip(options, points, strict=True)))
    return ElectionBallot(_cell(row, "voter_id"), (answer,))


def _split(cell: str) -> list[str]:
    return cell.split(",") if cell else []


def _check_announced(meta: Mapping[str, str], key: str, what: str, found: int) -> None:
    announced = _meta_number(meta, key, found)
    if announced != found:
        raise BadConfiguration(codes.ELECTION_TRUNCATED, announced=announced, what=what, found=found)


def _meta_number(meta: Mapping[str, str], key: str, default: int) -> int:
    if key not in meta:
        return default
    number = _number(meta[key])
    if number is None:
        raise BadConfiguration(codes.ELECTION_META, key=key, value=meta[key], expected="a whole number")
    return number


def _rule(meta: Mapping[str, str], kind: str, projects: int) -> Rule:
    if kind == "choose-1":
        return SingleRule()
    if kind == "cumulative":
        max_sum = _meta_number(meta, "max_sum_points", 0)
        option_cap = _meta_number(meta, "max_points", max_sum)
        return PointsRule(option_cap, _meta_number(meta, "min_sum_points", 0), max_sum)
    min_count = _meta_number(meta, "min_length", 1)
    max_count = _meta_number(meta, "max_length", projects)
    if max_count > projects:
        expected = f"at most the number of projects, {projects}"
        raise BadConfiguration(codes.ELECTION_META, key="max_length", value=max_count, expected=expected)
    if kind == "approval":
        return ApprovalRule(min_count, max_count, (), _meta_number(meta, "max_sum_cost", 0))
    return RankedRule(min_count, max_count, tuple(range(max_count, 0, -1)))
