"""PyBaMM's material expressions as JAX functions: potentials, kinetics, transport.

Nothing is typed in again: a parameter set is applied to PyBaMM's own symbols, the few nodes that JAX
cannot trace are replaced by equal ones that it can, and `pybamm.EvaluatorJax` does the rest. The result
equals PyBaMM's ``evaluate`` to rounding (tests: 1e-10), and can be jitted, batched and differentiated.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.interpolate import RegularGridInterpolator
from jax.scipy.special import erf
from jaxtyping import Array, Float

from electrograd.physics.errors import InputError, check_name, nearest_name
from electrograd.physics.pybamm_import import pybamm

Values = Float[Array, "..."] | Float[np.ndarray, "..."] | float
"""Arguments of a view: arrays of one shape, or single numbers that hold for all of it."""

STOICHIOMETRY = "Stoichiometry"
SURFACE = "Particle surface concentration [mol.m-3]"
ELECTROLYTE = "Electrolyte concentration [mol.m-3]"
TEMPERATURE = "Temperature [K]"


def traceable(symbol: Any) -> Any:
    """Replace the nodes of a processed PyBaMM symbol that `pybamm.EvaluatorJax` cannot trace.

    These are interpolants, which are SciPy's, conditionals, which are Python's ``if``, functions that
    JAX has under another name, and named constants. What needs no change is shared with ``symbol``.

    Raises
    ------
    InputError
        For an interpolant that has no JAX equivalent: cubic in two dimensions or more, or of vectors.
    """
    return pybamm.tree_map(_replace, symbol)


def _replace(node: Any, leaves: tuple[Any, ...]) -> Any:
    before, structure = pybamm.tree_flatten(node)
    if any(new is not old for new, old in zip(leaves, before, strict=True)):
        # A copy by the constructor would forget domains that the discretisation has set.
        node = pybamm.tree_unflatten(structure, leaves)
    if isinstance(node, pybamm.Interpolant):
        # PyBaMM tells functions apart by name, and takes two of one name and argument for the same.
        return pybamm.Function(interpolation(node), *node.children, name=f"{node.name} {node.id}")
    if isinstance(node, pybamm.Constant):
        return pybamm.Scalar(node.value)
    if isinstance(node, pybamm.NotConstant):
        return node.child
    if isinstance(node, pybamm.Conditional):
        return pybamm.Function(_select, *node.children, name="conditional")
    function = _UNDER_ANOTHER_NAME.get(type(node))
    return node if function is None else pybamm.Function(function, *node.children)


def _select(selector: Any, *branches: Any) -> Any:
    number = jnp.reshape(selector, ())
    return sum(jnp.where(abs(number - i) < 0.5, branch, 0.0) for i, branch in enumerate(branches, 1))


_UNDER_ANOTHER_NAME: dict[type, Callable[..., Any]] = {
    pybamm.Erf: erf,
    pybamm.Sign: jnp.sign,
    pybamm.Floor: jnp.floor,
    pybamm.Ceiling: jnp.ceil,
    pybamm.Max: jnp.max,
    pybamm.Min: jnp.min,
}


def interpolation(interpolant: Any) -> Callable[..., Any]:
    """Return a `pybamm.Interpolant` as an elementwise JAX function of its arguments.

    In one dimension it is the piecewise polynomial of the SciPy object in the node, coefficient by
    coefficient, with that object's rule at the knots and beyond the ends: the end pieces go on, or NaN.

    Raises
    ------
    InputError
        For cubic interpolation in two dimensions or more, or of vectors.
    """
    scipy, kind = interpolant.function, interpolant.interpolator
    if np.ndim(interpolant.y) != interpolant.dimension:
        rule = "an interpolant in JAX must give one number per point"
        raise InputError(rule, f"{interpolant.name!r} of shape {np.shape(interpolant.y)}")
    if interpolant.dimension > 1:
        if kind != "linear":
            rule = "an interpolant of several arguments must be linear in JAX"
            raise InputError(rule, f"{interpolant.name!r}, {kind}", "linear")
        return _grid(
            RegularGridInterpolator(scipy.grid, scipy.values, "linear", False, scipy.fill_value)
        )
    if kind == "linear":
        x, y = np.asarray(scipy.x, float), np.asarray(scipy.y, float)
        # A step is a knot given twice: there SciPy takes the value before it where it goes on beyond the
        # ends, else the one after; the piece of no width is never met.
        side = "left" if interpolant.extrapolate else "right"
        slopes = np.divide(np.diff(y), np.diff(x), out=np.zeros(len(x) - 1), where=np.diff(x) > 0)
        return partial(_piecewise, x, np.stack([slopes, y[:-1]]), side, interpolant.extrapolate)
    return partial(_piecewise, scipy.x, scipy.c, "right", interpolant.extrapolate)


def _piecewise(
    knots: np.ndarray, coefficients: np.ndarray, side: str, extrapolate: bool, argument: Any
) -> Any:
    """Evaluate a piecewise polynomial; coefficients are (degree + 1, pieces), highest power first."""
    x = jnp.asarray(argument, jnp.result_type(float, argument))
    ends = jnp.asarray(knots, x.dtype)
    piece = jnp.clip(jnp.searchsorted(ends, x, side=side) - 1, 0, len(knots) - 2)
    local = x - ends[piece]
    value = jnp.zeros_like(x)
    for coefficient in jnp.asarray(coefficients, x.dtype):
        value = value * local + coefficient[piece]
    inside = (x >= ends[0]) & (x <= ends[-1])
    return value if extrapolate else jnp.where(inside, value, jnp.nan)


def _grid(interpolator: RegularGridInterpolator) -> Callable[..., Any]:
    def evaluate(*arguments: Any) -> Any:
        points = jnp.stack(jnp.broadcast_arrays(*arguments), axis=-1)
        with jax.numpy_rank_promotion("allow"):  # JAX's own code promotes
            return interpolator(points)

    return evaluate


@dataclass(frozen=True, eq=False)
class View:
    """A processed PyBaMM symbol as an elementwise JAX function; made by `jax_function`.

    Attributes
    ----------
    arguments
        Names of the arguments, in the order of the call.
    """

    arguments: tuple[str, ...]
    _evaluator: Any

    def __call__(self, *values: Values) -> Float[Array, "..."]:
        """Evaluate at one value or array for each argument.

        Arrays have one shape, which is the result's; single numbers go with any. The result is float64
        unless all arrays are of a smaller floating-point type.

        Raises
        ------
        InputError
            If the number of arguments is not that of ``arguments``, or their shapes differ.
        """
        if len(values) != len(self.arguments):
            raise InputError("a view takes " + ", ".join(self.arguments), f"{len(values)} arguments")
        shapes = {np.shape(value) for value in values} - {()}
        if len(shapes) > 1:
            raise InputError("the arguments of a view must have one shape", sorted(shapes))
        shape = shapes.pop() if shapes else ()
        dtype = jnp.result_type(*values)
        inputs = {n: jnp.asarray(v, dtype) for n, v in zip(self.arguments, values, strict=True)}
        return jnp.broadcast_to(jnp.asarray(self._evaluator(inputs=inputs), dtype), shape)


def jax_function(symbol: Any, arguments: Sequence[str]) -> View:
    """Return a processed PyBaMM symbol as a JAX function.

    Parameters
    ----------
    symbol
        A symbol as `pybamm.ParameterValues.process_symbol` gives it.
    arguments
        Names of the `pybamm.Variable`s and `pybamm.InputParameter`s in it, in the order of the call. One
        that does not occur is allowed: some sets' diffusivities do not depend on temperature.

    Raises
    ------
    InputError
        If anything else is left open in the symbol: another input, time, a position.
    """
    mapping = {}
    for leaf in symbol.pre_order():
        if isinstance(leaf, pybamm.Variable | pybamm.InputParameter):
            check_name(leaf.name, arguments, "every open quantity of a view must be an argument")
            mapping[leaf] = pybamm.InputParameter(leaf.name)
        elif isinstance(leaf, pybamm.IndependentVariable | pybamm.StateVectorBase | pybamm.Parameter):
            raise InputError(
                "a view may depend on variables and inputs only",
                f"{leaf.name!r} ({type(leaf).__name__})",
                nearest_name(leaf.name, arguments),
            )
    opened = traceable(pybamm.replace(symbol, mapping))
    return View(tuple(arguments), pybamm.EvaluatorJax(opened))


@dataclass(frozen=True, eq=False)
class ElectrodeViews:
    """Material functions of one electrode's active material.

    Attributes
    ----------
    potential
        Open-circuit potential against lithium [V] of (stoichiometry, temperature [K]).
    exchange_current
        Exchange current density [A.m-2] of (electrolyte concentration [mol.m-3], particle surface
        concentration [mol.m-3], temperature [K]).
    diffusivity
        Diffusivity of lithium in the particle [m2.s-1] of (stoichiometry, temperature [K]).
    maximum_concentration
        Lithium in the full active material [mol.m-3].
    """

    potential: View
    exchange_current: View
    diffusivity: View
    maximum_concentration: float

    def slope(self, stoichiometry: Values, temperature: Values) -> Float[Array, "..."]:
        """Slope of the open-circuit potential, dU/dstoichiometry [V]; shapes as for a view."""
        shape = np.broadcast_shapes(np.shape(stoichiometry), np.shape(temperature))
        x = jnp.broadcast_to(jnp.asarray(stoichiometry), shape)
        return jax.jvp(lambda x: self.potential(x, temperature), (x,), (jnp.ones_like(x),))[1]


@dataclass(frozen=True, eq=False)
class ElectrolyteViews:
    """Material functions of the electrolyte, all of (concentration [mol.m-3], temperature [K]).

    Attributes
    ----------
    diffusivity
        Salt diffusivity [m2.s-1].
    conductivity
        Ionic conductivity [S.m-1].
    transference_number
        Cation transference number.
    thermodynamic_factor
        1 + dln f±/dln c.
    """

    diffusivity: View
    conductivity: View
    transference_number: View
    thermodynamic_factor: View


@dataclass(frozen=True, eq=False)
class MaterialViews:
    """All material functions of a cell; see `ElectrodeViews` and `ElectrolyteViews`."""

    negative: ElectrodeViews
    positive: ElectrodeViews
    electrolyte: ElectrolyteViews

    @classmethod
    def from_pybamm(cls, parameter_values: Any) -> "MaterialViews":
        """Derive the views from a `pybamm.ParameterValues` of a lithium-ion cell.

        Raises
        ------
        InputError
            If a material function depends on an input ("[input]") or on a position: `jax_function` can
            make such a view, with the input as an argument.
        """
        parameters = pybamm.LithiumIonParameters()
        # Variables, not input parameters: PyBaMM regularises powers of what varies with the state only.
        x, surface, salt, temperature = (
            pybamm.Variable(name) for name in (STOICHIOMETRY, SURFACE, ELECTROLYTE, TEMPERATURE)
        )

        def view(symbol: Any, *arguments: Any) -> View:
            names = [argument.name for argument in arguments]
            return jax_function(parameter_values.process_symbol(symbol), names)

        def electrode(side: str) -> ElectrodeViews:
            phase = getattr(parameters, side).prim
            return ElectrodeViews(
                view(phase.U(x, temperature), x, temperature),
                view(phase.j0(salt, surface, temperature), salt, surface, temperature),
                view(phase.D(x * phase.c_max, temperature), x, temperature),
                float(parameter_values.process_symbol(phase.c_max).evaluate()),
            )

        of_salt = (
            parameters.D_e,
            parameters.kappa_e,
            parameters.t_plus,
            parameters.thermodynamic_factor,
        )
        electrolyte = ElectrolyteViews(
            *(view(function(salt, temperature), salt, temperature) for function in of_salt)
        )
        return cls(electrode("n"), electrode("p"), electrolyte)
