"""PyBaMM's discretised equations as a small system in the coefficients of the modes.

The raw residual M y' - f(t, y) of a learned state is stiff: what a truncated mode leaves, and what dies
out in milliseconds, drowns what matters. Projected onto the modes (Galerkin) it becomes

    m da/ds - G(a, s),    G = Ψᵀ W (T f(y(a, s)) - ∂y/∂s)   rows of concentrations
                          G = Ψᵀ W g(y(a, s))               rows of potentials, where m = 0

with s the share of the nominal capacity, T the seconds in which all of it passes, W the volumes. The
coefficients, like the residual of their equations, are of stoichiometry, c / c_0 and V over the C-rate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from electrograd.physics.states import StateModel
from electrograd.physics.variables import C_RATE
from electrograd.surrogates.field_basis import CONCENTRATIONS, Deviations, Modes
from electrograd.surrogates.fields import FieldPhysics, coefficients, state

Coefficients = dict[str, Any]


class Linearised(NamedTuple):
    """The equations around learned coefficients a, after a share of the charge: m e' = A e + d.

    Attributes
    ----------
    vector
        a.
    defect
        d = m a' - G(a): what the equations find wrong.
    mass, matrix
        m, and A = ∂G/∂a.
    curves
        Derivatives of `StateMap.curves` in a.
    """

    vector: Float[Array, " modes"]
    defect: Float[Array, " modes"]
    mass: Float[Array, "modes modes"]
    matrix: Float[Array, "modes modes"]
    curves: Float[Array, "outputs modes"]


@dataclass(frozen=True, eq=False)
class ReducedEquations:
    """The equations of one cell in the coefficients of a basis.

    Attributes
    ----------
    physics, modes
        Of the field surrogate whose coefficients they are; in double precision.
    model
        PyBaMM's equations on the same mesh.
    """

    physics: FieldPhysics
    modes: Modes
    model: StateModel

    def stack(self, coefficient: Coefficients) -> Float[Array, " modes"]:
        """One vector of all fields' coefficients, in the modes' order."""
        return jnp.concatenate([coefficient[name] for name in self.modes.counts])

    def unstack(self, vector: Float[Array, " modes"]) -> Coefficients:
        """Undo `stack`."""
        found, start = {}, 0
        for name, count in self.modes.counts.items():
            found[name] = vector[start : start + count]
            start += count
        return found

    def vector(
        self,
        weights: Mapping[str, Array],
        design: Float[Array, " variables"],
        share: Float[Array, ""],
    ) -> Float[Array, " modes"]:
        """The network's coefficients."""
        return self.stack(coefficients(self.physics, self.modes, weights, design, share))

    def state(
        self, vector: Float[Array, " modes"], design: Float[Array, " variables"], share: Float[Array, ""]
    ) -> Float[Array, " states"]:
        """The state that a vector of coefficients stands for."""
        return state(self.physics, self.modes, self.unstack(vector), design, share)

    def mass(
        self, vector: Float[Array, " modes"], design: Float[Array, " variables"], share: Float[Array, ""]
    ) -> Float[Array, "modes modes"]:
        """m, with rows of zeros for the potentials."""

        def of(vector: Array) -> Array:
            return self._projected(self.state(vector, design, share), design, False)

        return jax.jacfwd(of)(vector)

    def right_hand_side(
        self, vector: Float[Array, " modes"], design: Float[Array, " variables"], share: Float[Array, ""]
    ) -> Float[Array, " modes"]:
        """G(a, s)."""
        parameters = self.physics.parameters(design)
        y, y_share = jax.jvp(lambda s: self.state(vector, design, s), (share,), (jnp.ones_like(share),))
        seconds = 3600 / parameters[C_RATE]
        f = self.model.residual.right_hand_side(0.0, y, self.model.inputs(parameters))
        split = self.model.residual.differential
        rates = jnp.concatenate([seconds * f[:split] - y_share[:split], f[split:]])
        return self._projected(rates, design, True)

    def linearised(
        self,
        weights: Mapping[str, Array],
        design: Float[Array, " variables"],
        share: Float[Array, ""],
    ) -> Linearised:
        """The equations around the network's own coefficients, with their defect."""
        vector, slope = jax.jvp(
            lambda s: self.vector(weights, design, s), (share,), (jnp.ones_like(share),)
        )

        def curves(vector: Array) -> Array:
            return self.physics.states.curves(self.state(vector, design, share))

        mass = self.mass(vector, design, share)
        return Linearised(
            vector=vector,
            defect=mass @ slope - self.right_hand_side(vector, design, share),
            mass=mass,
            matrix=jax.jacfwd(self.right_hand_side)(vector, design, share),
            curves=jax.jacfwd(curves)(vector),
        )

    def local_error(
        self,
        weights: Mapping[str, Array],
        design: Float[Array, " variables"],
        share: Float[Array, ""],
        step: float = 0.1,
    ) -> tuple[Float[Array, " modes"], Float[Array, " outputs"]]:
        """Errors of coefficients and curves, had the defect lasted for a ``step`` of the share passed.

        One implicit step of the linearised equations from no error. For a loss: the matrices are held
        fixed, so that only the defect is differentiated.
        """
        known = self.linearised(weights, design, share)
        mass, matrix, curves = (
            jax.lax.stop_gradient(part) for part in (known.mass, known.matrix, known.curves)
        )
        error = jnp.linalg.solve(mass / step - matrix, known.defect)
        return error, curves @ error

    def _projected(
        self, entries: Float[Array, " states"], design: Float[Array, " variables"], potentials: bool
    ) -> Float[Array, " modes"]:
        """Ψᵀ W of changes of a state, over the C-rate."""
        parameters = self.physics.parameters(design)
        states, rows = self.physics.states, []
        change: Deviations = states.changes(parameters, entries)
        for name in self.modes.counts:
            projected = jnp.asarray(self.modes.vectors[name] * states.volumes[name]) @ change[name]
            counts = potentials or name in CONCENTRATIONS
            rows.append(projected / parameters[C_RATE] if counts else jnp.zeros_like(projected))
        return jnp.concatenate(rows)
