"""The kinds of faults of network, disks and clocks (S1, S2, S14 to S20, S23); Byzantine ones are in `sim.byzantine`.

Each kind draws from numbers of its own, so that a run without it is otherwise the same run as far as possible.
"""

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from mvchain.core.types import Height
from mvchain.node.memory import MemoryStore
from mvchain.sim.disk import Failure, SimulatedDisk
from mvchain.sim.network import halves, ring
from mvchain.sim.node import Node
from mvchain.sim.reading import signers

if TYPE_CHECKING:
    from mvchain.sim.simulation import Simulation

HOUR_MS: Final = 3_600_000


class Kind(NamedTuple):
    """A kind of fault."""

    share: float
    """Of runs that have it."""
    begin: Callable[["Simulation", Random], None]


# --- the network (S1, S2, S20) ---


def lose(run: "Simulation", random: Random) -> None:
    """Messages are lost (S1)."""
    run.cluster.network.loss = random.uniform(0.02, 0.3)


def repeat(run: "Simulation", random: Random) -> None:
    """Messages come twice (S1)."""
    run.cluster.network.repeats = random.uniform(0.1, 0.5)


def delay(run: "Simulation", random: Random) -> None:
    """Messages take long, and overtake each other (S1)."""
    run.cluster.network.delay_ms = random.choice((20, 100, 400))


def replay(run: "Simulation", random: Random) -> None:
    """Old messages come again (S20)."""
    run.cluster.network.replays = random.uniform(0.02, 0.2)


def split(run: "Simulation", random: Random) -> None:
    """The network falls apart in changing ways: halves, one alone, any two parts, a ring; both ways or one (S2)."""
    ids = [node.id for node in run.cluster.everybody]

    def change() -> None:
        network = run.cluster.network
        network.cut.clear()
        shuffled = random.sample(ids, len(ids))
        size = random.choice((0, 1, len(ids) // 2, random.randrange(len(ids)), -1))
        if size == -1:
            network.cut |= ring(shuffled)
        elif size:
            network.cut |= halves(set(shuffled[:size]), set(shuffled[size:]), one_way=random.random() < 0.3)
        run.cluster.note(f"cut: {sorted(network.cut)}")

    run.every(lambda: random.randint(50, 900), change)


def one_is_slow(run: "Simulation", random: Random) -> None:
    """What one node sends comes late, again and again."""
    node = random.choice(run.cluster.nodes)
    run.cluster.network.slow = node.id
    run.cluster.network.slow_ms = random.choice((30, 150, 700))


# --- crashes (S14, S15) ---


def crash(run: "Simulation", random: Random) -> None:
    """Nodes lose their power at a persistence call, each now and then; what was not synced is lost, torn or kept."""
    run.cluster.pick = lambda n: random.choice((0, n, random.randint(0, n)))

    def arm() -> None:
        run.cluster.restart_ms = random.choice((1, 50, 300, 1_500))
        failure = random.choice((Failure.CUT_BEFORE, Failure.CUT_AFTER))
        random.choice(run.cluster.nodes).disk.fail_in(random.randint(1, 60), failure)

    run.every(lambda: random.randint(20, 500), arm)


def cut_all(run: "Simulation", random: Random) -> None:
    """The power of all goes at once, or one after the other (S15)."""
    run.cluster.pick = lambda n: random.choice((0, n, random.randint(0, n)))

    def cut() -> None:
        at_once = random.random() < 0.6
        for node in run.cluster.everybody:
            delay_ms = 0 if at_once else random.randrange(300)
            run.cluster.after(delay_ms, lambda node=node: run.cluster.crashed(node) if node.is_up else None)  # type: ignore[misc]

    run.every(lambda: random.randint(200, 1_500), cut)


# --- disks (S16, S17, S19) ---


def fail_disk(run: "Simulation", random: Random) -> None:
    """A write or sync fails: the node ends, and starts again once its operator has made room (S17)."""

    def arm() -> None:
        failure = random.choice((Failure.NO_SPACE, Failure.IO_ERROR))
        random.choice(run.cluster.nodes).disk.fail_in(random.randint(1, 40), failure)

    run.every(lambda: random.randint(100, 900), arm)


def damage(run: "Simulation", random: Random) -> None:
    """A bit flips, or the end is missing, in a file of a faulty node that is down (S16)."""
    run.lossy.update(node.address for node in run.faulty)

    def flip() -> None:
        if run.faulty:
            node = random.choice(run.faulty)
            if node.is_up:
                run.cluster.crashed(node)
            node.disk.damage(random)

    run.every(lambda: random.randint(300, 1_500), flip)


def forget(run: "Simulation", random: Random) -> None:
    """The disk of a faulty node acknowledges syncs and does nothing, until its power goes (S16).

    Its guard may come back older, and no peer need know better: that counts as a Byzantine fault (N4).
    """
    run.lossy.update(node.address for node in run.faulty)
    run.liars.update(node.address for node in run.faulty)

    def lie() -> None:
        if run.faulty:
            node = random.choice(run.faulty)
            node.disk.forgets = not node.disk.forgets
            if not node.disk.forgets and node.is_up:
                run.cluster.crashed(node)

    run.every(lambda: random.randint(100, 800), lie)


def restore(run: "Simulation", random: Random) -> None:
    """A faulty node is put back as a whole to how it was, sign guard included, some heights ago (S19).

    Only once blocks show that it has signed since: before that, no peer need know better (N4).
    """
    if not run.faulty:
        return
    node = random.choice(run.faulty)
    run.lossy.add(node.address)
    copies: list[tuple[int, SimulatedDisk, MemoryStore]] = []

    def look() -> None:
        if not node.is_up:
            return
        if not copies:
            disk, store = deepcopy((node.disk, node.store))
            copies.append((node.height, disk, store))
        elif _has_signed_since(run, node, copies[0][0]):
            height, disk, store = copies.pop()
            run.cluster.note(f"{node.name} is put back to height {height}")
            node.go_down(lambda n: n)
            node.disk, node.store = disk, store
            disk.crash(lambda n: n)
            disk.mend()
            node.boot()

    run.every(lambda: random.randint(100, 600), look)


def _has_signed_since(run: "Simulation", node: Node, height: int) -> bool:
    """Whether every other node holds a block whose last commit has a precommit of this one above a height."""
    others = [other for other in run.cluster.nodes if other is not node]
    known = min(other.height for other in others)
    for above in range(height + 2, known + 1):
        last_commit = others[0].store.last_commit(Height(above))
        if last_commit is not None and node.address in signers(last_commit):
            return True
    return False


# --- clocks (S18) ---


def shift_clocks(run: "Simulation", random: Random) -> None:
    """All clocks are off by a little; those of faulty nodes stand still, jump, drift or are an hour off."""
    for node in run.cluster.nodes:
        node.clock_skew_ms = random.randint(-300, 300)
    for node in run.faulty:
        _wrong_clock(run, node, random)


def _wrong_clock(run: "Simulation", node: Node, random: Random) -> None:
    start_ms = run.cluster.now_ms
    how = random.choice(("ahead", "behind", "frozen", "drift", "jumps"))
    if how in {"ahead", "behind"}:
        node.clock_skew_ms = HOUR_MS if how == "ahead" else -HOUR_MS
        return

    def turn() -> None:
        passed_ms = run.cluster.now_ms - start_ms
        if how == "frozen":
            node.clock_skew_ms = -passed_ms
        elif how == "drift":
            node.clock_skew_ms = passed_ms // 10
        else:
            node.clock_skew_ms = random.choice((0, -HOUR_MS, HOUR_MS, -1_000, 1_000))
        run.cluster.after(100, turn)

    run.cluster.after(0, turn)


# --- clients (S23) ---


def flood(run: "Simulation", random: Random) -> None:
    """A client floods a node with junk, forged ballots and the same ballot again and again."""
    election = run.workload.election

    def pour() -> None:
        node = random.choice(run.cluster.nodes)
        if not node.is_up:
            return
        junk = random.randbytes(random.randint(0, 300))
        good = election.ballot(random.randrange(len(election.voters)), 0, random.randrange(20))
        forged = good[:-1] + bytes((good[-1] ^ 1,))
        node.submit(junk, forged, *([good] * random.randint(0, 5)))

    run.every(lambda: random.randint(10, 100), pour)
