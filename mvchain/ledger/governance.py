"""Governance: what the agencies may decide together, and when it is decided (ledger L4, faults S22).

Rules over the state alone; `mvchain.ledger.settling` carries out what they allow. A set of validators is judged by
arithmetic before it is made: it has four members or more, since fewer bear no fault, and those of its members that
have signed a block and go on with the same key are a quorum of it, so that it lives even if every new key is dead.
Each change is judged against the set to which all changes before it lead, so any number of them may follow on one
another, in one block or in several.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BadTransaction
from mvchain.core.limits import (
    MAX_AGENCIES,
    MAX_OPEN_PROPOSALS,
    MAX_SIGNERS_PER_AGENCY,
    MAX_TENURES,
    MAX_VALIDATORS,
    MIN_GOVERNED_VALIDATORS,
)
from mvchain.core.types import AgencyNumber, Hash, ProposalNumber, PublicKey, TaggedKey, TimeMs
from mvchain.ledger.genesis import ConsensusParams, GenesisAgency, params_faults, verify_entry
from mvchain.ledger.proposals import (
    AddAgency,
    GovernanceAction,
    NewKey,
    Proposal,
    ProposalState,
    RemoveAgency,
    ReplaceKeys,
    ResumeService,
    SetParams,
    SuspendService,
    decode_action,
)
from mvchain.ledger.records import Agency, Signer
from mvchain.ledger.registration import verify_registration
from mvchain.ledger.transactions import Role


class View(Protocol):
    """What the rules read: the committed state, or the draft of a block being executed."""

    @property
    def genesis_hash(self) -> Hash:
        """Of the genesis document: what proofs of keys are bound to."""

    @property
    def chain_name(self) -> str:
        """What the proofs of an entry are bound to, as in genesis (KEY09)."""

    @property
    def params(self) -> ConsensusParams:
        """Consensus parameters in force."""

    @property
    def time_ms(self) -> TimeMs:
        """Block time: of the last block in the state, of its own in a draft."""

    @property
    def agencies(self) -> Sequence[Agency]:
        """All agencies that ever were, by number."""

    @property
    def open_proposals(self) -> Mapping[ProposalNumber, Proposal]:
        """Those that wait for approvals."""

    def proposal(self, number: ProposalNumber) -> Proposal | None:
        """The record of a proposal."""

    def signer(self, key: TaggedKey) -> tuple[Agency, Signer] | None:
        """Who acts with this key, revoked or not; None for a stranger."""

    def owner_of(self, key: PublicKey) -> AgencyNumber | None:
        """The agency of which this key is or was a validator's, a node's or a signer's."""


def quorum_of(count: int) -> int:
    """The least number that is more than two thirds of `count`, in integers (N1)."""
    return 2 * count // 3 + 1


def in_force(agencies: Iterable[Agency]) -> list[Agency]:
    """Those that have not been removed."""
    return [agency for agency in agencies if agency.in_force]


def approvals(view: View, proposal: Proposal) -> tuple[int, int]:
    """How many agencies in force agree to a proposal, and how many must."""
    present = {agency.number for agency in in_force(view.agencies)}
    return len(present.intersection(proposal.approvers)), quorum_of(len(present))


def is_approved(view: View, proposal: Proposal) -> bool:
    """Whether more than two thirds of the agencies in force agree; those that left do not count."""
    have, need = approvals(view, proposal)
    return have >= need


# --- what may be proposed, approved, withdrawn ---


def check_proposal(view: View, agency: Agency, action_bytes: bytes) -> None:
    """Raise BadTransaction unless the agency may propose this action now."""
    action = decode_action(action_bytes)
    own = {number: proposal for number, proposal in view.open_proposals.items() if proposal.agency == agency.number}
    for number, proposal in own.items():
        # One of another agency is no hindrance: that agency could withdraw it, again and again, before it is approved.
        if proposal.action == action_bytes:
            raise BadTransaction(codes.PROPOSED_ALREADY, proposal=number)
    if len(own) >= MAX_OPEN_PROPOSALS:
        raise BadTransaction(codes.TOO_MANY_PROPOSALS, agency=agency.number, limit=MAX_OPEN_PROPOSALS)
    check_action(view, action)


def check_approval(view: View, agency: Agency, number: ProposalNumber) -> None:
    """Raise BadTransaction unless the agency may agree to the proposal; what could not take effect now, nobody may."""
    proposal = _open(view, number)
    if agency.number in proposal.approvers:
        raise BadTransaction(codes.PROPOSAL_APPROVED_ALREADY, proposal=number, agency=agency.number)
    check_action(view, decode_action(proposal.action))


def check_withdrawal(view: View, agency: Agency, number: ProposalNumber) -> None:
    """Raise BadTransaction unless the agency made the proposal, and it is open."""
    proposal = _open(view, number)
    if proposal.agency != agency.number:
        raise BadTransaction(codes.OTHER_AGENCY, what=f"Proposal {number}", owner=proposal.agency, agency=agency.number)


def _open(view: View, number: ProposalNumber) -> Proposal:
    proposal = view.proposal(number)
    if proposal is None:
        raise BadTransaction(codes.NO_SUCH_PROPOSAL, proposal=number)
    state = proposal.state
    if state is ProposalState.OPEN and view.time_ms >= proposal.expires_at_ms:
        state = ProposalState.EXPIRED
    if state is not ProposalState.OPEN:
        raise BadTransaction(codes.PROPOSAL_ENDED, proposal=number, state=state.name.lower())
    return proposal


# --- what can take effect ---


def check_action(view: View, action: GovernanceAction) -> None:
    """Raise BadTransaction, with the arithmetic, unless the action can take effect in this state."""
    match action:
        case AddAgency(entry=entry):
            _check_addition(view, entry)
        case RemoveAgency(agency=number):
            leaving = agency_in_force(view, number)
            _check_set([agency for agency in in_force(view.agencies) if agency is not leaving], 0)
        case ReplaceKeys():
            _check_replacement(view, action)
        case SetParams(params=params):
            _check_params(view, params)
        case SuspendService(key=key) | ResumeService(key=key):
            _check_service(view, key, suspended=isinstance(action, ResumeService))


def agency_in_force(view: View, number: AgencyNumber) -> Agency:
    """The agency with this number; raises BadTransaction if there is none or it was removed."""
    agencies = view.agencies
    if number > len(agencies):
        raise BadTransaction(codes.AGENCY_UNKNOWN, agency=number)
    agency = agencies[number - 1]
    if not agency.in_force:
        raise BadTransaction(codes.AGENCY_REMOVED, agency=number)
    return agency


def _check_set(staying: Sequence[Agency], new_keys: int) -> None:
    """Of agencies that go on with their validator key, and so many new keys."""
    size = len(staying) + new_keys
    if size < MIN_GOVERNED_VALIDATORS:
        raise BadTransaction(codes.TOO_FEW_AGENCIES, size=size, least=MIN_GOVERNED_VALIDATORS)
    if size > MAX_VALIDATORS:
        raise BadTransaction(codes.TOO_MANY_AGENCIES, size=size, limit=MAX_VALIDATORS)
    proven = sum(agency.tenures[-1].proven for agency in staying)
    needs = quorum_of(size)
    if proven < needs:
        raise BadTransaction(codes.SET_NOT_ALIVE, size=size, needs=needs, proven=proven)


def _check_addition(view: View, entry: GenesisAgency) -> None:
    expected = len(view.agencies) + 1
    if expected > MAX_AGENCIES:
        raise BadTransaction(codes.TOO_MANY_AGENCIES, size=expected, limit=MAX_AGENCIES)
    if entry.number != expected:
        raise BadTransaction(codes.WRONG_AGENCY_NUMBER, number=entry.number, expected=expected)
    _check_set(in_force(view.agencies), 1)
    _check_unused(view, [PublicKey(key) for key in entry.keys_by_role().values()])
    try:
        verify_entry(view.chain_name, entry)
    except BadConfiguration as fault:
        raise BadTransaction(codes.BAD_ENTRY, number=entry.number, why=fault.detail) from None


def _check_replacement(view: View, action: ReplaceKeys) -> None:
    agency = agency_in_force(view, action.agency)
    if action.validator_key is not None:
        _check_set([other for other in in_force(view.agencies) if other is not agency], 1)
    new_keys = new_keys_of(action)
    had = {Role.VALIDATOR: len(agency.tenures), Role.NODE: len(agency.node_keys)}
    if any(had.get(role, 0) >= MAX_TENURES for role in new_keys):
        raise BadTransaction(codes.TOO_MANY_REPLACED, agency=agency.number, limit=MAX_TENURES)
    if Role.AGENCY in new_keys and len(agency.signers) >= MAX_SIGNERS_PER_AGENCY:
        raise BadTransaction(codes.TOO_MANY_SIGNERS, limit=MAX_SIGNERS_PER_AGENCY)
    _check_unused(view, [new.public for new in new_keys.values()])
    for role, new in new_keys.items():
        if not verify_registration(new.key, new.proof, view.genesis_hash, agency.number, role):
            raise BadTransaction(
                codes.NEW_KEY_NOT_PROVEN, key=new.key.hex(), agency=agency.number, role=role.name.lower()
            )


def new_keys_of(action: ReplaceKeys) -> dict[Role, NewKey]:
    """The keys that take the place of others, by what they are to be."""
    found = {Role.AGENCY: action.agency_key, Role.VALIDATOR: action.validator_key, Role.NODE: action.node_key}
    return {role: new for role, new in found.items() if new is not None}


def _check_unused(view: View, keys: Sequence[PublicKey]) -> None:
    """No key ever comes back, and none has two uses: what it once signed must mean the same for ever."""
    for place, key in enumerate(keys):
        owner = view.owner_of(key)
        if owner is not None:
            raise BadTransaction(codes.KEY_USED_BEFORE, key=key.hex(), agency=owner)
        if key in keys[:place]:
            raise BadTransaction(codes.KEY_NAMED_TWICE, key=key.hex())


def _check_params(view: View, params: ConsensusParams) -> None:
    if params == view.params:
        raise BadTransaction(codes.PARAMS_UNCHANGED)
    for fault in params_faults(params):
        raise BadTransaction(codes.PARAM_OUT_OF_RANGE, **fault.data)


def _check_service(view: View, key: TaggedKey, *, suspended: bool) -> None:
    found = view.signer(key)
    if found is None or found[1].role is not Role.SERVICE or not found[1].active:
        raise BadTransaction(codes.NO_SUCH_SERVICE, key=key.hex())
    if found[1].suspended is not suspended:
        raise BadTransaction(codes.SERVICE_NOT_SUSPENDED if suspended else codes.SERVICE_SUSPENDED, signer=key.hex())
