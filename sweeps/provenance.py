"""What a simulation was made with: enough to make it again, and nothing of the machine it ran on."""

import hashlib
import importlib.metadata
import json
import platform
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from electrograd.physics.cell import Cell

if TYPE_CHECKING:
    from electrograd.physics.ladder import Charger

_PACKAGES = ("electrograd", "pybamm", "pybammsolvers", "casadi", "numpy", "scipy")


@cache
def versions() -> dict[str, str]:
    """Versions of what a simulation's numbers depend on."""
    found = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), **found}


def cell_identity(cell: Cell) -> dict[str, Any]:
    """What a sweep's results depend on of its cell, a file by content and not by place.

    The hash is of every parameter of the set, functions included as PyBaMM writes them to JSON.
    """
    from electrograd.physics.cell_data import load_parameter_values

    values = load_parameter_values(cell.source, cell.overrides)
    text = json.dumps(values.to_json(), sort_keys=True, default=str)
    return {
        **cell.to_dict(),
        "source": Path(cell.source).name,
        "parameter values": hashlib.sha256(text.encode()).hexdigest()[:16],
    }


def made_with(charger: "Charger") -> dict[str, Any]:
    """Describe what simulates: versions, fidelity, PyBaMM's options, and the papers it asks to cite."""
    from electrograd.physics.pybamm_import import pybamm

    # PyBaMM prints what its models and solver registered, but does not return it; without pybtex it
    # keeps the keys apart.
    cited = pybamm.citations
    papers = sorted({*cited._papers_to_cite, *cited._unknown_citations, "Sulzer2021"})
    return {
        "versions": versions(),
        "fidelity": charger.fidelity,
        "options": charger.options,
        "papers to cite": papers,
    }
