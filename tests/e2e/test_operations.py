"""What an operator meets on a real node: a disk that fills up, and a second start of the same home."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from mvchain.api.client import Client
from mvchain.api.operator import Operator
from mvchain.core.types import AgencyNumber
from mvchain.ledger.registration import registration_proof
from mvchain.ledger.transactions import Role
from mvchain.localnet import Localnet, make_localnet

DEADLINE_S = 20.0
LOOK_AGAIN_S = 0.1


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Localnet]:
    """One node; its disk is nearly full once an eighth of what is free is taken."""
    make_localnet(tmp_path / "net", 1)
    network = Localnet(tmp_path / "net")
    free = shutil.disk_usage(tmp_path).free
    mark = free - free // 8
    settings = network.home(1).settings
    settings.write_text(f"{settings.read_text()}\n[storage]\nballots_need_free_bytes = {mark}\n")
    async with network:
        await network.wait_ready()
        yield network


async def until(client: Client, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The status of the node, once it is as it should be."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            status = await client.status()
            if holds(status):
                return status
            await asyncio.sleep(LOOK_AGAIN_S)


async def test_a_disk_that_fills_up_stops_ballots_and_not_the_chain_and_heals(
    network: Localnet, tmp_path: Path
) -> None:
    key = network.key(1, "operator")
    proof = registration_proof(key, network.genesis.hash, AgencyNumber(1), Role.OPERATOR)
    async with Client(network.api_url(1)) as client:
        operator = Operator(client, network.key(1, "agency"), network.genesis)
        assert (await client.status())["alarms"] == []
        with (tmp_path / "filler").open("wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, shutil.disk_usage(tmp_path).free // 4)
        status = await until(client, lambda status: bool(status["alarms"]))
        assert [alarm["code"] for alarm in status["alarms"]] == ["MV-4140"]
        submission = await client.submit([b"whatever it is"])
        assert [item.error and item.error.code for item in submission.items] == ["MV-4140"]
        command = [sys.executable, "-m", "mvchain", "status", "--api", network.api_url(1)]
        shown = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        assert "MV-4140" in shown.stdout
        (tmp_path / "filler").unlink()
        await until(client, lambda status: not status["alarms"])
        await operator.register_operator(key.tagged, proof)
    log = network.log_path(1).read_text()
    assert log.count("MV-4140") == 2  # when it began and when it was over
    assert "MV-4140 is over" in log


async def test_the_same_home_does_not_run_twice(network: Localnet) -> None:
    """KEY07: whatever its ports are."""
    command = [sys.executable, "-m", "mvchain", "start", "--home", str(network.home(1).path)]
    second = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert second.stderr.startswith("MV-4004: ")
    assert second.stderr.count("\n") == 1
    async with Client(network.api_url(1)) as client:
        assert (await client.status())["alarms"] == []
