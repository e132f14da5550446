"""How far a design is from what was trained: smooth, never clipped, growing without end.

In coordinates u that run from -1 to 1 across the box (logarithmic axes in their logarithm), the distance
to the training designs c_i is their soft minimum

    δ² = -τ ln (1/n Σ_i exp(-|u - c_i|² / τ)) + τ,    √τ: the median spacing of the training designs

so that it is the mean over some nearest neighbours, and has a gradient everywhere. In many variables such a
distance is blind to a gap in one of them (all neighbours are far), so each variable is looked at alone, too:
e_k, the soft distance of u_k to the nearest value trained. Edges of the box, edges of what could be simulated,
and slabs without data are all seen by it. The measure

    m = √(softplus((δ - δ_50) / (δ_99 - δ_50))² + Σ_k e_k² / e_0²) / q

is about 0 amid the data; quantiles δ_50, δ_99 and q are those of the training designs, each left out in turn,
so that m ≤ 1 holds for all but a stated share of designs drawn like them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from electrograd.physics.errors import InputError
from electrograd.sweeps.axis import LOG
from electrograd.sweeps.space import DesignSpace

FLAGGED = 0.01
"""Share of designs drawn like the training designs that may be called outside."""

_LEVELS = 33  # values by which each variable's range is remembered; gaps of over twice their spacing show
_EDGE = 0.1  # e_0: 5 % of the box's width counts as one
_KNEE = 0.1  # width of the softplus: how smoothly the measure leaves zero
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
        u = np.unique(coordinates(space, designs), axis=0).astype(np.float32)
        if len(u) < 8:
            raise InputError("a domain needs eight distinct training designs at least", len(u), 8)
        # Squared distances piece by piece: n² of them in single precision.
        nearest = np.concatenate(
            [
                np.sort(((u[k : k + _PIECE, None] - u) ** 2).sum(-1), axis=1)[:, 1]
                for k in range(0, len(u), _PIECE)
            ]
        )
        rough = cls(
            space=space,
            centres=u,
            # Values that were trained, not means across a gap.
            levels=np.quantile(u, np.linspace(0, 1, _LEVELS), axis=0, method="closest_observation"),
            spacing=float(np.sqrt(np.median(nearest))),
            middle=0.0,
            far=1.0,
            threshold=1.0,
        )
        left_out = np.asarray(jax.lax.map(rough._left_out, jnp.arange(len(u)), batch_size=_PIECE))
        scaled = {
            "middle": float(np.quantile(left_out, 0.5)),
            "far": float(np.quantile(left_out, 0.99)),
        }
        known = {f.name: getattr(rough, f.name) for f in fields(cls)}
        unscaled = cls(**{**known, **scaled})
        together = jax.vmap(unscaled._together)(jnp.asarray(left_out), jnp.asarray(u))
        return cls(**{**known, **scaled, "threshold": float(np.quantile(together, 1 - flagged))})

    def measure(self, design: Float[Array, " variables"]) -> Float[Array, ""]:
        """Measure of one design, in SI units; differentiable everywhere, for jit and vmap."""
        u = coordinates(self.space, design)
        return self._together(self._distance(((u[None] - self._centres) ** 2).sum(-1)), u) / self.threshold

    @cached_property
    def _batch(self) -> Any:
        return jax.jit(lambda x: jax.lax.map(self.measure, x, batch_size=_PIECE))

    def measures(
        self, designs: Float[np.ndarray, "designs variables"]
    ) -> Float[np.ndarray, " designs"]:
        """Measures of many designs; NaN where a value is not a number."""
        return np.asarray(self._batch(jnp.asarray(designs)))

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

    @property
    def _centres(self) -> Float[Array, "designs variables"]:
        return jnp.asarray(self.centres)

    def _left_out(self, k: Array) -> Float[Array, ""]:
        """Distance of a training design to all others."""
        squares = ((self._centres[k][None] - self._centres) ** 2).sum(-1)
        return self._distance(jnp.where(jnp.arange(len(squares)) == k, jnp.inf, squares))

    def _distance(self, squares: Float[Array, " designs"]) -> Float[Array, ""]:
        tau = self.spacing**2
        mean = jax.nn.logsumexp(-squares / tau) - np.log(len(self.centres))
        return jnp.sqrt(tau * (1 - mean))  # the mean of exponentials is 1 at most: never under √τ

    def _together(self, distance: Float[Array, ""], u: Float[Array, " variables"]) -> Float[Array, ""]:
        deep = (distance - self.middle) / (self.far - self.middle)
        return jnp.sqrt((_KNEE * jax.nn.softplus(deep / _KNEE)) ** 2 + self._gaps(u) / _EDGE**2)

    def _gaps(self, u: Float[Array, " variables"]) -> Float[Array, ""]:
        """Σ_k e_k²: squared soft distances to the values that were trained, variable by variable."""
        tau = (2 / (_LEVELS - 1)) ** 2
        squares = -tau * jax.nn.logsumexp(-((u[None] - jnp.asarray(self.levels)) ** 2) / tau, axis=0)
        # Between neighbouring levels the distance is not nothing; what is below that is none.
        sharp = tau / 4
        return (sharp * jax.nn.softplus((squares - tau) / sharp)).sum()

    def to_arrays(self) -> dict[str, Float[np.ndarray, "rows variables"]]:
        """What belongs among an artefact's arrays."""
        return {"centres": self.centres, "levels": self.levels}

    def to_dict(self) -> dict[str, float]:
        """What belongs in an artefact's JSON."""
        return {name: getattr(self, name) for name in ("spacing", "middle", "far", "threshold")}

    @classmethod
    def from_saved(
        cls, space: DesignSpace, arrays: Mapping[str, Any], numbers: Mapping[str, float]
    ) -> "Domain":
        """Undo `to_arrays` and `to_dict`."""
        saved = {name: np.asarray(arrays[name], np.float32) for name in ("centres", "levels")}
        return cls(space=space, **saved, **{name: float(numbers[name]) for name in numbers})


def coordinates(space: DesignSpace, design: Any) -> Any:
    """Box-scaled coordinates of designs (..., variables), -1 at the lower bounds and 1 at the upper.

    NumPy and JAX alike, in the design's precision. A logarithm goes on along its tangent below its lower
    bound, so that every number has coordinates and a gradient.
    """
    xp: Any = np if isinstance(design, np.ndarray) else jnp
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
