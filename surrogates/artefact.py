"""A surrogate as a folder: safetensors weights and one JSON file; loads without PyBaMM."""

import json
import os
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError
from safetensors.flax import load, save

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError
from electrograd.physics.open_circuit import OpenCircuitPotential
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.surrogates.network import CurvePhysics
from electrograd.surrogates.surrogate import Accuracy, Surrogate
from electrograd.sweeps.space import DesignSpace

FORMAT = 1
_WEIGHTS, _CONFIG = "weights.safetensors", "config.json"


def save_surrogate(surrogate: Surrogate, folder: Path, extra: dict[str, Any] | None = None) -> None:
    """Write the artefact; the configuration comes last, and marks it whole.

    Parameters
    ----------
    extra
        Further facts for the record, such as the training settings and versions.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _CONFIG).unlink(missing_ok=True)
    physics = surrogate.physics
    tables = {
        f"open_circuit.{side}.{part}": jnp.asarray(getattr(table, part))
        for side, table in (("negative", physics.negative), ("positive", physics.positive))
        for part in ("values", "slopes")
    }
    weights = {f"network.{name}": value for name, value in surrogate.weights.items()}
    pairs = {
        f"held_out.{name}": jnp.asarray(value) for name, value in surrogate.accuracy.held_out.items()
    }
    write_atomic(folder / _WEIGHTS, save({**weights, **tables, **pairs}))
    config = {
        "format": FORMAT,
        "cell": physics.cell.to_dict(),
        "space": physics.space.to_dict(),
        "scenario": surrogate.scenario.to_dict(),
        "solver": surrogate.settings.to_dict(),
        "shape": list(surrogate.shape),
        "accuracy": surrogate.accuracy.summary(),
        "dataset": surrogate.dataset,
        **(extra or {}),
    }
    write_atomic(folder / _CONFIG, json.dumps(config, indent=2, ensure_ascii=False).encode())


def load_surrogate(folder: Path) -> Surrogate:
    """Read an artefact.

    Raises
    ------
    InputError
        If it is missing, damaged, or of another format.
    """
    rule = f"{folder} must hold a whole surrogate of format {FORMAT}; train it again"
    try:
        config = json.loads((folder / _CONFIG).read_text())
        arrays = load((folder / _WEIGHTS).read_bytes())
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(rule, error) from error
    if config.get("format") != FORMAT:
        raise InputError(rule, f"format {config.get('format')}", FORMAT)

    def part(prefix: str) -> dict[str, Any]:
        return {k.removeprefix(prefix): value for k, value in arrays.items() if k.startswith(prefix)}

    def table(side: str) -> OpenCircuitPotential:
        return OpenCircuitPotential(
            arrays[f"open_circuit.{side}.values"], arrays[f"open_circuit.{side}.slopes"]
        )

    try:
        return Surrogate(
            physics=CurvePhysics(
                cell=Cell.from_dict(config["cell"]),
                negative=table("negative"),
                positive=table("positive"),
                space=DesignSpace.from_bounds(config["space"]),
                c_rate=config["scenario"]["c_rate"],
            ),
            scenario=Scenario.from_dict(config["scenario"]),
            settings=SolverSettings(**config["solver"]),
            shape=(config["shape"][0], config["shape"][1]),
            weights=part("network."),
            accuracy=Accuracy(
                curves=config["accuracy"]["curves"],
                figures=config["accuracy"]["figures"],
                held_out={name: np.asarray(pair) for name, pair in part("held_out.").items()},
            ),
            dataset=config["dataset"],
        )
    except (KeyError, TypeError) as error:
        raise InputError(rule, f"lacking or strange entry: {error}") from error


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, path)
