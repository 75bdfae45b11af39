"""The state of earlier heights, as far as proofs of it are served: the newest 1,000, and for ever that in which a
poll became final (ledger L9).

Trees are immutable and share what did not change (`state_tree`), so those of earlier heights stay in memory, as far as
MAX_PROVABLE_CHANGES allows. What the records were lies in the store: each block writes what it replaced, and 1,000
blocks later that is removed.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mvchain.core import codec, codes
from mvchain.core.codec import Fields
from mvchain.core.errors import BrokenStorage, MvchainError
from mvchain.core.limits import MAX_FINAL_PROOF_BYTES, MAX_PROVABLE_CHANGES, PROVABLE_HEIGHTS
from mvchain.core.types import Height, PollNumber
from mvchain.ledger import keyspace
from mvchain.ledger.readers import Reader
from mvchain.ledger.state_tree import STORES, ProofOp, StateTree, record_key

Records = Mapping[str, Mapping[int, bytes | None]]
"""Values of records by store and number; None for one that does not exist."""

_MAX_HEIGHT = (1 << 48) - 1
_NONE, _SOME = b"\x00", b"\x01"
"""First byte of an undo entry: the record did not exist, or its value follows."""


class _Step(NamedTuple):
    """A block that changed the state."""

    height: Height
    before: StateTree
    changed: frozenset[tuple[str, int]]


class History:
    """What the state was after each of the newest heights."""

    def __init__(self, reader: Reader, height: Height, tree: StateTree) -> None:
        """Of the store as it is; `tree` is that of the state at `height`."""
        self._reader = reader
        self._height = height
        self._tree = tree
        self._steps: deque[_Step] = deque()
        self._changes = 0
        oldest = reader.get(keyspace.OLDEST_KEY)
        self.oldest = Height(0 if oldest is None else int.from_bytes(oldest, "big"))
        """The lowest height whose state can be proved."""
        replaced: dict[Height, dict[str, dict[int, bytes | None]]] = {}
        for key, value in reader.scan(*keyspace.table_scan(keyspace.UNDO)):
            at, store, number = keyspace.undone(key)
            replaced.setdefault(at, {}).setdefault(STORES[store], {})[number] = _undo_value(value)
        for at in sorted(replaced, reverse=True):
            tree = tree.changed(replaced[at])
            self._steps.appendleft(_Step(at, tree, _places(replaced[at])))
            self._changes += len(self._steps[0].changed)

    def writes(self, height: Height, replaced: Records) -> dict[bytes, bytes | None]:
        """What the block at the next height has to write, if it replaces these values."""
        writes: dict[bytes, bytes | None] = {
            keyspace.undo_key(height, STORES.index(store), number): _NONE if value is None else _SOME + value
            for store, values in replaced.items()
            for number, value in values.items()
        }
        outdated = self._outdated(height, len(_places(replaced)))
        for step in outdated:
            writes |= {keyspace.undo_key(step.height, STORES.index(s), n): None for s, n in step.changed}
        oldest = self._oldest_after(height, outdated)
        if oldest != self.oldest:
            writes[keyspace.OLDEST_KEY] = oldest.to_bytes(6, "big")
        return writes

    def add(self, height: Height, tree: StateTree, replaced: Records) -> None:
        """Go on to the next height; its writes are durable."""
        changed = _places(replaced)
        outdated = self._outdated(height, len(changed))
        self.oldest = self._oldest_after(height, outdated)
        for step in outdated:
            self._steps.popleft()
            self._changes -= len(step.changed)
        if changed:
            self._steps.append(_Step(height, self._tree, changed))
            self._changes += len(changed)
        self._height, self._tree = height, tree

    def _outdated(self, height: Height, changes: int) -> list[_Step]:
        """The steps that a block at this height, with so many changes, leaves no room for."""
        outdated = []
        total = self._changes + changes
        for step in self._steps:
            if step.height > height - PROVABLE_HEIGHTS and total <= MAX_PROVABLE_CHANGES:
                break
            outdated.append(step)
            total -= len(step.changed)
        return outdated

    def _oldest_after(self, height: Height, outdated: Sequence[_Step]) -> Height:
        """What a block replaced is gone: so is the state before it."""
        gone = outdated[-1].height if outdated else 0
        return Height(max(self.oldest, gone, height - PROVABLE_HEIGHTS))

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
        value = self._reader.get(keyspace.undo_key(height, STORES.index(store), number))
        return None if value is None else _undo_value(value)


def _places(records: Records) -> frozenset[tuple[str, int]]:
    return frozenset((store, number) for store, values in records.items() for number in values)


def _undo_value(entry: bytes) -> bytes | None:
    """What an undo entry says the record was; raises BrokenStorage."""
    if entry[:1] == _SOME:
        return entry[1:]
    if entry != _NONE:
        raise BrokenStorage(codes.MALFORMED, what="what a block replaced", why="it begins with an unknown byte")
    return None


def encode_final_proof(height: Height, proof: tuple[ProofOp, ProofOp]) -> bytes:
    """[height, record's operator, store's operator]: of the record of a poll in the state that made it final."""
    return codec.encode((height, *(op.encode_data() for op in proof)))


def decode_final_proof(
    data: bytes, poll: PollNumber, error: type[MvchainError] = BrokenStorage
) -> tuple[Height, tuple[ProofOp, ProofOp]]:
    """The reverse; raises `error`."""
    what = f"the final proof of poll {poll}"
    fields = Fields(codec.decode(data, what, max_bytes=MAX_FINAL_PROOF_BYTES, error=error), 3, what, error)
    record, store = (fields.blob(i, "operator", MAX_FINAL_PROOF_BYTES) for i in (1, 2))
    return Height(fields.int(0, "height", 1, _MAX_HEIGHT)), (
        ProofOp.decode_data(record_key(poll), record, error),
        ProofOp.decode_data(b"polls", store, error),
    )
