"""P2D simulations: one built model, solved for any design under any protocol.

A charge is a chain of solves. In each, one quantity is held (current, voltage, or the negative
electrode's potential against lithium) and the limits on the others are events; the event says what is
held next. So at each instant the current is the largest that keeps every limit.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from electrograd.physics.cell import Cell, Scalar
from electrograd.physics.charge import OBSERVABLES, Charge, End
from electrograd.physics.errors import InputError
from electrograd.physics.model import (
    APPLIED,
    CHARGED,
    CURRENT_AT_CAP,
    CURRENT_LOW,
    DEPLETED,
    HOLDS,
    INITIAL,
    LIMITS,
    LOW_CURRENT,
    LOWER,
    LOWER_VOLTAGE,
    PLATING,
    PLATING_POTENTIAL,
    SLACK,
    STAGE_CHARGE,
    UPPER,
    UPPER_VOLTAGE,
    build_model,
    disarm,
    mesh_points,
    parameter_values,
    structured_values,
)
from electrograd.physics.plausible import Materials
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import mean_stoichiometries, nominal_capacity, rate_capacity
from electrograd.physics.symbolic_mesh import spatial_methods, submesh_types
from electrograd.physics.variables import stage_rate

_CURRENT, _VOLTAGE, _POTENTIAL = HOLDS
_ENDS = {
    UPPER: End.VOLTAGE_CUT_OFF,
    LOWER: End.VOLTAGE_CUT_OFF,
    DEPLETED: End.ELECTROLYTE_DEPLETED,
    CURRENT_LOW: End.CURRENT_CUT_OFF,
    CHARGED: End.CHARGE_TARGET,
    "final time": End.CHARGING_TIME_OVER,
}
_NEXT = {UPPER: _VOLTAGE, PLATING: _POTENTIAL, CURRENT_AT_CAP: _CURRENT}
"""What is held after a limit is reached."""
PASSED = "Discharge capacity [A.h]"
"""PyBaMM's count of the charge; a model must have it beside its observables."""
_SLACK = 1e-6
_MOST_SOLVES = 100
_INSTANT = 1e-3
"""Seconds of a solve of which only the first instant is kept."""


class P2D:
    """A built P2D simulation of one cell.

    Parameters
    ----------
    cell
        The cell with its structure; its parameter set is loaded by name.
    scenario
        Temperature and cooling are built in; rates, limits and start are inputs.
    settings
        Mesh, tolerances and events.
    observables
        Names of what is recorded; more of PyBaMM's variables may be asked for.
    options
        Further options of PyBaMM's DFN: ``{"lithium plating": "irreversible"}`` lets lithium plate,
        where the parameter set knows how (`OKane2022`).

    Raises
    ------
    InputError
        If the cell's parameter set lacks what the model needs.
    """

    def __init__(
        self,
        cell: Cell,
        scenario: Scenario,
        settings: SolverSettings,
        observables: tuple[str, ...] = tuple(OBSERVABLES),
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.cell, self.scenario = cell, scenario.of(cell)
        self.settings = settings
        self.observables = observables
        self.simulation = self._built(dict(options or {}))
        try:
            self.simulation.build()
        except KeyError as error:
            raise InputError(
                f"{cell.name} must hold every parameter of the model", f"none of {error.args[0]}"
            ) from error
        values = self.simulation.parameter_values
        self.materials = Materials.of(values, self.scenario.temperature)

    def _built(self, options: dict[str, str]) -> Any:
        """The simulation; other fidelities make their own."""
        cell, settings = self.cell, self.settings
        model = build_model(cell.structure, self.scenario, settings, options)
        values = parameter_values(cell, self.scenario)
        structured = structured_values(cell, values, settings.points, pybamm.InputParameter)
        values.update(structured, check_already_exists=False)
        return pybamm.Simulation(
            model,
            parameter_values=values,
            solver=self._solver(),
            submesh_types={**model.default_submesh_types, **submesh_types()},
            spatial_methods=spatial_methods(model),
            var_pts=mesh_points(settings),
        )

    def _solver(self) -> Any:
        return pybamm.IDAKLUSolver(
            rtol=self.settings.rtol,
            atol=self.settings.atol,
            output_variables=[*self.observables, PASSED],
            # Newton converges further than by default: potentials stay smooth in time, steps are fewer.
            options={"nonlinear_convergence_coefficient": 0.05},
            on_failure="ignore",
        )

    def charge(self, parameters: Mapping[str, Scalar], c_rate: float | None = None) -> Charge:
        """Charge as the scenario says, up to the first end.

        Parameters
        ----------
        parameters
            A complete set, as `Cell.parameters` gives it. Rates in it replace the scenario's.
        c_rate
            Rate of the first stage, relative to the design's own nominal capacity [1/h]; replaces both.

        Raises
        ------
        InputError
            For parameters that cannot be built, or a rate that is not positive.
        """
        _check_rates(c_rate)
        stages = [
            (share, float(parameters.get(stage_rate(k), rate)))
            for k, (share, rate) in enumerate(self.scenario.stages, start=1)
        ]
        if c_rate is not None:
            stages[0] = (stages[0][0], c_rate)
        _check_rates(*(rate for _, rate in stages))
        return _Run(self, parameters, stages, self.scenario.start).result()

    def discharge(self, parameters: Mapping[str, Scalar], c_rate: float) -> Charge:
        """Discharge from full at constant current over the window, or to the lower cut-off voltage.

        The charge in the record is the charge taken out [A.h.m-2], and its energy the energy delivered.
        Raises as `charge` does.
        """
        _check_rates(c_rate)
        return _Run(self, parameters, [(0.0, -c_rate)], 1.0).result()


class _Run:
    """One charge or discharge of one design: the chain of solves and what it knows on the way."""

    def __init__(
        self,
        model: P2D,
        parameters: Mapping[str, Scalar],
        stages: list[tuple[float, float]],
        start: float,
    ) -> None:
        model.cell.check_parameters(parameters)
        self.model, self.scenario = model, model.scenario
        self.simulation = model.simulation
        self.nominal = float(nominal_capacity(model.cell, parameters))
        self.one_c = float(rate_capacity(model.cell, parameters, model.scenario.rate_of))
        self.stages, self.start, self.stage = stages, start, 0
        self.charging = stages[0][1] > 0
        self.hold = _CURRENT
        self.solution: Any = None
        negative, positive = mean_stoichiometries(model.cell, parameters, start * self.nominal)
        scenario = self.scenario
        known = {
            **parameters,
            INITIAL["negative"]: negative,
            INITIAL["positive"]: positive,
            UPPER_VOLTAGE: scenario.upper_voltage,
            LOWER_VOLTAGE: scenario.lower_voltage,
            PLATING_POTENTIAL: scenario.plating_potential or 0.0,
            LOW_CURRENT: scenario.hold_until * self.one_c,
        }
        self.known = {name: float(value) for name, value in known.items()}

    def result(self) -> Charge:
        """Solve from limit to limit until one of them ends it."""
        record = self._solved()
        start = {side: self.known[name] for side, name in INITIAL.items()}
        limits = (self.known[LOWER_VOLTAGE], self.known[UPPER_VOLTAGE])
        return self.model.materials.judged(record, start, self.charging, limits)

    def _solved(self) -> Charge:
        end, message = End.SOLVER_FAILURE, f"no end after {_MOST_SOLVES} changes of what is held"
        for _ in range(_MOST_SOLVES):
            try:
                reached = self._solve(self._armed(), self._seconds_left())
            except pybamm.SolverError as error:
                reached = _at_once(str(error))
                if not reached:
                    message = str(error)
                    break
            if self._goes_on(reached):
                continue
            end, message = _ENDS.get(reached, End.SOLVER_FAILURE), reached
            if self.solution is None:  # over before it began: keep that instant's values
                self._solve(set(), _INSTANT)
                return self._record(end, message, 1)
            break
        return self._record(end, message)

    def _goes_on(self, reached: str) -> bool:
        """Choose what is held after a limit; False if the limit ends the charge."""
        if reached == CHARGED and self.stage + 1 < len(self.stages):
            self.stage += 1
            return True
        if reached == UPPER and not self.scenario.hold_voltage:
            return False
        if reached in _NEXT:
            self.hold = _NEXT[reached]
            return True
        return False

    def _armed(self) -> set[str]:
        """The limits that count while this is held."""
        if not self.charging:
            return {LOWER, CHARGED}
        armed = {CHARGED, UPPER}
        if self.scenario.plating_potential is not None:
            armed.add(PLATING)
        if self.scenario.end_when_depleted:
            armed.add(DEPLETED)
        if self.hold != _CURRENT:
            armed |= {CURRENT_AT_CAP, CURRENT_LOW}
        return armed - {limit for limit, hold in _NEXT.items() if hold == self.hold}

    def _seconds_left(self) -> float:
        share, rate = self.stages[self.stage]
        passed = 0.0 if self.solution is None else float(self.solution.t[-1])
        most = 3600 * self.scenario.time_limit - passed
        if self.hold == _CURRENT:
            # The stage's own time and a little, so that its charge, not the clock, ends it.
            hours = abs(share - self.start) * self.nominal / (abs(rate) * self.one_c)
            most = min(most, 3600 * 1.01 * hours + 1.0)
        return max(most, _INSTANT)

    def _solve(self, armed: set[str], seconds: float) -> str:
        """Solve on with some limits armed; return the one that was reached."""
        share, rate = self.stages[self.stage]
        inputs = {
            **self.known,
            SLACK: 0.0 if self.solution is None else _SLACK,
            APPLIED: rate * self.one_c,
            STAGE_CHARGE: abs(share - self.start) * self.nominal,
            **{hold: float(hold == self.hold) for hold in HOLDS},
            **{disarm(limit): float(limit not in armed) for limit in LIMITS},
        }
        if self.solution is None:
            self.solution = self.simulation.solve([0.0, seconds], inputs=inputs)
        else:
            # PyBaMM does not step on from a solution that an event ended, unless told it was not.
            self.solution.termination = "final time"
            self.solution = self.simulation.step(seconds, starting_solution=self.solution, inputs=inputs)
        return str(self.solution.termination).removeprefix("event: ")

    def _record(self, end: End, message: str, steps: int | None = None) -> Charge:
        nominal, names = self.nominal, self.model.observables
        if self.solution is None:
            empty = np.empty(0)
            return Charge(end, message, nominal, empty, dict.fromkeys(names, empty))
        found = {name: np.asarray(self.solution[name].entries)[..., :steps] for name in names}
        charge = np.abs(np.asarray(self.solution[PASSED].entries))[:steps]
        charge = charge / self.model.cell.electrode_area
        return Charge(end, message, nominal, charge, found, self.start * nominal)


def _check_rates(*rates: float | None) -> None:
    for rate in rates:
        if rate is not None and not 0 < rate < math.inf:
            raise InputError("a C-rate must be positive and finite", rate, 1.0)


def _at_once(message: str) -> str:
    """The limit that a design passes before anything is solved; empty if the solver says otherwise."""
    listed = re.search(r"Events \[(.*?)\] are non-positive at initial conditions", message)
    found = re.findall(r"['\"](.*?)['\"]", listed[1]) if listed else []
    # What can be held comes last, and the voltage after the potential: where only one of them can be
    # held, holding it may mend the other.
    order = [CHARGED, DEPLETED, LOWER, CURRENT_LOW]
    order += [PLATING, UPPER, CURRENT_AT_CAP]
    return next((name for name in order if name in found), "")
