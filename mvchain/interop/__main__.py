"""`python -m mvchain.interop`: light clients of others verify a network of nodes on this machine.

Exit 0 if all came out as it should; 1 if something did not, or the run could not be finished; 2 if the command itself
is wrong; 3 if a tool is missing that the clients are built with.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Final

from mvchain.core import codes
from mvchain.core.errors import MvchainError
from mvchain.interop.run import Options, run_interop

TOOL_MISSING: Final = 3
INTERRUPTED: Final = 130
"""As shells have it."""

DESCRIPTION: Final = """\
Makes a chain on four nodes on this machine and has it verified by light clients that others wrote: CometBFT's
proxy and that of tendermint-rs. They are built once, with go and cargo, into a cache (XDG_CACHE_HOME)."""


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say; returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/interop", description=DESCRIPTION)
    parser.add_argument("--json", type=Path, metavar="FILE", help="file to write the report to")
    parser.add_argument("--keep", action="store_true", help="leave logs and files where they are")
    chosen = parser.parse_args(arguments)
    try:
        return 0 if run_interop(Options(json_out=chosen.json, keep=chosen.keep)) else 1
    except MvchainError as error:
        print(error, file=sys.stderr)
        return TOOL_MISSING if error.cause is codes.INTEROP_TOOL_MISSING else 1
    except (asyncio.CancelledError, KeyboardInterrupt):
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
