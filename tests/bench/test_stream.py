"""mvchain.bench.stream: ballots one by one, each until it is acknowledged, against the real ledger."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import pytest_asyncio

from mvchain.api.client import Client
from mvchain.api.limits import ApiLimits
from mvchain.api.server import ApiServer
from mvchain.bench import stream as module
from mvchain.bench.stage import Stage
from mvchain.bench.stream import Stream
from mvchain.demo.preparation import SignedBallot
from mvchain.demo.progress import Narrator
from mvchain.ledger.transactions import Kind
from tests.api.ledger_node import LedgerNode
from tests.ledger.state_helpers import World

VOTERS = [f"voter{number}" for number in range(12)]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER_S", 0)


@pytest.fixture
def node() -> LedgerNode:
    world = World(approvals=1)
    world.staff()
    world.open_poll(VOTERS)
    return LedgerNode(world)


@pytest_asyncio.fixture
async def stage(node: LedgerNode) -> AsyncIterator[Stage]:
    """A stage of one node, asked by two clients."""
    server = ApiServer(node, ApiLimits())  # type: ignore[arg-type]
    await server.start("127.0.0.1", 0)
    host, port = server.address
    ballots = [node.world.ballot(1, voter, 0) for voter in VOTERS]
    signed = [SignedBallot(ballot.signer, ballot.raw) for ballot in ballots]
    async with Client(f"http://{host}:{port}") as one, Client(f"http://{host}:{port}") as two:
        yield Stage(cast(Any, None), {1: one, 2: two}, signed, Narrator())
    await server.stop()


async def test_every_ballot_is_cast_once(stage: Stage, node: LedgerNode) -> None:
    stream = Stream(stage, 10_000)
    await stream.run()
    assert len(stream.acknowledged) == len(VOTERS) == node.world.poll(1).ballots_size
    assert (stream.refused, stream.sent_again) == ({}, 0)
    assert all(one.took_ms > 0 for one in stream.acknowledged)
    assert node.requests == [[Kind.BALLOT]] * len(VOTERS)


async def test_a_busy_node_is_asked_again(stage: Stage, node: LedgerNode) -> None:
    node.room = [0, 0, 0]
    stream = Stream(stage, 10_000)
    await stream.run()
    assert len(stream.acknowledged) == node.world.poll(1).ballots_size == len(VOTERS)
    assert stream.sent_again == 3
    assert len(node.requests) == len(VOTERS) + 3


async def test_but_not_for_ever(stage: Stage, node: LedgerNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRIES", 2)
    node.room = [0] * 2 * len(VOTERS)
    stream = Stream(stage, 10_000)
    await stream.run()
    assert (stream.acknowledged, stream.refused.total(), stream.sent_again) == ([], len(VOTERS), len(VOTERS))


async def test_a_refusal_is_final(stage: Stage, node: LedgerNode) -> None:
    """Of a voter who is not on the roll."""
    ballot = node.world.ballot(1, "stranger", 0)
    ballots = [SignedBallot(ballot.signer, ballot.raw), *stage.ballots[:2]]
    stream = Stream(Stage(stage.network, stage.clients, ballots, stage.narrator), 10_000)
    await stream.run()
    assert (len(stream.acknowledged), stream.refused.total(), stream.sent_again) == (2, 1, 0)
    assert len(node.requests) == 3


async def test_it_stops_when_told_to(stage: Stage, node: LedgerNode) -> None:
    """Before the first ballot is sent, which waits for its time."""
    stream = Stream(stage, 1)
    running = asyncio.create_task(stream.run())
    asyncio.get_running_loop().call_soon(stream.stop)
    await running
    assert (stream.acknowledged, node.requests) == ([], [])
