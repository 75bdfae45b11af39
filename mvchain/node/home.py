"""Making the home of a node: its keys, its settings, its entry for the genesis ceremony, and later the genesis file.

Each agency does this on its own host; no private key ever leaves it (security KEY09).
"""

from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path

import mvchain
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.core.keys import SigningKey
from mvchain.core.types import AgencyNumber, TimeMs
from mvchain.ledger.genesis import (
    Genesis,
    GenesisAgency,
    check_genesis,
    decode_entry,
    encode_entry,
    make_entry,
    verify_entry,
)
from mvchain.node.config import Home
from mvchain.node.files import atomic_write
from mvchain.node.guard import create_guard
from mvchain.node.keystore import key_info, load_key, save_key, save_plain_key
from mvchain.node.ports import Disk

ROLES = ("validator", "node", "agency", "operator")
"""The keys of a home. The agency key belongs off-line once an operator is registered (KEY01)."""

_TEMPLATE = "node.toml.example"
_PUBLIC = 0o644


def make_home(
    home: Home,
    chain_name: str,
    number: AgencyNumber,
    names: tuple[str, str],
    *,
    approvals: int,
    plain_keys: bool,
    save_key: Callable[[Path, SigningKey], None],
    disk: Disk,
) -> GenesisAgency:
    """Make keys, settings and entry of an agency's node; the entry, which is public.

    `names` are the Korean and the English one, `save_key` writes a key file, `plain_keys` says that it writes them
    unencrypted.

    Raises:
        BadConfiguration: there is a home already, or no chain could take this entry.
    """
    for path in (home.settings, home.genesis, home.entry, home.guard, *map(home.key, ROLES)):
        if path.exists():
            raise BadConfiguration(codes.HOME_EXISTS, home=home.path, path=path)
    keys = {role: SigningKey.generate() for role in ROLES}

    def entry_as(numbered: int) -> GenesisAgency:
        return make_entry(
            chain_name,
            AgencyNumber(numbered),
            names,
            agency_key=keys["agency"],
            validator_key=keys["validator"],
            node_key=keys["node"],
            approvals=approvals,
        )

    # A chain of this agency alone: finds a wrong name now and not when all agencies have made their keys.
    check_genesis(Genesis(chain_name, TimeMs(1), (entry_as(1),)))
    entry = entry_as(number)
    verify_entry(chain_name, entry)
    for role, key in keys.items():
        save_key(home.key(role), key)
    settings = settings_template()
    if plain_keys:
        settings = settings.replace("\nallow_plain = false\n", "\nallow_plain = true\n")
    disk.make_directory(home.settings.parent)
    atomic_write(disk, home.settings, settings.encode())
    atomic_write(disk, home.entry, encode_entry(entry), _PUBLIC)
    return entry


def install_genesis(home: Home, genesis: Genesis, disk: Disk) -> GenesisAgency:
    """Make `genesis`, whose hash the operators have compared, the chain of this home; the home's entry in it.

    Raises:
        BadConfiguration: the home's entry or keys are not in it, or the home belongs to another chain.
    """
    entry = _own_entry(home, genesis, disk)
    installed = disk.read(home.genesis)
    if installed is not None:
        present = Genesis.decode(installed)
        if present.hash != genesis.hash:
            raise BadConfiguration(codes.HOME_OF_OTHER_CHAIN, home=home.path, chain=present.chain_id)
        return entry
    if not home.store.exists():
        # The keys were made for this chain and have not signed yet; with a store they may have (N4).
        create_guard(home.guard, entry.validator_key, genesis.chain_id, disk)
    atomic_write(disk, home.genesis, genesis.encode(), _PUBLIC)
    return entry


def adopt_genesis(home: Home, genesis: Genesis, disk: Disk, *, is_new: bool) -> None:
    """Make `genesis`, whose hash the operator has compared, the chain of a home that need not be in it.

    Args:
        is_new: the home's keys were made just now. Others may have been brought here from a lost disk: without their
            guard nothing is known of what they signed (N4).

    Raises:
        BadConfiguration: the home belongs to another chain.
    """
    installed = disk.read(home.genesis)
    if installed is not None:
        present = Genesis.decode(installed)
        if present.hash != genesis.hash:
            raise BadConfiguration(codes.HOME_OF_OTHER_CHAIN, home=home.path, chain=present.chain_id)
        return
    data = disk.read(home.entry)
    if data is None:
        raise BadConfiguration(codes.NO_HOME, home=home.path)
    if is_new:
        create_guard(home.guard, decode_entry(data).validator_key, genesis.chain_id, disk)
    atomic_write(disk, home.genesis, genesis.encode(), _PUBLIC)


def make_next_keys(
    home: Home, roles: Iterable[str], chain_id: str, passphrase: bytes | None, disk: Disk
) -> dict[str, tuple[Path, SigningKey]]:
    """Make the next key for each of these roles, beside the present ones; by role, its file and the key.

    `passphrase` is that of the present keys, None for a home whose keys are not encrypted: a node has one for all.

    Raises:
        BadConfiguration: it does not open a present key.
    """
    made = {}
    for role in roles:
        last = home.generations(role)[-1]
        if passphrase is not None:
            load_key(home.key(role, last), passphrase, disk)
        generation = last + 1
        while role == "validator" and home.guard_of(generation).exists():  # of a key that was destroyed
            generation += 1
        key, path = SigningKey.generate(), home.key(role, generation)
        if role == "validator":
            create_guard(home.guard_of(generation), key.public, chain_id, disk)
        if passphrase is None:
            save_plain_key(path, key, disk)
        else:
            save_key(path, key, passphrase, disk)
        made[role] = path, key
    return made


def settings_template() -> str:
    """The text of `node.toml.example`: part of the wheel, and at the top of a checkout."""
    packaged = resources.files(__package__).joinpath(_TEMPLATE)
    if packaged.is_file():
        return packaged.read_text("utf-8")
    return (Path(mvchain.__file__).parents[1] / _TEMPLATE).read_text("utf-8")


def _own_entry(home: Home, genesis: Genesis, disk: Disk) -> GenesisAgency:
    data = disk.read(home.entry)
    if data is None:
        raise BadConfiguration(codes.NO_HOME, home=home.path)
    entry = decode_entry(data)
    if entry not in genesis.agencies:
        raise BadConfiguration(codes.NOT_IN_GENESIS, what=f"The entry {home.entry}", chain=genesis.chain_id)
    for role, key in (("validator", entry.validator_key), ("node", entry.node_key)):
        path = home.key(role)
        if key_info(path, disk).public_key != key:
            raise BadConfiguration(codes.NOT_IN_GENESIS, what=f"The key in {path}", chain=genesis.chain_id)
    return entry
