"""``report.html``: one self-contained page about a design, for people who know batteries."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from matplotlib.figure import Figure

from electrograd import figures, sensitivity_figures, why_view
from electrograd.design.maps import DesignMap, design_map, telling_pair
from electrograd.design.problem import Goal, Limit
from electrograd.designing import seen_by
from electrograd.learning import AnySurrogate
from electrograd.map_figure import draw_map, map_caption
from electrograd.physics.charge import NEGATIVE_POTENTIAL, VOLTAGE
from electrograd.physics.scenario import Scenario
from electrograd.physics.variables import ACCEPTED_SHARE, PLATING_MARGIN
from electrograd.surrogates.checkpoint import write_atomic
from electrograd.surrogates.figure_fitting import simulated_figures
from electrograd.surrogates.surrogate import Accuracy, Surrogate
from electrograd.sweeps.dataset import Dataset
from electrograd.tables import (
    VARIABLES,
    Display,
    accuracy_lines,
    check_lines,
    conflict_lines,
    display,
    leaning_lines,
    shown,
    simulated,
    unsettled_lines,
)

ALONG_CHARGE = {VOLTAGE: "voltage", NEGATIVE_POTENTIAL: "negative potential at the separator"}
"""Curves whose indices along the charge are drawn, with short names."""


def render(
    folder: Path,
    record: dict[str, Any],
    why: dict[str, Any],
    sensitivity: dict[str, Any],
    dataset: Dataset,
    surrogate: AnySurrogate,
) -> Path:
    """Draw the figures and write the page; return its path.

    Parameters
    ----------
    folder
        The package's, with ``curves.csv`` in it.
    record, why, sensitivity
        Contents of ``design.json``, ``why.json`` and ``sensitivity.json``.
    """
    around = around_design(record, surrogate)
    drawn = {
        name: as_svg(figure)
        for name, figure in draw(folder, record, why, sensitivity, dataset, surrogate, around)
    }
    (folder / "figures").mkdir(exist_ok=True)
    for name, svg in drawn.items():
        write_atomic(folder / "figures" / f"{name}.svg", svg.encode())
    page = template("report.html.jinja").render(
        record=record,
        figures=shown(record),
        simulated=simulated,
        variables=VARIABLES,
        drawn={name: Markup(svg[svg.index("<svg") :]) for name, svg in drawn.items()},
        why=why,
        words=why_view,
        check=check_lines(sensitivity["check"]) if sensitivity["check"] else [],
        sensitivity=sensitivity_figures.CAPTIONS[sensitivity["made_from"]["method"]],
        accuracy=accuracy_lines(surrogate.accuracy),
        leaning=leaning_lines(record),
        conflict=[*conflict_lines(record), *unsettled_lines(record)],
        headline=headline(record),
        charge=charge_words(record),
        around=around and map_caption(around, record),
    )
    write_atomic(folder / "report.html", page.encode())
    return folder / "report.html"


def template(name: str) -> Template:
    """One of the pages' templates."""
    environment = Environment(
        loader=PackageLoader("electrograd", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def draw(
    folder: Path,
    record: dict[str, Any],
    why: dict[str, Any],
    sensitivity: dict[str, Any],
    dataset: Dataset,
    surrogate: AnySurrogate,
    around: DesignMap | None,
) -> list[tuple[str, Figure]]:
    """Make every figure, by the name of its file."""
    curves = read_curves(folder / "curves.csv")
    goal = record["goal"]["figure"]
    completed = dataset.only(dataset.completed)
    along = sensitivity["along the charge"]
    told = dict.fromkeys((goal, *(limit["figure"] for limit in record["goal"]["limits"])))
    with mpl.rc_context(figures.STYLE):
        return [
            ("stack", figures.stack_sketch(surrogate.physics.cell, record)),
            ("voltage", figures.voltage(curves, record["scenario"]["upper_voltage"])),
            ("negative_potential", figures.negative_potential(curves)),
            *((("losses", why_view.losses_picture(why)),) if why_view.known(why) else ()),
            *((("map", draw_map(around, record)),) if around else ()),
            ("sweep", _sweep(completed, record, surrogate)),
            *(
                (f"parity_{slug(name)}", figures.parity(surrogate.accuracy, name))
                for name in parities(surrogate.accuracy, told)
            ),
            *(
                (
                    f"matters_{slug(name)}",
                    sensitivity_figures.index_bars(sensitivity["indices"], name, sensitivity["swings"]),
                )
                for name in told
            ),
            *(
                (
                    f"swings_{slug(name)}",
                    sensitivity_figures.tornado(sensitivity["swings"][name], name),
                )
                for name in told
            ),
            *(
                (
                    f"pairs_{slug(name)}",
                    sensitivity_figures.interaction_matrix(sensitivity["indices"], name),
                )
                for name in told
                if sensitivity["made_from"]["second_order"]
            ),
            *(
                (f"along_{short}", sensitivity_figures.along_charge(along, curve))
                for curve, short in ALONG_CHARGE.items()
                if along
            ),
        ]


def around_design(record: dict[str, Any], surrogate: AnySurrogate) -> DesignMap | None:
    """The map of the two most telling variables, by what the search knew at its end; None of one."""
    design = {name: entry["value"] for name, entry in record["variables"].items()}
    if len(design) < 2:
        return None
    aim = record["goal"]
    goal = Goal(aim["figure"], aim["sense"], tuple(Limit(**limit) for limit in aim["limits"]))
    known = seen_by(surrogate, record["search"]["explored_designs"])
    return design_map(known, goal, design, telling_pair(known, goal, design))


def charge_words(record: dict[str, Any]) -> str:
    """The scenario in words, and the further ones."""

    def told(scenario: Scenario, rate: float) -> str:
        voltage, warm = f"{scenario.upper_voltage:g} V", f"{scenario.temperature - 273.15:.0f} °C"
        if scenario.constant_current:
            return f"a constant-current charge from empty at {rate:g}C to {voltage}, {warm}"
        held = (
            f", {1e3 * scenario.plating_potential:g} mV"
            if scenario.plating_potential is not None
            else ""
        )
        until = f", until {scenario.hold_until:g}C" if scenario.held else ""
        most = "at most " if scenario.held else ""
        return f"{scenario.protocol}: {most}{rate:g}C, {voltage}{held}{until}, {warm}"

    words = [told(Scenario.from_dict(record["scenario"]), record["c_rate"])]
    for name, data in record["further_scenarios"].items():
        words.append(f"{name}: {told(scenario := Scenario.from_dict(data), scenario.c_rate)}")
    return "; ".join(words)


def parities(accuracy: Accuracy, told: Iterable[str]) -> list[str]:
    """Learned figures whose errors are shown: those aimed at, else share and margin."""
    aimed = [name for name in told if name in accuracy.held_out]
    usual = [ACCEPTED_SHARE, PLATING_MARGIN]
    return usual if set(aimed) <= set(usual) and accuracy.curves else aimed


def _sweep(data: Dataset, record: dict[str, Any], surrogate: AnySurrogate) -> Figure:
    """The sweep's designs by share and margin, or by what is aimed at where that is learned directly."""
    predicted = surrogate.predict(data.values)
    if isinstance(surrogate, Surrogate):
        return figures.sweep_map(data, record, predicted[record["goal"]["figure"]])
    return figures.aims_map({**predicted, **simulated_figures(surrogate.physics, data)}, record)


def as_svg(figure: Figure) -> str:
    """The figure as SVG text, with letters as shapes: it looks the same on every machine."""
    text = io.StringIO()
    with mpl.rc_context(figures.STYLE):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def read_curves(path: Path) -> Mapping[tuple[str, str], Mapping[str, np.ndarray]]:
    """Read ``curves.csv`` into columns by (electrode, source)."""
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            rows.setdefault((row.pop("electrode"), row.pop("source")), []).append(row)
    return {
        key: {name: np.array([float(row[name]) for row in group]) for name in group[0]}
        for key, group in rows.items()
    }


def headline(record: dict[str, Any]) -> str:
    """The result in a few short sentences."""
    goal = record["goal"]["figure"]
    entry, show = record["figures_of_merit"][goal], display(goal)
    limits = record["constraints"]
    told = f"{show.label} {show.text(entry['simulated'])}{_change(entry, show)}"
    if missed := _named([limit for limit in limits if not limit["baseline_holds"]]):
        told += f", which breaks the limit on {missed}"
    if missed := _named([limit for limit in limits if not limit["holds"]]):
        return (
            f"{told}. No design was found that meets every limit; the nearest breaks that on {missed}."
        )
    if not record["limits_met"]:
        return f"{told}. The design's simulation failed."
    return f"{told}. The design meets every limit in the simulation." if limits else f"{told}."


def _named(limits: list[dict[str, Any]]) -> str:
    return " and ".join(display(limit["figure"]).label.lower() for limit in limits)


def _change(entry: dict[str, Any], show: Display) -> str:
    """The step from the baseline: in per cent where zero means nothing at all, else as a difference."""
    value, base = entry["simulated"], entry["baseline"]
    if value is None or base is None:
        return ", beside a baseline that could not be simulated" if base is None else ""
    direction = "more" if value >= base else "less"
    if show.unit in ("mV", "%"):
        unit = "percentage points" if show.unit == "%" else show.unit
        return f", {show.number(abs(value - base))} {unit} {direction} than the baseline"
    return f", {abs(100 * (value / base - 1)):.1f} % {direction} than the baseline"


def slug(name: str) -> str:
    """A figure of merit's name as a file name."""
    return (
        display(name)
        .label.lower()
        .replace(" ", "_")
        .replace(",", "")
        .replace("/", "")
        .replace("(", "")
        .replace(")", "")
    )
