"""When a block is made (consensus N2)."""

from collections.abc import Callable

from mvchain.core.timestamps import NS_PER_MS
from mvchain.core.types import TimeNs
from mvchain.ledger.mempool import Mempool
from mvchain.ledger.state import State
from mvchain.node.candidates import Tip


class Pace:
    """Of one node, by its own clock."""

    def __init__(self, now_ns: Callable[[], TimeNs]) -> None:
        self._now_ns = now_ns
        self._opened_ms = 0

    def now_ms(self) -> int:
        """The time."""
        return self._now_ns() // NS_PER_MS

    def open_height(self) -> None:
        """A height begins now."""
        self._opened_ms = self.now_ms()

    def has_work(self, state: State, tip: Tip, mempool: Mempool) -> bool:
        """Whether to make a block now: work waits, something falls due, or it is time for a heartbeat."""
        now_ms = self.now_ms()
        pause_ms = state.params.min_block_interval_ms if tip.height else 0
        if 0 <= now_ms - self._opened_ms < pause_ms:  # less than 0: the clock was set back
            return False
        if tip.changed_state or state.counting or mempool.has_ready():
            return True
        heartbeat_ms = tip.time_ns // NS_PER_MS + state.params.heartbeat_ms
        due_ms = state.next_due_ms()
        return now_ms >= (heartbeat_ms if due_ms is None else min(due_ms, heartbeat_ms))
