"""How the outputs of a sensitivity analysis are estimated: checked, resampled, errors carried."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import norm, qmc

from electrograd.design.sensitivity_inputs import Inputs, Predict
from electrograd.design.sensitivity_results import Result, widened
from electrograd.physics.errors import InputError, check_name

RESAMPLES = 100
"""How often a bootstrap draws, for the confidence; SALib's default."""
ERROR_DRAWS = 20
"""How many errors a surrogate is given in turn."""
ERROR_LENGTH = 0.5
"""Over which share of a variable's range a surrogate's error is much the same."""

_WAVES = 64  # whose sum is one error, near enough to a Gaussian field
_CHUNK = 16384
_NORMAL_90 = float(norm.ppf(0.95))


def check_power_of_two(samples: int, what: str = "samples") -> None:
    """Raise `InputError` unless the number is a power of two, 2 at least."""
    if samples < 2 or samples & (samples - 1):
        nearest = 2 ** max(1, round(math.log2(max(samples, 2))))
        raise InputError(f"{what} must be a power of two", samples, nearest)


def each(
    predict: Predict,
    inputs: Inputs,
    unit: Float[np.ndarray, "designs variables"],
    outputs: Sequence[str],
    seed: int,
    half_widths: Predict | None,
    estimate: Callable[[np.ndarray, int], Result],
) -> dict[str, Result]:
    """Estimate each output's indices, and again with a surrogate's errors added to it.

    ``estimate`` takes the values at the designs, and how often they are resampled for the confidence.
    """
    designs = inputs.from_unit(unit)
    results = predict(designs)
    values = {name: finite(name, results[name]) for name in known(outputs, results)}
    found = {name: estimate(value, RESAMPLES) for name, value in values.items()}
    if half_widths is None:
        return found
    told = half_widths(designs)
    widths = {name: finite(f"half-width of {name}", told[name]) for name in outputs if name in told}
    changed: dict[str, list[Result]] = {name: [] for name in widths}
    for error in error_fields(unit, seed):
        for name, width in widths.items():
            # SALib's Morris divides by the number of resamples less one.
            changed[name].append(estimate(values[name] + width / _NORMAL_90 * error, 2))
    return {**found, **{name: widened(found[name], others) for name, others in changed.items()}}


def error_fields(
    unit: Float[np.ndarray, "designs variables"], seed: int
) -> Iterator[Float[np.ndarray, " designs"]]:
    """Yield `ERROR_DRAWS` random smooth functions over the box, each of mean 0 and variance 1.

    Sums of plane waves with random phases, whose wave numbers are normal with standard deviation
    1 / `ERROR_LENGTH`: a Gaussian process with a squared exponential kernel (Rahimi and Recht, NeurIPS
    2007).

    Parameters
    ----------
    unit
        Designs as even numbers in [0, 1].
    """
    rng, variables = np.random.default_rng(seed), unit.shape[1]
    unit = unit.astype(np.float32)  # whose cosines are several times as fast
    for _ in range(ERROR_DRAWS):
        waves = rng.normal(scale=1 / ERROR_LENGTH, size=(variables, _WAVES)).astype(np.float32)
        phases = rng.uniform(0, 2 * np.pi, _WAVES).astype(np.float32)
        parts = (unit[k : k + _CHUNK] @ waves for k in range(0, len(unit), _CHUNK))
        yield np.sqrt(2 / _WAVES) * np.concatenate([np.cos(x + phases).sum(axis=1) for x in parts])


def known(outputs: Sequence[str], results: Mapping[str, Any]) -> Sequence[str]:
    """Hand through outputs that are predicted; raises `InputError` for another."""
    for name in outputs:
        check_name(name, results, "a sensitivity must be of an output that is predicted")
    return outputs


def finite(name: str, values: Any) -> np.ndarray:
    """Return values in double precision; raises `InputError` where one is not finite."""
    values = np.asarray(values, float)
    if broken := int(np.sum(~np.isfinite(values))):
        raise InputError(
            f"{name!r} must be finite at every design that is drawn",
            f"{broken} of {values.size} are not",
        )
    return values


def constant(values: np.ndarray) -> bool:
    """Whether there is no variance to share out."""
    return bool(np.ptp(values) <= 1e-6 * np.max(np.abs(values)))


def sobol_sequence(variables: int, samples: int, seed: int) -> Float[np.ndarray, "samples variables"]:
    """Scrambled Sobol points in the unit cube; ``samples`` is a power of two."""
    sequence = qmc.Sobol(variables, scramble=True, rng=np.random.default_rng(seed))
    return sequence.random(samples)
