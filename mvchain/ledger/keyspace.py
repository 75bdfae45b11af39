"""Keys and fixed-size values of the state in the key-value store.

A key is one letter and big-endian fields, so a scan finds the records of a table in ascending order.

| key | value | in the state tree |
|---|---|---|
| `a` u32 agency | `records.Agency` | agencies |
| `b` | u64 height, u64 time in ns of the last block executed | no |
| `c` | `records.Chain` | chain |
| `d` definition hash (32) | canonical bytes of the definition | through the poll |
| `f` u32 poll | u48 height after which it is final, and the proof of its record there (`history`) | no |
| `g` log, u32 its number, u32 group | key of the first voter of the group (`logs`) | no |
| `e` u32 roll, voter key (33) | u32 index in the roll, u24 weight | through the roll's root |
| `i` u32 number | `convictions.Conviction` | evidence |
| `l` u32 poll, u32 ballot number | u48 height, u24 transaction index | through the ballots root |
| `k` u32 proposal | `proposals.Proposal` | governance |
| `n` log, u32 its number, u8 level, u32 index | root of a full subtree of 2^level leaves (`logs`) | no |
| `p` u32 poll | `records.Poll` | polls |
| `q`, `q` log, u32 its number | what is not filled in yet below a snapshot, see `filling` | no |
| `r` u32 roll | `records.Roll` | rolls |
| `s` u32 poll, u32 ballot number | a ballot whose place in the chain is not known yet (`snapshot`) | no |
| `t` u32 poll | `records.Tally`, from the end of the counting on | tallies |
| `o` | u48 the oldest height whose state is proved (`history`) | no |
| `u` u48 height, u8 store, u32 number | what a record that the block changed was before it (`history`) | no |
| `v` u32 poll, voter key (33) | u8 revision, u32 ballot number, latest ballot | through the counted root |
| `w` u32 poll | `work.PollWork`: running tally, ballots log, progress of the counting | no |
| `x` u32 roll | `merkle.CompactRange` over the entries | no |
| `m`, `y` | of the node, not of the chain: its tip (`node.replica`), what it saw others do (`node.watch`) | no |

A log is one letter: `r` the entries of a roll, `b` the ballots of a poll, `c` the ballots of a poll that count.
"""

from struct import Struct

from mvchain.core import codes
from mvchain.core.errors import BrokenStorage
from mvchain.core.types import (
    BallotNumber,
    Hash,
    Height,
    PollNumber,
    RollNumber,
    TaggedKey,
    TimeNs,
)

AGENCIES = b"a"
BLOCK_KEY = b"b"
CHAIN_KEY = b"c"
POLLS = b"p"
PROPOSALS = b"k"
ROLLS = b"r"
TALLIES = b"t"
CONVICTIONS = b"i"
WORKS = b"w"
RANGES = b"x"
FINAL_PROOFS = b"f"
OLDEST_KEY = b"o"
UNDO = b"u"
GAPS = b"q"
WHOLE_STATE = b"a", b"{"
"""Start and stop of a scan over all of it."""

ROLL_LOG = b"r"
BALLOTS_LOG = b"b"
COUNTED_LOG = b"c"

TABLES = {
    "agencies": AGENCIES,
    "evidence": CONVICTIONS,
    "governance": PROPOSALS,
    "polls": POLLS,
    "rolls": ROLLS,
    "tallies": TALLIES,
}
"""Where the numbered records of the stores of the state tree lie."""

_VOTER = Struct(">BI")
_BLOCK = Struct(">QQ")
_WEIGHT_BYTES = 3
_KEY_BYTES = 33


def numbered(table: bytes, number: int) -> bytes:
    """Key of record `number` of a table."""
    return table + number.to_bytes(4, "big")


def definition_key(name: Hash) -> bytes:
    """Of the bytes of the definition with this hash."""
    return b"d" + name


def entry_key(roll: RollNumber, voter: TaggedKey) -> bytes:
    """Of one roll entry."""
    return b"e" + roll.to_bytes(4, "big") + voter


def voter_key(poll: PollNumber, voter: TaggedKey) -> bytes:
    """Of what is known of one voter's ballots in a poll."""
    return b"v" + poll.to_bytes(4, "big") + voter


def ballot_key(poll: PollNumber, number: BallotNumber) -> bytes:
    """Of the place of one ballot in the chain."""
    return b"l" + poll.to_bytes(4, "big") + number.to_bytes(4, "big")


def loose_ballot_key(poll: PollNumber, number: BallotNumber) -> bytes:
    """Of a ballot whose place in the chain is not known yet."""
    return b"s" + poll.to_bytes(4, "big") + number.to_bytes(4, "big")


def gap_key(log: bytes, number: int) -> bytes:
    """Of what is not filled in yet of a log."""
    return GAPS + log + number.to_bytes(4, "big")


def group_key(log: bytes, number: int, group: int) -> bytes:
    """Of the first voter's key in a group of a log that is in the order of keys."""
    return b"g" + log + number.to_bytes(4, "big") + group.to_bytes(4, "big")


def node_key(log: bytes, number: int, level: int, index: int) -> bytes:
    """Of the root of a full subtree of a log; those of a level follow one another."""
    return b"n" + log + number.to_bytes(4, "big") + bytes((level,)) + index.to_bytes(4, "big")


def record_place(store: str, number: int) -> bytes:
    """Where the value of a record of the state tree lies."""
    if store == "chain":
        return CHAIN_KEY
    return numbered(TABLES[store], number)


def undo_key(height: Height, store: int, number: int) -> bytes:
    """Of what a block replaced: a record of the store with this place in STORES."""
    return UNDO + height.to_bytes(6, "big") + bytes((store,)) + number.to_bytes(4, "big")


def undone(key: bytes) -> tuple[Height, int, int]:
    """Height, store and number in such a key."""
    return Height(int.from_bytes(key[1:7], "big")), key[7], int.from_bytes(key[8:], "big")


def table_scan(table: bytes) -> tuple[bytes, bytes]:
    """Start and stop of a scan over a table."""
    return table, table + b"\xff" * 12


def entries_scan(roll: RollNumber, first: bytes = b"") -> tuple[bytes, bytes]:
    """Start and stop of a scan over a roll, ascending by key, from the key `first` on."""
    prefix = b"e" + roll.to_bytes(4, "big")
    return prefix + first, prefix + b"\xff" * (_KEY_BYTES + 1)


def voters_scan(poll: PollNumber, first: bytes = b"") -> tuple[bytes, bytes]:
    """Start and stop of a scan over a poll's voters, ascending by key, from the key `first` on."""
    prefix = b"v" + poll.to_bytes(4, "big")
    return prefix + first, prefix + b"\xff" * (_KEY_BYTES + 1)


def voter_of(key: bytes) -> TaggedKey:
    """The voter's key inside the key of a roll entry or of a voter."""
    return TaggedKey(key[5:])


def number_of(key: bytes) -> int:
    """The number inside the key of a numbered record."""
    return int.from_bytes(key[1:], "big")


def pack_block(height: Height, time_ns: TimeNs) -> bytes:
    """Value of BLOCK_KEY."""
    return _BLOCK.pack(height, time_ns)


def unpack_block(value: bytes) -> tuple[Height, TimeNs]:
    """Height and time of the last block executed; raises BrokenStorage."""
    if len(value) != _BLOCK.size:
        raise BrokenStorage(codes.MALFORMED, what="the record of the last block", why=f"it has {len(value)} bytes")
    height, time_ns = _BLOCK.unpack(value)
    return Height(height), TimeNs(time_ns)


def pack_entry(index: int, weight: int) -> bytes:
    """Value of a roll entry."""
    return index.to_bytes(4, "big") + weight.to_bytes(_WEIGHT_BYTES, "big")


def unpack_entry(value: bytes) -> tuple[int, int]:
    """Index in the roll, from 0, and weight."""
    return int.from_bytes(value[:4], "big"), int.from_bytes(value[4:], "big")


def pack_voter(revision: int, number: BallotNumber) -> bytes:
    """Value of a voter."""
    return _VOTER.pack(revision, number)


def unpack_voter(value: bytes) -> tuple[int, BallotNumber]:
    """Revision and number of the voter's latest ballot."""
    revision, number = _VOTER.unpack(value)
    return revision, BallotNumber(number)


def pack_place(height: Height, index: int) -> bytes:
    """Value of a ballot's place."""
    return height.to_bytes(6, "big") + index.to_bytes(3, "big")


def unpack_place(value: bytes) -> tuple[Height, int]:
    """Height and index of the transaction that holds the ballot."""
    return Height(int.from_bytes(value[:6], "big")), int.from_bytes(value[6:], "big")


def roll_item(voter: TaggedKey, weight: int) -> bytes:
    """Leaf of a roll's tree: key, then weight in 3 bytes (ledger L5)."""
    return voter + weight.to_bytes(_WEIGHT_BYTES, "big")


def counted_item(voter: TaggedKey, number: BallotNumber) -> bytes:
    """Leaf of a poll's counted tree: key, then number of the ballot in 4 bytes (ledger L9)."""
    return voter + number.to_bytes(4, "big")
