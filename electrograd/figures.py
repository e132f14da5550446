"""The pictures of a design package; each returns a Matplotlib figure of one panel's size."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from electrograd.physics.cell import Cell
from electrograd.physics.charge import NEGATIVE_POTENTIAL, VOLTAGE
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    NEGATIVE_POROSITY,
    NEGATIVE_THICKNESS,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    POSITIVE_POROSITY,
    POSITIVE_THICKNESS,
)
from electrograd.surrogates.surrogate import Accuracy
from electrograd.sweeps.dataset import CHARGE, Dataset
from electrograd.tables import FIGURES, Display, display

DESIGN, BASELINE, MUTED, ALARM = "#0b6e99", "#8a5a00", "#9aa5ad", "#b3261e"
SEVERAL = (DESIGN, "#c4551a", "#4b8b3b", "#7b4fa0", "#b08d00", "#5b6670")

STYLE: dict[str, Any] = {
    "font.size": 9,
    "font.family": ["DejaVu Sans"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e7ea",
    "axes.axisbelow": True,
    "axes.edgecolor": "#5b6670",
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "electrograd",
}

Curves = Mapping[tuple[str, str], Mapping[str, np.ndarray]]
"""Columns of ``curves.csv`` by (electrode, source)."""


def _panel(width: float = 4.6, height: float = 3.3) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _plot_curves(axes: Axes, curves: Curves, column: str, scale: float) -> None:
    lines = (
        (("baseline", "simulated"), BASELINE, "-", "baseline, simulated"),
        (("design", "simulated"), DESIGN, "-", "design, simulated"),
        (("design", "predicted"), "#111111", (0, (1, 2)), "design, predicted"),
    )
    for key, colour, style, name in lines:
        if key not in curves:  # nothing is predicted along a held charge
            continue
        charge, values = 0.1 * curves[key][CHARGE], scale * curves[key][column]
        axes.plot(charge, values, color=colour, linestyle=style, linewidth=1.8, label=name)
    axes.set_xlabel("Charge passed [mAh/cm²]")


def voltage(curves: Curves, cut_off: float) -> Figure:
    """Terminal voltage [V] against charge passed: design and baseline, predicted and simulated."""
    figure, axes = _panel()
    _plot_curves(axes, curves, VOLTAGE, 1.0)
    axes.axhline(cut_off, color=ALARM, linewidth=1)
    axes.annotate(
        f"cut-off {cut_off:g} V",
        (0.0, cut_off),
        xycoords=("axes fraction", "data"),
        xytext=(4, 3),
        textcoords="offset points",
        color=ALARM,
        fontsize=8,
    )
    axes.set_ylabel("Voltage [V]")
    axes.legend()
    return figure


def negative_potential(curves: Curves) -> Figure:
    """The negative electrode's potential [mV] near lithium's, where plating is decided."""
    figure, axes = _panel()
    _plot_curves(axes, curves, NEGATIVE_POTENTIAL, 1e3)
    lowest = [1.25e3 * data[NEGATIVE_POTENTIAL].min() for data in curves.values()]
    bottom, top = min(-10.0, *(value for value in lowest if np.isfinite(value))), 130.0
    axes.axhspan(bottom, 0, color=ALARM, alpha=0.08, linewidth=0)
    axes.axhline(0, color=ALARM, linewidth=1)
    axes.annotate(
        "lithium plates",
        (0.0, 0.0),
        xycoords=("axes fraction", "data"),
        xytext=(4, -4),
        textcoords="offset points",
        va="top",
        color=ALARM,
        fontsize=8,
    )
    axes.set(ylim=(bottom, top), ylabel="Negative electrode at the separator\nagainst lithium [mV]")
    axes.legend(loc="upper right")
    return figure


def sweep_map(dataset: Dataset, record: dict[str, Any], objective: np.ndarray) -> Figure:
    """Every simulated design by accepted share and plating margin, coloured by the goal's figure."""
    figure, axes = _panel(height=3.6)
    x_show, y_show = FIGURES[ACCEPTED_SHARE], FIGURES[PLATING_MARGIN]
    goal = display(record["goal"]["figure"])
    share = dataset.figures[ACCEPTED_CAPACITY] / dataset.figures[NOMINAL_CAPACITY]
    margin = dataset.figures[PLATING_MARGIN]
    points = axes.scatter(
        x_show.scale * share, y_show.scale * margin, c=goal.scale * objective, s=12, cmap="viridis"
    )
    figure.colorbar(points, ax=axes, label=goal.title)
    for limit in record["constraints"]:
        if limit["figure"] == ACCEPTED_SHARE:
            axes.axvline(x_show.scale * limit["value"], color=ALARM, linewidth=1)
        if limit["figure"] == PLATING_MARGIN:
            axes.axhline(y_show.scale * limit["value"], color=ALARM, linewidth=1)
    _mark(axes, record, ACCEPTED_SHARE, PLATING_MARGIN)
    axes.set(xlabel=x_show.title, ylabel=y_show.title)
    axes.legend(loc="lower right")
    return figure


def aims_map(values: Mapping[str, np.ndarray], record: dict[str, Any]) -> Figure:
    """The sweep's designs by the first limit's figure and the goal's; grey where a limit breaks."""
    figure, axes = _panel(height=3.6)
    goal, limits = record["goal"]["figure"], record["goal"]["limits"]
    across = next((limit["figure"] for limit in limits if limit["figure"] != goal), NOMINAL_CAPACITY)
    x_show, y_show = display(across), display(goal)
    held = np.ones(len(values[goal]), bool)
    for limit in limits:
        sign = 1 if limit["sense"] == "at least" else -1
        held &= sign * (values[limit["figure"]] - limit["value"]) >= 0
    for rows, colour, name in ((~held, MUTED, "a limit broken"), (held, DESIGN, "limits met")):
        if rows.any():
            x, y = x_show.scale * values[across][rows], y_show.scale * values[goal][rows]
            axes.scatter(x, y, s=12, color=colour, label=name, linewidth=0)
    for limit in limits:
        if limit["figure"] == across:
            axes.axvline(x_show.scale * limit["value"], color=ALARM, linewidth=1)
    _mark(axes, record, across, goal)
    axes.set(xlabel=x_show.title, ylabel=y_show.title)
    axes.legend(fontsize=8)
    return figure


def _mark(axes: Axes, record: dict[str, Any], across: str, upward: str) -> None:
    """Mark design and baseline by two figures, where their simulations gave both."""
    told, x_show, y_show = record["figures_of_merit"], display(across), display(upward)
    for key, name in (("simulated", "design"), ("baseline", "baseline")):
        x, y = told[across][key], told[upward][key]
        if x is not None and y is not None:
            mark(axes, x_show.scale * x, y_show.scale * y, name)


def mark(axes: Axes, x: float, y: float, name: str) -> None:
    """A star for the design, a diamond for anything else, such as the baseline."""
    star = name == "design"
    axes.scatter(
        x,
        y,
        color="white" if star else BASELINE,
        marker="*" if star else "D",
        s=190 if star else 55,
        edgecolor="black",
        linewidth=0.8,
        label=name,
        zorder=3,
        clip_on=False,
    )


def parity(accuracy: Accuracy, figure_name: str) -> Figure:
    """Predicted against simulated, for designs held out from the network that predicted them."""
    figure, axes = _panel(height=3.6)
    show = display(figure_name)
    simulated, predicted = show.scale * accuracy.held_out[figure_name].T
    low, high = simulated.min(), simulated.max()
    axes.plot([low, high], [low, high], color=MUTED, linewidth=1)
    axes.scatter(simulated, predicted, s=10, color=DESIGN, alpha=0.7, linewidth=0)
    axes.set(xlabel=f"Simulated {show.label.lower()} [{show.unit}]", ylabel="Predicted, held out")
    inset = axes.inset_axes((0.62, 0.12, 0.35, 0.28))
    inset.hist(predicted - simulated, bins=31, color=DESIGN)
    unit = "percentage points" if show.unit == "%" else show.unit
    inset.set_title(f"error [{unit}]" if unit else "error", fontsize=8)
    inset.tick_params(labelsize=7)
    inset.set_yticks([])
    inset.grid(False)
    return figure


def fronts_picture(records: Mapping[str, dict[str, Any]]) -> Figure:
    """Verified designs that trade two figures off: the contents of ``front.json``, by name."""
    figure, axes = _panel()
    shows: list[Display] = []
    for (label, record), colour in zip(records.items(), cycle(SEVERAL)):
        named = [record[which]["figure"] for which in ("other", "goal")]
        shows = [display(name) for name in named]
        values = [
            [show.scale * point["simulated"][name] for point in record["points"]]
            for show, name in zip(shows, named, strict=True)
        ]
        if third := record["third"]:
            show = display(third["figure"])
            shades = [show.scale * point["simulated"][third["figure"]] for point in record["points"]]
            points = axes.scatter(values[0], values[1], c=shades, s=22, cmap="viridis", label=label)
            figure.colorbar(points, ax=axes, label=show.title)
        else:
            axes.plot(*values, "o-", color=colour, markersize=4, linewidth=1, label=label)
    axes.set_xlabel(shows[0].title)
    axes.set_ylabel(shows[1].title)
    if len(records) > 1:
        axes.legend()
    return figure


def stack_sketch(cell: Cell, record: dict[str, Any]) -> Figure:
    """Both stacks to scale: coatings, separator and half of each current collector."""
    figure, axes = _panel(height=2.4)
    parameters = record["parameters"]
    for row, key in ((0, "value"), (1, "baseline")):
        layers = (
            (cell.negative_collector_thickness / 2, "#b87333", ""),
            (parameters[NEGATIVE_THICKNESS][key], "#4a545c", parameters[NEGATIVE_POROSITY][key]),
            (cell.separator_thickness, "#e9e2c9", ""),
            (parameters[POSITIVE_THICKNESS][key], "#7b6f9c", parameters[POSITIVE_POROSITY][key]),
            (cell.positive_collector_thickness / 2, "#b9bec4", ""),
        )
        left = 0.0
        for thickness, colour, porosity in layers:
            width = 1e6 * thickness
            axes.barh(row, width, left=left, color=colour, height=0.62)
            if porosity:
                axes.text(
                    left + width / 2,
                    row,
                    f"{width:.1f} µm\nε = {porosity:.3f}",
                    ha="center",
                    va="center",
                    color="white",
                    fontsize=8,
                )
            left += width
    axes.set_yticks([0, 1], ["design", "baseline"])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("From the negative current collector [µm]")
    return figure
