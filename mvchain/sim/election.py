"""What the simulated nodes work on: a chain of n agencies, and one poll from the roll to the tally."""

from collections.abc import Sequence
from typing import Final

from mvchain.core.keys import SigningKey
from mvchain.core.merkle import root
from mvchain.core.types import AgencyNumber, Hash, PollNumber, RollNumber, TaggedKey, TimeMs
from mvchain.ledger import keyspace
from mvchain.ledger.genesis import ConsensusParams, Genesis, make_entry
from mvchain.ledger.polls import (
    Option,
    PollDefinition,
    Question,
    Release,
    SingleRule,
    TieRule,
    definition_hash,
    encode_definition,
)
from mvchain.ledger.registration import registration_proof
from mvchain.ledger.transactions import (
    NO_CONTEXT,
    Ballot,
    OperatorRegister,
    Payload,
    PollClose,
    PollRegister,
    Role,
    RollAppend,
    RollCreate,
    RollSeal,
    make_transaction,
)

START_MS: Final = 1_700_000_000_000
"""The wall clock at the start of every run, in milliseconds since the epoch."""
OPTIONS: Final = 3
DEFAULT_PARAMS: Final = ConsensusParams()


def key_of(name: str) -> SigningKey:
    """The same key for the same name, in every run; the name has at most 32 bytes."""
    return SigningKey.from_seed(name.encode().ljust(32, b"."))


def make_genesis(n: int, params: ConsensusParams = DEFAULT_PARAMS) -> Genesis:
    """A chain of n agencies whose keys are those of `key_of("validator1")` and so on."""
    entries = tuple(
        make_entry(
            "test",
            AgencyNumber(i),
            (f"기관 {i}", f"Agency {i}"),
            agency_key=key_of(f"agency{i}"),
            validator_key=key_of(f"validator{i}"),
            node_key=key_of(f"node{i}"),
            approvals=1,
        )
        for i in range(1, n + 1)
    )
    return Genesis("test", TimeMs(START_MS), entries, params)


def roll_root(entries: Sequence[tuple[TaggedKey, int]]) -> Hash:
    """RFC 6962 root over key and weight, as the sealer of a roll computes it."""
    return root([keyspace.roll_item(key, weight) for key, weight in entries])


class Election:
    """A poll of one question, from the roll to the tally, as signed transactions of agency 1."""

    POLL = PollNumber(1)

    def __init__(self, genesis: Genesis, voters: int = 5, open_ms: int = 3_600_000) -> None:
        self.genesis = genesis
        self.voters = [key_of(f"voter{i}") for i in range(voters)]
        entries = sorted((voter.tagged, 1) for voter in self.voters)
        operator = key_of("operator")
        proof = registration_proof(operator, genesis.hash, AgencyNumber(1), Role.OPERATOR)
        options = tuple(Option(letter, (("en", letter),)) for letter in "abc"[:OPTIONS])
        self.definition = PollDefinition(
            agency=AgencyNumber(1),
            title=(("en", "Park"),),
            description=(),
            questions=(Question((("en", "Which?"),), (), options, SingleRule(), blank_allowed=True),),
            opens_at_ms=TimeMs(START_MS),
            closes_at_ms=TimeMs(START_MS + open_ms),
            grace_ms=100,
            roll=RollNumber(1),
            revote=True,
            release=Release.AFTER_CLOSING,
            approvals=1,
            tie_rule=TieRule.EQUAL_RANK,
            min_turnout=0,
        )
        encoded = encode_definition(self.definition)
        self.context = definition_hash(encoded)
        self.operator = operator
        self.set_up = (
            self.signed(OperatorRegister(1, operator.tagged, proof), key_of("agency1")),
            self.signed(RollCreate(1, "voters"), operator),
            self.signed(RollAppend(2, RollNumber(1), b"".join(key for key, _ in entries), ()), operator),
            self.signed(RollSeal(3, RollNumber(1), roll_root(entries), voters), operator),
            self.signed(PollRegister(4, PollNumber(0), encoded), operator),
        )
        self.close = self.signed(PollClose(5, self.POLL, "all have cast"), operator)

    def ballot(self, voter: int, answer: int | None = 0, revision: int = 0) -> bytes:
        """The ballot of one voter."""
        return self.signed(Ballot(self.POLL, revision, (answer,)), self.voters[voter], self.context)

    def signed(self, payload: Payload, key: SigningKey, context: Hash = NO_CONTEXT) -> bytes:
        """A transaction for this chain."""
        return make_transaction(payload, key, self.genesis.hash, context)
