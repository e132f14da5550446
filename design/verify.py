"""Design, simulate, correct: no design leaves without a simulation behind it.

An optimiser finds a surrogate's errors, and a limit that binds is where they matter. So each limit is
first met with the surrogate's own interval in reserve; a winner that breaks a limit in the simulation
raises that limit's reserve by what it was wrong, and the search goes on.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from electrograd.design.optimise import Optimiser, Progress
from electrograd.design.problem import Goal, Predictor
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
"""How often a winner that fails in the simulation is corrected before the best so far is reported."""


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
    """

    design: dict[str, float]
    predicted: dict[str, float]
    simulated: Simulated


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
        All that were simulated, in order.
    best_of_sweep
        Design and figures of the best feasible design of the sweep, or None.
    starts, agreeing
        Starts of the last search, and how many of them found the same optimum.
    """

    winner: Candidate
    feasible: bool
    candidates: tuple[Candidate, ...]
    best_of_sweep: tuple[dict[str, float], dict[str, float]] | None
    starts: int
    agreeing: int


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
        The sweep: its best feasible design is simulated again as a candidate of its own.
    simulate
        Simulates one design given by name.
    starts, seed
        Of the search.
    """
    optimiser = Optimiser(surrogate, goal, starts, seed)
    reserves = {limit: surrogate.interval(limit.figure) for limit in goal.limits}
    best_of_sweep = best_design(dataset, surrogate, goal)
    candidates: list[Candidate] = []

    def consider(design: dict[str, float]) -> Candidate:
        candidate = Candidate(design, surrogate.predict_one(design), simulate(design))
        candidates.append(candidate)
        return candidate

    for _ in range(ROUNDS):
        optimum = optimiser.solve(reserves, progress)
        figures = consider(optimum.design).simulated.figures
        broken = [limit for limit in goal.limits if not limit.holds(figures)]
        if not broken or not optimum.feasible:
            break
        logger.info("simulated, the design breaks %s", ", ".join(limit.figure for limit in broken))
        for limit in broken:
            # The slack was predicted to be the reserve; it came out negative: stay clear by the gap.
            reserves[limit] += abs(limit.slack(figures)) + 0.1 * surrogate.interval(limit.figure)
    if best_of_sweep and not any(goal.feasible(c.simulated.figures) for c in candidates):
        consider(best_of_sweep[0])
    winner = candidates[0]
    for other in candidates[1:]:
        if _closer(goal, other.simulated.figures, winner.simulated.figures):
            winner = other
    return Outcome(
        winner=winner,
        feasible=goal.feasible(winner.simulated.figures),
        candidates=tuple(candidates),
        best_of_sweep=best_of_sweep,
        starts=optimum.starts,
        agreeing=optimum.agreeing,
    )


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
    holds = np.ones(len(data), bool)
    for limit in goal.limits:
        holds &= limit.slack(figures) >= 0
    if not holds.any():
        return None
    row = int(np.argmax(np.where(holds, goal.sign * figures[goal.figure], -np.inf)))
    return (
        dict(zip(data.names, map(float, data.values[row]), strict=True)),
        {name: float(value[row]) for name, value in figures.items()},
    )


def _closer(goal: Goal, figures: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Whether ``figures`` are the better ones, or, where neither is feasible, the less broken."""
    if goal.feasible(figures) or goal.feasible(other):
        return goal.better(figures, other)

    def broken(f: Mapping[str, float]) -> float:
        return sum(max(-limit.slack(f) / (abs(limit.value) or 1.0), 0.0) for limit in goal.limits)

    return broken(figures) < broken(other)
