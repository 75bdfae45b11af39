"""What becomes of a transaction that arrives: a first look, then, once its signature is verified, the pool (N6, N9).

The synchronous half of the way into the node. Who verifies the signatures in between, and on which thread, is the
shell's affair (`node.intake`), as is the bound on how much is under way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mvchain.core import codes
from mvchain.core.errors import BadRequest, BadTransaction, MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash, TimeMs
from mvchain.ledger.admission import context_of
from mvchain.ledger.transactions import Ballot, Transaction, decode_transaction, sign_bytes
from mvchain.node.ports import Journal
from mvchain.node.replica import Replica
from mvchain.node.signatures import Signed


@dataclass(frozen=True, slots=True)
class Received:
    """Taken into the mempool by this call."""

    transaction: Transaction


@dataclass(frozen=True, slots=True)
class Known:
    """Pending already, or in a block."""

    tx_hash: Hash


@dataclass(frozen=True, slots=True)
class Refused:
    """Not taken, and why."""

    tx_hash: Hash
    error: MvchainError
    transaction: Transaction | None = None
    """Where the signature holds: a block may need it although this pool does not want it."""
    malformed: bool = False
    """No node takes it, whatever its state: a peer that sends it is at fault."""


Verdict = Received | Known | Refused


@dataclass(frozen=True, slots=True)
class Looked:
    """A batch after the first look."""

    verdicts: list[Verdict | None]
    """One for each transaction, in order; None for those whose signature decides."""
    unverified: list[tuple[int, Transaction, Hash]]
    """Those: position in the batch, transaction, and the context it was signed for."""
    messages: list[Signed]
    """What is to be verified for each of them."""


class Judge:
    """Judges transactions and keeps those it takes.

    Args:
        now_ms: the wall clock.
    """

    def __init__(self, replica: Replica, journal: Journal, now_ms: Callable[[], int]) -> None:
        self._replica = replica
        self._journal = journal
        self._now_ms = now_ms

    def look(self, raw: Sequence[bytes], *, check_clock: bool) -> Looked:
        """What can be said without the signatures.

        Args:
            check_clock: refuse ballots after `closes_at` by this node's clock, as its own API does (L6).
        """
        genesis_hash = self._replica.state.genesis_hash
        looked = Looked([], [], [])
        for position, item in enumerate(raw):
            verdict, transaction = self._first_look(item, check_clock)
            looked.verdicts.append(verdict)
            if transaction is not None:
                try:
                    context = context_of(self._replica.state, transaction)
                except BadTransaction as error:
                    looked.verdicts[position] = Refused(transaction.hash, error)
                    continue
                message = sign_bytes(genesis_hash, context, transaction.payload_bytes)
                looked.unverified.append((position, transaction, context))
                looked.messages.append((transaction.signer, message, transaction.signature))
        return looked

    def admit(self, looked: Looked, holds: Sequence[bool], source: str) -> list[Verdict]:
        """Offer to the pool those whose signature holds; the state may be another one by now.

        Args:
            holds: one verdict for each of `looked.messages`.
            source: the submitter, among whom the pool is fair.
        """
        for (position, transaction, context), good in zip(looked.unverified, holds, strict=True):
            looked.verdicts[position] = self._admit(transaction, context, good, source)
        return [verdict for verdict in looked.verdicts if verdict is not None]

    def keep(self, verdicts: list[Verdict]) -> tuple[list[Verdict], bool]:
        """Write to the journal what a submitter is to read was received: what waits, whoever brought it first (N6).

        Returns the verdicts, and whether the journal has to be synced before they are told. If it is full, what waits
        does so all the same, but nothing is promised: a refusal binds nothing.
        """
        waiting = {tx.hash: tx.raw for verdict in verdicts if (tx := self._waiting(verdict)) is not None}
        if not waiting:
            return verdicts, False
        try:
            self._journal.append(list(waiting.values()))
        except BadRequest as full:
            hashes = (_hash_of(verdict) for verdict in verdicts)
            return [
                Refused(tx_hash, full) if tx_hash in waiting else verdict
                for tx_hash, verdict in zip(hashes, verdicts, strict=True)
            ], False
        return verdicts, True

    def _waiting(self, verdict: Verdict) -> Transaction | None:
        return None if isinstance(verdict, Refused) else self._replica.mempool.get(_hash_of(verdict))

    def _first_look(self, item: bytes, check_clock: bool) -> tuple[Verdict | None, Transaction | None]:
        tx_hash = sha256(item)
        if tx_hash in self._replica.mempool or self._committed(tx_hash):
            return Known(tx_hash), None
        try:
            transaction = decode_transaction(item)
        except BadTransaction as error:
            return Refused(tx_hash, error, malformed=True), None
        if check_clock and isinstance(transaction.payload, Ballot):
            try:
                self._check_closing(transaction.payload)
            except BadTransaction as error:
                return Refused(tx_hash, error), None
        return None, transaction

    def _check_closing(self, ballot: Ballot) -> None:
        """Ballots are taken until `closes_at` by this node's clock; the grace time is for those on their way (L6)."""
        poll = self._replica.state.poll(ballot.poll)
        if poll is not None and self._now_ms() >= poll.closes_at_ms:
            raise BadTransaction(codes.POLL_HAS_CLOSED, poll=ballot.poll)

    def _committed(self, tx_hash: Hash) -> bool:
        return self._replica.store.tx_location(tx_hash) is not None

    def _admit(self, transaction: Transaction, context: Hash, good: bool, source: str) -> Verdict:
        if not good:
            return Refused(transaction.hash, BadTransaction(codes.BAD_SIGNATURE, tx=transaction.hash.hex()))
        if transaction.hash in self._replica.mempool:
            return Known(transaction.hash)
        try:
            self._replica.mempool.add(transaction, context, self._replica.state, source, TimeMs(self._now_ms()))
        except MvchainError as error:
            # What a block took in the meantime is refused: its revision or sequence is used up (L2, L7).
            if self._committed(transaction.hash):
                return Known(transaction.hash)
            return Refused(transaction.hash, error, transaction)
        self._replica.signatures.remember(transaction.hash, context)
        return Received(transaction)


def _hash_of(verdict: Verdict) -> Hash:
    return verdict.transaction.hash if isinstance(verdict, Received) else verdict.tx_hash
