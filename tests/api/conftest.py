"""A node in memory with one open poll, and its API on a real socket; and chains that really run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest_asyncio

from mvchain.api.limits import ApiLimits
from mvchain.api.server import ApiServer
from tests.api.chain_node import ChainNode
from tests.api.helpers import MemoryNode, RawClient, definition

Serve = Callable[..., Awaitable[RawClient]]
StartChain = Callable[..., Awaitable[ChainNode]]


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


@pytest_asyncio.fixture
async def start_chain(tmp_path: Path) -> AsyncIterator[StartChain]:
    """Starts the chain of one agency, with the given limits of its API changed."""
    async with AsyncExitStack() as stack, asyncio.timeout(40):

        async def start(**limits: Any) -> ChainNode:
            chain = await ChainNode(tmp_path, **limits).start()
            stack.push_async_callback(chain.stop)
            return chain

        yield start


@pytest_asyncio.fixture
async def voting(start_chain: StartChain) -> ChainNode:
    """One with an open poll; ballots of voters 0 to 2 are in the blocks up to `cast_at`."""
    chain = await start_chain()
    await chain.open_poll()
    chain.cast_at = await chain.cast(0, 1, 2)
    return chain
