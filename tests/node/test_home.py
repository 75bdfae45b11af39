"""Making a home and taking a genesis file into it; the commands are tested in tests/cli."""

from pathlib import Path

import pytest

import mvchain
from mvchain.core.keys import SigningKey
from mvchain.core.types import AgencyNumber, TimeMs
from mvchain.ledger.genesis import Genesis
from mvchain.node.config import Home, Settings, load_settings
from mvchain.node.files import LocalDisk
from mvchain.node.guard import SignGuard
from mvchain.node.home import install_genesis, make_home, make_next_keys, settings_template
from mvchain.node.keystore import load_plain_key, save_plain_key
from mvchain.node.ports import Position
from tests.node.storage_helpers import Crash, SeamDisk


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


def keys_of(home: Home) -> dict[str, bytes]:
    """The key files of a home, by name."""
    return {path.name: path.read_bytes() for path in (home.path / "keys").glob("*.json")}


@pytest.mark.parametrize("after", [False, True])
def test_cut_short_next_keys_are_whole_or_not_there_and_never_have_a_foreign_guard(tmp_path: Path, after: bool) -> None:
    """CP20: the present keys stay as they are, every new one opens, and the next try makes what is missing."""
    counting = SeamDisk(LocalDisk())
    home, genesis, _ = homestead(tmp_path / "whole")
    make_next_keys(home, ("agency", "validator", "node"), genesis.chain_id, None, counting)  # type: ignore[arg-type]
    assert len(counting.calls) > 9
    for at in range(len(counting.calls)):
        home, genesis, disk = homestead(tmp_path / f"cut-{at}")
        present = keys_of(home)
        seam = SeamDisk(disk, at, after=after)
        with pytest.raises(Crash):
            make_next_keys(home, ("agency", "validator", "node"), genesis.chain_id, None, seam)  # type: ignore[arg-type]
        for _ in range(2):
            assert present.items() <= keys_of(home).items()
            for role in ("agency", "validator", "node"):
                for generation in home.generations(role):
                    key = load_plain_key(home.key(role, generation), disk)
                    if role == "validator" and generation > 1:
                        guard = SignGuard(home.guard_of(generation), key, genesis.chain_id, disk)
                        assert guard.position == Position(0, 0, 1)
                        guard.close()
            made = make_next_keys(home, ("agency", "validator", "node"), genesis.chain_id, None, disk)
            assert [path for path, _ in made.values()] == [
                home.key(role, home.generations(role)[-1]) for role in ("agency", "validator", "node")
            ]


def test_generations_are_read_from_the_names_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.generations("validator") == [1]
    (tmp_path / "keys").mkdir()
    for name in ("validator.json", "validator.3.json", "validator.12.json", "validator.x.json", "validators.json"):
        (tmp_path / "keys" / name).touch()
    assert home.generations("validator") == [1, 3, 12]
    assert home.generations("node") == [1]
    (tmp_path / "keys" / "validator.json").unlink()
    assert home.generations("validator") == [3, 12]
    assert [home.guard_of(n).name for n in (1, 3)] == ["guard", "guard.3"]
