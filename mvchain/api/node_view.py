"""The running node as its public API sees it: `views.NodeView` over `node.runtime`. No rules, only looking up."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mvchain.api.acknowledgement import acknowledge
from mvchain.api.views import (
    BlockView,
    Check,
    PollView,
    ReceiptView,
    RollView,
    SignerView,
    StatusView,
    Submission,
    SubmitOutcome,
    TxState,
    TxStatus,
)
from mvchain.core import codes, merkle
from mvchain.core.errors import BadRequest, Cause, MvchainError
from mvchain.core.keys import SigningKey
from mvchain.core.timestamps import NS_PER_MS
from mvchain.core.types import BallotNumber, Hash, Height, PollNumber, RollNumber, TaggedKey, TimeMs
from mvchain.ledger.block_id import PartSetHeader
from mvchain.ledger.blocks import Commit, Flag, Header
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.polls import Release
from mvchain.ledger.records import PollState, Tally
from mvchain.ledger.results import NO_NUMBER, accepted
from mvchain.ledger.transactions import Ballot, decode_transaction, transaction_units
from mvchain.light.receipts import AcceptedBallot, OpenReceipt, Path, Precommit
from mvchain.node.intake import Known, Received, Refused, Verdict
from mvchain.node.runtime import Runtime

CACHED_BLOCKS = 8
"""Whose trees are kept for receipts; about 2 MB for a full block, and 30 ms to make."""

STATUS_OF_CAUSE: dict[Cause, int] = {
    codes.TOO_LARGE: 413,
    codes.BALLOT_CONFLICT: 409,
    codes.POOL_FULL: 503,
    codes.JOURNAL_FULL: 503,
    codes.NODE_BUSY: 503,
}
"""HTTP status of refusals that are neither malformed (10xx and 11xx: 400) nor inadmissible (422)."""


def status_of(error: MvchainError) -> int:
    """The HTTP status that tells a submitter what kind of refusal this is."""
    if error.cause in STATUS_OF_CAUSE:
        return STATUS_OF_CAUSE[error.cause]
    return 400 if error.code[:5] in ("MV-10", "MV-11") else 422


@dataclass(frozen=True, slots=True)
class _BlockTrees:
    """The two trees that receipts of one block are paths in."""

    included: merkle.Tree
    """Transaction hashes, under the block's data hash."""
    accepted: merkle.Tree
    """Results, under the next header's results hash."""
    numbers: tuple[int, ...]


class NodeViewOfRuntime:
    """Implements `views.NodeView`."""

    def __init__(self, runtime: Runtime, genesis: Genesis, genesis_document: bytes, node_key: SigningKey) -> None:
        self._runtime = runtime
        self._replica = runtime.replica
        self._store = runtime.store
        self._genesis = genesis
        self._document = genesis_document
        self._node_key = node_key
        # Blocks never change, and voters of one block ask for their receipts at about the same time.
        self._trees = lru_cache(maxsize=CACHED_BLOCKS)(self._make_trees)
        self._agency = next((agency.number for agency in genesis.agencies if agency.node_key == node_key.public), None)

    # --- transactions ---

    async def submit(self, raw_txs: Sequence[bytes], source: str) -> Submission:
        """See `views.NodeView`."""
        verdicts = await self._runtime.submit(raw_txs, source)
        received = tuple(verdict.transaction.hash for verdict in verdicts if isinstance(verdict, Received))
        promise = None
        if received and self._agency is not None:
            moment_ms = TimeMs(time.time_ns() // NS_PER_MS)
            promise = acknowledge(received, moment_ms, self._agency, self._genesis.hash, self._node_key)
        return Submission([self._outcome(verdict) for verdict in verdicts], promise)

    def _outcome(self, verdict: Verdict) -> SubmitOutcome:
        match verdict:
            case Received(transaction):
                state = TxStatus(transaction.hash, TxState.RECEIVED)
                return SubmitOutcome(transaction.hash, 202, state)
            case Known(tx_hash):
                return SubmitOutcome(tx_hash, 200, self.transaction(tx_hash))
            case Refused(tx_hash, error):
                return SubmitOutcome(tx_hash, status_of(error), error=error)

    def transaction(self, tx_hash: Hash) -> TxStatus | None:
        """See `views.NodeView`."""
        place = self._store.tx_location(tx_hash)
        if place is not None:
            return self._committed(tx_hash, *place)
        if tx_hash in self._replica.mempool:
            return TxStatus(tx_hash, TxState.RECEIVED)
        error = self._runtime.rejection(tx_hash)
        return None if error is None else TxStatus(tx_hash, TxState.REJECTED, error=error)

    def _committed(self, tx_hash: Hash, height: Height, index: int) -> TxStatus:
        transaction = decode_transaction(self._store.transaction_at(height, index))
        number = self._store.result_numbers(height)[index]
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

    def polls(self, after: int, limit: int) -> Sequence[PollView]:
        """See `views.NodeView`."""
        last = min(self._replica.state.poll_count, after + limit)
        views = (self._poll(number, with_tally=False) for number in range(after + 1, last + 1))
        return [view for view in views if view is not None]

    def poll(self, number: int) -> PollView | None:
        """See `views.NodeView`."""
        return self._poll(number, with_tally=True)

    def _poll(self, number: int, *, with_tally: bool) -> PollView | None:
        state = self._replica.state
        record = state.poll(PollNumber(number))
        if record is None:
            return None
        definition = state.definition(record.definition_hash)
        tally = None
        if with_tally and record.state is PollState.FINAL:
            tally = state.tally(PollNumber(number))
        elif with_tally and definition.release is Release.LIVE:
            live = state.live_tally(PollNumber(number))
            tally = None if live is None else Tally(live, None)
        return PollView(PollNumber(number), record, definition, tally)

    def roll(self, number: int) -> RollView | None:
        """See `views.NodeView`."""
        record = self._replica.state.roll(RollNumber(number))
        return None if record is None else RollView(RollNumber(number), record)

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

    def block_bytes(self, height: int) -> tuple[bytes, bytes] | None:
        """See `views.NodeView`."""
        return self._runtime.answers.block(Height(height))

    def _header(self, height: Height) -> Header:
        encoded = self._store.header(height)
        assert encoded is not None, height
        return Header.decode(encoded)

    def ballot_receipt(self, tx_hash: Hash) -> ReceiptView:
        """The open receipt (ledger L11); see `views.NodeView`."""
        place = self._store.tx_location(tx_hash)
        if place is None:
            if tx_hash in self._replica.mempool:
                raise BadRequest(codes.RECEIPT_NOT_YET, retry_after_s=1)
            raise BadRequest(codes.BALLOT_UNKNOWN)
        height, index = place
        following = Height(height + 1)
        commit_bytes = self._store.commit(following)
        if commit_bytes is None:
            raise BadRequest(codes.RECEIPT_NOT_YET, retry_after_s=1)
        ballot = decode_transaction(self._store.transaction_at(height, index))
        if not isinstance(ballot.payload, Ballot):
            raise BadRequest(codes.BALLOT_UNKNOWN)
        commit = Commit.decode(commit_bytes)
        trees = self._trees(height)
        result = AcceptedBallot(
            ballot.payload.poll, BallotNumber(trees.numbers[index]), ballot.signer, transaction_units(ballot)
        )
        receipt = OpenReceipt(
            chain_id=self._genesis.chain_id,
            ballot=tx_hash,
            header=self._header(height),
            next_header=self._header(following),
            included=_path(trees.included, index),
            accepted=_path(trees.accepted, index),
            result=result,
            commit_round=commit.round,
            commit_parts=PartSetHeader(commit.block_id.parts.total, commit.block_id.parts.hash),
            signatures=self._quorum(commit),
            validators=tuple(validator.public_key for validator in self._replica.state.validators),
        )
        return ReceiptView(receipt.encode(), completed=False)

    def _make_trees(self, height: Height) -> _BlockTrees:
        stored = self._store.block(height)
        assert stored is not None, height
        transactions = [decode_transaction(raw) for raw in stored.txs]
        results = (
            accepted(tx, number, transaction_units(tx)).encode()
            for tx, number in zip(transactions, stored.result_numbers, strict=True)
        )
        return _BlockTrees(
            merkle.Tree(merkle.leaf_hash(tx.hash) for tx in transactions),
            merkle.Tree(map(merkle.leaf_hash, results)),
            stored.result_numbers,
        )

    def _quorum(self, commit: Commit) -> tuple[Precommit, ...]:
        """The first signatures for the block that are enough, by index (L11)."""
        validators = self._replica.state.validators
        chosen: list[Precommit] = []
        power = 0
        for index, entry in enumerate(commit.signatures):
            if entry.flag is Flag.COMMIT and not validators.has_quorum(power):
                chosen.append(Precommit(index, entry.time_ns, entry.signature))
                power += validators[index].power
        return tuple(chosen)

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
            catching_up=self._runtime.catch_up.distance(self._replica.machine.height) > 1,
        )

    def genesis(self) -> bytes:
        """See `views.NodeView`."""
        return self._document

    def health(self) -> Sequence[Check]:
        """See `views.NodeView`."""
        behind = self._runtime.catch_up.distance(self._replica.machine.height)
        validators = self._replica.state.validators
        connected = {self._runtime.answers.validator_of_node(key) for key in self._runtime.connected_keys()}
        connected.add(self._replica.address)
        power = sum(validator.power for validator in validators if validator.address in connected)
        names = self._runtime.missing_agencies()
        return [
            Check("in step", behind <= 1, f"{behind} blocks behind" if behind > 1 else "at the newest block"),
            Check(
                "quorum",
                validators.has_quorum(power),
                "no connection to " + ", ".join(names) if names else "connected to every agency",
            ),
            Check("signing", *self._runtime.signing()),
        ]


def _path(tree: merkle.Tree, index: int) -> Path:
    proof = tree.prove(index)
    return Path(proof.index, proof.total, tuple(Hash(aunt) for aunt in proof.aunts))
