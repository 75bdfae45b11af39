"""What the machine is told. Everything that comes from outside was checked before: form, height and signature
by the caller; what is late or of no use is no error and changes nothing.
"""

from dataclasses import dataclass

from mvchain.consensus.effects import TimeoutKind
from mvchain.core.types import Round
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.endorsements import Endorsement, Proposal


@dataclass(frozen=True, slots=True)
class Start:
    """Begin this height (L10), once; whatever came before it was kept."""

    wait: bool
    """Whether to wait before round 0 until there is work (N2)."""


@dataclass(frozen=True, slots=True)
class WorkWaiting:
    """There is something to put into a block, or the heartbeat is due (N2)."""


@dataclass(frozen=True, slots=True)
class ProposalReceived:
    """A proposal of this height, signed by the proposer of its round; the own one too."""

    proposal: Proposal


@dataclass(frozen=True, slots=True)
class BlockReady:
    """A block is complete, stored and executed on trial; only now can a proposal of it be answered (A4)."""

    block_id: BlockID
    valid: bool
    """valid(v) of the paper: a function of the chain and the block, so the same on every correct node."""
    timely: bool = True
    """False if its time is ahead of the own clock (C78), or its evidence is of a height whose block is not here:
    then it gets a nil prevote here, and nothing else follows, since a wrong own clock, or a late start, must not
    keep a node from what the others decide (faults S18)."""


@dataclass(frozen=True, slots=True)
class EndorsementReceived:
    """A prevote or precommit of this height with a valid signature; the own ones too."""

    endorsement: Endorsement


@dataclass(frozen=True, slots=True)
class TimeoutElapsed:
    """A timer that `ScheduleTimeout` asked for ran out."""

    kind: TimeoutKind
    round: Round


Input = Start | WorkWaiting | ProposalReceived | BlockReady | EndorsementReceived | TimeoutElapsed
