"""The ceremony: mvchain init on each host, genesis make, show, install."""

from pathlib import Path
from typing import Any

import pytest
import typer

from mvchain.cli.genesis import words
from mvchain.core.types import Hash
from mvchain.ledger.genesis import Genesis
from tests.cli.helpers import mvchain, ok


def init(home: Path, number: int, chain_name: str = "trial") -> Any:
    names = ("--name-ko", f"기관 {number}", "--name-en", f"Agency {number}")
    place = ("--home", home, "--chain-name", chain_name, "--agency-number", number)
    return ok("init", *place, *names, "--plain-keys")


@pytest.fixture
def entries(tmp_path: Path) -> list[str]:
    """Entries of agencies 3, 1 and 2, as they happened to come in; homes are named by number."""
    return [init(tmp_path / str(number), number)["entry"] for number in (3, 1, 2)]


@pytest.fixture
def genesis(tmp_path: Path, entries: list[str]) -> Path:
    file = tmp_path / "genesis.json"
    ok("genesis", "make", *entries, "--chain-name", "trial", "--out", file)
    return file


def test_the_words_are_proquints() -> None:
    # Examples of arXiv:0901.4016: 127.0.0.1 and 63.84.220.193.
    hash_ = Hash(bytes((127, 0, 0, 1, 63, 84, 220, 193)) + bytes(24))
    assert words(hash_)[:4] == [("7f00", "lusab"), ("0001", "babad"), ("3f54", "gutih"), ("dcc1", "tugad")]
    assert len(words(hash_)) == 16


def test_a_genesis_file_is_made_and_shown(tmp_path: Path, entries: list[str]) -> None:
    file = tmp_path / "genesis.json"
    made = ok("genesis", "make", *entries, "--chain-name", "trial", "--out", file)
    document = Genesis.decode(file.read_bytes())
    assert (made["chain_id"], made["hash"]) == (document.chain_id, document.hash.hex())
    assert [agency.number for agency in document.agencies] == [1, 2, 3]
    assert ok("genesis", "show", file) == made
    text = mvchain("genesis", "show", file).out
    for part in (made["chain_id"], "기관 3", "Agency 3", *made["words"], made["hash"][:4]):
        assert part in text


def test_it_is_not_overwritten(genesis: Path, entries: list[str]) -> None:
    assert mvchain("genesis", "make", *entries, "--chain-name", "trial", "--out", genesis).error == "MV-3027"


def test_entries_that_will_not_do_are_named(tmp_path: Path, entries: list[str]) -> None:
    make = ("genesis", "make", "--out", tmp_path / "g.json", "--chain-name")
    foreign = init(tmp_path / "foreign", 4, chain_name="other")["entry"]
    shown = mvchain(*make, "trial", *entries, foreign)
    assert shown.error == "MV-3025"
    assert foreign in shown.err
    (tmp_path / "junk").write_text("{}")
    assert mvchain(*make, "trial", *entries, tmp_path / "junk").error == "MV-3025"
    assert mvchain(*make, "trial", *entries, tmp_path / "none").error == "MV-3090"
    # Agency 1 is missing, or there twice.
    assert mvchain(*make, "trial", entries[0], entries[2]).error == "MV-2040"
    assert mvchain(*make, "trial", *entries, entries[1]).error == "MV-2040"
    assert not (tmp_path / "g.json").exists()


def test_it_is_installed_once_its_hash_was_compared(tmp_path: Path, genesis: Path) -> None:
    agreed = ok("genesis", "show", genesis)["hash"]
    install = ("genesis", "install", genesis, "--home", tmp_path / "2", "--hash")
    done = ok(*install, agreed)
    installed = tmp_path / "2" / "config" / "genesis.json"
    assert installed.read_bytes() == genesis.read_bytes()
    assert done["chain_id"] == Genesis.decode(genesis.read_bytes()).chain_id
    guard = (tmp_path / "2" / "keys" / "guard").read_bytes()
    ok(*install, agreed)
    assert (tmp_path / "2" / "keys" / "guard").read_bytes() == guard
    assert ok("genesis", "show", "--home", tmp_path / "2")["hash"] == agreed


def test_another_hash_is_refused(tmp_path: Path, genesis: Path) -> None:
    install = ("genesis", "install", genesis, "--home", tmp_path / "2")
    assert mvchain(*install, "--hash", "00" * 32).error == "MV-3026"
    assert mvchain(*install, "--hash", "00").error == "MV-3036"
    assert mvchain(*install).error == "MV-3032"
    assert not (tmp_path / "2" / "config" / "genesis.json").exists()


def test_at_a_terminal_the_hash_is_read_aloud(tmp_path: Path, genesis: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter((False, True))

    def confirm(text: str, *, abort: bool, err: bool) -> None:
        assert abort
        if not next(answers):
            raise typer.Abort

    monkeypatch.setattr(typer, "confirm", confirm)
    install = ("genesis", "install", genesis, "--home", tmp_path / "2")
    refused = mvchain(*install, tty=True)
    assert refused.code == 1
    assert all(word in refused.err for word in ok("genesis", "show", genesis)["words"])
    assert not (tmp_path / "2" / "config" / "genesis.json").exists()
    assert mvchain(*install, tty=True).code == 0


def test_only_a_home_that_is_in_it_takes_it(tmp_path: Path, genesis: Path) -> None:
    agreed = ok("genesis", "show", genesis)["hash"]
    init(tmp_path / "outsider", 2)
    for home, code in (("outsider", "MV-3024"), ("nowhere", "MV-3022")):
        assert mvchain("genesis", "install", genesis, "--home", tmp_path / home, "--hash", agreed).error == code
    stolen = tmp_path / "2" / "keys" / "validator.json"
    stolen.unlink()
    ok("keys", "new", stolen, "--plain-keys")
    assert mvchain("genesis", "install", genesis, "--home", tmp_path / "2", "--hash", agreed).error == "MV-3024"


def test_a_home_serves_one_chain(tmp_path: Path, genesis: Path, entries: list[str]) -> None:
    ok("genesis", "install", genesis, "--home", tmp_path / "2", "--hash", ok("genesis", "show", genesis)["hash"])
    other = tmp_path / "other.json"
    shown = ok("genesis", "make", *entries, "--chain-name", "trial", "--out", other)
    install = ("genesis", "install", other, "--home", tmp_path / "2", "--hash", shown["hash"])
    assert mvchain(*install).error == "MV-3023"


def test_files_that_are_no_genesis(tmp_path: Path, genesis: Path) -> None:
    genesis.write_bytes(genesis.read_bytes().replace("기관 3".encode(), "기관 9".encode()))
    assert mvchain("genesis", "show", genesis).code == 1
    assert mvchain("genesis", "show", tmp_path / "none").error == "MV-3090"
    assert mvchain("genesis", "show").error == "MV-3090"
