"""The state of earlier heights, as far as proofs of it are served: the newest 1,000, and for ever that in which a
poll became final (ledger L9).

Trees are immutable and share what did not change (`state_tree`), so those of earlier heights stay in memory. What
the records were lies in the store: each block writes what it replaced, and 1,000 blocks later that is removed.
"""

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from mvchain.core import codec, codes
from mvchain.core.codec import Fields
from mvchain.core.errors import BrokenStorage
from mvchain.core.limits import MAX_ARRAY_ITEMS, MAX_NUMBER, MAX_RECORD_BYTES, MAX_UNDO_BYTES, PROVABLE_HEIGHTS
from mvchain.core.types import Height, PollNumber
from mvchain.ledger import keyspace
from mvchain.ledger.state_tree import STORES, ProofOp, StateTree, record_key

if TYPE_CHECKING:
    from mvchain.ledger.state import Reader

Records = Mapping[str, Mapping[int, bytes | None]]
"""Values of records by store and number; None for one that does not exist."""

_MAX_HEIGHT = (1 << 48) - 1
_MAX_FINAL_PROOF_BYTES = 16 * 1024


class _Step(NamedTuple):
    """A block that changed the state."""

    height: Height
    before: StateTree
    changed: frozenset[tuple[str, int]]


class History:
    """What the state was after each of the newest heights."""

    def __init__(self, reader: "Reader", height: Height, tree: StateTree) -> None:
        """Of the store as it is; `tree` is that of the state at `height`."""
        self._reader = reader
        self._height = height
        self._tree = tree
        self._steps: deque[_Step] = deque()
        for key, value in reversed(list(reader.scan(*keyspace.table_scan(keyspace.UNDO)))):
            replaced = decode_undo(value)
            tree = tree.changed(replaced)
            self._steps.appendleft(_Step(keyspace.undo_height(key), tree, _places(replaced)))

    def add(self, height: Height, tree: StateTree, replaced: Records) -> None:
        """Go on to the next height; its writes, what it replaced among them, are durable."""
        if replaced:
            self._steps.append(_Step(height, self._tree, _places(replaced)))
        for _ in self.outdated(height):
            self._steps.popleft()
        self._height, self._tree = height, tree

    def outdated(self, height: Height) -> list[Height]:
        """The heights whose undo records the block at `height` has to remove."""
        return [step.height for step in self._steps if step.height <= height - PROVABLE_HEIGHTS]

    @property
    def oldest(self) -> Height:
        """The lowest height whose state can be proved."""
        return Height(max(0, self._height - PROVABLE_HEIGHTS))

    def prove(self, height: Height, store: str, number: int) -> tuple[bytes, tuple[ProofOp, ProofOp]] | None:
        """The value of a record in the state after block `height`, with its proof; None if there was none."""
        assert self.oldest <= height <= self._height, (height, self._height)
        tree, replaced_at = self._tree, None
        # From the newest step down to the first behind that height.
        for step in reversed(self._steps):
            if step.height <= height:
                break
            tree = step.before
            if (store, number) in step.changed:
                replaced_at = step.height
        if not 1 <= number <= tree.size(store):
            return None
        value = self.current(store, number) if replaced_at is None else self._replaced(replaced_at, store, number)
        if value is None:
            raise BrokenStorage(codes.STATE_RECORD_MISSING, what=f"record {number} of {store}")
        return value, tree.prove(store, number)

    def current(self, store: str, number: int) -> bytes | None:
        """The value of a record now; None if there is none."""
        if not 1 <= number <= self._tree.size(store):
            return None
        value = self._reader.get(keyspace.record_place(store, number))
        # A poll without a released tally has an empty one (L9).
        return b"" if value is None and store == "tallies" else value

    def _replaced(self, height: Height, store: str, number: int) -> bytes | None:
        value = self._reader.get(keyspace.undo_key(height))
        return None if value is None else decode_undo(value)[store][number]


def _places(records: Records) -> frozenset[tuple[str, int]]:
    return frozenset((store, number) for store, values in records.items() for number in values)


def encode_undo(replaced: Records) -> bytes:
    """[[store's place in STORES, number, value or nil], ...], ascending."""
    return codec.encode(
        [
            (place, number, value)
            for place, store in enumerate(STORES)
            for number, value in sorted(replaced.get(store, {}).items())
        ]
    )


def decode_undo(data: bytes) -> dict[str, dict[int, bytes | None]]:
    """The reverse; raises BrokenStorage."""
    what = "the record of what a block replaced"
    rows = Fields((codec.decode(data, what, max_bytes=MAX_UNDO_BYTES, error=BrokenStorage),), 1, what, BrokenStorage)
    replaced: dict[str, dict[int, bytes | None]] = {}
    for row in rows.array(0, "rows", MAX_ARRAY_ITEMS):
        fields = Fields(row, 3, what, BrokenStorage)
        store = STORES[fields.int(0, "store", 0, len(STORES) - 1)]
        number = fields.int(1, "number", 1, MAX_NUMBER)
        absent = isinstance(row, tuple) and row[2] is None
        replaced.setdefault(store, {})[number] = None if absent else fields.blob(2, "value", MAX_RECORD_BYTES)
    return replaced


def encode_final_proof(height: Height, proof: tuple[ProofOp, ProofOp]) -> bytes:
    """[height, record's operator, store's operator]: of the record of a poll in the state that made it final."""
    return codec.encode((height, *(op.encode_data() for op in proof)))


def decode_final_proof(data: bytes, poll: PollNumber) -> tuple[Height, tuple[ProofOp, ProofOp]]:
    """The reverse; raises BrokenStorage."""
    what = f"the final proof of poll {poll}"
    fields = Fields(
        codec.decode(data, what, max_bytes=_MAX_FINAL_PROOF_BYTES, error=BrokenStorage), 3, what, BrokenStorage
    )
    record, store = (fields.blob(i, "operator", _MAX_FINAL_PROOF_BYTES) for i in (1, 2))
    return Height(fields.int(0, "height", 1, _MAX_HEIGHT)), (
        ProofOp.decode_data(record_key(poll), record, BrokenStorage),
        ProofOp.decode_data(b"polls", store, BrokenStorage),
    )
