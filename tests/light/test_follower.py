"""A light client that runs: what it reports and keeps on the way, and when it stops."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadProof, MvchainError
from mvchain.core.types import Height
from mvchain.light import follower as module
from mvchain.light import transport
from mvchain.light.blocks import LightBlock
from mvchain.light.client import Divergence, LightClient, Source
from mvchain.light.fetch_http import HttpNode
from mvchain.light.fetch_rpc import RpcNode
from mvchain.light.follower import Follower
from mvchain.light.rules import NS_PER_HOUR, Rules, TrustLevel
from mvchain.light.transport import parse_address
from mvchain.light.trust import Checkpoint, Root, TrustStore, decode_trust
from tests.light.light_chain import GENESIS, LightChain, extend, fork_of, make_light_chain, rotating_keys
from tests.light.little_server import LittleNode, serving

CHAIN = make_light_chain(12)
FORK = fork_of(CHAIN, 8, 12)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks again at once."""
    monkeypatch.setattr(module, "FOLLOW_S", 0)


class Log:
    """What a follower reports, and an event for each."""

    def __init__(self) -> None:
        self.blocks: asyncio.Queue[LightBlock] = asyncio.Queue()
        self.troubles: asyncio.Queue[MvchainError] = asyncio.Queue()
        self.saved: list[bytes] = []


@contextlib.contextmanager
def running(
    *nodes: LittleNode,
    root: Root = GENESIS,
    rules: Rules | None = None,
    sequential: bool = False,
    make_node: type[HttpNode | RpcNode] = HttpNode,
) -> Iterator[tuple[Follower, Log]]:
    """A follower of these nodes."""
    log = Log()
    with contextlib.ExitStack() as stack:
        sources: dict[Source, HttpNode | RpcNode] = {}
        for node in nodes:
            url = stack.enter_context(serving(node))
            sources[Source(url)] = make_node(parse_address(url))
        store = TrustStore(root)
        client = LightClient(store, tuple(sources), rules or Rules(), lambda _: None, sequential=sequential)
        yield Follower(client, sources, GENESIS, log.saved.append), log


@contextlib.asynccontextmanager  # type: ignore[arg-type]
async def following(follower: Follower, log: Log) -> Iterator[asyncio.Task[None]]:  # type: ignore[misc]
    """It follows, in the background."""
    task = asyncio.create_task(follower.follow(log.blocks.put_nowait, log.troubles.put_nowait))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, MvchainError):
            await task


async def test_it_reports_each_newest_block() -> None:
    nodes = LittleNode(CHAIN, newest=3), LittleNode(CHAIN, newest=3)
    with running(*nodes) as (follower, log):
        async with following(follower, log):
            assert await log.blocks.get() == CHAIN[3]
            for newest in (4, 9, 12):
                for node in reversed(nodes):  # the witness first, so that nobody is behind
                    node.newest = newest
                assert await log.blocks.get() == CHAIN[newest]
    assert log.troubles.empty()
    kept = decode_trust(log.saved[-1], GENESIS, TrustLevel())
    assert [block.height for block in kept] == [3, 4, 9, 12]
    assert len(log.saved) == 4


@pytest.mark.parametrize("make_node", [HttpNode, RpcNode])
async def test_it_follows_members_who_change_and_remembers_them(make_node: type[HttpNode | RpcNode]) -> None:
    """One of four keys is replaced every ten blocks: at the end nobody of genesis is left."""
    chain = extend(LightChain(GENESIS, ()), 60, rotating_keys)
    nodes = LittleNode(chain, newest=5), LittleNode(chain, newest=5)
    with running(*nodes, make_node=make_node) as (follower, log):
        async with following(follower, log):
            assert await log.blocks.get() == chain[5]
            for newest in (12, 23, 60):
                for node in reversed(nodes):
                    node.newest = newest
                assert await log.blocks.get() == chain[newest]
        assert await follower.block_at(Height(31)) == chain[31]
    assert log.troubles.empty()
    kept = decode_trust(log.saved[-1], GENESIS, TrustLevel())
    # Too many members changed between blocks 23 and 60 to go from one to the other: the later is fetched again.
    assert [block.height for block in kept] == [5, 12, 23]


async def test_it_reports_what_keeps_it_from_going_on_once() -> None:
    nodes = LittleNode(CHAIN, newest=0), LittleNode(CHAIN, newest=0)
    with running(*nodes) as (follower, log):
        async with following(follower, log):
            assert (await log.troubles.get()).cause is codes.BLOCK_UNKNOWN
            for node in reversed(nodes):
                node.newest = 5
            assert await log.blocks.get() == CHAIN[5]
    assert log.troubles.empty()


async def test_sequential_goes_on_while_more_blocks_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a pause between two looks before it has come to the newest."""
    chain = make_light_chain(230)
    paused_at: list[int] = []
    sleep = asyncio.sleep
    with running(LittleNode(chain), LittleNode(chain), sequential=True) as (follower, log):

        async def pause(_seconds: float) -> None:
            newest = follower.client.store.newest
            paused_at.append(newest.height if newest else 0)
            await sleep(0)

        monkeypatch.setattr(asyncio, "sleep", pause)
        monkeypatch.setattr(transport, "DEADLINE_S", 60)  # on a busy machine a node that is late would be a trouble
        await follower.advance()
        async with following(follower, log):
            assert [(await log.blocks.get()).height for _ in range(2)] == [200, 230]
    assert log.troubles.empty()
    assert set(paused_at) <= {230}


async def test_it_stops_at_two_truths() -> None:
    nodes = LittleNode(CHAIN, newest=5), LittleNode(CHAIN, newest=5)
    with running(*nodes) as (follower, log):
        async with following(follower, log) as task:
            assert await log.blocks.get() == CHAIN[5]
            nodes[1].chain = FORK
            for node in reversed(nodes):
                node.newest = 12
            with pytest.raises(Divergence) as caught:
                await task
        assert caught.value.common.height == 5
        for again in (follower.advance, lambda: follower.block_at(Height(5))):
            with pytest.raises(Divergence):
                await again()


async def test_it_stops_when_what_it_trusts_is_too_old() -> None:
    """It would not get better; a chain made by hand is months old."""
    rules = Rules(trusting_period_ns=NS_PER_HOUR)
    root = Checkpoint(Height(5), CHAIN[5].hash)
    with (
        running(LittleNode(CHAIN), LittleNode(CHAIN), root=root, rules=rules) as (follower, log),
        pytest.raises(BadProof) as caught,
    ):
        await follower.follow(log.blocks.put_nowait, log.troubles.put_nowait)
    assert caught.value.cause is codes.TRUST_EXPIRED
    assert log.blocks.empty()


async def test_one_step_at_a_time() -> None:
    """Requests of many at once do not meet each other in the core."""
    with running(LittleNode(CHAIN), LittleNode(CHAIN)) as (follower, _):
        found = await asyncio.gather(*(follower.block_at(Height(1 + i % 12)) for i in range(48)))
    assert found == [CHAIN[1 + i % 12] for i in range(48)]
