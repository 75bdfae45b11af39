"""Agreement, one signature for each step, and one state: I1, I2 and I5, checked at every message and every block.

What is compared is read by `sim.reading` alone; no code of the consensus package or of the ledger's commits is used.
"""

from collections.abc import Collection

from mvchain.core.types import Hash, Height
from mvchain.ledger.genesis import Genesis
from mvchain.node.wire import CompactProposal, Endorsements, decode
from mvchain.sim.node import Node
from mvchain.sim.reading import NAMES, Signed, bad_commit, read_endorsement, read_proposal
from mvchain.sim.violation import Violation

_SIGNED_TYPES = (CompactProposal.TYPE, Endorsements.TYPE)


class Agreement:
    """I1: one block at each height, proved by distinct signers; and the commit that the next block carries as well.

    Args:
        faulty: addresses of the validators that may do anything; it may grow.
    """

    def __init__(self, genesis: Genesis, faulty: Collection[bytes] = ()) -> None:
        self._chain_id = genesis.chain_id
        self._keys = {bytes(validator.address): bytes(validator.public_key) for validator in genesis.validators()}
        self._faulty = faulty
        self.chain: list[tuple[bytes, bytes, tuple[bytes, ...]]] = [(b"", b"", ())]
        """By height: id, header and transactions of the block."""
        self._good: set[tuple[int, bytes]] = set()
        self._checked: dict[Node, int] = {}

    def on_send(self, node: Node, data: bytes) -> None:
        """Nothing to see."""

    def on_acknowledged(self, node: Node, tx_hash: Hash) -> None:
        """Nothing to see."""

    def on_arrive(self, node: Node, data: bytes) -> None:
        """Nothing to see."""

    def on_commit(self, node: Node) -> None:
        """Compare the new blocks of a node with those of the others."""
        if node.address in self._faulty:
            return
        first = min(self._checked.get(node, 0) + 1, node.height)
        for height in range(first, node.height + 1):
            self._check(node, height)
        self._checked[node] = node.height

    def _check(self, node: Node, height: int) -> None:
        stored = node.store.block(Height(height))
        if stored is None:
            raise Violation("I1", f"{node.name} has no block {height}")
        found = (stored.block_id, stored.header, stored.txs)
        if height == len(self.chain):
            self.chain.append(found)
        elif found != self.chain[height]:
            raise Violation("I1", f"fork: {node.name} has another block {height} than others")
        self._check_commit(node, height, stored.commit, stored.block_id)
        if height > 1:
            self._check_commit(node, height - 1, stored.last_commit, self.chain[height - 1][0])

    def _check_commit(self, node: Node, height: int, commit: bytes, block_id: bytes) -> None:
        if (height, commit) in self._good:
            return
        why = bad_commit(commit, self._keys, self._chain_id, height, block_id)
        if why is not None:
            raise Violation("I1", f"the commit of block {height} at {node.name} proves nothing: {why}")
        self._good.add((height, commit))


class OneSignature:
    """I2: whatever an honest node ever put on the wire, its restarts included, no honest key signed twice."""

    def __init__(self, genesis: Genesis, faulty: Collection[bytes] = ()) -> None:
        self._rotation = sorted(validator.address for validator in genesis.validators())
        self._faulty = faulty
        self._seen: set[bytes] = set()
        self.signed: dict[tuple[bytes, int, int, str], set[Signed]] = {}
        """By address, height, round and what it is."""

    def on_send(self, node: Node, data: bytes) -> None:
        """Read what is signed in a message; faulty nodes may send what nobody signed."""
        if node.address in self._faulty or data[0] not in _SIGNED_TYPES:
            return
        message = decode(data)
        if isinstance(message, Endorsements):
            for item in message.items:
                if item not in self._seen:
                    self._seen.add(item)
                    signed = read_endorsement(item)
                    self._add(signed.address, signed)
        elif isinstance(message, CompactProposal) and message.proposal not in self._seen:
            self._seen.add(message.proposal)
            proposal = read_proposal(message.proposal)
            turn = (proposal.height - 1 + proposal.round) % len(self._rotation)
            self._add(self._rotation[turn], proposal)

    def on_arrive(self, node: Node, data: bytes) -> None:
        """Nothing to see."""

    def on_commit(self, node: Node) -> None:
        """Nothing to see."""

    def on_acknowledged(self, node: Node, tx_hash: Hash) -> None:
        """Nothing to see."""

    def _add(self, address: bytes, signed: Signed) -> None:
        values = self.signed.setdefault((address, signed.height, signed.round, NAMES[signed.type]), set())
        values.add(signed)
        if len(values) > 1 and address not in self._faulty:
            what = f"{NAMES[signed.type]} of height {signed.height} round {signed.round}"
            raise Violation("I2", f"{address.hex()} signed two different values for the {what}")


class OneState:
    """I5: the same app hash after each height on all honest nodes."""

    def __init__(self, faulty: Collection[bytes] = ()) -> None:
        self._faulty = faulty
        self.app_hashes: dict[int, Hash] = {}

    def on_send(self, node: Node, data: bytes) -> None:
        """Nothing to see."""

    def on_acknowledged(self, node: Node, tx_hash: Hash) -> None:
        """Nothing to see."""

    def on_arrive(self, node: Node, data: bytes) -> None:
        """Nothing to see."""

    def on_commit(self, node: Node) -> None:
        """Compare the state of a node with that of the others."""
        height, app_hash = node.replica.tip.height, node.replica.state.app_hash
        if node.address in self._faulty:
            return
        if self.app_hashes.setdefault(height, app_hash) != app_hash:
            raise Violation("I5", f"{node.name} has another state after block {height} than others")
