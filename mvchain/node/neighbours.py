"""Which nodes may be connected, by the keys that the chain and the operator know (consensus N7)."""

from collections.abc import Iterable

from mvchain.core.types import Height, PublicKey
from mvchain.ledger.state import State


class Neighbours:
    """Of one node.

    Args:
        state: after the newest block, whichever that is.
        dialled: keys of the nodes that the operator has it connect to.
        observers: keys that may connect whatever the chain says.
    """

    def __init__(self, state: State, dialled: Iterable[PublicKey], observers: Iterable[PublicKey]) -> None:
        self._state = state
        self._observers = {key: f"observer {key.hex()[:8]}" for key in observers}
        self._dialled = {key: f"node {key.hex()[:8]}" for key in dialled}

    def name_of(self, key: PublicKey) -> str | None:
        """Of a node that may be connected, different for each; None for any other."""
        agency = self._state.agency_of_node(key)
        # One that was removed stays connected as long as it has something to sign.
        if agency is not None and (agency.in_force or agency.validator_at(Height(self._state.height + 1))):
            return f"{agency.number} {agency.name_en}"
        if key in self._observers or self._state.owner_of(key) is not None:
            return self._observers.get(key)
        # A node that is behind knows earlier keys alone: were all others replaced meanwhile, it could fetch no block.
        return self._dialled.get(key)

    def present(self, key: PublicKey) -> PublicKey:
        """The key that a node has now, by one that it has or had: dialling goes on when it is replaced."""
        number = self._state.owner_of(key)
        return key if number is None else self._state.agency(number).node_key
