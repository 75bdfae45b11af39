"""Gossip of transactions on in-memory graphs: everybody gets everything, nobody what it has shown, within bounds."""

import random
from collections import deque
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvchain.core import limits
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash
from mvchain.node import gossip
from mvchain.node.gossip import MAX_ASKS, RETRY_MS, TxGossip
from mvchain.node.wire import HaveTransactions, Message, Transactions, WantTransactions

Edges = list[tuple[str, str]]

MESH: Edges = [("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]
RING: Edges = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "f"), ("f", "g"), ("g", "a")]
STAR: Edges = [(v, s) for v in "abcd" for s in ("s1", "s2")]
GRAPHS = pytest.mark.parametrize("edges", [MESH, RING, STAR], ids=["mesh", "ring", "star"])


def tx(i: int, size: int = 40) -> bytes:
    return i.to_bytes(8, "big") + bytes(size)


def hashes_of(raws: Iterable[bytes]) -> list[Hash]:
    return [sha256(raw) for raw in raws]


Send = Callable[[str, Message], bool]


def noting(sent: list[tuple[str, Message]]) -> Send:
    """Takes everything and notes it."""

    def send(peer: str, message: Message) -> bool:
        sent.append((peer, message))
        return True

    return send


def noting_messages(sent: list[Message]) -> Send:
    def send(_: str, message: Message) -> bool:
        sent.append(message)
        return True

    return send


def noting_peers(sent: list[str]) -> Send:
    def send(peer: str, _: Message) -> bool:
        sent.append(peer)
        return True

    return send


class SimNode:
    """What the shell does: judges what arrives (all of it is good, unless refused) and keeps it."""

    def __init__(self, name: str, net: "Net") -> None:
        self.name = name
        self.held: dict[Hash, bytes] = {}
        self.judged: list[Hash] = []
        self.refuses: set[Hash] = set()
        self.gossip = TxGossip(lambda peer, message: net.send(name, peer, message), self.held.get)

    def submit(self, raws: Iterable[bytes]) -> None:
        new = {sha256(raw): raw for raw in raws}
        self.held.update(new)
        self.gossip.add_own(new)
        self.gossip.flush()

    def receive(self, peer: str, message: Message, now_ms: int) -> None:
        if isinstance(message, HaveTransactions):
            self.gossip.have(peer, message.hashes, now_ms)
        elif isinstance(message, WantTransactions):
            self.gossip.wanted(peer, message.hashes)
        elif isinstance(message, Transactions):
            new = {sha256(raw): raw for raw in self.gossip.arrived(peer, message.items)}
            self.judged += new
            good = {h: raw for h, raw in new.items() if h not in self.refuses}
            self.held.update(good)
            self.gossip.admitted(good)
            self.gossip.forget(new.keys() - good.keys())
        self.gossip.flush()


class Net:
    """Nodes and edges; messages wait in one queue. `loses` and `refuses` decide about each message."""

    def __init__(self, edges: Edges) -> None:
        self.nodes = {name: SimNode(name, self) for name in sorted({n for edge in edges for n in edge})}
        self.queue: deque[tuple[str, str, Message]] = deque()
        self.now_ms = 0
        self.loses: Callable[[Message], bool] = lambda _: False
        self.full: Callable[[Message], bool] = lambda _: False
        self.shown: dict[tuple[str, str], set[Hash]] = {}
        """What a node has shown another one, by announcing or sending it."""
        self.sent: list[tuple[str, str, Message]] = []
        for one, two in edges:
            self.connect(one, two)

    def connect(self, one: str, two: str) -> None:
        self.nodes[one].gossip.connected(two)
        self.nodes[two].gossip.connected(one)

    def send(self, sender: str, receiver: str, message: Message) -> bool:
        if self.full(message):
            return False
        if isinstance(message, Transactions | HaveTransactions):
            hashes = message.hashes if isinstance(message, HaveTransactions) else tuple(hashes_of(message.items))
            assert not self.shown.get((receiver, sender), set()) & set(hashes), "it showed us that"
            if not self.loses(message):
                self.queue.append((sender, receiver, message))
        elif not self.loses(message):
            self.queue.append((sender, receiver, message))
        self.sent.append((sender, receiver, message))
        return True

    def run(self) -> None:
        """Deliver until nothing is under way."""
        while self.queue:
            sender, receiver, message = self.queue.popleft()
            if isinstance(message, HaveTransactions):
                self.shown.setdefault((sender, receiver), set()).update(message.hashes)
            elif isinstance(message, Transactions):
                self.shown.setdefault((sender, receiver), set()).update(hashes_of(message.items))
            self.nodes[receiver].receive(sender, message, self.now_ms)

    def pass_time(self, ms: int) -> None:
        self.now_ms += ms
        for node in self.nodes.values():
            node.gossip.tick(self.now_ms)
        self.run()

    def everybody_holds(self, raws: Iterable[bytes]) -> bool:
        wanted = set(hashes_of(raws))
        return all(wanted <= node.held.keys() for node in self.nodes.values())


@GRAPHS
def test_every_transaction_reaches_everybody_and_is_judged_once(edges: Edges) -> None:
    net = Net(edges)
    raws = [tx(i) for i in range(500)]
    names = sorted(net.nodes)
    for i in range(0, 500, 25):
        net.nodes[names[i // 25 % len(names)]].submit(raws[i : i + 25])
    net.run()
    assert net.everybody_holds(raws)
    for node in net.nodes.values():
        assert len(node.judged) == len(set(node.judged))


def test_in_a_mesh_a_transaction_travels_once_to_each() -> None:
    net = Net(MESH)
    net.nodes["a"].submit([tx(i) for i in range(100)])
    net.run()
    carried = [len(m.items) for _, _, m in net.sent if isinstance(m, Transactions)]
    assert sum(carried) == 3 * 100
    assert not [m for _, _, m in net.sent if isinstance(m, WantTransactions)]


def test_on_a_ring_the_bodies_travel_once_along_each_side() -> None:
    """Six receivers; where both ways round meet, announcements cross, bodies do not."""
    net = Net(RING)
    net.nodes["a"].submit([tx(i) for i in range(100)])
    net.run()
    assert net.everybody_holds([tx(i) for i in range(100)])
    carried = sum(len(m.items) for _, _, m in net.sent if isinstance(m, Transactions))
    assert carried == 6 * 100


@GRAPHS
@pytest.mark.parametrize("lost", [WantTransactions, Transactions])
def test_lost_requests_and_answers_are_repeated(edges: Edges, lost: type[Message]) -> None:
    """Announcements get through; of requests, or of answers to them, two of three are lost."""
    net = Net(edges)
    raws = [tx(i) for i in range(60)]
    dice = random.Random(5)
    for name, node in net.nodes.items():
        own = raws[ord(name[0]) % 7 :: 7]
        node.held.update(zip(hashes_of(own), own, strict=True))
        node.gossip.admitted(hashes_of(own))  # announced, not pushed
    raws = [raw for raw in raws if any(sha256(raw) in node.held for node in net.nodes.values())]
    net.loses = lambda message: isinstance(message, lost) and dice.random() < 0.66
    for node in net.nodes.values():
        node.gossip.flush()
    net.run()
    assert not net.everybody_holds(raws)
    net.pass_time(RETRY_MS - 1)
    before = len(net.sent)
    assert not [m for _, _, m in net.sent[before:] if isinstance(m, WantTransactions)]
    for _ in range(MAX_ASKS * len(net.nodes)):
        net.pass_time(RETRY_MS)
        if net.everybody_holds(raws):
            break
        net.loses = lambda message: isinstance(message, lost) and dice.random() < 0.3
    assert net.everybody_holds(raws)


def test_the_next_request_goes_to_another_peer() -> None:
    sent: list[tuple[str, Message]] = []
    g = TxGossip(noting(sent), lambda _: None)
    for peer in "bcd":
        g.connected(peer)
    wanted = Hash(b"w" * 32)
    g.have("b", [wanted], 0)
    g.have("c", [wanted], 10)
    g.tick(RETRY_MS - 1)
    g.tick(RETRY_MS)
    g.tick(2 * RETRY_MS)
    assert sent == [
        ("b", WantTransactions((wanted,))),
        ("c", WantTransactions((wanted,))),
        ("b", WantTransactions((wanted,))),
    ]


def test_a_false_announcement_is_given_up() -> None:
    asked: list[Message] = []
    g = TxGossip(noting_messages(asked), lambda _: None)
    g.connected("b")
    g.have("b", [Hash(b"w" * 32)], 0)
    for i in range(100):
        g.tick(i * RETRY_MS)
    assert len(asked) == MAX_ASKS
    assert len(g) == 0
    assert g._announced == {2: 0}


def test_a_proposal_s_transactions_are_asked_of_everybody_until_a_block_is_decided() -> None:
    asked: list[str] = []
    g = TxGossip(noting_peers(asked), lambda _: None)
    for peer in "bcd":
        g.connected(peer)
    g.want("c", [Hash(b"w" * 32)], 0)
    g.want("c", [Hash(b"w" * 32)], 1)
    assert asked == ["c"]
    g.want("d", [Hash(b"w" * 32)], 2)
    for i in range(20):
        g.tick(i * RETRY_MS + RETRY_MS + 2)
    assert asked[:2] == ["c", "d"]
    assert set(asked[2:5]) == {"b", "c", "d"}
    assert len(asked) > MAX_ASKS
    g.finished([Hash(b"x" * 32)])
    asked.clear()
    for i in range(20, 40):
        g.tick(i * RETRY_MS)
    assert asked == []
    assert len(g) == 0


def test_a_proposal_from_somebody_who_is_gone() -> None:
    asked: list[str] = []
    g = TxGossip(noting_peers(asked), lambda _: None)
    g.connected("b")
    g.want("gone", [Hash(b"w" * 32)], 5)
    assert asked == []
    g.tick(5)
    assert asked == ["b"]


def test_what_is_being_judged_is_not_fetched_for_a_proposal() -> None:
    asked: list[Message] = []
    g = TxGossip(noting_messages(asked), lambda _: None)
    g.connected("b")
    assert g.arrived("b", [tx(1)]) == [tx(1)]
    assert g.arrived("b", [tx(1)]) == []
    g.want("b", hashes_of([tx(1)]), 0)
    g.have("b", hashes_of([tx(1)]), 0)
    assert asked == []


@GRAPHS
def test_full_queues_are_healed_by_announcing_later(edges: Edges) -> None:
    net = Net(edges)
    dice = random.Random(1)
    net.full = lambda _: dice.random() < 0.3
    raws = [tx(i) for i in range(200)]
    for i in range(0, 200, 10):
        net.nodes["a"].submit(raws[i : i + 10])
    net.run()
    assert not net.everybody_holds(raws)
    for _ in range(20):
        net.pass_time(RETRY_MS)
    net.full = lambda _: False
    for _ in range(2 * len(net.nodes)):
        net.pass_time(RETRY_MS)
    assert net.everybody_holds(raws)


def test_a_new_or_returning_peer_is_told_what_it_lacks() -> None:
    net = Net([("a", "b"), ("c", "d")])
    raws = [tx(i) for i in range(5000)]
    net.nodes["a"].submit(raws)
    net.run()
    net.connect("b", "c")
    net.pass_time(1)
    assert net.everybody_holds(raws)
    announced = [m for s, r, m in net.sent if (s, r) == ("b", "c") and isinstance(m, HaveTransactions)]
    assert sorted(len(m.hashes) for m in announced) == [904, 4096]

    a, b = net.nodes["a"].gossip, net.nodes["b"].gossip
    a.disconnected("b")
    b.disconnected("a")
    net.shown.clear()
    more = [tx(i) for i in range(5000, 5010)]
    net.nodes["a"].submit(more)
    net.connect("a", "b")
    net.pass_time(2000)
    assert net.everybody_holds(more)


def test_a_peer_that_goes_leaves_its_requests_to_others() -> None:
    asked: list[str] = []
    g = TxGossip(noting_peers(asked), lambda _: None)
    g.connected("b")
    g.connected("c")
    wanted = [Hash(bytes((i,)) * 32) for i in range(10)]
    g.have("b", wanted, 0)
    g.have("c", wanted, 0)
    g.disconnected("b")
    g.connected("e")  # takes the number that b had
    g.tick(RETRY_MS)
    assert asked == ["b", "c"]
    assert g._announced[g._bits["e"]] == 0
    g.forget(wanted)
    assert g._announced[g._bits["e"]] == 0


def test_refused_transactions_are_judged_anew_and_committed_ones_are_not() -> None:
    g = TxGossip(lambda *_: True, lambda _: None)
    g.connected("b")
    assert g.arrived("b", [tx(1), tx(2)]) == [tx(1), tx(2)]
    g.forget(hashes_of([tx(1)]))
    g.finished(hashes_of([tx(2)]))
    assert len(g) == 0
    assert g.arrived("b", [tx(1), tx(2)]) == [tx(1)]


def test_a_refused_transaction_goes_no_further() -> None:
    net = Net([("a", "b"), ("b", "c")])
    net.nodes["b"].refuses = set(hashes_of([tx(1)]))
    net.nodes["a"].submit([tx(1), tx(2)])
    net.run()
    assert set(net.nodes["c"].held) == set(hashes_of([tx(2)]))
    assert len(net.nodes["b"].gossip) == 1


def test_requests_are_answered_within_batches_and_once_each() -> None:
    held = {sha256(tx(i, 60_000)): tx(i, 60_000) for i in range(9)}
    sent: list[Transactions] = []

    def send(_: str, message: Message) -> bool:
        assert isinstance(message, Transactions)
        sent.append(message)
        return len(sent) < 2

    g = TxGossip(send, held.get)
    g.connected("b")
    g.wanted("b", [*held, Hash(b"u" * 32), *held])
    assert [len(m.items) for m in sent] == [4, 4]  # 256,000 bytes each; the queue is full then
    sent.clear()
    g.wanted("b", list(held)[:1] * limits.MAX_BATCH_ITEMS)
    assert [len(m.items) for m in sent] == [1]


def test_what_was_pushed_is_not_announced_as_well() -> None:
    held = {sha256(tx(1)): tx(1)}
    sent: list[Message] = []
    g = TxGossip(noting_messages(sent), held.get)
    g.connected("b")
    g.add_own(held)
    g.flush()
    g.add_own(held)
    g.flush()
    g.tick(0)
    assert sent == [Transactions((tx(1),))]


def test_an_answer_that_found_the_queue_full_is_announced_again() -> None:
    held = {sha256(tx(1)): tx(1)}
    sent: list[Message] = []

    def send(_: str, message: Message) -> bool:
        sent.append(message)
        return not isinstance(message, Transactions)

    g = TxGossip(send, held.get)
    g.connected("b")
    g.admitted(held)
    g.tick(0)
    g.wanted("b", held)
    g.tick(RETRY_MS)
    assert sent == [HaveTransactions(tuple(held)), Transactions((tx(1),)), HaveTransactions(tuple(held))]


def test_memory_is_bounded_whatever_a_peer_announces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gossip, "MAX_WANTED_PER_PEER", 100)
    monkeypatch.setattr(gossip, "MAX_FINISHED_HASHES", 200)
    asked: list[str] = []
    g = TxGossip(noting_peers(asked), lambda _: None)
    g.connected("bad")
    g.connected("good")
    dice = random.Random(0)
    for i in range(50):
        g.have("bad", [Hash(dice.randbytes(32)) for _ in range(90)], i)
    assert len(g) == 100
    g.have("good", [Hash(dice.randbytes(32)) for _ in range(90)], 50)  # its room is its own (ATK38)
    assert len(g) == 190
    assert asked[-1] == "good"
    for i in range(20):
        g.tick(i * RETRY_MS)
    assert len(g) == 0
    assert not g._wanted
    assert not g._due
    for i in range(1000):
        g.finished([Hash(i.to_bytes(32, "big"))])
    assert len(g._finished) + len(g._finished_before) <= 201
    g.have("good", [Hash((999).to_bytes(32, "big"))], 10**6)
    assert len(g) == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(), st.sampled_from([MESH, RING, STAR]))
def test_any_order_of_delivery_and_any_full_queues_heal(seed: int, edges: Edges) -> None:
    dice = random.Random(seed)
    net = Net(edges)
    net.full = lambda _: dice.random() < 0.3
    names = sorted(net.nodes)
    raws = [tx(i) for i in range(30)]
    for raw in raws:
        net.nodes[dice.choice(names)].submit([raw])
        if dice.random() < 0.3:
            net.pass_time(dice.randrange(RETRY_MS))
        elif dice.random() < 0.3:
            net.run()
    net.full = lambda _: False
    for _ in range(2 * len(names)):
        net.pass_time(RETRY_MS)
    assert net.everybody_holds(raws)
