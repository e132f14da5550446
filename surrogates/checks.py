"""What is refused before any work: data that cannot train, designs that cannot be predicted."""

from collections import Counter
from typing import Literal

import numpy as np
from jaxtyping import Float

from electrograd.physics.charge import (
    NEGATIVE_POTENTIAL,
    NEGATIVE_SURFACE,
    POSITIVE_SURFACE,
    VOLTAGE,
)
from electrograd.physics.errors import InputError
from electrograd.physics.variables import ACCEPTED_CAPACITY, NOMINAL_CAPACITY, VARIABLES, unit_of
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.record import EXTRAS
from electrograd.sweeps.space import DesignSpace

Outside = Literal["error", "flag"]
"""What becomes of designs outside the box: refused, or predicted and told by the domain's measure."""

LEARNED = (VOLTAGE, NEGATIVE_POTENTIAL, NEGATIVE_SURFACE, POSITIVE_SURFACE)
"""Curves that a surrogate is trained on."""

_SLIP = 1e-6  # of the box's width: single precision and unit conversions may round across a bound
_MEANT = {
    NEGATIVE_POTENTIAL: (-10.0, 10.0),
    VOLTAGE: (-10.0, 10.0),
    NEGATIVE_SURFACE: (-0.01, 1.01),
    POSITIVE_SURFACE: (-0.01, 1.01),
}
_UNITS = {
    "m": {"µm": 1e-6, "mm": 1e-3, "nm": 1e-9, "cm": 1e-2},
    "K": {},
    "": {"%": 1e-2, "a fraction of 1000": 1e-3},
}


def check_dataset(dataset: Dataset, space: DesignSpace, least: int, reason: str = "") -> None:
    """Refuse data that cannot train a surrogate of a space.

    Parameters
    ----------
    least
        How many completed simulations are needed.
    reason
        Why so many, in words for the message.

    Raises
    ------
    InputError
        For other variables than the space's, arrays whose shapes disagree, too few or too few different
        completed simulations, values that are not finite, a variable that does not vary, designs outside
        the box, and curves in other units. It says so where a unit was probably mistaken.
    """
    if dataset.names != space.names:
        raise InputError(
            "the sweep's variables must be the space's, in its order", dataset.names, space.names
        )
    _check_shapes(dataset)
    data = dataset.only(dataset.completed)
    if len(data) < least:
        failures = Counter(dataset.only(~dataset.completed).messages).most_common(1)
        common = f"; the commonest failure was: {failures[0][0]}" if failures else ""
        because = f" ({reason})" if reason else ""
        raise InputError(
            f"training needs at least {least} completed simulations{because}{common}", len(data), least
        )
    _check_designs_of(data, space, least)
    learned = {name: data.curves[name] for name in LEARNED}
    # A charge time may be infinite, and is no curve's concern.
    figures = {n: value[:, None] for n, value in data.figures.items() if n not in EXTRAS}
    for name, values in {**learned, "charge passed": data.charge, **figures}.items():
        _check_finite(name, values, data)
    _check_meant(data)


def check_designs(
    designs: np.ndarray, space: DesignSpace, outside: Outside = "error"
) -> Float[np.ndarray, "designs variables"]:
    """Return designs as float64, or refuse them.

    Parameters
    ----------
    designs
        Shape (designs, variables), SI units, in the order of the space.
    outside
        "error" refuses designs outside the box; "flag" only those that nobody can mean, which are a
        slip of units or of the decimal point.

    Raises
    ------
    InputError
        For another shape, values that are not finite, and as ``outside`` says.
    """
    if outside not in ("error", "flag"):
        raise InputError("designs outside the box are an 'error', or get a 'flag'", outside, "flag")
    designs = np.asarray(designs, float)
    if designs.ndim != 2 or designs.shape[1] != len(space):
        raise InputError(
            "designs must have the shape (designs, variables) with the variables "
            + ", ".join(space.names),
            designs.shape,
            ("designs", len(space)),
        )
    if not np.all(np.isfinite(designs)):
        row, column = np.argwhere(~np.isfinite(designs))[0]
        raise InputError(f"designs must be finite, {space.names[column]!r} too", designs[row, column])
    for axis, values in zip(space.axes, designs.T, strict=True):
        low, high = axis.lower, axis.upper
        if outside == "flag" and axis.name in VARIABLES:
            low, high = (
                min(low, VARIABLES[axis.name].lower),
                max(high, VARIABLES[axis.name].upper),
            )
        slack = _SLIP * (high - low)
        wrong = values[(values < low - slack) | (values > high + slack)]
        if wrong.size:
            where = "in the trained box" if outside == "error" else "within what can be meant,"
            raise InputError(
                f"{axis.name!r} must lie {where} [{low:g}, {high:g}]"
                + unit_hint(axis.name, wrong, space),
                f"{wrong[0]:g}",
                f"{min(max(wrong[0], low), high):g}",
            )
    return designs


def unit_hint(name: str, values: Float[np.ndarray, " values"], space: DesignSpace) -> str:
    """Say which unit was probably given in place of the right one; nothing if none explains it."""
    axis, unit = space.axis(name), unit_of(name)
    slack = 0.5 * (axis.upper - axis.lower)
    for given, factor in _UNITS.get(unit, {}).items():
        meant = values * factor
        if np.mean((meant >= axis.lower - slack) & (meant <= axis.upper + slack)) > 0.5:
            return f" (were they given in {given}, where {unit or 'a pure number'} is meant?)"
    return ""


def _check_shapes(data: Dataset) -> None:
    n = len(data.values)
    points = data.charge.shape[-1]
    shapes: dict[str, tuple[np.ndarray, tuple[int, ...]]] = {}
    shapes |= {"values": (data.values, (n, len(data.names))), "charge": (data.charge, (n, points))}
    shapes |= {name: (curve, (n, points)) for name, curve in data.curves.items()}
    shapes |= {name: (figure, (n,)) for name, figure in data.figures.items()}
    shapes["ends"] = (data.ends, (n,))
    for name, (array, shape) in shapes.items():
        if array.shape != shape:
            raise InputError(f"{name!r} of a dataset must have one row a design", array.shape, shape)
    if missing := [name for name in LEARNED if name not in data.curves]:
        raise InputError("a dataset must hold the curves that are learned", list(data.curves), missing)


def _check_designs_of(data: Dataset, space: DesignSpace, least: int) -> None:
    _check_finite("values", data.values, data)
    for k, axis in enumerate(space.axes):
        column = data.values[:, k]
        if np.ptp(column) <= 1e-9 * (axis.upper - axis.lower):
            raise InputError(
                f"{axis.name!r} must vary over the designs; put it under 'fixed' instead",
                f"{column[0]:g} in all {len(column)}",
                f"values within [{axis.lower:g}, {axis.upper:g}]",
            )
    check_designs(data.values, space)
    distinct = len(np.unique(data.values, axis=0))
    if distinct < least:
        raise InputError(f"at least {least} designs must differ", f"{distinct} of {len(data)}", least)


def _check_finite(name: str, values: Float[np.ndarray, "designs columns"], data: Dataset) -> None:
    broken = np.flatnonzero(~np.all(np.isfinite(values), axis=1))
    if broken.size:
        raise InputError(
            f"{name!r} must be finite, but is not in {broken.size} completed designs",
            f"design {dict(zip(data.names, data.values[broken[0]].tolist(), strict=True))}",
        )


def _check_meant(data: Dataset) -> None:
    """Curves in the units of their names, and charge that agrees with the capacities."""
    for name, (low, high) in _MEANT.items():
        curve = data.curves[name]
        if curve.min() < low or curve.max() > high:
            worst = curve.flat[np.argmax(np.abs(curve))]
            raise InputError(f"{name!r} must lie within [{low:g}, {high:g}]: a unit?", f"{worst:g}")
    if data.figures[NOMINAL_CAPACITY].min() <= 0:
        raise InputError(f"{NOMINAL_CAPACITY!r} must be positive", data.figures[NOMINAL_CAPACITY].min())
    if np.any(np.diff(data.charge, axis=1) < 0):
        raise InputError("charge passed must not fall along a curve", "it does")
    accepted = data.figures[ACCEPTED_CAPACITY]
    apart = np.abs(data.charge[:, -1] - accepted) > 1e-3 * np.abs(accepted) + 1e-9
    if apart.any():
        k = int(np.argmax(apart))
        raise InputError(
            f"charge [A.h.m-2] at the end of a curve must be the {ACCEPTED_CAPACITY.lower()}: a unit?",
            f"{data.charge[k, -1]:g}",
            f"{accepted[k]:g}",
        )
