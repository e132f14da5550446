"""The surrogate's form, its figures of merit and its files; what it learns is measured in test_demo."""

import dataclasses
import json
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from untrained import LIMITS, SCENARIO, SPACE, planted, untrained

from electrograd.physics.errors import InputError
from electrograd.physics.stack import mean_stoichiometries, nominal_capacity
from electrograd.physics.variables import (
    ACCEPTED_SHARE,
    FIGURES_OF_MERIT,
    N_P_RATIO,
    NEGATIVE_POROSITY,
    POSITIVE_THICKNESS,
    PREDICTED,
)
from electrograd.surrogates.artefact import load_surrogate, save_surrogate
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.distillation import DistillationSettings, distil
from electrograd.surrogates.ensemble import Ensemble
from electrograd.surrogates.figures import along, crossing, end_of_charge
from electrograd.surrogates.fitting import train
from electrograd.surrogates.student import NODES, interpolate
from electrograd.surrogates.surrogate import BATCH, Surrogate
from electrograd.surrogates.training import TrainingSettings, train_ensemble

GRID = jnp.linspace(0, 1.1, 49)


@pytest.fixture(scope="module")
def taught(physics: CurvePhysics) -> Surrogate:
    """An untrained ensemble, and a student that was taught a little of it."""
    surrogate = untrained(physics, "float32", c_rate=0.4)
    little = DistillationSettings(width=32, depth=2, rounds=1, steps=300, batch=64, designs=2048)
    student = distil(surrogate.ensemble, surrogate.scenario, little)
    return dataclasses.replace(surrogate, student=student)


@pytest.fixture(scope="module")
def curves_of(physics: CurvePhysics):
    """Curves of one member at 23 shares of any design, from a seed of its weights; compiled once."""
    ensemble = untrained(physics, "float64").ensemble

    @jax.jit
    def curves(key, design):
        weights = ensemble.shape.draw(1, key)
        return dataclasses.replace(ensemble, weights=weights).curves(design, jnp.linspace(0, 1.1, 23))

    return curves


@given(seed=st.integers(0, 10**6), place=st.tuples(*[st.floats(0, 1)] * 3))
@settings(max_examples=20, deadline=None)
def test_physics_holds_for_any_weights(physics: CurvePhysics, curves_of, seed: int, place) -> None:
    """Surfaces lead their means and stay inside, overpotentials have the sign of a charge."""
    design = SPACE.from_unit(np.array([place]))[0]
    voltage, potential, x_s, y_s = np.asarray(curves_of(jax.random.key(seed), jnp.asarray(design))).T
    parameters, cell = physics.parameters(jnp.asarray(design)), physics.cell
    charge = np.linspace(0, 1.1, 23) * float(nominal_capacity(cell, parameters))
    x, y = mean_stoichiometries(cell, parameters, charge)
    # Single-precision weights, so single-precision sums.
    assert np.all(x_s >= x - 1e-6)
    assert np.all((x_s < 1) | (x >= 1))
    assert np.all((y_s <= y + 1e-6) & (y_s > 0))
    u_n, u_p = physics.negative.astype("float64"), physics.positive.astype("float64")
    assert np.all(potential <= np.asarray(u_n(x_s)) + 1e-6)
    assert np.all(voltage >= np.asarray(u_p(y_s) - u_n(x_s)) - 1e-6)


def test_zero_rate_is_the_open_circuit(physics: CurvePhysics) -> None:
    surrogate = untrained(physics, "float64", c_rate=1e-9)
    design = jnp.asarray(SPACE.lower)
    share = jnp.linspace(0, 1, 11)
    parameters, cell = surrogate.physics.parameters(design), physics.cell
    x, y = mean_stoichiometries(cell, parameters, share * nominal_capacity(cell, parameters))
    truth = surrogate.physics.positive(y) - surrogate.physics.negative(x)
    np.testing.assert_allclose(surrogate.curves(design, share)[:, 0], truth, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_kept(physics: CurvePhysics, dtype: str) -> None:
    surrogate = untrained(physics, dtype)
    figures = jax.eval_shape(surrogate.figures, jax.ShapeDtypeStruct((3,), dtype))
    assert {str(value.dtype) for value in figures.values()} == {dtype}
    assert set(figures) == set(PREDICTED)


def line(start: float, slope: float):
    """Curves whose voltage is a straight line and whose surfaces never get full."""

    def curves(share):
        voltage = start + slope * share**2
        ones = jnp.ones_like(share)
        return jnp.stack([voltage, 0.1 * ones, 0.5 * ones, 0.5 * ones], axis=-1)

    return curves


@given(slope=st.floats(0.5, 4.0))
def test_end_is_where_the_curve_crosses(slope: float) -> None:
    end = end_of_charge(line(3.5, slope), SCENARIO, GRID)
    assert float(end) == pytest.approx(min(1.1, np.sqrt(0.7 / slope)), rel=1e-6)


def test_end_has_the_implicit_gradient() -> None:
    def end(slope: float):
        return end_of_charge(line(3.5, slope), SCENARIO, GRID)

    # s = √(0.7 / a), so ds/da = -s / 2a
    assert float(jax.grad(end)(2.0)) == pytest.approx(-np.sqrt(0.7 / 2.0) / 4.0, rel=1e-6)
    assert float(jax.grad(end)(0.3)) == 0.0  # no crossing: the charge limit ends it


def test_a_charge_above_its_limit_from_the_start_accepts_nothing() -> None:
    assert float(end_of_charge(line(4.3, 1.0), SCENARIO, GRID)) == pytest.approx(0)


def test_a_full_surface_is_no_end() -> None:
    def curves(share):
        ones = jnp.ones_like(share)
        return jnp.stack([3.5 + share, 0.1 * ones, 0.4 + share, 0.5 * ones], axis=-1)

    assert float(end_of_charge(curves, SCENARIO, GRID)) == pytest.approx(0.7)


@pytest.mark.parametrize("who", ["ensemble", "student"])
def test_gradients_equal_finite_differences(taught: Surrogate, who: str) -> None:
    """Of every figure of merit, through the end of charge, in float64."""
    surrogate = taught if who == "student" else dataclasses.replace(taught, student=None)
    surrogate = in_double(surrogate)
    design = jnp.asarray([1.12, 60e-6, 0.33])
    width = np.asarray(SPACE.upper) - np.asarray(SPACE.lower)
    both = jax.jit(jax.jacfwd(lambda d: (surrogate.figures(d),) * 2, has_aux=True))
    slopes, values = both(design)
    assert 0.05 < float(values[ACCEPTED_SHARE]) < 1.05, "the start must not be the answer"
    for k in range(3):
        step = np.zeros(3)
        step[k] = 1e-5 * width[k]
        above, below = both(design + step)[1], both(design - step)[1]
        for name in FIGURES_OF_MERIT:
            difference = float((above[name] - below[name]) / 2e-5)
            assert float(slopes[name][k]) * width[k] == pytest.approx(difference, rel=2e-3, abs=1e-6)


def in_double(surrogate: Surrogate) -> Surrogate:
    """The same with every array in double precision."""
    physics = surrogate.physics
    tables = {side: getattr(physics, side).astype("float64") for side in ("negative", "positive")}
    physics = dataclasses.replace(physics, **tables)

    def wide(arrays):
        return {name: jnp.asarray(value, "float64") for name, value in arrays.items()}

    ensemble = Ensemble(physics, 8, 2, wide(surrogate.ensemble.weights))
    student = surrogate.student and dataclasses.replace(
        surrogate.student, physics=physics, arrays=wide(surrogate.student.arrays)
    )
    return dataclasses.replace(surrogate, ensemble=ensemble, student=student)


def test_an_end_at_which_a_curve_bends_stays_in_its_bracket() -> None:
    """From where it is flat, Newton's steps fly past zero; surfaces that fill at once bend so."""
    grid = jnp.linspace(0.0, 1.1, 49)

    def end(root: jax.Array) -> jax.Array:
        def bent(share: jax.Array) -> jax.Array:
            return jnp.log((share + 1e-4) / (root + 1e-4))

        return crossing(bent, grid, bent(grid), grid[-1])

    for root in (0.002, 0.01, 0.02, 0.31):
        found, slope = jax.value_and_grad(end)(root)
        assert 0 <= found <= 0.4
        assert found == pytest.approx(root, abs=2e-3)
        assert slope == pytest.approx(1.0, abs=0.7)


def test_a_student_knows_what_it_was_taught(taught: Surrogate) -> None:
    designs = SPACE.sobol(256, seed=9)
    known, learned = dataclasses.replace(taught, student=None).predict(designs), taught.predict(designs)
    error = np.abs(learned[ACCEPTED_SHARE] - known[ACCEPTED_SHARE])
    assert np.median(error) < 0.05 * np.std(known[ACCEPTED_SHARE])
    assert set(learned) == set(PREDICTED)


def test_interpolation_between_nodes_is_exact_for_cubics() -> None:
    limit, index = jnp.asarray(0.8), jnp.linspace(0.0, 1.0, NODES)
    cubic = jnp.stack([index**3 - index, index**2, index, 1 + 0 * index])
    share = jnp.linspace(0.01, 0.8, 50)
    wanted = jnp.interp(share, limit * along(20_000), jnp.linspace(0.0, 1.0, 20_000))
    found = interpolate(limit, cubic, share)
    np.testing.assert_allclose(found[0], wanted**3 - wanted, atol=1e-7)
    np.testing.assert_allclose(found[1], wanted**2, atol=1e-7)


def test_changing_values_compiles_nothing_new(some_surrogate: Surrogate) -> None:
    some_surrogate.predict(SPACE.sobol(4, seed=0))
    before = some_surrogate._batch._cache_size()
    some_surrogate.predict(SPACE.sobol(BATCH + 7, seed=1))
    assert some_surrogate._batch._cache_size() == before == 1


def test_prediction_does_not_depend_on_the_batch(some_surrogate: Surrogate) -> None:
    designs = SPACE.sobol(64, seed=0)
    whole, one = some_surrogate.predict(designs), some_surrogate.predict(designs[5:6])
    for name, value in whole.items():
        assert value.shape == (64,)
        np.testing.assert_array_equal(value[5:6], one[name])


def test_bad_designs_are_refused(some_surrogate: Surrogate) -> None:
    surrogate = some_surrogate
    with pytest.raises(InputError, match=r"shape \(designs, variables\).*received: \(3,\)"):
        surrogate.predict(np.zeros(3))
    with pytest.raises(InputError, match="finite"):
        surrogate.predict(np.array([[1.1, np.nan, 0.3]]))
    good = {N_P_RATIO: 1.1, POSITIVE_THICKNESS: 60e-6, NEGATIVE_POROSITY: 0.3}
    with pytest.raises(
        InputError, match=r"box .4e-05, 0.0001. \(were.* in µm,.*; received: 60; nearest valid: 0.0001"
    ):
        surrogate.predict_one({**good, POSITIVE_THICKNESS: 60.0})
    del good[N_P_RATIO]
    with pytest.raises(
        InputError, match=r"every variable of the box; .*; nearest valid: add ..N/P ratio"
    ):
        surrogate.predict_one(good)


def test_artefact_round_trip_is_bit_equal(some_surrogate: Surrogate, tmp_path: Path) -> None:
    surrogate = some_surrogate
    save_surrogate(surrogate, tmp_path / "s", {"versions": {}})
    again = load_surrogate(tmp_path / "s")
    designs = SPACE.sobol(16, seed=2)
    first, second = surrogate.predict(designs), again.predict(designs)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    assert again.physics.cell == surrogate.physics.cell
    assert again.accuracy.figures == surrogate.accuracy.figures


@pytest.mark.parametrize("damage", ["format", "weights", "config", "missing"])
def test_damaged_artefacts_are_refused(some_surrogate: Surrogate, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "s"
    save_surrogate(some_surrogate, folder)
    config = folder / "config.json"
    if damage == "format":
        config.write_text(json.dumps({**json.loads(config.read_text()), "format": 99}))
    elif damage == "weights":
        data = (folder / "weights.safetensors").read_bytes()
        (folder / "weights.safetensors").write_bytes(data[: len(data) // 2])
    elif damage == "config":
        config.write_text(config.read_text()[:40])
    else:
        config.unlink()
    with pytest.raises(InputError, match="whole surrogate of format 4; train it again"):
        load_surrogate(folder)


def test_training_recovers_a_planted_surrogate(physics: CurvePhysics) -> None:
    teacher = untrained(physics, "float64", c_rate=0.4, seed=3)
    data = planted(teacher, 48)
    physics = dataclasses.replace(physics, c_rate=0.4)
    settings = TrainingSettings(members=2, folds=2, width=16, depth=2, steps=240, batch=256, seed=1)
    seen: list[float] = []
    fit = partial(train, data, physics, teacher.scenario, LIMITS)
    student = fit(settings, progress=lambda done, total, error: seen.append(error))
    assert seen[-1] < 0.25 * seen[0], "it must have learned something"
    assert student.accuracy.figures[ACCEPTED_SHARE]["median"] < 2e-3
    assert student.accuracy.designs == 48
    assert {str(w.dtype) for w in student.ensemble.weights.values()} == {"float32"}
    again = train_ensemble(data, physics, settings)
    for name, weights in student.ensemble.weights.items():
        np.testing.assert_array_equal(weights, again.ensemble.weights[name])


def test_training_goes_on_bit_for_bit(physics: CurvePhysics, tmp_path: Path) -> None:
    physics = dataclasses.replace(physics, c_rate=0.4)
    data = planted(untrained(physics, "float64", c_rate=0.4, seed=3), 40)
    small = TrainingSettings(members=2, width=8, depth=2, steps=48, batch=32)
    whole = train_ensemble(data, physics, small)
    path = tmp_path / "training.safetensors"

    def interrupt(done: int, total: int, error: float) -> None:
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_ensemble(data, physics, small, interrupt, path)
    steps: list[int] = []
    rest = train_ensemble(data, physics, small, lambda done, *_: steps.append(done), path)
    assert steps[0] > 20, "it must have gone on where it was"
    for name, weights in whole.ensemble.weights.items():
        np.testing.assert_array_equal(weights, rest.ensemble.weights[name])
    assert rest.history == whole.history
    other = dataclasses.replace(small, seed=7)
    steps.clear()
    train_ensemble(data, physics, other, lambda done, *_: steps.append(done), path)
    assert steps[0] == 2, "another training's checkpoint is none"


def test_untrainable_data_is_refused(physics: CurvePhysics) -> None:
    data = planted(untrained(physics, "float64"), 40)
    fit = partial(train, physics=physics, scenario=SCENARIO, solver=LIMITS)
    with pytest.raises(InputError, match=r"at least 32 completed simulations.*received: 3"):
        fit(data.only(np.arange(3)), settings=TrainingSettings())
    with pytest.raises(InputError, match="in its order"):
        fit(dataclasses.replace(data, names=data.names[::-1]), settings=TrainingSettings())
    broken = data.curves["Voltage [V]"].copy()
    broken[7, 3] = np.nan
    data.curves["Voltage [V]"] = broken
    with pytest.raises(InputError, match=r"'Voltage .V.' must be finite, but is not in 1"):
        fit(data, settings=TrainingSettings())
