"""The chain, one function a step: sweep, train, design, sensitivity, report.

Each step runs what it needs of the steps before it, keeps its result under ``runs/<study>/``, and on the
next call takes what is there if it was made from the same inputs. The folder of a study:

    sweep.zarr/               every simulation, readable with xarray
    surrogate/                weights.safetensors, config.json, card.md, parity.png, training.png
    package/                  design.json, parameter_values.json, curves.csv, sensitivity.json,
                              figures/, report.html
"""

import json
import time
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from electrograd.card import describe
from electrograd.console import Reporter
from electrograd.design import package, verify
from electrograd.design.sensitivity import sobol_indices
from electrograd.physics.errors import InputError
from electrograd.physics.ladder import RESOLVED, charge_at
from electrograd.physics.plain import plain_pybamm
from electrograd.physics.scenario import SolverSettings
from electrograd.physics.variables import C_RATE, FIGURES_OF_MERIT
from electrograd.report import render
from electrograd.study import MAIN, Study, check_learnable
from electrograd.surrogates.artefact import FORMAT, load_surrogate, save_surrogate
from electrograd.surrogates.checkpoint import write_atomic
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.fitting import train
from electrograd.surrogates.surrogate import Surrogate
from electrograd.sweeping import StudySweep
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.guard import GuardedSimulator
from electrograd.tables import summary
from electrograd.training_progress import training_progress

REFINEMENT = 3
"""A design is verified on a mesh this many times finer than the sweep's: it leans on its limits, and
what the sweep's mesh is wrong by (0.05 % of the capacity) must not decide whether it keeps them."""


@dataclass(frozen=True)
class DesignPackage:
    """A finished package.

    Attributes
    ----------
    folder
        Where its files are.
    record
        The contents of ``design.json``.
    """

    folder: Path
    record: dict[str, Any]

    @property
    def limits_met(self) -> bool:
        """Whether the simulated design meets every limit."""
        return bool(self.record["limits_met"])

    def summary(self) -> str:
        """The design beside its baseline, as a table for people."""
        return summary(self.record)


class StudyRun:
    """One study in one folder; each property runs its step, or loads what is there, once.

    Parameters
    ----------
    study
        What to do.
    runs
        Folder in which the study's folder lies.
    reporter
        Where progress is told; bars on standard error by default.
    """

    def __init__(
        self, study: Study, runs: str | Path = "runs", reporter: Reporter | None = None
    ) -> None:
        self.study = study
        self.folder = Path(runs) / study.name
        self.reporter = reporter or Reporter()

    @cached_property
    def dataset(self) -> Dataset:
        """The sweep; its pending designs are simulated first."""
        return self.sweep().dataset()

    def sweep(self, name: str = MAIN) -> StudySweep:
        """One of the study's sweeps: the main one, or a further one by its name."""
        return StudySweep(self.study, self.folder, self.reporter, name)

    @cached_property
    def surrogate(self) -> Surrogate:
        """The surrogate trained on the sweep."""
        self.check_trainable()
        study, folder = self.study, self.folder / "surrogate"
        made_from = {
            "format": FORMAT,
            "dataset": self.dataset.fingerprint(),
            "training": asdict(study.training),
            "distillation": asdict(study.distillation),
            "scenario": study.scenario.to_dict(),
        }
        if matches(folder / "config.json", made_from):
            try:
                surrogate = load_surrogate(folder)
            except InputError as error:
                self.reporter.say(f"Training again: {error}")
            else:
                self.reporter.say("Training: done before")
                return surrogate
        checkpoint, began = self.folder / "training.safetensors", time.perf_counter()
        steps = study.training.steps_for(int(self.dataset.completed.sum()))
        with training_progress(self.reporter, steps) as progress:
            surrogate = train(
                self.dataset,
                self.curve_physics,
                study.scenario,
                study.solver,
                study.training,
                study.distillation,
                progress=progress,
                checkpoint=checkpoint,
            )
        facts = {
            "name": study.name,
            "ends": self.dataset.count_ends(),
            "seconds": round(time.perf_counter() - began, 1),
            "student error [mV]": progress.student_error,
            "versions": package.versions(),
        }
        (folder / "config.json").unlink(missing_ok=True)  # the last that is written marks all whole
        folder.mkdir(parents=True, exist_ok=True)
        describe(surrogate, folder, {**made_from, **facts})
        save_surrogate(surrogate, folder, {**made_from, **facts})
        checkpoint.unlink(missing_ok=True)
        return surrogate

    def check_trainable(self) -> None:
        """Raise `InputError` for a study that can be swept, but not yet learned."""
        check_learnable(self.study)
        if not self.study.scenario.constant_current:
            raise InputError(
                "surrogates learn constant-current charges from empty, in this release; other protocols "
                "can be simulated and swept",
                self.study.scenario.protocol,
                "a scenario of C-rate and cut-off voltage",
            )

    @property
    def curve_physics(self) -> CurvePhysics:
        """What networks are built around, for this study."""
        return CurvePhysics.of(self.study.loaded_cell, self.study.space, self.study.scenario)

    @cached_property
    def design(self) -> DesignPackage:
        """The best design, verified in PyBaMM, with its package written."""
        study, folder = self.study, self.folder / "package"
        goal = study.goal
        made_from = {
            "schema": package.SCHEMA_VERSION,
            "refinement": REFINEMENT,
            **self.surrogate_inputs,
            "versions": package.versions(),
            "goal": asdict(goal),
            "search": study.design.model_dump(),
        }
        alone = plain_pybamm(study.loaded_cell)
        beside = ("parameter_values.json", "curves.csv") if alone else ("curves.csv",)
        if matches(folder / "design.json", {"made_from": made_from}) and all(
            (folder / name).exists() for name in beside
        ):
            self.reporter.say("Designing: done before")
            return DesignPackage(folder, json.loads((folder / "design.json").read_text()))
        cell, finer = self.surrogate.physics.cell, self.finer
        with self.reporter.progress("Designing") as update, self.verifier() as simulate:
            outcome = verify.find_design(
                self.surrogate,
                goal,
                self.dataset,
                simulate,
                study.design.starts,
                study.design.seed,
                progress=lambda done, total: update(done, total, "gradient searches"),
            )
            baseline = simulate(self._published)
        record = package.design_record(
            study.name, self.surrogate, finer, goal, outcome, baseline, self.dataset, study.seeds
        )
        files = {"curves.csv": package.curves_csv(self.surrogate, outcome, baseline)}
        if alone:
            files["parameter_values.json"] = package.parameter_values_json(
                cell, study.scenario, finer, outcome.winner.simulated
            )
        else:
            self.reporter.say("Checking: the channels resolved")
            truth = charge_at(RESOLVED, cell, outcome.winner.design, study.scenario)
            record["resolved_channels"] = package.resolved_record(truth)
        package.write_package(folder, {**record, "made_from": made_from}, files)
        return DesignPackage(folder, json.loads((folder / "design.json").read_text()))

    @property
    def finer(self) -> SolverSettings:
        """How designs are verified."""
        return replace(self.study.solver, points=REFINEMENT * self.study.solver.points)

    def verifier(self) -> GuardedSimulator:
        """What verifies designs, to be used in a ``with``: a simulator behind the study's time limit."""
        study = self.study
        return GuardedSimulator(study.loaded_cell, study.scenario, self.finer, study.sweep.time_limit)

    @cached_property
    def sensitivity(self) -> dict[str, Any]:
        """Sobol indices of every figure of merit over the box, on the surrogate."""
        study, path = self.study, self.folder / "package" / "sensitivity.json"
        made_from = {**self.surrogate_inputs, **study.sensitivity.model_dump()}
        if matches(path, {"made_from": made_from}):
            self.reporter.say("Sensitivity: done before")
            found: dict[str, Any] = json.loads(path.read_text())
            return found
        self.reporter.say("Sensitivity: Sobol indices on the surrogate")
        indices = sobol_indices(
            self.surrogate.predict,
            study.space,
            list(FIGURES_OF_MERIT),
            study.sensitivity.samples,
            study.sensitivity.seed,
        )
        record = {
            "made_from": made_from,
            "indices": {name: index.to_dict() for name, index in indices.items()},
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, package.to_json(record))
        return record

    @cached_property
    def report(self) -> Path:
        """``report.html`` and its figures, drawn anew from the results."""
        path = render(
            self.design.folder, self.design.record, self.sensitivity, self.dataset, self.surrogate
        )
        self.reporter.say(f"Report: {path}")
        return path

    @property
    def _published(self) -> dict[str, float]:
        """The cell's own electrodes, charged as the scenario says where a study varies the rate."""
        rate = {C_RATE: self.study.scenario.c_rate} if C_RATE in self.study.variables else {}
        return {**self.study.loaded_cell.published, **rate}

    @property
    def surrogate_inputs(self) -> dict[str, Any]:
        """What the surrogate was made from; what is made from it depends on the same."""
        study = self.study
        return {
            "dataset": self.surrogate.dataset,
            "training": asdict(study.training),
            "distillation": asdict(study.distillation),
            "cell": study.loaded_cell.to_dict(),
            "scenario": study.scenario.to_dict(),
            "solver": study.solver.to_dict(),
        }


def run_sweep(
    study: Study,
    runs: str | Path = "runs",
    reporter: Reporter | None = None,
    *,
    name: str = MAIN,
    workers: int | None = None,
    scheduler: str | None = None,
) -> Dataset:
    """Simulate the designs of a sweep that are not in its store yet; return the whole sweep.

    Parameters
    ----------
    name
        One of the study's further sweeps; the main one by default.
    workers, scheduler
        Processes on this machine, or the address of a Dask scheduler whose workers do it instead.

    Raises
    ------
    InputError
        If the store there is of another sweep, or another process is writing to it.
    """
    return StudyRun(study, runs, reporter).sweep(name).dataset(workers, scheduler)


def train_surrogate(
    study: Study, runs: str | Path = "runs", reporter: Reporter | None = None
) -> Surrogate:
    """Train the surrogate on the study's sweep, or load it if it was trained on just that."""
    return StudyRun(study, runs, reporter).surrogate


def find_design(
    study: Study, runs: str | Path = "runs", reporter: Reporter | None = None
) -> DesignPackage:
    """Search for the best design, verify it in PyBaMM, and write its package."""
    return StudyRun(study, runs, reporter).design


def analyse_sensitivity(
    study: Study, runs: str | Path = "runs", reporter: Reporter | None = None
) -> dict[str, Any]:
    """Sobol indices of every figure of merit over the study's box, as in ``sensitivity.json``."""
    return StudyRun(study, runs, reporter).sensitivity


def write_report(study: Study, runs: str | Path = "runs", reporter: Reporter | None = None) -> Path:
    """Draw the figures and write ``report.html``, one page that needs nothing beside it."""
    return StudyRun(study, runs, reporter).report


def run_study(
    study: Study, runs: str | Path = "runs", reporter: Reporter | None = None
) -> DesignPackage:
    """Run every step of a study, resuming from what exists; return its package."""
    run = StudyRun(study, runs, reporter)
    _ = run.report
    return run.design


def matches(path: Path, made_from: dict[str, Any]) -> bool:
    """Whether the JSON file there says that it was made from these inputs."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return False
    wanted = json.loads(json.dumps(made_from))
    return isinstance(found, dict) and all(found.get(key) == value for key, value in wanted.items())
