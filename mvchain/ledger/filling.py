"""Filling in what a snapshot leaves out: all that belongs to polls which had ended before it, from their blocks.

The blocks are fetched downwards (`mvchain.node.backfill`). Once the first one is here, this goes through them from
below and writes what executing them has written elsewhere: places of ballots, voters, entries of rolls, the groups of
the logs. Each log is compared with its root in the record, which the snapshot's app hash binds.

| key | value |
|---|---|
| GAPS | u48 height of the snapshot, u48 height of the last block gone through |
| GAPS, log, u32 its number | `CompactRange` of what has been filled in; of counted ones, behind the last key |

The logs that are not whole yet, and the first record, are gone when all is filled in. Then the state is that of a node
which executed every block, apart from proofs of the states of earlier heights (`mvchain.ledger.history`).
"""

from mvchain.core.merkle import CompactRange
from mvchain.core.types import Height
from mvchain.ledger import keyspace
from mvchain.ledger.records import PollState
from mvchain.ledger.snapshot import Outline


def gaps(outline: Outline, height: Height) -> dict[bytes, bytes | None]:
    """What to write with the snapshot of block `height`: that all this is to be filled in."""
    nothing = CompactRange().encode()
    writes: dict[bytes, bytes | None] = {keyspace.GAPS: height.to_bytes(6, "big") + bytes(6)}
    for roll, _ in outline.spent_rolls:
        writes[keyspace.gap_key(keyspace.ROLL_LOG, roll)] = nothing
    for number, poll in outline.ended:
        writes[keyspace.gap_key(keyspace.BALLOTS_LOG, number)] = nothing
        if poll.state is PollState.FINAL:
            writes[keyspace.gap_key(keyspace.COUNTED_LOG, number)] = nothing
    return writes
