"""mvchain join: what it makes and refuses before any node is reached; `tests/e2e/test_join.py` reaches them."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from mvchain.app import load_genesis, open_state
from mvchain.ledger.genesis import Genesis, decode_entry, verify_entry
from mvchain.localnet import make_localnet
from mvchain.node import join as join_module
from mvchain.node.config import Home, load_settings
from mvchain.node.files import LocalDisk
from mvchain.node.guard import SignGuard
from mvchain.node.keystore import load_plain_key
from mvchain.node.store import Store
from tests.cli.helpers import Result, mvchain

KEY = "ab" * 32
NEW = ("--agency-number", 5, "--name-ko", "새 기관", "--name-en", "New Agency", "--plain-keys")
NOBODY = f"{KEY}@127.0.0.1:1"


@pytest.fixture
def genesis(tmp_path: Path) -> Path:
    make_localnet(tmp_path / "network", 1)
    return Home(tmp_path / "network" / "node-1").genesis


@pytest.fixture(autouse=True)
def _nobody_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join_module, "CONNECT_S", 0.01)


def refused(*arguments: object) -> Result:
    ended = mvchain(*arguments)
    assert ended.code == 1, ended
    return ended


def hash_of(genesis: Path) -> str:
    return Genesis.decode(genesis.read_bytes()).hash.hex()


def test_a_new_home_is_made_before_anybody_is_asked(tmp_path: Path, genesis: Path) -> None:
    """So that its node key can be handed to the others, who have to let it in first."""
    home = Home(tmp_path / "home")
    ended = refused(
        "join", "--home", home.path, "--genesis", genesis, "--hash", hash_of(genesis), "--peer", NOBODY, *NEW
    )
    assert ended.err.splitlines()[-1].startswith("MV-3120")
    chain = Genesis.decode(genesis.read_bytes())
    entry = decode_entry(home.entry.read_bytes())
    verify_entry(chain.chain_name, entry)
    assert (entry.number, entry.name_ko, entry.name_en) == (5, "새 기관", "New Agency")
    assert entry.node_key.hex() in ended.err
    assert home.genesis.read_bytes() == genesis.read_bytes()
    (peer,) = load_settings(home.settings).p2p.peers
    assert (peer.key.hex(), str(peer.address)) == (KEY, "127.0.0.1:1")
    disk = LocalDisk()
    guard = SignGuard(home.guard, load_plain_key(home.key("validator"), disk), chain.chain_id, disk)
    guard.close()

    # Run again, it needs no more than the home.
    again = refused("join", "--home", home.path)
    assert again.err.splitlines()[-1].startswith("MV-3120")


def test_keys_of_a_lost_disk_get_no_guard_that_has_signed_nothing(tmp_path: Path, genesis: Path) -> None:
    """N4: they may have signed, so the validator watches before it signs."""
    lost, home = Home(tmp_path / "network" / "node-1"), Home(tmp_path / "home")
    shutil.copytree(lost.key("node").parent, home.key("node").parent, ignore=shutil.ignore_patterns("guard*"))
    home.entry.parent.mkdir()
    shutil.copy(lost.entry, home.entry)
    shutil.copy(lost.settings, home.settings)
    ended = refused("join", "--home", home.path, "--genesis", genesis, "--hash", hash_of(genesis), "--peer", NOBODY)
    assert ended.err.splitlines()[-1].startswith("MV-3120")
    assert home.genesis.exists()
    assert not home.guard.exists()


def test_a_node_that_was_started_before_any_block_can_still_join(tmp_path: Path) -> None:
    make_localnet(tmp_path / "network", 1)
    home = Home(tmp_path / "network" / "node-1")
    genesis, _ = load_genesis(home)
    with closing(Store(home.store, LocalDisk())) as store:
        open_state(store, genesis)
    ended = refused("join", "--home", home.path, "--peer", NOBODY)
    assert ended.err.splitlines()[-1].startswith("MV-3120"), "it asks the others"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--peer", NOBODY), "MV-3121"),
        (("--peer", NOBODY, "--name-ko", "기관", "--name-en", "Agency"), "MV-3121"),
        (("--peer", "nobody", *NEW), "MV-3123"),
        (("--peer", f"{KEY}@nowhere", *NEW), "MV-3123"),
        (NEW, "MV-3122"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, genesis: Path, arguments: tuple[object, ...], code: str) -> None:
    home = tmp_path / "home"
    ended = refused("join", "--home", home, "--genesis", genesis, "--hash", hash_of(genesis), *arguments)
    assert ended.err.splitlines()[-1].startswith(code)
    assert Home(home).entry.exists() == (code == "MV-3122")


def test_another_genesis_hash_is_refused(tmp_path: Path, genesis: Path) -> None:
    ended = refused(
        "join", "--home", tmp_path / "home", "--genesis", genesis, "--hash", "0" * 64, "--peer", NOBODY, *NEW
    )
    assert "hash" in ended.err
    assert not (tmp_path / "home").exists()


def test_the_home_of_another_chain_is_refused(tmp_path: Path, genesis: Path) -> None:
    make_localnet(tmp_path / "other", 1)
    home = tmp_path / "other" / "node-1"
    ended = refused("join", "--home", home, "--genesis", genesis, "--peer", NOBODY)
    assert "MV-" in ended.err
    assert Home(home).genesis.read_bytes() != genesis.read_bytes()
