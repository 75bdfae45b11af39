"""Commands for backups: backup, backup verify, restore."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mvchain.cli.options import (
    DEFAULT_HOME,
    GenesisOption,
    HomeOption,
    JsonOption,
    PassphraseOption,
    parse_public_key,
    read_file,
    unlock,
)
from mvchain.cli.output import facts, local_time, print_result, progress_bar
from mvchain.core.limits import MAX_GENESIS_BYTES
from mvchain.core.types import TimeMs

if TYPE_CHECKING:
    from mvchain.node.backup import Contents

app = typer.Typer(help="Back up a node; check a backup.", invoke_without_command=True)

BackupArgument = Annotated[Path, typer.Argument(help="The backup.", readable=False)]
SignedByOption = Annotated[
    str | None, typer.Option(help="A key to trust beside those of the genesis file: 64 hex digits.")
]


@app.callback()
def backup(
    context: typer.Context,
    *,
    out: Annotated[Path | None, typer.Option(help="File to write; it must not exist.", readable=False)] = None,
    home: HomeOption = DEFAULT_HOME,
    with_keys: Annotated[bool, typer.Option("--with-keys", help="Also the encrypted key files of the home.")] = False,
    key: Annotated[
        Path | None,
        typer.Option(help="Node or agency key to sign it with.", show_default="the home's node key", readable=False),
    ] = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a signed backup of a node.

    The node may run meanwhile, also on the day of a poll: the copy is made beside it and takes none of its time. It
    holds blocks, state, settings and the genesis file; no keys unless asked for, and never the sign guard.
    """
    if context.invoked_subcommand is not None:
        return
    if out is None:
        raise typer.BadParameter("name the file with --out", param_hint="--out")
    from mvchain.node.backup import make_backup
    from mvchain.node.config import Home, load_settings
    from mvchain.node.files import LocalDisk

    place = Home(home.expanduser())
    configured = load_settings(place.settings).keys.passphrase_file
    signing_key = unlock(
        key or place.key("node", place.generations("node")[0]),
        passphrase_file or (Path(configured) if configured else None),
    )
    now_ms = TimeMs(time.time_ns() // 1_000_000)
    with progress_bar("Writing") as progress:
        made = make_backup(
            place, out, signing_key, with_keys=with_keys, now_ms=now_ms, disk=LocalDisk(), progress=progress
        )
    text = f"{out} is written. Check it now and then:\nmvchain backup verify {out}"
    _print(made, text, as_json=as_json)


@app.command()
def verify(
    file: BackupArgument,
    *,
    genesis: GenesisOption = None,
    signed_by: SignedByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that a backup is whole, and signed by its agency.

    All of it is read. Without --genesis the chain is the one that the backup names: compare the hash.
    """
    from mvchain.ledger.genesis import Genesis
    from mvchain.node.backup import check_backup

    chain = None if genesis is None else Genesis.decode(read_file(genesis, MAX_GENESIS_BYTES))
    trusted = None if signed_by is None else parse_public_key(signed_by)
    with progress_bar("Checking") as progress:
        found, _ = check_backup(file, genesis=chain, signed_by=trusted, progress=progress)
    _print(found, f"{file} is whole.", as_json=as_json)


def restore(
    file: BackupArgument,
    *,
    home: HomeOption = DEFAULT_HOME,
    replace_store: Annotated[
        bool, typer.Option("--replace-store", help="Put the blocks in the place of those that are there.")
    ] = False,
    signed_by: SignedByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a backup into the home of a stopped node.

    All of it or nothing. What the home has stays: keys, sign guard, settings, genesis file. Where the sign guard is
    lost, the validator signs nothing until ten more blocks are made, or until you vouch that no other copy of its key
    has signed.
    """
    from mvchain.node.backup import restore_backup
    from mvchain.node.config import Home
    from mvchain.node.files import LocalDisk

    place = Home(home.expanduser())
    trusted = None if signed_by is None else parse_public_key(signed_by)
    with progress_bar("Restoring") as progress:
        found = restore_backup(
            file, place, signed_by=trusted, replace_store=replace_store, disk=LocalDisk(), progress=progress
        )
    text = f"{place.path} has these blocks.\nThe newer ones come from the other agencies once the node is started."
    if not place.key("validator", place.generations("validator")[0]).exists():
        text += f"\nIt has no keys: put the key files into {place.key('validator').parent}."
    elif not place.guard.exists():
        text += (
            "\nIts sign guard is lost, so the validator first watches ten more blocks without\n"
            "signing. If no other copy of its key has signed since the backup:\n"
            "mvchain start --vouch-no-other-copy-signed"
        )
    _print(found, text, as_json=as_json)


def _print(found: "Contents", text: str, *, as_json: bool) -> None:
    head = found.head
    document = {
        "chain_id": head.chain_id,
        "genesis_hash": head.genesis_hash.hex(),
        "height": head.height,
        "block_hash": head.block_hash.hex(),
        "made_at_ms": head.made_at_ms,
        "signed_by": found.signer.hex(),
        "keys": list(found.keys),
        "bytes": found.size,
    }
    rows = (
        ("chain", head.chain_id),
        ("genesis", head.genesis_hash.hex()),
        ("height", f"{head.height:,}"),
        ("made at", local_time(head.made_at_ms)),
        ("signed by", found.signer.hex()),
        ("keys", ", ".join(found.keys) or "none"),
        ("size", f"{found.size:,} bytes"),
    )
    print_result(document, f"{facts(rows)}\n{text}", as_json=as_json)
