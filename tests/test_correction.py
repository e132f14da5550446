"""Gaussian processes, and a surrogate corrected by them: planted truths, gradients, files."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal

from electrograd.design.problem import Predictor
from electrograd.physics.cell import Cell
from electrograd.physics.charge import (
    NEGATIVE_POTENTIAL,
    NEGATIVE_SURFACE,
    POSITIVE_SURFACE,
    VOLTAGE,
    End,
)
from electrograd.physics.errors import InputError
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import nominal_capacity
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    N_P_RATIO,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    POSITIVE_THICKNESS,
)
from electrograd.surrogates import transfer
from electrograd.surrogates.correction import CorrectedSurrogate, CurveSurrogate
from electrograd.surrogates.correction_file import load_corrected, save_corrected
from electrograd.surrogates.correction_fitting import correct
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.ensemble import Ensemble
from electrograd.surrogates.gaussian_process import GaussianProcesses, fit, unlikelihood
from electrograd.surrogates.surrogate import Accuracy, Surrogate
from electrograd.surrogates.training import TrainingSettings
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.record import PLACES
from electrograd.sweeps.space import DesignSpace

VARIABLES = 3


def truth(x):
    """Two smooth functions: one of two variables, one of the third."""
    return np.stack([np.sin(3 * x[..., 0]) * x[..., 1], 1e-3 * x[..., 2] ** 2], axis=-1)


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return np.random.default_rng(0).random((40, VARIABLES))


@pytest.fixture(scope="module")
def processes(points: np.ndarray) -> GaussianProcesses:
    return fit(points, truth(points))


def test_likelihood_is_that_of_a_normal_distribution() -> None:
    """But for the prior, and a constant: of two targets, SciPy gives the same difference."""
    x = np.random.default_rng(1).random((9, 2))
    theta = np.log([1.3, 0.2, 0.5, 0.8])
    apart = np.sqrt(5 * (((x[:, None] - x[None]) / np.exp(theta[2:])) ** 2).sum(-1))
    covariance = 1.3**2 * (1 + apart + apart**2 / 3) * np.exp(-apart) + 0.2**2 * np.eye(9)
    normal = multivariate_normal(np.zeros(9), covariance)
    one, other = np.sin(5 * x[:, 0]), x[:, 1]
    ours = unlikelihood(theta, x, one)[0] - unlikelihood(theta, x, other)[0]
    np.testing.assert_allclose(ours, normal.logpdf(other) - normal.logpdf(one), rtol=1e-10)
    wanted = approx_fprime(theta, lambda t: unlikelihood(t, x, one)[0], 1e-6)
    np.testing.assert_allclose(unlikelihood(theta, x, one)[1], wanted, rtol=1e-4, atol=1e-5)


def test_planted_functions_are_found(processes: GaussianProcesses) -> None:
    x = np.random.default_rng(2).random((200, VARIABLES))
    found, wanted = jax.jit(jax.vmap(processes.predict))(jnp.asarray(x)), truth(x)
    error = np.sqrt(np.mean((found - wanted) ** 2, axis=0)) / wanted.std(axis=0)
    assert np.all(error < 0.03)
    # A variable that does nothing gets a long length.
    assert processes.length[0, 2] > 5 * processes.length[0, 0]
    assert processes.length[1, 0] > 5 * processes.length[1, 2]


def test_deviation_knows_where_data_is(processes: GaussianProcesses, points: np.ndarray) -> None:
    deviation = jax.jit(processes.deviation)
    near, far = deviation(jnp.asarray(points[0])), deviation(jnp.full(3, 3.0))
    assert np.all(near < far / 5)


def test_left_out_errors_are_those_of_a_process_without_the_point(
    processes: GaussianProcesses, points: np.ndarray
) -> None:
    kept, factor = np.delete(np.arange(len(points)), 7), np.linalg.inv(processes.whitening)
    seen = (factor @ factor.transpose(0, 2, 1))[:, kept][:, :, kept]
    y = truth(points)[kept].T - np.asarray(processes.mean)[:, None]
    without = GaussianProcesses(
        **processes.arrays()
        | {
            "inputs": processes.inputs[kept],
            "weights": jnp.asarray(np.linalg.solve(seen, y[..., None])[..., 0]),
            "whitening": jnp.asarray(np.linalg.inv(np.linalg.cholesky(seen))),
        }
    )
    wanted = truth(points)[7] - without.predict(jnp.asarray(points[7]))
    np.testing.assert_allclose(processes.left_out_errors()[7], wanted, rtol=1e-5)


def test_what_does_not_vary_is_its_mean(points: np.ndarray) -> None:
    processes = fit(points, np.full((len(points), 1), 0.3))
    np.testing.assert_allclose(processes.predict(jnp.full(VARIABLES, 0.5)), 0.3, rtol=1e-7)


@pytest.mark.parametrize(
    ("points", "value", "rule"), [(7, 0.0, "at least 8 points"), (9, np.nan, "must be finite")]
)
def test_strange_points_are_refused(points: int, value: float, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        fit(np.linspace(0, 1, points)[:, None], np.full((points, 1), value))


# A surrogate to be corrected, made up: no network, no simulation.

SPACE = DesignSpace.from_bounds({N_P_RATIO: (1.05, 1.3), POSITIVE_THICKNESS: (40e-6, 100e-6)})


@dataclass(frozen=True)
class Line:
    """Curves that rise with the square root of the charge; accepted share and margin in closed form."""

    physics: CurvePhysics
    scenario: Scenario
    space = SPACE

    def curves(self, design, share):
        end = self.figures(design)[ACCEPTED_SHARE]
        along = jnp.sqrt(share / end + 1e-9)
        return jnp.stack([3.7 + 0.5 * along, 0.1 - 0.1 * along, 0.5 * along, 1 - 0.5 * along], axis=-1)

    def figures(self, design):
        u = (design - jnp.asarray(SPACE.lower, design.dtype)) / jnp.asarray(
            np.subtract(SPACE.upper, SPACE.lower), design.dtype
        )
        share = 0.5 + 0.2 * u[0] - 0.1 * jnp.sin(3 * u[1])
        nominal = nominal_capacity(self.physics.cell, self.physics.parameters(design))
        return {
            NOMINAL_CAPACITY: nominal,
            ACCEPTED_CAPACITY: nominal * share,
            ACCEPTED_SHARE: share,
            PLATING_MARGIN: 0.0 * share,
        }

    def predict(self, designs, outside="error"):
        found = jax.jit(jax.vmap(self.figures))(jnp.asarray(designs, jnp.float32))
        return {name: np.asarray(value) for name, value in found.items()}

    def inside(self, designs):
        return np.ones(len(designs), bool)


def better(line: Line, designs: np.ndarray) -> Dataset:
    """What a better model would say: 3 to 8 % less charge, 5 to 15 mV of margin, a bent voltage."""
    u = (designs - SPACE.lower) / np.subtract(SPACE.upper, SPACE.lower)
    along = PLACES
    before = line.predict(designs)
    nominal = before[NOMINAL_CAPACITY].astype(float)
    share = before[ACCEPTED_SHARE] * (0.97 - 0.05 * u[:, 0] * u[:, 1])
    margin = -0.005 - 0.01 * u[:, 1] ** 2
    root, ones = np.sqrt(along)[None] + 0 * share[:, None], np.ones((len(u), 1))
    bend = 0.02 * u[:, :1] * (root - along * ones)
    curves = {
        VOLTAGE: 3.7 + 0.5 * root + bend,
        NEGATIVE_POTENTIAL: 0.1 - 0.1 * root + margin[:, None] * root,
        NEGATIVE_SURFACE: 0.5 * root,
        POSITIVE_SURFACE: 1 - 0.5 * root,
    }
    figures = {
        NOMINAL_CAPACITY: nominal,
        ACCEPTED_CAPACITY: nominal * share,
        PLATING_MARGIN: margin,
    }
    ends = np.full(len(u), int(End.VOLTAGE_CUT_OFF))
    charge = (nominal * share)[:, None] * along[None]
    return Dataset(SPACE.names, designs, ends, [""] * len(u), charge, curves, figures)


@pytest.fixture(scope="module")
def line(cell: Cell) -> Line:
    scenario = Scenario(1.0).of(cell)
    return Line(CurvePhysics.of(cell, SPACE, scenario), scenario)


@pytest.fixture(scope="module")
def corrected(line: Line) -> CorrectedSurrogate:
    return correct(line, better(line, SPACE.sobol(32, seed=1)))


def test_planted_correction_is_found(line: Line, corrected: CorrectedSurrogate) -> None:
    designs = SPACE.sobol(64, seed=2)
    truth, before, after = better(line, designs), line.predict(designs), corrected.predict(designs)
    accepted = truth.figures[ACCEPTED_CAPACITY]
    assert np.median(np.abs(before[ACCEPTED_CAPACITY] / accepted - 1)) > 0.03
    assert np.max(np.abs(after[ACCEPTED_CAPACITY] / accepted - 1)) < 2e-3
    wrong = np.abs(after[PLATING_MARGIN] - truth.figures[PLATING_MARGIN])
    assert np.max(wrong) < 3e-4
    assert np.mean(wrong <= corrected.interval(PLATING_MARGIN)) > 0.7
    assert corrected.interval(NOMINAL_CAPACITY) == 0
    share = jnp.asarray(truth.charge / truth.figures[NOMINAL_CAPACITY][:, None], jnp.float32)
    curves = jax.jit(jax.vmap(corrected.curves))(jnp.asarray(designs, jnp.float32), share)
    np.testing.assert_allclose(curves[..., 0], truth.curves[VOLTAGE], atol=1.5e-3)
    np.testing.assert_allclose(curves[..., 1], truth.curves[NEGATIVE_POTENTIAL], atol=1e-3)


def test_every_way_of_asking_agrees(corrected: CorrectedSurrogate) -> None:
    design = dict(zip(SPACE.names, (1.2, 70e-6), strict=True))
    row = jnp.asarray(list(design.values()), jnp.float32)
    one, share_and_curves = corrected.predict_one(design), corrected.predict_curves(design, 5)
    for name, value in jax.jit(corrected.figures)(row).items():
        np.testing.assert_allclose(value, one[name], rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(
            corrected.predict(np.asarray(row)[None])[name][0], one[name], rtol=1e-5
        )
    assert share_and_curves[0][-1] == pytest.approx(one[ACCEPTED_SHARE])
    assert share_and_curves[1].shape == (5, 4)
    assert isinstance(corrected, Predictor)
    assert isinstance(corrected, CurveSurrogate)


def test_gradients_are_those_of_finite_differences(corrected: CorrectedSurrogate) -> None:
    """In both precisions, through `jit`; of figures and deviations."""
    design, step = jnp.asarray([1.17, 71e-6]), jnp.asarray([1e-4, 1e-8])

    def value(design):
        return corrected.figures(design)[ACCEPTED_SHARE] + corrected.deviation(design)[PLATING_MARGIN]

    value, slope = jax.jit(value), jax.jit(jax.grad(value))
    for k in range(2):
        aside = jnp.zeros(2).at[k].set(step[k])
        wanted = (value(design + aside) - value(design - aside)) / (2 * step[k])
        assert slope(design)[k] == pytest.approx(float(wanted), rel=1e-4)
    np.testing.assert_allclose(slope(design.astype(jnp.float32)), slope(design), rtol=1e-2)


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda d: d.only(np.arange(15)), "at least 16 completed"),
        (lambda d: dataclasses.replace(d, names=d.names[::-1]), "must be the space's"),
        (
            lambda d: dataclasses.replace(d, curves=d.curves | {VOLTAGE: d.charge * np.nan}),
            "must be finite",
        ),
    ],
)
def test_strange_simulations_are_refused(line: Line, spoil, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        correct(line, spoil(better(line, SPACE.sobol(16, seed=1))))


@pytest.fixture(scope="module")
def untrained(line: Line) -> Surrogate:
    ensemble = Ensemble(line.physics, width=4, depth=1, weights={})
    weights = ensemble.shape.draw(2, jax.random.key(0))
    return Surrogate(
        ensemble=dataclasses.replace(ensemble, weights=weights),
        student=None,
        scenario=line.scenario,
        settings=SolverSettings(),
        accuracy=Accuracy({}, {}, {ACCEPTED_SHARE: np.array([[0.5, 0.6]])}),
        trust=None,
        dataset="cheap",
    )


@pytest.fixture
def stored(corrected: CorrectedSurrogate, untrained: Surrogate, tmp_path: Path) -> Path:
    """On disk: the correction of an untrained ensemble."""
    save_corrected(dataclasses.replace(corrected, bulk=untrained), tmp_path)
    return tmp_path


def test_files_hold_all_of_it(corrected: CorrectedSurrogate, stored: Path) -> None:
    """What is read predicts bit for bit as what was written, for its numbers are the same."""
    read = load_corrected(stored)
    assert (read.errors, read.dataset) == (corrected.errors, corrected.dataset)
    assert read.bulk.dataset == "cheap"
    for part in ("change", "bend"):
        for name, array in getattr(corrected, part).arrays().items():
            np.testing.assert_array_equal(array, getattr(read, part).arrays()[name])


@pytest.mark.parametrize(
    ("file", "old", "new", "rule"),
    [
        ("correction.json", b'"format": 3', b'"format": 9', "of format 3; .*format 9"),
        ("correction.json", b'"cheap"', b'"other"', "of the data cheap"),
        ("correction.safetensors", b"bend.mean", b"bend.mear", "lacking or strange entry"),
    ],
)
def test_damaged_files_are_refused(stored: Path, file: str, old: bytes, new: bytes, rule: str) -> None:
    content = (stored / file).read_bytes()
    assert old in content
    (stored / file).write_bytes(content.replace(old, new))
    with pytest.raises(InputError, match=rule):
        load_corrected(stored)


def test_only_what_can_be_stored_is(corrected: CorrectedSurrogate, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be a `Surrogate` to be stored"):
        save_corrected(corrected, tmp_path)


# Tuning: what it hands to the training, which has tests of its own.


def test_tuning_starts_from_trained_weights(
    line: Line, untrained: Surrogate, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict = {}

    def train(*arguments, start: Ensemble, **others) -> Surrogate:
        given.update(settings=arguments[4], start=start)
        return untrained

    monkeypatch.setattr(transfer, "train", train)
    data, physics = better(line, SPACE.sobol(16, seed=1)), dataclasses.replace(line.physics, c_rate=2.0)
    settings = TrainingSettings(members=3, folds=3, width=99, depth=9)
    transfer.tune(untrained, data, physics, line.scenario, SolverSettings(), settings)
    assert (given["settings"].width, given["settings"].depth) == (4, 1)
    assert given["start"].physics is physics
    for name, leaf in untrained.ensemble.weights.items():
        np.testing.assert_array_equal(given["start"].weights[name], leaf[np.array([0, 1, 0])])


def test_tuning_for_other_variables_is_refused(line: Line, untrained: Surrogate) -> None:
    other = DesignSpace.from_bounds({N_P_RATIO: (1.05, 1.3)})
    physics = dataclasses.replace(line.physics, space=other)
    data = better(line, SPACE.sobol(16, seed=1))
    with pytest.raises(InputError, match="for the variables that it knows"):
        transfer.tune(untrained, data, physics, line.scenario, SolverSettings(), TrainingSettings())
