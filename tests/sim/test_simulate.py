"""The swarm as it is run: two hundred seeds without a violation, the same run for the same seed, and the command."""

import json
import logging
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mvchain.core.errors import BadConfiguration
from mvchain.sim.__main__ import main
from mvchain.sim.kinds import KINDS, SHARES
from mvchain.sim.progress import Progress
from mvchain.sim.scenario import REAL_EVERY, Scenario, scenario_of
from mvchain.sim.simulation import Report, simulate
from mvchain.sim.swarm import shrink, swarm

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.timeout(600)
def test_two_hundred_seeds_violate_nothing() -> None:
    """B1: 200 runs of four nodes and ten heights."""
    summary = swarm(range(1, 201), 4, 10)
    assert [(report.scenario.command, report.violation) for report in summary.violations] == []
    assert summary.seeds == 200
    assert summary.blocks >= 200 * 10
    assert summary.crashes > 100


@pytest.mark.parametrize("kind", KINDS)
def test_seven_nodes_go_through_each_kind_of_fault(kind: str) -> None:
    """Two of them faulty; whoever is not keeps to everything."""
    report = simulate(Scenario(7, 7, 7, (kind,)))
    assert report.violation is None
    assert report.height >= 7


def test_the_same_seed_gives_the_same_run_in_any_process() -> None:
    """SIM1: whatever order sets and dictionaries of strings have there."""
    seeds = [seed for seed in range(1, 400) if len(scenario_of(seed, 4, 10, SHARES).kinds) > 8][:3]
    code = (
        "from mvchain.sim.swarm import run_seeds\n"
        f"print([(r.digest, r.messages, r.virtual_ms) for r in run_seeds({seeds}, 4, 10)])"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert found[0] == found[1]
    assert len(set(found[0].split("'")[1::2])) == len(seeds), "other seeds give other runs"


def test_one_seed_in_twenty_has_real_signatures_and_goes_the_same_way() -> None:
    """SIM7: what the cheap provider stands in for changes nothing but the bytes of keys and signatures."""
    assert sum(scenario_of(seed, 4, 10, SHARES).real_signatures for seed in range(1, 201)) == 200 // REAL_EVERY
    report = simulate(Scenario(3, 4, 8, ("loss", "crashes", "forge"), real_signatures=True))
    assert report.violation is None


def test_leaving_a_kind_out_leaves_the_numbers_of_the_others() -> None:
    scenario = Scenario(5, 4, 10, ("loss", "delays"))
    assert scenario.random("loss").random() == replace(scenario, kinds=("loss",)).random("loss").random()
    assert scenario.random("loss").random() != scenario.random("delays").random()


def test_a_violation_is_shrunk_to_what_it_needs() -> None:
    def run(scenario: Scenario) -> Report:
        violated = "splits" in scenario.kinds and scenario.heights >= 8
        return Report(scenario, "I1: fork" if violated else None, "", 0, 0, 0, 0)

    found = shrink(run(Scenario(5, 4, 10, ("loss", "splits", "twins"))), run)
    assert (found.scenario.kinds, found.scenario.heights) == (("splits",), 8)
    assert found.scenario.command == "scripts/simulate --seed 5 --nodes 4 --heights 8 --faults splits"


def test_the_command_runs_resumes_and_repeats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "swarm.json"
    assert main(["--seeds", "3", "--heights", "6", "--resume", str(file), "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["seeds"], first["violations"], first["next_seed"]) == (3, [], 4)
    assert main(["--seeds", "4", "--heights", "6", "--resume", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["seeds"] == 1
    assert main(["--seeds", "4", "--heights", "7", "--resume", str(file)]) == 2
    assert "MV-3170" in capsys.readouterr().err
    assert main(["--seed", "4", "--heights", "6"]) == 0
    trace = capsys.readouterr().out.splitlines()
    assert any("commits height 6" in line for line in trace)
    assert "digest" in trace[-1]
    assert main(["--seed", "4", "--faults", "gremlins"]) == 2


def test_what_was_violated_before_an_interruption_is_still_said_after_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "swarm.json"
    violated = Report(Scenario(1, 4, 6, ("loss",)), "I1: two blocks", "", 6, 0, 0, 0)
    Progress(file, 4, 6, 1).done(violated)
    assert main(["--seeds", "2", "--heights", "6", "--resume", str(file), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["seeds"], found["next_seed"]) == (1, 3)
    assert found["violations"] == [
        {
            "seed": 1,
            "violation": "I1: two blocks",
            "repeat": "scripts/simulate --seed 1 --nodes 4 --heights 6 --faults loss",
        }
    ]
    assert main(["--seeds", "2", "--heights", "6", "--resume", str(file)]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == ["seed 1: I1: two blocks", "1 violations"]


def test_one_that_is_terminated_leaves_no_workers_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mvchain.sim", "--seeds", "1000", "--resume", str(tmp_path / "swarm.json")]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as swarm:
        children = Path(f"/proc/{swarm.pid}/task/{swarm.pid}/children")
        while len(children.read_text().split()) < 2:
            assert swarm.poll() is None
            time.sleep(0.05)
        swarm.terminate()
        # The workers have the pipe as well: it ends with the last of them.
        swarm.communicate(timeout=60)
    assert swarm.returncode == 130


def test_whoever_simulates_goes_on_logging(caplog: pytest.LogCaptureFixture) -> None:
    simulate(Scenario(1, 4, 6, ()))
    logging.getLogger("mvchain").warning("after it")
    assert "after it" in caplog.text


@pytest.mark.parametrize("wrong", [["--faults", "loss"], ["--ed25519"], ["--seed", "1", "--resume", "x"]])
def test_arguments_without_effect_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(wrong)
    assert caught.value.code == 2


def test_one_run_takes_real_signatures_with_the_faults_of_its_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "3", "--heights", "6", "--ed25519", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["repeat"].endswith(" --ed25519")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"nodes": 4, "heights": 10, "first_seed": 1, "next_seed": "2", "violations": []}']
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "swarm.json"
    file.write_text(text)
    with pytest.raises(BadConfiguration):
        Progress(file, 4, 10, 1)
