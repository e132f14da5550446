"""A surrogate as a folder: safetensors weights and one JSON file; loads without PyBaMM."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError
from safetensors.flax import load, save

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError
from electrograd.physics.materials import Materials
from electrograd.physics.open_circuit import OpenCircuitPotential
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.surrogates.checkpoint import write_atomic
from electrograd.surrogates.curve_physics import CurvePhysics, Form
from electrograd.surrogates.ensemble import Ensemble
from electrograd.surrogates.student import Student
from electrograd.surrogates.surrogate import Accuracy, Surrogate
from electrograd.surrogates.trust import Trust
from electrograd.sweeps.space import DesignSpace

FORMAT = 4
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
    weights = {f"ensemble.{name}": leaf for name, leaf in surrogate.ensemble.weights.items()}
    student = surrogate.student
    branch = {f"student.{name}": leaf for name, leaf in student.arrays.items()} if student else {}
    pairs = {
        f"held_out.{name}": jnp.asarray(value) for name, value in surrogate.accuracy.held_out.items()
    }
    trust = surrogate.trust
    held = trust.to_arrays() if trust else {}
    trusted = {f"trust.{name}": jnp.asarray(value) for name, value in held.items()}
    write_atomic(
        folder / _WEIGHTS, save({**trusted, **weights, **branch, **physics_arrays(physics), **pairs})
    )
    config = {
        "format": FORMAT,
        **physics_record(physics),
        "scenario": surrogate.scenario.to_dict(),
        "solver": surrogate.settings.to_dict(),
        "ensemble": {"width": surrogate.ensemble.width, "depth": surrogate.ensemble.depth},
        "student": student and {"width": student.width, "depth": student.depth},
        "accuracy": surrogate.accuracy.summary(),
        "history": surrogate.accuracy.history,
        "trust": trust and trust.to_dict(),
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

    try:
        scenario = Scenario.from_dict(config["scenario"])
        physics = physics_of(config, arrays, scenario)
        student = config["student"] and Student(
            physics, arrays=part("student."), charge_limit=scenario.charge_limit, **config["student"]
        )
        return Surrogate(
            ensemble=Ensemble(physics, weights=part("ensemble."), **config["ensemble"]),
            student=student,
            scenario=scenario,
            settings=SolverSettings(**config["solver"]),
            accuracy=Accuracy(
                curves=config["accuracy"]["curves"],
                figures=config["accuracy"]["figures"],
                held_out={name: np.asarray(pair) for name, pair in part("held_out.").items()},
                history=tuple((int(step), float(error)) for step, error in config.get("history", ())),
            ),
            trust=config["trust"] and Trust.from_saved(physics.space, part("trust."), config["trust"]),
            dataset=config["dataset"],
        )
    except (KeyError, TypeError) as error:
        raise InputError(rule, f"lacking or strange entry: {error}") from error


def physics_arrays(physics: CurvePhysics) -> dict[str, Any]:
    """What of a surrogate's physics belongs among an artefact's arrays."""
    tables = {
        f"open_circuit.{side}.{part}": jnp.asarray(getattr(table, part))
        for side, table in (("negative", physics.negative), ("positive", physics.positive))
        for part in ("values", "slopes")
    }
    return {"features.centre": physics.centre, "features.spread": physics.spread, **tables}


def physics_record(physics: CurvePhysics) -> dict[str, Any]:
    """What of it belongs in an artefact's JSON."""
    return {
        "cell": physics.cell.to_dict(),
        "space": physics.space.to_dict(),
        "materials": physics.materials.to_dict(),
        "form": asdict(physics.form),
    }


def physics_of(config: dict[str, Any], arrays: dict[str, Any], scenario: Scenario) -> CurvePhysics:
    """Undo `physics_record` and `physics_arrays`; raises `KeyError` or `TypeError` for what lacks."""

    def table(side: str) -> OpenCircuitPotential:
        return OpenCircuitPotential(
            arrays[f"open_circuit.{side}.values"], arrays[f"open_circuit.{side}.slopes"]
        )

    return CurvePhysics(
        cell=Cell.from_dict(config["cell"]),
        materials=Materials.from_dict(config["materials"]),
        negative=table("negative"),
        positive=table("positive"),
        space=DesignSpace.from_bounds(config["space"]),
        c_rate=scenario.c_rate,
        rate_of=scenario.rate_of,
        form=Form(**config["form"]),
        centre=arrays["features.centre"],
        spread=arrays["features.spread"],
    )
