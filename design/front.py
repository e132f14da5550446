"""The trade-off between two figures of merit: a front of designs, each verified by simulation.

One end is the best design for the goal, the other the best for the second figure within the same limits.
Between them the second figure is held to levels, and the goal is sought anew at each (the constraint
method: Haimes, Lasdon and Wismer, IEEE Trans. Syst. Man Cybern. 1 (1971) 296), which finds fronts of any
shape. Each level halves the widest gap: that of the neighbours between which the front could hide most,
by the area of the rectangle that they span.
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
_SHORT = 0.005  # of the way between the ends
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
    searches
        Every search there was, those too that found nothing new.
    """

    goal: Goal
    other: Goal
    points: tuple[Outcome, ...]
    searches: tuple[Outcome, ...]

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
        Designs that are sought at the most, both ends among them; fewer where the front has no gap left.
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
    held: Literal["at least", "at most"] = "at least" if sense == "maximise" else "at most"

    def at(level: float) -> _Held:
        limit = Limit(against, held, level)
        return _Held(level, find(replace(goal, limits=(*goal.limits, limit))), goal, other)

    progress(0, points)
    if between is None:
        best, far = _ends(find, goal, other, lambda done: progress(done, points))
        found = [best, at(far)]
    else:
        easy, hard = sorted(between, key=lambda level: other.sign * level)
        found = [at(easy)]
        progress(1, points)
        found.append(at(hard))
    progress(2, points)
    while len(found) < points and (level := _widest_gap(found)) is not None:
        found = sorted([*found, at(level)], key=lambda one: other.sign * one.level)
        progress(len(found), points)
    if len(found) < points:
        progress(points, points)
    feasible = [one.outcome for one in found if one.outcome.feasible]
    values = np.array([[one.gained, one.reached] for one in found if one.outcome.feasible])
    values = values.reshape(-1, 2)
    kept = distinct(values, sorted(unbeaten(values), key=lambda k: -values[k, 0]))
    return Front(goal, other, tuple(feasible[k] for k in kept), tuple(one.outcome for one in found))


@dataclass(frozen=True)
class _Held:
    """What was found with the second figure held to a level."""

    level: float
    outcome: Outcome
    goal: Goal
    other: Goal

    @property
    def gained(self) -> float:
        """The goal's figure, more being better."""
        return self.goal.sign * self.outcome.winner.simulated.figures[self.goal.figure]

    @property
    def reached(self) -> float:
        """The second figure, more being better: as simulated, or its level where nothing meets that."""
        if not self.outcome.feasible:
            return self.other.sign * self.level
        return self.other.sign * self.outcome.winner.simulated.figures[self.other.figure]


def _ends(find: Find, goal: Goal, other: Goal, progress: Callable[[int], None]) -> tuple[_Held, float]:
    """The goal's best, and the level near the second figure's best at which the goal is sought."""
    best = find(goal)
    progress(1)
    ends = [best, find(other)]
    near, far = (end.winner.simulated.figures[other.figure] for end in ends)
    if not all(end.feasible for end in ends) or not (math.isfinite(near) and math.isfinite(far)):
        raise InputError(
            "both ends of a front must meet the goal's limits, at finite figures",
            f"{other.figure}: {near:g} where the goal is best, {far:g} where it is best itself",
            "limits that can be met, or 'between', the range of levels",
        )
    # At the far end many designs may be as good; the goal's best of them is found a little short of it.
    return _Held(near, best, goal, other), far - _SHORT * (far - near)


def _widest_gap(found: list[_Held]) -> float | None:
    """The level in the middle of the gap in which most could hide; None where no gap is left."""
    reached = np.array([one.reached for one in found])
    met = np.array([one.outcome.feasible for one in found])
    if not met.any():
        return None
    gained = np.array([one.gained for one in found])
    wide = np.ptp(gained[met])
    # Where a level cannot be met, all that is left of the goal may be lost on the way there.
    gained = np.where(met, gained, np.min(gained[met]) - max(wide, _SAME * np.abs(gained[met]).max()))
    across, lost = np.diff(reached), -np.diff(gained)
    apart = (across > _SAME * np.ptp(reached)) & (lost > _SAME * max(wide, np.finfo(float).tiny))
    hidden = np.where(apart, across * lost, 0.0)
    k = int(np.argmax(hidden))
    if hidden[k] == 0:
        return None
    return found[0].other.sign * float(reached[k] + reached[k + 1]) / 2


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
