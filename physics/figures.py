"""Figures of merit of a simulated design, under the same names as the predicted ones."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from electrograd.physics.cell import Cell
from electrograd.physics.channel_phase import ChannelP2D
from electrograd.physics.charge import CHARGED_SHARE, Charge, End, nothing
from electrograd.physics.fidelity import model_of
from electrograd.physics.open_circuit import OpenCircuitPotential
from electrograd.physics.p2d import P2D
from electrograd.physics.reference_discharge import delivered_energy, reference_scenario
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import (
    full_capacities,
    nominal_capacity,
    stack_mass,
    stack_thickness,
    theoretical_energy,
)
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    CHARGE_TIME,
    CHARGING_ENERGY,
    ENERGY_DENSITY,
    HOTTEST,
    LEAST_ELECTROLYTE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    PLATING_ONSET,
    PREDICTED,
    SPECIFIC_ENERGY,
    THEORETICAL_ENERGY_DENSITY,
    THEORETICAL_SPECIFIC_ENERGY,
    USABLE_RATIO,
    channel_width,
    figure_and_scenario,
    in_scenario,
)

SIMULATED_ONLY = (SPECIFIC_ENERGY, ENERGY_DENSITY, LEAST_ELECTROLYTE, USABLE_RATIO)
"""Figures of merit that surrogates do not predict."""


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
        Figures of merit by name; NaN where a simulation failed or was not asked for, infinite for a
        charge time that was not reached.
    """

    parameters: dict[str, float]
    charge: Charge
    figures: dict[str, float]


class DesignSimulator:
    """Simulates designs in one scenario: the charge, and the reference discharge.

    Parameters
    ----------
    cell, scenario, settings
        As for `P2D`; models are built once.
    others
        Further scenarios, by name, in which designs are charged too: what they add to the figures of
        merit is named by `variables.in_scenario`.
    """

    def __init__(
        self,
        cell: Cell,
        scenario: Scenario,
        settings: SolverSettings,
        others: Mapping[str, Scenario] | None = None,
    ) -> None:
        self.cell, self._scenario, self._settings = cell, scenario, settings
        self._others = dict(others or {})
        reference = reference_scenario(scenario)
        alike = dataclasses.replace(reference, c_rate=scenario.c_rate) == scenario
        self._reference = scenario if alike else reference
        self._built: dict[tuple[type[P2D], Scenario], P2D] = {}
        self._kind = model_of(cell, scenario)
        self._model(self._kind, scenario)
        self._negative, self._positive = (
            OpenCircuitPotential.from_pybamm(cell, side, scenario.temperature)
            for side in ("negative", "positive")
        )

    def _model(self, kind: type[P2D], scenario: Scenario) -> P2D:
        """What simulates a scenario, built once."""
        if (kind, scenario) not in self._built:
            self._built[kind, scenario] = kind(self.cell, scenario, self._settings)
        return self._built[kind, scenario]

    def prepare(self, aims: Iterable[str] | None = None) -> None:
        """Build the models that `__call__` needs for such aims."""
        discharged, others = self._needed(aims)
        if discharged:
            self._model(self._kind, self._reference)
        for name in others:
            self._model(model_of(self.cell, self._others[name]), self._others[name])

    def _needed(self, aims: Iterable[str] | None) -> tuple[bool, list[str]]:
        """Whether designs are discharged for these aims, and in which further scenarios charged."""
        if aims is None:
            return True, list(self._others)
        found = [figure_and_scenario(aim) for aim in aims]
        scenarios = {scenario for _, scenario in found}
        discharged = any(figure in (SPECIFIC_ENERGY, ENERGY_DENSITY) for figure, _ in found)
        return discharged, [name for name in self._others if name in scenarios]

    def __call__(self, design: Mapping[str, float], aims: Iterable[str] | None = None) -> Simulated:
        """Simulate one design, given by name in SI units, and take its figures of merit.

        Parameters
        ----------
        aims
            Figures of merit that are wanted, all by default. The charge is always simulated; what else
            they do not need is not, and is NaN.

        Raises
        ------
        InputError
            For a design that cannot be built; see `Cell.check`.
        """
        cell = self.cell
        cell.check(design)
        parameters = {name: float(value) for name, value in cell.parameters(dict(design)).items()}
        # Columns know no channel of no width, as the published cell has it; homogenised, that is exact.
        uncut = self._kind is ChannelP2D and parameters[channel_width("negative")] == 0
        kind = P2D if uncut else self._kind
        charge = self._model(kind, self._scenario).charge(parameters)
        discharged, others = self._needed(aims)
        delivered = math.nan
        if discharged:
            delivered = delivered_energy(self._model(kind, self._reference), parameters)
        negative, positive = (float(capacity) for capacity in full_capacities(cell, parameters))
        mass, thickness = stack_mass(cell, parameters), stack_thickness(cell, parameters)
        energy = float(theoretical_energy(cell, self._negative, self._positive, parameters))
        figures = {
            NOMINAL_CAPACITY: charge.nominal,
            **_of_charge(charge),
            THEORETICAL_SPECIFIC_ENERGY: energy / mass,
            THEORETICAL_ENERGY_DENSITY: energy / thickness / 1000,
            SPECIFIC_ENERGY: delivered / mass,
            ENERGY_DENSITY: delivered / thickness / 1000,
            USABLE_RATIO: negative * cell.negative.window / (positive * cell.positive.window),
        }
        for name, other in self._others.items():
            told = _unknown()
            if name in others:
                charging = self._model(P2D if uncut else model_of(cell, other), other)
                told = _of_charge(charging.charge(parameters))
            figures |= {in_scenario(figure, name): value for figure, value in told.items()}
        return Simulated(parameters, charge, figures)


_OF_A_CHARGE = (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    PLATING_MARGIN,
    CHARGING_ENERGY,
    CHARGE_TIME,
    PLATING_ONSET,
    LEAST_ELECTROLYTE,
    HOTTEST,
)


def _unknown() -> dict[str, float]:
    return dict.fromkeys(_OF_A_CHARGE, math.nan)


def _of_charge(charge: Charge) -> dict[str, float]:
    """Figures of merit of a charge; NaN where it failed."""
    if not charge.end.completed:
        return _unknown()
    return {
        ACCEPTED_CAPACITY: charge.accepted,
        ACCEPTED_SHARE: charge.accepted / charge.nominal,
        PLATING_MARGIN: charge.plating_margin,
        CHARGING_ENERGY: charge.energy,
        CHARGE_TIME: charge.time_to(CHARGED_SHARE),
        PLATING_ONSET: charge.plating_onset,
        LEAST_ELECTROLYTE: charge.least_electrolyte,
        HOTTEST: charge.hottest,
    }


def failed(
    cell: Cell, design: Mapping[str, float], end: End, message: str, others: Iterable[str] = ()
) -> Simulated:
    """Return the record of a design whose simulation gave nothing, in further scenarios neither."""
    parameters = {name: float(value) for name, value in cell.parameters(dict(design)).items()}
    charge = nothing(float(nominal_capacity(cell, parameters)), end, message)
    lacking = [in_scenario(figure, name) for name in others for figure in _OF_A_CHARGE]
    figures = dict.fromkeys((*PREDICTED, *SIMULATED_ONLY, *lacking), math.nan)
    return Simulated(parameters, charge, {**figures, NOMINAL_CAPACITY: charge.nominal})
