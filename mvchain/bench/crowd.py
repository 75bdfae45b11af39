"""Many readers at once, in processes of their own: keep-alive clients that ask again as soon as they are answered.

They do not wait as a 503 asks them to: what a node must stand is readers who do as they like (consensus N10).
"""

import asyncio
import time
from collections.abc import Sequence
from random import Random
from typing import Final, NamedTuple, Self

from mvchain.bench.asking import BUSY, OK, Answer, Asker, Question
from mvchain.bench.figures import percentile
from mvchain.demo.workers import cores, in_processes

CLIENTS_PER_ADDRESS: Final = 150
"""A node counts connections by address and takes 200 of each on a localnet (security LIM07)."""
FIRST_SOURCE: Final = 2
"""127.0.0.2 and on: 127.0.0.1 is that of ballots and measurements."""
GATHERING_S: Final = 4.0
"""From the order to the first question: for processes to start, and for all clients to connect."""
CONNECTING: Final = 50
"""Clients of one process that connect at the same time: below what a listener lets wait."""
AGAIN_S: Final = 1.0
"""Before a client connects again whose connection ended."""


class Crowd(NamedTuple):
    """Readers and when they read; times as `time.time()` tells them."""

    urls: Sequence[str]
    """Of the nodes: client 0 reads from the first, client 1 from the next, and so around."""
    questions: Sequence[Question]
    """Each client asks them in an order of its own."""
    clients: Sequence[int]
    """Their numbers."""
    start_at: float
    stop_at: float


class Reading(NamedTuple):
    """What came of it, from `start_at` to `stop_at`."""

    answered: int
    busy: int
    """Refused with 503."""
    failed: int
    """Any other answer."""
    example: str
    """One of those: what was asked, and what came."""
    dropped: int
    """Connections that ended, or gave no answer in time."""
    late_s: float
    """How long after `start_at` the last process was ready."""
    cpu_s: float
    """Processor time of the readers themselves."""
    answer_ms: Sequence[float]
    """How long each answer took that was given."""

    @classmethod
    def together(cls, parts: Sequence["Reading"]) -> Self:
        """Of several processes."""
        return cls(
            answered=sum(part.answered for part in parts),
            busy=sum(part.busy for part in parts),
            failed=sum(part.failed for part in parts),
            example=next((part.example for part in parts if part.example), ""),
            dropped=sum(part.dropped for part in parts),
            late_s=max(part.late_s for part in parts),
            cpu_s=sum(part.cpu_s for part in parts),
            answer_ms=[ms for part in parts for ms in part.answer_ms],
        )

    @property
    def median_ms(self) -> float:
        """Of an answer; 0 if there was none."""
        return percentile(self.answer_ms, 50) if self.answer_ms else 0.0


async def read_together(
    urls: Sequence[str], questions: Sequence[Question], clients: int, start_at: float, stop_at: float
) -> Reading:
    """Let so many clients read, spread over as many processes as there are cores."""
    crowd = Crowd(urls, questions, range(clients), start_at, stop_at)
    shares = [crowd._replace(clients=range(first, clients, cores())) for first in range(min(cores(), clients))]
    parts = await asyncio.to_thread(lambda: [part for _, part in in_processes(read, shares)])
    return Reading.together(parts)


def read(crowd: Crowd) -> Reading:
    """What one process does."""
    return asyncio.run(_Readers(crowd).read())


class _Readers:
    """The clients of one process."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._connecting = asyncio.Semaphore(CONNECTING)
        self._answered = self._busy = self._failed = self._dropped = 0
        self._example = ""
        self._answer_ms: list[float] = []

    async def read(self) -> Reading:
        crowd = self._crowd
        askers = await asyncio.gather(*(self._connect(number) for number in crowd.clients))
        late_s = max(0.0, time.time() - crowd.start_at)
        await asyncio.sleep(crowd.start_at - time.time())
        cpu_s = time.process_time()
        await asyncio.gather(
            *(self._read_on(number, asker) for number, asker in zip(crowd.clients, askers, strict=True))
        )
        cpu_s = time.process_time() - cpu_s
        return Reading(
            answered=self._answered,
            busy=self._busy,
            failed=self._failed,
            example=self._example,
            dropped=self._dropped,
            late_s=late_s,
            cpu_s=cpu_s,
            answer_ms=self._answer_ms,
        )

    async def _connect(self, number: int) -> Asker | None:
        """None once it is too late, or if the node does not let the client in."""
        crowd = self._crowd
        source = f"127.0.0.{FIRST_SOURCE + number // CLIENTS_PER_ADDRESS}"
        async with self._connecting:
            try:
                return await Asker.connect(crowd.urls[number % len(crowd.urls)], source)
            except OSError:
                self._dropped += 1
                return None

    async def _read_on(self, number: int, asker: Asker | None) -> None:
        crowd, random = self._crowd, Random(number)  # noqa: S311 - nothing secret
        while time.time() < crowd.stop_at:
            if asker is None:
                await asyncio.sleep(AGAIN_S)
                asker = await self._connect(number)
                continue
            question, started = random.choice(crowd.questions), time.perf_counter()
            try:
                answer = await asker.ask(question)
            except (OSError, EOFError):
                self._dropped += 1
                asker.close()
                asker = None
                continue
            if time.time() < crowd.stop_at:
                self._count(question, answer, (time.perf_counter() - started) * 1_000)
        if asker is not None:
            asker.close()

    def _count(self, question: Question, answer: Answer, took_ms: float) -> None:
        if answer.status == OK:
            self._answered += 1
            self._answer_ms.append(took_ms)
        elif answer.status == BUSY:
            self._busy += 1
        else:
            self._failed += 1
            self._example = f"{question.path}: {answer.status} {answer.body[:200]!r}"
