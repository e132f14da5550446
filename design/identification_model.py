"""The forward model of an identification: voltages of measured charges, by a surrogate of curves.

Candidates are points of the unit cube: each variable's range from 0 to 1, even as its axis is (a
factor's, in the logarithm). The measured current and charge are per area; what C-rate and share of its
capacity they are is each candidate's own affair, in closed form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from electrograd.design.measured import MeasuredCurve
from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError
from electrograd.physics.stack import nominal_capacity
from electrograd.physics.variables import C_RATE
from electrograd.surrogates.surrogate import Surrogate
from electrograd.sweeps.axis import LOG, Axis
from electrograd.sweeps.space import DesignSpace

POINTS = 48
"""Readings of a curve that are compared: more would count the same drift twice."""
_CORNERS = 256
_BEYOND, _STEEP = 1.05, 5.0  # of the share that a student's nodes reach; V per share

Points = Float[Array, "*some variables"] | Float[np.ndarray, "*some variables"]
"""Points of the unit cube."""


@dataclass(frozen=True)
class Readings:
    """What is compared: readings of all curves, in one row.

    Attributes
    ----------
    currents
        Of each curve [A.m-2], rising.
    charge
        Charge passed at its readings [A.h.m-2]; shorter curves go on at their last.
    rows
        Which of the flattened ``charge`` are readings.
    voltage
        Measured there [V].
    noise
        Standard deviation of each [V].
    """

    currents: Float[np.ndarray, " curves"]
    charge: Float[np.ndarray, "curves points"]
    rows: Int[np.ndarray, " readings"]
    voltage: Float[np.ndarray, " readings"]
    noise: Float[np.ndarray, " readings"]

    @classmethod
    def of(
        cls,
        curves: Sequence[MeasuredCurve],
        area: float,
        noise: float | None,
        points: int = POINTS,
    ) -> "Readings":
        """Thin curves of electrodes of an area [m2]; ``noise`` [V] of each, or its own."""
        thin = [curve.thinned(points) for curve in curves]
        longest = max(len(curve.charge) for curve in thin)
        charge = np.stack(
            [np.pad(c.charge, (0, longest - len(c.charge)), mode="edge") / area for c in thin]
        )
        counts = [len(c.charge) for c in thin]
        rows = np.concatenate([k * longest + np.arange(count) for k, count in enumerate(counts)])
        own = [curve.noise if noise is None else noise for curve in curves]
        return cls(
            currents=np.array([curve.current / area for curve in curves]),
            charge=charge,
            rows=rows,
            voltage=np.concatenate([c.voltage for c in thin]),
            noise=np.repeat(own, counts),
        )

    @property
    def curve(self) -> Int[np.ndarray, " readings"]:
        """Which curve each reading is of."""
        return self.rows // self.charge.shape[1]


@dataclass(frozen=True)
class ForwardModel:
    """A surrogate as a function of what is estimated.

    Attributes
    ----------
    surrogate
        Of curves; the C-rate is among its variables.
    """

    surrogate: Surrogate

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What is estimated; raises as `estimated` does."""
        return estimated(self.surrogate.space)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what is estimated."""
        return tuple(axis.name for axis in self.axes)

    def values(self, unit: Points) -> dict[str, Float[Array, "*some"]]:
        """Values in SI units of points of the unit cube, by name."""
        return values_of(self.axes, unit)

    def named(self, unit: Float[np.ndarray, " variables"]) -> dict[str, float]:
        """One point's values in SI units, as plain numbers."""
        return {name: float(value) for name, value in self.values(unit).items()}

    def unit(self, values: Mapping[str, float]) -> Float[np.ndarray, " variables"]:
        """Undo `values` for one point."""
        return np.array([to_unit(axis, values[axis.name]) for axis in self.axes])

    def nominal(self, unit: Points) -> Float[Array, "*some"]:
        """Nominal capacity of candidates [A.h.m-2]."""
        cell = self.surrogate.physics.cell
        return jnp.asarray(nominal_capacity(cell, cell.parameters(self.values(unit))))

    def design(
        self, unit: Float[Array, " variables"], current: Float[Array, ""]
    ) -> Float[Array, " all"]:
        """One candidate at a current density [A.m-2], as the surrogate takes it."""
        known = self.values(unit)
        known[C_RATE] = current / self.nominal(unit)
        return jnp.stack([known[name] for name in self.surrogate.space.names]).astype(jnp.float32)

    def __call__(
        self,
        unit: Float[Array, " variables"],
        currents: Float[Array, " curves"],
        charge: Float[Array, "curves points"],
    ) -> Float[Array, "curves points"]:
        """Voltages [V] of one candidate at charges passed [A.h.m-2] under currents [A.m-2]."""
        share = (charge / self.nominal(unit)).astype(jnp.float32)
        student = self.surrogate.student

        def one(current: Array, share: Array) -> Float[Array, " points"]:
            design = self.design(unit, current)
            if student is None:
                return self.surrogate.ensemble.curves(design, share)[:, 0]
            # Far beyond a candidate's end a student's cubics go anywhere: a line leads back from there.
            known = jnp.minimum(share, _BEYOND * student.nodes(design)[0])
            return student.curves(design, known)[:, 0] + _STEEP * (share - known)

        return jax.vmap(one)(currents, share).astype(unit.dtype)


def estimated(space: DesignSpace) -> tuple[Axis, ...]:
    """Axes of what is estimated: all but the C-rate's.

    Raises
    ------
    InputError
        For a space without the C-rate, or with nothing else.
    """
    axes = tuple(axis for axis in space.axes if axis.name != C_RATE)
    if not axes or len(axes) == len(space):
        raise InputError(
            f"a study that identifies varies what is estimated, and {C_RATE!r} over the curves' rates",
            list(space.names),
            f"{C_RATE}: [0.2, 2.0] among the variables",
        )
    return axes


def values_of(axes: Sequence[Axis], unit: Points) -> dict[str, Float[Array, "*some"]]:
    """Values in SI units of points of the unit cube, by name."""
    unit = jnp.asarray(unit)
    return {axis.name: from_unit(axis, unit[..., k]) for k, axis in enumerate(axes)}


def capacities(cell: Cell, space: DesignSpace) -> tuple[float, float]:
    """Smallest and largest nominal capacity of candidates [A.h.m-2], as far as corners tell."""
    axes = estimated(space)
    corners = np.random.default_rng(0).integers(0, 2, (_CORNERS, len(axes))).astype(float)
    found = nominal_capacity(cell, cell.parameters(values_of(axes, jnp.asarray(corners))))
    return float(np.min(found)), float(np.max(found))


def check_rates(currents: Sequence[float], capacities: tuple[float, float], space: DesignSpace) -> None:
    """Refuse currents [A.m-2] outside the space's C-rates for some candidate.

    Raises
    ------
    InputError
        With the range that is needed.
    """
    axis = space.axis(C_RATE)
    low, high = min(currents) / capacities[1], max(currents) / capacities[0]
    if low < axis.lower or high > axis.upper:
        raise InputError(
            f"the range of {C_RATE!r} must cover the curves' currents for every candidate",
            f"[{axis.lower:g}, {axis.upper:g}] for curves from {low:.3g}C to {high:.3g}C",
            f"{C_RATE}: [{0.95 * low:.2g}, {1.05 * high:.2g}]",
        )


def from_unit(axis: Axis, unit: Float[Array, "*some"]) -> Float[Array, "*some"]:
    """Value of an axis at a place from 0 to 1, in JAX."""
    if axis.kind == LOG:
        return jnp.exp(jnp.log(axis.lower) + unit * (jnp.log(axis.upper) - jnp.log(axis.lower)))
    return axis.lower + unit * (axis.upper - axis.lower)


def to_unit(axis: Axis, value: float) -> float:
    """Undo `from_unit`."""
    if axis.kind == LOG:
        return float(np.log(value / axis.lower) / np.log(axis.upper / axis.lower))
    return (value - axis.lower) / (axis.upper - axis.lower)
