"""How the peers simulate: solver, mesh, and PyBaMM alone for those that PyBOP does not drive."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import pybamm
from _pybop_problem import ATOL, POINTS, RTOL, Problem


def solver(rtol: float = RTOL, atol: float = ATOL) -> Any:
    """PyBaMM's fastest solver, as PyBOP recommends it: designs of a batch go to all processors.

    Compiling the model would save a quarter of each solve, but takes as long as 800 of them.
    """
    own = hasattr(os, "sched_getaffinity")
    threads = len(os.sched_getaffinity(0)) if own else os.cpu_count() or 1
    return pybamm.IDAKLUSolver(
        rtol=rtol, atol=atol, on_failure="ignore", options={"num_threads": threads}
    )


def mesh(model: Any) -> dict[str, Any]:
    """Keywords of PyBaMM's and PyBOP's simulations: uniform meshes whose lengths may be inputs."""
    domains = (*(f"{s} electrode" for s in ("negative", "positive")), "separator")
    particles = ("negative particle", "positive particle")
    uniform = dict.fromkeys((*domains, *particles), pybamm.SymbolicUniform1DSubMesh)
    return {
        "submesh_types": {**model.default_submesh_types, **uniform},
        "var_pts": dict.fromkeys(("x_n", "x_s", "x_p", "r_n", "r_p"), POINTS),
    }


class Simulator:
    """Figures of designs by PyBaMM alone; the model is built once.

    Parameters
    ----------
    problem
        What is simulated.
    rtol, atol
        The solver's tolerances.
    """

    def __init__(self, problem: Problem, rtol: float = RTOL, atol: float = ATOL) -> None:
        self.problem = problem
        model, solving = problem.model(), solver(rtol, atol)
        solving.output_variables = list(problem.outputs)
        self._simulation = pybamm.Simulation(
            model,
            parameter_values=problem.parameter_values(dict.fromkeys(problem.bounds, "[input]")),
            solver=solving,
            **mesh(model),
        )
        self._simulation.build()

    def __call__(self, designs: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
        """Simulate some designs, as many at a time as there are processors."""
        try:
            found = self._solve([dict(design) for design in designs])
        except pybamm.SolverError:  # one cannot be started; which one, PyBaMM does not say
            if len(designs) == 1:
                return [self.problem.failed(designs[0])]
            return [figures for design in designs for figures in self([design])]
        return [
            self.problem.failed(design)
            if solution.termination == "failure"
            else self.problem.figures(solution, design)
            for solution, design in zip(found, designs, strict=True)
        ]

    def _solve(self, designs: list[dict[str, float]]) -> list[Any]:
        times, one = self.problem.times, len(designs) == 1
        inputs = designs[0] if one else designs
        found = self._simulation.solve([times[0], times[-1]], inputs=inputs, t_interp=times)
        return [found] if one else found
