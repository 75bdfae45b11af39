"""A real browser, and a real network with polls of every kind, for tests of the pages."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Error, Page, Request, async_playwright

from tests.page.chromium import chromium_path
from tests.page.network import Network, hold_polls

PHONE_PX = 360
DESKTOP_PX = 1_280


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


@dataclass
class Seen:
    """What a page did beside showing itself."""

    hosts: set[str] = field(default_factory=set)
    """Of its requests."""
    faults: list[str] = field(default_factory=list)
    """Errors and warnings in its console, and what it did not catch."""

    def request(self, request: Request) -> None:
        """Note where it goes."""
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob"):
            self.hosts.add(url.netloc)

    def message(self, message: ConsoleMessage) -> None:
        """Note what is wrong."""
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def error(self, error: Error) -> None:
        """Note what was not caught."""
        self.faults.append(str(error))


@pytest_asyncio.fixture(loop_scope="session")
async def seen() -> Seen:
    """A test that expects faults takes them out."""
    return Seen()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, network: Network, seen: Seen) -> AsyncIterator[Page]:
    """A new page of a new visitor, who reads Korean; in the end it has asked no other host and nothing was wrong."""
    context = await browser.new_context(viewport={"width": DESKTOP_PX, "height": 800}, locale="ko-KR")
    page = await context.new_page()
    page.set_default_timeout(10_000)
    page.on("request", seen.request)
    page.on("console", seen.message)
    page.on("pageerror", seen.error)
    yield page
    await context.close()
    assert seen.hosts <= {urlsplit(network.url).netloc}
    assert seen.faults == []
