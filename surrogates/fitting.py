"""From a sweep to a surrogate: check the data, train the ensemble, teach the student, measure both."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.interpolate import PchipInterpolator

from electrograd.physics.charge import VOLTAGE
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    CHARGING_ENERGY,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
)
from electrograd.surrogates.calibration import Calibration
from electrograd.surrogates.checks import check_dataset
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.distillation import DistillationSettings, distil
from electrograd.surrogates.domain import Domain
from electrograd.surrogates.ending import fit_ends
from electrograd.surrogates.ensemble import Ensemble, member_curves
from electrograd.surrogates.figures import figures_of_merit
from electrograd.surrogates.progress import Progress, silent
from electrograd.surrogates.spread import Spread
from electrograd.surrogates.student import Student
from electrograd.surrogates.surrogate import Accuracy, Surrogate
from electrograd.surrogates.training import (
    TARGETS,
    Trained,
    TrainingSettings,
    known_points,
    train_ensemble,
)
from electrograd.surrogates.trust import LEVEL, Trust, calibrated
from electrograd.sweeps.dataset import Dataset

LEAST_DESIGNS = 32
"""Completed simulations without which there is no training."""
LEARNED_FIGURES = (ACCEPTED_CAPACITY, ACCEPTED_SHARE, PLATING_MARGIN, CHARGING_ENERGY)
"""Figures of merit that have an error; the others are in closed form or follow from these."""
_AT_ONCE = 128
_FRESH, _FRESH_SEED = 2048, 20231  # designs, never simulated, where members' disagreement is looked at


def train(
    dataset: Dataset,
    physics: CurvePhysics,
    scenario: Scenario,
    solver: SolverSettings,
    settings: TrainingSettings,
    distillation: DistillationSettings | None = None,
    progress: Progress = silent,
    checkpoint: Path | None = None,
    start: Ensemble | None = None,
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
    start
        An ensemble to begin with instead of random weights.

    Raises
    ------
    InputError
        If too few simulations completed, or their curves are not finite.
    """
    check_dataset(dataset, physics.space, LEAST_DESIGNS)
    data = dataset.only(dataset.completed)
    later = distillation.rounds * distillation.steps if distillation else 0
    steps = settings.steps_for(len(data))
    total = steps + later
    trained = train_ensemble(
        data, physics, settings, lambda done, _, error: progress(done, total, error), checkpoint, start
    )
    student = distillation and distil(
        trained.ensemble,
        scenario,
        distillation,
        lambda done, _, error: progress(steps + done, total, error),
        len(data),
    )
    accuracy, spreads, calibrations = measured(trained, data, scenario, student or None)
    return Surrogate(
        ensemble=trained.ensemble,
        student=student or None,
        scenario=scenario,
        settings=solver,
        accuracy=replace(accuracy, history=tuple(trained.history)),
        trust=Trust(
            domain=Domain.from_designs(physics.space, data.values),
            ends=fit_ends(dataset, physics.space, jax.random.key(settings.seed)),
            spreads=spreads,
            calibrations=calibrations,
        ),
        dataset=dataset.fingerprint(),
    )


def measured(
    trained: Trained,
    data: Dataset,
    scenario: Scenario,
    student: Student | None = None,
) -> tuple[Accuracy, dict[str, Spread], dict[str, Calibration]]:
    """Errors on designs held out from the members that are asked, and intervals made of them.

    A student was taught about all designs. What it is wrong by, beside the ensemble, needs no truth: it
    is measured at designs drawn freely, and widens the intervals.
    """
    ensemble, physics, per_fold = trained.ensemble, trained.ensemble.physics, trained.per_fold
    shape = ensemble.shape
    known, target = known_points(data, physics)

    @jax.jit
    def figures(weights: dict[str, Array], designs: Array) -> dict[str, Float[Array, " designs"]]:
        def one(design: Array) -> dict[str, Array]:
            def curves(share: Array) -> Float[Array, "points outputs"]:
                return member_curves(physics, shape, weights, physics.inputs(design, share))

            found = figures_of_merit(physics, design, curves, scenario)
            return {name: found[name] for name in LEARNED_FIGURES}

        found: dict[str, Array] = jax.lax.map(one, designs, batch_size=_AT_ONCE)
        return found

    fresh = physics.space.sobol(_FRESH, seed=_FRESH_SEED)
    rows, errors, held_out, drawn = [], [], [], []
    for k, unseen in enumerate(trained.blind):
        weights, real = dict(ensemble.member(k)), unseen >= 0
        here = jax.tree.map(lambda a, unseen=unseen: a[unseen], (known, target))
        errors.append(np.asarray(member_curves(physics, shape, weights, here[0]) - here[1])[real])
        asked = jnp.asarray(np.concatenate([data.values[unseen], fresh]), jnp.float32)
        found = {name: np.asarray(value, float) for name, value in figures(weights, asked).items()}
        held_out.append({name: value[: len(unseen)][real] for name, value in found.items()})
        drawn.append({name: value[len(unseen) :] for name, value in found.items()})
        rows.append(unseen[real])
    first = range(0, len(rows), per_fold)
    own = data.only(np.concatenate([rows[k] for k in first]))
    # By design, what each member of its group says.
    said = {
        name: np.concatenate(
            [np.stack([held_out[k + m][name] for m in range(per_fold)], axis=1) for k in first]
        )
        for name in LEARNED_FIGURES
    }
    truth = truths(own)
    spreads, calibrations = calibrated(
        physics.space,
        own.values,
        said,
        truth,
        fresh,
        {
            name: np.stack([d[name] for d in drawn]).reshape(-1, per_fold, _FRESH)
            for name in LEARNED_FIGURES
        },
    )
    accuracy = accuracy_of(
        truth, np.concatenate(errors), {name: value.mean(axis=1) for name, value in said.items()}
    )
    for name, figure in accuracy.figures.items():
        figure["interval"] *= calibrations[name].shrink
    if student:
        learned = jax.jit(jax.vmap(lambda design: student.figures(design, scenario)))(
            jnp.asarray(fresh, jnp.float32)
        )
        for name, spread in spreads.items():
            wrong = np.abs(np.asarray(learned[name]) - np.mean([d[name] for d in drawn], axis=0))
            known = np.isfinite(wrong)
            ratio = np.quantile(wrong[known] / spread.at(fresh[known]), LEVEL)
            calibrations[name] = calibrations[name].beside(float(ratio))
            interval = accuracy.figures[name]["interval"]
            accuracy.figures[name]["interval"] = math.hypot(interval, np.quantile(wrong[known], LEVEL))
    return accuracy, spreads, calibrations


def truths(data: Dataset) -> dict[str, Float[np.ndarray, " designs"]]:
    """Simulated values of the figures of merit that are learned."""
    accepted = data.figures[ACCEPTED_CAPACITY]
    pairs = zip(data.charge, data.curves[VOLTAGE], strict=True)
    return {
        ACCEPTED_CAPACITY: accepted,
        ACCEPTED_SHARE: accepted / data.figures[NOMINAL_CAPACITY],
        PLATING_MARGIN: data.figures[PLATING_MARGIN],
        CHARGING_ENERGY: np.array([PchipInterpolator(q, v).integrate(0, q[-1]) for q, v in pairs]),
    }


def curve_rmse(error: Float[np.ndarray, "designs points outputs"]) -> Float[np.ndarray, "designs 2"]:
    """RMSE along each design's curves of voltage and negative electrode potential [mV]."""
    return 1e3 * np.sqrt(np.mean(error[..., :2] ** 2, axis=1))


def accuracy_of(
    truth: Mapping[str, Float[np.ndarray, " designs"]],
    error: Float[np.ndarray, "curves points outputs"],
    predicted: Mapping[str, Float[np.ndarray, " designs"]],
) -> Accuracy:
    """Summarise held-out errors of curves, of each member's own, and of figures of merit."""
    n = len(truth[ACCEPTED_SHARE])
    # The conformal quantile: the smallest that covers the level among n + 1 exchangeable errors.
    rank = min(n, math.ceil(LEVEL * (n + 1)))
    figures = {}
    for name, value in truth.items():
        # Where a member has no finite answer, its error is the largest there is.
        wrong = np.nan_to_num(np.abs(predicted[name] - value), nan=np.inf)
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
