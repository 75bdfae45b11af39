"""Who may do what on the chain: every kind of transaction by every kind of signer (faults ATK37, security H03)."""

from dataclasses import replace
from typing import Final

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadTransaction
from mvchain.core.types import AgencyNumber, PollNumber, ProposalNumber
from mvchain.ledger.proposals import RemoveAgency, encode_action
from mvchain.ledger.transactions import (
    Approve,
    Ballot,
    GovernanceApprove,
    GovernancePropose,
    GovernanceWithdraw,
    Kind,
    Payload,
    PollPause,
    PollResume,
    PollVoid,
    RollSeal,
    Transaction,
)
from tests.ledger.governance_helpers import Council
from tests.ledger.state_helpers import World, key_of, roll_root
from tests.ledger.test_admission import ADMITTED, GROWING, OPEN, _next, world

__all__ = ["world"]

SIGNERS: Final = {
    "agency key": "agency1",
    "agency key of another agency": "agency2",
    "operator": "op1a",
    "service for polls": "polls-only",
    "service for rolls": "rolls-only",
    "revoked operator": "gone",
    "operator of another agency": "op2a",
    "service of another agency": "service2",
    "validator key": "validator1",
    "node key": "node1",
    "voter": "voter",
    "stranger": "nobody",
}
ALLOWED: Final[dict[Kind, set[str]]] = {
    Kind.BALLOT: {"voter"},
    Kind.OPERATOR_REGISTER: {"agency key"},
    Kind.OPERATOR_REVOKE: {"agency key"},
    Kind.SERVICE_AUTHORISE: {"agency key", "operator"},
    Kind.SERVICE_REVOKE: {"agency key", "operator"},
    Kind.APPROVE: {"operator"},
    # An empty roll is the signer's own agency's, whichever it is.
    Kind.ROLL_CREATE: {"operator", "service for rolls", "operator of another agency", "service of another agency"},
    Kind.ROLL_APPEND: {"operator", "service for rolls"},
    Kind.ROLL_SEAL: {"operator", "service for rolls"},
    Kind.POLL_REGISTER: {"operator", "service for polls"},
    Kind.POLL_PAUSE: {"operator", "service for polls"},
    Kind.POLL_RESUME: {"operator", "service for polls"},
    Kind.POLL_EXTEND: {"operator", "service for polls"},
    Kind.POLL_CLOSE: {"operator", "service for polls"},
    Kind.POLL_VOID: {"operator", "service for polls"},
    Kind.GOVERNANCE_PROPOSE: {"agency key", "agency key of another agency"},
    # Whoever proposes has agreed by that.
    Kind.GOVERNANCE_APPROVE: {"agency key of another agency"},
    Kind.GOVERNANCE_WITHDRAW: {"agency key"},
}
"""From ledger L4 to L7. A kind that is not here fails below: say who may use it before anybody can."""


GOVERNING: Final = (Kind.GOVERNANCE_PROPOSE, Kind.GOVERNANCE_APPROVE, Kind.GOVERNANCE_WITHDRAW)


def example(world: World, kind: Kind) -> Payload:
    """A payload of this kind that somebody may post."""
    found = [tx.payload for make in ADMITTED if (tx := make(world)).payload.kind is kind]
    if found:
        return found[0]
    if kind is Kind.ROLL_SEAL:
        return RollSeal(1, GROWING, roll_root([(key_of("voter").tagged, 1)]), 1)
    assert kind is Kind.POLL_RESUME, f"{kind.name} has no example here"
    return PollResume(1, OPEN, "go on")


def refusal(world: World, payload: Payload, signer: str) -> BadTransaction | None:
    if isinstance(payload, Ballot):
        tx: Transaction = world.tx(payload, signer, world.poll(payload.poll).definition_hash)
    else:
        tx = world.tx(replace(payload, sequence=_next(world, signer)), signer)
    execution = world.execution()
    if payload.kind is Kind.POLL_RESUME:
        execution.apply(world.tx(PollPause(_next(world, "op1b"), PollNumber(OPEN), "a break"), "op1b"))
    try:
        execution.apply(tx)
    except BadTransaction as error:
        return error
    return None


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize(
    "kind", [kind for kind in Kind if kind not in {Kind.APPROVE, *GOVERNING}], ids=lambda kind: kind.name
)
def test_atk37_each_kind_of_transaction_by_each_kind_of_signer(world: World, kind: Kind, signer: str) -> None:
    """faults ATK37: a call that proposes validators was open to anybody; here every cell of the matrix is asserted."""
    payload = example(world, kind)
    assert (refusal(world, payload, SIGNERS[signer]) is None) == (signer in ALLOWED[kind])


@pytest.mark.parametrize("signer", SIGNERS)
def test_atk37_approving_by_each_kind_of_signer(signer: str) -> None:
    """faults ATK37: an approval counts from an operator of the agency that it is about."""
    world = World(agencies=2, approvals=2)
    world.staff(1)
    world.staff(2)
    roll = world.sealed_roll(["voter"])
    world.block(world.register(world.definition(roll, approvals=2)))
    wanted = world.tx(PollVoid(_next(world, "op1b"), PollNumber(1), "not needed"), "op1b")
    world.block(wanted)
    error = refusal(world, Approve(1, wanted.hash), SIGNERS[signer])
    assert (error is None) == (signer in ALLOWED[Kind.APPROVE])
    if signer == "operator of another agency":
        assert error is not None
        assert error.cause is codes.OTHER_AGENCY


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize("kind", GOVERNING, ids=lambda kind: kind.name)
def test_atk37_governing_by_each_kind_of_signer(kind: Kind, signer: str) -> None:
    """faults ATK37: this is the very call that was open: who belongs to the chain is for agency keys alone."""
    council = Council(5)
    council.staff(1)
    council.staff(2)
    action = RemoveAgency(AgencyNumber(4))
    council.height(council.proposing(1, action))
    payloads: dict[Kind, Payload] = {
        Kind.GOVERNANCE_PROPOSE: GovernancePropose(1, encode_action(RemoveAgency(AgencyNumber(5)))),
        Kind.GOVERNANCE_APPROVE: GovernanceApprove(1, ProposalNumber(1)),
        Kind.GOVERNANCE_WITHDRAW: GovernanceWithdraw(1, ProposalNumber(1)),
    }
    assert (refusal(council, payloads[kind], SIGNERS[signer]) is None) == (signer in ALLOWED[kind])


def test_atk37_every_kind_has_its_row() -> None:
    """faults ATK37: a kind of transaction that is added fails here until it is said who may use it."""
    assert set(ALLOWED) == set(Kind)
