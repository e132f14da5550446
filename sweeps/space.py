"""A space of designs: its variables, and the map from even numbers to values."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import qmc

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError, check_name
from electrograd.physics.variants import variant
from electrograd.sweeps.axis import Axis, Said


@dataclass(frozen=True)
class DesignSpace:
    """Design variables and the values that they take, in a fixed order.

    Attributes
    ----------
    axes
        One per variable. Where all are continuous, the space is a box.

    Raises
    ------
    InputError
        For a space without variables, or with one twice.
    """

    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        if not self.axes or len(set(self.names)) < len(self.axes):
            raise InputError("a design space must have variables, each once", list(self.names))

    @classmethod
    def from_bounds(cls, bounds: Mapping[str, Said]) -> "DesignSpace":
        """Make a space from ``{name: (lower, upper)}``, or ``{name: {kind: values}}``.

        Kinds are "log" and "integer", with bounds, and "choices", with numbers or labels.
        """
        return cls(tuple(Axis.of(name, said) for name, said in bounds.items()))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the design variables."""
        return tuple(axis.name for axis in self.axes)

    @property
    def lower(self) -> tuple[float, ...]:
        """Lower bounds in SI units; of labels the first position."""
        return tuple(axis.lower for axis in self.axes)

    @property
    def upper(self) -> tuple[float, ...]:
        """Upper bounds in SI units; of labels the last position."""
        return tuple(axis.upper for axis in self.axes)

    @property
    def continuous(self) -> bool:
        """Whether every variable takes all values between its bounds, as surrogates need it."""
        return all(axis.smooth for axis in self.axes)

    @property
    def labels(self) -> dict[str, list[str]]:
        """Choices of the variables whose values are labels, by name; a value is a position there."""
        return {axis.name: [str(c) for c in axis.choices] for axis in self.axes if axis.labelled}

    def __len__(self) -> int:
        return len(self.axes)

    def axis(self, name: str) -> Axis:
        """The axis of a variable; raises `InputError` for one that is not of the space."""
        check_name(name, self.names, "a variable must be of the design space")
        return self.axes[self.names.index(name)]

    def from_unit(
        self, unit: Float[np.ndarray, "designs variables"]
    ) -> Float[np.ndarray, "designs variables"]:
        """Map even numbers in [0, 1] to values in SI units; labels come as their positions."""
        return np.stack([axis.from_unit(unit[:, k]) for k, axis in enumerate(self.axes)], axis=1)

    def decode(self, row: Float[np.ndarray, " variables"]) -> dict[str, float | str]:
        """Return a design by name, its labels in words."""
        return {axis.name: axis.decode(float(x)) for axis, x in zip(self.axes, row, strict=True)}

    def sobol(self, designs: int, seed: int) -> Float[np.ndarray, "designs variables"]:
        """Scrambled Sobol designs; more of the same seed begin with the same designs.

        Balanced when ``designs`` is a power of two.
        """
        sampler = qmc.Sobol(len(self), scramble=True, rng=np.random.default_rng(seed))
        # Drawn as a whole power of two, so that other counts raise no warning, then cut.
        unit = sampler.random_base2(max(0, (designs - 1).bit_length()))[:designs]
        return self.from_unit(unit)

    def contains(self, design: Mapping[str, float], tolerance: float = 1e-9) -> bool:
        """Whether the design lies within the space, give or take a relative tolerance of the width."""
        return all(axis.holds(design[axis.name], tolerance) for axis in self.axes)

    def to_dict(self) -> dict[str, Any]:
        """Return ``{name: [lower, upper]}`` for JSON, or as `from_bounds` takes other kinds."""
        return {axis.name: axis.said() for axis in self.axes}


MOST_CORNERS = 8
"""Up to so many variables, every corner of a box is looked at."""


def check_box(cell: Cell, space: DesignSpace, drawn: int = 256) -> None:
    """Refuse a box that holds designs which nobody can build, as far as drawing designs can tell.

    Raises
    ------
    InputError
        With the first such design: fractions that cannot close, a negative electrode of implausible
        thickness, a channel wider than its pitch.
    """
    ends = list(zip(space.lower, space.upper, strict=True))
    corners = product(*ends) if len(ends) <= MOST_CORNERS else zip(*ends, strict=True)
    for row in (*map(np.array, corners), *space.sobol(drawn, seed=0)):
        design = space.decode(row)
        built, numbers = variant(cell, design)
        try:
            built.check(numbers)
        except InputError as error:
            raise InputError(
                f"every design of the box must be one that can be built: {error.rule}",
                f"{error.value}, at {told_design(design)}",
                error.nearest,
            ) from error


def told_design(design: Mapping[str, float | str]) -> str:
    """Say a design in a line."""
    return ", ".join(
        f"{name} = {value if isinstance(value, str) else format(value, '.4g')}"
        for name, value in design.items()
    )
