"""Schedules written out on whole nodes: silence (S6, S7) and twins in every way to split a network in two (S12)."""

from collections.abc import Iterator

import pytest

from mvchain.ledger.genesis import ConsensusParams
from mvchain.node.wire import CompactProposal, Endorsements
from mvchain.sim.network import halves
from mvchain.sim.signatures import provider
from tests.node.cluster import Cluster, header_of

QUICK = ConsensusParams(
    heartbeat_ms=200,
    propose_timeout_ms=100,
    propose_timeout_delta_ms=50,
    step_timeout_ms=50,
    step_timeout_delta_ms=50,
)


@pytest.fixture(autouse=True)
def _cheap_signatures() -> Iterator[None]:
    with provider(real=False):
        yield


def test_s6_with_more_than_f_silent_nothing_is_decided_until_one_returns() -> None:
    cluster = Cluster(4, seed=1, params=QUICK).boot()
    cluster.reach(3)
    silent = cluster.nodes[:2]
    for node in silent:
        node.alter = lambda message, to: () if isinstance(message, Endorsements) else (message,)
    cluster.run_for(50)
    before = max(node.height for node in cluster.nodes)
    cluster.run_for(20_000)
    assert {node.height for node in cluster.nodes} == {before}
    assert all(node.is_up for node in cluster.nodes)
    silent[0].alter = None
    cluster.reach(before + 5, limit_ms=20_000)


def test_s7_one_proposer_of_four_is_enough() -> None:
    """The other three endorse and never show a proposal: the chain goes on at the fourth's turns."""
    cluster = Cluster(4, seed=1, params=QUICK).boot()
    for node in cluster.nodes[:3]:
        node.alter = lambda message, to: () if isinstance(message, CompactProposal) else (message,)
    cluster.reach(8, limit_ms=120_000)
    shown = {header_of(cluster.node(4), height).proposer_address for height in range(1, 9)}
    assert shown == {cluster.node(4).address}


def test_s2_a_minority_commits_nothing() -> None:
    """A node alone decides nothing, and two of four neither."""
    for left in ({1}, {1, 2}):
        cluster = Cluster(4, seed=1, params=QUICK).boot()
        cluster.reach(2)
        cluster.network.cut = halves(left, {1, 2, 3, 4} - left)
        cluster.run_for(100)
        heights = [cluster.node(number).height for number in left]
        cluster.run_for(5_000)
        assert [cluster.node(number).height for number in left] == heights
        cluster.network.heal()
        cluster.reach(max(node.height for node in cluster.nodes) + 2)


SPLITS = [{1} | {node for node in (2, 3, 4) if bits >> node & 1} for bits in range(0, 32, 4)]
"""The eight ways to put the other three nodes with node 1, or with its twin."""


@pytest.mark.parametrize("first", range(len(SPLITS)))
def test_s12_a_twin_forks_nothing_however_the_network_splits(first: int) -> None:
    """Node 1 and its twin are never together: all pairs of splits of the other three, one after the other."""
    for second in range(len(SPLITS)):
        cluster = Cluster(4, seed=first * 8 + second, params=QUICK)
        twin = cluster.add_twin(1)
        twin.shameless = cluster.node(1).shameless = True
        cluster.faulty.add(twin.address)
        cluster.boot()
        everybody = {node.id for node in cluster.everybody}
        for split in (SPLITS[first], SPLITS[second]):
            cluster.network.cut = halves(split, everybody - split)
            cluster.run_for(700)
        cluster.network.heal()
        honest = cluster.nodes[1:]
        cluster.reach(max(node.height for node in honest) + 2, honest, limit_ms=60_000)
