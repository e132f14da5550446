"""The best fit of measured curves, by gradients from several starts, and whether the model is right."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares
from scipy.stats import chi2, qmc

from electrograd.design.identification_model import Readings
from electrograd.design.likelihood import Data, Likelihood
from electrograd.design.measured import MeasuredCurve

STARTS = 4
DRAWN = 512
"""Points of the unit cube that are asked for the best to start from."""
DOUBTED = 0.001
"""Probability of so bad a fit below which the model is doubted."""
_EDGE = 1e-3
_PARTS = 4


@dataclass(frozen=True)
class Fit:
    """The best fit.

    Attributes
    ----------
    unit
        In the unit cube.
    squares
        Sum of squares of the whitened residuals.
    residuals
        Measured less predicted [V].
    expected
        Standard deviation of each residual where the model is right [V].
    freedom
        Readings less parameters.
    agreeing
        How many of the starts came to the same fit, and how many there were.
    """

    unit: Float[np.ndarray, " variables"]
    squares: float
    residuals: Float[np.ndarray, " readings"]
    expected: Float[np.ndarray, " readings"]
    freedom: int
    agreeing: tuple[int, int]

    @property
    def probability(self) -> float:
        """Probability of so bad a fit or a worse one, if the model is right."""
        return float(chi2.sf(self.squares, self.freedom))

    @property
    def doubted(self) -> bool:
        """Whether the curves are of another kind than the model knows."""
        return self.probability < DOUBTED


def best_fit(likelihood: Likelihood, data: Data, seed: int, starts: int = STARTS) -> Fit:
    """Fit by least squares in a trust region within the cube, from the best of many points."""
    variables = len(likelihood.model.axes)
    drawn = qmc.Sobol(variables, rng=np.random.default_rng(seed)).random(DRAWN)
    squares = np.asarray(likelihood.many(jnp.asarray(drawn), data))
    first = np.clip(drawn[np.argsort(squares)[:starts]], _EDGE, 1 - _EDGE)
    found = [
        least_squares(
            lambda u: np.asarray(likelihood.residuals(jnp.asarray(u), data), float),
            start,
            jac=lambda u: np.asarray(likelihood.jacobian(jnp.asarray(u), data), float),
            bounds=(0.0, 1.0),
            xtol=1e-8,
            ftol=1e-8,
            gtol=1e-6,
            max_nfev=100,
        )
        for start in first
    ]
    best = min(found, key=lambda one: one.cost)
    same = sum(bool(one.cost < best.cost + 0.1) for one in found)
    factor = np.linalg.inv(np.asarray(data.whitener, float))
    return Fit(
        unit=np.asarray(best.x),
        squares=float(2 * best.cost),
        residuals=factor @ best.fun,
        expected=np.sqrt(np.sum(factor**2, axis=1)),
        freedom=max(1, len(best.fun) - variables),
        agreeing=(same, len(found)),
    )


def misfit_sentences(fit: Fit, readings: Readings, curves: Sequence[MeasuredCurve]) -> list[str]:
    """Say that, and where, curves are of a kind which the model does not know; empty if it does."""
    if not fit.doubted:
        return []
    size, which = fit.residuals / fit.expected, readings.curve
    charge = readings.charge.ravel()[readings.rows]
    parts = []
    for c, curve in enumerate(curves):
        share = charge[which == c] / charge[which == c][-1]
        for part in range(_PARTS):
            inside = (share > part / _PARTS) & (share <= (part + 1) / _PARTS)
            if inside.any():
                rows = np.flatnonzero(which == c)[inside]
                parts.append((float(np.sqrt(np.mean(size[rows] ** 2))), curve, part, rows))
    worst, curve, part, rows = max(parts, key=lambda one: one[0])
    off = fit.residuals[rows]
    return [
        "No parameters within the bounds make the model agree with these curves: were it right, so bad "
        f"a fit would have a probability of {_small(fit.probability)}. What is estimated is not "
        "to be believed.",
        f"It is worst in {curve.name}, from {100 * part // _PARTS} to "
        f"{100 * (part + 1) // _PARTS} % of its charge: off by "
        f"{1e3 * off[np.argmax(np.abs(off))]:+.1f} mV at the most, {worst:.1f} times what "
        "noise and the surrogate's error allow. Another cell's curves, another start than "
        "empty, ageing, heat, or a property that is another here than in the set, look like this.",
    ]


def _small(probability: float) -> str:
    return f"{probability:.0e}" if probability > 1e-99 else "less than 1e-99"
