"""A thousand gradient searches at once: where the constrained searches begin.

Every start descends, by Adam, on the augmented Lagrangian of objective f and slacks s, for inequalities
(Nocedal and Wright 2006, section 17.4),

    L = f + Σ ψ(-sₖ, λₖ),    ψ(g, λ) = λ g + ρ g²/2  where λ + ρ g > 0,  else -λ²/(2ρ),

and after some steps λ ← max(λ + ρ g, 0), while steps become shorter. It moves in z, and the design is at
u = 1 / (1 + exp(-z)) of the box, so that no bound is ever broken. What comes out is near the optima, and
SLSQP does the rest.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from electrograd.surrogates.objective import Differentiable, Growing

STEPS = 12
"""Steps between two updates of the multipliers."""
WEIGHTS = (3.0, 10.0, 30.0, 100.0, 300.0)
RATES = (0.3, 0.2, 0.12, 0.07, 0.04)
"""What ρ, outputs being over their spreads in the box, and Adam's rate, in z, are between them."""
OUTPUTS = 8
"""An objective and so many slacks less one fit what is compiled once."""
TOGETHER = 64
"""Starts that step together: what they need stays in the processor's cache, and all compile once."""
_EDGE = 0.02  # of the box: a start at a bound would never leave it


class Descent:
    """The compiled batch of one surrogate over one box; for any goal, and whatever it learns later.

    Parameters
    ----------
    surrogate
        Predicts what is descended on.
    lower, width
        The box, SI units.

    Attributes
    ----------
    names
        Figures that it can descend on, in the order of the factors.
    """

    def __init__(self, surrogate: Differentiable, lower: np.ndarray, width: np.ndarray) -> None:
        place = jax.ShapeDtypeStruct(lower.shape, np.float64)
        self.names = tuple(jax.eval_shape(surrogate.figures, place))
        self._compiled = jax.jit(partial(_descend, surrogate, self.names, lower, width))

    def __call__(
        self,
        state: Any,
        factors: Float[np.ndarray, "outputs figures"],
        offsets: Float[np.ndarray, " outputs"],
        starts: Float[np.ndarray, "starts variables"],
    ) -> tuple[Float[np.ndarray, "starts variables"], Float[np.ndarray, " starts"]]:
        """Descend from all starts; return where each ended, and the Lagrangian there.

        It is what the objective comes to once the slacks that are left are made up for, to first order.

        Parameters
        ----------
        state
            Of a surrogate that grows; else None.
        factors, offsets
            Outputs are factors times figures, less offsets: an objective to minimise, and slacks.
        starts
            Places in the unit box.
        """
        # Slacks of one that no limit asks for: what is compiled serves few limits and many.
        spare = max(0, OUTPUTS - len(offsets))
        offsets = np.concatenate([offsets, -np.ones(spare)])
        factors = np.concatenate([factors, np.zeros((spare, len(self.names)))])
        rows = np.minimum(np.arange(-(-len(starts) // TOGETHER) * TOGETHER), len(starts) - 1)
        found = [
            self._compiled(state, factors, offsets, starts[some]) for some in rows.reshape(-1, TOGETHER)
        ]
        ends, values = (np.concatenate(part)[: len(starts)] for part in zip(*found, strict=True))
        return ends, values


def _descend(
    surrogate: Differentiable,
    names: tuple[str, ...],
    lower: np.ndarray,
    width: np.ndarray,
    state: Any,
    factors: Array,
    offsets: Array,
    starts: Array,
) -> tuple[Array, Array]:
    now = surrogate.with_state(state) if isinstance(surrogate, Growing) else surrogate
    adam = optax.chain(optax.zero_nans(), optax.scale_by_adam())

    def lagrangian(z: Array, multipliers: Array, weight: Array) -> tuple[Array, Array]:
        figures = now.figures(jnp.asarray(lower) + jax.nn.sigmoid(z) * jnp.asarray(width))
        told = factors @ jnp.stack([figures[name] for name in names]) - offsets
        pushed = jnp.maximum(multipliers - weight * told[1:], 0)
        return told[0] + jnp.sum(pushed**2 - multipliers**2) / (2 * weight), told

    def step(at: tuple[Array, Any, Array], chosen: Array) -> tuple[Any, Array]:
        z, moments, multipliers = at
        weight, rate, updates = chosen
        value_and_slopes = jax.value_and_grad(lagrangian, has_aux=True)
        (value, told), slopes = value_and_slopes(z, multipliers, weight)
        change, moments = adam.update(slopes, moments)
        updated = jnp.maximum(multipliers - weight * told[1:], 0)
        return (z - rate * change, moments, jnp.where(updates, updated, multipliers)), value

    def one(start: Array) -> tuple[Array, Array]:
        inside = jnp.clip(start, _EDGE, 1 - _EDGE)
        z = jnp.log(inside / (1 - inside))
        first = (z, adam.init(z), jnp.zeros(len(offsets) - 1))
        (z, _, _), values = jax.lax.scan(step, first, _schedule())
        return jax.nn.sigmoid(z), values[-1]

    return jax.vmap(one)(starts)


def _schedule() -> Float[Array, "steps 3"]:
    """Weight, rate, whether multipliers are updated, by step; the last only looks where it is."""
    steps = [
        (weight, rate, k == STEPS - 1)
        for weight, rate in zip(WEIGHTS, RATES, strict=True)
        for k in range(STEPS)
    ]
    return jnp.array([*steps, (WEIGHTS[-1], 0.0, False)], float)
