"""The whole system: real processes, real sockets, real disks; elections from the roll to checked receipts."""

import asyncio
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from mvchain.demo import elections
from mvchain.localnet import Localnet, make_localnet


def demo(directory: Path, *arguments: str) -> dict[str, Any]:
    """The report of a run that must succeed."""
    report = directory / "report.json"
    command = [sys.executable, "-m", "mvchain", "demo", "--json", str(report), *arguments]
    # What a failed run keeps lies with the test's own files.
    environment = os.environ | {"TMPDIR": str(directory)}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    document: dict[str, Any] = json.loads(report.read_bytes())
    return document


def check(report: dict[str, Any], election: elections.Election) -> None:
    assert report["ballots"] == len(election.answers)
    assert [question["totals"] for question in report["questions"]] == list(election.totals)
    assert len(report["app_hash"]) == report["nodes"] == 4
    assert len(set(report["app_hash"].values())) == 1
    assert report["receipts"] == {"checked": 20, "valid": 20}


def test_the_shipped_election_on_four_nodes(tmp_path: Path) -> None:
    check(demo(tmp_path), elections.shipped())


def test_a_real_election_ends_with_its_published_totals(tmp_path: Path, shared_dir: Path) -> None:
    file = shared_dir / "data" / "pabulib" / "Poland_Zabrze_2021_Biskupice.pb"
    check(demo(tmp_path, "--pb", str(file)), elections.from_pb(file))


def test_a_node_killed_half_way_changes_nothing(tmp_path: Path) -> None:
    check(demo(tmp_path, "--kill-one"), elections.shipped())


async def test_no_node_outlives_a_killed_parent(tmp_path: Path) -> None:
    """The lock of the sign guard tells when a node is gone."""
    directory = tmp_path / "network"
    make_localnet(directory, 4)
    command = (sys.executable, "-m", "mvchain", "localnet", str(directory), "--json")
    parent = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    running = json.loads(await parent.stdout.readline())
    network = Localnet(directory)
    assert running["chain_id"] == network.genesis.chain_id
    guards = [home.guard.with_name("guard.lock").open() for home in network.homes]
    for guard in guards:
        assert is_locked(guard)
    parent.kill()
    await parent.wait()
    for guard in guards:
        await asyncio.to_thread(fcntl.flock, guard, fcntl.LOCK_EX)
        guard.close()


def is_locked(file: Any) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
