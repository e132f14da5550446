"""The certificate: how wrong a learned charge is, by PyBaMM's equations alone.

The error of a learned charge obeys PyBaMM's linearised equations, driven by what the learned state
leaves of them (`field_residual`); concentrations start without any. It is marched along the charge with
implicit Euler, one sweep of Newton's method in time, and read off in volts. What is learned less the
estimated error is a better prediction, at some times the cost.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from electrograd.physics.errors import InputError
from electrograd.physics.states import StateModel
from electrograd.surrogates.field_residual import ErrorEquations, Linearised
from electrograd.surrogates.fields import FieldSurrogate

POINTS = 9
"""Points of a charge at which the equations are asked, from 0 to its end."""


_INSTANT = 1e-12
"""A share of the nominal capacity in which nothing moves."""


class Certificate(NamedTuple):
    """Estimated errors of learned charges; a leading axis of designs where many were asked for.

    Attributes
    ----------
    voltage, potential
        RMS along the charge of the errors of voltage, and of the negative electrode's potential at the
        separator [V].
    fields
        RMS over all fields and the charge, each field in its unit (`FieldSurrogate.units`).
    curves
        Errors with their signs along the charge, in the columns of `StateMap.curves`; learned values
        less these are the better ones.
    """

    voltage: Any
    potential: Any
    fields: Any
    curves: Any


@dataclass(frozen=True, eq=False)
class Certifier:
    """Certificates of one field surrogate's charges.

    Attributes
    ----------
    surrogate
        What is asked.
    model
        PyBaMM's equations for the same cell, scenario and mesh.

    Raises
    ------
    InputError
        If the model's states are not the surrogate's.
    """

    surrogate: FieldSurrogate
    model: StateModel

    def __post_init__(self) -> None:
        own, other = self.surrogate.physics.states, self.model
        if own.layout != other.layout or own.cell != other.cell:
            raise InputError("the model must be of the surrogate's cell and mesh", other.cell.name)

    def __call__(
        self, design: Float[Array, " variables"], share: Float[Array, " points"]
    ) -> Certificate:
        """Certificate of one design's charge, at shares that rise from 0; differentiable."""
        return self._certified(self.linearised(design, share), design, share)

    def many(
        self,
        designs: Float[np.ndarray, "designs variables"],
        ends: Float[np.ndarray, " designs"],
        points: int = POINTS,
    ) -> Certificate:
        """Certificates of many designs, each up to its own end (a share of its nominal capacity).

        Raises
        ------
        InputError
            For designs that the surrogate does not know, or ends that are not positive.
        """
        self.surrogate.check(designs)
        if not np.all(ends > 0):
            raise InputError("a charge must end after it began", float(np.min(ends)))
        share = np.linspace(0, 1, points) * ends[:, None]
        one = [
            self(jnp.asarray(d, float), jnp.asarray(s, float))
            for d, s in zip(designs, share, strict=True)
        ]
        return jax.tree.map(lambda *parts: np.stack(parts), *one)

    @cached_property
    def _equations(self) -> ErrorEquations:
        return ErrorEquations(self.surrogate.physics, self.surrogate.modes, self.model)

    @cached_property
    def linearised(self) -> Any:
        """Compiled: the equations around a design's states at some shares, stacked."""
        equations, weights = self._equations, self.surrogate.weights

        def along(design: Array, share: Float[Array, " points"]) -> Linearised:
            return jax.vmap(lambda s: equations.linearised(weights, design, s))(share)

        return jax.jit(along)

    @cached_property
    def _certified(self) -> Any:
        return jax.jit(self._solved)

    def _solved(self, known: Linearised, design: Array, share: Array) -> Certificate:
        """March the equations, and measure what comes out."""
        equations = self._equations
        error = self._march(known, share)
        curves = jnp.einsum("pck,pk->pc", known.curves, error)
        squares = jax.vmap(lambda u: equations.squares(design, u))(error)
        scaled = [squares[name] / unit**2 for name, unit in self.surrogate.units.items()]
        return Certificate(
            voltage=jnp.sqrt(jnp.mean(curves[:, 0] ** 2)),
            potential=jnp.sqrt(jnp.mean(curves[:, 1] ** 2)),
            fields=jnp.sqrt(jnp.mean(jnp.stack(scaled))),
            curves=curves,
        )

    def _march(
        self, known: Linearised, share: Float[Array, " points"]
    ) -> Float[Array, "points unknowns"]:
        """The error along the charge, by implicit Euler."""
        mass = jnp.asarray(self._equations.mass)
        # At the start a step of no length: concentrations stay, potentials are solved for.
        widths = jnp.concatenate([jnp.full(1, _INSTANT), jnp.diff(share)])

        def step(before: Array, one: Any) -> tuple[Array, Array]:
            matrix, defect, width = one
            left = jnp.diag(mass / width) - matrix
            after = jnp.linalg.solve(left, mass * before / width + defect)
            return after, after

        return jax.lax.scan(step, jnp.zeros_like(mass), (known.matrix, known.defect, widths))[1]
