"""The trade-off between two figures of merit: a front of designs, each verified by simulation.

One end is the best design for the goal, the other the best for the second figure within the same limits.
Between them the second figure is held to levels, and the goal is sought anew at each (the constraint
method: Haimes, Lasdon and Wismer, IEEE Trans. Syst. Man Cybern. 1 (1971) 296), which finds fronts of any
shape.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from electrograd.design.optimise import Progress
from electrograd.design.problem import Goal, Limit
from electrograd.design.verify import Outcome
from electrograd.physics.errors import InputError

LEAST_POINTS = 2
_SHORT = 0.02  # of a step between levels
_SAME = 2e-3  # of the front's range in each figure


@dataclass(frozen=True)
class Front:
    """Designs of which none beats another in both figures, from the goal's best to the other's.

    Attributes
    ----------
    goal, other
        What was wanted, and what against.
    points
        What was found at each level, by simulation: feasible, and beaten by none.
    """

    goal: Goal
    other: Goal
    points: tuple[Outcome, ...]

    def values(self) -> np.ndarray:
        """Simulated values of both figures, of shape (points, 2)."""
        names = (self.goal.figure, self.other.figure)
        return np.array([[p.winner.simulated.figures[name] for name in names] for p in self.points])


Find = Callable[[Goal], Outcome]
"""Finds the best verified design of a goal; see `verify.find_verified` and `refine.Refiner.best`."""


def trace_front(
    find: Find,
    goal: Goal,
    against: str,
    sense: Literal["maximise", "minimise"],
    points: int,
    between: tuple[float, float] | None = None,
    progress: Progress = lambda done, total: None,
) -> Front:
    """Trace the front of a goal against a second figure.

    Parameters
    ----------
    goal
        Its limits hold all along the front; those on the second figure give way to ``between``.
    against, sense
        The second figure, and what is wanted of it.
    points
        Levels at which a design is sought, both ends among them.
    between
        The range of levels; from the goal's own best to the second figure's where it is not stated.
    progress
        Told of levels done, and of all.

    Raises
    ------
    InputError
        For fewer than two points, a second figure that is the goal's or is not predicted, or where no
        design meets the limits at an end that is not stated.
    """
    if points < LEAST_POINTS:
        raise InputError("a front has two points at the least", points, LEAST_POINTS)
    if against == goal.figure:
        raise InputError("a front needs a second figure beside the goal's", against)
    if between:
        goal = replace(goal, limits=tuple(limit for limit in goal.limits if limit.figure != against))
    other = Goal(against, sense, goal.limits)
    found: list[Outcome] = []
    total = points if between else points + 1
    if between is None:
        ends: list[Outcome] = []
        for aim in (goal, other):
            progress(len(ends), total)
            ends.append(find(aim))
        found, levels = ends[:1], _levels(ends, against, points)[1:]
    else:
        low, high = sorted(between)
        levels = np.linspace(high, low, points)[:: 1 if sense == "minimise" else -1]
    held: Literal["at least", "at most"] = "at least" if sense == "maximise" else "at most"
    for k, level in enumerate(levels):
        progress(total - len(levels) + k, total)
        limit = Limit(against, held, float(level))
        found.append(find(replace(goal, limits=(*goal.limits, limit))))
    progress(total, total)
    feasible = [outcome for outcome in found if outcome.feasible]
    values = np.array(
        [
            [aim.sign * outcome.winner.simulated.figures[aim.figure] for aim in (goal, other)]
            for outcome in feasible
        ]
    ).reshape(-1, 2)
    kept = distinct(values, sorted(unbeaten(values), key=lambda k: -values[k, 0]))
    return Front(goal, other, tuple(feasible[k] for k in kept))


def _levels(ends: list[Outcome], against: str, points: int) -> np.ndarray:
    """Levels of the second figure from the goal's best to its own."""
    near, far = (end.winner.simulated.figures[against] for end in ends)
    if not all(end.feasible for end in ends) or not (math.isfinite(near) and math.isfinite(far)):
        raise InputError(
            "both ends of a front must meet the goal's limits, at finite figures",
            f"{against}: {near:g} where the goal is best, {far:g} where it is best itself",
            "limits that can be met, or 'between', the range of levels",
        )
    levels = np.linspace(near, far, points)
    # At the far end many designs may be as good; the goal's best of them is found a little short of it.
    levels[-1] -= _SHORT * (levels[-1] - levels[-2])
    return levels


def distinct(values: np.ndarray, rows: list[int]) -> list[int]:
    """Rows without those as good as one before: levels beyond a front's end all find its end."""
    wide = np.ptp(values[rows], axis=0) if rows else np.ones(2)
    kept: list[int] = []
    for row in rows:
        apart = (np.abs(values[row] - values[other]) > _SAME * wide for other in kept)
        if all(map(np.any, apart)):
            kept.append(row)
    return kept


def unbeaten(values: np.ndarray) -> list[int]:
    """Rows of values, more being better, that no other row beats in all; of equal ones the first."""
    kept = []
    for k, row in enumerate(values):
        as_good = np.all(values >= row, axis=1)
        better = as_good & np.any(values > row, axis=1)
        same_before = as_good[:k] & ~better[:k]
        if not better.any() and not same_before.any():
            kept.append(k)
    return kept
