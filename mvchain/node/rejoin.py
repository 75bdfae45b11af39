"""Whether a validator may sign after a start (N4). Pure.

It asks for every message of its own that peers hold. With an intact guard and nothing of its own beyond it, it signs
at once, so that an ordinary restart and a power cut of all agencies heal by themselves. If something lies beyond the
guard, the disk was rolled back; if there is no guard, the key was restored or moved: then it stays silent for
`SILENT_HEIGHTS` more heights, unless its operator vouches that no other copy of the key has signed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mvchain.core.keys import Purpose, verify
from mvchain.core.types import Address, Height, PublicKey
from mvchain.ledger.endorsements import Endorsement, Proposal
from mvchain.ledger.validators import ValidatorSet, address_of
from mvchain.node.ports import Position, position_of

SILENT_HEIGHTS = 10
"""Heights a validator watches without signing after its guard was lost or rolled back (faults LIM26, ATK19)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the answers came to."""

    silent_until: Height
    """Sign nothing up to this height; 0 for sign at once."""
    beyond: Proposal | Endorsement | None
    """The last of the own messages that lie beyond the guard, if there are any."""


class Rejoin:
    """Gathers answers about one validator key until those who answered form a quorum together with it."""

    def __init__(
        self,
        *,
        key: PublicKey,
        chain_id: str,
        guard: Position | None,
        committed: Iterable[Endorsement],
    ) -> None:
        self.me = address_of(key)
        self._key = key
        self._chain_id = chain_id
        self._guard = guard
        self._answered = {self.me}
        self._latest: Proposal | Endorsement | None = None
        for endorsement in committed:
            self._see(endorsement)

    def answer(self, validator: Address, proposals: Iterable[bytes], endorsements: Iterable[bytes]) -> None:
        """Take what one validator's node holds of ours; unsigned or foreign messages are no reason to be silent.

        Raises:
            BadProof: a message is malformed.
        """
        key = self._key
        for item in proposals:
            proposal = Proposal.decode(item)
            if verify(Purpose.CONSENSUS, key, proposal.sign_bytes(self._chain_id), proposal.signature):
                self._see(proposal)
        for item in endorsements:
            endorsement = Endorsement.decode(item)
            if verify(Purpose.CONSENSUS, key, endorsement.sign_bytes(self._chain_id), endorsement.signature):
                self._see(endorsement)
        self._answered.add(validator)

    def verdict(self, next_height: Height, validators: ValidatorSet) -> Verdict | None:
        """What to do, once enough have answered; None until then.

        Args:
            next_height: the height this node decides now; it may have fetched blocks since it asked.
            validators: those of that height.
        """
        power = sum(validator.power for validator in validators if validator.address in self._answered)
        if not validators.has_quorum(power):
            return None
        if self._guard is not None and (self._latest is None or position_of(self._latest) <= self._guard):
            return Verdict(Height(0), None)
        reached = max(next_height, self._latest.height if self._latest else 0)
        return Verdict(Height(reached + SILENT_HEIGHTS - 1), self._latest)

    def _see(self, message: Proposal | Endorsement) -> None:
        if self._latest is None or position_of(message) > position_of(self._latest):
            self._latest = message
