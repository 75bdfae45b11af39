"""A draft: the state with changes on top that may come to nothing.

A block is executed on a draft (`mvchain.ledger.execution`), and the mempool judges waiting administrative
transactions on one. The committed state below stays as it is, so any number of drafts can stand on it.
"""

from collections import Counter
from dataclasses import replace

from mvchain.core.merkle import CompactRange
from mvchain.core.types import (
    AgencyNumber,
    Hash,
    Height,
    PollNumber,
    ProposalNumber,
    PublicKey,
    RollNumber,
    TaggedKey,
    TimeMs,
)
from mvchain.ledger.admission import Target
from mvchain.ledger.genesis import ConsensusParams
from mvchain.ledger.outcome import Changes
from mvchain.ledger.polls import PollDefinition
from mvchain.ledger.proposals import Proposal, ProposalState
from mvchain.ledger.records import Action, Agency, Poll, Roll, Signer
from mvchain.ledger.state import State
from mvchain.ledger.work import PollWork


class Draft:
    """Implements `admission.View` for the next block, of time `time_ms`; what was put replaces what the state has."""

    __slots__ = (
        "_more_running",
        "_owners",
        "_polls",
        "_proposals",
        "_rolls",
        "_slots",
        "_targets",
        "changes",
        "height",
        "state",
        "time_ms",
        "writes",
    )

    def __init__(self, state: State, time_ms: TimeMs) -> None:
        self.state = state
        self.height = Height(state.height + 1)
        self.time_ms = time_ms
        self.changes = Changes()
        self.writes: dict[bytes, bytes | None] = {}
        """Changed keys outside the records: roll entries, voters, places of ballots, definitions."""
        self._slots: dict[TaggedKey, tuple[AgencyNumber, int]] = {}
        self._owners: dict[PublicKey, AgencyNumber] = {}
        # Kept beside the changes: to look through all of them for each transaction would make long blocks slow.
        self._targets: dict[Hash, Target] = {}
        self._more_running: Counter[AgencyNumber] = Counter()
        self._polls = state.poll_count
        self._rolls = state.roll_count
        self._proposals = state.proposal_count

    # --- what admission reads ---

    @property
    def genesis_hash(self) -> Hash:
        """Of the genesis document."""
        return self.state.genesis_hash

    def signer(self, key: TaggedKey) -> tuple[Agency, Signer] | None:
        """Who acts with this key, revoked or not."""
        slot = self._slots.get(key) or self.state.slot(key)
        if slot is None:
            return None
        agency = self.agency(slot[0])
        return agency, agency.signers[slot[1]]

    @property
    def chain_name(self) -> str:
        """The readable part of the chain id."""
        return self.state.chain_name

    @property
    def params(self) -> ConsensusParams:
        """Consensus parameters in force."""
        return (self.changes.chain or self.state.chain).params

    @property
    def agencies(self) -> list[Agency]:
        """All agencies, by number."""
        changed = self.changes.agencies
        known = [changed.get(agency.number, agency) for agency in self.state.agencies]
        return [*known, *(agency for number, agency in sorted(changed.items()) if number > len(known))]

    def owner_of(self, key: PublicKey) -> AgencyNumber | None:
        """The agency of which this key is or was a validator's, a node's or a signer's."""
        return self._owners.get(key) or self.state.owner_of(key)

    @property
    def open_proposals(self) -> dict[ProposalNumber, Proposal]:
        """Those that wait for approvals."""
        merged = {**self.state.open_proposals, **self.changes.proposals}
        return {number: proposal for number, proposal in merged.items() if proposal.state is ProposalState.OPEN}

    def proposal(self, number: ProposalNumber) -> Proposal | None:
        """The record of a proposal."""
        return self.changes.proposals.get(number) or self.state.proposal(number)

    def poll(self, number: PollNumber) -> Poll | None:
        """The record of a poll."""
        return self.changes.polls.get(number) or self.state.poll(number)

    def roll(self, number: RollNumber) -> Roll | None:
        """The record of a roll."""
        return self.changes.rolls.get(number) or self.state.roll(number)

    def definition(self, name: Hash) -> PollDefinition:
        """The definition with this hash, which some poll record names."""
        return self.changes.definitions.get(name) or self.state.definition(name)

    def action(self, action_hash: Hash) -> tuple[Target, Action] | None:
        """A waiting action by its hash."""
        target = self._targets.get(action_hash)
        if target is None:
            found = self.state.action(action_hash)
            if found is None:
                return None
            target = found[0]
        number = target.number
        record = self.poll(PollNumber(number)) if target.is_poll else self.roll(RollNumber(number))
        assert record is not None, target
        for action in record.pending:
            if action.hash == action_hash:
                return target, action
        return None

    def running_units(self, agency: AgencyNumber, without: PollNumber) -> int:
        """What the agency's polls but one take; one that ends in this block counts until the next."""
        return self.state.running_units(agency, PollNumber(0)) + self._more_running[agency] - self._units_of(without)

    def get(self, key: bytes) -> bytes | None:
        """The value of a roll entry or voter."""
        found = self.writes.get(key)
        return self.state.get(key) if found is None else found

    # --- what effects read and change ---

    def agency(self, number: AgencyNumber) -> Agency:
        """The record of an agency that exists."""
        return self.changes.agencies.get(number) or self.state.agency(number)

    def next_poll(self) -> PollNumber:
        """The number that the next new poll gets."""
        return PollNumber(self._polls + 1)

    def next_roll(self) -> RollNumber:
        """The number that the next new roll gets."""
        return RollNumber(self._rolls + 1)

    def next_proposal(self) -> ProposalNumber:
        """The number that the next proposal gets."""
        return ProposalNumber(self._proposals + 1)

    def put_proposal(self, number: ProposalNumber, proposal: Proposal) -> None:
        """Replaces or adds the record of a proposal."""
        self.changes.proposals[number] = proposal
        self._proposals = max(self._proposals, number)

    def put_params(self, params: ConsensusParams) -> None:
        """Replaces the consensus parameters."""
        self.changes.chain = replace(self.state.chain, params=params)

    def put_agency(self, agency: Agency) -> None:
        """Replaces or adds the record of an agency, whose last keys alone may be new; its signers are known."""
        number = agency.number
        self.changes.agencies[number] = agency
        self._owners |= {agency.validator_key: number, agency.node_key: number}

    def add_agency(self, agency: Agency) -> None:
        """Adds the record of a new agency, whose one signer is its agency key."""
        self.put_agency(agency)
        self._slots[agency.agency_key] = (agency.number, 0)
        self._owners[PublicKey(agency.agency_key[1:])] = agency.number

    def put_signer(self, number: AgencyNumber, signer: Signer) -> None:
        """Adds a signer to an agency, or replaces the one with this key."""
        agency = self.agency(number)
        signers = list(agency.signers)
        slot = self._slots.get(signer.key) or self.state.slot(signer.key)
        if slot is None:
            self._slots[signer.key] = (number, len(signers))
            self._owners[PublicKey(signer.key[1:])] = number
            signers.append(signer)
        else:
            signers[slot[1]] = signer
        self.put_agency(replace(agency, signers=tuple(signers)))

    def put_poll(self, number: PollNumber, poll: Poll) -> None:
        """Replaces or adds the record of a poll."""
        self.changes.polls[number] = poll
        self._polls = max(self._polls, number)
        self._targets.update((action.hash, Target(True, number)) for action in poll.pending)

    def put_running(self, number: PollNumber, agency: AgencyNumber, units: int) -> None:
        """Says what a poll takes that is registered now."""
        self._more_running[agency] += units - self._units_of(number)
        self.changes.running[number] = units

    def _units_of(self, number: PollNumber) -> int:
        return self.changes.running.get(number, self.state.running_units_of(number))

    def put_roll(self, number: RollNumber, roll: Roll) -> None:
        """Replaces or adds the record of a roll."""
        self.changes.rolls[number] = roll
        self._rolls = max(self._rolls, number)
        self._targets.update((action.hash, Target(False, number)) for action in roll.pending)

    def work(self, number: PollNumber) -> PollWork:
        """Of a poll that is open, paused or counting; changed in place."""
        work = self.changes.works.get(number)
        if work is None:
            work = self.changes.works[number] = self.state.work(number).copy()
        return work

    def roll_range(self, number: RollNumber) -> CompactRange:
        """Over the entries of an unsealed roll; changed in place."""
        found = self.changes.ranges.get(number)
        if found is None:
            found = self.changes.ranges[number] = self.state.roll_range(number).copy()
        return found
