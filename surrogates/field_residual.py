"""PyBaMM's discretised equations around a learned state, small enough to be solved for its error.

A learned state y(s) leaves the defect d = M y' - f(y) (s: share of the nominal capacity passed, times
taken in the seconds T in which all of it passes). Its error e obeys, to first order,

    M e' = J e + d,    J = ∂f/∂y

Raw norms of d say little of e: the equations are stiff. Here e is sought as the particles' modes, and
all of salt and potentials, e = B u, and the particles' equations are tested with the modes (Galerkin, in
the metric of volumes). Modes for the potentials would not do: they cannot balance the reaction locally,
and overestimate errors five times. J is taken by a few directional derivatives: in depth, entries reach
their neighbours only, so that every third shares one (Curtis, Powell and Reid, J. Inst. Maths Applics
13 (1974) 117).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from electrograd.physics.state_layout import (
    ELECTROLYTE_POTENTIAL,
    FIELDS,
    NEGATIVE_PARTICLE,
    NEGATIVE_SOLID,
    POSITIVE_PARTICLE,
    POSITIVE_SOLID,
    SALT,
)
from electrograd.physics.states import StateModel
from electrograd.physics.variables import C_RATE
from electrograd.surrogates.field_basis import Modes
from electrograd.surrogates.fields import FieldPhysics, coefficients, state

PARTICLES = (NEGATIVE_PARTICLE, POSITIVE_PARTICLE)
LOCAL = (SALT, NEGATIVE_SOLID, POSITIVE_SOLID, ELECTROLYTE_POTENTIAL)
"""Fields whose entries are all unknowns."""

_DRAINED = 1e-4
"""Salt over its initial concentration, below which the equations are asked as if it were this: a learned
state can fall below zero where little is left, and PyBaMM's transport is not a number there."""


class Linearised(NamedTuple):
    """The equations of the error around a learned state: m u' = A u + d.

    Attributes
    ----------
    defect
        d.
    matrix
        A.
    curves
        Derivatives of `StateMap.curves` in u.
    """

    defect: Float[Array, " unknowns"]
    matrix: Float[Array, "unknowns unknowns"]
    curves: Float[Array, "outputs unknowns"]


@dataclass(frozen=True, eq=False)
class ErrorEquations:
    """The equations that the error of a learned state obeys.

    Attributes
    ----------
    physics, modes
        Of the field surrogate.
    model
        PyBaMM's equations on the same mesh.
    """

    physics: FieldPhysics
    modes: Modes
    model: StateModel

    def linearised(
        self,
        weights: Mapping[str, Array],
        design: Float[Array, " variables"],
        share: Float[Array, ""],
    ) -> Linearised:
        """The equations around the network's state of a design after a share of its charge."""
        y, slope = self._learned(weights, design, share)
        rates, derivative = jax.linearize(lambda y: self._rates(y, design), y)
        columns = jax.vmap(derivative)(jnp.asarray(self._seeds)).T
        count = self._modes.shape[1]
        local = jnp.where(self._near, columns[:, count + self._colour], 0.0)
        curves = jax.jacrev(self.physics.states.curves)(y)
        return Linearised(
            defect=self.tested(jnp.asarray(self.model.residual.mass) * slope - rates),
            matrix=self.tested(jnp.concatenate([columns[:, :count], local], axis=1)),
            curves=jnp.concatenate([curves @ self._modes, curves[:, self._entries]], axis=1),
        )

    def defect(
        self,
        weights: Mapping[str, Array],
        design: Float[Array, " variables"],
        share: Float[Array, ""],
    ) -> Float[Array, " unknowns"]:
        """What the equations find wrong with the network's state, alone."""
        y, slope = self._learned(weights, design, share)
        mass = jnp.asarray(self.model.residual.mass)
        return self.tested(mass * slope - self._rates(y, design))

    def _learned(
        self, weights: Mapping[str, Array], design: Array, share: Array
    ) -> tuple[Float[Array, " states"], Float[Array, " states"]]:
        """The network's state, and its derivative in the share passed."""

        def at(share: Array) -> Array:
            found = coefficients(self.physics, self.modes, weights, design, share)
            return state(self.physics, self.modes, found, design, share)

        return jax.jvp(at, (share,), (jnp.ones_like(share),))

    def _rates(self, y: Array, design: Array) -> Float[Array, " states"]:
        """f(y): differential rows per share of the nominal capacity, algebraic ones as PyBaMM's."""
        parameters, residual = self.physics.parameters(design), self.model.residual
        seconds = jnp.where(jnp.asarray(residual.mass) == 1, 3600 / parameters[C_RATE], 1.0)
        salt = self.physics.states.layout.part(SALT)
        y = y.at[salt].max(_DRAINED)
        return seconds * residual.right_hand_side(0.0, y, self.model.inputs(parameters))

    @cached_property
    def mass(self) -> Float[np.ndarray, " unknowns"]:
        """The diagonal of m: 1 for particles and salt, 0 for potentials."""
        return np.concatenate([np.ones(self._modes.shape[1]), self.model.residual.mass[self._entries]])

    def tested(self, rows: Float[Array, "states ..."]) -> Float[Array, "unknowns ..."]:
        """Particles' rows projected onto their modes, the others as they are."""
        return jnp.concatenate([jnp.asarray(self._tests) @ rows, rows[self._entries]])

    def change(self, unknowns: Float[Array, " unknowns"]) -> Float[Array, " states"]:
        """The change of a state that unknowns stand for."""
        count = self._modes.shape[1]
        return (jnp.asarray(self._modes) @ unknowns[:count]).at[self._entries].set(unknowns[count:])

    def squares(
        self, design: Float[Array, " variables"], unknowns: Float[Array, " unknowns"]
    ) -> dict[str, Float[Array, ""]]:
        """Mean square of each field's error, in the units of deviations."""
        states = self.physics.states
        change = states.changes(self.physics.parameters(design), self.change(unknowns))
        return {name: jnp.sum(states.volumes[name] * change[name] ** 2) for name in FIELDS}

    def local_error(
        self,
        weights: Mapping[str, Array],
        design: Float[Array, " variables"],
        share: Float[Array, ""],
        step: float,
    ) -> tuple[Float[Array, " unknowns"], Float[Array, " outputs"]]:
        """Errors of a state and its curves, had the defect lasted for a ``step`` of the share passed.

        One implicit step of the linearised equations from no error. For a loss: the equations are held
        fixed, so that only the defect is differentiated.
        """
        known = self.linearised(jax.lax.stop_gradient(weights), design, share)
        defect = self.defect(weights, design, share)
        error = jnp.linalg.solve(jnp.diag(self.mass / step) - known.matrix, defect)
        return error, known.curves @ error

    @cached_property
    def _depth(self) -> Int[np.ndarray, " states"]:
        """Control volume of each entry, counted through the cell; -9 for counts of charge."""
        layout = self.physics.states.layout
        points = layout.points
        volume = np.arange(points)
        depth = np.full(layout.states, -9)
        for name, where in {
            NEGATIVE_PARTICLE: np.repeat(volume, points),
            POSITIVE_PARTICLE: np.repeat(volume + 2 * points, points),
            NEGATIVE_SOLID: volume,
            POSITIVE_SOLID: volume + 2 * points,
            SALT: np.arange(3 * points),
            ELECTROLYTE_POTENTIAL: np.arange(3 * points),
        }.items():
            depth[layout.part(name)] = where
        return depth

    @cached_property
    def _entries(self) -> Int[np.ndarray, " local"]:
        layout = self.physics.states.layout
        return np.concatenate([np.arange(*layout.slices[name]) for name in LOCAL])

    @cached_property
    def _modes(self) -> Float[np.ndarray, "states modes"]:
        """The particles' modes as changes of a state."""
        return self._particles(1.0 / self._stoichiometry, weighted=False).T

    @cached_property
    def _tests(self) -> Float[np.ndarray, "modes states"]:
        return self._particles(self._stoichiometry, weighted=True)

    @property
    def _stoichiometry(self) -> Float[np.ndarray, "2"]:
        """Stoichiometry of each particle whose entry is 1."""
        states = self.physics.states
        scales = [states.layout.scales[name] for name in PARTICLES]
        full = [states.cell.negative.maximum_concentration, states.cell.positive.maximum_concentration]
        return np.array(scales) / np.array(full)

    def _particles(
        self, factors: Float[np.ndarray, "2"], weighted: bool
    ) -> Float[np.ndarray, "modes states"]:
        states, blocks = self.physics.states, []
        for name, factor in zip(PARTICLES, factors, strict=True):
            vectors = self.modes.vectors[name] * (states.volumes[name] if weighted else 1.0)
            block = np.zeros((len(vectors), states.layout.states))
            block[:, states.layout.part(name)] = factor * vectors
            blocks.append(block)
        return np.concatenate(blocks)

    @cached_property
    def _colour(self) -> Int[np.ndarray, " local"]:
        """Which derivative holds each local unknown's: one of three for salt, solids, electrolyte."""
        layout = self.physics.states.layout
        kinds = {SALT: 0, NEGATIVE_SOLID: 1, POSITIVE_SOLID: 1, ELECTROLYTE_POTENTIAL: 2}
        kind = np.concatenate([np.full(np.ptp(layout.slices[name]), kinds[name]) for name in LOCAL])
        return 3 * kind + self._depth[self._entries] % 3

    @cached_property
    def _near(self) -> np.ndarray:
        """Whether an entry's equation can feel a local unknown: shape (states, local)."""
        return np.abs(self._depth[:, None] - self._depth[self._entries][None, :]) <= 1

    @cached_property
    def _seeds(self) -> Float[np.ndarray, "derivatives states"]:
        seeds = np.zeros((9, len(self._depth)))
        seeds[self._colour, self._entries] = 1.0
        return np.concatenate([self._modes.T, seeds])
