"""What an operator has to know of now: alarms, each logged when it begins and when it is over, and no more often.

Nothing follows from them but words and, while the disk is nearly full, that the API takes no ballots (faults OPS6).
Consensus goes on down to the last mark, where the node ends by itself in order (R6). What peers spread is still taken
into the pool, which is in memory and bounded, since blocks are made of it.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from mvchain.consensus.machine import Phase
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BadRequest, BrokenStorage, MvchainError
from mvchain.core.limits import MAX_CLOCK_DIFFERENCE_MS, MIN_FREE_DISK_BYTES, STANDSTILL_MS
from mvchain.core.types import Height
from mvchain.node.ports import Disk
from mvchain.node.replica import Replica

logger = logging.getLogger(__name__)

_ENOUGH_BYTES = 64 * 1024 * 1024
"""So much above its mark the free space has to be before ballots are taken again, so that it does not go to and fro."""


class Vitals:
    """Looks at disk, clock and progress once a second or so.

    Args:
        path: on the disk that matters.
        need_bytes: free space below which no ballots are taken.
        clock_ms: a clock that never goes back.
    """

    def __init__(self, replica: Replica, disk: Disk, path: Path, need_bytes: int, clock_ms: Callable[[], int]) -> None:
        self._replica = replica
        self._disk = disk
        self._path = path
        self._need_bytes = need_bytes
        self._clock_ms = clock_ms
        self._alarms: dict[str, tuple[MvchainError, object]] = {}
        self._height = Height(0)
        self._busy_since_ms: int | None = None

    @property
    def alarms(self) -> tuple[MvchainError, ...]:
        """What is wrong now, by code."""
        return tuple(error for _, (error, _) in sorted(self._alarms.items()))

    @property
    def refusal(self) -> BadRequest | None:
        """Why no ballots are taken, if so."""
        found = self._alarms.get(codes.DISK_NEARLY_FULL.code)
        return found[0] if found and isinstance(found[0], BadRequest) else None

    def look(self, unconnected: Sequence[str]) -> None:
        """Look now; `unconnected` names agencies that are not connected.

        Raises:
            BrokenStorage: the disk is so full that the node has to end.
        """
        self._look_at_disk()
        self._look_at_progress(unconnected)
        self._look_at_clock()
        twice = self._replica.signing.used_twice
        self._set(codes.KEY_USED_TWICE.code, BadConfiguration(codes.KEY_USED_TWICE, what=twice) if twice else None)

    def _look_at_disk(self) -> None:
        free = self._disk.free_bytes(self._path)
        if free < MIN_FREE_DISK_BYTES:
            raise BrokenStorage(codes.DISK_FULL, path=self._path, free=free, least=MIN_FREE_DISK_BYTES)
        need = self._need_bytes + (_ENOUGH_BYTES if self.refusal else 0)
        error = BadRequest(codes.DISK_NEARLY_FULL, path=self._path, least=self._need_bytes)
        self._set(codes.DISK_NEARLY_FULL.code, error if free < need else None)

    def _look_at_progress(self, unconnected: Sequence[str]) -> None:
        machine = self._replica.machine
        if machine.height != self._height or machine.phase is Phase.WAIT or self._busy_since_ms is None:
            self._height, self._busy_since_ms = machine.height, self._clock_ms()
        still_ms = self._clock_ms() - self._busy_since_ms
        if still_ms < STANDSTILL_MS:
            self._set(codes.STANDSTILL.code, None)
            return
        missing = ", ".join(self._unheard() if machine.phase is not Phase.IDLE else unconnected) or "nobody"
        seconds = still_ms // 1000
        error = BadConfiguration(
            codes.STANDSTILL, height=machine.height, seconds=seconds, round=machine.round, missing=missing
        )
        self._set(codes.STANDSTILL.code, error, about=missing)

    def _unheard(self) -> list[str]:
        """Agencies whose validator neither prevoted nor precommitted in this round, as far as this node knows."""
        machine, state = self._replica.machine, self._replica.state
        heard = {item.address for item in machine.keeper.endorsements() if item.round == machine.round}
        silent = (validator.address for validator in state.validators if validator.address not in heard)
        return [agency.name_en for address in silent if (agency := state.agency_of_validator(address))]

    def _look_at_clock(self) -> None:
        ahead_ms = self._replica.clock_ahead_ms()
        error = None
        if abs(ahead_ms) > MAX_CLOCK_DIFFERENCE_MS:
            direction = "ahead" if ahead_ms > 0 else "short"
            error = BadConfiguration(codes.CLOCK_DIFFERS, seconds=abs(ahead_ms) // 1000, direction=direction)
        self._set(codes.CLOCK_DIFFERS.code, error)

    def _set(self, code: str, error: MvchainError | None, about: object = None) -> None:
        """An alarm is there or over; it is logged anew when it is about something else."""
        found = self._alarms.get(code)
        if error is None:
            if found is not None:
                del self._alarms[code]
                logger.warning("%s is over: %s", code, found[0].detail)
            return
        self._alarms[code] = (error, about)
        if found is None or found[1] != about:
            logger.error("%s", error)
