"""The committed state: what the chain knows after its last block (ledger L4 to L9).

Agencies, polls, rolls and the state tree are in memory; roll entries, voters and places of ballots are read
through `Reader` (the key space is in `mvchain.ledger.keyspace`). The state changes by `commit` alone, with
the outcome of an execution whose writes are durable.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter

from mvchain.core import codes
from mvchain.core.errors import BrokenStorage
from mvchain.core.limits import MAX_STATE_CACHE_ENTRIES
from mvchain.core.merkle import CompactRange
from mvchain.core.types import (
    Address,
    AgencyNumber,
    Hash,
    Height,
    PollNumber,
    ProposalNumber,
    PublicKey,
    RollNumber,
    TaggedKey,
    TimeMs,
    TimeNs,
)
from mvchain.ledger import admission, keyspace
from mvchain.ledger.admission import Target
from mvchain.ledger.convictions import Convictions
from mvchain.ledger.genesis import ConsensusParams, Genesis
from mvchain.ledger.history import History
from mvchain.ledger.lifecycle import due_ms
from mvchain.ledger.outcome import Outcome
from mvchain.ledger.polls import PollDefinition, decode_definition
from mvchain.ledger.proposals import Proposal, ProposalState, SetParams, decode_action
from mvchain.ledger.readers import Reader, TransactionReader
from mvchain.ledger.records import Action, Agency, Chain, Poll, PollState, Roll, Signer, Tenure
from mvchain.ledger.state_tree import ProofOp, StateTree
from mvchain.ledger.stored import Stored
from mvchain.ledger.tally import TallyResult, running_units, tally_units
from mvchain.ledger.tenures import ValidatorSets
from mvchain.ledger.transactions import Role, Scope, Transaction
from mvchain.ledger.validators import ValidatorSet
from mvchain.ledger.work import PollWork

_NO_ACTIONS: tuple[Action, ...] = ()
_ENDED = (PollState.FINAL, PollState.VOID)


class State:
    """The state after block `height`; implements `admission.View`."""

    def __init__(
        self,
        reader: Reader,
        transactions: TransactionReader,
        *,
        chain: Chain,
        agencies: list[Agency],
        height: Height,
        time_ns: TimeNs,
    ) -> None:
        self.stored = Stored(reader, transactions)
        self._reader = reader
        self._cache: dict[bytes, bytes | None] = {}
        self._chain = chain
        self._height = height
        self._time_ns = time_ns
        self._agencies: dict[AgencyNumber, Agency] = {}
        self._slots: dict[TaggedKey, tuple[AgencyNumber, int]] = {}
        self._polls: dict[PollNumber, Poll] = {}
        self._rolls: dict[RollNumber, Roll] = {}
        self._definitions: dict[Hash, PollDefinition] = {}
        self._works: dict[PollNumber, PollWork] = {}
        self._ranges: dict[RollNumber, CompactRange] = {}
        self._actions: dict[Hash, Target] = {}
        self._due: dict[PollNumber, TimeMs] = {}
        self._running: dict[PollNumber, int] = {}
        self._running_of: Counter[AgencyNumber] = Counter()
        self._proposals = 0
        self._open_proposals: dict[ProposalNumber, Proposal] = {}
        self._params_set: dict[tuple[Height, ProposalNumber], ConsensusParams] = {}
        self._owners: dict[PublicKey, AgencyNumber] = {}
        self.convictions = Convictions(reader)
        for agency in agencies:
            self._put_agency(agency)
        self._sets = ValidatorSets(agencies)

    @classmethod
    def genesis(
        cls, genesis: Genesis, reader: Reader, transactions: TransactionReader
    ) -> tuple["State", dict[bytes, bytes | None]]:
        """The state before the first block, and the writes that make it durable."""
        chain = Chain(genesis.hash, genesis.chain_name, genesis.params)
        agencies = [
            Agency(
                number=entry.number,
                name_ko=entry.name_ko,
                name_en=entry.name_en,
                tenures=(Tenure(entry.validator_key, Height(1), Height(0), proven=True),),
                node_keys=(entry.node_key,),
                approvals=entry.approvals,
                signers=(Signer(entry.agency_key, Role.AGENCY, Scope(0), 0, active=True, suspended=False),),
            )
            for entry in genesis.agencies
        ]
        height, time_ns = Height(0), TimeNs(genesis.genesis_time_ms * 1_000_000)
        writes: dict[bytes, bytes | None] = {
            keyspace.CHAIN_KEY: chain.encode(),
            keyspace.BLOCK_KEY: keyspace.pack_block(height, time_ns),
        }
        for agency in agencies:
            writes[keyspace.numbered(keyspace.AGENCIES, agency.number)] = agency.encode()
        state = cls(reader, transactions, chain=chain, agencies=agencies, height=height, time_ns=time_ns)
        state._set_tree(StateTree({"agencies": [a.encode() for a in agencies], "chain": [chain.encode()]}))
        return state, writes

    @classmethod
    def load(cls, reader: Reader, transactions: TransactionReader) -> "State":
        """The state that the store holds. Raises BrokenStorage if it holds none, or a damaged one."""
        chain, block = reader.get(keyspace.CHAIN_KEY), reader.get(keyspace.BLOCK_KEY)
        if chain is None or block is None:
            raise BrokenStorage(codes.NO_STATE)
        height, time_ns = keyspace.unpack_block(block)
        agencies = [Agency.decode(value) for _, value in reader.scan(*keyspace.table_scan(keyspace.AGENCIES))]
        state = cls(reader, transactions, chain=Chain.decode(chain), agencies=agencies, height=height, time_ns=time_ns)
        state._load_polls_and_rolls()
        return state

    def _load_polls_and_rolls(self) -> None:
        reader = self._reader
        polls = [value for _, value in reader.scan(*keyspace.table_scan(keyspace.POLLS))]
        rolls = [value for _, value in reader.scan(*keyspace.table_scan(keyspace.ROLLS))]
        proposals = [value for _, value in reader.scan(*keyspace.table_scan(keyspace.PROPOSALS))]
        for n, value in enumerate(proposals, 1):
            self._put_proposal(ProposalNumber(n), Proposal.decode(value))
        for n, value in enumerate(rolls, 1):
            self._put_roll(RollNumber(n), Roll.decode(value))
        for n, value in enumerate(polls, 1):
            self._put_poll(PollNumber(n), Poll.decode(value))
        for key, value in reader.scan(*keyspace.table_scan(keyspace.WORKS)):
            self._works[PollNumber(keyspace.number_of(key))] = PollWork.decode(value)
        for key, value in reader.scan(*keyspace.table_scan(keyspace.RANGES)):
            self._ranges[RollNumber(keyspace.number_of(key))] = CompactRange.decode(value)
        for number, poll in self._polls.items():
            if poll.state not in _ENDED:
                data = self.stored.definition(poll.definition_hash)
                definition = self._definitions[poll.definition_hash] = decode_definition(data)
                self._put_running(number, poll.agency, running_units(data, definition))
        self._set_tree(
            StateTree(
                {
                    "agencies": [agency.encode() for agency in self._agencies.values()],
                    "chain": [self._chain.encode()],
                    "evidence": [value for _, value in reader.scan(*keyspace.table_scan(keyspace.CONVICTIONS))],
                    "governance": proposals,
                    "polls": polls,
                    "rolls": rolls,
                    # A poll without a released tally has an empty entry (L9).
                    "tallies": [reader.get(keyspace.numbered(keyspace.TALLIES, n)) or b"" for n in self._polls],
                }
            )
        )

    def _set_tree(self, tree: StateTree) -> None:
        self.tree = tree
        self.history = History(self._reader, self._height, tree)

    # --- the chain ---

    @property
    def height(self) -> Height:
        """Of the last block executed; 0 before the first."""
        return self._height

    @property
    def time_ns(self) -> TimeNs:
        """Time of that block; of genesis before the first."""
        return self._time_ns

    @property
    def time_ms(self) -> TimeMs:
        """The same in milliseconds, rounded down, as poll times are compared (L12)."""
        return TimeMs(self._time_ns // 1_000_000)

    @property
    def app_hash(self) -> Hash:
        """Root of the state tree; stands in the header of the next block (C148)."""
        return self.tree.app_hash

    @property
    def genesis_hash(self) -> Hash:
        """Of the genesis document; every transaction is signed over it (L2)."""
        return self._chain.genesis_hash

    @property
    def chain(self) -> Chain:
        """The record of the whole chain."""
        return self._chain

    @property
    def chain_name(self) -> str:
        """The readable part of the chain id."""
        return self._chain.name

    @property
    def params(self) -> ConsensusParams:
        """Consensus parameters in force."""
        return self._chain.params

    @property
    def params_changes(self) -> Sequence[tuple[Height, ConsensusParams]]:
        """The blocks that executed a change of the parameters, ascending, and what holds from the next height on."""
        return [(height, params) for (height, _), params in sorted(self._params_set.items(), key=itemgetter(0))]

    @property
    def validators(self) -> ValidatorSet:
        """Those of the next height."""
        return self._sets.at(Height(self._height + 1))

    @property
    def next_validators(self) -> ValidatorSet:
        """Those of the height after it (C69)."""
        return self._sets.at(Height(self._height + 2))

    @property
    def validator_changes(self) -> tuple[Height, ...]:
        """The heights from which the set is another than at the height before, ascending; `height` + 2 may be one."""
        return self._sets.changes

    @property
    def unproven(self) -> Mapping[Address, AgencyNumber]:
        """Validators that have not signed a block yet, and whose they are."""
        return self._sets.unproven

    def validators_at(self, height: Height) -> ValidatorSet:
        """The set of a height up to `height` + 2; that of height 0 is empty."""
        assert 0 <= height <= self._height + 2, (height, self._height)
        return self._sets.at(height)

    def agency_of_validator(self, address: Address) -> Agency | None:
        """Whose validator this is, will be or was."""
        number = self._sets.agencies.get(address)
        return None if number is None else self._agencies[number]

    def agency_of_node(self, key: PublicKey) -> Agency | None:
        """Whose present node key this is."""
        number = self._owners.get(key)
        agency = None if number is None else self._agencies[number]
        return agency if agency is not None and agency.node_key == key else None

    def next_due_ms(self) -> TimeMs | None:
        """The earliest block time at which a poll opens or closes by itself (N2)."""
        return min(self._due.values(), default=None)

    @property
    def counting(self) -> bool:
        """Whether the next block has ballots to count (N2)."""
        return bool(self.counting_polls())

    def counting_polls(self) -> list[PollNumber]:
        """The polls being counted, ascending."""
        return sorted(n for n in self._works if self._polls[n].state is PollState.COUNTING)

    def due_polls(self, time_ms: TimeMs) -> list[PollNumber]:
        """The polls that open or close by themselves at the end of a block of this time, ascending."""
        return sorted(n for n, due in self._due.items() if due <= time_ms)

    # --- what admission reads ---

    def check(self, tx: Transaction) -> None:
        """Raise BadTransaction unless the transaction is admissible in this state (L3)."""
        admission.check(self, tx)

    def signer(self, key: TaggedKey) -> tuple[Agency, Signer] | None:
        """Who acts with this key, revoked or not."""
        slot = self.slot(key)
        if slot is None:
            return None
        agency = self._agencies[slot[0]]
        return agency, agency.signers[slot[1]]

    def slot(self, key: TaggedKey) -> tuple[AgencyNumber, int] | None:
        """The agency of a signer's key, and its position among the agency's signers."""
        return self._slots.get(key)

    def poll(self, number: PollNumber) -> Poll | None:
        """The record of a poll."""
        return self._polls.get(number)

    def roll(self, number: RollNumber) -> Roll | None:
        """The record of a roll."""
        return self._rolls.get(number)

    def definition(self, name: Hash) -> PollDefinition:
        """The definition with this hash, which some poll record names; in memory until that poll has ended."""
        found = self._definitions.get(name)
        return decode_definition(self.stored.definition(name)) if found is None else found

    def owner_of(self, key: PublicKey) -> AgencyNumber | None:
        """The agency of which this key is or was a validator's, a node's or a signer's."""
        return self._owners.get(key)

    @property
    def open_proposals(self) -> Mapping[ProposalNumber, Proposal]:
        """Those that wait for approvals."""
        return self._open_proposals

    def proposal(self, number: ProposalNumber) -> Proposal | None:
        """The record of a proposal."""
        value = self._reader.get(keyspace.numbered(keyspace.PROPOSALS, number)) if number <= self._proposals else None
        return None if value is None else Proposal.decode(value)

    def action(self, action_hash: Hash) -> tuple[Target, Action] | None:
        """A waiting action by its hash."""
        target = self._actions.get(action_hash)
        if target is None:
            return None
        pending = _pending(
            self._polls[PollNumber(target.number)] if target.is_poll else self._rolls[RollNumber(target.number)]
        )
        return target, next(action for action in pending if action.hash == action_hash)

    @property
    def running_polls(self) -> list[PollNumber]:
        """The polls that have not ended, ascending."""
        return sorted(self._running)

    def running_units(self, agency: AgencyNumber, without: PollNumber) -> int:
        """What the agency's polls but one take that have not ended (`tally.running_units`)."""
        return self._running_of[agency] - self.running_units_of(without)

    def running_units_of(self, number: PollNumber) -> int:
        """What one poll takes, 0 if it has ended."""
        return self._running.get(number, 0)

    def get(self, key: bytes) -> bytes | None:
        """The value of a roll entry or voter, kept in memory from admission to execution (performance P4)."""
        try:
            return self._cache[key]
        except KeyError:
            if len(self._cache) >= MAX_STATE_CACHE_ENTRIES:
                self._cache.clear()
            value = self._cache[key] = self._reader.get(key)
            return value

    # --- what readers and proofs need ---

    @property
    def agencies(self) -> tuple[Agency, ...]:
        """All agencies, by number."""
        return tuple(self._agencies.values())

    def agency(self, number: AgencyNumber) -> Agency:
        """The record of an agency that exists."""
        return self._agencies[number]

    @property
    def proposal_count(self) -> int:
        """Proposals are numbered from 1 to this."""
        return self._proposals

    @property
    def poll_count(self) -> int:
        """Polls are numbered from 1 to this."""
        return len(self._polls)

    @property
    def roll_count(self) -> int:
        """Rolls are numbered from 1 to this."""
        return len(self._rolls)

    def work(self, number: PollNumber) -> PollWork:
        """Of a poll that is open, paused or counting; not to be changed."""
        return self._works[number]

    def tally_units(self, number: PollNumber) -> int:
        """Work units of carrying the poll's totals through one block; 0 for one that has none now."""
        return tally_units(self.definition(self._polls[number].definition_hash)) if number in self._works else 0

    def roll_range(self, number: RollNumber) -> CompactRange:
        """Over the entries of an unsealed roll; not to be changed."""
        return self._ranges[number]

    def live_tally(self, number: PollNumber) -> TallyResult | None:
        """The totals of a running poll; whether they are released is the server's question (L8)."""
        work = self._works.get(number)
        return None if work is None else work.tally.result()

    def prove_at(self, height: Height, store: str, number: int) -> tuple[bytes, tuple[ProofOp, ProofOp]] | None:
        """A record in the state after block `height`, from `oldest_provable` on, and its proof; None if there is none.

        The app hash of that state is in the next header (C148).
        """
        return self.history.prove(height, store, number)

    @property
    def oldest_provable(self) -> Height:
        """The lowest height of which the state is proved (L9)."""
        return self.history.oldest

    # --- change ---

    def commit(self, outcome: Outcome) -> None:
        """Go on to the next block. Its writes must be durable, in one batch with the block itself (A4)."""
        assert outcome.height == self._height + 1, (outcome.height, self._height)
        self.tree = outcome.tree
        self.history.add(outcome.height, outcome.tree, outcome.replaced)
        self._height, self._time_ns = outcome.height, outcome.time_ns
        cache = self._cache
        for key, value in outcome.writes.items():
            if key in cache:
                cache[key] = value
        changes = outcome.changes
        self._works.update(changes.works)
        self._ranges.update(changes.ranges)
        before = self._agencies
        new_tenures = any(n not in before or a.tenures != before[n].tenures for n, a in changes.agencies.items())
        self.convictions.add(changes.convictions)
        for agency in changes.agencies.values():
            self._put_agency(agency)
        if new_tenures:
            self._sets = ValidatorSets(self.agencies)
        self._chain = changes.chain or self._chain
        for proposal_number, proposal in changes.proposals.items():
            self._put_proposal(proposal_number, proposal)
        for roll_number, roll in changes.rolls.items():
            self._put_roll(roll_number, roll)
        for poll_number, poll in changes.polls.items():
            self._put_poll(poll_number, poll)
        for poll_number, units in changes.running.items():
            self._put_running(poll_number, changes.polls[poll_number].agency, units)
        for poll_number, poll in changes.polls.items():
            if poll.state in _ENDED:
                self._put_running(poll_number, poll.agency, 0)
            definition = changes.definitions.get(poll.definition_hash)
            if definition is not None and poll.state not in _ENDED:
                self._definitions[poll.definition_hash] = definition

    def _put_agency(self, agency: Agency) -> None:
        self._agencies[agency.number] = agency
        for slot, signer in enumerate(agency.signers):
            self._slots[signer.key] = (agency.number, slot)
        for key in (
            *(t.validator_key for t in agency.tenures),
            *agency.node_keys,
            *(s.key[1:] for s in agency.signers),
        ):
            self._owners[PublicKey(key)] = agency.number

    def _put_proposal(self, number: ProposalNumber, proposal: Proposal) -> None:
        self._proposals = max(self._proposals, number)
        if proposal.state is ProposalState.OPEN:
            self._open_proposals[number] = proposal
        else:
            self._open_proposals.pop(number, None)
        if proposal.state is ProposalState.EXECUTED:
            action = decode_action(proposal.action, BrokenStorage)
            if isinstance(action, SetParams):
                self._params_set[proposal.ended_height, number] = action.params

    def _put_roll(self, number: RollNumber, roll: Roll) -> None:
        self._put_actions(Target(False, number), _pending(self._rolls.get(number)), roll.pending)
        self._rolls[number] = roll
        if roll.sealed:
            self._ranges.pop(number, None)

    def _put_poll(self, number: PollNumber, poll: Poll) -> None:
        before = self._polls.get(number)
        self._put_actions(Target(True, number), _pending(before), poll.pending)
        self._polls[number] = poll
        due = due_ms(poll)
        if due is None:
            self._due.pop(number, None)
        else:
            self._due[number] = due
        if poll.state in _ENDED:
            self._works.pop(number, None)
            self._definitions.pop(poll.definition_hash, None)
        if before is not None and before.definition_hash != poll.definition_hash:
            self._definitions.pop(before.definition_hash, None)

    def _put_running(self, number: PollNumber, agency: AgencyNumber, units: int) -> None:
        self._running_of[agency] += units - self._running.pop(number, 0)
        if units:
            self._running[number] = units

    def _put_actions(self, target: Target, before: tuple[Action, ...], after: tuple[Action, ...]) -> None:
        for action in before:
            del self._actions[action.hash]
        for action in after:
            self._actions[action.hash] = target


def _pending(record: Poll | Roll | None) -> tuple[Action, ...]:
    return _NO_ACTIONS if record is None else record.pending
