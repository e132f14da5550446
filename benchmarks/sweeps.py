"""What a sweep costs over the bare simulations, on R1: throughput, start-up, memory, disk.

``make bench`` runs it and writes ``benchmarks/results/sweeps.json`` and ``.md``. The peer is PyBaMM
alone: two processes that each solve half of the same designs in a loop, with the same built model and
inputs prepared beforehand, and keep nothing. Runs are paired: first one, then the other, five times.
"""

import json
import multiprocessing
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from _cheap import Cheap

import electrograd as eg
from electrograd.physics.pybamm_import import pybamm
from electrograd.study import Study
from electrograd.study_file import bundled_text, parse_study
from electrograd.sweeps.filling import writing
from electrograd.sweeps.provenance import versions
from electrograd.sweeps.runner import run_pending
from electrograd.sweeps.store import SweepStore
from electrograd.sweeps.worker import Charging, Job

RESULTS = Path(__file__).parent / "results"
TIMED, PAIRS, WORKERS = 2000, 5, 2
FEW, MANY = 2_000, 20_000


def study(designs: int = TIMED) -> Study:
    """R1 with another number of designs."""
    text = bundled_text("R1")
    assert "designs: 2048" in text
    return parse_study(text.replace("designs: 2048", f"designs: {designs}", 1))


def job() -> Job:
    """What a sweep of R1 simulates."""
    of = study().sweep_of()
    return Job(of.cell, of.scenario, study().solver, of.time_limit, of.observables, of.fidelity)


def bare_loop(designs: np.ndarray, ready: Any, go: Any, done: Any) -> None:
    """A process that only solves: PyBaMM's own simulation, inputs at hand, nothing kept."""
    charging = Charging(job())
    model = charging._chargers[job().cell]._model
    space, solve, prepared = study().space, model.simulation.solve, []

    def capture(times: list[float], inputs: dict[str, float]) -> None:
        prepared.append((times, inputs))
        raise pybamm.SolverError("captured")

    model.simulation.solve = capture
    for row in designs:
        charging(space.decode(row))
    solve(prepared[0][0], inputs=prepared[0][1])
    ready.release()
    go.wait()
    for times, inputs in prepared:
        solve(times, inputs=inputs)
    done.release()


def time_bare() -> float:
    """Designs per second of two bare processes, start-up left out."""
    spawn = multiprocessing.get_context("spawn")
    ready, go, done = spawn.Semaphore(0), spawn.Event(), spawn.Semaphore(0)
    processes = [
        spawn.Process(target=bare_loop, args=(part, ready, go, done))
        for part in np.array_split(study().sweep_of().plan().values, WORKERS)
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


def time_sweep(folder: Path) -> dict[str, float]:
    """Designs per second of the runner, writing included; its start-up [s], and what it left."""
    of, work = study().sweep_of(), job()
    plan = of.plan()
    stamps: list[tuple[float, int]] = []
    began = time.perf_counter()
    identity = {"observables": list(work.observables)}
    with writing(folder, plan, identity, of.batch) as store:
        run_pending(
            store,
            plan.space,
            work,
            WORKERS,
            progress=lambda done, total, ends: stamps.append((time.perf_counter() - began, done)),
        )
    (start, early), (end, late) = stamps[1], stamps[-1]
    # They begin together: when the first batch is stored, the other workers have nearly one behind them.
    ahead = SweepStore(folder).batch * (WORKERS - 1)
    rate = (late - early - ahead) / (end - start)
    found = SweepStore(folder)
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        "rate": rate,
        "start": start - (early + ahead) / rate,
        "failed": float(np.sum(~found.read().completed)),
        "bytes": sum(path.stat().st_size for path in files) / TIMED,
        "files": float(len(files)),
    }


def peak_memory(designs: int) -> float:
    """Peak memory [MB] of a main process that runs a sweep of a cheap model; in a process of its own."""
    code = f"import sweeps; print(sweeps.run_cheap({designs}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def run_cheap(designs: int) -> float:
    """Run a sweep of a cheap model here; return this process's peak memory [MB]."""
    of, work = study(designs).sweep_of(), job()
    plan = of.plan()
    identity = {"observables": list(work.observables)}
    with (
        tempfile.TemporaryDirectory() as folder,
        writing(f"{folder}/s.zarr", plan, identity, of.batch) as store,
    ):
        run_pending(store, plan.space, work, WORKERS, make=Cheap)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure, print, and write the results."""
    bare, ours = [], []
    with tempfile.TemporaryDirectory() as folder, eg.Reporter().progress("Pairs") as update:
        for pair in range(PAIRS):
            bare.append(time_bare())
            ours.append(time_sweep(Path(folder) / f"{pair}.zarr"))
            update(pair + 1, PAIRS, f"{bare[-1]:.1f} bare, {ours[-1]['rate']:.1f} designs/s")
    memory = {designs: peak_memory(designs) for designs in (FEW, MANY)}
    ratios = [own["rate"] / other for own, other in zip(ours, bare, strict=True)]
    middle = {key: statistics.median(own[key] for own in ours) for key in ours[0]}
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "versions": versions(),
        "designs": TIMED,
        "pairs": PAIRS,
        "measured": {
            "bare PyBaMM, two processes [designs/s]": statistics.median(bare),
            "electrograd, two workers, writing included [designs/s]": middle["rate"],
            "ratio, median of pairs": statistics.median(ratios),
            "ratio, least and greatest": [min(ratios), max(ratios)],
            "start-up [s]": middle["start"],
            "failed designs": middle["failed"],
            "store [kB a design]": middle["bytes"] / 1000,
            "files": middle["files"],
            f"main process, {FEW} designs of a cheap model [MB]": memory[FEW],
            f"main process, {MANY} designs of a cheap model [MB]": memory[MANY],
            "memory ratio": memory[MANY] / memory[FEW],
        },
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "sweeps.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    (RESULTS / "sweeps.md").write_text(table(result))
    print(table(result))


def table(result: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        f"# A sweep of R1 beside bare PyBaMM, {result['date']}",
        "",
        f"{result['machine']}; {result['designs']} designs, median of {result['pairs']} paired runs.",
        "",
        "| measured | value |",
        "|---|---|",
    ]
    for name, value in result["measured"].items():
        told = " to ".join(f"{v:.3f}" for v in value) if isinstance(value, list) else f"{value:.4g}"
        lines.append(f"| {name} | {told} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
