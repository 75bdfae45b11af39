"""Proposals of governance, as the API shows them: what they would do, who agreed, what is missing (ledger L4)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mvchain.core.errors import BadTransaction
from mvchain.core.types import AgencyNumber, Height, ProposalNumber
from mvchain.ledger.genesis import entry_to_json
from mvchain.ledger.governance import check_action, in_force, quorum_of
from mvchain.ledger.proposals import (
    AddAgency,
    GovernanceAction,
    Proposal,
    ProposalState,
    RemoveAgency,
    ReplaceKeys,
    ResumeService,
    SetParams,
    SuspendService,
    decode_action,
)
from mvchain.ledger.settling import VALIDATORS_DELAY
from mvchain.ledger.state import State


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A proposal as the ledger has it after the newest block."""

    number: ProposalNumber
    record: Proposal
    action: GovernanceAction
    agreed: tuple[AgencyNumber, ...]
    """Agencies in force that agree, ascending; of one that has ended, all that did."""
    missing: tuple[AgencyNumber, ...]
    """Agencies in force that do not, ascending; none once it has ended."""
    needs: int
    """How many of them must agree; 0 once it has ended."""
    obstacle: BadTransaction | None
    """Why it could not take effect as things stand."""

    @property
    def validators_from(self) -> Height | None:
        """The first height with the validators that it made; None unless it was executed and changed them."""
        action = self.action
        changes = isinstance(action, AddAgency | RemoveAgency) or (
            isinstance(action, ReplaceKeys) and action.validator_key is not None
        )
        executed = self.record.state is ProposalState.EXECUTED
        return Height(self.record.ended_height + VALIDATORS_DELAY) if executed and changes else None


def view_proposal(state: State, number: ProposalNumber) -> ProposalView | None:
    """None if there is none of this number."""
    record = state.proposal(number)
    if record is None:
        return None
    action = decode_action(record.action)
    if record.state is not ProposalState.OPEN:
        return ProposalView(number, record, action, tuple(sorted(record.approvers)), (), 0, None)
    present = {agency.number for agency in in_force(state.agencies)}
    agreed = present.intersection(record.approvers)
    return ProposalView(
        number,
        record,
        action,
        tuple(sorted(agreed)),
        tuple(sorted(present - agreed)),
        quorum_of(len(present)),
        _obstacle(state, action),
    )


def _obstacle(state: State, action: GovernanceAction) -> BadTransaction | None:
    try:
        check_action(state, action)
    except BadTransaction as error:
        return error
    return None


def action_to_json(action: GovernanceAction) -> Mapping[str, Any]:
    """What a proposal would do."""
    kind = {"kind": action.kind.name.lower()}
    match action:
        case AddAgency(entry=entry):
            return {**kind, "entry": entry_to_json(entry)}
        case RemoveAgency(agency=agency):
            return {**kind, "agency": agency}
        case ReplaceKeys():
            new = {name: getattr(action, name) for name in ("agency_key", "validator_key", "node_key")}
            keys = {name: None if key is None else key.key.hex() for name, key in new.items()}
            return {**kind, "agency": action.agency, **keys}
        case SetParams(params=params):
            return {**kind, "params": asdict(params)}
        case SuspendService(key=key) | ResumeService(key=key):
            return {**kind, "key": key.hex()}
