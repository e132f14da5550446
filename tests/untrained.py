"""Surrogates that were never trained, and sweeps that were never simulated."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from electrograd.physics.charge import CURVES, End
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    LEAST_ELECTROLYTE,
    N_P_RATIO,
    NEGATIVE_POROSITY,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    POSITIVE_THICKNESS,
)
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.ensemble import Ensemble
from electrograd.surrogates.student import Student, branch_shape
from electrograd.surrogates.surrogate import Accuracy, Surrogate
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.record import PLACES, POINTS
from electrograd.sweeps.space import DesignSpace

SPACE = DesignSpace.from_bounds(
    {N_P_RATIO: (1.05, 1.3), POSITIVE_THICKNESS: (40e-6, 100e-6), NEGATIVE_POROSITY: (0.2, 0.5)}
)
SCENARIO = Scenario(1.0, upper_voltage=4.2, lower_voltage=2.5)
LIMITS = SolverSettings()


def untrained(physics: CurvePhysics, dtype: str, c_rate: float = 1.0, seed: int = 0) -> Surrogate:
    """Random weights: whatever holds for them holds by construction."""
    tables = {side: getattr(physics, side).astype(dtype) for side in ("negative", "positive")}
    physics = dataclasses.replace(physics, c_rate=c_rate, **tables)
    ensemble = Ensemble(physics, 8, 2, {})
    weights = ensemble.shape.draw(2, jax.random.key(seed))
    errors = {ACCEPTED_SHARE: {"median": 0.1, "95th percentile": 0.3, "interval": 0.2}}
    return Surrogate(
        ensemble=dataclasses.replace(
            ensemble, weights={name: value.astype(dtype) for name, value in weights.items()}
        ),
        student=None,
        scenario=Scenario(c_rate, hold_until=c_rate / 2).of(physics.cell),
        settings=LIMITS,
        accuracy=Accuracy({}, errors, {ACCEPTED_SHARE: np.array([[0.5, 0.6]])}),
        trust=None,
        dataset="none",
    )


def with_student(surrogate: Surrogate) -> Surrogate:
    """The same, answered by a student that was taught nothing."""
    physics = surrogate.physics
    count = physics.slow_features
    drawn = branch_shape(physics, 16, 2).draw(1, jax.random.key(0))
    arrays = {f"network.{name}": leaf[0] for name, leaf in drawn.items()} | {
        "reach.constant": jnp.float32(0.0),
        "reach.linear": jnp.zeros(count, jnp.float32),
        "reach.square": jnp.zeros((count, count), jnp.float32),
    }
    limit = surrogate.scenario.charge_limit
    return dataclasses.replace(surrogate, student=Student(physics, 16, 2, arrays, limit))


def planted(teacher: Surrogate, designs: int) -> Dataset:
    """Curves of a known surrogate, as if they had been simulated."""
    values = SPACE.sobol(designs, seed=5)
    figures = teacher.predict(values)
    share = PLACES * figures[ACCEPTED_SHARE][:, None]
    curves = np.asarray(jax.jit(jax.vmap(teacher.curves))(jnp.asarray(values), jnp.asarray(share)))
    names = list(CURVES)
    return Dataset(
        names=SPACE.names,
        values=values,
        ends=np.full(designs, int(End.VOLTAGE_CUT_OFF)),
        messages=[""] * designs,
        charge=share * figures[NOMINAL_CAPACITY][:, None],
        curves={name: curves[..., k] for k, name in enumerate(names[:4])}
        | {names[4]: np.full((designs, POINTS), 1000.0)},
        figures={
            name: np.asarray(figures[name], float)
            for name in (NOMINAL_CAPACITY, ACCEPTED_CAPACITY, PLATING_MARGIN)
        }
        | {LEAST_ELECTROLYTE: np.full(designs, 1000.0)},
    )
