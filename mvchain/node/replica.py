"""The synchronous replica: executes the effects of the consensus core in durable order.

Driver's duties, in this order; everything whose order matters for safety is plain sequential code here:

1. An input is in the log before the machine sees it.
2. A block is in the log, and the log is synced, before its proposal is signed or a prevote or precommit for it
   leaves: else a crash of all nodes could leave a quorum locked on a block that nobody has (N5).
3. Own proposals, prevotes and precommits pass the sign guard, which is durable before it returns (N4).
4. Nothing signed is handed out before the log that holds it is synced: `take_outputs` is the only way out.
5. Block, commit, results and state become durable in one synced batch before the next height starts.

The shell calls one of the `receive_*`, `*_arrived`, `timer_fired` or `clock_ticked` methods, takes the outputs and
moves them; it decides nothing. After a crash the same log is fed through the same path: the guard returns the same
signature again or refuses, so the outside sees the same messages or none.

The replica reads no clock of its own: `now_ns` is a port.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mvchain.consensus import exchange
from mvchain.consensus.effects import (
    Decide,
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
    BlockReady,
    EndorsementReceived,
    Input,
    ProposalReceived,
    Start,
    TimeoutElapsed,
    WorkWaiting,
)
from mvchain.consensus.machine import Machine, Phase
from mvchain.core import codes
from mvchain.core.errors import BadPeer, BadProof, BadTransaction, BrokenStorage, MvchainError
from mvchain.core.keys import Purpose, verify
from mvchain.core.limits import MAX_CLOCK_AHEAD_MS, MAX_ENDORSEMENTS_PER_MESSAGE, MAX_OWN_MESSAGES, MAX_ROUND
from mvchain.core.timestamps import NS_PER_MS
from mvchain.core.types import Address, Hash, Height, PublicKey, Round, TimeNs
from mvchain.ledger.admission import context_of
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID
from mvchain.ledger.blocks import EMPTY_COMMIT, Block, Commit, Header, block_id_of
from mvchain.ledger.commits import add_precommit, commit_from_precommits, verify_commit_full
from mvchain.ledger.endorsements import Endorsement, Kind, Proposal
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.mempool import Mempool
from mvchain.ledger.records import Agency
from mvchain.ledger.state import State
from mvchain.ledger.transactions import Transaction, decode_transaction, sign_bytes
from mvchain.ledger.validators import ValidatorSet, address_of
from mvchain.node.candidates import Assembly, Base, Candidate, Tip, begin_assembly, judge, make_block
from mvchain.node.outputs import Broadcast, Committed, FetchTransactions, Output, Record, StartTimer
from mvchain.node.ports import BlockStore, GuardRefusal, Log, SignatureChecker, SignGuard
from mvchain.node.rejoin import SILENT_HEIGHTS, own_precommits
from mvchain.node.wire import CompactProposal, Endorsements, Message, OwnMessages, Status

logger = logging.getLogger(__name__)

TIP_KEY = b"m"
"""Where the tip is kept among the state records."""


@dataclass(slots=True)
class Ports:
    """What the replica stands on; each has an in-memory twin."""

    store: BlockStore
    log: Log
    guard: SignGuard | None
    """None for a node that signs nothing."""
    signatures: SignatureChecker
    now_ns: Callable[[], TimeNs]


class Replica:
    """One node's copy of the chain and its part in deciding the next block."""

    def __init__(self, genesis: Genesis, state: State, tip: Tip, mempool: Mempool, ports: Ports) -> None:
        self.genesis = genesis
        self.state = state
        self._validators_before = state.validators
        self.tip = tip
        self.mempool = mempool
        self.misbehaviour: list[tuple[Endorsement, Endorsement]] = []
        self._ports = ports
        self.address = ports.guard.address if ports.guard else None
        stored = ports.store.commit(tip.height) if tip.height else None
        self._last_commit = Commit.decode(stored) if stored else EMPTY_COMMIT
        self._verified: dict[Hash, Hash] = {}
        self._outputs: list[Output] = []
        self._inputs: deque[Input] = deque()
        self._unsynced = False
        self._started = False
        self._may_sign = False
        self._silent_until = Height(0)
        self._open_height()

    # --- life cycle ------------------------------------------------------------------------------------------

    def start(self, *, may_sign: bool, silent_until: Height) -> None:
        """Replay the log of this height and take part from here on.

        Args:
            may_sign: whether this node signs at all.
            silent_until: sign nothing up to this height (N4: a guard that was lost or rolled back); 0 for none.
        """
        self._started = True
        self._may_sign = may_sign and self.address is not None
        self._silent_until = silent_until
        height, records = self._ports.log.records()
        if height != self.machine.height or not records:
            self._ports.log.start_height(self.machine.height)
            self._enter_height()
        else:
            self._replay(records)
        self._run()

    def take_outputs(self) -> list[Output]:
        """Hand over what is to be done outside, in order."""
        assert not self._unsynced, "outputs leave only after the log is synced"
        outputs, self._outputs = self._outputs, []
        return outputs

    # --- inputs from the shell -------------------------------------------------------------------------------

    def receive_proposal(self, peer: str, message: CompactProposal) -> None:
        """Take a compact proposal.

        Raises:
            BadPeer, BadProof: it is forged, malformed or altered.
        """
        proposal = Proposal.decode(message.proposal)
        if not self._started or proposal.height != self.machine.height or proposal.round > MAX_ROUND:
            return
        if proposal.block_id in self._proposed.get(proposal.round, ()):
            return
        proposer = self.state.validators.proposer(proposal.height, proposal.round)
        if not verify(
            Purpose.CONSENSUS,
            proposer.public_key,
            proposal.sign_bytes(self.genesis.chain_id),
            proposal.signature,
        ):
            raise BadPeer(codes.FORGED_SIGNATURE, what="a proposal", height=proposal.height)
        if message.evidence:
            raise BadProof(codes.COMPACT_PROPOSAL_MISMATCH, height=proposal.height)
        block_hash = Hash(proposal.block_id.hash)
        if block_hash not in self._candidates and block_hash not in self._assemblies:
            assembly = begin_assembly(
                proposal.block_id, message.header, message.tx_hashes, message.last_commit, self.mempool.get
            )
            self._assemblies[block_hash] = assembly
        self._proposed.setdefault(proposal.round, []).append(proposal.block_id)
        self._feed(Record.PROPOSAL, message.proposal, ProposalReceived(proposal))
        self._complete(block_hash, peer)
        self._run()

    def receive_endorsements(self, items: Iterable[bytes]) -> None:
        """Take prevotes and precommits; those of other heights are late or early and left out.

        Raises:
            BadPeer, BadProof: one is malformed or forged.
        """
        if not self._started:
            return
        for item in items:
            endorsement = Endorsement.decode(item)
            if endorsement.height == self.machine.height:
                if self.machine.keeper.has(endorsement):
                    continue
                self._check_endorsement(endorsement, self.state.validators)
                self._feed(Record.ENDORSEMENT, item, EndorsementReceived(endorsement))
            elif endorsement.height == self.tip.height and endorsement.kind == Kind.PRECOMMIT:
                self._take_late_precommit(endorsement)
        self._run()

    def receive_block(self, height: Height, block_bytes: bytes, commit_bytes: bytes) -> bool:
        """Take a decided block of this height from a peer (catching up, N8); True if it was the next one.

        Raises:
            BadProof: block or commit does not hold.
            BrokenStorage: it was decided, and cannot be executed here.
        """
        if height != self.machine.height:
            return False
        commit = Commit.decode(commit_bytes)
        block = Block.decode(block_bytes)
        block_id = block_id_of(block.header, block_bytes)
        verify_commit_full(commit, self.genesis.chain_id, self.state.validators, height, block_id)
        candidate = self._candidates.get(Hash(block_id.hash)) or self._execute(
            block, block_bytes, block_id, tuple(map(decode_transaction, block.txs))
        )
        if candidate.outcome is None:
            raise BrokenStorage(codes.CHAIN_DIVERGED, height=height, why=candidate.fault)
        self._commit(candidate, commit)
        self._run()
        return True

    def transactions_arrived(self, transactions: Iterable[Transaction]) -> None:
        """Use transactions that came from peers for proposed blocks that miss them, and for work that waits."""
        for block_hash, assembly in list(self._assemblies.items()):
            for transaction in transactions:
                assembly.supply(transaction)
            self._complete(block_hash, None)
        self.work_arrived()

    def work_arrived(self) -> None:
        """Leave the waiting state if there is a reason to make a block (N2)."""
        if self._started and self.machine.phase is Phase.WAIT and self._has_work():
            self._feed(Record.WORK, b"", WorkWaiting())
        self._run()

    def timer_fired(self, kind: TimeoutKind, height: Height, round_: Round) -> None:
        """A timer that `StartTimer` asked for ran out."""
        if height == self.machine.height:
            payload = bytes((kind,)) + round_.to_bytes(4, "big")
            self._feed(Record.TIMEOUT, payload, TimeoutElapsed(kind, round_))
            self._run()

    def remember_verified(self, tx_hash: Hash, context: Hash) -> None:
        """Keep the verdict that this transaction's signature holds under this context (N3)."""
        self._verified[tx_hash] = context

    def signing(self) -> tuple[bool, str]:
        """Whether this node signs at this height, and what it waits for."""
        if self.address is None or self.state.validators.by_address(self.address) is None:
            return False, "this node is an observer"
        if self.machine.height <= self._silent_until:
            return False, f"silent up to height {self._silent_until}: its sign guard was lost or rolled back"
        return True, "signs as a validator"

    def is_own(self, agency: Agency) -> bool:
        """Whether this node is that agency's validator."""
        return self.address == address_of(agency.validator_key)

    def validator_of_node(self, node_key: PublicKey) -> Address | None:
        """The validator whose agency has this node key."""
        for agency in self.state.agencies:
            if agency.node_key == node_key:
                return address_of(agency.validator_key)
        return None

    # --- what peers may know ---------------------------------------------------------------------------------

    def status(self) -> Status:
        """Where this node is and what it holds, for anti-entropy (N8)."""
        return Status(exchange.known(self.machine.keeper), int(self.machine.phase), self._ports.store.base_height)

    def missing_for(self, status: Status) -> list[Message]:
        """What a peer with this status lacks and this node holds."""
        if not self._started:
            return []
        answer = exchange.missing_for(self.machine.keeper, status.holdings)
        messages: list[Message] = [
            self._compact[proposal.round] for proposal in answer.proposals if proposal.round in self._compact
        ]
        encoded = [endorsement.encode() for endorsement in answer.endorsements]
        messages += (
            Endorsements(tuple(encoded[start : start + MAX_ENDORSEMENTS_PER_MESSAGE]))
            for start in range(0, len(encoded), MAX_ENDORSEMENTS_PER_MESSAGE)
        )
        return messages

    def transaction(self, tx_hash: Hash) -> Transaction | None:
        """A transaction that waits, or that a block being decided holds."""
        waiting = self.mempool.get(tx_hash)
        if waiting is not None:
            return waiting
        for candidate in self._candidates.values():
            for transaction in candidate.transactions:
                if transaction.hash == tx_hash:
                    return transaction
        return None

    def block_bytes(self, height: Height) -> tuple[bytes, bytes] | None:
        """A decided block (C57) and the precommits that decided it (C50)."""
        stored = self._ports.store.block(height)
        if stored is None:
            return None
        block = Block(Header.decode(stored.header), stored.txs, (), Commit.decode(stored.last_commit))
        return block.encode(), stored.commit

    def own_messages(self, address: Address) -> OwnMessages:
        """Proposals and endorsements of one validator that this node holds at its height (N4)."""
        proposals = [
            compact.proposal
            for round_, compact in sorted(self._compact.items())
            if self.state.validators.proposer(self.machine.height, round_).address == address
        ]
        held = [item.encode() for item in self.machine.keeper.endorsements() if item.address == address]
        for commit in self.last_commits():
            held += [item.encode() for item in own_precommits(commit, address, self.state.validators)]
        return OwnMessages(tuple(proposals), tuple(held[:MAX_OWN_MESSAGES]))

    def last_commits(self) -> list[Commit]:
        """The commits of the last heights, newest first (N4)."""
        heights = range(self.tip.height, max(self.tip.height - SILENT_HEIGHTS, 0), -1)
        found = (self._ports.store.commit(Height(height)) for height in heights)
        return [Commit.decode(commit) for commit in found if commit is not None]

    # --- time and work ---------------------------------------------------------------------------------------

    def next_wake_ms(self) -> int:
        """When `work_arrived` has to be called at the latest: something falls due, or a heartbeat."""
        heartbeat = self.tip.time_ns // NS_PER_MS + self.state.params.heartbeat_ms
        due = self.state.next_due_ms()
        return heartbeat if due is None else min(due, heartbeat)

    def _has_work(self) -> bool:
        now_ms = self._ports.now_ns() // NS_PER_MS
        since_last_ms = now_ms - self.tip.time_ns // NS_PER_MS
        if self.tip.height and since_last_ms < self.state.params.min_block_interval_ms:
            return False
        return (
            self.tip.changed_state or self.state.counting or self.mempool.has_ready() or now_ms >= self.next_wake_ms()
        )

    # --- one height ------------------------------------------------------------------------------------------

    def _open_height(self) -> None:
        height = Height(self.tip.height + 1)
        self.machine = Machine(height, self.state.validators, self.address, self.state.params)
        self._candidates: dict[Hash, Candidate] = {}
        self._assemblies: dict[Hash, Assembly] = {}
        self._proposed: dict[Round, list[BlockID]] = {}
        self._compact: dict[Round, CompactProposal] = {}
        self._own_blocks: dict[Round, Hash] = {}

    def _enter_height(self) -> None:
        """Queue the start of this height; not drained here, so that heights follow in a loop, not by recursion."""
        wait = not self._has_work()
        self._ports.log.append(Record.START, bytes((wait,)))
        self._inputs.append(Start(wait=wait))

    def _replay(self, records: Sequence[tuple[int, bytes]]) -> None:
        """Feed the log of this height again; own blocks first, so that the same ones are proposed again."""
        for kind, payload in records:
            if kind == Record.OWN_BLOCK:
                candidate = self._read_candidate(payload[4:])
                self._own_blocks[Round(int.from_bytes(payload[:4], "big"))] = Hash(candidate.block_id.hash)
        for kind, payload in records:
            match kind:
                case Record.START:
                    self._inputs.append(Start(wait=bool(payload[0])))
                case Record.WORK:
                    self._inputs.append(WorkWaiting())
                case Record.PROPOSAL:
                    proposal = Proposal.decode(payload)
                    self._proposed.setdefault(proposal.round, []).append(proposal.block_id)
                    self._inputs.append(ProposalReceived(proposal))
                case Record.BLOCK | Record.OWN_BLOCK:
                    candidate = self._read_candidate(payload if kind == Record.BLOCK else payload[4:])
                    self._inputs.append(self._ready(candidate))
                case Record.ENDORSEMENT:
                    self._inputs.append(EndorsementReceived(Endorsement.decode(payload)))
                case Record.TIMEOUT:
                    self._inputs.append(
                        TimeoutElapsed(TimeoutKind(payload[0]), Round(int.from_bytes(payload[1:], "big")))
                    )
            self._drain()

    def _read_candidate(self, block_bytes: bytes) -> Candidate:
        block = Block.decode(block_bytes)
        block_id = block_id_of(block.header, block_bytes)
        known = self._candidates.get(Hash(block_id.hash))
        return known or self._execute(block, block_bytes, block_id, tuple(map(decode_transaction, block.txs)))

    def _feed(self, kind: Record, payload: bytes, event: Input) -> None:
        """Duty 1: log, then apply."""
        self._ports.log.append(kind, payload)
        self._inputs.append(event)
        self._drain()

    def _run(self) -> None:
        """Apply what is pending and make sure that nothing leaves unsynced (duty 4)."""
        self._drain()
        if self._unsynced:
            self._ports.log.sync()
            self._unsynced = False

    def _drain(self) -> None:
        while self._inputs:
            machine = self.machine
            for effect in machine.step(self._inputs.popleft()):
                self._perform(effect)
                if self.machine is not machine:
                    break  # decided: what is left belongs to a height that is over

    def _perform(self, effect: Effect) -> None:
        match effect:
            case MakeProposal():
                self._propose(effect)
            case Prevote():
                self._endorse(Kind.PREVOTE, effect.round, effect.block_id)
            case Precommit():
                self._endorse(Kind.PRECOMMIT, effect.round, effect.block_id)
            case ScheduleTimeout():
                self._outputs.append(StartTimer(effect.kind, self.machine.height, effect.round, effect.duration_ms))
            case Decide():
                candidate = self._candidates[Hash(effect.block_id.hash)]
                commit = commit_from_precommits(
                    self.machine.height,
                    effect.round,
                    effect.block_id,
                    self.state.validators,
                    self.machine.keeper.precommits_of_commit(effect.round, effect.block_id),
                )
                self._commit(candidate, commit)
            case Misbehaviour():
                logger.warning(
                    "MV-EV-1 %s signed two different messages at height %d round %d",
                    effect.first.address.hex(),
                    effect.first.height,
                    effect.first.round,
                )
                self.misbehaviour.append((effect.first, effect.second))
            case DuplicateProposal():
                logger.warning("MV-EV-2 two proposals for height %d round %d", self.machine.height, effect.first.round)
            case NeedBlock() | RoundStarted():
                pass  # assemblies are completed as transactions come; the status tells the round

    # --- signing (duties 2 and 3) ----------------------------------------------------------------------------

    def _signer(self) -> SignGuard | None:
        """The guard, if this node may sign at this height (N4)."""
        if not self._may_sign or self.machine.height <= self._silent_until:
            return None
        return self._ports.guard

    def _propose(self, effect: MakeProposal) -> None:
        guard, height, round_ = self._signer(), self.machine.height, effect.round
        if guard is None or self.address is None:
            return
        if effect.block_id is not None:
            candidate = self._candidates[Hash(effect.block_id.hash)]
        elif round_ in self._own_blocks:
            candidate = self._candidates[self._own_blocks[round_]]
        else:
            candidate = make_block(self._base(), self._last_commit, self.address, self.mempool.ready())
            self._candidates[Hash(candidate.block_id.hash)] = candidate
            self._ports.log.append(Record.OWN_BLOCK, round_.to_bytes(4, "big") + candidate.encoded)
            self._inputs.append(self._ready(candidate))
        self._ports.log.sync()
        time_ns = candidate.block.header.time_ns
        try:
            proposal = guard.sign_proposal(height, round_, effect.pol_round, candidate.block_id, time_ns)
        except GuardRefusal as refusal:
            logger.debug("%s", refusal)  # usual while the log is replayed
            return
        encoded = proposal.encode()
        self._ports.log.append(Record.PROPOSAL, encoded)
        self._unsynced = True
        self._proposed.setdefault(round_, []).append(proposal.block_id)
        self._compact[round_] = _compact(encoded, candidate)
        self._outputs.append(Broadcast(self._compact[round_]))
        self._inputs.append(ProposalReceived(proposal))

    def _endorse(self, kind: Kind, round_: Round, block_id: BlockID) -> None:
        guard = self._signer()
        if guard is None:
            return
        self._ports.log.sync()
        try:
            endorsement = guard.sign_endorsement(
                kind, self.machine.height, round_, block_id, self._signing_time(block_id), self._index()
            )
        except GuardRefusal as refusal:
            logger.debug("%s", refusal)
            return
        encoded = endorsement.encode()
        self._ports.log.append(Record.ENDORSEMENT, encoded)
        self._unsynced = True
        self._outputs.append(Broadcast(Endorsements((encoded,))))
        self._inputs.append(EndorsementReceived(endorsement))

    def _signing_time(self, block_id: BlockID) -> TimeNs:
        """C77: now, but later than the block that is endorsed, so that block time grows strictly."""
        candidate = self._candidates.get(Hash(block_id.hash))
        base_ns = candidate.block.header.time_ns if candidate else self.tip.time_ns
        return TimeNs(max(self._ports.now_ns(), base_ns + NS_PER_MS))

    def _index(self) -> int:
        assert self.address is not None
        found = self.state.validators.by_address(self.address)
        assert found is not None, "the machine asks members of the set alone to sign"
        return found[0]

    def _base(self) -> Base:
        return Base(self.genesis.chain_id, self.genesis.app_version, self.state, self.tip, self._validators_before)

    # --- blocks ----------------------------------------------------------------------------------------------

    def _complete(self, block_hash: Hash, peer: str | None) -> None:
        """Execute a proposed block once all of it is here; ask for what is missing until then."""
        assembly = self._assemblies.get(block_hash)
        if assembly is None:
            self._serve_compact(block_hash)
            return
        if assembly.missing:
            if peer is not None:
                self._outputs.append(FetchTransactions(peer, tuple(sorted(assembly.missing))))
            return
        del self._assemblies[block_hash]
        transactions = assembly.transactions()
        block = Block(assembly.header, tuple(tx.raw for tx in transactions), (), assembly.last_commit)
        encoded = block.encode()
        if block_id_of(assembly.header, encoded) == assembly.block_id:
            candidate = self._execute(block, encoded, assembly.block_id, transactions)
        else:  # the proposer signed a part-set header that is not its block's (C59)
            fault = BadProof(codes.WRONG_HEADER_FIELD, field="part-set header", height=block.header.height)
            candidate = Candidate(block, encoded, assembly.block_id, transactions, None, fault)
            self._candidates[block_hash] = candidate
        self._serve_compact(block_hash)
        self._feed(Record.BLOCK, encoded, self._ready(candidate))

    def _serve_compact(self, block_hash: Hash) -> None:
        """Keep the proposals of a block that is here, for peers that lack them."""
        candidate = self._candidates.get(block_hash)
        if candidate is None:
            return
        for proposal in self.machine.keeper.proposals.values():
            if proposal.block_id == candidate.block_id and proposal.round not in self._compact:
                self._compact[proposal.round] = _compact(proposal.encode(), candidate)

    def _execute(
        self, block: Block, encoded: bytes, block_id: BlockID, transactions: tuple[Transaction, ...]
    ) -> Candidate:
        outcome, fault = None, None
        try:
            self._check_signatures(transactions)
            outcome = judge(self._base(), block, transactions)
        except MvchainError as error:
            logger.warning("block %s at height %d is invalid: %s", block_id.hash.hex()[:16], self.machine.height, error)
            fault = error
        candidate = Candidate(block, encoded, block_id, transactions, outcome, fault)
        self._candidates[Hash(block_id.hash)] = candidate
        return candidate

    def _ready(self, candidate: Candidate) -> BlockReady:
        """What the machine learns of a candidate; one from the future gets a nil prevote here (C78)."""
        now_ms, time_ms = self._ports.now_ns() // NS_PER_MS, candidate.block.header.time_ns // NS_PER_MS
        return BlockReady(
            candidate.block_id,
            valid=candidate.outcome is not None,
            timely=time_ms <= now_ms + MAX_CLOCK_AHEAD_MS,
        )

    def _check_signatures(self, transactions: Sequence[Transaction]) -> None:
        """Verify each signature that was not verified at admission under the same context (N3)."""
        unknown = []
        for transaction in transactions:
            context = context_of(self.state, transaction)
            if self._verified.get(transaction.hash) != context:
                unknown.append((transaction, context))
        messages = [
            (tx.signer, sign_bytes(self.state.genesis_hash, context, tx.payload_bytes), tx.signature)
            for tx, context in unknown
        ]
        for (transaction, context), holds in zip(unknown, self._ports.signatures.check(messages), strict=True):
            if not holds:
                raise BadTransaction(codes.BAD_SIGNATURE, tx=transaction.hash.hex())
            self._verified[transaction.hash] = context

    def _commit(self, candidate: Candidate, commit: Commit) -> None:
        """Duty 5: make the block and all that follows from it durable at once, then move on."""
        outcome, header = candidate.outcome, candidate.block.header
        assert outcome is not None
        tip = Tip(
            height=self.machine.height,
            block_id=candidate.block_id,
            time_ns=header.time_ns,
            results_hash=outcome.results_hash,
            changed_state=bool(candidate.transactions) or outcome.app_hash != header.app_hash,
        )
        hashes = tuple(transaction.hash for transaction in candidate.transactions)
        self._ports.store.save_block(
            height=tip.height,
            header=header.encode(),
            txs=candidate.block.txs,
            tx_hashes=hashes,
            last_commit=candidate.block.last_commit.encode(),
            commit=commit.encode(),
            block_id=candidate.block_id.encode(),
            result_numbers=outcome.numbers,
            state_writes={**outcome.writes, TIP_KEY: tip.encode()},
        )
        self._validators_before = self.state.validators
        self.state.commit(outcome)
        self.tip, self._last_commit = tip, commit
        for tx_hash in hashes:
            self._verified.pop(tx_hash, None)
        rejected = tuple(self.mempool.after_block(outcome, candidate.transactions, self.state))
        for tx_hash, _ in rejected:
            self._verified.pop(tx_hash, None)
        self._inputs.clear()
        self._outputs.append(Committed(tip.height, hashes, rejected))
        self._open_height()
        if self._started:
            self._ports.log.start_height(self.machine.height)
            self._enter_height()

    # --- messages of others ----------------------------------------------------------------------------------

    def _check_endorsement(self, endorsement: Endorsement, validators: ValidatorSet) -> None:
        """The signer is the validator at that index, and signed it (C51, ATK01, ATK07)."""
        known = endorsement.index < len(validators) and validators[endorsement.index].address == endorsement.address
        if not known or not verify(
            Purpose.CONSENSUS,
            validators[endorsement.index].public_key,
            endorsement.sign_bytes(self.genesis.chain_id),
            endorsement.signature,
        ):
            raise BadPeer(codes.FORGED_SIGNATURE, what="a prevote or precommit", height=endorsement.height)

    def _take_late_precommit(self, endorsement: Endorsement) -> None:
        """Add a precommit that came after the decision to the commit that the next block carries."""
        commit = self._last_commit
        if endorsement.round != commit.round or endorsement.block_id not in (commit.block_id, NIL_BLOCK_ID):
            return
        late = add_precommit(commit, endorsement, self._validators_before)
        if late is not commit:
            self._check_endorsement(endorsement, self._validators_before)
            self._last_commit = late


def _compact(proposal: bytes, candidate: Candidate) -> CompactProposal:
    return CompactProposal(
        proposal=proposal,
        header=candidate.block.header.encode(),
        tx_hashes=tuple(transaction.hash for transaction in candidate.transactions),
        evidence=(),
        last_commit=candidate.block.last_commit.encode(),
    )
