"""Making a home and taking a genesis file into it; the commands are tested in tests/cli."""

from pathlib import Path

import mvchain
from mvchain.core.keys import SigningKey
from mvchain.core.types import AgencyNumber, TimeMs
from mvchain.ledger.genesis import Genesis
from mvchain.node.config import Home, Settings, load_settings
from mvchain.node.files import LocalDisk
from mvchain.node.guard import SignGuard
from mvchain.node.home import install_genesis, make_home, settings_template
from mvchain.node.keystore import load_plain_key, save_plain_key
from mvchain.node.ports import Position


def homestead(path: Path) -> tuple[Home, Genesis, LocalDisk]:
    """A home of the only agency of a chain, which it has not taken in yet."""
    home, disk = Home(path), LocalDisk()

    def save(file: Path, key: SigningKey) -> None:
        save_plain_key(file, key, disk)

    names = ("마포구", "Mapo District")
    entry = make_home(home, "trial", AgencyNumber(1), names, approvals=1, plain_keys=True, save_key=save, disk=disk)
    return home, Genesis("trial", TimeMs(1), (entry,)), disk


def test_the_template_is_the_file_of_the_checkout_and_says_the_defaults(tmp_path: Path) -> None:
    example = Path(mvchain.__file__).parents[1] / "node.toml.example"
    assert settings_template() == example.read_text("utf-8")
    assert load_settings(example) == Settings()


def test_a_new_key_has_a_guard_that_has_signed_nothing(tmp_path: Path) -> None:
    home, genesis, disk = homestead(tmp_path)
    install_genesis(home, genesis, disk)
    guard = SignGuard(home.guard, load_plain_key(home.key("validator"), disk), genesis.chain_id, disk)
    assert guard.position is not None
    assert guard.position < Position(1, 0, 1), "below the first thing there is to sign"
    guard.close()


def test_where_there_is_a_store_the_key_may_have_signed_and_gets_no_new_guard(tmp_path: Path) -> None:
    home, genesis, disk = homestead(tmp_path)
    home.store.mkdir(parents=True)
    install_genesis(home, genesis, disk)
    assert not home.guard.exists()


def test_taking_it_in_again_brings_no_lost_guard_back(tmp_path: Path) -> None:
    home, genesis, disk = homestead(tmp_path)
    install_genesis(home, genesis, disk)
    home.guard.unlink()
    install_genesis(home, genesis, disk)
    assert not home.guard.exists()
