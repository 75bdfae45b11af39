"""What was acknowledged is in the chain for ever, and each ballot counts once: I3 and I4, from the raw blocks."""

from collections import Counter
from collections.abc import Collection, Iterable

from mvchain.core.hashing import sha256
from mvchain.core.types import Hash, Height, PollNumber
from mvchain.sim.election import OPTIONS
from mvchain.sim.node import Node
from mvchain.sim.reading import read_ballot
from mvchain.sim.violation import Violation


class Acknowledged:
    """I3: what a submitter read was received ends as committed, exactly once, or as rejected with a code.

    Args:
        faulty: addresses of the validators whose promises do not count: they may do anything, or their disks lose
            what was synced.
    """

    def __init__(self, faulty: Collection[bytes] = ()) -> None:
        self._faulty = faulty
        self._promised: dict[tuple[str, Hash], Node] = {}
        self._places: dict[bytes, int] = {}
        self._height = 0

    def on_send(self, node: Node, data: bytes) -> None:
        """Nothing to see."""

    def on_acknowledged(self, node: Node, tx_hash: Hash) -> None:
        """Note a promise."""
        if node.address not in self._faulty:
            self._promised[node.name, tx_hash] = node

    def on_arrive(self, node: Node, data: bytes) -> None:
        """Nothing to see."""

    def on_commit(self, node: Node) -> None:
        """Every transaction stands once in the chain (I3, I4)."""
        if node.address in self._faulty:
            return
        while self._height < node.height:
            self._height += 1
            stored = node.store.block(Height(self._height))
            assert stored is not None
            for raw in stored.txs:
                if sha256(raw) in self._places:
                    raise Violation("I4", f"a transaction is in blocks {self._places[sha256(raw)]} and {self._height}")
                self._places[sha256(raw)] = self._height

    def open_promises(self) -> list[tuple[str, Hash]]:
        """Those that have not ended at the node that gave them, which has to be up."""
        return [
            (node.name, tx_hash)
            for (_, tx_hash), node in self._promised.items()
            if node.is_up and node.store.tx_location(tx_hash) is None and node.dispatch.rejection(tx_hash) is None
        ]

    def finish(self) -> None:
        """At the end of a run, when there was time enough."""
        for name, tx_hash in self.open_promises():
            raise Violation("I3", f"{name} acknowledged {tx_hash.hex()}, and it has not ended")


def recount(blocks: Iterable[tuple[bytes, ...]], poll: int) -> tuple[int, ...]:
    """The totals of the poll's one question from the raw transactions of all blocks: each voter's last ballot (I4).

    Raises:
        Violation: a ballot is in the chain twice.
    """
    last: dict[bytes, tuple[int, int | None]] = {}
    seen: set[tuple[bytes, int]] = set()
    for txs in blocks:
        for raw in txs:
            ballot = read_ballot(raw)
            if ballot is None or ballot.poll != poll:
                continue
            if (ballot.signer, ballot.revision) in seen:
                raise Violation("I4", f"two ballots of {ballot.signer.hex()} with revision {ballot.revision}")
            seen.add((ballot.signer, ballot.revision))
            if ballot.revision >= last.get(ballot.signer, (0, None))[0]:
                last[ballot.signer] = (ballot.revision, ballot.answers[0])
    counts = Counter(answer for _, answer in last.values() if answer is not None)
    return tuple(counts[option] for option in range(OPTIONS))


def check_tally(node: Node, poll: PollNumber, blocks: Iterable[tuple[bytes, ...]]) -> None:
    """I4: the tally of a node is the recount."""
    tally = node.replica.state.stored.tally(poll)
    if tally is None:
        raise Violation("I4", f"{node.name} has no tally")
    counted = recount(blocks, poll)
    if tuple(tally.kept.questions[0].totals) != counted or tally.recounted is not None:
        raise Violation("I4", f"{node.name} has the tally {tally}, the blocks say {counted}")
