"""What networks are trained on: simulated curves, and physics at designs that were never simulated."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

SCALE = 0.01
"""What counts as an error of one: 10 mV, or 0.01 in stoichiometry."""
WEIGHTS = (1.0, 1.0, 0.2, 0.2)
"""Of voltage, negative potential, and the two surface stoichiometries."""


def curve_loss(
    error: Float[Array, "*points outputs"], weight: Float[Array, "*points"] | None = None
) -> Float[Array, ""]:
    """Mean squared error of curves, each over its scale."""
    wrong = error**2 @ jnp.asarray(np.array(WEIGHTS) / SCALE**2, error.dtype)
    return jnp.mean(wrong if weight is None else wrong * weight)


def monotonicity_loss(curves: Float[Array, "designs points outputs"]) -> Float[Array, ""]:
    """Penalise what no charge at constant current does: surfaces that relax, a voltage that falls.

    Parameters
    ----------
    curves
        At points of rising charge, of any designs: nothing needs to have been simulated.
    """
    rise = jnp.diff(curves, axis=1)
    signed = jnp.stack([rise[..., 0], rise[..., 2], -rise[..., 3]], axis=-1)
    return jnp.mean(jnp.sum(jnp.minimum(signed, 0.0) ** 2, axis=-1)) / SCALE**2
