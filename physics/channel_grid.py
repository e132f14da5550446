"""The unit cell of a channel on few nodes, with its geometry as symbols.

Nodes stand in columns: from the channel's middle to its wall, and on through the matrix to its middle.
Through the cell they stand in four segments: the matrix below the channels, the depth of the channels,
the separator and the positive electrode. All lengths may be inputs: what is fixed is which node belongs
to what. A taper shifts the columns sideways; the cross derivatives of that shift are left out.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from electrograd.physics.channels import HOLE
from electrograd.physics.errors import InputError
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.spectral import even, line

BELOW, BESIDE, SEPARATOR, POSITIVE = range(4)
"""Segments, from the negative collector to the positive one."""

Parts = Mapping[int, tuple[Any, Any]]
"""By segment: a quantity inside the channel, and beside it."""


@dataclass(frozen=True)
class ChannelMesh:
    """Elements of a unit cell.

    Attributes
    ----------
    below, beside, separator, positive
        Relative lengths of the elements in each segment, from the negative collector on.
    degree
        Of their polynomials.
    channel, matrix
        Columns from the channel's middle to the wall, and from the wall to the middle of the matrix;
        the column on the wall is one of both.
    negative_radial, positive_radial
        Nodes along the particles' radii.
    """

    below: tuple[float, ...] = (1.0,)
    beside: tuple[float, ...] = (2.0, 1.0)
    separator: tuple[float, ...] = (1.0,)
    positive: tuple[float, ...] = (1.0, 2.0)
    degree: int = 3
    channel: int = 2
    matrix: int = 3
    negative_radial: int = 4
    positive_radial: int = 5

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            counts = value if isinstance(value, tuple) else (value / 2,)
            if not counts or not all(0 < count < np.inf for count in counts) or counts[0] == 0.5:
                rule = f"a mesh's {field.name} must be lengths above 0, or a count of at least 2"
                raise InputError(rule, value, field.default)


FINER = ChannelMesh(
    below=(1.0, 1.0),
    beside=(4.0, 3.0, 2.0, 1.0),
    separator=(1.0, 1.0),
    positive=(1.0, 2.0, 3.0),
    channel=3,
    matrix=4,
    negative_radial=6,
    positive_radial=8,
)
"""Elements for verification: about half the error, at nearly three times the time."""


def vector(values: Any) -> Any:
    """A constant vector of PyBaMM's."""
    return pybamm.Vector(np.asarray(values, dtype=float))


def matrix(values: Any) -> Any:
    """A constant sparse matrix of PyBaMM's."""
    return pybamm.Matrix(csr_matrix(np.asarray(values, dtype=float)))


def rows(chosen: Any, size: int) -> np.ndarray:
    """The matrix that picks entries by number from a vector."""
    return np.eye(size)[np.asarray(chosen)]


class Grid:
    """Nodes of a unit cell and their symbolic volumes and conductances, per area of electrode.

    Parameters
    ----------
    mesh
        Its elements.
    shape
        "slit" or "hole".
    half
        Half a pitch, or the radius of a hole's unit cell [m].
    width, taper
        Half width of the channel at the separator over ``half``, and its value at the bottom over that.
    lengths
        Of the four segments [m].

    Attributes
    ----------
    size, columns, levels
        Nodes in all, of one level, and levels; nodes are numbered level by level.
    wall, bottom, mouth
        The column on the wall, and the levels of the channel's two ends.
    slope, value
        From nodes to Gauss points, first those between levels, then those between columns.
    """

    def __init__(
        self, mesh: ChannelMesh, shape: str, half: Any, width: Any, taper: Any, lengths: tuple[Any, ...]
    ) -> None:
        self._round, self._half, self._width, self._taper = shape == HOLE, half, width, taper
        self._lengths = lengths
        self._line = line((mesh.below, mesh.beside, mesh.separator, mesh.positive), mesh.degree)
        # The measure of a round channel is s ds. In the matrix around it the radius is a factor apart.
        self._channel = even(mesh.channel, 1 if self._round else 0)
        self._matrix = even(mesh.matrix, 0)
        self.wall = mesh.channel - 1
        self.columns = mesh.channel + mesh.matrix - 1
        self.levels = self._line.nodes
        self.size = self.columns * self.levels
        beside = np.nonzero(self._line.weights[BESIDE])[0]
        self.bottom, self.mouth = int(beside[0]), int(beside[-1])
        self._gaps = self.columns - 1
        slope, value = np.zeros((2, self._gaps, self.columns))
        for matrix_, channel, across in (
            (slope, self._channel.slope, self._matrix.slope),
            (value, self._channel.value, self._matrix.value),
        ):
            matrix_[: self.wall, : self.wall + 1] = channel
            matrix_[self.wall :, self.wall :] = across[:, ::-1]
        level, column = np.eye(self.levels), np.eye(self.columns)
        self.slope = np.vstack([np.kron(self._line.slope, column), np.kron(level, slope)])
        self.value = np.vstack([np.kron(self._line.value, column), np.kron(level, value)])
        # Depth in the channel as a share of its own: the width follows from it at every level.
        self._depth = 1 - self._line.local[BESIDE]
        self._areas = self._areas_at(self._depth)

    def volumes(self, parts: Parts) -> Any:
        """Volume integrals of a quantity over the nodes' shares of the cell, one a node [m]."""
        channel, beside = self._areas
        total: Any = 0.0
        for segment, (inside, outside) in parts.items():
            length = vector(np.repeat(self._line.weights[segment], self.columns))
            total = total + length * self._lengths[segment] * (inside * channel + outside * beside)
        return total

    def conductances(self, parts: Parts) -> Any:
        """Weights of the Gauss points in ∫ k (∇u)² dV for a quantity k, one a point [k.m-1]."""
        line_ = self._line
        depth = np.where(line_.segment < BESIDE, 1.0, 0.0)
        depth = np.where(line_.segment == BESIDE, 1 - line_.point_local, depth)
        channel, beside = self._areas_at(depth)
        channel_gaps, beside_gaps = self._gap_weights()
        through: Any = 0.0
        sideways: Any = 0.0
        for segment, (inside, outside) in parts.items():
            weights = line_.point_weights * (line_.segment == segment)
            length = self._lengths[segment]
            weight = vector(np.repeat(weights, self.columns)) / length
            through = through + weight * (inside * channel + outside * beside)
            weight = vector(np.repeat(line_.weights[segment], self._gaps)) * length
            sideways = sideways + weight * (inside * channel_gaps + outside * beside_gaps)
        first, second = len(depth) * self.columns, self.levels * self._gaps
        place = np.eye(first + second)
        return matrix(place[:, :first]) @ through + matrix(place[:, first:]) @ sideways

    def solid(self, segments: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the nodes that hold solids in some segments, and of the points between them."""
        held = np.zeros((self.levels, self.columns), dtype=bool)
        for segment in segments:
            first = self.wall if segment == BESIDE else 0
            held[self._line.weights[segment] > 0, first:] = True
        nodes = np.nonzero(held.ravel())[0]
        others = np.delete(self.slope, nodes, axis=1)
        inner = np.abs(others).sum(axis=1) == 0
        return nodes, np.nonzero(inner)[0]

    def depth(self, nodes: np.ndarray, segments: tuple[int, ...]) -> Any:
        """Distances of nodes from the positive end of some segments, over the segments' length."""
        levels = nodes // self.columns
        total: Any = 0.0
        passed: Any = 0.0
        for segment in segments:
            total = total + self._lengths[segment]
            passed = passed + self._lengths[segment] * vector(self._line.local[segment][levels])
        return 1 - passed / total

    def _opening(self, depth: np.ndarray, each: int) -> Any:
        """Half width of the channel over the half cell, ``each`` times for every level."""
        return self._width * (1 + (self._taper - 1) * vector(np.repeat(depth, each)))

    def _areas_at(self, depth: np.ndarray) -> tuple[Any, Any]:
        """Area shares of the columns' parts inside and beside the channel, for levels at some depths."""
        inside, beside, levels = self._channel, self._matrix, len(depth)
        channel = _outwards(
            inside.linear if self._round else inside.flat, self._gaps - self.wall, levels
        )
        flat, linear = (_inwards(w, self.wall, levels) for w in (beside.flat, beside.linear))
        open_ = self._opening(depth, self.columns)
        if not self._round:
            return open_ * channel, (1 - open_) * flat
        return 2 * open_**2 * channel, 2 * (1 - open_) * (flat - (1 - open_) * linear)

    def _gap_weights(self) -> tuple[Any, Any]:
        """Weights of the points between columns per depth, inside and beside the channel [m-2]."""
        inside, beside, levels = self._channel, self._matrix, self.levels
        channel = _outwards(inside.point_weights, self._gaps - self.wall, levels)
        around, place = (
            vector(np.tile(np.append(np.zeros(self.wall), values), levels))
            for values in (beside.point_weights, beside.points)
        )
        open_ = self._opening(self._depth, self._gaps)
        around = around / (1 - open_)
        if not self._round:
            return channel / open_ / self._half**2, around / self._half**2
        return 2 * channel / self._half**2, 2 * around * (1 - place * (1 - open_)) / self._half**2


def _outwards(values: np.ndarray, zeros: int, levels: int) -> Any:
    """Values of the channel's columns, and zeros behind its wall, at every level."""
    return vector(np.tile(np.append(values, np.zeros(zeros)), levels))


def _inwards(values: np.ndarray, zeros: int, levels: int) -> Any:
    """Zeros before the wall, and values of the matrix' columns from the wall to its middle."""
    return vector(np.tile(np.append(np.zeros(zeros), values[::-1]), levels))
