"""How a validator signs, and how what others sign is checked.

Signing: log synced, guard durable, message in the log, in this order (driver's duties 2 to 4)."""

import logging
from collections.abc import Callable

from mvchain.core import codes
from mvchain.core.errors import BadPeer
from mvchain.core.timestamps import NS_PER_MS
from mvchain.core.types import Address, Height, Round, TimeNs
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.endorsements import Endorsement, Kind, Proposal
from mvchain.ledger.validators import ValidatorSet
from mvchain.node.outputs import Record
from mvchain.node.ports import GuardRefusal, Log, SignGuard

logger = logging.getLogger(__name__)


class Signing:
    """The signing half of a replica; signs nothing before `begin`."""

    def __init__(self, guard: SignGuard | None, log: Log, now_ns: Callable[[], TimeNs]) -> None:
        self.address: Address | None = guard.address if guard else None
        self.silent_until = Height(0)
        """The last height at which nothing is signed (N4)."""
        self._guard = guard
        self._log = log
        self._now_ns = now_ns
        self._may_sign = False
        self._unsynced = False

    def begin(self, *, may_sign: bool, silent_until: Height) -> None:
        """Sign above this height from now on, if at all."""
        self._may_sign, self.silent_until = may_sign, silent_until

    def at(self, height: Height) -> SignGuard | None:
        """The guard, if this node signs at this height."""
        return self._guard if self._may_sign and height > self.silent_until else None

    def propose(
        self, height: Height, round_: Round, pol_round: Round, block: BlockID, time_ns: TimeNs
    ) -> Proposal | None:
        """A signed proposal of a block that is in the log; None if the guard refuses, as is usual in a replay."""
        guard = self.at(height)
        if guard is None:
            return None
        self._log.sync()
        try:
            proposal = guard.sign_proposal(height, round_, pol_round, block, time_ns)
        except GuardRefusal as refusal:
            logger.debug("%s", refusal)
            return None
        self._keep(Record.PROPOSAL, proposal.encode())
        return proposal

    def endorse(  # noqa: PLR0917 - in the order of C40
        self, kind: Kind, height: Height, round_: Round, block: BlockID, base_ns: TimeNs, index: int
    ) -> Endorsement | None:
        """A signed prevote or precommit; None if the guard refuses.

        Its time is now, but later than `base_ns`, the time of the block that is endorsed or, for nil, of the last
        one, so that block time grows strictly (C77).
        """
        guard = self.at(height)
        if guard is None:
            return None
        self._log.sync()
        time_ns = TimeNs(max(self._now_ns(), base_ns + NS_PER_MS))
        try:
            endorsement = guard.sign_endorsement(kind, height, round_, block, time_ns, index)
        except GuardRefusal as refusal:
            logger.debug("%s", refusal)
            return None
        self._keep(Record.ENDORSEMENT, endorsement.encode())
        return endorsement

    def settle(self) -> None:
        """Make sure that what was signed is in the log durably; comes before it is handed out (duty 4)."""
        if self._unsynced:
            self._log.sync()
            self._unsynced = False

    def _keep(self, kind: Record, payload: bytes) -> None:
        self._log.append(kind, payload)
        self._unsynced = True


def check_endorsement(endorsement: Endorsement, validators: ValidatorSet, chain_id: str) -> None:
    """The signer is the validator at that index, and signed it (C51, ATK01, ATK07).

    Raises:
        BadPeer: it is not, or did not.
    """
    index = endorsement.index
    known = index < len(validators) and validators[index].address == endorsement.address
    if not known or not endorsement.is_signed_by(validators[index].public_key, chain_id):
        raise BadPeer(codes.FORGED_SIGNATURE, what="a prevote or precommit", height=endorsement.height)
