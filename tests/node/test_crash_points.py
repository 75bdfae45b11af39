"""The crash points of faults section 4 by name: the power goes there, on one node or on all, and comes back.

What must hold afterwards is watched all the time: no validator ever signed two things (I2), all have the same app hash
(I5), agreement (I1), and what was received is in a block (I3). In the end all is committed everywhere. `test_crashes`
enumerates every disk call; here each point is found by what it is.

Elsewhere: CP2 and CP5 to CP7 torn within the batch, and CP24 for formats, in `test_store`; CP11 to CP13 exhaustively
for the file alone in `test_guard` and `test_files`; CP16 with evidence in `tests/sim`; CP17 in `test_crashes`, CP18 and
CP19 with snapshots; CP20 in `test_keystore` for keys and in `test_backup` for a whole home.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mvchain.core.hashing import sha256
from mvchain.node.files import NEW_SUFFIX
from mvchain.node.guard import create_guard
from mvchain.node.memory import MemoryStore
from mvchain.sim.disk import PowerCut, SimulatedDisk
from mvchain.sim.signatures import provider
from tests.node.cluster import GUARD, JOURNAL, LOG, Cluster, Election
from tests.node.storage_helpers import AFTERMATHS, PERSISTENCE
from tests.node.test_crashes import cast, finished


@pytest.fixture(autouse=True)
def _cheap_signatures() -> Iterator[None]:
    with provider(real=False):
        yield


@dataclass(frozen=True)
class Point:
    """Before or after the `nth` disk call of this kind, perhaps only right behind one of another kind."""

    call: str
    after: bool
    behind: str = ""
    nth: int = 1


class PointDisk(SimulatedDisk):
    """The power goes at a point, once; `seen` are all calls so far, as `write log`."""

    def __init__(self, point: Point) -> None:
        super().__init__()
        self._point = point
        self._left = point.nth
        self.armed = True
        self.seen: list[str] = [""]

    def at(self, call: str, act: Callable[[], Any]) -> Any:
        point = self._point
        here = call == point.call and self.seen[-1].endswith(point.behind) and self.armed
        self.seen.append(call)
        if here:
            self._left -= 1
            here = self._left == 0
            self.armed = not here
        if here and not point.after:
            raise PowerCut
        result = act()
        if here:
            raise PowerCut
        return result


def _place(path: Path) -> str:
    """Of what a path is a part."""
    named = {GUARD: "guard", GUARD.with_name(GUARD.name + NEW_SUFFIX): "new guard", Path(): "store"}
    named |= {GUARD.parent: "guard's directory", LOG: "log's directory", JOURNAL: "journal's directory"}
    return named.get(path) or {LOG: "log", JOURNAL: "journal"}[path.parent]


def _counted(name: str) -> Callable[..., Any]:
    def method(self: PointDisk, *args: Any) -> Any:
        target = args[1] if name == "replace" else args[0]
        call = f"{name} {_place(getattr(target, 'path', target))}"
        return self.at(call, lambda: getattr(SimulatedDisk, name)(self, *args))

    return method


for each in PERSISTENCE:
    setattr(PointDisk, each, _counted(each))


def crash_at(point: Point, numbers: tuple[int, ...], pick: Callable[[int], int], n: int = 4) -> Cluster:
    """A run in which the power of these nodes goes at the point, and comes back; checked all along."""
    cluster = Cluster(n, seed=1)
    cluster.pick = pick
    for number in numbers:
        node = cluster.node(number)
        disk = PointDisk(point)
        disk.armed = False
        create_guard(GUARD, node.key.public, cluster.genesis.chain_id, disk)
        disk.crash(lambda n: n)
        disk.armed = True
        node.disk, node.store = disk, MemoryStore(disk)
    cluster.boot()
    cast(cluster)
    cluster.run(lambda: finished(cluster), limit_ms=120_000)
    assert cluster.crashes == len(numbers), (point, cluster.crashes)
    return cluster


ALL = (1, 2, 3, 4)


def crash_everywhere(
    call: str, *, after: bool, behind: str = "", nth: tuple[int, ...] = (1, 3), everybody: tuple[int, ...] = ALL
) -> None:
    """One node, and all of them, at the first and a later such call, with each aftermath of what was not synced."""
    for count in nth:
        for numbers in ((1,), everybody):
            for _, pick in AFTERMATHS:
                crash_at(Point(call, after, behind, count), numbers, pick)


def test_cp01_own_message_in_the_log_and_not_handled() -> None:
    """The same signature, or none."""
    crash_everywhere("write log", after=True, behind="fsync_dir guard's directory")


def test_cp02_block_decided_and_not_saved() -> None:
    """Decided again, the same: the height's log has all that led to it."""
    crash_everywhere("commit store", after=False, nth=(2, 4))


def test_cp03_block_saved_and_the_next_log_not_begun() -> None:
    """The log of the height that is over is dropped; the block is not saved twice."""
    crash_everywhere("create log", after=False, nth=(2, 4))


def test_cp04_next_log_begun_and_nothing_in_it() -> None:
    """With one batch nothing is left to apply."""
    crash_everywhere("create log", after=True, nth=(2, 4))


@pytest.mark.parametrize("after", [False, True])
def test_cp05_cp06_cp07_results_and_state_are_in_the_batch_of_the_block(after: bool) -> None:
    """Executed again with the same results, or all of it done: there is nothing in between."""
    crash_everywhere("commit store", after=after, nth=(3,))


def test_cp08_next_height_durable_and_the_former_log_not_removed() -> None:
    """The newer file counts; the older goes at the next opportunity."""
    for after in (False, True):
        crash_everywhere("remove log", after=after, nth=(1, 3))


def test_cp09_block_applied_and_memory_not_at_the_new_height() -> None:
    crash_everywhere("commit store", after=True, nth=(2, 4))


def test_cp10_at_the_new_height_before_its_first_timeout() -> None:
    crash_everywhere("write log", after=True, behind="create log", nth=(2, 4))


@pytest.mark.parametrize(
    ("call", "after"),
    [
        ("write new guard", True),
        ("fsync new guard", True),
        ("replace guard", True),
        ("fsync_dir guard's directory", True),
    ],
    ids=["cp11_not_synced", "cp12_not_renamed", "cp13_directory_not_synced", "cp14_nothing_sent"],
)
def test_cp11_to_cp14_the_sign_guard_is_the_old_one_or_the_new_one(call: str, after: bool) -> None:
    """And what it holds may be signed again, nothing else at that place."""
    crash_everywhere(call, after=after, nth=(1, 5))


def test_cp15_signature_made_and_not_sent() -> None:
    """The log that holds it is synced; then the power goes."""
    crash_everywhere("fsync log", after=True, nth=(1, 3, 6))


def test_cp21_ballot_in_memory_and_its_journal_not_synced() -> None:
    """Nothing was answered: it may vanish, and whoever sends it again has it counted once."""
    crash_everywhere("fsync journal", after=False, nth=(2,), everybody=(1, 4))  # the two that take ballots


def test_cp22_journal_synced_and_nothing_spread() -> None:
    """It is still there, and ends in one way."""
    crash_everywhere("fsync journal", after=True, nth=(2,), everybody=(1, 4))


def test_cp23_block_durable_and_nobody_told() -> None:
    """The same bytes again get the same answer, and change nothing."""
    cluster = crash_at(Point("commit store", True, nth=3), (1,), AFTERMATHS[0][1])
    election = Election(cluster.genesis, 2)
    node = cluster.node(1)
    cluster.run_for(2_000)
    before = node.height
    assert node.submit(*election.set_up) == [None] * len(election.set_up)  # known, not refused
    cluster.run_for(2_000)
    assert node.height == before
    assert all(node.store.tx_location(sha256(raw)) for raw in election.set_up)


def test_cp24_first_start_half_done() -> None:
    """Every disk call until a node that was never up is up: completed at the next start, its guard kept."""
    first = ["commit store", "create journal", "write journal", "fsync journal", "fsync_dir journal's directory"]
    first += ["create log", "write log", "fsync log"]
    for call in first:
        for after in (False, True):
            for _, pick in (AFTERMATHS[0], AFTERMATHS[2]):
                crash_at(Point(call, after), ALL, pick)
