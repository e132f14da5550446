"""Accuracy, honesty and speed of surrogates on the reference problems R1 and R1-wide.

``make bench`` runs it and writes ``benchmarks/results/surrogates.json``, ``.md`` and the learning curves
beside the peers' of ``peers.py``. Each surrogate learns from the first N designs of a sweep, by the
package's own defaults, and answers for the 4,096 of the test sweep; ``_accuracy`` says what is measured.

- *accuracy*: of the student, which answers, and of the ensemble that taught it; seconds of training;
- *intervals*: share of test designs that the 90 % intervals hold; *domain*: share flagged of the test
  designs, and of designs with one variable 20 % of the box's width outside;
- *ends*: designs whose end (voltage, charge target) the curves tell;
- *speed*, warm, in one run: all curves and figures of merit of 4,096 designs, beside two processes of
  PyBaMM with a model built once; value and gradient of one design; matrix products of the same machine;
- *gradients* against central differences of PyBaMM itself, solver tolerance 1e-8.

    python benchmarks/surrogates.py [R1-512 R1-128 ... speed gradients]

does only those parts. Each part is kept under ``runs/benchmark/surrogates`` until that is deleted.
"""

import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _accuracy import METRICS, accuracy
from _learning_curve import draw
from _surrogate_table import table

import electrograd as eg
from electrograd.physics.charge import End
from electrograd.physics.p2d import P2D
from electrograd.physics.scenario import SolverSettings
from electrograd.physics.variables import ACCEPTED_CAPACITY, ACCEPTED_SHARE, PLATING_MARGIN
from electrograd.surrogates.artefact import load_surrogate, save_surrogate
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.distillation import DistillationSettings
from electrograd.surrogates.fitting import train, truths
from electrograd.surrogates.surrogate import Surrogate
from electrograd.surrogates.training import TrainingSettings
from electrograd.sweeps.dataset import EVEN, Dataset

RESULTS, RUNS = Path(__file__).parent / "results", Path("runs")
KEPT = RUNS / "benchmark" / "surrogates"
PROBLEMS = ["R1-512", "R1-128", "R1-256", "R1-1024", "R1-2048", "R1-wide-512"]
BATCH = 4096
OUTSIDE = 0.2


@cache
def sweeps(problem: str) -> tuple[Dataset, Dataset]:
    """Designs to train on, and to test on."""
    run = eg.StudyRun(eg.load_study(problem), RUNS)
    return run.sweep().dataset(), run.sweep("test").dataset()


def learned(part: str) -> tuple[Surrogate, Dataset, float]:
    """The surrogate of a part, its test sweep, and the seconds that training it took."""
    problem, _, designs = part.rpartition("-")
    data, test = sweeps(problem)
    folder = KEPT / part
    if not (folder / "config.json").exists():
        study = eg.load_study(problem)
        began = time.perf_counter()
        surrogate = train(
            data.only(np.arange(int(designs))),
            CurvePhysics.of(study.loaded_cell, study.space, study.scenario),
            study.scenario,
            study.solver,
            TrainingSettings(),
            DistillationSettings(),
            checkpoint=KEPT / f"{part}.safetensors",
        )
        save_surrogate(surrogate, folder, {"seconds": time.perf_counter() - began})
    seconds = json.loads((folder / "config.json").read_text())["seconds"]
    return load_surrogate(folder), test.only(test.completed), seconds


def answers(surrogate: Surrogate, test: Dataset) -> dict[str, np.ndarray]:
    """What a surrogate says of a test sweep, at the truth's charges."""
    share = test.charge[:, EVEN] / truth_nominal(test)[:, None]
    curves = jax.jit(
        lambda designs, shares: jax.lax.map(
            lambda pair: (surrogate.student or surrogate.ensemble).curves(*pair),
            (designs, shares),
            batch_size=128,
        )
    )(jnp.asarray(test.values, jnp.float32), jnp.asarray(share, jnp.float32))
    figures = surrogate.predict(test.values)
    return {
        "share": np.asarray(figures[ACCEPTED_SHARE], float),
        "voltage": np.asarray(curves[..., 0], float),
        "potential": np.asarray(curves[..., 1], float),
        "margin": np.asarray(figures[PLATING_MARGIN], float),
    }


def truth_nominal(test: Dataset) -> np.ndarray:
    """Nominal capacities of a sweep."""
    return test.figures["Nominal areal capacity [A.h.m-2]"]


def measure(part: str) -> dict[str, Any]:
    """Accuracy, intervals, domain and ends of one surrogate."""
    surrogate, test, seconds = learned(part)
    ensemble = Surrogate(**{**vars_of(surrogate), "student": None})
    widths, true = surrogate.half_widths(test.values), truths(test)
    said = surrogate.predict(test.values)
    space, generator = surrogate.space, np.random.default_rng(7)
    low, high = np.asarray(space.lower), np.asarray(space.upper)
    outside = space.sobol(1024, seed=11)
    variable, side = generator.integers(len(space), size=1024), generator.integers(2, size=1024)
    side[low[variable] <= OUTSIDE * (high - low)[variable]] = 1  # nothing is negative
    beyond = (
        np.where(side == 1, high[variable], low[variable])
        + OUTSIDE * (2 * side - 1) * (high - low)[variable]
    )
    outside[np.arange(1024), variable] = beyond
    limit = surrogate.scenario.charge_limit - 1e-6
    told = np.where(said[ACCEPTED_SHARE] < limit, int(End.VOLTAGE_CUT_OFF), int(End.CHARGE_TARGET))
    return {
        "student": accuracy(test, **answers(surrogate, test)),
        "ensemble": accuracy(test, **answers(ensemble, test)),
        "training_s": seconds,
        "coverage": {
            name: float(np.mean(np.abs(said[name] - true[name]) <= widths[name])) for name in widths
        },
        "flagged": {
            "test designs": float(np.mean(~surrogate.inside(test.values))),
            "one variable 20 % outside": float(np.mean(~surrogate.inside(outside))),
        },
        "ends_told": float(np.mean(told == test.ends)),
        "members": surrogate.ensemble.members,
    }


def vars_of(surrogate: Surrogate) -> dict[str, Any]:
    """The fields of a surrogate."""
    return {name: getattr(surrogate, name) for name in type(surrogate).__dataclass_fields__}


def timed(call: Callable[[], Any], times: int) -> float:
    """Median seconds of a call, warm."""
    jax.block_until_ready(call())
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        jax.block_until_ready(call())
        spent.append(time.perf_counter() - began)
    return float(np.median(spent))


def bare(designs: np.ndarray) -> float:
    """Seconds that one process of PyBaMM takes for designs, with its model built once."""
    study = eg.load_study("R1")
    model = P2D(study.loaded_cell, study.scenario, study.solver)
    rows = [dict(zip(study.space.names, map(float, row), strict=True)) for row in designs]
    model.charge(study.loaded_cell.parameters(rows[0]))
    began = time.perf_counter()
    for row in rows:
        model.charge(study.loaded_cell.parameters(row))
    return time.perf_counter() - began


def speed() -> dict[str, Any]:
    """Designs a second of the student and of two processes of PyBaMM; one design with its gradient."""
    surrogate, test, _ = learned("R1-512")
    student = surrogate.student
    assert student is not None
    designs = jnp.asarray(test.values[:BATCH], jnp.float32)

    def everything(design: jax.Array) -> Any:
        return student.curves_and_figures(design, surrogate.scenario)

    both = jax.jit(jax.vmap(everything))
    gradient = jax.jit(jax.value_and_grad(lambda d: surrogate.figures(d)[PLATING_MARGIN]))
    through_end = jax.jit(jax.value_and_grad(lambda d: surrogate.figures(d)[ACCEPTED_CAPACITY]))
    factor = jnp.ones((2048, 2048), jnp.float32)
    product = jax.jit(lambda a: a @ a)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        parts = [test.values[k : k + 100] for k in (0, 100)]
        list(pool.map(bare, [part[:5] for part in parts]))
        seconds = list(pool.map(bare, parts))
    simulated = sum(len(part) / spent for part, spent in zip(parts, seconds, strict=True))
    spent = timed(lambda: both(designs), 40)
    compiled = both._cache_size()
    both(designs * 1.0001)
    work = 2 * sum(leaf.size for name, leaf in student.arrays.items() if name.endswith("kernel"))
    rate = 2 * 2048**3 / timed(lambda: product(factor), 10)
    return {
        "designs_per_s": BATCH / spent,
        "us_per_design": 1e6 * spent / BATCH,
        "pybamm_designs_per_s": simulated,
        "ratio": BATCH / spent / simulated,
        "value_and_gradient_ms": {
            PLATING_MARGIN: 1e3 * timed(lambda: gradient(designs[0]), 200),
            ACCEPTED_CAPACITY: 1e3 * timed(lambda: through_end(designs[0]), 200),
        },
        "compilations": both._cache_size() - compiled + 1,
        "matrix_GFLOP_per_s": rate / 1e9,
        "share_of_matrix_rate": work * BATCH / spent / rate,
    }


def gradients() -> dict[str, Any]:
    """Slopes of the surrogate against central differences of PyBaMM, over the box's widths."""
    surrogate, test, _ = learned("R1-512")
    study = eg.load_study("R1")
    space = study.space
    fine = SolverSettings(points=study.solver.points, rtol=1e-8, atol=1e-8)
    model = P2D(study.loaded_cell, study.scenario, fine)
    width = np.asarray(space.upper) - np.asarray(space.lower)

    def simulate(values: np.ndarray) -> np.ndarray:
        charge = model.charge(
            study.loaded_cell.parameters(dict(zip(space.names, map(float, values), strict=True)))
        )
        return np.array([charge.accepted, charge.plating_margin])

    slopes = jax.jit(
        jax.jacfwd(
            lambda d: jnp.stack([surrogate.figures(d)[n] for n in (ACCEPTED_CAPACITY, PLATING_MARGIN)])
        )
    )
    deviations = []
    for values in test.values[np.linspace(0, len(test) - 1, 20).astype(int)]:
        central = np.stack(
            [
                (simulate(values + step) - simulate(values - step)) / 0.01
                for step in 0.005 * np.diag(width)
            ],
            axis=1,
        )
        learned_slopes = np.asarray(slopes(jnp.asarray(values, jnp.float32))) * width
        deviations.append(
            np.linalg.norm(learned_slopes - central, axis=1) / np.linalg.norm(central, axis=1)
        )
    return {
        name: {"median": float(np.median(column)), "worst": float(np.max(column))}
        for name, column in zip(
            (ACCEPTED_CAPACITY, PLATING_MARGIN), np.transpose(deviations), strict=True
        )
    }


def main() -> None:
    """Do the parts asked for, and write the results of all that have been done."""
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        **{part: lambda part=part: measure(part) for part in PROBLEMS},
        "speed": speed,
        "gradients": gradients,
    }
    KEPT.mkdir(parents=True, exist_ok=True)
    for part in sys.argv[1:] or list(parts):
        if not sys.argv[1:] and (KEPT / f"{part}.json").exists():
            continue
        found = {**parts[part](), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
        (KEPT / f"{part}.json").write_text(json.dumps(found))
        print(part, json.dumps(found, indent=1), flush=True)
    done = {
        p: json.loads((KEPT / f"{p}.json").read_text()) for p in parts if (KEPT / f"{p}.json").exists()
    }
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {
            n: importlib.metadata.version(n) for n in ("electrograd", "pybamm", "jax", "flax", "optax")
        },
        **done,
    }
    (RESULTS / "surrogates.json").write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS / "surrogates.md").write_text(table(result, METRICS))
    peers = json.loads((RESULTS / "peers.json").read_text())
    draw(with_ours(peers, done), RESULTS / "learning_curve.png")


def with_ours(peers: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
    """The peers' results, and ours among them."""
    ours = [
        {
            "problem": part.rpartition("-")[0],
            "designs": int(part.rpartition("-")[2]),
            "peer": "electrograd",
            "accuracy": done[part]["student"],
            "fit [s]": done[part]["training_s"],
        }
        for part in PROBLEMS
        if part in done
    ]
    return {**peers, "measured": [*peers["measured"], *ours]}


if __name__ == "__main__":
    main()
