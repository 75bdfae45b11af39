"""JSON-RPC 2.0 as CometBFT 0.38 speaks it (C97 to C103, C133): requests in, answers out, without any web framework.

Every call that reads waits for its share of the event loop and is charged for it, each one of a batch by itself (N10).
"""

import asyncio
import json
import logging
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from mvchain.api.answer import Answer, Cache
from mvchain.api.budget import ReadBudget
from mvchain.api.chain_view import ChainView
from mvchain.api.limits import RETRY_AFTER_S
from mvchain.api.rpc_json import JsonObject
from mvchain.api.rpc_methods import ACTIONS, READS, Read, Sender
from mvchain.api.rpc_params import Arguments, Parameters, RpcError, failed, from_json, from_query
from mvchain.api.views import NodeView
from mvchain.core import codes, strict_json
from mvchain.core.errors import BadRequest, BadTransaction, BrokenStorage, MvchainError
from mvchain.core.strict_json import Json

_log = logging.getLogger(__name__)

MAX_CALLS: Final = 10
"""Of one batch (C99, LIM08)."""

MAX_BATCH_ANSWER_BYTES: Final = 8 * 1024 * 1024
"""After so much the other calls of a batch get an error; one block can have 6 MB as JSON."""

MAX_FREE_BYTES: Final = 128 * 1024
MAX_FREE_BRACKETS: Final = 100
"""Of a body that is read at once, as any submission is: the largest transaction fits, and its texts are read quickly.
128 kB of brackets would take 80 ms; such a body, like a longer one, waits as reads do."""
MAX_ID_CHARS: Final = 256
"""A subscription keeps it."""

Id: TypeAlias = str | int

_NUMBERS: Final[Mapping[str, tuple[int, str]]] = {
    codes.RPC_NOT_JSON.code: (-32700, "Parse error. Invalid JSON"),
    codes.RPC_INVALID.code: (-32600, "Invalid Request"),
    codes.RPC_METHOD_UNKNOWN.code: (-32601, "Method not found"),
    codes.RPC_PARAMETERS.code: (-32602, "Invalid params"),
    codes.RPC_CANCELLED.code: (-32000, "Server error"),
}
_METHOD_FAILED: Final = (-32603, "Internal error")
"""Every other error (C133)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call, as far as it could be read."""

    id: Id | None
    """None is a notification, which is not executed (C98)."""
    method: str
    params: Json


def read_request(item: Json) -> Request:
    """The call in one JSON value; unknown members are left alone. Raises RpcError."""
    if type(item) is not dict:
        raise RpcError(codes.RPC_NOT_JSON, text="a request is not an object")
    request_id, method = item.get("id"), item.get("method", "")
    if type(request_id) not in (str, int, type(None)):
        raise RpcError(codes.RPC_NOT_JSON, text="an id is neither a string nor an integer")
    if type(request_id) is str and len(request_id) > MAX_ID_CHARS:
        raise RpcError(codes.RPC_NOT_JSON, text=f"an id is longer than {MAX_ID_CHARS} characters")
    if type(method) is not str:
        raise RpcError(codes.RPC_NOT_JSON, text="a method is not a string")
    return Request(request_id, method, item.get("params"))  # type: ignore[arg-type]  # its type was checked


def _read_batch(value: Json) -> list[Request]:
    if type(value) is not list:
        return [read_request(value)]
    if len(value) > MAX_CALLS:
        text = f"batch request exceeds maximum ({MAX_CALLS}) allowed number of requests"
        raise RpcError(codes.RPC_INVALID, text=text)
    return [read_request(item) for item in value]


def result(request_id: Id | None, encoded: bytes) -> bytes:
    """An answer with a result that is encoded already."""
    return b'{"jsonrpc":"2.0","id":%s,"result":%s}' % (json.dumps(request_id).encode(), encoded)


def failure(request_id: Id | None, error: MvchainError, *, over_websocket: bool = False) -> bytes:
    """An answer with an error (C133); without an id where none could be read."""
    number, message = _NUMBERS.get(error.code, _METHOD_FAILED)
    if over_websocket and error.cause is codes.RPC_PARAMETERS:
        number, message = _METHOD_FAILED
    described: JsonObject = {"code": number, "message": message}
    if error.cause is not codes.RPC_METHOD_UNKNOWN:
        described["data"] = _text(error)
    document: JsonObject = {"jsonrpc": "2.0", "error": described}
    if request_id is not None:
        document["id"] = request_id
    return encode(document)


def _text(error: MvchainError) -> str:
    if isinstance(error, RpcError):
        return str(error.data["text"])
    if error.cause is codes.SERVER_BUSY:
        # CometBFT's light client asks again after these words; after any others it gives the node up (C134).
        return f"Timeout exceeded. {error}"
    return str(error)


def encode(value: object) -> bytes:
    """JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


class Rpc:
    """The calls to one node."""

    def __init__(self, node: NodeView, chain: ChainView, budget: ReadBudget, *, max_body: int, answer_s: float) -> None:
        self._node = node
        self._chain = chain
        self._budget = budget
        self._max_body = max_body
        self._answer_s = answer_s

    async def post(self, body: bytes, source: str) -> Answer:
        """A request, or an array of them (C97 to C99, C102)."""
        try:
            requests = _read_batch(await self.read_json(body))
        except RpcError as error:
            return _answer(failure(None, error), 500 if error.cause is codes.RPC_NOT_JSON else 200)
        except BadRequest as error:
            return _busy(failure(None, error), error)
        sender = self._sender(source)
        answers: list[bytes] = []
        busy: list[MvchainError] = []
        for request in requests:
            if request.id is None:
                continue
            try:
                if sum(map(len, answers)) > MAX_BATCH_ANSWER_BYTES:
                    raise failed(f"the answers of a batch have at most {MAX_BATCH_ANSWER_BYTES} bytes and one more")
                answers.append(result(request.id, await self._execute(request, sender)))
            except MvchainError as error:
                answers.append(failure(request.id, error))
                busy += [error] if error.cause is codes.SERVER_BUSY else []
        if not answers:
            return _answer(b"")
        text = answers[0] if len(answers) == 1 else b"[%s]" % b",".join(answers)
        return _busy(text, busy[0]) if len(busy) == len(answers) else _answer(text)

    def unread(self, error: MvchainError) -> Answer:
        """The answer to a body that was too large to be read (C102)."""
        return _answer(failure(None, RpcError(codes.RPC_INVALID, text=str(error))), 400)

    async def read_json(self, body: bytes) -> Json:
        """The JSON of a body or message; raises RpcError, or BadRequest(SERVER_BUSY)."""
        cheap = len(body) <= MAX_FREE_BYTES and body.count(b"{") + body.count(b"[") <= MAX_FREE_BRACKETS
        if not cheap:
            await self._budget.admit()
        with self._budget.charge():
            return self._loads(body)

    def _loads(self, body: bytes) -> Json:
        try:
            return strict_json.loads(body, "the request", max_bytes=self._max_body)
        except BadRequest as error:
            raise RpcError(codes.RPC_NOT_JSON, text=str(error)) from None

    async def get(self, method: str, query: str, source: str) -> Answer:
        """A call in a URL, whose id is -1 and whose errors have status 500 (C100)."""
        try:
            encoded = await self._call(method, lambda parameters: from_query(parameters, query), self._sender(source))
        except MvchainError as error:
            text = failure(-1, error)
            if error.cause is codes.SERVER_BUSY:
                return _busy(text, error)
            return _answer(text, 404 if error.cause is codes.RPC_METHOD_UNKNOWN else 500)
        return Answer(result(-1, encoded))

    async def turn(self) -> None:
        """Returns when it is the turn of the next message of a WebSocket.

        A client can send so many that nothing else would run, were they taken without a pause (N10).
        """
        await self._budget.admit(patient=True)

    async def message(self, request: Request, source: str) -> bytes:
        """The answer to a call over a WebSocket (C136)."""
        try:
            return result(request.id, await self._execute(request, self._sender(source)))
        except MvchainError as error:
            return failure(request.id, error, over_websocket=True)

    def _sender(self, source: str) -> Sender:
        return Sender(self._node, source, asyncio.get_running_loop().time() + self._answer_s)

    async def _execute(self, request: Request, sender: Sender) -> bytes:
        return await self._call(request.method, lambda parameters: from_json(parameters, request.params), sender)

    async def _call(self, method: str, arguments: Callable[[Parameters], Arguments], sender: Sender) -> bytes:
        """The encoded result of a call; raises RpcError, BadRequest or BadTransaction."""
        try:
            if method in READS:
                read, parameters = READS[method]
                return await self._budget.run(self._read(read, arguments(parameters)))
            if method in ACTIONS:
                act, parameters = ACTIONS[method]
                return encode(await act(self._chain, sender, **arguments(parameters)))
        except (BadRequest, BadTransaction):
            raise
        except TimeoutError:
            raise BadRequest(codes.ANSWER_LATE, seconds=self._answer_s) from None
        except BrokenStorage as error:
            self._node.storage_broke(error)
            raise BadRequest(codes.INTERNAL) from None
        except Exception:
            _log.exception("a call of %s failed", method)
            raise BadRequest(codes.INTERNAL) from None
        raise RpcError(codes.RPC_METHOD_UNKNOWN)

    def _read(self, read: Read, arguments: Arguments) -> Generator[None, None, bytes]:
        found = read(self._chain, **arguments)
        return encode((yield from found) if isinstance(found, Generator) else found)


def _answer(text: bytes, status: int = 200) -> Answer:
    return Answer(text, status, Cache.NEVER)


def _busy(text: bytes, error: MvchainError) -> Answer:
    retry_after = str(error.data.get("retry_after_s", RETRY_AFTER_S))
    return Answer(text, 503, Cache.NEVER, headers={"Retry-After": retry_after})
