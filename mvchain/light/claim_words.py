"""What a verified proof about a poll says, in the words of voters: Korean and English (ledger L10, domain 9)."""

from typing import assert_never

from mvchain.ledger.polls import PollDefinition, Texts
from mvchain.ledger.records import PollState, Tally
from mvchain.light.proofs import Counted, NotCounted, OnRoll, Question, Recorded, Result, Superseded
from mvchain.light.receipt_number import receipt_number
from mvchain.light.verify import VerifiedProof

NO_CHOICE_KO = "이 확인증에는 어떤 보기를 선택했는지 나타나지 않습니다."
NO_CHOICE_EN = "This receipt does not show which option was chosen."

_STATES_KO = {
    PollState.REGISTERED: "시작 전",
    PollState.OPEN: "진행 중",
    PollState.PAUSED: "일시 정지",
    PollState.COUNTING: "개표 중",
    PollState.FINAL: "종료",
    PollState.VOID: "무효",
}


def korean(verified: VerifiedProof) -> list[str]:
    """Verdict first, then what it means, and what is odd about the poll."""
    lines = _korean(verified)
    if verified.record.disputed:
        lines.append("  ✘ 이 투표는 두 가지 집계가 서로 달라 결과에 이의가 있는 투표입니다.")
    if verified.record.state is PollState.VOID:
        lines.append("  ✘ 이 투표는 무효가 되었습니다.")
    return lines


def english(verified: VerifiedProof) -> list[str]:
    """The same in English."""
    lines = _english(verified)
    if verified.record.disputed:
        lines.append("  ✘ The poll is disputed: its two counts differ.")
    if verified.record.state is PollState.VOID:
        lines.append("  ✘ The poll is void.")
    return lines


def _korean(verified: VerifiedProof) -> list[str]:
    poll, claim = verified.poll, verified.claim
    match claim:
        case Counted():
            return [
                "✔ 확인했습니다. 회원님의 투표는 바뀌지 않고 기록되어 집계에 포함되었습니다.",
                f"  ✔ 참여 기록 있음: {poll}번 투표의 {claim.number + 1:,}번째 표로 기록되어 있습니다.",
                f"  ✔ 집계에 포함됨: 집계된 {verified.record.counted_size:,}표 가운데 하나입니다.",
                f"  {NO_CHOICE_KO}",
            ]
        case Superseded(superseded, number):
            return [
                "✔ 확인했습니다. 이 투표는 바뀌지 않고 기록되어 있으나, 다시 하신 나중의 투표가 집계되었습니다.",
                f"  ✔ 참여 기록 있음: {poll}번 투표의 {superseded.number + 1:,}번째 표로 기록되어 있습니다.",
                f"  - 집계: 같은 투표자의 나중 표인 {number + 1:,}번째 표가 집계에 포함되었습니다.",
                f"  {NO_CHOICE_KO}",
            ]
        case NotCounted():
            return [
                f"✔ 확인했습니다. {poll}번 투표의 집계에는 이 투표자의 표가 없습니다.",
                f"  집계된 {verified.record.counted_size:,}표 가운데 이 키의 표는 하나도 없습니다. "
                "이 키가 명부에 있는지는 따로 확인해 주십시오.",
            ]
        case OnRoll():
            return [
                f"✔ 확인했습니다. 이 투표자는 {poll}번 투표의 명부에 있습니다.",
                f"  명부 전체 {verified.record.roll_size:,}명, 이 투표자의 가중치 {claim.weight}.",
            ]
        case Recorded():
            return [
                f"✔ 확인했습니다. {poll}번 투표의 처음 {claim.size:,}표가 그대로 남아 있습니다.",
                f"  현재 기록된 {verified.record.ballots_size:,}표는 이 {claim.size:,}표에 이어 덧붙여진 것입니다. "
                "아래 기록 값을 앞서 받은 것과 비교해 주십시오.",
            ]
        case Question():
            return [
                f"✔ 확인했습니다. {poll}번 투표의 질문은 아래와 같습니다. (상태: {_STATES_KO[verified.record.state]})",
                *_questions(verified.definition, "ko"),
            ]
        case Result():
            return [
                f"✔ 확인했습니다. {poll}번 투표의 결과는 아래와 같습니다.",
                *_results(verified.definition, verified.tally, "ko", "표", "기권"),
            ]
        case _:
            assert_never(claim)


def _english(verified: VerifiedProof) -> list[str]:
    poll, claim = verified.poll, verified.claim
    match claim:
        case Counted():
            return [
                "✔ Verified. Your ballot is recorded, unchanged and counted.",
                f"  ✔ Recorded: as ballot number {claim.number + 1:,} of poll {poll}.",
                f"  ✔ Counted: it is one of the {verified.record.counted_size:,} ballots that were counted.",
                f"  {NO_CHOICE_EN}",
            ]
        case Superseded(superseded, number):
            return [
                "✔ Verified. This ballot is recorded, unchanged; a later ballot of the same voter was counted instead.",
                f"  ✔ Recorded: as ballot number {superseded.number + 1:,} of poll {poll}.",
                f"  - Counted: ballot number {number + 1:,}, of the same voter and later.",
                f"  {NO_CHOICE_EN}",
            ]
        case NotCounted():
            return [
                f"✔ Verified. No ballot of this voter is counted in poll {poll}.",
                f"  None of the {verified.record.counted_size:,} counted ballots is of this key. "
                "Whether it is on the roll has a proof of its own.",
            ]
        case OnRoll():
            return [
                f"✔ Verified. This voter is on the roll of poll {poll}.",
                f"  {verified.record.roll_size:,} on the roll; this voter's weight is {claim.weight}.",
            ]
        case Recorded():
            return [
                f"✔ Verified. The first {claim.size:,} ballots of poll {poll} are still there as they were.",
                f"  The {verified.record.ballots_size:,} ballots of now are these with others behind them. Compare the "
                "root below with the one that you had before.",
            ]
        case Question():
            return [
                f"✔ Verified. This is what poll {poll} asks. (State: {verified.record.state.name.lower()})",
                *_questions(verified.definition, "en"),
            ]
        case Result():
            return [
                f"✔ Verified. This is the result of poll {poll}.",
                *_results(verified.definition, verified.tally, "en", "", "blank"),
            ]
        case _:
            assert_never(claim)


def details(verified: VerifiedProof) -> list[str]:
    """What experts compare."""
    claim = verified.claim
    lines = [f"  block:     {verified.height}"]
    match claim:
        case Counted(ballot=ballot, voter=voter) | Superseded(superseded=Counted(ballot=ballot, voter=voter)):
            lines += [f"  ballot:    {ballot.hex()}", f"  voter key: {voter.hex()}"]
            lines += [f"  number:    {receipt_number(ballot)}"]
        case NotCounted(voter=voter) | OnRoll(voter=voter):
            lines += [f"  voter key: {voter.hex()}"]
        case Recorded():
            lines += [f"  first {claim.size:,} ballots: {claim.root.hex()}"]
            lines += [f"  all {verified.record.ballots_size:,} ballots: {verified.record.ballots_root.hex()}"]
        case Question() | Result():
            lines += [f"  definition: {verified.record.definition_hash.hex()}"]
    return lines


def _in(texts: Texts, language: str) -> str:
    """The text in this language, or in the one that comes first."""
    found = dict(texts)
    return found.get(language) or (texts[0][1] if texts else "")


def _questions(definition: PollDefinition | None, language: str) -> list[str]:
    assert definition is not None
    lines = [f"  {_in(definition.title, language)}"]
    for number, question in enumerate(definition.questions, 1):
        lines.append(f"  {number}. {_in(question.title, language)}")
        lines += [f"     - {_in(option.title, language)}" for option in question.options]
    return lines


def _results(definition: PollDefinition | None, tally: Tally | None, language: str, unit: str, blank: str) -> list[str]:
    assert definition is not None
    assert tally is not None
    lines = [f"  {_in(definition.title, language)}"]
    for number, (question, numbers) in enumerate(zip(definition.questions, tally.kept.questions, strict=True), 1):
        lines.append(f"  {number}. {_in(question.title, language)}")
        rows = zip(question.options, numbers.totals, strict=True)
        lines += [f"     - {_in(option.title, language)}: {total:,}{unit}" for option, total in rows]
        if question.blank_allowed:
            lines.append(f"     - ({blank}): {numbers.blanks:,}{unit}")
    return lines
