"""How far a long swarm is, kept in a file so that it can go on another day."""

import json
from pathlib import Path

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration

SAVE_EVERY = 200
"""Seeds that may have to be run again after an interruption."""


class Progress:
    """The next seed of a swarm of networks of one size.

    Args:
        path: the file; None to keep nothing.

    Raises:
        BadConfiguration: the file is of another swarm, or cannot be read or written.
    """

    def __init__(self, path: Path | None, nodes: int, heights: int, first_seed: int) -> None:
        self.next_seed = first_seed
        self._path = path
        self._what = {"nodes": nodes, "heights": heights, "first_seed": first_seed}
        if path is not None and path.exists():
            self.next_seed = self._read(path)
        self.save()

    def done(self, seed: int) -> None:
        """All seeds up to this one are done."""
        self.next_seed = seed + 1
        if self.next_seed % SAVE_EVERY == 0:
            self.save()

    def save(self) -> None:
        """Write the file."""
        if self._path is None:
            return
        try:
            self._path.write_text(json.dumps({**self._what, "next_seed": self.next_seed}) + "\n")
        except OSError as error:
            raise BadConfiguration(codes.CANNOT_WRITE, path=self._path, why=error.strerror) from None

    def _read(self, path: Path) -> int:
        try:
            found = json.loads(path.read_text())
            if {name: found[name] for name in self._what} == self._what and type(found["next_seed"]) is int:
                return int(found["next_seed"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        raise BadConfiguration(codes.SWARM_FILE, path=path)
