"""Train a field surrogate on PyBaMM's states, and on PyBaMM's equations where nothing was simulated."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
from jaxtyping import Array, Float

from electrograd.physics.errors import InputError
from electrograd.physics.open_circuit import OpenCircuitPotential
from electrograd.physics.state_layout import (
    ELECTROLYTE_POTENTIAL,
    FIELDS,
    NEGATIVE_PARTICLE,
    NEGATIVE_SOLID,
    POSITIVE_PARTICLE,
    POSITIVE_SOLID,
    SALT,
)
from electrograd.physics.states import StateModel
from electrograd.physics.variables import C_RATE
from electrograd.surrogates.field_basis import CONCENTRATIONS, Modes, StateMap
from electrograd.surrogates.field_data import FieldData
from electrograd.surrogates.field_residual import ErrorEquations
from electrograd.surrogates.fields import (
    FieldPhysics,
    FieldSurrogate,
    Weights,
    coefficients,
    growth,
    initial_weights,
    state,
)
from electrograd.sweeps.space import DesignSpace

Progress = Callable[[int, int, float], None]
"""Called with steps done, steps in all, and the training loss."""

TOLERANCES = {
    NEGATIVE_PARTICLE: 5e-5,
    POSITIVE_PARTICLE: 5e-5,
    SALT: 2e-4,
    NEGATIVE_SOLID: 1e-8,
    POSITIVE_SOLID: 1e-6,
    ELECTROLYTE_POTENTIAL: 2e-5,
}
"""What the modes may leave of each deviation over the C-rate (RMS): stoichiometry, c / c_0, V."""

_RELATIVE = 0.01  # an error of one: this share of a field's deviations (RMS)
_CURVE = 0.002  # V: an error of one in voltage and negative potential
_LASTING = 0.1  # of the nominal capacity: how long the equations' defect is let act in a loss
_LEAST = 8
"""Designs."""


@dataclass(frozen=True)
class FieldTraining:
    """How a field surrogate is trained.

    Attributes
    ----------
    width, depth
        Neurons a layer and hidden layers.
    steps, batch
        Optimiser steps, and states seen in each.
    learning_rate
        Peak rate of Muon, decayed to zero along a cosine.
    most_modes
        Modes of a field at most.
    residual
        Weight of the equations' residual, at designs that were never simulated, in the second half of
        training; 0 leaves it out.
    collocation
        States, of random designs of the box, at which the residual is taken in each step.
    seed
        Of weights and batches.
    """

    width: int = 128
    depth: int = 3
    steps: int = 4000
    batch: int = 512
    learning_rate: float = 0.02
    most_modes: int = 24
    residual: float = 10.0
    collocation: int = 8
    seed: int = 0


def train_fields(
    data: FieldData,
    model: StateModel,
    space: DesignSpace,
    settings: FieldTraining,
    progress: Progress = lambda done, total, loss: None,
) -> FieldSurrogate:
    """Fit modes and network to simulated states, and the network to PyBaMM's equations if asked.

    Raises
    ------
    InputError
        If the data are of other variables than the space's, too few, or not finite.
    """
    check_fields(data, model, space)
    cell, scenario = model.cell, model.scenario
    states = StateMap(
        cell,
        OpenCircuitPotential.from_pybamm(cell, "negative", scenario.temperature),
        OpenCircuitPotential.from_pybamm(cell, "positive", scenario.temperature),
        model.layout,
    )
    physics = FieldPhysics.over(states, space, scenario.c_rate)
    modes, target, unit = fitted_modes(physics, data, settings.most_modes)
    curve = jax.jit(jax.vmap(jax.vmap(states.curves)))(jnp.asarray(data.states))
    points = data.share.shape[1]

    def single(values: Any) -> Float[Array, "samples ..."]:
        return jnp.asarray(values, jnp.float32).reshape(-1, *values.shape[2:])

    samples: dict[str, Any] = {
        "design": single(np.repeat(data.values[:, None], points, axis=1)),
        "share": single(data.share),
        "target": {name: single(value) for name, value in target.items()},
        "curve": single(np.asarray(curve)),
    }

    def error(weights: Weights, one: Any) -> Float[Array, ""]:
        """Squared errors of one state, in the units that count as one."""
        design, share = one["design"], one["share"]
        found = coefficients(physics, modes, weights, design, share)
        learned = states.curves(state(physics, modes, found, design, share))
        rate = physics.parameters(design)[C_RATE]
        wrong = [
            jnp.sum((rate * (found[name] - one["target"][name])) ** 2) / unit[name] ** 2
            for name in found
        ]
        in_curves = jnp.sum((learned - one["curve"])[:2] ** 2) / _CURVE**2
        return sum(wrong, jnp.zeros((), design.dtype)) / len(wrong) + in_curves

    equations = ErrorEquations(physics, modes, model)

    def unsolved(weights: Weights, design: Array, share: Array) -> Float[Array, ""]:
        """The same units, by the equations alone."""
        found, curves = equations.local_error(weights, design, share, _LASTING)
        return squared(equations.squares(design, found), curves, unit)

    lower, upper = jnp.asarray(space.lower)[None], jnp.asarray(space.upper)[None]
    seen = (jnp.asarray(data.values) - lower) / (upper - lower)
    ends = jnp.asarray(data.share[:, -1])

    def nearest_end(place: Array) -> Float[Array, ""]:
        """How far the nearest simulated design was charged: beyond, states mean nothing."""
        return ends[jnp.argmin(jnp.sum((seen - place[None]) ** 2, axis=1))]

    def beside_data(weights: Weights, key_place: Array, key_share: Array) -> Float[Array, ""]:
        """The equations' say at random designs of the box."""
        place = jax.random.uniform(key_place, (settings.collocation, len(space)), float)
        share = jax.random.uniform(key_share, (settings.collocation,), float)
        share = share * jax.vmap(nearest_end)(place)
        design = lower + (upper - lower) * place
        return jnp.mean(jnp.log1p(jax.vmap(unsolved, (None, 0, 0))(weights, design, share)))

    def loss(weights: Weights, key: Array, late: Array) -> Float[Array, ""]:
        key_batch, key_place, key_share = jax.random.split(key, 3)
        index = jax.random.randint(key_batch, (settings.batch,), 0, len(samples["share"]))
        batch = jax.tree.map(lambda leaf: leaf[index], samples)
        fitted = jnp.mean(jax.vmap(error, (None, 0))(weights, batch))
        if not settings.residual:
            return fitted
        # At first, states are too wild for the equations; then outliers must not drown the rest.
        beside = jax.lax.cond(late, beside_data, lambda *_: jnp.zeros(()), weights, key_place, key_share)
        return fitted + settings.residual * beside

    # Of a state learned halfway, PyBaMM's equations may make no number: such a step is left out.
    optimiser = optax.apply_if_finite(
        optax.chain(
            optax.clip_by_global_norm(1.0),
            optax.contrib.muon(optax.cosine_decay_schedule(settings.learning_rate, settings.steps)),
        ),
        max_consecutive_errors=settings.steps,
    )

    def step(carry: Any, at: Any) -> Any:
        weights, inner = carry
        value, slope = jax.value_and_grad(loss)(weights, *at)
        updates, inner = optimiser.update(slope, inner, weights)
        return (optax.apply_updates(weights, updates), inner), value

    run = jax.jit(lambda carry, at: jax.lax.scan(step, carry, at))
    outputs = sum(modes.counts.values())
    weights = initial_weights(physics.features, settings.width, settings.depth, outputs, settings.seed)
    carry = (weights, optimiser.init(weights))
    keys = jax.random.split(jax.random.key(settings.seed + 1), settings.steps)
    late = jnp.arange(settings.steps) >= settings.steps // 2
    chunk = max(1, settings.steps // 20)
    for start in range(0, settings.steps, chunk):
        part = slice(start, start + chunk)
        carry, values = run(carry, (keys[part], late[part]))
        progress(min(start + chunk, settings.steps), settings.steps, float(jnp.mean(values)))
    return FieldSurrogate(
        physics=physics,
        modes=modes,
        weights=carry[0],
        units=unit,
        scenario=scenario,
        settings=model.settings,
        dataset=data.fingerprint(),
    )


def squared(
    squares: dict[str, Array], curves: Float[Array, " outputs"], units: dict[str, float]
) -> Float[Array, ""]:
    """Mean of the fields' mean squares in their units, and squares of both potentials' curves."""
    wrong = jnp.stack([square / units[name] ** 2 for name, square in squares.items()])
    return jnp.mean(wrong) + jnp.sum(curves[:2] ** 2) / _CURVE**2


def fitted_modes(
    physics: FieldPhysics, data: FieldData, most: int, tolerance: float = 1.0
) -> tuple[Modes, dict[str, Float[np.ndarray, "designs points modes"]], dict[str, float]]:
    """Modes of the data's deviations, the data's coefficients, and what counts as an error of one.

    ``tolerance`` multiplies what the modes may leave.
    """
    states = physics.states
    volumes = states.volumes

    def deviations(design: Array, share: Array, state: Array) -> Any:
        parameters = physics.parameters(design)
        return jax.vmap(lambda s, y: states.deviations(parameters, s, y))(share, state)

    found = jax.jit(jax.vmap(deviations))(
        jnp.asarray(data.values), jnp.asarray(data.share), jnp.asarray(data.states)
    )
    rate = np.array([float(physics.parameters(jnp.asarray(row))[C_RATE]) for row in data.values])
    scaled = {name: np.asarray(found[name]) / rate[:, None, None] for name in FIELDS}
    flat = {name: value.reshape(-1, value.shape[-1]) for name, value in scaled.items()}
    allowed = {name: tolerance * value for name, value in TOLERANCES.items()}
    modes = Modes.fit(states, flat, allowed, most)
    target = {
        name: np.einsum("dpe,me->dpm", scaled[name] * volumes[name], modes.vectors[name])
        for name in FIELDS
    }
    started = growth(data.share)[..., None]
    sizes, units = {}, {}
    for name, value in target.items():
        relative = value[:, 1:] / started[:, 1:] if name in CONCENTRATIONS else value
        sizes[name] = np.sqrt(np.mean(relative**2, axis=(0, 1)))
        square = np.sum(np.asarray(found[name]) ** 2 * volumes[name], axis=-1)
        units[name] = _RELATIVE * float(np.sqrt(np.mean(square)))
    return Modes(modes.vectors, sizes), target, units


def check_fields(data: FieldData, model: StateModel, space: DesignSpace) -> None:
    """Raise `InputError` unless the data can train a field surrogate; see `train_fields`."""
    if data.names != space.names:
        raise InputError(
            "the data's variables must be the space's, in its order", data.names, space.names
        )
    if data.states.shape[-1] != model.layout.states:
        raise InputError("states must be the model's", data.states.shape[-1], model.layout.states)
    if len(data) < _LEAST:
        raise InputError(f"training needs at least {_LEAST} designs", len(data), _LEAST)
    for name, values in (("values", data.values), ("share", data.share), ("states", data.states)):
        broken = np.flatnonzero(~np.all(np.isfinite(values.reshape(len(data), -1)), axis=1))
        if broken.size:
            row = dict(zip(data.names, data.values[broken[0]].tolist(), strict=True))
            raise InputError(f"the {name} of every design must be finite", f"design {row}")
