"""The demo: an election on a network of nodes made for it, from the keys of its voters to checked receipts.

Everything goes through the public API, and nothing that a node says is believed where it can be checked: the promise
behind every ballot, the receipts, the totals against the file, the app hashes against each other.
"""

import asyncio
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from rich.console import Console

from mvchain.api.client import ApiError, Client
from mvchain.api.operator import Operator, await_receipt
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BadProof, BadRequest, MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash
from mvchain.demo import elections, preparation
from mvchain.demo.casting import Caster
from mvchain.demo.elections import AGENCY, POLL, ROLL, Election, Totals
from mvchain.demo.preparation import SignedBallot, SigningTask
from mvchain.demo.progress import Narrator
from mvchain.demo.report import Measures, Report
from mvchain.ledger.polls import PollDefinition, definition_hash, encode_definition
from mvchain.light.verify import verify_receipt
from mvchain.localnet import Localnet, make_localnet

T = TypeVar("T")

RECEIPTS: Final = 20
"""How many voters' receipts are checked."""
DEAD_S: Final = 5.0
"""How long a killed node stays away."""
LOOK_AGAIN_S: Final = 0.1
STANDSTILL_S: Final = 60.0
"""How long nothing may change while something is waited for: the heartbeat of a chain that has nothing to do."""


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
    """Hold the election, print the report; whether every check of it holds.

    Raises:
        MvchainError: the run could not be finished; the nodes' files are kept then.
    """
    started = time.monotonic()
    narrator = Narrator()
    election = elections.shipped() if options.pb is None else elections.from_pb(options.pb)
    directory = Path(tempfile.mkdtemp(prefix="mvchain-demo-"))
    keep = options.keep
    try:
        report = _run(directory, options, election, narrator, started)
        keep |= not report.ok
    except MvchainError:
        keep = True
        raise
    finally:
        if keep:
            narrator.say(f"The files of the nodes are in {directory}")
        else:
            shutil.rmtree(directory)
    report.print(Console())
    if options.json_out is not None:
        options.json_out.write_text(json.dumps(report.to_json(), indent=2) + "\n")
    return report.ok


def _run(directory: Path, options: Options, election: Election, narrator: Narrator, started: float) -> Report:
    """Prepare everything while this machine has nothing else to do, then start the nodes."""
    make_localnet(directory, options.nodes)
    network = Localnet(directory)
    definition = election.at(network.genesis.genesis_time_ms)
    narrator.say("measuring how many signatures this machine verifies per second")
    rate = preparation.verification_rate()
    ballots = _sign_all(network, definition, election, narrator)
    run = _Run(network, definition, ballots, narrator, options)
    found = asyncio.run(run.on_network())
    ...
