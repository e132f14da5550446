"""A sweep in memory: labelled arrays, and what can be asked of them."""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from electrograd.physics.charge import COMPLETED, End
from electrograd.sweeps.record import CHARGE, EVEN, PLACES, POINTS

__all__ = ["CHARGE", "EVEN", "PLACES", "POINTS", "Dataset"]


@dataclass(frozen=True)
class Dataset:
    """A sweep in memory.

    Attributes
    ----------
    names, values
        Design variables and their values, one row a design.
    ends, messages
        Why each simulation stopped.
    charge
        Charge passed at the points of each design's curves [A.h.m-2].
    curves
        Observables at those points, by name.
    figures
        Nominal and accepted capacity [A.h.m-2], plating margin [V], least electrolyte concentration
        [mol.m-3], by name; what else the sweep keeps of `record.EXTRAS`.
    """

    names: tuple[str, ...]
    values: Float[np.ndarray, "designs variables"]
    ends: Int[np.ndarray, " designs"]
    messages: list[str]
    charge: Float[np.ndarray, "designs points"]
    curves: dict[str, Float[np.ndarray, "designs points"]]
    figures: dict[str, Float[np.ndarray, " designs"]]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def completed(self) -> np.ndarray:
        """Which designs ran to an end that the physics or the scenario set."""
        return np.isin(self.ends, COMPLETED)

    def only(self, rows: np.ndarray) -> "Dataset":
        """Return the dataset of some rows, given as a mask or as indices."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Dataset(
            names=self.names,
            values=self.values[index],
            ends=self.ends[index],
            messages=[self.messages[i] for i in index],
            charge=self.charge[index],
            curves={name: curve[index] for name, curve in self.curves.items()},
            figures={name: figure[index] for name, figure in self.figures.items()},
        )

    def count_ends(self) -> dict[str, int]:
        """Count the designs by the reason they stopped, in words."""
        return {end.label: int(n) for end in End if (n := np.sum(self.ends == end))}

    def fingerprint(self) -> str:
        """Hash of the contents: the same data, the same hash, on any machine."""
        digest = hashlib.sha256("\n".join(self.names).encode())
        for array in (
            self.values,
            self.ends,
            self.charge,
            *self.curves.values(),
            *self.figures.values(),
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]
