"""Material data of one porous electrode, and the capacity that follows from it."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

Scalar = float | jax.Array | np.ndarray

FARADAY = 96485.33212
"""Faraday constant [C.mol-1] (CODATA 2018; PyBaMM's differs in the tenth digit)."""


@dataclass(frozen=True)
class Electrode:
    """Material data of one porous electrode.

    Attributes
    ----------
    maximum_concentration
        Lithium in the full active material [mol.m-3].
    empty, full
        Stoichiometry when the cell is empty, and full.
    active_share
        Active material's share of the solids' volume.
    solids_density
        Coating density over (1 - its original porosity) [kg.m-3].
    lowest, highest
        Stoichiometries between which the open-circuit potential is known.
    """

    maximum_concentration: float
    empty: float
    full: float
    active_share: float
    solids_density: float
    lowest: float = 0.0
    highest: float = 1.0

    @property
    def window(self) -> float:
        """Width of the usable stoichiometry window."""
        return abs(self.full - self.empty)

    def usable_capacity(self, thickness: Scalar, active: Scalar) -> Any:
        """Areal capacity over the window [A.h.m-2] for a thickness [m] and an active fraction."""
        return self.full_capacity(thickness, active) * self.window

    def full_capacity(self, thickness: Scalar, active: Scalar) -> Any:
        """Areal capacity from stoichiometry 0 to 1 [A.h.m-2]."""
        return FARADAY * thickness * active * self.maximum_concentration / 3600
