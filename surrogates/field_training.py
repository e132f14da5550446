"""Train a field surrogate on PyBaMM's states, and on PyBaMM's equations where nothing was simulated."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
from jaxtyping import Array, Float

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError
from electrograd.physics.stack import nominal_capacity
from electrograd.physics.states import (
    ELECTROLYTE_POTENTIAL,
    NEGATIVE_PARTICLE,
    NEGATIVE_SOLID,
    POSITIVE_PARTICLE,
    POSITIVE_SOLID,
    SALT,
    StateModel,
)
from electrograd.physics.variables import C_RATE
from electrograd.surrogates.field_basis import Modes, StateMap
from electrograd.surrogates.field_residual import ReducedResidual
from electrograd.surrogates.fields import (
    FieldPhysics,
    FieldSurrogate,
    Weights,
    coefficients,
    initial_weights,
    state,
)
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.space import DesignSpace

Progress = Callable[[int, int, float], None]
"""Called with steps done, steps in all, and the training loss."""

TOLERANCES = {
    NEGATIVE_PARTICLE: 5e-5,
    POSITIVE_PARTICLE: 5e-5,
    SALT: 2e-4,
    NEGATIVE_SOLID: 1e-8,
    POSITIVE_SOLID: 1e-6,
    ELECTROLYTE_POTENTIAL: 2e-5,
}
"""What the modes may leave of each deviation over the C-rate (RMS): stoichiometry, c / c_0, V."""

_RELATIVE = 0.01  # an error of one: this share of a field's deviations (RMS)
_CURVES = (0.002, 0.002)  # V: an error of one in voltage and negative potential


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
        """Simulate again the completed designs of a sweep, and keep their states at its points.

        Raises
        ------
        InputError
            If no design of the sweep completed.
        """
        data = dataset.only(dataset.completed)
        if not len(data):
            raise InputError("fields need completed simulations", "none")
        states, shares = [], []
        for done, (row, charge) in enumerate(zip(data.values, data.charge, strict=True), start=1):
            found = model.cell.parameters(
                {n: float(v) for n, v in zip(data.names, row, strict=True)}
            )
            states.append(model.simulate(found, charge))
            shares.append(charge / float(nominal_capacity(model.cell, found)))
            progress(done)
        return cls(data.names, data.values, np.stack(shares), np.stack(states))

    def only(self, rows: np.ndarray | slice) -> "FieldData":
        """Return the data of some designs."""
        return FieldData(self.names, self.values[rows], self.share[rows], self.states[rows])

    def fingerprint(self) -> str:
        """Hash of the contents."""
        digest = hashlib.sha256("\n".join(self.names).encode())
        for array in (self.values, self.share, self.states):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class FieldTraining:
    """How a field surrogate is trained.

    Attributes
    ----------
    width, depth
        Neurons a layer and hidden layers.
    steps, batch
        Optimiser steps, and states seen in each.
    learning_rate
        Peak rate of Muon, decayed to zero along a cosine.
    most_modes
        Modes of a field at most.
    residual
        Weight of the equations' residual at designs that were never simulated; 0 leaves it out.
    collocation
        States, of random designs of the box, at which the residual is taken in each step.
    held_out
        Share of the designs that training does not see, for the accuracy and the certificate's scale.
    seed
        Of weights, batches and what is held out.
    """

    width: int = 128
    depth: int = 3
    steps: int = 6000
    batch: int = 512
    learning_rate: float = 0.02
    most_modes: int = 24
    residual: float = 0.0
    collocation: int = 16
    held_out: float = 0.125
    seed: int = 0
