"""`scripts/bench join`: how long a new node takes to join a chain by a snapshot, and to fill in the past."""

import asyncio
import json
import shutil
import sys
from argparse import ArgumentParser, Namespace
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from mvchain.api.client import Client
from mvchain.bench.figures import Runs, Target, table
from mvchain.bench.long_chain import LongChain, Size, build_chain
from mvchain.bench.machine import Conditions
from mvchain.bench.stage import scratch
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, MvchainError
from mvchain.core.types import AgencyNumber
from mvchain.demo.options import whole
from mvchain.demo.progress import Narrator
from mvchain.ledger.genesis import Genesis
from mvchain.localnet import HOST, NODE_COMMAND, free_ports
from mvchain.node.config import Home, load_settings
from mvchain.node.files import LocalDisk
from mvchain.node.home import adopt_genesis, make_home
from mvchain.node.keystore import load_plain_key, save_plain_key

HELP: Final = "how long a new node takes to join a long chain by a snapshot"
SERVING: Final = 3
"""Nodes that hand out the chain; they have no part in it, so it stands still meanwhile."""
JOINING: Final = Target(60, 30)
"""Seconds for 10,000 blocks and a million ballots, four polls of 25,000 of them open."""
LOOK_AGAIN_S: Final = 0.1
DEADLINE_S: Final = 3_600


@dataclass(frozen=True, slots=True)
class JoinReport:
    """What `measure` found; times in seconds."""

    conditions: Conditions
    size: Size
    chain: LongChain
    joining_s: Runs
    """`mvchain join`, from its start to its end."""
    ready_s: Runs
    """From there until the started node has the newest block."""
    filling_s: Runs
    """From there until the past is whole."""
    joining_mib: Runs
    """Most memory of `mvchain join`."""

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        chain = {name: value for name, value in asdict(self.chain).items() if name != "genesis"}
        return {
            **self.conditions.to_json(SERVING),
            "size": asdict(self.size),
            "chain": chain,
            "joining_s": self.joining_s.to_json(),
            **JOINING.to_json(self.joining_s.median),
            "ready_s": self.ready_s.to_json(),
            "filling_s": self.filling_s.to_json(),
            "joining_mib": self.joining_mib.to_json(),
        }

    def lines(self) -> list[str]:
        """For people."""
        size, chain = self.size, self.chain
        return [
            *self.conditions.lines(SERVING),
            "",
            f"{chain.height:,} blocks, {size.ballots:,} ballots in {size.polls} polls of {size.voters:,} voters,",
            f"{size.open_polls} of them open; snapshot of {chain.snapshot_bytes / 2**20:,.1f} MiB, "
            f"made in {chain.taking_s:.1f} s",
            "",
            *table(
                ("", "median", "least", "most", ""),
                [
                    _row("join, s", self.joining_s, JOINING.verdict(self.joining_s.median)),
                    _row("start to the newest block, s", self.ready_s),
                    _row("fill in the past, s", self.filling_s),
                    _row("memory of join, MiB", self.joining_mib),
                ],
            ),
        ]


def _row(name: str, runs: Runs, verdict: str = "") -> tuple[str, ...]:
    return name, f"{runs.median:,.1f}", f"{min(runs.values):,.1f}", f"{max(runs.values):,.1f}", verdict


def add_arguments(parser: ArgumentParser) -> None:
    """What the command line may say beside what all subcommands have."""
    parser.add_argument("--blocks", type=whole(100, 1_000_000), default=10_000, help="at least (%(default)s)")
    parser.add_argument("--polls", type=whole(1, 1_000), default=40, help="held on the chain (%(default)s)")
    parser.add_argument("--voters", type=whole(1, 1_000_000), default=25_000, help="of each poll (%(default)s)")
    parser.add_argument("--open", type=whole(0, 1_000), default=4, help="polls that are still open (%(default)s)")


def measure(arguments: Namespace, narrator: Narrator) -> JoinReport:
    """Build the chain, then join it again and again.

    Raises:
        MvchainError: it could not be finished.
    """
    conditions = Conditions.now(arguments.runs)
    size = Size(arguments.blocks, arguments.polls, arguments.voters, min(arguments.open, arguments.polls))
    with scratch(narrator) as directory:
        chain = build_chain(directory / "chain", directory / "snapshots", size, narrator)
        runs = asyncio.run(_measure(directory, chain, arguments.runs, narrator))
    joining, ready, filling, memory = (Runs(values) for values in zip(*runs, strict=True))
    return JoinReport(conditions, size, chain, joining, ready, filling, memory)


async def _measure(
    directory: Path, chain: LongChain, runs: int, narrator: Narrator
) -> list[tuple[float, float, float, float]]:
    ports = free_ports(2 * SERVING + 2)
    newcomer = _home(directory / "newcomer", chain.genesis)
    keys, peers = [_node_key(newcomer)], []
    async with AsyncExitStack() as stack:
        for number in range(SERVING):
            home = _home(directory / f"node-{number}", chain.genesis)
            _set(home, ports[2 * number : 2 * number + 2], [], keys[:1])
            shutil.copytree(directory / "chain" / "store", home.store)
            shutil.copytree(directory / "snapshots", home.snapshots)
            keys.append(_node_key(home))
            peers.append(f"{keys[-1]}@{HOST}:{ports[2 * number]}")
            process = await _start(home)
            stack.push_async_callback(_stop, process)
        _set(newcomer, ports[-2:], peers, keys[1:])
        found = []
        for run in range(runs):
            home = Home(directory / f"newcomer-{run}")
            shutil.copytree(newcomer.path, home.path)
            narrator.say(f"joining, run {run + 1} of {runs}")
            found.append(await _join(home, chain))
            shutil.rmtree(home.path)
        return found


async def _join(home: Home, chain: LongChain) -> tuple[float, float, float, float]:
    """Seconds to join, to follow, to fill in; MiB of memory."""
    started = perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mvchain", "join", "--home", str(home.path), "--json"), stdout=PIPE
    )
    assert process.stdout is not None
    watching = asyncio.create_task(_peak_mib(process.pid))
    out = await process.stdout.read()
    await process.wait()
    memory = await watching
    joined = perf_counter()
    if not out or json.loads(out)["height"] != chain.snapshot_height:
        raise BadConfiguration(codes.NOBODY_TO_JOIN)
    node = await _start(home)
    try:
        await _until(home, lambda status: status["height"] >= chain.height)
        ready = perf_counter()
        await _until(home, lambda status: status["filling_steps"] == 0)
        return joined - started, ready - joined, perf_counter() - ready, memory
    finally:
        await _stop(node)


def _home(path: Path, genesis: Genesis) -> Home:
    disk, home = LocalDisk(), Home(path)
    make_home(
        home,
        genesis.chain_name,
        AgencyNumber(len(genesis.agencies) + 1),
        ("측정", "Benchmark"),
        approvals=1,
        plain_keys=True,
        save_key=lambda place, key: save_plain_key(place, key, disk),
        disk=disk,
    )
    adopt_genesis(home, genesis, disk, is_new=True)
    return home


def _node_key(home: Home) -> str:
    return load_plain_key(home.key("node"), LocalDisk()).public.hex()


def _set(home: Home, ports: Sequence[int], peers: Sequence[str], observers: Sequence[str]) -> None:
    home.settings.write_text(
        f'[keys]\nallow_plain = true\n[p2p]\nlisten = "{HOST}:{ports[0]}"\npeers = {json.dumps(list(peers))}\n'
        f'observers = {json.dumps(list(observers))}\n[api]\nlisten = "{HOST}:{ports[1]}"\n'
        "[snapshots]\nevery_blocks = 0\n"
    )


async def _start(home: Home) -> Process:
    with (home.path / "node.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(*NODE_COMMAND, str(home.path), stdin=PIPE, stderr=log)
    await _until(home, lambda _: True)
    return process


async def _stop(process: Process) -> None:
    process.terminate()
    await process.wait()


async def _until(home: Home, wanted: Callable[[dict[str, Any]], bool]) -> None:
    url = f"http://{load_settings(home.settings).api.listen}"
    async with asyncio.timeout(DEADLINE_S):
        while not await _shows(url, wanted):  # noqa: ASYNC110 - of another process
            await asyncio.sleep(LOOK_AGAIN_S)


async def _shows(url: str, wanted: Callable[[dict[str, Any]], bool]) -> bool:
    try:
        async with Client(url) as client:
            return wanted(await client.status())
    except MvchainError:
        return False  # it starts


async def _peak_mib(pid: int) -> float:
    """Most memory of a process, looked at as long as it runs."""
    peak, now = 0.0, _peak_so_far_mib(pid)
    while now is not None:
        peak = now
        await asyncio.sleep(LOOK_AGAIN_S)
        now = _peak_so_far_mib(pid)
    return peak


def _peak_so_far_mib(pid: int) -> float | None:
    """None once it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return None
