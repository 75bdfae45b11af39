"""Machines of one height on a simulated network: seeded delay, loss, duplication, reordering, partition.

Time is virtual, in milliseconds. Until `heal_at_ms` the network does what it likes; after it every message
takes 1 to 50 ms and none is lost (GST). Nodes tell each other what they hold every 100 ms. A node that
decided hands out block and commit, as the next height would let it; whoever takes them checks the commit with
arithmetic of its own.
"""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from random import Random

from mvchain.consensus import exchange
from mvchain.consensus.effects import Decide, Effect, ScheduleTimeout
from mvchain.consensus.inputs import Input, TimeoutElapsed, WorkWaiting
from mvchain.core.types import Round
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.endorsements import Endorsement, Kind, Proposal
from mvchain.ledger.validators import ValidatorSet
from tests.consensus.helpers import BAD_BLOCKS, Node, SignedMessage, block, endorse, propose, ready

GOSSIP_MS = 100
END_MS = 600_000


class Fork(Exception):
    """Two correct nodes decided different blocks (faults I1)."""


class BadCommit(Exception):
    """A decision with fewer distinct signers behind it than it takes (faults I1)."""


class Peer(Node):
    """A correct node whose messages go to the network."""

    def __init__(self, index: int, validators: ValidatorSet, cluster: "Cluster") -> None:
        super().__init__(index, validators, has_blocks=False)
        self.cluster = cluster
        self.decided_in: Round | None = None
        self.commit: tuple[Endorsement, ...] = ()

    def feed(self, *events: Input) -> None:
        if self.decided_in is None:  # else it is at the next height
            super().feed(*events)

    def send(self, what: tuple[str, int], message: SignedMessage) -> None:
        super().send(what, message)
        if isinstance(message, Proposal):
            self.blocks.add(message.block_id)
        self.broadcast(message)

    def broadcast(self, message: SignedMessage) -> None:
        for to in self.others():
            self.cluster.send(self, to, partial(to.receive, message))

    def others(self) -> list["Peer"]:
        return [peer for peer in self.cluster.peers if peer is not self]

    def carry_out(self, effect: Effect) -> list[Input]:
        fed_back = super().carry_out(effect)
        match effect:
            case ScheduleTimeout(kind=kind, round=round_, duration_ms=duration_ms):
                self.cluster.after(duration_ms, partial(self.feed, TimeoutElapsed(kind, round_)))
            case Decide(round=round_, block_id=block_id):
                self.take(round_, block_id, self.machine.keeper.precommits_of_commit(round_, block_id))
        return fed_back

    def take(self, round_: Round, block_id: BlockID, commit: tuple[Endorsement, ...]) -> None:
        """The decision, the own or a peer's; the first."""
        if self.decided_in is None:
            self.decided_in, self.decision, self.commit = round_, block_id, commit
            self.cluster.check(self)

    def gossip(self) -> None:
        """Tell what is held; ask for blocks; hand out a decision."""
        told = exchange.known(self.machine.keeper)
        for to in self.others():
            self.cluster.send(self, to, partial(to.answer, self, told))
            for block_id in self.wanted:
                self.cluster.send(self, to, partial(to.hand_out, self, block_id))
        self.cluster.after(GOSSIP_MS, self.gossip)

    def answer(self, to: "Peer", told: exchange.Holdings) -> None:
        if self.decided_in is not None and self.decision is not None:
            self.cluster.send(self, to, partial(to.take, self.decided_in, self.decision, self.commit))
            return
        missing = exchange.missing_for(self.machine.keeper, told)
        lacking: list[SignedMessage] = [*missing.proposals, *missing.endorsements]
        for message in lacking:
            self.cluster.send(self, to, partial(to.receive, message))

    def hand_out(self, to: "Peer", block_id: BlockID) -> None:
        if block_id in self.blocks:
            self.cluster.send(self, to, partial(to.get_block, block_id))

    def get_block(self, block_id: BlockID) -> None:
        if block_id in self.wanted:
            self.wanted.remove(block_id)
            self.blocks.add(block_id)
            self.feed(ready(block_id))


class Equivocator(Peer):
    """Makes two proposals, and tells everyone, whom it can see through, mostly what he would like to hear."""

    def send(self, what: tuple[str, int], message: SignedMessage) -> None:
        self.signed.setdefault(what, message)
        self.sent.append(message)
        self.lie_about(message)

    def gossip(self) -> None:
        super().gossip()
        for message in self.sent[-3:]:
            self.lie_about(message)

    def lie_about(self, message: SignedMessage) -> None:
        for to in self.others():
            self.cluster.send(self, to, partial(self.lie_to, to, message))

    def lie_to(self, to: Peer, message: SignedMessage) -> None:
        to.receive(*self.lies(message, to))

    def lies(self, message: SignedMessage, to: Peer) -> list[SignedMessage]:
        choice = self.cluster.random.choice
        other: SignedMessage
        if isinstance(message, Proposal):
            other = propose(message.round, block(f"white {self.index} {message.round}")).proposal
            self.blocks |= {message.block_id, other.block_id}
            return choice([[message], [other], [message, other]])
        assert self.index is not None
        liked = to.machine.keeper.proposals.get(message.round)
        if liked is None:
            return []
        other = endorse(message.kind, self.index, message.round, liked.block_id, validators=self.validators)
        return choice([[other], [other], [message], [message, other], [other, message], []])


class Amnesiac(Peer):
    """Forgets its lock and endorses whatever it last saw; never what it should (faults S5)."""

    def send(self, what: tuple[str, int], message: SignedMessage) -> None:
        if isinstance(message, Endorsement) and message.kind == Kind.PREVOTE:
            named = sorted(self.machine.blocks - {message.block_id}, key=lambda b: b.hash)
            if named:
                block_id = self.cluster.random.choice(named)
                assert self.index is not None
                message = endorse(Kind.PREVOTE, self.index, message.round, block_id, validators=self.validators)
        if isinstance(message, Proposal):
            self.blocks.add(message.block_id)
        self.broadcast(message)


class Silent(Peer):
    """Says nothing at all (faults S6)."""

    def start(self, wait: bool = False) -> None:
        pass

    def gossip(self) -> None:
        pass

    def receive(self, *messages: SignedMessage) -> None:
        pass

    def answer(self, to: Peer, told: exchange.Holdings) -> None:
        pass


class BadProposer(Peer):
    """Proposes blocks that are invalid (faults S8) or that nobody can fetch (faults S9)."""

    def send(self, what: tuple[str, int], message: SignedMessage) -> None:
        if isinstance(message, Proposal):
            made = block(f"bad {self.index} {message.round}")
            message = propose(message.round, made).proposal
            if self.cluster.random.random() < 0.5:
                self.blocks.add(made)
        self.broadcast(message)


class Cluster:
    """One run. `faulty` maps indexes to the kind of peer; the others are correct."""

    def __init__(
        self,
        seed: int,
        validators: ValidatorSet,
        faulty: dict[int, type[Peer]],
        heal_at_ms: int,
        linked: Callable[[int, int], bool] = lambda a, b: True,
    ) -> None:
        self.random = Random(seed)
        self.validators = validators
        self.heal_at_ms = heal_at_ms
        self.linked = linked
        self.signers_needed = 2 * len(validators) // 3 + 1
        self.loss = self.random.choice([0.0, 0.1, 0.3, 0.6, 0.9])
        self.delay_ms = self.random.choice([20, 200, 1500])
        self.cut: set[tuple[int, int]] = set()
        self.now_ms = 0
        self.queue: list[tuple[int, int, Callable[[], None]]] = []
        self.count = 0
        self.peers = [faulty.get(i, Peer)(i, validators, self) for i in range(len(validators))]
        self.correct = [peer for peer in self.peers if type(peer) is Peer]

    def after(self, delay_ms: int, action: Callable[[], None]) -> None:
        self.count += 1
        heappush(self.queue, (self.now_ms + delay_ms, self.count, action))

    def send(self, source: Peer, to: Peer, action: Callable[[], None]) -> None:
        assert source.index is not None
        assert to.index is not None
        if not self.linked(source.index, to.index):
            return
        if self.now_ms >= self.heal_at_ms:
            self.after(self.random.randint(1, 50), action)
            return
        if (source.index, to.index) in self.cut or self.random.random() < self.loss:
            return
        for _ in range(self.random.choice([1, 1, 2])):
            self.after(self.random.randint(1, self.delay_ms), action)

    def run(self, until: Callable[["Cluster"], bool]) -> None:
        """Start everyone, some waiting for work, and go on until the condition holds."""
        for peer in self.peers:
            waits = self.random.random() < 0.5
            self.after(self.random.randint(0, 50), partial(peer.start, waits))
            self.after(self.random.randint(0, GOSSIP_MS), peer.gossip)
            self.after(self.random.randint(0, 3000), partial(peer.feed, WorkWaiting()))
        self.rewire()
        while not until(self):
            self.go_on()

    def go_on(self) -> None:
        """One more event."""
        assert self.now_ms < END_MS, "this takes for ever"
        self.now_ms, _, action = heappop(self.queue)
        action()

    def rewire(self) -> None:
        """Cut other links for a while: none, those between parts, or any, also one way only (faults S2)."""
        n = len(self.validators)
        links = [(a, b) for a in range(n) for b in range(n)]
        part = [self.random.randrange(self.random.choice([1, 2, 3])) for _ in range(n)]
        self.cut = {(a, b) for a, b in links if part[a] != part[b]}
        if self.random.random() < 0.3:
            self.cut = {link for link in links if self.random.random() < 0.5}
        self.after(self.random.choice([200, 1000, 5000]), self.rewire)

    def all_decided(self) -> bool:
        return all(peer.decision is not None for peer in self.correct)

    def check(self, peer: Peer) -> None:
        """The checker: shares no code with the package (faults I1, I8)."""
        signers = {
            e.index for e in peer.commit if (e.kind.value, e.round, e.block_id) == (2, peer.decided_in, peer.decision)
        }
        if type(peer) is not Peer:
            return
        assert peer.decision not in BAD_BLOCKS
        if len({other.decision for other in self.correct} - {None}) > 1:
            raise Fork
        if len(signers) < self.signers_needed:
            raise BadCommit
