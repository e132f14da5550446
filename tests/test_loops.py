"""A surrogate in others' loops: SciPy's optimisers and PyBOP's problems."""

import dataclasses
import sys
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from test_design import BEST, ENERGY, MARGIN, Analytic
from untrained import untrained

from electrograd.physics.charge import NEGATIVE_POTENTIAL, TIME, VOLTAGE
from electrograd.physics.errors import InputError
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    N_P_RATIO,
    NEGATIVE_POROSITY,
    POSITIVE_POROSITY,
    POSITIVE_THICKNESS,
)
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.objective import Objective
from electrograd.surrogates.surrogate import Surrogate


@pytest.mark.parametrize("coordinates", ["unit", "SI"])
def test_scipy_finds_the_planted_optimum(coordinates: Any) -> None:
    objective = Objective(Analytic(), ENERGY, "maximise", coordinates)
    found = minimize(
        objective.fun_and_jac,
        objective.middle,
        jac=True,
        method="SLSQP",
        bounds=objective.bounds,
        constraints=[objective.constraint(MARGIN, at_least=0.0)],
    )
    assert -found.fun == pytest.approx(BEST, abs=2e-3)
    assert objective.design(found.x)[NEGATIVE_POROSITY] == pytest.approx(0.3 + 0.05**0.5, abs=5e-3)
    assert -objective.fun(objective.middle) < BEST - 0.1, "the start must not be the answer"


def test_slopes_are_those_of_either_coordinates() -> None:
    place = np.array([0.3, 0.8])
    unit, si = (Objective(Analytic(), MARGIN, "minimise", each) for each in ("unit", "SI"))
    x = si.point(unit.design(place))
    assert unit.fun(place) == pytest.approx(si.fun(x))
    np.testing.assert_allclose(unit.jac(place), si.jac(x) * 0.4, rtol=1e-12)
    for k in range(2):
        step = 1e-5 * np.eye(2)[k]
        difference = (unit.fun(place + step) - unit.fun(place - step)) / 2e-5
        assert unit.jac(place)[k] == pytest.approx(difference, rel=1e-6)
    np.testing.assert_allclose(unit.point(unit.design(place)), place)


def test_one_compilation_and_one_call_a_point() -> None:
    objective = Objective(Analytic(), ENERGY, "maximise")
    limit = objective.constraint(MARGIN, at_least=0.0)
    calls = 0
    compiled = objective._at._compiled

    def counted(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        return compiled(*given)

    objective._at._compiled = counted
    for x in np.random.default_rng(0).random((5, 2)):
        objective.fun(x), objective.jac(x), objective.fun_and_jac(x), limit.fun(x), limit.jac(x)
    assert calls == 5
    assert compiled._cache_size() == 1


def test_bad_points_and_names_are_refused() -> None:
    objective = Objective(Analytic(), ENERGY, "maximise", "SI")
    with pytest.raises(InputError, match=r"trained box, .0.2, 0.6. for 'Positive .*received: 0.7"):
        objective.fun(np.array([0.3, 0.7]))
    with pytest.raises(InputError, match=r"trained box.*received: nan"):
        objective.jac(np.array([np.nan, 0.3]))
    with pytest.raises(InputError, match=r"hold the variables .*received: \(3,\); nearest valid: \(2,"):
        objective.fun(np.zeros(3))
    with pytest.raises(InputError, match=r"predicted figure of merit.*nearest valid: Plating margin"):
        objective.constraint("Plating margn [V]", at_least=0.0)
    with pytest.raises(InputError, match="leave a value between"):
        objective.constraint(MARGIN, at_least=0.1, at_most=0.0)
    with pytest.raises(InputError, match=r"nearest valid: add \['Positive electrode porosity'\]"):
        objective.point({NEGATIVE_POROSITY: 0.3})
    assert POSITIVE_POROSITY in objective.design(objective.middle)


def stand_in() -> ModuleType:
    """PyBOP 26.3 as far as a simulator meets it, for where its NumPy is not the one tested with."""

    class Base:
        def __init__(self, parameters: Any = None) -> None:
            self.parameters = parameters

    class Solution:
        def __init__(self, inputs: Any = None) -> None:
            self.all_inputs, self._found = [inputs], {}

        def set_solution_variable(self, name: str, data: Any, sensitivities: Any = None) -> None:
            self._found[name] = type("Variable", (), {"data": data, "sensitivities": sensitivities})

        def __getitem__(self, name: str) -> Any:
            return self._found[name]

    class FailedSolution:
        def __init__(self, variable_names: list[str], parameter_names: list[str]) -> None:
            self.names = variable_names, parameter_names

    class DesignCost:
        def __init__(self, target: str) -> None:
            self.target = [target]

        def evaluate(self, solution: Any, inputs: Any = None, sensitivities: bool = False) -> Any:
            failed = isinstance(solution, FailedSolution)
            return -np.inf if failed else solution[self.target[0]].data[-1]

    pybop = ModuleType("pybop")
    parts = {"BaseSimulator": Base, "Parameters": dict, "Parameter": dict, "DesignCost": DesignCost}
    vars(pybop).update(**parts, Solution=Solution, FailedSolution=FailedSolution)
    return pybop


@pytest.fixture
def pybop(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = stand_in()
    monkeypatch.setitem(sys.modules, "pybop", module)
    yield module
    sys.modules.pop("electrograd.surrogates.pybop_simulator", None)


class Planted(Surrogate):
    """In closed form: V = 3.5 + s² + 0.1 (N/P ratio), the charge ends at s = porosity."""

    def curves(self, design: Any, share: Any) -> Any:
        voltage = 3.5 + share**2 + 0.1 * (design[0] - 1.2)
        return jnp.stack([voltage, 1.0 - share, share, 1.0 - share], axis=-1)

    def figures(self, design: Any) -> dict[str, Any]:
        return {ACCEPTED_SHARE: design[2], ACCEPTED_CAPACITY: 50 * design[2]}


def planted(surrogate: Surrogate) -> Surrogate:
    """The same, but for what it predicts."""
    parts = {each.name: getattr(surrogate, each.name) for each in dataclasses.fields(surrogate)}
    return Planted(**parts)


@pytest.fixture(scope="module")
def surrogate(physics: CurvePhysics) -> Surrogate:
    return planted(untrained(physics, "float64", c_rate=0.4))


def test_a_pybop_simulator_gives_curves_figures_and_slopes(pybop: Any, surrogate: Surrogate) -> None:
    from electrograd.surrogates.pybop_simulator import FigureCost, SurrogateSimulator

    times = np.array([0.0, 100.0, 900.0])
    free = {NEGATIVE_POROSITY: pybop.Parameter(), N_P_RATIO: pybop.Parameter()}
    simulator = SurrogateSimulator(surrogate, free, {POSITIVE_THICKNESS: 60e-6}, times)
    simulator.set_output_variables([VOLTAGE, ACCEPTED_CAPACITY])
    assert simulator.has_sensitivities
    some = [{NEGATIVE_POROSITY: porosity, N_P_RATIO: 1.1} for porosity in (0.3, 0.33, 0.4)]
    outside = {NEGATIVE_POROSITY: 0.9, N_P_RATIO: 1.1}
    _, here, _, failed = simulator.solve_batch([*some, outside], True)
    assert isinstance(failed, pybop.FailedSolution)
    np.testing.assert_allclose(here[VOLTAGE].data, 3.49 + (0.4 * times / 3600) ** 2)
    np.testing.assert_allclose(here[VOLTAGE].sensitivities[N_P_RATIO], 0.1)
    np.testing.assert_allclose(here[VOLTAGE].sensitivities[NEGATIVE_POROSITY], 0.0)
    np.testing.assert_array_equal(here[TIME].data, times)
    cost = FigureCost(ACCEPTED_CAPACITY)
    value, slopes = cost.evaluate(here, some[1], True)
    assert value == pytest.approx(16.5)
    assert slopes == pytest.approx({NEGATIVE_POROSITY: 50.0, N_P_RATIO: 0.0})
    assert cost.evaluate(here) == value
    assert simulator.solve_batch([]) == []
    simulator.solve_batch(some, True)
    assert simulator._slopes_and_values._cache_size() == 1, "three and four candidates are one size"
    late = SurrogateSimulator(surrogate, free, {POSITIVE_THICKNESS: 60e-6}, [0.0, 1e5])
    assert isinstance(late.solve_batch(some)[0], pybop.FailedSolution)


def test_without_times_curves_go_to_the_end(pybop: Any, surrogate: Surrogate) -> None:
    from electrograd.surrogates.pybop_simulator import SurrogateSimulator

    fixed = {POSITIVE_THICKNESS: 60e-6, NEGATIVE_POROSITY: 0.33}
    simulator = SurrogateSimulator(surrogate, {N_P_RATIO: pybop.Parameter()}, fixed, points=7)
    simulator.set_output_variables([NEGATIVE_POTENTIAL, ACCEPTED_SHARE])
    (found,) = simulator.solve_batch([{N_P_RATIO: 1.2}])
    assert found[NEGATIVE_POTENTIAL].data.shape == (7,)
    np.testing.assert_allclose(found[TIME].data, np.linspace(0, 3600 * 0.33 / 0.4, 7))
    np.testing.assert_allclose(found[NEGATIVE_POTENTIAL].data[-1], 0.67)


def test_what_pybop_may_not_ask_is_refused(pybop: Any, surrogate: Surrogate) -> None:
    from electrograd.surrogates.pybop_simulator import SurrogateSimulator

    free = {N_P_RATIO: pybop.Parameter()}
    fixed = {POSITIVE_THICKNESS: 60e-6, NEGATIVE_POROSITY: 0.33}
    with pytest.raises(InputError, match=r"not at all: \['Positive electrode thickness"):
        SurrogateSimulator(surrogate, free, {NEGATIVE_POROSITY: 0.3})
    with pytest.raises(InputError, match=r"twice: \['N/P ratio'\]"):
        SurrogateSimulator(surrogate, free, {**fixed, N_P_RATIO: 1.1})
    with pytest.raises(InputError, match="nearest valid: N/P ratio"):
        SurrogateSimulator(surrogate, {"NP ratio": pybop.Parameter()}, fixed)
    with pytest.raises(InputError, match="increasing"):
        SurrogateSimulator(surrogate, free, fixed, [0.0, 2.0, 1.0])
    with pytest.raises(InputError, match="at least two points"):
        SurrogateSimulator(surrogate, free, fixed, points=1)
    simulator = SurrogateSimulator(surrogate, free, fixed)
    with pytest.raises(InputError, match=r"nearest valid: Voltage \[V\]"):
        simulator.set_output_variables(["Voltage [mV]"])
