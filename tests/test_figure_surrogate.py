"""Figures of merit learned directly, and the search that teaches them: planted truths, files."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize

from electrograd.design.problem import Cautious, Goal, Limit
from electrograd.design.refine import Refiner, SimulateMany, reached, trusted
from electrograd.design.robust import REACH, AsMade, Tolerances
from electrograd.physics.cell import Cell
from electrograd.physics.charge import CURVES, Charge, End
from electrograd.physics.errors import InputError
from electrograd.physics.figures import Simulated
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import stack_mass
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    CHARGE_TIME,
    HOTTEST,
    LEAST_ELECTROLYTE,
    N_P_RATIO,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    POSITIVE_THICKNESS,
    SPECIFIC_ENERGY,
    THEORETICAL_SPECIFIC_ENERGY,
    USABLE_RATIO,
    in_scenario,
)
from electrograd.surrogates.artefact import load_surrogate
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.figure_artefact import load_figures, save_figures
from electrograd.surrogates.figure_fitting import FITTED, learn_figures
from electrograd.surrogates.figure_surrogate import FigureSurrogate
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.record import DELIVERED, PLACES
from electrograd.sweeps.space import DesignSpace

SPACE = DesignSpace.from_bounds({POSITIVE_THICKNESS: (20e-6, 90e-6), N_P_RATIO: (1.05, 1.3)})
COLD = "cold"
DESIGNS = 96


def planted(designs: np.ndarray) -> dict[str, np.ndarray]:
    """Charge times that grow with thickness and are not reached in thick, dense electrodes."""
    a, b = ((designs - SPACE.lower) / np.subtract(SPACE.upper, SPACE.lower)).T
    share = 1.0 - 0.3 * a**2 * (1.2 - b)
    return {
        ACCEPTED_SHARE: share,
        CHARGE_TIME: np.where(share >= 0.8, 300 * np.exp(2.5 * a - 0.8 * b + 0.3 * a * b), np.inf),
        PLATING_MARGIN: 0.02 - 0.05 * a * (1 - b),
        LEAST_ELECTROLYTE: 600 * (1 - a) * (0.5 + b),
        SPECIFIC_ENERGY: 300 + 60 * np.sqrt(0.1 + a) - 10 * b,
        in_scenario(ACCEPTED_SHARE, COLD): share - 0.2 * a,
        in_scenario(PLATING_MARGIN, COLD): 0.01 - 0.08 * a,
    }


def sweep(cell: Cell, designs: np.ndarray, scenario: str = "") -> Dataset:
    """A sweep whose figures are the planted ones; 95 % of the theoretical energy is delivered."""
    parameters = cell.parameters(dict(zip(SPACE.names, designs.T, strict=True)))
    found = planted(designs)
    nominal = 40.0 + 1e5 * designs[:, 0]
    figures = {
        NOMINAL_CAPACITY: nominal,
        ACCEPTED_CAPACITY: nominal * found[in_scenario(ACCEPTED_SHARE, scenario)],
        PLATING_MARGIN: found[in_scenario(PLATING_MARGIN, scenario)],
        LEAST_ELECTROLYTE: found[LEAST_ELECTROLYTE],
    }
    if not scenario:
        figures |= {
            CHARGE_TIME: found[CHARGE_TIME],
            DELIVERED: found[SPECIFIC_ENERGY] * np.asarray(stack_mass(cell, parameters)),
        }
    curves = {name: np.tile(0.1 + 0.5 * PLACES, (len(designs), 1)) for name in CURVES}
    charge = figures[ACCEPTED_CAPACITY][:, None] * PLACES
    ends = np.full(len(designs), int(End.CURRENT_CUT_OFF))
    return Dataset(SPACE.names, designs, ends, [""] * len(designs), charge, curves, figures)


@pytest.fixture(scope="module")
def physics(cell: Cell) -> CurvePhysics:
    return CurvePhysics.of(cell, SPACE, SCENARIO.of(cell))


SCENARIO = Scenario(8.0, plating_potential=0.0, hold_voltage=True)


@pytest.fixture(scope="module")
def surrogate(cell: Cell, physics: CurvePhysics) -> FigureSurrogate:
    designs = SPACE.sobol(DESIGNS, seed=1)
    scenarios = {"": SCENARIO.of(cell), COLD: Scenario(8.0, temperature=273.15).of(cell)}
    data = {name: sweep(cell, designs, name) for name in scenarios}
    told: list[tuple[int, int]] = []
    learned = learn_figures(data, physics, scenarios, SolverSettings(), lambda *at: told.append(at))
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1] == len(learned.learned)
    return learned


def test_planted_figures_are_found(surrogate: FigureSurrogate) -> None:
    designs = SPACE.sobol(256, seed=2)
    truth, said, widths = planted(designs), surrogate.predict(designs), surrogate.half_widths(designs)
    assert isinstance(surrogate, Cautious)
    for name, true in truth.items():
        known = np.isfinite(true)
        wrong = np.abs(said[name] - true)[known]
        assert np.median(wrong) < 2e-3 * np.ptp(true[known]), name
        assert np.mean(wrong <= widths[name][known]) > 0.7, name
    np.testing.assert_allclose(said[HOTTEST], SCENARIO.temperature)
    np.testing.assert_allclose(said[in_scenario(HOTTEST, COLD)], 273.15)
    assert surrogate.interval(THEORETICAL_SPECIFIC_ENERGY) == 0
    assert surrogate.interval(CHARGE_TIME) > 0


def test_slopes_are_those_of_the_figures(surrogate: FigureSurrogate) -> None:
    design = np.array([40e-6, 1.2])
    width = np.subtract(SPACE.upper, SPACE.lower)
    asked = [(surrogate.figures, n) for n in (CHARGE_TIME, SPECIFIC_ENERGY)]
    for both, name in [*asked, (surrogate.half_widths_at, CHARGE_TIME)]:

        def scaled(u: np.ndarray, both=both, name=name) -> float:
            return float(both(jnp.asarray(SPACE.lower + u * width))[name])

        u = (design - SPACE.lower) / width
        slopes = jax.grad(lambda u, b=both, n=name: b(jnp.asarray(SPACE.lower) + u * width)[n])(u)
        central = approx_fprime(u, scaled, 1e-4)
        np.testing.assert_allclose(slopes, central, rtol=2e-2, atol=1e-3 * np.abs(central).max())


def test_what_is_seen_is_known(surrogate: FigureSurrogate) -> None:
    design = np.array([[89e-6, 1.29]])
    before, beyond = surrogate, surrogate.predict(design)[CHARGE_TIME] * 1.01
    found = {CHARGE_TIME: beyond, PLATING_MARGIN: np.array([np.nan])}
    after = before.seeing(design, found)
    left, at_first = (abs(s.predict(design)[CHARGE_TIME] - beyond)[0] for s in (after, before))
    assert left < 0.6 * at_first
    assert after.half_widths(design)[CHARGE_TIME] < before.half_widths(design)[CHARGE_TIME]
    roomy = surrogate.with_room()
    np.testing.assert_allclose(
        roomy.predict(design)[CHARGE_TIME], before.predict(design)[CHARGE_TIME], rtol=1e-9
    )
    elsewhere = SPACE.sobol(8, seed=5) * [0.6, 1.0]
    elsewhere[:, 0] = np.maximum(elsewhere[:, 0], 20e-6)
    for name in (PLATING_MARGIN, SPECIFIC_ENERGY):
        np.testing.assert_allclose(after.predict(elsewhere)[name], before.predict(elsewhere)[name])


def test_a_large_sweep_is_seen_whole(cell: Cell, physics: CurvePhysics) -> None:
    designs = SPACE.sobol(FITTED + 64, seed=1)
    learned = learn_figures(
        {"": sweep(cell, designs)}, physics, {"": SCENARIO.of(cell)}, SolverSettings()
    )
    inputs = np.asarray(learned.learned[ACCEPTED_SHARE].process.inputs)
    assert np.sum(inputs[:, 0] <= 1) == FITTED + 64, "what lies elsewhere is room for more"
    pairs = learned.accuracy.held_out[ACCEPTED_SHARE]
    np.testing.assert_allclose(pairs[:, 0], planted(designs)[ACCEPTED_SHARE])
    assert 0 < np.median(np.abs(np.diff(pairs))) < 2e-3


def test_files_come_back_bit_equal(surrogate: FigureSurrogate, tmp_path: Path) -> None:
    save_figures(surrogate, tmp_path, {"versions": {}})
    again, designs = load_figures(tmp_path), SPACE.sobol(16, seed=3)
    for name, value in surrogate.predict(designs).items():
        np.testing.assert_array_equal(again.predict(designs)[name], value)
    assert again.others == surrogate.others
    assert again.accuracy.figures == surrogate.accuracy.figures
    with pytest.raises(InputError, match="format"):
        load_surrogate(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(b"torn")
    with pytest.raises(InputError, match="whole surrogate of figures of merit"):
        load_figures(tmp_path)


def test_a_design_in_other_units_is_refused(surrogate: FigureSurrogate) -> None:
    with pytest.raises(InputError, match="trained box"):
        surrogate.predict(np.array([[40.0, 1.2]]))
    with pytest.raises(InputError, match="every variable"):
        surrogate.predict_one({POSITIVE_THICKNESS: 40e-6})
    with pytest.raises(InputError, match="completed simulations"):
        learn_figures(
            {"": sweep(surrogate.physics.cell, SPACE.sobol(8, seed=0))},
            surrogate.physics,
            {"": SCENARIO},
            SolverSettings(),
        )


def simulator(cell: Cell, asked: list[Mapping[str, float]]) -> SimulateMany:
    def simulate(designs: Sequence[Mapping[str, float]]) -> list[Simulated]:
        asked.extend(designs)
        found = planted(np.array([[design[name] for name in SPACE.names] for design in designs]))
        end = Charge(End.CURRENT_CUT_OFF, "", 1.0, np.empty(0), {})
        return [
            Simulated({}, end, {name: float(value[k]) for name, value in found.items()})
            for k in range(len(designs))
        ]

    return simulate


def delayed(simulate: SimulateMany, factor: float) -> SimulateMany:
    """The same, but that every charge takes longer by a factor."""

    def slower(designs: Sequence[Mapping[str, float]]) -> list[Simulated]:
        return [
            replace(one, figures={**one.figures, CHARGE_TIME: factor * one.figures[CHARGE_TIME]})
            for one in simulate(designs)
        ]

    return slower


def refiner_of(
    surrogate: FigureSurrogate,
    simulate: SimulateMany,
    finer: SimulateMany | None = None,
    **told: Any,
) -> Refiner:
    """A search whose finer mesh is another simulation, or the same."""
    judge = finer or simulate
    return Refiner(surrogate, simulate, lambda design: judge([design])[0], starts=8, seed=0, **told)


def test_the_search_finds_what_was_planted(cell: Cell, surrogate: FigureSurrogate) -> None:
    """Energy rises with thickness and falls with the ratio; a charge time and a cold margin bound it."""
    cold = in_scenario(PLATING_MARGIN, COLD)
    goal = Goal(
        SPECIFIC_ENERGY,
        "maximise",
        (Limit(CHARGE_TIME, "at most", 900.0), Limit(cold, "at least", -0.04)),
    )
    asked: list[Mapping[str, float]] = []
    told: list[tuple[int, int]] = []
    refiner = refiner_of(surrogate, simulator(cell, asked))
    outcome = refiner.best(goal, progress=lambda *at: told.append(at))

    def true(name: str, u: np.ndarray) -> float:
        return float(planted(SPACE.lower + u[None] * np.subtract(SPACE.upper, SPACE.lower))[name][0])

    best = minimize(
        lambda u: -true(SPECIFIC_ENERGY, u),
        [0.2, 0.5],
        bounds=[(0, 1), (0, 1)],
        constraints=[
            {"type": "ineq", "fun": lambda u: 1 - true(CHARGE_TIME, u) / 900},
            {"type": "ineq", "fun": lambda u: 25 * true(cold, u) + 1},
        ],
        method="SLSQP",
    )
    winner = outcome.winner
    assert outcome.feasible
    assert winner.simulated.figures[SPECIFIC_ENERGY] == pytest.approx(-best.fun, rel=1e-3)
    assert winner.simulated.figures[SPECIFIC_ENERGY] < -best.fun + 1e-3
    assert trusted(goal, winner)
    assert outcome.settled
    assert len(outcome.explored) <= refiner.budget
    assert len(asked) == len(outcome.explored) + len(outcome.candidates)
    assert told[-1] == (refiner.budget, refiner.budget)
    assert refiner.surrogate is not surrogate
    assert refiner._aimed is not None
    assert refiner._aimed._at._compiled._cache_size() == 1


def test_a_limit_in_closed_form_is_kept_to_the_last_digit(
    cell: Cell, surrogate: FigureSurrogate
) -> None:
    """Energy falls with the ratio, which is to be 1.2 at the least: the best lies just there."""
    plain = simulator(cell, [])

    def simulate(designs: Sequence[Mapping[str, float]]) -> list[Simulated]:
        return [
            replace(one, figures={**one.figures, USABLE_RATIO: design[N_P_RATIO]})
            for one, design in zip(plain(designs), designs, strict=True)
        ]

    goal = Goal(SPECIFIC_ENERGY, "maximise", (Limit(USABLE_RATIO, "at least", 1.2),))
    outcome = refiner_of(surrogate, simulate).best(goal)
    assert outcome.feasible
    assert outcome.winner.design[N_P_RATIO] == pytest.approx(1.2, rel=1e-4)


def test_a_surrogate_that_smooths_what_it_sees_does_not_end_the_search_short(
    cell: Cell, surrogate: FigureSurrogate
) -> None:
    """Simulations are 0.3 % slower than the sweep was: what is learned there stays between the two."""
    slower = delayed(simulator(cell, []), 1.003)
    goal = Goal(SPECIFIC_ENERGY, "maximise", (Limit(CHARGE_TIME, "at most", 900.0),))
    outcome = refiner_of(surrogate, slower).best(goal)
    assert outcome.feasible
    assert 0.995 * 900 < outcome.winner.simulated.figures[CHARGE_TIME] <= 900


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_a_finer_mesh_has_the_last_word(cell: Cell, surrogate: FigureSurrogate, factor: float) -> None:
    """What the meshes differ by is mended where it breaks a limit, and used up where it leaves room."""
    simulate = simulator(cell, [])
    refiner = refiner_of(surrogate, simulate, delayed(simulate, factor))
    for limit, most in ((900.0, 3), (950.0, 2)):  # what the meshes differ by is known then
        goal = Goal(SPECIFIC_ENERGY, "maximise", (Limit(CHARGE_TIME, "at most", limit),))
        outcome = refiner.best(goal)
        assert outcome.feasible
        assert outcome.winner in outcome.candidates
        assert len(outcome.candidates) <= most
        assert 0.9995 * limit < outcome.winner.simulated.figures[CHARGE_TIME] <= limit


def test_a_time_that_is_not_reached_is_not_made_up(cell: Cell, surrogate: FigureSurrogate) -> None:
    goal = Goal(LEAST_ELECTROLYTE, "minimise", (Limit(CHARGE_TIME, "at most", 1e5),))
    share = Limit(ACCEPTED_SHARE, "at least", 0.8)
    assert reached(goal).limits == (*goal.limits, share)
    assert reached(reached(goal)) == reached(goal)
    outcome = refiner_of(surrogate, simulator(cell, [])).best(goal)
    assert outcome.feasible
    assert np.isfinite(outcome.winner.simulated.figures[CHARGE_TIME])


def test_a_robust_design_keeps_its_limits_as_it_is_made(cell: Cell, surrogate: FigureSurrogate) -> None:
    goal = Goal(SPECIFIC_ENERGY, "maximise", (Limit(CHARGE_TIME, "at most", 900.0),))
    tolerances = Tolerances.usual(SPACE, 5.0, {})
    assert tolerances.deviations == {POSITIVE_THICKNESS: 1e-6, N_P_RATIO: 0.0125}
    nominal, robust = (
        refiner_of(surrogate, simulator(cell, []), tolerances=how).best(goal).winner
        for how in (None, tolerances)
    )
    scatter = np.array([1e-6, 0.0125])
    drawn = np.clip(np.random.default_rng(3).standard_normal((4000, 2)), -REACH, REACH) * scatter

    def late(design: Mapping[str, float]) -> float:
        asked = np.array([design[name] for name in SPACE.names])
        return float(np.mean(planted(asked + drawn)[CHARGE_TIME] > 900))

    assert 0.3 < late(nominal.design) < 0.7
    assert 0.02 < late(robust.design) < 0.07
    lost = 1 - robust.simulated.figures[SPECIFIC_ENERGY] / nominal.simulated.figures[SPECIFIC_ENERGY]
    assert 0 < lost < 0.02


def test_tolerances_that_cannot_be_are_refused(surrogate: FigureSurrogate) -> None:
    with pytest.raises(InputError, match="a variable of the study"):
        Tolerances.usual(SPACE, 5.0, {"Thickness": 1e-6})
    with pytest.raises(InputError, match="zero or more"):
        Tolerances.usual(SPACE, 5.0, {N_P_RATIO: -0.1})
    with pytest.raises(InputError, match="ten standard deviations wide"):
        Tolerances.usual(SPACE, 5.0, {POSITIVE_THICKNESS: 1e-5})
    both = (Limit(CHARGE_TIME, "at most", 900.0), Limit(CHARGE_TIME, "at least", 600.0))
    with pytest.raises(InputError, match="from one side"):
        AsMade(surrogate, Goal(SPECIFIC_ENERGY, "maximise", both), Tolerances(), 0)


def test_a_budget_that_ends_before_the_search_settles_is_told(
    cell: Cell, surrogate: FigureSurrogate
) -> None:
    """One round is too few, for a second has to show that nothing is gained."""
    slower = delayed(simulator(cell, []), 1.02)
    goal = Goal(SPECIFIC_ENERGY, "maximise", (Limit(CHARGE_TIME, "at most", 900.0),))
    outcome = refiner_of(surrogate, slower, budget=2).best(goal)
    assert (outcome.settled, outcome.budget, len(outcome.explored)) == (False, 2, 2)


def test_the_budget_is_kept(cell: Cell, surrogate: FigureSurrogate) -> None:
    asked: list[Mapping[str, float]] = []
    never = Goal(SPECIFIC_ENERGY, "maximise", (Limit(PLATING_MARGIN, "at least", 0.5),))
    outcome = refiner_of(surrogate, simulator(cell, asked), budget=5).best(never)
    assert not outcome.feasible
    assert len(outcome.explored) <= 5
    assert len(outcome.candidates) == 1, "nothing to be corrected: what is nearest is told"
