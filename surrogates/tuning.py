"""Search the settings of training by short trainings, judged on designs that no member saw.

Optuna's tree-structured Parzen estimator (Bergstra et al., NIPS 2011) proposes; a trial whose held-out
error lags behind the median of those before it, halfway or later, is given up. What is tried first are
the settings as they stand, so that the best is never worse than they by the measure of the search. The
least of many noisy errors is below what it will be on new designs: by how much tells its full training.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from electrograd.physics.errors import InputError
from electrograd.surrogates.checkpoint import digest
from electrograd.surrogates.checks import check_dataset
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.fitting import LEAST_DESIGNS
from electrograd.surrogates.training import CHECKS, TrainingSettings, train_ensemble
from electrograd.sweeps.dataset import Dataset

MEMBERS, FOLDS = 2, 5
"""Of the ensemble that a trial trains: two fifths of the designs judge it."""
SEARCHED = ("width", "depth", "learning_rate", "steps")
"""Settings that are searched: the first three in the ranges below, steps down to a quarter."""
WIDTHS, DEPTHS, RATES = (48, 64, 96, 128, 192, 256), (2, 4), (0.003, 0.1)
_PRUNING_FROM = CHECKS // 2  # rates decay along a cosine: errors of the first half mislead
_WITHOUT_PRUNING = 4  # trials, for there to be a median

TrialProgress = Callable[[int, int, float], None]
"""Called with trials done, trials in all, and the least held-out error of the voltage so far [mV]."""


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Attributes
    ----------
    settings
        The best: those given, but for what was searched.
    error, stated_error
        Held-out error of the voltage of the best, and of the settings as they stood [mV].
    trials, pruned
        Trials that are done, and how many of them were given up early.
    """

    settings: TrainingSettings
    error: float
    stated_error: float
    trials: int
    pruned: int


def check_optuna() -> None:
    """Raise `InputError` unless Optuna is there, before any work is done."""
    if find_spec("optuna") is None:
        raise InputError(
            "tuning needs Optuna: pip install 'electrograd[tune]'", "without optuna", "the defaults"
        )


def tune_training(
    data: Dataset,
    physics: CurvePhysics,
    settings: TrainingSettings,
    trials: int,
    seed: int = 0,
    progress: TrialProgress = lambda done, total, error: None,
    journal: Path | None = None,
) -> Tuned:
    """Search width, depth, learning rate and steps.

    Parameters
    ----------
    data
        A sweep; simulations that did not complete are left out.
    settings
        What is not searched, what is tried first, and the most steps.
    trials
        How many to have done in the end, those in the journal included.
    seed
        Of the search; trainings take that of the settings.
    journal
        Where trials are kept; a search that was ended goes on from there as if it had not been, but for
        the trial it was in, which begins again.

    Raises
    ------
    InputError
        Without Optuna, for fewer trials than one, and as training does.
    """
    check_optuna()
    if trials < 1:
        raise InputError("a search takes one trial at least", trials, 1)
    check_dataset(data, physics.space, LEAST_DESIGNS)
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    data = data.only(data.completed)
    steps = settings.steps_for(len(data))
    settings = dataclasses.replace(settings, steps=steps, width=settings.width_for(len(data)))
    short = dataclasses.replace(settings, members=MEMBERS, folds=FOLDS)
    study = optuna.create_study(
        study_name=digest(
            {
                "data": data.fingerprint(),
                "settings": dataclasses.asdict(short),
                "form": dataclasses.asdict(physics.form),
                "seed": seed,
            }
        ),
        storage=_storage(journal),
        pruner=optuna.pruners.MedianPruner(_WITHOUT_PRUNING, n_warmup_steps=_PRUNING_FROM),
        load_if_exists=True,
    )
    finished = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)

    def done() -> int:
        return len(study.get_trials(deepcopy=False, states=finished))

    while (number := done()) < trials:
        # A sampler for each trial: one for all would draw its first numbers again when it goes on.
        study.sampler = optuna.samplers.TPESampler(
            seed=seed + number, n_startup_trials=2 * _WITHOUT_PRUNING, constant_liar=False
        )
        if number == 0:
            study.enqueue_trial({name: getattr(settings, name) for name in SEARCHED})
        trial = study.ask()
        tried = _proposed(trial, short, steps)
        try:
            study.tell(trial, _held_out_error(data, physics, tried, trial))
        except optuna.TrialPruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        progress(number + 1, trials, study.best_value)
    told = study.get_trials(deepcopy=False, states=finished)
    return Tuned(
        settings=dataclasses.replace(settings, **study.best_params),
        error=float(study.best_value),
        stated_error=float(told[0].value or math.nan),
        trials=len(told),
        pruned=sum(trial.state == optuna.trial.TrialState.PRUNED for trial in told),
    )


def _storage(journal: Path | None) -> Any:
    if journal is None:
        return None
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    journal.parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(journal)))


def _proposed(trial: Any, stated: TrainingSettings, steps: int) -> TrainingSettings:
    """Draw one trial's settings from ranges that hold the stated ones, too."""
    rate, depth = stated.learning_rate, stated.depth
    return dataclasses.replace(
        stated,
        width=trial.suggest_categorical("width", sorted({*WIDTHS, stated.width or max(WIDTHS)})),
        depth=trial.suggest_int("depth", min(depth, DEPTHS[0]), max(depth, DEPTHS[-1])),
        learning_rate=trial.suggest_float(
            "learning_rate", min(rate, RATES[0]), max(rate, RATES[1]), log=True
        ),
        steps=trial.suggest_int("steps", max(1, steps // 4), steps, log=True),
    )


def _held_out_error(
    data: Dataset, physics: CurvePhysics, settings: TrainingSettings, trial: Any
) -> float:
    """Held-out error of the voltage [mV] at the best check; raises `optuna.TrialPruned` on the way."""
    import optuna

    errors: dict[int, float] = {}

    def watch(done: int, total: int, error: float) -> None:
        errors[done] = error
        trial.report(error, round(CHECKS * done / total))
        if trial.should_prune():
            raise optuna.TrialPruned

    history = train_ensemble(data, physics, settings, watch).history
    best, _ = min(history, key=lambda check: check[1])
    return errors[best]
