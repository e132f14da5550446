"""Meshes whose lengths are inputs, with coefficients at the faces of the separator averaged rightly.

PyBaMM 26.10 joins symbolic submeshes, each from 0 to 1, into edges 0…1, 1/n…1, 1/n…1. Its arithmetic
mean takes widths from these edges, so the first cell of a following domain has the width 1/n - 1. The
mean is wrong at that cell's two faces, and has a pole (docs/symbolic_mesh.md). Here the widths are those
that the lengths give, and the mesh equals `pybamm.Uniform1DSubMesh` of the same lengths.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from electrograd.physics.pybamm_import import pybamm

DOMAINS = ("negative electrode", "separator", "positive electrode")
PARTICLES = ("negative particle", "positive particle")


class SymbolicFiniteVolume(pybamm.FiniteVolume):
    """PyBaMM's finite volumes, right also where several domains of symbolic length are joined."""

    def shift(self, discretised_symbol: Any, shift_key: str, method: str) -> Any:
        """Average a discretised symbol from nodes to edges, or from edges to nodes.

        As `pybamm.FiniteVolume.shift`. Between two cells of widths h₁ and h₂ the arithmetic mean of u₁
        and u₂ is (h₂ u₁ + h₁ u₂) / (h₁ + h₂): exact for a straight line.
        """
        parts = [self.mesh[domain] for domain in discretised_symbol.domain]
        joined = len(parts) > 1 and all(hasattr(part, "length") for part in parts)
        averaged = (shift_key, method) == ("node to edge", "arithmetic") and discretised_symbol.size > 1
        if joined and averaged:
            return self._joined_mean(discretised_symbol, parts)
        return super().shift(discretised_symbol, shift_key, method)

    def _joined_mean(self, symbol: Any, parts: list[Any]) -> Any:
        """Values at the edges of joined uniform submeshes, those at both ends extrapolated."""
        repeats = self._get_auxiliary_domain_repeats(symbol.domains)
        nodes = sum(part.npts for part in parts)
        inside = np.arange(1, nodes)
        fixed = np.zeros((nodes + 1, nodes))
        fixed[inside, inside - 1] = fixed[inside, inside] = 0.5
        fixed[0, :2], fixed[-1, -2:] = (1.5, -0.5), (-0.5, 1.5)
        rise, weights = np.zeros_like(fixed), pybamm.Scalar(0)
        interfaces = np.cumsum([part.npts for part in parts[:-1]])
        for edge, (left, right) in zip(interfaces, pairwise(parts), strict=True):
            fixed[edge, edge - 1 : edge + 1] = 1.0, 0.0
            rise[edge, edge - 1 : edge + 1] = -1.0, 1.0
            widths = [part.length / part.npts for part in (left, right)]
            place = pybamm.Vector(np.tile(np.arange(nodes + 1) == edge, repeats).astype(float))
            weights += widths[0] / (widths[0] + widths[1]) * place
        rises = self._repeated(rise, repeats) @ symbol
        return self._repeated(fixed, repeats) @ symbol + weights * rises

    def _repeated(self, rows: np.ndarray, repeats: int) -> Any:
        return pybamm.Matrix(self._block_diagonal(csr_matrix(rows), repeats))


def submesh_types() -> dict[str, Any]:
    """Submesh classes by PyBaMM's domains: uniform ones whose lengths may be inputs."""
    return dict.fromkeys((*DOMAINS, *PARTICLES), pybamm.SymbolicUniform1DSubMesh)


def spatial_methods(model: Any) -> dict[str, Any]:
    """Spatial methods of a PyBaMM model on `submesh_types`, by domain."""
    own = dict.fromkeys(("macroscale", *PARTICLES), SymbolicFiniteVolume())
    return {**model.default_spatial_methods, **own}
