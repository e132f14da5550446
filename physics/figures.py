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
        Figures of merit by name; NaN where a simulation failed, infinite for a charge time that was not
        reached.
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
        self._chargers: dict[tuple[str, type[P2D]], P2D] = {}
        self._model = model_of(cell, scenario)
        self._built: dict[type[P2D], tuple[P2D, P2D]] = {}
        self._models(self._model)
        self._negative, self._positive = (
            OpenCircuitPotential.from_pybamm(cell, side, scenario.temperature)
            for side in ("negative", "positive")
        )

    def _models(self, model: type[P2D]) -> tuple[P2D, P2D]:
        """What charges and what discharges, built once."""
        if model not in self._built:
            scenario, rest = self._scenario, self._settings
            reference = reference_scenario(scenario)
            alike = dataclasses.replace(reference, c_rate=scenario.c_rate) == scenario
            charging = model(self.cell, scenario, rest)
            self._built[model] = charging, charging if alike else model(self.cell, reference, rest)
        return self._built[model]

    def _charger(self, name: str, uncut: bool) -> P2D:
        """What charges in a further scenario, built once."""
        other = self._others[name]
        kind = P2D if uncut else model_of(self.cell, other)
        if (name, kind) not in self._chargers:
            self._chargers[name, kind] = kind(self.cell, other, self._settings)
        return self._chargers[name, kind]

    def __call__(self, design: Mapping[str, float]) -> Simulated:
        """Simulate one design, given by name in SI units, and take its figures of merit.

        Raises
        ------
        InputError
            For a design that cannot be built; see `Cell.check`.
        """
        cell = self.cell
        cell.check(design)
        parameters = {name: float(value) for name, value in cell.parameters(dict(design)).items()}
        # Columns know no channel of no width, as the published cell has it; homogenised, that is exact.
        uncut = self._model is ChannelP2D and parameters[channel_width("negative")] == 0
        charging, discharging = self._models(P2D if uncut else self._model)
        charge = charging.charge(parameters)
        delivered = delivered_energy(discharging, parameters)
        negative, positive = (float(capacity) for capacity in full_capacities(cell, parameters))
        mass, thickness = stack_mass(cell, parameters), stack_thickness(cell, parameters)
        energy = float(theoretical_energy(cell, self._negative, self._positive, parameters))
        return Simulated(
            parameters=parameters,
            charge=charge,
            figures={
                NOMINAL_CAPACITY: charge.nominal,
                **_of_charge(charge),
                THEORETICAL_SPECIFIC_ENERGY: energy / mass,
                THEORETICAL_ENERGY_DENSITY: energy / thickness / 1000,
                SPECIFIC_ENERGY: delivered / mass,
                ENERGY_DENSITY: delivered / thickness / 1000,
                USABLE_RATIO: negative * cell.negative.window / (positive * cell.positive.window),
                **{
                    in_scenario(figure, name): value
                    for name in self._others
                    for figure, value in _of_charge(
                        self._charger(name, uncut).charge(parameters)
                    ).items()
                },
            },
        )


def _of_charge(charge: Charge) -> dict[str, float]:
    """Figures of merit of a charge; NaN where it failed."""
    done = charge.end.completed
    return {
        ACCEPTED_CAPACITY: charge.accepted if done else math.nan,
        ACCEPTED_SHARE: charge.accepted / charge.nominal if done else math.nan,
        PLATING_MARGIN: charge.plating_margin if done else math.nan,
        CHARGING_ENERGY: charge.energy if done else math.nan,
        CHARGE_TIME: charge.time_to(CHARGED_SHARE) if done else math.nan,
        PLATING_ONSET: charge.plating_onset if done else math.nan,
        LEAST_ELECTROLYTE: charge.least_electrolyte if done else math.nan,
        HOTTEST: charge.hottest if done else math.nan,
    }


def failed(
    cell: Cell, design: Mapping[str, float], end: End, message: str, others: Iterable[str] = ()
) -> Simulated:
    """Return the record of a design whose simulation gave nothing, in further scenarios neither."""
    parameters = {name: float(value) for name, value in cell.parameters(dict(design)).items()}
    charge = nothing(float(nominal_capacity(cell, parameters)), end, message)
    lacking = [in_scenario(figure, name) for name in others for figure in _of_charge(charge)]
    figures = dict.fromkeys((*PREDICTED, *SIMULATED_ONLY, *lacking), math.nan)
    return Simulated(parameters, charge, {**figures, NOMINAL_CAPACITY: charge.nominal})
