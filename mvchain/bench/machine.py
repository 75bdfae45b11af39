"""Where a measurement was made, and how much processor time a process has used there. Linux: reads /proc."""

import os
import platform
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Self

from mvchain.bench.figures import rounded
from mvchain.demo.preparation import verification_rate
from mvchain.demo.workers import cores

PACKAGES: Final = ("mvchain", "pynacl", "msgpack", "aiohttp", "plyvel")
"""Whose versions matter for the figures, each as far as it is installed."""

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Conditions:
    """Of one measurement (performance P1, P5). Figures of two are compared by their ratio to r, not as they are."""

    verifications_per_s: float
    """r: Ed25519 verifications of all cores together, just before."""
    load_average: float
    """Of the minute before: how much others were doing."""
    runs: int

    @classmethod
    def now(cls, runs: int) -> Self:
        """As they are now; takes about two seconds of all cores."""
        load_average = os.getloadavg()[0]
        return cls(verification_rate(), load_average, runs)

    def to_json(self, nodes: int) -> dict[str, Any]:
        """For programs: what every measurement says of itself."""
        rate = self.verifications_per_s
        return {
            "machine": {"cpu": _cpu(), "cores": cores(), "system": platform.platform()},
            "versions": {"python": platform.python_version(), **_versions()},
            "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "load_average": rounded(self.load_average),
            "runs": self.runs,
            "sync": True,
            "n": nodes,
            "r": rounded(rate),
            "L": rounded(rate / nodes),
        }

    def lines(self, nodes: int) -> list[str]:
        """For people."""
        rate = self.verifications_per_s
        return [
            f"{cores()} cores of {_cpu()}, Python {platform.python_version()}",
            f"r = {rate:,.0f} signatures/s, L = {rate / nodes:,.0f} ballots/s at {nodes} nodes; "
            f"load before: {self.load_average:.2f}",
        ]


def cpu_seconds(pid: int) -> float:
    """User and system time of a running process so far, all its threads, in steps of a hundredth of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def busy_seconds() -> float:
    """Time of all cores together that they did not idle: this machine's programs, and what it had to wait for others.

    The latter is the time that the host of a virtual machine gave to somebody else.
    """
    user, nice, system, _idle, _waiting, irq, soft_irq, steal = map(
        int, Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]
    )
    return (user + nice + system + irq + soft_irq + steal) / _TICKS_PER_S


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        with suppress(ModuleNotFoundError):
            found[package] = version(package)
    return found
