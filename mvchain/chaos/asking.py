"""Asking a node over JSON-RPC and REST as anybody can, without the project's own client (faults SIM5)."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration

ANSWER_S: Final = 15.0
BUSY: Final = 503
BUSY_PAUSE_S: Final = 0.2
RETRIES: Final = 100
"""How often a node that is busy is asked again, BUSY_PAUSE_S apart."""
MAX_CALLS: Final = 10
"""Of one batch: what a node takes."""
SHOWN_CHARS: Final = 200


class Asker:
    """Asks one node; an async context manager."""

    def __init__(self, number: int, url: str) -> None:
        self.number = number
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S))
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def rpc(self, method: str, **params: Any) -> Any:
        """The result of a method.

        Raises:
            BadConfiguration: it answers anything else, or nothing.
        """
        (result,) = await self.rpc_batch([(method, params)])
        return result

    async def rpc_batch(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        """The results of up to MAX_CALLS methods with their parameters, in order. Raises as `rpc`."""
        assert 0 < len(calls) <= MAX_CALLS, len(calls)
        results: dict[int, Any] = {}
        for _ in range(RETRIES):
            left = [at for at in range(len(calls)) if at not in results]
            if not left:
                break
            batch = [{"jsonrpc": "2.0", "id": at, "method": calls[at][0], "params": calls[at][1]} for at in left]
            found = json.loads(await self._asked("POST", "/", json.dumps(batch).encode(), {200}))
            # The answer to a batch of one is no array.
            for document in [found] if isinstance(found, dict) else found:
                if "result" in document:
                    results[document["id"]] = document["result"]
                elif codes.SERVER_BUSY.title not in json.dumps(document):
                    raise self._wrong(str(calls[document["id"]]), str(document))
        if len(results) < len(calls):
            raise self._wrong(str(calls[0]), str(BUSY))
        return [results[at] for at in range(len(calls))]

    async def get(self, path: str) -> Any:
        """The document at a path. Raises as `rpc`."""
        return json.loads(await self._asked("GET", path, None, {200}))

    async def height(self) -> int | None:
        """Of its newest block; None if it does not answer."""
        try:
            return int((await self.get("/v1/status"))["height"])
        except BadConfiguration:
            return None

    async def ready(self) -> bool:
        """Whether it is in step, connected to a quorum, and signs."""
        try:
            await self._asked("GET", "/readyz", None, {200}, retries=1)
        except BadConfiguration:
            return False
        return True

    async def ails(self, check: str) -> bool:
        """Whether the node says that this check of its health fails. Raises as `rpc`."""
        shown = json.loads(await self._asked("GET", "/readyz?verbose", None, {200, BUSY}))
        return any(each["name"] == check and not each["ok"] for each in shown["checks"])

    async def _asked(
        self, method: str, path: str, body: bytes | None, wanted: set[int], retries: int = RETRIES
    ) -> bytes:
        assert self._session is not None
        headers = {"Content-Type": "application/json"} if body else {}
        for _ in range(retries):
            try:
                async with self._session.request(method, self._url + path, data=body, headers=headers) as answer:
                    found = await answer.read()
                    status = answer.status
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise self._wrong(path, f"{type(error).__name__} {error}") from None
            if status in wanted:
                return found
            if status != BUSY:
                raise self._wrong(path, f"{status} {found.decode(errors='replace')[:SHOWN_CHARS]}")
            await asyncio.sleep(BUSY_PAUSE_S)
        raise self._wrong(path, str(BUSY))

    def _wrong(self, what: str, text: str) -> BadConfiguration:
        return BadConfiguration(codes.CHAOS_ANSWER, number=self.number, what=what, text=text)
