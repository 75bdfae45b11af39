"""The command as a whole: help, version, errors, exit codes, and nothing secret anywhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len
from typer.main import get_command

import mvchain as package
from mvchain.cli import commands
from mvchain.cli.output import print_result, reading_answer
from mvchain.core.keys import SigningKey
from mvchain.node.files import LocalDisk
from mvchain.node.keystore import load_key
from tests.cli.helpers import PASSPHRASE, mvchain, new_key

GROUPS = ("keys", "genesis", "governance", "operator", "service", "roll", "poll", "ballot", "backup")
COMMANDS = (
    *("init", "join", "start", "status", "evidence", "localnet", "demo", "restore"),
    *("approve", "receipt", "proof", "verify", "light"),
)


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_help_names_every_command() -> None:
    shown = mvchain("--help")
    assert shown.code == 0
    listed = {line.split()[0] for line in shown.out.partition("Commands:")[2].splitlines() if line.strip()}
    assert listed == {*GROUPS, *COMMANDS}
    assert mvchain("-h").out == shown.out


ALL = [(), *((name,) for name in (*GROUPS, *COMMANDS))]
ALL += [(name, inner) for name in GROUPS for inner in get_command(commands.app).commands[name].commands]  # type: ignore[attr-defined]


@pytest.mark.parametrize("names", ALL, ids=" ".join)
def test_every_command_has_help_of_80_columns_with_nothing_cut(names: tuple[str, ...]) -> None:
    shown = mvchain(*names, "--help")
    assert shown.code == 0
    assert all(cell_len(line) <= 80 for line in shown.out.splitlines())
    assert "..." not in shown.out.partition("Commands:")[2]


def test_help_imports_nothing_heavy() -> None:
    code = """
import sys
from mvchain.cli.main import main
sys.argv = ["mvchain", "--help"]
try:
    main()
except SystemExit:
    pass
print([name for name in ("aiohttp", "plyvel", "asyncio", "nacl", "rich.console") if name in sys.modules])
"""
    assert python(code).stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("package", "command"), [("typer", "--help"), ("aiohttp", "status"), ("plyvel", "start")])
def test_without_the_node_extra_one_line_says_what_to_install(package: str, command: str) -> None:
    """As after `pip install .`: what is None in sys.modules cannot be imported."""
    code = f"""
import sys
sys.modules[{package!r}] = None
from mvchain.cli.main import main
main()
"""
    done = python(code, command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"MV-3039: The package {package} is not installed, and this command needs it. "
        "Run pip install 'mvchain[node]'; python -m mvchain.light checks receipts without it.\n"
    )


def test_a_receipt_can_be_checked_without_the_node_extra(tmp_path: Path) -> None:
    code = """
import runpy, sys
for package in ("typer", "rich", "aiohttp", "plyvel"):
    sys.modules[package] = None
runpy.run_module("mvchain.light", run_name="__main__", alter_sys=True)
"""
    done = python(code, str(tmp_path / "none.mvreceipt.json"), "--genesis", str(tmp_path / "none.json"))
    assert done.returncode == 1
    assert "MV-3090" in done.stdout + done.stderr


def test_a_module_of_ours_that_is_missing_is_no_question_of_the_extra() -> None:
    done = python("import sys; sys.modules['mvchain.cli.polls'] = None; from mvchain.cli.main import main; main()")
    assert "ModuleNotFoundError" in done.stderr


def test_python_m_mvchain_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "mvchain", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == package.__version__


def test_a_wrong_command_line_is_told_apart_from_an_error(tmp_path: Path) -> None:
    for arguments in ((), ("frobnicate",), ("poll", "show"), ("poll", "show", "zero"), ("poll", "show", "0")):
        shown = mvchain(*arguments)
        assert shown.code == 2
        assert "Traceback" not in shown.err
    assert mvchain("keys", "show", tmp_path / "none.json").error == "MV-3001"


def test_an_error_is_one_line_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = mvchain("keys", "show", "two\nlines")
    assert shown.code == 1
    assert shown.err == "MV-3001: There is no key file two lines. Make the key, or correct the path.\n"


def test_what_others_wrote_does_not_drive_the_terminal() -> None:
    shown = mvchain("keys", "show", "\x1b[2J\x9b31m\u202e")
    assert shown.err.startswith("MV-3001: There is no key file ?[2J?31m?.")


def test_ctrl_c_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "app", interrupted)
    assert mvchain() == type(mvchain("--version"))(130, "", "")


def test_a_reader_that_has_enough_is_no_error() -> None:
    code = """
import sys
from mvchain.cli import commands
from mvchain.cli.main import main
def long():
    while True:
        print("x" * 80)
commands.app = long
main()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("command", ["--help", "keys"])
def test_an_output_that_cannot_be_written_is_told_in_one_line(tmp_path: Path, command: str) -> None:
    new_key(tmp_path / "key.json")
    arguments = [command] if command == "--help" else ["keys", "show", str(tmp_path / "key.json")]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mvchain", *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == (
        "MV-3071: The standard output cannot be written: No space left on device. Name a place that you may write to.\n"
    )


def test_a_reader_that_has_enough_of_an_answer_is_no_fault_of_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_args: object, **_options: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", gone)
    with pytest.raises(BrokenPipeError), reading_answer():
        print_result({}, "", as_json=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_home_that_cannot_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0)
    assert mvchain("start", "--home", home).error == "MV-3090"


def test_nothing_secret_is_printed(tmp_path: Path) -> None:
    """KEY03, KEY11: neither passphrase nor seed, whatever is asked for and whatever goes wrong."""
    passphrase, wrong, file = tmp_path / "passphrase", tmp_path / "wrong", tmp_path / "key.json"
    for path, text in ((passphrase, PASSPHRASE), (wrong, PASSPHRASE[:-1])):
        path.write_text(text)
        path.chmod(0o600)
    shown = [mvchain("keys", "new", file, "--passphrase-file", passphrase, *json) for json in ((), ("--json",))]
    key: SigningKey = load_key(file, PASSPHRASE.encode(), LocalDisk())
    shown += [mvchain("keys", "show", file, *json) for json in ((), ("--json",))]
    change = ("keys", "change-passphrase", file, "--passphrase-file", wrong, "--new-passphrase-file", passphrase)
    shown += [mvchain(*change), mvchain("keys", "change-passphrase", file)]
    assert [result.code for result in shown] == [0, 1, 0, 0, 1, 1]
    for result in shown:
        for secret in (PASSPHRASE, PASSPHRASE[:-1], key.seed.hex()):
            assert secret not in result.out + result.err
