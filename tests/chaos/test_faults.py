"""What faults do to files, clocks and versions, on files and processes and without a network."""

import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from mvchain.chaos import disks
from mvchain.chaos.catalogue import FAULTS
from mvchain.chaos.clocks import launch_with_clock
from mvchain.chaos.cluster import Launch
from mvchain.chaos.disks import set_aside, spoil
from mvchain.chaos.soak import slope_bytes_per_h
from mvchain.chaos.upgrade import newer_version
from mvchain.chaos.watch import Use, disk_bytes, use_of
from mvchain.node.config import Home

CONTENT = bytes(range(256)) * 4


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """With one file of each kind that a node writes."""
    home = Home(tmp_path)
    for path in (
        home.log / "00000007.wal",
        home.guard,
        home.journal / "00000001.journal",
        home.store / "MANIFEST-000002",
        home.store / "000003.log",
        home.store / "000005.ldb",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENT)
    (home.store / "CURRENT").write_bytes(b"")
    return home


def files(home: Home) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()}


def test_one_file_is_cut_or_changed_at_a_time_and_all_kinds_come(home: Home) -> None:
    before, told = files(home), set()
    for seed in range(200):
        told.add(what := spoil(home, Random(seed)))
        ((path, damaged),) = ((path, now) for path, now in files(home).items() if now != before[path])
        if what.endswith("cut"):
            assert len(damaged) < len(CONTENT)
            assert CONTENT.startswith(damaged)
        else:
            differing = [old ^ new for old, new in zip(CONTENT, damaged, strict=True) if old != new]
            assert len(differing) == 1
            assert differing[0].bit_count() == 1
        path.write_bytes(CONTENT)
    kinds = ("log", "guard", "journal", "MANIFEST", "database log", "database table")
    assert told == {f"{kind} {how}" for kind in kinds for how in ("cut", "changed")}


def test_what_a_node_names_is_set_aside_and_the_log_takes_its_guard_along(home: Home) -> None:
    set_aside(home, f"MV-4011: The database {home.store} is damaged: why. Set it aside.")
    assert not home.store.exists()
    assert home.log.exists()
    assert home.guard.exists()
    set_aside(home, f"MV-4006: {home.log / '00000007.wal'} is not what this node wrote.")
    assert not home.log.exists()
    assert not home.guard.exists()
    assert home.journal.exists()
    set_aside(home, f"MV-4006: {home.journal / '00000001.journal'} is not what this node wrote.")
    assert not home.journal.exists()
    assert sum(content == CONTENT for content in files(home).values()) == 6


def in_python(launch: Launch, code: str) -> str:
    """What a Python prints that is started like a node."""
    assert launch.directory is not None
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd="/", env={"PYTHONPATH": str(launch.directory)}
    )
    return done.stdout.strip()


@pytest.mark.parametrize("seconds", [3_600, -3_600])
def test_a_clock_is_ahead_or_behind_in_all_that_a_node_asks(tmp_path: Path, seconds: int) -> None:
    launch = launch_with_clock(tmp_path, seconds)
    before = time.time()
    shown = in_python(launch, "import time; print(time.time(), time.time_ns())").split()
    after = time.time()
    assert before + seconds <= float(shown[0]) <= after + seconds
    assert before + seconds <= int(shown[1]) / 1e9 <= after + seconds


def test_a_newer_version_is_another_copy_of_the_package(tmp_path: Path) -> None:
    launch = newer_version(tmp_path, "7.0.0")
    code = "import mvchain, mvchain.app; print(mvchain.__version__, mvchain.app.__file__)"
    version, path = in_python(launch, code).split()
    assert version == "7.0.0"
    assert Path(path).is_relative_to(tmp_path)


def test_the_slope_is_of_the_samples_after_the_warm_up() -> None:
    """A node that takes 100 MB at once in the first quarter and 1,000 bytes a second then."""
    samples = [Use(float(second), 100_000_000 if second < 25 else second * 1_000, 10) for second in range(100)]
    assert slope_bytes_per_h(samples) == pytest.approx(3_600_000)


def test_what_a_process_uses(tmp_path: Path) -> None:
    with (tmp_path / "open").open("wb") as file:
        held = use_of(subprocess.os.getpid())
        file.write(bytes(100))
    after = use_of(subprocess.os.getpid())
    assert held.descriptors == after.descriptors + 1
    assert after.resident_bytes > 1024 * 1024
    assert disk_bytes(tmp_path) == 100


def test_a_reason_is_a_line_with_a_code() -> None:
    assert disks.LAST_LINE.match("MV-4002: The disk is full. Free space.")
    assert not disks.LAST_LINE.match("OSError: [Errno 28] No space left on device")


def test_every_fault_of_the_catalogue_is_there_once_with_each_number_of_nodes() -> None:
    assert {fault.code for fault in FAULTS} >= {f"R{number}" for number in range(1, 15)}
    names = [(fault.name, fault.nodes) for fault in FAULTS]
    assert len(names) == len(set(names))
    assert {fault.code for fault in FAULTS if fault.nodes == 7} == {"R1", "R4", "R8"}
    assert all(len(fault.name) <= 32 for fault in FAULTS), "a row has 80 columns"
