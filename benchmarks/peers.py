"""The methods a user would otherwise train, given the same simulations: how wrong they are.

``make bench`` runs it and writes ``benchmarks/results/peers.json`` and ``.md``. Each method learns from
the first designs of R1's sweep (and of R1-wide's) and is asked for the 4,096 designs of the test sweep.
``_accuracy`` says what is measured; the methods and what they are told are in the modules ``_peer*``.
Each result is kept under ``runs/benchmark/peers`` by what it was made from, so that a run continues the
one before.

    python benchmarks/peers.py [--seconds S] [--peers forest,kriging]

searches the network's settings, then fits nothing new after S seconds, and only the methods whose name
holds one of those words. What was kept from before is told in any case.
"""

import argparse
import hashlib
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from _peer import AT_TRUTH, Peer, Settings, at_charges_of, choose, judged
from _peer_kernels import GaussianProcess, Kriging
from _peer_network import PlainNetwork, search_settings
from _peer_table import line, table
from _peer_trees import Boosting, Forest

import electrograd as eg
from electrograd.sweeps.dataset import Dataset

RESULTS = Path(__file__).parent / "results"
RUNS = Path("runs")
KEPT = RUNS / "benchmark" / "peers"
MEMBERS, MEAN = 4, "4 plain networks, mean"
PROBLEMS = (
    ("R1", 512),
    ("R1", 128),
    ("R1", 256),
    ("R1-wide", 512),
    ("R1", 1024),
    ("R1", 2048),
)
"""Sweeps and how many of their designs are given."""
METHODS = {
    "random forest": Forest,
    "plain network": PlainNetwork,
    "Gaussian process": GaussianProcess,
    "gradient boosting": Boosting,
    "kriging": Kriging,
    MEAN: PlainNetwork,
}
SEARCHED, TRIALS, SHORTLIST = ("R1", 512), 14, 4
_LEARNERS = ("electrograd", "jax", "optax", "optuna", "scikit-learn", "smt", "numpy")


def versions() -> dict[str, str]:
    """Versions of what learned."""
    return {name: importlib.metadata.version(name) for name in _LEARNERS}


@cache
def sweeps(problem: str) -> tuple[Dataset, Dataset]:
    """Designs to train on, and to test on."""
    study = eg.load_study(problem)
    run = eg.StudyRun(study, RUNS)
    train, test = eg.run_sweep(study, RUNS), run.sweep("test").dataset()
    return train.only(train.completed), test.only(test.completed)


def kept(made_from: dict[str, Any], make: Callable[[], dict[str, Any]] | None) -> dict[str, Any]:
    """Return what was made from this before; or make and keep it; or nothing, where it may not."""
    key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:12]
    path = KEPT / f"{made_from['of']}-{key}.json".replace(" ", "-")
    if path.exists():
        found: dict[str, Any] = json.loads(path.read_text())
        return found
    if make is None:
        return {}
    found = {**make(), "date": datetime.now(UTC).date().isoformat(), "versions": versions()}
    KEPT.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2))
    return found


def shortlist() -> dict[str, Any]:
    """Settings of the plain network, those that did best first, and the seconds of their search."""
    problem, size = SEARCHED
    data = sweeps(problem)[0].only(np.arange(size))
    spent = []

    def keep(settings: Settings, judge: Callable[[], float]) -> float:
        def make() -> dict[str, Any]:
            began = time.perf_counter()
            badness = judge()
            print(f"{badness:.3f}: {settings}", flush=True)
            return {"badness": badness, "seconds": time.perf_counter() - began}

        found = kept({"of": "trial", "data": data.fingerprint(), "settings": dict(settings)}, make)
        spent.append(found["seconds"])
        return found["badness"]

    best = search_settings(data, TRIALS, keep)
    return {"best": best[:SHORTLIST], "search [s]": sum(spent)}


def peer(name: str) -> Peer:
    """A method; of the plain network, the best settings found and two beside them."""
    if "network" not in name:
        return METHODS[name]()
    best = shortlist()["best"][0]
    if name == MEAN:
        return PlainNetwork([best], MEMBERS, name)
    longer, heavier = {**best, "steps": 2 * best["steps"]}, {**best, "decay": 4 * best["decay"]}
    return PlainNetwork([best, longer, heavier])


def measure(method: Peer, problem: str, size: int, fit: bool) -> dict[str, Any]:
    """Fit one method to the first designs of a sweep and test it, or only look whether that was done."""
    everything, test = sweeps(problem)
    data = everything.only(np.arange(size))

    def make() -> dict[str, Any]:
        began = time.perf_counter()
        settings = choose(method, data)
        chosen = time.perf_counter()
        predict = method.fit(data, settings)
        fitted = time.perf_counter()
        found = predict(test.values)
        predicted = time.perf_counter()
        return {
            "settings": dict(settings),
            "choice among settings [s]": chosen - began,
            "fit [s]": fitted - chosen,
            "prediction of the test designs [s]": predicted - fitted,
            "accuracy": judged(test, found),
            AT_TRUTH: judged(test, at_charges_of(test, found)),
        }

    result = kept(
        {
            "of": f"{problem}-{method.name}-{size}",
            "data": [data.fingerprint(), test.fingerprint()],
            "candidates": [dict(one) for one in method.candidates],
        },
        make if fit else None,
    )
    return result and {"problem": problem, "peer": method.name, "designs": size, **result}


def main() -> None:
    """Measure what is not yet known, and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--peers", default="")
    told = parser.parse_args()
    began, measured, search = time.monotonic(), [], shortlist()
    for name, (problem, size) in product(METHODS, PROBLEMS):
        wanted = any(word in name for word in told.peers.split(","))
        in_time = time.monotonic() - began < told.seconds
        if found := measure(peer(name), problem, size, wanted and in_time):
            measured.append(found)
            print(line(found), flush=True)
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} of {os.cpu_count()} cores, "
        f"Python {platform.python_version()}",
        "versions": versions(),
        "network search": {"trials": TRIALS, "on": list(SEARCHED), **search},
        "measured": measured,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "peers.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    (RESULTS / "peers.md").write_text(table(result))


if __name__ == "__main__":
    main()
