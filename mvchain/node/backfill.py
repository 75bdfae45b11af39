"""Filling in the past of a node that joined by a snapshot: which block to ask of whom, and what to do with it. Pure.

Three stages, each of which a restart goes on with:

1. Blocks, downwards from the snapshot's to the first, several at a time from several peers. Each is verified by the
   header above it (`ledger.past`) before it is saved, so all blocks from the base height up can be read (CP19).
2. What belongs to polls that had ended, from the blocks, upwards (`ledger.filling`).
3. The final proofs of these polls, from peers, each verified by the header it leads to.

A peer that does not answer in time rests, one whose answer is wrong costs its connection. All of it takes a part of
each tick alone, so that it starves nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mvchain.core import codes
from mvchain.core.errors import BadPeer, BadProof
from mvchain.core.types import Height, PollNumber
from mvchain.ledger.blocks import Header
from mvchain.ledger.filling import Filling, filled_until
from mvchain.ledger.history import decode_final_proof
from mvchain.ledger.past import PastBlock as Past
from mvchain.ledger.transactions import decode_transaction
from mvchain.node.joining import save_past
from mvchain.node.ports import BlockStore
from mvchain.node.wire_past import FinalProof, GetFinalProof, GetPastBlock, PastBlock

WINDOW = 16
"""Blocks or proofs asked for at a time; with what came early, this bounds the memory: full blocks have 4 MiB."""
ANSWER_DEADLINE_MS = 5_000
"""After this it is asked of another peer, and the silent one rests as long."""
WRITES_AT_ONCE = 5_000
"""Of the second stage: many small blocks share one synced write; some 50 ms."""

Subject = Height | PollNumber


@dataclass(slots=True)
class _Asked:
    peer: str
    deadline_ms: int


class Backfill:
    """Of one node; nothing to do for one that executed every block."""

    def __init__(self, store: BlockStore) -> None:
        self.is_paused = False
        """While the disk has room for nothing but what consensus needs."""
        self._store = store
        self._filling = None if filled_until(store) is None else Filling(store)
        self._bases: dict[str, int] = {}
        """The lowest block that each peer says it has."""
        self._resting_until_ms: dict[str, int] = {}
        self._asked: dict[Subject, _Asked] = {}
        self._came: dict[Subject, tuple[str, PastBlock | FinalProof]] = {}

    @property
    def left(self) -> int:
        """See `steps_left`."""
        return steps_left(self._store)

    def peer_status(self, peer: str, base: int) -> None:
        """A peer says that it holds blocks from `base` on."""
        self._bases[peer] = base

    def peer_gone(self, peer: str) -> None:
        """What was asked of it is asked of others."""
        self._bases.pop(peer, None)
        self._asked = {subject: asked for subject, asked in self._asked.items() if asked.peer != peer}

    # --- asking ----------------------------------------------------------------------------------------------

    def requests(self, now_ms: int) -> list[tuple[str, GetPastBlock | GetFinalProof]]:
        """Who to ask for what now."""
        if self._filling is None or self.is_paused:
            return []
        for subject, asked in list(self._asked.items()):
            if asked.deadline_ms <= now_ms:
                del self._asked[subject]
                self._resting_until_ms[asked.peer] = now_ms + ANSWER_DEADLINE_MS
        found: list[tuple[str, GetPastBlock | GetFinalProof]] = []
        for subject in self._wanted(self._filling):
            if len(self._asked) >= WINDOW:
                break
            peer = self._least_busy(subject, now_ms)
            if peer is not None and subject not in self._asked and subject not in self._came:
                self._asked[subject] = _Asked(peer, now_ms + ANSWER_DEADLINE_MS)
                blocks = self._store.base_height > 1
                question = GetPastBlock(Height(subject)) if blocks else GetFinalProof(PollNumber(subject))
                found.append((peer, question))
        return found

    def _wanted(self, filling: Filling) -> Sequence[Subject]:
        base = self._store.base_height
        if base > 1:
            return [Height(height) for height in range(base - 1, max(0, base - 1 - WINDOW), -1)]
        return sorted(filling.lacking_proofs)[:WINDOW]

    def _least_busy(self, subject: Subject, now_ms: int) -> str | None:
        """A peer that has the block, or for a proof all of the past."""
        needed = subject if self._store.base_height > 1 else 1
        load = {peer: 0 for peer, base in self._bases.items() if 0 < base <= needed}
        load = {peer: 0 for peer in load if self._resting_until_ms.get(peer, now_ms) <= now_ms}
        for asked in self._asked.values():
            if asked.peer in load:
                load[asked.peer] += 1
        return min(load, key=lambda peer: (load[peer], peer)) if load else None

    def arrived(self, peer: str, answer: PastBlock | FinalProof, now_ms: int) -> None:
        """Keep an answer if it was asked of this peer; an empty one says that it has not got it."""
        of_block = isinstance(answer, PastBlock)
        subject: Subject = answer.height if isinstance(answer, PastBlock) else answer.poll
        asked = self._asked.get(subject)
        # A block that comes late may have the number of a poll that is asked for by now.
        if asked is None or asked.peer != peer or of_block != (self._store.base_height > 1):
            return
        del self._asked[subject]
        if answer.block if isinstance(answer, PastBlock) else answer.data:
            self._came[subject] = peer, answer
        else:
            self._resting_until_ms[peer] = now_ms + ANSWER_DEADLINE_MS

    # --- working ---------------------------------------------------------------------------------------------

    def work(self, may_go_on: Callable[[], bool]) -> tuple[str, BadPeer] | None:
        """Do what can be done now, a step at a time while `may_go_on` says so; a peer that lied, and how.

        Raises:
            BrokenStorage: the disk failed or is damaged.
        """
        while self._filling is not None and not self.is_paused and may_go_on():
            try:
                if not self._step(self._filling):
                    return None
            except _LiedError as lied:
                self._came = {subject: came for subject, came in self._came.items() if came[0] != lied.peer}
                return lied.peer, lied.error
        return None

    def _step(self, filling: Filling) -> bool:
        """One step; False if nothing can be done now."""
        if self._store.base_height > 1:
            return self._save_block()
        if filling.done < filling.target:
            self._go_through(filling)
            return True
        if self._take_proof(filling):
            return True
        writes = filling.step()
        if writes is None:
            return False
        self._store.write_state(writes)
        if filled_until(self._store) is None:
            self._filling = None
            self._came.clear()
        return True

    def _save_block(self) -> bool:
        height = Height(self._store.base_height - 1)
        peer, answer = self._came.pop(height, ("", None))
        if not isinstance(answer, PastBlock):
            return False
        above = Height(height + 1)
        header, commit = self._store.header(above), self._store.last_commit(above)
        assert header is not None
        assert commit is not None
        try:
            block = Past.verify(answer.block, answer.numbers, Header.decode(header))
        except BadProof as error:
            raise _LiedError(peer, error) from None
        # The precommits for it that the next block carries: more than two thirds, as all agreed on that block.
        save_past(self._store, block, commit, {})
        return True

    def _go_through(self, filling: Filling) -> None:
        writes: dict[bytes, bytes | None] = {}
        while filling.done < filling.target and len(writes) < WRITES_AT_ONCE:
            height = Height(filling.done + 1)
            stored = self._store.block(height)
            assert stored is not None, height
            writes |= filling.block(height, map(decode_transaction, stored.txs), stored.result_numbers)
        self._store.write_state(writes)

    def _take_proof(self, filling: Filling) -> bool:
        poll = next((PollNumber(subject) for subject in self._came if subject in filling.lacking_proofs), None)
        if poll is None:
            return False
        peer, answer = self._came.pop(poll)
        assert isinstance(answer, FinalProof)
        try:
            height, _ = decode_final_proof(answer.data, poll, BadProof)
            if height > filling.target:  # final then already; else who says so would be asked again and again
                raise BadProof(codes.FINAL_PROOF_WRONG, poll=poll)
            header = self._store.header(Height(height + 1))
            if header is None:  # the next block has it
                self._came[poll] = peer, answer
                return False
            self._store.write_state(filling.final_proof(poll, answer.data, Header.decode(header)))
        except BadProof as error:
            raise _LiedError(peer, error) from None
        return True


def steps_left(store: BlockStore) -> int:
    """How many blocks are still to be fetched and gone through, and 1 for the rest; 0 when all is here. For people."""
    found = filled_until(store)
    return 0 if found is None else store.base_height - 1 + found[0] - found[1] + 1


class _LiedError(Exception):
    """What a peer sent does not hold."""

    def __init__(self, peer: str, error: BadProof) -> None:
        super().__init__(peer)
        self.peer = peer
        self.error = BadPeer(error.cause, **error.data)
