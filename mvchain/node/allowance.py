"""What one peer may ask for in a time. Pure: the moment comes as a parameter."""

ANSWERS_PER_S = 150
"""What a peer may ask for: an honest one shows at most 20 statuses a second, and fetches 80 blocks while it is behind.
Small questions with long answers would else let one agency keep the others busy (I7)."""
ANSWERS_AT_ONCE = 300


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
