"""What a design says in words: the channels' shape, and what becomes of the mass that they take."""

import dataclasses
from collections.abc import Mapping

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError, check_name
from electrograd.physics.structure import MASS_RULES, SHAPES, ElectrodeStructure, Structure
from electrograd.physics.variables import CHANNEL_MASS, CHANNEL_SHAPE

CATEGORIES: dict[str, tuple[str, ...]] = {CHANNEL_SHAPE: SHAPES, CHANNEL_MASS: MASS_RULES}
"""Variables whose values are labels, with the labels."""


def variant(cell: Cell, design: Mapping[str, float | str]) -> tuple[Cell, dict[str, float]]:
    """Build a cell as the labels of a design say.

    Parameters
    ----------
    cell
        With its structure; labels speak of every electrode that has channels.
    design
        Values by name: numbers, and labels of `CATEGORIES`.

    Returns
    -------
    cell, numbers
        The cell of that variant, and the design without its labels. Without labels, the very same cell.

    Raises
    ------
    InputError
        For an unknown label, or labels for a cell without channels.
    """
    labels = {name: str(value) for name, value in design.items() if name in CATEGORIES}
    numbers = {name: float(value) for name, value in design.items() if name not in CATEGORIES}
    if not labels:
        return cell, numbers
    for name, label in labels.items():
        check_name(label, CATEGORIES[name], f"{name!r} must be one of its labels")
        check_channelled(cell, name)

    def built(electrode: ElectrodeStructure) -> ElectrodeStructure:
        if not electrode.channel:
            return electrode
        shape = labels.get(CHANNEL_SHAPE, electrode.channel)
        return dataclasses.replace(
            electrode, channel=shape, mass=labels.get(CHANNEL_MASS, electrode.mass)
        )

    structure = Structure(*map(built, cell.structure))
    return dataclasses.replace(cell, structure=structure), numbers


def check_channelled(cell: Cell, name: str) -> None:
    """Refuse a variable of `CATEGORIES` for a cell without channels."""
    if not cell.structure.channelled:
        raise InputError(
            f"{name!r} describes the channels of a cell, and it has none",
            name,
            "'Negative channel pitch [m]' and 'Negative channel width over pitch' among the variables",
        )
