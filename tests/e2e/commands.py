"""Rows for the command line, and the files that their commands are given."""

from collections.abc import Callable
from pathlib import Path

from mvchain.core.errors import Cause
from mvchain.localnet import make_localnet
from tests.e2e.stage import Answer, Row, Stage


def asked(name: str, cause: Cause, *arguments: str, make: Callable[[Stage], dict[str, object]] = lambda _: {}) -> Row:
    """A command; `make` prepares files and gives what stands in its arguments."""

    async def send(stage: Stage) -> Answer:
        known: dict[str, object] = {
            "api": stage.network.api_url(stage.target),
            "home": stage.network.home(1).path,
            "genesis": stage.network.home(1).genesis,
            "nowhere": stage.directory / "nowhere",
            **make(stage),
        }
        return await stage.cli(*(argument.format(**known) for argument in arguments))

    return Row(f"command: {name}", cause, send)


def files(**contents: bytes) -> Callable[[Stage], dict[str, object]]:
    """New files, known by these names."""
    return lambda stage: {name: stage.path(f"file-{name}", content) for name, content in contents.items()}


def fresh(stage: Stage, name: str) -> Path:
    """The home of a chain of one agency, made once."""
    directory = stage.directory / name
    if not directory.exists():
        make_localnet(directory, 1)
    return directory / "node-1"
