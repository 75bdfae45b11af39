"""Commands on key files: keys new, show, change-passphrase."""

from pathlib import Path
from typing import Annotated

import typer

from mvchain.cli.options import JsonOption, PassphraseOption, PlainOption, new_key_saver, read_passphrase
from mvchain.cli.output import facts, print_result

app = typer.Typer(help="Key files of operators, poll services and voters.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The key file.")]


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


@app.command("change-passphrase")
def change(
    file: FileArgument,
    *,
    passphrase_file: PassphraseOption = None,
    new_passphrase_file: Annotated[
        Path | None,
        typer.Option(help="File with the new passphrase, mode 0600.", show_default="ask"),
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
