"""What proof queries cost a node, and how many it answers (performance P3, consensus N10).

One keep-alive client asks for proofs of one kind after the other. A node gives reads a share of its event loop alone,
so the rate is what that share allows; processor time is counted for the answers that were given.
"""

import asyncio
import base64
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, cycle
from typing import Any, Final, NamedTuple

from mvchain.api.block_trees import CACHED_BLOCKS
from mvchain.api.operator import await_receipt
from mvchain.bench.asking import Asker, Question, asked, rpc_question
from mvchain.bench.crowd import GATHERING_S, Reading, read_together
from mvchain.bench.figures import Runs, Target, percentile, rounded, short, table
from mvchain.bench.machine import cpu_seconds
from mvchain.bench.stage import Stage
from mvchain.core.hashing import sha256
from mvchain.core.merkle import GROUP
from mvchain.core.types import Hash
from mvchain.demo.casting import Caster
from mvchain.demo.elections import POLL
from mvchain.demo.holding import close_poll, poll_until, settled
from mvchain.ledger.state_tree import record_key
from mvchain.light.blocks import decode_light_block
from mvchain.light.receipt_number import receipt_number
from mvchain.light.verify import verify

ASKED: Final = 1
"""The node that is asked."""
QUERY: Final = Target(2, 0.5)
"""Milliseconds of processor time (P3)."""
PIECES: Final = CACHED_BLOCKS * 5 // 4
"""Of the ballots, in as many blocks at least: more than a node keeps the trees of, so that some are always cold."""
RUN_S: Final = 3.0
"""Of one run of one kind."""
IDLE_S: Final = 5.0
SAMPLE: Final = 2_000
"""Different questions of one kind, where there are so many."""
CROWDS: Final = (16, 32, 64, 128, 256, 512)
"""Clients that ask for everything at once, until there are 503s."""
CROWD_S: Final = 5.0

Check = Callable[[bytes], object]
"""Raises whatever it likes if an answer does not hold."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of query."""

    name: str
    questions: Sequence[Question]
    check: Check


@dataclass(frozen=True, slots=True)
class QueryFigures:
    """Of one kind."""

    name: str
    per_s: Runs
    """Answers to one client."""
    cpu_ms: Runs
    """Of the node for one, without what it uses when it is idle."""
    answer_bytes: int
    """In the median."""
    busy: int
    """How often the one client got a 503, of all runs together; it then waits a second, and the rate is lower."""

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "kind": self.name,
            "per_s": self.per_s.to_json(),
            "cpu_ms": self.cpu_ms.to_json(),
            "cpu_target": QUERY.to_json(self.cpu_ms.median),
            "answer_bytes": self.answer_bytes,
            "busy": self.busy,
        }

    def row(self) -> list[str]:
        """For people."""
        cpu_ms = self.cpu_ms
        spread = f"{short(min(cpu_ms.values))}-{short(max(cpu_ms.values))}"
        return [
            self.name,
            str(self.per_s),
            str(cpu_ms),
            spread,
            QUERY.verdict(cpu_ms.median),
            f"{self.answer_bytes:,}",
            str(self.busy),
        ]


@dataclass(frozen=True, slots=True)
class CrowdFigures:
    """Of many clients that ask one node for proofs of all kinds."""

    clients: int
    reading: Reading
    node_cpu_s: float

    @property
    def offered_per_s(self) -> float:
        """Queries, those that were refused among them."""
        return (self.reading.answered + self.reading.busy) / CROWD_S

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "clients": self.clients,
            "answered_per_s": rounded(self.reading.answered / CROWD_S),
            "busy_per_s": rounded(self.reading.busy / CROWD_S),
            "failed": self.reading.failed,
            "example": self.reading.example,
            "dropped": self.reading.dropped,
            "late_s": rounded(self.reading.late_s),
            "answer_ms": rounded(self.reading.median_ms),
            "node_cpu": rounded(self.node_cpu_s / CROWD_S),
            "readers_cpu": rounded(self.reading.cpu_s / CROWD_S),
        }

    def row(self) -> list[str]:
        """For people."""
        reading = self.reading
        return [
            f"{self.clients} clients",
            short(reading.answered / CROWD_S),
            short(reading.busy / CROWD_S),
            short(reading.median_ms),
            short(self.node_cpu_s / CROWD_S),
            short(reading.cpu_s / CROWD_S),
        ]


@dataclass(frozen=True, slots=True)
class QueryReport:
    """All of it."""

    ballots: int
    blocks: int
    """With ballots in them."""
    idle_cpu: float
    """Seconds of processor time that the node uses in a second without queries."""
    figures: Sequence[QueryFigures]
    crowds: Sequence[CrowdFigures]

    @property
    def first_busy(self) -> CrowdFigures | None:
        """The fewest clients who got 503s; None if there were none."""
        return next((one for one in self.crowds if one.reading.busy), None)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "ballots": self.ballots,
            "blocks": self.blocks,
            "cached_blocks": CACHED_BLOCKS,
            "idle_cpu": rounded(self.idle_cpu),
            "queries": [one.to_json() for one in self.figures],
            "crowds": [one.to_json() for one in self.crowds],
            "busy_at_per_s": None if self.first_busy is None else rounded(self.first_busy.offered_per_s),
        }

    def lines(self) -> list[str]:
        """For people."""
        head = ["query", "per s", "CPU ms", "runs", "", "bytes", "503s"]
        crowd_head = ["all kinds at once", "answered/s", "503/s", "ms", "node CPU", "readers' CPU"]
        first = self.first_busy
        busy = "No 503 came"
        if first is not None:
            busy = f"The first 503s came with {first.clients} clients, at {short(first.offered_per_s)} queries/s"
        return [
            f"Proof queries to one node: {self.ballots:,} ballots in {self.blocks:,} blocks (it keeps the",
            f"trees of {CACHED_BLOCKS}); one client; without the {self.idle_cpu:.3f} s/s of an idle node;",
            f"floor {QUERY.floor:g} ms, goal {QUERY.goal:g} ms",
            "",
            *table(head, [one.row() for one in self.figures]),
            "",
            *table(crowd_head, [one.row() for one in self.crowds]),
            f"{busy}; CPU is in s/s.",
        ]


async def measure_queries(stage: Stage, runs: int) -> QueryReport:
    """Cast all ballots, ask for what is proved while the poll is open, close it, and ask for the rest."""
    network, client, count = stage.network, stage.clients[ASKED], len(stage.ballots)
    await _cast(stage)
    await await_receipt(client, sha256(stage.ballots[-1].raw))
    height, _ = await settled(network, stage.clients)
    found = [await client.block(height) for height in range(1, height + 1)]
    cast = {sha256(ballot.raw) for ballot in stage.ballots}
    blocks = [ballots for block in found if (ballots := _hashes(block, cast))]
    queries = Queries(stage, blocks, height)
    measuring = Measuring(stage, runs)
    idle_cpu = await measuring.idle()
    figures = [await measuring.of(kind, idle_cpu) for kind in queries.of_open_poll()]
    stage.narrator.say("closing the poll and counting")
    await close_poll(network, client)
    await await_receipt(client, blocks[0][0])
    await settled(network, stage.clients)
    kinds = queries.of_final_poll()
    figures += [await measuring.of(kind, idle_cpu) for kind in kinds]
    everything = [question for kind in kinds for question in kind.questions]
    return QueryReport(count, len(blocks), idle_cpu, figures, [one async for one in measuring.crowds(everything)])


async def _cast(stage: Stage) -> None:
    """All ballots, in pieces that get blocks of their own."""
    count = len(stage.ballots)
    with stage.narrator.bar("casting ballots", count) as advance:
        for piece in range(PIECES):
            first, stop = piece * count // PIECES, (piece + 1) * count // PIECES
            raw = [ballot.raw for ballot in stage.ballots[first:stop]]
            await Caster(stage.network, raw, _nothing).cast_all()
            await _recorded(stage, stop)
            advance(stop)


async def _recorded(stage: Stage, count: int) -> None:
    """Return once so many ballots are in blocks."""
    await poll_until(
        stage.network,
        stage.clients[ASKED],
        "all ballots are in blocks",
        lambda shown: shown["ballots"]["size"] == count,
    )


def _nothing(_done: int) -> None:
    """What a caster of one piece tells of its progress."""


def _hashes(block: Any, cast: set[Hash]) -> list[Hash]:
    """The ballots of a block as the node shows it."""
    hashes = [Hash(bytes.fromhex(text)) for text in block["transactions"]]
    return [tx_hash for tx_hash in hashes if tx_hash in cast]


def one_of_each_group(blocks: Iterable[Sequence[Hash]]) -> Iterator[Hash]:
    """A ballot of the first group of each block, then one of the second of each, and so on.

    So what a node has kept of a block or a group is of no use when it is asked about it again.
    """
    left = list(blocks)
    for start in range(0, max(map(len, left)), GROUP):
        yield from (block[start] for block in left if start < len(block))


class Queries:
    """Makes the kinds of query for one election."""

    def __init__(self, stage: Stage, blocks: Sequence[Sequence[Hash]], height: int) -> None:
        self._stage = stage
        self._blocks = blocks
        self._height = height
        genesis = stage.network.genesis
        self._ballots = _some(list(chain.from_iterable(blocks)))
        self._voters = _some([ballot.voter for ballot in stage.ballots])
        self._proof: Check = lambda document: verify(document, genesis)

    def of_open_poll(self) -> list[Kind]:
        """What is proved before the poll closes."""
        cold = [_receipt(ballot, "open") for ballot in one_of_each_group(self._blocks)]
        warm = [_receipt(ballot, "open") for ballot in self._blocks[-1][:GROUP]]
        sizes = _some(range(1, len(self._stage.ballots)))
        return [
            Kind("open receipt, cold block", cold, self._proof),
            Kind("open receipt, warm block", warm, self._proof),
            Kind("question", [_claim("question")], self._proof),
            Kind("on_roll", [_claim(f"on_roll&voter={voter.hex()}") for voter in self._voters], self._proof),
            Kind("recorded", [_claim(f"recorded&size={size}") for size in sizes], self._proof),
        ]

    def of_final_poll(self) -> list[Kind]:
        """What is proved afterwards, and what does not depend on the poll."""
        # Keys that nobody has: 33 bytes that begin as those of voters do.
        absent = [voter[:1] + sha256(voter) for voter in self._voters]
        heights = _some(range(1, self._height + 1))
        numbers = [receipt_number(ballot) for ballot in self._ballots]
        txs = [rpc_question("tx", hash=base64.b64encode(ballot).decode(), prove=True) for ballot in self._ballots]
        key = record_key(POLL).hex()
        query = rpc_question("abci_query", path="/store/polls/key", data=key, prove=True)
        return [
            Kind("completed receipt", [_receipt(ballot, "completed") for ballot in self._ballots], self._proof),
            Kind("question, final", [_claim("question")], self._proof),
            Kind("result", [_claim("result")], self._proof),
            Kind("not_counted", [_claim(f"not_counted&voter={voter.hex()}") for voter in absent], self._proof),
            Kind("light block", [Question(f"/v1/light_blocks/{height}") for height in heights], decode_light_block),
            Kind("receipt number", [Question(f"/v1/receipts/{number}") for number in numbers], json.loads),
            Kind("JSON-RPC tx, prove", txs, lambda body: json.loads(body)["result"]["proof"]),
            Kind("JSON-RPC abci_query, prove", [query], _proof_ops),
        ]


def _proof_ops(body: bytes) -> object:
    return json.loads(body)["result"]["response"]["proofOps"]["ops"][1]


def _some(items: Sequence[Any]) -> list[Any]:
    """SAMPLE of them or all, in an order without a pattern that is the same in every run."""
    return random.Random(0).sample(items, min(SAMPLE, len(items)))  # noqa: S311 - nothing secret


def _receipt(ballot: Hash, form: str) -> Question:
    return Question(f"/v1/proofs/ballots/{ballot.hex()}?form={form}")


def _claim(claim: str) -> Question:
    return Question(f"/v1/proofs/polls/{POLL}?claim={claim}")


class _Run(NamedTuple):
    """Of one kind."""

    per_s: float
    cpu_ms: float
    sizes: Sequence[int]
    """Of the answers."""


class Measuring:
    """Asks one node, and looks at its process."""

    def __init__(self, stage: Stage, runs: int) -> None:
        self._stage = stage
        self._url = stage.network.api_url(ASKED)
        self._pid = stage.pid(ASKED)
        self._runs = runs

    async def idle(self) -> float:
        """What the node uses when nobody asks, in seconds per second."""
        before = cpu_seconds(self._pid)
        await asyncio.sleep(IDLE_S)
        return (cpu_seconds(self._pid) - before) / IDLE_S

    async def of(self, kind: Kind, idle_cpu: float) -> QueryFigures:
        """One client's view of one kind.

        Raises:
            BadConfiguration: the node did not answer as it should.
        """
        self._stage.narrator.say(f"asking: {kind.name}")
        asker = await Asker.connect(self._url)
        try:
            questions = cycle(kind.questions)
            kind.check(await asked(asker, next(questions)))
            runs = [await self._run(asker, questions, idle_cpu) for _ in range(self._runs)]
        finally:
            asker.close()
        return QueryFigures(
            name=kind.name,
            per_s=Runs(tuple(run.per_s for run in runs)),
            cpu_ms=Runs(tuple(run.cpu_ms for run in runs)),
            answer_bytes=int(percentile(chain.from_iterable(run.sizes for run in runs), 50)),
            busy=asker.busy,
        )

    async def _run(self, asker: Asker, questions: Iterator[Question], idle_cpu: float) -> "_Run":
        sizes: list[int] = []
        cpu_s, started = cpu_seconds(self._pid), time.perf_counter()
        while (passed_s := time.perf_counter() - started) < RUN_S or not sizes:
            sizes.append(len(await asked(asker, next(questions))))
        cpu_s = cpu_seconds(self._pid) - cpu_s - idle_cpu * passed_s
        return _Run(len(sizes) / passed_s, cpu_s * 1_000 / len(sizes), sizes)

    async def crowds(self, questions: Sequence[Question]) -> AsyncIterator[CrowdFigures]:
        """More and more clients, until there are 503s."""
        for clients in CROWDS:
            self._stage.narrator.say(f"{clients} clients ask for everything")
            start_at = time.time() + GATHERING_S
            stop_at = start_at + CROWD_S
            use, reading = await asyncio.gather(
                self._stage.use(start_at, stop_at),
                read_together([self._url], questions, clients, start_at, stop_at),
            )
            yield CrowdFigures(clients, reading, use.nodes[ASKED])
            if reading.busy:
                return
