"""Curves read and checked against the cell that they are said to be of, before any work."""

from collections.abc import Sequence

import numpy as np

from electrograd.design.identification_model import capacities, check_rates
from electrograd.design.measured import MeasuredCurve, check_empty, check_scale
from electrograd.physics.cell import Cell
from electrograd.physics.open_circuit import OpenCircuitPotential
from electrograd.physics.scenario import Scenario
from electrograd.physics.variables import C_RATE
from electrograd.sweeps.space import DesignSpace

EMPTY = 0.03
"""V by which a rest before a charge may be off the empty cell's open-circuit voltage."""
LIFT = 0.6
"""V by which the first reading under current may stand above it: more is a charge from half full."""


def checked_curves(
    curves: Sequence[MeasuredCurve], cell: Cell, space: DesignSpace, scenario: Scenario, area: float
) -> tuple[MeasuredCurve, ...]:
    """Return charges as they are, or refuse what cannot be of this cell.

    Parameters
    ----------
    space
        What is estimated, and the C-rate.
    area
        Of the electrodes [m2].

    Raises
    ------
    InputError
        As the checks of `electrograd.design.measured` do, and for rates that the space does not cover.
    """
    sizes, axis = capacities(cell, space), space.axis(C_RATE)
    empty = empty_voltage(cell, scenario.temperature)
    typical = (sizes[0] * sizes[1]) ** 0.5
    for curve in curves:
        check_scale(curve, area, typical, (axis.lower, axis.upper))
        check_empty(curve, empty, EMPTY, LIFT)
    check_rates([curve.current / area for curve in curves], sizes, space)
    return tuple(curves)


def empty_voltage(cell: Cell, temperature: float) -> float:
    """Open-circuit voltage of the empty cell [V]."""
    negative, positive = (
        float(
            OpenCircuitPotential.from_pybamm(cell, side, temperature)(
                np.asarray(getattr(cell, side).empty)
            )
        )
        for side in ("negative", "positive")
    )
    return positive - negative
