"""mvchain evidence, and what mvchain status says of it."""

from typing import Any
from unicodedata import east_asian_width

import pytest

from mvchain.api import schema
from mvchain.cli.evidence import _print_evidence
from mvchain.cli.node import _print_status
from mvchain.cli.output import WIDTH
from tests.api.test_openapi import misbehaviour
from tests.cli.helpers import Chain, mvchain


def width(line: str) -> int:
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in line)


def test_an_honest_chain_has_none(chain: Chain) -> None:
    assert mvchain("evidence", "--api", chain.api).out == "Nobody was seen to sign twice.\n"
    assert chain.ask("evidence")["counts"] == {"committed": 0, "pending": 0, "duplicate_proposals": 0, "forks": 0}
    assert "evidence" not in mvchain("status", "--api", chain.api).out


@pytest.mark.parametrize("after", [0, 1])
def test_who_signed_twice_is_named_in_80_columns(capsys: pytest.CaptureFixture[str], after: int) -> None:
    document: Any = schema.evidence(misbehaviour(), after)
    _print_evidence(document, messages=False, as_json=False)
    shown = capsys.readouterr().out
    assert max(map(width, shown.splitlines())) <= WIDTH
    for part in ("THE CHAIN HAS FORKED", "in one round", "On the chain: 2", "Not in a block yet: 2", "Two proposals"):
        assert part in shown
    assert shown.count("서울 (Seoul)") == 7


def test_the_messages_are_shown_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    seen = misbehaviour()
    document: Any = schema.evidence(seen, 0)
    _print_evidence(document, messages=True, as_json=False)
    shown = capsys.readouterr().out
    for message in (*seen.committed[0].messages, *seen.duplicate_proposals[0].messages):
        assert message.encode().hex() in shown
    assert seen.forks[0].other.encode().hex() in shown


def test_a_fork_over_two_rounds_convicts_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    document: Any = schema.evidence(misbehaviour(), 0)
    document["forks"][0]["same_round"] = False
    document["forks"][0]["other"]["round"] = 4
    _print_evidence(document, messages=False, as_json=False)
    assert "in rounds 1 and 4, which alone does not convict" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("committed", "3 double signings: see mvchain evidence"),
        ("pending", "3 double signings: see mvchain evidence"),
        ("forks", "the chain has forked: see mvchain evidence"),
    ],
)
def test_status_points_there(chain: Chain, capsys: pytest.CaptureFixture[str], kind: str, words: str) -> None:
    found = chain.ask("status")
    found["evidence"][kind] = 3
    _print_status(found, as_json=False)
    assert words in capsys.readouterr().out
