"""The way of a transaction into the node: verdicts, the journal before the answer, bounds for each door (N6, N9)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadRequest, BrokenStorage
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash
from mvchain.node import intake as intake_module
from mvchain.node.intake import Intake
from mvchain.node.judge import Known, Received, Refused, Verdict
from mvchain.node.signatures import SignaturePool
from tests.node.cluster import START_MS, Cluster, Election, Node


@dataclass
class FakeJournal:
    """Notes what is appended and what a sync has covered."""

    appended: list[bytes] = field(default_factory=list)
    synced: int = 0
    full: bool = False
    broken: bool = False
    syncs: int = 0

    def append(self, txs: list[bytes]) -> None:
        if self.full:
            raise BadRequest(codes.JOURNAL_FULL, limit=1)
        self.appended += [tx for tx in txs if tx not in self.appended]

    def sync(self) -> None:
        if self.broken:
            raise BrokenStorage(codes.DISK_FULL, path="x", free=0, least=1)
        self.syncs += 1
        self.synced = len(self.appended)


@dataclass
class Door:
    intake: Intake
    journal: FakeJournal
    node: Node
    election: Election
    flushing: asyncio.Task[None]
    now_ms: int = START_MS
    taken: list[bytes] = field(default_factory=list)
    """What was handed on to spread, in order."""

    async def submit(self, *raws: bytes) -> list[Verdict]:
        return await self.intake.submit(raws, "1.2.3.4", lambda txs: self.taken.extend(tx.raw for tx in txs))


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    cluster = Cluster(1).boot()
    node = cluster.nodes[0]
    election = Election(cluster.genesis, 20)
    node.submit(*election.set_up)
    node.replica._has_work = lambda: False  # type: ignore[method-assign]
    journal, pool = FakeJournal(), SignaturePool(2)
    made: list[Door] = []
    intake = Intake(
        node.replica,
        pool,
        journal,  # type: ignore[arg-type]
        lambda: made[0].now_ms,
    )
    flushing = asyncio.create_task(intake.keep_journal_synced())
    made.append(Door(intake, journal, node, election, flushing))
    async with asyncio.timeout(20):
        yield made[0]
    flushing.cancel()
    with contextlib.suppress(asyncio.CancelledError, BrokenStorage):
        await flushing
    pool.close()


async def test_every_kind_of_verdict_in_the_order_of_what_came(door: Door) -> None:
    election = door.election
    good, other = election.ballot(0), election.ballot(0, 1)
    forged = election.signed(door_payload(election), election.voters[3])
    verdicts = await door.submit(b"garbage", good, good, other, forged, election.set_up[0])
    kinds = [type(verdict) for verdict in verdicts]
    assert kinds == [Refused, Received, Known, Refused, Refused, Known]
    causes = [verdict.error.cause for verdict in verdicts if isinstance(verdict, Refused)]
    assert causes[1:] == [codes.BALLOT_CONFLICT, codes.BAD_SIGNATURE]
    assert verdicts[3].transaction is not None  # type: ignore[union-attr]
    assert verdicts[4].transaction is None, "a block must not get it from here"  # type: ignore[union-attr]
    assert door.journal.appended == [good]


def door_payload(election: Election) -> object:
    from mvchain.ledger.transactions import Ballot

    return Ballot(election.POLL, 0, (1,))  # signed without its context, the definition


async def test_what_is_received_is_synced_before_the_answer(door: Door) -> None:
    """N6: and what a peer brought first, and its submitter reads was received, is as well."""
    from_peer, own = door.election.ballot(1), door.election.ballot(2)
    assert isinstance((await door.intake.from_peer([from_peer], "7"))[0], Received)
    assert door.journal.appended == []
    assert [type(v) for v in await door.submit(from_peer, own)] == [Known, Received]
    assert set(door.journal.appended) == {from_peer, own}
    assert door.journal.synced == 2


async def test_those_who_wait_share_a_sync(door: Door) -> None:
    await asyncio.gather(*(door.submit(door.election.ballot(i)) for i in range(20)))
    assert door.journal.synced == 20
    assert door.journal.syncs < 20


async def test_a_full_journal_promises_nothing(door: Door) -> None:
    """The answer is 503; the ballot waits all the same, which binds nothing, and can be sent again."""
    door.journal.full = True
    ballot = door.election.ballot(3)
    (verdict,) = await door.submit(ballot)
    assert isinstance(verdict, Refused)
    assert verdict.error.cause is codes.JOURNAL_FULL
    assert door.taken == [ballot], "it spreads, so that it does not wait for this node's own turn"
    (again,) = await door.submit(ballot)
    assert isinstance(again, Refused), "known, but still not safe here"
    door.journal.full = False
    assert isinstance((await door.submit(ballot))[0], Known)
    assert door.journal.synced == 1


async def test_a_submitter_who_leaves_does_not_keep_the_ballot_from_spreading(door: Door) -> None:
    ballot = door.election.ballot(7)
    leaving = asyncio.create_task(door.submit(ballot))
    while not door.taken:  # noqa: ASYNC110 - verification runs on a thread
        await asyncio.sleep(0)
    assert not leaving.done(), "the journal is synced afterwards"
    leaving.cancel()
    await asyncio.wait([leaving])
    assert door.taken == [ballot]
    assert sha256(ballot) in door.node.replica.mempool


async def test_what_a_block_takes_while_its_signature_is_verified_is_known(door: Door) -> None:
    ballot = door.election.ballot(8)
    judged = asyncio.create_task(door.submit(ballot))
    await asyncio.sleep(0)
    del door.node.replica._has_work  # a lone node decides at once
    door.node.submit(ballot)
    assert door.node.store.tx_location(Hash(sha256(ballot))) is not None
    assert isinstance((await judged)[0], Known)
    assert door.taken == []


async def test_a_broken_disk_answers_nobody_and_ends_the_task(door: Door) -> None:
    door.journal.broken = True
    with pytest.raises(asyncio.CancelledError):
        await door.submit(door.election.ballot(4))
    with pytest.raises(BrokenStorage):
        await door.flushing


async def test_ballots_are_taken_until_the_closing_time_by_the_own_clock(door: Door) -> None:
    """L6: the grace time is for those on their way, so a peer may still bring one."""
    door.now_ms = door.election.definition.closes_at_ms
    (verdict,) = await door.submit(door.election.ballot(5))
    assert isinstance(verdict, Refused)
    assert verdict.error.cause is codes.POLL_HAS_CLOSED
    assert isinstance((await door.intake.from_peer([door.election.ballot(5)], "7"))[0], Received)


async def test_each_door_has_its_own_bound(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """One peer's flood shuts out neither the API nor another peer (ATK38)."""
    monkeypatch.setattr(intake_module, "MAX_UNDER_WAY", 3)
    monkeypatch.setattr(intake_module, "MAX_UNDER_WAY_OF_PEER", 2)
    ballots = [door.election.ballot(i) for i in range(12)]
    flood = asyncio.create_task(door.intake.from_peer(ballots[:2], "7"))
    await asyncio.sleep(0)
    assert not door.intake.has_room("7", 1)
    assert door.intake.has_room("8", 2)
    first = asyncio.create_task(door.submit(*ballots[4:7]))
    await asyncio.sleep(0)
    (busy,) = await door.submit(ballots[8])
    assert isinstance(busy, Refused)
    assert busy.error.cause is codes.NODE_BUSY
    assert [type(v) for v in await first] == [Received] * 3
    assert [type(v) for v in await flood] == [Received] * 2
    assert door.intake.has_room("7", 2)
    assert not door.intake._under_way, "nothing is kept of those who have gone"
    assert isinstance((await door.submit(ballots[8]))[0], Received)


async def test_a_verified_signature_is_remembered_with_its_context(door: Door) -> None:
    ballot = door.election.ballot(6)
    await door.submit(ballot)
    assert door.node.replica.signatures._contexts[Hash(sha256(ballot))] == door.election.context
