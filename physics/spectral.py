"""Nodes, weights and derivatives of spectral elements, on unit lengths.

A line is cut into elements with Gauss-Lobatto nodes. Across a channel, across the matrix and along a
particle's radius functions are even about a middle, so polynomials in the square of the distance from it
are used. Masses are lumped on the nodes and derivatives are taken at Gauss points: what leaves one node
enters others, whatever the coefficients, so nothing is lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.polynomial import legendre
from scipy.interpolate import BarycentricInterpolator
from scipy.special import roots_jacobi


@dataclass(frozen=True, eq=False)
class Line:
    """Segments in a row, each of length one, cut into elements that share their end nodes.

    Attributes
    ----------
    weights
        Lumped lengths of the nodes in each segment, in that segment's length.
    local
        Where a node lies in each segment: 0 before it, 1 behind it.
    slope, value
        From nodes to Gauss points: derivatives in the length of the point's segment, and values.
    point_weights, point_local
        Length that a Gauss point stands for, and its place, in its segment.
    segment
        The segment of every Gauss point.
    """

    weights: Float[np.ndarray, "segments nodes"]
    local: Float[np.ndarray, "segments nodes"]
    slope: Float[np.ndarray, "points nodes"]
    value: Float[np.ndarray, "points nodes"]
    point_weights: Float[np.ndarray, " points"]
    point_local: Float[np.ndarray, " points"]
    segment: Int[np.ndarray, " points"]

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return int(self.weights.shape[1])


def line(segments: Sequence[Sequence[float]], degree: int) -> Line:
    """Return a line of segments, each given by its elements' relative lengths; one degree throughout."""
    highest = [0.0] * degree + [1.0]
    inner = legendre.legroots(legendre.legder(highest))
    nodes = (np.concatenate([[-1.0], inner, [1.0]]) + 1) / 2
    weights = 1 / (degree * (degree + 1) * legendre.legval(2 * nodes - 1, highest) ** 2)
    gauss, gauss_weights = legendre.leggauss(degree)
    gauss, gauss_weights = (gauss + 1) / 2, gauss_weights / 2
    value, slope = lagrange(nodes, gauss)
    points = degree * sum(len(shares) for shares in segments)
    lumped, local = np.zeros((2, len(segments), points + 1))
    slopes, values = np.zeros((2, points, points + 1))
    point_weights, point_local = np.zeros((2, points))
    segment = np.zeros(points, dtype=int)
    first = 0
    for number, lengths in enumerate(segments):
        start = 0.0
        for share in np.asarray(lengths, dtype=float) / np.sum(lengths):
            ends, inside = slice(first, first + degree + 1), slice(first, first + degree)
            lumped[number, ends] += share * weights
            local[number, ends] = start + share * nodes
            slopes[inside, ends], values[inside, ends] = slope / share, value
            point_weights[inside], point_local[inside] = share * gauss_weights, start + share * gauss
            segment[inside] = number
            first, start = first + degree, start + float(share)
        local[number, first:] = 1.0
    return Line(lumped, local, slopes, values, point_weights, point_local, segment)


@dataclass(frozen=True, eq=False)
class Even:
    """Even functions of s in [0, 1], by polynomials in s².

    Attributes
    ----------
    flat, linear, quadratic
        Weights of the nodes in ∫ u ds, ∫ u s ds and ∫ u s² ds. Nodes ascend, the last is s = 1.
    slope, value
        From nodes to Gauss points: du/d(s²), and u.
    points, point_weights
        s of the Gauss points, and weights so that ∫ (du/ds)² s^power ds = Σ weights · slope².
    """

    flat: Float[np.ndarray, " nodes"]
    linear: Float[np.ndarray, " nodes"]
    quadratic: Float[np.ndarray, " nodes"]
    slope: Float[np.ndarray, "points nodes"]
    value: Float[np.ndarray, "points nodes"]
    points: Float[np.ndarray, " points"]
    point_weights: Float[np.ndarray, " points"]


def even(nodes: int, power: int) -> Even:
    """Return an element of even functions with nodes and Gauss points for the measure s^power ds."""
    inner = roots_jacobi(nodes - 1, 1.0, (power - 1) / 2)[0]
    squares = np.append((inner + 1) / 2, 1.0)

    def weights_of(k: int) -> np.ndarray:
        # ∫ u s^k ds = ½ ∫ u t^((k-1)/2) dt with t = s², exact for the interpolating polynomial.
        gauss, weights = roots_jacobi(nodes, 0.0, (k - 1) / 2)
        found = weights / 2 ** ((k + 3) / 2) @ lagrange(squares, (gauss + 1) / 2)[0]
        return np.asarray(found)

    # (du/ds)² s^power ds = 2 (du/dt)² t^((power+1)/2) dt
    gauss, weights = roots_jacobi(nodes - 1, 0.0, (power + 1) / 2)
    gauss = (gauss + 1) / 2
    value, slope = lagrange(squares, gauss)
    return Even(
        flat=weights_of(0),
        linear=weights_of(1),
        quadratic=weights_of(2),
        slope=slope,
        value=value,
        points=np.sqrt(gauss),
        point_weights=weights / 2 ** ((power + 1) / 2),
    )


def lagrange(
    nodes: Float[np.ndarray, " nodes"], at: Float[np.ndarray, " points"]
) -> tuple[Float[np.ndarray, "points nodes"], Float[np.ndarray, "points nodes"]]:
    """Values and slopes at points of the polynomials that are 1 at one node and 0 at the others."""
    polynomials = BarycentricInterpolator(nodes, np.eye(len(nodes)), rng=np.random.default_rng(0))
    return np.asarray(polynomials(at)), np.asarray(polynomials.derivative(at))
