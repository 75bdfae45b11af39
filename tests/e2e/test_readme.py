"""The README does what it says: its blocks run in order, by copy and paste, in one directory.

A block under `<!-- runs: NAME -->` is run by bash in a terminal, as a user would paste it, and the questions that
commands ask there are answered. The block `node` goes on beside those after it.
"""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import pytest
from typer.main import get_command

from mvchain.chaos.__main__ import main as chaos
from mvchain.cli.commands import app
from mvchain.core.limits import MAX_GENESIS_BYTES, MAX_RECEIPT_BYTES
from mvchain.ledger.genesis import Genesis
from mvchain.light.proofs import Counted
from mvchain.light.verify import verify_proof, verify_receipt
from mvchain.localnet import PORTS
from mvchain.sim.__main__ import main as simulate

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
API_PORT = "26680"
PEER_PORT = "26656"
PASSPHRASE = "a passphrase of your own"
ANSWERS = {
    "Have all agencies read out the same? [y/N]: ": "y",
    "Passphrase of the validator and node keys: ": PASSPHRASE,
}
"""What a user types when a command asks. What is typed before the last space of a question is there may be dropped."""
CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What moves a terminal's cursor, as progress bars do."""
DEADLINE_S = 60.0
LOOK_AGAIN_S = 0.05


@dataclass(frozen=True)
class Block:
    """A fenced block of the README: its language, its text, and the name in the comment above it."""

    name: str
    language: str
    text: str


BLOCKS = [
    Block(match[1] or "", match[2], match[3])
    for match in re.finditer(r"(?:<!-- runs: (\w+) -->\n)?^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
]
SHELL = [block for block in BLOCKS if block.language == "sh"]


# --- what stands in it ---


def test_the_four_beginnings_and_the_two_commands_are_there() -> None:
    assert [block.name for block in SHELL if not block.name] == [""]
    assert list(dict.fromkeys(block.name for block in SHELL)) == ["", "operator", "node", "service", "voter", "auditor"]


def test_the_two_commands_exist_and_the_demo_says_how_to_use_it(tmp_path: Path) -> None:
    (block,) = [block for block in SHELL if not block.name]
    scripts = [line.split()[0] for line in block.text.splitlines()]
    assert scripts == ["scripts/demo", "scripts/test"]
    for script in scripts:
        assert os.access(ROOT / script, os.X_OK)
    # In a checkout whose environment is ready, so that nothing is installed.
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (tmp_path / ".venv" / "installed-node").write_text(f"{tmp_path}\n")
    run = subprocess.run([tmp_path / "scripts" / "demo", "--help"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("Usage: mvchain demo")
    assert run.stderr == ""


def test_every_command_and_option_in_the_text_exists() -> None:
    """In blocks and in running text; so does every file that a script's name in the text stands for."""
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL))
    lines = [line for block in SHELL for line in block.text.replace("\\\n", " ").splitlines()]
    used = [text for text in (*spans, *lines) if re.match(r"mvchain [a-z]", text)]
    assert len(used) > 15
    for text in used:
        check_command(text)
    for script in re.findall(r"scripts/\w+", README):
        assert (ROOT / script).is_file()


def check_command(text: str) -> None:
    """The words after `mvchain` name a command, and the options are its own."""
    command: Any = get_command(app)
    words = text.split()[1:]
    while getattr(command, "commands", None):
        assert words, text
        if words[0].startswith("--"):
            assert command.invoke_without_command, text
            break
        assert words[0] in command.commands, text
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= options, text


def test_every_relative_link_leads_to_a_file_or_a_heading() -> None:
    headings = re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    anchors = {"#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    for link in links:
        if link.startswith("#"):
            assert link in anchors
        elif not link.startswith("https://"):
            assert (ROOT / link).is_file(), link


def test_the_map_of_the_packages_is_true() -> None:
    (block,) = [block for block in BLOCKS if block.language == ""]
    for line in block.text.splitlines():
        first, *others = line.split("  ")[0].split(", ")
        for name in (first, *(f"mvchain/{other}" for other in others)):
            assert (ROOT / name).exists(), name
    packages = {path.parent.name for path in ROOT.glob("mvchain/*/__init__.py")}
    assert packages <= set(re.findall(r"\w+", block.text))


@pytest.mark.parametrize(("script", "main"), [("simulate", simulate), ("chaos", chaos)])
def test_options_of_the_scripts_that_break_things_exist(
    script: str, main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    known = set(re.findall(r"--\w+", capsys.readouterr().out))
    part = re.search(rf"^`scripts/{script}.*?\n\n", README, re.MULTILINE | re.DOTALL)
    assert part is not None
    used = set(re.findall(r"--\w+", part[0]))
    assert used
    assert used <= known


def test_no_path_of_one_machine_stands_in_it() -> None:
    assert re.findall(r"(?<![\w.:/}])/(?:home|root|tmp|usr|opt|work|var|Users|mnt)\b", README) == []


# --- what it does ---


@dataclass
class Shell:
    """Where the blocks are run: a directory, free ports instead of the usual ones, and all that was printed."""

    directory: Path
    api_port: int
    peer_port: int
    printed: dict[str, str] = field(default_factory=dict)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def environment(self) -> dict[str, str]:
        """As after activating the environment that these tests run in, and the `export` that the README names."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MVCHAIN_")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return kept | {"PATH": path, "MVCHAIN_API": self.api, "COLUMNS": "80", "PYTHONUTF8": "1"}

    def paste(self, block: Block) -> None:
        """Run a block to its end; it must succeed."""
        with self.running(block) as running:
            assert running.wait() == 0, running.output
        self.printed[block.name] = self.printed.get(block.name, "") + running.output

    @contextlib.contextmanager
    def running(self, block: Block) -> Iterator["Running"]:
        """The block while it runs, in a session of its own; whatever is left of it is killed at the end."""
        user, terminal = os.openpty()
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", block.text.replace(API_PORT, str(self.api_port))],
            cwd=self.directory,
            env=self.environment(),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        running = Running(process, user)
        try:
            yield running
        finally:
            running.stop()
            os.close(user)

    def choose_ports(self) -> None:
        """Edit `listen` under [p2p] and [api] of node.toml."""
        settings = self.directory / "agency-1" / "config" / "node.toml"
        text = settings.read_text("utf-8")
        for usual, chosen in ((f"0.0.0.0:{PEER_PORT}", self.peer_port), (f"127.0.0.1:{API_PORT}", self.api_port)):
            assert text.count(f'listen = "{usual}"') == 1
            text = text.replace(f'listen = "{usual}"', f'listen = "127.0.0.1:{chosen}"')
        settings.write_text(text, "utf-8")
        assert tomllib.loads(text)["api"]["listen"] == f"127.0.0.1:{self.api_port}"


class Running:
    """A block that runs, and a thread that reads what it prints and answers what it asks."""

    def __init__(self, process: "subprocess.Popen[bytes]", user: int) -> None:
        self.process = process
        self.output = ""
        self._user = user
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait(self) -> int:
        """The exit code, once the block has ended and all it printed is read."""
        self._reader.join(DEADLINE_S)
        assert not self._reader.is_alive(), self.output
        return self.process.wait(DEADLINE_S)

    def stop(self) -> None:
        """End the node in order, and anything that does not end at once for good."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self._reader.join(DEADLINE_S)

    def _read(self) -> None:
        unanswered = dict(ANSWERS)
        data = b""
        while chunk := self._next_chunk():
            data += chunk
            self.output = CONTROLS.sub("", data.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n"))
            for question in [asked for asked in unanswered if asked in self.output]:
                os.write(self._user, f"{unanswered.pop(question)}\n".encode())

    def _next_chunk(self) -> bytes:
        """What was printed meanwhile; nothing once the last process that had the terminal is gone."""
        try:
            return os.read(self._user, 65_536)
        except OSError:  # Linux says so in this way
            return b""


def until(done: Callable[[], bool], what: Callable[[], str]) -> None:
    """Look until it is so; asks again a little later each time, and gives up at the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not done():
        assert time.monotonic() < deadline, what()
        time.sleep(LOOK_AGAIN_S)


def get(url: str) -> bytes:
    """The body, or nothing while there is no 200 to be had."""
    try:
        with urllib.request.urlopen(url, timeout=DEADLINE_S) as answer:
            body: bytes = answer.read()
            return body
    except (urllib.error.URLError, ConnectionError):
        return b""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, outside the range from which outgoing connections take theirs."""
    free: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            free.append(port)
        if len(free) == count:
            break
    return free


@pytest.fixture(scope="module")
def pasted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """All blocks were run in order; the node still runs."""
    for tool in ("bash", "curl"):
        if shutil.which(tool) is None:
            pytest.skip(f"the README's blocks need {tool}")
    api_port, peer_port = free_ports(2)
    shell = Shell(tmp_path_factory.mktemp("readme"), api_port, peer_port)
    blocks = [block for block in SHELL if block.name]
    place = [block.name for block in blocks].index("node")
    for block in blocks[:place]:
        shell.paste(block)
    shell.choose_ports()
    with shell.running(blocks[place]) as node:
        until(lambda: bool(get(f"{shell.api}/readyz")) or node.process.poll() is not None, lambda: node.output)
        assert node.process.poll() is None, node.output
        for block in blocks[place + 1 :]:
            shell.paste(block)
        yield shell


def test_an_operator_gets_a_node_that_is_up_to_date(pasted: Shell) -> None:
    printed = pasted.printed["operator"]
    assert re.search(r"^state +up to date$", printed, re.MULTILINE)
    assert len(re.findall(r"^Operator [0-9a-f]{66} may act for the agency\.$", printed, re.MULTILINE)) == 2
    assert (pasted.directory / "passphrase").stat().st_mode & 0o777 == 0o600


def test_a_poll_service_gets_a_sealed_roll_and_an_open_poll(pasted: Shell) -> None:
    printed = pasted.printed["service"]
    assert re.search(r"^sealed +yes$", printed, re.MULTILINE)
    assert re.search(r"^state +open$", printed, re.MULTILINE)
    assert '"state": "open"' in printed
    key = json.loads((pasted.directory / "voter.json").read_bytes())["public_key"]
    assert key in (pasted.directory / "roll.txt").read_text()


def test_a_voter_gets_a_receipt_that_verifies(pasted: Shell) -> None:
    assert "✔ Verified. Your ballot is recorded, unchanged." in pasted.printed["voter"]
    receipt = (pasted.directory / "my.mvreceipt.json").read_bytes()
    genesis = (pasted.directory / "genesis.json").read_bytes()
    assert len(receipt) <= MAX_RECEIPT_BYTES
    assert len(genesis) <= MAX_GENESIS_BYTES
    verified = verify_receipt(receipt, Genesis.decode(genesis))
    assert verified.accepted.poll == 1
    assert [agency.name_ko for agency in verified.vouchers.vouching] == ["서울특별시"]


def test_an_auditor_finds_the_ballot_counted_on_the_same_chain(pasted: Shell) -> None:
    def poll() -> dict[str, Any]:
        document: dict[str, Any] = json.loads(get(f"{pasted.api}/v1/polls/1"))
        return document

    until(lambda: poll()["state"] == "final", lambda: str(poll()))
    tally = poll()["tally"]
    assert tally["ballots"] == 1
    # The option "a", which answers.json has.
    assert [option["total"] for option in tally["questions"][0]["options"]] == [1, 0]
    assert not poll()["disputed"]
    printed = pasted.printed["auditor"]
    assert "the same chain" in printed
    assert '"app_hash"' in printed
    assert "✔ Verified. Your ballot is recorded, unchanged and counted." in printed
    assert "✔ Verified. This is the result of poll 1." in printed
    genesis = Genesis.decode((pasted.directory / "genesis.json").read_bytes())
    counted = verify_proof((pasted.directory / "counted.mvreceipt.json").read_bytes(), genesis).claim
    assert isinstance(counted, Counted)
    assert counted.ballot == verify_receipt((pasted.directory / "my.mvreceipt.json").read_bytes(), genesis).ballot


def test_a_browser_finds_the_pages_that_the_readme_names(pasted: Shell) -> None:
    for path in ("/", "/verify"):
        assert get(pasted.api + path).startswith(b"<!doctype html>")


def test_what_commands_print_fits_a_terminal(pasted: Shell) -> None:
    """All but paths, JSON and hashes, which have the length they have."""
    for printed in pasted.printed.values():
        for line in printed.splitlines():
            columns = sum(2 if east_asian_width(char) in "WF" else 1 for char in line)
            assert columns <= 80 or re.search(r'"|/|[0-9a-f]{64}', line), line
