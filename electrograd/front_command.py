"""`electrograd front`: trace a study's trade-off, write it, draw it, and print it as a table.

In ``runs/<study>/front/``: ``front.json`` with every verified design, and ``front.png``.
"""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

from electrograd.design import package
from electrograd.design.front import Against, Front, trace_front
from electrograd.designing import finder
from electrograd.figures import STYLE, fronts_picture
from electrograd.study_sections import TradeSection
from electrograd.surrogates.checkpoint import write_atomic
from electrograd.tables import VARIABLES, display

if TYPE_CHECKING:
    from electrograd.steps import StudyRun

_FILE = "front.json"


def traced(run: "StudyRun") -> dict[str, Any]:
    """The front of a study as in ``front.json``, taken from there if it was made from the same."""
    from electrograd.steps import matches

    study, path = run.study, run.folder / "front" / _FILE
    other, section = study.front
    made_from = {
        **run.surrogate_inputs,
        "goal": asdict(study.goal),
        "other": asdict(other),
        "levels": section.model_dump(),
        "search": study.design.model_dump(),
        "tolerances": study.tolerances and asdict(study.tolerances),
        "verified": run.finer.to_dict(),
        "versions": package.versions(),
    }
    if matches(path, {"made_from": made_from}):
        run.reporter.say("Front: done before")
        found: dict[str, Any] = json.loads(path.read_text())
        return found
    with run.reporter.progress("Tracing the front") as update, finder(run) as find:
        front = trace_front(
            find,
            study.goal,
            _against(section),
            _against(section.third) if section.third else None,
            lambda done, total: update(done, total, "levels"),
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"made_from": made_from, **_record(front)}
    write_atomic(path, package.to_json(record))
    return record


def _against(section: TradeSection) -> Against:
    return Against(*section.objective, section.points, section.range)


def _record(front: Front) -> dict[str, Any]:
    return {
        "goal": {"figure": front.goal.figure, "sense": front.goal.sense},
        "other": {"figure": front.other.figure, "sense": front.other.sense},
        "third": front.third and {"figure": front.third.figure, "sense": front.third.sense},
        "points": [
            {
                "design": point.winner.design,
                "predicted": point.winner.predicted,
                "simulated": point.winner.simulated.figures,
                "simulations": len(point.explored) + len(point.candidates),
            }
            for point in front.points
        ],
        "verified_designs": [
            {
                "design": candidate.design,
                "predicted": candidate.predicted,
                "simulated": candidate.simulated.figures,
            }
            for search in front.searches
            for candidate in search.candidates
        ],
        "explored_designs": [
            one for search in front.searches for one in package.explored_record(search)
        ],
    }


def act(run: "StudyRun") -> dict[str, Any]:
    """Trace, draw and tell; returns the contents of ``front.json``."""
    record, folder = traced(run), run.folder / "front"
    with mpl.rc_context(STYLE):
        fronts_picture({run.study.name: record}).savefig(folder / "front.png", dpi=160)
    for line in front_lines(record):
        run.reporter.say(line)
    run.reporter.say(f"Front: {folder}")
    return record


def front_lines(record: dict[str, Any]) -> list[str]:
    """The front as a table: its figures as simulated, then the variables."""
    names = [record[which]["figure"] for which in ("goal", "other", "third") if record[which]]
    figures = [display(name) for name in names]
    variables = [VARIABLES[name] for name in record["points"][0]["design"]]
    shows = [*figures, *variables]
    rows = [
        [
            *(show.number(point["simulated"][name]) for show, name in zip(figures, names, strict=True)),
            *(show.number(v) for show, v in zip(variables, point["design"].values(), strict=True)),
        ]
        for point in record["points"]
    ]
    widths = [max(8, *(len(row[k]) for row in rows)) for k in range(len(shows))]
    heads = [f"{k + 1}: {show.title}" for k, show in enumerate(shows)]
    table = ["".join(f"{k + 1:>{w + 2}}" for k, w in enumerate(widths))]
    table += ["".join(f"{cell:>{w + 2}}" for cell, w in zip(row, widths, strict=True)) for row in rows]
    return [*heads, *table]
