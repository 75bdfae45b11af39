"""A poll made by hand from the types of the ledger, in the state that a header commits to; and all claims about it.

Ten voters, by ascending key 0 to 9, weights 1 to 10. Voters 1, 2, 4, 5, 7 and 8 cast ballots 0 to 5; then 4 and 2 cast
another, 6 and 7. So ballots 1 (of voter 2) and 2 (of voter 4) are superseded, and six ballots count.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import TypeVar

from mvchain.core import merkle
from mvchain.core.hashing import EMPTY_HASH, sha256
from mvchain.core.types import AgencyNumber, BallotNumber, Hash, Height, PollNumber, RollNumber, TimeMs
from mvchain.ledger.block_id import BlockID, PartSetHeader
from mvchain.ledger.blocks import Header, results_hash
from mvchain.ledger.keyspace import counted_item, roll_item
from mvchain.ledger.polls import (
    Option,
    PollDefinition,
    RankedRule,
    Release,
    SingleRule,
    TieRule,
    definition_hash,
    encode_definition,
)
from mvchain.ledger.polls import (
    Question as Asked,
)
from mvchain.ledger.records import NO_HASH, Poll, PollState, Tally
from mvchain.ledger.results import accepted_ballot
from mvchain.ledger.state_tree import StateTree
from mvchain.ledger.tally import QuestionTally, TallyResult, tally_hash
from mvchain.light.documents import BriefCommit, Path
from mvchain.light.proofs import (
    Acceptance,
    Claim,
    Counted,
    Neighbour,
    NotCounted,
    OnRoll,
    PollProof,
    Question,
    Recorded,
    Result,
    Superseded,
)
from tests.light.helpers import HEIGHT, ROUND, Chain, make_blocks, make_chain, path_to, precommit, seeded

POLL = PollNumber(2)
"""Among four, of the others only the records are there."""
T = TypeVar("T")


def korean_poll() -> PollDefinition:
    """Two questions in Korean and English."""
    options = tuple(
        Option(letter, (("en", english), ("ko", korean)))
        for letter, korean, english in (("a", "따릉이", "Ttareungi"), ("b", "바람", "Baram"), ("c", "🚲", "A bicycle"))
    )
    return PollDefinition(
        agency=AgencyNumber(1),
        title=(("en", "Name of the bicycle"), ("ko", "자전거 이름")),
        description=(("ko", "서울시 공공자전거의 새 이름을 정합니다."),),
        questions=(
            Asked((("ko", "이름은?"),), (), options, SingleRule(), blank_allowed=True),
            Asked((("ko", "순서대로 고르면?"),), (), options, RankedRule(1, 3, (3, 2, 1)), blank_allowed=False),
        ),
        opens_at_ms=TimeMs(1_772_000_000_000),
        closes_at_ms=TimeMs(1_772_980_000_000),
        grace_ms=60_000,
        roll=RollNumber(2),
        revote=True,
        release=Release.AFTER_CLOSING,
        approvals=2,
        tie_rule=TieRule.EQUAL_RANK,
        min_turnout=0,
    )


VOTERS = tuple(sorted(seeded(f"poll voter {n}").tagged for n in range(10)))
CASTING = (1, 2, 4, 5, 7, 8, 4, 2)
"""Who cast ballots 0, 1, 2..."""
BALLOTS = tuple(Hash(sha256(b"ballot %d of poll 2" % number)) for number in range(len(CASTING)))
COUNTED = tuple((voter, max(n for n, caster in enumerate(CASTING) if caster == voter)) for voter in sorted({*CASTING}))
"""Voters whose ballots count, with its number, by key."""
ROLL_ITEMS = tuple(roll_item(voter, weight) for weight, voter in enumerate(VOTERS, 1))
COUNTED_ITEMS = tuple(counted_item(VOTERS[voter], BallotNumber(number)) for voter, number in COUNTED)
RESULTS = tuple(accepted_ballot(POLL, BallotNumber(n), VOTERS[voter], units=1) for n, voter in enumerate(CASTING))

DEFINITION = encode_definition(korean_poll())
TALLY = Tally(
    TallyResult(
        6,
        33,
        tuple(
            QuestionTally(question.type, blanks, totals, counts, positions)
            for question, blanks, totals, counts, positions in zip(
                korean_poll().questions,
                (5, 0),
                ((20, 8, 0), (60, 40, 20)),
                ((), (33, 30, 20)),
                ((), ((20, 5, 8), (10, 20, 0), (0, 0, 20))),
                strict=True,
            )
        ),
    ),
    None,
)
RECORD = Poll(
    agency=AgencyNumber(1),
    definition_hash=definition_hash(DEFINITION),
    state=PollState.FINAL,
    opens_at_ms=TimeMs(1_772_000_000_000),
    closes_at_ms=TimeMs(1_772_980_000_000),
    grace_ms=60_000,
    opened_at_ms=TimeMs(1_772_000_001_000),
    closed_at_ms=TimeMs(1_772_980_060_500),
    roll=RollNumber(2),
    roll_root=merkle.root(ROLL_ITEMS),
    roll_size=len(ROLL_ITEMS),
    ballots_root=merkle.root(BALLOTS),
    ballots_size=len(BALLOTS),
    counted_root=merkle.root(COUNTED_ITEMS),
    counted_size=len(COUNTED_ITEMS),
    tally_hash=tally_hash(TALLY.encode()),
    disputed=False,
    pending=(),
)
OPEN = replace(
    RECORD, state=PollState.OPEN, closed_at_ms=TimeMs(0), counted_root=NO_HASH, counted_size=0, tally_hash=NO_HASH
)
"""The same poll while it was open."""
EMPTY = replace(RECORD, ballots_root=EMPTY_HASH, ballots_size=0, counted_root=EMPTY_HASH, counted_size=0)
"""A poll in which nobody cast a ballot."""


def signed(chain: Chain, header: Header, signers: Iterable[int] | None = None, **other: object) -> BriefCommit:
    """The commit of just enough validators, or of these; `other` names what they sign instead."""
    parts = PartSetHeader(1, sha256(header.hash()))
    block_id = BlockID(header.hash(), parts)
    if signers is None:
        signers = range(len(chain.keys) * 2 // 3 + 1)
    return BriefCommit(ROUND, parts, tuple(precommit(chain, i, block_id, header.height, **other) for i in signers))


@cache
def state_with(record: bytes, number: PollNumber = POLL) -> StateTree:
    """The state with this record of the poll, and other records."""
    polls = [RECORD.encode() + bytes([other]) for other in range(4)]
    polls[number - 1] = record
    return StateTree({"polls": polls, "chain": [b"the chain"], "rolls": [b"roll 1", b"roll 2"]})


def header_over(chain: Chain, app_hash: bytes, height: Height = HEIGHT, **changes: object) -> Header:
    """A header of the chain that commits to this state."""
    header = make_blocks(chain, 7).header
    return replace(header, app_hash=app_hash, height=height, **changes)  # type: ignore[arg-type]


def path_of(proof: merkle.Proof) -> Path:
    return Path(proof.index, proof.total, tuple(Hash(aunt) for aunt in proof.aunts))


def prove(claim: Claim, record: Poll = RECORD, chain: Chain | None = None) -> PollProof:
    """A good proof of the claim, if the record bears it out."""
    chain = chain or make_chain()
    state = state_with(record.encode())
    in_store, in_state = state.prove("polls", POLL)
    header = header_over(chain, state.app_hash)
    return PollProof(
        chain_id=chain.genesis.chain_id,
        header=header,
        commit=signed(chain, header),
        validators=tuple(validator.public_key for validator in chain.validators),
        poll=POLL,
        record=record.encode(),
        record_path=path_of(in_store.proof),
        store_path=path_of(in_state.proof),
        claim=claim,
    )


# --- claims that the record bears out ---


def on_roll(voter: int) -> OnRoll:
    return OnRoll(VOTERS[voter], voter + 1, path_to(ROLL_ITEMS, voter))


def recorded(size: int) -> Recorded:
    hashes = [merkle.leaf_hash(ballot) for ballot in BALLOTS]
    return Recorded(
        size, merkle.root(BALLOTS[:size]), merkle.consistency_proof(merkle.root_in(hashes), size, len(BALLOTS))
    )


def place_of(voter: int) -> int:
    """Of a voter whose ballot counts, among those."""
    return [one for one, _ in COUNTED].index(voter)


def counted(number: int) -> Counted:
    """Of a ballot of that number, with the leaf of its voter."""
    voter = CASTING[number]
    return Counted(
        ballot=BALLOTS[number],
        number=BallotNumber(number),
        voter=VOTERS[voter],
        ballot_path=path_to(BALLOTS, number),
        counted_path=path_to(COUNTED_ITEMS, place_of(voter)),
    )


def acceptance(number: int, chain: Chain | None = None, **changes: object) -> Acceptance:
    """That a ballot is its voter's, in a header that follows a block with all ballots."""
    chain = chain or make_chain()
    header = header_over(chain, bytes(32), Height(HEIGHT - 20), last_results_hash=results_hash(RESULTS), **changes)
    return Acceptance(path_to([one.encode() for one in RESULTS], number), 1, header, signed(chain, header))


def superseded(number: int, chain: Chain | None = None) -> Superseded:
    later = dict(COUNTED)[CASTING[number]]
    return Superseded(counted(number), BallotNumber(later), acceptance(number, chain))


def neighbour(place: int) -> Neighbour:
    """The voter at this place among those whose ballots count."""
    voter, number = COUNTED[place]
    return Neighbour(VOTERS[voter], BallotNumber(number), path_to(COUNTED_ITEMS, place))


def not_counted(voter: int) -> NotCounted:
    """Of a voter who cast no ballot."""
    before = [place for place, (other, _) in enumerate(COUNTED) if other < voter]
    after = [place for place, (other, _) in enumerate(COUNTED) if other > voter]
    return NotCounted(
        VOTERS[voter],
        neighbour(before[-1]) if before else None,
        neighbour(after[0]) if after else None,
    )


QUESTION = Question(DEFINITION)
RESULT = Result(DEFINITION, TALLY.encode())


def good_proofs(chain: Chain | None = None) -> dict[str, PollProof]:
    """One of each kind, and of each kind of place."""
    found: dict[str, tuple[Claim, Poll]] = {
        "question": (QUESTION, RECORD),
        "question of an open poll": (QUESTION, OPEN),
        "result": (RESULT, RECORD),
        **{f"voter {voter} on the roll": (on_roll(voter), OPEN) for voter in (0, 4, 9)},
        **{f"{size} ballots recorded": (recorded(size), OPEN) for size in (1, 3, 4, 7, 8)},
        **{f"ballot {number} counted": (counted(number), RECORD) for number in (0, 3, 7)},
        **{f"ballot {number} superseded": (superseded(number, chain), RECORD) for number in (1, 2)},
        **{f"voter {voter} without a ballot": (not_counted(voter), RECORD) for voter in (0, 3, 6, 9)},
        "nobody's ballot counted": (NotCounted(VOTERS[5], None, None), EMPTY),
    }
    return {name: prove(claim, record, chain) for name, (claim, record) in found.items()}
