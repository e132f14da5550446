"""The search and its verification on analytic problems; on a real one in test_demo."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from electrograd.design.conflict import Conflict, find_conflict
from electrograd.design.front import Against, Find, distinct, trace_front, unbeaten
from electrograd.design.optimise import POLISHED, SPREAD, Optimiser
from electrograd.design.problem import Goal, Limit
from electrograd.design.verify import ROUNDS, Outcome, find_design, find_verified
from electrograd.physics.charge import Charge, End
from electrograd.physics.errors import InputError
from electrograd.physics.figures import Simulated
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    NEGATIVE_POROSITY,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    POSITIVE_POROSITY,
    THEORETICAL_SPECIFIC_ENERGY,
)
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.space import DesignSpace

SPACE = DesignSpace.from_bounds({NEGATIVE_POROSITY: (0.2, 0.6), POSITIVE_POROSITY: (0.2, 0.6)})
ENERGY, MARGIN, SHARE = THEORETICAL_SPECIFIC_ENERGY, PLATING_MARGIN, ACCEPTED_SHARE


class Analytic:
    """A predictor in closed form: energy a + b within a circle, and a share that rises with a.

    ``bias`` is how much the prediction of the margin is too hopeful.
    """

    def __init__(self, bias: float = 0.0, interval: float = 0.0) -> None:
        self.space = SPACE
        self.bias, self._interval = bias, interval

    def figures(self, design: Any) -> dict[str, Any]:
        a, b = design[..., 0], design[..., 1]
        return {
            ENERGY: 300 + a + b,
            MARGIN: 0.1 - ((a - 0.3) ** 2 + (b - 0.3) ** 2) + self.bias,
            SHARE: a,
            NOMINAL_CAPACITY: 1 + 0 * a,
            ACCEPTED_CAPACITY: a,
        }

    def predict(self, designs: np.ndarray) -> dict[str, np.ndarray]:
        figures = self.figures(jnp.asarray(designs, jnp.float32))
        return {name: np.asarray(value) for name, value in figures.items()}

    def predict_one(self, design: dict[str, float]) -> dict[str, float]:
        row = np.array([[design[name] for name in SPACE.names]])
        return {name: float(value[0]) for name, value in self.predict(row).items()}

    def interval(self, figure: str) -> float:
        return self._interval


def truth(design: dict[str, float]) -> Simulated:
    figures = Analytic().figures(np.array([design[name] for name in SPACE.names]))
    record = Charge(End.VOLTAGE_CUT_OFF, "", 1.0, np.empty(0), {})
    return Simulated({}, record, {name: float(value) for name, value in figures.items()})


def sweep(designs: int) -> Dataset:
    values = SPACE.sobol(designs, seed=1)
    figures = Analytic().figures(values)
    return Dataset(
        SPACE.names,
        values,
        np.full(designs, int(End.VOLTAGE_CUT_OFF)),
        [""] * designs,
        np.empty((designs, 0)),
        {},
        {name: np.asarray(figures[name]) for name in (NOMINAL_CAPACITY, ACCEPTED_CAPACITY, MARGIN)},
    )


GOAL = Goal(ENERGY, "maximise", (Limit(MARGIN, "at least", 0.0),))
BEST = 300.6 + np.sqrt(0.2)  # on the circle, at (0.3, 0.3) + √0.05 (1, 1)


def test_planted_optimum_is_found_from_everywhere() -> None:
    optimum = Optimiser(Analytic(), GOAL, starts=16, seed=0).solve({})
    assert optimum.feasible
    assert optimum.agreeing == optimum.polished
    assert optimum.bound == pytest.approx(optimum.figures[ENERGY])
    assert optimum.figures[ENERGY] == pytest.approx(BEST, abs=1e-3)
    assert optimum.design[NEGATIVE_POROSITY] == pytest.approx(0.3 + np.sqrt(0.05), abs=2e-3)
    # The circle's radius is √(0.1 - limit), and the optimum √2 of it away: d√(0.2 - 2 limit) / d limit.
    assert optimum.prices.limits == pytest.approx({GOAL.limits[0]: 1 / np.sqrt(0.2)}, rel=1e-2)
    assert optimum.prices.interior
    assert optimum.prices.unexplained < 0.01


class Wavy(Analytic):
    """Waves upon the energy: dozens of valleys, and slopes that lead into the wrong ones."""

    def figures(self, design: Any) -> dict[str, Any]:
        a, b = design[..., 0], design[..., 1]
        waves = 0.1 * jnp.cos(40 * (a - 0.5)) + 0.1 * jnp.cos(40 * (b - 0.45))
        return {**super().figures(design), ENERGY: 300 + a + b + waves}


@pytest.mark.parametrize("seed", range(4))
def test_the_best_of_many_valleys_is_found(seed: int) -> None:
    """By a thousand descents: beside a fine grid, and with every end in the box and within the limit."""
    optimiser = Optimiser(Wavy(), GOAL, starts=1024, seed=seed)
    optimum = optimiser.solve({})
    axis = np.linspace(0.2, 0.6, 801)
    grid = Wavy().figures(np.stack(np.meshgrid(axis, axis), axis=-1))
    best = np.max(np.where(grid[MARGIN] >= 0, grid[ENERGY], 0))
    assert optimum.feasible
    for level in (-0.02, 0.01, 0.02):  # which begin where others ended
        further = dataclasses.replace(GOAL, limits=(dataclasses.replace(GOAL.limits[0], value=level),))
        there = np.max(np.where(grid[MARGIN] >= level, grid[ENERGY], 0))
        found = optimiser.toward(further).solve({}).figures[ENERGY]
        assert there - 1e-4 < found < there + 1e-3
    assert best - 1e-4 < optimum.figures[ENERGY] < best + 1e-3
    assert (optimum.starts, optimum.polished) == (1024, POLISHED + SPREAD)
    ends, _ = optimiser._descent(
        None, optimiser._descended, optimiser._offsets, optimiser._screening_best(1024)
    )
    margins = optimiser.surrogate.predict(0.2 + 0.4 * ends)[MARGIN]
    assert np.all((ends > 0) & (ends < 1))
    assert np.mean(margins > -0.002) > 0.98
    assert optimiser.toward(GOAL)._descent._compiled._cache_size() == 1


def test_bounds_bind_without_limits() -> None:
    optimum = Optimiser(Analytic(), Goal(ENERGY, "maximise", ()), starts=4, seed=0).solve({})
    assert optimum.design == pytest.approx({NEGATIVE_POROSITY: 0.6, POSITIVE_POROSITY: 0.6})
    lowest = Optimiser(Analytic(), Goal(ENERGY, "minimise", ()), starts=4, seed=0).solve({})
    assert lowest.design == pytest.approx({NEGATIVE_POROSITY: 0.2, POSITIVE_POROSITY: 0.2})
    for found in (optimum, lowest):
        assert found.prices.bounds == pytest.approx(dict.fromkeys(SPACE.names, 1.0), rel=1e-3)
        assert not found.prices.interior


def test_upper_limits_and_reserves() -> None:
    limit = Limit(SHARE, "at most", 0.5)
    goal = Goal(ENERGY, "maximise", (limit,))
    optimum = Optimiser(Analytic(), goal, starts=4, seed=0).solve({limit: 0.03})
    assert optimum.design == pytest.approx({NEGATIVE_POROSITY: 0.47, POSITIVE_POROSITY: 0.6}, abs=1e-3)
    assert optimum.prices.limits == pytest.approx({limit: 1.0}, rel=1e-3)
    assert list(optimum.prices.bounds) == [POSITIVE_POROSITY]


@pytest.mark.parametrize("bias", [0.0, 0.01, 0.04])
def test_a_hopeful_surrogate_is_corrected_by_simulation(bias: float) -> None:
    outcome = find_design(Analytic(bias, interval=1e-3), GOAL, sweep(64), truth, starts=8, seed=0)
    assert outcome.feasible
    assert outcome.settled
    assert outcome.winner.simulated.figures[MARGIN] >= 0
    assert outcome.winner.simulated.figures[ENERGY] == pytest.approx(BEST, abs=5e-3)
    assert outcome.best_of_sweep is not None
    assert outcome.winner.simulated.figures[ENERGY] > outcome.best_of_sweep[1][ENERGY]
    first = outcome.candidates[0].simulated.figures
    assert GOAL.feasible(first) == (bias == 0.0), "the hopeful surrogate's first winner must fail"
    assert outcome.winner.simulated.figures[MARGIN] < 5e-4, "what was held back must be used"


def test_what_cannot_be_met_is_said() -> None:
    goal = Goal(ENERGY, "maximise", (Limit(MARGIN, "at least", 0.2),))
    outcome = find_design(Analytic(), goal, sweep(64), truth, starts=8, seed=0)
    assert not outcome.feasible
    assert outcome.best_of_sweep is None
    # the nearest design: the middle of the circle
    assert outcome.winner.simulated.figures[MARGIN] == pytest.approx(0.1, abs=1e-3)


def test_limits_in_conflict_are_named_with_what_is_within_reach() -> None:
    """The margin ends at 0.1 in the middle of the circle; with a share of 0.55, at 0.1 - 0.25²."""
    wide = Limit(MARGIN, "at least", 0.05)
    share, energy = Limit(SHARE, "at least", 0.55), Limit(ENERGY, "at least", 300.1)
    goal = Goal(ENERGY, "maximise", (energy, wide, share))
    optimiser = Optimiser(Analytic(), goal, starts=64, seed=0)
    found = find_conflict(optimiser)
    assert found.limits == (wide, share)
    assert found.within_reach[wide] == pytest.approx(0.1 - 0.25**2, abs=1e-3)
    assert found.within_reach[share] == pytest.approx(0.3 + np.sqrt(0.05), abs=1e-3)
    alone = Limit(MARGIN, "at least", 0.2)
    found = find_conflict(optimiser.toward(Goal(ENERGY, "maximise", (share, alone))))
    assert found.limits == (alone,)
    assert found.within_reach == pytest.approx({alone: 0.1}, abs=1e-3)
    assert find_conflict(optimiser.toward(GOAL)) == Conflict((), {})
    assert optimiser._descent._compiled._cache_size() == 1


def test_a_failed_simulation_never_wins() -> None:
    """Without limits the winner would be the corner; there the simulation fails, so the sweep's wins."""

    def failing(design: dict[str, float]) -> Simulated:
        simulated = truth(design)
        if sum(design.values()) > 1.19:
            charge = dataclasses.replace(simulated.charge, end=End.SOLVER_FAILURE)
            return dataclasses.replace(simulated, charge=charge)
        return simulated

    goal = Goal(ENERGY, "maximise", ())
    outcome = find_design(Analytic(), goal, sweep(64), failing, starts=4, seed=0)
    assert outcome.candidates[0].simulated.charge.end is End.SOLVER_FAILURE
    assert outcome.winner.simulated.charge.end.completed
    assert outcome.feasible


def test_the_sweeps_better_design_is_taken() -> None:
    """A surrogate so gloomy that its own winners are feasible but poor."""
    outcome = find_design(Gloomy(), GOAL, sweep(64), truth, starts=4, seed=0)
    assert outcome.best_of_sweep is not None
    best = outcome.best_of_sweep[1][ENERGY]
    assert outcome.winner.simulated.figures[ENERGY] >= best - 1e-4


class Gloomy(Analytic):
    """Sees the margin fall towards the optimum where it does not."""

    def figures(self, design: Any) -> dict[str, Any]:
        a, b = design[..., 0], design[..., 1]
        return {**super().figures(design), MARGIN: 0.05 - 10 * ((a - 0.25) ** 2 + (b - 0.25) ** 2)}


def test_a_surrogate_that_is_all_wrong_falls_back_on_the_sweep() -> None:
    outcome = find_design(Analytic(bias=10.0), GOAL, sweep(64), truth, starts=4, seed=0)
    assert len(outcome.candidates) <= ROUNDS + 1
    assert outcome.feasible


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Limit("Plating margn [V]", "at least", 0.0), "nearest valid: Plating margin"),
        (lambda: Goal("Energy", "maximise", ()), "must be a predicted figure of merit"),
        (
            lambda: Goal(
                ENERGY, "maximise", (Limit(SHARE, "at least", 0.8), Limit(SHARE, "at most", 0.7))
            ),
            "received: at least 0.8, at most 0.7",
        ),
    ],
)
def test_impossible_goals_are_refused(build: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build()


def finder(optimiser: Optimiser) -> Find:
    return lambda goal: find_verified(optimiser.toward(goal), sweep(64), truth)


def test_a_front_is_that_of_the_closed_form() -> None:
    """Energy 300 + a + b within the circle, against the share a: from its best sum to the box's end."""
    optimiser = Optimiser(Analytic(interval=1e-4), GOAL, starts=8, seed=0)
    seen: list[tuple[int, int]] = []
    front = trace_front(
        finder(optimiser), GOAL, Against(SHARE, "maximise", 5), progress=lambda *at: seen.append(at)
    )
    energy, share = front.values().T
    first, last = 0.3 + np.sqrt(0.05), 0.6
    halves = [0, 0.5, 0.75, 0.875, 1]  # the front falls ever more steeply towards its far end
    assert share == pytest.approx(first + np.multiply(halves, last - first), abs=2e-3)
    assert energy == pytest.approx(300.3 + share + np.sqrt(0.1 - (share - 0.3) ** 2), abs=5e-3)
    assert all(point.winner.simulated.figures[MARGIN] >= 0 for point in front.points)
    assert seen == [(k, 5) for k in range(6)]
    between = trace_front(finder(optimiser), GOAL, Against(SHARE, "maximise", 3, (0.55, 0.59)))
    np.testing.assert_allclose(between.values()[:, 1], [0.55, 0.57, 0.59], atol=2e-3)
    # A level that nothing meets costs a search, and those after it close in on the end.
    beyond = trace_front(finder(optimiser), GOAL, Against(SHARE, "maximise", 8, (0.55, 0.65))).values()
    assert beyond[-1, 1] == pytest.approx(0.6, abs=4e-3)
    # Levels that all give the goal's best are one point, found by two searches.
    alike: list[tuple[int, int]] = []
    loose = trace_front(
        finder(optimiser),
        GOAL,
        Against(SHARE, "maximise", 9, (0.3, 0.4)),
        None,
        lambda *at: alike.append(at),
    )
    assert len(loose.points) == 1
    assert alike == [(0, 9), (1, 9), (2, 9), (9, 9)]
    bound = Goal(ENERGY, "maximise", (*GOAL.limits, Limit(SHARE, "at most", 0.4)))
    np.testing.assert_allclose(
        trace_front(finder(optimiser), bound, Against(SHARE, "maximise", 2, (0.55, 0.59))).values()[
            :, 1
        ],
        [0.55, 0.59],
        atol=2e-3,
    )


def test_a_front_ends_at_the_best_known_where_its_last_level_is_not_met() -> None:
    find = finder(Optimiser(Analytic(interval=1e-4), GOAL, starts=8, seed=0))

    def falls_short(goal: Goal) -> Outcome:
        hard = any(limit.figure == SHARE and limit.value > 0.59 for limit in goal.limits)
        return dataclasses.replace(find(goal), feasible=not hard)

    front = trace_front(falls_short, GOAL, Against(SHARE, "maximise", 3))
    assert len(front.points) == 3
    assert front.values()[-1, 1] == pytest.approx(0.6, abs=1e-4)


def test_a_front_of_three_figures_is_that_of_the_closed_form() -> None:
    """Energy 300 + a + b, share a, and the margin, each point the best sum for its share and margin."""
    optimiser = Optimiser(Analytic(interval=1e-4), GOAL, starts=8, seed=0)
    told: list[tuple[int, int]] = []
    front = trace_front(
        finder(optimiser),
        GOAL,
        Against(SHARE, "maximise", 4, (0.45, 0.55)),
        Against(MARGIN, "maximise", 3, (0.0, 0.04)),
        lambda *at: told.append(at),
    )
    energy, share, margin = front.values().T
    assert len(energy) > 6
    assert energy == pytest.approx(300.3 + share + np.sqrt(0.1 - margin - (share - 0.3) ** 2), abs=5e-3)
    for level in (0.0, 0.02, 0.04):
        assert np.sum(np.abs(margin - level) < 2e-3) >= 2
    assert unbeaten(front.values()) == list(range(len(energy)))
    assert told == sorted(told)
    assert told[-1] == (12, 12)
    high = Against(MARGIN, "maximise", 2, (0.04, 0.2))  # of which the second cannot be met
    some = trace_front(finder(optimiser), GOAL, Against(SHARE, "maximise", 2, (0.45, 0.5)), high)
    assert some.values()[:, 2] == pytest.approx(0.04, abs=2e-3)
    with pytest.raises(InputError, match="second figure beside"):
        trace_front(
            finder(optimiser), GOAL, Against(SHARE, "maximise", 2), Against(SHARE, "maximise", 2)
        )


def test_a_front_that_cannot_be_is_refused() -> None:
    optimiser = Optimiser(Analytic(), GOAL, starts=4, seed=0)
    with pytest.raises(InputError, match="two points at the least"):
        trace_front(finder(optimiser), GOAL, Against(SHARE, "maximise", 1))
    with pytest.raises(InputError, match="second figure beside the goal's"):
        trace_front(finder(optimiser), GOAL, Against(ENERGY, "maximise", 3))
    far = Goal(ENERGY, "maximise", (Limit(MARGIN, "at least", 0.2),))
    with pytest.raises(InputError, match="both ends of a front must meet the goal's limits"):
        trace_front(finder(optimiser), far, Against(SHARE, "maximise", 3))


def test_what_is_beaten_leaves_a_front() -> None:
    values = np.array([[1.0, 5.0], [2.0, 4.0], [2.0, 4.0], [1.5, 3.0], [3.0, 1.0], [3.0, 0.5]])
    assert unbeaten(values) == [0, 1, 4]
    near = np.array([[3.0, 1.0], [2.9999, 1.0001], [2.9, 2.0], [1.0, 3.0]])
    assert distinct(near, [0, 1, 2, 3]) == [0, 2, 3]
    assert distinct(near, []) == []
