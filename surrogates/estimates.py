"""Closed-form estimates of a charge at constant current: what a network need not learn.

Lithium and charge are spread evenly through each electrode, and materials are typical ones. With the
current density i, an electrode of thickness L, active fraction a and particle radius R:

    surface lead            Δ = i R² / (15 F a L D c_max) · f(D t / R²)
    kinetic overpotential   η = (2RT/F) asinh(i R / (3 a L · 2 j₀))
    ohmic drop              i L / (κ εᵇ)
    salt                    lost at the negative collector when steady, by parabolas whose mean is kept,
                            times 1 - exp(-t / τ); below nothing where the electrode runs dry

where f(τ) → 1 is the surface's excess over the mean in a sphere under constant flux (Carslaw and Jaeger,
Conduction of Heat in Solids, 2nd ed., §9.12). The logarithms of these groups, and the shapes of their
rise, are what a network is given beside the design; the estimates scale what it returns.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.optimize import brentq

from electrograd.physics.cell import FARADAY, Cell, Electrode, Scalar
from electrograd.physics.groups import GAS_CONSTANT, Pores, steady_salt
from electrograd.physics.materials import ElectrodeMaterial, Materials
from electrograd.physics.stack import Parameters, mean_stoichiometries, nominal_capacity
from electrograd.physics.variables import (
    NEGATIVE_ACTIVE,
    NEGATIVE_POROSITY,
    NEGATIVE_THICKNESS,
    POSITIVE_ACTIVE,
    POSITIVE_POROSITY,
    POSITIVE_THICKNESS,
)

_MODES = np.array(
    [
        brentq(lambda x: np.sin(x) - x * np.cos(x), n * np.pi + 1e-3, (n + 0.5) * np.pi)
        for n in range(1, 13)
    ]
)
SALT = 3
"""How many of an estimate's shapes, the first, are of the salt."""
_SHORT = 5e-3  # below it the series of modes would need more terms than the expansion in √τ


@dataclass(frozen=True)
class Estimates:
    """Estimates of one design's charge, and the features made of them.

    Attributes
    ----------
    negative_mean, positive_mean
        Mean stoichiometries, exact.
    negative_lead, positive_lead
        How far surfaces run ahead of their means, in stoichiometry: positive.
    negative_kinetic, polarisation
        Overpotential of the negative electrode's reaction, and all but diffusion in the cell [V].
    groups
        Logarithms of the dimensionless groups and of what goes with them: they hold for all of a charge.
    shapes
        How leads and overpotentials rise along it.
    """

    negative_mean: Float[Array, " points"]
    positive_mean: Float[Array, " points"]
    negative_lead: Float[Array, " points"]
    positive_lead: Float[Array, " points"]
    negative_kinetic: Float[Array, " points"]
    polarisation: Float[Array, " points"]
    groups: Float[Array, " groups"]
    shapes: Float[Array, "points shapes"]


@dataclass(frozen=True)
class _Porous:
    """One electrode of one design under one current."""

    lead: Float[Array, ""]
    rate: Float[Array, ""]
    flux: Float[Array, ""]
    thickness: Float[Array, ""]
    porosity: Float[Array, ""]
    permeability: Float[Array, ""]


def _porous(
    parameters: Parameters, side: str, electrode: Electrode, material: ElectrodeMaterial, current: Array
) -> _Porous:
    title = side.capitalize()
    thickness, porosity, active = (
        parameters[name]
        for name in (
            (NEGATIVE_THICKNESS, NEGATIVE_POROSITY, NEGATIVE_ACTIVE)
            if side == "negative"
            else (POSITIVE_THICKNESS, POSITIVE_POROSITY, POSITIVE_ACTIVE)
        )
    )
    radius = parameters[f"{title} particle radius [m]"]
    bruggeman = parameters[f"{title} electrode Bruggeman coefficient (electrolyte)"]
    # Small numbers first: squares of radii over diffusivities underflow in single precision.
    speed = 1e6 * radius * (1e6 * radius) / (1e12 * material.diffusivity)
    flux = current * radius / (3 * active * thickness)
    lead = flux * 1e6 * radius / (5e6 * FARADAY * material.diffusivity * electrode.maximum_concentration)
    return _Porous(lead, 1 / speed, flux, thickness, porosity, porosity**bruggeman)


def sphere_excess(fourier: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Surface excess over the mean in a sphere under constant flux, over its steady value.

    Parameters
    ----------
    fourier
        Diffusivity times time over the radius squared; not negative.
    """
    modes = jnp.asarray(_MODES**2, fourier.dtype)
    decay = jnp.exp(-jnp.multiply.outer(fourier, modes))
    series = 1 - 10 * decay @ (1 / modes)
    # The shift keeps the slope of the root finite at the start.
    brief = jnp.minimum(fourier, _SHORT) + 1e-9
    root = jnp.sqrt(brief / np.pi)
    expansion = 10 * (root - brief + 2 / 3 * root * brief)
    return jnp.where(fourier < _SHORT, expansion, series)


def estimate(
    cell: Cell,
    materials: Materials,
    parameters: Parameters,
    c_rate: Float[Array, ""] | float,
    share: Float[Array, " points"],
) -> Estimates:
    """Estimate one design's charge at shares of its nominal capacity passed.

    Parameters
    ----------
    parameters
        A complete set of single numbers, as `Cell.parameters` gives it.
    """
    parameters = {name: jnp.asarray(value, share.dtype) for name, value in parameters.items()}
    materials = materials.scaled(parameters)
    nominal = nominal_capacity(cell, parameters)
    current = c_rate * nominal
    time = share * 3600 / c_rate
    x, y = mean_stoichiometries(cell, parameters, share * nominal)
    n = _porous(parameters, "negative", cell.negative, materials.negative, current)
    p = _porous(parameters, "positive", cell.positive, materials.positive, current)
    rise_n, rise_p = sphere_excess(time * n.rate), sphere_excess(time * p.rate)
    lead_n, lead_p = n.lead * rise_n, p.lead * rise_p
    surface_n, surface_p = 1 - (1 - x) * jnp.exp(-lead_n), y * jnp.exp(-lead_p)

    thermal = 2 * GAS_CONSTANT * materials.temperature / FARADAY

    def kinetic(flux: Array, exchange_current: Scalar, surface: Array) -> Float[Array, " points"]:
        filling = jnp.sqrt(jnp.maximum(surface * (1 - surface), 1e-3))
        return thermal * jnp.arcsinh(flux / (4 * exchange_current * filling))

    kinetic_n = kinetic(n.flux, materials.negative.exchange_current, surface_n)
    kinetic_p = kinetic(p.flux, materials.positive.exchange_current, surface_p)

    separator = cell.separator_thickness / cell.separator_porosity**materials.separator_bruggeman
    length_n, length_p = n.thickness / n.permeability, p.thickness / p.permeability
    ohmic = current / materials.conductivity * (length_n / 2 + separator + length_p / 2)

    salt_n, salt_p = (Pores(side.thickness, side.porosity, side.permeability) for side in (n, p))
    steady = steady_salt(cell, materials, current, salt_n, salt_p)
    lost, slowest = steady.lost, steady.slowest

    groups = jnp.stack(
        [
            jnp.log(n.lead),
            jnp.log(p.lead),
            jnp.log(n.rate * 3600 / c_rate),
            jnp.log(p.rate * 3600 / c_rate),
            jnp.log(n.flux),
            jnp.log(current * length_n / materials.conductivity),
            jnp.log(current * length_p / materials.conductivity),
            jnp.log(lost),
            jnp.log(steady.drop),
            jnp.log(slowest * c_rate / 3600),
        ]
    )
    rise_s = 1 - jnp.exp(-time / slowest)
    left = 1 - lost * rise_s
    salt = [rise_s, left / (1 + jnp.abs(left)), jnp.logaddexp(8 * left, 0.0) / 8]
    shapes = [*salt, lead_n, rise_n, rise_p, surface_n, kinetic_n, kinetic_p]
    return Estimates(
        negative_mean=x,
        positive_mean=y,
        negative_lead=lead_n,
        positive_lead=lead_p,
        negative_kinetic=kinetic_n,
        polarisation=kinetic_n + kinetic_p + ohmic,
        groups=groups,
        shapes=jnp.stack(shapes, axis=-1),
    )
