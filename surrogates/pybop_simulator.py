"""A surrogate in the place of PyBaMM, in an optimisation written with PyBOP.

    import pybop
    from electrograd.surrogates.pybop_simulator import FigureCost, SurrogateSimulator

    simulator = SurrogateSimulator(
        surrogate,
        {"Negative electrode porosity": pybop.Parameter(bounds=[0.28, 0.50], initial_value=0.35)},
        fixed={"C-rate": 2.0, ...},                     # every other variable of the trained box
        times=dataset["Time [s]"],                      # or up to each design's end, without
    )
    problem = pybop.Problem(simulator, pybop.RootMeanSquaredError(dataset))     # a fit, or a design:
    problem = pybop.Problem(simulator, FigureCost("Accepted capacity [A.h.m-2]"))
    pybop.SciPyMinimize(problem).run()

Sensitivities come with it, so that PyBOP's gradient optimisers run, for designs too. A design outside
the trained box, and times that no charge of the sweep can have lasted, are failed solutions, which
PyBOP's costs take for infinitely bad. This module needs PyBOP (``electrograd[pybop]``), which nothing
else here does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from electrograd.physics.charge import TIME
from electrograd.physics.errors import InputError, check_name
from electrograd.surrogates.surrogate import Surrogate
from electrograd.surrogates.timed import OUTPUTS, outputs_at, outputs_to_end, rate

# isort: split
import pybop

import electrograd.physics.pybamm_import  # noqa: F401  (before PyBOP imports PyBaMM, with telemetry)


class SurrogateSimulator(pybop.BaseSimulator):
    """A PyBOP simulator that asks a surrogate; every solve is one compiled call for all candidates.

    Parameters
    ----------
    surrogate
        A trained surrogate.
    parameters
        What PyBOP searches: `pybop.Parameter` by the name of a variable of the trained box.
    fixed
        Values of the box's other variables, SI units.
    times
        When to give the observables [s]. They go on after the end of the charge, as those of PyBOP's own
        simulator do; by default they end there, with as many `points` as said.

    Raises
    ------
    InputError
        For names that are not variables of the box, given twice or not at all, and for bad times.
    """

    def __init__(
        self,
        surrogate: Surrogate,
        parameters: Mapping[str, Any],
        fixed: Mapping[str, float],
        times: Sequence[float] | np.ndarray | None = None,
        points: int = 33,
    ) -> None:
        super().__init__(pybop.Parameters(dict(parameters)))
        names = surrogate.space.names
        for name in (*parameters, *fixed):
            check_name(name, names, "PyBOP's parameters and what is fixed must be variables of the box")
        twice = [name for name in fixed if name in parameters]
        missing = [name for name in names if name not in parameters and name not in fixed]
        if twice or missing:
            raise InputError(
                "every variable of the box is either a parameter or fixed",
                f"twice: {twice}, not at all: {missing}",
            )
        self._surrogate = surrogate
        self._free = list(parameters)
        self._base = np.array([fixed.get(name, 0.0) for name in names])
        self._places = [names.index(name) for name in self._free]
        self._last = 0.0 if times is None else float(np.max(times))
        self._of_design = (
            outputs_to_end(surrogate, points) if times is None else outputs_at(surrogate, times)
        )
        self.set_output_variables(list(OUTPUTS))

    @property
    def has_sensitivities(self) -> bool:
        """Always: derivatives by JAX."""
        return True

    def set_output_variables(self, target: list[str]) -> None:
        """Name what is wanted, and alone computed; raises `InputError` for what is not known."""
        for name in target:
            check_name(name, OUTPUTS, "a surrogate gives these observables and figures of merit")
        self._targets = list(dict.fromkeys([*target, TIME]))

        def outputs(free: Float[Array, " parameters"]) -> tuple[dict[str, Array], dict[str, Array]]:
            design = jnp.asarray(self._base).at[jnp.asarray(self._places)].set(free)
            found = self._of_design(design)
            wanted = {name: found[name] for name in self._targets}
            return wanted, wanted

        self._values = jax.jit(jax.vmap(lambda free: outputs(free)[0]))
        self._slopes_and_values = jax.jit(jax.vmap(jax.jacfwd(outputs, has_aux=True)))

    def solve_batch(
        self, inputs: list[dict[str, float]], calculate_sensitivities: bool = False
    ) -> list[Any]:
        """Solutions of candidates, parameters by name; failed ones where nothing was learned."""
        if not inputs:
            return []
        free = np.array([[each[name] for name in self._free] for each in inputs], float)
        learned = self._learned(free)
        failed = pybop.FailedSolution(self._targets, self._free)
        if not learned.any():
            return [failed] * len(inputs)
        # A few sizes of batch, each compiled once; one that was learned stands in for the rest.
        size = 1 << (len(free) - 1).bit_length()
        filled = np.repeat(free[int(np.argmax(learned))][None], size, axis=0)
        filled[: len(free)][learned] = free[learned]
        slopes, values = (
            self._slopes_and_values(filled) if calculate_sensitivities else ({}, self._values(filled))
        )
        slopes, values = jax.device_get((slopes, values))
        return [
            self._solution(each, k, values, slopes) if learned[k] else failed
            for k, each in enumerate(inputs)
        ]

    def _learned(self, free: Float[np.ndarray, "candidates parameters"]) -> np.ndarray:
        """Which candidates lie in the box, and were still under way at the last time."""
        space = self._surrogate.space
        designs = np.repeat(self._base[None], len(free), axis=0)
        designs[:, self._places] = free
        low, high = np.array(space.lower), np.array(space.upper)
        slip = 1e-6 * (high - low)
        inside = np.all((designs >= low - slip) & (designs <= high + slip), axis=1)
        share = np.asarray(rate(self._surrogate, jnp.asarray(designs))) * self._last / 3600
        return np.asarray(inside & (share <= self._surrogate.scenario.charge_limit))

    def _solution(
        self, inputs: dict[str, float], k: int, values: dict[str, Any], slopes: dict[str, Any]
    ) -> Any:
        solution = pybop.Solution(inputs)
        for name, value in values.items():
            by_parameter = (
                {p: slopes[name][k][:, i] for i, p in enumerate(self._free)} if slopes else None
            )
            solution.set_solution_variable(name, value[k], by_parameter)
        return solution


class FigureCost(pybop.DesignCost):
    """A figure of merit to be maximised, with its gradient, which PyBOP's own design costs lack."""

    def evaluate(
        self,
        solution: Any,
        inputs: dict[str, float] | None = None,
        calculate_sensitivities: bool = False,
    ) -> Any:
        """Return the figure, and its slopes by parameter where they are asked for."""
        value = super().evaluate(solution, inputs, calculate_sensitivities)
        if not calculate_sensitivities or isinstance(solution, pybop.FailedSolution):
            return value
        slopes = solution[self.target[0]].sensitivities
        return value, {name: slope[-1] for name, slope in slopes.items()}
