"""Running `mvchain` as a shell does, but in this process; and a chain of one node to run it against."""

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from mvchain.cli.main import main

PASSPHRASE = "correct horse battery staple"


@dataclass(frozen=True)
class Result:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object that `--json` prints."""
        assert self.code == 0, self.err
        assert self.out.count("\n") == 1
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The code of the one line that an error is."""
        assert self.code == 1, (self.out, self.err)
        assert self.err.count("\n") == 1, self.err
        code, colon, _ = self.err.partition(": ")
        assert colon
        return code


def mvchain(*arguments: object, stdin: bytes = b"", tty: bool = False) -> Result:
    """One command; `tty` says that standard input is a terminal."""
    out, err, given = io.StringIO(), io.StringIO(), io.TextIOWrapper(io.BytesIO(stdin))
    given.isatty = lambda: tty  # type: ignore[method-assign]
    code: Any = 0
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        patch.object(sys, "stdin", given),
        patch.object(sys, "argv", ["mvchain", *map(str, arguments)]),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    return Result(code, out.getvalue(), err.getvalue())


def ok(*arguments: object, stdin: bytes = b"") -> Any:
    """The JSON of a command that has to work."""
    return mvchain(*arguments, "--json", stdin=stdin).json


def new_key(path: Path) -> str:
    """A new plain key file; its public key."""
    key: str = ok("keys", "new", path, "--plain-keys")["public_key"]
    return key


POLL = """\
title = { ko = "자전거 이름", en = "Name of the bicycle" }
opens_at = 2026-01-05T09:00:00+09:00
closes_at = 2099-01-05T18:00:00+09:00
revote = true
release = "live"
approvals = 2

[[questions]]
type = "single"
title = { ko = "이름은?", en = "Which name?" }
blank_allowed = true
options = [
    { id = "a", title = { ko = "따릉이", en = "Ttareungi" } },
    { id = "b", title = { ko = "바람", en = "Baram" } },
]

[[questions]]
type = "points"
title = { ko = "점수는?", en = "How many points?" }
blank_allowed = false
rule = { option_cap = 3, min_sum = 1, max_sum = 4 }
options = [{ id = "x", title = { en = "X" } }, { id = "y", title = { en = "Y" } }]
"""
ANSWERS = b'["a", {"x": 3, "y": 1}]'


class Chain:
    """A chain of one agency whose node runs; acts with its two operators, of whom two must agree."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.home = directory / "home"
        self.genesis = directory / "genesis.json"
        self.second = directory / "second.json"
        self.api = ""
        self._node: subprocess.Popen[str] | None = None

    def begin(self, peer_port: int, api_port: int) -> None:
        """The ceremony of one agency, the start of its node, and its operators."""
        names = ("--name-ko", "서울특별시", "--name-en", "Seoul", "--approvals", 2)
        made = ok("init", "--home", self.home, "--chain-name", "trial", "--agency-number", 1, *names, "--plain-keys")
        shown = ok("genesis", "make", made["entry"], "--chain-name", "trial", "--out", self.genesis)
        ok("genesis", "install", self.genesis, "--home", self.home, "--hash", shown["hash"])
        settings = self.home / "config" / "node.toml"
        text = settings.read_text().replace("0.0.0.0:26656", f"127.0.0.1:{peer_port}")
        settings.write_text(text.replace("127.0.0.1:26680", f"127.0.0.1:{api_port}"))
        self.api = f"http://127.0.0.1:{api_port}"
        self._start()
        self.act("operator", "register")
        new_key(self.second)
        self.act("operator", "register", self.request(self.second, "operator"))

    def request(self, key: Path, role: str) -> Path:
        """The file in which a key asks for this role."""
        file = key.with_suffix(".request")
        ok("keys", "request", key, "--genesis", self.genesis, "--agency", 1, "--role", role, "--out", file)
        return file

    def _start(self) -> None:
        command = [sys.executable, "-m", "mvchain", "start", "--exit-with-parent", "--home", str(self.home)]
        pipe = subprocess.PIPE
        self._node = subprocess.Popen(command, stdin=pipe, stderr=pipe, text=True)
        assert self._node.stderr is not None
        line = self._node.stderr.readline()
        assert "is up" in line, line + self._node.stderr.read()

    def end(self) -> None:
        """Stop the node as its parent's end does."""
        if self._node is not None:
            self._node.communicate()
            assert self._node.returncode == 0

    def act(self, *arguments: object) -> Any:
        """The JSON of an act of the home's operator."""
        return ok(*arguments, "--home", self.home, "--api", self.api)

    def approved(self, action: str) -> None:
        """The second operator agrees."""
        self.act("approve", action, "--key", self.second)

    def ask(self, *arguments: object) -> Any:
        """The JSON of a command that only asks."""
        return ok(*arguments, "--api", self.api)

    def fails(self, *arguments: object) -> str:
        """The code with which an act of the home's operator fails."""
        return mvchain(*arguments, "--home", self.home, "--api", self.api).error

    def sealed_roll(self, *keys: str) -> int:
        """A new sealed roll of these voters."""
        file = self.directory / "roll.txt"
        file.write_text("\n".join(keys))
        roll = self.act("roll", "create", file, "--title", "Voters")
        self.approved(roll["pending"][0]["hash"])
        number: int = roll["number"]
        return number

    def open_poll(self, *keys: str) -> int:
        """A new open poll of these voters."""
        file = self.directory / "poll.toml"
        file.write_text(POLL)
        poll = self.act("poll", "create", file, "--roll", self.sealed_roll(*keys))
        # It opened with the block after the one that registered it, or does with the next.
        number: int = poll["poll"]
        return number
