"""The network between simulated nodes: it delays, reorders, loses and repeats messages, and splits (S1, S2, S20)."""

from random import Random


class Network:
    """Decides what becomes of a message; nodes are told apart by their `id`."""

    def __init__(self, random: Random) -> None:
        self.loss = 0.0
        self.repeats = 0.0
        self.replays = 0.0
        """How often an old message arrives once more (S20)."""
        self.min_delay_ms = 1
        self.delay_ms = 3
        """Up to this; messages overtake each other."""
        self.cut: set[tuple[int, int]] = set()
        """Ways on which nothing passes, as (from, to)."""
        self.slow = 0
        """The node whose messages take `slow_ms` longer."""
        self.slow_ms = 0
        self._random = random

    def delays_ms(self, source: int, to: int) -> list[int]:
        """When a message arrives: never, once or twice."""
        if self.cut and (source, to) in self.cut:
            return []
        random = self._random
        if self.loss and random.random() < self.loss:
            return []
        span = self.delay_ms - self.min_delay_ms + 1
        first = self.min_delay_ms + int(random.random() * span)
        if source == self.slow:
            first += self.slow_ms
        if self.repeats and random.random() < self.repeats:
            return [first, self.min_delay_ms + int(random.random() * span)]
        return [first]

    def heal(self) -> None:
        """From now on all arrives, soon and once."""
        self.loss = self.repeats = self.replays = 0.0
        self.min_delay_ms, self.delay_ms = 1, 20
        self.slow = 0
        self.cut.clear()


def halves(left: set[int], right: set[int], *, one_way: bool = False) -> set[tuple[int, int]]:
    """The ways to cut between two groups; from left to right alone, if one-way."""
    there = {(a, b) for a in left for b in right}
    return there if one_way else there | {(b, a) for a, b in there}


def ring(numbers: list[int]) -> set[tuple[int, int]]:
    """The ways to cut so that each reaches its two neighbours only."""
    n = len(numbers)
    near = {(numbers[i], numbers[(i + step) % n]) for i in range(n) for step in (-1, 1)}
    return {(a, b) for a in numbers for b in numbers if a != b} - near
