"""The synchronous replica: executes the effects of the consensus core in durable order.

Its duties; everything whose order matters for safety is plain sequential code here:

1. What changes the machine is in the log before anything follows from it.
2. A block is in the log, and the log is synced, before its proposal is signed or a prevote or precommit for it
   leaves: else a crash of all nodes could leave a quorum locked on a block that nobody has (N5).
3. Own proposals, prevotes and precommits pass the sign guard, which is durable before it returns (N4).
4. Nothing signed is handed out before the log that holds it is synced: `take_outputs` sees to that. It is called after
   every step, before peers are answered from what is here (`node.answers`).
5. Block, commit, results and state become durable in one synced batch before the next height starts.

`node.dispatch` drives it: it calls a method, takes the outputs, moves them, and decides nothing. After a crash the same
log is fed through the same path: the guard returns the same signature again or refuses, so the outside sees the same
messages or none. That a block was found invalid is not in the log: nothing follows from it but a nil prevote, so after
a crash the block is judged anew if it comes again.

The replica reads no clock of its own: `now_ns` is a port.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence

from mvchain.consensus.effects import (
    Decide,
    Diverged,
    DuplicateProposal,
    Effect,
    MakeProposal,
    Misbehaviour,
    NeedBlock,
    Precommit,
    Prevote,
    RoundStarted,
    ScheduleTimeout,
    TimeoutKind,
)
from mvchain.consensus.inputs import (
    EndorsementReceived,
    Input,
    ProposalReceived,
    Start,
    TimeoutElapsed,
    WorkWaiting,
)
from mvchain.consensus.machine import Machine, Phase
from mvchain.core import codes
from mvchain.core.errors import BadPeer, BadProof, BadTransaction, BrokenStorage
from mvchain.core.limits import MAX_BLOCK_EVIDENCE, MAX_FAR_ENDORSEMENTS, MAX_ROUNDS_AHEAD
from mvchain.core.timestamps import NS_PER_MS
from mvchain.core.types import Height, Round
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import EMPTY_COMMIT, Block, Commit, block_id_of, encode_evidence_list, median_time
from mvchain.ledger.commits import add_precommit, commit_from_precommits, verify_commit_full
from mvchain.ledger.endorsements import Endorsement, Kind, Proposal
from mvchain.ledger.evidence import DuplicateEndorsementEvidence
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.mempool import Mempool
from mvchain.ledger.state import State
from mvchain.ledger.transactions import Transaction
from mvchain.node.candidates import Base, Candidate, Tip, compact, make_block
from mvchain.node.gathering import Gathering
from mvchain.node.outputs import Broadcast, Committed, FetchTransactions, Output, StartTimer
from mvchain.node.pace import Pace
from mvchain.node.ports import Ports
from mvchain.node.recorded import Record, own_block, own_blocks, recorded, timeout
from mvchain.node.signatures import CheckedSignatures
from mvchain.node.signing import Signing, check_endorsement
from mvchain.node.watch import UNTIMELY, Watch
from mvchain.node.wire import CompactProposal, Endorsements, Evidence

logger = logging.getLogger(__name__)

TIP_KEY = b"m"
"""Where the tip is kept among the state records; written last, so that records without it are no state."""


class Replica:
    """One node's copy of the chain and its part in deciding the next block."""

    def __init__(self, genesis: Genesis, state: State, tip: Tip, mempool: Mempool, ports: Ports) -> None:
        self.genesis = genesis
        self.state = state
        self.tip = tip
        self.mempool = mempool
        self.signatures = CheckedSignatures(ports.signatures)
        self.store = ports.store
        self.on_block: Callable[[], None] = lambda: None  # after each block, before the next height is opened
        self.signing = Signing(ports.guards, ports.log, ports.now_ns)
        self._log = ports.log
        self._pace = Pace(ports.now_ns)
        stored = ports.store.commit(tip.height) if tip.height else None
        self._last_commit = Commit.decode(stored) if stored else EMPTY_COMMIT
        self.watch = Watch(ports.store, self._last_commit, state.validators_at(tip.height))
        self._outputs: list[Output] = []
        self._inputs: deque[Input] = deque()
        self.started = False
        """Whether it takes part; until then blocks of others are taken alone."""
        self._clock_ahead_ms = 0
        self._open_height()

    # --- life cycle ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Replay the log of this height and take part from here on; if a key is to sign, `signing.begin` comes first.

        Raises:
            BrokenStorage: the disk failed, or this node cannot follow the chain.
        """
        self.started = True
        height, records = self._log.records()
        if height != self.machine.height or not records:
            self._log.start_height(self.machine.height)
            self._enter_height()
        else:
            self._replay(records)
        self._drain()

    def unreplayed(self) -> Sequence[tuple[int, bytes]]:
        """What the log holds of this height, as (kind, payload), until `start` has replayed it."""
        height, records = self._log.records()
        return () if self.started or height != self.machine.height else records

    def take_outputs(self) -> list[Output]:
        """Hand over what is to be done outside, in order; nothing leaves before the log is synced (duty 4).

        Raises:
            BrokenStorage: the disk failed; nothing leaves.
        """
        self.signing.settle()
        outputs, self._outputs = self._outputs, []
        return outputs

    # --- inputs from the shell -------------------------------------------------------------------------------

    def receive_proposal(self, peer: str, message: CompactProposal) -> None:
        """Take a compact proposal.

        Raises:
            BadPeer, BadProof: it is forged, malformed or altered.
        """
        proposal = Proposal.decode(message.proposal)
        if not self.started or proposal.height != self.machine.height:
            return
        if not self.blocks.wants(proposal, self.machine.round):
            return
        proposer = self.state.validators.proposer(proposal.height, proposal.round)
        if not proposal.is_signed_by(proposer.public_key, self.genesis.chain_id):
            raise BadPeer(codes.FORGED_SIGNATURE, what="a proposal", height=proposal.height)
        self.signing.notice(proposer.address, proposal)
        try:
            self.blocks.begin(peer, proposal.block_id, message, self.mempool.get)
        except BadProof:
            self.watch.compare(self.base(), Commit.decode(message.last_commit))
            raise
        needed = self.blocks.is_needed(proposal.block_id)  # asked for when it was not here (K2), or before a crash
        if self.blocks.note(proposal):
            self._feed(Record.PROPOSAL, message.proposal, ProposalReceived(proposal))
        if needed and self.blocks.is_needed(proposal.block_id):
            self._gather(proposal.block_id)
        self._drain()

    def receive_endorsements(self, items: Iterable[bytes]) -> None:
        """Take prevotes and precommits; those of other heights are late or early and left out.

        Raises:
            BadPeer, BadProof: one is malformed or forged; those before it count.
        """
        if not self.started:
            return
        for item in items:
            endorsement = Endorsement.decode(item)
            if endorsement.height == self.machine.height:
                self._take_endorsement(item, endorsement)
            elif endorsement.height == self.tip.height:
                self._take_late(endorsement)

    def receive_evidence(self, items: Iterable[bytes]) -> None:
        """Take evidence from a peer; what cannot be judged here, or is known, is left out.

        Raises:
            BadProof: a piece is malformed or forged; those before it count.
        """
        for item in items:
            try:
                self.offer_evidence(DuplicateEndorsementEvidence.decode(item))
            except BadProof as error:
                if error.cause not in UNTIMELY:
                    raise

    def offer_evidence(self, evidence: DuplicateEndorsementEvidence) -> None:
        """Keep evidence for a block and pass it on, if it is new.

        Raises:
            BadProof: it proves nothing, is of an undecided height or too old, or cannot be judged here.
        """
        if self.watch.offer(self.base(), evidence):
            self.signing.contradicted(evidence.second)
            self._outputs.append(Broadcast(Evidence((evidence.encode(),))))

    def receive_block(self, height: Height, block_bytes: bytes, commit_bytes: bytes) -> bool:
        """Take a decided block of this height from a peer (catching up, N8); True if it was the next one.

        Raises:
            BadProof: block or commit does not hold, or they are of a fork of this chain.
            BrokenStorage: it was decided, and cannot be executed here.
        """
        if height != self.machine.height:
            return False
        commit = Commit.decode(commit_bytes)
        block = Block.decode(block_bytes)
        block_id = block_id_of(block.header, block_bytes)
        verify_commit_full(commit, self.genesis.chain_id, self.state.validators, height, block_id)
        if block.header.last_block_id != self.tip.block_id:
            self.watch.compare(self.base(), block.last_commit)
        try:
            candidate = self.blocks.execute(block, block_bytes, block_id)
        except (BadProof, BadTransaction) as fault:
            raise BrokenStorage(codes.CHAIN_DIVERGED, height=height, why=fault) from fault
        if self.started:
            self.signing.block_fetched(commit)
        self._commit(candidate, commit)
        self._drain()
        return True

    def transactions_arrived(self, transactions: Sequence[Transaction]) -> None:
        """Use transactions whose signature holds for proposed blocks that miss them, and for work that waits."""
        for block_id in self.blocks.supply(transactions):
            self._gather(block_id)
        self._drain()
        self.work_arrived()

    def work_arrived(self) -> None:
        """Leave the waiting state if there is a reason to make a block (N2).

        Time alone can be one, so this is called a few times a second as well.
        """
        if self.started and self.machine.phase is Phase.WAIT and self._has_work():
            self._feed(Record.WORK, b"", WorkWaiting())
            self._drain()

    def timer_fired(self, kind: TimeoutKind, height: Height, round_: Round) -> None:
        """A timer that `StartTimer` asked for ran out; late ones do nothing."""
        if height == self.machine.height and round_ == self.machine.round:
            self._feed(Record.TIMEOUT, timeout(kind, round_), TimeoutElapsed(kind, round_))
            self._drain()

    def clock_ahead_ms(self) -> int:
        """How far the own clock was ahead of the agencies' when a block was last decided here; negative if behind."""
        return min(self._clock_ahead_ms, self._pace.now_ms() - self.tip.time_ns // NS_PER_MS)

    # --- one height ------------------------------------------------------------------------------------------

    def _has_work(self) -> bool:
        return self._pace.has_work(self.state, self.tip, self.mempool)

    def _open_height(self) -> None:
        height = Height(self.tip.height + 1)
        self.signing.enter(height, self.state.validators)
        self.machine = Machine(height, self.state.validators, self.signing.address, self.state.params)
        self.blocks = Gathering(self.base(), self.signatures)
        self._own_blocks: dict[Round, bytes] = {}
        self._far: Counter[int] = Counter()
        self._pace.open_height()

    def base(self) -> Base:
        """What a block of the next height is made and judged on, as of now."""
        genesis = self.genesis
        return Base(genesis.chain_id, genesis.app_version, self.state, self.tip, self._last_commit, self.store.header)

    def _enter_height(self) -> None:
        """Queue the start of this height; not drained here, so that heights follow in a loop, not by recursion."""
        wait = not self._has_work()
        self._log.append(Record.START, bytes((wait,)))
        self._inputs.append(Start(wait=wait))

    def _replay(self, records: Sequence[tuple[int, bytes]]) -> None:
        """Feed the log of this height again; own blocks are kept first, so that the same ones are proposed again."""
        machine = self.machine
        self._own_blocks = own_blocks(records)
        for kind, payload in records:
            self._inputs.append(recorded(kind, payload, self.blocks, self._pace.now_ms()))
            self._drain()
            if self.machine is not machine:
                return  # decided again: what an earlier replay added behind it is of a height that is over

    def _feed(self, kind: Record, payload: bytes, event: Input) -> None:
        """Duty 1. What the machine learns nothing from, as a third contradiction, is not worth a record."""
        effects = self.machine.step(event)
        learned = not isinstance(event, EndorsementReceived) or self.machine.keeper.has(event.endorsement)
        if effects or learned:
            self._log.append(kind, payload)
        self._carry_out(effects)
        self._drain()

    def _drain(self) -> None:
        while self._inputs:
            self._carry_out(self.machine.step(self._inputs.popleft()))

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        machine = self.machine
        for effect in effects:
            self._perform(effect)
            if self.machine is not machine:
                return  # decided: what is left belongs to a height that is over

    def _perform(self, effect: Effect) -> None:
        match effect:
            case RoundStarted(round=round_):
                self._far.clear()
                self.blocks.keep_only(self.machine.blocks, round_)
            case MakeProposal():
                self._propose(effect)
            case Prevote():
                self._endorse(Kind.PREVOTE, effect.round, effect.block_id)
            case Precommit():
                self._endorse(Kind.PRECOMMIT, effect.round, effect.block_id)
            case ScheduleTimeout():
                self._outputs.append(StartTimer(effect.kind, self.machine.height, effect.round, effect.duration_ms))
            case NeedBlock(block_id=block_id):
                self.blocks.need(block_id)
                self._gather(block_id)
            case Decide():
                self._decide(effect)
            case Diverged():
                why = "more than two thirds of the validators decided a block that is invalid here"
                raise BrokenStorage(codes.CHAIN_DIVERGED, height=self.machine.height, why=why)
            case Misbehaviour(first=first, second=second):
                self.watch.contradiction(first, second)
                self.signing.contradicted(second)
            case DuplicateProposal(first=proposed, second=again):
                self.watch.duplicate_proposal(proposed, again)

    def _propose(self, effect: MakeProposal) -> None:
        round_, guard = effect.round, self.signing.active
        if guard is None:
            return
        if effect.block_id is not None:
            candidate = self.blocks.candidates[effect.block_id]
        elif round_ in self._own_blocks:
            candidate = self.blocks.restore(self._own_blocks[round_])
        else:
            # In round 0 alone: a node that lacks the old block of a piece of evidence refuses it, but once only.
            evidence = () if round_ else self.watch.for_block(self.state.convictions)
            candidate = make_block(self.base(), guard.address, self.mempool.ready(), evidence)
            self.blocks.add(candidate)
            self._log.append(Record.OWN_BLOCK, own_block(round_, candidate.encoded))
            self._inputs.append(self.blocks.ready(candidate.block_id, self._pace.now_ms()))
        time_ns = candidate.block.header.time_ns
        proposal = self.signing.propose(round_, effect.pol_round, candidate.block_id, time_ns)
        if proposal is not None:
            self.blocks.note(proposal)
            self._outputs.append(Broadcast(compact(proposal.encode(), candidate)))
            self._inputs.append(ProposalReceived(proposal))

    def _endorse(self, kind: Kind, round_: Round, block_id: BlockID) -> None:
        candidate = self.blocks.candidates.get(block_id)
        base_ns = candidate.block.header.time_ns if candidate else self.tip.time_ns
        endorsement = self.signing.endorse(kind, round_, block_id, base_ns)
        if endorsement is not None:
            self._outputs.append(Broadcast(Endorsements((endorsement.encode(),))))
            self._inputs.append(EndorsementReceived(endorsement))

    # --- blocks ----------------------------------------------------------------------------------------------

    def _gather(self, block_id: BlockID) -> None:
        """Bring a needed block on its way: judged if all of it is here, else what is missing is asked for."""
        if self.blocks.finish(block_id) and block_id in self.blocks.candidates:
            self._log.append(Record.BLOCK, self.blocks.candidates[block_id].encoded)
        if block_id in self.blocks.candidates or self.blocks.is_invalid(block_id):
            self._inputs.append(self.blocks.ready(block_id, self._pace.now_ms()))
            return
        missing = self.blocks.missing(block_id)
        if missing is not None:
            self._outputs.append(FetchTransactions(*missing))

    def _decide(self, effect: Decide) -> None:
        precommits = self.machine.keeper.precommits_of_commit(effect.round, effect.block_id)
        commit = commit_from_precommits(
            self.machine.height, effect.round, effect.block_id, self.state.validators, precommits
        )
        self._clock_ahead_ms = self._pace.now_ms() - median_time(commit, self.state.validators) // NS_PER_MS
        self._commit(self.blocks.candidates[effect.block_id], commit)

    def _commit(self, candidate: Candidate, commit: Commit) -> None:
        """Duty 5: make the block and all that follows from it durable at once, then move on."""
        outcome, header = candidate.outcome, candidate.block.header
        tip = Tip(
            height=self.machine.height,
            block_id=candidate.block_id,
            time_ns=header.time_ns,
            results_hash=outcome.results_hash,
            changed_state=bool(candidate.transactions) or outcome.app_hash != header.app_hash,
        )
        hashes = tuple(transaction.hash for transaction in candidate.transactions)
        evidence, writes = self.watch.decided(self.base(), candidate.block, commit, self.machine.keeper)
        self.store.save_block(
            height=tip.height,
            header=header.encode(),
            txs=candidate.block.txs,
            tx_hashes=hashes,
            last_commit=candidate.block.last_commit.encode(),
            commit=commit.encode(),
            block_id=candidate.block_id.encode(),
            groups=outcome.groups.encode(),
            result_numbers=outcome.numbers,
            state_writes={**outcome.writes, **writes, TIP_KEY: tip.encode()},
            evidence=encode_evidence_list(candidate.block.evidence),
        )
        self.state.commit(outcome)
        self.tip, self._last_commit = tip, commit
        rejected = tuple(self.mempool.after_block(outcome, candidate.transactions, self.state))
        self.signatures.forget((*hashes, *(tx_hash for tx_hash, _ in rejected)))
        self.on_block()
        self._inputs.clear()
        self._outputs.append(Committed(tip.height, hashes, rejected))
        for piece in evidence:
            self.signing.contradicted(piece.second)
        if evidence:
            self._outputs.append(Broadcast(Evidence(tuple(piece.encode() for piece in evidence[:MAX_BLOCK_EVIDENCE]))))
        self._open_height()
        if self.started:
            self._log.start_height(self.machine.height)
            self._enter_height()

    # --- messages of others ----------------------------------------------------------------------------------

    def _take_endorsement(self, item: bytes, endorsement: Endorsement) -> None:
        if self.machine.keeper.has(endorsement) and not self.signing.is_foreign(endorsement.address, endorsement):
            return
        index, is_far = endorsement.index, endorsement.round > self.machine.round + MAX_ROUNDS_AHEAD
        if is_far and self._far[index] >= MAX_FAR_ENDORSEMENTS:
            return
        check_endorsement(endorsement, self.state.validators, self.genesis.chain_id)
        self.signing.notice(endorsement.address, endorsement)
        self._far[index] += is_far
        self._feed(Record.ENDORSEMENT, item, EndorsementReceived(endorsement))

    def _take_late(self, endorsement: Endorsement) -> None:
        """One of the last height: it may complete the commit that the next block carries, or contradict another."""
        if not self.watch.is_late_news(endorsement):
            return
        validators = self.state.validators_at(self.tip.height)
        check_endorsement(endorsement, validators, self.genesis.chain_id)
        self.signing.notice(endorsement.address, endorsement)
        if endorsement.kind == Kind.PRECOMMIT and endorsement.round == self._last_commit.round:
            self._last_commit = add_precommit(self._last_commit, endorsement, validators)
        evidence = self.watch.late(endorsement, self.tip.time_ns)
        if evidence is not None:
            self.offer_evidence(evidence)
