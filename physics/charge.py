"""The record of one simulated charge: curves against charge passed, why it ended, figures of merit."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator

VOLTAGE = "Voltage [V]"
NEGATIVE_POTENTIAL = "Negative electrode surface potential difference at separator interface [V]"
NEGATIVE_AT_COLLECTOR = "Negative electrode surface potential difference at current collector [V]"
POSITIVE_POTENTIAL = "Positive electrode surface potential difference at separator interface [V]"
POSITIVE_AT_COLLECTOR = "Positive electrode surface potential difference at current collector [V]"
NEGATIVE_SURFACE = "Maximum negative particle surface stoichiometry"
POSITIVE_SURFACE = "Minimum positive particle surface stoichiometry"
ELECTROLYTE = "Minimum electrolyte concentration [mol.m-3]"
NEGATIVE_MEAN = "Mean negative electrode stoichiometry"
POSITIVE_MEAN = "Mean positive electrode stoichiometry"
CURRENT_DENSITY = "Charging current density [A.m-2]"
TEMPERATURE = "Volume-averaged cell temperature [K]"
TIME = "Time [s]"
NEGATIVE_SATURATED = "Saturated share of the negative electrode"
POSITIVE_SATURATED = "Saturated share of the positive electrode"
NEGATIVE_SATURATED_AT = "Mean depth of saturated negative surfaces"
POSITIVE_SATURATED_AT = "Mean depth of saturated positive surfaces"
SATURATION = {
    "negative": (NEGATIVE_SATURATED, NEGATIVE_SATURATED_AT),
    "positive": (POSITIVE_SATURATED, POSITIVE_SATURATED_AT),
}
"""By electrode: the share that is saturated, and where it is."""
SATURATED = 0.001
"""A particle surface is saturated within this stoichiometry of full or of empty."""

CHARGED_SHARE = 0.8
"""Share of the nominal capacity that a charge time is to."""

LOSSES: dict[str, str] = {
    "Battery open-circuit voltage [V]": "open-circuit voltage at the mean stoichiometries",
    "Battery particle concentration overpotential [V]": "diffusion in the particles",
    "X-averaged battery reaction overpotential [V]": "kinetics",
    "X-averaged battery concentration overpotential [V]": "concentration of the electrolyte",
    "X-averaged battery electrolyte ohmic losses [V]": "ohmic, electrolyte",
    "X-averaged battery solid phase ohmic losses [V]": "ohmic, solids",
}
"""Where the terminal voltage comes from: these sum to it. Signed as contributions to the voltage."""

OBSERVABLES: dict[str, str] = {
    VOLTAGE: "terminal voltage",
    NEGATIVE_POTENTIAL: "negative electrode against lithium at the separator's face",
    NEGATIVE_AT_COLLECTOR: "negative electrode against lithium at the current collector",
    POSITIVE_POTENTIAL: "positive electrode against lithium at the separator's face",
    POSITIVE_AT_COLLECTOR: "positive electrode against lithium at the current collector",
    NEGATIVE_SURFACE: "fullest particle surface in the negative electrode",
    POSITIVE_SURFACE: "emptiest particle surface in the positive electrode",
    NEGATIVE_MEAN: "mean over the negative electrode's active material",
    POSITIVE_MEAN: "mean over the positive electrode's active material",
    ELECTROLYTE: "least electrolyte concentration anywhere",
    CURRENT_DENSITY: "current per electrode area, positive in charge",
    TEMPERATURE: "mean temperature of the cell",
    TIME: "time since the start",
    NEGATIVE_SATURATED: "share of the negative electrode whose particle surfaces are full or empty",
    POSITIVE_SATURATED: "share of the positive electrode whose particle surfaces are full or empty",
    NEGATIVE_SATURATED_AT: "their mean distance from the separator, over the thickness; 0 without any",
    POSITIVE_SATURATED_AT: "their mean distance from the separator, over the thickness; 0 without any",
    **LOSSES,
}
"""What every simulation records along the charge."""

CURVES = (
    VOLTAGE,
    NEGATIVE_POTENTIAL,
    NEGATIVE_SURFACE,
    POSITIVE_SURFACE,
    ELECTROLYTE,
    CURRENT_DENSITY,
    TEMPERATURE,
    TIME,
)
"""What a sweep keeps: the rest would cost half of a solve again, or follows by counting charge."""


class End(IntEnum):
    """Why a simulation stopped.

    The numbers are stored on disk: never renumber. 3, 4, 12 and 13 were ends at a saturated surface,
    which is no end: the reaction moves on.
    """

    PENDING = 0
    VOLTAGE_CUT_OFF = 1
    CHARGE_TARGET = 2
    SOLVER_FAILURE = 5
    TIME_LIMIT = 6
    WORKER_DIED = 7
    CURRENT_CUT_OFF = 8
    ELECTROLYTE_DEPLETED = 9
    CHARGING_TIME_OVER = 10
    CANNOT_BE_BUILT = 11
    IMPOSSIBLE = 14

    @property
    def completed(self) -> bool:
        """Whether the simulation ran to an end that the physics or the scenario set."""
        return self not in (
            End.PENDING,
            End.SOLVER_FAILURE,
            End.TIME_LIMIT,
            End.WORKER_DIED,
            End.CANNOT_BE_BUILT,
            End.IMPOSSIBLE,
        )

    @property
    def label(self) -> str:
        """The reason in words."""
        return self.name.lower().replace("_", " ").replace("cut off", "cut-off")


COMPLETED = tuple(end for end in End if end.completed)
"""Ends that the physics or the scenario set."""


def told(ends: Mapping[str, int]) -> str:
    """Say in words how many ended in which way, and how many failed."""
    failures = {end.label for end in End if end is not End.PENDING and not end.completed}
    counts = [f"{count} {end}" for end, count in ends.items()]
    return ", ".join([*counts, f"{sum(ends.get(end, 0) for end in failures)} failed"])


@dataclass(frozen=True)
class Saturation:
    """Particle surfaces of one electrode that are full or empty during a charge or discharge.

    Attributes
    ----------
    side
        "negative" or "positive".
    charge, time
        Charge passed [A.h.m-2] and time [s] when the first surface was saturated.
    depth
        Mean distance of the first saturated surfaces from the separator, over the thickness.
    share
        Largest share of the electrode's depth that is saturated at once.
    """

    side: str
    charge: float
    time: float
    depth: float
    share: float


_NOTHING = 1e-3  # share of an electrode: less is the almost empty cells inside a channel
_HELD = 1e-6  # V: by so much the solver may leave a potential that is held at zero


@dataclass(frozen=True)
class Charge:
    """One simulated charge or discharge.

    Attributes
    ----------
    end, message
        Why it stopped, and the solver's own words.
    nominal
        Nominal areal capacity of the design [A.h.m-2].
    charge
        Charge passed at the solver's own steps [A.h.m-2]; empty where the solver failed at once. What a
        solver had found before it failed is kept.
    observables
        Values at those steps, by the names of `OBSERVABLES` or some of them.
    start
        Charge in the cell at the start [A.h.m-2].
    delivered
        Energy of the reference discharge of the same design, where that was asked for [W.h.m-2].
    """

    end: End
    message: str
    nominal: float
    charge: Float[np.ndarray, " steps"]
    observables: dict[str, Float[np.ndarray, " steps"]]
    start: float = 0.0
    delivered: float = float("nan")

    @property
    def accepted(self) -> float:
        """Charge passed up to the end [A.h.m-2]; NaN if the solver failed at once."""
        return float(self.charge[-1]) if self.charge.size else float("nan")

    @property
    def plating_margin(self) -> float:
        """Least negative electrode potential at the separator over the charge [V]."""
        return self._least(NEGATIVE_POTENTIAL)

    @property
    def plating_onset(self) -> float:
        """Share of the nominal capacity at which the potential at the separator first falls below zero.

        Infinite where it never does.
        """
        potential = self.observables[NEGATIVE_POTENTIAL]
        below = np.flatnonzero(potential < -_HELD)
        if not below.size:
            return float("inf")
        k = below[0]
        if k == 0:
            return self.start / self.nominal
        passed = np.interp(0.0, -potential[k - 1 : k + 1], self.charge[k - 1 : k + 1])
        return float(self.start + passed) / self.nominal

    @property
    def least_electrolyte(self) -> float:
        """Least electrolyte concentration over the charge [mol.m-3]."""
        return self._least(ELECTROLYTE)

    @property
    def saturations(self) -> tuple[Saturation, ...]:
        """Where, when and how far surfaces were saturated, of each electrode that has such surfaces."""
        found = []
        for side, (share, depth) in SATURATION.items():
            shares = self.observables[share]
            steps = np.flatnonzero(shares > _NOTHING)
            if steps.size:
                first = steps[0]
                found.append(
                    Saturation(
                        side=side,
                        charge=float(self.charge[first]),
                        time=float(self.observables[TIME][first]),
                        depth=float(self.observables[depth][first]),
                        share=float(shares.max()),
                    )
                )
        return tuple(found)

    @property
    def hottest(self) -> float:
        """Highest mean temperature over the charge [K]."""
        temperature = self.observables[TEMPERATURE]
        return float(temperature.max()) if temperature.size else float("nan")

    def _least(self, name: str) -> float:
        values = self.observables[name]
        return float(values.min()) if values.size else float("nan")

    @property
    def energy(self) -> float:
        """∫ V dq over the record [W.h.m-2]."""
        if self._distinct()[0].size < 2:
            return 0.0
        curve = self._curve(self.observables[VOLTAGE])
        return float(curve.integrate(0.0, self.accepted))

    def time_to(self, share: float) -> float:
        """Time at which ``share`` of the nominal capacity is in [s]; infinite if it never is."""
        charge, distinct = self._distinct()
        wanted = share * self.nominal - self.start
        if wanted <= 0:
            return 0.0
        if charge.size < 2 or wanted > charge[-1] * (1 + 1e-9):
            return float("inf")
        times = self.observables[TIME][distinct]
        return float(PchipInterpolator(charge, times)(min(wanted, charge[-1])))

    def _distinct(self) -> tuple[np.ndarray, np.ndarray]:
        """Charge that ascends strictly, and which steps it is of: a change of stage repeats one."""
        later = np.diff(self.charge, prepend=-np.inf) > 1e-12 * self.nominal
        return self.charge[later], later

    def _curve(self, values: Float[np.ndarray, "*curves steps"]) -> PchipInterpolator:
        charge, distinct = self._distinct()
        return PchipInterpolator(charge, values[..., distinct], axis=-1)

    def on_grid(
        self, places: int | Float[np.ndarray, " points"], names: tuple[str, ...] = CURVES
    ) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, "observables points"]]:
        """Curves at points of charge passed, from 0 to this record's own end.

        ``places`` are parts of the accepted charge, or how many even ones there are to be. Monotone
        cubic interpolation between the solver's steps, good to below a microvolt.

        Returns
        -------
        charge, curves
            Charge [A.h.m-2] and the observables in the order of ``names``; NaN where the solver failed
            at once.
        """
        places = np.linspace(0.0, 1.0, places) if isinstance(places, int) else places
        points = len(places)
        if self.charge.size == 0:
            return np.full(points, np.nan), np.full((len(names), points), np.nan)
        values = np.stack([self.observables[name] for name in names])
        if self._distinct()[0].size == 1:  # an end at the first instant
            return np.zeros(points), np.repeat(values[:, :1], points, axis=1)
        grid = self.accepted * places
        return grid, self._curve(values)(grid)


def nothing(nominal: float, end: End, message: str) -> Charge:
    """Return the record of a charge of which there is none, of a design of this capacity [A.h.m-2]."""
    return Charge(end, message, nominal, np.empty(0), dict.fromkeys(OBSERVABLES, np.empty(0)))
