"""What an optimum leans on, and what each of it costs: the multipliers of its limits and bounds.

At an optimum the goal's slope is a sum of the slopes of the limits and bounds it leans on, none of them
negative (Karush, Kuhn and Tucker; Nocedal and Wright, Numerical Optimization, 2nd ed., §12.3). A
multiplier is a price: what the goal would gain, per unit, if that limit or bound gave way a little.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import nnls

from electrograd.design.problem import Limit

CLOSE = 1e-3
"""Nearer than this share of its range, or of its figure's spread, a bound or a limit is leaned on."""
_NOTHING = 1e-6  # a multiplier below this, where the goal's slope is of order one, is rounding


@dataclass(frozen=True)
class Prices:
    """What holds an optimum back.

    Attributes
    ----------
    limits
        By limit that is leaned on: what the goal's figure would gain, in its own unit, for each SI unit
        by which the limit is relaxed.
    bounds
        By variable on its bound: the same, for each SI unit by which the bound is moved outward.
    unexplained
        Share of the goal's slope that neither explains: near 0 at an optimum, 1 where nothing is leaned
        on and the goal could still rise.
    """

    limits: Mapping[Limit, float]
    bounds: Mapping[str, float]
    unexplained: float

    @property
    def interior(self) -> bool:
        """Whether no bound of the box holds the optimum back: a wider box holds no better one nearby."""
        return not self.bounds


def prices(
    unit: Float[np.ndarray, " variables"],
    slopes: Float[np.ndarray, "outputs variables"],
    slacks: Float[np.ndarray, " limits"],
    limits: tuple[Limit, ...],
    names: tuple[str, ...],
    scales: Float[np.ndarray, " outputs"],
    widths: Float[np.ndarray, " variables"],
) -> Prices:
    """Multipliers at a point of the unit box, by non-negative least squares.

    Parameters
    ----------
    unit
        The point.
    slopes
        Of the objective (less is better), then of the limits' slacks, each over its scale.
    slacks
        Of the limits there, over their scales.
    limits, names
        What the slacks and the variables are.
    scales
        Of the goal's figure and of the limits', in their units.
    widths
        Of the box, SI units.
    """
    leaned = np.flatnonzero(slacks < CLOSE)
    low, high = np.flatnonzero(unit < CLOSE), np.flatnonzero(unit > 1 - CLOSE)
    outward = np.eye(len(unit))
    columns = np.concatenate([slopes[1 + leaned], outward[low], -outward[high]])
    goal = slopes[0]
    size = max(float(np.linalg.norm(goal)), np.finfo(float).tiny)
    if len(columns):
        multipliers, left = nnls(columns.T / size, goal / size)
    else:
        multipliers, left = np.empty(0), 1.0
    multipliers *= multipliers > _NOTHING
    of_limits, of_bounds = np.split(multipliers * scales[0], [len(leaned)])
    on_bounds = np.concatenate([low, high])
    return Prices(
        limits={
            limits[k]: float(m / scales[1 + k]) for k, m in zip(leaned, of_limits, strict=True) if m > 0
        },
        bounds={
            names[k]: float(m / widths[k]) for k, m in zip(on_bounds, of_bounds, strict=True) if m > 0
        },
        unexplained=float(left),
    )
