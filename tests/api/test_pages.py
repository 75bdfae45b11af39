"""Pages are put together whole: nothing is fetched from elsewhere, and nothing runs but what was put in."""

import base64
import json
import re
from collections import Counter
from hashlib import sha256
from html.parser import HTMLParser
from importlib import resources
from typing import Any

import pytest

from mvchain.api import pages
from mvchain.api.errors import ALL_CAUSES
from mvchain.api.views import NodesView
from mvchain.core.types import AgencyNumber, Hash
from mvchain.light.receipt_number import receipt_number
from tests.api.helpers import HttpAnswer, MemoryNode, RawClient, post, request

STATIC = resources.files("mvchain.api").joinpath("static")
NODES = NodesView(AgencyNumber(2), "https://own.example", ("https://node.example", "https://other.example:8443"))
PAGES = {
    "verify": pages.assemble("verify", ("page.css", "verify/verify.css"), NODES),
    "explorer": pages.assemble("explorer", ("page.css", "explorer/explorer.css"), NODES),
}
IMPORT = re.compile(r'^import\b[^;]*from "([^"]+)";$', re.MULTILINE)


class Blocks(HTMLParser):
    """The texts of scripts and styles in a document, as a browser finds them, and the policy that it states."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.policy = ""
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: tuple[str, dict[str, str | None]] | None = None
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"] or ""
        if tag in ("script", "style"):
            self._open = (tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.found.append((*self._open, data))

    def of(self, tag: str, kind: str | None = None) -> str:
        """The only one of its kind."""
        (text,) = [text for name, attributes, text in self.found if name == tag and attributes.get("type") == kind]
        return text

    def data(self) -> Any:
        return json.loads(self.of("script", "application/json"))


def source(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


def directives(policy: str) -> dict[str, str]:
    return {name: value for name, _, value in (each.partition(" ") for each in policy.split("; "))}


def modules_of(entry: str) -> list[str]:
    """The module's path and those of all that it imports."""
    found, left = [], [entry]
    while left:
        path = left.pop()
        if path in found:
            continue
        found.append(path)
        folder = path.split("/")[:-1]
        for target in IMPORT.findall(STATIC.joinpath(path).read_text()):
            steps = [*folder]
            for step in target.split("/"):
                if step == "..":
                    steps.pop()
                elif step != ".":
                    steps.append(step)
            left.append("/".join(steps))
    return found


# --- the document ---


@pytest.mark.parametrize("name", PAGES)
def test_exactly_the_blocks_of_the_page_may_run(name: str) -> None:
    page = PAGES[name]
    blocks = Blocks(page.with_data({}).decode())
    assert page.policy == f"{blocks.policy}; frame-ancestors 'none'"
    assert directives(blocks.policy) == {
        "default-src": "'none'",
        "script-src": source(blocks.of("script", "module")),
        "style-src": source(blocks.of("style")),
        "img-src": "data:",
        "connect-src": "'self' https://own.example https://node.example https://other.example:8443",
        "object-src": "'none'",
        "form-action": "'none'",
        "base-uri": "'none'",
    }
    assert len(blocks.found) == 3


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_fetched_from_elsewhere(name: str) -> None:
    document = PAGES[name].with_data({}).decode()
    elements = Blocks(document).elements
    fetching = [value for _, attributes in elements for key, value in attributes.items() if key in ("src", "srcset")]
    linked = [attributes["href"] for tag, attributes in elements if tag == "link"]
    assert fetching == []
    assert linked == ["data:,"]
    assert not re.search(r"@import|url\(|\bimport\(|importScripts|\beval\(|new Function|innerHTML", document)
    named = set(re.findall(r"https?://[a-z0-9.-]*[a-z0-9]", document))
    own = {"https://own.example", "https://node.example", "https://other.example"}
    assert named - own <= {"http://www.w3.org", "https://node.example.go.kr"}  # a namespace, and an example in a hint


@pytest.mark.parametrize("name", PAGES)
def test_modules_stand_verbatim_behind_what_they_import(name: str) -> None:
    script = Blocks(PAGES[name].with_data({}).decode()).of("script", "module")
    places: dict[str, int] = {}
    for path in modules_of(f"{name}.js"):
        text = re.sub(r"^export ", "", IMPORT.sub("", STATIC.joinpath(path).read_text()), flags=re.MULTILINE)
        lines = [line for line in text.splitlines() if line]
        assert "\n".join(lines) in "\n".join(line for line in script.splitlines() if line), path
        places[path] = script.index(next(line for line in lines if re.match(r"[a-z]", line)))
    assert len(places) > 15
    for path, place in places.items():
        assert all(places[other] < place for other in modules_of(path)[1:]), path


@pytest.mark.parametrize("name", PAGES)
def test_no_name_is_declared_twice(name: str) -> None:
    script = Blocks(PAGES[name].with_data({}).decode()).of("script", "module")
    declared = re.findall(r"^(?:async )?(?:const|let|function|class) (\w+)", script, re.MULTILINE)
    assert [each for each, times in Counter(declared).items() if times > 1] == []


def test_data_cannot_end_its_block() -> None:
    hostile = "</script><script>alert(1)</script><!-- <script> \u2028 &quot;"
    blocks = Blocks(PAGES["verify"].with_data({"genesis": hostile}).decode())
    assert blocks.data() == {"genesis": hostile, "version": PAGES["verify"].version}
    assert len(blocks.found) == 3


def test_every_code_of_the_verifier_has_its_meaning() -> None:
    causes = json.loads(json.dumps(pages.causes()))
    stated = re.findall(r'"(MV-\d{4})"', STATIC.joinpath("lib/errors.js").read_text())
    assert causes == {code: ALL_CAUSES[code].title for code in stated}
    assert len(causes) > 40


# --- over HTTP ---


@pytest.fixture
async def ballot(raw: RawClient, node: MemoryNode) -> Hash:
    """A ballot with a block after it."""
    await raw.send(post(json.dumps({"transactions": [base64.b64encode(node.ballot(0)).decode()]}).encode()))
    assert (await raw.answer()).status == 202
    await node.commit_block()
    await node.commit_block()
    return Hash(sha256(node.ballot(0)).digest())


async def get(raw: RawClient, path: str) -> HttpAnswer:
    await raw.send(request("GET", path))
    return await raw.answer()


@pytest.mark.parametrize("path", ["/", "/verify"])
async def test_a_page_comes_with_its_own_policy(raw: RawClient, path: str) -> None:
    answer = await get(raw, path)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    stated = Blocks(answer.body.decode()).policy
    assert answer.headers["content-security-policy"] == f"{stated}; frame-ancestors 'none'"
    assert answer.head.lower().count(b"content-security-policy") == 1
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_the_page_knows_genesis_and_nodes(raw: RawClient, node: MemoryNode) -> None:
    data = Blocks((await get(raw, "/verify")).body.decode()).data()
    assert data["genesis"].encode() == node.genesis_document
    assert data["nodes"] == (await get(raw, "/v1/nodes")).json()
    assert data["nodes"] == {
        "agency": 1,
        "url": "https://own.example",
        "others": ["https://node.example", "https://other.example:8443"],
    }
    assert set(data) == {"genesis", "later", "nodes", "causes", "version"}
    assert data["later"] == {"00" * 32: ["기관", "Agency"]}


async def test_a_receipt_is_a_page_to_keep(raw: RawClient, ballot: Hash) -> None:
    number = receipt_number(ballot)
    answer = await get(raw, f"/receipts/{number}")
    assert answer.status == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="{number}.html"'
    data = Blocks(answer.body.decode()).data()
    assert data["number"] == number
    receipt = await get(raw, f"/v1/proofs/ballots/{ballot.hex()}")
    assert [text.encode() for text in data["receipts"]] == [receipt.body]
    question = await get(raw, "/v1/proofs/polls/1?claim=question")
    assert [text.encode() for text in data["questions"]] == [question.body]
    assert data["link"] == f"https://own.example/verify#{number}"
    assert data["qr"].startswith("data:image/svg+xml")


async def test_a_node_without_an_address_gives_no_qr_code(raw: RawClient, node: MemoryNode, ballot: Hash) -> None:
    node.url = ""
    answer = await get(raw, f"/receipts/{receipt_number(ballot)}")
    data = Blocks(answer.body.decode()).data()
    assert (data["link"], data["qr"]) == ("", "")
    policy = directives(answer.headers["content-security-policy"])
    assert policy["connect-src"] == "'self' https://node.example https://other.example:8443"


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [(receipt_number(Hash(bytes(32))), 404, "MV-6038"), ("7K3Q", 400, "MV-6081"), ("%3Cscript%3E0", 400, "MV-6080")],
)
async def test_a_receipt_that_is_not_there(raw: RawClient, number: str, status: int, code: str) -> None:
    answer = await get(raw, f"/receipts/{number}")
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
