"""The explorer in a real browser, on a real network whose ballots are all known."""

import json
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Route

from mvchain.ledger.transactions import RollCreate
from tests.page.network import (
    BICYCLE,
    BUDGET,
    HOSTILE,
    LARGE,
    LIVE,
    NODES,
    OPEN,
    PAUSED,
    POLLS,
    REGISTERED,
    SURVEY,
    VOID,
    Network,
)
from tests.page.seen import DESKTOP_PX, PHONE_PX, Seen, open_anew

pytestmark = pytest.mark.asyncio(loop_scope="session")

REFRESH_MS = 4_000
GOOD, BAD = ".proof .notice-good", ".proof .notice-bad"
HOSTILE_SHOWN = HOSTILE.replace("\u202e", "[U+202E]")
"""Marks that turn the writing around are spelled out."""


class Visit:
    """A visitor of node 1."""

    def __init__(self, page: Page, network: Network) -> None:
        self.page = page
        self._network = network

    async def to(self, view: str) -> None:
        """Load the document anew, at this view."""
        await open_anew(self.page, f"{self._network.url}/{view}")
        await self.settled()

    async def settled(self) -> None:
        """Return once what was asked for is shown."""
        await self.page.locator("main[aria-busy=false] h1").wait_for()

    async def text(self, selector: str = "main") -> str:
        """What is to be read there, each run of white space a single space."""
        return " ".join((await self.page.locator(selector).inner_text()).split())

    async def rows(self, selector: str) -> list[list[str]]:
        """The cells of a table's body, hidden texts included."""
        rows: list[list[str]] = await self.page.locator(f"{selector} tbody tr").evaluate_all(
            "rows => rows.map(row => Array.from(row.cells, cell => cell.textContent.trim()))"
        )
        return rows

    async def facts(self, where: str = "main > .facts") -> dict[str, str]:
        """Names and values of a list of facts."""
        names = await self.page.locator(f"{where} dt").all_text_contents()
        return dict(zip(names, await self.page.locator(f"{where} dd").all_text_contents(), strict=True))

    async def prove(self, outcome: str) -> str:
        """Press the button, and read what comes out, which has to be of this kind."""
        await self.page.get_by_role("button", name="이 브라우저에서 확인").click()
        await self.page.locator(".proof .notice").wait_for()
        return await self.text(outcome)

    async def change(self, path: str, change: Callable[[Any], Any]) -> None:
        """Let the node lie: `change` the JSON that it answers with."""

        async def lie(route: Route) -> None:
            response = await route.fetch()
            await route.fulfill(response=response, json=change(await response.json()))

        await self.page.route(f"**{path}", lie)


@pytest.fixture
def visit(page: Page, network: Network) -> Visit:
    return Visit(page, network)


# --- the network at a glance ---


async def test_the_overview_shows_what_the_node_says(visit: Visit, network: Network) -> None:
    await visit.to("")
    status = await network.client.status()
    tiles = await visit.page.locator(".tile-value").all_text_contents()
    assert int(tiles[0]) in (status["height"], int(str(status["height"])) - 1)
    assert tiles[3] == "2"
    assert await visit.text(".tile:nth-child(4) .tile-more") == f"지금까지 모두 {len(POLLS)}건"
    sections = await visit.page.locator("h2").all_text_contents()
    assert sections == ["끝나지 않은 투표", "최근에 끝난 투표", "기관과 최근 블록 서명"]
    titles = [await section.locator("h3").all_text_contents() for section in await visit.page.locator("section").all()]
    assert titles[0] == [HOSTILE_SHOWN, "학교 가왕 투표", "회장 투표", "강남구 만족도 조사"]
    assert titles[1] == ["큰 예산 투표", "여가와 민원 서비스 조사", "주민참여예산 사업 선정", "소형 따릉이 이름 정하기"]


async def test_turnout_counts_voters_and_not_ballots(visit: Visit) -> None:
    """Five of eight voters cast seven ballots; three of five; none."""
    await visit.to("")
    cards = await visit.page.locator("section:first-of-type .turnout").all_inner_texts()
    assert [card.strip() for card in cards] == [
        "8명 중 5명 참여 (투표율 62.5%)",
        "5명 중 3명 참여 (투표율 60.0%)",
        "3명 중 0명 참여 (투표율 0.0%)",
        "명부 3명",
    ]


async def test_the_grid_says_who_signed(visit: Visit, network: Network) -> None:
    await visit.to("")
    rows = await visit.rows(".signature-grid")
    heights = await visit.page.locator(".grid-height a").all_text_contents()
    first = int(heights[0].removeprefix("블록 "))
    blocks = await network.get(f"/v1/blocks?after={first - 1}&limit={len(heights) - 1}")
    assert [row[0] for row in rows] == ["서울특별시", "강남구", "마포구", "서울특별시교육청"]
    for number, row in enumerate(rows, 1):
        # The last column may have gained signatures since.
        for block, cell in zip(blocks["blocks"], row[2:-1], strict=True):
            agencies = block["agencies"]
            proposed = "제안하고 서명함" if agencies["proposer"] == number else "서명함"
            assert cell[1:] == (proposed if number in agencies["committed"] else "서명이 담기지 않음"), block
        signed = sum("서명함" in cell for cell in row[2:])
        assert row[1] == f"{signed} / {len(heights)}"


async def test_who_came_and_went_is_shown_where_it_could_sign(visit: Visit) -> None:
    """Agency 4 has left, agency 5 came: counts are of those who could sign, and the others have no row."""

    def came(document: Any) -> Any:
        *others, last = document["agencies"]
        until = [{**last["tenures"][0], "until_height": 2}]
        fifth = {**last, "agency": 5, "name_ko": "종로구", "tenures": [{**last["tenures"][0], "from_height": 3}]}
        return {"agencies": [*others, {**last, "tenures": until}, fifth]}

    def signed(document: Any) -> Any:
        for block in document["blocks"]:
            block["agencies"] |= {"members": [1, 2, 3, 5], "proposer": 1, "committed": [1, 2, 3], "nil": []}
        return document

    await visit.change("/v1/agencies", came)
    await visit.change("/v1/blocks?after=**", signed)
    await visit.to("")
    rows = await visit.rows(".signature-grid")
    assert [row[0] for row in rows] == ["서울특별시", "강남구", "마포구", "종로구"]
    assert await visit.page.locator(".tile-value").nth(2).text_content() == "3 / 4"
    await visit.to("#/agencies")
    assert [row[2] for row in await visit.rows("table")][3:] == ["–", f"0 / {len(rows[0]) - 2}"]
    await visit.to("#/agencies/4")
    assert (await visit.facts())["서명하는 블록"] == "1번부터 2번 전까지"
    await visit.to("#/agencies/5")
    assert (await visit.facts())["서명하는 블록"] == "3번부터 지금까지"


async def test_who_signed_twice_is_named(visit: Visit) -> None:
    """I8: by the name of the agency, with the height and the block that holds the evidence."""
    accused = {"agency": {"number": 2}, "height": 3, "round": 1, "kind": "precommit", "hash": "ab", "block_height": 5}
    waiting = {**accused, "agency": {"number": 3}, "kind": "prevote", "hash": "cd", "block_height": None}

    def signed(document: Any) -> Any:
        assert document["counts"] == {"committed": 0, "pending": 0, "duplicate_proposals": 0, "forks": 0}
        return {
            **document,
            "counts": {**document["counts"], "committed": 7},
            "committed": [accused],
            "pending": [waiting],
        }

    def forked(document: Any) -> Any:
        fork = {"height": 4, "signed_both": [{"number": 1}, {"number": 2}]}
        return {**signed(document), "forks": [fork], "duplicate_proposals": [accused]}

    await visit.to("#/agencies")
    assert "그런 기관은 없었습니다." in await visit.text()
    await visit.change("/v1/evidence?limit=100", signed)
    await visit.to("#/agencies")
    rows = (await visit.rows("table"))[-2:]
    assert rows == [
        ["강남구", "확정 서명 둘", "블록 3", "1", "블록 5"],
        ["마포구", "1차 서명 둘", "블록 3", "1", "아직 블록에 없음"],
    ]
    assert "이 밖에도 5건이 더 있습니다." in await visit.text()
    await visit.page.unroute_all()
    await visit.change("/v1/evidence?limit=100", forked)
    await visit.to("#/agencies")
    assert "두 블록 모두에 서명한 기관: 서울특별시, 강남구." in await visit.text(".notice-bad")


async def test_a_fork_is_shown_first_and_loudly(visit: Visit) -> None:
    def forked(document: Any) -> Any:
        return {**document, "evidence": {**document["evidence"], "forks": 1}}

    await visit.to("")
    assert await visit.page.locator(".notice-bad").count() == 0
    await visit.change("/v1/status", forked)
    await visit.to("")
    assert "체인이 갈라졌습니다" in await visit.text(".notice-bad")


# --- results ---


async def test_a_single_choice_by_arithmetic(visit: Visit) -> None:
    await visit.to(f"#/polls/{BICYCLE}")
    last = [ballots[-1][0] for ballots in POLLS[BICYCLE].ballots]
    assert [last.count(choice) for choice in (0, 1, 2, None)] == [5, 4, 2, 1]
    assert await visit.rows(".results") == [
        ["1", "따릉이", "5", "41.7%"],
        ["2", "바람바람처럼 빠르게", "4", "33.3%"],
        ["3", "씽씽이", "2", "16.7%"],
    ]
    assert "아무것도 고르지 않은 표: 1." in await visit.text()
    facts = await visit.facts()
    assert facts["기록된 표"] == "14표 (다시 투표한 것 포함)"
    assert facts["최소 참여"] == "10명"
    assert await visit.text(".turnout") == "20명 중 12명 참여 (투표율 60.0%)"


async def test_a_budget_by_arithmetic(visit: Visit) -> None:
    await visit.to(f"#/polls/{BUDGET}")
    projects = POLLS[BUDGET].definition["questions"][0]["options"]
    chosen = [option for (answer,) in (ballots[-1] for ballots in POLLS[BUDGET].ballots) for option in answer or ()]
    totals = [chosen.count(place) for place in range(len(projects))]
    expected, cost = [], 0
    for place in sorted(range(len(projects)), key=lambda place: -totals[place]):
        project, total = projects[place], totals[place]
        cost += project["cost"]
        rank = 1 + sum(other > total for other in totals)
        title, group = project["title"]["ko"], project["group"]
        share = f"{100 * total / 7:.1f}%"
        expected.append([str(rank), title, group, f"{project['cost']:,}", str(total), share, f"{cost:,}"])
    assert await visit.rows(".results") == expected
    assert [row[0] for row in expected] == ["1", "2", "3", "4", "4"]
    facts = await visit.facts()
    assert facts["동점이면"] == "추첨"


async def test_rankings_points_and_marks_by_arithmetic(visit: Visit) -> None:
    """Voter 1 has weight 3, the others 1."""
    await visit.to(f"#/polls/{SURVEY}")
    ranked, points, score = [await visit.rows(f"section:nth-of-type({place}) .results") for place in (2, 3, 4)]
    assert ranked == [
        ["1", "남산", str(1 * 2 + 3 * 3), str(1 + 3)],
        ["2", "한강", str(1 * 3 + 1 * 2), str(1 + 1)],
        ["3", "서울숲", str(1 * 1 + 1 * 3), str(1 + 1)],
    ]
    assert points == [
        ["1", "서울숲", str(3 * 8 + 1), str(3 + 1)],
        ["2", "한강", str(6 + 1), "2"],
        ["3", "남산", str(4 + 1), "2"],
    ]
    assert score == [
        ["처리 속도", str(5 + 3 * 4), f"{(5 + 3 * 4) / 5:.2f}", str(1 + 3 + 1)],
        ["친절", str(3 + 1), f"{(3 + 1) / 2:.2f}", "2"],
    ]
    assert (await visit.facts())["가중치"].startswith("가중치 합 5.")
    await visit.page.get_by_text("순위별 표 수").first.click()
    assert await visit.rows("details") == [["한강", "1", "1", "0"], ["남산", "3", "1", "0"], ["서울숲", "1", "0", "1"]]


async def test_three_hundred_options_stay_usable(visit: Visit) -> None:
    await visit.to(f"#/polls/{LARGE}")
    rows = await visit.rows(".results")
    assert len(rows) == 20
    assert [(row[0], row[1], row[3]) for row in rows[:4]] == [
        ("1", "사업 300", "3"),
        ("2", "사업 2", "2"),
        ("3", "사업 1", "1"),
        ("4", "사업 3", "0"),
    ]
    button = visit.page.get_by_role("button", name="보기 300개 모두 보기")
    await button.focus()
    await visit.page.keyboard.press("Enter")
    assert len(await visit.rows(".results")) == 300
    fewer = visit.page.get_by_role("button", name="처음 20개만 보기")
    assert await fewer.evaluate("button => button === document.activeElement")


async def test_a_live_poll_shows_interim_numbers_and_says_so(visit: Visit) -> None:
    await visit.to(f"#/polls/{LIVE}")
    assert "중간 집계입니다" in await visit.text(".notice-info")
    assert [row[1:3] for row in await visit.rows(".results")] == [["서울숲", "2"], ["한강", "1"], ["남산", "0"]]


@pytest.mark.parametrize(
    ("poll", "state", "words"),
    [
        (OPEN, "진행 중", "결과는 마감하고 개표한 뒤에 공개됩니다"),
        (PAUSED, "일시 정지", "결과는 마감하고 개표한 뒤에 공개됩니다"),
        (VOID, "무효", "이 투표는 무효가 되었습니다"),
        (REGISTERED, "예정", "결과는 마감하고 개표한 뒤에 공개됩니다"),
    ],
)
async def test_no_total_is_shown_before_its_release(visit: Visit, poll: int, state: str, words: str) -> None:
    """Neither by the page nor in anything that it was sent (L8)."""
    sent: list[str] = []

    async def keep(route: Route) -> None:
        response = await route.fetch()
        sent.append(await response.text())
        await route.fulfill(response=response)

    await visit.page.route(f"**/v1/polls/{poll}", keep)
    await visit.to(f"#/polls/{poll}")
    assert await visit.text(".badge") in (f"● {state}", f"❚❚ {state}", f"✕ {state}", f"◷ {state}")
    assert words in await visit.text(".notice")
    assert await visit.page.locator(".results").count() == 0
    assert [len(row) for row in await visit.rows(".options")] == [2] * len(
        POLLS[poll].definition["questions"][0]["options"]  # type: ignore[index]
    )
    assert [json.loads(answer)["tally"] for answer in sent] == [None]


async def test_a_disputed_result_is_shown_loudly(visit: Visit) -> None:
    def disputed(poll: Any) -> Any:
        recounted = json.loads(json.dumps(poll["tally"]))
        recounted["questions"][0]["options"][1]["total"] = 9
        del recounted["recounted"]
        return poll | {"disputed": True, "tally": poll["tally"] | {"recounted": recounted}}

    await visit.change(f"/v1/polls/{BICYCLE}", disputed)
    await visit.to(f"#/polls/{BICYCLE}")
    assert "이 결과에는 다툼이 있습니다" in await visit.text(".notice-bad")
    assert [row[2:4] for row in await visit.rows(".results")] == [["5", "5"], ["4", "9"], ["2", "2"]]
    assert await visit.text(".is-wrong") == "9"
    await visit.to("")
    assert "결과에 다툼이 있음" in await visit.text("section:nth-of-type(2)")


# --- proofs ---


@pytest.mark.parametrize("poll", [BICYCLE, BUDGET, SURVEY, LARGE, OPEN, LIVE, PAUSED, VOID, REGISTERED])
async def test_every_poll_is_proved_in_the_browser(visit: Visit, poll: int) -> None:
    await visit.to(f"#/polls/{poll}")
    verdict = await visit.prove(GOOD)
    is_final = poll in (BICYCLE, BUDGET, SURVEY, LARGE)
    assert ("이 결과는 원장에 기록된 것과 같습니다" if is_final else "이 질문과 규칙은 원장에") in verdict
    assert re.search(rf"기관 {NODES}곳 가운데 3곳의 서명이 맞습니다: ", verdict)


async def test_the_proof_is_a_file_to_keep(visit: Visit, network: Network) -> None:
    await visit.to(f"#/polls/{BICYCLE}")
    async with visit.page.expect_download() as coming:
        await visit.page.get_by_role("link", name="증명 파일 내려받기").click()
    download = await coming.value
    assert download.suggested_filename == "poll-1-result.mvproof.json"
    assert json.loads((await download.path()).read_bytes())["claim"]["type"] == "result"


@pytest.mark.parametrize("field", ["signature", "record", "tally"])
async def test_a_forged_proof_is_shown_as_wrong(visit: Visit, field: str) -> None:
    def forged(proof: Any) -> Any:
        if field == "signature":
            signatures = proof["commit"]["signatures"]
            signatures[0][2] = _flipped(signatures[0][2])
        elif field == "record":
            proof["poll"]["record"] = _flipped(proof["poll"]["record"])
        else:
            tally = proof["claim"]["tally"]
            proof["claim"]["tally"] = ("A" if tally[8] != "A" else "B").join((tally[:8], tally[9:]))
        return proof

    async def lie(route: Route) -> None:
        response = await route.fetch()
        proof = forged(json.loads(await response.body()))
        body = json.dumps(proof, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        await route.fulfill(response=response, body=body)

    await visit.page.route("**/v1/proofs/polls/*", lie)
    await visit.to(f"#/polls/{BICYCLE}")
    verdict = await visit.prove(BAD)
    assert "증명이 맞지 않습니다!" in verdict
    assert "이 화면의 내용을 믿지 마세요" in verdict
    assert re.search(r"오류 코드 MV-\d{4}", verdict)
    assert await visit.page.locator(GOOD).count() == 0


def _flipped(text: str) -> str:
    return ("0" if text[-1] != "0" else "1").join((text[:-1], ""))


@pytest.mark.parametrize("what", ["total", "title", "turnout", "count"])
async def test_a_true_proof_beside_false_numbers_is_shown_as_wrong(visit: Visit, what: str) -> None:
    poll = SURVEY if what == "count" else BICYCLE

    def false(shown: Any) -> Any:
        if what == "total":
            shown["tally"]["questions"][0]["options"][1]["total"] += 1
        elif what == "count":
            shown["tally"]["questions"][2]["options"][1]["count"] += 1
        elif what == "title":
            shown["definition"]["questions"][0]["options"][0]["title"]["en"] = "Another"
        else:
            shown["turnout"]["voters"] += 1
        return shown

    await visit.change(f"/v1/polls/{poll}", false)
    await visit.to(f"#/polls/{poll}")
    assert "증명은 맞지만 이 화면과 다른 내용입니다" in await visit.prove(BAD)


async def test_a_block_is_shown_and_proved(visit: Visit, network: Network) -> None:
    block = await network.get("/v1/blocks/9")
    await visit.to("#/blocks/9")
    assert len(block["transactions"]) > 20, "the block with the first ballots"
    assert await visit.page.locator(".hashes li").count() == len(block["transactions"])
    assert "이 블록은 기관들이 서명한 것입니다" in await visit.prove(GOOD)
    await visit.page.get_by_text("블록 머리글의 값").click()
    facts = await visit.facts("main > details")
    assert (facts["이 블록"], facts["담긴 기록"]) == (block["hash"], block["data_hash"])
    await visit.page.get_by_role("link", name="이전 블록").click()
    await visit.page.get_by_role("heading", name="블록 8").wait_for()


async def test_a_block_with_a_transaction_left_out_is_shown_as_wrong(visit: Visit) -> None:
    await visit.change("/v1/blocks/9", lambda block: block | {"transactions": block["transactions"][1:]})
    await visit.to("#/blocks/9")
    assert "증명은 맞지만 이 화면과 다른 내용입니다" in await visit.prove(BAD)


async def test_ballots_are_found_and_proved_without_their_choice(visit: Visit, network: Network) -> None:
    """The second voter of BICYCLE voted again."""
    superseded, counted = network.ballots[BICYCLE][1], network.ballots[BICYCLE][12]
    await visit.to(f"#/transactions/{counted.hex()}")
    facts = await visit.facts()
    assert facts["투표"] == f"{BICYCLE}번 투표"
    assert facts["상태"] == "블록에 기록됨"
    assert "기록되어 집계에 포함되었습니다" in await visit.prove(GOOD)
    await visit.to(f"#/transactions/{superseded.hex()}")
    assert "같은 투표자의 나중 표가 집계되었습니다" in await visit.prove(GOOD)
    await visit.to(f"#/transactions/{network.ballots[OPEN][0].hex()}")
    assert "이 표는 바뀌지 않고 기록되어 있습니다" in await visit.prove(GOOD)
    assert HOSTILE_SHOWN not in await visit.text()


# --- hostile texts ---


@pytest.mark.parametrize("view", ["", "#/polls", f"#/polls/{OPEN}", f"#/search/{OPEN}", "#/agencies/1"])
async def test_markup_in_titles_is_text(visit: Visit, view: str) -> None:
    await visit.to(view)
    assert HOSTILE_SHOWN in await visit.text()
    assert await visit.page.evaluate("[document.images.length, document.scripts.length, typeof owned]") == [
        0,
        2,
        "undefined",
    ]
    assert "owned" not in await visit.page.title()


# --- finding the way ---


async def test_search_leads_to_what_was_typed(visit: Visit, network: Network) -> None:
    await visit.to("")

    async def search(text: str) -> None:
        await visit.page.get_by_label("투표·블록·접수 번호·확인번호 찾기").fill(text)
        await visit.page.keyboard.press("Enter")

    await search("3")
    await visit.page.get_by_role("heading", name="‘3’ 찾기").wait_for()
    found = await visit.page.locator(".found a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert found == ["#/polls/3", "#/blocks/3"]
    await search("900,000")
    await visit.page.get_by_text("이 번호의 투표도 블록도 없습니다.").wait_for()
    await search("what?")
    await visit.page.get_by_text("찾을 수 없는 형식입니다").wait_for()
    await search(network.ballots[BICYCLE][0].hex().upper())
    await visit.page.get_by_role("heading", name="접수된 기록").wait_for()
    await visit.page.route("**/verify", lambda route: route.fulfill(body="", content_type="text/html"))
    await search(" ７k3q 9ftx-hm4wq")
    await visit.page.wait_for_url("**/verify#7K3Q-9FTX-HM4W-Q")


async def test_everything_can_be_reached_with_the_keyboard(visit: Visit) -> None:
    page = visit.page
    await visit.to("")

    async def focused() -> str:
        return str(await page.evaluate("document.activeElement.textContent"))

    await page.keyboard.press("Tab")
    assert await focused() == "본문으로 바로 가기"
    await page.keyboard.press("Enter")
    assert await focused() == "투표 원장 한눈에 보기"
    await page.keyboard.press("Tab")
    assert await focused() == HOSTILE_SHOWN
    await page.keyboard.press("Enter")
    await page.locator("h1", has_text=HOSTILE_SHOWN).wait_for()
    assert await focused() == HOSTILE_SHOWN, "the new heading"
    while await focused() != "이 브라우저에서 확인":
        await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await page.locator(GOOD).wait_for()
    assert await focused() == "이 브라우저에서 확인"
    assert await page.locator("[role=status]", has_text="확인했습니다").count() == 1


async def test_every_focus_shows(visit: Visit) -> None:
    await visit.to(f"#/polls/{BICYCLE}")
    passed = 0
    while True:
        await visit.page.keyboard.press("Tab")
        style, name = await visit.page.evaluate(
            "[getComputedStyle(document.activeElement).outlineStyle, document.activeElement.outerHTML.slice(0, 60)]"
        )
        if name.startswith("<body"):
            break
        assert style == "solid", name
        passed += 1
    assert passed > 12


async def test_the_language_can_be_switched_and_stays(visit: Visit) -> None:
    page = visit.page
    await visit.to(f"#/polls/{SURVEY}")
    assert await page.evaluate("document.documentElement.lang") == "ko"
    await page.get_by_role("button", name="English").click()
    assert await page.evaluate("document.documentElement.lang") == "en"
    assert await visit.text("h1") == "Leisure and services"
    assert "3 of 4 took part (75.0%)" in await visit.text()
    assert not re.search("[가-힣]", await visit.text())
    await visit.to("")
    assert await visit.text("h1") == "The ledger at a glance"
    await page.get_by_role("button", name="한국어").click()
    assert await visit.text("h1") == "투표 원장 한눈에 보기"


async def test_times_are_korean_times(visit: Visit, network: Network) -> None:
    await visit.change(f"/v1/polls/{LIVE}", lambda poll: poll | {"opens_at_ms": 1_755_820_800_000})
    await visit.to(f"#/polls/{LIVE}")
    # 2025-08-22T00:00:00Z
    assert (await visit.facts())["시작"] == "2025. 8. 22.(금) 09:00"


# --- accessibility, narrow screens ---

VIEWS = [
    "",
    "#/polls",
    "#/polls/running",
    *(f"#/polls/{poll}" for poll in POLLS),
    "#/blocks",
    "#/blocks/9",
    "#/agencies",
    "#/agencies/2",
    "#/search/3",
    "TRANSACTION",
    "#/nowhere",
]


@pytest.mark.parametrize(("language", "views"), [("ko", VIEWS), ("en", ["", f"#/polls/{SURVEY}", "#/blocks"])])
async def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(
    visit: Visit, network: Network, language: str, views: list[str]
) -> None:
    page = visit.page
    await page.set_viewport_size({"width": PHONE_PX, "height": 740})
    await visit.to("")
    await page.evaluate("language => localStorage.setItem('mvchain.language', language)", language)
    for view in views:
        await visit.to(view.replace("TRANSACTION", f"#/transactions/{network.ballots[BICYCLE][0].hex()}"))
        proof = page.locator("[data-action=prove]")
        if await proof.count():
            await proof.click()
            await page.locator(GOOD).wait_for()
        for details in await page.locator("summary").all():
            await details.click()
        results = await Axe().run(page)
        assert results.violations_count == 0, f"{view}: {results.generate_report()}"
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE_PX, view
    await page.emulate_media(color_scheme="dark")
    await page.set_viewport_size({"width": DESKTOP_PX, "height": 800})
    for view in ("", f"#/polls/{BUDGET}"):
        await visit.to(view)
        results = await Axe().run(page)
        assert results.violations_count == 0, f"{view}: {results.generate_report()}"


# --- staying up to date, and faults ---


async def test_a_refresh_follows_the_chain_and_leaves_the_reader_in_place(visit: Visit, network: Network) -> None:
    page = visit.page
    await page.clock.install()
    await visit.to("")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(network.url)))
    link = page.locator("#main a", has_text="학교 가왕 투표")
    await link.focus()
    height = int((await page.locator(".tile-value").first.inner_text()).replace(",", ""))
    await network.act(1, "operator", partial(RollCreate, title="one more block"))
    await page.clock.run_for(REFRESH_MS)
    await page.wait_for_function(
        "height => Number(document.querySelector('.tile-value').textContent) > height", arg=height
    )
    assert await link.evaluate("link => link === document.activeElement")
    assert asked[0] == "/v1/status"
    assert len(asked) <= 3, asked
    await page.get_by_role("button", name="자동 새로 고침 멈추기").click()
    before = len(asked)
    await page.clock.run_for(10 * REFRESH_MS)
    assert len(asked) == before
    await page.get_by_role("button", name="자동 새로 고침 다시 시작").click()
    await page.get_by_role("button", name="자동 새로 고침 멈추기").wait_for()
    assert len(asked) > before


FAULTS: list[tuple[str, Callable[[Route], Awaitable[None]]]] = [
    ("노드가 응답하지 않습니다", lambda route: route.abort()),
    (
        "노드가 바쁩니다",
        lambda route: route.fulfill(status=503, headers={"Retry-After": "2"}, json={"code": "MV-6009"}),
    ),
]


@pytest.mark.parametrize(("words", "fault"), FAULTS)
async def test_a_node_in_trouble_is_asked_again(
    visit: Visit, seen: Seen, words: str, fault: Callable[[Route], Awaitable[None]]
) -> None:
    page = visit.page
    await page.clock.install()
    await visit.to("")
    await page.route("**/v1/status", fault)
    await page.clock.run_for(REFRESH_MS)
    await page.get_by_role("alert").filter(has_text=words).wait_for()
    assert "소형 따릉이 이름 정하기" in await visit.text(), "what was there stays"
    await page.unroute("**/v1/status")
    await page.clock.run_for(2 * REFRESH_MS)
    await page.get_by_role("alert").wait_for(state="detached")
    assert all("Failed to load resource" in message for message in seen.faults)
    seen.faults.clear()


@pytest.mark.parametrize("view", ["#/polls/99", "#/blocks/99999999", "#/what", "#/polls/01", "#/agencies/99"])
async def test_what_is_not_there_is_said_to_be_not_there(visit: Visit, seen: Seen, view: str) -> None:
    await visit.to(view)
    assert await visit.text("h1") in ("찾을 수 없습니다", "그런 기관이 없습니다")
    seen.faults.clear()


async def test_a_chain_without_polls_says_so(visit: Visit) -> None:
    await visit.change("/v1/status", lambda status: status | {"polls": 0})
    await visit.change("/v1/polls?*", lambda _: {"polls": [], "next": None})
    await visit.to("")
    shown = await visit.text()
    assert "지금은 진행 중이거나 예정된 투표가 없습니다." in shown
    assert "아직 결과가 나온 투표가 없습니다." in shown
    await visit.to("#/polls")
    assert "아직 투표가 없습니다." in await visit.text()
