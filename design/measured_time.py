"""Times of a cycler's file as seconds: plain numbers, elapsed or clock times, days, calendar times."""

import re
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from jaxtyping import Float

from electrograd.physics.errors import InputError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_CLOCK = re.compile(
    r"(?:(\d{1,5})\s?(?:d|days?|[.])?\s+|(\d{1,5})[d.])?"  # days
    r"(\d{1,6}):(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?"
)
_DATE = re.compile(
    r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})[T ]+"
    r"(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?\s*([AaPp][Mm])?Z?"
)
_DAY = 86400.0
_HALF = 43200.0


def seconds(texts: Sequence[str], scale: float, place: str) -> tuple[Float[np.ndarray, " rows"], str]:
    """Return times in seconds since some instant, and a sentence on how they were understood.

    Parameters
    ----------
    texts
        As in the file, with decimal points.
    scale
        Seconds in the unit of plain numbers.

    Raises
    ------
    InputError
        For a text that is no time, or dates whose order of day and month cannot be told.
    """
    if all(_NUMBER.fullmatch(text) for text in texts):
        return scale * np.array([float(text) for text in texts]), ""
    clock = [_CLOCK.fullmatch(text) for text in texts]
    if all(clock):
        return _of_clock([match for match in clock if match])
    dates = [_DATE.fullmatch(text) for text in texts]
    if all(dates):
        return _of_dates([match for match in dates if match], place)
    wrong = next(
        (t for t in texts if not any(p.fullmatch(t) for p in (_NUMBER, _CLOCK, _DATE))), texts[0]
    )
    raise InputError(
        "every time must be a number, a clock time h:m:s with or without days, or a date with a time, "
        "all of one kind",
        repr(wrong[:40]),
        "12.5, 00:00:12.5, 0d 00:00:12.5 or 2024-05-06 07:08:12.5",
        place,
    )


def _of_clock(found: list[re.Match[str]]) -> tuple[Float[np.ndarray, " rows"], str]:
    """Seconds of h:m:s; hours that start again from 0 are those of the next day."""
    times, elapsed = [], False
    for match in found:
        days = float(match[1] or match[2] or 0)
        first, second, third = float(match[3]), float(match[4]), match[5]
        elapsed |= bool(match[1] or match[2]) or first >= 24 or third is None
        # Two parts alone are minutes and seconds.
        within = 60 * first + second if third is None else 3600 * first + 60 * second + float(third)
        times.append(_DAY * days + within)
    values = np.array(times)
    midnights = np.diff(values, prepend=values[:1]) < -_HALF
    if elapsed or not midnights.any():
        return values, ""
    return values + _DAY * np.cumsum(midnights), "Its times are a clock's that passes midnight."


def _of_dates(found: list[re.Match[str]], place: str) -> tuple[Float[np.ndarray, " rows"], str]:
    """Seconds since the first date; day and month stand in the order that leaves the least gap."""
    orders = ((0, 1, 2),) if len(found[0][1]) == 4 else ((2, 1, 0), (2, 0, 1))
    read = [values for order in orders if (values := _in_order(found, order)) is not None]
    forward = [values for values in read if np.all(np.diff(values) >= 0)] or read
    if not forward:
        raise InputError("a date must be one of the calendar", repr(found[0][0]), None, place)
    # In the wrong order the next day is in the next month: a gap of four weeks and more.
    gaps = [float(np.max(np.diff(values), initial=0.0)) for values in forward]
    forward = [values for _, values in sorted(zip(gaps, forward, strict=True), key=lambda pair: pair[0])]
    if len(forward) > 1 and max(gaps) < 2 * min(gaps) and not np.allclose(forward[0], forward[1]):
        raise InputError(
            "the order of day and month must be clear",
            repr(found[0][0]),
            "dates as year-month-day, or the test's own time",
            place,
        )
    return forward[0], "Its times are dates: taken from the first on."


def _in_order(
    found: list[re.Match[str]], order: tuple[int, int, int]
) -> Float[np.ndarray, " rows"] | None:
    """Seconds since the first date for an order of year, month and day; None where it is no date."""
    stamps = []
    for match in found:
        year, month, day = (int(match[1 + k]) for k in order)
        hour, half = int(match[4]), (match[7] or "").lower()
        hour = hour % 12 + (12 if half == "pm" else 0) if half else hour
        try:
            instant = datetime(year + 2000 * (year < 100), month, day, hour, int(match[5]))
        except ValueError:
            return None
        stamps.append((instant - datetime(1970, 1, 1)).total_seconds() + float(match[6] or 0))
    return np.array(stamps) - stamps[0]
