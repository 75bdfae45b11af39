"""Whether a validator may sign after a start (N4)."""

import pytest

from mvchain.core.errors import BadProof
from mvchain.core.keys import Purpose
from mvchain.core.types import Height, Round, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.blocks import Commit
from mvchain.ledger.commits import commit_from_precommits, precommits_of
from mvchain.ledger.endorsements import (
    NO_ROUND,
    Endorsement,
    Kind,
    Proposal,
    endorsement_sign_bytes,
    proposal_sign_bytes,
)
from mvchain.ledger.validators import Validator, ValidatorSet, address_of
from mvchain.node.ports import STEP_PRECOMMIT, STEP_PREVOTE, STEP_PROPOSE, Position, position_of
from mvchain.node.rejoin import SILENT_HEIGHTS, Rejoin, Verdict
from tests.ledger.state_helpers import key_of

CHAIN = "test-chain"
KEYS = [key_of(f"validator{i}") for i in range(4)]
VALIDATORS = ValidatorSet(tuple(Validator(key.public) for key in KEYS))
ME, *OTHERS = [address_of(key.public) for key in KEYS]
BLOCK = BlockID(b"b" * 32, PartSetHeader(1, b"p" * 32))
AT_ONCE = Verdict(Height(0), None)


def endorsement(kind: Kind, height: int, round_: int, signer: int = 0, block: BlockID = BLOCK) -> Endorsement:
    message = endorsement_sign_bytes(kind, height, round_, block, TimeNs(5), CHAIN)
    found = VALIDATORS.by_address(address_of(KEYS[signer].public))
    assert found is not None
    signature = KEYS[signer].sign(Purpose.CONSENSUS, message)
    return Endorsement(kind, Height(height), Round(round_), block, TimeNs(5), found[1].address, found[0], signature)


def proposal(height: int, round_: int, signer: int = 0) -> bytes:
    message = proposal_sign_bytes(height, round_, NO_ROUND, BLOCK, TimeNs(5), CHAIN)
    signature = KEYS[signer].sign(Purpose.CONSENSUS, message)
    return Proposal(Height(height), Round(round_), NO_ROUND, BLOCK, TimeNs(5), signature).encode()


def make(guard: Position | None, *commits: Commit) -> Rejoin:
    committed = [precommit for commit in commits for precommit in precommits_of(commit) if precommit.address == ME]
    return Rejoin(key=KEYS[0].public, chain_id=CHAIN, guard=guard, committed=committed)


def test_a_lone_validator_asks_nobody() -> None:
    alone = ValidatorSet((Validator(KEYS[0].public),))
    assert make(Position(3, 0, STEP_PRECOMMIT)).verdict(Height(4), alone) == AT_ONCE


def test_it_waits_for_a_quorum_of_answers_with_itself() -> None:
    rejoin = make(Position(3, 0, STEP_PRECOMMIT))
    stranger = address_of(key_of("stranger").public)
    for answerer in (OTHERS[0], OTHERS[0], stranger, ME):
        assert rejoin.verdict(Height(4), VALIDATORS) is None
        rejoin.answer(answerer, [], [])
    assert rejoin.verdict(Height(4), VALIDATORS) is None
    rejoin.answer(OTHERS[1], [], [])
    assert rejoin.verdict(Height(4), VALIDATORS) == AT_ONCE


GUARD = Position(7, 1, STEP_PREVOTE)


@pytest.mark.parametrize(
    ("proposals", "endorsements", "beyond"),
    [
        ([], [endorsement(Kind.PREVOTE, 7, 1)], None),
        ([proposal(7, 1)], [endorsement(Kind.PRECOMMIT, 6, 5)], None),
        ([], [endorsement(Kind.PRECOMMIT, 7, 1)], Position(7, 1, STEP_PRECOMMIT)),
        ([], [endorsement(Kind.PREVOTE, 7, 2, block=NIL_BLOCK_ID)], Position(7, 2, STEP_PREVOTE)),
        ([proposal(7, 2)], [], Position(7, 2, STEP_PROPOSE)),
        ([proposal(8, 0)], [endorsement(Kind.PREVOTE, 7, 9)], Position(8, 0, STEP_PROPOSE)),
        ([proposal(9, 0, signer=1)], [endorsement(Kind.PRECOMMIT, 9, 0, signer=1)], None),
    ],
)
def test_what_lies_beyond_the_guard_silences(
    proposals: list[bytes], endorsements: list[Endorsement], beyond: Position | None
) -> None:
    """Only what this key has signed, and only beyond the guard: foreign messages prove nothing."""
    rejoin = make(GUARD)
    rejoin.answer(OTHERS[0], proposals, [item.encode() for item in endorsements])
    rejoin.answer(OTHERS[1], [], [])
    verdict = rejoin.verdict(Height(7), VALIDATORS)
    if beyond is None:
        assert verdict == AT_ONCE
    else:
        assert verdict is not None
        assert verdict.silent_until == beyond.height + SILENT_HEIGHTS - 1
        assert verdict.beyond is not None
        assert position_of(verdict.beyond) == beyond


def test_without_a_guard_it_counts_from_where_the_node_is_when_it_knows() -> None:
    """Blocks fetched while it asked count too: ten heights from there."""
    rejoin = make(None)
    for other in OTHERS:
        rejoin.answer(other, [], [])
    assert rejoin.verdict(Height(5), VALIDATORS) == Verdict(Height(14), None)
    assert rejoin.verdict(Height(1_000), VALIDATORS) == Verdict(Height(1_009), None)


def test_its_own_blocks_tell_what_it_signed() -> None:
    """The store is newer than the guard: a restored guard file."""
    precommits = [endorsement(Kind.PRECOMMIT, 9, 0, signer=i) for i in range(4)]
    commit = commit_from_precommits(Height(9), Round(0), BLOCK, VALIDATORS, precommits)
    for guard, expected in (
        (Position(9, 0, STEP_PRECOMMIT), AT_ONCE),
        (Position(9, 0, STEP_PREVOTE), Verdict(Height(19), precommits[0])),
    ):
        rejoin = make(guard, commit)
        for other in OTHERS:
            rejoin.answer(other, [], [])
        assert rejoin.verdict(Height(10), VALIDATORS) == expected


def test_malformed_answers_are_refused() -> None:
    rejoin = make(GUARD)
    with pytest.raises(BadProof):
        rejoin.answer(OTHERS[0], [b"x"], [])
    with pytest.raises(BadProof):
        rejoin.answer(OTHERS[0], [], [endorsement(Kind.PREVOTE, 7, 1).encode()[:-1]])
