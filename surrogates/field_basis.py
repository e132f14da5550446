"""A state of the P2D as a few coefficients, and back, with what is conserved conserved.

Every field is a known part and a deviation, and the deviation a sum of modes in the metric of volumes
(proper orthogonal decomposition: Berkooz, Holmes and Lumley, Annu. Rev. Fluid Mech. 25 (1993) 539):

    particles      c / c_max = mean by Coulomb counting + C Σ a_k ψ_k(x, r),   ∫ψ_k dV = 0
    electrolyte    c_e / c_0 = 1                        + C Σ a_k ψ_k(x),      less its mean over pores
    φ_s negative   0                                    + C Σ a_k ψ_k(x)
    φ_e            -⟨U_n(surfaces)⟩                     + C Σ a_k ψ_k(x)
    φ_s positive   ⟨U_p(surfaces)⟩ - ⟨U_n(surfaces)⟩    + C Σ a_k ψ_k(x)

So lithium in each electrode and salt in the pores are conserved for any coefficients, and a state tends
to equilibrium as the rate C tends to zero. What is steep in the potentials comes from PyBaMM's own
open-circuit potentials at the surfaces; the deviations are smooth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError
from electrograd.physics.open_circuit import OpenCircuitPotential
from electrograd.physics.stack import mean_stoichiometries, nominal_capacity
from electrograd.physics.state_layout import (
    ELECTROLYTE_POTENTIAL,
    FIELDS,
    NEGATIVE_PARTICLE,
    NEGATIVE_SOLID,
    PASSED,
    POSITIVE_PARTICLE,
    POSITIVE_SOLID,
    SALT,
    THROUGHPUT,
    StateLayout,
)
from electrograd.physics.variables import (
    NEGATIVE_POROSITY,
    NEGATIVE_THICKNESS,
    POSITIVE_POROSITY,
    POSITIVE_THICKNESS,
)

CONCENTRATIONS = (NEGATIVE_PARTICLE, POSITIVE_PARTICLE, SALT)
"""Fields that start from equilibrium; potentials jump as the current begins."""

Deviations = dict[str, Any]
"""Arrays by field; the last axis is the field's own, in the order of the state."""


@dataclass(frozen=True)
class StateMap:
    """States as deviations from what is known of them, and back.

    Attributes
    ----------
    cell
        Its windows and concentrations.
    negative, positive
        Open-circuit potentials.
    layout
        The order of a state.
    """

    cell: Cell
    negative: OpenCircuitPotential
    positive: OpenCircuitPotential
    layout: StateLayout

    @property
    def volumes(self) -> dict[str, Float[np.ndarray, " entries"]]:
        """Share of each entry in its field's volume: the metric of the modes; each sums to 1."""
        points = self.layout.points
        shells = np.diff((np.arange(points + 1) / points) ** 3)
        particle = np.tile(shells, points) / points
        widths = {
            NEGATIVE_PARTICLE: particle,
            POSITIVE_PARTICLE: particle,
            SALT: np.full(3 * points, 1 / (3 * points)),
            ELECTROLYTE_POTENTIAL: np.full(3 * points, 1 / (3 * points)),
        }
        return {name: widths.get(name, np.full(points, 1 / points)) for name in FIELDS}

    def deviations(
        self, parameters: Mapping[str, Any], share: Float[Array, ""], state: Float[Array, " states"]
    ) -> Deviations:
        """Take what is known off a state of one design after a share of its nominal capacity."""
        value = {
            name: self.layout.references[name] + self.layout.scales[name] * state[self.layout.part(name)]
            for name in FIELDS
        }
        stoichiometries = {
            NEGATIVE_PARTICLE: value[NEGATIVE_PARTICLE] / self.cell.negative.maximum_concentration,
            POSITIVE_PARTICLE: value[POSITIVE_PARTICLE] / self.cell.positive.maximum_concentration,
        }
        x, y = self._means(parameters, share)
        u_n, u_p = self._surface_potentials(stoichiometries)
        return {
            NEGATIVE_PARTICLE: stoichiometries[NEGATIVE_PARTICLE] - x,
            POSITIVE_PARTICLE: stoichiometries[POSITIVE_PARTICLE] - y,
            SALT: value[SALT] / (self._pores(parameters) * self._initial_salt) - 1,
            NEGATIVE_SOLID: value[NEGATIVE_SOLID],
            POSITIVE_SOLID: value[POSITIVE_SOLID] - u_p + u_n,
            ELECTROLYTE_POTENTIAL: value[ELECTROLYTE_POTENTIAL] + u_n,
        }

    def potentials(self, x: Float[Array, "*shape"], y: Float[Array, "*shape"]) -> tuple[Any, Any]:
        """Open-circuit potentials (negative, positive) [V] at stoichiometries, in their dtype."""
        return self.negative.astype(x.dtype)(x), self.positive.astype(y.dtype)(y)

    def changes(self, parameters: Mapping[str, Any], entries: Float[Array, " states"]) -> Deviations:
        """Changes of a state's entries in the units of deviations: stoichiometry, c / c_0, V."""
        value = {name: self.layout.scales[name] * entries[self.layout.part(name)] for name in FIELDS}
        return {
            **value,
            NEGATIVE_PARTICLE: value[NEGATIVE_PARTICLE] / self.cell.negative.maximum_concentration,
            POSITIVE_PARTICLE: value[POSITIVE_PARTICLE] / self.cell.positive.maximum_concentration,
            SALT: value[SALT] / (self._pores(parameters) * self._initial_salt),
        }

    def state(
        self, parameters: Mapping[str, Any], share: Float[Array, ""], deviations: Deviations
    ) -> Float[Array, " states"]:
        """Undo `deviations`; the mean of the electrolyte's over all pores is taken off."""
        x, y = self._means(parameters, share)
        stoichiometries = {
            NEGATIVE_PARTICLE: x + deviations[NEGATIVE_PARTICLE],
            POSITIVE_PARTICLE: y + deviations[POSITIVE_PARTICLE],
        }
        u_n, u_p = self._surface_potentials(stoichiometries)
        pores = self._pores(parameters)
        amounts = pores * self._widths(parameters)
        salt = deviations[SALT] - jnp.sum(amounts * deviations[SALT]) / jnp.sum(amounts)
        passed = share * nominal_capacity(self.cell, parameters) * self.cell.electrode_area
        value = {
            PASSED: -passed[None],
            THROUGHPUT: passed[None],
            NEGATIVE_PARTICLE: (
                stoichiometries[NEGATIVE_PARTICLE] * self.cell.negative.maximum_concentration
            ),
            POSITIVE_PARTICLE: (
                stoichiometries[POSITIVE_PARTICLE] * self.cell.positive.maximum_concentration
            ),
            SALT: pores * self._initial_salt * (1 + salt),
            NEGATIVE_SOLID: deviations[NEGATIVE_SOLID],
            POSITIVE_SOLID: u_p - u_n + deviations[POSITIVE_SOLID],
            ELECTROLYTE_POTENTIAL: deviations[ELECTROLYTE_POTENTIAL] - u_n,
        }
        layout = self.layout
        order = sorted(layout.slices, key=lambda name: layout.slices[name])
        return jnp.concatenate(
            [(value[name] - layout.references[name]) / layout.scales[name] for name in order]
        )

    def curves(self, state: Float[Array, " states"]) -> Float[Array, " outputs"]:
        """Voltage [V], negative potential at the separator [V], fullest and emptiest surface of a state.

        The same as PyBaMM's variables of the discretised model.
        """
        value = {
            name: self.layout.references[name] + self.layout.scales[name] * state[self.layout.part(name)]
            for name in FIELDS
        }
        points = self.layout.points
        x = self._surfaces(value[NEGATIVE_PARTICLE] / self.cell.negative.maximum_concentration)
        y = self._surfaces(value[POSITIVE_PARTICLE] / self.cell.positive.maximum_concentration)
        difference = value[NEGATIVE_SOLID] - value[ELECTROLYTE_POTENTIAL][:points]
        return jnp.stack(
            [
                _boundary(value[POSITIVE_SOLID]),
                _boundary(difference),
                jnp.max(x),
                jnp.min(y),
            ]
        )

    @property
    def _initial_salt(self) -> float:
        return self.layout.scales[SALT]

    def _means(self, parameters: Mapping[str, Any], share: Any) -> tuple[Any, Any]:
        return mean_stoichiometries(
            self.cell, parameters, share * nominal_capacity(self.cell, parameters)
        )

    def _surfaces(self, stoichiometry: Float[Array, " entries"]) -> Float[Array, " depth"]:
        return _boundary(stoichiometry.reshape(self.layout.points, self.layout.points))

    def _surface_potentials(self, stoichiometries: Deviations) -> tuple[Any, Any]:
        """Open-circuit potentials at the surfaces, averaged through each electrode."""
        x = self._surfaces(stoichiometries[NEGATIVE_PARTICLE])
        y = self._surfaces(stoichiometries[POSITIVE_PARTICLE])
        u_n, u_p = self.potentials(x, y)
        return jnp.mean(u_n), jnp.mean(u_p)

    def _pores(self, parameters: Mapping[str, Any]) -> Float[Array, " depth"]:
        parts = (
            parameters[NEGATIVE_POROSITY],
            self.cell.separator_porosity,
            parameters[POSITIVE_POROSITY],
        )
        return self._by_domain(parts)

    def _widths(self, parameters: Mapping[str, Any]) -> Float[Array, " depth"]:
        parts = (
            parameters[NEGATIVE_THICKNESS],
            self.cell.separator_thickness,
            parameters[POSITIVE_THICKNESS],
        )
        return self._by_domain(parts)

    def _by_domain(self, parts: tuple[Any, Any, Any]) -> Float[Array, " depth"]:
        points = self.layout.points
        return jnp.concatenate([jnp.broadcast_to(jnp.asarray(part), points) for part in parts])


@dataclass(frozen=True)
class Modes:
    """Modes of the deviations over the C-rate, orthonormal in the metric of volumes.

    Attributes
    ----------
    vectors
        By field: shape (modes, entries).
    sizes
        By field: root mean square of each mode's coefficient in the data.
    """

    vectors: dict[str, Float[np.ndarray, "modes entries"]]
    sizes: dict[str, Float[np.ndarray, " modes"]]

    @classmethod
    def fit(
        cls,
        states: StateMap,
        scaled: Mapping[str, Float[np.ndarray, "samples entries"]],
        tolerances: Mapping[str, float],
        most: int,
    ) -> "Modes":
        """Find the fewest modes that leave each field an error of at most its tolerance (RMS).

        Parameters
        ----------
        scaled
            Deviations over the C-rate, by field.
        tolerances
            By field, in the deviations' units.
        most
            Modes of a field at most.

        Raises
        ------
        InputError
            For deviations that are not finite.
        """
        vectors, sizes = {}, {}
        for name, sample in scaled.items():
            if not np.all(np.isfinite(sample)):
                raise InputError(f"states must be finite, but {name!r} is not", "NaN or infinite")
            root = np.sqrt(states.volumes[name])
            weighted = sample * root
            energy, vector = np.linalg.eigh(weighted.T @ weighted / len(sample))
            energy, vector = np.maximum(energy[::-1], 0), vector[:, ::-1]
            left = np.sqrt(np.maximum(np.sum(energy) - np.cumsum(energy), 0))
            count = min(most, int(np.argmax(left <= tolerances[name])) + 1)
            modes = vector[:, :count].T / root
            if name in CONCENTRATIONS[:2]:  # lithium: what rounding left of the mean goes too
                modes = modes - (modes @ states.volumes[name])[:, None]
            vectors[name], sizes[name] = modes, np.sqrt(energy[:count])
        return cls(vectors, sizes)

    @property
    def counts(self) -> dict[str, int]:
        """How many modes each field has."""
        return {name: len(vectors) for name, vectors in self.vectors.items()}


def _boundary(values: Float[Array, "*batch entries"]) -> Float[Array, "*batch"]:
    """Value at the last face of an even mesh, as PyBaMM extrapolates: a line through two centres."""
    return 1.5 * values[..., -1] - 0.5 * values[..., -2]
