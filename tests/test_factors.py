"""Factors on diffusivities, kinetics and the electrolyte reach PyBaMM and the closed forms."""

import jax.numpy as jnp
import numpy as np
import pybamm
import pytest

from electrograd.physics.cell import Cell
from electrograd.physics.charge import VOLTAGE
from electrograd.physics.errors import InputError
from electrograd.physics.materials import Materials
from electrograd.physics.p2d import P2D
from electrograd.physics.plain import plain_parameter_values
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.states import StateModel
from electrograd.physics.variables import FACTORS
from electrograd.surrogates.estimates import estimate

SCENARIO = Scenario(1.0)
DESIGN = dict(zip(FACTORS, (0.6, 1.7, 0.5, 3.0, 1.3, 0.8), strict=True))


@pytest.fixture(scope="module")
def cell() -> Cell:
    return Cell.load("Chen2020").with_factors(FACTORS)


@pytest.fixture(scope="module")
def model(cell: Cell) -> P2D:
    return P2D(cell, SCENARIO, SolverSettings())


def test_a_factor_of_one_changes_nothing(cell: Cell, model: P2D) -> None:
    plain = Cell.load("Chen2020")
    own = P2D(plain, SCENARIO, SolverSettings()).charge(plain.parameters({}))
    assert model.charge(cell.parameters({})).accepted == pytest.approx(own.accepted, rel=1e-6)


def test_a_design_is_what_plain_pybamm_makes_of_the_scaled_set(cell: Cell, model: P2D) -> None:
    """The set's own functions, scaled here by hand, on PyBaMM's own mesh; and through JSON."""
    parameters = {name: float(value) for name, value in cell.parameters(DESIGN).items()}
    found = model.charge(parameters)
    values = pybamm.ParameterValues("Chen2020")
    for factor, name in FACTORS.items():
        own = values[name]
        if callable(own):
            values[name] = lambda *state, own=own, f=DESIGN[factor]: f * own(*state)
        else:
            values[name] = DESIGN[factor] * own
    written = plain_parameter_values(cell, SCENARIO, parameters, 0.0, 20)
    for name in written:
        if name not in FACTORS.values():
            values.update({name: written[name]}, check_already_exists=False)
    by_hand = voltages(values, found.charge[-1] * cell.electrode_area)
    again = pybamm.ParameterValues.from_json(written.to_json())
    through_json = voltages(again, found.charge[-1] * cell.electrode_area)
    charge = np.linspace(0.05, 0.95, 12) * found.charge[-1]
    ours = np.interp(charge, found.charge, found.observables[VOLTAGE])
    for other in (by_hand, through_json):
        theirs = np.interp(charge * cell.electrode_area, *other)
        np.testing.assert_allclose(ours, theirs, atol=1.5e-3)  # two meshes
    untouched = model.charge(cell.parameters({}))
    unscaled = np.interp(charge, untouched.charge, untouched.observables[VOLTAGE])
    assert np.max(np.abs(ours - unscaled)) > 0.02


def voltages(values: pybamm.ParameterValues, most: float) -> tuple[np.ndarray, np.ndarray]:
    """Charge [A.h] and voltage of a charge in plain PyBaMM."""
    hours = most / -values["Current function [A]"]
    solution = pybamm.Simulation(
        pybamm.lithium_ion.DFN(), parameter_values=values, solver=pybamm.IDAKLUSolver()
    ).solve(np.linspace(0, 3600 * hours, 400))
    return -solution["Discharge capacity [A.h]"].entries, solution[VOLTAGE].entries


def test_closed_forms_scale(cell: Cell) -> None:
    materials = Materials.from_pybamm(cell, 298.15)
    own = estimate(cell, materials, cell.parameters({}), 1.0, jnp.array([0.4]))
    slow = cell.parameters({"Negative particle diffusivity factor": 0.5})
    # At this share the profile in a particle is steady: twice the lead.
    assert float(
        estimate(cell, materials, slow, 1.0, jnp.array([0.4])).negative_lead[0] / own.negative_lead[0]
    ) == pytest.approx(2.0, rel=0.2)
    kinetics = cell.parameters({"Negative electrode exchange-current density factor": 0.5})
    there = estimate(cell, materials, kinetics, 1.0, jnp.array([0.4]))
    assert float(there.negative_kinetic[0]) > float(own.negative_kinetic[0])
    resistive = cell.parameters({"Electrolyte conductivity factor": 0.5})
    there = estimate(cell, materials, resistive, 1.0, jnp.array([0.4]))
    assert float(there.polarisation[0]) > float(own.polarisation[0])


def test_a_cell_says_which_factors_it_has() -> None:
    plain = Cell.load("Chen2020")
    with pytest.raises(InputError, match=r"with_factors\(\['Electrolyte conductivity factor'\]\)"):
        plain.parameters({"Electrolyte conductivity factor": 2.0})
    cell = plain.with_factors(["Electrolyte conductivity factor"])
    assert Cell.from_dict(cell.to_dict()) == cell
    assert "factors" not in plain.to_dict()
    fixed = cell.with_fixed({"Electrolyte conductivity factor": 2.0})
    assert fixed.parameters({})["Electrolyte conductivity factor"] == 2.0
    with pytest.raises(InputError, match="know no factors"):
        StateModel(cell, SCENARIO, SolverSettings())
