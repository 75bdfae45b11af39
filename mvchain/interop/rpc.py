"""Asking over JSON-RPC (C97 to C102), and comparing what two programs answer."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self

import aiohttp

REQUEST_S: Final = 30.0
"""Covers what a light client asks for in turn before it answers."""
MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
"""A block of 4 MiB in base64, with room."""
MAX_SHOWN_CHARS: Final = 120


class Answer(NamedTuple):
    """A result, or else why there is none."""

    result: Any
    error: str | None


class Rpc:
    """A JSON-RPC server; an async context manager."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session: aiohttp.ClientSession | None = None
        self._asked = 0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_S))
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(self, method: str, params: Mapping[str, Any]) -> Answer:
        """What it answers; a server that cannot be reached, or answers something else, is an error like its own."""
        assert self._session is not None, "use it as an async context manager"
        self._asked += 1
        request = {"jsonrpc": "2.0", "id": self._asked, "method": method, "params": params}
        try:
            async with self._session.post(self.url, json=request) as response:
                body = await read_bounded(response)
            document = json.loads(body)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return Answer(None, f"no answer: {type(error).__name__} {error}".strip())
        return read_answer(document, self._asked)


def read_answer(document: Any, request_id: int) -> Answer:
    """The answer in a response document (C98, C133)."""
    match document:
        case {"jsonrpc": "2.0", "id": found, "result": result} if found == request_id:
            return Answer(result, None)
        case {"error": {"message": str(message), **more}}:
            return Answer(None, " ".join(filter(None, (message, str(more.get("data", ""))))))
    return Answer(None, f"not a JSON-RPC response: {shown(document)}")


async def read_bounded(response: aiohttp.ClientResponse) -> bytes:
    """Its body. Raises ValueError if that is larger than any answer."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise ValueError(f"more than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)


def difference(found: Any, expected: Any, where: str = "the result") -> str | None:
    """The first place where two JSON values differ, in words; None if they are equal, types included.

    For an expected empty list, null or nothing will do: CometBFT's decoder makes the same of all three (C107).
    """
    if isinstance(found, dict) and isinstance(expected, dict):
        for name in sorted(found.keys() | expected.keys()):
            if name not in expected:
                return f"{where} has {name}"
            if name not in found and expected[name] != []:
                return f"{where} lacks {name}"
            if why := difference(found.get(name), expected[name], f"{where}.{name}"):
                return why
        return None
    if found is None and expected == []:
        return None
    if isinstance(found, list) and isinstance(expected, list):
        if len(found) != len(expected):
            return f"{where} has {len(found)} items and not {len(expected)}"
        pairs = enumerate(zip(found, expected, strict=True))
        return next(filter(None, (difference(*pair, f"{where}[{i}]") for i, pair in pairs)), None)
    if type(found) is type(expected) and found == expected:
        return None
    return f"{where} is {shown(found)} and not {shown(expected)}"


def shown(value: Any) -> str:
    """As JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN_CHARS else text[:MAX_SHOWN_CHARS] + "…"
