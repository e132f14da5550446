from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from electrograd.physics.errors import InputError
from electrograd.physics.jax_views import MaterialViews, View, jax_function
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.residual import P2DResidual
from electrograd.physics.symbolic_mesh import spatial_methods, submesh_types

SETS = ("Chen2020", "OKane2022", "Ecker2015", "Ai2020", "Mohtat2020", "Prada2013")
POINTS = 6
CURRENT = "Current function [A]"
DESIGN = {
    "Negative electrode thickness [m]": 80e-6,
    "Positive electrode thickness [m]": 70e-6,
    "Negative electrode porosity": 0.24,
    "Negative particle radius [m]": 5e-6,
    "Positive particle radius [m]": 4e-6,
    CURRENT: 2.5,
}


def by_pybamm(values: Any, function: Callable, *arguments: np.ndarray) -> np.ndarray:
    """PyBaMM's own ``evaluate``, with the arguments as parts of a state vector, as a solver has them."""
    n = len(arguments[0])
    parts = [pybamm.StateVector(slice(i * n, (i + 1) * n)) for i in range(len(arguments))]
    found = values.process_symbol(function(*parts)).evaluate(y=np.concatenate(arguments)[:, None])
    return np.broadcast_to(np.ravel(found), n)


def cases(name: str, count: int) -> list[tuple[View, Callable, tuple[np.ndarray, ...]]]:
    """Every view of a set, PyBaMM's function and random states, some of them beyond full and empty."""
    values = pybamm.ParameterValues(name)
    parameters, views = pybamm.LithiumIonParameters(), MaterialViews.from_pybamm(values)
    random = np.random.default_rng(SETS.index(name))
    temperature = random.uniform(253.0, 333.0, count)
    salt = 10 ** random.uniform(-2.0, 3.6, count)
    listed: list[tuple[View, Callable, tuple[np.ndarray, ...]]] = []
    for side in ("negative", "positive"):
        view, phase = getattr(views, side), getattr(parameters, side[0]).prim
        x = random.uniform(-0.005, 1.005, count)
        surface = x * view.maximum_concentration
        listed += [
            (view.potential, phase.U, (x, temperature)),
            (view.exchange_current, phase.j0, (salt, surface, temperature)),
            (view.diffusivity, lambda x, t, p=phase: p.D(x * p.c_max, t), (x, temperature)),
        ]
    views_of_salt = views.electrolyte
    listed += [
        (views_of_salt.diffusivity, parameters.D_e, (salt, temperature)),
        (views_of_salt.conductivity, parameters.kappa_e, (salt, temperature)),
        (views_of_salt.transference_number, parameters.t_plus, (salt, temperature)),
        (views_of_salt.thermodynamic_factor, parameters.thermodynamic_factor, (salt, temperature)),
    ]
    return listed


@pytest.mark.parametrize("name", SETS)
def test_views_equal_pybamm(name: str) -> None:
    values = pybamm.ParameterValues(name)
    for view, function, arguments in cases(name, 200):
        truth = by_pybamm(values, function, *arguments)
        found = jax.jit(view)(*arguments)
        np.testing.assert_allclose(found, truth, rtol=1e-10, atol=0, err_msg=str(view.arguments))
        assert found.dtype == jnp.float64


@pytest.mark.parametrize("name", SETS)
def test_gradients_equal_finite_differences(name: str) -> None:
    """Away from full and empty, where potentials bend sharply; in short steps, for tables have knots."""
    for view, _, arguments in cases(name, 40):
        given = [0.05 + 0.9 * a if np.max(a) < 2 else np.maximum(a, 20.0) for a in arguments]
        if len(given) == 3:
            given[1] = np.clip(given[1], 0.02 * np.max(given[1]), 0.98 * np.max(given[1]))
        every = tuple(range(len(given)))
        found = jax.jit(jax.vmap(jax.grad(view, argnums=every)))(*map(jnp.asarray, given))
        for i in every:
            step = 2e-6 * given[i]
            shifts = np.array([-2.0, -1.0, 1.0, 2.0])[:, None] * step
            moved = [np.broadcast_to(a, shifts.shape) for a in given]
            moved[i] = given[i] + shifts
            value = np.asarray(view(*moved))
            slope = (value[0] - 8 * value[1] + 8 * value[2] - value[3]) / (12 * step)
            # PyBaMM's potential of Ai2020 is itself good to some 1e-12 only: its terms cancel.
            rounding = 1e-12 * np.abs(value[0]) / step
            error = np.abs(np.asarray(found[i]) - slope)
            assert np.all(error < 1e-6 * np.abs(slope) + 3 * rounding), (view.arguments[i], error)


@pytest.mark.parametrize("name", ["Chen2020", "Ai2020"])
def test_slopes_equal_pybamm(name: str) -> None:
    """PyBaMM differentiates symbols. Where terms cancel, 1e-12 V is rounding."""
    values = pybamm.ParameterValues(name)
    views, parameters = MaterialViews.from_pybamm(values), pybamm.LithiumIonParameters()
    x = np.random.default_rng(3).uniform(-0.005, 1.005, 200)
    for side in ("negative", "positive"):
        state = pybamm.StateVector(slice(0, len(x)))
        potential = values.process_symbol(
            getattr(parameters, side[0]).prim.U(state, pybamm.Scalar(310.0))
        )
        truth = potential.diff(state).evaluate(y=x[:, None])[:, 0]
        found = getattr(views, side).slope(x, 310.0)
        np.testing.assert_allclose(found, truth, rtol=1e-10, atol=1e-12)
        gradient = jax.vmap(jax.grad(getattr(views, side).potential), in_axes=(0, None))
        np.testing.assert_allclose(gradient(jnp.asarray(x), 310.0), truth, rtol=1e-10, atol=1e-12)


def test_shapes_and_types() -> None:
    views = MaterialViews.from_pybamm(pybamm.ParameterValues("OKane2022"))
    x = np.linspace(0.1, 0.9, 6)
    potential = views.negative.potential
    flat = np.asarray(potential(x, 298.15))
    np.testing.assert_array_equal(potential(x.reshape(2, 3), np.full((2, 3), 298.15)).ravel(), flat)
    np.testing.assert_array_equal(jax.vmap(lambda x: potential(x, 298.15))(jnp.asarray(x)), flat)
    assert views.electrolyte.transference_number(x, 298.15).shape == x.shape  # a constant, too
    single = potential(jnp.asarray(x, jnp.float32), 298.15)
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, flat, atol=1e-5)
    with pytest.raises(InputError, match="one shape"):
        potential(x, x[:3])
    with pytest.raises(InputError, match="a view takes Stoichiometry, Temperature"):
        potential(x)


@pytest.mark.parametrize("extrapolate", [True, False])
@pytest.mark.parametrize("kind", ["linear", "cubic", "pchip"])
def test_tables_equal_pybamm(kind: str, extrapolate: bool) -> None:
    random = np.random.default_rng(7)
    knots = np.sort(random.uniform(0.0, 1.0, 12))
    if kind == "linear":
        knots[5] = knots[6]  # a step
    heights = random.normal(size=12)
    x = np.concatenate([random.uniform(-0.3, 1.3, 200), knots])
    argument, state = pybamm.Variable("x"), pybamm.StateVector(slice(0, len(x)))

    def table(symbol: Any, derivatives: int = 0) -> Any:
        return pybamm.Interpolant(
            knots, heights, symbol, "t", kind, extrapolate, _num_derivatives=derivatives
        )

    for derivatives in range(1 if kind == "linear" else 4):
        truth = table(state, derivatives).evaluate(y=x[:, None])[:, 0]
        found = jax_function(table(argument, derivatives), ["x"])(x)
        np.testing.assert_allclose(found, truth, rtol=1e-10, atol=1e-10)
        assert np.isnan(truth).any() != extrapolate
    if kind != "linear":
        slope = jax.vmap(jax.grad(jax_function(table(argument), ["x"])))(jnp.asarray(x))
        inside = (x > knots[0]) & (x < knots[-1])
        truth = table(state, 1).evaluate(y=x[:, None])[:, 0]
        np.testing.assert_allclose(slope[inside], truth[inside], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("extrapolate", [True, False])
def test_tables_of_two_arguments(extrapolate: bool) -> None:
    random = np.random.default_rng(8)
    grid = (np.linspace(0.0, 1.0, 5), np.array([250.0, 300.0, 350.0]))
    heights = random.normal(size=(5, 3))
    x, t = random.uniform(-0.2, 1.2, 50), random.uniform(240.0, 360.0, 50)
    symbols = [pybamm.Variable("x"), pybamm.Variable("t")]
    states = [pybamm.StateVector(slice(0, 50)), pybamm.StateVector(slice(50, 100))]
    truth, table = (
        pybamm.Interpolant(grid, heights, given, "t", "linear", extrapolate)
        for given in (states, symbols)
    )
    found = jax_function(table, ["x", "t"])(x, t)
    np.testing.assert_allclose(
        found, truth.evaluate(y=np.concatenate([x, t])[:, None])[:, 0], rtol=1e-10, atol=1e-12
    )
    with pytest.raises(InputError, match="must be linear"):
        jax_function(
            pybamm.Interpolant((grid[0], grid[0]), np.eye(5), symbols, "t", "cubic"), ["x", "t"]
        )
    with pytest.raises(InputError, match="one number per point"):
        jax_function(pybamm.Interpolant(grid[0], heights, pybamm.InputParameter("x"), "t"), ["x"])


def test_tables_of_one_name_stay_apart() -> None:
    x = pybamm.Variable("x")
    first, second = (
        pybamm.Interpolant(np.array([0.0, 1.0]), np.array([0.0, top]), x, "table") for top in (1.0, 5.0)
    )
    assert float(jax_function(first + 10 * second, ["x"])(0.5)) == pytest.approx(25.5)
    inner = pybamm.Interpolant(np.array([0.0, 5.0]), np.array([0.0, 10.0]), second, "table")
    assert float(jax_function(inner, ["x"])(0.5)) == pytest.approx(5.0)


def test_other_nodes_that_jax_cannot_trace() -> None:
    x, z = np.linspace(-2.0, 2.0, 9), pybamm.Variable("z")
    state = pybamm.StateVector(slice(0, 9))
    for function in (
        pybamm.erf,
        pybamm.sign,
        lambda s: pybamm.Floor(s) * pybamm.Ceiling(s) * pybamm.constants.F,
    ):
        np.testing.assert_allclose(
            jax_function(function(z), ["z"])(x), function(state).evaluate(y=x[:, None])[:, 0], rtol=1e-14
        )
    choice = pybamm.Conditional(pybamm.InputParameter("which"), z, 2 * z)
    chosen = jax.jit(jax_function(choice, ["which", "z"]))
    assert [float(chosen(which, 3.0)) for which in (1.0, 2.0, 3.0)] == [3.0, 6.0, 0.0]


def test_what_is_left_open_is_named() -> None:
    values = pybamm.ParameterValues("Chen2020")
    values["Negative particle diffusivity [m2.s-1]"] = "[input]"
    with pytest.raises(InputError, match="Negative particle diffusivity"):
        MaterialViews.from_pybamm(values)
    with pytest.raises(InputError, match="Time"):
        jax_function(pybamm.t * pybamm.Variable("x"), ["x"])


class Solved:
    """A design of a set solved by IDAKLU, and the residual of the same model, built separately."""

    def __init__(self, name: str) -> None:
        self.values = pybamm.ParameterValues(name)
        self.values.update(dict.fromkeys(DESIGN, "[input]"))
        model = pybamm.lithium_ion.DFN()
        points = dict.fromkeys(("x_n", "x_s", "x_p", "r_n", "r_p"), POINTS)
        self.simulation = pybamm.Simulation(
            model,
            parameter_values=self.values,
            submesh_types={**model.default_submesh_types, **submesh_types()},
            spatial_methods=spatial_methods(model),
            var_pts=points,
        )
        self.simulation.build()
        self.model = self.simulation.built_model
        self.residual = P2DResidual.build(
            model, self.values, submesh_types(), points, spatial_methods(model)
        )
        self.solution = self.solve(1e-9)
        self.times, self.states = self.solution.t, np.asarray(self.solution.y)

    def solve(self, rtol: float) -> Any:
        around = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
        times = np.concatenate([[0.0], 200.0 + around, 1000.0 + around, [1200.0]])
        solver = pybamm.IDAKLUSolver(rtol=rtol, atol=1e-2 * rtol)
        return self.simulation.solve(times, solver=solver, t_interp=times, inputs=DESIGN)

    def by_pybamm(self, time: float, states: np.ndarray, design: dict[str, float]) -> np.ndarray:
        parts = (self.model.concatenated_rhs, self.model.concatenated_algebraic)
        return np.concatenate([p.evaluate(time, states[:, None], inputs=design)[:, 0] for p in parts])


@pytest.fixture(scope="module", params=("Chen2020", "OKane2022"))
def solved(request: pytest.FixtureRequest) -> Solved:
    return Solved(request.param)


def test_right_hand_side_equals_pybamm(solved: Solved) -> None:
    """Off the solution, where nothing cancels; with another design than the one solved."""
    residual, random = solved.residual, np.random.default_rng(0)
    assert {v.name: s[0] for v, s in solved.model.y_slices.items()} == residual.slices
    for _ in range(3):
        states = solved.states[:, 4] * (1 + 1e-3 * random.standard_normal(len(solved.states)))
        design = {name: value * random.uniform(0.9, 1.1) for name, value in DESIGN.items()}
        found = np.asarray(residual.right_hand_side(10.0, states, design))
        truth = solved.by_pybamm(10.0, states, design)
        for where in residual.slices.values():
            scale = np.max(np.abs(truth[where]))
            np.testing.assert_allclose(found[where], truth[where], rtol=1e-10, atol=1e-10 * scale)
    initial = solved.model.concatenated_initial_conditions.evaluate(inputs=DESIGN)[:, 0]
    np.testing.assert_allclose(residual.initial_state(DESIGN), initial, rtol=1e-12, atol=1e-300)


def test_residual_is_zero_along_the_solution(solved: Solved) -> None:
    residual, split = solved.residual, solved.residual.differential

    @jax.jit
    def correction(states: jax.Array) -> jax.Array:
        """How far the algebraic states are from solving their equations: one Newton step."""

        def algebraic(tail: jax.Array) -> jax.Array:
            return residual.right_hand_side(0.0, jnp.concatenate([states[:split], tail]), DESIGN)[split:]

        return jnp.linalg.solve(jax.jacfwd(algebraic)(states[split:]), algebraic(states[split:]))

    for rtol in (1e-6, 1e-9):
        solution = solved.solve(rtol)
        times, states = solution.t, np.asarray(solution.y)
        tolerance = rtol * (np.abs(states).max(axis=1) + 1e-2)
        for i in range(1, len(times)):
            assert np.all(np.abs(correction(jnp.asarray(states[:, i]))) < tolerance[split:])
        for i in (3, 8):  # the middles of five instants one second apart
            narrow = (states[:, i + 1] - states[:, i - 1]) / 2
            wide = (states[:, i + 2] - states[:, i - 2]) / 4
            allowed = 10 * tolerance + np.abs(
                wide - narrow
            )  # what solver and differences may be wrong by
            rates, now = narrow + (narrow - wide) / 3, times[i].item()
            found = np.asarray(residual(now, states[:, i], rates, DESIGN))
            assert np.all(np.abs(found[:split]) < allowed[:split])
            worse = np.asarray(residual(now, states[:, i], 1.1 * rates, DESIGN))
            assert np.any(np.abs(worse[:split]) > allowed[:split])


def test_residual_differentiates_and_batches(solved: Solved) -> None:
    residual = solved.residual
    states, random = jnp.asarray(solved.states[:, 4]), np.random.default_rng(1)
    weights = jnp.asarray(random.standard_normal(len(states)))
    # Each block of equations counts alike, whatever its unit.
    truth = solved.by_pybamm(0.0, np.asarray(states) * 1.001, DESIGN)
    for where in residual.slices.values():
        weights = weights.at[where].divide(np.max(np.abs(truth[where])) or 1.0)

    def total(states: jax.Array, design: dict[str, Any]) -> jax.Array:
        return weights @ residual.right_hand_side(0.0, states, design)

    slopes, by_input = jax.jit(jax.grad(total, argnums=(0, 1)))(states, DESIGN)
    assert set(by_input) == set(residual.inputs)

    def plain(states: np.ndarray, design: dict[str, float]) -> float:
        return float(np.asarray(weights) @ solved.by_pybamm(0.0, states, design))

    for name, value in DESIGN.items():
        h = 1e-5 * value
        ahead, behind = ({**DESIGN, name: value + sign * h} for sign in (1, -1))
        difference = (plain(np.asarray(states), ahead) - plain(np.asarray(states), behind)) / (2 * h)
        assert float(by_input[name]) == pytest.approx(difference, rel=1e-5, abs=1e-7 / value)
    direction = random.standard_normal(len(states)) * np.asarray(states)
    h = 1e-6
    ahead, behind = (np.asarray(states) + sign * h * direction for sign in (1, -1))
    difference = (plain(ahead, DESIGN) - plain(behind, DESIGN)) / (2 * h)
    assert float(slopes @ direction) == pytest.approx(difference, rel=1e-5)

    batch = jnp.stack([states, 1.001 * states])
    designs = {name: jnp.asarray([value, 1.05 * value]) for name, value in DESIGN.items()}
    together = jax.vmap(residual.right_hand_side, in_axes=(None, 0, 0))(0.0, batch, designs)
    second = {name: 1.05 * value for name, value in DESIGN.items()}
    np.testing.assert_allclose(
        together[1], residual.right_hand_side(0.0, batch[1], second), rtol=1e-9, atol=1e-9
    )


def test_observables_of_a_state(solved: Solved) -> None:
    voltage = solved.residual.variable("Voltage [V]")
    potential = solved.residual.variable("Negative electrode open-circuit potential [V]")
    found = voltage(0.0, solved.states[:, 4], DESIGN)
    assert float(found[0]) == pytest.approx(solved.solution["Voltage [V]"].entries[4], rel=1e-10)
    assert potential(0.0, solved.states[:, 4], DESIGN).shape == (POINTS,)
    with pytest.raises(InputError, match="Voltage"):
        solved.residual.variable("Voltage [mV]")


def test_bad_input_is_refused(solved: Solved) -> None:
    states = solved.states[:, 0]
    less = {name: value for name, value in DESIGN.items() if name != CURRENT}
    with pytest.raises(InputError, match="Current function"):
        solved.residual.right_hand_side(0.0, states, less)
    with pytest.raises(InputError, match="as many as"):
        solved.residual.right_hand_side(0.0, states[:-1], DESIGN)
