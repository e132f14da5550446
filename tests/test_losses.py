"""What networks are held to beside simulated values, on curves where the answer is known."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError
from electrograd.physics.scenario import Scenario
from electrograd.physics.variables import C_RATE, N_P_RATIO, POSITIVE_THICKNESS
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.losses import (
    REACH,
    SCALE,
    WEIGHTS,
    curve_loss,
    monotonicity_loss,
    open_circuit_loss,
    slope_loss,
)
from electrograd.surrogates.training import TrainingSettings, train_ensemble
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.record import POINTS
from electrograd.sweeps.space import DesignSpace

SHARE = jnp.linspace(0.0, 0.8, 9)
RAMP = SHARE[:, None] * jnp.ones(4)


def slopes(error: jax.Array, share: jax.Array) -> float:
    return float(slope_loss(error[:-1], error[1:], jnp.diff(share)))


def test_an_error_that_grows_counts_by_its_slope_and_one_that_does_not_is_free() -> None:
    expected = sum(WEIGHTS) * (0.03 * REACH / SCALE) ** 2
    assert slopes(0.5 + 0.03 * RAMP, SHARE) == pytest.approx(expected, rel=1e-6)
    assert slopes(0.5 + 0.03 * RAMP[::-1], SHARE[::-1]) == pytest.approx(expected, rel=1e-6)
    assert slopes(jnp.full((9, 4), 0.5), SHARE) == 0.0


def test_points_too_close_to_tell_a_slope_are_left_out_with_finite_gradients() -> None:
    def loss(error: jax.Array) -> jax.Array:
        return slope_loss(error, 2 * error, jnp.zeros(9))

    assert float(loss(RAMP)) == 0.0
    assert np.all(np.isfinite(jax.grad(loss)(RAMP)))


def test_only_what_no_charge_does_is_penalised() -> None:
    charge = jnp.stack([SHARE, -SHARE, SHARE, -SHARE], axis=-1)[None]
    assert float(monotonicity_loss(charge)) == 0.0
    # Of the four curves, the negative potential alone may go either way.
    assert float(monotonicity_loss(-charge)) == pytest.approx(3 * (0.1 / SCALE) ** 2, rel=1e-6)


@pytest.fixture(scope="module")
def physics(cell: Cell) -> CurvePhysics:
    space = DesignSpace.from_bounds(
        {N_P_RATIO: (1.05, 1.3), POSITIVE_THICKNESS: (40e-6, 100e-6), C_RATE: (0.5, 4.0)}
    )
    return CurvePhysics.of(cell, space, Scenario(1.0, upper_voltage=4.2, lower_voltage=2.5))


def test_the_form_is_at_open_circuit_without_current_and_others_are_told(
    physics: CurvePhysics,
) -> None:
    outputs = jax.random.normal(jax.random.key(0), (9, 4))

    @jax.jit
    def curves(design: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        known = physics.inputs(design, SHARE)
        rest = physics.open_circuit(known.means)
        unscaled = jnp.ones((9, 4))  # as in a form without estimates and without this limit
        return (
            rest,
            physics.decode(outputs, known.means, known.scales),
            physics.decode(outputs, known.means, unscaled),
        )

    rest, built_in, plain = curves(jnp.array([1.15, 7e-5, 1e-5]))
    assert float(open_circuit_loss(built_in, rest)) < 1e-4  # 0.1 mV
    assert float(open_circuit_loss(plain, rest)) > 1.0
    shifted = rest + 0.02
    assert float(open_circuit_loss(shifted, rest)) == pytest.approx(float(curve_loss(shifted - rest)))


def test_the_limit_of_zero_rate_needs_a_rate_that_varies(physics: CurvePhysics) -> None:
    space = DesignSpace.from_bounds({N_P_RATIO: (1.05, 1.3), POSITIVE_THICKNESS: (40e-6, 100e-6)})
    fixed = replace(physics, space=space, centre=None)
    none = np.empty((0, POINTS))
    data = Dataset(space.names, np.empty((0, 2)), np.empty(0, int), [], none, {}, {})
    with pytest.raises(InputError, match="C-rate"):
        train_ensemble(data, fixed, TrainingSettings(zero_rate=0.1))


def test_defaults_follow_the_number_of_designs() -> None:
    usual = TrainingSettings()
    assert [usual.width_for(n) for n in (256, 257)] == [64, 128]
    assert [usual.steps_for(n) for n in (256, 257, 1001)] == [10_000, 20_000, 40_000]
    stated = TrainingSettings(steps=7, width=5)
    assert (stated.steps_for(2048), stated.width_for(64)) == (7, 5)
