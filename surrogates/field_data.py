"""Simulated states of many designs: what a field surrogate is trained on and measured by."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from electrograd.physics.errors import InputError
from electrograd.physics.stack import nominal_capacity
from electrograd.physics.states import StateModel
from electrograd.sweeps.dataset import Dataset


@dataclass(frozen=True)
class FieldData:
    """Simulated states of designs along their charges.

    Attributes
    ----------
    names, values
        Design variables and their values, one row a design.
    share
        Shares of the nominal capacity passed.
    states
        PyBaMM's, as `StateModel.simulate` gives them.
    """

    names: tuple[str, ...]
    values: Float[np.ndarray, "designs variables"]
    share: Float[np.ndarray, "designs points"]
    states: Float[np.ndarray, "designs points states"]

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def simulate(
        cls, model: StateModel, dataset: Dataset, progress: Callable[[int], None] = lambda done: None
    ) -> "FieldData":
        """Simulate the completed designs of a sweep again, and keep their states at its points.

        Raises
        ------
        InputError
            If no design of the sweep completed, or one accepted no charge.
        """
        data = dataset.only(dataset.completed)
        if not len(data):
            raise InputError("fields need completed simulations", "none")
        states, shares = [], []
        for done, (row, charge) in enumerate(zip(data.values, data.charge, strict=True), start=1):
            design = {name: float(value) for name, value in zip(data.names, row, strict=True)}
            found = model.cell.parameters(design)
            states.append(model.simulate(found, charge))
            shares.append(charge / float(nominal_capacity(model.cell, found)))
            progress(done)
        return cls(data.names, data.values, np.stack(shares), np.stack(states))

    def only(self, rows: np.ndarray | slice) -> "FieldData":
        """Return the data of some designs."""
        return FieldData(self.names, self.values[rows], self.share[rows], self.states[rows])

    def fingerprint(self) -> str:
        """Hash of the contents: the same data, the same hash."""
        digest = hashlib.sha256("\n".join(self.names).encode())
        for array in (self.values, self.share, self.states):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]
