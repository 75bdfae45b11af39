"""The page's JavaScript, run in Node: see run.mjs."""

import json
import shutil
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

RUNNER = Path(__file__).with_name("run.mjs")
LIB = Path(str(resources.files("mvchain.api"))) / "static" / "lib"


@dataclass(frozen=True)
class Refused:
    """The page refused it with this code."""

    code: str


def ask_page(cases: Sequence[dict[str, Any]]) -> list[Any]:
    """What the modules give for each case, with bytes as bytes and integers as int; or Refused.

    One run of Node for all of them.
    """
    printed = run_node(RUNNER, json.dumps(cases, default=_to_json).encode())
    verdicts = json.loads(printed, object_hook=_from_json)
    assert len(verdicts) == len(cases)
    return [Refused(one["refuses"]) if "refuses" in one else one.get("gives") for one in verdicts]


def run_node(program: Path, given: bytes = b"") -> bytes:
    """What the program prints. Skips the test where there is no Node."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so the page's JavaScript cannot be run")
    done = subprocess.run([node, str(program)], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _to_json(value: object) -> object:
    if isinstance(value, bytes):
        return {"base64": b64encode(value).decode()}
    raise TypeError(value)


def _from_json(value: dict[str, Any]) -> Any:
    if value.keys() == {"base64"}:
        return b64decode(value["base64"])
    return int(value["integer"]) if value.keys() == {"integer"} else value
