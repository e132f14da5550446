"""Identification: are posteriors honest, are strange curves noticed, and how long does it take?

``make bench`` runs it and writes ``benchmarks/results/identification.json`` and ``.md``. The bundled
study ``identify`` is swept and learned from nothing in ``runs/benchmark/identification``, and kept there
until that is deleted, as is every trial. Told are

- *calibration*: 200 cells whose parameters are drawn from all that is held possible, each simulated in
  PyBaMM at three rates, 1 mV of noise added, and its fit mended on the same mesh, the sweep's. If
  posteriors are right, the rank of the truth among independent draws is uniform (Cook, Gelman and Rubin,
  J. Comput. Graph. Stat. 15 (2006) 675; Talts et al., arXiv:1804.06788): tested by chi-square over 20
  bins and by Kolmogorov and Smirnov. Draws are thinned to 199;
- *strangers*: curves of other parameter sets at the same rates, and how many of the right kind were
  doubted;
- *a pair*: a particle's radius and its diffusivity where kinetics are fast, told by R²/D alone;
- seconds of the study's own identification, from nothing and with the surrogate at hand.

    python benchmarks/identification.py [trials]
"""

import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from _identification_curves import NOISE, currents, measured, simulators
from _identification_table import table
from scipy.stats import chisquare, kstest, qmc

import electrograd as eg
from electrograd.design.charging import CurveSimulators
from electrograd.design.identification import Identifier
from electrograd.design.identification_fit import misfit_sentences
from electrograd.design.identification_model import Readings
from electrograd.design.package import versions
from electrograd.physics.cell import Cell
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import nominal_capacity
from electrograd.study_file import parse_study

RESULTS = Path(__file__).parent / "results"
KEPT = Path("runs") / "benchmark" / "identification"
TRIALS, SEED = 200, 77
RANKS, BINS = 199, 20
STRANGERS = ("Ecker2015", "Marquis2019", "OKane2022", "Mohtat2020")
PAIR = """
name: pair
cell: Chen2020
variables:
  Positive particle radius [m]: [3.0e-6, 7.0e-6]
  Positive particle diffusivity factor: {log: [0.3, 3.0]}
  Negative electrode porosity: [0.20, 0.30]
  C-rate: [0.25, 1.8]
fixed:
  Positive electrode exchange-current density factor: 100
scenario:
  C-rate: 1.0
  upper voltage cut-off [V]: 4.2
sweep:
  designs: 256
training:
  members: 4
  steps: 6000
  student steps: 12000
"""


def trial(
    identifier: Identifier, simulate: Any, cell: Cell, unit: np.ndarray, number: int
) -> dict[str, Any]:
    """One cell with planted parameters: ranks of the truth, and whether it was doubted."""
    model, rates = identifier.model, currents(cell)
    (curves,) = simulate([model.named(unit)], rates)
    if any(curve is None for curve in curves):
        return {"failed": True}
    rng = np.random.default_rng([SEED, number])
    read = [
        measured(f"{k}", c, i, cell.electrode_area, rng)
        for k, (c, i) in enumerate(zip(curves, rates, strict=True))
    ]
    began = time.perf_counter()
    found = identifier(Readings.of(read, cell.electrode_area, NOISE), seed=number)
    seconds = time.perf_counter() - began
    draws = found.posterior.flat
    some = draws[np.linspace(0, len(draws) - 1, RANKS).astype(int)]
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    return {
        "truth": unit.tolist(),
        "ranks": np.sum(some < unit, axis=0).tolist(),
        "inside 90 %": ((low <= unit) & (unit <= high)).tolist(),
        "deviation": draws.std(axis=0).tolist(),
        "off": (draws.mean(axis=0) - unit).tolist(),
        "doubted": found.fit.doubted,
        "probability": found.fit.probability,
        "R-hat": float(found.posterior.ratios.max()),
        "effective": float(found.posterior.effective.min()),
        "divergences": found.posterior.divergences,
        "rounds": found.rounds,
        "seconds": seconds,
    }


def calibration(run: eg.StudyRun, trials: int) -> dict[str, Any]:
    """Identify cells drawn from the prior; trials that are there are taken."""
    path, cell = KEPT / "trials.jsonl", run.study.loaded_cell
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    with simulators(run.study) as simulate:
        identifier = Identifier(run.surrogate, simulate)
        names = identifier.model.names
        powers = max(1, (trials - 1).bit_length())
        sobol = qmc.Sobol(len(names), rng=np.random.default_rng(SEED))
        units = sobol.random_base2(powers)[:trials]
        for number in range(len(done), trials):
            one = trial(identifier, simulate, cell, units[number], number)
            done.append(one)
            with path.open("a") as handle:
                handle.write(json.dumps(one) + "\n")
            print(number, one.get("ranks"), one.get("seconds"), flush=True)
        strangers = [stranger(identifier, run.study, name) for name in STRANGERS]
    whole = [one for one in done[:trials] if "ranks" in one]
    ranks = np.array([one["ranks"] for one in whole])
    jitter = np.random.default_rng(SEED).uniform(size=ranks.shape)
    return {
        "trials": len(whole),
        "failed simulations": trials - len(whole),
        "parameters": {
            name: {
                "chi-square p": float(
                    chisquare(np.histogram(ranks[:, k], BINS, (0, RANKS + 1))[0]).pvalue
                ),
                "Kolmogorov-Smirnov p": float(
                    kstest((ranks[:, k] + jitter[:, k]) / (RANKS + 1), "uniform").pvalue
                ),
                "inside 90 % interval": float(np.mean([one["inside 90 %"][k] for one in whole])),
                "median deviation [share of the range]": float(
                    np.median([one["deviation"][k] for one in whole])
                ),
                "ranks": np.histogram(ranks[:, k], BINS, (0, RANKS + 1))[0].tolist(),
            }
            for k, name in enumerate(names)
        },
        "doubted": int(sum(one["doubted"] for one in whole)),
        "largest R-hat": max(one["R-hat"] for one in whole),
        "least effective draws": min(one["effective"] for one in whole),
        "with divergences": int(sum(one["divergences"] > 0 for one in whole)),
        "seconds, median": float(np.median([one["seconds"] for one in whole])),
        "strangers": strangers,
    }


def stranger(identifier: Identifier, study: eg.Study, name: str) -> dict[str, Any]:
    """Curves of another set's cell, its area such that the currents are of the same rates."""
    own, other = study.loaded_cell, Cell.load(name)
    rates = currents(own)
    factor = float(nominal_capacity(other, other.parameters({}))) / float(
        nominal_capacity(own, own.parameters({}))
    )
    with CurveSimulators(other, Scenario(1.0).of(other), SolverSettings().of(other), 60.0) as simulate:
        (curves,) = simulate([{}], [factor * i for i in rates])
    if any(curve is None for curve in curves):
        return {"cell": name, "failed": True}
    rng, area = np.random.default_rng(SEED), own.electrode_area
    read = [
        measured(f"{name} at {k}", c, factor * i, area / factor, rng)
        for k, (c, i) in enumerate(zip(curves, rates, strict=True))
    ]
    readings = Readings.of(read, area, NOISE)
    found = identifier(readings, seed=0)
    return {
        "cell": name,
        "flagged": found.fit.doubted,
        "RMSE [mV]": 1e3 * float(np.sqrt(np.mean(found.fit.residuals**2))),
        "words": misfit_sentences(found.fit, readings, read),
    }


def pair() -> dict[str, Any]:
    """What is said of two parameters that curves tell one combination of."""
    run = eg.StudyRun(parse_study(PAIR), KEPT, eg.Reporter(quiet=True))
    cell = run.study.loaded_cell
    truth = {
        "Positive particle radius [m]": 4.5e-6,
        "Positive particle diffusivity factor": 0.8,
        "Negative electrode porosity": 0.24,
    }
    rates, rng = currents(cell), np.random.default_rng(SEED)
    with simulators(run.study) as simulate:
        (curves,) = simulate([truth], rates)
        read = [
            measured(f"{k}", c, i, cell.electrode_area, rng)
            for k, (c, i) in enumerate(zip(curves, rates, strict=True))
        ]
        found = Identifier(run.surrogate, simulate)(Readings.of(read, cell.electrode_area, NOISE), 0)
    radius, factor = (found.posterior.flat[:, k] for k in (0, 1))
    values = found.model.values(found.posterior.flat)
    combined = np.asarray(values["Positive particle diffusivity factor"]) / np.square(
        np.asarray(values["Positive particle radius [m]"])
    )
    true = truth["Positive particle diffusivity factor"] / truth["Positive particle radius [m]"] ** 2
    return {
        "words before": found.before_words,
        "words": found.untold_words,
        "estimates": found.estimates(),
        "correlation in the posterior": float(np.corrcoef(radius, factor)[0, 1]),
        "left": dict(zip(found.model.names, found.left.tolist(), strict=True)),
        "D/R² over the truth's: mean, deviation": [
            float(np.mean(combined / true)),
            float(np.std(combined / true)),
        ],
    }


def own(run: eg.StudyRun) -> dict[str, Any]:
    """The bundled study's own identification, sweep and training included."""
    timing, fresh = KEPT / "timing.json", not (KEPT / run.study.name).exists()
    began = time.perf_counter()
    _ = run.dataset
    swept = time.perf_counter()
    _ = run.surrogate
    learned = time.perf_counter()
    record = eg.identify(run.study, KEPT, run.reporter)
    ended = time.perf_counter()
    if fresh:
        spent = {"sweep": swept - began, "training": learned - swept, "identification": ended - learned}
        timing.write_text(json.dumps(spent))
    return {
        "seconds": json.loads(timing.read_text()) if timing.exists() else None,
        "estimates": record["estimates"],
        "curves": record["curves"],
        "probability": record["misfit"]["probability"],
    }


def main() -> None:
    """Measure all, and write the results."""
    KEPT.mkdir(parents=True, exist_ok=True)
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS
    run = eg.StudyRun(eg.load_study("identify"), KEPT, eg.Reporter())
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {usable} of {os.cpu_count()} cores, "
        f"Python {platform.python_version()}",
        "versions": versions(),
        "study": own(run),
        "calibration": calibration(run, trials),
        "pair": pair(),
    }
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    (RESULTS / "identification.json").write_text(text)
    (RESULTS / "identification.md").write_text(table(result))
    print(table(result))


if __name__ == "__main__":
    main()
