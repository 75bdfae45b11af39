"""Nodes of a chain of their own as processes that may be killed, paused, starved and started in other ways.

They reach each other through `Wires` alone. None outlives this process: each has a pipe as its standard input and
stops when the pipe ends, and the kernel kills it when its parent is gone, since one that is paused reads nothing.
"""

import asyncio
import os
import re
import resource
import shutil
import signal
import sys
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Final, NamedTuple, Self

from mvchain.chaos.linux import die_with_parent
from mvchain.chaos.packets import Packets, address
from mvchain.chaos.proxy import Wires
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.core.keys import SigningKey
from mvchain.localnet import HOST, Localnet, free_ports, make_localnet
from mvchain.node.config import Home, load_settings

STOP_S: Final = 60.0
"""How long a node may take to stop in order."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a node is started, where that differs from others."""

    arguments: tuple[str, ...] = ()
    """Beside those that every node has."""
    directory: Path | None = None
    """Where Python looks for modules first; None for where it looks here."""
    file_bytes: int | None = None
    """No file of the node may grow beyond this (RLIMIT_FSIZE)."""

    def environment(self) -> dict[str, str]:
        """Of the process."""
        paths = (str(self.directory or ""), os.environ.get("PYTHONPATH", ""))
        return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


class Ended(NamedTuple):
    """A node that ended without being told to."""

    status: int
    at: str
    last_line: str


class Cluster:
    """The nodes, by the number of their agency from 1; an async context manager that leaves none running."""

    def __init__(self, directory: Path, nodes: int, *, namespaces: bool = False) -> None:
        """Raises OSError: the nodes are to be in namespaces of their own, and this machine does not let us."""
        self.directory = directory
        """Of the homes."""
        make_localnet(directory, nodes)
        self.network = Localnet(directory)
        """Homes, keys and genesis; its own processes are not used."""
        self.homes: dict[int, Home] = {number: self.network.home(number) for number in self.network.numbers}
        self.wires = Wires({n: load_settings(home.settings).p2p.listen.port for n, home in self.homes.items()})
        self.packets = Packets(self.numbers) if namespaces else None
        self.observer = SigningKey.generate()
        """Of a node that belongs to no agency and may connect."""
        self._ended: dict[int, Ended] = {}
        self._processes: dict[int, Process] = {}
        self._watchers: set[asyncio.Task[None]] = set()

    @property
    def links(self) -> Wires | Packets:
        """What can be cut between nodes."""
        return self.packets or self.wires

    def split(self, groups: Sequence[Collection[int]]) -> None:
        """Let nothing pass between groups of nodes."""
        for one, other in permutations(groups, 2):
            self.links.hold(one, other)

    @property
    def numbers(self) -> list[int]:
        """Of all nodes that have a home."""
        return sorted(self.homes)

    @property
    def running(self) -> list[int]:
        """Of those that have a process."""
        return sorted(self._processes)

    def api_url(self, number: int) -> str:
        """Where a node answers requests."""
        return f"http://{load_settings(self.homes[number].settings).api.listen}"

    def log_path(self, number: int) -> Path:
        """What a node wrote, runs one after the other."""
        return self.homes[number].path / "node.log"

    def pid(self, number: int) -> int:
        """The process of a running node."""
        return self._processes[number].pid

    async def __aenter__(self) -> Self:
        await self.wires.__aenter__()
        for source, home in self.homes.items():
            settings = home.settings.read_text()
            home.settings.write_text(
                settings.replace("[p2p]\n", f'[p2p]\nobservers = ["{self.observer.public.hex()}"]\n')
            )
            if self.packets is None:
                await self.lay_wires(source)
            else:
                self._move_to_namespace(source)
        return self

    async def __aexit__(self, *exc: object) -> None:
        processes = list(self._processes.values())
        self._processes.clear()
        for process in processes:
            if process.returncode is None:
                process.kill()
        await asyncio.gather(*self._watchers)
        await self.wires.__aexit__(*exc)

    async def lay_wires(self, source: int) -> None:
        """Let a node that is not running dial the others through wires."""
        settings = self.homes[source].settings
        text = settings.read_text()
        for target, agency in enumerate(self.network.genesis.agencies, 1):
            entry = rf'"{agency.node_key.hex()}@{re.escape(HOST)}:\d+"'
            if re.search(entry, text):
                port = await self.wires.lay(source, target)
                text = re.sub(entry, f'"{agency.node_key.hex()}@{HOST}:{port}"', text)
        settings.write_text(text)

    def _move_to_namespace(self, number: int) -> None:
        """Let a node listen where its namespace is, and dial the others where theirs are."""
        settings = self.homes[number].settings
        text = settings.read_text().replace(f'listen = "{HOST}:', f'listen = "{address(number)}:')
        for target, agency in enumerate(self.network.genesis.agencies, 1):
            text = text.replace(f"{agency.node_key.hex()}@{HOST}:", f"{agency.node_key.hex()}@{address(target)}:")
        settings.write_text(text)

    async def copy(self, number: int) -> int:
        """The number of a second home with the same keys, made from one whose node is not running."""
        assert number not in self._processes, number
        twin = max(self.numbers) + 1
        home = Home(self.homes[number].path.with_name(f"node-{twin}"))
        shutil.copytree(self.homes[number].path, home.path)
        settings = load_settings(home.settings)
        text = home.settings.read_text()
        for listen, port in zip((settings.p2p.listen, settings.api.listen), free_ports(2), strict=True):
            text = text.replace(f'listen = "{listen}"', f'listen = "{HOST}:{port}"')
        home.settings.write_text(text)
        self.homes[twin] = home
        await self.lay_wires(twin)
        return twin

    async def start(self, number: int, launch: Launch | None = None) -> None:
        """Start a node on what is on its disk."""
        assert number not in self._processes, number
        launch = launch or Launch()
        home = self.homes[number].path
        command = (
            sys.executable,
            "-m",
            "mvchain",
            "start",
            "--exit-with-parent",
            "--home",
            str(home),
            *launch.arguments,
        )

        def in_child() -> None:
            die_with_parent()
            if self.packets is not None:
                self.packets.enter(number)
            if launch.file_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (launch.file_bytes, launch.file_bytes))

        with self.log_path(number).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=PIPE,
                stdout=log,
                stderr=STDOUT,
                env=launch.environment(),
                # Not where this one runs: Python would find the mvchain of that directory first.
                cwd=home,
                preexec_fn=in_child,
            )
        self._processes[number] = process
        watcher = asyncio.create_task(self._watch(number, process))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def kill(self, number: int) -> None:
        """End a node at once, as a power failure does."""
        process = self._processes.pop(number)
        process.kill()
        await process.wait()

    async def stop(self, number: int) -> int:
        """Have a node stop in order; its exit status.

        Raises:
            BadConfiguration: it does not.
        """
        process = self._processes.pop(number)
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                return await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            log = self.log_path(number)
            raise BadConfiguration(codes.CHAOS_NOT_ENDED, number=number, seconds=STOP_S, log=log) from None

    def take_end(self, number: int) -> int | None:
        """The exit status of a node that ended by itself, which then is not unexpected; None if it did not."""
        ended = self._ended.pop(number, None)
        return None if ended is None else ended.status

    def take_unexpected(self) -> list[str]:
        """All nodes that ended by themselves and that nobody asked for."""
        found = [f"node {n} ended with status {e.status} at {e.at}: {e.last_line}" for n, e in self._ended.items()]
        self._ended.clear()
        return found

    def pause(self, number: int) -> None:
        """Let a node do nothing (SIGSTOP)."""
        self._signal(number, signal.SIGSTOP)

    def resume(self, number: int) -> None:
        """Let it go on (SIGCONT)."""
        self._signal(number, signal.SIGCONT)

    def log_since(self, number: int, mark: int) -> str:
        """What a node has written since its log was so many bytes long."""
        with self.log_path(number).open("rb") as log:
            log.seek(mark)
            return log.read().decode(errors="replace")

    def log_size(self, number: int) -> int:
        """Bytes of its log."""
        path = self.log_path(number)
        return path.stat().st_size if path.exists() else 0

    def _signal(self, number: int, what: signal.Signals) -> None:
        process = self._processes[number]
        if process.returncode is None:
            process.send_signal(what)

    async def _watch(self, number: int, process: Process) -> None:
        status = await process.wait()
        if self._processes.get(number) is process:
            del self._processes[number]
            lines = self.log_path(number).read_text(errors="replace").splitlines()
            self._ended[number] = Ended(status, time.strftime("%X"), lines[-1] if lines else "it wrote nothing")
