"""Accountability: I8, checked at every block."""

from collections.abc import Collection

from mvchain.core.types import Hash, Height
from mvchain.ledger.genesis import Genesis
from mvchain.sim.node import Node
from mvchain.sim.reading import Accusation, bad_accusation, read_accusations
from mvchain.sim.violation import Violation


class Accountability:
    """I8: evidence in blocks names faulty validators alone, proves what it says, and says it once.

    Args:
        faulty: addresses of the validators that may do anything; it may grow.
    """

    def __init__(self, genesis: Genesis, faulty: Collection[bytes]) -> None:
        self._chain_id = genesis.chain_id
        self._keys = {bytes(validator.address): bytes(validator.public_key) for validator in genesis.validators()}
        self._faulty = faulty
        self._checked: dict[Node, int] = {}
        self.convicted: dict[Accusation, int] = {}
        """What was proved, and the height of the block that holds it."""

    def on_send(self, node: Node, data: bytes) -> None:
        """Nothing to see."""

    def on_acknowledged(self, node: Node, tx_hash: Hash) -> None:
        """Nothing to see."""

    def on_commit(self, node: Node) -> None:
        """Look at the evidence in the new blocks of a node."""
        if node.address in self._faulty:
            return
        for height in range(self._checked.get(node, 0) + 1, node.height + 1):
            for said, pair in read_accusations(node.store.evidence(Height(height)) or b""):
                self._check(said, pair, height)
        self._checked[node] = node.height

    def _check(self, said: Accusation, pair: tuple[bytes, bytes], height: int) -> None:
        what = f"the evidence against {said.address.hex()} in block {height}"
        if said.address not in self._faulty:
            raise Violation("I8", f"{what} names an honest validator")
        why = bad_accusation(said, pair, self._keys[said.address], self._chain_id)
        if why is not None:
            raise Violation("I8", f"{what} proves nothing: {why}")
        if not said.height < height == self.convicted.setdefault(said, height):
            raise Violation("I8", f"{what} is there twice, or too early")
