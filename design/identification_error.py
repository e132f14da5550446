"""A surrogate's own error where an identification asks it: at the measured currents and charges.

Designs are drawn freely from where the estimated can lie, none of them seen in training, and simulated
at the curves' currents. What the surrogate is wrong by along all curves of a design, together, is one
draw of its error: it goes on along a curve and from rate to rate, and a likelihood that took it for
noise would be far too sure.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.interpolate import PchipInterpolator

from electrograd.design.charging import SimulatedCurve, simulate_curves
from electrograd.design.identification_model import ForwardModel, Readings
from electrograd.physics.errors import InputError
from electrograd.physics.scenario import SolverSettings
from electrograd.sweeps.space import DesignSpace

DESIGNS = 64
"""Designs that are simulated to learn the error."""
_LEAST = 16


@dataclass(frozen=True)
class ErrorSample:
    """Designs simulated at the measured currents.

    Attributes
    ----------
    unit
        The designs, in the unit cube.
    curves
        Of each design, at each current.
    """

    unit: Float[np.ndarray, "designs variables"]
    curves: list[list[SimulatedCurve]]

    def errors(self, model: ForwardModel, readings: Readings) -> Float[np.ndarray, "designs readings"]:
        """Simulated less predicted voltage [V] at the readings.

        Where a design's charge has ended before a reading, its error is as at its end.
        """
        predicted = predict_many(model, self.unit, readings)
        found = np.empty_like(predicted)
        which = readings.curve
        charge = readings.charge.ravel()[readings.rows]
        for k, curves in enumerate(self.curves):
            for c, curve in enumerate(curves):
                of = which == c
                found[k, of] = _error(curve, charge[of], predicted[k, of])
        return found


def predict_many(
    model: ForwardModel, unit: Float[np.ndarray, "designs variables"], readings: Readings
) -> Float[np.ndarray, "designs readings"]:
    """Predicted voltages [V] of many candidates at the readings."""
    currents, charge = jnp.asarray(readings.currents), jnp.asarray(readings.charge)
    at: Callable[[Array], Array] = jax.jit(jax.vmap(lambda u: model(u, currents, charge)))
    return np.asarray(at(jnp.asarray(unit)), float).reshape(len(unit), -1)[:, readings.rows]


def _error(
    curve: SimulatedCurve,
    charge: Float[np.ndarray, " readings"],
    predicted: Float[np.ndarray, " readings"],
) -> Float[np.ndarray, " readings"]:
    rising = np.append(True, np.diff(curve.charge) > 0)  # an event's step may have no length
    truth = PchipInterpolator(curve.charge[rising], curve.voltage[rising])
    known = charge <= curve.charge[-1]
    if not known.any():
        return np.zeros_like(charge)
    error = np.where(known, truth(np.minimum(charge, curve.charge[-1])) - predicted, 0.0)
    return np.where(known, error, error[np.flatnonzero(known)[-1]])


def sample_errors(
    model: ForwardModel,
    settings: SolverSettings,
    currents: Float[np.ndarray, " curves"],
    time_limit: float,
    seed: int,
    designs: int = DESIGNS,
) -> ErrorSample:
    """Simulate designs drawn from the unit cube at the curves' currents.

    Parameters
    ----------
    settings
        As the surrogate's sweep was simulated.
    time_limit
        Seconds that one charge may take.

    Raises
    ------
    InputError
        If too few of them can be simulated.
    """
    surrogate = model.surrogate
    unit_space = DesignSpace(model.axes)
    drawn = unit_space.sobol(designs, seed=seed)
    named = [dict(zip(model.names, map(float, row), strict=True)) for row in drawn]
    found = simulate_curves(
        surrogate.physics.cell, surrogate.scenario, settings, named, currents.tolist(), time_limit
    )
    whole = [
        (model.unit(design), [curve for curve in curves if curve is not None])
        for design, curves in zip(named, found, strict=True)
    ]
    whole = [(unit, curves) for unit, curves in whole if len(curves) == len(currents)]
    if len(whole) < min(_LEAST, designs):
        raise InputError(
            "the surrogate's error must be measured in simulations at the measured currents",
            f"{designs - len(whole)} of {designs} designs failed in the solver",
            "narrower variables, or slower curves",
        )
    return ErrorSample(np.stack([unit for unit, _ in whole]), [curves for _, curves in whole])


def covariance(
    errors: Float[np.ndarray, "designs readings"],
) -> Float[np.ndarray, "readings readings"]:
    """Second moment of the errors [V2], correlations shrunk towards none as few draws demand.

    Correlations by Schäfer and Strimmer (Stat. Appl. Genet. Mol. Biol. 4 (2005) 32), the mean taken as
    nothing: a surrogate that is wrong by as much everywhere is wrong all the same.
    """
    designs = len(errors)
    variance = np.mean(errors**2, axis=0) + 1e-16
    standard = errors / np.sqrt(variance)
    correlation = standard.T @ standard / designs
    squares = (standard**2).T @ (standard**2) / designs
    scatter = (squares - correlation**2) / (designs - 1)
    off = ~np.eye(len(variance), dtype=bool)
    shrink = float(np.clip(scatter[off].sum() / np.maximum((correlation[off] ** 2).sum(), 1e-12), 0, 1))
    correlation[off] *= 1 - shrink
    deviation = np.sqrt(variance)
    return correlation * np.multiply.outer(deviation, deviation)
