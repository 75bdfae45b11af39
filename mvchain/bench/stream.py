"""Ballots that come in one by one at a steady rate, at all nodes in turn, each until it is acknowledged (N6)."""

import asyncio
import time
from collections import Counter
from typing import Final, NamedTuple

from mvchain.api.client import Client
from mvchain.api.limits import RETRY_AFTER_S
from mvchain.api.operator import RETRIES
from mvchain.bench.stage import Stage
from mvchain.core.errors import MvchainError
from mvchain.demo.casting import may_pass

MAX_UNDER_WAY: Final = 200
"""Ballots sent and not acknowledged; the stream falls behind its rate then, which the figures show."""


class Acknowledged(NamedTuple):
    """A ballot that a node promised to keep."""

    sent_at: float
    """For the first time, as `time.time()` tells it."""
    took_ms: float


class Stream:
    """Casts the ballots of a stage until it is stopped or there are none left."""

    def __init__(self, stage: Stage, per_s: int) -> None:
        self.acknowledged: list[Acknowledged] = []
        self.refused: Counter[str] = Counter()
        """For good, by the code of the reason."""
        self.sent_again = 0
        """How often a ballot was handed in anew: its node was away or busy."""
        self._stage = stage
        self._per_s = per_s
        self._room = asyncio.Semaphore(MAX_UNDER_WAY)
        self._stopped = False

    async def run(self) -> None:
        """Returns once every ballot that was sent was acknowledged or refused."""
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for place, ballot in enumerate(self._stage.ballots):
                await asyncio.sleep(started + place / self._per_s - time.monotonic())
                await self._room.acquire()
                if self._stopped:
                    return
                group.create_task(self._hand_in(ballot.raw, place))

    def stop(self) -> None:
        """Send no more."""
        self._stopped = True

    async def _hand_in(self, raw: bytes, place: int) -> None:
        """Until there is a promise for it, at another node each time."""
        clients = list(self._stage.clients.values())
        sent_at, started = time.time(), time.perf_counter()
        for attempt in range(RETRIES):
            error = await _refusal(clients[(place + attempt) % len(clients)], raw)
            if error is None:
                self.acknowledged.append(Acknowledged(sent_at, (time.perf_counter() - started) * 1_000))
                break
            if attempt == RETRIES - 1 or not may_pass(error):
                self.refused[error.code] += 1
                break
            self.sent_again += 1
            await asyncio.sleep(RETRY_AFTER_S)
        self._room.release()


async def _refusal(client: Client, raw: bytes) -> MvchainError | None:
    """Why the node does not take the ballot; None if it does."""
    try:
        (item,) = (await client.submit([raw])).items
    except MvchainError as error:
        return error
    return item.error
