"""What a snapshot holds, and that it is a function of the state."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import codes
from mvchain.core.errors import BadProof
from mvchain.core.hashing import sha256
from mvchain.core.limits import MAX_SNAPSHOT_CHUNKS, SNAPSHOT_CHUNK_BYTES
from mvchain.core.types import Hash, Height
from mvchain.ledger.snapshot import Manifest, snapshot_chunks
from tests.ledger.snapshot_helpers import VOTERS, busy_world
from tests.ledger.state_helpers import World, key_of


def test_two_nodes_have_the_same_snapshot() -> None:
    first, second = busy_world(), busy_world()
    assert list(snapshot_chunks(first.store)) == list(snapshot_chunks(second.store))


def test_it_holds_the_ballots_of_running_polls_and_the_rolls_they_need() -> None:
    """By hand: 65 ballots of poll 3 and 150 + 80 + 3 of poll 4; rolls 3 to 6, not those of polls that have ended."""
    world = busy_world()
    data = b"".join(snapshot_chunks(world.store))
    items = []
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        items.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    assert at == len(data)
    # Sizes, agencies, chain, evidence, polls, rolls, tallies; one definition a poll.
    records = 1 + 2 + 1 + 2 + 5 + 6 + 5
    definitions = 5
    # Groups of 64 entries: of 70 voters, of 150, of 2, and of 100.
    groups = 2 + 3 + 1 + 2
    ballots = 65 + 150 + 80 + 3
    assert len(items) == records + definitions + groups + ballots
    assert sum(key_of(VOTERS[69]).tagged in item for item in items) == 3 + 1 + 1


def test_its_chunks_are_cut_at_a_fixed_size(monkeypatch: pytest.MonkeyPatch) -> None:
    world = busy_world()
    whole = b"".join(snapshot_chunks(world.store))
    monkeypatch.setattr("mvchain.ledger.snapshot.SNAPSHOT_CHUNK_BYTES", 1_000)
    chunks = list(snapshot_chunks(world.store))
    assert b"".join(chunks) == whole
    assert {len(chunk) for chunk in chunks[:-1]} == {1_000}
    assert 0 < len(chunks[-1]) <= 1_000
    assert SNAPSHOT_CHUNK_BYTES == 1 << 20


def test_none_is_made_while_a_poll_is_counted() -> None:
    world = World(approvals=1)
    world.staff()
    poll = world.open_poll(VOTERS[:3])
    world.block(world.ballot(poll, VOTERS[0], 1))
    world.block(after_ms=2_000)
    assert world.state.counting
    with pytest.raises(AssertionError):
        next(snapshot_chunks(world.store))


HASHES = st.lists(st.binary(min_size=32, max_size=32).map(Hash), min_size=1, max_size=4).map(tuple)


@given(st.integers(1, 1 << 40), HASHES)
def test_a_manifest_is_read_back_and_named_by_its_hash(height: int, chunks: tuple[Hash, ...]) -> None:
    manifest = Manifest(Height(height), chunks)
    assert Manifest.decode(manifest.encode()) == manifest
    assert manifest.hash == sha256(manifest.encode())


@pytest.mark.parametrize(
    ("hashes", "fault"),
    [(b"", "no chunk"), (bytes(31), "half a hash"), (bytes(33), "more than a hash")],
)
def test_a_manifest_of_a_wrong_length_is_refused(hashes: bytes, fault: str) -> None:
    from mvchain.core import codec

    with pytest.raises(BadProof) as caught:
        Manifest.decode(codec.encode((1, 5, hashes)))
    assert caught.value.cause is codes.MALFORMED, fault


def test_the_largest_manifest_can_be_read() -> None:
    manifest = Manifest(Height(1), (Hash(bytes(32)),) * MAX_SNAPSHOT_CHUNKS)
    assert Manifest.decode(manifest.encode()) == manifest
    larger = Manifest(Height(1), (Hash(bytes(32)),) * (MAX_SNAPSHOT_CHUNKS + 1))
    with pytest.raises(BadProof):
        Manifest.decode(larger.encode())
