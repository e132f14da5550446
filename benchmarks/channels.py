"""Channels resolved: a table of accepted capacities, the limits of width and pitch, and the mesh.

``python benchmarks/channels.py`` writes ``benchmarks/results/channels.json`` and ``.md``; some minutes.
"""

import dataclasses
import json
import math
import os
import platform
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy.stats import qmc

from electrograd.design.package import versions
from electrograd.physics.cell import FARADAY
from electrograd.physics.channels import Channel, ChannelShape, vascular
from electrograd.physics.charge import NEGATIVE_POTENTIAL, Charge
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.resolved import Resolved
from electrograd.physics.resolved_mesh import MeshSettings

RESULTS = Path(__file__).parent / "results"
MESH = MeshSettings()
DESIGNS, SEED = 16, 2026
HALF_PITCHES = (10, 25, 50, 100, 200)
EARLIER = {
    "no channel": (32.75, 21.09, 11.67),
    10: (32.19, 22.40, 13.89),
    25: (32.12, 22.22, 13.62),
    50: (31.98, 21.89, 13.19),
    100: (31.72, 21.25, 12.59),
    200: (31.35, 20.42, 11.85),
}
"""Accepted capacity [A.h.m-2] at 1, 2 and 3C by half pitch [µm], measured on PyBaMM's own model."""

LOWER = (20e-6, 0.05, 0.3, 0.28, 1.2, 2.0)
UPPER = (200e-6, 0.30, 1.0, 0.45, 1.9, 4.0)
"""Pitch [m], width over pitch, depth over thickness, matrix porosity, Bruggeman exponent, rate [1/h]."""


def okane():
    values = pybamm.ParameterValues("OKane2022")
    values.update(
        {
            "Negative electrode thickness [m]": 85e-6,
            "Positive electrode thickness [m]": 75e-6,
            "Negative electrode porosity": 0.25,
        }
    )
    return values


def painted(depth: np.ndarray, lateral: np.ndarray) -> np.ndarray:
    """Content of a full-depth slit of a fifth of the pitch with a logistic edge."""
    return 1 / (1 + np.exp(-200 * (0.2 - lateral)))


def channel_table() -> dict[str, list[list[float]]]:
    """Earlier value, painted as there, and the default mesh aligned with the wall, by half pitch."""
    table = {}
    as_there = MeshSettings(16, 16, 16, 2, 6, 12, 0.0, 1.0, 1)
    for half in ("no channel", *HALF_PITCHES):
        shape = slit = None
        if half != "no channel":
            shape = ChannelShape("slit", 2e-6 * half, painted)
            slit = Channel("slit", 2e-6 * half, 0.4e-6 * half, 85e-6)
        models = (
            Resolved(okane(), shape, mesh=as_there, active_floor=1e-3),
            Resolved(okane(), slit),
        )
        table[str(half)] = [
            [
                EARLIER[half][rate - 1],
                *(m.charge(48.69 * rate, (0.0478, 0.8397), 60.0, 48.69).accepted for m in models),
            ]
            for rate in (1, 2, 3)
        ]
    return table


@dataclasses.dataclass(frozen=True)
class Design:
    """A slit in the negative electrode of a `Chen2020` cell, in the order of `LOWER`."""

    pitch: float
    width: float
    depth: float
    porosity: float
    exponent: float
    rate: float

    @property
    def nominal(self) -> float:
        """The positive electrode's usable capacity [A.h.m-2]."""
        return FARADAY * 60e-6 * 0.95 * (1 - 0.335) * 63104.0 * 0.63 / 3600

    @property
    def thickness(self) -> float:
        """Negative electrode at an N/P ratio of 1.15 before ablation [m]."""
        per_metre = FARADAY * 0.95 * (1 - self.porosity) * 33133.0 * 0.87 / 3600
        return 1.15 * self.nominal / per_metre

    def slit(self) -> Channel:
        return Channel("slit", self.pitch, self.width * self.pitch, self.depth * self.thickness)

    def values(self):
        values = pybamm.ParameterValues("Chen2020")
        values.update(
            {
                "Negative electrode thickness [m]": self.thickness,
                "Positive electrode thickness [m]": 60e-6,
                "Negative electrode porosity": self.porosity,
                "Positive electrode porosity": 0.335,
                "Negative electrode active material volume fraction": 0.95 * (1 - self.porosity),
                "Positive electrode active material volume fraction": 0.95 * (1 - 0.335),
                "Negative electrode Bruggeman coefficient (electrolyte)": self.exponent,
                "Negative particle radius [m]": 3e-6,
            }
        )
        return values

    def charge(self, channel, **options) -> Charge:
        model = Resolved(self.values(), channel, **options)
        return model.charge(self.rate * self.nominal, (0.03, 0.90), 1.1 * self.nominal, self.nominal)


def sobol(count: int) -> list[Design]:
    points = qmc.scale(qmc.Sobol(6, rng=SEED).random(count), LOWER, UPPER)
    return [Design(*map(float, point)) for point in points]


def mesh_study(designs: list[Design]) -> dict[str, float]:
    """What doubling every direction of the default mesh changes; seconds of a build and a charge."""
    rows, times = [], []
    for design in designs:
        began = time.perf_counter()
        coarse = design.charge(design.slit())
        times.append(time.perf_counter() - began)
        fine = design.charge(design.slit(), mesh=MESH.scaled(2))
        rows.append(
            (
                100 * abs(coarse.accepted / fine.accepted - 1),
                1e3 * abs(coarse.plating_margin - fine.plating_margin),
                coarse.least_electrolyte,
            )
        )
    capacity, margin, electrolyte = np.array(rows).T
    kept = electrolyte > 50
    return {
        "designs": len(rows),
        "least electrolyte under 50 mol/m³": int(np.sum(~kept)),
        "doubling changes capacity, largest above 50 mol/m³ [%]": float(capacity[kept].max()),
        "doubling changes margin, largest above 50 mol/m³ [mV]": float(margin[kept].max()),
        "doubling changes capacity, largest below [%]": float(capacity[~kept].max(initial=0.0)),
        "doubling changes margin, largest below [mV]": float(margin[~kept].max(initial=0.0)),
        "build and charge, median [s]": statistics.median(times),
    }


def plain_p2d(design: Design, values) -> tuple[float, float]:
    """Accepted capacity and plating margin of PyBaMM's P2D, 80 points a layer, our particles' mesh."""
    current = design.rate * design.nominal
    values.update(
        {
            "Current function [A]": -current * 0.065 * 1.58,
            "Initial concentration in negative electrode [mol.m-3]": 0.03 * 33133.0,
            "Initial concentration in positive electrode [mol.m-3]": 0.90 * 63104.0,
        }
    )
    model = pybamm.lithium_ion.DFN()
    crowded = {"side": "right", "stretch": MESH.radial_stretch}
    particle = pybamm.MeshGenerator(pybamm.Exponential1DSubMesh, crowded)
    solution = pybamm.Simulation(
        model,
        parameter_values=values,
        solver=pybamm.IDAKLUSolver(rtol=1e-6, atol=1e-8),
        submesh_types={
            **model.default_submesh_types,
            **dict.fromkeys(("negative particle", "positive particle"), particle),
        },
        var_pts={
            **dict.fromkeys(("x_n", "x_s", "x_p"), 80),
            **dict.fromkeys(("r_n", "r_p"), MESH.radial),
        },
    ).solve([0, 3600 * 1.1 / design.rate])
    return float(solution.t[-1]) / 3600 * current, float(solution[NEGATIVE_POTENTIAL].entries.min())


def limits() -> dict[str, float]:
    """Widths and pitches that vanish, against plain and homogenised P2D; shapes against each other."""
    design = Design(60e-6, 0.2, 1.0, 0.33, 1.5, 3.0)
    share, inside, length = 0.2, 0.95, design.thickness
    plain, plain_margin = plain_p2d(design, design.values())
    mean = share * inside + (1 - share) * design.porosity
    transport = share * inside**1.5 + (1 - share) * design.porosity**1.5
    values = design.values()
    values.update(
        {
            "Negative electrode porosity": mean,
            "Negative electrode active material volume fraction": (1 - share) * 0.95 * 0.67,
            "Negative electrode Bruggeman coefficient (electrolyte)": math.log(transport)
            / math.log(mean),
        }
    )
    mixed, mixed_margin = plain_p2d(design, values)

    def hole(pitch: float) -> Channel:
        half = Channel("hole", pitch, pitch / 10, length).half_cell
        return Channel("hole", pitch, 2 * half * math.sqrt(share), length)

    found = {"homogenised over plain P2D, capacity [%]": 100 * (mixed / plain - 1)}
    for shape in ("slit", "hole"):
        thin = design.charge(Channel(shape, 60e-6, 6e-8, length))
        found[f"{shape} of a thousandth of its pitch over plain P2D, capacity [%]"] = 100 * (
            thin.accepted / plain - 1
        )
        found[f"{shape} of a thousandth of its pitch less plain P2D, margin [mV]"] = 1e3 * (
            thin.plating_margin - plain_margin
        )
        for pitch in (2e-6, 20e-6, 200e-6):
            channel = hole(pitch) if shape == "hole" else Channel("slit", pitch, share * pitch, length)
            record = design.charge(channel)
            name = f"{shape}s of a fifth of the volume, pitch {1e6 * pitch:g} µm"
            found[f"{name}, over homogenised, capacity [%]"] = 100 * (record.accepted / mixed - 1)
            found[f"{name}, less homogenised, margin [mV]"] = 1e3 * (
                record.plating_margin - mixed_margin
            )
    coarse = MeshSettings(negative=12, separator=4, positive=10, matrix=5, radial=8)
    slit = Channel("slit", 100e-6, 20e-6, length, 8e-6)
    pairs = (("tapered slit", slit), ("square for round holes", hole(100e-6)))
    for name, channel in pairs:
        flat, solid = (design.charge(channel, mesh=coarse, solid=s) for s in (False, True))
        found[f"three dimensions over two, {name}, capacity [%]"] = 100 * (
            solid.accepted / flat.accepted - 1
        )
        found[f"three dimensions less two, {name}, margin [mV]"] = 1e3 * (
            solid.plating_margin - flat.plating_margin
        )
    return found


def shapes() -> dict[str, float]:
    """What a mesh twice as fine changes for tapered and vascular channels, and seconds a charge."""
    design = Design(80e-6, 0.2, 1.0, 0.33, 1.5, 3.0)
    length, found = design.thickness, {}
    for name, channel in (
        ("tapered slit", Channel("slit", 80e-6, 20e-6, 0.8 * length, 4e-6)),
        ("tapered hole", Channel("hole", 80e-6, 36e-6, length, 10e-6)),
        ("vascular slit", vascular("slit", 80e-6)),
        ("vascular hole", vascular("hole", 80e-6)),
    ):
        began = time.perf_counter()
        coarse = design.charge(channel)
        taken = time.perf_counter() - began
        fine = design.charge(channel, mesh=MESH.scaled(2))
        found[f"{name}, capacity [%]"] = 100 * (coarse.accepted / fine.accepted - 1)
        found[f"{name}, margin [mV]"] = 1e3 * (coarse.plating_margin - fine.plating_margin)
        found[f"{name}, build and charge [s]"] = taken
    return found


def main() -> None:
    """Measure, print, and write the results."""
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "versions": versions(),
        "mesh settings": dataclasses.asdict(MESH),
        "table": channel_table(),
        "mesh": mesh_study(sobol(DESIGNS)),
        "limits": limits(),
        "shapes against a mesh twice as fine": shapes(),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "channels.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    (RESULTS / "channels.md").write_text(report(result))
    print(report(result))


def report(result: dict) -> str:
    """The results as Markdown."""
    lines = [f"# Channels, {result['date']}", "", f"{result['machine']}.", ""]
    lines += [
        "Accepted capacity [A.h.m-2] of `OKane2022`, 85 and 75 µm, a fifth of the negative electrode's",
        "volume a full-depth slit, 48.69 A.m-2 per C: earlier value, painted as there, default mesh.",
        "",
        "| half pitch [µm] | 1C | 2C | 3C |",
        "|---|---|---|---|",
    ]
    for half, rates in result["table"].items():
        cells = [" / ".join(f"{value:.2f}" for value in rate) for rate in rates]
        lines.append(f"| {half} | {' | '.join(cells)} |")
    lines += ["", "| measured | value |", "|---|---|"]
    for section in ("mesh", "limits", "shapes against a mesh twice as fine"):
        lines += [f"| {section}: {name} | {value:.3g} |" for name, value in result[section].items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
