"""The P2D (Doyle–Fuller–Newman) model in PyBaMM, built once and solved for many designs.

Every parameter that a design can vary is an input of the built model, so a solve costs tens of
milliseconds and a design never costs a rebuild.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from electrograd.physics.cell import Cell
from electrograd.physics.charge import (
    ELECTROLYTE,
    NEGATIVE_SURFACE,
    OBSERVABLES,
    POSITIVE_SURFACE,
    Charge,
    End,
)
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import mean_stoichiometries, nominal_capacity
from electrograd.physics.variables import DESIGN_VARIABLES, N_P_RATIO, NEGATIVE_ACTIVE, POSITIVE_ACTIVE

_CURRENT_DENSITY = "Charging current density [A.m-2]"
_INITIAL = {
    "negative": "Initial negative stoichiometry",
    "positive": "Initial positive stoichiometry",
}
_GEOMETRY = [name for name in DESIGN_VARIABLES if name != N_P_RATIO]
_ENDS = {
    "event: Maximum voltage [V]": End.VOLTAGE_CUT_OFF,
    "event: Minimum voltage [V]": End.VOLTAGE_CUT_OFF,
    "event: Negative surface full": End.NEGATIVE_SURFACE_FULL,
    "event: Positive surface empty": End.POSITIVE_SURFACE_EMPTY,
    "final time": End.CHARGE_TARGET,
}

MODEL = {"class": "pybamm.lithium_ion.DFN", "options": {}}
"""The model behind every P2D result, as a design package states it."""


def build_model(settings: SolverSettings) -> Any:
    """Return PyBaMM's DFN with this framework's observables and its two saturation events."""
    model = pybamm.lithium_ion.DFN()
    known = model.variables
    known[ELECTROLYTE] = pybamm.min(known["Electrolyte concentration [mol.m-3]"])
    model.events += [
        pybamm.Event("Negative surface full", settings.surface_full - known[NEGATIVE_SURFACE]),
        pybamm.Event("Positive surface empty", known[POSITIVE_SURFACE] - settings.surface_empty),
    ]
    return model


def mesh_points(settings: SolverSettings) -> dict[str, int]:
    """Control volumes by PyBaMM's names of spatial variables."""
    return dict.fromkeys(("x_n", "x_s", "x_p", "r_n", "r_p"), settings.points)


def submesh_types() -> dict[str, Any]:
    """Submesh classes by PyBaMM's domains: uniform ones whose lengths may be inputs.

    At 20 points they stand closer to the converged answer than PyBaMM's default, from which they differ
    by some 0.05 % in accepted capacity: the two treat the interfaces of the separator differently.
    """
    domains = ("negative electrode", "separator", "positive electrode")
    particles = ("negative particle", "positive particle")
    return dict.fromkeys((*domains, *particles), pybamm.SymbolicUniform1DSubMesh)


class P2D:
    """A built P2D simulation of one cell under one scenario's limits.

    Parameters
    ----------
    cell
        The cell; its PyBaMM parameter set is loaded by name.
    scenario
        Voltage limits and temperature are built in; the C-rate is not.
    settings
        Mesh, tolerances and events.
    """

    def __init__(self, cell: Cell, scenario: Scenario, settings: SolverSettings) -> None:
        self.cell, self.scenario, self.settings = cell, scenario, settings
        model = build_model(settings)
        submeshes = {**model.default_submesh_types, **submesh_types()}
        self._simulation = pybamm.Simulation(
            model,
            parameter_values=self._parameter_values(),
            solver=pybamm.IDAKLUSolver(
                rtol=settings.rtol, atol=settings.atol, output_variables=list(OBSERVABLES)
            ),
            submesh_types=submeshes,
            var_pts=mesh_points(settings),
        )

    def _parameter_values(self) -> Any:
        values = pybamm.ParameterValues(self.cell.name)
        inputs = [*_GEOMETRY, NEGATIVE_ACTIVE, POSITIVE_ACTIVE]
        values.update(dict.fromkeys(inputs, "[input]"))
        values.update(scenario_values(self.scenario))
        current = pybamm.InputParameter(_CURRENT_DENSITY) * self.cell.electrode_area
        values["Current function [A]"] = -current
        values["Lower voltage cut-off [V]"] = "[input]"
        for side, name in _INITIAL.items():
            maximum = values[f"Maximum concentration in {side} electrode [mol.m-3]"]
            values[f"Initial concentration in {side} electrode [mol.m-3]"] = (
                pybamm.InputParameter(name) * maximum
            )
        return values

    def charge(self, parameters: Mapping[str, float], c_rate: float | None = None) -> Charge:
        """Charge from empty at constant current up to the first end.

        Parameters
        ----------
        parameters
            A complete set, as `Cell.parameters` gives it.
        c_rate
            Relative to the design's own nominal capacity [1/h]; the scenario's by default.
        """
        rate = self.scenario.c_rate if c_rate is None else c_rate
        # The lower cut-off is for discharge: a charge from empty may well start below it.
        return self._solve(parameters, 0.0, rate, self.scenario.charge_limit / rate, 0.0)

    def discharge(self, parameters: Mapping[str, float], c_rate: float) -> Charge:
        """Discharge from full at constant current over the window, or to the lower cut-off voltage.

        The charge in the record is the charge taken out [A.h.m-2], and its energy the energy delivered.
        """
        return self._solve(parameters, 1.0, -c_rate, 1.0 / c_rate, self.scenario.lower_voltage)

    def _solve(
        self,
        parameters: Mapping[str, float],
        start: float,
        rate: float,
        hours: float,
        lower_voltage: float,
    ) -> Charge:
        """Solve from ``start`` (share of the nominal capacity) at a signed rate [1/h]."""
        nominal = float(nominal_capacity(self.cell, parameters))
        negative, positive = mean_stoichiometries(self.cell, parameters, start * nominal)
        inputs = {
            **parameters,
            _CURRENT_DENSITY: rate * nominal,
            _INITIAL["negative"]: negative,
            _INITIAL["positive"]: positive,
            "Lower voltage cut-off [V]": lower_voltage,
        }
        plain = {name: float(value) for name, value in inputs.items()}
        try:
            solution = self._simulation.solve([0.0, 3600 * hours], inputs=plain)
        except pybamm.SolverError as error:
            empty = np.empty(0)
            return Charge(
                End.SOLVER_FAILURE, str(error), nominal, empty, dict.fromkeys(OBSERVABLES, empty)
            )
        return Charge(
            end=_ENDS.get(solution.termination, End.SOLVER_FAILURE),
            message=solution.termination,
            nominal=nominal,
            charge=np.asarray(solution.t) / 3600 * abs(rate) * nominal,
            observables={name: np.asarray(solution[name].entries) for name in OBSERVABLES},
        )


def scenario_values(scenario: Scenario) -> dict[str, float]:
    """Return what a scenario sets in a PyBaMM parameter set."""
    return {
        "Upper voltage cut-off [V]": scenario.upper_voltage,
        "Lower voltage cut-off [V]": scenario.lower_voltage,
        "Ambient temperature [K]": scenario.temperature,
        "Initial temperature [K]": scenario.temperature,
    }


def plain_parameter_values(
    cell: Cell, scenario: Scenario, parameters: Mapping[str, float], first_voltage: float
) -> Any:
    """Return a PyBaMM parameter set of one design with nothing left open.

    Plain PyBaMM simulates the scenario's charge with it: the current and the initial concentrations are
    in it. A lower cut-off above the charge's first voltage would end it there, and is left out.
    """
    values = pybamm.ParameterValues(cell.name)
    nominal = float(nominal_capacity(cell, parameters))
    area = cell.electrode_area
    values.update({name: float(value) for name, value in parameters.items()})
    values.update(scenario_values(scenario))
    if first_voltage <= scenario.lower_voltage:
        values["Lower voltage cut-off [V]"] = 0.0
    values["Current function [A]"] = -scenario.c_rate * nominal * area
    values["Nominal cell capacity [A.h]"] = nominal * area
    for side, electrode in (("negative", cell.negative), ("positive", cell.positive)):
        values[f"Initial concentration in {side} electrode [mol.m-3]"] = (
            electrode.empty * electrode.maximum_concentration
        )
    return values
