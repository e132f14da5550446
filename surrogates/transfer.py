"""A trained surrogate tuned to another cell, from few simulations of it.

The networks are given dimensionless groups, and return by how much closed-form estimates of a charge are
wrong. What they have learned of that for one cell is a start for the next.
"""

from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp

from electrograd.physics.errors import InputError
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.distillation import DistillationSettings
from electrograd.surrogates.ensemble import Ensemble
from electrograd.surrogates.fitting import train
from electrograd.surrogates.progress import Progress, silent
from electrograd.surrogates.surrogate import Surrogate
from electrograd.surrogates.training import TrainingSettings
from electrograd.sweeps.dataset import Dataset


def tune(
    surrogate: Surrogate,
    dataset: Dataset,
    physics: CurvePhysics,
    scenario: Scenario,
    solver: SolverSettings,
    settings: TrainingSettings,
    distillation: DistillationSettings | None = None,
    progress: Progress = silent,
    checkpoint: Path | None = None,
) -> Surrogate:
    """Train on another cell's simulations, starting from a trained surrogate's weights.

    Parameters
    ----------
    surrogate
        Trained on any cell, for the same variables in the same order.
    dataset, physics, scenario, solver, settings, distillation, progress, checkpoint
        Of the other cell, as `fitting.train` takes them; the shape of the networks is the surrogate's.

    Raises
    ------
    InputError
        For other variables, another form of the network, or data that cannot train one.
    """
    known, ensemble = surrogate.physics, surrogate.ensemble
    if physics.space.names != known.space.names:
        raise InputError(
            "a surrogate can be tuned for the variables that it knows, in their order",
            physics.space.names,
            known.space.names,
        )
    if physics.form != known.form:
        raise InputError(
            "the form of the networks must be that of the trained ones", physics.form, known.form
        )
    member = jnp.arange(settings.members) % ensemble.members  # more than were trained start alike
    start = Ensemble(
        physics,
        ensemble.width,
        ensemble.depth,
        {name: leaf[member] for name, leaf in ensemble.weights.items()},
    )
    settings = replace(settings, width=ensemble.width, depth=ensemble.depth)
    return train(
        dataset, physics, scenario, solver, settings, distillation, progress, checkpoint, start=start
    )
