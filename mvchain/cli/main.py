"""The entry of `mvchain`: runs the command that the arguments name, and ends the process as its end was.

Exit code 0: done; 1: an error, told in one line that begins with its code; 2: the command line itself is wrong.
"""

import io
import os
import sys

from mvchain.cli.output import harmless
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, MvchainError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


def main() -> None:
    """Run the command that the arguments name; ends the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no Korean shows question marks in its place.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        _run()
    except MvchainError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        # The flush at exit must not complain again of what could not be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            sys.exit(1)  # whoever read our output, `head` for one, has enough
        place = error.filename or "The standard output"
        _fail(str(BadConfiguration(codes.CANNOT_WRITE, path=place, why=error.strerror or error)))


def _run() -> None:
    """The command; an installation to check receipts with has not what it needs."""
    try:
        from mvchain.cli.commands import app

        app()
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "mvchain":
            raise
        raise BadConfiguration(codes.NODE_EXTRA_MISSING, package=package) from error


def _fail(message: str) -> None:
    print(harmless(" ".join(message.splitlines())), file=sys.stderr)
    sys.exit(1)
