"""Figures of merit from learned curves, differentiable through the end of charge.

The end is where a learned curve crosses its limit. It is bracketed on a grid, refined, and closed with
Newton steps whose last one carries the gradient: for g(s, θ) = 0 the implicit function theorem gives
ds/dθ = -(∂g/∂θ)/(∂g/∂s), which is the derivative of one Newton step with its slope held fixed.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import (
    nominal_capacity,
    stack_mass,
    stack_thickness,
    theoretical_energy,
)
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    THEORETICAL_ENERGY_DENSITY,
    THEORETICAL_SPECIFIC_ENERGY,
)
from electrograd.surrogates.network import CurvePhysics

Curves = Callable[[Float[Array, " points"]], Float[Array, "points outputs"]]
"""Curves of one design at shares of its nominal capacity, in the order of `network.CURVES`."""

_GRID, _REFINED = 49, 17


def end_of_charge(
    curves: Curves, scenario: Scenario, settings: SolverSettings, dtype: DTypeLike
) -> Float[Array, ""]:
    """Share of the nominal capacity at which the first limit is crossed.

    The limits are the upper voltage, the full negative and the empty positive surface; where none is
    crossed the charge ends at the scenario's charge limit, and where one is crossed from the start, at
    zero.
    """

    def excess(share: Float[Array, " points"]) -> Float[Array, " points"]:
        voltage, _, negative, positive = curves(share).T
        over = (
            voltage - scenario.upper_voltage,
            negative - settings.surface_full,
            settings.surface_empty - positive,
        )
        return jnp.max(jnp.stack(over), axis=0)

    def bracket(
        low: Float[Array, ""], high: Float[Array, ""], points: int
    ) -> tuple[Array, Array, Array]:
        shares = jnp.linspace(low, high, points)
        above = excess(shares) > 0
        first = jnp.clip(jnp.argmax(above), 1)
        return shares[first - 1], shares[first], jnp.any(above)

    def newton(share: Float[Array, ""]) -> Float[Array, ""]:
        value, slope = jax.jvp(excess, (share[None],), (jnp.ones_like(share[None]),))
        slope = jax.lax.stop_gradient(slope[0])
        return share - value[0] / jnp.where(slope > 0, slope, 1.0)

    limit = jnp.asarray(scenario.charge_limit, dtype)
    low, high, crossed = bracket(jnp.zeros_like(limit), limit, _GRID)
    low, high, _ = bracket(low, high, _REFINED)
    start = jnp.clip(newton(jax.lax.stop_gradient((low + high) / 2)), low, high)
    end = newton(jax.lax.stop_gradient(start))
    return jnp.where(crossed, jnp.maximum(end, 0.0), limit)


def figures_of_merit(
    physics: CurvePhysics,
    design: Float[Array, " variables"],
    curves: Curves,
    scenario: Scenario,
    settings: SolverSettings,
) -> dict[str, Float[Array, ""]]:
    """Every figure of `physics.variables.FIGURES_OF_MERIT` for one design and its curves."""
    cell, parameters = physics.cell, physics.parameters(design)
    nominal = nominal_capacity(cell, parameters)
    energy = theoretical_energy(cell, physics.negative, physics.positive, parameters)
    end = end_of_charge(curves, scenario, settings, design.dtype)
    potential = curves(end * jnp.linspace(0, 1, _GRID, dtype=end.dtype))[:, 1]
    return {
        NOMINAL_CAPACITY: nominal,
        ACCEPTED_CAPACITY: end * nominal,
        ACCEPTED_SHARE: end,
        PLATING_MARGIN: jnp.min(potential),
        THEORETICAL_SPECIFIC_ENERGY: energy / stack_mass(cell, parameters),
        THEORETICAL_ENERGY_DENSITY: energy / stack_thickness(cell, parameters) / 1000,
    }
