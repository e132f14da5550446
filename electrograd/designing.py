"""The design step of a study: search, verification in PyBaMM, and the package written."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from electrograd.design import package, verify
from electrograd.design.conflict import Conflict, find_conflict
from electrograd.design.front import Find
from electrograd.design.optimise import Optimiser, Progress
from electrograd.design.package_files import curves_csv, parameter_values_json
from electrograd.design.problem import Goal
from electrograd.design.refine import Refiner
from electrograd.design.verify import Outcome
from electrograd.learning import AnySurrogate
from electrograd.physics.figures import Simulated
from electrograd.physics.ladder import RESOLVED, charge_at
from electrograd.physics.plain import plain_pybamm
from electrograd.study import MAIN
from electrograd.surrogates.figure_fitting import simulated_figures
from electrograd.surrogates.figure_surrogate import FigureSurrogate
from electrograd.surrogates.surrogate import Surrogate
from electrograd.sweeps.guard import SimulatorPool

if TYPE_CHECKING:
    from electrograd.steps import StudyRun

REFINEMENT = 3
"""A design is verified on a mesh this many times finer than the sweep's: it leans on its limits, and
what the sweep's mesh is wrong by (0.05 % of the capacity) must not decide whether it keeps them."""
TIGHTER = 0.1
"""What the solver's relative tolerance is multiplied with then: without, the energy of a discharge that
ran out of salt was 0.1 % wrong on that mesh."""
MADE = 32
"""Made designs that are simulated of a design that is to survive tolerances."""
AT_ONCE = 2
"""Designs that a search of figures of merit asks for together."""


def designed(run: "StudyRun") -> tuple[Path, dict[str, Any]]:
    """The package of the best design: its folder, and the contents of ``design.json``."""
    from electrograd.steps import matches

    study, folder = run.study, run.folder / "package"
    made_from = {
        "schema": package.SCHEMA_VERSION,
        "refinement": REFINEMENT,
        **run.surrogate_inputs,
        "versions": package.versions(),
        "goal": asdict(study.goal),
        "search": study.design.model_dump(),
        "tolerances": study.tolerances and asdict(study.tolerances),
    }
    replayed = plain_pybamm(study.loaded_cell) and study.scenario.constant_current
    beside = ("parameter_values.json", "curves.csv") if replayed else ("curves.csv",)
    if matches(folder / "design.json", {"made_from": made_from}) and all(
        (folder / name).exists() for name in beside
    ):
        run.reporter.say("Designing: done before")
        return folder, json.loads((folder / "design.json").read_text())
    surrogate, goal, finer = run.surrogate, study.goal, run.finer
    outcome, baseline, conflict = _searched(run, goal)
    record = package.design_record(
        study.name, surrogate, finer, goal, outcome, baseline, run.dataset, study.seeds
    )
    if conflict:
        record["conflict"] = [
            {**asdict(limit), "within_reach": conflict.within_reach[limit]} for limit in conflict.limits
        ]
    if study.tolerances:
        record["as_made"] = _as_made(run, outcome, goal)
    files = {"curves.csv": curves_csv(surrogate, outcome, baseline)}
    cell, scenario = surrogate.physics.cell, study.scenario
    if replayed:
        files["parameter_values.json"] = parameter_values_json(
            cell, scenario, finer, outcome.winner.simulated
        )
    elif scenario.constant_current:
        run.reporter.say("Checking: the channels resolved")
        truth = charge_at(RESOLVED, cell, outcome.winner.design, scenario)
        record["resolved_channels"] = package.resolved_record(truth)
    package.write_package(folder, {**record, "made_from": made_from}, files)
    return folder, json.loads((folder / "design.json").read_text())


def _searched(run: "StudyRun", goal: Goal) -> tuple[Outcome, Simulated, Conflict | None]:
    """The best design, the published cell in the same scenarios, and why limits are not met."""
    with run.reporter.progress("Designing") as update:
        # The search itself tells in other units than simulations, where it has none to count.
        unit = "simulations at most" if run.study.learns_figures else "gradient searches"
        with _searching(run, lambda done, total: update(done, total, unit)) as lent:
            outcome = lent.find(goal)
            conflict = None if outcome.feasible else find_conflict(lent.optimiser(goal))
            winner = outcome.winner  # which was simulated for what is aimed at, and is told in full
            baseline, in_full = lent.simulate_many([run.published, winner.design])
            outcome = replace(outcome, winner=replace(winner, simulated=in_full))
            return outcome, baseline, conflict


def _as_made(run: "StudyRun", outcome: Outcome, goal: Goal) -> dict[str, Any]:
    """What becomes of the design when it is made: some made ones, simulated."""
    tolerances, space = run.study.tolerances, run.study.space
    assert tolerances is not None
    asked = np.array([outcome.winner.design[name] for name in space.names])
    rows = asked + tolerances.made(space, MADE, run.study.design.seed)
    designs = [dict(zip(space.names, map(float, row), strict=True)) for row in rows]
    with (
        run.reporter.progress("Simulating made designs") as update,
        SimulatorPool(run.verifier, AT_ONCE) as simulate_many,
    ):
        found: list[Simulated] = []
        for first in range(0, MADE, AT_ONCE):
            update(first, MADE, "simulations")
            found += simulate_many(designs[first : first + AT_ONCE])
        update(MADE, MADE, "simulations")
    aimed = dict.fromkeys([goal.figure, *(limit.figure for limit in goal.limits)])
    return {
        **asdict(tolerances),
        "designs": MADE,
        "limits_met": sum(goal.feasible(one.figures) for one in found),
        "figures": {
            name: {
                "lowest": min(one.figures[name] for one in found),
                "median": float(np.median([one.figures[name] for one in found])),
                "highest": max(one.figures[name] for one in found),
            }
            for name in aimed
        },
    }


@contextmanager
def finder(run: "StudyRun") -> Iterator[Find]:
    """Lend what finds and verifies the best design of any goal of a study."""
    with _searching(run, lambda done, total: None) as lent:
        yield lent.find


class _Lent(NamedTuple):
    """What finds and verifies designs, what simulates them, and the search for a goal alone."""

    find: Find
    simulate_many: SimulatorPool
    optimiser: Callable[[Goal], Optimiser]


@contextmanager
def _searching(run: "StudyRun", progress: Progress) -> Iterator[_Lent]:
    surrogate, search, aims = run.surrogate, run.study.design, run.study.aims
    with SimulatorPool(run.verifier, AT_ONCE) as simulate_many:

        def finer(design: Mapping[str, float]) -> Simulated:
            return simulate_many([design], aims)[0]

        def as_swept(designs: Sequence[Mapping[str, float]]) -> list[Simulated]:
            return simulate_many(designs, aims, run.study.solver)

        if isinstance(surrogate, Surrogate):
            optimiser = Optimiser(surrogate, run.study.goal, search.starts, search.seed)

            def by_curves(goal: Goal) -> Outcome:
                return verify.find_verified(optimiser.toward(goal), run.dataset, finer, progress)

            yield _Lent(by_curves, simulate_many, optimiser.toward)
        else:
            told = search.starts, search.seed, search.budget, run.study.tolerances
            refiner = Refiner(surrogate, as_swept, finer, *told)

            def by_figures(goal: Goal) -> Outcome:
                return refiner.best(goal, best_of_sweep(run, surrogate, goal), progress)

            yield _Lent(by_figures, simulate_many, refiner.optimiser)


def seen_by(surrogate: AnySurrogate, explored: list[dict[str, Any]]) -> AnySurrogate:
    """A surrogate once it has seen explored designs; one of curves learns nothing of them."""
    if isinstance(surrogate, Surrogate) or not explored:
        return surrogate
    rows = np.array([[one["design"][name] for name in surrogate.space.names] for one in explored])
    names = explored[0]["simulated"]
    figures = {name: np.array([one["simulated"][name] for one in explored], float) for name in names}
    return surrogate.seeing(rows, figures)  # what JSON has as null is NaN here, and teaches nothing


def best_of_sweep(
    run: "StudyRun", surrogate: FigureSurrogate, goal: Goal
) -> tuple[dict[str, float], dict[str, float]] | None:
    """Design and figures of the sweep's best feasible design by its own simulations, or None.

    In several scenarios, none where these were not simulated for the same designs.
    """
    main = run.dataset
    figures: dict[str, np.ndarray] = dict(surrogate.predict(main.values))
    completed = main.completed
    for name in run.study.scenarios:
        data = main if name == MAIN else run.sweep(name).dataset()
        if not np.array_equal(data.values, main.values):
            return None
        completed = completed & data.completed
        figures |= simulated_figures(surrogate.physics, data, name)
    return verify.best_among(main.names, main.values, figures, completed, goal)
