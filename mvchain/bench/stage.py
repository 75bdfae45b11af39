"""A network of four nodes with a poll that is open: where the subcommands measure that need one."""

import asyncio
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from mvchain.api.client import Client
from mvchain.bench.ballots import signed_ballots
from mvchain.bench.machine import busy_seconds, cpu_seconds
from mvchain.core.errors import MvchainError
from mvchain.demo import elections
from mvchain.demo.holding import open_poll
from mvchain.demo.preparation import SignedBallot
from mvchain.demo.progress import Narrator
from mvchain.localnet import Localnet, make_localnet

T = TypeVar("T")

NODES: Final = 4


@contextmanager
def scratch(narrator: Narrator) -> Iterator[Path]:
    """A directory for the files of nodes; it stays if the measurement could not be finished, for their logs."""
    directory = Path(tempfile.mkdtemp(prefix="mvchain-bench-"))
    try:
        yield directory
    except MvchainError:
        narrator.say(f"the files of the nodes are in {directory}")
        raise
    except BaseException:
        shutil.rmtree(directory)
        raise
    shutil.rmtree(directory)


class Use(NamedTuple):
    """Processor time in seconds."""

    nodes: Mapping[int, float]
    """By number."""
    this: float
    """Of the measuring process."""
    machine: float
    """Of everything that runs on this machine."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Running nodes, a client of each by its number, and the ballots of all voters, none of them cast."""

    network: Localnet
    clients: Mapping[int, Client]
    ballots: Sequence[SignedBallot]
    narrator: Narrator

    def pid(self, number: int) -> int:
        """The process of a node."""
        pid = self.network.pid(number)
        assert pid is not None, number
        return pid

    async def use(self, start_at: float, stop_at: float) -> Use:
        """Of processor time between these times, which are still to come, as `time.time()` tells them."""
        await asyncio.sleep(start_at - time.time())
        before = self._used()
        await asyncio.sleep(stop_at - time.time())
        after = self._used()
        nodes = {number: after.nodes[number] - before.nodes[number] for number in self.network.numbers}
        return Use(nodes, after.this - before.this, after.machine - before.machine)

    def _used(self) -> Use:
        nodes = {number: cpu_seconds(self.pid(number)) for number in self.network.numbers}
        return Use(nodes, time.process_time(), busy_seconds())


def on_stage(directory: Path, voters: int, narrator: Narrator, work: Callable[[Stage], Coroutine[Any, Any, T]]) -> T:
    """What `work` gives back on a stage with so many voters, which is taken down at the end.

    Raises:
        MvchainError: it could not be set or a node ended, besides what `work` raises.
    """
    make_localnet(directory, NODES)
    network = Localnet(directory)
    definition = elections.shipped().at(network.genesis.genesis_time_ms)
    # Before the nodes run, so that they have the processors for themselves.
    ballots = signed_ballots(network.genesis, definition, voters, narrator)

    async def run() -> T:
        this = asyncio.current_task()
        assert this is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
        narrator.say(f"starting {NODES} nodes")
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(network)
            await network.wait_ready()
            clients = {
                number: await stack.enter_async_context(Client(network.api_url(number))) for number in network.numbers
            }
            await network.watched(
                open_poll(network, clients[1], definition, [ballot.voter for ballot in ballots], narrator)
            )

            return await network.watched(work(Stage(network, clients, ballots, narrator)))

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        # By SIGTERM, which asks for the same as Ctrl-C.
        raise KeyboardInterrupt from None
