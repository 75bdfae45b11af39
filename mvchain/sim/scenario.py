"""What one run is made of, worked out from its seed."""

from dataclasses import dataclass
from random import Random
from typing import Final

REAL_EVERY: Final = 20
"""One seed of so many runs on real Ed25519 (SIM7)."""
MIN_HEIGHTS: Final = 6


@dataclass(frozen=True, slots=True)
class Scenario:
    """A run that anybody can repeat."""

    seed: int
    nodes: int
    heights: int
    """Faults go on up to five below it; the last five are the proof of life (I6)."""
    kinds: tuple[str, ...]
    """Of faults, see `sim.faults.KINDS`; each draws from numbers of its own, so that leaving one out leaves the
    others as they are."""
    real_signatures: bool = False
    beyond: int = 0
    """How many validators more than f may be faulty: for positive controls (SIM3)."""

    @property
    def max_faulty(self) -> int:
        """f: how many validators may be faulty (faults section 0)."""
        return (self.nodes - 1) // 3

    def random(self, purpose: str) -> Random:
        """The numbers of one purpose."""
        return Random(f"{self.seed} {purpose}")

    @property
    def command(self) -> str:
        """The line that repeats it."""
        kinds = ",".join(self.kinds) or "none"
        return f"scripts/simulate --seed {self.seed} --nodes {self.nodes} --heights {self.heights} --faults {kinds}" + (
            " --ed25519" if self.real_signatures else ""
        )


def scenario_of(seed: int, nodes: int, heights: int, kinds: dict[str, float]) -> Scenario:
    """The scenario of a seed.

    Args:
        kinds: the kinds of faults there are, each with the share of runs that has it.
    """
    random = Random(f"{seed} kinds")
    chosen = tuple(kind for kind, share in kinds.items() if random.random() < share)
    return Scenario(seed, nodes, heights, chosen, real_signatures=seed % REAL_EVERY == 0)
