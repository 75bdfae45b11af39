"""How a long run tells how far it is: moving bars on a terminal, plain lines elsewhere, on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Advance: TypeAlias = Callable[[int], None]
"""Called with the number done so far."""


class Narrator:
    """Says what is being done."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(text, markup=False)

    @contextmanager
    def bar(self, text: str, total: int) -> Iterator[Advance]:
        """Work of `total` steps that goes on inside."""
        if not self._console.is_terminal:
            self.say(f"{text}: {total:,}")
            yield lambda _done: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(text, total=total)
            yield lambda done: progress.update(task, completed=done)
