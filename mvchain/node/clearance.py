"""Whether this node's validator key may sign, asked of the peers first (N4).

It is asked when the node starts, and when another of its keys comes into the set while it runs. What the answers come
to is in `node.rejoin`; here is which key is meant, when there are answers enough, and what follows. Until then a node
that starts takes blocks of others alone, and one that runs takes part without signing.
"""

import logging
from collections.abc import Callable

from mvchain.core.types import Address, Height
from mvchain.node.answers import Answers
from mvchain.node.ports import position_of
from mvchain.node.rejoin import SILENT_HEIGHTS, Rejoin
from mvchain.node.replica import Replica
from mvchain.node.wire import AskOwn, OwnMessages

logger = logging.getLogger(__name__)


class Clearance:
    """Of one node.

    Args:
        distance: how many heights a correct validator is ahead of this node at least.
        vouched: the operator vouches that no other copy of the validator key has signed.
    """

    def __init__(self, replica: Replica, answers: Answers, distance: Callable[[], int], *, vouched: bool) -> None:
        self._replica = replica
        self._answers = answers
        self._distance = distance
        self._vouched = vouched
        self._rejoin = self._new_rejoin()

    @property
    def question(self) -> AskOwn | None:
        """What every peer is to be asked; None if nothing is open."""
        return AskOwn(self._rejoin.me) if self._rejoin else None

    def answered(self, validator: Address, answer: OwnMessages) -> None:
        """One validator's node told what it holds of ours.

        Raises:
            BadProof: a message is malformed.
        """
        if self._rejoin is not None:
            self._rejoin.answer(validator, answer.proposals, answer.endorsements)

    def set_changed(self) -> bool:
        """After a block: whether another key is in the set now, or none. One that came in asks before it signs."""
        signing = self._replica.signing
        me = signing.address if signing.is_unasked else None
        if me == (self._rejoin.me if self._rejoin else None):
            return False
        self._rejoin = self._new_rejoin()
        self._vouched = False  # the operator spoke of the key that was in the set at the start
        if self._rejoin is not None:
            logger.info("this validator's key is in the set from height %d on", self._replica.machine.height)
        return True

    def proceed(self) -> None:
        """Let the key sign, and the node take part, if enough is known by now or nothing has to be."""
        if self._rejoin is not None and not self._conclude(self._rejoin):
            return
        self._rejoin = None
        if not self._replica.started:
            self._replica.start()

    def _conclude(self, rejoin: Rejoin) -> bool:
        """Begin to sign, or to be silent; False if that cannot be said yet."""
        replica, signing = self._replica, self._replica.signing
        height, distance = replica.machine.height, self._distance()
        # What others say of this key's messages goes back some heights: a node that is further behind fetches first.
        verdict = rejoin.verdict(height, replica.state.validators) if distance < SILENT_HEIGHTS else None
        if verdict is None:
            return False
        silent_until = verdict.silent_until
        if silent_until and self._vouched:
            silent_until = Height(0)
            if verdict.beyond is not None:
                signing.adopt(verdict.beyond)  # it signed that: no other copy has
        elif silent_until:
            logger.warning(
                "the sign guard is missing, or older than the %s; this validator signs nothing up to height %d. "
                "If no other copy of its key has signed, start it with --vouch-no-other-copy-signed.",
                "chain" if verdict.beyond is None else position_of(verdict.beyond),
                silent_until,
            )
        signing.begin(silent_until=silent_until, decided_until=Height(height + distance - 1))
        return True

    def _new_rejoin(self) -> Rejoin | None:
        """For the key in the set; None if there is none, or it signs already."""
        replica, guard = self._replica, self._replica.signing.guard
        if guard is None or not replica.signing.is_unasked:
            return None
        found = replica.state.validators.by_address(guard.address)
        assert found is not None, guard.address.hex()
        return Rejoin(
            key=found[1].public_key,
            chain_id=replica.genesis.chain_id,
            guard=guard.position,
            committed=self._answers.committed(guard.address),
        )
