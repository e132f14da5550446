"""The judge of the symbolic mesh: the same model on PyBaMM's own mesh, built anew for each design."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from electrograd.physics.cell import Cell
from electrograd.physics.charge import NEGATIVE_POTENTIAL, VOLTAGE, Charge
from electrograd.physics.model import build_model, mesh_points, parameter_values, structured_values
from electrograd.physics.p2d import P2D
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.scenario import Scenario, SolverSettings

LENGTHS = (
    "Negative electrode thickness [m]",
    "Positive electrode thickness [m]",
    "Negative particle radius [m]",
    "Positive particle radius [m]",
)


class Ordinary(P2D):
    """A simulation of one design: every length a number, submeshes and methods PyBaMM's defaults."""

    def __init__(
        self, cell: Cell, scenario: Scenario, settings: SolverSettings, parameters: Mapping[str, Any]
    ) -> None:
        self._parameters = {name: float(value) for name, value in parameters.items()}
        super().__init__(cell, scenario, settings)

    def _built(self, options: dict[str, str]) -> Any:
        cell, known = self.cell, self._parameters
        model = build_model(cell.structure, self.scenario, self.settings, options)
        values = parameter_values(cell, self.scenario)
        values.update({name: known[name] for name in LENGTHS})
        graded = structured_values(cell, values, self.settings.points, known.__getitem__)
        values.update(graded, check_already_exists=False)
        return pybamm.Simulation(
            model,
            parameter_values=values,
            solver=self._solver(),
            var_pts=mesh_points(self.settings),
        )


def differences(one: Charge, other: Charge) -> dict[str, float]:
    """Largest differences of two charges: accepted (relative), margin and curves [V].

    Curves are compared at the charges that both have passed.
    """
    grid = np.linspace(0.0, min(one.accepted, other.accepted), 60)
    names = (VOLTAGE, NEGATIVE_POTENTIAL)
    curves = [charge.on_grid(grid / charge.accepted, names)[1] for charge in (one, other)]
    apart = np.abs(np.subtract(*curves))
    return {
        "accepted": abs(one.accepted / other.accepted - 1),
        "margin": abs(one.plating_margin - other.plating_margin),
        "voltage": float(apart[0].max()),
        "potential": float(apart[1].max()),
    }
