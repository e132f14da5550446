"""Global sensitivity: right, by PyBaMM itself, in what time; and a known result reproduced.

``make bench`` runs it and writes ``benchmarks/results/sensitivity.json`` and ``.md``.

- *closed forms*: Ishigami's function, Sobol's G and a linear one by every method that tells shares;
- *check*: total indices of R1 by PyBaMM and by the surrogate of ``surrogates.py`` on the same Saltelli
  samples, so that the error of few samples drops out;
- *time*: Sobol indices of one figure of merit with all pairs from 65,536 base samples, the surrogate's
  own error carried;
- *Wu*: that the rate decides the specific power, thickness and porosity the specific energy (Wu, Han,
  Shin and Lu, J. Power Sources 395 (2018) 128), by simulated discharges alone. The abstract states
  no ranges: ours are the first box, and the second shows what a wider range of rates does. *Groups*
  take thickness and porosities together, as that sentence does, and the particles' radii.

    python benchmarks/sensitivity.py [closed check time wu groups]

does only those parts; what was measured before is kept.
"""

import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from SALib.sample import sobol as saltelli

import electrograd as eg
from electrograd.analysing import checked
from electrograd.design.package import versions
from electrograd.design.sensitivity import fast_indices, sobol_indices
from electrograd.design.sensitivity_inputs import Inputs
from electrograd.design.sensitivity_sobol import indices_of_rows
from electrograd.physics.cell import Cell
from electrograd.physics.p2d import P2D
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import stack_mass
from electrograd.physics.variables import (
    ACCEPTED_SHARE,
    C_RATE,
    FIGURES_OF_MERIT,
    NEGATIVE_POROSITY,
    PLATING_MARGIN,
    POSITIVE_POROSITY,
    POSITIVE_THICKNESS,
)
from electrograd.study_file import bundled_text, parse_study
from electrograd.surrogates.artefact import load_surrogate
from electrograd.surrogates.surrogate import Surrogate
from electrograd.sweeps.space import DesignSpace
from electrograd.tables import label_of

RESULTS, RUNS = Path(__file__).parent / "results", Path("runs")
SURROGATES = {"R1-512": 512, "R1-2048": 2048}
BASE = 128
LARGE = 65_536
CHECK = f"\nfurther sweeps:\n  saltelli: {{sampler: {{saltelli: {BASE}}}, seed: 3}}\n"

NAMES = (POSITIVE_THICKNESS, NEGATIVE_POROSITY, POSITIVE_POROSITY)
UNIT = DesignSpace.from_bounds({NAMES[0]: (4e-5, 8e-5), NAMES[1]: (0.2, 0.6), NAMES[2]: (0.2, 0.6)})
PARTS = 1 / 3 / (1 + np.array([0.0, 1.0, 4.5])) ** 2
G_VARIANCE = np.prod(1 + PARTS) - 1

DISCHARGED: dict[str, tuple[float, float]] = {
    C_RATE: (0.5, 2.0),
    POSITIVE_THICKNESS: (40e-6, 100e-6),
    NEGATIVE_POROSITY: (0.2, 0.5),
    POSITIVE_POROSITY: (0.2, 0.5),
    "Negative particle radius [m]": (2e-6, 8e-6),
    "Positive particle radius [m]": (2e-6, 8e-6),
}
BOXES = {
    "0.5C to 2C": DISCHARGED,
    "0.5C to 4C": {**DISCHARGED, C_RATE: (0.5, 4.0)},
}
GROUPS = {
    "thickness and porosities": [POSITIVE_THICKNESS, NEGATIVE_POROSITY, POSITIVE_POROSITY],
    "particle radii": ["Negative particle radius [m]", "Positive particle radius [m]"],
}
POWER, ENERGY = "Specific power [W.kg-1]", "Specific energy [W.h.kg-1]"
OF_WU = 128


def place(x: Any) -> Any:
    """Designs as places in the unit cube."""
    low, high = np.array(UNIT.lower), np.array(UNIT.upper)
    return (x - low) / (high - low)


def ishigami(x: Any) -> Any:
    """With a = 7, b = 0.1."""
    z = np.pi * (2 * place(x) - 1)
    return np.sin(z[:, 0]) + 7 * np.sin(z[:, 1]) ** 2 + 0.1 * z[:, 2] ** 4 * np.sin(z[:, 0])


def sobol_g(x: Any) -> Any:
    """With a = 0, 1, 4.5."""
    u = place(x)
    return math.prod((np.abs(4 * u[:, k] - 2) + a) / (1 + a) for k, a in enumerate((0.0, 1.0, 4.5)))


def linear(x: Any) -> Any:
    """y = 10 a + b."""
    return 10 * place(x)[:, 0] + place(x)[:, 1]


EXACT: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
    "Ishigami": (ishigami, [0.3139, 0.4424, 0.0], [0.5576, 0.4424, 0.2437]),
    "Sobol's G": (
        sobol_g,
        PARTS / G_VARIANCE,
        PARTS / (1 + PARTS) * (1 + G_VARIANCE) / G_VARIANCE,
    ),
    "10 a + b": (linear, [100 / 101, 1 / 101, 0.0], [100 / 101, 1 / 101, 0.0]),
}


def closed() -> dict[str, Any]:
    """Largest errors of first and total indices where they are known."""
    found: dict[str, Any] = {}
    for name, (function, first, total) in EXACT.items():
        for method, by, samples in (("sobol", sobol_indices, 4096), ("fast", fast_indices, 1024)):
            index = by(lambda x, f=function: {"y": f(x)}, UNIT, ["y"], samples, seed=0)["y"]
            found.setdefault(name, {})[method] = {
                "samples": samples,
                "first": float(np.abs(index.first - first).max()),
                "total": float(np.abs(index.total - total).max()),
                "confidence": float(index.total_confidence.max()),
            }
    return found


def surrogate_of(part: str) -> Surrogate:
    """What ``surrogates.py`` trained."""
    return load_surrogate(RUNS / "benchmark" / "surrogates" / part)


def check() -> dict[str, Any]:
    """Indices of R1 by simulation and by surrogates, on the same samples."""
    text = bundled_text("R1").replace("\nfurther sweeps:\n", CHECK)
    run = eg.StudyRun(parse_study(text), RUNS)
    began = time.perf_counter()
    designs = len(run.sweep("saltelli").dataset())
    found: dict[str, Any] = {
        "base": BASE,
        "designs": designs,
        "simulating_s": time.perf_counter() - began,
    }
    for part in SURROGATES:
        run.__dict__["surrogate"] = surrogate_of(part)
        found[part] = checked(run, "saltelli")
    return found


def timed() -> dict[str, Any]:
    """Seconds for one figure of merit with all pairs, warm and from the first call on."""
    surrogate = surrogate_of("R1-512")
    spent = {}
    for name in (ACCEPTED_SHARE, PLATING_MARGIN):
        began = time.perf_counter()
        index = sobol_indices(
            surrogate.predict,
            surrogate.space,
            [name],
            LARGE,
            0,
            second_order=True,
            half_widths=surrogate.half_widths,
        )[name]
        spent[name] = {
            "seconds": time.perf_counter() - began,
            "total confidence": float(index.total_confidence.max()),
        }
    began = time.perf_counter()
    sobol_indices(surrogate.predict, surrogate.space, list(FIGURES_OF_MERIT), 1024, 0)
    return {
        "base": LARGE,
        "designs": LARGE * (2 * len(surrogate.space) + 2),
        "figures": spent,
        "all_figures_1024_s": time.perf_counter() - began,
    }


def discharged(inputs: Inputs) -> dict[str, Any]:
    """Indices of specific energy and mean specific power of simulated discharges."""
    cell = Cell.load("Chen2020").with_fixed({"N/P ratio": 1.1})
    model = P2D(cell, Scenario(1.0), SolverSettings())
    unit = saltelli.sample(inputs.problem(), OF_WU, calc_second_order=False, seed=0)
    began, values = time.perf_counter(), []
    for row in inputs.from_unit(unit):
        design = dict(zip(inputs.space.names, map(float, row), strict=True))
        parameters = cell.parameters(design)
        discharge = model.discharge(parameters, design[C_RATE])
        energy = discharge.energy / float(stack_mass(cell, parameters))
        hours = discharge.accepted / discharge.nominal / design[C_RATE]
        done = discharge.end.completed and hours > 0
        values.append((energy, energy / hours) if done else (np.nan, np.nan))
    rows = np.array(values).reshape(OF_WU, -1, 2)
    whole = np.isfinite(rows).all(axis=(1, 2))
    return {
        "base": OF_WU,
        "left_out": int((~whole).sum()),
        "seconds": time.perf_counter() - began,
        "bounds": {axis.name: [axis.lower, axis.upper] for axis in inputs.space.axes},
        "indices": {
            name: indices_of_rows(inputs.names, rows[whole, :, k], 0).to_dict()
            for k, name in enumerate((ENERGY, POWER))
        },
    }


def wu() -> dict[str, Any]:
    """Every variable for itself, in both boxes."""
    return {box: discharged(Inputs(DesignSpace.from_bounds(bounds))) for box, bounds in BOXES.items()}


def wu_groups() -> dict[str, Any]:
    """What can be built in two groups, beside the rate."""
    box = next(iter(BOXES))
    return {f"{box}, in groups": discharged(Inputs(DesignSpace.from_bounds(BOXES[box]), groups=GROUPS))}


def table(record: dict[str, Any]) -> str:
    """What was measured as Markdown."""
    told = record["machine"]
    lines = [
        "# Global sensitivity",
        "",
        f"{told}. {', '.join(f'{name} {version}' for name, version in record['versions'].items())}.",
    ]
    if "closed" in record:
        lines += [
            "",
            "## Known indices: largest errors",
            "",
            "| function | method | samples | first | total | ± of totals, at most |",
            "|---|---|---|---|---|---|",
        ]
        for name, methods in record["closed"].items():
            for method, found in methods.items():
                numbers = " | ".join(f"{found[key]:.4f}" for key in ("first", "total", "confidence"))
                lines.append(f"| {name} | {method} | {found['samples']} | {numbers} |")
    if "check" in record:
        found = record["check"]
        lines += [
            "",
            "## R1: total indices by PyBaMM and by the surrogate, on the same samples",
            "",
            f"{found['base']} base samples, {found['designs']} designs. Asked for: within 0.01.",
            "",
            "| figure of merit | largest difference, N = 512 | N = 2048 | largest ± of PyBaMM's |",
            "|---|---|---|---|",
        ]
        for name, index in found["R1-512"]["simulated"].items():
            apart = " | ".join(f"{found[part]['differences'][name]:.4f}" for part in SURROGATES)
            wide = max(row["total confidence"] for row in index.values())
            lines.append(f"| {name} | {apart} | {wide:.2f} |")
        lines += ["", "| total index, accepted share | PyBaMM | surrogate, N = 512 |", "|---|---|---|"]
        both = (found["R1-512"][whose][ACCEPTED_SHARE] for whose in ("simulated", "surrogate"))
        simulated, predicted = both
        for name, row in sorted(simulated.items(), key=lambda item: -item[1]["total"]):
            lines.append(f"| {label_of(name)} | {row['total']:.4f} | {predicted[name]['total']:.4f} |")
    if "time" in record:
        found = record["time"]
        lines += [
            "",
            "## Time",
            "",
            f"{found['base']:,} base samples with all pairs ({found['designs']:,} designs), the "
            "surrogate’s error carried. Asked for: under 30 s a figure of merit.",
            "",
            "| figure of merit | seconds | ± of totals, at most |",
            "|---|---|---|",
        ]
        for name, spent in found["figures"].items():
            lines.append(f"| {name} | {spent['seconds']:.1f} | {spent['total confidence']:.4f} |")
        lines += [
            "",
            f"All {len(FIGURES_OF_MERIT)} figures of merit from 1,024 base samples, without pairs: "
            f"{found['all_figures_1024_s']:.1f} s.",
        ]
    if "wu" in record:
        lines += ["", "## Wu 2018: simulated discharges of Chen2020, N/P ratio 1.1"]
        for box, found in {**record["wu"], **record.get("groups", {})}.items():
            lines += [
                "",
                f"{box}: {found['base'] - found['left_out']} base samples, {found['left_out']} left "
                f"out, for a simulation failed; {found['seconds']:.0f} s. Total indices ± 95 %.",
                "",
                f"| variable | {ENERGY} | {POWER}, mean |",
                "|---|---|---|",
            ]
            for name in found["indices"][ENERGY]:
                cells = [
                    f"{row['total']:.3f} ± {row['total confidence']:.3f}"
                    for row in (found["indices"][figure][name] for figure in (ENERGY, POWER))
                ]
                lines.append(f"| {label_of(name)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what is asked for, keep the rest, write both files."""
    path = RESULTS / "sensitivity.json"
    record: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    parts = {"closed": closed, "check": check, "time": timed, "wu": wu, "groups": wu_groups}
    for name in sys.argv[1:] or parts:
        record[name] = parts[name]()
    record["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}"
    record["versions"] = versions()
    path.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")
    path.with_suffix(".md").write_text(table(record))


if __name__ == "__main__":
    main()
