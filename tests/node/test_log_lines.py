"""Nobody writes lines of the log but the node itself (LOG03)."""

import json
import logging
from collections.abc import Iterator

import pytest

from mvchain.node.config import LogSettings
from mvchain.node.log_lines import set_up_logging

HOSTILE = "a peer said 안녕\n2026-01-01 INFO all is well\x1b[2J"


@pytest.fixture(autouse=True)
def _root_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_for_people_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(LogSettings(level="warning", format="text"))
    logging.getLogger("mvchain.x").warning("%s", HOSTILE)
    logging.getLogger("mvchain.x").info("below the level")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(r"WARNING mvchain.x: a peer said 안녕\n2026-01-01 INFO all is well\x1b[2J")


def test_a_line_of_json_is_one_object_with_the_whole_text(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(LogSettings(level="info", format="json"))
    logging.getLogger("mvchain.x").error("%s", HOSTILE)
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert isinstance(entry.pop("time_ms"), int)
    assert entry == {"level": "error", "where": "mvchain.x", "message": HOSTILE}
