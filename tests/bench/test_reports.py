"""The reports of mvchain.bench: verdicts, JSON for programs, 80 columns for people."""

import json
from dataclasses import replace

import pytest

from mvchain.bench.crowd import Reading
from mvchain.bench.figures import Runs
from mvchain.bench.join import JoinReport
from mvchain.bench.long_chain import LongChain, Size
from mvchain.bench.machine import Conditions
from mvchain.bench.phases import PhaseFigures
from mvchain.bench.proofs import ProofReport
from mvchain.bench.queries import CrowdFigures, QueryFigures, QueryReport, one_of_each_group
from mvchain.bench.readers import LABELS, ReaderReport, Setting
from mvchain.bench.receipts import ReceiptFigures, ReceiptReport
from mvchain.core.hashing import sha256
from mvchain.core.types import Height
from mvchain.sim.election import make_genesis

CONDITIONS = Conditions(verifications_per_s=36_757.0, load_average=12.34, runs=3)


def lines_of(report: ProofReport | ReaderReport) -> list[str]:
    lines = report.lines()
    assert max(map(len, lines)) <= 80
    return lines


# --- receipts ---


def receipt_figures(validators: int, **changes: object) -> ReceiptFigures:
    runs = Runs((0.9, 0.8, 1.0))
    figures = ReceiptFigures(
        validators, "superseded", 18_846, 8_000, checking_ms=runs, checking_p90_ms=runs, making_ms=runs
    )
    return replace(figures, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("validators", "json_bytes", "binary_bytes", "verdict"),
    [
        (4, 8_000, 4_000, "ok"),
        (4, 8_001, 4_000, "OVER"),
        (4, 8_000, 4_001, "OVER"),
        (40, 16_000, 8_000, "ok"),
        (40, 16_001, 8_000, "OVER"),
    ],
)
def test_sizes_are_compared_with_l11(validators: int, json_bytes: int, binary_bytes: int, verdict: str) -> None:
    """4 kB at 4 validators and 8 kB at 40, the JSON at most twice that."""
    figures = receipt_figures(validators, json_bytes=json_bytes, binary_bytes=binary_bytes)
    assert figures.size_verdict == figures.to_json()["size_verdict"] == verdict
    assert figures.to_json()["max_json_bytes"] == 2 * figures.to_json()["max_binary_bytes"]


@pytest.mark.parametrize(
    ("validators", "took_ms", "verdict"),
    [(4, 1, "goal"), (4, 3, "floor"), (4, 3.1, "MISSED"), (40, 3, "goal"), (40, 10, "floor"), (40, 10.1, "MISSED")],
)
def test_checking_is_compared_with_p3(validators: int, took_ms: float, verdict: str) -> None:
    figures = receipt_figures(validators, checking_ms=Runs((took_ms,)))
    assert figures.to_json()["checking_target"]["verdict"] == verdict
    assert verdict in figures.row()


# --- queries ---


def crowd(clients: int, busy: int) -> CrowdFigures:
    reading = Reading(1_000, busy, failed=0, example="", dropped=0, late_s=0.0, cpu_s=0.5, answer_ms=[409.6])
    return CrowdFigures(clients, reading, node_cpu_s=1.5)


QUERIES = QueryReport(
    ballots=1_000_000,
    blocks=1_234,
    idle_cpu=0.0123,
    figures=[QueryFigures("JSON-RPC abci_query, prove", Runs((123.4,)), Runs((0.6, 0.5, 0.55)), 12_345, 1)],
    crowds=[crowd(128, 0), crowd(512, 1_234)],
)


def test_when_503s_begin() -> None:
    """1,000 answers and 1,234 refusals in five seconds."""
    assert QUERIES.to_json()["busy_at_per_s"] == 446.8
    assert "The first 503s came with 512 clients, at 447 queries/s; CPU is in s/s." in QUERIES.lines()
    never = replace(QUERIES, crowds=QUERIES.crowds[:1])
    assert never.to_json()["busy_at_per_s"] is None
    assert "No 503 came; CPU is in s/s." in never.lines()


def test_one_ballot_of_each_group_comes_before_a_second_of_any() -> None:
    """Groups have 64 ballots: blocks of 130, 64 and 65 have three, one and two."""
    blocks = [
        [sha256(f"{block} {index}".encode()) for index in range(size)] for block, size in enumerate((130, 64, 65))
    ]
    expected = [blocks[0][0], blocks[1][0], blocks[2][0], blocks[0][64], blocks[2][64], blocks[0][128]]
    assert list(one_of_each_group(blocks)) == expected


def test_the_report_of_proofs() -> None:
    receipts = ReceiptReport([receipt_figures(4), receipt_figures(40)], 100_000, 5_000, 1_001)
    report = ProofReport(CONDITIONS, receipts, QUERIES)
    document = json.loads(json.dumps(report.to_json()))
    assert document.keys() >= {
        "machine", "versions", "n", "r", "L", "runs", "sync", "counted", "largest_block", "polls", "receipts",
        "ballots", "blocks", "cached_blocks", "idle_cpu", "queries", "crowds", "busy_at_per_s",
    }  # fmt: skip
    assert document["queries"][0]["cpu_ms"] == {"median": 0.55, "least": 0.5, "most": 0.6, "runs": [0.6, 0.5, 0.55]}
    assert document["queries"][0]["cpu_target"] == {"floor": 2, "goal": 0.5, "verdict": "floor"}
    lines = lines_of(report)
    assert any(line.startswith("40 validators, superseded") for line in lines)


# --- readers ---


def phase_figures(interval_ms: float, strangers_cpu: float = 0.01) -> PhaseFigures:
    figures = dict.fromkeys(LABELS, 1_234.5) | {"interval_ms": interval_ms, "strangers_cpu": strangers_cpu}
    return PhaseFigures(**figures)


REPORT = ReaderReport(
    setting=Setting(CONDITIONS, readers=500, nodes_read=1, per_s=150, seconds=20),
    phases={
        "before": [phase_figures(20.0), phase_figures(20.0), phase_figures(30.0)],
        "with": [phase_figures(30.0), phase_figures(24.0), phase_figures(80.0)],
        "after": [phase_figures(20.0), phase_figures(28.0), phase_figures(10.0)],
    },
    acknowledged=30_000,
    on_record=30_000,
    refused={},
    sent_again=7,
    late_s=0.0,
    example="",
)


def test_each_run_is_compared_with_its_own_phases_without_readers() -> None:
    """30 to the mean of 20 and 20; 24 to 24; 80 to 20."""
    assert REPORT.ratio == Runs((1.5, 1.0, 4.0))
    assert REPORT.to_json()["interval_ratio"] == {
        "median": 1.5, "least": 1.0, "most": 4.0, "runs": [1.5, 1.0, 4.0], "limit": 1.5, "verdict": "ok",
    }  # fmt: skip
    slow = replace(REPORT, phases={**REPORT.phases, "with": [phase_figures(31.0)] * 3})
    assert (slow.ratio.median, slow.verdict) == (1.55, "MISSED")


def test_a_ballot_that_was_acknowledged_and_is_not_on_record_is_lost() -> None:
    assert replace(REPORT, on_record=29_998).to_json()["ballots"]["lost"] == 2
    # One whose acknowledgement did not arrive may be on record all the same.
    assert replace(REPORT, on_record=30_001).lost == 0


def test_the_report_of_readers() -> None:
    document = json.loads(json.dumps(REPORT.to_json()))
    assert document.keys() >= {
        "machine", "versions", "n", "r", "L", "runs", "sync", "readers", "nodes_read", "offered_ballots_per_s",
        "phase_s", "phases", "interval_ratio", "ballots", "readers_late_s", "failed_example",
    }  # fmt: skip
    assert document["phases"].keys() == {"before", "with", "after"}
    assert document["phases"]["with"].keys() == set(PhaseFigures.__dataclass_fields__)
    assert document["phases"]["with"]["interval_ms"]["median"] == 30.0
    assert not any("trust" in line or "late" in line or "wrong" in line for line in lines_of(REPORT))


def test_what_makes_figures_doubtful_is_said() -> None:
    doubtful = replace(
        REPORT,
        phases={**REPORT.phases, "before": [phase_figures(20.0, strangers_cpu=1.55)] * 3},
        refused={"MV-4041": 3},
        late_s=1.25,
        example="/v1/status: 404 b'" + "x" * 200 + "'",
    )
    text = "\n".join(lines_of(doubtful))
    for words in ("other programs used up to 1.55 s/s", "up to 1.2 s late", "/v1/status: 404", "3 with MV-4041"):
        assert words in text


# --- joining ---


def join_report(took_s: float) -> JoinReport:
    runs = Runs((took_s, took_s - 1, took_s + 1))
    size = Size(10_000, 40, 25_000, 4)
    chain = LongChain(
        make_genesis(4), Height(10_006), Height(10_000), snapshot_bytes=16 << 20, taking_s=1.5, building_s=300.0
    )
    return JoinReport(CONDITIONS, size, chain, joining_s=runs, ready_s=runs, filling_s=runs, joining_mib=runs)


@pytest.mark.parametrize(("took_s", "verdict"), [(30, "goal"), (60, "floor"), (60.5, "MISSED")])
def test_joining_is_compared_with_the_minute(took_s: float, verdict: str) -> None:
    report = join_report(took_s)
    lines = report.lines()
    assert max(map(len, lines)) <= 80
    assert verdict in "\n".join(lines)
    document = json.loads(json.dumps(report.to_json()))
    assert document["joining_s"]["median"] == took_s
    assert document["verdict"] == verdict
    assert document["size"] == {"blocks": 10_000, "polls": 40, "voters": 25_000, "open_polls": 4}
    assert "genesis" not in document["chain"]
