"""`scripts/bench readers`: whether many readers hold up the blocks, and the ballots on their way (consensus N10).

Single ballots come in at a steady rate, at all nodes in turn, so that blocks follow one another as fast as the nodes
make them. Each run has three phases: without readers, with them, and without again. Nodes, readers and this process
share one machine, which real readers would not: their share of the processors is part of the result.
"""

import asyncio
import base64
import json
import random
import textwrap
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mvchain.api.operator import await_receipt
from mvchain.bench.asking import Asker, Question, asked, rpc_question
from mvchain.bench.crowd import GATHERING_S
from mvchain.bench.figures import WIDTH, Runs, rounded, short, table
from mvchain.bench.machine import Conditions
from mvchain.bench.phases import READ, Phase, PhaseFigures, phase
from mvchain.bench.stage import NODES, Stage, on_stage, scratch
from mvchain.bench.stream import Stream
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.core.hashing import sha256
from mvchain.core.timestamps import parse_rfc3339
from mvchain.demo.elections import POLL
from mvchain.demo.holding import poll_until
from mvchain.demo.options import whole
from mvchain.demo.preparation import SignedBallot
from mvchain.demo.progress import Narrator
from mvchain.ledger.state_tree import record_key
from mvchain.light.receipt_number import receipt_number

HELP: Final = "whether many readers hold up the blocks"

MAX_RATIO: Final = 1.5
"""Of the block interval with readers to that without."""
MAX_STRANGERS_CPU: Final = 0.2
"""Seconds per second that other programs may use without a word about it."""
MAX_READERS: Final = 800
"""A node takes 900 connections, those of its own kind not counted (security LIM07)."""
PHASES: Final = ("before", "with", "after")
WARMING_S: Final = 5.0
"""Of ballots before the first phase; readers ask about those."""
SPARE_S: Final = 3.0
"""Of ballots for each phase beside those it needs: the machine may be slow to begin one."""
SAMPLE: Final = 100
"""Questions of each kind that readers ask."""
BLOCK_METAS: Final = 20
"""Most that one call of `blockchain` gives (C123)."""

LABELS: Final[Mapping[str, str]] = {
    "interval_ms": "block interval, median ms",
    "interval_p90_ms": "block interval, p90 ms",
    "ballots_per_s": "ballots acknowledged/s",
    "acknowledged_ms": "  after, median ms",
    "acknowledged_p90_ms": "  after, p90 ms",
    "answered_per_s": "reads answered/s",
    "busy_per_s": "reads refused with 503/s",
    "failed": "reads answered otherwise",
    "dropped": "connections lost",
    "answer_ms": "an answer takes, median ms",
    "node_cpu": f"CPU s/s: node {READ}",
    "other_nodes_cpu": "CPU s/s: the other nodes",
    "readers_cpu": "CPU s/s: readers",
    "load_cpu": "CPU s/s: casting ballots",
    "strangers_cpu": "CPU s/s: other programs",
}
"""Of `PhaseFigures`, for people."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What was asked for."""

    conditions: Conditions
    readers: int
    nodes_read: int
    per_s: int
    """Ballots."""
    seconds: int
    """Of a phase."""


@dataclass(frozen=True, slots=True)
class ReaderReport:
    """What `measure` found."""

    setting: Setting
    phases: Mapping[str, Sequence[PhaseFigures]]
    """By name, of each run."""
    acknowledged: int
    on_record: int
    refused: Mapping[str, int]
    """Ballots that were refused for good, by the code of the reason."""
    sent_again: int
    late_s: float
    """How long after its phase began the last reader was ready, at worst."""
    example: str
    """Of a read that was answered otherwise than it should."""

    @property
    def ratio(self) -> Runs:
        """Of the block interval with readers to the mean of those before and after, run by run."""
        runs = zip(*(self.phases[name] for name in PHASES), strict=True)
        return Runs(tuple(2 * amid.interval_ms / (first.interval_ms + last.interval_ms) for first, amid, last in runs))

    @property
    def verdict(self) -> str:
        """Whether blocks came often enough."""
        return "ok" if self.ratio.median <= MAX_RATIO else "MISSED"

    @property
    def lost(self) -> int:
        """Ballots that were acknowledged and did not get on record."""
        return max(0, self.acknowledged - self.on_record)

    def _runs(self, figure: str, name: str) -> Runs:
        return Runs(tuple(getattr(figures, figure) for figures in self.phases[name]))

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        setting = self.setting
        return {
            **setting.conditions.to_json(NODES),
            "readers": setting.readers,
            "nodes_read": setting.nodes_read,
            "offered_ballots_per_s": setting.per_s,
            "phase_s": setting.seconds,
            "phases": {name: {figure: self._runs(figure, name).to_json() for figure in LABELS} for name in PHASES},
            "interval_ratio": {**self.ratio.to_json(), "limit": MAX_RATIO, "verdict": self.verdict},
            "ballots": {
                "acknowledged": self.acknowledged,
                "on_record": self.on_record,
                "lost": self.lost,
                "refused": dict(self.refused),
                "sent_again": self.sent_again,
            },
            "readers_late_s": rounded(self.late_s),
            "failed_example": self.example,
        }

    def lines(self) -> list[str]:
        """For people."""
        setting, ratio = self.setting, self.ratio
        where = f"at node {READ}" if setting.nodes_read == 1 else f"at {setting.nodes_read} nodes"
        refused = ", ".join(f"{count:,} with {code}" for code, count in self.refused.items()) or "none"
        rows = [[label, *(str(self._runs(figure, name)) for name in PHASES)] for figure, label in LABELS.items()]
        lines = [
            *setting.conditions.lines(NODES),
            "",
            f"{setting.readers} readers {where}, {setting.per_s} ballots/s at all of them;",
            f"{setting.conditions.runs} runs, each phase of {setting.seconds} s",
            "",
            *table(["", *PHASES], rows),
            "",
            f"Block interval with readers to that without: {ratio} (runs {short(min(ratio.values))} to "
            f"{short(max(ratio.values))});",
            f"at most {MAX_RATIO}: {self.verdict}",
            f"Ballots: {self.acknowledged:,} acknowledged, {self.lost:,} of them lost; {self.sent_again:,} sent again;",
            f"refused: {refused}",
        ]
        strangers = max(figures.strangers_cpu for found in self.phases.values() for figures in found)
        if strangers > MAX_STRANGERS_CPU:
            lines.append(f"Do not trust these figures: other programs used up to {strangers:.2f} s/s of CPU.")
        if self.late_s:
            lines.append(f"Readers were up to {self.late_s:.1f} s late: this machine has too much to do.")
        if self.example:
            lines += textwrap.wrap(f"A read that went wrong: {self.example}", WIDTH)
        return lines


def add_arguments(parser: ArgumentParser) -> None:
    """What the command line may say beside what all subcommands have."""
    parser.add_argument("--readers", type=whole(1, MAX_READERS), default=500, help="at once (%(default)s)")
    parser.add_argument("--all", action="store_true", help=f"spread them over all nodes instead of node {READ} alone")
    parser.add_argument("--rate", type=whole(1, 10_000), default=150, help="of ballots per second (%(default)s)")
    parser.add_argument("--seconds", type=whole(1, 3_600), default=20, help="of a phase (%(default)s)")


def measure(arguments: Namespace, narrator: Narrator) -> ReaderReport:
    """All runs on one network.

    Raises:
        MvchainError: it could not be finished.
    """
    nodes_read = NODES if arguments.all else 1
    conditions = Conditions.now(arguments.runs)
    setting = Setting(conditions, arguments.readers, nodes_read, arguments.rate, arguments.seconds)
    phases_s = len(PHASES) * arguments.runs * (GATHERING_S + arguments.seconds + SPARE_S)
    voters = int(arguments.rate * (WARMING_S + phases_s))
    with scratch(narrator) as directory:
        return on_stage(directory / "network", voters, narrator, lambda stage: _measure(stage, setting))


async def _measure(stage: Stage, setting: Setting) -> ReaderReport:
    stream = Stream(stage, setting.per_s)
    streaming = asyncio.create_task(stream.run())
    try:
        phases = await _phases(stage, setting)
        stream.stop()
        await streaming
    finally:
        streaming.cancel()
        await asyncio.gather(streaming, return_exceptions=True)
    acknowledged = len(stream.acknowledged)
    on_record = await _on_record(stage, acknowledged)
    times = await _block_times(stage)
    every = [one for found in phases.values() for one in found]
    return ReaderReport(
        setting=setting,
        phases={
            name: [PhaseFigures.of(one, times, stream.acknowledged) for one in found] for name, found in phases.items()
        },
        acknowledged=acknowledged,
        on_record=on_record,
        refused=stream.refused,
        sent_again=stream.sent_again,
        late_s=max(one.reading.late_s for one in every),
        example=next((one.reading.example for one in every if one.reading.example), ""),
    )


async def _phases(stage: Stage, setting: Setting) -> Mapping[str, list[Phase]]:
    """All phases by name, in runs."""
    await asyncio.sleep(WARMING_S)
    questions = await _questions(stage, stage.ballots[: int(setting.per_s * WARMING_S / 2)])
    urls = [stage.network.api_url(READ + place) for place in range(setting.nodes_read)]
    phases: dict[str, list[Phase]] = {name: [] for name in PHASES}
    for run in range(setting.conditions.runs):
        for name, found in phases.items():
            stage.narrator.say(f"run {run + 1}, {name} readers")
            found.append(await phase(stage, setting.seconds, urls, questions, setting.readers if name == "with" else 0))
    return phases


async def _questions(stage: Stage, ballots: Sequence[SignedBallot]) -> list[Question]:
    """As many of each kind, about these ballots, which were sent a while ago, and about the blocks up to now."""
    client = stage.clients[READ]
    for ballot in (ballots[0], ballots[-1]):
        await await_receipt(client, sha256(ballot.raw))
    height = (await client.status())["height"]
    assert isinstance(height, int)
    chosen = random.Random(0).choices(ballots, k=SAMPLE)  # noqa: S311 - nothing secret
    heights = random.Random(0).choices(range(1, height), k=SAMPLE)  # noqa: S311
    hashes = [sha256(ballot.raw) for ballot in chosen]
    key = record_key(POLL).hex()
    once = [
        Question("/v1/status"),
        Question("/v1/polls"),
        Question(f"/v1/polls/{POLL}"),
        Question(f"/v1/proofs/polls/{POLL}?claim=question"),
        rpc_question("status"),
        rpc_question("abci_query", path="/store/polls/key", data=key, prove=True),
    ]
    return [
        *(question for question in once for _ in range(SAMPLE)),
        *(Question(f"/v1/proofs/polls/{POLL}?claim=on_roll&voter={ballot.voter.hex()}") for ballot in chosen),
        *(Question(f"/v1/proofs/ballots/{tx_hash.hex()}?form=open") for tx_hash in hashes),
        *(Question(f"/v1/transactions/{tx_hash.hex()}") for tx_hash in hashes),
        *(Question(f"/v1/receipts/{receipt_number(tx_hash)}") for tx_hash in hashes),
        *(Question(f"/v1/blocks/{height}") for height in heights),
        *(Question(f"/v1/light_blocks/{height}") for height in heights),
        *(rpc_question("commit", height=str(height)) for height in heights),
        *(rpc_question("block", height=str(height)) for height in heights),
        *(rpc_question("tx", hash=base64.b64encode(tx_hash).decode(), prove=True) for tx_hash in hashes),
    ]


async def _on_record(stage: Stage, acknowledged: int) -> int:
    """Ballots in blocks, once there are as many as were acknowledged or no more come."""
    client = stage.clients[READ]
    try:
        await poll_until(
            stage.network,
            client,
            "all ballots are in blocks",
            lambda shown: shown["ballots"]["size"] >= acknowledged,
        )
    except BadConfiguration as error:
        if error.cause is not codes.DEMO_STANDSTILL:
            raise
    ballots: Any = (await client.poll(POLL))["ballots"]
    return int(ballots["size"])


async def _block_times(stage: Stage) -> list[float]:
    """Of all blocks but the first, ascending, in seconds since the Unix epoch: when the block before was decided."""
    height = (await stage.clients[READ].status())["height"]
    assert isinstance(height, int)
    times: dict[int, float] = {}
    asker = await Asker.connect(stage.network.api_url(READ))
    try:
        for first in range(2, height + 1, BLOCK_METAS):
            last = min(height, first + BLOCK_METAS - 1)
            answer = await asked(asker, rpc_question("blockchain", minHeight=str(first), maxHeight=str(last)))
            for meta in json.loads(answer)["result"]["block_metas"]:
                header = meta["header"]
                times[int(header["height"])] = parse_rfc3339(header["time"], "the answer") / 1e9
    finally:
        asker.close()
    return [times[at] for at in sorted(times)]
