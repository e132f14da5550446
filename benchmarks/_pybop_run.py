"""One optimisation by PyBOP, by SciPy's differential evolution, or by Bayesian optimisation.

It is run where PyBOP is installed, beside `_pybop_problem`, and writes what was found:

    python benchmarks/_pybop_run.py PROBLEM METHOD SEED BUDGET OUT.json

PROBLEM is *discharge* or *fast_charge*. METHOD is one of

- *SciPyMinimize*, *CMAES*, *XNES*, *PSO*: PyBOP's optimisers of these names. The first is COBYQA, which
  takes limits, from the best of some designs drawn first, and again from the next best; the others have
  shortfalls priced, begin in the middle of the box, and begin again when they have settled;
- *scipy-de*: SciPy's differential evolution, shortfalls priced: with limits of its own it is slower;
- *bayes*: the package bayesian-optimization, expected improvement, the limits learned besides.

BUDGET is how many simulations may be spent. A method that proposes many designs at a time may end a
few beyond it.
"""

import importlib.metadata
import json
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pybop
from _pybop_problem import PROBLEMS, Problem
from _pybop_simulation import Simulator, mesh, solver
from bayes_opt import BayesianOptimization
from bayes_opt.acquisition import ExpectedImprovement
from scipy.optimize import NonlinearConstraint, differential_evolution

POPULATIONS = {"CMAES": pybop.CMAES, "XNES": pybop.XNES, "PSO": pybop.PSO}
SCREENED = 16
"""Designs that are drawn before SciPyMinimize begins."""
TIGHT = {"rtol": 1e-8, "atol": 1e-10}
"""Tolerances of the simulation that verifies the best design."""
PACKAGES = ("pybop", "pybamm", "pints", "cma", "scipy", "bayesian-optimization", "numpy")


class SpentError(Exception):
    """The budget is spent."""


class Record:
    """Every design that was simulated, its figures, and when it was known.

    Parameters
    ----------
    problem
        What is optimised.
    budget
        How many designs may be simulated.
    """

    def __init__(self, problem: Problem, budget: int) -> None:
        self.problem, self.budget = problem, budget
        self.restart()

    def restart(self) -> None:
        """Forget everything, and let the clock begin."""
        self.entries: list[tuple[dict[str, float], dict[str, float], float]] = []
        self._known: dict[tuple[float, ...], dict[str, float]] = {}
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.perf_counter() - self._began

    @property
    def left(self) -> int:
        """How many designs may still be simulated."""
        return self.budget - len(self.entries)

    def add(self, design: Mapping[str, float], figures: dict[str, float]) -> None:
        """Take in what was simulated."""
        plain = {name: float(design[name]) for name in self.problem.bounds}
        self.entries.append((plain, figures, self.seconds))
        self._known[tuple(plain.values())] = figures

    def known(self, design: Mapping[str, float]) -> dict[str, float] | None:
        """Figures of a design that was simulated before."""
        return self._known.get(tuple(float(design[name]) for name in self.problem.bounds))

    def history(self) -> list[tuple[int, float, float]]:
        """Simulations, seconds and goal whenever a better design was found that meets every limit."""
        found, best = [], -np.inf
        for k, (_, figures, seconds) in enumerate(self.entries, start=1):
            if self.problem.held(figures) and figures[self.problem.goal] > best:
                best = figures[self.problem.goal]
                found.append((k, seconds, best))
        return found

    def best(self) -> tuple[dict[str, float], dict[str, float]]:
        """The best design that meets every limit, or else the one of most merit; and its figures."""
        if history := self.history():
            return self.entries[history[-1][0] - 1][:2]
        return max(self.entries, key=lambda entry: self.problem.merit(entry[1]))[:2]


class Cost(pybop.DesignCost):
    """A design cost of PyBOP's: the goal, less the price of shortfalls where they are priced."""

    def __init__(self, problem: Problem, record: Record, priced: bool) -> None:
        super().__init__(list(problem.outputs))
        self._problem, self._record, self._priced = problem, record, priced

    def evaluate(
        self, solution: Any, inputs: Any = None, calculate_sensitivities: bool = False
    ) -> float:
        """What is maximised."""
        failed = isinstance(solution, pybop.FailedSolution)
        figures = self._problem.failed(inputs) if failed else self._problem.figures(solution, inputs)
        self._record.add(inputs, figures)
        return self._problem.merit(figures) if self._priced else figures[self._problem.goal]

    def failure(self, parameter_names: list[str], calculate_sensitivities: bool = True) -> float:
        """What a design outside the bounds is worth: less than any inside."""
        return 0.0


def stated(problem: Problem, record: Record, priced: bool) -> Any:
    """State the problem to PyBOP, built and warmed up."""
    parameters = {
        name: pybop.Parameter(bounds=bounds, transformation=pybop.UnitHyperCube(*bounds))
        for name, bounds in problem.bounds.items()
    }
    model = problem.model()
    simulator = pybop.pybamm.Simulator(
        model,
        parameter_values=problem.parameter_values(parameters),
        protocol=problem.times,
        solver=solver(),
        **mesh(model),
    )
    if simulator.requires_model_rebuild:
        raise RuntimeError("PyBOP would build the model anew for each design")
    to_pybop = pybop.Problem(simulator, Cost(problem, record, priced))
    to_pybop.evaluate(to_pybop.parameters.to_dict(to_pybop.parameters.get_mean()))
    return to_pybop


def by_population(optimiser: Any, problem: Problem, record: Record, seed: int) -> None:
    """One of PyBOP's optimisers that sample from the box."""
    to_pybop = stated(problem, record, priced=True)
    record.restart()
    np.random.seed(seed)  # noqa: NPY002 - PINTS draws from it
    while record.left > 0:
        options = pybop.PintsOptions(
            max_evaluations=record.left,
            max_iterations=record.left,
            max_unchanged_iterations=40,
            relative_tolerance=1e-6,
        )
        optimiser(to_pybop, options=options).run()


def by_minimize(problem: Problem, record: Record, seed: int) -> None:
    """PyBOP's SciPyMinimize with COBYQA, from the best of some random designs, then the next best."""
    to_pybop = stated(problem, record, priced=False)
    parameters = to_pybop.parameters
    scale = problem.merit(record.entries[0][1])
    record.restart()
    np.random.seed(seed)  # noqa: NPY002 - PyBOP draws from it
    drawn = parameters.sample_from_distribution(min(SCREENED, record.budget))
    to_pybop.evaluate(drawn)
    order = np.argsort([-problem.merit(figures) for _, figures, _ in record.entries])

    def slacks(x: np.ndarray) -> list[float]:
        design = parameters.to_dict(parameters.transformation.to_model(x))
        if record.known(design) is None:
            to_pybop.evaluate(design)
        figures = record.known(design) or problem.failed(design)
        return [
            (figures[name] - least) * problem.prices[name] / scale
            for name, least in problem.least.items()
        ]

    limits = [NonlinearConstraint(slacks, 0, np.inf)] if problem.least else None
    for start in drawn[order]:
        if record.left <= 0:
            break
        parameters.update(initial_values=start)
        options = pybop.SciPyMinimizeOptions(
            method="COBYQA",
            jac=False,
            constraints=limits,
            solver_options={
                "initial_tr_radius": 0.2,
                "final_tr_radius": 1e-4,
                "maxfev": record.left,
                "scale": False,
            },
        )
        pybop.SciPyMinimize(to_pybop, options=options).run()


class Cube:
    """Designs of a problem as points of the unit cube, simulated by PyBaMM alone, each once."""

    def __init__(self, problem: Problem, record: Record) -> None:
        self._problem, self._record = problem, record
        self._low, self._high = np.array(list(problem.bounds.values())).T
        self._simulator = Simulator(problem)
        self([np.full(len(self._low), 0.5)])
        record.restart()

    def __call__(self, points: Sequence[Any]) -> list[dict[str, float]]:
        """Figures of some points."""
        designs = [self._design(point) for point in points]
        new = [design for design in designs if self._record.known(design) is None]
        if new and self._record.left <= 0:
            raise SpentError
        for design, figures in zip(new, self._simulator(new) if new else [], strict=True):
            self._record.add(design, figures)
        return [self._record.known(design) or {} for design in designs]

    def _design(self, point: Any) -> dict[str, float]:
        values = self._low + (self._high - self._low) * np.clip(np.asarray(point), 0.0, 1.0)
        return dict(zip(self._problem.bounds, values.tolist(), strict=True))


def by_evolution(problem: Problem, record: Record, seed: int) -> None:
    """SciPy's differential evolution; a generation is simulated at a time."""
    cube = Cube(problem, record)

    def costs(points: Sequence[Any]) -> list[float]:
        return [-problem.merit(figures) for figures in cube(points)]

    differential_evolution(
        lambda x: costs([x])[0],
        [(0.0, 1.0)] * len(problem.bounds),
        rng=seed,
        init="sobol",
        popsize=8,
        recombination=0.9,
        mutation=(0.4, 0.9),
        updating="deferred",
        workers=lambda _, points: costs(list(points)),
        maxiter=record.budget,
        tol=1e-8,
        polish=False,
    )


class Improvement(ExpectedImprovement):
    """Expected improvement, sought from two starts in place of ten: twice as fast, and as good."""

    def suggest(self, gp: Any, target_space: Any, **settings: Any) -> np.ndarray:
        """The design to be simulated next."""
        return super().suggest(gp, target_space, **{**settings, "n_smart": 2})


def by_bayes(problem: Problem, record: Record, seed: int) -> None:
    """Bayesian optimisation by expected improvement."""
    cube = Cube(problem, record)
    names = [f"x{k}" for k in range(len(problem.bounds))]

    def figures(**point: float) -> dict[str, float]:
        return cube([[point[name] for name in names]])[0]

    def slacks(**point: float) -> np.ndarray:
        found = figures(**point)
        return np.array([(found[k] - least) * problem.prices[k] for k, least in problem.least.items()])

    count = len(problem.least)
    search = BayesianOptimization(
        lambda **point: figures(**point)[problem.goal],
        dict.fromkeys(names, (0.0, 1.0)),
        acquisition_function=Improvement(xi=0.0),
        constraint=NonlinearConstraint(slacks, np.zeros(count), np.full(count, np.inf))
        if count
        else None,
        random_state=seed,
        verbose=0,
        allow_duplicate_points=True,
    )
    search.set_gp_params(alpha=1e-6, normalize_y=True)
    search.maximize(init_points=min(record.budget, 6 * len(names)), n_iter=record.budget)


METHODS = {"SciPyMinimize": by_minimize, "scipy-de": by_evolution, "bayes": by_bayes}


def optimise(problem: Problem, method: str, seed: int, budget: int) -> dict[str, Any]:
    """Run one method; return what it found, and verify its best design."""
    record, began = Record(problem, budget), time.perf_counter()
    try:
        if method in POPULATIONS:
            by_population(POPULATIONS[method], problem, record, seed)
        else:
            METHODS[method](problem, record, seed)
    except SpentError:
        pass
    seconds = record.seconds
    building = time.perf_counter() - began - seconds
    design, figures = record.best()
    return {
        "problem": problem.name,
        "method": method,
        "seed": seed,
        "budget": budget,
        "evaluations": len(record.entries),
        "seconds": seconds,
        "building [s]": building,
        "design": design,
        "figures": figures,
        "verified": Simulator(problem, **TIGHT)([design])[0],
        "limits held": problem.held(figures),
        "history": record.history(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def main() -> None:
    """Read the command line, optimise, write the result."""
    known = [*METHODS, *POPULATIONS]
    if len(sys.argv) != 6 or sys.argv[1] not in PROBLEMS or sys.argv[2] not in known:
        raise SystemExit(
            f"usage: _pybop_run.py {{{','.join(PROBLEMS)}}} {{{','.join(known)}}} SEED BUDGET OUT.json"
        )
    problem, method, seed, budget, path = sys.argv[1:]
    warnings.simplefilter("ignore")
    found = optimise(PROBLEMS[problem], method, int(seed), int(budget))
    Path(path).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
