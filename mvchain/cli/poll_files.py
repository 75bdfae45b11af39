"""Files that describe a poll: TOML as `mvchain poll create --help` says, and `.pb` files of real elections."""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

from mvchain.cli.options import read_file, to_ms
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.core.limits import MAX_ELECTION_FILE_BYTES, MAX_TRANSACTION_BYTES

MAX_POLL_FILE_BYTES = 4 * MAX_TRANSACTION_BYTES
"""TOML has names, comments and spaces that a definition has not."""
TIMES = ("opens_at", "closes_at")


def read_poll_file(path: Path) -> dict[str, Any]:
    """The poll in the form of `mvchain.ledger.poll_json`; agency, roll and times may be missing.

    Raises:
        BadConfiguration: the file cannot be read, or is not of one of the two forms.
    """
    if path.suffix == ".pb":
        return _election(path)
    try:
        poll = tomllib.loads(read_file(path, MAX_POLL_FILE_BYTES).decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConfiguration(codes.BAD_POLL_FILE, path=path, why=str(error)) from None
    for name in TIMES:
        if name in poll:
            poll[f"{name}_ms"] = _time(path, name, poll.pop(name))
    return poll


def _time(path: Path, name: str, value: object) -> int:
    if not isinstance(value, datetime) or value.tzinfo is None:
        why = f"{name} is not a time with its offset, like 2026-03-02T09:00:00+09:00"
        raise BadConfiguration(codes.BAD_POLL_FILE, path=path, why=why)
    return to_ms(value)


def _election(path: Path) -> dict[str, Any]:
    """The question of a `.pb` file; its ballots are not this command's business."""
    from mvchain.ledger import pabulib
    from mvchain.ledger.poll_json import question_to_json

    try:
        text = read_file(path, MAX_ELECTION_FILE_BYTES).decode()
    except UnicodeDecodeError as error:
        raise BadConfiguration(codes.BAD_POLL_FILE, path=path, why=str(error)) from None
    question = pabulib.parse(text).question
    return {
        "title": dict(question.title),
        "questions": [question_to_json(question)],
        "revote": False,
        "release": "after_closing",
    }
