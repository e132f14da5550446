"""How far a design is from what was trained: smooth, never clipped, growing without end.

In coordinates u that run from -1 to 1 across the box (logarithmic axes in their logarithm), the
distance to the training designs c_i is their soft minimum

    δ² = -τ ln (1/n Σ_i exp(-|u - c_i|² / τ)) + τ,    √τ: the median spacing of the training designs

so that it is the mean over some nearest neighbours, and has a gradient everywhere. In many variables
such a distance is blind to a gap in one of them (all neighbours are far), so each variable is looked
at alone, too: e_k, the soft distance of u_k to the nearest value trained. Edges of the box, edges of
what could be simulated, and slabs without data are all seen by it. The measure

    m = √(softplus((δ - δ_50) / (δ_99 - δ_50))² + Σ_k e_k² / e_0²) / q

is about 0 amid the data; quantiles δ_50, δ_99 and q are those of the training designs, each left out
in turn, so that m ≤ 1 holds for all but a stated share of designs drawn like them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from electrograd.physics.errors import InputError
from electrograd.sweeps.axis import LOG
from electrograd.sweeps.space import DesignSpace

FLAGGED = 0.01
"""Share of designs drawn like the training designs that may be called outside."""

_LEVELS = 33  # values that stand for all of a variable; gaps of over twice their spacing show
_EDGE = 0.1  # e_0: 5 % of the box's width counts as one
_KNEE = 0.1  # width of the softplus: how smoothly the measure leaves zero
_NUMBERS = ("spacing", "middle", "far", "threshold")
_PIECE = 512  # designs at a time, for bounded memory


@dataclass(frozen=True)
class Validity:
    """Where one design stands.

    Attributes
    ----------
    inside
        Whether the surrogate was trained for it.
    measure
        About 0 amid the training designs; above 1 outside.
    nearest
        The design itself if it is inside, else one near it that is; by name, SI units.
    """

    inside: bool
    measure: float
    nearest: dict[str, float]


@dataclass(frozen=True)
class Domain:
    """The trained domain: the box, and where in it there is data.

    Attributes
    ----------
    space
        The box.
    centres
        Training designs in coordinates from -1 to 1.
    levels
        Quantiles of each coordinate over the training designs.
    spacing
        √τ: the median distance of a training design to its nearest other.
    middle, far
        δ_50 and δ_99 of training designs left out in turn.
    threshold
        q: what the unscaled measure of all but a few of them stays below.
    """

    space: DesignSpace
    centres: Float[np.ndarray, "designs variables"]
    levels: Float[np.ndarray, "levels variables"]
    spacing: float
    middle: float
    far: float
    threshold: float

    @classmethod
    def from_designs(
        cls,
        space: DesignSpace,
        designs: Float[np.ndarray, "designs variables"],
        flagged: float = FLAGGED,
    ) -> "Domain":
        """Learn the domain from the designs trained on [SI units, order of the space].

        Raises
        ------
        InputError
            For fewer than eight distinct designs, or values that are not finite.
        """
        if not np.all(np.isfinite(designs)):
            raise InputError("training designs must be finite", designs[~np.isfinite(designs)][0])
        u = np.unique(coordinates(space, designs).astype(np.float32), axis=0)
        if len(u) < 8:
            raise InputError("a domain needs eight distinct training designs at least", len(u), 8)
        # Squared distances piece by piece: n² of them in single precision.
        nearest = np.concatenate(
            [
                np.sort(((u[k : k + _PIECE, None] - u) ** 2).sum(-1), axis=1)[:, 1]
                for k in range(0, len(u), _PIECE)
            ]
        )
        # Values that were trained, not means across a gap.
        levels = np.quantile(u, np.linspace(0, 1, _LEVELS), axis=0, method="closest_observation")
        spacing = float(np.sqrt(np.median(nearest)))
        rough = cls(space, u, levels, spacing, middle=0.0, far=1.0, threshold=1.0)
        left_out = np.concatenate([rough._left_out(k) for k in range(0, len(u), _PIECE)])
        middle, far = (float(np.quantile(left_out, q)) for q in (0.5, 0.99))
        # Designs on a grid are all as far from each other.
        unscaled = replace(rough, middle=middle, far=max(far, 1.05 * middle))
        threshold = float(np.quantile(unscaled._together(left_out, u), 1 - flagged))
        return replace(unscaled, threshold=threshold)

    def measure(self, design: Float[Array, " variables"]) -> Float[Array, ""]:
        """Measure of one design, in SI units; differentiable everywhere, for jit and vmap."""
        return self._scaled(coordinates(self.space, design))

    def measures(self, designs: Float[np.ndarray, "designs variables"]) -> Float[np.ndarray, " designs"]:
        """Measures of many designs, by NumPy; NaN where a value is not a number."""
        u = coordinates(self.space, designs)
        with np.errstate(invalid="ignore"):
            pieces = [self._scaled(u[k : k + _PIECE]) for k in range(0, len(u), _PIECE)]
        return np.concatenate([np.empty(0, u.dtype), *pieces])

    def inside(self, designs: Float[np.ndarray, "designs variables"]) -> Bool[np.ndarray, " designs"]:
        """Which designs lie in the domain; none with a NaN does."""
        return self.measures(designs) <= 1

    def validity(self, design: Mapping[str, float]) -> Validity:
        """Where one design stands, given by name; raises `InputError` for a variable not given."""
        if missing := [name for name in self.space.names if name not in design]:
            raise InputError("a design must give every variable", list(design), f"add {missing}")
        row = np.array([float(design[name]) for name in self.space.names])
        measure = float(self.measures(row[None])[0])
        near = row if measure <= 1 else self._towards_data(row)
        return Validity(measure <= 1, measure, dict(zip(self.space.names, near.tolist(), strict=True)))

    def _towards_data(self, design: Float[np.ndarray, " variables"]) -> Float[np.ndarray, " variables"]:
        """The first design inside on the way from the box's nearest point to the nearest data."""
        start = np.clip(np.nan_to_num(coordinates(self.space, design)), -1, 1)
        goal = self.centres[((self.centres - start) ** 2).sum(-1).argmin()]
        way = np.linspace(0, 1, 65)[:, None]
        path = _values(self.space, start + way * (goal - start))
        return path[np.argmax(self.inside(path) | (way[:, 0] == 1))]

    def _left_out(self, start: int) -> Float[np.ndarray, " designs"]:
        """Distances of some training designs to all others."""
        squares = _squares(self.centres[start : start + _PIECE], self.centres)
        squares[np.arange(len(squares)), start + np.arange(len(squares))] = np.inf
        return self._distance(squares)

    def _scaled(self, u: Any) -> Any:
        distance = self._distance(_squares(u, self.centres.astype(u.dtype)))
        return self._together(distance, u) / self.threshold

    def _distance(self, squares: Any) -> Any:
        """δ, from squared distances to the training designs along the last axis."""
        tau = self.spacing**2
        least = _soft_least(squares / tau) + math.log(len(self.centres))
        return _library(squares).sqrt(tau * (1 + least))  # the mean is 1 at most: never under √τ

    def _together(self, distance: Any, u: Any) -> Any:
        deep = (distance - self.middle) / (self.far - self.middle)
        return _library(u).sqrt(_softplus(deep, _KNEE) ** 2 + self._gaps(u) / _EDGE**2)

    def _gaps(self, u: Any) -> Any:
        """Σ_k e_k²: squared soft distances to the values that were trained, variable by variable."""
        tau = (2 / (_LEVELS - 1)) ** 2
        levels = self.levels.T.astype(u.dtype).reshape(*(1,) * (u.ndim - 1), *self.levels.T.shape)
        squares = tau * _soft_least((u[..., None] - levels) ** 2 / tau)
        # Between neighbouring levels the distance is not nothing; what is below that is none.
        return _softplus(squares - tau, tau / 4).sum(axis=-1)

    def to_arrays(self) -> dict[str, Float[np.ndarray, "rows variables"]]:
        """What belongs among an artefact's arrays."""
        return {"centres": self.centres, "levels": self.levels}

    def to_dict(self) -> dict[str, float]:
        """What belongs in an artefact's JSON."""
        return {name: getattr(self, name) for name in _NUMBERS}

    @classmethod
    def from_saved(
        cls, space: DesignSpace, arrays: Mapping[str, Any], numbers: Mapping[str, float]
    ) -> "Domain":
        """Undo `to_arrays` and `to_dict`."""
        return cls(
            space,
            np.asarray(arrays["centres"], np.float32),
            np.asarray(arrays["levels"], np.float32),
            *(float(numbers[name]) for name in _NUMBERS),
        )


def _library(array: Any) -> Any:
    return np if isinstance(array, np.ndarray) else jnp


def _squares(u: Any, centres: Float[np.ndarray, "designs variables"]) -> Any:
    """Squared distances of coordinates (..., variables) to every centre: (..., designs)."""
    shape = (*(1,) * (u.ndim - 1), *centres.shape)
    return ((u[..., None, :] - centres.reshape(shape)) ** 2).sum(axis=-1)


def _soft_least(values: Any) -> Any:
    """-ln Σ exp(-values) along the last axis."""
    xp = _library(values)
    least = values.min(axis=-1, keepdims=True)
    return least[..., 0] - xp.log(xp.exp(least - values).sum(axis=-1))


def _softplus(values: Any, knee: float) -> Any:
    return knee * _library(values).logaddexp(values / knee, 0.0)


def coordinates(space: DesignSpace, design: Any) -> Any:
    """Box-scaled coordinates of designs (..., variables), -1 at the lower bounds and 1 at the upper.

    NumPy and JAX alike, in the design's precision. A logarithm goes on along its tangent below its lower
    bound, so that every number has coordinates and a gradient.
    """
    xp = _library(design)
    columns = []
    for k, axis in enumerate(space.axes):
        x, low, high = design[..., k], axis.lower, axis.upper
        if axis.kind == LOG:
            x = xp.where(x > low, xp.log(xp.maximum(x, low)), math.log(low) + x / low - 1)
            low, high = math.log(low), math.log(high)
        columns.append((2 * x - (low + high)) / (high - low))
    return xp.stack(columns, axis=-1)


def _values(space: DesignSpace, u: Float[np.ndarray, "designs variables"]) -> np.ndarray:
    """Undo `coordinates` inside the box."""
    return space.from_unit(np.clip((u + 1) / 2, 0, 1))
