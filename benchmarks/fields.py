"""The field surrogate on R1: its errors, its certificate's, and what PyBaMM's equations buy in training.

``python benchmarks/fields.py`` writes ``benchmarks/results/fields.json`` and ``.md``; some ten minutes.
Truth is PyBaMM's whole state on R1's mesh (20 points a domain and a particle), at 33 even points of each
charge: the first designs of R1's training sweep, and of its test sweep.
"""

import dataclasses
import json
import os
import platform
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import spearmanr

from electrograd.design.package import versions
from electrograd.physics.p2d import P2D
from electrograd.physics.stack import nominal_capacity
from electrograd.physics.states import StateModel
from electrograd.study_file import load_study
from electrograd.surrogates.field_certificate import POINTS, Certifier
from electrograd.surrogates.field_data import FieldData
from electrograd.surrogates.field_training import FieldTraining, train_fields
from electrograd.surrogates.fields import FieldSurrogate
from electrograd.sweeps.record import POINTS as ALONG

RESULTS = Path(__file__).parent / "results"
TRAIN, TEST, TRAIN_SEED, TEST_SEED = 256, 256, 1, 2026
FEW, SHORT = 64, FieldTraining(steps=1500, batch=256)
"""Designs and steps of the comparison with and without the residual in the loss."""
RESIDUAL = FieldTraining().residual
CERTIFIED = ("voltage", "potential", "fields")


def truth(model: StateModel, total: int, designs: int, seed: int) -> FieldData:
    """Charge designs to their ends, then simulate their states on even points."""
    study = load_study("R1")
    p2d = P2D(study.loaded_cell, study.scenario, study.solver)
    values = study.space.sobol(total, seed)[:designs]
    shares, states = [], []
    for row in values:
        found = model.cell.parameters(dict(zip(study.space.names, map(float, row), strict=True)))
        charge = np.linspace(0, p2d.charge(found).accepted, ALONG)
        states.append(model.simulate(found, charge))
        shares.append(charge / float(nominal_capacity(model.cell, found)))
    return FieldData(study.space.names, values, np.stack(shares), np.stack(states))


def true_errors(surrogate: FieldSurrogate, test: FieldData) -> dict[str, np.ndarray]:
    """RMS errors of each test design: both potentials [V], and fields in their units."""
    states = surrogate.physics.states
    predicted = jnp.asarray(surrogate.predict(test.values, test.share), float)
    curves = jax.jit(jax.vmap(jax.vmap(states.curves)))
    wrong = np.asarray(curves(predicted) - curves(jnp.asarray(test.states)))

    def taken_off(design: jax.Array, share: jax.Array, y: jax.Array) -> Any:
        parameters = surrogate.physics.parameters(design)
        return jax.vmap(lambda s, one: states.deviations(parameters, s, one))(share, y)

    off = jax.jit(jax.vmap(taken_off))
    place = jnp.asarray(test.values), jnp.asarray(test.share)
    mine, real = off(*place, predicted), off(*place, jnp.asarray(test.states))
    squares = {
        name: np.mean(
            np.sum(states.volumes[name] * np.asarray(mine[name] - real[name]) ** 2, axis=-1), axis=1
        )
        for name in surrogate.units
    }
    scaled = [squares[name] / unit**2 for name, unit in surrogate.units.items()]
    return {
        "voltage": np.sqrt(np.mean(wrong[..., 0] ** 2, axis=1)),
        "potential": np.sqrt(np.mean(wrong[..., 1] ** 2, axis=1)),
        "fields": np.sqrt(np.mean(scaled, axis=0)),
        "curves": wrong,
        **{f"of {name}": np.sqrt(square) for name, square in squares.items()},
    }


def spread(values: np.ndarray) -> dict[str, float]:
    return {"median": float(np.median(values)), "95th": float(np.quantile(values, 0.95))}


def accuracy(surrogate: FieldSurrogate, test: FieldData) -> dict[str, Any]:
    errors = true_errors(surrogate, test)
    fields = {
        name: spread(errors[f"of {name}"]) | {"relative": spread(errors[f"of {name}"] / (100 * unit))}
        for name, unit in surrogate.units.items()
    }
    return {
        "voltage [mV]": spread(1e3 * errors["voltage"]),
        "negative potential [mV]": spread(1e3 * errors["potential"]),
        "fields": fields,
        "modes": surrogate.modes.counts,
    }


def certificates(surrogate: FieldSurrogate, model: StateModel, test: FieldData) -> dict[str, Any]:
    """Rank correlation and size of the certificate against the true errors."""
    certifier = Certifier(surrogate, model)
    ends, errors = test.share[:, -1], true_errors(surrogate, test)
    certifier.many(test.values[:1], ends[:1])
    began = time.process_time()
    found = certifier.many(test.values, ends)
    seconds = (time.process_time() - began) / len(test)
    result: dict[str, Any] = {"points": POINTS, "CPU time of one [ms]": 1e3 * seconds}
    for name in CERTIFIED:
        estimate, true = getattr(found, name), errors[name]
        result[name] = {
            "rank correlation": float(spearmanr(estimate, true).statistic),
            "estimate over error, median": float(np.median(estimate / true)),
            "share of errors within twice the estimate": float(np.mean(true < 2 * estimate)),
        }
    stride = (ALONG - 1) // (POINTS - 1)
    left = errors["curves"][:, ::stride, :2] - found.curves[..., :2]
    rms = 1e3 * np.sqrt(np.mean(left**2, axis=1))
    result["voltage less its estimated error [mV]"] = spread(rms[:, 0])
    result["negative potential less its estimated error [mV]"] = spread(rms[:, 1])
    result["raw residual, rank correlation"] = raw_residual(surrogate, model, test, errors)
    return result


def raw_residual(
    surrogate: FieldSurrogate, model: StateModel, test: FieldData, errors: dict[str, np.ndarray]
) -> dict[str, float]:
    """What the plain norm of M y' - f would have been worth."""

    def norm(design: jax.Array, end: jax.Array) -> jax.Array:
        parameters = surrogate.physics.parameters(design)

        def one(share: jax.Array) -> jax.Array:
            y, slope = jax.jvp(lambda s: surrogate.state(design, s), (share,), (jnp.ones_like(share),))
            rates = slope * parameters["C-rate"] / 3600
            return model.residual(0.0, y, rates, model.inputs(parameters))

        rest = jax.vmap(one)(jnp.linspace(0, 1, POINTS)[1:] * end)
        return jnp.sqrt(jnp.mean(rest**2))

    compiled = jax.jit(norm)
    raw = [
        float(compiled(jnp.asarray(d), jnp.asarray(e)))
        for d, e in zip(test.values, test.share[:, -1], strict=True)
    ]
    return {
        name: float(spearmanr(raw, errors[name]).statistic)
        for name in ("voltage", "potential", "fields")
    }


def speed(surrogate: FieldSurrogate, model: StateModel, test: FieldData) -> dict[str, float]:
    """Milliseconds of CPU a design: all states of a charge learned, and simulated by PyBaMM."""
    surrogate.predict(test.values, test.share)
    began = time.process_time()
    surrogate.predict(test.values, test.share)
    learned = (time.process_time() - began) / len(test)
    simulated = []
    for row, share in zip(test.values[:16], test.share, strict=False):
        found = model.cell.parameters(dict(zip(test.names, map(float, row), strict=True)))
        charge = share * float(nominal_capacity(model.cell, found))
        began = time.process_time()
        model.simulate(found, charge)
        simulated.append(time.process_time() - began)
    return {"learned": 1e3 * learned, "simulated": 1e3 * statistics.median(simulated)}


def comparison(
    model: StateModel, train: FieldData, test: FieldData, weight: float, steps: int = SHORT.steps
) -> dict[str, Any]:
    """Errors after a short training on few designs, with or without the equations at others."""
    settings = dataclasses.replace(SHORT, residual=weight, steps=steps)
    began = time.process_time()
    surrogate = train_fields(train, model, load_study("R1").space, settings)
    return {"CPU time of training [s]": time.process_time() - began, **accuracy(surrogate, test)}


def main() -> None:
    """Measure, print, and write the results."""
    study = load_study("R1")
    model = StateModel(study.loaded_cell, study.scenario, study.solver)
    train, test = truth(model, 2048, TRAIN, TRAIN_SEED), truth(model, 4096, TEST, TEST_SEED)
    began = time.process_time()
    surrogate = train_fields(train, model, study.space, FieldTraining())
    seconds = time.process_time() - began
    few = train.only(slice(FEW))
    write(
        {
            "training, CPU time [s]": seconds,
            "accuracy": accuracy(surrogate, test),
            "certificate": certificates(surrogate, model, test),
            "time a design [ms]": speed(surrogate, model, test),
            "data alone": comparison(model, few, test, 0.0),
            "data alone, three times the steps": comparison(model, few, test, 0.0, 3 * SHORT.steps),
            "data and equations": comparison(model, few, test, RESIDUAL),
        }
    )


def write(measured: dict[str, Any]) -> None:
    """Write both files."""
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "versions": versions(),
        "designs": {"training": TRAIN, "test": TEST, "few": FEW},
        **measured,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "fields.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    (RESULTS / "fields.md").write_text(report(result))
    print(report(result))


def report(result: dict[str, Any]) -> str:
    """The results as Markdown."""
    found, certificate, times = (result[k] for k in ("accuracy", "certificate", "time a design [ms]"))
    lines = [
        f"# The field surrogate on R1, {result['date']}",
        "",
        f"{result['machine']}, one core. {TRAIN} designs to train on, in "
        f"{result['training, CPU time [s]']:.0f} s of CPU time; {TEST} others to test on. "
        "RMS errors along the charge, over the designs.",
        "",
        "| what | median | 95th percentile | modes |",
        "|---|---|---|---|",
    ]
    for name in ("voltage [mV]", "negative potential [mV]"):
        lines.append(f"| {name} | {found[name]['median']:.2f} | {found[name]['95th']:.2f} | |")
    for name, error in found["fields"].items():
        part = error["relative"]
        lines.append(
            f"| {name.split(' [')[0]}, share of its deviations | {part['median']:.2%} "
            f"| {part['95th']:.2%} | {found['modes'][name]} |"
        )
    lines += [
        "",
        f"All states of a charge: {times['learned']:.2f} ms of CPU time learned, "
        f"{times['simulated']:.0f} ms simulated. A certificate ({certificate['points']} points): "
        f"{certificate['CPU time of one [ms]']:.0f} ms.",
        "",
        "| certificate of | rank correlation with the error | estimate over error, median "
        "| within twice the estimate | rank correlation of the raw residual |",
        "|---|---|---|---|---|",
    ]
    for name in CERTIFIED:
        part = certificate[name]
        lines.append(
            f"| {name} | {part['rank correlation']:.2f} | {part['estimate over error, median']:.2f} "
            f"| {part['share of errors within twice the estimate']:.0%} "
            f"| {certificate['raw residual, rank correlation'][name]:.2f} |"
        )
    left = certificate["voltage less its estimated error [mV]"]
    lines += [
        "",
        f"Learned voltage less its estimated error: {left['median']:.2f} mV (95th percentile "
        f"{left['95th']:.2f}).",
        "",
        f"What the equations buy in training, {FEW} designs, {SHORT.steps} steps:",
        "",
        "| loss | voltage [mV], median, 95th | negative potential | CPU time [s] |",
        "|---|---|---|---|",
    ]
    for name in ("data alone", "data alone, three times the steps", "data and equations"):
        if name not in result:
            continue
        part = result[name]
        pairs = [part[k] for k in ("voltage [mV]", "negative potential [mV]")]
        told = [f"{p['median']:.2f}, {p['95th']:.2f}" for p in pairs]
        lines.append(f"| {name} | {told[0]} | {told[1]} | {part['CPU time of training [s]']:.0f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
