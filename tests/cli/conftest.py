"""A chain of one node for all tests of the commands that need one."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.helpers import Chain


@pytest.fixture(autouse=True)
def no_home_of_mine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keeps the tests away from the developer's own node, and their files out of the checkout."""
    for name in ("MVCHAIN_HOME", "MVCHAIN_API"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """A running chain with two operators."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(2)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        ports = [probe.getsockname()[1] for probe in probes]
    made = Chain(tmp_path_factory.mktemp("chain"))
    try:
        made.begin(*ports)
        yield made
    finally:
        made.end()
