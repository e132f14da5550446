"""A picture of a sweep: where in the box designs ended in which way, and what failed where."""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from electrograd.figures import ALARM, MUTED, STYLE
from electrograd.physics.charge import End
from electrograd.physics.variables import ACCEPTED_CAPACITY, C_RATE, NOMINAL_CAPACITY, PLATING_MARGIN
from electrograd.sweep_classes import Axis, Class, axes_of, classes_of, most_telling, thinned
from electrograd.sweeps.export import check_file, loaded, replacing
from electrograd.sweeps.record import END
from electrograd.sweeps.store import VALUES
from electrograd.tables import FIGURES


def draw_sweep(data: xr.Dataset, path: Path) -> None:
    """Draw a sweep as a PNG.

    Pairs of the variables that tell the endings apart best, coloured by ending, failures on top; the
    share of each ending along each variable; the share of the capacity accepted; plating margins. Where
    all designs that ran ended alike, colours are bands of the share accepted instead.

    Parameters
    ----------
    data
        The store, as ``xarray.open_zarr`` returns it.
    path
        Where to write, ending in .png; a file of that name is replaced.

    Raises
    ------
    InputError
        If nothing can be written there under that name, or the sweep is damaged.
    """
    check_file(path, (".png",))
    data = loaded(data[[END, VALUES, ACCEPTED_CAPACITY, NOMINAL_CAPACITY, PLATING_MARGIN]])
    ends = data[END].values
    share = 100 * data[ACCEPTED_CAPACITY].values / data[NOMINAL_CAPACITY].values
    margin = 1e3 * data[PLATING_MARGIN].values
    axes = axes_of(data)
    classes = classes_of(ends, share)
    chosen = most_telling(axes, classes)
    shown = thinned(classes, len(ends))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(13.5, 8.6), layout="constrained")
        figure.suptitle(_title(ends, margin), x=0.01, ha="left", fontsize=13, fontweight="bold")
        halves: Any = figure.subfigures(1, 2, width_ratios=(2.35, 1))
        left, right = halves
        _pairs(left, [axes[k] for k in chosen], classes, shown)
        lead = next((axis for axis in axes if axis.label.startswith(C_RATE)), axes[chosen[0]])
        upper, lower = right.subplots(2, 1)
        _share_panel(upper, lead, share, shown)
        _margin_panel(lower, margin, classes)
        figure.supxlabel(
            _caption(len(ends), shown, len(axes), len(chosen)), x=0.01, ha="left", fontsize=9
        )
        with replacing(path) as (partial,):
            figure.savefig(partial, format="png", dpi=150)


def _title(ends: np.ndarray, margin: np.ndarray) -> str:
    done = ends != End.PENDING
    failed = int(sum(not End(int(end)).completed for end in ends[done]))
    plated = int(np.sum(margin < 0))
    known = int(np.sum(np.isfinite(margin)))
    title = f"{np.sum(done):,} of {len(ends):,} designs simulated, {failed:,} failed"
    return f"{title}; {100 * plated / known:.0f} % plate lithium" if known else title


def _caption(designs: int, shown: list[Class], variables: int, chosen: int) -> str:
    parts = []
    if variables > chosen and len(shown) == 1:
        parts.append(f"The first {chosen} of {variables} variables.")
    elif variables > chosen:
        parts.append(
            f"The {chosen} of {variables} variables that tell the colours apart best, the best first."
        )
    drawn = sum(len(one.rows) for one in shown)
    if drawn < designs:
        parts.append(
            f"{drawn:,} of {designs:,} designs are drawn as points, chosen by chance; bars count all."
        )
    return " ".join(parts)


def _scatter(axes: Axes, shown: list[Class], x: np.ndarray, y: np.ndarray) -> None:
    size = 14.0 if sum(len(one.rows) for one in shown) < 1000 else 7.0
    for one in shown:
        style: dict[str, Any] = {"linewidth": 0, "alpha": 0.75}
        if one.failed:
            style = {"edgecolor": "white", "linewidth": 0.6, "zorder": 3}
        axes.scatter(
            x[one.rows],
            y[one.rows],
            s=46.0 if one.failed else size,
            color=one.colour,
            marker=one.marker,
            **style,
        )


def _pairs(figure: SubFigure, axes: list[Axis], classes: list[Class], shown: list[Class]) -> None:
    """Lower triangle of scatters, shares of the classes on the diagonal, legend in the free corner."""
    n = len(axes)
    grid: Any = figure.subplots(n, max(n, 2), squeeze=False)
    for row, column in np.ndindex(*grid.shape):
        one = grid[row, column]
        if column > row:
            one.set_axis_off()
            continue
        axes[column].mark(one, "x")
        if row == column:
            _shares_along(one, axes[row], classes)
        else:
            axes[row].mark(one, "y")
            _scatter(one, shown, axes[column].places, axes[row].places)
        if row < n - 1:
            one.tick_params(labelbottom=False)
        else:
            one.set_xlabel(_folded(axes[column].label))
        if row == column:
            one.set_ylabel("Share of designs [%]")
        elif column == 0:
            one.set_ylabel(_folded(axes[row].label))
        else:
            one.tick_params(labelleft=False)
    handles = list(_handles(classes))
    figure.legend(
        handles=handles, loc="upper right", fontsize=9, title="Designs by their end", alignment="left"
    )


def _handles(classes: list[Class]) -> Iterator[Any]:
    for one in classes:
        yield Line2D(
            [],
            [],
            linestyle="",
            marker=one.marker,
            markersize=8 if one.failed else 7,
            color=one.colour,
            label=f"{one.label}: {int(one.rows.sum()):,}",
        )


def _shares_along(axes: Axes, axis: Axis, classes: list[Class]) -> None:
    """Share of each class in every bin, of what was simulated."""
    edges = axis.edges
    done = [one for one in classes if not one.pending]
    counts = [np.histogram(axis.values[one.rows], edges)[0] for one in done]
    total = np.sum(counts, axis=0) if counts else np.zeros(len(edges) - 1)
    bottom = np.zeros(len(edges) - 1)
    for one, count in zip(done, counts, strict=True):
        height = 100 * count / np.maximum(total, 1)
        axes.bar(edges[:-1], height, np.diff(edges), bottom, align="edge", color=one.colour, linewidth=0)
        bottom += height
    axes.set_ylim(0, 100)
    if not done:
        _say_nothing(axes)


def _folded(label: str) -> str:
    """Break a long name into lines."""
    return textwrap.fill(label, 24)


def _share_panel(axes: Axes, lead: Axis, share: np.ndarray, shown: list[Class]) -> None:
    lead.mark(axes, "x")
    axes.set(
        xlabel=lead.label,
        ylabel="Accepted share of nominal capacity [%]",
    )
    axes.set_ylim(0, max(105.0, 1.05 * float(np.nanmax(share, initial=0.0))))
    if not np.any(np.isfinite(share)):
        _say_nothing(axes)
        return
    _scatter(axes, shown, lead.places, share)


def _say_nothing(axes: Axes) -> None:
    axes.text(0.5, 0.5, "nothing simulated yet", transform=axes.transAxes, ha="center", color=MUTED)


def _margin_panel(axes: Axes, margin: np.ndarray, classes: list[Class]) -> None:
    known = [one for one in classes if np.any(np.isfinite(margin[one.rows]))]
    show = FIGURES[PLATING_MARGIN]
    axes.set(xlabel=f"{show.title}: below 0, lithium plates", ylabel="Designs")
    if not known:
        _say_nothing(axes)
        return
    values = [margin[one.rows][np.isfinite(margin[one.rows])] for one in known]
    every = np.concatenate(values)
    edges = np.histogram_bin_edges(np.append(every, 0.0), 30)
    axes.hist(values, edges.tolist(), stacked=True, color=[one.colour for one in known], linewidth=0)
    axes.axvline(0, color=ALARM, linewidth=1.5)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
