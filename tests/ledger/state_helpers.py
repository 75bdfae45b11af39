"""A chain in memory for the tests of the state: dict-backed store, keys, blocks made of transactions."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from mvchain.core.keys import SigningKey
from mvchain.core.merkle import root
from mvchain.core.types import (
    AgencyNumber,
    Hash,
    Height,
    PollNumber,
    ProposalNumber,
    RollNumber,
    Round,
    TaggedKey,
    TimeMs,
    TimeNs,
)
from mvchain.ledger import keyspace
from mvchain.ledger.block_id import NIL_BLOCK_ID
from mvchain.ledger.blocks import ABSENT_SIG, EMPTY_COMMIT, Commit, CommitSig, Flag
from mvchain.ledger.evidence import DuplicateEndorsementEvidence
from mvchain.ledger.execution import Execution
from mvchain.ledger.genesis import ConsensusParams, Genesis, make_entry
from mvchain.ledger.outcome import Outcome
from mvchain.ledger.polls import PollDefinition, Release, SingleRule, TieRule, encode_definition
from mvchain.ledger.records import Poll
from mvchain.ledger.registration import registration_proof
from mvchain.ledger.state import State
from mvchain.ledger.transactions import (
    NO_CONTEXT,
    Approve,
    Ballot,
    OperatorRegister,
    Payload,
    PollRegister,
    Role,
    RollAppend,
    RollCreate,
    RollSeal,
    Scope,
    ServiceAuthorise,
    Transaction,
    decode_transaction,
    make_transaction,
)
from mvchain.ledger.validators import address_of
from tests.ledger.document_helpers import make_question

START_MS = 1_000_000
NO_SCOPE = Scope(0)


def key_of(name: str) -> SigningKey:
    """The same key for the same name, in every run."""
    return SigningKey.from_seed(name.encode().ljust(32, b"."))


class MemoryStore:
    """Twin of the node's store: `readers.Reader` and `readers.TransactionReader` on a sorted list."""

    def __init__(self) -> None:
        self._keys: list[bytes] = []
        self._values: dict[bytes, bytes] = {}
        self.blocks: dict[int, tuple[bytes, ...]] = {}

    def write(self, writes: Mapping[bytes, bytes | None]) -> None:
        for key, value in writes.items():
            if value is None:
                self._values.pop(key, None)
            else:
                self._values[key] = value
        self._keys = sorted(self._values)

    def get(self, key: bytes) -> bytes | None:
        return self._values.get(key)

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        for key in self._keys[bisect_left(self._keys, start) : bisect_left(self._keys, stop)]:
            yield key, self._values[key]

    def transaction_at(self, height: Height, index: int) -> bytes:
        return self.blocks[height][index]


class World:
    """A chain of agencies with two operators each, `op<agency>a` and `op<agency>b`, once `staff` was called."""

    def __init__(self, *, agencies: int = 1, approvals: int = 2, max_units: int = 5_000) -> None:
        entries = tuple(
            make_entry(
                "test",
                AgencyNumber(n),
                (f"기관 {n}", f"Agency {n}"),
                agency_key=key_of(f"agency{n}"),
                validator_key=key_of(f"validator{n}"),
                node_key=key_of(f"node{n}"),
                approvals=approvals,
            )
            for n in range(1, agencies + 1)
        )
        self.genesis = Genesis("test", TimeMs(START_MS), entries, ConsensusParams(max_units=max_units))
        self.store = MemoryStore()
        self.state, writes = State.genesis(self.genesis, self.store, self.store)
        self.store.write(writes)
        self.now_ms = START_MS
        self.outcomes: list[Outcome] = []
        self._sequences: dict[bytes, int] = {}

    # --- transactions ---

    def sequence(self, signer: str) -> int:
        """The next unused sequence of a key, counting what was made here."""
        key = key_of(signer).tagged
        self._sequences[key] = self._sequences.get(key, 0) + 1
        return self._sequences[key]

    def tx(self, payload: Payload, signer: str, context: Hash = NO_CONTEXT) -> Transaction:
        """A signed transaction."""
        return decode_transaction(make_transaction(payload, key_of(signer), self.genesis.hash, context))

    def registration(
        self, name: str, sequence: int, scopes: Scope = NO_SCOPE, agency: int = 1
    ) -> OperatorRegister | ServiceAuthorise:
        """Of a key as operator, or as service if it gets scopes, with its proof."""
        key, role = key_of(name), Role.SERVICE if scopes else Role.OPERATOR
        proof = registration_proof(key, self.genesis.hash, AgencyNumber(agency), role)
        if scopes:
            return ServiceAuthorise(sequence, key.tagged, proof, scopes)
        return OperatorRegister(sequence, key.tagged, proof)

    def ballot(self, poll: int, voter: str, *answers: object, revision: int = 0) -> Transaction:
        """A ballot under the definition that the poll has now."""
        return self.tx(Ballot(PollNumber(poll), revision, answers), voter, self.poll(poll).definition_hash)

    # --- blocks ---

    def execution(
        self,
        after_ms: int = 1,
        signed: Collection[str] = (),
        evidence: Sequence[DuplicateEndorsementEvidence] = (),
    ) -> Execution:
        """Of the next block, that much later than the last, which these validator keys alone have signed."""
        height = Height(self.state.height + 1)
        return Execution(
            self.state,
            height,
            TimeNs((self.now_ms + after_ms) * 1_000_000),
            last_commit=self.commit(signed) if signed else EMPTY_COMMIT,
            evidence=evidence,
        )

    def commit(self, signed: Collection[str]) -> Commit:
        """Of the last block, signed by these validator keys; execution looks at no signature."""
        addresses = {address_of(key_of(name).public) for name in signed}
        validators = self.state.validators_at(self.state.height)
        assert addresses <= {validator.address for validator in validators}
        entries = (
            CommitSig(Flag.COMMIT, v.address, TimeNs(0), bytes(64)) if v.address in addresses else ABSENT_SIG
            for v in validators
        )
        return Commit(self.state.height, Round(0), NIL_BLOCK_ID, tuple(entries))

    def block(
        self,
        *txs: Transaction,
        after_ms: int = 1,
        signed: Collection[str] = (),
        evidence: Sequence[DuplicateEndorsementEvidence] = (),
    ) -> Outcome:
        """Executes and commits a block; compares the state with the one that the store would give."""
        execution = self.execution(after_ms, signed, evidence)
        for tx in txs:
            execution.apply(tx)
        outcome = execution.finish()
        self.store.write(outcome.writes)
        self.store.blocks[outcome.height] = tuple(tx.raw for tx in txs)
        self.state.commit(outcome)
        self.now_ms += after_ms
        self.outcomes.append(outcome)
        assert self.state.app_hash == outcome.app_hash
        assert state_facts(self.state) == state_facts(State.load(self.store, self.store))
        return outcome

    def blocks_until_counted(self) -> int:
        """Makes empty blocks until nothing is being counted; how many."""
        count = 0
        while self.state.counting:
            self.block()
            count += 1
            assert count < 100, "the counting does not end"
        return count

    # --- set-up ---

    def staff(self, agency: int = 1) -> None:
        """Registers the operators `op<n>a`, `op<n>b` and the service `service<n>` with all scopes."""
        boss = f"agency{agency}"
        staff = {f"op{agency}a": NO_SCOPE, f"op{agency}b": NO_SCOPE, f"service{agency}": Scope.POLLS | Scope.ROLLS}
        payloads = [self.registration(name, self.sequence(boss), scopes, agency) for name, scopes in staff.items()]
        self.block(*(self.tx(payload, boss) for payload in payloads))

    def sealed_roll(
        self, voters: Sequence[str], weights: Mapping[str, int] | None = None, agency: int = 1
    ) -> RollNumber:
        """A sealed roll of these voters, appended in chunks of 100."""
        first, second = f"op{agency}a", f"op{agency}b"
        number = RollNumber(self.state.roll_count + 1)
        entries = sorted((key_of(voter).tagged, (weights or {}).get(voter, 1)) for voter in voters)
        txs = [self.tx(RollCreate(self.sequence(first), "voters"), first)]
        for at in range(0, len(entries), 100):
            chunk = entries[at : at + 100]
            keys = b"".join(key for key, _ in chunk)
            payload = RollAppend(self.sequence(first), number, keys, tuple(w for _, w in chunk) if weights else ())
            txs.append(self.tx(payload, first))
        seal = self.tx(RollSeal(self.sequence(first), number, roll_root(entries), len(entries)), first)
        self.block(*txs, seal)
        if self.state.agency(AgencyNumber(agency)).approvals > 1:
            self.block(self.tx(Approve(self.sequence(second), seal.hash), second))
        return number

    def definition(self, roll: int, **changes: object) -> PollDefinition:
        """A poll of one question with three options, opening in 100 ms for 1,000 ms."""
        base = PollDefinition(
            agency=AgencyNumber(1),
            title=(("en", "Park"),),
            description=(),
            questions=(make_question(SingleRule(), 3, blank=True),),
            opens_at_ms=TimeMs(self.now_ms + 100),
            closes_at_ms=TimeMs(self.now_ms + 1_100),
            grace_ms=50,
            roll=RollNumber(roll),
            revote=True,
            release=Release.AFTER_CLOSING,
            approvals=1,
            tie_rule=TieRule.EQUAL_RANK,
            min_turnout=0,
        )
        return replace(base, **changes)  # type: ignore[arg-type]

    def register(self, definition: PollDefinition, signer: str = "op1a", poll: int = 0) -> Transaction:
        """The transaction that registers a definition."""
        data = encode_definition(definition)
        return self.tx(PollRegister(self.sequence(signer), PollNumber(poll), data), signer)

    def open_poll(self, voters: Sequence[str], **changes: object) -> PollNumber:
        """A poll of these voters, open."""
        roll = self.sealed_roll(voters)
        self.block(self.register(self.definition(roll, **changes)))
        self.block(after_ms=100)
        return PollNumber(self.state.poll_count)

    def poll(self, number: int) -> Poll:
        """The committed record."""
        poll = self.state.poll(PollNumber(number))
        assert poll is not None
        return poll


def roll_root(entries: Sequence[tuple[TaggedKey, int]]) -> Hash:
    """RFC 6962 root over key and weight, as the sealer of a roll computes it."""
    return root([keyspace.roll_item(key, weight) for key, weight in entries])


def state_facts(state: State) -> dict[str, object]:
    """All that a state shows, for comparing two."""
    polls = [PollNumber(n) for n in range(1, state.poll_count + 1)]
    rolls = [RollNumber(n) for n in range(1, state.roll_count + 1)]
    return {
        "app_hash": state.app_hash,
        "height": state.height,
        "time": state.time_ns,
        "agencies": state.agencies,
        "polls": [state.poll(n) for n in polls],
        "rolls": [state.roll(n) for n in rolls],
        "signers": [state.signer(s.key) for agency in state.agencies for s in agency.signers],
        "due": state.next_due_ms(),
        "running": [state.running_units(agency.number, PollNumber(0)) for agency in state.agencies],
        "counting": state.counting_polls(),
        "convictions": [state.convictions.record(n) for n in range(1, state.convictions.count + 1)],
        "live": [state.live_tally(n) for n in polls],
        "tallies": [state.stored.tally(n) for n in polls],
        "actions": [
            state.action(action.hash)
            for record in [*(state.poll(n) for n in polls), *(state.roll(n) for n in rolls)]
            for action in record.pending  # type: ignore[union-attr]
        ],
        "ranges": [
            state.roll_range(n).encode()
            for n in rolls
            if not state.roll(n).sealed  # type: ignore[union-attr]
        ],
        "work": [state.work(n).encode() for n in polls if state.live_tally(n) is not None],
        "validators": [state.validators_at(Height(h)) for h in range(state.height + 3)],
        "validator_changes": state.validator_changes,
        "unproven": state.unproven,
        "proposals": [state.proposal(ProposalNumber(n)) for n in range(1, state.proposal_count + 1)],
        "open": state.open_proposals,
        "owners": [state.owner_of(agency.validator_key) for agency in state.agencies],
        "params": state.params,
    }
