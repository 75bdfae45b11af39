"""A node in memory with one open poll, and its API on a real socket."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest_asyncio

from mvchain.api.limits import ApiLimits
from mvchain.api.server import ApiServer
from tests.api.helpers import MemoryNode, RawClient, definition

Serve = Callable[..., Awaitable[RawClient]]


@pytest_asyncio.fixture
async def node() -> MemoryNode:
    memory = MemoryNode()
    memory.register_poll(definition())
    return memory


@pytest_asyncio.fixture
async def serve(node: MemoryNode) -> AsyncIterator[Serve]:
    """Starts a server with the given limits changed, and connects to it."""
    async with AsyncExitStack() as stack:

        async def start(**limits: Any) -> RawClient:
            server = ApiServer(node, replace(ApiLimits(), **limits))
            await server.start("127.0.0.1", 0)
            stack.push_async_callback(server.stop)
            client = await RawClient.connect(server)
            stack.push_async_callback(client.close)
            return client

        yield start


@pytest_asyncio.fixture
async def raw(serve: Serve) -> RawClient:
    """One connection to a server with its usual limits."""
    return await serve()
