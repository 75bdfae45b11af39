"""How commands show what they found: JSON for programs, tables for people, times in the operator's time zone."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from mvchain.core import codes
from mvchain.core.errors import BadRequest

WIDTH = 80
BAR_CELLS = 24


def print_result(document: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """One JSON object on one line, or the text, to standard output."""
    # At once: whoever reads a pipe may wait for it while the command runs on.
    print(json.dumps(document, ensure_ascii=False) if as_json else harmless(text), flush=True)


@contextmanager
def reading_answer() -> Iterator[None]:
    """Whatever does not fit while a node's answer is shown is that node's fault, since answers are not trusted."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        why = f"{type(error).__name__} while showing it"
        raise BadRequest(codes.ANSWER_MALFORMED, url="the node", why=why) from error


def harmless(text: str) -> str:
    """Without characters that a terminal would obey: titles and errors may come from a node that is not ours."""
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in text)


def note(text: str) -> None:
    """A line beside the result, to standard error."""
    print(text, file=sys.stderr)


def local_time(time_ms: int | None) -> str:
    """As `2026-03-02 09:00:00 +09:00` in the time zone of this machine; a dash for a time that has not come."""
    if not time_ms:
        return "-"
    moment = datetime.fromtimestamp(time_ms / 1000, UTC).astimezone()
    offset = moment.strftime("%z")
    return f"{moment:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"


def facts(rows: Iterable[tuple[str, object]]) -> str:
    """Names and values in two columns."""
    shown = [(name, str(value)) for name, value in rows]
    width = max(len(name) for name, _ in shown)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in shown)


def counted(number: int, what: str) -> str:
    """As `1 ballot`, `1,024 ballots`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def waiting(actions: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Facts about actions that wait for approvals: what would happen, who agreed so far, what to name to approve."""
    rows = []
    for action in actions:
        until = f" until {local_time(action['closes_at_ms'])}" if action["closes_at_ms"] else ""
        approvals = counted(len(action["approvals"]), "approval")
        asked = f"{action['kind']}{until}, {approvals} so far; to agree, mvchain approve"
        rows += [("waiting", asked), ("", action["hash"])]
    return rows


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of at most 80 columns; Korean letters take two each."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    grid = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        grid.add_row(*(escape(str(cell)) for cell in row))
    return _rendered(grid)


def bars(rows: Sequence[tuple[str, int]]) -> str:
    """Each label with its number and a bar, the largest number's of full length."""
    from rich.markup import escape
    from rich.table import Table

    largest = max((number for _, number in rows), default=0) or 1
    grid = Table.grid(padding=(0, 1))
    grid.add_column(ratio=1)
    grid.add_column(justify="right")
    grid.add_column()
    for label, number in rows:
        grid.add_row(escape(label), f"{number:,}", "█" * round(BAR_CELLS * number / largest))
    return _rendered(grid)


def _rendered(renderable: object) -> str:
    from rich.console import Console

    console = Console(width=WIDTH, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()).strip("\n")


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A function to call with what is done and the whole; draws on standard error if that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
