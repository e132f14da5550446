"""The whole state of the P2D at constant current: PyBaMM's solution, and PyBaMM's equations for it.

A state is what PyBaMM integrates: concentrations in the particles and in the electrolyte, potentials in
solids and electrolyte, on every control volume, each as (value - reference) / scale. The same order is
simulated here and understood by `P2DResidual`, so that a learned state can be held against both.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError
from electrograd.physics.factors import refuse_factors
from electrograd.physics.model import INITIAL, mesh_points, parameter_values
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.residual import P2DResidual
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import nominal_capacity
from electrograd.physics.state_layout import FIELDS, PASSED, THROUGHPUT, StateLayout
from electrograd.physics.symbolic_mesh import spatial_methods, submesh_types
from electrograd.physics.variables import C_RATE

CURRENT = "Current function [A]"


class StateModel:
    """PyBaMM's P2D at constant current with every design parameter as an input.

    Parameters
    ----------
    cell, scenario, settings
        As for `electrograd.physics.p2d.P2D`; electrodes uniform, one constant current, isothermal.

    Attributes
    ----------
    residual
        The discretised equations as JAX functions.
    layout
        The order of its states.

    Raises
    ------
    InputError
        For structured electrodes, or another protocol.
    """

    def __init__(self, cell: Cell, scenario: Scenario, settings: SolverSettings) -> None:
        if not cell.structure.plain:
            raise InputError("states are simulated of uniform electrodes", "a structured cell")
        if not scenario.constant_current:
            raise InputError(
                "states are simulated of constant-current charges from empty",
                scenario.protocol,
                "constant current",
            )
        refuse_factors(cell, "states of the P2D")
        self.cell, self.scenario, self.settings = cell, scenario.of(cell), settings
        values = parameter_values(cell, self.scenario)
        values[CURRENT] = "[input]"
        model = pybamm.lithium_ion.DFN()
        model.events = []  # it is simulated for as long as is asked
        where: dict[str, Any] = {
            "submesh_types": {**model.default_submesh_types, **submesh_types()},
            "spatial_methods": spatial_methods(model),
            "var_pts": mesh_points(self.settings),
        }
        self.residual = P2DResidual.build(model, values, **where)
        self._simulation = pybamm.Simulation(
            model,
            parameter_values=values,
            solver=pybamm.IDAKLUSolver(
                rtol=self.settings.rtol,
                atol=self.settings.atol,
                options={"nonlinear_convergence_coefficient": 0.05},
            ),
            **where,
        )
        self._simulation.build()
        self.layout = self._layout()

    def inputs(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs of the equations for a complete parameter set; its C-rate, or else the scenario's.

        Works under JAX's transformations.
        """
        nominal = nominal_capacity(self.cell, parameters)
        rate = parameters.get(C_RATE, self.scenario.c_rate)
        known = {
            **parameters,
            **self._start,
            CURRENT: -rate * nominal * self.cell.electrode_area,  # PyBaMM counts a discharge as positive
        }
        return {name: known[name] for name in self.residual.inputs}

    def simulate(
        self, parameters: Mapping[str, float], charge: Float[np.ndarray, " points"]
    ) -> Float[np.ndarray, "points states"]:
        """States of one design after ``charge`` [A.h.m-2], which must rise from 0.

        Raises
        ------
        InputError
            For charges that do not rise from 0.
        """
        if charge[0] != 0 or np.any(np.diff(charge) <= 0):
            raise InputError("charges must rise from 0", charge.tolist())
        inputs = {name: float(value) for name, value in self.inputs(parameters).items()}
        seconds = 3600 * charge * self.cell.electrode_area / -inputs[CURRENT]
        solution = self._simulation.solve(seconds[[0, -1]], t_interp=seconds, inputs=inputs)
        return np.asarray(solution.y).T

    @property
    def _start(self) -> dict[str, float]:
        return {
            INITIAL["negative"]: self.cell.negative.empty,
            INITIAL["positive"]: self.cell.positive.empty,
        }

    def _layout(self) -> StateLayout:
        variables = {variable.name: variable for variable in self._simulation.built_model.y_slices}

        def number(symbol: Any) -> float:
            return float(np.ravel(symbol.evaluate(inputs=self._start))[0])

        names = (PASSED, THROUGHPUT, *FIELDS)
        slices = {name: self.residual.slices[name] for name in names}
        return StateLayout(
            points=self.settings.points,
            slices={name: (where.start, where.stop) for name, where in slices.items()},
            scales={name: number(variables[name].scale) for name in names},
            references={name: number(variables[name].reference) for name in names},
        )
