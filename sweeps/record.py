"""What a sweep keeps of each simulation, as blocks of arrays ready to be written."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from electrograd.physics.charge import CHARGED_SHARE, OBSERVABLES, Charge
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    CHARGE_TIME,
    HOTTEST,
    LEAST_ELECTROLYTE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
)

PLACES = np.sort(np.append(np.arange(33) / 32, np.array([1, 2, 4, 8, 24]) / 512))
"""Parts of the accepted charge at which curves are kept: even ones, and more at the start, where the
potentials of empty electrodes are steep."""
POINTS = len(PLACES)
EVEN = PLACES * 32 % 1 == 0
"""Which of them are the even ones."""

CHARGE = "Charge passed [A.h.m-2]"
END, MESSAGE, MADE_WITH = "end", "message", "made_with"
SCALARS: dict[str, str] = {
    NOMINAL_CAPACITY: "usable capacity of the smaller electrode",
    ACCEPTED_CAPACITY: "charge passed up to the end of the charge",
    PLATING_MARGIN: "least negative electrode potential at the separator over the charge",
    LEAST_ELECTROLYTE: "least electrolyte concentration over the charge",
}
"""Figures of merit that are taken from the solver's own steps, not from the kept curves."""

DELIVERED = "Energy of the reference discharge [W.h.m-2]"
EXTRAS: dict[str, str] = {
    CHARGE_TIME: "time to 80 % of the nominal capacity; infinite where it is not reached",
    HOTTEST: "highest mean temperature over the charge",
    DELIVERED: "energy of the reference discharge over the window at 25 °C; 0 where it failed",
}
"""What a sweep keeps beside `SCALARS` where it is asked to."""

Block = dict[str, np.ndarray]
"""Arrays by the names of the store, one row a design."""


def pack(charges: Sequence[Charge], observables: tuple[str, ...], extras: tuple[str, ...] = ()) -> Block:
    """Arrange the records of some charges as the store keeps them.

    Parameters
    ----------
    observables
        Names of the curves, of `OBSERVABLES`.
    extras
        Names of `EXTRAS` to keep; TIME is among the observables then, and TEMPERATURE.

    Returns
    -------
    dict
        ``end``, ``message``, the charge passed and each curve (designs, points), `SCALARS` and the
        extras; NaN where there is nothing.
    """
    grids, curves = zip(*(charge.on_grid(PLACES, observables) for charge in charges), strict=True)
    scalars: dict[str, Any] = {
        NOMINAL_CAPACITY: [charge.nominal for charge in charges],
        ACCEPTED_CAPACITY: [charge.accepted for charge in charges],
        PLATING_MARGIN: [charge.plating_margin for charge in charges],
        LEAST_ELECTROLYTE: [charge.least_electrolyte for charge in charges],
        **{name: [_EXTRA[name](charge) for charge in charges] for name in extras},
    }
    return {
        CHARGE: np.stack(grids),
        **{name: np.stack([curve[k] for curve in curves]) for k, name in enumerate(observables)},
        **{name: np.array(values, float) for name, values in scalars.items()},
        MESSAGE: np.array([charge.message for charge in charges], dtype=object),
        END: np.array([int(charge.end) for charge in charges], np.int8),
    }


_EXTRA: dict[str, Callable[[Charge], float]] = {
    CHARGE_TIME: lambda charge: charge.time_to(CHARGED_SHARE),
    HOTTEST: lambda charge: charge.hottest,
    # A store takes NaN beside a whole charge for damage.
    DELIVERED: lambda charge: charge.delivered if math.isfinite(charge.delivered) else 0.0,
}


def stacked(blocks: Sequence[Block]) -> Block:
    """Put blocks below each other."""
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def curves_of(observables: tuple[str, ...]) -> dict[str, str]:
    """Names and meanings of a store's curves: the charge passed and the observables."""
    return {
        CHARGE: "charge passed since the start",
        **{name: OBSERVABLES.get(name, name) for name in observables},
    }


def scalars_of(identity: Mapping[str, Any]) -> dict[str, str]:
    """Names and meanings of the scalars that a store of this identity keeps."""
    return {**SCALARS, **{name: EXTRAS[name] for name in identity.get("extras", ())}}
