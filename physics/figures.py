"""Figures of merit of a simulated design, under the same names as the predicted ones."""

from collections.abc import Mapping
from dataclasses import dataclass

from electrograd.physics.charge import Charge
from electrograd.physics.open_circuit import OpenCircuitPotential
from electrograd.physics.p2d import P2D
from electrograd.physics.stack import stack_mass, stack_thickness, theoretical_energy
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    LEAST_ELECTROLYTE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    SPECIFIC_ENERGY,
    THEORETICAL_ENERGY_DENSITY,
    THEORETICAL_SPECIFIC_ENERGY,
)

DISCHARGE_RATE = 1 / 3
"""C-rate of the discharge that defines the specific energy."""


@dataclass(frozen=True)
class Simulated:
    """One design as PyBaMM simulated it.

    Attributes
    ----------
    parameters
        The complete P2D parameters.
    charge
        The scenario's charge.
    figures
        Figures of merit by name; NaN where a simulation failed.
    """

    parameters: dict[str, float]
    charge: Charge
    figures: dict[str, float]


def simulate_design(
    model: P2D,
    negative: OpenCircuitPotential,
    positive: OpenCircuitPotential,
    design: Mapping[str, float],
) -> Simulated:
    """Charge a design in the model's scenario, discharge it at C/3, and take its figures of merit."""
    cell = model.cell
    parameters = {name: float(value) for name, value in cell.parameters(dict(design)).items()}
    charge = model.charge(parameters)
    discharge = model.discharge(parameters, DISCHARGE_RATE)
    mass, thickness = stack_mass(cell, parameters), stack_thickness(cell, parameters)
    energy = float(theoretical_energy(cell, negative, positive, parameters))
    return Simulated(
        parameters=parameters,
        charge=charge,
        figures={
            NOMINAL_CAPACITY: charge.nominal,
            ACCEPTED_CAPACITY: charge.accepted,
            ACCEPTED_SHARE: charge.accepted / charge.nominal,
            PLATING_MARGIN: charge.plating_margin,
            THEORETICAL_SPECIFIC_ENERGY: energy / mass,
            THEORETICAL_ENERGY_DENSITY: energy / thickness / 1000,
            SPECIFIC_ENERGY: discharge.energy / mass if discharge.end.completed else float("nan"),
            LEAST_ELECTROLYTE: charge.least_electrolyte,
        },
    )
