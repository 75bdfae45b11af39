"""Keys: numeric order is the order of the bytes, scans hold one table and one poll only."""

from hypothesis import given
from hypothesis import strategies as st

from mvchain.core.types import BallotNumber, Height, PollNumber, RollNumber, TaggedKey, TimeNs
from mvchain.ledger import keyspace
from tests.ledger.state_helpers import MemoryStore

numbers = st.integers(1, 2**32 - 1)
voters = st.binary(min_size=33, max_size=33).map(TaggedKey)


@given(st.sets(st.tuples(numbers, voters), max_size=20), numbers, voters)
def test_a_scan_of_voters_shows_one_poll_from_one_key_on(
    entries: set[tuple[int, TaggedKey]], poll: int, after: TaggedKey
) -> None:
    entries |= {(poll, after), (poll, TaggedKey(b"\xff" * 33)), (poll, TaggedKey(bytes(33)))}
    store = MemoryStore()
    store.write({keyspace.voter_key(PollNumber(p), voter): b"v" for p, voter in entries})
    store.write({keyspace.entry_key(RollNumber(p), voter): b"e" for p, voter in entries})
    store.write({keyspace.ballot_key(PollNumber(p), BallotNumber(1)): b"l" for p, _ in entries})
    whole = sorted(voter for p, voter in entries if p == poll)
    found = [keyspace.voter_of(key) for key, _ in store.scan(*keyspace.voters_scan(PollNumber(poll)))]
    assert found == whole
    found = [keyspace.voter_of(key) for key, _ in store.scan(*keyspace.voters_scan(PollNumber(poll), after))]
    assert found == [voter for voter in whole if voter >= after]
    found = [keyspace.voter_of(key) for key, _ in store.scan(*keyspace.entries_scan(RollNumber(poll)))]
    assert found == whole
    assert [
        value for _, value in store.scan(*(keyspace.ballot_key(PollNumber(poll), BallotNumber(n)) for n in (0, 2)))
    ] == [b"l"]


@given(st.sets(numbers, max_size=20))
def test_records_are_scanned_in_the_order_of_their_numbers(found: set[int]) -> None:
    store = MemoryStore()
    store.write({keyspace.numbered(keyspace.POLLS, n): b"" for n in found})
    store.write({keyspace.numbered(keyspace.ROLLS, n): b"" for n in found})
    scanned = [keyspace.number_of(key) for key, _ in store.scan(*keyspace.table_scan(keyspace.POLLS))]
    assert scanned == sorted(found)


@given(st.integers(0, 2**32 - 1), st.integers(1, 2**16), st.integers(0, 15), st.integers(0, 2**48 - 1))
def test_values_there_and_back(number: int, weight: int, revision: int, height: int) -> None:
    assert keyspace.unpack_entry(keyspace.pack_entry(number, weight)) == (number, weight)
    assert keyspace.unpack_voter(keyspace.pack_voter(revision, BallotNumber(number))) == (revision, number)
    assert keyspace.unpack_place(keyspace.pack_place(Height(height), weight)) == (height, weight)
    assert keyspace.unpack_block(keyspace.pack_block(Height(height), TimeNs(number))) == (height, number)


def test_sizes() -> None:
    """Disk per roll entry and ballot is what a country pays for (L5, performance P3)."""
    assert len(keyspace.pack_entry(0, 1)) == 7
    assert len(keyspace.pack_voter(0, BallotNumber(0))) == 5
    assert len(keyspace.pack_place(Height(1), 0)) == 9
