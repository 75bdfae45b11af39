"""The commands of `mvchain`, by name."""

from typing import Annotated

import typer

import mvchain
from mvchain.cli import (
    backups,
    ballots,
    evidence,
    genesis,
    governance,
    join,
    keys,
    light,
    members,
    node,
    polls,
    receipts,
    rolls,
)

app = typer.Typer(
    help="A permissioned ledger for public polls.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for name, group in (
    ("keys", keys.app),
    ("genesis", genesis.app),
    ("governance", governance.app),
    ("operator", members.operators),
    ("service", members.services),
    ("roll", rolls.app),
    ("poll", polls.app),
    ("ballot", ballots.app),
    ("backup", backups.app),
):
    app.add_typer(group, name=name)
for name, command in (
    ("init", node.init),
    ("join", join.join),
    ("start", node.start),
    ("status", node.status),
    ("evidence", evidence.evidence),
    ("localnet", node.localnet),
    ("demo", node.demo),
    ("restore", backups.restore),
    ("approve", members.approve),
    ("receipt", receipts.receipt),
    ("proof", receipts.proof),
    ("verify", receipts.verify),
    ("light", light.light),
):
    app.command(name)(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(mvchain.__version__)
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    pass
