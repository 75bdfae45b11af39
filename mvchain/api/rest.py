"""The routes of the public API and what each answers, without any web framework in it.

Reads are plain functions of the node's view and the call; the server measures them (N10). Everything a caller
can say is taken from one place and checked: path argument, query, body (security H10 to H12, H17).
"""

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import resources
from typing import Final, TypeVar, cast

from mvchain.api import pages, params, schema
from mvchain.api.answer import JSON, MSGPACK, Answer, Cache, dump
from mvchain.api.errors import ALL_CAUSES, problem, unknown
from mvchain.api.limits import MAX_BATCH, MAX_PAGE, MAX_WAIT_S, PAGE, RETRY_AFTER_S
from mvchain.api.views import NodeView, Submission, TxState
from mvchain.core import codec, codes, strict_json
from mvchain.core.errors import BadRequest
from mvchain.core.hashing import sha256
from mvchain.core.limits import MAX_AGENCIES
from mvchain.core.types import PollNumber
from mvchain.light.receipt_number import parse_receipt_number

JSON_TYPES: Final[Mapping[str, str]] = {"application/json": JSON, "application/json;charset=utf-8": JSON}
SUBMIT_TYPES: Final[Mapping[str, str]] = {"application/msgpack": MSGPACK, **JSON_TYPES}
"""Content types that a body of transactions may have, without spaces and in lower case (H17)."""

SUBMIT_PATH: Final = "/v1/transactions"
LARGE_JSON_BYTES: Final = 16 * 1024
"""Of a body that is looked at before it is parsed."""

_CODE = re.compile(r"MV-[0-9]{4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Call:
    """A request for data: the path argument of its route or "", the checked query, and what it accepts."""

    argument: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    accept: str = ""


Item = TypeVar("Item")

Read = Callable[[NodeView, Call], Answer]
Wait = Callable[[NodeView, Call], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Route:
    """One path that is read; its last segment may be an argument, as `{number}`."""

    path: str
    read: Read
    query: frozenset[str] = frozenset()
    """Names of its query parameters."""
    wait: Wait | None = None
    """What to wait for before reading; not counted as reading."""
    watch: bool = False
    """Whether it is for the operator's watchdog, with a share of its own: reads cannot use it up, nor it theirs."""


# --- reading ---


def livez(_view: NodeView, _call: Call) -> Answer:
    """The process answers."""
    return Answer(dump({"live": True}), cache=Cache.NEVER)


def readyz(view: NodeView, call: Call) -> Answer:
    """200 if the node is ready to take ballots, 503 if not."""
    checks = list(view.health())
    report = dump(schema.readiness(checks, verbose="verbose" in call.query))
    if all(check.ok for check in checks):
        return Answer(report, cache=Cache.NEVER)
    return Answer(report, 503, Cache.NEVER, headers={"Retry-After": str(RETRY_AFTER_S)})


def status(view: NodeView, _call: Call) -> Answer:
    """Where the node stands."""
    return Answer(dump(schema.status(view.status())))


def nodes(view: NodeView, _call: Call) -> Answer:
    """Where else this chain can be read: a voter asks several nodes, not one."""
    return Answer(dump(schema.nodes(view.nodes())))


def genesis(view: NodeView, _call: Call) -> Answer:
    """The genesis document, byte for byte."""
    return Answer(view.genesis(), cache=Cache.FOR_EVER)


def polls(view: NodeView, call: Call) -> Answer:
    """A page of polls; `next` is the value of `after` for the next page, null on the last one (LIM09)."""
    after = params.integer(call.query, "after", 0, 2**32 - 1, default=0)
    limit = params.integer(call.query, "limit", 1, MAX_PAGE, default=PAGE)
    agency = params.integer(call.query, "agency", 1, MAX_AGENCIES, default=0)
    # One more than asked for tells whether there is a next page.
    found = view.polls(after, limit + 1, running="running" in call.query, agency=agency or None)
    page = found[:limit]
    following = page[-1].number if len(found) > limit else None
    document = {"polls": [schema.poll_summary(poll) for poll in page], "next": following}
    if following is None:
        return Answer(dump(document))
    filters = "".join((f"&agency={agency}" if agency else "", "&running" if "running" in call.query else ""))
    link = f'</v1/polls?after={following}&limit={limit}{filters}>; rel="next"'
    return Answer(dump(document), headers={"Link": link})


def poll(view: NodeView, call: Call) -> Answer:
    """One poll: definition, record, tally once released."""
    number = params.number(call.argument, 2**32 - 1)
    found = view.poll(number)
    if found is None:
        raise BadRequest(codes.POLL_UNKNOWN, poll=number)
    cache = Cache.FOR_EVER if schema.is_final(found) else Cache.ASK_AGAIN
    return Answer(dump(schema.poll(found)), cache=cache)


def roll(view: NodeView, call: Call) -> Answer:
    """One roll."""
    number = params.number(call.argument, 2**32 - 1)
    found = view.roll(number)
    if found is None:
        raise BadRequest(codes.ROLL_UNKNOWN, roll=number)
    return Answer(dump(schema.roll(found)))


def agencies(view: NodeView, _call: Call) -> Answer:
    """All agencies, those that left included."""
    connected = view.connected()
    return Answer(
        dump(
            {
                "agencies": [
                    schema.agency(agency, view.double_signings(agency), connected=agency.number in connected)
                    for agency in view.agencies()
                ]
            }
        )
    )


def signer(view: NodeView, call: Call) -> Answer:
    """One registered key."""
    found = view.signer(params.tagged_key(call.argument))
    if found is None:
        raise BadRequest(codes.SIGNER_UNKNOWN, key=call.argument)
    return Answer(dump(schema.signer(found)))


def block(view: NodeView, call: Call) -> Answer:
    """One block: JSON without transactions; for who accepts msgpack, `[block, commit]` encoded as in L1."""
    height = params.number(call.argument, 2**53 - 1)
    vary = {"Vary": "Accept"}
    if MSGPACK in call.accept:
        encoded = view.block_bytes(height)
        if encoded is not None:
            return Answer(codec.encode(encoded), cache=Cache.FOR_EVER, media_type=MSGPACK, headers=vary)
    else:
        found = view.block(height)
        if found is not None:
            return Answer(dump(schema.block(found)), cache=Cache.FOR_EVER, headers=vary)
    raise BadRequest(codes.BLOCK_UNKNOWN, height=height)


def blocks(view: NodeView, call: Call) -> Answer:
    """A page of blocks; `next` is the value of `after` for the next page, null on the last one (LIM09)."""
    after = params.integer(call.query, "after", 0, 2**53 - 1, default=0)
    limit = params.integer(call.query, "limit", 1, MAX_PAGE, default=PAGE)
    found = view.blocks(after, limit + 1)
    page = found[:limit]
    following = page[-1].header.height if len(found) > limit else None
    return Answer(dump({"blocks": [schema.block_summary(summary) for summary in page], "next": following}))


def proposals(view: NodeView, call: Call) -> Answer:
    """A page of proposals of governance, and the parameters in force; `next` is the `after` of the next page."""
    after = params.integer(call.query, "after", 0, 2**32 - 1, default=0)
    limit = params.integer(call.query, "limit", 1, MAX_PAGE, default=PAGE)
    found = view.proposals(after, limit + 1)
    page = found[:limit]
    following = page[-1].number if len(found) > limit else None
    shown = [schema.proposal(each) for each in page]
    return Answer(dump({"proposals": shown, "next": following, "params": asdict(view.params())}))


def proposal(view: NodeView, call: Call) -> Answer:
    """One proposal of governance."""
    number = params.number(call.argument, 2**32 - 1)
    found = view.proposal(number)
    if found is None:
        raise BadRequest(codes.PROPOSAL_UNKNOWN, proposal=number)
    return Answer(dump(schema.proposal(found)))


def evidence(view: NodeView, call: Call) -> Answer:
    """Who signed twice, by name, with `messages` also what; and what else this node saw of misbehaviour (I8)."""
    after = params.integer(call.query, "after", 0, 2**53 - 1, default=0)
    limit = params.integer(call.query, "limit", 1, MAX_PAGE, default=PAGE)
    return Answer(dump(schema.evidence(view.evidence(after, limit, messages="messages" in call.query), after)))


def transaction(view: NodeView, call: Call) -> Answer:
    """What became of a transaction; 202 if it was waited for and is still only received (LIM10)."""
    tx_hash = params.tx_hash(call.argument)
    found = view.transaction(tx_hash)
    if found is None:
        return problem(unknown(codes.TRANSACTION_UNKNOWN, view.status().filling_steps), txid=tx_hash)
    still_waiting = "wait" in call.query and found.state is TxState.RECEIVED
    return Answer(dump(schema.transaction(found)), 202 if still_waiting else 200)


async def wait_for_transaction(view: NodeView, call: Call) -> None:
    """`?wait=committed&timeout=10`: returns when the transaction has ended, or the seconds have passed."""
    tx_hash = params.tx_hash(call.argument)
    timeout_s = params.integer(call.query, "timeout", 1, MAX_WAIT_S, default=MAX_WAIT_S)
    if "wait" not in call.query:
        return
    if call.query["wait"] != "committed":
        raise BadRequest(codes.PARAMETER_WRONG, name="wait", expected="committed")
    found = view.transaction(tx_hash)
    if found is not None and found.state is TxState.RECEIVED:
        await view.wait_committed(tx_hash, timeout_s)


def ballot_proof(view: NodeView, call: Call) -> Answer:
    """The receipt of a ballot (L11), to be checked by whoever holds it: never a verdict (H08)."""
    tx_hash = params.tx_hash(call.argument)
    form = params.one_of(call.query, "form", ("open", "completed"))
    try:
        receipt = view.proofs.receipt(tx_hash, completed=None if form is None else form == "completed")
    except BadRequest as error:
        return problem(error, txid=tx_hash)
    name = f'attachment; filename="{tx_hash.hex()[:16]}.mvreceipt.json"'
    cache = Cache.FOR_EVER if receipt.completed else Cache.ASK_AGAIN
    return Answer(receipt.document, cache=cache, headers={"Content-Disposition": name})


_CLAIM_PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "question": (),
    "result": (),
    "recorded": ("size",),
    "on_roll": ("voter",),
    "not_counted": ("voter",),
}
"""What each claim about a poll is about, beside the poll."""


def poll_proof(view: NodeView, call: Call) -> Answer:
    """What is claimed about a poll, with its proof (L10)."""
    poll = PollNumber(params.number(call.argument, 2**32 - 1))
    claim = params.one_of(call.query, "claim", tuple(_CLAIM_PARAMETERS)) or "question"
    allowed = {"claim", *_CLAIM_PARAMETERS[claim]}
    if not call.query.keys() <= allowed:
        raise BadRequest(codes.PARAMETER_UNKNOWN, allowed=", ".join(sorted(allowed)))
    proofs = view.proofs
    match claim:
        case "result":
            return Answer(proofs.result(poll), cache=Cache.FOR_EVER)
        case "not_counted":
            return Answer(proofs.not_counted(poll, params.voter(call.query)), cache=Cache.FOR_EVER)
        case "on_roll":
            return Answer(proofs.on_roll(poll, params.voter(call.query)))
        case "recorded":
            return Answer(proofs.recorded(poll, params.integer(call.query, "size", 1, 2**32 - 1)))
    return Answer(proofs.question(poll))


def light_block(view: NodeView, call: Call) -> Answer:
    """A header with all that vouches for it; `?from=genesis` adds the handovers that lead to its validators."""
    height = params.number(call.argument, 2**53 - 1)
    from_genesis = params.one_of(call.query, "from", ("genesis",)) is not None
    found = view.proofs.light_block(height, from_genesis=from_genesis)
    if found is None:
        raise BadRequest(codes.BLOCK_UNKNOWN, height=height)
    return Answer(found)


def receipt_number(view: NodeView, call: Call) -> Answer:
    """The ballots with this receipt number: their receipts are at /v1/proofs/ballots/{hash}."""
    number = parse_receipt_number(call.argument)
    ballots = view.ballots_between(number.low, number.high)
    if not ballots:
        raise unknown(codes.RECEIPT_NUMBER_UNKNOWN, view.status().filling_steps)
    return Answer(dump({"number": number.text, "ballots": [ballot.hex() for ballot in ballots]}))


def error_page(_view: NodeView, call: Call) -> Answer:
    """What a code means: the `type` of problem documents."""
    cause = ALL_CAUSES.get(call.argument) if _CODE.fullmatch(call.argument) else None
    if cause is None:
        raise BadRequest(codes.CODE_UNKNOWN)
    return Answer(dump({"code": cause.code, "meaning": cause.title, "remedy": cause.remedy}))


def openapi(_view: NodeView, _call: Call) -> Answer:
    """The description of this interface."""
    return Answer(_OPENAPI)


_OPENAPI: Final = resources.files("mvchain.api").joinpath("static/openapi.json").read_bytes()

ROUTES: Final[Sequence[Route]] = (
    Route("/livez", livez, watch=True),
    Route("/readyz", readyz, frozenset({"verbose"}), watch=True),
    Route("/v1/openapi.json", openapi),
    Route("/v1/status", status),
    Route("/v1/nodes", nodes),
    Route("/v1/genesis", genesis),
    Route("/v1/polls", polls, frozenset({"after", "limit", "running", "agency"})),
    Route("/v1/polls/{number}", poll),
    Route("/v1/rolls/{number}", roll),
    Route("/v1/agencies", agencies),
    Route("/v1/signers/{key}", signer),
    Route("/v1/blocks", blocks, frozenset({"after", "limit"})),
    Route("/v1/blocks/{height}", block),
    Route("/v1/governance/proposals", proposals, frozenset({"after", "limit"})),
    Route("/v1/governance/proposals/{number}", proposal),
    Route("/v1/evidence", evidence, frozenset({"after", "limit", "messages"})),
    Route("/v1/transactions/{hash}", transaction, frozenset({"wait", "timeout"}), wait_for_transaction),
    Route("/v1/proofs/ballots/{hash}", ballot_proof, frozenset({"form"})),
    Route("/v1/proofs/polls/{number}", poll_proof, frozenset({"claim", "voter", "size"})),
    Route("/v1/light_blocks/{height}", light_block, frozenset({"from"})),
    Route("/v1/receipts/{number}", receipt_number),
    Route("/v1/errors/{code}", error_page),
    Route("/", pages.explorer_page),
    Route("/verify", pages.verify_page),
    Route("/receipts/{number}", pages.receipt_page),
)
"""Every path that is read; `SUBMIT_PATH` is the only one that is written to."""


# --- submitting ---


def decode_batch(body: bytes, media_type: str, max_body: int) -> tuple[bytes, ...]:
    """The transactions of a body: a msgpack array of byte strings, or `{"transactions": [base64, …]}`."""
    what = "The body"
    if media_type == MSGPACK:
        items = codec.decode(body, what, max_bytes=max_body, error=BadRequest)
        if type(items) is not tuple or not all(type(item) is bytes for item in items):
            raise BadRequest(codes.MALFORMED, what=what, why="it is not an array of byte strings")
        return cast(tuple[bytes, ...], _counted(items))
    if len(body) > LARGE_JSON_BYTES and (body.count(b"{") > 1 or body.count(b"[") > 1):
        # The form needs one of each, and base64 has none; 1 MB of brackets would keep the parser busy for 0.5 s (N10).
        raise BadRequest(codes.MALFORMED, what=what, why="it is not one object with one array of texts")
    document = strict_json.loads(body, what, max_bytes=max_body, error=BadRequest)
    if type(document) is not dict or document.keys() != {"transactions"}:
        raise BadRequest(codes.FIELD_UNKNOWN, what=what, expected="transactions")
    texts = document["transactions"]
    if type(texts) is not list:
        raise BadRequest(codes.MALFORMED, what=what, why="transactions is not an array")
    return tuple(_base64(item, text) for item, text in enumerate(_counted(texts)))


async def submit(view: NodeView, raw_txs: Sequence[bytes], source: str, timeout_s: float) -> Answer:
    """Hands transactions to the node; one gets its own HTTP status, several get 200 and a status each."""
    try:
        async with asyncio.timeout(timeout_s):
            submission = await view.submit(raw_txs, source)
    except TimeoutError:
        # The id is in every answer, late ones included (H06).
        txid = sha256(raw_txs[0]) if len(raw_txs) == 1 else None
        return problem(BadRequest(codes.ANSWER_LATE, seconds=timeout_s), txid=txid)
    outcomes = submission.outcomes
    assert len(outcomes) == len(raw_txs), (len(outcomes), len(raw_txs))
    if len(outcomes) > 1:
        full = any(outcome.status == 503 for outcome in outcomes)
        return _results(submission, 200, {"Retry-After": str(RETRY_AFTER_S)} if full else {})
    (only,) = outcomes
    if only.error is not None:
        return problem(only.error, only.status, only.hash)
    return _results(submission, only.status, {"Location": f"{SUBMIT_PATH}/{only.hash.hex()}"})


def _results(submission: Submission, status: int, headers: dict[str, str]) -> Answer:
    promise = submission.acknowledgement
    document: schema.JsonObject = {
        "results": [schema.outcome(outcome) for outcome in submission.outcomes],
        "acknowledgement": None if promise is None else schema.acknowledgement(promise),
    }
    return Answer(dump(document), status, Cache.NEVER, headers=headers)


def _counted(items: Sequence[Item]) -> Sequence[Item]:
    if not 1 <= len(items) <= MAX_BATCH:
        raise BadRequest(codes.BATCH_COUNT, count=len(items), limit=MAX_BATCH)
    return items


def _base64(item: int, text: object) -> bytes:
    if type(text) is str:
        try:
            return base64.b64decode(text, validate=True)
        except ValueError:
            pass
    raise BadRequest(codes.NOT_BASE64, item=item)
