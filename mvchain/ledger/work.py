"""What a poll needs while it runs, beside its record: running tally, ballots log, progress of the counting.

Kept outside the state tree (table `w`): all of it follows from the blocks, and its root and totals enter the
poll's record (ledger L8, L9).
"""

from dataclasses import dataclass

from mvchain.core import codec
from mvchain.core.codec import Fields
from mvchain.core.errors import BrokenStorage
from mvchain.core.limits import MAX_TALLY_BYTES
from mvchain.core.merkle import CompactRange
from mvchain.ledger.polls import PollDefinition
from mvchain.ledger.recount import Recount
from mvchain.ledger.tally import RunningTally, TallyResult

_WHAT = "the working state of a poll"
_MAX_RANGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the counting has come. Encoded, so never changed in place: a block may be executed twice."""

    last_key: bytes
    """The last voter counted, in ascending order; empty before the first."""
    counted: bytes
    """`CompactRange` over the counted ballots."""
    recount: bytes
    """`Recount` of the ballots counted so far."""

    @classmethod
    def start(cls) -> "Progress":
        """Before the first voter."""
        return cls(b"", CompactRange().encode(), Recount().encode())


@dataclass(slots=True)
class PollWork:
    """Of one open, paused or counting poll."""

    ballots: CompactRange
    tally: RunningTally
    progress: Progress

    @classmethod
    def start(cls, definition: PollDefinition) -> "PollWork":
        """When the poll opens."""
        return cls(CompactRange(), RunningTally.empty(definition), Progress.start())

    def copy(self) -> "PollWork":
        """One that can change by itself."""
        return PollWork(self.ballots.copy(), self.tally.copy(), self.progress)

    def encode(self) -> bytes:
        """[ballots log, running tally, last key counted, counted tree, recount]."""
        progress = self.progress
        return codec.encode(
            (
                self.ballots.encode(),
                self.tally.result().encode(),
                progress.last_key,
                progress.counted,
                progress.recount,
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> "PollWork":
        """The reverse of `encode`; raises BrokenStorage."""
        value = codec.decode(data, _WHAT, max_bytes=3 * MAX_TALLY_BYTES, error=BrokenStorage)
        fields = Fields(value, 5, _WHAT, BrokenStorage)
        return cls(
            CompactRange.decode(fields.blob(0, "ballots", _MAX_RANGE_BYTES)),
            RunningTally(TallyResult.decode(fields.blob(1, "tally", MAX_TALLY_BYTES), error=BrokenStorage)),
            Progress(
                fields.blob(2, "last_key", 33),
                fields.blob(3, "counted", _MAX_RANGE_BYTES),
                fields.blob(4, "recount", MAX_TALLY_BYTES),
            ),
        )
