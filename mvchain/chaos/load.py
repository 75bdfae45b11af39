"""The load that is on all the time: ballots one by one at a bounded rate, at all nodes in turn, and what was promised.

A ballot that is not acknowledged is handed in again, the same bytes, at the next node: its node may be dead, paused or
cut off. Every promise is kept here, and the check asks for each (faults I3).
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final, Self

from mvchain.api.client import Client
from mvchain.chaos.cluster import Cluster
from mvchain.core.errors import MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash
from mvchain.demo.casting import may_pass
from mvchain.demo.preparation import SignedBallot

MAX_UNDER_WAY: Final = 200
"""Ballots sent and not acknowledged; the load falls behind its rate then."""
ANSWER_S: Final = 5.0
"""How long a node may take to answer, before the ballot goes to another."""
AGAIN_S: Final = 0.5
MAX_LATE_S: Final = 1.0
"""Up to which the load makes up for what it is late."""
HAND_IN_S: Final = 120.0
"""For how long one ballot is handed in: longer than any fault lasts during which no node takes it."""


class Load:
    """Hands in ballots from when it is entered until it is left; an async context manager."""

    def __init__(self, cluster: Cluster, ballots: Sequence[SignedBallot], per_s: float) -> None:
        self.acknowledged: dict[Hash, int] = {}
        """Ballots that a node promised to keep, with its number."""
        self.refused: Counter[str] = Counter()
        """For good, by node and code of the reason; none has to be."""
        self.took_s: list[float] = []
        """From handing in a ballot for the first time to its acknowledgement."""
        self._cluster = cluster
        self._left = list(reversed(ballots))
        self._per_s = per_s
        self._room = asyncio.Semaphore(MAX_UNDER_WAY)
        self._going = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._clients: dict[int, Client] = {}
        self._stack = AsyncExitStack()
        self._casting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        for number in self._cluster.network.numbers:
            client = Client(self._cluster.api_url(number), ANSWER_S)
            self._clients[number] = await self._stack.enter_async_context(client)
        self._casting = asyncio.create_task(self._cast())
        return self

    async def __aexit__(self, *_exc: object) -> None:
        assert self._casting is not None
        tasks = [self._casting, *self._under_way]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._stack.aclose()

    @property
    def left(self) -> int:
        """Ballots that were not handed in yet."""
        return len(self._left)

    def client(self, number: int) -> Client:
        """To a node."""
        return self._clients[number]

    def resume(self) -> None:
        """Begin, or go on."""
        self._going.set()

    async def pause(self) -> None:
        """Send no more; returns once every ballot that was sent is acknowledged or refused."""
        self._going.clear()
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _cast(self) -> None:
        place = 0
        due = time.monotonic()
        while self._left:
            await self._going.wait()
            await self._room.acquire()
            task = asyncio.create_task(self._hand_in(self._left.pop().raw, place))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            place += 1
            due = max(due + 1 / self._per_s, time.monotonic() - MAX_LATE_S)
            await asyncio.sleep(due - time.monotonic())

    async def _hand_in(self, raw: bytes, place: int) -> None:
        numbers = list(self._clients)
        started = time.monotonic()
        attempt = 0
        while True:
            number = numbers[(place + attempt) % len(numbers)]
            error = await _refusal(self._clients[number], raw)
            if error is None:
                self.acknowledged[Hash(sha256(raw))] = number
                self.took_s.append(time.monotonic() - started)
                break
            if not may_pass(error) or time.monotonic() > started + HAND_IN_S:
                self.refused[f"node {number} with {error.code}"] += 1
                break
            attempt += 1
            await asyncio.sleep(AGAIN_S)
        self._room.release()


async def _refusal(client: Client, raw: bytes) -> MvchainError | None:
    """Why the node does not take the ballot; None if it does, or had it already."""
    try:
        (item,) = (await client.submit([raw])).items
    except MvchainError as error:
        return error
    return item.error
