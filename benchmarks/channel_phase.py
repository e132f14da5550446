"""Channels on columns beside the homogenised P2D and the resolved model: errors and time.

``python benchmarks/channel_phase.py`` writes ``benchmarks/results/channel_phase.json`` and ``.md``;
some minutes. Truth is the resolved model on a mesh twice as fine in every direction.
"""

import dataclasses
import json
import os
import platform
import statistics
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from channels import Design
from scipy.stats import qmc

from electrograd.design.package import versions
from electrograd.physics.cell import Cell
from electrograd.physics.channel_grid import FINER, ChannelMesh
from electrograd.physics.channel_phase import ChannelP2D
from electrograd.physics.channels import Channel
from electrograd.physics.charge import Charge
from electrograd.physics.p2d import P2D
from electrograd.physics.resolved_mesh import MeshSettings
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.structure import Structure
from electrograd.physics.variables import (
    CHANNEL_NAMES,
    N_P_RATIO,
    NEGATIVE_POROSITY,
    NEGATIVE_SHARE,
    POSITIVE_POROSITY,
    POSITIVE_SHARE,
    POSITIVE_THICKNESS,
)

RESULTS = Path(__file__).parent / "results"
NAMES = [name("negative") for name in CHANNEL_NAMES]
SLITS, TAPERED, HOLES, MANY, SEED = 16, 8, 8, 256, 2027
# Pitch [m], width over pitch, depth over thickness, matrix porosity, Bruggeman exponent, rate, taper.
LOWER = (20e-6, 0.05, 0.3, 0.28, 1.2, 2.0, 0.3)
UPPER = (200e-6, 0.30, 1.0, 0.45, 1.9, 4.0, 1.0)
WIDER = (200e-6, 0.55, 1.0, 0.45, 1.9, 4.0, 1.0)
SCENARIO = Scenario(c_rate=3.0, rate_of="coatings")
Kind = tuple[str, float, Design]
"""Shape, taper, and the rest."""


def sobol(shape: str, count: int, upper: tuple[float, ...], tapered: bool) -> list[Kind]:
    points = qmc.scale(qmc.Sobol(7, rng=SEED).random(count), LOWER, upper)
    return [(shape, float(p[6]) if tapered else 1.0, Design(*map(float, p[:6]))) for p in points]


def cell_of(shape: str) -> Cell:
    cell = Cell.load("Chen2020", Structure.of(NAMES, shape=shape))
    return cell.with_fixed({NEGATIVE_SHARE: 0.95, POSITIVE_SHARE: 0.95})


def parameters(cell: Cell, kind: Kind) -> dict[str, float]:
    _, taper, design = kind
    values = {
        N_P_RATIO: 1.15,
        POSITIVE_THICKNESS: 60e-6,
        POSITIVE_POROSITY: 0.335,
        NEGATIVE_POROSITY: design.porosity,
        "Negative electrode Bruggeman coefficient (electrolyte)": design.exponent,
        "Negative particle radius [m]": 3e-6,
        **dict(zip(NAMES, (design.pitch, design.width, taper, design.depth), strict=True)),
    }
    return {name: float(value) for name, value in cell.parameters(values).items()}


def resolved(kind: Kind, mesh: MeshSettings) -> Charge:
    shape, taper, design = kind
    width = design.width * design.pitch
    channel = Channel(shape, design.pitch, width, design.depth * design.thickness, taper * width)
    return design.charge(channel, mesh=mesh, channel_porosity=1.0)


def timed(charge: Callable[[], Charge]) -> tuple[Charge, float]:
    """A charge and the seconds of processor time it took."""
    began = time.process_time()
    found = charge()
    return found, time.process_time() - began


def compare(kinds: list[Kind]) -> dict[str, dict[str, float]]:
    """Each fidelity's errors and seconds over some designs of one shape."""
    cell = cell_of(kinds[0][0])
    built = {
        "homogenised P2D": P2D(cell, SCENARIO, SolverSettings()),
        "columns": ChannelP2D(cell, SCENARIO, SolverSettings()),
        "columns, finer": ChannelP2D(cell, SCENARIO, SolverSettings(), mesh=FINER),
    }
    for model in built.values():
        model.charge(parameters(cell, kinds[0]), c_rate=3.0)  # not timed: the first one compiles
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for kind in kinds:
        known, rate = parameters(cell, kind), kind[2].rate
        truth = resolved(kind, MeshSettings().scaled(2))
        records = {
            name: timed(lambda model=model, known=known, rate=rate: model.charge(known, c_rate=rate))
            for name, model in built.items()
        }
        records["resolved"] = timed(lambda kind=kind: resolved(kind, MeshSettings()))
        for name, (record, seconds) in records.items():
            capacity = 100 * abs(record.accepted / truth.accepted - 1)
            margin = 1e3 * abs(record.plating_margin - truth.plating_margin)
            rows.setdefault(name, []).append((capacity, margin, seconds))
    return {name: summary(np.array(found)) for name, found in rows.items()}


def summary(rows: np.ndarray) -> dict[str, float]:
    capacity, margin, seconds = rows.T
    return {
        "capacity, median [%]": statistics.median(capacity),
        "capacity, largest [%]": float(capacity.max()),
        "margin, median [mV]": statistics.median(margin),
        "margin, largest [mV]": float(margin.max()),
        "processor time, median [ms]": 1e3 * statistics.median(seconds),
        "processor time, longest [ms]": 1e3 * float(seconds.max()),
    }


def robustness() -> dict[str, dict[str, float]]:
    """Ends of many designs of the widest box, and the slowest of them."""
    found = {}
    for shape in ("slit", "hole"):
        cell = cell_of(shape)
        model, ends, seconds = ChannelP2D(cell, SCENARIO, SolverSettings()), Counter[str](), []
        for kind in sobol(shape, MANY, WIDER, tapered=True):
            known, rate = parameters(cell, kind), kind[2].rate
            record, taken = timed(
                lambda model=model, known=known, rate=rate: model.charge(known, c_rate=rate)
            )
            ends[record.end.label] += 1
            seconds.append(taken)
        found[shape] = {**ends, "longest [ms]": 1e3 * max(seconds[1:])}
    return found


def main() -> None:
    """Measure, print, and write the results."""
    began = time.process_time()
    cell = cell_of("slit")
    model = ChannelP2D(cell, SCENARIO, SolverSettings())
    model.charge(parameters(cell, sobol("slit", 2, UPPER, tapered=False)[0]), c_rate=3.0)
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "versions": versions(),
        "mesh": dataclasses.asdict(ChannelMesh()),
        "first build and charge [s]": time.process_time() - began,
        f"{SLITS} straight slits": compare(sobol("slit", SLITS, UPPER, tapered=False)),
        f"{TAPERED} tapered slits": compare(sobol("slit", TAPERED, UPPER, tapered=True)),
        f"{HOLES} tapered holes": compare(sobol("hole", HOLES, WIDER, tapered=True)),
        f"ends of {MANY} designs": robustness(),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "channel_phase.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    (RESULTS / "channel_phase.md").write_text(report(result))
    print(report(result))


def report(result: dict) -> str:
    """The results as Markdown."""
    lines = [
        f"# Channels on columns, {result['date']}",
        "",
        f"{result['machine']}. One build and its first charge: "
        f"{result['first build and charge [s]']:.2f} s.",
        "The resolved model's time includes its build, for it is built for every design.",
        "",
        "Designs: `Chen2020`, channels in the negative electrode; pitch 20 to 200 µm, width over pitch",
        "0.05 to 0.30 (holes: 0.55), depth over thickness 0.3 to 1, matrix porosity 0.28 to 0.45,",
        "Bruggeman exponent 1.2 to 1.9, 2 to 4C; taper 1, or 0.3 to 1. Errors against the resolved",
        "model on a mesh twice as fine.",
    ]
    for name, found in result.items():
        if not (isinstance(found, dict) and "columns" in found):
            continue
        heads = list(found["columns"])
        lines += ["", f"| {name} | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
        for model, values in found.items():
            lines.append(f"| {model} | {' | '.join(f'{v:.3g}' for v in values.values())} |")
    lines.append("")
    for shape, ends in result[f"ends of {MANY} designs"].items():
        told = ", ".join(f"{name}: {value:.4g}" for name, value in ends.items())
        lines.append(f"Ends of {MANY} {shape} designs: {told}.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
