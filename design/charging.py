"""Charges simulated at given currents, side by side in processes of their own."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from electrograd.physics.cell import Cell
from electrograd.physics.charge import VOLTAGE
from electrograd.physics.p2d import P2D
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import nominal_capacity
from electrograd.sweeps.solver import Guarded


@dataclass(frozen=True)
class SimulatedCurve:
    """A charge at one current, at the solver's own steps: charge passed [A.h.m-2] and voltage [V]."""

    charge: Float[np.ndarray, " steps"]
    voltage: Float[np.ndarray, " steps"]


Asked = tuple[dict[str, float], float]
"""A design by name without its rate, and a current density [A.m-2]."""


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


def simulate_curves(
    cell: Cell,
    scenario: Scenario,
    settings: SolverSettings,
    designs: Sequence[Mapping[str, float]],
    currents: Sequence[float],
    time_limit: float,
) -> list[list[SimulatedCurve | None]]:
    """Simulate every design at every current; None where a simulation fails, or hangs.

    Parameters
    ----------
    designs
        By name, without a rate.
    currents
        [A.m-2].
    time_limit
        Seconds that one charge may take.
    """
    asked: list[Asked] = [(dict(design), float(i)) for design in designs for i in currents]
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parts = max(1, min(usable, len(asked) // 8))

    def some(k: int) -> list[SimulatedCurve | None]:
        guarded = Guarded(CurveSimulator, (cell, scenario, settings), time_limit)
        try:
            answers = list(guarded(asked[k::parts]))
        finally:
            guarded.close()
        return [answer if isinstance(answer, SimulatedCurve) else None for answer in answers]

    with ThreadPoolExecutor(parts) as threads:
        found: list[SimulatedCurve | None] = [None] * len(asked)
        for k, answers in enumerate(threads.map(some, range(parts))):
            found[k::parts] = answers
    width = len(currents)
    return [found[k : k + width] for k in range(0, len(asked), width)]
