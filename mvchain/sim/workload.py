"""The clients of a run: they set up a poll, cast ballots anew and anew, and send again what is not acknowledged."""

from random import Random
from typing import Final

from mvchain.core.hashing import sha256
from mvchain.ledger.records import PollState
from mvchain.sim.cluster import Cluster
from mvchain.sim.election import OPTIONS, Election
from mvchain.sim.node import Node

VOTERS: Final = 8
PAUSE_MS: Final = 300
"""Between two acts of the clients, on average."""
AT_ONCE: Final = 8
"""Transactions of one submission."""


class Workload:
    """Submits through any node that is up, the same bytes until they are in a block there."""

    def __init__(self, cluster: Cluster, random: Random) -> None:
        self._cluster = cluster
        self._random = random
        self.election = Election(cluster.genesis, VOTERS)
        self._revisions = [0] * VOTERS
        self._waiting: list[bytes] = list(self.election.set_up)
        self._closing = False

    def start(self) -> None:
        """Begin, and go on for ever."""
        self._cluster.after(self._random.randrange(PAUSE_MS), self._act)

    def close_poll(self) -> None:
        """From now on nobody casts; the operator closes the poll."""
        self._closing = True
        self._waiting.append(self.election.close)

    def is_final(self, node: Node) -> bool:
        """Whether a node has the tally."""
        poll = node.replica.state.poll(self.election.POLL)
        return poll is not None and poll.state is PollState.FINAL

    def _act(self) -> None:
        self._cluster.after(PAUSE_MS // 2 + self._random.randrange(PAUSE_MS), self._act)
        up = [node for node in self._cluster.nodes if node.is_up]
        if not up:
            return
        node = self._random.choice(up)
        self._waiting = [raw for raw in self._waiting if not _is_committed(node, raw)]
        if self._waiting:
            node.submit(*self._waiting[:AT_ONCE])
        if not self._closing and not self._waiting:
            self._waiting.append(self._ballot())

    def _ballot(self) -> bytes:
        voter = self._random.randrange(VOTERS)
        revision = self._revisions[voter]
        self._revisions[voter] += 1
        return self.election.ballot(voter, self._random.randrange(OPTIONS), revision)


def _is_committed(node: Node, raw: bytes) -> bool:
    return node.store.tx_location(sha256(raw)) is not None
