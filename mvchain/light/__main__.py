"""`python -m mvchain.light RECEIPT --genesis FILE`: what a receipt proves, in plain words.

Needs the base dependencies alone and no network. Exit 0 only if every claim of the receipt holds; 1 if one does not,
a file cannot be read or the verdict cannot be written; 2 if the command itself is wrong.
"""

import argparse
import io
import os
import sys
from pathlib import Path

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BadProof, MvchainError
from mvchain.core.limits import MAX_GENESIS_BYTES, MAX_PROOF_BYTES
from mvchain.ledger.genesis import Genesis
from mvchain.light.verify import verify
from mvchain.light.words import failure_in_words, in_words

DESCRIPTION = """\
투표확인증이 진짜인지 네트워크 없이 확인합니다.
Verifies a voting receipt against the genesis file of its chain, offline."""
RECEIPT_HELP = """\
투표확인증 파일 (.mvreceipt.json)
the receipt"""
GENESIS_HELP = """\
참여 기관들이 공개한 제네시스 파일
the genesis file that the agencies publish"""


def main(arguments: list[str] | None = None) -> int:
    """Verify the receipt named in the arguments and say what it proves; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no Korean shows the English half, and question marks.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    parser = argparse.ArgumentParser(
        prog="python -m mvchain.light",
        description=DESCRIPTION,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("receipt", type=Path, metavar="RECEIPT", help=RECEIPT_HELP)
    parser.add_argument("--genesis", type=Path, required=True, metavar="FILE", help=GENESIS_HELP)
    chosen = parser.parse_args(arguments)
    try:
        genesis = Genesis.decode(_read(chosen.genesis, MAX_GENESIS_BYTES))
        verified = verify(_read(chosen.receipt, MAX_PROOF_BYTES), genesis)
    except MvchainError as error:
        print(failure_in_words(error), file=sys.stdout if isinstance(error, BadProof) else sys.stderr)
        return 1
    print(in_words(verified))
    return 0


def _read(path: Path, max_bytes: int) -> bytes:
    """The file's bytes, read no further than one past the bound."""
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise BadConfiguration(codes.CANNOT_READ_FILE, path=path, why=error.strerror) from None
    if len(data) > max_bytes:
        raise BadConfiguration(codes.FILE_TOO_LARGE, path=path, limit=max_bytes)
    return data


def _run() -> int:
    """`main`, and quiet failure where its words cannot be written or nobody waits for them any more."""
    try:
        try:
            return main()
        finally:
            if sys.stdout is not None:  # None where there is no output at all
                sys.stdout.flush()
    except (OSError, KeyboardInterrupt):
        # What is still buffered goes nowhere, or the interpreter would try again at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


if __name__ == "__main__":
    sys.exit(_run())
