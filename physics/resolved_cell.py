"""A meshed unit cell, and what PyBaMM needs to solve on it: submeshes, and methods that know its fields.

All areas are per area of electrode: the faces on a collector sum to 1.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from electrograd.physics.pybamm_import import pybamm

DOMAINS = ("negative electrode", "separator", "positive electrode")


@dataclass(frozen=True)
class UnitCell:
    """One meshed unit cell.

    Attributes
    ----------
    meshes
        One submesh per domain of `DOMAINS`, areas and volumes weighted.
    whole
        Their union, cells in the order of the domains.
    content
        Channel content of every cell of ``whole``; 1 in the separator.
    depth_share
        Distance from the separator over the electrode's thickness; 0 in the separator.
    electrode
        Electrode that a cell lies in: 0 negative, 1 none, 2 positive. Channels count as in theirs.
    """

    meshes: tuple[Any, Any, Any]
    whole: Any
    content: np.ndarray
    depth_share: np.ndarray
    electrode: np.ndarray

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Cells of each domain in ``whole``."""
        first, second, third = itertools.accumulate(mesh.npts for mesh in self.meshes)
        return slice(0, first), slice(first, second), slice(second, third)

    def free_faces(self, electrode: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Faces at which an electrode's matrix (0 negative, 2 positive) meets free electrolyte.

        Returns
        -------
        faces, matrix, free
            Indices of internal faces of ``whole``, and of the cells on their two sides.
        """
        inner = self.whole.n_internal_faces
        owner, neighbor = self.whole.face_owner[:inner], self.whole.face_neighbor[:inner]
        solid = (self.electrode == electrode) & (self.content < 0.5)
        free = self.content >= 0.5
        forward, backward = solid[owner] & free[neighbor], solid[neighbor] & free[owner]
        faces = np.nonzero(forward | backward)[0]
        flip = backward[faces]
        matrix = np.where(flip, neighbor[faces], owner[faces])
        return faces, matrix, np.where(flip, owner[faces], neighbor[faces])


class _Ready(pybamm.MeshGenerator):
    """A generator that hands out a mesh made beforehand."""

    def __init__(self, mesh: Any) -> None:
        self.submesh_type = pybamm.UnstructuredSubMesh
        self.submesh_params: dict[str, Any] = {}
        self._mesh = mesh

    def __call__(self, lims: Any, npts: Any) -> Any:
        return self._mesh


class _CellwiseFiniteVolume(pybamm.FiniteVolumeUnstructured):
    """The unstructured finite volumes, with fields given cell by cell and values on chosen faces.

    The union of the domains is handed in: PyBaMM welds it anew from the vertices, which would lose the
    weight 2πr of a hole.
    """

    def __init__(
        self, cell: UnitCell, fields: Mapping[str, np.ndarray], maps: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self._cell, self._fields, self._maps = cell, fields, maps

    def build(self, mesh: Any) -> None:
        mesh[DOMAINS] = self._cell.whole
        super().build(mesh)

    def spatial_variable(self, symbol: Any) -> Any:
        if symbol.name not in self._fields:
            return super().spatial_variable(symbol)
        whole = len(symbol.domain) > 1
        part = slice(None) if whole else self._cell.slices[DOMAINS.index(symbol.domain[0])]
        return pybamm.Vector(self._fields[symbol.name][part], domains=symbol.domains)

    def boundary_value_or_flux(self, symbol: Any, discretised_child: Any, bcs: Any = None) -> Any:
        if symbol.side not in self._maps:
            return super().boundary_value_or_flux(symbol, discretised_child, bcs)
        return (pybamm.Matrix(self._maps[symbol.side]) @ discretised_child).without_domains()


class Mapped(pybamm.BoundaryValue):
    """A field's values under one of the spatial method's maps, named by ``side``."""

    def _unary_new_copy(self, child: Any, perform_simplifications: bool = True) -> "Mapped":
        return Mapped(child, self.side)


def field(name: str, *domains: str) -> Any:
    """Symbol of a field given cell by cell."""
    return pybamm.SpatialVariable(name, list(domains), coord_sys="cartesian")


def submesh_types(cell: UnitCell) -> dict[str, Any]:
    """Mesh generators by domain for `pybamm.Simulation`."""
    return {domain: _Ready(mesh) for domain, mesh in zip(DOMAINS, cell.meshes, strict=True)}


def spatial_methods(
    cell: UnitCell, fields: Mapping[str, np.ndarray], maps: Mapping[str, Any]
) -> dict[str, Any]:
    """Spatial methods by domain for `pybamm.Simulation`.

    Parameters
    ----------
    cell
        The mesh.
    fields
        Values of every cell of its union by name, for `field`.
    maps
        Sparse matrices from a domain's cells to values by name, for `Mapped`.
    """
    return {domain: _CellwiseFiniteVolume(cell, fields, maps) for domain in DOMAINS}
