"""mvchain.bench.asking and crowd: keep-alive clients, against a server that counts."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio

from mvchain.bench import asking, crowd
from mvchain.bench.asking import Asker, Question, asked, rpc_question
from mvchain.bench.crowd import Reading, read_together
from mvchain.core.errors import BadConfiguration

STATUSES = {"/good": 200, "/busy": 503, "/wrong": 404}


class Server:
    """Answers with the status that belongs to a path; ends the connection when asked for /end."""

    def __init__(self) -> None:
        self.connections: Counter[str] = Counter()
        """By the address they come from."""
        self.bodies: list[bytes] = []
        self.url = ""
        self.busy = 0
        """How many questions are refused with 503 from now on."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections[writer.get_extra_info("peername")[0]] += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while (answer := await self._answer(reader)) is not None:
                writer.write(answer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes | None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split(" ", 2)
        if path == "/end":
            return None
        body = path.encode()
        if method == "POST":
            size = int(head.partition("Content-Length: ")[2].partition("\r\n")[0])
            body = await reader.readexactly(size)
            self.bodies.append(body)
        status = 503 if self.busy else STATUSES.get(path, 200)
        self.busy = max(0, self.busy - 1)
        return f"HTTP/1.1 {status} Words\r\ncontent-length:{len(body)}\r\nServer: test\r\n\r\n".encode() + body


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = "http://{}:{}".format(*listening.sockets[0].getsockname())
    async with listening:
        yield made


async def test_one_connection_for_many_questions(server: Server) -> None:
    asker = await Asker.connect(server.url, "127.0.0.9")
    for path, status in STATUSES.items():
        assert await asker.ask(Question(path)) == (status, path.encode())
    answer = await asker.ask(rpc_question("tx", hash="AA==", prove=True))
    call = {"jsonrpc": "2.0", "id": 1, "method": "tx", "params": {"hash": "AA==", "prove": True}}
    assert json.loads(answer.body) == json.loads(server.bodies[0]) == call
    assert server.connections == {"127.0.0.9": 1}
    with pytest.raises(EOFError):
        await asker.ask(Question("/end"))
    asker.close()


async def test_an_answer_that_has_to_come(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "RETRY_AFTER_S", 0)
    monkeypatch.setattr(asking, "RETRIES", 4)
    asker = await Asker.connect(server.url)
    assert await asked(asker, Question("/good")) == b"/good"
    server.busy = 3
    assert await asked(asker, Question("/good")) == b"/good"
    assert asker.busy == 3
    server.busy = 5
    with pytest.raises(BadConfiguration, match=r"MV-3095.*/good with status 503"):
        await asked(asker, Question("/good"))
    with pytest.raises(BadConfiguration, match=r"MV-3095.*/wrong with status 404"):
        await asked(asker, Question("/wrong"))
    asker.close()


async def test_a_crowd_is_counted(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven clients in processes of their own, three to an address at most, who ask for one thing each time."""
    monkeypatch.setattr(crowd, "CLIENTS_PER_ADDRESS", 3)  # here; the processes have the real one
    start_at = time.time() + crowd.GATHERING_S
    reading = await read_together([server.url], [Question(path) for path in STATUSES], 7, start_at, start_at + 0.5)
    assert sum(server.connections.values()) == 7
    assert "127.0.0.1" not in server.connections
    assert min(reading.answered, reading.busy, reading.failed) > 0
    assert len(reading.answer_ms) == reading.answered
    assert reading.dropped == 0
    assert reading.cpu_s > 0
    assert reading.example == "/wrong: 404 b'/wrong'"


def test_what_several_processes_read() -> None:
    one = Reading(answered=2, busy=1, failed=0, example="", dropped=1, late_s=0.0, cpu_s=0.5, answer_ms=[1.0, 3.0])
    two = Reading(answered=1, busy=0, failed=1, example="x", dropped=0, late_s=2.0, cpu_s=0.25, answer_ms=[2.0])
    both = Reading.together([one, two])
    assert both == Reading(3, 1, 1, "x", 1, 2.0, 0.75, [1.0, 3.0, 2.0])
    assert both.median_ms == 2.0
    assert Reading.together([one._replace(answered=0, answer_ms=[])]).median_ms == 0
