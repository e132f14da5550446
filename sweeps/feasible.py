"""Which designs can be built and keep the constraints between variables, many designs at once."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np
from jaxtyping import Float

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError, check_name
from electrograd.physics.stack import nominal_capacity
from electrograd.physics.variables import (
    NEGATIVE_THICKNESS,
    NOMINAL_CAPACITY,
    VARIABLES,
    channel_pitch,
    channel_width,
    channel_width_length,
    unit_of,
)
from electrograd.physics.variants import variant
from electrograd.sweeps.space import DesignSpace

LEAST, BLOCK = 512, 4096
"""Designs whose quantities are computed together: few sizes to compile, and bounded memory."""

Quantities = dict[str, Float[np.ndarray, " designs"]]


@dataclass(frozen=True)
class Constraint:
    """A bound that designs of a sweep keep.

    Attributes
    ----------
    quantity
        A design variable, given or following from others (the N/P ratio where both thicknesses vary),
        the nominal areal capacity, or a channel's width [m].
    sense
        "at least" or "at most".
    bound
        A number in the quantity's SI unit, or another quantity's name.
    """

    quantity: str
    sense: Literal["at least", "at most"]
    bound: float | str

    def __str__(self) -> str:
        """Say the constraint; this is how broken ones are counted."""
        bound = self.bound if isinstance(self.bound, str) else f"{self.bound:g}"
        return f"{self.quantity} {self.sense} {bound}"

    def check(self, known: Sequence[str]) -> None:
        """Refuse a constraint that designs cannot be held to.

        Parameters
        ----------
        known
            Names from `quantity_names`.

        Raises
        ------
        InputError
            For unknown quantities, two of different units, and a number that cannot be meant.
        """
        check_name(self.quantity, known, "a constraint must be on a quantity of the designs")
        if not isinstance(self.bound, str):
            if not math.isfinite(self.bound):
                raise InputError("a constraint's bound must be a finite number", self.bound)
            if self.quantity in VARIABLES:
                VARIABLES[self.quantity].check(self.bound)
            return
        others = [name for name in known if name != self.quantity]
        check_name(self.bound, others, "a bound must be a number or another quantity of the designs")
        if unit_of(self.quantity) != unit_of(self.bound):
            raise InputError(
                "a quantity and its bound must be of one unit",
                f"{self.quantity} {self.sense} {self.bound}",
                next((name for name in others if unit_of(name) == unit_of(self.quantity)), None),
            )

    def broken(self, quantities: Quantities) -> np.ndarray:
        """Which designs break it; a NaN does."""
        bound = quantities[self.bound] if isinstance(self.bound, str) else self.bound
        value = quantities[self.quantity]
        return np.asarray(~(value >= bound) if self.sense == "at least" else ~(value <= bound))


def quantity_names(cell: Cell, space: DesignSpace) -> list[str]:
    """Names of the quantities of a space's designs that constraints can be on."""
    lowest = np.array([space.lower])
    ((built, _),) = _variants(cell, space, lowest)
    return list(_quantities(built, _completed(built, space, lowest), 1))


def verdicts(
    cell: Cell,
    space: DesignSpace,
    values: Float[np.ndarray, "designs variables"],
    constraints: Sequence[Constraint] = (),
) -> list[str]:
    """Say of each design why it is left out: the first constraint or rule of building that it breaks.

    Parameters
    ----------
    cell
        With the structure of the space's designs.
    values
        Designs of the space, labels as their positions.
    constraints
        Bounds that are stated.

    Returns
    -------
    list
        A reason for each design, empty where it can be built and keeps every constraint.
    """
    found = np.full(len(values), "", dtype=object)
    for built, rows in _variants(cell, space, values):
        for start in range(0, len(rows), BLOCK):
            part = rows[start : start + BLOCK]
            found[part] = _verdicts(built, space, values[part], constraints)
    return [str(reason) for reason in found]


def _variants(
    cell: Cell, space: DesignSpace, values: Float[np.ndarray, "designs variables"]
) -> Iterator[tuple[Cell, np.ndarray]]:
    """The cell of every combination of labels, with the rows of its designs."""
    labelled = [axis.labelled for axis in space.axes]
    _, first, group = np.unique(values[:, labelled], axis=0, return_index=True, return_inverse=True)
    for k, row in enumerate(first):
        yield variant(cell, space.decode(values[row]))[0], np.flatnonzero(group.ravel() == k)


def _verdicts(
    cell: Cell, space: DesignSpace, values: np.ndarray, constraints: Sequence[Constraint]
) -> np.ndarray:
    completed = _completed(cell, space, values)
    found = np.full(len(values), "", dtype=object)
    if constraints:
        quantities = _quantities(cell, completed, len(values))
        for constraint in reversed(constraints):  # the first one stated has the last word
            found[constraint.broken(quantities)] = str(constraint)
    for row in np.flatnonzero(found == ""):
        try:
            # The values given lie in their plausible ranges, for the space does; this one may follow.
            cell.check_parameters({name: float(column[row]) for name, column in completed.items()})
            VARIABLES[NEGATIVE_THICKNESS].check(float(completed[NEGATIVE_THICKNESS][row]))
        except InputError as error:
            found[row] = error.rule
    return found


def _completed(cell: Cell, space: DesignSpace, values: np.ndarray) -> Quantities:
    """Complete parameter sets of designs, by name."""
    n = len(values)
    size = max(LEAST, 1 << (n - 1).bit_length())
    padded = np.concatenate([values, np.repeat(values[-1:], size - n, axis=0)])
    design = {axis.name: padded[:, k] for k, axis in enumerate(space.axes) if not axis.labelled}
    completed = jax.vmap(cell.parameters, axis_size=size)(design)
    return {name: np.asarray(column)[:n] for name, column in completed.items()}


def _quantities(cell: Cell, completed: Quantities, designs: int) -> Quantities:
    """What constraints can be on."""
    found = cell.design_values(completed)
    found[NOMINAL_CAPACITY] = nominal_capacity(cell, completed)
    for electrode in cell.structure:
        if electrode.channel:
            share, pitch = channel_width(electrode.side), channel_pitch(electrode.side)
            found[channel_width_length(electrode.side)] = completed[share] * completed[pitch]
    return {name: np.broadcast_to(np.asarray(value), (designs,)) for name, value in found.items()}
