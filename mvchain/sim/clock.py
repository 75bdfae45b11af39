"""Virtual time: what is due is done in order of time, and in the order it was asked for at the same time (SIM1)."""

from collections.abc import Callable
from heapq import heappop, heappush


class Clock:
    """Milliseconds since the start of a run, and what is due later."""

    def __init__(self) -> None:
        self.now_ms = 0
        self._queue: list[tuple[int, int, Callable[[], object]]] = []
        self._count = 0

    def after(self, delay_ms: int, action: Callable[[], object]) -> None:
        """Do this `delay_ms` from now."""
        self._count += 1
        heappush(self._queue, (self.now_ms + delay_ms, self._count, action))

    def clear(self) -> None:
        """Forget all that is due."""
        self._queue.clear()

    def run(self, until: Callable[[], bool], limit_ms: int) -> None:
        """Let time pass until the condition holds.

        Raises:
            TimeoutError: it does not within `limit_ms`.
        """
        end_ms = self.now_ms + limit_ms
        while not until():
            if not self._queue:
                raise TimeoutError("nothing will ever happen")
            if self._queue[0][0] > end_ms:
                self.now_ms = end_ms
                raise TimeoutError(f"not within {limit_ms} ms")
            self.now_ms, _, action = heappop(self._queue)
            action()
