"""A real browser, and a real network with polls of every kind, for tests of the pages."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.page.chromium import chromium_path
from tests.page.network import Network, hold_polls
from tests.page.seen import Seen, visit
from tests.page.voter import Voter


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Network]:
    """One for all tests: they look at it and change nothing that another looks at."""
    async with hold_polls(tmp_path_factory.mktemp("network") / "net") as held:
        yield held


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def seen() -> Seen:
    """A test that expects faults takes them out."""
    return Seen()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, network: Network, seen: Seen) -> AsyncIterator[Page]:
    """Of a visitor who asks node 1 and nobody else."""
    async with visit(browser, seen, {network.url}) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="session")
async def voter(browser: Browser, network: Network, seen: Seen) -> AsyncIterator[Voter]:
    """Somebody who may ask every node."""
    async with visit(browser, seen, network.urls) as page:
        yield Voter(page, network)
