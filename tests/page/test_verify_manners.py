"""How the page for voters treats them: with the keyboard alone, in two languages, on a phone, read aloud, by camera."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import segno
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright

from tests.page.chromium import chromium_path
from tests.page.network import BICYCLE, HOSTILE, OPEN, Network
from tests.page.seen import DESKTOP_PX, PHONE_PX, Seen
from tests.page.voter import COUNTED, NOBODYS_NUMBER, RECORDED, Voter, number_of, receipt_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}


# --- QR codes ---

STAND_IN_FOR_SCANNER = """
globalThis.BarcodeDetector = class {
  async detect(picture) {
    return [{ rawValue: LINK }];
  }
};
"""
"""Chromium has its own on Android and macOS only."""


async def test_a_picture_of_the_qr_code_is_read(voter: Voter, tmp_path: Path) -> None:
    link = f"{voter.network.localnet.api_url(2)}/verify#{number_of(voter.network)}"
    await voter.page.add_init_script(STAND_IN_FOR_SCANNER.replace("LINK", json.dumps(link)))
    await voter.opens()
    picture = tmp_path / "code.png"
    segno.make(link).save(str(picture), scale=4)
    await voter.picks(b"no picture", "blank.png", "picture")
    assert "QR 코드를 찾지 못했습니다" in await voter.text("#scan-error[role=alert]")
    await voter.picks(picture.read_bytes(), "code.png", "picture")
    assert await voter.verdict() == COUNTED
    assert await voter.page.locator("#scan-error").count() == 0


async def test_the_camera_reads_the_qr_code_and_is_switched_off(network: Network) -> None:
    link = f"{network.localnet.api_url(2)}/verify#{number_of(network)}"
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox", *camera])
        voter = Voter(await chromium.new_page(), network)
        await voter.page.add_init_script(STAND_IN_FOR_SCANNER.replace("LINK", "globalThis.seen"))
        await voter.page.add_init_script("globalThis.seen = 'https://elsewhere.example/'")
        await voter.opens()
        await voter.page.get_by_role("button", name="카메라로 QR 코드 찍기").click()
        await voter.page.wait_for_function("() => document.querySelector('video')?.currentTime > 0")
        await voter.page.evaluate("track = document.querySelector('video').srcObject.getTracks()[0]")
        await voter.page.evaluate("link => { seen = link; }", link)
        assert await voter.verdict() == COUNTED
        await voter.page.locator("video").wait_for(state="detached")
        assert await voter.page.evaluate("track.readyState") == "ended"
        await chromium.close()


async def test_a_browser_that_reads_no_codes_says_what_else_to_do(voter: Voter) -> None:
    await voter.opens()
    assert "휴대전화의 카메라 앱으로" in await voter.text(".way >> nth=1")
    assert await voter.page.locator("#picture").count() == 0


# --- keyboard, languages, screen readers, narrow screens ---


async def test_all_of_it_works_with_the_keyboard_alone(voter: Voter) -> None:
    page = voter.page
    await voter.opens()

    async def focused(what: str = "textContent") -> str:
        return str(await page.evaluate(f"document.activeElement.{what}"))

    async def tab_to(text: str) -> None:
        for _ in range(40):
            await page.keyboard.press("Tab")
            if text in await focused():
                return
        raise AssertionError(f"{text} is out of reach")

    await page.keyboard.press("Tab")
    assert await focused() == "본문으로 바로 가기"
    await page.keyboard.press("Enter")
    assert await focused("id") == "main"
    await page.keyboard.press("Tab")
    assert await focused("id") == "number"
    await page.keyboard.type(number_of(voter.network))
    await page.keyboard.press("Enter")
    assert await voter.verdict() == COUNTED
    await page.wait_for_function("() => document.activeElement.id === 'verdict-0'")
    await voter.witnesses()
    await tab_to("전문가를 위한 상세 정보")
    await page.keyboard.press("Enter")
    assert voter.network.ballots[BICYCLE][0].hex() in await voter.text("details[open]")
    await tab_to("확인하기")
    async with page.expect_file_chooser() as chooser:
        await page.keyboard.press("Tab")
        assert await focused("id") == "file"
        await page.keyboard.press("Enter")
    await (await chooser.value).set_files(
        {"name": "x.json", "mimeType": "", "buffer": await receipt_of(voter.network, form="open")}
    )
    await page.get_by_role("heading", name=RECORDED).wait_for()


async def test_every_focus_shows(voter: Voter) -> None:
    await voter.opens(f"#{number_of(voter.network)}")
    await voter.witnesses()
    stops = 0
    while True:
        await voter.page.keyboard.press("Tab")
        if await voter.page.evaluate("document.activeElement === document.body"):
            break
        stops += 1
        shown = await voter.page.evaluate(
            """() => [document.activeElement, document.activeElement.nextElementSibling]
                .some((one) => one && getComputedStyle(one).outlineStyle !== "none")"""
        )
        assert shown, await voter.page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    assert stops > 12


async def test_what_happens_is_told_to_screen_readers(voter: Voter) -> None:
    await voter.opens()
    status = voter.page.locator("#announcement[role=status]")
    await voter.asks(number_of(voter.network))
    await status.filter(has_text=COUNTED).wait_for(state="attached")
    await voter.witnesses()
    assert await voter.page.locator("[role=status]", has_text="모두 같은 기록").count() == 1
    await voter.page.get_by_text("전문가를 위한 상세 정보").click()
    await voter.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await voter.page.get_by_role("button", name="표의 해시 복사").click()
    await status.filter(has_text="복사했습니다.").wait_for(state="attached")
    assert await voter.page.evaluate("navigator.clipboard.readText()") == voter.network.ballots[BICYCLE][0].hex()


async def test_english_is_one_click_away(voter: Voter) -> None:
    page = voter.page
    await voter.opens(f"#{number_of(voter.network)}")
    await voter.witnesses()
    assert await page.evaluate("document.documentElement.lang") == "ko"
    await page.get_by_role("button", name="English").click()
    await page.get_by_role("heading", name="Verified. Your ballot is recorded, unchanged and counted.").wait_for()
    assert await page.evaluate("document.documentElement.lang") == "en"
    assert await page.title() == "Verified · Check your ballot · mvchain"
    assert not re.search("[가-힣]", await voter.text())
    assert urlsplit(page.url).fragment == f"{number_of(voter.network)}&en"
    await page.reload()
    await page.get_by_role("heading", name="Verified. Your ballot is recorded, unchanged and counted.").wait_for()
    await page.get_by_role("button", name="한국어").click()
    assert await voter.verdict() == COUNTED
    assert await page.context.cookies() == []
    assert await page.evaluate("localStorage.length + sessionStorage.length") == 0


async def states(voter: Voter, path: Path, seen: Seen) -> AsyncIterator[str]:
    """The page in each of its states, one after the other."""
    network = voter.network
    await voter.opens()
    yield "empty"
    await voter.asks("7K3Q")
    await voter.page.locator("#number-error").wait_for()
    yield "typing mistake"
    await voter.asks(NOBODYS_NUMBER)
    await voter.page.locator(".verdict-unknown").wait_for()
    seen.faults.clear()
    yield "unknown"
    for poll, place in ((BICYCLE, 0), (BICYCLE, 1), (OPEN, 0)):
        await voter.opens(f"#{number_of(network, poll, place)}")
        await voter.witnesses()
        for summary in await voter.page.locator("summary").all():
            await summary.click()
        await voter.page.locator(".row-form button >> nth=0").click()
        await voter.page.locator(".row-form [role=alert]").first.wait_for()
        yield f"ballot {place} of poll {poll}"
    await voter.picks(b"{}")
    await voter.page.locator(".verdict-bad").wait_for()
    await voter.page.locator("summary").first.click()
    yield "forged"
    await voter.picks(await network.client.poll_proof(BICYCLE, "result"))
    await voter.page.locator(".verdict-good").wait_for()
    yield "result"
    await voter.page.goto(path.as_uri())
    await voter.page.locator(".qr img").wait_for()
    yield "receipt"


@pytest.mark.parametrize("manner", [("ko", PHONE_PX, "light"), ("en", DESKTOP_PX, "dark")], ids=("phone", "desktop"))
async def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    voter: Voter, seen: Seen, tmp_path: Path, manner: tuple[str, int, Any]
) -> None:
    page = voter.page
    language, width, scheme = manner
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": width, "height": 740})
    path = tmp_path / "receipt.html"
    path.write_bytes(await voter.network.client.receipt_page(number_of(voter.network)))
    async for state in states(voter, path, seen):
        if language != await page.evaluate("document.documentElement.lang"):
            await page.locator("[data-action=language]").click()
            await page.wait_for_function("lang => document.documentElement.lang === lang", arg=language)
        results = await Axe().run(page, options=AXE)
        assert results.violations_count == 0, f"{state}: {results.generate_report()}"
        assert await page.evaluate("document.documentElement.scrollWidth") == width, state
        small = await page.evaluate(
            """() => [...document.querySelectorAll("button, summary, input, .button, .button-like")]
                .map((one) => [one.outerHTML, one.getBoundingClientRect()])
                .filter(([, { width, height }]) => width > 0 && (width < 24 || height < 24)).map(([html]) => html)"""
        )
        assert small == [], state
    seen.faults.clear()


async def test_a_title_with_markup_is_a_text(voter: Voter) -> None:
    await voter.opens(f"#{number_of(voter.network, OPEN)}")
    await voter.page.locator(".facts bdi").first.wait_for()
    assert HOSTILE.replace("\u202e", "[U+202E]") in await voter.text(".facts >> nth=0")
    assert await voter.page.evaluate("[document.images.length, typeof owned]") == [0, "undefined"]


async def test_the_page_may_ask_nobody_but_the_nodes(voter: Voter, seen: Seen) -> None:
    await voter.opens()
    blocked = await voter.page.evaluate(
        """() => new Promise((resolve) => {
            document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
            fetch("http://127.0.0.1:1/").catch(() => {});
        })"""
    )
    assert blocked == "connect-src"
    seen.faults.clear()


async def test_an_address_that_the_voter_knows_is_opened(voter: Voter) -> None:
    page, other = voter.page, voter.network.localnet.api_url(2)
    await voter.opens(f"#{number_of(voter.network)}")
    await voter.witnesses()
    await page.get_by_text("내가 아는 기관의 화면에서 확인하기").click()
    field = page.get_by_label("기관의 노드 주소")
    await field.fill("somewhere")
    await field.press("Enter")
    await page.get_by_role("alert").filter(has_text="주소를 읽을 수 없습니다").wait_for()
    await field.fill(f"{other}/x?y")
    async with page.context.expect_page() as opening:
        await field.press("Enter")
    opened = await opening.value
    await opened.locator(".verdict-good").wait_for()
    assert opened.url == f"{other}/verify#{number_of(voter.network)}"
