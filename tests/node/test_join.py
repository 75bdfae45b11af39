"""Joining by a snapshot: from several nodes, some of which lie, stall or go; interruptions (S21, CP17, CP18)."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mvchain.app import open_state
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BrokenStorage
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash, Height
from mvchain.ledger.blocks import Commit
from mvchain.ledger.snapshot import Manifest
from mvchain.ledger.state import State
from mvchain.light.blocks import decode_light_block, encode_light_block
from mvchain.node import join as join_module
from mvchain.node.join import Join, Progress
from mvchain.node.joining import Arrived, ranked
from mvchain.node.memory import MemoryDisk, MemoryStore
from mvchain.node.message import Message
from mvchain.node.ports import Disk
from mvchain.node.replica import TIP_KEY
from mvchain.node.wire_past import (
    GetSnapshotPart,
    LightBlockResponse,
    PastBlock,
    Question,
    SnapshotPart,
    Snapshots,
)
from tests.ledger.state_helpers import state_facts
from tests.node.cluster import Node
from tests.node.join_helpers import Lie, Served, Wires, changed_network, held_network, manifest_of
from tests.node.replay import replayed
from tests.node.storage_helpers import AFTERMATHS, Crash, SeamDisk

PLACE = Path("joining")
CHUNK_BYTES = 500


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of some bytes, and short deadlines: nobody answers late here, but not at all."""
    monkeypatch.setattr("mvchain.ledger.snapshot.SNAPSHOT_CHUNK_BYTES", CHUNK_BYTES)
    monkeypatch.setattr(join_module, "ANSWER_S", 0.2)
    monkeypatch.setattr(join_module, "CONNECT_S", 0.2)
    monkeypatch.setattr(join_module, "OTHERS_S", 0.2)
    monkeypatch.setattr("mvchain.light.client.PAUSE_S", 0.001)


@pytest.fixture
def node(_small: None) -> Node:
    return held_network()


class Home:
    """Of a node that joins: what outlives a crash."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.inner = MemoryDisk()
        self.disk: Disk = self.inner
        self.store = MemoryStore(self.inner)
        self.progress: list[Progress] = []

    def join(self, *peers: Served, expected: int | None = None) -> Height | None:
        self.store._disk = self.disk
        arrived = Arrived(PLACE, self.disk)

        async def run() -> Height | None:
            genesis = self.node.replica.genesis
            attempt = Join(genesis, self.store, arrived, expected or len(peers), self.progress.append)
            return await attempt.run(Wires(peers))  # type: ignore[arg-type]

        return asyncio.run(run())

    def is_joined(self) -> bool:
        """Whether the state is that after the snapshot's block; else it is none at all."""
        if self.store.get(TIP_KEY) is None:
            return False
        height = manifest_of(self.node).height
        state, tip = open_state(self.store, self.node.replica.genesis)
        assert (state.height, tip.height, self.store.base_height, self.store.last_height) == (height,) * 4
        ours, theirs = self.store.block(height), self.node.store.block(height)
        assert ours is not None
        assert theirs is not None
        assert replace(ours, commit=b"") == replace(theirs, commit=b"")
        assert Commit.decode(ours.commit).block_id == Commit.decode(theirs.commit).block_id
        header = self.node.store.header(Height(height + 1))
        assert header is not None
        assert state.app_hash in header
        return True


def peers(node: Node, *lies: Lie) -> list[Served]:
    """Three honest ones, and one for each lie, which comes before them."""
    bad = [Served(f"bad {n}", node, lie) for n, lie in enumerate(lies, 1)]
    return [*bad, *(Served(f"good {n}", node) for n in range(1, 4))]


def parts_asked(peer: Served) -> list[int]:
    return [question.part for question in peer.asked if isinstance(question, GetSnapshotPart) and question.part]


def test_a_node_joins_from_several(node: Node) -> None:
    home, three = Home(node), peers(node)
    assert home.join(*three) == manifest_of(node).height
    assert home.is_joined()
    assert State.load(home.store, home.store).app_hash
    total = len(manifest_of(node).chunks)
    assert total > 6
    assert [(p.done, p.total) for p in home.progress] == [(n, total) for n in range(total + 1)]
    assert all(parts_asked(peer) for peer in three), "each is asked"
    assert not home.inner.names(PLACE), "the chunks are not needed any more"


def test_it_goes_on_with_the_chain(node: Node) -> None:
    """The blocks above the snapshot execute, second ballots too, and the states are equal."""
    home = Home(node)
    home.join(*peers(node))
    state, _ = open_state(home.store, node.replica.genesis)
    twin = state_facts(State.load(home.store, home.store))
    assert twin == state_facts(state)
    height = manifest_of(node).height
    replica = replayed(node, home.store, height)
    assert replica.tip == node.replica.tip
    assert state_facts(replica.state) == state_facts(node.replica.state)


def test_a_node_joins_through_changes_of_the_validators() -> None:
    """From genesis to a set with another key, over the light blocks between; then it executes what follows."""
    node = changed_network()
    assert len(node.replica.state.validator_changes) == 3
    home, three = Home(node), peers(node)
    assert home.join(*three) == manifest_of(node).height
    assert home.is_joined()
    replica = replayed(node, home.store, manifest_of(node).height)
    assert state_facts(replica.state) == state_facts(node.replica.state)
    assert replica.state.validator_changes == node.replica.state.validator_changes


# --- lies --------------------------------------------------------------------------------------------------------


def wrong_chunk(question: Question, answer: Message) -> Message:
    if isinstance(answer, SnapshotPart) and answer.part == 2:
        return replace(answer, data=answer.data[:-1] + b"\0")
    return answer


def giant_chunk(question: Question, answer: Message) -> Message:
    return replace(answer, data=answer.data * 100) if isinstance(answer, SnapshotPart) and answer.part else answer


def wrong_manifest(question: Question, answer: Message) -> Message:
    return replace(answer, data=answer.data + b"\0") if isinstance(answer, SnapshotPart) and not answer.part else answer


@pytest.mark.parametrize("lie", [wrong_chunk, giant_chunk, wrong_manifest])
def test_a_liar_is_dropped_and_the_others_suffice(node: Node, lie: Lie) -> None:
    home, all_peers = Home(node), peers(node, lie)
    assert home.join(*all_peers) is not None
    assert home.is_joined()
    assert [peer.dropped is not None for peer in all_peers] == [True, False, False, False]


def silent(question: Question, answer: Message) -> Message | None:
    return None


def silent_about_parts(question: Question, answer: Message) -> Message | None:
    return None if isinstance(answer, SnapshotPart) and answer.part else answer


def without_parts(question: Question, answer: Message) -> Message:
    return replace(answer, data=b"") if isinstance(answer, SnapshotPart) else answer


@pytest.mark.parametrize("lie", [silent, silent_about_parts, without_parts])
def test_who_gives_nothing_is_not_waited_for(node: Node, lie: Lie) -> None:
    home, all_peers = Home(node), peers(node, lie, lie)
    assert home.join(*all_peers) is not None
    assert home.is_joined()
    assert not any(peer.dropped for peer in all_peers), "it may be slow, and is not blamed"


def test_one_good_node_among_many_that_stall_suffices(node: Node) -> None:
    """ATK38: nobody holds a place for ever, even where every chunk was first asked of two who stall."""
    home = Home(node)
    stalling = [Served(f"bad {n}", node, silent_about_parts) for n in range(1, 4)]
    good = Served("good", node)
    assert home.join(*stalling, good) is not None
    assert home.is_joined()
    assert len(parts_asked(good)) == len(manifest_of(node).chunks)


def of_false_height(height: int) -> Lie:
    def lie(question: Question, answer: Message) -> Message:
        return Snapshots(((Height(height), Hash(bytes(32))),)) if isinstance(answer, Snapshots) else answer

    return lie


@pytest.mark.parametrize("height", [1, 10_000, (1 << 63) - 1])
def test_a_height_is_not_believed(node: Node, height: int) -> None:
    """ATK05, ATK06: what fewer offer comes later, and a height that no header proves comes to nothing."""
    home, all_peers = Home(node), peers(node, of_false_height(height))
    assert home.join(*all_peers) == manifest_of(node).height
    assert home.is_joined()
    alone = Home(node)
    assert alone.join(*all_peers[:1]) is None
    assert not alone.is_joined()


def of_another_state(node: Node) -> Lie:
    """Offers a consistent snapshot of the right height, with other content: a ballot less in the record."""
    content = b"".join(chunk for chunk in [b"\x00\x00\x00\x01x" * 300])
    chunks = [content[at : at + CHUNK_BYTES] for at in range(0, len(content), CHUNK_BYTES)]
    manifest = Manifest(manifest_of(node).height, tuple(map(sha256, chunks)))

    def lie(question: Question, answer: Message) -> Message:
        if isinstance(answer, Snapshots):
            return Snapshots(((manifest.height, manifest.hash),))
        if isinstance(answer, SnapshotPart):
            part = answer.part
            return replace(answer, data=manifest.encode() if not part else chunks[part - 1])
        return answer

    return lie


def test_content_that_is_not_the_chains_costs_all_who_offered_it(node: Node) -> None:
    home, lie = Home(node), of_another_state(node)
    bad = [Served(f"bad {n}", node, lie) for n in range(1, 4)]
    good = [Served(f"good {n}", node) for n in range(1, 3)]
    assert home.join(*bad, *good) is not None
    assert home.is_joined()
    assert [peer.dropped and peer.dropped.cause for peer in bad] == [codes.SNAPSHOT_WRONG] * 3
    assert not any(peer.dropped for peer in good)


def test_a_wrong_block_costs_who_sent_it(node: Node) -> None:
    def lie(question: Question, answer: Message) -> Message:
        return (
            replace(answer, block=answer.block[:-1] + bytes((answer.block[-1] ^ 1,)))
            if isinstance(answer, PastBlock)
            else answer
        )

    home, all_peers = Home(node), peers(node, lie)
    assert home.join(*all_peers) is not None
    assert home.is_joined()
    assert all_peers[0].dropped is not None


def test_a_forged_light_block_is_not_believed(node: Node) -> None:
    """One bad signature more than may be missing: the header's app hash is worth nothing."""

    def lie(question: Question, answer: Message) -> Message:
        if not isinstance(answer, LightBlockResponse) or not answer.data:
            return answer
        block = decode_light_block(answer.data)
        header = replace(block.header, app_hash=bytes(32))
        block_id = replace(block.commit.block_id, hash=header.hash())
        forged = replace(block, header=header, commit=replace(block.commit, block_id=block_id))
        return replace(answer, data=encode_light_block(forged))

    home = Home(node)
    assert home.join(*peers(node, lie, lie)) is not None
    assert home.is_joined()
    alone = Home(node)
    assert alone.join(*(Served(f"bad {n}", node, lie) for n in range(3))) is None
    assert not alone.is_joined()


def test_nobody_has_one(node: Node) -> None:
    def lie(question: Question, answer: Message) -> Message:
        return Snapshots(()) if isinstance(answer, Snapshots) else answer

    home = Home(node)
    assert home.join(*(Served(f"young {n}", node, lie) for n in range(3))) is None
    assert home.store.get(TIP_KEY) is None


def test_who_is_not_there_is_not_waited_for(node: Node) -> None:
    home = Home(node)
    assert home.join(*peers(node), expected=4) is not None
    assert home.is_joined()


def test_nobody_is_there(node: Node) -> None:
    with pytest.raises(BadConfiguration) as caught:
        Home(node).join(expected=3)
    assert caught.value.cause is codes.NOBODY_TO_JOIN


# --- interruptions -----------------------------------------------------------------------------------------------


def test_an_interrupted_download_goes_on(node: Node) -> None:
    def gone_after_five(question: Question, answer: Message) -> Message:
        return replace(answer, data=b"") if isinstance(answer, SnapshotPart) and answer.part > 5 else answer

    home = Home(node)
    assert home.join(Served("good 1", node, gone_after_five), Served("good 2", node, gone_after_five)) is None
    assert len(home.inner.names(PLACE)) == 5
    second = peers(node)
    assert home.join(*second) is not None
    assert home.is_joined()
    asked = sorted(part for peer in second for part in parts_asked(peer))
    assert min(asked) == 6, "the first five were there"


def test_a_chunk_that_was_damaged_meanwhile_is_fetched_again(node: Node) -> None:
    def gone_after_five(question: Question, answer: Message) -> Message:
        return replace(answer, data=b"") if isinstance(answer, SnapshotPart) and answer.part > 5 else answer

    home = Home(node)
    home.join(Served("good 1", node, gone_after_five))
    name = manifest_of(node).chunks[2].hex()
    home.inner.truncate(home.inner.open(PLACE / name), 10)
    second = peers(node)
    assert home.join(*second) is not None
    assert home.is_joined()
    assert 3 in [part for peer in second for part in parts_asked(peer)]


def test_a_crash_at_any_moment_leaves_a_state_or_none(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """CP17, CP18: and the next attempt comes to its end."""
    monkeypatch.setattr("mvchain.ledger.restoring._BATCH", 5)
    counting = Home(node)
    counting.disk = SeamDisk(counting.inner)  # type: ignore[assignment]
    counting.join(*peers(node))
    calls = counting.disk.calls  # type: ignore[attr-defined]
    assert calls.count("commit") > 10
    outcomes = set()
    for at in range(0, len(calls), 3):
        home = Home(node)
        home.disk = SeamDisk(home.inner, at, after=at % 2 == 0)  # type: ignore[assignment]
        with pytest.raises(Crash):
            home.join(*peers(node))
        home.inner.crash(AFTERMATHS[at % 3][1])
        home.disk = home.inner
        outcomes.add(home.is_joined())
        if not home.is_joined():
            if any(True for _ in home.store.scan(b"a", b"z")):
                with pytest.raises(BrokenStorage) as caught:
                    open_state(home.store, node.replica.genesis)
                assert caught.value.cause is codes.STORE_UNFINISHED
            assert home.join(*peers(node)) is not None
            assert home.is_joined()
    assert False in outcomes


def test_nothing_is_fetched_that_the_disk_has_no_room_for(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a manifest that is far too long nothing comes but its own bytes."""
    home = Home(node)
    monkeypatch.setattr(home.inner, "free_bytes", lambda _: 256 * 2**20 + 3 * len(manifest_of(node).chunks) * 2**20 - 1)
    three = peers(node)
    with pytest.raises(BrokenStorage) as caught:
        home.join(*three)
    assert caught.value.cause is codes.DISK_FULL
    assert not any(parts_asked(peer) for peer in three)


def test_a_giant_snapshot_does_not_stand_before_one_that_has_room(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """S21: most nodes offer a manifest that names more chunks than the disk holds."""
    giant = Manifest(manifest_of(node).height, (Hash(bytes(32)),) * 1_000)

    def lie(question: Question, answer: Message) -> Message:
        if isinstance(answer, Snapshots):
            return Snapshots(((giant.height, giant.hash),))
        return replace(answer, data=giant.encode()) if isinstance(answer, SnapshotPart) else answer

    home = Home(node)
    monkeypatch.setattr(home.inner, "free_bytes", lambda _: 256 * 2**20 + 3 * len(manifest_of(node).chunks) * 2**20)
    bad = [Served(f"bad {n}", node, lie) for n in range(1, 3)]
    assert home.join(*bad, Served("good", node)) == manifest_of(node).height
    assert home.is_joined()
    assert not any(parts_asked(peer) for peer in bad)


def test_a_false_snapshot_that_comes_slowly_does_not_stand_before_a_good_one(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S21, ATK06: most peers feed just fast enough, and what they feed would have no end."""
    monkeypatch.setattr(join_module, "PATIENCE_S", 0.3)
    chunks = [b"%d" % n for n in range(8_000)]
    endless = Manifest(manifest_of(node).height, tuple(map(sha256, chunks)))
    bad: list[Served] = []

    def lie(question: Question, answer: Message) -> Message | None:
        if isinstance(answer, Snapshots):
            return Snapshots(((endless.height, endless.hash),))
        if not isinstance(answer, SnapshotPart):
            return answer
        if not answer.part:
            return replace(answer, data=endless.encode())
        slow = replace(answer, data=chunks[answer.part - 1])
        for peer in bad:
            if peer.asked and peer.asked[-1] is question:
                asyncio.get_running_loop().call_later(0.1, peer.deliver, slow)
        return None

    bad += [Served(f"bad {n}", node, lie) for n in range(1, 4)]
    home = Home(node)
    assert home.join(*bad, Served("good", node)) == manifest_of(node).height
    assert home.is_joined()
    assert 0 < sum(len(parts_asked(peer)) for peer in bad) < 1_000


# --- what is offered ---------------------------------------------------------------------------------------------

A, B, C = (Hash(letter * 32) for letter in (b"a", b"b", b"c"))


@pytest.mark.parametrize(
    ("offers", "order"),
    [
        ({}, []),
        ({"1": [(2, A), (1, B)]}, [(2, A), (1, B)]),
        # Three offer height 1, one of them offers a giant height besides.
        ({"1": [(1, B)], "2": [(1, B)], "3": [(1 << 62, C), (1, B)]}, [(1, B), (1 << 62, C)]),
        # The newest of what as many offer.
        ({"1": [(2, A), (1, B)], "2": [(2, A), (1, B)]}, [(2, A), (1, B)]),
        # Two different ones of one height, and one peer that repeats itself.
        ({"1": [(2, A), (2, A), (2, A)], "2": [(2, B)], "3": [(2, B)]}, [(2, B), (2, A)]),
    ],
)
def test_which_snapshot_is_taken_first(offers: Any, order: list[tuple[int, Hash]]) -> None:
    found = ranked(offers)
    assert [(offer.height, offer.manifest_hash) for offer in found] == order
    for offer in found:
        assert set(offer.peers) == {p for p, o in offers.items() if (offer.height, offer.manifest_hash) in o}
