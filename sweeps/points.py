"""Designs from a table of comma-separated values, checked cell by cell."""

import csv
from pathlib import Path

import numpy as np
from jaxtyping import Float

from electrograd.physics.errors import InputError, check_name
from electrograd.sweeps.space import DesignSpace


def read_points(file: str | Path, space: DesignSpace) -> Float[np.ndarray, "designs variables"]:
    """Read designs from a CSV file.

    Its first line names the variables of the space, in any order, units and all; every further line is
    a design. Values are in SI units, labels in words. Empty lines are passed over.

    Raises
    ------
    InputError
        With the file, line and column: for a file that is no such table, columns that are missing, not
        of the space or there twice, and a value that its variable does not take.
    """
    rows = _rows(Path(file))
    if not rows:
        raise InputError(
            "a table of points must begin with its variables' names",
            "nothing",
            _header(space),
            str(file),
        )
    first, header = rows[0]
    header = [name.strip() for name in header]
    place = f"{file}, line {first}"
    for name in header:
        check_name(name, space.names, "a column must be a variable of the space", place)
        if header.count(name) > 1:
            raise InputError("a column must stand once", name, where=place)
    for name in space.names:
        if name not in header:
            raise InputError(
                "every variable of the space must have a column", f"no {name!r}", _header(space), place
            )
    if len(rows) == 1:
        raise InputError("a table of points must hold designs", "a header alone", where=str(file))
    values = np.empty((len(rows) - 1, len(space)))
    columns = [(name, space.names.index(name), space.axis(name)) for name in header]
    for k, (line, cells) in enumerate(rows[1:]):
        if len(cells) != len(header):
            raise InputError(
                f"a line must hold {len(header)} values", len(cells), where=f"{file}, line {line}"
            )
        for cell, (name, column, axis) in zip(cells, columns, strict=True):
            try:
                values[k, column] = axis.encode(cell.strip())
            except InputError as error:
                raise InputError(
                    error.rule, error.value, error.nearest, f"{file}, line {line}, column {name!r}"
                ) from error
    return values


def _rows(file: Path) -> list[tuple[int, list[str]]]:
    """Lines that are not empty, each with its number."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, strict=True)
            return [(reader.line_num, cells) for cells in reader if any(map(str.strip, cells))]
    except OSError as error:
        raise InputError(
            "the table of points must be a file that can be read", error.strerror, where=str(file)
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            "a table of points must be comma-separated UTF-8 text", error, where=str(file)
        ) from error


def _header(space: DesignSpace) -> str:
    return ",".join(f'"{name}"' if "," in name else name for name in space.names)
