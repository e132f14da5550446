"""The certificate: how wrong a learned charge is, by PyBaMM's equations alone.

With a the learned coefficients and a* those that solve the reduced equations m a' = G(a, s), the error
e = a - a* obeys, to first order, the linearised equations driven by the defect d = m a' - G(a):

    m e' = A e + d,    A = ∂G/∂a,    e(0) = 0 in the concentrations

(one sweep of Newton's method over the whole charge). It is marched with implicit Euler on the points of
the charge, and read off in volts through the derivative of the curves. What the modes cannot hold is not
seen by it.
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
from electrograd.physics.variables import C_RATE
from electrograd.surrogates.field_basis import CONCENTRATIONS
from electrograd.surrogates.field_residual import Linearised, ReducedEquations
from electrograd.surrogates.fields import FieldSurrogate

POINTS = 17
"""Points of a charge at which the equations are asked, from 0 to its end."""


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
        surrogate, equations = self.surrogate, self._equations
        known = jax.vmap(lambda s: equations.linearised(surrogate.weights, design, s))(share)
        error = self._march(known, share)
        curves = jnp.einsum("pck,pk->pc", known.curves, error)
        rate = surrogate.physics.parameters(design)[C_RATE]
        unit = jnp.concatenate(
            [jnp.full(n, surrogate.units[name]) for name, n in surrogate.modes.counts.items()]
        )
        scaled = rate * error / unit
        squares = jnp.sum(scaled**2, axis=1) / len(surrogate.units)
        return Certificate(
            voltage=jnp.sqrt(jnp.mean(curves[:, 0] ** 2)),
            potential=jnp.sqrt(jnp.mean(curves[:, 1] ** 2)),
            fields=jnp.sqrt(jnp.mean(squares)),
            curves=curves,
        )

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
            self._compiled(jnp.asarray(d, float), jnp.asarray(s, float))
            for d, s in zip(designs, share, strict=True)
        ]
        return jax.tree.map(lambda *parts: np.stack(parts), *one)

    @cached_property
    def _equations(self) -> ReducedEquations:
        return ReducedEquations(self.surrogate.physics, self.surrogate.modes, self.model)

    @cached_property
    def _compiled(self) -> Any:
        return jax.jit(self)

    def _march(self, known: Linearised, share: Float[Array, " points"]) -> Float[Array, "points modes"]:
        """Errors of the coefficients along the charge, by implicit Euler."""
        counts = self.surrogate.modes.counts
        split = sum(counts[name] for name in CONCENTRATIONS)
        start = jnp.linalg.solve(known.matrix[0, split:, split:], -known.defect[0, split:])
        first = jnp.concatenate([jnp.zeros(split), start])

        def step(before: Array, one: Any) -> tuple[Array, Array]:
            mass, matrix, defect, width = one
            after = jnp.linalg.solve(mass / width - matrix, mass @ before / width + defect)
            return after, after

        rest = (known.mass[1:], known.matrix[1:], known.defect[1:], jnp.diff(share))
        return jnp.concatenate([first[None], jax.lax.scan(step, first, rest)[1]])
