"""The demo: an election on a network of nodes made for it, from the keys of its voters to checked receipts."""

import asyncio
import json
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, MvchainError
from mvchain.demo import elections
from mvchain.demo.elections import POLL, Election
from mvchain.demo.holding import Findings, Holding, directory_bytes
from mvchain.demo.preparation import SignedBallot, SigningTask, sign_all, verification_rate
from mvchain.demo.progress import Narrator
from mvchain.demo.report import Measures, Report
from mvchain.ledger.polls import PollDefinition, definition_hash, encode_definition
from mvchain.localnet import Localnet, make_localnet


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    pb: Path | None = None
    """A `.pb` file to replay; the shipped election if None."""
    nodes: int = 4
    json_out: Path | None = None
    """Where to write the report as JSON."""
    keep: bool = False
    """Whether to leave the nodes' files where they are."""
    kill_one: bool = False
    """Whether to kill a node half-way and start it again."""


def run_demo(options: Options) -> bool:
    """Hold the election and print the report; whether every check of it holds.

    Raises:
        MvchainError: the run could not be finished; the nodes' files are kept then.
    """
    narrator = Narrator()
    if options.json_out is not None:
        # Now and not after a long run is the time to find out.
        _write(options.json_out, "")
    election = elections.shipped() if options.pb is None else elections.from_pb(options.pb)
    directory = Path(tempfile.mkdtemp(prefix="mvchain-demo-"))
    keep = options.keep
    try:
        report = _run(directory, options, election, narrator)
        keep |= not report.ok
    except MvchainError:
        keep = True
        raise
    finally:
        if keep:
            narrator.say(f"the files of the nodes are in {directory}")
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


def _run(directory: Path, options: Options, election: Election, narrator: Narrator) -> Report:
    """Prepare everything while this machine has nothing else to do, then start the nodes."""
    started = time.monotonic()
    make_localnet(directory, options.nodes)
    network = Localnet(directory)
    definition = election.at(network.genesis.genesis_time_ms)
    narrator.say("measuring how many signatures this machine verifies per second")
    rate = verification_rate()
    ballots = _signed(network, definition, election, narrator)
    holding = Holding(network, definition, ballots, narrator)
    try:
        found = asyncio.run(_hold(network, holding, narrator, options))
    except asyncio.CancelledError:
        # By SIGTERM, which asks for the same as Ctrl-C.
        raise KeyboardInterrupt from None
    growth = directory_bytes(network.home(1).store) - found.store_bytes_before
    return Report(
        definition=definition,
        expected=election.totals,
        totals=found.totals,
        blanks=found.blanks,
        chain_id=network.genesis.chain_id,
        ballots=len(ballots),
        seconds=time.monotonic() - started,
        height=found.height,
        app_hashes=found.app_hashes,
        receipts_checked=found.receipts_checked,
        receipts_valid=found.receipts_valid,
        stranger=found.stranger,
        measures=Measures(
            committed_per_s=len(ballots) / found.casting_s,
            verifications_per_s=rate,
            limit_per_s=rate / options.nodes,
            max_resident_bytes=found.max_resident_bytes,
            disk_bytes_per_ballot=growth / len(ballots),
            transaction_bytes=sum(len(ballot.raw) for ballot in ballots) / len(ballots),
        ),
    )


def _signed(
    network: Localnet, definition: PollDefinition, election: Election, narrator: Narrator
) -> Sequence[SignedBallot]:
    """A ballot for each of the answers, in their order, each signed with a key of its own."""
    context = definition_hash(encode_definition(definition))
    parts: dict[int, list[SignedBallot]] = {}
    with narrator.bar("making the voters' keys and signing their ballots", len(election.answers)) as advance:
        for first, part in sign_all(SigningTask(POLL, network.genesis.hash, context, election.answers)):
            parts[first] = part
            advance(sum(map(len, parts.values())))
    return [ballot for first in sorted(parts) for ballot in parts[first]]


async def _hold(network: Localnet, holding: Holding, narrator: Narrator, options: Options) -> Findings:
    """The election on its network, which is stopped at the end, also when this process is told to."""
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    narrator.say(f"starting {options.nodes} nodes")
    async with network:
        await network.wait_ready()
        return await network.watched(holding.hold(kill_one=options.kill_one))
