"""mvchain.interop.processes: deadlines hold, and no process is left behind."""

import asyncio
import sys
from pathlib import Path

import pytest

from mvchain.interop import processes
from mvchain.interop.processes import run, started

STUBBORN = """
import os, signal, socket, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.sendall(b"here")
time.sleep(3600)
"""
"""Two processes that do not end when they are told to, each with a connection that ends with it."""


async def test_what_a_program_says_is_kept_and_logged(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "import os, sys; print(os.environ['WORD']); print('error', file=sys.stderr); sys.exit(3)"
    ended = await run((sys.executable, "-c", script), log, 60, {"WORD": "word"})
    assert ended.status == 3
    assert sorted(ended.output.split()) == ["error", "word"]
    assert log.read_text() == ended.output


async def test_of_a_long_output_the_end_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "MAX_OUTPUT_BYTES", 10)
    ended = await run((sys.executable, "-c", "print('x' * 100_000 + 'the end')"), tmp_path / "log", 60)
    assert ended.output == "xxthe end\n"
    assert (tmp_path / "log").stat().st_size == 100_008


async def test_a_deadline_holds(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        await run((sys.executable, "-c", "import time; time.sleep(3600)"), tmp_path / "log", 0.1)


async def test_nothing_of_a_group_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_S", 0.1)
    connections: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(4) == b"here"
        connections.put_nowait((reader, writer))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        async with started((sys.executable, "-c", STUBBORN, str(port))):
            both = [await connections.get(), await connections.get()]
        for reader, writer in both:
            assert await reader.read() == b""
            writer.close()


async def test_a_program_is_stopped_when_it_is_needed_no_more() -> None:
    async with started((sys.executable, "-c", "import time; time.sleep(3600)")) as process:
        assert process.returncode is None
    assert process.returncode is not None
