"""mvchain.chaos.asking, against a real node of one agency."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from mvchain.chaos.asking import MAX_CALLS, Asker
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from tests.api.chain_node import ChainNode


@pytest_asyncio.fixture
async def asker(tmp_path: Path) -> AsyncIterator[Asker]:
    node = await ChainNode(tmp_path).start()
    await node.open_poll()
    host, port = node.server.address
    async with Asker(3, f"http://{host}:{port}") as asker:
        yield asker
    await node.stop()


async def test_one_call_and_a_full_batch(asker: Asker) -> None:
    height = await asker.height()
    assert height is not None
    assert (await asker.rpc("block", height="1"))["block"]["header"]["height"] == "1"
    calls = [("header", {"height": str(1 + place % height)}) for place in range(MAX_CALLS)]
    found = [int(each["header"]["height"]) for each in await asker.rpc_batch(calls)]
    assert found == [1 + place % height for place in range(MAX_CALLS)]
    assert await asker.ready()
    assert (await asker.get("/v1/status"))["height"] == height


async def test_an_error_names_the_node_and_the_question(asker: Asker) -> None:
    for asking in (asker.rpc("block", height="999"), asker.get("/v1/nothing")):
        with pytest.raises(BadConfiguration, match="Node 3 answered") as caught:
            await asking
        assert caught.value.cause is codes.CHAOS_ANSWER


async def test_a_node_that_is_not_there_has_no_height_and_is_not_ready() -> None:
    async with Asker(1, "http://127.0.0.1:9") as asker:
        assert await asker.height() is None
        assert not await asker.ready()
