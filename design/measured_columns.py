"""Columns of a cycler's file: which is which by its name, and its unit, brought to seconds, A and V.

Names are understood without regard to case. Units stand behind them in brackets, after a slash or as a
word: "Time [s]", "I(mA)", "Test Time / s" and "test_time_second" (the two spellings of the Battery Data
Format, https://battery-data-alliance.github.io/battery-data-format). Without a unit, values are taken as
seconds, amperes and volts.
"""

import csv
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from electrograd.design.measured_sign import NAMES as SIGN_NAMES
from electrograd.design.measured_sign import signed
from electrograd.design.measured_text import read_lines
from electrograd.design.measured_time import seconds
from electrograd.physics.errors import InputError

TIME, CURRENT, VOLTAGE = "time", "current", "voltage"
REFERENCE = "counter electrode"
"""The potential of a three-electrode cell's counter electrode, to be taken from the working one's."""

_NAMES = {
    TIME: (
        *("test time", "testtime", "test", "total time", "elapsed time", "run time", "prog time"),
        *("program time", "program duration", "总时间", "测试时间", "prüfzeit", "laufzeit"),
        *("time", "zeit", "时间", "t", "relative time", "timestamp", "time stamp", "date and time"),
        *("datetime", "date time", "absolute time", "unix time"),
    ),
    CURRENT: (
        *("current", "i", "<i>", "cell current", "amps", "current function", "total current"),
        *("strom", "电流", "courant"),
    ),
    VOLTAGE: (
        *("voltage", "cell voltage", "terminal voltage", "battery voltage", "u", "v", "ecell"),
        *("ewe-ece", "potential", "spannung", "电压", "tension", "volt", "volts", "ewe"),
    ),
}
"""Spellings of each column, without unit; of several in one file the first here is taken."""
_UNITS = {
    TIME: {
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
        **dict.fromkeys(("ms", "millisecond", "milliseconds"), 1e-3),
        **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
        **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
        **dict.fromkeys(("d", "day", "days"), 86400.0),
        **dict.fromkeys(("h:m:s", "hh:mm:ss", "h:min:s", "h:min:s.ms", "hh:mm:ss.ms"), 1.0),
    },
    CURRENT: {
        **dict.fromkeys(("a", "amp", "amps", "ampere", "amperes"), 1.0),
        **dict.fromkeys(("ma", "milliamp", "milliampere", "milliamperes"), 1e-3),
        **dict.fromkeys(("ua", "μa", "microampere"), 1e-6),
    },
    VOLTAGE: {
        **dict.fromkeys(("v", "volt", "volts"), 1.0),
        **dict.fromkeys(("mv", "millivolt", "millivolts"), 1e-3),
    },
}
_NUMBER = re.compile(r"[+-]?(\d{1,20}\.?\d{0,20}|\.\d{1,20})([eE][+-]?\d{1,2})?")
_COMMA = re.compile(r"[+-]?\d{1,20},\d{1,20}([eE][+-]?\d{1,2})?")
_MISSING = ("", "nan", "na", "n/a", "-", "--", "null", "none", "inf", "-inf")
_GROUPED = re.compile(r"[+-]?\d[\d.,]*")
"""A number that may group its digits, such as 1,234.5."""
_PREAMBLE = 200
"""Lines within which a file's header must come."""
_LONGEST = 100_000
"""Characters of a line, above which it is none of a cycler's table."""
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))


@dataclass(frozen=True)
class Columns:
    """A file's readings in seconds, amperes and volts, as they stand, row by row.

    Attributes
    ----------
    units
        By column: the unit that its name states, or "" where it states none.
    first_line
        Line of the file in which the first reading stands.
    sign_told
        Whether the current's sign is from a column of charge and discharge.
    notes
        What was understood or left out, in sentences.
    """

    time: Float[np.ndarray, " rows"]
    current: Float[np.ndarray, " rows"]
    voltage: Float[np.ndarray, " rows"]
    units: dict[str, str]
    first_line: int
    sign_told: bool = False
    notes: tuple[str, ...] = ()


def read_columns(path: Path, named: Mapping[str, str] | None = None) -> Columns:
    """Read time, current and voltage from a file that a cycler wrote.

    Fields may be separated by commas, semicolons, tabs or bars, and decimals by commas. Lines before the
    header, a row of units behind it, rows without a reading and a footer are passed over.

    Parameters
    ----------
    named
        Names of columns in the file by quantity (`TIME`, `CURRENT`, `VOLTAGE`), where they are unknown
        here; the unit may stand behind a name, as in ``"Strom_Kanal_3 [mA]"``.

    Raises
    ------
    InputError
        For a file that is no such text, a column that is lacking or of an unknown unit, or a field that
        is no number.
    """
    lines, place = read_lines(path), str(path)
    at, separator, header = _header(lines, place, named or {})
    rows = _rows(lines, at + 1, separator, place)
    _check_width(rows, len(header), place)
    columns = _columns(header, named or {})
    _check_alone(header, {q: at for q, at in columns.items() if q not in (named or {})}, place)
    found, rows, notes = _with_units_row(columns, rows, place)
    units, scales = {}, {}
    for quantity, (_, unit) in found.items():
        kind = VOLTAGE if quantity == REFERENCE else quantity
        if unit and unit not in _UNITS[kind]:
            known = ", ".join(k for k in _UNITS[kind] if len(k) < 4)
            raise InputError(f"the unit of {quantity} must be one of {known}", unit, where=place)
        units[quantity], scales[quantity] = unit, _UNITS[kind].get(unit, 1.0)
    rows, cells, dropped = _readings(rows, found, separator, place)
    if not rows:
        raise InputError("a measured curve must have readings", "a header alone", where=place)
    table = {
        quantity: scales[quantity] * np.array([float(text) for text in texts])
        for quantity, texts in cells.items()
        if quantity != TIME
    }
    time, of_time = seconds(cells[TIME], scales[TIME], place)
    words = [[fields[k] if k < len(fields) else "" for _, fields in rows] for k in _telling(header)]
    current, of_sign = signed(table[CURRENT], words)
    voltage = table[VOLTAGE] - table.get(REFERENCE, 0.0)
    if REFERENCE in table:
        notes.append("Its voltage is taken between the working and the counter electrode (Ewe - Ece).")
    return Columns(
        time=time,
        current=current,
        voltage=voltage,
        units=units,
        first_line=rows[0][0],
        sign_told=bool(of_sign),
        notes=tuple(note for note in (*notes, *dropped, of_time, of_sign) if note),
    )


def _rows(lines: list[str], first: int, separator: str, place: str) -> list[tuple[int, list[str]]]:
    """Fields of the lines that hold any, with the lines' numbers in the file.

    Each line is split by itself: a quotation mark left open must not take the lines behind it.
    """
    found = []
    for number, line in enumerate(lines[first:], start=first + 1):
        if len(line) > _LONGEST:
            rule = f"a line of a measured curve must have at most {_LONGEST} characters"
            raise InputError(rule, len(line), "a table of text", f"{place}, line {number}")
        fields = [field.strip() for field in next(csv.reader([line], delimiter=separator), [])]
        if any(fields):
            found.append((number, fields))
    return found


def _check_width(rows: list[tuple[int, list[str]]], width: int, place: str) -> None:
    """Refuse rows of numbers with more fields than the header: decimal commas between commas."""
    for number, fields in rows:
        if any(fields[width:]) and _NUMBER.fullmatch(fields[0]):
            raise InputError(
                "a row must have no more fields than the header",
                f"{len(fields)} fields under {width} names",
                "decimal points, or another separator than the comma",
                f"{place}, line {number}",
            )


def _check_alone(header: list[str], found: dict[str, tuple[int, str]], place: str) -> None:
    """Refuse two columns of one name, and Ewe beside an unclear column of the counter electrode."""
    told = [_name_and_unit(field) for field in header]
    for quantity, (column, _) in found.items():
        if told.count(told[column]) > 1:
            raise InputError(
                f"the column of {quantity} must be one alone of its name",
                f"{told.count(told[column])} columns '{header[column].strip()[:40]}'",
                "a file in which their names differ",
                place,
            )
    others = [h.strip()[:40] for h, (name, _) in zip(header, told, strict=True) if "ece" in name.split()]
    if VOLTAGE in found and told[found[VOLTAGE][0]][0] == "ewe" and others and REFERENCE not in found:
        raise InputError(
            "the cell's voltage must be told from the working electrode's in a three-electrode file",
            f"columns {header[found[VOLTAGE][0]].strip()[:40]} and {', '.join(others)}",
            f"columns: {{voltage: '{others[0]}'}} under 'identify', if that is Ewe - Ece",
            place,
        )


def _with_units_row(
    found: dict[str, tuple[int, str]], rows: list[tuple[int, list[str]]], place: str
) -> tuple[dict[str, tuple[int, str]], list[tuple[int, list[str]]], list[str]]:
    """Columns with the units of a row right behind the header, the other rows, and what to say."""
    if not rows:
        return found, rows, []
    fields = rows[0][1]
    told = {
        quantity: unicodedata.normalize("NFKC", fields[column]).strip(" []()").lower()
        if column < len(fields)
        else ""
        for quantity, (column, _) in found.items()
    }
    kinds = {quantity: VOLTAGE if quantity == REFERENCE else quantity for quantity in told}
    if not any(unit in _UNITS[kinds[quantity]] for quantity, unit in told.items()):
        return found, rows, []
    for quantity, (_, unit) in found.items():
        known, below = _UNITS[kinds[quantity]], told[quantity]
        if unit in known and below in known and known[unit] != known[below]:
            raise InputError(
                f"the header and the row of units must agree on the unit of {quantity}",
                f"{unit} and {below}",
                "one unit in both",
                f"{place}, line {rows[0][0]}",
            )
    with_units = {
        quantity: (column, unit or told[quantity]) for quantity, (column, unit) in found.items()
    }
    return with_units, rows[1:], [f"Line {rows[0][0]} holds the units."]


def _readings(
    rows: list[tuple[int, list[str]]],
    found: dict[str, tuple[int, str]],
    separator: str,
    place: str,
) -> tuple[list[tuple[int, list[str]]], dict[str, list[str]], list[str]]:
    """Rows that hold a reading, their cells by quantity with decimal points, and what was left out."""
    cells: dict[str, list[str]] = {quantity: [] for quantity in found}
    kept, empty = [], []
    commas = False
    for number, fields in rows:
        texts = {q: fields[k] if k < len(fields) else "" for q, (k, _) in found.items()}
        values = {q: _with_points(text, q) for q, text in texts.items()}
        commas |= any(values[q] != texts[q] for q in values if q != TIME)
        numbers = [bool(_NUMBER.fullmatch(values[q])) for q in values if q != TIME]
        # The rows of cycles and steps, of a footer and of empty readings hold no number of both.
        missing = [values[q].lower() in _MISSING for q in values if q != TIME]
        if all(numbers) and values[TIME].lower() not in _MISSING:
            kept.append((number, fields))
            for quantity, value in values.items():
                cells[quantity].append(value)
        elif (
            not any(numbers) and not any(_GROUPED.fullmatch(values[q]) for q in values if q != TIME)
        ) or all(n or m for n, m in zip(numbers, missing, strict=True)):
            empty.append(number)
        else:
            wrong = next(q for q in values if q != TIME and not _NUMBER.fullmatch(values[q]))
            raise InputError(
                f"every reading of {wrong} must be a finite number",
                repr(texts[wrong][:40]),
                "leave the field empty where there is no reading",
                f"{place}, line {number}",
            )
    points = any("." in text for q, texts in cells.items() if q != TIME for text in texts)
    if commas and points and _mixed(rows, found):
        raise InputError(
            "decimals must be written in one way", "commas and points", "points throughout", place
        )
    return kept, cells, _left_out(empty, kept)


def _with_points(text: str, quantity: str) -> str:
    """A field with a decimal point in place of a decimal comma."""
    return text.replace(",", ".") if quantity == TIME or _COMMA.fullmatch(text) else text


def _mixed(rows: list[tuple[int, list[str]]], found: dict[str, tuple[int, str]]) -> bool:
    """Whether some numbers of current and voltage have decimal commas and others points."""
    columns = [k for q, (k, _) in found.items() if q != TIME]
    texts = [fields[k] for _, fields in rows for k in columns if k < len(fields)]
    return any(_COMMA.fullmatch(t) for t in texts) and any(
        "." in t and _NUMBER.fullmatch(t) for t in texts
    )


def _left_out(empty: list[int], kept: list[tuple[int, list[str]]]) -> list[str]:
    """Say which rows hold no reading: those in between, and those behind the last."""
    if not kept:
        return []
    footer = [number for number in empty if number > kept[-1][0]]
    between = [number for number in empty if number < kept[-1][0]]
    said = []
    if between:
        first = between[0]
        said.append(f"{len(between)} rows without a reading are left out, the first in line {first}.")
    if footer:
        said.append(f"A footer is left out, from line {footer[0]} on.")
    return said


def _telling(header: list[str]) -> list[int]:
    """Columns that may tell a charge from a discharge, the surest first."""
    names = [re.sub(r"[_\s]+", " ", field.strip().lower()) for field in header]
    return [names.index(name) for name in SIGN_NAMES if name in names]


def _header(lines: list[str], place: str, named: Mapping[str, str]) -> tuple[int, str, list[str]]:
    """Line of the header from 0, the separator, and its fields."""
    best: dict[str, tuple[int, str]] = {}
    seen: list[str] = []
    for at, line in enumerate(lines[:_PREAMBLE]):
        if len(line) > _LONGEST:
            continue
        separator = max(("\t", ";", "|", ","), key=line.count)
        fields = next(csv.reader([line], delimiter=separator), [])
        found = _columns(fields, named)
        if all(quantity in found for quantity in _NAMES):
            return at, separator, fields
        if len(found) > len(best) or not seen:
            best, seen = found, fields
    lacking = [quantity for quantity in _NAMES if quantity not in best]
    listed = ", ".join(name.strip()[:40] for name in seen[:30])
    raise InputError(
        "a measured curve must be a table with columns of time, current and voltage",
        f"no column of {' or '.join(lacking)} among {listed}",
        "a header like: Time [s],Current [A],Voltage [V]; or the columns' names under 'columns' of "
        "'identify'",
        place,
    )


def _columns(fields: list[str], named: Mapping[str, str]) -> dict[str, tuple[int, str]]:
    """By quantity: the column that has it, by the first of its spellings, and the unit said there."""
    told = [_name_and_unit(field) for field in fields]
    plain = [field.strip() for field in fields]
    found = {}
    for quantity, spellings in _NAMES.items():
        if quantity in named:
            if named[quantity] in plain:
                column = plain.index(named[quantity])
                found[quantity] = (column, told[column][1])
            continue
        ranked = [(spellings.index(n), k, u) for k, (n, u) in enumerate(told) if n in spellings]
        if ranked:
            _, column, unit = min(ranked)
            found[quantity] = (column, unit)
    names = [name for name, _ in told]
    if VOLTAGE in found and names[found[VOLTAGE][0]] == "ewe" and "ece" in names:
        column = names.index("ece")
        found[REFERENCE] = (column, told[column][1])
    return found


def _name_and_unit(field: str) -> tuple[str, str]:
    """A column's name and unit, both in small letters: "Test Time / s" gives "test time" and "s"."""
    text = unicodedata.normalize("NFKC", field).translate(_DASHES).lower()
    text = re.sub(r"[_\s]+", " ", text).strip(" ~\"'").replace(" - ", "-")
    text = text.replace("<ewe>", "ewe").replace("<ece>", "ece")
    opening = max(text.rfind("["), text.rfind("("))
    if text.endswith(("]", ")")) and opening >= 0:
        return text[:opening].strip(), text[opening + 1 : -1].strip()
    if "/" in text:
        name, _, unit = text.partition("/")
        return name.strip(), unit.strip()
    name, _, last = text.rpartition(" ")
    every = {unit for units in _UNITS.values() for unit in units}
    known = {name for names in _NAMES.values() for name in names}
    return (name, last) if name in known and last in every else (text, "")
