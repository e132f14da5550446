"""Find the best design by the surrogate's gradients, from many starts.

The box is screened with one batch of Sobol designs; the best of them, and some spread ones, start
SciPy's SLSQP, which meets the limits exactly with the gradients of JAX. Variables are scaled to the
unit box and never leave it. The search runs in double precision, single-precision weights and all:
rounding would stop SLSQP short of a limit.
"""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import Bounds, minimize
from scipy.stats import qmc

from electrograd.design.prices import Prices, prices
from electrograd.design.problem import Goal, Limit, Predictor
from electrograd.surrogates.objective import PointFigures

Progress = Callable[[int, int], None]
"""Called with starts done and starts in all."""

SCREENED = 4096
_TOLERANCE = 1e-4  # of a figure's spread over the box: within single precision, far within its error


@dataclass(frozen=True)
class Optimum:
    """The best design the surrogate knows.

    Attributes
    ----------
    design
        Values by name, SI units.
    figures
        Predicted figures of merit.
    feasible
        Whether the surrogate holds the limits, their reserves included, to be met.
    starts, agreeing
        How many starts there were, and how many ended at the same objective to 0.1 % of its spread.
    prices
        What it leans on: limits with their reserves, and bounds of the box.
    """

    design: dict[str, float]
    figures: dict[str, float]
    feasible: bool
    starts: int
    agreeing: int
    prices: Prices


class Optimiser:
    """A compiled design problem; solve it as often as reserves change, without compiling again.

    `toward` gives the same surrogate another goal, without compiling again either.
    """

    def __init__(self, surrogate: Predictor, goal: Goal, starts: int, seed: int) -> None:
        self.surrogate, self.starts = surrogate, starts
        self._at = PointFigures(surrogate)
        space = surrogate.space
        self._lower = np.asarray(space.lower)
        self._width = np.asarray(space.upper) - self._lower
        sampler = qmc.Sobol(len(space), rng=np.random.default_rng(seed))
        self._unit = sampler.random_base2(SCREENED.bit_length() - 1)
        self._screened = surrogate.predict(self._lower + self._unit * self._width)
        self._aim(goal)

    def toward(self, goal: Goal) -> "Optimiser":
        """Return an optimiser of another goal on the same surrogate, from the same starts."""
        other = copy.copy(self)
        other._aim(goal)
        return other

    def _aim(self, goal: Goal) -> None:
        self.goal = goal
        self._rows = [self._at.row(figure) for figure in self._names]
        self._scales = [self._spread(figure) for figure in self._names]
        signs = [-goal.sign, *(limit.sign for limit in goal.limits)]
        self._factors = np.array(signs) / np.array(self._scales)
        self._offsets = np.array([0.0, *(limit.value for limit in goal.limits)])

    @property
    def _names(self) -> list[str]:
        return [self.goal.figure, *(limit.figure for limit in self.goal.limits)]

    def _spread(self, figure: str) -> float:
        return float(np.std(self._screened[figure])) or 1.0

    def _outputs(self, unit: np.ndarray) -> Float[np.ndarray, " outputs"]:
        """Objective (less is better) and slacks without reserve, each over its spread."""
        return self._factors * (self._at(unit)[0][self._rows] - self._offsets)

    def _slopes(self, unit: np.ndarray) -> Float[np.ndarray, "outputs variables"]:
        return self._factors[:, None] * self._at(unit)[1][self._rows]

    def violation(self, figures: Mapping[str, float]) -> float:
        """How far limits are broken, each over its figure's spread in the box; NaN is infinitely far."""
        slacks = [
            limit.slack(figures) / scale
            for limit, scale in zip(self.goal.limits, self._scales[1:], strict=True)
        ]
        return sum((max(-slack, 0.0) if math.isfinite(slack) else math.inf for slack in slacks), 0.0)

    def solve(
        self,
        reserves: Mapping[Limit, float],
        near: Mapping[str, float] | None = None,
        progress: Progress = lambda done, total: None,
    ) -> Optimum:
        """Optimise with each limit met by at least its reserve.

        Parameters
        ----------
        reserves
            By limit, in the unit of its figure: how far on the safe side to stay.
        near
            A design to start from, alone; by default the search starts all over the box.
        """
        limits = self.goal.limits
        reserve = np.array(
            [
                reserves.get(limit, 0.0) / scale
                for limit, scale in zip(limits, self._scales[1:], strict=True)
            ]
        )

        def outputs(unit: np.ndarray) -> np.ndarray:
            return self._outputs(unit) - np.array([0.0, *reserve])

        constraints = {
            "type": "ineq",
            "fun": lambda u: outputs(u)[1:],
            "jac": lambda u: self._slopes(u)[1:],
        }
        found = []
        starts = self._starting_points(reserve) if near is None else self._to_unit(near)[None]
        for k, start in enumerate(starts):
            progress(k, len(starts))
            result = minimize(
                lambda u: outputs(u)[0],
                start,
                jac=lambda u: self._slopes(u)[0],
                bounds=Bounds(0.0, 1.0, keep_feasible=True),
                constraints=[constraints] if limits else [],
                method="SLSQP",
                options={"maxiter": 60, "ftol": 1e-6},
            )
            unit = np.clip(result.x, 0.0, 1.0)
            scaled = outputs(unit)
            broken = float(np.sum(np.maximum(-scaled[1:] - _TOLERANCE, 0.0)))
            found.append((broken, float(scaled[0]), unit))
        progress(len(starts), len(starts))
        broken, objective, unit = min(found, key=lambda item: item[:2])
        names, slopes = self.surrogate.space.names, self._slopes(unit)
        design = dict(zip(names, map(float, self._lower + unit * self._width), strict=True))
        return Optimum(
            design=design,
            figures=self.surrogate.predict_one(design),
            feasible=broken == 0.0,
            starts=len(starts),
            agreeing=sum(b == broken and abs(o - objective) < 1e-3 for b, o, _ in found),
            prices=prices(
                unit, slopes, outputs(unit)[1:], limits, names, np.array(self._scales), self._width
            ),
        )

    def _to_unit(self, design: Mapping[str, float]) -> np.ndarray:
        values = np.array([design[name] for name in self.surrogate.space.names])
        return np.clip((values - self._lower) / self._width, 0.0, 1.0)

    def _starting_points(self, reserve: np.ndarray) -> np.ndarray:
        """Half of the starts from the screening's best, half spread over the box."""
        objective = -self.goal.sign * self._screened[self.goal.figure] / self._scales[0]
        slacks = [
            limit.slack(self._screened) / scale - r
            for limit, scale, r in zip(self.goal.limits, self._scales[1:], reserve, strict=True)
        ]
        broken = sum((np.maximum(-slack, 0.0) for slack in slacks), np.zeros_like(objective))
        best = np.lexsort((objective, broken))[: self.starts - self.starts // 2]
        return self._unit[np.concatenate([best, np.arange(self.starts // 2)])]
