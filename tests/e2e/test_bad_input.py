"""Bad input through every door of a running network: each piece gets its code, its cause and its remedy (R11, R12).

Four real nodes on this machine; the rows are in `bad_*.py`. Afterwards they still agree, and still take ballots.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.bad_files import FILES
from tests.e2e.bad_frames import FRAMES
from tests.e2e.bad_receipts import RECEIPTS
from tests.e2e.bad_requests import REQUESTS
from tests.e2e.bad_transactions import TRANSACTIONS
from tests.e2e.stage import Row, Stage, set_up

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROWS = (*TRANSACTIONS, *REQUESTS, *FRAMES, *FILES, *RECEIPTS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with set_up(tmp_path_factory.mktemp("bad-input")) as stage:
        yield stage


def rows(*given: Row) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", given, ids=lambda row: row.name)


@rows(*ROWS)
async def test_bad_input_gets_its_code_its_cause_and_its_remedy(stage: Stage, row: Row) -> None:
    row.check(await row.send(stage))
