"""I7: what a node holds and writes stays bounded, whatever is sent to it."""

from typing import Final

from mvchain.core.limits import MAX_PENDING_EVIDENCE, MAX_POOL_TRANSACTIONS
from mvchain.core.types import Hash
from mvchain.sim.node import Node
from mvchain.sim.violation import Violation

MAX_DISK_BYTES: Final = 4 << 20
"""Log, journal and guard of a run of a few heights."""
MAX_CANDIDATES: Final = 64


class Bounded:
    """Looks at each node whenever it has a new block."""

    def on_send(self, node: Node, data: bytes) -> None:
        """Nothing to see."""

    def on_acknowledged(self, node: Node, tx_hash: Hash) -> None:
        """Nothing to see."""

    def on_arrive(self, node: Node, data: bytes) -> None:
        """Nothing to see."""

    def on_commit(self, node: Node) -> None:
        """Compare what it holds with the caps."""
        replica = node.replica
        for what, size, limit in (
            ("bytes of log, journal and guard", node.disk.total_bytes, MAX_DISK_BYTES),
            ("transactions that wait", len(replica.mempool), MAX_POOL_TRANSACTIONS),
            ("blocks", len(replica.blocks.candidates), MAX_CANDIDATES),
            ("pieces of evidence", len(replica.watch.pending), len(node.cluster.nodes) * MAX_PENDING_EVIDENCE),
        ):
            if size > limit:
                raise Violation("I7", f"{node.name} holds {size} {what}; the cap is {limit}")
