"""Data that cannot train and designs that cannot be predicted are refused, with a reason."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from electrograd.physics.charge import End
from electrograd.physics.errors import InputError
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    N_P_RATIO,
    NEGATIVE_POROSITY,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    POSITIVE_THICKNESS,
)
from electrograd.surrogates.checks import LEARNED, check_dataset, check_designs
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.space import DesignSpace

SPACE = DesignSpace.from_bounds(
    {N_P_RATIO: (1.05, 1.3), POSITIVE_THICKNESS: (40e-6, 100e-6), NEGATIVE_POROSITY: (0.2, 0.5)}
)
VOLTAGE, SURFACE = LEARNED[0], LEARNED[2]


def good(designs: int = 40) -> Dataset:
    along = np.linspace(0, 1, 5)
    capacity = np.linspace(20, 40, designs)
    curve = np.tile(0.2 + 0.5 * along, (designs, 1))
    return Dataset(
        names=SPACE.names,
        values=SPACE.sobol(designs, seed=1),
        ends=np.full(designs, int(End.VOLTAGE_CUT_OFF)),
        messages=[""] * designs,
        charge=capacity[:, None] * along,
        curves={name: curve.copy() for name in LEARNED},
        figures={
            NOMINAL_CAPACITY: np.full(designs, 50.0),
            ACCEPTED_CAPACITY: capacity,
            PLATING_MARGIN: np.zeros(designs),
        },
    )


def scaled(factor: float, column: int) -> np.ndarray:
    values = good().values
    values[:, column] *= factor
    return values


def broken(array: np.ndarray, value: float = np.nan) -> np.ndarray:
    array = array.copy()
    array[(7, *(0,) * (array.ndim - 1))] = value
    return array


def test_good_data_passes() -> None:
    check_dataset(good(), SPACE, 32)


DATA = good()
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "order": ({"names": DATA.names[::-1]}, "in its order"),
    "NaN design": ({"values": broken(DATA.values)}, "'values' must be finite, but is not in 1"),
    "NaN curve": (
        {"curves": {**DATA.curves, VOLTAGE: broken(DATA.curves[VOLTAGE])}},
        r"'Voltage .V.' must be finite, but is not in 1 completed designs; received: design {'N/P",
    ),
    "NaN figure": (
        {"figures": {**DATA.figures, PLATING_MARGIN: broken(DATA.figures[PLATING_MARGIN])}},
        r"'Plating margin .V.' must be finite",
    ),
    "constant": (
        {"values": np.where([[False, False, True]], 0.3, DATA.values)},
        r"'Negative electrode porosity' must vary .*'fixed' instead; received: 0.3 in all 40",
    ),
    "µm": ({"values": scaled(1e6, 1)}, r"were they given in µm, where m is meant\?"),
    "mm": ({"values": scaled(1e3, 1)}, r"were they given in mm, where m is meant\?"),
    "percent": ({"values": scaled(100, 2)}, r"were they given in %, where a pure number is meant\?"),
    "one outside": (
        {"values": broken(DATA.values, 1.31)},
        r"'N/P ratio' must lie in the trained box \[1.05, 1.3\]; received: 1.31; nearest valid: 1.3",
    ),
    "a row short": ({"charge": DATA.charge[:-1]}, r"'charge' of a dataset must have one row a design"),
    "points short": (
        {"curves": {**DATA.curves, SURFACE: DATA.curves[SURFACE][:, 1:]}},
        r"must have one row a design; received: \(40, 4\); nearest valid: \(40, 5\)",
    ),
    "curve missing": ({"curves": {VOLTAGE: DATA.curves[VOLTAGE]}}, "curves that are learned"),
    "millivolts": (
        {"curves": {**DATA.curves, VOLTAGE: 1e3 * DATA.curves[VOLTAGE]}},
        r"'Voltage .V.' must lie within \[-10, 10\]: a unit\?; received: 700",
    ),
    "coulombs": ({"charge": 3600 * DATA.charge}, "charge .* at the end of a curve .*: a unit"),
    "charge falls": ({"charge": DATA.charge[:, ::-1]}, "must not fall"),
    "no capacity": (
        {"figures": {**DATA.figures, NOMINAL_CAPACITY: np.zeros(40)}},
        "must be positive",
    ),
    "the same again": ({"values": DATA.values[np.arange(40) % 5]}, "at least 32 designs must differ"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_data_is_refused(case: str) -> None:
    changes, message = BAD[case]
    data = good()
    for name, value in changes.items():
        object.__setattr__(data, name, value)  # jaxtyping would refuse some of these earlier, here
    with pytest.raises(InputError, match=message):
        check_dataset(data, SPACE, 32)


def test_too_few_simulations_say_why() -> None:
    with pytest.raises(InputError, match=r"at least 32 completed simulations \(4 members\); rec.*: 3"):
        check_dataset(good(3), SPACE, 32, "4 members")
    data = good()
    data.ends[:30] = End.SOLVER_FAILURE
    data = dataclasses.replace(data, messages=["no convergence"] * 40)
    with pytest.raises(InputError, match="the commonest failure was: no convergence; received: 10"):
        check_dataset(data, SPACE, 32)


def test_designs_outside_are_refused_or_passed_on_to_be_flagged() -> None:
    designs = SPACE.sobol(4, seed=1)
    np.testing.assert_array_equal(check_designs(designs, SPACE), designs)
    designs[2, 2] = 0.55
    with pytest.raises(
        InputError, match=r"trained box \[0.2, 0.5\]; received: 0.55; nearest valid: 0.5"
    ):
        check_designs(designs, SPACE)
    np.testing.assert_array_equal(check_designs(designs, SPACE, "flag"), designs)


@pytest.mark.parametrize("outside", ["error", "flag"])
def test_designs_that_nobody_can_mean_are_always_refused(outside: Any) -> None:
    designs = SPACE.sobol(4, seed=1)
    with pytest.raises(InputError, match=r"were they given in µm, where m is meant\?.*received: [4-9]"):
        check_designs(designs * [[1.0, 1e6, 1.0]], SPACE, outside)
    with pytest.raises(InputError, match=r"shape \(designs, variables\)"):
        check_designs(designs[:, :2], SPACE, outside)
    with pytest.raises(InputError, match="'Negative electrode porosity' too; received: nan"):
        check_designs(np.where([[False, False, True]], np.nan, designs), SPACE, outside)
