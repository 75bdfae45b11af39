"""How a validator signs, and how what others sign is checked.

Signing: log synced, guard durable, message in the log, in this order (`node.replica`, duties 2 to 4). A node may hold
several validator keys, each with a guard of its own: while its agency's key is replaced, it signs with the one that is
in the set of the height (ledger L4).
"""

import logging
from collections.abc import Callable, Iterable

from mvchain.core import codes
from mvchain.core.errors import BadPeer
from mvchain.core.timestamps import NS_PER_MS
from mvchain.core.types import Address, Height, Round, TimeNs
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import Commit
from mvchain.ledger.commits import precommits_of
from mvchain.ledger.endorsements import Endorsement, Kind, Proposal
from mvchain.ledger.records import Agency
from mvchain.ledger.validators import ValidatorSet, address_of
from mvchain.node.ports import GuardRefusal, Log, SignGuard, position_of
from mvchain.node.recorded import Record
from mvchain.node.rejoin import SILENT_HEIGHTS

logger = logging.getLogger(__name__)


class Signing:
    """The signing half of a replica; no key signs before `begin`, and none once it was used elsewhere (R8).

    A message of the own key that comes from outside was signed by another copy of the key if it lies beyond the guard,
    or beside it. What lies before the guard proves nothing: this node may have signed it. While the node is silent
    since its guard was lost, what it signed earlier may still go round, and it is of heights up to the one that was
    being decided then.
    """

    def __init__(self, guards: Iterable[SignGuard], log: Log, now_ns: Callable[[], TimeNs]) -> None:
        self._guards = {guard.address: guard for guard in guards}
        self.guard: SignGuard | None = None
        """Of the key that is in the set of the height being decided."""
        self._index = 0
        """Of that key in the set."""
        self._height = Height(0)
        self._has_begun = False
        """Whether it is settled from when on that key signs."""
        self._silent_until = Height(0)
        """The last height at which nothing is signed (N4)."""
        self._decided_until = Height(0)
        self._own_until = Height(0)
        """The last height of which own messages may go round that the guard does not know."""
        self._log = log
        self._now_ns = now_ns
        self._unsynced = False

    @property
    def address(self) -> Address | None:
        """Of this node's validator at the height being decided; None if it has none."""
        return self.guard.address if self.guard else None

    @property
    def is_unasked(self) -> bool:
        """Whether the present key has not been let sign yet: the peers must be asked first (N4)."""
        return self.guard is not None and not self._has_begun

    @property
    def used_twice(self) -> str:
        """What another copy of the present key has signed; "" for nothing (R8)."""
        return self.guard.used_twice if self.guard else ""

    @property
    def active(self) -> SignGuard | None:
        """The guard, if this node signs at this height."""
        signs = self._has_begun and self._height > max(self._silent_until, self._decided_until)
        return self.guard if signs and not self.used_twice else None

    def is_own(self, agency: Agency) -> bool:
        """Whether this node has a validator key of that agency."""
        return any(address_of(tenure.validator_key) in self._guards for tenure in agency.tenures)

    def state(self) -> tuple[bool, str]:
        """Whether this node signs at this height, and what it waits for; for people."""
        if self.guard is None:
            return False, "this node is an observer"
        if self.guard.used_twice:
            return False, str(GuardRefusal(codes.KEY_USED_TWICE, what=self.guard.used_twice))
        if not self._has_begun:
            return False, "asks the other agencies for its own earlier messages"
        if self._height <= self._silent_until:
            return False, f"silent up to height {self._silent_until}: its sign guard was lost or rolled back"
        if self._height <= self._decided_until:
            return False, f"silent up to height {self._decided_until}: the other agencies have decided it"
        return True, "signs as a validator"

    def enter(self, height: Height, validators: ValidatorSet) -> None:
        """A height begins that this set decides; a key that comes into the set must `begin` first."""
        before, self.guard = self.guard, None
        self._height = height
        for guard in self._guards.values():
            found = validators.by_address(guard.address)
            if found is not None:
                self.guard, self._index = guard, found[0]
        if self.guard is not before:
            self._has_begun = False
            self._silent_until = self._decided_until = self._own_until = Height(0)

    def begin(self, *, silent_until: Height, decided_until: Height) -> None:
        """The present key signs from now on.

        Args:
            silent_until: nothing up to this height: the guard was lost or rolled back (N4); 0 for none.
            decided_until: nothing up to this height either: others have decided it, so this node may have signed it.
        """
        self._has_begun = True
        self._silent_until, self._decided_until = silent_until, decided_until
        self._own_until = Height(max(silent_until - SILENT_HEIGHTS + 1, 0))
        if self.guard is not None and self.guard.position is not None:
            height = self.guard.position.height
            log_height, records = self._log.records()
            had = self.guard.log_records  # 0 where the operator vouches for more than this disk knows
            if had and (height > log_height or (height == log_height and had > len(records))):
                # With a part of the log the lock may be gone, and then signing could help two blocks (S16, L36).
                self._silent_until = max(self._silent_until, Height(height))

    def block_fetched(self, commit: Commit) -> None:
        """A block was decided without this node: its commit may hold a precommit of the own key (R8)."""
        height = commit.height
        if height <= self._silent_until:
            # What counts as watching is that heights are decided here: blocks of the past show nothing (N4).
            self._silent_until = max(self._silent_until, Height(height + SILENT_HEIGHTS))
            self._own_until = max(self._own_until, Height(height + 1))
        for precommit in precommits_of(commit):
            self.notice(precommit.address, precommit)

    def is_foreign(self, signer: Address, message: Proposal | Endorsement) -> bool:
        """Whether another copy of the own key signed this, if `signer` did."""
        if self.guard is None or signer != self.guard.address or not self._has_begun:
            return False
        position, stands = position_of(message), self.guard.position
        if position.height <= self._own_until:
            return False
        if stands is None:
            return self._silent_until > 0  # else the operator vouches, and what goes round is of earlier
        return position > stands or (position == stands and message.signature != self.guard.signature)

    def notice(self, signer: Address, message: Proposal | Endorsement) -> None:
        """Somebody else has this message of `signer`, whose signature holds; if it is foreign, give up signing."""
        if self.is_foreign(signer, message):
            self._give_up(message)

    def contradicted(self, second: Endorsement) -> None:
        """`second` and another message, signed by the same validator, contradict each other."""
        if second.address == self.address:
            self._give_up(second)

    def _give_up(self, message: Proposal | Endorsement) -> None:
        if self.guard is not None and not self.guard.used_twice:
            self.guard.give_up(position_of(message))
            logger.error("%s", GuardRefusal(codes.KEY_USED_TWICE, what=self.guard.used_twice))

    def adopt(self, message: Proposal | Endorsement) -> None:
        """Stand where this earlier message of the own key stands, of which the guard does not know."""
        if self.guard is not None:
            self.guard.adopt(message)

    def propose(self, round_: Round, pol_round: Round, block: BlockID, time_ns: TimeNs) -> Proposal | None:
        """A signed proposal of a block that is in the log; None if the guard refuses, as is usual in a replay."""
        guard = self.active
        if guard is None:
            return None
        self._log.sync()
        try:
            proposal = guard.sign_proposal(self._height, round_, pol_round, block, time_ns, self._log.count)
        except GuardRefusal as refusal:
            logger.debug("%s", refusal)
            return None
        self._keep(Record.PROPOSAL, proposal.encode())
        return proposal

    def endorse(self, kind: Kind, round_: Round, block: BlockID, base_ns: TimeNs) -> Endorsement | None:
        """A signed prevote or precommit; None if the guard refuses.

        Its time is now, but later than `base_ns`, the time of the block that is endorsed or, for nil, of the last
        one, so that block time grows strictly (C77).
        """
        guard = self.active
        if guard is None:
            return None
        self._log.sync()
        time_ns = TimeNs(max(self._now_ns(), base_ns + NS_PER_MS))
        try:
            endorsement = guard.sign_endorsement(
                kind, self._height, round_, block, time_ns, self._index, self._log.count
            )
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
