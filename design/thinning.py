"""Few readings of a measured curve, chosen without a look at their noise."""

import numpy as np
from jaxtyping import Float, Int

_BLOCK, _BLOCKS = 5, 100
"""Readings of a block at the least, and blocks at the most."""


def spread_evenly(
    charge: Float[np.ndarray, " readings"], voltage: Float[np.ndarray, " readings"], points: int
) -> Int[np.ndarray, " points"]:
    """Rows of so many readings, or all, that lie evenly along charge and voltage over their ranges."""
    # By means of blocks: which readings are taken must not depend on their own noise.
    starts = np.arange(0, len(charge), max(_BLOCK, len(charge) // _BLOCKS))
    counts = np.diff(starts, append=len(charge))
    at, height = (np.add.reduceat(values, starts) / counts for values in (charge, voltage))
    rises = np.diff(np.maximum.accumulate(height)) / max(float(np.ptp(voltage)), 1e-9)
    slopes = 1 / np.ptp(charge) + rises / np.diff(at)
    block = np.clip(np.searchsorted(at, charge) - 1, 0, len(slopes) - 1)
    way = np.concatenate([[0.0], np.cumsum(slopes * np.diff(at))])[block]
    way = way + slopes[block] * (charge - at[block])
    # The first reading may still be from before the current was on.
    points = min(points, len(way) - 1)
    places = way[1] + (way[-1] - way[1]) * np.linspace(0, 1, points)
    # Where readings are sparse several places share one: each takes the next that is free.
    order = np.arange(points)
    rows = order + np.maximum.accumulate(np.searchsorted(way, places - 1e-12) - order)
    return np.minimum(rows, len(way) - points + order)
