"""I5: a node that executes all blocks from genesis comes to the same state."""

from collections.abc import Mapping

from mvchain.app import open_state
from mvchain.core.types import Hash, Height
from mvchain.ledger.mempool import Mempool
from mvchain.node.answers import Answers
from mvchain.node.memory import MemoryDisk, MemoryStore
from mvchain.node.ports import Ports
from mvchain.node.replica import Replica
from mvchain.node.wal import Log
from mvchain.sim.node import LOG, Node, PlainChecker
from mvchain.sim.violation import Violation


def check_replay(node: Node, app_hashes: Mapping[int, Hash]) -> None:
    """Feed the blocks of a node to an empty observer, and compare the states by height."""
    disk = MemoryDisk()
    store = MemoryStore(disk)
    state, tip = open_state(store, node.cluster.genesis)
    ports = Ports(store, Log(LOG, disk), (), PlainChecker(), node.now_ns)
    observer = Replica(node.cluster.genesis, state, tip, Mempool(), ports)
    answers = Answers(node.replica)
    for height in range(1, node.height + 1):
        found = answers.block(Height(height))
        assert found is not None
        observer.receive_block(Height(height), *found)
        if observer.state.app_hash != app_hashes.get(height, observer.state.app_hash):
            raise Violation("I5", f"replayed from genesis, the state after block {height} is another one")
