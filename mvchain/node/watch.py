"""What this node saw others do wrong: kept, shown to peers and people, and on its way into a block (I8, consensus N8).

- Two prevotes or precommits of one validator for one height and round: evidence, once that height is decided, since
  evidence carries the time of that height's block (C67). It waits here until a block holds it or it is too old.
- Two proposals of one round: kept and shown; the chain has no bytes for them (C66).
- Two valid commits for one height, which takes more than a third of faulty validators: kept and shown, loudly.

Everything is verified before it comes here, bounded, and durable in records of this node's own beside the state: in
one batch with the block that makes evidence of it or holds it, so none is lost or comes twice (faults CP16).
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from mvchain.consensus.keeper import Keeper
from mvchain.core import codec, codes
from mvchain.core.errors import BadProof, BrokenStorage, MvchainError
from mvchain.core.limits import (
    MAX_BLOCK_EVIDENCE,
    MAX_COMMIT_BYTES,
    MAX_DUPLICATE_PROPOSALS,
    MAX_FORKS,
    MAX_PENDING_EVIDENCE,
    MAX_PROPOSAL_BYTES,
)
from mvchain.core.types import Address, Height, TimeNs
from mvchain.ledger.blocks import Block, Commit
from mvchain.ledger.commits import precommits_of, verify_commit_full
from mvchain.ledger.convictions import Convictions
from mvchain.ledger.endorsements import Endorsement, Proposal
from mvchain.ledger.evidence import DuplicateEndorsementEvidence, Offence, build_evidence
from mvchain.ledger.validators import ValidatorSet
from mvchain.node.candidates import Base, verify_evidence
from mvchain.node.ports import BlockStore, StateStore

logger = logging.getLogger(__name__)

_EVIDENCE, _PROPOSALS, _FORKS = b"ye", b"yp", b"yf"
"""Tables of this node's own: height as 6 bytes, and what tells those of one height apart."""

Writes = dict[bytes, bytes | None]
Kept = TypeVar("Kept")


UNTIMELY = (codes.EVIDENCE_UNDECIDED, codes.EVIDENCE_EXPIRED, codes.EVIDENCE_NO_HEADER)
"""Reasons for which evidence of an honest peer is of no use here: it is ahead, behind, or has older blocks."""


class Watch:
    """Of one node.

    Args:
        store: where its records are.
        last_commit, validators: of the last height, which late messages may contradict.
    """

    def __init__(self, store: BlockStore, last_commit: Commit, validators: ValidatorSet) -> None:
        self._store = store
        self._late = Keeper(last_commit.height, validators)
        """What came of the last height."""
        for precommit in precommits_of(last_commit):
            self._late.add_endorsement(precommit)
        self._pending: dict[Offence, DuplicateEndorsementEvidence] = {}
        self._seen: dict[Offence, tuple[Endorsement, Endorsement]] = {}
        """Contradictions of the height that is being decided."""
        self._count: Counter[Address] = Counter()
        """How many of both each validator has."""
        self.proposals: dict[bytes, tuple[Proposal, Proposal]] = {}
        """Duplicate proposals, oldest first."""
        self.forks: dict[Height, tuple[Commit, Commit]] = {}
        """Of heights with two valid commits: the own one, and another."""
        for value in _values(store, _EVIDENCE):
            evidence = _stored(DuplicateEndorsementEvidence.decode, value)
            self._pending[evidence.offence] = evidence
            self._count[evidence.offence.address] += 1
        for key, value in store.scan(*_scan(_PROPOSALS)):
            first, second = (_stored(Proposal.decode, item) for item in _unpacked(value, MAX_PROPOSAL_BYTES))
            self.proposals[key] = first, second
        for value in _values(store, _FORKS):
            own, other = (_stored(Commit.decode, item) for item in _unpacked(value, MAX_COMMIT_BYTES))
            self.forks[own.height] = own, other

    # --- evidence --------------------------------------------------------------------------------------------

    @property
    def pending(self) -> Sequence[DuplicateEndorsementEvidence]:
        """Evidence that no block holds yet, oldest first."""
        return tuple(self._pending.values())

    def contradiction(self, first: Endorsement, second: Endorsement) -> None:
        """A validator contradicted itself at the height that is being decided; the log has both messages."""
        name = Offence(first.address, first.height, first.round, first.kind)
        self._warn(name)
        if name not in self._seen and self._has_room(name.address):
            self._seen[name] = first, second
            self._count[name.address] += 1

    def decided(
        self, base: Base, block: Block, commit: Commit, keeper: Keeper
    ) -> tuple[list[DuplicateEndorsementEvidence], Writes]:
        """A block is decided: what was seen at its height becomes evidence, and what it holds waits no longer.

        Both commits may show what did not come as a message. `keeper` has what came of this height.

        Returns:
            new evidence, and what is to be written together with the block.
        """
        for precommit in precommits_of(commit):
            first = keeper.add_endorsement(precommit)
            if first is not None:
                self.contradiction(first, precommit)
        found = [build_evidence(a, b, keeper.validators, block.header.time_ns) for a, b in self._seen.values()]
        self._count.subtract(offence.address for offence in self._seen)
        self._seen.clear()
        late = (self.late(precommit, base.tip.time_ns) for precommit in precommits_of(block.last_commit))
        found += [evidence for evidence in late if evidence is not None]
        self._late = keeper
        writes: Writes = {}
        convictions = base.state.convictions
        new = [evidence for evidence in found if self._wants(evidence.offence, convictions)]
        for evidence in new:
            self._keep(evidence, writes)
        held = {evidence.offence for evidence in block.evidence}
        for offence, evidence in tuple(self._pending.items()):
            is_expired = evidence.is_expired(block.header.height, block.header.time_ns)
            if is_expired or not convictions.admits(offence, held):
                del self._pending[offence]
                self._count[offence.address] -= 1
                writes[_evidence_key(offence)] = None
        return [evidence for evidence in new if evidence.offence in self._pending], writes

    def is_late_news(self, endorsement: Endorsement) -> bool:
        """Whether there is anything to learn from a message of the last height, so that its signature is checked."""
        return self._late.keeps(endorsement.round) and not self._late.has(endorsement)

    def late(self, endorsement: Endorsement, time_ns: TimeNs) -> DuplicateEndorsementEvidence | None:
        """Take a verified message of the last height, whose block has this time; evidence if it contradicts."""
        first = self._late.add_endorsement(endorsement)
        if first is None:
            return None
        self._warn(Offence(first.address, first.height, first.round, first.kind))
        return build_evidence(first, endorsement, self._late.validators, time_ns)

    def offer(self, base: Base, evidence: DuplicateEndorsementEvidence) -> bool:
        """Verify and keep evidence, unless it is known or convicts of nothing new; whether it is kept now.

        Raises:
            BadProof: it proves nothing, or, with a cause of UNTIMELY, cannot be judged here.
        """
        if not self._wants(evidence.offence, base.state.convictions):
            return False
        verify_evidence(base, evidence, Height(base.tip.height + 1), base.tip.time_ns)
        if base.time_at(evidence.height) is None:
            raise BadProof(codes.EVIDENCE_NO_HEADER, height=evidence.height)
        writes: Writes = {}
        self._keep(evidence, writes)
        self._store.write_state(writes)
        self._warn(evidence.offence)
        return True

    def _wants(self, offence: Offence, convictions: Convictions) -> bool:
        return offence not in self._pending and convictions.admits(offence) and self._has_room(offence.address)

    def for_block(self, convictions: Convictions) -> Sequence[DuplicateEndorsementEvidence]:
        """What the next block can hold."""
        chosen: dict[Offence, DuplicateEndorsementEvidence] = {}
        for offence, evidence in self._pending.items():
            if len(chosen) == MAX_BLOCK_EVIDENCE:
                break
            if convictions.admits(offence, chosen):
                chosen[offence] = evidence
        return list(chosen.values())

    def _keep(self, evidence: DuplicateEndorsementEvidence, writes: Writes) -> None:
        offence = evidence.offence
        self._pending[offence] = evidence
        self._count[offence.address] += 1
        writes[_evidence_key(offence)] = evidence.encode()

    def _has_room(self, address: Address) -> bool:
        """Each validator has its own, so that none can hide another's behind its own (I7)."""
        return self._count[address] < MAX_PENDING_EVIDENCE

    def _warn(self, offence: Offence) -> None:
        where = (offence.address.hex(), offence.kind.name.lower(), offence.height, offence.round)
        logger.warning("validator %s signed two different %ss at height %d round %d", *where)

    # --- what goes into no block -----------------------------------------------------------------------------

    def duplicate_proposal(self, first: Proposal, second: Proposal) -> None:
        """The proposer of a round signed two."""
        logger.warning("two proposals were signed for height %d round %d", first.height, first.round)
        key = _PROPOSALS + first.height.to_bytes(6, "big") + first.round.to_bytes(4, "big")
        self.proposals[key] = first, second
        writes: Writes = {key: codec.encode((first.encode(), second.encode()))}
        if len(self.proposals) > MAX_DUPLICATE_PROPOSALS:
            oldest = next(iter(self.proposals))
            del self.proposals[oldest]
            writes[oldest] = None
        self._store.write_state(writes)

    def compare(self, base: Base, other: Commit) -> None:
        """Whoever shows a second valid commit for a decided height shows that the chain has forked (I1).

        Raises:
            BadProof: it has, or the commit does not hold.
        """
        height = other.height
        stored = self._store.commit(height)
        if stored is None:
            return
        own = base.last_commit if height == base.tip.height else Commit.decode(stored)
        if other.block_id == own.block_id:
            return
        verify_commit_full(other, base.chain_id, base.state.validators_at(height), height, other.block_id)
        agencies = (base.state.agency_of_validator(address) for address in signed_both(own, other))
        names = ", ".join(agency.name_en for agency in agencies if agency is not None)
        if height not in self.forks and len(self.forks) < MAX_FORKS:
            logger.critical(
                "THE CHAIN HAS FORKED: two valid commits for height %d, for block %s here and block %s elsewhere. "
                "Signed both: %s. Compare the chains of all agencies before you trust either",
                height,
                own.block_id.hash.hex(),
                other.block_id.hash.hex(),
                names,
            )
            self.forks[height] = own, other
            key = _FORKS + height.to_bytes(6, "big")
            self._store.write_state({key: codec.encode((own.encode(), other.encode()))})
        raise BadProof(codes.CHAIN_FORKED, height=height, names=names)


def signed_both(first: Commit, second: Commit) -> list[Address]:
    """The validators who signed the blocks of both commits, in the order of the set; both have been verified.

    In one round no honest one does. In two rounds the signatures alone do not tell who broke the rules.
    """

    def signers(commit: Commit) -> list[Address]:
        return [sig.address for sig in precommits_of(commit) if sig.block_id == commit.block_id]

    others = set(signers(second))
    return [address for address in signers(first) if address in others]


def _evidence_key(offence: Offence) -> bytes:
    round_ = offence.round.to_bytes(4, "big")
    return _EVIDENCE + offence.height.to_bytes(6, "big") + round_ + bytes((offence.kind,)) + offence.address


def _scan(table: bytes) -> tuple[bytes, bytes]:
    return table, table + b"\xff" * 32


def _values(reader: StateStore, table: bytes) -> Iterator[bytes]:
    return (value for _, value in reader.scan(*_scan(table)))


def _unpacked(value: bytes, max_bytes: int) -> tuple[bytes, bytes]:
    what = "a record of misbehaviour"
    fields = codec.Fields(codec.decode(value, what, max_bytes=3 * max_bytes, error=BrokenStorage), 2, what)
    return fields.blob(0, "first", max_bytes), fields.blob(1, "second", max_bytes)


def _stored(decode: Callable[[bytes], Kept], value: bytes) -> Kept:
    """What a record of the own disk holds; raises BrokenStorage."""
    try:
        return decode(value)
    except MvchainError as error:
        raise BrokenStorage(codes.MALFORMED, what="a record of misbehaviour", why=error.detail) from None
