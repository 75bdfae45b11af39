"""python -m mvchain.interop: what it says without the tools it needs."""

import os
import subprocess
import sys
from pathlib import Path


def test_a_missing_tool_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    """A check that cannot be made is not one that failed; and nothing is left behind."""
    environment = {**os.environ, "PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "mvchain.interop", "--json", str(tmp_path / "report.json")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "MV-3072" in done.stderr
    assert "go" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_report_that_cannot_be_written_is_refused_first(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mvchain.interop", "--json", str(tmp_path / "missing" / "report.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "MV-3071" in done.stderr


def test_an_unknown_option_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mvchain.interop", "--jsn"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
