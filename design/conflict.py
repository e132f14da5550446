"""Which limits cannot be met together, and how near each can come, by the surrogate's word.

Limits are left out one after the other for as long as the rest still cannot be met (the deletion
filter: Chinneck and Dravnieks, ORSA J. Computing 3 (1991) 157). What remains is a conflict in which
every limit has its part: any one given up, the others can be met. How far it would have to give way is
the best of its figure while they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from electrograd.design.optimise import Optimiser
from electrograd.design.problem import Goal, Limit
from electrograd.design.refine import reached


@dataclass(frozen=True)
class Conflict:
    """Limits that no design of the box meets together.

    Attributes
    ----------
    limits
        Every one has its part; empty where the surrogate holds that all limits can be met.
    within_reach
        By limit, the best of its figure while the others of the conflict are met.
    """

    limits: tuple[Limit, ...]
    within_reach: Mapping[Limit, float]


def find_conflict(optimiser: Optimiser) -> Conflict:
    """Find a conflict among the limits of an optimiser's goal; a search or two for each limit."""
    goal = optimiser.goal

    def can_be_met(limits: Sequence[Limit]) -> bool:
        wanted = reached(Goal(goal.figure, goal.sense, tuple(limits)))
        return optimiser.toward(wanted).solve({}).feasible

    if can_be_met(goal.limits):
        return Conflict((), {})
    kept = list(goal.limits)
    for limit in goal.limits:
        others = [other for other in kept if other is not limit]
        if not can_be_met(others):
            kept = others
    reach = {}
    for limit in kept:
        rest = tuple(other for other in kept if other is not limit)
        best = Goal(limit.figure, "maximise" if limit.sign > 0 else "minimise", rest)
        reach[limit] = optimiser.toward(reached(best)).solve({}).figures[limit.figure]
    return Conflict(tuple(kept), reach)
