"""Asking a node over HTTP, with as little work on this side as can be: it shares its processors with the node."""

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlsplit

from mvchain.api.limits import RETRY_AFTER_S
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration

MAX_ANSWER_BYTES: Final = 48 * 1024 * 1024
"""The largest proof."""
ANSWER_S: Final = 15.0
"""Above what the node itself allows an answer (security LIM06)."""
RETRIES: Final = 60
"""How often a node that is busy is asked again, RETRY_AFTER_S apart."""
OK: Final = 200
BUSY: Final = 503
MAX_SHOWN_BYTES: Final = 300
"""Of an answer, in an error."""

_END_OF_HEAD = b"\r\n\r\n"


class Question(NamedTuple):
    """One request: a GET, or a POST of JSON if it has a body."""

    path: str
    body: bytes = b""

    def encode(self) -> bytes:
        """As it goes over the wire."""
        if not self.body:
            return f"GET {self.path} HTTP/1.1\r\nHost: node\r\n\r\n".encode()
        head = f"POST {self.path} HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body


def rpc_question(method: str, **params: Any) -> Question:
    """A call of JSON-RPC (C97)."""
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return Question("/", json.dumps(call).encode())


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class Asker:
    """One keep-alive connection; one question at a time."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.busy = 0
        """How often the answer was 503."""
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, url: str, source: str = "127.0.0.1") -> Self:
        """To the node at this URL, from this address. Raises OSError."""
        parts = urlsplit(url)
        async with asyncio.timeout(ANSWER_S):
            return cls(*await asyncio.open_connection(parts.hostname, parts.port, local_addr=(source, 0)))

    async def ask(self, question: Question) -> Answer:
        """The answer; afterwards the connection is good for the next question, unless this raised.

        Raises:
            OSError, EOFError: the connection ended, or no answer came in time (TimeoutError is an OSError).
        """
        self._writer.write(question.encode())
        async with asyncio.timeout(ANSWER_S):
            head = await self._reader.readuntil(_END_OF_HEAD)
            size = _content_length(head)
            answer = Answer(int(head[9:12]), await self._reader.readexactly(size))
        self.busy += answer.status == BUSY
        return answer

    def close(self) -> None:
        """End the connection."""
        self._writer.close()


async def asked(asker: Asker, question: Question) -> bytes:
    """The body of an answer that has to come; waits and asks again where the node is busy.

    Raises:
        BadConfiguration: it has another status than 200.
    """
    answer = await asker.ask(question)
    for _ in range(RETRIES):
        if answer.status != BUSY:
            break
        await asyncio.sleep(RETRY_AFTER_S)
        answer = await asker.ask(question)
    if answer.status != OK:
        text = answer.body[:MAX_SHOWN_BYTES].decode(errors="replace")
        raise BadConfiguration(codes.BENCH_ANSWER, what=question.path, status=answer.status, text=text)
    return answer.body


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    size = int(rest.partition(b"\r\n")[0]) if found else 0
    assert size <= MAX_ANSWER_BYTES, size
    return size
