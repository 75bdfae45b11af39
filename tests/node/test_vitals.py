"""Alarms: disk, progress, clock, key (faults OPS1, OPS6, R6)."""

import logging
from pathlib import Path

import pytest

from mvchain.core.errors import BrokenStorage
from mvchain.core.limits import BALLOT_FREE_DISK_BYTES, MAX_CLOCK_DIFFERENCE_MS, MIN_FREE_DISK_BYTES, STANDSTILL_MS
from mvchain.node.memory import MemoryDisk
from mvchain.node.vitals import Vitals
from tests.node.cluster import Cluster, Node, chain_of, grow

FIRST, LAST = BALLOT_FREE_DISK_BYTES, MIN_FREE_DISK_BYTES


class FillingDisk(MemoryDisk):
    """With as much room as a test says."""

    free = 1 << 40

    def free_bytes(self, path: Path) -> int:
        return self.free


def vitals_of(cluster: Cluster, node: Node, disk: MemoryDisk | None = None) -> Vitals:
    return Vitals(node.replica, disk or MemoryDisk(), Path("data"), FIRST, lambda: cluster.now_ms)


def codes_of(vitals: Vitals) -> list[str]:
    return [alarm.code for alarm in vitals.alarms]


# --- disk ---


def test_ballots_are_refused_below_the_first_mark_and_taken_again_by_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cluster = Cluster(1).boot()
    disk = FillingDisk()
    vitals = vitals_of(cluster, cluster.node(1), disk)
    vitals.look([])
    assert vitals.refusal is None
    for disk.free in (FIRST - 1, FIRST - 2, LAST, FIRST, FIRST + (64 << 20) - 1):  # not to and fro at the mark
        vitals.look([])
        assert vitals.refusal is not None
        assert vitals.refusal.code == "MV-4140"
        assert codes_of(vitals) == ["MV-4140"]
    disk.free = FIRST + (64 << 20)
    vitals.look([])
    assert vitals.refusal is None
    assert vitals.alarms == ()
    # Once when it began and once when it was over, however often it was looked at.
    assert [record.message.partition(":")[0] for record in caplog.records] == ["MV-4140", "MV-4140 is over"]


def test_below_the_last_mark_the_node_ends() -> None:
    cluster = Cluster(1).boot()
    disk = FillingDisk()
    disk.free = LAST - 1
    with pytest.raises(BrokenStorage, match="MV-4002"):
        vitals_of(cluster, cluster.node(1), disk).look([])


# --- progress (OPS1) ---


def test_a_halt_names_round_and_those_who_are_not_heard(caplog: pytest.LogCaptureFixture) -> None:
    """S6: with two of four away nothing is decided, and the others say why."""
    cluster = Cluster(4, seed=2).boot()
    election = chain_of(cluster, 5)
    vitals = vitals_of(cluster, cluster.node(1))
    caplog.set_level(logging.ERROR)
    for number in (2, 4):
        cluster.node(number).go_down(lambda n: 0)
    cluster.node(1).submit(election.ballot(29))
    watch(cluster, vitals, STANDSTILL_MS - 1_000)
    assert vitals.alarms == ()
    watch(cluster, vitals, 11_000)
    (alarm,) = vitals.alarms
    assert alarm.code == "MV-4142"
    machine = cluster.node(1).replica.machine
    assert alarm.data["height"] == machine.height
    assert alarm.data["missing"] == "Agency 2, Agency 4"
    assert f"Height {machine.height} is not decided for 20 s; in round {machine.round}" in alarm.detail
    assert len(caplog.records) == 1
    cluster.node(2).boot()
    watch(cluster, vitals, 5_000)
    assert vitals.alarms == ()
    assert cluster.node(1).height >= machine.height


def test_waiting_for_work_is_no_halt_nor_are_many_heights_one_after_the_other() -> None:
    cluster = Cluster(4, seed=2).boot()
    election = chain_of(cluster, 5)
    vitals = vitals_of(cluster, cluster.node(1))
    watch(cluster, vitals, STANDSTILL_MS * 3)
    assert vitals.alarms == ()
    for _ in range(5):
        grow(cluster, election, cluster.node(1).height + 2)
        watch(cluster, vitals, 4_000)
        assert vitals.alarms == ()


def test_a_node_that_may_not_start_yet_names_those_that_are_not_connected() -> None:
    cluster = Cluster(4, seed=2).boot(2, 3, 4)
    vitals = vitals_of(cluster, cluster.node(1))
    vitals.look(["Agency 2", "Agency 3"])
    cluster.run_for(STANDSTILL_MS)
    vitals.look(["Agency 2", "Agency 3"])
    assert "Agency 2, Agency 3" in vitals.alarms[0].detail


def watch(cluster: Cluster, vitals: Vitals, ms: int) -> None:
    """As a node does, once a second."""
    vitals.look([])
    for _ in range(ms // 1_000):
        cluster.run_for(1_000)
        vitals.look([])


# --- clock ---


@pytest.mark.parametrize(("skew_ms", "says"), [(7_200_000, "ahead"), (-7_200_000, "short"), (5_000, "")])
def test_a_clock_that_differs_is_an_alarm_once_a_block_is_decided(skew_ms: int, says: str) -> None:
    """R10: a node two hours ahead refuses ballots two hours early, so it says that it is not ready."""
    cluster = Cluster(4, seed=2).boot()
    node = cluster.node(3)
    node.clock_skew_ms = skew_ms
    election = chain_of(cluster, 5)
    grow(cluster, election, 8)
    vitals = vitals_of(cluster, node)
    vitals.look([])
    if not says:
        assert vitals.alarms == ()
    else:
        assert codes_of(vitals) == ["MV-4143"]
        assert f"s {says} of" in vitals.alarms[0].detail
        assert abs(int(str(vitals.alarms[0].data["seconds"])) - 7_200) <= 2
        node.clock_skew_ms = 0
        grow(cluster, election, node.height + 3)
        vitals.look([])
        assert vitals.alarms == ()


def test_a_chain_that_waits_for_work_and_blocks_of_the_past_say_nothing_of_the_clock() -> None:
    """A block is an hour old: nobody had work. Another node fetches all blocks, and they are as old."""
    cluster = Cluster(4, seed=2).boot(4)
    chain_of(cluster, 5)
    cluster.run_for(50_000)
    node = cluster.node(4)
    node.boot()
    cluster.run(lambda: node.height >= 5)
    for each in cluster.nodes:
        vitals = vitals_of(cluster, each)
        vitals.look([])
        assert vitals.alarms == ()
    assert MAX_CLOCK_DIFFERENCE_MS < 50_000


# --- key ---


def test_a_key_that_is_used_twice_is_an_alarm() -> None:
    cluster = Cluster(1).boot()
    node = cluster.node(1)
    vitals = vitals_of(cluster, node)
    vitals.look([])
    assert vitals.alarms == ()
    position = node.guard.position
    assert position is not None
    node.guard.give_up(position)
    vitals.look([])
    assert codes_of(vitals) == ["MV-4141"]
