"""mvchain.interop.outcome: the verdict, for people and programs."""

from io import StringIO

import pytest
from rich.console import Console

from mvchain.interop.checkers import COMETBFT, TENDERMINT_RS
from mvchain.interop.outcome import Outcome, Report

GOOD = Outcome(COMETBFT, "block, skipping", 1_058, ())
BAD = Outcome(TENDERMINT_RS, "runs", 7, [f"height {height}: wrong" for height in range(1, 8)])
IDLE = Outcome(COMETBFT, "tx, skipping", 0, ())


def report(*outcomes: Outcome) -> Report:
    return Report("localnet-00", {"blocks": 58}, outcomes, 61.25)


@pytest.mark.parametrize(("outcomes", "ok"), [((GOOD,), True), ((GOOD, BAD), False), ((GOOD, IDLE), False)])
def test_all_is_well_if_everything_was_done_and_right(outcomes: tuple[Outcome, ...], ok: bool) -> None:
    assert report(*outcomes).ok is ok
    assert report(*outcomes).to_json()["ok"] is ok


def test_programs_get_every_fault() -> None:
    assert report(GOOD, BAD).to_json() == {
        "ok": False,
        "chain_id": "localnet-00",
        "chain": {"blocks": 58},
        "checks": [
            {"client": "CometBFT", "version": "0.38.25", "what": "block, skipping", "count": 1_058, "faults": []},
            {
                "client": "tendermint-rs",
                "version": "0.41.0",
                "what": "runs",
                "count": 7,
                "faults": [f"height {height}: wrong" for height in range(1, 8)],
            },
        ],
        "seconds": 61.2,
    }


def printed(*outcomes: Outcome) -> str:
    console = Console(file=StringIO(), width=100, color_system=None)
    report(*outcomes).print(console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_people_see_the_table_and_some_faults() -> None:
    text = printed(GOOD, BAD, IDLE)
    assert "localnet-00: 58 blocks" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["CometBFT", "0.38.25", "block,", "skipping", "1,058", "ok"] in lines
    assert ["tendermint-rs", "0.41.0", "runs", "7", "7", "WRONG"] in lines
    assert ["CometBFT", "0.38.25", "tx,", "skipping", "0", "NOTHING", "DONE"] in lines
    assert "tendermint-rs 0.41.0, runs: height 5: wrong" in text
    assert "height 6" not in text
    assert "and 2 more" in text
    assert text.rstrip().endswith("NOT all came out as they should")
    assert printed(GOOD).rstrip().endswith("1,058 checks in 61 s: all came out as they should")
