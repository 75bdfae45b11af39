"""mvchain backup, backup verify, restore: against a node that runs."""

from pathlib import Path

import pytest

from mvchain.app import open_state
from mvchain.core.keys import SigningKey
from mvchain.ledger.genesis import Genesis
from mvchain.node.config import Home
from mvchain.node.files import LocalDisk
from mvchain.node.store import Store
from tests.cli.helpers import Chain, mvchain, new_key, ok


def test_a_running_node_is_backed_up_and_restored_elsewhere(chain: Chain, tmp_path: Path) -> None:
    key = SigningKey.generate()
    poll = chain.open_poll(key.tagged.hex())
    height = chain.ask("status")["height"]
    file = tmp_path / "backup"
    made = ok("backup", "--home", chain.home, "--out", file)
    assert made["height"] >= height
    assert made["keys"] == []
    assert ok("backup", "verify", file, "--genesis", chain.genesis) == made
    home = tmp_path / "restored"
    assert ok("restore", file, "--home", home) == made
    genesis = Genesis.decode(chain.genesis.read_bytes())
    store = Store(Home(home).store, LocalDisk())
    state, tip = open_state(store, genesis)
    assert (tip.height, tip.block_id.hash.hex()) == (made["height"], made["block_hash"])
    assert state.poll_count >= poll
    assert store.block(tip.height) is not None
    store.close()


def test_what_comes_next_is_said(chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    shown = mvchain("backup", "--home", chain.home, "--out", file)
    assert f"mvchain backup verify {file}" in shown.out
    assert "is whole" in mvchain("backup", "verify", file).out
    assert "It has no keys" in mvchain("restore", file, "--home", tmp_path / "new").out
    new_key(tmp_path / "kept" / "keys" / "validator.json")
    assert "--vouch-no-other-copy-signed" in mvchain("restore", file, "--home", tmp_path / "kept").out


def test_faults_are_one_line(chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    assert mvchain("backup", "--home", tmp_path / "none", "--out", file).error == "MV-3090"
    assert mvchain("backup", "--home", chain.home, "--out", file, "--with-keys").error == "MV-3134"
    assert mvchain("backup", "--home", chain.home).code == 2
    assert mvchain("backup", "verify", file).error == "MV-3090"
    ok("backup", "--home", chain.home, "--out", file)
    assert mvchain("backup", "--home", chain.home, "--out", file).error == "MV-3027"
    assert mvchain("restore", file, "--home", chain.home).error == "MV-4004"  # the node runs
    file.write_bytes(file.read_bytes()[:-1])
    assert mvchain("restore", file, "--home", tmp_path / "new").error == "MV-3130"
    assert mvchain("backup", "verify", file, "--signed-by", "xyz").error == "MV-3036"
    assert mvchain("backup", "verify", tmp_path).error in {"MV-3090", "MV-3130"}


@pytest.mark.parametrize("signer", ["agency", "stranger"])
def test_who_may_sign(chain: Chain, tmp_path: Path, signer: str) -> None:
    file, key = tmp_path / "backup", tmp_path / "stranger.json"
    public = new_key(key)[2:]  # without its scheme byte
    with_key = ("--key", key if signer == "stranger" else Home(chain.home).key("agency"))
    made = ok("backup", "--home", chain.home, "--out", file, *with_key)
    if signer == "agency":
        assert ok("backup", "verify", file) == made
    else:
        assert mvchain("backup", "verify", file).error == "MV-3131"
        assert ok("backup", "verify", file, "--signed-by", public) == made
