"""A small sweep as a store gives it, made up, for tests of what people see."""

from typing import Any

import numpy as np
import xarray as xr

from electrograd.physics.charge import NEGATIVE_POTENTIAL, TIME, VOLTAGE, End
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    C_RATE,
    LEAST_ELECTROLYTE,
    N_P_RATIO,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    POSITIVE_THICKNESS,
)
from electrograd.sweeps.record import PLACES
from electrograd.sweeps.store import FORMAT

NAMES = (N_P_RATIO, POSITIVE_THICKNESS, C_RATE, "Channel shape")
MADE = {
    "versions": {"electrograd": "0.1.0", "pybamm": "26.10"},
    "fidelity": "p2d",
    "options": {"thermal": "isothermal", "mesh": [20, 20]},
}


def made_up(ends: list[End], names: tuple[str, ...] = NAMES, seed: int = 0) -> xr.Dataset:
    """One design for each end; those that did not complete have no data."""
    n, rng = len(ends), np.random.default_rng(seed)
    box = {N_P_RATIO: (1.05, 1.3), POSITIVE_THICKNESS: (4e-5, 7.5e-5), C_RATE: (0.5, 4.0)}
    columns = [
        rng.uniform(*box[name], n) if name in box else rng.integers(0, 2, n).astype(float)
        for name in names
    ]
    done = np.array([end.completed for end in ends])
    number = {"dims": "design"}
    arrays: dict[str, Any] = {
        "design_values": (("design", "variable"), np.stack(columns, axis=1)),
        "end": (
            "design",
            np.array(ends, np.int8),
            {"flag_values": [int(end) for end in End], "flag_meanings": "pending …"},
        ),
        "message": (
            "design",
            np.array(['event: "full", over\nthe line' if d else "" for d in done], object),
        ),
        "made_with": ("design", np.where(np.array(ends) == End.PENDING, -1, 0).astype(np.int16)),
    }
    share = rng.uniform(0.3, 0.9, n)
    scalars = {
        NOMINAL_CAPACITY: np.full(n, 50.0),
        ACCEPTED_CAPACITY: 50.0 * share,
        PLATING_MARGIN: 0.2 * (share - 0.6),
        LEAST_ELECTROLYTE: np.full(n, 700.0),
    }
    along = PLACES
    charge = np.outer(50.0 * share, along)
    curves = {
        "Charge passed [A.h.m-2]": charge,
        VOLTAGE: 3.5 + charge / 100,
        NEGATIVE_POTENTIAL: 0.1 - charge / 500,
        TIME: 60 * charge,
    }
    for name, values in scalars.items():
        arrays[name] = (number["dims"], np.where(done, values, np.nan), {"units": "1"})
    for name, values in curves.items():
        arrays[name] = (("design", "point"), np.where(done[:, None], values, np.nan), {"units": "1"})
    return xr.Dataset(
        arrays,
        coords={"variable": np.array(names, object)},
        attrs={
            "format": FORMAT,
            "identity": {"scenario": {"c_rate": 1.0}, "variables": [[N_P_RATIO, [1.05, 1.3]]]},
            "rejected": {"N/P ratio at most 1.2": 3, "cannot be built": 12},
            "made_with": [MADE],
            "choices": {"Channel shape": ["slit", "hole"]} if "Channel shape" in names else {},
        },
    )


def some(**counts: int) -> list[End]:
    """Ends by name and count, mixed by a fixed order: ``some(voltage_cut_off=3, pending=1)``."""
    ends = [End[name.upper()] for name, count in counts.items() for _ in range(count)]
    return [ends[k] for k in np.random.default_rng(1).permutation(len(ends))]
