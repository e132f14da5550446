"""A plain network: the design goes in; share, margin and 2 × 33 points of the curves come out.

It is what a careful user would train, without physics: standardised inputs; outputs centred, and divided
by one deviation a group (a deviation for each point would blow up the end of the voltage curve, which
hardly varies); Muon with a cosine of the rate and weight decay. Its width, depth, rate, decay, steps and
the weight of the two figures are searched by Optuna on one sweep's held-out designs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
import optuna
from _accuracy import POINTS, Prediction, truth_of
from _peer import Predict, Settings, Standard, held_out_badness
from jaxtyping import Array, Float

from electrograd.sweeps.dataset import Dataset

BATCH, CHUNK, SEED = 64, 500, 0
ROWS = 2048
"""Data are padded to a multiple of this many designs, so that only a new shape of network compiles."""


@dataclass(frozen=True)
class PlainNetwork:
    """One network, or the mean of some that differ by their seeds."""

    candidates: Sequence[Settings]
    members: int = 1
    name: str = "plain network"

    def fit(self, data: Dataset, settings: Settings) -> Predict:
        """Train the members together, each in its own order."""
        true, standard = truth_of(data), Standard.of(data)
        raw = np.column_stack([true.share, true.margin, true.voltage, true.potential])
        groups = np.split(np.arange(raw.shape[1]), [1, 2, 2 + POINTS])
        mean, scale, weight = raw.mean(axis=0), np.empty(raw.shape[1]), np.empty(raw.shape[1])
        for group, share in zip(groups, (settings["figures"],) * 2 + (1.0, 1.0), strict=True):
            scale[group] = np.sqrt(np.mean(raw.std(axis=0)[group] ** 2))
            weight[group] = share / len(group)
        padding = ((0, -len(raw) % ROWS), (0, 0))
        inputs, outputs = (
            jnp.asarray(np.pad(a, padding), jnp.float32)
            for a in (standard(data.values), (raw - mean) / scale)
        )
        given = (inputs, outputs, jnp.asarray(weight, jnp.float32), len(raw))
        sizes = (inputs.shape[1], *[settings["width"]] * settings["depth"], raw.shape[1])
        start, steps = jax.random.split(jax.random.key(SEED))
        layers = jax.vmap(lambda key: _initial(sizes, key))(jax.random.split(start, self.members))
        told = {name: jnp.float32(settings[name]) for name in ("rate", "decay", "steps")}
        state = jax.vmap(_optimiser(told).init)(layers)
        for chunk in range(settings["steps"] // CHUNK):
            keys = jax.random.split(jax.random.fold_in(steps, chunk), (CHUNK, self.members))
            layers, state = _train(layers, state, keys, told, *given)

        def predict(values: np.ndarray) -> Prediction:
            asked = jnp.asarray(standard(values), jnp.float32)
            every = _answer(layers, asked)
            found = mean + scale * np.asarray(every, np.float64).mean(axis=0)
            share, margin, voltage, potential = (found[:, group] for group in groups)
            return Prediction(share[:, 0], voltage, potential, margin[:, 0])

        return predict


def search_settings(
    data: Dataset, trials: int, keep: Callable[[Settings, Callable[[], float]], float]
) -> list[dict[str, Any]]:
    """The settings that Optuna tried on held-out designs of the data, best first.

    ``keep`` is given settings and what finds how bad they are, and may know it from before: the same
    seed and answers lead to the same settings, so that a search that was cut off goes on.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: optuna.Trial) -> float:
        settings = {
            "width": trial.suggest_categorical("width", [64, 128]),
            "depth": trial.suggest_int("depth", 2, 4),
            "steps": trial.suggest_int("steps", 2000, 10000, step=2000),
            "rate": trial.suggest_float("rate", 3e-3, 6e-2, log=True),
            "decay": trial.suggest_float("decay", 1e-4, 1.0, log=True),
            "figures": trial.suggest_categorical("figures", [1.0, 4.0]),
        }
        return keep(settings, lambda: held_out_badness(PlainNetwork([settings]), data, settings))

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=SEED, n_startup_trials=8))
    study.optimize(objective, n_trials=trials)
    return [dict(trial.params) for trial in sorted(study.trials, key=lambda trial: trial.value)]


Layers = list[tuple[Array, Array]]


def _initial(sizes: tuple[int, ...], key: Array) -> Layers:
    """Weights of variance one over the inputs, biases of zero."""
    keys = jax.random.split(key, len(sizes) - 1)
    return [
        (jax.random.normal(k, (a, b), jnp.float32) / jnp.sqrt(jnp.float32(a)), jnp.zeros(b, jnp.float32))
        for k, (a, b) in zip(keys, pairwise(sizes), strict=True)
    ]


def _forward(layers: Layers, inputs: Array) -> Float[Array, "designs outputs"]:
    for weight, bias in layers[:-1]:
        inputs = jax.nn.silu(inputs @ weight + bias)
    weight, bias = layers[-1]
    return inputs @ weight + bias


@jax.jit
def _answer(layers: Layers, inputs: Array) -> Float[Array, "members designs outputs"]:
    return jax.vmap(lambda own: _forward(own, inputs))(layers)


def _optimiser(told: dict[str, Array]) -> optax.GradientTransformation:
    def rate(count: Array) -> Array:
        return told["rate"] * 0.5 * (1 + jnp.cos(jnp.pi * count / told["steps"]))

    return optax.chain(
        optax.clip_by_global_norm(1.0), optax.contrib.muon(rate, weight_decay=told["decay"])
    )


@jax.jit
def _train(
    layers: Layers,
    state: Any,
    keys: Array,
    told: dict[str, Array],
    inputs: Array,
    outputs: Array,
    weights: Array,
    designs: Array,
) -> tuple[Layers, Any]:
    """A chunk of steps; only new shapes compile anew, not new settings."""
    optimiser = _optimiser(told)

    def loss(layers: Layers, index: Array) -> Float[Array, ""]:
        error = _forward(layers, inputs[index]) - outputs[index]
        return jnp.mean(error**2 @ weights)

    def one(layers: Layers, state: Any, key: Array) -> tuple[Layers, Any]:
        index = jax.random.randint(key, (BATCH,), 0, designs)
        updates, state = optimiser.update(jax.grad(loss)(layers, index), state, layers)
        return optax.apply_updates(layers, updates), state

    def step(carry: tuple[Layers, Any], keys: Array) -> tuple[tuple[Layers, Any], None]:
        return jax.vmap(one)(*carry, keys), None

    return jax.lax.scan(step, (layers, state), keys)[0]
