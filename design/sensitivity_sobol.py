"""Sobol indices: of a function of designs, and of values that are known at Saltelli's samples."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Float
from SALib.sample import sobol as sample_sobol

from electrograd.design.sensitivity_estimates import RESAMPLES, check_power_of_two, constant, each
from electrograd.design.sensitivity_inputs import Inputs, Predict
from electrograd.design.sensitivity_results import SobolIndices, Z
from electrograd.physics.errors import InputError
from electrograd.sweeps.space import DesignSpace


def sobol_indices(
    predict: Predict,
    over: DesignSpace | Inputs,
    outputs: Sequence[str],
    samples: int,
    seed: int,
    *,
    second_order: bool = False,
    half_widths: Predict | None = None,
) -> dict[str, SobolIndices]:
    """Sobol indices of each output; zero where it is constant.

    Parameters
    ----------
    predict
        Maps designs of shape (n, variables) to arrays of shape (n,) by name of output.
    samples
        Base samples, a power of two; the function is evaluated ``samples * (variables + 2)`` times, and
        ``samples * (2 * variables + 2)`` times for the second order. Groups count as one variable.
    half_widths
        Maps designs to half-widths of the 90 % intervals; outputs that it lacks are exact.

    Raises
    ------
    InputError
        If ``samples`` is not a power of two, for an output that is not predicted, or not finite.
    """
    check_power_of_two(samples, "Sobol samples")
    inputs = Inputs.of(over)
    unit = sample_sobol.sample(inputs.problem(), samples, calc_second_order=second_order, seed=seed)

    def estimate(values: np.ndarray, resamples: int) -> SobolIndices:
        return indices_of_rows(
            inputs.names, values.reshape(samples, -1), seed, resamples, second_order=second_order
        )

    return each(predict, inputs, unit, outputs, seed, half_widths, estimate)


def indices_of_rows(
    names: tuple[str, ...],
    rows: Float[np.ndarray, "samples step"],
    seed: int,
    resamples: int = RESAMPLES,
    *,
    second_order: bool = False,
) -> SobolIndices:
    """Sobol indices of one output by its values at Saltelli's samples, a base sample a row.

    Parameters
    ----------
    names
        Variables, or groups.
    rows
        In Saltelli's order: A, A with a column of B each, if there are any B with a column of A each, B.
        Rows may be left out.
    resamples
        How often the bootstrap draws.
    second_order
        Whether to tell pairs; the rows must hold what they need.

    Raises
    ------
    InputError
        For rows of another length than the variables ask for, or fewer than two.
    """
    count, (samples, step) = len(names), rows.shape
    if step not in ((2 * count + 2,) if second_order else (count + 2, 2 * count + 2)) or samples < 2:
        raise InputError(
            "Saltelli's samples must be two rows at least, each with a value for every variable and two "
            "more, or twice as many for pairs",
            rows.shape,
            (max(samples, 2), 2 * count + 2),
        )
    if constant(rows):
        nothing, apart = np.zeros(count), np.where(np.eye(count) == 1, np.nan, 0.0)
        pairs = [apart, apart] if second_order else []
        return SobolIndices(names, nothing, nothing, nothing, nothing, *pairs)
    rows = (rows - rows.mean()) / rows.std()
    drawn = np.random.default_rng(seed).integers(samples, size=(resamples, samples))
    counts = np.stack([np.bincount(draw, minlength=samples) for draw in drawn])
    found = _shares(rows, np.ones((1, samples)), count, second_order)
    again = _shares(rows, counts.astype(float), count, second_order)
    told: list[np.ndarray] = []
    for shares, drawn_shares in zip(found, again, strict=True):
        told += [shares[0], Z * drawn_shares.std(axis=0, ddof=1)]
    return SobolIndices(names, *told)


def _shares(
    rows: Float[np.ndarray, "samples step"],
    counts: Float[np.ndarray, "draws samples"],
    count: int,
    second_order: bool,
) -> list[np.ndarray]:
    """First and total shares of variance, and second ones if the rows hold what they need.

    SALib's estimators (Saltelli, Comput. Phys. Commun. 145 (2002) 280 and 181 (2010) 259) of all draws
    of a bootstrap at once: what they sum is weighted by how often each base sample is drawn. SALib
    gathers the samples of every draw anew, too slowly for 65,536 of them and pairs of variables.

    Parameters
    ----------
    rows
        Outputs in Saltelli's order: A, A with a column of B each, B with a column of A each, B.
    """
    a, ab, ba, b = rows[:, 0], rows[:, 1 : 1 + count], rows[:, 1 + count : -1], rows[:, -1]
    weights = counts / counts.sum(axis=1, keepdims=True)
    variance = (weights @ (a**2 + b**2) / 2 - (weights @ (a + b) / 2) ** 2)[:, None]
    first = weights @ (b[:, None] * (ab - a[:, None])) / variance
    total = weights @ ((a[:, None] - ab) ** 2) / 2 / variance
    if not second_order:
        return [first, total]
    second = np.full((len(counts), count, count), np.nan)
    for j, k in combinations(range(count), 2):
        both = weights @ (ba[:, j] * ab[:, k] - a * b) / variance[:, 0]
        second[:, j, k] = second[:, k, j] = both - first[:, j] - first[:, k]
    return [first, total, second]
