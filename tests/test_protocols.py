"""Protocols: what is held, what ends a charge, and PyBaMM's own experiments beside them."""

import numpy as np
import pytest

from electrograd.physics.cell import Cell
from electrograd.physics.charge import (
    CURRENT_DENSITY,
    LOSSES,
    NEGATIVE_MEAN,
    NEGATIVE_POTENTIAL,
    POSITIVE_MEAN,
    TEMPERATURE,
    TIME,
    VOLTAGE,
    Charge,
    End,
)
from electrograd.physics.errors import InputError
from electrograd.physics.p2d import P2D
from electrograd.physics.plain import plain_parameter_values
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import mean_stoichiometries, nominal_capacity

SETTINGS = SolverSettings()


def charged(cell: Cell, **scenario: object) -> Charge:
    return P2D(cell, Scenario(**scenario), SETTINGS).charge(cell.parameters({}))


def in_pybamm(cell: Cell, steps: list, thermal: dict | None = None) -> object:
    """The same charge as an experiment of plain PyBaMM, every number a constant."""
    import pybamm

    parameters = cell.parameters({})
    values = plain_parameter_values(cell, Scenario(1.0), parameters, 0.0, SETTINGS.points)
    values.update(thermal or {})
    model = pybamm.lithium_ion.DFN({"thermal": "lumped"} if thermal else {})
    return pybamm.Simulation(
        model,
        experiment=pybamm.Experiment([tuple(steps)]),
        parameter_values=values,
        solver=pybamm.IDAKLUSolver(rtol=1e-6, atol=1e-8),
    ).solve()


def one_c(cell: Cell) -> float:
    return float(nominal_capacity(cell, cell.parameters({}))) * cell.electrode_area


def test_constant_voltage_is_held_as_pybamm_holds_it(cell: Cell) -> None:
    import pybamm

    ours = charged(cell, c_rate=1.0, hold_voltage=True, hold_until=0.6)
    voltage, current = ours.observables[VOLTAGE], ours.observables[CURRENT_DENSITY] / ours.nominal
    held = current < 1 - 1e-6
    np.testing.assert_allclose(voltage[held], 4.2, atol=2e-6)
    np.testing.assert_allclose(current[~held], 1, rtol=1e-6)
    assert ours.end is End.CURRENT_CUT_OFF
    assert current[-1] == pytest.approx(0.6, rel=1e-5)
    steps = [
        pybamm.step.current(-one_c(cell), termination="> 4.2V"),
        pybamm.step.voltage(4.2, termination=pybamm.step.CurrentTermination(0.6 * one_c(cell))),
    ]
    theirs = in_pybamm(cell, steps)
    passed = -theirs["Discharge capacity [A.h]"].entries[-1] / cell.electrode_area
    assert ours.accepted == pytest.approx(passed, rel=1e-5)
    assert ours.observables[TIME][-1] == pytest.approx(theirs.t[-1], rel=1e-5)


def test_lumped_heat_is_pybamms(cell: Cell) -> None:
    import pybamm

    ours = charged(cell, c_rate=1.0, cooling=5.0)
    thick = 85.2e-6 + 75.6e-6 + 12e-6 + 12e-6 + 16e-6
    heat = {
        "Total heat transfer coefficient [W.m-2.K-1]": 5.0,
        "Cell volume [m3]": thick * cell.electrode_area,
    }
    theirs = in_pybamm(cell, [pybamm.step.current(-one_c(cell), termination="> 4.2V")], heat)
    end = theirs["Volume-averaged cell temperature [K]"].entries[-1]
    assert ours.observables[TEMPERATURE][-1] == pytest.approx(end, abs=1e-3)
    assert ours.hottest > 303
    still_air = charged(cell, c_rate=1.0, cooling=0.0)
    assert still_air.hottest > ours.hottest


@pytest.mark.parametrize("c_rate", [1.5, 4.0])
def test_plating_limited_charge_is_the_fastest_that_keeps_every_limit(cell: Cell, c_rate: float) -> None:
    """At each instant the current, the voltage or the potential stands at its limit; none is passed."""
    record = charged(cell, c_rate=c_rate, hold_voltage=True, plating_potential=0.005, charge_limit=0.85)
    assert record.end is End.CHARGE_TARGET
    slack = np.stack(
        [
            1 - record.observables[CURRENT_DENSITY] / record.nominal / c_rate,
            4.2 - record.observables[VOLTAGE],
            record.observables[NEGATIVE_POTENTIAL] - 0.005,
        ]
    )
    assert slack.min() > -3e-6
    np.testing.assert_allclose(slack.min(axis=0), 0, atol=3e-6)
    held = {int(k) for k in slack.argmin(axis=0)}
    assert {0, 2} <= held
    # Any constant current that does not plate is slower.
    gentle = charged(cell, c_rate=0.5, hold_voltage=True, charge_limit=0.85)
    assert gentle.plating_margin > 0.005
    assert record.time_to(0.8) < gentle.time_to(0.8)


def test_stages_follow_their_shares(cell: Cell) -> None:
    record = charged(cell, c_rate=2.0, later_stages=((0.2, 1.0), (0.4, 0.5)), charge_limit=0.6)
    share = record.charge / record.nominal
    rates = record.observables[CURRENT_DENSITY] / record.nominal
    for first, last, rate in ((0.0, 0.2, 2.0), (0.2, 0.4, 1.0), (0.4, 0.6, 0.5)):
        inside = (share > first + 1e-6) & (share < last - 1e-6)
        np.testing.assert_allclose(rates[inside], rate, rtol=1e-6)
    assert record.end is End.CHARGE_TARGET
    assert record.accepted == pytest.approx(0.6 * record.nominal, rel=1e-6)
    assert record.time_to(0.5) == pytest.approx(3600 * (0.2 / 2 + 0.2 / 1 + 0.1 / 0.5), rel=1e-5)
    assert record.time_to(0.61) == float("inf")


def test_rates_of_stages_may_come_with_the_design(cell: Cell) -> None:
    model = P2D(cell, Scenario(2.0, later_stages=((0.3, 1.0),), charge_limit=0.5), SETTINGS)
    parameters = cell.parameters({"C-rate": 1.5, "C-rate of stage 2": 0.5})
    record = model.charge(parameters)
    assert record.time_to(0.5) == pytest.approx(3600 * (0.3 / 1.5 + 0.2 / 0.5), rel=1e-5)


def test_a_stage_that_passes_the_voltage_at_once_is_held(cell: Cell) -> None:
    """A jump in current can leap over the limit; the charge goes on at the voltage."""
    record = charged(cell, c_rate=0.3, later_stages=((0.7, 4.0),), hold_voltage=True, charge_limit=0.8)
    assert record.end is End.CHARGE_TARGET
    assert record.observables[VOLTAGE].max() < 4.2 + 1e-5


def test_start_from_any_state(cell: Cell) -> None:
    record = charged(cell, c_rate=0.5, start=0.4, charge_limit=0.7)
    parameters = cell.parameters({})
    x, y = mean_stoichiometries(cell, parameters, 0.4 * record.nominal)
    assert record.observables[NEGATIVE_MEAN][0] == pytest.approx(float(x), abs=1e-9)
    assert record.observables[POSITIVE_MEAN][0] == pytest.approx(float(y), abs=1e-9)
    assert record.accepted == pytest.approx(0.3 * record.nominal, rel=1e-6)
    assert record.time_to(0.4) == 0
    assert record.time_to(0.5) == pytest.approx(0.1 / 0.5 * 3600, rel=1e-4)


def test_depletion_is_an_end_where_asked_for(cell: Cell) -> None:
    flagged = charged(cell, c_rate=4.0)
    ended = charged(cell, c_rate=4.0, end_when_depleted=True)
    assert flagged.least_electrolyte < 10
    assert ended.end is End.ELECTROLYTE_DEPLETED
    assert ended.least_electrolyte == pytest.approx(10, abs=1e-3)
    assert ended.accepted < flagged.accepted


def test_time_may_end_a_charge(cell: Cell) -> None:
    record = charged(cell, c_rate=0.5, time_limit=0.25)
    assert record.end is End.CHARGING_TIME_OVER
    assert record.observables[TIME][-1] == pytest.approx(900)


def test_losses_sum_to_the_voltage(cell: Cell) -> None:
    record = charged(cell, c_rate=1.5, hold_voltage=True, plating_potential=0.0, cooling=10.0)
    total = sum(record.observables[name] for name in LOSSES)
    np.testing.assert_allclose(total, record.observables[VOLTAGE], atol=1e-6)
    late = record.charge > 0.01 * record.nominal
    for name in list(LOSSES)[1:]:  # once profiles have built up, each raises the voltage of a charge
        assert record.observables[name][late].min() > 0, name


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"c_rate": 0.0}, "positive and finite"),
        ({"c_rate": 1.0, "later_stages": ((0.5, 1.0), (0.3, 0.5))}, "must ascend"),
        ({"c_rate": 1.0, "start": 1.0, "charge_limit": 1.1}, "in [0, 1)"),
        ({"c_rate": 1.0, "hold_until": 2.0, "hold_voltage": True}, "between 0 and the smallest"),
        ({"c_rate": 1.0, "temperature": float("nan")}, "finite number"),
        ({"c_rate": 1.0, "time_limit": -1.0}, "time_limit must lie within"),
        ({"c_rate": 1.0, "upper_voltage": 42.0}, "nearest valid: 6"),
        ({"c_rate": 1.0, "plating_potential": 5.0}, "within [-0.5, 0.5]"),
        ({"c_rate": 1.0, "cooling": -1.0}, "zero or more"),
        ({"c_rate": 1.0, "upper_voltage": 3.0, "lower_voltage": 3.5}, "above the lower"),
    ],
)
def test_scenarios_that_mean_nothing_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Scenario(**wrong)
    assert message in str(caught.value)


def test_lithium_may_plate_where_the_set_knows_how(cell: Cell) -> None:
    """PyBaMM's plating submodel: less lithium plates in a charge that is gentler."""
    lost = "Loss of capacity to negative lithium plating [A.h]"
    options = {"lithium plating": "irreversible"}
    okane = Cell.load("OKane2022")
    names = (VOLTAGE, NEGATIVE_POTENTIAL, lost)
    model = P2D(okane, Scenario(2.0, charge_limit=0.3), SETTINGS, names, options)
    fast = model.charge(okane.parameters({})).observables[lost][-1]
    slow = model.charge(okane.parameters({}), c_rate=0.5).observables[lost][-1]
    assert fast > 2 * slow > 0
    with pytest.raises(InputError, match="Chen2020 must hold every parameter"):
        P2D(cell, Scenario(1.0), SETTINGS, options=options)


def test_a_slow_charge_that_holds_nothing_is_no_mistake() -> None:
    assert Scenario(0.02).constant_current


def test_a_jump_past_both_limits_holds_the_potential(cell: Cell) -> None:
    """The voltage may not be held here; at the current that the potential allows it is not passed."""
    record = charged(
        cell, c_rate=0.3, later_stages=((0.5, 8.0),), plating_potential=0.0, charge_limit=0.6
    )
    assert record.accepted > 0.5 * record.nominal
    assert record.observables[VOLTAGE].max() < 4.2 + 1e-5
    assert record.plating_margin > -1e-5


def test_a_discharge_goes_on_past_an_empty_surface(cell: Cell) -> None:
    model = P2D(cell, Scenario(1.0, lower_voltage=2.0), SETTINGS)
    record = model.discharge(cell.parameters({"N/P ratio": 0.8}), 3.0)
    assert record.end is End.VOLTAGE_CUT_OFF
    assert record.observables[VOLTAGE][-1] == pytest.approx(2.0, abs=1e-6)
    assert {found.side for found in record.saturations} <= {"negative", "positive"}
    assert max(found.share for found in record.saturations) > 0.1


def test_a_discharge_over_at_once_delivers_nothing(cell: Cell) -> None:
    model = P2D(cell, Scenario(1.0, upper_voltage=4.4, lower_voltage=4.19), SETTINGS)
    record = model.discharge(cell.parameters({}), 0.5)
    assert record.end is End.VOLTAGE_CUT_OFF
    assert record.energy == 0


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_rates_must_be_positive(cell: Cell, rate: float) -> None:
    model = P2D(cell, Scenario(1.0), SETTINGS)
    for solve in (model.charge, model.discharge):
        with pytest.raises(InputError, match="positive and finite"):
            solve(cell.parameters({}), rate)


def test_what_cannot_be_built_is_not_simulated(cell: Cell) -> None:
    model = P2D(cell, Scenario(1.0), SETTINGS)
    for wrong in (
        {"Negative electrode porosity": 1.2},
        {"Negative electrode active share of solids": 1.5},
    ):
        with pytest.raises(InputError):
            model.charge(cell.parameters(wrong))
