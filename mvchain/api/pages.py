"""The pages for people: each one HTML document that holds all it needs (security H15, H29).

A page is put together once: its style sheets, and its module behind all that it imports, without the words `import` and
`export` and otherwise verbatim. All of it stands in the document, so that the same bytes work on a node, saved as a
file, and without any network; a module of a file could not import another. The browser runs exactly this script and
this style, by their hashes, and asks this node and those that the operator named. It is told so in the header, and in
the document as well, so that a saved file keeps it.

What a page has to know stands in the document too, as JSON: the genesis document, names that this node has for keys
which that does not name, the nodes to ask, what the codes mean, and in the page of a receipt (`/receipts/{number}`) the
receipt itself. That one is a file to keep: it verifies itself, offline, when it is opened.
"""

import base64
import functools
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import segno

from mvchain.api import schema
from mvchain.api.answer import Answer, Cache
from mvchain.api.errors import ALL_CAUSES, unknown
from mvchain.api.views import NodesView, NodeView
from mvchain.core import codes
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash, PollNumber
from mvchain.light.receipt_number import ReceiptNumber, parse_receipt_number

if TYPE_CHECKING:
    from mvchain.api.rest import Call

HTML: Final = "text/html; charset=utf-8"
LaterNames: TypeAlias = tuple[tuple[str, str, str], ...]
"""Validator keys that came after genesis, in hex, with the Korean and the English name of the agency."""

_STATIC: Final = resources.files("mvchain.api").joinpath("static")
_IMPORT: Final = re.compile(r'^import\b[^;]*?\bfrom "(\.{1,2}/[^"]+)";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async )?function|class|const|let)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """A page in two halves, between which its data stands, and what the browser may do for it."""

    head: str
    tail: str
    policy: str
    """The Content-Security-Policy."""
    version: str
    """Names the program of the page: the first digits of its hash."""

    def with_data(self, data: dict[str, Any]) -> bytes:
        """The document."""
        return f"{self.head}{_data_block(data | {'version': self.version})}{self.tail}".encode()


@functools.lru_cache(maxsize=8)
def assemble(name: str, sheets: tuple[str, ...], nodes: NodesView) -> Page:
    """Put a page together from `name.html`, its style sheets, and `name.js` with what it imports."""
    script = f"\n{_bundle(f'{name}.js')}"
    style = f"\n{''.join(map(_text, sheets))}"
    # What would end the block early: the bytes are this program's own, so it is a mistake in them.
    assert not re.search(r"</script|<!--", script, re.IGNORECASE), name
    assert not re.search(r"</style", style, re.IGNORECASE), name
    policy = _policy(script, style, nodes)
    head, end_of_head, rest = _text(f"{name}.html").partition("  </head>\n")
    body, end_of_body, end = rest.partition("  </body>\n")
    assert end_of_head, name
    assert end_of_body, name
    meta = f'    <meta http-equiv="Content-Security-Policy" content="{policy}" />\n'
    return Page(
        head=f"{head}{meta}    <style>{style}</style>\n{end_of_head}{body}",
        tail=f'    <script type="module">{script}</script>\n{end_of_body}{end}',
        # A document cannot say this of itself.
        policy=f"{policy}; frame-ancestors 'none'",
        version=sha256(script.encode()).hex()[:16],
    )


def _bundle(entry: str) -> str:
    """A module behind all that it imports, each once and behind what it imports itself."""
    needs: dict[str, list[str]] = {}
    left = [entry]
    while left:
        path = left.pop()
        folder = posixpath.dirname(path)
        needs[path] = [posixpath.normpath(posixpath.join(folder, found)) for found in _IMPORT.findall(_text(path))]
        left += [found for found in needs[path] if found not in needs]
    order = TopologicalSorter({path: needs[path] for path in sorted(needs)}).static_order()
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", _text(path))) for path in order)


def _text(path: str) -> str:
    return _STATIC.joinpath(*path.split("/")).read_text(encoding="utf-8")


def _policy(script: str, style: str, nodes: NodesView) -> str:
    # A saved file has no node of its own; so the one that it came from is named too.
    asked = ["'self'", *filter(None, (nodes.url, *nodes.others))]
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_source(script)}",
            f"style-src {_source(style)}",
            "img-src data:",
            f"connect-src {' '.join(asked)}",
            "object-src 'none'",
            "form-action 'none'",
            "base-uri 'none'",
        )
    )


def _source(block: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(block.encode())).decode()}'"


def _data_block(data: dict[str, Any]) -> str:
    # The first character of whatever could end the block, or make the browser overlook its end.
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'    <script type="application/json" id="page-data">{written}</script>\n'


# --- the page that verifies ---


def verify_page(view: NodeView, _call: object) -> Answer:
    """The page where voters check their ballots."""
    page = _verify_page(view.nodes())
    return _answer(page, _verify_document(view.nodes(), view.genesis(), _later_names(view)))


def receipt_page(view: NodeView, call: "Call") -> Answer:
    """The same page with the receipts of a receipt number in it (L11): one file that verifies itself offline."""
    number = parse_receipt_number(call.argument)
    found = _ballots(view, number)
    if not found:
        raise unknown(codes.RECEIPT_NUMBER_UNKNOWN, view.status().filling_steps)
    proofs, nodes = view.proofs, view.nodes()
    receipts = [proofs.receipt(ballot, completed=None) for ballot, _ in found]
    questions = [proofs.question(poll) for poll in sorted({poll for _, poll in found})]
    data = _verify_data(nodes, view.genesis(), _later_names(view)) | {
        "number": number.text,
        "receipts": [receipt.document.decode() for receipt in receipts],
        "questions": [question.decode() for question in questions],
        "link": _link(nodes, number),
        "qr": _qr_code(nodes, number),
    }
    disposition = f'attachment; filename="{number.text}.html"'
    page = _verify_page(nodes)
    return _answer(page, page.with_data(data), {"Content-Disposition": disposition})


def _verify_page(nodes: NodesView) -> Page:
    return assemble("verify", ("page.css", "verify/verify.css"), nodes)


@functools.lru_cache(maxsize=1)
def _verify_document(nodes: NodesView, genesis: bytes, later: LaterNames) -> bytes:
    """The same for everybody, so it is written once."""
    return _verify_page(nodes).with_data(_verify_data(nodes, genesis, later))


def _verify_data(nodes: NodesView, genesis: bytes, later: LaterNames) -> dict[str, Any]:
    named = {key: [korean, english] for key, korean, english in later}
    return {"genesis": genesis.decode(), "later": named, "nodes": schema.nodes(nodes), "causes": causes()}


def _later_names(view: NodeView) -> LaterNames:
    """Nothing proves them offline, so the page says that this node gave them."""
    return tuple(
        (tenure.validator_key.hex(), agency.name_ko, agency.name_en)
        for agency in view.agencies()
        for tenure in agency.tenures
        if tenure.from_height > 1
    )


@functools.cache
def causes() -> dict[str, str]:
    """What the codes that the page's verifier gives mean."""
    used = re.findall(r'"(MV-\d{4})"', _text("lib/errors.js"))
    return {code: ALL_CAUSES[code].title for code in used}


def _ballots(view: NodeView, number: ReceiptNumber) -> list[tuple[Hash, PollNumber]]:
    """The accepted ballots of a receipt number, each with its poll."""
    hashes = view.ballots_between(number.low, number.high)
    found = [(tx_hash, view.transaction(tx_hash)) for tx_hash in hashes]
    return [(tx_hash, status.poll) for tx_hash, status in found if status is not None and status.poll is not None]


def _link(nodes: NodesView, number: ReceiptNumber) -> str:
    """Opens the page with this number; behind the #, so that it reaches no log of a server."""
    return f"{nodes.url}/verify#{number.text}" if nodes.url else ""


def _qr_code(nodes: NodesView, number: ReceiptNumber) -> str:
    """The same as a picture, to be scanned from paper or from another screen."""
    link = _link(nodes, number)
    return segno.make_qr(link, error="m").svg_data_uri(scale=4) if link else ""


# --- the page that shows the ledger ---


def explorer_page(view: NodeView, _call: object) -> Answer:
    """The page where everybody looks at the network, its polls and their results."""
    page = assemble("explorer", ("page.css", "explorer/explorer.css"), view.nodes())
    return _answer(page, page.with_data({}))


def _answer(page: Page, document: bytes, headers: Mapping[str, str] = {}) -> Answer:
    return Answer(
        document,
        cache=Cache.ASK_AGAIN,
        media_type=HTML,
        headers={"Content-Security-Policy": page.policy, **headers},
    )
