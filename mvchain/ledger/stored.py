"""What the store alone has of polls and rolls, read when it is asked for: definitions, entries, ballots, tallies, logs.

Beside the state, which keeps in memory what every block needs (`mvchain.ledger.state`); here nothing is kept.
"""

from collections.abc import Iterator

from mvchain.core import codes
from mvchain.core.errors import BrokenStorage
from mvchain.core.types import BallotNumber, Hash, Height, PollNumber, RollNumber, TaggedKey
from mvchain.ledger import keyspace
from mvchain.ledger.history import decode_final_proof
from mvchain.ledger.logs import CountedLog, GroupedLog, ballot_bytes, ballots_log, roll_log
from mvchain.ledger.polls import definition_hash
from mvchain.ledger.readers import Reader, TransactionReader
from mvchain.ledger.records import Tally
from mvchain.ledger.state_tree import ProofOp


class Stored:
    """Of one store, as it is now."""

    def __init__(self, reader: Reader, transactions: TransactionReader) -> None:
        self._reader = reader
        self._transactions = transactions

    def definition(self, name: Hash) -> bytes:
        """The canonical bytes of the definition with this hash, which some poll record names."""
        data = self._reader.get(keyspace.definition_key(name))
        if data is None:
            raise BrokenStorage(codes.STATE_RECORD_MISSING, what=f"definition {name.hex()}")
        if definition_hash(data) != name:
            raise BrokenStorage(codes.MALFORMED, what=f"definition {name.hex()}", why="its bytes have another hash")
        return data

    def tally(self, number: PollNumber) -> Tally | None:
        """The tally of a final poll; None before. Its bytes are the value in the store `tallies`."""
        data = self._reader.get(keyspace.numbered(keyspace.TALLIES, number))
        return None if data is None else Tally.decode(data)

    def latest_ballot(self, poll: PollNumber, voter: TaggedKey) -> tuple[int, BallotNumber] | None:
        """Revision and number of the voter's latest ballot."""
        value = self._reader.get(keyspace.voter_key(poll, voter))
        return None if value is None else keyspace.unpack_voter(value)

    def voters(self, poll: PollNumber, after: bytes = b"") -> Iterator[tuple[TaggedKey, BallotNumber]]:
        """The poll's voters behind the key `after`, ascending, each with the number of the latest ballot."""
        first = after + b"\x00" if after else after
        for key, value in self._reader.scan(*keyspace.voters_scan(poll, first)):
            yield keyspace.voter_of(key), keyspace.unpack_voter(value)[1]

    def roll_entry(self, roll: RollNumber, voter: TaggedKey) -> tuple[int, int] | None:
        """Index and weight of a voter in a roll; None for one who is not on it."""
        value = self._reader.get(keyspace.entry_key(roll, voter))
        return None if value is None else keyspace.unpack_entry(value)

    def roll_log(self, roll: RollNumber, size: int) -> GroupedLog:
        """Proofs in the entries of a roll."""
        return roll_log(self._reader, roll, size)

    def ballots_log(self, poll: PollNumber, size: int) -> GroupedLog:
        """Proofs in the first `size` ballots of a poll."""
        return ballots_log(self._reader, self._transactions, poll, size)

    def counted_log(self, poll: PollNumber, size: int) -> CountedLog:
        """Proofs in the ballots of a final poll that count."""
        return CountedLog(self._reader, poll, size)

    def ballot(self, poll: PollNumber, number: BallotNumber) -> bytes:
        """The transaction of an accepted ballot."""
        return ballot_bytes(self._reader, self._transactions, poll, number)

    def final_proof(self, poll: PollNumber) -> tuple[Height, tuple[ProofOp, ProofOp]]:
        """The height after which a final poll is final, and the proof of its record in that state."""
        data = self._reader.get(keyspace.numbered(keyspace.FINAL_PROOFS, poll))
        if data is None:
            raise BrokenStorage(codes.STATE_RECORD_MISSING, what=f"the final proof of poll {poll}")
        return decode_final_proof(data, poll)
