"""Election files: the five real ones end with their published totals; faults name their line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, Cause
from mvchain.ledger.ballots import check_answers
from mvchain.ledger.pabulib import Election, parse
from mvchain.ledger.polls import (
    ApprovalRule,
    PointsRule,
    RankedRule,
    Rule,
    SingleRule,
    decode_definition,
    encode_definition,
)
from mvchain.ledger.recount import Recount
from mvchain.ledger.tally import RunningTally, TallyResult
from tests.ledger.document_helpers import make_poll


def counted(election: Election) -> TallyResult:
    """The tally of all ballots, each checked and counted both ways, under a stored definition."""
    poll = decode_definition(encode_definition(make_poll(election.question)))
    tally, recount = RunningTally.empty(poll), Recount()
    for ballot in election.ballots:
        check_answers(poll, ballot.answers)
        tally.add(poll, ballot.answers, 1)
        recount.add(poll, ballot.answers, 1)
    assert recount.result(poll) == tally.result()
    return tally.result()


def totals_by_id(election: Election) -> dict[str, int]:
    [question] = counted(election).questions
    return {option.id: total for option, total in zip(election.question.options, question.totals, strict=True)}


@pytest.mark.parametrize(
    ("name", "rule", "ballots", "projects"),
    [
        ("Poland_Zabrze_2021_Biskupice", SingleRule(), 933, 5),
        ("Poland_Krakow_2018_Swoszowice", RankedRule(3, 3, (3, 2, 1)), 844, 10),
        ("Poland_Gdansk_2020_Siedlce", PointsRule(5, 1, 5), 993, 16),
        ("France_Toulouse_2022", ApprovalRule(1, 3, (), 0), 4_532, 199),
        ("Poland_Wroclaw_2018", ApprovalRule(1, 2, (), 0), 53_801, 39),
    ],
)
def test_real_elections_end_as_published(shared_dir: Path, name: str, rule: Rule, ballots: int, projects: int) -> None:
    path = shared_dir / "data" / "pabulib" / f"{name}.pb"
    if not path.is_file():
        pytest.skip(f"{path.name} is not here")
    election = parse(path.read_text(encoding="utf-8"))
    assert election.question.rule == rule
    assert len(election.ballots) == ballots
    assert len(election.published_totals) == projects
    assert totals_by_id(election) == election.published_totals


META = "META\nkey;value\ndescription;Parks\nnum_projects;2\nnum_votes;2\n"
CUMULATIVE = (
    META + "vote_type;cumulative\nmax_sum_points;5\n"
    'PROJECTS\nproject_id;cost;score;name\np1;1000.0;6;"A ""big"" tree; or two"\np2;20;3;\n'
    "VOTES\nvoter_id;vote;points\n1;p2,p1;3,2\n2;p1;4\n"
)


def test_a_small_file() -> None:
    election = parse(CUMULATIVE, "pl")
    assert election.meta["description"] == "Parks"
    assert [project.name for project in election.projects] == ['A "big" tree; or two', "p2"]
    assert [option.cost for option in election.question.options] == [1_000, 20]
    assert election.question.title == (("pl", "Parks"),)
    assert [(ballot.voter, ballot.answers) for ballot in election.ballots] == [
        ("1", (((0, 2), (1, 3)),)),
        ("2", (((0, 4),),)),
    ]
    assert totals_by_id(election) == election.published_totals == {"p1": 6, "p2": 3}


def test_a_file_without_published_totals() -> None:
    election = parse(CUMULATIVE.replace(";score;", ";remark;"))
    assert election.published_totals == {}


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("META\n", "", 1),
        ("META\n", "\nMETA\n", 1),
        ("VOTES\n", "BALLOTS\n", 12),
        ("2;p1;4\n", "2;p1;4;F\n", 15),
        ("2;p1;4\n", "2;p1\n", 15),
        ("2;p1;4\n", '2;p1;"4\n', 15),
        ("2;p1;4\n", "2;p9;4\n", 15),
        ("2;p1;4\n", "2;p1;4,1\n", 15),
        ("2;p1;4\n", "2;p1;four\n", 15),
        ("2;p1;4\n", "2;p1;٤\n", 15),
        ("2;p1;4\n", f"2;p1;{'9' * 5_000}\n", 15),
        ("1000.0", "1000.5", 10),
        ("1000.0", "-1", 10),
        ("1000.0", "1_000", 10),
        ("p2;20;3;", "p1;20;3;", 11),
        ("project_id;", "number;", 10),
        ("voter_id;", "voter;", 14),
        (";points\n", ";score\n", 14),
    ],
)
def test_faults_name_their_line(old: str, new: str, line: int) -> None:
    assert old in CUMULATIVE
    with pytest.raises(BadConfiguration) as caught:
        parse(CUMULATIVE.replace(old, new, 1))
    assert caught.value.cause is codes.ELECTION_SYNTAX
    assert caught.value.data["line"] == line


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("num_votes;2", "num_votes;3", codes.ELECTION_TRUNCATED),
        ("num_projects;2", "num_projects;1", codes.ELECTION_TRUNCATED),
        ("num_votes;2", "num_votes;two", codes.ELECTION_META),
        ("max_sum_points;5", "max_sum_points;-5", codes.ELECTION_META),
        ("vote_type;cumulative", "vote_type;scoring", codes.ELECTION_KIND),
        ("vote_type;cumulative\n", "", codes.ELECTION_KIND),
        ("vote_type;cumulative", "max_length;3\nvote_type;ordinal", codes.ELECTION_META),
        ("vote_type;cumulative", "vote_type;choose-1", codes.ELECTION_SYNTAX),
    ],
)
def test_other_faults(old: str, new: str, cause: Cause) -> None:
    assert old in CUMULATIVE
    with pytest.raises(BadConfiguration) as caught:
        parse(CUMULATIVE.replace(old, new, 1))
    assert caught.value.cause is cause
    assert caught.value.detail
    assert caught.value.remedy


@given(st.text(), st.integers(0, len(CUMULATIVE)), st.integers(0, 9))
def test_any_text_gives_an_election_or_our_error(text: str, at: int, cut: int) -> None:
    for damaged in (text, CUMULATIVE[:at] + text + CUMULATIVE[at + cut :]):
        try:
            parse(damaged)
        except BadConfiguration as error:
            assert error.detail  # noqa: PT017 - it may also be an election
