"""Bad input through every door of a running network: each piece gets its code, its cause and its remedy (R11, R12).

Four real nodes on this machine; the rows are in `bad_*.py`. Afterwards they still agree, and still take ballots.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from mvchain.api.client import Client
from mvchain.api.operator import await_committed
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash, Height
from mvchain.ledger.transactions import PollResume
from mvchain.light.verify import verify_receipt
from mvchain.node import wire
from mvchain.node.wire import GetBlocks, NoBlock
from tests.e2e.bad_files import FILES
from tests.e2e.bad_frames import FRAMES
from tests.e2e.bad_genesis import FOUNDING
from tests.e2e.bad_receipts import RECEIPTS
from tests.e2e.bad_requests import REQUESTS
from tests.e2e.bad_transactions import TRANSACTIONS
from tests.e2e.caller import Caller
from tests.e2e.stage import FIRST_VOTERS, OPEN, PAUSED, Row, Stage, set_up, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROWS = (*TRANSACTIONS, *REQUESTS, *FRAMES, *FOUNDING, *FILES, *RECEIPTS)
MOST_MEMORY_BYTES = 300 * 1024 * 1024
ROLES = ("validator", "node", "agency", "operator")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with set_up(tmp_path_factory.mktemp("bad-input")) as stage:
        yield stage


def rows(*given: Row) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", given, ids=lambda row: row.name)


async def test_the_table_is_large_and_its_faults_are_told_apart() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) > 80
    assert len({row.cause.code for row in ROWS}) >= 60


@rows(*ROWS)
async def test_bad_input_gets_its_code_its_cause_and_its_remedy(stage: Stage, row: Row) -> None:
    row.check(await row.send(stage))


# --- what is not refused, and changes nothing ---


async def test_a_replayed_ballot_gets_the_answer_of_the_first(stage: Stage) -> None:
    for number in stage.network.numbers:
        async with Client(stage.network.api_url(number)) as client:
            for raw in stage.accepted:
                (item,) = (await client.submit([raw])).items
                assert (item.status, item.state) == (200, "committed")
    assert await _ballots(stage, OPEN) == FIRST_VOTERS


async def test_100_copies_at_once_are_one_ballot(stage: Stage) -> None:
    raw = stage.ballot(OPEN, FIRST_VOTERS)
    numbers = list(stage.network.numbers) * 25
    statuses = await asyncio.gather(*(stage.submit_to(number, raw) for number in numbers))
    assert set(statuses) <= {200, 202, 503}  # the small pool is full
    await await_committed(stage.client, Hash(sha256(raw)))
    assert await _ballots(stage, OPEN) == FIRST_VOTERS + 1


async def test_a_peer_that_asks_for_blocks_no_chain_has_is_told_so(stage: Stage) -> None:
    caller = await Caller.peer(stage, stage.observer)
    for first in (1 << 47, (1 << 48) - 8, 1 << 62):
        caller.sealed(wire.encode(GetBlocks(Height(first), 16)))
        for height in range(first, first + 16):
            while not isinstance(message := await caller.read(), NoBlock):
                pass
            assert message.height == height
    caller.close()


# --- afterwards ---


async def test_what_was_received_is_not_lost(stage: Stage) -> None:
    assert await _ballots(stage, PAUSED) == 0
    await stage.acts(stage.operator, (PollResume, PAUSED, "test"))

    async def all_in() -> bool:
        return await _ballots(stage, PAUSED) == stage.waiting

    await until(all_in)


async def test_the_network_goes_on_and_agrees(stage: Stage) -> None:
    committed = await stage.commit(stage.ballot(OPEN, FIRST_VOTERS + 1))
    verified = verify_receipt(stage.receipt, stage.genesis)
    assert verified.ballot == sha256(stage.accepted[0])
    statuses: list[dict[str, Any]] = []

    async def at_one_height() -> bool:
        statuses[:] = [await _status(stage, number) for number in stage.network.numbers]
        return len({status["height"] for status in statuses}) == 1

    await until(at_one_height)
    assert statuses[0]["height"] >= committed["height"]
    assert len({(status["app_hash"], status["block_hash"]) for status in statuses}) == 1
    assert not any(status["catching_up"] for status in statuses)


async def test_no_node_ended_or_grew_or_told_a_secret(stage: Stage) -> None:
    for number in stage.network.numbers:
        assert _most_memory_bytes(stage.network.pid(number)) < MOST_MEMORY_BYTES
        log = stage.network.log_path(number).read_text()
        assert "Traceback" not in log
        assert "never retrieved" not in log
        assert "ERROR" not in log
        for role in ROLES:
            assert stage.network.key(number, role).seed.hex() not in log


def _most_memory_bytes(pid: int | None) -> int:
    """Of a process that is running, so far; 0 where the system does not tell."""
    if not Path("/proc/self/status").exists():
        return 0
    (peak,) = re.findall(r"^VmHWM:\s*(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(peak) * 1024


async def _ballots(stage: Stage, poll: int) -> int:
    shown: Any = await stage.client.poll(poll)
    size: int = shown["ballots"]["size"]
    return size


async def _status(stage: Stage, number: int) -> dict[str, Any]:
    async with Client(stage.network.api_url(number)) as client:
        return await client.status()
