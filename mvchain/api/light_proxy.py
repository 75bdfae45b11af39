"""What a light client serves on its own machine: the REST API's answers, each verified before it passes.

The paths are those of a node, so that programs written for one work on. Every answer with status 200 is verified; where
that is not possible, be the node's answer true or not, a problem document says why. That something is not there cannot
be verified: a 404 means no more than that the nodes which answered say so, as they may say of a transaction that it was
rejected. The problem document is made here; of theirs it tells status, code and state alone. Transactions are not
taken: post them to a node.

| path | verified by |
|---|---|
| /v1/status | the newest verified block, and how the nodes have behaved |
| /v1/genesis | the file that the light client was given |
| /v1/light_blocks/{height} | signatures of the validators, from what is trusted |
| /v1/blocks/{height} | its light block: transactions, evidence, last commit and all bytes |
| /v1/transactions/{hash} | the block that holds it |
| /v1/polls/{number} | state proof: question, and the result of a final poll |
| /v1/proofs/… | the proof itself, and that it rests on this chain |
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from mvchain.api import params, schema
from mvchain.api.answer import MSGPACK, Answer, Cache, dump
from mvchain.api.connection import READING, Connection, to_response
from mvchain.api.errors import problem, status_of
from mvchain.api.limits import ApiLimits
from mvchain.api.rest import Call
from mvchain.api.site import Site
from mvchain.api.views import BlockView, PollView
from mvchain.core import codec, codes
from mvchain.core.errors import BadProof, BadRequest, MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.timestamps import format_rfc3339
from mvchain.core.types import Height, PollNumber
from mvchain.ledger.records import PollState
from mvchain.light.blocks import encode_light_block
from mvchain.light.documents import MAX_HEIGHT
from mvchain.light.follower import CLAIMS, Follower, PollQuestion
from mvchain.light.verify import VerifiedProof, VerifiedReceipt

_log = logging.getLogger(__name__)

ANSWER_S: Final = 60.0
"""For one request: its turn, as one step of the light client is under way at a time, the nodes' answers, and what is
verified of them. Nodes that are hostile or far away may take longer: up to `client.WAY_S` each, and the wait for those
that are behind. A request that comes meanwhile is then refused, to be tried again."""
_LATER: Final = frozenset(
    cause.code
    for cause in (
        codes.NO_GOOD_NODE,
        codes.NO_WITNESS,
        codes.UNDECIDED,
        codes.STALE_PROOF,
        codes.SERVER_UNREACHABLE,
        codes.NOT_VERIFIED_IN_TIME,
    )
)
"""What may go well if it is tried again."""
_NOT_FOUND: Final = frozenset({codes.NOT_PROVABLE.code})
_NODES_FAULT: Final = frozenset(cause.code for cause in (codes.ANSWER_MALFORMED, codes.ANSWER_TOO_LARGE))
_PASSED_ON: Final = frozenset({404, 503})
"""A status of a node that is told as it is: that something is missing, or is not to be had now, cannot be verified."""


async def status(follower: Follower, _call: Call) -> Answer:
    """What is verified, and by whose help."""
    client = follower.client
    newest = client.store.newest
    document = {
        "chain_id": None if newest is None else newest.header.chain_id,
        "genesis_hash": None if follower.genesis is None else follower.genesis.hash.hex(),
        "height": 0 if newest is None else newest.height,
        "block_hash": None if newest is None else newest.hash.hex(),
        "block_time": None if newest is None else format_rfc3339(newest.time_ns),
        "nodes": [{"url": url, "standing": standing.value} for url, standing in client.standings.items()],
    }
    return Answer(dump(document))


async def genesis(follower: Follower, _call: Call) -> Answer:
    """The genesis document."""
    if follower.genesis is None:
        raise BadRequest(codes.NEEDS_GENESIS)
    return Answer(follower.genesis.encode(), cache=Cache.FOR_EVER)


async def light_block(follower: Follower, call: Call) -> Answer:
    """A header with all that vouches for it."""
    return Answer(encode_light_block(await follower.block_at(_height(call))))


async def block(follower: Follower, call: Call) -> Answer:
    """One block: JSON without transactions; for who accepts msgpack, `[block, commit]` encoded as in L1."""
    trusted, encoded, body = await follower.body_at(_height(call))
    vary = {"Vary": "Accept"}
    if MSGPACK in call.accept:
        pair = codec.encode((encoded, trusted.commit.encode()))
        return Answer(pair, cache=Cache.FOR_EVER, media_type=MSGPACK, headers=vary)
    view = BlockView(trusted.header, [sha256(tx) for tx in body.txs], trusted.commit)
    return Answer(dump(schema.block(view)), cache=Cache.FOR_EVER, headers=vary)


async def transaction(follower: Follower, call: Call) -> Answer:
    """The block that holds a transaction, with the proof of it."""
    tx_hash = params.tx_hash(call.argument)
    placed = await follower.transaction(tx_hash)
    header = placed.block.header
    document = {
        "txid": tx_hash.hex(),
        "state": "committed",
        "height": header.height,
        "index": placed.path.index,
        "time": format_rfc3339(header.time_ns),
        "data_hash": header.data_hash.hex(),
        "included": placed.path.to_json(),
    }
    return Answer(dump(document), cache=Cache.FOR_EVER)


async def poll(follower: Follower, call: Call) -> Answer:
    """One poll: what is asked, its record, and the result once it is final; of which block that is the state."""
    number = PollNumber(params.number(call.argument, 2**32 - 1))
    _, proof = await follower.poll_proof(PollQuestion(number))
    final = proof.record.state is PollState.FINAL
    if final:
        _, proof = await follower.poll_proof(PollQuestion(number, "result"))
    assert proof.definition is not None  # both claims show it
    # How many of the present ballots count is in no proof before the poll is final.
    view = PollView(number, proof.record, proof.definition, proof.record.counted_size if final else None, proof.tally)
    return Answer(dump({**schema.poll(view), **_as_of(proof)}), cache=Cache.FOR_EVER if final else Cache.ASK_AGAIN)


async def poll_proof(follower: Follower, call: Call) -> Answer:
    """A claim about a poll with its proof, verified."""
    claim = params.one_of(call.query, "claim", tuple(CLAIMS)) or "question"
    question = PollQuestion(
        PollNumber(params.number(call.argument, 2**32 - 1)),
        claim,
        voter=params.voter(call.query) if claim in ("on_roll", "not_counted") else None,
        size=params.integer(call.query, "size", 1, 2**32 - 1) if claim == "recorded" else None,
    )
    document, _ = await follower.poll_proof(question)
    return Answer(document)


async def ballot_proof(follower: Follower, call: Call) -> Answer:
    """The receipt of a ballot, verified."""
    form = params.one_of(call.query, "form", ("open", "completed"))
    document, verified = await follower.receipt(params.tx_hash(call.argument), form)
    return Answer(document, cache=Cache.ASK_AGAIN if isinstance(verified, VerifiedReceipt) else Cache.FOR_EVER)


def _height(call: Call) -> Height:
    return Height(params.number(call.argument, MAX_HEIGHT))


def _as_of(proof: VerifiedProof) -> Mapping[str, object]:
    return {"as_of": {"height": proof.height, "time": format_rfc3339(proof.time_ns)}}


@dataclass(frozen=True, slots=True)
class ProxyRoute:
    """One path; it may end with an argument, as `{number}`."""

    path: str
    read: Callable[[Follower, Call], Awaitable[Answer]]
    query: frozenset[str] = frozenset()
    """Names of its query parameters."""


ROUTES: Final[Sequence[ProxyRoute]] = (
    ProxyRoute("/v1/status", status),
    ProxyRoute("/v1/genesis", genesis),
    ProxyRoute("/v1/light_blocks/{height}", light_block),
    ProxyRoute("/v1/blocks/{height}", block),
    ProxyRoute("/v1/transactions/{hash}", transaction),
    ProxyRoute("/v1/polls/{number}", poll),
    ProxyRoute("/v1/proofs/polls/{number}", poll_proof, frozenset({"claim", "voter", "size"})),
    ProxyRoute("/v1/proofs/ballots/{hash}", ballot_proof, frozenset({"form"})),
)


class LightProxy:
    """Serves a follower's verified answers on one address."""

    def __init__(self, follower: Follower, limits: ApiLimits | None = None) -> None:
        self._follower = follower
        self._site = Site(self._handle, limits or ApiLimits())
        # "/v1/polls/{number}" is found under "/v1/polls/".
        self._fixed = {route.path: route for route in ROUTES if not route.path.endswith("}")}
        self._by_prefix = {route.path.partition("{")[0]: route for route in ROUTES if route.path.endswith("}")}

    async def start(self, host: str, port: int) -> None:
        """Listens on `host` and `port` (0: any free one); raises BadConfiguration if it cannot."""
        await self._site.start(host, port)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it listens on."""
        return self._site.address

    async def stop(self) -> None:
        """Stops listening, and lets requests under way end for a moment."""
        await self._site.stop()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, Connection)
        connection.begin_answer()
        try:
            answer = await self._answer(request)
        except MvchainError as error:
            answer = problem(error, _status_of(error))
        except Exception:
            _log.exception("a request to the light client failed")
            answer = problem(BadRequest(codes.INTERNAL))
        response = to_response(answer)
        if not request.content.is_eof():
            response.force_close()
        return response

    async def _answer(self, request: web.BaseRequest) -> Answer:
        path = request.rel_url.raw_path
        route = self._fixed.get(path)
        argument = ""
        if route is None:
            prefix, slash, argument = path.rpartition("/")
            route = self._by_prefix.get(prefix + slash) if argument else None
        if route is None:
            raise BadRequest(codes.ROUTE_UNKNOWN)
        if request.method not in READING:
            return problem(BadRequest(codes.METHOD_NOT_ALLOWED, allowed="GET, HEAD"), headers={"Allow": "GET, HEAD"})
        if request.body_exists:
            raise BadRequest(codes.BODY_UNEXPECTED)
        query = params.parse_query(request.rel_url.raw_query_string, route.query)
        call = Call(argument, query, request.headers.get("Accept", ""))
        try:
            async with asyncio.timeout(ANSWER_S):
                return await route.read(self._follower, call)
        except TimeoutError:
            raise BadRequest(codes.NOT_VERIFIED_IN_TIME, seconds=ANSWER_S) from None


def _status_of(error: MvchainError) -> int:
    """The fault is the nodes' where something did not verify; the caller's only where the request itself is wrong."""
    if error.code in _LATER:
        return 503
    if error.code in _NOT_FOUND:
        return 404
    if error.cause is codes.NODE_REFUSED:
        return next((status for status in _PASSED_ON if status == error.data["status"]), 502)
    if isinstance(error, BadProof) or error.code in _NODES_FAULT:
        return 502
    return status_of(error)
