"""A corrected surrogate as a folder: the bulk surrogate, and what was learned of the correction."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.flax import load, save

from electrograd.physics.errors import InputError
from electrograd.surrogates.artefact import load_surrogate, save_surrogate
from electrograd.surrogates.checkpoint import write_atomic
from electrograd.surrogates.correction import CorrectedSurrogate
from electrograd.surrogates.gaussian_process import GaussianProcesses
from electrograd.surrogates.surrogate import Surrogate

FORMAT = 3
_BULK, _WEIGHTS, _CONFIG = "bulk", "correction.safetensors", "correction.json"
_PARTS = ("change", "bend")


def save_corrected(
    surrogate: CorrectedSurrogate, folder: Path, extra: dict[str, Any] | None = None
) -> None:
    """Write the artefact; its own configuration comes last, and marks it whole.

    Parameters
    ----------
    extra
        Further facts for the record, such as versions.

    Raises
    ------
    InputError
        For a corrected surrogate whose bulk surrogate is none that can be stored.
    """
    if not isinstance(surrogate.bulk, Surrogate):
        raise InputError(
            "the surrogate under a correction must be a `Surrogate` to be stored",
            type(surrogate.bulk).__name__,
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _CONFIG).unlink(missing_ok=True)
    save_surrogate(surrogate.bulk, folder / _BULK)
    arrays = {
        f"{part}.{name}": array
        for part in _PARTS
        for name, array in getattr(surrogate, part).arrays().items()
    }
    write_atomic(folder / _WEIGHTS, save(arrays))
    config = {
        "format": FORMAT,
        "bulk": surrogate.bulk.dataset,
        "dataset": surrogate.dataset,
        "errors": surrogate.errors,
        **(extra or {}),
    }
    write_atomic(folder / _CONFIG, json.dumps(config, indent=2, ensure_ascii=False).encode())


def load_corrected(folder: Path) -> CorrectedSurrogate:
    """Read an artefact.

    Raises
    ------
    InputError
        If it is missing, damaged, of another format, or stands on another bulk surrogate than its own.
    """
    rule = f"{folder} must hold a whole corrected surrogate of format {FORMAT}; correct it again"
    try:
        config = json.loads((folder / _CONFIG).read_text())
        arrays = load((folder / _WEIGHTS).read_bytes())
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(rule, error) from error
    if config.get("format") != FORMAT:
        raise InputError(rule, f"format {config.get('format')}", FORMAT)
    bulk = load_surrogate(folder / _BULK)
    if bulk.dataset != config.get("bulk"):
        raise InputError(rule, f"a bulk surrogate of the data {bulk.dataset}", config.get("bulk"))
    if strange := [name for name, array in arrays.items() if not np.all(np.isfinite(array))]:
        raise InputError(rule, f"values that are not finite in {strange[0]}")

    def processes(part: str) -> GaussianProcesses:
        names = GaussianProcesses.__dataclass_fields__
        return GaussianProcesses(**{name: arrays[f"{part}.{name}"] for name in names})

    try:
        change, bend = (processes(part) for part in _PARTS)
        return CorrectedSurrogate(
            bulk=bulk, change=change, bend=bend, errors=config["errors"], dataset=config["dataset"]
        )
    except (KeyError, TypeError) as error:
        raise InputError(rule, f"lacking or strange entry: {error}") from error
