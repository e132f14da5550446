"""A field surrogate as a folder: safetensors arrays and one JSON file; predicts without PyBaMM."""

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError
from electrograd.physics.open_circuit import OpenCircuitPotential
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.state_layout import StateLayout
from electrograd.surrogates.checkpoint import write_atomic
from electrograd.surrogates.field_basis import Modes, StateMap
from electrograd.surrogates.fields import FieldPhysics, FieldSurrogate
from electrograd.sweeps.space import DesignSpace

FORMAT = "fields 2"
_ARRAYS, _CONFIG = "fields.safetensors", "fields.json"
_SIDES = ("negative", "positive")


def save_fields(surrogate: FieldSurrogate, folder: Path, extra: dict[str, Any] | None = None) -> None:
    """Write the artefact; the configuration comes last, and marks it whole.

    Parameters
    ----------
    extra
        Further facts for the record, such as errors on other designs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _CONFIG).unlink(missing_ok=True)
    physics, states = surrogate.physics, surrogate.physics.states
    arrays = {f"network/{name}": np.asarray(value) for name, value in surrogate.weights.items()}
    for kind in ("vectors", "sizes"):
        arrays |= {f"{kind}/{name}": value for name, value in getattr(surrogate.modes, kind).items()}
    for side in _SIDES:
        table = getattr(states, side)
        arrays |= {f"open_circuit/{side}/{k}": getattr(table, k) for k in ("values", "slopes")}
    plain = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    write_atomic(folder / _ARRAYS, save(plain))
    layout = states.layout
    config = {
        "format": FORMAT,
        "cell": states.cell.to_dict(),
        "layout": {
            "points": layout.points,
            "slices": {name: list(ends) for name, ends in layout.slices.items()},
            "scales": layout.scales,
            "references": layout.references,
        },
        "modes": list(surrogate.modes.counts),
        "space": physics.space.to_dict(),
        "c_rate": physics.c_rate,
        "groups": [list(physics.groups_lower), list(physics.groups_upper)],
        "units": surrogate.units,
        "scenario": surrogate.scenario.to_dict(),
        "solver": surrogate.settings.to_dict(),
        "dataset": surrogate.dataset,
        **(extra or {}),
    }
    write_atomic(folder / _CONFIG, json.dumps(config, indent=2, ensure_ascii=False).encode())


def load_fields(folder: Path) -> FieldSurrogate:
    """Read an artefact.

    Raises
    ------
    InputError
        If it is missing, damaged, or of another format.
    """
    rule = f"{folder} must hold a whole field surrogate of format {FORMAT!r}; train it again"
    try:
        config = json.loads((folder / _CONFIG).read_text())
        arrays = load((folder / _ARRAYS).read_bytes())
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(rule, error) from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        received = config.get("format") if isinstance(config, dict) else type(config).__name__
        raise InputError(rule, f"format {received}", FORMAT)
    try:
        tables = [
            OpenCircuitPotential(*(arrays[f"open_circuit/{side}/{k}"] for k in ("values", "slopes")))
            for side in _SIDES
        ]
        layout = config["layout"]
        slices = {name: (int(a), int(b)) for name, (a, b) in layout["slices"].items()}
        states = StateMap(
            Cell.from_dict(config["cell"]),
            tables[0],
            tables[1],
            StateLayout(layout["points"], slices, layout["scales"], layout["references"]),
        )
        lower, upper = config["groups"]
        physics = FieldPhysics(
            states,
            DesignSpace.from_bounds(config["space"]),
            config["c_rate"],
            tuple(lower),
            tuple(upper),
        )
        fields = config["modes"]
        return FieldSurrogate(
            physics=physics,
            modes=Modes(
                {name: arrays[f"vectors/{name}"] for name in fields},
                {name: arrays[f"sizes/{name}"] for name in fields},
            ),
            weights={
                name.removeprefix("network/"): jnp.asarray(value)
                for name, value in arrays.items()
                if name.startswith("network/")
            },
            units=config["units"],
            scenario=Scenario.from_dict(config["scenario"]),
            settings=SolverSettings(**config["solver"]),
            dataset=config["dataset"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(rule, f"lacking or strange entry: {error}") from error
