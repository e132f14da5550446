"""What each piece of built-in physics, and each loss, is worth: inside the trained box and outside it.

``make bench`` runs it and writes ``benchmarks/results/ablation.json`` and ``.md``. Every variant learns
from the first 128 or 512 designs of R1, by `train_ensemble` with the settings in `SETTINGS`, which are
smaller than the package's own: variants are compared with each other, not with ``surrogates.md``. The
ensemble itself answers, without a student. ``_accuracy`` says what is measured, on

- *inside*: the first 1,024 designs of R1's test sweep;
- *outside*: designs of R1-outside that leave R1's box, by up to 20 % of its range along each variable,
  and that accept at least 2 % of their capacity, so that relative errors mean something.

    python benchmarks/ablation.py [NAME-128 NAME-512 ... | table]

does only those parts, or only the table. Each part is kept under ``runs/benchmark/ablation`` until that
is deleted.
"""

import importlib.metadata
import json
import os
import platform
import sys
import time
from dataclasses import asdict, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _ablation_table import table
from _ablation_variants import VARIANTS, Variant
from _accuracy import accuracy

import electrograd as eg
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
)
from electrograd.study import Study
from electrograd.surrogates import curve_physics
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.ensemble import Ensemble
from electrograd.surrogates.figures import figures_of_merit
from electrograd.surrogates.training import TrainingSettings, train_ensemble
from electrograd.sweeps.dataset import EVEN, Dataset

RESULTS, RUNS = Path(__file__).parent / "results", Path("runs")
KEPT = RUNS / "benchmark" / "ablation"
SETTINGS = TrainingSettings(members=2, width=64, steps=4000, batch=256, patience=24)
SIZES = (512, 128)
INSIDE = 1024
LEAST_SHARE = 0.02
AT_ONCE = 64


@cache
def problem() -> tuple[Study, Dataset, dict[str, Dataset]]:
    """R1, the designs to train on, and those to test on inside and outside its box."""
    study = eg.load_study("R1")
    run = eg.StudyRun(study, RUNS)
    beyond = eg.StudyRun(eg.load_study("R1-outside"), RUNS).sweep().dataset()
    left = np.any(
        (beyond.values < np.asarray(study.space.lower))
        | (beyond.values > np.asarray(study.space.upper)),
        axis=1,
    )
    charged = beyond.figures[ACCEPTED_CAPACITY] > LEAST_SHARE * beyond.figures[NOMINAL_CAPACITY]
    return (
        study,
        run.sweep().dataset(),
        {
            "inside": run.sweep("test").dataset().only(np.arange(INSIDE)),
            "outside": beyond.only(left & charged & beyond.completed),
        },
    )


def measure(variant: Variant, designs: int) -> dict[str, Any]:
    """Train one variant and measure it."""
    study, data, tests = problem()
    usual = curve_physics.SLOW
    curve_physics.SLOW = variant.slow
    try:
        physics = CurvePhysics.of(study.loaded_cell, study.space, study.scenario, variant.form)
        began = time.perf_counter()
        trained = train_ensemble(
            data.only(np.arange(designs)), physics, replace(SETTINGS, **variant.settings)
        )
        seconds = time.perf_counter() - began
        answered = {
            where: accuracy(test, **answers(trained.ensemble, study, test))
            for where, test in tests.items()
        }
    finally:
        curve_physics.SLOW = usual
    return {**answered, "training_s": seconds, "steps": trained.history[-1][0]}


def answers(ensemble: Ensemble, study: Study, test: Dataset) -> dict[str, np.ndarray]:
    """What an ensemble says of a test sweep, its curves at the truth's charges."""

    @jax.jit
    @partial(jax.vmap, in_axes=(None, 0, 0))
    def asked(
        weights: dict[str, jax.Array], design: jax.Array, share: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        own = replace(ensemble, weights=weights)
        found = figures_of_merit(
            ensemble.physics,
            design,
            lambda share: own.curves(design, share),
            study.scenario,
        )
        return own.curves(design, share)[:, :2], found[ACCEPTED_SHARE], found[PLATING_MARGIN]

    share = test.charge[:, EVEN] / test.figures[NOMINAL_CAPACITY][:, None]
    padded = np.arange(-(-len(test) // AT_ONCE) * AT_ONCE) % len(test)
    pieces = [
        asked(
            dict(ensemble.weights),
            jnp.asarray(test.values[rows], jnp.float32),
            jnp.asarray(share[rows], jnp.float32),
        )
        for rows in padded.reshape(-1, AT_ONCE)
    ]
    curves, end, margin = (
        np.concatenate(part)[: len(test)].astype(float) for part in zip(*pieces, strict=True)
    )
    return {
        "share": end,
        "voltage": curves[..., 0],
        "potential": curves[..., 1],
        "margin": margin,
    }


def main() -> None:
    """Do the parts asked for, and write the results of all that have been done."""
    KEPT.mkdir(parents=True, exist_ok=True)
    parts = {f"{name}-{n}": (variant, n) for n in SIZES for name, variant in VARIANTS.items()}
    for part in [name for name in sys.argv[1:] if name != "table"] if sys.argv[1:] else list(parts):
        kept = KEPT / f"{part}.json"
        if not sys.argv[1:] and kept.exists():
            continue
        kept.write_text(json.dumps(measure(*parts[part])))
        print(part, kept.read_text(), flush=True)
    done = {
        part: json.loads((KEPT / f"{part}.json").read_text())
        for part in parts
        if (KEPT / f"{part}.json").exists()
    }
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {
            n: importlib.metadata.version(n) for n in ("electrograd", "pybamm", "jax", "flax", "optax")
        },
        "settings": asdict(SETTINGS),
        "tested": {where: len(test) for where, test in problem()[2].items()},
        "measured": done,
    }
    (RESULTS / "ablation.json").write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS / "ablation.md").write_text(table(result))


if __name__ == "__main__":
    main()
