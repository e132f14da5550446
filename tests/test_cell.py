import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from electrograd.physics.cell import FARADAY, Cell
from electrograd.physics.errors import InputError
from electrograd.physics.stack import (
    mean_stoichiometries,
    nominal_capacity,
    stack_mass,
    stack_thickness,
    theoretical_energy,
)
from electrograd.physics.variables import (
    DESIGN_VARIABLES,
    N_P_RATIO,
    NEGATIVE_ACTIVE,
    NEGATIVE_POROSITY,
    NEGATIVE_THICKNESS,
    POSITIVE_ACTIVE,
    POSITIVE_POROSITY,
    POSITIVE_THICKNESS,
    coating_mean,
)

porosity = st.floats(0.1, 0.7)
ratio = st.floats(0.7, 2.0)


def test_faraday_agrees_with_pybamm() -> None:
    import pybamm

    assert pytest.approx(pybamm.constants.F.value, rel=1e-9) == FARADAY


def test_solids_densities_are_graphite_and_nmc(cell: Cell) -> None:
    assert cell.negative.solids_density == pytest.approx(2209, abs=1)
    assert cell.positive.solids_density == pytest.approx(4905, abs=1)


def test_baseline_is_the_parameter_set(cell: Cell) -> None:
    values = cell.parameters({})
    assert values[NEGATIVE_ACTIVE] == pytest.approx(0.75)
    assert values[POSITIVE_ACTIVE] == pytest.approx(0.665)
    assert values[NEGATIVE_THICKNESS] == 85.2e-6
    # 96485.33 × 85.2e-6 × 0.75 × 33133 × 0.87 / 3600, the smaller of the two
    assert float(nominal_capacity(cell, values)) == pytest.approx(49.3673, abs=1e-4)


@given(ratio=ratio, negative=porosity, positive=porosity)
def test_closure_and_ratio_hold_for_any_design(ratio: float, negative: float, positive: float) -> None:
    cell = CELL
    values = cell.parameters(
        {N_P_RATIO: ratio, NEGATIVE_POROSITY: negative, POSITIVE_POROSITY: positive}
    )
    inactive = 1 - cell.negative.active_share
    assert values[NEGATIVE_POROSITY] + values[NEGATIVE_ACTIVE] + inactive == pytest.approx(1)
    assert values[POSITIVE_POROSITY] + values[POSITIVE_ACTIVE] == pytest.approx(1)
    assert cell.design_values(values)[N_P_RATIO] == pytest.approx(ratio)
    derived = {NEGATIVE_ACTIVE, POSITIVE_ACTIVE, coating_mean("negative"), coating_mean("positive")}
    assert set(values) == set(DESIGN_VARIABLES) - {N_P_RATIO} | derived


@given(ratio=ratio)
def test_charge_to_nominal_fills_the_smaller_electrode(ratio: float) -> None:
    cell = CELL
    values = cell.parameters({N_P_RATIO: ratio})
    x, y = mean_stoichiometries(cell, values, nominal_capacity(cell, values))
    if ratio >= 1:
        assert float(y) == pytest.approx(cell.positive.full)
        assert float(x) <= cell.negative.full + 1e-9
    else:
        assert float(x) == pytest.approx(cell.negative.full)
        assert float(y) >= cell.positive.full - 1e-9


def test_mass_and_thickness_by_hand(cell: Cell) -> None:
    values = cell.parameters({})
    negative = 85.2e-6 * (1657.0 + 0.25 * 1200)
    positive = 75.6e-6 * (3262.0 + 0.335 * 1200)
    separator = 12e-6 * (397.0 + 0.47 * 1200)
    foils = (12e-6 * 8960.0 + 16e-6 * 2700.0) / 2
    assert stack_mass(cell, values) == pytest.approx(negative + positive + separator + foils)
    assert stack_thickness(cell, values) == pytest.approx(85.2e-6 + 75.6e-6 + 12e-6 + 14e-6)


def test_theoretical_energy_against_adaptive_quadrature(cell: Cell, potentials) -> None:
    from scipy.integrate import quad

    negative, positive = potentials
    values = cell.parameters({N_P_RATIO: 1.12, POSITIVE_THICKNESS: 60e-6})
    nominal = float(nominal_capacity(cell, values))

    def voltage(charge: float) -> float:
        x, y = mean_stoichiometries(cell, values, charge)
        return float(positive(np.asarray(y)) - negative(np.asarray(x)))

    truth, _ = quad(voltage, 0, nominal, limit=200, epsabs=1e-9)
    energy = float(theoretical_energy(cell, negative, positive, values))
    assert energy == pytest.approx(truth, rel=1e-6)


def test_open_circuit_tables_are_pybamms(potentials) -> None:
    import pybamm

    values = pybamm.ParameterValues("Chen2020")
    x = np.random.default_rng(0).uniform(0.002, 0.998, 500)
    for side, table in zip("np", potentials, strict=True):
        symbol = getattr(pybamm.LithiumIonParameters(), side).prim.U(
            pybamm.Vector(x), pybamm.Scalar(298.15)
        )
        truth = values.process_symbol(symbol).evaluate().ravel()
        np.testing.assert_allclose(np.asarray(table(x)), truth, atol=1e-6)
        single = table.astype("float32")(x.astype(np.float32))
        assert single.dtype == np.float32
        np.testing.assert_allclose(np.asarray(single), truth, atol=2e-5)


def test_open_circuit_slope_is_the_tables(potentials) -> None:
    import jax

    for table in potentials:
        for x in (0.1, 0.33, 0.71, 0.95):
            slope = (table(np.asarray(x + 1e-6)) - table(np.asarray(x - 1e-6))) / 2e-6
            assert float(jax.grad(table)(x)) == pytest.approx(float(slope), rel=1e-5)


def test_round_trip_through_json(cell: Cell) -> None:
    import json

    assert Cell.from_dict(json.loads(json.dumps(cell.to_dict()))) == cell


def test_unknown_cell_and_variable() -> None:
    with pytest.raises(InputError, match="received: Chen202; nearest valid: Chen2020"):
        Cell.load("Chen202")
    with pytest.raises(InputError, match=r"nearest valid: Negative electrode porosity"):
        CELL.parameters({"Negative electrode porositty": 0.3})
    with pytest.raises(InputError, match=r"received: both"):
        CELL.parameters({N_P_RATIO: 1.1, NEGATIVE_THICKNESS: 80e-6})


CELL = Cell.load("Chen2020")
