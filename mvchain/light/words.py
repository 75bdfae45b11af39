"""Verdicts in the words of voters: Korean first, then English; no hash and no block number first (domain 9).

A Korean letter takes two columns of a terminal; lines are folded at 80. Characters that a terminal would obey rather
than show are replaced, since texts from an untrusted file may be among the words.
"""

from datetime import UTC, datetime, timedelta, timezone
from unicodedata import east_asian_width

from mvchain.core import codes
from mvchain.core.errors import BadProof, MvchainError
from mvchain.core.types import TimeNs
from mvchain.light import claim_words
from mvchain.light.handovers import Vouchers
from mvchain.light.receipt_number import receipt_number
from mvchain.light.verify import VerifiedProof, VerifiedReceipt

COLUMNS = 80
KST = timezone(timedelta(hours=9), "KST")
WEEKDAYS = "월화수목금토일"
NS_PER_S = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_EXPLAINED = {
    codes.RECEIPT_OF_ANOTHER_CHAIN: (
        "이 확인증과 제네시스 파일은 서로 다른 투표 시스템의 것입니다. 확인증을 발급한 투표 시스템의 제네시스 파일로 "
        "다시 확인해 주십시오."
    ),
    codes.UNKNOWN_RECEIPT_FORMAT: (
        "이 프로그램이 알지 못하는 확인증 형식입니다. 최신 프로그램으로 다시 확인해 주십시오."
    ),
}
_DOUBTED = (
    "이 확인증은 믿을 수 없습니다. 파일이 손상되었거나 위조되었을 수 있습니다. 투표한 곳에서 확인증을 다시 받아 "
    "확인해 주십시오. 그래도 확인되지 않으면 이 파일을 담당 기관과 다른 참여 기관 한 곳에 보내 주십시오."
)


def time_in_korean(time_ns: TimeNs) -> str:
    """As `2025. 8. 22.(금) 09:00:07`, Korean time."""
    moment = _EPOCH.astimezone(KST) + timedelta(seconds=time_ns // NS_PER_S)
    return f"{moment.year}. {moment.month}. {moment.day}.({WEEKDAYS[moment.weekday()]}) {moment:%H:%M:%S}"


def time_in_english(time_ns: TimeNs) -> str:
    """As `2025-08-22 00:00:07 UTC`."""
    return f"{_EPOCH + timedelta(seconds=time_ns // NS_PER_S):%Y-%m-%d %H:%M:%S} UTC"


def in_words(verified: VerifiedReceipt | VerifiedProof) -> str:
    """What a verified file proves, what it does not, and who vouches."""
    if isinstance(verified, VerifiedReceipt):
        korean, english, details = _receipt(verified)
    else:
        korean, english = claim_words.korean(verified), claim_words.english(verified)
        details = claim_words.details(verified)
    who_korean, who_english = _vouchers(verified.vouchers)
    details += [f"  later key: {key.hex()}" for key in verified.vouchers.later]
    return _folded(*korean, who_korean, "", *english, who_english, "", "상세 정보 / Details", *details)


def _vouchers(vouchers: Vouchers) -> tuple[str, str]:
    """By the names of the genesis document; nothing proves a name for a key that it does not know."""
    later, agencies = len(vouchers.later), vouchers.agencies
    count = len(vouchers.vouching) + later
    korean = ", ".join(agency.name_ko for agency in vouchers.vouching)
    english = ", ".join(agency.name_en for agency in vouchers.vouching)
    if later:
        korean += f"{', 그리고 ' if korean else ''}나중에 참여했거나 서명 키를 바꾼 기관 {later}곳"
        english += f"{' and ' if english else ''}{later} that joined later or replaced the key of the genesis file"
    return (
        f"  ✔ 내용 변경 없음: 전체 {agencies}개 기관 중 {count}개 기관이 이 기록을 보증합니다. 보증한 기관: {korean}",
        f"  ✔ Unchanged: {count} of {agencies} agencies vouch for this record: {english}",
    )


def _receipt(verified: VerifiedReceipt) -> tuple[list[str], list[str], list[str]]:
    """An open receipt, in Korean, in English, and what experts compare."""
    accepted = verified.accepted
    number = accepted.number + 1
    korean = [
        "✔ 확인했습니다. 회원님의 투표는 바뀌지 않고 기록되어 있습니다.",
        f"  ✔ 참여 기록 있음: {time_in_korean(verified.time_ns)}(한국 시각)에 {accepted.poll}번 투표의 "
        f"{number:,}번째 표로 접수되었습니다.",
        "  - 집계 포함 여부: 이 확인증만으로는 아직 알 수 없습니다. 투표가 끝난 뒤 어느 기관에서나 확인증을 "
        "완성하시면 확인하실 수 있습니다.",
        f"  {claim_words.NO_CHOICE_KO}",
    ]
    english = [
        "✔ Verified. Your ballot is recorded, unchanged.",
        f"  ✔ Recorded: accepted at {time_in_english(verified.time_ns)} as ballot number {number:,} of "
        f"poll {accepted.poll}.",
        "  - Counted: this receipt alone cannot tell yet. Have it completed by any agency once the poll has ended.",
        f"  {claim_words.NO_CHOICE_EN}",
    ]
    details = [
        f"  block:     {verified.height}",
        f"  ballot:    {verified.ballot.hex()}",
        f"  voter key: {accepted.voter.hex()}",
        f"  number:    {receipt_number(verified.ballot)}",
    ]
    return korean, english, details


def failure_in_words(error: MvchainError) -> str:
    """Why a receipt is not believed, or could not be looked at, and what to do."""
    if isinstance(error, BadProof):
        korean = _EXPLAINED.get(error.cause, _DOUBTED)
    else:
        korean = "파일을 읽지 못했거나 제네시스 파일이 올바르지 않습니다. 파일 위치와 내용을 확인해 주십시오."
    return _folded(
        "✘ 아직 확인하지 못했습니다.",
        f"  {korean}",
        "",
        "✘ Not verified.",
        f"  {error.detail} {error.remedy}",
        "",
        f"오류 번호 / Code: {error.code}",
    )


def _folded(*lines: str) -> str:
    """The lines, folded between words, what is folded indented by four."""
    return "\n".join(piece for line in lines for piece in _pieces(line))


def _pieces(line: str) -> list[str]:
    shown = "".join(char if char.isprintable() else "?" for char in line)
    if _columns(shown) <= COLUMNS:
        return [shown]
    first, *words = shown.lstrip().split(" ")
    pieces = [" " * (len(shown) - len(shown.lstrip())) + first]
    for word in words:
        if _columns(pieces[-1]) + 1 + _columns(word) <= COLUMNS:
            pieces[-1] += f" {word}"
        else:
            pieces.append(f"    {word}")
    return pieces


def _columns(text: str) -> int:
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)
