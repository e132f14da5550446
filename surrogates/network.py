"""The network behind the curves, and the physics that its outputs pass through.

A coordinate network: design and charge passed go in, four positive numbers come out. They are how far
the particle surfaces run ahead of their means, and two overpotentials; PyBaMM's open-circuit potentials
turn them into voltages:

    x_s = 1 - (1 - x) exp(-a),   y_s = y exp(-b),        x, y: means by Coulomb counting, exact
    φ_n = U_n(x_s) - c,          V = U_p(y_s) - U_n(x_s) + d

with a, b ∝ C-rate √s and c, d ∝ C-rate (s: share of the nominal capacity passed). So lithium is counted
exactly, surfaces lead their means and stay inside (0, 1), overpotentials have the sign of a charge, and
everything tends to the open-circuit curve as the rate tends to zero, for any weights.
"""

from dataclasses import dataclass
from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from electrograd.physics.cell import Cell
from electrograd.physics.open_circuit import OpenCircuitPotential
from electrograd.physics.stack import mean_stoichiometries, nominal_capacity
from electrograd.physics.variables import C_RATE
from electrograd.sweeps.space import DesignSpace

CURVES = ("voltage", "negative_potential", "negative_surface", "positive_surface")
_OVERPOTENTIAL_SCALE = 0.1  # V, so that the network's outputs are of order one


class CurveNetwork(nnx.Module):
    """A multilayer perceptron from features to the four positive numbers, before their scaling."""

    def __init__(self, inputs: int, width: int, depth: int, *, rngs: nnx.Rngs) -> None:
        sizes = [inputs, *[width] * depth]
        self.hidden = nnx.List(
            [nnx.Linear(a, b, rngs=rngs, param_dtype=jnp.float32) for a, b in pairwise(sizes)]
        )
        self.out = nnx.Linear(width, len(CURVES), rngs=rngs, param_dtype=jnp.float32)

    def __call__(self, features: Float[Array, "... features"]) -> Float[Array, "... outputs"]:
        """Return positive outputs of order one."""
        for layer in self.hidden:
            features = jax.nn.silu(layer(features))
        return jax.nn.softplus(self.out(features))


@dataclass(frozen=True)
class CurvePhysics:
    """What the network's form knows: the cell, its open-circuit potentials, the box, the rate."""

    cell: Cell
    negative: OpenCircuitPotential
    positive: OpenCircuitPotential
    space: DesignSpace
    c_rate: float

    @property
    def features(self) -> int:
        """How many numbers the network is given."""
        return len(self.space) + 6

    def parameters(self, design: Float[Array, "... variables"]) -> dict[str, Float[Array, "..."]]:
        """Complete designs, given in the order of the space, to P2D parameters."""
        by_name = {name: design[..., k] for k, name in enumerate(self.space.names)}
        return self.cell.parameters(by_name)

    def curves(
        self,
        network: CurveNetwork,
        design: Float[Array, " variables"],
        share: Float[Array, " points"],
    ) -> Float[Array, "points outputs"]:
        """Curves of one design at shares of its nominal capacity passed.

        Returns
        -------
        array
            Voltage [V], negative electrode potential at the separator [V], fullest negative and
            emptiest positive surface stoichiometry, in the order of `CURVES`.
        """
        parameters = self.parameters(design)
        nominal = nominal_capacity(self.cell, parameters)
        x, y = mean_stoichiometries(self.cell, parameters, share * nominal)
        lower, upper = (jnp.asarray(b, design.dtype) for b in (self.space.lower, self.space.upper))
        place = jnp.broadcast_to(
            2 * (design - lower) / (upper - lower) - 1, (*share.shape, len(self.space))
        )
        # √s rises steeply at the start, as diffusion does; the tiny shift keeps its slope finite.
        root = jnp.sqrt(share + 1e-6)
        u_n, u_p = self.negative(x), self.positive(y)
        along = jnp.stack(
            [2 * share - 1, 2 * root - 1, 2 * x - 1, 2 * y - 1, 4 * u_n - 1, 4 * (u_p - 4)]
        )
        raw = network(jnp.concatenate([place, along.T], axis=-1)) * parameters.get(C_RATE, self.c_rate)
        x_surface = 1 - (1 - x) * jnp.exp(-root * raw[:, 0])
        y_surface = y * jnp.exp(-root * raw[:, 1])
        u_n, u_p = self.negative(x_surface), self.positive(y_surface)
        potential = u_n - _OVERPOTENTIAL_SCALE * raw[:, 2]
        voltage = u_p - u_n + _OVERPOTENTIAL_SCALE * raw[:, 3]
        return jnp.stack([voltage, potential, x_surface, y_surface], axis=-1)
