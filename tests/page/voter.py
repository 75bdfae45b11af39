"""Somebody with a browser and a receipt, for the tests of the page where voters check their ballots."""

from pathlib import Path
from typing import Any

from playwright.async_api import Page, Route

from mvchain.core.types import PollNumber
from mvchain.light.receipt_number import receipt_number
from tests.page.network import BICYCLE, Network
from tests.page.seen import open_anew

COUNTED = "확인했습니다. 회원님의 투표는 바뀌지 않고 기록되어 집계에 포함되었습니다."
RECORDED = "확인했습니다. 회원님의 투표는 바뀌지 않고 기록되어 있습니다."
SUPERSEDED = "확인했습니다. 이 투표는 바뀌지 않고 기록되어 있으나, 다시 하신 나중의 투표가 집계되었습니다."
FORGED = "이 확인증은 믿을 수 없습니다."
NOBODYS_NUMBER = "7K3Q-9FTX-HM4W-Q"
"""Well formed, and of no ballot: of 31^12 numbers, fewer than a hundred are taken on this chain."""


class Voter:
    """Somebody with a browser and a receipt."""

    def __init__(self, page: Page, network: Network) -> None:
        self.page = page
        self.network = network

    async def opens(self, fragment: str = "") -> None:
        """Load the page of node 1 anew."""
        await open_anew(self.page, f"{self.network.url}/verify{fragment}")
        await self.page.locator("#number").wait_for()

    async def asks(self, number: str) -> None:
        """Type a number and press Enter."""
        await self.page.locator("#number").fill(number)
        await self.page.locator("#number").press("Enter")

    async def picks(self, data: bytes, name: str = "mine.mvreceipt.json", field: str = "file") -> None:
        """Choose a file."""
        await self.page.set_input_files(f"#{field}", {"name": name, "mimeType": "", "buffer": data})

    async def verdict(self, kind: str = "good") -> str:
        """The first line of what the page says, which has to be of this kind."""
        return await self.text(f".verdict-{kind} h2")

    async def witnesses(self) -> list[str]:
        """What the page says of each other node, once all have answered or have not."""
        await self.page.wait_for_function(
            "() => document.querySelector('.nodes li') && !document.querySelector('.node-asking')"
        )
        return await self.page.locator(".nodes strong").all_text_contents()

    async def text(self, selector: str = "main") -> str:
        """What is to be read there, each run of white space a single space."""
        return " ".join((await self.page.locator(selector).inner_text()).split())

    async def downloads(self, role: Any, name: str) -> tuple[str, bytes]:
        """Name and content of the file that a button or link gives."""
        async with self.page.expect_download() as coming:
            await self.page.get_by_role(role, name=name).click()
        download = await coming.value
        path: Path = await download.path()
        return download.suggested_filename, path.read_bytes()  # noqa: ASYNC240 - it is there already

    async def is_answered(self, path: str, answer: bytes | int, node: int | None = None) -> None:
        """Let nodes, or one of them, answer questions of this pattern with these bytes, or this status and nothing."""
        where = "**" if node is None else self.network.localnet.api_url(node)

        async def lie(route: Route) -> None:
            headers = {"Access-Control-Allow-Origin": "*"}
            if isinstance(answer, int):
                await route.fulfill(status=answer, headers=headers)
            else:
                await route.fulfill(body=answer, headers=headers)

        await self.page.route(where + path, lie)


def number_of(network: Network, poll: PollNumber = BICYCLE, place: int = 0) -> str:
    return receipt_number(network.ballots[poll][place])


async def receipt_of(network: Network, poll: PollNumber = BICYCLE, place: int = 0, form: str = "") -> bytes:
    return await network.client.receipt(network.ballots[poll][place], form)
