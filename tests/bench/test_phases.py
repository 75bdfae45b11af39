"""mvchain.bench.phases: figures of a phase from what was seen."""

from mvchain.bench.crowd import Reading
from mvchain.bench.phases import NOBODY, Phase, PhaseFigures, intervals_ms
from mvchain.bench.stage import Use
from mvchain.bench.stream import Acknowledged

USE = Use(nodes={1: 3.0, 2: 1.0, 3: 1.0, 4: 0.5}, this=0.5, machine=9.0)
READING = Reading(
    answered=100, busy=50, failed=2, example="x", dropped=1, late_s=0.0, cpu_s=2.0, answer_ms=[1.0, 2.0, 3.0]
)


def test_an_interval_belongs_to_the_block_that_it_begins_with() -> None:
    """A block that comes long after the end still shows that nothing came before."""
    assert intervals_ms([9.5, 10.5, 11.0, 25.0, 26.0], 10.0, 20.0) == [500.0, 14_000.0]


def test_no_block_at_all() -> None:
    assert intervals_ms([1.0, 2.0, 30.0], 10.0, 20.0) == [10_000.0]
    assert intervals_ms([], 10.0, 12.0) == [2_000.0]


def test_the_figures_of_a_phase() -> None:
    acknowledged = [Acknowledged(at, took_ms=at) for at in (9.9, 10.0, 12.0, 19.9, 20.0)]
    figures = PhaseFigures.of(Phase(10.0, 20.0, USE, READING), [10.0, 10.25, 11.0], acknowledged)
    assert figures == PhaseFigures(
        interval_ms=250.0,
        interval_p90_ms=750.0,
        ballots_per_s=0.3,
        acknowledged_ms=12.0,
        acknowledged_p90_ms=19.9,
        answered_per_s=10.0,
        busy_per_s=5.0,
        failed=2,
        dropped=1,
        answer_ms=2.0,
        node_cpu=0.3,
        other_nodes_cpu=0.25,
        readers_cpu=0.2,
        load_cpu=0.05,
        strangers_cpu=0.1,
    )


def test_a_phase_in_which_nothing_was_acknowledged() -> None:
    figures = PhaseFigures.of(Phase(10.0, 20.0, USE, NOBODY), [], [])
    assert (figures.ballots_per_s, figures.acknowledged_ms, figures.interval_ms) == (0, 10_000.0, 10_000.0)
