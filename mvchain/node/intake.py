"""The way of a transaction into the node: decode, verify off the loop, judge, journal, acknowledge (N6, N9).

Two doors: `submit` for the public API, whose answers are promises, and `from_peer` for gossip. Both end in the
mempool, through the one predicate of `ledger.admission`. Asynchronous shell: the rules are elsewhere.
"""

import asyncio
from collections import Counter
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
from mvchain.node.signatures import SignaturePool

MAX_UNDER_WAY = 20_000
"""Transactions of the API being verified at once; beyond it the API answers 503 at once and cheaply."""
MAX_UNDER_WAY_OF_PEER = 8_192
"""The same for each peer by itself, so that none can shut out the API or the others (ATK38)."""


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


Verdict = Received | Known | Refused
_API = ""
"""Stands for the API where peers are told apart by name."""


class Intake:
    """Judges transactions and keeps those it takes."""

    def __init__(
        self,
        replica: Replica,
        signatures: SignaturePool,
        journal: Journal,
        committed: Callable[[Hash], bool],
        now_ms: Callable[[], int],
    ) -> None:
        self._replica = replica
        self._signatures = signatures
        self._journal = journal
        self._committed = committed
        self._now_ms = now_ms
        self._under_way: Counter[str] = Counter()
        self._flush_wanted = asyncio.Event()
        self._flushed: asyncio.Future[None] | None = None

    async def submit(
        self, raw: Sequence[bytes], source: str, taken: Callable[[list[Transaction]], None]
    ) -> list[Verdict]:
        """Judge untrusted byte strings from the API; one verdict for each, in order.

        What is `Received` is in the synced journal when this returns (N6), and so is what is `Known` and waits:
        its submitter reads that it was received, though it came from a peer first.

        Args:
            taken: called with what now waits here because of this call, before the journal is written: it is to
                spread whether or not the submitter gets its promise.
        """
        if self._under_way[_API] + len(raw) > MAX_UNDER_WAY:
            busy = BadRequest(codes.NODE_BUSY)
            return [Refused(sha256(item), busy) for item in raw]
        verdicts = await self._judge(raw, source, _API, check_clock=True)
        taken([verdict.transaction for verdict in verdicts if isinstance(verdict, Received)])
        waiting = {tx.hash: tx.raw for verdict in verdicts if (tx := self._waiting(verdict)) is not None}
        if not waiting:
            return verdicts
        try:
            self._journal.append(list(waiting.values()))
        except BadRequest as full:  # they wait all the same, but nothing is promised; a refusal binds nothing
            hashes = (_hash_of(verdict) for verdict in verdicts)
            return [
                Refused(tx_hash, full) if tx_hash in waiting else verdict
                for tx_hash, verdict in zip(hashes, verdicts, strict=True)
            ]
        await self._journal_synced()
        return verdicts

    def has_room(self, peer: str, count: int) -> bool:
        """Whether so many more transactions of this peer may be judged now."""
        return self._under_way[peer] + count <= MAX_UNDER_WAY_OF_PEER

    async def from_peer(self, raw: Sequence[bytes], peer: str) -> list[Verdict]:
        """Judge transactions that a peer gossips; nothing is promised, so nothing is journaled."""
        return await self._judge(raw, f"peer:{peer}", peer, check_clock=False)

    async def from_journal(self, raw: Sequence[bytes], source: str) -> list[Verdict]:
        """Judge what was acknowledged before a restart, some at a time; it is in the journal already."""
        return await self._judge(raw, source, source, check_clock=False)

    def _waiting(self, verdict: Verdict) -> Transaction | None:
        return None if isinstance(verdict, Refused) else self._replica.mempool.get(_hash_of(verdict))

    async def keep_journal_synced(self) -> None:
        """Sync the journal whenever somebody waits for it; all who wait share one sync (group commit). Never ends."""
        try:
            await self._sync_for_ever()
        finally:
            if self._flushed is not None:
                self._flushed.cancel()  # whoever waits gets no answer, and does not wait for ever

    async def _sync_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._flush_wanted.wait()
            self._flush_wanted.clear()
            waiting, self._flushed = self._flushed, None
            assert waiting is not None
            syncing = loop.run_in_executor(None, self._journal.sync)
            try:
                await asyncio.shield(syncing)
            except BaseException:
                # Whoever waits gets no answer, and the shell stops. The thread is waited for, since the journal's
                # file is closed next.
                waiting.cancel()
                await asyncio.wait([syncing])
                raise
            waiting.set_result(None)

    async def _journal_synced(self) -> None:
        if self._flushed is None:
            self._flushed = asyncio.get_running_loop().create_future()
            self._flush_wanted.set()
        await asyncio.shield(self._flushed)

    async def _judge(self, raw: Sequence[bytes], source: str, door: str, *, check_clock: bool) -> list[Verdict]:
        self._under_way[door] += len(raw)
        try:
            return await self._judge_all(raw, source, check_clock)
        finally:
            self._under_way[door] -= len(raw)
            if not self._under_way[door]:
                del self._under_way[door]

    async def _judge_all(self, raw: Sequence[bytes], source: str, check_clock: bool) -> list[Verdict]:
        verdicts: list[Verdict | None] = []
        to_verify: list[tuple[int, Transaction, Hash]] = []
        for position, item in enumerate(raw):
            verdict, transaction = self._first_look(item, check_clock)
            verdicts.append(verdict)
            if transaction is not None:
                try:
                    to_verify.append((position, transaction, context_of(self._replica.state, transaction)))
                except BadTransaction as error:
                    verdicts[position] = Refused(transaction.hash, error)
        genesis_hash = self._replica.state.genesis_hash
        holds = await self._signatures.check_off_loop(
            [
                (tx.signer, sign_bytes(genesis_hash, context, tx.payload_bytes), tx.signature)
                for _, tx, context in to_verify
            ]
        )
        for (position, transaction, context), good in zip(to_verify, holds, strict=True):
            verdicts[position] = self._admit(transaction, context, good, source)
        return [verdict for verdict in verdicts if verdict is not None]

    def _first_look(self, item: bytes, check_clock: bool) -> tuple[Verdict | None, Transaction | None]:
        """What can be said without the signature."""
        tx_hash = sha256(item)
        if tx_hash in self._replica.mempool or self._committed(tx_hash):
            return Known(tx_hash), None
        try:
            transaction = decode_transaction(item)
            if check_clock and isinstance(transaction.payload, Ballot):
                self._check_closing(transaction.payload)
        except BadTransaction as error:
            return Refused(tx_hash, error), None
        return None, transaction

    def _check_closing(self, ballot: Ballot) -> None:
        """Ballots are taken until `closes_at` by this node's clock; the grace time is for those on their way (L6)."""
        poll = self._replica.state.poll(ballot.poll)
        if poll is not None and self._now_ms() >= poll.closes_at_ms:
            raise BadTransaction(codes.POLL_HAS_CLOSED, poll=ballot.poll)

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
