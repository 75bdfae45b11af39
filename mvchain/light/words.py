"""Verdicts in the words of voters: Korean first, English second; no hash and no block number first (domain 9)."""

from datetime import UTC, datetime, timedelta, timezone

from mvchain.core.errors import BadProof
from mvchain.core.types import TimeNs
from mvchain.light.verify import VerifiedReceipt

KST = timezone(timedelta(hours=9), "KST")
WEEKDAYS = "월화수목금토일"
NS_PER_S = 1_000_000_000


def time_in_korean(time_ns: TimeNs) -> str:
    """As `2025. 8. 22.(금) 09:00:07`, Korean time."""
    moment = datetime.fromtimestamp(time_ns // NS_PER_S, KST)
    return f"{moment.year}. {moment.month}. {moment.day}.({WEEKDAYS[moment.weekday()]}) {moment:%H:%M:%S}"


def time_in_english(time_ns: TimeNs) -> str:
    """As `2025-08-22 00:00:07 UTC`."""
    return f"{datetime.fromtimestamp(time_ns // NS_PER_S, UTC):%Y-%m-%d %H:%M:%S} UTC"


def receipt_in_words(verified: VerifiedReceipt) -> str:
    """What a verified receipt proves, what it does not, and who vouches."""
    accepted = verified.accepted
    number = accepted.number + 1
    korean = ", ".join(agency.name_ko for agency in verified.vouching)
    english = ", ".join(agency.name_en for agency in verified.vouching)
    count = len(verified.vouching)
    return f"""\
✔ 확인되었습니다. 회원님의 투표는 바뀌지 않고 기록되어 있습니다.
  - 기록됨: {time_in_korean(verified.time_ns)} (한국 시각)에 기록되었습니다.
  - 접수됨: {accepted.poll}번 투표의 {number:,}번째 표로 접수되었습니다.
  - 보증 기관: 전체 {verified.agencies}곳 가운데 {count}곳 - {korean}
  아직 확인되지 않은 것: 집계에 포함되었는지는 이 확인증으로 알 수 없습니다. 투표가 끝난 뒤에 확인할 수 있습니다.
  이 확인증은 어떤 보기를 골랐는지 보여 주지 않습니다.

✔ Verified. Your ballot is recorded, unchanged.
  - Recorded: {time_in_english(verified.time_ns)}.
  - Accepted: as ballot number {number:,} of poll {accepted.poll}.
  - Vouched for by {count} of {verified.agencies} agencies: {english}
  Not proved yet: whether it was counted. That can be checked after the poll has closed.
  This receipt does not show which option was chosen.

  상세 / details: block {verified.height}, ballot {verified.ballot.hex()}"""


def failure_in_words(error: BadProof) -> str:
    """Why a receipt is not believed, and what to do."""
    return f"""\
✘ 확인하지 못했습니다. 이 확인증은 믿을 수 없습니다.
  파일이 바뀌었거나, 다른 투표망의 확인증이거나, 위조되었을 수 있습니다. 투표한 서비스에서 확인증을 다시 받아
  보시고, 그래도 확인되지 않으면 이 파일을 해당 기관과 다른 한 기관에 보내 주십시오.

✘ Not verified. This receipt cannot be believed.
  {error.detail} {error.remedy}

  상세 / details: {error.code}"""
