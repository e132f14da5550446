"""The front of `xfc` beside NSGA-II's, by hypervolume.

``make bench`` runs it on the run of `xfc` that `studies` leaves, which is made where there is none, and
writes ``benchmarks/results/front.json`` and ``.md``. Ours are the simulated points of the study's front.
NSGA-II (pymoo) is asked the surrogate that has seen every one of our simulations, a hundred times as
often as we simulated, sweep included, and its designs are taken at that surrogate's word: none is
simulated. It keeps a hundred designs; in a second run, as many as our front has points. To charge faster
than the study's levels is worth nothing to either. The reference point lies a tenth of both fronts'
range beyond their worst corner.
"""

import json
import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import Problem
from pymoo.indicators.hv import HV
from pymoo.optimize import minimize

import electrograd as eg
from electrograd.design.package import versions
from electrograd.design.problem import Goal
from electrograd.design.refine import reached
from electrograd.designing import seen_by
from electrograd.front_command import traced
from electrograd.surrogates.figure_surrogate import FigureSurrogate

RESULTS = Path(__file__).parent / "results"
KEPT = Path("runs") / "benchmark" / "studies"
STUDY = "xfc"
TIMES_AS_MANY = 100
BEYOND = 0.1


class OnSurrogate(Problem):  # type: ignore[misc]
    """Two figures of merit to be minimised within limits, as pymoo asks for them."""

    def __init__(self, surrogate: FigureSurrogate, goal: Goal, other: Goal, fastest: float) -> None:
        self.surrogate, self.goal, self.other, self.fastest = surrogate, goal, other, fastest
        space = surrogate.space
        super().__init__(
            n_var=len(space),
            n_obj=2,
            n_ieq_constr=len(goal.limits),
            xl=np.asarray(space.lower),
            xu=np.asarray(space.upper),
        )

    def _evaluate(self, x: np.ndarray, out: dict[str, Any], *_: Any, **__: Any) -> None:
        figures = self.surrogate.predict(x)
        out["F"] = np.maximum(costs(figures, self.goal, self.other), [-np.inf, self.fastest])
        out["G"] = -np.stack([limit.slack(figures) for limit in self.goal.limits], axis=1)


def costs(figures: Any, goal: Goal, other: Goal) -> np.ndarray:
    """Both figures, less being better; shape (designs, 2)."""
    return np.stack([-aim.sign * np.asarray(figures[aim.figure]) for aim in (goal, other)], axis=1)


def measure() -> dict[str, Any]:
    """Trace or read our front, let NSGA-II find its own, and compare."""
    run = eg.StudyRun(eg.load_study(STUDY), KEPT, eg.Reporter())
    front, study = traced(run), run.study
    other, section = study.front
    aimed = reached(study.goal)
    kept = tuple(limit for limit in aimed.limits if limit.figure != other.figure)
    goal = Goal(aimed.figure, aimed.sense, kept)
    surrogate = seen_by(run.surrogate, front["explored_designs"])
    ours = costs(
        {
            name: np.array([point["simulated"][name] for point in front["points"]])
            for name in (goal.figure, other.figure)
        },
        goal,
        other,
    )
    simulated = sum(map(len, (run.dataset, front["explored_designs"], front["verified_designs"])))
    fastest, slowest = sorted(section.range or (-np.inf, np.inf))
    found = {}
    for label, population in (("a hundred", 100), ("as many as ours", len(ours))):
        began = time.perf_counter()
        result = minimize(
            OnSurrogate(surrogate, goal, other, fastest),
            NSGA2(pop_size=population),
            ("n_eval", TIMES_AS_MANY * simulated),
            seed=1,
        )
        theirs = result.F[result.F[:, 1] <= slowest]
        mine = np.maximum(ours, [-np.inf, fastest])
        both = np.concatenate([mine, theirs])
        worst = both.max(axis=0)
        volume = HV(ref_point=worst + BEYOND * (worst - both.min(axis=0)))
        found[label] = {
            "evaluations": int(result.algorithm.evaluator.n_eval),
            "seconds": time.perf_counter() - began,
            "points": len(theirs),
            "hypervolume of ours over theirs": float(volume(mine) / volume(theirs)),
            "front": theirs.tolist(),
        }
    return {"our simulations": simulated, "our points": len(ours), "ours": ours.tolist(), "nsga2": found}


def table(result: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        f"# The front of `{STUDY}` beside NSGA-II's, {result['date']}",
        "",
        f"{result['machine']}. Ours: {result['our points']} points, {result['our simulations']} "
        "simulations, sweep included. NSGA-II (pymoo) on the surrogate that has seen them all.",
        "",
        "| NSGA-II keeps | evaluations | points | seconds | hypervolume, ours over theirs |",
        "|---|---|---|---|---|",
    ]
    for label, found in result["nsga2"].items():
        lines.append(
            f"| {label} | {found['evaluations']:,} | {found['points']} | {found['seconds']:.0f} | "
            f"{found['hypervolume of ours over theirs']:.4f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write the results."""
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "versions": versions(),
        **measure(),
    }
    (RESULTS / "front.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    (RESULTS / "front.md").write_text(table(result))
    print(table(result))


if __name__ == "__main__":
    main()
