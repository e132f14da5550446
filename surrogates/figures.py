"""Figures of merit from learned curves, differentiable through the end of charge.

The end is where a learned curve crosses its limit. It is bracketed between points of a grid, and
closed with Newton steps whose last carries the gradient: for g(s, θ) = 0 the implicit function theorem
gives ds/dθ = -(∂g/∂θ)/(∂g/∂s), the derivative of one Newton step with its slope held fixed. What a
curve is least at, and where it first falls below zero, is found on the same grid.
"""

from collections.abc import Callable
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from electrograd.physics.charge import CHARGED_SHARE
from electrograd.physics.scenario import Scenario
from electrograd.physics.stack import (
    nominal_capacity,
    stack_mass,
    stack_thickness,
    theoretical_energy,
)
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    CHARGE_TIME,
    CHARGING_ENERGY,
    HOTTEST,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    PLATING_ONSET,
    THEORETICAL_ENERGY_DENSITY,
    THEORETICAL_SPECIFIC_ENERGY,
)
from electrograd.surrogates.curve_physics import CurvePhysics

Curves = Callable[[Float[Array, " points"]], Float[Array, "points outputs"]]
"""Curves of one design at shares of its nominal capacity, in the order of `curve_physics.CURVES`."""

CurveTuple = tuple[
    Float[Array, "*points"], Float[Array, "*points"], Float[Array, "*points"], Float[Array, "*points"]
]
"""The same curves, each by itself."""

GRID = 49

_STEPS = 2  # of Newton, or of bisection where that leaves the bracket; a third carries the gradient


def excess(voltage: Float[Array, "*points"], scenario: Scenario) -> Float[Array, "*points"]:
    """Voltage over the upper cut-off [V]: negative before the end of the charge."""
    return voltage - cast(float, scenario.upper_voltage)  # a scenario of a cell has one


def crossing(
    function: Callable[[Float[Array, ""]], Float[Array, ""]],
    grid: Float[Array, " points"],
    values: Float[Array, " points"],
    default: Float[Array, ""],
) -> Float[Array, ""]:
    """Where a function first rises above zero; the default where it never does on the grid.

    Parameters
    ----------
    function
        Of one number; ``values`` are its values on the grid, which rises.

    Returns
    -------
    array
        With the gradient of the implicit function theorem; the grid's start where it is above there.
    """
    above = values > 0
    first = jnp.clip(jnp.argmax(above), 1)
    low, high = grid[first - 1], grid[first]
    low, high, below, beyond = map(jax.lax.stop_gradient, (low, high, values[first - 1], values[first]))

    def newton(place: Array) -> tuple[Array, Array]:
        value, slope = jax.jvp(function, (place,), (jnp.ones_like(place),))
        slope = jax.lax.stop_gradient(slope)
        return value, place - value / jnp.where(slope > 0, slope, 1.0)

    place = low - below * (high - low) / jnp.where(beyond > below, beyond - below, 1.0)
    place = jnp.clip(place, low, high)
    for _ in range(_STEPS):
        value, ahead = map(jax.lax.stop_gradient, newton(place))
        low, high = jnp.where(value < 0, place, low), jnp.where(value < 0, high, place)
        place = jnp.where((ahead >= low) & (ahead <= high), ahead, (low + high) / 2)
    _, place = newton(jax.lax.stop_gradient(place))
    place += jax.lax.stop_gradient(jnp.clip(place, low, high) - place)  # the slope stays
    return jnp.where(above[0], grid[0], jnp.where(jnp.any(above), place, default))


def along(points: int) -> Float[np.ndarray, " points"]:
    """Parts of a charge from 0 to 1, closer at the start: smooth there is what rises like √time."""
    even = np.linspace(0, 1, points)
    return 2 * even**2 / (1 + even)


def end_of_charge(curves: Curves, scenario: Scenario, grid: Float[Array, " points"]) -> Float[Array, ""]:
    """Share of the nominal capacity at which the upper voltage is crossed.

    Where it is not crossed on the grid, the charge ends with the grid; above it from the start, at zero.
    """

    def over(share: Float[Array, " points"]) -> Float[Array, " points"]:
        return excess(curves(share)[..., 0], scenario)

    return crossing(lambda share: over(share[None])[0], grid, over(grid), grid[-1])


def figures_of_merit(
    physics: CurvePhysics,
    design: Float[Array, " variables"],
    curves: Curves,
    scenario: Scenario,
) -> dict[str, Float[Array, ""]]:
    """Every figure of `physics.variables.PREDICTED` for one design and its curves."""
    grid = scenario.charge_limit * jnp.linspace(0, 1, GRID, dtype=design.dtype)
    end = end_of_charge(curves, scenario, grid)
    share = end * jnp.asarray(along(GRID), design.dtype)
    voltage, potential, _, _ = apart(curves(share))
    return figures_of_curves(
        physics, design, lambda at: apart(curves(at)), share, voltage, potential, scenario
    )


def apart(curves: Float[Array, "points outputs"]) -> CurveTuple:
    """Curves each by itself."""
    voltage, potential, negative, positive = curves.T
    return voltage, potential, negative, positive


def figures_of_curves(
    physics: CurvePhysics,
    design: Float[Array, " variables"],
    curves: Callable[[Float[Array, " points"]], CurveTuple],
    share: Float[Array, " points"],
    voltage: Float[Array, " points"],
    potential: Float[Array, " points"],
    scenario: Scenario,
) -> dict[str, Float[Array, ""]]:
    """Figures of one design whose curves are known on points that rise to the end of its charge.

    Parameters
    ----------
    curves
        At any shares.
    share, voltage, potential
        The points, the last of which is the end, and what the curves are there [V].
    """
    cell, parameters = physics.cell, physics.parameters(design)
    nominal = nominal_capacity(cell, parameters)
    energy = theoretical_energy(cell, physics.negative, physics.positive, parameters)
    end, infinite = share[-1], jnp.asarray(jnp.inf, design.dtype)

    def plated(place: Float[Array, ""]) -> Float[Array, ""]:
        return -curves(place[None])[1][0]

    time = jnp.where(end >= CHARGED_SHARE, CHARGED_SHARE * 3600 / physics.rate(parameters), infinite)
    return {
        NOMINAL_CAPACITY: nominal,
        ACCEPTED_CAPACITY: end * nominal,
        ACCEPTED_SHARE: end,
        PLATING_MARGIN: jnp.min(potential),
        CHARGING_ENERGY: nominal * jnp.trapezoid(voltage, share),
        THEORETICAL_SPECIFIC_ENERGY: energy / stack_mass(cell, parameters),
        THEORETICAL_ENERGY_DENSITY: energy / stack_thickness(cell, parameters) / 1000,
        CHARGE_TIME: time,
        PLATING_ONSET: crossing(plated, share, -potential, infinite),
        HOTTEST: jnp.asarray(scenario.temperature, design.dtype),
    }
