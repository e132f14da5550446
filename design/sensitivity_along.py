"""Which variable matters when: Sobol indices of a surrogate's curves against charge passed."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from electrograd.design.sensitivity_inputs import Inputs
from electrograd.design.sensitivity_results import SobolIndices
from electrograd.design.sensitivity_sobol import sobol_indices
from electrograd.physics.charge import NEGATIVE_POTENTIAL, VOLTAGE
from electrograd.physics.variables import ACCEPTED_SHARE
from electrograd.surrogates.surrogate import Surrogate

CURVES = (VOLTAGE, NEGATIVE_POTENTIAL)
"""Whose indices are told: the first two columns of a surrogate's curves."""
POINTS = 24
_REACH = 0.5
"""Part of the designs whose charge has ended where the last point lies."""
_BATCH = 256


@dataclass(frozen=True)
class AlongCharge:
    """Sobol indices at points of a charge.

    Attributes
    ----------
    share
        Charge passed over the nominal capacity.
    charging
        Part of the designs whose charge has not ended there. One that has stays as it ended.
    indices
        At each point, by curve.
    """

    share: Float[np.ndarray, " points"]
    charging: Float[np.ndarray, " points"]
    indices: dict[str, tuple[SobolIndices, ...]]

    def to_dict(self) -> dict[str, Any]:
        """Return "share", "charging", and "curves" by curve, variable and index, for JSON."""
        curves: dict[str, Any] = {}
        for curve, found in self.indices.items():
            rows = [index.to_dict() for index in found]
            curves[curve] = {
                name: {key: [row[name][key] for row in rows] for key in rows[0][name]}
                for name in found[0].names
            }
        return {"share": self.share.tolist(), "charging": self.charging.tolist(), "curves": curves}


def indices_along(
    surrogate: Surrogate, over: Inputs, samples: int, seed: int, points: int = POINTS
) -> AlongCharge:
    """Sobol indices of voltage and negative potential along the charge, the surrogate's error carried.

    At a share of the nominal capacity that a design does not reach, its curves are as they were where
    its charge ended: so every design counts everywhere. The surrogate's error is taken as equal along
    the charge: its 90 % half-width is the 95th percentile of the held-out errors of the curve.

    Parameters
    ----------
    over
        How designs are drawn, and groups.
    samples
        Base samples, a power of two; ``samples * (variables + 2)`` designs are asked for their curves.
    points
        How many even points, up to where half of the designs have ended.

    Raises
    ------
    InputError
        As `sobol_indices` does.
    """
    drawn = over.from_unit(np.random.default_rng(seed).random((1024, len(over.space))))
    ends = np.sort(surrogate.predict(drawn)[ACCEPTED_SHARE])
    share = np.linspace(0.0, np.quantile(ends, _REACH), points + 1)[1:]
    grid = jnp.asarray(share, jnp.float32)

    def along(pair: tuple[Any, Any]) -> Any:
        design, end = pair
        return surrogate.curves(design, jnp.minimum(grid, end))[:, : len(CURVES)]

    compiled = jax.jit(lambda designs, ends: jax.lax.map(along, (designs, ends), batch_size=_BATCH))

    def predict(designs: np.ndarray) -> dict[str, np.ndarray]:
        reached = surrogate.predict(designs)[ACCEPTED_SHARE]
        curves = np.asarray(
            compiled(jnp.asarray(designs, jnp.float32), jnp.asarray(reached, jnp.float32)), float
        )
        return {name: curves[:, k, j] for (j, k), name in outputs.items()}

    outputs = {(j, k): f"{curve} at point {k}" for j, curve in enumerate(CURVES) for k in range(points)}
    errors = {
        curve: surrogate.accuracy.curves[curve]["95th percentile [mV]"] / 1000
        for curve in CURVES
        if curve in surrogate.accuracy.curves
    }

    def half_widths(designs: np.ndarray) -> dict[str, np.ndarray]:
        return {
            name: np.full(len(designs), errors[CURVES[j]])
            for (j, _), name in outputs.items()
            if CURVES[j] in errors
        }

    found = sobol_indices(predict, over, list(outputs.values()), samples, seed, half_widths=half_widths)
    return AlongCharge(
        share=share,
        charging=1 - np.searchsorted(ends, share) / len(ends),
        indices={
            curve: tuple(found[outputs[j, k]] for k in range(points)) for j, curve in enumerate(CURVES)
        },
    )
