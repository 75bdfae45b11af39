"""The blocks of one node, executed by another."""

from mvchain.app import open_state
from mvchain.core.types import Height
from mvchain.ledger.mempool import Mempool
from mvchain.node.memory import MemoryDisk
from mvchain.node.ports import BlockStore, Ports
from mvchain.node.replica import Replica
from mvchain.node.wal import Log
from mvchain.sim.node import LOG, PlainChecker
from tests.node.cluster import Node


def replayed(node: Node, store: BlockStore, height: int = 0) -> Replica:
    """A replica on this store, which holds the state of `height`, after all blocks of the node above it."""
    genesis = node.replica.genesis
    state, tip = open_state(store, genesis)
    assert tip.height == height
    ports = Ports(store, Log(LOG, MemoryDisk()), (), PlainChecker(), node.now_ns)
    replica = Replica(genesis, state, tip, Mempool(), ports)
    replica.start()
    for above in range(height + 1, node.height + 1):
        found = node.dispatch.answers.block(Height(above))
        assert found is not None
        assert replica.receive_block(Height(above), *found)
        replica.take_outputs()
    return replica
