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

from collections.abc import Iterable
from itertools import islice

from mvchain.core import codes
from mvchain.core.errors import BadProof, BrokenStorage
from mvchain.core.merkle import GROUP, CompactRange, leaf_hash
from mvchain.core.types import BallotNumber, Height, PollNumber, RollNumber
from mvchain.ledger import keyspace
from mvchain.ledger.blocks import Header
from mvchain.ledger.history import decode_final_proof
from mvchain.ledger.logs import finished_writes
from mvchain.ledger.polls import definition_hash
from mvchain.ledger.readers import Reader
from mvchain.ledger.records import Poll, PollState, Roll
from mvchain.ledger.snapshot import Outline
from mvchain.ledger.state_tree import record_key, verify_state_proof
from mvchain.ledger.transactions import Ballot, PollRegister, RollAppend, Transaction

Writes = dict[bytes, bytes | None]

_VOTERS_AT_ONCE = 1_000
_KEY_BYTES = 33


def gaps(outline: Outline, height: Height) -> Writes:
    """What to write with the snapshot of block `height`: that all this is to be filled in."""
    nothing = CompactRange().encode()
    writes: Writes = {keyspace.GAPS: _progress(height, Height(0))}
    for roll, _ in outline.spent_rolls:
        writes[keyspace.gap_key(keyspace.ROLL_LOG, roll)] = nothing
    for number, poll in outline.ended:
        if poll.ballots_size:
            writes[keyspace.gap_key(keyspace.BALLOTS_LOG, number)] = nothing
        if poll.state is PollState.FINAL:
            writes[keyspace.gap_key(keyspace.COUNTED_LOG, number)] = bytes(_KEY_BYTES) + nothing
    return writes


def is_filled(reader: Reader, number: PollNumber, roll: RollNumber) -> bool:
    """Whether everything is here about a poll and its roll."""
    logs = (keyspace.BALLOTS_LOG, number), (keyspace.COUNTED_LOG, number), (keyspace.ROLL_LOG, roll)
    return all(reader.get(keyspace.gap_key(*log)) is None for log in logs)


def filled_until(reader: Reader) -> tuple[Height, Height] | None:
    """Height of the snapshot that this store began with, and of the last block gone through; None if all is here."""
    record = reader.get(keyspace.GAPS)
    return None if record is None else (_height(record[:6]), _height(record[6:]))


def _height(data: bytes) -> Height:
    return Height(int.from_bytes(data, "big"))


def _progress(target: Height, done: Height) -> bytes:
    return target.to_bytes(6, "big") + done.to_bytes(6, "big")


class Filling:
    """What is missing in one store. Its writes must be in the store before the next call."""

    def __init__(self, reader: Reader) -> None:
        """Of a store that began with a snapshot, and is not whole yet."""
        self._reader = reader
        found = filled_until(reader)
        assert found is not None
        self.target, self.done = found
        self._rolls: dict[RollNumber, CompactRange] = {}
        self._ballots: dict[PollNumber, CompactRange] = {}
        self._counted: dict[PollNumber, tuple[bytes, CompactRange]] = {}
        for key, value in reader.scan(*keyspace.table_scan(keyspace.GAPS)):
            log, number = key[1:2], int.from_bytes(key[2:], "big")
            if log == keyspace.ROLL_LOG:
                self._rolls[RollNumber(number)] = CompactRange.decode(value)
            elif log == keyspace.BALLOTS_LOG:
                self._ballots[PollNumber(number)] = CompactRange.decode(value)
            elif log == keyspace.COUNTED_LOG:
                entry = value[:_KEY_BYTES], CompactRange.decode(value[_KEY_BYTES:])
                self._counted[PollNumber(number)] = entry

        self._uncounted = list(self._counted)
        self.lacking_proofs = {
            n for n in self._counted if reader.get(keyspace.numbered(keyspace.FINAL_PROOFS, n)) is None
        }
        """Final polls whose final proof is not here; a poll keeps its gap until it is."""

    # --- from the blocks ---

    def block(self, height: Height, transactions: Iterable[Transaction], numbers: Iterable[int]) -> Writes:
        """Go through the next block above `done`."""
        assert height == self.done + 1 <= self.target, (height, self.done)
        writes: Writes = {}
        touched_polls: set[PollNumber] = set()
        touched_rolls: set[RollNumber] = set()
        for index, (tx, number) in enumerate(zip(transactions, numbers, strict=True)):
            payload = tx.payload
            if isinstance(payload, Ballot):
                self._ballot(tx, payload, BallotNumber(number), keyspace.pack_place(height, index), writes)
                touched_polls.add(payload.poll)
            elif isinstance(payload, RollAppend) and payload.roll in self._rolls:
                self._append(payload, writes)
                touched_rolls.add(payload.roll)
            elif isinstance(payload, PollRegister):
                writes[keyspace.definition_key(definition_hash(payload.definition))] = payload.definition
        for roll in touched_rolls:
            self._note_roll(roll, writes)
        for poll in touched_polls & self._ballots.keys():
            self._note_ballots(poll, writes)
        self.done = height
        writes[keyspace.GAPS] = _progress(self.target, height)
        return writes

    def _ballot(self, tx: Transaction, ballot: Ballot, number: BallotNumber, place: bytes, writes: Writes) -> None:
        writes[keyspace.ballot_key(ballot.poll, number)] = place
        log = self._ballots.get(ballot.poll)
        if log is None:  # it ran when the snapshot was made
            writes[keyspace.loose_ballot_key(ballot.poll, number)] = None
            return
        log.append(leaf_hash(tx.hash))
        writes[keyspace.voter_key(ballot.poll, tx.signer)] = keyspace.pack_voter(ballot.revision, number)

    def _append(self, payload: RollAppend, writes: Writes) -> None:
        number, entries = payload.roll, self._rolls[payload.roll]
        for key, weight in payload.entries():
            if entries.size % GROUP == 0:
                writes[keyspace.group_key(keyspace.ROLL_LOG, number, entries.size // GROUP)] = key
            writes[keyspace.entry_key(number, key)] = keyspace.pack_entry(entries.size, weight)
            entries.append(leaf_hash(keyspace.roll_item(key, weight)))

    def _note_roll(self, number: RollNumber, writes: Writes) -> None:
        roll, entries = Roll.decode(self._record("rolls", number)), self._rolls[number]
        writes |= finished_writes(keyspace.ROLL_LOG, number, entries)
        whole = entries.size == roll.size
        if whole:
            _compare(entries, roll.root, f"the entries of roll {number}")
            del self._rolls[number]
        writes[keyspace.gap_key(keyspace.ROLL_LOG, number)] = None if whole else entries.encode()

    def _note_ballots(self, number: PollNumber, writes: Writes) -> None:
        poll, ballots = self._poll(number), self._ballots[number]
        writes |= finished_writes(keyspace.BALLOTS_LOG, number, ballots)
        whole = ballots.size == poll.ballots_size
        if whole:
            _compare(ballots, poll.ballots_root, f"the ballots of poll {number}")
            del self._ballots[number]
        writes[keyspace.gap_key(keyspace.BALLOTS_LOG, number)] = None if whole else ballots.encode()

    # --- from what the blocks have given ---

    def step(self) -> Writes | None:
        """When all blocks were gone through: some more of the counted logs. None if only final proofs are missing."""
        assert self.done == self.target
        if self._rolls or self._ballots:
            what = f"the entries of rolls {list(self._rolls)}, the ballots of polls {list(self._ballots)}"
            raise BrokenStorage(codes.STATE_RECORD_MISSING, what=what)
        while self._uncounted:
            number = self._uncounted[-1]
            poll = self._poll(number)
            if self._counted[number][1].size < poll.counted_size:
                return self._count(number, poll)
            self._uncounted.pop()
        return None if self._counted else {keyspace.GAPS: None}

    def _count(self, number: PollNumber, poll: Poll) -> Writes:
        writes: Writes = {}
        last_key, counted = self._counted[number]
        before = counted.size
        first = last_key + b"\x00" if before else b""
        for key, value in islice(self._reader.scan(*keyspace.voters_scan(number, first)), _VOTERS_AT_ONCE):
            voter = keyspace.voter_of(key)
            if counted.size % GROUP == 0:
                writes[keyspace.group_key(keyspace.COUNTED_LOG, number, counted.size // GROUP)] = voter
            counted.append(leaf_hash(keyspace.counted_item(voter, keyspace.unpack_voter(value)[1])))
            last_key = voter
        if counted.size == before:
            raise BrokenStorage(codes.STATE_RECORD_MISSING, what=f"a voter of poll {number}")
        self._counted[number] = last_key, counted
        writes |= finished_writes(keyspace.COUNTED_LOG, number, counted)
        writes[keyspace.gap_key(keyspace.COUNTED_LOG, number)] = last_key + counted.encode()
        return writes | self._closed(number, poll)

    def _closed(self, number: PollNumber, poll: Poll) -> Writes:
        """That the poll is whole, if its counted log and its final proof are here."""
        counted = self._counted[number][1]
        if counted.size < poll.counted_size or number in self.lacking_proofs:
            return {}
        _compare(counted, poll.counted_root, f"the counted ballots of poll {number}")
        del self._counted[number]
        if number in self._uncounted:
            self._uncounted.remove(number)
        return {keyspace.gap_key(keyspace.COUNTED_LOG, number): None}

    def final_proof(self, number: PollNumber, untrusted: bytes, header: Header) -> Writes:
        """Take the final proof of a poll that lacks it.

        Args:
            header: the trusted one above the height that the proof names.

        Raises:
            BadProof: it does not lead there.
        """
        height, ops = decode_final_proof(untrusted, number, BadProof)
        record = self._record("polls", number)
        if header.height != height + 1 or not verify_state_proof(
            header.app_hash, "polls", record_key(number), record, ops
        ):
            raise BadProof(codes.FINAL_PROOF_WRONG, poll=number)
        self.lacking_proofs.discard(number)
        return {
            keyspace.numbered(keyspace.FINAL_PROOFS, number): untrusted,
            **self._closed(number, Poll.decode(record)),
        }

    def _poll(self, number: PollNumber) -> Poll:
        return Poll.decode(self._record("polls", number))

    def _record(self, store: str, number: int) -> bytes:
        value = self._reader.get(keyspace.record_place(store, number))
        if value is None:
            raise BrokenStorage(codes.STATE_RECORD_MISSING, what=f"record {number} of {store}")
        return value


def _compare(log: CompactRange, root: bytes, what: str) -> None:
    if log.root() != root:
        raise BrokenStorage(codes.MALFORMED, what=what, why="their root is not the one in the record")
