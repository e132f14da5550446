"""Searching the settings of training, the learning curve, and what is said of a training."""

import dataclasses
from pathlib import Path
from typing import Any

import click
import matplotlib.image
import numpy as np
import pytest
from click.testing import CliRunner
from untrained import SCENARIO, SPACE

from electrograd import training_figures
from electrograd.card import card, describe
from electrograd.cli import cli
from electrograd.console import Reporter
from electrograd.physics.charge import VOLTAGE, End
from electrograd.physics.errors import InputError
from electrograd.physics.scenario import SolverSettings
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
)
from electrograd.study_sections import TrainingSection
from electrograd.surrogates import learning_curve as curve_module
from electrograd.surrogates import tuning
from electrograd.surrogates.artefact import load_surrogate, save_surrogate
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.ensemble import Ensemble
from electrograd.surrogates.learning_curve import LearningCurve, learning_curve
from electrograd.surrogates.surrogate import Accuracy, Surrogate
from electrograd.surrogates.training import CHECKS, TARGETS, Trained, TrainingSettings
from electrograd.surrogates.tuning import tune_training
from electrograd.sweeps.dataset import Dataset
from electrograd.train_command import TrainOptions, tuned_lines
from electrograd.training_progress import training_progress

STATED = TrainingSettings(members=4, width=128, steps=480)
HISTORY = tuple((20 * (k + 1), 8.0 / (k + 1)) for k in range(CHECKS))


def some_data(designs: int) -> Dataset:
    """Designs with curves that are finite; nothing is learned from them here."""
    share, along = np.linspace(0.4, 0.8, designs), np.linspace(0, 1, 5)
    curves = np.broadcast_to(0.5 + 0.1 * along, (designs, 5))
    return Dataset(
        names=SPACE.names,
        values=SPACE.sobol(designs, seed=0),
        ends=np.full(designs, int(End.VOLTAGE_CUT_OFF)),
        messages=[""] * designs,
        charge=50 * share[:, None] * along,
        curves={name: curves + (3 if name == VOLTAGE else 0) for name in TARGETS},
        figures={
            NOMINAL_CAPACITY: np.full(designs, 50.0),
            ACCEPTED_CAPACITY: 50 * share,
            PLATING_MARGIN: share - 0.6,
        },
    )


class Stand:
    """In place of a training: an error that a few settings decide, and falls along the steps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: Any, stop_at: int = -1) -> None:
        self.tried: list[TrainingSettings] = []
        self.stop_at = stop_at
        monkeypatch.setattr(module, "train_ensemble", self)

    def __call__(
        self, data: Dataset, physics: CurvePhysics, settings: TrainingSettings, progress: Any
    ) -> Trained:
        if len(self.tried) == self.stop_at:
            raise KeyboardInterrupt
        self.tried.append(settings)
        rate = abs(np.log(settings.learning_rate / 0.01))
        best = 0.3 + rate + abs(np.log2(settings.width / 64)) + 100 / settings.steps
        best *= (128 / len(data)) ** 0.5
        history = []
        for check in range(1, CHECKS + 1):
            error = float(best * (1 + 4 * (1 - check / CHECKS)))
            progress(check * settings.steps // CHECKS, settings.steps, error)
            history.append((check * settings.steps // CHECKS, error))
        return Trained(Ensemble(physics, 8, 2, {}), np.zeros((2, 1), int), 1, history)


def test_tuning_finds_what_was_planted(physics: CurvePhysics, monkeypatch: pytest.MonkeyPatch) -> None:
    stand = Stand(monkeypatch, tuning)
    told: list[float] = []
    found = tune_training(some_data(64), physics, STATED, 24, 3, lambda d, n, error: told.append(error))
    assert stand.tried[0] == dataclasses.replace(STATED, members=2, folds=5), "first as it stands"
    assert found.settings.width == 64
    assert 0.006 < found.settings.learning_rate < 0.017
    assert (found.settings.members, found.settings.folds) == (STATED.members, STATED.folds)
    assert found.error < 0.6 * found.stated_error
    assert (found.trials, len(told), told[-1]) == (24, 24, found.error)
    assert found.pruned > 0
    assert min(t.steps for t in stand.tried) >= STATED.steps // 4
    assert told == sorted(told, reverse=True)


def test_a_search_that_was_ended_goes_on_as_if_it_had_not_been(
    physics: CurvePhysics, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = some_data(64)
    whole = Stand(monkeypatch, tuning)
    tune_training(data, physics, STATED, 12)
    journal = tmp_path / "study" / "tuning.journal"
    first = Stand(monkeypatch, tuning, stop_at=10)
    with pytest.raises(KeyboardInterrupt):
        tune_training(data, physics, STATED, 12, journal=journal)
    second = Stand(monkeypatch, tuning)
    tune_training(data, physics, STATED, 12, journal=journal)
    assert [*first.tried, *second.tried] == whole.tried
    nothing = Stand(monkeypatch, tuning)
    assert tune_training(data, physics, STATED, 12, journal=journal).trials == 12
    assert nothing.tried == []
    tune_training(data, physics, dataclasses.replace(STATED, seed=1), 1, journal=journal)
    assert len(nothing.tried) == 1, "other settings are another search"


def test_tuning_refuses_before_any_work(physics: CurvePhysics, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="one trial at least"):
        tune_training(some_data(64), physics, STATED, 0)
    with pytest.raises(InputError):
        tune_training(some_data(8), physics, STATED, 1)
    with pytest.raises(InputError, match="two runs"):
        TrainOptions(tune=5, learning_curve=True)
    monkeypatch.setattr(tuning, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'electrograd\[tune\]'"):
        TrainOptions(tune=5, learning_curve=False)


def test_what_is_printed_is_a_section_of_a_study_file() -> None:
    from ruamel.yaml import YAML

    stated = TrainingSection(members=6, seed=4)
    best = dataclasses.replace(stated.ensemble, width=96, depth=2, learning_rate=0.0123456, steps=777)
    text = "\n".join(tuned_lines(tuning.Tuned(best, 0.2, 0.4, 20, 7), stated))
    section = TrainingSection(**YAML(typ="safe").load(text)["training"])
    assert section.ensemble == dataclasses.replace(best, learning_rate=0.0123)
    assert section.student_steps == stated.student_steps


def test_tune_takes_a_number_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int | None] = []
    monkeypatch.setattr("electrograd.cli._start", lambda *args: None)

    class Taken(TrainOptions):
        def __post_init__(self) -> None:
            taken.append(self.tune)

    monkeypatch.setattr("electrograd.train_command.TrainOptions", Taken)
    for arguments in ([], ["--tune"], ["--tune", "7"]):
        CliRunner().invoke(cli, ["train", "study.yaml", *arguments], catch_exceptions=False)
    assert taken == [None, 20, 7]
    assert isinstance(cli.commands["train"], click.Command)


def test_a_learning_curve_recovers_a_planted_power_law(
    physics: CurvePhysics, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand = Stand(monkeypatch, curve_module)

    def measured(trained: Trained, data: Dataset, *_: Any) -> tuple[Accuracy]:
        error = trained.history[-1][1]
        figures = {ACCEPTED_SHARE: {"median": error / 1000}, PLATING_MARGIN: {"median": error / 500}}
        return (Accuracy({VOLTAGE: {"median [mV]": error}}, figures, {}),)

    monkeypatch.setattr(curve_module, "measured", measured)
    kept, done = tmp_path / "runs" / "learning_curve.json", []
    arguments = (physics, SCENARIO, SolverSettings(), STATED, lambda d, n, e: done.append(d), kept)
    curve = learning_curve(some_data(256), *arguments)
    assert curve.designs == (64, 128, 256)
    assert curve.power(VOLTAGE)[1] == pytest.approx(0.5)
    assert curve.at(VOLTAGE, 512) == pytest.approx(curve.errors[VOLTAGE][0] / 8**0.5)
    assert done == sorted(done)
    assert done[-1] == 3 * STATED.steps
    assert learning_curve(some_data(256), *arguments) == curve
    assert len(stand.tried) == 3, "nothing is trained twice"
    with pytest.raises(InputError, match="a sweep of 128 designs"):
        learning_curve(some_data(100), *arguments)
    lines = training_figures.learning_curve_lines(curve)
    assert len(lines) == 4
    assert "with 512 designs" in lines[1]
    assert "(29 % less)" in lines[1]
    training_figures.draw_learning_curve(curve, tmp_path / "curve.png")
    assert not is_blank(tmp_path / "curve.png")
    flat = LearningCurve((64, 128, 256), {VOLTAGE: (1e-3, 1.1e-3, 1.2e-3)})
    assert "(no less)" in training_figures.learning_curve_lines(flat)[1]


def is_blank(path: Path) -> bool:
    return bool(np.ptp(matplotlib.image.imread(path)) == 0)


@pytest.fixture
def surrogate(some_surrogate: Surrogate) -> Surrogate:
    rng = np.random.default_rng(0)
    share = rng.uniform(0.4, 0.8, 60)
    pairs = np.stack([share, share + rng.normal(0, 1e-3, 60)], axis=1)
    errors = {"median": 7e-4, "95th percentile": 2e-3, "interval": 1.6e-3}
    return dataclasses.replace(
        some_surrogate,
        accuracy=Accuracy(
            {VOLTAGE: {"median [mV]": 0.31, "95th percentile [mV]": 0.92}},
            {ACCEPTED_SHARE: errors, PLATING_MARGIN: errors},
            {ACCEPTED_SHARE: pairs, PLATING_MARGIN: pairs - 0.6},
            HISTORY,
        ),
        dataset="0123456789abcdef",
    )


def test_the_card_says_what_a_surrogate_is_and_how_wrong(surrogate: Surrogate, tmp_path: Path) -> None:
    facts = {
        "name": "planted",
        "ends": {"voltage cut-off": 58, "solver failure": 2},
        "seconds": 130.0,
        "student error [mV]": 0.0912,
        "training": {"steps": 480, "seed": 3},
        "distillation": {"seed": 3},
        "versions": {"jax": "0.10.2"},
    }
    describe(surrogate, tmp_path, facts)
    text = (tmp_path / "card.md").read_text()
    for part in (
        "# Surrogate planted\n",
        "Chen2020",
        "60 simulations, fingerprint `0123456789abcdef`",
        "Of 60 designs",
        "within 0.091 mV",
        "after 480 of 480 steps",
        "Trained in 2.2 min",
        "| N/P ratio | 1.050 | 1.300 |",
        "| Positive electrode thickness | 40.0 | 100.0 | µm |",
        "| Voltage along the charge (RMSE) | 0.31 | 0.92 | – | mV |",
        "| 0.070 | 0.200 | 0.160 | percentage points |",
        "| solver failure | 2 |",
        "## Not for",
        "jax 0.10.2",
    ):
        assert part in text, part
    for name in ("parity.png", "training.png"):
        assert not is_blank(tmp_path / name)
    assert "Trained in" not in card(surrogate, {}), "what is not known is not said"


def test_history_is_kept_in_the_artefact(surrogate: Surrogate, tmp_path: Path) -> None:
    save_surrogate(surrogate, tmp_path)
    assert load_surrogate(tmp_path).accuracy.history == HISTORY


def test_progress_names_the_stage(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 6.0
        return now[0]

    with training_progress(Reporter(clock=clock), 100) as tell:
        for done, error in ((25, 2.0), (50, 1.0), (100, 0.5), (150, 0.02), (200, 0.01)):
            tell(done, 200, error)
    assert tell.student_error == 0.01
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Training ensemble: 25/100; voltage error 2.00 mV held out"
    assert lines[1].startswith("Training ensemble: 50/100, ")
    assert lines[1].endswith(" s left; voltage error 1.00 mV held out")
    assert lines[3] == "Training student: 50/100; voltage within 0.020 mV of the ensemble's"
