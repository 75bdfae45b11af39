"""One run: faults on and safety checked at each step, then heal, then bounded liveness (faults SIM2)."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from mvchain.core import codes
from mvchain.ledger.genesis import ConsensusParams
from mvchain.sim.checkers import Agreement, OneSignature, OneState
from mvchain.sim.checkers_ballots import Acknowledged, check_tally
from mvchain.sim.checkers_evidence import Accountability, Witnesses
from mvchain.sim.checkers_resources import Bounded
from mvchain.sim.cluster import Cluster
from mvchain.sim.kinds import KINDS
from mvchain.sim.liveness import HEIGHTS, Liveness
from mvchain.sim.node import GUARD, JOURNAL, LOG, Node
from mvchain.sim.replay import check_replay
from mvchain.sim.scenario import Scenario
from mvchain.sim.signatures import provider
from mvchain.sim.violation import Violation
from mvchain.sim.workload import Workload

FAULTY_MS: Final = 12_000
"""Faults last no longer, however many heights there are by then."""
LAST_MS: Final = 60_000
"""For the tally and all that was acknowledged, once nobody casts any more."""
HEARTBEAT_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended."""

    scenario: Scenario
    violation: str | None
    digest: str
    """Of all that happened (SIM1)."""
    height: int
    virtual_ms: int
    messages: int
    crashes: int

    def to_json(self) -> dict[str, Any]:
        """What programs need of a violation."""
        return {"seed": self.scenario.seed, "violation": self.violation, "repeat": self.scenario.command}


def simulate(scenario: Scenario, trace: Callable[[str], None] | None = None) -> Report:
    """Run a scenario to its end, or to the first violation."""
    with _no_logs(), provider(real=scenario.real_signatures):
        run = Simulation(scenario, trace)
        violation = None
        try:
            run.run()
        except Violation as found:
            violation = str(found)
        except Exception as error:  # a node must not end this way, whatever is done to it
            violation = f"I7: {type(error).__name__}: {error}"
        cluster = run.cluster
        return Report(
            scenario,
            violation,
            cluster.digest,
            max(node.height for node in cluster.nodes),
            cluster.now_ms,
            cluster.messages,
            cluster.crashes,
        )


@contextmanager
def _no_logs() -> Iterator[None]:
    """Nodes log a lot where everything goes wrong; whoever calls this goes on logging afterwards."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


class Simulation:
    """The parts of one run, for the faults to work on."""

    def __init__(self, scenario: Scenario, trace: Callable[[str], None] | None = None) -> None:
        self.scenario = scenario
        self.cluster = Cluster(
            scenario.nodes,
            seed=scenario.seed,
            params=ConsensusParams(heartbeat_ms=HEARTBEAT_MS),
            trace=trace,
        )
        self.cluster.operator = self._operate
        random = scenario.random("faulty")
        self.faulty: list[Node] = random.sample(self.cluster.nodes, scenario.max_faulty + scenario.beyond)
        """At most f: those whom a kind of fault may make Byzantine, or whose disks lose what was synced."""
        self.liars: set[bytes] = set()
        """Addresses of the Byzantine ones: nothing is asked of them."""
        self.lossy: set[bytes] = set()
        """Addresses of those whose promises end with their disks."""
        self.healed = False
        self.workload = Workload(self.cluster, scenario.random("workload"))
        self.agreement = Agreement(self.cluster.genesis, self.liars)
        self.acknowledged = Acknowledged(self.lossy)
        self.states = OneState(self.liars)
        accountability = Accountability(self.cluster.genesis, self.liars)
        self.witnesses = Witnesses(self.cluster.genesis, accountability, self.liars)
        self.cluster.watchers += [
            self.agreement,
            OneSignature(self.cluster.genesis, self.liars),
            self.states,
            self.acknowledged,
            accountability,
            self.witnesses,
            Bounded(),
        ]

    @property
    def honest(self) -> list[Node]:
        """Those who have to keep to everything."""
        return [node for node in self.cluster.nodes if node.address not in self.liars]

    def every(self, pause_ms: Callable[[], int], action: Callable[[], None]) -> None:
        """Do something again and again until faults stop."""

        def act() -> None:
            if not self.healed:
                action()
                self.cluster.after(pause_ms(), act)

        self.cluster.after(pause_ms(), act)

    def run(self) -> None:
        """Both phases.

        Raises:
            Violation: an invariant does not hold.
        """
        for kind in self.scenario.kinds:
            KINDS[kind].begin(self, self.scenario.random(kind))
        self.cluster.boot()
        self.workload.start()
        enough = self.scenario.heights - HEIGHTS
        with suppress(TimeoutError):
            self.cluster.run(lambda: max(node.height for node in self.honest) >= enough, FAULTY_MS)
        self._heal()
        Liveness(self.cluster, self.honest, self.scenario.max_faulty).wait()
        self._finish()

    def _heal(self) -> None:
        """GST: the network delivers, disks work, clocks of honest nodes go right; Byzantine nodes go on."""
        self.cluster.note("faults stop")
        self.healed = True
        self.cluster.network.heal()
        for node in self.cluster.everybody:
            node.disk.mend()
            node.disk.forgets = False
            if not node.is_up:
                node.boot()

    def _finish(self) -> None:
        """All that was promised has ended, and the tally is what the blocks say (I3, I4, I5)."""
        self.workload.close_poll()
        honest = self.honest
        try:
            self.cluster.run(lambda: all(node.is_up and self.workload.is_final(node) for node in honest), LAST_MS)
            self.cluster.run(lambda: not self.acknowledged.open_promises(), LAST_MS)
        except TimeoutError:
            self.acknowledged.finish()
            raise Violation("I6", "the poll has no tally") from None
        try:
            self.cluster.run(lambda: not self.witnesses.missing(), LAST_MS)
        except TimeoutError:
            raise Violation("I8", f"no block holds evidence of {self.witnesses.missing()}") from None
        blocks = [txs for _, _, txs in self.agreement.chain]
        for node in honest:
            check_tally(node, self.workload.election.POLL, blocks)
        check_replay(honest[0], self.states.app_hashes)

    def _operate(self, node: Node) -> None:
        """What an operator does when a node has ended by itself: what its message says."""
        if node.address in self.liars:
            return  # what it told others may differ from what it told itself
        assert node.halted is not None
        cause = node.halted.cause
        if cause in (codes.RECORD_DAMAGED, codes.FILE_DAMAGED, codes.GUARD_DAMAGED):
            if node.address not in self.lossy:
                raise Violation("I7", f"{node.name} calls its disk damaged after nothing but crashes: {node.halted}")
            for directory in (LOG, JOURNAL):
                for name in node.disk.names(directory):
                    node.disk.remove(directory / name)
            if node.disk.read(GUARD) is not None:
                node.disk.remove(GUARD)
            node.disk.crash(lambda n: n)
        elif cause is not codes.DISK_FAILED:
            raise Violation("I7", f"{node.name} stops: {node.halted}")
