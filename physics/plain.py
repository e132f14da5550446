"""A design as a plain PyBaMM parameter set: what somebody without this package simulates it with."""

from collections.abc import Mapping
from typing import Any

from electrograd.physics.cell import Cell
from electrograd.physics.cell_data import load_parameter_values, scaled
from electrograd.physics.errors import InputError
from electrograd.physics.factors import scaled_values
from electrograd.physics.model import scenario_values, structured_values
from electrograd.physics.scenario import Scenario
from electrograd.physics.stack import mean_stoichiometries, nominal_capacity, rate_capacity
from electrograd.physics.variables import (
    C_RATE,
    DESIGN_VARIABLES,
    N_P_RATIO,
    NEGATIVE_ACTIVE,
    POSITIVE_ACTIVE,
    SIDES,
    porosity,
)

MODEL = {"class": "pybamm.lithium_ion.DFN", "options": {}}
"""The model behind every P2D result, as a design package states it."""


def plain_pybamm(cell: Cell) -> bool:
    """Whether PyBaMM alone can simulate designs of the cell: not those with channels."""
    return not cell.structure.channelled


def plain_parameter_values(
    cell: Cell,
    scenario: Scenario,
    parameters: Mapping[str, float],
    first_voltage: float,
    points: int,
) -> Any:
    """Return a PyBaMM parameter set of one design with nothing left open.

    Plain PyBaMM simulates the scenario's first constant current with it: the current and the initial
    concentrations are in it. A lower cut-off above the charge's first voltage would end it there, and is
    left out.

    Parameters
    ----------
    parameters
        A complete set, as `Cell.parameters` gives it.
    first_voltage
        At which the charge starts [V].
    points
        Control volumes over which graded porosity is averaged.

    Raises
    ------
    InputError
        For channels: PyBaMM's own relation of transport to mean porosity does not hold in them.
    """
    if not plain_pybamm(cell):
        raise InputError(
            "a parameter set for plain PyBaMM cannot hold channels: their transport is no function of "
            "the mean porosity",
            "a channelled design",
            "electrograd.physics.p2d.P2D simulates it",
        )
    values = load_parameter_values(cell.source, cell.overrides)
    known = {name: float(value) for name, value in parameters.items()}
    area = cell.electrode_area
    uniform = [*(k for k in DESIGN_VARIABLES if k != N_P_RATIO), NEGATIVE_ACTIVE, POSITIVE_ACTIVE]
    values.update({name: known[name] for name in uniform})
    _keep_solids_density(cell, values, known)
    values.update(scaled_values(cell, values, known.__getitem__))
    graded = structured_values(cell, values, points, known.__getitem__)
    values.update({name: profile for name, profile in graded.items() if name in values})
    values.update(scenario_values(scenario.of(cell)))
    if first_voltage <= values["Lower voltage cut-off [V]"]:
        values["Lower voltage cut-off [V]"] = 0.0
    rate = known.get(C_RATE, scenario.c_rate)
    values["Current function [A]"] = -rate * float(rate_capacity(cell, known, scenario.rate_of)) * area
    values["Nominal cell capacity [A.h]"] = float(nominal_capacity(cell, known)) * area
    content = mean_stoichiometries(cell, known, scenario.start * nominal_capacity(cell, known))
    for side, stoichiometry in zip(SIDES, content, strict=True):
        electrode, title = getattr(cell, side), side.capitalize()
        ends = (electrode.empty, electrode.full)
        values[f"{title} electrode minimum stoichiometry"] = min(ends)
        values[f"{title} electrode maximum stoichiometry"] = max(ends)
        most = electrode.maximum_concentration
        values[f"Initial concentration in {side} electrode [mol.m-3]"] = float(stoichiometry) * most
    return values


def _keep_solids_density(cell: Cell, values: Any, known: Mapping[str, float]) -> None:
    """Give each coating its design's density, and the heat capacity per volume that it had."""
    for side in SIDES:
        name = f"{side.capitalize()} electrode density [kg.m-3]"
        heat = name.replace("density [kg.m-3]", "specific heat capacity [J.kg-1.K-1]")
        density = getattr(cell, side).solids_density * (1 - known[porosity(side)])
        values.update({heat: scaled(values[heat], float(values[name]) / density), name: density})
