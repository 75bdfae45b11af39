"""`python -m mvchain.light`: exit codes, words, and never a traceback."""

import os
import subprocess
import sys
from pathlib import Path
from unicodedata import east_asian_width

import pytest

from mvchain.core.limits import MAX_GENESIS_BYTES, MAX_RECEIPT_BYTES
from mvchain.light.__main__ import main
from tests.light.helpers import make_blocks, make_chain

CHAIN = make_chain()
RECEIPT = make_blocks(CHAIN, 7).receipt(3).encode()
GENESIS = CHAIN.genesis.encode()


@pytest.fixture
def genesis(tmp_path: Path) -> Path:
    return written(tmp_path / "genesis.json", GENESIS)


@pytest.fixture
def receipt(tmp_path: Path) -> Path:
    return written(tmp_path / "ballot.mvreceipt.json", RECEIPT)


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def run(
    *arguments: str | Path, stdout: int = subprocess.PIPE, encoding: str = "utf-8"
) -> subprocess.CompletedProcess[bytes]:
    """The command as people run it, its output buffered, into a terminal or pipe of this encoding."""
    command = [sys.executable, "-m", "mvchain.light", *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    environment["PYTHONIOENCODING"] = encoding
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, check=False, env=environment)


# --- exit codes ---


def test_a_good_receipt(receipt: Path, genesis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(receipt), "--genesis", str(genesis)]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("✔ 확인했습니다. 회원님의 투표는 바뀌지 않고 기록되어 있습니다.\n")
    assert shown.err == ""


def test_a_forged_receipt(receipt: Path, genesis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(receipt, RECEIPT.replace(b'"poll":3', b'"poll":4'))
    assert main([str(receipt), "--genesis", str(genesis)]) == 1
    shown = capsys.readouterr()
    assert shown.out.startswith("✘ 아직 확인하지 못했습니다.\n")
    assert "MV-5009" in shown.out
    assert "✔" not in shown.out


def test_a_receipt_of_another_chain(receipt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = written(tmp_path / "other.json", make_chain(name="another-poll").genesis.encode())
    assert main([str(receipt), "--genesis", str(other)]) == 1
    shown = capsys.readouterr()
    assert "MV-5003" in shown.out
    assert "another-poll" in shown.out
    assert "위조" not in shown.out


def test_an_oversized_receipt(receipt: Path, genesis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(receipt, RECEIPT + b" " * MAX_RECEIPT_BYTES)
    assert main([str(receipt), "--genesis", str(genesis)]) == 1
    assert "MV-1002" in capsys.readouterr().out


def test_an_oversized_genesis_file(receipt: Path, genesis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(genesis, GENESIS + b" " * MAX_GENESIS_BYTES)
    assert main([str(receipt), "--genesis", str(genesis)]) == 1
    assert "MV-3091" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no endless file here")
def test_an_endless_file(genesis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/dev/zero", "--genesis", str(genesis)]) == 1
    assert "MV-3091" in capsys.readouterr().err


def test_files_that_cannot_be_read(
    receipt: Path, genesis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for first, second in ((tmp_path / "none", genesis), (receipt, tmp_path / "none"), (tmp_path, genesis)):
        assert main([str(first), "--genesis", str(second)]) == 1
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err.startswith("✘ 아직 확인하지 못했습니다.\n")
        assert "MV-3090" in shown.err


def test_files_given_the_wrong_way_round(receipt: Path, genesis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(genesis), "--genesis", str(receipt)]) == 1
    assert "제네시스 파일이 올바르지 않습니다" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["receipt.json"], ["--genesis", "g.json"], ["a", "b", "--genesis", "c"]])
def test_a_wrong_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m mvchain.light" in capsys.readouterr().err


def test_the_help_fits_80_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(sum(2 if east_asian_width(char) in "WF" else 1 for char in line) <= 80 for line in lines)


# --- as a process ---


def test_as_a_process(receipt: Path, genesis: Path) -> None:
    good = run(receipt, "--genesis", genesis)
    assert (good.returncode, good.stderr) == (0, b"")
    assert good.stdout.decode().startswith("✔ 확인했습니다.")
    forged = run(written(receipt, RECEIPT[:-9]), "--genesis", genesis)
    assert (forged.returncode, forged.stderr) == (1, b"")
    assert forged.stdout.decode().startswith("✘ 아직 확인하지 못했습니다.")


def test_a_terminal_without_korean_shows_the_english(receipt: Path, genesis: Path) -> None:
    shown = run(receipt, "--genesis", genesis, encoding="ascii")
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert b"Verified. Your ballot is recorded, unchanged." in shown.stdout


def test_names_that_are_no_text(genesis: Path, tmp_path: Path) -> None:
    shown = run(os.fsdecode(bytes(tmp_path) + b"/\xff\x1b[31m"), "--genesis", genesis)
    assert shown.returncode == 1
    assert b"MV-3090" in shown.stderr
    assert b"\x1b" not in shown.stderr
    assert b"Traceback" not in shown.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_words_that_cannot_be_written(receipt: Path, genesis: Path) -> None:
    """A verdict that nobody could read is no verdict."""
    with Path("/dev/full").open("wb") as full:
        for arguments in ((receipt, "--genesis", genesis), ("--help",)):
            ended = run(*arguments, stdout=full.fileno())
            assert (ended.returncode, ended.stderr) == (1, b"")


def test_a_reader_that_has_gone(receipt: Path, genesis: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    ended = run(receipt, "--genesis", genesis, stdout=write_end)
    os.close(write_end)
    assert (ended.returncode, ended.stderr) == (1, b"")


@pytest.mark.skipif(os.name != "posix", reason="closes the output the way a POSIX shell does")
def test_no_output_at_all(receipt: Path, genesis: Path) -> None:
    command = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "mvchain.light"]
    for file, code in ((receipt, 0), (genesis, 1)):
        ended = subprocess.run([*command, str(file), "--genesis", str(genesis)], stderr=subprocess.PIPE, check=False)
        assert (ended.returncode, ended.stderr) == (code, b"")
