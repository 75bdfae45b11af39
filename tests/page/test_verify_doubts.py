"""What could make the page for voters say more than it knows: nodes that lie, files that are damaged, haste."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Route

from tests.page.network import BICYCLE, NODES, VOID, Network
from tests.page.seen import Seen, visit
from tests.page.voter import COUNTED, FORGED, RECORDED, Voter, number_of, receipt_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

OTHER_BALLOT = "요청한 것과 다른 표의 확인증입니다."
HEAD, TAIL = '<script type="application/json" id="page-data">', "</script>"
DROP = """
([files]) => {
    const drop = ([name, text, isSlow]) => {
        const file = new File([text], name);
        const read = () => new TextEncoder().encode(text).buffer;
        if (isSlow) file.arrayBuffer = () => new Promise((resolve) => { globalThis.deliver = () => resolve(read()); });
        const event = new DragEvent("drop", { bubbles: true });
        Object.defineProperty(event, "dataTransfer", { value: { files: [file] } });
        document.dispatchEvent(event);
    };
    files.forEach(drop);
}
"""


def forged(receipt: bytes) -> bytes:
    """Its ballot has another number."""
    return receipt.replace(b'"number":', b'"number":9', 1)


def with_data(page: bytes, change: Any) -> bytes:
    """A saved page with other data; `change` gives them from those that it has."""
    before, _, rest = page.decode().partition(HEAD)
    text, _, after = rest.partition(TAIL)
    return f"{before}{HEAD}{change(text).replace('<', chr(92) + 'u003c')}{TAIL}{after}".encode()


# --- another genesis document ---


async def test_another_genesis_file_makes_no_other_ballot_mine(voter: Voter) -> None:
    await voter.is_answered("/v1/proofs/ballots/**", await receipt_of(voter.network, BICYCLE, 2), node=1)
    await voter.opens(f"#{number_of(voter.network)}")
    assert await voter.verdict("bad") == OTHER_BALLOT
    await voter.picks(voter.network.genesis.encode(), "genesis.json", "genesis-file")
    await voter.page.get_by_text("직접 고르신 제네시스 파일입니다.").wait_for()
    assert await voter.verdict("bad") == OTHER_BALLOT
    assert await voter.page.locator(".verdict-good").count() == 0
    await voter.page.unroute_all()
    await voter.picks(voter.network.genesis.encode(), "genesis.json", "genesis-file")
    assert await voter.verdict() == COUNTED


# --- whose verdict it is ---


async def test_a_verdict_is_that_of_the_file_given_last(voter: Voter) -> None:
    receipt = (await receipt_of(voter.network)).decode()
    await voter.opens()
    bad = forged(receipt.encode()).decode()
    await voter.page.evaluate(DROP, [[["good\u202e.json", receipt, True], ["forged\u202e.json", bad, False]]])
    assert await voter.verdict("bad") == FORGED
    await voter.page.evaluate("deliver()")
    await voter.page.evaluate("() => new Promise((resolve) => setTimeout(resolve))")
    assert await voter.verdict("bad") == FORGED
    assert await voter.text("[data-key=file]") == "확인한 파일: forged[U+202E].json"


async def test_a_question_that_is_refused_leaves_no_verdict(voter: Voter) -> None:
    await voter.opens()
    await voter.picks(await receipt_of(voter.network))
    assert await voter.verdict() == COUNTED
    await voter.asks("7K3Q-9FTX-HM4W-A")
    await voter.page.locator("#number-error").wait_for()
    assert await voter.page.locator(".verdict").count() == 0
    assert await voter.page.title() == "내 투표 확인 · mvchain"
    await voter.picks(await receipt_of(voter.network))
    assert await voter.verdict() == COUNTED
    await voter.page.evaluate(
        """() => {
            const file = new File(["{}"], "film.mp4");
            Object.defineProperty(file, "size", { value: 48 * 1024 * 1024 + 1 });
            const event = new DragEvent("drop", { bubbles: true });
            Object.defineProperty(event, "dataTransfer", { value: { files: [file] } });
            document.dispatchEvent(event);
        }"""
    )
    assert await voter.verdict("unknown") == "아직 확인하지 못했습니다."
    assert "48 MiB보다 클 수 없습니다" in await voter.text(".verdict-unknown [role=alert]")
    assert await voter.page.locator(".verdict-good").count() == 0


# --- nodes that lie ---


@pytest.mark.parametrize(
    "answer", [b"null", b"[]", b'{"ballots":null}', b'{"ballots":[]}', b'{"ballots":[null,["0"]]}']
)
async def test_a_node_that_lists_no_ballot_hides_none(voter: Voter, answer: bytes) -> None:
    await voter.is_answered("/v1/receipts/**", answer, node=1)
    await voter.opens(f"#{number_of(voter.network)}")
    assert await voter.verdict() == COUNTED


async def test_nodes_that_list_nothing_at_all_have_not_answered(voter: Voter) -> None:
    await voter.is_answered("/v1/receipts/**", b"null")
    await voter.opens(f"#{number_of(voter.network)}")
    assert await voter.verdict("unknown") == "아직 확인하지 못했습니다."


async def test_a_node_that_lists_ballots_of_other_numbers_hides_none(voter: Voter) -> None:
    asked: list[str] = []
    voter.page.on("request", lambda request: asked.append(request.url))
    others = [f"{n:064x}" for n in range(900)]
    mine = voter.network.ballots[BICYCLE][0].hex()
    await voter.is_answered("/v1/receipts/**", json.dumps({"ballots": [*others, mine, mine]}).encode(), node=1)
    await voter.opens(f"#{number_of(voter.network)}")
    assert await voter.verdict() == COUNTED
    assert [url.rpartition("/")[2] for url in asked if "/v1/proofs/ballots/" in url] == [mine]


async def test_a_listed_ballot_without_a_receipt_hides_none(voter: Voter, seen: Seen) -> None:
    """A hash of the number is easily made up."""
    mine = voter.network.ballots[BICYCLE][0].hex()
    listed = {"ballots": [mine[:16] + "0" * 48]}
    await voter.is_answered("/v1/receipts/**", json.dumps(listed).encode(), node=1)
    await voter.opens(f"#{number_of(voter.network)}")
    assert await voter.verdict() == COUNTED
    assert all("404" in fault for fault in seen.faults)
    seen.faults.clear()


async def test_what_nobody_foresaw_is_shown_as_such(voter: Voter, seen: Seen) -> None:
    await voter.opens()
    await voter.page.evaluate(
        "() => { DOMParser.prototype.parseFromString = () => { throw new RangeError('unforeseen'); }; }"
    )
    await voter.picks(b"<!doctype html>", "page.html")
    assert "예상하지 못한 문제" in await voter.text(".verdict-unknown [role=alert]")
    assert [fault for fault in seen.faults if "unforeseen" in fault] == seen.faults
    seen.faults.clear()


# --- who agrees ---


async def test_witnesses_whose_answers_do_not_hold_are_counted_as_such(voter: Voter) -> None:
    await voter.is_answered("/v1/light_blocks/**", b"{}", node=3)
    await voter.is_answered("/v1/nodes", b"null", node=2)
    await voter.opens(f"#{number_of(voter.network)}")
    assert sorted(await voter.witnesses()) == ["같은 기록", "같은 기록", "답을 믿을 수 없음"]
    assert "3곳 가운데 2곳이 같은 기록을 가지고 있습니다." in await voter.text()
    assert "1곳은 서명이 맞지 않는 답을 보냈습니다" in await voter.text(".notice-warning")


async def test_two_nodes_of_one_agency_are_one_witness(voter: Voter) -> None:
    await voter.is_answered("/v1/nodes", b'{"agency":2}', node=3)
    await voter.is_answered("/v1/nodes", b'{"agency":1}', node=4)
    await voter.opens(f"#{number_of(voter.network)}")
    await voter.page.get_by_text("다른 기관의 노드 1곳이 같은 기록을 가지고 있습니다.").wait_for()
    assert await voter.witnesses() == ["같은 기록"]


# --- saved pages ---


def _damaged(_text: str) -> str:
    return "{broken"


def _without_receipts(text: str) -> str:
    return json.dumps(json.loads(text) | {"receipts": []})


def _without_genesis(text: str) -> str:
    return json.dumps(json.loads(text) | {"genesis": None})


def _without_number(text: str) -> str:
    data = json.loads(text)
    del data["number"]
    return json.dumps(data)


@pytest.mark.parametrize("damage", [_damaged, _without_receipts, _without_genesis, _without_number])
async def test_a_damaged_receipt_page_says_so(
    browser: Browser, seen: Seen, network: Network, tmp_path: Path, damage: Any
) -> None:
    path = tmp_path / "damaged.html"
    path.write_bytes(with_data(await network.client.receipt_page(number_of(network)), damage))
    async with visit(browser, seen, network.urls, offline=True) as page:
        await page.goto(path.as_uri())
        alone = Voter(page, network)
        assert await alone.verdict("bad") == FORGED
        name, data = await alone.downloads("button", "신고 파일 저장")
        assert json.loads(data)["genesis_hash"] == ""
        assert name in await alone.text(".verdict-bad")


async def test_the_worst_of_several_receipts_is_what_is_said(voter: Voter) -> None:
    good = (await receipt_of(voter.network)).decode()
    other = (await receipt_of(voter.network, BICYCLE, 2)).decode()
    saved = await voter.network.client.receipt_page(number_of(voter.network))

    def holding(*receipts: str) -> bytes:
        return with_data(saved, lambda text: json.dumps(json.loads(text) | {"receipts": receipts}))

    await voter.opens()
    await voter.picks(holding(good, other), "two.html")
    assert await voter.verdict() == COUNTED
    assert await voter.verdict("bad") == OTHER_BALLOT
    assert await voter.page.title() == "확인 실패 · 내 투표 확인 · mvchain"
    await voter.page.locator("#announcement").filter(has_text=OTHER_BALLOT).wait_for(state="attached")
    assert await voter.page.locator("[data-key=several]").count() == 0
    await voter.picks(holding(*[good] * 9), "nine.html")
    await voter.page.locator(".verdict-good").wait_for(state="detached")
    assert await voter.verdict("bad") == FORGED


# --- what it rests on, and what is odd ---


async def test_the_verdict_says_what_it_rests_on(voter: Voter, browser: Browser, seen: Seen, tmp_path: Path) -> None:
    network = voter.network
    await voter.opens(f"#{number_of(network)}")
    await voter.witnesses()
    said = (await voter.text(".groups >> nth=1")).split()
    line = f"기준: {network.genesis.chain_name}, 지문 {' '.join(said[:4])} … – 기관이 공개한 것과 비교해 주십시오"
    assert await voter.text(".basis") == line
    await voter.page.locator(".basis a").click()
    assert await voter.page.evaluate("document.activeElement.id") == "genesis-heading"
    path = tmp_path / "receipt.html"
    path.write_bytes(await network.client.receipt_page(number_of(network)))
    async with visit(browser, seen, network.urls, offline=True) as page:
        await page.goto(path.as_uri())
        alone = Voter(page, network)
        assert "지문과 같을 때에만 믿을 수 있습니다" in await alone.text(".basis")
        await alone.witnesses()
        seen.faults.clear()


async def test_a_void_poll_is_said_to_be_void(voter: Voter) -> None:
    await voter.opens()
    await voter.picks(await voter.network.client.poll_proof(VOID, "question"))
    assert await voter.text(".verdict-good .notice-bad") == "✕ 이 투표는 무효가 되었습니다."
    await voter.page.locator("#announcement").filter(has_text="무효가 되었습니다").wait_for(state="attached")


async def test_what_is_completed_late_replaces_no_other_result(voter: Voter) -> None:
    await voter.opens()
    await voter.picks(await receipt_of(voter.network, form="open"))
    assert await voter.verdict() == RECORDED
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        begun.set()
        await go_on.wait()
        await route.continue_()

    await voter.page.route("**/v1/proofs/ballots/**", hold)
    button = voter.page.get_by_role("button", name="집계에 포함되었는지 확인하기")
    await button.click()
    await begun.wait()
    await voter.picks(await receipt_of(voter.network, BICYCLE, 2))
    other = voter.page.locator(".facts .number", has_text=number_of(voter.network, BICYCLE, 2))
    await other.wait_for()
    go_on.set()
    assert await voter.witnesses() == ["같은 기록"] * (NODES - 1)
    await other.wait_for()
    assert await voter.page.locator(".verdict").count() == 1
