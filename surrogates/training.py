"""Train an ensemble of coordinate networks in one vectorised pass, each member blind to its own fold.

The designs a member never saw say how wrong it is on new ones: they steer early stopping, and intervals
are made of them (`surrogates.calibration`). Folds are small, so that nearly all the data teaches.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
from jaxtyping import Array, Float
from scipy.stats import qmc

from electrograd.physics.charge import (
    NEGATIVE_POTENTIAL,
    NEGATIVE_SURFACE,
    POSITIVE_SURFACE,
    VOLTAGE,
)
from electrograd.physics.errors import InputError
from electrograd.physics.variables import C_RATE, NOMINAL_CAPACITY
from electrograd.surrogates.checkpoint import read_checkpoint, write_checkpoint
from electrograd.surrogates.curve_physics import CURVES, CurvePhysics, Inputs
from electrograd.surrogates.ensemble import Ensemble, member_curves
from electrograd.surrogates.losses import (
    curve_loss,
    monotonicity_loss,
    open_circuit_loss,
    slope_loss,
)
from electrograd.surrogates.perceptron import Shape
from electrograd.surrogates.progress import Progress, silent
from electrograd.sweeps.dataset import Dataset

TARGETS = (VOLTAGE, NEGATIVE_POTENTIAL, NEGATIVE_SURFACE, POSITIVE_SURFACE)
"""What the curves are fitted to, in the order of `curve_physics.CURVES`."""

CHECKS = 24
"""How often a training looks at the held-out designs, and writes its checkpoint."""
FEW, MANY = 256, 1000
"""Up to so many designs smaller networks learn more; above so many it pays to train for longer."""
LEAST_HELD_OUT = 9
"""Designs held out from some member without which there is no interval of 90 %; folds grow for them."""
_AT_ONCE = 256  # designs whose inputs are made at a time
_SLOWEST = 0.01  # C-rate at which a charge is as good as open-circuit: overpotentials stay below 1 mV

Penalty = tuple[float, Inputs, Callable[[Array, Inputs], Array]]
"""A weight, points that were never simulated, and what the curves there are held to."""


@dataclass(frozen=True)
class TrainingSettings:
    """How an ensemble is trained; the defaults need no tuning for a few variables.

    Attributes
    ----------
    members
        Networks in the ensemble; two and two are blind to the same designs, which intervals need.
    folds
        Parts of the data, of which each pair of members is blind to its own.
    width, depth
        Neurons a layer (by default as `width_for` says) and hidden layers.
    steps, batch
        Optimiser steps at the most (by default as `steps_for` says), and points of curves that each
        member sees in a step: by twos, next to each other, for the loss of slopes. Fewer points and more
        steps generalise better at equal cost: 256 left a fifth less error than 1,024 here.
    learning_rate
        Peak rate of Muon (orthogonalised momentum), decayed to zero along a cosine; at equal steps it
        left half of Adam's error or less here.
    patience
        Checks without a better held-out error after which training stops early, of `CHECKS` in all.
    monotonicity
        Weight of `losses.monotonicity_loss` at designs that were never simulated.
    zero_rate
        Weight of `losses.open_circuit_loss` at designs that were never simulated, whose C-rate is next
        to nothing: for forms without that limit.
    slopes
        Weight of `losses.slope_loss` along simulated curves. None of these losses lessened errors in
        measurements; all are off unless they are asked for.
    seed
        Of weights, folds and batches.
    """

    members: int = 8
    folds: int = 10
    width: int | None = None
    depth: int = 3
    steps: int | None = None
    batch: int = 256
    learning_rate: float = 0.02
    patience: int = 8
    monotonicity: float = 0.0
    zero_rate: float = 0.0
    slopes: float = 0.0
    seed: int = 0

    def width_for(self, designs: int) -> int:
        """Neurons a layer for so many designs unless stated: 64 for few, else 128."""
        return self.width or (64 if designs <= FEW else 128)

    def steps_for(self, designs: int) -> int:
        """Steps for so many designs unless stated: 10,000 for few, 40,000 for many, 20,000 between."""
        return self.steps or (10_000 if designs <= FEW else 40_000 if designs > MANY else 20_000)

    @property
    def per_fold(self) -> int:
        """Members that share a fold: two where there are four, to show what seeds are worth."""
        return 2 if self.members >= 4 and self.members % 2 == 0 else 1

    @property
    def groups(self) -> int:
        """Folds that are held out from some members."""
        return self.members // self.per_fold


@dataclass(frozen=True)
class Trained:
    """An ensemble, and which designs its members never saw.

    Attributes
    ----------
    ensemble
        The best of the checks.
    blind
        For each member, rows of the completed designs that it never saw: padded to one length with -1.
    per_fold
        Members, one after the other, that never saw the same.
    history
        Steps and held-out errors [mV] of the checks.
    """

    ensemble: Ensemble
    blind: np.ndarray
    per_fold: int
    history: list[tuple[int, float]]


def train_ensemble(
    data: Dataset,
    physics: CurvePhysics,
    settings: TrainingSettings,
    progress: Progress = silent,
    checkpoint: Path | None = None,
    start: Ensemble | None = None,
) -> Trained:
    """Fit an ensemble to simulations that ran to an end.

    Parameters
    ----------
    checkpoint
        Where the state of the training is kept; one that was ended goes on from there, bit for bit.
    start
        Weights to start from instead of random ones, of the same shape.

    Raises
    ------
    InputError
        If the limit of zero rate is asked for where designs have no C-rate.
    """
    steps, slopes = settings.steps_for(len(data)), settings.slopes
    width = settings.width_for(len(data))
    members, shape = (
        settings.members,
        Shape(physics.features, width, settings.depth, len(CURVES)),
    )
    penalties = _penalties(physics, settings)
    known, target = known_points(data, physics)
    rows, blind = folds_of(len(data), settings)
    points = target.shape[1]
    flat, flat_target = jax.tree.map(lambda a: a.reshape(-1, a.shape[-1]), (known, target))
    share = jnp.asarray(data.charge / data.figures[NOMINAL_CAPACITY][:, None], jnp.float32).ravel()

    def error(weights: Any, index: Array) -> Float[Array, "points outputs"]:
        here = jax.tree.map(lambda a: a[index], flat)
        return member_curves(physics, shape, weights, here) - flat_target[index]

    def loss(weights: Any, index: Array, key: Array) -> Float[Array, ""]:
        here = error(weights, index)
        wrong = curve_loss(here)
        if slopes:
            (one, other), (first, second) = jnp.split(here, 2), jnp.split(share[index], 2)
            wrong += slopes * slope_loss(one, other, second - first)
        for weight, free, penalty in penalties:
            some = jax.random.randint(key, (settings.batch // free.means.shape[1],), 0, len(free.means))
            there = jax.tree.map(lambda a, some=some: a[some], free)
            wrong += weight * penalty(member_curves(physics, shape, weights, there), there)
        return wrong

    optimiser = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.contrib.muon(optax.cosine_decay_schedule(settings.learning_rate, steps)),
    )

    def one(weights: Any, state: Any, key: Array, rows: Array) -> tuple[Any, Any]:
        design, point, free = jax.random.split(key, 3)
        pairs = slopes > 0
        some = (settings.batch // (1 + pairs),)
        index = points * rows[jax.random.randint(design, some, 0, len(rows))]
        index += jax.random.randint(point, some, 0, points - pairs)
        index = jnp.concatenate([index, index + 1]) if pairs else index
        updates, state = optimiser.update(jax.grad(loss)(weights, index, free), state, weights)
        return optax.apply_updates(weights, updates), state

    key_weights, key_steps = jax.random.split(jax.random.key(settings.seed))

    @jax.jit
    def run(carry: Any, numbers: Array) -> Any:
        def step(carry: Any, number: Array) -> tuple[Any, None]:
            keys = jax.random.split(jax.random.fold_in(key_steps, number), members)
            weights, state = carry
            return jax.vmap(one)(weights, state, keys, rows), None

        return jax.lax.scan(step, carry, numbers)[0]

    @jax.jit
    def held_out(weights: Any) -> Float[Array, "members designs outputs"]:
        """Mean squared errors along the curves of designs that a member never saw."""

        def of_member(weights: Any, blind: Array) -> Float[Array, "designs outputs"]:
            here = jax.tree.map(lambda a: a[blind], (known, target))
            wrong = member_curves(physics, shape, weights, here[0]) - here[1]
            return jnp.where(blind[:, None] < 0, jnp.nan, jnp.mean(wrong**2, axis=1))

        return jax.vmap(of_member)(weights, jnp.asarray(blind))

    weights = dict(start.weights) if start else shape.draw(members, key_weights)
    state: dict[str, Any] = {
        "carry": (weights, jax.vmap(optimiser.init)(weights)),
        "best": weights,
        "history": jnp.full((CHECKS, 2), jnp.nan),
    }
    identity = {
        "data": data.fingerprint(),
        "settings": dataclasses.asdict(settings),
        "form": dataclasses.asdict(physics.form),
        "start": start is not None,
    }
    done = 0
    if checkpoint:
        done, state = read_checkpoint(checkpoint, identity, state)
    for check, (first, last) in enumerate(_parts(steps)):
        if last <= done:
            continue
        history = np.asarray(state["history"])
        if _stalled(history[:check, 1], settings.patience):
            break
        carry = run(state["carry"], jnp.arange(first, last))
        squares = np.asarray(held_out(carry[0]))
        score = float(np.sqrt(np.nanmean(squares[..., :2])) * 1e3)
        better = not np.any(history[:check, 1] <= score)
        state = {
            "carry": carry,
            "best": carry[0] if better else state["best"],
            "history": jnp.asarray(state["history"]).at[check].set(jnp.array([last, score])),
        }
        if checkpoint:
            write_checkpoint(checkpoint, identity, last, state)
        voltage = 1e3 * np.sqrt(squares[..., 0])
        progress(last, steps, float(np.nanmedian(voltage)))
    history = np.asarray(state["history"])
    return Trained(
        ensemble=Ensemble(physics, width, settings.depth, state["best"]),
        blind=blind,
        per_fold=settings.per_fold,
        history=[(int(s), float(e)) for s, e in history if np.isfinite(s)],
    )


def known_points(
    data: Dataset, physics: CurvePhysics
) -> tuple[Inputs, Float[Array, "designs points outputs"]]:
    """Inputs and targets at all points of simulated curves, in single precision."""
    share = jnp.asarray(data.charge / data.figures[NOMINAL_CAPACITY][:, None], jnp.float32)
    designs = jnp.asarray(data.values, jnp.float32)
    known: Inputs = jax.jit(
        lambda d, s: jax.lax.map(lambda pair: physics.inputs(*pair), (d, s), batch_size=_AT_ONCE)
    )(designs, share)
    return known, jnp.stack([jnp.asarray(data.curves[name], jnp.float32) for name in TARGETS], axis=-1)


def folds_of(designs: int, settings: TrainingSettings) -> tuple[Array, np.ndarray]:
    """Rows that each member sees, and rows that it never does, the latter padded with -1."""
    enough = designs // math.ceil(LEAST_HELD_OUT / settings.groups)
    folds = max(2, settings.groups, min(settings.folds, enough))
    fold = np.random.default_rng(settings.seed).permutation(designs) % folds
    seen = [np.flatnonzero(fold != k // settings.per_fold) for k in range(settings.members)]
    unseen = [np.flatnonzero(fold == k // settings.per_fold) for k in range(settings.members)]
    longest = max(map(len, unseen))
    # Folds differ by a design in size: what is seen is cut to the smallest, so that members stack.
    rows = jnp.asarray(np.stack([k[: min(map(len, seen))] for k in seen]))
    padded = [np.pad(k, (0, longest - len(k)), constant_values=-1) for k in unseen]
    return rows, np.stack(padded)


def _penalties(physics: CurvePhysics, settings: TrainingSettings) -> list[Penalty]:
    """What the settings hold curves to at designs that were never simulated."""
    penalties: list[Penalty] = []
    if settings.monotonicity:
        free = _free_points(physics, settings.seed)
        penalties.append((settings.monotonicity, free, lambda curves, _: monotonicity_loss(curves)))
    if settings.zero_rate:
        if C_RATE not in physics.space.names:
            raise InputError(
                f"the limit of zero rate can be taught where {C_RATE!r} varies", physics.space.names
            )
        free = _free_points(physics, settings.seed, _SLOWEST)
        penalties.append(
            (
                settings.zero_rate,
                free,
                lambda curves, at: open_circuit_loss(curves, physics.open_circuit(at.means)),
            )
        )
    return penalties


def _free_points(physics: CurvePhysics, seed: int, c_rate: float | None = None) -> Inputs:
    """Inputs along charges of designs that were never simulated, all at one C-rate if it is given."""
    unit = qmc.Sobol(len(physics.space), rng=np.random.default_rng(seed)).random_base2(10)
    designs = physics.space.from_unit(unit)
    if c_rate is not None:
        designs[:, physics.space.names.index(C_RATE)] = c_rate
    share = jnp.broadcast_to(jnp.linspace(0, 0.9, 16, dtype=jnp.float32), (len(designs), 16))
    known: Inputs = jax.jit(jax.vmap(physics.inputs))(jnp.asarray(designs, jnp.float32), share)
    return known


def _parts(steps: int) -> Iterator[tuple[int, int]]:
    edges = np.unique(np.linspace(0, steps, CHECKS + 1).astype(int))
    return zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)


def _stalled(errors: Float[np.ndarray, " checks"], patience: int) -> bool:
    """Whether the last ``patience`` checks were none of them better than what was before."""
    return len(errors) > patience and bool(np.min(errors[-patience:]) > np.min(errors[:-patience]))
