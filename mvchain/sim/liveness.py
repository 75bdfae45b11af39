"""I6: once faults have stopped, the chain goes on in bounded time."""

from typing import Final

from mvchain.core.types import Height
from mvchain.ledger.genesis import ConsensusParams
from mvchain.sim.cluster import Cluster
from mvchain.sim.node import Node
from mvchain.sim.reading import commit_round
from mvchain.sim.violation import Violation

HEIGHTS: Final = 5
"""To decide after faults have stopped (faults I6)."""
SLACK_MS: Final = 30_000
"""For rejoining, catching up and reconnecting."""


class Liveness:
    """The proof of life, from the moment it is made.

    Args:
        honest: who has to go on; all up, or about to boot.
        max_faulty: f.
    """

    def __init__(self, cluster: Cluster, honest: list[Node], max_faulty: int) -> None:
        self._cluster = cluster
        self._honest = honest
        self.height = max(node.height for node in honest)
        self._rounds = [node.replica.machine.round for node in honest if node.is_up and node.height == self.height]
        self._allowed = max(self._rounds, default=0) + 2 * (max_faulty + 1)

    def wait(self) -> None:
        """Let time pass until every honest node has five more blocks.

        Raises:
            Violation: it takes too many rounds, or too long.
        """
        limit_ms = SLACK_MS + HEIGHTS * _longest_ms(self._cluster.genesis.params, self._allowed)
        target = self.height + HEIGHTS
        try:
            self._cluster.reach(target, self._honest, limit_ms)
        except TimeoutError as late:
            where = ", ".join(_describe(node) for node in self._honest)
            raise Violation("I6", f"no {HEIGHTS} heights above {self.height} in {limit_ms} ms: {where}") from late
        round_ = commit_round(_commit_of(self._honest[0], self.height + 1))
        if round_ > self._allowed:
            raise Violation("I6", f"height {self.height + 1} took until round {round_}; allowed was {self._allowed}")


def _longest_ms(params: ConsensusParams, rounds: int) -> int:
    """What so many rounds take if each runs into all of its timeouts."""
    steps = 2 * (params.step_timeout_ms + rounds * params.step_timeout_delta_ms)
    return (rounds + 1) * (params.propose_timeout_ms + rounds * params.propose_timeout_delta_ms + steps)


def _commit_of(node: Node, height: int) -> bytes:
    commit = node.store.commit(Height(height))
    assert commit is not None
    return commit


def _describe(node: Node) -> str:
    if not node.is_up:
        return f"{node.name} down at {node.height}"
    machine = node.replica.machine
    return f"{node.name} at {node.height} round {machine.round} {machine.phase.name}"
