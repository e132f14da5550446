"""A surrogate's own error where an identification asks it: at the measured currents and charges.

Designs that were never seen in training are simulated at the curves' currents. What the surrogate is
wrong by along all curves of a design, together, is one draw of its error: it goes on along a curve and
from rate to rate, and a likelihood that took it for noise would be far too sure. First designs are drawn
from all that is possible; then from what a first fit leaves possible, where the error is another, and
smaller once its mean is taken off.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from electrograd.design.charging import Simulate, SimulatedCurve
from electrograd.design.identification_model import ForwardModel, Readings
from electrograd.design.likelihood import Likelihood
from electrograd.physics.errors import InputError

_LEAST = 8


@dataclass(frozen=True)
class SurrogateError:
    """Mean and covariance of a surrogate's error at readings, simulated less predicted.

    Attributes
    ----------
    mean
        [V].
    covariance
        [V2], what few draws leave open of the mean included.
    """

    mean: Float[np.ndarray, " readings"]
    covariance: Float[np.ndarray, "readings readings"]

    @classmethod
    def of(cls, errors: Float[np.ndarray, "designs readings"]) -> "SurrogateError":
        """Learn it from the errors of some designs."""
        mean, count = errors.mean(axis=0), len(errors)
        return cls(mean, covariance(errors - mean) * (count + 1) / (count - 1))


@dataclass(frozen=True)
class SimulatedDesigns:
    """Designs of the unit cube as PyBaMM simulated them at some currents; failed ones are left out."""

    unit: Float[np.ndarray, "designs variables"]
    curves: list[list[SimulatedCurve | None]]

    def error(self, likelihood: Likelihood, readings: Readings) -> SurrogateError:
        """The surrogate's error at readings at the same currents."""
        known = map(jnp.asarray, (self.unit, readings.currents, readings.charge))
        predicted = np.asarray(likelihood.predict(*known), float)
        predicted = predicted.reshape(len(self.unit), -1)[:, readings.rows]
        pairs = zip(self.curves, predicted, strict=True)
        return SurrogateError.of(np.stack([errors_of(curves, readings, row) for curves, row in pairs]))


def simulated(
    model: ForwardModel,
    currents: Float[np.ndarray, " curves"],
    unit: Float[np.ndarray, "designs variables"],
    simulate: Simulate,
) -> SimulatedDesigns:
    """Simulate designs at the curves' currents [A.m-2].

    Raises
    ------
    InputError
        If too few of them can be simulated.
    """
    named = [model.named(row) for row in unit]
    found = simulate(named, currents.tolist())
    whole = [k for k, curves in enumerate(found) if all(curve is not None for curve in curves)]
    if len(whole) < min(_LEAST, len(unit)):
        raise InputError(
            "the surrogate's error must be measured in simulations at the measured currents",
            f"{len(unit) - len(whole)} of {len(unit)} designs failed in the solver",
            "narrower variables, or slower curves",
        )
    return SimulatedDesigns(unit[whole], [found[k] for k in whole])


def errors_of(
    curves: Sequence[SimulatedCurve | None],
    readings: Readings,
    predicted: Float[np.ndarray, " readings"],
) -> Float[np.ndarray, " readings"]:
    """Simulated less predicted voltage [V] of one design at the readings.

    Where its charge has ended before a reading, its error is as at its end.
    """
    found, which = np.zeros_like(predicted), readings.curve
    charge = readings.charge.ravel()[readings.rows]
    for c, curve in enumerate(curves):
        of = which == c
        known = charge[of] <= curve.charge[-1] if curve is not None else np.zeros(of.sum(), bool)
        if curve is None or not known.any():
            continue
        error = curve.at(np.minimum(charge[of], curve.charge[-1])) - predicted[of]
        found[of] = np.where(known, error, error[np.flatnonzero(known)[-1]])
    return found


def covariance(
    errors: Float[np.ndarray, "designs readings"],
) -> Float[np.ndarray, "readings readings"]:
    """Second moment of errors [V2], correlations shrunk towards none as few draws demand.

    Shrunk after Schäfer and Strimmer (Stat. Appl. Genet. Mol. Biol. 4 (2005) 32).
    """
    designs = len(errors)
    variance = np.mean(errors**2, axis=0) + 1e-16
    deviation = np.sqrt(variance)
    standard = errors / deviation
    correlation = standard.T @ standard / designs
    scatter = ((standard**2).T @ (standard**2) / designs - correlation**2) / (designs - 1)
    off = ~np.eye(len(variance), dtype=bool)
    shrink = float(np.clip(scatter[off].sum() / max((correlation[off] ** 2).sum(), 1e-12), 0, 1))
    correlation[off] *= 1 - shrink
    return correlation * np.multiply.outer(deviation, deviation)
