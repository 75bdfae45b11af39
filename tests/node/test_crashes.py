"""Crashes at every persistence call, power cuts, lost and rolled back sign guards (faults section 4, S14 to S16, S19).

Each run starts with the same seed, so that the k-th disk call is the same one until the crash. After it the chain has
to go on, nobody may have signed twice, and what was acknowledged ends.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

import pytest

from mvchain.core.hashing import sha256
from mvchain.core.types import Height, Round
from mvchain.ledger.endorsements import Endorsement, Kind
from mvchain.node import rejoin, signing
from mvchain.node.memory import MemoryStore
from mvchain.node.ports import STEP_PRECOMMIT, Position
from mvchain.node.rejoin import SILENT_HEIGHTS
from mvchain.node.wire import CompactProposal, Endorsements, Message, Status
from mvchain.sim.disk import Failure, SimulatedDisk
from mvchain.sim.signatures import provider
from tests.node.cluster import (
    Cluster,
    Election,
    Node,
    chain_of,
    ended,
    grow,
    guard_of,
    put_guard,
    signs_at,
)
from tests.node.storage_helpers import AFTERMATHS


@pytest.fixture(autouse=True)
def _cheap_signatures() -> Iterator[None]:
    with provider(real=False):
        yield


def cast(cluster: Cluster) -> None:
    """A poll and two ballots through different nodes, by clients that send the same bytes until they are received."""
    election = Election(cluster.genesis, 2)
    wanted = [(cluster.nodes[0], raw) for raw in election.set_up]
    wanted += [(cluster.nodes[0], election.ballot(0)), (cluster.nodes[-1], election.ballot(1))]

    def send() -> None:
        for node, raw in wanted:
            if node.is_up and sha256(raw) not in node.acknowledged:
                node.submit(raw)
        if not all(sha256(raw) in node.acknowledged for node, raw in wanted):
            cluster.after(50, send)

    send()


def finished(cluster: Cluster) -> bool:
    """All seven transactions are committed everywhere, and nobody is down."""
    return all(node.is_up and len(node.store._locations) == 7 for node in cluster.nodes)


def run_with_crash(n: int, crashing: Collection[int], at: int | None, pick: Callable[[int], int]) -> Cluster:
    """One run; the power of these nodes goes before disk call `at`, from 1; disks are found as `pick` says."""
    cluster = Cluster(n, seed=1)
    cluster.pick = pick
    for number in crashing:
        if at is not None:
            cluster.node(number).disk.fail_in(at, Failure.CUT_BEFORE)
    cluster.boot()
    cast(cluster)
    cluster.run(lambda: finished(cluster), limit_ms=120_000)
    return cluster


def points(n: int, number: int, step: int) -> Iterator[tuple[int, Callable[[int], int]]]:
    """Every `step`-th disk call, with what is left of the unsynced bytes in turn: nothing, all, half (S16).

    Before the next call is after this one, so both sides of each are among them.
    """
    start = Cluster(n).node(number).disk.calls
    calls = run_with_crash(n, [number], None, lambda n: 0).node(number).disk.calls - start
    for i, at in enumerate(range(1, calls + 1, step)):
        yield at, AFTERMATHS[i % 3][1]


@pytest.mark.parametrize(("number", "step", "least"), [(1, 1, 150), (4, 3, 40)])
def test_a_node_crashes_at_every_disk_call(number: int, step: int, least: int) -> None:
    """S14; CP1 to CP15, CP21 to CP24: the first node takes the administrative transactions, the fourth a ballot."""
    count = 0
    for at, pick in points(4, number, step):
        assert run_with_crash(4, [number], at, pick).crashes == 1, at
        count += 1
    assert count >= least


def test_all_nodes_crash_at_the_same_disk_call() -> None:
    """S15: the power of all agencies goes."""
    for at, pick in points(4, 1, 2):
        assert run_with_crash(4, [1, 2, 3, 4], at, pick).crashes >= 1, at


def test_a_lone_node_crashes_at_every_disk_call() -> None:
    for at, pick in points(1, 1, 1):
        assert run_with_crash(1, [1], at, pick).crashes == 1, at


def test_a_node_that_catches_up_crashes_at_every_disk_call() -> None:
    """CP17: no gap, no block applied twice."""

    def catch_up(at: int | None, pick: Callable[[int], int]) -> Cluster:
        cluster = Cluster(4, seed=1).boot(4)
        cluster.pick = pick
        cast(cluster)
        cluster.run(lambda: all(node.height >= 3 for node in cluster.nodes[:3]))
        away = cluster.node(4)
        if at is not None:
            away.disk.fail_in(at, Failure.CUT_BEFORE)
        away.boot()
        cluster.run(lambda: finished(cluster))
        return cluster

    calls = catch_up(None, lambda n: 0).node(4).disk.calls - Cluster(4).node(4).disk.calls
    for at in range(1, calls + 1, 3):
        assert catch_up(at, AFTERMATHS[at // 3 % 3][1]).crashes == 1, at


# --- power cuts at chosen moments ---


@pytest.mark.parametrize("what", ["prevote", "precommit", "proposal"])
def test_a_power_cut_of_all_heals_by_itself(what: str) -> None:
    """N5: all go down once all have sent their precommits (prevotes, the proposal), and nobody has received any."""
    cluster = Cluster(4, seed=3).boot()
    held: set[int] = set()

    def drop(node: Node, message: Message) -> tuple[Message, ...]:
        is_it = isinstance(message, CompactProposal) if what == "proposal" else _kind(message) == what
        if is_it and node.height == 1:
            held.add(node.number)
            return ()
        return (message,)

    for node in cluster.nodes:
        node.alter = lambda message, to, node=node: drop(node, message)  # type: ignore[misc]
    election = Election(cluster.genesis, 3)
    cluster.nodes[0].submit(*election.set_up)
    cluster.run(lambda: len(held) == (1 if what == "proposal" else 4))
    for node in cluster.nodes:
        node.go_down(lambda n: 0)
    cluster.clock.clear()
    for node in cluster.nodes:
        node.alter = None
        node.boot()
    start_ms = cluster.now_ms
    cluster.reach(2)
    assert cluster.now_ms - start_ms < 3_000


def _kind(message: Message) -> str:
    from mvchain.ledger.endorsements import Endorsement

    return Endorsement.decode(message.items[0]).kind.name.lower() if isinstance(message, Endorsements) else ""


def test_a_proposer_that_crashed_proposes_the_same_block_again() -> None:
    """NS: signed, not sent; the others get this very proposal after the restart."""
    cluster = Cluster(4, seed=3).boot()
    election = Election(cluster.genesis, 3)
    proposer = cluster.proposer(1)
    lost: list[CompactProposal] = []

    def lose(message: Message, to: Node) -> tuple[Message, ...]:
        if isinstance(message, CompactProposal):
            lost.append(message)
            return ()
        return (message,)

    proposer.alter = lose
    # From another node, so that after the restart its own pool is empty and only the log has the block.
    next(node for node in cluster.nodes if node is not proposer).submit(*election.set_up)
    cluster.run(lambda: bool(lost))
    proposer.alter = lambda message, to: (message,)
    proposer.go_down(lambda n: 0)
    proposer.boot()
    cluster.reach(1)
    assert proposer.store.block(Height(1)).header == lost[0].header  # type: ignore[union-attr]


# --- the sign guard (N4) ---


@pytest.mark.parametrize("heights", [1, 2, 10])
@pytest.mark.parametrize("backup", ["none", "rolled back"])
def test_a_guard_that_is_lost_or_rolled_back_keeps_silent_for_so_many_heights(
    monkeypatch: pytest.MonkeyPatch, backup: str, heights: int
) -> None:
    """S19, ATK19: it watches ten heights, or as many as it is told, one being one; then it signs again."""
    assert rejoin.SILENT_HEIGHTS == 10
    for module in (rejoin, signing):
        monkeypatch.setattr(module, "SILENT_HEIGHTS", heights)
    cluster = Cluster(4, seed=2).boot()
    cluster.network.delay_ms = 1  # nobody is ever late: blocks that it has to fetch would make the silence longer
    node = cluster.node(3)
    old = guard_of(node)
    election = chain_of(cluster, 6)
    cluster.run_for(3_000)
    node.go_down(lambda n: n)
    put_guard(node, old if backup == "rolled back" else None)
    before = signs_at(cluster, node)
    node.boot()
    cluster.run_for(1_000)
    start = node.replica.machine.height
    assert not node.replica.signing.state()[0]
    grow(cluster, election, start + heights + 3)
    assert signs_at(cluster, node) - before == set(range(start + heights, max(signs_at(cluster, node)) + 1))
    assert node.replica.signing.state() == (True, "signs as a validator")


def test_what_peers_have_in_their_logs_alone_keeps_a_rolled_back_validator_silent() -> None:
    """N4: all lose power, and one disk comes back as it was before its prevote of the height being decided."""
    cluster = Cluster(4, seed=2).boot()
    node = cluster.node(3)
    election = chain_of(cluster, 6)
    cluster.run_for(3_000)
    old, height = guard_of(node), node.replica.machine.height
    for each in cluster.nodes:
        each.alter = without_precommits
    cluster.nodes[0].submit(election.ballot(29))
    locked = Position(height, Round(0), STEP_PRECOMMIT)
    cluster.run(lambda: all(each.guard.position >= locked for each in cluster.nodes))
    for each in cluster.nodes:
        each.go_down(lambda n: n)
        each.alter = lambda message, to: (message,) if to is node else ()  # so that no other takes part yet
    node.alter = None
    put_guard(node, old)
    for each in cluster.nodes:
        each.boot()
    cluster.run(lambda: node.dispatch.clearance.question is None)
    assert not node.replica.signing.state()[0]
    for each in cluster.nodes:
        each.alter = lambda message, to: (message,)
    cluster.reach(height)


def without_precommits(message: Message, to: Node) -> tuple[Message, ...]:
    if not isinstance(message, Endorsements):
        return (message,)
    items = tuple(item for item in message.items if Endorsement.decode(item).kind == Kind.PREVOTE)
    return (Endorsements(items),) if items else ()


def test_an_operator_can_vouch_that_no_other_copy_signed() -> None:
    cluster = Cluster(4, seed=2).boot()
    node = cluster.node(3)
    chain_of(cluster, 6)
    cluster.run_for(3_000)
    node.go_down(lambda n: n)
    put_guard(node, None)
    node.vouched = True
    node.boot()
    cluster.run_for(1_000)
    assert node.replica.signing.state()[0]


def test_blocks_of_the_past_do_not_shorten_the_silence() -> None:
    """A disk that is rolled back as a whole, state and all, counts from where the chain is, not from where it was."""
    cluster = Cluster(4, seed=2).boot(3)
    node = cluster.node(3)
    election = chain_of(cluster, 15)
    node.disk = SimulatedDisk()  # a new one: neither guard nor blocks
    node.store = MemoryStore(node.disk)
    node.boot()
    cluster.run(lambda: node.height >= 15)
    cluster.run_for(1_000)
    assert not node.replica.signing.state()[0]
    start = node.replica.machine.height
    assert not signs_at(cluster, node)
    grow(cluster, election, start + SILENT_HEIGHTS + 3)
    assert min(signs_at(cluster, node)) >= start + SILENT_HEIGHTS


def test_an_ordinary_restart_signs_at_once_however_long_it_was_away() -> None:
    cluster = Cluster(4, seed=2).boot()
    node = cluster.node(3)
    election = chain_of(cluster, 4)
    cluster.run_for(3_000)
    node.go_down(lambda n: 0)
    grow(cluster, election, 16)
    node.boot()
    cluster.reach(16)
    cluster.run(lambda: node.replica.signing.state()[0], limit_ms=200)


def test_a_received_ballot_survives_a_crash_of_its_node_and_is_committed() -> None:
    """CP22, N6: synced and answered, but nobody else has it."""
    cluster = Cluster(4, seed=2).boot()
    election = chain_of(cluster, 3)
    node = cluster.node(2)
    cluster.run_for(3_000)
    node.alter = lambda message, to: ()
    ballot = election.ballot(29)
    assert node.submit(ballot) == [None]
    node.go_down(lambda n: 0)
    node.alter = None
    node.boot()
    cluster.run(lambda: ended(node))
    assert node.store.tx_location(sha256(ballot)) is not None


def test_two_liars_of_seven_do_not_silence_a_validator_that_restarts() -> None:
    """S21: their heights are all that it hears of; if it believed them, four could not go on without it."""
    cluster = Cluster(7, seed=2).boot()
    node, *liars = (cluster.node(number) for number in (5, 3, 7))
    cluster.faulty.update(liar.address for liar in liars)
    cluster.run_for(100)
    node.go_down(lambda n: n)

    def lie(message: Message, to: Node) -> tuple[Message, ...]:
        if not isinstance(message, Status):
            return (message,)
        ahead = Height(message.height + 5)
        return (replace(message, holdings=replace(message.holdings, height=ahead), base_height=Height(1)),)

    for other in cluster.nodes:
        other.alter = lambda message, to: () if to is node and isinstance(message, Status) else (message,)
    for liar in liars:
        liar.alter = lie
    node.boot()
    cluster.run(lambda: node.replica.signing.state()[1] == "signs as a validator", limit_ms=5_000)
