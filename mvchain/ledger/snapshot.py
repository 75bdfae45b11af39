"""A snapshot: what a node needs of the state to go on with the chain, as one sequence of bytes.

It is a function of the state alone, so that honest nodes have the same one, piece by piece. Everything in it is bound
to the app hash, which stands in the next header (C148):

| part | items | bound by |
|---|---|---|
| sizes | 1: [version, [records of each store of the tree]] | the app hash |
| records | the values of all stores (`STORES`), in the order of their numbers | the app hash |
| definitions | of each poll, in the order of polls, each once | the definition hash in the poll's record |
| rolls | of each roll that may yet be used: its entries, GROUP at a time (`keyspace.roll_item`) | the roll's root |
| ballots | of each running poll: its transactions, in the order of acceptance | the poll's ballots root |

An item is its length in 4 bytes, big-endian, and its bytes; which comes next follows from those before. The sequence
is cut every SNAPSHOT_CHUNK_BYTES, wherever that is, and the list of the hashes of the pieces is the manifest.

All else that belongs to polls which have ended is not needed to go on: it follows from the blocks, and is filled in
behind (`mvchain.ledger.filling`). No snapshot is made while a poll is being counted: how far the counting has come is
bound by nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice, takewhile
from typing import Protocol, Self

from mvchain.core import codec
from mvchain.core.codec import Fields
from mvchain.core.errors import BadProof, MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.limits import MAX_MANIFEST_BYTES, MAX_SNAPSHOT_CHUNKS, SNAPSHOT_CHUNK_BYTES
from mvchain.core.merkle import GROUP
from mvchain.core.types import BallotNumber, Hash, Height, PollNumber, RollNumber
from mvchain.ledger import keyspace
from mvchain.ledger.logs import ballot_bytes
from mvchain.ledger.readers import Reader, TransactionReader
from mvchain.ledger.records import Poll, PollState, Roll
from mvchain.ledger.state_tree import STORES

VERSION = 1

ENDED = (PollState.FINAL, PollState.VOID)
_RUNNING = (PollState.OPEN, PollState.PAUSED)
_HASH_BYTES = 32


class Source(Reader, TransactionReader, Protocol):
    """State and blocks as they were at one moment."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The hashes of the chunks of a snapshot; all have SNAPSHOT_CHUNK_BYTES, but the last may have less."""

    height: Height
    """Of the last block in the state."""
    chunks: tuple[Hash, ...]

    @property
    def hash(self) -> Hash:
        """Names the snapshot."""
        return sha256(self.encode())

    def encode(self) -> bytes:
        """[version, height, hashes one after the other]."""
        return codec.encode((VERSION, self.height, b"".join(self.chunks)))

    @classmethod
    def decode(cls, data: bytes, error: type[MvchainError] = BadProof) -> Self:
        """The reverse of `encode`, for untrusted bytes; raises `error`."""
        what = "the manifest of a snapshot"
        fields = Fields(codec.decode(data, what, max_bytes=MAX_MANIFEST_BYTES, error=error), 3, what, error)
        fields.int(0, "version", VERSION, VERSION)
        height = Height(fields.int(1, "height", 1, (1 << 48) - 2))
        hashes = fields.blob(2, "hashes", _HASH_BYTES * MAX_SNAPSHOT_CHUNKS)
        whole = fields.bytes(2, "hashes", max(1, -(-len(hashes) // _HASH_BYTES)) * _HASH_BYTES)
        return cls(height, tuple(Hash(whole[at : at + _HASH_BYTES]) for at in range(0, len(whole), _HASH_BYTES)))


@dataclass(frozen=True, slots=True)
class Outline:
    """The polls and rolls of a state, and what of them a snapshot holds."""

    polls: Sequence[Poll]
    """Poll 1 first."""
    rolls: Sequence[Roll]

    @classmethod
    def of(cls, reader: Reader) -> Self:
        """Of the records in the store."""
        return cls(
            [Poll.decode(value) for _, value in reader.scan(*keyspace.table_scan(keyspace.POLLS))],
            [Roll.decode(value) for _, value in reader.scan(*keyspace.table_scan(keyspace.ROLLS))],
        )

    @property
    def is_counting(self) -> bool:
        """Whether a poll is being counted, so that there is no snapshot of this state."""
        return any(poll.state is PollState.COUNTING for poll in self.polls)

    @property
    def definitions(self) -> Iterable[Hash]:
        """The definitions of the polls, in their order, each once."""
        return dict.fromkeys(poll.definition_hash for poll in self.polls)

    @property
    def running(self) -> Iterator[tuple[PollNumber, Poll]]:
        """The polls whose ballots a snapshot holds."""
        return ((PollNumber(n), poll) for n, poll in enumerate(self.polls, 1) if poll.state in _RUNNING)

    @property
    def ended(self) -> Iterator[tuple[PollNumber, Poll]]:
        """The polls of which it holds the record and the definition alone."""
        return ((PollNumber(n), poll) for n, poll in enumerate(self.polls, 1) if poll.state in ENDED)

    def is_usable(self, roll: Roll) -> bool:
        """Whether a poll that has not ended uses the roll or may use it yet, so that a snapshot holds its entries."""
        return roll.poll == 0 or self.polls[roll.poll - 1].state not in ENDED

    @property
    def usable_rolls(self) -> Iterator[tuple[RollNumber, Roll]]:
        """Those rolls."""
        return ((RollNumber(n), roll) for n, roll in enumerate(self.rolls, 1) if self.is_usable(roll))

    @property
    def spent_rolls(self) -> Iterator[tuple[RollNumber, Roll]]:
        """The others."""
        return ((RollNumber(n), roll) for n, roll in enumerate(self.rolls, 1) if not self.is_usable(roll))


def stored_records(reader: Reader, polls: int) -> dict[str, list[bytes]]:
    """The values of the state tree, by store and in the order of their numbers."""

    def numbered(store: str) -> list[bytes]:
        if store == "chain":
            return [value for value in [reader.get(keyspace.CHAIN_KEY)] if value is not None]
        if store == "tallies":
            # A poll without a released tally has an empty entry (L9).
            return [reader.get(keyspace.record_place(store, n)) or b"" for n in range(1, polls + 1)]
        values = (reader.get(keyspace.record_place(store, n)) for n in count(1))
        return [value for value in takewhile(lambda value: value is not None, values) if value is not None]

    return {store: numbered(store) for store in STORES}


def snapshot_chunks(source: Source) -> Iterator[bytes]:
    """The snapshot of the state in the store, one chunk after the other."""
    outline = Outline.of(source)
    assert not outline.is_counting
    buffer = bytearray()
    for item in _items(source, outline):
        buffer += len(item).to_bytes(4, "big")
        buffer += item
        while len(buffer) >= SNAPSHOT_CHUNK_BYTES:
            yield bytes(buffer[:SNAPSHOT_CHUNK_BYTES])
            del buffer[:SNAPSHOT_CHUNK_BYTES]
    if buffer:
        yield bytes(buffer)


def _items(source: Source, outline: Outline) -> Iterator[bytes]:
    records = stored_records(source, len(outline.polls))
    yield codec.encode((VERSION, tuple(len(records[store]) for store in STORES)))
    for store in STORES:
        yield from records[store]
    for name in outline.definitions:
        definition = source.get(keyspace.definition_key(name))
        assert definition is not None, name.hex()
        yield definition
    for roll, _ in outline.usable_rolls:
        entries = source.scan(*keyspace.entries_scan(roll))
        leaves = (keyspace.roll_item(keyspace.voter_of(key), keyspace.unpack_entry(value)[1]) for key, value in entries)
        while group := list(islice(leaves, GROUP)):
            yield b"".join(group)
    for number, poll in outline.running:
        for n in range(poll.ballots_size):
            yield ballot_bytes(source, source, number, BallotNumber(n))
