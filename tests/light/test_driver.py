"""The light client over real sockets: several nodes at once, one of which lies or dies."""

import contextlib
import time
from collections.abc import Iterator

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadProof
from mvchain.core.types import TimeMs
from mvchain.light.client import Divergence, LightClient, Notice, Source, Standing
from mvchain.light.driver import Driver, Fetcher
from mvchain.light.fetch_http import HttpNode
from mvchain.light.fetch_rpc import RpcNode
from mvchain.light.rules import Rules
from mvchain.light.transport import parse_address
from mvchain.light.trust import TrustStore
from tests.light.helpers import make_chain
from tests.light.light_chain import GENESIS, OTHER_KEYS, fork_of, make_light_chain
from tests.light.little_server import LittleNode, serving

CHAIN = make_light_chain(30)
FORK = fork_of(CHAIN, 20, 30)
PHANTOMS = fork_of(CHAIN, 20, 30, lambda height: make_chain().keys if height < 20 else OTHER_KEYS)


@contextlib.contextmanager
def following(*nodes: LittleNode, rpc: bool = False) -> Iterator[tuple[LightClient, Driver, list[Notice]]]:
    """A client of these nodes, and what it reports; sources are their addresses."""
    with contextlib.ExitStack() as stack:
        fetchers: dict[Source, Fetcher] = {}
        for node in nodes:
            url = stack.enter_context(serving(node))
            fetchers[Source(url)] = RpcNode(parse_address(url)) if rpc else HttpNode(parse_address(url))
        notices: list[Notice] = []
        client = LightClient(TrustStore(GENESIS), tuple(fetchers), Rules(), notices.append)
        yield client, Driver(fetchers), notices


def test_the_chain_made_by_hand_is_of_the_past() -> None:
    """The driver knows the real time."""
    assert CHAIN[30].time_ns < time.time_ns()
    assert GENESIS.genesis_time_ms < TimeMs(time.time_ns() // 1_000_000)


@pytest.mark.parametrize("rpc", [False, True])
async def test_following(rpc: bool) -> None:
    nodes = LittleNode(CHAIN, newest=10), LittleNode(CHAIN, newest=10), LittleNode(CHAIN, newest=10)
    with following(*nodes, rpc=rpc) as (client, driver, notices):
        assert await driver.run(client.advance()) == CHAIN[10]
        for node in nodes:
            node.newest = 30
        assert await driver.run(client.advance()) == CHAIN[30]
        assert await driver.run(client.advance()) == CHAIN[30]
    assert notices == []
    assert [block.height for block in client.store] == [10, 30]


@pytest.mark.parametrize("rpc", [False, True])
async def test_a_lying_primary_is_caught_by_an_honest_witness(rpc: bool) -> None:
    with (
        following(LittleNode(FORK), LittleNode(CHAIN), LittleNode(FORK), rpc=rpc) as (client, driver, _),
        pytest.raises(Divergence) as caught,
    ):
        await driver.run(client.advance())
    assert (caught.value.first, caught.value.second) == (FORK[30], CHAIN[30])
    assert list(client.store) == []


@pytest.mark.parametrize("rpc", [False, True])
async def test_a_lying_primary_without_the_keys_is_dropped(rpc: bool) -> None:
    with following(LittleNode(PHANTOMS), LittleNode(CHAIN), LittleNode(CHAIN), rpc=rpc) as (client, driver, notices):
        assert await driver.run(client.advance()) == CHAIN[30]
    [notice] = notices
    assert notice.standing is Standing.DROPPED
    assert notice.reason is not None
    assert notice.reason.cause is codes.NOT_NEXT_VALIDATORS
    assert notice.source not in client.order


async def test_a_primary_that_dies_is_replaced() -> None:
    with serving(LittleNode(CHAIN)) as dead:
        pass
    with serving(LittleNode(CHAIN)) as second, serving(LittleNode(CHAIN)) as third:
        nodes = {Source(url): HttpNode(parse_address(url)) for url in (dead, second, third)}
        notices: list[Notice] = []
        client = LightClient(TrustStore(GENESIS), tuple(nodes), Rules(), notices.append)
        assert await Driver(nodes).run(client.advance()) == CHAIN[30]
    assert [(notice.source, notice.standing) for notice in notices] == [(dead, Standing.FAILING)]
    assert client.order[0] == second


async def test_a_witness_that_is_a_moment_behind_is_waited_for() -> None:
    class CatchingUp(LittleNode):
        def __call__(self, connection: object) -> None:
            super().__call__(connection)  # type: ignore[arg-type]
            self.newest = 30

    with following(LittleNode(CHAIN), CatchingUp(CHAIN, newest=29)) as (client, driver, notices):
        assert await driver.run(client.advance()) == CHAIN[30]
    assert notices == []


async def test_a_node_of_another_chain() -> None:
    other = make_chain(4, "other-2026").genesis
    with following(LittleNode(CHAIN), LittleNode(CHAIN)) as (client, driver, _):
        stranger = LightClient(TrustStore(other), tuple(client.standings), Rules(), lambda _: None)
        with pytest.raises(BadProof) as caught:
            await driver.run(stranger.advance())
    assert caught.value.cause is codes.NO_GOOD_NODE
    assert "of chain" in caught.value.detail
