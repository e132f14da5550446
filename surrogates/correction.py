"""A surrogate of many cheap simulations corrected by few dear ones.

What a better model changes is smaller and simpler than what it computes, so few of its simulations tell
it (Kennedy and O'Hagan, Biometrika 87 (2000) 1). With s the share of the nominal capacity passed and s₀
the one that the bulk surrogate accepts, the corrected surrogate accepts r s₀, and its curves are

    f(s) = f₀(s / r) + Σ_k c_k T_k(2 √u - 1),          u = s / (r s₀), at most 1,

the bulk surrogate's, stretched along the charge, and a Chebyshev series along its root. The ratio r, the
change of the plating margin and the coefficients c are Gaussian processes of the design, evaluated in
double precision: smooth functions make their weights large, and of both signs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from electrograd.physics.errors import InputError
from electrograd.physics.scenario import Scenario
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    PLATING_MARGIN,
)
from electrograd.surrogates.checks import Outside
from electrograd.surrogates.curve_physics import CURVES, CurvePhysics
from electrograd.surrogates.figures import GRID, CurveTuple, apart, figures_of_curves
from electrograd.surrogates.gaussian_process import GaussianProcesses
from electrograd.sweeps.space import DesignSpace

TERMS = 5
"""Terms of a curve's series."""

LEAST_SHARE = 1e-6
"""Least share of the nominal capacity over which a curve is bent."""

BATCH = 256
"""Designs predicted at a time."""

FIGURES = (ACCEPTED_CAPACITY, ACCEPTED_SHARE, PLATING_MARGIN)
"""The figures of merit whose errors are known; the others are in closed form, or read off the curves."""


@runtime_checkable
class CurveSurrogate(Protocol):
    """What is asked of a surrogate to be corrected; `Surrogate` is one, and so is a corrected one."""

    @property
    def space(self) -> DesignSpace:
        """The trained box."""
        ...

    @property
    def physics(self) -> CurvePhysics:
        """Cell and potentials."""
        ...

    @property
    def scenario(self) -> Scenario:
        """How the cell is charged."""
        ...

    def figures(self, design: Float[Array, " variables"]) -> dict[str, Float[Array, ""]]:
        """Figures of merit of one design, differentiable with JAX."""
        ...

    def curves(
        self, design: Float[Array, " variables"], share: Float[Array, " points"]
    ) -> Float[Array, "points outputs"]:
        """Curves of one design at shares of its nominal capacity; columns: `curve_physics.CURVES`."""
        ...

    def predict(
        self, designs: np.ndarray, outside: Outside = "error"
    ) -> dict[str, Float[np.ndarray, " designs"]]:
        """Figures of merit of designs of shape (designs, variables)."""
        ...

    def inside(self, designs: Float[np.ndarray, "designs variables"]) -> np.ndarray:
        """Which designs lie in the trained domain."""
        ...


@dataclass(frozen=True)
class CorrectedSurrogate:
    """A bulk surrogate and what dearer simulations changed; used as the bulk surrogate is.

    Attributes
    ----------
    bulk
        The surrogate of the cheap simulations.
    change, bend
        Processes over the box scaled to [0, 1]: of r - 1 and the change of the plating margin [V]; of
        the coefficients of the curves' series.
    errors
        By figure of `FIGURES`: median and 95th percentile of the absolute error at designs left out of
        the correction in turn, and the half-width that held 90 % of them.
    dataset
        Fingerprint of the dear simulations.
    """

    bulk: CurveSurrogate
    change: GaussianProcesses
    bend: GaussianProcesses
    errors: dict[str, dict[str, float]]
    dataset: str

    @property
    def space(self) -> DesignSpace:
        """The trained box."""
        return self.bulk.space

    @property
    def physics(self) -> CurvePhysics:
        """Cell and potentials."""
        return self.bulk.physics

    @property
    def scenario(self) -> Scenario:
        """How the cell is charged."""
        return self.bulk.scenario

    def figures(self, design: Float[Array, " variables"]) -> dict[str, Float[Array, ""]]:
        """Figures of merit of one design, differentiable with JAX; SI units, order of the space."""
        before = self.bulk.figures(design)
        return self._figures(design, before[ACCEPTED_SHARE], before[PLATING_MARGIN])

    def curves(
        self, design: Float[Array, " variables"], share: Float[Array, " points"]
    ) -> Float[Array, "points outputs"]:
        """Corrected curves of one design; columns as of the bulk surrogate's."""
        return self._curves(design, share, self.bulk.figures(design)[ACCEPTED_SHARE])

    def deviation(self, design: Float[Array, " variables"]) -> dict[str, Float[Array, ""]]:
        """How uncertain the correction is at one design: a standard deviation by figure of `FIGURES`.

        The bulk surrogate's own uncertainty comes in addition.
        """
        bulk = self.bulk.figures(design)
        ratio, margin = self._asked(self.change.deviation, design)
        return {
            ACCEPTED_CAPACITY: ratio * bulk[ACCEPTED_CAPACITY],
            ACCEPTED_SHARE: ratio * bulk[ACCEPTED_SHARE],
            PLATING_MARGIN: margin,
        }

    def predict(
        self, designs: np.ndarray, outside: Outside = "error"
    ) -> dict[str, Float[np.ndarray, " designs"]]:
        """Figures of merit of many designs, as NumPy arrays.

        Parameters
        ----------
        designs
            Shape (designs, variables), SI units, in the order of ``space.names``.
        outside
            "error" refuses designs outside the trained box; "flag" predicts them too.

        Raises
        ------
        InputError
            As the bulk surrogate's `predict`.
        """
        before = self.bulk.predict(designs, outside)
        told = (designs, before[ACCEPTED_SHARE], before[PLATING_MARGIN])
        count, pieces = len(designs), []
        for first in range(0, count, BATCH):
            # One size of batch means one compilation: the last is filled up with its last design.
            rows = np.minimum(np.arange(first, first + BATCH), count - 1)
            pieces.append(self._batch(*(np.asarray(part, np.float32)[rows] for part in told)))
        names = pieces[0]
        return {n: np.concatenate([np.asarray(piece[n]) for piece in pieces])[:count] for n in names}

    def predict_one(self, design: Mapping[str, float]) -> dict[str, float]:
        """Figures of merit of one design given by name; raises `InputError` as `predict` does."""
        if missing := [name for name in self.space.names if name not in design]:
            raise InputError(
                "a design must give every variable of the box", list(design), f"add {missing}"
            )
        row = np.array([[design[name] for name in self.space.names]])
        return {name: float(value[0]) for name, value in self.predict(row).items()}

    def predict_curves(
        self, design: Mapping[str, float], points: int
    ) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, "points outputs"]]:
        """Curves of one design given by name, on even points up to its predicted end.

        Returns
        -------
        share, curves
            Shares of the nominal capacity, and the columns of `curves`.
        """
        share = np.linspace(0, self.predict_one(design)[ACCEPTED_SHARE], points, dtype=np.float32)
        row = jnp.asarray([design[name] for name in self.space.names], jnp.float32)
        return share, np.asarray(jax.jit(self.curves)(row, jnp.asarray(share)))

    def inside(self, designs: Float[np.ndarray, "designs variables"]) -> np.ndarray:
        """Which designs lie in the domain of the bulk surrogate."""
        return self.bulk.inside(designs)

    def interval(self, figure: str) -> float:
        """Half-width that held 90 % of left-out designs; 0 for a figure not of `FIGURES`."""
        return self.errors.get(figure, {}).get("interval", 0.0)

    def _asked(self, what: Callable[[Array], Array], design: Array) -> Array:
        return what(place(self.space, design.astype(jnp.float64))).astype(design.dtype)

    def _curves(
        self,
        design: Float[Array, " variables"],
        share: Float[Array, " points"],
        accepted: Float[Array, ""],
    ) -> Float[Array, "points outputs"]:
        """Corrected curves where the share that the bulk surrogate accepts is known."""
        stretch = 1 + self._asked(self.change.predict, design)[0]
        end = jnp.maximum(stretch * accepted, LEAST_SHARE)
        bend = series(share / end, self._asked(self.bend.predict, design))
        return self.bulk.curves(design, share / stretch) + bend

    def _figures(
        self, design: Float[Array, " variables"], accepted: Float[Array, ""], margin: Float[Array, ""]
    ) -> dict[str, Float[Array, ""]]:
        """Figures where those of the bulk surrogate are known."""
        ratio, shift = self._asked(self.change.predict, design)
        share = (1 + ratio) * accepted * jnp.linspace(0, 1, GRID, dtype=design.dtype)

        def curves(share: Float[Array, " points"]) -> CurveTuple:
            return apart(self._curves(design, share, accepted))

        voltage, potential, _, _ = curves(share)
        found = figures_of_curves(self.physics, design, curves, share, voltage, potential, self.scenario)
        return {**found, PLATING_MARGIN: margin + shift}

    @cached_property
    def _batch(self) -> Any:
        return jax.jit(jax.vmap(self._figures))


def place(space: DesignSpace, design: Any) -> Any:
    """Designs in the box scaled to [0, 1]."""
    lower, upper = np.asarray(space.lower), np.asarray(space.upper)
    return (design - np.broadcast_to(lower, design.shape)) / np.broadcast_to(upper - lower, design.shape)


def chebyshev(along: Float[Array, " points"]) -> Float[Array, "points terms"]:
    """T_k(2 √u - 1) at shares u of the charge, what lies beyond its end counted as there."""
    # The root rises steeply at the start, as diffusion does; the tiny shift keeps its slope finite.
    z = 2 * jnp.sqrt(jnp.clip(along, 0, 1) + 1e-6) - 1
    terms = [jnp.ones_like(z), z]
    for _ in range(TERMS - 2):
        terms.append(2 * z * terms[-1] - terms[-2])
    return jnp.stack(terms, axis=-1)


def series(
    along: Float[Array, " points"], coefficients: Float[Array, " coefficients"]
) -> Float[Array, "points outputs"]:
    """Series of every curve at shares of the charge."""
    return chebyshev(along) @ coefficients.reshape(len(CURVES), TERMS).T
