"""Profiles along the depth of an electrode, averaged over control volumes.

Depth is a share of the thickness, from the separator. Functions work on floats, NumPy and JAX arrays and
PyBaMM expressions alike, and are given the elementwise minimum of the kind that is used.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Minimum = Callable[[Any, Any], Any]


def layered(
    values: Sequence[Any], shares: Sequence[Any], depth: Any, cell: float, least: Minimum
) -> Any:
    """Return each layer's value, weighted by the share of the control volume that it fills.

    Parameters
    ----------
    values
        Of the layers, from the separator.
    shares
        Of the thickness, of all layers but the last.
    depth, cell
        Centres of the control volumes, and their width.
    """
    total, filled, border = 0.0, 0.0, 0.0
    for value, share in zip(values, shares, strict=False):
        border = border + share
        # Share of the control volume that lies before the border: between 0 and 1.
        before = least(1.0, _positive((border - depth) / cell + 0.5, least))
        total = total + value * (before - filled)
        filled = before
    return total + values[-1] * (1 - filled)


def smooth(values: Sequence[Any], depth: Any, cell: float, least: Minimum) -> Any:
    """Return a natural cubic spline through evenly spaced knots; two knots make a line.

    Parameters
    ----------
    values
        At the knots, the first at the separator, the last at the collector.
    depth, cell
        Centres of the control volumes, and their width.
    """
    points = np.linspace(0.0, 1.0, len(values))
    weights = np.linalg.inv(_natural_basis(points))  # coefficients = weights @ values
    coefficients = [sum(float(w) * v for w, v in zip(row, values, strict=True)) for row in weights]

    def integral(at: Any) -> Any:
        quartics = [_positive(at - p, least) ** 4 / 4 for p in points]
        steep = [
            (q - quartics[-1]) / (points[-1] - p) for q, p in zip(quartics, points[:-1], strict=False)
        ]
        basis = [at, at**2 / 2, *(s - steep[-1] for s in steep[:-1])]
        return sum(c * power for c, power in zip(coefficients, basis, strict=True))

    return (integral(depth + cell / 2) - integral(depth - cell / 2)) / cell


def _positive(value: Any, least: Minimum) -> Any:
    return -least(0.0, -value)


def _natural_basis(points: np.ndarray) -> np.ndarray:
    """Natural cubic splines in truncated powers at their own knots: one column a basis function."""
    cubes = np.maximum(points[:, None] - points, 0.0) ** 3
    steep = (cubes[:, :-1] - cubes[:, -1:]) / (points[-1] - points[:-1])
    return np.column_stack([np.ones_like(points), points, steep[:, :-1] - steep[:, -1:]])
