"""A fifth node joins a running network by a snapshot, fills in the past, and proves an old ballot (R16 in small)."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

from mvchain.api.client import Client
from mvchain.api.operator import Operator, await_committed, await_outcome
from mvchain.core.errors import MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.keys import SigningKey
from mvchain.core.types import AgencyNumber
from mvchain.demo import elections
from mvchain.demo.elections import POLL
from mvchain.demo.holding import open_poll
from mvchain.demo.progress import Narrator
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.polls import definition_hash, encode_definition
from mvchain.ledger.transactions import Ballot, make_transaction
from mvchain.light.verify import VerifiedProof, verify
from mvchain.localnet import HOST, NODE_COMMAND, Localnet, free_ports, make_localnet
from mvchain.node.config import Home, load_settings
from mvchain.node.files import LocalDisk
from mvchain.node.home import make_home
from mvchain.node.keystore import load_plain_key, save_plain_key

DEADLINE_S = 60
VOTERS = [SigningKey.from_seed(bytes((n,)) * 32) for n in range(1, 7)]


def newcomer(directory: Path, network: Localnet) -> Home:
    """A home whose node key the others know."""
    disk = LocalDisk()
    home = Home(directory / "newcomer")
    make_home(
        home,
        network.genesis.chain_name,
        AgencyNumber(5),
        ("새 기관", "New Agency"),
        approvals=1,
        plain_keys=True,
        save_key=lambda path, key: save_plain_key(path, key, disk),
        disk=disk,
    )
    key = load_plain_key(home.key("node"), disk).public.hex()
    peers = []
    for number in network.numbers:
        settings = network.home(number).settings
        text = settings.read_text().replace("[p2p]\n", f'[p2p]\nobservers = ["{key}"]\n')
        settings.write_text(text + "\n[snapshots]\nevery_blocks = 5\n")
        peers.append(f"{network.genesis.agencies[number - 1].node_key.hex()}@{load_settings(settings).p2p.listen}")
    peer_port, api_port = free_ports(2)
    listed = "".join(f'"{peer}", ' for peer in peers)
    home.settings.write_text(
        f'[keys]\nallow_plain = true\n[p2p]\nlisten = "{HOST}:{peer_port}"\npeers = [{listed}]\n'
        f'[api]\nlisten = "{HOST}:{api_port}"\n'
    )
    return home


async def mvchain(*arguments: object) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mvchain", *map(str, arguments), "--json", stdout=PIPE, stderr=PIPE
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    found: dict[str, Any] = json.loads(out)
    return found


async def hold_poll(client: Client, network: Localnet) -> list[bytes]:
    """A poll from the roll to the result; its ballots."""
    genesis: Genesis = network.genesis
    definition = elections.shipped().at(genesis.genesis_time_ms)
    await open_poll(network, client, definition, [voter.tagged for voter in VOTERS], Narrator())
    context = definition_hash(encode_definition(definition))
    answers = elections.shipped().answers[0]
    ballots = [make_transaction(Ballot(POLL, 0, answers), voter, genesis.hash, context) for voter in VOTERS[:5]]
    await client.submit(ballots)
    for raw in ballots:
        await await_committed(client, sha256(raw))
    await Operator(client, network.key(1, "operator"), genesis).close(POLL, "all are in")
    await await_outcome(client, POLL, DEADLINE_S)
    return ballots


async def make_blocks(network: Localnet, client: Client, height: int) -> None:
    """Acts of an operator, until there is a block of this height."""
    operator = Operator(client, network.key(1, "operator"), network.genesis)
    while (await client.status())["height"] < height:
        await operator.create_roll("one more", [(VOTERS[0].tagged, 1)])


async def is_up(api: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            with contextlib.suppress(MvchainError):
                async with Client(api) as client:
                    await client.status()
                    return
            await asyncio.sleep(0.05)


async def until(client: Client, wanted: Any) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE_S):
        while not wanted(status := await client.status()):  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)
        return status


async def test_a_fifth_node_joins_and_proves_an_old_ballot(tmp_path: Path) -> None:
    make_localnet(tmp_path / "network", 4)
    network = Localnet(tmp_path / "network")
    home = newcomer(tmp_path, network)
    genesis, api = network.genesis, f"http://{load_settings(home.settings).api.listen}"
    async with network:
        await network.wait_ready()
        async with Client(network.api_url(1)) as client:
            ballots = await hold_poll(client, network)
            final = (await client.status())["height"]
            await make_blocks(network, client, final + 6)  # a snapshot of a height at which the poll was final
            for number in network.numbers:
                async with Client(network.api_url(number)) as other:
                    await until(other, lambda found: max(found["snapshots"], default=0) >= final)
            joined = await mvchain(
                *("join", "--home", home.path, "--genesis", network.home(1).genesis, "--hash", genesis.hash.hex())
            )
            assert joined["joined"]
            assert joined["height"] >= final
            again = await mvchain("join", "--home", home.path)
            assert (again["joined"], again["height"]) == (False, joined["height"])
            with (tmp_path / "node.log").open("wb") as log:
                node = await asyncio.create_subprocess_exec(*NODE_COMMAND, str(home.path), stdin=PIPE, stderr=log)
            try:
                await is_up(api)
                async with Client(api) as fifth:
                    status = await until(fifth, lambda found: found["filling_steps"] == 0)
                    assert (status["base_height"], status["agency"]) == (1, None)
                    await make_blocks(network, client, (await client.status())["height"] + 1)
                    there = await client.status()
                    here = await until(fifth, lambda found: found["height"] >= there["height"])
                    assert here["chain_id"] == genesis.chain_id
                    blocks = [(await one.block(there["height"]))["app_hash"] for one in (client, fifth)]
                    assert blocks[0] == blocks[1]
                    for raw in ballots[:2]:
                        receipt = await fifth.receipt(sha256(raw))
                        verified = verify(receipt, genesis)
                        assert isinstance(verified, VerifiedProof)
                        assert receipt == await client.receipt(sha256(raw))
            finally:
                node.terminate()
                await node.wait()
