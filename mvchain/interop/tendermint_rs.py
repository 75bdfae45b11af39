"""The light client of tendermint-rs, run from block 1 to each height (C95)."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mvchain.interop.checkers import TENDERMINT_RS, Trust
from mvchain.interop.outcome import Outcome
from mvchain.interop.processes import Ended, run

RUN_S: Final = 30.0
TOO_SLOW: Final = -1
_PLAIN: Final = {"NO_COLOR": "1", "RUST_BACKTRACE": "0", "RUST_LIB_BACKTRACE": "0"}
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
"""Its errors come in colours all the same."""
_VERIFIED: Final = re.compile(r"Verified to height (\d+) on primary")
_NO_DIVERGENCE: Final = "no divergence found between primary and witness"
"""Its exit status does not tell whether the witness was compared."""


class LightClient:
    """Runs the command; each run starts from what is trusted and forgets everything afterwards."""

    def __init__(self, binary: Path, trust: Trust, log: Path) -> None:
        self._binary = binary
        self._trust = trust
        self._log = log

    async def verify(self, primary: str, witness: str, height: int | None, *options: str) -> Ended:
        """One run, to the tip if `height` is None; what is not done in time ends with status TOO_SLOW.

        `height` is above the trusted one: it has nothing to compare there and fails.
        """
        command: list[str | Path] = [
            self._binary,
            f"--chain-id={self._trust.chain_id}",
            f"--primary={primary}",
            f"--witnesses={witness}",
            f"--trusted-height={self._trust.height}",
            f"--trusted-hash={self._trust.hash.hex().upper()}",
            *options,
        ]
        if height is not None:
            command.append(f"--height={height}")
        try:
            ended = await run(command, self._log, RUN_S, _PLAIN)
            return ended._replace(output=_COLOUR.sub("", ended.output))
        except TimeoutError:
            return Ended(TOO_SLOW, f"it was not done after {RUN_S:.0f} s")

    async def verify_all(
        self, primary: str, witness: str, heights: Iterable[int | None], what: str, *options: str
    ) -> Outcome:
        """A run for each height; `what` is the title of the outcome."""
        faults = []
        count = 0
        for height in heights:
            count += 1
            if fault := fault_of(await self.verify(primary, witness, height, *options), height):
                faults.append(f"height {height or 'of the tip'}: {fault}")
        return Outcome(TENDERMINT_RS, what, count, faults)


def fault_of(ended: Ended, height: int | None) -> str | None:
    """What is wrong with a run that should have verified up to a height; None if nothing is."""
    if ended.status != 0:
        return f"exit status {ended.status}: {last_words(ended)}"
    verified = _VERIFIED.search(ended.output)
    if verified is None or (height is not None and int(verified[1]) != height):
        return f"it did not say that it verified it: {last_words(ended)}"
    if _NO_DIVERGENCE not in ended.output:
        return f"it did not compare the witness: {last_words(ended)}"
    return None


def last_words(ended: Ended) -> str:
    """The end of what it said, in one line."""
    return " ".join(ended.output.split())[-300:]
