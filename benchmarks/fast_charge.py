"""Accuracy and speed on the bundled study, beside bare PyBaMM in the same run.

``make bench`` runs it and writes ``benchmarks/results/fast_charge.json`` and ``.md``. Ratios are what to
trust: both sides are measured in turn, several times, on the same machine.
"""

import json
import multiprocessing
import os
import platform
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import electrograd as eg
from electrograd.design.package import versions
from electrograd.physics.cell import Cell
from electrograd.physics.charge import CURVES
from electrograd.physics.p2d import P2D
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
)
from electrograd.surrogates.surrogate import Surrogate
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.filling import writing
from electrograd.sweeps.plan import make_plan
from electrograd.sweeps.provenance import cell_identity
from electrograd.sweeps.runner import run_pending
from electrograd.sweeps.space import DesignSpace
from electrograd.sweeps.worker import Job

RESULTS = Path(__file__).parent / "results"
RUNS = Path("runs")
TESTED, TEST_SEED = 512, 2026
TIMED, REPEATS, WORKERS = 256, 3, 2


def bare_loop(designs: np.ndarray, names: tuple[str, ...], ready, go, done) -> None:
    """A process that only solves: no store, no runner, nothing kept."""
    model = P2D(Cell.load("Chen2020"), Scenario(1.0), SolverSettings(), CURVES)
    parameters = [model.cell.parameters(dict(zip(names, map(float, d), strict=True))) for d in designs]
    model.charge(parameters[0])
    ready.release()
    go.wait()
    for values in parameters:
        model.charge(values)
    done.release()


def time_bare(space: DesignSpace) -> float:
    """Designs per second of two bare processes, start-up left out."""
    spawn = multiprocessing.get_context("spawn")
    ready, go, done = spawn.Semaphore(0), spawn.Event(), spawn.Semaphore(0)
    designs = space.sobol(TIMED, 7)
    processes = [
        spawn.Process(target=bare_loop, args=(part, space.names, ready, go, done))
        for part in np.array_split(designs, WORKERS)
    ]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    began = time.perf_counter()
    go.set()
    for _ in processes:
        done.acquire()
    taken = time.perf_counter() - began
    for process in processes:
        process.join()
    return TIMED / taken


def accuracy(surrogate: Surrogate, dataset: Dataset) -> dict[str, float]:
    """Errors on designs of another seed, in the terms of the papers, and the intervals' coverage."""
    data = dataset.only(dataset.completed)
    predicted = surrogate.predict(data.values)
    truth = data.figures[ACCEPTED_CAPACITY]
    share = data.charge / data.figures[NOMINAL_CAPACITY][:, None]
    curves = np.asarray(
        jax.jit(jax.vmap(surrogate.curves))(
            jnp.asarray(data.values, jnp.float32), jnp.asarray(share, jnp.float32)
        )
    )
    names = list(data.curves)[:2]
    rmse = [
        1e3 * np.sqrt(np.mean((curves[..., k] - data.curves[n]) ** 2, 1)) for k, n in enumerate(names)
    ]
    wrong_share = np.abs(predicted[ACCEPTED_SHARE] - truth / data.figures[NOMINAL_CAPACITY])
    wrong_margin = np.abs(predicted[PLATING_MARGIN] - data.figures[PLATING_MARGIN])
    return {
        "test designs": len(data),
        "accepted capacity, median relative error [%]": 100
        * float(np.median(np.abs(predicted[ACCEPTED_CAPACITY] / truth - 1))),
        "accepted share, 95th percentile of absolute error": float(np.quantile(wrong_share, 0.95)),
        "voltage RMSE, median [mV]": float(np.median(rmse[0])),
        "voltage RMSE, 95th percentile [mV]": float(np.quantile(rmse[0], 0.95)),
        "negative potential RMSE, median [mV]": float(np.median(rmse[1])),
        "negative potential RMSE, 95th percentile [mV]": float(np.quantile(rmse[1], 0.95)),
        "plating margin error, median [mV]": 1e3 * float(np.median(wrong_margin)),
        "plating margin error, 95th percentile [mV]": 1e3 * float(np.quantile(wrong_margin, 0.95)),
        "90 % interval of accepted share covers [%]": 100
        * float(np.mean(wrong_share <= surrogate.interval(ACCEPTED_SHARE))),
        "90 % interval of plating margin covers [%]": 100
        * float(np.mean(wrong_margin <= surrogate.interval(PLATING_MARGIN))),
    }


def median_time(call, repeats: int = 9) -> float:
    """Median seconds of a call, warm."""
    call()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def speed(surrogate: Surrogate, space: DesignSpace) -> dict[str, float]:
    """Microseconds a design for figures of merit of a batch, and for one value with its gradient."""
    batch = jnp.asarray(space.sobol(4096, 3), jnp.float32)
    many = jax.jit(jax.vmap(surrogate.figures))
    one = jax.jit(jax.value_and_grad(lambda d: surrogate.figures(d)[ACCEPTED_CAPACITY]))
    return {
        "figures of merit, batch of 4096 [µs a design]": 1e6 * median_time(lambda: many(batch)) / 4096,
        "value and gradient, one design [µs]": 1e6 * median_time(lambda: one(batch[0]), 51),
    }


def main() -> None:
    """Measure, print, and write the results."""
    study = eg.load_study("fast_charge")
    run = eg.StudyRun(study, RUNS)
    package, surrogate = run.design, run.surrogate
    space = study.space

    work = study.sweep_of()
    plan = make_plan(work.cell, space, work.sampler, TESTED, TEST_SEED)
    job = Job(work.cell, work.scenario, study.solver, work.time_limit)
    identity = {"cell": cell_identity(work.cell), "observables": list(work.observables)}
    with (
        writing(RUNS / "benchmark" / "test.zarr", plan, identity) as test_store,
        eg.Reporter().progress("Test designs") as update,
    ):
        run_pending(
            test_store,
            space,
            job,
            progress=lambda done, total, ends: update(done, total, str(ends)),
        )
        test = test_store.read()

    bare = [time_bare(space) for _ in range(REPEATS)]
    fast = speed(surrogate, space)
    per_second = 1e6 / fast["figures of merit, batch of 4096 [µs a design]"]
    figures = package.record["figures_of_merit"]
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "versions": versions(),
        "accuracy": accuracy(surrogate, test),
        "test designs that failed": int(np.sum(~test.completed)),
        "design": {
            "accepted capacity, predicted over simulated - 1 [%]": 100
            * (figures[ACCEPTED_CAPACITY]["predicted"] / figures[ACCEPTED_CAPACITY]["simulated"] - 1),
            "plating margin, predicted - simulated [mV]": 1e3
            * (figures[PLATING_MARGIN]["predicted"] - figures[PLATING_MARGIN]["simulated"]),
        },
        "sweep": {"bare PyBaMM, two processes [designs/s]": statistics.median(bare)},
        "surrogate": {
            **fast,
            "designs per second over bare PyBaMM's": per_second / statistics.median(bare),
        },
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "fast_charge.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    (RESULTS / "fast_charge.md").write_text(table(result))
    print(table(result))


def table(result: dict) -> str:
    """The results as Markdown."""
    lines = [f"# `fast_charge`, {result['date']}", "", f"{result['machine']}.", ""]
    lines += ["| measured | value |", "|---|---|"]
    for section in ("accuracy", "design", "sweep", "surrogate"):
        lines += [f"| {section}: {name} | {value:.4g} |" for name, value in result[section].items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
