"""The mesh whose lengths are inputs equals PyBaMM's own uniform mesh, built anew for each design."""

from typing import Any

import numpy as np
import pytest
from _ordinary_mesh import Ordinary, differences
from hypothesis import given, settings
from hypothesis import strategies as st

from electrograd.physics.cell import Cell
from electrograd.physics.cell_tables import WINDOWS
from electrograd.physics.model import HOLDS, LIMITS, disarm
from electrograd.physics.p2d import P2D, _Run
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.structure import Structure
from electrograd.physics.variables import VARIABLES

ENDS = (
    "Negative electrode thickness [m]",
    "Positive electrode thickness [m]",
    "Negative electrode porosity",
    "Positive electrode porosity",
    "Negative electrode Bruggeman coefficient (electrolyte)",
    "Negative particle radius [m]",
    "Positive particle radius [m]",
)
"""Variables that are drawn over their plausible ranges."""
DESIGN = {
    "N/P ratio": 1.15,
    "Positive electrode thickness [m]": 70e-6,
    "Negative particle radius [m]": 4e-6,
}
GRADED = {
    "Negative electrode porosity of layer 1": 0.42,
    "Negative electrode porosity of layer 2": 0.25,
    "Negative electrode thickness share of layer 1": 0.4,
}
CHANNELS = {"Negative channel pitch [m]": 80e-6, "Negative channel width over pitch": 0.15}
HELD = {"hold_voltage": True, "plating_potential": 0.0, "charge_limit": 0.9}


def plausible(place: tuple[float, ...]) -> dict[str, float]:
    """The design at a place of the unit cube of plausible ranges; lengths on a logarithmic scale."""
    design = {}
    for name, share in zip(ENDS, place, strict=True):
        low, high = VARIABLES[name].lower, VARIABLES[name].upper
        logarithmic = name.endswith("[m]")
        design[name] = low * (high / low) ** share if logarithmic else low + (high - low) * share
    return design


def equations(model: P2D, parameters: dict[str, float], step: float) -> np.ndarray:
    """Right-hand sides of a discretised model at a state beside its initial one."""
    run = _Run(model, parameters, [(1.1, 1.0)], 0.0)
    inputs = {**run.known, **dict.fromkeys(map(disarm, LIMITS), 1.0), **dict.fromkeys(HOLDS, 0.0)}
    inputs |= {"Hold current": 1.0, "Applied current density [A.m-2]": run.one_c}
    built: Any = model.simulation.built_model
    start = built.concatenated_initial_conditions.evaluate(inputs=inputs)
    state = start + step * np.sin(np.arange(len(start)))[:, None] * np.abs(start)
    parts = (built.concatenated_rhs, built.concatenated_algebraic)
    return np.concatenate([part.evaluate(t=0.0, y=state, inputs=inputs) for part in parts])


@pytest.fixture(scope="module")
def models() -> dict[tuple[str, int], P2D]:
    """Built models by cell and points, shared by all draws."""
    return {}


@pytest.mark.parametrize(
    ("name", "points"), [*((name, 20) for name in WINDOWS), ("Chen2020", 60), ("Ai2020", 60)]
)
def test_the_equations_are_those_of_the_ordinary_mesh(
    name: str, points: int, models: dict[tuple[str, int], P2D]
) -> None:
    """To rounding, for any design between the ends of the plausible ranges."""
    cell, scenario = Cell.load(name), Scenario(1.0)
    mesh = SolverSettings(points=points)
    ours = models.setdefault((name, points), P2D(cell, scenario, mesh))

    @settings(max_examples=3, derandomize=True)
    @given(place=st.tuples(*[st.floats(0.0, 1.0)] * len(ENDS)))
    def same(place: tuple[float, ...]) -> None:
        parameters = {k: float(v) for k, v in cell.parameters(plausible(place)).items()}
        other = Ordinary(cell, scenario, mesh, parameters)
        found, wanted = (equations(model, parameters, 1e-4) for model in (ours, other))
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max())

    same()


@pytest.mark.parametrize(
    ("scenario", "structure", "points"),
    [
        ({"c_rate": 3.0}, {}, 20),
        ({"c_rate": 3.0}, {}, 60),
        ({"c_rate": 1.0, "hold_voltage": True, "hold_until": 0.3}, {}, 20),
        ({"c_rate": 4.0, **HELD}, {}, 20),
        ({"c_rate": 4.0, **HELD, "cooling": 20.0}, {}, 20),
        ({"c_rate": 2.0, "later_stages": ((0.2, 1.0),)}, {}, 20),
        ({"c_rate": 2.0}, GRADED, 20),
        ({"c_rate": 2.0}, CHANNELS, 20),
    ],
)
def test_charges_are_those_of_the_ordinary_mesh(scenario: dict, structure: dict, points: int) -> None:
    """Every protocol, heated, graded, channelled: to what the solver's tolerance leaves."""
    cell = Cell.load("Chen2020", Structure.of(structure))
    parameters = {k: float(v) for k, v in cell.parameters({**DESIGN, **structure}).items()}
    mesh = SolverSettings(points=points)
    ours = P2D(cell, Scenario(**scenario), mesh).charge(parameters)
    ordinary = Ordinary(cell, Scenario(**scenario), mesh, parameters).charge(parameters)
    assert ours.end is ordinary.end
    apart = differences(ours, ordinary)
    assert apart["accepted"] < 1e-5
    assert max(apart["margin"], apart["voltage"], apart["potential"]) < 2e-5


def test_a_discharge_is_that_of_the_ordinary_mesh(cell: Cell) -> None:
    parameters = {k: float(v) for k, v in cell.parameters(DESIGN).items()}
    scenario, mesh = Scenario(1.0), SolverSettings()
    ours = P2D(cell, scenario, mesh).discharge(parameters, 2.0)
    ordinary = Ordinary(cell, scenario, mesh, parameters).discharge(parameters, 2.0)
    assert differences(ours, ordinary)["accepted"] < 1e-5
    assert ours.energy == pytest.approx(ordinary.energy, rel=1e-5)


def test_there_is_no_pole() -> None:
    """PyBaMM's weights had one for `Ai2020`: the negative's transport 1/19 of the separator's."""
    cell = Cell.load("Ai2020")
    model = P2D(cell, Scenario(1.0), SolverSettings())
    accepted = []
    for porosity in (0.250, 0.2548, 0.260, 0.27):
        charge = model.charge(cell.parameters({"Negative electrode porosity": porosity}))
        accepted.append(charge.accepted / charge.nominal)
        assert charge.observables["Voltage [V]"].min() > 3.2
    assert np.all(np.diff(accepted) > 0)
    assert np.ptp(accepted) < 0.05
