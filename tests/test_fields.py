"""The field surrogate: what holds for any weights, what it learns, and what its certificate is worth."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import spearmanr

from electrograd.physics.cell import Cell
from electrograd.physics.charge import (
    NEGATIVE_POTENTIAL,
    NEGATIVE_SURFACE,
    POSITIVE_SURFACE,
    VOLTAGE,
)
from electrograd.physics.errors import InputError
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.state_layout import (
    NEGATIVE_PARTICLE,
    POSITIVE_PARTICLE,
    SALT,
)
from electrograd.physics.states import StateModel
from electrograd.physics.structure import Structure
from electrograd.physics.variables import C_RATE
from electrograd.surrogates.field_artefact import load_fields, save_fields
from electrograd.surrogates.field_basis import Modes
from electrograd.surrogates.field_certificate import Certifier
from electrograd.surrogates.field_data import FieldData
from electrograd.surrogates.field_residual import ErrorEquations
from electrograd.surrogates.field_training import FieldTraining, train_fields
from electrograd.surrogates.fields import FieldSurrogate, Weights, initial_weights
from electrograd.sweeps.space import DesignSpace

SPACE = DesignSpace.from_bounds(
    {
        "N/P ratio": (1.05, 1.3),
        "Positive electrode thickness [m]": (40e-6, 75e-6),
        C_RATE: (0.5, 3.0),
    }
)
POINTS, ALONG = 5, 9
SHORT = FieldTraining(width=32, steps=300, batch=128, residual=0.0)


@pytest.fixture(scope="module")
def model() -> StateModel:
    return StateModel(Cell.load("Chen2020"), Scenario(1.0), SolverSettings(points=POINTS))


def simulated(model: StateModel, designs: int, seed: int) -> FieldData:
    values = SPACE.sobol(designs, seed)
    states, share = [], np.linspace(0, 0.4, ALONG)
    for row in values:
        found = model.cell.parameters(dict(zip(SPACE.names, map(float, row), strict=True)))
        nominal = (
            -model.inputs(found)["Current function [A]"] / found[C_RATE] / model.cell.electrode_area
        )
        states.append(model.simulate(found, share * float(nominal)))
    return FieldData(SPACE.names, values, np.tile(share, (designs, 1)), np.stack(states))


@pytest.fixture(scope="module")
def data(model: StateModel) -> FieldData:
    return simulated(model, 24, 1)


@pytest.fixture(scope="module")
def unseen(model: StateModel) -> FieldData:
    return simulated(model, 16, 2)


@pytest.fixture(scope="module")
def surrogate(model: StateModel, data: FieldData) -> FieldSurrogate:
    return train_fields(data, model, SPACE, SHORT)


def wild(surrogate: FieldSurrogate) -> FieldSurrogate:
    """The surrogate with weights that nobody trained."""
    modes = sum(surrogate.modes.counts.values())
    weights = initial_weights(surrogate.physics.features, 16, 2, modes, seed=5)
    return dataclasses.replace(surrogate, weights={k: 3 * w for k, w in weights.items()})


def test_curves_of_a_state_are_pybamms(
    model: StateModel, data: FieldData, surrogate: FieldSurrogate
) -> None:
    names = (VOLTAGE, NEGATIVE_POTENTIAL, NEGATIVE_SURFACE, POSITIVE_SURFACE)
    variables = [model.residual.variable(name) for name in names]
    for row, states in zip(data.values[:2], data.states, strict=False):
        found = model.cell.parameters(dict(zip(SPACE.names, row, strict=True)))
        for y in states[[0, -1]]:
            expected = [float(variable(0.0, y, model.inputs(found))[0]) for variable in variables]
            np.testing.assert_allclose(
                surrogate.physics.states.curves(jnp.asarray(y)), expected, atol=1e-9
            )


def test_what_is_known_of_a_state_is_put_back(data: FieldData, surrogate: FieldSurrogate) -> None:
    """Taken off and put back, a simulated state is itself: salt and lithium are PyBaMM's, too."""

    @jax.jit
    def there_and_back(design: jax.Array, share: jax.Array, y: jax.Array) -> jax.Array:
        states, found = surrogate.physics.states, surrogate.physics.parameters(design)
        return states.state(found, share, states.deviations(found, share, y))

    for design, share, y in zip(data.values[:4], data.share[:, 7], data.states[:, 7], strict=False):
        back = there_and_back(jnp.asarray(design), jnp.asarray(share), jnp.asarray(y))
        np.testing.assert_allclose(back, y, atol=2e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 3e-6)])
def test_lithium_and_salt_are_conserved_for_any_weights(
    surrogate: FieldSurrogate, data: FieldData, dtype: str, tolerance: float
) -> None:
    any_weights, layout = wild(surrogate), surrogate.physics.states.layout
    cell, volumes = surrogate.physics.states.cell, surrogate.physics.states.volumes
    share = jnp.linspace(0, 0.5, 4, dtype=dtype)
    along, spread = jax.jit(any_weights.states), 0.0
    for row in data.values[:3]:
        states = np.asarray(along(jnp.asarray(row, dtype), share))
        assert states.dtype == dtype
        parameters = cell.parameters(dict(zip(SPACE.names, row, strict=True)))
        x = cell.negative.empty + np.asarray(share) * cell.negative.window / row[0]
        y = cell.positive.empty - np.asarray(share) * cell.positive.window
        for name, mean in ((NEGATIVE_PARTICLE, x), (POSITIVE_PARTICLE, y)):
            held = states[:, layout.part(name)]
            np.testing.assert_allclose(held @ volumes[name], mean, atol=tolerance)
            spread = max(spread, float(np.ptp(held[-1])))
        lengths = ("Negative electrode thickness [m]", "Positive electrode thickness [m]")
        widths = np.repeat(
            [parameters[lengths[0]], cell.separator_thickness, parameters[lengths[1]]], POINTS
        )
        salt = states[:, layout.part(SALT)] @ widths
        np.testing.assert_allclose(salt, salt[0], rtol=tolerance)
    assert spread > 1e-3  # the weights did something


def test_a_charge_begins_at_rest_and_vanishes_with_the_rate(surrogate: FieldSurrogate) -> None:
    any_weights, layout = wild(surrogate), surrogate.physics.states.layout
    design = jnp.asarray(SPACE.sobol(1, 3)[0])
    at = jax.jit(any_weights.state)
    start = at(design, jnp.asarray(0.0))
    for name, value in ((NEGATIVE_PARTICLE, 0.03), (POSITIVE_PARTICLE, 0.9)):
        np.testing.assert_allclose(start[layout.part(name)], value, atol=1e-12)
    resting = [at(design.at[2].set(rate), jnp.asarray(0.3)) for rate in (1e-5, 1e-8)]
    potential = layout.part("Electrolyte potential [V]")
    assert np.ptp(resting[1][potential]) < 2e-3 * np.ptp(resting[0][potential])
    assert np.ptp(resting[1][layout.part(NEGATIVE_PARTICLE)]) < 1e-5


def test_it_learns(surrogate: FieldSurrogate, unseen: FieldData) -> None:
    learned, untrained = (_true_errors(one, unseen)[0] for one in (surrogate, wild(surrogate)))
    assert np.median(learned) < 2e-3
    assert np.median(untrained) > 20 * np.median(learned)


def _true_errors(surrogate: FieldSurrogate, data: FieldData) -> np.ndarray:
    """RMS errors of voltage and negative potential [V], two rows."""
    curves = jax.jit(jax.vmap(jax.vmap(surrogate.physics.states.curves)))
    predicted = curves(jnp.asarray(surrogate.predict(data.values, data.share), float))
    wrong = np.asarray(predicted - curves(jnp.asarray(data.states)))
    return np.sqrt(np.mean(wrong[..., :2] ** 2, axis=1)).T


@pytest.fixture(scope="module")
def certifier(surrogate: FieldSurrogate, model: StateModel) -> Certifier:
    return Certifier(surrogate, model)


def test_the_linearised_equations_are_those_of_the_whole_model(
    model: StateModel, surrogate: FieldSurrogate, certifier: Certifier
) -> None:
    """A few derivatives, shared by entries far apart, give PyBaMM's whole Jacobian."""
    equations = ErrorEquations(surrogate.physics, surrogate.modes, model)
    design, shares, k = jnp.asarray(SPACE.sobol(1, 4)[0]), jnp.linspace(0, 0.4, ALONG), 4
    found = certifier.linearised(design, shares)
    known, share = jax.tree.map(lambda leaf: leaf[k], found), shares[k]
    inputs = model.inputs(surrogate.physics.parameters(design))
    seconds = np.where(model.residual.mass == 1, 3600 / float(design[2]), 1.0)

    @jax.jit
    def rates(y: jax.Array) -> jax.Array:
        return seconds * model.residual.right_hand_side(0.0, y, inputs)

    y = jax.jit(surrogate.state)(design, share)
    curves = jax.jit(surrogate.physics.states.curves)
    u = 1e-6 * np.random.default_rng(0).standard_normal(len(equations.mass))
    change = equations.change(jnp.asarray(u))
    expected = np.asarray(equations.tested((rates(y + change) - rates(y - change)) / 2))
    np.testing.assert_allclose(known.matrix @ u, expected, rtol=1e-5, atol=1e-7 * np.abs(expected).max())
    np.testing.assert_allclose(
        known.curves @ u, (curves(y + change) - curves(y - change)) / 2, atol=1e-10
    )


def test_the_certificate_ranks_and_sizes_errors_without_truth(
    model: StateModel, surrogate: FieldSurrogate, certifier: Certifier, unseen: FieldData
) -> None:
    found = certifier.many(unseen.values, unseen.share[:, -1], points=ALONG)
    for estimate, truth in zip(
        (found.voltage, found.potential), _true_errors(surrogate, unseen), strict=True
    ):
        assert spearmanr(estimate, truth).statistic > 0.7
        assert 0.5 < np.median(estimate / truth) < 2
    assert certifier.linearised._cache_size() == certifier._certified._cache_size() == 1
    surrogate.predict(unseen.values, unseen.share)
    assert surrogate._batch._cache_size() == 1
    states = surrogate.physics.states
    finer = dataclasses.replace(states, layout=dataclasses.replace(states.layout, points=POINTS + 1))
    physics = dataclasses.replace(surrogate.physics, states=finer)
    with pytest.raises(InputError, match="cell and mesh"):
        Certifier(dataclasses.replace(surrogate, physics=physics), model)


def test_the_equations_alone_say_where_to_go(model: StateModel, surrogate: FieldSurrogate) -> None:
    """A step down the slope of the equations' own error makes it smaller; nothing was simulated."""
    equations = ErrorEquations(surrogate.physics, surrogate.modes, model)
    design, share = jnp.asarray(SPACE.sobol(1, 9)[0]), jnp.asarray(0.2)

    @jax.jit
    def unsolved(weights: Weights) -> Any:
        def loss(weights: Weights) -> jax.Array:
            return jnp.sum(equations.local_error(weights, design, share, 0.1)[0] ** 2)

        return jax.value_and_grad(loss)(weights)

    value, slope = unsolved(surrogate.weights)
    square = sum(float(jnp.sum(leaf**2)) for leaf in slope.values())
    size = 0.02 * float(value) / square  # a step that would take 2 % off, were the error a plane
    after, _ = unsolved({k: w - size * slope[k] for k, w in surrogate.weights.items()})
    assert 0 < float(after) < 0.99 * float(value)


def test_a_reloaded_surrogate_predicts_the_same_bits(
    surrogate: FieldSurrogate, unseen: FieldData, tmp_path: Path
) -> None:
    save_fields(surrogate, tmp_path)
    again = load_fields(tmp_path)
    np.testing.assert_array_equal(
        again.predict(unseen.values, unseen.share), surrogate.predict(unseen.values, unseen.share)
    )
    config = json.loads((tmp_path / "fields.json").read_text())
    for broken in (config | {"format": "fields 0"}, {"format": "fields 2"}, ["fields 2"]):
        (tmp_path / "fields.json").write_text(json.dumps(broken))
        with pytest.raises(InputError, match="must hold a whole field surrogate"):
            load_fields(tmp_path)
    (tmp_path / "fields.json").write_text(json.dumps(config))
    content = (tmp_path / "fields.safetensors").read_bytes()
    (tmp_path / "fields.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="must hold a whole field surrogate"):
        load_fields(tmp_path)


def test_fields_by_name(surrogate: FieldSurrogate) -> None:
    design = {"N/P ratio": 1.2, "Positive electrode thickness [m]": 60e-6, C_RATE: 2.0}
    share = np.linspace(0, 0.3, 4)
    particles = surrogate.field(NEGATIVE_PARTICLE, design, share)
    assert particles.shape == (4, POINTS, POINTS)
    assert np.all(np.diff(particles[-1], axis=1) > 0)  # charging fills particles from outside
    assert surrogate.field(SALT, design, share).shape == (4, 3 * POINTS)
    with pytest.raises(InputError, match="must be one of the state's"):
        surrogate.field("Salt", design, share)
    with pytest.raises(InputError, match="every variable"):
        surrogate.field(SALT, {C_RATE: 1.0}, share)
    with pytest.raises(InputError, match="trained box"):
        surrogate.field(SALT, design | {C_RATE: 5.0}, share)
    with pytest.raises(InputError, match="trained box"):
        surrogate.field(SALT, design | {C_RATE: np.nan}, share)


def test_bad_data_is_named(model: StateModel, data: FieldData) -> None:
    broken = data.states.copy()
    broken[4, 3, 7] = np.nan
    for wrong, rule in (
        (dataclasses.replace(data, states=broken), "must be finite"),
        (data.only(slice(3)), "at least"),
        (dataclasses.replace(data, states=data.states[..., :-1]), "the model's"),
        (dataclasses.replace(data, names=SPACE.names[::-1]), "in its order"),
    ):
        with pytest.raises(InputError, match=rule):
            train_fields(wrong, model, SPACE, SHORT)
    with pytest.raises(InputError, match="rise from 0"):
        model.simulate({}, np.array([1.0, 2.0]))
    with pytest.raises(InputError, match="constant-current"):
        StateModel(model.cell, Scenario(1.0, hold_voltage=True), SolverSettings())
    graded = Cell.load(
        "Chen2020", Structure.of([f"Negative electrode porosity of layer {k}" for k in (1, 2)])
    )
    with pytest.raises(InputError, match="uniform"):
        StateModel(graded, Scenario(1.0), SolverSettings())


def test_modes_leave_what_they_are_told_to(surrogate: FieldSurrogate) -> None:
    random = np.random.default_rng(0)
    planted = random.standard_normal((200, 2)) @ random.standard_normal((2, 3 * POINTS))
    modes = Modes.fit(surrogate.physics.states, {SALT: planted}, {SALT: 1e-6}, 24)
    assert modes.counts == {SALT: 2}
    volumes = surrogate.physics.states.volumes[SALT]
    np.testing.assert_allclose(
        (modes.vectors[SALT] * volumes) @ modes.vectors[SALT].T, np.eye(2), atol=1e-9
    )
