"""Teach a student the ensemble's answers, at designs drawn without end.

No simulation is spent: the ensemble answers for any design of the box, so what the student adds to the
error is a matter of training time (Hinton, Vinyals and Dean, arXiv:1503.02531).
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
from jaxtyping import Array, Float
from scipy.stats import qmc

from electrograd.physics.scenario import Scenario
from electrograd.surrogates.curve_physics import CURVES
from electrograd.surrogates.ensemble import Ensemble
from electrograd.surrogates.figures import GRID, end_of_charge, excess
from electrograd.surrogates.losses import curve_loss
from electrograd.surrogates.progress import Progress, silent
from electrograd.surrogates.student import NODES, Student, branch_shape, decode, encode, places, reach
from electrograd.surrogates.training import MANY

_FITTED = 2048  # designs that the reach is fitted to
_KEPT = 4  # rounds whose designs are trained on at a time
_FAR = 0.01  # V past a limit at which nodes count half: no simulation has taught the ensemble there
_FLOOR = 1e-6  # of a squared loss, (10 µV)²: keeps the slope of its root finite
_AT_ONCE = 128  # designs asked at a time, which bounds the memory


@dataclass(frozen=True)
class DistillationSettings:
    """How a student is taught; the defaults need no tuning.

    Attributes
    ----------
    width, depth
        Neurons a layer (by default as `width_for` says) and hidden layers.
    rounds, steps
        Draws of new designs, and optimiser steps after each.
    batch
        Designs in a step.
    designs
        New ones in each round.
    learning_rate
        Peak rate of Muon, decayed to zero along a cosine.
    seed
        Of designs, weights and batches.
    """

    width: int | None = None
    depth: int = 3
    rounds: int = 50
    steps: int = 1000
    batch: int = 256
    designs: int = 8192
    learning_rate: float = 0.01
    seed: int = 0

    def width_for(self, designs: int) -> int:
        """Neurons a layer for an ensemble of so many designs unless stated: 192 for many, else 128."""
        return self.width or (192 if designs > MANY else 128)


def distil(
    ensemble: Ensemble,
    scenario: Scenario,
    settings: DistillationSettings,
    progress: Progress = silent,
    designs: int = 0,
) -> Student:
    """Teach a student what an ensemble knows that was trained on so many ``designs``."""
    physics, width = ensemble.physics, settings.width_for(designs)
    sampler = qmc.Sobol(len(physics.space), rng=np.random.default_rng(settings.seed))

    def draw(designs: int) -> Float[np.ndarray, "designs variables"]:
        return physics.space.from_unit(sampler.random(designs)).astype(np.float32)

    slow = jax.jit(jax.vmap(physics.slow_inputs))

    @jax.jit
    def ends(designs: Array) -> Float[Array, " designs"]:
        grid = scenario.charge_limit * jnp.linspace(0, 1, GRID, dtype=designs.dtype)

        def one(design: Array) -> Float[Array, ""]:
            return end_of_charge(lambda share: ensemble.curves(design, share), scenario, grid)

        return jax.lax.map(one, designs, batch_size=_AT_ONCE)

    first = draw(_FITTED)
    arrays = fit_reach(np.asarray(slow(first), float), np.asarray(ends(first), float))

    def shares(features: Array) -> Float[Array, " nodes"]:
        return reach(arrays, features, scenario.charge_limit) * places(features.dtype)

    @jax.jit
    def answers(designs: Array, features: Array) -> Float[Array, "designs nodes outputs"]:
        def one(pair: tuple[Array, Array]) -> Float[Array, "nodes outputs"]:
            return ensemble.curves(pair[0], shares(pair[1]))

        return jax.lax.map(one, (designs, features), batch_size=_AT_ONCE)

    features = slow(first)
    logarithms = jax.vmap(lambda d, f, c: encode(physics, d, shares(f), c))(
        jnp.asarray(first), features, answers(first, features)
    )
    # What the network returns is scaled at the nodes; leads, which vanish at the start, as after it.
    centre, spread = jnp.mean(logarithms, axis=0), jnp.std(logarithms, axis=0) + 1e-3
    centre, spread = (a.at[:2, 0].set(a[:2, 1]) for a in (centre, spread))
    shape = branch_shape(physics, width, settings.depth)

    def curves(weights: Any, design: Array, features: Array) -> Float[Array, "nodes outputs"]:
        out = shape.apply(weights, features).reshape(len(CURVES), NODES)
        return jnp.stack(decode(physics, design, shares(features), centre + spread * out), axis=-1)

    def loss(weights: Any, design: Array, features: Array, answer: Array) -> Float[Array, ""]:
        error = jax.vmap(lambda d, f: curves(weights, d, f))(design, features) - answer
        past = jnp.maximum(excess(answer[..., 0], scenario), 0.0) / _FAR
        squares = jax.vmap(curve_loss)(error, 1 / (1 + past**2))
        return jnp.mean(jnp.sqrt(squares + _FLOOR))

    @jax.jit
    def unlike(
        weights: Any, designs: Array, features: Array, answers: Array
    ) -> Float[Array, "designs nodes outputs"]:
        return jax.vmap(lambda d, f: curves(weights, d, f))(designs, features) - answers

    total = settings.rounds * settings.steps
    optimiser = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.contrib.muon(optax.cosine_decay_schedule(settings.learning_rate, total)),
    )
    key_weights, key_steps = jax.random.split(jax.random.key(settings.seed))

    @jax.jit
    def run(carry: Any, keys: Array, pool: Any) -> Any:
        def step(carry: Any, key: Array) -> tuple[Any, None]:
            weights, state = carry
            index = jax.random.randint(key, (settings.batch,), 0, len(pool[0]))
            slopes = jax.grad(loss)(weights, *(part[index] for part in pool))
            updates, state = optimiser.update(slopes, state, weights)
            return (optax.apply_updates(weights, updates), state), None

        return jax.lax.scan(step, carry, keys)[0]

    def taught(designs: Array) -> tuple[Array, Array, Array]:
        features = slow(designs)
        return designs, features, answers(designs, features)

    weights = {name: leaf[0] for name, leaf in shape.draw(1, key_weights).items()}
    carry = (weights, optimiser.init(weights))
    keys = jax.random.split(key_steps, total)
    pools = [taught(jnp.asarray(draw(settings.designs)))] * _KEPT
    for k in range(settings.rounds):
        if k:
            pools = [*pools[1:], taught(jnp.asarray(draw(settings.designs)))]
        pool = tuple(jnp.concatenate(parts) for parts in zip(*pools, strict=True))
        carry = run(carry, keys[k * settings.steps : (k + 1) * settings.steps], pool)
        rmse = 1e3 * np.sqrt(np.mean(np.asarray(unlike(carry[0], *pools[-1]))[..., 0] ** 2, axis=1))
        progress((k + 1) * settings.steps, total, float(np.median(rmse)))
    weights = dict(carry[0])
    # The scaling goes into the last layer.
    scale, shift = spread.reshape(-1), centre.reshape(-1)
    weights["out.kernel"] = weights["out.kernel"] * scale[None]
    weights["out.bias"] = weights["out.bias"] * scale + shift
    named = {f"network.{name}": leaf for name, leaf in weights.items()}
    return Student(physics, width, settings.depth, {**named, **arrays}, scenario.charge_limit)


def fit_reach(
    features: Float[np.ndarray, "designs features"], ends: Float[np.ndarray, " designs"]
) -> dict[str, Array]:
    """Fit log(end of charge) by a quadratic, raised so that no design fitted to ends beyond it."""
    width = features.shape[1]
    upper = np.triu_indices(width)
    products = (features[:, :, None] * features[:, None, :])[:, upper[0], upper[1]]
    terms = np.concatenate([np.ones((len(features), 1)), features, products], axis=1)
    target = np.log(np.maximum(ends, 1e-3))
    solution = np.linalg.lstsq(terms, target, rcond=1e-6)[0]
    square = np.zeros((width, width))
    square[upper] = solution[1 + width :]
    margin = np.max(target - terms @ solution) + 0.01
    return {
        "reach.constant": jnp.asarray(solution[0] + margin, jnp.float32),
        "reach.linear": jnp.asarray(solution[1 : 1 + width], jnp.float32),
        "reach.square": jnp.asarray(square, jnp.float32),
    }
