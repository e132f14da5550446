"""Which variable matters: Sobol indices of a vectorised function over a box, by SALib."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from SALib.analyze import sobol as analyse
from SALib.sample import sobol as sample

from electrograd.physics.errors import InputError
from electrograd.sweeps.space import DesignSpace

Predict = Callable[[np.ndarray], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class SobolIndices:
    """First-order and total indices of one output, with their 95 % confidence half-widths.

    Attributes
    ----------
    names
        Variables, in the order of the arrays.
    first, first_confidence, total, total_confidence
        One value per variable.
    """

    names: tuple[str, ...]
    first: Float[np.ndarray, " variables"]
    first_confidence: Float[np.ndarray, " variables"]
    total: Float[np.ndarray, " variables"]
    total_confidence: Float[np.ndarray, " variables"]

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Return ``{variable: {first, first confidence, total, total confidence}}`` for JSON."""
        rows = zip(
            self.names, self.first, self.first_confidence, self.total, self.total_confidence, strict=True
        )
        keys = ("first", "first confidence", "total", "total confidence")
        return {name: dict(zip(keys, map(float, row), strict=True)) for name, *row in rows}


def sobol_indices(
    predict: Predict, space: DesignSpace, outputs: list[str], samples: int, seed: int
) -> dict[str, SobolIndices]:
    """Sobol indices of each output, its variables uniform in the box; zero where it is constant.

    Parameters
    ----------
    predict
        Maps designs of shape (n, variables) to arrays of shape (n,) by name of output.
    samples
        Base samples, a power of two; the function is evaluated ``samples * (variables + 2)`` times.

    Raises
    ------
    InputError
        If ``samples`` is not a power of two.
    """
    if samples < 2 or samples & (samples - 1):
        nearest = 2 ** max(1, round(np.log2(max(samples, 2))))
        raise InputError("Sobol samples must be a power of two", samples, nearest)
    problem = {
        "num_vars": len(space),
        "names": list(space.names),
        "bounds": [list(pair) for pair in zip(space.lower, space.upper, strict=True)],
    }
    designs = sample.sample(problem, samples, calc_second_order=False, seed=seed)
    results = predict(designs)
    indices = {}
    for name in outputs:
        values = np.asarray(results[name], float)
        if np.ptp(values) <= 1e-6 * np.max(np.abs(values)):  # no variance to share out
            zero = np.zeros(len(space))
            indices[name] = SobolIndices(space.names, zero, zero, zero, zero)
            continue
        found = analyse.analyze(problem, values, calc_second_order=False, seed=seed)
        indices[name] = SobolIndices(
            space.names, found["S1"], found["S1_conf"], found["ST"], found["ST_conf"]
        )
    return indices
