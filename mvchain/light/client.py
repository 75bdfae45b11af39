"""The light client's core: what to ask of whom, and what to make of the answers (C91 to C94). Pure: no I/O, no clock.

Each thing that the client can do is a generator. It yields what it needs, an `Ask` or a `Pause`; its driver does that
and sends `Answers` back, with the time at which they came; in the end it returns what was verified, or raises.

Rules:

1. Nothing is trusted but what `mvchain.light.rules` verified from what was trusted before.
2. What one node gave is trusted only once another one shows the same header (C94). Each is asked.
3. A node that shows another header has it verified like the first. If it verifies, the chain has two truths, both
   signed: the client stops at the first such pair (ATK17) and hands out both, as `Divergence`. If it proves false,
   the node lied and is dropped. If the node does not answer on the way, that is undecided: nothing is trusted that it
   contradicts, until it was asked again.
4. A node that gave what does not verify is dropped as well; one that does not answer is asked last from then on.
5. A node that has not got a block yet is waited for, 30 s as CometBFT's client does: a later block of its own could
   show that the one in question is false. One that was waited for in vain is not waited for again until it caught up.
6. A way from what is trusted to a block may take a node so many blocks and so much time, however slowly it answers.
7. What the client remembers from an earlier run is used once another node shows its newest block as well.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NewType, TypeAlias, TypeVar

from mvchain.core import codes
from mvchain.core.errors import BadProof, MvchainError
from mvchain.core.types import Height, TimeNs
from mvchain.light.blocks import LightBlock, check_light_block
from mvchain.light.rules import NS_PER_S, Anchor, Rules, verify, verify_backwards, verify_root
from mvchain.light.trust import Checkpoint, TrustStore

T = TypeVar("T")

Source = NewType("Source", str)
"""A node, by the address that the user gave."""

PAUSE_S = 1.0
PAUSES = 30
"""Together 2 * drift + lag of CometBFT's client (C94)."""
_WAIT_NS = round(PAUSES * PAUSE_S * NS_PER_S)
"""The answers between the pauses do not make it longer."""
MAX_FETCHES = 1_000
"""Blocks that are fetched from one node on the way to one height. Each change of most members costs some 24 (C91)."""
WAY_S = 60
"""What these may take together: 100 blocks of a node that is far away."""
SEQUENTIAL_BLOCKS = 100
"""Blocks of sequential verification between two that the other nodes confirm."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Fetch light blocks, from all these nodes at once."""

    heights: Mapping[Source, Height | None]
    """None: the newest that the node has."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before going on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of an `Ask`: for each node its block, undecided whether true, or why there is none."""

    now_ns: TimeNs
    blocks: Mapping[Source, LightBlock | MvchainError]


Step: TypeAlias = Generator[Ask | Pause, Answers, T]
_Shown: TypeAlias = Mapping[Source, LightBlock]
_Failed: TypeAlias = Mapping[Source, MvchainError]


class Standing(Enum):
    """How a node has behaved."""

    GOOD = "good"
    FAILING = "failing"
    """Did not answer, or not with what was asked for."""
    BEHIND = "behind"
    """Had not got a block that others had, however long it was waited for."""
    DROPPED = "dropped"
    """Lied; never asked again."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A node's standing has changed."""

    source: Source
    standing: Standing
    reason: MvchainError | None
    """None for a good one."""


class Divergence(BadProof):
    """Two blocks, each signed so that it had to be believed, contradict each other: the chain was attacked."""

    def __init__(self, common: Anchor, first: LightBlock, second: LightBlock) -> None:
        self.common = common
        """What both were verified from."""
        self.first = first
        self.second = second
        super().__init__(
            codes.DIVERGENCE,
            height=first.height,
            hash=first.hash.hex(),
            other_height=second.height,
            other_hash=second.hash.hex(),
        )


class _FailedError(Exception):
    """A node did not give what it had to."""

    def __init__(self, source: Source, reason: MvchainError, standing: Standing) -> None:
        super().__init__(source, reason, standing)
        self.source = source
        self.reason = reason
        self.standing = standing


class LightClient:
    """What is trusted, and the nodes that are asked, in order.

    With a single node there is no second opinion: it could show this client a fork of its own, if it had the keys of
    a quorum.
    """

    def __init__(
        self,
        store: TrustStore,
        sources: Sequence[Source],
        rules: Rules,
        report: Callable[[Notice], None],
        *,
        sequential: bool = False,
    ) -> None:
        """`report` hears of each change of a node's standing; `sequential` verifies every height on the way up."""
        self.store = store
        self._rules = rules
        self._report = report
        self._sequential = sequential
        self._alone = len(sources) == 1
        self._order = list(sources)
        self._standings = dict.fromkeys(sources, Standing.GOOD)
        self._remembered = store.newest
        self._now_ns = TimeNs(0)

    @property
    def standings(self) -> Mapping[Source, Standing]:
        """All nodes, and how they have behaved."""
        return self._standings

    @property
    def order(self) -> Sequence[Source]:
        """The nodes that were not dropped, in the order in which they are asked; the first is the primary."""
        return tuple(self._order)

    # --- what the client can do ---

    def advance(self) -> Step[LightBlock]:
        """Verify and trust the newest block that a node has; the newest trusted one if none has a later.

        Raises:
            Divergence: two truths.
            BadProof: nothing could be verified, as things stand; it can be tried again later.
        """
        yield from self._begin()
        trusted = self.store.newest
        newest, failed = yield from self._ask(dict.fromkeys(self._order))
        self._note(failed)
        for source, block in newest.items():
            known = self.store.get(block.height)
            if known is not None and known.hash != block.hash:
                yield from self._examine(source, block, known)
        floor = trusted.height if trusted is not None else 0
        later = [source for source in self._order if source in newest and newest[source].height > floor]
        try:
            return (yield from self._first_good(later, lambda source: self._newest_of(source, newest[source]), failed))
        except BadProof as error:
            if error.cause is codes.NO_GOOD_NODE and trusted is not None and len(newest) > len(later):
                return trusted  # as the others say, there is nothing later
            raise

    def block_at(self, height: Height) -> Step[LightBlock]:
        """Verify the block at this height, and trust it unless it is older than the root.

        Raises:
            Divergence: two truths.
            BadRequest: BLOCK_UNKNOWN if no node has it.
            BadProof: it could not be verified, as things stand.
        """
        yield from self._begin()
        known = self.store.get(height)
        if known is not None:
            return known
        return (yield from self._first_good(tuple(self._order), lambda source: self._block_of(source, height)))

    # --- what one node gives ---

    def _first_good(
        self, sources: Sequence[Source], attempt: Callable[[Source], Step[LightBlock]], failed: _Failed | None = None
    ) -> Step[LightBlock]:
        """The block of the first node that gives a good one; `failed` are others, for the error if none does."""
        reasons: dict[Source, MvchainError] = dict(failed or {})
        for source in sources:
            if self._standings[source] is Standing.DROPPED:
                continue
            try:
                return (yield from attempt(source))
            except _FailedError as error:
                reasons[source] = error.reason
                self._mark(source, error.standing, error.reason)
        lacking = [reason for reason in reasons.values() if reason.cause is codes.BLOCK_UNKNOWN]
        if lacking and not any(isinstance(reason, BadProof) for reason in reasons.values()):
            raise lacking[0]
        told = " ".join(f"{source}: {reason.detail}" for source, reason in reasons.items())
        raise BadProof(codes.NO_GOOD_NODE, reasons=told or "All of them were dropped.")

    def _begin(self) -> Step[None]:
        """Once: confirm what is remembered, or else fetch the block that is the root, if it is one (C93)."""
        if self._remembered is not None:
            yield from self._confirmed(self._remembered)
            self._remembered = None
        root = self.store.root
        if isinstance(root, Checkpoint) and self.store.newest is None:
            yield from self._first_good(tuple(self._order), lambda source: self._root_of(source, root))

    def _root_of(self, source: Source, root: Checkpoint) -> Step[LightBlock]:
        block = yield from self._fetch(source, root.height)
        try:
            verify_root(block, root.height, root.hash, root.chain_id)
        except BadProof as error:
            raise _FailedError(source, error, Standing.DROPPED) from None
        return (yield from self._confirmed(block, source))

    def _newest_of(self, source: Source, newest: LightBlock) -> Step[LightBlock]:
        anchor = self.store.below(newest.height)
        assert anchor is not None  # above the newest trusted block, or above genesis
        if self._sequential and newest.height > anchor.height + SEQUENTIAL_BLOCKS:
            newest = yield from self._fetch(source, Height(anchor.height + SEQUENTIAL_BLOCKS))
        yield from self._verify_forwards(newest, source, anchor)
        return (yield from self._confirmed(newest, source))

    def _block_of(self, source: Source, height: Height) -> Step[LightBlock]:
        block = yield from self._fetch(source, height)
        older, newer = self.store.below(height), self.store.above(height)
        if newer is not None and (older is None or self._rules.is_expired(older, self._now_ns)):
            # What a trusted block names by its hash needs no second opinion.
            yield from self._verify_backwards(block, source, newer)
            return block
        assert older is not None  # nothing is trusted but what is at the root or above
        yield from self._verify_forwards(block, source, older)
        return (yield from self._confirmed(block, source))

    def _verify_forwards(self, target: LightBlock, source: Source, trusted: Anchor) -> Step[None]:
        """Verify a block from one below that is trusted, over others of the same node where needed (C91).

        Raises:
            BadProof: TRUST_EXPIRED, which is no fault of the node.
        """
        waiting = [target]
        until_ns = self._now_ns + WAY_S * NS_PER_S
        for _ in range(MAX_FETCHES):
            pivot = None
            while waiting and pivot is None:
                pivot = self._verify_or_choose_pivot(waiting[-1], source, trusted)
                if pivot is None:
                    trusted = Anchor.of_block(waiting.pop())
            if pivot is None:
                return
            waiting.append((yield from self._fetch(source, pivot, until_ns)))
        too_far = BadProof(codes.TOO_FAR, height=target.height, trusted=trusted.height, limit=MAX_FETCHES)
        raise _FailedError(source, too_far, Standing.FAILING)

    def _verify_or_choose_pivot(self, block: LightBlock, source: Source, trusted: Anchor) -> Height | None:
        """None if the block is verified; else the height of one that is to be verified before it."""
        if self._sequential and block.height > trusted.height + 1:
            return Height(trusted.height + 1)
        try:
            verify(block, trusted, self._rules, self._now_ns)
        except BadProof as error:
            if error.cause is codes.NOT_ENOUGH_TRUST:
                return Height(trusted.height + (block.height - trusted.height) * 9 // 16)
            if error.cause is codes.TRUST_EXPIRED:
                raise
            # A block from the future may also be a fault of the own clock.
            standing = Standing.FAILING if error.cause is codes.FROM_THE_FUTURE else Standing.DROPPED
            raise _FailedError(source, error, standing) from None
        return None

    def _verify_backwards(self, target: LightBlock, source: Source, trusted: LightBlock) -> Step[None]:
        """Verify a block by the hashes that lead to it from one above that is trusted (C92)."""
        if trusted.height - target.height > MAX_FETCHES:
            raise BadProof(codes.TOO_FAR, height=target.height, trusted=trusted.height, limit=MAX_FETCHES)
        until_ns = self._now_ns + WAY_S * NS_PER_S
        while trusted.height > target.height:
            height = Height(trusted.height - 1)
            older = target if height == target.height else (yield from self._fetch(source, height, until_ns))
            try:
                verify_backwards(older, trusted)
            except BadProof as error:
                raise _FailedError(source, error, Standing.DROPPED) from None
            trusted = older

    # --- what the others say ---

    def _confirmed(self, block: LightBlock, giver: Source | None = None) -> Step[LightBlock]:
        """Trust a verified block, once all other nodes were asked for it and one at least shows the same (C94)."""
        asked = [source for source in self._order if source != giver]
        confirmed = self._alone
        until_ns = self._now_ns + _WAIT_NS
        for _ in range(PAUSES):
            agreeing, failed = yield from self._compare(asked, block)
            confirmed = confirmed or agreeing
            asked = self._note(failed)
            if self._now_ns >= until_ns or all(self._standings[source] is Standing.BEHIND for source in asked):
                break
            yield from self._pause()
        agreeing = yield from self._look_at_those_behind(asked, block)
        if not (confirmed or agreeing):
            raise BadProof(codes.NO_WITNESS, height=block.height)
        if giver is not None:
            self._mark(giver, Standing.GOOD)
        self.store.add(block)
        return block

    def _compare(self, sources: Sequence[Source], block: LightBlock) -> Step[tuple[bool, _Failed]]:
        """Whether any of these nodes shows the same block, once all that contradict it are examined; who shows none."""
        agreeing = False
        shown, failed = yield from self._ask(dict.fromkeys(sources, block.height))
        for source, theirs in shown.items():
            if theirs.hash != block.hash:
                yield from self._examine(source, theirs, block)
                continue
            try:
                check_light_block(theirs, block.header.chain_id)
            except BadProof as error:
                self._mark(source, Standing.DROPPED, error)
            else:
                agreeing = True
                self._mark(source, Standing.GOOD)
        return agreeing, failed

    def _look_at_those_behind(self, sources: Sequence[Source], block: LightBlock) -> Step[bool]:
        """Nodes without the block: is their newest one earlier in time as well, or does it contradict the block?

        Those that have it or a later one by now are asked for it once more: whether one of them shows the same.
        """
        newest, failed = yield from self._ask(dict.fromkeys(sources))
        for source in self._note(failed):
            self._mark(source, Standing.BEHIND, BadProof(codes.BEHIND, height=block.height, has=0))
        caught_up = []
        for source, theirs in newest.items():
            if theirs.height > block.height or theirs.hash == block.hash:
                caught_up.append(source)
            elif theirs.height == block.height or theirs.time_ns >= block.time_ns:
                yield from self._examine(source, theirs, block)
            else:
                self._mark(source, Standing.BEHIND, BadProof(codes.BEHIND, height=block.height, has=theirs.height))
        agreeing, failed = yield from self._compare(caught_up, block)
        for source in self._note(failed):
            self._mark(source, Standing.BEHIND, failed[source])
        return agreeing

    def _examine(self, source: Source, theirs: LightBlock, ours: LightBlock) -> Step[None]:
        """A node shows what contradicts a verified block: there are two truths, or it lies, or that stays undecided.

        Raises:
            Divergence: two truths.
            BadProof: UNDECIDED, as the node did not back what it shows, nor was it shown to be false.
        """
        common = self.store.below(theirs.height)
        if common is None:
            contradicts = BadProof(codes.CONTRADICTS_THE_ROOT, height=theirs.height, hash=theirs.hash.hex())
            self._mark(source, Standing.DROPPED, contradicts)
            return
        try:
            yield from self._verify_forwards(theirs, source, common)
        except _FailedError as failed:
            if failed.standing is Standing.DROPPED:
                self._mark(source, Standing.DROPPED, failed.reason)
                return
            # An honest node whose line fails looks the same, and dropping it is what an attacker would wish for.
            self._mark(source, Standing.FAILING, failed.reason)
            raise BadProof(codes.UNDECIDED, height=ours.height, node=source, why=failed.reason.detail) from None
        raise Divergence(common, ours, theirs)

    # --- asking ---

    def _fetch(self, source: Source, height: Height, until_ns: int | None = None) -> Step[LightBlock]:
        """The block of one node at this height; `until_ns` is when the way that it is on must have ended."""
        if until_ns is not None and self._now_ns >= until_ns:
            raise _FailedError(source, BadProof(codes.TOO_SLOW, height=height, seconds=WAY_S), Standing.FAILING)
        shown, failed = yield from self._ask({source: height})
        if source in shown:
            return shown[source]
        reason = failed[source]
        # Not to have a block is no fault: it may not exist.
        lacks = reason.cause is codes.BLOCK_UNKNOWN
        raise _FailedError(source, reason, self._standings[source] if lacks else Standing.FAILING)

    def _ask(self, heights: Mapping[Source, Height | None]) -> Step[tuple[_Shown, _Failed]]:
        """The blocks of those who gave one of the right height, and why the others did not."""
        if not heights:
            return {}, {}
        answers = yield Ask(heights)
        self._now_ns = answers.now_ns
        shown: dict[Source, LightBlock] = {}
        failed: dict[Source, MvchainError] = {}
        for source, height in heights.items():
            answer = answers.blocks[source]
            if isinstance(answer, MvchainError):
                failed[source] = answer
            elif height is not None and answer.height != height:
                failed[source] = BadProof(codes.WRONG_HEIGHT, height=answer.height, expected=height)
            else:
                shown[source] = answer
        return shown, failed

    def _pause(self) -> Step[None]:
        answers = yield Pause(PAUSE_S)
        self._now_ns = answers.now_ns

    def _note(self, failed: _Failed) -> list[Source]:
        """Mark who did not answer as it should; returns who has not got the block."""
        behind = [source for source, reason in failed.items() if reason.cause is codes.BLOCK_UNKNOWN]
        for source, reason in failed.items():
            if source not in behind:
                self._mark(source, Standing.FAILING, reason)
        return behind

    def _mark(self, source: Source, standing: Standing, reason: MvchainError | None = None) -> None:
        """Note how a node behaved; it is asked accordingly, and a change is reported."""
        if standing is Standing.DROPPED:
            self._order.remove(source)
        elif standing is Standing.FAILING:
            self._order.remove(source)
            self._order.append(source)
        if self._standings[source] is not standing:
            self._standings[source] = standing
            self._report(Notice(source, standing, reason))
