"""The verifiers: found in a cache outside the checkout, or built there from their published sources."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.interop.processes import run

INSTALL_S: Final = 1_200.0
"""How long building one of them may take: a minute or two on two cores, and the network may be slow."""
VERSION_S: Final = 30.0
CACHE_NAME: Final = "mvchain-interop"


@dataclass(frozen=True, slots=True)
class Checker:
    """A verifier, one version of it."""

    title: str
    """What people call it."""
    version: str
    binary: str
    version_arguments: Sequence[str]
    """Make it say its version."""
    tool: str
    """Builds it."""
    build: Callable[[str, Path], tuple[Sequence[str], Mapping[str, str]]]
    """Arguments of the tool and environment that put the binary of that version into `bin` below a directory."""

    @property
    def name(self) -> str:
        """With its version."""
        return f"{self.title} {self.version}"


class Trust(NamedTuple):
    """What a light client starts from."""

    chain_id: str
    height: int
    hash: bytes


def _with_go(version: str, directory: Path) -> tuple[Sequence[str], Mapping[str, str]]:
    return ("install", f"github.com/cometbft/cometbft/cmd/cometbft@v{version}"), {"GOBIN": str(directory / "bin")}


def _with_cargo(version: str, directory: Path) -> tuple[Sequence[str], Mapping[str, str]]:
    crate = "tendermint-light-client-cli"
    return ("install", crate, "--version", version, "--locked", "--root", str(directory)), {}


COMETBFT: Final = Checker("CometBFT", "0.38.25", "cometbft", ("version",), "go", _with_go)
TENDERMINT_RS: Final = Checker(
    "tendermint-rs", "0.41.0", "tendermint-light-client-cli", ("--version",), "cargo", _with_cargo
)


def cache_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where built verifiers are kept: below XDG_CACHE_HOME, or ~/.cache."""
    # The base directory specification says to take relative paths for none.
    given = Path(environment.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / CACHE_NAME


async def provide(checker: Checker, cache: Path, say: Callable[[str], None]) -> Path:
    """The binary of the verifier, built if it is not there.

    Args:
        cache: see `cache_directory`.

    Raises:
        BadConfiguration: INTEROP_TOOL_MISSING if it has to be built and cannot be; INTEROP_INSTALL if that failed.
    """
    directory = cache / f"{checker.binary}-{checker.version}"
    log = directory.with_name(directory.name + ".log")
    binary = directory / "bin" / checker.binary
    if not binary.exists():
        tool = shutil.which(checker.tool)
        if tool is None:
            raise BadConfiguration(codes.INTEROP_TOOL_MISSING, tool=checker.tool, checker=checker.name)
        say(f"building {checker.name} with {checker.tool}, once, into {directory}: this takes a few minutes")
        with _workplace(cache) as building:
            made = Path(building, "made")
            await _build(checker, tool, made, log)
            _put_in_place(made, directory)
    await _check_version(checker, binary, log)
    return binary


def _workplace(cache: Path) -> tempfile.TemporaryDirectory[str]:
    cache.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=cache, prefix=".building-")


def _put_in_place(made: Path, directory: Path) -> None:
    """Whole or not at all; whoever else built it meanwhile built the same."""
    with contextlib.suppress(OSError):
        made.rename(directory)


async def _build(checker: Checker, tool: str, directory: Path, log: Path) -> None:
    arguments, environment = checker.build(checker.version, directory)
    try:
        ended = await run((tool, *arguments), log, INSTALL_S, environment)
    except TimeoutError:
        why = f"it was not done after {INSTALL_S:.0f} s"
        raise BadConfiguration(codes.INTEROP_INSTALL, checker=checker.name, why=why, log=log) from None
    if ended.status != 0 or not (directory / "bin" / checker.binary).exists():
        why = f"{checker.tool} ended with exit status {ended.status}"
        raise BadConfiguration(codes.INTEROP_INSTALL, checker=checker.name, why=why, log=log)


async def _check_version(checker: Checker, binary: Path, log: Path) -> None:
    """It is what its directory says, and runs."""
    try:
        ended = await run((binary, *checker.version_arguments), Path(os.devnull), VERSION_S)
    except (OSError, TimeoutError) as error:
        why = f"{binary} does not run: {error or 'it does not answer'}"
        raise BadConfiguration(codes.INTEROP_INSTALL, checker=checker.name, why=why, log=log) from error
    if ended.status != 0 or checker.version not in ended.output.split():
        why = f"{binary} is another version"
        raise BadConfiguration(codes.INTEROP_INSTALL, checker=checker.name, why=why, log=log)
