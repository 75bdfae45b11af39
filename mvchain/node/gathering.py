"""The blocks of one height on this node: proposed, put together from what peers send, judged (N3).

A block is put together and executed only when the machine asks for it, so nobody can make others work ahead or
for rounds that never come (faults S9). What the machine no longer names is dropped when a round begins.

Everything is kept by block id, never by header hash alone: a faulty proposer can sign one header with two part-set
headers, and the wrong one must not stand in the way of the right one.
"""

import logging
from collections.abc import Callable, Iterable

from mvchain.consensus.inputs import BlockReady
from mvchain.core import codes
from mvchain.core.errors import BadProof, BadTransaction, BrokenStorage
from mvchain.core.limits import (
    MAX_BLOCK_BYTES,
    MAX_CLOCK_AHEAD_MS,
    MAX_PROPOSALS_PER_ROUND,
    MAX_ROUNDS_AHEAD,
    MAX_ROUNDS_BEHIND,
)
from mvchain.core.timestamps import NS_PER_MS
from mvchain.core.types import Hash, Round
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import Block, block_id_of
from mvchain.ledger.endorsements import Proposal
from mvchain.ledger.transactions import Transaction, decode_transaction
from mvchain.node.candidates import Assembly, Base, Candidate, begin_assembly, judge, vouches_for
from mvchain.node.signatures import CheckedSignatures
from mvchain.node.wire import CompactProposal

logger = logging.getLogger(__name__)


class Gathering:
    """What is here of the blocks that may be decided at this height."""

    def __init__(self, base: Base, signatures: CheckedSignatures) -> None:
        self.candidates: dict[BlockID, Candidate] = {}
        self._base = base
        self._signatures = signatures
        self._assemblies: dict[BlockID, Assembly] = {}
        self._invalid: set[BlockID] = set()
        self._needed: set[BlockID] = set()
        self._proposed: dict[Round, list[BlockID]] = {}
        self._transactions: dict[Hash, Transaction] = {}

    # --- proposals -------------------------------------------------------------------------------------------

    def wants(self, proposal: Proposal, round_: Round) -> bool:
        """Whether there is anything to learn from a proposal in this round of the node; bounds memory and log.

        The first two of a round count, the second as evidence (I8), and any block that is needed.
        """
        block_id, held = proposal.block_id, self._proposed.get(proposal.round, [])
        if not round_ - MAX_ROUNDS_BEHIND <= proposal.round <= round_ + MAX_ROUNDS_AHEAD:
            return False
        if block_id in held:
            return not self.knows(block_id)
        return len(held) < MAX_PROPOSALS_PER_ROUND or block_id in self._needed

    def note(self, proposal: Proposal) -> bool:
        """Remember that this block was proposed in this round; False if that was known."""
        held = self._proposed.setdefault(proposal.round, [])
        if proposal.block_id in held:
            return False
        held.append(proposal.block_id)
        return True

    def knows(self, block_id: BlockID) -> bool:
        """Whether the block is here, is being put together, or was found invalid."""
        return block_id in self.candidates or block_id in self._assemblies or block_id in self._invalid

    def is_invalid(self, block_id: BlockID) -> bool:
        """Whether it was judged and may not be decided."""
        return block_id in self._invalid

    def begin(
        self,
        peer: str,
        block_id: BlockID,
        message: CompactProposal,
        lookup: Callable[[Hash], Transaction | None],
    ) -> None:
        """Begin to put a proposed block together, unless it is known. Raises BadProof, see `begin_assembly`."""
        if not self.knows(block_id):
            assembly = begin_assembly(self._base, peer, block_id, message)
            assembly.look_up(lookup)
            self._assemblies[block_id] = assembly

    # --- blocks ----------------------------------------------------------------------------------------------

    def need(self, block_id: BlockID) -> None:
        """The machine asks for this block."""
        self._needed.add(block_id)

    def is_needed(self, block_id: BlockID) -> bool:
        """Whether the machine asked for it."""
        return block_id in self._needed

    def supply(self, transactions: Iterable[Transaction]) -> list[BlockID]:
        """Take transactions for all that is being put together; returns the needed blocks that can be judged now."""
        for transaction in transactions:
            for assembly in self._assemblies.values():
                assembly.supply(transaction)
        return [name for name, assembly in self._assemblies.items() if name in self._needed and assembly.is_whole]

    def missing(self, block_id: BlockID) -> tuple[str, tuple[Hash, ...]] | None:
        """Whom to ask first for which transactions of a block; None if nothing is missing or nothing is known."""
        assembly = self._assemblies.get(block_id)
        if assembly is None or assembly.is_whole:
            return None
        return assembly.peer, tuple(sorted(assembly.missing))

    def lacking(self) -> tuple[Hash, ...]:
        """All transactions that needed blocks still miss."""
        return tuple(
            tx_hash
            for block_id, assembly in self._assemblies.items()
            if block_id in self._needed and not assembly.is_whole
            for tx_hash in sorted(assembly.missing)
        )

    def finish(self, block_id: BlockID) -> bool:
        """Judge a block that was put together; False if there is none, or something is missing.

        Then it is a candidate, or invalid.
        """
        assembly = self._assemblies.get(block_id)
        if assembly is None or not assembly.is_whole:
            return False
        del self._assemblies[block_id]
        try:
            self._judge(assembly)
        except (BadProof, BadTransaction) as fault:
            logger.warning("block %s is invalid: %s", block_id.hash.hex()[:16], fault)
            self._invalid.add(block_id)
        return True

    def execute(self, block: Block, encoded: bytes, block_id: BlockID) -> Candidate:
        """The candidate of a whole block, from the log or from a peer.

        Raises:
            BadProof, BadTransaction: it is invalid.
        """
        known = self.candidates.get(block_id)
        if known is not None:
            return known
        return self._execute(block, encoded, block_id, tuple(map(decode_transaction, block.txs)))

    def restore(self, encoded: bytes) -> Candidate:
        """The candidate of a block of the log; each was valid when it was written.

        Raises:
            BrokenStorage: it is not any more.
        """
        block = Block.decode(encoded)
        try:
            return self.execute(block, encoded, block_id_of(block.header, encoded))
        except (BadProof, BadTransaction) as fault:
            raise BrokenStorage(codes.CHAIN_DIVERGED, height=block.header.height, why=fault) from fault

    def ready(self, block_id: BlockID, now_ms: int) -> BlockReady:
        """What the machine learns of a judged block; one from the future gets a nil prevote here (C78, K8)."""
        candidate = self.candidates.get(block_id)
        if candidate is None:
            return BlockReady(block_id, valid=False)
        ahead_ms = candidate.block.header.time_ns // NS_PER_MS - now_ms
        timely = ahead_ms <= MAX_CLOCK_AHEAD_MS and vouches_for(self._base, candidate.block)
        return BlockReady(block_id, valid=True, timely=timely)

    def add(self, candidate: Candidate) -> None:
        """Keep a valid block."""
        self.candidates[candidate.block_id] = candidate
        self._transactions.update((transaction.hash, transaction) for transaction in candidate.transactions)

    def transaction(self, tx_hash: Hash) -> Transaction | None:
        """A transaction of a candidate, for peers that put it together."""
        return self._transactions.get(tx_hash)

    def keep_only(self, named: frozenset[BlockID], round_: Round) -> None:
        """A round begins: drop the blocks that the machine no longer names, and what was proposed long ago."""
        self._assemblies = {name: assembly for name, assembly in self._assemblies.items() if name in named}
        self._invalid &= named
        self._needed &= named
        first = round_ - MAX_ROUNDS_BEHIND
        self._proposed = {at: block_ids for at, block_ids in self._proposed.items() if at >= first}
        kept = [candidate for name, candidate in self.candidates.items() if name in named]
        self.candidates.clear()
        self._transactions.clear()
        for candidate in kept:
            self.add(candidate)

    def _judge(self, assembly: Assembly) -> None:
        if assembly.is_oversized:
            raise BadProof(codes.TOO_LARGE, what="a block", size=assembly.size, limit=MAX_BLOCK_BYTES)
        block, transactions = assembly.block()
        encoded = block.encode()
        if block_id_of(block.header, encoded) != assembly.block_id:
            # The rest is bound, so it was the proposer who signed a part-set header that is not its block's (C59).
            raise BadProof(codes.WRONG_HEADER_FIELD, field="part-set header", height=block.header.height)
        self._execute(block, encoded, assembly.block_id, transactions)

    def _execute(
        self, block: Block, encoded: bytes, block_id: BlockID, transactions: tuple[Transaction, ...]
    ) -> Candidate:
        self._signatures.check(self._base.state, transactions)
        outcome = judge(self._base, block, len(encoded), transactions)
        candidate = Candidate(block, encoded, block_id, transactions, outcome)
        self.add(candidate)
        return candidate
