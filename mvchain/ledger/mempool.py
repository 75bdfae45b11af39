"""Transactions that wait for a block (consensus N2, N6, N9).

Bounded and fair between submitters, in order of receipt, one waiting ballot per voter and poll; nothing that
was received is evicted. A transaction leaves when a block holds it, or with the reason when it has become
inadmissible. Pure: the caller brings state and time, verifies signatures, and journals.

Ballots are judged against the committed state. Administrative transactions build on each other, so they are
judged on a draft with those before them. After a block only ballots of the polls and voters that it touched
are judged again; the administrative ones all are, and MAX_POOL_ADMIN_UNITS bounds that work.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mvchain.core import codes
from mvchain.core.errors import BadTransaction
from mvchain.core.limits import MAX_POOL_ADMIN_UNITS, MAX_POOL_BYTES, MAX_POOL_TRANSACTIONS
from mvchain.core.types import Hash, PollNumber, TaggedKey, TimeMs
from mvchain.ledger import admission
from mvchain.ledger.actions import apply_admin
from mvchain.ledger.ballots import check_answers
from mvchain.ledger.draft import Draft
from mvchain.ledger.outcome import Outcome
from mvchain.ledger.records import Poll, PollState
from mvchain.ledger.state import State
from mvchain.ledger.transactions import Ballot, Transaction
from mvchain.ledger.units import transaction_units


@dataclass(slots=True)
class _Waiting:
    """One transaction with what the pool knows of it."""

    tx: Transaction
    source: str
    context: Hash
    """What its signature was verified with."""
    parked: bool
    """Whether it waits for its poll to open or resume."""


class Mempool:
    """Waiting transactions by hash, in order of receipt."""

    def __init__(self, max_bytes: int = MAX_POOL_BYTES, max_count: int = MAX_POOL_TRANSACTIONS) -> None:
        self.size_bytes = 0
        self.max_bytes = max_bytes
        self.max_count = max_count
        self._waiting: dict[Hash, _Waiting] = {}
        self._ballots: dict[PollNumber, dict[TaggedKey, Hash]] = {}
        self._admin: dict[Hash, Transaction] = {}
        self._admin_units = 0
        self._draft: Draft | None = None
        """The committed state after the waiting administrative transactions; None if there are none."""
        self._bytes_of: Counter[str] = Counter()
        self._parked = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, tx_hash: Hash) -> bool:
        return tx_hash in self._waiting

    def get(self, tx_hash: Hash) -> Transaction | None:
        """A waiting transaction."""
        found = self._waiting.get(tx_hash)
        return None if found is None else found.tx

    def add(self, tx: Transaction, context: Hash, state: State, source: str, now_ms: TimeMs) -> None:
        """Takes a transaction whose signature was verified with `context` (`admission.context_of`).

        `source` is the submitter's address, or `peer:<number>` for what another node passed on.

        Raises:
            BadTransaction: not admissible; or ALREADY_WAITING, BALLOT_CONFLICT (with the first one's hash),
                POOL_FULL; or DEFINITION_REPLACED, when the context changed since the signature was verified.
        """
        if tx.hash in self._waiting:
            raise BadTransaction(codes.ALREADY_WAITING)
        self._check_room(tx, source)
        payload = tx.payload
        parked = False
        if isinstance(payload, Ballot):
            first = self._ballots.get(payload.poll, {}).get(tx.signer)
            if first is not None:
                raise BadTransaction(codes.BALLOT_CONFLICT, poll=payload.poll, first=first.hex())
            parked = _judge_ballot(tx, context, state, now_ms)
            self._ballots.setdefault(payload.poll, {})[tx.signer] = tx.hash
        else:
            self._add_admin(tx, state)
        self._waiting[tx.hash] = _Waiting(tx, source, context, parked)
        self.size_bytes += len(tx.raw)
        self._bytes_of[source] += len(tx.raw)
        self._parked += parked

    def has_ready(self) -> bool:
        """Whether something waits that the next block can hold."""
        return len(self._waiting) > self._parked

    def ready(self) -> Iterator[Transaction]:
        """What the next block can hold, in order of receipt (N9). The pool must not change meanwhile."""
        return (waiting.tx for waiting in self._waiting.values() if not waiting.parked)

    def after_block(
        self, outcome: Outcome, txs: Sequence[Transaction], state: State
    ) -> list[tuple[Hash, BadTransaction]]:
        """Goes on to the state after a block that held `txs`.

        Returns the transactions that can get into no block any more, each with the reason (N6).
        """
        for tx in txs:
            self._remove(tx.hash)
        rejected: list[tuple[Hash, BadTransaction]] = []
        for tx_hash in self._touched_ballots(outcome, txs):
            waiting = self._waiting[tx_hash]
            try:
                parked = _judge_ballot(waiting.tx, waiting.context, state, now_ms=None)
            except BadTransaction as cause:
                rejected.append((tx_hash, cause))
                self._remove(tx_hash)
            else:
                self._parked += parked - waiting.parked
                waiting.parked = parked
        self._rebuild_draft(state, rejected)
        return rejected

    # --- room ---

    def _check_room(self, tx: Transaction, source: str) -> None:
        size = len(tx.raw)
        full = len(self._waiting) >= self.max_count or self.size_bytes + size > self.max_bytes
        # Once the pool is over half full, nobody adds to more than a half of what is in it (N9).
        crowded = 2 * self.size_bytes > self.max_bytes
        if full or (crowded and 2 * self._bytes_of[source] > self.size_bytes):
            raise BadTransaction(codes.POOL_FULL)

    def _remove(self, tx_hash: Hash) -> None:
        waiting = self._waiting.pop(tx_hash, None)
        if waiting is None:
            return
        tx, payload = waiting.tx, waiting.tx.payload
        self.size_bytes -= len(tx.raw)
        self._bytes_of[waiting.source] -= len(tx.raw)
        if not self._bytes_of[waiting.source]:
            del self._bytes_of[waiting.source]
        self._parked -= waiting.parked
        if isinstance(payload, Ballot):
            voters = self._ballots[payload.poll]
            del voters[tx.signer]
            if not voters:
                del self._ballots[payload.poll]
        else:
            self._admin.pop(tx_hash, None)

    # --- ballots ---

    def _touched_ballots(self, outcome: Outcome, txs: Sequence[Transaction]) -> list[Hash]:
        """Waiting ballots whose admissibility the block may have changed: of its polls, of its voters."""
        found: dict[Hash, None] = {}
        for poll in sorted(outcome.turned_polls):
            found.update(dict.fromkeys(self._ballots.get(poll, {}).values()))
        for tx in txs:
            if isinstance(tx.payload, Ballot):
                tx_hash = self._ballots.get(tx.payload.poll, {}).get(tx.signer)
                if tx_hash is not None:
                    found[tx_hash] = None
        return list(found)

    # --- administrative transactions ---

    def _add_admin(self, tx: Transaction, state: State) -> None:
        assert not isinstance(tx.payload, Ballot), tx.hash.hex()
        units = transaction_units(tx)
        if self._admin_units + units > MAX_POOL_ADMIN_UNITS:
            raise BadTransaction(codes.POOL_FULL)
        draft = self._draft or Draft(state, state.time_ms)
        admission.check(draft, tx)
        apply_admin(draft, tx, tx.payload)
        self._draft = draft
        self._admin[tx.hash] = tx
        self._admin_units += units

    def _rebuild_draft(self, state: State, rejected: list[tuple[Hash, BadTransaction]]) -> None:
        self._draft = None
        waiting, self._admin, self._admin_units = self._admin, {}, 0
        for tx_hash, tx in waiting.items():
            try:
                self._add_admin(tx, state)
            except BadTransaction as cause:
                rejected.append((tx_hash, cause))
                self._remove(tx_hash)


def _judge_ballot(tx: Transaction, context: Hash, state: State, now_ms: TimeMs | None) -> bool:
    """Whether the ballot must wait for its poll to open or resume; raises BadTransaction if it is hopeless.

    With `now_ms`, a poll that is not due to open by then takes none; one that waits already keeps waiting, and its
    answers, compared with the same definition when it came, still fit: whoever pauses and resumes a poll block by
    block must not make every node go through all the answers that wait each time.
    """
    ballot = tx.payload
    assert isinstance(ballot, Ballot), tx.hash.hex()
    # Over another definition, the signature that was verified is no longer one (L2).
    if admission.context_of(state, tx) != context:
        raise BadTransaction(codes.DEFINITION_REPLACED, poll=ballot.poll)
    poll = state.poll(ballot.poll)
    parked = poll is not None and _takes_ballots_later(poll, now_ms)
    states = (PollState.PAUSED, PollState.REGISTERED) if parked else (PollState.OPEN,)
    standing = admission.check_standing(state, tx.signer, ballot, states)
    if now_ms is not None:
        check_answers(standing.definition, ballot.answers)
    return parked


def _takes_ballots_later(poll: Poll, now_ms: TimeMs | None) -> bool:
    if poll.state is PollState.REGISTERED:
        return now_ms is None or poll.opens_at_ms <= now_ms
    return poll.state is PollState.PAUSED
