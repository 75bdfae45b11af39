"""Reads never starve consensus: a bounded share of the event loop's time (consensus N10)."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

from mvchain.core import codes
from mvchain.core.errors import BadRequest

Result = TypeVar("Result")

TURN_S = 0.002
"""After so much of a long read it is the turn of others."""
MAX_LONG_READS = 8
"""Reads under way that need more than one turn; each may hold a block as JSON, and short reads wait behind them."""
REQUEST_OVERHEAD_S = 0.000_1
"""Charged for every read beside its handler's own time: parsing and writing HTTP (performance P2)."""


class ReadBudget:
    """Lets reads through in order of arrival as long as they take at most `share` of the time.

    A read that took t seconds is paid off t / share seconds later, and the next one waits until then: at
    most `queue_s`, else it is refused with SERVER_BUSY. So one long read is answered at once, a flood is not.
    """

    def __init__(
        self,
        share: float,
        queue_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._share = share
        self._queue_s = queue_s
        self._clock = clock
        self._sleep = sleep
        self._paid_off_at = clock()
        self._turn = asyncio.Lock()
        self._long_reads = 0

    async def admit(self, *, patient: bool = False) -> None:
        """Returns when a read may start, and it must do so at once; raises BadRequest(SERVER_BUSY).

        A `patient` one waits as long as it takes.
        """
        now = self._clock()
        if now >= self._paid_off_at and not self._turn.locked():
            return
        give_up_at = math.inf if patient else now + self._queue_s
        async with self._turn:
            # Those before us may have added to the debt while we waited for our turn.
            while (wait_s := self._paid_off_at - self._clock()) > 0:
                if self._paid_off_at > give_up_at:
                    raise BadRequest(codes.SERVER_BUSY, retry_after_s=math.ceil(wait_s))
                await self._sleep(wait_s)

    @contextmanager
    def charge(self, overhead_s: float = REQUEST_OVERHEAD_S) -> Iterator[None]:
        """Measures the synchronous work inside and sets when it is paid off; straight after `admit`, or without it for
        what is cheap and must not be refused: then those who read pay for it.
        """
        started = self._clock()
        try:
            yield
        finally:
            spent_s = self._clock() - started + overhead_s
            self._paid_off_at = max(self._paid_off_at, started) + spent_s / self._share

    async def run(self, steps: Generator[None, None, Result], *, patient: bool = False) -> Result:
        """Runs a read that yields where it may be interrupted, in turns of TURN_S; raises BadRequest(SERVER_BUSY).

        It is refused at its beginning, or after its first turn if as many as may be are in the middle of theirs.
        """
        await self.admit(patient=patient)
        with self.charge():
            ended, result = self._take_turn(steps)
        if ended:
            return result
        if self._long_reads >= MAX_LONG_READS and not patient:
            raise BadRequest(codes.SERVER_BUSY, retry_after_s=1)
        self._long_reads += 1
        try:
            while not ended:
                await self.admit(patient=True)
                with self.charge(overhead_s=0.0):
                    ended, result = self._take_turn(steps)
        finally:
            self._long_reads -= 1
        return result

    def _take_turn(self, steps: Generator[None, None, Result]) -> tuple[bool, Result]:
        """Goes on with a read until it ends or its turn does; whether it ended, and what it found."""
        end = self._clock() + TURN_S
        try:
            next(steps)
            while self._clock() < end:
                next(steps)
        except StopIteration as done:
            return True, done.value
        return False, cast(Result, None)
