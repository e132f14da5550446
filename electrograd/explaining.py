"""The why step of a study: what limits the charge of its design and its baseline, and what would help.

Both are simulated again, on the sweep's mesh and with all parts of their voltage, and so is every
remedy: ``why.json`` holds what came out, and the report needs no simulation.
"""

import json
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from electrograd.design import package
from electrograd.physics.charge import Charge
from electrograd.physics.errors import InputError
from electrograd.physics.limiting import Explainer, Limit, loss_breakdown
from electrograd.physics.remedies import REMEDIES
from electrograd.physics.variables import PLATING_MARGIN
from electrograd.surrogates.checkpoint import write_atomic
from electrograd.sweeps.solver import Guarded, Lost

if TYPE_CHECKING:
    from electrograd.steps import StudyRun

SCHEMA_VERSION = 1


def explained(run: "StudyRun") -> dict[str, Any]:
    """What limits a study's design and its baseline, as in ``why.json``; taken from there if it can be.

    Under "design" and "baseline": the attributes of `physics.limiting.Limit` and the "losses" of
    `loss_breakdown`; or only "failed", with the reason.
    """
    from electrograd.steps import matches

    study, made = run.study, run.design
    cell, path = study.loaded_cell, made.folder / "why.json"
    designs = {
        "design": {name: entry["value"] for name, entry in made.record["variables"].items()},
        "baseline": run.published,
    }
    least = least_potential(run)
    made_from = {
        "schema": SCHEMA_VERSION,
        "cell": cell.to_dict(),
        "scenario": study.scenario.to_dict(),
        "solver": study.solver.to_dict(),
        "least potential [V]": least,
        "designs": designs,
        "versions": package.versions(),
    }
    if matches(path, {"made_from": made_from}):
        run.reporter.say("Explaining: done before")
        found: dict[str, Any] = json.loads(path.read_text())
        return found
    record: dict[str, Any] = {
        "made_from": made_from,
        "held": study.scenario.held,
        "channels_homogenised": cell.structure.channelled,
    }
    limit = study.sweep.time_limit * (1 + len(REMEDIES))
    guarded = Guarded(Explainer, (cell, study.scenario, study.solver, least), limit)
    with closing(guarded), run.reporter.progress("Explaining") as update:
        for k, (name, design) in enumerate(designs.items()):
            update(k, len(designs), "designs, each with its remedies")
            (answer,) = guarded([design])
            record[name] = _told(answer)
        update(len(designs), len(designs), "designs, each with its remedies")
    write_atomic(path, package.to_json(record))
    return dict(json.loads(path.read_text()))


def least_potential(run: "StudyRun") -> float | None:
    """The potential against lithium [V] that the goal keeps the charge above, if it does."""
    bounds = [
        limit.value
        for limit in run.study.goal.limits
        if limit.figure == PLATING_MARGIN and limit.sense == "at least"
    ]
    return max(bounds, default=None)


def _told(answer: tuple[Charge, Limit] | Lost | InputError) -> dict[str, Any]:
    if isinstance(answer, Lost):
        return {"failed": answer.message}
    if isinstance(answer, InputError):
        return {"failed": str(answer)}
    charge, limit = answer
    losses = loss_breakdown(charge)
    return {
        **asdict(limit),
        "losses": {
            "share": losses.share.tolist(),
            "voltage": losses.voltage.tolist(),
            "parts": {name: part.tolist() for name, part in losses.parts.items()},
        },
    }
