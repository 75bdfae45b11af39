"""The past is filled in from several peers, some of which lie, stall or go; with restarts and crashes (CP17, CP19)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mvchain.core.types import Height
from mvchain.ledger.filling import filled_until
from mvchain.ledger.history import decode_final_proof, encode_final_proof
from mvchain.node.backfill import ANSWER_DEADLINE_MS, WINDOW, Backfill
from mvchain.node.dispatch import TICK_MS, Dispatch
from mvchain.node.memory import MemoryDisk, MemoryStore
from mvchain.node.message import Message
from mvchain.node.serving import Serving
from mvchain.node.wire_past import FinalProof, GetPastBlock, PastBlock, Question
from tests.faults.stage import NoteShell
from tests.node.cluster import Node
from tests.node.join_helpers import ended_network, joined, manifest_of, snapshots_of
from tests.node.replay import replayed
from tests.node.storage_helpers import AFTERMATHS, Crash, SeamDisk

Lie = Callable[[Question, Message], Message | None]


def honest(_: Question, answer: Message) -> Message:
    return answer


@pytest.fixture(scope="module")
def node() -> Node:
    return ended_network()


class Network:
    """Peers by name, and a node that fills in its past from them; time goes on by itself."""

    def __init__(self, node: Node, **lies: Lie) -> None:
        self.node = node
        self.lies = lies
        self.serving = Serving(node.replica, snapshots_of(node))
        self.disk = MemoryDisk()
        self.store = MemoryStore(self.disk)
        joined(node, self.store)
        self.now_ms = 0
        self.asked: list[tuple[str, Question]] = []
        self.dropped: list[str] = []
        self.bases: list[int] = []
        self.start()

    def start(self) -> None:
        self.backfill = Backfill(self.store)
        for name in self.lies:
            if name not in self.dropped:
                self.backfill.peer_status(name, 1)

    def round(self) -> None:
        for name, question in self.backfill.requests(self.now_ms):
            self.asked.append((name, question))
            answer = self.lies[name](question, self.serving.answer(question))
            if isinstance(answer, PastBlock | FinalProof):
                self.backfill.arrived(name, answer, self.now_ms)
        lied = self.backfill.work(lambda: True)
        if lied is not None:
            self.dropped.append(lied[0])
            self.backfill.peer_gone(lied[0])
        self.bases.append(self.store.base_height)
        self.check_readable()
        self.now_ms += 1_000

    def check_readable(self) -> None:
        """CP19: every block from the base height up is there with all that belongs to it."""
        for height in range(self.store.base_height, self.store.last_height + 1):
            assert self.store.block(Height(height)) is not None
            assert self.store.commit(Height(height))
        assert self.store.block(Height(self.store.base_height - 1)) is None

    def run(self, rounds: int = 100) -> None:
        for _ in range(rounds):
            if self.backfill.left == 0:
                return
            self.round()
        raise AssertionError(f"{self.backfill.left} steps are left")

    def check(self) -> None:
        """The store is that of a node which executed every block, up to the snapshot."""
        node, store = self.node.store, self.store
        assert filled_until(store) is None
        top = store.last_height
        for height in range(1, top + 1):
            ours, theirs = store.block(Height(height)), node.block(Height(height))
            assert ours is not None
            assert theirs is not None
            assert replace(ours, commit=b"") == replace(theirs, commit=b"")
            assert ours.commit == (node.last_commit(Height(height + 1)) if height < top else ours.commit)
            for tx_hash in node.tx_hashes(Height(height)):
                assert store.tx_location(tx_hash) == node.tx_location(tx_hash)
        assert past_of(store) == past_of(node)


def past_of(store: MemoryStore) -> dict[bytes, bytes]:
    """What the snapshot left out."""
    return {
        key: value for key, value in store.scan(b"a", b"z") if key[:1] in (b"e", b"f", b"g", b"l", b"n", b"v", b"d")
    }


def test_the_past_is_filled_in(node: Node) -> None:
    network = Network(node, one=honest, two=honest, three=honest)
    assert network.store.base_height > 4
    left = network.backfill.left
    network.run()
    network.check()
    assert left > network.store.last_height
    assert {name for name, _ in network.asked} == {"one", "two", "three"}
    assert len(network.asked) == network.store.last_height - 1 + 1, "each block once, and the proof"
    assert network.bases == sorted(network.bases, reverse=True)


def test_a_node_that_executed_everything_asks_for_nothing(node: Node) -> None:
    backfill = Backfill(node.store)
    backfill.peer_status("one", 1)
    assert (backfill.requests(0), backfill.left) == ([], 0)
    assert backfill.work(lambda: True) is None


def test_no_more_than_the_window_is_asked_for(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvchain.node.backfill.WINDOW", 3)
    network = Network(node, one=lambda *_: None)
    assert len(network.backfill.requests(0)) == 3
    assert network.backfill.requests(0) == []
    assert WINDOW == 16


def test_it_pauses_while_the_disk_is_nearly_full(node: Node) -> None:
    network = Network(node, one=honest)
    network.round()
    left, asked = network.backfill.left, len(network.asked)
    assert left > 0
    network.backfill.is_paused = True
    network.round()
    network.round()
    assert (network.backfill.left, len(network.asked)) == (left, asked)
    network.backfill.is_paused = False
    network.run()
    network.check()


# --- lies --------------------------------------------------------------------------------------------------------


def wrong_block(_: Question, answer: Message) -> Message:
    if isinstance(answer, PastBlock):
        return replace(answer, block=answer.block[:-1] + bytes((answer.block[-1] ^ 1,)))
    return answer


def junk(_: Question, answer: Message) -> Message:
    return replace(answer, block=b"junk") if isinstance(answer, PastBlock) else answer


def wrong_numbers(_: Question, answer: Message) -> Message:
    return replace(answer, numbers=b"\x90") if isinstance(answer, PastBlock) and answer.numbers != b"\x90" else answer


def wrong_proof(_: Question, answer: Message) -> Message:
    return replace(answer, data=answer.data[:-2] + b"\0\0") if isinstance(answer, FinalProof) else answer


@pytest.mark.parametrize("lie", [wrong_block, junk, wrong_numbers, wrong_proof])
def test_a_liar_is_dropped(node: Node, lie: Lie) -> None:
    """Named so that it is asked first."""
    network = Network(node, a=lie, b=honest)
    network.run()
    network.check()
    assert network.dropped == ["a"]


def silent(_: Question, answer: Message) -> Message | None:
    return None


def without(_: Question, answer: Message) -> Message:
    return replace(answer, block=b"") if isinstance(answer, PastBlock) else replace(answer, data=b"")  # type: ignore[call-arg]


@pytest.mark.parametrize("lie", [silent, without])
def test_who_gives_nothing_rests(node: Node, lie: Lie) -> None:
    network = Network(node, a=lie, b=honest, c=lie)
    network.run()
    network.check()
    assert network.dropped == []
    assert network.now_ms >= (ANSWER_DEADLINE_MS if lie is silent else 0)


def test_an_answer_that_was_not_asked_for_is_dropped_unread(node: Node) -> None:
    """ATK16: of another peer, of another height, twice."""
    network = Network(node, a=honest, b=honest)
    backfill = network.backfill
    asked = {question.height: name for name, question in backfill.requests(0) if isinstance(question, GetPastBlock)}
    height, name = next(iter(asked.items()))
    other = "b" if name == "a" else "a"
    junk_block = PastBlock(height, b"", b"junk")
    backfill.arrived(other, junk_block, 0)
    backfill.arrived(name, replace(junk_block, height=Height(1 << 60)), 0)
    assert backfill.work(lambda: True) is None
    good = network.serving.answer(GetPastBlock(height))
    assert isinstance(good, PastBlock)
    backfill.arrived(name, good, 0)
    backfill.arrived(name, junk_block, 0)
    assert backfill.work(lambda: True) is None
    assert network.store.base_height == height


def test_a_peer_that_has_not_got_it_is_not_asked(node: Node) -> None:
    """S21: base > height; base 0 says that it has none."""
    network = Network(node)
    base = network.store.base_height
    for name, held in (("young", base), ("empty", 0), ("old", 1)):
        network.backfill.peer_status(name, held)
    assert {name for name, _ in network.backfill.requests(0)} == {"old"}


def test_a_proof_of_another_poll_is_not_taken(node: Node) -> None:
    def lie(_: Question, answer: Message) -> Message:
        if not isinstance(answer, FinalProof):
            return answer
        height = Height(node.height - 1)
        found = node.replica.state.prove_at(height, "rolls", 1)
        assert found is not None
        return replace(answer, data=encode_final_proof(height, found[1]))

    network = Network(node, a=lie, b=honest)
    network.run()
    network.check()
    assert network.dropped == ["a"]


@pytest.mark.parametrize("above", [0, 1, 1 << 40])
def test_a_proof_of_a_height_that_is_not_there_holds_nothing_up(node: Node, above: int) -> None:
    """It leads to a later header than a poll can have that was final in the snapshot: who says so lies (S21)."""

    def lie(_: Question, answer: Message) -> Message:
        if not isinstance(answer, FinalProof):
            return answer
        _, ops = decode_final_proof(answer.data, answer.poll)
        return replace(answer, data=encode_final_proof(Height(top + 1 + above), ops))

    top = manifest_of(node).height
    network = Network(node, a=lie, b=honest)
    network.run()
    network.check()
    assert network.dropped == ["a"]


def test_a_late_block_is_no_proof(node: Node) -> None:
    """A peer answers for block 1 when it is asked for the proof of poll 1: no end of the node (ATK16)."""

    def late(question: Question, answer: Message) -> Message:
        if not isinstance(answer, FinalProof):
            return answer
        block = network.serving.answer(GetPastBlock(Height(answer.poll)))
        assert isinstance(block, PastBlock)
        network.backfill.arrived("a", block, network.now_ms)
        return answer

    network = Network(node, a=late)
    network.run()
    network.check()
    assert network.dropped == []


class SlowStore(MemoryStore):
    """Takes 200 ms for a block, as a full one does."""

    shell: NoteShell

    def save_block(self, **parts: Any) -> None:
        super().save_block(**parts)
        self.shell.now_ms += 200


def test_long_blocks_leave_consensus_its_time(node: Node) -> None:
    """I7: a node that signs again while it fills in the past; a fifth of the time at most, whatever a block takes."""
    store, shell = SlowStore(MemoryDisk()), NoteShell()
    store.shell = shell
    joined(node, store)
    replica = replayed(node, store, manifest_of(node).height)
    top, serving = store.base_height, Serving(node.replica, snapshots_of(node))
    dispatch = Dispatch(replica, node.journal, shell, snapshots=snapshots_of(node), vouched=False)
    dispatch.connected("one", node.key.public)
    dispatch.backfill.peer_status("one", 1)
    started_ms = shell.now_ms
    for _ in range(60):
        shell.now_ms += TICK_MS
        dispatch.tick()
        asked = [message for _, message in shell.sent if isinstance(message, GetPastBlock)]
        shell.sent.clear()
        for question in asked:
            dispatch.received("one", serving.answer(question))
    spent_ms = 200 * (top - store.base_height)
    assert spent_ms >= 400
    assert spent_ms <= (shell.now_ms - started_ms + 1_000) // 5


# --- interruptions -----------------------------------------------------------------------------------------------


def test_restarts_go_on(node: Node) -> None:
    network = Network(node, a=honest)
    for _ in range(200):
        if filled_until(network.store) is None:
            break
        network.start()
        left = [1]
        for name, question in network.backfill.requests(0):
            answer = network.serving.answer(question)
            network.backfill.arrived(name, answer, 0)  # type: ignore[arg-type]
        network.backfill.work(lambda left=left: left.pop() == 1 if left else False)  # type: ignore[misc]
    network.check()


def test_a_crash_at_any_write_leaves_no_gap(node: Node) -> None:
    """CP17, CP19."""
    counted = Network(node, a=honest)
    counted.store._disk = seam = SeamDisk(counted.disk)  # type: ignore[assignment]
    counted.run()
    for at in range(len(seam.calls)):
        for after in (False, True):
            network = Network(node, a=honest)
            network.store._disk = SeamDisk(network.disk, at, after=after)  # type: ignore[assignment]
            with pytest.raises(Crash):
                network.run()
            network.disk.crash(AFTERMATHS[at % 3][1])
            network.store._disk = network.disk
            network.check_readable()
            network.start()
            network.run()
            network.check()
