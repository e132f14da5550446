"""Train an ensemble of curve networks, each member blind to its own fold of the designs.

With K members and K folds every design is held out from exactly one member. Its errors there are honest
for each single member, and a little pessimistic for the mean of all that predicts in the end; the
intervals are their quantiles (cross-conformal prediction: Barber et al., Ann. Stat. 49 (2021) 486).
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
from jaxtyping import Array, Float

from electrograd.physics.charge import (
    NEGATIVE_POTENTIAL,
    NEGATIVE_SURFACE,
    POSITIVE_SURFACE,
    VOLTAGE,
)
from electrograd.physics.errors import InputError
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
)
from electrograd.surrogates.figures import figures_of_merit
from electrograd.surrogates.network import CurvePhysics
from electrograd.surrogates.surrogate import (
    Accuracy,
    Surrogate,
    initial_weights,
    member_curves,
)
from electrograd.sweeps.dataset import Dataset

Progress = Callable[[int, int, float], None]
"""Called with steps done, steps in all, and the held-out voltage error [mV]."""

TARGETS = (VOLTAGE, NEGATIVE_POTENTIAL, NEGATIVE_SURFACE, POSITIVE_SURFACE)
"""What the network's curves are fitted to, in the order of `network.CURVES`."""

_SCALES = (0.01, 0.01, 0.01, 0.01)  # V, V, and stoichiometries: what counts as an error of one
_WEIGHTS = (1.0, 1.0, 0.2, 0.2)


@dataclass(frozen=True)
class TrainingSettings:
    """How an ensemble is trained; the defaults need no tuning for a few variables.

    Attributes
    ----------
    members
        Networks in the ensemble, and folds of the data.
    width, depth
        Neurons a layer and hidden layers.
    steps, batch
        Optimiser steps, and designs each member sees in a step.
    learning_rate
        Peak rate of Muon (orthogonalised momentum), decayed to zero along a cosine; at equal steps it
        left half of Adam's error or less here.
    seed
        Of weights, folds and batches.
    """

    members: int = 4
    width: int = 64
    depth: int = 3
    steps: int = 4000
    batch: int = 32
    learning_rate: float = 0.02
    seed: int = 0


def train(
    dataset: Dataset,
    physics: CurvePhysics,
    scenario: Scenario,
    solver: SolverSettings,
    settings: TrainingSettings,
    progress: Progress = lambda done, total, error: None,
) -> Surrogate:
    """Fit an ensemble to the completed simulations of a sweep.

    Raises
    ------
    InputError
        If too few simulations completed, or their curves are not finite.
    """
    check_data(dataset, physics.space.names, settings)
    data = dataset.only(dataset.completed)
    design = jnp.asarray(data.values, jnp.float32)
    share = jnp.asarray(data.charge / data.figures[NOMINAL_CAPACITY][:, None], jnp.float32)
    target = jnp.stack([jnp.asarray(data.curves[name], jnp.float32) for name in TARGETS], axis=-1)
    shape = (settings.width, settings.depth)
    members = settings.members
    fold = np.random.default_rng(settings.seed).permutation(len(data)) % members
    # Folds differ by a design in size: cut to the smallest, so that they stack.
    kept = [np.flatnonzero(fold != k) for k in range(members)]
    rows = jnp.asarray(np.stack([k[: min(map(len, kept))] for k in kept]))

    def curves(weights: Any, design: Array, share: Array) -> Float[Array, "designs points outputs"]:
        return jax.vmap(lambda d, s: member_curves(physics, shape, weights, d, s))(design, share)

    def loss(weights: Any, index: Array) -> Float[Array, ""]:
        error = curves(weights, design[index], share[index]) - target[index]
        weight = jnp.asarray(_WEIGHTS, jnp.float32) / jnp.asarray(_SCALES, jnp.float32) ** 2
        return jnp.einsum("dpo,o->", error**2, weight) / error.size

    optimiser = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.contrib.muon(optax.cosine_decay_schedule(settings.learning_rate, settings.steps)),
    )

    def step(carry: Any, key: Array) -> tuple[Any, None]:
        def one(weights: Any, state: Any, key: Array, rows: Array) -> tuple[Any, Any]:
            index = rows[jax.random.randint(key, (settings.batch,), 0, rows.shape[0])]
            updates, state = optimiser.update(jax.grad(loss)(weights, index), state, weights)
            return optax.apply_updates(weights, updates), state

        weights, state = carry
        return jax.vmap(one)(weights, state, jax.random.split(key, members), rows), None

    @jax.jit
    def run(carry: Any, keys: Array) -> Any:
        return jax.lax.scan(step, carry, keys)[0]

    own = jnp.asarray(fold)

    @jax.jit
    def held_out(weights: Any) -> Float[Array, "designs points outputs"]:
        """Each design's curves from the member that never saw it."""
        every = jax.vmap(lambda w: curves(w, design, share))(weights)
        return every[own, jnp.arange(len(data))]

    key_weights, key_steps = jax.random.split(jax.random.key(settings.seed))
    weights = initial_weights(shape, physics.features, members, key_weights)
    carry = (weights, jax.vmap(optimiser.init)(weights))
    chunk = max(1, settings.steps // 20)
    keys = jax.random.split(key_steps, settings.steps)
    for start in range(0, settings.steps, chunk):
        carry = run(carry, keys[start : start + chunk])
        rmse = curve_rmse(np.asarray(held_out(carry[0]) - target))
        progress(min(start + chunk, settings.steps), settings.steps, float(np.median(rmse[:, 0])))
    weights = carry[0]

    def held_out_figures(member: Array, design: Array) -> dict[str, Array]:
        mine = jax.tree.map(lambda leaf: leaf[member], weights)
        return figures_of_merit(
            physics,
            design,
            lambda share: member_curves(physics, shape, mine, design, share),
            scenario,
            solver,
        )

    predicted = jax.jit(jax.vmap(held_out_figures))(own, design)
    return Surrogate(
        physics=physics,
        scenario=scenario,
        settings=solver,
        shape=shape,
        weights=weights,
        accuracy=accuracy_of(
            data,
            np.asarray(held_out(weights) - target),
            {name: np.asarray(value) for name, value in predicted.items()},
        ),
        dataset=dataset.fingerprint(),
    )


def check_data(dataset: Dataset, names: tuple[str, ...], settings: TrainingSettings) -> None:
    """Raise `InputError` unless the completed simulations can train an ensemble."""
    if dataset.names != names:
        raise InputError("the sweep's variables must be the space's, in its order", dataset.names, names)
    data = dataset.only(dataset.completed)
    least = 8 * settings.members
    if len(data) < least:
        failures = Counter(dataset.only(~dataset.completed).messages).most_common(1)
        reason = f"; the commonest failure was: {failures[0][0]}" if failures else ""
        raise InputError(
            f"training needs at least {least} completed simulations "
            f"({settings.members} members, 8 designs held out from each){reason}",
            len(data),
            least,
        )
    learned = {name: data.curves[name] for name in TARGETS}
    figures = {name: value[:, None] for name, value in data.figures.items()}
    for name, values in {**learned, **figures}.items():
        broken = np.flatnonzero(~np.all(np.isfinite(values), axis=1))
        if broken.size:
            raise InputError(
                f"{name!r} must be finite, but is not in {broken.size} completed designs",
                f"design {dict(zip(data.names, data.values[broken[0]], strict=True))}",
            )


def curve_rmse(error: Float[np.ndarray, "designs points outputs"]) -> Float[np.ndarray, "designs 2"]:
    """RMSE along each design's curves of voltage and negative electrode potential [mV]."""
    return 1e3 * np.sqrt(np.mean(error[..., :2] ** 2, axis=1))


def accuracy_of(
    data: Dataset,
    error: Float[np.ndarray, "designs points outputs"],
    predicted: dict[str, Float[np.ndarray, " designs"]],
) -> Accuracy:
    """Summarise held-out errors of curves and of the figures of merit that are learned."""
    nominal, accepted = data.figures[NOMINAL_CAPACITY], data.figures[ACCEPTED_CAPACITY]
    truth = {
        ACCEPTED_CAPACITY: accepted,
        ACCEPTED_SHARE: accepted / nominal,
        PLATING_MARGIN: data.figures[PLATING_MARGIN],
    }
    n = len(data)
    # The conformal quantile: the smallest that covers 90 % of n + 1 exchangeable errors.
    rank = min(n, math.ceil(0.9 * (n + 1)))
    figures = {}
    for name, value in truth.items():
        wrong = np.abs(predicted[name] - value)
        figures[name] = {
            "median": float(np.median(wrong)),
            "95th percentile": float(np.quantile(wrong, 0.95)),
            "interval": float(np.sort(wrong)[rank - 1]),
        }
    rmse = curve_rmse(error)
    curves = {
        name: {
            "median [mV]": float(np.median(rmse[:, k])),
            "95th percentile [mV]": float(np.quantile(rmse[:, k], 0.95)),
        }
        for k, name in enumerate(TARGETS[:2])
    }
    pairs = {name: np.stack([truth[name], predicted[name]], axis=1) for name in truth}
    return Accuracy(curves=curves, figures=figures, held_out=pairs)
