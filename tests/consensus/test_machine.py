"""The machine step by step: what one node does at height 1 with four validators; the lines are the paper's.

Every table has rows of a description, an input and the effects that it must have, in order. Validator i
proposes in round i. Rounds wait 1000 + 500 r ms for proposals and 300 + 300 r ms for the rest (N2).
"""

import pytest

from mvchain.consensus.effects import (
    Decide,
    Diverged,
    DuplicateProposal,
    Effect,
    MakeProposal,
    Misbehaviour,
    NeedBlock,
    Precommit,
    Prevote,
    RoundStarted,
    ScheduleTimeout,
    TimeoutKind,
)
from mvchain.consensus.inputs import BlockReady, Input, Start, WorkWaiting
from mvchain.consensus.machine import Machine, Phase
from mvchain.core.types import Address, Height, Round
from mvchain.ledger.block_id import BlockID
from tests.consensus.helpers import (
    FOUR,
    NIL,
    PARAMS,
    A,
    B,
    C,
    Node,
    elapsed,
    precommit,
    prevote,
    propose,
    ready,
    validator_set,
)

PROPOSE, PREVOTE, PRECOMMIT = TimeoutKind.PROPOSE, TimeoutKind.PREVOTE, TimeoutKind.PRECOMMIT
Row = tuple[str, Input, list[Effect]]


def machine(me: int | None = 3, height: int = 1) -> Machine:
    return Machine(Height(height), FOUR, None if me is None else FOUR[me].address, PARAMS)


def begin(round_: int) -> list[Effect]:
    return [RoundStarted(Round(round_)), timer(PROPOSE, round_, 1000 + 500 * round_)]


def timer(kind: TimeoutKind, round_: int, duration_ms: int) -> ScheduleTimeout:
    return ScheduleTimeout(kind, Round(round_), duration_ms)


def prevotes(round_: int, block_id: BlockID) -> Prevote:
    return Prevote(Round(round_), block_id)


def precommits(round_: int, block_id: BlockID) -> Precommit:
    return Precommit(Round(round_), block_id)


START: Row = ("start", Start(wait=False), begin(0))

TO_PRECOMMIT_A: list[Row] = [
    START,
    ("a proposal; its block is asked for", propose(0, A), [NeedBlock(A)]),
    ("L22-L24: the block is here and valid", ready(A), [prevotes(0, A)]),
    ("one prevote", prevote(0, 0, A), []),
    ("two", prevote(1, 0, A), []),
    ("L36-L43: 2f+1, the own one among them", prevote(3, 0, A), [precommits(0, A)]),
]
TO_ROUND_1_LOCKED_ON_A: list[Row] = [
    *TO_PRECOMMIT_A,
    ("own", precommit(3, 0, A), []),
    ("nil", precommit(0, 0, NIL), []),
    ("L47-L48: 2f+1 of any kind", precommit(1, 0, NIL), [timer(PRECOMMIT, 0, 300)]),
    ("L65-L67", elapsed(PRECOMMIT, 0), begin(1)),
]
TO_PREVOTE_NIL: list[Row] = [START, ("L57-L60", elapsed(PROPOSE, 0), [prevotes(0, NIL)])]

TABLES: dict[str, tuple[int | None, list[Row]]] = {
    "decision in round 0": (
        3,
        [
            *TO_PRECOMMIT_A,
            ("one precommit", precommit(0, 0, A), []),
            ("two", precommit(1, 0, A), []),
            ("L49-L51: 2f+1; no timer is armed any more", precommit(3, 0, A), [Decide(Round(0), A)]),
            ("late", precommit(2, 0, A), []),
            ("late", elapsed(PROPOSE, 0), []),
            ("late", elapsed(PRECOMMIT, 0), []),
            ("late, of a later round", prevote(0, 5, B), []),
            ("late, of a later round", prevote(1, 5, B), []),
            ("late", propose(1, B), []),
            ("late but still evidence", precommit(2, 0, B), [
                Misbehaviour(precommit(2, 0, A).endorsement, precommit(2, 0, B).endorsement)
            ]),
        ],
    ),
    "L14-L19: the proposer makes a block, and has a timer too (K1)": (
        0,
        [
            ("start", Start(wait=False), [
                RoundStarted(Round(0)), MakeProposal(Round(0), None, Round(-1)), timer(PROPOSE, 0, 1000)
            ]),
            ("own block", ready(A), []),
            ("own proposal", propose(0, A), [prevotes(0, A)]),
        ],
    ),
    "L21: without a proposal there is a nil prevote, once": (
        3, [*TO_PREVOTE_NIL, ("again", elapsed(PROPOSE, 0), []), ("too late", propose(0, A), [NeedBlock(A)]),
            ("too late to prevote it", ready(A), [])],
    ),
    "the block comes before the proposal": (
        3, [START, ("block", ready(A), []), ("L22-L24", propose(0, A), [prevotes(0, A)])],
    ),
    "the first verdict on a block counts": (
        3, [START, ("valid", ready(A), []), ("invalid", BlockReady(A, valid=False), []),
            ("L22-L24", propose(0, A), [prevotes(0, A)])],
    ),
    "L26: an invalid block": (
        3, [START, ("proposal", propose(0, A), [NeedBlock(A)]),
            ("L25-L26", BlockReady(A, valid=False), [prevotes(0, NIL)])],
    ),
    "a block never comes": (
        3, [START, ("proposal", propose(0, A), [NeedBlock(A)]), ("again", propose(0, A), []),
            ("L57-L60", elapsed(PROPOSE, 0), [prevotes(0, NIL)])],
    ),
    "K8: a block from the future gets a nil prevote, and is decided all the same": (
        3,
        [
            START,
            ("proposal", propose(0, A), [NeedBlock(A)]),
            ("ahead of the own clock", BlockReady(A, valid=True, timely=False), [prevotes(0, NIL)]),
            ("own", prevote(3, 0, NIL), []),
            ("prevote", prevote(0, 0, A), []),
            ("2f+1 of any kind", prevote(1, 0, A), [timer(PREVOTE, 0, 300)]),
            ("L36: f+1 correct clocks found it timely", prevote(2, 0, A), [precommits(0, A)]),
        ],
    ),
    "K8: with 2f+1 prevotes behind it, the own clock does not matter": (
        3,
        [
            *TO_PREVOTE_NIL,
            ("of 0", prevote(0, 0, A), []), ("of 1", prevote(1, 0, A), []),
            ("of 2; L36 waits for the block", prevote(2, 0, A), [timer(PREVOTE, 0, 300), NeedBlock(A)]),
            ("L61-L64", elapsed(PREVOTE, 0), [precommits(0, NIL)]),
            ("later round", prevote(0, 1, NIL), []),
            ("L55", precommit(1, 1, NIL), begin(1)),
            ("proposal with its quorum", propose(1, A, 0), [NeedBlock(A)]),
            ("L28-L30", BlockReady(A, valid=True, timely=False), [prevotes(1, A)]),
        ],
    ),
    "L34-L35, L61-L64: prevotes that do not agree": (
        3,
        [
            *TO_PREVOTE_NIL,
            ("own", prevote(3, 0, NIL), []),
            ("block", prevote(0, 0, A), []),
            ("L34: 2f+1 of any kind", prevote(1, 0, NIL), [timer(PREVOTE, 0, 300)]),
            ("L34: only the first time", prevote(2, 0, A), []),
            ("L61-L64", elapsed(PREVOTE, 0), [precommits(0, NIL)]),
            ("once", elapsed(PREVOTE, 0), []),
        ],
    ),
    "L34 waits for the step prevote": (
        3,
        [
            START,
            ("of 0", prevote(0, 0, NIL), []), ("of 1", prevote(1, 0, A), []), ("of 2", prevote(2, 0, B), []),
            ("L57-L60, then L34", elapsed(PROPOSE, 0), [prevotes(0, NIL), timer(PREVOTE, 0, 300)]),
        ],
    ),
    "L44-L46: 2f+1 nil prevotes": (
        3,
        [*TO_PREVOTE_NIL, ("own", prevote(3, 0, NIL), []), ("of 0", prevote(0, 0, NIL), []),
         ("L44", prevote(1, 0, NIL), [precommits(0, NIL)]), ("once", prevote(2, 0, NIL), [])],
    ),
    "L47-L48 in any step, L65-L67 to the next proposer": (
        1,
        [
            START,
            ("of 0", precommit(0, 0, NIL), []), ("of 2", precommit(2, 0, NIL), []),
            ("L47 while in step propose", precommit(3, 0, NIL), [timer(PRECOMMIT, 0, 300)]),
            ("L65-L67, L14-L19", elapsed(PRECOMMIT, 0), [
                RoundStarted(Round(1)), MakeProposal(Round(1), None, Round(-1)), timer(PROPOSE, 1, 1500)
            ]),
            ("late timers", elapsed(PRECOMMIT, 0), []), ("late timers", elapsed(PROPOSE, 0), []),
            ("late prevote", prevote(0, 0, NIL), []),
        ],
    ),
    "timers of later rounds wait longer (N2)": (
        3,
        [
            START,
            ("later round", prevote(0, 6, NIL), []), ("L55-L56", prevote(1, 6, NIL), begin(6)),
            ("L57-L60", elapsed(PROPOSE, 6), [prevotes(6, NIL)]),
            ("L34-L35", prevote(2, 6, A), [timer(PREVOTE, 6, 2100)]),
            ("of 0", precommit(0, 6, NIL), []), ("of 1", precommit(1, 6, NIL), []),
            ("L47-L48", precommit(2, 6, NIL), [timer(PRECOMMIT, 6, 2100)]),
        ],
    ),
    "L36: the block comes after the quorum of prevotes, in time": (
        3,
        [
            *TO_PREVOTE_NIL,
            ("own", prevote(3, 0, NIL), []), ("of 0", prevote(0, 0, A), []),
            ("any", prevote(1, 0, A), [timer(PREVOTE, 0, 300)]),
            ("K2: a quorum without the proposal", prevote(2, 0, A), [NeedBlock(A)]),
            ("L36-L43", ready(A), [precommits(0, A)]),
        ],
    ),
    "L36: an invalid block is not locked, whoever prevoted it": (
        3,
        [
            START, ("proposal", propose(0, A), [NeedBlock(A)]),
            ("L26", BlockReady(A, valid=False), [prevotes(0, NIL)]),
            ("of 0", prevote(0, 0, A), []), ("of 1", prevote(1, 0, A), []),
            ("no L36, but L34", prevote(2, 0, A), [timer(PREVOTE, 0, 300)]),
            ("L61-L64", elapsed(PREVOTE, 0), [precommits(0, NIL)]),
        ],
    ),
    "L26: locked on another block": (
        3, [*TO_ROUND_1_LOCKED_ON_A, ("proposal", propose(1, B), [NeedBlock(B)]),
            ("L26", ready(B), [prevotes(1, NIL)])],
    ),
    "L23: locked on the same block": (
        3, [*TO_ROUND_1_LOCKED_ON_A, ("L23-L24", propose(1, A), [prevotes(1, A)])],
    ),
    "L28: no answer before the quorum that the proposal refers to": (
        3,
        [
            START,
            ("later round", prevote(0, 1, NIL), []), ("L55", prevote(1, 1, NIL), begin(1)),
            ("proposal", propose(1, A, 0), [NeedBlock(A)]), ("block", ready(A), []),
            ("of round 0", prevote(0, 0, A), []), ("of round 0", prevote(1, 0, A), []),
            ("for another block", prevote(3, 0, B), []),
            ("L28-L30", prevote(2, 0, A), [prevotes(1, A)]),
        ],
    ),
    "L29: a lock of an earlier round gives way": (
        3,
        [
            *TO_ROUND_1_LOCKED_ON_A,
            ("later round", precommit(0, 2, NIL), []), ("L55", precommit(1, 2, NIL), begin(2)),
            ("B had 2f+1 prevotes in round 1", prevote(0, 1, B), []), ("B", prevote(1, 1, B), []),
            ("B", prevote(2, 1, B), []),
            ("proposal", propose(2, B, 1), [NeedBlock(B)]),
            ("L29-L30: lockedRound 0 <= vr 1", ready(B), [prevotes(2, B)]),
        ],
    ),
    "L31-L32: a lock of a later round does not": (
        3,
        [
            START,
            ("B has 2f+1 prevotes in round 0, unseen by L36", prevote(0, 0, B), []),
            ("B", prevote(1, 0, B), []), ("B", prevote(2, 0, B), [NeedBlock(B)]),
            ("later round", precommit(0, 1, NIL), []), ("L55", precommit(1, 1, NIL), begin(1)),
            ("proposal", propose(1, A), [NeedBlock(A)]), ("L24", ready(A), [prevotes(1, A)]),
            ("A", prevote(0, 1, A), []), ("A", prevote(1, 1, A), []),
            ("lock A in round 1", prevote(2, 1, A), [precommits(1, A)]),
            ("later round", precommit(0, 2, NIL), []), ("L55", precommit(1, 2, NIL), begin(2)),
            ("proposal", propose(2, B, 0), [NeedBlock(B)]),
            ("L32: lockedRound 1 > vr 0", ready(B), [prevotes(2, NIL)]),
        ],
    ),
    "L28: proposals whose pol_round cannot be are left out": (
        3, [START, ("vr = r", propose(0, A, 0), []), ("vr > r", propose(0, A, 7), []),
            ("vr < -1", propose(0, A, -2), []), ("nil", propose(0, NIL), []),
            ("a good one still counts", propose(0, A), [NeedBlock(A)])],
    ),
    "L42: after the own precommit, the block is the valid one but not locked": (
        1,
        [
            *TO_PREVOTE_NIL,
            ("own", prevote(1, 0, NIL), []), ("of 0", prevote(0, 0, A), []),
            ("any", prevote(2, 0, A), [timer(PREVOTE, 0, 300)]),
            ("L61-L64", elapsed(PREVOTE, 0), [precommits(0, NIL)]),
            ("quorum", prevote(3, 0, A), [NeedBlock(A)]), ("L42-L43", ready(A), []),
            ("later round", precommit(2, 1, NIL), []),
            ("L15-L16, L19: it is proposed again", precommit(3, 1, NIL), [
                RoundStarted(Round(1)), MakeProposal(Round(1), A, Round(0)), timer(PROPOSE, 1, 1500)
            ]),
        ],
    ),
    "L49: a block of an earlier round is decided later": (
        3,
        [
            *TO_PRECOMMIT_A,
            ("own", precommit(3, 0, A), []), ("of 0", precommit(0, 0, A), []),
            ("L47-L48", precommit(1, 0, NIL), [timer(PRECOMMIT, 0, 300)]),
            ("L65-L67", elapsed(PRECOMMIT, 0), begin(1)),
            ("another block in round 1", propose(1, B), [NeedBlock(B)]),
            ("L49-L51 for round 0", precommit(2, 0, A), [Decide(Round(0), A)]),
        ],
    ),
    "L49: precommits first, then the block, then the decision; no proposal (K2)": (
        3,
        [
            START,
            ("of 0", precommit(0, 0, A), []), ("of 1", precommit(1, 0, A), []),
            ("of 2", precommit(2, 0, A), [timer(PRECOMMIT, 0, 300), NeedBlock(A)]),
            ("the round goes by", elapsed(PRECOMMIT, 0), begin(1)),
            ("L49-L51 for round 0", ready(A), [Decide(Round(0), A)]),
            ("no more blocks are asked for", propose(1, B), []),
        ],
    ),
    "L49: precommits of a later round": (
        3,
        [
            START,
            ("of 0", precommit(0, 4, A), []), ("L55", precommit(1, 4, A), begin(4)),
            ("L47", precommit(2, 4, A), [timer(PRECOMMIT, 4, 1500), NeedBlock(A)]),
            ("L49-L51", ready(A), [Decide(Round(4), A)]),
        ],
    ),
    "K9: others decide what is invalid here": (
        3,
        [
            START,
            ("proposal", propose(0, A), [NeedBlock(A)]), ("L26", BlockReady(A, False), [prevotes(0, NIL)]),
            ("of 0", precommit(0, 0, A), []), ("of 1", precommit(1, 0, A), []),
            ("of 2", precommit(2, 0, A), [Diverged(Round(0), A)]),
            ("silent for ever", elapsed(PROPOSE, 0), []), ("silent", propose(1, B), []),
        ],
    ),
    "L55: f+1 of any message in a later round": (
        3,
        [
            START,
            ("a proposal is a message of its proposer", propose(2, A), []),
            ("the same sender again", prevote(2, 2, A), []),
            ("an earlier round of another", precommit(0, 1, NIL), begin(1)),
            ("K5: who passed it counts too", prevote(1, 2, NIL), [*begin(2), NeedBlock(A)]),
        ],
    ),
    "L55: not back, and not for one": (
        3, [START, ("far ahead", prevote(0, 9, A), []), ("again", precommit(0, 900_000, A), []),
            ("beyond any round", precommit(1, 1_000_001, A), []), ("present", prevote(1, 0, NIL), []),
            ("present", prevote(2, 0, NIL), [])],
    ),
    "the first proposal of a round counts": (
        3,
        [
            START,
            ("first", propose(0, A), [NeedBlock(A)]),
            ("second", propose(0, B), [DuplicateProposal(propose(0, A).proposal, propose(0, B).proposal)]),
            ("third", propose(0, C), []),
            ("block of the second", ready(B), []), ("block of the first", ready(A), [prevotes(0, A)]),
        ],
    ),
    "N2: waiting ends with work, once": (
        3, [("start", Start(wait=True), []), ("no timers", elapsed(PROPOSE, 0), []),
            ("no timers", elapsed(PRECOMMIT, 0), []),
            ("work", WorkWaiting(), begin(0)), ("more work", WorkWaiting(), []),
            ("start again", Start(wait=True), []), ("start again", Start(wait=False), [])],
    ),
    "N2: waiting ends with a valid proposal": (
        3, [("start", Start(wait=True), []), ("proposal", propose(0, A), [NeedBlock(A)]),
            ("L22-L24", ready(A), [*begin(0), prevotes(0, A)])],
    ),
    "N2: an invalid proposal does not end it, nor does one validator": (
        3, [("start", Start(wait=True), []), ("proposal", propose(0, A), [NeedBlock(A)]),
            ("invalid", BlockReady(A, valid=False), []), ("the same sender", prevote(0, 0, A), []),
            ("the same sender", precommit(0, 0, A), []),
            ("f+1", prevote(1, 0, NIL), [*begin(0), prevotes(0, NIL)])],
    ),
    "N2: f+1 in a later round lead there": (
        3, [("start", Start(wait=True), []), ("of 0", prevote(0, 2, A), []),
            ("of 1", prevote(1, 3, A), [*begin(0), *begin(2)])],
    ),
    "what comes before the start is kept": (
        3,
        [
            ("not begun", WorkWaiting(), []),
            ("proposal", propose(0, A), [NeedBlock(A)]), ("block", ready(A), []),
            ("of 0", precommit(0, 0, A), []), ("of 1", precommit(1, 0, A), []),
            ("of 2", precommit(2, 0, A), []),
            ("start", Start(wait=False), [*begin(0), Decide(Round(0), A)]),
        ],
    ),
    "a node that is no validator follows, and signs nothing": (
        None,
        [
            START,
            ("proposal", propose(0, A), [NeedBlock(A)]), ("block", ready(A), []),
            ("of 0", prevote(0, 0, A), []), ("of 1", prevote(1, 0, A), []), ("of 2", prevote(2, 0, A), []),
            ("of 0", precommit(0, 0, A), []), ("of 1", precommit(1, 0, A), []),
            ("L49", precommit(2, 0, A), [Decide(Round(0), A)]),
        ],
    ),
    "messages of other heights are left out": (
        3, [START, ("proposal", propose(0, A, height=2), []), ("of 0", prevote(0, 3, A, height=2), []),
            ("of 1", prevote(1, 3, A, height=2), [])],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_step_table(name: str) -> None:
    me, rows = TABLES[name]
    under_test = machine(me)
    for number, (description, event, expected) in enumerate(rows):
        assert under_test.step(event) == expected, f"row {number}: {description}"


def test_l36_locks_and_l42_does_not() -> None:
    locked, valid = machine(3), machine(1)
    for _, event, _ in TO_PRECOMMIT_A:
        locked.step(event)
    for _, event, _ in TABLES["L42: after the own precommit, the block is the valid one but not locked"][1]:
        valid.step(event)
    assert (locked.locked_block, locked.locked_round, locked.valid_block, locked.valid_round) == (A, 0, A, 0)
    assert (valid.locked_block, valid.locked_round, valid.valid_block, valid.valid_round) == (None, -1, A, 0)


def test_an_address_outside_the_set_is_never_asked_to_sign() -> None:
    stranger = Machine(Height(1), FOUR, Address(bytes(20)), PARAMS)
    assert stranger.step(Start(wait=False)) == begin(0)
    assert stranger.step(elapsed(PROPOSE, 0)) == []
    assert stranger.phase is Phase.PREVOTE


def test_one_validator_decides_alone() -> None:
    alone = validator_set(1)
    node = Node(0, alone)
    node.start()
    assert node.decision is not None


def test_the_proposer_rotates_with_height_and_round() -> None:
    """C80: validators by address, (height - 1 + round) mod n."""
    for height in range(1, 10):
        for me in range(4):
            under_test = machine(me, height)
            proposes = any(isinstance(e, MakeProposal) for e in under_test.step(Start(wait=False)))
            assert proposes == (me == (height - 1) % 4)


def test_blocks_names_what_may_still_be_needed() -> None:
    under_test = machine(3)
    for _, event, _ in TO_ROUND_1_LOCKED_ON_A:
        under_test.step(event)
    assert under_test.blocks == {A}
    under_test.step(propose(1, B))
    assert under_test.blocks == {A, B}
    under_test.step(prevote(0, 40, NIL))
    under_test.step(prevote(1, 40, NIL))
    assert under_test.round == 40
    assert under_test.blocks == {A}, "the lock stays, a proposal of 39 rounds ago does not"


def test_a_block_that_was_let_go_is_asked_for_again() -> None:
    under_test = machine(3)
    for event in (Start(wait=False), propose(0, A), ready(A), prevote(0, 40, NIL), prevote(1, 40, NIL)):
        under_test.step(event)
    assert under_test.blocks == frozenset()
    assert NeedBlock(A) in under_test.step(propose(40, A))
