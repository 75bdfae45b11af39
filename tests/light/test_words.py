"""Verdicts in the words of voters (domain 9)."""

from collections.abc import Iterable
from dataclasses import replace
from unicodedata import east_asian_width

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BadProof, MvchainError
from mvchain.core.types import Hash, TimeNs
from mvchain.light.verify import VerifiedReceipt, verify_receipt
from mvchain.light.words import failure_in_words, in_words, time_in_english, time_in_korean
from tests.light.helpers import make_blocks, make_chain


def verified(agencies: int = 4) -> VerifiedReceipt:
    chain = make_chain(agencies)
    return verify_receipt(make_blocks(chain, 7).receipt(3).encode(), chain.genesis)


def columns(line: str) -> int:
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in line)


def too_wide(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if columns(line) > 80]


SAID = """\
✔ 확인했습니다. 회원님의 투표는 바뀌지 않고 기록되어 있습니다.
  ✔ 참여 기록 있음: 2026. 3. 9.(월) 00:00:00(한국 시각)에 3번 투표의 1,237번째
    표로 접수되었습니다.
  - 집계 포함 여부: 이 확인증만으로는 아직 알 수 없습니다. 투표가 끝난 뒤 어느
    기관에서나 확인증을 완성하시면 확인하실 수 있습니다.
  이 확인증에는 어떤 보기를 선택했는지 나타나지 않습니다.
  ✔ 내용 변경 없음: 전체 4개 기관 중 3개 기관이 이 기록을 보증합니다. 보증한
    기관: 강남구, 서울특별시교육청, 종로구

✔ Verified. Your ballot is recorded, unchanged.
  ✔ Recorded: accepted at 2026-03-08 15:00:00 UTC as ballot number 1,237 of poll
    3.
  - Counted: this receipt alone cannot tell yet. Have it completed by any agency
    once the poll has ended.
  This receipt does not show which option was chosen.
  ✔ Unchanged: 3 of 4 agencies vouch for this record: Gangnam District, Seoul
    Office of Education, Jongno District

상세 정보 / Details
  block:     41
  ballot:    02167bf58ab6f37c886c965a5f3261acc4e1c79e7b926e89161a9ddf1c4a7418
  voter key: 01d00e55d388e21124fe1a13f22676d2ab86223f528ea41741ffa3ccaf7e44eeb9
  number:    29UY-VDYP-XPSA-H"""


def test_a_verified_receipt() -> None:
    ballot = Hash(bytes.fromhex("02167bf58ab6f37c886c965a5f3261acc4e1c79e7b926e89161a9ddf1c4a7418"))
    assert in_words(replace(verified(), ballot=ballot)) == SAID


def test_the_first_ballot_is_number_one() -> None:
    one = verified()
    words = in_words(replace(one, accepted=replace(one.accepted, number=0)))  # type: ignore[arg-type]
    assert "3번 투표의 1번째 표" in words.replace("\n    ", " ")
    assert "ballot number 1 of poll 3" in words.replace("\n    ", " ")


def test_forty_agencies_fit_the_width() -> None:
    words = in_words(verified(40))
    assert too_wide(words.splitlines()) == []
    assert words.count("기관,") + words.count("Agency") > 27


ANOTHER_CHAIN = BadProof(codes.RECEIPT_OF_ANOTHER_CHAIN, chain="c" * 50, trusted="t" * 50)
ANOTHER_FORMAT = BadProof(codes.UNKNOWN_RECEIPT_FORMAT, form="x", known="y")
FORGED = BadProof(codes.RECEIPT_NOT_INCLUDED, ballot="ab" * 32, height=7)
UNREADABLE = BadConfiguration(codes.CANNOT_READ_FILE, path="x" * 60, why="No such file or directory")


@pytest.mark.parametrize(
    ("error", "korean"),
    [
        (FORGED, "이 확인증은 믿을 수 없습니다"),
        (ANOTHER_CHAIN, "서로 다른 투표 시스템의 것입니다"),
        (ANOTHER_FORMAT, "알지 못하는 확인증 형식입니다"),
        (UNREADABLE, "파일을 읽지 못했거나"),
    ],
)
def test_a_failure_says_what_to_do_in_both_languages(error: MvchainError, korean: str) -> None:
    words = failure_in_words(error)
    assert words.startswith("✘ 아직 확인하지 못했습니다.\n")
    assert korean in words
    assert "✘ Not verified." in words
    assert error.detail in words.replace("\n    ", " ")
    assert error.remedy in words.replace("\n    ", " ")
    assert words.endswith(error.code)
    assert too_wide(words.splitlines()) == []


def test_only_a_forgery_is_called_one() -> None:
    for error in (ANOTHER_CHAIN, ANOTHER_FORMAT, UNREADABLE):
        assert "위조" not in failure_in_words(error)


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    """Texts of an untrusted file come into the words; none of them may move the cursor or write a title."""
    error = BadProof(codes.MALFORMED, what="\x1b]0;owned\x07 \u202e", why="\r\x1b[2J✔ 확인했습니다.")
    words = failure_in_words(error)
    assert all(char.isprintable() for char in words.replace("\n", ""))


@pytest.mark.parametrize(
    ("time_ns", "korean", "english"),
    [
        (0, "1970. 1. 1.(목) 09:00:00", "1970-01-01 00:00:00 UTC"),
        (1_755_820_800_999_999_999, "2025. 8. 22.(금) 09:00:00", "2025-08-22 00:00:00 UTC"),
        (1_767_193_199_000_000_000, "2025. 12. 31.(수) 23:59:59", "2025-12-31 14:59:59 UTC"),
        (1_767_193_200_000_000_000, "2026. 1. 1.(목) 00:00:00", "2025-12-31 15:00:00 UTC"),
        (1_772_895_600_000_000_000, "2026. 3. 8.(일) 00:00:00", "2026-03-07 15:00:00 UTC"),
    ],
)
def test_times(time_ns: int, korean: str, english: str) -> None:
    assert time_in_korean(TimeNs(time_ns)) == korean
    assert time_in_english(TimeNs(time_ns)) == english
