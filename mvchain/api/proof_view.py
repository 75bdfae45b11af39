"""Makes what `mvchain.light.verify` checks: receipts, proofs about polls, light blocks (ledger L10, L11).

Everything is read from the store and the committed state; nothing here judges.
"""

from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from mvchain.api.block_trees import BlockTrees
from mvchain.api.errors import not_filled_in, unknown
from mvchain.api.stored_blocks import StoredBlocks
from mvchain.api.views import ReceiptView
from mvchain.core import codes
from mvchain.core.errors import BadRequest
from mvchain.core.types import BallotNumber, Hash, Height, PollNumber, PublicKey, TaggedKey
from mvchain.ledger.blocks import Header
from mvchain.ledger.filling import is_filled
from mvchain.ledger.records import Poll, PollState
from mvchain.ledger.state_tree import ProofOp
from mvchain.ledger.transactions import Ballot, Transaction, decode_transaction
from mvchain.ledger.units import transaction_units
from mvchain.light.blocks import LightBlock, encode_light_block
from mvchain.light.documents import BriefCommit, Path
from mvchain.light.handovers import Handover, encode_from_genesis, quorum_of, way_from_genesis
from mvchain.light.proofs import (
    Acceptance,
    Claim,
    Counted,
    Neighbour,
    NotCounted,
    OnRoll,
    PollProof,
    Question,
    Recorded,
    Result,
    Superseded,
)
from mvchain.light.receipts import AcceptedBallot, OpenReceipt
from mvchain.node.backfill import steps_left
from mvchain.node.replica import Replica

CACHED_QUORUMS = 512
"""Those of 40 validators take about 10 kB."""
CACHED_WAYS = 8
"""From genesis to the sets that were asked for last; 4 kB for each of its blocks at 40 validators."""
_NOT_YET_S = 1
"""When to ask again for what the next block will prove."""

MakeClaim: TypeAlias = Callable[[PollNumber, Poll], Claim]
"""A claim about a poll as its record says."""


class ProofView:
    """The proofs of one node: implements `views.Proofs`."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._store = replica.store
        self._chain_id = replica.genesis.chain_id
        self._trees = BlockTrees(replica.store)
        self.blocks = StoredBlocks(replica.store)
        # All proofs about a final poll rest on one header.
        self._carried_quorum = lru_cache(maxsize=CACHED_QUORUMS)(self._choose_quorum)
        self._way = lru_cache(maxsize=CACHED_WAYS)(self._make_way)

    # --- ballots ---

    def receipt(self, tx_hash: Hash, *, completed: bool | None) -> ReceiptView:
        """See `views.Proofs`."""
        height, index, ballot = self._ballot(tx_hash)
        assert isinstance(ballot.payload, Ballot)
        poll = self._replica.state.poll(ballot.payload.poll)
        assert poll is not None, ballot.payload.poll
        final = poll.state is PollState.FINAL
        if completed if completed is not None else final:
            return ReceiptView(self._completed_receipt(ballot, ballot.payload.poll, height, index), completed=True)
        return ReceiptView(self._open_receipt(ballot, ballot.payload.poll, height, index), completed=False)

    def _ballot(self, tx_hash: Hash) -> tuple[Height, int, Transaction]:
        place = self._store.tx_location(tx_hash)
        if place is None:
            if tx_hash in self._replica.mempool:
                raise BadRequest(codes.RECEIPT_NOT_YET, retry_after_s=_NOT_YET_S)
            raise unknown(codes.BALLOT_UNKNOWN, steps_left(self._store))
        ballot = decode_transaction(self._store.transaction_at(*place))
        if not isinstance(ballot.payload, Ballot):
            raise BadRequest(codes.BALLOT_UNKNOWN)
        return *place, ballot

    def _open_receipt(self, ballot: Transaction, poll: PollNumber, height: Height, index: int) -> bytes:
        following = Height(height + 1)
        return OpenReceipt(
            chain_id=self._chain_id,
            ballot=ballot.hash,
            header=self._header(height),
            next_header=self._header(following),
            included=Path.of(self._trees.included(height, index)),
            accepted=Path.of(self._trees.accepted(height, index)),
            result=AcceptedBallot(poll, self._number(height, index), ballot.signer, transaction_units(ballot)),
            commit=self._quorum(following),
            validators=self._validators(following),
            handovers=self._handovers(following),
        ).encode()

    def _completed_receipt(self, ballot: Transaction, poll: PollNumber, height: Height, index: int) -> bytes:
        def claim(number: PollNumber, record: Poll) -> Claim:
            state, voter, own = self._replica.state, ballot.signer, self._number(height, index)
            counted = state.stored.counted_log(number, record.counted_size)
            rank = counted.rank(voter)
            ballots = state.stored.ballots_log(number, record.ballots_size)
            paths = Path.of(ballots.inclusion(own)), Path.of(counted.inclusion(rank))
            found = Counted(ballot.hash, own, voter, *paths)
            latest = counted.at(rank)[1]
            if latest == own:
                return found
            final = Height(state.stored.final_proof(number)[0] + 1)
            return Superseded(found, latest, self._acceptance(ballot, height, index, final))

        return self._final_proof(poll, claim)

    def _acceptance(self, ballot: Transaction, height: Height, index: int, final: Height) -> Acceptance:
        """For a proof whose header is that of height `final`."""
        path, following = Path.of(self._trees.accepted(height, index)), Height(height + 1)
        header, commit, units = self._header(following), self._quorum(following), transaction_units(ballot)
        validators = self._validators(following)
        if validators == self._validators(final):
            return Acceptance(path, units, header, commit)
        return Acceptance(path, units, header, commit, validators, self._handovers(following))

    def _number(self, height: Height, index: int) -> BallotNumber:
        return BallotNumber(self._trees.numbers(height)[index])

    # --- polls ---

    def question(self, poll: PollNumber) -> bytes:
        """See `views.Proofs`."""
        return self._proof(poll, lambda _, record: Question(self._definition(record)))

    def result(self, poll: PollNumber) -> bytes:
        """See `views.Proofs`."""

        def claim(number: PollNumber, record: Poll) -> Claim:
            tally = self._replica.state.stored.tally(number)
            assert tally is not None, number
            return Result(self._definition(record), tally.encode())

        return self._final_proof(poll, claim)

    def on_roll(self, poll: PollNumber, voter: TaggedKey) -> bytes:
        """See `views.Proofs`."""

        def claim(number: PollNumber, record: Poll) -> Claim:
            entry = self._replica.state.stored.roll_entry(record.roll, voter)
            if entry is None:
                raise BadRequest(codes.VOTER_NOT_ON_ROLL, poll=number)
            log = self._replica.state.stored.roll_log(record.roll, record.roll_size)
            return OnRoll(voter, entry[1], Path.of(log.inclusion(entry[0])))

        return self._proof(poll, claim)

    def recorded(self, poll: PollNumber, size: int) -> bytes:
        """See `views.Proofs`."""

        def claim(number: PollNumber, record: Poll) -> Claim:
            if not 0 < size <= record.ballots_size:
                raise BadRequest(codes.FEWER_BALLOTS, poll=number, size=size, have=record.ballots_size)
            log = self._replica.state.stored.ballots_log(number, record.ballots_size)
            earlier = self._replica.state.stored.ballots_log(number, size)
            return Recorded(size, earlier.root_of(0, size), log.consistency(size))

        return self._proof(poll, claim)

    def not_counted(self, poll: PollNumber, voter: TaggedKey) -> bytes:
        """See `views.Proofs`."""

        def claim(number: PollNumber, record: Poll) -> Claim:
            log = self._replica.state.stored.counted_log(number, record.counted_size)
            rank = log.rank(voter)
            if rank < log.size and log.at(rank)[0] == voter:
                raise BadRequest(codes.BALLOT_COUNTS, poll=number)

            def neighbour(index: int) -> Neighbour | None:
                return Neighbour(*log.at(index), Path.of(log.inclusion(index))) if 0 <= index < log.size else None

            return NotCounted(voter, neighbour(rank - 1), neighbour(rank))

        return self._final_proof(poll, claim)

    def _definition(self, record: Poll) -> bytes:
        return self._replica.state.stored.definition(record.definition_hash)

    def _proof(self, poll: PollNumber, claim: MakeClaim) -> bytes:
        """A claim about the newest state that a header commits to: that before the newest block (C148)."""
        now = self._replica.state.poll(poll)
        if now is None:
            raise BadRequest(codes.POLL_UNKNOWN, poll=poll)
        self._require_filled(poll, now)
        if now.state is PollState.FINAL:
            return self._final_proof(poll, claim)
        height = Height(self._replica.tip.height - 1)
        found = self._replica.state.prove_at(height, "polls", poll)
        if found is None:
            raise BadRequest(codes.RECEIPT_NOT_YET, retry_after_s=_NOT_YET_S)
        value, ops = found
        return self._encode(poll, Poll.decode(value), height, ops, claim)

    def _final_proof(self, poll: PollNumber, claim: MakeClaim) -> bytes:
        """A claim about a final poll, in the state that made it final: valid for ever (L9)."""
        record = self._replica.state.poll(poll)
        if record is None:
            raise BadRequest(codes.POLL_UNKNOWN, poll=poll)
        if record.state is not PollState.FINAL:
            raise BadRequest(codes.POLL_NOT_FINAL, poll=poll, state=record.state.name.lower())
        self._require_filled(poll, record)
        height, ops = self._replica.state.stored.final_proof(poll)
        return self._encode(poll, record, height, ops, claim)

    def _require_filled(self, poll: PollNumber, record: Poll) -> None:
        """Else a voter would seem to be on no roll, or a ballot not to count."""
        if not is_filled(self._store, poll, record.roll):
            raise not_filled_in(f"everything about poll {poll}", steps_left(self._store))

    def _encode(
        self, poll: PollNumber, record: Poll, height: Height, ops: tuple[ProofOp, ProofOp], make_claim: MakeClaim
    ) -> bytes:
        """Of the state after block `height`."""
        header = self._header(Height(height + 1))
        return PollProof(
            chain_id=self._chain_id,
            header=header,
            commit=self._quorum(header.height),
            validators=self._validators(header.height),
            poll=poll,
            record=record.encode(),
            record_path=Path.of(ops[0].proof),
            store_path=Path.of(ops[1].proof),
            claim=make_claim(poll, record),
            handovers=self._handovers(header.height),
        ).encode()

    # --- blocks ---

    def light_block(self, height: int, *, from_genesis: bool) -> bytes | None:
        """See `views.Proofs`."""
        if not self._store.base_height <= height <= self._store.last_height:
            return None
        block = self._light_block(Height(height))
        return encode_from_genesis(block, self._handovers(block.height)) if from_genesis else encode_light_block(block)

    def _light_block(self, height: Height) -> LightBlock:
        header, validators = self._header(height), self._replica.state.validators_at(height)
        return LightBlock(header, self.blocks.commit(height)[0], validators)

    def _header(self, height: Height) -> Header:
        """Of a block that is there; the others come, the one that makes the newest provable in a moment."""
        if height > self._store.last_height:
            raise BadRequest(codes.RECEIPT_NOT_YET, retry_after_s=_NOT_YET_S)
        if height < self._store.base_height:
            raise not_filled_in(f"block {height}", steps_left(self._store))
        return self.blocks.header(height)

    def _quorum(self, height: Height) -> BriefCommit:
        """Signatures for the block; at the tip they may be others a moment later."""
        return self._carried_quorum(height) if height < self._store.last_height else self._choose_quorum(height)

    def _choose_quorum(self, height: Height) -> BriefCommit:
        return quorum_of(self.blocks.commit(height)[0], self._replica.state.validators_at(height))

    def _validators(self, height: Height) -> tuple[PublicKey, ...]:
        return tuple(validator.public_key for validator in self._replica.state.validators_at(height))

    def _handovers(self, height: Height) -> tuple[Handover, ...]:
        """From genesis to the set of a height (L10)."""
        changes = self._replica.state.validator_changes
        return self._way(changes[: bisect_right(changes, height)])

    def _make_way(self, changes: tuple[Height, ...]) -> tuple[Handover, ...]:
        """To the set of the last of these heights, at each of which the set changed."""
        if not changes:
            return ()
        last = [Height(height - 1) for height in changes]
        sets = {height: self._replica.state.validators_at(height) for height in last}
        return way_from_genesis(self._replica.genesis, self._header(changes[-1]), sets, self._light_block)
