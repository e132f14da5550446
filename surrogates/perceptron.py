"""A multilayer perceptron, and an ensemble of its weights as named arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

Weights = Mapping[str, Array]
"""Weights by dotted path ("hidden.0.kernel"); an ensemble's have a leading axis of members."""


class Perceptron(nnx.Module):
    """Hidden layers of one width with SiLU between them, and a linear layer out."""

    def __init__(self, inputs: int, width: int, depth: int, outputs: int, *, rngs: nnx.Rngs) -> None:
        sizes = [inputs, *[width] * depth]
        self.hidden = nnx.List(
            [nnx.Linear(a, b, rngs=rngs, param_dtype=jnp.float32) for a, b in pairwise(sizes)]
        )
        self.out = nnx.Linear(width, outputs, rngs=rngs, param_dtype=jnp.float32)

    def __call__(self, features: Float[Array, "*points features"]) -> Float[Array, "*points outputs"]:
        """Apply the layers; in the type of the features or of the weights, whichever is wider."""
        for layer in self.hidden:
            features = jax.nn.silu(layer(features))
        return self.out(features)


@dataclass(frozen=True)
class Shape:
    """How large a perceptron is: numbers in and out, neurons a hidden layer, hidden layers."""

    inputs: int
    width: int
    depth: int
    outputs: int

    def draw(self, members: int, key: Array) -> dict[str, Float[Array, "members ..."]]:
        """Draw the stacked weights of an ensemble."""

        def one(key: Array) -> dict[str, Array]:
            state = nnx.state(self._network(key))
            return {".".join(map(str, path)): leaf[...] for path, leaf in nnx.to_flat_state(state)}

        return jax.vmap(one)(jax.random.split(key, members))

    def apply(
        self, weights: Weights, features: Float[Array, "*points features"]
    ) -> Float[Array, "*points outputs"]:
        """Outputs of the network that has these weights, of one member."""
        flat: Any = {
            tuple(int(part) if part.isdigit() else part for part in name.split(".")): nnx.Param(leaf)
            for name, leaf in weights.items()
        }
        definition = nnx.split(nnx.eval_shape(lambda: self._network(jax.random.key(0))))[0]
        network: Perceptron = nnx.merge(definition, nnx.from_flat_state(flat))
        return network(features)

    def _network(self, key: Array) -> Perceptron:
        return Perceptron(self.inputs, self.width, self.depth, self.outputs, rngs=nnx.Rngs(key))
