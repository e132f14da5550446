"""Stoichiometry windows: each electrode's usable range, material data of a set, never of a design."""

from pathlib import Path
from typing import Any

import numpy as np

from electrograd.physics.cell_tables import WINDOWS
from electrograd.physics.errors import InputError
from electrograd.physics.variables import SIDES


def number(values: Any, name: str, temperature: float = 298.15) -> float:
    """Return a parameter as a float; a function of temperature [K] is evaluated (ORegan2022's heat)."""
    from electrograd.physics.pybamm_import import pybamm

    value = values[name]
    if callable(value):
        symbol = pybamm.FunctionParameter(name, {"Temperature [K]": pybamm.Scalar(temperature)})
        return evaluated(values, symbol)
    return float(value)


def evaluated(values: Any, symbol: Any) -> float:
    """A symbol's value; PyBaMM gives tabulated functions as arrays of one."""
    return float(np.asarray(values.evaluate(symbol)).item())


def stoichiometry_windows(source: str | Path, values: Any) -> dict[str, tuple[float, float]]:
    """Return each electrode's usable stoichiometries, (cell empty, cell full).

    From `cell_tables.WINDOWS`; a BPX file's own limits; else the set's electrode balance at its voltage
    limits. Material data: take them once per set, from its unchanged values, never from a design's.
    """
    from electrograd.physics.pybamm_import import pybamm

    if str(source) in WINDOWS:
        return dict(WINDOWS[str(source)])
    limits = [
        f"{s} electrode {m} stoichiometry" for s in ("Negative", "Positive") for m in ("min", "max")
    ]
    limits = [name.replace("min ", "minimum ").replace("max ", "maximum ") for name in limits]
    if all(name in values for name in limits):
        least, most, low, high = (float(values[name]) for name in limits)
        return {"negative": (least, most), "positive": (high, low)}
    try:
        x0, x100, y100, y0 = pybamm.lithium_ion.get_min_max_stoichiometries(values)
    except (KeyError, ValueError, pybamm.SolverError) as error:
        message = "the set must hold lithium for a balance between its voltage limits"
        raise InputError(message, str(error).splitlines()[0], where=str(source)) from error
    return {"negative": (float(x0), float(x100)), "positive": (float(y0), float(y100))}


def open_circuit_voltage(values: Any, negative: float, positive: float) -> float:
    """Open-circuit voltage [V] at two stoichiometries and the set's reference temperature."""
    from electrograd.physics.pybamm_import import pybamm

    parameters = pybamm.LithiumIonParameters()
    upper = parameters.p.prim.U(pybamm.Scalar(positive), parameters.T_ref)
    lower = parameters.n.prim.U(pybamm.Scalar(negative), parameters.T_ref)
    return evaluated(values, upper - lower)


def potential_range(values: Any, side: str) -> tuple[float, float]:
    """Stoichiometries between which an electrode's open-circuit potential is known: (least, most).

    Narrower than (0, 1) where it is a table with ends.
    """
    from electrograd.physics.pybamm_import import pybamm

    phase = getattr(pybamm.LithiumIonParameters(), side[0]).prim
    potential = phase.U(pybamm.InputParameter("stoichiometry"), pybamm.Scalar(298.15))
    tables = [
        node.x[0]
        for node in values.process_symbol(potential).pre_order()
        if isinstance(node, pybamm.Interpolant)
    ]
    ends = [(float(table[0]), float(table[-1])) for table in tables]
    return max([0.0, *(low for low, _ in ends)]), min([1.0, *(high for _, high in ends)])


def continue_potentials(values: Any) -> None:
    """Continue tabulated open-circuit potentials beyond their ends as straight lines, in place.

    A surface may leave the table though the cell's mean does not. PyBaMM's compiled solver takes a cubic
    table for 0 V there, without a word. The line has the table's slope at its end, or none where that
    would rise.
    """
    for side in SIDES:
        low, high = potential_range(values, side)
        name = f"{side.capitalize()} electrode OCP [V]"
        if (low > 0 or high < 1) and callable(values[name]):
            values[name] = _continued(values, values[name], low, high)


def _continued(values: Any, table: Any, low: float, high: float) -> Any:
    """A potential that is ``table`` between two stoichiometries, and a straight line beyond each."""
    from electrograd.physics.pybamm_import import pybamm

    def slope(end: float, inwards: float) -> float:
        one, other = (
            evaluated(values, values.process_symbol(table(pybamm.Scalar(x))))
            for x in (end, end + inwards)
        )
        return min((other - one) / inwards, 0.0)

    step = 1e-6 * (high - low)
    slopes = slope(low, step), slope(high, -step)

    def potential(sto: Any) -> Any:
        inside = pybamm.minimum(pybamm.maximum(sto, low), high)
        below, above = pybamm.minimum(sto - low, 0), pybamm.maximum(sto - high, 0)
        return table(inside) + slopes[0] * below + slopes[1] * above

    return potential
