"""CometBFT's light client as its proxy: asked for everything that it verifies, compared with what a node says (C96)."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.interop.checkers import COMETBFT, Trust
from mvchain.interop.outcome import Outcome
from mvchain.interop.processes import started
from mvchain.interop.questions import Question
from mvchain.interop.rpc import Answer, Rpc, difference
from mvchain.localnet import HOST

START_S: Final = 30.0
_LISTENS: Final = re.compile(r"Starting RPC HTTP server on (127\.0\.0\.1:\d+)")


@asynccontextmanager
async def light_proxy(
    binary: Path, trust: Trust, primary: str, witness: str, directory: Path, *options: str
) -> AsyncIterator[Rpc]:
    """A running proxy that follows `primary` and cross-checks `witness`.

    Args:
        directory: a new one, for its database; its log lies beside it.

    Raises:
        BadConfiguration: it did not start.
    """
    command: list[str | Path] = [
        binary,
        "light",
        trust.chain_id,
        f"--primary={primary}",
        f"--witnesses={witness}",
        f"--height={trust.height}",
        f"--hash={trust.hash.hex().upper()}",
        f"--home-dir={directory}",
        f"--laddr=tcp://{HOST}:0",
        *options,
    ]
    log = directory.with_suffix(".log")
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with started(command) as process:
        assert process.stdout is not None
        reading = asyncio.create_task(_read_log(process.stdout, log, listening))
        try:
            async with Rpc(f"http://{await _address(listening, log)}") as rpc:
                yield rpc
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _address(listening: asyncio.Future[str], log: Path) -> str:
    try:
        async with asyncio.timeout(START_S):
            return await listening
    except TimeoutError:
        why = f"it does not listen after {START_S:.0f} s"
        raise BadConfiguration(codes.INTEROP_CHECKER, checker=COMETBFT.name, why=why, log=log) from None


async def _read_log(stream: asyncio.StreamReader, log: Path, listening: asyncio.Future[str]) -> None:
    """Write down what the proxy says; it says where it listens."""
    line = b""
    with log.open("wb") as file:
        async for line in stream:
            file.write(line)
            file.flush()
            found = _LISTENS.search(line.decode(errors="replace"))
            if found and not listening.done():
                listening.set_result(found[1])
    if not listening.done():
        why = line.decode(errors="replace").strip() or "it said nothing"
        listening.set_exception(BadConfiguration(codes.INTEROP_CHECKER, checker=COMETBFT.name, why=why, log=log))


async def compare(proxy: Rpc, node: Rpc, questions: Iterable[Question], mode: str) -> list[Outcome]:
    """Ask both; one outcome for each method, in the order in which methods come."""
    counts: dict[str, int] = {}
    faults: dict[str, list[str]] = {}
    for question in questions:
        method = question.method
        counts[method] = counts.get(method, 0) + 1
        verified, direct = await _ask_both(proxy, node, question)
        if fault := _fault(verified, direct):
            faults.setdefault(method, []).append(f"{dict(question.params)}: {fault}")
    return [Outcome(COMETBFT, f"{method}, {mode}", count, faults.get(method, ())) for method, count in counts.items()]


async def _ask_both(proxy: Rpc, node: Rpc, question: Question) -> Sequence[Answer]:
    node_params = question.params if question.node_params is None else question.node_params
    return await asyncio.gather(proxy.ask(question.method, question.params), node.ask(question.method, node_params))


def _fault(verified: Answer, direct: Answer) -> str | None:
    """What is wrong with an answer that went through the client; None if nothing is."""
    if direct.error is not None:
        return f"the node refuses: {direct.error}"
    if verified.error is not None:
        return f"the client refuses: {verified.error}"
    return difference(verified.result, direct.result)
