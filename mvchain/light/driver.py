"""The light client's shell: does what the core asks for, and knows the time. No rules."""

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from mvchain.core.errors import MvchainError
from mvchain.core.types import Height, TimeNs
from mvchain.light.blocks import LightBlock
from mvchain.light.client import Answers, Pause, Source, Step

T = TypeVar("T")


class Fetcher(Protocol):
    """A node that is asked for light blocks."""

    def light_block(self, height: Height | None) -> LightBlock:
        """The block at this height, or the newest; blocks within a deadline of its own. Raises MvchainError."""


class Driver:
    """Runs steps of the core against real nodes, each of which is asked in a thread of its own."""

    def __init__(self, nodes: Mapping[Source, Fetcher]) -> None:
        self._nodes = nodes
        self._threads = ThreadPoolExecutor(max_workers=len(nodes))

    async def run(self, step: Step[T]) -> T:
        """What the step comes to."""
        try:
            request = next(step)
            while True:
                blocks: dict[Source, LightBlock | MvchainError] = {}
                if isinstance(request, Pause):
                    await asyncio.sleep(request.seconds)
                else:
                    loop = asyncio.get_running_loop()
                    asked = {
                        source: loop.run_in_executor(self._threads, self._fetch, source, height)
                        for source, height in request.heights.items()
                    }
                    blocks = {source: await answer for source, answer in asked.items()}
                request = step.send(Answers(TimeNs(time.time_ns()), blocks))
        except StopIteration as end:
            found: T = end.value
            return found

    def _fetch(self, source: Source, height: Height | None) -> LightBlock | MvchainError:
        try:
            return self._nodes[source].light_block(height)
        except MvchainError as error:
            return error
