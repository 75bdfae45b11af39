"""mvchain keys new, show, change-passphrase."""

from pathlib import Path
from typing import Any

import pytest
import typer

from mvchain.core.types import AgencyNumber
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.registration import registration_proof
from mvchain.ledger.transactions import Role
from mvchain.node.files import LocalDisk
from mvchain.node.keystore import load_key, load_plain_key
from tests.cli.helpers import PASSPHRASE, mvchain, ok


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    return secret(tmp_path / "passphrase", PASSPHRASE + "\n")


def secret(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_a_new_key_is_encrypted_with_the_passphrase(tmp_path: Path, passphrase: Path) -> None:
    file = tmp_path / "key.json"
    made = ok("keys", "new", file, "--passphrase-file", passphrase)
    key = load_key(file, PASSPHRASE.encode(), LocalDisk())
    assert made == {"file": str(file), "public_key": key.tagged.hex(), "encrypted": True}
    assert file.stat().st_mode & 0o777 == 0o600
    assert ok("keys", "show", file) == made
    assert key.tagged.hex() in mvchain("keys", "show", file).out


def test_a_plain_key_only_when_told_to(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    made = ok("keys", "new", file, "--plain-keys")
    assert made["public_key"] == load_plain_key(file, LocalDisk()).tagged.hex()
    assert ok("keys", "show", file)["encrypted"] is False
    assert "test networks only" in mvchain("keys", "show", file).out


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    assert mvchain("keys", "new", file, "--plain-keys").code == 0
    before = file.read_bytes()
    assert mvchain("keys", "new", file, "--plain-keys").error == "MV-3002"
    assert file.read_bytes() == before


def test_the_passphrase_is_asked_for_twice_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def prompt(text: str, **how: Any) -> str:
        asked.append(how)
        return PASSPHRASE

    monkeypatch.setattr(typer, "prompt", prompt)
    file = tmp_path / "key.json"
    assert mvchain("keys", "new", file, tty=True).code == 0
    assert asked == [{"hide_input": True, "confirmation_prompt": True, "err": True}]
    load_key(file, PASSPHRASE.encode(), LocalDisk())


def test_without_a_terminal_it_says_how_to_give_the_passphrase(tmp_path: Path) -> None:
    shown = mvchain("keys", "new", tmp_path / "key.json")
    assert shown.error == "MV-3032"
    assert "--passphrase-file" in shown.err


def test_passphrase_files_that_will_not_do(tmp_path: Path, passphrase: Path) -> None:
    new = ("keys", "new", tmp_path / "key.json", "--passphrase-file")
    passphrase.chmod(0o640)
    assert mvchain(*new, passphrase).error == "MV-3031"
    assert mvchain(*new, tmp_path / "none").error == "MV-3090"
    assert mvchain(*new, secret(tmp_path / "short", "short\n")).error == "MV-3007"
    assert mvchain(*new, secret(tmp_path / "long", "x" * 4_097)).error == "MV-3091"
    assert not (tmp_path / "key.json").exists()


def test_the_passphrase_is_changed(tmp_path: Path, passphrase: Path) -> None:
    file, other = tmp_path / "key.json", secret(tmp_path / "other", "another good passphrase")
    made = ok("keys", "new", file, "--passphrase-file", passphrase)
    change = ("keys", "change-passphrase", file, "--passphrase-file")
    assert mvchain(*change, other, "--new-passphrase-file", other).error == "MV-3006"
    ok(*change, passphrase, "--new-passphrase-file", other)
    assert load_key(file, b"another good passphrase", LocalDisk()).tagged.hex() == made["public_key"]


@pytest.fixture
def genesis(tmp_path: Path) -> Path:
    file = tmp_path / "genesis.json"
    agency = ("--agency-number", 1, "--name-ko", "서울특별시", "--name-en", "Seoul")
    made = ok("init", "--home", tmp_path / "home", "--chain-name", "trial", *agency, "--plain-keys")
    ok("genesis", "make", made["entry"], "--chain-name", "trial", "--out", file)
    return file


@pytest.mark.parametrize("role", ["operator", "service"])
def test_a_key_asks_for_its_registration(tmp_path: Path, genesis: Path, passphrase: Path, role: str) -> None:
    file, out = tmp_path / "key.json", tmp_path / "request.json"
    public_key = ok("keys", "new", file, "--passphrase-file", passphrase)["public_key"]
    ask = ("keys", "request", file, "--genesis", genesis, "--agency", 1, "--role", role, "--out", out)
    assert ok(*ask, "--passphrase-file", passphrase) == {"file": str(out), "public_key": public_key}
    key = load_key(file, PASSPHRASE.encode(), LocalDisk())
    hash_ = Genesis.decode(genesis.read_bytes()).hash
    proof = registration_proof(key, hash_, AgencyNumber(1), Role[role.upper()]).hex()
    assert out.read_text() == f'{{"agency":1,"key":"{public_key}","proof":"{proof}","role":"{role}"}}\n'
    assert mvchain(*ask, "--passphrase-file", passphrase).error == "MV-3027"
    out.unlink()
    told = mvchain(*ask, "--passphrase-file", passphrase).out
    command = {"operator": "operator register", "service": "service authorise"}[role]
    assert all(part in told for part in (public_key, "서울특별시", f"mvchain {command} {out}"))


def test_what_cannot_be_asked_for(tmp_path: Path, genesis: Path, passphrase: Path) -> None:
    file, out = tmp_path / "key.json", tmp_path / "request.json"
    ok("keys", "new", file, "--passphrase-file", passphrase)
    ask = ("keys", "request", file, "--out", out, "--passphrase-file", passphrase, "--genesis")
    assert mvchain(*ask, genesis, "--agency", 2, "--role", "operator").error == "MV-3038"
    assert mvchain(*ask, tmp_path / "none", "--agency", 1, "--role", "operator").error == "MV-3090"
    assert mvchain(*ask, genesis, "--agency", 1, "--role", "agency").code == 2
    assert not out.exists()
