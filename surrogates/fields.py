"""The field surrogate: the whole state of the P2D of any design, after any share of its charge.

A network gives the coefficients of the modes of `field_basis`,

    a_k(design, s) = g(s) σ_k N_k(design, s),    g = √(s + δ) - √δ for concentrations, 1 for potentials

(s: share of the nominal capacity passed; σ_k: the mode's size in the data), so that concentrations start
from equilibrium exactly, and leave it as diffusion does. States are PyBaMM's own, in its order, and so
PyBaMM's equations can be asked how well they hold: `electrograd.surrogates.field_certificate`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError, check_name
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import mean_stoichiometries, nominal_capacity
from electrograd.physics.state_layout import FIELDS, NEGATIVE_PARTICLE, POSITIVE_PARTICLE
from electrograd.physics.variables import C_RATE
from electrograd.surrogates.field_basis import CONCENTRATIONS, Modes, StateMap
from electrograd.sweeps.space import DesignSpace

Weights = dict[str, Float[Array, "..."]]
_SHIFT = 1e-6
"""δ in √(s + δ) - √δ: keeps the slope at the start of charge finite."""
_ALONG = 6
"""Features that change along the charge."""


@dataclass(frozen=True)
class FieldPhysics:
    """What the surrogate knows without data: the state's map, the box, the groups that matter.

    Attributes
    ----------
    states
        What is known of a state, and the deviations from it.
    space
        The trained box.
    c_rate
        The rate of designs that have none of their own.
    groups_lower, groups_upper
        Range of the logarithms of `groups` over the box.
    """

    states: StateMap
    space: DesignSpace
    c_rate: float
    groups_lower: tuple[float, ...]
    groups_upper: tuple[float, ...]

    @classmethod
    def over(cls, states: StateMap, space: DesignSpace, c_rate: float) -> "FieldPhysics":
        """Measure the groups over the box.

        Raises
        ------
        InputError
            If the space is not a box of continuous variables.
        """
        if not space.continuous:
            raise InputError("fields are learned over continuous variables", space.to_dict())
        names = space.names
        rows = space.sobol(1024, seed=0)
        by_name = {name: rows[:, k] for k, name in enumerate(names)}
        known = _groups(states.cell, states.cell.parameters(by_name), c_rate)
        groups = np.stack([np.broadcast_to(np.asarray(group), len(rows)) for group in known])
        lower, upper = groups.min(axis=1), groups.max(axis=1)
        upper = np.where(upper - lower < 1e-9, lower + 1, upper)  # one that no variable moves
        return cls(states, space, c_rate, tuple(lower.tolist()), tuple(upper.tolist()))

    @property
    def features(self) -> int:
        """How many numbers the network is given."""
        return len(self.space) + len(self.groups_lower) + _ALONG

    def parameters(self, design: Float[Array, " variables"]) -> dict[str, Any]:
        """A design in the order of the space as a complete parameter set, its rate included."""
        found = self.states.cell.parameters({n: design[k] for k, n in enumerate(self.space.names)})
        return {k: jnp.asarray(v, design.dtype) for k, v in {C_RATE: self.c_rate, **found}.items()}

    def inputs(
        self, parameters: Mapping[str, Any], design: Float[Array, " variables"], share: Float[Array, ""]
    ) -> Float[Array, " features"]:
        """Features of one design after a share of its charge, all of order one."""

        def placed(values: Any, lower: tuple[float, ...], upper: tuple[float, ...]) -> Array:
            low, high = (jnp.asarray(bound, design.dtype) for bound in (lower, upper))
            return 2 * (values - low) / (high - low) - 1

        states = self.states
        place = placed(design, self.space.lower, self.space.upper)
        groups = jnp.stack(_groups(states.cell, parameters, self.c_rate))
        x, y = mean_stoichiometries(
            states.cell, parameters, share * nominal_capacity(states.cell, parameters)
        )
        u_n, u_p = states.potentials(x, y)
        root = jnp.sqrt(share + _SHIFT)
        along = jnp.stack(
            [2 * share - 1, 2 * root - 1, 2 * x - 1, 2 * y - 1, 4 * u_n - 1, 4 * (u_p - 4)]
        )
        return jnp.concatenate([place, placed(groups, self.groups_lower, self.groups_upper), along])


def _groups(cell: Cell, parameters: Mapping[str, Any], c_rate: float) -> list[Any]:
    """Logarithms of what decides how far a charge is from equilibrium, up to constants.

    The rate; for each electrode the rate times its particles' diffusion time, the current density on its
    particles, and current times its electrolyte's resistance (thickness over transport efficiency).
    """
    rate = jnp.asarray(parameters.get(C_RATE, c_rate))
    current = rate * nominal_capacity(cell, parameters)
    found = [jnp.log(rate)]
    for side in ("Negative", "Positive"):
        radius = parameters[f"{side} particle radius [m]"]
        thickness = parameters[f"{side} electrode thickness [m]"]
        porosity = parameters[f"{side} electrode porosity"]
        exponent = parameters[f"{side} electrode Bruggeman coefficient (electrolyte)"]
        active = parameters[f"{side} electrode active material volume fraction"]
        found += [
            jnp.log(rate) + 2 * jnp.log(radius),
            jnp.log(current * radius / (thickness * active)),
            jnp.log(current * thickness) - exponent * jnp.log(porosity),
        ]
    return found


def initial_weights(inputs: int, width: int, depth: int, outputs: int, seed: int) -> Weights:
    """Draw the weights of a multilayer perceptron (LeCun's scaling; the output starts small)."""
    sizes = [inputs, *[width] * depth, outputs]
    keys = jax.random.split(jax.random.key(seed), len(sizes) - 1)
    found: Weights = {}
    for k, (a, b) in enumerate(pairwise(sizes)):
        scale = (0.1 if k == depth else 1.0) / math.sqrt(a)
        found[f"{k}.kernel"] = scale * jax.random.normal(keys[k], (a, b), jnp.float32)
        found[f"{k}.bias"] = jnp.zeros(b, jnp.float32)
    return found


def network(weights: Mapping[str, Array], features: Float[Array, " features"]) -> Float[Array, " modes"]:
    """The multilayer perceptron, in the features' dtype."""
    layers = len(weights) // 2
    for k in range(layers):
        kernel, bias = (weights[f"{k}.{part}"].astype(features.dtype) for part in ("kernel", "bias"))
        features = features @ kernel + bias
        if k < layers - 1:
            features = jax.nn.silu(features)
    return features


def growth(share: Any) -> Any:
    """How concentrations leave equilibrium: 0 at the start, then as the root of time."""
    return (share + _SHIFT) ** 0.5 - math.sqrt(_SHIFT)


def coefficients(
    physics: FieldPhysics,
    modes: Modes,
    weights: Mapping[str, Array],
    design: Float[Array, " variables"],
    share: Float[Array, ""],
) -> dict[str, Float[Array, " modes"]]:
    """Coefficients of the modes by field, for one design after a share of its charge."""
    raw = network(weights, physics.inputs(physics.parameters(design), design, share))
    found, start = {}, 0
    for name, count in modes.counts.items():
        size = jnp.asarray(modes.sizes[name], design.dtype) * raw[start : start + count]
        found[name] = growth(share) * size if name in CONCENTRATIONS else size
        start += count
    return found


def state(
    physics: FieldPhysics,
    modes: Modes,
    coefficient: Mapping[str, Array],
    design: Float[Array, " variables"],
    share: Float[Array, ""],
) -> Float[Array, " states"]:
    """The state that coefficients stand for."""
    parameters = physics.parameters(design)
    deviations = {
        name: parameters[C_RATE] * (a @ jnp.asarray(modes.vectors[name], design.dtype))
        for name, a in coefficient.items()
    }
    return physics.states.state(parameters, share, deviations)


@dataclass(frozen=True)
class FieldSurrogate:
    """A trained field surrogate of one cell, box and constant-current scenario.

    Attributes
    ----------
    physics, modes
        What is known, and the basis of the rest.
    weights
        Of the network, float32; predictions have the dtype of the design.
    scenario, settings
        What was simulated, and how.
    units
        What counts as an error of one in each field: a hundredth of its deviations (RMS).
    dataset
        Fingerprint of the data it was trained on.
    """

    physics: FieldPhysics
    modes: Modes
    weights: Weights
    units: dict[str, float]
    scenario: Scenario
    settings: SolverSettings
    dataset: str

    @property
    def space(self) -> DesignSpace:
        """The trained box."""
        return self.physics.space

    def state(
        self, design: Float[Array, " variables"], share: Float[Array, ""]
    ) -> Float[Array, " states"]:
        """PyBaMM's state of one design after a share of its nominal capacity."""
        found = coefficients(self.physics, self.modes, self.weights, design, share)
        return state(self.physics, self.modes, found, design, share)

    def states(
        self, design: Float[Array, " variables"], share: Float[Array, " points"]
    ) -> Float[Array, "points states"]:
        """States along the charge."""
        return jax.vmap(lambda s: self.state(design, s))(share)

    def curves(
        self, design: Float[Array, " variables"], share: Float[Array, " points"]
    ) -> Float[Array, "points outputs"]:
        """Voltage [V], negative potential at the separator [V], fullest and emptiest surface."""
        return jax.vmap(self.physics.states.curves)(self.states(design, share))

    @cached_property
    def _batch(self) -> Any:
        return jax.jit(jax.vmap(self.states))

    def predict(
        self,
        designs: Float[np.ndarray, "designs variables"],
        share: Float[np.ndarray, "designs points"],
    ) -> Float[np.ndarray, "designs points states"]:
        """States of many designs, in single precision.

        Raises
        ------
        InputError
            For designs of another number of variables, values that are not finite, or outside the box.
        """
        self.check(designs)
        return np.asarray(
            self._batch(jnp.asarray(designs, jnp.float32), jnp.asarray(share, jnp.float32))
        )

    def check(self, designs: Float[np.ndarray, "designs variables"]) -> None:
        """Refuse designs that it was not trained for; raises as `predict` does."""
        names = self.space.names
        if designs.shape[1] != len(names):
            raise InputError("designs must have the space's variables", designs.shape, names)
        lower, upper = np.array(self.space.lower), np.array(self.space.upper)
        slack = 1e-6 * (upper - lower)
        for k, name in enumerate(names):
            inside = (designs[:, k] >= lower[k] - slack[k]) & (designs[:, k] <= upper[k] + slack[k])
            if not np.all(inside):
                raise InputError(
                    f"{name!r} must lie in the trained box",
                    float(designs[np.argmin(inside), k]),
                    (float(lower[k]), float(upper[k])),
                )

    def field(
        self, name: str, design: Mapping[str, float], share: Float[np.ndarray, " points"]
    ) -> Float[np.ndarray, "points depth *radius"]:
        """One field of one design given by name, in its own unit.

        Parameters
        ----------
        name
            One of `electrograd.physics.states.FIELDS`, by PyBaMM's name.

        Returns
        -------
        array
            On the control volumes' centres from the negative collector on; particles also along the
            radius, from the centre on. [mol.m-3] or [V]; `SALT` per volume of electrode.

        Raises
        ------
        InputError
            For an unknown field, a design without all variables, or outside the box.
        """
        check_name(name, FIELDS, "a field must be one of the state's")
        if missing := [n for n in self.space.names if n not in design]:
            raise InputError(
                "a design must give every variable of the box", list(design), f"add {missing}"
            )
        row = np.array([[design[n] for n in self.space.names]])
        layout = self.physics.states.layout
        found = self.predict(row, np.asarray(share)[None])[0][:, layout.part(name)]
        values = layout.references[name] + layout.scales[name] * found
        if name in (NEGATIVE_PARTICLE, POSITIVE_PARTICLE):
            return values.reshape(len(values), layout.points, layout.points)
        return values
