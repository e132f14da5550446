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
from electrograd.steps import StudyRun
from electrograd.study_file import parse_study
from electrograd.surrogates.surrogate import Surrogate
from electrograd.surrogates.training import train_ensemble

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
