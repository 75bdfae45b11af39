"""Agencies come, change their keys and go while people vote: nothing acknowledged is lost, all agree (L4, S22)."""

import asyncio
import contextlib
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from mvchain.api.client import Client
from mvchain.api.operator import Operator, await_committed, await_receipt, cast_ballot
from mvchain.core.errors import MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.keys import SigningKey
from mvchain.core.types import Hash, ProposalNumber
from mvchain.demo import elections
from mvchain.demo.elections import POLL
from mvchain.demo.holding import open_poll
from mvchain.demo.progress import Narrator
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.polls import definition_hash, encode_definition
from mvchain.ledger.transactions import Ballot, make_transaction
from mvchain.light.receipts import decode_receipt
from mvchain.light.verify import verify_receipt
from mvchain.localnet import NODE_COMMAND, Localnet, make_localnet
from mvchain.node.config import load_settings
from tests.e2e.test_join import is_up, mvchain, newcomer
from tests.e2e.test_light import light_client

DEADLINE_S = 45
PAUSE_S = 0.03
VOTERS = [SigningKey.from_seed(n.to_bytes(32, "big")) for n in range(1, 1_500)]
LAST = SigningKey.from_seed(b"last".ljust(32))
"""Votes after all changes."""


class Crowd:
    """Voters who cast one ballot after the other at the nodes of agencies 1 to 3; keeps what was acknowledged."""

    def __init__(self, network: Localnet, context: Hash) -> None:
        self.acknowledged: list[bytes] = []
        self._network = network
        self._context = context
        self._answers = elections.shipped().answers[0]

    async def cast_ballots(self) -> None:
        """Until cancelled, or all have voted; a node that is down takes none."""
        async with contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(Client(self._network.api_url(n))) for n in (1, 2, 3)]
            for number, voter in enumerate(VOTERS):
                ballot = Ballot(POLL, 0, self._answers)
                raw = make_transaction(ballot, voter, self._network.genesis.hash, self._context)
                with contextlib.suppress(MvchainError):
                    answer = await clients[number % 3].submit([raw])
                    if answer.items[0].error is None:
                        self.acknowledged.append(raw)
                await asyncio.sleep(PAUSE_S)


async def until(read: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """What `read` gives once it is as wanted; nodes that are down are asked again."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            with contextlib.suppress(MvchainError):
                if wanted(found := await read()):
                    return found
            await asyncio.sleep(0.05)


class Council:
    """The agencies: who proposes does so at the command line, and so is the first approval."""

    def __init__(self, network: Localnet, client: Client) -> None:
        self._network = network
        self._client = client
        self._approved: dict[str, Any] = {}

    async def decide(self, *action: object, by: tuple[int, ...]) -> dict[str, Any]:
        """The first proposes, the others approve; the proposal that has taken effect."""
        first, *others = by
        proposed = await self._act(first, "propose", *action)
        number = proposed["proposal"]
        if not self._approved:
            self._approved = await self._act(others.pop(0), "approve", number)
        for agency in others:
            operator = Operator(self._client, self._network.key(agency, "agency"), self._network.genesis)
            await operator.agree(ProposalNumber(number))
        found: dict[str, Any] = await until(
            lambda: self._client.proposal(number), lambda proposal: proposal["state"] == "executed"
        )
        return found

    async def _act(self, agency: int, *arguments: object) -> dict[str, Any]:
        home, api = self._network.home(agency).path, self._network.api_url(1)
        return await mvchain("governance", *arguments, "--home", home, "--api", api)

    async def agency(self, number: int) -> dict[str, Any]:
        agencies: list[dict[str, Any]] = (await self._client.agencies())["agencies"]
        return agencies[number - 1]

    async def signed(self, number: int) -> None:
        """Once the agency's present validator key stands in a block's last commit."""
        await until(lambda: self.agency(number), lambda agency: agency["tenures"][-1]["proven"])


@contextlib.asynccontextmanager
async def running(home: Path, log: Path) -> AsyncIterator[None]:
    with log.open("wb") as file:
        node = await asyncio.create_subprocess_exec(*NODE_COMMAND, str(home), stdin=PIPE, stderr=file)
    try:
        yield
    finally:
        node.terminate()
        await node.wait()


async def test_agencies_come_change_and_go_under_load(tmp_path: Path) -> None:
    make_localnet(tmp_path / "network", 4)
    network = Localnet(tmp_path / "network")
    home = newcomer(tmp_path, network)
    fifth_api = f"http://{load_settings(home.settings).api.listen}"
    definition = elections.shipped().at(network.genesis.genesis_time_ms)
    async with network, Client(network.api_url(1)) as client:
        await network.wait_ready()
        await open_poll(network, client, definition, [voter.tagged for voter in (*VOTERS, LAST)], Narrator())
        crowd = Crowd(network, definition_hash(encode_definition(definition)))
        voting = asyncio.create_task(crowd.cast_ballots())
        try:
            await until(client.status, lambda status: status["snapshots"])
            genesis = network.home(1).genesis
            await mvchain(*("join", "--home", home.path, "--genesis", genesis, "--hash", network.genesis.hash.hex()))
            nodes = [part for url in map(network.api_url, (1, 3)) for part in ("--node", url)]
            async with (
                running(home.path, tmp_path / "node.log"),
                light_client(*nodes, "--genesis", genesis, "--listen", "127.0.0.1:0") as light,
            ):
                listening = (await light.until(lambda line: "listening" in line))["listening"]
                await is_up(fifth_api)
                old = await await_receipt(client, sha256(crowd.acknowledged[0]))
                await _change_everything(Council(network, client), network, home.entry)
                await _compare(network, client, crowd, fifth_api, voting)
                height = (await client.status())["height"]
                await light.until(lambda line: line.get("height", 0) >= height)
                context = definition_hash(encode_definition(definition))
                answers = elections.shipped().answers[0]
                ballot = await cast_ballot(client, LAST, network.genesis.hash, context, POLL, answers)
                new = await await_receipt(client, ballot)
                async with Client(listening) as proxy:
                    assert decode_receipt(await proxy.receipt(ballot)).result == decode_receipt(new).result
            _verify(old, new, network.genesis)
        finally:
            voting.cancel()


def _verify(old: bytes, new: bytes, genesis: Genesis) -> None:
    """Offline, against the genesis file alone: a receipt of before all changes, and one of after them."""
    assert decode_receipt(old).handovers == ()
    assert decode_receipt(new).handovers != ()
    assert verify_receipt(old, genesis).vouchers.later == ()
    vouchers = verify_receipt(new, genesis).vouchers
    assert (len(vouchers.vouching) + len(vouchers.later), vouchers.agencies) == (3, 4)
    assert {agency.number for agency in vouchers.vouching} <= {1, 3}
    assert vouchers.later  # of agencies 2 and 5, whose keys genesis does not know


async def _change_everything(council: Council, network: Localnet, entry: Path) -> None:
    joined = await council.decide("add-agency", entry, by=(1, 2, 3))
    assert joined["validators_from"] == joined["ended_height"] + 2
    await council.signed(5)

    request, second = network.home(2).path / "request.json", network.home(2).path
    made = await mvchain("keys", "next", "--home", second, "--out", request)
    await network.kill(2)
    await network.restart(2)
    await is_up(network.api_url(2))
    await council.decide("rotate-keys", request, by=(2, 1, 3, 4))
    await council.signed(2)
    agency = await council.agency(2)
    assert {name: agency[f"{name}_key"] for name in ("agency", "validator", "node")} == {
        "agency": made["keys"]["agency"],
        "validator": made["keys"]["validator"][2:],
        "node": made["keys"]["node"][2:],
    }
    # Its node goes over to the new node key by itself, and the others take it.
    await until(lambda: council.agency(2), lambda agency: agency["connected"])

    await council.decide("set-params", "heartbeat_ms=2000", "max_units=4500", by=(2, 1, 3, 4))
    await council.decide("remove-agency", 4, by=(2, 1, 3, 4))
    # The others drop it once it has nothing to sign any more (N7).
    removed = await until(lambda: council.agency(4), lambda agency: not agency["connected"])
    assert (removed["in_force"], removed["tenures"][-1]["until_height"] is not None) == (False, True)


async def _compare(
    network: Localnet, client: Client, crowd: Crowd, fifth_api: str, voting: "asyncio.Task[None]"
) -> None:
    """All nodes have one app hash, the removed one as far as it came; all that was acknowledged is in a block."""
    status = await client.status()
    await until(client.status, lambda later: later["height"] >= status["height"] + 3)
    voting.cancel()
    for raw in crowd.acknowledged:
        await await_committed(client, sha256(raw))
    assert len(crowd.acknowledged) > 50
    height = (await client.status())["height"]
    async with contextlib.AsyncExitStack() as stack:
        urls = [*(network.api_url(n) for n in (1, 2, 3, 4)), fifth_api]
        nodes = [await stack.enter_async_context(Client(url)) for url in urls]
        for node in (*nodes[:3], nodes[4]):
            await until(node.status, lambda found: found["height"] >= height)
            hashes = [(await one.block(height))["app_hash"] for one in (node, client)]
            assert hashes[0] == hashes[1]
        gone = (await nodes[3].status())["height"]
        left_at = (await client.agencies())["agencies"][3]["tenures"][-1]["until_height"]
        assert gone >= left_at - 1
        assert (await nodes[3].block(left_at - 1))["hash"] == (await client.block(left_at - 1))["hash"]
        block = (await client.block(height))["commit"]["validators"]
        assert 3 <= len(block) <= 4
        checks = [await node.status() for node in (*nodes[:3], nodes[4])]
        assert [found["agency"] for found in checks] == [1, 2, 3, 5]
