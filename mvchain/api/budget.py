"""Reads never starve consensus: a bounded share of the event loop's time (consensus N10)."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from mvchain.core import codes
from mvchain.core.errors import BadRequest

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

    async def admit(self) -> None:
        """Returns when a read may start, and it must do so at once; raises BadRequest(SERVER_BUSY)."""
        now = self._clock()
        if now >= self._paid_off_at and not self._turn.locked():
            return
        give_up_at = now + self._queue_s
        async with self._turn:
            # Those before us may have added to the debt while we waited for our turn.
            while (wait_s := self._paid_off_at - self._clock()) > 0:
                if self._paid_off_at > give_up_at:
                    raise BadRequest(codes.SERVER_BUSY, retry_after_s=math.ceil(wait_s))
                await self._sleep(wait_s)

    @contextmanager
    def charge(self) -> Iterator[None]:
        """Measures the synchronous work inside and sets when it is paid off; straight after `admit`."""
        started = self._clock()
        try:
            yield
        finally:
            spent_s = self._clock() - started + REQUEST_OVERHEAD_S
            self._paid_off_at = started + spent_s / self._share
