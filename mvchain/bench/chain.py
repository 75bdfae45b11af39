"""A chain without its network: blocks signed by all validators and handed to one replica, as to one that catches up.

So receipts of forty agencies can be had where forty nodes cannot run. Everything but the signing of proposals is what
a node runs: blocks are made, verified, executed and stored by its own code, on its own database.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from mvchain.api.operator import CHUNK_KEYS
from mvchain.app import open_state
from mvchain.bench.ballots import made_up_answers, signed_ballots
from mvchain.core.hashing import sha256
from mvchain.core.keys import Purpose, SigningKey
from mvchain.core.merkle import root
from mvchain.core.types import AgencyNumber, Hash, Height, PollNumber, RollNumber, Round, TaggedKey, TimeMs, TimeNs
from mvchain.demo import elections
from mvchain.demo.elections import AGENCY, POLL, ROLL
from mvchain.demo.progress import Narrator
from mvchain.ledger.admission import AdminPayload
from mvchain.ledger.blocks import EMPTY_COMMIT, Commit, CommitSig, Flag
from mvchain.ledger.endorsements import Kind, endorsement_sign_bytes
from mvchain.ledger.genesis import Genesis, make_entry
from mvchain.ledger.keyspace import roll_item
from mvchain.ledger.mempool import Mempool
from mvchain.ledger.polls import PollDefinition, definition_hash, encode_definition
from mvchain.ledger.records import PollState
from mvchain.ledger.registration import registration_proof
from mvchain.ledger.transactions import (
    Ballot,
    OperatorRegister,
    PollClose,
    PollRegister,
    Role,
    RollAppend,
    RollCreate,
    RollSeal,
    Transaction,
    decode_transaction,
    make_transaction,
)
from mvchain.ledger.validators import address_of
from mvchain.localnet import AGENCIES
from mvchain.node.candidates import Base, Candidate, make_block
from mvchain.node.files import LocalDisk
from mvchain.node.ports import Ports
from mvchain.node.replica import Replica
from mvchain.node.runtime import now_ns
from mvchain.node.signatures import SignaturePool
from mvchain.node.store import Store
from mvchain.node.wal import Log

CHAIN_NAME: Final = "benchmark-network"
"""As long as names may be, since each header repeats it."""
GENESIS_TIME: Final = TimeMs(1_772_982_000_000)
BLOCK_NS: Final = 1_000_000_001
"""From block to block; times of precommits get all nine digits, the longest form."""
OTHER_POLLS: Final = 1_000
"""Registered beside the one that is held: the paths to its record are those of a chain that has been used for years."""
A_YEAR_MS: Final = 365 * 86_400_000


class Chain:
    """The chain, its keys and one replica; a context manager that closes the replica's files.

    Args:
        directory: for its files; empty or new.
        judged_once: take each block as the replica made it: no signature of a ballot is verified.
    """

    def __init__(self, directory: Path, agencies: int, *, judged_once: bool = False) -> None:
        self._judged_once = judged_once
        keys = [_key(f"validator {number}") for number in range(1, agencies + 1)]
        self._keys = sorted(keys, key=lambda key: address_of(key.public))
        self.genesis = _genesis(keys)
        self._last_commit = EMPTY_COMMIT
        self.largest_block = 0
        """Transactions of the fullest block."""
        with ExitStack() as stack:
            disk = LocalDisk()
            disk.make_directory(directory)
            store = Store(directory / "store", disk)
            stack.callback(store.close)
            log = Log(directory / "log", disk)
            stack.callback(log.close)
            signatures = SignaturePool()
            stack.callback(signatures.close)
            state, tip = open_state(store, self.genesis)
            self.replica = Replica(self.genesis, state, tip, Mempool(), Ports(store, log, (), signatures, now_ns))
            self._files = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._files.close()

    def extend(self, raw_txs: Sequence[bytes]) -> None:
        """Make blocks of these, in their order, until all are in; none of them may be inadmissible."""
        left = [decode_transaction(raw) for raw in raw_txs]
        while left:
            taken = self.block(left)
            assert taken, left[0]
            del left[:taken]

    def block(self, ready: Sequence[Transaction] = ()) -> int:
        """Make one block of the first of these transactions; how many it took."""
        replica, genesis, height = self.replica, self.genesis, Height(self.replica.tip.height + 1)
        validators = replica.state.validators
        base = Base(
            genesis.chain_id, genesis.app_version, replica.state, replica.tip, self._last_commit, replica.store.header
        )
        candidate = make_block(base, validators.proposer(height, Round(0)).address, ready, ())
        taken = len(candidate.transactions)
        assert candidate.transactions == tuple(ready[:taken]), "a transaction is not admissible"
        commit = self._commit(height, candidate)
        if self._judged_once:
            replica.blocks.add(candidate)
        assert replica.receive_block(height, candidate.encoded, commit.encode())
        replica.take_outputs()
        self._last_commit = commit
        self.largest_block = max(self.largest_block, taken)
        return taken

    def _commit(self, height: Height, candidate: Candidate) -> Commit:
        """Every validator's precommit."""
        entries = []
        for index, key in enumerate(self._keys):
            time_ns = TimeNs(candidate.block.header.time_ns + BLOCK_NS + 1_001 * index)
            what = (Kind.PRECOMMIT, height, Round(0), candidate.block_id, time_ns, self.genesis.chain_id)
            signature = key.sign(Purpose.CONSENSUS, endorsement_sign_bytes(*what))
            entries.append(CommitSig(Flag.COMMIT, address_of(key.public), time_ns, signature))
        return Commit(height, Round(0), candidate.block_id, tuple(entries))


def _genesis(validator_keys: Sequence[SigningKey]) -> Genesis:
    entries = tuple(
        make_entry(
            CHAIN_NAME,
            AgencyNumber(number),
            AGENCIES[number - 1] if number <= len(AGENCIES) else (f"{number}번 기관", f"Agency {number}"),
            agency_key=_key(f"agency {number}"),
            validator_key=key,
            node_key=_key(f"node {number}"),
            approvals=1,
        )
        for number, key in enumerate(validator_keys, 1)
    )
    return Genesis(CHAIN_NAME, GENESIS_TIME, entries)


def _key(name: str) -> SigningKey:
    """The same key for the same name: nothing here is secret."""
    return SigningKey.from_seed(sha256(name.encode()))


@dataclass(frozen=True, slots=True)
class Held:
    """A poll that was held on a chain and is final."""

    counted: Sequence[Hash]
    """Ballots that count, in the order of acceptance, each voter's only one."""
    superseded: Sequence[Hash]
    """Ballots that a later one of the same voter replaced."""


class Operator:
    """Signs what an operator does, with the sequences in order."""

    def __init__(self, chain: Chain) -> None:
        self._genesis_hash = chain.genesis.hash
        self._key = _key("operator")
        self._sequence = 0

    def registration(self) -> bytes:
        """By the agency, once."""
        proof = registration_proof(self._key, self._genesis_hash, AGENCY, Role.OPERATOR)
        return make_transaction(
            OperatorRegister(1, self._key.tagged, proof), _key(f"agency {AGENCY}"), self._genesis_hash
        )

    def act(self, payload: AdminPayload) -> bytes:
        """The next transaction."""
        self._sequence += 1
        return make_transaction(replace(payload, sequence=self._sequence), self._key, self._genesis_hash)

    def poll(self, definition: PollDefinition, voters: Sequence[TaggedKey]) -> list[bytes]:
        """A roll of these voters and a poll for it."""
        ordered = sorted(voters)
        acts = [self.act(RollCreate(0, "voters"))]
        for start in range(0, len(ordered), CHUNK_KEYS):
            keys = b"".join(ordered[start : start + CHUNK_KEYS])
            acts.append(self.act(RollAppend(0, definition.roll, keys, ())))
        sealed = root([roll_item(voter, 1) for voter in ordered])
        acts.append(self.act(RollSeal(0, definition.roll, sealed, len(ordered))))
        acts.append(self.act(PollRegister(0, PollNumber(0), encode_definition(definition))))
        return acts


def hold_poll(chain: Chain, ballots: int, cast_twice: int, narrator: Narrator) -> Held:
    """Hold the demo's poll on a new chain: so many voters, of whom some cast a second ballot."""
    definition = replace(elections.shipped().at(GENESIS_TIME), revote=True)
    once = signed_ballots(chain.genesis, definition, ballots - cast_twice, narrator)
    again = [_key(f"voter {number}") for number in range(cast_twice)]
    operator = Operator(chain)
    voters = [*(ballot.voter for ballot in once), *(key.tagged for key in again)]
    narrator.say(f"making the blocks of {len(chain.genesis.agencies)} validators")
    chain.extend([operator.registration()])
    chain.extend(operator.poll(definition, voters))
    _register_others(chain, operator, definition)
    _blocks_until(chain, PollState.OPEN)

    context, answers = definition_hash(encode_definition(definition)), made_up_answers(1)[0]

    def ballot(key: SigningKey, revision: int) -> bytes:
        return make_transaction(Ballot(POLL, revision, answers), key, chain.genesis.hash, context)

    first, second = ([ballot(key, revision) for key in again] for revision in (0, 1))
    # Those that are superseded stand among the others, so that their paths are no shorter.
    middle = len(once) // 2
    raw = [one.raw for one in once]
    chain.extend([*raw[:middle], *first, *raw[middle:], *second])
    chain.extend([operator.act(PollClose(0, POLL, "all ballots are in"))])
    _blocks_until(chain, PollState.FINAL)
    for _ in range(2):  # the header of the final state, and the commit for it that a block carries
        chain.block()
    return Held(list(map(sha256, raw)), list(map(sha256, first)))


def _register_others(chain: Chain, operator: Operator, definition: PollDefinition) -> None:
    """Polls that open a year later, each with a roll of one voter."""
    later = TimeMs(GENESIS_TIME + A_YEAR_MS)
    acts: list[bytes] = []
    for number in range(ROLL + 1, ROLL + 1 + OTHER_POLLS):
        other = replace(definition, roll=RollNumber(number), opens_at_ms=later, closes_at_ms=TimeMs(later + A_YEAR_MS))
        acts += operator.poll(other, [_key(f"voter of poll {number}").tagged])
    chain.extend(acts)


def _blocks_until(chain: Chain, state: PollState) -> None:
    while (poll := chain.replica.state.poll(POLL)) is None or poll.state is not state:
        chain.block()
