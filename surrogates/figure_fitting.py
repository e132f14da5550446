"""From sweeps to a surrogate of figures of merit: what was simulated, processes, intervals."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import stack_mass
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    CHARGE_TIME,
    HOTTEST,
    LEAST_ELECTROLYTE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    SPECIFIC_ENERGY,
    in_scenario,
)
from electrograd.surrogates.checks import check_dataset
from electrograd.surrogates.correction import place
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.figure_surrogate import (
    FigureSurrogate,
    Learned,
    quantities,
)
from electrograd.surrogates.gaussian_process import fit
from electrograd.surrogates.surrogate import Accuracy
from electrograd.surrogates.trust import LEVEL
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.record import DELIVERED

FITTED = 256
"""Designs, the first of a sweep, that hyperparameters are fitted to; the processes see all. Fitted to
512, charge times of others were as wrong (0.19 %, median), and fitting took many times as long."""
LEAST_DESIGNS = 32
"""Completed simulations of a scenario without which nothing is learned of it."""


def learn_figures(
    datasets: Mapping[str, Dataset],
    physics: CurvePhysics,
    scenarios: Mapping[str, Scenario],
    settings: SolverSettings,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FigureSurrogate:
    """Learn the figures of merit of one or several scenarios.

    Parameters
    ----------
    datasets, scenarios
        The sweep of each scenario, and what it is, by name; "" is the main one.
    physics
        Of the main scenario.
    settings
        What the sweeps were simulated with.
    progress
        Told of processes fitted, and of all.

    Raises
    ------
    InputError
        As `checks.check_dataset` does, of any of the sweeps.
    """
    for dataset in datasets.values():
        check_dataset(dataset, physics.space, LEAST_DESIGNS)
    known: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, dataset in datasets.items():
        data = dataset.only(dataset.completed)
        found = quantities(physics, data.values, simulated_figures(physics, data, name))
        for quantity, values in found.items():
            finite = np.isfinite(values)
            if finite.sum() >= LEAST_DESIGNS and quantity not in known:
                known[quantity] = data.values[finite], values[finite]
    surrogate = FigureSurrogate(
        physics=physics,
        learned={},
        scenario=scenarios[""],
        others={name: scenario for name, scenario in scenarios.items() if name},
        settings=settings,
        accuracy=Accuracy(curves={}, figures={}, held_out={}),
        dataset=_fingerprint(datasets),
    )
    learned, figures, held_out = {}, {}, {}
    for k, (name, (designs, values)) in enumerate(known.items()):
        progress(k, len(known))
        learned[name], errors = _learn(surrogate, designs, values)
        for figure, pair in surrogate.pairs(name, designs, values, errors).items():
            held_out[figure] = pair
            figures[figure] = _errors(np.abs(pair[:, 1] - pair[:, 0]))
    progress(len(known), len(known))
    accuracy = Accuracy(curves={}, figures=figures, held_out=held_out)
    return replace(surrogate, learned=learned, accuracy=accuracy)


def _learn(
    surrogate: FigureSurrogate,
    designs: Float[np.ndarray, "designs variables"],
    values: Float[np.ndarray, " designs"],
) -> tuple[Learned, Float[np.ndarray, " designs"]]:
    """Fit one quantity; return it, and the errors of its predictions of designs left out in turn."""
    at = place(surrogate.space, designs)
    first = slice(FITTED)
    process = fit(at[first], values[first, None])
    if len(at) > FITTED:
        process = process.seeing(at[FITTED:], values[FITTED:, None])
    errors = -process.left_out_errors()[: len(at), 0]
    scores = np.abs(errors) / process.left_out_deviations()[: len(at), 0]
    return Learned(process, _conformal(scores)), errors


def simulated_figures(
    physics: CurvePhysics, data: Dataset, scenario: str = ""
) -> dict[str, Float[np.ndarray, " designs"]]:
    """Figures of merit of a scenario's simulations that are learned directly, by name.

    Infinite or NaN where there is nothing to be learned.
    """
    found = {
        ACCEPTED_SHARE: data.figures[ACCEPTED_CAPACITY] / data.figures[NOMINAL_CAPACITY],
        PLATING_MARGIN: data.figures[PLATING_MARGIN],
        LEAST_ELECTROLYTE: data.figures[LEAST_ELECTROLYTE],
    }
    found |= {name: data.figures[name] for name in (CHARGE_TIME, HOTTEST) if name in data.figures}
    named = {in_scenario(name, scenario): value for name, value in found.items()}
    if DELIVERED in data.figures:
        mass = jax.jit(jax.vmap(lambda d: stack_mass(physics.cell, physics.parameters(d))))
        named[SPECIFIC_ENERGY] = data.figures[DELIVERED] / np.asarray(mass(jnp.asarray(data.values)))
    return named


def _fingerprint(datasets: Mapping[str, Dataset]) -> str:
    told = " ".join(f"{name}:{dataset.fingerprint()}" for name, dataset in sorted(datasets.items()))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _conformal(scores: Float[np.ndarray, " designs"]) -> float:
    """The smallest score that covers the level among n + 1 exchangeable ones."""
    rank = min(len(scores), math.ceil(LEVEL * (len(scores) + 1)))
    return float(np.sort(scores)[rank - 1])


def _errors(wrong: Float[np.ndarray, " designs"]) -> dict[str, float]:
    return {
        "median": float(np.median(wrong)),
        "95th percentile": float(np.quantile(wrong, 0.95)),
        "interval": _conformal(wrong),
    }
