"""The chain, one function a step: sweep, train, design, why, sensitivity, report.

Each step runs what it needs of the steps before it, keeps its result under ``runs/<study>/``, and on the
next call takes what is there if it was made from the same inputs. The folder of a study:

    sweep.zarr/               every simulation, readable with xarray
    surrogate/                weights.safetensors, config.json, card.md, parity.png, training.png
    package/                  design.json, parameter_values.json, curves.csv, why.json,
                              sensitivity.json, sensitivity_along_charge.csv, figures/,
                              report.html
"""

import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from electrograd.analysing import analysed
from electrograd.console import Reporter
from electrograd.designing import REFINEMENT, TIGHTER, designed
from electrograd.explaining import explained
from electrograd.learning import AnySurrogate, learned
from electrograd.physics.scenario import SolverSettings
from electrograd.physics.variables import stage_rate
from electrograd.report import render
from electrograd.study import MAIN, Study
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.sweeping import StudySweep
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.guard import GuardedSimulator
from electrograd.tables import summary


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
    base
        A run of a study that sweeps and learns just the same; see `learns_alike`. Its sweeps and its
        surrogate are this one's, too.
    """

    def __init__(
        self,
        study: Study,
        runs: str | Path = "runs",
        reporter: Reporter | None = None,
        base: "StudyRun | None" = None,
    ) -> None:
        self.study, self._base = study, base
        self.folder = Path(runs) / study.name
        self.reporter = reporter or Reporter()

    @cached_property
    def dataset(self) -> Dataset:
        """The sweep; its pending designs are simulated first."""
        return self._base.dataset if self._base else self.sweep().dataset()

    def sweep(self, name: str = MAIN) -> StudySweep:
        """One of the study's sweeps: the main one, or a further one by its name."""
        if self._base:
            return self._base.sweep(name)
        return StudySweep(self.study, self.folder, self.reporter, name)

    @cached_property
    def surrogate(self) -> AnySurrogate:
        """The surrogate trained on the sweep: of curves, or of figures of merit."""
        return self._base.surrogate if self._base else learned(self)

    @property
    def curve_physics(self) -> CurvePhysics:
        """What networks are built around, for this study."""
        return CurvePhysics.of(self.study.loaded_cell, self.study.space, self.study.scenario)

    @cached_property
    def design(self) -> DesignPackage:
        """The best design, verified in PyBaMM, with its package written."""
        return DesignPackage(*designed(self))

    @cached_property
    def why(self) -> dict[str, Any]:
        """What limits the charge of the design and of its baseline, and what would help."""
        return explained(self)

    @property
    def finer(self) -> SolverSettings:
        """How designs are verified."""
        coarse = self.study.solver
        return replace(coarse, points=REFINEMENT * coarse.points, rtol=coarse.rtol * TIGHTER)

    def verifier(self) -> GuardedSimulator:
        """What verifies designs, to be used in a ``with``: a simulator behind the study's time limit."""
        study, others = self.study, dict(self.study.scenarios)
        main = others.pop(MAIN)
        return GuardedSimulator(
            study.loaded_cell, main, self.finer, study.sweep.time_limit, others=others
        )

    @cached_property
    def sensitivity(self) -> dict[str, Any]:
        """Sobol indices, or what the study asks for, of every figure of merit, on the surrogate."""
        return analysed(self)

    @cached_property
    def report(self) -> Path:
        """``report.html`` and its figures, drawn anew from the results."""
        made = self.design
        path = render(made.folder, made.record, self.why, self.sensitivity, self.dataset, self.surrogate)
        self.reporter.say(f"Report: {path}")
        return path

    @property
    def published(self) -> dict[str, float]:
        """The cell's own electrodes, charged as the scenario says where a study varies rates."""
        said = enumerate(self.study.scenario.stages, start=1)
        rates = {stage_rate(k): rate for k, (_, rate) in said}
        varied = {name: rate for name, rate in rates.items() if name in self.study.variables}
        return {**self.study.loaded_cell.published, **varied}

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
            "others": {n: s.to_dict() for n, s in study.scenarios.items() if n != MAIN},
            "solver": study.solver.to_dict(),
        }


_LEARNED_FROM = (
    "cell",
    "variables",
    "fixed",
    "constraints",
    "channels",
    "overrides",
    "scenario_section",
    "sweep",
    "further_sweeps",
    "store",
    "training_section",
)


def learns_alike(one: Study, other: Study) -> bool:
    """Whether two studies sweep and learn the same: they differ in what they aim at, at the most."""
    return (
        all(getattr(one, name) == getattr(other, name) for name in _LEARNED_FROM)
        and one.learns_figures == other.learns_figures
        and (one.scenarios == other.scenarios or not one.learns_figures)
    )


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
) -> AnySurrogate:
    """Train the surrogate on the study's sweep, or load it if it was trained on just that."""
    return StudyRun(study, runs, reporter).surrogate


def find_design(
    study: Study, runs: str | Path = "runs", reporter: Reporter | None = None
) -> DesignPackage:
    """Search for the best design, verify it in PyBaMM, and write its package."""
    return StudyRun(study, runs, reporter).design


def explain_design(
    study: Study, runs: str | Path = "runs", reporter: Reporter | None = None
) -> dict[str, Any]:
    """What limits the charge of the design and of its baseline, as in ``why.json``."""
    return StudyRun(study, runs, reporter).why


def analyse_sensitivity(
    study: Study, runs: str | Path = "runs", reporter: Reporter | None = None
) -> dict[str, Any]:
    """Which variable matters to every figure of merit over the box, as in ``sensitivity.json``."""
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
