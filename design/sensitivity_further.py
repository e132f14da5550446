"""Sensitivity beyond shares of variance: distributions, slopes, and one variable at a time.

`electrograd.design.sensitivity` says what the analyses take, and how a surrogate's own error is carried.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from electrograd.design.sensitivity_estimates import (
    RESAMPLES,
    check_power_of_two,
    constant,
    each,
    finite,
    known,
    sobol_sequence,
)
from electrograd.design.sensitivity_inputs import Inputs, Predict
from electrograd.design.sensitivity_results import DgsmBounds, PawnIndices, Swings, Z
from electrograd.physics.errors import InputError
from electrograd.sweeps.space import DesignSpace

_SLICES = 10  # of a variable's range in PAWN, SALib's default
_BATCH = 256


def pawn_indices(
    predict: Predict,
    over: DesignSpace | Inputs,
    outputs: Sequence[str],
    samples: int,
    seed: int,
    *,
    half_widths: Predict | None = None,
) -> dict[str, PawnIndices]:
    """PAWN indices of each output (Pianosi and Wagener, Environ. Model. Softw. 108 (2018) 197).

    They look at the whole distribution and not at the variance; for outputs with long tails. As SALib's,
    with confidence by bootstrap, and the index of a variable that does nothing beside them.

    Parameters
    ----------
    predict, half_widths
        As for `sensitivity.sobol_indices`.
    samples
        Designs, a power of two.

    Raises
    ------
    InputError
        If ``samples`` is not a power of two, for groups, and an output that is not predicted, or not
        finite.
    """
    check_power_of_two(samples, "PAWN samples")
    inputs, rng = Inputs.of(over).ungrouped("pawn"), np.random.default_rng(seed)
    unit = sobol_sequence(len(inputs.space) + 1, samples, seed)  # the last one is the dummy

    def estimate(values: np.ndarray, resamples: int) -> PawnIndices:
        if constant(values):
            nothing = np.zeros(len(inputs.names))
            return PawnIndices(inputs.names, nothing, nothing, nothing, dummy=0.0)
        distances = _distances(unit, values)
        median, rows = np.nanmedian(distances, axis=1), rng.integers(samples, size=(resamples, samples))
        again = [np.nanmedian(_distances(unit[row], values[row]), axis=1) for row in rows]
        return PawnIndices(
            inputs.names,
            median=median[:-1],
            median_confidence=Z * np.std(again, axis=0)[:-1],
            greatest=np.nanmax(distances, axis=1)[:-1],
            dummy=float(median[-1]),
        )

    return each(predict, inputs, unit[:, :-1], outputs, seed, half_widths, estimate)


def dgsm_bounds(
    figures: Callable[[Any], Mapping[str, Any]],
    over: DesignSpace | Inputs,
    outputs: Sequence[str],
    samples: int,
    seed: int,
) -> dict[str, DgsmBounds]:
    """Bounds on total Sobol indices by derivative-based measures; zero where an output is constant.

    Sobol and Kucherenko (Math. Comput. Simul. 79 (2009) 3009): no total index is greater than the mean
    square of the slope, times the variable's Poincaré constant, over the variance. The slopes are JAX's.
    A surrogate's own error is not carried: its intervals are of values and say nothing of slopes.

    Parameters
    ----------
    figures
        A JAX function of one design, an array in the order of the space, such as ``surrogate.figures``.
    samples
        Designs, a power of two.

    Raises
    ------
    InputError
        If ``samples`` is not a power of two, for groups, a variable that takes only some values, and an
        output or slope that is not finite.
    """
    check_power_of_two(samples, "DGSM samples")
    inputs, rng = Inputs.of(over).ungrouped("dgsm"), np.random.default_rng(seed)
    designs = inputs.from_unit(sobol_sequence(len(inputs.space), samples, seed))
    weights = inputs.slope_weights(designs)

    def told(design: Any) -> Any:
        found = figures(design)
        wanted = {name: found[name] for name in known(outputs, found)}
        return wanted, wanted

    compiled = jax.jit(jax.vmap(jax.jacfwd(told, has_aux=True)))
    pieces = []
    for k in range(0, samples, _BATCH):
        rows = np.minimum(np.arange(k, k + _BATCH), samples - 1)
        pieces.append(jax.tree.map(np.asarray, compiled(jnp.asarray(designs[rows]))))
    bounds = {}
    for name in outputs:
        slopes, values = (np.concatenate([piece[j][name] for piece in pieces])[:samples] for j in (0, 1))
        values, slopes = finite(name, values), finite(f"slope of {name}", slopes)
        if constant(values):
            bounds[name] = DgsmBounds(inputs.names, *np.zeros((2, len(inputs.names))))
            continue
        squares = (slopes * weights) ** 2
        again = [
            squares[rows].mean(axis=0) / values[rows].var()
            for rows in rng.integers(samples, size=(RESAMPLES, samples))
        ]
        bounds[name] = DgsmBounds(
            inputs.names, squares.mean(axis=0) / values.var(), Z * np.std(again, axis=0)
        )
    return bounds


def swings(
    predict: Predict,
    space: DesignSpace,
    outputs: Sequence[str],
    centre: Mapping[str, float] | None = None,
) -> dict[str, Swings]:
    """Each output where every variable in turn is led from bound to bound, the others held.

    Parameters
    ----------
    predict
        As for `sensitivity.sobol_indices`.
    centre
        The design at which they are held, by name, SI units; by default the middle of the space.

    Raises
    ------
    InputError
        For a design that lacks a variable, and an output that is not predicted, or not finite.
    """
    count = len(space)
    row = space.from_unit(np.full((1, count), 0.5))[0]
    if centre is not None:
        if missing := [name for name in space.names if name not in centre]:
            raise InputError(
                "a design must give every variable of the space", list(centre), f"add {missing}"
            )
        row = np.array([centre[name] for name in space.names], float)
    designs = np.tile(row, (2 * count + 1, 1))
    np.fill_diagonal(designs[:count], space.lower)
    np.fill_diagonal(designs[count:-1], space.upper)
    results = predict(designs)
    found = {name: finite(name, results[name]) for name in known(outputs, results)}
    return {
        name: Swings(space.names, float(values[-1]), values[:count], values[count:-1])
        for name, values in found.items()
    }


def _distances(
    unit: Float[np.ndarray, "designs variables"], values: Float[np.ndarray, " designs"]
) -> Float[np.ndarray, "variables slices"]:
    """Kolmogorov-Smirnov distances of the values in a slice of a variable from all; NaN if it is empty.

    SALib's `pawn` asks SciPy for each of them, with a probability that costs a thousand times as much.
    """
    count = len(values)
    rank = np.searchsorted(np.sort(values), values, side="right") - 1  # of ties the last
    found = np.full((unit.shape[1], _SLICES), np.nan)
    for k, column in enumerate(unit.T):
        edges = np.quantile(column, np.linspace(0, 1, _SLICES + 1)[1:-1])
        slices = np.searchsorted(edges, column, side="right")
        counts = np.bincount(slices * count + rank, minlength=_SLICES * count).reshape(_SLICES, count)
        sums, sizes = counts.cumsum(axis=1), counts.sum(axis=1)
        filled = sizes > 0
        shares = sums[filled] / sizes[filled, None]
        found[k, filled] = np.abs(shares - sums.sum(axis=0) / count).max(axis=1)
    return found
