"""What the replica hands to the shell, and the kinds of records in its log."""

from dataclasses import dataclass
from enum import IntEnum

from mvchain.consensus.effects import TimeoutKind
from mvchain.core.errors import BadTransaction
from mvchain.core.types import Hash, Height, Round
from mvchain.node.message import Message


class Record(IntEnum):
    """Kinds of log records; the payloads are the encodings named behind each."""

    START = 1  # one byte: whether the machine waits for work first
    WORK = 2  # nothing
    PROPOSAL = 3  # Proposal (C48)
    BLOCK = 4  # Block (C57)
    OWN_BLOCK = 5  # round as 4 bytes, Block
    ENDORSEMENT = 6  # Endorsement (C46)
    TIMEOUT = 7  # kind and round, 1 and 4 bytes


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Send to every peer."""

    message: Message


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Call `timer_fired` with these after `delay_ms`; forget it when the height has passed."""

    kind: TimeoutKind
    height: Height
    round: Round
    delay_ms: int


@dataclass(frozen=True, slots=True)
class FetchTransactions:
    """Ask `peer`, then others, for transactions of a proposed block (N3)."""

    peer: str
    hashes: tuple[Hash, ...]


@dataclass(frozen=True, slots=True)
class Committed:
    """A block is durable. `rejected` were acknowledged once and can no longer be accepted (N6)."""

    height: Height
    tx_hashes: tuple[Hash, ...]
    rejected: tuple[tuple[Hash, BadTransaction], ...]


Output = Broadcast | StartTimer | FetchTransactions | Committed
