"""The design package: everything a person needs to use, check or contest a design, as plain files.

``design.json`` holds the design and its provenance, ``parameter_values.json`` loads in plain PyBaMM, and
``curves.csv`` holds the charging curves. `SCHEMA_VERSION` counts changes that break readers.
"""

import dataclasses
import importlib.metadata
import json
import math
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from electrograd.design.prices import Prices
from electrograd.design.problem import Goal
from electrograd.design.verify import Outcome
from electrograd.physics.cell import ELECTROLYTE_DENSITY, Cell
from electrograd.physics.charge import Charge
from electrograd.physics.fidelity import model_of
from electrograd.physics.figures import Simulated
from electrograd.physics.model import mesh_points
from electrograd.physics.plain import MODEL, plain_pybamm
from electrograd.physics.reference_discharge import DISCHARGE_TEMPERATURE
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import rate_capacity
from electrograd.physics.symbolic_mesh import DOMAINS, PARTICLES
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    AIMS,
    C_RATE,
    HOTTEST,
    LEAST_ELECTROLYTE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    PREDICTED,
    THEORETICAL_ENERGY_DENSITY,
    THEORETICAL_SPECIFIC_ENERGY,
    USABLE_RATIO,
    VARIABLES,
    figure_and_scenario,
    unit_of,
)
from electrograd.surrogates.checkpoint import write_atomic
from electrograd.surrogates.figure_surrogate import FigureSurrogate
from electrograd.surrogates.surrogate import Surrogate
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.space import DesignSpace

SCHEMA_VERSION = 5
AT_BOUND = 0.01
"""A variable this close to a bound, as a share of its range, leans on it."""

CLOSED_FORM = (
    NOMINAL_CAPACITY,
    THEORETICAL_SPECIFIC_ENERGY,
    THEORETICAL_ENERGY_DENSITY,
    HOTTEST,
    USABLE_RATIO,
)
"""Predicted figures of merit in which nothing is learned, while surrogates are of one temperature."""

_PACKAGES = (
    "electrograd",
    "pybamm",
    "pybammsolvers",
    "jax",
    "flax",
    "optax",
    "numpy",
    "scipy",
    "SALib",
)


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


def design_record(
    name: str,
    surrogate: Surrogate | FigureSurrogate,
    solver: SolverSettings,
    goal: Goal,
    outcome: Outcome,
    baseline: Simulated,
    dataset: Dataset,
    seeds: dict[str, int],
) -> dict[str, Any]:
    """Return the contents of ``design.json``.

    Parameters
    ----------
    name
        Of the study.
    solver
        Settings of the verifying simulations.
    baseline
        The cell as its parameter set has it, in the same scenario.
    seeds
        By step: sweep, training, design.
    """
    cell, space = surrogate.physics.cell, surrogate.space
    winner = outcome.winner
    base_values = cell.design_values(baseline.parameters)
    return {
        "schema_version": SCHEMA_VERSION,
        "study": name,
        "limits_met": outcome.feasible,
        "cell": {
            "parameter_set": cell.name,
            "stoichiometry_windows": {
                side: {"empty": electrode.empty, "full": electrode.full}
                for side, electrode in (("negative", cell.negative), ("positive", cell.positive))
            },
            "active_share_of_solids": {
                "negative": cell.negative.active_share,
                "positive": cell.positive.active_share,
            },
            "electrolyte_density_kg_m3": ELECTROLYTE_DENSITY,
            "data": cell.to_dict(),
        },
        "scenario": surrogate.scenario.to_dict(),
        "further_scenarios": {
            other: scenario.to_dict() for other, scenario in getattr(surrogate, "others", {}).items()
        },
        "c_rate": winner.simulated.parameters.get(C_RATE, surrogate.scenario.c_rate),
        "goal": {
            "figure": goal.figure,
            "sense": goal.sense,
            "limits": [asdict(limit) for limit in goal.limits],
        },
        "variables": _variables(space, winner.design, base_values),
        "parameters": {
            key: {"value": value, "baseline": baseline.parameters[key], "unit": unit_of(key)}
            for key, value in winner.simulated.parameters.items()
        },
        "figures_of_merit": _figures(surrogate, winner.predicted, winner.simulated, baseline),
        "constraints": [
            {
                **asdict(limit),
                "predicted": winner.predicted[limit.figure],
                "simulated": winner.simulated.figures[limit.figure],
                "holds": limit.holds(winner.simulated.figures),
                "baseline": baseline.figures[limit.figure],
                "baseline_holds": limit.holds(baseline.figures),
            }
            for limit in goal.limits
        ],
        "leans_on": _leans_on(goal, winner.prices if outcome.feasible else None),
        "inside_trained_domain": space.contains(winner.design),
        "baseline": {
            "inside_box": space.contains(base_values),
            "design_values": base_values,
            "end": baseline.charge.end.label,
        },
        "best_of_sweep": outcome.best_of_sweep
        and {"design": outcome.best_of_sweep[0], "figures_of_merit": outcome.best_of_sweep[1]},
        "search": {
            "starts": outcome.starts,
            "polished": outcome.polished,
            "polished_to_this_optimum": outcome.agreeing,
            "settled": outcome.settled,
            "budget": outcome.budget,
            "verified_designs": [
                {
                    "design": candidate.design,
                    "predicted": candidate.predicted,
                    "simulated": candidate.simulated.figures,
                    "limits_met": goal.feasible(candidate.simulated.figures),
                }
                for candidate in outcome.candidates
            ],
            "explored_designs": explored_record(outcome),
        },
        "simulation": _simulation(cell, surrogate.scenario, solver, winner.simulated),
        "surrogate": {"dataset": surrogate.dataset, "accuracy": surrogate.accuracy.summary()},
        "sweep": {
            "designs": len(dataset),
            "mesh_points": surrogate.settings.points,
            "ends": dataset.count_ends(),
            "failed": int(np.sum(~dataset.completed)),
            "depleted": int(np.sum(dataset.figures[LEAST_ELECTROLYTE] < surrogate.settings.depleted)),
        },
        "seeds": seeds,
        "versions": versions(),
    }


def write_package(folder: Path, record: dict[str, Any], files: dict[str, bytes]) -> None:
    """Write the files, then ``design.json``, which marks the package whole.

    What was drawn of another design goes first: nothing stale stands beside the new.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in ("design.json", "why.json", "report.html"):
        (folder / stale).unlink(missing_ok=True)
    shutil.rmtree(folder / "figures", ignore_errors=True)
    for name, content in files.items():
        write_atomic(folder / name, content)
    write_atomic(folder / "design.json", to_json(record))


def to_json(record: Any) -> bytes:
    """JSON with NaN and infinity as null: strict readers refuse the bare words."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return value

    return json.dumps(plain(record), indent=2, ensure_ascii=False, allow_nan=False).encode()


def resolved_record(charge: Charge) -> dict[str, Any]:
    """What the resolved model says of a channelled design, for ``design.json``."""
    return {
        ACCEPTED_CAPACITY: charge.accepted,
        ACCEPTED_SHARE: charge.accepted / charge.nominal,
        PLATING_MARGIN: charge.plating_margin,
        LEAST_ELECTROLYTE: charge.least_electrolyte,
        "end": charge.end.label,
    }


def explored_record(outcome: Outcome) -> list[dict[str, Any]]:
    """What was simulated on the sweep's mesh on the way, for JSON."""
    return [
        {"design": one.design, "predicted": one.predicted, "simulated": one.simulated.figures}
        for one in outcome.explored
    ]


def _variables(
    space: DesignSpace, design: dict[str, float], baseline: dict[str, float]
) -> dict[str, dict[str, Any]]:
    record = {}
    for name, low, high in zip(space.names, space.lower, space.upper, strict=True):
        value = design[name]
        place = (value - low) / (high - low)
        bound = "lower" if place < AT_BOUND else "upper" if place > 1 - AT_BOUND else None
        record[name] = {
            "value": value,
            "unit": VARIABLES[name].unit,
            "lower": low,
            "upper": high,
            "baseline": baseline[name],
            "at_bound": bound,
        }
    return record


def _leans_on(goal: Goal, prices: Prices | None) -> dict[str, Any] | None:
    """What holds the design back, by the surrogate: limits and bounds with their prices."""
    if prices is None:
        return None
    unit = unit_of(goal.figure)
    return {
        "interior": prices.interior,
        "unexplained": prices.unexplained,
        "limits": [
            {**asdict(limit), "gain": gain, "unit": f"{unit} per {unit_of(limit.figure) or 1}"}
            for limit, gain in prices.limits.items()
        ],
        "bounds": {
            name: {"gain": gain, "unit": f"{unit} per {unit_of(name) or 1}"}
            for name, gain in prices.bounds.items()
        },
    }


def _figures(
    surrogate: Surrogate | FigureSurrogate,
    predicted: dict[str, float],
    simulated: Simulated,
    baseline: Simulated,
) -> dict[str, dict[str, Any]]:
    record = {}
    for name, value in simulated.figures.items():
        guess = predicted.get(name)
        known = name in CLOSED_FORM or name in surrogate.accuracy.figures
        half = surrogate.interval(name)
        record[name] = {
            "unit": unit_of(name),
            "predicted": guess,
            "interval": None if guess is None or not known else [guess - half, guess + half],
            "simulated": value,
            "baseline": baseline.figures[name],
            "learned": name in predicted and name not in CLOSED_FORM,
            "definition": {**PREDICTED, **AIMS}.get(figure_and_scenario(name)[0], "simulated only"),
        }
    return record


def _simulation(
    cell: Cell, scenario: Scenario, settings: SolverSettings, winner: Simulated
) -> dict[str, Any]:
    model = model_of(cell, scenario)
    density = winner.parameters.get(C_RATE, scenario.c_rate) * float(
        rate_capacity(cell, winner.parameters, scenario.rate_of)
    )
    return {
        "model": MODEL if plain_pybamm(cell) else {"class": f"{model.__module__}.{model.__name__}"},
        "plain_pybamm": plain_pybamm(cell) and scenario.constant_current,
        "constant_current": scenario.constant_current,
        "mesh": {
            "points": mesh_points(settings),
            "submesh_types": dict.fromkeys((*DOMAINS, *PARTICLES), "pybamm.Uniform1DSubMesh"),
        },
        "solver": {"class": "pybamm.IDAKLUSolver", "rtol": settings.rtol, "atol": settings.atol},
        "time_span_s": [0.0, 3600 * scenario.charge_limit * winner.charge.nominal / density],
        "current_density_A_m2": density,
        "electrode_area_m2": cell.electrode_area,
        "events": {
            "upper voltage cut-off [V]": scenario.upper_voltage,
        },
        "end": winner.charge.end.label,
        "solver_message": winner.charge.message,
        "saturated_surfaces": [dataclasses.asdict(found) for found in winner.charge.saturations],
        "electrolyte_depleted": winner.charge.least_electrolyte < settings.depleted,
        "electrolyte_depleted_below_mol_m3": settings.depleted,
        "specific_energy_discharge_c_rate": scenario.discharge_rate,
        "specific_energy_temperature_K": DISCHARGE_TEMPERATURE,
    }
