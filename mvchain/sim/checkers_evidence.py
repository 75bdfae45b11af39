"""Accountability: I8, checked at every block, and at every message that arrives."""

from collections.abc import Collection
from dataclasses import dataclass, field

from mvchain.core.types import Hash, Height
from mvchain.ledger.genesis import Genesis
from mvchain.node.wire import Endorsements, decode
from mvchain.sim.node import Node
from mvchain.sim.reading import (
    Accusation,
    Signed,
    bad_accusation,
    is_well_formed,
    read_accusations,
    read_endorsement,
    signature_holds,
)
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

    def on_arrive(self, node: Node, data: bytes) -> None:
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


class Witnesses:
    """I8, the other way round: of every double signing that an honest node heard, a block holds the evidence.

    Heard is what arrives at a node in the round it is in; due it is once that node, without a crash in between, has
    decided the height.

    Args:
        accountability: knows what blocks hold.
        faulty: addresses of the validators that may do anything; it may grow.
    """

    def __init__(self, genesis: Genesis, accountability: Accountability, faulty: Collection[bytes]) -> None:
        self._chain_id = genesis.chain_id
        self._keys = {bytes(validator.address): bytes(validator.public_key) for validator in genesis.validators()}
        self._indexes = {address: index for index, address in enumerate(sorted(self._keys))}
        self._accountability = accountability
        self._faulty = faulty
        self._heard: dict[str, _Heard] = {}
        self._read: dict[bytes, list[Signed]] = {}
        self._due: set[Accusation] = set()

    def on_send(self, node: Node, data: bytes) -> None:
        """Nothing to see."""

    def on_acknowledged(self, node: Node, tx_hash: Hash) -> None:
        """Nothing to see."""

    def on_arrive(self, node: Node, data: bytes) -> None:
        """Read what faulty validators have signed, as far as the node reads it."""
        if node.address in self._faulty or data[0] != Endorsements.TYPE:
            return
        if data not in self._read:
            self._read[data] = self._readable(data)
        for signed in self._read[data]:
            if signed.address in self._faulty:
                self._hear(node, signed)

    def _readable(self, data: bytes) -> list[Signed]:
        """The messages of a batch up to the first that a node drops its sender for."""
        message = decode(data)
        assert isinstance(message, Endorsements)
        found = []
        for item in message.items:
            try:
                signed = read_endorsement(item)
            except ValueError:
                break
            key, index = self._keys.get(signed.address), self._indexes.get(signed.address, -1)
            if key is None or not is_well_formed(item, index) or not signature_holds(item, key, self._chain_id):
                break
            found.append(signed)
        return found

    def _hear(self, node: Node, signed: Signed) -> None:
        machine = node.replica.machine
        if not node.replica.started or (signed.height, signed.round) != (machine.height, machine.round):
            return
        heard = self._heard.get(node.name)
        if heard is None or (heard.incarnation, heard.height) != (node.incarnation, machine.height):
            heard = self._heard[node.name] = _Heard(node.incarnation, machine.height)
        said = Accusation(signed.address, signed.type, signed.height, signed.round)
        if heard.first.setdefault(said, signed.block_id) != signed.block_id:
            heard.twice.add(said)

    def on_commit(self, node: Node) -> None:
        """What a node heard twice at the height that it has decided is due."""
        heard = self._heard.pop(node.name, None)
        decided = heard is not None and (heard.incarnation, heard.height) == (node.incarnation, node.height)
        if heard is not None and decided and node.address not in self._faulty:
            self._due |= heard.twice

    def missing(self) -> set[Accusation]:
        """What was heard and no block holds yet."""
        return self._due - self._accountability.convicted.keys()


@dataclass(slots=True)
class _Heard:
    """By one node, since one start, at one height."""

    incarnation: int
    height: int
    first: dict[Accusation, bytes] = field(default_factory=dict)
    twice: set[Accusation] = field(default_factory=set)
