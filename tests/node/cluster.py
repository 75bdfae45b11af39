"""The simulator's cluster with its checkers on from the start, and what tests do with single nodes of it."""

from collections.abc import Callable

from mvchain.core.errors import BadPeer
from mvchain.core.hashing import sha256
from mvchain.core.types import Height
from mvchain.ledger.blocks import Header
from mvchain.ledger.genesis import ConsensusParams
from mvchain.ledger.transactions import Transaction, decode_transaction
from mvchain.sim import cluster as sim
from mvchain.sim.checkers import Agreement, OneSignature, OneState
from mvchain.sim.checkers_ballots import Acknowledged
from mvchain.sim.checkers_evidence import Accountability
from mvchain.sim.election import DEFAULT_PARAMS, START_MS, Election, make_genesis
from mvchain.sim.node import GUARD, JOURNAL, LOG, Node
from mvchain.sim.reading import Signed

__all__ = [
    "GUARD",
    "JOURNAL",
    "LOG",
    "START_MS",
    "Cluster",
    "Election",
    "Node",
    "act",
    "chain_of",
    "ended",
    "grow",
    "guard_of",
    "header_of",
    "make_genesis",
    "put_guard",
    "signs_at",
    "transactions_of",
]


class Cluster(sim.Cluster):
    """A cluster that is watched; put the address of a node into `faulty` before it misbehaves."""

    def __init__(self, n: int, *, seed: int = 0, params: ConsensusParams = DEFAULT_PARAMS) -> None:
        super().__init__(n, seed=seed, params=params)
        self.faulty: set[bytes] = set()
        self._one_signature = OneSignature(self.genesis, self.faulty)
        self.watchers += [
            Agreement(self.genesis, self.faulty),
            self._one_signature,
            OneState(self.faulty),
            Accountability(self.genesis, self.faulty),
            Acknowledged(self.faulty),
        ]

    def closed(self, node: Node, peer: Node, error: BadPeer) -> None:
        """Blame the peer, and leave the connection as it is, so that a test can blame one twice."""
        peer.blamed.append(error)
        node.peers.add(peer.name)

    @property
    def signed(self) -> dict[tuple[bytes, int, int, str], set[Signed]]:
        """What honest nodes put on the wire, by validator, height, round and "proposal", "prevote" or "precommit"."""
        return self._one_signature.signed


def act(node: Node, action: Callable[[], None], source: Node | None = None) -> None:
    """Act on a node's replica as its dispatch does; a fault costs the source its connection."""
    node.guarded(lambda: node.dispatch._act(action, source.name if source else None))


def ended(node: Node) -> bool:
    """Whether everything this node has acknowledged is in a block or rejected (N6)."""
    return all(
        node.store.tx_location(tx_hash) is not None or node.dispatch.rejection(tx_hash) is not None
        for tx_hash in node.acknowledged
    )


def header_of(node: Node, height: int) -> Header:
    """The header of a committed block."""
    encoded = node.store.header(Height(height))
    assert encoded is not None
    return Header.decode(encoded)


def transactions_of(node: Node, height: int) -> list[Transaction]:
    """The transactions of a committed block."""
    block = node.store.block(Height(height))
    assert block is not None
    return [decode_transaction(raw) for raw in block.txs]


# --- chains that grow, and what an operator does to a disk ---


def chain_of(cluster: Cluster, height: int) -> Election:
    """A chain that grows whenever someone casts a ballot anew."""
    election = Election(cluster.genesis, 30)
    cluster.nodes[0].submit(*election.set_up)
    cluster.run(lambda: all(node.replica.state.poll(1) is not None for node in cluster.nodes if node.is_up))
    cluster.run_for(1_000)
    grow(cluster, election, height)
    return election


def grow(cluster: Cluster, election: Election, height: int) -> None:
    up = [node for node in cluster.nodes if node.is_up]
    for voter in range(30):
        raw = election.ballot(voter)
        if up[0].store.tx_location(sha256(raw)) is None and up[0].height < height:
            up[0].submit(raw)
            cluster.run(lambda raw=raw: all(node.store.tx_location(sha256(raw)) is not None for node in up))  # type: ignore[misc]
    cluster.reach(height, up)


def signs_at(cluster: Cluster, node: Node) -> set[int]:
    return {height for address, height, _, _ in cluster.signed if address == node.address}


def guard_of(node: Node) -> bytes:
    data = node.disk.read(GUARD)
    assert data is not None
    return data


def put_guard(node: Node, data: bytes | None) -> None:
    """As an operator who restores a backup: the guard file, and no log."""
    disk = node.disk
    for name in disk.names(LOG):
        disk.remove(LOG / name)
    disk.remove(GUARD)
    if data is not None:
        file = disk.create(GUARD)
        disk.write(file, data)
    disk.crash(lambda n: n)
