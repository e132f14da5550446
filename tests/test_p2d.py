import numpy as np
import pytest

from electrograd.physics.cell import Cell
from electrograd.physics.charge import (
    ELECTROLYTE,
    NEGATIVE_POTENTIAL,
    NEGATIVE_SURFACE,
    SATURATED,
    VOLTAGE,
    Charge,
    End,
)
from electrograd.physics.figures import DesignSimulator
from electrograd.physics.p2d import P2D
from electrograd.physics.plain import plain_parameter_values
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import mean_stoichiometries, nominal_capacity
from electrograd.physics.variables import (
    ACCEPTED_SHARE,
    N_P_RATIO,
    NEGATIVE_POROSITY,
    PLATING_MARGIN,
    POSITIVE_THICKNESS,
    SPECIFIC_ENERGY,
    THEORETICAL_SPECIFIC_ENERGY,
)
from electrograd.sweeps.record import EVEN, PLACES


@pytest.fixture(scope="module")
def model(cell: Cell) -> P2D:
    return P2D(cell, Scenario(c_rate=1.0), SolverSettings())


def test_a_reused_model_equals_plain_pybamm(cell: Cell, model: P2D) -> None:
    """As its users write it: constants in place of inputs, on PyBaMM's default mesh, all states kept."""
    import pybamm

    design = {N_P_RATIO: 1.1, POSITIVE_THICKNESS: 60e-6, NEGATIVE_POROSITY: 0.3}
    parameters = cell.parameters(design)
    model.charge(cell.parameters({}))  # another design before it must leave no trace
    ours = model.charge(parameters)

    values = pybamm.ParameterValues("Chen2020")
    nominal = float(nominal_capacity(cell, parameters))
    values.update(parameters)
    values.update(
        {
            "Current function [A]": -nominal * 0.065 * 1.58,
            "Initial concentration in negative electrode [mol.m-3]": 0.03 * 33133.0,
            "Initial concentration in positive electrode [mol.m-3]": 0.90 * 63104.0,
        }
    )

    solution = pybamm.Simulation(
        pybamm.lithium_ion.DFN(),
        parameter_values=values,
        solver=pybamm.IDAKLUSolver(rtol=1e-6, atol=1e-8),
    ).solve([0, 1.1 * 3600])
    assert ours.accepted == pytest.approx(solution.t[-1] / 3600 * nominal, rel=2e-6)
    assert ours.plating_margin == pytest.approx(solution[NEGATIVE_POTENTIAL].entries.min(), abs=1e-6)


def test_plain_pybamm_repeats_a_discharge(cell: Cell) -> None:
    """Surfaces of the positive electrode are full before the lower cut-off: the discharge goes on."""
    import pybamm

    design = {POSITIVE_THICKNESS: 54.4e-6, "Positive electrode porosity": 0.293}
    parameters = cell.parameters(design)
    ours = P2D(cell, Scenario(1.0), SolverSettings()).discharge(parameters, 2.0)
    values = plain_parameter_values(cell, Scenario(1.0), parameters, 2.7, 20)
    full = mean_stoichiometries(cell, parameters, ours.nominal)
    for side, content in zip(("negative", "positive"), full, strict=True):
        most = getattr(cell, side).maximum_concentration
        values[f"Initial concentration in {side} electrode [mol.m-3]"] = float(content) * most
    values["Current function [A]"] = 2 * ours.nominal * cell.electrode_area
    values["Lower voltage cut-off [V]"] = cell.lower_voltage
    solution = pybamm.Simulation(
        pybamm.lithium_ion.DFN(),
        parameter_values=values,
        solver=pybamm.IDAKLUSolver(rtol=1e-6, atol=1e-8),
    ).solve([0, 3600])
    assert ours.end is End.VOLTAGE_CUT_OFF
    assert ours.accepted == pytest.approx(2 * solution.t[-1] / 3600 * ours.nominal, rel=1e-5)
    assert ours.accepted / ours.nominal == pytest.approx(0.9064, abs=1e-3)
    assert ours.observables[VOLTAGE][-1] == pytest.approx(2.5, abs=1e-6)
    (found,) = ours.saturations
    assert (found.side, found.share > 0.5, found.depth < 0.1) == ("positive", True, True)
    most = solution["Maximum positive particle surface stoichiometry"].entries > 1 - SATURATED
    assert found.time == pytest.approx(solution.t[most][0], rel=0.02)


def test_baseline_plates_at_1c(cell: Cell) -> None:
    """Reference values; `python tests/test_p2d.py` prints them anew."""
    figures = DesignSimulator(cell, Scenario(1.0), SolverSettings())({}).figures
    assert figures[ACCEPTED_SHARE] == pytest.approx(0.75982, abs=2e-4)
    assert figures[PLATING_MARGIN] == pytest.approx(-0.03079, abs=1e-4)
    assert figures[THEORETICAL_SPECIFIC_ENERGY] == pytest.approx(341.320, abs=0.01)
    assert figures[SPECIFIC_ENERGY] == pytest.approx(330.20, abs=0.1)


def test_slow_charge_follows_the_open_circuit(cell: Cell, model: P2D, potentials) -> None:
    parameters = cell.parameters({N_P_RATIO: 1.1})
    record = model.charge(parameters, c_rate=1e-3)
    x, y = mean_stoichiometries(cell, parameters, record.charge)
    open_circuit = np.asarray(potentials[1](y) - potentials[0](x))
    middle = slice(len(x) // 4, -len(x) // 4)
    np.testing.assert_allclose(record.observables[VOLTAGE][middle], open_circuit[middle], atol=1.5e-3)
    assert record.accepted > model.charge(parameters, c_rate=1.0).accepted


def test_ends(cell: Cell) -> None:
    """A charge ends at its target or its voltage, and says which; a full surface is no end."""
    parameters = cell.parameters({})
    high = Scenario(c_rate=0.2, upper_voltage=5.5, charge_limit=0.5)
    target = P2D(cell, high, SolverSettings()).charge(parameters)
    assert target.end is End.CHARGE_TARGET
    assert target.accepted == pytest.approx(0.5 * target.nominal, rel=1e-6)
    full = P2D(cell, Scenario(c_rate=2.0, upper_voltage=5.5), SolverSettings()).charge(
        cell.parameters({N_P_RATIO: 0.5})
    )
    assert full.end is End.VOLTAGE_CUT_OFF
    (found,) = full.saturations
    assert found.side == "negative"
    assert 0 < found.charge < full.accepted
    assert found.time == pytest.approx(3600 * found.charge / full.nominal / 2.0, rel=1e-6)
    assert 1 - SATURATED < full.observables[NEGATIVE_SURFACE].max() < 1
    assert not target.saturations


def test_a_failing_solve_is_recorded(cell: Cell, model: P2D) -> None:
    broken = {
        **cell.parameters({}),
        "Positive electrode Bruggeman coefficient (electrolyte)": float("nan"),
    }
    record = model.charge(broken)
    assert record.end is End.SOLVER_FAILURE
    assert record.message
    assert np.isnan(record.accepted)
    assert np.isnan(record.on_grid(33)[1]).all()


def test_a_charge_may_end_at_its_first_instant(cell: Cell) -> None:
    """A cut-off below the first instant's voltage is an end like others, and no failure."""
    low = Scenario(c_rate=1.0, upper_voltage=2.6, lower_voltage=2.0)
    record = P2D(cell, low, SolverSettings()).charge(cell.parameters({}))
    assert record.end is End.VOLTAGE_CUT_OFF
    assert record.accepted == 0
    assert record.on_grid(33)[1][0] == pytest.approx(2.7, abs=0.1)


def test_a_charge_may_start_below_the_lower_cut_off(cell: Cell) -> None:
    """The lower cut-off is for discharge: 3.0 V ends that early, and no charge at all."""
    high = DesignSimulator(cell, Scenario(1.0, lower_voltage=3.0), SolverSettings())({})
    usual = DesignSimulator(cell, Scenario(1.0), SolverSettings())({})
    assert high.charge.accepted == pytest.approx(usual.charge.accepted, rel=1e-6)
    assert high.figures[SPECIFIC_ENERGY] < usual.figures[SPECIFIC_ENERGY]
    values = plain_parameter_values(cell, Scenario(1.0, lower_voltage=3.0), high.parameters, 2.74, 20)
    assert values["Lower voltage cut-off [V]"] == 0.0


def test_salt_is_depleted_at_high_rate(cell: Cell, model: P2D) -> None:
    record = model.charge(cell.parameters({POSITIVE_THICKNESS: 95e-6, N_P_RATIO: 1.2}), c_rate=4.0)
    assert record.least_electrolyte < 10
    assert record.observables[ELECTROLYTE][0] == pytest.approx(1000)


def test_grid_keeps_the_curve(model: P2D, cell: Cell) -> None:
    record = model.charge(cell.parameters({}))
    grid, curves = record.on_grid(33)
    assert grid[-1] == record.accepted
    assert curves[0, -1] == pytest.approx(4.2, abs=1e-6)
    assert curves[0, 0] == record.observables[VOLTAGE][0]
    assert np.all(np.diff(curves[0]) > 0)


def test_curves_are_kept_where_a_charge_begins(model: P2D, cell: Cell) -> None:
    record = model.charge(cell.parameters({}))
    grid, (voltage, *_) = record.on_grid(PLACES)
    assert EVEN.sum() == 33
    assert np.allclose(grid[EVEN], record.on_grid(33)[0])
    # Between two kept points the voltage rises by tenths of a volt at the start, and hardly after it.
    assert np.diff(voltage).max() < 0.2 < np.diff(voltage[EVEN]).max()


def test_energy_of_a_known_curve() -> None:
    charge = np.linspace(0, 2, 50)
    record = Charge(End.CHARGE_TARGET, "", 2.0, charge, {VOLTAGE: 3.0 + charge})
    assert record.energy == pytest.approx(3 * 2 + 2**2 / 2)


def test_specific_energy_is_taken_at_25_degrees(cell: Cell) -> None:
    cold = DesignSimulator(cell, Scenario(0.5, temperature=273.15), SolverSettings())({}).figures
    warm = DesignSimulator(cell, Scenario(0.5), SolverSettings())({}).figures
    assert cold[SPECIFIC_ENERGY] == pytest.approx(warm[SPECIFIC_ENERGY], rel=1e-6)
    assert cold[ACCEPTED_SHARE] < warm[ACCEPTED_SHARE]


if __name__ == "__main__":
    print(DesignSimulator(Cell.load("Chen2020"), Scenario(1.0), SolverSettings())({}).figures)
