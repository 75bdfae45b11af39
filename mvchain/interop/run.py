"""A whole run: the verifiers, a network and its chain, everything that is asked, and the report."""

import asyncio
import json
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console

from mvchain.api.client import Client
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.demo.progress import Narrator
from mvchain.interop.broadcast import broadcast
from mvchain.interop.checkers import COMETBFT, TENDERMINT_RS, Trust, cache_directory, provide
from mvchain.interop.cometbft import compare, light_proxy
from mvchain.interop.controls import Controls
from mvchain.interop.liar import Liar
from mvchain.interop.lies import Lies, conspiracy, data_lies, header_lies
from mvchain.interop.outcome import Outcome, Report
from mvchain.interop.questions import all_questions, of_headers, passed_on
from mvchain.interop.rpc import Rpc
from mvchain.interop.scenario import ABSENTEE, NODES, play
from mvchain.interop.survey import Survey
from mvchain.interop.tendermint_rs import LightClient
from mvchain.ledger.blocks import Block, Flag, block_id_of
from mvchain.localnet import Localnet, make_localnet

RUN_S: Final = 300.0
"""From the start of the nodes to the last answer; some 50 s on two idle cores."""
PRIMARY: Final = 1
WITNESS: Final = ABSENTEE
"""It caught up with the others through commits of every kind."""
COMETBFT_MODES: Final[Mapping[str, Sequence[str]]] = {
    "skipping": (),
    "sequential": ("--sequential",),
    # No commit has more than all of the power, so the client halves the way down to neighbours.
    "bisecting": ("--trust-level=3/3",),
}
EVERY_HEADER_RS: Final = "--trust-threshold=3/3"
"""The same for tendermint-rs."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    json_out: Path | None = None
    """Where to write the report as JSON."""
    keep: bool = False
    """Whether to leave logs and files where they are."""


class Binaries(NamedTuple):
    """The verifiers."""

    cometbft: Path
    tendermint_rs: Path


def run_interop(options: Options) -> bool:
    """Do all of it and print the report; whether everything came out as it should.

    Raises:
        MvchainError: the run could not be finished; logs and files are kept then.
        CancelledError, KeyboardInterrupt: SIGTERM or Ctrl-C; nothing is left behind.
    """
    narrator = Narrator()
    if options.json_out is not None:
        # Now and not after a long run is the time to find out.
        _write(options.json_out, "")
    binaries = asyncio.run(_binaries(narrator))
    directory = Path(tempfile.mkdtemp(prefix="mvchain-interop-"))
    keep = True
    try:
        report = asyncio.run(_run(directory, binaries, narrator))
        keep = options.keep or not report.ok
    except (asyncio.CancelledError, KeyboardInterrupt):
        keep = options.keep
        raise
    finally:
        if keep:
            narrator.say(f"logs and files of nodes and clients are in {directory}")
        else:
            shutil.rmtree(directory)
    report.print(Console())
    if options.json_out is not None:
        _write(options.json_out, json.dumps(report.to_json(), indent=2) + "\n")
    return report.ok


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise BadConfiguration(codes.CANNOT_WRITE, path=path, why=error.strerror) from None


def _stop_on_sigterm() -> None:
    """In order, as Ctrl-C does."""
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)


async def _binaries(narrator: Narrator) -> Binaries:
    _stop_on_sigterm()
    cache = cache_directory()
    return Binaries(
        await provide(COMETBFT, cache, narrator.say),
        await provide(TENDERMINT_RS, cache, narrator.say),
    )


async def _run(directory: Path, binaries: Binaries, narrator: Narrator) -> Report:
    _stop_on_sigterm()
    started = time.monotonic()
    make_localnet(directory / "network", NODES)
    network = Localnet(directory / "network")
    narrator.say(f"starting {NODES} nodes")
    try:
        async with asyncio.timeout(RUN_S), network:
            await network.wait_ready()
            survey = await network.watched(play(network, narrator))
            verification = Verification(network, survey, directory, narrator)
            outcomes = await network.watched(verification.all(binaries))
    except TimeoutError:
        raise BadConfiguration(codes.INTEROP_TOO_SLOW, seconds=RUN_S) from None
    return Report(network.genesis.chain_id, survey.counts(), outcomes, time.monotonic() - started)


class Verification:
    """What the clients find on a running network that nobody writes to."""

    def __init__(self, network: Localnet, survey: Survey, directory: Path, narrator: Narrator) -> None:
        self._network = network
        self._survey = survey
        self._directory = directory
        self._say = narrator.say
        self._trust = Trust(network.genesis.chain_id, 1, survey.blocks[0].hash)
        self._primary = network.api_url(PRIMARY)
        self._witness = network.api_url(WITNESS)

    async def all(self, binaries: Binaries) -> list[Outcome]:
        """All checks with both clients."""
        client = LightClient(binaries.tendermint_rs, self._trust, self._directory / "tendermint-rs.log")
        outcomes = await self._with_cometbft(binaries.cometbft)
        outcomes += await self._with_tendermint_rs(client)
        self._say("telling lies to both")
        async with Liar(self._primary) as liar:
            controls = await self._controls(liar)
            outcomes += await controls.cometbft(binaries.cometbft, self._trust, self._directory)
            outcomes += await controls.tendermint_rs(client)
        return outcomes

    async def _with_cometbft(self, binary: Path) -> list[Outcome]:
        blocks, outcomes = self._survey.blocks, []
        async with Rpc(self._primary) as node:
            for mode, options in COMETBFT_MODES.items():
                self._say(f"{COMETBFT.name} verifies, {mode}")
                place = self._directory / mode
                async with light_proxy(binary, self._trust, self._primary, self._witness, place, *options) as proxy:
                    if options:
                        # All the way to the tip, then each from its neighbour.
                        outcomes += await compare(proxy, node, of_headers((blocks[-1], *blocks[:-1])), mode)
                    else:
                        outcomes += await compare(proxy, node, all_questions(self._survey), mode)
                        outcomes += await compare(proxy, node, passed_on(), "passed on")
                        outcomes += await broadcast(proxy, node, self._network, (PRIMARY, WITNESS))
        return outcomes

    async def _with_tendermint_rs(self, client: LightClient) -> list[Outcome]:
        tip = self._survey.tip
        heights = range(self._trust.height + 1, tip + 1)
        self._say(f"{TENDERMINT_RS.name} verifies")
        return [
            await client.verify_all(self._primary, self._witness, (*heights, None), "runs, skipping"),
            await client.verify_all(
                self._primary, self._witness, [self._survey.tip], "runs, bisecting", EVERY_HEADER_RS
            ),
        ]

    async def _controls(self, liar: Liar) -> Controls:
        """About the last block with several transactions and a nil precommit."""
        about = [b for b in self._survey.blocks if len(b.tx_hashes) > 1 and Flag.NIL in b.flags][-1]
        async with Client(self._primary) as client:
            encoded, _ = await client.block_bytes(about.height)
        header = Block.decode(encoded).header
        keys = [self._network.key(number, "validator") for number in self._network.numbers]
        all_sign = conspiracy(header, block_id_of(header, encoded), self._network.genesis.validators(), keys)
        return Controls(liar, self._witness, about, Lies(data_lies(header), header_lies(header), all_sign))
