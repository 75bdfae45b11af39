"""The production replica in clusters on memory disks: elections, when blocks are made, catching up, durability."""

from functools import lru_cache
from typing import Any

import pytest

from mvchain.consensus.machine import Phase
from mvchain.core import codes, keys
from mvchain.core.errors import MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.types import Height
from mvchain.ledger.blocks import Commit, Flag
from mvchain.ledger.genesis import ConsensusParams
from mvchain.ledger.records import PollState
from mvchain.node.memory import MemoryDisk
from mvchain.node.outputs import Broadcast
from mvchain.node.wire import CompactProposal, Endorsements, Transactions
from tests.node.cluster import Cluster, Election, Node, act, ended, header_of, transactions_of

_verify = lru_cache(1 << 16)(keys.verify)
_verify_tagged = lru_cache(1 << 16)(keys.verify_tagged)


@pytest.fixture(autouse=True)
def _verify_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All nodes of a cluster verify the same signatures; the answer is worked out once."""
    monkeypatch.setattr(keys, "verify", _verify)
    monkeypatch.setattr(keys, "verify_tagged", _verify_tagged)


def is_in(state: PollState, nodes: list[Node]) -> bool:
    return all((poll := node.replica.state.poll(1)) is not None and poll.state is state for node in nodes)


def open_poll(cluster: Cluster, voters: int = 5, open_ms: int = 3_600_000) -> Election:
    """Roll and poll; returns when all that are up have it open."""
    election = Election(cluster.genesis, voters, open_ms)
    up = [node for node in cluster.nodes if node.is_up]
    assert up[0].submit(*election.set_up) == [None] * 5
    cluster.run(lambda: is_in(PollState.OPEN, up))
    return election


def submit_unpushed(node: Node, *ballots: bytes) -> list[MvchainError | None]:
    """The node takes them, and what it pushes at once is lost."""
    node.alter = lambda message, to: () if isinstance(message, Transactions) else (message,)
    verdicts = node.submit(*ballots)
    node.alter = None
    return verdicts


def settle(cluster: Cluster) -> None:
    """Until nothing happens for a while, far below the heartbeat."""
    heights = None
    while heights != (heights := [node.height for node in cluster.nodes]):
        cluster.run_for(2_000)


# --- elections ---


@pytest.mark.parametrize(("n", "seed"), [(1, 0), (2, 0), (4, 0), (4, 1), (7, 0)])
def test_an_election_from_the_roll_to_the_tally(n: int, seed: int) -> None:
    cluster = Cluster(n, seed=seed).boot()
    election = open_poll(cluster)
    for voter in range(5):
        assert cluster.nodes[voter % n].submit(election.ballot(voter, voter % 2)) == [None]
    cluster.run(lambda: all(node.replica.state.poll(1).ballots_size == 5 for node in cluster.nodes))  # type: ignore[union-attr]
    assert cluster.nodes[-1].submit(election.close) == [None]
    cluster.run(lambda: is_in(PollState.FINAL, cluster.nodes))
    settle(cluster)
    for node in cluster.nodes:
        tally = node.replica.state.stored.tally(1)  # type: ignore[arg-type]
        assert tally is not None
        assert tally.kept.questions[0].totals == (3, 2, 0)
        assert ended(node)
        assert not node.blamed
    assert len({node.height for node in cluster.nodes}) == 1


def test_one_node_decides_many_heights_in_a_loop() -> None:
    """N=1 decides at once: 1,500 heights of one transaction each are far more than the interpreter's recursion."""
    cluster = Cluster(1, params=ConsensusParams(max_units=4097)).boot()
    replica = cluster.nodes[0].replica
    forever = iter([True] * 1_500 + [False] * 10)
    replica._has_work = lambda: next(forever)  # type: ignore[method-assign]
    act(cluster.nodes[0], replica.work_arrived)
    assert cluster.nodes[0].height >= 1_499


@pytest.mark.parametrize("seed", range(4))
def test_a_lossy_network_delays_and_changes_nothing(seed: int) -> None:
    """S1: 30 % loss, half of the messages twice, up to 100 ms each."""
    cluster = Cluster(4, seed=seed)
    cluster.network.loss, cluster.network.repeats, cluster.network.delay_ms = 0.3, 0.5, 100
    cluster.boot()
    election = open_poll(cluster, voters=4)
    for voter in range(4):
        cluster.nodes[voter].submit(election.ballot(voter))
    cluster.run(lambda: all(node.replica.state.poll(1).ballots_size == 4 for node in cluster.nodes))  # type: ignore[union-attr]
    assert not any(node.blamed for node in cluster.nodes)


def test_conflicting_ballots_of_one_voter_end_in_exactly_one() -> None:
    cluster = Cluster(4).boot()
    election = open_poll(cluster)
    left, right = election.ballot(0, 0), election.ballot(0, 1)
    cluster.network.delay_ms = 200  # both are received before either node hears of the other
    assert cluster.node(2).submit(left) == [None]
    assert cluster.node(3).submit(right) == [None]
    settle(cluster)
    for node in cluster.nodes:
        places = [node.store.tx_location(sha256(raw)) for raw in (left, right)]
        assert sorted(place is None for place in places) == [False, True]
    assert all(ended(node) for node in cluster.nodes)


# --- gathering and catching up ---


def test_what_a_node_lacks_of_a_proposal_is_fetched() -> None:
    """N3: nobody but the proposer has the ballots; it is asked for them."""
    cluster = Cluster(4).boot()
    election = open_poll(cluster)
    settle(cluster)
    proposer = cluster.proposer(cluster.nodes[0].height + 1)
    before = proposer.height
    ballots = [election.ballot(voter) for voter in range(5)]
    assert submit_unpushed(proposer, *ballots) == [None] * 5
    cluster.reach(before + 1)
    assert [tx.raw for tx in transactions_of(proposer, before + 1)] == ballots
    for node in cluster.nodes:
        commit = node.store.commit(Height(before + 1))
        assert commit is not None
        assert Commit.decode(commit).round == 0


def test_if_the_sender_of_a_proposal_vanishes_others_are_asked() -> None:
    cluster = Cluster(4).boot()
    election = open_poll(cluster)
    settle(cluster)
    proposer = cluster.proposer(cluster.nodes[0].height + 1)
    helper, first, second = (node for node in cluster.nodes if node is not proposer)
    ballot = election.ballot(0)
    # The proposal leaves, and nothing else ever does; the transaction is at one other node.
    proposer.alter = lambda message, to: (message,) if isinstance(message, CompactProposal) else ()
    before = proposer.height
    submit_unpushed(helper, ballot)
    proposer.submit(ballot)
    cluster.reach(before + 1, [helper, first, second])
    assert first.store.tx_location(sha256(ballot)) == (before + 1, 0)


def test_a_node_that_was_away_catches_up_and_takes_part() -> None:
    cluster = Cluster(4).boot(4)
    election = open_poll(cluster)
    for voter in range(5):
        cluster.nodes[0].submit(election.ballot(voter))
        cluster.run_for(4_000)
    away = cluster.node(4)
    assert (away.height, away.is_up) == (0, False)
    height = cluster.nodes[0].height
    assert height > 8
    away.boot()
    cluster.reach(height)
    cluster.node(1).go_down(lambda n: n)  # now its precommit is needed
    cluster.node(2).submit(election.ballot(0, 1, revision=1))
    cluster.reach(height + 1, cluster.nodes[1:])
    assert ("precommit", height + 1) in {(key[3], key[1]) for key in cluster.signed if key[0] == away.address}


def test_a_wrong_block_from_a_peer_is_refused_and_blamed() -> None:
    cluster = Cluster(4).boot(4)
    open_poll(cluster)
    settle(cluster)
    liar, away = cluster.node(1), cluster.node(4)
    found = liar.dispatch.answers.block(Height(1))
    assert found is not None
    block, commit = found
    away.boot()
    cluster.run(lambda: away.replica.started)
    for wrong in ((block[:-1], commit), (block, commit[:-1]), (found[0], liar.dispatch.answers.block(Height(2))[1])):  # type: ignore[index]
        blamed = len(liar.blamed)
        act(away, lambda wrong=wrong: away.replica.receive_block(Height(1), *wrong), liar)
        assert len(liar.blamed) == blamed + 1
        assert away.height == 0
    act(away, lambda: away.replica.receive_block(Height(2), block, commit), liar)
    assert away.height == 0
    act(away, lambda: away.replica.receive_block(Height(1), block, commit), liar)
    assert away.height == 1


def test_a_late_precommit_enters_the_next_blocks_last_commit() -> None:
    """L12: a validator that was slow is still in the record."""
    cluster = Cluster(4).boot()
    election = open_poll(cluster)
    settle(cluster)
    height = cluster.nodes[0].height + 1
    slow = cluster.proposer(height + 2)
    kept: list[tuple[object, Node]] = []

    def hold_back(message: object, to: Node) -> tuple[object, ...]:
        if isinstance(message, Endorsements) and slow.replica.machine.phase is Phase.PRECOMMIT:
            kept.append((message, to))
            return ()
        return (message,)

    slow.alter = hold_back  # type: ignore[assignment]
    for node in cluster.nodes:  # nobody begins the next height by itself before the precommit comes
        node.replica._has_work = lambda node=node: node.height < height  # type: ignore[method-assign]
    cluster.nodes[0].submit(election.ballot(0))
    others = [node for node in cluster.nodes if node is not slow]
    cluster.reach(height, others)
    index = cluster.genesis.validators().by_address(slow.address)[0]  # type: ignore[index]
    for node in others:
        assert node.replica._last_commit.signatures[index].flag is Flag.ABSENT
    slow.alter = lambda message, to: (message,)
    for message, to in kept:
        cluster.send(slow, to, message)  # type: ignore[arg-type]
    cluster.run_for(100)
    for node in cluster.nodes:
        node.replica._has_work = lambda node=node: node.height < height + 1  # type: ignore[method-assign]
        act(node, node.replica.work_arrived)
    cluster.reach(height + 1)
    stored = others[0].store.block(Height(height + 1))
    assert stored is not None
    assert Commit.decode(stored.last_commit).signatures[index].flag is Flag.COMMIT


# --- when a block is made (N2) ---


def test_no_block_without_work_but_the_heartbeat() -> None:
    cluster = Cluster(4, params=ConsensusParams(heartbeat_ms=10_000)).boot()
    cluster.run_for(9_000)
    assert [node.height for node in cluster.nodes] == [0, 0, 0, 0]
    assert not cluster.signed
    cluster.run_for(30_000)
    # One at 10 s; then 10 s after the block time, which is the time of the precommits one block before.
    assert {node.height for node in cluster.nodes} <= {3, 4, 5, 6}
    assert len({node.height for node in cluster.nodes}) == 1


def test_a_proof_block_follows_a_block_that_changed_the_state_and_none_follows_that() -> None:
    cluster = Cluster(4).boot()
    election = open_poll(cluster)
    settle(cluster)
    height = cluster.nodes[0].height
    cluster.nodes[0].submit(election.ballot(0))
    settle(cluster)
    assert {node.height for node in cluster.nodes} == {height + 2}
    assert len(transactions_of(cluster.nodes[0], height + 1)) == 1
    assert not transactions_of(cluster.nodes[0], height + 2)
    assert header_of(cluster.nodes[0], height + 2).app_hash == cluster.nodes[0].replica.state.app_hash
    assert cluster.nodes[0].replica.tip.changed_state is False


def test_a_poll_closes_by_time_without_any_transaction() -> None:
    """Due times make blocks, and two of them, since block time is that of the block before."""
    cluster = Cluster(4).boot()
    election = open_poll(cluster, open_ms=20_000)
    settle(cluster)
    cluster.nodes[0].submit(election.ballot(0))
    settle(cluster)
    height = cluster.nodes[0].height
    cluster.run(lambda: cluster.now_ms >= 20_000)
    assert cluster.nodes[0].height == height
    cluster.run(lambda: is_in(PollState.FINAL, cluster.nodes), limit_ms=5_000)
    settle(cluster)
    assert cluster.nodes[0].height <= height + 6


def test_the_pause_between_blocks_is_kept_and_ends_by_itself() -> None:
    """min_block_interval_ms: a ballot that arrives in the pause gets into a block when it ends, not at a heartbeat."""
    cluster = Cluster(4, params=ConsensusParams(min_block_interval_ms=2_000)).boot()
    election = open_poll(cluster)
    settle(cluster)
    moments: dict[int, int] = {}
    for voter in range(5):
        cluster.nodes[0].submit(election.ballot(voter))
        height = cluster.nodes[0].height
        cluster.reach(height + 1, limit_ms=4_000)
        moments[height + 1] = cluster.now_ms
    pauses = [moments[h + 1] - moments[h] for h in moments if h + 1 in moments]
    assert pauses
    assert min(pauses) >= 1_900
    assert max(pauses) <= 2_500


def test_a_clock_that_is_slow_or_set_back_does_not_stop_a_node() -> None:
    """S18: clocks behind block time, all within the allowance of C78 and one far beyond it; ballots still get in."""
    for pause_ms in (0, 500):
        cluster = Cluster(4, params=ConsensusParams(min_block_interval_ms=pause_ms)).boot()
        election = open_poll(cluster)
        settle(cluster)
        for node in cluster.nodes:
            node.clock_skew_ms = -30_000
        cluster.nodes[0].clock_skew_ms = -3_600_000
        height = cluster.nodes[0].height
        cluster.nodes[0].submit(election.ballot(0))
        cluster.reach(height + 2, limit_ms=5_000)
        assert header_of(cluster.nodes[0], height + 2).time_ns > header_of(cluster.nodes[0], height + 1).time_ns


# --- durability (duties 1 to 5) ---


class Watched:
    """A disk that notes, per file, whether what was written is durable."""

    def __init__(self, inner: MemoryDisk) -> None:
        self.inner = inner
        self.unsynced: set[str] = set()
        self.events: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def write(self, file: object, data: bytes) -> None:
        kind = file.path.suffix or file.path.name  # type: ignore[attr-defined]
        self.unsynced.add(kind)
        self.inner.write(file, data)  # type: ignore[arg-type]

    def fsync(self, file: object) -> None:
        kind = file.path.suffix or file.path.name  # type: ignore[attr-defined]
        self.unsynced.discard(kind)
        self.events.append("sync " + kind)
        self.inner.fsync(file)  # type: ignore[arg-type]

    def fsync_dir(self, directory: object) -> None:
        self.events.append("sync directory")
        self.inner.fsync_dir(directory)  # type: ignore[arg-type]

    def replace(self, source: object, target: object) -> None:
        assert ".new" not in self.unsynced, "the guard is replaced by a file that is not synced"
        self.events.append("replace guard")
        self.inner.replace(source, target)  # type: ignore[arg-type]

    def commit(self, path: object, write: object) -> None:
        self.events.append("commit block")
        self.inner.commit(path, write)  # type: ignore[arg-type]


def test_the_order_of_durability() -> None:
    """Duties 2 to 5: log before signature, guard before message, log again before it leaves, block before height."""
    cluster = Cluster(4)
    node = cluster.node(1)
    watched = Watched(node.disk)
    node.disk = node.store._disk = watched  # type: ignore[assignment]
    cluster.boot()
    signed = []
    take, keep, guard = node.replica.take_outputs, node.guard._keep, node.guard

    def take_outputs() -> list[object]:
        outputs = take()
        if any(isinstance(output, Broadcast) for output in outputs):
            assert ".wal" not in watched.unsynced, "a signed message leaves before the log is synced"
            watched.events.append("out")
        return outputs  # type: ignore[return-value]

    def _keep(new: Any) -> object:
        assert ".wal" not in watched.unsynced, "signed before the log is synced"
        assert new.log_records == node.log.count, "the guard does not know on what it rests"
        if not new.block_id.is_nil:
            records = Log_records(node)
            assert node.replica.blocks.candidates[new.block_id].encoded in records, "the block is not in the log"
        before = len(watched.events)
        result = keep(new)
        assert watched.events[before:] == ["sync .new", "replace guard", "sync directory"]
        signed.append(new.position)
        return result

    node.replica.take_outputs = take_outputs  # type: ignore[assignment, method-assign]
    guard._keep = _keep  # type: ignore[assignment, method-assign]
    open_replica_height = node.replica._open_height

    def _open_height() -> None:
        assert watched.events[-1] == "commit block", "the next height starts before the block is durable"
        open_replica_height()

    node.replica._open_height = _open_height  # type: ignore[method-assign]
    election = open_poll(cluster)
    node.submit(election.ballot(0))
    settle(cluster)
    assert len(signed) > 5
    assert watched.events.count("commit block") == node.height + 1  # and the state of genesis


def Log_records(node: Node) -> list[bytes]:  # noqa: N802
    """Payloads of all durable log files, blocks without their round."""
    from mvchain.node.framing import parse
    from mvchain.node.wal import _FORMAT

    found = []
    for path, content in node.disk._files.items():
        if path.suffix == ".wal":
            contents = parse(_FORMAT, content.durable, path)
            assert contents is not None
            for kind, payload in contents.records:
                found += [payload, payload[4:]] if kind == 5 else [payload]
    return found


def test_what_was_verified_at_admission_is_not_verified_again() -> None:
    cluster = Cluster(4).boot()
    election = open_poll(cluster)
    settle(cluster)
    for voter in range(5):
        cluster.nodes[0].submit(election.ballot(voter))
        cluster.run_for(30)
    settle(cluster)
    for node in cluster.nodes:
        assert node.checker.count == 10  # five to set up, five ballots, once each
        assert len(node.replica.signatures) == 0
    assert cluster.nodes[0].submit(election.ballot(0, 1))[0].cause is codes.WRONG_REVISION  # type: ignore[union-attr]
