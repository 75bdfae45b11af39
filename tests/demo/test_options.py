"""mvchain.demo.options and the command line."""

from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from mvchain.bench.__main__ import SUBCOMMANDS, main
from mvchain.demo.options import whole


@pytest.mark.parametrize("text", ["0", "10", "-1", "+5", "5.0", "five", "", " 5", "５"])
def test_a_number_within_bounds(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="from 1 to 9"):
        whole(1, 9)(text)


def test_both_bounds_are_within() -> None:
    assert (whole(1, 9)("1"), whole(1, 9)("9")) == (1, 9)


@pytest.mark.parametrize(
    "arguments", [[], ["nothing"], ["readers", "--readers", "801"], ["proofs", "--runs", "0"], ["proofs", "more"]]
)
def test_a_wrong_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: scripts/bench" in capsys.readouterr().err


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_help_says_what_is_measured(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    assert SUBCOMMANDS[name].help in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_a_place_that_cannot_be_written_is_found_first(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--json", str(tmp_path / "missing" / "file")]) == 1
    assert "MV-3071" in capsys.readouterr().err
