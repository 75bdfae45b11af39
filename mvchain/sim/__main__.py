"""`python -m mvchain.sim`: simulated networks with faults, one for each seed.

Exit 0 if nothing was violated, 1 if something was, 2 if the command itself is wrong, 130 if it was interrupted.
"""

import argparse
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from mvchain.core.errors import MvchainError
from mvchain.demo.options import whole
from mvchain.sim.kinds import KINDS
from mvchain.sim.progress import Progress
from mvchain.sim.scenario import MIN_HEIGHTS, Scenario, scenario_of
from mvchain.sim.simulation import Report, simulate
from mvchain.sim.swarm import Summary, git_commit, shrink, swarm

INTERRUPTED: Final = 130
"""As shells have it."""
SHRUNK: Final = 5
"""So many violations are shrunk; the rest are listed as they are."""
DESCRIPTION: Final = """\
Runs the production node on virtual clocks, networks and disks. The seed decides everything: how messages are lost,
delayed and repeated, who crashes when, what disks do, and which validators cheat. Checkers that share no code with
consensus look at every message and every block. What they find is printed with the command that repeats it."""


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say; returns the exit code."""
    chosen = _read(arguments)
    try:
        return _one(chosen) if chosen.seed is not None else _many(chosen)
    except MvchainError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED


def _read(arguments: list[str] | None) -> argparse.Namespace:
    """The arguments; what would have no effect is refused."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.seed is None:
        if chosen.faults is not None or chosen.ed25519:
            parser.error("--faults and --ed25519 are for one run: name it with --seed")
    elif chosen.resume is not None or chosen.minutes is not None:
        parser.error("--resume and --minutes are for many runs, --seed is for one")
    return chosen


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/simulate", description=DESCRIPTION)
    parser.add_argument("--seeds", type=whole(1, 10**9), default=200, help="how many (%(default)s)")
    parser.add_argument("--first-seed", type=whole(0, 10**12), default=1, metavar="SEED", help="(%(default)s)")
    parser.add_argument("--nodes", type=whole(1, 100), default=4, help="in each network (%(default)s)")
    parser.add_argument("--heights", type=whole(MIN_HEIGHTS, 10_000), default=10, help="of each run (%(default)s)")
    parser.add_argument("--minutes", type=whole(1, 10**5), help="start no more runs after so long")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="keep count in this file, and go on where it stops")
    parser.add_argument("--json", action="store_true", help="print the result for programs")
    one = parser.add_argument_group("one run, with all that happens in it")
    one.add_argument("--seed", type=whole(0, 10**12), help="its seed")
    one.add_argument(
        "--faults", metavar="KINDS", help="these kinds and no others; 'none' for none: " + ", ".join(KINDS)
    )
    one.add_argument("--ed25519", action="store_true", help="real signatures instead of keyed hashes")
    return parser


def _one(chosen: argparse.Namespace) -> int:
    scenario = scenario_of(
        chosen.seed, chosen.nodes, chosen.heights, {name: kind.share for name, kind in KINDS.items()}
    )
    if chosen.faults is not None:
        kinds = () if chosen.faults == "none" else tuple(chosen.faults.split(","))
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown:
            print(f"there is no kind of fault called {unknown[0]}", file=sys.stderr)
            return 2
        scenario = Scenario(chosen.seed, chosen.nodes, chosen.heights, kinds, real_signatures=chosen.ed25519)
    elif chosen.ed25519:
        scenario = replace(scenario, real_signatures=True)
    report = simulate(scenario, None if chosen.json else print)
    if chosen.json:
        print(json.dumps({**report.to_json(), "digest": report.digest}))
    else:
        print(*_lines(report), sep="\n")
    return 0 if report.violation is None else 1


def _many(chosen: argparse.Namespace) -> int:
    progress = Progress(chosen.resume, chosen.nodes, chosen.heights, chosen.first_seed)
    left = chosen.first_seed + chosen.seeds - progress.next_seed
    try:
        summary = swarm(
            range(progress.next_seed, progress.next_seed + max(0, left)),
            chosen.nodes,
            chosen.heights,
            until_s=None if chosen.minutes is None else 60.0 * chosen.minutes,
            done=progress.done,
            tell=lambda line: print(line, file=sys.stderr, flush=True),
        )
    finally:
        progress.save()
    if chosen.json:
        found = {"violations": progress.violations, "next_seed": progress.next_seed}
        print(json.dumps({**summary.to_json(), **found}, indent=2))
    else:
        print(*_summary_lines(summary, progress.violations), sep="\n")
    for report in summary.violations[:SHRUNK]:
        print(*_lines(shrink(report)), sep="\n", file=sys.stderr)
    return 1 if progress.violations else 0


def _summary_lines(summary: Summary, violations: list[dict[str, Any]]) -> list[str]:
    return [
        f"{summary.seeds} seeds of {summary.nodes} nodes in {summary.seconds:.1f} s: "
        f"{summary.virtual_ms // 1000} s simulated, {summary.blocks} blocks, {summary.messages} messages, "
        f"{summary.crashes} crashes",
        *(f"seed {each['seed']}: {each['violation']}" for each in violations),
        f"{len(violations) or 'no'} violations",
    ]


def _lines(report: Report) -> list[str]:
    lines = [f"seed {report.scenario.seed}: height {report.height}, {report.virtual_ms} ms, digest {report.digest}"]
    if report.violation is not None:
        lines += [report.violation, f"at commit {git_commit() or 'unknown'}; repeat: {report.scenario.command}"]
    return lines


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the workers are not left behind
    sys.exit(main())
