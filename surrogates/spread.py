"""How much the members of an ensemble disagree, as a smooth function of the design.

    ln s(u) = c · (1, u_i, u_i u_j)        u: coordinates from -1 to 1 across the box

fitted to the disagreement at designs that were drawn freely, where no member has seen an answer. It
needs no simulation. Disagreement itself, with few members, is a noisy estimate of their standard
deviation, and at a training design it is that of members who mostly have seen it; the fit is neither,
and costs nothing at prediction, when one distilled student may stand for all members.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from electrograd.physics.errors import InputError
from electrograd.surrogates.domain import coordinates
from electrograd.sweeps.space import DesignSpace

_FLOOR = 1e-4  # of the median variance: members that agree by chance are no evidence of certainty


@dataclass(frozen=True)
class Spread:
    """Typical disagreement of the members about one figure of merit.

    Attributes
    ----------
    space
        The box.
    coefficients
        c: of 1, of each coordinate, of each product of two.
    """

    space: DesignSpace
    coefficients: Float[np.ndarray, " terms"]

    def __call__(self, design: Float[Array, " variables"]) -> Float[Array, ""]:
        """Spread at one design [unit of the figure], differentiable; outside the box it goes on."""
        terms = _terms(coordinates(self.space, design))
        return jnp.exp(jnp.dot(terms, jnp.asarray(self.coefficients, terms.dtype)))

    def at(self, designs: Float[np.ndarray, "designs variables"]) -> Float[np.ndarray, " designs"]:
        """Spread at many designs."""
        return np.exp(_terms(coordinates(self.space, np.asarray(designs))) @ self.coefficients)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What belongs among an artefact's arrays."""
        return {"coefficients": self.coefficients}

    @classmethod
    def from_saved(cls, space: DesignSpace, arrays: Mapping[str, Any]) -> "Spread":
        """Undo `to_arrays`."""
        return cls(space, np.asarray(arrays["coefficients"], float))


def fit_spread(
    space: DesignSpace,
    designs: Float[np.ndarray, "designs variables"],
    predicted: Float[np.ndarray, "groups designs"],
) -> Spread:
    """Fit the spread of predictions at designs that none of the members was trained on.

    Parameters
    ----------
    designs
        Drawn evenly from the space, some thousands; they are not simulated.
    predicted
        What each member, or the mean of each group of members that share a fold, says of them.

    Raises
    ------
    InputError
        For a single group, or too few designs for the terms.
    """
    u = coordinates(space, np.asarray(designs, float))
    terms = _terms(u)
    if len(predicted) < 2 or len(terms) < 2 * terms.shape[1]:
        raise InputError(
            "a spread needs two groups of members, and twice as many designs as it has terms",
            predicted.shape,
            (2, 2 * terms.shape[1]),
        )
    variance = np.asarray(predicted, float).var(axis=0, ddof=1)
    least = _FLOOR * np.median(variance) + np.finfo(float).tiny
    normal = terms.T @ terms + np.eye(terms.shape[1])  # a unit ridge: coordinates are of order one
    return Spread(space, np.linalg.solve(normal, terms.T @ np.log(variance + least)) / 2)


def _terms(u: Any) -> Any:
    """Constant, linear and quadratic terms of coordinates (..., variables); NumPy and JAX alike."""
    first, second = np.triu_indices(u.shape[-1])
    xp: Any = np if isinstance(u, np.ndarray) else jnp
    return xp.concatenate([xp.ones_like(u[..., :1]), u, u[..., first] * u[..., second]], axis=-1)
