"""``overview.html``: the packages of a study side by side, on one page that needs nothing beside it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from markupsafe import Markup

from electrograd import figures
from electrograd.design import package
from electrograd.report import as_svg, charge_words, headline, template
from electrograd.surrogates.checkpoint import write_atomic
from electrograd.tables import VARIABLES, Display, display, simulated

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Made:
    """A package that was made.

    Attributes
    ----------
    name
        What the study calls it; the study's own name for the study itself.
    folder
        Where its files are.
    record
        Contents of ``design.json``.
    front
        Contents of ``front.json``, of one that traces a front.
    """

    name: str
    folder: Path
    record: dict[str, Any]
    front: dict[str, Any] | None


def best_of(made: Sequence[Made]) -> Made | None:
    """The best package that meets its limits; None where none does, or they have different goals."""
    goals = {(one.record["goal"]["figure"], one.record["goal"]["sense"]) for one in made}
    met = [one for one in made if one.record["limits_met"]]
    if len(goals) != 1 or not met:
        return None
    ((figure, sense),) = goals
    sign = 1 if sense == "maximise" else -1
    return max(met, key=lambda one: sign * one.record["figures_of_merit"][figure]["simulated"])


def rows_of(made: Sequence[Made]) -> list[tuple[str, list[str]]]:
    """What is compared, a row each: figures aimed at, then variables; a dash where one has none."""
    aimed: dict[str, Display] = {}
    varied: dict[str, Display] = {}
    for one in made:
        goal = one.record["goal"]
        for figure in (goal["figure"], *(limit["figure"] for limit in goal["limits"])):
            aimed[figure] = display(figure)
        varied |= {name: VARIABLES[name] for name in one.record["variables"]}

    def told(one: Made, figure: str) -> str:
        known = figure in one.record["figures_of_merit"]
        return simulated(one.record, figure, "simulated") if known else "–"

    def built(one: Made, name: str) -> str:
        entry = one.record["variables"].get(name)
        value = entry["value"] if entry else one.record["parameters"].get(name, {}).get("value")
        return VARIABLES[name].number(value) if value is not None else "–"

    return [
        *((show.title, [told(one, figure) for one in made]) for figure, show in aimed.items()),
        *((show.title, [built(one, name) for one in made]) for name, show in varied.items()),
    ]


def overview_lines(made: Sequence[Made]) -> list[str]:
    """The comparison as a table for people."""
    best = best_of(made)
    heads = [one.name + (" *" if one is best else "") for one in made]
    met = ["met" if one.record["limits_met"] else "BROKEN" for one in made]
    table = [("", heads), ("limits", met), *rows_of(made)]
    first = max(len(title) for title, _ in table)
    widths = [max(len(cells[k]) for _, cells in table) for k in range(len(made))]
    lines = [
        f"{title:<{first}}" + "".join(f"  {c:>{w}}" for c, w in zip(cells, widths, strict=True))
        for title, cells in table
    ]
    return ["All figures of merit as simulated in PyBaMM.", *lines, *(["* the best"] if best else [])]


def write_overview(folder: Path, study: str, made: Sequence[Made]) -> Path:
    """Write ``overview.json`` and ``overview.html`` into a folder; return the page's path."""
    best, fronts = best_of(made), {one.name: one.front for one in made if one.front}
    folder.mkdir(parents=True, exist_ok=True)
    record = {
        "schema": SCHEMA_VERSION,
        "study": study,
        "best": best and best.name,
        "packages": {
            one.name: {
                "folder": str(_beside(one.folder, folder)),
                "goal": one.record["goal"],
                "limits_met": one.record["limits_met"],
                "variables": {n: entry["value"] for n, entry in one.record["variables"].items()},
                "figures_of_merit": {
                    n: entry["simulated"] for n, entry in one.record["figures_of_merit"].items()
                },
            }
            for one in made
        },
    }
    write_atomic(folder / "overview.json", package.to_json(record))
    alike = len({(f["goal"]["figure"], f["other"]["figure"]) for f in fronts.values()}) == 1
    with mpl.rc_context(figures.STYLE):
        drawn = as_svg(figures.fronts_picture(fronts)) if alike else None
    page = template("overview.html.jinja").render(
        study=study,
        made=made,
        best=best,
        rows=rows_of(made),
        headlines=[headline(one.record) for one in made],
        charges=[charge_words(one.record) for one in made],
        stacks=[_svg(one.folder / "figures" / "stack.svg") for one in made],
        links=[f"{_beside(one.folder, folder)}/report.html" for one in made],
        fronts=drawn and Markup(drawn[drawn.index("<svg") :]),
    )
    write_atomic(folder / "overview.html", page.encode())
    return folder / "overview.html"


def _svg(path: Path) -> Markup:
    text = path.read_text(encoding="utf-8")
    return Markup(text[text.index("<svg") :])


def _beside(path: Path, folder: Path) -> Path:
    """A path as the page in a folder links to it."""
    return Path(os.path.relpath(path, folder))
