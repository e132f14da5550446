"""Meshes of a unit cell with channels: negative electrode, separator, positive electrode.

Control volumes are quadrilaterals (x through the cell, z from the channel's middle to that of the
matrix) or hexahedra (x, y, z). Faces lie on the walls of straight and tapered channels, and volumes that
are all channel belong to the separator's domain: free electrolyte, without particles. So the walls of
the matrix are interfaces between domains, and no made-up particle sits in a channel.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from electrograd.physics.channels import HOLE, Channel, ChannelShape, check_content
from electrograd.physics.errors import InputError
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.resolved_cell import UnitCell

AnyChannel = Channel | ChannelShape

_ALONE = 10e-6
"""Half width of the one column of cells where there is no channel [m]: of no consequence."""


@dataclass(frozen=True)
class MeshSettings:
    """Control volumes of a resolved simulation.

    Attributes
    ----------
    negative, separator, positive
        Through each layer.
    channel, matrix
        Across the half channel, and from its wall to the middle of the matrix; twice their sum, evenly,
        across the half unit cell of a general shape.
    radial, radial_stretch
        In each particle, and PyBaMM's exponential stretch towards its surface (0: uniform points).
    ratio
        Largest over least size of the cells across the matrix (least at the wall) and through the
        electrodes (least at the separator).
    samples
        Points per direction over which a general shape is averaged in a cell.
    """

    negative: int = 20
    separator: int = 6
    positive: int = 20
    channel: int = 2
    matrix: int = 6
    radial: int = 10
    radial_stretch: float = 1.4
    ratio: float = 2.0
    samples: int = 32

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            least = {"negative": 4, "positive": 4, "radial_stretch": 0, "radial": 3}.get(field.name, 1)
            if getattr(self, field.name) < least:
                rule = f"a resolved mesh needs {field.name} of at least {least}"
                raise InputError(rule, getattr(self, field.name), least)

    def scaled(self, factor: float) -> "MeshSettings":
        """Return a mesh finer by ``factor`` in every direction."""

        def more(cells: int) -> int:
            return max(1, round(cells * factor))

        counts = ("negative", "separator", "positive", "channel", "matrix", "radial")
        return dataclasses.replace(self, **{name: more(getattr(self, name)) for name in counts})


def graded_edges(start: float, stop: float, cells: int, ratio: float) -> np.ndarray:
    """Edges of ``cells`` cells, their sizes growing geometrically by ``ratio`` in all."""
    sizes = ratio ** (np.arange(cells) / max(cells - 1, 1))
    return start + (stop - start) * np.concatenate([[0.0], np.cumsum(sizes)]) / sizes.sum()


def unit_cell(
    thicknesses: tuple[float, float, float],
    negative: AnyChannel | None,
    positive: AnyChannel | None,
    settings: MeshSettings,
    solid: bool = False,
) -> UnitCell:
    """Mesh a unit cell.

    Parameters
    ----------
    thicknesses
        Negative electrode, separator, positive electrode [m].
    negative, positive
        Their channels, of one shape and pitch if both have one; None for none.
    settings
        Control volumes.
    solid
        Three dimensions. A slit's stretch of half a pitch; for holes, square ones of the same area in a
        square array of the same area a hole, of which a quarter is meshed. Without it two dimensions:
        planar for slits, axisymmetric for holes.

    Raises
    ------
    InputError
        If a channel is deeper than its electrode, two channels' shapes or pitches differ, or a general
        hole is asked for in three dimensions.
    """
    channels = (negative, positive)
    for channel, thickness in zip(channels, (thicknesses[0], thicknesses[2]), strict=True):
        if channel is not None:
            channel.check(thickness)
    kinds = [(channel.shape, channel.pitch) for channel in channels if channel is not None]
    if len(set(kinds)) > 1:
        rule = "channels of both electrodes must be of one shape and pitch"
        raise InputError(rule, kinds[1], kinds[0])
    first = next((channel for channel in channels if channel is not None), None)
    if solid and any(isinstance(c, ChannelShape) and c.shape == HOLE for c in channels):
        rule = "three dimensions take slits of any shape, but holes only straight or tapered ones"
        raise InputError(rule, "a general hole", "solid=False")
    round_ = first is not None and first.shape == HOLE
    # Circle to square of the same area.
    scale = math.sqrt(math.pi) / 2 if solid and round_ else 1.0
    half = scale * (_ALONE if first is None else first.half_cell)
    walls = [scale * _wall(channel) for channel in channels]
    x_edges, layer = _through(thicknesses, channels, settings)
    z_edges = _across(half, walls, settings, first)
    grid = [x_edges, z_edges]
    if solid:
        grid.insert(1, z_edges if round_ else np.linspace(0.0, half, 3))
    nodes, elements = _hexahedra(*grid) if solid else _quadrilaterals(*grid)
    centres = np.meshgrid(*((edges[:-1] + edges[1:]) / 2 for edges in grid), indexing="ij")
    middle = [axis.ravel() for axis in centres]
    electrode = np.repeat(layer, math.prod(len(edges) - 1 for edges in grid[1:]))
    depth = _depth(middle[0], thicknesses)
    nodes = _tapered(nodes, thicknesses, channels, half, scale)

    content = np.where(electrode == 1, 1.0, 0.0)
    for number, channel, wall in ((0, negative, walls[0]), (2, positive, walls[1])):
        here = electrode == number
        if isinstance(channel, Channel):
            across = np.max(middle[1:], axis=0) if round_ else middle[-1]
            open_ = (across < wall) & (depth < channel.depth)
            content = np.where(here & open_, 1.0, content)
        elif channel is not None:
            sizes = thicknesses[number], half
            content[here] = _averaged(nodes[elements[here]], thicknesses, channel, sizes, settings)
    share = depth / np.where(electrode == 0, thicknesses[0], thicknesses[2])
    return _assemble(nodes, elements, content, share, electrode, round_ and not solid)


def _wall(channel: AnyChannel | None) -> float:
    """Half width of a straight or tapered channel at the separator [m]; 0 for none or a general one."""
    return channel.width / 2 if isinstance(channel, Channel) else 0.0


def _through(
    thicknesses: tuple[float, float, float],
    channels: tuple[AnyChannel | None, AnyChannel | None],
    settings: MeshSettings,
) -> tuple[np.ndarray, np.ndarray]:
    """Edges through the layers, with one on each channel's bottom, and the layer between each two."""
    sides = []
    counts = (settings.negative, settings.positive)
    for channel, thickness, cells in zip(channels, thicknesses[::2], counts, strict=True):
        ratio = 1.0 if isinstance(channel, ChannelShape) else settings.ratio
        edges = graded_edges(0.0, thickness, cells, ratio)
        if isinstance(channel, Channel) and channel.depth < thickness * (1 - 1e-6):
            above = round(np.interp(channel.depth, edges, np.arange(cells + 1)))
            above = min(max(above, 2), cells - 2)
            growth = ratio ** (above / cells)
            top = graded_edges(0.0, channel.depth, above, growth)
            edges = np.concatenate(
                [top, graded_edges(channel.depth, thickness, cells - above, ratio / growth)[1:]]
            )
        sides.append(edges)
    left = thicknesses[0] - sides[0][::-1]
    left[0] = 0.0
    separator = np.linspace(thicknesses[0], thicknesses[0] + thicknesses[1], settings.separator + 1)
    edges = np.concatenate([left, separator[1:], separator[-1] + sides[1][1:]])
    layer = np.repeat([0, 1, 2], [settings.negative, settings.separator, settings.positive])
    return edges, layer


def _across(
    half: float, walls: list[float], settings: MeshSettings, first: AnyChannel | None
) -> np.ndarray:
    """Edges from the channel's middle to the middle of the matrix, at the separator."""
    if first is None:
        return np.array([0.0, half])
    if not any(walls):
        return np.linspace(0.0, half, 2 * (settings.channel + settings.matrix) + 1)
    marks = sorted(wall for wall in walls if wall > 0)
    if marks[-1] - marks[0] < 1e-6 * half:  # equal but for rounding
        marks = marks[:1]
    edges = [np.linspace(0.0, marks[0], settings.channel + 1)]
    if len(marks) > 1:
        edges.append(np.linspace(marks[0], marks[1], settings.channel + 1)[1:])
    edges.append(graded_edges(marks[-1], half, settings.matrix, settings.ratio)[1:])
    return np.concatenate(edges)


def _depth(x: np.ndarray, thicknesses: tuple[float, float, float]) -> np.ndarray:
    """Distance from the separator [m]; 0 in it."""
    return np.maximum(np.maximum(thicknesses[0] - x, x - thicknesses[0] - thicknesses[1]), 0.0)


def _tapered(
    nodes: np.ndarray,
    thicknesses: tuple[float, float, float],
    channels: tuple[AnyChannel | None, AnyChannel | None],
    half: float,
    scale: float,
) -> np.ndarray:
    """Shift vertices sideways so that the mesh line of a tapered wall stays on the wall."""
    nodes = nodes.copy()
    depth = _depth(nodes[:, 0], thicknesses)
    centre = thicknesses[0] + thicknesses[1] / 2
    for channel, here in zip(channels, (nodes[:, 0] < centre, nodes[:, 0] > centre), strict=True):
        if not isinstance(channel, Channel) or channel.bottom_width == channel.width:
            continue
        top, now = channel.width / 2 * scale, channel.half_width(depth) * scale
        for axis in range(1, nodes.shape[1]):
            z = nodes[:, axis]
            moved = np.where(z <= top, z * now / top, half - (half - z) * (half - now) / (half - top))
            nodes[:, axis] = np.where(here, moved, z)
    return nodes


def _averaged(
    corners: np.ndarray,
    thicknesses: tuple[float, float, float],
    channel: ChannelShape,
    sizes: tuple[float, float],
    settings: MeshSettings,
) -> np.ndarray:
    """Mean content of rectangular cells, given by their corners, from evenly spaced samples."""
    low, high = corners.min(axis=1), corners.max(axis=1)
    steps = (np.arange(settings.samples) + 0.5) / settings.samples
    x = low[:, 0, None, None] + (high - low)[:, 0, None, None] * steps[:, None]
    z = low[:, -1, None, None] + (high - low)[:, -1, None, None] * steps
    depth, lateral = np.broadcast_arrays(_depth(x, thicknesses) / sizes[0], z / sizes[1])
    content = np.asarray(channel.content(depth, lateral), dtype=float)
    check_content(content)
    weight = lateral if channel.shape == HOLE else np.ones_like(lateral)
    return np.asarray((content * weight).sum(axis=(1, 2)) / weight.sum(axis=(1, 2)))


def _quadrilaterals(x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and cells of a grid, cells in the order of (x, z)."""
    nodes = np.stack([axis.ravel() for axis in np.meshgrid(x, z, indexing="ij")], axis=1)
    i, k = (a.ravel() for a in np.indices((len(x) - 1, len(z) - 1)))
    low, row = i * len(z) + k, len(z)
    return nodes, np.stack([low, low + row, low + row + 1, low + 1], axis=1)


def _hexahedra(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and cells of a grid, cells in the order of (x, y, z), vertices in PyBaMM's order."""
    nodes = np.stack([axis.ravel() for axis in np.meshgrid(x, y, z, indexing="ij")], axis=1)
    i, j, k = (a.ravel() for a in np.indices((len(x) - 1, len(y) - 1, len(z) - 1)))
    low, sheet, row = (i * len(y) + j) * len(z) + k, len(y) * len(z), len(z)
    face = np.stack([low, low + sheet, low + sheet + row, low + row], axis=1)
    return nodes, np.concatenate([face, face + 1], axis=1)


def _assemble(
    nodes: np.ndarray,
    elements: np.ndarray,
    content: np.ndarray,
    share: np.ndarray,
    electrode: np.ndarray,
    axisymmetric: bool,
) -> UnitCell:
    """Sort the cells into domains, make the submeshes, weight them and tag the collectors' faces."""
    domain = np.where(content >= 1.0, 1, electrode)
    order = np.argsort(domain, kind="stable")
    whole = pybamm.UnstructuredSubMesh(nodes, elements[order])
    domain = domain[order]
    meshes = []
    for number in range(3):
        mine = elements[order][domain == number]
        used = np.unique(mine)
        meshes.append(pybamm.UnstructuredSubMesh(nodes[used], np.searchsorted(used, mine)))
    ends = nodes[:, 0].min(), nodes[:, 0].max()
    collectors = {}
    for name, mesh, end in (("left", meshes[0], ends[0]), ("right", meshes[2], ends[1])):
        outer = np.arange(mesh._boundary_face_start, len(mesh.face_owner))
        collectors[name] = outer[np.abs(mesh.face_centroids[outer, 0] - end) < 1e-9 * ends[1]]
        mesh.boundary_faces = {name: collectors[name]}
        _check_connected(mesh, collectors[name])
    # PyBaMM warns of a mesh without tags; nothing is asked of these.
    for mesh in (meshes[1], whole):
        mesh.boundary_faces = {"outside": np.nonzero(mesh.face_centroids[:, -1] == 0.0)[0]}
    lateral = np.prod([nodes[:, k].max() for k in range(1, nodes.shape[1])])
    total = nodes[:, -1].max() ** 2 / 2 if axisymmetric else lateral
    for mesh in (*meshes, whole):
        # Pappus: a cell or face swept around the axis has its centroid's radius; π cancels.
        mesh.cell_volumes = (
            mesh.cell_volumes * (mesh.cell_centroids[:, -1] if axisymmetric else 1) / total
        )
        mesh.face_areas = mesh.face_areas * (mesh.face_centroids[:, -1] if axisymmetric else 1) / total
    return UnitCell(
        meshes=(meshes[0], meshes[1], meshes[2]),
        whole=whole,
        content=content[order],
        depth_share=share[order],
        electrode=electrode[order],
    )


def _check_connected(mesh: Any, collector: np.ndarray) -> None:
    """Raise `InputError` if a part of the matrix has no way to the collector."""
    inner = mesh.n_internal_faces
    pairs = mesh.face_owner[:inner], mesh.face_neighbor[:inner]
    graph = csr_matrix((np.ones(inner), pairs), shape=(mesh.npts, mesh.npts))
    _, label = connected_components(graph, directed=False)
    held = np.isin(label, label[mesh.face_owner[collector]])
    if not held.all():
        rule = "every part of the matrix must be connected to its current collector; cells cut off"
        raise InputError(rule, int((~held).sum()), 0)
