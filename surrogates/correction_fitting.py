"""Learning from few simulations of a better model what it changes of a surrogate.

The surrogate's own predictions stand for the cheap model: it need not be simulated at the same designs,
and what the surrogate itself is wrong by is corrected too.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from electrograd.physics.errors import InputError
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
)
from electrograd.surrogates.checks import LEARNED, check_dataset
from electrograd.surrogates.correction import (
    FIGURES,
    CorrectedSurrogate,
    CurveSurrogate,
    chebyshev,
    place,
)
from electrograd.surrogates.gaussian_process import fit
from electrograd.sweeps.dataset import PLACES, Dataset

LEAST_DESIGNS = 16
"""Fewer simulations tell little of a correction, and nothing of its interval."""


def correct(bulk: CurveSurrogate, dataset: Dataset) -> CorrectedSurrogate:
    """Learn from few simulations of a better model what it changes of a surrogate.

    Parameters
    ----------
    bulk
        The surrogate of the cheap simulations; best of others than these designs.
    dataset
        The better model's simulations, of the same variables.

    Raises
    ------
    InputError
        As `checks.check_dataset` does, with `LEAST_DESIGNS`; for a bulk surrogate that accepts nothing
        somewhere.
    """
    check_dataset(dataset, bulk.space, LEAST_DESIGNS, "to correct a surrogate")
    data = dataset.only(dataset.completed)
    before = {name: value.astype(np.float64) for name, value in bulk.predict(data.values).items()}
    truth = {
        ACCEPTED_CAPACITY: data.figures[ACCEPTED_CAPACITY],
        ACCEPTED_SHARE: data.figures[ACCEPTED_CAPACITY] / data.figures[NOMINAL_CAPACITY],
        PLATING_MARGIN: data.figures[PLATING_MARGIN],
    }
    if not np.all(before[ACCEPTED_SHARE] > 0):
        worst = data.values[np.argmin(before[ACCEPTED_SHARE])]
        raise InputError(
            "the surrogate to be corrected must accept charge in every design",
            f"none at {dict(zip(data.names, worst, strict=True))}",
        )
    changes = np.stack(
        [
            truth[ACCEPTED_SHARE] / before[ACCEPTED_SHARE] - 1,
            truth[PLATING_MARGIN] - before[PLATING_MARGIN],
        ],
        axis=1,
    )
    at = place(bulk.space, data.values)
    change, bend = fit(at, changes), fit(at, _coefficients(bulk, data, before[ACCEPTED_SHARE]))
    ratio, shift = (changes - change.left_out_errors()).T
    after = {
        ACCEPTED_CAPACITY: before[ACCEPTED_CAPACITY] * (1 + ratio),
        ACCEPTED_SHARE: before[ACCEPTED_SHARE] * (1 + ratio),
        PLATING_MARGIN: before[PLATING_MARGIN] + shift,
    }
    return CorrectedSurrogate(
        bulk=bulk,
        change=change,
        bend=bend,
        errors={name: _errors(np.abs(after[name] - truth[name])) for name in FIGURES},
        dataset=dataset.fingerprint(),
    )


def _coefficients(
    bulk: CurveSurrogate, data: Dataset, accepted: Float[np.ndarray, " designs"]
) -> Float[np.ndarray, "designs coefficients"]:
    """Series of what is left of each design's curves once the bulk surrogate's are stretched."""
    share = accepted[:, None] * PLACES[None, :]
    before = jax.jit(jax.vmap(bulk.curves))(
        jnp.asarray(data.values, jnp.float32), jnp.asarray(share, jnp.float32)
    )
    left = np.stack([data.curves[name] for name in LEARNED], axis=-1) - np.asarray(before, float)
    solve = np.linalg.pinv(np.asarray(chebyshev(jnp.asarray(PLACES))))
    return np.einsum("kp,dpo->dok", solve, left).reshape(len(data), -1)


def _errors(wrong: Float[np.ndarray, " designs"]) -> dict[str, float]:
    # The conformal quantile: the smallest that covers 90 % of n + 1 exchangeable errors.
    rank = min(len(wrong), math.ceil(0.9 * (len(wrong) + 1)))
    return {
        "median": float(np.median(wrong)),
        "95th percentile": float(np.quantile(wrong, 0.95)),
        "interval": float(np.sort(wrong)[rank - 1]),
    }
