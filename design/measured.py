"""Measured constant-current charges: read, understood or refused, and thinned.

One file holds one charge of one cell from empty; a rest before or after it is passed over. Of a charge
whose voltage is held at its end, the part at constant current counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float

from electrograd.design.measured_columns import TIME, Columns, read_columns
from electrograd.design.thinning import spread_evenly
from electrograd.physics.errors import InputError

LEAST_READINGS = 20
"""Readings at constant current without which a curve says too little."""
STEADY = 0.01
"""A current is constant that stays within this share of its median."""
GAP, USUAL = 0.05, 10.0
"""A gap is a step longer than this share of the charge and so many times the usual step."""
APART = 1.2
"""Two rates are different from this ratio on."""
FINEST = 1e-4
"""Noise [V] below which no cycler's reading is taken to be, whatever its scatter."""
_AT_REST = 0.01  # of the largest current: less counts as none
_RISE = 0.05  # V: a charge's voltage rises by more
_FALL = 0.02  # V: less than a current that turns makes in most cells
_HELD = 0.01  # V below the highest voltage: from there on a falling current is a hold
_SECONDS = {"h": 3600.0, "min": 60.0, "s": 1.0, "ms": 1e-3}  # in a unit of time
_CELLS = 1000.0  # A and mA differ by it


@dataclass(frozen=True)
class MeasuredCurve:
    """One charge at constant current, from empty.

    Attributes
    ----------
    name
        The file's.
    current
        Median of the constant current [A], positive.
    charge, voltage
        Charge passed since the current was switched on [A.h], and voltage [V], at every reading.
    rest
        Voltage at rest right before the charge [V]; NaN where none was recorded.
    notes
        What was understood, in sentences.
    units
        Units that the columns' names state, by quantity; "" where there is none.
    """

    name: str
    current: float
    charge: Float[np.ndarray, " readings"]
    voltage: Float[np.ndarray, " readings"]
    rest: float
    notes: tuple[str, ...]
    units: dict[str, str]

    @property
    def noise(self) -> float:
        """Standard deviation of a reading [V], by how far readings are off their neighbours' cubic.

        Each inner reading is compared with the cubic through two neighbours on either side; the median
        of the differences, over what that interpolation does to independent noise, is not moved by the
        few places where the curve itself bends that fast. Not less than `FINEST`.
        """
        x = [self.charge[k : len(self.charge) - 4 + k] for k in range(5)]
        y = [self.voltage[k : len(self.voltage) - 4 + k] for k in range(5)]
        off, gain = y[2].copy(), np.ones_like(y[2])
        for one in (0, 1, 3, 4):
            others = [other for other in (0, 1, 3, 4) if other != one]
            factors = [(x[2] - x[other]) / (x[one] - x[other]) for other in others]
            weight = np.prod(factors, axis=0)
            off -= weight * y[one]
            gain += weight**2
        deviation = np.median(np.abs(off) / np.sqrt(gain)) / 0.6745  # of a Gaussian
        return max(float(deviation), FINEST)

    def thinned(self, points: int) -> "MeasuredCurve":
        """Return the same with at most so many readings, evenly spread along the curve as it is drawn.

        Charge and voltage count alike, each over its own range, so that steep parts are not lost, nor
        flat ones. The readings are the measured ones: nothing is averaged or interpolated.
        """
        rows = spread_evenly(self.charge, self.voltage, points)
        return replace(self, charge=self.charge[rows], voltage=self.voltage[rows])


def read_curves(
    paths: Sequence[Path],
    named: Mapping[str, str] | None = None,
    charges: Mapping[str, int] | None = None,
) -> tuple[MeasuredCurve, ...]:
    """Read the charges of one cell at several rates, slowest first.

    Parameters
    ----------
    named
        Names of columns by quantity, as for `read_columns`.
    charges
        Number of the charge to take, from 1, by the name of a file that holds several.

    Raises
    ------
    InputError
        As `read_curve` does, and for curves of a single rate.
    """
    read = [read_curve(path, named, (charges or {}).get(path.name)) for path in paths]
    curves = tuple(sorted(read, key=lambda curve: curve.current))
    currents = [curve.current for curve in curves]
    if not curves or currents[-1] < APART * currents[0]:
        raise InputError(
            "curves must be of two different rates at least: what limits a charge shows in how it "
            "changes with the rate",
            ", ".join(f"{curve.name}: {curve.current:.4g} A" for curve in curves) or "no curves",
            "charges at, say, C/3, 2C/3 and 1.5C",
        )
    return curves


def read_curve(
    path: Path, named: Mapping[str, str] | None = None, number: int | None = None
) -> MeasuredCurve:
    """Read one charge from a cycler's file of text.

    Parameters
    ----------
    named
        Names of columns by quantity, as for `read_columns`.
    number
        Number of the charge to take, from 1, in a file that holds several.

    Raises
    ------
    InputError
        With the place, for what `read_columns` refuses, time that runs back, gaps while the current
        flows, a discharge, several charges in one file, a current that is not constant, or too few
        readings.
    """
    table, place = read_columns(path, named), str(path)
    line = table.first_line
    back = np.flatnonzero(np.diff(table.time) < 0)
    if len(back):
        row = int(back[0]) + 1
        raise InputError(
            "time must not run back: a file holds one test, in the order in which it was measured",
            f"{table.time[row - 1]:g} s, then {table.time[row]:g} s, in reading {row + 1}",
            "the 'total' or 'test' time in place of a step's own; one file a test",
            f"{place}, from line {line}",
        )
    first, last = _charge_rows(table, place, number)
    rest = float(table.voltage[first - 1]) if first else float("nan")
    time, voltage = table.time[first:last], table.voltage[first:last]
    size = np.abs(table.current[first:last])
    notes = list(table.notes)
    if np.median(table.current[first:last]) < 0:
        if table.sign_told:
            raise InputError(
                "the column of charge and discharge must agree with the voltage",
                f"a discharge, and a voltage that rises from {voltage[0]:.4g} to {voltage[-1]:.4g} V",
                "the cell's own voltage, and a charge",
                place,
            )
        notes.append("Its current is negative while the voltage rises: taken as a charge.")
    # When two readings have the same instant, the later one is of the new step.
    keep = np.append(np.diff(time) > 0, True)
    time, voltage, size = time[keep], voltage[keep], size[keep]
    constant, notes_of_hold = _constant_part(voltage, size, place)
    notes += notes_of_hold
    time, voltage, size = time[constant], voltage[constant], size[constant]
    _check_rise(voltage, place)
    _check_readings(time, place)
    steps = np.diff(time) * (size[1:] + size[:-1]) / 2
    # The step before the first reading, back to the last without current, carried charge as well.
    began = float(table.time[first - 1]) if first else float(time[0])
    before = max(float(time[0]) - began, 0.0) if time[0] - began <= 2 * np.median(np.diff(time)) else 0.0
    charge = (np.concatenate([[0.0], np.cumsum(steps)]) + before * size[0]) / 3600
    return MeasuredCurve(
        name=path.name,
        current=float(np.median(size)),
        charge=charge,
        voltage=voltage,
        rest=rest,
        notes=tuple(notes),
        units=table.units,
    )


def _charge_rows(table: Columns, place: str, number: int | None) -> tuple[int, int]:
    """First row of the one charge, or of that number, and the row after its last."""
    current, voltage = table.current, table.voltage
    most = float(np.max(np.abs(current)))
    sign = np.where(np.abs(current) > _AT_REST * most, np.sign(current), 0.0)
    if most == 0:
        raise InputError(
            "a measured curve must have a current", "0 A throughout", "the cell's current", place
        )
    edges = np.flatnonzero(np.diff(sign, prepend=0.0, append=0.0))
    runs = [(int(a), int(b)) for a, b in pairwise(edges) if sign[a] != 0]
    long = [run for run in runs if run[1] - run[0] > 1] or runs
    if len(long) > 1 or number is not None:
        long = [_chosen(table, long, place, number)]
    (first, last), rise = long[0], float(voltage[long[0][1] - 1] - voltage[long[0][0]])
    if rise < _RISE:
        falls = rise < -_RISE
        raise InputError(
            "a measured curve must be a charge, whose voltage rises",
            f"a voltage that {'falls' if falls else 'goes'} from {voltage[first]:.4g} to "
            f"{voltage[last - 1]:.4g} V" + (": a discharge" if falls else ""),
            "the charge of the same cell, from empty",
            place,
        )
    return first, last


def _chosen(
    table: Columns, runs: list[tuple[int, int]], place: str, number: int | None
) -> tuple[int, int]:
    """The charge of that number among runs of current; `InputError` lists the charges there are."""
    found = [(a, b) for a, b in runs if table.voltage[b - 1] - table.voltage[a] > _RISE]
    if number is not None and 1 <= number <= len(found):
        return found[number - 1]
    told = "; ".join(
        f"charge {k}: readings {a + 1} to {b}, {np.median(table.current[a:b]):+.4g} A"
        for k, (a, b) in enumerate(found[:8], start=1)
    ) + ("; …" if len(found) > 8 else "")
    rule = "a file must hold one charge and nothing else but rest, or the study must say which it is"
    if number is not None:
        rule = f"the number of a charge must be one of the {len(found)} in the file"
    choice = f"'charges: {{{Path(place).name}: 1}}' under 'identify', or a file of the charge alone"
    raise InputError(rule, told or "no charge, whose voltage rises", choice, place)


def _check_rise(voltage: Float[np.ndarray, " rows"], place: str) -> None:
    """Refuse a voltage that falls under a constant current: a discharge whose sign the file lacks."""
    if len(voltage) < 5:
        return
    # Medians of five readings: one that stands out is noise, a discharge stays.
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(voltage, 5), axis=1)
    fall = np.maximum.accumulate(smooth) - smooth
    scatter = float(np.median(np.abs(np.diff(voltage, 2)))) / (0.6745 * 6**0.5)
    row = int(np.argmax(fall)) + 2
    if fall[row - 2] > max(_FALL, 6 * scatter):
        raise InputError(
            "the voltage of a charge at constant current must rise",
            f"{np.max(voltage[: row + 1]):.4g} V, and {voltage[row]:.4g} V later",
            "a current with a sign, or a column that says charge (C) or discharge (D) in each row",
            place,
        )


def _constant_part(
    voltage: Float[np.ndarray, " rows"], size: Float[np.ndarray, " rows"], place: str
) -> tuple[slice, list[str]]:
    """Rows at constant current, without the hold at its end and a first reading on its way up."""
    rising = int(np.argmax(voltage >= np.max(voltage) - _HELD)) or len(voltage)
    plateau = float(np.median(size[:rising]))
    steady = np.abs(size / plateau - 1) <= STEADY
    first = int(np.argmax(steady[:3])) if steady[:3].any() else 0
    notes = []
    last = len(size)
    falling = np.flatnonzero(size < (1 - STEADY) * plateau)
    falling = falling[falling > first]
    if len(falling) and voltage[falling[0]] >= np.max(voltage) - _HELD:
        last = int(falling[0])
        notes.append(
            f"From {np.max(voltage):.3f} V on the current falls: that hold of the voltage is left out."
        )
    uneven = np.flatnonzero(~steady[first:last])
    if len(uneven):
        row = first + int(uneven[0])
        raise InputError(
            f"the current must be constant to {100 * STEADY:g} % until the voltage is held",
            f"{size[row]:.4g} A at {voltage[row]:.3f} V, and {plateau:.4g} A as the median",
            "a charge at constant current",
            place,
        )
    return slice(first, last), notes


def _check_readings(time: Float[np.ndarray, " rows"], place: str) -> None:
    if len(time) < LEAST_READINGS:
        raise InputError(
            f"a curve must have {LEAST_READINGS} readings at constant current", len(time), "more", place
        )
    steps = np.diff(time)
    longest = int(np.argmax(steps))
    if steps[longest] > max(GAP * (time[-1] - time[0]), USUAL * float(np.median(steps))):
        raise InputError(
            "a curve must have no gaps while the current flows",
            f"nothing between {time[longest]:.6g} and {time[longest + 1]:.6g} s, "
            f"and {np.median(steps):.3g} s between readings as a rule",
            "the readings in between, or the charge up to there",
            place,
        )


def check_scale(curve: MeasuredCurve, area: float, capacity: float, rates: tuple[float, float]) -> None:
    """Refuse a curve whose current or time is not of the cell's size, and say which unit it looks like.

    Parameters
    ----------
    area
        Of the electrodes [m2].
    capacity
        Typical nominal capacity per area [A.h.m-2].
    rates
        Lowest and highest C-rate that are expected.

    Raises
    ------
    InputError
        If the C-rate is far outside ``rates``, or the charge passed is no share of the capacity.
    """
    rate = curve.current / (area * capacity)
    share = float(curve.charge[-1]) / (area * capacity)
    low, high = rates
    said = f"{curve.current:.4g} A, which is {rate:.3g}C for {area:.4g} m² of {capacity:.3g} A.h/m²"
    if not low / 2 <= rate <= 2 * high:
        nearest = "'area [m2]' of the electrodes, or the right cell"
        if low / 2 <= rate / _CELLS <= 2 * high:
            nearest = "'Current [mA]' as the column's name, if these are milliamperes"
        elif low / 2 <= rate * _CELLS <= 2 * high:
            nearest = "'Current [A]' as the column's name, if these are amperes"
        raise InputError(
            f"the current must be one between {low:g}C and {high:g}C of the cell",
            said,
            nearest,
            curve.name,
        )
    if not 0.02 <= share <= 1.5:
        nearest = "'area [m2]' of the electrodes, or the whole charge"
        said_unit = _SECONDS.get(curve.units[TIME], 1.0)
        for unit, scale in _SECONDS.items():
            if scale != said_unit and 0.02 <= share * scale / said_unit <= 1.5:
                nearest = f"'Time [{unit}]' as the column's name, if that is its unit"
                break
        raise InputError(
            "a curve's charge must be a share of the cell's capacity",
            f"{100 * share:.3g} % of it in all, by the currents and times in the file ({said})",
            nearest,
            curve.name,
        )


def check_empty(curve: MeasuredCurve, open_circuit: float, tolerance: float, lift: float) -> None:
    """Refuse a curve that does not start from the empty cell.

    Parameters
    ----------
    open_circuit
        Of the empty cell [V].
    tolerance
        By which a rest before the charge may differ [V].
    lift
        By which the first reading under current may stand above the empty cell [V].

    Raises
    ------
    InputError
        With the voltage that was found.
    """
    rested = np.isfinite(curve.rest)
    found = curve.rest if rested else float(curve.voltage[0])
    if found < open_circuit - tolerance or found > open_circuit + (tolerance if rested else lift):
        raise InputError(
            f"a charge must start from empty, which is {open_circuit:.3f} V at rest for this cell "
            f"(give or take {1e3 * tolerance:.0f} mV)",
            f"{found:.3f} V " + ("at rest before it" if rested else "in its first reading"),
            "a charge after a slow discharge to empty",
            curve.name,
        )
