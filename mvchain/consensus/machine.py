"""The consensus of one height: Algorithm 1 of arXiv:1807.04938 as a pure state machine (N1).

`step(input)` records the input, then applies the first row of this table that holds, again and again until
none does. That fixes the order which the paper leaves open where several clauses hold: the same inputs give
the same effects, on every node and in every replay.

| row | phase      | when                                                     | then                | lines  |
|-----|------------|----------------------------------------------------------|---------------------|--------|
| 1   | PROPOSE on | 2f+1 precommits of any round for B; B ready              | decide B; the end   | 49-51  |
| 2   | WAIT       | valid proposal, or anything from f+1                     | round 0             | N2     |
| 3   | PROPOSE on | f+1 reached or passed a later round                      | that round          | 55-56  |
| 4   | PROPOSE    | proposal of B; B ready; 2f+1 prevotes of pol_round for B | prevote B or nil    | 22-33  |
| 5   | PREVOTE    | 2f+1 prevotes for B; B ready and valid; first time       | lock B, precommit B | 36-43  |
| 5   | PRECOMMIT  | the same                                                 | valid block is B    | 36, 42 |
| 6   | PREVOTE    | 2f+1 prevotes for nil                                    | precommit nil       | 44-46  |
| 7   | PREVOTE    | 2f+1 prevotes of any kind; first time                    | timer PREVOTE       | 34-35  |
| 8   | PROPOSE on | 2f+1 precommits of any kind; first time                  | timer PRECOMMIT     | 47-48  |

B is a block. Where no round is named it is the present one; "first time" is once a round. In row 4 a
pol_round of -1 asks for no prevotes. `Start`, `WorkWaiting` and timers that ran out (lines 57-67) act by
themselves. When the table has come to rest, the blocks that it waits for are asked for.

Not here: signatures, what makes a block valid, time, sending. What the driver owes the machine, and where
this differs from the paper (K1 to K9), is in ALGORITHM.md.
"""

from collections.abc import Callable
from enum import IntEnum

from mvchain.consensus.effects import (
    Decide,
    Diverged,
    DuplicateProposal,
    Effect,
    MakeProposal,
    Misbehaviour,
    NeedBlock,
    Precommit,
    Prevote,
    RoundStarted,
    ScheduleTimeout,
    TimeoutKind,
)
from mvchain.consensus.inputs import (
    BlockReady,
    EndorsementReceived,
    Input,
    ProposalReceived,
    Start,
    TimeoutElapsed,
    WorkWaiting,
)
from mvchain.consensus.keeper import Keeper
from mvchain.core.types import Address, Height, Round
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID
from mvchain.ledger.endorsements import NO_ROUND
from mvchain.ledger.genesis import ConsensusParams
from mvchain.ledger.validators import ValidatorSet


class Phase(IntEnum):
    """step_p of the paper, with what comes before and after."""

    IDLE = 0
    """Before `Start`."""
    WAIT = 1
    """Before round 0, until there is work (N2)."""
    PROPOSE = 2
    PREVOTE = 3
    PRECOMMIT = 4
    DECIDED = 5


class Machine:
    """One height of one node.

    Args:
        height: the height to decide.
        validators: its validator set.
        me: the own address; None, or one outside the set, only follows and is never asked to sign.
        params: the timeouts of genesis.
    """

    def __init__(self, height: Height, validators: ValidatorSet, me: Address | None, params: ConsensusParams) -> None:
        self.height = height
        self.validators = validators
        self.round = Round(0)
        self.phase = Phase.IDLE
        self.locked_block: BlockID | None = None
        self.locked_round = NO_ROUND
        self.valid_block: BlockID | None = None
        self.valid_round = NO_ROUND
        self._me = me if me is not None and validators.by_address(me) else None
        self._params = params
        self.keeper = Keeper(height, validators)
        """What is held, for gossip (`exchange`) and to build the commit; only `step` changes it."""
        self._ready: dict[BlockID, BlockReady] = {}
        self._asked: set[BlockID] = set()
        self._armed: set[TimeoutKind] = set()
        self._polka_seen = False
        self._effects: list[Effect] = []
        self._rows: tuple[Callable[[], bool], ...] = (
            self._decide,
            self._leave_waiting,
            self._skip_to_later_round,
            self._answer_proposal,
            self._accept_quorum_of_prevotes,
            self._follow_quorum_of_nil,
            self._arm_prevote_timer,
            self._arm_precommit_timer,
        )

    def step(self, event: Input) -> list[Effect]:
        """Take one input and return what is to be done, in order. Raises for nothing that a peer can send."""
        assert not self._effects, "step() is not re-entrant: feed results back after it returned"
        match event:
            case Start(wait=True) if self.phase is Phase.IDLE:
                self.phase = Phase.WAIT
            case Start() if self.phase is Phase.IDLE:
                self._start_round(Round(0))
            case WorkWaiting() if self.phase is Phase.WAIT:
                self._start_round(Round(0))
            case Start() | WorkWaiting():
                pass  # comes twice, or too late
            case ProposalReceived(proposal=proposal):
                earlier = self.keeper.add_proposal(proposal)
                if earlier is not None:
                    self._effects.append(DuplicateProposal(earlier, proposal))
            case BlockReady(block_id=block_id):
                self._ready.setdefault(block_id, event)
            case EndorsementReceived(endorsement=endorsement):
                contradicted = self.keeper.add_endorsement(endorsement)
                if contradicted is not None:
                    self._effects.append(Misbehaviour(contradicted, endorsement))
            case TimeoutElapsed(kind=kind, round=round_):
                self._timeout(kind, round_)
        while self.phase is not Phase.DECIDED and any(row() for row in self._rows):
            pass
        self._ask_for_blocks()
        effects, self._effects = self._effects, []
        return effects

    @property
    def blocks(self) -> frozenset[BlockID]:
        """Blocks that may still be proposed, locked or decided; the driver may drop all others."""
        proposed = [proposal.block_id for proposal in self.keeper.proposals.values()]
        named = (self.locked_block, self.valid_block, *proposed, *self._awaited())
        return frozenset(block_id for block_id in named if block_id is not None)

    # --- rounds and timers ---

    def _start_round(self, round_: Round) -> None:
        """L11-L21. The proposer arms the timer too (K1)."""
        self.round, self.phase = round_, Phase.PROPOSE
        self._armed.clear()
        self._polka_seen = False
        self.keeper.advance(round_, self.valid_round)
        blocks = self.blocks
        self._ready = {block_id: ready for block_id, ready in self._ready.items() if block_id in blocks}
        self._asked &= blocks
        self._effects.append(RoundStarted(round_))
        if self.validators.proposer(self.height, round_).address == self._me:
            self._effects.append(MakeProposal(round_, self.valid_block, self.valid_round))
        self._arm(TimeoutKind.PROPOSE)

    def _arm(self, kind: TimeoutKind) -> bool:
        """Once a round; each round waits longer, until the timers outlast the delays of the network."""
        if kind in self._armed:
            return False
        self._armed.add(kind)
        base_ms, delta_ms = self._params.step_timeout_ms, self._params.step_timeout_delta_ms
        if kind is TimeoutKind.PROPOSE:
            base_ms, delta_ms = self._params.propose_timeout_ms, self._params.propose_timeout_delta_ms
        self._effects.append(ScheduleTimeout(kind, self.round, base_ms + self.round * delta_ms))
        return True

    def _timeout(self, kind: TimeoutKind, round_: Round) -> None:
        if round_ != self.round:
            return
        if kind is TimeoutKind.PROPOSE and self.phase is Phase.PROPOSE:  # L57-L60
            self._prevote(NIL_BLOCK_ID)
        elif kind is TimeoutKind.PREVOTE and self.phase is Phase.PREVOTE:  # L61-L64
            self._precommit(NIL_BLOCK_ID)
        elif kind is TimeoutKind.PRECOMMIT and Phase.PROPOSE <= self.phase <= Phase.PRECOMMIT:  # L65-L67
            self._start_round(Round(self.round + 1))

    def _prevote(self, block_id: BlockID) -> None:
        self.phase = Phase.PREVOTE
        if self._me is not None:
            self._effects.append(Prevote(self.round, block_id))

    def _precommit(self, block_id: BlockID) -> None:
        self.phase = Phase.PRECOMMIT
        if self._me is not None:
            self._effects.append(Precommit(self.round, block_id))

    # --- the rows of the table: True if something changed ---

    def _decide(self) -> bool:
        """Row 1, L49-L51. Without the proposal: 2f+1 precommits prove that there was one (K2)."""
        if self.phase < Phase.PROPOSE or self.keeper.commit is None:
            return False
        round_, block_id = self.keeper.commit
        ready = self._ready.get(block_id)
        if ready is None:
            return False
        self.phase = Phase.DECIDED
        self._effects.append(Decide(round_, block_id) if ready.valid else Diverged(round_, block_id))
        return True

    def _leave_waiting(self) -> bool:
        """Row 2, N2."""
        if self.phase is not Phase.WAIT:
            return False
        proposal = self.keeper.proposals.get(Round(0))
        is_proposed = proposal is not None and self._is_valid(proposal.block_id)
        if not is_proposed and not self.keeper.heard_from_one_correct():
            return False
        self._start_round(Round(0))
        return True

    def _skip_to_later_round(self) -> bool:
        """Row 3, L55-L56."""
        later = self.keeper.later_round()
        if self.phase < Phase.PROPOSE or later is None:
            return False
        self._start_round(later)
        return True

    def _answer_proposal(self) -> bool:
        """Row 4, L22-L33. L22-L27 are L28-L33 with vr = -1: lockedRound <= -1 means there is no lock."""
        proposal = self.keeper.proposals.get(self.round)
        if self.phase is not Phase.PROPOSE or proposal is None:
            return False
        block_id, pol_round = proposal.block_id, proposal.pol_round
        ready = self._ready.get(block_id)
        if ready is None:
            return False
        is_new = pol_round == NO_ROUND
        if not is_new and not self.keeper.prevotes(pol_round).has_quorum_for(block_id):
            return False
        acceptable = ready.valid and (ready.timely or not is_new)  # K8: 2f+1 prevotes hold f+1 good clocks
        unlocked = self.locked_round <= pol_round or self.locked_block == block_id  # L23, L29
        self._prevote(block_id if acceptable and unlocked else NIL_BLOCK_ID)
        return True

    def _accept_quorum_of_prevotes(self) -> bool:
        """Row 5, L36-L43. Without the proposal, as in row 1 (K2)."""
        block_id = self.keeper.prevotes(self.round).quorum
        if self._polka_seen or self.phase < Phase.PREVOTE or block_id is None or not self._is_valid(block_id):
            return False
        self._polka_seen = True
        if self.phase is Phase.PREVOTE:
            self.locked_block, self.locked_round = block_id, self.round
            self._precommit(block_id)
        self.valid_block, self.valid_round = block_id, self.round
        return True

    def _follow_quorum_of_nil(self) -> bool:
        """Row 6, L44-L46."""
        if self.phase is not Phase.PREVOTE or self.keeper.prevotes(self.round).quorum != NIL_BLOCK_ID:
            return False
        self._precommit(NIL_BLOCK_ID)
        return True

    def _arm_prevote_timer(self) -> bool:
        """Row 7, L34-L35."""
        quorum = self.keeper.prevotes(self.round).has_quorum_of_any
        return self.phase is Phase.PREVOTE and quorum and self._arm(TimeoutKind.PREVOTE)

    def _arm_precommit_timer(self) -> bool:
        """Row 8, L47-L48."""
        quorum = self.keeper.precommits(self.round).has_quorum_of_any
        return self.phase >= Phase.PROPOSE and quorum and self._arm(TimeoutKind.PRECOMMIT)

    # --- blocks ---

    def _is_valid(self, block_id: BlockID) -> bool:
        ready = self._ready.get(block_id)
        return ready is not None and ready.valid

    def _awaited(self) -> list[BlockID]:
        """The blocks that rows 1, 4 and 5 speak of."""
        proposal, commit = self.keeper.proposals.get(self.round), self.keeper.commit
        named = (
            proposal.block_id if proposal is not None else None,
            self.keeper.prevotes(self.round).quorum,
            commit[1] if commit is not None else None,
        )
        return [block_id for block_id in named if block_id is not None and not block_id.is_nil]

    def _ask_for_blocks(self) -> None:
        """Once each. A proposal counts in its own round only, so nobody can make others fetch ahead (S9)."""
        if self.phase is Phase.DECIDED:
            return
        for block_id in self._awaited():
            if block_id not in self._ready and block_id not in self._asked:
                self._asked.add(block_id)
                self._effects.append(NeedBlock(block_id))
