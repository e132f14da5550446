"""What networks are trained on: simulated curves, and physics at designs that were never simulated."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

SCALE = 0.01
"""What counts as an error of one: 10 mV, or 0.01 in stoichiometry."""
WEIGHTS = (1.0, 1.0, 0.2, 0.2)
"""Of voltage, negative potential, and the two surface stoichiometries."""
REACH = 0.1
"""Share of the nominal capacity along which an error of slope counts as the error it adds up to."""
_CLOSE = 1e-3  # points of a curve that are closer than this tell no slope in single precision


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


def slope_loss(
    error: Float[Array, "points outputs"],
    beside: Float[Array, "points outputs"],
    step: Float[Array, " points"],
) -> Float[Array, ""]:
    """Mean squared error of curves' slopes against charge, as mean slopes between simulated points.

    Parameters
    ----------
    error, beside
        Errors of curves at simulated points, and at those next to them on the same curves.
    step
        How far apart the two are, in shares of the nominal capacity; of any sign.
    """
    apart = jnp.abs(step)
    slope = jnp.where(apart > _CLOSE, REACH / jnp.maximum(apart, _CLOSE), 0.0)
    return curve_loss((beside - error) * slope[:, None])


def open_circuit_loss(
    curves: Float[Array, "*points outputs"], open_circuit: Float[Array, "*points outputs"]
) -> Float[Array, ""]:
    """Mean squared distance from the open-circuit curves: at hardly any current there must be none.

    Parameters
    ----------
    curves, open_circuit
        At points of charges so slow that none needs to have been simulated; see
        `CurvePhysics.open_circuit`.
    """
    return curve_loss(curves - open_circuit)
