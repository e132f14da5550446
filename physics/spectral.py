"""Nodes, weights and derivatives of spectral elements, on unit lengths.

A line is cut into elements with Gauss-Lobatto nodes; across a channel, across the matrix and along a
particle's radius functions are even about a middle, so that polynomials in the square of the distance
from it are used. Masses are lumped on the nodes and derivatives are taken at Gauss points: what leaves
one node then enters others, whatever the coefficients.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.polynomial import legendre
from scipy.interpolate import BarycentricInterpolator
from scipy.special import roots_jacobi

Matrix = Float[np.ndarray, "points nodes"]


@dataclass(frozen=True, eq=False)
class Line:
    """Segments in a row, each of length one, cut into elements that share their end nodes.

    Attributes
    ----------
    weights
        Lumped lengths of the nodes in each segment, in that segment's length: (segments, nodes).
    local
        Where a node lies in each segment, 0 to 1; clipped outside: (segments, nodes).
    derivative, interpolation
        From nodes to Gauss points; derivatives in the length of the point's segment.
    point_weights, point_local, point_segment
        Of every Gauss point: its length and place in its segment, and the segment's number.
    """

    weights: Float[np.ndarray, "segments nodes"]
    local: Float[np.ndarray, "segments nodes"]
    derivative: Matrix
    interpolation: Matrix
    point_weights: Float[np.ndarray, " points"]
    point_local: Float[np.ndarray, " points"]
    point_segment: np.ndarray

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return self.weights.shape[1]


def line(segments: Sequence[Sequence[float]], degree: int) -> Line:
    """Return a line of segments, each given by the shares of its elements; one degree throughout."""
    inner = legendre.legroots(legendre.legder([0.0] * degree + [1.0]))
    nodes = (np.concatenate([[-1.0], inner, [1.0]]) + 1) / 2
    highest = legendre.legval(2 * nodes - 1, [0.0] * degree + [1.0])
    weights = 1 / (degree * (degree + 1) * highest**2)
    gauss, lengths = legendre.leggauss(degree)
    gauss, lengths = (gauss + 1) / 2, lengths / 2
    value, slope = lagrange(nodes, gauss)
    count = degree * sum(map(len, segments)) + 1
    total = np.zeros((len(segments), count))
    local = np.zeros((len(segments), count))
    points = degree * sum(map(len, segments))
    derivative, interpolation = np.zeros((points, count)), np.zeros((points, count))
    found = np.zeros((2, points))
    owner = np.zeros(points, dtype=int)
    first = 0
    for number, shares in enumerate(segments):
        start = 0.0
        for share in np.asarray(shares, dtype=float) / np.sum(shares):
            here, at = slice(first, first + degree + 1), slice(first, first + degree)
            total[number, here] += share * weights
            local[number, here] = start + share * nodes
            derivative[at, here], interpolation[at, here] = slope / share, value
            found[:, at] = share * lengths, start + share * gauss
            owner[at] = number
            first, start = first + degree, start + share
        local[number, first + 1 :] = 1.0
    return Line(total, local, derivative, interpolation, found[0], found[1], owner)


@dataclass(frozen=True, eq=False)
class Even:
    """Even functions of s in [0, 1] by polynomials in t = s².

    Attributes
    ----------
    squares
        t at the nodes, ascending; the last is 1.
    flat, linear, quadratic
        Weights of the nodes in ∫ u ds, ∫ u s ds and ∫ u s² ds.
    slope, interpolation
        From nodes to Gauss points: du/dt, and u.
    flat_points, flat_weights
        s and weights so that ∫ (du/ds)² ds = Σ weights · slope².
    """

    squares: Float[np.ndarray, " nodes"]
    flat: Float[np.ndarray, " nodes"]
    linear: Float[np.ndarray, " nodes"]
    quadratic: Float[np.ndarray, " nodes"]
    slope: Matrix
    interpolation: Matrix
    points: Float[np.ndarray, " points"]
    point_weights: Float[np.ndarray, " points"]


def even(nodes: int, power: int = 0) -> Even:
    """Return an element of even functions: nodes and Gauss points best for the measure s^power ds."""
    inner = (roots_jacobi(nodes - 1, 1.0, (power - 1) / 2)[0] + 1) / 2
    squares = np.append(inner, 1.0)
    exact, lengths = roots_jacobi(nodes, 0.0, 0.0)
    ways = []
    for k in range(3):
        # ∫ u s^k ds = ½ ∫ u t^((k-1)/2) dt, exactly for the interpolating polynomial.
        exact, lengths = roots_jacobi(nodes, 0.0, (k - 1) / 2)
        lengths = lengths / 2 ** ((k + 1) / 2) / 2
        ways.append(lengths @ lagrange(squares, (exact + 1) / 2)[0])
    points, lengths = roots_jacobi(nodes - 1, 0.0, (power + 1) / 2)
    points = (points + 1) / 2
    value, slope = lagrange(squares, points)
    # (du/ds)² s^power ds = 2 t^((power+1)/2) (du/dt)² dt
    lengths = 2 * lengths / 2 ** ((power + 3) / 2)
    return Even(squares, *ways, slope, value, np.sqrt(points), lengths)


def lagrange(nodes: np.ndarray, at: np.ndarray) -> tuple[Matrix, Matrix]:
    """Values and slopes at points of the polynomials that are 1 at one node and 0 at the others."""
    value, slope = np.empty((len(at), len(nodes))), np.empty((len(at), len(nodes)))
    for k in range(len(nodes)):
        one = BarycentricInterpolator(nodes, np.eye(len(nodes))[k], rng=np.random.default_rng(0))
        value[:, k] = one(at)
        slope[:, k] = one.derivative(at)
    return value, slope
