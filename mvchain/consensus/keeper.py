"""What a node holds of one height: proposals, prevotes and precommits, counted and bounded.

- One endorsement per validator, round and kind: the first counts. A second one for another block is reported
  once. It counts as well, but for its own block alone, and only when f+1 stand behind that block already. The
  paper counts by block too, and liveness needs it: see ALGORITHM.md, K3.
- Kept are the rounds near the present one and those that something held rests on (`keeps`). Of a round
  further ahead only the number is kept, one per validator, which is all that L55 needs (faults S10, I7).
- Nothing here raises: what does not fit is left out (architecture A4).
"""

from collections.abc import Iterator

from mvchain.core.limits import MAX_ROUND, MAX_ROUNDS_AHEAD, MAX_ROUNDS_BEHIND
from mvchain.core.types import Height, Round
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID
from mvchain.ledger.endorsements import NO_ROUND, Endorsement, Kind, Proposal
from mvchain.ledger.validators import ValidatorSet


def holds_one_correct(power: int, validators: ValidatorSet) -> bool:
    """Whether signers of this power include a correct one: the paper's f+1.

    Faulty validators hold less than a third, so a full third is enough; in integers.
    """
    return 3 * power >= validators.total_power


class EndorsementSet:
    """The prevotes, or the precommits, of one round."""

    def __init__(self, validators: ValidatorSet) -> None:
        self._validators = validators
        self._first: dict[int, Endorsement] = {}
        self._power = 0
        self._by_block: dict[BlockID, dict[int, Endorsement]] = {}
        self._power_of_block: dict[BlockID, int] = {}
        self._reported: set[int] = set()
        self.quorum: BlockID | None = None
        """The block, or nil, that 2f+1 endorse; None before."""

    def add(self, endorsement: Endorsement) -> Endorsement | None:
        """Count it; return the first of its validator if this one contradicts it for the first time."""
        index = endorsement.index
        first = self._first.get(index)
        if first is None:
            self._first[index] = endorsement
            self._power += self._validators[index].power
            self._count(endorsement)
            return None
        if first.block_id == endorsement.block_id:
            return None
        if self._has_one_correct_for(endorsement.block_id):
            self._count(endorsement)
        if index in self._reported:
            return None
        self._reported.add(index)
        return first

    def _count(self, endorsement: Endorsement) -> None:
        block_id, index = endorsement.block_id, endorsement.index
        if endorsement in self:
            return
        self._by_block.setdefault(block_id, {})[index] = endorsement
        power = self._power_of_block.get(block_id, 0) + self._validators[index].power
        self._power_of_block[block_id] = power
        if self.quorum is None and self._validators.has_quorum(power):
            self.quorum = block_id

    def _has_one_correct_for(self, block_id: BlockID) -> bool:
        return holds_one_correct(self._power_of_block.get(block_id, 0), self._validators)

    @property
    def has_quorum_of_any(self) -> bool:
        """2f+1 of any kind (L34, L47); a validator counts once."""
        return self._validators.has_quorum(self._power)

    def has_quorum_for(self, block_id: BlockID) -> bool:
        """2f+1 for this block (L28)."""
        return self._validators.has_quorum(self._power_of_block.get(block_id, 0))

    def of_block(self, block_id: BlockID) -> dict[int, Endorsement]:
        """Those that count for this block or nil, by index."""
        return dict(self._by_block.get(block_id, {}))

    def __contains__(self, endorsement: Endorsement) -> bool:
        """Whether this validator already counts for this block."""
        return endorsement.index in self._by_block.get(endorsement.block_id, ())

    def __iter__(self) -> Iterator[Endorsement]:
        """All that count, the conflicting ones included."""
        for of_block in self._by_block.values():
            yield from of_block.values()

    def bitmap(self) -> int:
        """Whose endorsement is held; bit i is validator i."""
        return sum(1 << index for index in self._first)

    def contested(self) -> Iterator[tuple[BlockID, int]]:
        """Blocks that f+1 but not 2f+1 endorse while someone endorsed another one, with their bitmaps.

        There a second, conflicting endorsement would complete a quorum that others have seen (K3).
        """
        for block_id, of_block in self._by_block.items():
            few = self._has_one_correct_for(block_id) and not self.has_quorum_for(block_id)
            if few and not block_id.is_nil and len(of_block) < len(self._first):
                yield block_id, sum(1 << index for index in of_block)


class Keeper:
    """All messages of one height that may still matter.

    Args:
        height: messages of another height are left out.
        validators: the set of this height; who is not in it at the claimed index is left out (ATK01, ATK07).
    """

    def __init__(self, height: Height, validators: ValidatorSet) -> None:
        self.height = height
        self.validators = validators
        self.round = Round(0)
        self.proposals: dict[Round, Proposal] = {}
        self.commit: tuple[Round, BlockID] | None = None
        """The first round with 2f+1 precommits for a block: the decision, once the block is here (L49)."""
        self._sets: dict[tuple[Round, Kind], EndorsementSet] = {}
        self._duplicates: set[Round] = set()
        self._latest: dict[int, Round] = {}
        self._valid_round = NO_ROUND

    def add_proposal(self, proposal: Proposal) -> Proposal | None:
        """Keep it; return the first of its round if this one differs from it for the first time."""
        round_ = proposal.round
        if not (proposal.height == self.height and NO_ROUND <= proposal.pol_round < round_ <= MAX_ROUND):
            return None
        if not proposal.block_id.is_complete:
            return None
        found = self.validators.by_address(self.validators.proposer(self.height, round_).address)
        assert found is not None
        self._heard(found[0], round_)
        if not self._keeps_proposal(round_):
            return None
        first = self.proposals.setdefault(round_, proposal)
        same = (first.block_id, first.pol_round) == (proposal.block_id, proposal.pol_round)
        if same or round_ in self._duplicates:
            return None
        self._duplicates.add(round_)
        return first

    def add_endorsement(self, endorsement: Endorsement) -> Endorsement | None:
        """Keep it; return the first of its validator if this one contradicts it for the first time."""
        round_, index = endorsement.round, endorsement.index
        if endorsement.height != self.height or not 0 <= round_ <= MAX_ROUND:
            return None
        if not 0 <= index < len(self.validators) or self.validators[index].address != endorsement.address:
            return None
        self._heard(index, round_)
        if not self.keeps(round_):
            return None
        held = self._sets.setdefault((round_, endorsement.kind), EndorsementSet(self.validators))
        first = held.add(endorsement)
        precommitted = held.quorum if endorsement.kind == Kind.PRECOMMIT else None
        if self.commit is None and precommitted is not None and not precommitted.is_nil:
            self.commit = (round_, precommitted)
        return first

    def has(self, endorsement: Endorsement) -> bool:
        """Whether there is nothing to learn from it, so that its signature need not be checked (S10, S20)."""
        index, round_ = endorsement.index, endorsement.round
        if not self.keeps(round_):
            return self._latest.get(index, NO_ROUND) >= round_
        held = self._sets.get((round_, endorsement.kind))
        return held is not None and endorsement in held

    def prevotes(self, round_: Round) -> EndorsementSet:
        """The prevotes of a round; an empty set where none are held."""
        return self._sets.get((round_, Kind.PREVOTE)) or EndorsementSet(self.validators)

    def precommits(self, round_: Round) -> EndorsementSet:
        """The precommits of a round; an empty set where none are held."""
        return self._sets.get((round_, Kind.PRECOMMIT)) or EndorsementSet(self.validators)

    def sets(self) -> Iterator[tuple[Round, Kind, EndorsementSet]]:
        """All sets held, latest round first; of a quorum that a proposal refers to also the empty one."""
        referred = {(proposal.pol_round, Kind.PREVOTE) for proposal in self.proposals.values()}
        for round_, kind in sorted(self._sets.keys() | referred, reverse=True):
            if round_ != NO_ROUND:
                yield round_, kind, self._sets.get((round_, kind)) or EndorsementSet(self.validators)

    def endorsements(self) -> Iterator[Endorsement]:
        """All prevotes and precommits held, latest round first."""
        for _, _, held in self.sets():
            yield from held

    def precommits_of_commit(self, round_: Round, block_id: BlockID) -> tuple[Endorsement, ...]:
        """What goes into a commit of this block (C51): at most one precommit per validator, by index.

        Those for the block, else those for nil; a precommit for another block is left out.
        """
        held = self.precommits(round_)
        chosen = held.of_block(NIL_BLOCK_ID) | held.of_block(block_id)
        return tuple(chosen[index] for index in sorted(chosen))

    def advance(self, round_: Round, valid_round: Round) -> None:
        """A later round begins: drop what only earlier ones needed."""
        self.round, self._valid_round = round_, valid_round
        self.proposals = {r: proposal for r, proposal in self.proposals.items() if self._keeps_proposal(r)}
        self._duplicates &= self.proposals.keys()
        self._sets = {key: held for key, held in self._sets.items() if self.keeps(key[0])}

    def heard_from_one_correct(self) -> bool:
        """Whether f+1 sent anything of this height (N2)."""
        return holds_one_correct(sum(self.validators[i].power for i in self._latest), self.validators)

    def later_round(self) -> Round | None:
        """The highest round above the present that f+1 reached or passed (L55).

        A correct validator never goes back, so who is in a later round counts for those before it.
        """
        power = 0
        later = [(round_, index) for index, round_ in self._latest.items() if round_ > self.round]
        for round_, index in sorted(later, reverse=True):
            power += self.validators[index].power
            if holds_one_correct(power, self.validators):
                return round_
        return None

    def _heard(self, index: int, round_: Round) -> None:
        self._latest[index] = max(round_, self._latest.get(index, round_))

    def _keeps_proposal(self, round_: Round) -> bool:
        """Near rounds, and those that made the valid block or the decision."""
        if self.round - MAX_ROUNDS_BEHIND <= round_ <= self.round + MAX_ROUNDS_AHEAD:
            return True
        return round_ == self._valid_round or (self.commit is not None and round_ == self.commit[0])

    def keeps(self, round_: Round) -> bool:
        """Whether the messages of a round are kept: as its proposal, or because a kept one refers to them (L28)."""
        return self._keeps_proposal(round_) or any(round_ == proposal.pol_round for proposal in self.proposals.values())
