"""Our search beside PyBOP's optimisers, differential evolution and Bayesian optimisation on PyBaMM.

``make bench`` runs it and writes ``benchmarks/results/optimisers.json`` and ``.md``. The peers need an
older NumPy than ours, so that they have a virtual environment of their own, which is made in
``runs/benchmark/peers`` (`peers.txt` says what is in it) and kept. Two problems, stated twice: for the
peers in `_pybop_problem`, for us as studies.

- *discharge*, PyBOP's own kind: most energy per mass of a 3C discharge of `Chen2020`, by thickness and
  porosity of the positive electrode;
- *fast_charge*: the bundled study, four variables and two limits at 1C.

Each peer runs with five seeds, and a budget that doubling does not better. Every optimum, theirs and
ours, is simulated by the same P2D on a mesh three times as fine as that on which they searched, and as
we swept. Ours is timed warm, verification included: another problem of the same box was solved before.
What it takes to get there (sweep, training, compiling) is told as the number of problems after which it
is paid back.

    python benchmarks/optimisers.py [PROBLEM METHOD ...]
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import time
import venv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import electrograd as eg
from electrograd.design.package import versions
from electrograd.design.problem import Goal, Limit
from electrograd.designing import finder
from electrograd.physics.variables import (
    ACCEPTED_SHARE,
    ENERGY_DENSITY,
    PLATING_MARGIN,
    THEORETICAL_SPECIFIC_ENERGY,
)
from electrograd.study_file import parse_study

HERE = Path(__file__).parent
RESULTS, KEPT = HERE / "results", Path("runs") / "benchmark" / "optimisers"
PEERS = Path("runs") / "benchmark" / "peers"
SEEDS = range(5)

DISCHARGE = """
name: discharge
cell: Chen2020
variables:
  Positive electrode thickness [m]: [50.0e-6, 120.0e-6]
  Positive electrode porosity: [0.30, 0.70]
fixed:
  Negative electrode thickness [m]: 85.2e-6
scenario:
  C-rate: 1.0
  discharge C-rate: 3.0
goal:
  maximise: Specific energy [W.h.kg-1]
sweep:
  designs: 128
"""
STUDIES = {
    "discharge": lambda: parse_study(DISCHARGE),
    "fast_charge": lambda: eg.load_study("fast_charge"),
}
BUDGETS = {
    "discharge": {"SciPyMinimize": 120, "CMAES": 300, "PSO": 400, "scipy-de": 400, "bayes": 60},
    "fast_charge": {"SciPyMinimize": 120, "CMAES": 450, "XNES": 700, "scipy-de": 1100, "bayes": 70},
}
"""Simulations that each method may spend."""
PYBOP = ("SciPyMinimize", "CMAES", "PSO", "XNES")


def other_goal(problem: str) -> Goal:
    """Another problem of the same box, to be solved first."""
    if problem == "discharge":
        return Goal(ENERGY_DENSITY, "maximise", ())
    limits = (Limit(ACCEPTED_SHARE, "at least", 0.68), Limit(PLATING_MARGIN, "at least", 0.005))
    return Goal(THEORETICAL_SPECIFIC_ENERGY, "maximise", limits)


def ours(problem: str) -> dict[str, Any]:
    """Sweep, learn, solve another problem, and then the one that is compared."""
    shutil.rmtree(KEPT / problem, ignore_errors=True)
    run, clock = eg.StudyRun(STUDIES[problem](), KEPT, eg.Reporter()), time.perf_counter
    began = clock()
    designs = len(run.dataset)
    swept = clock()
    _ = run.surrogate
    learned = clock()
    with finder(run) as find:
        find(other_goal(problem))
        ready = clock()
        outcome = find(run.study.goal)
        seconds = clock() - ready
    prices = outcome.winner.prices
    return {
        "sweep": designs,
        "sweep [s]": swept - began,
        "training [s]": learned - swept,
        "first problem, compiling [s]": ready - learned,
        "seconds": seconds,
        "simulations": [len(outcome.explored), len(outcome.candidates)],
        "design": outcome.winner.design,
        "predicted": {name: outcome.winner.predicted[name] for name in figures_of(run.study.goal)},
        "verified": {
            name: outcome.winner.simulated.figures[name] for name in figures_of(run.study.goal)
        },
        "limits met": outcome.feasible,
        "prices": {} if prices is None else {one.figure: gain for one, gain in prices.limits.items()},
    }


def figures_of(goal: Goal) -> list[str]:
    """The goal's figure and those of the limits."""
    return list(dict.fromkeys([goal.figure, *(limit.figure for limit in goal.limits)]))


def peers_python() -> Path:
    """The interpreter of the peers' environment, which is made where there is none."""
    python = PEERS / "bin" / "python"
    wanted = (HERE / "peers.txt").read_text()
    stamp = PEERS / "made-from.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(PEERS, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(HERE / "peers.txt")], check=True)
        stamp.write_text(wanted)
    return python


def theirs(problem: str, method: str) -> list[dict[str, Any]]:
    """One method's runs, each simulated again by the same P2D as ours."""
    study, found = STUDIES[problem](), []
    run = eg.StudyRun(study, KEPT, eg.Reporter(quiet=True))
    with run.verifier() as verify:
        for seed in SEEDS:
            file = KEPT / f"{problem}-{method}-{seed}.json"
            budget = str(BUDGETS[problem][method])
            script = str(HERE / "_pybop_run.py")
            given = [str(peers_python()), script, problem, method, str(seed), budget, str(file)]
            subprocess.run(given, check=True)
            told = json.loads(file.read_text())
            figures = verify(told["design"]).figures
            found.append(
                {
                    "seed": seed,
                    "evaluations": told["evaluations"],
                    "seconds": told["seconds"],
                    "design": told["design"],
                    "verified": {name: figures[name] for name in figures_of(study.goal)},
                    "versions": told["versions"],
                }
            )
            print(problem, method, seed, told["evaluations"], f"{told['seconds']:.1f} s", flush=True)
    return found


def made_up(goal: Goal, run: dict[str, Any], prices: dict[str, float]) -> float:
    """A run's verified value once what it is short of its limits on the finer mesh is paid for."""
    figures = run["verified"]
    owed = sum(prices.get(one.figure, 0.0) * max(0.0, -one.slack(figures)) for one in goal.limits)
    return float(figures[goal.figure] - goal.sign * owed)


def table(result: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        f"# Optimisers, {result['date']}",
        "",
        f"{result['machine']}. Every optimum simulated by the same P2D, on a mesh three times "
        "finer than the searches'. There a peer's optimum may break a limit by what the meshes differ; "
        "that is paid for at the limit's price. Seconds and simulations are medians of five seeds.",
    ]
    for problem, found in result["problems"].items():
        mine, goal = found["ours"], STUDIES[problem]().goal
        lines += [
            "",
            f"## {problem}: {goal.sense} {goal.figure}",
            "",
            "| method | simulations | seconds | best of all seeds | worst | times our seconds |",
            "|---|---|---|---|---|---|",
            f"| electrograd, warm | {mine['simulations'][0]} + {mine['simulations'][1]} finer "
            f"| {mine['seconds']:.2f} | "
            f"{mine['verified'][goal.figure]:.3f}{'' if mine['limits met'] else ' BROKEN'} | – | 1 |",
        ]
        for method, runs in found["theirs"].items():
            seconds = float(np.median([run["seconds"] for run in runs]))
            values = sorted(goal.sign * made_up(goal, run, mine["prices"]) for run in runs)
            told = [f"{goal.sign * values[k]:.3f}" for k in (-1, 0)]
            name = f"PyBOP {method}" if method in PYBOP else method
            cells = [
                name,
                f"{np.median([run['evaluations'] for run in runs]):.0f}",
                f"{seconds:.1f}",
                *told,
                f"{seconds / mine['seconds']:.1f}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
        before = sum(mine[key] for key in ("sweep [s]", "training [s]", "first problem, compiling [s]"))
        pybop = [r for method in PYBOP for r in found["theirs"].get(method, [])]
        lines += [
            "",
            f"Ours: sweep of {mine['sweep']} in {mine['sweep [s]']:.0f} s, training "
            f"{mine['training [s]']:.0f} s, first problem {mine['first problem, compiling [s]']:.0f} s.",
        ]
        if pybop:
            theirs_best = goal.sign * max(goal.sign * made_up(goal, r, mine["prices"]) for r in pybop)
            gain = 100 * goal.sign * (mine["verified"][goal.figure] / theirs_best - 1)
            lines.append(f"Ours beside PyBOP's best of all runs: {gain:+.3f} %.")
            for method in PYBOP:
                if runs := found["theirs"].get(method):
                    seconds = float(np.median([run["seconds"] for run in runs]))
                    saved = seconds - mine["seconds"]
                    told = f"after {before / saved:.0f} problems" if saved > 0 else "never"
                    lines.append(f"Paid back, beside one run of {method} a problem: {told}.")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what is asked for, by default everything, and write all that is known."""
    KEPT.mkdir(parents=True, exist_ok=True)
    path = RESULTS / "optimisers.json"
    known = json.loads(path.read_text())["problems"] if path.exists() else {}
    asked = sys.argv[1:]
    for problem in [asked[0]] if asked else STUDIES:
        found = known.setdefault(problem, {"ours": None, "theirs": {}})
        for method in asked[1:] or ["ours", *BUDGETS[problem]]:
            if method == "ours":
                found["ours"] = ours(problem)
            else:
                found["theirs"][method] = theirs(problem, method)
            result = {
                "date": datetime.now(UTC).date().isoformat(),
                "machine": f"{platform.machine()}, {os.cpu_count()} cores, "
                f"Python {platform.python_version()}",
                "versions": versions(),
                "problems": {name: known[name] for name in STUDIES if name in known},
            }
            path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    (RESULTS / "optimisers.md").write_text(table(result))
    print(table(result))


if __name__ == "__main__":
    main()
