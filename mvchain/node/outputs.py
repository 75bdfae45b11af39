"""What the replica hands to whoever drives it (`node.dispatch`)."""

from dataclasses import dataclass

from mvchain.consensus.effects import TimeoutKind
from mvchain.core.errors import BadTransaction
from mvchain.core.types import Hash, Height, Round
from mvchain.node.message import Message


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
