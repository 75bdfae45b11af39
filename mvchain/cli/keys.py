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
    read_genesis,
    read_passphrase,
    unlock,
    write_file,
)
from mvchain.cli.output import facts, print_result

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
