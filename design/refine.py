"""Design, simulate, learn: the search on a surrogate that takes in what it is shown.

Each round two designs are simulated: the best when a share of the surrogate's intervals is held
against it, and the best when they are held in its favour. The first is what can be trusted, the second
what might be missed. The share, the caution, is all of the interval at first; it is halved where the
first kept its limits in the simulation, and doubled where it did not. Both join what the surrogate has
seen, and the search begins anew. It ends where the best simulated design gains no more and was predicted
within the tolerance, or where the budget is spent. What was simulated for one goal serves the next, so
that a front costs little more than its points.

All that is on the sweep's mesh, as is what the surrogate had learned. The winner is verified on a finer
one, and corrected by what the meshes differ by there (`verify.corrected`).
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from electrograd.design.optimise import Optimiser, Optimum, Progress
from electrograd.design.problem import Goal, Limit
from electrograd.design.robust import AsMade, Tolerances
from electrograd.design.verify import Candidate, Outcome, corrected, least_reserves, rank_of
from electrograd.physics.charge import CHARGED_SHARE
from electrograd.physics.figures import Simulated
from electrograd.physics.variables import (
    ACCEPTED_SHARE,
    CHARGE_TIME,
    PLATING_MARGIN,
    figure_and_scenario,
    in_scenario,
)
from electrograd.surrogates.figure_surrogate import FigureSurrogate

_logger = logging.getLogger(__name__)

SimulateMany = Callable[[Sequence[Mapping[str, float]]], list[Simulated]]

GAP, MARGIN_GAP = 0.005, 0.002
"""Largest difference of predicted from simulated, over the latter, of a design that is trusted; of
plating margins in volts."""
GAIN, IDLE = 0.001, 2
"""Least gain of a round, over the figure or, if more, its spread in the box; and so many rounds in a row
that gain less end the search."""
_ROUNDING = 1e-5
_AS_GOOD = 1e-5  # of the goal's figure
TRIED = 3
"""How many of the best are verified, should none before keep its limits on the finer mesh."""
_SAME = 1e-3  # of the box: designs nearer than this are one


@dataclass
class Refiner:
    """A surrogate that grows with every design it proposes.

    Attributes
    ----------
    surrogate
        As it is now.
    simulate
        Simulates designs given by name as the sweep did, side by side where it can.
    verify
        Simulates one on the mesh that is judged by.
    starts, seed
        Of each search.
    budget
        Simulations that one goal may take before verification; six to ten are usual.
    tolerances
        How designs scatter when they are made; candidates are judged as they are made then. Without,
        as they are simulated.
    """

    surrogate: FigureSurrogate
    simulate: SimulateMany
    verify: Callable[[Mapping[str, float]], Simulated]
    starts: int
    seed: int
    budget: int = 24
    tolerances: Tolerances | None = None
    _aimed: Optimiser | None = field(default=None, repr=False)
    _knows: FigureSurrogate | None = field(default=None, repr=False)
    _finer_by: dict[tuple[str, str], float] = field(default_factory=dict, repr=False)

    def best(
        self,
        goal: Goal,
        best_of_sweep: tuple[dict[str, float], dict[str, float]] | None = None,
        progress: Progress = lambda done, total: None,
    ) -> Outcome:
        """Find the design that meets the goal best, verified by simulation.

        Parameters
        ----------
        best_of_sweep
            Design and figures of the best feasible design of the sweep, to be told beside.
        progress
            Told of simulations done, and of all that there may be.
        """
        goal = reached(goal)
        # What follows in closed form has no interval to be held back: only rounding is.
        known = [limit for limit in goal.limits if not self.surrogate.interval(limit.figure)]
        exact = {limit: _ROUNDING * abs(limit.value) for limit in known}
        candidates: list[Candidate] = []
        best: tuple[float, ...] = (math.inf,)
        first: Optimum | None = None
        caution, idle, settled = 1.0, 0, False
        while len(candidates) < self.budget:
            progress(len(candidates), self.budget)
            optimiser = self.optimiser(goal)
            reserves = self._still_wrong(goal, candidates[-2:], exact)
            cautious, hopeful = (optimiser.solve(reserves, caution=share) for share in (caution, -1.0))
            first = first or cautious
            promised = goal.sign * hopeful.bound
            missed = promised - goal.sign * cautious.bound
            alone = cautious.feasible and _little(missed, cautious.bound, optimiser)
            found = self._consider(optimiser, [cautious] if alone else [cautious, hopeful], candidates)
            settled = not found
            if settled:
                break
            begun, candidates = bool(candidates), [*candidates, *found]
            ranks = [self._rank(goal, candidate) for candidate in candidates]
            kept = found[0].design == cautious.design and ranks[-len(found)][:2] == (False, 0.0)
            caution = caution / 2 if kept else min(2 * caution, 1.0)
            now = min(ranks)
            gained = best[-1] - now[-1] if now[:-1] == best[:-1] else math.inf
            sure = trusted(goal, self._winner(goal, candidates))
            _logger.info("after %d simulations %s, gained %.3g", len(candidates), now, gained)
            best = now
            feasible = now[:2] == (False, 0.0)
            idle = idle + 1 if begun and _little(gained, now[-1], optimiser) else 0
            little = idle == IDLE or _little(promised + now[-1], now[-1], optimiser)
            settled = feasible and sure and little
            if settled:
                break
        progress(self.budget, self.budget)
        assert first is not None
        verified = self._verified(goal, candidates)
        winner = self._winner(goal, verified)
        return Outcome(
            winner=winner,
            feasible=self._keeps(goal, winner),
            candidates=tuple(verified),
            explored=tuple(candidates),
            best_of_sweep=best_of_sweep,
            starts=first.starts,
            polished=first.polished,
            agreeing=first.agreeing,
            settled=settled,
            budget=self.budget,
        )

    def _verified(self, goal: Goal, explored: list[Candidate]) -> list[Candidate]:
        """The best of the explored on the finer mesh, and what takes its place there."""
        left, verified = list(explored), list[Candidate]()
        while left and len(explored) - len(left) < TRIED:
            best = self._winner(goal, left)
            left.remove(best)
            if not self._keeps(goal, best):  # nothing to be corrected: what is nearest is told
                return verified or [replace(best, simulated=self.verify(best.design))]
            verified += (found := self._corrected(goal, best))
            if any(self._keeps(goal, one) for one in found):
                break
        return verified

    def _corrected(self, goal: Goal, best: Candidate) -> list[Candidate]:
        """One on the finer mesh, and what takes its place there; meshes differ much alike everywhere."""
        optimiser = self.optimiser(goal)
        design, leans_on = best.design, best.prices
        least = least_reserves(optimiser.surrogate, goal)
        known = [limit for limit in goal.limits if (limit.figure, limit.sense) in self._finer_by]
        if known and known == list(goal.limits):
            shifted = {limit: self._finer_by[limit.figure, limit.sense] for limit in known}
            reserves = {limit: shift + least[limit] for limit, shift in shifted.items()}
            optimum = optimiser.solve(reserves, near=design)
            design, leans_on = optimum.design, optimum.prices
        found = corrected(optimiser, self.verify, design, leans_on, _AS_GOOD).candidates
        for limit in goal.limits:
            said, is_so = (f[limit.figure] for f in (found[-1].predicted, found[-1].simulated.figures))
            if math.isfinite(is_so):
                self._finer_by[limit.figure, limit.sense] = limit.sign * (said - is_so)
        if design == best.design:  # what was predicted before it was simulated at all
            found[0] = replace(found[0], predicted=best.predicted)
        return found

    def _keeps(self, goal: Goal, candidate: Candidate) -> bool:
        """Whether a simulated design meets every limit."""
        return self._rank(goal, candidate)[:2] == (False, 0.0)

    def _winner(self, goal: Goal, candidates: list[Candidate]) -> Candidate:
        """The best, or of those that are as good the best that was predicted within the tolerance."""
        ranked = sorted(((self._rank(goal, one), k) for k, one in enumerate(candidates)))
        (failed, broken, best), first = ranked[0]
        for (*state, value), k in ranked:
            if state != [failed, broken] or value - best > _AS_GOOD * abs(best):
                break
            if trusted(goal, candidates[k]):
                return candidates[k]
        return candidates[first]

    def _still_wrong(
        self, goal: Goal, seen: list[Candidate], least: Mapping[Limit, float]
    ) -> dict[Limit, float]:
        """By limit, how much too hopeful the surrogate is of designs although it has seen them.

        It smooths what it is shown; without this a search could end at one that just breaks a limit.
        """
        found = dict(least)
        for candidate in seen:
            now = self.surrogate.predict_one(candidate.design)
            for limit in goal.limits:
                hopeful = limit.slack(now) - limit.slack(candidate.simulated.figures)
                if 0 < hopeful < math.inf:
                    found[limit] = max(found.get(limit, 0.0), hopeful)
        return found

    def _consider(
        self, optimiser: Optimiser, optima: list[Optimum], before: list[Candidate]
    ) -> list[Candidate]:
        """Simulate what is new among optima, and let the surrogate see it."""
        space = self.surrogate.space
        width = np.asarray(space.upper) - np.asarray(space.lower)

        def row(design: Mapping[str, float]) -> Float[np.ndarray, " variables"]:
            return np.array([design[name] for name in space.names])

        seen = [row(candidate.design) for candidate in before]
        new: list[Optimum] = []
        for optimum in optima:
            here = row(optimum.design)
            if all(np.max(np.abs(here - other) / width) > _SAME for other in seen):
                seen.append(here)
                new.append(optimum)
        new = new[: self.budget - len(before)]
        if not new:
            return []
        records = self.simulate([optimum.design for optimum in new])
        names = records[0].figures
        self.surrogate = self.surrogate.seeing(
            np.stack([row(optimum.design) for optimum in new]),
            {name: np.array([record.figures[name] for record in records]) for name in names},
        )
        return [
            Candidate(optimum.design, optimum.figures, record, optimum.prices)
            for optimum, record in zip(new, records, strict=True)
        ]

    def _rank(self, goal: Goal, candidate: Candidate) -> tuple[bool, float, float]:
        """As `rank_of`; of made designs by percentiles, as far off the simulated as is predicted."""
        optimiser = self.optimiser(goal)
        if isinstance(optimiser.surrogate, AsMade):
            figures = dict(candidate.simulated.figures)
            nominal = self.surrogate.predict_one(candidate.design)
            made = optimiser.surrogate.as_made(candidate.design)
            for name in {goal.figure, *(limit.figure for limit in goal.limits)}:
                figures[name] += made[name] - nominal[name]
            candidate = replace(candidate, simulated=replace(candidate.simulated, figures=figures))
        return rank_of(optimiser, candidate)

    def optimiser(self, goal: Goal) -> Optimiser:
        """The search on the surrogate as it is; compiled once, or once a goal with tolerances."""
        goal, aimed = reached(goal), self._aimed
        if aimed is None or (self.tolerances and aimed.goal != goal):
            self.surrogate = self.surrogate.with_room()
            known: FigureSurrogate | AsMade = self.surrogate
            if self.tolerances:
                known = AsMade(self.surrogate, goal, self.tolerances, self.seed)
            # A thousand searches of what all made designs are like would take minutes.
            aimed = Optimiser(known, goal, self.starts, self.seed, guide=self.surrogate)
            self._knows = self.surrogate
        if self._knows is not self.surrogate:
            before = aimed.surrogate
            now = before.grown(self.surrogate) if isinstance(before, AsMade) else self.surrogate
            aimed, self._knows = aimed.grown(now), self.surrogate
        self._aimed = aimed if aimed.goal == goal else aimed.toward(goal)
        return self._aimed


def _little(gain: float, figure: float, optimiser: Optimiser) -> bool:
    """Whether a gain of the goal's figure is not worth a simulation."""
    return gain <= GAIN * max(abs(figure), optimiser.scale)


def reached(goal: Goal) -> Goal:
    """The goal with what a charge time means: that the share it is to is accepted at all.

    Charge times are learned where they are reached; elsewhere the surrogate would make one up.
    """
    implied = []
    for name in dict.fromkeys([goal.figure, *(limit.figure for limit in goal.limits)]):
        figure, scenario = figure_and_scenario(name)
        if figure == CHARGE_TIME:
            share = in_scenario(ACCEPTED_SHARE, scenario)
            implied.append(Limit(share, "at least", CHARGED_SHARE))
    return replace(goal, limits=(*goal.limits, *(new for new in implied if new not in goal.limits)))


def trusted(goal: Goal, candidate: Candidate) -> bool:
    """Whether the goal's figure and those of the limits were predicted within the tolerance."""
    for name in (goal.figure, *(limit.figure for limit in goal.limits)):
        said, found = candidate.predicted[name], candidate.simulated.figures[name]
        margin = figure_and_scenario(name)[0] == PLATING_MARGIN
        if not abs(said - found) <= (MARGIN_GAP if margin else GAP * abs(found)):
            return False
    return True
