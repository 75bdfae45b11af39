"""`python -m mvchain.bench`: what the design's figures are on this machine. No figure is a verdict of the exit code.

Exit 0 if the measurement was finished, 1 if it could not be, 2 if the command itself is wrong.
"""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from mvchain.bench import join, proofs, readers
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, MvchainError
from mvchain.demo.options import whole
from mvchain.demo.progress import Narrator

INTERRUPTED: Final = 130
"""As shells have it."""
RUNS: Final = 3
"""The least from which there is a median worth its name (performance P5)."""


class Report(Protocol):
    """What a measurement found."""

    def to_json(self) -> dict[str, Any]:
        """For programs."""

    def lines(self) -> list[str]:
        """For people, at most 80 columns."""


class Subcommand(NamedTuple):
    """One module of this package."""

    help: str
    add_arguments: Callable[[ArgumentParser], None]
    measure: Callable[[Namespace, Narrator], Report]


SUBCOMMANDS: Final[Mapping[str, Subcommand]] = {
    "join": Subcommand(join.HELP, join.add_arguments, join.measure),
    "proofs": Subcommand(proofs.HELP, proofs.add_arguments, proofs.measure),
    "readers": Subcommand(readers.HELP, readers.add_arguments, readers.measure),
}


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say; returns the exit code."""
    chosen = _parser().parse_args(arguments)
    narrator = Narrator()
    try:
        if chosen.json is not None:
            # Now and not after a long run is the time to find out.
            _write(chosen.json, "")
        report = SUBCOMMANDS[chosen.subcommand].measure(chosen, narrator)
        print(*report.lines(), sep="\n")
        if chosen.json is not None:
            document = {"measurement": chosen.subcommand, **report.to_json()}
            _write(chosen.json, json.dumps(document, indent=2) + "\n")
    except MvchainError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="scripts/bench", description="Measures on a machine that should do nothing else.")
    subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="MEASUREMENT")
    for name, subcommand in SUBCOMMANDS.items():
        subparser = subparsers.add_parser(name, help=subcommand.help, description=f"Measures {subcommand.help}.")
        subparser.add_argument("--json", type=Path, metavar="FILE", help="file to write the figures to")
        subparser.add_argument("--runs", type=whole(1, 99), default=RUNS, help="the median counts (%(default)s)")
        subcommand.add_arguments(subparser)
    return parser


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise BadConfiguration(codes.CANNOT_WRITE, path=path, why=error.strerror) from None


if __name__ == "__main__":
    sys.exit(main())
