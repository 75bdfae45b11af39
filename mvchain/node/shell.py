"""What the synchronous half of a node asks of the shell around it: the asyncio one, or the simulator. A port."""

from collections.abc import Callable, Sequence
from typing import Protocol

from mvchain.core.errors import BadPeer
from mvchain.core.types import Hash
from mvchain.node.message import Message


class Shell(Protocol):
    """Implemented by `node.runtime`, and by the nodes of `mvchain.sim`."""

    def send(self, peer: str, message: Message) -> bool:
        """Queue a message; False if the peer cannot take it now or is gone, and then it is not sent."""

    def close(self, peer: str, error: BadPeer) -> None:
        """End the connection for this reason; nothing if the peer is gone."""

    def call_later(self, delay_ms: int, action: Callable[[], None]) -> None:
        """Call back once, unless the node has ended."""

    def clock_ms(self) -> int:
        """Milliseconds of a clock that never goes back, for deadlines."""

    def has_room(self, peer: str, count: int) -> bool:
        """Whether so many more transactions of this peer may be judged now."""

    def judge(self, peer: str, raw: Sequence[bytes]) -> None:
        """Have transactions of a peer judged; `Dispatch.judged` is called with the verdicts, now or later."""

    def ended(self, tx_hash: Hash) -> None:
        """A transaction is committed or rejected: tell who waits for it."""

    def committed(self) -> None:
        """There is a new block: tell who waits for one."""
