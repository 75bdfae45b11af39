"""What a reader of the API finds broken on the disk ends the node, as it would under consensus (faults S16)."""

import asyncio

import pytest

from mvchain.core import codes
from mvchain.core.errors import BrokenStorage
from tests.api.chain_node import ChainNode


async def check_end(node: ChainNode, caplog: pytest.LogCaptureFixture) -> None:
    """The node ended because of the damage, which no request logged as a fault of its own."""
    task = node.running.task
    assert task is not None
    await asyncio.wait([task], timeout=10)
    error = task.exception()
    assert isinstance(error, BaseExceptionGroup)
    found, rest = error.split(BrokenStorage)
    assert rest is None
    assert found is not None
    assert [fault.cause for fault in found.exceptions if isinstance(fault, BrokenStorage)] == [codes.STORE_DAMAGED]
    assert "Traceback" not in caplog.text


def lose_results(node: ChainNode) -> int:
    """A block whose result numbers are gone from the database."""
    height = node.cast_at
    node.store._db.delete(b"N" + height.to_bytes(6, "big"))
    return height


async def test_a_rest_request_that_meets_damage(voting: ChainNode, caplog: pytest.LogCaptureFixture) -> None:
    answer = await voting.get(f"/v1/blocks/{lose_results(voting)}")
    assert answer.status == 500
    assert answer.json()["code"] == "MV-6030"
    await check_end(voting, caplog)


async def test_a_call_that_meets_damage(voting: ChainNode, caplog: pytest.LogCaptureFixture) -> None:
    text = await voting.failure("block_results", height=str(lose_results(voting)))
    assert text.startswith("MV-6030: ")
    await check_end(voting, caplog)
