"""The command `mvchain`: which commands there are, and how errors end them.

Exit code 0: done; 1: an error, told in one line that begins with its code; 2: the command line itself is wrong.
"""

import io
import os
import sys
from typing import Annotated

import typer

import mvchain
from mvchain.cli import ballots, genesis, keys, members, node, polls, receipts, rolls
from mvchain.cli.output import harmless
from mvchain.core.errors import MvchainError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

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
    ("operator", members.operators),
    ("service", members.services),
    ("roll", rolls.app),
    ("poll", polls.app),
    ("ballot", ballots.app),
):
    app.add_typer(group, name=name)
for name, command in (
    ("init", node.init),
    ("start", node.start),
    ("status", node.status),
    ("localnet", node.localnet),
    ("demo", node.demo),
    ("approve", members.approve),
    ("receipt", receipts.receipt),
    ("verify", receipts.verify),
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


def main() -> None:
    """Run the command that the arguments name; ends the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no Korean shows question marks in its place.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except MvchainError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output, `head` for one, has enough; nor may the flush at exit complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _fail(message: str) -> None:
    print(harmless(" ".join(message.splitlines())), file=sys.stderr)
    sys.exit(1)
