"""The page where voters check their ballots, in a real browser, against nodes that really run."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Route, async_playwright

from mvchain.cli.genesis import words
from mvchain.core import strict_json
from mvchain.core.types import Hash
from mvchain.light.blocks import decode_light_block, encode_light_block
from tests.light.handed_over import HALF
from tests.light.helpers import make_chain
from tests.light.light_chain import KEYS, sign
from tests.page.chromium import chromium_path
from tests.page.network import BICYCLE, NODES, OPEN, POLLS, Network
from tests.page.seen import Seen, visit
from tests.page.voter import COUNTED, FORGED, NOBODYS_NUMBER, RECORDED, SUPERSEDED, Voter, number_of, receipt_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

DIFFERENT = "기관들이 서로 다른 기록을 보여 주고 있습니다!"
Change = Callable[[Any], Any]


async def place_of(network: Network, ballot: Hash) -> int:
    """Which ballot of its poll it is, from 1."""
    return int((await network.get(f"/v1/transactions/{ballot.hex()}"))["number"]) + 1


# --- finding a ballot ---


async def test_a_receipt_number_finds_the_ballot(voter: Voter) -> None:
    network = voter.network
    await voter.opens()
    assert await voter.page.title() == "내 투표 확인 · mvchain"
    await voter.asks(number_of(network).lower().replace("-", " "))
    assert await voter.verdict() == COUNTED
    assert await voter.page.title() == "확인됨 · 내 투표 확인 · mvchain"
    place = await place_of(network, network.ballots[BICYCLE][0])
    assert await voter.page.locator(".claims li").all_inner_texts() == [
        f"✓\n참여 기록 있음\n\n이 투표의 {place}번째 표로 기록되어 있습니다.",
        "✓\n내용 변경 없음\n\n전체 4개 기관 중 3개 기관이 이 기록을 보증합니다. "
        "한 글자라도 바뀌었다면 서명이 맞지 않습니다.",
        f"✓\n집계에 포함됨\n\n집계된 {len(POLLS[BICYCLE].ballots)}표 가운데 하나입니다.",
    ]
    assert "소형 따릉이 이름 정하기 (1번 투표)" in await voter.text(".facts >> nth=0")
    names = {agency.name_ko for agency in network.genesis.agencies}
    vouching = {name.strip("✓ ") for name in await voter.page.locator(".agencies li").all_inner_texts()}
    assert len(vouching) == 3
    assert vouching < names
    assert await voter.page.locator("#number").input_value() == number_of(network)


async def test_other_agencies_are_asked(voter: Voter) -> None:
    await voter.opens(f"#{number_of(voter.network)}")
    assert await voter.witnesses() == ["같은 기록"] * (NODES - 1)
    assert "다른 기관의 노드 3곳이 모두 같은 기록을 가지고 있습니다." in await voter.text()
    links = await voter.page.locator(".nodes a").evaluate_all("links => links.map(link => link.href)")
    others = [voter.network.localnet.api_url(number) for number in range(2, NODES + 1)]
    assert sorted(links) == sorted(f"{url}/verify#{number_of(voter.network)}" for url in others)
    for name in ("강남구", "마포구", "서울특별시교육청"):
        assert f"{name} (127.0.0.1:" in await voter.text(".nodes")


async def test_a_ballot_that_was_replaced_is_said_to_be_so(voter: Voter) -> None:
    network = voter.network
    later = await place_of(network, network.ballots[BICYCLE][12])
    await voter.opens(f"#{number_of(network, BICYCLE, 1)}")
    assert await voter.verdict() == SUPERSEDED
    assert f"나중 표인 {later}번째 표가 대신 집계되었습니다" in await voter.text(".claims")


async def test_an_open_poll_gives_what_is_known_so_far(voter: Voter, seen: Seen) -> None:
    await voter.opens(f"#{number_of(voter.network, OPEN)}")
    assert await voter.verdict() == RECORDED
    assert "집계 포함 여부는 아직 모름" in await voter.text(".claims")
    assert re.search(
        r"\d{4}\. \d{1,2}\. \d{1,2}\.\([월화수목금토일]\) \d\d:\d\d\(한국 시각\)에", await voter.text(".claims")
    )
    await voter.page.get_by_role("button", name="집계에 포함되었는지 확인하기").click()
    await voter.page.get_by_role("alert").filter(has_text="이 투표는 아직 끝나지 않았습니다").wait_for()
    assert all("409" in fault for fault in seen.faults)
    seen.faults.clear()


async def test_an_open_receipt_is_completed_by_another_agency(voter: Voter, seen: Seen) -> None:
    await voter.opens()
    await voter.picks(await receipt_of(voter.network, form="open"))
    assert await voter.verdict() == RECORDED
    await voter.is_answered("/v1/proofs/ballots/**", 500, node=1)
    await voter.page.get_by_role("button", name="집계에 포함되었는지 확인하기").click()
    await voter.page.get_by_role("heading", name=COUNTED).wait_for()
    seen.faults.clear()


async def test_the_choice_is_nowhere(voter: Voter) -> None:
    await voter.opens(f"#{number_of(voter.network)}")
    await voter.witnesses()
    for summary in await voter.page.locator("summary").all():
        await summary.click()
    shown = await voter.text("body")
    assert "어떤 보기를 선택했는지는 이 화면에도 확인증에도 나타나지 않습니다." in shown
    question: Any = POLLS[BICYCLE].definition["questions"][0]
    for option in question["options"][1:]:  # the first one's name is in the title of the poll
        assert option["title"]["ko"] not in shown


# --- files ---


@pytest.mark.parametrize("form", ["open", "completed"])
async def test_a_receipt_file_is_verified(voter: Voter, form: str) -> None:
    await voter.opens()
    data = await receipt_of(voter.network, form=form)
    await voter.picks(data)
    assert await voter.verdict() == (RECORDED if form == "open" else COUNTED)
    assert await voter.downloads("button", "확인증 파일 저장") == (f"{number_of(voter.network)}.mvreceipt.json", data)


async def test_a_file_can_be_dropped(voter: Voter) -> None:
    await voter.opens()
    text = (await receipt_of(voter.network)).decode()
    await voter.page.evaluate(
        """text => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([text], "mine.mvreceipt.json"));
            document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
        }""",
        text,
    )
    assert await voter.verdict() == COUNTED


async def test_proofs_about_polls_are_verified_too(voter: Voter) -> None:
    await voter.opens()
    await voter.picks(await voter.network.client.poll_proof(BICYCLE, "result"))
    assert await voter.verdict() == "확인했습니다. 1번 투표의 결과는 아래와 같습니다."
    assert "따릉이: 5표" in await voter.text(".asked")
    assert "(기권): 1표" in await voter.text(".asked")


async def test_the_receipt_as_a_page_verifies_itself_offline(
    voter: Voter, browser: Browser, seen: Seen, tmp_path: Path
) -> None:
    network, number = voter.network, number_of(voter.network)
    await voter.opens(f"#{number}")
    await voter.verdict()
    name, data = await voter.downloads("link", "스스로 검증하는 확인증(HTML) 저장")
    assert name == f"{number}.html"
    path = tmp_path / name
    path.write_bytes(data)
    async with visit(browser, seen, network.urls, offline=True) as page:
        await page.goto(path.as_uri())
        alone = Voter(page, network)
        assert await alone.verdict() == COUNTED
        assert await page.title() == "확인됨 · 투표확인증 · mvchain"
        assert "소형 따릉이 이름 정하기" in await alone.text(".facts >> nth=0")
        assert f"{network.url}/verify#{number}" in await alone.text(".qr")
        picture = page.locator(".qr img")
        assert await picture.evaluate("img => img.decode().then(() => img.naturalWidth > 0)")
        assert f"{network.url}/verify#{number}" in str(await picture.get_attribute("alt"))
        assert await alone.witnesses() == ["응답 없음"] * (NODES - 1)
        assert "그것만으로도 유효합니다" in await alone.text()
        assert all("ERR_INTERNET_DISCONNECTED" in fault for fault in seen.faults)
        seen.faults.clear()
    # The file given to the page of a node is the receipt that it holds.
    await voter.opens()
    await voter.picks(data, name)
    assert await voter.verdict() == COUNTED
    await voter.picks(data.replace(b'\\"claim\\":{\\"ballot\\":\\"', b'\\"claim\\":{\\"ballot\\":\\"00', 1), name)
    assert await voter.verdict("bad") == FORGED


async def test_a_receipt_page_whose_receipt_was_exchanged_says_so(
    browser: Browser, seen: Seen, network: Network, tmp_path: Path
) -> None:
    """Its number is of one ballot, its receipt of another: genuine, and not what was asked for."""
    other = await network.client.receipt_page(number_of(network, BICYCLE, 2))
    path = tmp_path / "exchanged.html"
    path.write_bytes(other.replace(number_of(network, BICYCLE, 2).encode(), number_of(network).encode()))
    async with visit(browser, seen, network.urls, offline=True) as page:
        await page.goto(path.as_uri())
        assert await Voter(page, network).verdict("bad") == "요청한 것과 다른 표의 확인증입니다."


# --- what does not hold ---


def _flip(text: str) -> str:
    return ("1" if text[0] == "0" else "0") + text[1:]


def _other_number(receipt: Any) -> None:
    receipt["accepted"]["result"]["number"] += 1


def _other_signature(receipt: Any) -> None:
    receipt["commit"]["signatures"][0][2] = _flip(receipt["commit"]["signatures"][0][2])


def _other_ballot(receipt: Any) -> None:
    receipt["ballot"] = _flip(receipt["ballot"])


def _fewer_signatures(receipt: Any) -> None:
    receipt["commit"]["signatures"].pop()


def _older_format(receipt: Any) -> None:
    receipt["format"] = "mvchain open receipt 0"


def _other_chain(receipt: Any) -> None:
    receipt["chain_id"] = "elsewhere-" + "0" * 32


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (_other_number, "MV-5009", FORGED),
        (_other_signature, "MV-2024", FORGED),
        (_other_ballot, "MV-5008", FORGED),
        (_fewer_signatures, "MV-5006", FORGED),
        (_older_format, "MV-5002", "이 화면이 알지 못하는 형식의 확인증입니다."),
        (_other_chain, "MV-5003", "다른 투표 시스템의 확인증입니다."),
    ],
)
async def test_a_forged_receipt_is_shown_as_forged(voter: Voter, change: Change, code: str, words: str) -> None:
    receipt: Any = json.loads(await receipt_of(voter.network, form="open"))
    change(receipt)
    forged = strict_json.canonical(receipt)
    await voter.opens()
    await voter.picks(forged)
    assert await voter.verdict("bad") == words
    assert words in await voter.text(".verdict-bad [role=alert]")
    assert await voter.page.title() == "확인 실패 · 내 투표 확인 · mvchain"
    assert await voter.page.locator(".verdict-good").count() == 0
    name, data = await voter.downloads("button", "신고 파일 저장")
    assert re.fullmatch(r"mvchain-report-\d{4}-\d\d-\d\dT\d{6}\.json", name)
    report = json.loads(data)
    assert report["receipt"] == {"text": forged.decode()}
    assert report["code"] == code
    assert report["reason"].endswith(".")
    assert "{" not in report["reason"]
    assert report["genesis_hash"] == voter.network.genesis.hash.hex()
    assert set(report) == {
        "format",
        "time",
        "page_version",
        "genesis_hash",
        "code",
        "reason",
        "receipt",
        "nodes",
    }


async def test_what_is_no_receipt_is_refused_and_reported_as_it_is(voter: Voter) -> None:
    await voter.opens()
    await voter.picks(b"\xff\xd8\xff", "photo.jpg")
    assert await voter.verdict("bad") == FORGED
    _, data = await voter.downloads("button", "신고 파일 저장")
    assert json.loads(data)["receipt"] == {"base64": "/9j/"}


async def test_a_node_that_sends_the_receipt_of_somebody_else_is_caught(voter: Voter) -> None:
    """Genuine in every byte, and of another ballot: a node could so give one receipt to many voters."""
    await voter.is_answered("/v1/proofs/ballots/**", await receipt_of(voter.network, BICYCLE, 2), node=1)
    await voter.opens(f"#{number_of(voter.network)}")
    assert await voter.verdict("bad") == "요청한 것과 다른 표의 확인증입니다."
    links = await voter.page.locator(".verdict-bad a").evaluate_all("links => links.map(link => link.href)")
    assert f"{voter.network.localnet.api_url(2)}/verify#{number_of(voter.network)}" in links


async def test_two_signed_records_of_one_height_are_the_loudest_alarm(voter: Voter) -> None:
    """All agencies sign a second block: what only more than a third of them together can do."""
    network = voter.network
    receipt = json.loads(await receipt_of(network))
    height = receipt["header"]["height"]
    true = decode_light_block(strict_json.canonical(await network.get(f"/v1/light_blocks/{height}")))
    keys = [network.localnet.key(number, "validator") for number in network.localnet.numbers]
    other = sign(replace(true.header, app_hash=Hash(bytes(32))), keys)
    await voter.is_answered(f"/v1/light_blocks/{height}**", encode_light_block(other), node=3)
    await voter.is_answered(f"/v1/light_blocks/{height}**", b"{}", node=4)
    await voter.opens(f"#{number_of(network)}")
    assert sorted(await voter.witnesses()) == sorted(["같은 기록", "다른 기록!", "답을 믿을 수 없음"])
    assert await voter.verdict("bad") == DIFFERENT
    assert DIFFERENT in await voter.text(".verdict-bad [role=alert]")
    assert await voter.page.locator(".verdict-good, .claims").count() == 0
    assert await voter.page.title() == "기관들의 기록이 서로 다름 · 내 투표 확인 · mvchain"
    await voter.page.locator("#announcement").filter(has_text=DIFFERENT).wait_for(state="attached")
    _, data = await voter.downloads("button", "신고 파일 저장")
    evidence = {node["url"]: node["state"] for node in json.loads(data)["nodes"]}
    assert evidence[network.localnet.api_url(3)] == "differs"


async def test_a_genesis_file_of_ones_own_is_what_counts(voter: Voter) -> None:
    await voter.opens(f"#{number_of(voter.network)}")
    await voter.verdict()
    digits = voter.network.genesis.hash.hex()
    groups = " ".join(digits[at : at + 4] for at in range(0, 64, 4))
    said = " ".join(word for _, word in words(voter.network.genesis.hash))
    assert await voter.page.locator(".groups").all_inner_texts() == [groups, said]
    await voter.picks(voter.network.genesis.encode(), "genesis.json", "genesis-file")
    await voter.page.get_by_text("직접 고르신 제네시스 파일입니다.").wait_for()
    assert await voter.verdict() == COUNTED
    await voter.picks(make_chain().genesis.encode(), "genesis.json", "genesis-file")
    assert await voter.verdict("bad") == "다른 투표 시스템의 확인증입니다."
    await voter.picks(b"{}", "genesis.json", "genesis-file")
    await voter.page.get_by_role("alert").filter(has_text="제네시스 파일이 올바르지 않습니다(MV-2051)").wait_for()


@pytest.mark.parametrize("named", [False, True])
async def test_agencies_of_after_genesis_vouch_without_a_proven_name(voter: Voter, seen: Seen, *, named: bool) -> None:
    """The signatures of their keys are checked; a name is what the node gives, and said to be that."""
    receipt = HALF.receipt()
    later = [key.public.hex() for key in HALF.keys[:3] if key not in KEYS]
    if named:
        page = await (await voter.page.request.get(f"{voter.network.url}/verify")).text()
        page = page.replace('"later":{}', f'"later":{json.dumps({later[0]: ["종로구", "Jongno District"]})}')
        await voter.is_answered("/verify", page.encode())
    await voter.opens()
    await voter.picks(receipt.encode())
    assert await voter.verdict("bad") == "다른 투표 시스템의 확인증입니다."
    await voter.picks(make_chain().genesis.encode(), "genesis.json", "genesis-file")
    assert await voter.verdict() == RECORDED
    shown = await voter.text(".agencies")
    first = "종로구 (노드가 알려 준 이름)" if named else f"서명 키 {later[0][:8]}…"
    assert first in shown
    assert f"이 가운데 {len(later)}곳은 나중에 참여했거나" in await voter.text(".verdict-good")
    await voter.witnesses()
    seen.faults.clear()  # the nodes are of another chain and have no such block


# --- what cannot be looked at ---


async def test_typing_mistakes_are_explained(voter: Voter) -> None:
    mistakes = {
        "": "확인번호 13자리를 입력해 주십시오.",
        "7K3Q-9FTX": "확인번호는 13자리인데 8자리를 입력하셨습니다.",
        "7K3Q-9FTX-HM4O-Q": "‘O’은(는) 확인번호에 쓰지 않는 글자입니다.",
        "7K3Q-9FTX-HM4V-Q": "잘못 옮겨 적은 글자가 있습니다.",
        "7K3Q-9TFX-HM4W-Q": "잘못 옮겨 적은 글자가 있습니다.",
    }
    await voter.opens()
    field = voter.page.locator("#number")
    for typed, why in mistakes.items():
        await voter.asks(typed)
        await voter.page.locator("#number-error[role=alert]", has_text=why).wait_for()
        assert await field.get_attribute("aria-invalid") == "true"
        assert "number-error" in str(await field.get_attribute("aria-describedby"))
        assert await field.evaluate("field => field === document.activeElement")
    await voter.asks(number_of(voter.network))
    assert await voter.verdict() == COUNTED
    assert await voter.page.locator("#number-error").count() == 0
    assert await field.get_attribute("aria-invalid") is None


async def test_a_number_of_no_ballot_is_not_called_forged(voter: Voter, seen: Seen) -> None:
    await voter.opens()
    await voter.asks(NOBODYS_NUMBER)
    assert await voter.verdict("unknown") == "아직 확인하지 못했습니다."
    assert "이 확인번호의 표를 찾지 못했습니다" in await voter.text("[role=alert]")
    assert await voter.page.title() == "확인하지 못함 · 내 투표 확인 · mvchain"
    assert all("404" in fault for fault in seen.faults)
    seen.faults.clear()


@pytest.mark.parametrize(("status", "words"), [(500, "어느 노드에서도 답을 받지 못했습니다"), (503, "노드가 바쁩니다")])
async def test_silent_nodes_are_asked_again_on_demand(voter: Voter, seen: Seen, status: int, words: str) -> None:
    await voter.is_answered("/v1/receipts/**", status)
    await voter.opens(f"#{number_of(voter.network)}")
    assert words in await voter.text(".verdict-unknown [role=alert]")
    await voter.page.unroute_all()
    await voter.page.get_by_role("button", name="다시 시도").click()
    assert await voter.verdict() == COUNTED
    seen.faults.clear()


async def test_nodes_without_room_are_asked_once_more_unasked(voter: Voter) -> None:
    busy = list(voter.network.urls)

    async def once(route: Route) -> None:
        node = next((url for url in busy if route.request.url.startswith(url)), None)
        if node is None:
            await route.continue_()
        else:
            busy.remove(node)
            await route.fulfill(status=503, headers={"Access-Control-Allow-Origin": "*"})

    await voter.page.route("**/v1/receipts/**", once)
    await voter.opens(f"#{number_of(voter.network)}")
    assert await voter.verdict() == COUNTED
    assert busy == []


async def test_a_node_that_keeps_a_ballot_back_hides_nothing(voter: Voter, seen: Seen) -> None:
    await voter.is_answered("/v1/receipts/**", 404, node=1)
    await voter.is_answered("/v1/proofs/**", 404, node=1)
    await voter.opens(f"#{number_of(voter.network)}")
    assert await voter.verdict() == COUNTED
    await voter.page.locator(".facts bdi").first.wait_for()
    seen.faults.clear()


async def test_without_cryptography_nothing_is_claimed(network: Network, seen: Seen) -> None:
    """Over plain http from another machine a browser computes no hashes."""
    port = urlsplit(network.url).port
    rules = "--host-resolver-rules=MAP node.example 127.0.0.1"
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox", rules])
        page = await chromium.new_page()
        page.set_default_timeout(10_000)
        await page.goto(f"http://node.example:{port}/verify#{number_of(network)}")
        voter = Voter(page, network)
        assert await voter.verdict("unknown") == "아직 확인하지 못했습니다."
        assert "https://로 시작하는 화면을 여시거나" in await voter.text(".verdict-unknown [role=alert]")
        link = page.get_by_role("link", name="스스로 검증하는 확인증(HTML) 저장")
        assert await link.get_attribute("href") == f"/receipts/{number_of(network)}"
        await chromium.close()
