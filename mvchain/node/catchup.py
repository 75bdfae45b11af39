"""Which block to ask of whom, for a node that is behind (N8). Pure: time and messages come as parameters.

There is no separate mode to enter or leave: the node stays in consensus at its own height, and whatever peers claim
to have beyond it is asked for, several heights and peers at a time. A claim is never believed: a peer that claims a
height and does not deliver it in time rests for a while, and nothing else follows from the claim (ATK05, ATK06).
Each block is verified with its full commit by the replica before it is applied.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mvchain.consensus.keeper import holds_one_correct
from mvchain.core.types import Address
from mvchain.ledger.validators import ValidatorSet

WINDOW_HEIGHTS = 8
"""Heights asked for ahead of the own one; each may be a full block of 4 MiB, so this bounds the memory."""
PATIENCE_MS = 300
"""A peer one height ahead is normal for a moment: the own decision is about to come."""
ANSWER_DEADLINE_MS = 5_000
"""After this a height is asked of another peer, and the silent one rests as long."""


@dataclass(slots=True)
class _Peer:
    height: int
    base: int


@dataclass(slots=True)
class _Asked:
    peer: str
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """A block and commit as a peer sent them, unverified."""

    peer: str
    block: bytes
    commit: bytes


class CatchUp:
    """Keeps up to `WINDOW_HEIGHTS` requests under way, and what came early."""

    def __init__(self) -> None:
        self._peers: dict[str, _Peer] = {}
        self._resting_until_ms: dict[str, int] = {}
        """By name, also of those who left: else who sent a wrong block would come back and be asked again at once."""
        self._asked: dict[int, _Asked] = {}
        self._fetched: dict[int, Fetched] = {}
        self._behind_since_ms: int | None = None
        self._height = 1

    def peer_status(self, peer: str, height: int, base: int) -> None:
        """A peer says that it decides `height` now and holds blocks from `base` on."""
        self._peers[peer] = _Peer(height, base)

    def peer_gone(self, peer: str) -> None:
        """Forget a peer; what was asked of it is asked of others."""
        self._peers.pop(peer, None)
        self._asked = {height: asked for height, asked in self._asked.items() if asked.peer != peer}

    def requests(self, own_height: int, now_ms: int) -> list[tuple[str, int]]:
        """Who to ask for which height now, given the height this node is deciding."""
        self._forget_below(own_height)
        best = max((peer.height for peer in self._peers.values()), default=0)
        if best <= own_height:
            self._behind_since_ms = None
            return []
        if self._behind_since_ms is None or own_height > self._height:
            self._behind_since_ms = now_ms
        self._height = own_height
        if best == own_height + 1 and now_ms - self._behind_since_ms < PATIENCE_MS:
            return []
        self._expire(now_ms)
        asked = []
        for height in range(own_height, min(best, own_height + WINDOW_HEIGHTS)):
            if height in self._asked or height in self._fetched:
                continue
            peer = self._least_busy(height, now_ms)
            if peer is not None:
                self._asked[height] = _Asked(peer, now_ms + ANSWER_DEADLINE_MS)
                asked.append((peer, height))
        return asked

    def arrived(self, peer: str, height: int, block: bytes, commit: bytes) -> bool:
        """Keep an answer; False if it was never asked of this peer, and then it is dropped unread (ATK16)."""
        asked = self._asked.get(height)
        if asked is None or asked.peer != peer:
            return False
        del self._asked[height]
        self._fetched[height] = Fetched(peer, block, commit)
        return True

    def refused(self, peer: str, height: int, now_ms: int) -> None:
        """A peer says that it does not have the block after all."""
        asked = self._asked.get(height)
        if asked is not None and asked.peer == peer:
            del self._asked[height]
            self._rest(peer, now_ms)

    def wrong(self, peer: str, now_ms: int) -> None:
        """A block of this peer did not hold: it rests, and what else came from it is asked of others."""
        self._fetched = {height: fetched for height, fetched in self._fetched.items() if fetched.peer != peer}
        self._rest(peer, now_ms)

    def take(self, height: int) -> Fetched | None:
        """The block of this height, if it has come."""
        return self._fetched.pop(height, None)

    def distance_of_one_correct(
        self, own_height: int, validators: ValidatorSet, addresses: Mapping[str, Address | None]
    ) -> int:
        """How far ahead a correct validator is at least: so far that more than f of them claim it.

        What fewer claim may be a lie (S21).

        Args:
            addresses: the validators of the connected peers' agencies, by the names of the peers.
        """
        heights = {name: self._peers[name].height if name in self._peers else 0 for name in addresses}
        claims = {address: heights[name] for name, address in addresses.items() if address is not None}
        power = 0
        for address, height in sorted(claims.items(), key=lambda item: item[1], reverse=True):
            found = validators.by_address(address)
            power += found[1].power if found else 0
            if holds_one_correct(power, validators):
                return max(0, height - own_height)
        return 0

    def distance(self, own_height: int) -> int:
        """How many heights the lower median of the peers claims to be ahead; for people, not for decisions."""
        heights = sorted(peer.height for peer in self._peers.values())
        return max(0, heights[(len(heights) - 1) // 2] - own_height) if heights else 0

    def _least_busy(self, height: int, now_ms: int) -> str | None:
        load = {name: 0 for name, peer in self._peers.items() if peer.base <= height < peer.height}
        load = {name: 0 for name in load if self._resting_until_ms.get(name, now_ms) <= now_ms}
        for asked in self._asked.values():
            if asked.peer in load:
                load[asked.peer] += 1
        return min(load, key=lambda name: (load[name], name)) if load else None

    def _expire(self, now_ms: int) -> None:
        for height, asked in list(self._asked.items()):
            if asked.deadline_ms <= now_ms:
                del self._asked[height]
                self._rest(asked.peer, now_ms)

    def _rest(self, peer: str, now_ms: int) -> None:
        self._resting_until_ms[peer] = now_ms + ANSWER_DEADLINE_MS

    def _forget_below(self, own_height: int) -> None:
        self._asked = {height: asked for height, asked in self._asked.items() if height >= own_height}
        self._fetched = {height: block for height, block in self._fetched.items() if height >= own_height}
