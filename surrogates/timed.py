"""What a surrogate says over time, as simulators do: observables at given times, or up to the end.

A charge of constant current passes the share s = C t / 3600 of the nominal capacity in t seconds, C
being the C-rate, so that curves over the charge passed are curves over time.
"""

from collections.abc import Callable, Mapping, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from electrograd.physics.charge import (
    NEGATIVE_POTENTIAL,
    NEGATIVE_SURFACE,
    POSITIVE_SURFACE,
    TIME,
    VOLTAGE,
)
from electrograd.physics.errors import InputError
from electrograd.physics.variables import ACCEPTED_SHARE, C_RATE, FIGURES_OF_MERIT
from electrograd.surrogates.surrogate import Surrogate

CURVE_NAMES = (VOLTAGE, NEGATIVE_POTENTIAL, NEGATIVE_SURFACE, POSITIVE_SURFACE)
"""The observables of a surrogate, in the order of the columns of `Surrogate.curves`."""

OUTPUTS = (*CURVE_NAMES, TIME, *FIGURES_OF_MERIT)
"""What can be asked for by name."""

Outputs = Callable[[Float[Array, " variables"]], dict[str, Float[Array, " points"]]]


def rate(surrogate: Surrogate, design: Float[Array, "... variables"]) -> Float[Array, "..."]:
    """C-rate of designs: a variable of the box, or the scenario's."""
    names = surrogate.space.names
    if C_RATE in names:
        return design[..., names.index(C_RATE)]
    return jnp.full(design.shape[:-1], surrogate.physics.c_rate, design.dtype)


def outputs_at(surrogate: Surrogate, times: Sequence[float] | np.ndarray) -> Outputs:
    """Observables of a design at given times [s]; figures of merit are arrays of one.

    The curves go on after the end of the charge, as those of a simulator without a cut-off do.

    Raises
    ------
    InputError
        If times are not finite, increasing and positive or zero.
    """
    t = np.asarray(times, float)
    if t.ndim != 1 or not len(t) or not np.isfinite(t).all() or t[0] < 0 or (np.diff(t) <= 0).any():
        raise InputError("times must be finite, increasing, from zero on", t)

    def outputs(design: Float[Array, " variables"]) -> dict[str, Float[Array, " points"]]:
        seconds = jnp.asarray(t, design.dtype)
        share = seconds * rate(surrogate, design) / 3600
        return _named(surrogate, surrogate.figures(design), design, share, seconds)

    return outputs


def outputs_to_end(surrogate: Surrogate, points: int) -> Outputs:
    """Observables of a design on even points of charge up to its predicted end, and their times."""
    if points < 2:
        raise InputError("a curve needs at least two points", points, 2)

    def outputs(design: Float[Array, " variables"]) -> dict[str, Float[Array, " points"]]:
        figures = surrogate.figures(design)
        share = figures[ACCEPTED_SHARE] * jnp.linspace(0, 1, points, dtype=design.dtype)
        return _named(surrogate, figures, design, share, 3600 * share / rate(surrogate, design))

    return outputs


def _named(
    surrogate: Surrogate,
    figures: Mapping[str, Float[Array, ""]],
    design: Float[Array, " variables"],
    share: Float[Array, " points"],
    seconds: Float[Array, " points"],
) -> dict[str, Float[Array, " points"]]:
    curves = surrogate.curves(design, share)
    return {
        **{name: curves[:, k] for k, name in enumerate(CURVE_NAMES)},
        TIME: seconds,
        **{name: value[None] for name, value in figures.items()},
    }
