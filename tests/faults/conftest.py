"""A chain of one agency with an open poll and three ballots, whose API listens on a socket."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.api.chain_node import ChainNode


@pytest_asyncio.fixture
async def chain(tmp_path: Path) -> AsyncIterator[ChainNode]:
    """Reads may take nearly all of the time, so that none is refused for want of a share."""
    async with asyncio.timeout(40):
        node = await ChainNode(tmp_path, read_share=0.9, watch_share=0.9, read_queue_s=10.0).start()
        try:
            await node.open_poll()
            node.cast_at = await node.cast(0, 1, 2)
            yield node
        finally:
            await node.stop()
