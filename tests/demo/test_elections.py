"""mvchain.demo.elections: what the demo holds, and what must come out."""

import json
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.core.types import TimeMs
from mvchain.demo import elections
from mvchain.ledger.ballots import answers_to_ids
from mvchain.ledger.polls import QuestionType, decode_definition, encode_definition

CUMULATIVE = """\
META
key;value
description;Playgrounds
vote_type;cumulative
max_sum_points;5
PROJECTS
project_id;cost;name
7;100;Swings
9;200;Slide
VOTES
voter_id;vote;points
a;7,9;2,3
b;9;5
c;7;1
"""


def pb_file(directory: Path, text: str) -> Path:
    path = directory / "playgrounds.pb"
    path.write_text(text)
    return path


def test_the_shipped_totals_are_those_of_its_ballots() -> None:
    raw = json.loads(resources.files("mvchain.demo").joinpath("shipped", elections.SHIPPED).read_text())
    names = Counter(name for name, _ in raw["ballots"] if name is not None)
    projects = Counter(project for _, chosen in raw["ballots"] for project in chosen)
    assert elections.shipped().totals == (dict(names), dict(projects))


def test_the_shipped_election_is_small_and_in_two_languages() -> None:
    election = elections.shipped()
    single, approval = election.definition.questions
    assert (single.type, approval.type) == (QuestionType.SINGLE, QuestionType.APPROVAL)
    assert len(approval.options) == 20
    assert {len(chosen) for _, chosen in election.answers} == {5}  # type: ignore[arg-type]
    assert 300 <= len(election.answers) <= 500
    texts = [election.definition.title, single.title, approval.title]
    texts += [option.title for question in (single, approval) for option in question.options]
    assert {tuple(language for language, _ in text) for text in texts} == {("en", "ko")}


def test_a_pb_file_without_published_totals_is_counted(tmp_path: Path) -> None:
    election = elections.from_pb(pb_file(tmp_path, CUMULATIVE))
    assert election.totals == ({"7": 2 + 1, "9": 3 + 5},)
    assert [answers_to_ids(election.definition, answers) for answers in election.answers] == [
        [{"7": 2, "9": 3}],
        [{"9": 5}],
        [{"7": 1}],
    ]


def test_published_totals_are_what_must_come_out_even_if_wrong(tmp_path: Path) -> None:
    text = CUMULATIVE.replace("cost;name", "cost;name;score").replace("Swings", "Swings;4").replace("Slide", "Slide;8")
    assert elections.from_pb(pb_file(tmp_path, text)).totals == ({"7": 4, "9": 8},)


def test_a_ballot_that_breaks_the_rule_of_its_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration) as caught:
        elections.from_pb(pb_file(tmp_path, CUMULATIVE.replace("b;9;5", "b;9;6")))
    assert caught.value.cause is codes.DEMO_BALLOT
    assert caught.value.data["number"] == 2


def test_files_that_cannot_be_read_are_said_to_be_so(tmp_path: Path) -> None:
    latin = pb_file(tmp_path, "")
    latin.write_bytes("description;Gdańsk".encode("iso-8859-2"))
    for path in (tmp_path / "absent.pb", tmp_path, latin):
        with pytest.raises(BadConfiguration) as caught:
            elections.from_pb(path)
        assert caught.value.cause is codes.CANNOT_READ_FILE


def test_the_poll_opens_with_the_chain_and_stays_open_for_a_day() -> None:
    definition = elections.shipped().at(TimeMs(1_700_000_000_000))
    assert definition.opens_at_ms == 1_700_000_000_000
    assert definition.closes_at_ms == 1_700_086_400_000
    assert decode_definition(encode_definition(definition)) == definition
