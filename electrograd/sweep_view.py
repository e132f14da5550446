"""A sweep in words: how far it is, one of its designs, and the same design simulated again.

Each function takes a store as ``xarray.open_zarr`` returns it, and reads no more of it than it tells.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from electrograd.physics.charge import TIME, End
from electrograd.physics.errors import InputError
from electrograd.physics.variables import ACCEPTED_CAPACITY, NOMINAL_CAPACITY, unit_of
from electrograd.sweeps.export import decoded, loaded
from electrograd.sweeps.record import END, EXTRAS, MADE_WITH, MESSAGE, SCALARS
from electrograd.tables import FIGURES, VARIABLES

_ROWS_TOLD = 5  # rows of failed designs that a status names


def status_lines(data: xr.Dataset, writer: str | None) -> list[str]:
    """Say how far a sweep is, how its designs ended, and what to do next.

    Parameters
    ----------
    data
        The store, as ``xarray.open_zarr`` returns it.
    writer
        Which process is writing to it now, in words; None where none is.
    """
    data = loaded(data[[END, MADE_WITH]])
    ends = data[END].values
    planned, pending = len(ends), int(np.sum(ends == End.PENDING))
    done = planned - pending
    lines = [f"{done:,} of {planned:,} designs simulated{_percent(done, planned)}"]
    counts = {End(int(end)): int(n) for end, n in zip(*np.unique(ends, return_counts=True), strict=True)}
    counts.pop(End.PENDING, None)
    for end, count in sorted(counts.items(), key=lambda item: -item[1]):
        lines.append(f"  {count:9,d}  {end.label}{'' if end.completed else _rows_of(ends, end)}")
    failed = sum(count for end, count in counts.items() if not end.completed)
    lines.append(f"{failed:,} failed" + (": see why with --row and a row's number" if failed else ""))
    rejected: Mapping[str, int] = data.attrs.get("rejected", {})
    if rejected:
        lines.append(f"{sum(rejected.values()):,} designs were drawn and left out:")
        lines += [
            f"  {count:9,d}  {reason}"
            for reason, count in sorted(rejected.items(), key=lambda item: -item[1])
        ]
    made = data[MADE_WITH].values
    for k, entry in enumerate(data.attrs.get("made_with", [])):
        if count := int(np.sum((made == k) & (ends != End.PENDING))):
            lines.append(f"{count:,} made with {_versions(entry)}")
    lines.append(f"{writer} is writing to it now" if writer else "No process is writing to it now.")
    if pending and not writer:
        lines.append(f"To simulate the other {pending:,}: the same command without --status.")
    return lines


def _percent(done: int, planned: int) -> str:
    # Rounded down: a sweep that lacks one design is not at 100 %.
    return f" ({np.floor(1000 * done / planned) / 10:.1f} %)" if planned else ""


def _rows_of(ends: np.ndarray, end: End) -> str:
    rows = np.flatnonzero(ends == end)
    told = ", ".join(map(str, rows[:_ROWS_TOLD]))
    return f": row{'s' if len(rows) > 1 else ''} {told}{', …' if len(rows) > _ROWS_TOLD else ''}"


def row_lines(data: xr.Dataset, row: int) -> list[str]:
    """Say what is known of one design: variables, end, figures of merit, and what simulated it.

    Raises
    ------
    InputError
        If there is no such row.
    """
    planned = data.sizes["design"]
    if not 0 <= row < planned:
        nearest = min(max(row, 0), planned - 1) if planned else None
        raise InputError(f"rows of this sweep are numbered from 0 to {planned - 1}", row, nearest)
    one = loaded(data.isel(design=slice(row, row + 1)))
    end = End(int(one[END].values[0]))
    values = {name: column[0] for name, column in decoded(one).items()}
    table = [(name.partition(" [")[0], _in_display_unit(name, value)) for name, value in values.items()]
    figures = {
        name: float(one[name].values[0])
        for name in (*SCALARS, *EXTRAS)
        if name in one and name in FIGURES
    }
    if end is not End.PENDING:
        table += [("", ""), ("End", end.label + ("" if end.completed else " (failed)"))]
        table += [("Message", " ".join(str(one[MESSAGE].values[0]).split()))]
        if TIME in one and np.isfinite(time := float(one[TIME].values[0, -1])):
            table.append(("Charging time", f"{time / 60:.2f} min"))
        table += [
            (FIGURES[name].label, _in_display_unit(name, value)) for name, value in figures.items()
        ]
        if np.isfinite(share := figures[ACCEPTED_CAPACITY] / figures[NOMINAL_CAPACITY]):
            table.append(("Accepted share of nominal capacity", f"{100 * share:.2f} %"))
    width = max(len(label) for label, _ in table)
    lines = [f"Design {row} of {planned}" + (", not simulated yet" if end is End.PENDING else "")]
    lines += [f"  {label:<{width}}  {text}".rstrip() for label, text in table]
    made = int(one[MADE_WITH].values[0])
    if made >= 0 and end is not End.PENDING:
        lines += ["", *_made_with(data.attrs["made_with"][made])]
    return lines


def _in_display_unit(name: str, value: float | str) -> str:
    """Say a value with the unit people use; a label as it is."""
    if isinstance(value, str):
        return value
    if not np.isfinite(value):
        return "–"
    show = VARIABLES.get(name) or FIGURES.get(name)
    scale, unit = (show.scale, show.unit) if show else (1.0, unit_of(name))
    return f"{scale * value:.6g} {unit}".rstrip()


def _versions(entry: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in entry.get("versions", {}).items())


def _made_with(entry: Mapping[str, Any]) -> list[str]:
    """Say all that is known of what simulated a design, a line each."""
    # PyBaMM's options are some forty, nearly all at rest: the store's attribute has them.
    others = {key: value for key, value in entry.items() if key not in ("versions", "options")}
    return [f"Made with {_versions(entry)}", *(f"  {line}" for line in _flat(others))]


def _flat(value: Any, prefix: str = "") -> list[str]:
    """Lines of a JSON value: "options, thermal: isothermal"."""
    if isinstance(value, Mapping):
        below = [(f"{prefix}, {key}" if prefix else str(key), inner) for key, inner in value.items()]
        return [line for name, inner in below for line in _flat(inner, name)]
    return [f"{prefix}: {', '.join(map(str, value)) if isinstance(value, list) else value}"]


def compare_lines(
    stored: xr.Dataset, again: Mapping[str, np.ndarray], rtol: float, atol: float
) -> tuple[list[str], bool]:
    """Compare a stored design with the same simulated again, quantity by quantity.

    Parameters
    ----------
    stored
        One row of the store, with or without its design axis.
    again
        Arrays by the store's names, their leading axis of length 1.
    rtol, atol
        Two numbers agree within ``atol + rtol |stored|``, in the quantity's own unit.

    Returns
    -------
    lines
        What is the same bit for bit, what differs by how much.
    agrees
        Whether the end is the same and every number agrees. A message is told, and does not count.
    """
    same, lines, agrees = [], [], True
    for name, new in again.items():
        old = np.asarray(stored[name].values).reshape(new.shape)
        if name == MESSAGE:
            if str(old[0]) == str(new[0]):
                same.append(name)
            else:
                lines.append(f"{name}: stored {str(old[0])!r}, now {str(new[0])!r}")
        elif name == END:
            if old[0] != new[0]:
                agrees = False
                lines.append(f"{name}: stored {End(int(old[0])).label}, now {End(int(new[0])).label}")
            else:
                same.append(name)
        elif old.astype(new.dtype).tobytes() == new.tobytes():
            same.append(name)
        else:
            text, within = _difference(old, new, rtol, atol)
            agrees &= within
            unit = unit_of(name)
            lines.append(f"{name.partition(' [')[0]}: {text.format(unit=f' {unit}' if unit else '')}")
    told = f"the same bit for bit: {len(same)} of {len(again)} quantities"
    verdict = "The design repeats itself" if agrees else "The design does NOT repeat itself"
    return [told, *lines, f"{verdict} (tolerance {rtol:g} relative, {atol:g} absolute)"], agrees


def _difference(old: np.ndarray, new: np.ndarray, rtol: float, atol: float) -> tuple[str, bool]:
    """Say how far two arrays are apart, and whether that is within tolerance."""
    if np.any(np.isfinite(old) != np.isfinite(new)):
        return "one has values where the other has none", False
    difference = np.abs(new - old)[np.isfinite(old)]
    largest = float(difference.max(initial=0.0))
    within = bool(np.all(difference <= atol + rtol * np.abs(old[np.isfinite(old)])))
    return (
        f"largest difference {largest:.2g}{{unit}}, {'within' if within else 'BEYOND'} tolerance",
        within,
    )
