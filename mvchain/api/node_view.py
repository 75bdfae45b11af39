"""The running node as its public API sees it: `views.NodeView` over `node.runtime`. No rules, only looking up."""

import time
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache

from mvchain.api.acknowledgement import acknowledge
from mvchain.api.evidence_view import EvidenceOfReplica
from mvchain.api.governance_view import ProposalView, view_proposal
from mvchain.api.proof_view import ProofView
from mvchain.api.views import (
    BlockSummary,
    BlockView,
    Check,
    EvidenceView,
    NodesView,
    PollView,
    RollView,
    SignerView,
    StatusView,
    Submission,
    SubmitOutcome,
    TxState,
    TxStatus,
)
from mvchain.core import codes
from mvchain.core.errors import BadRequest, BrokenStorage, Cause, MvchainError
from mvchain.core.keys import SigningKey
from mvchain.core.timestamps import NS_PER_MS
from mvchain.core.types import (
    Address,
    AgencyNumber,
    Hash,
    Height,
    PollNumber,
    ProposalNumber,
    RollNumber,
    TaggedKey,
    TimeMs,
)
from mvchain.ledger.blocks import Commit, Flag
from mvchain.ledger.genesis import ConsensusParams, Genesis
from mvchain.ledger.polls import Release
from mvchain.ledger.records import Agency, Poll, PollState, Tally
from mvchain.ledger.results import NO_NUMBER
from mvchain.ledger.transactions import Ballot, decode_transaction
from mvchain.ledger.validators import address_of
from mvchain.node.judge import Known, Received, Refused, Verdict
from mvchain.node.runtime import Runtime

MAX_SAME_NUMBER = 8
"""Ballots that are shown for one receipt number; among 100 million, two share one with a chance of 1 in 100."""

CACHED_SUMMARIES = 256
"""Blocks of which the list is kept in memory: everybody who watches the chain asks for the newest ones."""

STATUS_OF_CAUSE: dict[Cause, int] = {
    codes.TOO_LARGE: 413,
    codes.BALLOT_CONFLICT: 409,
    codes.POOL_FULL: 503,
    codes.JOURNAL_FULL: 503,
    codes.NODE_BUSY: 503,
    codes.DISK_NEARLY_FULL: 503,
    codes.NODE_BEHIND: 503,
}
"""HTTP status of refusals that are neither malformed (10xx and 11xx: 400) nor inadmissible (422)."""


OF_THE_STATE = "MV-12"
"""Codes of refusals that depend on the state of the chain."""


def status_of(error: MvchainError) -> int:
    """The HTTP status that tells a submitter what kind of refusal this is."""
    if error.cause in STATUS_OF_CAUSE:
        return STATUS_OF_CAUSE[error.cause]
    return 400 if error.code[:5] in ("MV-10", "MV-11") else 422


class NodeViewOfRuntime:
    """Implements `views.NodeView`."""

    def __init__(
        self,
        runtime: Runtime,
        genesis: Genesis,
        genesis_document: bytes,
        node_key: Callable[[], SigningKey],
        *,
        public_url: str = "",
        other_nodes: tuple[str, ...] = (),
    ) -> None:
        self._runtime = runtime
        self._dispatch = runtime.dispatch
        self._replica = runtime.replica
        self._store = runtime.replica.store
        self._genesis = genesis
        self._document = genesis_document
        self._node_key = node_key
        self.proofs = ProofView(runtime.replica)
        self._evidence = EvidenceOfReplica(runtime.replica)
        self._header = self.proofs.blocks.header
        self._summaries = lru_cache(maxsize=CACHED_SUMMARIES)(self._make_summary)
        self._public_url = public_url
        self._other_nodes = other_nodes

    @property
    def _agency(self) -> AgencyNumber | None:
        """Whose node this is; an observer becomes one when its agency joins."""
        return self._replica.state.owner_of(self._node_key().public)

    def storage_broke(self, error: BrokenStorage) -> None:
        """See `NodeView`."""
        self._runtime.fail(error)

    # --- transactions ---

    async def submit(self, raw_txs: Sequence[bytes], source: str) -> Submission:
        """See `views.NodeView`."""
        verdicts = await self._runtime.submit(raw_txs, source)
        received = tuple(verdict.transaction.hash for verdict in verdicts if isinstance(verdict, Received))
        promise, agency = None, self._agency
        if received and agency is not None:
            moment_ms = TimeMs(time.time_ns() // NS_PER_MS)
            promise = acknowledge(received, moment_ms, agency, self._genesis.hash, self._node_key())
        return Submission([self._outcome(verdict) for verdict in verdicts], promise)

    def _outcome(self, verdict: Verdict) -> SubmitOutcome:
        match verdict:
            case Received(transaction):
                state = TxStatus(transaction.hash, TxState.RECEIVED)
                return SubmitOutcome(transaction.hash, 202, state)
            case Known(tx_hash):
                return SubmitOutcome(tx_hash, 200, self.transaction(tx_hash))
            case Refused(tx_hash, error):
                if error.code.startswith(OF_THE_STATE) and not self._is_in_step():
                    # What it knows of polls and rolls may be old: after its data were lost, it knows of none.
                    error = BadRequest(codes.NODE_BEHIND, why=error.detail)
                return SubmitOutcome(tx_hash, status_of(error), error=error)

    def transaction(self, tx_hash: Hash) -> TxStatus | None:
        """See `views.NodeView`."""
        place = self._store.tx_location(tx_hash)
        if place is not None:
            return self._committed(tx_hash, *place)
        if tx_hash in self._replica.mempool:
            return TxStatus(tx_hash, TxState.RECEIVED)
        error = self._dispatch.rejection(tx_hash)
        return None if error is None else TxStatus(tx_hash, TxState.REJECTED, error=error)

    def _result_numbers(self, height: Height) -> tuple[int, ...]:
        """One for each transaction of a block; none if it is not here."""
        found = self._store.groups(height)
        return () if found is None else found[1]

    def _committed(self, tx_hash: Hash, height: Height, index: int) -> TxStatus:
        transaction = decode_transaction(self._store.transaction_at(height, index))
        number = self._result_numbers(height)[index]
        ballot = transaction.payload if isinstance(transaction.payload, Ballot) else None
        return TxStatus(
            tx_hash,
            TxState.COMMITTED,
            height=height,
            index=index,
            time_ms=TimeMs(self._header(height).time_ns // NS_PER_MS),
            poll=ballot.poll if ballot else None,
            number=None if number == NO_NUMBER else number,
        )

    async def wait_committed(self, tx_hash: Hash, timeout_s: float) -> None:
        """See `views.NodeView`."""
        await self._runtime.wait_ended(tx_hash, timeout_s)

    # --- polls, rolls, signers ---

    def polls(self, after: int, limit: int, *, running: bool = False, agency: int | None = None) -> Sequence[PollView]:
        """See `views.NodeView`."""
        state = self._replica.state
        numbers = state.running_polls if running else range(1, state.poll_count + 1)
        found: list[PollView] = []
        for number in numbers[bisect_right(numbers, after) :]:
            record = state.poll(PollNumber(number))
            assert record is not None, number
            if agency in (None, record.agency):
                found.append(self._poll_view(PollNumber(number), record, tally=None))
            if len(found) == limit:
                break
        return found

    def poll(self, number: int) -> PollView | None:
        """See `views.NodeView`."""
        record = self._replica.state.poll(PollNumber(number))
        return (
            None if record is None else self._poll_view(PollNumber(number), record, tally=self._tally(number, record))
        )

    def _tally(self, number: int, record: Poll) -> Tally | None:
        state = self._replica.state
        if record.state is PollState.FINAL:
            return state.stored.tally(PollNumber(number))
        if state.definition(record.definition_hash).release is not Release.LIVE:
            return None
        live = state.live_tally(PollNumber(number))
        return None if live is None else Tally(live, None)

    def _poll_view(self, number: PollNumber, record: Poll, *, tally: Tally | None) -> PollView:
        definition = self._replica.state.definition(record.definition_hash)
        return PollView(number, record, definition, self._voters(number, record), tally)

    def _voters(self, number: PollNumber, record: Poll) -> int | None:
        match record.state:
            case PollState.REGISTERED:
                return 0
            case PollState.FINAL:
                return record.counted_size
            case PollState.VOID:
                return None
        return self._replica.state.work(number).tally.ballots

    def roll(self, number: int) -> RollView | None:
        """See `views.NodeView`."""
        record = self._replica.state.roll(RollNumber(number))
        return None if record is None else RollView(RollNumber(number), record)

    def double_signings(self, agency: Agency) -> int:
        """See `views.NodeView`."""
        convictions = self._replica.state.convictions
        return sum(convictions.count_of(address_of(tenure.validator_key)) for tenure in agency.tenures)

    def agencies(self) -> Sequence[Agency]:
        """See `views.NodeView`."""
        return self._replica.state.agencies

    def connected(self) -> Collection[AgencyNumber]:
        """See `views.NodeView`."""
        keys, replica = self._dispatch.connected_keys(), self._replica
        return {
            agency.number
            for agency in replica.state.agencies
            if not keys.isdisjoint(agency.node_keys) or replica.signing.is_own(agency)
        }

    def params(self) -> ConsensusParams:
        """See `views.NodeView`."""
        return self._replica.state.params

    def proposals(self, after: int, limit: int) -> Sequence[ProposalView]:
        """See `views.NodeView`."""
        last = min(after + limit, self._replica.state.proposal_count)
        found = (self.proposal(number) for number in range(after + 1, last + 1))
        return [view for view in found if view is not None]

    def proposal(self, number: int) -> ProposalView | None:
        """See `views.NodeView`."""
        return view_proposal(self._replica.state, ProposalNumber(number))

    def signer(self, key: TaggedKey) -> SignerView | None:
        """See `views.NodeView`."""
        found = self._replica.state.signer(key)
        return None if found is None else SignerView(found[0].number, found[1])

    # --- blocks and proofs ---

    def block(self, height: int) -> BlockView | None:
        """See `views.NodeView`."""
        commit = self._store.commit(Height(height))
        if commit is None:
            return None
        hashes = self._store.tx_hashes(Height(height))
        return BlockView(self._header(Height(height)), hashes, Commit.decode(commit))

    def blocks(self, after: int, limit: int) -> Sequence[BlockSummary]:
        """See `views.NodeView`."""
        first = max(after + 1, self._store.base_height)
        last = min(first + limit - 1, self._store.last_height)
        return [self._summary(Height(height)) for height in range(first, last + 1)]

    def _summary(self, height: Height) -> BlockSummary:
        # What the newest block's commit holds is known once the next block carries it.
        at_tip = height == self._store.last_height
        return self._make_summary(height) if at_tip else self._summaries(height)

    def _make_summary(self, height: Height) -> BlockSummary:
        header, (commit, _) = self._header(height), self.proofs.blocks.commit(height)

        def agency_of(address: bytes) -> AgencyNumber:
            agency = self._replica.state.agency_of_validator(Address(address))
            assert agency is not None, address.hex()
            return agency.number

        def with_flag(flag: Flag) -> tuple[AgencyNumber, ...]:
            return tuple(sorted(agency_of(entry.address) for entry in commit.signatures if entry.flag is flag))

        return BlockSummary(
            header=header,
            hash=Hash(commit.block_id.hash),
            transactions=len(self._result_numbers(height)),
            round=commit.round,
            proposer=agency_of(header.proposer_address),
            members=tuple(sorted(agency_of(one.address) for one in self._replica.state.validators_at(height))),
            committed=with_flag(Flag.COMMIT),
            nil=with_flag(Flag.NIL),
        )

    def block_bytes(self, height: int) -> tuple[bytes, bytes] | None:
        """See `views.NodeView`."""
        return self._dispatch.answers.block(Height(height))

    def ballots_between(self, low: bytes, high: bytes) -> Sequence[Hash]:
        """See `views.NodeView`."""
        return self._store.tx_hashes_between(low, high, MAX_SAME_NUMBER)

    # --- the node ---

    def status(self) -> StatusView:
        """See `views.NodeView`."""
        tip = self._replica.tip
        return StatusView(
            chain_id=self._genesis.chain_id,
            genesis_hash=self._genesis.hash,
            agency=self._agency,
            base_height=self._store.base_height,
            height=tip.height,
            block_hash=Hash(tip.block_id.hash),
            app_hash=self._replica.state.app_hash,
            block_time_ms=TimeMs(tip.time_ns // NS_PER_MS),
            pending=len(self._replica.mempool),
            catching_up=self._dispatch.catch_up.distance(self._replica.machine.height) > 1,
            polls=self._replica.state.poll_count,
            evidence=self._evidence.counts(),
            filling_steps=self._dispatch.backfill.left,
            snapshots=tuple(manifest.height for manifest in self._dispatch.snapshots.manifests),
            alarms=self._runtime.vitals.alarms,
        )

    def evidence(self, after: int, limit: int, *, messages: bool) -> EvidenceView:
        """See `views.NodeView`."""
        return self._evidence.view(after, limit, messages=messages)

    def nodes(self) -> NodesView:
        """See `views.NodeView`."""
        return NodesView(self._agency, self._public_url, self._other_nodes)

    def genesis(self) -> bytes:
        """See `views.NodeView`."""
        return self._document

    def health(self) -> Sequence[Check]:
        """See `views.NodeView`."""
        alarms = {error.cause: error.detail for error in self._runtime.vitals.alarms}
        return [
            *self._position(),
            Check("signing", *self._replica.signing.state()),
            _without(alarms, "progress", codes.STANDSTILL, "blocks are decided when there is work"),
            _without(alarms, "disk", codes.DISK_NEARLY_FULL, "it has room"),
            _without(alarms, "clock", codes.CLOCK_DIFFERS, "it agrees with the other agencies'"),
            self._honesty(),
        ]

    def _honesty(self) -> Check:
        """Whether the agencies keep to one chain. Who signed twice is no reason to refuse ballots; a fork is."""
        counts = self._evidence.counts()
        if counts.forks:
            first = min(self._replica.watch.forks)
            return Check("one chain", False, f"two valid commits for height {first}: see mvchain evidence")
        twice = counts.committed + counts.pending
        shown = f"{twice} double signing{'' if twice == 1 else 's'}: see mvchain evidence"
        return Check("one chain", True, shown if twice else "nobody has signed twice")

    def _is_in_step(self) -> bool:
        """Whether it is as far as others, and connected to enough of them to know."""
        return all(check.ok for check in self._position())

    def _position(self) -> Sequence[Check]:
        behind = self._dispatch.catch_up.distance(self._replica.machine.height)
        validators = self._replica.state.validators
        connected = {self._dispatch.answers.validator_of_node(key) for key in self._dispatch.connected_keys()}
        connected.add(self._replica.signing.address)
        power = sum(validator.power for validator in validators if validator.address in connected)
        names = self._dispatch.missing_agencies()
        return [
            Check("in step", behind <= 1, f"{behind} blocks behind" if behind > 1 else "at the newest block"),
            Check(
                "quorum",
                validators.has_quorum(power),
                "no connection to " + ", ".join(names) if names else "connected to every agency",
            ),
        ]


def _without(alarms: Mapping[Cause, str], name: str, cause: Cause, good: str) -> Check:
    """The check that fails while there is this alarm."""
    return Check(name, cause not in alarms, alarms.get(cause, good))
