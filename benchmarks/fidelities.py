"""Surrogates that take few dear simulations further: channels corrected, another cell learned.

``make bench`` runs it and writes ``benchmarks/results/surrogate_fidelities.json`` and ``.md``. Two
questions. On R2: a surrogate of 1,000 charges with channels homogenised, corrected by 100 with the slit
resolved, beside the same surrogate uncorrected and a Gaussian process of the 100 alone. On R1-Ecker2015:
a surrogate trained on R1 and tuned on few charges of another cell, beside others trained from nothing.

``python benchmarks/fidelities.py RUNS`` reads the sweeps from another folder than ``runs``, or fills
them there, which takes ten minutes of one core.
"""

import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import electrograd as eg
from electrograd.design.package import versions
from electrograd.physics.charge import NEGATIVE_POTENTIAL, VOLTAGE
from electrograd.physics.variables import ACCEPTED_CAPACITY, NOMINAL_CAPACITY, PLATING_MARGIN
from electrograd.study import Study
from electrograd.surrogates.correction import place
from electrograd.surrogates.correction_fitting import correct
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.fitting import train
from electrograd.surrogates.gaussian_process import fit
from electrograd.surrogates.surrogate import Surrogate
from electrograd.surrogates.training import TrainingSettings
from electrograd.surrogates.transfer import tune
from electrograd.sweeps.dataset import Dataset

RESULTS = Path(__file__).parent / "results"
RUNS = Path(sys.argv[1] if len(sys.argv) > 1 else "runs")
FEW = (16, 32, 64, 100)
"""Resolved designs that correct."""
LIGHT = TrainingSettings(members=2, folds=8, width=64, steps=4000)
"""Of every surrogate here alike: half a minute each, no student."""
TUNED, UNTRAINED = (32, 64), (64, 128, 256, 512)
"""Simulations of the other cell: to tune on, and to train on from nothing."""


def figures_wrong(predicted: dict[str, np.ndarray], truth: Dataset) -> dict[str, float]:
    """Errors of accepted capacity [%] and of the plating margin [mV] over the test designs."""
    accepted, margin = truth.figures[ACCEPTED_CAPACITY], truth.figures[PLATING_MARGIN]
    capacity = 100 * np.abs(predicted[ACCEPTED_CAPACITY] / accepted - 1)
    plating = 1e3 * np.abs(predicted[PLATING_MARGIN] - margin)
    return {
        "capacity, median [%]": float(np.median(capacity)),
        "capacity, 95th [%]": float(np.quantile(capacity, 0.95)),
        "margin, median [mV]": float(np.median(plating)),
        "margin, 95th [mV]": float(np.quantile(plating, 0.95)),
    }


def curves_wrong(surrogate: Any, truth: Dataset) -> dict[str, float]:
    """RMSE along the curves at the truth's own charges [mV]."""
    share = jnp.asarray(truth.charge / truth.figures[NOMINAL_CAPACITY][:, None], jnp.float32)
    curves = jax.jit(jax.vmap(surrogate.curves))(jnp.asarray(truth.values, jnp.float32), share)
    found = {}
    for k, (label, name) in enumerate({"voltage": VOLTAGE, "potential": NEGATIVE_POTENTIAL}.items()):
        rmse = 1e3 * np.sqrt(np.mean((np.asarray(curves[..., k]) - truth.curves[name]) ** 2, axis=1))
        found[f"{label} RMSE, median [mV]"] = float(np.median(rmse))
        found[f"{label} RMSE, 95th [mV]"] = float(np.quantile(rmse, 0.95))
    return found


def covered(surrogate: Any, truth: Dataset) -> dict[str, float]:
    """Share of the test designs inside the 90 % intervals."""
    predicted = surrogate.predict(truth.values)
    return {
        f"{label} inside its 90 % interval [%]": 100
        * float(np.mean(np.abs(predicted[name] - truth.figures[name]) <= surrogate.interval(name)))
        for label, name in (("capacity", ACCEPTED_CAPACITY), ("margin", PLATING_MARGIN))
    }


def trained(study: Study, data: Dataset) -> Surrogate:
    """A surrogate of a study's sweep."""
    physics = CurvePhysics.of(study.loaded_cell, study.space, study.scenario)
    return train(data, physics, study.scenario, study.solver, LIGHT)


def channels() -> dict[str, Any]:
    """R2: many homogenised charges, few resolved ones."""
    study = eg.load_study("R2")
    truth, dear = (eg.run_sweep(study, RUNS, name=name) for name in ("resolved-test", "resolved"))
    bulk = trained(study, eg.run_sweep(study, RUNS))
    rows = {"homogenised alone": figures_wrong(bulk.predict(truth.values), truth)}
    rows["homogenised alone"] |= curves_wrong(bulk, truth)
    for count in FEW:
        some = dear.only(np.arange(count))
        began = time.process_time()
        corrected = correct(bulk, some)
        taken = time.process_time() - began
        rows[f"corrected by {count} resolved"] = (
            figures_wrong(corrected.predict(truth.values), truth)
            | curves_wrong(corrected, truth)
            | covered(corrected, truth)
            | {"time [s]": taken}
        )
        both = [ACCEPTED_CAPACITY, PLATING_MARGIN]
        alone = fit(
            place(study.space, some.values), np.stack([some.figures[name] for name in both], axis=1)
        )
        found = np.asarray(jax.vmap(alone.predict)(jnp.asarray(place(study.space, truth.values))))
        rows[f"Gaussian process of {count} resolved alone"] = figures_wrong(
            dict(zip(both, found.T, strict=True)), truth
        )
    return {
        "homogenised simulations": len(eg.run_sweep(study, RUNS)),
        "test designs": len(truth),
        "errors": rows,
    }


def transfer() -> dict[str, Any]:
    """R1-Ecker2015: a surrogate trained on R1 and tuned, and others trained from nothing."""
    study = eg.load_study("R1-Ecker2015")
    data, truth = eg.run_sweep(study, RUNS), eg.run_sweep(study, RUNS, name="test")
    truth = truth.only(truth.completed)
    first = eg.load_study("R1")
    many = eg.run_sweep(first, RUNS)
    source = trained(first, many)
    physics = CurvePhysics.of(study.loaded_cell, study.space, study.scenario)
    told = (physics, study.scenario, study.solver, LIGHT)
    kinds = {
        "tuned": (TUNED, lambda some: tune(source, some, *told)),
        "from nothing": (UNTRAINED, lambda some: train(some, *told)),
    }
    rows = {}
    for kind, (counts, learn) in kinds.items():
        for count in counts:
            began = time.process_time()
            surrogate = learn(data.only(np.arange(count)))
            taken = time.process_time() - began
            rows[f"{kind}, {count} simulations"] = (
                figures_wrong(surrogate.predict(truth.values), truth)
                | curves_wrong(surrogate, truth)
                | covered(surrogate, truth)
                | {"time [s]": taken}
            )
    return {
        "simulations of R1": len(many),
        "test designs": len(truth),
        "errors": rows,
    }


def table(rows: dict[str, dict[str, float]]) -> list[str]:
    """Rows as Markdown; every column that any row has."""
    heads = list(dict.fromkeys(head for row in rows.values() for head in row))
    lines = [f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for name, row in rows.items():
        cells = (f"{row[head]:.3g}" if head in row else "" for head in heads)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def report(result: dict[str, Any]) -> str:
    """The results as Markdown."""
    channelled, other = result["channels"], result["transfer"]
    lines = [
        f"# Few dear simulations, {result['date']}",
        "",
        f"{result['machine']}. Time is the processor's, to correct, tune or train.",
        "",
        f"R2: a surrogate of {channelled['homogenised simulations']} charges with channels homogenised, "
        f"and what resolved ones make of it; against {channelled['test designs']} other resolved ones.",
        "",
        *table(channelled["errors"]),
        "",
        f"R1-Ecker2015: the surrogate of R1's {other['simulations of R1']} charges of `Chen2020`, tuned "
        "on charges of `Ecker2015`, and others trained on these alone; against "
        f"{other['test designs']} other designs.",
        "",
        *table(other["errors"]),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and write the results."""
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "versions": versions(),
        "channels": channels(),
        "transfer": transfer(),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "surrogate_fidelities.json").write_text(
        json.dumps(result, indent=2, ensure_ascii=False) + "\n"
    )
    (RESULTS / "surrogate_fidelities.md").write_text(report(result))
    print(report(result))


if __name__ == "__main__":
    main()
