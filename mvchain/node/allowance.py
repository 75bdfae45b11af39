"""What one peer may ask for in a time. Pure: the moment comes as a parameter."""

ANSWERS_PER_S = 150
"""What a peer may ask for: an honest one shows at most 20 statuses a second, and fetches 80 blocks while it is behind.
Small questions with long answers would else let one agency keep the others busy (I7)."""
ANSWERS_AT_ONCE = 300
BYTES_PER_ANSWER = 64 * 1024
"""Read from the disk for an answer, these count as one more: a full block takes 50 ms of the event loop. A connection
carries half of what this allows (`peer.PeerLimits`), so no honest peer notices it."""


class Allowance:
    """How much one peer may still ask for; fills up again with time. What is beyond it is not answered, nor blamed."""

    def __init__(self, moment_ms: int) -> None:
        self._left = float(ANSWERS_AT_ONCE)
        self._moment_ms = moment_ms

    def take(self, cost: float, moment_ms: int) -> bool:
        """Use up `cost`, if so much is left."""
        self._left = min(self._left + (moment_ms - self._moment_ms) * ANSWERS_PER_S / 1000, ANSWERS_AT_ONCE)
        self._moment_ms = moment_ms
        if self._left < cost:
            return False
        self._left -= cost
        return True

    def charge(self, read_bytes: int) -> None:
        """So much was read for an answer; what is owed then has to fill up again before the next one."""
        self._left -= read_bytes / BYTES_PER_ANSWER
