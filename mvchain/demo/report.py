"""What came out of a demo: the result in tables with bars, the checks, the measures; and the same as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mvchain.demo.elections import Totals
from mvchain.ledger.polls import PollDefinition, Question, QuestionType, Texts

WIDTH: Final = 80
BAR_WIDTH: Final = 24
SHOWN_OPTIONS: Final = 20
"""Of each question, those with the highest totals."""
LANGUAGES: Final = ("ko", "en")
"""Shown first, in this order."""
UNITS: Final[Mapping[QuestionType, tuple[str, str]]] = {
    QuestionType.SINGLE: ("표", "Ballots"),
    QuestionType.APPROVAL: ("표", "Ballots"),
    QuestionType.RANKED: ("점", "Points"),
    QuestionType.POINTS: ("점", "Points"),
    QuestionType.SCORE: ("점", "Marks"),
}


@dataclass(frozen=True, slots=True)
class Measures:
    """How fast and how large, on this machine (performance P1, P3)."""

    committed_per_s: float
    """From the first ballot sent to the last one in a block."""
    verifications_per_s: float
    """r: Ed25519 verifications of all cores together, before the nodes were started."""
    limit_per_s: float
    """L = r / nodes: no network on this machine can commit more."""
    max_resident_bytes: int | None
    """Of the largest node; None where the system does not tell."""
    disk_bytes_per_ballot: float
    """Growth of the store of a node from the first ballot to the end."""
    transaction_bytes: float
    """Of a ballot as it was sent, in the mean."""

    @property
    def ratio(self) -> float:
        """Of what was committed to the limit."""
        return self.committed_per_s / self.limit_per_s


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a run."""

    definition: PollDefinition
    expected: Totals
    totals: Totals
    blanks: Sequence[int]
    """Of each question."""
    chain_id: str
    ballots: int
    seconds: float
    """The whole run, from making the network to the last check."""
    height: int
    app_hashes: Mapping[int, str]
    """By node."""
    receipts_checked: int
    receipts_valid: int
    stranger: str | None
    """What a node says when asked for the receipt of a ballot nobody cast; None if it gives one."""
    measures: Measures

    def checks(self) -> list[tuple[bool, str, str]]:
        """Each check: whether it holds, and what it says in Korean and English."""
        valid, checked = self.receipts_valid, self.receipts_checked
        hashes = set(self.app_hashes.values())
        return [
            (
                self.totals == self.expected,
                "집계 결과가 투표 파일의 합계와 같습니다.",
                "The totals equal those of the file.",
            ),
            (
                len(hashes) == 1,
                f"노드 {len(self.app_hashes)}개의 원장 상태가 모두 같습니다.",
                f"All {len(self.app_hashes)} nodes have the same app hash: {min(hashes)[:16]}…",
            ),
            (
                valid == checked,
                f"투표확인증 {checked}개 가운데 {valid}개가 오프라인으로 검증되었습니다.",
                f"{valid} of {checked} receipts of voters chosen at random verify offline.",
            ),
            (
                self.stranger is not None,
                "하지 않은 투표의 확인증은 발급되지 않습니다.",
                f"A stranger's ballot: {self.stranger or 'a receipt was given'}",
            ),
        ]

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(holds for holds, _, _ in self.checks())

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "nodes": len(self.app_hashes),
            "chain_id": self.chain_id,
            "ballots": self.ballots,
            "seconds": round(self.seconds, 3),
            "height": self.height,
            "app_hash": {str(number): app_hash for number, app_hash in self.app_hashes.items()},
            "questions": [
                {"type": question.type.name.lower(), "totals": dict(totals)}
                for question, totals in zip(self.definition.questions, self.totals, strict=True)
            ],
            "receipts": {"checked": self.receipts_checked, "valid": self.receipts_valid},
        }

    def print(self, console: Console) -> None:
        """For people, at most WIDTH columns wide, Korean before English."""
        console.width = min(console.width, WIDTH)
        nodes = len(self.app_hashes)
        _say(console, "", *shown_in(self.definition.title))
        _say(console, f"{self.ballots:,}표, 노드 {nodes}개, 블록 {self.height:,}개")
        _say(console, f"{self.ballots:,} ballots, {nodes} nodes, {self.height:,} blocks, chain {self.chain_id}")
        for question, totals, blanks in zip(self.definition.questions, self.totals, self.blanks, strict=True):
            _say(console, "", *shown_in(question.title))
            _show(console, _table(question, totals, blanks))
        _say(console, "확인 / Checks")
        for holds, korean, english in self.checks():
            _say(console, f"  {'✔' if holds else '✘ 아님 / NOT'} {korean}", f"    {english}")
        _say(console, "", "측정 / Measured")
        _say(console, "  노드마다 모든 서명을 검증하므로, 이 컴퓨터는 L보다 빨리 기록할 수 없습니다.")
        _say(console, "  Every node verifies every signature: this machine cannot commit more than L.", "")
        _show(console, _measured(self.measures, self.seconds))


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(line, markup=False, highlight=False)


def _show(console: Console, table: Table) -> None:
    """The table as plain lines, without the spaces that fill them up to the last column's width."""
    plain = Console(width=console.width, color_system=None)
    with plain.capture() as capture:
        plain.print(table)
    _say(console, *(line.rstrip() for line in capture.get().splitlines()))


def shown_in(texts: Texts) -> list[str]:
    """Korean and English where they are there, else whatever there is."""
    by_language = dict(texts)
    return [by_language[language] for language in LANGUAGES if language in by_language] or list(by_language.values())


def _table(question: Question, totals: Mapping[str, int], blanks: int) -> Table:
    """Options by their totals, highest first; equal ones share their rank."""
    korean, english = UNITS[question.type]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, expand=True)
    table.add_column("순위\nRank", justify="right")
    table.add_column("보기\nOption", ratio=1)
    table.add_column(f"{korean}\n{english}", justify="right")
    table.add_column("", width=BAR_WIDTH)
    titles = {option.id: " / ".join(shown_in(option.title)) for option in question.options}
    ordered = sorted(totals.items(), key=lambda item: -item[1])
    largest = max(totals.values()) or 1
    for option_id, total in ordered[:SHOWN_OPTIONS]:
        rank = 1 + sum(other > total for other in totals.values())
        bar = "█" * round(BAR_WIDTH * total / largest)
        table.add_row(str(rank), escape(titles[option_id]), f"{total:,}", bar)
    if rest := ordered[SHOWN_OPTIONS:]:
        total = sum(total for _, total in rest)
        table.add_row("", f"그 밖의 {len(rest)}개 / {len(rest)} more", f"{total:,}", "")
    if blanks:
        table.add_row("", "기권 / Blank", f"{blanks:,}", "")
    return table


def _measured(measures: Measures, seconds: float) -> Table:
    resident = measures.max_resident_bytes
    times = measures.disk_bytes_per_ballot / measures.transaction_bytes
    rows = (
        ("전체 시간 / whole run", f"{seconds:,.1f} s"),
        ("기록 속도 / committed", f"{measures.committed_per_s:,.0f} ballots/s"),
        ("서명 검증 r / all cores verifying", f"{measures.verifications_per_s:,.0f} signatures/s"),
        ("한계 L = r / 노드 수 / nodes", f"{measures.limit_per_s:,.0f} ballots/s"),
        ("한계 대비 / committed to L", f"{measures.ratio:.2f}"),
        ("노드 최대 메모리 / memory of a node", "-" if resident is None else f"{resident / 1e6:,.0f} MB at most"),
        ("한 표의 디스크 / disk per ballot", f"{measures.disk_bytes_per_ballot:,.0f} bytes in each node"),
        ("거래 크기 대비 / to its transaction", f"{times:.1f}"),
    )
    grid = Table.grid(padding=(0, 2))
    for label, value in rows:
        grid.add_row(f"  {label}", value)
    return grid
