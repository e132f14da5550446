"""The residual of the discretised P2D as a JAX function: PyBaMM's own equations, tables included.

PyBaMM discretises a model into M y' = f(t, y), with a diagonal M that is 0 in the algebraic rows. Here f
is the same expression tree that PyBaMM's solver integrates, evaluated by JAX, so that a loss can hold a
surrogate to the equations, and gradients reach states and inputs alike.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from electrograd.physics.errors import InputError, check_name
from electrograd.physics.jax_views import traceable
from electrograd.physics.pybamm_import import pybamm

Scalar = Float[Array, ""] | Float[np.ndarray, ""] | float
States = Float[Array, " states"] | Float[np.ndarray, " states"]
Inputs = Mapping[str, Scalar]


@dataclass(frozen=True, eq=False)
class P2DResidual:
    """A discretised model as JAX functions; all of them work under jit, vmap and grad.

    States are ordered and scaled as in PyBaMM's ``Solution.y`` for the same model, parameters and mesh:
    a state is (variable - reference) / scale of its `pybamm.Variable`. For batches use `jax.vmap`.

    Attributes
    ----------
    mass
        The diagonal of M: shape (states,); first the differential rows, then the algebraic ones (0).
    differential
        How many rows are differential.
    slices
        Where each variable lies in the state vector, by its name.
    inputs
        Names of the inputs that the equations take.
    """

    mass: Float[np.ndarray, " states"]
    differential: int
    slices: Mapping[str, slice]
    inputs: tuple[str, ...]
    _equations: Any
    _initial: Any
    _model: Any

    @classmethod
    def build(
        cls,
        model: Any,
        parameter_values: Any,
        submesh_types: Mapping[str, Any] | None = None,
        var_pts: Mapping[str, int] | None = None,
        spatial_methods: Mapping[str, Any] | None = None,
    ) -> "P2DResidual":
        """Discretise a model, as `pybamm.Simulation` does with the same arguments.

        Parameters
        ----------
        model
            A `pybamm.lithium_ion` model that is not yet discretised; it is left as it is.
        parameter_values
            Its `pybamm.ParameterValues`; what is "[input]" there becomes an input.
        submesh_types, var_pts, spatial_methods
            Replacements in the model's default submesh types by domain, control volumes by spatial
            variable, and spatial methods by domain. A length that is an input needs
            `electrograd.physics.symbolic_mesh`.

        Raises
        ------
        InputError
            If the model has an interpolant without a JAX equivalent (see `jax_views.traceable`), or a
            mass matrix that is not diagonal, as finite elements have.
        """
        processed = parameter_values.process_model(
            model, inplace=False, delayed_variable_processing=True
        )
        geometry = model.default_geometry
        parameter_values.process_geometry(geometry)
        mesh = pybamm.Mesh(
            geometry,
            {**model.default_submesh_types, **(submesh_types or {})},
            {**model.default_var_pts, **(var_pts or {})},
        )
        methods = {**model.default_spatial_methods, **(spatial_methods or {})}
        discretised = pybamm.Discretisation(mesh, methods).process_model(
            processed, inplace=False, delayed_variable_processing=True
        )
        mass = discretised.mass_matrix.entries.tocoo()
        if np.any(mass.row != mass.col):
            raise InputError("the model's mass matrix must be diagonal", "entries off the diagonal")
        equations = pybamm.numpy_concatenation(
            discretised.concatenated_rhs, discretised.concatenated_algebraic
        )
        initial = discretised.concatenated_initial_conditions
        return cls(
            mass=mass.toarray().diagonal(),
            differential=int(discretised.len_rhs),
            slices={variable.name: where[0] for variable, where in discretised.y_slices.items()},
            inputs=_inputs((equations, initial)),
            _equations=pybamm.EvaluatorJax(traceable(equations)),
            _initial=pybamm.EvaluatorJax(traceable(initial)),
            _model=discretised,
        )

    def __call__(
        self, time: Scalar, states: States, rates: States, inputs: Inputs
    ) -> Float[Array, " states"]:
        """Residual M y' - f(t, y), in the states' scaled units per second (algebraic rows: PyBaMM's).

        Parameters
        ----------
        time
            [s].
        states, rates
            y and y' [s-1], shape (states,); the algebraic entries of y' have no effect.
        inputs
            A number for each of ``inputs``; others are ignored.

        Raises
        ------
        InputError
            If an input is missing, or the states are not as many as the model's.
        """
        return jnp.asarray(self.mass) * rates - self.right_hand_side(time, states, inputs)

    def right_hand_side(self, time: Scalar, states: States, inputs: Inputs) -> Float[Array, " states"]:
        """Evaluate f(t, y): time derivatives, then the algebraic equations, which are 0 in a solution.

        Shapes, units and errors are those of the residual.
        """
        return self._evaluate(self._equations, self.inputs, time, states, inputs).ravel()

    def initial_state(self, inputs: Inputs) -> Float[Array, " states"]:
        """Return PyBaMM's initial state; its algebraic entries are a guess for a solver to correct."""
        return self._evaluate(self._initial, self.inputs, 0.0, np.zeros(len(self.mass)), inputs).ravel()

    def variable(self, name: str) -> "Observable":
        """Return any of the model's variables ("Voltage [V]") as a JAX function of the state.

        Raises
        ------
        InputError
            If the model has no variable of that name.
        """
        check_name(name, self._model.variables, "a variable must be one of the model's")
        symbol = self._model.get_processed_variable(name)
        return Observable(self, _inputs((symbol,)), pybamm.EvaluatorJax(traceable(symbol)))

    def _evaluate(
        self, evaluator: Any, names: Iterable[str], time: Scalar, states: States, inputs: Inputs
    ) -> Any:
        for name in names:
            check_name(name, inputs, "every input of the model needs a value")
        if states.shape != self.mass.shape:
            raise InputError("the states must be as many as the model's", states.shape, self.mass.shape)
        numbers = {name: jnp.asarray(inputs[name], float) for name in names}
        with jax.numpy_rank_promotion("allow"):  # PyBaMM multiplies columns and vectors
            return jnp.asarray(evaluator(time, jnp.asarray(states), numbers))


@dataclass(frozen=True, eq=False)
class Observable:
    """A variable of a discretised model; made by `P2DResidual.variable`.

    Attributes
    ----------
    inputs
        Names of the inputs that it takes.
    """

    _residual: P2DResidual
    inputs: tuple[str, ...]
    _evaluator: Any

    def __call__(self, time: Scalar, states: States, inputs: Inputs) -> Float[Array, " points"]:
        """Return the variable's values on its part of the mesh, in its own unit: shape (points,)."""
        return self._residual._evaluate(self._evaluator, self.inputs, time, states, inputs).ravel()


def _inputs(symbols: Iterable[Any]) -> tuple[str, ...]:
    found = {
        leaf.name
        for symbol in symbols
        for leaf in symbol.pre_order()
        if isinstance(leaf, pybamm.InputParameter)
    }
    return tuple(sorted(found))
