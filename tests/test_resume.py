"""A study whose training was interrupted goes on where it was, and leaves nothing but its surrogate."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from untrained import planted

from electrograd import learning
from electrograd.console import Reporter
from electrograd.physics.errors import InputError
from electrograd.steps import StudyRun
from electrograd.study_file import parse_study
from electrograd.surrogates.surrogate import Surrogate
from electrograd.surrogates.training import train_ensemble
from electrograd.sweeps import location
from electrograd.sweeps.location import Location
from electrograd.train_command import JOURNAL, SIZES, TrainOptions, act

STUDY = """
name: resumed
cell: Chen2020
variables:
  N/P ratio: [1.05, 1.3]
  Positive electrode thickness [m]: [40.0e-6, 100.0e-6]
  Negative electrode porosity: [0.2, 0.5]
scenario: {C-rate: 0.4}
sweep: {designs: 64}
training: {members: 2, width: 8, steps: 48}
"""


class Told(Reporter):
    """Keeps what it is told, and has the user press Ctrl-C."""

    def __init__(self, interrupt_at: int = 10**9) -> None:
        super().__init__(quiet=True)
        self.interrupt_at = interrupt_at
        self.steps: list[int] = []
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    @contextmanager
    def progress(self, what: str) -> Iterator[Any]:
        def update(done: int, total: int, note: str) -> None:
            self.steps.append(done)
            if done >= self.interrupt_at:
                raise KeyboardInterrupt

        yield update


def test_two_trainings_in_one_folder_are_refused(
    some_surrogate: Surrogate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second says who trains; what the first has left meanwhile is taken."""
    monkeypatch.setattr(location, "PATIENCE", 0.01)
    data, trained = planted(some_surrogate, 40), list[str]()

    def at_once(*given: Any, **told: Any) -> Surrogate:
        trained.append("once")
        return dataclasses.replace(some_surrogate, dataset=data.fingerprint())

    monkeypatch.setattr(learning, "train", at_once)
    monkeypatch.setattr(learning, "describe", lambda *given: None)
    runs = [StudyRun(parse_study(STUDY), tmp_path, Told()) for _ in range(2)]
    for run in runs:
        vars(run)["dataset"] = data
    busy = pytest.raises(
        InputError,
        match=r"may write to .*resumed/surrogate; received: another writer, process \d+.*wait for it",
    )
    folder = tmp_path / "resumed"
    with Location(folder / "surrogate").writing(), busy:
        _ = runs[0].surrogate
    for name, options in (
        (JOURNAL, TrainOptions(tune=1, learning_curve=False)),
        (SIZES, TrainOptions(tune=None, learning_curve=True)),
    ):
        refused = pytest.raises(InputError, match=f"may write to .*{name}")
        with Location(folder / name).writing(), refused:
            act(runs[0], options)
    assert trained == []
    kept = learning._kept

    def then_the_other_ends(*given: Any) -> Any:
        """Between the first look and the lock, another process trains."""
        monkeypatch.setattr(learning, "_kept", kept)
        _ = runs[1].surrogate

    monkeypatch.setattr(learning, "_kept", then_the_other_ends)
    assert runs[0].surrogate.dataset == data.fingerprint()
    assert trained == ["once"]


def test_a_folder_for_results_that_cannot_be_written_to(tmp_path: Path) -> None:
    """Before anything is simulated, also where the store itself lies elsewhere."""
    (tmp_path / "runs").write_text("a file")
    for store in ("", f"store: {tmp_path / 'elsewhere'}\n"):
        told = Told()
        with pytest.raises(InputError, match=r"nothing was done yet.*not a directory"):
            _ = StudyRun(parse_study(STUDY + store), tmp_path / "runs", told).surrogate
        assert told.steps == []
    assert not (tmp_path / "elsewhere").exists()


def test_an_interrupted_training_of_a_study_goes_on(
    some_surrogate: Surrogate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = planted(some_surrogate, 40)

    def ensemble_only(*given: Any, progress: Any, checkpoint: Path) -> Surrogate:
        dataset, physics, _, _, settings, _ = given
        trained = train_ensemble(dataset, physics, settings, progress, checkpoint)
        return dataclasses.replace(
            some_surrogate, ensemble=trained.ensemble, dataset=dataset.fingerprint()
        )

    monkeypatch.setattr(learning, "train", ensemble_only)

    def run(runs: str, told: Told) -> StudyRun:
        run = StudyRun(parse_study(STUDY), tmp_path / runs, told)
        vars(run)["dataset"] = data  # as if it had been simulated
        return run

    left = tmp_path / "a" / "resumed" / "training.safetensors"
    with pytest.raises(KeyboardInterrupt):
        _ = run("a", Told(interrupt_at=20)).surrogate
    assert left.exists()
    again = Told()
    resumed = run("a", again).surrogate
    assert again.steps[0] > 20, "it must have gone on where it was"
    assert again.steps[-1] == 48
    assert not left.exists()
    whole = run("b", Told()).surrogate
    for name, weights in whole.ensemble.weights.items():
        np.testing.assert_array_equal(weights, resumed.ensemble.weights[name])
    last = Told()
    assert run("a", last).surrogate.dataset == data.fingerprint()
    assert (last.steps, last.said) == ([], ["Training: done before"])
