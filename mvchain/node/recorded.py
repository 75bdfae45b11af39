"""The records of the log, and what the machine learns from each when the log is replayed (consensus N5)."""

from collections.abc import Iterable
from enum import IntEnum

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


class Record(IntEnum):
    """Kinds of log records; the payloads are the encodings named behind each."""

    START = 1  # one byte: whether the machine waits for work first
    WORK = 2  # nothing
    PROPOSAL = 3  # Proposal (C48)
    BLOCK = 4  # Block (C57)
    OWN_BLOCK = 5  # round as 4 bytes, Block
    ENDORSEMENT = 6  # Endorsement (C46)
    TIMEOUT = 7  # kind and round, 1 and 4 bytes


def own_block(round_: Round, encoded: bytes) -> bytes:
    """The payload for a block of this node's own making."""
    return round_.to_bytes(4, "big") + encoded


def timeout(kind: TimeoutKind, round_: Round) -> bytes:
    """The payload for a timer that ran out."""
    return bytes((kind,)) + round_.to_bytes(4, "big")


def own_blocks(records: Iterable[tuple[int, bytes]]) -> dict[Round, bytes]:
    """The encoded blocks of this node's own making, by round."""
    payloads = (payload for kind, payload in records if kind == Record.OWN_BLOCK)
    return {Round(int.from_bytes(payload[:4], "big")): payload[4:] for payload in payloads}


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
