"""How the held-out error falls with the number of simulations, and what twice as many would bring."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from electrograd.physics.charge import VOLTAGE
from electrograd.physics.errors import InputError
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.variables import ACCEPTED_SHARE, PLATING_MARGIN
from electrograd.surrogates.checkpoint import digest, write_atomic
from electrograd.surrogates.checks import check_dataset
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.fitting import LEAST_DESIGNS, measured
from electrograd.surrogates.progress import Progress, silent
from electrograd.surrogates.training import TrainingSettings, train_ensemble
from electrograd.sweeps.dataset import Dataset

MEMBERS, FOLDS = 3, 4
"""Of the ensembles trained: each member learns from three quarters of what it is given, and three
quarters of that are held out from one member or another."""
PARTS = (4, 2, 1)
"""The sweep is taken a quarter, half and whole."""


@dataclass(frozen=True)
class LearningCurve:
    """Median held-out errors by size of the sweep, in SI units.

    Attributes
    ----------
    designs
        Designs of the sweep that the ensembles were given, ascending.
    errors
        By figure of merit, and of the voltage's curve (RMSE): one for each size.
    """

    designs: tuple[int, ...]
    errors: dict[str, tuple[float, ...]]

    def power(self, name: str) -> tuple[float, float]:
        """Factor a and exponent b of error = a · designs^-b, least squares of the logarithms."""
        slope, constant = np.polyfit(np.log(self.designs), np.log(self.errors[name]), 1)
        return float(np.exp(constant)), float(-slope)

    def at(self, name: str, designs: int) -> float:
        """The power law's error for another number of designs."""
        factor, exponent = self.power(name)
        return float(factor * designs**-exponent)


def learning_curve(
    dataset: Dataset,
    physics: CurvePhysics,
    scenario: Scenario,
    solver: SolverSettings,
    settings: TrainingSettings,
    progress: Progress = silent,
    kept: Path | None = None,
) -> LearningCurve:
    """Train small ensembles, without students, on a quarter, half and all of a sweep.

    The sweep's first designs are taken: a Sobol sequence's cover the box at any power of two, and all
    sizes are then drawn alike.

    Parameters
    ----------
    progress
        Told of steps of all trainings, as one.
    kept
        A JSON file of what is known: sizes in it, of the same data and settings, are not trained again.

    Raises
    ------
    InputError
        If a quarter of the sweep is too little to learn from, and as training does.
    """
    check_dataset(dataset, physics.space, LEAST_DESIGNS)
    steps = settings.steps_for(int(dataset.completed.sum()))
    settings = dataclasses.replace(settings, members=MEMBERS, folds=FOLDS, steps=steps)
    sizes = [len(dataset) // part for part in PARTS]
    parts = [dataset.only(np.arange(size)) for size in sizes]
    parts = [part.only(part.completed) for part in parts]
    if len(parts[0]) < LEAST_DESIGNS:
        raise InputError(
            f"a learning curve needs {LEAST_DESIGNS} completed simulations in the sweep's first quarter",
            len(parts[0]),
            f"a sweep of {PARTS[0] * LEAST_DESIGNS} designs",
        )
    known = _read(kept)
    found: list[dict[str, float]] = []
    for number, data in enumerate(parts):
        identity = digest(
            {
                "data": data.fingerprint(),
                "settings": dataclasses.asdict(settings),
                "form": dataclasses.asdict(physics.form),
            }
        )

        def tell(done: int, _: int, error: float, before: int = number * steps) -> None:
            progress(before + done, len(PARTS) * steps, error)

        if identity not in known:
            trained = train_ensemble(data, physics, settings, tell)
            accuracy, *_ = measured(trained, data, scenario)
            known[identity] = {
                VOLTAGE: 1e-3 * accuracy.curves[VOLTAGE]["median [mV]"],
                **{name: accuracy.figures[name]["median"] for name in (ACCEPTED_SHARE, PLATING_MARGIN)},
            }
            if kept:
                kept.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(kept, json.dumps(known, indent=2).encode())
        tell(steps, 0, 1e3 * known[identity][VOLTAGE])
        found.append(known[identity])
    return LearningCurve(tuple(sizes), {name: _each(found, name) for name in found[0]})


def _each(found: Sequence[dict[str, float]], name: str) -> tuple[float, ...]:
    return tuple(errors[name] for errors in found)


def _read(kept: Path | None) -> dict[str, dict[str, float]]:
    """What is known; a file that is damaged counts as none, for it can only save time."""
    try:
        known = json.loads(kept.read_text()) if kept else {}
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
