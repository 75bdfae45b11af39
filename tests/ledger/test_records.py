"""Records: there and back, and nothing else comes out of foreign bytes."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import codec
from mvchain.core.errors import BadProof, BrokenStorage
from mvchain.core.types import AgencyNumber, Hash, Height, PollNumber, PublicKey, RollNumber, TaggedKey, TimeMs
from mvchain.ledger.genesis import ConsensusParams
from mvchain.ledger.polls import QuestionType
from mvchain.ledger.proposals import Proposal, ProposalState
from mvchain.ledger.records import NO_HASH, Action, Agency, Chain, Poll, PollState, Roll, Signer, Tally, Tenure
from mvchain.ledger.tally import QuestionTally, TallyResult
from mvchain.ledger.transactions import Kind, Role, Scope

HASH = Hash(bytes(range(32)))
KEY = TaggedKey(b"\x01" + HASH)
ACTION = Action(HASH, Kind.POLL_EXTEND, 7, (KEY, TaggedKey(b"\x01" * 33)))
RESULT = TallyResult(2, 3, (QuestionTally(QuestionType.SINGLE, 0, (1, 2), (), ()),))
RECORDS: list[Any] = [
    Chain(HASH, "test", ConsensusParams(heartbeat_ms=5)),
    Agency(
        AgencyNumber(1),
        "기관",
        "Agency",
        (
            Tenure(PublicKey(HASH), Height(1), Height(9), proven=True),
            Tenure(PublicKey(bytes(32)), Height(9), Height(0), proven=False),
        ),
        (PublicKey(bytes(32)), PublicKey(HASH)),
        2,
        (
            Signer(KEY, Role.AGENCY, Scope(0), 4, active=True, suspended=False),
            Signer(KEY, Role.SERVICE, Scope.POLLS | Scope.ROLLS, 0, active=False, suspended=True),
        ),
    ),
    Roll(AgencyNumber(2), "voters", False, HASH, 0, b"", PollNumber(0), ()),
    Roll(AgencyNumber(2), "voters", True, HASH, 9, KEY, PollNumber(3), (ACTION,)),
    Poll(
        agency=AgencyNumber(1),
        definition_hash=HASH,
        state=PollState.FINAL,
        opens_at_ms=TimeMs(1),
        closes_at_ms=TimeMs(2),
        grace_ms=3,
        opened_at_ms=TimeMs(4),
        closed_at_ms=TimeMs(5),
        roll=RollNumber(6),
        roll_root=HASH,
        roll_size=7,
        ballots_root=HASH,
        ballots_size=8,
        counted_root=NO_HASH,
        counted_size=9,
        tally_hash=HASH,
        disputed=True,
        pending=(ACTION,),
    ),
    Proposal(
        AgencyNumber(3),
        b"action",
        (AgencyNumber(3), AgencyNumber(1_000)),
        TimeMs(5),
        TimeMs(9),
        ProposalState.WITHDRAWN,
        Height(8),
    ),
    Tally(RESULT, None),
    Tally(RESULT, replace(RESULT, weight=4)),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_there_and_back(record: Any) -> None:
    assert type(record).decode(record.encode()) == record


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
@given(data=st.data())
def test_altered_bytes_give_a_record_or_our_error(record: Any, data: st.DataObject) -> None:
    raw = bytearray(record.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    for error in (BrokenStorage, BadProof):
        try:
            found = type(record).decode(bytes(raw), error)
        except error:
            continue
        assert found.encode() == bytes(raw)


@pytest.mark.parametrize("kind", [Chain, Agency, Roll, Poll, Proposal, Tally])
@given(
    raw=st.binary(max_size=64)
    | st.lists(st.integers() | st.binary(), max_size=19)
    .filter(lambda items: all(type(i) is bytes or -(2**63) <= i < 2**64 for i in items))
    .map(codec.encode)
)
def test_foreign_bytes_give_our_error(kind: Any, raw: bytes) -> None:
    try:
        found = kind.decode(raw)
    except BrokenStorage:
        return
    assert found.encode() == raw
