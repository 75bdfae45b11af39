"""Blocks on their way to a decision: made from the mempool, put together from a compact proposal, judged.

A candidate is executed speculatively, before the prevote; what comes out is kept and committed without executing
again (architecture A4). Judging is a function of the committed state, the tip and the block alone; nothing here
sends, signs or stores.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace

from mvchain.core import codec, codes, merkle
from mvchain.core.errors import BadProof, BadTransaction, BrokenStorage
from mvchain.core.limits import MAX_BLOCK_BYTES
from mvchain.core.types import Address, Hash, Height, TimeNs
from mvchain.ledger.block_id import BlockID, PartSetHeader
from mvchain.ledger.blocks import (
    EMPTY_COMMIT,
    Block,
    Commit,
    Header,
    block_id_of,
    consensus_hash,
    data_hash,
    evidence_hash,
    median_time,
    validate_header_basic,
)
from mvchain.ledger.commits import verify_commit_full
from mvchain.ledger.evidence import DuplicateEndorsementEvidence
from mvchain.ledger.execution import Execution
from mvchain.ledger.outcome import Outcome
from mvchain.ledger.state import State
from mvchain.ledger.transactions import Transaction
from mvchain.ledger.units import transaction_units
from mvchain.ledger.validators import ValidatorSet
from mvchain.node.wire import CompactProposal

BLOCK_OVERHEAD_BYTES = 64 * 1024
"""Kept free for header, evidence and the commit of up to 100 validators when transactions are chosen."""

HEADER_FIELDS = tuple(f.name for f in fields(Header))

TRANSACTION_OVERHEAD_BYTES = 8
"""Tag and length around one transaction in the block."""


@dataclass(frozen=True, slots=True)
class Tip:
    """What the next block has to build on; kept with the state, in the same write batch."""

    height: Height
    """Height of the last block; 0 before the first."""
    block_id: BlockID
    time_ns: TimeNs
    """Block time of the last block; genesis time before the first."""
    results_hash: Hash
    """Hash of its results, for the next header (C70)."""
    changed_state: bool
    """Whether it changed the app hash or held transactions: then the next block follows at once (N2)."""

    def encode(self) -> bytes:
        """Canonical bytes for the store."""
        parts = self.block_id.parts
        return codec.encode(
            (
                self.height,
                (self.block_id.hash, parts.total, parts.hash),
                self.time_ns,
                self.results_hash,
                self.changed_state,
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> "Tip":
        """Read what `encode` wrote.

        Raises:
            BrokenStorage: the record is damaged.
        """
        fields = codec.Fields(
            codec.decode(data, "tip record", max_bytes=1024, error=BrokenStorage),
            5,
            "tip record",
            BrokenStorage,
        )
        block_id = codec.Fields(fields.array(1, "block_id", 3), 3, "tip record", BrokenStorage)
        return cls(
            height=Height(fields.int(0, "height", 0, 1 << 62)),
            block_id=BlockID(
                Hash(block_id.blob(0, "hash", 32)),
                PartSetHeader(block_id.int(1, "total", 0, 1 << 31), Hash(block_id.blob(2, "parts", 32))),
            ),
            time_ns=TimeNs(fields.int(2, "time_ns", 0, 1 << 62)),
            results_hash=Hash(fields.bytes(3, "results_hash", 32)),
            changed_state=fields.bool(4, "changed_state"),
        )


@dataclass(frozen=True, slots=True)
class Base:
    """What a block of the next height is made and judged on."""

    chain_id: str
    app_version: int
    state: State
    """After the last block."""
    tip: Tip
    last_commit: Commit
    """Its commit as this node has it, with precommits that came late; what the next own block carries."""
    header_at: Callable[[Height], bytes | None]
    """The header of a decided block; None where it is not here."""

    @property
    def last_validators(self) -> ValidatorSet:
        """Those who signed the last block."""
        return self.state.validators_at(self.tip.height)

    def time_at(self, height: Height) -> TimeNs | None:
        """Block time of a decided height; None where its block is not here."""
        if height == self.tip.height:
            return self.tip.time_ns
        header = self.header_at(height)
        return None if header is None else Header.decode(header).time_ns


@dataclass(frozen=True, slots=True)
class Candidate:
    """A complete and valid block of the height being decided, with what executing it came to."""

    block: Block
    encoded: bytes
    block_id: BlockID
    transactions: tuple[Transaction, ...]
    outcome: Outcome


@dataclass(slots=True)
class Assembly:
    """A compact proposal whose transactions are still being gathered (N3)."""

    peer: str
    """Who sent it, to be asked first for what is missing."""
    block_id: BlockID
    header: Header
    tx_hashes: tuple[Hash, ...]
    evidence: tuple[DuplicateEndorsementEvidence, ...]
    last_commit: Commit
    found: dict[Hash, Transaction] = field(default_factory=dict)
    missing: set[Hash] = field(default_factory=set)
    size: int = 0
    """Bytes of the transactions found."""

    @property
    def is_oversized(self) -> bool:
        """Whether no block can hold what it names, so that the rest need not come (faults S8)."""
        return self.size > MAX_BLOCK_BYTES

    @property
    def is_whole(self) -> bool:
        """Whether it can be judged: nothing is missing, or it is too large whatever the rest is."""
        return not self.missing or self.is_oversized

    def supply(self, transaction: Transaction) -> None:
        """Take a transaction if it is one of those that are missing."""
        if transaction.hash in self.missing:
            self.missing.discard(transaction.hash)
            self._keep(transaction)

    def look_up(self, lookup: Callable[[Hash], Transaction | None]) -> None:
        """Take what is here already; the rest is missing."""
        for tx_hash in self.tx_hashes:
            known = lookup(tx_hash)
            if known is None:
                self.missing.add(tx_hash)
            else:
                self._keep(known)

    def block(self) -> tuple[Block, tuple[Transaction, ...]]:
        """The block, and its transactions in order; call it when none is missing."""
        transactions = tuple(self.found[tx_hash] for tx_hash in self.tx_hashes)
        txs = tuple(tx.raw for tx in transactions)
        return Block(self.header, txs, self.evidence, self.last_commit), transactions

    def _keep(self, transaction: Transaction) -> None:
        self.found[transaction.hash] = transaction
        self.size += len(transaction.raw)


def begin_assembly(base: Base, peer: str, block_id: BlockID, message: CompactProposal) -> Assembly:
    """Bind the parts of a compact proposal to the block id its proposer signed.

    The header hash binds the header, and with it the transactions and the entries of the last commit, but not that
    commit's height, round and block (C53). Were these left open, whoever passes a proposal on could change them and
    make a valid block look invalid here; so they must be those of the own last commit, or be proved by signatures.

    Raises:
        BadProof: a part is malformed, or is not the one that the block id names: whoever sent it altered it.
    """
    header = Header.decode(message.header)
    last_commit = Commit.decode(message.last_commit)
    own = base.last_commit
    bound = (
        header.hash() == block_id.hash
        and header.data_hash == data_hash(message.tx_hashes)
        and header.last_commit_hash == last_commit.hash()
        and (last_commit.height, last_commit.block_id) == (own.height, own.block_id)
        and len(set(message.tx_hashes)) == len(message.tx_hashes)
        and header.evidence_hash == merkle.root(message.evidence)
    )
    if not bound:
        raise BadProof(codes.COMPACT_PROPOSAL_MISMATCH, height=header.height)
    if last_commit.round != own.round:
        verify_commit_full(last_commit, base.chain_id, base.last_validators, own.height, own.block_id)
    evidence = tuple(map(DuplicateEndorsementEvidence.decode, message.evidence))
    return Assembly(peer, block_id, header, message.tx_hashes, evidence, last_commit)


def compact(proposal: bytes, candidate: Candidate) -> CompactProposal:
    """The message that carries a proposal of this block (N3)."""
    return CompactProposal(
        proposal=proposal,
        header=candidate.block.header.encode(),
        tx_hashes=tuple(transaction.hash for transaction in candidate.transactions),
        evidence=tuple(piece.encode() for piece in candidate.block.evidence),
        last_commit=candidate.block.last_commit.encode(),
    )


def _next_header(
    base: Base,
    last_commit: Commit,
    proposer: Address,
    hashes: Sequence[Hash],
    evidence: Sequence[DuplicateEndorsementEvidence],
) -> Header:
    """The one header that a block of these transactions by this proposer can have (C30)."""
    state, tip = base.state, base.tip
    return Header(
        version_app=base.app_version,
        chain_id=base.chain_id,
        height=Height(tip.height + 1),
        time_ns=tip.time_ns if tip.height == 0 else median_time(last_commit, base.last_validators),
        last_block_id=tip.block_id,
        last_commit_hash=last_commit.hash(),
        data_hash=data_hash(hashes),
        validators_hash=state.validators.hash,
        next_validators_hash=state.next_validators.hash,
        consensus_hash=consensus_hash(state.params.max_bytes, state.params.max_units),
        app_hash=state.app_hash,
        last_results_hash=tip.results_hash,
        evidence_hash=evidence_hash(evidence),
        proposer_address=proposer,
    )


def make_block(
    base: Base,
    proposer: Address,
    ready: Iterable[Transaction],
    evidence: Sequence[DuplicateEndorsementEvidence],
) -> Candidate:
    """Make the next block from what waits, in order of receipt (N9), executing it on the way.

    Evidence has been verified and is new; what is too old for the block's time is left out.

    What is not admissible where it would stand is left out; the mempool judges it again after the block.
    """
    last_commit = base.last_commit
    draft = _next_header(base, last_commit, proposer, (), ())
    held = tuple(piece for piece in evidence if not piece.is_expired(draft.height, draft.time_ns))
    draft = replace(draft, evidence_hash=evidence_hash(held))
    execution = Execution(base.state, draft.height, draft.time_ns, last_commit=last_commit, evidence=held)
    room = base.state.params.max_bytes - BLOCK_OVERHEAD_BYTES
    chosen: list[Transaction] = []
    for transaction in ready:
        size = len(transaction.raw) + TRANSACTION_OVERHEAD_BYTES
        if size > room or transaction_units(transaction) > execution.units_left:
            break
        try:
            execution.apply(transaction)
        except BadTransaction:
            continue
        chosen.append(transaction)
        room -= size
    outcome = execution.finish()
    header = replace(draft, data_hash=data_hash([tx.hash for tx in chosen]))
    block = Block(header, tuple(tx.raw for tx in chosen), held, last_commit)
    encoded = block.encode()
    return Candidate(block, encoded, block_id_of(header, encoded), tuple(chosen), outcome)


def verify_evidence(base: Base, evidence: DuplicateEndorsementEvidence, height: Height, time_ns: TimeNs) -> None:
    """Whether the block of this height and time may hold this evidence, if it is new (C67, C79).

    A function of the chain alone (ATK28): sets, block times and ages are those of its blocks. Where the block of its
    height is not here, its time is taken as it says: such a block of evidence gets no prevote here, see `vouches_for`.

    Raises:
        BadProof: it is too old, of no height below, or proves nothing.
    """
    if evidence.height >= height:
        raise BadProof(codes.EVIDENCE_UNDECIDED, height=evidence.height, block_height=height)
    if evidence.is_expired(height, time_ns):
        raise BadProof(codes.EVIDENCE_EXPIRED, height=evidence.height, block_height=height)
    known_ns = base.time_at(evidence.height)
    validators = base.state.validators_at(evidence.height)
    evidence.verify(base.chain_id, validators, evidence.time_ns if known_ns is None else known_ns)


def vouches_for(base: Base, block: Block) -> bool:
    """Whether all times in the evidence of a block could be compared with the headers of their heights."""
    return all(base.time_at(piece.height) is not None for piece in block.evidence)


def judge(base: Base, block: Block, size: int, transactions: Sequence[Transaction]) -> Outcome:
    """Decide whether a block may be prevoted (C79, ledger L3) by executing it; signatures of transactions come first.

    Args:
        size: of the encoded block, in bytes.

    Returns:
        What executing it came to.

    Raises:
        BadProof: a header field, the commit or the evidence is not what it must be.
        BadTransaction: a transaction is not admissible where it stands.
    """
    header, tip = block.header, base.tip
    limit = base.state.params.max_bytes
    if size > limit:
        raise BadProof(codes.TOO_LARGE, what="a block", size=size, limit=limit)
    validate_header_basic(header)
    commit = block.last_commit
    if tip.height == 0:
        if commit != EMPTY_COMMIT:
            raise BadProof(codes.WRONG_HEADER_FIELD, field="last_commit", height=header.height)
    else:
        verify_commit_full(commit, base.chain_id, base.last_validators, tip.height, tip.block_id)
    hashes = tuple(transaction.hash for transaction in transactions)
    expected = _next_header(base, commit, header.proposer_address, hashes, block.evidence)
    for name in HEADER_FIELDS:
        if getattr(header, name) != getattr(expected, name):
            raise BadProof(codes.WRONG_HEADER_FIELD, field=name, height=header.height)
    if header.time_ns <= tip.time_ns and tip.height > 0:
        raise BadProof(codes.WRONG_HEADER_FIELD, field="time_ns", height=header.height)
    if base.state.validators.by_address(header.proposer_address) is None:
        raise BadProof(codes.WRONG_HEADER_FIELD, field="proposer_address", height=header.height)
    height, evidence = Height(header.height), block.evidence
    for piece in evidence:
        verify_evidence(base, piece, height, header.time_ns)
    execution = Execution(base.state, height, header.time_ns, last_commit=commit, evidence=evidence)
    for transaction in transactions:
        execution.apply(transaction)
    return execution.finish()
