"""Telling a person how long work gets on: bars on a terminal, plain lines elsewhere, or nothing."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
)
from rich.table import Column

Update = Callable[[int, int, str], None]
"""Called with what is done, what there is in all, and a note."""

Clock = Callable[[], float]
"""Seconds from any moment on."""

_EVERY = 5.0  # seconds between plain lines
_WINDOW, _UPDATES = 30.0, 8  # the rate is measured over so many seconds and updates, at least


def duration(seconds: float) -> str:
    """Say a time in words short enough for a line of progress."""
    for size, unit in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


class Pace:
    """How fast work goes, and how long the rest of it takes.

    The rate is of the last half minute or the last eight updates, whichever is longer. What was done
    before the first update does not count, nor does the time before the last update that found nothing
    new done: work is being prepared then.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._seen: deque[tuple[float, int]] = deque()

    @property
    def elapsed(self) -> float:
        """Seconds since the work began, its preparation included."""
        return self._clock() - self._began

    def update(self, done: int) -> None:
        """Take note of how much is done now."""
        seen = self._seen
        if len(seen) == 1 and seen[0][1] == done:
            seen.clear()
        seen.append((self._clock(), done))
        while len(seen) > _UPDATES + 1 and seen[-1][0] - seen[1][0] >= _WINDOW:
            seen.popleft()

    @property
    def rate(self) -> float:
        """Units of work a second; 0 where nothing has been done yet."""
        if len(self._seen) < 2:
            return 0.0
        (began, before), (now, done) = self._seen[0], self._seen[-1]
        return (done - before) / (now - began) if now > began else 0.0

    def told(self, total: int) -> str:
        """Return "45.1 a second, 42 s left", or nothing where there is no rate yet."""
        rate = self.rate
        if rate <= 0:
            return ""
        speed = f"{rate:.1f} a second" if rate >= 1 else f"{duration(1 / rate)} each"
        left = total - self._seen[-1][1]
        return f"{speed}, {duration(left / rate)} left" if left else speed


class Reporter:
    """Writes progress to standard error, so that results can be piped.

    Parameters
    ----------
    quiet
        Say nothing.
    clock
        Tells the time.
    """

    def __init__(self, quiet: bool = False, clock: Clock = time.monotonic) -> None:
        self.quiet = quiet
        self._clock = clock
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
            TextColumn("{task.description}"),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            # What is told goes on below where a terminal is narrow.
            TextColumn("{task.fields[told]}", markup=False, table_column=Column(no_wrap=False)),
        )
        pace = Pace(self._clock)
        with Progress(*columns, console=self._console) as bar:
            task = bar.add_task(what, total=None, told="preparing")

            def update(done: int, total: int, note: str) -> None:
                pace.update(done)
                bar.update(task, completed=done, total=total, told=_joined(pace.told(total), note))

            yield update

    def _lines(self, what: str) -> Update:
        pace = Pace(self._clock)
        last = -_EVERY  # the first update is always told

        def update(done: int, total: int, note: str) -> None:
            nonlocal last
            pace.update(done)
            if done == total or pace.elapsed - last >= _EVERY:
                last = pace.elapsed
                so_far = f"{what}: {done}/{total}"
                if done == total:
                    so_far += f" in {duration(pace.elapsed)}"
                elif told := pace.told(total):
                    so_far += f", {told}"
                self.say(_joined(so_far, note))

        return update


def _joined(told: str, note: str) -> str:
    return "; ".join(filter(None, (told, note)))
