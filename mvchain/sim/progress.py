"""How far a long swarm is, kept in a file so that it can go on another day."""

import json
from pathlib import Path
from typing import Any

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.sim.simulation import Report

SAVE_EVERY = 200
"""Seeds that may have to be run again after an interruption."""


class Progress:
    """The next seed of a swarm of networks of one size, and what was violated so far.

    Args:
        path: the file; None to keep nothing.

    Raises:
        BadConfiguration: the file is of another swarm, or cannot be read or written.
    """

    def __init__(self, path: Path | None, nodes: int, heights: int, first_seed: int) -> None:
        self.next_seed = first_seed
        self.violations: list[dict[str, Any]] = []
        """Each as `Report.to_json` has it: of this session and of those before it, which must not be forgotten."""
        self._path = path
        self._what = {"nodes": nodes, "heights": heights, "first_seed": first_seed}
        if path is not None and path.exists():
            self._read(path)
        self.save()

    def done(self, report: Report) -> None:
        """All seeds up to that of this run are done."""
        self.next_seed = report.scenario.seed + 1
        if report.violation is not None:
            self.violations.append(report.to_json())
        if report.violation is not None or self.next_seed % SAVE_EVERY == 0:
            self.save()

    def save(self) -> None:
        """Write the file."""
        if self._path is None:
            return
        try:
            new = self._path.with_name(self._path.name + ".new")
            state = {**self._what, "next_seed": self.next_seed, "violations": self.violations}
            new.write_text(json.dumps(state) + "\n")
            new.replace(self._path)
        except OSError as error:
            raise BadConfiguration(codes.CANNOT_WRITE, path=self._path, why=error.strerror) from None

    def _read(self, path: Path) -> None:
        try:
            found = json.loads(path.read_text())
            if {name: found[name] for name in self._what} == self._what and type(found["next_seed"]) is int:
                self.next_seed, self.violations = found["next_seed"], list(found["violations"])
                return
        except (OSError, ValueError, KeyError, TypeError):
            pass
        raise BadConfiguration(codes.SWARM_FILE, path=path)
