"""mvchain.bench.machine: whose processor time, and where."""

import os
import time

import pytest

from mvchain.bench.machine import Conditions, busy_seconds, cpu_seconds


def test_processor_time_of_a_process() -> None:
    """The kernel tells the process the same in another way."""
    before = sum(os.times()[:2])
    found = cpu_seconds(os.getpid())
    tick = 1 / os.sysconf("SC_CLK_TCK")
    assert before - tick <= found <= sum(os.times()[:2]) + tick


def test_the_machine_was_busy_at_least_as_long_as_this_process() -> None:
    busy, used = busy_seconds(), time.process_time()
    while time.process_time() < used + 0.1:
        pass
    assert busy_seconds() - busy >= 0.1 - 2 / os.sysconf("SC_CLK_TCK")


def test_every_measurement_says_where_it_was_made() -> None:
    """L is r by the number of nodes (performance P1)."""
    document = Conditions(verifications_per_s=20_000.0, load_average=0.25, runs=3).to_json(4)
    assert document.keys() == {
        "machine", "versions", "measured_at", "load_average", "runs", "sync", "n", "r", "L",
    }  # fmt: skip
    assert document["machine"].keys() == {"cpu", "cores", "system"}
    assert {"python", "mvchain", "pynacl", "aiohttp"} <= document["versions"].keys()
    assert (document["n"], document["r"], document["L"], document["runs"]) == (4, 20_000, 5_000, 3)


@pytest.mark.parametrize("nodes", [4, 40])
def test_people_read_it_in_80_columns(nodes: int) -> None:
    lines = Conditions(31_234.5, 10.25, 3).lines(nodes)
    assert max(map(len, lines)) <= 80
