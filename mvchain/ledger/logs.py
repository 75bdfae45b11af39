"""Proofs in long logs: roll entries, a poll's ballots, its counted ballots (ledger L5, L9, L10).

A log can have millions of leaves. Stored of each are the roots of its full subtrees of 64, 64^2, 64^3... leaves
(`merkle.GROUP`), written by the block that filled them. Any other subtree is made of a few of these and of the leaves
of one group, so a proof reads about 200 hashes whatever the size of the log.
"""

from collections.abc import Callable, Sequence
from itertools import islice

from mvchain.core import codes, merkle
from mvchain.core.errors import BrokenStorage
from mvchain.core.hashing import sha256
from mvchain.core.merkle import GROUP, GROUP_LEVELS, CompactRange, leaf_hash, root_of_leaf_hashes
from mvchain.core.types import BallotNumber, Hash, PollNumber, RollNumber, TaggedKey
from mvchain.ledger import keyspace
from mvchain.ledger.readers import Reader, TransactionReader

Nodes = Callable[[int, int, int], Sequence[Hash]]
"""The roots of full subtrees: of a level, from one index to before another."""
Leaves = Callable[[int], Sequence[Hash]]
"""The leaf hashes of a group, by its index; fewer than GROUP at the end of the log."""


class GroupedLog:
    """Proofs in the first `size` leaves of a log whose groups are stored."""

    def __init__(self, size: int, nodes: Nodes, leaves: Leaves) -> None:
        self.size = size
        self._nodes = nodes
        self._leaves = leaves
        self._group: tuple[int, Sequence[Hash]] = (-1, ())

    def inclusion(self, index: int) -> merkle.Proof:
        """Proof of leaf `index`."""
        return merkle.inclusion_proof(self.root_of, index, self.size)

    def consistency(self, size: int) -> tuple[Hash, ...]:
        """Proof that the first `size` leaves, at least 1, are the beginning of the log."""
        return merkle.consistency_proof(self.root_of, size, self.size)

    def root_of(self, start: int, stop: int) -> Hash:
        """The root over the leaves of a subtree (`merkle.SubtreeRoot`)."""
        level = (stop - start).bit_length() - 1
        level -= level % GROUP_LEVELS
        if level == 0:
            group = self._group_of(start)
            return root_of_leaf_hashes(group[start % GROUP : start % GROUP + stop - start])
        # A subtree begins at a multiple of its size rounded up to a power of two, so its nodes are aligned.
        full = stop >> level << level
        parts = list(self._nodes(level, start >> level, full >> level))
        if len(parts) != full - start >> level:
            raise BrokenStorage(codes.STATE_RECORD_MISSING, what="a node of a log")
        if full < stop:
            parts.append(self.root_of(full, stop))
        return root_of_leaf_hashes(parts)

    def _group_of(self, index: int) -> Sequence[Hash]:
        """The group of a leaf; kept, since neighbouring subtrees of one proof lie in it."""
        if self._group[0] != index // GROUP:
            self._group = (index // GROUP, self._leaves(index // GROUP))
        return self._group[1]


def finished_writes(log: bytes, number: int, entries: CompactRange) -> dict[bytes, bytes]:
    """What has to be written of a log that grew: the subtrees that became full."""
    return {keyspace.node_key(log, number, level, index): root for level, index, root in entries.take_finished()}


def roll_log(reader: Reader, number: RollNumber, size: int) -> GroupedLog:
    """The entries of a roll, in the order of their keys (`keyspace.roll_item`)."""

    def leaves(group: int) -> Sequence[Hash]:
        first = _first_of(reader, keyspace.ROLL_LOG, number, group)
        return [
            leaf_hash(keyspace.roll_item(keyspace.voter_of(key), keyspace.unpack_entry(value)[1]))
            for key, value in islice(reader.scan(*keyspace.entries_scan(number, first)), GROUP)
        ]

    return GroupedLog(size, _nodes_of(reader, keyspace.ROLL_LOG, number), leaves)


def ballot_bytes(reader: Reader, transactions: TransactionReader, poll: PollNumber, number: BallotNumber) -> bytes:
    """The transaction of an accepted ballot: in its block, or beside the blocks while that is not here (`snapshot`)."""
    place = reader.get(keyspace.ballot_key(poll, number))
    if place is not None:
        return transactions.transaction_at(*keyspace.unpack_place(place))
    found = reader.get(keyspace.loose_ballot_key(poll, number))
    if found is None:
        raise BrokenStorage(codes.STATE_RECORD_MISSING, what=f"ballot {number} of poll {poll}")
    return found


def ballots_log(reader: Reader, transactions: TransactionReader, number: PollNumber, size: int) -> GroupedLog:
    """The hashes of a poll's first `size` ballots, in the order of acceptance."""

    def leaves(group: int) -> Sequence[Hash]:
        ballots = range(group * GROUP, min(size, (group + 1) * GROUP))
        return [leaf_hash(sha256(ballot_bytes(reader, transactions, number, BallotNumber(n)))) for n in ballots]

    return GroupedLog(size, _nodes_of(reader, keyspace.BALLOTS_LOG, number), leaves)


class CountedLog(GroupedLog):
    """The ballots of a final poll that count, in the order of the voters' keys (`keyspace.counted_item`)."""

    def __init__(self, reader: Reader, number: PollNumber, size: int) -> None:
        self._reader = reader
        self._number = number
        self._last: tuple[int, list[tuple[TaggedKey, BallotNumber]]] = (-1, [])
        super().__init__(
            size,
            _nodes_of(reader, keyspace.COUNTED_LOG, number),
            lambda group: [leaf_hash(keyspace.counted_item(*voter)) for voter in self._voters(group)],
        )

    def rank(self, voter: TaggedKey) -> int:
        """How many voters with a counted ballot have a lower key."""
        low, high = 0, (self.size + GROUP - 1) // GROUP
        while low < high:  # the number of groups that begin at or before the voter
            middle = (low + high) // 2
            if _first_of(self._reader, keyspace.COUNTED_LOG, self._number, middle) <= voter:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            return 0
        return (low - 1) * GROUP + sum(key < voter for key, _ in self._voters(low - 1))

    def at(self, index: int) -> tuple[TaggedKey, BallotNumber]:
        """The voter at this index, and the number of the ballot that counts."""
        return self._voters(index // GROUP)[index % GROUP]

    def _voters(self, group: int) -> list[tuple[TaggedKey, BallotNumber]]:
        """Those of a group; the last ones are kept, since a proof asks for them again."""
        if self._last[0] != group:
            first = _first_of(self._reader, keyspace.COUNTED_LOG, self._number, group)
            voters = islice(self._reader.scan(*keyspace.voters_scan(self._number, first)), GROUP)
            self._last = group, [(keyspace.voter_of(key), keyspace.unpack_voter(value)[1]) for key, value in voters]
        return self._last[1]


def _nodes_of(reader: Reader, log: bytes, number: int) -> Nodes:
    def nodes(level: int, start: int, stop: int) -> Sequence[Hash]:
        first, last = (keyspace.node_key(log, number, level, index) for index in (start, stop))
        return [Hash(value) for _, value in reader.scan(first, last)]

    return nodes


def _first_of(reader: Reader, log: bytes, number: int, group: int) -> bytes:
    """The key of the first voter of a group."""
    found = reader.get(keyspace.group_key(log, number, group))
    if found is None:
        raise BrokenStorage(codes.STATE_RECORD_MISSING, what=f"the beginning of group {group} of a log")
    return found
