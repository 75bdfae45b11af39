"""Proofs about a poll that are made up, or put together from good ones, each with the code that refuses it (L10)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mvchain.core import codes, merkle
from mvchain.core.errors import Cause
from mvchain.core.types import BallotNumber, Hash, Height, PollNumber, Round, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, PartSetHeader
from mvchain.ledger.blocks import results_hash
from mvchain.ledger.endorsements import Kind
from mvchain.ledger.keyspace import roll_item
from mvchain.ledger.polls import encode_definition
from mvchain.ledger.records import PollState, Tally
from mvchain.ledger.results import accepted_ballot
from mvchain.ledger.state_tree import StateTree
from mvchain.light.documents import Path
from mvchain.light.proofs import Claim, Counted, NotCounted, OnRoll, PollProof, Question, Recorded, Result, Superseded
from tests.light.forgeries import ATTACKER, CHAIN, SAME_AGENCIES
from tests.light.helpers import HEIGHT, path_to
from tests.light.polls import (
    BALLOTS,
    COUNTED,
    COUNTED_ITEMS,
    DEFINITION,
    EMPTY,
    OPEN,
    POLL,
    RECORD,
    RESULT,
    ROLL_ITEMS,
    TALLY,
    VOTERS,
    acceptance,
    counted,
    header_over,
    korean_poll,
    neighbour,
    not_counted,
    on_roll,
    path_of,
    place_of,
    prove,
    recorded,
    signed,
    state_with,
    superseded,
)

Made = dict[str, tuple[Callable[[], PollProof], Cause]]
GOOD = prove(counted(3))
HEADER = GOOD.header


def claiming(claim: Claim, record: Any = RECORD) -> Callable[[], PollProof]:
    """All of it genuine but the claim."""
    return lambda: prove(claim, record)


def with_header(**changes: Any) -> PollProof:
    """Another header, signed as well by those who signed the true one."""
    header = replace(HEADER, **changes)
    return replace(GOOD, header=header, commit=signed(CHAIN, header))


def with_commit(*signers: int, **other: Any) -> PollProof:
    """Signed by these, for what they say; everything else is genuine."""
    return replace(GOOD, commit=signed(CHAIN, HEADER, signers, **other))


def record_in(proof: PollProof, record: bytes) -> PollProof:
    """The proof with another record, in a state and a signed header of its own."""
    state = state_with(record)
    in_store, in_state = state.prove("polls", POLL)
    header = header_over(CHAIN, state.app_hash)
    return replace(
        proof,
        header=header,
        commit=signed(CHAIN, header),
        record=record,
        record_path=path_of(in_store.proof),
        store_path=path_of(in_state.proof),
    )


def of_another_record() -> PollProof:
    """Poll 3's record and its path, given out as poll 2's."""
    state = state_with(RECORD.encode())
    [in_store, _] = state.prove("polls", 3)
    return replace(GOOD, record=RECORD.encode() + b"\x02", record_path=path_of(in_store.proof))


def of_another_store() -> PollProof:
    """A record of the store `rolls`, whose path leads to the state as well."""
    in_store, in_state = state_with(RECORD.encode()).prove("rolls", 2)
    return replace(GOOD, record=b"roll 2", record_path=path_of(in_store.proof), store_path=path_of(in_state.proof))


def of_the_last_poll() -> PollProof:
    """In a store of two records: the path of the last of two is that of the last of three."""
    state = StateTree({"polls": [b"poll 1", RECORD.encode()]})
    in_store, in_state = state.prove("polls", POLL)
    header = header_over(CHAIN, state.app_hash)
    moved = replace(path_of(in_store.proof), index=2, total=3)
    proof = replace(GOOD, record_path=moved, store_path=path_of(in_state.proof))
    return replace(proof, header=header, commit=signed(CHAIN, header))


def by_the_attacker() -> PollProof:
    """A whole proof of a chain of the attacker's own, given the name of ours."""
    theirs = prove(counted(3), chain=ATTACKER)
    ours = CHAIN.genesis.chain_id
    header = replace(theirs.header, chain_id=ours)
    commit = signed(ATTACKER, header, chain_id=ours)
    return replace(theirs, chain_id=ours, header=header, commit=commit)


def of_the_same_agencies() -> PollProof:
    """A whole proof of another chain of the same agencies, given the name of ours."""
    theirs = prove(counted(3), chain=SAME_AGENCIES)
    ours = CHAIN.genesis.chain_id
    return replace(theirs, chain_id=ours, header=replace(theirs.header, chain_id=ours))


def foreign_signer() -> PollProof:
    """One of three signatures is a stranger's."""
    chain_id = CHAIN.genesis.chain_id
    first, second, _ = GOOD.commit.signatures
    [stranger] = signed(ATTACKER, HEADER, (2,), chain_id=chain_id).signatures
    return replace(GOOD, commit=replace(GOOD.commit, signatures=(first, second, stranger)))


WHO_VOUCHES: Made = {
    "of another chain": (lambda: prove(counted(3), chain=ATTACKER), codes.RECEIPT_OF_ANOTHER_CHAIN),
    "of another chain, renamed": (by_the_attacker, codes.RECEIPT_VALIDATORS),
    "of another chain of these agencies, renamed": (of_the_same_agencies, codes.COMMIT_SIGNATURE),
    "the set in another order": (
        lambda: replace(GOOD, validators=GOOD.validators[::-1]),
        codes.RECEIPT_VALIDATORS,
    ),
    "a validator less": (lambda: replace(GOOD, validators=GOOD.validators[:-1]), codes.RECEIPT_VALIDATORS),
    "no validators": (lambda: replace(GOOD, validators=()), codes.RECEIPT_VALIDATORS),
    "a header of another set": (
        lambda: with_header(validators_hash=ATTACKER.validators.hash),
        codes.RECEIPT_VALIDATORS,
    ),
    "another height": (lambda: replace(GOOD, header=replace(HEADER, height=Height(42))), codes.COMMIT_SIGNATURE),
    "another time": (
        lambda: replace(GOOD, header=replace(HEADER, time_ns=TimeNs(HEADER.time_ns + 1))),
        codes.COMMIT_SIGNATURE,
    ),
    "nobody signed": (with_commit, codes.RECEIPT_NO_QUORUM),
    "two of four signed": (lambda: with_commit(0, 3), codes.RECEIPT_NO_QUORUM),
    "all four signed": (lambda: with_commit(0, 1, 2, 3), codes.RECEIPT_TOO_MANY_SIGNERS),
    "one signed twice": (lambda: with_commit(0, 1, 1), codes.RECEIPT_SIGNERS),
    "signers in another order": (lambda: with_commit(1, 0, 2), codes.RECEIPT_SIGNERS),
    "a stranger signed": (foreign_signer, codes.COMMIT_SIGNATURE),
    "prevotes": (lambda: with_commit(0, 1, 2, kind=Kind.PREVOTE), codes.COMMIT_SIGNATURE),
    "signed for another round": (lambda: with_commit(0, 1, 2, round_=Round(0)), codes.COMMIT_SIGNATURE),
    "signed for another height": (lambda: with_commit(0, 1, 2, height=Height(40)), codes.COMMIT_SIGNATURE),
    "signed for another chain": (
        lambda: with_commit(0, 1, 2, chain_id=SAME_AGENCIES.genesis.chain_id),
        codes.COMMIT_SIGNATURE,
    ),
    "signed for no block": (lambda: with_commit(0, 1, 2, block_id=NIL_BLOCK_ID), codes.COMMIT_SIGNATURE),
    "other parts": (
        lambda: replace(GOOD, commit=replace(GOOD.commit, parts=PartSetHeader(2, bytes(32)))),
        codes.COMMIT_SIGNATURE,
    ),
}

RECORDS: Made = {
    "another state": (lambda: with_header(app_hash=bytes(32)), codes.PROOF_RECORD),
    "a record changed": (
        lambda: replace(GOOD, record=replace(RECORD, counted_size=7).encode()),
        codes.PROOF_RECORD,
    ),
    "no record": (lambda: replace(GOOD, record=b""), codes.PROOF_RECORD),
    "poll 3's record": (of_another_record, codes.PROOF_RECORD),
    "the record of poll 2 for poll 3": (lambda: replace(GOOD, poll=PollNumber(3)), codes.PROOF_RECORD),
    "poll 3 at its place": (
        lambda: replace(GOOD, poll=PollNumber(3), record_path=replace(GOOD.record_path, index=2)),
        codes.PROOF_RECORD,
    ),
    "a roll's record": (of_another_store, codes.PROOF_RECORD),
    "another place of the record": (
        lambda: replace(GOOD, record_path=replace(GOOD.record_path, index=0)),
        codes.PROOF_RECORD,
    ),
    "another place of the record, which turns alike": (of_the_last_poll, codes.PROOF_RECORD),
    "no path of the record": (lambda: replace(GOOD, record_path=Path(1, 2, ())), codes.PROOF_RECORD),
    "another place of the store": (
        lambda: replace(GOOD, store_path=replace(GOOD.store_path, index=5)),
        codes.PROOF_RECORD,
    ),
    "another number of stores": (
        lambda: replace(GOOD, store_path=replace(GOOD.store_path, total=8)),
        codes.PROOF_RECORD,
    ),
    "the paths swapped": (
        lambda: replace(GOOD, record_path=GOOD.store_path, store_path=GOOD.record_path),
        codes.PROOF_RECORD,
    ),
    "aunts of the record in another order": (
        lambda: replace(GOOD, record_path=replace(GOOD.record_path, aunts=GOOD.record_path.aunts[::-1])),
        codes.PROOF_RECORD,
    ),
    "a store as record": (
        lambda: replace(GOOD, record=GOOD.store_path.aunts[0], record_path=replace(GOOD.store_path, index=1)),
        codes.PROOF_RECORD,
    ),
    # The agencies signed a state that no honest node makes.
    "a record that is none, signed": (lambda: record_in(GOOD, b"\x90"), codes.MALFORMED),
    "a record that goes on, signed": (lambda: record_in(GOOD, RECORD.encode() + b"\0"), codes.MALFORMED),
}

OTHER = replace(korean_poll(), revote=False)
OTHER_DEFINITION = encode_definition(OTHER)
MORE = replace(TALLY.kept, ballots=7)
QUESTIONS_AND_RESULTS: Made = {
    "another question": (claiming(Question(OTHER_DEFINITION)), codes.PROOF_QUESTION),
    "no question": (claiming(Question(b"")), codes.PROOF_QUESTION),
    "a question cut off": (claiming(Question(DEFINITION[:-1])), codes.PROOF_QUESTION),
    "a question with more behind it": (claiming(Question(DEFINITION + b"\0")), codes.PROOF_QUESTION),
    "another result": (claiming(replace(RESULT, tally=Tally(MORE, None).encode())), codes.PROOF_RESULT),
    "no result": (claiming(replace(RESULT, tally=b"")), codes.PROOF_RESULT),
    "a recount added": (claiming(replace(RESULT, tally=Tally(TALLY.kept, MORE).encode())), codes.PROOF_RESULT),
    "the result of another question": (claiming(replace(RESULT, definition=OTHER_DEFINITION)), codes.PROOF_QUESTION),
    "another question and result": (claiming(Result(OTHER_DEFINITION, b"")), codes.PROOF_RESULT),
    "the question as result": (claiming(Result(DEFINITION, DEFINITION)), codes.PROOF_RESULT),
    "a result of an open poll": (claiming(RESULT, OPEN), codes.PROOF_NOT_FINAL),
    "no result of an open poll": (claiming(replace(RESULT, tally=b""), OPEN), codes.PROOF_NOT_FINAL),
    "a result of a void poll": (claiming(RESULT, replace(RECORD, state=PollState.VOID)), codes.PROOF_NOT_FINAL),
    "a result while counting": (claiming(RESULT, replace(RECORD, state=PollState.COUNTING)), codes.PROOF_NOT_FINAL),
}

ROLL: Made = {
    "another voter": (claiming(replace(on_roll(4), voter=VOTERS[5])), codes.PROOF_ON_ROLL),
    "more weight": (claiming(replace(on_roll(4), weight=6)), codes.PROOF_ON_ROLL),
    "another voter's path": (claiming(replace(on_roll(4), path=on_roll(5).path)), codes.PROOF_ON_ROLL),
    "a roll of the own": (
        claiming(OnRoll(VOTERS[4], 65_536, Path(0, 1, ()))),
        codes.PROOF_ON_ROLL,
    ),
    "a stranger on a longer roll": (
        claiming(OnRoll(ATTACKER.keys[0].tagged, 1, path_to((*ROLL_ITEMS, roll_item(ATTACKER.keys[0].tagged, 1)), 10))),
        codes.PROOF_ON_ROLL,
    ),
    "another size of the roll": (
        claiming(replace(on_roll(0), path=replace(on_roll(0).path, total=16))),
        codes.PROOF_ON_ROLL,
    ),
    "another place on the roll": (
        claiming(replace(on_roll(4), path=replace(on_roll(4).path, index=5))),
        codes.PROOF_ON_ROLL,
    ),
    "the leaf of a counted ballot": (
        claiming(OnRoll(VOTERS[4], 5, counted(6).counted_path)),
        codes.PROOF_ON_ROLL,
    ),
}


def rewritten_log(number: int) -> tuple[Hash, ...]:
    """The log of ballots with another one at this place."""
    return (*BALLOTS[:number], Hash(bytes(32)), *BALLOTS[number + 1 :])


def recorded_in(log: tuple[Hash, ...], size: int) -> Recorded:
    """A true proof in a log that is not the one on record."""
    hashes = [merkle.leaf_hash(ballot) for ballot in log]
    return Recorded(size, merkle.root(log[:size]), merkle.consistency_proof(merkle.root_in(hashes), size, len(log)))


LOG: Made = {
    "another root of before": (claiming(replace(recorded(5), root=Hash(bytes(32)))), codes.PROOF_RECORDED),
    "a ballot of before changed": (
        claiming(replace(recorded(5), root=merkle.root(rewritten_log(2)[:5]))),
        codes.PROOF_RECORDED,
    ),
    "a log of the own": (claiming(recorded_in(rewritten_log(2), 5)), codes.PROOF_RECORDED),
    "a log with a ballot less": (claiming(recorded_in(BALLOTS[:-1], 5)), codes.PROOF_RECORDED),
    "a log with a ballot more": (claiming(recorded_in((*BALLOTS, BALLOTS[0]), 5)), codes.PROOF_RECORDED),
    "more ballots than there are": (
        claiming(Recorded(9, merkle.root((*BALLOTS, BALLOTS[0])), ())),
        codes.PROOF_RECORDED,
    ),
    "all ballots, with another root": (claiming(Recorded(8, merkle.root(BALLOTS[:7]), ())), codes.PROOF_RECORDED),
    "all ballots, with a proof": (
        claiming(replace(recorded(8), proof=recorded(5).proof)),
        codes.PROOF_RECORDED,
    ),
    "another size": (claiming(replace(recorded(5), size=6)), codes.PROOF_RECORDED),
    "no proof": (claiming(replace(recorded(5), proof=())), codes.PROOF_RECORDED),
    "a node less": (claiming(replace(recorded(5), proof=recorded(5).proof[:-1])), codes.PROOF_RECORDED),
    "a node more": (
        claiming(replace(recorded(5), proof=(*recorded(5).proof, Hash(bytes(32))))),
        codes.PROOF_RECORDED,
    ),
    "nodes in another order": (
        claiming(replace(recorded(5), proof=recorded(5).proof[::-1])),
        codes.PROOF_RECORDED,
    ),
    "a poll without ballots": (claiming(Recorded(1, BALLOTS[0], ()), EMPTY), codes.PROOF_RECORDED),
}


def of_voter(number: int, voter: int) -> Counted:
    """A ballot given out as another voter's, with that one's own leaf."""
    return replace(counted(number), voter=VOTERS[voter], counted_path=path_to(COUNTED_ITEMS, place_of(voter)))


COUNTED_BALLOTS: Made = {
    "another ballot": (claiming(replace(counted(3), ballot=BALLOTS[4])), codes.PROOF_BALLOT),
    "a ballot of nowhere": (claiming(replace(counted(3), ballot=Hash(bytes(32)))), codes.PROOF_BALLOT),
    "another number": (claiming(replace(counted(3), number=BallotNumber(4))), codes.PROOF_BALLOT),
    "another ballot's place": (claiming(replace(counted(3), ballot_path=counted(4).ballot_path)), codes.PROOF_BALLOT),
    "another ballot and place": (
        claiming(replace(counted(3), ballot=BALLOTS[4], ballot_path=counted(4).ballot_path)),
        codes.PROOF_BALLOT,
    ),
    "a shorter log": (
        claiming(replace(counted(3), ballot_path=path_to(BALLOTS[:7], 3))),
        codes.PROOF_BALLOT,
    ),
    "another number of ballots, which turns alike": (
        claiming(replace(counted(3), ballot_path=replace(counted(3).ballot_path, total=7))),
        codes.PROOF_BALLOT,
    ),
    "a log of one ballot": (claiming(replace(counted(0), ballot_path=Path(0, 1, ()))), codes.PROOF_BALLOT),
    "an inner node as ballot": (
        claiming(replace(counted(0), ballot=counted(0).ballot_path.aunts[0], ballot_path=path_to(BALLOTS[::2], 0))),
        codes.PROOF_BALLOT,
    ),
    "another voter's leaf": (
        claiming(replace(counted(3), counted_path=counted(4).counted_path)),
        codes.PROOF_COUNTED,
    ),
    "a voter who cast none": (claiming(replace(counted(3), voter=VOTERS[3])), codes.PROOF_COUNTED),
    "given out as another voter's": (claiming(of_voter(3, 8)), codes.PROOF_COUNTED),
    "a superseded ballot": (claiming(counted(1)), codes.PROOF_COUNTED),
    "another superseded ballot": (claiming(counted(2)), codes.PROOF_COUNTED),
    "a smaller tree of those who count": (
        claiming(replace(counted(3), counted_path=path_to(COUNTED_ITEMS[:5], 3))),
        codes.PROOF_COUNTED,
    ),
    "another place among those who count": (
        claiming(replace(counted(3), counted_path=replace(counted(3).counted_path, index=2))),
        codes.PROOF_COUNTED,
    ),
    **{
        f"counted in a poll that is {state.name.lower()}": (
            claiming(counted(3), replace(RECORD, state=state)),
            codes.PROOF_NOT_FINAL,
        )
        for state in PollState
        if state is not PollState.FINAL
    },
}

LATER = superseded(1)
"""Ballot 1 is of voter 2, whose ballot 7 counts."""


def accepted_as(**changes: Any) -> Superseded:
    return replace(LATER, accepted=replace(LATER.accepted, **changes))


def of_another_later_voter() -> Superseded:
    """Voter 8's ballot 5 counts, and is later than ballot 1; but ballot 1 is not voter 8's."""
    return replace(LATER, superseded=of_voter(1, 8), counted_number=BallotNumber(5))


def results_of_the_own(signers: tuple[int, ...]) -> Superseded:
    """The same, and results made up to say so, in a header that these signed."""
    forged = of_another_later_voter()
    result = accepted_ballot(POLL, BallotNumber(1), VOTERS[8], units=1)
    header = replace(LATER.accepted.header, last_results_hash=results_hash([result]))
    made = replace(LATER.accepted, path=Path(0, 1, ()), header=header, commit=signed(CHAIN, header, signers))
    return replace(forged, accepted=made)


SUPERSEDED_BALLOTS: Made = {
    "by itself": (
        claiming(Superseded(counted(7), BallotNumber(7), acceptance(7))),
        codes.PROOF_SUPERSEDED,
    ),
    "by an earlier ballot": (
        claiming(replace(LATER, superseded=of_voter(6, 2 + 6), counted_number=BallotNumber(5), accepted=acceptance(6))),
        codes.PROOF_SUPERSEDED,
    ),
    "by a ballot that does not count": (claiming(replace(LATER, counted_number=BallotNumber(6))), codes.PROOF_COUNTED),
    "by another voter's ballot": (claiming(of_another_later_voter()), codes.PROOF_ACCEPTED),
    "by another voter's, with a result of another ballot": (
        claiming(replace(of_another_later_voter(), accepted=acceptance(5))),
        codes.PROOF_ACCEPTED,
    ),
    "by another voter's, as results of the own say": (claiming(results_of_the_own(())), codes.RECEIPT_NO_QUORUM),
    "by another voter's, as two of four say": (claiming(results_of_the_own((0, 1))), codes.RECEIPT_NO_QUORUM),
    "by another voter's, as one of four says thrice": (
        claiming(results_of_the_own((1, 1, 1))),
        codes.RECEIPT_SIGNERS,
    ),
    "accepted with other units": (claiming(accepted_as(units=2)), codes.PROOF_ACCEPTED),
    "accepted at another place": (claiming(accepted_as(path=acceptance(2).path)), codes.PROOF_ACCEPTED),
    "accepted in another block": (claiming(accepted_as(header=HEADER, commit=GOOD.commit)), codes.PROOF_ACCEPTED),
    "accepted in a block of another height": (
        claiming(accepted_as(header=replace(LATER.accepted.header, height=HEIGHT))),
        codes.COMMIT_SIGNATURE,
    ),
    "accepted in a block of another set": (
        claiming(accepted_as(header=replace(LATER.accepted.header, validators_hash=ATTACKER.validators.hash))),
        codes.RECEIPT_VALIDATORS,
    ),
    "accepted by all four": (
        claiming(accepted_as(commit=signed(CHAIN, LATER.accepted.header, range(4)))),
        codes.RECEIPT_TOO_MANY_SIGNERS,
    ),
    "accepted by the signatures of the other header": (
        claiming(accepted_as(commit=GOOD.commit)),
        codes.COMMIT_SIGNATURE,
    ),
    "accepted by prevotes": (
        claiming(accepted_as(commit=signed(CHAIN, LATER.accepted.header, kind=Kind.PREVOTE))),
        codes.COMMIT_SIGNATURE,
    ),
    "another ballot that is superseded": (
        claiming(replace(LATER, superseded=replace(LATER.superseded, ballot=BALLOTS[2]))),
        codes.PROOF_BALLOT,
    ),
    "superseded in an open poll": (claiming(LATER, OPEN), codes.PROOF_NOT_FINAL),
}

BETWEEN = not_counted(3)
"""Voter 3 cast no ballot; voters 2 and 4, before and after, did: places 1 and 2 of 6."""


def asked(voter: int, before: int | None, after: int | None) -> NotCounted:
    """The voter, and the voters at these places of those who count."""
    neighbours = [None if place is None else neighbour(place) for place in (before, after)]
    return NotCounted(VOTERS[voter], *neighbours)


LAST = len(COUNTED) - 1
NOT_COUNTED: Made = {
    "a voter whose ballot counts": (claiming(asked(4, 1, 3)), codes.PROOF_NEIGHBOURS),
    "a voter whose ballot counts, as own neighbour": (claiming(asked(4, 1, 2)), codes.PROOF_NEIGHBOURS),
    "a voter whose ballot counts, as own neighbour before": (claiming(asked(4, 2, 3)), codes.PROOF_NEIGHBOURS),
    "the first voter whose ballot counts": (claiming(asked(1, None, 1)), codes.PROOF_NEIGHBOURS),
    "the first, before itself": (claiming(asked(1, None, 0)), codes.PROOF_NEIGHBOURS),
    "the last voter whose ballot counts": (claiming(asked(8, LAST - 1, None)), codes.PROOF_NEIGHBOURS),
    "the last, behind itself": (claiming(asked(8, LAST, None)), codes.PROOF_NEIGHBOURS),
    "neighbours of another voter": (claiming(asked(6, 1, 2)), codes.PROOF_NEIGHBOURS),
    "the neighbours swapped": (claiming(asked(3, 2, 1)), codes.PROOF_NEIGHBOURS),
    "one neighbour twice": (claiming(asked(3, 1, 1)), codes.PROOF_NEIGHBOURS),
    "neighbours with one between": (claiming(asked(3, 0, 2)), codes.PROOF_NEIGHBOURS),
    "nobody before": (claiming(asked(3, None, 2)), codes.PROOF_NEIGHBOURS),
    "nobody after": (claiming(asked(3, 1, None)), codes.PROOF_NEIGHBOURS),
    "nobody at all": (claiming(asked(3, None, None)), codes.PROOF_NEIGHBOURS),
    "nobody before the first, and another after": (claiming(asked(0, None, 1)), codes.PROOF_NEIGHBOURS),
    "nobody before the last": (claiming(asked(9, None, None)), codes.PROOF_NEIGHBOURS),
    "nobody in a poll with ballots": (
        claiming(asked(3, None, None), replace(RECORD, counted_size=0)),
        codes.PROOF_NEIGHBOURS,
    ),
    "a neighbour in a poll without ballots": (claiming(asked(3, 1, 2), EMPTY), codes.PROOF_COUNTED),
    "a neighbour of the own": (
        claiming(replace(BETWEEN, before=replace(neighbour(1), voter=VOTERS[0]))),
        codes.PROOF_COUNTED,
    ),
    "a neighbour with another ballot": (
        claiming(replace(BETWEEN, after=replace(neighbour(2), number=BallotNumber(2)))),
        codes.PROOF_COUNTED,
    ),
    "a neighbour at another place": (
        claiming(replace(BETWEEN, after=replace(neighbour(2), path=replace(neighbour(2).path, index=3)))),
        codes.PROOF_COUNTED,
    ),
    "places moved by a larger tree": (
        claiming(replace(BETWEEN, before=replace(neighbour(0), path=replace(neighbour(0).path, index=1, total=12)))),
        codes.PROOF_COUNTED,
    ),
    "not counted in an open poll": (claiming(BETWEEN, OPEN), codes.PROOF_NOT_FINAL),
    "nobody in an open poll": (claiming(asked(3, None, None), OPEN), codes.PROOF_NOT_FINAL),
}

TABLES = (WHO_VOUCHES, RECORDS, QUESTIONS_AND_RESULTS, ROLL, LOG, COUNTED_BALLOTS, SUPERSEDED_BALLOTS, NOT_COUNTED)
