"""Telling a person how long work gets on: bars on a terminal, plain lines elsewhere, or nothing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Update = Callable[[int, int, str], None]
"""Called with what is done, what there is in all, and a note."""

_EVERY = 5.0  # seconds between plain lines


class Reporter:
    """Writes progress to standard error, so that results can be piped.

    Parameters
    ----------
    quiet
        Say nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Print one line."""
        if not self.quiet:
            self._console.print(text, markup=False)

    @contextmanager
    def progress(self, what: str) -> Iterator[Update]:
        """Show the progress of one step; yields the function that updates it."""
        if self.quiet:
            yield lambda done, total, note: None
        elif self._console.is_terminal and not self._console.is_jupyter:
            with self._bar(what) as update:
                yield update
        else:
            yield self._lines(what)

    @contextmanager
    def _bar(self, what: str) -> Iterator[Update]:
        columns = (
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, console=self._console) as bar:
            task = bar.add_task(what, total=None, note="preparing")
            yield lambda done, total, note: bar.update(task, completed=done, total=total, note=note)

    def _lines(self, what: str) -> Update:
        began = time.monotonic()
        last = -_EVERY  # the first update is always told

        def update(done: int, total: int, note: str) -> None:
            nonlocal last
            now = time.monotonic()
            if done == total or now - last >= _EVERY:
                last = now
                self.say(f"{what}: {done}/{total} in {now - began:.0f} s{'; ' + note if note else ''}")

        return update
