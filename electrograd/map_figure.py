"""The picture of a map around a design, and what stands below it."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from electrograd.design.maps import DesignMap
from electrograd.design.problem import Limit
from electrograd.figures import ALARM, mark
from electrograd.tables import VARIABLES, Display, display

_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)))
"""Of the limits' lines, in turn."""
_BANDS, _LINES = 10, 7
_GREY, _HATCH, _INK = "#e3e6e8", "#b4bcc2", "#3d464d"
_NEAR = 1e-3  # of a variable's range: held at the baseline's value


def draw_map(found: DesignMap, record: dict[str, Any]) -> Figure:
    """The goal's figure over two variables, in colours where every limit holds, the better the brighter.

    Where a limit is broken it is grey and hatched; the goal's contours go on there.

    Parameters
    ----------
    found
        The map.
    record
        Contents of ``design.json``: its design is marked, and its baseline if that lies in the box.
    """
    crossed = [limit for limit in found.slacks if len(_sides(found, limit)) > 1]
    figure = Figure(figsize=(4.6, 3.6 + 0.17 * max(len(crossed) - 1, 0)), layout="constrained")
    axes = figure.add_subplot()
    goal, (x_show, y_show) = display(found.goal.figure), (VARIABLES[name] for name in found.names)
    x, y = x_show.scale * found.across, y_show.scale * found.upward
    bands, lines = _levels(found, goal)
    values = np.ma.masked_invalid(goal.scale * found.values)
    colours = "viridis" if found.goal.sense == "maximise" else "viridis_r"
    filled = axes.contourf(x, y, values, bands, cmap=colours, extend="both")
    figure.colorbar(filled, ax=axes, label=goal.title)
    _mark(axes, found, record)
    legend: list[Any] = axes.get_legend_handles_labels()[0]
    if not found.feasible.all():
        legend.append(_grey_out(axes, x, y, found))
    contours = axes.contour(x, y, values, lines, colors=_INK, linewidths=0.6)
    for text in axes.clabel(contours, fontsize=7):
        text.set_path_effects([withStroke(linewidth=1.8, foreground="white")])
    for k, limit in enumerate(crossed):
        slack, dashes = np.ma.masked_invalid(found.slacks[limit]), _DASHES[k % len(_DASHES)]
        axes.contour(x, y, slack, [0.0], colors=ALARM, linestyles=[dashes], linewidths=1.6)
        legend.append(Line2D([], [], color=ALARM, linestyle=dashes, linewidth=1.6, label=_told(limit)))
    for logarithmic, scale in zip(found.logarithmic, (axes.set_xscale, axes.set_yscale), strict=True):
        scale("log" if logarithmic else "linear")
    axes.set(xlim=x[[0, -1]], ylim=y[[0, -1]], xlabel=x_show.title, ylabel=y_show.title)
    axes.grid(visible=False)
    figure.legend(handles=legend, loc="outside lower left", fontsize=8)
    return figure


def map_caption(found: DesignMap, record: dict[str, Any]) -> str:
    """What the picture shows and holds, and which limits have no line in it."""
    text = (
        f"{display(found.goal.figure).label}, as the surrogate predicts it, over two variables, the "
        "others as in the design; grey and hatched where a limit is broken."
    )
    for limit in found.slacks:
        if len(sides := _sides(found, limit)) == 1:
            text += f" {_told(limit)} {'holds' if sides == {True} else 'is broken'} all over."
    if "as_made" in record:
        text += " It is of nominal designs: tolerances are why the design keeps away from the limits."
    return text


def _told(limit: Limit) -> str:
    show = display(limit.figure)
    return f"{show.label} {'≥' if limit.sense == 'at least' else '≤'} {show.text(limit.value)}"


def _sides(found: DesignMap, limit: Limit) -> set[bool]:
    """Whether a limit holds: both, where its line crosses the map."""
    return set((found.slacks[limit] >= 0).ravel().tolist())


def _levels(found: DesignMap, goal: Display) -> tuple[np.ndarray, np.ndarray]:
    """Bands of colour over what is feasible; contours, on some of their bounds, over the whole map."""
    values = goal.scale * found.values
    known = values[np.isfinite(values)]
    shown = values[found.feasible & np.isfinite(values)]
    if not shown.size or np.ptp(shown) < 1e-3 * np.ptp(known):
        shown = known
    bands = np.asarray(MaxNLocator(_BANDS).tick_values(shown.min(), shown.max()))
    step = bands[1] - bands[0]
    step *= np.ceil(np.ptp(known) / (_LINES * step))
    first = bands[0] + step * np.ceil((known.min() - bands[0]) / step)
    return bands, np.arange(first, known.max(), step)


def _grey_out(axes: Axes, x: np.ndarray, y: np.ndarray, found: DesignMap) -> Patch:
    """Grey and hatch where a limit is broken, its edge between the grid's points."""
    least = np.ones(found.values.shape)
    for slack in found.slacks.values():
        most = np.max(np.abs(slack), where=np.isfinite(slack), initial=0.0) or 1.0
        least = np.minimum(least, np.clip(np.nan_to_num(slack / most, nan=-1.0), -1, 1))
    broken = axes.contourf(x, y, least, [-2.0, 0.0], colors=[_GREY], hatches=["////"])
    broken.set(edgecolor=_HATCH, linewidth=0)
    return Patch(facecolor=_GREY, edgecolor=_HATCH, hatch="////", linewidth=0, label="a limit broken")


def _mark(axes: Axes, found: DesignMap, record: dict[str, Any]) -> None:
    """Mark the design, and the baseline, which may differ in what the map holds."""
    entries = record["variables"]

    def place(key: str) -> tuple[float, float]:
        x, y = (VARIABLES[name].scale * entries[name][key] for name in found.names)
        return x, y

    mark(axes, *place("value"), "design")
    if record["baseline"]["inside_box"]:
        off = any(
            abs(entry["value"] - entry["baseline"]) > _NEAR * (entry["upper"] - entry["lower"])
            for name, entry in entries.items()
            if name not in found.names
        )
        mark(
            axes, *place("baseline"), "baseline, other variables not as held here" if off else "baseline"
        )
