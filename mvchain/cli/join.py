"""mvchain join: a home for a node that joins a running chain, with the state of a snapshot of others."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mvchain.cli.genesis import compare_hash
from mvchain.cli.options import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    PassphraseOption,
    PlainOption,
    new_key_saver,
    read_genesis,
    unlock,
)
from mvchain.cli.output import note, print_result, progress_bar
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.core.limits import DEFAULT_APPROVALS
from mvchain.core.types import AgencyNumber

if TYPE_CHECKING:
    from mvchain.ledger.genesis import Genesis
    from mvchain.node.config import Home, PeerAddress


def join(
    *,
    genesis: Annotated[
        Path | None, typer.Option(help="The chain's genesis file.", show_default="the home's", readable=False)
    ] = None,
    peers: Annotated[
        list[str] | None,
        typer.Option("--peer", metavar="KEY@HOST:PORT", help="A node of the chain; give several.", show_default=False),
    ] = None,
    expected: Annotated[
        str | None, typer.Option("--hash", help="The genesis hash that all agencies agreed on.", show_default="ask")
    ] = None,
    agency_number: Annotated[
        int | None, typer.Option(min=1, help="Of a new home: the number that the agencies agree to.")
    ] = None,
    name_ko: Annotated[str | None, typer.Option(help="Of a new home: the agency's name in Korean.")] = None,
    name_en: Annotated[str | None, typer.Option(help="Of a new home: the agency's name in English.")] = None,
    approvals: Annotated[int, typer.Option(min=1, help="Operators who must agree to an act.")] = DEFAULT_APPROVALS,
    home: HomeOption = DEFAULT_HOME,
    passphrase_file: PassphraseOption = None,
    plain_keys: PlainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Join a running chain from a snapshot of its nodes.

    Makes the home if there is none; the other nodes have to list its node key under [p2p] observers. Everything is
    verified from the genesis file on. What was interrupted goes on when run again. Then: mvchain start.
    """
    from mvchain.app import join_chain
    from mvchain.node.config import Home, load_settings
    from mvchain.node.files import LocalDisk
    from mvchain.node.home import adopt_genesis

    place = Home(home.expanduser().absolute())
    chain = read_genesis(genesis, place.path)
    if genesis is not None and not place.genesis.exists():
        compare_hash(chain.hash, expected, genesis)
    is_new = not place.entry.exists()
    if is_new:
        names = _given(place, name_ko=name_ko, name_en=name_en)
        number = int(_given(place, agency_number=agency_number)[0])
        _make_home(
            place,
            chain,
            number,
            names,
            peers or [],
            approvals=approvals,
            passphrase_file=passphrase_file,
            plain_keys=plain_keys,
        )
    adopt_genesis(place, chain, LocalDisk(), is_new=is_new)
    node_key = unlock(place.key("node"), passphrase_file)
    addresses = _addresses(peers) if peers else load_settings(place.settings).p2p.peers
    if not addresses:
        raise BadConfiguration(codes.JOIN_NEEDS_PEERS)
    note(f"The others put the node key of this home under [p2p] observers, and start\nanew:\n  {node_key.public.hex()}")
    with progress_bar("fetching the snapshot") as advance:
        height, came = join_chain(place, chain, node_key, addresses, lambda p: advance(p.done, p.total))
    document = {
        "chain_id": chain.chain_id,
        "height": height,
        "joined": came,
        "home": str(place.path),
        "entry": str(place.entry),
        "node_key": node_key.public.hex(),
    }
    print_result(document, _text(chain, place, height, came=came), as_json=as_json)


def _text(chain: "Genesis", place: "Home", height: int, *, came: bool) -> str:
    if not height:
        state = "No node has a snapshot that holds: this one will execute every block."
    elif came:
        state = f"The state after block {height:,} is here, verified from the genesis file on."
    else:
        state = f"This home has a state already, after block {height:,}."
    return f"""\
{chain.chain_id}
{state}
Next:
  1. Start the node; it follows the chain as an observer, and fills in what
     lies further back meanwhile (mvchain status):
     mvchain start --home {place.path}
  2. To become an agency, hand the entry, which holds nothing secret, to the
     others, who propose and approve it:
     {place.entry}"""


def _given(place: "Home", **options: str | int | None) -> tuple[str, ...]:
    """The values, none of which may be missing for a new home."""
    for name, value in options.items():
        if value is None:
            raise BadConfiguration(codes.JOIN_NEEDS_NAMES, home=place.path, option="--" + name.replace("_", "-"))
    return tuple(str(value) for value in options.values())


def _make_home(
    place: "Home",
    chain: "Genesis",
    number: int,
    names: tuple[str, ...],
    peers: list[str],
    *,
    approvals: int,
    passphrase_file: Path | None,
    plain_keys: bool,
) -> None:
    from mvchain.node.files import LocalDisk, atomic_write
    from mvchain.node.home import make_home

    _addresses(peers)  # before keys are made for nothing
    disk = LocalDisk()
    make_home(
        place,
        chain.chain_name,
        AgencyNumber(number),
        (names[0], names[1]),
        approvals=approvals,
        plain_keys=plain_keys,
        save_key=new_key_saver(passphrase_file, plain=plain_keys),
        disk=disk,
    )
    listed = "".join(f'    "{peer}",\n' for peer in peers)
    settings = place.settings.read_text("utf-8").replace("\npeers = []\n", f"\npeers = [\n{listed}]\n")
    atomic_write(disk, place.settings, settings.encode())


def _addresses(peers: list[str]) -> "list[PeerAddress]":
    from mvchain.node.config import read_peer

    found = []
    for peer in peers:
        try:
            found.append(read_peer(peer))
        except ValueError as error:
            raise BadConfiguration(codes.JOIN_BAD_PEER, peer=peer, why=error) from None
    return found
