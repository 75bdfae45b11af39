"""Visits to a page, and what the page did meanwhile beside showing itself."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Set
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Error, Page, Request

PHONE_PX = 360
DESKTOP_PX = 1_280
LONGEST_WAIT_MS = 10_000


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
        if url.scheme not in ("data", "blob", "file"):
            self.hosts.add(url.netloc)

    def message(self, message: ConsoleMessage) -> None:
        """Note what is wrong."""
        # A node without room for reads says so; that is no fault of the page, which asks again.
        if message.type in ("error", "warning") and "status of 503" not in message.text:
            self.faults.append(message.text)

    def error(self, error: Error) -> None:
        """Note what was not caught."""
        self.faults.append(str(error))


async def open_anew(page: Page, url: str) -> None:
    """Load a document anew, as soon as the node has room for it."""
    await page.goto("about:blank")
    while True:
        answer = await page.goto(url)
        if answer is None or answer.status != 503:
            break
        await asyncio.sleep(float(answer.headers["retry-after"]))


@contextlib.asynccontextmanager
async def visit(browser: Browser, seen: Seen, urls: Set[str], **options: Any) -> AsyncIterator[Page]:
    """A new page of a new visitor, who reads Korean; in the end it has asked no others and nothing was wrong."""
    context = await browser.new_context(viewport={"width": DESKTOP_PX, "height": 800}, locale="ko-KR", **options)
    page = await context.new_page()
    page.set_default_timeout(LONGEST_WAIT_MS)
    page.on("request", seen.request)
    page.on("console", seen.message)
    page.on("pageerror", seen.error)
    yield page
    await context.close()
    assert seen.hosts <= {urlsplit(url).netloc for url in urls}
    assert seen.faults == []
