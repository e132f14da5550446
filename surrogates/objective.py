"""Figures of merit as functions of a vector, with their gradients, as SciPy's optimisers call them.

    from scipy.optimize import minimize

    objective = Objective(surrogate, "Accepted capacity [A.h.m-2]", "maximise")
    found = minimize(
        objective.fun_and_jac, objective.middle, jac=True, method="SLSQP", bounds=objective.bounds,
        constraints=[objective.constraint("Plating margin [V]", at_least=0.0)],
    )
    objective.design(found.x)

By default x is the design's place u in the trained box, 0 to 1 along every variable, so that steps and
tolerances mean the same along each: thicknesses of 1e-5 m beside porosities of 0.3 defeat line searches
and stopping rules. With ``coordinates="SI"`` x is the design itself. For the box from l to h,

    design = l + u (h - l),        ∂f/∂u = (h - l) ∂f/∂design
"""

import copy
import math
from collections.abc import Mapping
from typing import Any, Literal, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.optimize import Bounds, NonlinearConstraint

from electrograd.physics.errors import InputError, check_name
from electrograd.sweeps.space import DesignSpace

Coordinates = Literal["unit", "SI"]

_SLIP = 1e-6  # of a variable's width: how far rounding may lead outside the box


@runtime_checkable
class Differentiable(Protocol):
    """What gives figures of merit with gradients; `Surrogate` does."""

    @property
    def space(self) -> DesignSpace:
        """The box in which predictions hold."""
        ...

    def figures(self, design: Float[Array, " variables"]) -> dict[str, Float[Array, ""]]:
        """Figures of merit of one design, differentiable with JAX."""
        ...


@runtime_checkable
class Growing(Differentiable, Protocol):
    """What learns more while it is used; `FigureSurrogate` does."""

    @property
    def state(self) -> Any:
        """What grows: arrays, an argument of compiled functions."""
        ...

    def with_state(self, state: Any) -> "Growing":
        """The same with another state."""
        ...


class PointFigures:
    """All figures of merit at a point, and their slopes, from one function compiled once.

    The last point is remembered, for optimisers ask for objective, constraints and slopes at the same
    one. Double precision throughout, single-precision weights and all: rounding stops line searches.

    Parameters
    ----------
    surrogate
        A trained surrogate, or anything `Differentiable`.
    coordinates
        What x is: the place in the unit box, or the design in SI units.

    Attributes
    ----------
    names
        The figures of merit, in the order in which they are returned.
    lower, upper
        Bounds of x.
    """

    def __init__(self, surrogate: Differentiable, coordinates: Coordinates = "unit") -> None:
        check_name(coordinates, ("unit", "SI"), "coordinates must be those of the unit box or SI")
        self.space = surrogate.space
        low, high = np.asarray(self.space.lower), np.asarray(self.space.upper)
        unit = coordinates == "unit"
        self._origin = low if unit else np.zeros_like(low)
        self._scale = high - low if unit else np.ones_like(low)
        self.lower, self.upper = (np.zeros_like(low), np.ones_like(low)) if unit else (low, high)
        design = jax.ShapeDtypeStruct((len(self.space),), np.float64)
        self.names = tuple(jax.eval_shape(surrogate.figures, design))

        def figures(state: Any, x: Float[Array, " variables"]) -> tuple[Array, Array]:
            now = surrogate.with_state(state) if isinstance(surrogate, Growing) else surrogate
            by_name = now.figures(jnp.asarray(self._origin) + x * jnp.asarray(self._scale))
            values = jnp.stack([by_name[name] for name in self.names])
            return values, values

        self._compiled = jax.jit(jax.jacfwd(figures, argnums=1, has_aux=True))
        self._take(surrogate)

    def _take(self, surrogate: Differentiable) -> None:
        self._state = surrogate.state if isinstance(surrogate, Growing) else None
        self._seen = b""
        self._found = (np.empty(0), np.empty((0, len(self.space))))

    def grown(self, surrogate: Growing) -> "PointFigures":
        """The same of a surrogate that has seen more; nothing is compiled anew while it has room."""
        other = copy.copy(self)
        other._take(surrogate)
        return other

    def __call__(
        self, x: np.ndarray
    ) -> tuple[Float[np.ndarray, " figures"], Float[np.ndarray, "figures variables"]]:
        """Return the figures of merit, SI units, and their slopes along x.

        Raises
        ------
        InputError
            If x has another shape, is not finite, or lies outside the trained box.
        """
        x = np.asarray(x, float)
        if x.tobytes() != self._seen:
            self._check(x)
            slopes, values = self._compiled(self._state, x)
            self._seen, self._found = x.tobytes(), (np.asarray(values), np.asarray(slopes))
        return self._found

    @property
    def state(self) -> Any:
        """The surrogate's as it is, of one that grows; else None."""
        return self._state

    def row(self, figure: str) -> int:
        """Where a figure of merit stands; raises `InputError` for one that is not predicted."""
        check_name(figure, self.names, "it must be a predicted figure of merit")
        return self.names.index(figure)

    def design(self, x: np.ndarray) -> dict[str, float]:
        """The design at x: values by name, SI units."""
        values = self._origin + np.asarray(x, float) * self._scale
        return dict(zip(self.space.names, map(float, values), strict=True))

    def point(self, design: Mapping[str, float]) -> Float[np.ndarray, " variables"]:
        """The x of a design given by name; raises `InputError` if it lacks a variable."""
        if missing := [name for name in self.space.names if name not in design]:
            raise InputError(
                "a design must give every variable of the box", list(design), f"add {missing}"
            )
        values = np.array([design[name] for name in self.space.names], float)
        return (values - self._origin) / self._scale

    def _check(self, x: np.ndarray) -> None:
        if x.shape != self.lower.shape:
            variables = ", ".join(self.space.names)
            raise InputError(f"x must hold the variables {variables}", x.shape, self.lower.shape)
        slip = _SLIP * (self.upper - self.lower)
        inside = (self.lower - slip <= x) & (x <= self.upper + slip)  # a NaN is not inside
        if not inside.all():
            k = int(np.argmin(inside))
            low, high = self.lower[k], self.upper[k]
            raise InputError(
                f"x must stay in the trained box, [{low:g}, {high:g}] for {self.space.names[k]!r}: "
                "give the optimiser the objective's bounds",
                f"{x[k]:g}",
                f"{np.clip(x[k], low, high):g}",
            )


class Objective:
    """One figure of merit to be minimised, or maximised, by an optimiser that minimises.

    Parameters
    ----------
    surrogate
        A trained surrogate, or anything `Differentiable`.
    figure
        The figure of merit.
    sense
        ``"maximise"`` flips the sign of `fun` and `jac`.
    coordinates
        What x is: the place in the unit box, or the design in SI units.

    Raises
    ------
    InputError
        For a figure that is not predicted, or an unknown sense.
    """

    def __init__(
        self,
        surrogate: Differentiable,
        figure: str,
        sense: Literal["maximise", "minimise"],
        coordinates: Coordinates = "unit",
    ) -> None:
        check_name(sense, ("maximise", "minimise"), "an objective is to maximise or to minimise")
        self._at = PointFigures(surrogate, coordinates)
        self._row = self._at.row(figure)
        self._sign = -1.0 if sense == "maximise" else 1.0

    def fun(self, x: np.ndarray) -> float:
        """What is minimised, in the figure's SI unit; raises `InputError` for a bad x."""
        return float(self._sign * self._at(x)[0][self._row])

    def jac(self, x: np.ndarray) -> Float[np.ndarray, " variables"]:
        """Its gradient along x; raises `InputError` for a bad x."""
        return self._sign * self._at(x)[1][self._row]

    def fun_and_jac(self, x: np.ndarray) -> tuple[float, Float[np.ndarray, " variables"]]:
        """Both at once, for ``minimize(..., jac=True)``."""
        return self.fun(x), self.jac(x)

    @property
    def bounds(self) -> Bounds:
        """The trained box, never to be left."""
        return Bounds(self._at.lower, self._at.upper, keep_feasible=True)

    @property
    def middle(self) -> Float[np.ndarray, " variables"]:
        """The middle of the box, to start from."""
        return (self._at.lower + self._at.upper) / 2

    def constraint(
        self, figure: str, at_least: float = -math.inf, at_most: float = math.inf
    ) -> NonlinearConstraint:
        """Limits on a figure of merit, in its SI unit; nothing is computed twice for them.

        Raises
        ------
        InputError
            For a figure that is not predicted, or limits that leave no value.
        """
        row = self._at.row(figure)
        if not at_least <= at_most:
            raise InputError(
                f"limits on {figure!r} must leave a value between them",
                f"at least {at_least:g}, at most {at_most:g}",
                f"at least {at_most:g}",
            )
        return NonlinearConstraint(
            lambda x: self._at(x)[0][row], at_least, at_most, jac=lambda x: self._at(x)[1][row]
        )

    def design(self, x: np.ndarray) -> dict[str, float]:
        """The design at x: values by name, SI units."""
        return self._at.design(x)

    def point(self, design: Mapping[str, float]) -> Float[np.ndarray, " variables"]:
        """The x of a design given by name; raises `InputError` if it lacks a variable."""
        return self._at.point(design)
