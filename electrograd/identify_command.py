"""`electrograd identify`: what parameters a cell has whose charges were measured.

In ``runs/<study>/identification/``: ``identification.json``, ``report.html``, ``curves.csv`` (what was
compared, with what was fitted and simulated), ``posterior.csv`` (draws), the page's pictures in
``figures/``.
"""

import csv
import hashlib
import io
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from electrograd.design import package
from electrograd.design.identification import Identified, Identifier
from electrograd.design.identification_checks import checked_curves
from electrograd.design.identification_fit import misfit_sentences
from electrograd.design.identification_model import Readings
from electrograd.design.measured import MeasuredCurve, read_curves
from electrograd.learning import check_trainable, curves_of
from electrograd.physics.errors import InputError
from electrograd.study import Study
from electrograd.study_analyses import IdentifySection
from electrograd.surrogates.checkpoint import write_atomic
from electrograd.tables import VARIABLES

if TYPE_CHECKING:
    from electrograd.console import Reporter
    from electrograd.steps import StudyRun

FOLDER, FILE, SCHEMA_VERSION = "identification", "identification.json", 1


def identify(
    study: Study, runs: str | Path = "runs", reporter: "Reporter | None" = None
) -> dict[str, Any]:
    """Estimate a study's variables from its measured curves; returns ``identification.json``.

    Raises
    ------
    InputError
        For a study without 'identify', curves that cannot be understood or are not of its cell, or
        variables that cannot be learned.
    """
    from electrograd.steps import StudyRun

    return act(StudyRun(study, runs, reporter))


def act(run: "StudyRun") -> dict[str, Any]:
    """Identify, or take what is there if it was made from the same; raises as `identify` does."""
    from electrograd.steps import matches

    study, section = run.study, _section(run.study)
    check_trainable(run, curves=True)
    cell, scenario = study.loaded_cell, study.scenario
    area = section.area or cell.electrode_area
    named = {str(quantity): name for quantity, name in section.columns.items()}
    read = read_curves([Path(c) for c in section.curves], named, section.charges)
    curves = checked_curves(read, cell, study.space, scenario, area)
    for curve in curves:
        for note in curve.notes:
            run.reporter.say(f"{curve.name}: {note}")
    surrogate = curves_of(run)
    noise = None if section.noise is None else section.noise / 1e3
    made_from = {
        **run.surrogate_inputs,
        "curves": {Path(c).name: _digest(Path(c)) for c in section.curves},
        "noise [V]": noise,
        "area [m2]": area,
        "seed": section.seed,
        "mended by": run.finer.to_dict(),
        "versions": package.versions(),
    }
    path = run.folder / FOLDER / FILE
    if matches(path, {"made_from": made_from}):
        run.reporter.say("Identification: done before")
        record: dict[str, Any] = json.loads(path.read_text())
        return record
    readings, began = Readings.of(curves, area, noise), time.perf_counter()
    # Here, for it starts processes.
    from electrograd.design.charging import CurveSimulators
    from electrograd.identification_report import write_page

    limit = study.sweep.time_limit
    with (
        CurveSimulators(cell, scenario, run.finer, limit) as simulate,
        run.reporter.progress("Identifying") as update,
    ):
        found = Identifier(surrogate, simulate)(
            readings, section.seed, lambda done, total, _: update(done, total, "")
        )
    seconds = time.perf_counter() - began
    record = {
        "schema": SCHEMA_VERSION,
        "study": study.name,
        "made_from": made_from,
        **identification_record(found, curves, area),
        "seconds": round(seconds, 1),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    write_atomic(path.parent / "curves.csv", _curves_csv(found, curves).encode())
    write_atomic(path.parent / "posterior.csv", _posterior_csv(found).encode())
    write_page(path.parent, record, found)
    write_atomic(path, package.to_json(record))
    return record


def identification_record(
    found: Identified, curves: Sequence[MeasuredCurve], area: float
) -> dict[str, Any]:
    """What was found, as plain numbers and sentences."""
    nominal = float(found.model.nominal(found.fit.unit))
    simulated, which = found.simulated_residuals(), found.readings.curve

    def rmse(residuals: np.ndarray | None, c: int) -> float | None:
        return None if residuals is None else 1e3 * float(np.sqrt(np.mean(residuals[which == c] ** 2)))

    return {
        "curves": [
            {
                "file": curve.name,
                "current [A]": curve.current,
                "C-rate at the best fit": curve.current / (area * nominal),
                "readings": len(curve.charge),
                "compared": int(np.sum(which == c)),
                "noise assumed [mV]": 1e3 * float(found.readings.noise[which == c][0]),
                "noise of its readings [mV]": 1e3 * curve.noise,
                "RMSE of the mended surrogate [mV]": rmse(found.fit.residuals, c),
                "RMSE in PyBaMM [mV]": rmse(simulated, c),
                "notes": list(curve.notes),
            }
            for c, curve in enumerate(curves)
        ],
        "before": {**found.before.to_dict(), "words": found.before_words},
        "at the best fit": {**found.at_fit.to_dict(), "words": found.untold_words},
        "estimates": found.estimates(),
        "derived": found.derived(),
        "edges": found.edge_words,
        "misfit": {
            "flagged": found.fit.doubted,
            "sum of squares": found.fit.squares,
            "degrees of freedom": found.fit.freedom,
            "probability": found.fit.probability,
            "words": misfit_sentences(found.fit, found.readings, curves),
        },
        "fit": {
            "starts that agree": found.fit.agreeing[0],
            "starts": found.fit.agreeing[1],
            "rounds": found.rounds,
            "surrogate's error before mending [mV]": 1e3 * float(np.sqrt(np.mean(found.error.mean**2))),
            "surrogate's error left [mV]": 1e3
            * float(np.sqrt(np.mean(np.diag(found.error.covariance)))),
        },
        "posterior": {
            "deviation left [share of the prior's]": dict(
                zip(found.model.names, found.left.tolist(), strict=True)
            ),
            "R-hat": float(found.posterior.ratios.max()),
            "effective draws": float(found.posterior.effective.min()),
            "divergences": found.posterior.divergences,
            "words": found.posterior.complaints(),
        },
    }


def identification_lines(record: dict[str, Any]) -> list[str]:
    """What was found, for a terminal: warnings first."""
    posterior = record["posterior"]
    warnings = [*record["misfit"]["words"], *record["at the best fit"]["words"], *record["edges"]]
    lines = [*warnings, *posterior["words"]]
    lines += [""] if lines else []
    width = max(len(name) for name in (*record["estimates"], *record["derived"]))
    for name, entry in {**record["estimates"], **record["derived"]}.items():
        lines.append(f"{name:<{width}}  {told(name, entry)}")
    checks = [curve["RMSE in PyBaMM [mV]"] for curve in record["curves"]]
    if None not in checks:
        rates = ", ".join(
            f"{check:.2f} mV at {curve['C-rate at the best fit']:.2g}C"
            for check, curve in zip(checks, record["curves"], strict=True)
        )
        lines += ["", f"The best fit, simulated in PyBaMM, is off the curves by (RMS) {rates}."]
    return lines


def told(name: str, entry: dict[str, float] | None) -> str:
    """One estimate with its interval in the unit for people; words where the curves do not tell it."""
    if entry is None:
        return "not determined by these curves"
    show = VARIABLES.get(name)
    scale = show.scale if show else 1.0
    numbers = [f"{scale * entry[key]:.4g}" for key in ("median", "5 %", "95 %")]
    unit = f" {show.unit}" if show and show.unit else ""
    return f"{numbers[0]}{unit} (90 %: {numbers[1]} to {numbers[2]})"


def _section(study: Study) -> IdentifySection:
    if study.identify_section is None:
        raise InputError(
            "a study must state 'identify' for its variables to be estimated",
            "a study without it",
            "identify: {curves: [slow.csv, fast.csv]}",
        )
    return study.identify_section


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _curves_csv(found: Identified, curves: Sequence[MeasuredCurve]) -> str:
    """Readings that were compared, beside what the mended surrogate and PyBaMM say."""
    readings, simulated = found.readings, found.simulated_residuals()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["file", "Charge [A.h.m-2]", "Voltage [V]", "Fitted voltage [V]", "Simulated voltage [V]"]
    )
    charge = readings.charge.ravel()[readings.rows]
    for k, c in enumerate(readings.curve):
        measured = readings.voltage[k]
        simulation = "" if simulated is None else f"{measured - simulated[k]:.6f}"
        fitted = f"{measured - found.fit.residuals[k]:.6f}"
        writer.writerow([curves[c].name, f"{charge[k]:.6g}", f"{measured:.6f}", fitted, simulation])
    return text.getvalue()


def _posterior_csv(found: Identified) -> str:
    """Draws of the posterior in SI units, one a line."""
    values = found.model.values(found.posterior.flat)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(values)
    columns = [np.asarray(column) for column in values.values()]
    writer.writerows([f"{x:.7g}" for x in row] for row in zip(*columns, strict=True))
    return text.getvalue()
