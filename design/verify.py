"""Design, simulate, correct: no design leaves without a simulation behind it.

An optimiser finds a surrogate's errors, and a limit that binds is where they matter. So each limit is
first met with the surrogate's own interval in reserve. The simulation of that winner then says how wrong
the surrogate is just there: this replaces the interval as the reserve, and a search from the winner
goes on, be it to mend a broken limit or to use up what was held back, until neither is left to do. The
best simulated design wins.
"""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from electrograd.design.optimise import Optimiser, Progress
from electrograd.design.prices import Prices
from electrograd.design.problem import Goal, Limit, Predictor
from electrograd.physics.figures import Simulated
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
)
from electrograd.sweeps.dataset import Dataset

logger = logging.getLogger(__name__)

ROUNDS = 6
"""Most designs that are simulated; two or three are usual."""
SAFETY = 0.02
"""Share of the interval kept in reserve where the local error is known."""
AS_GOOD = 1e-6
"""Gain that is worth no simulation, of the goal's figure or, if more, its spread over the box."""


@dataclass(frozen=True)
class Candidate:
    """A design with what was predicted and what was simulated.

    Attributes
    ----------
    design
        Values by name, SI units.
    predicted
        Figures of merit by the surrogate.
    simulated
        The design in PyBaMM.
    prices
        What it leans on, of a design that was searched for; none of one that was in the sweep.
    """

    design: dict[str, float]
    predicted: dict[str, float]
    simulated: Simulated
    prices: Prices | None


@dataclass(frozen=True)
class Outcome:
    """The best verified design, and how it was found.

    Attributes
    ----------
    winner
        The best candidate by simulation: feasible if any is.
    feasible
        Whether the winner meets every limit in the simulation.
    candidates
        All that were simulated to be verified, in order.
    explored
        All that were simulated on the sweep's mesh before, to learn of them.
    best_of_sweep
        Design and figures of the best feasible design of the sweep, or None.
    starts, polished, agreeing
        Of the search over the whole box; see `optimise.Optimum`.
    settled
        Whether the search ended by itself, and not because its budget was spent.
    budget
        Simulations that it could have taken.
    """

    winner: Candidate
    feasible: bool
    candidates: tuple[Candidate, ...]
    best_of_sweep: tuple[dict[str, float], dict[str, float]] | None
    starts: int
    polished: int
    agreeing: int
    explored: tuple[Candidate, ...] = ()
    settled: bool = True
    budget: int = ROUNDS


def find_design(
    surrogate: Predictor,
    goal: Goal,
    dataset: Dataset,
    simulate: Callable[[Mapping[str, float]], Simulated],
    starts: int,
    seed: int,
    progress: Progress = lambda done, total: None,
) -> Outcome:
    """Find the design that meets the goal best, verified by simulation.

    Parameters
    ----------
    dataset
        The sweep; its best feasible design becomes a candidate if it beats the others.
    simulate
        Simulates one design given by name.
    starts, seed
        Of the search.
    """
    return find_verified(Optimiser(surrogate, goal, starts, seed), dataset, simulate, progress)


def find_verified(
    optimiser: Optimiser,
    dataset: Dataset,
    simulate: Callable[[Mapping[str, float]], Simulated],
    progress: Progress = lambda done, total: None,
) -> Outcome:
    """Do what `find_design` does with an optimiser that is compiled already."""
    surrogate, goal = optimiser.surrogate, optimiser.goal
    least = least_reserves(surrogate, goal)
    reserves = {limit: max(surrogate.interval(limit.figure), least[limit]) for limit in goal.limits}
    best_of_sweep = best_design(dataset, surrogate, goal)
    search = optimiser.solve(reserves, progress=progress)
    candidates, settled = corrected(optimiser, simulate, search.design, search.prices)

    def rank(candidate: Candidate) -> tuple[bool, float, float]:
        return rank_of(optimiser, candidate)

    winner = min(candidates, key=rank)
    if best_of_sweep and (False, 0.0, -goal.sign * best_of_sweep[1][goal.figure]) < rank(winner):
        design = best_of_sweep[0]
        candidates.append(Candidate(design, surrogate.predict_one(design), simulate(design), None))
        winner = min(winner, candidates[-1], key=rank)
    return Outcome(
        winner=winner,
        feasible=rank(winner)[:2] == (False, 0.0),
        candidates=tuple(candidates),
        best_of_sweep=best_of_sweep,
        starts=search.starts,
        polished=search.polished,
        agreeing=search.agreeing,
        settled=settled,
    )


def least_reserves(surrogate: Predictor, goal: Goal) -> dict[Limit, float]:
    """By limit, what is kept in reserve where the local error is known."""
    # A figure in closed form has no interval: its reserve only covers rounding.
    return {
        limit: max(SAFETY * surrogate.interval(limit.figure), 1e-5 * abs(limit.value))
        for limit in goal.limits
    }


class Corrected(NamedTuple):
    """Simulated candidates, and whether the last of them left nothing to be corrected."""

    candidates: list[Candidate]
    settled: bool


def corrected(
    optimiser: Optimiser,
    simulate: Callable[[Mapping[str, float]], Simulated],
    design: dict[str, float],
    leans_on: Prices | None,
    as_good: float = AS_GOOD,
) -> Corrected:
    """Simulate an optimum, and what takes its place once its limits are corrected by what was found."""
    surrogate, goal = optimiser.surrogate, optimiser.goal
    least = least_reserves(surrogate, goal)
    candidates: list[Candidate] = []
    while len(candidates) < ROUNDS:
        predicted, simulated = surrogate.predict_one(design), simulate(design)
        candidates.append(Candidate(design, predicted, simulated, leans_on))
        reserves = {}
        for limit in goal.limits:
            said, found = predicted[limit.figure], simulated.figures[limit.figure]
            reserves[limit] = limit.sign * (said - found) + least[limit]
            logger.info("%s: predicted %.6g, simulated %.6g", limit.figure, said, found)
        if not all(map(math.isfinite, reserves.values())):
            return Corrected(candidates, settled=True)
        optimum = optimiser.solve(reserves, near=design)
        gain = goal.sign * (optimum.figures[goal.figure] - predicted[goal.figure])
        worth = as_good * max(abs(predicted[goal.figure]), optimiser.scale)
        if optimum.design == design or (goal.feasible(simulated.figures) and gain <= worth):
            return Corrected(candidates, settled=True)
        design, leans_on = optimum.design, optimum.prices
    return Corrected(candidates, settled=False)


def rank_of(optimiser: Optimiser, candidate: Candidate) -> tuple[bool, float, float]:
    """Completed before failed, then by how far limits are broken, then the goal; the least is best."""
    figures, goal = candidate.simulated.figures, optimiser.goal
    value = -goal.sign * figures[goal.figure]
    failed = not candidate.simulated.charge.end.completed or not math.isfinite(value)
    return failed, optimiser.violation(figures), value


def best_design(
    dataset: Dataset, surrogate: Predictor, goal: Goal
) -> tuple[dict[str, float], dict[str, float]] | None:
    """Design and figures of the sweep's best feasible design by its own simulations, or None."""
    data = dataset.only(dataset.completed)
    # The closed-form figures are the surrogate's too; the learned ones are replaced by the simulated.
    figures = surrogate.predict(data.values)
    accepted = data.figures[ACCEPTED_CAPACITY]
    figures |= {
        ACCEPTED_CAPACITY: accepted,
        ACCEPTED_SHARE: accepted / data.figures[NOMINAL_CAPACITY],
        PLATING_MARGIN: data.figures[PLATING_MARGIN],
    }
    return best_among(data.names, data.values, figures, np.ones(len(data), bool), goal)


def best_among(
    names: tuple[str, ...],
    values: Float[np.ndarray, "designs variables"],
    figures: Mapping[str, Float[np.ndarray, " designs"]],
    holds: Bool[np.ndarray, " designs"],
    goal: Goal,
) -> tuple[dict[str, float], dict[str, float]] | None:
    """Design and figures of the best of those rows that hold and meet the limits, or None."""
    aimed = goal.sign * figures[goal.figure]
    holds = holds & np.isfinite(aimed)
    for limit in goal.limits:
        holds = holds & (limit.slack(figures) >= 0)
    if not holds.any():
        return None
    row = int(np.argmax(np.where(holds, aimed, -np.inf)))
    return (
        dict(zip(names, map(float, values[row]), strict=True)),
        {name: float(value[row]) for name, value in figures.items()},
    )
