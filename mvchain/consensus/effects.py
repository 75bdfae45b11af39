"""What the machine asks its driver to do, in the order given. Effects are data."""

from dataclasses import dataclass
from enum import IntEnum

from mvchain.core.types import Round
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.endorsements import Endorsement, Proposal


class TimeoutKind(IntEnum):
    """The three timers of a round."""

    PROPOSE = 1
    """Armed when a round starts (L21), acts while no proposal was answered (L57)."""
    PREVOTE = 2
    """Armed at 2f+1 prevotes of any kind (L35), acts while no precommit was sent (L61)."""
    PRECOMMIT = 3
    """Armed at 2f+1 precommits of any kind (L48), ends the round (L65)."""


@dataclass(frozen=True, slots=True)
class RoundStarted:
    """A round began (L11). Blocks that `Machine.blocks` no longer names may be dropped."""

    round: Round


@dataclass(frozen=True, slots=True)
class MakeProposal:
    """Sign and send a proposal, and feed it back together with its `BlockReady` (L14–L19)."""

    round: Round
    block_id: BlockID | None
    """The valid block to propose again (L16), or None for a new one (L18)."""
    pol_round: Round
    """The round of the quorum of prevotes behind `block_id`; -1 for none (L19)."""


@dataclass(frozen=True, slots=True)
class Prevote:
    """Sign and send a prevote, and feed it back (L24, L26, L30, L32, L59)."""

    round: Round
    block_id: BlockID
    """`NIL_BLOCK_ID` for nil."""


@dataclass(frozen=True, slots=True)
class Precommit:
    """Sign and send a precommit, and feed it back (L40, L45, L63); the block is durable before (N5)."""

    round: Round
    block_id: BlockID
    """`NIL_BLOCK_ID` for nil."""


@dataclass(frozen=True, slots=True)
class ScheduleTimeout:
    """Feed back `TimeoutElapsed` after this time (L21, L35, L48); never cancelled, late ones do nothing."""

    kind: TimeoutKind
    round: Round
    duration_ms: int


@dataclass(frozen=True, slots=True)
class NeedBlock:
    """Fetch, complete and judge this block, then feed back `BlockReady` (N3). Once while needed."""

    block_id: BlockID


@dataclass(frozen=True, slots=True)
class Decide:
    """The block of this height is decided by the precommits of this round (L51). Comes once, and last."""

    round: Round
    block_id: BlockID


@dataclass(frozen=True, slots=True)
class Diverged:
    """In place of `Decide`: the others decided a block that is invalid here, so this node must stop.

    f+1 correct validators found it valid, and valid(v) is the same everywhere: either this node runs another
    version or its state is damaged, or more than f validators are faulty.
    """

    round: Round
    block_id: BlockID


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """One validator endorsed two blocks in one round and kind: evidence (C66). Once per round and kind."""

    first: Endorsement
    second: Endorsement


@dataclass(frozen=True, slots=True)
class DuplicateProposal:
    """The proposer of a round made two proposals; the first counts. Once per round; for the log only."""

    first: Proposal
    second: Proposal


Effect = (
    RoundStarted
    | MakeProposal
    | Prevote
    | Precommit
    | ScheduleTimeout
    | NeedBlock
    | Decide
    | Diverged
    | Misbehaviour
    | DuplicateProposal
)
