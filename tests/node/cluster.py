"""Whole nodes without asyncio: production replicas on memory disks, a virtual clock, a seeded network (faults 2.1).

A node here is what `node.runtime` makes of the parts, in plain code: it moves outputs, keeps timers, restores the
journal and rejoins after a crash. The network loses, delays and repeats messages until it is healed. The checker at
the end of this file shares no code with consensus.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from heapq import heappop, heappush
from pathlib import Path
from random import Random

from mvchain.app import open_state
from mvchain.core import keys
from mvchain.core.errors import BadPeer, BadProof, BadTransaction, MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.keys import Purpose, SigningKey
from mvchain.core.types import AgencyNumber, Hash, Height, PollNumber, RollNumber, TimeMs, TimeNs
from mvchain.ledger.admission import context_of
from mvchain.ledger.blocks import Commit, Flag, Header
from mvchain.ledger.endorsements import Endorsement, Proposal
from mvchain.ledger.genesis import ConsensusParams, Genesis, make_entry
from mvchain.ledger.mempool import Mempool
from mvchain.ledger.polls import PollDefinition, Release, SingleRule, TieRule, definition_hash, encode_definition
from mvchain.ledger.transactions import (
    NO_CONTEXT,
    Ballot,
    OperatorRegister,
    Payload,
    PollClose,
    PollRegister,
    Role,
    RollAppend,
    RollCreate,
    RollSeal,
    Transaction,
    decode_transaction,
    make_transaction,
    registration_proof,
)
from mvchain.ledger.validators import address_of
from mvchain.node import wire
from mvchain.node.answers import Answers
from mvchain.node.catchup import CatchUp
from mvchain.node.guard import SignGuard, create_guard
from mvchain.node.journal import Journal
from mvchain.node.memory import MemoryDisk, MemoryStore
from mvchain.node.outputs import Broadcast, Committed, FetchTransactions, StartTimer
from mvchain.node.ports import Disk
from mvchain.node.rejoin import Rejoin
from mvchain.node.replica import Ports, Replica
from mvchain.node.wal import Log
from mvchain.node.wire import (
    AskOwn,
    BlockResponse,
    CompactProposal,
    Endorsements,
    GetBlocks,
    Message,
    NoBlock,
    OwnMessages,
    Status,
    Transactions,
    WantTransactions,
)
from tests.ledger.document_helpers import make_question
from tests.ledger.state_helpers import key_of, roll_root
from tests.node.storage_helpers import Crash

START_MS = 1_700_000_000_000
TICK_MS = 100
GUARD, LOG, JOURNAL = Path("/node/guard"), Path("/node/log"), Path("/node/journal")


@cache
def make_genesis(n: int, params: ConsensusParams = ConsensusParams()) -> Genesis:  # noqa: B008
    """A chain of n agencies whose keys are those of `key_of("validator1")` and so on."""
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
    return Genesis("test", TimeMs(START_MS), entries, params)


class PlainChecker:
    """`ports.SignatureChecker` on this thread; counts what it verified."""

    def __init__(self) -> None:
        self.count = 0

    def check(self, items: Sequence[tuple[bytes, bytes, bytes]]) -> list[bool]:
        self.count += len(items)
        return [keys.verify_tagged(Purpose.TRANSACTION, key, message, sig) for key, message, sig in items]  # type: ignore[arg-type]


class Node:
    """One agency's node, with the disk and the store that outlive it."""

    def __init__(self, cluster: "Cluster", number: int, genesis: Genesis) -> None:
        self.cluster = cluster
        self.number = number
        self.genesis = genesis
        self.key: SigningKey = key_of(f"validator{number}")
        self.address = address_of(self.key.public)
        self.inner = MemoryDisk()
        self.disk: Disk = self.inner
        self.store = MemoryStore(self.inner)
        self.checker = PlainChecker()
        self.clock_skew_ms = 0
        self.vouched = False
        self.pushes = True
        self.is_up = False
        self.incarnation = 0
        self.blamed: list[MvchainError] = []
        self.committed: list[Committed] = []
        self.rejected: dict[Hash, BadTransaction] = {}
        self.received: set[Hash] = set()
        """Acknowledged: journaled and synced."""
        self.alter: Callable[[Message, Node], Sequence[Message]] = lambda message, to: (message,)
        """What a faulty node makes of a message to another one."""
        create_guard(GUARD, self.key.public, genesis.chain_id, self.inner)

    # --- life ---

    def boot(self) -> None:
        self.incarnation += 1
        self.is_up = True
        self.act(self._boot)

    def _boot(self) -> None:
        self.store._disk = self.disk
        state, tip = open_state(self.store, self.genesis)  # type: ignore[arg-type]
        self.guard = SignGuard(GUARD, self.key, self.genesis.chain_id, self.disk)
        self.log = Log(LOG, self.disk)
        self.journal = Journal(JOURNAL, self.disk)
        ports = Ports(self.store, self.log, self.guard, self.checker, self.now_ns)
        self.replica = Replica(self.genesis, state, tip, Mempool(), ports)
        self.answers = Answers(self.replica)
        self.catch_up = CatchUp()
        for other in self.others():
            self.catch_up.peer_status(str(other.number), 0, 0)
        for raw in self.journal.replay():
            if self.store.tx_location(sha256(raw)) is None:
                self._admit(raw)
            else:
                self.journal.ended([sha256(raw)])
        self.rejoin: Rejoin | None = Rejoin(
            me=self.address,
            chain_id=self.genesis.chain_id,
            validators=state.validators,
            guard=self.guard.position,
            committed=self.answers.committed(self.guard.address),
        )
        self._conclude_rejoin()
        self.later(self.cluster.random.randint(1, TICK_MS), self._tick)

    def _conclude_rejoin(self) -> None:
        verdict = self.rejoin.verdict(self.replica.machine.height) if self.rejoin else None
        if verdict is not None:
            self.rejoin = None
            self.replica.start(may_sign=True, silent_until=Height(0) if self.vouched else verdict.silent_until)

    def go_down(self, pick: Callable[[int], int]) -> None:
        """The power goes; `pick` says how much of what was not synced is on the disk (`MemoryDisk.crash`)."""
        self.is_up = False
        self.inner.crash(pick)

    def act(self, action: Callable[[], object], source: "Node | None" = None) -> None:
        """As `Runtime._guarded`; a crash of the disk takes the node down, and it boots again after a while."""
        if not self.is_up:
            return
        try:
            try:
                action()
            except (BadPeer, BadProof, BadTransaction) as error:
                if source is None:
                    raise
                source.blamed.append(error)
            for output in self.replica.take_outputs():
                self._carry_out(output)
        except Crash:
            self.cluster.crashed(self)

    def later(self, delay_ms: int, action: Callable[[], object]) -> None:
        incarnation = self.incarnation
        self.cluster.after(delay_ms, lambda: self.act(action) if self.incarnation == incarnation else None)

    def now_ns(self) -> TimeNs:
        return TimeNs((START_MS + self.cluster.now_ms + self.clock_skew_ms) * 1_000_000)

    def others(self) -> "list[Node]":
        return [node for node in self.cluster.nodes if node is not self]

    @property
    def height(self) -> int:
        return self.store.last_height

    # --- transactions ---

    def submit(self, *raws: bytes) -> list[MvchainError | None]:
        """As the API does it; None for what is received."""
        verdicts: list[MvchainError | None] = []

        def take() -> None:
            verdicts.extend(self._admit(raw) for raw in raws)
            taken = [raw for raw, error in zip(raws, verdicts, strict=True) if error is None]
            if taken:
                self.journal.append(taken)
                self.journal.sync()
                self.received.update(map(sha256, taken))
                if self.pushes:
                    self.broadcast(Transactions(tuple(taken)))
                self.replica.transactions_arrived([decode_transaction(raw) for raw in taken])

        self.act(take)
        return verdicts

    def _admit(self, raw: bytes) -> MvchainError | None:
        tx = decode_transaction(raw)
        state = self.replica.state
        try:
            context = context_of(state, tx)
            self.replica.signatures.check(state, [tx])
            now_ms = TimeMs(START_MS + self.cluster.now_ms)
            self.replica.mempool.add(tx, context, state, f"node {self.number}", now_ms)
        except BadTransaction as error:
            return error
        self.replica.signatures.remember(tx.hash, context)
        return None

    def _take(self, raws: Iterable[bytes]) -> None:
        found = [decode_transaction(raw) for raw in raws]
        for tx in found:
            if self.store.tx_location(tx.hash) is None and tx.hash not in self.replica.mempool:
                self._admit(tx.raw)
        self.replica.transactions_arrived(found)

    def _hand_out(self, to: "Node", hashes: Iterable[Hash]) -> None:
        found = (self.answers.transaction(tx_hash) for tx_hash in hashes)
        raws = tuple(tx.raw for tx in found if tx is not None)
        if raws:
            self.send(to, Transactions(raws))

    # --- messages ---

    def _carry_out(self, output: object) -> None:
        match output:
            case Broadcast(message):
                self.broadcast(message)
            case StartTimer(kind, height, round_, delay_ms):
                self.later(delay_ms, lambda: self.replica.timer_fired(kind, height, round_))
            case FetchTransactions(peer, hashes):
                self.send(self.cluster.node(int(peer)), WantTransactions(hashes))
            case Committed():
                self.committed.append(output)
                self.journal.ended([*output.tx_hashes, *(tx_hash for tx_hash, _ in output.rejected)])
                self.rejected.update(output.rejected)
                for other in self.others():
                    self.send(other, self.answers.status())

    def broadcast(self, message: Message) -> None:
        for other in self.others():
            self.send(other, message)

    def send(self, to: "Node", message: Message) -> None:
        for altered in self.alter(message, to):
            self.cluster.send(self, to, altered)

    def receive(self, source: "Node", data: bytes) -> None:
        self.act(lambda: self._dispatch(source, wire.decode(data)), source)

    def _dispatch(self, source: "Node", message: Message) -> None:
        match message:
            case Status():
                self.catch_up.peer_status(str(source.number), message.height, message.base_height)
                for answer in self.answers.missing_for(message):
                    self.send(source, answer)
            case CompactProposal():
                self.replica.receive_proposal(str(source.number), message)
            case Endorsements(items):
                self.replica.receive_endorsements(items)
            case Transactions(items):
                self._take(items)
            case WantTransactions(hashes):
                self._hand_out(source, hashes)
            case GetBlocks(height):
                found = self.answers.block(height)
                self.send(source, NoBlock(height) if found is None else BlockResponse(height, *found))
            case BlockResponse(height, block, commit):
                if self.catch_up.arrived(str(source.number), height, block, commit):
                    self._apply_fetched()
            case NoBlock(height):
                self.catch_up.refused(str(source.number), height, self.cluster.now_ms)
            case AskOwn(address):
                self.send(source, self.answers.own_messages(address))
            case OwnMessages(proposals, endorsements):
                if self.rejoin is not None:
                    self.rejoin.answer(source.address, proposals, endorsements)
                    self._conclude_rejoin()

    def _apply_fetched(self) -> None:
        while (fetched := self.catch_up.take(self.replica.machine.height)) is not None:
            self.replica.receive_block(self.replica.machine.height, fetched.block, fetched.commit)

    def _tick(self) -> None:
        self.later(TICK_MS, self._tick)
        self._apply_fetched()
        self.replica.work_arrived()
        for name, height in self.catch_up.requests(self.replica.machine.height, self.cluster.now_ms):
            self.send(self.cluster.node(int(name)), GetBlocks(Height(height), 1))
        lacking = self.replica.blocks.lacking()
        for other in self.others():
            self.send(other, self.answers.status())
            if lacking:
                self.send(other, WantTransactions(lacking))
            if self.rejoin is not None:
                self.send(other, AskOwn(self.address))


class Cluster:
    """n nodes, all up; `run` moves time."""

    def __init__(self, n: int, *, seed: int = 0, params: ConsensusParams = ConsensusParams()) -> None:  # noqa: B008
        self.random = Random(seed)
        self.genesis = make_genesis(n, params)
        self.now_ms = 0
        self.loss = 0.0
        self.repeats = 0.0
        self.delay_ms = 3
        self.cut: set[tuple[int, int]] = set()
        self.restart_ms = 300
        self.pick: Callable[[int], int] = lambda n: 0
        """What a crash leaves of what was not synced."""
        self.crashes = 0
        self.signed: dict[tuple[bytes, int, int, str], set[tuple[bytes, int, bytes]]] = {}
        """All that was ever on the wire: by validator, height, round and type, the different values."""
        self._queue: list[tuple[int, int, Callable[[], object]]] = []
        self._count = 0
        self.nodes = [Node(self, number, self.genesis) for number in range(1, n + 1)]

    def boot(self, *but: int) -> "Cluster":
        for node in self.nodes:
            if node.number not in but:
                node.boot()
        return self

    def node(self, number: int) -> Node:
        return self.nodes[number - 1]

    def by_address(self, address: bytes) -> Node:
        return next(node for node in self.nodes if node.address == address)

    def proposer(self, height: int, round_: int = 0) -> Node:
        validators = self.genesis.validators()
        return self.by_address(validators.proposer(Height(height), round_).address)  # type: ignore[arg-type]

    def crashed(self, node: Node) -> None:
        """A disk crashed: down with the node, up again later."""
        self.crashes += 1
        node.disk = node.inner
        node.go_down(self.pick)
        self.after(self.restart_ms, node.boot)

    # --- network and time ---

    def send(self, source: Node, to: Node, message: Message) -> None:
        self._note(message)
        data = wire.encode(message)
        if (source.number, to.number) in self.cut or self.random.random() < self.loss:
            return
        for _ in range(1 + (self.random.random() < self.repeats)):
            self.after(self.random.randint(1, self.delay_ms), lambda: to.receive(source, data))

    def after(self, delay_ms: int, action: Callable[[], object]) -> None:
        self._count += 1
        heappush(self._queue, (self.now_ms + delay_ms, self._count, action))

    def run(self, until: Callable[[], bool], limit_ms: int = 60_000) -> None:
        """Go on until the condition holds; it has to within `limit_ms`."""
        end_ms = self.now_ms + limit_ms
        while not until():
            assert self._queue, "nothing will ever happen"
            self.now_ms, _, action = heappop(self._queue)
            assert self.now_ms <= end_ms, f"at {[(n.height, n.is_up) for n in self.nodes]}"
            action()

    def run_for(self, ms: int) -> None:
        end_ms = self.now_ms + ms
        self.after(ms, lambda: None)
        self.run(lambda: self.now_ms >= end_ms, ms)

    def reach(self, height: int, nodes: Iterable[Node] | None = None, limit_ms: int = 60_000) -> None:
        """Until these nodes, or all, have a block of this height."""
        wanted = list(nodes or self.nodes)
        self.run(lambda: all(node.is_up and node.height >= height for node in wanted), limit_ms)

    # --- the checker ---

    def _note(self, message: Message) -> None:
        if isinstance(message, CompactProposal):
            p = Proposal.decode(message.proposal)
            address = self.genesis.validators().proposer(p.height, p.round).address
            value = (p.block_id.encode(), p.time_ns, p.signature)
            self.signed.setdefault((address, p.height, p.round, "proposal"), set()).add(value)
        elif isinstance(message, Endorsements):
            for item in message.items:
                e = Endorsement.decode(item)
                key = (e.address, e.height, e.round, e.kind.name)
                self.signed.setdefault(key, set()).add((e.block_id.encode(), e.time_ns, e.signature))

    def check(self, *, faulty: Iterable[Node] = ()) -> None:
        """Agreement, commits, no equivocation, state, and every acknowledged ballot ends once (I1 to I3, I5)."""
        bad = {node.address for node in faulty}
        for what, values in self.signed.items():
            assert len(values) == 1 or what[0] in bad, f"signed twice: {what}"
        honest = [node for node in self.nodes if node.address not in bad]
        n = len(self.nodes)
        for height in range(1, max(node.height for node in honest) + 1):
            found = [block for node in honest if (block := node.store.block(Height(height))) is not None]
            assert len({(block.block_id, block.header, block.txs) for block in found}) == 1, height
            for block in found:
                commit = Commit.decode(block.commit)
                assert block.block_id == commit.block_id.encode()
                signers = {entry.address for entry in commit.signatures if entry.flag is Flag.COMMIT}
                assert len(signers) >= 2 * n // 3 + 1
        for node in honest:
            committed = [sha256(tx) for h in range(1, node.height + 1) for tx in node.store.block(Height(h)).txs]  # type: ignore[union-attr]
            assert len(set(committed)) == len(committed)
            assert node.store.base_height == 1
        by_height: dict[int, set[Hash]] = {}
        for node in honest:
            if node.is_up:
                by_height.setdefault(node.height, set()).add(node.replica.state.app_hash)
        assert all(len(hashes) == 1 for hashes in by_height.values())

    def ended(self, node: Node) -> bool:
        """Whether everything this node has acknowledged is in a block or rejected (N6)."""
        return all(node.store.tx_location(tx_hash) is not None or tx_hash in node.rejected for tx_hash in node.received)


def header_of(node: Node, height: int) -> Header:
    """The header of a committed block."""
    encoded = node.store.header(Height(height))
    assert encoded is not None
    return Header.decode(encoded)


def transactions_of(node: Node, height: int) -> list[Transaction]:
    """The transactions of a committed block."""
    block = node.store.block(Height(height))
    assert block is not None
    return [decode_transaction(raw) for raw in block.txs]


class Election:
    """A poll of one question, from the roll to the tally, as signed transactions of agency 1."""

    POLL = PollNumber(1)

    def __init__(self, genesis: Genesis, voters: int = 5, open_ms: int = 3_600_000) -> None:
        self.genesis = genesis
        self.voters = [key_of(f"voter{i}") for i in range(voters)]
        entries = sorted((voter.tagged, 1) for voter in self.voters)
        operator = key_of("operator")
        proof = registration_proof(operator, genesis.hash, AgencyNumber(1), Role.OPERATOR)
        self.definition = PollDefinition(
            agency=AgencyNumber(1),
            title=(("en", "Park"),),
            description=(),
            questions=(make_question(SingleRule(), 3, blank=True),),
            opens_at_ms=TimeMs(START_MS),
            closes_at_ms=TimeMs(START_MS + open_ms),
            grace_ms=100,
            roll=RollNumber(1),
            revote=True,
            release=Release.AFTER_CLOSING,
            approvals=1,
            tie_rule=TieRule.EQUAL_RANK,
            min_turnout=0,
        )
        encoded = encode_definition(self.definition)
        self.context = definition_hash(encoded)
        keys_of_roll = b"".join(key for key, _ in entries)
        self.operator = operator
        self.set_up = (
            self._signed(OperatorRegister(1, operator.tagged, proof), key_of("agency1")),
            self._signed(RollCreate(1, "voters"), operator),
            self._signed(RollAppend(2, RollNumber(1), keys_of_roll, ()), operator),
            self._signed(RollSeal(3, RollNumber(1), roll_root(entries), voters), operator),
            self._signed(PollRegister(4, PollNumber(0), encoded), operator),
        )
        self.close = self._signed(PollClose(5, self.POLL, "all have cast"), operator)

    def ballot(self, voter: int, answer: int | None = 0, revision: int = 0) -> bytes:
        """The ballot of one voter."""
        return self._signed(Ballot(self.POLL, revision, (answer,)), self.voters[voter], self.context)

    def _signed(self, payload: Payload, key: SigningKey, context: Hash = NO_CONTEXT) -> bytes:
        return make_transaction(payload, key, self.genesis.hash, context)
