"""The sensitivity step of a study: indices of every figure of merit, along the charge, and checked.

``sensitivity.json`` holds all that was found; ``sensitivity_along_charge.csv`` the curves of it, a row
for every curve, point of the charge and variable.
"""

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from electrograd.design import package
from electrograd.design.sensitivity import METHODS, sensitivity_of
from electrograd.design.sensitivity_along import indices_along
from electrograd.design.sensitivity_check import checked_indices
from electrograd.design.sensitivity_further import swings
from electrograd.physics.variables import FIGURES_OF_MERIT
from electrograd.surrogates.checkpoint import write_atomic
from electrograd.surrogates.figure_fitting import simulated_figures
from electrograd.surrogates.fitting import truths
from electrograd.surrogates.surrogate import Surrogate

if TYPE_CHECKING:
    from electrograd.steps import StudyRun

ALONG = 1024
"""The most base samples along the charge: each costs the curves of so many designs."""
ALONG_FILE = "sensitivity_along_charge.csv"


def analysed(run: "StudyRun") -> dict[str, Any]:
    """What ``sensitivity.json`` holds, taken from there if it was made from the same.

    "indices" by figure of merit and variable; "swings" of each from bound to bound; "along the charge"
    and "check", or None where there are no curves, or no sweep to check on.
    """
    from electrograd.steps import matches

    study = run.study
    said, path = study.sensitivity, run.folder / "package" / "sensitivity.json"
    along_file = path.with_name(ALONG_FILE)
    figures = told(run)
    made_from: dict[str, Any] = {**run.surrogate_inputs, **said.model_dump(), "figures": figures}
    if said.check:
        made_from["check_sweep"] = run.sweep(said.check).dataset().fingerprint()
    if matches(path, {"made_from": made_from}):
        run.reporter.say("Sensitivity: done before")
        found: dict[str, Any] = json.loads(path.read_text())
        if along_file.exists() or not found["along the charge"]:
            return found
    run.reporter.say(f"Sensitivity: {METHODS[said.method]}, on the surrogate")
    surrogate, inputs = run.surrogate, study.sensitivity_inputs
    indices = sensitivity_of(
        surrogate,
        figures,
        said.method,
        said.samples,
        said.seed,
        second_order=said.second_order,
        inputs=inputs,
    )
    along = None
    if said.method == "sobol" and isinstance(surrogate, Surrogate):
        along = indices_along(surrogate, inputs, min(said.samples, ALONG), said.seed).to_dict()
    led = swings(surrogate.predict, surrogate.space, figures)
    record = {
        "made_from": made_from,
        "indices": {name: index.to_dict() for name, index in indices.items()},
        "swings": {name: swing.to_dict() for name, swing in led.items()},
        "along the charge": along,
        "check": checked(run, said.check) if said.check else None,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    along_file.unlink(missing_ok=True)
    if along:
        write_atomic(along_file, along_csv(along))
    write_atomic(path, package.to_json(record))
    return record


def told(run: "StudyRun") -> list[str]:
    """Figures of merit whose sensitivity is told: all that a surrogate of curves predicts."""
    if isinstance(run.surrogate, Surrogate):
        return list(FIGURES_OF_MERIT)
    return list(dict.fromkeys([*run.study.aims, *run.surrogate.accuracy.figures]))


def checked(run: "StudyRun", name: str) -> dict[str, Any]:
    """Indices of what is learned, by the simulations of a sweep and by the surrogate beside them.

    A charge time that some designs never reach has no variance, and is not told.
    """
    sweep, surrogate = run.sweep(name), run.surrogate
    data, base = sweep.dataset(), sweep.sweep.sampler.base
    assert base is not None
    if isinstance(surrogate, Surrogate):
        whole, learned = data.completed, {}
        for figure, values in truths(data.only(whole)).items():
            learned[figure] = np.full(len(data), np.nan)  # of those that failed
            learned[figure][whole] = values
    else:
        known = simulated_figures(surrogate.physics, data)
        figures = [name for name in surrogate.accuracy.figures if name in known]
        learned = {name: known[name] for name in figures if not np.isinf(known[name]).any()}
    predicted = surrogate.predict(data.values)
    found = checked_indices(data.names, learned, predicted, base, run.study.sensitivity.seed)
    return found.to_dict()


def along_csv(record: dict[str, Any]) -> bytes:
    """The indices along the charge as a table."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    keys = ("first", "first confidence", "total", "total confidence")
    table.writerow(["Curve", "Share of nominal capacity", "Variable", *keys])
    for curve, variables in record["curves"].items():
        for name, index in variables.items():
            for share, *values in zip(record["share"], *(index[key] for key in keys), strict=True):
                table.writerow([curve, f"{share:.6g}", name, *(f"{value:.6g}" for value in values)])
    return text.getvalue().encode()
