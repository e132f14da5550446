"""Errors against the number of simulations, one line a method, on logarithmic axes."""

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from _accuracy import CAPACITY, VOLTAGE_RMSE
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from electrograd.figures import ALARM, BASELINE, DESIGN, STYLE

OURS = "electrograd"
PANELS = {CAPACITY: "Accepted capacity, median error [%]", VOLTAGE_RMSE: "Voltage, median RMSE [mV]"}
COLOURS = ("#5b6670", BASELINE, "#6b4c9a", "#3f7d4e", ALARM, "#c07c2e", "#7a6a5d", "#9aa5ad")
MARKERS = "osD^vPX*"
WIDTH, HEIGHT, DPI = 10.0, 4.6, 100
LEAST_GAP = 0.055
"""Between two names at the right, as a part of the panel's height."""


def draw(results: dict[str, Any], path: Path, problem: str = "R1") -> None:
    """Draw the learning curves of one problem as a picture 1,000 pixels wide.

    Parameters
    ----------
    results
        As in ``peers.json``: its ``measured`` are records of ``problem``, ``peer``, ``designs`` and
        ``accuracy``. The method called `OURS` is drawn to stand out.
    path
        The PNG file to write.
    """
    lines: dict[str, list[dict[str, Any]]] = {}
    for one in sorted(results["measured"], key=lambda one: one["designs"]):
        if one["problem"] == problem:
            lines.setdefault(one["peer"], []).append(one)
    with matplotlib.rc_context({**STYLE, "font.size": 10}):
        figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
        for axes, (metric, label) in zip(figure.subplots(1, 2), PANELS.items(), strict=True):
            _panel(axes, lines, metric)
            axes.set_title(label, loc="left", fontsize=11)
        figure.savefig(path)


def _panel(axes: Axes, lines: dict[str, list[dict[str, Any]]], metric: str) -> None:
    """One measure of every method, each named at the end of its line."""
    sizes = sorted({one["designs"] for records in lines.values() for one in records})
    others = iter(zip(COLOURS, MARKERS, strict=True))
    ends = []
    for name, records in lines.items():
        x = [one["designs"] for one in records]
        y = [one["accuracy"][metric] for one in records]
        colour, marker = (DESIGN, "o") if name == OURS else next(others)
        width, order = (3.2, 5) if name == OURS else (1.3, 3)
        axes.plot(x, y, color=colour, marker=marker, linewidth=width, zorder=order, markersize=5)
        ends.append((y[-1], x[-1], name, colour))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(0.9 * sizes[0], 1.05 * sizes[-1])
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    low, high = axes.get_ylim()
    ticks = [m * 10.0**e for e in range(-4, 4) for m in (1, 2, 5) if low <= m * 10.0**e <= high]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("Simulations to train on")
    heights = [float(np.log(y / low) / np.log(high / low)) for y, *_ in sorted(ends)]
    for place, (_, _, name, colour) in zip(_spread(heights), sorted(ends), strict=True):
        axes.annotate(
            name,
            (1.02, place),
            xycoords="axes fraction",
            color=colour,
            verticalalignment="center",
            fontweight="bold" if name == OURS else "normal",
        )


def _spread(heights: list[float]) -> list[float]:
    """Move ascending heights apart until no two are nearer than `LEAST_GAP`, the lot staying centred."""
    placed = np.array(heights)
    for _ in range(200):
        for k in range(len(placed) - 1):
            lack = LEAST_GAP - (placed[k + 1] - placed[k])
            if lack > 1e-4:
                placed[k] -= lack / 2
                placed[k + 1] += lack / 2
    return [float(place) for place in placed]
