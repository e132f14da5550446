"""The trade-off between two or three figures of merit: a front of designs, each verified by simulation.

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
    """Designs of which none beats another in every figure, from the goal's best to the other's.

    Attributes
    ----------
    goal, other, third
        What was wanted, and what against; a third figure, where there is one.
    points
        What was found at each level, by simulation: feasible, and beaten by none.
    searches
        Every search there was, those too that found nothing new.
    """

    goal: Goal
    other: Goal
    points: tuple[Outcome, ...]
    searches: tuple[Outcome, ...]
    third: Goal | None = None

    def values(self) -> np.ndarray:
        """Simulated values of the figures, of shape (points, 2), or 3 with a third."""
        names = [aim.figure for aim in (self.goal, self.other, self.third) if aim]
        return np.array([[p.winner.simulated.figures[name] for name in names] for p in self.points])


Find = Callable[[Goal], Outcome]
"""Finds the best verified design of a goal; see `verify.find_verified` and `refine.Refiner.best`."""


@dataclass(frozen=True)
class Against:
    """A figure that a goal is traded off against.

    Attributes
    ----------
    figure, sense
        What is wanted of it.
    points
        Designs that are sought at the most, both ends among them; fewer where the front has no gap left.
    between
        The range of levels; from the goal's own best to the figure's where it is not stated.

    Raises
    ------
    InputError
        For fewer than two points.
    """

    figure: str
    sense: Literal["maximise", "minimise"]
    points: int
    between: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.points < LEAST_POINTS:
            raise InputError("a front has two points at the least", self.points, LEAST_POINTS)

    def held_to(self, level: float) -> Limit:
        """The limit that holds it to a level."""
        return Limit(self.figure, "at least" if self.sense == "maximise" else "at most", level)

    def freed(self, goal: Goal) -> Goal:
        """A goal whose limits on it, where levels are stated, give way to these."""
        kept = (one for one in goal.limits if not self.between or one.figure != self.figure)
        return replace(goal, limits=tuple(kept))

    def of(self, goal: Goal) -> Goal:
        """It as a goal of its own, within another's limits."""
        return Goal(self.figure, self.sense, goal.limits)

    def ends(self) -> tuple[float, float]:
        """The stated range, from where the goal is little held back to where it is most."""
        assert self.between
        low, high = sorted(self.between)
        return (low, high) if self.sense == "maximise" else (high, low)


def trace_front(
    find: Find,
    goal: Goal,
    against: Against,
    third: Against | None = None,
    progress: Progress = lambda done, total: None,
) -> Front:
    """Trace the front of a goal against a second figure, and a third.

    Parameters
    ----------
    goal
        Its limits hold all along the front; those on the other figures give way to ``between``.
    against
        The second figure.
    third
        A third, held to levels that are evenly spaced; at each the front of the first two is traced.
    progress
        Told of levels done, and of all.

    Raises
    ------
    InputError
        For a figure that is another's or is not predicted, or where no design meets the limits at an end
        that is not stated.
    """
    figures = [goal.figure, against.figure, *([third.figure] if third else [])]
    if len(set(figures)) < len(figures):
        raise InputError("a front needs a second figure beside the goal's", figures[-1])
    goal = against.freed(goal)
    other, searches = against.of(goal), []
    if third is None:
        searches = _between(find, goal, against, progress)
        return _front(goal, other, None, searches)
    goal = third.freed(goal)
    total = third.points * against.points
    ends = third.ends() if third.between else _ends(find, goal, third, lambda done: None)[2:]
    for k, level in enumerate(np.linspace(*ends, third.points)):
        before = k * against.points
        progress(before, total)
        held = replace(goal, limits=(*goal.limits, third.held_to(float(level))))
        first = find(held)
        searches.append(first)
        if first.feasible:
            searches += _between(find, held, against, _later(progress, before, total))
    progress(total, total)
    return _front(goal, other, third.of(goal), searches)


def _later(progress: Progress, before: int, total: int) -> Progress:
    return lambda done, _: progress(before + done, total)


def _front(goal: Goal, other: Goal, third: Goal | None, searches: list[Outcome]) -> Front:
    """What no other beats of all that was found."""
    aims = [aim for aim in (goal, other, third) if aim]
    feasible = [outcome for outcome in searches if outcome.feasible]
    values = np.array(
        [[aim.sign * one.winner.simulated.figures[aim.figure] for aim in aims] for one in feasible]
    ).reshape(-1, len(aims))
    kept = distinct(values, sorted(unbeaten(values), key=lambda k: -values[k, 0]))
    return Front(goal, other, tuple(feasible[k] for k in kept), tuple(searches), third)


def _between(find: Find, goal: Goal, against: Against, progress: Progress) -> list[Outcome]:
    """Searches from end to end, each in the widest gap of those before."""
    points, other = against.points, against.of(goal)

    def at(level: float) -> _Held:
        return _Held(
            level, find(replace(goal, limits=(*goal.limits, against.held_to(level)))), goal, other
        )

    progress(0, points)
    if against.between is None:
        best, extreme, near, far = _ends(find, goal, against, lambda done: progress(done, points))
        last = at(far)
        if not last.outcome.feasible:  # though a design is known that is
            last = _Held(far, extreme, goal, other)
        found = [_Held(near, best, goal, other), last]
    else:
        easy, hard = against.ends()
        found = [at(easy)]
        progress(1, points)
        found.append(at(hard))
    progress(2, points)
    while len(found) < points and (level := _widest_gap(found)) is not None:
        found = sorted([*found, at(level)], key=lambda one: other.sign * one.level)
        progress(len(found), points)
    if len(found) < points:
        progress(points, points)
    return [one.outcome for one in found]


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


def _ends(
    find: Find, goal: Goal, against: Against, progress: Callable[[int], None]
) -> tuple[Outcome, Outcome, float, float]:
    """The goal's best, the other figure's, what that is at the first, and a level near its own best."""
    best = find(goal)
    progress(1)
    extreme = find(against.of(goal))
    near, far = (end.winner.simulated.figures[against.figure] for end in (best, extreme))
    if not (best.feasible and extreme.feasible and math.isfinite(near) and math.isfinite(far)):
        raise InputError(
            "both ends of a front must meet the goal's limits, at finite figures",
            f"{against.figure}: {near:g} where the goal is best, {far:g} where it is best itself",
            "limits that can be met, or 'between', the range of levels",
        )
    # At the far end many designs may be as good; the goal's best of them is found a little short of it.
    return best, extreme, near, far - _SHORT * (far - near)


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
