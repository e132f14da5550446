"""From a sweep to a surrogate: check the data, train the ensemble, teach the student, measure both."""

import math
from collections import Counter
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from electrograd.physics.errors import InputError
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
)
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.distillation import DistillationSettings, distil
from electrograd.surrogates.ensemble import member_curves
from electrograd.surrogates.figures import figures_of_merit
from electrograd.surrogates.progress import Progress, silent
from electrograd.surrogates.surrogate import Accuracy, Surrogate
from electrograd.surrogates.training import (
    TARGETS,
    Trained,
    TrainingSettings,
    known_points,
    train_ensemble,
)
from electrograd.sweeps.dataset import Dataset

_AT_ONCE = 128


def train(
    dataset: Dataset,
    physics: CurvePhysics,
    scenario: Scenario,
    solver: SolverSettings,
    settings: TrainingSettings,
    distillation: DistillationSettings | None = None,
    progress: Progress = silent,
    checkpoint: Path | None = None,
) -> Surrogate:
    """Fit a surrogate to the completed simulations of a sweep.

    Parameters
    ----------
    distillation
        How a student is taught; without it there is none, and the ensemble answers.
    progress
        Told of steps of both trainings, as one.
    checkpoint
        Where the state of the ensemble's training is kept, for one that was ended to go on.

    Raises
    ------
    InputError
        If too few simulations completed, or their curves are not finite.
    """
    check_data(dataset, physics.space.names, settings)
    data = dataset.only(dataset.completed)
    later = distillation.rounds * distillation.steps if distillation else 0
    total = settings.steps + later
    trained = train_ensemble(
        data, physics, settings, lambda done, _, error: progress(done, total, error), checkpoint
    )
    student = distillation and distil(
        trained.ensemble,
        scenario,
        solver,
        distillation,
        lambda done, _, error: progress(settings.steps + done, total, error),
    )
    return Surrogate(
        ensemble=trained.ensemble,
        student=student or None,
        scenario=scenario,
        settings=solver,
        accuracy=held_out_accuracy(trained, data, scenario, solver),
        dataset=dataset.fingerprint(),
    )


def check_data(dataset: Dataset, names: tuple[str, ...], settings: TrainingSettings) -> None:
    """Raise `InputError` unless the completed simulations can train an ensemble."""
    if dataset.names != names:
        raise InputError("the sweep's variables must be the space's, in its order", dataset.names, names)
    data = dataset.only(dataset.completed)
    least = 8 * max(settings.members, 4)
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


def held_out_accuracy(
    trained: Trained, data: Dataset, scenario: Scenario, solver: SolverSettings
) -> Accuracy:
    """Errors of each member on the designs that it never saw."""
    ensemble, physics = trained.ensemble, trained.ensemble.physics
    shape = ensemble.shape
    known, target = known_points(data, physics)

    @jax.jit
    def figures(weights: dict[str, Array], designs: Array) -> dict[str, Float[Array, " designs"]]:
        def one(design: Array) -> dict[str, Array]:
            def curves(share: Array) -> Float[Array, "points outputs"]:
                return member_curves(physics, shape, weights, physics.inputs(design, share))

            return figures_of_merit(physics, design, curves, scenario, solver)

        found: dict[str, Array] = jax.lax.map(one, designs, batch_size=_AT_ONCE)
        return found

    rows, errors, predicted = [], [], []
    for k, unseen in enumerate(trained.blind):
        weights, real = dict(ensemble.member(k)), unseen >= 0
        here = jax.tree.map(lambda a, unseen=unseen: a[unseen], (known, target))
        errors.append(np.asarray(member_curves(physics, shape, weights, here[0]) - here[1])[real])
        found = figures(weights, jnp.asarray(data.values[unseen], jnp.float32))
        predicted.append({name: np.asarray(value)[real] for name, value in found.items()})
        rows.append(unseen[real])
    return accuracy_of(
        data.only(np.concatenate(rows)),
        np.concatenate(errors),
        {name: np.concatenate([p[name] for p in predicted]) for name in predicted[0]},
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
