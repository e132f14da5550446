"""A cell's typical material data as plain numbers: what closed-form estimates of a charge are made of.

Each is PyBaMM's own expression at one state: the electrolyte at its initial concentration, exchange
current densities at half-full surfaces, diffusivities by the harmonic mean over the usable window, which
is what a particle that is filled from one end to the other feels.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from electrograd.physics.cell import Cell, Scalar
from electrograd.physics.variables import FACTORS


@dataclass(frozen=True)
class ElectrodeMaterial:
    """One electrode's active material.

    Attributes
    ----------
    diffusivity
        Of lithium in the particles [m2.s-1].
    exchange_current
        Exchange current density at a half-full surface [A.m-2].
    """

    diffusivity: Scalar
    exchange_current: Scalar


@dataclass(frozen=True)
class Materials:
    """Typical materials of a cell at one temperature; plain numbers, so that they travel as JSON.

    Attributes
    ----------
    negative, positive
        The active materials.
    salt
        Initial concentration of the electrolyte [mol.m-3].
    salt_diffusivity
        [m2.s-1].
    conductivity
        Of the electrolyte [S.m-1].
    transference_number
        Of the cation.
    separator_bruggeman
        Bruggeman coefficient of the separator's electrolyte.
    temperature
        [K].
    """

    negative: ElectrodeMaterial
    positive: ElectrodeMaterial
    salt: float
    salt_diffusivity: Scalar
    conductivity: Scalar
    transference_number: float
    separator_bruggeman: float
    temperature: float

    @classmethod
    def from_pybamm(cls, cell: Cell, temperature: float) -> "Materials":
        """Evaluate PyBaMM's expressions for a cell at a temperature [K]."""
        from electrograd.physics.cell_data import load_parameter_values
        from electrograd.physics.jax_views import ElectrodeViews, MaterialViews

        values = load_parameter_values(cell.source, cell.overrides)
        views = MaterialViews.from_pybamm(values)
        salt = float(values["Initial concentration in electrolyte [mol.m-3]"])

        def electrode(side: str, view: ElectrodeViews) -> ElectrodeMaterial:
            window = getattr(cell, side)
            stoichiometry = np.linspace(window.empty, window.full, 101)
            diffusivity = np.asarray(view.diffusivity(stoichiometry, temperature))
            half = 0.5 * view.maximum_concentration
            return ElectrodeMaterial(
                diffusivity=float(1 / np.mean(1 / diffusivity)),
                exchange_current=float(view.exchange_current(salt, half, temperature)),
            )

        return cls(
            negative=electrode("negative", views.negative),
            positive=electrode("positive", views.positive),
            salt=salt,
            salt_diffusivity=float(views.electrolyte.diffusivity(salt, temperature)),
            conductivity=float(views.electrolyte.conductivity(salt, temperature)),
            transference_number=float(views.electrolyte.transference_number(salt, temperature)),
            separator_bruggeman=float(values["Separator Bruggeman coefficient (electrolyte)"]),
            temperature=temperature,
        )

    def scaled(self, parameters: Mapping[str, Any]) -> "Materials":
        """Return those of a design: times the factors that its complete parameter set holds."""
        if not any(name in parameters for name in FACTORS):
            return self
        times = {FACTORS[name]: parameters[name] for name in FACTORS if name in parameters}

        def electrode(own: ElectrodeMaterial, title: str) -> ElectrodeMaterial:
            return ElectrodeMaterial(
                own.diffusivity * times.get(f"{title} particle diffusivity [m2.s-1]", 1.0),
                own.exchange_current
                * times.get(f"{title} electrode exchange-current density [A.m-2]", 1.0),
            )

        return dataclasses.replace(
            self,
            negative=electrode(self.negative, "Negative"),
            positive=electrode(self.positive, "Positive"),
            salt_diffusivity=self.salt_diffusivity * times.get("Electrolyte diffusivity [m2.s-1]", 1.0),
            conductivity=self.conductivity * times.get("Electrolyte conductivity [S.m-1]", 1.0),
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Materials":
        """Rebuild from `to_dict`."""
        sides = {side: ElectrodeMaterial(**data[side]) for side in ("negative", "positive")}
        return cls(**{**data, **sides})

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers for JSON."""
        return dataclasses.asdict(self)
