"""Columns of a cycler's file: which is which by its name, and its unit, brought to seconds, A and V.

Names are understood without regard to case. Units stand behind them in brackets, after a slash or as a
word: "Time [s]", "I(mA)", "Test Time / s" and "test_time_second" (the two spellings of the Battery Data
Format, https://battery-data-alliance.github.io/battery-data-format). Without a unit, values are taken as
seconds, amperes and volts.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from electrograd.physics.errors import InputError

TIME, CURRENT, VOLTAGE = "time", "current", "voltage"

_NAMES = {
    TIME: ("test time", "total time", "elapsed time", "time", "testtime", "t", "relative time"),
    CURRENT: ("current", "i", "<i>", "cell current", "amps"),
    VOLTAGE: ("voltage", "cell voltage", "terminal voltage", "u", "v", "ecell", "ewe", "volt", "volts"),
}
"""Spellings of each column, without unit; of several in one file the first here is taken."""
_UNITS = {
    TIME: {
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
        **dict.fromkeys(("ms", "millisecond", "milliseconds"), 1e-3),
        **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
        **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
        "h:m:s": 1.0,
        "hh:mm:ss": 1.0,
    },
    CURRENT: {
        **dict.fromkeys(("a", "amp", "amps", "ampere", "amperes"), 1.0),
        **dict.fromkeys(("ma", "milliamp", "milliampere", "milliamperes"), 1e-3),
        **dict.fromkeys(("ua", "µa", "microampere"), 1e-6),
    },
    VOLTAGE: {
        **dict.fromkeys(("v", "volt", "volts"), 1.0),
        **dict.fromkeys(("mv", "millivolt", "millivolts"), 1e-3),
    },
}
_PREAMBLE = 200
"""Lines within which a file's header must come."""


@dataclass(frozen=True)
class Columns:
    """A file's readings in seconds, amperes and volts, as they stand, row by row.

    Attributes
    ----------
    units
        By column: the unit that its name states, or "" where it states none.
    first_line
        Line of the file in which the first reading stands.
    """

    time: Float[np.ndarray, " rows"]
    current: Float[np.ndarray, " rows"]
    voltage: Float[np.ndarray, " rows"]
    units: dict[str, str]
    first_line: int


def read_columns(path: Path) -> Columns:
    """Read time, current and voltage from a file that a cycler wrote.

    Fields may be separated by commas, semicolons or tabs, and decimals by commas where fields are not;
    lines before the header are passed over.

    Raises
    ------
    InputError
        For a file that is no such text, a column that is lacking or of an unknown unit, or a field that
        is no number.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        lines = path.read_text(encoding="latin-1").splitlines()
    except OSError as error:
        raise InputError("a measured curve must be a file", error.strerror, where=str(path)) from error
    place = str(path)
    at, separator, found = _header(lines, place)
    units, scales = {}, {}
    for quantity, (_, unit) in found.items():
        if unit and unit not in _UNITS[quantity]:
            known = ", ".join(k for k in _UNITS[quantity] if len(k) < 4)
            raise InputError(f"the unit of {quantity} must be one of {known}", unit, where=place)
        units[quantity], scales[quantity] = unit, _UNITS[quantity].get(unit, 1.0)
    rows = []
    for number, fields in _rows(lines, at + 1, separator):
        row = []
        for quantity, (column, _) in found.items():
            text = fields[column].strip() if column < len(fields) else ""
            row.append(scales[quantity] * _number(text, separator, quantity, f"{place}, line {number}"))
        rows.append(row)
    if not rows:
        raise InputError("a measured curve must have readings", "a header alone", where=place)
    table = dict(zip(found, np.array(rows).T, strict=True))
    return Columns(**table, units=units, first_line=at + 2)


def _rows(lines: list[str], first: int, separator: str) -> list[tuple[int, list[str]]]:
    """Fields of the lines that hold any, with the lines' numbers in the file."""
    split = csv.reader(lines[first:], delimiter=separator)
    return [(first + k + 1, fields) for k, fields in enumerate(split) if any(f.strip() for f in fields)]


def _header(lines: list[str], place: str) -> tuple[int, str, dict[str, tuple[int, str]]]:
    """Line of the header from 0, the separator, and by quantity its column and unit."""
    best: dict[str, tuple[int, str]] = {}
    seen: list[str] = []
    for at, line in enumerate(lines[:_PREAMBLE]):
        separator = max(("\t", ";", ","), key=line.count)
        fields = next(csv.reader([line], delimiter=separator), [])
        found = _columns(fields)
        if len(found) == len(_NAMES):
            return at, separator, found
        if len(found) > len(best) or not seen:
            best, seen = found, fields
    lacking = [quantity for quantity in _NAMES if quantity not in best]
    raise InputError(
        "a measured curve must be a table with columns of time, current and voltage",
        f"no column of {' or '.join(lacking)} among {', '.join(name.strip() for name in seen)}",
        "a header like: Time [s],Current [A],Voltage [V]",
        place,
    )


def _columns(fields: list[str]) -> dict[str, tuple[int, str]]:
    """By quantity: the column that has it, by the first of its spellings, and the unit said there."""
    told = [_name_and_unit(field) for field in fields]
    found = {}
    for quantity, spellings in _NAMES.items():
        ranked = [(spellings.index(n), k, u) for k, (n, u) in enumerate(told) if n in spellings]
        if ranked:
            _, column, unit = min(ranked)
            found[quantity] = (column, unit)
    return found


def _name_and_unit(field: str) -> tuple[str, str]:
    """A column's name and unit, both in small letters: "Test Time / s" gives "test time" and "s"."""
    text = re.sub(r"[_\s]+", " ", field.strip().lower()).strip(" ~\"'")
    bracketed = re.fullmatch(r"(.*?)\s*[\[(]\s*([^\])]*?)\s*[\])]", text)
    if bracketed:
        return bracketed[1], bracketed[2]
    if "/" in text:
        name, _, unit = text.partition("/")
        return name.strip(), unit.strip()
    name, _, last = text.rpartition(" ")
    every = {unit for units in _UNITS.values() for unit in units}
    known = {name for names in _NAMES.values() for name in names}
    return (name, last) if name in known and last in every else (text, "")


def _number(text: str, separator: str, quantity: str, place: str) -> float:
    try:
        if quantity == TIME and ":" in text:
            parts = [float(part) for part in text.replace(",", ".").split(":")]
            return float(sum(part * 60**k for k, part in enumerate(reversed(parts))))
        value = float(text.replace(",", ".") if separator != "," else text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise InputError(
            f"every reading of {quantity} must be a finite number",
            repr(text),
            "leave out rows without readings",
            place,
        )
    return value
