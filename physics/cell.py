"""A cell's materials and baseline geometry, and the map from a design to a P2D parameter set."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import numpy as np

from electrograd.physics.errors import InputError, check_name
from electrograd.physics.variables import (
    DESIGN_VARIABLES,
    N_P_RATIO,
    NEGATIVE_ACTIVE,
    NEGATIVE_POROSITY,
    NEGATIVE_THICKNESS,
    POSITIVE_ACTIVE,
    POSITIVE_POROSITY,
    POSITIVE_THICKNESS,
)

Value = TypeVar("Value", float, jax.Array, np.ndarray)
Scalar = float | jax.Array | np.ndarray

FARADAY = 96485.33212
"""Faraday constant [C.mol-1] (CODATA 2018; PyBaMM's differs in the tenth digit)."""

ELECTROLYTE_DENSITY = 1200.0
"""Density of 1 M LiPF6 in carbonate solvents [kg.m-3]; PyBaMM's sets hold none."""

STOICHIOMETRY_WINDOWS: dict[str, dict[str, tuple[float, float]]] = {
    "Chen2020": {"negative": (0.03, 0.90), "positive": (0.90, 0.27)},
}
"""Usable stoichiometries (cell empty, cell full) per parameter set: material data, the same for every
design. For Chen2020 they keep within the published electrode balance (0.0279–0.9014 and
0.9084–0.2661, Chen et al., J. Electrochem. Soc. 167 (2020) 080534)."""


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
    """

    maximum_concentration: float
    empty: float
    full: float
    active_share: float
    solids_density: float

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


@dataclass(frozen=True)
class Cell:
    """What does not change with the design; plain numbers, so that it travels as JSON.

    Lengths in m, densities in kg.m-3. ``baseline`` holds the set's own values of the parameters that
    a design can vary, under PyBaMM's names.
    """

    name: str
    negative: Electrode
    positive: Electrode
    separator_thickness: float
    separator_porosity: float
    separator_density: float
    negative_collector_thickness: float
    negative_collector_density: float
    positive_collector_thickness: float
    positive_collector_density: float
    electrode_area: float
    baseline: dict[str, float]

    @classmethod
    def load(cls, name: str) -> "Cell":
        """Read a cell from a PyBaMM parameter set.

        Raises
        ------
        InputError
            If the set has no stoichiometry window in `STOICHIOMETRY_WINDOWS`.
        """
        check_name(name, STOICHIOMETRY_WINDOWS, "the cell must be a supported PyBaMM parameter set")
        from electrograd.physics.pybamm_import import pybamm

        values = pybamm.ParameterValues(name)

        def electrode(side: str) -> Electrode:
            title = side.capitalize()
            porosity = values[f"{title} electrode porosity"]
            active = values[f"{title} electrode active material volume fraction"]
            empty, full = STOICHIOMETRY_WINDOWS[name][side]
            return Electrode(
                maximum_concentration=float(
                    values[f"Maximum concentration in {side} electrode [mol.m-3]"]
                ),
                empty=empty,
                full=full,
                active_share=float(active / (1 - porosity)),
                solids_density=float(values[f"{title} electrode density [kg.m-3]"] / (1 - porosity)),
            )

        return cls(
            name=name,
            negative=electrode("negative"),
            positive=electrode("positive"),
            separator_thickness=float(values["Separator thickness [m]"]),
            separator_porosity=float(values["Separator porosity"]),
            separator_density=float(values["Separator density [kg.m-3]"]),
            negative_collector_thickness=float(values["Negative current collector thickness [m]"]),
            negative_collector_density=float(values["Negative current collector density [kg.m-3]"]),
            positive_collector_thickness=float(values["Positive current collector thickness [m]"]),
            positive_collector_density=float(values["Positive current collector density [kg.m-3]"]),
            electrode_area=float(
                values["Electrode height [m]"]
                * values["Electrode width [m]"]
                * values["Number of electrodes connected in parallel to make a cell"]
            ),
            baseline={k: float(values[k]) for k in DESIGN_VARIABLES if k != N_P_RATIO},
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Cell":
        """Rebuild a cell from `to_dict`."""
        plain = dict(data)
        for side in ("negative", "positive"):
            plain[side] = Electrode(**plain[side])
        return cls(**plain)

    def to_dict(self) -> dict[str, Any]:
        """Return the cell as plain numbers for JSON."""
        return dataclasses.asdict(self)

    def parameters(self, design: Mapping[str, Value]) -> dict[str, Value]:
        """Complete a design to every P2D parameter that a design can vary.

        What ``design`` leaves out is the baseline's. Active fractions follow from the closure
        ε_active = share (1 - ε); the negative thickness follows from the N/P ratio where that is given.
        Works on floats, NumPy and JAX arrays alike.

        Parameters
        ----------
        design
            Values by name of design variable, in SI units.

        Returns
        -------
        dict
            Values under PyBaMM's names, active material volume fractions included.

        Raises
        ------
        InputError
            For an unknown name, or the N/P ratio together with the negative thickness.
        """
        for name in design:
            check_name(name, DESIGN_VARIABLES, "a design may hold only known design variables")
        if N_P_RATIO in design and NEGATIVE_THICKNESS in design:
            raise InputError(
                f"a design sets either {N_P_RATIO!r} or {NEGATIVE_THICKNESS!r}, for one fixes the other",
                "both",
                N_P_RATIO,
            )
        values: dict[str, Any] = {**self.baseline, **design}
        values[NEGATIVE_ACTIVE] = self.negative.active_share * (1 - values[NEGATIVE_POROSITY])
        values[POSITIVE_ACTIVE] = self.positive.active_share * (1 - values[POSITIVE_POROSITY])
        if N_P_RATIO in values:
            positive = self.positive.usable_capacity(values[POSITIVE_THICKNESS], values[POSITIVE_ACTIVE])
            per_metre = self.negative.usable_capacity(1.0, values[NEGATIVE_ACTIVE])
            values[NEGATIVE_THICKNESS] = values.pop(N_P_RATIO) * positive / per_metre
        return values

    def design_values(self, parameters: Mapping[str, Value]) -> dict[str, Any]:
        """Return every design variable's value, the N/P ratio too, of a complete parameter set."""
        negative = self.negative.usable_capacity(
            parameters[NEGATIVE_THICKNESS], parameters[NEGATIVE_ACTIVE]
        )
        positive = self.positive.usable_capacity(
            parameters[POSITIVE_THICKNESS], parameters[POSITIVE_ACTIVE]
        )
        return {
            N_P_RATIO: negative / positive,
            **{name: parameters[name] for name in DESIGN_VARIABLES if name != N_P_RATIO},
        }
