"""The accurate half of a surrogate: networks that are asked anew at every point of a charge."""

from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from electrograd.surrogates.curve_physics import CURVES, CurvePhysics, Inputs
from electrograd.surrogates.perceptron import Shape, Weights


@dataclass(frozen=True)
class Ensemble:
    """Coordinate networks of one shape over one box.

    Attributes
    ----------
    physics
        What their outputs pass through.
    width, depth
        Of each member's network.
    weights
        The members' weights, stacked along a leading axis, by name.
    """

    physics: CurvePhysics
    width: int
    depth: int
    weights: Mapping[str, Float[Array, "members ..."]]

    @property
    def shape(self) -> Shape:
        """The members' networks."""
        return Shape(self.physics.features, self.width, self.depth, len(CURVES))

    @property
    def members(self) -> int:
        """How many networks there are."""
        return len(next(iter(self.weights.values())))

    def member(self, k: int | Array) -> Weights:
        """Weights of one member."""
        return {name: leaf[k] for name, leaf in self.weights.items()}

    def each(
        self, design: Float[Array, " variables"], share: Float[Array, " points"]
    ) -> Float[Array, "members points outputs"]:
        """Every member's curves of one design at shares of its nominal capacity passed."""
        known = self.physics.inputs(design, share)
        shape = self.shape
        return jax.vmap(lambda weights: member_curves(self.physics, shape, weights, known))(
            dict(self.weights)
        )

    def curves(
        self, design: Float[Array, " variables"], share: Float[Array, " points"]
    ) -> Float[Array, "points outputs"]:
        """Mean of the members' curves; see `CurvePhysics.decode` for the columns."""
        return jnp.mean(self.each(design, share), axis=0)


def member_curves(
    physics: CurvePhysics, shape: Shape, weights: Weights, known: Inputs
) -> Float[Array, "*points outputs"]:
    """Curves of one member where the inputs are known already."""
    return physics.decode(shape.apply(weights, known.features), known.means, known.scales)
