"""Whether what keeps the solver whole near full and empty surfaces changes a figure.

``make bench`` runs it and writes ``benchmarks/results/ends.json`` and ``.md``. Charges and discharges
are simulated as they are, without any guard, and again with an event that ends them where a particle
surface is within a guard of full or empty (it once was 1e-3 here). Figures: accepted capacity, charge
time to 80 %, energy.
"""

import json
import platform
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pybamm
from scipy.stats import qmc

import electrograd as eg
from electrograd.physics import p2d
from electrograd.physics.cell import Cell
from electrograd.physics.charge import CURVES, Charge
from electrograd.physics.model import build_model
from electrograd.physics.p2d import P2D
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.variables import C_RATE

RESULTS = Path(__file__).parent / "results"
GUARDS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
R3 = {
    "N/P ratio": (1.05, 1.30),
    "Positive electrode thickness [m]": (45e-6, 100e-6),
    "Negative electrode porosity": (0.22, 0.42),
    "Positive electrode porosity": (0.22, 0.42),
    "Negative particle radius [m]": (2e-6, 8e-6),
    "Positive particle radius [m]": (1e-6, 5e-6),
}
HELD = Scenario(
    6.0, hold_voltage=True, plating_potential=0.0, hold_until=0.2, cooling=40.0, upper_voltage=4.2
)


class Guarded(P2D):
    """As `P2D`, ended where a surface is within ``guard`` of full or empty; 0 guards nothing."""

    def __init__(self, cell: Cell, scenario: Scenario, guard: float) -> None:
        self._guard = guard
        super().__init__(cell, scenario, SolverSettings(), CURVES)

    def _built(self, options: dict[str, str]) -> Any:
        def guarded(*arguments: Any) -> Any:
            model = build_model(*arguments)
            for side in ("negative", "positive") if self._guard else ():
                for which, sign in (("Maximum", 1.0), ("Minimum", -1.0)):
                    surface = model.variables[f"{which} {side} particle surface stoichiometry"]
                    room = 1 - surface if sign > 0 else surface
                    model.events.append(pybamm.Event(f"{which} {side}", room - self._guard))
            return model

        p2d.build_model = guarded
        try:
            return super()._built(options)
        finally:
            p2d.build_model = build_model


def figures(charge: Charge) -> tuple[float, float, float]:
    """Accepted capacity, charge time to 80 % and energy."""
    return charge.accepted, charge.time_to(0.8), charge.energy


def measured(cell: Cell, scenario: Scenario, rows: list[dict[str, float]], discharge: float) -> Any:
    """Figures of some designs by every guard, beside those without any."""
    parameters = [{k: float(v) for k, v in cell.parameters(row).items()} for row in rows]
    found: dict[float, np.ndarray] = {}
    ends: dict[float, Counter[str]] = {}
    seconds = {}
    for guard in (0.0, *GUARDS):
        model = Guarded(cell, scenario, guard)
        began, charges = time.process_time(), []
        for one in parameters:
            charges.append(model.discharge(one, discharge) if discharge else model.charge(one))
        seconds[guard] = (time.process_time() - began) / len(rows)
        found[guard] = np.array([figures(charge) for charge in charges])
        ends[guard] = Counter(charge.message for charge in charges)
    free = found[0.0]
    return {
        f"{guard:g}": {
            "ended early": int(np.sum(found[guard][:, 0] < free[:, 0] * (1 - 1e-5))),
            "largest change": {
                name: _largest(found[guard][:, k], free[:, k])
                for k, name in enumerate(("accepted", "time to 80 %", "energy"))
            },
            "not charged to 80 % for it": int(
                np.sum(np.isinf(found[guard][:, 1]) & np.isfinite(free[:, 1]))
            ),
            "seconds a design": seconds[guard],
            "ends": dict(ends[guard]),
        }
        for guard in (0.0, *GUARDS)
    }


def _largest(values: np.ndarray, free: np.ndarray) -> float:
    both = np.isfinite(values) & np.isfinite(free) & (free > 0)
    return float(np.max(np.abs(values[both] / free[both] - 1), initial=0.0))


def main() -> None:
    """Measure, print, and write the results."""
    results: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "pybamm": pybamm.__version__,
        "problems": {},
    }

    def sobol(names: int, designs: int) -> np.ndarray:
        return qmc.Sobol(names, rng=np.random.default_rng(16)).random(designs)

    for name, rate in (("R1", 0.0), ("R1-wide", 0.0), ("R1", 2.0), ("R1", 3.0)):
        study = eg.load_study(name)
        values = study.space.from_unit(sobol(len(study.space), 64))
        rows = [dict(zip(study.space.names, map(float, row), strict=True)) for row in values]
        for row in rows if rate else ():
            row.pop(C_RATE)
        problem = f"{name}, {rate:g}C discharge" if rate else name
        results["problems"][problem] = measured(study.loaded_cell, study.scenario, rows, rate)
        print(problem, json.dumps(results["problems"][problem]), flush=True)
    low, high = np.array(list(R3.values())).T
    rows = [
        dict(zip(R3, map(float, row), strict=True)) for row in low + (high - low) * sobol(len(R3), 32)
    ]
    results["problems"]["R3"] = measured(Cell.load("OKane2022"), HELD, rows, 0.0)
    lines = [
        f"# Ends at a surface, {results['date']}",
        "",
        "Figures with a guard at full and empty surfaces, against none; 64 designs a problem (R3: 32).",
        "Largest change of accepted capacity, of charge time to 80 % and of energy; designs that the",
        "guard ended early, and that it kept from 80 %.",
        "",
        "| problem | guard | ended early | accepted | time | energy | kept from 80 % | s a design |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for problem, guards in results["problems"].items():
        for guard, one in guards.items():
            change = " | ".join(f"{100 * value:.2g} %" for value in one["largest change"].values())
            lines.append(
                f"| {problem} | {guard} | {one['ended early']} | {change} | "
                f"{one['not charged to 80 % for it']} | {one['seconds a design']:.3f} |"
            )
    (RESULTS / "ends.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "ends.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
