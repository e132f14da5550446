"""The two design problems that PyBOP and other optimisers are given, stated in PyBaMM alone.

It is imported where PyBOP is installed, so nothing here is of electrograd: the closure, the C-rate and
the stack's mass are written out again, and agree with `electrograd.physics` (cell, stack). Both are of
the LG M50 cell (`Chen2020`) and PyBaMM's plain DFN:

- *discharge*: the most energy per stack mass of a 3C discharge, by the positive electrode's thickness
  and porosity;
- *fast_charge*: the study of that name, with its four variables and two limits at 1C.

A model is built once; whatever a design changes is an expression of inputs.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")

import numpy as np
import pybamm

N_P_RATIO = "N/P ratio"
THICKNESS = {side: f"{side} electrode thickness [m]" for side in ("Negative", "Positive")}
POROSITY = {side: f"{side} electrode porosity" for side in THICKNESS}
ACTIVE = {side: f"{side} electrode active material volume fraction" for side in THICKNESS}
MOST = {side: f"Maximum concentration in {side.lower()} electrode [mol.m-3]" for side in THICKNESS}
SPECIFIC_ENERGY = "Gravimetric energy density [W.h.kg-1]"
"""Of the discharge; PyBOP's name of it."""
THEORETICAL = "Theoretical specific energy [W.h.kg-1]"
ACCEPTED_SHARE = "Accepted share of nominal capacity"
PLATING_MARGIN = "Plating margin [V]"
NEGATIVE_POTENTIAL = "Negative electrode surface potential difference at separator interface [V]"

FARADAY = 96485.33212
ELECTROLYTE_DENSITY = 1200.0
WINDOW = {"Negative": (0.03, 0.90), "Positive": (0.90, 0.27)}
"""Stoichiometries of the empty and of the full cell."""
SURFACE = (0.001, 0.999)
"""Surface stoichiometries at which a particle counts as empty, and as full."""
LOWER, UPPER = 2.5, 4.2
"""Cut-off voltages."""
POINTS = 20
"""Control volumes in each electrode, the separator and each particle."""
RTOL, ATOL = 1e-6, 1e-8
"""PyBOP's own choice is 1e-6 for both, but then the energy of a discharge that depletes the electrolyte
scatters by up to 0.2 %: more than what is left to be found."""
NODES = 200
"""Of the quadrature of the open-circuit voltage."""

Design = Mapping[str, Any]
"""A value by the name of each variable: a number, or an expression of PyBaMM's."""


@dataclass(frozen=True)
class Problem:
    """What may be varied, what is simulated, and what is wanted.

    Attributes
    ----------
    name
        As on the command line.
    bounds
        Of each variable: (lower, upper).
    rate
        C-rate over the design's own nominal capacity; a discharge's is positive, as in PyBaMM.
    seconds
        After which the simulation ends if no event ended it.
    every
        Seconds between the points in time that are kept; the end is kept besides.
    outputs
        PyBaMM's variables that the figures are read from.
    goal
        The figure to be maximised.
    least
        The least value of each limited figure.
    prices
        What a unit of shortfall of each limited figure costs an optimiser that takes no limits.
    """

    name: str
    bounds: Mapping[str, tuple[float, float]]
    rate: float
    seconds: float
    every: float
    outputs: tuple[str, ...]
    goal: str
    least: Mapping[str, float]
    prices: Mapping[str, float]

    @property
    def discharging(self) -> bool:
        """Whether the cell is discharged from full, or charged from empty."""
        return self.rate > 0

    @property
    def times(self) -> np.ndarray:
        """The points in time that are kept."""
        return np.linspace(0.0, self.seconds, round(self.seconds / self.every) + 1)

    @cached_property
    def published(self) -> Any:
        """PyBaMM's own values of the set."""
        return pybamm.ParameterValues("Chen2020")

    @cached_property
    def area(self) -> float:
        """Area of the electrodes [m2]."""
        return float(self.published["Electrode height [m]"] * self.published["Electrode width [m]"])

    def complete(self, design: Design) -> dict[str, Any]:
        """Complete a design to both electrodes: pores and active material close to 1."""
        known = {
            name: float(self.published[name]) for s in THICKNESS for name in (THICKNESS[s], POROSITY[s])
        }
        known.update({name: value for name, value in design.items() if name != N_P_RATIO})
        known.update({ACTIVE[side]: 1 - known[POROSITY[side]] for side in THICKNESS})
        if N_P_RATIO in design:
            positive, per_metre = self._usable("Positive", known), self._usable("Negative", known, 1.0)
            known[THICKNESS["Negative"]] = design[N_P_RATIO] * positive / per_metre
        return known

    def _full(self, side: str, known: Mapping[str, Any], thickness: Any = None) -> Any:
        """Areal capacity of an electrode from stoichiometry 0 to 1 [A.h.m-2]."""
        metres = known[THICKNESS[side]] if thickness is None else thickness
        return FARADAY * metres * known[ACTIVE[side]] * float(self.published[MOST[side]]) / 3600

    def _usable(self, side: str, known: Mapping[str, Any], thickness: Any = None) -> Any:
        empty, full = WINDOW[side]
        return self._full(side, known, thickness) * abs(full - empty)

    def nominal_capacity(self, known: Mapping[str, Any]) -> Any:
        """The smaller electrode's usable capacity [A.h.m-2] of a completed design."""
        negative, positive = (self._usable(side, known) for side in THICKNESS)
        if isinstance(negative, pybamm.Symbol) or isinstance(positive, pybamm.Symbol):
            return pybamm.minimum(negative, positive)
        return min(negative, positive)

    def mass(self, known: Mapping[str, Any]) -> Any:
        """Mass of the stack per area [kg.m-2] of a completed design."""
        total = self.published["Separator thickness [m]"] * (
            self.published["Separator density [kg.m-3]"]
            + self.published["Separator porosity"] * ELECTROLYTE_DENSITY
        )
        for side in THICKNESS:
            collector = f"{side} current collector"
            total += (
                self.published[f"{collector} thickness [m]"]
                * self.published[f"{collector} density [kg.m-3]"]
                / 2
            )
            solids = self.published[f"{side} electrode density [kg.m-3]"] / (
                1 - self.published[POROSITY[side]]
            )
            pores = known[POROSITY[side]]
            total += known[THICKNESS[side]] * ((1 - pores) * solids + pores * ELECTROLYTE_DENSITY)
        return total

    def stoichiometries(self, known: Mapping[str, Any], charge: Any) -> dict[str, Any]:
        """Mean stoichiometry of each electrode after ``charge`` [A.h.m-2] from empty."""
        sign = {"Negative": 1, "Positive": -1}
        return {s: WINDOW[s][0] + sign[s] * charge / self._full(s, known) for s in THICKNESS}

    def parameter_values(self, variables: Mapping[str, Any]) -> Any:
        """Return PyBaMM's parameter set of the problem.

        Parameters
        ----------
        variables
            What stands for each variable in the set: ``"[input]"``, or an optimiser's own object.
        """
        design = {name: pybamm.Parameter(name) for name in self.bounds}
        known = self.complete(design)
        nominal = self.nominal_capacity(known)
        start = self.stoichiometries(known, nominal if self.discharging else 0.0)
        values = self.published.copy()
        values.update({name: value for name, value in known.items() if name not in design})
        values.update(
            {
                **variables,
                "Current function [A]": self.rate * self.area * nominal,
                "Cell mass [kg]": self.area * self.mass(known),
                **{
                    f"Initial concentration in {side.lower()} electrode [mol.m-3]": start[side]
                    * pybamm.Parameter(MOST[side])
                    for side in THICKNESS
                },
            },
            check_already_exists=False,
        )
        return values

    def model(self) -> Any:
        """Return PyBaMM's DFN with the events that end this simulation."""
        model = pybamm.lithium_ion.DFN()
        known = model.variables
        voltage, (least, most) = known["Voltage [V]"], SURFACE
        surface = {
            f"{m} {s}": known[f"{m} {s} particle surface stoichiometry"]
            for m in ("Minimum", "Maximum")
            for s in ("negative", "positive")
        }
        # PyBOP takes events with a unit in their names for those of an experiment, and drops them.
        ends = (
            {
                "Voltage at its lower limit": voltage - LOWER,
                "Negative surface empty": surface["Minimum negative"] - least,
                "Positive surface full": most - surface["Maximum positive"],
            }
            if self.discharging
            else {
                "Voltage at its upper limit": UPPER - voltage,
                "Negative surface full": most - surface["Maximum negative"],
                "Positive surface empty": surface["Minimum positive"] - least,
            }
        )
        model.events = [pybamm.Event(name, margin) for name, margin in ends.items()]
        known[ACCEPTED_SHARE] = pybamm.t * abs(self.rate) / 3600
        # As PyBOP's `add_variable_to_model` has it.
        known[SPECIFIC_ENERGY] = pybamm.ExplicitTimeIntegral(
            voltage * known["Current [A]"] / (3600 * pybamm.Parameter("Cell mass [kg]")),
            initial_condition=0.0,
        )
        return model

    def figures(self, solution: Any, design: Mapping[str, float]) -> dict[str, float]:
        """Figures of merit of a design, read from its simulation."""
        if self.discharging:
            return {SPECIFIC_ENERGY: float(solution[SPECIFIC_ENERGY].data[-1])}
        return {
            THEORETICAL: self.theoretical_energy(design),
            ACCEPTED_SHARE: float(solution[ACCEPTED_SHARE].data[-1]),
            PLATING_MARGIN: float(solution[NEGATIVE_POTENTIAL].data.min()),
        }

    def failed(self, design: Mapping[str, float]) -> dict[str, float]:
        """Figures of a design that could not be simulated: bad, and finite."""
        if self.discharging:
            return {SPECIFIC_ENERGY: 0.0}
        return {THEORETICAL: self.theoretical_energy(design), ACCEPTED_SHARE: 0.0, PLATING_MARGIN: -0.2}

    def theoretical_energy(self, design: Mapping[str, float]) -> float:
        """Open-circuit voltage over the window, per stack mass [W.h.kg-1]."""
        known = self.complete(design)
        nominal = self.nominal_capacity(known)
        places, weights = self._quadrature
        at = self.stoichiometries(known, nominal * places)
        potential = {s: self._potentials[s].evaluate(y=at[s]).ravel() for s in THICKNESS}
        voltage = weights @ (potential["Positive"] - potential["Negative"])
        return float(nominal * voltage / self.mass(known))

    @cached_property
    def _quadrature(self) -> tuple[np.ndarray, np.ndarray]:
        """Places in (0, 1), and their weights."""
        places, weights = np.polynomial.legendre.leggauss(NODES)
        return (1 + places) / 2, weights / 2

    @cached_property
    def _potentials(self) -> dict[str, Any]:
        """Open-circuit potentials, as expressions of as many stoichiometries."""
        stoichiometry, known = pybamm.StateVector(slice(0, NODES)), pybamm.LithiumIonParameters()
        sides = {"Negative": known.n, "Positive": known.p}
        return {
            side: self.published.process_symbol(half.prim.U(stoichiometry, known.T_ref))
            for side, half in sides.items()
        }

    def held(self, figures: Mapping[str, float]) -> bool:
        """Whether every limit is met."""
        return all(figures[name] >= least for name, least in self.least.items())

    def shortfall(self, figures: Mapping[str, float]) -> float:
        """What the shortfalls of the limited figures cost."""
        return sum(
            self.prices[name] * max(0.0, least - figures[name]) for name, least in self.least.items()
        )

    def merit(self, figures: Mapping[str, float]) -> float:
        """What an optimiser without limits maximises: the goal less what shortfalls cost."""
        return figures[self.goal] - self.shortfall(figures)


PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem(
            name="discharge",
            bounds={THICKNESS["Positive"]: (50e-6, 120e-6), POROSITY["Positive"]: (0.30, 0.70)},
            rate=3.0,
            seconds=1200.0,
            every=2.0,
            outputs=(SPECIFIC_ENERGY,),
            goal=SPECIFIC_ENERGY,
            least={},
            prices={},
        ),
        Problem(
            name="fast_charge",
            bounds={
                N_P_RATIO: (1.05, 1.30),
                THICKNESS["Positive"]: (40e-6, 100e-6),
                POROSITY["Negative"]: (0.20, 0.50),
                POROSITY["Positive"]: (0.20, 0.50),
            },
            rate=-1.0,
            seconds=1.1 * 3600,
            every=10.0,
            outputs=(ACCEPTED_SHARE, NEGATIVE_POTENTIAL),
            goal=THEORETICAL,
            least={ACCEPTED_SHARE: 0.72, PLATING_MARGIN: 0.0},
            prices={ACCEPTED_SHARE: 1e3, PLATING_MARGIN: 2e3},
        ),
    )
}
