"""The light client runs on what `pip install mvchain` brings: pynacl and msgpack, nothing else (architecture A8)."""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from tests.light.helpers import make_blocks, make_chain

ROOT = Path(__file__).resolve().parents[2]
BASE = ("nacl", "_cffi_backend", "msgpack")
"""What pynacl and msgpack import; pynacl needs of cffi the compiled half alone."""
OTHERS = ("aiohttp", "plyvel", "typer", "rich", "uvloop")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def run(*command: str | Path, cwd: Path) -> str:
    """What the command prints; the environment of the tests does not reach it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_", "COV"))}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=kept | {"PYTHONIOENCODING": "utf-8"}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment with mvchain and its base dependencies, made without a network.

    pip installs mvchain where the tool that builds its wheel is at hand; else the package is linked there as it is.
    """
    home = tmp_path_factory.mktemp("fresh")
    venv.create(home / "venv", symlinks=True)
    interpreter = home / "venv" / "bin" / "python"
    purelib = Path(run(interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).strip())
    for name in BASE:
        link(name, purelib)
    if importlib.util.find_spec("hatchling") is None:
        link("mvchain", purelib)
        return interpreter
    run(*PIP, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", home, ROOT, cwd=home)
    [wheel] = home.glob("mvchain-*.whl")
    run(*PIP, "--python", interpreter, "install", "--no-deps", "--no-index", wheel, cwd=home)
    return interpreter


def link(name: str, purelib: Path) -> None:
    """Makes one module or package of this environment, and nothing beside it, a part of another."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    origin = Path(spec.origin)
    package = origin.parent if origin.name == "__init__.py" else origin
    (purelib / package.name).symlink_to(package)


def test_the_base_dependencies_are_these_two() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [re.split(r"[^a-z0-9-]", requirement)[0] for requirement in project["dependencies"]]
    assert names == ["pynacl", "msgpack"]


def test_the_environment_is_the_base_one(python: Path, tmp_path: Path) -> None:
    found = f"import importlib.util as u; print(*[n for n in {OTHERS + BASE} if u.find_spec(n)])"
    assert run(python, "-c", found, cwd=tmp_path).split() == list(BASE)
    where = run(python, "-c", "import mvchain; print(mvchain.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(python.parents[1])  # found there, not by way of the checkout


def test_a_receipt_is_verified_there(python: Path, tmp_path: Path) -> None:
    chain = make_chain(40)
    (tmp_path / "ballot.mvreceipt.json").write_bytes(make_blocks(chain, 7).receipt(3).encode())
    (tmp_path / "genesis.json").write_bytes(chain.genesis.encode())
    command = (python, "-m", "mvchain.light", "ballot.mvreceipt.json", "--genesis", "genesis.json")
    shown = run(*command, cwd=tmp_path)
    assert shown.startswith("✔ 확인했습니다. 회원님의 투표는 바뀌지 않고 기록되어 있습니다.\n")
    assert "27 of 40 agencies vouch for this record" in shown
