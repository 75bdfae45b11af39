"""What a node does with a message of a peer, a tick, and what its replica hands out. Synchronous.

It leads each message to the part that it concerns (the replica, the gossip of transactions, the catch-up, the
backfill, the answers, the clearance of the own key), within what the peer may ask for, and carries out what they come
to; it contains no rules of the chain. It stands on a small port, `Shell`: the asyncio shell of `node.runtime`, or the
simulator. A peer's fault ends in `Shell.close`; that of a broken disk or a bug comes out of the call, and is the node's
end.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mvchain.core import codes
from mvchain.core.errors import BadPeer, BadProof, BadTransaction, MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash, Height, PublicKey
from mvchain.ledger.evidence import DuplicateEndorsementEvidence
from mvchain.ledger.transactions import Transaction
from mvchain.node import serving
from mvchain.node.allowance import Allowance
from mvchain.node.answers import Answers
from mvchain.node.backfill import Backfill
from mvchain.node.catchup import CatchUp
from mvchain.node.clearance import Clearance
from mvchain.node.gossip import TxGossip
from mvchain.node.judge import Known, Received, Refused, Verdict
from mvchain.node.message import Message
from mvchain.node.outputs import Broadcast, Committed, FetchTransactions, Output, StartTimer
from mvchain.node.ports import Journal
from mvchain.node.rejections import Rejections
from mvchain.node.replica import Replica
from mvchain.node.serving import Serving
from mvchain.node.shell import Shell
from mvchain.node.snapshots import Snapshots
from mvchain.node.wire import (
    AskOwn,
    BlockResponse,
    CompactProposal,
    Endorsements,
    Evidence,
    GetBlocks,
    HaveTransactions,
    NoBlock,
    OwnMessages,
    Status,
    Transactions,
    WantTransactions,
)
from mvchain.node.wire_past import FinalProof, PastBlock, Question

logger = logging.getLogger(__name__)

TICK_MS = 100
"""How often gossip retries, the catch-up and the clock are looked at; the happy path waits for none of them."""
STATUS_EVERY_TICKS = 20
"""A status goes out on every change, and this often without one, so that a lost one heals."""
EVIDENCE_EVERY_TICKS = 50
"""Evidence goes out when it is found, and this often until a block holds it."""
STATUS_DELAY_MS = 50
"""How long a change waits for others before peers are told."""
ANNOUNCE_MS = 5
"""How long announcements wait for company (N8)."""
BACKFILL_MS = 20
"""Of each tick for filling in the past: a fifth of a processor, and no more than consensus can wait."""
OWN_MESSAGES_COST = 10
"""Reading the last commits for `AskOwn` takes about as long as this many statuses."""
HASHES_PER_ANSWER = 128
"""Transactions asked for by hash that count as one answer: an honest peer gets 19,200 a second, looked up or not."""


@dataclass(frozen=True, slots=True)
class _Peer:
    key: PublicKey
    allowance: Allowance


class Dispatch:
    """One node's dealings with its peers, by their names.

    Args:
        vouched: the operator vouches that no other copy of the validator key has signed (N4).
    """

    def __init__(
        self,
        replica: Replica,
        journal: Journal,
        shell: Shell,
        *,
        snapshots: Snapshots,
        vouched: bool,
    ) -> None:
        self.answers = Answers(replica)
        self.snapshots = snapshots
        self._serving = Serving(replica, snapshots)
        self.catch_up = CatchUp()
        self.backfill = Backfill(replica.store)
        self.clearance = Clearance(replica, self.answers, self._distance, vouched=vouched)
        self._replica = replica
        self._store = replica.store
        self._journal = journal
        self._shell = shell
        self._gossip = TxGossip(shell.send, self._transaction_bytes)
        self._peers: dict[str, _Peer] = {}
        self._rejections = Rejections(replica.store)
        self._flush_is_due = False
        self._status_is_due = False
        self._status_sent = b""
        self._ticks = 0
        self._backfill_rests_until_ms = 0

    # --- life ------------------------------------------------------------------------------------------------

    def unended(self) -> list[bytes]:
        """At start: what the journal holds and no block does; the journal need not keep the rest."""
        journaled = [(sha256(raw), raw) for raw in self._journal.replay()]
        committed = {tx_hash for tx_hash, _ in journaled if self._store.tx_location(tx_hash) is not None}
        self._journal.ended(committed)
        return [raw for tx_hash, raw in journaled if tx_hash not in committed]

    def restored(self, verdicts: Sequence[Verdict]) -> int:
        """Take up again what was acknowledged before the restart (N6).

        Returns how many were taken up: from the first on that the pool has no room for, all are left, since they may
        build on it and are not judged without it.
        """
        self._gossip.add_own(verdict.transaction.hash for verdict in verdicts if isinstance(verdict, Received))
        for i, verdict in enumerate(verdicts):
            if isinstance(verdict, Refused):
                if verdict.error.cause is codes.POOL_FULL:
                    return i
                self._reject(verdict.tx_hash, verdict.error)
        return len(verdicts)

    def start(self) -> None:
        """Take part from here on; a validator once enough others have answered (N4)."""
        self._act(self.clearance.proceed)

    # --- for people ------------------------------------------------------------------------------------------

    def connected_keys(self) -> set[PublicKey]:
        """Node keys of the connected peers."""
        return {peer.key for peer in self._peers.values()}

    def missing_agencies(self) -> list[str]:
        """Names of agencies that sign at this height and whose nodes are not connected."""
        connected, replica = self.connected_keys(), self._replica
        return [
            agency.name_en
            for agency in replica.state.agencies
            if agency.validator_at(replica.machine.height) is not None
            and connected.isdisjoint(agency.node_keys)
            and not replica.signing.is_own(agency)
        ]

    def rejection(self, tx_hash: Hash) -> MvchainError | None:
        """Why a received transaction ended without a block, as far as this node remembers."""
        return self._rejections.get(tx_hash)

    # --- the replica's outputs -------------------------------------------------------------------------------

    def _act(self, action: Callable[[], None], peer: str | None = None) -> None:
        """Act, and carry out what the replica hands back. A fault of the peer costs the peer, any other the node."""
        try:
            action()
        except (BadPeer, BadProof, BadTransaction) as error:
            if peer is None:
                raise
            self._shell.close(peer, BadPeer(error.cause, **error.data))
        while outputs := self._replica.take_outputs():
            for output in outputs:
                self._carry_out(output)
        self._status_soon()

    def _carry_out(self, output: Output) -> None:
        match output:
            case Broadcast(message):
                self._broadcast(message)
            case StartTimer():
                self._start_timer(output)
            case FetchTransactions(source, hashes):
                self._gossip.want(source, hashes, self._shell.clock_ms())
            case Committed():
                self._after_commit(output)

    def _broadcast(self, message: Message) -> None:
        for name in self._peers:
            self._shell.send(name, message)

    def _start_timer(self, timer: StartTimer) -> None:
        def fire() -> None:
            self._act(lambda: self._replica.timer_fired(timer.kind, timer.height, timer.round))

        self._shell.call_later(timer.delay_ms, fire)

    def _after_commit(self, committed: Committed) -> None:
        self._gossip.finished(committed.tx_hashes)
        self._journal.ended(committed.tx_hashes)
        for tx_hash in committed.tx_hashes:
            self._shell.ended(tx_hash)
        for tx_hash, error in committed.rejected:
            self._reject(tx_hash, error)
        if self.clearance.set_changed():
            self._ask_own(self._peers)
            self.clearance.proceed()
        self._shell.committed()

    def _reject(self, tx_hash: Hash, error: MvchainError) -> None:
        """A transaction that was received has ended without being committed; its submitter can see why (N6)."""
        self._gossip.forget([tx_hash])
        self._journal.ended([tx_hash])
        self._rejections.add(tx_hash, error)
        self._shell.ended(tx_hash)

    # --- transactions ----------------------------------------------------------------------------------------

    def spread(self, taken: Sequence[Transaction]) -> None:
        """Send on what the own API has taken."""
        for transaction in taken:
            self._rejections.forget(transaction.hash)
        self._gossip.add_own(transaction.hash for transaction in taken)
        self._gossip.flush()
        self._act(lambda: self._replica.transactions_arrived(taken))

    def offer_evidence(self, evidence: DuplicateEndorsementEvidence) -> None:
        """Take evidence from the own API; raises BadProof, see `Replica.offer_evidence`."""
        self._act(lambda: self._replica.offer_evidence(evidence))

    def _take_batch(self, peer: str, raw: tuple[bytes, ...]) -> None:
        if not self._shell.has_room(peer, len(raw)):
            self._gossip.no_room(peer, raw, self._shell.clock_ms())
            return
        new = self._gossip.arrived(peer, raw)
        if new:
            self._shell.judge(peer, new)

    def judged(self, peer: str, verdicts: Sequence[Verdict]) -> None:
        """What became of transactions that `Shell.judge` was asked about."""
        received, for_blocks = [], []
        self._blame(peer, [verdict for verdict in verdicts if isinstance(verdict, Refused)])
        for verdict in verdicts:
            match verdict:
                case Received(transaction):
                    received.append(transaction)
                case Known(tx_hash) if tx_hash in self._replica.mempool:
                    self._gossip.admitted([tx_hash])
                case Known(tx_hash):  # committed long ago
                    self._gossip.forget([tx_hash])
                case Refused(tx_hash, _, transaction):
                    self._gossip.forget([tx_hash])
                    if transaction is not None:
                        for_blocks.append(transaction)
        self._gossip.admitted(transaction.hash for transaction in received)
        self._flush_soon()
        self._act(lambda: self._replica.transactions_arrived(received + for_blocks))

    def _blame(self, peer: str, refused: Sequence[Refused]) -> None:
        """Bytes that are no transaction cost the peer; a wrong signature does only where there are many.

        One may be honest: a ballot under a definition that was replaced meanwhile. Finding one out takes a
        verification, so they use up what the peer may ask for (faults S23).
        """
        if peer not in self._peers:
            return
        unsigned = [verdict for verdict in refused if verdict.error.cause is codes.BAD_SIGNATURE]
        faults = [verdict for verdict in refused if verdict.malformed]
        if not faults and unsigned and not self._may_ask(peer, len(unsigned)):
            faults = unsigned
        if faults:
            error = faults[0].error
            self._shell.close(peer, BadPeer(error.cause, **error.data))

    def _flush_soon(self) -> None:
        """Announcements of a few milliseconds go together (N8)."""
        if not self._flush_is_due:
            self._flush_is_due = True
            self._shell.call_later(ANNOUNCE_MS, self._flush)

    def _flush(self) -> None:
        self._flush_is_due = False
        self._gossip.flush()

    def _transaction_bytes(self, tx_hash: Hash) -> bytes | None:
        transaction = self.answers.transaction(tx_hash)
        if transaction is not None:
            return transaction.raw
        place = self._store.tx_location(tx_hash)
        return None if place is None else self._store.transaction_at(*place)

    # --- peers -----------------------------------------------------------------------------------------------

    def connected(self, name: str, key: PublicKey) -> None:
        """Greet a new peer, which has proved that it holds this node key."""
        self._peers[name] = _Peer(key, Allowance(self._shell.clock_ms()))
        self._gossip.connected(name)
        self._shell.send(name, self.answers.status())
        self._gossip.want(name, self._replica.blocks.lacking(), self._shell.clock_ms())
        self._ask_own([name])

    def disconnected(self, name: str) -> None:
        """Forget a peer; what was asked of it is asked of others."""
        del self._peers[name]
        self._gossip.disconnected(name)
        self.catch_up.peer_gone(name)
        self.backfill.peer_gone(name)

    def received(self, peer: str, message: Message) -> None:
        """Take one message of a connected peer."""
        self._act(lambda: self._take(peer, message), peer)

    def _take(self, peer: str, message: Message) -> None:
        match message:
            case Status():
                self.catch_up.peer_status(peer, message.height, message.base_height)
                self.backfill.peer_status(peer, message.base_height)
                if self._may_ask(peer, 1):
                    for answer in self.answers.missing_for(message):
                        self._shell.send(peer, answer)
            case CompactProposal():
                self._replica.receive_proposal(peer, message)
            case Endorsements(items):
                self._replica.receive_endorsements(items)
            case Evidence(items) if self._may_ask(peer, len(items)):
                self._replica.receive_evidence(items)
            case Transactions(items):
                self._take_batch(peer, items)
            case HaveTransactions(hashes):
                self._gossip.have(peer, hashes, self._shell.clock_ms())
            case WantTransactions(hashes) if self._may_ask(peer, len(hashes) / HASHES_PER_ANSWER):
                self._gossip.wanted(peer, hashes)
            case GetBlocks(height, count):
                self._serve_blocks(peer, height, count)
            case BlockResponse(height, block, commit):
                if self.catch_up.arrived(peer, height, block, commit):
                    self._apply_fetched()
            case NoBlock(height):
                self.catch_up.refused(peer, height, self._shell.clock_ms())
            case AskOwn(address) if self._may_ask(peer, OWN_MESSAGES_COST):
                self._shell.send(peer, self.answers.own_messages(address))
            case OwnMessages():
                self._learn_own(peer, message)
            case _ if isinstance(message, Question):
                if self._may_ask(peer, 1):
                    answer = self._serving.answer(message)
                    self._peers[peer].allowance.charge(serving.weight(answer))
                    self._shell.send(peer, answer)
            case PastBlock() | FinalProof():
                self.backfill.arrived(peer, message, self._shell.clock_ms())
                self._ask_for_the_past()
            case _:
                pass  # what asks for too much

    def _may_ask(self, peer: str, cost: float) -> bool:
        return self._peers[peer].allowance.take(cost, self._shell.clock_ms())

    def _learn_own(self, peer: str, answer: OwnMessages) -> None:
        address = self.answers.validator_of_node(self._peers[peer].key)
        if address is not None:
            self.clearance.answered(address, answer)
            self.clearance.proceed()

    def _ask_own(self, peers: Iterable[str]) -> None:
        question = self.clearance.question
        if question is not None:
            for name in peers:
                self._shell.send(name, question)

    # --- blocks for and from peers ---------------------------------------------------------------------------

    def _serve_blocks(self, peer: str, height: int, count: int) -> None:
        for wanted in range(height, height + count):
            # Who asks for too much is told so, and asks somebody else at once instead of waiting here.
            found = self.answers.block(Height(wanted)) if self._may_ask(peer, 1) else None
            if found is None:
                self._shell.send(peer, NoBlock(Height(wanted)))
                continue
            self._peers[peer].allowance.charge(len(found[0]))
            if not self._shell.send(peer, BlockResponse(Height(wanted), *found)):
                return  # its queue is full: it asks again

    def _apply_fetched(self) -> None:
        while (fetched := self.catch_up.take(self._replica.machine.height)) is not None:
            try:
                self._replica.receive_block(self._replica.machine.height, fetched.block, fetched.commit)
            except (BadProof, BadTransaction) as error:
                logger.warning("peer %s sent a wrong block: %s", fetched.peer, error)
                self.catch_up.wrong(fetched.peer, self._shell.clock_ms())
                self._shell.close(fetched.peer, BadPeer(error.cause, **error.data))
                return

    def _distance(self) -> int:
        """How many heights a correct validator is ahead of this node at least."""
        addresses = {name: self.answers.validator_of_node(peer.key) for name, peer in self._peers.items()}
        height, validators = self._replica.machine.height, self._replica.state.validators
        return self.catch_up.distance_of_one_correct(height, validators, addresses)

    def _ask_for_the_past(self) -> None:
        for name, question in self.backfill.requests(self._shell.clock_ms()):
            self._shell.send(name, question)

    def _fill_in_the_past(self) -> None:
        """A part of each tick; a full block alone takes longer, and then as many ticks pass without."""
        started_ms = self._shell.clock_ms()
        if started_ms >= self._backfill_rests_until_ms:
            lied = self.backfill.work(lambda: self._shell.clock_ms() < started_ms + BACKFILL_MS)
            took_ms = self._shell.clock_ms() - started_ms
            self._backfill_rests_until_ms = started_ms + took_ms * TICK_MS // BACKFILL_MS
            if lied is not None:
                self._shell.close(*lied)
        self._ask_for_the_past()

    # --- time ------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Look at the clock; every `TICK_MS`."""
        self._ticks += 1
        moment_ms = self._shell.clock_ms()
        self._act(self._catch_up_and_work)
        for name, height in self.catch_up.requests(self._replica.machine.height, moment_ms):
            self._shell.send(name, GetBlocks(Height(height), 1))
        self._gossip.tick(moment_ms)
        self._fill_in_the_past()
        if self._ticks % STATUS_EVERY_TICKS == 0:
            self._send_status(self.answers.status())
            self._ask_own(self._peers)
        if self._ticks % EVIDENCE_EVERY_TICKS == 0:
            evidence = self.answers.evidence()
            if evidence.items:
                self._broadcast(evidence)

    def _catch_up_and_work(self) -> None:
        self._apply_fetched()  # blocks that came before the one below them was decided here
        self.clearance.proceed()  # it may have caught up
        self._replica.work_arrived()

    def _status_soon(self) -> None:
        """Tell peers of a change, but not of every single one."""
        if not self._status_is_due:
            self._status_is_due = True
            self._shell.call_later(STATUS_DELAY_MS, self._tell_change)

    def _tell_change(self) -> None:
        self._status_is_due = False
        status = self.answers.status()
        if status.body() != self._status_sent:
            self._send_status(status)

    def _send_status(self, status: Status) -> None:
        self._status_sent = status.body()
        self._broadcast(status)
