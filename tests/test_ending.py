"""How simulations end: planted boundaries are found, and probabilities are honest."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from electrograd.physics.charge import End
from electrograd.physics.errors import InputError
from electrograd.physics.variables import LEAST_ELECTROLYTE, N_P_RATIO, NEGATIVE_POROSITY
from electrograd.surrogates.classifier import ClassifierSettings, fit_classifier, scores
from electrograd.surrogates.domain import coordinates
from electrograd.surrogates.ending import COMPLETES, DEPLETES, UNSEEN, EndModel, fit_ends
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.space import DesignSpace

SPACE = DesignSpace.from_bounds({N_P_RATIO: (1.05, 1.3), NEGATIVE_POROSITY: (0.2, 0.5)})
QUICK = ClassifierSettings(
    members=4, folds=4, width=16, steps=200, batch=64, learning_rate=0.03, decay=0.1
)


def planted(designs: int, ends: np.ndarray | int, least: np.ndarray | float = 500.0) -> Dataset:
    """A dataset of which only designs, ends and the least electrolyte matter."""
    return Dataset(
        names=SPACE.names,
        values=SPACE.sobol(designs, seed=2),
        ends=np.broadcast_to(ends, designs).astype(int),
        messages=[""] * designs,
        charge=np.zeros((designs, 3)),
        curves={},
        figures={LEAST_ELECTROLYTE: np.broadcast_to(least, designs).astype(float)},
    )


def chances(designs: np.ndarray) -> np.ndarray:
    """A planted probability of an event."""
    u = coordinates(SPACE, designs)
    return 1 / (1 + np.exp(-(4 * u[:, 0] - 3 * u[:, 1] ** 2)))


def test_planted_probabilities_are_found() -> None:
    """Of events that are chance, the probability itself: right on the mean, and in each bin."""
    rng = np.random.default_rng(0)
    designs, others = SPACE.sobol(1024, seed=1), SPACE.sobol(2048, seed=5)
    happened = rng.random(1024) < chances(designs)
    classifier = fit_classifier(
        coordinates(SPACE, designs), happened.astype(int), jax.random.key(0), QUICK
    )
    told = np.asarray(jax.vmap(classifier.probabilities)(jnp.asarray(coordinates(SPACE, others))))
    truth = chances(others)
    assert np.sqrt(np.mean((told[:, 1] - truth) ** 2)) < 0.1
    measured = scores(told[:, 1], rng.random(2048) < truth)
    assert measured["calibration error"] < 0.06
    assert measured["Brier score"] < np.mean(truth * (1 - truth)) + 0.015


@pytest.fixture(scope="module")
def model() -> EndModel:
    u = coordinates(SPACE, SPACE.sobol(400, seed=2))
    ends = np.where(u[:, 0] > 0.5, End.ELECTROLYTE_DEPLETED, End.VOLTAGE_CUT_OFF)
    ends = np.where(u[:, 1] < -0.8, End.SOLVER_FAILURE, ends)
    least = np.where(u[:, 0] + u[:, 1] > 0, 3.0, 400.0)
    least[np.isin(ends, End.SOLVER_FAILURE)] = np.nan  # failed: nothing is known
    ends[7], ends[8:10] = End.TIME_LIMIT, End.PENDING
    return fit_ends(planted(400, ends, least), SPACE, jax.random.key(1), QUICK)


def test_every_end_gets_a_probability(model: EndModel) -> None:
    corners = SPACE.from_unit(np.array([[0.3, 0.6], [0.95, 0.3], [0.4, 0.01], [0.1, 0.15]]))
    told = model.predict(corners)
    ends = [end.label for end in End if end.label in told]
    assert ends == ["voltage cut-off", "solver failure", "time limit", "electrolyte depleted"]
    np.testing.assert_allclose(sum(told[name] for name in [*ends, UNSEEN]), 1, atol=1e-6)
    assert model.likeliest(corners[:3]) == [
        End.VOLTAGE_CUT_OFF,
        End.ELECTROLYTE_DEPLETED,
        End.SOLVER_FAILURE,
    ]
    assert told[COMPLETES][0] > 0.9
    assert told[COMPLETES][2] < 0.5
    assert told[DEPLETES][3] < 0.1
    assert told[DEPLETES][1] > 0.5
    assert model.ends.held_out["accuracy"] > 0.9


def test_it_is_differentiable_and_the_same_when_read_again(model: EndModel) -> None:
    design = jnp.asarray(SPACE.from_unit(np.array([[0.9, 0.12]]))[0])
    slope = jax.jit(jax.grad(lambda x: model.probabilities(x)[COMPLETES]))(design)
    step = 1e-5 * (SPACE.upper[1] - SPACE.lower[1])
    change = jax.jit(lambda x: model.probabilities(x)[COMPLETES])
    by_difference = (change(design.at[1].add(step)) - change(design.at[1].add(-step))) / (2 * step)
    assert slope[1] > 0, "more porosity leads out of the planted failures"
    np.testing.assert_allclose(slope[1], by_difference, rtol=1e-3)
    again = EndModel.from_saved(SPACE, model.to_arrays(), json.loads(json.dumps(model.to_dict())))
    one = np.asarray(design)[None]
    for name, value in model.predict(one).items():
        np.testing.assert_array_equal(again.predict(one)[name], value)


def test_a_single_end_is_likely_but_never_certain() -> None:
    model = fit_ends(planted(30, End.VOLTAGE_CUT_OFF), SPACE, jax.random.key(0))
    told = model.predict(SPACE.sobol(4, seed=1))
    np.testing.assert_allclose(told["voltage cut-off"], 31 / 32, rtol=1e-6)
    np.testing.assert_allclose(told[UNSEEN], 1 / 32, rtol=1e-6)
    np.testing.assert_allclose(told[DEPLETES], 1 / 32, rtol=1e-6)
    assert json.loads(json.dumps(model.to_dict())) == model.to_dict()


def test_scores_of_a_case_by_hand() -> None:
    told = scores(np.array([0.9, 0.8, 0.4, 0.1]), np.array([True, False, True, False]))
    assert told["accuracy"] == 0.5
    assert told["area under ROC"] == 0.75
    assert told["Brier score"] == pytest.approx((0.01 + 0.64 + 0.36 + 0.01) / 4)
    assert told["calibration error"] == pytest.approx((0.1 + 0.8 + 0.6 + 0.1) / 4)


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(InputError, match="at least one simulation must have completed"):
        fit_ends(planted(8, End.SOLVER_FAILURE), SPACE, jax.random.key(0))
    with pytest.raises(InputError, match="finite features"):
        fit_classifier(np.full((4, 2), np.nan), np.arange(4), jax.random.key(0))
