"""Commands on key files: keys new, show, request, change-passphrase."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mvchain.cli.options import (
    DEFAULT_HOME,
    GenesisOption,
    HomeOption,
    JsonOption,
    PassphraseOption,
    PlainOption,
    new_key_saver,
    read_file,
    read_genesis,
    read_passphrase,
    unlock,
    write_file,
)
from mvchain.cli.output import facts, print_result
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.core.limits import MAX_GENESIS_BYTES

app = typer.Typer(help="Key files of operators, poll services and voters.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The key file.", readable=False)]


@app.command()
def new(
    file: FileArgument,
    *,
    passphrase_file: PassphraseOption = None,
    plain_keys: PlainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a key and write it to FILE, encrypted. An existing file is never overwritten."""
    from mvchain.core.keys import SigningKey

    key = SigningKey.generate()
    new_key_saver(passphrase_file, plain=plain_keys)(file, key)
    document = {"file": str(file), "public_key": key.tagged.hex(), "encrypted": not plain_keys}
    print_result(document, facts((("file", file), ("public key", key.tagged.hex()))), as_json=as_json)


@app.command()
def show(file: FileArgument, *, as_json: JsonOption = False) -> None:
    """Show the public key in FILE; needs no passphrase."""
    from mvchain.node.files import LocalDisk
    from mvchain.node.keystore import key_info

    info = key_info(file, LocalDisk())
    public_key = info.tagged.hex()
    document = {"file": str(file), "public_key": public_key, "encrypted": info.encrypted}
    shown = (("public key", public_key), ("encrypted", "yes" if info.encrypted else "no: for test networks only"))
    print_result(document, facts(shown), as_json=as_json)


@app.command()
def request(
    file: FileArgument,
    *,
    agency: Annotated[int, typer.Option(help="Number of the agency that is to register the key.")],
    role: Annotated[Literal["operator", "service"], typer.Option(help="What the key is to be to the agency.")],
    out: Annotated[Path, typer.Option(help="The file to write.", readable=False)],
    genesis: GenesisOption = None,
    home: HomeOption = DEFAULT_HOME,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask an agency to register the key in FILE.

    The file to hand to it holds nothing secret. It proves that you have the key, and serves this agency, role and
    chain alone.
    """
    from mvchain.cli.key_requests import encode_request, find_agency
    from mvchain.ledger.transactions import Role

    chain = read_genesis(genesis, home)
    asked = find_agency(chain, agency)
    key = unlock(file, passphrase_file)
    write_file(out, encode_request(key, chain, asked.number, Role[role.upper()]))
    command = {"operator": f"operator register {out}", "service": f"service authorise {out} --polls --rolls"}[role]
    text = f"""\
{key.tagged.hex()}
asks agency {asked.number}, {asked.name_ko} ({asked.name_en}), to be its {role}.
Hand {out} to it; there:
  mvchain {command}"""
    print_result({"file": str(out), "public_key": key.tagged.hex()}, text, as_json=as_json)


@app.command("next")
def make_next(
    *,
    out: Annotated[Path, typer.Option(help="The file to write, for mvchain governance.", readable=False)],
    roles: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="ROLE", help="validator, node or agency; several.", show_default="all three"),
    ] = None,
    genesis: GenesisOption = None,
    home: HomeOption = DEFAULT_HOME,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make new keys for the home's agency.

    They lie beside the present ones, and OUT asks the agencies to let them take their place.

    Nothing changes until the agencies approve. Start the node anew before that, once: it then has old and new keys,
    and goes over by itself at the right height. Destroy the old files afterwards.
    """
    from mvchain.cli.key_requests import encode_replacement
    from mvchain.ledger.genesis import decode_entry
    from mvchain.ledger.transactions import Role
    from mvchain.node.config import Home
    from mvchain.node.files import LocalDisk
    from mvchain.node.home import make_next_keys
    from mvchain.node.keystore import key_info

    wanted = roles or ["agency", "validator", "node"]
    for name in wanted:
        if name not in ("agency", "validator", "node"):
            raise typer.BadParameter(f"{name} is not one of agency, validator and node")
    if out.exists():
        raise BadConfiguration(codes.FILE_EXISTS, path=out)
    place, chain = Home(home.expanduser()), read_genesis(genesis, home)
    agency = decode_entry(read_file(place.entry, MAX_GENESIS_BYTES)).number
    present = place.key(wanted[0], place.generations(wanted[0])[-1])
    encrypted = key_info(present, LocalDisk()).encrypted
    passphrase = read_passphrase(passphrase_file, str(present)) if encrypted else None
    made = make_next_keys(place, wanted, chain.chain_id, passphrase, LocalDisk())
    write_file(out, encode_replacement({Role[name.upper()]: key for name, (_, key) in made.items()}, chain, agency))
    rows = [(f"{name} key", f"{key.tagged.hex()[:18]}… in {path}") for name, (path, key) in made.items()]
    text = f"""\
{facts(rows)}
Start the node anew now, so that it has them. Then any agency proposes
  mvchain governance propose rotate-keys {out}"""
    document = {"file": str(out), "keys": {name: key.tagged.hex() for name, (_, key) in made.items()}}
    print_result(document, text, as_json=as_json)


@app.command("change-passphrase")
def change(
    file: FileArgument,
    *,
    passphrase_file: PassphraseOption = None,
    new_passphrase_file: Annotated[
        Path | None,
        typer.Option(help="File with the new passphrase, mode 0600.", show_default="ask", readable=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Encrypt FILE with another passphrase."""
    from mvchain.node.files import LocalDisk
    from mvchain.node.keystore import change_passphrase

    passphrase = read_passphrase(passphrase_file, str(file))
    new_passphrase = read_passphrase(new_passphrase_file, f"{file} from now on", confirm=True)
    change_passphrase(file, passphrase, new_passphrase, LocalDisk())
    text = f"{file} has its new passphrase. Copies made before still open with the old one."
    print_result({"file": str(file)}, text, as_json=as_json)
