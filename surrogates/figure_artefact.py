"""A surrogate of figures of merit as a folder: safetensors and one JSON file; loads without PyBaMM."""

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError
from safetensors.flax import load, save

from electrograd.physics.errors import InputError
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.surrogates.artefact import physics_arrays, physics_of, physics_record
from electrograd.surrogates.checkpoint import write_atomic
from electrograd.surrogates.figure_surrogate import FigureSurrogate, Learned
from electrograd.surrogates.gaussian_process import GaussianProcesses
from electrograd.surrogates.surrogate import Accuracy

FORMAT = 3
KIND = "figures of merit"
_WEIGHTS, _CONFIG = "weights.safetensors", "config.json"


def save_figures(surrogate: FigureSurrogate, folder: Path, extra: dict[str, Any] | None = None) -> None:
    """Write the artefact; the configuration comes last, and marks it whole.

    Parameters
    ----------
    extra
        Further facts for the record, such as versions.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _CONFIG).unlink(missing_ok=True)
    processes = {
        f"{name}.{part}": jnp.asarray(array)
        for name, learned in surrogate.learned.items()
        for part, array in learned.process.arrays().items()
    }
    pairs = {f"held_out.{n}": jnp.asarray(pair) for n, pair in surrogate.accuracy.held_out.items()}
    arrays = {**processes, **pairs, **physics_arrays(surrogate.physics)}
    write_atomic(folder / _WEIGHTS, save(arrays))
    config = {
        "kind": KIND,
        "format": FORMAT,
        **physics_record(surrogate.physics),
        "scenario": surrogate.scenario.to_dict(),
        "others": {name: scenario.to_dict() for name, scenario in surrogate.others.items()},
        "solver": surrogate.settings.to_dict(),
        "scores": {name: learned.score for name, learned in surrogate.learned.items()},
        "accuracy": surrogate.accuracy.figures,
        "dataset": surrogate.dataset,
        **(extra or {}),
    }
    write_atomic(folder / _CONFIG, json.dumps(config, indent=2, ensure_ascii=False).encode())


def load_figures(folder: Path) -> FigureSurrogate:
    """Read an artefact.

    Raises
    ------
    InputError
        If it is missing, damaged, of another kind or another format.
    """
    rule = f"{folder} must hold a whole surrogate of {KIND}, format {FORMAT}; train it again"
    try:
        config = json.loads((folder / _CONFIG).read_text())
        arrays = load((folder / _WEIGHTS).read_bytes())
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(rule, error) from error
    if (config.get("kind"), config.get("format")) != (KIND, FORMAT):
        raise InputError(rule, f"{config.get('kind', 'curves')}, format {config.get('format')}", FORMAT)

    def process(name: str) -> GaussianProcesses:
        return GaussianProcesses(
            **{part: arrays[f"{name}.{part}"] for part in GaussianProcesses.__dataclass_fields__}
        )

    try:
        scenario = Scenario.from_dict(config["scenario"])
        return FigureSurrogate(
            physics=physics_of(config, arrays, scenario),
            learned={name: Learned(process(name), score) for name, score in config["scores"].items()},
            scenario=scenario,
            others={name: Scenario.from_dict(other) for name, other in config["others"].items()},
            settings=SolverSettings(**config["solver"]),
            accuracy=Accuracy(
                curves={},
                figures=config["accuracy"],
                held_out={
                    name.removeprefix("held_out."): np.asarray(pair)
                    for name, pair in arrays.items()
                    if name.startswith("held_out.")
                },
            ),
            dataset=config["dataset"],
        )
    except (KeyError, TypeError) as error:
        raise InputError(rule, f"lacking or strange entry: {error}") from error
