"""What ``electrograd train`` does: train, or search its settings, or tell whether more designs pay."""

from dataclasses import dataclass

import click

from electrograd.learning import check_trainable
from electrograd.physics.errors import InputError
from electrograd.steps import StudyRun
from electrograd.study_sections import TrainingSection
from electrograd.surrogates.learning_curve import learning_curve
from electrograd.surrogates.tuning import SEARCHED, Tuned, check_optuna, tune_training
from electrograd.sweeps.location import WAIT, Location
from electrograd.tables import accuracy_lines
from electrograd.training_figures import draw_learning_curve, learning_curve_lines

JOURNAL, SIZES, PICTURE = "tuning.journal", "learning_curve.json", "learning_curve.png"


@dataclass(frozen=True)
class TrainOptions:
    """The options of the command; what they mean stands in its help.

    Raises
    ------
    InputError
        For options that contradict each other, and tuning without Optuna.
    """

    tune: int | None
    learning_curve: bool

    def __post_init__(self) -> None:
        if self.tune is not None and self.learning_curve:
            raise InputError(
                "a search and a learning curve are two runs",
                "--tune and --learning-curve",
                "one of them",
            )
        if self.tune is not None:
            check_optuna()


def act(run: StudyRun, options: TrainOptions) -> None:
    """Do what the options say with the surrogate of a study."""
    if options.tune is not None:
        _tune(run, options.tune)
    elif options.learning_curve:
        _learning_curve(run)
    else:
        _train(run)


def _train(run: StudyRun) -> None:
    surrogate = run.surrogate
    click.echo(f"surrogate in {run.folder / 'surrogate'}")
    for line in accuracy_lines(surrogate.accuracy):
        click.echo("  " + line)
    click.echo(f"card and pictures: {run.folder / 'surrogate' / 'card.md'}")


def _tune(run: StudyRun, trials: int) -> None:
    check_trainable(run, curves=True)
    study = run.study
    data, journal = run.dataset, run.folder / JOURNAL
    with Location(journal).writing(WAIT), run.reporter.progress("Tuning") as update:
        tuned = tune_training(
            data,
            run.curve_physics,
            study.training,
            trials,
            study.training.seed,
            lambda done, total, error: update(
                done, total, f"least voltage error {error:.3f} mV held out"
            ),
            journal,
        )
    for line in tuned_lines(tuned, study.training_section):
        click.echo(line)


def tuned_lines(tuned: Tuned, stated: TrainingSection) -> list[str]:
    """What a search found, and the section of a study file that says it."""
    found = {name: getattr(tuned.settings, name) for name in SEARCHED}
    found["learning_rate"] = float(f"{found['learning_rate']:.3g}")
    section = stated.model_copy(update=found)
    lines = [
        f"# {tuned.trials} trials, {tuned.pruned} given up early; voltage error on designs held out:",
        f"# best {tuned.error:.3f} mV, the study's own settings {tuned.stated_error:.3f} mV, "
        "of two members",
        "training:",
    ]
    return lines + [f"  {key}: {value}" for key, value in section.model_dump(by_alias=True).items()]


def _learning_curve(run: StudyRun) -> None:
    check_trainable(run, curves=True)
    study = run.study
    data, sizes = run.dataset, run.folder / SIZES
    with Location(sizes).writing(WAIT), run.reporter.progress("Learning curve") as update:
        curve = learning_curve(
            data,
            run.curve_physics,
            study.scenario,
            study.solver,
            study.training,
            lambda done, total, error: update(done, total, f"voltage error {error:.2f} mV held out"),
            sizes,
        )
    for line in learning_curve_lines(curve):
        click.echo(line)
    draw_learning_curve(curve, run.folder / PICTURE)
    click.echo(f"Picture: {run.folder / PICTURE}")
