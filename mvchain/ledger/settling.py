"""What governance does to the state (ledger L4); `admission` has let the transactions through.

Approvals are counted at the end of a block, so no transaction sees a change of its own block: node and agency keys,
services and parameters are others from the next height on, the set of validators from the one after it (C73).
"""

from dataclasses import replace

from mvchain.core.errors import BadTransaction
from mvchain.core.limits import PROPOSAL_LIFE_MS
from mvchain.core.types import AgencyNumber, Height, ProposalNumber, TimeMs
from mvchain.ledger.draft import Draft
from mvchain.ledger.genesis import GenesisAgency
from mvchain.ledger.governance import agency_in_force, check_action, is_approved
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
from mvchain.ledger.records import Agency, Signer, Tenure
from mvchain.ledger.transactions import Role, Scope

VALIDATORS_DELAY = 2
"""Heights from the block that changes the set to the first that the new set signs (C73)."""
_NO_END = Height(0)


def propose(draft: Draft, agency: AgencyNumber, action: bytes) -> ProposalNumber:
    """Puts a proposal on record, which its agency agrees to; its number."""
    number = draft.next_proposal()
    expires_at_ms = TimeMs(draft.time_ms + PROPOSAL_LIFE_MS)
    draft.put_proposal(
        number, Proposal(agency, action, (agency,), draft.time_ms, expires_at_ms, ProposalState.OPEN, Height(0))
    )
    return number


def approve(draft: Draft, agency: AgencyNumber, number: ProposalNumber) -> None:
    """Adds the agency to those who agree."""
    proposal = draft.open_proposals[number]
    draft.put_proposal(number, replace(proposal, approvers=(*proposal.approvers, agency)))


def withdraw(draft: Draft, number: ProposalNumber) -> None:
    """Ends a proposal of one's own."""
    _end(draft, number, draft.open_proposals[number], ProposalState.WITHDRAWN)


def settle(draft: Draft) -> None:
    """The last step of governance in a block: what is approved and possible takes effect, what is old expires.

    One that is approved and not possible stays open: it takes effect in the first block in which it is, if it comes
    before its end. What has taken effect ends all that ask for the same, so that nothing happens twice.
    """
    executed: set[bytes] = set()
    for number, proposal in sorted(draft.open_proposals.items()):
        if draft.time_ms >= proposal.expires_at_ms:
            _end(draft, number, proposal, ProposalState.EXPIRED)
        elif proposal.action not in executed and is_approved(draft, proposal):
            action = decode_action(proposal.action)
            try:
                check_action(draft, action)
            except BadTransaction:
                continue
            _take_effect(draft, action)
            _end(draft, number, proposal, ProposalState.EXECUTED)
            executed.add(proposal.action)
    for number, proposal in sorted(draft.open_proposals.items()):
        if proposal.action in executed:
            _end(draft, number, proposal, ProposalState.OVERTAKEN)


def _end(draft: Draft, number: ProposalNumber, proposal: Proposal, state: ProposalState) -> None:
    draft.put_proposal(number, replace(proposal, state=state, ended_height=draft.height))


def _take_effect(draft: Draft, action: GovernanceAction) -> None:
    start = Height(draft.height + VALIDATORS_DELAY)
    match action:
        case AddAgency(entry=entry):
            draft.add_agency(_new_agency(entry, start))
        case RemoveAgency(agency=number):
            agency = agency_in_force(draft, number)
            draft.put_agency(replace(agency, tenures=_ended(agency, start)))
        case ReplaceKeys():
            _replace_keys(draft, action, start)
        case SetParams(params=params):
            draft.put_params(params)
        case SuspendService(key=key) | ResumeService(key=key):
            found = draft.signer(key)
            assert found is not None, key.hex()
            draft.put_signer(found[0].number, replace(found[1], suspended=isinstance(action, SuspendService)))


def _new_agency(entry: GenesisAgency, start: Height) -> Agency:
    return Agency(
        number=entry.number,
        name_ko=entry.name_ko,
        name_en=entry.name_en,
        tenures=(Tenure(entry.validator_key, start, _NO_END, proven=False),),
        node_keys=(entry.node_key,),
        approvals=entry.approvals,
        signers=(Signer(entry.agency_key, Role.AGENCY, Scope(0), 0, active=True, suspended=False),),
    )


def _ended(agency: Agency, end: Height) -> tuple[Tenure, ...]:
    return (*agency.tenures[:-1], replace(agency.tenures[-1], until_height=end))


def _replace_keys(draft: Draft, action: ReplaceKeys, start: Height) -> None:
    agency = agency_in_force(draft, action.agency)
    if action.validator_key is not None:
        new = Tenure(action.validator_key.public, start, _NO_END, proven=False)
        agency = replace(agency, tenures=(*_ended(agency, start), new))
    if action.node_key is not None:
        agency = replace(agency, node_keys=(*agency.node_keys, action.node_key.public))
    draft.put_agency(agency)
    if action.agency_key is not None:
        former = next(signer for signer in agency.signers if signer.key == agency.agency_key)
        draft.put_signer(agency.number, replace(former, active=False))
        key = action.agency_key.key
        draft.put_signer(agency.number, Signer(key, Role.AGENCY, Scope(0), 0, active=True, suspended=False))
