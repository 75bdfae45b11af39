"""What the machine learns from a record of the log (consensus N5)."""

from mvchain.consensus.effects import TimeoutKind
from mvchain.consensus.inputs import (
    EndorsementReceived,
    Input,
    ProposalReceived,
    Start,
    TimeoutElapsed,
    WorkWaiting,
)
from mvchain.core.types import Round
from mvchain.ledger.endorsements import Endorsement, Proposal
from mvchain.node.gathering import Gathering
from mvchain.node.outputs import Record


def recorded(kind: int, payload: bytes, blocks: Gathering, now_ms: int) -> Input:
    """The input that was recorded; its proposal or block is known to `blocks` from then on.

    Raises:
        BrokenStorage: a block cannot be executed any more.
    """
    match kind:
        case Record.START:
            return Start(wait=bool(payload[0]))
        case Record.WORK:
            return WorkWaiting()
        case Record.PROPOSAL:
            proposal = Proposal.decode(payload)
            blocks.note(proposal)
            return ProposalReceived(proposal)
        case Record.BLOCK:
            return blocks.ready(blocks.restore(payload).block_id, now_ms)
        case Record.OWN_BLOCK:
            return blocks.ready(blocks.restore(payload[4:]).block_id, now_ms)
        case Record.ENDORSEMENT:
            return EndorsementReceived(Endorsement.decode(payload))
        case _:
            assert kind == Record.TIMEOUT, f"the log has a record of kind {kind}"
            return TimeoutElapsed(TimeoutKind(payload[0]), Round(int.from_bytes(payload[1:], "big")))
