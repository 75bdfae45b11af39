"""A client of the public API, for the command line, the demo and poll services written in Python.

The server is not trusted: answers are bounded, checked, and never a verdict; check a receipt with
`mvchain.light`. Every failure is an `MvchainError`: the server's own as `ApiError` with the server's code.
"""

import base64
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self, TypeVar

import aiohttp

from mvchain.api.acknowledgement import Acknowledgement
from mvchain.api.answer import MSGPACK
from mvchain.api.limits import MAX_PAGE
from mvchain.core import codec, codes, strict_json
from mvchain.core.errors import BadRequest, Cause, MvchainError
from mvchain.core.limits import MAX_BLOCK_BYTES, MAX_GENESIS_BYTES, MAX_PROOF_BYTES, MAX_RECEIPT_BYTES
from mvchain.core.strict_json import Json
from mvchain.core.types import AgencyNumber, Hash, PollNumber, Signature, TaggedKey, TimeMs
from mvchain.light.receipt_number import parse_receipt_number

T = TypeVar("T")
JsonObject = dict[str, Json]

MAX_DOCUMENT_BYTES: Final = 4 * 1024 * 1024
"""A block's 5,000 transaction hashes, or a definition of 64 KiB with its tally, as JSON."""
MAX_BLOCK_ANSWER_BYTES: Final = MAX_BLOCK_BYTES + 64 * 1024
"""A block with its commit."""
MAX_CODE_CHARS: Final = 20
MAX_TEXT_CHARS: Final = 2_000
"""Of a code and a text that the server sent, as kept in an error."""


class ApiError(MvchainError):
    """A problem document, or the error of one item of a batch, with the server's code and texts."""

    def __init__(self, status: int, found: Mapping[str, Any]) -> None:
        # The texts are filled in as values: braces in them have no meaning.
        cause = Cause(str(found["code"])[:MAX_CODE_CHARS], "{detail}", "{remedy}")
        texts = {name: str(found[name])[:MAX_TEXT_CHARS] for name in ("detail", "remedy")}
        super().__init__(cause, **texts)
        self.status = status
        """HTTP status, of the answer or of the item."""
        self.retryable = bool(found["retryable"])
        """Whether the same request may succeed later."""
        self.txid = _hash(found["txid"]) if "txid" in found else None
        """The transaction it is about, if it is about one."""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What the server did with one transaction: 202 received, 200 known already, else see `error`."""

    txid: Hash
    status: int
    state: str | None
    error: ApiError | None


class Submitted(NamedTuple):
    """The results in the order of the transactions, and the promise for those received."""

    items: tuple[ItemResult, ...]
    acknowledgement: Acknowledgement | None
    """Unverified; see `Acknowledgement.verify`."""


class Client:
    """Talks to one node; use it as an async context manager."""

    def __init__(self, base_url: str, timeout_s: float = 15.0) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            # A compressed answer could grow past every bound.
            auto_decompress=False,
            headers={"Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def submit(self, raw_txs: Sequence[bytes]) -> Submitted:
        """Sends 1 to 1,000 transactions. A refusal of one of them is its result; of the request, an error."""
        body = codec.encode(tuple(raw_txs))
        try:
            document = await self._json("POST", "/v1/transactions", body)
        except ApiError as error:
            # One transaction alone is answered with its own status.
            if error.txid is None or len(raw_txs) != 1:
                raise
            return Submitted((ItemResult(error.txid, error.status, None, error),), None)
        submitted = self._read(document, _submitted)
        if len(submitted.items) != len(raw_txs):
            raise self._malformed("it has another number of results than transactions were sent")
        return submitted

    async def transaction(self, tx_hash: Hash, wait: bool = False) -> JsonObject:
        """What became of a transaction; with `wait`, once it was committed or rejected or 10 s passed."""
        return await self._json("GET", f"/v1/transactions/{tx_hash.hex()}{'?wait=committed' if wait else ''}")

    async def poll(self, number: int) -> JsonObject:
        """One poll."""
        return await self._json("GET", f"/v1/polls/{number}")

    async def polls(self) -> AsyncIterator[JsonObject]:
        """All polls in short, page by page."""
        after: int | None = 0
        while after is not None:
            document = await self._json("GET", f"/v1/polls?after={after}&limit={MAX_PAGE}")
            page, following = self._read(document, _page)
            if following is not None and following <= after:
                raise self._malformed("its pages do not end")
            after = following
            for poll in page:
                yield poll

    async def roll(self, number: int) -> JsonObject:
        """One roll."""
        return await self._json("GET", f"/v1/rolls/{number}")

    async def signer(self, key: TaggedKey) -> JsonObject:
        """Whose key this is, and the sequence of its last accepted transaction."""
        return await self._json("GET", f"/v1/signers/{key.hex()}")

    async def block(self, height: int) -> JsonObject:
        """One block without its transactions."""
        return await self._json("GET", f"/v1/blocks/{height}")

    async def block_bytes(self, height: int) -> tuple[bytes, bytes]:
        """Encoded block and encoded commit, unverified."""
        body = await self._request("GET", f"/v1/blocks/{height}", MAX_BLOCK_ANSWER_BYTES, accept=MSGPACK)
        value = codec.decode(body, "The answer", max_bytes=MAX_BLOCK_ANSWER_BYTES, error=BadRequest)
        match value:
            case (bytes(block), bytes(commit)):
                return block, commit
        raise self._malformed("it is not a block and its commit")

    async def status(self) -> JsonObject:
        """Where the node says it stands."""
        return await self._json("GET", "/v1/status")

    async def agencies(self) -> JsonObject:
        """All agencies, those that left included."""
        return await self._json("GET", "/v1/agencies")

    async def proposals(self, after: int) -> JsonObject:
        """A page of proposals of governance."""
        return await self._json("GET", f"/v1/governance/proposals?after={after}")

    async def proposal(self, number: int) -> JsonObject:
        """One proposal of governance."""
        return await self._json("GET", f"/v1/governance/proposals/{number}")

    async def evidence(self, after: int, limit: int, *, messages: bool) -> JsonObject:
        """Who signed twice, and what else the node saw of misbehaviour."""
        shown = "&messages" if messages else ""
        return await self._json("GET", f"/v1/evidence?after={after}&limit={limit}{shown}")

    async def receipt(self, tx_hash: Hash, form: str = "") -> bytes:
        """The receipt of an accepted ballot, unverified (ledger L11).

        Args:
            form: `open` or `completed`; without it the completed one if the poll is final, else the open one.
        """
        query = f"?form={form}" if form else ""
        return await self._request("GET", f"/v1/proofs/ballots/{tx_hash.hex()}{query}", MAX_RECEIPT_BYTES)

    async def receipt_page(self, number: str) -> bytes:
        """The receipt of the ballot with this receipt number, as a page that verifies itself."""
        return await self._request("GET", f"/receipts/{number}", MAX_DOCUMENT_BYTES)

    async def ballot_numbered(self, number: str) -> Hash:
        """The ballot with this receipt number; of several, by a rare chance, the first."""
        document = await self._json("GET", f"/v1/receipts/{parse_receipt_number(number).text}")
        return self._read(document, lambda found: _hash(found["ballots"][0]))

    async def poll_proof(
        self, number: PollNumber, claim: str, *, voter: TaggedKey | None = None, size: int | None = None
    ) -> bytes:
        """The proof of a claim about a poll, unverified (ledger L10)."""
        query = f"claim={claim}" + (f"&voter={voter.hex()}" if voter else "") + (f"&size={size}" if size else "")
        return await self._request("GET", f"/v1/proofs/polls/{number}?{query}", MAX_PROOF_BYTES)

    async def genesis(self) -> bytes:
        """The genesis document that the node says is the chain's; compare its hash with one you trust."""
        return await self._request("GET", "/v1/genesis", MAX_GENESIS_BYTES)

    async def _json(self, method: str, path: str, body: bytes | None = None) -> JsonObject:
        answer = await self._request(method, path, MAX_DOCUMENT_BYTES, body)
        document = strict_json.loads(answer, "The answer", max_bytes=MAX_DOCUMENT_BYTES, error=BadRequest)
        if type(document) is not dict:
            raise self._malformed("it is not a JSON object")
        return document

    async def _request(
        self, method: str, path: str, max_bytes: int, body: bytes | None = None, accept: str | None = None
    ) -> bytes:
        assert self._session is not None, "use the client as an async context manager"
        headers = {} if body is None else {"Content-Type": MSGPACK}
        if accept is not None:
            headers["Accept"] = accept
        url = self._base_url + path
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False
            ) as response:
                answer = await self._bounded(response, max_bytes)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = str(error) or type(error).__name__
            raise BadRequest(codes.SERVER_UNREACHABLE, url=self._base_url, why=why) from error
        if status in (200, 202):
            return answer
        raise self._problem(status, answer)

    async def _bounded(self, response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > max_bytes:
                response.close()
                raise BadRequest(codes.ANSWER_TOO_LARGE, url=self._base_url, limit=max_bytes)
        return b"".join(chunks)

    def _problem(self, status: int, answer: bytes) -> ApiError:
        try:
            document = strict_json.loads(answer, "The answer", max_bytes=MAX_DOCUMENT_BYTES, error=BadRequest)
        except BadRequest:
            raise self._malformed(f"it has status {status} and no problem document") from None
        return self._read(document, lambda found: ApiError(status, found))

    def _read(self, document: Any, read: Callable[[Any], T]) -> T:
        """What `read` makes of a document; any misfit is the server's."""
        try:
            return read(document)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._malformed(f"{type(error).__name__} while reading it") from error

    def _malformed(self, why: str) -> BadRequest:
        return BadRequest(codes.ANSWER_MALFORMED, url=self._base_url, why=why)


def _hash(text: str) -> Hash:
    tx_hash = bytes.fromhex(text)
    if len(tx_hash) != 32:
        raise ValueError(len(tx_hash))
    return Hash(tx_hash)


def _submitted(document: Mapping[str, Any]) -> Submitted:
    return Submitted(tuple(map(_item, document["results"])), _acknowledgement(document["acknowledgement"]))


def _item(found: Mapping[str, Any]) -> ItemResult:
    status = int(found["status"])
    error = ApiError(status, found["error"]) if status not in (200, 202) else None
    return ItemResult(_hash(found["txid"]), status, found.get("state"), error)


def _acknowledgement(found: Mapping[str, Any] | None) -> Acknowledgement | None:
    if found is None:
        return None
    return Acknowledgement(
        AgencyNumber(int(found["agency"])),
        TimeMs(int(found["time_ms"])),
        tuple(map(_hash, found["hashes"])),
        _hash(found["root"]),
        Signature(base64.b64decode(found["signature"], validate=True)),
    )


def _page(document: Mapping[str, Any]) -> tuple[list[JsonObject], int | None]:
    following = document["next"]
    return [dict(poll) for poll in document["polls"]], None if following is None else int(following)
