"""Capacity, mass, volume and theoretical energy of the stack, in closed form and differentiable.

The stack is both coatings, the electrolyte in all pores, the separator and half of each current
collector, per area of electrode. All functions take a complete parameter set as `Cell.parameters`
gives it, and work on floats and on JAX arrays of any shape.
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from electrograd.physics.cell import ELECTROLYTE_DENSITY, Cell
from electrograd.physics.open_circuit import OpenCircuitPotential
from electrograd.physics.variables import (
    NEGATIVE_ACTIVE,
    NEGATIVE_POROSITY,
    NEGATIVE_THICKNESS,
    POSITIVE_ACTIVE,
    POSITIVE_POROSITY,
    POSITIVE_THICKNESS,
)

Parameters = Mapping[str, Any]


def full_capacities(cell: Cell, parameters: Parameters) -> tuple[Any, Any]:
    """Areal capacity of each electrode from stoichiometry 0 to 1 [A.h.m-2]: (negative, positive)."""
    return (
        cell.negative.full_capacity(parameters[NEGATIVE_THICKNESS], parameters[NEGATIVE_ACTIVE]),
        cell.positive.full_capacity(parameters[POSITIVE_THICKNESS], parameters[POSITIVE_ACTIVE]),
    )


def nominal_capacity(cell: Cell, parameters: Parameters) -> Any:
    """The smaller electrode's usable areal capacity [A.h.m-2]."""
    negative, positive = full_capacities(cell, parameters)
    return _smaller(negative * cell.negative.window, positive * cell.positive.window)


def rate_capacity(cell: Cell, parameters: Parameters, rate_of: str) -> Any:
    """The areal capacity that C-rates are relative to [A.h.m-2]; ``rate_of`` as in `Scenario`."""
    if rate_of == "design":
        return nominal_capacity(cell, parameters)
    return _smaller(*cell.coating_capacities(parameters, parameters[NEGATIVE_THICKNESS]))


def _smaller(one: Any, other: Any) -> Any:
    """The smaller of two; plain numbers stay plain, without JAX's tenth of a millisecond."""
    plain = isinstance(one, float) and isinstance(other, float)
    return min(one, other) if plain else jnp.minimum(one, other)


def mean_stoichiometries(cell: Cell, parameters: Parameters, charge: Any) -> tuple[Any, Any]:
    """Mean stoichiometries (negative, positive) after ``charge`` [A.h.m-2] from empty: exact."""
    negative, positive = full_capacities(cell, parameters)
    return cell.negative.empty + charge / negative, cell.positive.empty - charge / positive


def stack_thickness(cell: Cell, parameters: Parameters) -> Any:
    """Thickness of the stack [m]: its volume per area."""
    collectors = cell.negative_collector_thickness + cell.positive_collector_thickness
    coatings = parameters[NEGATIVE_THICKNESS] + parameters[POSITIVE_THICKNESS]
    return coatings + cell.separator_thickness + collectors / 2


def stack_mass(cell: Cell, parameters: Parameters) -> Any:
    """Mass of the stack per area [kg.m-2]."""

    def coating(thickness: Any, porosity: Any, solids_density: float) -> Any:
        return thickness * ((1 - porosity) * solids_density + porosity * ELECTROLYTE_DENSITY)

    separator = cell.separator_thickness * (
        cell.separator_density + cell.separator_porosity * ELECTROLYTE_DENSITY
    )
    collectors = (
        cell.negative_collector_thickness * cell.negative_collector_density
        + cell.positive_collector_thickness * cell.positive_collector_density
    )
    return (
        coating(
            parameters[NEGATIVE_THICKNESS],
            parameters[NEGATIVE_POROSITY],
            cell.negative.solids_density,
        )
        + coating(
            parameters[POSITIVE_THICKNESS],
            parameters[POSITIVE_POROSITY],
            cell.positive.solids_density,
        )
        + separator
        + collectors / 2
    )


def theoretical_energy(
    cell: Cell,
    negative: OpenCircuitPotential,
    positive: OpenCircuitPotential,
    parameters: Parameters,
) -> Any:
    """Open-circuit voltage integrated over the window [W.h.m-2], by the tables' own integrals."""
    charge = jnp.asarray(nominal_capacity(cell, parameters))
    start, end = (mean_stoichiometries(cell, parameters, q) for q in (jnp.zeros_like(charge), charge))
    (x_0, y_0), (x_1, y_1) = ((jnp.asarray(x), jnp.asarray(y)) for x, y in (start, end))
    full_negative, full_positive = full_capacities(cell, parameters)
    return full_positive * (positive.integral(y_0) - positive.integral(y_1)) - full_negative * (
        negative.integral(x_1) - negative.integral(x_0)
    )
