"""The fast half of a surrogate: a branch network that knows the ensemble's answers by heart.

The ensemble is asked anew at every point of a charge. The student is asked once a design: from design
and groups it gives, at nodes spread over the charge, the logarithms of the leads and overpotentials per
rate; PyBaMM's open-circuit potentials make curves of them as they do for the ensemble. Between nodes it
is these smooth logarithms that are interpolated, by cubics, not voltages: a steep potential stays steep.
The nodes reach a little beyond the end of the charge as a quadratic fit over the box expects it; where
the end itself is, the curves say.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from electrograd.physics.scenario import Scenario
from electrograd.physics.stack import mean_stoichiometries, nominal_capacity
from electrograd.surrogates.curve_physics import CURVES, CurvePhysics
from electrograd.surrogates.figures import CurveTuple, along, crossing, excess, figures_of_curves
from electrograd.surrogates.perceptron import Shape

NODES = 40
_PLACES = along(NODES)
_SHIFT = 1e-10  # keeps the slope of a root finite at the start


@dataclass(frozen=True)
class Student:
    """A branch network over one box.

    Attributes
    ----------
    physics
        Cell, potentials and box, shared with the ensemble.
    width, depth
        Of the network.
    arrays
        Its weights under "network.", and the quadratic fit of the reach under "reach.".
    charge_limit
        Share of the nominal capacity at which a charge ends at the latest.
    """

    physics: CurvePhysics
    width: int
    depth: int
    arrays: Mapping[str, Array]
    charge_limit: float

    def nodes(
        self, design: Float[Array, " variables"]
    ) -> tuple[Float[Array, ""], Float[Array, "4 nodes"]]:
        """Share that the nodes reach, and the logarithms at the nodes."""
        features = self.physics.slow_inputs(design)
        weights = {
            name.removeprefix("network."): value.astype(design.dtype)
            for name, value in self.arrays.items()
            if name.startswith("network.")
        }
        shape = branch_shape(self.physics, self.width, self.depth)
        logarithms = shape.apply(weights, features).reshape(len(CURVES), NODES)
        # At the start leads are nothing, whatever their logarithms: nobody taught those, so they go on.
        start = 2 * logarithms[:2, 1] - logarithms[:2, 2]
        logarithms = logarithms.at[:2, 0].set(start)
        return reach(self.arrays, features, self.charge_limit), logarithms

    def curves(
        self, design: Float[Array, " variables"], share: Float[Array, " points"]
    ) -> Float[Array, "points outputs"]:
        """Curves of one design at shares of its nominal capacity, up to where the nodes reach."""
        limit, logarithms = self.nodes(design)
        known = decode(self.physics, design, share, interpolate(limit, logarithms, share))
        return jnp.stack(known, axis=-1)

    def at_nodes(self, design: Float[Array, " variables"]) -> tuple[Float[Array, " nodes"], CurveTuple]:
        """All of a charge at once: shares at the nodes, and the curves there."""
        limit, logarithms = self.nodes(design)
        share = limit * places(design.dtype)
        return share, decode(self.physics, design, share, logarithms)

    def figures(
        self, design: Float[Array, " variables"], scenario: Scenario
    ) -> dict[str, Float[Array, ""]]:
        """Every figure of `physics.variables.PREDICTED` for one design."""
        return self.curves_and_figures(design, scenario)[2]

    def curves_and_figures(
        self, design: Float[Array, " variables"], scenario: Scenario
    ) -> tuple[Float[Array, " nodes"], CurveTuple, dict[str, Float[Array, ""]]]:
        """What `at_nodes` and `figures` return, for the price of the latter."""
        limit, logarithms = self.nodes(design)

        def curves(share: Float[Array, " points"]) -> CurveTuple:
            return decode(self.physics, design, share, interpolate(limit, logarithms, share))

        def over(share: Float[Array, ""]) -> Float[Array, ""]:
            return excess(curves(share[None])[0], scenario)[0]

        share = limit * places(design.dtype)
        known = decode(self.physics, design, share, logarithms)
        end = crossing(over, share, excess(known[0], scenario), share[-1])
        there = curves(end[None])
        before = share < end
        voltage, potential = (jnp.where(before, known[k], there[k]) for k in (0, 1))
        figures = figures_of_curves(
            self.physics, design, curves, jnp.minimum(share, end), voltage, potential, scenario
        )
        return share, known, figures


def branch_shape(physics: CurvePhysics, width: int, depth: int) -> Shape:
    """The student's network over a box."""
    return Shape(physics.slow_features, width, depth, NODES * len(CURVES))


def places(dtype: DTypeLike) -> Float[Array, " nodes"]:
    """Where the nodes lie, from 0 at the start to 1 at the reach."""
    return jnp.asarray(_PLACES, dtype)


def reach(
    arrays: Mapping[str, Array], features: Float[Array, " features"], charge_limit: float
) -> Float[Array, ""]:
    """Share of the nominal capacity that the nodes reach: a quadratic in the features, exponentiated."""
    constant, linear, square = (
        arrays[f"reach.{part}"].astype(features.dtype) for part in ("constant", "linear", "square")
    )
    fitted = constant + features @ linear + features @ square @ features
    return jnp.minimum(jnp.exp(fitted), charge_limit)


def interpolate(
    limit: Float[Array, ""], logarithms: Float[Array, "4 nodes"], share: Float[Array, " points"]
) -> Float[Array, "4 points"]:
    """Cubic Lagrange interpolation of values at the nodes; beyond the last the last cubic goes on."""
    part = share / limit + _SHIFT
    place = (NODES - 1) * (part + jnp.sqrt(part * (part + 8))) / 4  # undoes `along`
    first = jnp.clip(jnp.floor(place).astype(jnp.int32) - 1, 0, NODES - 4)
    t = (place - first)[None]
    w = (
        -(t - 1) * (t - 2) * (t - 3) / 6,
        t * (t - 2) * (t - 3) / 2,
        -t * (t - 1) * (t - 3) / 2,
        t * (t - 1) * (t - 2) / 6,
    )
    return sum((w[k] * logarithms[:, first + k] for k in range(1, 4)), w[0] * logarithms[:, first])


def decode(
    physics: CurvePhysics,
    design: Float[Array, " variables"],
    share: Float[Array, " points"],
    logarithms: Float[Array, "4 points"],
) -> CurveTuple:
    """Curves of one design from logarithms of leads (over √share) and overpotentials per rate.

    They stay apart: stacked, they would be computed anew for each of the four by XLA on CPUs.
    """
    cell, parameters = physics.cell, physics.parameters(design)
    c_rate = physics.rate(parameters)
    x, y = mean_stoichiometries(cell, parameters, share * nominal_capacity(cell, parameters))
    x_lead, y_lead, kinetic, polarisation = c_rate * jnp.exp(logarithms)
    root = jnp.sqrt(share + _SHIFT)
    x_surface = 1 - (1 - x) * jnp.exp(-root * x_lead)
    y_surface = y * jnp.exp(-root * y_lead)
    u_n, u_p = physics.negative(x_surface), physics.positive(y_surface)
    return u_p - u_n + polarisation, u_n - kinetic, x_surface, y_surface


def encode(
    physics: CurvePhysics,
    design: Float[Array, " variables"],
    share: Float[Array, " points"],
    curves: Float[Array, "points outputs"],
) -> Float[Array, "4 points"]:
    """Undo `decode`; what is not positive, by rounding or at the start, counts as very small."""
    cell, parameters = physics.cell, physics.parameters(design)
    c_rate = physics.rate(parameters)
    x, y = mean_stoichiometries(cell, parameters, share * nominal_capacity(cell, parameters))
    voltage, potential, x_surface, y_surface = curves.T
    root = jnp.sqrt(share + _SHIFT)
    u_n, u_p = physics.negative(x_surface), physics.positive(y_surface)
    values = jnp.stack(
        [
            -jnp.log(jnp.maximum(1 - x_surface, 1e-7) / (1 - x)) / root,
            -jnp.log(y_surface / y) / root,
            u_n - potential,
            voltage - u_p + u_n,
        ]
    )
    return jnp.log(jnp.maximum(values, 1e-6) / c_rate)
