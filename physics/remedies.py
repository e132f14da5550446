"""What could be changed about a design so that it charges further, each change simulated.

Every remedy but a thinner coating keeps both electrodes' capacities, and so the current at a C-rate:
accepted shares of the nominal capacity compare like with like.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from electrograd.physics.cell import Cell
from electrograd.physics.charge import NEGATIVE_POTENTIAL, Charge
from electrograd.physics.errors import InputError, check_name
from electrograd.physics.p2d import P2D
from electrograd.physics.variables import SIDES, coating_mean, porosity

Known = dict[str, float]

HELD = 1e-5
"""So close to its limit [V] a potential is at it: one that is held stands there."""
MORE_PORES = 0.1
"""By how much a remedy raises a porosity."""
LARGEST_POROSITY = 0.6
"""Beyond it the remedy of more pores is none."""
SMALLER = 0.5
"""By what factor a remedy shrinks particles."""
THINNER = 0.75
"""By what factor a remedy thins both coatings."""


def _more_pores(cell: Cell, known: Known, side: str) -> Known:
    """More pores in a coating that is thicker by as much as keeps its active material."""
    title = side.capitalize()
    active, thickness = (
        f"{title} electrode active material volume fraction",
        f"{title} electrode thickness [m]",
    )
    before = known[porosity(side)]
    after = min(before + MORE_PORES, max(before, LARGEST_POROSITY))
    scale = (1 - after) / (1 - before)
    return {
        porosity(side): after,
        coating_mean(side): after,
        active: known[active] * scale,
        thickness: known[thickness] / scale,
    }


def _straight_pores(cell: Cell, known: Known, side: str) -> Known:
    """Pores that run straight through, which channels come near to: a Bruggeman exponent of 1."""
    name = f"{side.capitalize()} electrode Bruggeman coefficient (electrolyte)"
    return {name: min(known[name], 1.0)}


def _smaller_particles(cell: Cell, known: Known, side: str) -> Known:
    name = f"{side.capitalize()} particle radius [m]"
    return {name: SMALLER * known[name]}


def _thinner(cell: Cell, known: Known, side: str) -> Known:
    names = (f"{other.capitalize()} electrode thickness [m]" for other in SIDES)
    return {name: THINNER * known[name] for name in names}


@dataclass(frozen=True)
class Remedy:
    """A change to a design.

    Attributes
    ----------
    words
        The change as a subject of "help".
    side
        Of the electrode that is changed; empty for both.
    change
        Complete parameters (of a cell, for a side) → those that it changes.
    """

    words: str
    side: str
    change: Callable[[Cell, Known, str], Known]


_OF_ONE = {
    "pores": ("more pores in the {} electrode", _more_pores),
    "channels": ("channels or straighter pores in the {} electrode", _straight_pores),
    "particles": ("smaller {} particles", _smaller_particles),
}
THIN = "thinner coatings"
REMEDIES: dict[str, Remedy] = {
    **{
        f"{side} {kind}": Remedy(words.format(side), side, change)
        for side in SIDES
        for kind, (words, change) in _OF_ONE.items()
    },
    THIN: Remedy("thinner coatings (which hold less)", "", _thinner),
}
"""Every remedy that can be simulated, by name."""


def possible(cell: Cell) -> tuple[str, ...]:
    """Names of the remedies that can be tried on a cell of this structure."""
    return tuple(
        name
        for name, remedy in REMEDIES.items()
        if remedy.change is not _more_pores or getattr(cell.structure, remedy.side).plain
    )


def remedied(cell: Cell, parameters: Mapping[str, float], remedy: str) -> Known:
    """A complete set of parameters with a remedy applied.

    Parameters
    ----------
    cell
        The cell with its structure.
    parameters
        A complete set, as `Cell.parameters` gives it.
    remedy
        A name of `REMEDIES`.

    Raises
    ------
    InputError
        For an unknown remedy, or more pores in an electrode that is graded or has channels.
    """
    check_name(remedy, REMEDIES, "a remedy must be a known one")
    chosen = REMEDIES[remedy]
    known = {name: float(value) for name, value in parameters.items()}
    if remedy not in possible(cell):
        raise InputError(
            "more pores can be tried in a uniform electrode only", remedy, f"{chosen.side} channels"
        )
    return {**known, **chosen.change(cell, known, chosen.side)}


def share_taken(charge: Charge, least_potential: float | None = None) -> float:
    """Charge in the cell over the nominal capacity at the end, or where plating is first allowed.

    Parameters
    ----------
    charge
        A simulated charge.
    least_potential
        Potential against lithium at the separator [V] below which charge does not count; None: all does.
    """
    share = (charge.start + charge.charge) / charge.nominal
    if not share.size:
        return float("nan")
    if least_potential is None:
        return float(share[-1])
    low = np.flatnonzero(charge.observables[NEGATIVE_POTENTIAL] <= least_potential + HELD)
    if not low.size or low[0] == 0:
        return float(share[0 if low.size else -1])
    pair = slice(low[0] - 1, low[0] + 1)
    return float(np.interp(-least_potential, -charge.observables[NEGATIVE_POTENTIAL][pair], share[pair]))


def remedy_gains(
    model: P2D,
    parameters: Mapping[str, float],
    remedies: Iterable[str] | None = None,
    measure: Callable[[Charge], float] = share_taken,
) -> dict[str, float]:
    """By how much each remedy raises what a charge is measured by, simulated.

    Parameters
    ----------
    model
        A built simulation of the cell.
    parameters
        A complete set, as `Cell.parameters` gives it.
    remedies
        Names of `REMEDIES`; None: all that the cell's structure allows.
    measure
        Of a charge, larger where it is better; by default the share of the nominal capacity taken.

    Returns
    -------
    dict
        Gains by name, negative where a remedy harms; not finite where a simulation gave nothing.

    Raises
    ------
    InputError
        As `remedied` does.
    """

    def measured(known: Mapping[str, float]) -> float:
        charge = model.charge(known)
        return measure(charge) if charge.end.completed else math.nan

    names = possible(model.cell) if remedies is None else tuple(remedies)
    before = measured(parameters)
    return {name: measured(remedied(model.cell, parameters, name)) - before for name in names}
