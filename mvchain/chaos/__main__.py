"""`python -m mvchain.chaos`: nodes on this machine are treated badly, and what they promise is checked.

Exit 0 if nothing is wrong, 1 if something is or the run could not be finished, 2 if the command itself is wrong.
"""

import argparse
import math
import random
import sys
from pathlib import Path
from typing import Final

from mvchain.chaos.catalogue import FAULTS
from mvchain.chaos.run import Options, run_chaos
from mvchain.chaos.soak import SOAK
from mvchain.core.errors import MvchainError
from mvchain.demo.options import whole

INTERRUPTED: Final = 130
"""As shells have it."""
DESCRIPTION: Final = """\
Starts networks of nodes on this machine, has ballots come in all the time, kills, pauses, cuts off and damages nodes,
and checks after every fault that nothing that was acknowledged is lost, nothing forked and everything recovered."""


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say; returns the exit code."""
    known = sorted({fault.code for fault in FAULTS}, key=lambda code: int(code[1:]))
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=DESCRIPTION)
    parser.add_argument("soak", nargs="?", choices=["soak"], help="faults at random on one network instead (R15)")
    parser.add_argument("--minutes", type=_positive, metavar="M", help="that the soak lasts (60)")
    parser.add_argument("--quick", action="store_true", help="a short selection on as few networks as can be")
    parser.add_argument("--only", metavar="R4,R5", help=f"these faults alone; there are {', '.join(known)}")
    parser.add_argument("--runs", type=whole(1, 1000), metavar="N", help="of each fault")
    parser.add_argument("--seconds", type=_positive, metavar="S", help="that one run of a fault lasts, where it lasts")
    parser.add_argument("--rate", type=_positive, default=20.0, help="of ballots per second (%(default)s)")
    parser.add_argument("--seed", type=whole(0, 10**12), help="of what is left to chance; timing is not in it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="file to write the report to")
    parser.add_argument("--keep", action="store_true", help="leave logs and files where they are")
    chosen = parser.parse_args(arguments)
    if chosen.soak and (chosen.quick or chosen.only or chosen.runs or chosen.seconds):
        parser.error("--quick, --only, --runs and --seconds are not for the soak: it takes --minutes")
    if chosen.minutes and not chosen.soak:
        parser.error("--minutes is for the soak")
    only = chosen.only.split(",") if chosen.only else known
    if unknown := set(only) - set(known):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    seed = random.randrange(2**32) if chosen.seed is None else chosen.seed
    print(f"seed {seed}", file=sys.stderr)
    faults = [fault for fault in FAULTS if fault.code in only and (not chosen.quick or fault.quick)]
    if chosen.soak:
        faults = [SOAK]
    minutes = chosen.minutes or 60.0 if chosen.soak else 0.0
    options = Options(
        faults, chosen.quick, chosen.runs, chosen.seconds, chosen.rate, seed, chosen.json, chosen.keep, minutes
    )
    try:
        return 0 if run_chaos(options) else 1
    except MvchainError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError("it must be a number above 0")
    return number


if __name__ == "__main__":
    sys.exit(main())
