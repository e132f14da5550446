"""The training step of a study: curves by networks, or figures of merit by Gaussian processes."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from electrograd.card import describe, describe_figures
from electrograd.design import package
from electrograd.physics.errors import InputError
from electrograd.study import LABEL_KEYS, MAIN, Study
from electrograd.surrogates import figure_artefact
from electrograd.surrogates.artefact import FORMAT, load_surrogate, save_surrogate
from electrograd.surrogates.figure_artefact import load_figures, save_figures
from electrograd.surrogates.figure_fitting import learn_figures
from electrograd.surrogates.figure_surrogate import FigureSurrogate
from electrograd.surrogates.fitting import train
from electrograd.surrogates.surrogate import Surrogate
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.location import WAIT, Location
from electrograd.training_progress import training_progress

if TYPE_CHECKING:
    from electrograd.steps import StudyRun

AnySurrogate = Surrogate | FigureSurrogate


def learned(run: "StudyRun") -> AnySurrogate:
    """The surrogate of a study, trained if there is none of the same inputs.

    Raises
    ------
    InputError
        For a study that can be swept, but not yet learned; see `check_trainable`.
    """
    check_trainable(run)
    return _figures(run) if run.study.learns_figures else _curves(run)


def curves_of(run: "StudyRun") -> Surrogate:
    """The surrogate of a study whose curves are learned; raises `InputError` for another study."""
    check_trainable(run, curves=True)
    surrogate = run.surrogate
    assert isinstance(surrogate, Surrogate)
    return surrogate


def check_trainable(run: "StudyRun", *, curves: bool = False) -> None:
    """Raise `InputError` for a study that can be swept, but not yet learned; or not by curves."""
    check_learnable(run.study)
    if curves and run.study.learns_figures:
        raise InputError(
            "this is for surrogates of curves, and the study learns figures of merit directly",
            ", ".join(run.study.aims),
            "a constant-current charge, and aims that its curves tell",
        )
    if not (run.study.learns_figures or run.study.scenario.constant_current):
        raise InputError(
            "a study of another protocol than a constant-current charge from empty must state a goal to "
            "be learned; it can be simulated and swept without",
            run.study.scenario.protocol,
            "goal: {minimise: Charge time to 80 % [s]}",
        )


def check_learnable(study: Study) -> None:
    """Refuse a study that can be swept, but not yet learned.

    Raises
    ------
    InputError
        For variables of whole numbers or choices, or constraints between variables.
    """
    for axis in study.space.axes:
        if not axis.smooth:
            nearest = f"{axis.name}: [{axis.lower:g}, {axis.upper:g}]"
            if axis.labelled:
                nearest = f"channels: {{{LABEL_KEYS[axis.name]}: {axis.choices[0]}}}"
            raise InputError(
                "surrogates learn variables that take every value between bounds, in this release; "
                "others can be swept",
                f"{axis.name}: {axis}",
                nearest,
            )
    if study.leaves_out:
        raise InputError(
            "surrogates learn whole boxes, in this release; a study with 'constraints' can be swept",
            [str(constraint) for constraint in study.stated_constraints],
            "a study without the key, its variables' bounds narrower",
        )


def _curves(run: "StudyRun") -> Surrogate:
    study, folder = run.study, run.folder / "surrogate"
    made_from = {
        "format": FORMAT,
        "dataset": run.dataset.fingerprint(),
        "training": asdict(study.training),
        "distillation": asdict(study.distillation),
        "scenario": study.scenario.to_dict(),
    }
    if found := _kept(run, folder, made_from, load_surrogate):
        return found
    with Location(folder).writing(WAIT):
        # Another process may have trained it just now.
        return _kept(run, folder, made_from, load_surrogate) or _train_curves(run, folder, made_from)


def _train_curves(run: "StudyRun", folder: Path, made_from: dict[str, Any]) -> Surrogate:
    study = run.study
    checkpoint, began = run.folder / "training.safetensors", time.perf_counter()
    steps = study.training.steps_for(int(run.dataset.completed.sum()))
    with training_progress(run.reporter, steps) as progress:
        surrogate = train(
            run.dataset,
            run.curve_physics,
            study.scenario,
            study.solver,
            study.training,
            study.distillation,
            progress=progress,
            checkpoint=checkpoint,
        )
    facts = {**_facts(run, began), "student error [mV]": progress.student_error}
    (folder / "config.json").unlink(missing_ok=True)  # the last that is written marks all whole
    folder.mkdir(parents=True, exist_ok=True)
    describe(surrogate, folder, {**made_from, **facts})
    save_surrogate(surrogate, folder, {**made_from, **facts})
    checkpoint.unlink(missing_ok=True)
    return surrogate


def _figures(run: "StudyRun") -> FigureSurrogate:
    study, folder = run.study, run.folder / "surrogate"
    datasets = {
        name: run.dataset if name == MAIN else run.sweep(name).dataset() for name in study.scenarios
    }
    made_from = {
        "kind": figure_artefact.KIND,
        "format": figure_artefact.FORMAT,
        "datasets": {name: dataset.fingerprint() for name, dataset in datasets.items()},
        "scenarios": {name: scenario.to_dict() for name, scenario in study.scenarios.items()},
    }
    if found := _kept(run, folder, made_from, load_figures):
        return found
    with Location(folder).writing(WAIT):
        # Another process may have learned them just now.
        return _kept(run, folder, made_from, load_figures) or _learn_figures(
            run, folder, made_from, datasets
        )


def _learn_figures(
    run: "StudyRun", folder: Path, made_from: dict[str, Any], datasets: dict[str, Dataset]
) -> FigureSurrogate:
    study = run.study
    began = time.perf_counter()
    with run.reporter.progress("Learning figures") as update:
        surrogate = learn_figures(
            datasets,
            run.curve_physics,
            study.scenarios,
            study.solver,
            lambda done, total: update(done, total, "Gaussian processes"),
        )
    facts = _facts(run, began)
    (folder / "config.json").unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    describe_figures(surrogate, folder, {**made_from, **facts})
    save_figures(surrogate, folder, {**made_from, **facts})
    return surrogate


def _kept(run: "StudyRun", folder: Path, made_from: dict[str, Any], load: Any) -> Any:
    """The surrogate that lies there, if it was made from the same and is whole."""
    from electrograd.steps import matches

    if not matches(folder / "config.json", made_from):
        return None
    try:
        surrogate = load(folder)
    except InputError as error:
        run.reporter.say(f"Training again: {error}")
        return None
    run.reporter.say("Training: done before")
    return surrogate


def _facts(run: "StudyRun", began: float) -> dict[str, Any]:
    return {
        "name": run.study.name,
        "ends": run.dataset.count_ends(),
        "seconds": round(time.perf_counter() - began, 1),
        "versions": package.versions(),
    }
