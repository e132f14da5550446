"""The likelihood of measured curves, and the posterior on the unit cube.

Readings differ from the model by noise, independent, and by the surrogate's own error, which goes on
along a curve and from rate to rate: with the covariance S of both, and r the residuals,

    -2 ln p(curves | u) = rᵀ S⁻¹ r + const = |w|²,        w = L⁻¹ r,  S = L Lᵀ

The whitened residuals w are independent and of unit variance where the model is right. The prior is even
over the unit cube.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.linalg import solve_triangular

from electrograd.design.identification_model import ForwardModel, Readings


class Data(NamedTuple):
    """What a likelihood is told, as arrays: other data of the same sizes need no new compilation.

    Attributes
    ----------
    currents, charge, rows, voltage
        As in `Readings`.
    offset
        What the surrogate's predictions are corrected by [V].
    whitener
        L⁻¹ [1/V].
    """

    currents: Float[Array, " curves"]
    charge: Float[Array, "curves points"]
    rows: Int[Array, " readings"]
    voltage: Float[Array, " readings"]
    offset: Float[Array, " readings"]
    whitener: Float[Array, "readings readings"]

    @classmethod
    def of(
        cls,
        readings: Readings,
        offset: Float[np.ndarray, " readings"],
        error: Float[np.ndarray, "readings readings"],
    ) -> "Data":
        """Readings with their noise; mean [V] and covariance [V2] of the surrogate's error at them."""
        factor = np.linalg.cholesky(error + np.diag(readings.noise**2))
        whitener = solve_triangular(factor, np.eye(len(factor)), lower=True)
        known = (readings.currents, readings.charge, readings.rows, readings.voltage, offset, whitener)
        return cls(*map(jnp.asarray, known))


@dataclass(frozen=True)
class Likelihood:
    """The likelihood of a forward model; every function takes the data it is about.

    Attributes
    ----------
    residuals
        Whitened residuals of one point of the unit cube.
    jacobian
        Their slopes by its coordinates.
    many
        Sums of squares of whitened residuals of many points.
    predict
        Voltages [V] of many points at the data's currents and charges, by curve.
    """

    model: ForwardModel
    residuals: Callable[[Array, Data], Array]
    jacobian: Callable[[Array, Data], Array]
    many: Callable[[Array, Data], Array]
    predict: Callable[[Array, Array, Array], Array]

    @classmethod
    def of(cls, model: ForwardModel) -> "Likelihood":
        """Compile, when they are first asked, the functions of a model."""

        def residuals(unit: Array, data: Data) -> Float[Array, " readings"]:
            return whitened(model, unit, data)

        def squares(unit: Array, data: Data) -> Float[Array, ""]:
            return jnp.sum(residuals(unit, data) ** 2)

        return cls(
            model=model,
            residuals=jax.jit(residuals),
            jacobian=jax.jit(jax.jacfwd(residuals)),
            many=jax.jit(jax.vmap(squares, in_axes=(0, None))),
            predict=jax.jit(
                jax.vmap(lambda unit, *readings: model(unit, *readings), in_axes=(0, None, None))
            ),
        )


def whitened(
    model: ForwardModel, unit: Float[Array, " variables"], data: Data
) -> Float[Array, " readings"]:
    """Whitened residuals, measured less predicted."""
    predicted = model(unit, data.currents, data.charge).ravel()[data.rows]
    return data.whitener @ (data.voltage - data.offset - predicted)
