"""Which transactions to send, announce and ask for, on any connected graph (N8). Pure: time comes as a parameter.

A node pushes what its own API received to all peers in full. What came from a peer it announces by hash to those
that are not known to have it, and they ask for what they lack. For each transaction there is one integer: bit 0
says that this node holds it, every other bit that the peer with this number does, since it showed it or was sent
it. There is no task, timer or list per transaction.

A transaction ends in one of three ways: `forget` (refused), `finished` (committed), or never having come although
it was asked for. Until then it is known here, so that nothing is fetched or judged twice.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from mvchain.core.hashing import sha256
from mvchain.core.limits import MAX_BATCH_ITEMS, MAX_FINISHED_HASHES, MAX_WANTED_PER_PEER
from mvchain.core.types import Hash
from mvchain.node.message import Message
from mvchain.node.wire import HaveTransactions, Transactions, WantTransactions, batches

RETRY_MS = 1_000
"""After this an unanswered request goes to another peer."""
RESYNC_MS = 1_000
"""How often peers whose queue was full, and new ones, are told what they lack."""
MAX_ASKS = 8
"""Requests for one announced transaction, over all peers, before the announcement is taken for a lie."""

_SELF = 1


class TxGossip:
    """What this node knows about who has which transaction.

    Args:
        send: queues a message for the named peer; False if it cannot take it now.
        lookup: a transaction that this node holds, pending or committed; None if it does not.

    Times are milliseconds of a clock that never goes back.
    """

    def __init__(self, send: Callable[[str, Message], bool], lookup: Callable[[Hash], bytes | None]) -> None:
        self._send = send
        self._lookup = lookup
        self._bits: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._everyone = 0
        self._behind = 0
        """Peers that have not been told of everything: new, or their queue was full."""
        self._resync_at_ms = 0
        self._holders: dict[Hash, int] = {}
        self._own: list[Hash] = []
        self._admitted: list[Hash] = []
        self._wanted: dict[Hash, tuple[int, int, int]] = {}
        """Asked for: who announced it first (0: nobody), who was asked in this turn, how often it was asked."""
        self._announced: dict[int, int] = {}
        """How many wanted ones each peer was the first to announce."""
        self._needed: set[Hash] = set()
        self._due: deque[tuple[int, tuple[Hash, ...]]] = deque()
        """When to look at requests again; in order, since all wait equally long."""
        self._finished: set[Hash] = set()
        self._finished_before: set[Hash] = set()

    def __len__(self) -> int:
        """How many transactions are known, not counting the finished ones."""
        return len(self._holders)

    # --- peers ---

    def connected(self, peer: str) -> None:
        """A peer is there; the next `tick` tells it what this node holds."""
        bit = _SELF << 1
        while bit in self._names:
            bit <<= 1
        self._bits[peer], self._names[bit] = bit, peer
        self._announced[bit] = 0
        self._everyone |= bit
        self._behind |= bit
        self._resync_at_ms = 0

    def disconnected(self, peer: str) -> None:
        """A peer is gone; what was asked of it is asked of others when its time is up."""
        bit = self._bits.pop(peer)
        del self._names[bit], self._announced[bit]
        self._everyone &= ~bit
        self._behind &= ~bit
        for tx_hash, mask in self._holders.items():
            self._holders[tx_hash] = mask & ~bit
        for tx_hash, (first, asked, asks) in self._wanted.items():
            self._wanted[tx_hash] = (0 if first == bit else first, asked & ~bit, asks)

    # --- transactions of this node ---

    def add_own(self, hashes: Iterable[Hash]) -> None:
        """These came through the own API and are admitted: the next `flush` pushes them in full."""
        self._own += self._hold(hashes)

    def admitted(self, hashes: Iterable[Hash]) -> None:
        """These came from peers and are admitted: the next `flush` announces them."""
        self._admitted += self._hold(hashes)

    def forget(self, hashes: Iterable[Hash]) -> None:
        """These were refused; if somebody offers them again they are judged anew (N6)."""
        for tx_hash in hashes:
            self._stop_wanting(tx_hash)
            self._holders.pop(tx_hash, None)

    def finished(self, hashes: Iterable[Hash]) -> None:
        """These were committed by the block just decided; what other proposals lacked is needed no more."""
        hashes = tuple(hashes)
        self.forget(hashes)
        self._needed.clear()
        self._finished.update(hashes)
        if len(self._finished) > MAX_FINISHED_HASHES // 2:
            self._finished_before, self._finished = self._finished, set()

    def flush(self) -> None:
        """Push and announce what was added since the last call; for a batch, or after a few milliseconds (N8)."""
        own, self._own = self._own, []
        admitted, self._admitted = self._admitted, []
        self._offer(own, self._everyone, self._in_full)
        self._offer(admitted, self._everyone, _as_hashes)

    # --- messages of peers ---

    def arrived(self, peer: str, items: Iterable[bytes]) -> list[bytes]:
        """A peer sent transactions; returns those to judge, once each.

        Each then ends in `admitted`, `forget` or `finished`.
        """
        bit, holders, new = self._bits[peer], self._holders, []
        for raw in items:
            tx_hash = sha256(raw)
            mask = holders.get(tx_hash)
            if mask is None:
                if self._has_finished(tx_hash):
                    continue
                new.append(raw)
                holders[tx_hash] = bit
            else:
                holders[tx_hash] = mask | bit
                if tx_hash in self._wanted:
                    self._stop_wanting(tx_hash)
                    new.append(raw)
        return new

    def have(self, peer: str, hashes: Iterable[Hash], now_ms: int) -> None:
        """A peer announced transactions: ask it for those that are unknown.

        Beyond a bound of open requests per peer its announcements are ignored; the bound is each peer's own, so
        that none can use it up for others (ATK38). A block that needs such a transaction asks for it.
        """
        bit = self._bits[peer]
        self._ask(bit, self._unknown(bit, hashes), now_ms)

    def no_room(self, peer: str, items: Iterable[bytes], now_ms: int) -> None:
        """A peer sent transactions that cannot be judged now: as if it had announced them, but asked for later.

        Else it would count them as held here and never offer them again.
        """
        bit = self._bits[peer]
        self._due.append((now_ms + RETRY_MS, tuple(self._unknown(bit, map(sha256, items)))))

    def wanted(self, peer: str, hashes: Iterable[Hash]) -> None:
        """A peer asks for transactions: send what is held. What its queue does not take is announced again later."""
        bit, holders = self._bits[peer], self._holders
        unsent = dict.fromkeys(hashes)
        for message, packed in self._in_full(tuple(unsent)):
            if not self._send(peer, message):
                self._missed(bit, unsent)
                return
            for tx_hash in packed:
                del unsent[tx_hash]
                if tx_hash in holders:
                    holders[tx_hash] |= bit

    # --- what a proposed block lacks, and time ---

    def want(self, source: str, hashes: Iterable[Hash], now_ms: int) -> None:
        """A proposal names transactions that are not here: ask whoever sent it, then every peer in turn (N3).

        Goes on until they come or a block is decided.
        """
        bit = self._bits.get(source, 0)
        asked_now = []
        for tx_hash in hashes:
            if tx_hash in self._holders and tx_hash not in self._wanted:
                continue  # it is here and being judged
            first, asked, asks = self._wanted.get(tx_hash, (0, 0, 0))
            self._needed.add(tx_hash)
            self._holders[tx_hash] = self._holders.get(tx_hash, 0) | bit
            if tx_hash not in self._wanted or not asked & bit:
                self._wanted[tx_hash] = (first, asked | bit, asks + 1)
                asked_now.append(tx_hash)
        if bit:
            self._ask(bit, asked_now, now_ms)
        elif asked_now:
            self._due.appendleft((now_ms, tuple(asked_now)))

    def tick(self, now_ms: int) -> None:
        """Repeat requests that were not answered, and tell peers what they have missed; a few times a second."""
        again: dict[int, list[Hash]] = {}
        while self._due and self._due[0][0] <= now_ms:
            for tx_hash in self._due.popleft()[1]:
                bit = self._next_to_ask(tx_hash)
                if bit:
                    again.setdefault(bit, []).append(tx_hash)
        for bit, hashes in again.items():
            self._ask(bit, hashes, now_ms)
        if self._behind and now_ms >= self._resync_at_ms:
            self._resync_at_ms = now_ms + RESYNC_MS
            behind, self._behind = self._behind, 0
            held = [tx_hash for tx_hash, mask in self._holders.items() if mask & _SELF]
            self._offer(held, behind, _as_hashes)

    # --- inside ---

    def _hold(self, hashes: Iterable[Hash]) -> list[Hash]:
        """Note that this node holds them; returns those that are news."""
        news = []
        for tx_hash in hashes:
            mask = self._holders.get(tx_hash, 0)
            if not mask & _SELF:
                self._stop_wanting(tx_hash)
                self._holders[tx_hash] = mask | _SELF
                news.append(tx_hash)
        return news

    def _unknown(self, bit: int, hashes: Iterable[Hash]) -> list[Hash]:
        """Note that a peer has them; returns those that are wanted from now on, within its bound."""
        holders = self._holders
        room = MAX_WANTED_PER_PEER - self._announced[bit]
        unknown: list[Hash] = []
        for tx_hash in hashes:
            mask = holders.get(tx_hash)
            if mask is not None:
                holders[tx_hash] = mask | bit
            elif len(unknown) < room and not self._has_finished(tx_hash):
                holders[tx_hash] = bit
                self._wanted[tx_hash] = (bit, bit, 1)
                unknown.append(tx_hash)
        self._announced[bit] += len(unknown)
        return unknown

    def _has_finished(self, tx_hash: Hash) -> bool:
        return tx_hash in self._finished or tx_hash in self._finished_before

    def _stop_wanting(self, tx_hash: Hash) -> None:
        entry = self._wanted.pop(tx_hash, None)
        if entry is not None and entry[0]:
            self._announced[entry[0]] -= 1

    def _offer(
        self,
        hashes: Sequence[Hash],
        peers: int,
        pack: Callable[[Iterable[Hash]], Iterable[tuple[Message, tuple[Hash, ...]]]],
    ) -> None:
        """Send those of `hashes` that are still held to those of `peers` that lack them, in messages of `pack`."""
        holders = self._holders
        groups: dict[int, list[Hash]] = {}
        for tx_hash in hashes:
            mask = holders.get(tx_hash, peers)
            lacking = peers & ~mask
            if lacking:
                holders[tx_hash] = mask | lacking
                groups.setdefault(lacking, []).append(tx_hash)
        for lacking, group in groups.items():
            for message, packed in pack(group):
                for bit in _each(lacking):
                    if not self._send(self._names[bit], message):
                        self._missed(bit, packed)

    def _missed(self, bit: int, hashes: Iterable[Hash]) -> None:
        """A peer's queue was full: it is told later, by hash."""
        self._behind |= bit
        for tx_hash in hashes:
            if tx_hash in self._holders:
                self._holders[tx_hash] &= ~bit

    def _in_full(self, hashes: Iterable[Hash]) -> Iterator[tuple[Transactions, tuple[Hash, ...]]]:
        return batches((h, raw) for h in hashes if (raw := self._lookup(h)) is not None)

    def _ask(self, bit: int, hashes: Sequence[Hash], now_ms: int) -> None:
        """Request these, and look at them again later, whether the request could be queued or not."""
        for start in range(0, len(hashes), MAX_BATCH_ITEMS):
            part = tuple(hashes[start : start + MAX_BATCH_ITEMS])
            self._due.append((now_ms + RETRY_MS, part))
            if not self._send(self._names[bit], WantTransactions(part)):
                for tx_hash in part:
                    first, asked, asks = self._wanted[tx_hash]
                    self._wanted[tx_hash] = (first, asked, asks - 1)

    def _next_to_ask(self, tx_hash: Hash) -> int:
        """Whom to ask now: of those who have it, then of all if it is needed, who was not asked in this turn."""
        if tx_hash not in self._wanted:
            return 0
        first, asked, asks = self._wanted[tx_hash]
        needed = tx_hash in self._needed
        if asks >= MAX_ASKS and not needed:
            self.forget((tx_hash,))
            return 0
        having = self._holders[tx_hash]
        choice = having & ~asked or (needed and self._everyone & ~asked)
        if not choice:
            asked, choice = 0, having or (needed and self._everyone)
        if not choice:
            self.forget((tx_hash,))
            return 0
        bit = choice & -choice
        self._wanted[tx_hash] = (first, asked | bit, asks + 1)
        return bit


def _as_hashes(hashes: Iterable[Hash]) -> Iterator[tuple[HaveTransactions, tuple[Hash, ...]]]:
    rest = iter(hashes)
    while part := tuple(islice(rest, MAX_BATCH_ITEMS)):
        yield HaveTransactions(part), part


def _each(mask: int) -> Iterator[int]:
    while mask:
        bit = mask & -mask
        yield bit
        mask ^= bit
