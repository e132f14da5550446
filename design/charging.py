"""Charges simulated at given currents, side by side in processes of their own."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator

from electrograd.physics.cell import Cell
from electrograd.physics.charge import VOLTAGE
from electrograd.physics.p2d import P2D
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import nominal_capacity
from electrograd.sweeps.solver import Guarded

Asked = tuple[dict[str, float], float]
"""A design by name without its rate, and a current density [A.m-2]."""


@dataclass(frozen=True)
class SimulatedCurve:
    """A charge at one current, at the solver's own steps: charge passed [A.h.m-2] and voltage [V]."""

    charge: Float[np.ndarray, " steps"]
    voltage: Float[np.ndarray, " steps"]

    @cached_property
    def at(self) -> Any:
        """Voltage [V] at charges passed, between the steps."""
        rising = np.append(True, np.diff(self.charge) > 0)  # an event's step may have no length
        return PchipInterpolator(self.charge[rising], self.voltage[rising])


Simulate = Callable[[Sequence[Mapping[str, float]], Sequence[float]], list[list[SimulatedCurve | None]]]
"""Charges designs, by name and without a rate, at every current density [A.m-2]; None of failures."""


class CurveSimulator:
    """Charges designs at a current; arguments as for `P2D`."""

    def __init__(self, cell: Cell, scenario: Scenario, settings: SolverSettings) -> None:
        self._cell, self._model = cell, P2D(cell, scenario, settings, observables=(VOLTAGE,))

    def __call__(self, asked: Asked) -> SimulatedCurve | None:
        """Charge one design; None where the solver fails.

        Raises
        ------
        InputError
            For a design that cannot be built.
        """
        design, current = asked
        self._cell.check(design)
        parameters = self._cell.parameters(design)
        rate = current / float(nominal_capacity(self._cell, parameters))
        charge = self._model.charge(parameters, rate)
        if not charge.end.completed or len(charge.charge) < 2:
            return None
        return SimulatedCurve(charge.charge, charge.observables[VOLTAGE])


class CurveSimulators:
    """Charges many designs at many currents, on all cores; arguments as for `P2D`.

    Use it in a ``with`` statement, which ends its processes.

    Parameters
    ----------
    time_limit
        Seconds that one charge may take.
    """

    def __init__(
        self, cell: Cell, scenario: Scenario, settings: SolverSettings, time_limit: float
    ) -> None:
        usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        made = (cell, scenario, settings)
        self._all = [Guarded(CurveSimulator, made, time_limit) for _ in range(usable or 1)]

    def __enter__(self) -> "CurveSimulators":
        return self

    def __exit__(self, *error: object) -> None:
        for simulator in self._all:
            simulator.close()

    def __call__(
        self, designs: Sequence[Mapping[str, float]], currents: Sequence[float]
    ) -> list[list[SimulatedCurve | None]]:
        """Simulate every design at every current; None where a simulation fails, or hangs.

        Parameters
        ----------
        designs
            By name, without a rate.
        currents
            [A.m-2].
        """
        asked: list[Asked] = [(dict(design), float(i)) for design in designs for i in currents]
        parts = min(len(self._all), len(asked))
        found: list[SimulatedCurve | None] = [None] * len(asked)

        def some(k: int) -> None:
            for place, answer in zip(
                range(k, len(asked), parts), self._all[k](asked[k::parts]), strict=True
            ):
                found[place] = answer if isinstance(answer, SimulatedCurve) else None

        with ThreadPoolExecutor(parts) as threads:
            list(threads.map(some, range(parts)))
        width = len(currents)
        return [found[k : k + width] for k in range(0, len(asked), width)]
