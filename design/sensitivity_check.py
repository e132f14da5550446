"""The check of a surrogate's Sobol indices: PyBaMM's own, on the very same designs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from electrograd.design.sensitivity_results import SobolIndices
from electrograd.design.sensitivity_sobol import indices_of_rows
from electrograd.physics.errors import InputError


@dataclass(frozen=True)
class SensitivityCheck:
    """Sobol indices twice, by simulation and by a surrogate on the same samples.

    Attributes
    ----------
    samples, left_out
        Base samples that were simulated whole, and those of which a simulation failed.
    simulated, surrogate
        Indices by figure of merit.
    """

    samples: int
    left_out: int
    simulated: dict[str, SobolIndices]
    surrogate: dict[str, SobolIndices]

    @property
    def differences(self) -> dict[str, float]:
        """By figure of merit: the largest difference of a total index."""
        return {
            name: float(np.abs(found.total - self.surrogate[name].total).max())
            for name, found in self.simulated.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the check as plain values for JSON."""
        return {
            "samples": self.samples,
            "left_out": self.left_out,
            "differences": self.differences,
            "simulated": {name: index.to_dict() for name, index in self.simulated.items()},
            "surrogate": {name: index.to_dict() for name, index in self.surrogate.items()},
        }


def checked_indices(
    names: tuple[str, ...],
    simulated: Mapping[str, Float[np.ndarray, " designs"]],
    predicted: Mapping[str, Float[np.ndarray, " designs"]],
    base: int,
    seed: int,
) -> SensitivityCheck:
    """Compare simulations at Saltelli's samples with predictions there.

    The error of few samples is the same in both, and drops out of the comparison.

    Parameters
    ----------
    names
        Of the variables.
    simulated, predicted
        Figures of merit in the order of a sweep drawn with ``{saltelli: base}``; those compared are
        those of ``simulated``. NaN where a simulation failed: its base sample is left out of both.
    base
        Base samples.

    Raises
    ------
    InputError
        If fewer than two base samples were simulated whole, or their number is another.
    """
    rows = {
        whose: {name: np.asarray(values[name], float).reshape(base, -1) for name in simulated}
        for whose, values in (("simulated", simulated), ("surrogate", predicted))
    }
    whole = np.all([np.isfinite(values).all(axis=1) for values in rows["simulated"].values()], axis=0)
    if whole.sum() < 2:
        raise InputError(
            "of Saltelli's samples two must have been simulated whole", f"{whole.sum()} of {base}", base
        )
    found = {
        whose: {name: indices_of_rows(names, value[whole], seed) for name, value in values.items()}
        for whose, values in rows.items()
    }
    return SensitivityCheck(int(whole.sum()), int((~whole).sum()), **found)
