"""What an operator meets on a real node: a full disk, a second start of the same home, a restored backup."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mvchain.api.client import Client
from mvchain.api.operator import Operator
from mvchain.core.errors import MvchainError
from mvchain.core.keys import SigningKey
from mvchain.core.types import AgencyNumber
from mvchain.ledger.registration import registration_proof
from mvchain.ledger.transactions import Role
from mvchain.localnet import NODE_COMMAND, Localnet, make_localnet

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


async def until_up(client: Client) -> None:
    """Once the node answers."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                await client.status()
            except MvchainError:
                await asyncio.sleep(LOOK_AGAIN_S)
            else:
                return


async def mvchain(*arguments: object) -> str:
    """What a command prints that has to work."""
    command = [sys.executable, "-m", "mvchain", *map(str, arguments)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def signs(network: Localnet) -> bool:
    """Whether the node's validator signs."""
    async with aiohttp.ClientSession() as session, session.get(f"{network.api_url(1)}/readyz?verbose") as answer:
        checks = {check["name"]: check["ok"] for check in (await answer.json())["checks"]}
    return bool(checks["signing"])


async def register(client: Client, network: Localnet, key: SigningKey) -> None:
    """An act of the agency, and thus a block."""
    proof = registration_proof(key, network.genesis.hash, AgencyNumber(1), Role.OPERATOR)
    await Operator(client, network.key(1, "agency"), network.genesis).register_operator(key.tagged, proof)


async def test_a_disk_that_fills_up_stops_ballots_and_not_the_chain_and_heals(
    network: Localnet, tmp_path: Path
) -> None:
    async with Client(network.api_url(1)) as client:
        assert (await client.status())["alarms"] == []
        with (tmp_path / "filler").open("wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, shutil.disk_usage(tmp_path).free // 4)
        status = await until(client, lambda status: bool(status["alarms"]))
        assert [alarm["code"] for alarm in status["alarms"]] == ["MV-4140"]
        submission = await client.submit([b"whatever it is"])
        assert [item.error and item.error.code for item in submission.items] == ["MV-4140"]
        assert "MV-4140" in await mvchain("status", "--api", network.api_url(1))
        (tmp_path / "filler").unlink()
        await until(client, lambda status: not status["alarms"])
        await register(client, network, network.key(1, "operator"))
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


async def test_a_restored_node_signs_once_its_operator_vouches_and_goes_on_from_the_backup(
    network: Localnet, tmp_path: Path
) -> None:
    """S19: the disk is gone, guard and all; keys and backup are not. Nobody else is there to watch ten blocks with."""
    async with Client(network.api_url(1)) as client:
        await register(client, network, network.key(1, "operator"))
    home, backup = network.home(1).path, tmp_path / "backup"
    made = json.loads(await mvchain("backup", "--home", home, "--out", backup, "--json"))
    assert made["height"] > 0
    await network.kill(1)
    new = tmp_path / "new" / "node-1"
    await mvchain("restore", backup, "--home", new)
    (new / "keys").mkdir()
    for file in (home / "keys").glob("*.json"):
        shutil.copy2(file, new / "keys")
    restored = Localnet(tmp_path / "new")
    async with Client(restored.api_url(1)) as client:
        async with restored:
            await until_up(client)
            assert not await signs(restored)
            assert (await client.status())["height"] == made["height"]
        vouch = (*NODE_COMMAND[:-1], "--vouch-no-other-copy-signed", "--home", str(new))
        node = await asyncio.create_subprocess_exec(*vouch, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        await until_up(client)
        await register(client, restored, SigningKey.generate())
        assert await signs(restored)
        assert (await client.status())["height"] > made["height"]
        await node.communicate(b"")
    assert node.returncode == 0
