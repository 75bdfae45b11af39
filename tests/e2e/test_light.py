"""`mvchain light` beside four real nodes, over REST and JSON-RPC, while the node that it asks first is killed."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from mvchain.api.client import Client
from mvchain.api.operator import Operator
from mvchain.core.types import AgencyNumber, Hash
from mvchain.ledger.registration import registration_proof
from mvchain.ledger.transactions import Role
from mvchain.localnet import Localnet, make_localnet

Line = dict[str, Any]
DEADLINE_S = 60


class Light:
    """The running command, line by line."""

    def __init__(self, process: Process) -> None:
        self.process = process

    async def until(self, wanted: Callable[[Line], bool]) -> Line:
        """The first line that is wanted."""
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            while text := await self.process.stdout.readline():
                line: Line = json.loads(text)
                if wanted(line):
                    return line
        raise AssertionError("it ended")


@contextlib.asynccontextmanager
async def light_client(*arguments: object) -> AsyncIterator[Light]:
    """`mvchain light`, until the block ends."""
    command = (sys.executable, "-m", "mvchain", "light", *map(str, arguments), "--json")
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    try:
        yield Light(process)
    finally:
        process.kill()
        await process.wait()


@pytest_asyncio.fixture
async def network(tmp_path: Path) -> AsyncIterator[Localnet]:
    """Four nodes that are ready."""
    make_localnet(tmp_path / "network", 4)
    async with Localnet(tmp_path / "network") as running:
        await running.wait_ready()
        yield running


async def register(network: Localnet, number: int) -> None:
    """Something for a block: an agency registers its operator, at its own node."""
    agency, key = network.key(number, "agency"), network.key(number, "operator")
    proof = registration_proof(key, network.genesis.hash, AgencyNumber(number), Role.OPERATOR)
    async with Client(network.api_url(number)) as client:
        await Operator(client, agency, network.genesis).register_operator(key.tagged, proof)


async def test_it_survives_the_node_that_it_asks_first(network: Localnet, tmp_path: Path) -> None:
    first, *others = [network.api_url(number) for number in network.numbers]
    urls = [first, others[0], f"rpc+{others[1]}", others[2]]
    nodes = [part for url in urls for part in ("--node", url)]
    where = ("--genesis", network.home(1).genesis, "--state", tmp_path / "state.json", "--listen", "127.0.0.1:0")
    async with light_client(*nodes, *where) as light:
        listening = (await light.until(lambda line: "listening" in line))["listening"]
        await register(network, 2)
        before = await light.until(lambda line: line.get("height", 0) >= 2)
        await network.kill(1)
        await register(network, 3)
        failing = await light.until(lambda line: "standing" in line)
        assert (failing["node"], failing["standing"]) == (first, "failing")
        after = await light.until(lambda line: line.get("height", 0) > before["height"])
        async with Client(listening) as client:
            await check(client, network, after["height"])
        await network.restart(1)
        await network.wait_ready()
        await register(network, 4)
        back = await light.until(lambda line: "standing" in line and line["standing"] == "good")
        assert back["node"] == first


async def check(proxy: Client, network: Localnet, height: int) -> None:
    """What the light client serves is what a node has."""
    status = await proxy.status()
    assert status["chain_id"] == network.genesis.chain_id
    assert height <= int(str(status["height"]))
    assert await proxy.genesis() == network.genesis.encode()
    async with Client(network.api_url(2)) as node:
        for number in range(1, height + 1):
            block, shown = await node.block(number), await proxy.block(number)
            # Who is in a commit beyond the quorum differs from node to node.
            assert {**shown, "commit": None} == {**block, "commit": None}
            assert (await proxy.block_bytes(number))[0] == (await node.block_bytes(number))[0]
            for txid in block["transactions"]:  # type: ignore[union-attr]
                placed = await proxy.transaction(Hash(bytes.fromhex(str(txid))))
                assert (placed["state"], placed["height"]) == ("committed", number)
