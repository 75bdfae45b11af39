"""mvchain.chaos.run, table and the command line: what is run, what is shown, and the exit code. No nodes here."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mvchain.chaos import __main__ as command
from mvchain.chaos import run
from mvchain.chaos.catalogue import FAULTS
from mvchain.chaos.fault import Extent, Fault, Result
from mvchain.chaos.run import Options, run_chaos
from mvchain.chaos.stage import RECOVERY_S
from mvchain.chaos.table import lines
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration


class FakeStage(SimpleNamespace):
    """What `run` asks of a stage, without nodes: keeps what it was asked for."""

    def __init__(self, recovery_s: float) -> None:
        super().__init__(
            faults=[],
            notes={"seen": 2},
            survey=SimpleNamespace(blocks=[1, 2, 3]),
            load=SimpleNamespace(acknowledged={1: 1}, resume=lambda: None),
            watch=SimpleNamespace(most=lambda: {"descriptors": 7}),
            checks=0,
            counts=0,
        )
        self._recovery_s = recovery_s

    def expect(self, holds: bool, fault: str) -> None:
        if not holds:
            self.faults.append(fault)

    async def recovery(self) -> float:
        return self._recovery_s

    async def check(self) -> None:
        self.checks += 1

    async def count(self) -> None:
        self.counts += 1


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[FakeStage]:
    """The stages that were set."""
    found: list[FakeStage] = []

    @asynccontextmanager
    async def on_stage(_directory: Path, _setting: Any, _narrator: Any) -> AsyncIterator[FakeStage]:
        found.append(FakeStage(1.5))
        yield found[-1]

    monkeypatch.setattr(run, "on_stage", on_stage)
    monkeypatch.setattr(run.tempfile, "mkdtemp", lambda prefix: str(_made(tmp_path / f"{prefix}{len(found)}")))
    return found


def _made(path: Path) -> Path:
    path.mkdir()
    return path


async def harmless(_stage: Any, _seconds: float) -> None:
    """A fault that everything survives."""


async def finding(stage: Any, _seconds: float) -> None:
    stage.expect(False, "I1: two blocks")


async def hopeless(_stage: Any, _seconds: float) -> None:
    raise BadConfiguration(codes.CHAOS_STANDSTILL, what="height 5", seconds=120)


def options(*faults: Fault, quick: bool = False, **changes: Any) -> Options:
    return Options(
        **{
            "faults": faults,
            "quick": quick,
            "runs": None,
            "seconds": None,
            "per_s": 10.0,
            "seed": 1,
            "json_out": None,
            "keep": False,
            **changes,
        }
    )


GOOD = Fault("R1", "good", harmless, Extent(12, 0), Extent(1, 0))
BAD = Fault("R2", "bad", finding, Extent(1, 0), Extent(1, 0))
DEAD = Fault("R3", "dead", hopeless, Extent(2, 0))
SEVEN = Fault("R4", "large", harmless, Extent(1, 0), Extent(1, 0), nodes=7)


def test_every_fault_has_a_network_of_its_own_and_is_checked_often(
    stages: list[FakeStage], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    assert run_chaos(options(GOOD, SEVEN, json_out=report))
    assert [(stage.checks, stage.counts) for stage in stages] == [(2, 1), (1, 1)]
    document = json.loads(report.read_text())
    assert document["ok"]
    first = document["faults"][0]
    assert (first["fault"], first["runs"], first["recovery_median_s"], first["recovery_max_s"]) == (
        "R1 good",
        12,
        1.5,
        1.5,
    )
    assert (first["blocks"], first["ballots_acknowledged"], first["notes"]) == (3, 1, ["2 x seen"])
    assert "nothing is wrong" in capsys.readouterr().out
    assert not list(tmp_path.glob("mvchain-chaos-*"))


def test_the_short_selection_shares_a_network_of_each_size(stages: list[FakeStage]) -> None:
    assert run_chaos(options(GOOD, SEVEN, replace_code(GOOD, "R9"), quick=True))
    assert [(stage.checks, stage.counts) for stage in stages] == [(2, 1), (1, 1)]


def replace_code(fault: Fault, code: str) -> Fault:
    return Fault(code, fault.what, fault.strike, fault.full, fault.quick)


def test_what_is_wrong_fails_its_row_keeps_its_files_and_does_not_stop_the_others(
    stages: list[FakeStage], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not run_chaos(options(BAD, DEAD, GOOD))
    out = capsys.readouterr().out
    assert "R2 bad: I1: two blocks" in out
    assert "R3 dead: MV-3176: height 5: not within 120 s." in out
    assert "2 faults were NOT survived as promised" in out
    assert len(stages) == 3
    assert len(list(tmp_path.glob("mvchain-chaos-*"))) == 2


def test_a_slow_recovery_is_a_fault(stages: list[FakeStage], monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(_stage: FakeStage) -> float:
        return RECOVERY_S + 0.1

    monkeypatch.setattr(FakeStage, "recovery", slow)
    assert not run_chaos(options(GOOD))


def test_runs_and_seconds_of_the_command_line_come_before_those_of_the_catalogue() -> None:
    assert options().extent(GOOD) == Extent(12, 0)
    assert options(quick=True).extent(GOOD) == Extent(1, 0)
    assert options(runs=3, seconds=4.0).extent(GOOD) == Extent(3, 4.0)


def test_a_report_that_cannot_be_written_is_said_at_once(stages: list[FakeStage], tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration) as caught:
        run_chaos(options(GOOD, json_out=tmp_path / "none" / "report.json"))
    assert caught.value.cause is codes.CANNOT_WRITE
    assert not stages


def test_no_line_of_the_table_is_longer_than_80_columns() -> None:
    rows = [Result(fault.name, 40, [12.345] * 40, ballots=123_456, load_average=12.34) for fault in FAULTS]
    rows[0].faults += ["I1: " + "very long " * 30] * 9
    rows[0].notes = ["a note " * 30]
    shown = list(lines(rows, 1_234.5))
    assert max(map(len, shown)) <= 80
    assert "R1 kill -9 one: and 4 more" in shown
    assert shown[2].split() == ["R1", "kill", "-9", "one", "40", "FAILED", "12.3", "12.3", "123456", "12.3"]


def test_what_was_interrupted_did_not_fail() -> None:
    *_, row, verdict = lines([Result("R1 kill -9 one", 3)], 6.0)
    assert row.split() == ["R1", "kill", "-9", "one", "0", "-", "-", "-", "0", "0.0"]
    assert verdict == "1 faults, 0 runs in 6 s: nothing is wrong; 1 not finished"


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 1)])
def test_the_exit_code_tells(monkeypatch: pytest.MonkeyPatch, ok: bool, code: int) -> None:
    chosen: list[Options] = []
    monkeypatch.setattr(command, "run_chaos", lambda options: chosen.append(options) or ok)
    assert command.main(["--only", "R4,R2", "--runs", "2", "--seed", "5"]) == code
    assert {fault.code for fault in chosen[0].faults} == {"R2", "R4"}
    assert (chosen[0].runs, chosen[0].seed, chosen[0].minutes) == (2, 5, 0.0)
    assert command.main(["soak", "--minutes", "3"]) == code
    assert [(fault.code, chosen[1].minutes) for fault in chosen[1].faults] == [("R15", 3.0)]
    assert command.main(["--quick"]) == code
    assert all(fault.quick for fault in chosen[2].faults)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--only", "R99"],
        ["--runs", "0"],
        ["--rate", "0"],
        ["--seconds", "nan"],
        ["--minutes", "5"],
        ["soak", "--only", "R1"],
        ["everything"],
    ],
)
def test_a_wrong_command_is_told(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(wrong)
    assert caught.value.code == 2
