"""Simulated curves that stand for measured ones; run by itself, it writes those of the bundled study.

python benchmarks/_identification_curves.py
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

import electrograd as eg
from electrograd.design.charging import CurveSimulators, SimulatedCurve
from electrograd.design.identification_checks import empty_voltage
from electrograd.design.measured import MeasuredCurve
from electrograd.physics.cell import Cell
from electrograd.physics.scenario import SolverSettings
from electrograd.physics.stack import nominal_capacity

READINGS, NOISE = 200, 1e-3
RATES = (0.3, 0.75, 1.5)
"""Of the published cell's capacity; every trial is charged at the same currents."""
PLANTED = {
    "Negative electrode porosity": 0.235,
    "Negative electrode Bruggeman coefficient (electrolyte)": 1.72,
    "Positive particle diffusivity factor": 0.65,
    "Negative electrode exchange-current density factor": 1.6,
}
STUDIES = Path(__file__).resolve().parents[1] / "studies"


def currents(cell: Cell) -> list[float]:
    """Current densities [A.m-2] of the rates, of the published cell."""
    return [rate * float(nominal_capacity(cell, cell.parameters({}))) for rate in RATES]


def measured(
    name: str, curve: SimulatedCurve, current: float, area: float, rng: np.random.Generator
) -> MeasuredCurve:
    """Readings evenly over the charge, with noise; the first comes one interval after its begin."""
    charge = np.linspace(0, curve.charge[-1], READINGS + 1)[1:]
    voltage = curve.at(charge) + NOISE * rng.normal(size=READINGS)
    return MeasuredCurve(name, current * area, charge * area, voltage, np.nan, (), {})


def simulators(study: eg.Study) -> CurveSimulators:
    """What charges as the study's sweep does."""
    return CurveSimulators(study.loaded_cell, study.scenario, study.solver, 60.0)


def write(design: Mapping[str, float], seed: int) -> None:
    """Write the bundled study's curves, on the fine mesh on which designs are verified."""
    study = eg.load_study(STUDIES / "identify.yaml")
    cell, rng = study.loaded_cell, np.random.default_rng(seed)
    fine = SolverSettings(points=60, rtol=1e-7)
    told = ", ".join(f"{name} = {value:g}" for name, value in design.items())
    with CurveSimulators(cell, study.scenario, fine, 60.0) as simulate:
        (curves,) = simulate([design], currents(cell))
    for k, (curve, current) in enumerate(zip(curves, currents(cell), strict=True), start=1):
        assert curve is not None
        readings = measured("", curve, current, cell.electrode_area, rng)
        time = 3600 * readings.charge / readings.current
        lines = [
            f"# Simulated in PyBaMM (DFN, Chen2020 with {told}), 1 mV of noise added. Not measured.",
            "Test Time / s,Current / A,Voltage / V",
            f"0.0,0.00000,{empty_voltage(cell, study.scenario.temperature):.4f}",
            *(
                f"{t:.1f},{readings.current:.5f},{v:.4f}"
                for t, v in zip(time, readings.voltage, strict=True)
            ),
        ]
        (STUDIES / f"identify_{k}.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write(PLANTED, seed=20)
