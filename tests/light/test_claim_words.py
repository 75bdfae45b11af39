"""Every claim in plain sentences, Korean first (domain 9)."""

from dataclasses import replace
from unicodedata import east_asian_width

import pytest

from mvchain.core.types import (
    AgencyNumber,
    BallotNumber,
    Hash,
    Height,
    PollNumber,
    RollNumber,
    TaggedKey,
    TimeMs,
    TimeNs,
)
from mvchain.ledger.polls import Option, PollDefinition, Question, Release, SingleRule, TieRule
from mvchain.ledger.records import Poll, PollState, Tally
from mvchain.ledger.tally import QuestionTally, TallyResult
from mvchain.light import proofs
from mvchain.light.documents import BriefCommit, Path
from mvchain.light.handovers import Vouchers
from mvchain.light.proofs import Acceptance, Claim, Counted, NotCounted, OnRoll, Recorded, Result, Superseded
from mvchain.light.verify import VerifiedProof
from mvchain.light.words import in_words
from tests.light.helpers import make_blocks, make_chain

VOTER = TaggedKey(b"\x01" + b"v" * 32)
BALLOT = Hash(b"b" * 32)
PATH = Path(0, 1, ())
COUNTED = Counted(BALLOT, BallotNumber(1_233), VOTER, PATH, PATH)
BLOCKS = make_blocks(make_chain(), 1)
ACCEPTANCE = Acceptance(PATH, 1, BLOCKS.next_header, BriefCommit(0, BLOCKS.next_id.parts, ()))  # type: ignore[arg-type]
DEFINITION = PollDefinition(
    agency=AgencyNumber(1),
    title=(("en", "The park"), ("ko", "공원")),
    description=(),
    questions=(
        Question(
            title=(("en", "What first?"), ("ko", "무엇을 먼저 할까요?")),
            description=(),
            options=(Option("a", (("en", "Trees"), ("ko", "나무"))), Option("b", (("en", "Lamps\x1b[2J"),))),
            rule=SingleRule(),
            blank_allowed=True,
        ),
    ),
    opens_at_ms=TimeMs(1),
    closes_at_ms=TimeMs(2),
    grace_ms=0,
    roll=RollNumber(1),
    revote=True,
    release=Release.AFTER_CLOSING,
    approvals=1,
    tie_rule=TieRule.EQUAL_RANK,
    min_turnout=0,
)
TALLY = TallyResult(5_678, 5_678, (QuestionTally(DEFINITION.questions[0].type, 7, (4_000, 1_671), (), ()),))


def proof(claim: Claim, **more: object) -> VerifiedProof:
    record = Poll(
        agency=AgencyNumber(1),
        definition_hash=Hash(b"d" * 32),
        state=PollState.FINAL,
        opens_at_ms=TimeMs(1),
        closes_at_ms=TimeMs(2),
        grace_ms=0,
        opened_at_ms=TimeMs(1),
        closed_at_ms=TimeMs(2),
        roll=RollNumber(1),
        roll_root=Hash(b"r" * 32),
        roll_size=10_000,
        ballots_root=Hash(b"l" * 32),
        ballots_size=6_000,
        counted_root=Hash(b"c" * 32),
        counted_size=5_678,
        tally_hash=Hash(b"t" * 32),
        disputed=False,
        pending=(),
    )
    agencies = make_chain().genesis.agencies
    made = VerifiedProof(PollNumber(3), record, Height(9), TimeNs(0), claim, None, None, Vouchers(agencies[:3], (), 4))
    return replace(made, **more)  # type: ignore[arg-type]


def words(verified: VerifiedProof) -> str:
    """All of it on one line, but for the columns, which are checked here."""
    text = in_words(verified)
    for line in text.splitlines():
        assert sum(2 if east_asian_width(char) in "WF" else 1 for char in line) <= 80
        assert all(char.isprintable() for char in line)
    assert text.splitlines()[0].startswith("✔ 확인했습니다.")
    assert "4개 기관 중 3개 기관이 이 기록을 보증합니다" in text.replace("\n    ", " ")
    assert "3 of 4 agencies vouch for this record" in text
    return text.replace("\n    ", " ")


def test_counted() -> None:
    said = words(proof(COUNTED))
    assert said.startswith("✔ 확인했습니다. 회원님의 투표는 바뀌지 않고 기록되어 집계에 포함되었습니다.")
    assert "3번 투표의 1,234번째 표" in said
    assert "ballot number 1,234 of poll 3" in said
    assert "one of the 5,678 ballots that were counted" in said
    assert "어떤 보기를 선택했는지 나타나지 않습니다" in said
    assert f"ballot:    {BALLOT.hex()}" in said


def test_superseded() -> None:
    said = words(proof(Superseded(COUNTED, BallotNumber(2_344), ACCEPTANCE)))
    assert "나중의 투표가 집계되었습니다" in said
    assert "2,345번째 표가 집계에 포함되었습니다" in said
    assert "Counted: ballot number 2,345, of the same voter and later." in said
    assert "집계에 포함됨" not in said


def test_not_counted() -> None:
    said = words(proof(NotCounted(VOTER, None, None)))
    assert "3번 투표의 집계에는 이 투표자의 표가 없습니다" in said
    assert "No ballot of this voter is counted in poll 3." in said
    assert VOTER.hex() in said


def test_on_the_roll() -> None:
    said = words(proof(OnRoll(VOTER, 2, PATH)))
    assert "명부에 있습니다" in said
    assert "10,000 on the roll; this voter's weight is 2." in said


def test_recorded() -> None:
    said = words(proof(Recorded(5_000, Hash(b"e" * 32), ())))
    assert "처음 5,000표가 그대로 남아 있습니다" in said
    assert "first 5,000 ballots of poll 3 are still there" in said
    assert (b"e" * 32).hex() in said
    assert (b"l" * 32).hex() in said


@pytest.mark.parametrize(("state", "shown"), [(PollState.OPEN, "진행 중"), (PollState.VOID, "무효")])
def test_the_question(state: PollState, shown: str) -> None:
    verified = proof(proofs.Question(b""), definition=DEFINITION)
    said = words(replace(verified, record=replace(verified.record, state=state)))
    assert f"상태: {shown}" in said
    assert "1. 무엇을 먼저 할까요?" in said
    assert "- 나무" in said
    assert "1. What first?" in said
    # What a terminal would obey is not printed, and an option without a Korean text has its own.
    assert said.count("- Lamps?[2J") == 2


def test_the_result() -> None:
    said = words(proof(Result(b"", b""), definition=DEFINITION, tally=Tally(TALLY, None)))
    assert "- 나무: 4,000표" in said
    assert "- (기권): 7표" in said
    assert "- Trees: 4,000" in said


@pytest.mark.parametrize("claim", [COUNTED, NotCounted(VOTER, None, None), Result(b"", b"")])
def test_a_disputed_poll_says_so(claim: Claim) -> None:
    verified = proof(claim, definition=DEFINITION, tally=Tally(TALLY, TALLY))
    said = words(replace(verified, record=replace(verified.record, disputed=True)))
    assert "✘ 이 투표는 두 가지 집계가 서로 달라" in said
    assert "✘ The poll is disputed: its two counts differ." in said
    assert "✘" not in words(verified)


def test_a_void_poll_says_so() -> None:
    verified = proof(OnRoll(VOTER, 1, PATH))
    said = words(replace(verified, record=replace(verified.record, state=PollState.VOID)))
    assert "✘ 이 투표는 무효가 되었습니다." in said
    assert "✘ The poll is void." in said
