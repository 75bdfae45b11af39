"""Nodes that are cut off as machines are: each in a network namespace of its own, and packets that reach nobody.

A bridge connects them, and this process with each of them. Whom a node cannot reach, it has a link address of nobody
for: its packets are lost in silence, and TCP tries again, later and later, as it does between machines. All of it is
seen by this process and its nodes alone, and gone with the last of them. It takes the rights of root, and `ip`.
"""

import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Final

from mvchain.chaos.linux import enter_network, leave_for_own_network

NETWORK: Final = "10.83.0"
"""Nobody else is in it: the namespace has no other link."""
THIS: Final = 254
NOBODY: Final = "02:00:00:00:00:00"
COMMAND_S: Final = 10.0
_NAMES: Final = Path("/run/netns")


def address(number: int) -> str:
    """Of a node."""
    return f"{NETWORK}.{number}"


class Packets:
    """The namespaces of nodes with these numbers. Raises OSError: this machine does not let us."""

    def __init__(self, numbers: Collection[int]) -> None:
        self._numbers = list(numbers)
        self._cut: set[tuple[int, int]] = set()
        leave_for_own_network(Path("/run"))
        _ip("link", "set", "lo", "up")
        _ip("link", "add", "bridge", "type", "bridge")
        _ip("addr", "add", f"{address(THIS)}/24", "dev", "bridge")
        _ip("link", "set", "bridge", "up")
        for number in self._numbers:
            name = _name(number)
            _ip("netns", "add", name)
            _ip("link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", f"to-{name}", "master", "bridge", "up")
            _ip("-n", name, "addr", "add", f"{address(number)}/24", "dev", "eth0")
            for link in ("lo", "eth0"):
                _ip("-n", name, "link", "set", link, "up")

    @staticmethod
    def enter(number: int) -> None:
        """Have this process, which is to become a node, be in the namespace of that node."""
        enter_network(_NAMES / _name(number))

    def hold(self, sources: Collection[int], targets: Collection[int]) -> None:
        """Let nothing from the first get to the second; the other direction is as it was."""
        for source in sources:
            for target in targets:
                if source != target:
                    self._cut.add((source, target))
                    _neighbour(source, target, "replace", "lladdr", NOBODY, "nud", "permanent")

    def heal(self) -> None:
        """Everything passes."""
        for source, target in self._cut:
            _neighbour(source, target, "del")
        self._cut.clear()


def _name(number: int) -> str:
    return f"node-{number}"


def _neighbour(source: int, target: int, act: str, *more: str) -> None:
    _ip("-n", _name(source), "neigh", act, address(target), "dev", "eth0", *more)


def _ip(*arguments: str) -> None:
    try:
        subprocess.run(("ip", *arguments), check=True, capture_output=True, timeout=COMMAND_S)  # noqa: S603, S607
    except subprocess.SubprocessError as error:
        words = getattr(error, "stderr", None) or b""
        raise OSError(f"ip {' '.join(arguments)}: {words.decode(errors='replace').strip() or error}") from None
