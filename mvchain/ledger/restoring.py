"""The state from a snapshot (`mvchain.ledger.snapshot`), every part of it verified before anything is built on it.

What is read is written to an empty store as it comes, and means nothing until whoever drives this writes the tip of
the chain, last of all: what is in a store without a tip is thrown away (faults CP18).
"""

from collections.abc import Callable, Iterable, Iterator

from mvchain.core import codec, codes
from mvchain.core.codec import Fields
from mvchain.core.errors import BadProof, BadTransaction
from mvchain.core.limits import MAX_RECORD_BYTES, MAX_SNAPSHOT_RECORDS, MAX_TALLY_BYTES, MAX_TRANSACTION_BYTES
from mvchain.core.merkle import GROUP, CompactRange, leaf_hash
from mvchain.core.types import BallotNumber, Hash, Height, PollNumber, RollNumber, TaggedKey, TimeNs
from mvchain.ledger import keyspace
from mvchain.ledger.ballots import check_answers
from mvchain.ledger.filling import gaps
from mvchain.ledger.logs import finished_writes
from mvchain.ledger.polls import decode_definition, definition_hash
from mvchain.ledger.readers import Reader
from mvchain.ledger.records import Poll, Roll
from mvchain.ledger.snapshot import VERSION, Outline
from mvchain.ledger.state_tree import STORES, StateTree
from mvchain.ledger.transactions import Ballot, decode_transaction
from mvchain.ledger.work import PollWork

Writes = dict[bytes, bytes | None]

_BATCH = 20_000
"""Records that are written at once."""
_BATCH_BYTES = 4 * 1024 * 1024
"""Of them, counted where they can be large: what a liar sends is in memory before it is found out."""
_LENGTH_BYTES = 4
_KEY_BYTES = 33
_ENTRY_BYTES = 36
"""Of `keyspace.roll_item`: key and weight."""
_WEIGHT_OF_ONE = b"\x00\x00\x01"
_MAX_SIZES_BYTES = 256


def restore(
    chunks: Iterable[bytes], height: Height, app_hash: bytes, store: Reader, write: Callable[[Writes], None]
) -> None:
    """Write into an empty store what it takes to hold the state after block `height`, which has this app hash.

    Args:
        store: shows what `write` wrote.
        write: of the store. What it is given says nothing of what is in the state until `conclusion` is written too.

    Raises:
        BadProof: SNAPSHOT_WRONG, this is no snapshot of that state.
    """
    try:
        _Restoring(chunks, store, write).run(height, app_hash)
    except (BadProof, BadTransaction) as error:
        if error.cause is codes.SNAPSHOT_WRONG:
            raise
        raise _wrong(error.detail) from None


def conclusion(height: Height, time_ns: TimeNs) -> Writes:
    """What makes these records the state after block `height`; earlier ones cannot be proved here."""
    return {
        keyspace.BLOCK_KEY: keyspace.pack_block(height, time_ns),
        keyspace.OLDEST_KEY: height.to_bytes(6, "big"),
    }


def _wrong(why: str) -> BadProof:
    return BadProof(codes.SNAPSHOT_WRONG, why=why)


class _Items:
    """The items of a snapshot, across the borders of its chunks."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._data = b""
        self._at = 0

    def take(self, limit: int) -> bytes:
        """The next item, of at most `limit` bytes."""
        size = int.from_bytes(self._bytes(_LENGTH_BYTES), "big")
        if size > limit:
            raise _wrong(f"an item has {size} bytes, more than {limit}")
        return self._bytes(size)

    def end(self) -> None:
        """There must not be more."""
        if self._at < len(self._data) or next(self._chunks, None) is not None:
            raise _wrong("it goes on behind its end")

    def _bytes(self, size: int) -> bytes:
        at, end = self._at, self._at + size
        if end > len(self._data):
            return self._across(size)
        self._at = end
        return self._data[at:end]

    def _across(self, size: int) -> bytes:
        parts, missing = [self._data[self._at :]], size - (len(self._data) - self._at)
        while missing > 0:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise _wrong("it ends too early")
            parts.append(chunk[:missing])
            self._data, self._at = chunk, min(missing, len(chunk))
            missing -= self._at
        return b"".join(parts)


class _Restoring:
    """One run."""

    def __init__(self, chunks: Iterable[bytes], store: Reader, write: Callable[[Writes], None]) -> None:
        self._items = _Items(chunks)
        self._store = store
        self._write = write
        self._writes: Writes = {}
        self._large_bytes = 0
        self._weighted: set[RollNumber] = set()
        """Rolls with a weight other than 1."""

    def run(self, height: Height, app_hash: bytes) -> None:
        if self._records().app_hash != app_hash:
            raise _wrong("its records have another app hash")
        self._flush()
        outline = Outline.of(self._store)
        if outline.is_counting:
            raise _wrong("a poll is being counted")
        for name in outline.definitions:
            self._definition(name)
        for number, roll in outline.usable_rolls:
            self._roll(number, roll)
        for poll_number, poll in outline.running:
            self._poll(poll_number, poll)
        self._items.end()
        self._writes |= gaps(outline, height)
        self._flush()

    def _flush(self) -> None:
        self._write(self._writes)
        self._writes = {}
        self._large_bytes = 0

    def _records(self) -> StateTree:
        """The state tree: hashed as it is read, so that a liar does not fill the memory."""
        what = "the list of sizes"
        data = self._items.take(_MAX_SIZES_BYTES)
        head = Fields(codec.decode(data, what, max_bytes=_MAX_SIZES_BYTES, error=BadProof), 2, what, BadProof)
        head.int(0, "version", VERSION, VERSION)
        sizes = Fields(head.array(1, "sizes", len(STORES)), len(STORES), what, BadProof)
        return StateTree(
            {
                store: self._store_of(store, sizes.int(i, store, 0, MAX_SNAPSHOT_RECORDS))
                for i, store in enumerate(STORES)
            }
        )

    def _store_of(self, store: str, size: int) -> Iterator[bytes]:
        limit = 2 * MAX_TALLY_BYTES if store == "tallies" else MAX_RECORD_BYTES
        for number in range(1, size + 1):
            value = self._items.take(limit)
            if value or store != "tallies":  # a poll without a released tally has an empty one (L9)
                self._put(keyspace.record_place(store, number), value)
            yield value

    def _definition(self, name: Hash) -> None:
        data = self._items.take(MAX_TRANSACTION_BYTES)
        if definition_hash(data) != name:
            raise _wrong(f"definition {name.hex()} has other bytes")
        self._put(keyspace.definition_key(name), data)

    def _roll(self, number: RollNumber, roll: Roll) -> None:
        """The entries, with what is kept of them for proofs (`mvchain.ledger.logs`)."""
        entries = CompactRange()
        for start in range(0, roll.size, GROUP):
            group = self._items.take(GROUP * _ENTRY_BYTES)
            if len(group) != min(GROUP, roll.size - start) * _ENTRY_BYTES:
                raise _wrong(f"a group of roll {number} has {len(group)} bytes")
            self._put(keyspace.group_key(keyspace.ROLL_LOG, number, start // GROUP), group[:_KEY_BYTES])
            for at in range(0, len(group), _ENTRY_BYTES):
                item = group[at : at + _ENTRY_BYTES]
                voter, weight = TaggedKey(item[:_KEY_BYTES]), item[_KEY_BYTES:]
                if weight != _WEIGHT_OF_ONE:
                    self._weighted.add(number)
                self._writes[keyspace.entry_key(number, voter)] = entries.size.to_bytes(4, "big") + weight
                entries.append(leaf_hash(item))
        if entries.root() != roll.root:
            raise _wrong(f"the entries of roll {number} have another root")
        self._writes |= finished_writes(keyspace.ROLL_LOG, number, entries)
        if not roll.sealed:
            self._put(keyspace.numbered(keyspace.RANGES, number), entries.encode())

    def _poll(self, number: PollNumber, poll: Poll) -> None:
        """The ballots; from them what runs beside the record: tally, log, and who has cast which."""
        definition = decode_definition(self._get(keyspace.definition_key(poll.definition_hash)))
        work = PollWork.start(definition)
        for n in range(poll.ballots_size):
            raw = self._items.take(MAX_TRANSACTION_BYTES)
            tx = decode_transaction(raw)
            ballot, voter = tx.payload, tx.signer
            if not isinstance(ballot, Ballot) or ballot.poll != number:
                raise _wrong(f"there is something else among the ballots of poll {number}")
            # Whether it is one shows only with the root over all of them.
            check_answers(definition, ballot.answers)
            weight = self._weight(poll.roll, voter)
            if ballot.revision:
                work.tally.remove(definition, self._superseded(number, voter).answers, weight)
            work.tally.add(definition, ballot.answers, weight)
            work.ballots.append(leaf_hash(tx.hash))
            self._writes[keyspace.voter_key(number, voter)] = keyspace.pack_voter(ballot.revision, BallotNumber(n))
            self._put(keyspace.loose_ballot_key(number, BallotNumber(n)), raw)
        if work.ballots.root() != poll.ballots_root:
            raise _wrong(f"the ballots of poll {number} have another root")
        self._writes |= finished_writes(keyspace.BALLOTS_LOG, number, work.ballots)
        self._put(keyspace.numbered(keyspace.WORKS, number), work.encode())

    def _weight(self, roll: RollNumber, voter: TaggedKey) -> int:
        if roll not in self._weighted:
            return 1
        return keyspace.unpack_entry(self._get(keyspace.entry_key(roll, voter)))[1]

    def _superseded(self, poll: PollNumber, voter: TaggedKey) -> Ballot:
        _, number = keyspace.unpack_voter(self._get(keyspace.voter_key(poll, voter)))
        ballot = decode_transaction(self._get(keyspace.loose_ballot_key(poll, number))).payload
        assert isinstance(ballot, Ballot), (poll, number)
        return ballot

    def _put(self, key: bytes, value: bytes) -> None:
        self._writes[key] = value
        self._large_bytes += len(value)
        if len(self._writes) >= _BATCH or self._large_bytes >= _BATCH_BYTES:
            self._flush()

    def _get(self, key: bytes) -> bytes:
        found = self._writes.get(key) or self._store.get(key)
        if found is None:
            raise _wrong("a ballot is of somebody who is not on the roll, or follows one that is not there")
        return found
