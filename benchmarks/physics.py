"""Cost of the P2D beside a bare PyBaMM loop that does the same solves, in the same run.

``make bench`` runs it and writes ``benchmarks/results/physics.json`` and ``.md``.
"""

import json
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from electrograd.physics.cell import Cell
from electrograd.physics.charge import CURVES, OBSERVABLES
from electrograd.physics.model import submesh_types
from electrograd.physics.p2d import P2D
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import nominal_capacity
from electrograd.physics.structure import Structure
from electrograd.sweeps.space import DesignSpace

RESULTS = Path(__file__).parent / "results"
DESIGNS, ROUNDS = 24, 5
SPACE = DesignSpace.from_bounds(
    {
        "N/P ratio": (1.05, 1.3),
        "Positive electrode thickness [m]": (40e-6, 75e-6),
        "Negative electrode porosity": (0.28, 0.5),
        "Positive electrode porosity": (0.28, 0.5),
        "Negative particle radius [m]": (1.5e-6, 7e-6),
    }
)
VARIED = [
    "Negative electrode thickness [m]",
    "Positive electrode thickness [m]",
    "Negative electrode porosity",
    "Positive electrode porosity",
    "Negative electrode active material volume fraction",
    "Positive electrode active material volume fraction",
    "Negative electrode Bruggeman coefficient (electrolyte)",
    "Positive electrode Bruggeman coefficient (electrolyte)",
    "Negative particle radius [m]",
    "Positive particle radius [m]",
]
RECORDED = [
    "Voltage [V]",
    "Negative electrode surface potential difference at separator interface [V]",
    "Maximum negative particle surface stoichiometry",
    "Minimum positive particle surface stoichiometry",
    "Minimum electrolyte concentration [mol.m-3]",
    "Current [A]",
    "Volume-averaged cell temperature [K]",
    "Time [s]",
]
PORTS = {
    "graded": {f"Negative electrode porosity of layer {k}": 0.3 for k in (1, 2, 3)},
    "channels": {"Negative channel pitch [m]": 1e-4, "Negative channel width over pitch": 0.1},
}


def bare(cell: Cell) -> Callable[[dict[str, float]], object]:
    """Plain PyBaMM, as its users would write it: built once, inputs, events, the same records."""
    model = pybamm.lithium_ion.DFN()
    known = model.variables
    known[RECORDED[4]] = pybamm.min(known["Electrolyte concentration [mol.m-3]"])
    model.events += [
        pybamm.Event("full", 0.999 - known[RECORDED[2]]),
        pybamm.Event("empty", known[RECORDED[3]] - 0.001),
    ]
    values = pybamm.ParameterValues("Chen2020")
    values.update(dict.fromkeys(VARIED, "[input]"))
    values["Current function [A]"] = -pybamm.InputParameter("I")
    values["Lower voltage cut-off [V]"] = 0.0
    for side, electrode in (("negative", cell.negative), ("positive", cell.positive)):
        start = electrode.empty * electrode.maximum_concentration
        values[f"Initial concentration in {side} electrode [mol.m-3]"] = start
    simulation = pybamm.Simulation(
        model,
        parameter_values=values,
        solver=pybamm.IDAKLUSolver(rtol=1e-6, atol=1e-8, output_variables=RECORDED),
        submesh_types={**model.default_submesh_types, **submesh_types()},
    )

    def solve(parameters: dict[str, float]) -> object:
        current = float(nominal_capacity(cell, parameters)) * cell.electrode_area
        inputs = {name: parameters[name] for name in VARIED} | {"I": current}
        solution = simulation.solve([0, 1.1 * 3600], inputs=inputs)
        return [solution[name].entries for name in RECORDED]

    return solve


def median_times(calls: dict[str, Callable[[dict[str, float]], object]], designs: list) -> dict:
    """Median milliseconds of a solve by name, the contestants taking turns design by design."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call(designs[0])
        call(designs[1])
    for _ in range(ROUNDS):
        for design in designs:
            for name, call in calls.items():
                began = time.perf_counter()
                call(design)
                times[name].append(1e3 * (time.perf_counter() - began))
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Measure, print, and write the results."""
    cell = Cell.load("Chen2020")
    scenario, settings = Scenario(1.0), SolverSettings()
    rows = [dict(zip(SPACE.names, map(float, row), strict=True)) for row in SPACE.sobol(DESIGNS, 5)]
    designs = [{k: float(v) for k, v in cell.parameters(row).items()} for row in rows]
    swept, full = P2D(cell, scenario, settings, CURVES), P2D(cell, scenario, settings)
    calls = {"bare PyBaMM": bare(cell), "P2D, as in a sweep": swept.charge}
    calls["P2D, all observables"] = full.charge
    limited = Scenario(2.0, hold_voltage=True, plating_potential=0.0, charge_limit=0.9)
    calls["P2D, plating-limited charge"] = P2D(cell, limited, settings, CURVES).charge
    for name, extra in PORTS.items():
        structured = Cell.load("Chen2020", Structure.of(extra))
        model = P2D(structured, scenario, settings, CURVES)
        uniform = {k: float(v) for k, v in structured.parameters(extra).items()}
        calls[f"P2D, {name}"] = lambda values, m=model, u=uniform: m.charge({**values, **u})
    times = median_times(calls, designs)
    began = time.perf_counter()
    P2D(cell, scenario, settings, CURVES).charge(designs[0])
    ratio = times["P2D, as in a sweep"] / times["bare PyBaMM"]
    results = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, one core",
        "designs": DESIGNS,
        "rounds": ROUNDS,
        "median_ms": times,
        "ratio_to_bare": ratio,
        "build_and_first_solve_s": time.perf_counter() - began,
        "observables": {"sweep": len(CURVES), "all": len(OBSERVABLES)},
    }
    lines = [
        f"# P2D solves, {results['date']}",
        "",
        f"{results['machine']}. Median milliseconds of a 1C charge of `Chen2020`, {DESIGNS} designs,",
        f"{len(CURVES)} curves recorded (all observables: {len(OBSERVABLES)}),",
        f"{ROUNDS} rounds, contestants in turn. One build: {results['build_and_first_solve_s']:.1f} s.",
        "",
        "| | ms | over bare PyBaMM |",
        "|---|---|---|",
        *(f"| {n} | {t:.1f} | {t / times['bare PyBaMM']:.2f} |" for n, t in times.items()),
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "physics.json").write_text(json.dumps(results, indent=2) + "\n")
    (RESULTS / "physics.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
