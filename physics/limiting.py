"""Why a charge ends where it does: where its voltage goes, and the process that limits it.

The process is judged from the simulated charge: surfaces of particles, salt, and the parts of the
voltage at the instant that counts, which is where the voltage or the potential against lithium first
reaches its limit, or the end. Where limits are held and the current gives way, what counts is the limit
that is held the longest. Dimensionless groups (`electrograd.physics.groups`) stand beside it.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from electrograd.physics.cell import Cell
from electrograd.physics.charge import LOSSES, VOLTAGE, Charge, End
from electrograd.physics.errors import InputError
from electrograd.physics.groups import Groups, conductors, dimensionless_groups
from electrograd.physics.limit_held import AT_LIMIT, Course
from electrograd.physics.limit_signs import REASONS, Signs
from electrograd.physics.limit_words import (
    NEAR,
    Process,
    clause,
    held_sentence,
    saturation_words,
    sentence,
    sorted_out,
)
from electrograd.physics.materials import Materials
from electrograd.physics.p2d import P2D
from electrograd.physics.remedies import HELD, remedy_gains, share_taken
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import rate_capacity
from electrograd.physics.variables import C_RATE

TAKEN = 0.97
"""Share of the nominal capacity from which on a charge counts as complete."""
NEAR_PLATING = 1e-3
"""So close to its least value [V] the potential at the separator is what limits a charge."""


@dataclass(frozen=True)
class LossBreakdown:
    """Where the terminal voltage goes, at points of a charge.

    Attributes
    ----------
    share
        Charge in the cell over the nominal capacity: shape (points,).
    voltage
        Terminal voltage [V].
    parts
        Its parts by the words of `charge.LOSSES` [V]: the open-circuit voltage, then losses, positive
        where they raise the voltage of a charge. They sum to the voltage (within 0.02 mV
        between the solver's steps).
    """

    share: Float[np.ndarray, " points"]
    voltage: Float[np.ndarray, " points"]
    parts: dict[str, Float[np.ndarray, " points"]]


def loss_breakdown(charge: Charge, points: int = 33) -> LossBreakdown:
    """Break the voltage of a simulated charge, at any fidelity, into its parts at even points.

    Raises
    ------
    InputError
        If the charge lacks the parts, as a sweep's does, or its simulation gave nothing.
    """
    _check(charge, (VOLTAGE, *LOSSES))
    passed, (voltage, *parts) = charge.on_grid(points, (VOLTAGE, *LOSSES))
    share = (charge.start + passed) / charge.nominal
    return LossBreakdown(share, voltage, dict(zip(LOSSES.values(), parts, strict=True)))


@dataclass(frozen=True)
class Limit:
    """What limits the charge of one design.

    Attributes
    ----------
    process
        The limiting process. An electrolyte that is not out of salt is named, too, where its transport
        costs the most, or makes the reaction crowd until surfaces are full.
    cause
        What is behind it: the electrode whose kinetics are slow, what conducts badly, what brings the
        potential below its limit; empty where the process says it all.
    since
        Charge in the cell over the nominal capacity from which on it limits, up to the end.
    end
        The same where the charge ended.
    plating_onset
        The same where the potential at the separator first falls below zero; infinite where never.
    parts
        Losses at the instant that counts [V], by process and electrode.
    helps, little
        Names of `remedies.REMEDIES` that gain the most, and of those that gain hardly anything: at least
        half, and at most a fifth of the best one's gain. Empty where none were tried.
    gains
        By how much each remedy that was tried raises the share that is taken; where limits are held, by
        which part it shortens the charge.
    sentence
        All that for a person.
    groups
        The design's dimensionless groups at its rate; where limits are held, at its mean rate.
    """

    process: Process
    cause: str
    since: float
    end: float
    plating_onset: float
    parts: dict[str, float]
    helps: tuple[str, ...]
    little: tuple[str, ...]
    gains: dict[str, float]
    sentence: str
    groups: Groups


class Explainer:
    """Simulates designs of a cell and names what limits their charge; its model is built once.

    Parameters
    ----------
    cell, scenario, settings
        As for `P2D`; channels are homogenised.
    least_potential
        As for `limiting_process`; where the scenario holds a potential, that one.
    """

    def __init__(
        self,
        cell: Cell,
        scenario: Scenario,
        settings: SolverSettings | None = None,
        least_potential: float | None = None,
    ) -> None:
        self.cell = cell
        self.model = P2D(cell, scenario, settings or SolverSettings(), REASONS)
        self.scenario = self.model.scenario
        held = scenario.plating_potential
        self.least_potential = least_potential if held is None else held
        self.materials = Materials.from_pybamm(cell, scenario.temperature)
        self.solids = conductors(cell, scenario.temperature)

    def __call__(self, design: Mapping[str, float], *, remedies: bool = True) -> tuple[Charge, Limit]:
        """Charge one design and say what limits it.

        Parameters
        ----------
        design
            Values by name, in SI units.
        remedies
            Whether to simulate remedies, too: seven simulations more.

        Raises
        ------
        InputError
            For a design that cannot be built, or one whose simulation gave nothing.
        """
        cell, scenario = self.cell, self.scenario
        cell.check(design)
        parameters = {name: float(value) for name, value in cell.parameters(dict(design)).items()}
        charge = self.model.charge(parameters)
        _check(charge, REASONS)
        rate = parameters.get(C_RATE, scenario.c_rate)
        rate *= float(rate_capacity(cell, parameters, scenario.rate_of)) / charge.nominal
        course = Course.of(charge, scenario) if scenario.held else None
        typical = course.mean_rate if course else rate
        groups = dimensionless_groups(cell, self.materials, self.solids, parameters, typical)
        limit = functools.partial(
            limiting_process, charge, scenario, groups, rate, self.materials.salt, self.least_potential
        )
        found = limit()
        if remedies and found.process is not Process.NONE:
            measure: Callable[[Charge], float]
            if course:
                measure = course.quickness
            else:
                measure = functools.partial(share_taken, least_potential=self.least_potential)
            found = limit(remedy_gains(self.model, parameters, measure=measure))
        return charge, found


def limiting_process(
    charge: Charge,
    scenario: Scenario,
    groups: Groups,
    c_rate: float,
    salt: float,
    least_potential: float | None = None,
    gains: Mapping[str, float] | None = None,
) -> Limit:
    """Name the process that limits a simulated charge.

    Parameters
    ----------
    charge
        With the observables `REASONS`.
    scenario
        That it was charged in, cut-off voltages stated.
    groups
        Of the design at its rate; kept as support.
    c_rate
        The charge's rate, for the sentence [1/h].
    salt
        Initial concentration of the electrolyte [mol.m-3].
    least_potential
        Potential against lithium at the separator that counts as a limit [V], once it is as near as
        `NEAR_PLATING`. None: plating is told beside the limit, and is none itself.
    gains
        What remedies gain, as `remedies.remedy_gains` gives it.

    Raises
    ------
    InputError
        If observables are lacking, or the simulation gave nothing.
    """
    _check(charge, REASONS)
    signs = Signs.of(charge, salt)
    share = (charge.start + charge.charge) / charge.nominal
    helps, little = sorted_out(gains or {})
    cause, shows, since, end = "", "", float(share[-1]), float(share[-1])
    onset = charge.plating_onset
    if scenario.held:
        course = Course.of(charge, scenario)
        instant, since, process = course.middle, float(share[course.first]), Process.NONE
        if course.at == VOLTAGE:
            process, shows, _ = signs.limiting(instant)
            cause = signs.cause(process, instant)
        elif course.at:
            process, cause = Process.PLATING, signs.plating_cause(instant)
        costs = {name: float(values[instant]) for name, values in signs.costs.items()}
        said = cause if process is Process.PLATING else clause(process, cause, shows, costs)
        told = held_sentence(
            process, said, since, course.part, course.taken, course.seconds, c_rate, helps, little
        )
    else:
        instant, plates = _instant(charge, scenario, signs, least_potential)
        if plates:
            process, cause = Process.PLATING, signs.plating_cause(instant)
            passed = signs.potential.min() < (least_potential or 0.0) - NEAR_PLATING
            shows = "" if passed else NEAR
            since = float(share[instant]) if shows else share_taken(charge, least_potential)
        elif share[-1] >= TAKEN or charge.end is End.CHARGE_TARGET:
            process = Process.NONE
        else:
            process, shows, holds = signs.limiting(instant)
            cause = signs.cause(process, instant)
            since = float(share[_first_of_last(holds, instant)])
        costs = {name: float(values[instant]) for name, values in signs.costs.items()}
        said = clause(process, cause, shows, costs)
        told = sentence(process, said, since, end, onset, c_rate, helps, little)
    return Limit(
        process=process,
        cause=cause,
        since=since,
        end=end,
        plating_onset=onset,
        parts={name: float(values[instant]) for name, values in signs.parts.items()},
        helps=helps,
        little=little,
        gains=dict(gains or {}),
        sentence=told + saturation_words(charge),
        groups=groups,
    )


def _instant(
    charge: Charge, scenario: Scenario, signs: Signs, least_potential: float | None
) -> tuple[int, bool]:
    """The step that is judged, the first at a limit or else the last; whether plating is the limit."""
    if least_potential is not None:
        low = signs.potential <= least_potential + HELD
        if low.any():
            return int(np.argmax(low)), True
        lowest = int(np.argmin(signs.potential))
        if signs.potential[lowest] <= least_potential + NEAR_PLATING:
            return lowest, True
    if scenario.upper_voltage is not None:
        high = charge.observables[VOLTAGE] >= scenario.upper_voltage - AT_LIMIT
        if high.any():
            return int(np.argmax(high)), False
    return len(charge.charge) - 1, False


def _first_of_last(holds: Bool[np.ndarray, " steps"], instant: int) -> int:
    """First step of the unbroken run of truths that ends at an instant; that instant if it is false."""
    broken = np.flatnonzero(~holds[: instant + 1])
    return min(int(broken[-1]) + 1, instant) if broken.size else 0


def _check(charge: Charge, names: tuple[str, ...]) -> None:
    lacking = [name for name in names if name not in charge.observables]
    if lacking:
        raise InputError(
            "a charge must have recorded what its limit is read from", f"none of {lacking[0]}"
        )
    if not charge.charge.size:
        raise InputError(
            "a charge that gave nothing has no limit to name", charge.message or charge.end.label
        )
