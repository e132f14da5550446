"""What a sensitivity analysis draws: distributions of variables, and groups of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import truncnorm

from electrograd.physics.errors import InputError, check_name
from electrograd.sweeps.axis import CONTINUOUS, LOG
from electrograd.sweeps.space import DesignSpace

Predict = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""Maps designs of shape (n, variables), SI units, to arrays of shape (n,) by name of output."""
LEAST_OF_FAST = 65
"""Samples along a curve that the Fourier amplitude test needs for four harmonics."""


@dataclass(frozen=True)
class Inputs:
    """How designs are drawn: each variable independently, evenly over its axis or normally.

    Attributes
    ----------
    space
        The variables. Evenly means in the logarithm where an axis is logarithmic, and every whole
        number or choice alike.
    normal
        Mean and standard deviation [SI units] of variables that are normal, truncated to their bounds.
    groups
        Variables that are looked at as one, by the group's name; a variable of no group stands alone.

    Raises
    ------
    InputError
        For an unknown variable, one in two groups, an empty group or one with a variable's name; for a
        mean outside its bounds, a standard deviation that is not positive, and a variable that takes
        only some values.
    """

    space: DesignSpace
    normal: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, (mean, deviation) in self.normal.items():
            axis = self.space.axis(name)
            if not axis.smooth:
                raise InputError("a normal variable must take every value", f"{name!r} is {axis.kind}")
            if not axis.holds(mean):
                nearest = min(max(mean, axis.lower), axis.upper)
                raise InputError(f"the mean of {name!r} must be {axis}", mean, nearest)
            if not 0 < deviation < math.inf:
                raise InputError(
                    f"the standard deviation of {name!r} must be positive",
                    deviation,
                    f"{(axis.upper - axis.lower) / 6:.3g}",
                )
        self._check_groups()

    def _check_groups(self) -> None:
        grouped: dict[str, str] = {}
        for group, members in self.groups.items():
            if group in self.space.names:
                raise InputError(
                    "a group must not have a variable's name", group, f"group of {group.lower()}"
                )
            if not members:
                raise InputError(f"the group {group!r} must have variables", "none", self.space.names[0])
            for name in members:
                check_name(name, self.space.names, f"the group {group!r} must be of the variables")
                if name in grouped:
                    raise InputError(
                        "a variable must be in one group", f"{name!r} in {grouped[name]!r} and {group!r}"
                    )
                grouped[name] = group

    @classmethod
    def of(cls, over: "DesignSpace | Inputs") -> "Inputs":
        """Take a space as evenly drawn."""
        return cls(over) if isinstance(over, DesignSpace) else over

    @property
    def owners(self) -> list[str]:
        """For every variable its group, or itself."""
        groups = {name: group for group, members in self.groups.items() for name in members}
        return [groups.get(name, name) for name in self.space.names]

    @property
    def names(self) -> tuple[str, ...]:
        """What indices are told of: groups and lone variables, in the order of the space."""
        return tuple(dict.fromkeys(self.owners))

    def problem(self) -> dict[str, Any]:
        """Return the problem as SALib takes it, anew: in even numbers, which `from_unit` maps."""
        names = list(self.space.names)
        box = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
        return {**box, "groups": self.owners} if self.groups else box

    def ungrouped(self, method: str) -> "Inputs":
        """Hand through inputs without groups; raises `InputError` for others."""
        if self.groups:
            raise InputError("groups are for Sobol indices and Morris' effects", method, "sobol")
        return self

    def from_unit(
        self, unit: Float[np.ndarray, "designs variables"]
    ) -> Float[np.ndarray, "designs variables"]:
        """Map even numbers in [0, 1] to designs in SI units."""
        unit = np.clip(unit, 0.0, 1.0)  # FAST's sines round past the ends
        designs = self.space.from_unit(unit)
        for name, (mean, deviation) in self.normal.items():
            axis, k = self.space.axis(name), self.space.names.index(name)
            low, high = (axis.lower - mean) / deviation, (axis.upper - mean) / deviation
            drawn = truncnorm.ppf(unit[:, k], low, high, loc=mean, scale=deviation)
            designs[:, k] = np.clip(drawn, axis.lower, axis.upper)
        return designs

    def slope_weights(
        self, designs: Float[np.ndarray, "designs variables"]
    ) -> Float[np.ndarray, "designs variables"]:
        """What slopes are multiplied by, that their mean squares bound total variances.

        The square root of each variable's Poincaré constant: its range over π where it is even, and no
        more than its standard deviation where it is normal, truncated or not; in the logarithm, whose
        slope is the value times the slope, where the axis is logarithmic (Roustant, Barthe and Iooss,
        Electron. J. Stat. 11 (2017) 3081).

        Raises
        ------
        InputError
            For a variable that takes only some values: there is no slope.
        """
        weights = np.empty_like(designs)
        for k, axis in enumerate(self.space.axes):
            if not axis.smooth:
                raise InputError(
                    f"slopes need variables that take every value, {axis.name!r} too",
                    axis.kind,
                    CONTINUOUS,
                )
            if axis.name in self.normal:
                weights[:, k] = min((axis.upper - axis.lower) / math.pi, self.normal[axis.name][1])
            elif axis.kind == LOG:
                weights[:, k] = designs[:, k] * math.log(axis.upper / axis.lower) / math.pi
            else:
                weights[:, k] = (axis.upper - axis.lower) / math.pi
        return weights
