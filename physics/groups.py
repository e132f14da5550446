"""Dimensionless groups of a design at its rate: which of its processes keep pace with the charge.

Closed form, of uniform electrodes of typical materials: a graded or channelled one is taken at its mean
porosity. i is the current density, L an electrode's thickness, ε its porosity, β its Bruggeman exponent,
a its active fraction, R its particles' radius; the charge's time t is 1 h over the C-rate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from electrograd.physics.cell import FARADAY, Cell
from electrograd.physics.errors import InputError
from electrograd.physics.materials import Materials
from electrograd.physics.stack import nominal_capacity
from electrograd.physics.variables import SIDES, porosity

GAS_CONSTANT = 8.314462618
"""[J.mol-1.K-1] (CODATA 2018)."""


@dataclass(frozen=True)
class Pores:
    """One electrode's pores: thickness [m], porosity, transport relative to free electrolyte."""

    thickness: Any
    porosity: Any
    permeability: Any


@dataclass(frozen=True)
class SteadySalt:
    """The electrolyte under a constant current, once its profile is steady.

    Attributes
    ----------
    lost
        Salt lost at the negative collector over the initial concentration: the applied over the limiting
        current, for at 1 the electrode runs dry there.
    drop
        Difference between both collectors over the initial concentration.
    slowest
        Time in which the profile builds up [s].
    """

    lost: Any
    drop: Any
    slowest: Any


def steady_salt(
    cell: Cell, materials: Materials, current: Any, negative: Pores, positive: Pores
) -> SteadySalt:
    """Salt across the cell at a current density [A.m-2]: floats and JAX arrays alike.

    Parabolas in the electrodes, where the reaction is even, a line in the separator, and its total kept
    (Newman and Thomas-Alyea, Electrochemical Systems, 3rd ed., ch. 22).
    """
    separator = cell.separator_thickness / cell.separator_porosity**materials.separator_bruggeman
    length_n = negative.thickness / negative.permeability
    length_p = positive.thickness / positive.permeability
    pull = (
        current
        * (1 - materials.transference_number)
        / (FARADAY * materials.salt_diffusivity * materials.salt)
    )
    drop_n, drop_s, drop_p = pull * length_n / 2, pull * separator, pull * length_p / 2
    pores_n = negative.porosity * negative.thickness
    pores_p = positive.porosity * positive.thickness
    pores_s = cell.separator_porosity * cell.separator_thickness
    pores = pores_n + pores_s + pores_p
    lost = (
        pores_n * drop_n / 3
        + pores_s * (drop_n + drop_s / 2)
        + pores_p * (drop_n + drop_s + drop_p * 2 / 3)
    ) / pores
    length = length_n + separator + length_p
    slowest = (1e6 * length) * (1e6 * pores) / (1e12 * materials.salt_diffusivity * np.pi**2)
    return SteadySalt(lost, drop_n + drop_s + drop_p, slowest)


@dataclass(frozen=True)
class ElectrodeGroups:
    """One electrode's groups. The first two are small, the last two large, where a process is no limit.

    Attributes
    ----------
    solid_diffusion
        Diffusion time of the particles over the charge's time, (R²/D) / t (Doyle and Newman,
        Electrochim. Acta 40 (1995) 2191; Tian et al., Nat. Commun. 10 (2019) 1933). A surface then leads
        its mean by a fifteenth of it, in shares of the stoichiometry that the charge passes.
    electrolyte_diffusion
        Diffusion time of the salt through the coating over the charge's time, (L²/D_eff) / t, with
        D_eff = D/τ in pores of tortuosity τ = ε^(1-β) (the same sources).
    reaction_zone
        Depth to which the reaction reaches from the separator, as electrolyte and solids conduct, over
        the thickness: L_r = (RT/F / (a_s j₀ (1/κ_eff + 1/σ_eff)))^½ for small overpotentials, with the
        surface per volume a_s = 3a/R (Newman and Tobias, J. Electrochem. Soc. 109 (1962) 1183).
    exchange_current
        Exchange current of all surfaces over the applied current, a_s j₀ L / i: kinetics cost
        (2RT/F) asinh of half its inverse (Newman and Thomas-Alyea, ch. 8).
    """

    solid_diffusion: float
    electrolyte_diffusion: float
    reaction_zone: float
    exchange_current: float


@dataclass(frozen=True)
class Groups:
    """All groups of a design at one rate.

    Attributes
    ----------
    negative, positive
        Each electrode's own.
    limiting_current
        Applied over limiting current of the electrolyte (`SteadySalt.lost`): above 1 the negative
        electrode runs dry at its collector if the charge takes long enough. Gallagher et al.
        (J. Electrochem. Soc. 163 (2016) A138) say the same by lengths.
    salt_time
        Time in which that profile builds up over the charge's time.
    """

    negative: ElectrodeGroups
    positive: ElectrodeGroups
    limiting_current: float
    salt_time: float


@dataclass(frozen=True)
class Conductor:
    """An electrode's solids: conductivity [S.m-1] and Bruggeman exponent."""

    conductivity: float
    exponent: float


def conductors(cell: Cell, temperature: float) -> dict[str, Conductor]:
    """Solids of both electrodes of a cell, by side, half full and at a temperature [K]."""
    from electrograd.physics.cell_data import load_parameter_values
    from electrograd.physics.pybamm_import import pybamm
    from electrograd.physics.windows import evaluated

    values = load_parameter_values(cell.source, cell.overrides)
    known = pybamm.LithiumIonParameters()
    return {
        side: Conductor(
            evaluated(values, domain.sigma(pybamm.Scalar(0.5), pybamm.Scalar(temperature))),
            float(values[f"{side.capitalize()} electrode Bruggeman coefficient (electrode)"]),
        )
        for side, domain in zip(SIDES, (known.n, known.p), strict=True)
    }


def dimensionless_groups(
    cell: Cell,
    materials: Materials,
    solids: Mapping[str, Conductor],
    parameters: Mapping[str, Any],
    c_rate: float,
) -> Groups:
    """Groups of one design at a rate.

    Parameters
    ----------
    cell, materials, solids
        The cell, its `Materials` and `conductors` at the charge's temperature.
    parameters
        A complete set, as `Cell.parameters` gives it.
    c_rate
        Relative to the design's own nominal capacity [1/h].

    Raises
    ------
    InputError
        For a rate that is not positive.
    """
    if not 0 < c_rate < float("inf"):
        raise InputError("a C-rate must be positive and finite", c_rate, 1.0)
    known = {name: float(value) for name, value in parameters.items()}
    materials = materials.scaled(known)
    time = 3600 / c_rate
    current = c_rate * float(nominal_capacity(cell, known))
    pores: dict[str, Pores] = {}
    of_side: dict[str, ElectrodeGroups] = {}
    for side in SIDES:
        title, material = side.capitalize(), getattr(materials, side)
        thickness, radius = (
            known[f"{title} electrode thickness [m]"],
            known[f"{title} particle radius [m]"],
        )
        share = known[porosity(side)]
        exponent = known[f"{title} electrode Bruggeman coefficient (electrolyte)"]
        pores[side] = Pores(thickness, share, share**exponent)
        surface = 3 * known[f"{title} electrode active material volume fraction"] / radius
        solid = solids[side].conductivity * (1 - share) ** solids[side].exponent
        resistivity = 1 / (materials.conductivity * share**exponent) + 1 / solid
        thermal = GAS_CONSTANT * materials.temperature / FARADAY
        zone = (thermal / (surface * material.exchange_current * resistivity)) ** 0.5
        of_side[side] = ElectrodeGroups(
            solid_diffusion=radius**2 / material.diffusivity / time,
            electrolyte_diffusion=thickness**2
            / (materials.salt_diffusivity * share ** (exponent - 1))
            / time,
            reaction_zone=zone / thickness,
            exchange_current=surface * material.exchange_current * thickness / current,
        )
    salt = steady_salt(cell, materials, current, pores["negative"], pores["positive"])
    return Groups(of_side["negative"], of_side["positive"], float(salt.lost), float(salt.slowest) / time)
