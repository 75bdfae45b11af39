"""The asyncio shell, with real loops, threads and connections on 127.0.0.1; stores in memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from dataclasses import dataclass, field
from threading import Event

import pytest

from mvchain.app import open_state
from mvchain.core import codes
from mvchain.core.errors import BrokenStorage
from mvchain.core.hashing import sha256
from mvchain.core.types import AgencyNumber, Hash, Height, PublicKey, TimeMs
from mvchain.ledger.endorsements import Endorsement
from mvchain.ledger.genesis import ConsensusParams, Genesis, make_entry
from mvchain.ledger.mempool import Mempool
from mvchain.node import runtime as runtime_module
from mvchain.node.guard import SignGuard, create_guard
from mvchain.node.handshake import Local
from mvchain.node.intake import Intake
from mvchain.node.journal import Journal
from mvchain.node.judge import Received, Refused
from mvchain.node.memory import MemoryDisk, MemoryStore
from mvchain.node.outputs import StartTimer
from mvchain.node.ports import Ports
from mvchain.node.replica import Replica
from mvchain.node.runtime import Runtime, clock_ms, now_ms, now_ns
from mvchain.node.signatures import SignaturePool
from mvchain.node.snapshots import SnapshotMaker, Snapshots
from mvchain.node.transport import PeerAddress, Transport, TransportLimits
from mvchain.node.vitals import Vitals
from mvchain.node.wal import Log
from mvchain.node.wire import AskOwn, CompactProposal, Endorsements, Message, Transactions
from mvchain.sim.node import SNAPSHOTS
from tests.ledger.state_helpers import key_of
from tests.node.cluster import GUARD, JOURNAL, LOG, Election

QUICK = TransportLimits(first_pause_s=0.001, longest_pause_s=0.01)
HOST = "127.0.0.1"


def genesis_of(n: int) -> Genesis:
    """Starts now, so that no heartbeat is due."""
    entries = tuple(
        make_entry(
            "test",
            AgencyNumber(i),
            (f"기관 {i}", f"Agency {i}"),
            agency_key=key_of(f"agency{i}"),
            validator_key=key_of(f"validator{i}"),
            node_key=key_of(f"node{i}"),
            approvals=1,
        )
        for i in range(1, n + 1)
    )
    return Genesis("test", TimeMs(now_ms()), entries, ConsensusParams(heartbeat_ms=3_600_000))


@dataclass
class Machine:
    """What outlives a stop of a node: its disk and its store."""

    number: int
    genesis: Genesis
    disk: MemoryDisk = field(default_factory=MemoryDisk)
    port: int = 0

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.disk)
        self.key = key_of(f"validator{self.number}")
        create_guard(GUARD, self.key.public, self.genesis.chain_id, self.disk)


class Running:
    """A running node."""

    def __init__(self, machine: Machine, dial: list[Machine], pool_bytes: int = 1 << 26) -> None:
        self.machine = machine
        self.pool = SignaturePool(2)
        genesis, store = machine.genesis, machine.store
        state, tip = open_state(store, genesis)  # type: ignore[arg-type]
        self.guard = SignGuard(GUARD, machine.key, genesis.chain_id, machine.disk)
        self.log, self.journal = Log(LOG, machine.disk), Journal(JOURNAL, machine.disk)
        ports = Ports(store, self.log, (self.guard,), self.pool, now_ns)
        self.replica = Replica(genesis, state, tip, Mempool(max_bytes=pool_bytes), ports)
        intake = Intake(self.replica, self.pool, self.journal, now_ms)
        self.snapshots = Snapshots(SNAPSHOTS, machine.disk)
        maker = self.maker = SnapshotMaker(self.snapshots, self.replica, 2)
        vitals = Vitals(self.replica, machine.disk, GUARD, 1, clock_ms)
        self.runtime = Runtime(
            self.replica,
            self.journal,
            intake,
            maker=maker,
            vitals=vitals,
            vouched=False,
        )
        local = Local(key_of(f"node{machine.number}"), genesis.hash)
        addresses = [PeerAddress(HOST, other.port, key_of(f"node{other.number}").public) for other in dial]
        self.transport = Transport(lambda: local, addresses, self._name, QUICK)
        self.ready = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def _name(self, key: PublicKey) -> str | None:
        for agency in self.machine.genesis.agencies:
            if agency.node_key == key:
                return f"agency {agency.number}"
        return None

    async def start(self) -> "Running":
        self.machine.port = await self.transport.listen(HOST, self.machine.port)

        async def on_ready() -> None:
            self.ready.set()

        self.task = asyncio.create_task(self.runtime.run(self.transport, on_ready))
        await self.ready.wait()
        return self

    async def stop(self) -> None:
        assert self.task is not None
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError, BaseExceptionGroup):
            await self.task
        self.pool.close()
        self.guard.close()
        self.log.close()
        self.journal.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():  # noqa: ASYNC110 - what is waited for is many steps away
            await asyncio.sleep(0.005)

    def has(self, raw: bytes) -> bool:
        return self.machine.store.tx_location(Hash(sha256(raw))) is not None


Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts nodes; stops those that run at the end, and checks that nothing is left over."""
    nodes: list[Running] = []

    async def start(machine: Machine, dial: list[Machine] | None = None, **options: int) -> Running:
        node = Running(machine, dial or [], **options)
        nodes.append(node)
        return await node.start()

    async with asyncio.timeout(40):
        yield start
        for node in nodes:
            if node.task is not None and not node.task.done():
                await node.stop()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def four(start: Start) -> tuple[list[Machine], list[Running]]:
    genesis = genesis_of(4)
    machines = [Machine(i, genesis) for i in range(1, 5)]
    nodes = []
    for i, machine in enumerate(machines):
        nodes.append(await start(machine, machines[:i]))
    return machines, nodes


async def test_four_nodes_commit_what_any_of_them_receives(start: Start) -> None:
    machines, nodes = await four(start)
    election = Election(machines[0].genesis, 4, open_ms=1 << 40)
    verdicts = await nodes[0].runtime.submit(election.set_up, "1.2.3.4")
    assert all(isinstance(verdict, Received) for verdict in verdicts)
    ended = asyncio.create_task(nodes[0].runtime.wait_ended(Hash(sha256(election.set_up[-1])), 30))
    for node in nodes:
        await node.until(lambda node=node: node.has(election.set_up[-1]))  # type: ignore[misc]
    await ended
    ballots = [election.ballot(i) for i in range(4)]
    for node, ballot in zip(nodes, ballots, strict=True):
        await node.until(lambda node=node: node.replica.state.poll(1).state == 1)  # type: ignore[misc, union-attr]
        assert isinstance((await node.runtime.submit([ballot], "1.2.3.4"))[0], Received)
    for node in nodes:
        await node.until(lambda node=node: all(map(node.has, ballots)))  # type: ignore[misc]
        await node.until(lambda node=node: not node.replica.tip.changed_state)  # type: ignore[misc]
        assert node.replica.signing.state() == (True, "signs as a validator")
        assert not list(node.journal.replay())
        assert len(node.runtime.dispatch._gossip) == 0
        assert not node.runtime._waiting
    assert len({node.replica.state.app_hash for node in nodes}) == 1


async def test_what_was_received_is_gossiped_and_committed_after_a_restart(start: Start) -> None:
    """CP22, N6: the node was alone, and is stopped; then all meet."""
    genesis = genesis_of(4)
    machines = [Machine(i, genesis) for i in range(1, 5)]
    election = Election(genesis, 4, open_ms=1 << 40)
    alone = await start(machines[0])
    await alone.runtime.submit(election.set_up, "1.2.3.4")
    assert not alone.has(election.set_up[0])
    await alone.stop()
    machines[0].disk.crash(lambda n: 0)
    machines[0].port = 0
    nodes = [await start(machine, machines[:i]) for i, machine in enumerate(machines)]
    assert len(nodes[0].replica.mempool) == 5
    for node in nodes:
        await node.until(lambda node=node: all(map(node.has, election.set_up)))  # type: ignore[misc]


async def test_the_journal_lets_go_of_what_is_in_blocks(start: Start) -> None:
    """Else what was committed just before a stop would fill it for ever."""
    machine = Machine(1, genesis_of(1))
    election = Election(machine.genesis, 4, open_ms=1 << 40)
    node = await start(machine)
    await node.runtime.submit(election.set_up, "1.2.3.4")
    await node.until(lambda: node.has(election.set_up[-1]))
    await node.stop()
    journal = Journal(JOURNAL, machine.disk)
    journal.append(election.set_up)
    journal.sync()
    journal.close()
    again = await start(machine)
    assert not list(again.journal.replay())
    assert len(again.replica.mempool) == 0


async def test_the_pools_fairness_refuses_nothing_that_was_received(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N6: after a restart the journal is the only submitter, and more than half of the pool is its."""
    monkeypatch.setattr(runtime_module, "RESTORE_BATCH", 2)
    genesis = genesis_of(4)
    machine = Machine(1, genesis)
    election = Election(genesis, 4, open_ms=1 << 40)
    size = sum(map(len, election.set_up))
    first = await start(machine, pool_bytes=10 * size)
    await first.runtime.submit(election.set_up, "1.2.3.4")
    await first.stop()
    second = await start(machine, pool_bytes=size)
    assert len(second.replica.mempool) == 5
    await second.stop()
    third = await start(machine, pool_bytes=size // 2)  # an operator made it smaller: they stay in the journal
    assert 0 < len(third.replica.mempool) < 5
    assert len(list(third.journal.replay())) == 5
    assert not third.runtime.dispatch._rejections


async def test_a_peers_bad_message_costs_it_the_connection(start: Start) -> None:
    _, nodes = await four(start)
    victim, evil = nodes[0], nodes[3]
    await evil.until(lambda: len(evil.runtime._peers) == 3)
    forged = Endorsement.decode(_endorsement(evil)).encode()
    bad: list[Message] = [
        Endorsements((forged,)),
        Endorsements((b"x",)),
        CompactProposal(b"x", b"x", (), (), b"x"),
    ]
    for message in bad:
        await evil.until(lambda: "agency 1" in evil.runtime._peers)
        peer = evil.runtime._peers["agency 1"]
        assert peer.send(message)
        await asyncio.wait_for(peer.closed.wait(), 10)
    await victim.until(lambda: "agency 4" in victim.runtime._peers)  # it may come back
    assert victim.task is not None
    assert not victim.task.done()


def _endorsement(node: Running) -> bytes:
    """A prevote of the node at its height, with a signature of nothing."""
    from dataclasses import replace

    from mvchain.core.types import Round, Signature, TimeNs
    from mvchain.ledger.block_id import NIL_BLOCK_ID
    from mvchain.ledger.endorsements import Kind

    found = node.replica.state.validators.by_address(node.guard.address)
    assert found is not None
    made = Endorsement(
        Kind.PREVOTE, Height(1), Round(0), NIL_BLOCK_ID, TimeNs(1), node.guard.address, found[0], Signature(bytes(64))
    )
    return replace(made).encode()


async def test_a_peer_that_asks_without_end_is_not_answered_without_end(start: Start) -> None:
    """Thousands of small questions whose answers take long do not keep a node busy; its own work goes on."""
    genesis = genesis_of(2)
    machines = [Machine(1, genesis), Machine(2, genesis)]
    nodes = [await start(machines[0]), await start(machines[1], [machines[0]])]
    await nodes[1].until(lambda: "agency 1" in nodes[1].runtime._peers)
    answered: list[object] = []
    own_messages = nodes[0].runtime.dispatch.answers.own_messages
    nodes[0].runtime.dispatch.answers.own_messages = lambda address: (  # type: ignore[method-assign]
        answered.append(address) or own_messages(address)  # type: ignore[func-returns-value]
    )
    peer = nodes[1].runtime._peers["agency 1"]
    for _ in range(1_000):
        assert peer.send(AskOwn(nodes[1].guard.address))
    election = Election(genesis, 4, open_ms=1 << 40)
    await nodes[1].runtime.submit(election.set_up, "1.2.3.4")
    for node in nodes:
        await node.until(lambda node=node: node.has(election.set_up[-1]))  # type: ignore[misc]
    assert len(answered) < 200
    assert "agency 1" in nodes[1].runtime._peers, "nobody is blamed for it"


async def test_a_broken_disk_ends_the_run(start: Start) -> None:
    """S17: nothing is signed or answered any more, and the process ends with the fault."""
    machine = Machine(1, genesis_of(1))
    election = Election(machine.genesis)
    node = await start(machine)

    def fail(*args: object, **kwargs: object) -> None:
        raise BrokenStorage(codes.DISK_FULL, path="x", free=0, least=1)

    machine.store.save_block = fail  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):  # nobody waits for a promise that does not come
        await node.runtime.submit(election.set_up, "1.2.3.4")
    assert node.task is not None
    with pytest.raises(BaseExceptionGroup) as raised:
        await node.task
    assert raised.group_contains(BrokenStorage)
    before = node.guard.position
    node.runtime._guarded(node.replica.work_arrived)
    assert node.guard.position == before, "what comes later does nothing"
    await node.stop()


async def test_a_bug_ends_the_run_as_well(start: Start) -> None:
    node = await start(Machine(1, genesis_of(1)))
    node.replica.work_arrived = lambda: {}["no such key"]  # type: ignore[method-assign, index]
    assert node.task is not None
    with pytest.raises(BaseExceptionGroup) as raised:
        await node.task
    assert raised.group_contains(KeyError)
    await node.stop()


async def test_timers_that_fire_after_the_end_do_nothing(start: Start) -> None:
    from mvchain.consensus.effects import TimeoutKind
    from mvchain.core.types import Round

    node = await start(Machine(1, genesis_of(1)))
    fired: list[object] = []
    node.runtime.dispatch._start_timer(StartTimer(TimeoutKind.PROPOSE, Height(1), Round(0), 0))
    node.replica.timer_fired = lambda *what: fired.append(what)  # type: ignore[method-assign]
    await node.stop()
    await asyncio.sleep(0.01)
    assert not fired


async def test_waiting_for_a_transaction_that_stays_leaves_nothing_behind(start: Start) -> None:
    genesis = genesis_of(4)
    node = await start(Machine(1, genesis))  # alone of four: nothing is ever decided
    election = Election(genesis)
    await node.runtime.submit(election.set_up, "1.2.3.4")
    tx_hash = Hash(sha256(election.set_up[0]))
    await asyncio.gather(*(node.runtime.wait_ended(tx_hash, 0.01) for _ in range(10)))
    cancelled = asyncio.create_task(node.runtime.wait_ended(tx_hash, 60))
    await asyncio.sleep(0)
    cancelled.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await cancelled
    assert not node.runtime._waiting
    await node.runtime.wait_ended(Hash(b"?" * 32), 60)  # an unknown one is not waited for


async def test_what_is_committed_long_ago_leaves_no_trace_when_a_peer_sends_it_again(start: Start) -> None:
    genesis = genesis_of(2)
    machines = [Machine(1, genesis), Machine(2, genesis)]
    nodes = [await start(machines[0]), await start(machines[1], [machines[0]])]
    election = Election(genesis, 4, open_ms=1 << 40)
    await nodes[0].runtime.submit(election.set_up, "1.2.3.4")
    for node in nodes:
        await node.until(lambda node=node: node.has(election.set_up[-1]))  # type: ignore[misc]
    gossip = nodes[0].runtime.dispatch._gossip
    gossip._finished.clear()  # it remembers only so many
    await nodes[1].until(lambda: "agency 1" in nodes[1].runtime._peers)
    nodes[1].runtime._peers["agency 1"].send(Transactions(election.set_up))
    arrived: list[int] = []
    admit = nodes[0].runtime.intake.from_peer

    async def noting(raw: list[bytes], peer: str) -> object:
        verdicts = await admit(raw, peer)
        arrived.append(len(verdicts))
        return verdicts

    nodes[0].runtime.intake.from_peer = noting  # type: ignore[assignment, method-assign]
    await nodes[0].until(lambda: bool(arrived))
    await asyncio.sleep(0)
    assert len(gossip) == 0
    assert not [verdict for verdict in arrived if isinstance(verdict, Refused)]


async def test_snapshots_are_made_beside_the_work_and_are_the_same_everywhere(start: Start) -> None:
    _, nodes = await four(start)
    election = Election(nodes[0].machine.genesis, 4, open_ms=1 << 40)
    await nodes[0].runtime.submit(election.set_up, "1.2.3.4")
    for node in nodes:
        await node.until(lambda node=node: node.has(election.set_up[-1]))  # type: ignore[misc]
    found = set()
    for node in nodes:
        await node.until(lambda node=node: node.snapshots.manifest(Height(2)) is not None)  # type: ignore[misc]
        found.add(node.snapshots.manifest(Height(2)))
    assert len(found) == 1


async def test_a_node_can_stop_while_it_makes_a_snapshot(start: Start) -> None:
    """The view of the store is let go before the store is closed, and the unfinished snapshot is not there."""
    machine = Machine(1, genesis_of(1))
    election = Election(machine.genesis, 4, open_ms=1 << 40)
    node = await start(machine)
    begun, held = asyncio.Event(), Event()
    loop = asyncio.get_running_loop()
    let_go: list[str] = []

    def steps() -> Generator[None, None, None]:
        try:
            loop.call_soon_threadsafe(begun.set)
            held.wait(10)
            let_go.append("step")
            yield
        finally:
            let_go.append("view")

    node.maker.steps = steps  # type: ignore[method-assign]
    await node.runtime.submit(election.set_up, "1.2.3.4")
    await begun.wait()
    loop.call_later(0.05, held.set)
    await node.stop()
    assert let_go == ["step", "view"]
