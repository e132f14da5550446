"""Whether the mesh whose lengths are inputs is PyBaMM's ordinary one, and what it was before.

``make bench`` runs it and writes ``benchmarks/results/symbolic_mesh.json``, ``.md`` and
``docs/pole_scan.png``. Compared with PyBaMM's default mesh, built anew for each design:

- charges of random designs of each cell, by this project's spatial method, and by PyBaMM's own on
  `pybamm.SymbolicUniform1DSubMesh`, whose weights at the separator are wrong (docs/symbolic_mesh.md);
- scans through the poles: `Ai2020` over the negative porosity, `Chen2020` over the Bruggeman exponent.
"""

import json
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pybamm
from _ordinary_mesh import Ordinary, differences
from matplotlib import pyplot as plt
from scipy.stats import qmc

from electrograd.physics import p2d
from electrograd.physics.cell import Cell
from electrograd.physics.cell_tables import WINDOWS
from electrograd.physics.charge import Charge
from electrograd.physics.p2d import P2D
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.symbolic_mesh import spatial_methods

ROOT = Path(__file__).parents[1]
BOX = {
    "N/P ratio": (1.0, 1.4),
    "Positive electrode thickness [m]": (30e-6, 110e-6),
    "Negative electrode porosity": (0.2, 0.6),
    "Positive electrode porosity": (0.2, 0.6),
    "Negative electrode Bruggeman coefficient (electrolyte)": (1.2, 3.0),
    "Negative particle radius [m]": (1e-6, 8e-6),
    "C-rate": (0.5, 3.0),
}
DESIGNS, SEED = 12, 16
POROSITY = "Negative electrode porosity"
EXPONENT = "Negative electrode Bruggeman coefficient (electrolyte)"
SCANS = {
    "Ai2020": (POROSITY, np.linspace(0.16, 0.40, 25), {}),
    "Chen2020": (EXPONENT, np.linspace(1.2, 3.2, 21), {POROSITY: 0.25}),
}


class PyBaMMs(P2D):
    """As `P2D`, with PyBaMM's own finite volumes on the symbolic mesh."""

    def _built(self, options: dict[str, str]) -> Any:
        p2d.spatial_methods = lambda model: model.default_spatial_methods
        try:
            return super()._built(options)
        finally:
            p2d.spatial_methods = spatial_methods


def share(charge: Charge) -> float:
    """Accepted over nominal capacity; NaN of a failure."""
    return charge.accepted / charge.nominal if charge.end.completed else float("nan")


def compared(name: str) -> dict[str, Any]:
    """Largest differences from the ordinary mesh over random designs of one cell."""
    cell, scenario, settings = Cell.load(name), Scenario(1.0), SolverSettings()
    models = {"ours": P2D(cell, scenario, settings), "PyBaMM's": PyBaMMs(cell, scenario, settings)}
    low, high = np.array(list(BOX.values())).T
    places = qmc.Sobol(len(BOX), rng=np.random.default_rng(SEED)).random(DESIGNS)
    found: dict[str, list[dict[str, float]]] = {who: [] for who in models}
    failed = dict.fromkeys(models, 0)
    for row in low + (high - low) * places:
        parameters = cell.parameters(dict(zip(BOX, map(float, row), strict=True)))
        numbers = {key: float(value) for key, value in parameters.items()}
        truth = Ordinary(cell, scenario, settings, numbers).charge(numbers)
        for who, model in models.items():
            charge = model.charge(numbers)
            if charge.end.completed and truth.end.completed:
                found[who].append(differences(charge, truth))
            else:
                failed[who] += 1
    return {
        who: {
            **{key: max(one[key] for one in rows) for key in rows[0]},
            "designs": len(rows),
            "failed": failed[who],
        }
        for who, rows in found.items()
    }


def scanned(name: str, variable: str, values: Iterable[float], design: dict[str, float]) -> Any:
    """Accepted share along one variable, by each mesh."""
    cell, scenario, settings = Cell.load(name), Scenario(1.0), SolverSettings()
    ours, theirs = P2D(cell, scenario, settings), PyBaMMs(cell, scenario, settings)
    rows = []
    for value in values:
        parameters = cell.parameters({**design, variable: float(value)})
        numbers = {key: float(one) for key, one in parameters.items()}
        ordinary = Ordinary(cell, scenario, settings, numbers).charge(numbers)
        rows.append(
            [
                float(value),
                share(ours.charge(numbers)),
                share(theirs.charge(numbers)),
                share(ordinary),
            ]
        )
    return rows


def draw(scans: dict[str, Any], path: Path) -> None:
    """Draw the scans; a failed simulation leaves a gap."""
    figure, axes = plt.subplots(1, len(scans), figsize=(9, 3.4), layout="constrained")
    for axis, (name, rows) in zip(axes, scans.items(), strict=True):
        x, ours, theirs, ordinary = np.array(rows).T
        axis.plot(x, theirs, "o-", color="#d55e00", ms=4, lw=1, label="symbolic, PyBaMM's weights")
        axis.plot(x, ordinary, "k-", lw=3, alpha=0.25, label="ordinary, built anew")
        axis.plot(x, ours, ".-", color="#0072b2", ms=5, lw=1, label="symbolic, here")
        axis.set(title=f"{name}, 1C", xlabel=SCANS[name][0], ylim=(0, 1.15))
    axes[0].set_ylabel("accepted over nominal capacity")
    axes[0].legend(fontsize=8, loc="lower right")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, draw, and write the results."""
    cells = {}
    for name in WINDOWS:
        cells[name] = compared(name)
        print(name, cells[name], flush=True)
    scans = {name: scanned(name, *rest) for name, rest in SCANS.items()}
    draw(scans, ROOT / "docs" / "pole_scan.png")
    results = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "pybamm": pybamm.__version__,
        "designs of each cell": DESIGNS,
        "seed": SEED,
        "cells": cells,
        "scans": scans,
    }
    lines = [
        f"# The symbolic mesh against PyBaMM's ordinary one, {results['date']}",
        "",
        f"PyBaMM {pybamm.__version__}, 20 points a domain, {DESIGNS} random designs of each cell.",
        "Largest differences from PyBaMM's default mesh, built anew for each design: accepted capacity",
        "(relative), plating margin, voltage and negative potential along the charge [mV]. *Failed*:",
        "impossible charges, and failures of the solver.",
        "",
        "| cell | weights | accepted | margin | voltage | potential | compared | failed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, both in cells.items():
        for who, one in both.items():
            apart = " | ".join(f"{1e3 * one[key]:.2g}" for key in ("margin", "voltage", "potential"))
            counts = f"{one['designs']} | {one['failed']}"
            lines.append(f"| {name} | {who} | {one['accepted']:.1e} | {apart} | {counts} |")
    (ROOT / "benchmarks" / "results" / "symbolic_mesh.json").write_text(
        json.dumps(results, indent=1) + "\n"
    )
    (ROOT / "benchmarks" / "results" / "symbolic_mesh.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
