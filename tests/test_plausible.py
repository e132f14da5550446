"""Impossible simulations are failures with a reason; what is only extreme is none."""

import dataclasses

import numpy as np
import pytest

from electrograd.physics.cell import Cell
from electrograd.physics.cell_data import load_parameter_values
from electrograd.physics.charge import NEGATIVE_POTENTIAL, VOLTAGE, Charge, End
from electrograd.physics.p2d import P2D
from electrograd.physics.plausible import Materials
from electrograd.physics.scenario import Scenario, SolverSettings

EMPTY = {"negative": 0.03, "positive": 0.9}
FULL = {"negative": 0.9, "positive": 0.27}
LIMITS = (2.5, 4.2)


@pytest.fixture(scope="module")
def model(cell: Cell) -> P2D:
    return P2D(cell, Scenario(1.0), SolverSettings())


@pytest.fixture(scope="module")
def materials(model: P2D) -> Materials:
    return model.materials


def record(voltage: list[float], potential: float = 0.1, end: End = End.VOLTAGE_CUT_OFF) -> Charge:
    values = np.array(voltage)
    curves = {VOLTAGE: values, NEGATIVE_POTENTIAL: np.full(len(values), potential)}
    return Charge(end, "", 50.0, np.linspace(0, 30.0, len(values)), curves)


@pytest.mark.parametrize(
    ("charge", "words"),
    [
        (record([-36.0, 3.0, 4.2]), "falls to -36 V"),
        (record([3.0, 2.0, 4.2]), "falls to 2 V"),
        (record([3.0, np.nan, 4.2]), "not finite"),
        (record([3.0, 4.0, 4.2], potential=-12.0), "-12 V against lithium"),
        (record([3.0, 4.0, 4.2], potential=9.0), "9 V against lithium"),
        (record([9.0]), "9 V"),
        (dataclasses.replace(record([4.5]), charge=np.zeros(1)), "nothing passes at this current"),
    ],
)
def test_an_impossible_charge_is_a_failure(materials: Materials, charge: Charge, words: str) -> None:
    judged = materials.judged(charge, EMPTY, True, LIMITS)
    assert judged.end is End.IMPOSSIBLE
    assert words in judged.message
    assert not judged.end.completed


@pytest.mark.parametrize(
    ("charge", "start", "charging"),
    [
        (record([2.8, 3.9, 4.2], potential=-0.3), EMPTY, True),
        (record([4.1, 3.5, 2.5], potential=0.9), FULL, False),
        (dataclasses.replace(record([4.3]), charge=np.zeros(1)), FULL, True),
        (record([-36.0], end=End.SOLVER_FAILURE), EMPTY, True),
    ],
)
def test_what_is_possible_stays(
    materials: Materials, charge: Charge, start: dict, charging: bool
) -> None:
    assert materials.judged(charge, start, charging, LIMITS) is charge


def test_a_discharge_does_not_start_above_its_open_circuit(materials: Materials) -> None:
    judged = materials.judged(record([5.0, 3.0, 2.5]), FULL, False, LIMITS)
    assert judged.end is End.IMPOSSIBLE
    assert "while discharging" in judged.message


def test_a_rate_that_no_electrode_takes_is_a_failure(cell: Cell, model: P2D) -> None:
    charge = model.charge(cell.parameters({}), c_rate=90.0)
    assert charge.end is End.IMPOSSIBLE
    assert "at the first instant" in charge.message
    assert model.charge(cell.parameters({}), c_rate=10.0).end is End.VOLTAGE_CUT_OFF


def test_other_observables_are_enough(cell: Cell) -> None:
    """What a simulation was not asked for is not judged."""
    charge = P2D(cell, Scenario(1.0), SolverSettings(), (VOLTAGE,)).charge(cell.parameters({}))
    assert charge.end is End.VOLTAGE_CUT_OFF


def test_a_tabulated_potential_goes_on_beyond_its_ends() -> None:
    """PyBaMM's solver takes `Ai2020`'s positive table for 0 V below 0.4; here it goes on as a line."""
    cell = Cell.load("Ai2020")
    assert cell.positive.lowest == pytest.approx(0.4)
    positive = Materials.of(load_parameter_values("Ai2020"), 298.15).positive
    end, below, far = (float(positive(x)) for x in (0.4, 0.399, 0.3))
    assert end == pytest.approx(4.39, abs=0.01)
    slope = (end - below) / 1e-3
    assert slope < 0
    assert far == pytest.approx(end - 0.1 * slope, abs=1e-4)
    inside = float(positive(0.4 + 1e-6))
    assert (inside - end) / 1e-6 == pytest.approx(slope, rel=0.02)
