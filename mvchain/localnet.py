"""A network of nodes on this machine, for trying out and for tests: made, started, watched, stopped.

    DIR/node-1/config, keys, data    the home of the node of agency 1, as `mvchain start --home` takes it
    DIR/node-1/node.log              what it wrote

The keys are not encrypted and every act needs one approval: nothing real belongs on such a network.

Nodes are child processes and none outlives the process that started it, however that ends: each has a pipe as its
standard input and stops when the pipe ends, which the kernel sees to when the other side is gone.
"""

import asyncio
import random
import socket
import sys
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NoReturn, Self, TypeVar

import aiohttp

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.core.keys import SigningKey
from mvchain.core.limits import MAX_VALIDATORS
from mvchain.core.types import AgencyNumber, TimeMs
from mvchain.ledger.genesis import Genesis, GenesisAgency
from mvchain.node.config import Home, load_settings
from mvchain.node.files import LocalDisk, atomic_write
from mvchain.node.home import install_genesis, make_home
from mvchain.node.keystore import load_plain_key, save_plain_key

T = TypeVar("T")

CHAIN_NAME: Final = "localnet"
HOST: Final = "127.0.0.1"
NODE_COMMAND = (sys.executable, "-m", "mvchain", "start", "--exit-with-parent", "--home")
"""Starts the node of the home that is appended."""

READY_S: Final = 60.0
"""How long nodes may take until they are connected and ready to take ballots."""
STOP_S: Final = 20.0
"""How long a node may take to stop in order; then it is killed."""
LOOK_AGAIN_S: Final = 0.1
PORTS: Final = range(20_000, 32_000)
"""Below the range from which systems take the ports of outgoing connections (Linux from 32,768, others from 49,152).

A port of that range could be taken while its node is being restarted, even by a connection attempt to the node itself.
"""

AGENCIES: Final = (
    ("서울특별시", "Seoul Metropolitan Government"),
    ("강남구", "Gangnam District"),
    ("마포구", "Mapo District"),
    ("서울특별시교육청", "Seoul Office of Education"),
    ("성북구", "Seongbuk District"),
    ("동작구", "Dongjak District"),
    ("은평구", "Eunpyeong District"),
    ("송파구", "Songpa District"),
    ("종로구", "Jongno District"),
    ("관악구", "Gwanak District"),
    ("장흥군", "Jangheung County"),
    ("하남시", "Hanam City"),
)
"""Names of the first agencies, Korean and English; those beyond are numbered."""


def make_localnet(directory: Path, nodes: int) -> None:
    """Make the homes of a new chain with `nodes` agencies, one node each, in an empty or new directory.

    Raises:
        BadConfiguration: the directory has something in it, or nobody can make that many nodes.
    """
    if not 1 <= nodes <= MAX_VALIDATORS:
        raise BadConfiguration(codes.LOCALNET_SIZE, nodes=nodes, limit=MAX_VALIDATORS)
    if directory.exists() and any(directory.iterdir()):
        raise BadConfiguration(codes.LOCALNET_EXISTS, path=directory)
    disk = LocalDisk()
    homes = [Home(directory / f"node-{number}") for number in range(1, nodes + 1)]
    agencies = tuple(_make_agency(AgencyNumber(number), home, disk) for number, home in enumerate(homes, 1))
    genesis = Genesis(CHAIN_NAME, TimeMs(time.time_ns() // 1_000_000), agencies)
    ports = free_ports(2 * nodes)
    peer_ports, api_ports = ports[:nodes], ports[nodes:]
    for place, home in enumerate(homes):
        peers = [
            f"{agency.node_key.hex()}@{HOST}:{port}"
            for agency, port in zip(agencies, peer_ports, strict=True)
            if agency is not agencies[place]
        ]
        others = [f"http://{HOST}:{port}" for port in api_ports if port != api_ports[place]]
        settings = _settings(peer_ports[place], peers, api_ports[place], others)
        atomic_write(disk, home.settings, settings.encode())
        install_genesis(home, genesis, disk)


def _make_agency(number: AgencyNumber, home: Home, disk: LocalDisk) -> GenesisAgency:
    names = AGENCIES[number - 1] if number <= len(AGENCIES) else (f"{number}번 기관", f"Agency {number}")
    return make_home(
        home,
        CHAIN_NAME,
        number,
        names,
        approvals=1,
        plain_keys=True,
        save_key=lambda path, key: save_plain_key(path, key, disk),
        disk=disk,
    )


def _settings(peer_port: int, peers: Iterable[str], api_port: int, others: Iterable[str]) -> str:
    """The node.toml of one node: what differs from the defaults."""
    listed, others_listed = ("".join(f'    "{one}",\n' for one in each) for each in (peers, others))
    return f"""\
# A node of a local test network; every setting that is not here has the default that node.toml.example shows.

[keys]
allow_plain = true

[p2p]
listen = "{HOST}:{peer_port}"
peers = [
{listed}]

[api]
listen = "{HOST}:{api_port}"
public_url = "http://{HOST}:{api_port}"
other_nodes = [
{others_listed}]
# All clients come from one address.
max_connections_per_address = 200
"""


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, from a random place on, so that two networks made at once rarely meet."""
    start = random.randrange(len(PORTS))  # noqa: S311 - nothing secret
    free: list[int] = []
    for port in (*PORTS[start:], *PORTS[:start]):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        free.append(port)
        if len(free) == count:
            return free
    raise BadConfiguration(codes.LOCALNET_NO_PORTS, count=count, first=PORTS.start, last=PORTS.stop - 1)


class Localnet:
    """The nodes of a directory that `make_localnet` made; as an async context manager, started and stopped.

    Nodes are named by the number of their agency, from 1.
    """

    def __init__(self, directory: Path) -> None:
        """Raises BadConfiguration: there is no network in the directory, or one of its files is wrong."""
        homes = (Home(directory / f"node-{number}") for number in range(1, MAX_VALIDATORS + 1))
        self.homes = [home for home in homes if home.genesis.exists()]
        if not self.homes:
            raise BadConfiguration(codes.LOCALNET_MISSING, path=directory)
        self.genesis = Genesis.decode(self.homes[0].genesis.read_bytes())
        self._urls = [f"http://{load_settings(home.settings).api.listen}" for home in self.homes]
        self._processes: dict[int, Process] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Queue[BadConfiguration] = asyncio.Queue()

    @property
    def numbers(self) -> range:
        """The numbers of the nodes."""
        return range(1, len(self.homes) + 1)

    def home(self, number: int) -> Home:
        """Where the node has its files."""
        return self.homes[number - 1]

    def api_url(self, number: int) -> str:
        """Where the node answers requests."""
        return self._urls[number - 1]

    def log_path(self, number: int) -> Path:
        """What the node wrote, runs one after the other."""
        return self.home(number).path / "node.log"

    def key(self, number: int, purpose: str) -> SigningKey:
        """The agency's `agency`, `operator`, `validator` or `node` key."""
        return load_plain_key(self.home(number).key(purpose), LocalDisk())

    def pid(self, number: int) -> int | None:
        """The process of a running node."""
        process = self._processes.get(number)
        return None if process is None else process.pid

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start all nodes; if one cannot be started, none is left."""
        try:
            for number in self.numbers:
                await self._spawn(number)
        except BaseException:
            await self.stop()
            raise

    async def wait_ready(self) -> None:
        """Return once every node is connected and ready to take ballots.

        Raises:
            BadConfiguration: a node ended, or is not ready after READY_S.
        """
        await self.watched(self._all_ready())

    async def watched(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives back; cancels it when a node ends that was not told to.

        Raises:
            BadConfiguration: a node ended by itself.
        """
        working = asyncio.ensure_future(work)
        ending = asyncio.ensure_future(self._first_ended())
        try:
            await asyncio.wait((working, ending), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                await ending
            return await working
        finally:
            for task in (working, ending):
                task.cancel()
            await asyncio.gather(working, ending, return_exceptions=True)

    async def kill(self, number: int) -> None:
        """End a node at once, as a power failure does."""
        process = self._processes.pop(number)
        process.kill()
        await process.wait()

    async def restart(self, number: int) -> None:
        """Start a node that was killed, on what it left on its disk."""
        await self._spawn(number)

    async def stop(self) -> None:
        """Stop all nodes in order; kill those that have not stopped after STOP_S."""
        processes = list(self._processes.values())
        self._processes.clear()
        for process in _running(processes):
            process.terminate()
        waiting = asyncio.gather(*(process.wait() for process in processes))
        try:
            await asyncio.wait_for(waiting, STOP_S)
        except TimeoutError:
            pass
        finally:
            for process in _running(processes):
                process.kill()
            await asyncio.gather(*(process.wait() for process in processes), *self._watchers)

    async def _spawn(self, number: int) -> None:
        assert number not in self._processes, number
        home = self.home(number).path
        with self.log_path(number).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *NODE_COMMAND, str(home), stdin=PIPE, stdout=log, stderr=STDOUT
            )
        self._processes[number] = process
        watcher = asyncio.create_task(self._watch(number, process))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def _watch(self, number: int, process: Process) -> None:
        status = await process.wait()
        if self._processes.get(number) is process:
            self._ended.put_nowait(
                BadConfiguration(
                    codes.LOCALNET_NODE_ENDED,
                    number=number,
                    status=status,
                    last_line=self._last_line(number),
                    log=self.log_path(number),
                )
            )

    async def _first_ended(self) -> NoReturn:
        raise await self._ended.get()

    def _last_line(self, number: int) -> str:
        lines = self.log_path(number).read_text(errors="replace").splitlines()
        return lines[-1] if lines else "it wrote nothing"

    async def _all_ready(self) -> None:
        left = set(self.numbers)
        give_up_at = time.monotonic() + READY_S
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=READY_S)) as session:
            while left:
                for number in sorted(left):
                    if await _is_ready(session, self.api_url(number)):
                        left.discard(number)
                if left and time.monotonic() > give_up_at:
                    numbers = ", ".join(map(str, sorted(left)))
                    raise BadConfiguration(
                        codes.LOCALNET_NOT_READY, numbers=numbers, seconds=READY_S, log=self.log_path(min(left))
                    )
                await asyncio.sleep(LOOK_AGAIN_S)


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/readyz") as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def _running(processes: Iterable[Process]) -> Iterator[Process]:
    return (process for process in processes if process.returncode is None)
