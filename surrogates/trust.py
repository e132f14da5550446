"""How far a surrogate's answers can be trusted: intervals, the trained domain, how simulations end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from electrograd.surrogates.calibration import Calibration, calibrate
from electrograd.surrogates.domain import Domain
from electrograd.surrogates.ending import EndModel
from electrograd.surrogates.spread import Spread, fit_spread
from electrograd.sweeps.space import DesignSpace

LEVEL = 0.9
"""Share of new designs that an interval is to hold."""


@dataclass(frozen=True)
class Trust:
    """What is known of a surrogate's errors before any truth.

    Attributes
    ----------
    domain
        Where there was data.
    ends
        How a simulation would end, in probabilities.
    spreads, calibrations
        By learned figure of merit: how the members disagree, and what half-width that means.
    """

    domain: Domain
    ends: EndModel
    spreads: Mapping[str, Spread]
    calibrations: Mapping[str, Calibration]

    def half_width(self, figure: str, design: Float[Array, " variables"]) -> Float[Array, ""]:
        """Half-width of the interval of a learned figure at one design, differentiable."""
        return self.calibrations[figure].half_width(self.spreads[figure](design))

    def half_widths(
        self, designs: Float[np.ndarray, "designs variables"]
    ) -> dict[str, Float[np.ndarray, " designs"]]:
        """Half-widths of the intervals of all learned figures at many designs."""
        return {
            name: np.asarray(calibration.half_width(jnp.asarray(self.spreads[name].at(designs))))
            for name, calibration in self.calibrations.items()
        }

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What belongs among an artefact's arrays."""
        parts: dict[str, Any] = {"domain": self.domain, "ends": self.ends}
        parts |= {f"spread.{name}": spread for name, spread in self.spreads.items()}
        return {
            f"{part}.{name}": array
            for part, held in parts.items()
            for name, array in held.to_arrays().items()
        }

    def to_dict(self) -> dict[str, Any]:
        """What belongs in an artefact's JSON."""
        return {
            "domain": self.domain.to_dict(),
            "ends": self.ends.to_dict(),
            "calibrations": {name: known.to_dict() for name, known in self.calibrations.items()},
        }

    @classmethod
    def from_saved(
        cls, space: DesignSpace, arrays: Mapping[str, Any], saved: Mapping[str, Any]
    ) -> "Trust":
        """Undo `to_arrays` and `to_dict`."""

        def part(prefix: str) -> dict[str, Any]:
            prefix += "."
            return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}

        names = list(saved["calibrations"])
        return cls(
            domain=Domain.from_saved(space, part("domain"), saved["domain"]),
            ends=EndModel.from_saved(space, part("ends"), saved["ends"]),
            spreads={name: Spread.from_saved(space, part(f"spread.{name}")) for name in names},
            calibrations={name: Calibration.from_dict(saved["calibrations"][name]) for name in names},
        )


def calibrated(
    space: DesignSpace,
    designs: Float[np.ndarray, "designs variables"],
    held_out: Mapping[str, Float[np.ndarray, "designs members"]],
    truth: Mapping[str, Float[np.ndarray, " designs"]],
    fresh: Float[np.ndarray, "fresh variables"],
    predicted: Mapping[str, Float[np.ndarray, "groups members fresh"]],
) -> tuple[dict[str, Spread], dict[str, Calibration]]:
    """Spreads and calibrations of figures of merit; arguments as for `calibrate`, by figure.

    Designs for which some member has no finite answer are left out: members of few data may have none.
    """
    spreads, calibrations = {}, {}
    for name, values in truth.items():
        answered = np.all(np.isfinite(predicted[name]), axis=(0, 1))
        told = np.all(np.isfinite(held_out[name]), axis=1)
        asked, said = fresh[answered], predicted[name][:, :, answered]
        spread = fit_spread(space, asked, said.mean(axis=1))
        calibrations[name] = calibrate(
            held_out[name][told], values[told], spread.at(designs[told]), said, spread.at(asked), LEVEL
        )
        spreads[name] = spread
    return spreads, calibrations
