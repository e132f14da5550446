"""Factors on a set's own properties: what is a function of the state stays one, times a number."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError
from electrograd.physics.variables import FACTORS


def scaled_values(cell: Cell, values: Any, number: Callable[[str], Any]) -> dict[str, Any]:
    """Return the properties that a cell's designs scale, each times its factor.

    Parameters
    ----------
    cell
        The cell with its ``factors``.
    values
        Its PyBaMM parameter set.
    number
        Gives a design's number for a factor's name: an input, or a value.

    Returns
    -------
    dict
        By PyBaMM's name of the property; empty for a cell without factors.
    """
    return {FACTORS[name]: _times(number(name), values[FACTORS[name]]) for name in cell.factors}


def _times(factor: Any, own: Any) -> Any:
    if not callable(own):
        return factor * own

    @wraps(own)  # PyBaMM asks for the names of its arguments to write it to JSON
    def scaled(*state: Any, **named: Any) -> Any:
        return factor * own(*state, **named)

    return scaled


def refuse_factors(cell: Cell, what: str) -> None:
    """Refuse a cell whose designs have factors.

    Raises
    ------
    InputError
        Which says what knows none.
    """
    if cell.factors:
        raise InputError(f"{what} know no factors on properties", list(cell.factors), "the P2D model")
