"""The record of one simulated charge: curves against charge passed, why it ended, figures of merit."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator

VOLTAGE = "Voltage [V]"
NEGATIVE_POTENTIAL = "Negative electrode surface potential difference at separator interface [V]"
NEGATIVE_SURFACE = "Maximum negative particle surface stoichiometry"
POSITIVE_SURFACE = "Minimum positive particle surface stoichiometry"
ELECTROLYTE = "Minimum electrolyte concentration [mol.m-3]"

OBSERVABLES: dict[str, str] = {
    VOLTAGE: "terminal voltage",
    NEGATIVE_POTENTIAL: "negative electrode against lithium at the separator's face",
    NEGATIVE_SURFACE: "fullest particle surface in the negative electrode",
    POSITIVE_SURFACE: "emptiest particle surface in the positive electrode",
    ELECTROLYTE: "least electrolyte concentration anywhere",
}
"""What every simulation records along the charge."""


class End(IntEnum):
    """Why a simulation stopped. The numbers are stored on disk: never renumber."""

    PENDING = 0
    VOLTAGE_CUT_OFF = 1
    CHARGE_TARGET = 2
    NEGATIVE_SURFACE_FULL = 3
    POSITIVE_SURFACE_EMPTY = 4
    SOLVER_FAILURE = 5
    TIME_LIMIT = 6
    WORKER_DIED = 7

    @property
    def completed(self) -> bool:
        """Whether the simulation ran to an end that the physics or the scenario set."""
        return End.VOLTAGE_CUT_OFF <= self <= End.POSITIVE_SURFACE_EMPTY

    @property
    def label(self) -> str:
        """The reason in words."""
        return self.name.lower().replace("_", " ").replace("cut off", "cut-off")


def told(ends: Mapping[str, int]) -> str:
    """Say in words how many ended in which way, and how many failed."""
    failures = {end.label for end in End if end is not End.PENDING and not end.completed}
    counts = [f"{count} {end}" for end, count in ends.items()]
    return ", ".join([*counts, f"{sum(ends.get(end, 0) for end in failures)} failed"])


@dataclass(frozen=True)
class Charge:
    """One simulated constant-current charge or discharge.

    Attributes
    ----------
    end, message
        Why it stopped, and the solver's own words.
    nominal
        Nominal areal capacity of the design [A.h.m-2].
    charge
        Charge passed at the solver's own steps [A.h.m-2]; empty where the solver failed at once.
    observables
        Values at those steps by the names of `OBSERVABLES`.
    """

    end: End
    message: str
    nominal: float
    charge: Float[np.ndarray, " steps"]
    observables: dict[str, Float[np.ndarray, " steps"]]

    @property
    def accepted(self) -> float:
        """Charge passed up to the end [A.h.m-2]; NaN if the solver failed at once."""
        return float(self.charge[-1]) if self.charge.size else float("nan")

    @property
    def plating_margin(self) -> float:
        """Least negative electrode potential at the separator over the charge [V]."""
        potential = self.observables[NEGATIVE_POTENTIAL]
        return float(potential.min()) if potential.size else float("nan")

    @property
    def least_electrolyte(self) -> float:
        """Least electrolyte concentration over the charge [mol.m-3]."""
        concentration = self.observables[ELECTROLYTE]
        return float(concentration.min()) if concentration.size else float("nan")

    @property
    def energy(self) -> float:
        """∫ V dq over the record [W.h.m-2]."""
        curve = PchipInterpolator(self.charge, self.observables[VOLTAGE])
        return float(curve.integrate(0.0, self.accepted))

    def on_grid(
        self, points: int
    ) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, "observables points"]]:
        """Curves on even points of charge passed, from 0 to this record's own end.

        Monotone cubic interpolation between the solver's steps, good to below a microvolt.

        Returns
        -------
        charge, curves
            Charge [A.h.m-2] and the observables in the order of `OBSERVABLES`; NaN where the solver
            failed at once.
        """
        if self.charge.size == 1:  # an end at the first instant
            values = np.array([self.observables[name][0] for name in OBSERVABLES])
            return np.zeros(points), np.repeat(values[:, None], points, axis=1)
        if self.charge.size == 0:
            return np.full(points, np.nan), np.full((len(OBSERVABLES), points), np.nan)
        grid = np.linspace(0.0, self.accepted, points)
        curves = [PchipInterpolator(self.charge, self.observables[k])(grid) for k in OBSERVABLES]
        return grid, np.stack(curves)
